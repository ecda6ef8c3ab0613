/* SPDX-License-Identifier: MIT */
/* Calls: what they ask, and what came of them. */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "core/request.h"
#include "model.h"

#define MOST_SAMPLES 65536

/* ---- making ---------------------------------------------------------------------------------- */

static opro_status no_memory(opro_model *model) {
    return opro__fail(&model->err, OPRO_ERR_NOMEM, "out of memory");
}

opro_status opro_call_new(opro_call **out, opro_model *model) {
    opro_call *call;
    opro_status st;

    if (!out || !model) return OPRO_ERR_INVALID;
    st = opro__model_enter(model, OPRO__CALL_opro_call_new);
    if (st != OPRO_OK) return st;
    call = opro__calloc(&model->mem, 1, sizeof *call);
    if (!call) return no_memory(model);
    call->model = opro__model_share(model);
    call->samples = 1;
    call->temperature = (double)NAN;
    call->max_tokens = 1024;
    call->deadline_ms = OPRO__INT(&model->options, MODEL_DEADLINE_MS);
    *out = call;
    return OPRO_OK;
}

opro_status opro_call_new_propose(opro_call **out, opro_model *model, const opro_request *request) {
    opro_call *call = NULL;
    opro_status st;

    if (!out || !model || opro_request_kind(request) != OPRO_REQUEST_PROPOSE)
        return OPRO_ERR_INVALID;
    st = opro_call_new(&call, model);
    for (size_t i = 0; st == OPRO_OK && i < opro_request_messages(request); i++) {
        size_t len;
        const char *text = opro_request_message_text(request, i, &len);

        st = opro_call_add_message(call, opro_request_message_role(request, i), text, len);
    }
    if (st == OPRO_OK) st = opro_call_set_samples(call, opro_request_samples(request));
    if (st == OPRO_OK) st = opro_call_set_temperature(call, opro_request_temperature(request));
    if (st == OPRO_OK) st = opro_call_set_max_tokens(call, opro_request_max_tokens(request));
    if (st == OPRO_OK) st = opro_call_set_seed(call, opro_request_seed(request));
    if (st == OPRO_OK)
        *out = call;
    else
        opro_call_free(call);
    return st;
}

static void free_results(opro_call *call) {
    opro__mem *mem = &call->model->mem;

    for (size_t i = 0; call->replies && i < call->samples; i++) {
        opro__free(mem, call->replies[i].text);
        opro__free(mem, call->replies[i].reasoning);
    }
    opro__free(mem, call->replies);
    opro__free(mem, call->fresh);
    call->replies = NULL;
    call->fresh = NULL;
}

