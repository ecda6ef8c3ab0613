/* SPDX-License-Identifier: MIT */
/*
 * Which leg is sent next, and when. A leg that is ready waits in one queue, first come, first
 * served, with repeats at the front; the pace says how many may be under way.
 *
 * Nobody knows beforehand whether an endpoint gives several replies to one request. While that is
 * open, one leg goes first (the probe) and those that would ask for several as well are held, so
 * that what is sent depends on the answers and not on their timing: a recording can be replayed.
 */
#include "base/utf8.h"
#include "core/budget.h"
#include "model.h"

/* ---- queues ---------------------------------------------------------------------------------- */

void opro__queue_push(opro__queue *queue, opro__leg *leg) {
    leg->queue = queue;
    leg->next = NULL;
    leg->prev = queue->last;
    if (queue->last) queue->last->next = leg;
    if (!queue->last) queue->first = leg;
    queue->last = leg;
    queue->n++;
}

static void push_front(opro__queue *queue, opro__leg *leg) {
    leg->queue = queue;
    leg->prev = NULL;
    leg->next = queue->first;
    if (queue->first) queue->first->prev = leg;
    if (!queue->first) queue->last = leg;
    queue->first = leg;
    queue->n++;
}

static void pull(opro__leg *leg) {
    opro__queue *queue = leg->queue;

    if (leg->prev) leg->prev->next = leg->next;
    if (!leg->prev) queue->first = leg->next;
    if (leg->next) leg->next->prev = leg->prev;
    if (!leg->next) queue->last = leg->prev;
    leg->next = leg->prev = NULL;
    leg->queue = NULL;
    queue->n--;
}

void opro__schedule_first(opro__leg *leg) {
    leg->state = OPRO__LEG_READY;
    push_front(&leg->call->model->ready, leg);
}

static void ready_last(opro__leg *leg) {
    leg->state = OPRO__LEG_READY;
    opro__queue_push(&leg->call->model->ready, leg);
}

/* What was held goes to the front again, in its order. */
static void release_held(opro_model *model) {
    while (model->held.last) {
        opro__leg *leg = model->held.last;

        pull(leg);
        opro__schedule_first(leg);
    }
}

void opro__schedule_release_rest(opro_call *call) {
    if (call->held) opro__schedule_first(call->held);
    call->held = NULL;
}

/* Others need not wait any longer for what it brings. */
void opro__schedule_end_waiting(opro__leg *leg) {
    opro_model *model = leg->call->model;

    if (model->probe == leg) {
        model->probe = NULL;
        release_held(model);
    }
}

void opro__schedule_remove(opro__leg *leg) {
    opro_model *model = leg->call->model;

    if (leg->queue) pull(leg);
    opro__alarm_unset(&model->alarms, &leg->alarm);
    if (leg->state == OPRO__LEG_SENT) {
        opro__transport_cancel(model->transport, &leg->exchange);
        opro__pace_forget(&model->pace, 0); /* endpoints count what they began */
    }
    leg->paced = 0;
    leg->state = OPRO__LEG_LOOSE;
    opro__schedule_end_waiting(leg);
}

/* ---- calls begin and end --------------------------------------------------------------------- */

opro_status opro__schedule_call(opro_call *call) {
    opro_model *model = call->model;
    opro__leg *leg = opro__leg_new(call, 0, call->samples);

    if (!leg) return OPRO_ERR_NOMEM;
    if (!opro__alarms_reserve(&model->alarms)) {
        opro__leg_free(leg);
        return OPRO_ERR_NOMEM;
    }
    call->deadline.kind = OPRO__ALARM_CALL;
    if (call->deadline_ms)
        opro__alarm_set(&model->alarms, &call->deadline,
                        opro__sum(opro__transport_now(), call->deadline_ms));
    call->next = model->calls;
    if (model->calls) model->calls->prev = call;
    model->calls = call;
    model->n_calls++;
    ready_last(leg);
    return OPRO_OK;
}

void opro__schedule_end_call(opro_call *call) {
    opro_model *model = call->model;

    while (call->legs)
        opro__leg_free(call->legs);
    opro__alarm_unset(&model->alarms, &call->deadline);
    opro__alarms_release(&model->alarms);
    if (call->prev) call->prev->next = call->next;
    if (!call->prev) model->calls = call->next;
    if (call->next) call->next->prev = call->prev;
    call->next = call->prev = NULL;
    model->n_calls--;
}

void opro__schedule_note(opro_call *call, const opro__failure *failure) {
    call->err = failure->err;
    call->failure = failure->kind;
    if (failure->http_status) call->http_status = failure->http_status;
    if (failure->wait_ms > 0) call->wait_ms = failure->wait_ms;
}

/* The call is over when all its samples are. */
void opro__schedule_end_if_over(opro_call *call) {
    int failed = 0;

    if (call->n_fresh < call->samples) return;
    for (size_t i = 0; i < call->samples; i++)
        failed |= call->replies[i].outcome == OPRO_OUTCOME_FAILED;
    if (!failed) { /* what went wrong on the way was mended */
        opro__err_clear(&call->err);
        call->failure = OPRO_FAILURE_NONE;
        call->wait_ms = 0;
    }
    call->over = 1;
    opro__schedule_end_call(call);
}

