/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/bandit.h"

#define DRAWS 20000

/* How often each of four arms is chosen, as a share. */
static void shares(const opro__bandit *bandit, unsigned usable, double share[4]) {
    opro__rng rng = opro__rng_make(1, 2, OPRO__RNG_LOCAL);

    for (int i = 0; i < 4; i++)
        share[i] = 0;
    for (int i = 0; i < DRAWS; i++) {
        size_t arm = opro__bandit_choose(bandit, usable, &rng);

        assert_true(arm < 4 && (usable >> arm & 1));
        share[arm] += 1.0 / DRAWS;
    }
}

static void test_without_credit_all_are_equal(void **state) {
    opro__bandit bandit;
    double share[4];

    (void)state;
    opro__bandit_init(&bandit, 0, 0.98);
    shares(&bandit, 0xf, share);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(share[i] - 0.25) < 0.02);
}

static void test_only_usable_arms(void **state) {
    opro__bandit bandit;
    double share[4];

    (void)state;
    opro__bandit_init(&bandit, 0.2, 0.98);
    shares(&bandit, 0xa, share);
    assert_true(share[0] == 0 && share[2] == 0 && share[1] > 0.4 && share[3] > 0.4);
    shares(&bandit, 0x4, share);
    assert_true(share[2] > 0.999);
}

static void test_credit_draws_choices(void **state) {
    opro__bandit bandit;
    double share[4];

    (void)state;
    opro__bandit_init(&bandit, 0, 1);
    for (int i = 0; i < 30; i++)
        for (size_t arm = 0; arm < 4; arm++)
            opro__bandit_credit(&bandit, arm, arm == 2 && i % 2);
    shares(&bandit, 0xf, share);
    assert_true(share[2] > 0.98);
}

/* The mean of a Beta distribution with 3 and 1 against one with 1 and 1: P(win) = 3/4. */
static void test_draws_are_beta_distributed(void **state) {
    opro__bandit bandit;
    double share[4];

    (void)state;
    opro__bandit_init(&bandit, 0, 1);
    bandit.wins[1] = 3;
    shares(&bandit, 0x3, share);
    assert_true(fabs(share[1] - 0.75) < 0.01);
}

static void test_the_floor_is_kept(void **state) {
    opro__bandit bandit;
    double share[4];

    (void)state;
    opro__bandit_init(&bandit, 0.2, 1);
    for (int i = 0; i < 1000; i++)
        for (size_t arm = 0; arm < 4; arm++)
            opro__bandit_credit(&bandit, arm, arm == 0);
    shares(&bandit, 0xf, share);
    for (int i = 1; i < 4; i++)
        assert_true(fabs(share[i] - 0.05) < 0.01);
}

static void test_old_credit_fades(void **state) {
    opro__bandit bandit;

    (void)state;
    opro__bandit_init(&bandit, 0, 0.5);
    opro__bandit_credit(&bandit, 0, 1);
    assert_true(bandit.wins[0] == 2 && bandit.losses[0] == 1);
    opro__bandit_credit(&bandit, 1, 0);
    assert_true(bandit.wins[0] == 1.5 && bandit.losses[1] == 2);
    for (int i = 0; i < 100; i++)
        opro__bandit_credit(&bandit, 1, 0);
    assert_true(bandit.wins[0] < 1.001 && bandit.losses[1] <= 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_credit_all_are_equal),
        cmocka_unit_test(test_only_usable_arms),
        cmocka_unit_test(test_credit_draws_choices),
        cmocka_unit_test(test_draws_are_beta_distributed),
        cmocka_unit_test(test_the_floor_is_kept),
        cmocka_unit_test(test_old_credit_fades),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
