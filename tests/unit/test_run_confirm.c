/* SPDX-License-Identifier: MIT */
/* The confirm stage of a run: who wins, in any order of answers, whatever fails or is cut short. */
#include "confirm_world.h"
#include "effort.h"
#include "failing.h"

/* ---- the stage ------------------------------------------------------------------------------- */

/* Whatever the sizes, kinds and directions: who has to win does, at the price that was said. */
static void test_winner(void **state) {
    static const size_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 12, 40, 64};
    static const char *const samples[] = {"1", "4", "8"}, *const steps[] = {"1", "2", "12"};
    static const char *const intervals[] = {"0", "1", "3"};
    int64_t changed = 0, runs = 0;

    (void)state;
    if (!effort_for_size()) skip();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int i = 0; i < 27; i++)
            for (int kind = BINARY; kind <= ALL_EQUAL; kind++) {
                world w = world_of(kind, 1 + sizes[(s + 5) % 10], sizes[s],
                                   (i + kind) % 2 ? OPRO_MINIMIZE : OPRO_MAXIMIZE);
                opro_config *config = make_config(steps[i % 3]);
                opro_run *run;

                set(config, "samples_per_step", samples[i / 3 % 3]);
                set(config, "eval_interval", intervals[i / 9]);
                run = confirmed(&w, config, OPRO_STOP_STEPS);
                if (i / 9 == 0) /* nothing was known before */
                    assert_int_equal(w.calls,
                                     most_calls((size_t)opro_run_confirmed(run), sizes[s]));
                if (i / 9 == 1) assert_int_equal(w.asked, 0); /* all was */
                runs++;
                changed += opro_run_winner(run) != opro_trajectory_best(opro_run_trajectory(run));
                opro_run_free(run);
                opro_config_free(config);
            }
    assert_true(changed > runs / 10 && changed < runs); /* else nothing was tested */
}

/* A search is the same with and without a stage behind it. */
static void test_same_search(void **state) {
    opro_config *config = make_config("9");
    world on = world_of(BINARY, 20, 8, OPRO_MAXIMIZE), off = on;
    const opro_trajectory *a, *b;

    (void)state;
    play(&on, config);
    set(config, "confirm", "off");
    play(&off, config);
    a = opro_run_trajectory(on.run);
    b = opro_run_trajectory(off.run);
    assert_false(off.confirming);
    check_unconfirmed(&off, OPRO_STOP_STEPS);
    assert_int_equal(opro_trajectory_steps(a), 9);
    assert_int_equal(opro_trajectory_steps(b), 9);
    assert_true(isnan(opro_trajectory_figure(b, 9, OPRO_FIGURE_SCORER_CALLS)));
    assert_int_equal(opro_trajectory_count(a), opro_trajectory_count(b));
    assert_int_equal(opro_trajectory_best(a), opro_trajectory_best(b));
    assert_true(opro_trajectory_hash(a) != opro_trajectory_hash(b)); /* more is known */
    assert_int_equal(opro_run_count(on.run, OPRO_COUNT_SCORER_CALLS) - on.calls,
                     opro_run_count(off.run, OPRO_COUNT_SCORER_CALLS));
    for (int64_t i = 0; i < opro_trajectory_count(a); i++) {
        assert_string_equal(opro_trajectory_text(a, i, NULL), opro_trajectory_text(b, i, NULL));
        assert_true(opro_trajectory_score(a, i) == opro_trajectory_score(b, i));
    }
    opro_run_free(on.run);
    opro_run_free(off.run);
    opro_config_free(config);
}

/*
 * In any order of answers, some of which are failures: the same requests, states and winner. The
 * failures are the candidates', not the order's.
 */
static void compare_orders(world first, const opro_config *config, int orders) {
    world base = first;
    uint64_t requests = 0, states = 0, hash = 0, trajectory = 0;
    int64_t winner = 0;

    for (int i = 0; i < orders; i++) {
        world w = base;
        const opro_trajectory *t;

        w.order = i ? (uint64_t)i : 0;
        play(&w, config);
        t = opro_run_trajectory(w.run);
        assert_true(w.confirming && w.stopped == 1);
        if (i == 0) {
            requests = w.requests;
            states = w.states;
            hash = opro_run_state_hash(w.run);
            trajectory = opro_trajectory_hash(t);
            winner = opro_run_winner(w.run);
        }
        assert_true(w.requests == requests);
        assert_true(w.states == states);
        assert_true(opro_run_state_hash(w.run) == hash);
        assert_true(opro_trajectory_hash(t) == trajectory);
        assert_int_equal(opro_run_winner(w.run), winner);
        opro_run_free(w.run);
    }
}

