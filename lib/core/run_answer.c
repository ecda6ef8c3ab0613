/* SPDX-License-Identifier: MIT */
/* Answers: found by their id, checked, taken, and the run moved on. */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "run.h"

#define FEEDBACK_MAX ((size_t)64 << 10)

/* ---- finding --------------------------------------------------------------------------------- */

/* The open request of this kind (0: any), or why there is none. */
static opro_status find(opro_run *run, uint64_t id, int32_t kind, opro_request **out) {
    const opro_status dead = run->dead;
    opro_request *request;

    if (dead != OPRO_OK) return opro__fail(&run->err, dead, "the run ran out of memory before");
    request = opro__run_find(run, id);
    if (!request && opro__run_issued(run, id)) {
        run->stale++;
        return opro__fail(&run->err, OPRO_ERR_STALE,
                          "request %llu was answered already, or cancelled; the answer is "
                          "not used",
                          (unsigned long long)id);
    }
    if (!request)
        return opro__fail(&run->err, OPRO_ERR_UNKNOWN, "this run never handed out a request %llu",
                          (unsigned long long)id);
    if (kind && request->kind != kind)
        return opro__fail(&run->err, OPRO_ERR_INVALID, "request %llu asks for %s, not for %s",
                          (unsigned long long)id,
                          kind == OPRO_REQUEST_SCORE ? "proposals" : "scores",
                          kind == OPRO_REQUEST_SCORE ? "scores" : "proposals");
    *out = request;
    return OPRO_OK;
}

/*
 * Of a request for proposals that was asked again the last missing reply may have come before those
 * that were there: they are left aside.
 */
static opro_status leave_aside(opro_run *run, uint64_t id, opro_status st) {
    if (st != OPRO_ERR_STALE || run->taping.replaying || id >> 63) return st;
    if (run->stop_reason != OPRO_STOP_NONE || !opro__run_asked_again(run, id)) return st;
    opro__err_clear(&run->err);
    run->stale--;
    return OPRO_OK;
}

/*
 * What an answer says may be the message of this run's last failure ("could not be scored: "
 * opro_run_error()), which is cleared when the call begins: keep a copy.
 */
typedef struct kept {
    char text[sizeof((opro_error *)NULL)->message];
} kept;

static const char *keep_message(const opro_run *run, const char *s, size_t len, kept *copy) {
    uintptr_t at = (uintptr_t)s - (uintptr_t)run->err.message;

    if (at >= sizeof copy->text || len >= sizeof copy->text - at) return s;
    memcpy(copy->text, s, len);
    copy->text[len] = '\0';
    return copy->text;
}

/* ---- replies --------------------------------------------------------------------------------- */

static opro_status check_reply(opro_run *run, const opro_request *request, size_t index,
                               int32_t origin, size_t len) {
    const opro__batch *batch = request->batch;

    if (index >= request->samples)
        return opro__fail(&run->err, OPRO_ERR_INVALID, "reply %zu of a request for %zu", index,
                          request->samples);
    if (origin < 0 || origin > UINT16_MAX)
        return opro__fail(&run->err, OPRO_ERR_INVALID, "origin %d: from 0 to 65535", (int)origin);
    if (len > OPRO__REPLY_MAX)
        return opro__fail(&run->err, OPRO_ERR_LIMIT, "a reply of %zu bytes; at most %zu are read",
                          len, OPRO__REPLY_MAX);
    if (batch->samples[request->first + index] == OPRO__SAMPLE_ASKED) return OPRO_OK;
    run->stale++;
    return opro__fail(&run->err, OPRO_ERR_STALE, "reply %zu of request %llu is there already",
                      index, (unsigned long long)request->id);
}

static opro_status take_reply(opro_run *run, opro_request *request, size_t index, int32_t origin,
                              int how, const char *text, size_t len) {
    opro__batch *batch = request->batch;
    size_t sample = request->first + index;
    opro_status st;

    opro__sample_over(run, batch, sample);
    batch->answered[0] = 1;
    run->replies++;
    if (++request->answered == request->samples) opro__run_close(run, request);
    st = opro__admit(run, batch, sample, origin, text, len, how);
    return st == OPRO_OK ? opro__run_advance(run) : st;
}

/* Which sample of a request has no reply yet. */
static size_t first_missing(const opro_request *request) {
    size_t i = 0;

    while (request->batch->samples[request->first + i] != OPRO__SAMPLE_ASKED)
        i++;
    return i;
}

/* Of a request that is asked again all replies come again: the k-th is that to sample k. */
static size_t next_index(opro_request *request) {
    return request->again ? request->given++ : first_missing(request);
}

/*
 * 1 if it is asked again, and this sample has its reply from before: what comes now is left aside.
 */
