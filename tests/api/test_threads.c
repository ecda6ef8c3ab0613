/* SPDX-License-Identifier: MIT */
/*
 * Answers from other threads, stop and wakeup from other threads, and runs in several threads: to
 * be run under TSan too.
 */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "host.h"

#define WORKERS 4

/* ---- workers that answer what the driver asks ------------------------------------------------ */

typedef struct work {
    uint64_t id;
    int32_t kind;
    size_t n;
    double score;
} work;

/* What is to be done, for whoever has time. */
typedef struct office {
    pthread_mutex_t lock;
    pthread_cond_t came;
    work queue[4096];
    size_t n, taken;
    int closed;
    opro_driver *driver;
    int rubbish; /* workers post things that are of no use, too */
    long asked[2];
} office;

static void office_put(office *o, opro_request *request) {
    work w = {.id = opro_request_id(request), .kind = opro_request_kind(request)};
    size_t len;
    const char *text = opro_request_text(request, &len);

    w.n = opro_request_samples(request);
    w.score = score_of_text(text, len);
    if (w.kind == OPRO_REQUEST_SCORE) opro_request_instances(request, &w.n);
    pthread_mutex_lock(&o->lock);
    assert_true(o->n < sizeof o->queue / sizeof *o->queue);
    o->queue[o->n++] = w;
    o->asked[w.kind == OPRO_REQUEST_SCORE]++;
    pthread_cond_signal(&o->came);
    pthread_mutex_unlock(&o->lock);
}

static int office_take(office *o, work *w) {
    int got;

    pthread_mutex_lock(&o->lock);
    while (o->taken == o->n && !o->closed)
        pthread_cond_wait(&o->came, &o->lock);
    got = o->taken < o->n;
    if (got) *w = o->queue[o->taken++];
    pthread_mutex_unlock(&o->lock);
    return got;
}

static void post_rubbish(office *o, const work *w) {
    double score = 2;

    opro_driver_post_reply(o->driver, w->id + 1000, 0, 0, "unknown", OPRO_ZT);
    opro_driver_post_scores(o->driver, w->id, &score, 1); /* out of range, or of the wrong kind */
    opro_driver_post_reply(o->driver, w->id, 77, 0, "index", OPRO_ZT);
    opro_driver_wakeup(o->driver);
}

/* Threads must not call cmocka's assertions: they would jump out of the wrong stack. */
static void *worker(void *user_data) {
    office *o = user_data;
    work w;

    while (office_take(o, &w)) {
        if (o->rubbish) post_rubbish(o, &w);
        opro_driver_post_usage(o->driver, w.id, 1, 2, 3);
        for (size_t i = 0; i < w.n && w.kind == OPRO_REQUEST_PROPOSE; i++) {
            char reply[64];

            snprintf(reply, sizeof reply, CANDIDATE("idea %llu %zu"), (unsigned long long)w.id, i);
            opro_driver_post_reply(o->driver, w.id, i, 300, reply, OPRO_ZT);
            if (o->rubbish) opro_driver_post_reply(o->driver, w.id, i, 300, "again", OPRO_ZT);
        }
        if (w.kind == OPRO_REQUEST_SCORE) opro_driver_post_scores(o->driver, w.id, &w.score, 1);
        if (o->rubbish) opro_driver_post_error(o->driver, w.id, OPRO_ERR_FAILED, "late", OPRO_ZT);
    }
    return NULL;
}

static int32_t hand_over(opro_run *run, opro_request *request, void *user_data) {
    (void)run;
    office_put(user_data, request);
    return OPRO_PENDING;
}

static opro_driver *office_driver(office *o, const char *settings) {
    opro_problem *problem = text_problem();
    opro_config *config = config_of(settings);
    opro_optimizer *optimizer;
    opro_scorer *scorer;

    memset(o, 0, sizeof *o);
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->came, NULL);
    assert_int_equal(opro_driver_new(&o->driver, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_optimizer_new(&optimizer, hand_over, o, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_scorer_new(&scorer, hand_over, o, NULL, NULL), OPRO_OK);
    opro_driver_set_optimizer(o->driver, optimizer);
    opro_driver_set_scorer(o->driver, scorer);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    opro_config_free(config);
    return o->driver;
}

static void office_open(office *o, pthread_t *threads, int n) {
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, worker, o), 0);
}

static void office_close(office *o, pthread_t *threads, int n) {
    pthread_mutex_lock(&o->lock);
    o->closed = 1;
    pthread_cond_broadcast(&o->came);
    pthread_mutex_unlock(&o->lock);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->came);
    opro_driver_free(o->driver);
}

