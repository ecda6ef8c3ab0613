/* SPDX-License-Identifier: MIT */
/* What came of a leg: replies and their price, or a failure and what is done about it. */
#include <string.h>

#include "base/utf8.h"
#include "core/budget.h"
#include "model.h"

/* ---- replies --------------------------------------------------------------------------------- */

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
    } else if (answer->counts_first && leg->asked > 1) {
        use->reply *= (int64_t)leg->asked; /* an estimate; 2^53 tokens, 128 replies at most */
    }
    if (use->known && use->prompt > 0) {
        double seen = (double)leg->body.len / (double)use->prompt;

        if (seen < 1) seen = 1;
        model->profile->bytes_per_token += 0.2 * (seen - model->profile->bytes_per_token);
    }
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
        char *text = opro__memdup(&call->model->mem, from->text, from->len), *reasoning = NULL;

        if (from->reasoning)
            reasoning = opro__memdup(&call->model->mem, from->reasoning, from->reasoning_len);
        if (!text || (from->reasoning && !reasoning)) {
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

    opro__failure_set(&failure, kind, OPRO__RETRY_NO,
                      kind == OPRO_FAILURE_UNAVAILABLE ? "no reply: %s" : "%s", why);
    opro__schedule_note(call, &failure);
    for (size_t i = first; i < first + n; i++)
        opro__schedule_fail_sample(call, i);
}

/* The endpoint says why it gave no reply, again and again. */
static void fail_for_good(opro__leg *leg, size_t i, size_t n, const opro__reply_text *reply) {
    opro_model *model = leg->call->model;
    opro__buf why;

    opro__buf_init(&why, &model->mem, 4 * reply->len + 64);
    opro__redact(&why, model->secrets, model->n_secrets, reply->text, reply->len);
    fail_samples(leg->call, i, n, OPRO_FAILURE_UNAVAILABLE,
                 why.len ? opro__buf_text(&why)
                         : "the endpoint gave no reply, and does not say why");
    opro__buf_free(&why);
}

/* A sample that the answer did not bring (with its copies) is asked for by itself. */
static void ask_again(opro__leg *leg, size_t i, const opro__reply_text *reply) {
    opro_call *call = leg->call;
    int failed = reply->outcome == OPRO_OUTCOME_FAILED;
    size_t n = leg->asked == 1 ? leg->n : 1;
    opro__leg *again;

    if (failed && leg->few >= OPRO__INT(&call->model->options, MODEL_RETRY_FEW)) {
        fail_for_good(leg, i, n, reply);
        return;
    }
    again = opro__leg_new(call, i, n);
    if (!again) {
        fail_samples(call, i, n, OPRO_FAILURE_MEMORY, "out of memory");
        return;
    }
    again->few = leg->few + (failed != 0);
    opro__schedule_first(again);
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

        if (!is_given(reply)) ask_again(leg, i - 1, reply);
    }
    for (size_t i = leg->first; i < end; i++)
        if (is_given(&answer->replies[i - leg->first]))
            take_reply(call, i, &answer->replies[i - leg->first]);
    if (is_given(&call->replies[leg->first]) && copy_to_all(leg) != OPRO_OK)
        fail_samples(call, leg->first, leg->n, OPRO_FAILURE_MEMORY, "out of memory");
    if (leg->alone) opro__schedule_release_rest(call);
    opro__leg_free(leg);
    opro__schedule_end_if_over(call);
}

/* What the answer shows of the endpoint. */
static void learn(opro__leg *leg, const opro__answer *answer) {
    opro__profile *profile = leg->call->model->profile;

    if (leg->asked < 2 || profile->sampling == OPRO_SAMPLING_SINGLY) return;
    if (answer->n_given < leg->asked || answer->counts_first) {
        if (OPRO__INT(&leg->call->model->options, MODEL_SAMPLES) != OPRO_SAMPLING_TOGETHER)
            profile->sampling = OPRO_SAMPLING_SINGLY;
    } else {
        profile->sampling = OPRO_SAMPLING_TOGETHER;
    }
    opro__schedule_end_waiting(leg);
}

/* ---- what is kept of it ---------------------------------------------------------------------- */

/*
 * Endpoints quote the key when they refuse it: such words are recorded without it. 0: no memory.
 */
