/* SPDX-License-Identifier: MIT */
/*
 * The driver: callbacks that answer at once, later, twice, never, or with rubbish; its inbox, its
 * clock, its stop.
 */
#define _POSIX_C_SOURCE 200809L

#include "host.h"

/* ---- answers that come ----------------------------------------------------------------------- */

static void answers_at_once(void **state) {
    host h;
    const opro_trajectory *t;

    (void)state;
    host_make(&h, text_problem(), "steps=3 samples_per_step=4");
    t = opro_driver_trajectory(h.driver);
    for (int64_t step = 1; step <= 3; step++) {
        assert_int_equal(opro_driver_step(h.driver), OPRO_OK);
        assert_int_equal(opro_trajectory_steps(t), step);
        assert_int_equal(opro_trajectory_scored(t), 4 * step);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(opro_driver_step(h.driver), OPRO_DONE);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_DONE);
    assert_int_equal(opro_driver_poll(h.driver, -1), OPRO_DONE);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_STEPS);
    assert_int_equal(h.called[0], 3);
    assert_int_equal(h.called[1], 12);
    opro_driver_free(h.driver);
    opro_driver_free(NULL);
}

static void the_first_step_scores_the_initial_solutions_too(void **state) {
    opro_problem *problem = text_problem();
    host h;

    (void)state;
    opro_problem_add_initial(problem, "start", OPRO_ZT);
    host_make(&h, problem, "steps=2 samples_per_step=4");
    assert_int_equal(opro_driver_step(h.driver), OPRO_OK);
    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 5);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    opro_driver_free(h.driver);
}

/* All pairs of ways to answer lead to the same end, by each way to go on. */
static void all_ways_to_answer_and_to_go_on(void **state) {
    static const int ways[] = {AT_ONCE, POSTS, TWICE, BOTH};

    (void)state;
    for (int propose = 0; propose < 4; propose++)
        for (int score = 0; score < 4; score++)
            for (int how = 0; how < 3; how++)
                for (int steady = 0; steady < 2; steady++) {
                    host h;
                    opro_status st = OPRO_OK;

                    host_make(&h, text_problem(),
                              steady ? "mode=steady steps=6 samples_per_request=2"
                                     : "steps=3 samples_per_step=8 samples_per_request=3");
                    h.behaviour[0] = ways[propose];
                    h.behaviour[1] = ways[score];
                    if (how == 0) st = opro_driver_run(h.driver);
                    while (how == 1 && st == OPRO_OK)
                        st = opro_driver_step(h.driver);
                    while (how == 2 && st == OPRO_OK)
                        st = opro_driver_poll(h.driver, -1);
                    assert_int_equal(st, how ? OPRO_DONE : OPRO_OK);
                    host_expect_stop(&h, OPRO_STOP_STEPS);
                    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 24);
                    assert_int_equal(opro_run_count(host_run(&h), OPRO_COUNT_FAILURES), 0);
                    opro_driver_free(h.driver);
                }
}

static void answers_later_from_the_same_thread(void **state) {
    host h;

    (void)state;
    host_make(&h, text_problem(), "steps=1 samples_per_step=2");
    h.behaviour[0] = h.behaviour[1] = LATER;
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK); /* it has asked */
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_WAIT);
    assert_int_equal(h.n_kept, 1);
    assert_int_equal(opro_run_answer_text(host_run(&h), h.kept[0].id, CANDIDATE("one"), OPRO_ZT),
                     OPRO_OK);
    assert_int_equal(
        opro_driver_post_reply(h.driver, h.kept[0].id, 1, 300, CANDIDATE("two"), OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_WAIT);
    assert_int_equal(h.n_kept, 3);
    assert_int_equal(opro_driver_post_usage(h.driver, h.kept[2].id, 5, 6, 7), OPRO_OK);
    host_post(&h, &h.kept[2]);
    host_post(&h, &h.kept[1]);
    assert_int_equal(opro_driver_step(h.driver), OPRO_OK);
    assert_int_equal(opro_driver_step(h.driver), OPRO_DONE);
    assert_int_equal(opro_run_count(host_run(&h), OPRO_COUNT_TOKENS), 11);
    assert_int_equal(opro_run_count(host_run(&h), OPRO_COUNT_COST), 7);
    assert_int_equal(opro_trajectory_origin(opro_driver_trajectory(h.driver), 1), 300);
    opro_driver_free(h.driver);
}