/* To the end by run, step or poll; workers may wake it up in between. */
static opro_status go_on(opro_driver *driver, int how) {
    opro_status st;

    do
        st = how == 0   ? opro_driver_run(driver)
             : how == 1 ? opro_driver_step(driver)
                        : opro_driver_poll(driver, how == 2 ? -1 : 100);
    while (st == OPRO_WAIT || (how && st == OPRO_OK));
    return st;
}

static void workers_answer(const char *settings, int rubbish) {
    for (int how = 0; how < 4; how++) {
        pthread_t threads[WORKERS];
        static office o;
        opro_driver *driver = office_driver(&o, settings);
        const opro_trajectory *t = opro_driver_trajectory(driver);

        o.rubbish = rubbish;
        office_open(&o, threads, WORKERS);
        assert_int_equal(go_on(driver, how), how ? OPRO_DONE : OPRO_OK);
        assert_int_equal(opro_run_stop_reason(opro_driver_run_handle(driver)), OPRO_STOP_STEPS);
        assert_int_equal(opro_trajectory_steps(t), 10);
        assert_int_equal(opro_trajectory_scored(t), 80);
        assert_int_equal(opro_trajectory_count(t), 80);
        assert_int_equal(o.asked[1], 80);
        assert_int_equal(opro_run_count(opro_driver_run_handle(driver), OPRO_COUNT_IN_FLIGHT), 0);
        if (!rubbish)
            assert_int_equal(opro_run_count(opro_driver_run_handle(driver), OPRO_COUNT_COST),
                             3 * (o.asked[0] + o.asked[1]));
        office_close(&o, threads, WORKERS);
    }
}

static void workers_answer_steps(void **state) {
    (void)state;
    workers_answer("steps=10 samples_per_step=8 samples_per_request=1", 0);
    workers_answer("steps=10 samples_per_step=8 samples_per_request=3", 0);
}

static void workers_answer_steadily(void **state) {
    (void)state;
    workers_answer("mode=steady steps=10 steady_samples=8 samples_per_request=2", 0);
}

static void workers_post_rubbish_too(void **state) {
    (void)state;
    workers_answer("steps=10 samples_per_step=8 samples_per_request=1", 1);
}

/* ---- stop and wakeup ------------------------------------------------------------------------- */

static void *stopper(void *user_data) {
    opro_driver_stop(user_data);
    return NULL;
}

static void *waker(void *user_data) {
    opro_driver_wakeup(user_data);
    return NULL;
}

/* Nobody answers. The driver waits for ever, or until another thread has had enough. */
static void another_thread_stops_a_waiting_driver(void **state) {
    (void)state;
    for (int how = 0; how < 3; how++) {
        static office o;
        opro_driver *driver = office_driver(&o, "");
        pthread_t thread;

        assert_int_equal(opro_driver_poll(driver, 0), OPRO_OK);
        pthread_create(&thread, NULL, stopper, driver);
        assert_int_equal(go_on(driver, how), how ? OPRO_DONE : OPRO_OK);
        assert_int_equal(opro_run_stop_reason(opro_driver_run_handle(driver)), OPRO_STOP_HOST);
        pthread_join(thread, NULL);
        office_close(&o, NULL, 0);
    }
}

static void another_thread_wakes_a_waiting_driver(void **state) {
    static office o;
    opro_driver *driver = office_driver(&o, "");
    pthread_t thread;

    (void)state;
    pthread_create(&thread, NULL, waker, driver);
    assert_int_equal(opro_driver_step(driver), OPRO_WAIT);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, waker, driver);
    assert_int_equal(opro_driver_poll(driver, -1), OPRO_WAIT);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, waker, driver);
    assert_int_equal(opro_driver_run(driver), OPRO_WAIT);
    pthread_join(thread, NULL);
    office_close(&o, NULL, 0);
}

/* In the middle of everything, with workers at work. */
static void a_stop_amid_answers(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        pthread_t threads[WORKERS], thread;
        static office o;
        opro_driver *driver = office_driver(&o, "steps=0 samples_per_request=1");

        office_open(&o, threads, WORKERS);
        for (int i = 0; i < round; i++)
            assert_true(opro_driver_poll(driver, -1) >= 0);
        pthread_create(&thread, NULL, stopper, driver);
        assert_int_equal(opro_driver_run(driver), OPRO_OK);
        pthread_join(thread, NULL);
        assert_int_equal(opro_run_stop_reason(opro_driver_run_handle(driver)), OPRO_STOP_HOST);
        assert_int_equal(opro_run_count(opro_driver_run_handle(driver), OPRO_COUNT_IN_FLIGHT), 0);
        office_close(&o, threads, WORKERS);
    }
}

