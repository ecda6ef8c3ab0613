/* SPDX-License-Identifier: MIT */
/*
 * The book of delays of the bench server: draws them, keeps every one that was handed out, and
 * reckons from them what an ideal client would have needed. The k-th delay depends on the seed and
 * k alone, so all contenders meet the same ones.
 */
#ifndef TESTS_BENCH_HTTP_DELAYS_H
#define TESTS_BENCH_HTTP_DELAYS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How long requests take: "none", "fixed:MS", "lognormal:MEAN:P99" (milliseconds). */
typedef struct distribution {
    double fixed;     /* milliseconds, when sigma is 0 */
    double mu, sigma; /* of the logarithm of milliseconds */
} distribution;

/* Returns 0, or -1 for a text that is none of the above. */
int distribution_parse(distribution *d, const char *text);

typedef struct delays {
    distribution what;
    uint64_t seed;
    double *ms; /* handed out, in this order */
    size_t count, room;
} delays;

/* The next delay, in milliseconds. */
double delays_next(delays *d);

/*
 * As JSON: "name":[all of them], and "mean_ms":..,"p50_ms":..,"p99_ms":..,"max_ms":.. of those
 * after the first few.
 */
void delays_write(FILE *to, const char *name, const delays *d);
void delays_write_figures(FILE *to, const delays *d, size_t skip);

/*
 * Seconds of the greedy schedule: all jobs wait from the beginning, each starts, in order, as soon
 * as one of the slots is free. With proposals, these are the jobs of the beginning, and each that
 * ends lets the next `follow` of the jobs in.
 */
double delays_ideal(const delays *jobs, const delays *proposals, size_t follow, size_t slots);

void delays_free(delays *d);

#endif