/* ---- answers that do not come ---------------------------------------------------------------- */

static void never_an_answer_is_a_wait(void **state) {
    host h;

    (void)state;
    host_make(&h, text_problem(), "");
    h.behaviour[0] = LATER;
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_WAIT);
        assert_int_equal(opro_driver_poll(h.driver, 1), OPRO_WAIT);
    }
    assert_int_equal(h.called[0], 1);
    assert_int_equal(opro_run_count(host_run(&h), OPRO_COUNT_IN_FLIGHT), 1);
    opro_driver_free(h.driver); /* with a request open */
}

static void never_an_answer_is_a_failure_when_its_time_is_up(void **state) {
    host h;

    (void)state;
    host_make(&h, text_problem(),
              "steps=2 samples_per_step=2 resample_limit=1 request_timeout_ms=5");
    h.behaviour[0] = LATER;
    assert_int_equal(opro_driver_step(h.driver), OPRO_OK);
    assert_int_equal(h.called[0], 2); /* asked again once */
    assert_int_equal(opro_run_count(host_run(&h), OPRO_COUNT_FAILURES), 2);
    h.behaviour[0] = AT_ONCE;
    h.behaviour[1] = LATER;
    assert_int_equal(opro_driver_step(h.driver), OPRO_OK);
    assert_int_equal(opro_trajectory_verdict(opro_driver_trajectory(h.driver), 0),
                     OPRO_VERDICT_FAILED);
    assert_int_equal(opro_driver_step(h.driver), OPRO_DONE);
    opro_driver_free(h.driver);
}

static void the_clock_of_the_host_counts(void **state) {
    host h;

    (void)state;
    host_make(&h, text_problem(),
              "steps=1 samples_per_step=2 resample_limit=0 "
              "request_timeout_ms=1000000");
    host_use_clock(&h, 300000);
    h.behaviour[0] = LATER;
    for (int i = 0; i < 10 && opro_run_count(host_run(&h), OPRO_COUNT_FAILURES) == 0; i++)
        assert_true(opro_driver_poll(h.driver, 0) >= 0);
    assert_int_equal(opro_run_count(host_run(&h), OPRO_COUNT_FAILURES), 1);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    opro_driver_free(h.driver);

    host_make(&h, text_problem(), "steps=0 max_time_ms=5000");
    host_use_clock(&h, 10);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_TIME);
    assert_true(h.clock_ms == 5010); /* the first look was at 10 */
    opro_driver_free(h.driver);
}

static void a_clock_that_fails(void **state) {
    host h;

    (void)state;
    host_make(&h, text_problem(), "steps=2 samples_per_step=2");
    host_use_clock(&h, 1);
    h.clock_returns = OPRO_ERR_USER_FIRST - 5;
    assert_int_equal(opro_driver_step(h.driver), OPRO_ERR_USER_FIRST - 5);
    assert_message(opro_driver_error(h.driver), OPRO_ERR_USER_FIRST - 5);
    h.clock_returns = OPRO_OK;
    h.clock_delivers = 0;
    assert_int_equal(opro_driver_step(h.driver), OPRO_ERR_CALLBACK);
    h.clock_delivers = 1;
    h.clock_returns = OPRO_PENDING;
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_ERR_CALLBACK);
    h.clock_returns = 77;
    assert_int_equal(opro_driver_run(h.driver), OPRO_ERR_CALLBACK);
    h.clock_returns = OPRO_OK;
    h.clock_ms = -1000;
    assert_int_equal(opro_driver_step(h.driver), OPRO_ERR_INVALID); /* no count is negative */
    h.clock_ms = 0;
    h.clock_stops = 1;
    assert_int_equal(opro_driver_step(h.driver), OPRO_DONE);
    host_expect_stop(&h, OPRO_STOP_HOST);
    opro_driver_free(h.driver);
}

static void a_failure_that_is_answered_is_no_error(void **state) {
    host h;

    (void)state;
    host_make(&h, text_problem(), "steps=5 samples_per_step=2 resample_limit=0 max_failures=3");
    h.behaviour[0] = FAILS;
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_FAILURES);
    assert_int_equal(h.called[0], 3);
    opro_driver_free(h.driver);
}

