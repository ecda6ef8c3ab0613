/* SPDX-License-Identifier: MIT */
/*
 * Open addressing with linear probing; removal shifts the followers back, so there are no
 * tombstones.
 */
#include "map.h"

#include <string.h>

static size_t home(const opro__map *map, uint64_t slot) {
    return (size_t)(slot >> 32) & (map->capacity - 1);
}

static uint64_t make_slot(uint64_t hash, uint32_t index) {
    return hash << 32 | (index + 1);
}

void opro__map_init(opro__map *map, opro__mem *mem) {
    *map = (opro__map){.mem = mem};
}

void opro__map_free(opro__map *map) {
    if (map->mem) opro__free(map->mem, map->slots);
    map->slots = NULL;
    map->capacity = map->count = 0;
}

uint32_t opro__map_find(const opro__map *map, uint64_t hash, void *key, opro__map_equal equal,
                        const void *owner) {
    size_t mask = map->capacity - 1;

    if (!map->capacity) return OPRO__MAP_NONE;
    for (size_t i = (size_t)(hash & UINT32_MAX) & mask; map->slots[i]; i = (i + 1) & mask) {
        uint32_t index = (uint32_t)(map->slots[i] & UINT32_MAX) - 1;

        if (map->slots[i] >> 32 == (hash & UINT32_MAX) && equal(key, index, owner)) return index;
    }
    return OPRO__MAP_NONE;
}

static void place(opro__map *map, uint64_t slot) {
    size_t mask = map->capacity - 1;
    size_t i = home(map, slot);

    while (map->slots[i])
        i = (i + 1) & mask;
    map->slots[i] = slot;
}

int opro__map_reserve(opro__map *map) {
    opro__map grown = {.mem = map->mem, .count = map->count};

    if (map->count + 1 <= map->capacity / 4 * 3) return 1;
    grown.capacity = map->capacity ? map->capacity * 2 : 16;
    grown.slots = opro__calloc(map->mem, grown.capacity, sizeof *grown.slots);
    if (!grown.slots) return 0;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i]) place(&grown, map->slots[i]);
    opro__free(map->mem, map->slots);
    *map = grown;
    return 1;
}

void opro__map_insert(opro__map *map, uint64_t hash, uint32_t index) {
    place(map, make_slot(hash, index));
    map->count++;
}

/* Move every follower that may stand nearer to its home into the gap. */
static void close_gap(opro__map *map, size_t gap) {
    size_t mask = map->capacity - 1;

    for (size_t i = (gap + 1) & mask; map->slots[i]; i = (i + 1) & mask) {
        size_t distance = (i - home(map, map->slots[i])) & mask;

        if (distance < ((i - gap) & mask)) continue;
        map->slots[gap] = map->slots[i];
        gap = i;
    }
    map->slots[gap] = 0;
}

void opro__map_remove(opro__map *map, uint64_t hash, uint32_t index) {
    uint64_t slot = make_slot(hash, index);
    size_t mask = map->capacity - 1;

    if (!map->capacity) return;
    for (size_t i = home(map, slot); map->slots[i]; i = (i + 1) & mask) {
        if (map->slots[i] != slot) continue;
        close_gap(map, i);
        map->count--;
        return;
    }
}
