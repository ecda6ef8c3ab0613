/* SPDX-License-Identifier: MIT */
/*
 * Drivers whose optimizer or scorer has an engine: one that answers when its pipe is readable, or
 * when its time has come. To be run under TSan too.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "../api/host.h"

#include "core/answerer.h"
#include "core/run.h"
#include "driver/clock.h"
#include "driver/engines.h"

#define JOBS 512

/* When an engine answers what it was asked. */
enum {
    BY_PIPE, /* when its pipe was written to, which it sees to at once            */
    BY_TIME, /* after 2 ms; it has no descriptor                                  */
    BY_BOTH, /* after 2 ms; it has one                                            */
    NEVER,
    SLOWLY /* when its pipe was written to for the fifth time                     */
};

typedef struct job {
    opro_run *run;
    opro_request *request;
    int64_t due;
} job;

/* An engine, and the optimizer or scorer that it belongs to. */
typedef struct machine {
    opro__engine engine;
    int how;
    int idle; /* its jobs are never due */
    int pipe[2];
    job jobs[JOBS];
    size_t n;
    long worked, asked; /* how often */
    int drained;
    opro_status fails;    /* of the next work */
    opro_driver *visited; /* gets a post during the next work */
} machine;

static void ring(machine *m) {
    while (write(m->pipe[1], "x", 1) < 0 && errno == EINTR) {
    }
}

static int machine_fd(void *ctx) {
    const machine *m = ctx;

    return m->how == BY_TIME ? -1 : m->pipe[0];
}

static int64_t machine_timeout(void *ctx) {
    const machine *m = ctx;
    int64_t left = -1;

    for (size_t i = 0; i < m->n; i++) {
        int64_t ms = m->jobs[i].due - opro__clock_ms();

        if (m->jobs[i].due != INT64_MAX && (left < 0 || ms < left)) left = ms < 0 ? 0 : ms;
    }
    return left;
}

/* Jobs whose time has come; an answer may bring new ones. */
static int answer_due(machine *m, int64_t now) {
    int did = 0;

    for (size_t i = 0; i < m->n;) {
        job j = m->jobs[i];

        if (j.due > now) {
            i++;
            continue;
        }
        m->jobs[i] = m->jobs[--m->n];
        answer_any(j.run, j.request); /* stale if the run has stopped meanwhile */
        did = 1;
    }
    return did;
}

static opro_status machine_work(void *ctx, opro_error *err) {
    machine *m = ctx;
    opro_status st = m->fails;
    char bytes[64];
    ssize_t n;
    int drained = 0;

    m->worked++;
    m->fails = OPRO_OK;
    if (st < 0) return opro__fail(err, st, "the machine is broken");
    if (m->visited) opro_driver_post_error(m->visited, 1, OPRO_ERR_FAILED, "in between", OPRO_ZT);
    m->visited = NULL;
    while ((n = read(m->pipe[0], bytes, sizeof bytes)) > 0)
        drained = 1;
    m->drained += drained;
    if (m->how == SLOWLY && m->n && m->drained < 5) {
        ring(m);
        return OPRO_WAIT;
    }
    if (m->how == SLOWLY || (m->how == BY_PIPE && drained))
        return answer_due(m, INT64_MAX) ? OPRO_OK : OPRO_DONE;
    return answer_due(m, m->how == NEVER ? INT64_MIN : opro__clock_ms()) ? OPRO_OK : OPRO_WAIT;
}

static void machine_wake(void *ctx) {
    ring(ctx);
}

static int32_t machine_take(opro_run *run, opro_request *request, void *user_data) {
    machine *m = user_data;

    assert_true(m->n < JOBS);
    m->asked++;
    m->jobs[m->n++] = (job){
        run, request,
        (m->how == BY_TIME || m->how == BY_BOTH) && !m->idle ? opro__clock_ms() + 2 : INT64_MAX};
    if (m->how == BY_PIPE || m->how == SLOWLY) ring(m);
    return OPRO_PENDING;
}

