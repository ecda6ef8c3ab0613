/* SPDX-License-Identifier: MIT */
#include "hash.h"

#include <string.h>

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

uint64_t opro__mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t opro__hash_add(uint64_t hash, uint64_t value) {
    return opro__mix(hash * MULTIPLIER + value + 1);
}

uint64_t opro__hash_add_real(uint64_t hash, double value) {
    uint64_t bits;

    if (value == 0) value = 0; /* -0 and 0 are the same */
    if (value != value)
        return opro__hash_add(hash, UINT64_C(0x7ff8000000000000)); /* so are all NaNs */
    memcpy(&bits, &value, sizeof bits);
    return opro__hash_add(hash, bits);
}

uint64_t opro__hash_add_text(uint64_t hash, const char *s, size_t len) {
    return opro__hash_add(opro__hash_add(hash, len), opro__hash_bytes(s, len));
}

/*
 * 8 bytes as a little-endian number, on every machine; written so that compilers see that it is
 * one load.
 */
static uint64_t word(const char *s) {
    const unsigned char *u = (const unsigned char *)s;

    return (uint64_t)u[0] | (uint64_t)u[1] << 8 | (uint64_t)u[2] << 16 | (uint64_t)u[3] << 24 |
           (uint64_t)u[4] << 32 | (uint64_t)u[5] << 40 | (uint64_t)u[6] << 48 |
           (uint64_t)u[7] << 56;
}

/* The same of the last n < 8 of len bytes. */
static uint64_t last_word(const char *s, size_t len, size_t n) {
    uint64_t w = 0;

    if (len >= 8) return word(s + len - 8) >> (8 * (8 - n));
    for (size_t i = 0; i < n; i++)
        w |= (uint64_t)(unsigned char)s[i] << (8 * i);
    return w;
}

uint64_t opro__hash_bytes(const char *s, size_t len) {
    uint64_t hash = len * MULTIPLIER;
    size_t i = 0;

    for (; i + 8 <= len; i += 8) {
        hash = (hash ^ word(s + i)) * MULTIPLIER;
        hash ^= hash >> 32;
    }
    if (i < len) hash = (hash ^ last_word(s, len, len - i)) * MULTIPLIER;
    return opro__mix(hash);
}
