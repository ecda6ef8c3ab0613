/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/problem.h"
#include "failing.h"
#include "kits/tour.h"
#include "opro/opro.h"

static const double xs[5] = {0, 10, 10, 0, 5}, ys[5] = {0, 0, 10, 10.5, -2};

static opro_tour *points(int32_t metric, size_t n) {
    opro_tour *tour = NULL;

    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_set_points(tour, metric, xs, ys, n), OPRO_OK);
    return tour;
}

/* The problem has the only share of its instance. */
static opro_problem *problem_of(opro_tour *tour) {
    opro_problem *problem = NULL;

    assert_int_equal(opro_problem_new_tour(&problem, tour, NULL), OPRO_OK);
    opro_tour_free(tour);
    return problem;
}

static void test_description(void **state) {
    const int32_t metrics[] = {OPRO_METRIC_EUC_2D, OPRO_METRIC_CEIL_2D,   OPRO_METRIC_ATT,
                               OPRO_METRIC_GEO,    OPRO_METRIC_EUCLIDEAN, OPRO_METRIC_GREAT_CIRCLE};
    const char *words[] = {"each rounded to a whole",      "each rounded up to a whole",
                           "by the square root of 10",     "minutes behind the point",
                           "the straight-line distances.", "longitude in degrees"};
    const double weights[4] = {0, 1, 1, 0};
    opro_tour *tour = NULL;
    opro_problem *problem;

    (void)state;
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        problem = problem_of(points(metrics[i], 5));
        assert_non_null(strstr(opro_problem_description(problem, NULL), words[i]));
        assert_non_null(strstr(opro_problem_description(problem, NULL),
                               "(0): (0, 0), (1): (10, 0), (2): (10, 10), (3): (0, 10.5), "
                               "(4): (5, -2)."));
        opro_problem_free(problem);
    }
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_set_matrix(tour, weights, 2), OPRO_OK);
    problem = problem_of(tour);
    assert_non_null(strstr(opro_problem_description(problem, NULL), "There are 2 places."));
    assert_non_null(strstr(opro_problem_description(problem, NULL), "not shown"));
    opro_problem_free(problem);
}

static void test_kind(void **state) {
    opro_problem *problem = problem_of(points(OPRO_METRIC_EUC_2D, 5));

    (void)state;
    assert_int_equal(opro_permutation_size(problem), 5);
    assert_int_equal(opro_problem_direction(problem), OPRO_MINIMIZE);
    assert_int_equal(problem->space.symmetry, OPRO_PERMUTATION_TOUR);
    assert_int_equal(problem->prompt, OPRO_META_PROMPT_TOUR);
    assert_int_equal(problem->display, OPRO_DISPLAY_DECIMALS);
    assert_int_equal(problem->decimals, 0);
    assert_string_equal(problem->score_name.s, "length");
    assert_true(isnan(problem->low) && isnan(problem->high));
    opro_problem_free(problem);
}

/* A text that a step makes of a text. */
static opro_status step(const opro_problem *problem, int which, const char *text, opro__buf *out) {
    opro_sink sink;
    opro_error err;
    int rejected = 0;
    opro_status st;

    opro__err_clear(&err);
    st = opro__problem_step(problem, which, text, strlen(text), &sink, out, &rejected, &err);
    assert_int_equal(rejected, 0);
    opro__sink_free(&sink);
    return st;
}

static void test_polish(void **state) {
    opro_problem *problem = problem_of(points(OPRO_METRIC_EUCLIDEAN, 5));
    opro_problem *one = problem_of(points(OPRO_METRIC_EUCLIDEAN, 1));
    opro__mem mem;
    opro__buf out;

    (void)state;
    opro__mem_init(&mem, NULL);
    opro__buf_init(&out, &mem, 1000);
    assert_int_equal(step(problem, OPRO__STEP_POLISH, "0,2,1,3,4", &out), OPRO_OK);
    assert_string_equal(opro__buf_text(&out), "0,3,2,1,4");
    assert_int_equal(step(one, OPRO__STEP_POLISH, "0", &out), OPRO_OK);
    assert_string_equal(opro__buf_text(&out), "0");
    assert_int_equal(step(problem, OPRO__STEP_POLISH, "0,1", &out), OPRO_ERR_REJECTED);
    opro__buf_free(&out);
    opro_problem_free(problem);
    opro_problem_free(one);
}

static double length_of(const opro_problem *problem, const opro_tour *tour, const char *text) {
    int32_t nodes[120];
    double length = -1;

    assert_int_equal(opro_permutation_parse(problem, text, OPRO_ZT, nodes, 120), OPRO_OK);
    assert_int_equal(opro_tour_length(tour, nodes, 120, &length), OPRO_OK);
    return length;
}