static void machine_make(machine *m, int how) {
    memset(m, 0, sizeof *m);
    m->how = how;
    m->engine = (opro__engine){machine_fd, machine_timeout, machine_work, machine_wake, m};
    assert_int_equal(pipe(m->pipe), 0);
    for (int i = 0; i < 2; i++)
        fcntl(m->pipe[i], F_SETFL, O_NONBLOCK);
}

static void machine_break(machine *m) {
    close(m->pipe[0]);
    close(m->pipe[1]);
}

static void use_optimizer(host *h, machine *m) {
    opro_optimizer *optimizer;

    assert_int_equal(opro_optimizer_new(&optimizer, machine_take, m, NULL, NULL), OPRO_OK);
    optimizer->engines[0] = &m->engine;
    assert_int_equal(opro_driver_set_optimizer(h->driver, optimizer), OPRO_OK);
    opro_optimizer_free(optimizer);
}

static void use_scorer(host *h, machine *m) {
    opro_scorer *scorer;

    assert_int_equal(opro_scorer_new(&scorer, machine_take, m, NULL, NULL), OPRO_OK);
    scorer->engines[1] = &m->engine;
    assert_int_equal(opro_driver_set_scorer(h->driver, scorer), OPRO_OK);
    opro_scorer_free(scorer);
}

/* ---- the list by itself ---------------------------------------------------------------------- */

static void use(opro__engines *list, const opro__engine *a, const opro__engine *b) {
    const opro__engine *const both[OPRO__ENGINES_EACH] = {a, b};

    list->n = 0;
    opro__engines_add(list, both);
    opro__engines_add(list, both);
}

static void engines_of_one_machine_are_one(void **state) {
    machine a, b;
    opro__engines list;
    opro_error err;
    int did = 0;

    (void)state;
    machine_make(&a, BY_PIPE);
    machine_make(&b, BY_BOTH);
    use(&list, &a.engine, &a.engine);
    assert_int_equal(list.n, 1);
    assert_int_equal(opro__engines_work(&list, &did, &err), OPRO_OK);
    assert_int_equal(a.worked, 1);
    use(&list, NULL, &b.engine);
    assert_int_equal(list.n, 1);
    use(&list, &a.engine, &b.engine);
    assert_int_equal(list.n, 2);
    assert_int_equal(opro__engines_work(&list, &did, &err), OPRO_OK);
    assert_int_equal(did, 0);
    assert_int_equal(opro__engines_timeout(&list), -1);
    b.jobs[b.n++].due = INT64_MAX / 2;
    assert_true(opro__engines_timeout(&list) > 1000000);
    a.jobs[a.n++].due = opro__clock_ms();
    assert_int_equal(opro__engines_timeout(&list), 0);
    ring(&b);
    assert_int_equal(opro__engines_wait(&list, -1), 1); /* either ends it */
    use(&list, NULL, NULL);
    assert_int_equal(opro__engines_timeout(&list), -1);
    assert_int_equal(opro__engines_wait(&list, -1), 0); /* nothing to wait for */
    machine_break(&a);
    machine_break(&b);
}

/* ---- driven to the end ----------------------------------------------------------------------- */

static const char settings[] = "steps=6 samples_per_step=6 samples_per_request=2";

/* What the run looks like at its end, with answers from these machines (-1: at once). */
static uint64_t hash_of(int optimizer, int scorer, int same) {
    host h;
    machine a, b;
    uint64_t hash;

    host_make(&h, text_problem(), settings);
    machine_make(&a, optimizer);
    machine_make(&b, scorer);
    if (optimizer >= 0) use_optimizer(&h, &a);
    if (scorer >= 0) use_scorer(&h, same ? &a : &b);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_STEPS);
    hash = opro_run_state_hash(host_run(&h));
    opro_driver_free(h.driver);
    machine_break(&a);
    machine_break(&b);
    return hash;
}

