/* SPDX-License-Identifier: MIT */
/*
 * Hosts that misbehave, with clients of models and exams: each rule of that section of opro.h.
 * (What is refused in which callback, row by row: test_model_reentrancy.c.)
 */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "model_world.h"

static void answer(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                   void *ctx) {
    (void)server, (void)n, (void)head;
    if (ctx) reply->delay_ms = *(int *)ctx;
    mock_choices(reply, asked_for(body), "reply");
}

static void answer_busy_once(mock *server, size_t n, const char *head, const char *body,
                             mock_reply *reply, void *ctx) {
    answer(server, n, head, body, reply, ctx);
    if (!n) reply->status = 503; /* something to be logged */
}

/* ---- logs ------------------------------------------------------------------------------------ */

typedef struct logger {
    opro_model *model;
    opro_call *call;
    int frees, heard;
    opro_status said[3];
    char message[1024];
} logger;

static void misuse_log(int32_t level, const char *domain, const char *message, size_t len,
                       void *user_data) {
    logger *l = user_data;

    (void)level, (void)domain, (void)message, (void)len;
    if (l->heard++) return;
    l->said[0] = opro_model_poll(l->model, 0);
    snprintf(l->message, sizeof l->message, "%s",
             opro_error_message(opro_model_error(l->model), NULL));
    l->said[1] = opro_model_set_name(l->model, "x", 1);
    l->said[2] = opro_call_submit(l->call, NULL, NULL, NULL);
    if (!l->frees) return;
    opro_call_free(l->call);
    opro_model_free(l->model);
}

static void a_log_is_a_callback_of_the_client_that_logs(void **state) {
    (void)state;
    for (int frees = 0; frees < 2; frees++) {
        logger l = {.frees = frees};
        opro_status st;
        int refused = 0;
        world w;

        begin(&w, answer_busy_once, NULL, NULL);
        opro_config_set_log(w.config, OPRO_LOG_DEBUG, misuse_log, &l, NULL);
        opro_model_free(w.model);
        assert_int_equal(opro_model_new(&w.model, w.config, NULL), OPRO_OK);
        opro_model_set_base_url(w.model, w.url, OPRO_ZT);
        opro_model_set_name(w.model, "m", 1);
        l.model = w.model;
        l.call = ask(&w, "hello", 1, 1.0);
        submit(l.call);
        while ((st = opro_model_poll(w.model, 5000)) != OPRO_DONE)
            refused += st == OPRO_ERR_REENTRANT;
        assert_true(l.heard > 0);
        assert_int_equal(refused, frees);
        for (int i = 0; i < 3; i++)
            assert_int_equal(l.said[i], OPRO_ERR_REENTRANT);
        assert_true(has(l.message, "opro_model_poll()") && has(l.message, "the log callback"));
        assert_string_equal(opro_call_reply(l.call, 0, NULL), "reply 0");
        opro_call_free(l.call);
        end(&w);
    }
}

/* ---- frees ----------------------------------------------------------------------------------- */

static void free_once_more(void *user_data) {
    opro_call_free(*(opro_call **)user_data);
}

static int32_t hear_nothing(opro_call *call, int32_t event, size_t index, void *user_data) {
    (void)call, (void)event, (void)index, (void)user_data;
    return OPRO_OK;
}

/* The callbacks of a client, whose destroy functions change it and free it. */
static int32_t key(opro_model *model, opro_sink *sink, void *user_data) {
    (void)model, (void)user_data;
    return opro_sink_text(sink, "key", 3);
}

static int32_t watch(opro_model *model, int64_t fd, int32_t events, void *user_data) {
    (void)model, (void)fd, (void)events, (void)user_data;
    return OPRO_OK;
}

static int32_t time_it(opro_model *model, int64_t ms, void *user_data) {
    (void)model, (void)ms, (void)user_data;
    return OPRO_OK;
}

static opro_status set_callback(opro_model *model, int which, void *data, opro_destroy_fn gone) {
    if (which == 0) return opro_model_set_key_fn(model, key, data, gone);
    if (which == 1) return opro_model_set_socket_fn(model, watch, data, gone);
    return opro_model_set_timer_fn(model, time_it, data, gone);
}

