/* SPDX-License-Identifier: MIT */
/*
 * The table of calls (lib/core/calls.def), row by row: each function is called inside each kind of
 * callback of its object, and says OPRO_ERR_REENTRANT exactly where the table does not allow it.
 * The object goes on as if nothing had been.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/guard.h"
#include "opro/opro.h"

/* Kinds of callbacks. */
enum {
    NOWHERE,
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
    KINDS
};

static const char *const kinds[KINDS] = {"nowhere", "parse",    "canonical", "check",  "repair",
                                         "polish",  "render",   "exemplar",  "block",  "sort",
                                         "tokens",  "observer", "optimizer", "scorer", "clock"};

typedef struct world {
    opro_problem *problem;
    opro_meta_prompt *builder;
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_run *run; /* the driver's, if there is one */
    opro_driver *driver;
    opro_trajectory *empty;
    opro_request *propose, *score; /* clones, of another run */
    int later;                     /* optimizer and scorer answer after they have returned */
    uint64_t kept[16];
    size_t n_kept;
    /* what is to happen */
    int armed;
    int where;
    int row;
    /* what has happened */
    int done;
    int inside; /* the call is under way */
    opro_status said;
    opro_status error_said; /* by the object's own error */
    int refused;            /* outer calls that said OPRO_ERR_REENTRANT */
} world;

/* ---- the rows -------------------------------------------------------------------------------- */

#define OF_META_PROMPT 1
#define OF_RUN         2
#define OF_DRIVER      3

static int32_t observe(opro_run *run, const opro_event *event, void *user_data);

/*
 * Each function of the table with arguments that are fine but for the moment. A row without one
 * does not compile.
 */
#define CALL(name, expression)                                                                     \
    static opro_status call_##name(world *w) {                                                     \
        (void)w;                                                                                   \
        return expression;                                                                         \
    }
#define FREE(name, expression)                                                                     \
    static opro_status call_##name(world *w) {                                                     \
        expression;                                                                                \
        return OPRO_ERR_REENTRANT; /* shows in the call that is under way */                       \
    }

static const double half = 0.5;

static opro_status resume(world *w, int driver) {
    opro_journal *journal = NULL;
    opro_status st = opro_journal_new(&journal, "never made", OPRO_ZT, NULL, NULL);

    if (st != OPRO_OK) return st;
    st = driver ? opro_driver_set_journal(w->driver, journal) : opro_run_resume(w->run, journal);
    opro_journal_free(journal);
    return st;
}

FREE(opro_meta_prompt_free, opro_meta_prompt_free(w->builder))
CALL(opro_meta_prompt_set_template,
     opro_meta_prompt_set_template(w->builder, OPRO_BLOCK_REQUEST, "x", 1))
CALL(opro_meta_prompt_set_block_fn,
     opro_meta_prompt_set_block_fn(w->builder, OPRO_BLOCK_REQUEST, NULL, NULL, NULL))