static int without_secrets(const opro_model *model, opro__recorded *what, opro__buf *answer) {
    if (what->status == 200 || !model->n_secrets) return 1;
    opro__redact(answer, model->secrets, model->n_secrets, what->answer, what->len);
    what->answer = opro__buf_text(answer);
    what->len = answer->len;
    what->kept.location[0] = '\0';
    return answer->status == OPRO_OK;
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
    opro__buf answer;
    opro_error err;
    opro_status st;

    if (!model->recording || leg->cached) return OPRO_OK;
    opro__err_clear(&err);
    opro__buf_init(&answer, &model->mem, 4 * exchange->answer.len + 64);
    if (without_secrets(model, &what, &answer))
        st = opro__recording_add(model->recording, model->recorded_path, model->recorded_path_len,
                                 leg->body.data, leg->body.len, &what, &err);
    else
        st = opro__fail(&err, OPRO_ERR_NOMEM, "out of memory");
    opro__buf_free(&answer);
    if (st == OPRO_OK) return OPRO_OK;
    opro__failure_set(failure, OPRO_FAILURE_FILE, OPRO__RETRY_NO,
                      "the recording cannot be written: %s", err.message);
    return failure->err.status;
}

/* An answer that lacks replies may bring them the next time: it is not kept. */
static int is_complete(const opro__answer *answer) {
    for (size_t i = 0; i < answer->n_replies; i++)
        if (!is_given(&answer->replies[i])) return 0;
    return 1;
}

static opro_status cache(opro__leg *leg, const opro__answer *answer, opro__failure *failure) {
    opro_model *model = leg->call->model;
    opro__exchange *exchange = &leg->exchange;
    opro_error err;
    opro_status st;

    if (!model->cache || leg->cached || leg->call->temperature != 0 || !is_complete(answer))
        return OPRO_OK;
    opro__err_clear(&err);
    st = opro__cache_put(model->cache, model->url.origin, model->path, model->path_len,
                         leg->body.data, leg->body.len, opro__buf_text(&exchange->answer),
                         exchange->answer.len, &err);
    if (st != OPRO_ERR_FAILED) return OPRO_OK; /* without memory it is just not cached */
    opro__failure_set(failure, OPRO_FAILURE_FILE, OPRO__RETRY_NO,
                      "the cache's file cannot be written: %s", err.message);
    return failure->err.status;
}

/* ---- an endpoint that is not asked ----------------------------------------------------------- */

int opro__model_is_barred(opro_model *model, int64_t now) {
    if (now >= model->barred_until) model->barred.kind = OPRO_FAILURE_NONE;
    if (model->barred_until != INT64_MAX) model->barred.wait_ms = model->barred_until - now;
    return model->barred.kind != OPRO_FAILURE_NONE;
}

int opro__model_why_not_sent(const opro_model *model, opro__failure *failure) {
    int barred = model->barred.kind != OPRO_FAILURE_NONE;
    const char *why = "since the last connections failed";

    *failure = barred ? model->barred : model->broken;
    if (failure->kind == OPRO_FAILURE_NONE) return 0;
    if (barred && model->barred_until == INT64_MAX)
        why = "until the base URL, the name, the key or a header is set again";
    else if (barred)
        why = "until the endpoint has had the rest it asks for";
    failure->retry = OPRO__RETRY_NO;
    opro__fail(&failure->err, failure->err.status, "not sent %s: %s", why, failure->err.message);
    return 1;
}

/*
 * Causes that every request would meet as well. Who has been served before was allowed in, and
 * found what it looked for: another answer concerns one request, or passes.
 */
static int bars_all(const opro__leg *leg, const opro__failure *failure) {
    const opro_model *model = leg->call->model;

    if (leg->headers && leg->headers != model->headers) return 0; /* there is a new key already */
    switch (failure->kind) {
    case OPRO_FAILURE_AUTH: return failure->http_status != 403 || !model->served;
    case OPRO_FAILURE_NOT_FOUND: return !model->served;
    case OPRO_FAILURE_QUOTA: return 1;
    default:
        return failure->busy &&
               failure->wait_ms > OPRO__INT(&model->options, MODEL_RETRY_AFTER_MAX_MS);
    }
}

