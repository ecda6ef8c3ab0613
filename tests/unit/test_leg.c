/* SPDX-License-Identifier: MIT */
/* One request that cannot be written, or that libcurl does not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"

/* libcurl's, as far as these tests are concerned. */
static CURLMcode added;

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy) {
    assert_non_null(multi);
    assert_non_null(easy);
    return added;
}

typedef struct world {
    opro_model *model;
    opro_call *call;
    opro__leg *leg;
    opro__failure failure;
} world;

static int begin(void **state) {
    world *w = test_calloc(1, sizeof *w);

    assert_int_equal(opro_model_new(&w->model, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_base_url(w->model, "http://127.0.0.1:9/v1", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_name(w->model, "m", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_call_new(&w->call, w->model), OPRO_OK);
    assert_int_equal(opro_call_add_message(w->call, OPRO_ROLE_USER, "hello", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro__model_prepare(w->model, &w->failure), OPRO_OK);
    w->leg = opro__leg_new(w->call, 0, 1);
    assert_non_null(w->leg);
    *state = w;
    return 0;
}

static int end(void **state) {
    world *w = *state;

    opro__leg_free(w->leg);
    opro_call_free(w->call);
    opro_model_free(w->model);
    test_free(w);
    return 0;
}

static void too_long(void **state) {
    world *w = *state;

    w->leg->body.max = 20;
    assert_int_equal(opro__leg_build(w->leg, 1, &w->failure), OPRO_ERR_LIMIT);
    assert_int_equal(w->failure.kind, OPRO_FAILURE_LIMIT);
    assert_int_equal(w->failure.retry, OPRO__RETRY_NO);
    assert_int_equal(w->leg->asked, 0); /* it is not written */
    w->leg->body.max = 2000;
    assert_int_equal(opro__leg_build(w->leg, 1, &w->failure), OPRO_OK);
    assert_int_equal(w->leg->asked, 1);
}

static void not_taken(void **state) {
    world *w = *state;

    assert_int_equal(opro__leg_build(w->leg, 1, &w->failure), OPRO_OK);
    added = CURLM_INTERNAL_ERROR;
    assert_int_equal(opro__leg_send(w->leg, &w->failure), OPRO_ERR_FAILED);
    assert_int_equal(w->failure.kind, OPRO_FAILURE_NET);
    assert_int_equal(w->failure.retry, OPRO__RETRY);
    assert_string_equal(w->failure.err.message,
                        "the request cannot be sent: curl_multi_add_handle: Internal error");
    added = CURLM_OUT_OF_MEMORY;
    assert_int_equal(opro__leg_send(w->leg, &w->failure), OPRO_ERR_NOMEM);
    assert_int_equal(w->failure.kind, OPRO_FAILURE_MEMORY);
    assert_int_equal(opro__transport_in_flight(w->model->transport), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(too_long, begin, end),
        cmocka_unit_test_setup_teardown(not_taken, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
