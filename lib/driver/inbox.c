/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define MOST_POSTS ((size_t)1 << 20)
#define MOST_BYTES ((size_t)1 << 30)

/* The clock of waits, which nobody may set; Windows' threads know no other than that of the day. */
#ifdef _WIN32
#define WAITING CLOCK_REALTIME
#else
#define WAITING CLOCK_MONOTONIC
#endif

struct opro__inbox {
    opro__mem mem; /* used under the lock only */
    pthread_mutex_t lock;
    pthread_cond_t came;
    opro__post *first;
    opro__post **end;
    size_t posts, bytes; /* waiting, or taken and not done */
    int stop;
    int woken;
    void (*waker)(void *ctx);
    void *waker_ctx;
    opro__hook wakeup;
};

/* One that knows when its owner comes for it again: in the wakeup callback. */
static int init_mutex(pthread_mutex_t *mutex) {
    pthread_mutexattr_t attributes;
    int failed;

    if (pthread_mutexattr_init(&attributes) != 0) return -1;
    failed = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    if (!failed) failed = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return failed;
}

static int init_condition(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    int failed;

    if (pthread_condattr_init(&attributes) != 0) return -1;
    failed = pthread_condattr_setclock(&attributes, WAITING);
    if (!failed) failed = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed;
}

opro_status opro__inbox_new(opro__inbox **out, const opro_allocator *mem) {
    opro__mem own;
    opro__inbox *inbox;
    opro_status st = opro__mem_init(&own, mem);

    if (st != OPRO_OK) return st;
    inbox = opro__calloc(&own, 1, sizeof *inbox);
    if (!inbox) return OPRO_ERR_NOMEM;
    inbox->mem = own;
    inbox->end = &inbox->first;
    if (init_mutex(&inbox->lock) != 0) goto no_mutex;
    if (init_condition(&inbox->came) != 0) goto no_condition;
    *out = inbox;
    return OPRO_OK;
no_condition:
    pthread_mutex_destroy(&inbox->lock);
no_mutex:
    opro__free(&own, inbox);
    return OPRO_ERR_FAILED;
}

void opro__inbox_free(opro__inbox *inbox) {
    opro__mem mem;

    if (!inbox) return;
    while (inbox->first) {
        opro__post *next = inbox->first->next;

        opro__free(&inbox->mem, inbox->first);
        inbox->first = next;
    }
    opro__hook_clear(&inbox->wakeup);
    pthread_cond_destroy(&inbox->came);
    pthread_mutex_destroy(&inbox->lock);
    mem = inbox->mem;
    opro__free(&mem, inbox);
}

/* Under the lock. */
static opro_status put(opro__inbox *inbox, const opro__post *post, const void *data) {
    size_t head = offsetof(opro__post, data) + 1; /* one more byte: texts get their NUL */
    opro__post *copy;

    if (inbox->posts >= MOST_POSTS || post->bytes > MOST_BYTES - inbox->bytes)
        return OPRO_ERR_LIMIT;
    copy = opro__alloc(&inbox->mem,
                       head + post->bytes > sizeof *copy ? head + post->bytes : sizeof *copy);
    if (!copy) return OPRO_ERR_NOMEM;
    *copy = *post;
    copy->next = NULL;
    if (post->bytes) memcpy((char *)copy + offsetof(opro__post, data), data, post->bytes);
    ((char *)copy + offsetof(opro__post, data))[post->bytes] = '\0';
    *inbox->end = copy;
    inbox->end = &copy->next;
    inbox->posts++;
    inbox->bytes += post->bytes;
    return OPRO_OK;
}

/*
 * Tell who waits, here, in an engine, or in a loop of the host's. They are told under the lock, so
 * that they cannot be replaced.
 */
static void announce(opro__inbox *inbox) {
    pthread_cond_signal(&inbox->came);
    if (inbox->waker) inbox->waker(inbox->waker_ctx);
    if (inbox->wakeup.fn) ((opro_destroy_fn)inbox->wakeup.fn)(inbox->wakeup.user_data);
}

