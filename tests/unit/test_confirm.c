/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/confirm.h"

/* Sixteen who are worse and worse in training: 100, 99, ... of 200; a seventeenth has no place. */
static void enter_all(opro__confirm *confirm, size_t n_fresh) {
    opro__confirm_begin(confirm, 200, n_fresh, 0);
    for (int64_t i = 0; i < 16; i++)
        assert_true(opro__confirm_enter(confirm, i, (double)(100 - i) / 200));
    assert_false(opro__confirm_enter(confirm, 16, 0.1));
    assert_int_equal(confirm->n_in, 16);
}

static void assert_next(const opro__confirm *confirm, size_t from, size_t to) {
    size_t f = 77, t = 77;

    assert_true(opro__confirm_next(confirm, &f, &t));
    assert_int_equal(f, from);
    assert_int_equal(t, to);
}

static void assert_over(const opro__confirm *confirm, int64_t winner) {
    size_t from, to;

    assert_false(opro__confirm_next(confirm, &from, &to));
    assert_non_null(opro__confirm_winner(confirm));
    assert_int_equal(opro__confirm_winner(confirm)->number, winner);
}

static size_t place_of(const opro__confirm *confirm, int64_t number) {
    size_t i = 0;

    while (i < confirm->n_in && confirm->in[i].number != number)
        i++;
    return i;
}

/* One by hand. */
static void test_stages(void **state) {
    opro__confirm confirm;

    (void)state;
    enter_all(&confirm, 40);
    assert_next(&confirm, 0, 10);
    for (size_t i = 0; i < 16;
         i++) /* the last has 85 + 10, the first five 96, 95, 94, 93, 92 + 4 */
        opro__confirm_score(&confirm, i, i == 15 ? 10 : i < 5 ? 0 : 4);
    opro__confirm_cut(&confirm);
    assert_int_equal(confirm.n_in, 6);
    {
        static const int64_t left[] = {0, 1, 5, 2, 6, 3}; /* 100, 99, 99, 98, 98, 97 */

        for (size_t i = 0; i < 6; i++)
            assert_int_equal(confirm.in[i].number, left[i]);
    }
    assert_next(&confirm, 10, 20);
    opro__confirm_score(&confirm, place_of(&confirm, 3), 9);
    opro__confirm_score(&confirm, place_of(&confirm, 6), 5);
    opro__confirm_score(&confirm, place_of(&confirm, 5), 3);
    opro__confirm_cut(&confirm);
    assert_int_equal(confirm.n_in, 3);
    assert_int_equal(confirm.in[0].number, 3); /* 106, 103, 102 */
    assert_int_equal(confirm.in[1].number, 6);
    assert_int_equal(confirm.in[2].number, 5);
    assert_next(&confirm, 20, 40);
    opro__confirm_score(&confirm, 0, 8);
    opro__confirm_score(&confirm, 1, 12);
    opro__confirm_score(&confirm, 2, 12);
    opro__confirm_cut(&confirm);
    assert_over(&confirm, 6);
    assert_true(opro__confirm_fresh(&confirm, opro__confirm_winner(&confirm)) == 21.0 / 40);
    assert_true(opro__confirm_pooled(&confirm, opro__confirm_winner(&confirm)) == 115.0 / 240);
    assert_int_equal(confirm.begun, 16);
}

static void test_equal(void **state) {
    opro__confirm confirm;

    (void)state;
    opro__confirm_begin(&confirm, 10, 8, 0);
    for (int64_t i = 0; i < 9; i++)
        opro__confirm_enter(&confirm, 9 - i, 0.5);
    for (int stage = 0; stage < 3; stage++)
        opro__confirm_cut(&confirm);
    assert_over(&confirm, 9); /* who came first */
}

static void test_minimize(void **state) {
    opro__confirm confirm;

    (void)state;
    opro__confirm_begin(&confirm, 10, 4, 1);
    opro__confirm_enter(&confirm, 1, 0.25);
    opro__confirm_enter(&confirm, 2, 0.5);
    opro__confirm_score(&confirm, 0, 0.5);
    opro__confirm_score(&confirm, 1, -4);
    for (int stage = 0; stage < 3; stage++)
        opro__confirm_cut(&confirm);
    assert_over(&confirm, 2);
}