/* ---- a loop of the host's own ---------------------------------------------------------------- */

static void write_to_pipe(void *user_data) {
    ssize_t written = write(*(int *)user_data, "x", 1);

    (void)written; /* when the pipe is full, the loop will wake up anyway */
}

static void a_loop_of_the_hosts_own(void **state) {
    static office o;
    opro_driver *driver = office_driver(&o, "steps=5 samples_per_request=1");
    pthread_t threads[WORKERS];
    int ends[2];
    opro_status st;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(opro_driver_set_wakeup_fn(driver, write_to_pipe, &ends[1], NULL), OPRO_OK);
    office_open(&o, threads, WORKERS);
    while ((st = opro_driver_poll(driver, 0)) != OPRO_DONE) {
        struct pollfd fd = {.fd = ends[0], .events = POLLIN};
        char bytes[64];

        assert_true(st == OPRO_OK || st == OPRO_WAIT);
        if (st == OPRO_OK) continue;
        assert_int_equal(poll(&fd, 1, -1), 1);
        assert_true(read(ends[0], bytes, sizeof bytes) > 0);
    }
    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(driver)), 40);
    office_close(&o, threads, WORKERS);
    close(ends[0]);
    close(ends[1]);
}

/* ---- objects of their own -------------------------------------------------------------------- */

typedef struct own_run {
    opro_problem *problem;
    const opro_config *config;
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    uint64_t hash;
    opro_status status;
} own_run;

static int32_t answer_at_once(opro_run *run, opro_request *request, void *user_data) {
    (void)user_data;
    return answer_any(run, request);
}

static void *run_alone(void *user_data) {
    own_run *own = user_data;
    opro_driver *driver;

    own->status = opro_driver_new(&driver, own->problem, own->config, NULL);
    if (own->status != OPRO_OK) return NULL;
    opro_driver_set_optimizer(driver, own->optimizer);
    opro_driver_set_scorer(driver, own->scorer);
    own->status = opro_driver_run(driver);
    own->hash = opro_run_state_hash(opro_driver_run_handle(driver));
    opro_driver_free(driver);
    return NULL;
}

static int32_t always_legal(const opro_problem *problem, const char *text, size_t len,
                            opro_sink *sink, void *user_data) {
    (void)problem;
    (void)text;
    (void)len;
    (void)user_data;
    return opro_sink_count(sink, 0);
}

/*
 * Runs of one problem, made, run and freed in threads of their own, with one optimizer and scorer.
 */
static void runs_in_threads_share_a_problem(void **state) {
    opro_problem *problem = text_problem();
    opro_config *config = config_of("steps=20");
    own_run runs[WORKERS];
    pthread_t threads[WORKERS];
    opro_optimizer *optimizer;
    opro_scorer *scorer;

    (void)state;
    opro_problem_set_check_fn(problem, always_legal, NULL, NULL);
    opro_problem_add_initial(problem, "start", OPRO_ZT);
    opro_problem_add_exemplar(problem, "1 + 1", OPRO_ZT, "2", OPRO_ZT);
    opro_optimizer_new(&optimizer, answer_at_once, NULL, NULL, NULL);
    opro_scorer_new(&scorer, answer_at_once, NULL, NULL, NULL);
    for (int i = 0; i < WORKERS; i++) {
        runs[i] = (own_run){
            .problem = problem, .config = config, .optimizer = optimizer, .scorer = scorer};
        assert_int_equal(pthread_create(&threads[i], NULL, run_alone, &runs[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(runs[i].status, OPRO_OK);
        assert_true(runs[i].hash == runs[0].hash);
    }
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
    opro_config_free(config);
    opro_problem_free(problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_answer_steps),
        cmocka_unit_test(workers_answer_steadily),
        cmocka_unit_test(workers_post_rubbish_too),
        cmocka_unit_test(another_thread_stops_a_waiting_driver),
        cmocka_unit_test(another_thread_wakes_a_waiting_driver),
        cmocka_unit_test(a_stop_amid_answers),
        cmocka_unit_test(a_loop_of_the_hosts_own),
        cmocka_unit_test(runs_in_threads_share_a_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
