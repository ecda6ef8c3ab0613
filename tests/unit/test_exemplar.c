/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/exemplar.h"
#include "failing.h"
#include "opro/opro.h"

#define MOST 64

typedef struct fixture {
    opro__mem mem;
    opro_problem *problem;
    opro_config *config;
    opro_trajectory *t;
    opro__exemplars e;
    int64_t shown[MOST];
    size_t n_shown;
} fixture;

static void option(fixture *f, const char *name, const char *value) {
    assert_int_equal(opro_config_set(f->config, name, OPRO_ZT, value, OPRO_ZT), OPRO_OK);
}

static void set_up(fixture *f, size_t exemplars, int32_t direction, const char *rule) {
    memset(f, 0, sizeof *f);
    opro__mem_init(&f->mem, NULL);
    opro__exemplars_init(&f->e, &f->mem);
    assert_int_equal(opro_problem_new(&f->problem, NULL), OPRO_OK);
    assert_int_equal(opro_config_new(&f->config, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_new(&f->t, direction, NULL), OPRO_OK);
    opro_problem_set_direction(f->problem, direction);
    for (size_t i = 0; i < exemplars; i++)
        opro_problem_add_exemplar(f->problem, "input", 5, "target", 6);
    option(f, "exemplar_choice", rule);
}

static void tear_down(fixture *f) {
    opro__exemplars_free(&f->e);
    opro_trajectory_free(f->t);
    opro_config_free(f->config);
    opro_problem_free(f->problem);
    assert_int_equal(f->mem.used, 0);
}

/*
 * A candidate with a score an instance: the digits of a string. "x": NaN is what was not asked for.
 */
static int64_t add(fixture *f, const char *digits) {
    double scores[MOST];
    size_t n = strlen(digits);
    int64_t number = -1;
    char text[32];

    for (size_t i = 0; i < n; i++)
        scores[i] = digits[i] == 'x' ? 0 : (double)(digits[i] - '0') / 9;
    snprintf(text, sizeof text, "candidate %lld", (long long)opro_trajectory_count(f->t));
    assert_int_equal(opro_trajectory_add(f->t, text, OPRO_ZT, scores, n, &number), OPRO_OK);
    for (size_t i = 0; n > 1 && i < n; i++)
        if (digits[i] == 'x') opro__trajectory_at(f->t, number)->extra->scores[0][i] = NAN;
    return number;
}

static void choose(fixture *f, int64_t step) {
    size_t n;

    assert_int_equal(opro__exemplars_choose(&f->e, f->problem, &f->config->options, f->t, f->shown,
                                            f->n_shown, step),
                     OPRO_OK);
    n = f->e.n;
    for (size_t i = 0; i < n; i++) {
        assert_true(f->e.chosen[i] < opro_problem_exemplar_count(f->problem));
        for (size_t k = 0; k < i; k++)
            assert_true(f->e.chosen[i] != f->e.chosen[k]);
    }
}

/* How often each exemplar is chosen in so many steps. */
static void tally(fixture *f, int steps, int *seen) {
    for (int64_t step = 0; step < steps; step++) {
        choose(f, step);
        for (size_t i = 0; i < f->e.n; i++)
            seen[f->e.chosen[i]]++;
    }
}

static void test_random(void **state) {
    int seen[10] = {0};
    size_t first[3];
    fixture f;

    (void)state;
    set_up(&f, 10, OPRO_MAXIMIZE, "random");
    tally(&f, 10000, seen);
    for (size_t i = 0; i < 10; i++)
        assert_in_range(seen[i], 2770, 3230); /* 3000, sd 46 */
    choose(&f, 5);
    assert_int_equal(f.e.n, 3);
    memcpy(first, f.e.chosen, sizeof first);
    assert_true(first[0] < first[1] && first[1] < first[2]);
    choose(&f, 6);
    assert_true(memcmp(first, f.e.chosen, sizeof first) != 0);
    choose(&f, 5);
    assert_memory_equal(first, f.e.chosen, sizeof first);
    option(&f, "seed", "1");
    choose(&f, 5);
    assert_true(memcmp(first, f.e.chosen, sizeof first) != 0);
    tear_down(&f);
}

static void test_constant(void **state) {
    size_t first[3];
    fixture f;

    (void)state;
    set_up(&f, 100, OPRO_MAXIMIZE, "random");
    choose(&f, 0);
    memcpy(first, f.e.chosen, sizeof first);
    option(&f, "exemplar_choice", "constant");
    for (int64_t step = 0; step < 20; step++) {
        choose(&f, step);
        assert_memory_equal(first, f.e.chosen, sizeof first);
    }
    tear_down(&f);
}

/* The numbers are NumPy's: sort(choice(n, 3, replace=False)) after seed(step). */
static void test_random_published(void **state) {
    static const struct {
        size_t exemplars;
        int64_t step;
        size_t chosen[3];
    } cases[] = {
        {10, 0, {2, 4, 8}},         {261, 0, {106, 166, 239}}, {261, 1, {110, 112, 188}},
        {261, 2, {77, 184, 203}},   {261, 3, {38, 232, 257}},  {50, 0, {10, 11, 28}},
        {50, 1, {27, 35, 40}},      {50, 2, {28, 36, 47}},     {50, 3, {9, 12, 39}},
        {50, 123456, {16, 35, 44}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;

        set_up(&f, cases[i].exemplars, OPRO_MAXIMIZE, "random_published");
        option(&f, "seed", "77"); /* does not matter */
        choose(&f, cases[i].step);
        assert_int_equal(f.e.n, 3);
        assert_memory_equal(f.e.chosen, cases[i].chosen, sizeof cases[i].chosen);
        tear_down(&f);
    }
}

static void test_how_many(void **state) {
    static const char *const rules[] = {"random", "random_published", "constant",
                                        "accumulated_wrong", "current_wrong"};

    (void)state;
    for (size_t r = 0; r < 5; r++) {
        fixture f;

        set_up(&f, 5, OPRO_MAXIMIZE, rules[r]);
        add(&f, "00909");
        option(&f, "exemplars", "0");
        choose(&f, 0);
        assert_int_equal(f.e.n, 0);
        option(&f, "exemplars", "5");
        choose(&f, 0);
        assert_int_equal(f.e.n, 5);
        option(&f, "exemplars", "9");
        choose(&f, 0);
        assert_int_equal(f.e.n, 5);
        tear_down(&f);
        set_up(&f, 0, OPRO_MAXIMIZE, rules[r]);
        choose(&f, 0);
        assert_int_equal(f.e.n, 0);
        tear_down(&f);
    }
}

static void test_accumulated(void **state) {
    fixture f;

    (void)state;
    set_up(&f, 6, OPRO_MAXIMIZE, "accumulated_wrong");
    add(&f, "099990");
    add(&f, "099099");
    add(&f, "0990x0"); /* wrong: 0 three times, 3 twice, 5 twice */
    choose(&f, 0);
    assert_int_equal(f.e.chosen[0], 0);
    assert_true((f.e.chosen[1] == 3 && f.e.chosen[2] == 5) ||
                (f.e.chosen[1] == 5 && f.e.chosen[2] == 3));
    /* catching up: 1 becomes the most often wrong of all */
    for (int i = 0; i < 4; i++)
        add(&f, "909999");
    choose(&f, 0);
    assert_int_equal(f.e.chosen[0], 1);
    assert_int_equal(f.e.chosen[1], 0);
    tear_down(&f);
}

/* Ties go by lot, anew in each step. */
static void test_ties(void **state) {
    int seen[10] = {0};
    fixture f;

    (void)state;
    set_up(&f, 10, OPRO_MAXIMIZE, "accumulated_wrong");
    add(&f, "0000000000");
    add(&f, "9999999990");
    tally(&f, 9000, seen);
    assert_int_equal(seen[9], 9000); /* wrong twice: always */
    for (size_t i = 0; i < 9; i++)
        assert_in_range(seen[i], 1800, 2200); /* two of nine: 2000, sd 39 */
    tear_down(&f);
}

/* Fewer were ever wrong: the rest is drawn from the others. */
static void test_fill(void **state) {
    int seen[10] = {0};
    fixture f;

    (void)state;
    set_up(&f, 10, OPRO_MAXIMIZE, "accumulated_wrong");
    add(&f, "9999099");
    tally(&f, 9000, seen);
    for (int64_t step = 0; step < 100; step++) {
        choose(&f, step);
        assert_int_equal(f.e.chosen[0], 4);
        assert_true(f.e.chosen[1] < f.e.chosen[2]);
    }
    for (size_t i = 0; i < 10; i++)
        if (i != 4) assert_in_range(seen[i], 1800, 2200);
    tear_down(&f);
}

static void test_current(void **state) {
    fixture f;

    (void)state;
    set_up(&f, 6, OPRO_MAXIMIZE, "current_wrong");
    add(&f, "000999");
    f.shown[f.n_shown++] = add(&f, "999009");
    f.shown[f.n_shown++] = add(&f, "990099"); /* 3 twice; 2, 4 once */
    choose(&f, 0);
    assert_int_equal(f.e.chosen[0], 3);
    assert_int_equal(f.e.chosen[1] + f.e.chosen[2], 2 + 4);
    tear_down(&f);
}

static void test_what_is_wrong(void **state) {
    fixture f;

    (void)state;
    set_up(&f, 4, OPRO_MAXIMIZE, "accumulated_wrong");
    option(&f, "exemplars", "1");
    option(&f, "wrong_score", "0.5");
    add(&f, "9949"); /* 4/9 is at most 0.5 */
    choose(&f, 3);
    assert_int_equal(f.e.chosen[0], 2);
    tear_down(&f);

    set_up(&f, 4, OPRO_MINIMIZE, "accumulated_wrong");
    option(&f, "exemplars", "1");
    add(&f, "0010"); /* a loss above 0 */
    choose(&f, 3);
    assert_int_equal(f.e.chosen[0], 2);
    tear_down(&f);

    set_up(&f, 4, OPRO_MAXIMIZE, "accumulated_wrong"); /* one instance: the score itself */
    option(&f, "exemplars", "1");
    add(&f, "0");
    choose(&f, 3);
    assert_int_equal(f.e.chosen[0], 0);
    tear_down(&f);
}

/* Rejected ones have no scores; instances without an exemplar do not count. */
static void test_what_does_not_count(void **state) {
    opro__candidate *c;
    int fresh;
    fixture f;

    (void)state;
    set_up(&f, 3, OPRO_MAXIMIZE, "accumulated_wrong");
    option(&f, "exemplars", "1");
    add(&f, "99909");
    add(&f, "99900");
    add(&f, "90900");
    c = opro__trajectory_meet(f.t, "not legal", 9, &fresh);
    c->verdict = OPRO_VERDICT_REJECTED;
    opro__trajectory_commit(f.t, c);
    choose(&f, 0);
    assert_int_equal(f.e.chosen[0], 1);
    tear_down(&f);
}

/* What was counted of one trajectory has no part in the choice for another, wherever that lies. */
static void test_another_trajectory(void **state) {
    opro_trajectory *first;
    fixture f;

    (void)state;
    set_up(&f, 4, OPRO_MAXIMIZE, "accumulated_wrong");
    option(&f, "exemplars", "1");
    for (int i = 0; i < 9; i++)
        add(&f, "0999");
    choose(&f, 0);
    assert_int_equal(f.e.chosen[0], 0);
    first = f.t;
    assert_int_equal(opro_trajectory_new(&f.t, OPRO_MAXIMIZE, NULL), OPRO_OK);
    add(&f, "9099");
    choose(&f, 0);
    assert_int_equal(f.e.chosen[0], 1);
    opro_trajectory_free(f.t);
    f.t = first;
    choose(&f, 0);
    assert_int_equal(f.e.chosen[0], 0);
    /* emptied and filled anew at the same address */
    for (int round = 0; round < 50; round++) {
        opro_trajectory_free(f.t);
        assert_int_equal(opro_trajectory_new(&f.t, OPRO_MAXIMIZE, NULL), OPRO_OK);
        for (int i = 0; i < 9 + round % 3; i++)
            add(&f, round % 2 ? "9909" : "9990");
        choose(&f, 0);
        assert_int_equal(f.e.chosen[0], round % 2 ? 2 : 3);
    }
    tear_down(&f);
}

/*
 * However the trajectory grew between two choices, the choice is the one made by counting all at
 * once.
 */
static void test_catching_up(void **state) {
    opro__rng rng = opro__rng_make(11, 0, 0);
    fixture f;

    (void)state;
    set_up(&f, 40, OPRO_MAXIMIZE, "accumulated_wrong");
    option(&f, "exemplars", "7");
    for (int64_t step = 0; step < 300; step++) {
        opro__exemplars fresh;

        for (size_t k = (size_t)opro__rng_below(&rng, 4); k > 0; k--) {
            char digits[MOST] = {0};

            for (size_t i = 0, n = 1 + (size_t)opro__rng_below(&rng, 45); i < n; i++)
                digits[i] = opro__rng_below(&rng, 2) ? '0' : '9';
            add(&f, digits);
        }
        choose(&f, step);
        opro__exemplars_init(&fresh, &f.mem);
        assert_int_equal(
            opro__exemplars_choose(&fresh, f.problem, &f.config->options, f.t, NULL, 0, step),
            OPRO_OK);
        assert_int_equal(fresh.n, f.e.n);
        assert_memory_equal(fresh.chosen, f.e.chosen, f.e.n * sizeof *fresh.chosen);
        opro__exemplars_free(&fresh);
    }
    tear_down(&f);
}

static void test_no_memory(void **state) {
    static const char *const rules[] = {"random", "random_published", "accumulated_wrong",
                                        "current_wrong"};

    (void)state;
    for (size_t r = 0; r < 4; r++) {
        opro_status st = OPRO_ERR_NOMEM;

        for (long n = 0; st == OPRO_ERR_NOMEM; n++) {
            failing fail = {n, 0};
            opro_allocator allocator = failing_allocator(&fail);
            fixture f;

            set_up(&f, 10, OPRO_MAXIMIZE, rules[r]);
            f.shown[f.n_shown++] = add(&f, "99099");
            f.shown[f.n_shown++] = add(&f, "990999999");
            opro__mem_init(&f.mem, &allocator);
            st = opro__exemplars_choose(&f.e, f.problem, &f.config->options, f.t, f.shown,
                                        f.n_shown, 0);
            if (st != OPRO_OK) assert_int_equal(f.e.n, 0);
            fail.left = -1;
            choose(&f, 0); /* and then it works, with nothing counted twice */
            assert_int_equal(f.e.n, 3);
            if (r > 1) assert_int_equal(f.e.chosen[0], 2);
            tear_down(&f);
            assert_int_equal(fail.live, 0);
            assert_true(n < 20);
        }
        assert_int_equal(st, OPRO_OK);
    }
}

/* Out of memory between two candidates: neither is counted twice when it goes on. */
static void test_no_memory_on_the_way(void **state) {
    fixture f;

    (void)state;
    set_up(&f, 30, OPRO_MAXIMIZE, "accumulated_wrong");
    option(&f, "exemplars", "1");
    add(&f, "9099999999999999");
    add(&f, "9099999999999999");
    choose(&f, 0);
    add(&f, "0999999999999999");
    add(&f, "9999999999999999999999999");
    f.mem.limit = f.mem.used;
    assert_int_equal(opro__exemplars_choose(&f.e, f.problem, &f.config->options, f.t, NULL, 0, 0),
                     OPRO_ERR_NOMEM);
    f.mem.limit = 0;
    choose(&f, 0);
    assert_int_equal(f.e.chosen[0], 1);
    assert_int_equal(f.e.wrong[0], 1);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_random_published),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_how_many),
        cmocka_unit_test(test_accumulated),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_current),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_what_does_not_count),
        cmocka_unit_test(test_another_trajectory),
        cmocka_unit_test(test_catching_up),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_on_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