/* ---- callbacks that break their contract ----------------------------------------------------- */

/* What a callback does or returns, and what the step says of it. */
static void a_step_says(int which, int behaviour, int32_t returns, opro_status expected) {
    host h;

    host_make(&h, text_problem(), "steps=5 samples_per_step=2");
    h.behaviour[which] = behaviour;
    h.returns = returns;
    assert_int_equal(opro_driver_step(h.driver), expected);
    assert_message(opro_driver_error(h.driver), expected);
    assert_int_equal(h.ear.count[OPRO_EVENT_STOPPED / 10], 1);
    host_expect_stop(&h, OPRO_STOP_ERROR);
    assert_int_equal(opro_driver_step(h.driver), OPRO_DONE);
    assert_int_equal(opro_run_count(host_run(&h), OPRO_COUNT_IN_FLIGHT), 0);
    opro_driver_free(h.driver);
}

static void broken_contracts_stop_the_run(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        a_step_says(which, RETURNS, OPRO_OK, OPRO_ERR_CALLBACK); /* without an answer */
        a_step_says(which, RETURNS, OPRO_WAIT, OPRO_ERR_CALLBACK);
        a_step_says(which, RETURNS, OPRO_DONE, OPRO_ERR_CALLBACK);
        a_step_says(which, RETURNS, 12345, OPRO_ERR_CALLBACK);
        a_step_says(which, RETURNS, INT32_MAX, OPRO_ERR_CALLBACK);
        a_step_says(which, RETURNS, -1, OPRO_ERR_CALLBACK);
        a_step_says(which, RETURNS, -999, OPRO_ERR_CALLBACK);
        a_step_says(which, RETURNS, -2000, OPRO_ERR_CALLBACK);
        a_step_says(which, RETURNS, INT32_MIN, OPRO_ERR_CALLBACK);
        a_step_says(which, RETURNS, OPRO_ERR_USER_FIRST, OPRO_ERR_USER_FIRST);
        a_step_says(which, RETURNS, OPRO_ERR_USER_FIRST - 5, OPRO_ERR_USER_FIRST - 5);
        a_step_says(which, RETURNS, OPRO_ERR_USER_LAST, OPRO_ERR_USER_LAST);
        a_step_says(which, RETURNS, OPRO_ERR_TIMEOUT, OPRO_ERR_TIMEOUT);
        a_step_says(which, RETURNS, OPRO_ERR_INVALID, OPRO_ERR_INVALID);
    }
    a_step_says(0, PARTLY, OPRO_OK, OPRO_ERR_CALLBACK);
}

/* The scorer answers with the scores it is given; what came of the answer, and of the step. */
typedef struct bad_scorer {
    double scores[2];
    size_t n;
    opro_status answered;
    int gives_up; /* then answers with an error */
} bad_scorer;

static int32_t score_badly(opro_run *run, opro_request *request, void *user_data) {
    bad_scorer *s = user_data;
    uint64_t id = opro_request_id(request);

    s->answered = opro_run_answer_scores(run, id, s->scores, s->n);
    if (s->gives_up)
        return opro_run_answer_error(run, id, s->answered,
                                     opro_error_message(opro_run_error(run), NULL), OPRO_ZT);
    return s->answered;
}

