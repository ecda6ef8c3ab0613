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

/* Cut off, or refused: that is what the model answered. */
static void say_cut_off(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    (void)w, (void)n;
    if (exam_item(body) == 0)
        exam_say_as(reply, "The answer is 0. But", "length");
    else if (exam_item(body) == 1)
        exam_say_as(reply, "", "content_filter");
    else
        exam_say(reply, "");
}

static void whatever_was_said_is_judged(void **state) {
    exam_world w;
    opro_exam *exam;

    (void)state;
    exam_open(&w, say_cut_off, 3, "");
    exam = exam_whole(&w, "Think.", 3);
    assert_int_equal(opro_exam_known(exam), 3);
    assert_true(opro_exam_score(exam, 0) == 1);
    assert_true(opro_exam_score(exam, 1) == 0);
    assert_true(opro_exam_score(exam, 2) == 0);
    assert_int_equal(w.server->n, 3);
    opro_exam_free(exam);
    exam_close(&w);
}

/* ---- the order ------------------------------------------------------------------------------- */

/* The requests that came as "A0 A1 B0 ": the instruction and the item. */
static void write_order(const exam_world *w, char *out, size_t size) {
    size_t at = 0;

    for (size_t i = 0; i < w->server->n; i++) {
        const char *body = w->server->bodies[i], *who = strstr(body, "Ask ");

        at += (size_t)snprintf(out + at, size - at, "%c%ld ", who ? who[4] : '-', exam_item(body));
    }
}

static void expect_order(const char *settings, const char *expected) {
    static const int64_t mixed[] = {5, 2, 0, 4, 1, 3};
    char text[256], all[1024];
    exam_world w;
    opro_exam *a, *b, *c;

    snprintf(text, sizeof text, "model_max_in_flight=1 model_in_flight=1 %s", settings);
    exam_open(&w, exam_say_most, 8, text);
    a = exam_begin(&w, "Ask A", 6);
    assert_int_equal(opro_exam_new(&b, w.examiner, "Ask B", OPRO_ZT, mixed, 6), OPRO_OK);
    assert_int_equal(opro_exam_begin(b, NULL, NULL, NULL), OPRO_OK);
    c = exam_begin(&w, "", 2);
    exam_wait(&w, a);
    exam_wait(&w, b);
    exam_wait(&w, c);
    write_order(&w, all, sizeof all);
    assert_string_equal(all, expected);
    opro_exam_free(a);
    opro_exam_free(b);
    opro_exam_free(c);
    exam_close(&w);
}

/* Four are handed to the client at once, before there are other exams. */
static void prompts_that_begin_alike_follow_one_another(void **state) {
    static const char by_exam[] = "A0 A1 A2 A3 A4 A5 B0 B1 B2 B3 B4 B5 -0 -1 ";
    static const char by_item[] = "A0 A1 A2 A3 B0 -0 B1 -1 B2 B3 A4 B4 A5 B5 ";

    (void)state;
    expect_order("position=q_begin", by_exam);
    expect_order("position=system", by_exam);
    expect_order("position=before_q question_marks=1", by_exam);
    expect_order("position=q_begin question_marks=1", by_exam);
    expect_order("position=q_end", by_item);
    expect_order("position=q_end question_marks=1", by_item);
    expect_order("position=a_begin question_marks=1", by_item);
}

/* So many calls are handed to the client at most, and as many as it wants. */
static void the_line_is_in_the_examiner(void **state) {
    static const struct {
        const char *settings;
        int64_t most;
    } cases[] = {{"model_max_in_flight=1 model_in_flight=1", 4},
                 {"model_max_in_flight=8 model_adaptive=0", 16},
                 {"model_max_in_flight=8 model_adaptive=0 model_max_waiting=3", 3}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        exam_world w;
        opro_exam *exam;
        int64_t most = 0;

        exam_open(&w, exam_say_slowly, 60, cases[i].settings);
        exam = exam_begin(&w, "Think.", 60);
        while (!opro_exam_done(exam)) {
            int64_t now = opro_model_figure(w.model, OPRO_MODEL_WAITING) +
                          opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT);

            if (now > most) most = now;
            assert_true(opro_model_poll(w.model, 1000) >= 0);
        }
        assert_int_equal(most, cases[i].most);
        assert_int_equal(opro_exam_known(exam), 60);
        opro_exam_free(exam);
        exam_close(&w);
    }
}