static void bar(opro_model *model, const opro__failure *failure, int64_t now) {
    opro__failure why;

    model->barred = *failure;
    model->barred_until = failure->wait_ms > 0 ? opro__sum(now, failure->wait_ms) : INT64_MAX;
    opro__model_why_not_sent(model, &why);
    opro__say(&model->guard, model->log, OPRO_LOG_WARNING, OPRO__MODEL_DOMAIN, "requests are %s",
              why.err.message);
}

/* What a leg's outcome says of the endpoint's health, after the pace; failure NULL: it answered. */
static void note_health(opro_model *model, const opro__failure *failure, int64_t now) {
    if (failure && failure->broken)
        model->broken = *failure;
    else if (!opro__pace_is_open(&model->pace, now)) /* that was sent before it opened */
        model->broken.kind = OPRO_FAILURE_NONE;
    if (!failure) model->served = 1;
}

/* ---- again, later, otherwise ----------------------------------------------------------------- */

static void delay(opro__leg *leg, int64_t at, int64_t now) {
    if (at <= now) {
        opro__schedule_first(leg);
        return;
    }
    leg->state = OPRO__LEG_DELAYED;
    leg->alarm.kind = OPRO__ALARM_LEG;
    opro__alarm_set(&leg->call->model->alarms, &leg->alarm, at);
}

/* The endpoint does not want a parameter. 1: it is left out from now on. */
static int adapt(opro__leg *leg, const opro__failure *failure) {
    opro_model *model = leg->call->model;
    unsigned bit = 1u << failure->adapt;

    if (leg->adapted & bit || leg->n_adapted >= OPRO__INT(&model->options, MODEL_MAX_ADAPTATIONS))
        return 0;
    leg->adapted |= bit;
    leg->n_adapted++;
    leg->tries--; /* not a retry */
    if (opro__profile_adapt(model->profile, failure->adapt)) {
        model->adaptations++;
        opro__say(&model->guard, model->log, OPRO_LOG_WARNING, OPRO__MODEL_DOMAIN,
                  "the request is adapted from now on, since the endpoint refused a "
                  "parameter: %s",
                  failure->err.message);
    }
    leg->asked = 0; /* to be written anew */
    if (failure->adapt == OPRO__ADAPT_SAMPLES) opro__schedule_end_waiting(leg);
    return 1;
}

/* Has it had all its attempts? Those that passed without a request count. */
static int is_used_up(const opro__leg *leg) {
    const opro__options *options = &leg->call->model->options;

    return leg->few > OPRO__INT(options, MODEL_RETRY_FEW) ||
           leg->tries + leg->spared >= OPRO__INT(options, MODEL_ATTEMPTS);
}

/* The next attempt, after the wait that is due; -1: the call's deadline comes first. */
static int64_t next_attempt(const opro__leg *leg, const opro__failure *failure, int64_t now) {
    const opro_call *call = leg->call;
    int64_t wait = opro__pace_backoff(&call->model->pace, leg->tries + leg->spared + 1,
                                      failure->busy, failure->wait_ms, leg->id);

    return call->deadline.place && now + wait >= call->deadline.at ? -1 : now + wait;
}

/* When the leg may be tried again; -1: it may not, and *failure says why. */
static int64_t retry_at(opro__leg *leg, opro__failure *failure, int64_t now) {
    opro_model *model = leg->call->model;
    const opro__options *options = &model->options;

    if (failure->retry == OPRO__RETRY_LOADING) {
        if (leg->loading_since == INT64_MIN) leg->loading_since = now;
        if (now - leg->loading_since >= OPRO__INT(options, MODEL_LOADING_MS)) return -1;
        leg->tries--;
        return now + (model->replay ? 0 : opro__pace_loading(&model->pace, failure->wait_ms));
    }
    if (failure->retry == OPRO__RETRY_FEW) leg->few++;
    if (is_used_up(leg)) return -1;
    if (failure->wait_ms > OPRO__INT(options, MODEL_RETRY_AFTER_MAX_MS)) {
        opro__fail(&failure->err, failure->err.status,
                   "%.*s; it asks for %lld s of rest, more than model_retry_after_max_ms",
                   (int)opro__utf8_cut(failure->err.message, failure->err.len, 400),
                   failure->err.message, (long long)(failure->wait_ms / 1000));
        return -1;
    }
    if (model->replay) return now;
    return opro__pace_may_retry(&model->pace) ? next_attempt(leg, failure, now) : -1;
}

