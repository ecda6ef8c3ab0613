/* SPDX-License-Identifier: MIT */
#include "edge_surrogate.h"

#include <math.h>
#include <string.h>

#define SETTLED 1e-5 /* less of a direction than this is new: it is settled */
#define WRONG   0.2  /* a settled one is off by this share of what is usual: no sum over edges */

int opro__edges_init(opro__edges *edges, size_t n, opro__mem *mem) {
    size_t e = n * (n - 1) / 2;

    *edges = (opro__edges){.mem = mem, .n = n, .edges = e, .best_badness = INFINITY};
    edges->basis = opro__calloc(mem, e, sizeof *edges->basis);
    edges->cost = opro__calloc(mem, e, sizeof *edges->cost);
    edges->difference = opro__calloc(mem, e, sizeof *edges->difference);
    edges->weights = opro__calloc(mem, e, sizeof *edges->weights);
    edges->reference = opro__calloc(mem, n, sizeof *edges->reference);
    edges->best = opro__calloc(mem, n, sizeof *edges->best);
    if (!edges->basis || !edges->cost || !edges->difference || !edges->weights ||
        !edges->reference || !edges->best)
        return 0;
    opro__edges_clear(edges);
    return 1;
}

void opro__edges_clear(opro__edges *edges) {
    while (edges->rank > 0)
        opro__free(edges->mem, edges->basis[--edges->rank]);
    memset(edges->cost, 0, edges->edges * sizeof *edges->cost);
    edges->squares = 0;
    edges->started = edges->wrong = 0;
    edges->best_badness = INFINITY;
}

void opro__edges_free(opro__edges *edges) {
    while (edges->rank > 0)
        opro__free(edges->mem, edges->basis[--edges->rank]);
    opro__free(edges->mem, edges->best);
    opro__free(edges->mem, edges->reference);
    opro__free(edges->mem, edges->weights);
    opro__free(edges->mem, edges->difference);
    opro__free(edges->mem, edges->cost);
    opro__free(edges->mem, edges->basis);
}

int opro__edges_settled(const opro__edges *edges) {
    return edges->rank >= edges->edges - edges->n;
}

/* Where the edge between two nodes stands. */
static size_t edge(int32_t a, int32_t b) {
    size_t high = (size_t)(a > b ? a : b), low = (size_t)(a > b ? b : a);

    return high * (high - 1) / 2 + low;
}

static size_t tour_edge(const opro__edges *edges, const int32_t *tour, size_t i) {
    return edge(tour[i], tour[i + 1 == edges->n ? 0 : i + 1]);
}

/* ---- learning -------------------------------------------------------------------------------- */

/* Several sums at a time: they do not wait for each other. */
static double dot(const double *a, const double *b, size_t n) {
    double sums[8] = {0};
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            sums[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sums[0] += a[i] * b[i];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

static void subtract(double *vector, double share, const double *row, size_t n) {
    for (size_t i = 0; i < n; i++)
        vector[i] -= share * row[i];
}

/* Take out of a vector what is settled. */
static void project(const opro__edges *edges, double *vector) {
    for (size_t k = 0; k < edges->rank; k++) {
        const double *row = edges->basis[k];

        subtract(vector, dot(row, vector, edges->edges), row, edges->edges);
    }
}

/* The same for the difference between a tour and the reference, which has few entries. */
static void project_difference(const opro__edges *edges, const int32_t *tour, double *vector) {
    size_t mine[OPRO__EDGES_NODES_MAX], theirs[OPRO__EDGES_NODES_MAX];

    for (size_t i = 0; i < edges->n; i++) {
        mine[i] = tour_edge(edges, tour, i);
        theirs[i] = tour_edge(edges, edges->reference, i);
    }
    for (size_t k = 0; k < edges->rank; k++) {
        const double *row = edges->basis[k];
        double share = 0;

        for (size_t i = 0; i < edges->n; i++)
            share += row[mine[i]] - row[theirs[i]];
        subtract(vector, share, row, edges->edges);
    }
}

static void keep_best(opro__edges *edges, const int32_t *tour, double badness) {
    if (!(badness < edges->best_badness)) return;
    edges->best_badness = badness;
    memcpy(edges->best, tour, edges->n * sizeof *tour);
}

static double spread(const opro__edges *edges) {
    return edges->rank ? sqrt(edges->squares / (double)edges->rank) : 0;
}

static void settle(opro__edges *edges, double *direction, double length, double surprise) {
    double learnt = surprise / length;

    for (size_t i = 0; i < edges->edges; i++) {
        direction[i] /= length;
        edges->cost[i] += learnt * direction[i];
    }
    edges->squares += learnt * learnt;
    edges->basis[edges->rank++] = direction;
}

int opro__edges_learn(opro__edges *edges, const int32_t *tour, double badness) {
    double *d = edges->difference, size, left, surprise, *row;

    keep_best(edges, tour, badness);
    if (!edges->started) {
        memcpy(edges->reference, tour, edges->n * sizeof *tour);
        edges->reference_badness = badness;
        edges->started = 1;
        return 1;
    }
    memset(d, 0, edges->edges * sizeof *d);
    for (size_t i = 0; i < edges->n; i++) {
        d[tour_edge(edges, tour, i)] += 1;
        d[tour_edge(edges, edges->reference, i)] -= 1;
    }
    surprise = badness - edges->reference_badness - dot(d, edges->cost, edges->edges);
    size = sqrt(dot(d, d, edges->edges));
    left = 0;
    if (!opro__edges_settled(edges)) {
        project_difference(edges, tour, d);
        project(edges, d); /* twice is enough (Kahan): the first time leaves rounding */
        left = sqrt(dot(d, d, edges->edges));
    }
    if (left <= SETTLED * size) {
        if (fabs(surprise) > WRONG * size * spread(edges)) edges->wrong = 1;
        return 1;
    }
    row = opro__alloc(edges->mem, edges->edges * sizeof *row);
    if (!row) return 0;
    memcpy(row, d, edges->edges * sizeof *row);
    settle(edges, row, left, surprise);
    return 1;
}

/* ---- looking --------------------------------------------------------------------------------- */

void opro__edges_draw(opro__edges *edges, double boldness, opro__rng *rng, double *matrix) {
    double *noise = edges->weights, amount = boldness * spread(edges);

    for (size_t i = 0; i < edges->edges; i++)
        noise[i] = amount > 0 ? amount * opro__rng_normal(rng) : 0;
    if (amount > 0) project(edges, noise);
    for (size_t i = 0; i < edges->n; i++) {
        matrix[i * edges->n + i] = 0;
        for (size_t j = 0; j < i; j++) {
            size_t at = edge((int32_t)i, (int32_t)j);

            matrix[i * edges->n + j] = matrix[j * edges->n + i] = edges->cost[at] + noise[at];
        }
    }
}