static void test_any_order(void **state) {
    static const size_t sizes[] = {1, 3, 7, 20};
    opro_config *config = make_config("4");

    (void)state;
    for (int i = 0; i < 16; i++) {
        world w = world_of(i % 3, 10, sizes[i % 4], i % 2 ? OPRO_MINIMIZE : OPRO_MAXIMIZE);

        set_int(config, OPRO_OPT_SEED, i);
        set_int(config, OPRO_OPT_MAX_IN_FLIGHT, i % 5 ? 64 : 3);
        set_int(config, OPRO_OPT_EVAL_INTERVAL, i / 4);
        w.failing = i % 3 == 2 ? 3 : 0;
        w.steps_fail = 1;
        compare_orders(w, config, 12);
    }
    set(config, "race", "recommended");
    compare_orders(world_of(BINARY, 60, 20, OPRO_MAXIMIZE), config, 12);
    opro_config_free(config);
}

/* Answer the first seven requests of a round, forwards or backwards, or one of them differently. */
static void half_a_round(const opro_config *config, int how, uint64_t *hash, uint64_t *trajectory) {
    static const double others[3] = {0, 0, 0};
    world w = world_of(GRADED, 4, 9, OPRO_MAXIMIZE);
    opro_problem *problem = make_problem(&w);
    opro_request *request, *open[16];
    uint64_t before;
    int n = 0;

    assert_int_equal(opro_run_new(&w.run, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_run_set_observer(w.run, hear, &w, NULL), OPRO_OK);
    while (opro_run_next(w.run, 0, &request) == OPRO_OK)
        if (w.confirming)
            open[n++] = request;
        else
            assert_int_equal(answer(request, &w), OPRO_OK);
    assert_int_equal(n, 16); /* all at once */
    before = opro_trajectory_hash(opro_run_trajectory(w.run));
    for (int i = 0; i < 7; i++) {
        request = open[how == 1 ? 6 - i : i];
        if (how == 2 && i == 3)
            assert_int_equal(opro_run_answer_scores(w.run, opro_request_id(request), others, 3),
                             OPRO_OK);
        else
            assert_int_equal(answer(request, &w), OPRO_OK);
    }
    *hash = opro_run_state_hash(w.run);
    *trajectory = opro_trajectory_hash(opro_run_trajectory(w.run));
    assert_true(*trajectory != before);
    assert_int_equal(opro_run_stop(w.run), OPRO_OK);
    if (how < 2) check_unconfirmed(&w, OPRO_STOP_HOST);
    opro_run_free(w.run);
    opro_problem_free(problem);
}

/* The state of a round that is under way does not depend on the order of its answers either. */
static void test_half_a_round(void **state) {
    opro_config *config = make_config("2");
    uint64_t hash[3], trajectory[3];

    (void)state;
    set(config, "eval_interval", "0");
    for (int how = 0; how < 3; how++)
        half_a_round(config, how, &hash[how], &trajectory[how]);
    assert_true(hash[0] == hash[1] && hash[0] != hash[2]);
    assert_true(trajectory[0] == trajectory[1] && trajectory[0] != trajectory[2]);
    opro_config_free(config);
}

/* Of equal ones the first met wins, whoever is answered first. */
static void test_equal(void **state) {
    opro_config *config = make_config("5");

    (void)state;
    set(config, "eval_interval", "0");
    for (uint64_t i = 0; i < 8; i++) {
        world w = world_of(ALL_EQUAL, 5, i < 4 ? 1 : 6, OPRO_MINIMIZE);
        opro_run *run;

        w.order = i;
        run = confirmed(&w, config, OPRO_STOP_STEPS);
        assert_int_equal(opro_run_winner(run), 0);
        assert_int_equal(opro_trajectory_best_validated(opro_run_trajectory(run)), 0);
        opro_run_free(run);
    }
    opro_config_free(config);
}

/* Those that were dropped in a race are no candidates for it. */
static void test_raced(void **state) {
    opro_config *config = make_config("12");
    world w = world_of(BINARY, 60, 20, OPRO_MAXIMIZE);
    const opro_trajectory *t;
    int64_t partial = 0;

    (void)state;
    set(config, "race", "recommended");
    t = opro_run_trajectory(confirmed(&w, config, OPRO_STOP_STEPS));
    for (int64_t i = 0; i < opro_trajectory_count(t); i++) {
        if (!(opro_trajectory_flags(t, i) & OPRO_FLAG_PARTIAL)) continue;
        assert_int_equal(opro_trajectory_scores(t, i, OPRO_VALIDATION, NULL, 0), 0);
        partial++;
    }
    assert_true(partial > 20);
    opro_run_free(w.run);
    opro_config_free(config);
}

/* A new proposal whenever there is room, and a search that ends while others are under way. */
static void test_steady(void **state) {
    opro_config *config = make_config("12");
    int64_t cut = 0;

    (void)state;
    set(config, "mode", "steady");
    for (uint64_t order = 1; order < 40; order++) {
        world w = world_of(BINARY, 20, 10, OPRO_MAXIMIZE);

        w.order = order;
        w.late = 1;
        if (order % 2) set(config, "target_score", "0.8");
        confirmed(&w, config, order % 2 ? OPRO_STOP_TARGET : OPRO_STOP_STEPS);
        cut +=
            opro_run_count(w.run, OPRO_COUNT_PROPOSALS) > opro_run_count(w.run, OPRO_COUNT_REPLIES);
        opro_run_free(w.run);
        set(config, "target_score", "none");
    }
    assert_true(cut > 0);
    opro_config_free(config);
}

/* ---- what ends a search ---------------------------------------------------------------------- */

static void test_reasons(void **state) {
    static const struct {
        const char *option, *value;
        int32_t reason;
    } ends[] = {{"steps", "3", OPRO_STOP_STEPS},
                {"target_score", "0.7", OPRO_STOP_TARGET},
                {"patience", "2", OPRO_STOP_PATIENCE},
                {"max_proposals", "30", OPRO_STOP_PROPOSALS},
                {"max_scorer_calls", "300", OPRO_STOP_SCORER_CALLS}};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (uint64_t order = 0; order < 3; order++) {
            opro_config *config = make_config("100");
            world w = world_of(BINARY, 5, 7, OPRO_MAXIMIZE);

            w.order = order;
            set(config, ends[i].option, ends[i].value);
            opro_run_free(confirmed(&w, config, ends[i].reason));
            opro_config_free(config);
        }
}

/* No proposal is any good: there is no stage. */
static void test_nothing_to_confirm(void **state) {
    opro_config *config = make_config("3");
    world w = world_of(BINARY, 1, 4, OPRO_MAXIMIZE);
    opro_problem *problem;
    opro_request *request;

    (void)state;
    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_instances(problem, 1, 4), OPRO_OK);
    assert_int_equal(opro_run_new(&w.run, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_run_set_observer(w.run, hear, &w, NULL), OPRO_OK);
    while (opro_run_next(w.run, 0, &request) == OPRO_OK)
        for (size_t i = opro_request_samples(request); i > 0; i--)
            opro_run_answer_text(w.run, opro_request_id(request), "no", OPRO_ZT);
    assert_false(w.confirming);
    check_unconfirmed(&w, OPRO_STOP_STEPS);
    assert_int_equal(opro_run_winner(w.run), -1);
    opro_run_free(w.run);
    opro_problem_free(problem);
    opro_config_free(config);
}

/* ---- failures -------------------------------------------------------------------------------- */

/* Who cannot be scored is out; who was not validated in a step may be now, by an id of its own. */
static void test_failures(void **state) {
    opro_config *config = make_config("4");
    int64_t failed = 0;

    (void)state;
    set(config, "max_failures", "0");
    for (size_t i = 0; i < 60; i++) {
        world w = world_of(BINARY, 8, 1 + i % 11, OPRO_MAXIMIZE);

        w.order = w.luck = i;
        w.failing = 2 + i % 4;
        w.steps_fail = (int)(i % 2);
        play(&w, config);
        assert_true(w.confirming && w.stopped == 1 && w.others == 0);
        assert_int_equal(w.scored + w.failed, w.asked);
        failed += w.failed;
        assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_STEPS);
        assert_true(opro_run_confirmed(w.run) > 0);
        assert_true(
            !isnan(opro_trajectory_validation(opro_run_trajectory(w.run), opro_run_winner(w.run))));
        assert_true(opro_trajectory_figure(opro_run_trajectory(w.run), 4, OPRO_FIGURE_FAILED) ==
                    (double)w.failed);
        check_validation(&w);
        opro_run_free(w.run);
    }
    assert_true(failed > 100);
    opro_config_free(config);
}

