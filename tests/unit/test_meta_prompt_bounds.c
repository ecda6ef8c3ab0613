/* SPDX-License-Identifier: MIT */
/*
 * A million random states of problem, trajectory, options, templates, tokenizers and bounds;
 * test_meta_prompt has a few.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "effort.h"
#include "prompt_states.h"

static void test_states(void **state) {
    const int states = effort(1000000);
    prompt_state s;
    const char *wrong = check_prompt_states(20240607, states, &s);

    (void)state;
    printf("%d states: %ld whole, %ld cut, %ld refused\n", states, s.whole, s.cut, s.refused);
    if (wrong) fail_msg("%s", wrong);
    assert_true(s.whole + s.cut + s.refused > states / 10 * 9); /* others are the odd tokenizer's */
    assert_true(s.whole > states / 10 && s.cut > states / 10 && s.refused > states / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
