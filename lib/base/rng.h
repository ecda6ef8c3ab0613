/* SPDX-License-Identifier: MIT */
/*
 * Random numbers without hidden state: SplitMix64 over a counter (Steele, Lea & Flood 2014),
 * keyed by what they are for. The same key gives the same numbers, on every platform.
 */
#ifndef OPRO_BASE_RNG_H
#define OPRO_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct opro__rng {
    uint64_t key;
    uint64_t counter;
} opro__rng;

/* What numbers are for: never renumber. */
enum {
    OPRO__RNG_EXEMPLARS = 1,
    OPRO__RNG_ORDER = 2,
    OPRO__RNG_SAMPLING = 3,
    OPRO__RNG_INSTANCES = 4,
    OPRO__RNG_LOCAL = 5,
    OPRO__RNG_POLISH = 6,
    OPRO__RNG_BACKOFF = 7,
    OPRO__RNG_SPLIT = 8
};

opro__rng opro__rng_make(uint64_t seed, int64_t step, uint64_t purpose);
uint64_t opro__rng_next(opro__rng *rng);

/* Uniform in [0, n), n > 0; unbiased. */
uint64_t opro__rng_below(opro__rng *rng, uint64_t n);

/* Uniform in [0, 1), 53 bits. */
double opro__rng_real(opro__rng *rng);

/*
 * Mean 0, variance 1, nearly normal: the sum of twelve uniforms, so no function of libm can make
 * platforms differ.
 */
double opro__rng_normal(opro__rng *rng);

/* k different numbers of 0 .. n-1, in increasing order (k <= n), by Floyd's algorithm. */
void opro__rng_choose(opro__rng *rng, size_t n, size_t k, size_t *out);

#endif