/* Ids are made of what is asked for, not of what was asked before and failed. */
static void test_ids(void **state) {
    opro_config *config = make_config("3");
    world fresh = world_of(BINARY, 8, 6, OPRO_MAXIMIZE), again = fresh;

    (void)state;
    again.failing = 1;
    again.steps_fail = 1;
    again.stop_after = fresh.stop_after = 16;
    set(config, "eval_interval", "0");
    play(&fresh, config);
    set(config, "eval_interval", "1");
    play(&again, config);
    assert_true(fresh.asked == 16 && again.asked == 16);
    assert_true(fresh.requests != again.requests);
    assert_true(fresh.stage == again.stage);
    opro_run_free(fresh.run);
    opro_run_free(again.run);
    opro_config_free(config);
}

/* Nobody can be scored. */
static void test_all_fail(void **state) {
    opro_config *config = make_config("4");

    (void)state;
    for (int few = 0; few < 3; few++) {
        world w = world_of(BINARY, 8, 6, OPRO_MAXIMIZE);

        w.failing = 1;
        set(config, "eval_interval", "0");
        set(config, "samples_per_step", few == 1 ? "1" : "8");
        set(config, "max_failures", few == 2 ? "0" : "10");
        play(&w, config);
        assert_int_equal(w.failed, few == 1 ? 5 : 16);
        assert_int_equal(w.calls, few == 1 ? 10 : 32);
        check_unconfirmed(&w, few ? OPRO_STOP_STEPS : OPRO_STOP_FAILURES);
        assert_int_equal(w.ended_by, OPRO_STOP_STEPS);
        assert_string_equal(opro_trajectory_detail(opro_run_trajectory(w.run), 0, NULL), "no");
        opro_run_free(w.run);
    }
    opro_config_free(config);
}