static void bad_scores_are_the_scorers_fault(void **state) {
    static const bad_scorer cases[] = {{{NAN, 0}, 1, 0, 0},   {{INFINITY, 0}, 1, 0, 0},
                                       {{1.001, 0}, 1, 0, 0}, {{-0.001, 0}, 1, 0, 0},
                                       {{0.5, 0.5}, 2, 0, 0}, {{0, 0}, 0, 0, 0}};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        bad_scorer s = cases[i / 2];
        opro_scorer *scorer;
        host h;

        s.gives_up = i % 2;
        host_make(&h, text_problem(), "steps=1 samples_per_step=1");
        opro_scorer_new(&scorer, score_badly, &s, NULL, NULL);
        opro_driver_set_scorer(h.driver, scorer);
        opro_scorer_free(scorer);
        assert_int_equal(opro_driver_step(h.driver), s.gives_up ? OPRO_OK : OPRO_ERR_INVALID);
        assert_int_equal(s.answered, OPRO_ERR_INVALID);
        assert_int_equal(opro_trajectory_verdict(opro_driver_trajectory(h.driver), 0),
                         OPRO_VERDICT_FAILED);
        assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 0);
        if (s.gives_up)
            assert_non_null(
                strstr(opro_trajectory_detail(opro_driver_trajectory(h.driver), 0, NULL), "score"));
        opro_driver_free(h.driver);
    }
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void a_callback_may_stop_the_run(void **state) {
    static const int32_t returned[] = {OPRO_OK, OPRO_PENDING};

    (void)state;
    for (int which = 0; which < 2; which++)
        for (int i = 0; i < 2; i++) {
            host h;

            host_make(&h, text_problem(), "steps=5 samples_per_step=2");
            h.behaviour[which] = STOPS;
            h.returns = returned[i];
            assert_int_equal(opro_driver_step(h.driver), OPRO_DONE);
            host_expect_stop(&h, OPRO_STOP_HOST);
            assert_int_equal(h.ear.count[OPRO_EVENT_STOPPED / 10], 1);
            opro_driver_free(h.driver);
        }
}

/* Whatever the callbacks make of answers that are stale all of a sudden. */
static void an_observer_may_stop_the_driver(void **state) {
    (void)state;
    for (int32_t kind = OPRO_EVENT_STEP_BEGUN; kind < OPRO_EVENT_STOPPED; kind += 10) {
        host h;
        int ended;

        if (kind == OPRO_EVENT_REJECTED) continue;
        host_make(&h, text_problem(), "steps=5 samples_per_step=2");
        if (kind == OPRO_EVENT_FAILED) h.behaviour[1] = FAILS;
        h.ear.stop_at = kind;
        ended = kind == OPRO_EVENT_NEW_BEST || kind == OPRO_EVENT_STEP_ENDED;
        assert_int_equal(opro_driver_step(h.driver), ended ? OPRO_OK : OPRO_DONE);
        assert_message(opro_driver_error(h.driver), OPRO_OK);
        host_expect_stop(&h, OPRO_STOP_HOST);
        opro_driver_free(h.driver);
    }
}

