/* SPDX-License-Identifier: MIT */
/* Arguments that are NULL or make no sense: OPRO_ERR_INVALID, and nothing has changed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invalid.h"
#include "opro/opro.h"

static opro_problem *problem;
static opro_trajectory *trajectory;
static opro_dataset *dataset;
static opro_tour *tour;
static opro_run *run;
static opro_driver *driver;
static opro_optimizer *optimizer;
static opro_scorer *scorer;

static int32_t answers(opro_run *r, opro_request *request, void *user_data) {
    (void)r, (void)request, (void)user_data;
    return OPRO_PENDING;
}

static int begin(void **state) {
    static const double x[] = {0, 1, 0}, y[] = {0, 0, 1};

    (void)state;
    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_description(problem, "say it", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_trajectory_new(&trajectory, OPRO_MAXIMIZE, NULL), OPRO_OK);
    assert_int_equal(opro_dataset_new(&dataset, NULL), OPRO_OK);
    assert_int_equal(opro_dataset_add(dataset, "q", 1, "a", 1, NULL, 0), OPRO_OK);
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_EUC_2D, x, y, 3), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_driver_new(&driver, problem, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_optimizer_new(&optimizer, answers, NULL, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_scorer_new(&scorer, answers, NULL, NULL, NULL), OPRO_OK);
    return 0;
}

static int end(void **state) {
    (void)state;
    opro_scorer_free(scorer);
    opro_optimizer_free(optimizer);
    opro_driver_free(driver);
    opro_run_free(run);
    opro_tour_free(tour);
    opro_dataset_free(dataset);
    opro_trajectory_free(trajectory);
    opro_problem_free(problem);
    return 0;
}

/* Without a place for the handle, or with an allocator that is none. */
static void constructors(void **state) {
    const double lower[] = {0}, upper[] = {1};

    (void)state;
    NOT_MADE(opro_config, opro_config_new, );
    NOT_MADE(opro_problem, opro_problem_new, );
    NOT_MADE(opro_problem, opro_problem_new_vector, 1, lower, upper, 0, );
    NOT_MADE(opro_problem, opro_problem_new_regression, 0, 1, );
    NOT_MADE(opro_problem, opro_problem_new_function, OPRO_FUNCTION_SPHERE, 2, );
    NOT_MADE(opro_problem, opro_problem_new_permutation, 3, OPRO_PERMUTATION_ORDER, );
    NOT_MADE(opro_problem, opro_problem_new_tour, tour, );
    NOT_MADE(opro_problem, opro_problem_new_dataset, dataset, );
    NOT_MADE(opro_trajectory, opro_trajectory_new, OPRO_MAXIMIZE, );
    NOT_MADE(opro_dataset, opro_dataset_new, );
    NOT_MADE(opro_tour, opro_tour_new, );
    NOT_MADE(opro_metric, opro_metric_new, OPRO_METRIC_STRICT, OPRO_TASK_TEXT, );
    NOT_MADE(opro_meta_prompt, opro_meta_prompt_new, problem, NULL, );
    NOT_MADE(opro_run, opro_run_new, problem, NULL, );
    NOT_MADE(opro_driver, opro_driver_new, problem, NULL, );
    NOT_MADE(opro_optimizer, opro_optimizer_new, answers, NULL, NULL, );
    NOT_MADE(opro_optimizer, opro_optimizer_new_local, problem, NULL, );
    NOT_MADE(opro_scorer, opro_scorer_new, answers, NULL, NULL, );
    NOT_MADE(opro_scorer, opro_scorer_new_tour, tour, );
    NOT_MADE(opro_scorer, opro_scorer_new_regression, lower, upper, 1, );
    NOT_MADE(opro_scorer, opro_scorer_new_function, OPRO_FUNCTION_SPHERE, );
}

