/* SPDX-License-Identifier: MIT */
/* What the tests of the scorer of datasets share: a model that proposes as well as it answers. */
#ifndef TESTS_EXAM_RUN_H
#define TESTS_EXAM_RUN_H

#include "exam_world.h"

/* ---- a model that proposes, and answers ------------------------------------------------------ */

/* Requests of exams are known by their limit of tokens. */
#define SETTINGS "exam_max_tokens=77 model_samples=singly model_in_flight=4 "

static inline int of_exam(const char *body) {
    return strstr(body, "_tokens\":77") != NULL;
}

/* What is proposed depends on the seed; how good it is, on what is proposed. */
static inline void say_all(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    const char *idea = strstr(body, "idea "), *seed = strstr(body, "\"seed\":");
    char text[64];
    long item = exam_item(body);

    (void)w, (void)n;
    if (of_exam(body))
        snprintf(text, sizeof text, "It is %ld",
                 item % 10 < (idea ? atol(idea + 5) % 11 : 1) ? item : 999);
    else
        snprintf(text, sizeof text, "<INS>idea %llu</INS>",
                 strtoull(seed ? seed + 7 : "0", NULL, 10) % 1000);
    exam_say(reply, text);
}

typedef struct world {
    exam_world w;
    opro_problem *problem;
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_driver *driver;
} world;

static inline void open_world(world *t, exam_sayer say, size_t n, const char *settings) {
    char all[512];

    memset(t, 0, sizeof *t);
    snprintf(all, sizeof all, SETTINGS "%s", settings);
    exam_prepare(&t->w, say, n, all);
    assert_int_equal(opro_dataset_split(t->w.dataset, 0.6, 0.2, 0.2, 1), OPRO_OK);
    exam_make(&t->w);
    assert_int_equal(opro_problem_new_dataset(&t->problem, t->w.dataset, NULL), OPRO_OK);
    assert_int_equal(opro_optimizer_new_model(&t->optimizer, t->w.model, NULL), OPRO_OK);
}

static inline void make_scorer(world *t) {
    assert_int_equal(opro_scorer_new_exam(&t->scorer, t->w.examiner, NULL), OPRO_OK);
}

static inline void make_driver(world *t) {
    if (!t->scorer) make_scorer(t);
    assert_int_equal(opro_driver_new(&t->driver, t->problem, t->w.config, NULL), OPRO_OK);
    assert_int_equal(opro_driver_set_optimizer(t->driver, t->optimizer), OPRO_OK);
    assert_int_equal(opro_driver_set_scorer(t->driver, t->scorer), OPRO_OK);
}

static inline opro_run *make_run(world *t) {
    opro_run *run;

    if (!t->scorer) make_scorer(t);
    assert_int_equal(opro_run_new(&run, t->problem, t->w.config, NULL), OPRO_OK);
    return run;
}

static inline void close_world(world *t) {
    opro_driver_free(t->driver);
    opro_scorer_free(t->scorer);
    opro_optimizer_free(t->optimizer);
    opro_problem_free(t->problem);
    exam_close(&t->w);
}

static inline int64_t count(const world *t, int32_t which) {
    return opro_run_count(opro_driver_run_handle(t->driver), which);
}

static inline void expect_stop(const opro_run *run, int32_t reason) {
    assert_string_equal(opro_stop_reason_name(opro_run_stop_reason(run)),
                        opro_stop_reason_name(reason));
}

#define PRICES "model_prompt_price=2000000 model_reply_price=10000000 "

/* What the server counted is what the run was told. */
static inline void expect_usage(const world *t) {
    int64_t n = (int64_t)t->w.server->n;

    assert_int_equal(count(t, OPRO_COUNT_PROMPT_TOKENS), n * PROMPT_TOKENS);
    assert_int_equal(count(t, OPRO_COUNT_REPLY_TOKENS), n * REPLY_TOKENS);
    assert_int_equal(count(t, OPRO_COUNT_COST), n * (PROMPT_TOKENS * 2 + REPLY_TOKENS * 10));
}

#endif
