/* SPDX-License-Identifier: MIT */
/*
 * A host whose callbacks can do what they should not: a driver with a callback of every kind that
 * the core has, all of whose objects have their memory from one place. Inside the callback that was
 * chosen, a deed is done, once.
 */
#ifndef TESTS_HOSTS_H
#define TESTS_HOSTS_H

#include "arena.h"
#include "script.h"

/* ---- the callbacks --------------------------------------------------------------------------- */

enum {
    PARSE,
    CANONICAL,
    CHECK,
    REPAIR,
    POLISH,
    RENDER,
    EXEMPLAR,
    BLOCK,
    SORT,
    TOKENS,
    OBSERVER,
    OPTIMIZER,
    SCORER,
    CLOCK,
    LOG,
    KINDS
};

/* As the messages name them. */
static const char *const kind_names[KINDS] = {"the problem's parse callback",
                                              "the problem's canonical callback",
                                              "the problem's check callback",
                                              "the problem's repair callback",
                                              "the problem's polish callback",
                                              "the problem's render callback",
                                              "the exemplar callback",
                                              "a block callback",
                                              "the sort callback",
                                              "the token callback",
                                              "the observer",
                                              "the optimizer",
                                              "the scorer",
                                              "the clock",
                                              "the log callback"};

typedef struct world {
    arena arena;
    opro_allocator mem;
    opro_problem *problem;
    opro_meta_prompt *builder;
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_driver *driver;
    opro_run *run; /* the driver's */
    /* what is to happen, and where */
    void (*deed)(struct world *w);
    int where;
    int skip; /* so many times it is not done */
    int done;
    opro_status said; /* for the deed's use */
} world;

static inline void here(world *w, int kind) {
    if (!w->deed || w->done || w->where != kind || w->skip-- > 0) return;
    w->done = 1;
    w->deed(w);
}

#define TEXT_STEP(name, kind)                                                                      \
    static inline int32_t name(const opro_problem *problem, const char *text, size_t len,          \
                               opro_sink *sink, void *user_data) {                                 \
        (void)problem;                                                                             \
        here(user_data, kind);                                                                     \
        return opro_sink_text(sink, text, len);                                                    \
    }

TEXT_STEP(parse, PARSE)
TEXT_STEP(canonical, CANONICAL)
TEXT_STEP(polish, POLISH)
TEXT_STEP(render, RENDER)

static inline int32_t check(const opro_problem *problem, const char *text, size_t len,
                            opro_sink *sink, void *user_data) {
    (void)problem, (void)len;
    here(user_data, CHECK);
    return text[0] == 'z' ? opro_sink_reject(sink, "z", 1) : opro_sink_count(sink, 0);
}

static inline int32_t repair(const opro_problem *problem, const char *text, size_t len,
                             opro_sink *sink, void *user_data) {
    (void)problem;
    here(user_data, REPAIR);
    return opro_sink_text(sink, text + 1, len - 1);
}

static inline int32_t exemplar(const opro_problem *problem, size_t index, opro_sink *sink,
                               void *user_data) {
    (void)problem, (void)index;
    here(user_data, EXEMPLAR);
    opro_sink_text(sink, "1 + 1", OPRO_ZT);
    return opro_sink_text(sink, "2", 1);
}

static inline int32_t write_block(const opro_meta_prompt *meta_prompt,
                                  const opro_trajectory *trajectory, int32_t which, int64_t number,
                                  opro_sink *sink, void *user_data) {
    (void)meta_prompt, (void)trajectory, (void)which, (void)number;
    here(user_data, BLOCK);
    return opro_sink_text(sink, "Go!", 3);
}

static inline int32_t sort(const opro_meta_prompt *meta_prompt, const opro_trajectory *trajectory,
                           int64_t *numbers, size_t n, opro_sink *sink, void *user_data) {
    (void)meta_prompt, (void)trajectory, (void)numbers;
    here(user_data, SORT);
    return opro_sink_count(sink, (int64_t)n);
}

static inline int32_t count_tokens(const opro_meta_prompt *meta_prompt, const char *text,
                                   size_t len, opro_sink *sink, void *user_data) {
    (void)meta_prompt, (void)text;
    here(user_data, TOKENS);
    return opro_sink_count(sink, (int64_t)len);
}

static inline int32_t observe(opro_run *run, const opro_event *event, void *user_data) {
    (void)run, (void)event;
    here(user_data, OBSERVER);
    return OPRO_OK;
}

/* Every second reply needs repair. An answer that ended the callback's own run is not looked at. */
static inline int32_t propose(opro_run *run, opro_request *request, void *user_data) {
    uint64_t id = opro_request_id(request);
    size_t n = opro_request_samples(request);
    char text[64];

    here(user_data, OPTIMIZER);
    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%s%llu.%zu", i % 2 ? "z" : "", (unsigned long long)id, i);
        opro_run_answer_reply(run, id, i, 0, text, OPRO_ZT);
    }
    return OPRO_OK;
}

