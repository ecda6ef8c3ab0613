/* SPDX-License-Identifier: MIT */
/*
 * Every setter that takes user_data with a destroy function: destroy runs exactly once, when the
 * callback is replaced or when the last object that uses it goes, and never when the setter fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failing.h"
#include "opro/opro.h"

static void destroy(void *user_data) {
    ++*(int *)user_data;
}

/* ---- callbacks that are never called, or do as little as they can ---------------------------- */

static int32_t no_text(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                       void *user_data) {
    (void)problem;
    (void)user_data;
    return opro_sink_text(sink, text, len);
}

static int32_t no_exemplar(const opro_problem *problem, size_t index, opro_sink *sink,
                           void *user_data) {
    (void)problem;
    (void)index;
    (void)user_data;
    return opro_sink_text(sink, "", 0);
}

static int32_t no_block(const opro_meta_prompt *meta_prompt, const opro_trajectory *trajectory,
                        int32_t block, int64_t number, opro_sink *sink, void *user_data) {
    (void)meta_prompt;
    (void)trajectory;
    (void)block;
    (void)number;
    (void)user_data;
    return opro_sink_text(sink, "", 0);
}

static int32_t no_sort(const opro_meta_prompt *meta_prompt, const opro_trajectory *trajectory,
                       int64_t *numbers, size_t n, opro_sink *sink, void *user_data) {
    (void)meta_prompt;
    (void)trajectory;
    (void)numbers;
    (void)user_data;
    return opro_sink_count(sink, (int64_t)n);
}

static int32_t no_tokens(const opro_meta_prompt *meta_prompt, const char *text, size_t len,
                         opro_sink *sink, void *user_data) {
    (void)meta_prompt;
    (void)text;
    (void)user_data;
    return opro_sink_count(sink, (int64_t)len);
}

static int32_t no_observer(opro_run *run, const opro_event *event, void *user_data) {
    (void)run;
    (void)event;
    (void)user_data;
    return OPRO_OK;
}

static int32_t no_clock(opro_driver *driver, opro_sink *sink, void *user_data) {
    (void)driver;
    (void)user_data;
    return opro_sink_count(sink, 0);
}

static void no_wakeup(void *user_data) {
    (void)user_data;
}

static void no_log(int32_t level, const char *domain, const char *message, size_t len,
                   void *user_data) {
    (void)level;
    (void)domain;
    (void)message;
    (void)len;
    (void)user_data;
}

static int32_t no_answer(opro_run *run, opro_request *request, void *user_data) {
    (void)run;
    (void)request;
    (void)user_data;
    return OPRO_PENDING;
}

static int32_t no_vector(opro_run *run, opro_request *request, const double *x, size_t n,
                         void *user_data) {
    (void)run;
    (void)request;
    (void)x;
    (void)n;
    (void)user_data;
    return OPRO_PENDING;
}

/* ---- the setters ----------------------------------------------------------------------------- */

static opro_problem *new_problem(void) {
    opro_problem *problem;

    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    return problem;
}

static opro_meta_prompt *new_builder(void) {
    opro_problem *problem = new_problem();
    opro_meta_prompt *builder;

    assert_int_equal(opro_meta_prompt_new(&builder, problem, NULL, NULL), OPRO_OK);
    opro_problem_free(problem);
    return builder;
}

static opro_run *new_run(void) {
    opro_problem *problem = new_problem();
    opro_run *run;

    assert_int_equal(opro_run_new(&run, problem, NULL, NULL), OPRO_OK);
    opro_problem_free(problem);
    return run;
}

static opro_driver *new_driver(void) {
    opro_problem *problem = new_problem();
    opro_driver *driver;

    assert_int_equal(opro_driver_new(&driver, problem, NULL, NULL), OPRO_OK);
    opro_problem_free(problem);
    return driver;
}

/* The object that a setter belongs to: one of these. */
typedef struct object {
    opro_config *config;
    opro_problem *problem;
    opro_meta_prompt *builder;
    opro_run *run;
    opro_driver *driver;
} object;

#define ON_CONFIG(o)  ((o) ? (o)->config : NULL)
#define ON_PROBLEM(o) ((o) ? (o)->problem : NULL)
#define ON_BUILDER(o) ((o) ? (o)->builder : NULL)
#define ON_RUN(o)     ((o) ? (o)->run : NULL)
#define ON_DRIVER(o)  ((o) ? (o)->driver : NULL)

