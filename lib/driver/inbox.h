/* SPDX-License-Identifier: MIT */
/*
 * Answers from other threads, on their way to the driver: the only place with a mutex. Posting
 * copies the answer under the lock; the driver takes the whole list at once and works through it
 * without the lock.
 */
#ifndef OPRO_DRIVER_INBOX_H
#define OPRO_DRIVER_INBOX_H

#include "base/hook.h"
#include "base/mem.h"

typedef struct opro__inbox opro__inbox;

/* What was posted. */
enum { OPRO__POST_REPLY, OPRO__POST_SCORES, OPRO__POST_ERROR, OPRO__POST_USAGE };

typedef struct opro__post {
    struct opro__post *next;
    int kind;
    uint64_t id;
    size_t index;
    int32_t origin;
    opro_status status;
    int64_t usage[3];
    size_t len;   /* bytes, or number of scores */
    size_t bytes; /* of data                    */
    union {
        double align;
        char bytes[1];
    } data;
} opro__post;

/* OPRO_ERR_NOMEM, OPRO_ERR_FAILED if the system has no mutex for us. */
opro_status opro__inbox_new(opro__inbox **out, const opro_allocator *mem);
void opro__inbox_free(opro__inbox *inbox);

/*
 * Any thread: copy the post with its data. OPRO_ERR_LIMIT, OPRO_ERR_NOMEM. OPRO_ERR_REENTRANT: this
 * is inside the wakeup callback, which runs under the lock.
 */
opro_status opro__inbox_put(opro__inbox *inbox, const opro__post *post, const void *data);

/* Any thread: let the driver stop, or just wake it up. OPRO_ERR_REENTRANT as above. */
opro_status opro__inbox_stop(opro__inbox *inbox);
opro_status opro__inbox_wake(opro__inbox *inbox);

/* Any thread: 1 inside the wakeup callback, where all the functions below would wait for ever. */
int opro__inbox_inside(opro__inbox *inbox);

/*
 * The driver: everything that was posted, in order; NULL if nothing. *stop: it was asked to stop.
 */
opro__post *opro__inbox_take(opro__inbox *inbox, int *stop);
void opro__inbox_done(opro__inbox *inbox, opro__post *post);

/*
 * The driver: wait until something comes or ms have passed (-1: for ever). 1 if it was woken by
 * opro__inbox_wake().
 */
int opro__inbox_wait(opro__inbox *inbox, int64_t ms);

/* The driver: 1 if opro__inbox_wait() would not wait. */
int opro__inbox_has_news(opro__inbox *inbox);

/*
 * The driver: who else is told when something comes, because the driver waits for him; fn NULL:
 * nobody. Called under the lock, so it is not under way any more when this returns.
 */
void opro__inbox_set_waker(opro__inbox *inbox, void (*fn)(void *ctx), void *ctx);

/* The driver: who of the host's is told when something comes. */
void opro__inbox_set_wakeup(opro__inbox *inbox, opro_destroy_fn fn, void *user_data,
                            opro_destroy_fn destroy);

#endif