opro_status opro__inbox_put(opro__inbox *inbox, const opro__post *post, const void *data) {
    opro_status st;

    if (pthread_mutex_lock(&inbox->lock) == EDEADLK) return OPRO_ERR_REENTRANT;
    st = put(inbox, post, data);
    if (st == OPRO_OK) announce(inbox);
    pthread_mutex_unlock(&inbox->lock);
    return st;
}

static opro_status raise_flag(opro__inbox *inbox, int *flag) {
    if (pthread_mutex_lock(&inbox->lock) == EDEADLK) return OPRO_ERR_REENTRANT;
    *flag = 1;
    announce(inbox);
    pthread_mutex_unlock(&inbox->lock);
    return OPRO_OK;
}

opro_status opro__inbox_stop(opro__inbox *inbox) {
    return raise_flag(inbox, &inbox->stop);
}

opro_status opro__inbox_wake(opro__inbox *inbox) {
    return raise_flag(inbox, &inbox->woken);
}

int opro__inbox_inside(opro__inbox *inbox) {
    if (pthread_mutex_lock(&inbox->lock) == EDEADLK) return 1;
    pthread_mutex_unlock(&inbox->lock);
    return 0;
}

opro__post *opro__inbox_take(opro__inbox *inbox, int *stop) {
    opro__post *list;

    pthread_mutex_lock(&inbox->lock);
    list = inbox->first;
    inbox->first = NULL;
    inbox->end = &inbox->first;
    *stop = inbox->stop;
    pthread_mutex_unlock(&inbox->lock);
    return list;
}

void opro__inbox_done(opro__inbox *inbox, opro__post *post) {
    pthread_mutex_lock(&inbox->lock);
    inbox->posts--;
    inbox->bytes -= post->bytes;
    opro__free(&inbox->mem, post);
    pthread_mutex_unlock(&inbox->lock);
}

static struct timespec later(int64_t ms) {
    struct timespec t;

    clock_gettime(WAITING, &t);
    if (ms > INT32_MAX) ms = INT32_MAX; /* it will wait again */
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

/* Under the lock. */
static int has_news(const opro__inbox *inbox) {
    return inbox->first || inbox->stop || inbox->woken;
}

int opro__inbox_has_news(opro__inbox *inbox) {
    int news;

    pthread_mutex_lock(&inbox->lock);
    news = has_news(inbox);
    pthread_mutex_unlock(&inbox->lock);
    return news;
}

int opro__inbox_wait(opro__inbox *inbox, int64_t ms) {
    struct timespec until = later(ms < 0 ? 0 : ms);
    int woken, over = 0;

    pthread_mutex_lock(&inbox->lock);
    while (!has_news(inbox) && !over) {
        if (ms < 0)
            pthread_cond_wait(&inbox->came, &inbox->lock);
        else
            over = pthread_cond_timedwait(&inbox->came, &inbox->lock, &until) != 0;
    }
    woken = inbox->woken;
    inbox->woken = 0;
    pthread_mutex_unlock(&inbox->lock);
    return woken;
}

void opro__inbox_set_waker(opro__inbox *inbox, void (*fn)(void *ctx), void *ctx) {
    pthread_mutex_lock(&inbox->lock);
    inbox->waker = fn;
    inbox->waker_ctx = ctx;
    pthread_mutex_unlock(&inbox->lock);
}

void opro__inbox_set_wakeup(opro__inbox *inbox, opro_destroy_fn fn, void *user_data,
                            opro_destroy_fn destroy) {
    opro__hook old;

    pthread_mutex_lock(&inbox->lock);
    old = inbox->wakeup;
    inbox->wakeup =
        fn ? (opro__hook){(opro__fn)fn, user_data, destroy} : (opro__hook){NULL, NULL, NULL};
    pthread_mutex_unlock(&inbox->lock);
    opro__hook_clear(&old);
}