/* With data: install the callback; without: remove it. */
#define SETTER(name, ...)                                                                          \
    static opro_status set_##name(object *o, void *data, opro_destroy_fn gone) {                   \
        return __VA_ARGS__;                                                                        \
    }

SETTER(log, opro_config_set_log(ON_CONFIG(o), OPRO_LOG_DEBUG, data ? no_log : NULL, data, gone))
SETTER(parse, opro_problem_set_parse_fn(ON_PROBLEM(o), data ? no_text : NULL, data, gone))
SETTER(canonical, opro_problem_set_canonical_fn(ON_PROBLEM(o), data ? no_text : NULL, data, gone))
SETTER(check, opro_problem_set_check_fn(ON_PROBLEM(o), data ? no_text : NULL, data, gone))
SETTER(repair, opro_problem_set_repair_fn(ON_PROBLEM(o), data ? no_text : NULL, data, gone))
SETTER(polish, opro_problem_set_polish_fn(ON_PROBLEM(o), data ? no_text : NULL, data, gone))
SETTER(render, opro_problem_set_render_fn(ON_PROBLEM(o), data ? no_text : NULL, data, gone))
SETTER(exemplar,
       opro_problem_set_exemplar_fn(ON_PROBLEM(o), 3, data ? no_exemplar : NULL, data, gone))
SETTER(layout, opro_meta_prompt_set_block_fn(ON_BUILDER(o), OPRO_BLOCK_LAYOUT,
                                             data ? no_block : NULL, data, gone))
SETTER(entry, opro_meta_prompt_set_block_fn(ON_BUILDER(o), OPRO_BLOCK_ENTRY, data ? no_block : NULL,
                                            data, gone))
SETTER(prefix, opro_meta_prompt_set_block_fn(ON_BUILDER(o), OPRO_BLOCK_PREFIX,
                                             data ? no_block : NULL, data, gone))
SETTER(sort, opro_meta_prompt_set_sort_fn(ON_BUILDER(o), data ? no_sort : NULL, data, gone))
SETTER(token, opro_meta_prompt_set_token_fn(ON_BUILDER(o), data ? no_tokens : NULL, data, gone))
SETTER(observer, opro_run_set_observer(ON_RUN(o), data ? no_observer : NULL, data, gone))
SETTER(driver_observer,
       opro_driver_set_observer(ON_DRIVER(o), data ? no_observer : NULL, data, gone))
SETTER(clock, opro_driver_set_clock_fn(ON_DRIVER(o), data ? no_clock : NULL, data, gone))
SETTER(wakeup, opro_driver_set_wakeup_fn(ON_DRIVER(o), data ? no_wakeup : NULL, data, gone))

static const struct {
    const char *name;
    opro_status (*set)(object *o, void *data, opro_destroy_fn gone);
} setters[] = {
    {"log", set_log},       {"parse", set_parse},       {"canonical", set_canonical},
    {"check", set_check},   {"repair", set_repair},     {"polish", set_polish},
    {"render", set_render}, {"exemplar", set_exemplar}, {"layout", set_layout},
    {"entry", set_entry},   {"prefix", set_prefix},     {"sort", set_sort},
    {"token", set_token},   {"observer", set_observer}, {"driver observer", set_driver_observer},
    {"clock", set_clock},   {"wakeup", set_wakeup},
};

#define SETTERS (sizeof setters / sizeof *setters)

static object make(void) {
    object o;

    assert_int_equal(opro_config_new(&o.config, NULL), OPRO_OK);
    o.problem = new_problem();
    o.builder = new_builder();
    o.run = new_run();
    o.driver = new_driver();
    return o;
}

static void free_all(object *o) {
    opro_config_free(o->config);
    opro_problem_free(o->problem);
    opro_meta_prompt_free(o->builder);
    opro_run_free(o->run);
    opro_driver_free(o->driver);
}

static void expect(const char *name, int is, int should_be) {
    if (is != should_be) fail_msg("%s: destroyed %d times, not %d", name, is, should_be);
}

/* ---- each of them ---------------------------------------------------------------------------- */

static void once_when_its_object_goes(void **state) {
    (void)state;
    for (size_t i = 0; i < SETTERS; i++) {
        object o = make();
        int gone = 0;

        assert_int_equal(setters[i].set(&o, &gone, destroy), OPRO_OK);
        expect(setters[i].name, gone, 0);
        free_all(&o);
        expect(setters[i].name, gone, 1);
    }
}

