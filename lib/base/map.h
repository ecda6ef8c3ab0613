/* SPDX-License-Identifier: MIT */
/*
 * A hash map from 64-bit hashes to 32-bit indices into an array of the owner's, who compares what
 * they stand for.
 */
#ifndef OPRO_BASE_MAP_H
#define OPRO_BASE_MAP_H

#include "mem.h"

#define OPRO__MAP_NONE UINT32_MAX

typedef struct opro__map {
    opro__mem *mem;
    uint64_t *slots; /* upper half: the hash's lower half; lower half: index + 1, 0 when free */
    size_t capacity; /* power of two, or 0 */
    size_t count;
} opro__map;

/*
 * 1 if index stands for key. It sees every index with key's hash until it says 1, and may note in
 * key what it saw.
 */
typedef int (*opro__map_equal)(void *key, uint32_t index, const void *owner);

void opro__map_init(opro__map *map, opro__mem *mem);
void opro__map_free(opro__map *map);

/* The index that stands for key, or OPRO__MAP_NONE. */
uint32_t opro__map_find(const opro__map *map, uint64_t hash, void *key, opro__map_equal equal,
                        const void *owner);

/* Make sure that one more insertion cannot fail; 0 when there is no memory. */
int opro__map_reserve(opro__map *map);

/* Put in an index that is not there yet; needs opro__map_reserve() before. index < UINT32_MAX. */
void opro__map_insert(opro__map *map, uint64_t hash, uint32_t index);

/* Take it out; nothing happens if it is not there. */
void opro__map_remove(opro__map *map, uint64_t hash, uint32_t index);

#endif