void opro__schedule_fail_sample(opro_call *call, size_t i) {
    if (call->replies[i].outcome != OPRO_OUTCOME_NONE) return;
    call->replies[i].outcome = OPRO_OUTCOME_FAILED;
    opro__call_settle(call, i);
}

/* The samples of a leg will not come. */
void opro__schedule_fail_leg(opro__leg *leg, const opro__failure *failure) {
    opro_call *call = leg->call;
    size_t first = leg->first, end = first + leg->n;
    int alone = leg->alone;

    opro__schedule_note(call, failure);
    opro__leg_free(leg);
    for (size_t i = first; i < end; i++)
        opro__schedule_fail_sample(call, i);
    if (alone) opro__schedule_release_rest(call);
    opro__schedule_end_if_over(call);
}

void opro__schedule_fail_call(opro_call *call, const opro__failure *failure) {
    opro__schedule_note(call, failure);
    for (size_t i = 0; i < call->samples; i++)
        opro__schedule_fail_sample(call, i);
    opro__schedule_end_if_over(call);
}

/* All legs that wait for this one: they have waited through its attempts. */
void opro__schedule_fail_held(opro__leg *leg, const opro__failure *failure) {
    opro_model *model = leg->call->model;

    while (model->probe == leg && model->held.first)
        opro__schedule_fail_leg(model->held.first, failure);
    if (leg->call->held) opro__schedule_fail_leg(leg->call->held, failure); /* leg goes alone */
}

/* What waits for its time comes to the front of the queue. */
static void end_delays(opro_model *model) {
    for (opro_call *call = model->calls; call; call = call->next) /* the last one comes first */
        for (opro__leg *leg = call->legs; leg; leg = leg->next_leg)
            if (leg->state == OPRO__LEG_DELAYED) {
                opro__alarm_unset(&model->alarms, &leg->alarm);
                opro__schedule_first(leg);
            }
}