typedef struct doomed {
    opro_model *model;
    int destroyed;
    opro_status said;
} doomed;

static void change_and_free(void *user_data) {
    doomed *d = user_data;

    d->destroyed++;
    d->said = opro_model_set_name(d->model, "x", 1);
    opro_model_free(d->model);
}

static void a_destroy_function_of_a_client_cannot_free_it(void **state) {
    (void)state;
    for (int which = 0; which < 3; which++) {
        doomed d = {.destroyed = 0};

        assert_int_equal(opro_model_new(&d.model, NULL, NULL), OPRO_OK);
        assert_int_equal(set_callback(d.model, which, &d, change_and_free), OPRO_OK);
        assert_int_equal(set_callback(d.model, which, &d, change_and_free), OPRO_ERR_REENTRANT);
        assert_int_equal(d.destroyed, 1);
        assert_int_equal(d.said, OPRO_ERR_REENTRANT);
        opro_model_free(d.model);
        assert_int_equal(d.destroyed, 2);
        assert_int_equal(d.said, OPRO_ERR_REENTRANT);
    }
}

static int32_t free_and_use(opro_call *call, int32_t event, size_t index, void *user_data) {
    (void)event, (void)index;
    opro_call_free(call);
    ++*(int *)user_data;
    return OPRO_OK;
}

static void a_call_that_is_freed_by_its_destroy_function_is_freed_once(void **state) {
    world w;

    (void)state;
    begin(&w, answer, NULL, NULL);
    for (int waits = 0; waits < 2; waits++) {
        opro_call *call = ask(&w, "hello", 1, 1.0);

        assert_int_equal(opro_call_submit(call, hear_nothing, &call, free_once_more), OPRO_OK);
        if (waits) run(&w);
        opro_call_free(call);
    }
    end(&w);
}

static void a_call_that_is_freed_in_its_callback_goes_when_that_has_returned(void **state) {
    int called = 0;
    world w;

    (void)state;
    begin(&w, answer, NULL, NULL);
    assert_int_equal(opro_call_submit(ask(&w, "hello", 2, 1.0), free_and_use, &called, NULL),
                     OPRO_OK);
    run(&w);
    assert_int_equal(called, 1);
    end(&w);
}

/* ---- does not return ------------------------------------------------------------------------- */

static int said[2]; /* a pipe: what a child says before it waits for its end */

/* It is killed from outside: what it still holds would be a leak in valgrind's eyes. */
static void say(char c) {
    if (write(said[1], &c, 1) != 1) abort();
    for (;;)
        pause();
}

/* cmocka's assertions jump: in a child they would begin the tests once more. */
#define IN_CHILD(condition)                                                                        \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            say('n');                                                                              \
        }                                                                                          \
    } while (0)

static void end_child(pid_t child) {
    char c = 0;

    assert_int_equal(read(said[0], &c, 1), 1);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(c, 'y');
}

static jmp_buf outside;

static int32_t jump_out(opro_call *call, int32_t event, size_t index, void *user_data) {
    (void)call, (void)event, (void)index, (void)user_data;
    longjmp(outside, 1);
}

static opro_model *model_at(const char *url) {
    opro_model *model = NULL;

    opro_model_new(&model, NULL, NULL);
    opro_model_set_base_url(model, url, OPRO_ZT);
    opro_model_set_name(model, "m", 1);
    return model;
}

static opro_call *call_of(opro_model *model) {
    opro_call *call = NULL;

    opro_call_new(&call, model);
    opro_call_add_message(call, OPRO_ROLE_USER, "hello", OPRO_ZT);
    return call;
}

