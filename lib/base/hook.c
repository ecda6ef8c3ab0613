/* SPDX-License-Identifier: MIT */
#include "hook.h"

#include <stdio.h> /* vsnprintf() only: no streams */
#include <string.h>

#include "utf8.h"

void opro__hook_set(opro__hook *hook, opro__fn fn, void *user_data, opro_destroy_fn destroy) {
    opro__hook old = *hook;

    *hook = fn ? (opro__hook){fn, user_data, destroy} : (opro__hook){NULL, NULL, NULL};
    if (old.fn && old.destroy) old.destroy(old.user_data);
}

void opro__hook_clear(opro__hook *hook) {
    opro__hook_set(hook, NULL, NULL, NULL);
}

opro_status opro__callback_status(int32_t returned) {
    if (returned == OPRO_OK || returned == OPRO_PENDING) return returned;
    if (returned <= OPRO_ERR_USER_FIRST && returned >= OPRO_ERR_USER_LAST) return returned;
    return strncmp(opro_status_name(returned), "OPRO_ERR_", 9) == 0 ? returned : OPRO_ERR_CALLBACK;
}

void opro__ref(opro__refs *refs) {
    atomic_fetch_add_explicit(&refs->count, 1, memory_order_relaxed);
}

int opro__unref(opro__refs *refs) {
    return atomic_fetch_sub_explicit(&refs->count, 1, memory_order_acq_rel) == 1;
}

opro_status opro__log_new(opro__log **out, const opro__mem *mem, int32_t level, opro_log_fn fn,
                          void *user_data, opro_destroy_fn destroy) {
    opro__mem own;
    opro__log *log;
    opro_status st = opro__mem_init(&own, &mem->allocator);

    if (st != OPRO_OK) return st;
    log = opro__calloc(&own, 1, sizeof *log);
    if (!log) return OPRO_ERR_NOMEM;
    log->mem = own;
    log->level = level;
    atomic_init(&log->refs.count, 1);
    opro__hook_set(&log->hook, (opro__fn)fn, user_data, destroy);
    *out = log;
    return OPRO_OK;
}

opro__log *opro__log_share(opro__log *log) {
    if (log) opro__ref(&log->refs);
    return log;
}

void opro__log_free(opro__log *log) {
    opro__mem mem;

    if (!log || !opro__unref(&log->refs)) return;
    mem = log->mem;
    opro__hook_clear(&log->hook);
    opro__free(&mem, log);
}

int opro__log_wants(const opro__log *log, int32_t level) {
    return log && log->hook.fn && level <= log->level;
}

void opro__log_say_list(const opro__log *log, int32_t level, const char *domain, const char *format,
                        va_list args) {
    char text[1024];
    size_t len;
    int n;

    if (!opro__log_wants(log, level)) return;
    n = vsnprintf(text, sizeof text, format, args);
    if (n < 0) return;
    len = strlen(text);
    if ((size_t)n > len) len = opro__utf8_cut(text, len, len - 4);
    text[len] = '\0';
    ((opro_log_fn)log->hook.fn)(level, domain, text, len, log->hook.user_data);
}

void opro__log_say(const opro__log *log, int32_t level, const char *domain, const char *format,
                   ...) {
    va_list args;

    va_start(args, format);
    opro__log_say_list(log, level, domain, format, args);
    va_end(args);
}
