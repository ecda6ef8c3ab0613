/* SPDX-License-Identifier: MIT */
/*
 * The confirm stage and budgets: none is passed, and the stage has its part of each; what is known
 * is not paid again; when there is a stage at all.
 */
#include "confirm_world.h"
#include "core/budget.h"
#include "core/problem.h"

/* ---- budgets --------------------------------------------------------------------------------- */

static void test_call_budgets(void **state) {
    int64_t by_calls = 0;

    (void)state;
    for (int64_t max = 1; max < 400; max += max < 90 ? 1 : 17) {
        opro_config *config = make_config("4");
        world w = world_of(BINARY, 5, 7, OPRO_MAXIMIZE);
        opro_problem *problem = make_problem(&w);
        int64_t least = most_calls(16, 7) + 12;
        opro_run *run;
        opro_status st;

        w.order = (uint64_t)max;
        w.usage = 3;
        set_int(config, OPRO_OPT_MAX_SCORER_CALLS, max);
        st = opro_run_new(&run, problem, config, NULL);
        assert_int_equal(st, max < least ? OPRO_ERR_INVALID : OPRO_OK);
        if (st == OPRO_OK) {
            opro_run_free(run);
            play(&w, config);
            assert_true(opro_run_count(w.run, OPRO_COUNT_SCORER_CALLS) <= max);
            by_calls += opro_run_stop_reason(w.run) == OPRO_STOP_SCORER_CALLS;
            check_confirmed(&w, opro_run_stop_reason(w.run), 0);
            opro_run_free(w.run);
        } else {
            const char *message = opro_error_message(opro_problem_error(problem), NULL);
            char numbers[64];

            snprintf(numbers, sizeof numbers, "max_scorer_calls is %d,", (int)max);
            assert_non_null(strstr(message, numbers));
            assert_non_null(strstr(message, "65 or more"));
            assert_non_null(strstr(message, "set confirm to off"));
            set(config, "confirm", "off");
            assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
            opro_run_free(run);
        }
        opro_problem_free(problem);
        opro_config_free(config);
    }
    assert_true(by_calls > 10);
}

/*
 * Tokens and money, with what a call uses known before: never passed, and the stage has its part.
 */
static void test_other_budgets(void **state) {
    (void)state;
    for (int money = 0; money < 2; money++) {
        int64_t ended = 0, invalid = 0;

        for (int64_t max = 100; max < 60000; max += max < 1200 ? 50 : 1717) {
            opro_config *config = make_config("6");
            world w = world_of(BINARY, 5, 7, OPRO_MAXIMIZE);
            opro_problem *problem = make_problem(&w);
            opro_run *run;
            int32_t used = money ? OPRO_COUNT_COST : OPRO_COUNT_TOKENS;

            w.order = (uint64_t)max;
            w.usage = 10;
            set(config, "score_tokens", "10");
            set(config, "score_cost", "10");
            set(config, "reply_price", "1000000");
            set(config, "max_reply_tokens", "20");
            set_int(config, money ? OPRO_OPT_MAX_COST : OPRO_OPT_MAX_TOKENS, max);
            if (opro_run_new(&run, problem, config, NULL) == OPRO_OK) {
                opro_run_free(run);
                play(&w, config);
                assert_true(opro_run_count(w.run, used) <= max);
                ended += opro_run_stop_reason(w.run) == (money ? OPRO_STOP_COST : OPRO_STOP_TOKENS);
                check_confirmed(&w, opro_run_stop_reason(w.run), 0);
                opro_run_free(w.run);
            } else {
                const char *message = opro_error_message(opro_problem_error(problem), NULL);

                assert_non_null(strstr(message, money ? "max_cost is" : "max_tokens is"));
                assert_true(max < 650);
                invalid++;
            }
            opro_problem_free(problem);
            opro_config_free(config);
        }
        assert_true(ended > 10 && invalid == 11);
    }
}

