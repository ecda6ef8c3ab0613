/* SPDX-License-Identifier: MIT */
/*
 * The table of calls, walked: inside a callback each is refused or allowed as it says, and outside
 * all are allowed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/guard.h"

static const struct {
    const char *name;
    int allowed;
} calls[] = {
#define OPRO_CALL(name, allowed) {#name, allowed},
#include "core/calls.def"
#undef OPRO_CALL
};

static opro_error err;

/* As if a call before had failed. */
static void spoil(void) {
    opro__fail(&err, OPRO_ERR_LIMIT, "before");
}

static void expect_free_to_go(const opro__guard *guard, int call) {
    spoil();
    assert_int_equal(opro__enter(guard, &err, call), OPRO_OK);
    assert_int_equal(opro_error_status(&err), OPRO_OK);
}

static void expect_refused(const opro__guard *guard, int call, const char *inside) {
    spoil();
    assert_int_equal(opro__enter(guard, &err, call), OPRO_ERR_REENTRANT);
    assert_int_equal(opro_error_status(&err), OPRO_ERR_REENTRANT);
    assert_non_null(strstr(opro_error_message(&err, NULL), calls[call].name));
    assert_non_null(strstr(opro_error_message(&err, NULL), inside));
}

static void test_outside(void **state) {
    const opro__guard guard = {0};

    (void)state;
    for (int call = 0; call < OPRO__CALLS; call++)
        expect_free_to_go(&guard, call);
}

/* Messages name the function and the callback, the innermost of those whose names are kept. */
static void test_inside(void **state) {
    static const char *const names[] = {"one", "two", "three", "four"};
    opro__guard guard = {0};

    (void)state;
    for (int depth = 1; depth < 8; depth++) {
        opro__callback_begin(&guard, names[depth < 4 ? depth - 1 : 3]);
        for (int call = 0; call < OPRO__CALLS; call++) {
            if (calls[call].allowed < 2) {
                expect_refused(&guard, call, names[depth < 4 ? depth - 1 : 3]);
                continue;
            }
            spoil(); /* the error of the call that is under way stays */
            assert_int_equal(opro__enter(&guard, &err, call), OPRO_OK);
            assert_int_equal(opro_error_status(&err), OPRO_ERR_LIMIT);
        }
    }
    for (int depth = 1; depth < 8; depth++)
        opro__callback_end(&guard);
    expect_free_to_go(&guard, 0);
}

/* Optimizers and scorers answer the run that asks them. */
static void test_serving(void **state) {
    opro__guard guard = {0};

    (void)state;
    opro__serving_begin(&guard, "the scorer");
    for (int call = 0; call < OPRO__CALLS; call++) {
        if (calls[call].allowed)
            expect_free_to_go(&guard, call);
        else
            expect_refused(&guard, call, "the scorer");
    }
    opro__serving_end(&guard);
    expect_free_to_go(&guard, 0);
}

/*
 * A free inside is refused, and the call that is under way then fails, once, when its last callback
 * is over.
 */
static void test_freed_inside(void **state) {
    opro__guard guard = {0};

    (void)state;
    assert_true(opro__may_free(&guard, OPRO__CALL_opro_run_free));
    assert_int_equal(opro__leave(&guard, &err, OPRO_WAIT), OPRO_WAIT);
    opro__callback_begin(&guard, "the observer");
    opro__callback_begin(&guard, "the scorer");
    assert_false(opro__may_free(&guard, OPRO__CALL_opro_run_free));
    opro__callback_end(&guard);
    assert_int_equal(opro__leave(&guard, &err, OPRO_OK), OPRO_OK); /* an inner call */
    opro__callback_end(&guard);
    opro__err_clear(&err);
    assert_int_equal(opro__leave(&guard, &err, OPRO_OK), OPRO_ERR_REENTRANT);
    assert_non_null(strstr(opro_error_message(&err, NULL), "free"));
    assert_int_equal(opro__leave(&guard, &err, OPRO_OK), OPRO_OK);
    assert_true(opro__may_free(&guard, OPRO__CALL_opro_run_free));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_inside),
        cmocka_unit_test(test_serving),
        cmocka_unit_test(test_freed_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
