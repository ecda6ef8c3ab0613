/* SPDX-License-Identifier: MIT */
/*
 * Races in a run. A made-up world: candidate k of "Method k" solves an instance by a digest of
 * both, some more often than others; proposals do not depend on what is shown, so that runs with
 * and without races meet the same candidates.
 */
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
#include "core/race.h"
#include "failing.h"
#include "opro/opro.h"

#define TRAIN 100

/* ---- the world ------------------------------------------------------------------------------- */

static double score_of(const char *text, size_t len, int64_t instance) {
    uint64_t digest = opro__hash_bytes(text, len);
    uint64_t level = 200 + digest % 600; /* right in so many of 1000 */

    return opro__hash_add(digest, (uint64_t)instance) % 1000 < level;
}

static void set(opro_config *config, const char *name, const char *value) {
    assert_int_equal(opro_config_set(config, name, OPRO_ZT, value, OPRO_ZT), OPRO_OK);
}

static opro_config *make_config(const char *race) {
    opro_config *config;

    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    set(config, "steps", "12");
    set(config, "resample_limit", "0");
    set(config, "race", race);
    return config;
}

static opro_problem *make_problem(size_t train) {
    opro_problem *problem;

    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_instances(problem, train, 3), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "Begin.", OPRO_ZT), OPRO_OK);
    return problem;
}

typedef struct watcher {
    size_t blocks;  /* requests for less than all training instances */
    size_t largest; /* of them */
    size_t marks;   /* "~" seen in meta-prompts */
    int64_t fail;   /* this block fails; -1: none */
} watcher;

static opro_status propose(opro_run *run, const opro_request *request, watcher *w) {
    uint64_t id = opro_request_id(request);
    size_t n = opro_request_samples(request);
    const char *text = opro_request_text(request, NULL);
    opro_status st = OPRO_OK;

    while ((text = strchr(text, '~')) != NULL)
        text++, w->marks++;
    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        char reply[64];
        long long number = (long long)opro_request_step(request) * 100 +
                           (long long)(opro_request_first_sample(request) + i);
        int len = snprintf(reply, sizeof reply, "<INS>Method %lld</INS>", number);

        st = opro_run_answer_text(run, id, reply, (size_t)len);
    }
    return st;
}

static opro_status score(opro_run *run, const opro_request *request, size_t train, watcher *w) {
    size_t len, n;
    const char *text = opro_request_text(request, &len);
    const int64_t *instances = opro_request_instances(request, &n);
    uint64_t id = opro_request_id(request);
    double scores[TRAIN];

    if (opro_request_set(request) == OPRO_TRAIN && n < train) {
        if ((int64_t)w->blocks++ == w->fail)
            return opro_run_answer_error(run, id, OPRO_ERR_FAILED, "no", OPRO_ZT);
        if (n > w->largest) w->largest = n;
    }
    for (size_t i = 0; i < n; i++)
        scores[i] = score_of(text, len, instances[i]);
    return opro_run_answer_scores(run, id, scores, n);
}

static opro_status go(opro_run *run, size_t train, watcher *w) {
    opro_request *request;
    opro_status st;

    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK) {
        st = opro_request_kind(request) == OPRO_REQUEST_PROPOSE ? propose(run, request, w)
                                                                : score(run, request, train, w);
        if (st != OPRO_OK) break;
    }
    return st;
}

static opro_run *run_all(const opro_config *config, size_t train, watcher *w) {
    opro_problem *problem = make_problem(train);
    opro_run *run;

    *w = (watcher){.fail = w->fail};
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    assert_int_equal(go(run, train, w), OPRO_DONE);
    opro_problem_free(problem);
    return run;
}

/* ---- what is true of any --------------------------------------------------------------------- */

/* Known scores are the world's, those of partly scored ones only are missing; returns how many. */
static int64_t check_candidate(const opro_trajectory *t, int64_t i, size_t train) {
    int partial = (opro_trajectory_flags(t, i) & OPRO_FLAG_PARTIAL) != 0;
    double scores[TRAIN], sum = 0;
    int64_t known = 0;
    size_t len;
    const char *text = opro_trajectory_text(t, i, &len);

    assert_int_equal(opro_trajectory_scores(t, i, OPRO_TRAIN, scores, TRAIN), train);
    for (size_t k = 0; k < train; k++) {
        if (isnan(scores[k])) continue;
        assert_true(scores[k] == score_of(text, len, (int64_t)k));
        sum += scores[k];
        known++;
    }
    assert_int_equal(known < (int64_t)train, partial);
    if (!partial) assert_true(opro_trajectory_score(t, i) == sum / (double)train);
    return known;
}

