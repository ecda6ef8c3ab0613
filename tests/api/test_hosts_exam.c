/* SPDX-License-Identifier: MIT */
/*
 * Hosts that misbehave, with exams: those rules of that section of opro.h that are not in
 * test_exam_reentrancy.c, which has what is refused, row by row.
 */
#define _GNU_SOURCE
#include "exam_world.h"

/* ---- frees ----------------------------------------------------------------------------------- */

static int32_t hear_nothing(opro_exam *exam, int32_t event, size_t index, void *user_data) {
    (void)exam, (void)event, (void)index, (void)user_data;
    return OPRO_OK;
}

static void free_once_more(void *user_data) {
    opro_exam_free(*(opro_exam **)user_data);
}

static void an_exam_that_is_freed_by_its_destroy_function_is_freed_once(void **state) {
    exam_world w;

    (void)state;
    exam_open(&w, exam_say_most, 5, "");
    for (int waits = 0; waits < 2; waits++) {
        opro_exam *exam = exam_of(&w, "Think.", 5);

        assert_int_equal(opro_exam_begin(exam, hear_nothing, &exam, free_once_more), OPRO_OK);
        if (waits) exam_wait(&w, exam);
        opro_exam_free(exam);
        exam_expect_idle(&w);
    }
    exam_close(&w);
}

static int32_t free_twice(opro_exam *exam, int32_t event, size_t index, void *user_data) {
    (void)event, (void)index;
    opro_exam_free(exam);
    opro_exam_free(exam);
    ++*(int *)user_data;
    return OPRO_OK;
}

static void an_exam_that_is_freed_in_its_callback_goes_when_that_has_returned(void **state) {
    int called = 0;
    exam_world w;

    (void)state;
    exam_open(&w, exam_say_most, 5, "");
    assert_int_equal(opro_exam_begin(exam_of(&w, "Think.", 5), free_twice, &called, NULL), OPRO_OK);
    while (opro_model_poll(w.model, 10000) != OPRO_DONE)
        continue;
    assert_int_equal(called, 1);
    exam_close(&w);
}

static int32_t observe(opro_examiner *examiner, const opro_exam *exam, size_t index,
                       void *user_data) {
    (void)examiner, (void)exam, (void)index, (void)user_data;
    return OPRO_OK;
}

static void free_examiner(void *user_data) {
    opro_examiner_free(((exam_world *)user_data)->examiner);
}

static void a_destroy_function_of_an_examiner_cannot_free_it(void **state) {
    exam_world w;

    (void)state;
    exam_open(&w, exam_say_most, 5, "");
    assert_int_equal(opro_examiner_set_observer(w.examiner, observe, &w, free_examiner), OPRO_OK);
    assert_int_equal(opro_examiner_set_observer(w.examiner, observe, &w, free_examiner),
                     OPRO_ERR_REENTRANT);
    opro_exam_free(exam_whole(&w, "Think.", 5)); /* it is there */
    exam_close(&w);
}

/* A problem that is given up in its callback while an estimate reads it. */
static int32_t give_up(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                       void *user_data) {
    opro_problem **own = user_data;

    (void)problem;
    opro_problem_free(*own);
    *own = NULL;
    return opro_sink_text(sink, text, len);
}

static void a_problem_that_is_given_up_while_an_estimate_reads_it(void **state) {
    int64_t low, likely, high;
    opro_problem *problem;
    exam_world w;

    (void)state;
    exam_open(&w, exam_say_most, 5, "");
    assert_int_equal(opro_problem_new_dataset(&problem, w.dataset, NULL), OPRO_OK);
    opro_problem_set_render_fn(problem, give_up, &problem, NULL);
    opro_problem_add_initial(problem, "Think.", OPRO_ZT);
    assert_int_equal(opro_examiner_estimate(w.examiner, problem, NULL, NULL, OPRO_ESTIMATE_COST,
                                            &low, &likely, &high),
                     OPRO_OK);
    assert_null(problem);
    exam_close(&w);
}

/* ---- logs ------------------------------------------------------------------------------------ */

typedef struct logger {
    exam_world *w;
    opro_exam *other; /* not begun */
    int heard, complained;
    opro_status said;
} logger;

static void misuse_log(int32_t level, const char *domain, const char *message, size_t len,
                       void *user_data) {
    logger *l = user_data;

    (void)level, (void)len;
    if (strcmp(domain, "exam") != 0) return;
    if (strstr(message, "tried to free")) l->complained = 1;
    if (l->heard++) return;
    l->said = opro_exam_begin(l->other, NULL, NULL, NULL);
    opro_exam_free(l->other);
    opro_examiner_free(l->w->examiner);
}

/* What has no effect is said to the log. */
static int32_t return_rubbish(opro_exam *exam, int32_t event, size_t index, void *user_data) {
    (void)exam, (void)event, (void)index, (void)user_data;
    return 5;
}

static void a_log_is_a_callback_of_the_examiner_that_logs(void **state) {
    exam_world w;
    logger l = {.w = &w};
    opro_exam *exam;

    (void)state;
    exam_prepare(&w, exam_say_most, 5, "");
    opro_config_set_log(w.config, OPRO_LOG_WARNING, misuse_log, &l, NULL);
    exam_make(&w);
    exam = exam_of(&w, "Think.", 5);
    l.other = exam_of(&w, "Not yet.", 5);
    assert_int_equal(opro_exam_begin(exam, return_rubbish, NULL, NULL), OPRO_OK);
    exam_wait(&w, exam);
    assert_int_equal(l.said, OPRO_ERR_REENTRANT);
    assert_true(l.complained);
    assert_int_equal(opro_exam_known(exam), 5);
    assert_int_equal(opro_exam_count(l.other), 5); /* it is there */
    opro_exam_free(exam);
    opro_exam_free(l.other);
    exam_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exam_that_is_freed_by_its_destroy_function_is_freed_once),
        cmocka_unit_test(an_exam_that_is_freed_in_its_callback_goes_when_that_has_returned),
        cmocka_unit_test(a_destroy_function_of_an_examiner_cannot_free_it),
        cmocka_unit_test(a_problem_that_is_given_up_while_an_estimate_reads_it),
        cmocka_unit_test(a_log_is_a_callback_of_the_examiner_that_logs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