/* A search that ends by failures has no stage. */
static void test_failed_search(void **state) {
    opro_config *config = make_config("4");
    world w = world_of(BINARY, 8, 6, OPRO_MAXIMIZE);

    (void)state;
    w.mute = 1;
    set(config, "max_failures", "2");
    set(config, "score_tokens", "3"); /* what was reserved goes back */
    play(&w, config);
    assert_false(w.confirming);
    check_unconfirmed(&w, OPRO_STOP_FAILURES);
    opro_run_free(w.run);
    opro_config_free(config);
}

/* The host stops after any number of answers; an observer fails, in any event of the stage. */
static void test_cut_short(void **state) {
    static const int32_t kinds[] = {OPRO_EVENT_CONFIRM, OPRO_EVENT_SCORED, OPRO_EVENT_FAILED};
    opro_config *config = make_config("3");
    int64_t stops = 0;

    (void)state;
    for (int64_t n = 1;; n++) {
        world w = world_of(BINARY, 8, 7, OPRO_MAXIMIZE);

        w.order = (uint64_t)n;
        w.stop_after = n;
        set(config, "eval_interval", n % 2 ? "0" : "3");
        play(&w, config);
        if (opro_run_stop_reason(w.run) != OPRO_STOP_HOST) {
            check_confirmed(&w, OPRO_STOP_STEPS, 0);
            opro_run_free(w.run);
            break;
        }
        check_unconfirmed(&w, OPRO_STOP_HOST);
        stops++;
        opro_run_free(w.run);
    }
    assert_true(stops > 8);
    for (int i = 0; i < 3; i++) {
        world w = world_of(BINARY, 8, 7, OPRO_MAXIMIZE);
        opro_problem *problem = make_problem(&w);

        w.answer_to = kinds[i];
        w.answer = OPRO_ERR_FAILED;
        w.failing = 2;
        assert_int_equal(opro_run_new(&w.run, problem, config, NULL), OPRO_OK);
        assert_int_equal(opro_run_set_observer(w.run, hear, &w, NULL), OPRO_OK);
        assert_int_equal(go(&w), OPRO_ERR_FAILED);
        check_unconfirmed(&w, OPRO_STOP_ERROR);
        opro_run_free(w.run);
        opro_problem_free(problem);
    }
    opro_config_free(config);
}

