/* SPDX-License-Identifier: MIT */
#include "numpy_random.h"

enum { WORDS = OPRO__MT_WORDS, MIDDLE = 397 };

void opro__numpy_seed(opro__numpy_random *random, uint32_t seed) {
    uint32_t *s = random->state;

    s[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++)
        s[i] = UINT32_C(1812433253) * (s[i - 1] ^ s[i - 1] >> 30) + i;
    random->used = WORDS;
}

/* The next 624 words from the last ones. */
static void renew(uint32_t s[WORDS]) {
    for (size_t i = 0; i < WORDS; i++) {
        uint32_t y = (s[i] & UINT32_C(0x80000000)) | (s[(i + 1) % WORDS] & UINT32_C(0x7fffffff));

        s[i] = s[(i + MIDDLE) % WORDS] ^ y >> 1 ^ (y & 1 ? UINT32_C(0x9908b0df) : 0);
    }
}

uint32_t opro__numpy_next(opro__numpy_random *random) {
    uint32_t y;

    if (random->used == WORDS) {
        renew(random->state);
        random->used = 0;
    }
    y = random->state[random->used++];
    y ^= y >> 11;
    y ^= y << 7 & UINT32_C(0x9d2c5680);
    y ^= y << 15 & UINT32_C(0xefc60000);
    return y ^ y >> 18;
}

/* Uniform in 0 .. last: as many bits as last has, until they are not above it. */
static uint32_t up_to(opro__numpy_random *random, uint32_t last) {
    uint32_t mask = last, x;

    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do
        x = opro__numpy_next(random) & mask;
    while (x > last);
    return x;
}

void opro__numpy_shuffle(opro__numpy_random *random, int64_t *values, size_t n) {
    for (size_t i = n; i-- > 1;) {
        size_t j = up_to(random, (uint32_t)i);
        int64_t value = values[i];

        values[i] = values[j];
        values[j] = value;
    }
}
