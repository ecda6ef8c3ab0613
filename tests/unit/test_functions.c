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

static const int32_t all[] = {OPRO_FUNCTION_SPHERE, OPRO_FUNCTION_ROSENBROCK, OPRO_FUNCTION_ACKLEY,
                              OPRO_FUNCTION_RASTRIGIN, OPRO_FUNCTION_ROSENBROCK_PAPER};

static double value(int32_t function, size_t n, double a, double b, double c) {
    const double x[] = {a, b, c};

    return opro_function_value(function, x, n);
}

static void test_minima(void **state) {
    (void)state;
    assert_true(value(OPRO_FUNCTION_SPHERE, 3, 0, 0, 0) == 0);
    assert_true(value(OPRO_FUNCTION_ROSENBROCK, 3, 1, 1, 1) == 0);
    assert_true(value(OPRO_FUNCTION_ACKLEY, 3, 0, 0, 0) == 0);
    assert_true(value(OPRO_FUNCTION_RASTRIGIN, 3, 0, 0, 0) == 0);
    assert_true(value(OPRO_FUNCTION_ROSENBROCK_PAPER, 2, 20, 400, 0) == 0);
}

/* Values that were worked out by hand, or to 15 digits with another program. */
static void test_values(void **state) {
    (void)state;
    assert_true(value(OPRO_FUNCTION_SPHERE, 3, 1, -2, 3) == 14);
    assert_true(value(OPRO_FUNCTION_SPHERE, 1, -2, 0, 0) == 4);
    assert_true(value(OPRO_FUNCTION_ROSENBROCK, 3, -1, 2, 0) == 4 + 100 + 1 + 1600);
    assert_true(value(OPRO_FUNCTION_ROSENBROCK_PAPER, 2, 0, 0, 0) == 400);
    assert_true(value(OPRO_FUNCTION_ROSENBROCK_PAPER, 2, 10, 90, 0) == 200);
    assert_true(fabs(value(OPRO_FUNCTION_ACKLEY, 2, 1, 1, 0) - 3.62538493844036) < 1e-12);
    assert_true(fabs(value(OPRO_FUNCTION_RASTRIGIN, 2, 0.5, 1, 0) - 21.25) < 1e-12);
}

static void test_no_value(void **state) {
    const double x[2] = {0, 0};

    (void)state;
    assert_true(isnan(opro_function_value(11, x, 2)));
    assert_true(isnan(opro_function_value(OPRO_FUNCTION_SPHERE, x, 0)));
    assert_true(isnan(opro_function_value(OPRO_FUNCTION_SPHERE, NULL, 2)));
    assert_true(isnan(opro_function_value(OPRO_FUNCTION_ROSENBROCK, x, 1)));
    assert_true(isnan(opro_function_value(OPRO_FUNCTION_ROSENBROCK_PAPER, x, 1)));
    assert_true(isnan(value(OPRO_FUNCTION_ROSENBROCK_PAPER, 3, 0, 0, 0)));
}

static void test_names(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_int_equal(opro_function_find(opro_function_name(all[i]), OPRO_ZT), all[i]);
    assert_string_equal(opro_function_name(OPRO_FUNCTION_ACKLEY), "ackley");
    assert_int_equal(opro_function_find("spheres", 6), OPRO_FUNCTION_SPHERE);
    assert_int_equal(opro_function_find("spher", OPRO_ZT), 0);
    assert_int_equal(opro_function_find("Sphere", OPRO_ZT), 0);
    assert_int_equal(opro_function_find(NULL, 3), 0);
    assert_null(opro_function_name(0));
}

static void refuse(int32_t function, size_t n) {
    opro_problem *problem = NULL;

    assert_int_equal(opro_problem_new_function(&problem, function, n, NULL), OPRO_ERR_INVALID);
    assert_null(problem);
}

static void test_problems(void **state) {
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_int_equal(opro_problem_new_function(&problem, all[i], 2, NULL), OPRO_OK);
        assert_int_equal(opro_vector_dimension(problem), 2);
        assert_int_equal(problem->space.integer, 0);
        opro_problem_free(problem);
    }
    problem = NULL;
    refuse(OPRO_FUNCTION_SPHERE, 0);
    refuse(OPRO_FUNCTION_SPHERE, 4097);
    refuse(OPRO_FUNCTION_ROSENBROCK, 1);
    refuse(OPRO_FUNCTION_ROSENBROCK_PAPER, 3);
    refuse(12, 2);
    assert_int_equal(opro_problem_new_function(NULL, OPRO_FUNCTION_SPHERE, 2, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_function(&scorer, 12, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_function(NULL, OPRO_FUNCTION_SPHERE, NULL), OPRO_ERR_INVALID);
}

/* Score one solution with a run that does nothing else; the run's count of failures. */
static int64_t score(opro_problem *problem, const char *text, int32_t function, double *result) {
    opro_scorer *scorer = NULL;
    opro_run *run = NULL;
    opro_request *request = NULL;
    int64_t failures;

    assert_int_equal(opro_problem_add_initial(problem, text, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_scorer_new_function(&scorer, function, NULL), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_OK);
    failures = opro_run_count(run, OPRO_COUNT_FAILURES);
    *result = opro_trajectory_score(opro_run_trajectory(run), 0);
    opro_run_free(run);
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    return failures;
}

static void test_scorer(void **state) {
    const double lower[] = {-1e200, -1e200, -1e200}, upper[] = {1e200, 1e200, 1e200};
    opro_problem *problem = NULL;
    double result;

    (void)state;
    assert_int_equal(opro_problem_new_function(&problem, OPRO_FUNCTION_SPHERE, 3, NULL), OPRO_OK);
    assert_int_equal(score(problem, "1, 2, -0.5", OPRO_FUNCTION_SPHERE, &result), 0);
    assert_true(result == 5.25);
    /* another dimension, and a value that no double holds: failures, never scores */
    assert_int_equal(opro_problem_new_vector(&problem, 3, lower, upper, 0, NULL), OPRO_OK);
    assert_int_equal(score(problem, "1, 2, 3", OPRO_FUNCTION_ROSENBROCK_PAPER, &result), 1);
    assert_int_equal(opro_problem_new_vector(&problem, 3, lower, upper, 0, NULL), OPRO_OK);
    assert_int_equal(score(problem, "1e200, 0, 0", OPRO_FUNCTION_SPHERE, &result), 1);
    assert_true(isnan(result));
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
        st = opro_problem_new_function(&problem, OPRO_FUNCTION_ACKLEY, 5, &mem);
        if (st == OPRO_OK) st = opro_scorer_new_function(&scorer, OPRO_FUNCTION_ACKLEY, &mem);
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        opro_scorer_free(scorer);
        opro_problem_free(problem);
        assert_int_equal(f.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minima),    cmocka_unit_test(test_values),
        cmocka_unit_test(test_no_value),  cmocka_unit_test(test_names),
        cmocka_unit_test(test_problems),  cmocka_unit_test(test_scorer),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