static void a_run_is_the_same_whoever_answers(void **state) {
    static const int ways[] = {-1, BY_PIPE, BY_TIME, BY_BOTH};
    uint64_t expected = hash_of(-1, -1, 0);

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            assert_true(hash_of(ways[i], ways[k], 0) == expected);
    for (size_t i = 1; i < 4; i++)
        assert_true(hash_of(ways[i], ways[i], 1) == expected);
}

static void steps_and_polls_do_the_same(void **state) {
    host h;
    machine m;
    long steps = 0, polls = 0;
    opro_status st;

    (void)state;
    host_make(&h, text_problem(), settings);
    machine_make(&m, BY_PIPE);
    use_optimizer(&h, &m);
    while ((st = opro_driver_step(h.driver)) == OPRO_OK)
        assert_int_equal(opro_trajectory_steps(opro_driver_trajectory(h.driver)), ++steps);
    assert_int_equal(st, OPRO_DONE);
    assert_int_equal(steps, 6);
    opro_driver_free(h.driver);
    host_make(&h, text_problem(), settings);
    use_optimizer(&h, &m);
    while ((st = opro_driver_poll(h.driver, polls % 2 ? 0 : -1)) != OPRO_DONE) {
        assert_int_equal(st, OPRO_OK); /* the pipe is readable as soon as somebody asked */
        assert_true(++polls < 1000);
    }
    host_expect_stop(&h, OPRO_STOP_STEPS);
    opro_driver_free(h.driver);
    machine_break(&m);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void an_engine_works_at_each_poll(void **state) {
    host h;
    machine m;

    (void)state;
    host_make(&h, text_problem(), "samples_per_step=1");
    machine_make(&m, NEVER);
    use_optimizer(&h, &m);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK); /* it asked */
    for (long worked = m.worked, i = 1; i < 5; i++) {
        assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_WAIT);
        assert_int_equal(m.worked, worked + i);
    }
    assert_int_equal(opro_driver_poll(h.driver, 2), OPRO_WAIT);
    m.how = SLOWLY; /* what ends its wait is no news, four times */
    ring(&m);
    assert_int_equal(opro_driver_poll(h.driver, -1), OPRO_OK);
    assert_int_equal(m.drained, 5);
    assert_int_equal(opro_trajectory_count(opro_driver_trajectory(h.driver)), 1);
    opro_driver_free(h.driver);
    machine_break(&m);
}

static void deadlines_are_kept(void **state) {
    host h;
    machine m;

    (void)state;
    host_make(&h, text_problem(),
              "samples_per_step=1 resample_limit=0 request_timeout_ms=3 max_failures=4");
    machine_make(&m, NEVER);
    use_optimizer(&h, &m);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_FAILURES);
    assert_int_equal(m.asked, 4);
    opro_driver_free(h.driver);
    host_make(&h, text_problem(), "max_time_ms=5");
    use_optimizer(&h, &m);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_TIME);
    opro_driver_free(h.driver);
    machine_break(&m);
}

static void a_driver_says_when_it_is_due(void **state) {
    host h;
    machine m;
    int64_t ms;

    (void)state;
    host_make(&h, text_problem(), "samples_per_step=1 resample_limit=0");
    machine_make(&m, NEVER);
    use_optimizer(&h, &m);
    assert_int_equal(opro_driver_timeout(NULL), -1);
    assert_int_equal(opro_driver_timeout(h.driver), 0); /* it has not begun */
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_WAIT);
    assert_int_equal(opro_driver_timeout(h.driver), -1);
    opro_driver_post_usage(h.driver, m.jobs[0].request->id, 1, 1, 1);
    assert_int_equal(opro_driver_timeout(h.driver), 0);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK);
    assert_int_equal(opro_driver_timeout(h.driver), -1);
    m.jobs[0].due = opro__clock_ms() + 1000000;
    ms = opro_driver_timeout(h.driver);
    assert_true(ms > 0 && ms <= 1000000);
    opro_driver_stop(h.driver);
    assert_int_equal(opro_driver_timeout(h.driver), 0);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_DONE);
    assert_int_equal(opro_driver_timeout(h.driver), -1);
    opro_driver_free(h.driver);
    machine_break(&m);
}

