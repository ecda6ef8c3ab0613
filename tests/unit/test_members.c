/* SPDX-License-Identifier: MIT */
/* Further members of bodies: none that the client writes itself, whenever it is known which are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

static opro_model *model_with(const char *parameter) {
    opro_model *model = NULL;

    assert_int_equal(opro_model_new(&model, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_parameter(model, parameter, OPRO_ZT, "1", 1), OPRO_OK);
    assert_int_equal(opro_model_set_name(model, "m", 1), OPRO_OK);
    return model;
}

static void set_url(opro_model *model, const char *url) {
    assert_int_equal(opro_model_set_base_url(model, url, OPRO_ZT), OPRO_OK);
}

/* Where it is spoken is known later than the parameter. */
static void test_set_before_the_endpoint(void **state) {
    static const char *const cases[][2] = {
        {"system", "https://api.anthropic.com/v1"},
        {"contents", "https://generativelanguage.googleapis.com/v1beta"},
        {"maxOutputTokens", "https://generativelanguage.googleapis.com/v1beta"},
        {"random_seed", "https://api.mistral.ai/v1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro_model *model = model_with(cases[i][0]);
        opro__failure failure = {.kind = OPRO_FAILURE_NONE};

        set_url(model, "https://example.org/v1");
        assert_int_equal(opro__model_prepare(model, &failure), OPRO_OK);
        set_url(model, cases[i][1]);
        assert_int_equal(opro__model_prepare(model, &failure), OPRO_ERR_FAILED);
        assert_int_equal(failure.kind, OPRO_FAILURE_REFUSED);
        assert_int_equal(failure.retry, OPRO__RETRY_NO);
        assert_non_null(strstr(failure.err.message, cases[i][0]));
        assert_int_equal(opro_model_set_parameter(model, cases[i][0], OPRO_ZT, "2", 1),
                         OPRO_ERR_INVALID);
        assert_int_equal(opro_model_set_parameter(model, cases[i][0], OPRO_ZT, NULL, 0), OPRO_OK);
        assert_int_equal(opro__model_prepare(model, &failure), OPRO_OK);
        opro_model_free(model);
    }
}

static void test_calls_say_so(void **state) {
    opro_model *model = model_with("system");
    opro_call *call = NULL;

    (void)state;
    set_url(model, "https://api.anthropic.com/v1");
    assert_int_equal(opro_call_new(&call, model), OPRO_OK);
    assert_int_equal(opro_call_add_message(call, OPRO_ROLE_USER, "hi", 2), OPRO_OK);
    assert_int_equal(opro_call_submit(call, NULL, NULL, NULL), OPRO_OK);
    while (!opro_call_done(call))
        assert_int_equal(opro_model_poll(model, 0), OPRO_OK);
    assert_int_equal(opro_call_outcome(call, 0), OPRO_OUTCOME_FAILED);
    assert_int_equal(opro_call_failure(call), OPRO_FAILURE_REFUSED);
    assert_non_null(strstr(opro_error_message(opro_call_error(call), NULL), "\"system\""));
    assert_int_equal(opro_model_figure(model, OPRO_MODEL_REQUESTS), 0);
    opro_call_free(call);
    opro_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_before_the_endpoint),
        cmocka_unit_test(test_calls_say_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