/* ---- failures -------------------------------------------------------------------------------- */

/* Items 2 and 5 fail so often. */
static void say_later(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    int *left = w->more;
    long item = exam_item(body);

    exam_say_most(w, n, body, reply);
    if ((item == 2 || item == 5) && left[item]-- > 0) exam_refuse(reply, 400, "not \\u00fcber now");
}

static void what_failed_is_asked_again_after_the_others(void **state) {
    static const struct {
        const char *rounds, *order;
        int fails2, fails5;
        size_t known;
    } cases[] = {
        {"exam_rounds=2", "-0 -1 -2 -3 -4 -5 -6 -2 -5 -5 ", 1, 2, 7},
        {"exam_rounds=2", "-0 -1 -2 -3 -4 -5 -6 -2 -5 -2 -5 ", 3, 2, 6},
        {"exam_rounds=0", "-0 -1 -2 -3 -4 -5 -6 ", 1, 1, 5},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int left[8] = {0};
        char settings[128], all[256];
        exam_world w;
        opro_exam *exam;

        snprintf(settings, sizeof settings, "model_max_in_flight=1 model_in_flight=1 %s",
                 cases[i].rounds);
        left[2] = cases[i].fails2;
        left[5] = cases[i].fails5;
        exam_open(&w, say_later, 7, settings);
        w.more = left;
        exam = exam_whole(&w, "", 7);
        write_order(&w, all, sizeof all);
        assert_string_equal(all, cases[i].order);
        assert_int_equal(opro_exam_known(exam), cases[i].known);
        assert_int_equal(opro_exam_figure(exam, OPRO_EXAM_CALLS), w.server->n);
        for (size_t k = 0; k < 7; k++) {
            const char *fault = opro_exam_fault(exam, k, NULL);
            int known = !isnan(opro_exam_score(exam, k));

            if (known) assert_string_equal(fault, "");
            if (!known)
                assert_non_null(strstr(fault, "not \xc3\xbc"
                                              "ber now"));
            assert_true((k == 2 || k == 5) || known);
        }
        opro_exam_free(exam);
        exam_close(&w);
    }
}

/* The key is refused, the money is gone, there is no such model: for all questions alike. */
static void say_no(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    (void)body;
    if (n < 5)
        exam_say_most(w, n, body, reply);
    else
        exam_refuse(reply, *(int *)w->more, "no way");
}

static void what_makes_no_sense_is_not_asked(void **state) {
    static const int statuses[] = {401, 402, 404};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int status = statuses[i];
        exam_world w;
        opro_exam *exam, *other;

        exam_open(&w, say_no, 100, "model_max_in_flight=2 model_in_flight=2");
        w.more = &status;
        exam = exam_begin(&w, "One", 100);
        other = exam_begin(&w, "Two", 100);
        exam_wait(&w, exam);
        exam_wait(&w, other);
        assert_true(w.server->n < 20);
        assert_int_equal(opro_exam_known(exam), 5);
        assert_int_equal(opro_exam_known(other), 0);
        for (size_t k = 5; k < 100; k++)
            assert_non_null(strstr(opro_exam_fault(exam, k, NULL), "no way"));
        assert_true(isnan(opro_exam_mean(other)));
        assert_true(isnan(opro_exam_score(other, 99)));
        opro_exam_free(exam);
        opro_exam_free(other);
        exam_close(&w);
    }
}

/* A metric of the host's that has no verdict on item 3. */
static int32_t measure(const opro_metric *metric, const char *reply, size_t reply_len,
                       const char *answer, size_t answer_len, opro_verdict *verdict,
                       void *user_data) {
    (void)metric, (void)reply_len, (void)answer_len;
    ++*(int *)user_data;
    if (strcmp(answer, "3") == 0) return OPRO_ERR_FAILED;
    return opro_verdict_set(verdict, strstr(reply, answer) ? 0.5 : 0, reply, OPRO_ZT, "mine");
}

