/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/race.h"
#include "effort.h"

#define MOST 200

static const opro__race_range binary = {.low = 0, .high = 1, .binary = 1};
static const opro__race_range graded = {.low = 0, .high = 1};

static void assert_near(double found, double wanted) {
    if (fabs(found - wanted) > 1e-12) fail_msg("%.17g, not %.17g", found, wanted);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void test_rules(void **state) {
    static const struct {
        size_t instances, block;
    } cases[] = {{2, 5}, {19, 5}, {50, 5}, {59, 5}, {60, 6}, {200, 20}, {250, 25}, {100000, 25}};
    opro__race_rules rules;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rules = opro__race_rules_of(OPRO__RACE_RECOMMENDED, cases[i].instances);
        assert_int_equal(rules.block, cases[i].block);
        assert_true(rules.alpha == (cases[i].instances < 20 ? 0 : 0.2));
        assert_int_equal(rules.median_of, 1);
    }
    rules = opro__race_rules_of(OPRO__RACE_RECOMMENDED, 20);
    assert_true(rules.alpha == 0.2);
    rules = opro__race_rules_of(OPRO__RACE_EXACT, 200);
    assert_true(rules.alpha == 0);
    assert_int_equal(opro__race_reference(&rules, 1), 0);
    assert_int_equal(opro__race_reference(&rules, 500), 0);
    rules = opro__race_rules_of(OPRO__RACE_CAUTIOUS, 200);
    assert_true(rules.alpha == 0.2);
    assert_int_equal(opro__race_reference(&rules, 1), 0);
    assert_int_equal(opro__race_reference(&rules, 3), 1);
    assert_int_equal(opro__race_reference(&rules, 500), 10);
}

static void test_no_race(void **state) {
    opro__race_rules rules = opro__race_rules_of(OPRO__RACE_RECOMMENDED, 50);
    double reference[50] = {0};
    opro__race race;

    (void)state;
    assert_false(opro__race_begin(&race, &rules, (opro__race_range){.low = NAN, .high = NAN},
                                  reference, 50));
    assert_false(
        opro__race_begin(&race, &rules, (opro__race_range){.low = 1, .high = 1}, reference, 50));
    assert_false(opro__race_begin(&race, &rules, (opro__race_range){.low = -1e308, .high = 1e308},
                                  reference, 50));
    assert_false(opro__race_begin(&race, &rules, binary, reference, 1));
    assert_true(opro__race_begin(&race, &rules, binary, reference, 50));
}

/* ---- the guarantee --------------------------------------------------------------------------- */

/*
 * Pairs of scores at the boundary: the candidate is as good as the guarantee needs, and not
 * better. Whether it is dropped depends on the order alone.
 */
enum {
    ALIKE,    /* binary: the reference, and one instance more           */
    OPPOSITE, /* binary: as many different instances as there can be    */
    RANDOM,   /* binary: independent of each other                      */
    SHUFFLED, /* graded: the reference's scores on other instances      */
    EVEN,     /* graded: the reference's mean on all instances          */
    UNEVEN,   /* graded: all or nothing against a reference that is even */
    PATTERNS
};

static void shuffle(double *values, size_t n, opro__rng *rng) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)opro__rng_below(rng, i);
        double value = values[i - 1];

        values[i - 1] = values[j];
        values[j] = value;
    }
}

static void make_pair(double *y, double *r, size_t n, int pattern, double level, opro__rng *rng) {
    size_t solved = (size_t)((double)n * level);

    for (size_t i = 0; i < n; i++) {
        r[i] = i < solved;
        y[i] = i <= solved;
    }
    if (pattern == OPPOSITE)
        for (size_t i = 0; i < n; i++)
            y[i] = n - i - 1 <= solved;
    if (pattern == RANDOM) shuffle(y, n, rng);
    if (pattern < SHUFFLED) return;
    for (size_t i = 0; i < n; i++) {
        if (pattern == SHUFFLED) y[i] = r[i] = pow(opro__rng_real(rng), level * 4);
        if (pattern == EVEN) y[i] = (double)solved / (double)n;
        if (pattern == UNEVEN) {
            y[i] = i < solved;
            r[i] = (double)solved / (double)n;
        }
    }
    if (pattern == SHUFFLED) shuffle(y, n, rng);
}

