/* SPDX-License-Identifier: MIT */
/* Intervals, against published ones (Newcombe 1998, two papers) and what must hold of any. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/interval.h"
#include "opro/opro.h"

#define MOST 400

static int near(double x, double y, double apart) {
    return fabs(x - y) <= apart;
}

/* k ones among n. */
static opro__interval of_ones(size_t k, size_t n) {
    double scores[MOST];
    opro__interval interval = {NAN, NAN, NAN};

    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++)
        scores[i] = i < k;
    assert_int_equal(opro__interval_of(scores, n, &interval), OPRO_OK);
    return interval;
}

static void test_published(void **state) {
    static const struct {
        size_t k, n;
        double low, high;
    } table[] = {{81, 263, 0.2553, 0.3662},
                 {15, 148, 0.0624, 0.1605},
                 {0, 20, 0, 0.1611},
                 {1, 29, 0.0061, 0.1718},
                 {0, 10, 0, 0.2775}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        opro__interval a = of_ones(table[i].k, table[i].n);
        opro__interval b = of_ones(table[i].n - table[i].k, table[i].n);

        assert_true(near(a.low, table[i].low, 5e-5) && near(a.high, table[i].high, 5e-5));
        assert_true(a.mean == (double)table[i].k / (double)table[i].n);
        assert_true(near(b.low, 1 - a.high, 1e-15) && near(b.high, 1 - a.low, 1e-15));
    }
    assert_true(of_ones(0, 10).low == 0 && of_ones(10, 10).high == 1); /* exactly */
}

/* Method 10 of the second paper. */
static void test_published_differences(void **state) {
    static const struct {
        size_t a, m, b, n;
        double low, high;
    } table[] = {{56, 70, 48, 80, 0.0524, 0.3339}, {9, 10, 3, 10, 0.1705, 0.8090},
                 {6, 7, 2, 7, 0.0582, 0.8062},     {5, 56, 0, 29, -0.0381, 0.1926},
                 {0, 10, 0, 20, -0.1611, 0.2775},  {0, 10, 0, 10, -0.2775, 0.2775},
                 {10, 10, 0, 20, 0.6791, 1.0000},  {10, 10, 0, 10, 0.6075, 1.0000}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        opro__interval a = of_ones(table[i].a, table[i].m), b = of_ones(table[i].b, table[i].n);
        opro__interval d = opro__interval_difference(a, b);
        opro__interval back = opro__interval_difference(b, a);

        assert_true(near(d.low, table[i].low, 5e-5) && near(d.high, table[i].high, 5e-5));
        assert_true(near(d.mean, a.mean - b.mean, 1e-15));
        assert_true(near(back.low, -d.high, 1e-15) && near(back.high, -d.low, 1e-15));
    }
}

static void test_any(void **state) {
    (void)state;
    for (size_t n = 1; n <= MOST; n += 7)
        for (size_t k = 0; k <= n; k++) {
            opro__interval i = of_ones(k, n);

            assert_true(i.low >= 0 && i.low <= i.mean && i.mean <= i.high && i.high <= 1);
            assert_true(i.low < i.high);
        }
}

/* 95 in 100 hold what they are said to hold, more or less, and never much less. */
static void test_coverage(void **state) {
    opro__rng rng = opro__rng_make(7, 0, 0);

    (void)state;
    for (int p = 1; p <= 9; p++) {
        int held[2] = {0, 0};

        for (int round = 0; round < 2000; round++) {
            double ones[60], graded[60];

            for (int i = 0; i < 60; i++) {
                ones[i] = opro__rng_real(&rng) < p / 10.0;
                graded[i] = p / 10.0 + opro__rng_real(&rng) - opro__rng_real(&rng);
            }
            for (int kind = 0; kind < 2; kind++) {
                opro__interval i;

                assert_int_equal(opro__interval_of(kind ? graded : ones, 60, &i), OPRO_OK);
                held[kind] += i.low <= p / 10.0 && p / 10.0 <= i.high;
            }
        }
        for (int kind = 0; kind < 2; kind++)
            assert_true(held[kind] > 1840 && held[kind] < 1960);
    }
}