/*
 * However a tour is written, it comes out the same, and better than by a descent alone; other tours
 * may come out differently.
 */
static void test_polish_repeats(void **state) {
    double x[120], y[120];
    int32_t nodes[120], turned[120];
    opro__rng rng = opro__rng_make(1, 0, 0);
    opro_tour *tour = NULL;
    opro_problem *problem;
    opro__mem mem;
    opro__buf text, first, second;
    size_t differ = 0;
    double polished = 0, descended = 0, length;

    (void)state;
    for (size_t i = 0; i < 120; i++) {
        x[i] = opro__rng_real(&rng);
        y[i] = opro__rng_real(&rng);
    }
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_EUCLIDEAN, x, y, 120), OPRO_OK);
    problem = problem_of(tour);
    opro__mem_init(&mem, NULL);
    opro__buf_init(&text, &mem, 1000);
    opro__buf_init(&first, &mem, 1000);
    opro__buf_init(&second, &mem, 1000);
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < 120; i++) {
            size_t j = (size_t)opro__rng_below(&rng, i + 1);

            nodes[i] = nodes[j];
            nodes[j] = (int32_t)i;
        }
        for (size_t i = 0; i < 120; i++)
            turned[i] = nodes[(200 - i) % 120];
        opro__buf_clear(&text);
        opro__permutation_write(nodes, 120, &text);
        assert_int_equal(step(problem, OPRO__STEP_POLISH, text.data, &second), OPRO_OK);
        if (round > 0) differ += strcmp(first.data, second.data) != 0;
        opro__buf_clear(&text);
        opro__permutation_write(turned, 120, &text);
        assert_int_equal(step(problem, OPRO__STEP_POLISH, text.data, &first), OPRO_OK);
        assert_string_equal(first.data, second.data);
        polished += length_of(problem, tour, first.data);
        assert_int_equal(opro_tour_improve(tour, nodes, 120, 0, 0), OPRO_OK);
        assert_int_equal(opro_tour_length(tour, nodes, 120, &length), OPRO_OK);
        descended += length;
    }
    assert_true(polished < 0.99 * descended);
    assert_true(differ > 0);
    opro__buf_free(&text);
    opro__buf_free(&first);
    opro__buf_free(&second);
    opro_problem_free(problem);
}

/* ---- the scorer */