/* Whatever the number of fresh instances: all are scored once, three stages at most. */
static void test_sizes(void **state) {
    (void)state;
    for (size_t n = 1; n < 50; n++) {
        opro__confirm confirm;
        size_t from, to, at = 0, calls = 0, stages = 0;

        enter_all(&confirm, n);
        while (opro__confirm_next(&confirm, &from, &to)) {
            assert_int_equal(from, at);
            assert_true(to > from && to <= n);
            calls += (to - from) * confirm.n_in;
            at = to;
            stages++;
            opro__confirm_cut(&confirm);
        }
        assert_int_equal(at, n);
        assert_int_equal(confirm.n_in, 1);
        assert_true(stages <= 3);
        if (n % 4 == 0) assert_int_equal(calls, 7 * n);
        assert_true(calls <= 7 * n + 10 + 3 * 2);
    }
}

static void test_nothing_fresh(void **state) {
    opro__confirm confirm;

    (void)state;
    enter_all(&confirm, 0);
    assert_over(&confirm, 0);
    assert_true(isnan(opro__confirm_fresh(&confirm, opro__confirm_winner(&confirm))));
    assert_true(opro__confirm_pooled(&confirm, opro__confirm_winner(&confirm)) == 0.5);
    opro__confirm_begin(&confirm, 10, 10, 0);
    assert_null(opro__confirm_winner(&confirm));
}

static void test_failures(void **state) {
    opro__confirm confirm;
    size_t from, to;

    (void)state;
    enter_all(&confirm, 40);
    for (size_t i = 0; i < 12; i++)
        opro__confirm_fail(&confirm, i);
    opro__confirm_cut(&confirm);
    assert_int_equal(confirm.n_in, 4);
    assert_int_equal(confirm.in[0].number, 12);
    opro__confirm_fail(&confirm, 1);
    opro__confirm_cut(&confirm);
    assert_int_equal(confirm.n_in, 3);
    assert_int_equal(confirm.in[1].number, 14);
    for (size_t i = 0; i < 3; i++)
        opro__confirm_fail(&confirm, i);
    opro__confirm_cut(&confirm);
    assert_null(opro__confirm_winner(&confirm));
    assert_false(opro__confirm_next(&confirm, &from, &to));
}

/*
 * Equally good ones, of which luck chose the best in training: what is reported is about what is
 * true, the score in training is not.
 */
static void test_honest(void **state) {
    opro__rng rng = opro__rng_make(1, 0, 0);
    double reported = 0, trained = 0;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        opro__confirm confirm;
        size_t from, to;
        double train[16];

        opro__confirm_begin(&confirm, 50, 200, 0);
        for (size_t i = 0; i < 16; i++) { /* the best 16 of 400: 2 deviations and more */
            train[i] = 0.5 + 0.07 * (2 + 0.06 * (double)(15 - i));
            opro__confirm_enter(&confirm, (int64_t)i, train[i]);
        }
        while (opro__confirm_next(&confirm, &from, &to)) {
            for (size_t i = 0; i < confirm.n_in; i++)
                for (size_t k = from; k < to; k++)
                    opro__confirm_score(&confirm, i, opro__rng_real(&rng) < 0.5);
            opro__confirm_cut(&confirm);
        }
        reported += opro__confirm_fresh(&confirm, opro__confirm_winner(&confirm)) / 2000;
        trained += train[opro__confirm_winner(&confirm)->number] / 2000;
    }
    print_message("true 0.5, training %.3f, reported %.3f\n", trained, reported);
    assert_true(trained > 0.63);
    assert_true(reported > 0.5 && reported < 0.5625); /* the best of 16, on the average */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),   cmocka_unit_test(test_equal),
        cmocka_unit_test(test_minimize), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_nothing_fresh),
        cmocka_unit_test(test_honest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
