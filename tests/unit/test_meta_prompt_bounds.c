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

#include "prompt_states.h"

#define STATES 1000000

static void test_states(void **state) {
    prompt_state s;
    const char *wrong = check_prompt_states(20240607, STATES, &s);

    (void)state;
    printf("%d states: %ld whole, %ld cut, %ld refused\n", STATES, s.whole, s.cut, s.refused);
    if (wrong) fail_msg("%s", wrong);
    assert_true(s.whole + s.cut + s.refused > STATES / 10 * 9); /* others are the odd tokenizer's */
    assert_true(s.whole > STATES / 10 && s.cut > STATES / 10 && s.refused > STATES / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
