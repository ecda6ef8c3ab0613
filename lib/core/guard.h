/* SPDX-License-Identifier: MIT */
/*
 * Reentrancy: calls.def says of every function that changes an object where inside a callback of
 * that object it may be called. opro__enter() enforces it; a test walks the table.
 */
#ifndef OPRO_CORE_GUARD_H
#define OPRO_CORE_GUARD_H

#include "base/err.h"

enum {
#define OPRO_CALL(name, allowed) OPRO__CALL_##name,
#include "calls.def"
#undef OPRO_CALL
    OPRO__CALLS
};

typedef struct opro__guard {
    int depth;    /* callbacks of this object that are running                                  */
    int serving;  /* optimizers and scorers that are answering this run's requests              */
    int violated; /* a free was refused: the call that is under way must say OPRO_ERR_REENTRANT */
} opro__guard;

/* At the start of a call: clear the error and refuse what is not allowed here. */
opro_status opro__enter(const opro__guard *guard, opro_error *err, int call);

/* At the start of a free: 1 if it may go on. */
int opro__may_free(opro__guard *guard, int call);

/*
 * At the end of a call that ran callbacks: st, or OPRO_ERR_REENTRANT if one of them tried to free
 * the object. Success leaves no error behind.
 */
opro_status opro__leave(opro__guard *guard, opro_error *err, opro_status st);

/* Around every callback. */
void opro__callback_begin(opro__guard *guard);
void opro__callback_end(opro__guard *guard);

#endif
