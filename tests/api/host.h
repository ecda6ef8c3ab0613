/* SPDX-License-Identifier: MIT */
/* A host with a driver: an optimizer and a scorer that behave as they are told to. */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include "script.h"

/* How a callback behaves. */
enum {
    AT_ONCE, /* answers, returns OK                              */
    POSTS,   /* posts its answer, returns PENDING                */
    LATER,   /* keeps the request, returns PENDING               */
    TWICE,   /* answers, and again; returns OK                   */
    BOTH,    /* posts its answer, answers too; returns OK        */
    PARTLY,  /* answers one sample, returns OK                   */
    FAILS,   /* answers with an error; returns OK                */
    RETURNS, /* does nothing but return a value                  */
    STOPS    /* stops the run, returns a value                   */
};

typedef struct kept_request {
    uint64_t id;
    int32_t kind;
    size_t n; /* samples, or instances */
    double score;
} kept_request;

typedef struct host {
    opro_driver *driver;
    int behaviour[2]; /* of the optimizer, the scorer */
    int32_t returns;
    long called[2];
    kept_request kept[256];
    size_t n_kept;
    ear ear;
    char log[4096];
    int64_t clock_ms, clock_step;
    int32_t clock_returns;
    int clock_delivers, clock_stops;
} host;

static inline void host_keep(host *h, opro_request *request) {
    kept_request *k = &h->kept[h->n_kept];
    size_t len;
    const char *text = opro_request_text(request, &len);

    assert_true(h->n_kept++ < 256);
    k->id = opro_request_id(request);
    k->kind = opro_request_kind(request);
    k->n = opro_request_samples(request);
    k->score = score_of_text(text, len);
    if (k->kind == OPRO_REQUEST_SCORE) opro_request_instances(request, &k->n);
}

/* Post the answer to what was kept. */
static inline void host_post(host *h, const kept_request *k) {
    double scores[16];
    char reply[64];

    for (size_t i = 0; i < k->n && k->kind == OPRO_REQUEST_PROPOSE; i++) {
        snprintf(reply, sizeof reply, CANDIDATE("posted %llu %zu"), (unsigned long long)k->id, i);
        assert_int_equal(opro_driver_post_reply(h->driver, k->id, i, 0, reply, OPRO_ZT), OPRO_OK);
    }
    if (k->kind == OPRO_REQUEST_PROPOSE) return;
    for (size_t i = 0; i < k->n; i++)
        scores[i] = k->score;
    assert_int_equal(opro_driver_post_scores(h->driver, k->id, scores, k->n), OPRO_OK);
}

static inline int32_t host_answer(opro_run *run, opro_request *request, host *h) {
    int which = opro_request_kind(request) == OPRO_REQUEST_SCORE;
    uint64_t id = opro_request_id(request);
    double score = 0.5;

    h->called[which]++;
    switch (h->behaviour[which]) {
    case AT_ONCE: return answer_any(run, request);
    case POSTS:
        host_keep(h, request);
        host_post(h, &h->kept[--h->n_kept]);
        return OPRO_PENDING;
    case LATER: host_keep(h, request); return OPRO_PENDING;
    case TWICE:
        assert_int_equal(answer_any(run, request), OPRO_OK);
        assert_int_equal(opro_run_answer_error(run, id, OPRO_ERR_FAILED, "", 0), OPRO_ERR_STALE);
        assert_int_equal(which ? opro_run_answer_scores(run, id, &score, 1)
                               : opro_run_answer_text(run, id, CANDIDATE("again"), OPRO_ZT),
                         OPRO_ERR_STALE);
        return OPRO_OK;
    case BOTH:
        host_keep(h, request);
        host_post(h, &h->kept[--h->n_kept]);
        return answer_any(run, request);
    case PARTLY: return opro_run_answer_text(run, id, CANDIDATE("a part"), OPRO_ZT);
    case FAILS: return opro_run_answer_error(run, id, OPRO_ERR_FAILED, "not today", OPRO_ZT);
    case STOPS: assert_int_equal(opro_run_stop(run), OPRO_OK); return h->returns;
    default: return h->returns;
    }
}

static inline int32_t host_propose(opro_run *run, opro_request *request, void *user_data) {
    assert_int_equal(opro_request_kind(request), OPRO_REQUEST_PROPOSE);
    return host_answer(run, request, user_data);
}

static inline int32_t host_score(opro_run *run, opro_request *request, void *user_data) {
    assert_int_equal(opro_request_kind(request), OPRO_REQUEST_SCORE);
    return host_answer(run, request, user_data);
}

static inline int32_t host_hear(opro_run *run, const opro_event *event, void *user_data) {
    return ear_hear(run, event, &((host *)user_data)->ear);
}

/* A clock that goes on by a step whenever it is looked at. */
static inline int32_t host_clock(opro_driver *driver, opro_sink *sink, void *user_data) {
    host *h = user_data;

    if (h->clock_stops) assert_int_equal(opro_driver_stop(driver), OPRO_OK);
    h->clock_ms += h->clock_step;
    if (h->clock_delivers) opro_sink_count(sink, h->clock_ms);
    return h->clock_returns;
}

static inline void host_log(int32_t level, const char *domain, const char *message, size_t len,
                            void *user_data) {
    char *log = user_data;
    size_t at = strlen(log);

    assert_int_equal(strlen(message), len);
    snprintf(log + at, 4096 - at, "%d %s: %s\n", (int)level, domain, message);
}

/* A driver with the callbacks above. The problem's share is taken over. */
static inline void host_make(host *h, opro_problem *problem, const char *settings) {
    opro_config *config = config_of(settings);
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_status st;

    memset(h, 0, sizeof *h);
    h->clock_delivers = 1;
    opro_config_set_log(config, OPRO_LOG_WARNING, host_log, h->log, NULL);
    st = opro_driver_new(&h->driver, problem, config, NULL);
    if (st != OPRO_OK) fail_msg("%s", opro_error_message(opro_problem_error(problem), NULL));
    opro_config_free(config);
    opro_problem_free(problem);
    assert_int_equal(opro_optimizer_new(&optimizer, host_propose, h, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_scorer_new(&scorer, host_score, h, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_driver_set_optimizer(h->driver, optimizer), OPRO_OK);
    assert_int_equal(opro_driver_set_scorer(h->driver, scorer), OPRO_OK);
    assert_int_equal(opro_driver_set_observer(h->driver, host_hear, h, NULL), OPRO_OK);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
}

static inline void host_use_clock(host *h, int64_t step) {
    h->clock_step = step;
    assert_int_equal(opro_driver_set_clock_fn(h->driver, host_clock, h, NULL), OPRO_OK);
}

static inline opro_run *host_run(const host *h) {
    return opro_driver_run_handle(h->driver);
}

static inline void host_expect_stop(const host *h, int32_t reason) {
    assert_string_equal(opro_stop_reason_name(opro_run_stop_reason(host_run(h))),
                        opro_stop_reason_name(reason));
}

#endif