static int was_there(const opro_request *request, size_t index) {
    return request->again && index < request->samples &&
           request->batch->samples[request->first + index] != OPRO__SAMPLE_ASKED;
}

static opro_status answer_reply(opro_run *run, int call, uint64_t id, const size_t *index,
                                int32_t origin, int how, const char *text, size_t len) {
    opro_request *request = NULL;
    opro__entry entry;
    kept copy;
    size_t i;
    opro_status st;

    if (!run || !opro__arg(&text, &len)) return OPRO_ERR_INVALID;
    text = keep_message(run, text, len, &copy);
    st = opro__enter(&run->guard, &run->err, call);
    if (st == OPRO_OK) st = find(run, id, OPRO_REQUEST_PROPOSE, &request);
    if (st != OPRO_OK) return leave_aside(run, id, st);
    i = index ? *index : next_index(request);
    if (was_there(request, i)) return OPRO_OK;
    st = check_reply(run, request, i, origin, len);
    if (st != OPRO_OK) return st;
    entry = (opro__entry){.kind = OPRO__ENTRY_REPLY,
                          .id = id,
                          .index = i,
                          .origin = origin,
                          .how = how,
                          .text = text,
                          .len = len};
    st = opro__run_write(run, &entry);
    if (st == OPRO_OK) st = take_reply(run, request, i, origin, how, text, len);
    return opro__run_finish(run, st);
}

opro_status opro_run_answer_text(opro_run *run, uint64_t id, const char *reply, size_t len) {
    return answer_reply(run, OPRO__CALL_opro_run_answer_text, id, NULL, 0, OPRO__ANSWER_REPLY,
                        reply, len);
}

opro_status opro_run_answer_reply(opro_run *run, uint64_t id, size_t index, int32_t origin,
                                  const char *reply, size_t len) {
    return answer_reply(run, OPRO__CALL_opro_run_answer_reply, id, &index, origin,
                        OPRO__ANSWER_REPLY, reply, len);
}

opro_status opro_run_answer_truncated(opro_run *run, uint64_t id, size_t index, int32_t origin,
                                      const char *reply, size_t len) {
    return answer_reply(run, OPRO__CALL_opro_run_answer_truncated, id, &index, origin,
                        OPRO__ANSWER_TRUNCATED, reply, len);
}

opro_status opro_run_answer_refused(opro_run *run, uint64_t id, size_t index, int32_t origin,
                                    const char *text, size_t len) {
    return answer_reply(run, OPRO__CALL_opro_run_answer_refused, id, &index, origin,
                        OPRO__ANSWER_REFUSED, text, len);
}

opro_status opro_run_answer_solution(opro_run *run, uint64_t id, size_t index, int32_t origin,
                                     const char *text, size_t len) {
    return answer_reply(run, OPRO__CALL_opro_run_answer_solution, id, &index, origin,
                        OPRO__ANSWER_SOLUTION, text, len);
}

/* ---- scores ---------------------------------------------------------------------------------- */

static opro_status check_scores(opro_run *run, const opro_request *request, const double *scores,
                                size_t n) {
    double low = run->problem->low, high = run->problem->high;

    if (n != request->n_instances)
        return opro__fail(&run->err, OPRO_ERR_INVALID, "%zu scores for %zu instances", n,
                          request->n_instances);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(scores[i]))
            return opro__fail(&run->err, OPRO_ERR_INVALID,
                              "score %zu is %s; scores must be finite: report what could "
                              "not be scored with opro_run_answer_error()",
                              i, opro__quote_real(scores[i]).text);
        if (!isnan(low) && (scores[i] < low || scores[i] > high)) {
            opro__quoted l = opro__quote_real(low), h = opro__quote_real(high);

            return opro__fail(&run->err, OPRO_ERR_INVALID,
                              "score %zu is %s, outside the problem's range %s to %s; see "
                              "opro_problem_set_score_range()",
                              i, opro__quote_real(scores[i]).text, l.text, h.text);
        }
    }
    return OPRO_OK;
}

/* The mean of those that are known, summed in the order of the instances. */
static double mean_of(const double *scores, size_t n, size_t *known) {
    double sum = 0;

    *known = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(scores[i])) continue;
        sum += scores[i];
        ++*known;
    }
    return sum / (double)*known;
}

static opro_status tell_scored(opro_run *run, const opro__work *work, int32_t set, double score) {
    opro_event event = opro__candidate_event(OPRO_EVENT_SCORED, work);

    event.set = set;
    event.score = score;
    return opro__run_tell(run, &event);
}

