/* SPDX-License-Identifier: MIT */
/*
 * NumPy's legacy random numbers (numpy.random.seed() and what follows it), as far as the published
 * program's splits and exemplars need them: the Mersenne Twister MT19937 (Matsumoto & Nishimura
 * 1998), and drawing without replacement by a shuffle. NumPy keeps these numbers for ever.
 */
#ifndef OPRO_BASE_NUMPY_RANDOM_H
#define OPRO_BASE_NUMPY_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { OPRO__MT_WORDS = 624 };

typedef struct opro__numpy_random {
    uint32_t state[OPRO__MT_WORDS];
    size_t used; /* words of the state that were handed out */
} opro__numpy_random;

/* numpy.random.seed(seed) */
void opro__numpy_seed(opro__numpy_random *random, uint32_t seed);

/* 32 random bits. */
uint32_t opro__numpy_next(opro__numpy_random *random);

/*
 * numpy.random.shuffle(values), n <= 2^32; of 0 .. n-1 it makes permutation(n). The first k of them
 * are then choice(values, k, replace=False).
 */
void opro__numpy_shuffle(opro__numpy_random *random, int64_t *values, size_t n);

#endif