static void without_a_verdict_it_is_unknown(void **state) {
    exam_world w;
    opro_exam *exam;
    int calls = 0;

    (void)state;
    exam_prepare(&w, exam_say_most, 6, "");
    assert_int_equal(opro_metric_new(&w.metric, OPRO_METRIC_HOST, OPRO_TASK_TEXT, NULL), OPRO_OK);
    assert_int_equal(opro_metric_set_fn(w.metric, measure, &calls, NULL), OPRO_OK);
    exam_make(&w);
    exam = exam_whole(&w, "Think.", 6);
    assert_int_equal(calls, 6);
    assert_int_equal(w.server->n, 6);
    assert_int_equal(opro_exam_known(exam), 5);
    assert_true(opro_exam_score(exam, 1) == 0.5);
    assert_string_equal(opro_exam_rule(exam, 1), "mine");
    assert_string_equal(opro_exam_extracted(exam, 1, NULL), "The answer is 1.");
    assert_true(isnan(opro_exam_score(exam, 3)));
    assert_string_equal(opro_exam_reply(exam, 3, NULL), "The answer is 3.");
    assert_non_null(strstr(opro_exam_fault(exam, 3, NULL), "callback"));
    opro_exam_free(exam);
    exam_close(&w);
}

/* Examples that the host has. */
typedef struct stock {
    size_t bad; /* this one cannot be had; all after it neither, if all */
    int all;
} stock;

static int32_t deliver(const opro_dataset *dataset, size_t index, opro_sink *sink,
                       void *user_data) {
    const stock *s = user_data;
    char text[64];

    (void)dataset;
    if (index == s->bad || (s->all && index > s->bad)) return OPRO_ERR_FAILED;
    snprintf(text, sizeof text, "What is item %zu?", index);
    opro_sink_text(sink, text, OPRO_ZT);
    snprintf(text, sizeof text, "%zu", index);
    return opro_sink_text(sink, text, OPRO_ZT);
}

static void use_stock(exam_world *w, stock *s, size_t n, const char *settings) {
    exam_prepare(w, exam_say_most, 1, settings);
    opro_dataset_free(w->dataset);
    assert_int_equal(opro_dataset_new(&w->dataset, NULL), OPRO_OK);
    assert_int_equal(opro_dataset_set_fn(w->dataset, n, deliver, s, NULL), OPRO_OK);
    assert_int_equal(opro_metric_new(&w->metric, OPRO_METRIC_STRICT, OPRO_TASK_NUMBER, NULL),
                     OPRO_OK);
    exam_make(w);
}

static void what_cannot_be_asked_is_unknown(void **state) {
    stock s = {.bad = 3};
    exam_world w;
    opro_exam *exam;

    (void)state;
    use_stock(&w, &s, 9, "");
    exam = exam_whole(&w, "Think.", 9);
    assert_int_equal(opro_exam_known(exam), 8);
    assert_non_null(strstr(opro_exam_fault(exam, 3, NULL), "example 3"));
    opro_exam_free(exam);
    s = (stock){.bad = 0, .all = 1};
    exam = exam_of(&w, "Think.", 9); /* nobody would ever hear of it */
    assert_int_equal(opro_exam_begin(exam, NULL, NULL, NULL), OPRO_ERR_FAILED);
    assert_message(opro_examiner_error(w.examiner), OPRO_ERR_FAILED);
    assert_false(opro_exam_done(exam));
    s = (stock){.bad = 8};
    assert_int_equal(opro_exam_begin(exam, NULL, NULL, NULL), OPRO_OK);
    exam_wait(&w, exam);
    assert_int_equal(opro_exam_known(exam), 8);
    opro_exam_free(exam);
    exam_close(&w);
}

/* ---- second questions and judges ------------------------------------------------------------- */

static void say_twice(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    char text[64];

    (void)w, (void)n;
    if (!strstr(body, "So the final answer is")) {
        exam_say(reply, "Let us see. Q: What?");
        return;
    }
    snprintf(text, sizeof text, ": %ld.\\nQ: Next", exam_item(body));
    exam_say(reply, text);
}