static void deadlines_of_the_run_count_by_the_clock_in_use(void **state) {
    host h;

    (void)state;
    host_make(&h, text_problem(), "request_timeout_ms=100 samples_per_step=1");
    host_use_clock(&h, 0);
    h.behaviour[0] = LATER;
    opro_driver_poll(h.driver, 0);
    assert_int_equal(opro_driver_timeout(h.driver), 100);
    h.clock_ms = 60;
    assert_int_equal(opro_driver_timeout(h.driver), 40);
    h.clock_ms = 100;
    assert_int_equal(opro_driver_timeout(h.driver), 0);
    h.clock_ms = 50;
    h.clock_returns = OPRO_ERR_FAILED; /* the next poll will say it */
    assert_int_equal(opro_driver_timeout(h.driver), 0);
    assert_message(opro_driver_error(h.driver), OPRO_ERR_FAILED);
    opro_driver_free(h.driver);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void a_failing_engine_says_why(void **state) {
    host h;
    machine m;

    (void)state;
    host_make(&h, text_problem(), settings);
    machine_make(&m, BY_PIPE);
    use_optimizer(&h, &m);
    m.fails = OPRO_ERR_NOMEM;
    assert_int_equal(opro_driver_step(h.driver), OPRO_ERR_NOMEM);
    assert_string_equal(opro_error_message(opro_driver_error(h.driver), NULL),
                        "the machine is broken");
    host_expect_stop(&h, OPRO_STOP_NONE); /* that is no reason to give up */
    assert_int_equal(opro_driver_step(h.driver), OPRO_OK);
    m.fails = OPRO_ERR_FAILED;
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_ERR_FAILED);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_STEPS);
    opro_driver_free(h.driver);
    machine_break(&m);
}

/* What an engine's answers return is seen by nobody but the driver. */
static void a_failure_by_an_answer_is_told(void **state) {
    host h;
    machine m;

    (void)state;
    host_make(&h, text_problem(), settings);
    machine_make(&m, BY_PIPE);
    use_optimizer(&h, &m);
    h.ear.answer_to = OPRO_EVENT_REPLY;
    h.ear.answer = OPRO_ERR_LIMIT;
    assert_int_equal(opro_driver_run(h.driver), OPRO_ERR_LIMIT);
    assert_message(opro_driver_error(h.driver), OPRO_ERR_LIMIT);
    host_expect_stop(&h, OPRO_STOP_ERROR);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    opro_driver_free(h.driver);
    machine_break(&m);
}

static void a_stop_by_an_answer_is_the_end(void **state) {
    host h;
    machine m;

    (void)state;
    host_make(&h, text_problem(), settings);
    machine_make(&m, BY_PIPE);
    use_optimizer(&h, &m);
    h.ear.stop_at = OPRO_EVENT_REPLY;
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_HOST);
    opro_driver_free(h.driver);
    machine_break(&m);
}

/* ---- other threads --------------------------------------------------------------------------- */

typedef struct visitor {
    opro_driver *driver;
    machine *machine;
    pthread_t thread;
    long posts;
} visitor;

static void *stop_it(void *user_data) {
    opro_driver_stop(((visitor *)user_data)->driver);
    return NULL;
}

static void *wake_it(void *user_data) {
    opro_driver_wakeup(((visitor *)user_data)->driver);
    return NULL;
}

/* Usage for requests that never were: all the driver does is look. */
static void *post_much(void *user_data) {
    visitor *v = user_data;

    for (long i = 0; i < v->posts; i++)
        opro_driver_post_usage(v->driver, 999999, 1, 1, 1);
    opro_driver_post_error(v->driver, 1, OPRO_ERR_FAILED, "the last", OPRO_ZT);
    return NULL;
}

