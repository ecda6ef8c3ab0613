/* SPDX-License-Identifier: MIT */
/*
 * What the contenders share: their command line, their clocks, and the line of JSON at the end.
 *
 *     PROGRAM MODE [-c IN_FLIGHT] [-n REQUESTS] [-m MULTIS] [-w] [--ca FILE] [--defaults] [--h2]
 *             [--calls N] [--all] [--cache] URL
 *
 *   -w          open all connections first: IN_FLIGHT requests that are not counted; the server
 *               runs with --warm IN_FLIGHT
 *   --ca        trust the certificates in this file
 *   --defaults  leave libcurl's own folder of certificates on
 *   --h2        HTTP/2, over TLS
 * Ours alone:
 *   --calls     mode step: how many requests score one candidate
 *   --all       give the client all requests at once; it has the queue
 *   --cache     ask at temperature 0, so that the answers go to the client's cache
 */
#ifndef TESTS_BENCH_HTTP_CONTENDER_H
#define TESTS_BENCH_HTTP_CONTENDER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct contender {
    const char *mode, *url, *ca;
    size_t in_flight, requests, multis, calls;
    bool warm, defaults, h2, all, cache;
    size_t done, errors;
    double *latency; /* seconds, of those that began when the first one was done */
    size_t latencies;
    double first;             /* when that was */
    double wall, cpu, system; /* seconds when the measuring began */
    long base;                /* KiB in use before the first request */
} contender;

/* Reads the command line; ends the program when it is wrong. */
void contender_init(contender *c, int argc, char **argv);

/* All is set up, the first request comes next. */
void contender_ready(contender *c);

/* Connections are warm, the measuring begins. */
void contender_begin(contender *c);

/*
 * A request that began then is done now. Those of the warm-up are not told. The latencies of the
 * first IN_FLIGHT requests are kept only if there are no others: they begin all at once, and so
 * wait for each other.
 */
void contender_done(contender *c, double began, bool fine);

/* Prints what was measured. Returns the status to exit with. */
int contender_end(contender *c, const char *name);

#endif
