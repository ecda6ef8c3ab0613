/* SPDX-License-Identifier: MIT */
/*
 * An endpoint on loopback, in a process of its own, which answers from what it is asked alone: all
 * dialects, by path; "please fail" in a body is refused, "old style" wants another parameter. It
 * says right answers to questions after "item N", "yes" to whoever asks for a judgement, and else
 * an idea that depends on the whole body.
 */
#ifndef TESTS_FAILURE_SERVER_H
#define TESTS_FAILURE_SERVER_H

/* Before anything else in the program: memory of libcurl and jansson is ours. */
void server_prepare(void);

void server_start(void);
void server_stop(void);

/* "http://127.0.0.1:PORT"; and of a port where nobody listens. */
const char *server_url(void);
const char *server_nowhere(void);

#endif
