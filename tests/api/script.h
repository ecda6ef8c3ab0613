/* SPDX-License-Identifier: MIT */
/*
 * What the tests of runs and drivers share: problems and configs in a line, answers by script, and
 * an ear that writes the events of a run down as text. Through the public headers only.
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opro/opro.h"

#define CANDIDATE(text) "<INS>" text "</INS>"

/* ---- making ---------------------------------------------------------------------------------- */

/* "name=value name=value": a config. */
static inline opro_config *config_of(const char *settings) {
    opro_config *config;

    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    while (*settings) {
        size_t len = strcspn(settings, " "), name = strcspn(settings, "=");

        if (opro_config_set(config, settings, name, settings + name + 1, len - name - 1) != OPRO_OK)
            fail_msg("%s", opro_error_message(opro_config_error(config), NULL));
        settings += len;
        settings += strspn(settings, " ");
    }
    return config;
}

static inline opro_problem *text_problem(void) {
    opro_problem *problem;

    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_description(problem, "say it well", OPRO_ZT), OPRO_OK);
    return problem;
}

/* A run of a problem, whose share it takes over. */
static inline opro_run *run_of(opro_problem *problem, const char *settings) {
    opro_config *config = config_of(settings);
    opro_run *run;
    opro_status st = opro_run_new(&run, problem, config, NULL);

    if (st != OPRO_OK)
        fail_msg("%s: %s", opro_status_name(st),
                 opro_error_message(opro_problem_error(problem), NULL));
    opro_config_free(config);
    opro_problem_free(problem);
    return run;
}

/* ---- asking and telling ---------------------------------------------------------------------- */

/* The next request, which must be of this kind. */
static inline opro_request *next_of(opro_run *run, int32_t kind) {
    opro_request *request = NULL;
    opro_status st = opro_run_next(run, 0, &request);

    if (st != OPRO_OK)
        fail_msg("%s, %s: %s", opro_status_name(st),
                 opro_stop_reason_name(opro_run_stop_reason(run)),
                 opro_error_message(opro_run_error(run), NULL));
    assert_int_equal(opro_request_kind(request), kind);
    return request;
}

static inline uint64_t next_id(opro_run *run, int32_t kind) {
    return opro_request_id(next_of(run, kind));
}

static inline void expect_next(opro_run *run, opro_status expected) {
    opro_request *request;

    assert_int_equal(opro_run_next(run, 0, &request), expected);
}

static inline void tell_text(opro_run *run, uint64_t id, const char *reply) {
    assert_int_equal(opro_run_answer_text(run, id, reply, OPRO_ZT), OPRO_OK);
}

/* The same score for every instance. */
static inline void tell_score(opro_run *run, opro_request *request, double score) {
    double scores[16];
    size_t n;

    opro_request_instances(request, &n);
    assert_true(n >= 1 && n <= 16);
    for (size_t i = 0; i < n; i++)
        scores[i] = score;
    assert_int_equal(opro_run_answer_scores(run, opro_request_id(request), scores, n), OPRO_OK);
}

/* Score what is asked for next. */
static inline void score_next(opro_run *run, double score) {
    tell_score(run, next_of(run, OPRO_REQUEST_SCORE), score);
}

/* Propose these texts (NULL ends them) in one request for as many samples. */
static inline void propose_next(opro_run *run, const char *const *texts) {
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);
    uint64_t id = opro_request_id(request);
    size_t n = opro_request_samples(request);

    for (size_t i = 0; texts[i]; i++) {
        assert_true(i < n);
        assert_int_equal(opro_run_answer_solution(run, id, i, 0, texts[i], OPRO_ZT), OPRO_OK);
    }
}

/* A text that is new every time, and a score for any text: what a test does not care about. */
static inline double score_of_text(const char *text, size_t len) {
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    return (double)(h >> 8) / 16777216.0;
}

static inline opro_status answer_any(opro_run *run, opro_request *request) {
    uint64_t id = opro_request_id(request);
    double scores[16];
    size_t n, len;
    const char *text;
    opro_status st = OPRO_OK;

    if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE) {
        size_t first = opro_request_first_sample(request);
        char reply[64];

        n = opro_request_samples(request);
        for (size_t i = 0; i < n && st == OPRO_OK; i++) {
            snprintf(reply, sizeof reply, CANDIDATE("idea %llx"),
                     (unsigned long long)(opro_request_seed(request) * 64 + first + i));
            st = opro_run_answer_reply(run, id, i, OPRO_ORIGIN_MODEL, reply, OPRO_ZT);
        }
        return st;
    }
    opro_request_instances(request, &n);
    text = opro_request_text(request, &len);
    for (size_t i = 0; i < n && i < 16; i++)
        scores[i] = score_of_text(text, len);
    return opro_run_answer_scores(run, id, scores, n);
}

/* Answer everything until the run says something else. Returns how many requests there were. */
static inline long answer_all(opro_run *run, opro_status *end) {
    opro_request *request;
    opro_status st;
    long n = 0;

    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK) {
        st = answer_any(run, request);
        if (st != OPRO_OK) break;
        assert_true(++n < 100000);
    }
    *end = st;
    return n;
}

