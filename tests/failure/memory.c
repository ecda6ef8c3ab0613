/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "play.h"

enum { RESTING = 256, FRESH = 0xa5, STALE = 0x5a };

static const uint64_t in_use = UINT64_C(0x6c9e1b0f3ad57241);
static const uint64_t freed = UINT64_C(0x1f83d9abfb41bd6b);

/* In front of a block; behind it stand the bytes of in_use once more. */
typedef union head {
    struct {
        union head *newer, *older;
        size_t size;
        long number;
        uint64_t mark;
        int counts; /* 0: of another thread than that of the scenario */
    } is;
    max_align_t aligned;
} head;

/* libcurl looks names up in threads; what is ours may be freed there. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static head *newest;
static long live, allocations;
static head *resting[RESTING]; /* freed ones, in a ring */
static size_t next_rest;

static unsigned char *body_of(head *h) {
    return (unsigned char *)(h + 1);
}

/* What those threads ask for comes at times of their own. */
static int counts(void) {
    static pthread_t tested;
    static int known;

    if (!known) tested = pthread_self();
    known = 1;
    return pthread_equal(pthread_self(), tested) != 0;
}

static void *take(size_t n) {
    head *h;
    int ours = counts();

    if (ours && fault_now(FAULT_MEMORY)) return NULL;
    h = malloc(sizeof *h + n + sizeof in_use);
    if (!h) wrong("this machine has no memory");
    memset(h, 0, sizeof *h);
    h->is.size = n;
    h->is.mark = in_use;
    h->is.counts = ours;
    memset(body_of(h), FRESH, n);
    memcpy(body_of(h) + n, &in_use, sizeof in_use);
    if (!ours) return body_of(h);
    pthread_mutex_lock(&lock);
    h->is.number = allocations++;
    h->is.older = newest;
    if (newest) newest->is.newer = h;
    newest = h;
    live++;
    pthread_mutex_unlock(&lock);
    return body_of(h);
}

static void look_at_resting(const head *h) {
    const unsigned char *body = (const unsigned char *)(h + 1);

    for (size_t i = 0; i < h->is.size; i++)
        if (body[i] != STALE)
            wrong("byte %zu of a block of %zu was written to after it was freed", i, h->is.size);
}

/* Out of use, in the place of the one that was freed longest ago. */
static void rest(head *h) {
    head *old = resting[next_rest];

    h->is.mark = freed;
    memset(body_of(h), STALE, h->is.size);
    resting[next_rest] = h;
    next_rest = (next_rest + 1) % RESTING;
    if (!old) return;
    look_at_resting(old);
    free(old);
}

void memory_free(void *p) {
    head *h;

    if (!p) return;
    h = (head *)p - 1;
    if (h->is.mark == freed) wrong("a block of %zu bytes is freed twice", h->is.size);
    if (h->is.mark != in_use) wrong("something is freed that is no block");
    if (memcmp(body_of(h) + h->is.size, &in_use, sizeof in_use) != 0)
        wrong("written to behind a block of %zu bytes", h->is.size);
    if (!h->is.counts) {
        free(h);
        return;
    }
    pthread_mutex_lock(&lock);
    *(h->is.newer ? &h->is.newer->is.older : &newest) = h->is.older;
    if (h->is.older) h->is.older->is.newer = h->is.newer;
    live--;
    rest(h);
    pthread_mutex_unlock(&lock);
}

void *memory_alloc(size_t n) {
    return take(n);
}

void *memory_calloc(size_t n, size_t size) {
    void *p = take(n * size);

    return p ? memset(p, 0, n * size) : NULL;
}

char *memory_strdup(const char *s) {
    char *copy = take(strlen(s) + 1);

    return copy ? strcpy(copy, s) : NULL;
}

void *memory_realloc(void *p, size_t n) {
    const head *h = p;
    void *other = take(n);

    if (!p || !other) return other;
    memcpy(other, p, h[-1].is.size < n ? h[-1].is.size : n);
    memory_free(p);
    return other;
}

/* ---- of handles ------------------------------------------------------------------------------ */

static void *handle_alloc(size_t n, void *user_data) {
    if (!n || user_data != (void *)resting) wrong("alloc() of %zu bytes", n);
    return memory_alloc(n);
}

static void *handle_realloc(void *p, size_t n, void *user_data) {
    if (!p || !n || user_data != (void *)resting) wrong("realloc(%p) to %zu bytes", p, n);
    return memory_realloc(p, n);
}

static void handle_free(void *p, void *user_data) {
    if (!p || user_data != (void *)resting) wrong("free(%p)", p);
    memory_free(p);
}

const opro_allocator scarce = {sizeof scarce, handle_alloc, handle_realloc, handle_free, resting};

/* ---- looking --------------------------------------------------------------------------------- */

long memory_live(void) {
    long n;

    pthread_mutex_lock(&lock);
    n = live;
    pthread_mutex_unlock(&lock);
    return n;
}

long memory_newest(size_t *size) {
    long number;

    pthread_mutex_lock(&lock);
    *size = newest ? newest->is.size : 0;
    number = newest ? newest->is.number : -1;
    pthread_mutex_unlock(&lock);
    return number;
}

void memory_settle(void) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < RESTING; i++) {
        if (!resting[i]) continue;
        look_at_resting(resting[i]);
        free(resting[i]);
        resting[i] = NULL;
    }
    next_rest = 0;
    allocations = 0;
    pthread_mutex_unlock(&lock);
}
