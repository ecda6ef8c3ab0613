/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <stdarg.h>

static const struct {
    const char *name;
    int allowed; /* inside callbacks of the same object, see calls.def */
} calls[] = {
#define OPRO_CALL(name, allowed) {#name, allowed},
#include "calls.def"
#undef OPRO_CALL
};

/* The callback that runs innermost, as far as names are kept. */
static const char *innermost(const opro__guard *guard) {
    int n = guard->depth + guard->serving;

    return guard->inside[n > OPRO__GUARD_NAMES ? OPRO__GUARD_NAMES - 1 : n - 1];
}

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
                      "%s() was called inside %s of the same object; call it after the callback "
                      "has returned",
                      calls[call].name, innermost(guard));
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

static void push(opro__guard *guard, const char *what) {
    int n = guard->depth + guard->serving;

    if (n < OPRO__GUARD_NAMES) guard->inside[n] = what;
}

void opro__callback_begin(opro__guard *guard, const char *what) {
    push(guard, what);
    guard->depth++;
}

void opro__callback_end(opro__guard *guard) {
    guard->depth--;
}

void opro__serving_begin(opro__guard *guard, const char *what) {
    push(guard, what);
    guard->serving++;
}

void opro__serving_end(opro__guard *guard) {
    guard->serving--;
}

void opro__guard_close(opro__guard *guard) {
    opro__callback_begin(guard, "a destroy function");
}

opro_status opro__guard_set(opro__guard *guard, opro_error *err, opro__hook *hook, opro__fn fn,
                            void *user_data, opro_destroy_fn destroy) {
    opro__callback_begin(guard, "a destroy function");
    opro__hook_set(hook, fn, user_data, destroy);
    opro__callback_end(guard);
    return opro__leave(guard, err, OPRO_OK);
}

void opro__say(opro__guard *guard, const opro__log *log, int32_t level, const char *domain,
               const char *format, ...) {
    va_list args;

    va_start(args, format);
    opro__callback_begin(guard, "the log callback");
    opro__log_say_list(log, level, domain, format, args);
    opro__callback_end(guard);
    va_end(args);
}