static void of_texts(void **state) {
    opro_problem *fresh;

    (void)state;
    assert_int_equal(opro_problem_new(&fresh, NULL), OPRO_OK);
    INVALID(opro_problem_set_description(fresh, NULL, 1));
    INVALID(opro_problem_set_description(fresh, "\xff", 1));
    INVALID(opro_problem_set_score_name(fresh, NULL, 1));
    INVALID(opro_problem_set_score_name(fresh, "", 0));
    INVALID(opro_problem_set_score_name(fresh, "a\nb", 3));
    INVALID(opro_problem_set_score_name(fresh, "a\rb", 3));
    INVALID(opro_problem_add_initial(fresh, NULL, 1));
    INVALID(opro_problem_add_exemplar(fresh, NULL, 1, "a", 1));
    INVALID(opro_problem_add_exemplar(fresh, "q", 1, NULL, 1));
    assert_int_equal(opro_problem_initial_count(fresh), 0);
    assert_int_equal(opro_problem_exemplar_count(fresh), 0);
    assert_string_equal(opro_problem_description(fresh, NULL), "");
    assert_int_equal(opro_estimate_tokens(NULL, 1), 0);
    opro_problem_free(fresh);
}

static void of_runs(void **state) {
    double gap = 7, low = 7, high = 7;
    opro_request *request;

    (void)state;
    INVALID(opro_run_set_meta_prompt(NULL, NULL));
    INVALID(opro_run_set_meta_prompt(run, NULL));
    INVALID(opro_run_warm_start(NULL, trajectory));
    INVALID(opro_run_warm_start(run, NULL));
    INVALID(opro_run_next(NULL, 0, &request));
    INVALID(opro_run_next(run, 0, NULL));
    INVALID(opro_run_answer_text(NULL, 1, "", 0));
    INVALID(opro_run_answer_text(run, 1, NULL, 1));
    INVALID(opro_run_answer_scores(NULL, 1, &low, 1));
    INVALID(opro_run_answer_scores(run, 1, NULL, 1));
    INVALID(opro_run_answer_error(NULL, 1, OPRO_ERR_FAILED, "", 0));
    INVALID(opro_run_answer_error(run, 1, OPRO_ERR_FAILED, NULL, 1));
    INVALID(opro_run_answer_feedback(NULL, 1, "", 0));
    INVALID(opro_run_answer_feedback(run, 1, NULL, 1));
    INVALID(opro_run_answer_usage(NULL, 1, 1, 1, 1));
    INVALID(opro_run_stop(NULL));
    INVALID(opro_run_gap(NULL, &gap, &low, &high));
    INVALID(opro_run_gap(run, NULL, &low, &high));
    INVALID(opro_run_gap(run, &gap, NULL, &high));
    INVALID(opro_run_gap(run, &gap, &low, NULL));
    assert_true(gap == 7 && low == 7 && high == 7);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    assert_null(opro_request_instances(request, NULL));
    INVALID(opro_optimizer_propose(NULL, run, request));
    INVALID(opro_optimizer_propose(optimizer, NULL, request));
    INVALID(opro_optimizer_propose(optimizer, run, NULL));
    INVALID(opro_scorer_score(NULL, run, request));
    INVALID(opro_scorer_score(scorer, NULL, request));
    INVALID(opro_scorer_score(scorer, run, NULL));
    INVALID(opro_scorer_score(scorer, run, request)); /* it asks for proposals */
}

static void of_drivers(void **state) {
    const double score = 1;

    (void)state;
    INVALID(opro_driver_set_optimizer(NULL, optimizer));
    INVALID(opro_driver_set_optimizer(driver, NULL));
    INVALID(opro_driver_set_scorer(NULL, scorer));
    INVALID(opro_driver_set_scorer(driver, NULL));
    INVALID(opro_driver_set_journal(NULL, NULL));
    INVALID(opro_driver_set_journal(driver, NULL));
    INVALID(opro_driver_step(NULL));
    INVALID(opro_driver_run(NULL));
    INVALID(opro_driver_poll(NULL, 0));
    INVALID(opro_driver_post_reply(driver, 1, 0, 0, NULL, 1));
    INVALID(opro_driver_post_scores(driver, 1, NULL, 1));
    INVALID(opro_driver_post_scores(NULL, 1, &score, 1));
    INVALID(opro_driver_post_error(driver, 1, OPRO_OK, "", 0));
    INVALID(opro_driver_post_error(driver, 1, OPRO_ERR_FAILED, NULL, 1));
    INVALID(opro_driver_post_error(driver, 1, OPRO_ERR_FAILED, "\xff", 1));
    INVALID(opro_driver_stop(NULL));
    INVALID(opro_driver_wakeup(NULL));
}

