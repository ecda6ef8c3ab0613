/* SPDX-License-Identifier: MIT */
/*
 * Hosts that misbehave: each rule of that section of opro.h, held to with callbacks of every kind
 * that the core and the driver have. (Clients: test_hosts_model.c; C++: test_hosts_cpp.cpp.)
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hosts.h"

static const double half = 0.5;

/* ---- frees ----------------------------------------------------------------------------------- */

static void let_driver_go(world *w) {
    opro_driver_free(w->driver);
}

static void let_run_go(world *w) {
    opro_run_free(w->run);
}

static void let_builder_go(world *w) {
    opro_meta_prompt_free(w->builder);
}

static uint64_t undisturbed(const char *settings) {
    world w;
    uint64_t hash;

    make_world(&w, settings);
    assert_int_equal(go_on(&w), 0);
    hash = opro_run_state_hash(w.run);
    free_world(&w);
    return hash;
}

static void who_frees_its_driver_is_refused_and_the_call_says_so(void **state) {
    uint64_t hash = undisturbed("steps=2");

    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        world w;

        make_world(&w, "steps=2");
        w.deed = let_driver_go;
        w.where = kind;
        if (go_on(&w) != 1) fail_msg("in %s: nobody was told", kind_names[kind]);
        assert_true(w.done);
        assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_STEPS);
        assert_true(opro_run_state_hash(w.run) == hash);
        free_world(&w);
    }
}

/* The driver's run is the driver's to free, wherever. */
static void who_frees_the_run_of_a_driver_frees_nothing(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        world w;

        make_world(&w, "steps=2");
        w.deed = let_run_go;
        w.where = kind;
        go_on(&w);
        assert_true(w.done);
        assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_STEPS);
        free_world(&w);
    }
}

/* Its builder fails, and so does the run: the host has to know. */
static void who_frees_its_builder_is_refused_and_the_run_stops(void **state) {
    (void)state;
    for (int kind = RENDER; kind <= TOKENS; kind++) {
        world w;

        make_world(&w, "steps=2");
        w.deed = let_builder_go;
        w.where = kind;
        assert_int_equal(go_on(&w), 1);
        assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_ERROR);
        free_world(&w);
    }
}

/* Runs that nobody drives: their log, and the answers to them. */
static int32_t answer_once_more(opro_run *run, const opro_event *event, void *user_data) {
    (void)run, (void)event, (void)user_data;
    return OPRO_OK;
}

typedef struct logger {
    opro_run *run;
    opro_meta_prompt *builder;
    const opro_trajectory *empty;
    int frees, heard;
    opro_status said[3];
} logger;

static void misuse_log(int32_t level, const char *domain, const char *message, size_t len,
                       void *user_data) {
    logger *l = user_data;
    opro_request *request;

    (void)level, (void)domain, (void)message, (void)len;
    if (!l->run || l->heard++) return;
    l->said[0] = opro_run_next(l->run, 0, &request);
    l->said[1] = opro_run_answer_text(l->run, 1, "x", 1);
    l->said[2] = opro_run_set_observer(l->run, answer_once_more, NULL, NULL);
    if (l->frees) opro_run_free(l->run);
}

static void a_log_is_a_callback_of_the_run_that_logs(void **state) {
    (void)state;
    for (int frees = 0; frees < 2; frees++) {
        opro_problem *problem = text_problem();
        opro_config *config = config_of("steps=1");
        logger l = {.frees = frees};

        opro_config_set_log(config, OPRO_LOG_DEBUG, misuse_log, &l, NULL);
        assert_int_equal(opro_run_new(&l.run, problem, config, NULL), OPRO_OK);
        opro_config_free(config);
        opro_problem_free(problem);
        next_of(l.run, OPRO_REQUEST_PROPOSE);
        assert_int_equal(opro_run_answer_error(l.run, 1, OPRO_ERR_FAILED, "no", 2),
                         frees ? OPRO_ERR_REENTRANT : OPRO_OK);
        assert_int_equal(l.heard > 0, 1);
        for (int i = 0; i < 3; i++)
            assert_int_equal(l.said[i], OPRO_ERR_REENTRANT);
        l.heard = 1;
        finish(l.run, OPRO_STOP_STEPS);
        opro_run_free(l.run);
    }
}

/* What it was refused is not what became of the call that it logs. */
static int32_t fail_at_a_prompt(opro_run *run, const opro_event *event, void *user_data) {
    (void)run, (void)user_data;
    return opro_event_kind(event) == OPRO_EVENT_META_PROMPT ? OPRO_ERR_USER_FIRST : OPRO_OK;
}