CALL(opro_meta_prompt_set_sort_fn, opro_meta_prompt_set_sort_fn(w->builder, NULL, NULL, NULL))
CALL(opro_meta_prompt_set_token_fn, opro_meta_prompt_set_token_fn(w->builder, NULL, NULL, NULL))
CALL(opro_meta_prompt_build, opro_meta_prompt_build(w->builder, w->empty, 7))
FREE(opro_run_free, opro_run_free(w->run))
CALL(opro_run_set_meta_prompt, opro_run_set_meta_prompt(w->run, w->builder))
CALL(opro_run_warm_start, opro_run_warm_start(w->run, w->empty))
CALL(opro_run_set_observer, opro_run_set_observer(w->run, NULL, NULL, NULL))
CALL(opro_run_resume, resume(w, 0))
CALL(opro_run_next, opro_run_next(w->run, 0, &(opro_request *){NULL}))
CALL(opro_run_answer_text, opro_run_answer_text(w->run, 999, "x", 1))
CALL(opro_run_answer_reply, opro_run_answer_reply(w->run, 999, 0, 0, "x", 1))
CALL(opro_run_answer_truncated, opro_run_answer_truncated(w->run, 999, 0, 0, "x", 1))
CALL(opro_run_answer_refused, opro_run_answer_refused(w->run, 999, 0, 0, "x", 1))
CALL(opro_run_answer_solution, opro_run_answer_solution(w->run, 999, 0, 0, "x", 1))
CALL(opro_run_answer_scores, opro_run_answer_scores(w->run, 999, &half, 1))
CALL(opro_run_answer_error, opro_run_answer_error(w->run, 999, OPRO_ERR_FAILED, "x", 1))
CALL(opro_run_answer_feedback, opro_run_answer_feedback(w->run, 999, "x", 1))
CALL(opro_run_answer_usage, opro_run_answer_usage(w->run, 999, 1, 1, 1))
CALL(opro_run_stop, opro_run_stop(w->run))
CALL(opro_optimizer_propose, opro_optimizer_propose(w->optimizer, w->run, w->propose))
CALL(opro_scorer_score, opro_scorer_score(w->scorer, w->run, w->score))
FREE(opro_driver_free, opro_driver_free(w->driver))
CALL(opro_driver_set_optimizer, opro_driver_set_optimizer(w->driver, w->optimizer))
CALL(opro_driver_set_scorer, opro_driver_set_scorer(w->driver, w->scorer))
CALL(opro_driver_set_observer, opro_driver_set_observer(w->driver, NULL, NULL, NULL))
CALL(opro_driver_set_clock_fn, opro_driver_set_clock_fn(w->driver, NULL, NULL, NULL))
CALL(opro_driver_set_wakeup_fn, opro_driver_set_wakeup_fn(w->driver, NULL, NULL, NULL))
CALL(opro_driver_set_journal, resume(w, 1))
CALL(opro_driver_step, opro_driver_step(w->driver))
CALL(opro_driver_run, opro_driver_run(w->driver))
CALL(opro_driver_poll, opro_driver_poll(w->driver, 0))
CALL(opro_driver_timeout,
     ((void)opro_driver_timeout(w->driver), opro_error_status(opro_driver_error(w->driver))))
CALL(opro_driver_post_reply, opro_driver_post_reply(w->driver, 999, 0, 0, "x", 1))
CALL(opro_driver_post_scores, opro_driver_post_scores(w->driver, 999, &half, 1))
CALL(opro_driver_post_error, opro_driver_post_error(w->driver, 999, OPRO_ERR_FAILED, "x", 1))
CALL(opro_driver_post_usage, opro_driver_post_usage(w->driver, 999, 1, 1, 1))
CALL(opro_driver_stop, opro_driver_stop(w->driver))
CALL(opro_driver_wakeup, opro_driver_wakeup(w->driver))