/* Without a reservation there is no stage behind a budget that is used up ... */
static void test_no_reservation(void **state) {
    (void)state;
    for (int money = 0; money < 2; money++) {
        opro_config *config = make_config("100");
        world w = world_of(BINARY, 5, 7, OPRO_MAXIMIZE);

        w.usage = 10;
        set(config, money ? "max_cost" : "max_tokens", "20000");
        play(&w, config);
        assert_false(w.confirming);
        check_unconfirmed(&w, money ? OPRO_STOP_COST : OPRO_STOP_TOKENS);
        opro_run_free(w.run);
        opro_config_free(config);
    }
}

/*
 * ... and when more is used than was reserved, the stage ends with a round. The search costs 850,
 * the rounds 320, 120 and 120.
 */
static void test_overdrawn(void **state) {
    static const struct {
        const char *reserved;
        int64_t max, asked;
    } cases[] = {{"0", 1170, 16}, {"0", 1171, 22}, {"0", 1290, 22},
                 {"0", 1291, 25}, {"5", 1289, 16}, {"5", 1290, 22},
                 {"5", 1349, 22}, {"5", 1350, 25}, {"10", 1410, 25}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro_config *config = make_config("2");
        world w = world_of(BINARY, 5, 8, OPRO_MAXIMIZE);

        w.usage = 10;
        set(config, "eval_interval", "0");
        set(config, "score_cost", cases[i].reserved);
        set_int(config, OPRO_OPT_MAX_COST, cases[i].max);
        play(&w, config);
        assert_int_equal(w.asked, cases[i].asked);
        if (w.asked == 25)
            check_confirmed(&w, OPRO_STOP_STEPS, 0);
        else
            check_unconfirmed(&w, OPRO_STOP_COST);
        opro_run_free(w.run);
        opro_config_free(config);
    }
}

/* What is known takes no budget: it is decided all the same. */
static void test_overdrawn_and_known(void **state) {
    opro_config *config = make_config("2");
    world w = world_of(BINARY, 5, 8, OPRO_MAXIMIZE);

    (void)state;
    w.usage = 10;
    set(config, "eval_interval", "1");
    set(config, "score_cost", "5");
    set(config, "max_cost", "2300"); /* 2210 are used, 280 reserved */
    opro_run_free(confirmed(&w, config, OPRO_STOP_STEPS));
    assert_int_equal(w.asked, 0);
    opro_config_free(config);
}

static void test_overdrawn_budget(void **state) {
    opro__budget b = {
        .max = {INF, INF, 100, INF}, .used = {5, 5, 60, 5}, .reserved = {9, 9, 40, 9}};

    (void)state;
    assert_int_equal(opro__budget_overdrawn(&b), OPRO_STOP_NONE);
    b.reserved.tokens = 41;
    assert_int_equal(opro__budget_overdrawn(&b), OPRO_STOP_TOKENS);
    b.reserved.tokens = 0;
    b.used.tokens = 99;
    assert_int_equal(opro__budget_overdrawn(&b), OPRO_STOP_NONE);
    b.used.tokens = 100;
    assert_int_equal(opro__budget_overdrawn(&b), OPRO_STOP_TOKENS);
    b.max.tokens = INF;
    b.max.cost = 13;
    assert_int_equal(opro__budget_overdrawn(&b), OPRO_STOP_COST);
    b.max.cost = 14;
    b.used.calls = b.used.proposals = INF;
    assert_int_equal(opro__budget_overdrawn(&b), OPRO_STOP_NONE);
}

/* One request at a time, and as many as there may be. */
static void test_in_flight(void **state) {
    static const int64_t most[] = {1, 2, 5, 64};
    opro_config *config = make_config("4");

    (void)state;
    set(config, "eval_interval", "0");
    for (int i = 0; i < 4; i++) {
        world w = world_of(BINARY, 5, 20, OPRO_MAXIMIZE);

        w.order = 1;
        set_int(config, OPRO_OPT_MAX_IN_FLIGHT, most[i]);
        opro_run_free(confirmed(&w, config, OPRO_STOP_STEPS));
        assert_true(w.most_open <= most[i]);
        assert_int_equal(w.asked, 16 + 6 + 3);
    }
    opro_config_free(config);
}

