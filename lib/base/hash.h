/* SPDX-License-Identifier: MIT */
/* 64-bit digests, equal on every platform. Not for security: collisions are always checked for. */
#ifndef OPRO_BASE_HASH_H
#define OPRO_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Spreads the bits of x (the finaliser of SplitMix64, Steele et al. 2014). */
uint64_t opro__mix(uint64_t x);

/* The digest so far, with one more value put in. Order matters. */
uint64_t opro__hash_add(uint64_t hash, uint64_t value);
uint64_t opro__hash_add_real(uint64_t hash, double value);
uint64_t opro__hash_add_text(uint64_t hash, const char *s, size_t len);

/* The digest of bytes. */
uint64_t opro__hash_bytes(const char *s, size_t len);

#endif
