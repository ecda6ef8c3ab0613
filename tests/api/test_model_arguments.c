/* SPDX-License-Identifier: MIT */
/* Arguments of clients, calls and exams that are NULL or make no sense. Nothing is sent. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invalid.h"

static opro_dataset *dataset;
static opro_metric *metric;
static opro_model *model;
static opro_call *call;
static opro_problem *problem;
static opro_run *run;
static opro_examiner *examiner;
static opro_exam *exam;

static int begin(void **state) {
    static const int64_t place = 0;

    (void)state;
    assert_int_equal(opro_dataset_new(&dataset, NULL), OPRO_OK);
    assert_int_equal(opro_dataset_add(dataset, "1 + 1?", OPRO_ZT, "2", 1, NULL, 0), OPRO_OK);
    assert_int_equal(opro_dataset_set_split(dataset, OPRO_TRAIN, &place, 1), OPRO_OK);
    assert_int_equal(opro_metric_new(&metric, OPRO_METRIC_STRICT, OPRO_TASK_NUMBER, NULL), OPRO_OK);
    assert_int_equal(opro_model_new(&model, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_base_url(model, "http://127.0.0.1:9", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_name(model, "m", 1), OPRO_OK);
    assert_int_equal(opro_call_new(&call, model), OPRO_OK);
    assert_int_equal(opro_problem_new_dataset(&problem, dataset, NULL), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_examiner_new(&examiner, dataset, metric, model, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_exam_new(&exam, examiner, "Think.", OPRO_ZT, &place, 1), OPRO_OK);
    return 0;
}

static int end(void **state) {
    (void)state;
    opro_exam_free(exam);
    opro_examiner_free(examiner);
    opro_run_free(run);
    opro_problem_free(problem);
    opro_call_free(call);
    opro_model_free(model);
    opro_metric_free(metric);
    opro_dataset_free(dataset);
    return 0;
}

static void constructors(void **state) {
    (void)state;
    NOT_MADE(opro_model, opro_model_new, NULL, );
    NOT_MADE(opro_optimizer, opro_optimizer_new_model, model, );
    NOT_MADE(opro_examiner, opro_examiner_new, dataset, metric, model, NULL, );
    NOT_MADE(opro_scorer, opro_scorer_new_exam, examiner, );
}

static void of_clients(void **state) {
    (void)state;
    INVALID(opro_model_set_base_url(NULL, "http://127.0.0.1", OPRO_ZT));
    INVALID(opro_model_set_base_url(model, NULL, 1));
    INVALID(opro_model_set_name(NULL, "m", 1));
    INVALID(opro_model_set_name(model, NULL, 1));
    INVALID(opro_model_set_name(model, "", 0));
    INVALID(opro_model_set_name(model, "a\nb", 3));
    INVALID(opro_model_set_name(model, "a\x7f", 2));
    INVALID(opro_model_set_key(NULL, "k", 1));
    INVALID(opro_model_set_key(model, NULL, 1));
    INVALID(opro_model_set_key_fn(NULL, NULL, NULL, NULL));
    INVALID(opro_model_set_header(NULL, "x", 1, "y", 1));
    INVALID(opro_model_set_header(model, NULL, 1, "y", 1));
    INVALID(opro_model_set_parameter(NULL, "x", 1, "1", 1));
    INVALID(opro_model_set_parameter(model, NULL, 1, "1", 1));
    INVALID(opro_model_set_parameter(model, "", 0, "1", 1));
    INVALID(opro_model_set_ca_file(NULL, "x", 1));
    INVALID(opro_model_set_ca_dir(NULL, "x", 1));
    INVALID(opro_model_set_proxy(NULL, "x", 1));
    INVALID(opro_model_set_from_env(NULL));
    INVALID(opro_model_record(NULL, "x", 1));
    INVALID(opro_model_replay(NULL, "x", 1));
    INVALID(opro_model_set_cache_file(NULL, "x", 1));
    INVALID(opro_model_set_socket_fn(NULL, NULL, NULL, NULL));
    INVALID(opro_model_set_timer_fn(NULL, NULL, NULL, NULL));
    INVALID(opro_model_socket_action(NULL, 0, OPRO_POLL_IN));
    INVALID(opro_model_socket_action(model, -1, OPRO_POLL_IN));
    INVALID(opro_model_socket_action(model, (int64_t)INT32_MAX + 1, OPRO_POLL_IN));
    INVALID(opro_model_timer_action(NULL));
    INVALID(opro_model_poll(NULL, 0));
    INVALID(opro_model_poll(model, -2));
    INVALID(opro_model_wakeup(NULL));
    assert_int_equal(opro_model_fd(NULL), -1);
    assert_int_equal(opro_model_timeout(NULL), -1);
    assert_int_equal(opro_model_figure(NULL, OPRO_MODEL_REQUESTS), 0);
    assert_int_equal(opro_model_figure(model, -1), 0);
}

static void of_calls(void **state) {
    opro_call *other = NULL;
    opro_request *request;
    size_t len = 7;

    (void)state;
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    INVALID(opro_call_new(NULL, model));
    INVALID(opro_call_new(&other, NULL));
    INVALID(opro_call_new_propose(NULL, model, request));
    INVALID(opro_call_new_propose(&other, NULL, request));
    assert_null(other);
    INVALID(opro_call_add_message(NULL, OPRO_ROLE_USER, "x", 1));
    INVALID(opro_call_add_message(call, OPRO_ROLE_USER, NULL, 1));
    INVALID(opro_call_add_message(call, OPRO_ROLE_USER, "\xff", 1));
    INVALID(opro_call_add_message(call, 77, "x", 1));
    INVALID(opro_call_set_samples(call, 0));
    INVALID(opro_call_set_samples(call, 65537));
    INVALID(opro_call_set_temperature(call, -1));
    INVALID(opro_call_set_temperature(call, 101));
    INVALID(opro_call_set_max_tokens(call, 0));
    INVALID(opro_call_set_deadline(call, -1));
    INVALID(opro_call_add_stop(call, NULL, 1));
    INVALID(opro_call_add_stop(call, "", 0));
    for (int i = 0; i < 4; i++)
        assert_int_equal(opro_call_add_stop(call, "x", 1), OPRO_OK);
    assert_int_equal(opro_call_add_stop(call, "x", 1), OPRO_ERR_LIMIT);
    assert_int_equal(opro_call_submit(call, NULL, NULL, NULL), OPRO_ERR_STATE); /* no message */
    assert_int_equal(opro_call_done(NULL), 0);
    assert_int_equal(opro_call_outcome(NULL, 0), OPRO_OUTCOME_NONE);
    assert_int_equal(opro_call_outcome(call, 0), OPRO_OUTCOME_NONE);
    assert_int_equal(opro_call_outcome(call, 1), OPRO_OUTCOME_NONE);
    assert_string_equal(opro_call_reply(NULL, 0, &len), "");
    assert_int_equal(len, 0);
    assert_string_equal(opro_call_reasoning(NULL, 0, &len), "");
    assert_string_equal(opro_call_finish(NULL, 0), "");
    assert_string_equal(opro_error_message(opro_call_error(NULL), NULL), "");
    assert_int_equal(opro_call_failure(NULL), OPRO_FAILURE_NONE);
    assert_int_equal(opro_call_figure(NULL, OPRO_CALL_COST), 0);
    assert_int_equal(opro_call_figure(call, -1), 0);
}

