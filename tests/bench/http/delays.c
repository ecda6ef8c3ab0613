/* SPDX-License-Identifier: MIT */
#include "delays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUANTILE_99 2.3263478740408408 /* of the standard normal distribution */

int distribution_parse(distribution *d, const char *text) {
    double mean, p99, inside;
    char rest;

    memset(d, 0, sizeof *d);
    if (strcmp(text, "none") == 0) return 0;
    if (sscanf(text, "fixed:%lf%c", &d->fixed, &rest) == 1) return d->fixed >= 0 ? 0 : -1;
    if (sscanf(text, "lognormal:%lf:%lf%c", &mean, &p99, &rest) != 2) return -1;
    if (!(mean > 0) || !(p99 > mean)) return -1;
    /* mu + sigma^2 / 2 = ln mean and mu + q sigma = ln p99; the smaller root is the usual shape */
    inside = QUANTILE_99 * QUANTILE_99 - 2 * log(p99 / mean);
    if (inside < 0) return -1;
    d->sigma = QUANTILE_99 - sqrt(inside);
    d->mu = log(mean) - d->sigma * d->sigma / 2;
    return 0;
}

static double uniform(uint64_t seed, uint64_t k) {
    uint64_t x = seed * 0x9e3779b97f4a7c15u + (k + 1) * 0xd1342543de82ef95u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return ((double)(x >> 11) + 0.5) / 9007199254740992.0;
}

static double draw(const delays *d, uint64_t k) {
    double radius, angle;

    if (d->what.sigma == 0) return d->what.fixed;
    radius = sqrt(-2 * log(uniform(d->seed, 2 * k)));
    angle = 6.283185307179586 * uniform(d->seed, 2 * k + 1);
    return exp(d->what.mu + d->what.sigma * radius * cos(angle));
}

double delays_next(delays *d) {
    if (d->count == d->room) {
        d->room = d->room ? 2 * d->room : 4096;
        d->ms = realloc(d->ms, d->room * sizeof *d->ms);
        if (!d->ms) abort();
    }
    d->ms[d->count] = draw(d, d->count);
    return d->ms[d->count++];
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double *sorted(const double *values, size_t n) {
    double *copy = malloc((n + 1) * sizeof *copy);

    if (!copy) abort();
    if (n) memcpy(copy, values, n * sizeof *copy);
    qsort(copy, n, sizeof *copy, by_size);
    return copy;
}

void delays_write(FILE *to, const char *name, const delays *d) {
    fprintf(to, "\"%s\":[", name);
    for (size_t i = 0; i < d->count; i++)
        fprintf(to, "%s%.4f", i > 0 ? "," : "", d->ms[i]);
    fputc(']', to);
}

static double quantile(const double *sorted_ms, size_t n, double q) {
    return n ? sorted_ms[(size_t)(q * (double)(n - 1) + 0.5)] : 0;
}

void delays_write_figures(FILE *to, const delays *d, size_t skip) {
    size_t n = d->count > skip ? d->count - skip : 0;
    double *copy = sorted(d->ms + (n ? skip : 0), n), sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += copy[i];
    fprintf(to, "\"mean_ms\":%.4f,\"p50_ms\":%.4f,", n ? sum / (double)n : 0,
            quantile(copy, n, .5));
    fprintf(to, "\"p99_ms\":%.4f,\"max_ms\":%.4f", quantile(copy, n, .99), quantile(copy, n, 1));
    free(copy);
}

/* The slot that is free first, at the root, is taken until then. */
static void take_first(double *heap, size_t n, double until) {
    size_t i = 0, child;

    while ((child = 2 * i + 1) < n) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= until) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = until;
}

double delays_ideal(const delays *jobs, const delays *proposals, size_t follow, size_t slots) {
    double *heap = calloc(slots ? slots : 1, sizeof *heap),
           *released = sorted(proposals->ms, proposals->count);
    double end = 0;

    if (!heap) abort();
    if (!slots) slots = 1;
    for (size_t i = 0; i < proposals->count; i++) { /* fewer than there are slots */
        take_first(heap, slots, heap[0] + proposals->ms[i]);
        if (released[i] > end) end = released[i];
    }
    for (size_t i = 0; i < jobs->count; i++) {
        size_t by = follow ? i / follow : 0;
        double start = heap[0];

        if (by < proposals->count && released[by] > start) start = released[by];
        take_first(heap, slots, start + jobs->ms[i]);
        if (start + jobs->ms[i] > end) end = start + jobs->ms[i];
    }
    free(heap);
    free(released);
    return end / 1000;
}

void delays_free(delays *d) {
    free(d->ms);
    d->ms = NULL;
    d->count = d->room = 0;
}