static void a_log_that_is_refused_something_leaves_the_calls_message_alone(void **state) {
    opro_problem *problem = text_problem();
    opro_config *config = config_of("steps=1");
    opro_request *request;
    logger l = {.frees = 0};

    (void)state;
    opro_config_set_log(config, OPRO_LOG_ERROR, misuse_log, &l, NULL);
    assert_int_equal(opro_run_new(&l.run, problem, config, NULL), OPRO_OK);
    opro_config_free(config);
    opro_problem_free(problem);
    opro_run_set_observer(l.run, fail_at_a_prompt, NULL, NULL);
    assert_int_equal(opro_run_next(l.run, 0, &request), OPRO_ERR_USER_FIRST);
    assert_int_equal(l.said[0], OPRO_ERR_REENTRANT);
    assert_message(opro_run_error(l.run), OPRO_ERR_USER_FIRST);
    assert_non_null(strstr(opro_error_message(opro_run_error(l.run), NULL), "the observer"));
    opro_run_free(l.run);
}

/* ---- shares ---------------------------------------------------------------------------------- */

static void give_up_all_shares(world *w) {
    opro_problem_free(w->problem);
    opro_optimizer_free(w->optimizer);
    opro_scorer_free(w->scorer);
    w->problem = NULL;
    w->optimizer = NULL;
    w->scorer = NULL;
}

static void a_share_that_is_given_up_in_a_callback_goes_and_the_object_later(void **state) {
    uint64_t hash = undisturbed("steps=2");

    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        world w;

        make_world(&w, "steps=2");
        w.deed = give_up_all_shares;
        w.where = kind;
        assert_int_equal(go_on(&w), 0);
        assert_true(w.done);
        assert_true(opro_run_state_hash(w.run) == hash);
        free_world(&w);
    }
}

/* A builder at work for the host itself: a run that uses it, too, may go meanwhile. */
static opro_run *other_run;

static void let_other_run_go(world *w) {
    (void)w;
    opro_run_free(other_run);
}

static void a_run_that_is_freed_in_a_callback_of_its_builder_gives_its_share_up(void **state) {
    (void)state;
    for (int kind = RENDER; kind <= TOKENS; kind++) {
        world w;

        make_world(&w, "steps=2");
        assert_int_equal(go_on(&w), 0);
        assert_int_equal(opro_run_new(&other_run, w.problem, NULL, &w.mem), OPRO_OK);
        assert_int_equal(opro_run_set_meta_prompt(other_run, w.builder), OPRO_OK);
        w.deed = let_other_run_go;
        w.where = kind;
        assert_int_equal(opro_meta_prompt_build(w.builder, opro_run_trajectory(w.run), 2), OPRO_OK);
        assert_true(w.done);
        free_world(&w);
    }
}

/* Nobody has a share of the problem but the run that is being made, or not made after all. */
static int32_t give_up_problem(const opro_problem *problem, const char *text, size_t len,
                               opro_sink *sink, void *user_data) {
    opro_problem **own = user_data;

    (void)problem;
    opro_problem_free(*own);
    *own = NULL;
    return len ? opro_sink_text(sink, text, len) : OPRO_ERR_USER_FIRST;
}

static void a_problem_that_is_given_up_while_a_run_is_made(void **state) {
    static const char *const texts[] = {"x", ""};

    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        opro_problem *problem = text_problem();
        opro_run *run = NULL;

        opro_problem_set_canonical_fn(problem, give_up_problem, &problem, NULL);
        opro_problem_add_initial(problem, texts[fails], OPRO_ZT);
        assert_int_equal(opro_run_new(&run, problem, NULL, NULL),
                         fails ? OPRO_ERR_USER_FIRST : OPRO_OK);
        assert_null(problem);
        opro_run_free(run);
    }
}

/* ---- destroy functions ----------------------------------------------------------------------- */

/* Callbacks that are never called. */
static int32_t deliver(const opro_dataset *dataset, size_t index, opro_sink *sink,
                       void *user_data) {
    (void)dataset, (void)index, (void)user_data;
    return opro_sink_text(sink, "q", 1);
}

static int32_t measure(const opro_metric *metric, const char *reply, size_t reply_len,
                       const char *answer, size_t answer_len, opro_verdict *verdict,
                       void *user_data) {
    (void)metric, (void)reply, (void)reply_len, (void)answer, (void)answer_len, (void)user_data;
    return opro_verdict_set(verdict, 1, "", 0, "x");
}

static void no_wakeup(void *user_data) {
    (void)user_data;
}

/* Ways to make an object, to free it, and to set a callback of its, or none. */
#define MAKE(type, ...)                                                                            \
    static void *new_##type(opro_problem *problem) {                                               \
        opro_##type *made = NULL;                                                                  \
                                                                                                   \
        (void)problem;                                                                             \
        assert_int_equal(opro_##type##_new(&made, __VA_ARGS__), OPRO_OK);                          \
        return made;                                                                               \
    }                                                                                              \
    static void free_##type(void *object) {                                                        \
        opro_##type##_free(object);                                                                \
    }