/* A host that stops as the search ends wants no stage. */
static void test_stopped_at_the_end(void **state) {
    opro_config *config = make_config("3");

    (void)state;
    set(config, "target_score", "0.1");
    for (int stops = 0; stops < 2; stops++) {
        world w = world_of(BINARY, 8, 7, OPRO_MAXIMIZE);

        w.stop_at_step = stops;
        play(&w, config);
        assert_int_equal(w.confirming, !stops);
        assert_int_equal(opro_run_stop_reason(w.run), OPRO_STOP_TARGET);
        if (stops) check_unconfirmed(&w, OPRO_STOP_TARGET);
        opro_run_free(w.run);
    }
    opro_config_free(config);
}

/* Answers that do not come: the request's time, and the run's. */
static void test_time(void **state) {
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        opro_config *config = make_config("3");
        world w = world_of(BINARY, 8, 7, OPRO_MAXIMIZE);
        opro_problem *problem = make_problem(&w);
        opro_request *request;
        uint64_t id = 0;
        double scores[2] = {0, 1};
        size_t n = 0;
        opro_status st;

        set(config, whole ? "max_time_ms" : "request_timeout_ms", "1000");
        assert_int_equal(opro_run_new(&w.run, problem, config, NULL), OPRO_OK);
        assert_int_equal(opro_run_set_observer(w.run, hear, &w, NULL), OPRO_OK);
        while ((st = opro_run_next(w.run, 0, &request)) == OPRO_OK)
            if (w.confirming)
                id = opro_request_id(request), n++;
            else
                assert_int_equal(answer(request, &w), OPRO_OK);
        assert_int_equal(st, OPRO_WAIT);
        assert_true(n > 3);
        assert_int_equal(opro_run_timeout(w.run, 400), 600);
        assert_int_equal(opro_run_next(w.run, 999, &request), OPRO_WAIT);
        assert_int_equal(opro_run_count(w.run, OPRO_COUNT_IN_FLIGHT), n);
        st = opro_run_next(w.run, 1000, &request);
        if (whole) {
            assert_int_equal(st, OPRO_DONE);
            check_unconfirmed(&w, OPRO_STOP_TIME);
            assert_int_equal(w.failed, 0);
        } else {
            assert_int_equal(w.failed, n); /* those whose scores were known go on, or nobody */
        }
        assert_int_equal(opro_run_answer_scores(w.run, id, scores, 2), OPRO_ERR_STALE);
        assert_int_equal(opro_run_answer_scores(w.run, id + 1, scores, 2), OPRO_ERR_UNKNOWN);
        opro_run_free(w.run);
        opro_problem_free(problem);
        opro_config_free(config);
    }
}

/* ---- the gap --------------------------------------------------------------------------------- */

/* One candidate, with a published pair of proportions: 56 of 70, and 48 of 80. */
static void test_gap(void **state) {
    (void)state;
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        opro_config *config = make_config("1");
        opro_problem *problem;
        opro_request *request;
        opro_run *run;
        double scores[80], gap, low, high;
        size_t n, ones;

        set(config, "target_score", mirrored ? "0.5" : "0.7");
        set(config, "eval_interval", "0");
        assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
        assert_int_equal(opro_problem_set_instances(problem, 70, 80), OPRO_OK);
        assert_int_equal(
            opro_problem_set_direction(problem, mirrored ? OPRO_MINIMIZE : OPRO_MAXIMIZE), OPRO_OK);
        assert_int_equal(opro_problem_add_initial(problem, "Begin.", OPRO_ZT), OPRO_OK);
        assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
        assert_int_equal(opro_run_gap(run, &gap, &low, &high), OPRO_ERR_INVALID);
        assert_int_equal(opro_run_winner(run), -1);
        while (opro_run_next(run, 0, &request) == OPRO_OK) {
            int trains = opro_request_set(request) == OPRO_TRAIN;
            const int64_t *instances = opro_request_instances(request, &n);

            ones = trains ? 56 : 48;
            for (size_t i = 0; i < n; i++)
                scores[i] = (instances[i] < (int64_t)ones) != mirrored;
            assert_int_equal(opro_run_answer_scores(run, opro_request_id(request), scores, n),
                             OPRO_OK);
        }
        assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_TARGET);
        assert_int_equal(opro_run_confirmed(run), 1);
        assert_int_equal(opro_run_gap(run, &gap, &low, &high), OPRO_OK);
        assert_true(fabs(gap - 0.2) < 1e-12);
        assert_true(fabs(low - 0.0524) < 5e-5 && fabs(high - 0.3339) < 5e-5);
        assert_int_equal(opro_run_gap(run, NULL, &low, &high), OPRO_ERR_INVALID);
        assert_int_equal(opro_run_gap(run, &gap, NULL, &high), OPRO_ERR_INVALID);
        assert_int_equal(opro_run_gap(run, &gap, &low, NULL), OPRO_ERR_INVALID);
        opro_run_free(run);
        opro_problem_free(problem);
        opro_config_free(config);
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static int32_t serve(opro_run *run, opro_request *request, void *user_data) {
    world *w = user_data;

    w->run = run;
    note_request(request, w);
    return answer(request, w);
}

