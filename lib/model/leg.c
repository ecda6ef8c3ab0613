/* SPDX-License-Identifier: MIT */
/* One leg: its request written, sent or answered from elsewhere, and its answer understood. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "model.h"

#define MOST_SPARE  64
#define BODY_MAX    ((size_t)256 << 20)
#define SPARE_BYTES ((size_t)64 << 10) /* larger buffers are not kept */

/* ---- making ---------------------------------------------------------------------------------- */

static opro__leg *take_spare(opro_model *model) {
    opro__leg *leg = model->spare;

    if (!leg) return opro__calloc(&model->mem, 1, sizeof *leg);
    model->spare = leg->next;
    model->n_spare--;
    leg->next = NULL;
    return leg;
}

opro__leg *opro__leg_new(opro_call *call, size_t first, size_t n) {
    opro_model *model = call->model;
    opro__leg *leg;

    if (!opro__alarms_reserve(&model->alarms)) return NULL;
    leg = take_spare(model);
    if (!leg) {
        opro__alarms_release(&model->alarms);
        return NULL;
    }
    if (!leg->body.mem) opro__buf_init(&leg->body, &model->mem, BODY_MAX);
    if (!leg->exchange.answer.mem) opro__buf_init(&leg->exchange.answer, &model->mem, 0);
    leg->call = call;
    leg->first = first;
    leg->n = n;
    leg->state = OPRO__LEG_LOOSE;
    leg->loading_since = INT64_MIN;
    leg->id = model->next_leg_id++;
    model->n_legs++;
    leg->next_leg = call->legs;
    if (call->legs) call->legs->prev_leg = leg;
    call->legs = leg;
    return leg;
}

static void unlink_from_call(opro__leg *leg) {
    opro_call *call = leg->call;

    if (leg->prev_leg) leg->prev_leg->next_leg = leg->next_leg;
    if (!leg->prev_leg) call->legs = leg->next_leg;
    if (leg->next_leg) leg->next_leg->prev_leg = leg->prev_leg;
    if (call->held == leg) call->held = NULL;
}

/* All but its buffers. */
static void forget(opro__leg *leg) {
    opro__buf body = leg->body, answer = leg->exchange.answer;

    opro__buf_clear(&body);
    opro__buf_clear(&answer);
    *leg = (opro__leg){.body = body};
    leg->exchange.answer = answer;
}

void opro__leg_free(opro__leg *leg) {
    opro_model *model = leg->call->model;

    opro__schedule_remove(leg);
    unlink_from_call(leg);
    model->n_legs--;
    opro__alarms_release(&model->alarms);
    if (leg->headers) opro__headerset_release(model, leg->headers);
    if (leg->body.cap > SPARE_BYTES) opro__buf_free(&leg->body);
    if (leg->exchange.answer.cap > SPARE_BYTES) opro__buf_free(&leg->exchange.answer);
    if (model->n_spare >= MOST_SPARE) {
        opro__buf_free(&leg->body);
        opro__buf_free(&leg->exchange.answer);
        opro__free(&model->mem, leg);
        return;
    }
    forget(leg);
    leg->next = model->spare;
    model->spare = leg;
    model->n_spare++;
}

/* ---- the request ----------------------------------------------------------------------------- */

static int begun_answer(const opro_call *call) {
    return call->parts[call->n_parts - 1].role == OPRO_ROLE_ASSISTANT; /* there is one */
}

static int32_t prefix_way(const opro_model *model) {
    int32_t way = (int32_t)OPRO__INT(&model->options, MODEL_PREFIX);

    if (!(model->dialect->can & OPRO__CAN_PREFIX)) return OPRO_PREFIX_NONE;
    return way == OPRO_PREFIX_AUTO ? model->profile->prefix : way;
}

/* What of the ask the body will say, so that an endpoint can refuse it. */
static unsigned said_in(const opro_model *model, const opro__ask *ask) {
    unsigned can = model->dialect->can, said = 1u << OPRO__ADAPT_SYSTEM;

    if (!ask->completion_tokens) said |= 1u << OPRO__ADAPT_MAX_TOKENS;
    if (!isnan(ask->temperature) && !(ask->dropped & OPRO__DROP_TEMPERATURE))
        said |= 1u << OPRO__ADAPT_TEMPERATURE;
    if (ask->has_seed && can & OPRO__CAN_SEED && !(ask->dropped & OPRO__DROP_SEED))
        said |= 1u << OPRO__ADAPT_SEED;
    if (ask->n_stops && can & OPRO__CAN_STOP && !(ask->dropped & OPRO__DROP_STOP))
        said |= 1u << OPRO__ADAPT_STOP;
    if (ask->samples > 1) said |= 1u << OPRO__ADAPT_SAMPLES;
    return said;
}

