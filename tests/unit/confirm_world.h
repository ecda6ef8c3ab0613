/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the confirm stage share: a made-up world. Candidate "Method k" solves an
 * instance by a digest of both and the set, some more often than others; proposals do not depend on
 * what is shown, so that runs with and without the stage meet the same candidates. Who has to win
 * is worked out here once more, from the world alone.
 */
#ifndef TESTS_CONFIRM_WORLD_H
#define TESTS_CONFIRM_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/rng.h"
#include "core/race.h"
#include "opro/opro.h"

#define MOST_OPEN      128
#define MOST_INSTANCES 80
#define METHODS        1024
#define MOST_REQUESTS  4096
#define INF            INT64_MAX

/* ---- the world ------------------------------------------------------------------------------- */

enum { BINARY, GRADED, ALL_EQUAL };

/* What is to happen in a run, and what did. */
typedef struct world {
    int kind;
    size_t train, validation;
    int32_t direction;
    uint64_t order;     /* of answers; 0: at once */
    uint64_t failing;   /* of so many validation requests one fails; 0: none */
    uint64_t luck;      /* which these are */
    int steps_fail;     /* 1: those of steps fail too */
    int mute;           /* 1: no proposals come */
    int64_t usage;      /* tokens that a scorer call uses, and money */
    int64_t stop_after; /* the host stops after so many answers of the stage */
    int32_t answer_to;  /* a kind of event in the stage ... */
    int32_t answer;     /* ... to which the observer says this */
    int stop_at_step;   /* 1: the observer stops the run when a step ends */
    int late;           /* answer everything twice */
    opro_run *run;
    /* heard */
    int confirming;
    int64_t ended_by;                        /* reason in the CONFIRM event */
    int64_t scored, failed, stopped, others; /* events after CONFIRM */
    uint64_t requests;                       /* sum of digests of all, as JSON */
    uint64_t stage;                          /* of the stage's only */
    uint64_t states;      /* of the state when a step ended, the stage began, all ended */
    int64_t asked, calls; /* in the stage: requests, calls */
    int64_t most_open;    /* in the stage */
    uint64_t ids[MOST_REQUESTS];
    size_t n_ids;
    unsigned char known[METHODS][MOST_INSTANCES]; /* times it was scored in validation */
} world;

static inline size_t method_of(const char *text, size_t len) {
    return len > 7 && memcmp(text, "Method ", 7) == 0 ? (size_t)atoi(text + 7) + 1 : 0;
}

static inline double score_of(const world *w, const char *text, size_t len, int32_t set,
                              int64_t instance) {
    uint64_t digest = opro__hash_bytes(text, len);
    uint64_t level = 200 + digest % 600; /* right in so many of 1000 */
    uint64_t luck = opro__hash_add(opro__hash_add(digest, (uint64_t)set), (uint64_t)instance);

    if (w->kind == ALL_EQUAL) return 0.5;
    if (w->kind == GRADED) return (double)(luck % 1000 * level) / 1e6;
    return luck % 1000 < level;
}

/* ---- setting up ------------------------------------------------------------------------------ */

static inline void set(opro_config *config, const char *name, const char *value) {
    assert_int_equal(opro_config_set(config, name, OPRO_ZT, value, OPRO_ZT), OPRO_OK);
}

static inline void set_int(opro_config *config, int32_t option, int64_t value) {
    assert_int_equal(opro_config_set_int(config, option, value), OPRO_OK);
}

static inline opro_config *make_config(const char *steps) {
    opro_config *config;

    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    set(config, "steps", steps);
    set(config, "resample_limit", "0");
    set(config, "confirm", "on");
    return config;
}

static inline opro_problem *make_problem(const world *w) {
    opro_problem *problem;

    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_instances(problem, w->train, w->validation), OPRO_OK);
    assert_int_equal(opro_problem_set_direction(problem, w->direction), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "Begin.", OPRO_ZT), OPRO_OK);
    return problem;
}

static inline world world_of(int kind, size_t train, size_t validation, int32_t direction) {
    return (world){.kind = kind,
                   .train = train,
                   .validation = validation,
                   .direction = direction,
                   .stop_after = INF};
}