static void of_examiners(void **state) {
    static const int64_t place = 0, nowhere = 1;
    opro_exam *other = NULL;
    int64_t n = 7;
    size_t len = 7;

    (void)state;
    opro_exam_free(exam); /* another one, that may still be changed */
    exam = NULL;
    opro_examiner_free(examiner);
    assert_int_equal(opro_examiner_new(&examiner, dataset, metric, model, NULL, NULL), OPRO_OK);
    INVALID(opro_examiner_new(&examiner, NULL, metric, model, NULL, NULL));
    INVALID(opro_examiner_new(&examiner, dataset, metric, NULL, NULL, NULL));
    INVALID(opro_examiner_set_template(NULL, OPRO_ROLE_USER, "x", 1));
    INVALID(opro_examiner_set_template(examiner, OPRO_ROLE_USER, "\xff", 1));
    INVALID(opro_examiner_add_shot(NULL, "q", 1, "a", 1));
    INVALID(opro_examiner_add_shot(examiner, NULL, 1, "a", 1));
    INVALID(opro_examiner_add_shot(examiner, "q", 1, NULL, 1));
    INVALID(opro_examiner_set_judge(NULL, model, NULL, 0));
    INVALID(opro_examiner_build(NULL, "x", 1, 0));
    INVALID(opro_examiner_build(examiner, NULL, 1, 0));
    INVALID(opro_examiner_build(examiner, "x", 1, -1));
    INVALID(opro_examiner_build(examiner, "x", 1, 1));
    INVALID(opro_examiner_set_observer(NULL, NULL, NULL, NULL));
    INVALID(opro_exam_new(NULL, examiner, "x", 1, &place, 1));
    INVALID(opro_exam_new(&other, NULL, "x", 1, &place, 1));
    INVALID(opro_exam_new(&other, examiner, NULL, 1, &place, 1));
    INVALID(opro_exam_new(&other, examiner, "x", 1, NULL, 1));
    INVALID(opro_exam_new(&other, examiner, "x", 1, &nowhere, 1));
    assert_null(other);
    INVALID(opro_examiner_estimate(NULL, problem, model, NULL, OPRO_ESTIMATE_COST, &n, &n, &n));
    INVALID(opro_examiner_estimate(examiner, NULL, model, NULL, OPRO_ESTIMATE_COST, &n, &n, &n));
    INVALID(opro_examiner_estimate(examiner, problem, model, NULL, -1, &n, &n, &n));
    INVALID(
        opro_examiner_estimate(examiner, problem, model, NULL, OPRO_ESTIMATE_COST, NULL, &n, &n));
    INVALID(
        opro_examiner_estimate(examiner, problem, model, NULL, OPRO_ESTIMATE_COST, &n, NULL, &n));
    INVALID(
        opro_examiner_estimate(examiner, problem, model, NULL, OPRO_ESTIMATE_COST, &n, &n, NULL));
    assert_int_equal(n, 7);
    assert_int_equal(opro_examiner_messages(NULL), 0);
    assert_int_equal(opro_examiner_message_role(NULL, 0), 0);
    assert_int_equal(opro_examiner_message_role(examiner, 99), 0);
    assert_string_equal(opro_examiner_message_text(NULL, 0, &len), "");
    assert_int_equal(len, 0);
}

