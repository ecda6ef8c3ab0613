/* SPDX-License-Identifier: MIT */
/*
 * Calls of the system that fail when faults says so. The library and libcurl find these functions
 * in the place of libc's, since the program that they are loaded into has them.
 */
#ifndef TESTS_FAILURE_CALLS_H
#define TESTS_FAILURE_CALLS_H

/* 1: these functions are here (not with every libc). */
int calls_can_fail(void);

/* The one that failed last; "": none did. */
const char *calls_failed(void);

void calls_forget(void);

#endif
