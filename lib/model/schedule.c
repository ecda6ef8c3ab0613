/* SPDX-License-Identifier: MIT */
/*
 * Which leg is sent next, and when. A leg that is ready waits in one queue, first come, first
 * served, with repeats at the front; the pace says how many may be under way.
 *
 * Nobody knows beforehand whether an endpoint gives several replies to one request. While that is
 * open, one leg goes first (the probe) and those that would ask for several as well are held, so
 * that what is sent depends on the answers and not on their timing: a recording can be replayed.
 */
#include <stdio.h>
#include <string.h>

#include "core/budget.h"
#include "model.h"

#define LOADING_MS 1000
#define MOST_FEW   2
#define MOST_ADAPT 4

/* ---- queues ---------------------------------------------------------------------------------- */

static void push_back(opro__queue *queue, opro__leg *leg) {
    leg->next = NULL;
    leg->prev = queue->last;
    if (queue->last) queue->last->next = leg;
    if (!queue->last) queue->first = leg;
    queue->last = leg;
    queue->n++;
}

static void push_front(opro__queue *queue, opro__leg *leg) {
    leg->prev = NULL;
    leg->next = queue->first;
    if (queue->first) queue->first->prev = leg;
    if (!queue->first) queue->last = leg;
    queue->first = leg;
    queue->n++;
}

static void pull(opro__queue *queue, opro__leg *leg) {
    if (leg->prev) leg->prev->next = leg->next;
    if (!leg->prev) queue->first = leg->next;
    if (leg->next) leg->next->prev = leg->prev;
    if (!leg->next) queue->last = leg->prev;
    leg->next = leg->prev = NULL;
    queue->n--;
}

static int in_queue(const opro__queue *queue, const opro__leg *leg) {
    return queue->first == leg || leg->prev || leg->next;
}

static void ready_first(opro__leg *leg) {
    leg->state = OPRO__LEG_READY;
    push_front(&leg->call->model->ready, leg);
}

static void ready_last(opro__leg *leg) {
    leg->state = OPRO__LEG_READY;
    push_back(&leg->call->model->ready, leg);
}

/* What was held goes to the front again, in its order. */
static void release_held(opro_model *model) {
    while (model->held.last) {
        opro__leg *leg = model->held.last;

        pull(&model->held, leg);
        ready_first(leg);
    }
}

static void release_rest(opro_call *call) {
    if (call->held) ready_first(call->held);
    call->held = NULL;
}

/* Others need not wait any longer for what it brings. */
static void end_waiting_for(opro__leg *leg) {
    opro_model *model = leg->call->model;

    if (model->probe == leg) {
        model->probe = NULL;
        release_held(model);
    }
}

void opro__schedule_remove(opro__leg *leg) {
    opro_model *model = leg->call->model;

    switch (leg->state) {
    case OPRO__LEG_READY: pull(&model->ready, leg); break;
    case OPRO__LEG_DELAYED: opro__alarm_unset(&model->alarms, &leg->alarm); break;
    case OPRO__LEG_HELD:
        if (leg->call->held != leg) pull(&model->held, leg);
        break;
    case OPRO__LEG_SENT:
        if (in_queue(&model->settled, leg))
            pull(&model->settled, leg);
        else
            opro__transport_cancel(model->transport, &leg->exchange);
        if (leg->paced) opro__pace_forget(&model->pace, 0); /* endpoints count what they began */
        break;
    default: break;
    }
    leg->paced = 0;
    leg->state = OPRO__LEG_LOOSE;
    end_waiting_for(leg);
}

/* ---- calls begin and end --------------------------------------------------------------------- */

enum { ALARM_LEG, ALARM_CALL };