MAKE(problem, NULL)
MAKE(meta_prompt, problem, NULL, NULL)
MAKE(run, problem, NULL, NULL)
MAKE(driver, problem, NULL, NULL)
MAKE(dataset, NULL)
MAKE(metric, OPRO_METRIC_HOST, OPRO_TASK_TEXT, NULL)

#define SET(name, ...)                                                                             \
    static opro_status set_##name(void *o, void *data, opro_destroy_fn gone) {                     \
        return __VA_ARGS__;                                                                        \
    }

SET(check, opro_problem_set_check_fn(o, check, data, gone))
SET(exemplars, opro_problem_set_exemplar_fn(o, 1, exemplar, data, gone))
SET(block, opro_meta_prompt_set_block_fn(o, OPRO_BLOCK_ENTRY, write_block, data, gone))
SET(sort, opro_meta_prompt_set_sort_fn(o, sort, data, gone))
SET(tokens, opro_meta_prompt_set_token_fn(o, count_tokens, data, gone))
SET(observer, opro_run_set_observer(o, observe, data, gone))
SET(driver_observer, opro_driver_set_observer(o, observe, data, gone))
SET(clock, opro_driver_set_clock_fn(o, look_at_clock, data, gone))
SET(wakeup, opro_driver_set_wakeup_fn(o, no_wakeup, data, gone))
SET(examples, opro_dataset_set_fn(o, 1, deliver, data, gone))
SET(measure, opro_metric_set_fn(o, measure, data, gone))

static const struct setter {
    void *(*make)(opro_problem *problem);
    void (*free)(void *object);
    opro_status (*set)(void *object, void *data, opro_destroy_fn gone);
} setters[] = {
    {new_problem, free_problem, set_check},          {new_problem, free_problem, set_exemplars},
    {new_meta_prompt, free_meta_prompt, set_block},  {new_meta_prompt, free_meta_prompt, set_sort},
    {new_meta_prompt, free_meta_prompt, set_tokens}, {new_run, free_run, set_observer},
    {new_driver, free_driver, set_driver_observer},  {new_driver, free_driver, set_clock},
    {new_driver, free_driver, set_wakeup},           {new_dataset, free_dataset, set_examples},
    {new_metric, free_metric, set_measure},
};

#define SETTERS (sizeof setters / sizeof *setters)

/* An object, to be changed and freed by the destroy function of a callback of its. */
typedef struct doomed {
    const struct setter *by;
    void *object;
    int destroyed;
    opro_status said;
} doomed;

static void change_and_free(void *user_data) {
    doomed *d = user_data;

    d->destroyed++;
    d->said = d->by->set(d->object, NULL, NULL);
    d->by->free(d->object);
}

/* Problems have no guard: nothing can be changed any more, as in those that are in use. */
static opro_status refusal(const doomed *d) {
    return d->by->make == new_problem ? OPRO_ERR_STATE : OPRO_ERR_REENTRANT;
}

static void a_destroy_function_cannot_free_what_goes_already(void **state) {
    opro_problem *problem = text_problem();

    (void)state;
    for (size_t i = 0; i < SETTERS; i++) {
        doomed d = {.by = &setters[i], .object = setters[i].make(problem)};

        assert_int_equal(d.by->set(d.object, &d, change_and_free), OPRO_OK);
        d.by->free(d.object);
        assert_int_equal(d.destroyed, 1);
        assert_int_equal(d.said, refusal(&d));
    }
    opro_problem_free(problem);
}

static void a_destroy_function_cannot_free_what_a_setter_is_at_work_on(void **state) {
    opro_problem *problem = text_problem();

    (void)state;
    for (size_t i = 0; i < SETTERS; i++) {
        doomed d = {.by = &setters[i]};

        if (d.by->make == new_problem) continue; /* its share would go */
        d.object = d.by->make(problem);
        assert_int_equal(d.by->set(d.object, &d, change_and_free), OPRO_OK);
        assert_int_equal(d.by->set(d.object, NULL, NULL), OPRO_ERR_REENTRANT);
        assert_int_equal(d.destroyed, 1);
        assert_int_equal(d.said, OPRO_ERR_REENTRANT);
        assert_int_equal(d.by->set(d.object, NULL, NULL), OPRO_OK); /* it is there */
        d.by->free(d.object);
        assert_int_equal(d.destroyed, 1);
    }
    opro_problem_free(problem);
}

static void free_optimizer_once_more(void *user_data) {
    opro_optimizer_free(*(opro_optimizer **)user_data);
}

static void free_scorer_once_more(void *user_data) {
    opro_scorer_free(*(opro_scorer **)user_data);
}

static void a_destroy_function_cannot_free_an_optimizer_or_a_scorer_twice(void **state) {
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;

    (void)state;
    opro_optimizer_new(&optimizer, propose, &optimizer, free_optimizer_once_more, NULL);
    opro_scorer_new(&scorer, score, &scorer, free_scorer_once_more, NULL);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
}

/* ---- calls back in --------------------------------------------------------------------------- */

