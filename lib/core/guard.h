/* SPDX-License-Identifier: MIT */
/*
 * Reentrancy: calls.def says of every function that changes an object where inside a callback of
 * that object it may be called. opro__enter() enforces it; a test walks the table. What a host can
 * rely on is in opro.h, "Hosts that misbehave".
 */
#ifndef OPRO_CORE_GUARD_H
#define OPRO_CORE_GUARD_H

#include "base/err.h"
#include "base/hook.h"

enum {
#define OPRO_CALL(name, allowed) OPRO__CALL_##name,
#include "calls.def"
#undef OPRO_CALL
    OPRO__CALLS
};

enum { OPRO__GUARD_NAMES = 4 }; /* callbacks inside callbacks whose names are kept */

typedef struct opro__guard {
    int depth;    /* callbacks of this object that are running                                  */
    int serving;  /* optimizers and scorers that are answering this run's requests              */
    int violated; /* a free was refused: the call that is under way must say OPRO_ERR_REENTRANT */
    const char *inside[OPRO__GUARD_NAMES]; /* both, the outermost first                         */
} opro__guard;

/* At the start of a call: clear the error and refuse what is not allowed here. */
opro_status opro__enter(const opro__guard *guard, opro_error *err, int call);

/* At the start of a free: 1 if it may go on. */
int opro__may_free(opro__guard *guard, int call);

/* The object goes: from now on its destroy functions run, and may call nothing on it. */
void opro__guard_close(opro__guard *guard);

/*
 * At the end of a call that ran callbacks: st, or OPRO_ERR_REENTRANT if one of them tried to free
 * the object. Success leaves no error behind.
 */
opro_status opro__leave(opro__guard *guard, opro_error *err, opro_status st);

/* Around every callback; what: its name for messages, such as "the observer". */
void opro__callback_begin(opro__guard *guard, const char *what);
void opro__callback_end(opro__guard *guard);

/* The same around one that may answer requests. */
void opro__serving_begin(opro__guard *guard, const char *what);
void opro__serving_end(opro__guard *guard);

/*
 * Setters: replace a callback. The destroy function of the old one is a callback, too. Returns what
 * opro__leave() does.
 */
opro_status opro__guard_set(opro__guard *guard, opro_error *err, opro__hook *hook, opro__fn fn,
                            void *user_data, opro_destroy_fn destroy);

/* opro__log_say() for an object with a guard: the log callback is one of its callbacks. */
void opro__say(opro__guard *guard, const opro__log *log, int32_t level, const char *domain,
               const char *format, ...) OPRO__PRINTF(5, 6);

#endif
