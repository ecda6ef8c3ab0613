/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/portable.h"

#define TURN 6.2831853071795865

static void test_exp_is_e_to_the_x(void **state) {
    (void)state;
    assert_true(opro__portable_exp(0) == 1);
    for (double x = -690; x < 690; x += 0.37)
        assert_true(fabs(opro__portable_exp(x) / exp(x) - 1) < 1e-13);
}

static void test_exp_has_ends(void **state) {
    (void)state;
    assert_true(opro__portable_exp(-1000) == 0);
    assert_true(isfinite(opro__portable_exp(1000)));
    assert_true(opro__portable_exp(1000) == opro__portable_exp(700));
}

static void test_log_undoes_exp(void **state) {
    (void)state;
    assert_true(opro__portable_log(1) == 0);
    for (double x = -300; x < 300; x += 0.41) {
        double power = exp(x);

        assert_true(fabs(opro__portable_log(power) - log(power)) < 1e-13 * (1 + fabs(x)));
    }
    for (double x = 0.5; x < 2; x += 0.001)
        assert_true(fabs(opro__portable_log(x) - log(x)) < 1e-15);
    assert_true(fabs(opro__portable_log(5e-324) - log(5e-324)) < 1e-11);
}

/* Against libm, whose angles are radians, rounded to doubles. */
static void test_sin_and_cos(void **state) {
    (void)state;
    for (double x = -3; x < 3; x += 0.0007) {
        assert_true(fabs(opro__portable_sin(x) - sin(x * TURN)) < 1e-15 * (1 + 4 * fabs(x)));
        assert_true(fabs(opro__portable_cos(x) - cos(x * TURN)) < 1e-15 * (1 + 4 * fabs(x)));
    }
    for (double x = 1e-300; x < 0.1; x *= 7)
        assert_true(fabs(opro__portable_sin(x) / sin(x * TURN) - 1) < 1e-15);
}

static void test_sin_and_cos_of_quarters(void **state) {
    const double whole[] = {0, 1, -7, 1e9, 4503599627370497.0, 1e300};

    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        assert_true(opro__portable_cos(whole[i]) == 1 && opro__portable_sin(whole[i]) == 0);
        if (fabs(whole[i]) > 1e10) continue;
        assert_true(opro__portable_cos(whole[i] + 0.5) == -1);
        assert_true(opro__portable_cos(whole[i] + 0.25) == 0);
        assert_true(opro__portable_sin(whole[i] + 0.25) == 1);
        assert_true(opro__portable_sin(whole[i] - 0.25) == -1);
    }
}

static void test_atan(void **state) {
    (void)state;
    assert_true(opro__portable_atan(0) == 0);
    for (double x = 1e-300; x < 1e300; x *= 1.07)
        assert_true(fabs(opro__portable_atan(x) / atan(x) - 1) < 1e-15);
    assert_true(opro__portable_atan(INFINITY) == atan(INFINITY));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_is_e_to_the_x),       cmocka_unit_test(test_exp_has_ends),
        cmocka_unit_test(test_log_undoes_exp),          cmocka_unit_test(test_sin_and_cos),
        cmocka_unit_test(test_sin_and_cos_of_quarters), cmocka_unit_test(test_atan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