static char heard[1024];

static void step_again(world *w) {
    w->said = opro_driver_step(w->driver);
    snprintf(heard, sizeof heard, "%s", opro_error_message(opro_driver_error(w->driver), NULL));
}

static void who_calls_back_in_is_told_the_function_and_the_callback(void **state) {
    uint64_t hash = undisturbed("steps=2");

    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        world w;

        make_world(&w, "steps=2");
        w.deed = step_again;
        w.where = kind;
        assert_int_equal(go_on(&w), 0);
        assert_int_equal(w.said, OPRO_ERR_REENTRANT);
        assert_non_null(strstr(heard, "opro_driver_step()"));
        if (kind < RENDER || kind > TOKENS) /* those have the builder for their object */
            if (!strstr(heard, kind_names[kind])) fail_msg("%s: %s", kind_names[kind], heard);
        assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_STEPS);
        assert_true(opro_run_state_hash(w.run) == hash);
        free_world(&w);
    }
}

static void build_again(world *w) {
    const opro_trajectory *t = opro_run_trajectory(w->run);

    w->said = opro_meta_prompt_build(w->builder, t, 1);
    snprintf(heard, sizeof heard, "%s",
             opro_error_message(opro_meta_prompt_error(w->builder), NULL));
}

static void who_builds_while_it_is_built_is_told_the_function_and_the_callback(void **state) {
    (void)state;
    for (int kind = RENDER; kind <= TOKENS; kind++) {
        world w;

        make_world(&w, "steps=2");
        w.deed = build_again;
        w.where = kind;
        assert_int_equal(go_on(&w), 0);
        assert_int_equal(w.said, OPRO_ERR_REENTRANT);
        assert_non_null(strstr(heard, "opro_meta_prompt_build()"));
        if (!strstr(heard, kind_names[kind])) fail_msg("%s: %s", kind_names[kind], heard);
        free_world(&w);
    }
}

/* The wakeup callback of a driver runs where somebody posts. */
typedef struct waker {
    opro_driver *driver;
    int called;
    opro_status said[6];
} waker;

static void call_back_in(void *user_data) {
    waker *w = user_data;

    if (w->called++) return;
    w->said[0] = opro_driver_post_scores(w->driver, 1, &half, 1);
    w->said[1] = opro_driver_stop(w->driver);
    w->said[2] = opro_driver_wakeup(w->driver);
    w->said[3] = opro_driver_poll(w->driver, 0);
    w->said[4] = opro_driver_set_wakeup_fn(w->driver, NULL, NULL, NULL);
    w->said[5] = opro_driver_run(w->driver);
    opro_driver_free(w->driver);
}

static void who_calls_back_in_when_it_is_woken_is_refused(void **state) {
    world w;
    waker wakes = {.called = 0};

    (void)state;
    make_world(&w, "steps=2");
    wakes.driver = w.driver;
    assert_int_equal(opro_driver_set_wakeup_fn(w.driver, call_back_in, &wakes, NULL), OPRO_OK);
    assert_int_equal(opro_driver_post_scores(w.driver, 77, &half, 1), OPRO_OK);
    assert_int_equal(wakes.called, 1);
    for (int i = 0; i < 6; i++)
        assert_int_equal(wakes.said[i], OPRO_ERR_REENTRANT);
    assert_int_equal(opro_driver_post_scores(w.driver, 78, &half, 1), OPRO_OK);
    assert_int_equal(wakes.called, 2);
    assert_int_equal(go_on(&w), 0);
    assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_STEPS); /* not the host */
    free_world(&w);
}

/* ---- does not return ------------------------------------------------------------------------- */

static jmp_buf outside;
static int64_t scored_then;

static void jump_out(world *w) {
    scored_then = opro_trajectory_scored(opro_run_trajectory(w->run));
    longjmp(outside, 1);
}

/* Whoever has a table of what changes a driver or its run has seen all of this refused. */
static void expect_lost(world *w) {
    const opro_trajectory *t = opro_driver_trajectory(w->driver);

    assert_int_equal(opro_driver_step(w->driver), OPRO_ERR_REENTRANT);
    assert_int_equal(opro_driver_poll(w->driver, 0), OPRO_ERR_REENTRANT);
    assert_int_equal(opro_driver_set_observer(w->driver, NULL, NULL, NULL), OPRO_ERR_REENTRANT);
    assert_message(opro_driver_error(w->driver), OPRO_ERR_REENTRANT);
    opro_driver_free(w->driver);
    opro_run_free(w->run);
    /* it is all there, to be looked at; and takes posts, which nobody will read */
    assert_int_equal(opro_trajectory_scored(t), scored_then);
    if (scored_then) assert_string_equal(opro_trajectory_text(t, 0, NULL), "first");
    assert_true(opro_run_state_hash(w->run) != 0);
    assert_int_equal(opro_driver_post_scores(w->driver, 1, &half, 1), OPRO_OK);
    assert_int_equal(opro_driver_stop(w->driver), OPRO_OK);
}