static void of_exams(void **state) {
    double low = 7, high = 7;
    size_t len = 7;

    (void)state;
    INVALID(opro_exam_begin(NULL, NULL, NULL, NULL));
    INVALID(opro_exam_interval(NULL, &low, &high));
    INVALID(opro_exam_interval(exam, NULL, &high));
    INVALID(opro_exam_interval(exam, &low, NULL));
    assert_true(low == 7 && high == 7);
    assert_int_equal(opro_exam_done(NULL), 0);
    assert_int_equal(opro_exam_count(NULL), 0);
    assert_int_equal(opro_exam_known(NULL), 0);
    assert_int_equal(opro_exam_example(NULL, 0), -1);
    assert_true(isnan(opro_exam_score(NULL, 0)));
    assert_true(isnan(opro_exam_score(exam, 1)));
    assert_true(isnan(opro_exam_mean(NULL)));
    assert_string_equal(opro_exam_reply(NULL, 0, &len), "");
    assert_int_equal(len, 0);
    assert_string_equal(opro_exam_second_reply(NULL, 0, NULL), "");
    assert_string_equal(opro_exam_extracted(NULL, 0, NULL), "");
    assert_string_equal(opro_exam_rule(NULL, 0), "");
    assert_string_equal(opro_exam_fault(NULL, 0, &len), "");
    assert_int_equal(opro_exam_figure(NULL, OPRO_EXAM_CALLS), 0);
    assert_int_equal(opro_exam_figure(exam, -1), 0);
}