/* ---- hearing --------------------------------------------------------------------------------- */

static inline int32_t hear(opro_run *run, const opro_event *event, void *user_data) {
    world *w = user_data;
    int32_t kind = opro_event_kind(event);

    if (kind == OPRO_EVENT_STEP_ENDED || kind == OPRO_EVENT_CONFIRM || kind == OPRO_EVENT_STOPPED)
        w->states = opro__hash_add(w->states, opro_run_state_hash(run));
    if (kind == OPRO_EVENT_STEP_ENDED && w->stop_at_step)
        assert_int_equal(opro_run_stop(run), OPRO_OK);
    if (kind == OPRO_EVENT_CONFIRM) {
        assert_false(w->confirming);
        w->confirming = 1;
        w->ended_by = opro_event_reason(event);
        assert_string_equal(opro_event_detail(event, NULL),
                            opro_stop_reason_name(opro_event_reason(event)));
        assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_NONE);
        assert_int_equal(opro_run_step(run), opro_trajectory_steps(opro_run_trajectory(run)));
        assert_int_equal(opro_event_step(event), opro_run_step(run));
    } else if (w->confirming) {
        assert_int_equal(w->stopped, 0);
        w->scored += kind == OPRO_EVENT_SCORED;
        w->failed += kind == OPRO_EVENT_FAILED;
        w->stopped += kind == OPRO_EVENT_STOPPED;
        w->others +=
            kind != OPRO_EVENT_SCORED && kind != OPRO_EVENT_FAILED && kind != OPRO_EVENT_STOPPED;
        if (kind == OPRO_EVENT_SCORED) assert_int_equal(opro_event_set(event), OPRO_VALIDATION);
    }
    return w->confirming && kind == w->answer_to ? w->answer : OPRO_OK;
}

/* ---- answering ------------------------------------------------------------------------------- */

static inline opro_status propose(const opro_request *request, world *w) {
    uint64_t id = opro_request_id(request);
    size_t n = opro_request_samples(request);
    opro_status st = OPRO_OK;

    if (w->mute) return opro_run_answer_error(w->run, id, OPRO_ERR_FAILED, "no", OPRO_ZT);
    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        char reply[64];
        long long number = (long long)opro_request_step(request) * 8 +
                           (long long)(opro_request_first_sample(request) + i);
        int len = snprintf(reply, sizeof reply, "<INS>Method %lld</INS>", number);

        st = opro_run_answer_reply(w->run, id, i, 0, reply, (size_t)len);
    }
    return st;
}

static inline int fails(const world *w, const opro_request *request) {
    size_t len;
    const char *text = opro_request_text(request, &len);

    if (!w->failing || opro_request_set(request) != OPRO_VALIDATION) return 0;
    if (!w->confirming && !w->steps_fail) return 0;
    return opro__hash_add(opro__hash_bytes(text, len), w->luck) % w->failing == 0;
}

/* Nothing that was known is asked for again. */
static inline void note_known(const opro_request *request, world *w) {
    size_t len, n;
    const char *text = opro_request_text(request, &len);
    const int64_t *instances = opro_request_instances(request, &n);
    size_t method = method_of(text, len);

    assert_true(method < METHODS);
    for (size_t i = 0; i < n; i++) {
        assert_true(instances[i] >= 0 && (size_t)instances[i] < w->validation);
        assert_int_equal(w->known[method][instances[i]]++, 0);
    }
}

static inline opro_status score(const opro_request *request, world *w) {
    size_t len, n;
    const char *text = opro_request_text(request, &len);
    const int64_t *instances = opro_request_instances(request, &n);
    uint64_t id = opro_request_id(request);
    int32_t of = opro_request_set(request);
    double scores[MOST_INSTANCES];
    opro_status st;

    if (w->usage) {
        st = opro_run_answer_usage(w->run, id, w->usage * (int64_t)n, 0, w->usage * (int64_t)n);
        if (st != OPRO_OK) return st;
    }
    if (fails(w, request)) return opro_run_answer_error(w->run, id, OPRO_ERR_FAILED, "no", OPRO_ZT);
    if (of == OPRO_VALIDATION) note_known(request, w);
    for (size_t i = 0; i < n; i++)
        scores[i] = score_of(w, text, len, of, instances[i]);
    st = opro_run_answer_scores(w->run, id, scores, n);
    if (st == OPRO_OK && w->late)
        assert_int_equal(opro_run_answer_scores(w->run, id, scores, n), OPRO_ERR_STALE);
    return st;
}