static void visit(visitor *v, void *(*what)(void *), host *h, machine *m) {
    *v = (visitor){.driver = h->driver, .machine = m, .posts = 2000};
    assert_int_equal(pthread_create(&v->thread, NULL, what, v), 0);
}

static void other_threads_end_the_wait(void **state) {
    static const int ways[] = {NEVER, BY_TIME, BY_BOTH}; /* for ever, or nothing to wait on */
    host h;
    machine m;
    visitor v;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        host_make(&h, text_problem(), "samples_per_step=1 resample_limit=0 max_failures=1");
        machine_make(&m, ways[i]);
        m.idle = 1;
        use_optimizer(&h, &m);
        assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK);
        visit(&v, wake_it, &h, &m);
        assert_int_equal(opro_driver_step(h.driver), OPRO_WAIT);
        pthread_join(v.thread, NULL);
        visit(&v, wake_it, &h, &m);
        assert_int_equal(opro_driver_poll(h.driver, -1), OPRO_WAIT);
        pthread_join(v.thread, NULL);
        visit(&v, stop_it, &h, &m);
        assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
        pthread_join(v.thread, NULL);
        host_expect_stop(&h, OPRO_STOP_HOST);
        opro_driver_free(h.driver);
        machine_break(&m);
    }
}

/* No post is slept over, whenever it comes: the last one ends the run. */
static void no_post_is_lost(void **state) {
    host h;
    machine m;
    visitor v;

    (void)state;
    host_make(&h, text_problem(), "samples_per_step=1 resample_limit=0 max_failures=1");
    machine_make(&m, NEVER);
    use_optimizer(&h, &m);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK);
    visit(&v, post_much, &h, &m);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    pthread_join(v.thread, NULL);
    host_expect_stop(&h, OPRO_STOP_FAILURES);
    opro_driver_free(h.driver);
    machine_break(&m);
}

/* A post may come after the inbox was emptied and before the machine forgets that it was woken. */
static void no_post_comes_between(void **state) {
    host h;
    machine m;

    (void)state;
    host_make(&h, text_problem(), "samples_per_step=1 resample_limit=0 max_failures=1");
    machine_make(&m, NEVER);
    use_optimizer(&h, &m);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK);
    m.visited = h.driver;
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_FAILURES);
    opro_driver_free(h.driver);
    machine_break(&m);
}

/* Threads post while it is decided who answers. */
static void engines_can_be_replaced(void **state) {
    host h;
    machine a, b;
    visitor v;

    (void)state;
    host_make(&h, text_problem(), "samples_per_step=1 resample_limit=0 max_failures=1");
    machine_make(&a, NEVER);
    machine_make(&b, NEVER);
    use_optimizer(&h, &a);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK);
    visit(&v, post_much, &h, &a);
    for (int i = 0; i < 200; i++) {
        use_optimizer(&h, i % 2 ? &a : &b);
        use_scorer(&h, i % 3 ? &a : &b);
    }
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    pthread_join(v.thread, NULL);
    host_expect_stop(&h, OPRO_STOP_FAILURES);
    opro_driver_free(h.driver);
    machine_break(&a);
    machine_break(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_of_one_machine_are_one),
        cmocka_unit_test(a_run_is_the_same_whoever_answers),
        cmocka_unit_test(steps_and_polls_do_the_same),
        cmocka_unit_test(an_engine_works_at_each_poll),
        cmocka_unit_test(deadlines_are_kept),
        cmocka_unit_test(a_driver_says_when_it_is_due),
        cmocka_unit_test(deadlines_of_the_run_count_by_the_clock_in_use),
        cmocka_unit_test(a_failing_engine_says_why),
        cmocka_unit_test(a_failure_by_an_answer_is_told),
        cmocka_unit_test(a_stop_by_an_answer_is_the_end),
        cmocka_unit_test(other_threads_end_the_wait),
        cmocka_unit_test(no_post_is_lost),
        cmocka_unit_test(no_post_comes_between),
        cmocka_unit_test(engines_can_be_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
