/* SPDX-License-Identifier: MIT */
/* Driving a client: by itself, or from a loop of the host's. Callbacks of calls run here alone. */
#include "model.h"

/* ---- callbacks of calls ---------------------------------------------------------------------- */

/* 0: the callback freed the call. */
static int tell(opro_call *call, int32_t event, size_t index) {
    opro_model *model = call->model;
    int32_t returned;

    if (!call->hook.fn) return 1;
    opro__serving_begin(&model->guard, "the callback of a call");
    returned = ((opro_call_fn)call->hook.fn)(call, event, index, call->hook.user_data);
    opro__serving_end(&model->guard);
    if (returned != OPRO_OK)
        opro__say(&model->guard, model->log, OPRO_LOG_WARNING, OPRO__MODEL_DOMAIN,
                  "the callback of a call returned %d, which has no effect", (int)returned);
    return model->telling == call;
}

static void tell_all(opro_call *call) {
    opro_model *model = call->model;

    while (call->n_told < call->n_fresh)
        if (!tell(call, OPRO_CALL_REPLY, call->fresh[call->n_told++])) return;
    if (call->over && !call->done_told) {
        call->done_told = 1;
        if (!tell(call, OPRO_CALL_DONE, 0)) return;
    }
    if (model->telling == call) opro__call_no_news(call);
}

static int deliver(opro_model *model) {
    int did = 0;

    while (model->news) {
        model->telling = model->news;
        tell_all(model->news);
        model->telling = NULL;
        did = 1;
    }
    return did;
}

/* ---- one round ------------------------------------------------------------------------------- */

static int round_of(opro_model *model) {
    int did = opro__schedule_run(model, opro__transport_now());

    return deliver(model) | did;
}

/* What is left of a wait until then; INT64_MAX is for ever, -1. */
static int64_t left_until(int64_t end, int64_t now) {
    if (end == INT64_MAX) return -1;
    return end > now ? end - now : 0;
}

/* Milliseconds until something is due without the network; -1: never. */
static int64_t due_in(const opro_model *model, int64_t now) {
    return left_until(opro__schedule_next(model), now);
}