/* One reply, and what becomes of its candidate: its number in the trajectory is 0. */
static opro_run *run_once(opro_problem *problem, opro_scorer *scorer, const char *reply) {
    opro_run *run = NULL;
    opro_request *request = NULL;
    opro_config *config = NULL;

    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    assert_int_equal(opro_config_set_int(config, OPRO_OPT_STEPS, 1), OPRO_OK);
    assert_int_equal(opro_config_set_int(config, OPRO_OPT_SAMPLES_PER_STEP, 1), OPRO_OK);
    assert_int_equal(opro_config_set_int(config, OPRO_OPT_POLISH, 0), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    opro_config_free(config);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    assert_int_equal(opro_request_kind(request), OPRO_REQUEST_PROPOSE);
    assert_int_equal(opro_run_answer_text(run, opro_request_id(request), reply, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    assert_int_equal(opro_request_kind(request), OPRO_REQUEST_SCORE);
    assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_OK);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_DONE);
    return run;
}

static void test_scorer(void **state) {
    opro_tour *tour = points(OPRO_METRIC_EUC_2D, 5);
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;
    opro_run *run;
    int64_t best;

    (void)state;
    assert_int_equal(opro_scorer_new_tour(&scorer, tour, NULL), OPRO_OK);
    problem = problem_of(tour); /* three users, two shares left */
    run = run_once(problem, scorer, "<trace>3,2,1,4,0</trace>");
    best = opro_trajectory_best(opro_run_trajectory(run));
    assert_true(opro_trajectory_score(opro_run_trajectory(run), best) == 41);
    assert_string_equal(opro_trajectory_text(opro_run_trajectory(run), best, NULL), "0,3,2,1,4");
    opro_run_free(run);
    opro_problem_free(problem);
    opro_scorer_free(scorer);
}

/* A scorer of tours for a problem of another kind: the candidate fails, and the reason is there. */
static void test_scorer_refuses(void **state) {
    opro_tour *tour = points(OPRO_METRIC_EUC_2D, 5);
    opro_problem *text = NULL, *instances = NULL;
    opro_scorer *scorer = NULL;
    opro_run *run;

    (void)state;
    assert_int_equal(opro_scorer_new_tour(&scorer, tour, NULL), OPRO_OK);
    assert_int_equal(opro_problem_new(&text, NULL), OPRO_OK);
    run = run_once(text, scorer, "<INS>around the world</INS>");
    assert_int_equal(opro_trajectory_verdict(opro_run_trajectory(run), 0), OPRO_VERDICT_FAILED);
    assert_non_null(
        strstr(opro_trajectory_detail(opro_run_trajectory(run), 0, NULL), "not a node"));
    opro_run_free(run);
    instances = problem_of(tour);
    assert_int_equal(opro_problem_set_instances(instances, 2, 0), OPRO_OK);
    run = run_once(instances, scorer, "<trace>0,1,2,3,4</trace>");
    assert_int_equal(opro_trajectory_verdict(opro_run_trajectory(run), 0), OPRO_VERDICT_FAILED);
    assert_non_null(
        strstr(opro_trajectory_detail(opro_run_trajectory(run), 0, NULL), "one instance, not 2"));
    opro_run_free(run);
    opro_problem_free(text);
    opro_problem_free(instances);
    opro_scorer_free(scorer);
}

static void test_arguments(void **state) {
    opro_tour *tour = NULL;
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;

    (void)state;
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_problem_new_tour(&problem, tour, NULL), OPRO_ERR_STATE);
    assert_non_null(strstr(opro_error_message(opro_tour_error(tour), NULL), "empty"));
    assert_int_equal(opro_scorer_new_tour(&scorer, tour, NULL), OPRO_ERR_STATE);
    assert_int_equal(opro_problem_new_tour(&problem, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_tour(NULL, tour, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_tour(&scorer, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_tour(NULL, tour, NULL), OPRO_ERR_INVALID);
    opro_tour_free(tour);
}

/* The largest instance with the longest numbers has a description. */
static void test_largest_description(void **state) {
    const size_t n = OPRO__TOUR_MAX;
    double *x = calloc(n, sizeof *x);
    opro_tour *tour = NULL;
    opro_problem *problem;
    size_t len;

    (void)state;
    for (size_t i = 0; i < n; i++)
        x[i] = -1.2345678901234567e-100;
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_GEO, x, x, n), OPRO_OK);
    problem = problem_of(tour);
    opro_problem_description(problem, &len);
    assert_true(len > n * 62);
    opro_problem_free(problem);
    free(x);
}

/*
 * The n-th allocation fails: clean, nothing leaks, and an instance that nobody uses can still be
 * changed.
 */
static void test_no_memory(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        opro_status st = OPRO_ERR_NOMEM;
        long n = 0;

        for (; st != OPRO_OK; n++) {
            failing f = {.left = n};
            opro_allocator mem = failing_allocator(&f);
            opro_tour *tour = points(OPRO_METRIC_EUC_2D, 5);
            opro_problem *problem = NULL;
            opro_scorer *scorer = NULL;

            assert_true(n < 20);
            st = which ? opro_scorer_new_tour(&scorer, tour, &mem)
                       : opro_problem_new_tour(&problem, tour, &mem);
            assert_int_equal(opro_tour_set_matrix(tour, xs, 1),
                             st == OPRO_OK ? OPRO_ERR_STATE : OPRO_OK);
            if (st != OPRO_OK) assert_int_equal(st, OPRO_ERR_NOMEM);
            opro_problem_free(problem);
            opro_scorer_free(scorer);
            opro_tour_free(tour);
            assert_int_equal(f.live, 0);
        }
        assert_true(n > 1);
    }
}

static void test_polish_no_memory(void **state) {
    opro_status st = OPRO_ERR_NOMEM;
    long n = 0;

    (void)state;
    for (; st != OPRO_OK; n++) {
        failing f = {.left = -1};
        opro_allocator mem = failing_allocator(&f);
        opro_tour *tour = NULL;
        opro_problem *problem = NULL;
        opro__mem plain;
        opro__buf out;

        assert_true(n < 40);
        assert_int_equal(opro_tour_new(&tour, &mem), OPRO_OK);
        assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_EUC_2D, xs, ys, 5), OPRO_OK);
        assert_int_equal(opro_problem_new_tour(&problem, tour, &mem), OPRO_OK);
        opro__mem_init(&plain, NULL);
        opro__buf_init(&out, &plain, 100);
        f.left = n;
        st = step(problem, OPRO__STEP_POLISH, "0,2,1,3,4", &out);
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        opro__buf_free(&out);
        opro_problem_free(problem);
        opro_tour_free(tour);
        assert_int_equal(f.live, 0);
    }
    assert_true(n > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_description), cmocka_unit_test(test_kind),
        cmocka_unit_test(test_polish),      cmocka_unit_test(test_polish_repeats),
        cmocka_unit_test(test_scorer),      cmocka_unit_test(test_scorer_refuses),
        cmocka_unit_test(test_arguments),   cmocka_unit_test(test_largest_description),
        cmocka_unit_test(test_no_memory),   cmocka_unit_test(test_polish_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
