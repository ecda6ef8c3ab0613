/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out when faults says so. Every block stands between marks that are checked when
 * it goes; it is poisoned before it is used and after, moves whenever it grows, and stays out of
 * use for a while, so that what is freed twice or written to later is found.
 */
#ifndef TESTS_FAILURE_MEMORY_H
#define TESTS_FAILURE_MEMORY_H

#include "opro/base.h"

/* For handles. */
extern const opro_allocator scarce;

/* For jansson and libcurl. */
void *memory_alloc(size_t n);
void *memory_calloc(size_t n, size_t size);
void *memory_realloc(void *p, size_t n);
char *memory_strdup(const char *s);
void memory_free(void *p);

/* How many blocks are in use. */
long memory_live(void);

/* Which was the allocation of the newest one, and of how many bytes. */
long memory_newest(size_t *size);

/* Look at all that were freed of late, and let go of them. */
void memory_settle(void);

#endif