static opro__ask ask_of(const opro__leg *leg) {
    const opro_call *call = leg->call;
    const opro_model *model = call->model;

    return (opro__ask){
        .model = model->name,
        .model_len = model->name_len,
        .parts = call->parts,
        .n_parts = call->n_parts,
        .stops = call->stops,
        .n_stops = call->n_stops,
        .samples = leg->asked,
        .temperature = call->temperature,
        .max_tokens = call->max_tokens,
        .seed = call->seed + leg->first,
        .has_seed = call->has_seed,
        .seed_name = model->profile->seed_name,
        .prefix = prefix_way(model),
        .dropped = model->profile->dropped,
        .completion_tokens = model->profile->completion_tokens,
        .more = opro__buf_text(&model->more),
        .more_len = model->more.len,
    };
}

/* How long the body will be, if little of the texts is escaped: many bodies wait at once. */
static size_t likely_length(const opro__ask *ask) {
    size_t len = 256 + ask->model_len + ask->more_len;

    for (size_t i = 0; i < ask->n_parts; i++)
        len += ask->parts[i].len + ask->parts[i].len / 16 + 48;
    for (size_t i = 0; i < ask->n_stops; i++)
        len += ask->stops[i].len + 8;
    return len;
}

opro_status opro__leg_build(opro__leg *leg, size_t asked, opro__failure *failure) {
    opro_model *model = leg->call->model;
    opro__ask ask;

    leg->asked = asked;
    ask = ask_of(leg);
    if (begun_answer(leg->call) && ask.prefix == OPRO_PREFIX_NONE) {
        opro__failure_set(failure, OPRO_FAILURE_PREFIX, OPRO__RETRY_NO,
                          "the endpoint cannot continue an answer that was begun for it; leave the "
                          "assistant's message out, or say how it is asked with model_prefix");
        return failure->err.status;
    }
    leg->said = said_in(model, &ask);
    opro__buf_clear(&leg->body);
    opro__buf_expect(&leg->body, likely_length(&ask));
    model->dialect->write_body(&leg->body, &ask);
    if (leg->body.status == OPRO_OK) return OPRO_OK;
    leg->asked = 0;
    if (leg->body.status == OPRO_ERR_LIMIT)
        opro__failure_set(failure, OPRO_FAILURE_LIMIT, OPRO__RETRY_NO,
                          "the request is larger than %zu bytes", BODY_MAX);
    else
        opro__failure_set(failure, OPRO_FAILURE_MEMORY, OPRO__RETRY_NO, "out of memory");
    return failure->err.status;
}

int64_t opro__leg_tokens(const opro__leg *leg) {
    const opro_call *call = leg->call;
    double prompt = (double)leg->body.len / call->model->profile->bytes_per_token;
    double reply = (double)leg->asked * (double)call->max_tokens;

    return (int64_t)fmin(prompt + reply, 9e15);
}

/* ---- the answer, from wherever --------------------------------------------------------------- */

static opro_status keep_answer(opro__leg *leg, const char *s, size_t len, opro__failure *failure) {
    opro__buf_clear(&leg->exchange.answer);
    leg->exchange.answer.max = OPRO__SIZE(&leg->call->model->options, MODEL_MAX_BODY);
    opro__buf_add(&leg->exchange.answer, s, len);
    if (leg->exchange.answer.status != OPRO_ERR_NOMEM) return OPRO_OK;
    opro__failure_set(failure, OPRO_FAILURE_MEMORY, OPRO__RETRY_NO, "out of memory");
    return failure->err.status;
}

/* 1: it was answered from the cache. */
static int from_cache(opro__leg *leg, opro__failure *failure, opro_status *st) {
    opro_model *model = leg->call->model;
    const char *answer;
    size_t len;

    if (!model->cache || leg->call->temperature != 0) return 0;
    answer = opro__cache_find(model->cache, model->url.origin, model->path, model->path_len,
                              leg->body.data, leg->body.len, &len);
    if (!answer) return 0;
    leg->exchange.code = 0;
    leg->exchange.met = 0;
    leg->exchange.status = 200;
    memset(&leg->exchange.kept, 0, sizeof leg->exchange.kept);
    *st = keep_answer(leg, answer, len, failure);
    leg->cached = 1;
    return 1;
}