/* 1 if it is dropped. */
static int dropped(const double *y, const double *r, size_t n, const opro__race_rules *rules,
                   opro__race_range range, const int64_t *order) {
    opro__race race;
    size_t taken = 0;

    assert_true(opro__race_begin(&race, rules, range, r, n));
    while (opro__race_verdict(&race) == OPRO__RACE_ON) {
        size_t block = opro__race_next(&race);

        assert_true(block > 0 && taken + block <= n);
        for (; block > 0; block--, taken++)
            opro__race_take(&race, (size_t)order[taken], y[order[taken]]);
    }
    return opro__race_verdict(&race) == OPRO__RACE_LOST;
}

static double error_rate(size_t n, size_t block, double alpha, int pattern, double level) {
    opro__race_rules rules = {.alpha = alpha, .median_of = 1, .block = block};
    opro__rng rng = opro__rng_make(n, pattern, 0);
    double y[MOST], r[MOST];
    int64_t order[MOST];
    int wrong = 0, rounds = effort(1500);

    make_pair(y, r, n, pattern, level, &rng);
    for (int round = 0; round < rounds; round++) {
        opro__race_order(order, n, 1, (uint64_t)round);
        wrong += dropped(y, r, n, &rules, pattern < SHUFFLED ? binary : graded, order);
    }
    return (double)wrong / rounds;
}

static void test_guarantee(void **state) {
    static const size_t sizes[] = {20, 50, 200};
    static const double alphas[] = {0.05, 0.1, 0.2, 0.5}, levels[] = {0.2, 0.5, 0.9};
    double worst[4] = {0};

    (void)state;
    for (int pattern = 0; pattern < PATTERNS; pattern++)
        for (size_t s = 0; s < 3; s++)
            for (size_t l = 0; l < 3; l++)
                for (size_t a = 0; a < 4; a++) {
                    size_t block = (s + l + a) % 2 ? 1 : sizes[s] / 10;
                    double rate = error_rate(sizes[s], block, alphas[a], pattern, levels[l]);
                    double chance = 4 * sqrt(alphas[a] * (1 - alphas[a]) / effort(1500));

                    if (rate > alphas[a] + chance)
                        fail_msg("pattern %d, %zu instances, level %g, alpha %g: %g", pattern,
                                 sizes[s], levels[l], alphas[a], rate);
                    if (rate > worst[a]) worst[a] = rate;
                }
    for (size_t a = 0; a < 4; a++) { /* the boundary is one: it is not far to alpha */
        print_message("alpha %g: %g at worst\n", alphas[a], worst[a]);
        assert_true(worst[a] > alphas[a] / 2);
    }
}

/* It is worth the trouble: who is much worse goes early. */
static void test_power(void **state) {
    opro__race_rules rules = opro__race_rules_of(OPRO__RACE_RECOMMENDED, MOST);
    double y[MOST], r[MOST];
    int64_t order[MOST];
    size_t taken = 0;

    (void)state;
    for (size_t i = 0; i < MOST; i++) {
        r[i] = i % 10 < 8;
        y[i] = i % 10 > 6;
    }
    for (uint64_t round = 0; round < 50; round++) {
        opro__race race;

        opro__race_order(order, MOST, 1, round);
        assert_true(opro__race_begin(&race, &rules, binary, r, MOST));
        while (opro__race_verdict(&race) == OPRO__RACE_ON)
            for (size_t k = opro__race_next(&race); k > 0; k--)
                opro__race_take(&race, (size_t)order[race.taken], y[order[race.taken]]);
        assert_int_equal(opro__race_verdict(&race), OPRO__RACE_LOST);
        taken += race.taken;
    }
    assert_true(taken <= 50 * 30); /* of 200 */
}