static void who_jumps_out_of_a_callback_leaves_its_objects_in_it_and_no_others(void **state) {
    static world w, other; /* not in registers */
    uint64_t hash = undisturbed("steps=2");

    (void)state;
    for (volatile int kind = 0; kind < KINDS; kind++) {
        make_world(&w, "steps=2");
        w.deed = jump_out;
        w.where = kind;
        if (setjmp(outside) == 0) {
            go_on(&w);
            fail_msg("nobody jumped out of %s", kind_names[kind]);
        }
        expect_lost(&w);
        make_world(&other, "steps=2");
        assert_int_equal(go_on(&other), 0);
        assert_true(opro_run_state_hash(other.run) == hash);
        free_world(&other);
        arena_throw_away(&w.arena);
    }
}

/* A builder by itself. */
static void who_jumps_out_of_a_builder_leaves_it_there(void **state) {
    static world w;

    (void)state;
    for (volatile int kind = RENDER; kind <= TOKENS; kind++) {
        const opro_trajectory *t;

        make_world(&w, "steps=2");
        go_on(&w);
        t = opro_run_trajectory(w.run);
        w.deed = jump_out;
        w.where = kind;
        if (setjmp(outside) == 0) {
            opro_meta_prompt_build(w.builder, t, 1);
            fail_msg("nobody jumped out of %s", kind_names[kind]);
        }
        assert_int_equal(opro_meta_prompt_build(w.builder, opro_run_trajectory(w.run), 1),
                         OPRO_ERR_REENTRANT);
        opro_meta_prompt_free(w.builder);
        assert_message(opro_meta_prompt_error(w.builder), OPRO_ERR_REENTRANT);
        assert_true(opro_meta_prompt_template(w.builder, OPRO_BLOCK_LAYOUT, NULL) != NULL);
        arena_throw_away(&w.arena);
    }
}

/* ---- never returns, or answers never --------------------------------------------------------- */

static int64_t now_ms;

static int32_t tell_time(opro_driver *driver, opro_sink *sink, void *user_data) {
    (void)driver, (void)user_data;
    return opro_sink_count(sink, now_ms);
}

static uint64_t kept;

static int32_t answer_never(opro_run *run, opro_request *request, void *user_data) {
    (void)run, (void)user_data;
    kept = opro_request_id(request);
    return OPRO_PENDING;
}

static opro_driver *driver_with_a_silent_scorer(world *w, const char *settings) {
    opro_scorer *silent;

    make_world(w, settings);
    now_ms = 0;
    opro_driver_set_clock_fn(w->driver, tell_time, NULL, NULL);
    opro_scorer_new(&silent, answer_never, NULL, NULL, &w->mem);
    opro_driver_set_scorer(w->driver, silent);
    opro_scorer_free(silent);
    return w->driver;
}

static void a_scorer_that_never_answers_has_failed_when_its_time_is_up(void **state) {
    world w;
    opro_driver *driver = driver_with_a_silent_scorer(&w, "steps=2 request_timeout_ms=1000");

    (void)state;
    assert_int_equal(opro_driver_poll(driver, 0), OPRO_OK);
    assert_int_equal(opro_run_count(w.run, OPRO_COUNT_IN_FLIGHT), 1);
    assert_int_equal(opro_driver_poll(driver, 0), OPRO_WAIT);
    assert_true(opro_driver_timeout(driver) == 1000);
    now_ms = 999;
    assert_int_equal(opro_driver_poll(driver, 0), OPRO_WAIT);
    now_ms = 1000;
    assert_int_equal(opro_driver_poll(driver, 0), OPRO_OK);
    assert_int_equal(opro_run_count(w.run, OPRO_COUNT_FAILURES), 1);
    assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_NONE); /* it goes on */
    free_world(&w);
}

static void a_scorer_that_never_answers_does_not_outlast_max_time(void **state) {
    world w;
    opro_driver *driver = driver_with_a_silent_scorer(&w, "max_time_ms=5000");

    (void)state;
    assert_int_equal(opro_driver_poll(driver, 0), OPRO_OK);
    now_ms = 5000;
    assert_int_equal(opro_driver_run(driver), OPRO_OK);
    assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_TIME);
    free_world(&w);
}

/* ---- answers late ---------------------------------------------------------------------------- */