static opro_status call(world *w, int row) {
    switch (row) {
#define OPRO_CALL(name, allowed)                                                                   \
    case OPRO__CALL_##name:                                                                        \
        return (*call_##name)(w);
#define OPRO_MODEL_CALL(name, allowed)   /* test_model_reentrancy.c */
#define OPRO_METRIC_CALL(name, allowed)  /* test_metric.c */
#define OPRO_EXAM_CALL(name, allowed)    /* test_exam_reentrancy.c */
#define OPRO_DATASET_CALL(name, allowed) /* test_dataset.c */
#include "core/calls.def"
#undef OPRO_CALL
    default: fail_msg("row %d", row); return OPRO_OK;
    }
}

static const struct {
    const char *name;
    int allowed;
} rows[] = {
#define OPRO_CALL(name, allowed)         {#name, allowed},
#define OPRO_MODEL_CALL(name, allowed)   /* test_model_reentrancy.c */
#define OPRO_METRIC_CALL(name, allowed)  /* test_metric.c */
#define OPRO_EXAM_CALL(name, allowed)    /* test_exam_reentrancy.c */
#define OPRO_DATASET_CALL(name, allowed) /* test_dataset.c */
#include "core/calls.def"
#undef OPRO_CALL
};

#define ROWS ((int)(sizeof rows / sizeof *rows)) /* those of the model client come after them */

static int row_of(int row) {
    const char *name = rows[row].name;
    int journal = row == OPRO__CALL_opro_run_resume || row == OPRO__CALL_opro_driver_set_journal;

    if (journal && !opro_has_feature(OPRO_FEATURE_JOURNAL)) return 0; /* nothing to refuse */
    if (strncmp(name, "opro_meta_prompt_", 17) == 0) return OF_META_PROMPT;
    if (strncmp(name, "opro_driver_", 12) == 0) return OF_DRIVER;
    return OF_RUN; /* optimizers and scorers answer to a run, too */
}

static int is_free(int row) {
    const char *name = rows[row].name;

    return strcmp(name + strlen(name) - 5, "_free") == 0;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static const opro_error *error_of(const world *w) {
    switch (row_of(w->row)) {
    case OF_META_PROMPT: return opro_meta_prompt_error(w->builder);
    case OF_RUN: return opro_run_error(w->run);
    default: return opro_driver_error(w->driver);
    }
}

/* Inside a callback: the moment has come, once. */
static void here(world *w, int kind) {
    if (!w->armed || w->done || w->where != kind) return;
    w->done = w->inside = 1;
    w->said = call(w, w->row);
    w->inside = 0;
    w->error_said = opro_error_status(error_of(w));
}

static int32_t parse(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    (void)problem;
    here(user_data, PARSE);
    return opro_sink_text(sink, text, len);
}

static int32_t canonical(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                         void *user_data) {
    (void)problem;
    here(user_data, CANONICAL);
    return opro_sink_text(sink, text, len);
}

static int32_t check(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    (void)problem;
    (void)len;
    here(user_data, CHECK);
    return text[0] == 'z' ? opro_sink_reject(sink, "z", 1) : opro_sink_count(sink, 0);
}

static int32_t repair(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    (void)problem;
    here(user_data, REPAIR);
    return opro_sink_text(sink, text + 1, len - 1);
}

static int32_t polish(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    (void)problem;
    here(user_data, POLISH);
    return opro_sink_text(sink, text, len);
}

static int32_t render(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    (void)problem;
    here(user_data, RENDER);
    return opro_sink_text(sink, text, len);
}

static int32_t exemplar(const opro_problem *problem, size_t index, opro_sink *sink,
                        void *user_data) {
    (void)problem;
    (void)index;
    here(user_data, EXEMPLAR);
    opro_sink_text(sink, "1 + 1", OPRO_ZT);
    return opro_sink_text(sink, "2", 1);
}

static int32_t block(const opro_meta_prompt *meta_prompt, const opro_trajectory *trajectory,
                     int32_t which, int64_t number, opro_sink *sink, void *user_data) {
    (void)meta_prompt;
    (void)trajectory;
    (void)which;
    (void)number;
    here(user_data, BLOCK);
    return opro_sink_text(sink, "Go!", 3);
}

static int32_t sort(const opro_meta_prompt *meta_prompt, const opro_trajectory *trajectory,
                    int64_t *numbers, size_t n, opro_sink *sink, void *user_data) {
    (void)meta_prompt;
    (void)trajectory;
    (void)numbers;
    here(user_data, SORT);
    return opro_sink_count(sink, (int64_t)n);
}

static int32_t tokens(const opro_meta_prompt *meta_prompt, const char *text, size_t len,
                      opro_sink *sink, void *user_data) {
    (void)meta_prompt;
    (void)text;
    here(user_data, TOKENS);
    return opro_sink_count(sink, (int64_t)len);
}

static int32_t observe(opro_run *run, const opro_event *event, void *user_data) {
    (void)run;
    (void)event;
    here(user_data, OBSERVER);
    return OPRO_OK;
}

/* Replies "zN" need repair. */
static opro_status answer(opro_run *run, int32_t kind, uint64_t id) {
    char text[32];
    opro_status st = OPRO_OK, last = OPRO_OK;

    if (kind == OPRO_REQUEST_SCORE) return opro_run_answer_scores(run, id, &half, 1);
    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s%d.%d", i ? "z" : "", (int)id, (int)i);
        st = opro_run_answer_reply(run, id, i, 0, text, OPRO_ZT);
        if (st == OPRO_ERR_REENTRANT) last = st; /* taken all the same */
        if (st != OPRO_OK && st != OPRO_ERR_REENTRANT) return st;
    }
    return last;
}

static int32_t serve(opro_run *run, opro_request *request, world *w, int kind) {
    int32_t asks = opro_request_kind(request);
    uint64_t id = opro_request_id(request);
    opro_status st;

    if (w->inside) return OPRO_PENDING; /* nothing more happens in there */
    here(w, kind);
    if (w->later) {
        w->kept[w->n_kept++] = id;
        return OPRO_PENDING;
    }
    st = answer(run, asks, id);
    if (st == OPRO_ERR_REENTRANT) w->refused++;
    return st == OPRO_ERR_REENTRANT ? OPRO_OK : st;
}

static int32_t propose(opro_run *run, opro_request *request, void *user_data) {
    return serve(run, request, user_data, OPTIMIZER);
}

static int32_t score(opro_run *run, opro_request *request, void *user_data) {
    return serve(run, request, user_data, SCORER);
}

static int32_t clock_fn(opro_driver *driver, opro_sink *sink, void *user_data) {
    (void)driver;
    here(user_data, CLOCK);
    return opro_sink_count(sink, 0);
}

/* ---- the world ------------------------------------------------------------------------------- */

static opro_config *make_config(void) {
    opro_config *config;

    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    opro_config_set_int(config, OPRO_OPT_STEPS, 2);
    opro_config_set_int(config, OPRO_OPT_SAMPLES_PER_STEP, 2);
    opro_config_set_int(config, OPRO_OPT_REPAIR, 1);
    opro_config_set_int(config, OPRO_OPT_MAX_PROMPT_TOKENS, 1000000);
    opro_config_set_int(config, OPRO_OPT_MAX_TOKENS, 1000000);
    return config;
}

static void make_problem(world *w) {
    assert_int_equal(opro_problem_new(&w->problem, NULL), OPRO_OK);
    opro_problem_set_parse_fn(w->problem, parse, w, NULL);
    opro_problem_set_canonical_fn(w->problem, canonical, w, NULL);
    opro_problem_set_check_fn(w->problem, check, w, NULL);
    opro_problem_set_repair_fn(w->problem, repair, w, NULL);
    opro_problem_set_polish_fn(w->problem, polish, w, NULL);
    opro_problem_set_render_fn(w->problem, render, w, NULL);
    opro_problem_set_exemplar_fn(w->problem, 1, exemplar, w, NULL);
    opro_problem_add_initial(w->problem, "first", OPRO_ZT);
}

static void make_builder(world *w, const opro_config *config) {
    assert_int_equal(opro_meta_prompt_new(&w->builder, w->problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_meta_prompt_set_block_fn(w->builder, OPRO_BLOCK_REQUEST, block, w, NULL),
                     OPRO_OK);
    assert_int_equal(opro_meta_prompt_set_sort_fn(w->builder, sort, w, NULL), OPRO_OK);
    assert_int_equal(opro_meta_prompt_set_token_fn(w->builder, tokens, w, NULL), OPRO_OK);
}

/* A PROPOSE and a SCORE of a run like this one, whose ids this one knows too. */
static void make_clones(world *w, const opro_config *config) {
    opro_run *run;
    opro_request *request;

    assert_int_equal(opro_run_new(&run, w->problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    assert_int_equal(opro_request_clone(&w->score, request, NULL), OPRO_OK);
    assert_int_equal(answer(run, OPRO_REQUEST_SCORE, opro_request_id(request)), OPRO_OK);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    assert_int_equal(opro_request_clone(&w->propose, request, NULL), OPRO_OK);
    opro_run_free(run);
}

static void make_world(world *w, int with_driver, int where, int row) {
    opro_config *config = make_config();

    memset(w, 0, sizeof *w);
    make_problem(w);
    make_builder(w, config);
    make_clones(w, config);
    assert_int_equal(opro_trajectory_new(&w->empty, OPRO_MAXIMIZE, NULL), OPRO_OK);
    assert_int_equal(opro_optimizer_new(&w->optimizer, propose, w, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_scorer_new(&w->scorer, score, w, NULL, NULL), OPRO_OK);
    if (with_driver) {
        assert_int_equal(opro_driver_new(&w->driver, w->problem, config, NULL), OPRO_OK);
        opro_driver_set_optimizer(w->driver, w->optimizer);
        opro_driver_set_scorer(w->driver, w->scorer);
        opro_driver_set_clock_fn(w->driver, clock_fn, w, NULL);
        w->run = opro_driver_run_handle(w->driver);
    } else {
        assert_int_equal(opro_run_new(&w->run, w->problem, config, NULL), OPRO_OK);
    }
    assert_int_equal(opro_run_set_meta_prompt(w->run, w->builder), OPRO_OK);
    assert_int_equal(opro_run_set_observer(w->run, observe, w, NULL), OPRO_OK);
    opro_config_free(config);
    w->armed = 1;
    w->where = where;
    w->row = row;
    w->said = 12345;
}

static void free_world(world *w) {
    if (w->driver)
        opro_driver_free(w->driver);
    else
        opro_run_free(w->run);
    opro_meta_prompt_free(w->builder);
    opro_problem_free(w->problem);
    opro_optimizer_free(w->optimizer);
    opro_scorer_free(w->scorer);
    opro_trajectory_free(w->empty);
    opro_request_free(w->propose);
    opro_request_free(w->score);
}

/* ---- going through it ------------------------------------------------------------------------ */

/*
 * An outer call has said this. Frees are told off there; everything else is none of its business.
 */
static opro_status outer(world *w, opro_status st) {
    if (st != OPRO_ERR_REENTRANT) return st;
    w->refused++;
    return OPRO_OK;
}

static void go_alone(world *w) {
    opro_status st = OPRO_OK;

    for (int turns = 0; st == OPRO_OK && turns < 100; turns++) {
        opro_request *request = NULL;

        st = outer(w, opro_run_next(w->run, 0, &request));
        if (st != OPRO_OK || !request) continue;
        st = outer(w, opro_request_kind(request) == OPRO_REQUEST_PROPOSE
                          ? opro_optimizer_propose(w->optimizer, w->run, request)
                          : opro_scorer_score(w->scorer, w->run, request));
    }
    assert_int_equal(st, OPRO_DONE);
}

static void go_driven(world *w) {
    opro_status st = OPRO_OK;

    for (int turns = 0; (st == OPRO_OK || st == OPRO_WAIT) && turns < 100; turns++) {
        st = outer(w, opro_driver_poll(w->driver, 0));
        while (w->n_kept > 0) {
            uint64_t id = w->kept[--w->n_kept];
            opro_status told =
                answer(w->run, id >> 63 ? OPRO_REQUEST_SCORE : OPRO_REQUEST_PROPOSE, id);

            if (told != OPRO_ERR_STALE) assert_int_equal(outer(w, told), OPRO_OK);
        }
    }
    assert_int_equal(st, OPRO_DONE);
}

/* What the trajectory comes to when nobody meddles. */
static uint64_t undisturbed(int with_driver, int later) {
    world w;
    uint64_t hash;

    make_world(&w, with_driver, NOWHERE, 0);
    w.later = later;
    if (with_driver)
        go_driven(&w);
    else
        go_alone(&w);
    hash = opro_run_state_hash(w.run);
    assert_int_equal(opro_trajectory_scored(opro_run_trajectory(w.run)), 5);
    free_world(&w);
    return hash;
}

/* What the table says of this row in this callback. */
static int is_allowed(int row, int kind) {
    int serving = kind == OPTIMIZER || kind == SCORER;

    if (rows[row].allowed == 2) return 1;
    return rows[row].allowed == 1 && serving;
}

static void expect(world *w, int kind, int row, uint64_t hash) {
    const char *name = rows[row].name;
    int32_t reason = opro_run_stop_reason(w->run);
    int stops = row == OPRO__CALL_opro_run_stop || row == OPRO__CALL_opro_driver_stop;
    int stale_builder = row == OPRO__CALL_opro_meta_prompt_free;

    if (!w->done) fail_msg("%s() in %s: it was never called", name, kinds[kind]);
    if ((w->said == OPRO_ERR_REENTRANT) == is_allowed(row, kind))
        fail_msg("%s() in %s said %s", name, kinds[kind], opro_status_name(w->said));
    if (rows[row].allowed == 2) assert_int_equal(w->said, OPRO_OK);
    if (w->said == OPRO_ERR_REENTRANT && !is_free(row))
        assert_int_equal(w->error_said, OPRO_ERR_REENTRANT);
    if (w->refused != (is_free(row) && !stale_builder) && !(stale_builder && w->refused == 1))
        fail_msg("%s() in %s: %d outer calls were told off", name, kinds[kind], w->refused);
    if (stops) {
        assert_int_equal(reason, OPRO_STOP_HOST);
    } else if (!stale_builder && rows[row].allowed != 2) {
        assert_int_equal(reason, OPRO_STOP_STEPS);
        if (opro_run_state_hash(w->run) != hash && rows[row].allowed == 0)
            fail_msg("%s() in %s left its mark", name, kinds[kind]);
    }
}

static void in_callbacks_of_a_run(void **state) {
    uint64_t hash = undisturbed(0, 0);
    int cases = 0;

    (void)state;
    for (int row = 0; row < ROWS; row++)
        for (int kind = PARSE; kind < CLOCK; kind++) {
            world w;

            if (row_of(row) != OF_RUN) continue;
            make_world(&w, 0, kind, row);
            go_alone(&w);
            expect(&w, kind, row, hash);
            free_world(&w);
            cases++;
        }
    print_message("%d calls inside callbacks of a run\n", cases);
}

static void in_callbacks_of_a_driver(void **state) {
    int cases = 0;

    (void)state;
    for (int later = 0; later < 2; later++) {
        uint64_t hash = undisturbed(1, later);

        for (int row = 0; row < ROWS; row++)
            for (int kind = PARSE; kind < KINDS; kind++) {
                world w;

                if (row_of(row) < OF_RUN || (row_of(row) == OF_RUN && kind == CLOCK)) continue;
                make_world(&w, 1, kind, row);
                w.later = later;
                go_driven(&w);
                expect(&w, kind, row, hash);
                free_world(&w);
                cases++;
            }
    }
    print_message("%d calls inside callbacks of a driver\n", cases);
}

/* A builder that works for a run: the run hears of it when the builder was meddled with. */
static void in_callbacks_of_a_builder_at_work_for_a_run(void **state) {
    uint64_t hash = undisturbed(0, 0);

    (void)state;
    for (int row = 0; row < ROWS; row++)
        for (int kind = RENDER; kind <= TOKENS; kind++) {
            world w;

            if (row_of(row) != OF_META_PROMPT) continue;
            make_world(&w, 0, kind, row);
            go_alone(&w);
            expect(&w, kind, row, hash);
            free_world(&w);
        }
}

static void in_callbacks_of_a_builder(void **state) {
    opro_config *config = make_config();
    int cases = 0;

    (void)state;
    for (int row = 0; row < ROWS; row++)
        for (int kind = RENDER; kind <= TOKENS; kind++) {
            world w = {.where = kind, .row = row, .armed = 1, .said = 12345};
            char *before;
            opro_status st;

            if (row_of(row) != OF_META_PROMPT) continue;
            w.armed = 0;
            make_problem(&w);
            make_builder(&w, config);
            assert_int_equal(opro_trajectory_new(&w.empty, OPRO_MAXIMIZE, NULL), OPRO_OK);
            opro_trajectory_add(w.empty, "one", OPRO_ZT, &half, 1, NULL);
            assert_int_equal(opro_meta_prompt_build(w.builder, w.empty, 0), OPRO_OK);
            before = strdup(opro_meta_prompt_text(w.builder, 0, NULL));
            w.armed = 1;
            st = opro_meta_prompt_build(w.builder, w.empty, 0);
            assert_true(w.done);
            assert_int_equal(w.said, OPRO_ERR_REENTRANT);
            assert_int_equal(st, is_free(row) ? OPRO_ERR_REENTRANT : OPRO_OK);
            assert_int_equal(opro_error_status(opro_meta_prompt_error(w.builder)), st);
            assert_int_equal(opro_meta_prompt_build(w.builder, w.empty, 0), OPRO_OK);
            assert_string_equal(opro_meta_prompt_text(w.builder, 0, NULL), before);
            free(before);
            opro_meta_prompt_free(w.builder);
            opro_trajectory_free(w.empty);
            opro_problem_free(w.problem);
            cases++;
        }
    opro_config_free(config);
    print_message("%d calls inside callbacks of a builder\n", cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_callbacks_of_a_builder),
        cmocka_unit_test(in_callbacks_of_a_run),
        cmocka_unit_test(in_callbacks_of_a_builder_at_work_for_a_run),
        cmocka_unit_test(in_callbacks_of_a_driver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