/* Steps are as many as ever; the stage goes on behind the last. */
static void test_driver(void **state) {
    (void)state;
    for (int how = 0; how < 3; how++) {
        opro_config *config = make_config("4");
        world w = world_of(BINARY, 6, 9, OPRO_MAXIMIZE);
        opro_problem *problem = make_problem(&w);
        opro_driver *driver;
        opro_optimizer *optimizer;
        opro_scorer *scorer;
        int steps = 0;
        opro_status st = OPRO_OK;

        assert_int_equal(opro_driver_new(&driver, problem, config, NULL), OPRO_OK);
        assert_int_equal(opro_optimizer_new(&optimizer, serve, &w, NULL, NULL), OPRO_OK);
        assert_int_equal(opro_scorer_new(&scorer, serve, &w, NULL, NULL), OPRO_OK);
        assert_int_equal(opro_driver_set_optimizer(driver, optimizer), OPRO_OK);
        assert_int_equal(opro_driver_set_scorer(driver, scorer), OPRO_OK);
        assert_int_equal(opro_driver_set_observer(driver, hear, &w, NULL), OPRO_OK);
        if (how == 0) {
            while ((st = opro_driver_step(driver)) == OPRO_OK)
                steps++;
            assert_int_equal(steps, 4);
        } else if (how == 1) {
            assert_int_equal(opro_driver_run(driver), OPRO_OK);
            st = opro_driver_step(driver);
        } else {
            while ((st = opro_driver_poll(driver, 0)) == OPRO_OK)
                continue;
        }
        assert_int_equal(st, OPRO_DONE);
        check_confirmed(&w, OPRO_STOP_STEPS, 0);
        opro_driver_free(driver);
        opro_optimizer_free(optimizer);
        opro_scorer_free(scorer);
        opro_problem_free(problem);
        opro_config_free(config);
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Every allocation fails once, in a run that knows a part of what it asks for. */
static void test_memory(void **state) {
    opro_config *config = make_config("2");
    world first = world_of(BINARY, 6, 5, OPRO_MAXIMIZE);
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    set(config, "eval_interval", "0");
    first.stop_after = 12;
    play(&first, config);
    for (long n = 0; st == OPRO_ERR_NOMEM; n++) {
        failing f = {.left = n};
        opro_allocator mem = failing_allocator(&f);
        world w = world_of(BINARY, 6, 5, OPRO_MAXIMIZE);
        opro_problem *problem = make_problem(&w);

        w.failing = 2;
        st = opro_run_new(&w.run, problem, config, &mem);
        if (st == OPRO_OK) st = opro_run_set_observer(w.run, hear, &w, NULL);
        if (st == OPRO_OK) st = opro_run_warm_start(w.run, opro_run_trajectory(first.run));
        if (st == OPRO_OK) st = go(&w);
        assert_true(st == OPRO_ERR_NOMEM || st == OPRO_DONE);
        if (st == OPRO_DONE) assert_true(opro_run_confirmed(w.run) > 0 && w.failed > 0);
        if (st == OPRO_ERR_NOMEM && w.run) {
            assert_int_equal(opro_run_confirmed(w.run), 0);
            assert_int_equal(opro_run_count(w.run, OPRO_COUNT_IN_FLIGHT), 0);
        }
        opro_run_free(w.run);
        opro_problem_free(problem);
        assert_int_equal(f.live, 0);
    }
    opro_run_free(first.run);
    opro_config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_winner),
        cmocka_unit_test(test_same_search),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_half_a_round),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_raced),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_nothing_to_confirm),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_all_fail),
        cmocka_unit_test(test_failed_search),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_stopped_at_the_end),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_driver),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
