/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/portable.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_is_e_to_the_x),
        cmocka_unit_test(test_exp_has_ends),
        cmocka_unit_test(test_log_undoes_exp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