static void expect_late(opro_run *run, uint64_t id, int proposes) {
    uint64_t hash = opro_run_state_hash(run);
    int64_t before = opro_run_count(run, OPRO_COUNT_STALE);

    if (proposes)
        assert_int_equal(opro_run_answer_text(run, id, CANDIDATE("late"), OPRO_ZT), OPRO_ERR_STALE);
    else
        assert_int_equal(opro_run_answer_scores(run, id, &half, 1), OPRO_ERR_STALE);
    assert_message(opro_run_error(run), OPRO_ERR_STALE);
    assert_int_equal(opro_run_answer_error(run, id, OPRO_ERR_FAILED, "late", 4), OPRO_ERR_STALE);
    assert_int_equal(opro_run_answer_usage(run, id, 1, 1, 1), OPRO_ERR_STALE);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_STALE), before + 3);
    assert_int_equal(opro_run_answer_text(run, 4711, "?", 1), OPRO_ERR_UNKNOWN);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_STALE), before + 3);
    assert_true(opro_run_state_hash(run) == hash);
}

static void
answers_after_a_deadline_a_stop_or_an_answer_are_stale_counted_and_nothing_else(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;
    opro_request *request;
    uint64_t first, proposal;

    (void)state;
    opro_problem_add_initial(problem, "one", OPRO_ZT);
    opro_problem_add_initial(problem, "two", OPRO_ZT);
    run = run_of(problem, "steps=9 samples_per_step=2 request_timeout_ms=10 resample_limit=0");
    first = next_id(run, OPRO_REQUEST_SCORE);
    tell_score(run, next_of(run, OPRO_REQUEST_SCORE), 0.25);
    assert_int_equal(opro_run_next(run, 10, &request), OPRO_OK); /* the first one's time is up */
    assert_int_equal(opro_request_kind(request), OPRO_REQUEST_PROPOSE);
    proposal = opro_request_id(request);
    expect_late(run, first, 0);
    tell_text(run, proposal, CANDIDATE("a"));
    assert_int_equal(opro_run_answer_reply(run, proposal, 0, 0, CANDIDATE("b"), OPRO_ZT),
                     OPRO_ERR_STALE);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_STALE), 4);
    tell_text(run, proposal, CANDIDATE("c"));
    expect_late(run, proposal, 1); /* answered */
    first = next_id(run, OPRO_REQUEST_SCORE);
    opro_run_stop(run);
    expect_late(run, first, 0); /* cancelled */
    opro_run_free(run);
}

/* As posts they are heard of, too. */
static int32_t count_failures(opro_run *run, const opro_event *event, void *user_data) {
    (void)run;
    *(int *)user_data += opro_event_kind(event) == OPRO_EVENT_FAILED;
    return OPRO_OK;
}

static void posts_that_come_late_are_heard_of_and_nothing_else(void **state) {
    world w;
    opro_driver *driver = driver_with_a_silent_scorer(&w, "steps=2 request_timeout_ms=1000");
    int failures = 0;
    uint64_t late;

    (void)state;
    opro_driver_set_observer(driver, count_failures, &failures, NULL);
    assert_int_equal(opro_driver_poll(driver, 0), OPRO_OK);
    late = kept;
    now_ms = 1000;
    assert_int_equal(opro_driver_poll(driver, 0), OPRO_OK);
    assert_int_equal(failures, 1);
    assert_int_equal(opro_driver_post_scores(driver, late, &half, 1), OPRO_OK);
    assert_true(opro_driver_poll(driver, 0) >= 0);
    assert_int_equal(failures, 2);
    assert_int_equal(opro_run_count(w.run, OPRO_COUNT_STALE), 1);
    assert_int_equal(opro_trajectory_scored(opro_run_trajectory(w.run)), 0);
    free_world(&w);
}

/* ---- forks ----------------------------------------------------------------------------------- */

static pid_t child = -1;
static int pipe_ends[2];

static void fork_here(world *w) {
    (void)w;
    child = fork();
}

/* In the child: say this much and be gone. An exit would be a leak in valgrind's eyes. */
static void say_and_die(uint64_t word) {
    if (write(pipe_ends[1], &word, sizeof word) != (ssize_t)sizeof word) abort();
    raise(SIGKILL);
}

/* In the parent: what the child said. */
static uint64_t hear_child(void) {
    uint64_t word = 0;
    int status = 0;

    assert_int_equal(read(pipe_ends[0], &word, sizeof word), sizeof word);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return word;
}

/* cmocka's assertions jump: in a child they would begin the tests once more. */
#define IN_CHILD(condition)                                                                        \
    do {                                                                                           \
        if (!(condition)) say_and_die(__LINE__);                                                   \
    } while (0)

