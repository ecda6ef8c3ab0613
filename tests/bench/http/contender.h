/* SPDX-License-Identifier: MIT */
/*
 * What the contenders share: their command line, their clocks, and the line of JSON at the end.
 *
 *     PROGRAM MODE [-c IN_FLIGHT] [-n REQUESTS] [-m MULTIS] [-w] [--ca FILE] [--defaults] [--h2]
 *             [--calls N] URL
 *
 *   -w          open all connections first: IN_FLIGHT requests that are not counted; the server
 *               runs with --warm IN_FLIGHT
 *   --ca        trust the certificates in this file
 *   --defaults  leave libcurl's own folder of certificates on
 *   --h2        HTTP/2, over TLS
 *   --calls     mode step: how many requests score one candidate
 */
#ifndef TESTS_BENCH_HTTP_CONTENDER_H
#define TESTS_BENCH_HTTP_CONTENDER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct contender {
    const char *mode, *url, *ca;
    size_t in_flight, requests, multis, calls;
    bool warm, defaults, h2;
    double *latency; /* seconds, of those that are done */
    size_t done, errors;
    double wall, cpu, system; /* seconds when the measuring began */
    long base;                /* KiB in use before the first request */
} contender;

/* Reads the command line; ends the program when it is wrong. */
void contender_init(contender *c, int argc, char **argv);

/* Seconds of a clock on the wall. */
double contender_now(void);

/* All is set up, the first request comes next. */
void contender_ready(contender *c);

/* Connections are warm, the measuring begins. */
void contender_begin(contender *c);

/* A request that began then is done now. Those of the warm-up are not told. */
void contender_done(contender *c, double began, bool fine);

/* Prints what was measured. Returns the status to exit with. */
int contender_end(contender *c, const char *name);

#endif