static void of_datasets(void **state) {
    const int64_t place = 0;
    size_t n;

    (void)state;
    INVALID(opro_dataset_set_columns(NULL, "q", "a", NULL));
    INVALID(opro_dataset_set_columns(dataset, NULL, "a", NULL));
    INVALID(opro_dataset_set_columns(dataset, "q", NULL, NULL));
    INVALID(opro_dataset_set_columns(dataset, "q", "q", NULL));
    INVALID(opro_dataset_set_columns(dataset, "q", "a", "q"));
    INVALID(opro_dataset_set_columns(dataset, "q", "a", "a"));
    INVALID(opro_dataset_load(NULL, "x", 1, OPRO_LAYOUT_AUTO));
    INVALID(opro_dataset_load(dataset, NULL, 1, OPRO_LAYOUT_AUTO));
    INVALID(opro_dataset_read(dataset, NULL, 1, OPRO_LAYOUT_AUTO));
    INVALID(opro_dataset_add(NULL, "q", 1, "a", 1, NULL, 0));
    INVALID(opro_dataset_add(dataset, NULL, 1, "a", 1, NULL, 0));
    INVALID(opro_dataset_add(dataset, "q", 1, NULL, 1, NULL, 0));
    INVALID(opro_dataset_add(dataset, "q", 1, "a", 1, NULL, 1));
    INVALID(opro_dataset_set_fn(dataset, 1, NULL, NULL, NULL));
    INVALID(opro_dataset_split(NULL, 0.5, 0.5, 0, 0));
    INVALID(opro_dataset_set_split(dataset, OPRO_TRAIN, NULL, 1));
    INVALID(opro_dataset_set_split(dataset, 3, &place, 1));
    assert_int_equal(opro_dataset_count(NULL), 0);
    assert_int_equal(opro_dataset_task(NULL), 0);
    assert_int_equal(opro_dataset_digest(NULL), 0);
    assert_null(opro_dataset_split_of(NULL, OPRO_TRAIN, &n));
    assert_null(opro_dataset_question(NULL, 0, NULL));
    assert_int_equal(opro_dataset_count(dataset), 1);
}

static void of_metrics(void **state) {
    const opro_verdict *verdict;
    opro_metric *metric;
    size_t n = 7;

    (void)state;
    INVALID(opro_metric_new(&metric, OPRO_METRIC_STRICT - 1, OPRO_TASK_TEXT, NULL));
    INVALID(opro_metric_new(&metric, OPRO_METRIC_STRICT, OPRO_TASK_TEXT - 1, NULL));
    INVALID(opro_metric_set_tolerance(NULL, 0, 0));
    INVALID(opro_metric_set_decimals(NULL, 0));
    INVALID(opro_metric_set_boxed(NULL, 0));
    INVALID(opro_metric_set_pattern(NULL, "x", 1));
    INVALID(opro_metric_set_fn(NULL, NULL, NULL, NULL));
    assert_int_equal(opro_metric_new(&metric, OPRO_METRIC_STRICT, OPRO_TASK_NUMBER, NULL), OPRO_OK);
    INVALID(opro_metric_set_tolerance(metric, NAN, 0));
    INVALID(opro_metric_set_tolerance(metric, 0, INFINITY));
    INVALID(opro_metric_set_tolerance(metric, -1, 0));
    INVALID(opro_metric_set_tolerance(metric, 0, -1));
    INVALID(opro_metric_set_decimals(metric, -1));
    INVALID(opro_metric_set_decimals(metric, 1000));
    INVALID(opro_metric_set_pattern(metric, NULL, 1));
    INVALID(opro_metric_judge(NULL, "1", 1, "1", 1, NULL, 0, &verdict));
    INVALID(opro_metric_judge(metric, "1", 1, "1", 1, NULL, 0, NULL));
    INVALID(opro_metric_judge(metric, NULL, 1, "1", 1, NULL, 0, &verdict));
    INVALID(opro_metric_judge(metric, "1", 1, NULL, 1, NULL, 0, &verdict));
    INVALID(opro_metric_judge(metric, "1", 1, "1", 1, NULL, 1, &verdict));
    assert_string_equal(opro_verdict_extracted(NULL, &n), "");
    assert_int_equal(n, 0);
    assert_string_equal(opro_verdict_rule(NULL), "");
    assert_true(opro_verdict_score(NULL) == 0);
    opro_metric_free(metric);
}