static void a_second_question_is_what_counts(void **state) {
    exam_world w;
    opro_exam *exam;
    size_t seconds = 0;

    (void)state;
    exam_open(&w, say_twice, 10, "exam_second_question=1 exam_max_tokens=77 exam_second_tokens=9");
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
    exam_open(&w, say_twice, 3, "exam_second_question=1 model_prefix=trailing");
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
    exam_open(&w, say_twice, 4, "exam_second_question=1");
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

        exam_open(&w, i == 2 ? say_twice : exam_say_slowly, 20, cases[i].settings);
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
    exam_open(&w, say_later, 7, "exam_rounds=0 position=q_end");
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
    exam_open(&w, say_later, 12, "");
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

/* ---- callbacks ------------------------------------------------------------------------------- */

enum { LISTENS, FREES_ITSELF, FREES_OTHER, BEGINS, LAST };

typedef struct listener {
    exam_world *w;
    int what;
    size_t at; /* when it does it */
    size_t answers, observed, done, destroyed;
    opro_exam *exam, *other;
    char order[1024];
} listener;

static int32_t listen_to(opro_exam *exam, int32_t event, size_t index, void *user_data) {
    listener *l = user_data;

    assert_ptr_equal(exam, l->exam);
    if (event == OPRO_EXAM_DONE) {
        assert_int_equal(index, 0);
        l->done++;
    } else {
        assert_int_equal(event, OPRO_EXAM_ANSWER);
        l->answers++;
        assert_true(!isnan(opro_exam_score(exam, index)) || *opro_exam_fault(exam, index, NULL));
    }
    if (l->answers + l->done != l->at) return -77; /* logged, no more */
    if (l->what == FREES_ITSELF) {
        opro_exam_free(exam);
        l->exam = NULL;
    }
    if (l->what == FREES_OTHER) {
        opro_exam_free(l->other);
        l->other = NULL;
    }
    if (l->what == BEGINS) {
        opro_exam *more = exam_of(l->w, "More", 10);

        assert_int_equal(opro_exam_begin(more, NULL, NULL, NULL), OPRO_OK);
        opro_exam_free(l->other);
        l->other = more;
    }
    return OPRO_OK;
}

static void destroy(void *user_data) {
    ((listener *)user_data)->destroyed++;
}

static int32_t observe(opro_examiner *examiner, const opro_exam *exam, size_t index,
                       void *user_data) {
    listener *l = user_data;

    assert_ptr_equal(examiner, l->w->examiner);
    assert_true(opro_exam_example(exam, index) >= 0);
    l->observed++;
    return OPRO_OK;
}

static void callbacks_may_do_much(void **state) {
    static const size_t times[] = {1, 5, 10, 11};

    (void)state;
    for (int what = 0; what < LAST; what++)
        for (size_t i = 0; i < 4; i++) {
            exam_world w;
            listener l = {.w = &w, .what = what, .at = times[i]};
            int left[8] = {0, 0, 99};

            exam_open(&w, say_later, 10, "exam_rounds=1 position=q_end");
            w.more = left;
            assert_int_equal(opro_examiner_set_observer(w.examiner, observe, &l, NULL), OPRO_OK);
            l.exam = exam_of(&w, "Think.", 10);
            assert_int_equal(opro_exam_begin(l.exam, listen_to, &l, destroy), OPRO_OK);
            l.other = exam_begin(&w, "Not.", 10);
            while ((l.exam && !l.done) || (l.other && !opro_exam_done(l.other)))
                assert_int_equal(opro_model_poll(w.model, 10000), OPRO_OK);
            assert_int_equal(l.destroyed, what == FREES_ITSELF);
            if (what != FREES_ITSELF) assert_int_equal(l.answers, 10);
            if (what == LISTENS) assert_int_equal(l.observed, 20);
            if (what == FREES_ITSELF) assert_int_equal(l.answers + l.done, times[i]);
            opro_exam_free(l.exam);
            opro_exam_free(l.other);
            assert_int_equal(l.destroyed, 1);
            exam_expect_idle(&w);
            exam_close(&w);
        }
}

/* ---- the end --------------------------------------------------------------------------------- */

static void an_exam_that_goes_ends_its_calls(void **state) {
    exam_world w;
    opro_exam *a, *b;

    (void)state;
    exam_open(&w, exam_say_nothing, 50, "");
    a = exam_begin(&w, "One", 50);
    b = exam_begin(&w, "Two", 50);
    while (opro_model_poll(w.model, 0) == OPRO_OK)
        continue;
    assert_true(opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT) > 0);
    opro_exam_free(a);
    assert_true(opro_model_figure(w.model, OPRO_MODEL_WAITING) > 0); /* the other one's turn */
    opro_exam_free(b);
    exam_expect_idle(&w);
    opro_exam_free(NULL);
    exam_close(&w);
}

