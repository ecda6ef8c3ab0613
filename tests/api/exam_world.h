/* SPDX-License-Identifier: MIT */
/*
 * What the tests of exams share: a dataset of items ("item 17", whose answer is 17), a model behind
 * a server that is told what to say, and an examiner of the two.
 */
#ifndef TESTS_EXAM_WORLD_H
#define TESTS_EXAM_WORLD_H

#include "mock.h"
#include "script.h"

#define PROMPT_TOKENS 100
#define REPLY_TOKENS  7

struct exam_world;

/* Say something to a request, with exam_say() and its kin. */
typedef void (*exam_sayer)(struct exam_world *w, size_t n, const char *body, mock_reply *reply);

typedef struct exam_world {
    mock *server;
    char url[64];
    exam_sayer say;
    void *more; /* of say's */
    opro_config *config;
    opro_dataset *dataset;
    opro_metric *metric; /* NULL: the examiner's own choice */
    opro_model *model;
    opro_examiner *examiner;
} exam_world;

/* ---- what the server says -------------------------------------------------------------------- */

/* The first "item N" in a body; -1: none. */
static inline long exam_item(const char *body) {
    const char *item = strstr(body, "item ");

    return item ? atol(item + 5) : -1;
}

static inline void exam_say_as(mock_reply *reply, const char *text, const char *finish) {
    snprintf(reply->body, sizeof reply->body,
             "{\"id\":\"x\",\"choices\":[{\"index\":0,\"finish_reason\":\"%s\",\"message\":"
             "{\"role\":\"assistant\",\"content\":\"%s\"}}],\"usage\":{\"prompt_tokens\":%d,"
             "\"completion_tokens\":%d,\"total_tokens\":%d}}",
             finish, text, PROMPT_TOKENS, REPLY_TOKENS, PROMPT_TOKENS + REPLY_TOKENS);
}

static inline void exam_say(mock_reply *reply, const char *text) {
    exam_say_as(reply, text, "stop");
}

static inline void exam_refuse(mock_reply *reply, int status, const char *why) {
    reply->status = status;
    snprintf(reply->body, sizeof reply->body, "{\"error\":{\"message\":\"%s\",\"code\":\"x\"}}",
             why);
}

/* The right answer, but for every fourth item. */
static inline void exam_say_most(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    long item = exam_item(body);
    char text[64];

    (void)w, (void)n;
    snprintf(text, sizeof text, "The answer is %ld.", item % 4 ? item : 999);
    exam_say(reply, text);
}

/* Items 2 and 5 fail so often as *more says for each. */
static inline void exam_say_later(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    int *left = w->more;
    long item = exam_item(body);

    exam_say_most(w, n, body, reply);
    if ((item == 2 || item == 5) && left[item]-- > 0) exam_refuse(reply, 400, "not \\u00fcber now");
}

/* Reasons first, the answer to the second question. */
static inline void exam_say_twice(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    char text[64];

    (void)w, (void)n;
    if (!strstr(body, "So the final answer is")) {
        exam_say(reply, "Let us see. Q: What?");
        return;
    }
    snprintf(text, sizeof text, ": %ld.\\nQ: Next", exam_item(body));
    exam_say(reply, text);
}

/* As exam_say_most(), after a while. */
static inline void exam_say_slowly(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    exam_say_most(w, n, body, reply);
    reply->delay_ms = 2;
}

static inline void exam_say_nothing(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    (void)w, (void)n, (void)body;
    reply->delay_ms = 1000000;
}

static inline void exam_answer(mock *server, size_t n, const char *head, const char *body,
                               mock_reply *reply, void *ctx) {
    exam_world *w = ctx;

    (void)server, (void)head;
    w->say(w, n, body, reply);
}

/* ---- a world --------------------------------------------------------------------------------- */

static inline opro_model *exam_model(const exam_world *w, const opro_config *config) {
    opro_model *model;

    assert_int_equal(opro_model_new(&model, config, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_base_url(model, w->url, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_name(model, "m", OPRO_ZT), OPRO_OK);
    return model;
}

static inline opro_dataset *exam_dataset(size_t n) {
    opro_dataset *dataset;

    assert_int_equal(opro_dataset_new(&dataset, NULL), OPRO_OK);
    for (size_t i = 0; i < n; i++) {
        char question[64], answer[32];

        snprintf(question, sizeof question, "What is item %zu?", i);
        snprintf(answer, sizeof answer, "%zu", i);
        assert_int_equal(opro_dataset_add(dataset, question, OPRO_ZT, answer, OPRO_ZT, "", 0),
                         OPRO_OK);
    }
    return dataset;
}

/* All but the examiner. */
static inline void exam_prepare(exam_world *w, exam_sayer say, size_t n, const char *settings) {
    *w = (exam_world){.say = say, .server = malloc(sizeof *w->server)};
    assert_int_equal(mock_start(w->server, exam_answer, w, w->url), 0);
    w->config = config_of(settings);
    w->model = exam_model(w, w->config);
    w->dataset = exam_dataset(n);
}

static inline void exam_make(exam_world *w) {
    assert_int_equal(
        opro_examiner_new(&w->examiner, w->dataset, w->metric, w->model, w->config, NULL), OPRO_OK);
}

static inline void exam_open(exam_world *w, exam_sayer say, size_t n, const char *settings) {
    exam_prepare(w, say, n, settings);
    exam_make(w);
}

static inline void exam_close(exam_world *w) {
    opro_examiner_free(w->examiner);
    opro_metric_free(w->metric);
    opro_dataset_free(w->dataset);
    opro_model_free(w->model);
    opro_config_free(w->config);
    mock_stop(w->server);
    free(w->server);
}

/* ---- exams ----------------------------------------------------------------------------------- */

/* On the first n examples. */
static inline opro_exam *exam_of(const exam_world *w, const char *instruction, size_t n) {
    int64_t *examples = calloc(n, sizeof *examples);
    opro_exam *exam;

    for (size_t i = 0; i < n; i++)
        examples[i] = (int64_t)i;
    assert_int_equal(opro_exam_new(&exam, w->examiner, instruction, OPRO_ZT, examples, n), OPRO_OK);
    free(examples);
    return exam;
}

static inline opro_exam *exam_begin(const exam_world *w, const char *instruction, size_t n) {
    opro_exam *exam = exam_of(w, instruction, n);

    if (opro_exam_begin(exam, NULL, NULL, NULL) != OPRO_OK)
        fail_msg("%s", opro_error_message(opro_examiner_error(w->examiner), NULL));
    return exam;
}

static inline void exam_wait(const exam_world *w, const opro_exam *exam) {
    while (!opro_exam_done(exam)) {
        opro_status st = opro_model_poll(w->model, 10000);

        if (st != OPRO_OK && !opro_exam_done(exam)) fail_msg("the exam hangs: %d", (int)st);
    }
}

static inline opro_exam *exam_whole(const exam_world *w, const char *instruction, size_t n) {
    opro_exam *exam = exam_begin(w, instruction, n);

    exam_wait(w, exam);
    return exam;
}

static inline int64_t exam_requests(const exam_world *w) {
    return opro_model_figure(w->model, OPRO_MODEL_REQUESTS);
}

/* Nothing of the model's is under way. */
static inline void exam_expect_idle(const exam_world *w) {
    assert_int_equal(opro_model_figure(w->model, OPRO_MODEL_WAITING), 0);
    assert_int_equal(opro_model_figure(w->model, OPRO_MODEL_IN_FLIGHT), 0);
    assert_int_equal(opro_model_poll(w->model, 0), OPRO_DONE);
}

#endif
