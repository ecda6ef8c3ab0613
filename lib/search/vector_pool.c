/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "vector.h"

int opro__pool_init(opro__pool *pool, size_t d, size_t cap, opro__mem *mem) {
    *pool = (opro__pool){.d = d, .cap = cap};
    pool->x = opro__calloc(mem, cap, sizeof *pool->x);
    pool->badness = opro__calloc(mem, cap, sizeof *pool->badness);
    pool->block = opro__calloc(mem, cap * d, sizeof *pool->block);
    if (!pool->x || !pool->badness || !pool->block) return 0;
    for (size_t i = 0; i < cap; i++)
        pool->x[i] = pool->block + i * d;
    return 1;
}

void opro__pool_free(opro__pool *pool, opro__mem *mem) {
    opro__free(mem, pool->block);
    opro__free(mem, pool->badness);
    opro__free(mem, pool->x);
}

void opro__pool_insert(opro__pool *pool, const double *x, double badness) {
    size_t at = pool->n;
    double *row;

    while (at > 0 && pool->badness[at - 1] > badness)
        at--;
    if (at == pool->cap) return;
    if (pool->n < pool->cap) pool->n++;
    row = pool->x[pool->n - 1];
    memmove(pool->x + at + 1, pool->x + at, (pool->n - 1 - at) * sizeof *pool->x);
    memmove(pool->badness + at + 1, pool->badness + at, (pool->n - 1 - at) * sizeof *pool->badness);
    pool->x[at] = row;
    pool->badness[at] = badness;
    memcpy(row, x, pool->d * sizeof *x);
}

static double deviation(const opro__pool *pool, size_t n, size_t i) {
    double mean = 0, sum = 0;

    for (size_t k = 0; k < n; k++)
        mean += pool->x[k][i] / (double)n;
    for (size_t k = 0; k < n; k++)
        sum += (pool->x[k][i] - mean) * (pool->x[k][i] - mean);
    return sqrt(sum / (double)n);
}

void opro__pool_spread(const opro__pool *pool, const opro__space *space, double *spread) {
    size_t n = pool->n < OPRO__POOL_TOP ? pool->n : OPRO__POOL_TOP;
    double widest = 0; /* as a share of the bounds */

    for (size_t i = 0; i < pool->d; i++) {
        double width = space->upper[i] - space->lower[i];

        spread[i] = deviation(pool, n, i);
        if (width > 0 && spread[i] / width > widest) widest = spread[i] / width;
    }
    if (widest == 0) widest = 0.2; /* one vector alone */
    for (size_t i = 0; i < pool->d; i++) {
        double least = 0.1 * widest * (space->upper[i] - space->lower[i]);

        if (spread[i] < least) spread[i] = least;
    }
}