static void once_when_it_is_replaced(void **state) {
    (void)state;
    for (size_t i = 0; i < SETTERS; i++) {
        object o = make();
        int first = 0, second = 0;

        assert_int_equal(setters[i].set(&o, &first, destroy), OPRO_OK);
        assert_int_equal(setters[i].set(&o, &second, destroy), OPRO_OK);
        expect(setters[i].name, first, 1);
        expect(setters[i].name, second, 0);
        assert_int_equal(setters[i].set(&o, &first, NULL),
                         OPRO_OK); /* nothing to destroy in this */
        expect(setters[i].name, second, 1);
        free_all(&o);
        expect(setters[i].name, first, 1);
        expect(setters[i].name, second, 1);
    }
}

static void once_when_it_is_removed(void **state) {
    (void)state;
    for (size_t i = 0; i < SETTERS; i++) {
        object o = make();
        int gone = 0;

        assert_int_equal(setters[i].set(&o, &gone, destroy), OPRO_OK);
        assert_int_equal(setters[i].set(&o, NULL, NULL), OPRO_OK);
        expect(setters[i].name, gone, 1);
        assert_int_equal(setters[i].set(&o, NULL, NULL), OPRO_OK);
        free_all(&o);
        expect(setters[i].name, gone, 1);
    }
}

/* The same data again is the same data twice: it is destroyed for each time that it was set. */
static void once_for_each_time_it_was_set(void **state) {
    (void)state;
    for (size_t i = 0; i < SETTERS; i++) {
        object o = make();
        int gone = 0;

        for (int k = 0; k < 3; k++)
            assert_int_equal(setters[i].set(&o, &gone, destroy), OPRO_OK);
        expect(setters[i].name, gone, 2);
        free_all(&o);
        expect(setters[i].name, gone, 3);
    }
}

static void never_when_there_is_no_object(void **state) {
    (void)state;
    for (size_t i = 0; i < SETTERS; i++) {
        int gone = 0;

        assert_int_equal(setters[i].set(NULL, &gone, destroy), OPRO_ERR_INVALID);
        expect(setters[i].name, gone, 0);
    }
}

static int on_problem(size_t i) {
    return setters[i].set == set_parse || setters[i].set == set_canonical ||
           setters[i].set == set_check || setters[i].set == set_repair ||
           setters[i].set == set_polish || setters[i].set == set_render ||
           setters[i].set == set_exemplar;
}

static int on_builder(size_t i) {
    return setters[i].set == set_layout || setters[i].set == set_entry ||
           setters[i].set == set_prefix || setters[i].set == set_sort ||
           setters[i].set == set_token;
}

/* Problems and builders that are in use refuse, and keep what they have. */
static void never_when_the_object_is_in_use(void **state) {
    (void)state;
    for (size_t i = 0; i < SETTERS; i++) {
        object o = make();
        opro_meta_prompt *in_use;
        int first = 0, second = 0;
        opro_run *run;

        if (!on_problem(i) && !on_builder(i)) {
            free_all(&o);
            continue;
        }
        opro_meta_prompt_free(o.builder);
        if (on_problem(i)) assert_int_equal(setters[i].set(&o, &first, destroy), OPRO_OK);
        assert_int_equal(opro_run_new(&run, o.problem, NULL, NULL), OPRO_OK);
        assert_int_equal(opro_meta_prompt_new(&in_use, o.problem, NULL, NULL), OPRO_OK);
        o.builder = in_use;
        if (on_builder(i)) assert_int_equal(setters[i].set(&o, &first, destroy), OPRO_OK);
        assert_int_equal(opro_run_set_meta_prompt(run, in_use), OPRO_OK);
        assert_int_equal(setters[i].set(&o, &second, destroy), OPRO_ERR_STATE);
        assert_int_equal(setters[i].set(&o, NULL, NULL), OPRO_ERR_STATE);
        expect(setters[i].name, first, 0);
        expect(setters[i].name, second, 0);
        free_all(&o); /* the run has its shares still */
        expect(setters[i].name, first, 0);
        opro_run_free(run);
        expect(setters[i].name, first, 1);
        expect(setters[i].name, second, 0);
    }
}

static void never_for_a_block_that_does_not_exist(void **state) {
    opro_meta_prompt *builder = new_builder();
    int gone = 0;

    (void)state;
    assert_int_equal(opro_meta_prompt_set_block_fn(builder, 5, no_block, &gone, destroy),
                     OPRO_ERR_INVALID);
    opro_meta_prompt_free(builder);
    assert_int_equal(gone, 0);
}

