/* SPDX-License-Identifier: MIT */
/* Exams: what was paid is not paid twice, and what was recorded is not sent. */
#define _GNU_SOURCE
#include "exam_world.h"

/* ---- nothing is paid twice ------------------------------------------------------------------- */

static void an_exam_of_the_same_sends_nothing(void **state) {
    exam_world w;
    opro_exam *exam;

    (void)state;
    exam_open(&w, exam_say_most, 30, "");
    for (int i = 0; i < 3; i++) {
        exam = exam_whole(&w, "Think.", 30);
        assert_int_equal(w.server->n, 30);
        assert_true(opro_exam_mean(exam) > 0.7);
        assert_int_equal(opro_exam_figure(exam, OPRO_CALL_REQUESTS), i ? 0 : 30);
        assert_int_equal(opro_exam_figure(exam, OPRO_CALL_CACHE_HITS), i ? 30 : 0);
        assert_int_equal(opro_exam_figure(exam, OPRO_CALL_PROMPT_TOKENS),
                         i ? 0 : 30 * PROMPT_TOKENS);
        opro_exam_free(exam);
    }
    exam_close(&w);
}

/* Begun at once: who asks second waits for the answer, not for another one. */
static void the_same_is_not_asked_twice_at_once(void **state) {
    static const struct {
        const char *settings;
        size_t requests;
    } cases[] = {{"position=q_end", 20},
                 {"position=q_begin", 20},
                 {"exam_second_question=1 position=q_end", 40},
                 {"exam_temperature=1", 60},
                 {"model_cache_bytes=0", 60}};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        exam_world w;
        opro_exam *exams[3];
        int64_t requests = 0;

        exam_open(&w, i == 2 ? exam_say_twice : exam_say_slowly, 20, cases[i].settings);
        for (int k = 0; k < 3; k++)
            exams[k] = exam_begin(&w, "Think.", 20);
        for (int k = 0; k < 3; k++) {
            exam_wait(&w, exams[k]);
            assert_int_equal(opro_exam_known(exams[k]), 20);
            assert_true(opro_exam_mean(exams[k]) == opro_exam_mean(exams[0]));
        }
        for (int k = 0; k < 3; k++) {
            requests += opro_exam_figure(exams[k], OPRO_CALL_REQUESTS);
            opro_exam_free(exams[k]);
        }
        assert_int_equal(w.server->n, cases[i].requests);
        assert_int_equal(requests, cases[i].requests);
        exam_close(&w);
    }
}

/* Where there is no cache, or nothing is the same twice, nobody waits for another. */
static void who_waits_knows_why(void **state) {
    static const struct {
        const char *settings;
        int64_t in_flight;
    } cases[] = {{"", 1}, {"exam_temperature=0.1", 3}, {"model_cache_bytes=0", 3}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        exam_world w;
        opro_exam *exams[3];

        exam_open(&w, exam_say_nothing, 1, cases[i].settings);
        for (int k = 0; k < 3; k++)
            exams[k] = exam_begin(&w, "Think.", 1);
        while (opro_model_poll(w.model, 0) == OPRO_OK)
            continue;
        assert_int_equal(opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT), cases[i].in_flight);
        for (int k = 0; k < 3; k++)
            opro_exam_free(exams[(k + 1) % 3]);
        exam_expect_idle(&w);
        exam_close(&w);
    }
}

/* Who waited takes over what is under way, when nobody else wants it any more. */
static void what_is_under_way_is_inherited(void **state) {
    (void)state;
    for (int which = 0; which < 3; which++) {
        exam_world w;
        opro_exam *exams[3];
        int64_t requests = 0;

        exam_open(&w, exam_say_slowly, 5, "position=q_end model_in_flight=8");
        for (int k = 0; k < 3; k++)
            exams[k] = exam_begin(&w, "Think.", 5);
        while (opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT) == 0)
            opro_model_poll(w.model, 0);
        opro_exam_free(exams[which]);
        exams[which] = NULL;
        for (int k = 0; k < 3; k++) {
            if (!exams[k]) continue;
            exam_wait(&w, exams[k]);
            assert_int_equal(opro_exam_known(exams[k]), 5);
            requests += opro_exam_figure(exams[k], OPRO_CALL_REQUESTS);
            opro_exam_free(exams[k]);
        }
        assert_int_equal(w.server->n, 5);
        assert_int_equal(requests, 5);
        exam_expect_idle(&w);
        exam_close(&w);
    }
}

