/* SPDX-License-Identifier: MIT */
/* Exams: second questions, and judges. */
#define _GNU_SOURCE
#include "exam_world.h"

/* ---- second questions and judges ------------------------------------------------------------- */

static void a_second_question_is_what_counts(void **state) {
    exam_world w;
    opro_exam *exam;
    size_t seconds = 0;

    (void)state;
    exam_open(&w, exam_say_twice, 10,
              "exam_second_question=1 exam_max_tokens=77 exam_second_tokens=9");
    exam = exam_whole(&w, "Think.", 10);
    assert_true(opro_exam_mean(exam) == 1);
    assert_string_equal(opro_exam_reply(exam, 4, NULL), "Let us see. Q: What?");
    assert_string_equal(opro_exam_second_reply(exam, 4, NULL), ": 4.\nQ: Next");
    assert_int_equal(w.server->n, 20);
    for (size_t i = 0; i < 20; i++) {
        const char *body = w.server->bodies[i];
        int second =
            strstr(body, "What is item") && strstr(body, "? Let us see. So the final answer is\"");

        if (second) seconds++;
        assert_non_null(strstr(body, second ? "_tokens\":9" : "_tokens\":77"));
    }
    assert_int_equal(seconds, 10);
    assert_int_equal(opro_exam_figure(exam, OPRO_EXAM_CALLS), 20);
    assert_int_equal(opro_exam_figure(exam, OPRO_CALL_REPLY_TOKENS), 20 * REPLY_TOKENS);
    opro_exam_free(exam);
    exam_close(&w);
}

/* Behind the beginning of the answer, where there is one. */
static void a_begun_answer_goes_on(void **state) {
    exam_world w;
    opro_exam *exam;
    int found = 0;

    (void)state;
    exam_open(&w, exam_say_twice, 3, "exam_second_question=1 model_prefix=trailing");
    assert_int_equal(opro_examiner_set_template(w.examiner, OPRO_ROLE_USER, "{question}", OPRO_ZT),
                     OPRO_OK);
    assert_int_equal(
        opro_examiner_set_template(w.examiner, OPRO_ROLE_ASSISTANT, "{instruction}", OPRO_ZT),
        OPRO_OK);
    exam = exam_whole(&w, "Well,", 3);
    assert_true(opro_exam_mean(exam) == 1);
    for (size_t i = 0; i < w.server->n; i++)
        found += strstr(w.server->bodies[i], "\"assistant\",\"content\":\"Well, Let us see. "
                                             "So the final answer is\"") != NULL;
    assert_int_equal(found, 3);
    opro_exam_free(exam);
    exam_close(&w);
}

/* A judge, by its name: item 1 is wrong, and of item 2 it does not know. */
static void say_as_judge(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    long item = exam_item(body);

    if (!strstr(body, "right answer"))
        exam_say_most(w, n, body, reply);
    else
        exam_say(reply, item == 1 ? "No." : item == 2 ? "Perhaps." : "Yes.");
}

static void wait_for_both(const exam_world *w, opro_model *judge, const opro_exam *exam) {
    while (!opro_exam_done(exam)) {
        assert_true(opro_model_poll(w->model, 1) >= 0);
        assert_true(opro_model_poll(judge, 1) >= 0);
    }
}

static void a_judge_decides(void **state) {
    (void)state;
    for (int own = 0; own < 2; own++) {
        exam_world w;
        opro_model *judge;
        opro_exam *exam;

        exam_open(&w, say_as_judge, 8, "exam_temperature=0.5 exam_second_tokens=5");
        judge = exam_model(&w, w.config);
        opro_model_set_name(judge, "wise", OPRO_ZT);
        assert_int_equal(opro_examiner_set_judge(w.examiner, own ? w.model : judge, NULL, 0),
                         OPRO_OK);
        exam = exam_begin(&w, "Think.", 8);
        wait_for_both(&w, judge, exam);
        assert_int_equal(opro_exam_known(exam), 7);
        assert_true(opro_exam_score(exam, 0) == 1);
        assert_true(opro_exam_score(exam, 1) == 0);
        assert_string_equal(opro_exam_rule(exam, 0), "judge");
        assert_string_equal(opro_exam_second_reply(exam, 0, NULL), "Yes.");
        assert_string_equal(opro_exam_reply(exam, 1, NULL), "The answer is 1.");
        assert_non_null(strstr(opro_exam_fault(exam, 2, NULL), "Perhaps"));
        assert_int_equal(w.server->n, 16);
        assert_int_equal(opro_exam_figure(exam, OPRO_EXAM_CALLS), 16);
        assert_int_equal(opro_model_figure(judge, OPRO_MODEL_REQUESTS), own ? 0 : 8);
        for (size_t i = 0; i < 16; i++) {
            const char *body = w.server->bodies[i];
            int judged = strstr(body, "right answer") != NULL;

            assert_non_null(strstr(body, judged ? "\"temperature\":0}" : "\"temperature\":0.5"));
            if (judged) assert_non_null(strstr(body, "_tokens\":5"));
            assert_true((strstr(body, "\"wise\"") != NULL) == (judged && !own));
        }
        opro_exam_free(exam);
        opro_model_free(judge);
        exam_close(&w);
    }
}

static void a_judge_hears_the_final_answer(void **state) {
    exam_world w;
    opro_exam *exam;
    int found = 0;

    (void)state;
    exam_open(&w, exam_say_twice, 4, "exam_second_question=1");
    assert_int_equal(opro_examiner_set_judge(w.examiner, w.model, "<{reply}> {answer}?", OPRO_ZT),
                     OPRO_OK);
    exam = exam_whole(&w, "Think.", 4);
    for (size_t i = 0; i < w.server->n; i++)
        found += strstr(w.server->bodies[i], "\"<3.> 3?\"") != NULL;
    assert_int_equal(found, 1);
    assert_int_equal(w.server->n, 12);
    assert_int_equal(opro_exam_known(exam), 0); /* that was no yes */
    opro_exam_free(exam);
    exam_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_question_is_what_counts),
        cmocka_unit_test(a_begun_answer_goes_on),
        cmocka_unit_test(a_judge_decides),
        cmocka_unit_test(a_judge_hears_the_final_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