/* An observer cannot put another in its own place. */
typedef struct usurper {
    int *gone;
    opro_status said;
} usurper;

static int32_t usurp(opro_run *run, const opro_event *event, void *user_data) {
    usurper *u = user_data;

    (void)event;
    u->said = opro_run_set_observer(run, no_observer, u->gone, destroy);
    return OPRO_OK;
}

static void never_when_called_inside_a_callback(void **state) {
    opro_run *run = new_run();
    opro_request *request;
    int gone = 0;
    usurper u = {&gone, OPRO_OK};

    (void)state;
    opro_run_set_observer(run, usurp, &u, NULL);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    assert_int_equal(u.said, OPRO_ERR_REENTRANT);
    opro_run_free(run);
    assert_int_equal(gone, 0);
}

/* ---- objects that are made with a callback --------------------------------------------------- */

static opro_status new_optimizer(void **out, void *data, const opro_allocator *mem) {
    opro_optimizer *made;
    opro_status st = opro_optimizer_new(&made, data ? no_answer : NULL, data, destroy, mem);

    if (st == OPRO_OK) *out = made;
    return st;
}

static opro_status new_scorer(void **out, void *data, const opro_allocator *mem) {
    opro_scorer *made;
    opro_status st = opro_scorer_new(&made, data ? no_answer : NULL, data, destroy, mem);

    if (st == OPRO_OK) *out = made;
    return st;
}

static opro_status new_vector_scorer(void **out, void *data, const opro_allocator *mem) {
    opro_scorer *made;
    opro_status st = opro_scorer_new_vector(&made, data ? no_vector : NULL, data, destroy, mem);

    if (st == OPRO_OK) *out = made;
    return st;
}

static void free_optimizer(void *made) {
    opro_optimizer_free(made);
}

static void free_scorer(void *made) {
    opro_scorer_free(made);
}

static const struct {
    const char *name;
    opro_status (*make)(void **out, void *data, const opro_allocator *mem);
    void (*free)(void *made);
} makers[] = {
    {"optimizer", new_optimizer, free_optimizer},
    {"scorer", new_scorer, free_scorer},
    {"vector scorer", new_vector_scorer, free_scorer},
};

static void once_with_what_was_made_and_never_with_what_was_not(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        failing f = {-1, 0};
        opro_allocator mem = failing_allocator(&f), odd = mem;
        void *made = NULL;
        int gone = 0;
        opro_status st;

        odd.size = 3;
        assert_int_equal(makers[i].make(&made, &gone, &odd), OPRO_ERR_INVALID);
        assert_int_equal(makers[i].make(&made, NULL, &mem), OPRO_ERR_INVALID);
        for (long n = 0; !made; n++) {
            f.left = n;
            st = makers[i].make(&made, &gone, &mem);
            assert_int_equal(st, made ? OPRO_OK : OPRO_ERR_NOMEM);
            expect(makers[i].name, gone, 0);
            assert_true(n < 10);
        }
        expect(makers[i].name, gone, 0);
        makers[i].free(made);
        expect(makers[i].name, gone, 1);
        assert_int_equal(f.live, 0);
    }
}

static void the_log_is_not_taken_without_memory(void **state) {
    failing f = {-1, 0};
    opro_allocator mem = failing_allocator(&f);
    opro_config *config;
    int first = 0, second = 0;

    (void)state;
    assert_int_equal(opro_config_new(&config, &mem), OPRO_OK);
    assert_int_equal(opro_config_set_log(config, OPRO_LOG_INFO, no_log, &first, destroy), OPRO_OK);
    f.left = 0;
    assert_int_equal(opro_config_set_log(config, OPRO_LOG_INFO, no_log, &second, destroy),
                     OPRO_ERR_NOMEM);
    assert_int_equal(first, 0);
    opro_config_free(config);
    assert_int_equal(first, 1);
    assert_int_equal(second, 0);
    assert_int_equal(f.live, 0);
}

/* ---- shares ---------------------------------------------------------------------------------- */