static inline void finish(opro_run *run, int32_t reason) {
    opro_status st;

    answer_all(run, &st);
    assert_int_equal(st, OPRO_DONE);
    assert_string_equal(opro_stop_reason_name(opro_run_stop_reason(run)),
                        opro_stop_reason_name(reason));
}

static inline void assert_message(const opro_error *error, opro_status status) {
    size_t len;
    const char *message = opro_error_message(error, &len);

    assert_int_equal(opro_error_status(error), status);
    assert_true(status == OPRO_OK ? len == 0 : len > 0);
    assert_int_equal(strlen(message), len);
}

/* ---- an ear ---------------------------------------------------------------------------------- */

/* What was heard, one line an event; and what to do when an event of a kind comes. */
typedef struct ear {
    char text[1 << 16];
    size_t len;
    long count[16];    /* of each kind / 10 */
    int32_t answer_to; /* a kind of event ...            */
    int32_t answer;    /* ... to which the observer returns this */
    int32_t stop_at;   /* a kind of event at which it stops the run */
} ear;

static inline const char *reason_name(int32_t reason) {
    switch (reason) {
    case OPRO_REASON_NONE: return "none";
    case OPRO_REASON_NO_CANDIDATE: return "no_candidate";
    case OPRO_REASON_DUPLICATE: return "duplicate";
    case OPRO_REASON_TOO_LONG: return "too_long";
    case OPRO_REASON_DIGITS: return "digits";
    case OPRO_REASON_PLACEHOLDER: return "placeholder";
    case OPRO_REASON_NOT_LEGAL: return "not_legal";
    case OPRO_REASON_TRUNCATED: return "truncated";
    case OPRO_REASON_REFUSED: return "refused";
    case OPRO_REASON_NOT_SCORED: return "not_scored";
    case OPRO_REASON_NO_REPLY: return "no_reply";
    default: return "?";
    }
}

static inline void ear_say(ear *e, const char *format, ...) {
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(e->text + e->len, sizeof e->text - e->len, format, args);
    va_end(args);
    if (n > 0) e->len += (size_t)n;
    if (e->len >= sizeof e->text) e->len = sizeof e->text - 1; /* enough was heard */
}

static inline void ear_write(ear *e, const opro_event *event) {
    long step = (long)opro_event_step(event), sample = (long)opro_event_sample(event);
    const char *text = opro_event_text(event, NULL), *detail = opro_event_detail(event, NULL);
    int32_t reason = opro_event_reason(event);

    switch (opro_event_kind(event)) {
    case OPRO_EVENT_STEP_BEGUN: ear_say(e, "begun %ld\n", step); break;
    case OPRO_EVENT_META_PROMPT: ear_say(e, "prompt %ld\n", step); break;
    case OPRO_EVENT_REPLY: ear_say(e, "reply %ld.%ld\n", step, sample); break;
    case OPRO_EVENT_ACCEPTED: ear_say(e, "accepted %ld.%ld %s\n", step, sample, text); break;
    case OPRO_EVENT_REJECTED:
        ear_say(e, "rejected %ld.%ld %s: %s\n", step, sample, reason_name(reason), text);
        break;
    case OPRO_EVENT_SCORED:
        ear_say(e, "scored %ld.%ld %s %g: %s\n", step, sample,
                opro_event_set(event) == OPRO_TRAIN ? "train" : "validation",
                opro_event_score(event), text);
        break;
    case OPRO_EVENT_NEW_BEST:
        ear_say(e, "best %ld.%ld %g: %s\n", step, sample, opro_event_score(event), text);
        break;
    case OPRO_EVENT_FAILED:
        ear_say(e, "failed %ld.%ld %s: %s\n", step, sample, reason_name(reason), detail);
        break;
    case OPRO_EVENT_STEP_ENDED: ear_say(e, "ended %ld\n", step); break;
    case OPRO_EVENT_STOPPED:
        ear_say(e, "stopped %s\n", opro_stop_reason_name(reason));
        assert_string_equal(detail, opro_stop_reason_name(reason));
        break;
    default: fail_msg("an event of kind %d", opro_event_kind(event));
    }
}

static inline int32_t ear_hear(opro_run *run, const opro_event *event, void *user_data) {
    ear *e = user_data;
    int32_t kind = opro_event_kind(event);
    size_t text_len, detail_len;
    const char *text = opro_event_text(event, &text_len);
    const char *detail = opro_event_detail(event, &detail_len);

    assert_int_equal(strlen(text), text_len);
    assert_int_equal(strlen(detail), detail_len);
    ear_write(e, event);
    e->count[kind / 10]++;
    if (kind == e->stop_at) assert_int_equal(opro_run_stop(run), OPRO_OK);
    return kind == e->answer_to ? e->answer : OPRO_OK;
}

static inline void ear_forget(ear *e) {
    e->len = 0;
    e->text[0] = '\0';
    memset(e->count, 0, sizeof e->count);
}

#endif
