/* SPDX-License-Identifier: MIT */
/* An allocator that knows how many bytes are in use, and how many were at most. Any thread. */
#ifndef TESTS_BENCH_METER_H
#define TESTS_BENCH_METER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "opro/opro.h"

typedef struct meter {
    atomic_size_t used, peak;
} meter;

/* In front of every block: its size. */
typedef union meter_head {
    size_t size;
    max_align_t align;
} meter_head;

static inline void meter_add(meter *m, size_t n) {
    size_t used = atomic_fetch_add(&m->used, n) + n, peak = atomic_load(&m->peak);

    while (used > peak && !atomic_compare_exchange_weak(&m->peak, &peak, used))
        continue;
}

static inline void *meter_alloc(size_t n, void *user_data) {
    meter_head *h = malloc(sizeof *h + n);

    if (!h) return NULL;
    h->size = n;
    meter_add(user_data, n);
    return h + 1;
}

static inline void meter_free(void *p, void *user_data) {
    meter_head *h = p;

    if (!h) return;
    atomic_fetch_sub(&((meter *)user_data)->used, h[-1].size);
    free(h - 1);
}

static inline void *meter_realloc(void *p, size_t n, void *user_data) {
    meter_head *h = p ? (meter_head *)p - 1 : NULL;
    size_t old = h ? h->size : 0;

    h = realloc(h, sizeof *h + n);
    if (!h) return NULL;
    h->size = n;
    meter_add(user_data, n);
    atomic_fetch_sub(&((meter *)user_data)->used, old);
    return h + 1;
}

static inline opro_allocator meter_allocator(meter *m) {
    return (opro_allocator){sizeof(opro_allocator), meter_alloc, meter_realloc, meter_free, m};
}

/* The most since the last call. */
static inline size_t meter_peak(meter *m) {
    return atomic_exchange(&m->peak, atomic_load(&m->used));
}

#endif