static void a_run_goes_on_in_a_child_that_was_forked_in_a_callback(void **state) {
    uint64_t hash = undisturbed("steps=2");

    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    for (int kind = 0; kind < KINDS; kind++) {
        world w;

        make_world(&w, "steps=2");
        w.deed = fork_here;
        w.where = kind;
        child = -1;
        go_on(&w);
        if (child == 0) {
            uint64_t here = opro_run_state_hash(w.run);

            IN_CHILD(opro_run_stop_reason(w.run) == OPRO_STOP_STEPS);
            free_world(&w);
            say_and_die(here);
        }
        assert_true(hear_child() == hash);
        assert_true(opro_run_state_hash(w.run) == hash);
        free_world(&w);
    }
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static char folder[] = "/tmp/opro-hosts-XXXXXX";
static char path[64];

static opro_journal *journal_of(world *w) {
    opro_journal *journal;

    assert_int_equal(opro_journal_new(&journal, path, OPRO_ZT, NULL, &w->mem), OPRO_OK);
    assert_int_equal(opro_driver_set_journal(w->driver, journal), OPRO_OK);
    return journal;
}

static off_t bytes(void) {
    struct stat s;

    return stat(path, &s) == 0 ? s.st_size : -1;
}

/* Somebody else who would write it: refused as long as it is locked. */
static opro_status another_writer(void) {
    world w;
    opro_journal *journal;
    opro_status st;

    make_world(&w, "steps=2");
    assert_int_equal(opro_journal_new(&journal, path, OPRO_ZT, NULL, &w.mem), OPRO_OK);
    st = opro_driver_set_journal(w.driver, journal);
    opro_journal_free(journal);
    free_world(&w);
    return st;
}

static void child_with_a_journal(world *w, opro_journal *journal, int closes) {
    off_t before = bytes();

    IN_CHILD(opro_driver_step(w->driver) == OPRO_ERR_STATE);
    IN_CHILD(strstr(opro_error_message(opro_driver_error(w->driver), NULL), "a child of it"));
    IN_CHILD(opro_run_stop_reason(w->run) == OPRO_STOP_ERROR);
    IN_CHILD(opro_journal_sync(journal) == OPRO_ERR_STATE);
    if (closes) IN_CHILD(opro_journal_close(journal) == OPRO_OK);
    opro_journal_free(journal);
    free_world(w);
    IN_CHILD(bytes() == before);
    IN_CHILD(another_writer() == OPRO_ERR_STATE); /* the parent has it */
    say_and_die(0);
}

static void a_journal_is_not_written_by_a_child_and_stays_the_parents(void **state) {
    uint64_t hash = undisturbed("steps=2");

    (void)state;
    if (!opro_has_feature(OPRO_FEATURE_JOURNAL)) skip();
    assert_int_equal(pipe(pipe_ends), 0);
    for (int closes = 0; closes < 2; closes++) {
        world w;
        opro_journal *journal;

        make_world(&w, "steps=2");
        journal = journal_of(&w);
        assert_int_equal(opro_driver_step(w.driver), OPRO_OK);
        child = fork();
        if (child == 0) child_with_a_journal(&w, journal, closes);
        assert_int_equal(hear_child(), 0);
        assert_int_equal(another_writer(), OPRO_ERR_STATE); /* locked still */
        assert_int_equal(go_on(&w), 0);
        assert_true(opro_run_state_hash(w.run) == hash);
        assert_int_equal(opro_journal_close(journal), OPRO_OK);
        opro_journal_free(journal);
        free_world(&w);
        assert_int_equal(another_writer(), OPRO_OK); /* whole */
        unlink(path);
    }
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

/* Who jumped out of a run can close its journal, and resume from it. */
static void a_journal_whose_run_is_lost_can_be_closed_and_resumed_from(void **state) {
    static world w;
    static opro_journal *journal;

    (void)state;
    if (!opro_has_feature(OPRO_FEATURE_JOURNAL)) skip();
    for (volatile int kind = 0; kind < KINDS; kind++) {
        make_world(&w, "steps=2");
        journal = journal_of(&w);
        w.deed = jump_out;
        w.where = kind;
        w.skip = kind < BLOCK ? 1 : 0; /* not before it has begun */
        if (setjmp(outside) == 0) {
            go_on(&w);
            fail_msg("nobody jumped out of %s", kind_names[kind]);
        }
        assert_int_equal(opro_journal_close(journal), OPRO_OK);
        arena_throw_away(&w.arena);
        assert_int_equal(another_writer(), OPRO_OK);
        unlink(path);
    }
}

/* The disk is full: the journal says so, inside the call that met it. */
static opro_status next_on_a_full_disk(opro_run *run) {
    struct rlimit before, full;
    opro_request *request;
    opro_status st;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    full = before;
    full.rlim_cur = (rlim_t)bytes();
    setrlimit(RLIMIT_FSIZE, &full);
    st = opro_run_next(run, 0, &request);
    setrlimit(RLIMIT_FSIZE, &before);
    return st;
}

static void the_log_of_a_journal_is_a_callback_of_the_run_that_it_keeps(void **state) {
    (void)state;
    if (!opro_has_feature(OPRO_FEATURE_JOURNAL)) skip();
    for (int frees = 0; frees < 2; frees++) {
        opro_config *config = config_of("");
        opro_journal *journal;
        logger l = {.frees = frees};
        opro_run *run = run_of(text_problem(), "steps=1");
        opro_status st;

        opro_config_set_log(config, OPRO_LOG_ERROR, misuse_log, &l, NULL);
        assert_int_equal(opro_journal_new(&journal, path, OPRO_ZT, config, NULL), OPRO_OK);
        opro_config_free(config);
        assert_int_equal(opro_run_resume(run, journal), OPRO_OK);
        l.run = run;
        st = next_on_a_full_disk(run);
        assert_int_equal(st, frees ? OPRO_ERR_REENTRANT : OPRO_ERR_FAILED);
        if (!frees)
            assert_non_null(strstr(opro_error_message(opro_run_error(run), NULL), "append to"));
        assert_int_equal(l.heard, 1);
        for (int i = 0; i < 3; i++)
            assert_int_equal(l.said[i], OPRO_ERR_REENTRANT);
        assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_ERROR);
        opro_run_free(run);
        opro_journal_free(journal);
        unlink(path);
    }
}

/* ---- journals, freed and closed where they are at work --------------------------------------- */

static opro_journal *own_journal;
static opro_status closed;

static void free_journal(world *w) {
    (void)w;
    closed = opro_journal_close(own_journal);
    opro_journal_free(own_journal);
    own_journal = NULL;
}

/* While a run is put back, and when the journal logs that it was. */
static void a_journal_that_is_given_up_while_it_is_put_back_goes_later(void **state) {
    (void)state;
    if (!opro_has_feature(OPRO_FEATURE_JOURNAL)) skip();
    for (int kind = 0; kind < KINDS; kind++) {
        world w;
        opro_config *config;

        if (kind == OPTIMIZER || kind == SCORER || kind == CLOCK) continue; /* not asked then */
        make_world(&w, "steps=2");
        own_journal = journal_of(&w);
        assert_int_equal(go_on(&w), 0);
        opro_journal_free(own_journal);
        free_world(&w);
        make_world(&w, "steps=2");
        config = config_of("");
        opro_config_set_log(config, OPRO_LOG_DEBUG, hear_log, &w, NULL);
        assert_int_equal(opro_journal_new(&own_journal, path, OPRO_ZT, config, &w.mem), OPRO_OK);
        opro_config_free(config);
        w.deed = free_journal;
        w.where = kind;
        assert_int_equal(opro_driver_set_journal(w.driver, own_journal), OPRO_OK);
        assert_true(w.done);
        assert_int_equal(closed, OPRO_ERR_REENTRANT);
        assert_int_equal(go_on(&w), 0);
        assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_STEPS);
        free_world(&w);
        unlink(path);
    }
}