/* In a child, since libcurl's memory is lost with the client. */
static void jump(const char *url) {
    opro_model *volatile model = model_at(url), *other;
    opro_call *call = call_of(model), *fresh = NULL;

    IN_CHILD(opro_call_submit(call, jump_out, NULL, NULL) == OPRO_OK);
    if (setjmp(outside) == 0) {
        while (opro_model_poll(model, 5000) != OPRO_DONE)
            continue;
        say('n');
    }
    IN_CHILD(opro_model_poll(model, 0) == OPRO_ERR_REENTRANT);
    IN_CHILD(strstr(opro_error_message(opro_model_error(model), NULL), "the callback of a call"));
    opro_model_free(model);
    IN_CHILD(opro_model_set_name(model, "x", 1) == OPRO_ERR_REENTRANT); /* it is there */
    other = model_at(url); /* others are not concerned */
    fresh = call_of(other);
    IN_CHILD(opro_call_submit(fresh, NULL, NULL, NULL) == OPRO_OK);
    while (opro_model_poll(other, 5000) != OPRO_DONE)
        continue;
    IN_CHILD(strcmp(opro_call_reply(fresh, 0, NULL), "reply 0") == 0);
    opro_call_free(fresh);
    opro_model_free(other);
    say('y');
}

static void who_jumps_out_of_a_calls_callback_leaves_its_client_in_it_and_no_others(void **state) {
    pid_t child;
    world w;

    (void)state;
    begin(&w, answer, NULL, NULL);
    child = fork();
    if (child == 0) jump(w.url);
    end_child(child);
    end(&w);
}

/* ---- never answers --------------------------------------------------------------------------- */

static void an_endpoint_that_never_answers_does_not_outlast_the_deadline_of_a_call(void **state) {
    int never = 1000000;
    opro_call *call;
    world w;

    (void)state;
    begin(&w, answer, &never, NULL);
    call = ask(&w, "hello", 1, 1.0);
    assert_int_equal(opro_call_set_deadline(call, 20), OPRO_OK);
    submit(call);
    run(&w);
    assert_int_equal(opro_call_outcome(call, 0), OPRO_OUTCOME_FAILED);
    assert_int_equal(opro_call_failure(call), OPRO_FAILURE_DEADLINE);
    opro_call_free(call);
    end(&w);
}

/* ---- forks ----------------------------------------------------------------------------------- */

/* Everything that changes a client, in a child of the process that made it. */
static void misuse_in_a_child(world *w, opro_call *under_way, opro_call *fresh) {
    opro_model *m = w->model;
    opro_call *made = NULL;
    opro_optimizer *optimizer = NULL;

    IN_CHILD(opro_model_poll(m, 0) == OPRO_ERR_STATE);
    IN_CHILD(strstr(opro_error_message(opro_model_error(m), NULL), "another process"));
    IN_CHILD(opro_model_wakeup(m) == OPRO_ERR_STATE);
    IN_CHILD(opro_model_set_name(m, "x", 1) == OPRO_ERR_STATE);
    IN_CHILD(opro_model_set_key(m, "x", 1) == OPRO_ERR_STATE);
    IN_CHILD(opro_model_set_header(m, "X-A", 3, "x", 1) == OPRO_ERR_STATE);
    IN_CHILD(opro_model_record(m, "/nowhere/x", OPRO_ZT) == OPRO_ERR_STATE);
    IN_CHILD(opro_model_socket_action(m, 3, OPRO_POLL_IN) == OPRO_ERR_STATE);
    IN_CHILD(opro_model_timer_action(m) == OPRO_ERR_STATE);
    IN_CHILD(opro_call_new(&made, m) == OPRO_ERR_STATE && !made);
    IN_CHILD(opro_call_add_message(fresh, OPRO_ROLE_USER, "x", 1) == OPRO_ERR_STATE);
    IN_CHILD(opro_call_submit(fresh, NULL, NULL, NULL) == OPRO_ERR_STATE);
    IN_CHILD(!opro_call_done(under_way)); /* reading is allowed */
    if (opro_optimizer_new_model(&optimizer, m, NULL) == OPRO_OK) opro_optimizer_free(optimizer);
    opro_call_free(under_way);
    opro_call_free(fresh);
    opro_model_free(m);
    say('y');
}

