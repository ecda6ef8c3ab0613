/* SPDX-License-Identifier: MIT */
#include "rng.h"

#include "hash.h"

opro__rng opro__rng_make(uint64_t seed, int64_t step, uint64_t purpose) {
    uint64_t key = opro__hash_add(opro__hash_add(opro__mix(seed), (uint64_t)step), purpose);

    return (opro__rng){.key = key, .counter = 0};
}

uint64_t opro__rng_next(opro__rng *rng) {
    return opro__mix(rng->key + ++rng->counter * UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t opro__rng_below(opro__rng *rng, uint64_t n) {
    uint64_t reject = (0 - n) % n; /* 2^64 mod n */
    uint64_t x;

    do
        x = opro__rng_next(rng);
    while (x < reject);
    return x % n;
}

double opro__rng_real(opro__rng *rng) {
    return (double)(opro__rng_next(rng) >> 11) / 9007199254740992.0;
}

double opro__rng_normal(opro__rng *rng) {
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += opro__rng_real(rng);
    return sum;
}

/* Where x stands, or would stand, among n increasing numbers. */
static size_t lower_bound(const size_t *sorted, size_t n, size_t x) {
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;

        if (sorted[middle] < x)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

void opro__rng_choose(opro__rng *rng, size_t n, size_t k, size_t *out) {
    for (size_t count = 0; count < k; count++) {
        size_t last = n - k + count;
        size_t pick = (size_t)opro__rng_below(rng, (uint64_t)last + 1);
        size_t at = lower_bound(out, count, pick);

        if (at < count && out[at] == pick) at = lower_bound(out, count, pick = last);
        for (size_t i = count; i > at; i--)
            out[i] = out[i - 1];
        out[at] = pick;
    }
}