/* ---- warm starts ----------------------------------------------------------------------------- */

/* What an earlier run knows is not asked for again, also if its stage was cut short. */
static void test_warm_start(void **state) {
    opro_config *config = make_config("6");

    (void)state;
    for (int64_t n = 1; n < 28; n += 2) {
        world first = world_of(BINARY, 6, 11, OPRO_MAXIMIZE), w = first;
        opro_problem *problem = make_problem(&w);
        int64_t known = 0;

        first.stop_after = n;
        set(config, "eval_interval", "0");
        play(&first, config);
        memcpy(w.known, first.known, sizeof w.known); /* checked against by note_known() */
        for (size_t i = 0; i < METHODS; i++)
            for (size_t k = 0; k < MOST_INSTANCES; k++)
                known += w.known[i][k];
        assert_true(known > 0);
        set(config, "target_score", "0"); /* reached before the first step */
        assert_int_equal(opro_run_new(&w.run, problem, config, NULL), OPRO_OK);
        assert_int_equal(opro_run_set_observer(w.run, hear, &w, NULL), OPRO_OK);
        assert_int_equal(opro_run_warm_start(w.run, opro_run_trajectory(first.run)), OPRO_OK);
        assert_int_equal(go(&w), OPRO_DONE);
        check_confirmed(&w, OPRO_STOP_TARGET, 0);
        assert_int_equal(opro_run_confirmed(w.run), 16);
        assert_int_equal(w.calls, most_calls(16, 11) - known);
        assert_int_equal(opro_trajectory_steps(opro_run_trajectory(w.run)), 0);
        assert_true(opro_trajectory_figure(opro_run_trajectory(w.run), 0,
                                           OPRO_FIGURE_SCORER_CALLS) == (double)w.calls);
        set(config, "target_score", "none");
        opro_run_free(first.run);
        opro_run_free(w.run);
        opro_problem_free(problem);
    }
    opro_config_free(config);
}

/* Validation scores of other instances are no use. */
static void test_warm_start_elsewhere(void **state) {
    static const size_t there[] = {1, 5, 1}, here[] = {5, 1, 1};
    opro_config *config = make_config("2");

    (void)state;
    for (int i = 0; i < 3; i++) {
        world first = world_of(BINARY, 6, there[i], OPRO_MAXIMIZE);
        world w = world_of(BINARY, 6, here[i], OPRO_MAXIMIZE);
        opro_problem *problem = make_problem(&w);
        const opro_trajectory *t;

        play(&first, config);
        assert_int_equal(opro_run_new(&w.run, problem, config, NULL), OPRO_OK);
        assert_int_equal(opro_run_warm_start(w.run, opro_run_trajectory(first.run)), OPRO_OK);
        t = opro_run_trajectory(w.run);
        if (i < 2)
            assert_int_equal(opro_trajectory_best_validated(t), -1);
        else
            assert_int_equal(opro_trajectory_best_validated(t),
                             opro_trajectory_best_validated(opro_run_trajectory(first.run)));
        check_validation(&w);
        opro_run_free(first.run);
        opro_run_free(w.run);
        opro_problem_free(problem);
    }
    opro_config_free(config);
}

/* Means that can be here, of scores that cannot: nothing is taken over. */
static void test_warm_start_range(void **state) {
    opro_config *config = make_config("1");
    world first = world_of(BINARY, 20, 4, OPRO_MAXIMIZE);
    opro_problem *problem = make_problem(&first);
    const opro_trajectory *t;
    opro_run *run;

    (void)state;
    set(config, "samples_per_step", "2");
    t = opro_run_trajectory(play(&first, config));
    assert_true(opro_trajectory_score(t, opro_trajectory_best(t)) < 0.99);
    assert_int_equal(opro_problem_set_score_range(problem, 0, 0.99), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_run_warm_start(run, t), OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_count(opro_run_trajectory(run)), 0);
    opro_run_free(first.run);
    opro_run_free(run);
    opro_problem_free(problem);
    opro_config_free(config);
}