/* All legs that are not under way: there is no use in asking. */
void opro__schedule_fail_waiting(opro_model *model, const opro__failure *failure) {
    release_held(model);
    end_delays(model);
    while (model->ready.first)
        opro__schedule_fail_leg(model->ready.first, failure);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* How many samples one request asks for now. */
static size_t to_ask(const opro__leg *leg) {
    const opro_model *model = leg->call->model;
    size_t most = (size_t)OPRO__INT(&model->options, MODEL_MOST_SAMPLES);
    size_t protocol = model->dialect->most_samples;

    if (leg->call->temperature == 0 || model->profile->sampling == OPRO_SAMPLING_SINGLY) return 1;
    if (protocol < most) most = protocol;
    return leg->n < most ? leg->n : most;
}

static int first_alone(const opro_model *model) {
    int64_t option = OPRO__INT(&model->options, MODEL_FIRST_ALONE);

    return option < 0 ? model->url.local : option != 0;
}

/* Leave what one request does not ask for to another leg. 0: no memory. */
static int split(opro__leg *leg, size_t asked) {
    opro_call *call = leg->call;
    opro__leg *rest;

    if (leg->n == asked || call->temperature == 0) return 1;
    rest = opro__leg_new(call, leg->first + asked, leg->n - asked);
    if (!rest) return 0;
    rest->few = leg->few;
    leg->n = asked;
    if (asked == 1 && !call->answered && first_alone(call->model)) {
        leg->alone = 1;
        rest->state = OPRO__LEG_HELD;
        call->held = rest;
        return 1;
    }
    rest->state = OPRO__LEG_READY;
    rest->queue = leg->queue;
    rest->prev = leg;
    rest->next = leg->next;
    if (leg->next) leg->next->prev = rest;
    if (!leg->next) call->model->ready.last = rest;
    leg->next = rest;
    call->model->ready.n++;
    return 1;
}

static int must_probe(const opro__leg *leg, size_t asked) {
    return asked > 1 && leg->call->model->profile->sampling == OPRO_SAMPLING_AUTO;
}

/* The first of the queue, made ready to be sent. */
static opro_status prepare(opro__leg *leg, opro__failure *failure) {
    opro_model *model = leg->call->model;
    size_t asked;
    opro_status st = opro__model_prepare(model, failure);

    if (st != OPRO_OK) return st;
    asked = to_ask(leg);
    if (leg->asked == asked && leg->version == model->profile->version) return OPRO_OK;
    if (!split(leg, asked)) {
        opro__failure_set(failure, OPRO_FAILURE_MEMORY, OPRO__RETRY_NO, "out of memory");
        return failure->err.status;
    }
    leg->version = model->profile->version;
    return opro__leg_build(leg, asked, failure);
}

static void count_request(opro__leg *leg) {
    opro_model *model = leg->call->model;

    leg->tries++;
    leg->call->requests++;
    model->requests++;
    if (leg->tries < 2) return;
    leg->call->retries++;
    model->retries++;
}

/* Out of the queue. */
static void take(opro__leg *leg) {
    pull(leg);
    leg->state = OPRO__LEG_LOOSE;
}

static void note_sent(opro__leg *leg) {
    if (must_probe(leg, leg->asked)) leg->call->model->probe = leg;
    if (!leg->cached) count_request(leg);
}

static void fail_start(opro__leg *leg, opro__failure *failure, int64_t now) {
    leg->tries++;
    opro__leg_met(leg, failure, now);
}

/* To the network, if it may; as start(). */
static int start_there(opro__leg *leg, int64_t now) {
    opro_model *model = leg->call->model;
    opro__failure failure = {0};
    int64_t wait;

    leg->reserved = opro__leg_tokens(leg);
    wait = opro__pace_admit(&model->pace, now, (int64_t)opro__transport_in_flight(model->transport),
                            leg->reserved);
    if (wait && !opro__pace_is_open(&model->pace, now)) {
        model->next_start = opro__sum(now, wait);
        return 0;
    }
    take(leg);
    if (wait) {
        opro__leg_spare(leg, now);
        return 1;
    }
    leg->paced = 1;
    if (opro__leg_send(leg, &failure) == OPRO_OK) {
        note_sent(leg);
        return 1;
    }
    opro__pace_forget(&model->pace, leg->reserved);
    leg->paced = 0;
    fail_start(leg, &failure, now);
    return 1;
}

/* 1: it went out, or it is decided otherwise; 0: not now, model->next_start says when. */
static int start(opro__leg *leg, int64_t now) {
    opro_model *model = leg->call->model;
    opro__failure failure = {0};
    opro_status st = prepare(leg, &failure);

    if (st == OPRO_OK && must_probe(leg, leg->asked) && model->probe && model->probe != leg) {
        pull(leg);
        leg->state = OPRO__LEG_HELD;
        opro__queue_push(&model->held, leg);
        return 1;
    }
    take(leg);
    if (st == OPRO_OK && opro__leg_answered_here(leg, &failure, &st) && st == OPRO_OK) {
        note_sent(leg);
        return 1;
    }
    if (st != OPRO_OK) {
        fail_start(leg, &failure, now);
        return 1;
    }
    if (opro__model_is_barred(model, now)) {
        opro__model_why_not_sent(model, &failure);
        opro__schedule_fail_leg(leg, &failure);
        return 1;
    }
    opro__schedule_first(leg);
    return start_there(leg, now);
}

/* Names are looked up once: the first request finds the address, the others wait for it. */
static int waits_for_name(const opro_model *model) {
    return !model->url.literal && !opro__transport_resolved(model->transport);
}

static int start_ready(opro_model *model, int64_t now) {
    int did = 0;

    model->next_start = INT64_MIN;
    while (model->ready.first) {
        if (waits_for_name(model)) {
            model->next_start = INT64_MAX;
            break;
        }
        if (!start(model->ready.first, now)) break;
        did = 1;
        if (model->replay && model->settled.first) break; /* the next one may depend on it */
    }
    return did;
}

/* ---- everything that can be done now --------------------------------------------------------- */

static int take_finished(opro_model *model, int64_t now) {
    opro__exchange *exchange;
    int did = 0;

    while ((exchange = opro__transport_finished(model->transport))) {
        opro__leg_over(exchange->owner, now);
        did = 1;
    }
    while (model->settled.first) {
        opro__leg *leg = model->settled.first;

        pull(leg);
        opro__leg_over(leg, now);
        did = 1;
    }
    return did;
}

static opro_call *call_of(opro__alarm *alarm) {
    return (opro_call *)(void *)((char *)alarm - offsetof(opro_call, deadline));
}

static opro__leg *leg_of(opro__alarm *alarm) {
    return (opro__leg *)(void *)((char *)alarm - offsetof(opro__leg, alarm));
}

static int take_due(opro_model *model, int64_t now) {
    opro__alarm *alarm;
    int did = 0;

    while ((alarm = opro__alarms_due(&model->alarms, now))) {
        did = 1;
        if (alarm->kind == OPRO__ALARM_CALL) {
            opro_call *call = call_of(alarm);
            opro__failure failure = {0};

            opro__failure_set(
                &failure, OPRO_FAILURE_DEADLINE, OPRO__RETRY_NO, "not done within %lld ms%s%.*s",
                (long long)call->deadline_ms, call->err.len ? "; the last failure: " : "",
                (int)opro__utf8_cut(call->err.message, call->err.len, 300), call->err.message);
            opro__schedule_fail_call(call, &failure);
        } else {
            opro__schedule_first(leg_of(alarm));
        }
    }
    return did;
}

int opro__schedule_run(opro_model *model, int64_t now) {
    int did = 0;

    do {
        did |= take_finished(model, now);
        did |= take_due(model, now);
        did |= start_ready(model, now);
    } while (model->settled.first);
    return did;
}

int64_t opro__schedule_next(const opro_model *model) {
    int64_t next = opro__alarms_next(&model->alarms);

    if (model->ready.first && model->next_start < next) next = model->next_start;
    return next;
}