/* ---- lost for certain ------------------------------------------------------------------------ */

/* All scores of six instances against all references, and every look at them. */
static void test_exact(void **state) {
    opro__race_rules rules = opro__race_rules_of(OPRO__RACE_EXACT, 6);

    (void)state;
    rules.block = 1;
    for (unsigned ref = 0; ref < 64; ref++)
        for (unsigned candidate = 0; candidate < 64; candidate++) {
            double r[6], best = 0, sum = 0;
            opro__race race;

            for (unsigned i = 0; i < 6; i++)
                best += r[i] = ref >> i & 1;
            assert_true(opro__race_begin(&race, &rules, binary, r, 6));
            for (unsigned i = 0; i < 6; i++) {
                sum += candidate >> i & 1;
                opro__race_take(&race, i, candidate >> i & 1);
                if (i == 5)
                    assert_int_equal(opro__race_verdict(&race), OPRO__RACE_WHOLE);
                else if (sum + 5 - i <= best)
                    assert_int_equal(opro__race_verdict(&race), OPRO__RACE_LOST);
                else
                    assert_int_equal(opro__race_verdict(&race), OPRO__RACE_ON);
            }
        }
}

/* Graded: who may still be equal stays; rounding drops nobody. */
static void test_exact_graded(void **state) {
    opro__race_rules rules = opro__race_rules_of(OPRO__RACE_EXACT, 7);
    opro__race_range range = {.low = 0.1, .high = 0.7};
    double r[7];
    opro__race race;

    (void)state;
    rules.block = 1;
    for (size_t i = 0; i < 7; i++)
        r[i] = 0.1 + 0.6 * (double)(i % 3) / 3;
    assert_true(opro__race_begin(&race, &rules, range, r, 7));
    for (size_t i = 0; i < 5; i++) /* of 2/3 x 2 + 1/3 x 2 = 2 it needs all that is left */
        opro__race_take(&race, i, 0.1);
    assert_int_equal(opro__race_verdict(&race), OPRO__RACE_ON);
    opro__race_take(&race, 5, 0.69);
    assert_int_equal(opro__race_verdict(&race), OPRO__RACE_LOST);
}

/* ---- estimates ------------------------------------------------------------------------------- */

/* The reference solves 12 of 20; the candidate was seen on 5 of them, and on 5 of the others. */
static double binary_estimate(unsigned solved, opro__race_range range) {
    static const size_t seen[10] = {0, 1, 2, 3, 4, 12, 13, 14, 15, 16};
    opro__race_rules rules = opro__race_rules_of(OPRO__RACE_RECOMMENDED, 20);
    double good = range.minimize ? range.low : range.high;
    double bad = range.minimize ? range.high : range.low, r[20];
    opro__race race;

    for (size_t i = 0; i < 20; i++)
        r[i] = i < 12 ? good : bad;
    assert_true(opro__race_begin(&race, &rules, range, r, 20));
    for (size_t i = 0; i < 10; i++)
        opro__race_take(&race, seen[i], solved >> i & 1 ? good : bad);
    return opro__race_estimate(&race);
}

static void test_estimate_binary(void **state) {
    (void)state;
    /* loses 2 of 5, gains 1 of 5: (4 + 7 x (1 - 3.5 / 10) + 3 x 2 / 10) / 20 */
    assert_near(binary_estimate(0x27, binary), 0.4575);
    /* loses all, gains nothing: (0 + 7 x (1 - 6.5 / 10) + 3 x 1 / 10) / 20 */
    assert_near(binary_estimate(0, binary), 0.1375);
    /* 0.8875 by the formula, but it has lost */
    assert_near(binary_estimate(0x3ff, binary), 0.59);
    assert_near(binary_estimate(0x27, (opro__race_range){.low = -50, .high = 50, .binary = 1}),
                -4.25);
    assert_near(
        binary_estimate(0x27, (opro__race_range){.low = 0, .high = 1, .binary = 1, .minimize = 1}),
        0.5425);
}

