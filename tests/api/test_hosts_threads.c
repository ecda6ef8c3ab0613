/* SPDX-License-Identifier: MIT */
/*
 * Hosts that misbehave, with threads: those rules of that section of opro.h that are about threads
 * which post. To be run under TSan too.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "hosts.h"

#define THREADS 4

/* Let others run. */
static void wait_a_little(void) {
    const struct timespec moment = {.tv_nsec = 100000};

    nanosleep(&moment, NULL);
}

/* Threads must not call cmocka's assertions: they would jump out of the wrong stack. */
typedef struct poster {
    opro_driver *driver;
    uint64_t id;
    atomic_int over; /* it was told to end, or has had enough */
    atomic_int posted, refused, other;
} poster;

static void count(poster *p, opro_status st) {
    if (st == OPRO_OK)
        p->posted++;
    else if (st == OPRO_ERR_REENTRANT)
        p->refused++;
    else
        p->other++;
}

static void *post(void *user_data) {
    poster *p = user_data;
    double scores[3] = {0.5, 0.5, 0.5};

    for (int i = 0; i < 2000 && !p->over; i++) {
        count(p, opro_driver_post_scores(p->driver, p->id, scores, 3));
        count(p, opro_driver_post_reply(p->driver, 1, 0, 0, CANDIDATE("late"), OPRO_ZT));
        count(p, opro_driver_post_usage(p->driver, 1, 1, 1, 1));
        count(p, opro_driver_post_error(p->driver, p->id, OPRO_ERR_FAILED, "late", OPRO_ZT));
    }
    return NULL;
}

static uint64_t kept;

static int32_t answer_never(opro_run *run, opro_request *request, void *user_data) {
    (void)run, (void)user_data;
    kept = opro_request_id(request);
    return OPRO_PENDING;
}

/* It asks for scores that nobody delivers. */
static opro_driver *waiting_driver(const char *settings) {
    opro_problem *problem = text_problem();
    opro_config *config = config_of(settings);
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_driver *driver;

    opro_problem_add_initial(problem, "first", OPRO_ZT);
    assert_int_equal(opro_driver_new(&driver, problem, config, NULL), OPRO_OK);
    opro_optimizer_new(&optimizer, answer_never, NULL, NULL, NULL);
    opro_scorer_new(&scorer, answer_never, NULL, NULL, NULL);
    opro_driver_set_optimizer(driver, optimizer);
    opro_driver_set_scorer(driver, scorer);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    opro_config_free(config);
    assert_true(opro_driver_poll(driver, 0) >= 0);
    return driver;
}

/* ---- threads that post ----------------------------------------------------------------------- */

static void what_threads_posted_and_nobody_took_is_freed_with_the_driver(void **state) {
    (void)state;
    for (int stops = 0; stops < 2; stops++) {
        pthread_t threads[THREADS];
        poster p = {.driver = waiting_driver(""), .id = kept};

        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, post, &p), 0);
        if (stops) opro_driver_stop(p.driver);
        while (!p.posted)
            wait_a_little();
        p.over = stops; /* tell them, join them, then free */
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        assert_true(p.posted > 0);
        assert_int_equal(p.refused + p.other, 0);
        opro_driver_free(p.driver);
    }
}

static void a_run_that_has_stopped_takes_posts_without_any_effect(void **state) {
    pthread_t threads[THREADS];
    poster p = {.driver = waiting_driver(""), .id = kept};
    opro_run *run = opro_driver_run_handle(p.driver);
    uint64_t hash;

    (void)state;
    opro_run_stop(run);
    hash = opro_run_state_hash(run);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post, &p), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(opro_driver_poll(p.driver, 0), OPRO_DONE);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(opro_driver_poll(p.driver, 0), OPRO_DONE);
    assert_true(opro_run_state_hash(run) == hash);
    assert_int_equal(p.posted, THREADS * 8000);
    opro_driver_free(p.driver);
}

/* Stale, unknown and senseless ones are all heard of, and the one that is right counts. */
static int32_t count_failures(opro_run *run, const opro_event *event, void *user_data) {
    (void)run;
    *(long *)user_data += opro_event_kind(event) == OPRO_EVENT_FAILED;
    return OPRO_OK;
}

