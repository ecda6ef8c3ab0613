/* SPDX-License-Identifier: MIT */
/* Runs, scorers and hosts that end an exam in the middle, wherever they are. */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "exam_run.h"

/* ---- cancelling ------------------------------------------------------------------------------ */

static void ask_all(world *t, opro_run *run) {
    opro_request *request;

    while (opro_run_next(run, 0, &request) == OPRO_OK)
        assert_int_equal(opro_scorer_score(t->scorer, run, request), OPRO_PENDING);
    while (opro_model_poll(t->w.model, 0) == OPRO_OK)
        continue;
    assert_true(opro_model_figure(t->w.model, OPRO_MODEL_IN_FLIGHT) > 0);
}

static void a_closed_request_ends_its_exam(void **state) {
    world t;
    opro_run *run;
    opro_request *request;
    double scores[12] = {0};

    (void)state;
    open_world(&t, exam_say_nothing, 20, "race=off request_timeout_ms=10 max_failures=2");
    opro_problem_add_initial(t.problem, "one", OPRO_ZT);
    opro_problem_add_initial(t.problem, "two", OPRO_ZT);
    run = make_run(&t); /* stopped */
    ask_all(&t, run);
    opro_run_stop(run);
    exam_expect_idle(&t.w);
    opro_run_free(run);
    run = make_run(&t); /* out of time */
    ask_all(&t, run);
    opro_run_next(run, 10, &request);
    exam_expect_idle(&t.w);
    opro_run_free(run);
    run = make_run(&t); /* one answered by another, one gone */
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    assert_int_equal(opro_scorer_score(t.scorer, run, request), OPRO_PENDING);
    ask_all(&t, run);
    assert_int_equal(opro_run_answer_scores(run, opro_request_id(request), scores, 12), OPRO_OK);
    assert_true(opro_model_figure(t.w.model, OPRO_MODEL_WAITING) > 0); /* of the other */
    opro_run_free(run);
    exam_expect_idle(&t.w);
    close_world(&t);
}

static void a_scorer_that_goes_ends_its_exams(void **state) {
    world t;
    opro_run *run;

    (void)state;
    open_world(&t, exam_say_nothing, 20, "race=off");
    opro_problem_add_initial(t.problem, "one", OPRO_ZT);
    run = make_run(&t);
    ask_all(&t, run);
    opro_examiner_free(t.w.examiner); /* the scorer has a share */
    t.w.examiner = NULL;
    opro_scorer_free(t.scorer);
    t.scorer = NULL;
    exam_expect_idle(&t.w);
    opro_run_free(run);
    close_world(&t);
}

/* Whatever an observer of the run does, it does inside the callback of an exam. */
enum { STOPS_IT, FREES_SCORER, FREES_EXAMINER, FAILS_IT, MEDDLES };

typedef struct meddler {
    world *t;
    int what, done;
} meddler;

static int32_t meddle(opro_run *run, const opro_event *event, void *user_data) {
    meddler *m = user_data;

    if (opro_event_kind(event) != OPRO_EVENT_SCORED || m->done++) return OPRO_OK;
    if (m->what == STOPS_IT) opro_run_stop(run);
    if (m->what == FREES_SCORER) {
        opro_scorer_free(m->t->scorer);
        m->t->scorer = NULL;
    }
    if (m->what == FREES_EXAMINER) opro_examiner_free(m->t->w.examiner); /* refused */
    return m->what == FAILS_IT ? OPRO_ERR_FAILED : OPRO_OK;
}

static void an_answer_may_be_the_end(void **state) {
    (void)state;
    for (int what = 0; what < MEDDLES; what++) {
        world t;
        meddler m = {&t, what, 0};
        opro_run *run;
        opro_request *request;

        open_world(&t, exam_say_slowly, 20, "race=off confirm=off");
        opro_problem_add_initial(t.problem, "one", OPRO_ZT);
        opro_problem_add_initial(t.problem, "two", OPRO_ZT);
        run = make_run(&t);
        opro_run_set_observer(run, meddle, &m, NULL);
        while (opro_run_next(run, 0, &request) == OPRO_OK)
            opro_scorer_score(t.scorer, run, request);
        while (!m.done)
            assert_int_equal(opro_model_poll(t.w.model, -1), OPRO_OK);
        if (what == FREES_EXAMINER)
            while (opro_model_poll(t.w.model, -1) == OPRO_OK)
                continue;
        exam_expect_idle(&t.w);
        expect_stop(run, what == STOPS_IT   ? OPRO_STOP_HOST
                         : what == FAILS_IT ? OPRO_STOP_ERROR
                                            : OPRO_STOP_NONE);
        opro_run_free(run);
        close_world(&t);
    }
}