opro_status opro__schedule_call(opro_call *call) {
    opro_model *model = call->model;
    opro__leg *leg = opro__leg_new(call, 0, call->samples);

    if (!leg) return OPRO_ERR_NOMEM;
    if (!opro__alarms_reserve(&model->alarms)) {
        opro__leg_free(leg);
        return OPRO_ERR_NOMEM;
    }
    call->deadline.kind = ALARM_CALL;
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

static void note_failure(opro_call *call, const opro__failure *failure) {
    call->err = failure->err;
    call->failure = failure->kind;
    if (failure->http_status) call->http_status = failure->http_status;
    if (failure->wait_ms > 0) call->wait_ms = failure->wait_ms;
}

/* The call is over when all its samples are. */
static void end_if_over(opro_call *call) {
    int failed = 0;

    if (call->over || call->n_fresh < call->samples) return;
    for (size_t i = 0; i < call->samples; i++)
        failed |= call->replies[i].outcome == OPRO_OUTCOME_FAILED;
    if (!failed) { /* what went wrong on the way was mended */
        opro__err_clear(&call->err);
        call->failure = OPRO_FAILURE_NONE;
    }
    call->over = 1;
    opro__schedule_end_call(call);
}

static void fail_sample(opro_call *call, size_t i) {
    if (call->replies[i].outcome != OPRO_OUTCOME_NONE) return;
    call->replies[i].outcome = OPRO_OUTCOME_FAILED;
    opro__call_settle(call, i);
}

/* The samples of a leg will not come. */
static void fail_leg(opro__leg *leg, const opro__failure *failure) {
    opro_call *call = leg->call;
    size_t first = leg->first, end = first + leg->n;
    int alone = leg->alone;

    note_failure(call, failure);
    opro__leg_free(leg);
    for (size_t i = first; i < end; i++)
        fail_sample(call, i);
    if (alone) release_rest(call);
    end_if_over(call);
}

void opro__schedule_fail_call(opro_call *call, const opro__failure *failure) {
    note_failure(call, failure);
    for (size_t i = 0; i < call->samples; i++)
        fail_sample(call, i);
    end_if_over(call);
}

/* Every call of which nothing is under way: there is no use in asking. */
static void fail_waiting(opro_model *model, const opro__failure *failure) {
    while (model->ready.first)
        fail_leg(model->ready.first, failure);
}

/* ---- what came of a leg ---------------------------------------------------------------------- */

static void count_usage(opro__leg *leg, opro__answer *answer) {
    opro_call *call = leg->call;
    opro_model *model = call->model;
    opro__usage *use = &answer->usage;
    int64_t cached_price = OPRO__INT(&model->options, MODEL_CACHED_PRICE);
    int64_t prompt_price = OPRO__INT(&model->options, MODEL_PROMPT_PRICE), cost;

    if (!use->known) { /* budgets must not stand still: an estimate */
        use->prompt = (int64_t)((double)leg->body.len / model->profile->bytes_per_token);
        for (size_t i = 0; i < answer->n_replies; i++)
            use->reply += (int64_t)(answer->replies[i].len + 3) / 4;
    } else if (use->prompt > 0) {
        double seen = (double)leg->body.len / (double)use->prompt;

        if (seen < 1) seen = 1;
        model->profile->bytes_per_token += 0.2 * (seen - model->profile->bytes_per_token);
    }
    if (use->cached > use->prompt) use->cached = use->prompt;
    call->usage.prompt = opro__sum(call->usage.prompt, use->prompt);
    call->usage.reply = opro__sum(call->usage.reply, use->reply);
    call->usage.cached = opro__sum(call->usage.cached, use->cached);
    call->usage.reasoning = opro__sum(call->usage.reasoning, use->reasoning);
    model->usage.prompt = opro__sum(model->usage.prompt, use->prompt);
    model->usage.reply = opro__sum(model->usage.reply, use->reply);
    model->usage.cached = opro__sum(model->usage.cached, use->cached);
    model->usage.reasoning = opro__sum(model->usage.reasoning, use->reasoning);
    if (cached_price < 0) cached_price = prompt_price;
    cost = opro__price(call->usage.prompt - call->usage.cached, prompt_price);
    cost = opro__sum(cost, opro__price(call->usage.cached, cached_price));
    cost = opro__sum(cost,
                     opro__price(call->usage.reply, OPRO__INT(&model->options, MODEL_REPLY_PRICE)));
    model->cost = opro__sum(model->cost, cost - call->cost);
    call->cost = cost;
}

/* One reply for all samples of a leg, at temperature 0. OPRO_ERR_NOMEM leaves the rest out. */
static opro_status copy_to_all(opro__leg *leg) {
    opro_call *call = leg->call;
    const opro__reply_text *from = &call->replies[leg->first];

    for (size_t i = leg->first + leg->asked; i < leg->first + leg->n; i++) {
        opro__reply_text *to = &call->replies[i];
        char *text = from->text ? opro__memdup(&call->model->mem, from->text, from->len) : NULL;
        char *reasoning = NULL;

        if (from->reasoning)
            reasoning = opro__memdup(&call->model->mem, from->reasoning, from->reasoning_len);
        if ((from->text && !text) || (from->reasoning && !reasoning)) {
            opro__free(&call->model->mem, text);
            opro__free(&call->model->mem, reasoning);
            return OPRO_ERR_NOMEM;
        }
        *to = *from;
        to->text = text;
        to->reasoning = reasoning;
        opro__call_settle(call, i);
    }
    return OPRO_OK;
}

static void take_reply(opro_call *call, size_t i, opro__reply_text *reply) {
    call->replies[i] = *reply;
    *reply = (opro__reply_text){0};
    opro__call_settle(call, i);
}

static void fail_samples(opro_call *call, size_t first, size_t n, int32_t kind, const char *why) {
    opro__failure failure = {0};

    opro__failure_set(&failure, kind, OPRO__RETRY_NO, "%s", why);
    note_failure(call, &failure);
    for (size_t i = first; i < first + n; i++)
        fail_sample(call, i);
}

/* A sample that the answer did not bring (with its copies) is asked for by itself. */
static void ask_again(opro__leg *leg, size_t i, int failed) {
    opro_call *call = leg->call;
    size_t n = leg->asked == 1 ? leg->n : 1;
    opro__leg *again;

    if (failed && leg->few >= MOST_FEW) {
        fail_samples(call, i, n, OPRO_FAILURE_UNAVAILABLE,
                     "the endpoint gave an error instead of this reply, again and again");
        return;
    }
    again = opro__leg_new(call, i, n);
    if (!again) {
        fail_samples(call, i, n, OPRO_FAILURE_MEMORY, "out of memory");
        return;
    }
    again->few = leg->few + (failed != 0);
    ready_first(again);
}

static int is_given(const opro__reply_text *reply) {
    return reply->outcome != OPRO_OUTCOME_NONE && reply->outcome != OPRO_OUTCOME_FAILED;
}

static void take_answer(opro__leg *leg, opro__answer *answer) {
    opro_call *call = leg->call;
    size_t end = leg->first + leg->asked;

    call->answered = 1;
    for (size_t i = end; i > leg->first; i--) { /* backwards: the front of the queue is a stack */
        const opro__reply_text *reply = &answer->replies[i - 1 - leg->first];

        if (!is_given(reply)) ask_again(leg, i - 1, reply->outcome == OPRO_OUTCOME_FAILED);
    }
    for (size_t i = leg->first; i < end; i++)
        if (is_given(&answer->replies[i - leg->first]))
            take_reply(call, i, &answer->replies[i - leg->first]);
    if (is_given(&call->replies[leg->first]) && copy_to_all(leg) != OPRO_OK)
        fail_samples(call, leg->first, leg->n, OPRO_FAILURE_MEMORY, "out of memory");
    if (leg->alone) release_rest(call);
    opro__leg_free(leg);
    end_if_over(call);
}

/* What the answer shows of the endpoint. */
static void learn(opro__leg *leg, const opro__answer *answer) {
    opro__profile *profile = leg->call->model->profile;

    if (leg->asked < 2 || profile->sampling == OPRO_SAMPLING_SINGLY) return;
    if (answer->n_given < leg->asked) {
        if (OPRO__INT(&leg->call->model->options, MODEL_SAMPLES) != OPRO_SAMPLING_TOGETHER)
            profile->sampling = OPRO_SAMPLING_SINGLY;
    } else {
        profile->sampling = OPRO_SAMPLING_TOGETHER;
    }
    end_waiting_for(leg);
}

static opro_status record(opro__leg *leg, opro__failure *failure) {
    opro_model *model = leg->call->model;
    opro__exchange *exchange = &leg->exchange;
    opro__recorded what = {
        .code = exchange->code,
        .met = exchange->met,
        .status = exchange->status,
        .kept = exchange->kept,
        .answer = opro__buf_text(&exchange->answer),
        .len = exchange->answer.len,
        .detail = exchange->detail,
    };
    opro_error err;

    if (!model->recording || leg->cached) return OPRO_OK;
    opro__err_clear(&err);
    if (opro__recording_add(model->recording, model->recorded_path, model->recorded_path_len,
                            leg->body.data, leg->body.len, &what, &err) == OPRO_OK)
        return OPRO_OK;
    opro__failure_set(failure, OPRO_FAILURE_FILE, OPRO__RETRY_NO,
                      "the recording cannot be written: %s", err.message);
    return failure->err.status;
}

static opro_status cache(opro__leg *leg, opro__failure *failure) {
    opro_model *model = leg->call->model;
    opro__exchange *exchange = &leg->exchange;
    opro_error err;
    opro_status st;

    if (!model->cache || leg->cached || leg->call->temperature != 0) return OPRO_OK;
    opro__err_clear(&err);
    st = opro__cache_put(model->cache, model->url.origin, model->path, model->path_len,
                         leg->body.data, leg->body.len, opro__buf_text(&exchange->answer),
                         exchange->answer.len, &err);
    if (st != OPRO_ERR_FAILED) return OPRO_OK; /* without memory it is just not cached */
    opro__failure_set(failure, OPRO_FAILURE_FILE, OPRO__RETRY_NO,
                      "the cache's file cannot be written: %s", err.message);
    return failure->err.status;
}

static void delay(opro__leg *leg, int64_t at, int64_t now) {
    if (at <= now) {
        ready_first(leg);
        return;
    }
    leg->state = OPRO__LEG_DELAYED;
    leg->alarm.kind = ALARM_LEG;
    opro__alarm_set(&leg->call->model->alarms, &leg->alarm, at);
}

/* The endpoint does not want a parameter. 1: it is left out from now on. */
static int adapt(opro__leg *leg, const opro__failure *failure) {
    opro_model *model = leg->call->model;
    unsigned bit = 1u << failure->adapt;

    if (leg->adapted & bit || leg->n_adapted >= MOST_ADAPT) return 0;
    leg->adapted |= bit;
    leg->n_adapted++;
    leg->tries--; /* not a retry */
    if (opro__profile_adapt(model->profile, failure->adapt)) {
        model->adaptations++;
        opro__log_say(model->log, OPRO_LOG_WARNING, OPRO__MODEL_DOMAIN,
                      "the request is adapted from now on, since the endpoint refused a "
                      "parameter: %s",
                      failure->err.message);
    }
    leg->asked = 0; /* to be written anew */
    if (failure->adapt == OPRO__ADAPT_SAMPLES) end_waiting_for(leg);
    return 1;
}

/* When the leg may be tried again; -1: it may not, and *failure says why. */
static int64_t retry_at(opro__leg *leg, opro__failure *failure, int64_t now) {
    opro_model *model = leg->call->model;
    const opro__options *options = &model->options;
    int64_t wait, most = OPRO__INT(options, MODEL_RETRY_AFTER_MAX_MS);

    if (failure->retry == OPRO__RETRY_LOADING) {
        if (leg->loading_since == INT64_MIN) leg->loading_since = now;
        if (now - leg->loading_since >= OPRO__INT(options, MODEL_LOADING_MS)) return -1;
        leg->tries--;
        return now + (model->replay ? 0 : LOADING_MS);
    }
    if (failure->retry == OPRO__RETRY_FEW && ++leg->few > MOST_FEW) return -1;
    if (leg->tries >= OPRO__INT(options, MODEL_ATTEMPTS)) return -1;
    if (failure->wait_ms > most) {
        char text[sizeof failure->err.message];

        memcpy(text, failure->err.message, sizeof text);
        opro__fail(&failure->err, failure->err.status,
                   "%.400s; it asks for %lld s of rest, more than model_retry_after_max_ms", text,
                   (long long)(failure->wait_ms / 1000));
        return -1;
    }
    if (model->replay) return now;
    if (!opro__pace_may_retry(&model->pace)) return -1;
    wait =
        opro__pace_backoff(&model->pace, leg->tries + 1, failure->busy, failure->wait_ms, leg->id);
    if (leg->call->deadline.place && now + wait >= leg->call->deadline.at) return -1;
    return now + wait;
}

/* Causes that other samples of the same call would meet as well; of the same endpoint. */
static int dooms_call(int32_t kind) {
    return kind == OPRO_FAILURE_REFUSED || kind == OPRO_FAILURE_NOT_FOUND ||
           kind == OPRO_FAILURE_CONTEXT || kind == OPRO_FAILURE_FILTER ||
           kind == OPRO_FAILURE_PREFIX || kind == OPRO_FAILURE_FILE;
}

static int dooms_all(int32_t kind) {
    return kind == OPRO_FAILURE_AUTH || kind == OPRO_FAILURE_QUOTA;
}

static void give_up(opro__leg *leg, const opro__failure *failure) {
    opro_call *call = leg->call;
    opro_model *model = call->model;

    opro__log_say(model->log, OPRO_LOG_WARNING, OPRO__MODEL_DOMAIN, "a request failed: %s",
                  failure->err.message);
    if (dooms_all(failure->kind)) {
        fail_leg(leg, failure);
        fail_waiting(model, failure);
    } else if (dooms_call(failure->kind)) {
        opro__schedule_fail_call(call, failure);
    } else {
        fail_leg(leg, failure);
    }
}

/* A leg failed: again, later, otherwise, or not at all. */
static void meet(opro__leg *leg, opro__failure *failure, int64_t now) {
    opro_model *model = leg->call->model;
    int64_t at;

    model->failures++;
    note_failure(leg->call, failure);
    if (failure->retry == OPRO__RETRY_ADAPT && adapt(leg, failure)) {
        ready_first(leg);
        return;
    }
    if (failure->retry == OPRO__RETRY_KEY && !leg->new_key) {
        leg->new_key = 1;
        if (opro__model_ask_key(model, 1) == OPRO_OK) {
            ready_first(leg);
            return;
        }
    }
    if (failure->retry == OPRO__RETRY_NO || failure->retry == OPRO__RETRY_ADAPT ||
        failure->retry == OPRO__RETRY_KEY) {
        give_up(leg, failure);
        return;
    }
    at = retry_at(leg, failure, now);
    if (at < 0) {
        give_up(leg, failure);
        return;
    }
    opro__log_say(model->log, OPRO_LOG_INFO, OPRO__MODEL_DOMAIN, "try %d in %lld ms: %s",
                  leg->tries + 1, (long long)(at - now), failure->err.message);
    delay(leg, at, now);
}

static void settle_pace(opro__leg *leg, const opro__failure *failure, const opro__answer *answer,
                        int64_t now) {
    opro_model *model = leg->call->model;
    int64_t window = opro__pace_window(&model->pace);
    int full = (int64_t)opro__transport_in_flight(model->transport) + 1 >= window;
    int64_t used = answer->usage.known ? answer->usage.prompt + answer->usage.reply : -1;

    if (!leg->paced) return;
    leg->paced = 0;
    opro__pace_settle(&model->pace, now, leg->exchange.sent_at, full, leg->reserved, used, failure);
}

static void leg_over(opro__leg *leg, int64_t now) {
    opro_model *model = leg->call->model;
    opro__answer answer = {0};
    opro__failure failure = {0};
    opro_status st;

    leg->state = OPRO__LEG_LOOSE;
    if (leg->cached) {
        model->cache_hits++;
        leg->call->cache_hits++;
    }
    if (leg->exchange.status) leg->call->http_status = leg->exchange.status;
    st = opro__leg_understand(leg, &answer, &failure);
    settle_pace(leg, st == OPRO_OK ? NULL : &failure, &answer, now);
    if (st == OPRO_OK) {
        learn(leg, &answer);
        if (!leg->cached) count_usage(leg, &answer);
    }
    if (st == OPRO_OK) st = cache(leg, &failure);
    if (record(leg, &failure) != OPRO_OK) st = failure.err.status;
    if (st == OPRO_OK)
        take_answer(leg, &answer);
    else
        meet(leg, &failure, now);
    opro__answer_free(&answer);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* How many samples one request asks for now. */
static size_t to_ask(const opro__leg *leg) {
    const opro_model *model = leg->call->model;
    size_t most = (size_t)OPRO__INT(&model->options, MODEL_MOST_SAMPLES);
    size_t protocol = model->dialect->most_samples;

    if (leg->call->temperature == 0 || model->profile->sampling == OPRO_SAMPLING_SINGLY) return 1;
    if (protocol && protocol < most) most = protocol;
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
    if (asked == 1 && !call->answered && !call->held && first_alone(call->model)) {
        leg->alone = 1;
        rest->state = OPRO__LEG_HELD;
        call->held = rest;
        return 1;
    }
    rest->state = OPRO__LEG_READY;
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

/* 1: it went out, or it is decided otherwise; 0: not now, model->next_start says when. */
static int start(opro__leg *leg, int64_t now) {
    opro_model *model = leg->call->model;
    opro__failure failure = {0};
    int64_t wait;
    opro_status st = prepare(leg, &failure);

    if (st == OPRO_OK && must_probe(leg, leg->asked)) {
        if (model->probe && model->probe != leg) {
            pull(&model->ready, leg);
            leg->state = OPRO__LEG_HELD;
            push_back(&model->held, leg);
            return 1;
        }
    }
    if (st == OPRO_OK && (model->replay || model->cache)) {
        int here;

        pull(&model->ready, leg);
        leg->state = OPRO__LEG_LOOSE;
        here = opro__leg_answered_here(leg, &failure, &st);
        if (here && st == OPRO_OK) {
            if (must_probe(leg, leg->asked)) model->probe = leg;
            if (!leg->cached) count_request(leg);
            return 1;
        }
        ready_first(leg);
    }
    if (st == OPRO_OK) {
        leg->reserved = opro__leg_tokens(leg);
        wait = opro__pace_admit(
            &model->pace, now, (int64_t)opro__transport_in_flight(model->transport), leg->reserved);
        if (wait) {
            model->next_start = wait == INT64_MAX ? INT64_MAX : opro__sum(now, wait);
            return 0;
        }
        leg->paced = 1;
        pull(&model->ready, leg);
        leg->state = OPRO__LEG_LOOSE;
        st = opro__leg_send(leg, &failure);
        if (st == OPRO_OK) {
            if (must_probe(leg, leg->asked)) model->probe = leg;
            count_request(leg);
            return 1;
        }
        opro__pace_forget(&model->pace, leg->reserved);
        leg->paced = 0;
    } else {
        pull(&model->ready, leg);
        leg->state = OPRO__LEG_LOOSE;
    }
    leg->tries++;
    meet(leg, &failure, now);
    return 1;
}

/* Names are looked up once: the first request finds the address, the others wait for it. */
static int waits_for_name(const opro_model *model) {
    return model->url.text && !model->url.literal && !model->replay &&
           opro__transport_in_flight(model->transport) > 0 &&
           !opro__transport_resolved(model->transport);
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
    }
    return did;
}

/* ---- everything that can be done now --------------------------------------------------------- */

static int take_finished(opro_model *model, int64_t now) {
    opro__exchange *exchange;
    int did = 0;

    while ((exchange = opro__transport_finished(model->transport))) {
        leg_over(exchange->owner, now);
        did = 1;
    }
    while (model->settled.first) {
        opro__leg *leg = model->settled.first;

        pull(&model->settled, leg);
        leg_over(leg, now);
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
        if (alarm->kind == ALARM_CALL) {
            opro_call *call = call_of(alarm);
            opro__failure failure = {0};

            opro__failure_set(&failure, OPRO_FAILURE_DEADLINE, OPRO__RETRY_NO,
                              "not done within %lld ms%s%.300s", (long long)call->deadline_ms,
                              call->err.len ? "; the last failure: " : "", call->err.message);
            opro__schedule_fail_call(call, &failure);
        } else {
            ready_first(leg_of(alarm));
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