static void the_rest_goes_on(void **state) {
    exam_world w;
    opro_exam *a, *b;

    (void)state;
    exam_open(&w, exam_say_slowly, 50, "model_max_in_flight=2 model_in_flight=2");
    a = exam_begin(&w, "One", 50);
    b = exam_begin(&w, "Two", 50);
    opro_model_poll(w.model, 10000);
    opro_exam_free(a);
    exam_wait(&w, b);
    assert_int_equal(opro_exam_known(b), 50);
    opro_exam_free(b);
    exam_close(&w);
}

/* In any order: each is there as long as somebody needs it. */
static void owners_may_go_first(void **state) {
    (void)state;
    for (int ended = 0; ended < 2; ended++) {
        exam_world w;
        opro_exam *exam;

        exam_open(&w, exam_say_slowly, 20, "");
        exam = exam_begin(&w, "One", 20);
        opro_model_poll(w.model, 0);
        opro_examiner_free(w.examiner);
        opro_dataset_free(w.dataset);
        opro_model_free(w.model); /* the exam has a share */
        if (ended) exam_wait(&w, exam);
        assert_true(opro_exam_known(exam) == (ended ? 20 : 0));
        opro_exam_free(exam);
        w.examiner = NULL;
        w.dataset = NULL;
        w.model = NULL;
        exam_close(&w);
    }
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void an_examiner_needs_what_fits(void **state) {
    exam_world w;
    opro_config *config = config_of("position=before_q");
    opro_dataset *none;

    (void)state;
    exam_prepare(&w, exam_say_most, 5, "");
    assert_int_equal(opro_dataset_new(&none, NULL), OPRO_OK);
    assert_int_equal(opro_examiner_new(NULL, w.dataset, NULL, w.model, NULL, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_examiner_new(&w.examiner, NULL, NULL, w.model, NULL, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_examiner_new(&w.examiner, w.dataset, NULL, NULL, NULL, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_examiner_new(&w.examiner, none, NULL, w.model, NULL, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_examiner_new(&w.examiner, w.dataset, NULL, w.model, config, NULL),
                     OPRO_ERR_INVALID);
    assert_null(w.examiner);
    opro_examiner_free(NULL);
    opro_dataset_free(none);
    opro_config_free(config);
    exam_close(&w);
}

static void an_exam_needs_what_fits(void **state) {
    static const int64_t examples[] = {0, 3, 3}, outside[] = {5}, negative[] = {-1};
    exam_world w;
    opro_exam *exam = NULL;
    char *huge;

    (void)state;
    exam_open(&w, exam_say_most, 5, "");
    assert_int_equal(opro_exam_new(NULL, w.examiner, "", 0, examples, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_new(&exam, NULL, "", 0, examples, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_new(&exam, w.examiner, "", 0, NULL, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_new(&exam, w.examiner, "", 0, examples, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_new(&exam, w.examiner, "", 0, examples, 3), OPRO_ERR_INVALID);
    assert_non_null(strstr(opro_error_message(opro_examiner_error(w.examiner), NULL), "3"));
    assert_int_equal(opro_exam_new(&exam, w.examiner, "", 0, outside, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_new(&exam, w.examiner, "", 0, negative, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_new(&exam, w.examiner, "\xff", 1, examples, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_new(&exam, w.examiner, "a\0b", 3, examples, 1), OPRO_ERR_INVALID);
    huge = malloc((1 << 20) + 1);
    memset(huge, 'a', (1 << 20) + 1);
    assert_int_equal(opro_exam_new(&exam, w.examiner, huge, (1 << 20) + 1, examples, 1),
                     OPRO_ERR_LIMIT);
    assert_message(opro_examiner_error(w.examiner), OPRO_ERR_LIMIT);
    assert_null(exam);
    assert_int_equal(opro_exam_new(&exam, w.examiner, huge, 1 << 20, examples, 2), OPRO_OK);
    free(huge);
    assert_int_equal(opro_exam_begin(NULL, NULL, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_begin(exam, NULL, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_exam_begin(exam, NULL, NULL, NULL), OPRO_ERR_STATE);
    assert_int_equal(opro_examiner_set_template(w.examiner, OPRO_ROLE_USER, "{question}", OPRO_ZT),
                     OPRO_ERR_STATE);
    assert_int_equal(opro_examiner_add_shot(w.examiner, "q", 1, "a", 1), OPRO_ERR_STATE);
    assert_int_equal(opro_examiner_set_judge(w.examiner, w.model, NULL, 0), OPRO_ERR_STATE);
    assert_message(opro_examiner_error(w.examiner), OPRO_ERR_STATE);
    opro_exam_free(exam);
    exam_close(&w);
}

static void an_exam_needs_an_endpoint(void **state) {
    exam_world w;
    opro_model *judge;
    opro_exam *exam;

    (void)state;
    exam_prepare(&w, exam_say_most, 5, "");
    opro_model_free(w.model);
    assert_int_equal(opro_model_new(&w.model, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_model_new(&judge, NULL, NULL), OPRO_OK);
    exam_make(&w);
    assert_int_equal(opro_examiner_set_judge(w.examiner, judge, NULL, 0), OPRO_OK);
    exam = exam_of(&w, "", 5);
    assert_int_equal(opro_exam_begin(exam, NULL, NULL, NULL), OPRO_ERR_STATE);
    assert_message(opro_examiner_error(w.examiner), OPRO_ERR_STATE);
    opro_model_set_base_url(w.model, w.url, OPRO_ZT);
    assert_int_equal(opro_exam_begin(exam, NULL, NULL, NULL), OPRO_ERR_STATE);
    opro_model_set_name(w.model, "m", OPRO_ZT);
    assert_int_equal(opro_exam_begin(exam, NULL, NULL, NULL), OPRO_ERR_STATE);
    opro_model_set_base_url(judge, w.url, OPRO_ZT);
    opro_model_set_name(judge, "m", OPRO_ZT);
    assert_int_equal(opro_exam_begin(exam, NULL, NULL, NULL), OPRO_OK);
    opro_exam_free(exam);
    opro_model_free(judge);
    exam_close(&w);
}

static void what_is_not_there_is_nothing(void **state) {
    exam_world w;
    opro_exam *exam;
    double low, high;
    size_t len = 9;

    (void)state;
    exam_open(&w, exam_say_most, 5, "");
    exam = exam_of(&w, "", 2);
    assert_int_equal(opro_exam_done(exam), 0);
    assert_int_equal(opro_exam_known(exam), 0);
    assert_true(isnan(opro_exam_mean(exam)));
    assert_true(isnan(opro_exam_score(exam, 0)));
    assert_true(isnan(opro_exam_score(exam, 2)));
    assert_int_equal(opro_exam_example(exam, 2), -1);
    assert_string_equal(opro_exam_reply(exam, 2, &len), "");
    assert_int_equal(len, 0);
    assert_string_equal(opro_exam_fault(exam, 0, &len), "");
    assert_string_equal(opro_exam_rule(exam, 0), "");
    assert_int_equal(opro_exam_interval(exam, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_interval(exam, NULL, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_exam_figure(exam, 0), 0);
    assert_int_equal(opro_exam_figure(exam, OPRO_CALL_HTTP_STATUS), 0);
    assert_int_equal(opro_exam_figure(exam, 15), 0);
    assert_int_equal(opro_exam_figure(exam, -10), 0);
    assert_int_equal(opro_exam_figure(exam, OPRO_EXAM_CALLS), 0);
    opro_exam_free(exam);
    exam_close(&w);
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static void what_is_sent_can_be_looked_at(void **state) {
    exam_world w;
    opro_exam *exam;
    size_t len;

    (void)state;
    exam_open(&w, exam_say_most, 5, "position=system");
    assert_int_equal(opro_examiner_add_shot(w.examiner, "What is one?", OPRO_ZT, "1", OPRO_ZT),
                     OPRO_OK);
    assert_int_equal(opro_examiner_build(w.examiner, "Think.", OPRO_ZT, 5), OPRO_ERR_INVALID);
    assert_int_equal(opro_examiner_build(w.examiner, "\xff", 1, 4), OPRO_ERR_INVALID);
    assert_int_equal(opro_examiner_build(NULL, "", 0, 4), OPRO_ERR_INVALID);
    assert_int_equal(opro_examiner_messages(w.examiner), 0);
    assert_int_equal(opro_examiner_build(w.examiner, "Think.", OPRO_ZT, 4), OPRO_OK);
    assert_int_equal(opro_examiner_messages(w.examiner), 4);
    assert_int_equal(opro_examiner_message_role(w.examiner, 0), OPRO_ROLE_SYSTEM);
    assert_int_equal(opro_examiner_message_role(w.examiner, 2), OPRO_ROLE_ASSISTANT);
    assert_string_equal(opro_examiner_message_text(w.examiner, 0, NULL), "Think.");
    assert_string_equal(opro_examiner_message_text(w.examiner, 2, NULL), "1");
    assert_string_equal(opro_examiner_message_text(w.examiner, 3, &len), "What is item 4?");
    assert_int_equal(len, strlen("What is item 4?"));
    assert_int_equal(opro_examiner_message_role(w.examiner, 4), 0);
    assert_string_equal(opro_examiner_message_text(w.examiner, 4, &len), "");
    exam = exam_whole(&w, "Think.", 1);
    assert_non_null(strstr(w.server->bodies[0],
                           "[{\"role\":\"system\",\"content\":\"Think.\"},"
                           "{\"role\":\"user\",\"content\":\"What is one?\"},"
                           "{\"role\":\"assistant\",\"content\":\"1\"},"
                           "{\"role\":\"user\",\"content\":\"What is item 0?\"}]"));
    opro_exam_free(exam);
    exam_close(&w);
}

/* ---- many ------------------------------------------------------------------------------------ */

static int32_t deliver_the_same(const opro_dataset *dataset, size_t index, opro_sink *sink,
                                void *user_data) {
    (void)dataset, (void)index, (void)user_data;
    opro_sink_text(sink, "What is item 1?", OPRO_ZT);
    return opro_sink_text(sink, "1", OPRO_ZT);
}

/* One request, and the cache answers all the others. */
static void a_hundred_thousand_examples(void **state) {
    const size_t n = 100000;
    exam_world w;
    opro_exam *exam;

    (void)state;
    exam_prepare(&w, exam_say_most, 1, "");
    opro_dataset_free(w.dataset);
    assert_int_equal(opro_dataset_new(&w.dataset, NULL), OPRO_OK);
    assert_int_equal(opro_dataset_set_fn(w.dataset, n, deliver_the_same, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_metric_new(&w.metric, OPRO_METRIC_CONTAINS, OPRO_TASK_TEXT, NULL),
                     OPRO_OK);
    exam_make(&w);
    exam = exam_whole(&w, "Think.", n);
    assert_int_equal(opro_exam_known(exam), n);
    assert_true(opro_exam_mean(exam) == 1);
    assert_int_equal(w.server->n, 1);
    assert_int_equal(opro_exam_figure(exam, OPRO_CALL_CACHE_HITS), n - 1);
    opro_exam_free(exam);
    exam_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_scored),
        cmocka_unit_test(whatever_was_said_is_judged),
        cmocka_unit_test(prompts_that_begin_alike_follow_one_another),
        cmocka_unit_test(the_line_is_in_the_examiner),
        cmocka_unit_test(what_failed_is_asked_again_after_the_others),
        cmocka_unit_test(what_makes_no_sense_is_not_asked),
        cmocka_unit_test(without_a_verdict_it_is_unknown),
        cmocka_unit_test(what_cannot_be_asked_is_unknown),
        cmocka_unit_test(a_second_question_is_what_counts),
        cmocka_unit_test(a_begun_answer_goes_on),
        cmocka_unit_test(a_judge_decides),
        cmocka_unit_test(a_judge_hears_the_final_answer),
        cmocka_unit_test(an_exam_of_the_same_sends_nothing),
        cmocka_unit_test(the_same_is_not_asked_twice_at_once),
        cmocka_unit_test(what_is_under_way_is_inherited),
        cmocka_unit_test(a_failure_is_not_shared),
        cmocka_unit_test(a_file_keeps_what_was_paid),
        cmocka_unit_test(a_replay_asks_for_the_same),
        cmocka_unit_test(callbacks_may_do_much),
        cmocka_unit_test(an_exam_that_goes_ends_its_calls),
        cmocka_unit_test(the_rest_goes_on),
        cmocka_unit_test(owners_may_go_first),
        cmocka_unit_test(an_examiner_needs_what_fits),
        cmocka_unit_test(an_exam_needs_what_fits),
        cmocka_unit_test(an_exam_needs_an_endpoint),
        cmocka_unit_test(what_is_not_there_is_nothing),
        cmocka_unit_test(what_is_sent_can_be_looked_at),
        cmocka_unit_test(a_hundred_thousand_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