static void late_posts_of_threads_are_counted_and_nothing_else(void **state) {
    opro_problem *problem;
    pthread_t threads[THREADS];
    poster p = {.driver = waiting_driver("steps=1"), .id = kept};
    opro_run *run = opro_driver_run_handle(p.driver);
    double right = 0.25;
    long failures = 0;

    (void)state;
    problem = opro_run_problem(run);
    assert_int_equal(opro_problem_instances(problem, OPRO_TRAIN), 1);
    opro_driver_set_observer(p.driver, count_failures, &failures, NULL);
    assert_int_equal(opro_run_answer_scores(run, kept, &right, 1), OPRO_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post, &p), 0);
    for (int i = 0; i < 10; i++)
        wait_a_little();
    p.over = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    while (opro_driver_poll(p.driver, 0) == OPRO_OK)
        continue;
    assert_true(opro_trajectory_score(opro_run_trajectory(run), 0) == right);
    assert_int_equal(opro_trajectory_scored(opro_run_trajectory(run)), 1);
    assert_true(opro_run_count(run, OPRO_COUNT_STALE) > 0);
    assert_true(failures > 0);
    opro_driver_free(p.driver);
}

/* ---- the wakeup callback, on all those threads ----------------------------------------------- */

static void call_back_in(void *user_data) {
    poster *p = user_data;

    count(p, opro_driver_post_scores(p->driver, 1, (const double[]){1}, 1));
    count(p, opro_driver_stop(p->driver));
    count(p, opro_driver_poll(p->driver, 0));
    opro_driver_free(p->driver);
}

static void threads_that_call_back_in_when_they_wake_a_driver_are_refused(void **state) {
    pthread_t threads[THREADS];
    poster p = {.driver = waiting_driver(""), .id = kept};

    (void)state;
    assert_int_equal(opro_driver_set_wakeup_fn(p.driver, call_back_in, &p, NULL), OPRO_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post, &p), 0);
    for (int i = 0; i < 10; i++)
        wait_a_little();
    p.over = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(p.posted > 0);
    assert_int_equal(p.refused, 3 * p.posted);
    assert_int_equal(p.other, 0);
    assert_int_equal(opro_run_stop_reason(opro_driver_run_handle(p.driver)), OPRO_STOP_NONE);
    opro_driver_free(p.driver);
}

/* ---- a callback that does not return --------------------------------------------------------- */

typedef struct sleeper {
    opro_driver *driver;
    atomic_int asleep, stopped, calls;
} sleeper;

static void *stop_it(void *user_data) {
    sleeper *s = user_data;

    while (!s->asleep)
        wait_a_little();
    opro_driver_stop(s->driver);
    opro_driver_wakeup(s->driver);
    s->stopped = 1;
    return NULL;
}

/* It returns when the driver has been stopped: then nobody can have interrupted it. */
static int32_t sleep_in_it(opro_run *run, opro_request *request, void *user_data) {
    sleeper *s = user_data;

    s->calls++;
    s->asleep = 1;
    while (!s->stopped)
        wait_a_little();
    return answer_any(run, request);
}

static void a_stop_takes_effect_when_the_callback_has_returned(void **state) {
    sleeper s = {.driver = waiting_driver("steps=100 request_timeout_ms=1")};
    opro_run *run = opro_driver_run_handle(s.driver);
    opro_optimizer *optimizer;
    pthread_t thread;
    double right = 0.25;

    (void)state;
    opro_optimizer_new(&optimizer, sleep_in_it, &s, NULL, NULL);
    opro_driver_set_optimizer(s.driver, optimizer);
    opro_optimizer_free(optimizer);
    if (opro_run_count(run, OPRO_COUNT_IN_FLIGHT)) opro_run_answer_scores(run, kept, &right, 1);
    assert_int_equal(pthread_create(&thread, NULL, stop_it, &s), 0);
    assert_int_equal(opro_driver_run(s.driver), OPRO_OK);
    pthread_join(thread, NULL);
    assert_int_equal(s.calls, 1);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_HOST);
    opro_driver_free(s.driver);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_threads_posted_and_nobody_took_is_freed_with_the_driver),
        cmocka_unit_test(a_run_that_has_stopped_takes_posts_without_any_effect),
        cmocka_unit_test(late_posts_of_threads_are_counted_and_nothing_else),
        cmocka_unit_test(threads_that_call_back_in_when_they_wake_a_driver_are_refused),
        cmocka_unit_test(a_stop_takes_effect_when_the_callback_has_returned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