static void a_child_cannot_change_a_client_and_freeing_it_leaves_it_to_the_parent(void **state) {
    int slowly = 100;
    opro_call *under_way, *fresh;
    pid_t child;
    world w;

    (void)state;
    begin(&w, answer, &slowly, NULL);
    under_way = ask(&w, "hello", 1, 1.0);
    fresh = ask(&w, "later", 1, 1.0);
    submit(under_way);
    while (!opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT))
        opro_model_poll(w.model, 1);
    child = fork();
    if (child == 0) misuse_in_a_child(&w, under_way, fresh);
    end_child(child);
    submit(fresh);
    run(&w);
    assert_string_equal(opro_call_reply(under_way, 0, NULL), "reply 0");
    assert_string_equal(opro_call_reply(fresh, 0, NULL), "reply 0");
    pthread_mutex_lock(&w.server->lock);
    assert_int_equal(w.server->n, 2); /* nobody else spoke */
    pthread_mutex_unlock(&w.server->lock);
    opro_call_free(under_way);
    opro_call_free(fresh);
    end(&w);
}

/* A run whose proposals a client makes. */
static int32_t score(opro_run *run, opro_request *request, void *user_data) {
    const double half = 0.5;

    (void)user_data;
    return opro_run_answer_scores(run, opro_request_id(request), &half, 1);
}

static opro_driver *driver_of(world *w) {
    opro_problem *problem;
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_driver *driver;

    set(w, "steps", "1");
    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_driver_new(&driver, problem, w->config, NULL), OPRO_OK);
    assert_int_equal(opro_optimizer_new_model(&optimizer, w->model, NULL), OPRO_OK);
    assert_int_equal(opro_scorer_new(&scorer, score, NULL, NULL, NULL), OPRO_OK);
    opro_driver_set_optimizer(driver, optimizer);
    opro_driver_set_scorer(driver, scorer);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    return driver;
}

static void go_on_in_a_child(world *w, opro_driver *driver) {
    IN_CHILD(opro_driver_step(driver) == OPRO_ERR_STATE);
    IN_CHILD(strstr(opro_error_message(opro_driver_error(driver), NULL), "another process"));
    opro_driver_free(driver);
    opro_model_free(w->model);
    say('y');
}

static void a_driver_with_a_client_fails_in_a_child_and_goes_on_in_the_parent(void **state) {
    int slowly = 100;
    opro_driver *driver;
    pid_t child;
    size_t asked;
    world w;

    (void)state;
    begin(&w, answer, &slowly, NULL);
    driver = driver_of(&w);
    while (!opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT))
        assert_true(opro_driver_poll(driver, 1) >= 0);
    asked = (size_t)opro_model_figure(w.model, OPRO_MODEL_REQUESTS);
    child = fork();
    if (child == 0) go_on_in_a_child(&w, driver);
    end_child(child);
    assert_int_equal(opro_driver_run(driver), OPRO_OK);
    assert_int_equal(opro_run_stop_reason(opro_driver_run_handle(driver)), OPRO_STOP_STEPS);
    assert_true((size_t)opro_model_figure(w.model, OPRO_MODEL_REQUESTS) >= asked);
    pthread_mutex_lock(&w.server->lock);
    assert_int_equal(w.server->n, opro_model_figure(w.model, OPRO_MODEL_REQUESTS));
    pthread_mutex_unlock(&w.server->lock);
    opro_driver_free(driver);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_is_a_callback_of_the_client_that_logs),
        cmocka_unit_test(a_call_that_is_freed_by_its_destroy_function_is_freed_once),
        cmocka_unit_test(a_destroy_function_of_a_client_cannot_free_it),
        cmocka_unit_test(a_call_that_is_freed_in_its_callback_goes_when_that_has_returned),
        cmocka_unit_test(who_jumps_out_of_a_calls_callback_leaves_its_client_in_it_and_no_others),
        cmocka_unit_test(an_endpoint_that_never_answers_does_not_outlast_the_deadline_of_a_call),
        cmocka_unit_test(a_child_cannot_change_a_client_and_freeing_it_leaves_it_to_the_parent),
        cmocka_unit_test(a_driver_with_a_client_fails_in_a_child_and_goes_on_in_the_parent),
    };

    return pipe(said) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
