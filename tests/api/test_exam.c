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

static void say_goodbye(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    (void)w, (void)n, (void)body;
    reply->status = 0;
}

/* Nothing can be reached: the questions fail together, not a few at a time. */
static void an_endpoint_that_is_gone_is_waited_for_once(void **state) {
    exam_world w;
    opro_exam *exam;
    int64_t most = 0;

    (void)state;
    exam_open(&w, say_goodbye, 60, "model_attempts=1 model_breaker_failures=0 exam_rounds=0");
    exam = exam_begin(&w, "Think.", 60);
    while (!opro_exam_done(exam)) {
        int64_t now = opro_model_figure(w.model, OPRO_MODEL_WAITING);

        if (now > most) most = now;
        assert_true(opro_model_poll(w.model, 1000) >= 0);
    }
    assert_true(most > 30);
    assert_int_equal(opro_exam_known(exam), 0);
    opro_exam_free(exam);
    exam_close(&w);
}

/* ---- failures -------------------------------------------------------------------------------- */

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
        exam_open(&w, exam_say_later, 7, settings);
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

/* A metric of the host's that has no verdict on item 3, and once no memory. */
static int32_t measure(const opro_metric *metric, const char *reply, size_t reply_len,
                       const char *answer, size_t answer_len, opro_verdict *verdict,
                       void *user_data) {
    (void)metric, (void)reply_len, (void)answer_len;
    if (++*(int *)user_data == 6) return OPRO_ERR_NOMEM;
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
    assert_int_equal(calls, 7);
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

            exam_open(&w, exam_say_later, 10, "exam_rounds=1 position=q_end");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_scored),
        cmocka_unit_test(whatever_was_said_is_judged),
        cmocka_unit_test(prompts_that_begin_alike_follow_one_another),
        cmocka_unit_test(the_line_is_in_the_examiner),
        cmocka_unit_test(an_endpoint_that_is_gone_is_waited_for_once),
        cmocka_unit_test(what_failed_is_asked_again_after_the_others),
        cmocka_unit_test(what_makes_no_sense_is_not_asked),
        cmocka_unit_test(without_a_verdict_it_is_unknown),
        cmocka_unit_test(what_cannot_be_asked_is_unknown),
        cmocka_unit_test(callbacks_may_do_much),
        cmocka_unit_test(an_exam_that_goes_ends_its_calls),
        cmocka_unit_test(the_rest_goes_on),
        cmocka_unit_test(owners_may_go_first),
        cmocka_unit_test(an_examiner_needs_what_fits),
        cmocka_unit_test(an_exam_needs_what_fits),
        cmocka_unit_test(an_exam_needs_an_endpoint),
        cmocka_unit_test(what_is_not_there_is_nothing),
        cmocka_unit_test(what_is_sent_can_be_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
