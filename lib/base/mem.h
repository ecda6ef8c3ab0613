/* SPDX-License-Identifier: MIT */
/* Memory of one handle: its allocator, how much is in use, and the most it may use. */
#ifndef OPRO_BASE_MEM_H
#define OPRO_BASE_MEM_H

#include "opro/base.h"

typedef struct opro__mem {
    opro_allocator allocator;
    size_t used;  /* bytes handed out */
    size_t limit; /* 0: none          */
} opro__mem;

/* Takes a copy of the allocator (NULL: malloc). OPRO_ERR_INVALID or OPRO_ERR_ABI. */
opro_status opro__mem_init(opro__mem *mem, const opro_allocator *allocator);

/* n bytes; NULL when there is no memory, the limit is reached, or n is 0. */
void *opro__alloc(opro__mem *mem, size_t n);

/* count * size zeroed bytes; NULL also on overflow. */
void *opro__calloc(opro__mem *mem, size_t count, size_t size);

/* Grow or shrink; on NULL the old block is as it was. n > 0. */
void *opro__realloc(opro__mem *mem, void *p, size_t n);

/* A NUL-terminated copy. */
char *opro__memdup(opro__mem *mem, const char *s, size_t len);

/* NULL is fine. */
void opro__free(opro__mem *mem, void *p);

/* Room for at least need elements in a growing array; false when there is no memory. */
int opro__reserve(opro__mem *mem, void **array, size_t *capacity, size_t need, size_t element);

#endif