static opro_status from_recording(opro__leg *leg, opro__failure *failure) {
    opro_model *model = leg->call->model;
    opro__recorded was;
    opro_error err;
    opro_status st;

    opro__err_clear(&err);
    st = opro__recording_find(model->replay, model->recorded_path, model->recorded_path_len,
                              leg->body.data, leg->body.len, 1, &was, &err);
    if (st == OPRO_ERR_UNKNOWN && leg->call->failure &&
        (leg->tries || leg->loading_since != INT64_MIN)) { /* there was no further try then */
        opro__failure_set(failure, leg->call->failure, OPRO__RETRY_NO, "%s",
                          leg->call->err.message);
        return failure->err.status;
    }
    if (st == OPRO_ERR_UNKNOWN && opro__model_why_not_sent(model, failure))
        return failure->err.status;
    if (st != OPRO_OK) {
        opro__failure_set(failure,
                          st == OPRO_ERR_NOMEM ? OPRO_FAILURE_MEMORY : OPRO_FAILURE_NOT_RECORDED,
                          OPRO__RETRY_NO, "%s", err.message);
        return failure->err.status;
    }
    leg->exchange.code = was.code;
    leg->exchange.met = was.met;
    leg->exchange.status = was.status;
    leg->exchange.kept = was.kept;
    strncpy(leg->exchange.detail, was.detail, sizeof leg->exchange.detail - 1);
    return keep_answer(leg, was.answer, was.len, failure);
}

opro_status opro__leg_send(opro__leg *leg, opro__failure *failure) {
    opro_model *model = leg->call->model;
    opro__exchange *exchange = &leg->exchange;
    opro_status st;

    if (leg->headers) opro__headerset_release(model, leg->headers);
    leg->headers = model->headers;
    leg->headers->users++;
    exchange->url = model->request_url;
    exchange->headers = leg->headers->list;
    exchange->body = leg->body.data;
    exchange->body_len = leg->body.len;
    exchange->timeout_ms = OPRO__INT(&model->options, MODEL_TIMEOUT_MS);
    exchange->owner = leg;
    exchange->detail[0] = '\0';
    st = opro__transport_start(model->transport, exchange);
    if (st == OPRO_OK) {
        leg->state = OPRO__LEG_SENT;
        return OPRO_OK;
    }
    if (st == OPRO_ERR_NOMEM)
        opro__failure_set(failure, OPRO_FAILURE_MEMORY, OPRO__RETRY_NO, "out of memory");
    else
        opro__failure_set(failure, OPRO_FAILURE_NET, OPRO__RETRY, "the request cannot be sent: %s",
                          exchange->detail);
    return failure->err.status;
}

int opro__leg_answered_here(opro__leg *leg, opro__failure *failure, opro_status *st) {
    opro_model *model = leg->call->model;

    *st = OPRO_OK;
    leg->cached = 0;
    if (!from_cache(leg, failure, st)) {
        if (!model->replay) return 0;
        *st = from_recording(leg, failure);
    }
    if (*st == OPRO_OK) {
        leg->state = OPRO__LEG_SETTLED;
        opro__queue_push(&model->settled, leg);
    }
    return 1;
}

/* ---- understanding --------------------------------------------------------------------------- */

/*
 * The wall clock has a say in one thing alone: how long a wait is that ends at a date, if the
 * answer has no Date header to count from.
 */
static opro_status classify_http(opro__leg *leg, const json_t *error, opro__failure *failure) {
    opro_model *model = leg->call->model;
    opro__exchange *exchange = &leg->exchange;

    opro__failure_http(failure, exchange->status, &exchange->kept, error,
                       opro__buf_text(&exchange->answer), exchange->answer.len, leg->said,
                       begun_answer(leg->call), (int64_t)time(NULL), model->secrets,
                       model->n_secrets, &model->mem);
    return failure->err.status;
}

static opro_status read_answer(opro__leg *leg, opro__answer *answer, opro__failure *failure) {
    opro_model *model = leg->call->model;
    opro__exchange *exchange = &leg->exchange;
    opro__ask ask = ask_of(leg);
    json_t *error = NULL;
    opro_error err;
    opro_status st;

    opro__err_clear(&err);
    st = opro__answer_init(answer, &model->mem, leg->asked);
    if (st == OPRO_OK)
        st = opro__dialect_read(model->dialect, answer, &error, &ask,
                                opro__buf_text(&exchange->answer), exchange->answer.len, &err);
    if (st == OPRO_ERR_FAILED)
        st = classify_http(leg, error, failure);
    else if (st == OPRO_ERR_NOMEM)
        opro__failure_set(failure, OPRO_FAILURE_MEMORY, OPRO__RETRY_NO, "out of memory");
    else if (st != OPRO_OK)
        opro__failure_answer(failure, &err, exchange->kept.content_type, model->secrets,
                             model->n_secrets, &model->mem);
    json_decref(error);
    return st;
}

opro_status opro__leg_understand(opro__leg *leg, opro__answer *answer, opro__failure *failure) {
    opro_model *model = leg->call->model;
    opro__exchange *exchange = &leg->exchange;

    if (exchange->code || exchange->met) {
        opro__failure_curl(failure, exchange->code, exchange->met, exchange->detail,
                           model->url.origin, model->proxy != NULL, model->secrets,
                           model->n_secrets, &model->mem);
        return failure->err.status;
    }
    if (exchange->status != 200) return classify_http(leg, NULL, failure);
    return read_answer(leg, answer, failure);
}