/* Returns how many were dropped. */
static int check_trajectory(const opro_run *run, size_t train) {
    const opro_trajectory *t = opro_run_trajectory(run);
    int64_t best = opro_trajectory_best(t), known = 0, top;
    int dropped = 0;

    for (int64_t i = 0; i < opro_trajectory_count(t); i++) {
        if (opro_trajectory_verdict(t, i) != OPRO_VERDICT_SCORED) continue;
        known += check_candidate(t, i, train);
        if (!(opro_trajectory_flags(t, i) & OPRO_FLAG_PARTIAL)) continue;
        dropped++;
        assert_true(isnan(opro_trajectory_validation(t, i)));
        assert_true(opro_trajectory_score(t, i) < opro_trajectory_score(t, best));
    }
    assert_false(opro_trajectory_flags(t, best) & OPRO_FLAG_PARTIAL);
    assert_int_equal(opro_trajectory_top(t, &top, 1), 1);
    assert_false(opro_trajectory_flags(t, top) & OPRO_FLAG_PARTIAL);
    if (opro_run_step(run) >= 0) /* else it was warm-started */
        assert_true(known <= opro_run_count(run, OPRO_COUNT_SCORER_CALLS));
    return dropped;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_off(void **state) {
    opro_config *config = make_config("off");
    watcher w = {.fail = -1};
    opro_run *run = run_all(config, TRAIN, &w);

    (void)state;
    assert_int_equal(w.blocks, 0);
    assert_int_equal(check_trajectory(run, TRAIN), 0);
    opro_run_free(run);
    opro_config_free(config);
}

static void test_presets(void **state) {
    static const char *const presets[] = {"exact", "cautious", "recommended"};
    opro_config *config = make_config("off");
    watcher w = {.fail = -1};
    opro_run *full = run_all(config, TRAIN, &w), *run;
    const opro_trajectory *t = opro_run_trajectory(full);
    int64_t calls = opro_run_count(full, OPRO_COUNT_SCORER_CALLS);
    double best = opro_trajectory_score(t, opro_trajectory_best(t)), found;

    (void)state;
    for (int i = 0; i < 3; i++) {
        set(config, "race", presets[i]);
        run = run_all(config, TRAIN, &w);
        t = opro_run_trajectory(run);
        assert_true(check_trajectory(run, TRAIN) > 20); /* of 96 */
        assert_int_equal(w.largest, 10);
        assert_true(w.marks > 0);
        assert_true(opro_run_count(run, OPRO_COUNT_SCORER_CALLS) < calls * 9 / 10);
        found = opro_trajectory_score(t, opro_trajectory_best(t));
        if (i == 0) assert_true(found == best); /* for certain */
        assert_true(found >= best - 0.05);
        opro_run_free(run);
    }
    opro_run_free(full);
    opro_config_free(config);
}

/* Its own block, the last of which is what is left; alpha 0 is exact. */
static void test_knobs(void **state) {
    opro_config *config = make_config("recommended");
    watcher w = {.fail = -1};
    opro_run *a, *b;

    (void)state;
    set(config, "race_block", "33");
    a = run_all(config, TRAIN, &w);
    assert_int_equal(w.largest, 33);
    assert_true(check_trajectory(a, TRAIN) > 20);
    set(config, "race_alpha", "0");
    b = run_all(config, TRAIN, &w);
    assert_true(opro_run_count(b, OPRO_COUNT_SCORER_CALLS) >
                opro_run_count(a, OPRO_COUNT_SCORER_CALLS));
    opro_run_free(a);
    set(config, "race", "exact");
    set(config, "race_alpha", "none");
    a = run_all(config, TRAIN, &w);
    assert_true(opro_trajectory_hash(opro_run_trajectory(a)) ==
                opro_trajectory_hash(opro_run_trajectory(b)));
    assert_true(opro_run_state_hash(a) != opro_run_state_hash(b)); /* other options */
    opro_run_free(a);
    opro_run_free(b);
    opro_config_free(config);
}

static void test_small(void **state) {
    opro_config *config = make_config("recommended");
    watcher w = {.fail = -1};
    opro_run *run = run_all(config, 1, &w);

    (void)state;
    assert_int_equal(w.blocks, 0); /* nothing to be raced over */
    opro_run_free(run);
    run = run_all(config, 10, &w); /* for certain only */
    assert_int_equal(w.largest, 5);
    check_trajectory(run, 10);
    opro_run_free(run);
    opro_config_free(config);
}

static void test_no_range(void **state) {
    opro_config *config = make_config("recommended");
    opro_problem *problem = make_problem(TRAIN);
    watcher w = {.fail = -1};
    opro_run *run;

    (void)state;
    assert_int_equal(opro_problem_set_score_range(problem, NAN, NAN), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    assert_int_equal(go(run, TRAIN, &w), OPRO_DONE);
    assert_int_equal(w.blocks, 0);
    assert_int_equal(check_trajectory(run, TRAIN), 0);
    opro_run_free(run);
    opro_problem_free(problem);
    opro_config_free(config);
}

/* A block that fails fails its candidate, whatever it scored before. */
static void test_failure(void **state) {
    opro_config *config = make_config("recommended");
    watcher w = {.fail = 5};
    opro_run *run = run_all(config, TRAIN, &w);
    const opro_trajectory *t = opro_run_trajectory(run);
    int failed = 0;

    (void)state;
    for (int64_t i = 0; i < opro_trajectory_count(t); i++) {
        if (opro_trajectory_verdict(t, i) != OPRO_VERDICT_FAILED) continue;
        failed++;
        assert_int_equal(opro_trajectory_reason(t, i), OPRO_REASON_NOT_SCORED);
        assert_true(isnan(opro_trajectory_score(t, i)));
        assert_false(opro_trajectory_flags(t, i) & OPRO_FLAG_PARTIAL);
    }
    assert_int_equal(failed, 1);
    assert_true(check_trajectory(run, TRAIN) > 20);
    opro_run_free(run);
    opro_config_free(config);
}

/* What was reserved for dropped candidates is free again: a budget buys more steps. */
static void test_budget(void **state) {
    opro_config *config = make_config("off");
    watcher w = {.fail = -1};
    opro_run *full, *raced;

    (void)state;
    set(config, "steps", "1000");
    set(config, "max_scorer_calls", "5000");
    full = run_all(config, TRAIN, &w);
    set(config, "race", "recommended");
    raced = run_all(config, TRAIN, &w);
    assert_int_equal(opro_run_stop_reason(raced), OPRO_STOP_SCORER_CALLS);
    assert_true(opro_run_count(raced, OPRO_COUNT_SCORER_CALLS) <= 5000);
    assert_true(opro_run_step(raced) > opro_run_step(full) * 3 / 2);
    opro_run_free(full);
    opro_run_free(raced);
    opro_config_free(config);
}

static void test_steady(void **state) {
    opro_config *config = make_config("recommended");
    watcher w = {.fail = -1};
    opro_run *run;

    (void)state;
    set(config, "mode", "steady");
    set(config, "steps", "30");
    run = run_all(config, TRAIN, &w);
    assert_true(check_trajectory(run, TRAIN) > 20);
    opro_run_free(run);
    opro_config_free(config);
}

/* Estimates stay estimates in the next run. */
static void test_warm_start(void **state) {
    opro_config *config = make_config("recommended");
    opro_problem *problem = make_problem(TRAIN);
    watcher w = {.fail = -1};
    opro_run *first = run_all(config, TRAIN, &w), *second;

    (void)state;
    assert_int_equal(opro_run_new(&second, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_run_warm_start(second, opro_run_trajectory(first)), OPRO_OK);
    assert_int_equal(check_trajectory(second, TRAIN), check_trajectory(first, TRAIN));
    opro_run_free(first);
    opro_run_free(second);
    opro_problem_free(problem);
    opro_config_free(config);
}

/* Every allocation fails once. */
static void test_memory(void **state) {
    opro_config *config = make_config("recommended");
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    set(config, "steps", "2");
    for (long n = 0; st == OPRO_ERR_NOMEM; n++) {
        failing f = {.left = n};
        opro_allocator mem = failing_allocator(&f);
        opro_problem *problem = make_problem(TRAIN);
        watcher w = {.fail = -1};
        opro_run *run = NULL;

        st = opro_run_new(&run, problem, config, &mem);
        if (st == OPRO_OK) st = go(run, TRAIN, &w);
        assert_true(st == OPRO_ERR_NOMEM || st == OPRO_DONE);
        opro_run_free(run);
        opro_problem_free(problem);
        assert_int_equal(f.live, 0);
    }
    opro_config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off),      cmocka_unit_test(test_presets),
        cmocka_unit_test(test_knobs),    cmocka_unit_test(test_small),
        cmocka_unit_test(test_no_range), cmocka_unit_test(test_failure),
        cmocka_unit_test(test_budget),   cmocka_unit_test(test_steady),
        cmocka_unit_test(test_memory),   cmocka_unit_test(test_warm_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
