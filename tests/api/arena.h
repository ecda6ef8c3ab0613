/* SPDX-License-Identifier: MIT */
/*
 * Memory that can be thrown away as a whole: what a host does with objects that it has lost. For
 * tests in C and in C++.
 */
#ifndef TESTS_ARENA_H
#define TESTS_ARENA_H

#include <stddef.h>
#include <stdlib.h>

#include "opro/base.h"

typedef union block {
    struct {
        union block *next, *prev;
    } at;
    max_align_t align;
} block;

typedef struct arena {
    block all; /* a ring */
} arena;

static inline void arena_link(arena *a, block *b) {
    b->at.next = &a->all;
    b->at.prev = a->all.at.prev;
    b->at.prev->at.next = b;
    a->all.at.prev = b;
}

static inline void arena_unlink(block *b) {
    b->at.prev->at.next = b->at.next;
    b->at.next->at.prev = b->at.prev;
}

static inline void *arena_alloc(size_t n, void *user_data) {
    block *b = (block *)malloc(sizeof *b + n);

    if (!b) return NULL;
    arena_link((arena *)user_data, b);
    return b + 1;
}

static inline void arena_free(void *p, void *user_data) {
    (void)user_data;
    arena_unlink((block *)p - 1);
    free((block *)p - 1);
}

static inline void *arena_realloc(void *p, size_t n, void *user_data) {
    block *b = (block *)p - 1, *grown;

    arena_unlink(b);
    grown = (block *)realloc(b, sizeof *b + n);
    arena_link((arena *)user_data, grown ? grown : b);
    return grown ? grown + 1 : NULL;
}

static inline opro_allocator arena_open(arena *a) {
    opro_allocator mem = {sizeof(opro_allocator), arena_alloc, arena_realloc, arena_free, NULL};

    a->all.at.next = a->all.at.prev = &a->all;
    mem.user_data = a;
    return mem;
}

static inline int arena_is_empty(const arena *a) {
    return a->all.at.next == &a->all;
}

static inline void arena_throw_away(arena *a) {
    while (!arena_is_empty(a))
        arena_free(a->all.at.next + 1, a);
}

#endif
