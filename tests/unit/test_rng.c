/* SPDX-License-Identifier: MIT */
/*
 * The expected numbers come from another implementation of the same definition, so that a platform
 * that differs shows.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static void test_next(void **state) {
    static const struct {
        uint64_t seed;
        int64_t step;
        uint64_t purpose;
        uint64_t numbers[3];
    } cases[] = {
        {0, 0, 0, {0xcf6ee7e585219bcd, 0x26f5d5449991cfb6, 0xed5beb0bfe4f5750}},
        {1, 0, 0, {0x5d4529210cf07c97, 0xca9e49d16900f096, 0x9b1e3303ee93c8bd}},
        {0, 1, 0, {0xdfff2533b7c3be4e, 0xcf7b60fff014ecc8, 0xcaace35294d22a13}},
        {0, 0, 1, {0xc105b354cf08e52e, 0xdf9796ba464c88ba, 0x71f6de9da7ae6104}},
        {42, -1, 3, {0x3e2d885e32ff60fe, 0xe26c3c363a9dd35e, 0x691c46c8720205dc}},
        {INT64_MAX, 1000000000000, 6, {0xd01867cb5d02155c, 0x65c236e28bdc1cfa, 0xb2ef33382ec2208f}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__rng rng = opro__rng_make(cases[i].seed, cases[i].step, cases[i].purpose);

        for (int k = 0; k < 3; k++)
            assert_true(opro__rng_next(&rng) == cases[i].numbers[k]);
    }
}

static void test_reference(void **state) {
    static const uint64_t n[] = {1, 2, 3, 10, 1000, 1ull << 32, (1ull << 63) + 1, UINT64_MAX};
    static const uint64_t below[] = {
        0, 0, 0, 6, 416, 504982505, 5405438164388861715, 6726913269116935114};
    static const double real[] = {0x1.321772a463756p-1, 0x1.26db1ed9da2a4p-3, 0x1.eafed93dc1c08p-1,
                                  0x1.1b96fc2bd6d77p-1};
    static const double normal[] = {0x1.d41ef1eefb108p-4, -0x1.21456bc960cb6p-2,
                                    -0x1.730e7a3abb800p-11};
    static const size_t chosen[] = {186, 242, 281, 340, 425, 666, 706, 723, 888, 908};
    opro__rng a = opro__rng_make(7, 3, 2), b = a, c = a, d = a;
    size_t out[10];

    (void)state;
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        assert_true(opro__rng_below(&a, n[i]) == below[i]);
    for (size_t i = 0; i < 4; i++)
        assert_true(opro__rng_real(&b) == real[i]);
    for (size_t i = 0; i < 3; i++)
        assert_true(opro__rng_normal(&c) == normal[i]);
    opro__rng_choose(&d, 1000, 10, out);
    assert_memory_equal(out, chosen, sizeof chosen);
}

static void test_counter(void **state) {
    opro__rng a = opro__rng_make(1, 2, 3), b;

    (void)state;
    opro__rng_next(&a);
    b = a; /* the state is all there is */
    assert_true(opro__rng_next(&a) == opro__rng_next(&b));
    b = opro__rng_make(1, 2, 4);
    assert_true(opro__rng_next(&a) != opro__rng_next(&b));
}

/* ---- do they look random --------------------------------------------------------------------- */

/* Sum of (found - expected)^2 / expected: about the number of cells. */
static double chi_square(const size_t *found, size_t cells, double total) {
    double sum = 0, expected = total / (double)cells;

    for (size_t i = 0; i < cells; i++)
        sum += ((double)found[i] - expected) * ((double)found[i] - expected) / expected;
    return sum;
}

