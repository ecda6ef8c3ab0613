/* SPDX-License-Identifier: MIT */
#include "vector.h"

#define LEAST 4

int opro__de_usable(const opro__pool *pool) {
    return pool->n >= LEAST;
}

/* Different ranks among the first n, in random order. */
static void choose(size_t n, size_t ranks[LEAST], opro__rng *rng) {
    for (size_t i = 0; i < LEAST; i++) {
        size_t k;

        do {
            ranks[i] = (size_t)opro__rng_below(rng, n);
            for (k = 0; k < i && ranks[k] != ranks[i]; k++) {
            }
        } while (k < i);
    }
}

void opro__de_propose(const opro__pool *pool, opro__rng *rng, double *x) {
    size_t n = pool->n < OPRO__POOL_TOP ? pool->n : OPRO__POOL_TOP, ranks[LEAST];
    double factor = 0.4 + 0.6 * opro__rng_real(rng);
    const double *target, *base, *plus, *minus;
    size_t sure;

    choose(n, ranks, rng);
    target = pool->x[ranks[0]];
    base = pool->x[opro__rng_below(rng, 2) ? 0 : ranks[1]];
    plus = pool->x[ranks[2]];
    minus = pool->x[ranks[3]];
    sure = (size_t)opro__rng_below(rng, pool->d);
    for (size_t i = 0; i < pool->d; i++) {
        int cross = opro__rng_real(rng) < 0.9;

        x[i] = cross || i == sure ? base[i] + factor * (plus[i] - minus[i]) : target[i];
    }
}
