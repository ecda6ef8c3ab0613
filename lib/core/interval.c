/* SPDX-License-Identifier: MIT */
#include "interval.h"

#include <math.h>

#include "opro/problem.h"
#include "trajectory.h"

#define Z 1.959963984540054 /* 95 % of a normal distribution are within so many deviations */

/* Wilson's, for k ones among n. At the ends it is exact, whatever is rounded. */
static opro__interval wilson(double k, double n) {
    double p = k / n, share = Z * Z / n;
    double middle = (p + share / 2) / (1 + share);
    double half = Z * sqrt(p * (1 - p) / n + share / n / 4) / (1 + share);

    return (opro__interval){p, k > 0 ? middle - half : 0, k < n ? middle + half : 1};
}

/* By the standard error. Scores are divided by the largest, so that no square is too large. */
static opro__interval by_error(const double *scores, size_t n, double largest, double known) {
    double mean = 0, squares = 0, half, seen = 0;

    for (size_t i = 0; i < n; i++) {
        double x = scores[i] / largest, before = mean;

        if (isnan(x)) continue;
        mean += (x - before) / ++seen;
        squares += (x - before) * (x - mean);
    }
    half = Z * sqrt(squares / (known - 1) / known);
    return (opro__interval){mean * largest, (mean - half) * largest, (mean + half) * largest};
}

opro_status opro__interval_of(const double *scores, size_t n, opro__interval *out) {
    double known = 0, ones = 0, zeros = 0, largest = 0;

    for (size_t i = 0; i < n; i++) {
        if (isnan(scores[i])) continue;
        known++;
        ones += scores[i] == 1;
        zeros += scores[i] == 0;
        if (fabs(scores[i]) > largest) largest = fabs(scores[i]);
    }
    if (known < 1 || isinf(largest)) return OPRO_ERR_INVALID;
    if (ones + zeros < known && known < 2) return OPRO_ERR_INVALID;
    *out = ones + zeros < known ? by_error(scores, n, largest, known) : wilson(ones, known);
    return OPRO_OK;
}

opro__interval opro__interval_difference(opro__interval a, opro__interval b) {
    double difference = a.mean - b.mean;
    double down_a = a.mean - a.low, up_a = a.high - a.mean;
    double down_b = b.mean - b.low, up_b = b.high - b.mean;

    return (opro__interval){difference, difference - sqrt(down_a * down_a + up_b * up_b),
                            difference + sqrt(up_a * up_a + down_b * down_b)};
}

/* ---- public ---------------------------------------------------------------------------------- */

opro_status opro_interval(const double *scores, size_t n, double *low, double *high) {
    opro__interval interval;
    opro_status st;

    if (!scores || !low || !high) return OPRO_ERR_INVALID;
    st = opro__interval_of(scores, n, &interval);
    if (st != OPRO_OK) return st;
    *low = interval.low;
    *high = interval.high;
    return OPRO_OK;
}

opro_status opro_trajectory_interval(const opro_trajectory *trajectory, int64_t number, int32_t set,
                                     double *low, double *high) {
    const opro__candidate *c;
    const double *scores;
    size_t n;

    if (!trajectory || (set != OPRO_TRAIN && set != OPRO_VALIDATION)) return OPRO_ERR_INVALID;
    c = opro__trajectory_at(trajectory, number);
    if (!c || c->verdict != OPRO_VERDICT_SCORED) return OPRO_ERR_INVALID;
    if (set == OPRO_TRAIN && c->flags & OPRO_FLAG_PARTIAL) return OPRO_ERR_INVALID;
    scores = opro__candidate_known(c, set == OPRO_VALIDATION, &n);
    return opro_interval(scores, n, low, high);
}