void opro_call_free(opro_call *call) {
    opro_model *model;

    if (!call || call->freed) return;
    model = call->model;
    if (!opro__may_free(&model->guard, OPRO__CALL_opro_call_free)) return;
    if (opro__model_is_parents(model)) return; /* so are its connections */
    if (call->submitted && !call->over) opro__schedule_end_call(call);
    call->freed = 1; /* its destroy function may free it once more */
    opro__call_no_news(call);
    if (model->telling == call) model->telling = NULL;
    opro__hook_clear(&call->hook);
    free_results(call);
    for (size_t i = 0; i < call->n_parts; i++)
        opro__free(&model->mem, call->parts[i].text);
    for (size_t i = 0; i < call->n_stops; i++)
        opro__free(&model->mem, call->stops[i].text);
    opro__free(&model->mem, call->parts);
    opro__free(&model->mem, call);
    if (!model->guard.serving) opro__drive_retime(model);
    opro__model_release(model);
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* It can still be changed. */
static opro_status change(opro_call *call, int function) {
    opro_status st;

    if (!call) return OPRO_ERR_INVALID;
    st = opro__model_enter(call->model, function);
    if (st == OPRO_OK && call->submitted)
        return opro__fail(&call->model->err, OPRO_ERR_STATE,
                          "the call was submitted before; make a new one");
    return st;
}

static opro_status copy_text(opro_model *model, const char **text, size_t *len, opro__part *out) {
    if (!opro__arg(text, len) || !opro__utf8_valid(*text, *len))
        return opro__fail(&model->err, OPRO_ERR_INVALID,
                          "the text is NULL, or not UTF-8 without NUL");
    out->text = opro__memdup(&model->mem, *text, *len);
    out->len = *len;
    return out->text ? OPRO_OK : no_memory(model);
}

opro_status opro_call_add_message(opro_call *call, int32_t role, const char *text, size_t len) {
    opro__part part = {.role = role};
    void *parts;
    opro_status st = change(call, OPRO__CALL_opro_call_add_message);

    if (st != OPRO_OK) return st;
    if (role != OPRO_ROLE_SYSTEM && role != OPRO_ROLE_USER && role != OPRO_ROLE_ASSISTANT)
        return opro__fail(&call->model->err, OPRO_ERR_INVALID, "%d is no role: OPRO_ROLE_...",
                          (int)role);
    parts = call->parts;
    if (!opro__reserve(&call->model->mem, &parts, &call->cap_parts, call->n_parts + 1,
                       sizeof *call->parts))
        return no_memory(call->model);
    call->parts = parts;
    st = copy_text(call->model, &text, &len, &part);
    if (st == OPRO_OK) call->parts[call->n_parts++] = part;
    return st;
}

opro_status opro_call_add_stop(opro_call *call, const char *text, size_t len) {
    opro_status st = change(call, OPRO__CALL_opro_call_add_stop);

    if (st != OPRO_OK) return st;
    if (!opro__arg(&text, &len) || !len)
        return opro__fail(&call->model->err, OPRO_ERR_INVALID, "an empty text stops nothing");
    if (call->n_stops == sizeof call->stops / sizeof *call->stops)
        return opro__fail(&call->model->err, OPRO_ERR_LIMIT, "at most 4 texts can stop a reply");
    st = copy_text(call->model, &text, &len, &call->stops[call->n_stops]);
    if (st == OPRO_OK) call->n_stops++;
    return st;
}

opro_status opro_call_set_samples(opro_call *call, size_t samples) {
    opro_status st = change(call, OPRO__CALL_opro_call_set_samples);

    if (st != OPRO_OK) return st;
    if (samples < 1 || samples > MOST_SAMPLES)
        return opro__fail(&call->model->err, OPRO_ERR_INVALID, "%zu samples: from 1 to %d", samples,
                          MOST_SAMPLES);
    call->samples = samples;
    return OPRO_OK;
}

opro_status opro_call_set_temperature(opro_call *call, double temperature) {
    opro_status st = change(call, OPRO__CALL_opro_call_set_temperature);

    if (st != OPRO_OK) return st;
    if (temperature < 0 || temperature > 100)
        return opro__fail(&call->model->err, OPRO_ERR_INVALID,
                          "a temperature of %s: from 0 to 100, or NaN",
                          opro__quote_real(temperature).text);
    call->temperature = temperature;
    return OPRO_OK;
}

opro_status opro_call_set_max_tokens(opro_call *call, int64_t max_tokens) {
    opro_status st = change(call, OPRO__CALL_opro_call_set_max_tokens);

    if (st != OPRO_OK) return st;
    if (max_tokens < 1)
        return opro__fail(&call->model->err, OPRO_ERR_INVALID, "at most %lld tokens: 1 or more",
                          (long long)max_tokens);
    call->max_tokens = max_tokens;
    return OPRO_OK;
}

opro_status opro_call_set_seed(opro_call *call, uint64_t seed) {
    opro_status st = change(call, OPRO__CALL_opro_call_set_seed);

    if (st != OPRO_OK) return st;
    call->seed = seed;
    call->has_seed = 1;
    return OPRO_OK;
}

opro_status opro_call_set_deadline(opro_call *call, int64_t ms) {
    opro_status st = change(call, OPRO__CALL_opro_call_set_deadline);

    if (st != OPRO_OK) return st;
    if (ms < 0)
        return opro__fail(&call->model->err, OPRO_ERR_INVALID,
                          "a deadline of %lld ms: 0 for none, or more", (long long)ms);
    call->deadline_ms = ms;
    return OPRO_OK;
}

/* ---- submitting ------------------------------------------------------------------------------ */

static opro_status may_submit(const opro_call *call) {
    opro_model *model = call->model;
    int64_t most = OPRO__INT(&model->options, MODEL_MAX_WAITING);
    opro_status st = opro__model_ready(model, &model->err);

    if (st != OPRO_OK) return st;
    if (!call->n_parts)
        return opro__fail(&model->err, OPRO_ERR_STATE,
                          "the call has no message: opro_call_add_message()");
    if ((int64_t)model->n_calls >= most)
        return opro__fail(&model->err, OPRO_ERR_LIMIT,
                          "%lld calls wait already, as many as model_max_waiting allows",
                          (long long)most);
    return OPRO_OK;
}

opro_status opro_call_submit(opro_call *call, opro_call_fn fn, void *user_data,
                             opro_destroy_fn destroy) {
    opro_model *model;
    opro_status st = change(call, OPRO__CALL_opro_call_submit);

    if (st != OPRO_OK) return st;
    model = call->model;
    st = may_submit(call);
    if (st != OPRO_OK) return st;
    st = OPRO_ERR_NOMEM;
    call->replies = opro__calloc(&model->mem, call->samples, sizeof *call->replies);
    call->fresh = opro__calloc(&model->mem, call->samples, sizeof *call->fresh);
    if (call->replies && call->fresh) st = opro__schedule_call(call);
    if (st != OPRO_OK) {
        free_results(call);
        return no_memory(model);
    }
    call->submitted = 1;
    opro__hook_set(&call->hook, (opro__fn)fn, user_data, destroy);
    if (!model->guard.serving) opro__drive_retime(model);
    return OPRO_OK;
}

/* ---- news ------------------------------------------------------------------------------------ */

void opro__call_news(opro_call *call) {
    opro_model *model = call->model;

    if (call->has_news) return;
    call->has_news = 1;
    call->next_news = NULL;
    call->prev_news = model->last_news;
    if (model->last_news) model->last_news->next_news = call;
    if (!model->last_news) model->news = call;
    model->last_news = call;
}

void opro__call_no_news(opro_call *call) {
    opro_model *model = call->model;

    if (!call->has_news) return;
    call->has_news = 0;
    if (call->prev_news) call->prev_news->next_news = call->next_news;
    if (!call->prev_news) model->news = call->next_news;
    if (call->next_news) call->next_news->prev_news = call->prev_news;
    if (!call->next_news) model->last_news = call->prev_news;
}

void opro__call_settle(opro_call *call, size_t i) {
    call->fresh[call->n_fresh++] = i;
    opro__call_news(call);
}

/* ---- what came of it ------------------------------------------------------------------------- */

int32_t opro_call_done(const opro_call *call) {
    return call && call->over;
}

static const opro__reply_text *reply_at(const opro_call *call, size_t index) {
    return call && call->replies && index < call->samples ? &call->replies[index] : NULL;
}

int32_t opro_call_outcome(const opro_call *call, size_t index) {
    const opro__reply_text *reply = reply_at(call, index);

    return reply ? reply->outcome : OPRO_OUTCOME_NONE;
}

const char *opro_call_reply(const opro_call *call, size_t index, size_t *len) {
    const opro__reply_text *reply = reply_at(call, index);

    if (len) *len = reply && reply->text ? reply->len : 0;
    return reply && reply->text ? reply->text : "";
}

const char *opro_call_reasoning(const opro_call *call, size_t index, size_t *len) {
    const opro__reply_text *reply = reply_at(call, index);

    if (len) *len = reply && reply->reasoning ? reply->reasoning_len : 0;
    return reply && reply->reasoning ? reply->reasoning : "";
}

const char *opro_call_finish(const opro_call *call, size_t index) {
    const opro__reply_text *reply = reply_at(call, index);

    return reply ? reply->finish : "";
}

static const opro_error no_error;

const opro_error *opro_call_error(const opro_call *call) {
    return call ? &call->err : &no_error;
}

int32_t opro_call_failure(const opro_call *call) {
    return call ? call->failure : OPRO_FAILURE_NONE;
}

int64_t opro_call_figure(const opro_call *call, int32_t figure) {
    if (!call) return 0;
    switch (figure) {
    case OPRO_CALL_PROMPT_TOKENS: return call->usage.prompt;
    case OPRO_CALL_REPLY_TOKENS: return call->usage.reply;
    case OPRO_CALL_CACHED_TOKENS: return call->usage.cached;
    case OPRO_CALL_REASONING_TOKENS: return call->usage.reasoning;
    case OPRO_CALL_COST: return call->cost;
    case OPRO_CALL_REQUESTS: return call->requests;
    case OPRO_CALL_RETRIES: return call->retries;
    case OPRO_CALL_CACHE_HITS: return call->cache_hits;
    case OPRO_CALL_HTTP_STATUS: return call->http_status;
    case OPRO_CALL_WAIT_MS: return call->wait_ms;
    default: return 0;
    }
}
