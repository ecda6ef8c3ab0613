/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/problem.h"
#include "failing.h"
#include "opro/opro.h"

/* y = 2 x + 1, but for the last point. */
static const double xs[] = {0, 1, 2, 3}, ys[] = {1, 3, 5, 9};

static void test_problem(void **state) {
    opro_problem *problem = NULL;
    double x[2];

    (void)state;
    assert_int_equal(opro_problem_new_regression(&problem, -50, 50, NULL), OPRO_OK);
    assert_int_equal(opro_vector_dimension(problem), 2);
    assert_int_equal(opro_problem_direction(problem), OPRO_MINIMIZE);
    assert_int_equal(opro_vector_parse(problem, "b = 7.4, w = -2", OPRO_ZT, x, 2), OPRO_OK);
    assert_true(x[0] == -2 && x[1] == 7); /* integers */
    opro_problem_free(problem);
    problem = NULL;
    assert_int_equal(opro_problem_new_regression(&problem, 5, 4, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_regression(&problem, NAN, 4, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_regression(NULL, 4, 5, NULL), OPRO_ERR_INVALID);
    assert_null(problem);
}

static void test_refused_points(void **state) {
    const double bad[] = {0, 1, NAN, 3};
    opro_scorer *scorer = NULL;

    (void)state;
    assert_int_equal(opro_scorer_new_regression(&scorer, xs, ys, 0, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_regression(&scorer, xs, ys, SIZE_MAX / 8, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_regression(&scorer, bad, ys, 4, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_regression(&scorer, xs, bad, 4, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_regression(&scorer, NULL, ys, 4, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_regression(&scorer, xs, NULL, 4, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_regression(NULL, xs, ys, 4, NULL), OPRO_ERR_INVALID);
    assert_null(scorer);
}

static void test_scores(void **state) {
    static const char *const texts[] = {"2, 1", "[w=3, b=0]", "0, 0"};
    static const double expect[] = {4, 1 + 0 + 1 + 0, 1 + 9 + 25 + 81};
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;
    opro_run *run = NULL;
    opro_request *request = NULL;

    (void)state;
    assert_int_equal(opro_problem_new_regression(&problem, -50, 50, NULL), OPRO_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(opro_problem_add_initial(problem, texts[i], OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_scorer_new_regression(&scorer, xs, ys, 4, NULL), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, NULL, NULL), OPRO_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
        assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_OK);
    }
    for (int i = 0; i < 3; i++)
        assert_true(opro_trajectory_score(opro_run_trajectory(run), i) == expect[i]);
    opro_run_free(run);
    opro_scorer_free(scorer);
    opro_problem_free(problem);
}

/* Three coordinates instead of two, or a sum that no double holds. */
static void test_scores_that_are_none(void **state) {
    static const char *const texts[] = {"1, 2, 3", "1e300, 0"};
    const double lower[] = {-1e300, -1e300, -1e300}, upper[] = {1e300, 1e300, 1e300};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        opro_problem *problem = NULL;
        opro_scorer *scorer = NULL;
        opro_run *run = NULL;
        opro_request *request = NULL;

        assert_int_equal(opro_problem_new_vector(&problem, 3 - i, lower, upper, 0, NULL), OPRO_OK);
        assert_int_equal(opro_problem_add_initial(problem, texts[i], OPRO_ZT), OPRO_OK);
        assert_int_equal(opro_scorer_new_regression(&scorer, xs, ys, 4, NULL), OPRO_OK);
        assert_int_equal(opro_run_new(&run, problem, NULL, NULL), OPRO_OK);
        assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
        assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_OK);
        assert_int_equal(opro_run_count(run, OPRO_COUNT_FAILURES), 1);
        assert_int_equal(opro_trajectory_scored(opro_run_trajectory(run)), 0);
        opro_run_free(run);
        opro_scorer_free(scorer);
        opro_problem_free(problem);
    }
}

/* The model is not told: the prompt shows names, pairs and values. */
static void test_prompt_hides_the_model(void **state) {
    static const char *const telling[] = {"square", "regress", "linear", "line", "slope",
                                          "fit",    "w*",      "w x",    "wx"};
    opro_problem *problem = NULL;
    opro_meta_prompt *builder = NULL;
    opro_trajectory *trajectory = NULL;
    const double score = 12345;
    const char *text;

    (void)state;
    assert_int_equal(opro_problem_new_regression(&problem, -50, 50, NULL), OPRO_OK);
    assert_int_equal(opro_meta_prompt_new(&builder, problem, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_new(&trajectory, OPRO_MINIMIZE, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_add(trajectory, "18, -15", OPRO_ZT, &score, 1, NULL), OPRO_OK);
    assert_int_equal(opro_meta_prompt_build(builder, trajectory, 0), OPRO_OK);
    text = opro_meta_prompt_text(builder, 0, NULL);
    assert_non_null(strstr(text, "18"));
    assert_non_null(strstr(text, "-15"));
    assert_non_null(strstr(text, "12345"));
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
        if (strstr(text, telling[i])) fail_msg("the prompt says \"%s\": %s", telling[i], text);
    opro_trajectory_free(trajectory);
    opro_meta_prompt_free(builder);
    opro_problem_free(problem);
}

static void test_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator mem = failing_allocator(&f);
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        opro_problem *problem = NULL;
        opro_scorer *scorer = NULL;

        f.left = n;
        st = opro_problem_new_regression(&problem, -9, 9, &mem);
        if (st == OPRO_OK) st = opro_scorer_new_regression(&scorer, xs, ys, 4, &mem);
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        opro_scorer_free(scorer);
        opro_problem_free(problem);
        assert_int_equal(f.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem),
        cmocka_unit_test(test_refused_points),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_scores_that_are_none),
        cmocka_unit_test(test_prompt_hides_the_model),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
