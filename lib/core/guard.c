/* SPDX-License-Identifier: MIT */
#include "guard.h"

static const struct {
    const char *name;
    int allowed; /* inside callbacks of the same object, see calls.def */
} calls[] = {
#define OPRO_CALL(name, allowed) {#name, allowed},
#include "calls.def"
#undef OPRO_CALL
};

static int allowed(const opro__guard *guard, int call) {
    if (guard->depth) return calls[call].allowed == 2;
    return !guard->serving || calls[call].allowed >= 1;
}

opro_status opro__enter(const opro__guard *guard, opro_error *err, int call) {
    int ok = allowed(guard, call);

    if (ok && guard->depth) return OPRO_OK; /* the outer call's error stays */
    opro__err_clear(err);
    if (ok) return OPRO_OK;
    return opro__fail(err, OPRO_ERR_REENTRANT,
                      "%s() was called inside a callback of the same object; call it after the "
                      "callback has returned",
                      calls[call].name);
}

int opro__may_free(opro__guard *guard, int call) {
    if (allowed(guard, call)) return 1;
    guard->violated = 1;
    return 0;
}

opro_status opro__leave(opro__guard *guard, opro_error *err, opro_status st) {
    if (guard->depth) return st;
    if (!guard->violated || guard->serving) {
        if (st >= 0) opro__err_clear(err); /* of what callbacks were refused */
        return st;
    }
    guard->violated = 0;
    return opro__fail(err, OPRO_ERR_REENTRANT,
                      "a callback tried to free the object that was calling it; nothing was "
                      "freed: free it after the call has returned");
}

void opro__callback_begin(opro__guard *guard) {
    guard->depth++;
}

void opro__callback_end(opro__guard *guard) {
    guard->depth--;
}