static inline int32_t score(opro_run *run, opro_request *request, void *user_data) {
    size_t len;
    const char *text = opro_request_text(request, &len);
    double score = score_of_text(text, len);

    here(user_data, SCORER);
    opro_run_answer_scores(run, opro_request_id(request), &score, 1);
    return OPRO_OK;
}

static inline int32_t look_at_clock(opro_driver *driver, opro_sink *sink, void *user_data) {
    (void)driver;
    here(user_data, CLOCK);
    return opro_sink_count(sink, 0);
}

static inline void hear_log(int32_t level, const char *domain, const char *message, size_t len,
                            void *user_data) {
    (void)level, (void)domain, (void)message, (void)len;
    here(user_data, LOG);
}

/* ---- the world ------------------------------------------------------------------------------- */

static inline void make_problem(world *w) {
    assert_int_equal(opro_problem_new(&w->problem, &w->mem), OPRO_OK);
    opro_problem_set_parse_fn(w->problem, parse, w, NULL);
    opro_problem_set_canonical_fn(w->problem, canonical, w, NULL);
    opro_problem_set_check_fn(w->problem, check, w, NULL);
    opro_problem_set_repair_fn(w->problem, repair, w, NULL);
    opro_problem_set_polish_fn(w->problem, polish, w, NULL);
    opro_problem_set_render_fn(w->problem, render, w, NULL);
    opro_problem_set_exemplar_fn(w->problem, 1, exemplar, w, NULL);
    opro_problem_add_initial(w->problem, "first", OPRO_ZT);
}

static inline void make_builder(world *w, const opro_config *config) {
    assert_int_equal(opro_meta_prompt_new(&w->builder, w->problem, config, &w->mem), OPRO_OK);
    opro_meta_prompt_set_block_fn(w->builder, OPRO_BLOCK_REQUEST, write_block, w, NULL);
    opro_meta_prompt_set_sort_fn(w->builder, sort, w, NULL);
    opro_meta_prompt_set_token_fn(w->builder, count_tokens, w, NULL);
}

/* It has initial solutions, exemplars, repairs, and messages for its log. */
static inline void make_world(world *w, const char *settings) {
    opro_config *plain = config_of(settings), *config;

    memset(w, 0, sizeof *w);
    w->mem = arena_open(&w->arena);
    w->said = 12345;
    assert_int_equal(opro_config_clone(&config, plain, &w->mem), OPRO_OK);
    opro_config_free(plain);
    opro_config_set(config, "repair", OPRO_ZT, "1", OPRO_ZT);
    opro_config_set(config, "samples_per_step", OPRO_ZT, "2", OPRO_ZT);
    opro_config_set(config, "max_prompt_tokens", OPRO_ZT, "1000000", OPRO_ZT);
    opro_config_set(config, "max_tokens", OPRO_ZT, "1000000", OPRO_ZT);
    opro_config_set_log(config, OPRO_LOG_DEBUG, hear_log, w, NULL);
    make_problem(w);
    make_builder(w, config);
    assert_int_equal(opro_optimizer_new(&w->optimizer, propose, w, NULL, &w->mem), OPRO_OK);
    assert_int_equal(opro_scorer_new(&w->scorer, score, w, NULL, &w->mem), OPRO_OK);
    assert_int_equal(opro_driver_new(&w->driver, w->problem, config, &w->mem), OPRO_OK);
    w->run = opro_driver_run_handle(w->driver);
    opro_driver_set_optimizer(w->driver, w->optimizer);
    opro_driver_set_scorer(w->driver, w->scorer);
    opro_driver_set_clock_fn(w->driver, look_at_clock, w, NULL);
    assert_int_equal(opro_run_set_meta_prompt(w->run, w->builder), OPRO_OK);
    assert_int_equal(opro_driver_set_observer(w->driver, observe, w, NULL), OPRO_OK);
    opro_config_free(config);
}

/* All of it, to the last byte. */
static inline void free_world(world *w) {
    opro_driver_free(w->driver);
    opro_meta_prompt_free(w->builder);
    opro_optimizer_free(w->optimizer);
    opro_scorer_free(w->scorer);
    opro_problem_free(w->problem);
    assert_true(arena_is_empty(&w->arena));
}

/* The driver's next steps, until the run has stopped; how often they said OPRO_ERR_REENTRANT. */
static inline int go_on(world *w) {
    int refused = 0;
    opro_status st;

    do {
        st = opro_driver_step(w->driver);
        refused += st == OPRO_ERR_REENTRANT;
    } while (st == OPRO_OK || (st == OPRO_ERR_REENTRANT && refused < 10));
    if (opro_run_stop_reason(w->run) == OPRO_STOP_NONE)
        fail_msg("%s: %s", opro_status_name(st),
                 opro_error_message(opro_driver_error(w->driver), NULL));
    return refused;
}

#endif