static void test_graded(void **state) {
    static const double four[] = {4, 1, 3, 2}, same[] = {0.5, 0.5, 0.5}, mixed[] = {0, 1, 0.5};
    static const double large[] = {DBL_MAX, DBL_MAX, -DBL_MAX}, tiny[] = {5e-324, 1e-323};
    double low, high;

    (void)state;
    assert_int_equal(opro_interval(four, 4, &low, &high), OPRO_OK); /* deviation sqrt(5/3) */
    assert_true(near(low, 2.5 - 1.2651513, 1e-7) && near(high, 2.5 + 1.2651513, 1e-7));
    assert_int_equal(opro_interval(same, 3, &low, &high), OPRO_OK);
    assert_true(low == 0.5 && high == 0.5);
    assert_int_equal(opro_interval(mixed, 3, &low, &high), OPRO_OK);
    assert_true(near(low, 0.5 - 0.5657929, 1e-7) && near(high, 0.5 + 0.5657929, 1e-7));
    assert_int_equal(opro_interval(large, 3, &low, &high), OPRO_OK);
    assert_true(low < 0 && high > 0.9 * DBL_MAX);
    assert_int_equal(opro_interval(tiny, 2, &low, &high), OPRO_OK);
    assert_true(low <= 1e-323 && high >= 5e-324 && high < 1e-300);
}

static void test_unknown(void **state) {
    static const double gaps[] = {NAN, 1, NAN, 0, 0, 0, NAN, 0, 0, 0, 0, 0, 0, NAN};
    static const double one[] = {1}, half[] = {NAN, 0.5, NAN}, none[] = {NAN, NAN};
    static const double endless[] = {1, INFINITY}, downwards[] = {-INFINITY, 0};
    double low = 7, high = 8;
    opro__interval ten = of_ones(1, 10);

    (void)state;
    assert_int_equal(opro_interval(one, 0, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_interval(none, 2, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_interval(half, 3, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_interval(endless, 2, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_interval(downwards, 2, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_interval(NULL, 2, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_interval(one, 1, NULL, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_interval(one, 1, &low, NULL), OPRO_ERR_INVALID);
    assert_true(low == 7 && high == 8);
    assert_int_equal(opro_interval(gaps, 14, &low, &high), OPRO_OK);
    assert_true(low == ten.low && high == ten.high);
    assert_int_equal(opro_interval(one, 1, &low, &high), OPRO_OK);
    assert_true(near(low, 0.2065493, 1e-7) && high == 1);
}

static void test_trajectory(void **state) {
    static const double ones[] = {1, 0, 1, 1}, half = 0.5, full = 1;
    opro_trajectory *t;
    opro__interval of_four = of_ones(3, 4);
    double low = 7, high = 8;

    (void)state;
    assert_int_equal(opro_trajectory_new(&t, OPRO_MAXIMIZE, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_add(t, "a", OPRO_ZT, ones, 4, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_add(t, "b", OPRO_ZT, &half, 1, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_add(t, "c", OPRO_ZT, &full, 1, NULL), OPRO_OK);
    for (int64_t i = -1; i < 4; i++)
        assert_int_equal(opro_trajectory_interval(t, i, OPRO_VALIDATION, &low, &high),
                         OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_interval(t, -1, OPRO_TRAIN, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_interval(t, 3, OPRO_TRAIN, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_interval(t, 1, OPRO_TRAIN, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_interval(t, 0, 77, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_interval(NULL, 0, OPRO_TRAIN, &low, &high), OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_interval(t, 0, OPRO_TRAIN, NULL, &high), OPRO_ERR_INVALID);
    assert_true(low == 7 && high == 8);
    assert_int_equal(opro_trajectory_interval(t, 0, OPRO_TRAIN, &low, &high), OPRO_OK);
    assert_true(low == of_four.low && high == of_four.high);
    assert_int_equal(opro_trajectory_interval(t, 2, OPRO_TRAIN, &low, &high), OPRO_OK);
    assert_true(high == 1);
    opro_trajectory_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),  cmocka_unit_test(test_published_differences),
        cmocka_unit_test(test_any),        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_graded),     cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_trajectory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