static inline opro_status answer(const opro_request *request, world *w) {
    int64_t steps = opro_trajectory_steps(opro_run_trajectory(w->run));
    int in_stage = w->confirming;
    opro_status st;

    if (in_stage && opro_request_step(request) != steps) { /* the end of the search cancelled it */
        assert_int_equal(opro_run_answer_error(w->run, opro_request_id(request), OPRO_ERR_FAILED,
                                               "too late", OPRO_ZT),
                         OPRO_ERR_STALE);
        return OPRO_OK;
    }
    st = opro_request_kind(request) == OPRO_REQUEST_PROPOSE ? propose(request, w)
                                                            : score(request, w);
    if (st == OPRO_OK && in_stage && --w->stop_after == 0) st = opro_run_stop(w->run);
    return st;
}

static inline void note_request(opro_request *request, world *w) {
    size_t len;
    const char *json = opro_request_json(request, &len);

    for (size_t i = 0; i < w->n_ids; i++)
        assert_true(w->ids[i] != opro_request_id(request));
    assert_true(w->n_ids < MOST_REQUESTS);
    w->ids[w->n_ids++] = opro_request_id(request);
    if (json) w->requests += opro__hash_bytes(json, len);
    if (json && w->confirming) w->stage += opro__hash_bytes(json, len);
    if (!w->confirming) return;
    assert_int_equal(opro_request_kind(request), OPRO_REQUEST_SCORE);
    assert_int_equal(opro_request_step(request),
                     opro_trajectory_steps(opro_run_trajectory(w->run)));
    opro_request_instances(request, &len);
    w->calls += (int64_t)len;
    w->asked++;
    if (opro_run_count(w->run, OPRO_COUNT_IN_FLIGHT) > w->most_open)
        w->most_open = opro_run_count(w->run, OPRO_COUNT_IN_FLIGHT);
}

/* Take out a random one. */
static inline opro_request *pick(opro_request **open, size_t *n, opro__rng *rng) {
    size_t i = (size_t)opro__rng_below(rng, *n);
    opro_request *request = open[i];

    open[i] = open[--*n];
    return request;
}

/* Go on to the end; answers come in an order of their own, or at once. */
static inline opro_status go(world *w) {
    opro__rng rng = {w->order, 0};
    opro_request *open[MOST_OPEN], *request; /* clones: the run's own may be cancelled */
    size_t n = 0;
    opro_status st = OPRO_OK;

    while (st != OPRO_DONE && st >= 0) {
        while ((st = opro_run_next(w->run, 0, &request)) == OPRO_OK) {
            note_request(request, w);
            assert_true(n < MOST_OPEN);
            assert_int_equal(opro_request_clone(&open[n++], request, NULL), OPRO_OK);
            if (!w->order || opro__rng_below(&rng, 4) == 0) break;
        }
        if (st == OPRO_DONE || st < 0) break;
        assert_true(n > 0);
        request = pick(open, &n, &rng);
        st = answer(request, w);
        opro_request_free(request);
    }
    while (n)
        opro_request_free(open[--n]);
    return st;
}

static inline opro_run *play(world *w, const opro_config *config) {
    opro_problem *problem = make_problem(w);
    opro_status st = opro_run_new(&w->run, problem, config, NULL);

    if (st != OPRO_OK) fail_msg("%s", opro_error_message(opro_problem_error(problem), NULL));
    assert_int_equal(opro_run_set_observer(w->run, hear, w, NULL), OPRO_OK);
    st = go(w);
    if (st != OPRO_DONE) fail_msg("%s", opro_error_message(opro_run_error(w->run), NULL));
    opro_problem_free(problem);
    return w->run;
}

/* ---- who has to win -------------------------------------------------------------------------- */

