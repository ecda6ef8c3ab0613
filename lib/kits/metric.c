/* SPDX-License-Identifier: MIT */
/* The handle: settings, callbacks, verdicts. */
#include "metric.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "opro/config.h"
#include "opro/dataset.h"

/* The reference rounds to so many digits at most. */
#define DECIMALS_MAX 17

#define RULE_MAX 200

/* ---- the handle ------------------------------------------------------------------------------ */

static int is_kind(int32_t kind) {
    return kind >= OPRO_METRIC_STRICT && kind <= OPRO_METRIC_HOST && kind % 10 == 0;
}

static int is_task(int32_t task) {
    return task >= OPRO_TASK_TEXT && task <= OPRO_TASK_CHOICE && task % 10 == 0;
}

static void init_buffers(opro_metric *metric) {
    opro__reference_init(&metric->reference, &metric->mem, 2 * OPRO__METRIC_TEXT_MAX);
    opro__buf_init(&metric->reply, &metric->mem, 3 * OPRO__METRIC_TEXT_MAX);
    opro__buf_init(&metric->answer, &metric->mem, 3 * OPRO__METRIC_TEXT_MAX);
    opro__buf_init(&metric->work, &metric->mem, 3 * OPRO__METRIC_TEXT_MAX);
    opro__buf_init(&metric->verdict.extracted, &metric->mem, 3 * OPRO__METRIC_TEXT_MAX);
    opro__buf_init(&metric->verdict.rule, &metric->mem, RULE_MAX);
}

opro_status opro_metric_new(opro_metric **out, int32_t kind, int32_t task,
                            const opro_allocator *mem) {
    opro__mem own;
    opro_metric *metric;
    opro_status st;

    if (!out || !is_kind(kind) || !is_task(task)) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    metric = opro__calloc(&own, 1, sizeof *metric);
    if (!metric) return OPRO_ERR_NOMEM;
    metric->mem = own;
    opro__ref(&metric->refs);
    opro__err_clear(&metric->err);
    metric->kind = kind;
    metric->task = task;
    metric->relative = 1e-9;
    metric->mode.number = task == OPRO_TASK_NUMBER;
    metric->mode.boolean = task == OPRO_TASK_BOOL;
    init_buffers(metric);
    *out = metric;
    return OPRO_OK;
}

opro_metric *opro__metric_share(opro_metric *metric) {
    opro__ref(&metric->refs);
    return metric;
}

void opro_metric_free(opro_metric *metric) {
    opro__mem mem;

    if (!metric || !opro__may_free(&metric->guard, OPRO__CALL_opro_metric_free)) return;
    if (!opro__unref(&metric->refs)) return;
    opro__guard_close(&metric->guard);
    opro__hook_clear(&metric->hook);
    opro__metric_free_regex(metric);
    opro__free(&metric->mem, metric->pattern);
    opro__reference_free(&metric->reference);
    opro__buf_free(&metric->reply);
    opro__buf_free(&metric->answer);
    opro__buf_free(&metric->work);
    opro__buf_free(&metric->verdict.extracted);
    opro__buf_free(&metric->verdict.rule);
    mem = metric->mem;
    opro__free(&mem, metric);
}

const opro_error *opro_metric_error(const opro_metric *metric) {
    static const opro_error none = {.status = OPRO_ERR_INVALID,
                                    .len = sizeof "there is no metric" - 1,
                                    .message = "there is no metric"};

    return metric ? &metric->err : &none;
}

/* ---- settings -------------------------------------------------------------------------------- */

opro_status opro_metric_set_tolerance(opro_metric *metric, double absolute, double relative) {
    opro_status st;

    if (!metric) return OPRO_ERR_INVALID;
    st = opro__enter(&metric->guard, &metric->err, OPRO__CALL_opro_metric_set_tolerance);
    if (st != OPRO_OK) return st;
    if (!isfinite(absolute) || !isfinite(relative) || absolute < 0 || relative < 0)
        return opro__fail(&metric->err, OPRO_ERR_INVALID,
                          "tolerances are %s and %s; they are finite and at least 0",
                          opro__quote_real(absolute).text, opro__quote_real(relative).text);
    metric->absolute = absolute;
    metric->relative = relative;
    return OPRO_OK;
}