static int begin(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/journal", folder);
    return 0;
}

static int end(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_frees_its_driver_is_refused_and_the_call_says_so),
        cmocka_unit_test(who_frees_the_run_of_a_driver_frees_nothing),
        cmocka_unit_test(who_frees_its_builder_is_refused_and_the_run_stops),
        cmocka_unit_test(a_log_is_a_callback_of_the_run_that_logs),
        cmocka_unit_test(a_log_that_is_refused_something_leaves_the_calls_message_alone),
        cmocka_unit_test(a_share_that_is_given_up_in_a_callback_goes_and_the_object_later),
        cmocka_unit_test(a_run_that_is_freed_in_a_callback_of_its_builder_gives_its_share_up),
        cmocka_unit_test(a_problem_that_is_given_up_while_a_run_is_made),
        cmocka_unit_test(a_destroy_function_cannot_free_what_goes_already),
        cmocka_unit_test(a_destroy_function_cannot_free_what_a_setter_is_at_work_on),
        cmocka_unit_test(a_destroy_function_cannot_free_an_optimizer_or_a_scorer_twice),
        cmocka_unit_test(who_calls_back_in_is_told_the_function_and_the_callback),
        cmocka_unit_test(who_builds_while_it_is_built_is_told_the_function_and_the_callback),
        cmocka_unit_test(who_calls_back_in_when_it_is_woken_is_refused),
        cmocka_unit_test(who_jumps_out_of_a_callback_leaves_its_objects_in_it_and_no_others),
        cmocka_unit_test(who_jumps_out_of_a_builder_leaves_it_there),
        cmocka_unit_test(a_scorer_that_never_answers_has_failed_when_its_time_is_up),
        cmocka_unit_test(a_scorer_that_never_answers_does_not_outlast_max_time),
        cmocka_unit_test(
            answers_after_a_deadline_a_stop_or_an_answer_are_stale_counted_and_nothing_else),
        cmocka_unit_test(posts_that_come_late_are_heard_of_and_nothing_else),
        cmocka_unit_test(a_run_goes_on_in_a_child_that_was_forked_in_a_callback),
        cmocka_unit_test(a_journal_is_not_written_by_a_child_and_stays_the_parents),
        cmocka_unit_test(a_journal_whose_run_is_lost_can_be_closed_and_resumed_from),
        cmocka_unit_test(the_log_of_a_journal_is_a_callback_of_the_run_that_it_keeps),
        cmocka_unit_test(a_journal_that_is_given_up_while_it_is_put_back_goes_later),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