/* Keep them with the candidate; *mean is that of all that are known now. */
static opro_status keep_scores(opro_run *run, const opro_request *request, const double *scores,
                               double *mean) {
    opro__candidate *c = request->work->candidate;
    int which = request->set == OPRO_VALIDATION;
    size_t all = opro_problem_instances(run->problem, request->set), known;
    opro_status st = OPRO_OK;

    opro__trajectory_unfix(&run->trajectory, c);
    if (all > 1) st = opro__candidate_scores(&run->trajectory, c, which, all);
    for (size_t i = 0; all > 1 && st == OPRO_OK && i < request->n_instances; i++)
        c->extra->scores[which][request->instances[i]] = scores[i];
    if (st == OPRO_OK) {
        *mean = mean_of(all > 1 ? c->extra->scores[which] : scores, all, &known);
        if (which && known == all) c->validation = *mean;
    }
    opro__trajectory_fix(&run->trajectory, c);
    return st;
}

/* A candidate has all the scores that were wanted of it for now. */
static void move_work(opro_run *run, opro__batch *batch, opro__work *work, int validates_next) {
    if (work->state == OPRO__WORK_CONFIRM)
        work->state = OPRO__WORK_COMMITTED;
    else if (validates_next)
        work->state = OPRO__WORK_SCORED;
    else
        opro__work_decide(run, batch, work, OPRO_VERDICT_SCORED);
}

static opro_status take_scores(opro_run *run, opro_request *request, const double *scores) {
    opro__batch *batch = request->batch;
    opro__work *work = request->work;
    opro__candidate *c = work->candidate;
    int32_t set = request->set;
    int trains = set == OPRO_TRAIN, verdict = OPRO__RACE_WHOLE;
    double score;
    opro_status st = keep_scores(run, request, scores, &score);

    if (st != OPRO_OK) return st;
    if (trains) verdict = opro__work_take(work, request, scores);
    opro__run_close(run, request);
    batch->answered[1] = 1;
    if (verdict == OPRO__RACE_ON) { /* its next block is wanted */
        if (work->at < batch->next_score) batch->next_score = work->at;
        return opro__run_advance(run);
    }
    if (verdict == OPRO__RACE_LOST) {
        score = opro__race_estimate(&work->racer->race);
        c->flags |= OPRO_FLAG_PARTIAL;
    }
    if (trains) c->score = score;
    move_work(run, batch, work, trains && batch->validates && verdict == OPRO__RACE_WHOLE);
    st = tell_scored(run, work, set, score);
    return st == OPRO_OK ? opro__run_advance(run) : st;
}

opro_status opro_run_answer_scores(opro_run *run, uint64_t id, const double *scores, size_t n) {
    opro_request *request = NULL;
    opro__entry entry;
    opro_status st;

    if (!run || !scores) return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_answer_scores);
    if (st == OPRO_OK) st = find(run, id, OPRO_REQUEST_SCORE, &request);
    if (st == OPRO_OK) st = check_scores(run, request, scores, n);
    if (st != OPRO_OK) return st;
    entry = (opro__entry){.kind = OPRO__ENTRY_SCORES, .id = id, .scores = scores, .n = n};
    st = opro__run_write(run, &entry);
    if (st == OPRO_OK) st = take_scores(run, request, scores);
    return opro__run_finish(run, st);
}

/* ---- failures -------------------------------------------------------------------------------- */

static opro_status tell_failed(opro_run *run, const opro_request *request, const char *message,
                               size_t len) {
    opro_event event = opro__run_event(OPRO_EVENT_FAILED, request->step);
    int proposes = request->kind == OPRO_REQUEST_PROPOSE;

    if (request->work) event = opro__candidate_event(OPRO_EVENT_FAILED, request->work);
    event.sample = proposes ? (int64_t)request->first : event.sample;
    event.reason = proposes ? OPRO_REASON_NO_REPLY : OPRO_REASON_NOT_SCORED;
    event.set = request->set;
    event.detail = message;
    event.detail_len = len;
    return opro__run_tell(run, &event);
}

/* A candidate that cannot be validated keeps its score. */
static opro_status fail_work(opro_run *run, opro__batch *batch, opro__work *work, int validating,
                             const char *message, size_t len) {
    opro_status st;

    opro__trajectory_unfix(&run->trajectory, work->candidate);
    st = opro__candidate_detail(&run->trajectory, work->candidate, message, len);
    opro__trajectory_fix(&run->trajectory, work->candidate);
    if (st != OPRO_OK) return st;
    if (work->state == OPRO__WORK_CONFIRM) { /* it is out, since scores are missing */
        work->state = OPRO__WORK_COMMITTED;
        return OPRO_OK;
    }
    if (!validating) work->candidate->reason = OPRO_REASON_NOT_SCORED;
    opro__work_decide(run, batch, work, validating ? OPRO_VERDICT_SCORED : OPRO_VERDICT_FAILED);
    return OPRO_OK;
}