opro_status opro_metric_set_decimals(opro_metric *metric, int32_t decimals) {
    opro_status st;

    if (!metric) return OPRO_ERR_INVALID;
    st = opro__enter(&metric->guard, &metric->err, OPRO__CALL_opro_metric_set_decimals);
    if (st != OPRO_OK) return st;
    if (decimals < 0 || decimals > DECIMALS_MAX)
        return opro__fail(&metric->err, OPRO_ERR_INVALID, "%d decimals; there are 0 to %d",
                          (int)decimals, DECIMALS_MAX);
    metric->mode.decimals = decimals;
    return OPRO_OK;
}

opro_status opro_metric_set_boxed(opro_metric *metric, int32_t boxed) {
    opro_status st;

    if (!metric) return OPRO_ERR_INVALID;
    st = opro__enter(&metric->guard, &metric->err, OPRO__CALL_opro_metric_set_boxed);
    if (st != OPRO_OK) return st;
    if (boxed != 0 && boxed != 1)
        return opro__fail(&metric->err, OPRO_ERR_INVALID, "boxed is %d; it is 0 or 1", (int)boxed);
    metric->mode.boxed = boxed;
    return OPRO_OK;
}

opro_status opro_metric_set_pattern(opro_metric *metric, const char *pattern, size_t len) {
    opro__regex *regex = NULL;
    char *copy;
    opro_status st;

    if (!metric || !opro__arg(&pattern, &len)) return OPRO_ERR_INVALID;
    st = opro__enter(&metric->guard, &metric->err, OPRO__CALL_opro_metric_set_pattern);
    if (st != OPRO_OK) return st;
    if (metric->kind != OPRO_METRIC_REGEX && metric->kind != OPRO_METRIC_JSON_FIELD)
        return opro__fail(&metric->err, OPRO_ERR_STATE,
                          "only regular expressions and members of JSON have a pattern");
    if (len == 0 || len > OPRO__PATTERN_MAX || !opro__utf8_valid(pattern, len))
        return opro__fail(&metric->err, OPRO_ERR_INVALID,
                          "the pattern is %s; it has 1 to %d bytes of UTF-8 without NUL",
                          opro__quote(pattern, len).text, OPRO__PATTERN_MAX);
    copy = opro__memdup(&metric->mem, pattern, len);
    if (!copy) return opro__fail(&metric->err, OPRO_ERR_NOMEM, "out of memory");
    if (metric->kind == OPRO_METRIC_REGEX) st = opro__metric_compile(metric, copy, &regex);
    if (st != OPRO_OK) {
        opro__free(&metric->mem, copy);
        return st;
    }
    opro__metric_free_regex(metric);
    opro__free(&metric->mem, metric->pattern);
    metric->pattern = copy;
    metric->pattern_len = len;
    metric->regex = regex;
    return OPRO_OK;
}