/* ---- options --------------------------------------------------------------------------------- */

/* 1 if a run of this problem races, or confirms. */
static int does(const world *w, int sampled, const char *option, const char *value, int races) {
    opro_config *config = make_config("6");
    world copy = *w;
    opro_problem *problem = make_problem(&copy);
    int64_t partial = 0;
    const opro_trajectory *t;
    int confirms;

    problem->sampled = sampled;
    set(config, "confirm", "auto");
    if (value) set(config, option, value);
    assert_int_equal(opro_run_new(&copy.run, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_run_set_observer(copy.run, hear, &copy, NULL), OPRO_OK);
    assert_int_equal(go(&copy), OPRO_DONE);
    t = opro_run_trajectory(copy.run);
    for (int64_t i = 0; i < opro_trajectory_count(t); i++)
        partial += (opro_trajectory_flags(t, i) & OPRO_FLAG_PARTIAL) != 0;
    confirms = copy.confirming;
    assert_int_equal(opro_run_confirmed(copy.run) > 0, confirms);
    opro_run_free(copy.run);
    opro_problem_free(problem);
    opro_config_free(config);
    return races ? partial > 0 : confirms;
}

static void test_auto(void **state) {
    world w = world_of(BINARY, 60, 8, OPRO_MAXIMIZE), bare = world_of(BINARY, 60, 0, OPRO_MAXIMIZE);

    (void)state;
    for (int races = 0; races < 2; races++) {
        const char *option = races ? "race" : "confirm", *on = races ? "recommended" : "on";

        assert_false(does(&w, 0, option, NULL, races));
        assert_true(does(&w, 1, option, NULL, races));
        assert_false(does(&w, 1, option, "off", races));
        assert_true(does(&w, 0, option, on, races));
    }
    assert_false(does(&bare, 1, "confirm", NULL, 0));
}

static void test_no_validation(void **state) {
    opro_config *config = make_config("6");
    world bare = world_of(BINARY, 6, 0, OPRO_MAXIMIZE);
    opro_problem *problem = make_problem(&bare);
    opro_run *run;

    (void)state;
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_ERR_INVALID);
    assert_non_null(
        strstr(opro_error_message(opro_problem_error(problem), NULL), "no validation instances"));
    opro_problem_free(problem);
    opro_config_free(config);
}

static void test_problem_digest(void **state) {
    world w = world_of(BINARY, 6, 3, OPRO_MAXIMIZE);
    opro_problem *problem = make_problem(&w);
    uint64_t none = opro_problem_digest(problem), one, two;

    (void)state;
    problem->data = 1;
    one = opro_problem_digest(problem);
    problem->data = 2;
    two = opro_problem_digest(problem);
    assert_true(none != one && one != two && none != two);
    problem->sampled = 1;
    assert_true(opro_problem_digest(problem) != two);
    problem->data = 0;
    assert_true(opro_problem_digest(problem) != none);
    opro_problem_free(problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_budgets),
        cmocka_unit_test(test_other_budgets),
        cmocka_unit_test(test_no_reservation),
        cmocka_unit_test(test_overdrawn),
        cmocka_unit_test(test_overdrawn_and_known),
        cmocka_unit_test(test_overdrawn_budget),
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_warm_start),
        cmocka_unit_test(test_warm_start_elsewhere),
        cmocka_unit_test(test_warm_start_range),
        cmocka_unit_test(test_auto),
        cmocka_unit_test(test_no_validation),
        cmocka_unit_test(test_problem_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