typedef struct contender {
    int64_t number;
    double train, fresh; /* sums */
    int out;
} contender;

/* Is a better than b? Of equal ones who comes first is. */
static inline int is_better(const world *w, const contender *a, const contender *b) {
    double x = a->train + a->fresh, y = b->train + b->fresh;

    return w->direction == OPRO_MAXIMIZE ? x > y : x < y;
}

static inline void sort(const world *w, contender *all, size_t n) {
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && is_better(w, &all[k], &all[k - 1]); k--) {
            contender c = all[k];

            all[k] = all[k - 1];
            all[k - 1] = c;
        }
}

static inline size_t enter(const world *w, contender *all) {
    const opro_trajectory *t = opro_run_trajectory(w->run);
    size_t n = 0;

    for (int64_t i = 0; i < opro_trajectory_count(t); i++) {
        if (opro_trajectory_verdict(t, i) != OPRO_VERDICT_SCORED) continue;
        if (opro_trajectory_flags(t, i) & OPRO_FLAG_PARTIAL) continue;
        assert_true(n < METHODS);
        all[n++] = (contender){i, opro_trajectory_score(t, i) * (double)w->train, 0, 0};
    }
    sort(w, all, n);
    return n < 16 ? n : 16;
}

/* The winner's number, when nothing fails; *n: among how many. */
static inline int64_t expected_winner(const world *w, uint64_t seed, size_t *n) {
    static const size_t left[] = {6, 3, 1};
    static contender all[METHODS];
    const opro_trajectory *t = opro_run_trajectory(w->run);
    size_t in = *n = enter(w, all), at = 0, v = w->validation;
    const size_t ends[] = {(v + 3) / 4, (v + 1) / 2, v};
    int64_t order[MOST_INSTANCES];

    opro__race_order(order, v, seed, 0);
    for (int stage = 0; stage < 3; stage++) {
        for (size_t i = 0; i < in; i++)
            for (size_t k = at; k < ends[stage]; k++) {
                size_t len;
                const char *text = opro_trajectory_text(t, all[i].number, &len);

                all[i].fresh += score_of(w, text, len, OPRO_VALIDATION, order[k]);
            }
        at = ends[stage];
        sort(w, all, in);
        if (in > left[stage]) in = left[stage];
    }
    return in ? all[0].number : -1;
}

/* What the stage asks for at most. */
static inline int64_t most_calls(size_t n, size_t v) {
    size_t a = (v + 3) / 4, b = (v + 1) / 2;

    return (int64_t)(n * a + (n < 6 ? n : 6) * (b - a) + (n < 3 ? n : 3) * (v - b));
}

/* ---- what is true of any --------------------------------------------------------------------- */

/* Scores are the world's; whoever has all of them has their mean. Returns how many have. */
static inline int64_t check_validation(const world *w) {
    const opro_trajectory *t = opro_run_trajectory(w->run);
    int64_t whole = 0;

    for (int64_t i = 0; i < opro_trajectory_count(t); i++) {
        double scores[MOST_INSTANCES], sum = 0, best;
        size_t len, known = 0;
        const char *text = opro_trajectory_text(t, i, &len);
        size_t n = opro_trajectory_scores(t, i, OPRO_VALIDATION, scores, MOST_INSTANCES);

        for (size_t k = 0; k < n; k++) {
            if (isnan(scores[k])) continue;
            assert_true(scores[k] == score_of(w, text, len, OPRO_VALIDATION, (int64_t)k));
            sum += scores[k];
            known++;
        }
        if (known < w->validation) {
            assert_true(isnan(opro_trajectory_validation(t, i)));
            continue;
        }
        whole++;
        assert_true(opro_trajectory_validation(t, i) == sum / (double)known);
        best = opro_trajectory_validation(t, opro_trajectory_best_validated(t));
        assert_true(w->direction == OPRO_MAXIMIZE ? best >= sum / (double)known
                                                  : best <= sum / (double)known);
    }
    assert_int_equal(whole > 0, opro_trajectory_best_validated(t) >= 0);
    return whole;
}

