/* SPDX-License-Identifier: MIT */
/* Expected numbers: NumPy's, and the published test values of MT19937. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/numpy_random.h"

static void test_bits(void **state) {
    opro__numpy_random random;
    uint32_t x = 0;

    (void)state;
    opro__numpy_seed(&random, 5489); /* the generator's own default: its 10,000th word is known */
    assert_int_equal(opro__numpy_next(&random), UINT32_C(3499211612));
    for (int i = 1; i < 10000; i++)
        x = opro__numpy_next(&random);
    assert_int_equal(x, UINT32_C(4123659995));
}

static void iota(int64_t *values, size_t n) {
    for (size_t i = 0; i < n; i++)
        values[i] = (int64_t)i;
}

static void test_permutation(void **state) {
    static const int64_t ten[] = {2, 8, 4, 9, 1, 6, 7, 3, 0, 5};
    opro__numpy_random random;
    int64_t values[10];

    (void)state;
    iota(values, 10);
    opro__numpy_seed(&random, 0);
    opro__numpy_shuffle(&random, values, 10);
    assert_memory_equal(values, ten, sizeof ten);
    opro__numpy_shuffle(&random, values, 0); /* takes no number */
    opro__numpy_shuffle(&random, values, 1);
    assert_int_equal(values[0], 2);
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The first k after a shuffle, sorted. */
static void choose(uint32_t seed, int64_t *values, size_t n, size_t k) {
    opro__numpy_random random;

    opro__numpy_seed(&random, seed);
    opro__numpy_shuffle(&random, values, n);
    qsort(values, k, sizeof *values, by_value);
}

/* The published program's training examples of GSM8K, and its exemplars of two steps. */
static void test_choice(void **state) {
    static const int64_t first[] = {29, 33, 38, 39, 42}, step0[] = {3013, 4732, 6575},
                         step1[] = {3140, 3213, 5379};
    static int64_t all[7473], train[261];

    (void)state;
    iota(all, 7473);
    choose(0, all, 7473, 261);
    assert_memory_equal(all, first, sizeof first);
    for (size_t i = 0; i < 261; i++)
        train[i] = all[i];
    choose(0, train, 261, 3);
    assert_memory_equal(train, step0, sizeof step0);
    for (size_t i = 0; i < 261; i++)
        train[i] = all[i];
    choose(1, train, 261, 3);
    assert_memory_equal(train, step1, sizeof step1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_choice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