/* Causes that other samples of the same call would meet as well. */
static int dooms_call(int32_t kind) {
    return kind == OPRO_FAILURE_REFUSED || kind == OPRO_FAILURE_NOT_FOUND ||
           kind == OPRO_FAILURE_CONTEXT || kind == OPRO_FAILURE_FILTER ||
           kind == OPRO_FAILURE_PREFIX || kind == OPRO_FAILURE_FILE;
}

static void give_up(opro__leg *leg, const opro__failure *failure, int64_t now) {
    opro_call *call = leg->call;
    opro_model *model = call->model;
    int all = bars_all(leg, failure);

    /* what is not in a recording is shown beside what is: words of the prompt */
    opro__say(&model->guard, model->log, OPRO_LOG_WARNING, OPRO__MODEL_DOMAIN,
              "a request failed: %s",
              failure->kind == OPRO_FAILURE_NOT_RECORDED ? "it is not in the recording"
                                                         : failure->err.message);
    if (all && failure->http_status) bar(model, failure, now); /* else it is the key function */
    if (failure->broken && is_used_up(leg)) opro__schedule_fail_held(leg, failure);
    if (dooms_call(failure->kind))
        opro__schedule_fail_call(call, failure);
    else
        opro__schedule_fail_leg(leg, failure);
    if (all) opro__schedule_fail_waiting(model, failure);
}

void opro__leg_spare(opro__leg *leg, int64_t now) {
    opro__failure failure;
    int64_t at;

    opro__model_why_not_sent(leg->call->model, &failure);
    opro__schedule_note(leg->call, &failure);
    leg->spared++;
    at = is_used_up(leg) ? -1 : next_attempt(leg, &failure, now);
    if (at < 0)
        give_up(leg, &failure, now);
    else
        delay(leg, at, now);
}

/* What a connection may not have recovered from: the repeat had better have one of its own. */
static int spoils_connection(int32_t kind) {
    return kind == OPRO_FAILURE_NET || kind == OPRO_FAILURE_TIMEOUT ||
           kind == OPRO_FAILURE_PROTOCOL || kind == OPRO_FAILURE_ANSWER;
}

/* A leg failed: again, later, otherwise, or not at all. */
void opro__leg_met(opro__leg *leg, opro__failure *failure, int64_t now) {
    opro_model *model = leg->call->model;
    int64_t at;

    model->failures++;
    leg->exchange.fresh = spoils_connection(failure->kind);
    opro__schedule_note(leg->call, failure);
    if (failure->retry == OPRO__RETRY_ADAPT && adapt(leg, failure)) {
        opro__schedule_first(leg);
        return;
    }
    if (failure->retry == OPRO__RETRY_KEY && !leg->new_key) {
        int is_old = leg->headers && leg->headers != model->headers;

        leg->new_key = 1;
        if (is_old || opro__model_ask_key(model, 1) == OPRO_OK) {
            opro__schedule_first(leg);
            return;
        }
    }
    if (failure->retry == OPRO__RETRY_NO || failure->retry == OPRO__RETRY_ADAPT ||
        failure->retry == OPRO__RETRY_KEY) {
        give_up(leg, failure, now);
        return;
    }
    at = retry_at(leg, failure, now);
    if (at < 0) {
        give_up(leg, failure, now);
        return;
    }
    opro__say(&model->guard, model->log, OPRO_LOG_INFO, OPRO__MODEL_DOMAIN, "try %d in %lld ms: %s",
              leg->tries + leg->spared + 1, (long long)(at - now), failure->err.message);
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

void opro__leg_over(opro__leg *leg, int64_t now) {
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
    if (!leg->cached) note_health(model, st == OPRO_OK ? NULL : &failure, now);
    if (st == OPRO_OK) {
        learn(leg, &answer);
        if (!leg->cached) count_usage(leg, &answer);
    }
    if (st == OPRO_OK) st = cache(leg, &answer, &failure);
    if (record(leg, &failure) != OPRO_OK) st = failure.err.status;
    if (st == OPRO_OK)
        take_answer(leg, &answer);
    else
        opro__leg_met(leg, &failure, now);
    opro__answer_free(&answer);
}