static inline void check_gap(const world *w) {
    const opro_trajectory *t = opro_run_trajectory(w->run);
    int64_t winner = opro_run_winner(w->run);
    double train = opro_trajectory_score(t, winner);
    double validation = opro_trajectory_validation(t, winner);
    double gap = 7, low = 8, high = 9;
    opro_status st = opro_run_gap(w->run, &gap, &low, &high);

    if (isnan(validation)) {
        assert_int_equal(st, OPRO_ERR_INVALID);
        assert_true(gap == 7 && low == 8 && high == 9);
        return;
    }
    if (st == OPRO_ERR_INVALID) { /* a single score of a kind that says nothing */
        assert_true(w->kind != BINARY && (w->train == 1 || w->validation == 1));
        return;
    }
    assert_int_equal(st, OPRO_OK);
    assert_true(gap == (w->direction == OPRO_MAXIMIZE ? train - validation : validation - train));
    assert_true(low <= gap && gap <= high);
}

/* It came to its end, and all of it is right. */
static inline void check_confirmed(const world *w, int32_t reason, uint64_t seed) {
    const opro_trajectory *t = opro_run_trajectory(w->run);
    int64_t steps = opro_trajectory_steps(t);
    size_t n;
    int64_t winner = expected_winner(w, seed, &n);

    assert_string_equal(opro_stop_reason_name(opro_run_stop_reason(w->run)),
                        opro_stop_reason_name(reason));
    assert_int_equal(w->ended_by, reason);
    assert_true(w->confirming && w->stopped == 1 && w->others == 0);
    assert_int_equal(w->scored, w->asked);
    assert_int_equal(w->failed, 0);
    assert_int_equal(opro_run_confirmed(w->run), n);
    assert_int_equal(opro_run_winner(w->run), winner);
    assert_true(!isnan(opro_trajectory_validation(t, winner)));
    assert_true(w->calls <= most_calls(n, w->validation));
    assert_true(opro_trajectory_figure(t, steps, OPRO_FIGURE_SCORER_CALLS) == (double)w->calls);
    assert_true(opro_trajectory_figure(t, steps, OPRO_FIGURE_PROMPT_TOKENS) ==
                (double)(w->calls * w->usage));
    assert_true(opro_trajectory_figure(t, steps, OPRO_FIGURE_COST) ==
                (double)(w->calls * w->usage));
    assert_true(opro_trajectory_figure(t, steps, OPRO_FIGURE_PROPOSALS) == 0);
    assert_true(isnan(opro_trajectory_figure(t, steps + 1, OPRO_FIGURE_SCORER_CALLS)));
    assert_int_equal(opro_run_step(w->run), steps - 1);
    assert_int_equal(opro_run_count(w->run, OPRO_COUNT_RESERVED_TOKENS), 0);
    assert_int_equal(opro_run_count(w->run, OPRO_COUNT_RESERVED_COST), 0);
    assert_int_equal(opro_run_count(w->run, OPRO_COUNT_IN_FLIGHT), 0);
    check_validation(w);
    check_gap(w);
}

/* It did not come to its end: the best in training is the winner. */
static inline void check_unconfirmed(const world *w, int32_t reason) {
    const opro_trajectory *t = opro_run_trajectory(w->run);

    assert_string_equal(opro_stop_reason_name(opro_run_stop_reason(w->run)),
                        opro_stop_reason_name(reason));
    assert_int_equal(opro_run_confirmed(w->run), 0);
    assert_int_equal(opro_run_winner(w->run), opro_trajectory_best(t));
    assert_int_equal(opro_run_count(w->run, OPRO_COUNT_RESERVED_TOKENS), 0);
    assert_int_equal(opro_run_count(w->run, OPRO_COUNT_RESERVED_COST), 0);
    assert_int_equal(opro_run_count(w->run, OPRO_COUNT_IN_FLIGHT), 0);
    if (w->confirming) assert_int_equal(w->stopped, 1);
    check_validation(w);
    check_gap(w);
}

/* Plays a world, checks it, and gives its run back to be looked at further. */
static inline opro_run *confirmed(world *w, const opro_config *config, int32_t reason) {
    opro_run *run = play(w, config);

    check_confirmed(w, reason, 0);
    return run;
}

#endif