opro_status opro__run_fail_request(opro_run *run, opro_request *request, opro_status status,
                                   const char *message, size_t len) {
    opro__batch *batch = request->batch;
    opro__work *work = request->work;
    opro_status told, st = OPRO_OK;

    opro__say(&run->guard, run->log, OPRO_LOG_WARNING, "run", "request %llu failed: %s: %s",
              (unsigned long long)request->id, opro_status_name(status), message);
    run->failures++;
    batch->failed[work != NULL]++;
    told = tell_failed(run, request, message, len);
    if (work) {
        st = fail_work(run, batch, work, request->set == OPRO_VALIDATION, message, len);
    } else {
        for (size_t i = request->first; i < request->first + request->samples; i++)
            if (batch->samples[i] == OPRO__SAMPLE_ASKED) opro__sample_over(run, batch, i);
    }
    opro__run_close(run, request);
    if (st == OPRO_OK) st = told;
    return st == OPRO_OK ? opro__run_advance(run) : st;
}

opro_status opro_run_answer_error(opro_run *run, uint64_t id, opro_status status,
                                  const char *message, size_t len) {
    opro_request *request = NULL;
    opro__entry entry;
    char text[1024];
    kept copy;
    opro_status st;

    if (!run || !opro__arg(&message, &len)) return OPRO_ERR_INVALID;
    message = keep_message(run, message, len, &copy);
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_answer_error);
    if (st == OPRO_OK && status >= 0)
        st = opro__fail(&run->err, OPRO_ERR_INVALID, "%s (%d) is no error",
                        opro_status_name(status), (int)status);
    if (st == OPRO_OK && !opro__utf8_valid(message, len))
        st = opro__fail(&run->err, OPRO_ERR_INVALID, "the message is not valid UTF-8");
    if (st == OPRO_OK) st = find(run, id, 0, &request);
    if (st != OPRO_OK) return st;
    len = opro__utf8_cut(message, len, sizeof text - 1);
    if (len) memcpy(text, message, len);
    text[len] = '\0';
    entry = (opro__entry){
        .kind = OPRO__ENTRY_ERROR, .id = id, .number = status, .text = text, .len = len};
    st = opro__run_write(run, &entry);
    if (st == OPRO_OK) st = opro__run_fail_request(run, request, status, text, len);
    return opro__run_finish(run, st);
}

/* ---- besides --------------------------------------------------------------------------------- */

opro_status opro_run_answer_feedback(opro_run *run, uint64_t id, const char *text, size_t len) {
    opro_request *request = NULL;
    opro__entry entry;
    kept copy;
    opro_status st;

    if (!run || !opro__arg(&text, &len)) return OPRO_ERR_INVALID;
    text = keep_message(run, text, len, &copy);
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_answer_feedback);
    if (st == OPRO_OK) st = find(run, id, OPRO_REQUEST_SCORE, &request);
    if (st != OPRO_OK) return st;
    if (len > FEEDBACK_MAX)
        return opro__fail(&run->err, OPRO_ERR_LIMIT, "feedback of %zu bytes; at most %zu", len,
                          FEEDBACK_MAX);
    if (!opro__utf8_valid(text, len))
        return opro__fail(&run->err, OPRO_ERR_INVALID,
                          "the feedback is not valid UTF-8, or has a NUL byte in it");
    entry = (opro__entry){.kind = OPRO__ENTRY_FEEDBACK, .id = id, .text = text, .len = len};
    st = opro__run_write(run, &entry);
    if (st != OPRO_OK) return opro__run_finish(run, st);
    opro__trajectory_unfix(&run->trajectory, request->work->candidate);
    st = opro__candidate_feedback(&run->trajectory, request->work->candidate, text, len);
    opro__trajectory_fix(&run->trajectory, request->work->candidate);
    return opro__run_finish(run, st);
}

opro_status opro_run_answer_usage(opro_run *run, uint64_t id, int64_t prompt_tokens,
                                  int64_t reply_tokens, int64_t cost) {
    opro_request *request = NULL;
    opro__entry entry;
    opro_status st;

    if (!run) return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_answer_usage);
    if (st == OPRO_OK && (prompt_tokens < 0 || reply_tokens < 0 || cost < 0))
        st = opro__fail(&run->err, OPRO_ERR_INVALID, "usage cannot be negative");
    if (st == OPRO_OK) st = find(run, id, 0, &request);
    if (st != OPRO_OK) return leave_aside(run, id, st);
    entry = (opro__entry){
        .kind = OPRO__ENTRY_USAGE, .id = id, .usage = {prompt_tokens, reply_tokens, cost}};
    st = opro__run_write(run, &entry);
    if (st != OPRO_OK) return opro__run_finish(run, st);
    request->prompt_tokens = opro__sum(request->prompt_tokens, prompt_tokens);
    request->reply_tokens = opro__sum(request->reply_tokens, reply_tokens);
    request->cost = opro__sum(request->cost, cost);
    return OPRO_OK;
}