/* ---- what makes sense at other times --------------------------------------------------------- */

#define REFUSED(status, call, words)                                                               \
    do {                                                                                           \
        assert_int_equal(call, status);                                                            \
        assert_non_null(strstr(opro_error_message(opro_model_error(model), NULL), words));         \
    } while (0)

static int32_t watch(opro_model *m, int64_t fd, int32_t events, void *user_data) {
    (void)m, (void)fd, (void)events, (void)user_data;
    return OPRO_OK;
}

static void while_calls_are_under_way(void **state) {
    (void)state;
    assert_int_equal(opro_call_add_message(call, OPRO_ROLE_USER, "hello", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_call_submit(call, NULL, NULL, NULL), OPRO_OK);
    REFUSED(OPRO_ERR_STATE, opro_call_set_samples(call, 2), "submitted before");
    REFUSED(OPRO_ERR_STATE, opro_call_submit(call, NULL, NULL, NULL), "submitted before");
    REFUSED(OPRO_ERR_STATE, opro_model_set_name(model, "n", 1), "1 calls are under way");
    REFUSED(OPRO_ERR_STATE, opro_model_set_socket_fn(model, watch, NULL, NULL), "under way");
    opro_call_free(call);
    call = NULL;
    assert_int_equal(opro_model_set_name(model, "n", 1), OPRO_OK);
}

/* Either the client waits, or the host does, and then it has set both functions. */
static void who_waits(void **state) {
    (void)state;
    REFUSED(OPRO_ERR_STATE, opro_model_socket_action(model, 0, OPRO_POLL_IN), "both");
    assert_int_equal(opro_model_set_socket_fn(model, watch, NULL, NULL), OPRO_OK);
    REFUSED(OPRO_ERR_STATE, opro_model_timer_action(model), "both");
    REFUSED(OPRO_ERR_STATE, opro_model_poll(model, 0), "the host waits");
    assert_int_equal(opro_model_set_socket_fn(model, NULL, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_model_poll(model, 0), OPRO_DONE);
}

static void too_much(void **state) {
    static char text[1100000];
    opro_config *config;

    (void)state;
    memset(text, '"', sizeof text - 1);
    memset(text + 1, '1', sizeof text - 3);
    REFUSED(OPRO_ERR_INVALID, opro_model_set_name(model, text, OPRO_ZT), "of 1099999 bytes");
    REFUSED(OPRO_ERR_LIMIT, opro_model_set_parameter(model, "top_k", OPRO_ZT, text, OPRO_ZT),
            "leave some out");
    for (int i = 0; i < 64; i++) {
        snprintf(text, sizeof text, "X-Header-%d", i);
        assert_int_equal(opro_model_set_header(model, text, OPRO_ZT, "x", 1), OPRO_OK);
    }
    REFUSED(OPRO_ERR_LIMIT, opro_model_set_header(model, "X-More", OPRO_ZT, "x", 1), "at most 64");
    opro_call_free(call);
    call = NULL;
    opro_model_free(model);
    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    assert_int_equal(opro_config_set_int(config, OPRO_OPT_MODEL_CACHE_BYTES, 0), OPRO_OK);
    assert_int_equal(opro_model_new(&model, config, NULL), OPRO_OK);
    opro_config_free(config);
    REFUSED(OPRO_ERR_STATE, opro_model_set_cache_file(model, "/tmp/x", OPRO_ZT), "no cache");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(constructors, begin, end),
        cmocka_unit_test_setup_teardown(of_clients, begin, end),
        cmocka_unit_test_setup_teardown(of_calls, begin, end),
        cmocka_unit_test_setup_teardown(of_examiners, begin, end),
        cmocka_unit_test_setup_teardown(of_exams, begin, end),
        cmocka_unit_test_setup_teardown(while_calls_are_under_way, begin, end),
        cmocka_unit_test_setup_teardown(who_waits, begin, end),
        cmocka_unit_test_setup_teardown(too_much, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