/* Inside the callback of somebody else's exam, a metric, an observer of exams. */
typedef struct breaker {
    opro_run *run;
    opro_scorer **scorer;
    int done;
} breaker;

static void strike(breaker *b) {
    if (b->done++ != 3) return;
    if (b->run) opro_run_stop(b->run);
    if (b->scorer) {
        opro_scorer_free(*b->scorer);
        *b->scorer = NULL;
    }
}

static int32_t break_observing(opro_examiner *examiner, const opro_exam *exam, size_t index,
                               void *user_data) {
    (void)examiner, (void)exam, (void)index;
    strike(user_data);
    return OPRO_OK;
}

static int32_t break_measuring(const opro_metric *metric, const char *reply, size_t reply_len,
                               const char *answer, size_t answer_len, opro_verdict *verdict,
                               void *user_data) {
    (void)metric, (void)reply, (void)reply_len, (void)answer, (void)answer_len;
    strike(user_data);
    return opro_verdict_set(verdict, 1, "", 0, "x");
}

static void a_run_may_stop_anywhere(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        world t;
        breaker b = {0};
        opro_run *run;

        open_world(&t, exam_say_slowly, 40, "race=off confirm=off");
        opro_problem_add_initial(t.problem, "one", OPRO_ZT);
        opro_problem_add_initial(t.problem, "two", OPRO_ZT);
        if (way & 1) {
            opro_examiner_free(t.w.examiner);
            opro_metric_new(&t.w.metric, OPRO_METRIC_HOST, OPRO_TASK_TEXT, NULL);
            opro_metric_set_fn(t.w.metric, break_measuring, &b, NULL);
            exam_make(&t.w);
        } else {
            opro_examiner_set_observer(t.w.examiner, break_observing, &b, NULL);
        }
        run = make_run(&t);
        ask_all(&t, run);
        if (way & 2)
            b.scorer = &t.scorer;
        else
            b.run = run;
        while (b.done < 4)
            assert_int_equal(opro_model_poll(t.w.model, -1), OPRO_OK);
        exam_expect_idle(&t.w);
        assert_int_equal(b.done, 4);
        opro_run_free(run);
        close_world(&t);
    }
}

/* A dataset whose examples come from the host, which drives the judge while it is asked for one. */
typedef struct busy {
    breaker breaker;
    opro_model *judge;
} busy;

static int32_t deliver(const opro_dataset *dataset, size_t index, opro_sink *sink,
                       void *user_data) {
    busy *b = user_data;
    char text[64];

    (void)dataset;
    if (b->judge) opro_model_poll(b->judge, 2);
    if (b->breaker.run || b->breaker.scorer) strike(&b->breaker);
    snprintf(text, sizeof text, "What is item %zu?", index);
    opro_sink_text(sink, text, OPRO_ZT);
    snprintf(text, sizeof text, "%zu", index);
    return opro_sink_text(sink, text, OPRO_ZT);
}

static void say_yes(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    (void)w, (void)n, (void)body;
    exam_say(reply, "yes");
}