static void the_last_of_the_sharers_destroys(void **state) {
    opro_driver *a = new_driver(), *b = new_driver();
    opro_optimizer *optimizer, *other;
    opro_scorer *scorer;
    int of_optimizer = 0, of_scorer = 0;

    (void)state;
    opro_optimizer_new(&optimizer, no_answer, &of_optimizer, destroy, NULL);
    opro_optimizer_new(&other, no_answer, NULL, NULL, NULL);
    opro_scorer_new(&scorer, no_answer, &of_scorer, destroy, NULL);
    opro_driver_set_optimizer(a, optimizer);
    opro_driver_set_optimizer(b, optimizer);
    opro_driver_set_scorer(a, scorer);
    opro_driver_set_scorer(b, scorer);
    opro_driver_set_scorer(b, scorer);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
    opro_driver_set_optimizer(a, other);
    assert_int_equal(of_optimizer, 0);
    opro_driver_set_optimizer(b, other);
    assert_int_equal(of_optimizer, 1);
    opro_optimizer_free(other);
    opro_driver_free(a);
    assert_int_equal(of_scorer, 0);
    opro_driver_free(b);
    assert_int_equal(of_scorer, 1);
}

static void a_log_lives_as_long_as_anybody_logs(void **state) {
    opro_config *config, *clone;
    opro_problem *problem = new_problem();
    opro_meta_prompt *builder;
    opro_run *run;
    int first = 0, second = 0;

    (void)state;
    opro_config_new(&config, NULL);
    opro_config_set_log(config, OPRO_LOG_ERROR, no_log, &first, destroy);
    assert_int_equal(opro_config_clone(&clone, config, NULL), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_meta_prompt_new(&builder, problem, config, NULL), OPRO_OK);
    opro_config_set_log(config, OPRO_LOG_ERROR, no_log, &second, destroy);
    opro_config_free(config);
    assert_int_equal(second, 1);
    opro_config_free(clone);
    opro_run_free(run);
    assert_int_equal(first, 0);
    opro_meta_prompt_free(builder);
    assert_int_equal(first, 1);
    opro_problem_free(problem);
}

/*
 * A destroy function may free other objects, and whoever is destroyed last may be the one that it
 * frees.
 */
static void free_a_problem(void *user_data) {
    opro_problem_free(user_data);
}

static void a_destroy_function_may_free_other_objects(void **state) {
    opro_problem *problem = new_problem(), *other = new_problem();
    opro_driver *driver;
    int gone = 0;

    (void)state;
    opro_problem_set_check_fn(other, no_text, &gone, destroy);
    assert_int_equal(opro_driver_new(&driver, problem, NULL, NULL), OPRO_OK);
    opro_driver_set_observer(driver, no_observer, problem, free_a_problem);
    opro_driver_set_clock_fn(driver, no_clock, other, free_a_problem);
    opro_driver_free(driver);
    assert_int_equal(gone, 1);
}

static void a_run_that_was_not_made_destroys_nothing(void **state) {
    opro_problem *problem = new_problem();
    opro_config *config;
    opro_run *run;
    opro_driver *driver;
    int of_check = 0, of_log = 0;

    (void)state;
    opro_problem_set_check_fn(problem, no_text, &of_check, destroy); /* it breaks its contract */
    opro_problem_add_initial(problem, "x", 1);
    opro_config_new(&config, NULL);
    opro_config_set_log(config, OPRO_LOG_ERROR, no_log, &of_log, destroy);
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_ERR_CALLBACK);
    assert_int_equal(opro_driver_new(&driver, problem, config, NULL), OPRO_ERR_CALLBACK);
    assert_int_equal(of_check + of_log, 0);
    opro_problem_free(problem);
    opro_config_free(config);
    assert_int_equal(of_check, 1);
    assert_int_equal(of_log, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_when_its_object_goes),
        cmocka_unit_test(once_when_it_is_replaced),
        cmocka_unit_test(once_when_it_is_removed),
        cmocka_unit_test(once_for_each_time_it_was_set),
        cmocka_unit_test(never_when_there_is_no_object),
        cmocka_unit_test(never_when_the_object_is_in_use),
        cmocka_unit_test(never_for_a_block_that_does_not_exist),
        cmocka_unit_test(never_when_called_inside_a_callback),
        cmocka_unit_test(once_with_what_was_made_and_never_with_what_was_not),
        cmocka_unit_test(the_log_is_not_taken_without_memory),
        cmocka_unit_test(the_last_of_the_sharers_destroys),
        cmocka_unit_test(a_log_lives_as_long_as_anybody_logs),
        cmocka_unit_test(a_destroy_function_may_free_other_objects),
        cmocka_unit_test(a_run_that_was_not_made_destroys_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