/* The first of those that wait for one that fails asks itself. */
static void a_failure_is_not_shared(void **state) {
    int left[8] = {0, 0, 1, 0, 0, 1};
    exam_world w;
    opro_exam *a, *b;

    (void)state;
    exam_open(&w, exam_say_later, 7, "exam_rounds=0 position=q_end");
    w.more = left;
    a = exam_begin(&w, "Think.", 7);
    b = exam_begin(&w, "Think.", 7);
    exam_wait(&w, a);
    exam_wait(&w, b);
    assert_int_equal(opro_exam_known(a) + opro_exam_known(b), 12);
    assert_int_equal(w.server->n, 9);
    opro_exam_free(a);
    opro_exam_free(b);
    exam_close(&w);
}

static void scratch_file(char *path) {
    int fd;

    strcpy(path, "/tmp/opro-exam-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

static void a_file_keeps_what_was_paid(void **state) {
    char path[64];
    exam_world w;

    (void)state;
    scratch_file(path);
    exam_open(&w, exam_say_most, 25, "");
    for (int i = 0; i < 2; i++) {
        opro_exam *exam;

        assert_int_equal(opro_model_set_cache_file(w.model, path, OPRO_ZT), OPRO_OK);
        exam = exam_whole(&w, "Think.", 25);
        assert_int_equal(opro_exam_known(exam), 25);
        assert_int_equal(opro_exam_figure(exam, OPRO_CALL_CACHE_HITS), i ? 25 : 0);
        opro_exam_free(exam);
        opro_examiner_free(w.examiner);
        opro_model_free(w.model);
        w.model = exam_model(&w, w.config); /* knows nothing but the file */
        exam_make(&w);
    }
    assert_int_equal(w.server->n, 25);
    exam_close(&w);
    unlink(path);
}

/* ---- recordings ------------------------------------------------------------------------------ */

static void a_replay_asks_for_the_same(void **state) {
    int left[8] = {0, 0, 1, 0, 0, 9};
    char path[64];
    exam_world w;
    opro_model *model;
    opro_exam *exam;
    size_t requests;

    (void)state;
    scratch_file(path);
    exam_open(&w, exam_say_later, 12, "");
    w.more = left;
    assert_int_equal(opro_model_record(w.model, path, OPRO_ZT), OPRO_OK);
    exam = exam_whole(&w, "Think.", 12);
    assert_int_equal(opro_exam_known(exam), 11);
    opro_exam_free(exam);
    opro_examiner_free(w.examiner);
    opro_model_free(w.model);
    requests = w.server->n;
    assert_int_equal(opro_model_new(&model, w.config, NULL), OPRO_OK);
    assert_int_equal(opro_model_replay(model, path, OPRO_ZT), OPRO_OK);
    w.model = model;
    exam_make(&w);
    exam = exam_whole(&w, "Think.", 12);
    assert_int_equal(opro_exam_known(exam), 11);
    assert_true(opro_exam_score(exam, 2) == 1);
    assert_int_equal(opro_exam_figure(exam, OPRO_EXAM_CALLS), requests);
    opro_exam_free(exam);
    exam = exam_whole(&w, "Do not.", 12);
    assert_int_equal(opro_exam_known(exam), 0);
    assert_int_equal(opro_exam_figure(exam, OPRO_EXAM_CALLS), 12); /* once each */
    assert_non_null(strstr(opro_exam_fault(exam, 7, NULL), "is not in"));
    opro_exam_free(exam);
    assert_int_equal(w.server->n, requests);
    exam_close(&w);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exam_of_the_same_sends_nothing),
        cmocka_unit_test(the_same_is_not_asked_twice_at_once),
        cmocka_unit_test(who_waits_knows_why),
        cmocka_unit_test(what_is_under_way_is_inherited),
        cmocka_unit_test(a_failure_is_not_shared),
        cmocka_unit_test(a_file_keeps_what_was_paid),
        cmocka_unit_test(a_replay_asks_for_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
