/* SPDX-License-Identifier: MIT */
/*
 * An allocator that fails when told to, and counts what is alive: for tests that fail every
 * allocation in turn.
 */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

#include <stdlib.h>

#include "opro/base.h"

typedef struct failing {
    long left; /* allocations that still succeed; negative: all */
    long live; /* blocks handed out and not freed               */
} failing;

static inline int failing_spend(failing *f) {
    if (f->left == 0) return 0;
    if (f->left > 0) f->left--;
    return 1;
}

static inline void *failing_alloc(size_t n, void *user_data) {
    failing *f = user_data;
    void *p = failing_spend(f) ? malloc(n) : NULL;

    f->live += p != NULL;
    return p;
}

static inline void *failing_realloc(void *p, size_t n, void *user_data) {
    return failing_spend(user_data) ? realloc(p, n) : NULL;
}

static inline void failing_free(void *p, void *user_data) {
    ((failing *)user_data)->live -= p != NULL;
    free(p);
}

static inline opro_allocator failing_allocator(failing *f) {
    return (opro_allocator){sizeof(opro_allocator), failing_alloc, failing_realloc, failing_free,
                            f};
}

#endif
