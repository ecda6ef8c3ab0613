/* SPDX-License-Identifier: MIT */
/* Exams: what is asked, in which order, and what is made of the answers. */
#define _GNU_SOURCE
#include "exam_world.h"

/* ---- answers --------------------------------------------------------------------------------- */

static void answers_are_scored(void **state) {
    exam_world w;
    opro_exam *exam;
    double low, high;
    size_t len;

    (void)state;
    exam_open(&w, exam_say_most, 20, "");
    exam = exam_whole(&w, "Think.", 20);
    assert_int_equal(opro_exam_count(exam), 20);
    assert_int_equal(opro_exam_known(exam), 20);
    for (size_t i = 0; i < 20; i++) {
        char reply[64];

        snprintf(reply, sizeof reply, "The answer is %d.", i % 4 ? (int)i : 999);
        assert_int_equal(opro_exam_example(exam, i), i);
        assert_true(opro_exam_score(exam, i) == (i % 4 != 0));
        assert_string_equal(opro_exam_reply(exam, i, &len), reply);
        assert_int_equal(len, strlen(reply));
        assert_true(strstr(reply, opro_exam_extracted(exam, i, NULL)) != NULL);
        assert_true(opro_exam_extracted(exam, i, NULL)[0] != '\0');
        assert_true(opro_exam_rule(exam, i)[0] != '\0');
        assert_string_equal(opro_exam_fault(exam, i, NULL), "");
        assert_string_equal(opro_exam_second_reply(exam, i, NULL), "");
    }
    assert_true(opro_exam_mean(exam) == 0.75);
    assert_int_equal(opro_exam_interval(exam, &low, &high), OPRO_OK);
    assert_true(low > 0.5 && low < 0.75 && high > 0.75 && high < 0.95);
    assert_int_equal(opro_exam_figure(exam, OPRO_EXAM_CALLS), 20);
    assert_int_equal(opro_exam_figure(exam, OPRO_CALL_REQUESTS), 20);
    assert_int_equal(opro_exam_figure(exam, OPRO_CALL_PROMPT_TOKENS), 20 * PROMPT_TOKENS);
    assert_int_equal(opro_exam_figure(exam, OPRO_CALL_REPLY_TOKENS), 20 * REPLY_TOKENS);
    assert_int_equal(w.server->n, 20);
    opro_exam_free(exam);
    exam_expect_idle(&w);
    exam_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_scored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
