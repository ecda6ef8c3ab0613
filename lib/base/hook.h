/* SPDX-License-Identifier: MIT */
/* A callback of the host's with its data, and the shared log callback. */
#ifndef OPRO_BASE_HOOK_H
#define OPRO_BASE_HOOK_H

#include <stdarg.h>
#include <stdatomic.h>

#include "err.h"
#include "mem.h"

/* Any function pointer; cast back before it is called. */
typedef void (*opro__fn)(void);

typedef struct opro__hook {
    opro__fn fn;
    void *user_data;
    opro_destroy_fn destroy;
} opro__hook;

/*
 * Replace: the old data is destroyed. fn NULL removes (user_data and destroy are then not taken
 * over).
 */
void opro__hook_set(opro__hook *hook, opro__fn fn, void *user_data, opro_destroy_fn destroy);
void opro__hook_clear(opro__hook *hook);

/*
 * What a callback's return value means: OK and PENDING as they are, errors as they are, all else
 * OPRO_ERR_CALLBACK.
 */
opro_status opro__callback_status(int32_t returned);

/* How many objects share something; atomic, since they may live in different threads. */
typedef struct opro__refs {
    atomic_int count;
} opro__refs;

void opro__ref(opro__refs *refs);
/* 1 when the last share is gone. */
int opro__unref(opro__refs *refs);

/* A log callback, shared by a config and all objects made from it. */
typedef struct opro__log {
    opro__refs refs;
    opro__mem mem;
    int32_t level;
    opro__hook hook;
} opro__log;

opro_status opro__log_new(opro__log **out, const opro__mem *mem, int32_t level, opro_log_fn fn,
                          void *user_data, opro_destroy_fn destroy);
opro__log *opro__log_share(opro__log *log); /* NULL gives NULL */
void opro__log_free(opro__log *log);        /* NULL is fine    */

/* 1 if a message of this level would be heard: ask before formatting one. */
int opro__log_wants(const opro__log *log, int32_t level);

/*
 * Say it. No doubles in the format. log NULL: silence. Where the object has a guard, opro__say()
 * (core/guard.h) says it.
 */
void opro__log_say(const opro__log *log, int32_t level, const char *domain, const char *format, ...)
    OPRO__PRINTF(4, 5);
void opro__log_say_list(const opro__log *log, int32_t level, const char *domain, const char *format,
                        va_list args) OPRO__PRINTF(4, 0);

#endif