static void stop_is_for_good(void **state) {
    host h;

    (void)state;
    host_make(&h, text_problem(), "");
    assert_int_equal(opro_driver_stop(NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_stop(h.driver), OPRO_OK);
    assert_int_equal(opro_driver_stop(h.driver), OPRO_OK);
    assert_int_equal(opro_driver_step(h.driver), OPRO_DONE);
    host_expect_stop(&h, OPRO_STOP_HOST);
    assert_int_equal(h.called[0], 0);
    assert_int_equal(opro_driver_post_reply(h.driver, 1, 0, 0, "late", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_DONE);
    opro_driver_free(h.driver);
}

static void a_wakeup_ends_the_waiting(void **state) {
    host h;

    (void)state;
    host_make(&h, text_problem(), "steps=1 samples_per_step=1");
    h.behaviour[0] = LATER;
    assert_int_equal(opro_driver_wakeup(NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_wakeup(h.driver), OPRO_OK);
    assert_int_equal(opro_driver_step(h.driver), OPRO_WAIT);
    assert_int_equal(opro_driver_wakeup(h.driver), OPRO_OK);
    assert_int_equal(opro_driver_run(h.driver), OPRO_WAIT);
    assert_int_equal(opro_driver_wakeup(h.driver), OPRO_OK);
    assert_int_equal(opro_driver_poll(h.driver, -1), OPRO_WAIT);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_WAIT);
    host_post(&h, &h.kept[0]);
    assert_int_equal(opro_driver_step(h.driver), OPRO_OK);
    opro_driver_free(h.driver);
}

/* ---- the observer ---------------------------------------------------------------------------- */

static void an_error_of_the_observer_is_that_of_the_step(void **state) {
    (void)state;
    for (int32_t kind = OPRO_EVENT_STEP_BEGUN; kind < OPRO_EVENT_STOPPED; kind += 10) {
        host h;

        if (kind == OPRO_EVENT_FAILED || kind == OPRO_EVENT_REJECTED) continue;
        host_make(&h, text_problem(), "steps=5 samples_per_step=2");
        h.ear.answer_to = kind;
        h.ear.answer = OPRO_ERR_USER_FIRST - 5;
        assert_int_equal(opro_driver_step(h.driver), OPRO_ERR_USER_FIRST - 5);
        assert_message(opro_driver_error(h.driver), OPRO_ERR_USER_FIRST - 5);
        host_expect_stop(&h, OPRO_STOP_ERROR);
        opro_driver_free(h.driver);
    }
}

/* Like an optimizer that does not look at what its answers return. */
static int32_t careless(opro_run *run, opro_request *request, void *user_data) {
    (void)user_data;
    answer_any(run, request);
    return OPRO_OK;
}

/* The error reaches the host all the same. */
static void an_error_is_not_lost_in_a_careless_callback(void **state) {
    host h;
    opro_optimizer *optimizer;

    (void)state;
    host_make(&h, text_problem(), "steps=5 samples_per_step=2");
    opro_optimizer_new(&optimizer, careless, NULL, NULL, NULL);
    opro_driver_set_optimizer(h.driver, optimizer);
    opro_optimizer_free(optimizer);
    h.ear.answer_to = OPRO_EVENT_ACCEPTED;
    h.ear.answer = OPRO_ERR_USER_FIRST - 5;
    assert_int_equal(opro_driver_run(h.driver), OPRO_ERR_USER_FIRST - 5);
    assert_message(opro_driver_error(h.driver), OPRO_ERR_USER_FIRST - 5);
    host_expect_stop(&h, OPRO_STOP_ERROR);
    opro_driver_free(h.driver);
}

/* ---- the inbox ------------------------------------------------------------------------------- */

static void posts_are_checked_for_what_can_be_known(void **state) {
    double score = 0.5;
    host h;

    (void)state;
    host_make(&h, text_problem(), "");
    assert_int_equal(opro_driver_post_reply(NULL, 1, 0, 0, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_reply(h.driver, 1, 0, 0, NULL, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_scores(NULL, 1, &score, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_scores(h.driver, 1, NULL, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_scores(h.driver, 1, &score, SIZE_MAX), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_error(NULL, 1, OPRO_ERR_FAILED, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_error(h.driver, 1, OPRO_OK, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_error(h.driver, 1, OPRO_ERR_FAILED, "\xff", 1),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_usage(NULL, 1, 0, 0, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_usage(h.driver, 1, -1, 0, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_usage(h.driver, 1, 0, -1, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_post_usage(h.driver, 1, 0, 0, -1), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_stop(h.driver), OPRO_OK);
    opro_driver_free(h.driver);
}

/* What is wrong with a post shows when it is taken: heard and logged, and nothing else happens. */
static void bad_posts_are_told_and_change_nothing(void **state) {
    double scores[2] = {0.5, NAN};
    uint64_t before, id, old;
    host h;

    (void)state;
    host_make(&h, text_problem(), "steps=2 samples_per_step=1");
    h.behaviour[0] = h.behaviour[1] = LATER;
    opro_driver_poll(h.driver, 0);
    old = h.kept[0].id;
    opro_driver_post_reply(h.driver, old, 0, 0, CANDIDATE("one"), OPRO_ZT);
    opro_driver_poll(h.driver, 0);
    id = h.kept[1].id;
    ear_forget(&h.ear);
    before = opro_run_state_hash(host_run(&h));
    opro_driver_post_reply(h.driver, old, 0, 0, "late", OPRO_ZT);
    opro_driver_post_reply(h.driver, 12345, 0, 0, "unknown", OPRO_ZT);
    opro_driver_post_reply(h.driver, id, 0, 0, "not a score", OPRO_ZT);
    opro_driver_post_reply(h.driver, id, SIZE_MAX, -1, "", 0);
    opro_driver_post_scores(h.driver, id, scores, 2);
    opro_driver_post_scores(h.driver, id, scores, 0);
    opro_driver_post_scores(h.driver, id, scores + 1, 1);
    opro_driver_post_scores(h.driver, old, scores, 1);
    opro_driver_post_error(h.driver, 99, OPRO_ERR_FAILED, "unknown", OPRO_ZT);
    opro_driver_post_usage(h.driver, old, 1, 1, 1);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_OK);
    assert_int_equal(h.ear.count[OPRO_EVENT_FAILED / 10], 10);
    assert_true(before == opro_run_state_hash(host_run(&h)));
    assert_non_null(strstr(h.log, "12345"));
    assert_message(opro_driver_error(h.driver), OPRO_OK);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_WAIT);
    opro_driver_post_scores(h.driver, id, scores, 1);
    assert_int_equal(opro_driver_step(h.driver), OPRO_OK);
    opro_driver_free(h.driver);
}

/* Answers are taken in the order in which they came. */
static void posts_are_taken_in_order(void **state) {
    host h;
    uint64_t id;

    (void)state;
    host_make(&h, text_problem(), "steps=1 samples_per_step=3 resample_limit=0");
    h.behaviour[0] = LATER;
    opro_driver_poll(h.driver, 0);
    ear_forget(&h.ear);
    id = h.kept[0].id;
    opro_driver_post_reply(h.driver, id, 2, 0, CANDIDATE("c"), OPRO_ZT);
    opro_driver_post_reply(h.driver, id, 0, 0, "", 0);
    opro_driver_post_usage(h.driver, id, 10, 20, 30);
    opro_driver_post_error(h.driver, id, OPRO_ERR_FAILED, "the rest", OPRO_ZT);
    opro_driver_post_reply(h.driver, id, 1, 0, CANDIDATE("b"), OPRO_ZT);
    opro_driver_poll(h.driver, 0);
    assert_memory_equal(h.ear.text,
                        "reply 0.2\n"
                        "accepted 0.2 c\n"
                        "reply 0.0\n"
                        "rejected 0.0 no_candidate: \n"
                        "failed 0.0 no_reply: the rest\n",
                        93);
    assert_int_equal(opro_run_count(host_run(&h), OPRO_COUNT_TOKENS), 30);
    opro_driver_free(h.driver);
}

static void what_is_posted_is_copied(void **state) {
    char *reply = strdup(CANDIDATE("precious")), *bytes = malloc(3);
    double *score = malloc(sizeof *score);
    host h;

    (void)state;
    host_make(&h, text_problem(), "steps=1 samples_per_step=2 resample_limit=0");
    h.behaviour[0] = h.behaviour[1] = LATER;
    opro_driver_poll(h.driver, 0);
    memcpy(bytes, "\xff\xfe", 3);
    opro_driver_post_reply(h.driver, h.kept[0].id, 0, 0, reply, OPRO_ZT);
    opro_driver_post_reply(h.driver, h.kept[0].id, 1, 0, bytes, 3); /* no NUL, no UTF-8 */
    free(reply);
    free(bytes);
    opro_driver_poll(h.driver, 0);
    *score = 0.75;
    opro_driver_post_scores(h.driver, h.kept[1].id, score, 1);
    free(score);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    assert_string_equal(opro_trajectory_text(opro_driver_trajectory(h.driver), 0, NULL),
                        "precious");
    assert_true(opro_trajectory_score(opro_driver_trajectory(h.driver), 0) == 0.75);
    opro_driver_free(h.driver);
}

static void the_inbox_has_a_limit(void **state) {
    host h;
    long n = 0;
    opro_status st = OPRO_OK;
    size_t half = (size_t)1 << 29;
    char *big = calloc(half + 2, 1);

    (void)state;
    host_make(&h, text_problem(), "");
    while (st == OPRO_OK && n < 2000000)
        if ((st = opro_driver_post_usage(h.driver, 1, 0, 0, 0)) == OPRO_OK) n++;
    assert_int_equal(st, OPRO_ERR_LIMIT);
    assert_int_equal(n, 1048576);
    opro_driver_free(h.driver); /* full */

    host_make(&h, text_problem(), "");
    assert_int_equal(opro_driver_post_reply(h.driver, 1, 0, 0, big, half), OPRO_OK);
    assert_int_equal(opro_driver_post_reply(h.driver, 1, 0, 0, big, half + 1), OPRO_ERR_LIMIT);
    opro_driver_stop(h.driver);
    assert_int_equal(opro_driver_step(h.driver), OPRO_DONE);
    assert_int_equal(opro_driver_post_reply(h.driver, 1, 0, 0, big, half + 1), OPRO_OK);
    opro_driver_free(h.driver);
    free(big);
}

static void count_wakeup(void *user_data) {
    ++*(int *)user_data;
}

static void a_wakeup_callback_hears_of_posts(void **state) {
    int first = 0, second = 0, gone = 0;
    double score = 0;
    host h;

    (void)state;
    host_make(&h, text_problem(), "");
    assert_int_equal(opro_driver_set_wakeup_fn(NULL, count_wakeup, &first, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_set_wakeup_fn(h.driver, count_wakeup, &first, NULL), OPRO_OK);
    opro_driver_post_reply(h.driver, 1, 0, 0, "x", 1);
    opro_driver_post_scores(h.driver, 1, &score, 1);
    opro_driver_post_error(h.driver, 1, OPRO_ERR_FAILED, "", 0);
    opro_driver_post_usage(h.driver, 1, 0, 0, 0);
    assert_int_equal(first, 4);
    opro_driver_wakeup(h.driver);
    assert_int_equal(first, 5);
    assert_int_equal(opro_driver_set_wakeup_fn(h.driver, count_wakeup, &second, count_wakeup),
                     OPRO_OK);
    opro_driver_post_reply(h.driver, 1, 0, 0, "x", 1);
    assert_int_equal(first, 5);
    assert_int_equal(second, 1);
    assert_int_equal(opro_driver_set_wakeup_fn(h.driver, NULL, NULL, NULL), OPRO_OK);
    assert_int_equal(second, 2); /* destroyed */
    opro_driver_stop(h.driver);
    assert_int_equal(second + gone, 2);
    opro_driver_free(h.driver);
}

/* ---- what it is made of ---------------------------------------------------------------------- */

static void a_driver_needs_both(void **state) {
    opro_problem *problem = text_problem();
    opro_driver *driver = NULL;
    opro_optimizer *optimizer;
    opro_config *config = config_of("mode=steady steady_candidates=1 steady_samples=2");

    (void)state;
    assert_int_equal(opro_driver_new(NULL, problem, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_new(&driver, NULL, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_new(&driver, problem, config, NULL), OPRO_ERR_INVALID);
    assert_message(opro_problem_error(problem), OPRO_ERR_INVALID);
    assert_null(driver);
    assert_int_equal(opro_driver_new(&driver, problem, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_driver_step(driver), OPRO_ERR_STATE);
    assert_message(opro_driver_error(driver), OPRO_ERR_STATE);
    assert_int_equal(opro_driver_set_optimizer(driver, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_set_scorer(driver, NULL), OPRO_ERR_INVALID);
    opro_optimizer_new(&optimizer, careless, NULL, NULL, NULL);
    assert_int_equal(opro_driver_set_optimizer(driver, optimizer), OPRO_OK);
    opro_optimizer_free(optimizer);
    assert_int_equal(opro_driver_run(driver), OPRO_ERR_STATE);
    assert_int_equal(opro_driver_poll(driver, 0), OPRO_ERR_STATE);
    assert_non_null(strstr(opro_error_message(opro_driver_error(driver), NULL), "scorer"));
    assert_int_equal(opro_driver_step(NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_poll(NULL, 0), OPRO_ERR_INVALID);
    opro_driver_free(driver);
    opro_problem_free(problem);
    opro_config_free(config);
}

static void the_run_inside_is_for_looking_and_answering(void **state) {
    opro_request *request;
    host h;

    (void)state;
    host_make(&h, text_problem(), "steps=1 samples_per_step=1");
    assert_int_equal(opro_run_next(host_run(&h), 0, &request), OPRO_ERR_STATE);
    assert_message(opro_run_error(host_run(&h)), OPRO_ERR_STATE);
    opro_run_free(host_run(&h)); /* it belongs to the driver */
    assert_int_equal(opro_driver_poll(h.driver, -2), OPRO_ERR_INVALID);
    assert_message(opro_driver_error(h.driver), OPRO_ERR_INVALID);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    assert_message(opro_driver_error(h.driver), OPRO_OK);
    assert_ptr_equal(opro_driver_trajectory(h.driver), opro_run_trajectory(host_run(&h)));
    opro_driver_free(h.driver);
}

/* Between steps the optimizer can be another one. */
static void an_optimizer_can_be_replaced(void **state) {
    opro_optimizer *optimizer;
    host h;

    (void)state;
    host_make(&h, text_problem(), "steps=3 samples_per_step=2");
    opro_driver_step(h.driver);
    opro_optimizer_new(&optimizer, careless, NULL, NULL, NULL);
    assert_int_equal(opro_driver_set_optimizer(h.driver, optimizer), OPRO_OK);
    assert_int_equal(opro_driver_set_optimizer(h.driver, optimizer), OPRO_OK); /* the same again */
    opro_optimizer_free(optimizer);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    assert_int_equal(h.called[0], 1);
    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 6);
    opro_driver_free(h.driver);
}

/* An optimizer that asks another one, as a portfolio does. */
static int32_t delegate(opro_run *run, opro_request *request, void *user_data) {
    return opro_optimizer_propose(user_data, run, request);
}

static void optimizers_can_pass_requests_on(void **state) {
    opro_optimizer *inner, *outer;
    opro_scorer *scorer;
    opro_request *request;
    opro_run *run;
    host h;

    (void)state;
    host_make(&h, text_problem(), "steps=3 samples_per_step=2");
    opro_optimizer_new(&inner, careless, NULL, NULL, NULL);
    opro_optimizer_new(&outer, delegate, inner, NULL, NULL);
    opro_driver_set_optimizer(h.driver, outer);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 6);
    opro_driver_free(h.driver);

    run = run_of(text_problem(), "steps=2 samples_per_step=2"); /* without a driver */
    opro_scorer_new(&scorer, careless, NULL, NULL, NULL);
    request = next_of(run, OPRO_REQUEST_PROPOSE);
    assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_ERR_INVALID);
    assert_int_equal(opro_optimizer_propose(outer, run, request), OPRO_OK);
    request = next_of(run, OPRO_REQUEST_SCORE);
    assert_int_equal(opro_optimizer_propose(outer, run, request), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_OK);
    assert_int_equal(opro_optimizer_propose(NULL, run, request), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_score(scorer, NULL, request), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_score(scorer, run, NULL), OPRO_ERR_INVALID);
    opro_scorer_free(scorer);
    opro_optimizer_free(inner);
    opro_optimizer_free(outer);
    opro_run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_at_once),
        cmocka_unit_test(the_first_step_scores_the_initial_solutions_too),
        cmocka_unit_test(all_ways_to_answer_and_to_go_on),
        cmocka_unit_test(answers_later_from_the_same_thread),
        cmocka_unit_test(never_an_answer_is_a_wait),
        cmocka_unit_test(never_an_answer_is_a_failure_when_its_time_is_up),
        cmocka_unit_test(the_clock_of_the_host_counts),
        cmocka_unit_test(a_clock_that_fails),
        cmocka_unit_test(a_failure_that_is_answered_is_no_error),
        cmocka_unit_test(broken_contracts_stop_the_run),
        cmocka_unit_test(bad_scores_are_the_scorers_fault),
        cmocka_unit_test(a_callback_may_stop_the_run),
        cmocka_unit_test(an_observer_may_stop_the_driver),
        cmocka_unit_test(stop_is_for_good),
        cmocka_unit_test(a_wakeup_ends_the_waiting),
        cmocka_unit_test(an_error_of_the_observer_is_that_of_the_step),
        cmocka_unit_test(an_error_is_not_lost_in_a_careless_callback),
        cmocka_unit_test(posts_are_checked_for_what_can_be_known),
        cmocka_unit_test(bad_posts_are_told_and_change_nothing),
        cmocka_unit_test(posts_are_taken_in_order),
        cmocka_unit_test(what_is_posted_is_copied),
        cmocka_unit_test(the_inbox_has_a_limit),
        cmocka_unit_test(a_wakeup_callback_hears_of_posts),
        cmocka_unit_test(a_driver_needs_both),
        cmocka_unit_test(the_run_inside_is_for_looking_and_answering),
        cmocka_unit_test(an_optimizer_can_be_replaced),
        cmocka_unit_test(optimizers_can_pass_requests_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