/* Its calls end inside other work then, and are looked at after it. */
static void a_dataset_may_drive_the_judge(void **state) {
    (void)state;
    for (int way = 0; way < 9; way++) {
        world t;
        busy b = {.breaker = {.done = 3 - way / 3}};
        opro_model *judge;
        opro_exam *exam;
        opro_run *run;

        open_world(&t, say_yes, 1, "race=off confirm=off eval_interval=0");
        opro_problem_free(t.problem);
        opro_examiner_free(t.w.examiner);
        opro_dataset_free(t.w.dataset);
        assert_int_equal(opro_dataset_new(&t.w.dataset, NULL), OPRO_OK);
        assert_int_equal(opro_dataset_set_fn(t.w.dataset, 40, deliver, &b, NULL), OPRO_OK);
        assert_int_equal(opro_problem_new_dataset(&t.problem, t.w.dataset, NULL), OPRO_OK);
        opro_problem_add_initial(t.problem, "one", OPRO_ZT);
        exam_make(&t.w);
        judge = exam_model(&t.w, t.w.config);
        assert_int_equal(opro_examiner_set_judge(t.w.examiner, judge, NULL, 0), OPRO_OK);
        run = make_run(&t);
        assert_int_equal(opro_scorer_score(t.scorer, run, next_of(run, OPRO_REQUEST_SCORE)),
                         OPRO_PENDING);
        while (opro_model_figure(judge, OPRO_MODEL_WAITING) < 3)
            assert_int_equal(opro_model_poll(t.w.model, 1000), OPRO_OK);
        b.judge = judge;
        if (way % 3 == 1) b.breaker.run = run;
        if (way % 3 == 2) b.breaker.scorer = &t.scorer;
        exam = exam_begin(&t.w, "Another", 40); /* that is the other work */
        while (!opro_exam_done(exam) || opro_model_poll(t.w.model, 0) != OPRO_DONE ||
               opro_model_poll(judge, 0) != OPRO_DONE) {
            opro_model_poll(t.w.model, 1);
            opro_model_poll(judge, 1);
        }
        assert_int_equal(opro_exam_known(exam), 40);
        assert_int_equal(opro_trajectory_scored(opro_run_trajectory(run)), way % 3 == 0);
        opro_exam_free(exam);
        opro_run_free(run);
        opro_model_free(judge);
        b.judge = NULL;
        close_world(&t);
    }
}

static void time_limits_of_a_driver_are_kept(void **state) {
    world t;

    (void)state;
    open_world(&t, exam_say_nothing, 20,
               "race=off resample_limit=0 request_timeout_ms=4 max_failures=3");
    opro_problem_add_initial(t.problem, "one", OPRO_ZT);
    make_driver(&t);
    assert_int_equal(opro_driver_run(t.driver), OPRO_OK);
    expect_stop(opro_driver_run_handle(t.driver), OPRO_STOP_FAILURES);
    exam_expect_idle(&t.w);
    close_world(&t);
}

/* ---- sockets that the host watches ----------------------------------------------------------- */

typedef struct watcher {
    opro_model *model;
    struct pollfd fds[64];
    nfds_t n;
    long long due;   /* -1: no timer is set */
    opro_run *stops; /* as soon as there is a connection */
} watcher;

static int32_t watch(opro_model *model, int64_t fd, int32_t events, void *user_data) {
    watcher *l = user_data;
    nfds_t i = 0;

    (void)model;
    while (i < l->n && l->fds[i].fd != fd)
        i++;
    if (events == OPRO_POLL_NONE) {
        if (i < l->n) l->fds[i] = l->fds[--l->n];
        return OPRO_OK;
    }
    if (i == l->n) l->n++;
    l->fds[i] = (struct pollfd){.fd = (int)fd};
    if (events & OPRO_POLL_IN) l->fds[i].events |= POLLIN;
    if (events & OPRO_POLL_OUT) l->fds[i].events |= POLLOUT;
    if (l->stops && l->n > 1) {
        opro_run_stop(l->stops); /* no call can end here, inside the client */
        l->stops = NULL;
    }
    return OPRO_OK;
}

static int32_t set_timer(opro_model *model, int64_t timeout_ms, void *user_data) {
    (void)model;
    ((watcher *)user_data)->due = timeout_ms < 0 ? -1 : mock_ms() + timeout_ms;
    return OPRO_OK;
}

static void turn(watcher *l) {
    int wait = l->due < 0 ? 100 : l->due > mock_ms() ? (int)(l->due - mock_ms()) : 0;

    poll(l->fds, l->n, wait);
    for (nfds_t i = 0; i < l->n; i++) {
        short happened = l->fds[i].revents;

        if (!happened) continue;
        l->fds[i].revents = 0;
        opro_model_socket_action(l->model, l->fds[i].fd,
                                 (happened & POLLIN ? OPRO_POLL_IN : 0) |
                                     (happened & POLLOUT ? OPRO_POLL_OUT : 0) |
                                     (happened & (POLLERR | POLLHUP) ? OPRO_POLL_ERROR : 0));
        break; /* the list may be another now */
    }
    if (l->due >= 0 && mock_ms() >= l->due) {
        l->due = -1;
        opro_model_timer_action(l->model);
    }
}