static void test_below(void **state) {
    opro__rng rng = opro__rng_make(11, 0, 0);
    size_t counts[7] = {0};

    (void)state;
    for (int i = 0; i < 70000; i++) {
        uint64_t x = opro__rng_below(&rng, 7);

        assert_true(x < 7);
        counts[x]++;
    }
    assert_true(chi_square(counts, 7, 70000) <
                30); /* 6 is to be expected; 30 once in 25,000 keys */
    for (int i = 0; i < 1000; i++)
        assert_true(opro__rng_below(&rng, 1) == 0);
    /*
     * a modulus that does not divide 2^64: without rejection the lower third would come twice as
     * often
     */
    memset(counts, 0, sizeof counts);
    for (int i = 0; i < 30000; i++)
        counts[opro__rng_below(&rng, UINT64_MAX / 3 * 2) / (UINT64_MAX / 3)]++;
    assert_true(chi_square(counts, 2, 30000) < 20);
}

static void test_real(void **state) {
    opro__rng rng = opro__rng_make(12, 0, 0);
    size_t counts[20] = {0};
    double sum = 0, squares = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        double x = opro__rng_real(&rng);

        assert_true(x >= 0 && x < 1);
        counts[(int)(x * 20)]++;
    }
    assert_true(chi_square(counts, 20, 100000) < 60);
    for (int i = 0; i < 100000; i++) {
        double x = opro__rng_normal(&rng);

        assert_true(x >= -6 && x <= 6);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / 100000) < 0.02);
    assert_true(fabs(squares / 100000 - 1) < 0.03);
}

static void check_choice(const size_t *out, size_t n, size_t k) {
    for (size_t i = 0; i < k; i++) {
        assert_true(out[i] < n);
        if (i) assert_true(out[i] > out[i - 1]); /* different, and increasing */
    }
}

static void test_choose(void **state) {
    opro__rng rng = opro__rng_make(13, 0, 0);
    size_t out[300] = {77};

    (void)state;
    opro__rng_choose(&rng, 5, 0, out);
    opro__rng_choose(&rng, 0, 0, out);
    assert_int_equal(out[0], 77);
    for (size_t n = 1; n < 60; n++)
        for (size_t k = 0; k <= n; k++) {
            opro__rng_choose(&rng, n, k, out);
            check_choice(out, n, k);
        }
    opro__rng_choose(&rng, SIZE_MAX, 300, out);
    check_choice(out, SIZE_MAX, 300);
}

/* Every pair of five is as likely as any other. */
static void test_choose_uniform(void **state) {
    size_t counts[25] = {0}, pairs[10], n = 0;
    opro__rng rng = opro__rng_make(14, 0, 0);

    (void)state;
    for (int i = 0; i < 50000; i++) {
        size_t out[2];

        opro__rng_choose(&rng, 5, 2, out);
        counts[out[0] * 5 + out[1]]++;
    }
    for (size_t a = 0; a < 5; a++)
        for (size_t b = a + 1; b < 5; b++)
            pairs[n++] = counts[a * 5 + b];
    assert_true(chi_square(pairs, 10, 50000) < 36); /* 9 is to be expected */
}

/*
 * Steps, purposes and seeds that follow each other give numbers that have nothing to do with each
 * other.
 */
static void test_keys(void **state) {
    size_t bits = 0;

    (void)state;
    for (int64_t i = 0; i < 1000; i++) {
        opro__rng a = opro__rng_make(0, i, 1), b = opro__rng_make(0, i + 1, 1);
        opro__rng c = opro__rng_make((uint64_t)i, 0, 1), d = opro__rng_make((uint64_t)i + 1, 0, 1);
        uint64_t x = opro__rng_next(&a) ^ opro__rng_next(&b);
        uint64_t y = opro__rng_next(&c) ^ opro__rng_next(&d);

        for (int k = 0; k < 64; k++)
            bits += (size_t)((x >> k & 1) + (y >> k & 1));
    }
    assert_true(bits > 63000 && bits < 65000); /* half of 128,000; the deviation is 179 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),           cmocka_unit_test(test_reference),
        cmocka_unit_test(test_counter),        cmocka_unit_test(test_below),
        cmocka_unit_test(test_real),           cmocka_unit_test(test_choose),
        cmocka_unit_test(test_choose_uniform), cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