static void of_spaces(void **state) {
    static const double bounds[] = {0, 1};
    static const char *const names[] = {"a", "b"};
    int32_t nodes[] = {0, 1, 2};
    opro_problem *vectors, *orders;
    char text[64];
    double x[2] = {0, 0}, y;
    size_t n;

    (void)state;
    assert_int_equal(
        opro_problem_new_vector(&vectors, 2, (double[]){0, 0}, (double[]){1, 1}, 0, NULL), OPRO_OK);
    assert_int_equal(opro_problem_new_permutation(&orders, 3, OPRO_PERMUTATION_ORDER, NULL),
                     OPRO_OK);
    INVALID(opro_vector_set_names(vectors, names, 1));
    INVALID(opro_vector_set_names(vectors, NULL, 2));
    INVALID(opro_vector_parse(NULL, "1, 2", 4, x, 2));
    INVALID(opro_vector_parse(problem, "1, 2", 4, x, 2));
    INVALID(opro_vector_parse(vectors, NULL, 4, x, 2));
    INVALID(opro_vector_parse(vectors, "1, 2", 4, NULL, 2));
    INVALID(opro_vector_parse(vectors, "1, 2", 4, x, 0));
    INVALID(opro_vector_format(NULL, x, 2, text, sizeof text, &n));
    INVALID(opro_vector_format(vectors, NULL, 2, text, sizeof text, &n));
    INVALID(opro_vector_format(vectors, x, 0, text, sizeof text, &n));
    INVALID(opro_vector_format(vectors, x, 1, text, sizeof text, &n));
    INVALID(opro_vector_format(vectors, x, 2, NULL, sizeof text, &n));
    INVALID(opro_permutation_parse(NULL, "0 1 2", 5, nodes, 3));
    INVALID(opro_permutation_parse(orders, NULL, 5, nodes, 3));
    INVALID(opro_permutation_parse(orders, "0 1 2", 5, NULL, 3));
    INVALID(opro_permutation_format(NULL, nodes, 3, text, sizeof text, &n));
    INVALID(opro_permutation_format(orders, NULL, 3, text, sizeof text, &n));
    INVALID(opro_permutation_format(orders, nodes, 0, text, sizeof text, &n));
    INVALID(opro_permutation_format(orders, nodes, 3, NULL, sizeof text, &n));
    INVALID(opro_tour_set_points(tour, OPRO_METRIC_EUC_2D, NULL, bounds, 2));
    INVALID(opro_tour_set_points(tour, OPRO_METRIC_EUC_2D, bounds, NULL, 2));
    INVALID(opro_tour_set_matrix(tour, NULL, 2));
    INVALID(opro_tour_point(NULL, 0, x, &y));
    INVALID(opro_tour_point(tour, 0, NULL, &y));
    INVALID(opro_tour_point(tour, 0, x, NULL));
    INVALID(opro_tour_point(tour, 9, x, &y));
    INVALID(opro_tour_length(tour, NULL, 3, x));
    INVALID(opro_tour_length(tour, nodes, 3, NULL));
    INVALID(opro_tour_improve(tour, NULL, 3, 0, 1));
    opro_problem_free(orders);
    opro_problem_free(vectors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(constructors, begin, end),
        cmocka_unit_test_setup_teardown(of_texts, begin, end),
        cmocka_unit_test_setup_teardown(of_runs, begin, end),
        cmocka_unit_test_setup_teardown(of_drivers, begin, end),
        cmocka_unit_test_setup_teardown(of_datasets, begin, end),
        cmocka_unit_test_setup_teardown(of_metrics, begin, end),
        cmocka_unit_test_setup_teardown(of_spaces, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