/* The shorter of two waits, of which -1 is for ever. */
static int64_t shorter(int64_t a, int64_t b) {
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static opro_status poll_for(opro_model *model, int64_t ms) {
    int64_t now = opro__transport_now(), end = ms < 0 ? INT64_MAX : now + ms;
    int woken = 0;

    for (;;) {
        if (round_of(model)) return OPRO_OK;
        if (!model->n_calls) {
            opro__transport_work(model->transport, 0); /* who waits on the descriptor was woken */
            return OPRO_DONE;
        }
        now = opro__transport_now();
        if (woken || (now >= end && ms)) return OPRO_WAIT;
        woken = opro__transport_work(model->transport,
                                     shorter(left_until(end, now), due_in(model, now)));
        if (!ms) return round_of(model) ? OPRO_OK : OPRO_WAIT;
    }
}

opro_status opro_model_poll(opro_model *model, int32_t timeout_ms) {
    opro_status st;

    if (!model) return OPRO_ERR_INVALID;
    st = opro__model_enter(model, OPRO__CALL_opro_model_poll);
    if (st != OPRO_OK) return st;
    if (timeout_ms < -1)
        return opro__fail(&model->err, OPRO_ERR_INVALID,
                          "a timeout of %d ms: -1 for ever, 0, or more", (int)timeout_ms);
    if (model->socket_fn.fn)
        return opro__fail(&model->err, OPRO_ERR_STATE,
                          "a socket function is set: the host waits, see "
                          "opro_model_socket_action()");
    opro__model_share(model); /* a callback may free the last call */
    st = poll_for(model, timeout_ms);
    st = opro__leave(&model->guard, &model->err, st);
    opro_model_free(model);
    return st;
}

opro_status opro_model_wakeup(opro_model *model) {
    if (!model) return OPRO_ERR_INVALID;
    if (opro__model_is_parents(model)) return OPRO_ERR_STATE;
    opro__transport_wake(model->transport);
    return OPRO_OK;
}

int64_t opro_model_fd(const opro_model *model) {
    return model ? opro__transport_fd(model->transport) : -1;
}

int64_t opro_model_timeout(const opro_model *model) {
    int64_t now;

    if (!model) return -1;
    if (model->news) return 0;
    now = opro__transport_now();
    return shorter(due_in(model, now), opro__transport_timeout(model->transport));
}

/* ---- somebody else's loop -------------------------------------------------------------------- */

static void watch(void *ctx, int fd, int events) {
    opro_model *model = ctx;

    opro__callback_begin(&model->guard, "the socket function");
    ((opro_socket_fn)model->socket_fn.fn)(model, fd, events, model->socket_fn.user_data);
    opro__callback_end(&model->guard);
}

static opro_status enter_unused(opro_model *model, int call) {
    opro_status st;

    if (!model) return OPRO_ERR_INVALID;
    st = opro__model_enter(model, call);
    if (st == OPRO_OK && (model->n_calls || opro__transport_in_flight(model->transport)))
        return opro__fail(&model->err, OPRO_ERR_STATE,
                          "calls are under way; set this before the first of them");
    return st;
}

opro_status opro_model_set_socket_fn(opro_model *model, opro_socket_fn fn, void *user_data,
                                     opro_destroy_fn destroy) {
    opro_status st = enter_unused(model, OPRO__CALL_opro_model_set_socket_fn);

    if (st != OPRO_OK) return st;
    /* the old one is told what to forget, the new one what to watch */
    if (model->socket_fn.fn) opro__transport_set_watch(model->transport, NULL, NULL);
    st = opro__guard_set(&model->guard, &model->err, &model->socket_fn, (opro__fn)fn, user_data,
                         destroy);
    if (fn) opro__transport_set_watch(model->transport, watch, model);
    return st;
}

opro_status opro_model_set_timer_fn(opro_model *model, opro_timer_fn fn, void *user_data,
                                    opro_destroy_fn destroy) {
    opro_status st = enter_unused(model, OPRO__CALL_opro_model_set_timer_fn);

    if (st != OPRO_OK) return st;
    model->told_at = INT64_MAX;
    return opro__guard_set(&model->guard, &model->err, &model->timer_fn, (opro__fn)fn, user_data,
                           destroy);
}

void opro__drive_retime(opro_model *model) {
    int64_t ms, at;

    if (!model->timer_fn.fn || model->guard.depth) return;
    ms = opro_model_timeout(model);
    at = ms < 0 ? INT64_MAX : opro__transport_now() + ms;
    if (at == model->told_at) return;
    model->told_at = at;
    opro__callback_begin(&model->guard, "the timer function");
    ((opro_timer_fn)model->timer_fn.fn)(model, ms, model->timer_fn.user_data);
    opro__callback_end(&model->guard);
}

static opro_status act(opro_model *model, int call, int fd, int events) {
    opro_status st;

    if (!model) return OPRO_ERR_INVALID;
    st = opro__model_enter(model, call);
    if (st != OPRO_OK) return st;
    if (!model->socket_fn.fn || !model->timer_fn.fn)
        return opro__fail(&model->err, OPRO_ERR_STATE,
                          "both a socket function and a timer function are needed");
    opro__model_share(model);
    model->told_at = INT64_MIN; /* a timer that has run out, or may have */
    if (fd >= 0)
        opro__transport_socket(model->transport, fd, events);
    else
        opro__transport_time(model->transport);
    while (round_of(model))
        continue;
    opro__drive_retime(model);
    st = opro__leave(&model->guard, &model->err, OPRO_OK);
    opro_model_free(model);
    return st;
}

opro_status opro_model_socket_action(opro_model *model, int64_t fd, int32_t events) {
    if (fd < 0 || fd > INT32_MAX) return OPRO_ERR_INVALID;
    return act(model, OPRO__CALL_opro_model_socket_action, (int)fd, events);
}

opro_status opro_model_timer_action(opro_model *model) {
    return act(model, OPRO__CALL_opro_model_timer_action, -1, 0);
}