static void watch_sockets(world *t, watcher *l) {
    *l = (watcher){.model = t->w.model, .due = -1};
    assert_int_equal(opro_model_set_socket_fn(t->w.model, watch, l, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_timer_fn(t->w.model, set_timer, l, NULL), OPRO_OK);
}

static void a_host_may_watch_the_sockets(void **state) {
    world t;
    watcher l;
    opro_status st;

    (void)state;
    open_world(&t, say_all, 30, PRICES "steps=2 samples_per_step=3 race=off confirm=off");
    watch_sockets(&t, &l);
    make_driver(&t);
    while ((st = opro_driver_poll(t.driver, 0)) != OPRO_DONE) {
        assert_true(st >= 0);
        if (st == OPRO_WAIT) turn(&l);
    }
    expect_stop(opro_driver_run_handle(t.driver), OPRO_STOP_STEPS);
    expect_usage(&t);
    close_world(&t);
    assert_int_equal(l.n, 0);
}

static void a_run_may_stop_inside_the_client(void **state) {
    (void)state;
    for (int others = 0; others < 3; others++) { /* one before it, one of the same after it */
        world t;
        watcher l;
        opro_run *run;
        opro_exam *exam = NULL;
        opro_request *request;

        open_world(&t, say_all, 30, "race=off confirm=off");
        opro_problem_add_initial(t.problem, "one", OPRO_ZT);
        watch_sockets(&t, &l);
        run = make_run(&t);
        l.stops = run;
        while (opro_run_next(run, 0, &request) == OPRO_OK)
            assert_int_equal(opro_scorer_score(t.scorer, run, request), OPRO_PENDING);
        if (others == 1) exam = exam_begin(&t.w, "Another", 30);
        while (l.stops)
            turn(&l);
        if (others == 2) exam = exam_begin(&t.w, "one", 30);
        expect_stop(run, OPRO_STOP_HOST);
        opro_run_free(run);
        while (opro_model_figure(t.w.model, OPRO_MODEL_WAITING) +
                   opro_model_figure(t.w.model, OPRO_MODEL_IN_FLIGHT) >
               0)
            turn(&l);
        if (others) assert_int_equal(opro_exam_known(exam), 30);
        opro_exam_free(exam);
        close_world(&t);
    }
}

/* ---- another process ------------------------------------------------------------------------- */

static void a_child_leaves_it_alone(void **state) {
    world t;
    opro_run *run;
    pid_t child;
    int how = 1;

    (void)state;
    open_world(&t, exam_say_slowly, 20, "race=off confirm=off eval_interval=0");
    opro_problem_add_initial(t.problem, "one", OPRO_ZT);
    run = make_run(&t);
    ask_all(&t, run);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        int ok = opro_model_poll(t.w.model, 0) == OPRO_ERR_STATE;

        opro_run_free(run);
        opro_scorer_free(t.scorer);
        opro_examiner_free(t.w.examiner);
        opro_model_free(t.w.model);
        kill(getpid(), ok ? SIGKILL : SIGTERM); /* nothing is closed for the parent */
    }
    waitpid(child, &how, 0);
    assert_int_equal(WTERMSIG(how), SIGKILL);
    while (opro_model_poll(t.w.model, -1) == OPRO_OK)
        continue;
    assert_int_equal(opro_trajectory_scored(opro_run_trajectory(run)), 1);
    opro_run_free(run);
    close_world(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_request_ends_its_exam),
        cmocka_unit_test(a_scorer_that_goes_ends_its_exams),
        cmocka_unit_test(an_answer_may_be_the_end),
        cmocka_unit_test(a_run_may_stop_anywhere),
        cmocka_unit_test(a_dataset_may_drive_the_judge),
        cmocka_unit_test(time_limits_of_a_driver_are_kept),
        cmocka_unit_test(a_host_may_watch_the_sockets),
        cmocka_unit_test(a_run_may_stop_inside_the_client),
        cmocka_unit_test(a_child_leaves_it_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
