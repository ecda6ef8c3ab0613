/* SPDX-License-Identifier: MIT */
#include "mem.h"

#include <stdlib.h>
#include <string.h>

/* In front of every block: its size. The union keeps what follows aligned as by malloc. */
typedef union header {
    size_t size;
    max_align_t align;
} header;

static void *default_alloc(size_t n, void *user_data) {
    (void)user_data;
    return malloc(n);
}

static void *default_realloc(void *p, size_t n, void *user_data) {
    (void)user_data;
    return realloc(p, n);
}

static void default_free(void *p, void *user_data) {
    (void)user_data;
    free(p);
}

/* The bytes of a newer, larger struct that this library does not know must be zero. */
static int tail_is_zero(const opro_allocator *a) {
    const unsigned char *bytes = (const unsigned char *)a;

    for (size_t i = sizeof *a; i < a->size; i++)
        if (bytes[i] != 0) return 0;
    return 1;
}

opro_status opro__mem_init(opro__mem *mem, const opro_allocator *allocator) {
    static const opro_allocator standard = {sizeof standard, default_alloc, default_realloc,
                                            default_free, NULL};

    if (!allocator) allocator = &standard;
    if (allocator->size < sizeof *allocator || allocator->size > 4096) return OPRO_ERR_INVALID;
    if (!tail_is_zero(allocator)) return OPRO_ERR_ABI;
    if (!allocator->alloc || !allocator->realloc || !allocator->free) return OPRO_ERR_INVALID;
    mem->allocator = *allocator;
    mem->allocator.size = sizeof *allocator;
    mem->used = 0;
    mem->limit = 0;
    return OPRO_OK;
}

static int within_limit(const opro__mem *mem, size_t more) {
    return !mem->limit || (more <= mem->limit && mem->used <= mem->limit - more);
}

void *opro__alloc(opro__mem *mem, size_t n) {
    header *h;

    if (n == 0 || n > SIZE_MAX / 2 || !within_limit(mem, n)) return NULL;
    h = mem->allocator.alloc(sizeof *h + n, mem->allocator.user_data);
    if (!h) return NULL;
    h->size = n;
    mem->used += n;
    return h + 1;
}

void *opro__calloc(opro__mem *mem, size_t count, size_t size) {
    void *p;

    if (size && count > SIZE_MAX / size) return NULL;
    p = opro__alloc(mem, count * size);
    if (p) memset(p, 0, count * size);
    return p;
}

void *opro__realloc(opro__mem *mem, void *p, size_t n) {
    header *h;
    size_t old;

    if (!p) return opro__alloc(mem, n);
    h = (header *)p - 1;
    old = h->size;
    if (n == 0 || n > SIZE_MAX / 2 || (n > old && !within_limit(mem, n - old))) return NULL;
    h = mem->allocator.realloc(h, sizeof *h + n, mem->allocator.user_data);
    if (!h) return NULL;
    h->size = n;
    mem->used = mem->used - old + n;
    return h + 1;
}

char *opro__memdup(opro__mem *mem, const char *s, size_t len) {
    char *copy = len < SIZE_MAX ? opro__alloc(mem, len + 1) : NULL;

    if (!copy) return NULL;
    if (len) memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void opro__free(opro__mem *mem, void *p) {
    header *h;

    if (!p) return;
    h = (header *)p - 1;
    mem->used -= h->size;
    mem->allocator.free(h, mem->allocator.user_data);
}

int opro__reserve(opro__mem *mem, void **array, size_t *capacity, size_t need, size_t element) {
    size_t grown;
    void *p;

    if (need <= *capacity) return 1;
    grown = *capacity > SIZE_MAX / 2 ? need : *capacity * 2;
    if (grown < need) grown = need;
    if (grown < 8) grown = 8;
    if (grown > SIZE_MAX / element) return 0;
    p = opro__realloc(mem, *array, grown * element);
    if (!p) return 0;
    *array = p;
    *capacity = grown;
    return 1;
}