static double graded_estimate(double reference, double score, size_t seen, opro__race_range range) {
    opro__race_rules rules = opro__race_rules_of(OPRO__RACE_RECOMMENDED, 20);
    double r[20];
    opro__race race;

    for (size_t i = 0; i < 20; i++)
        r[i] = reference;
    assert_true(opro__race_begin(&race, &rules, range, r, 20));
    for (size_t i = 0; i < seen; i++)
        opro__race_take(&race, i, score);
    return opro__race_estimate(&race);
}

static void test_estimate_graded(void **state) {
    opro__race_range minimized = {.low = -2, .high = 6, .minimize = 1};

    (void)state;
    /* (1.5 + 14 x 0.5 - 14 x 6/10 x 0.25) / 20 */
    assert_near(graded_estimate(0.5, 0.25, 6, graded), 0.32);
    assert_near(graded_estimate(2, 4, 6, minimized), 6 - 8 * 0.32);
    /* (4.5 + 14 x 0.5 + 14 x 6/10 x 0.25) / 20 = 0.68 by the formula */
    assert_near(graded_estimate(0.5, 0.75, 6, graded), 0.49);
    assert_near(graded_estimate(2, 0, 6, minimized), 6 - 8 * 0.49);
    /* nothing outside the range, and nothing is estimated when all is known */
    assert_near(graded_estimate(0.005, 0, 6, graded), 0);
    assert_near(graded_estimate(0.5, 0.75, 20, graded), 0.75);
}

/* ---- order ----------------------------------------------------------------------------------- */

static void test_order(void **state) {
    int64_t a[100], b[100];
    size_t same = 0, places[10][10] = {{0}};
    double chi = 0;

    (void)state;
    for (uint64_t digest = 0; digest < 200; digest++) {
        unsigned char seen[100] = {0};

        opro__race_order(a, 100, 3, digest);
        opro__race_order(b, 100, 3, digest);
        assert_memory_equal(a, b, sizeof a);
        for (size_t i = 0; i < 100; i++) {
            assert_true(a[i] >= 0 && a[i] < 100);
            assert_false(seen[a[i]]++);
        }
        opro__race_order(b, 100, 3, digest + 1);
        for (size_t i = 0; i < 100; i++)
            same += a[i] == b[i];
        opro__race_order(b, 100, 4, digest);
        for (size_t i = 0; i < 100; i++)
            same += a[i] == b[i];
    }
    assert_true(same > 300 && same < 500); /* 400 by chance */
    for (uint64_t digest = 0; digest < 10000; digest++) {
        opro__race_order(a, 10, 5, digest);
        for (size_t i = 0; i < 10; i++)
            places[i][a[i]]++;
    }
    for (size_t i = 0; i < 100; i++)
        chi += pow((double)places[i / 10][i % 10] - 1000, 2) / 1000;
    assert_true(chi < 130); /* 81 is to be expected, deviation 13 */
}

/* The same on every platform: from another implementation of the same definition. */
static void test_order_reference(void **state) {
    static const int64_t wanted[] = {1, 7, 0, 9, 3, 2, 5, 4, 8, 6};
    int64_t order[10] = {77};

    (void)state;
    opro__race_order(order, 0, 42, 1);
    assert_int_equal(order[0], 77);
    opro__race_order(order, 1, 42, 1);
    assert_int_equal(order[0], 0);
    opro__race_order(order, 10, 42, UINT64_C(0xfedcba9876543210));
    assert_memory_equal(order, wanted, sizeof wanted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),           cmocka_unit_test(test_no_race),
        cmocka_unit_test(test_guarantee),       cmocka_unit_test(test_power),
        cmocka_unit_test(test_exact),           cmocka_unit_test(test_exact_graded),
        cmocka_unit_test(test_estimate_binary), cmocka_unit_test(test_estimate_graded),
        cmocka_unit_test(test_order),           cmocka_unit_test(test_order_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