opro_status opro_metric_set_fn(opro_metric *metric, opro_metric_fn fn, void *user_data,
                               opro_destroy_fn destroy) {
    opro_status st;

    if (!metric) return OPRO_ERR_INVALID;
    st = opro__enter(&metric->guard, &metric->err, OPRO__CALL_opro_metric_set_fn);
    if (st != OPRO_OK) return st;
    if (metric->kind != OPRO_METRIC_HOST)
        return opro__fail(&metric->err, OPRO_ERR_STATE,
                          "only a metric of the host's (OPRO_METRIC_HOST) has a callback");
    return opro__guard_set(&metric->guard, &metric->err, &metric->hook, (opro__fn)fn, user_data,
                           destroy);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

double opro_verdict_score(const opro_verdict *verdict) {
    return verdict ? verdict->score : 0;
}

const char *opro_verdict_extracted(const opro_verdict *verdict, size_t *len) {
    if (len) *len = verdict ? verdict->extracted.len : 0;
    return verdict ? opro__buf_text(&verdict->extracted) : "";
}

const char *opro_verdict_rule(const opro_verdict *verdict) {
    return verdict ? opro__buf_text(&verdict->rule) : "";
}

static void clear_verdict(opro_verdict *verdict) {
    verdict->score = 0;
    verdict->open = verdict->set = 0;
    verdict->status = OPRO_OK;
    opro__buf_clear(&verdict->extracted);
    opro__buf_clear(&verdict->rule);
}

opro_status opro__metric_decide(opro_metric *metric, double score, opro__piece extracted,
                                const char *rule) {
    opro_verdict *verdict = &metric->verdict;

    verdict->score = score;
    if (opro__utf8_valid(extracted.s, extracted.len))
        opro__buf_add(&verdict->extracted, extracted.s, extracted.len);
    else
        opro__utf8_repair(&verdict->extracted, extracted.s, extracted.len);
    opro__buf_addz(&verdict->rule, rule);
    if (verdict->extracted.status == OPRO_OK && verdict->rule.status == OPRO_OK) return OPRO_OK;
    return opro__fail(&metric->err, OPRO_ERR_NOMEM, "out of memory");
}

/* The first failure is the callback's. */
static opro_status refuse_verdict(opro_verdict *verdict, opro_status st) {
    if (verdict->status == OPRO_OK) verdict->status = st;
    return st;
}

opro_status opro_verdict_set(opro_verdict *verdict, double score, const char *extracted, size_t len,
                             const char *rule) {
    size_t rule_len = OPRO_ZT;

    if (!verdict) return OPRO_ERR_INVALID;
    if (!verdict->open) return OPRO_ERR_STATE;
    if (verdict->set) return refuse_verdict(verdict, OPRO_ERR_CALLBACK);
    if (!(score >= 0 && score <= 1) || !opro__arg(&extracted, &len) ||
        !opro__arg(&rule, &rule_len) || !opro__utf8_valid(extracted, len) ||
        !opro__utf8_valid(rule, rule_len) || rule_len > RULE_MAX)
        return refuse_verdict(verdict, OPRO_ERR_INVALID);
    opro__buf_add(&verdict->extracted, extracted, len);
    opro__buf_add(&verdict->rule, rule, rule_len);
    if (verdict->extracted.status != OPRO_OK)
        return refuse_verdict(verdict, verdict->extracted.status);
    if (verdict->rule.status != OPRO_OK) return refuse_verdict(verdict, verdict->rule.status);
    verdict->score = score;
    verdict->set = 1;
    return OPRO_OK;
}

/* ---- judging --------------------------------------------------------------------------------- */

opro__piece opro__metric_clean_second(opro__piece reply) {
    return opro__reference_clean(reply);
}

static opro_status judge_reference(opro_metric *metric, const opro__matter *matter) {
    const opro__piece no_question = {"", 0};
    opro__piece normalized, parsed;
    const char *rule;
    int right;
    opro_status st;

    st = opro__reference_normalize(&metric->reference, matter->reply, &metric->mode, &normalized,
                                   &metric->err);
    if (st != OPRO_OK) return st;
    parsed = opro__reference_clean(normalized);
    st = opro__reference_accuracy(&metric->reference, matter->answer, parsed,
                                  metric->task == OPRO_TASK_CHOICE ? matter->question : no_question,
                                  !metric->mode.number, &right, &rule, &metric->err);
    return st == OPRO_OK ? opro__metric_decide(metric, right, parsed, rule) : st;
}

/* The texts as the host's callback gets them: valid, with a NUL behind them. */
static opro_status host_texts(opro_metric *metric, const opro__matter *matter) {
    opro__buf_clear(&metric->reply);
    opro__buf_clear(&metric->answer);
    opro__utf8_repair(&metric->reply, matter->reply.s, matter->reply.len);
    opro__utf8_repair(&metric->answer, matter->answer.s, matter->answer.len);
    if (metric->reply.status == OPRO_OK && metric->answer.status == OPRO_OK) return OPRO_OK;
    return opro__fail(&metric->err, OPRO_ERR_NOMEM, "out of memory");
}

static opro_status judge_host(opro_metric *metric, const opro__matter *matter) {
    opro_verdict *verdict = &metric->verdict;
    opro_status st;
    int32_t returned;

    if (!metric->hook.fn)
        return opro__fail(&metric->err, OPRO_ERR_STATE,
                          "there is no callback yet: opro_metric_set_fn()");
    st = host_texts(metric, matter);
    if (st != OPRO_OK) return st;
    verdict->open = 1;
    opro__callback_begin(&metric->guard, "the callback");
    returned = ((opro_metric_fn)metric->hook.fn)(
        metric, opro__buf_text(&metric->reply), metric->reply.len, opro__buf_text(&metric->answer),
        metric->answer.len, verdict, metric->hook.user_data);
    opro__callback_end(&metric->guard);
    verdict->open = 0;
    st = opro__callback_status(returned);
    if (st == OPRO_PENDING) st = OPRO_ERR_CALLBACK;
    if (st == OPRO_OK) st = verdict->status;
    if (st == OPRO_OK && !verdict->set) st = OPRO_ERR_CALLBACK;
    if (st != OPRO_OK)
        st = opro__fail(&metric->err, st, "the metric's callback failed or delivered no verdict");
    return opro__leave(&metric->guard, &metric->err, st);
}

static opro_status judge(opro_metric *metric, const opro__matter *matter) {
    switch (metric->kind) {
    case OPRO_METRIC_REFERENCE: return judge_reference(metric, matter);
    case OPRO_METRIC_EXACT: return opro__metric_exact(metric, matter);
    case OPRO_METRIC_CONTAINS: return opro__metric_contains(metric, matter);
    case OPRO_METRIC_REGEX: return opro__metric_regex(metric, matter);
    case OPRO_METRIC_JSON_FIELD: return opro__metric_json_field(metric, matter);
    case OPRO_METRIC_HOST: return judge_host(metric, matter);
    default: return opro__metric_strict(metric, matter);
    }
}

opro_status opro_metric_judge(opro_metric *metric, const char *reply, size_t reply_len,
                              const char *answer, size_t answer_len, const char *question,
                              size_t question_len, const opro_verdict **verdict) {
    const int no_reply = !reply;
    opro__matter matter;
    opro_status st;

    if (!metric || !verdict || !opro__arg(&reply, &reply_len) || !opro__arg(&answer, &answer_len) ||
        !opro__arg(&question, &question_len))
        return OPRO_ERR_INVALID;
    st = opro__enter(&metric->guard, &metric->err, OPRO__CALL_opro_metric_judge);
    if (st != OPRO_OK) return st;
    if (reply_len > OPRO__METRIC_TEXT_MAX || answer_len > OPRO__METRIC_TEXT_MAX ||
        question_len > OPRO__METRIC_TEXT_MAX)
        return opro__fail(&metric->err, OPRO_ERR_LIMIT, "texts are judged up to %zu bytes",
                          OPRO__METRIC_TEXT_MAX);
    if (no_reply && metric->kind == OPRO_METRIC_REFERENCE)
        return opro__fail(&metric->err, OPRO_ERR_FAILED,
                          "no verdict: there is no reply, where the published program crashes");
    matter = (opro__matter){{reply, reply_len}, {answer, answer_len}, {question, question_len}};
    clear_verdict(&metric->verdict);
    st = judge(metric, &matter);
    if (st != OPRO_OK) clear_verdict(&metric->verdict);
    if (st == OPRO_OK) *verdict = &metric->verdict;
    return st;
}
