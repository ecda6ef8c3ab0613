/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out at every allocation of a call's life: ours, libcurl's and jansson's, once
 * and from then on. Nothing crashes, hangs or leaks; the call says what happened; after a failure
 * that stays alone the same client answers the next call.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <jansson.h>

#include "mock.h"
#include "opro/opro.h"

/* ---- memory of three kinds, one count -------------------------------------------------------- */

/*
 * Threads of libcurl's or the server's, which reads JSON, too, and may still hold it when its
 * client is gone, do not count: neither what they ask for nor what they keep.
 */
static pthread_t tested;
static long left = -1; /* allocations that still succeed; -1: all */
static int sticky;
static atomic_long live; /* blocks of the tested thread, whoever frees them */

/* What stands before a block. */
typedef union {
    int counts;
    max_align_t aligned;
} mark;

static int spend(void) {
    if (left < 0) return 1;
    if (left > 0) {
        left--;
        return 1;
    }
    if (!sticky) left = -1;
    return 0;
}

static void *any_alloc(size_t n) {
    int counts = pthread_equal(pthread_self(), tested) != 0;
    mark *m = !counts || spend() ? malloc(sizeof *m + n) : NULL;

    if (!m) return NULL;
    m->counts = counts;
    live += counts;
    return m + 1;
}

static void any_free(void *p) {
    mark *m = p;

    if (!m) return;
    live -= m[-1].counts;
    free(m - 1);
}

static void *any_realloc(void *p, size_t n) {
    mark *m = p;

    if (!m) return any_alloc(n);
    if (!n) {
        any_free(p);
        return NULL;
    }
    if (pthread_equal(pthread_self(), tested) && !spend()) return NULL;
    m = realloc(m - 1, sizeof *m + n);
    return m ? m + 1 : NULL;
}

static char *any_strdup(const char *s) {
    char *copy = any_alloc(strlen(s) + 1);

    return copy ? strcpy(copy, s) : NULL;
}

static void *any_calloc(size_t n, size_t size) {
    void *p = any_alloc(n * size);

    return p ? memset(p, 0, n * size) : NULL;
}

static void *host_alloc(size_t n, void *user_data) {
    (void)user_data;
    return any_alloc(n);
}

static void *host_realloc(void *p, size_t n, void *user_data) {
    (void)user_data;
    return any_realloc(p, n);
}

static void host_free(void *p, void *user_data) {
    (void)user_data;
    any_free(p);
}

static const opro_allocator host = {sizeof host, host_alloc, host_realloc, host_free, NULL};

/* ---- the scenario ---------------------------------------------------------------------------- */

static void answer(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                   void *ctx) {
    json_t *request = json_loads(body, 0, NULL);

    (void)server, (void)n, (void)head, (void)ctx;
    if (!json_object_get(request, "messages")) reply->status = 400; /* half of a body */
    json_decref(request);
    if (reply->status != 200) return;
    if (strstr(body, "again") && !strstr(body, "max_completion_tokens")) {
        reply->status = 400;
        strcpy(reply->body, "{\"error\":{\"message\":\"no\",\"param\":\"max_tokens\","
                            "\"code\":\"unsupported_parameter\"}}");
        return;
    }
    strcpy(reply->headers, "x-request-id: r-1\r\n");
    mock_choices(reply, strstr(body, "\"n\":") ? 2 : 1, "reply");
}

static char url[64];
static mock server;

static opro_status make(opro_model **model) {
    opro_config *config;
    opro_status st = opro_config_new(&config, &host);

    if (st != OPRO_OK) return st;
    opro_config_set(config, "model_backoff_ms", OPRO_ZT, "0", OPRO_ZT);
    opro_config_set(config, "model_backoff_busy_max_ms", OPRO_ZT, "0", OPRO_ZT);
    opro_config_set(config, "model_breaker_failures", OPRO_ZT, "0", OPRO_ZT);
    st = opro_model_new(model, config, &host);
    opro_config_free(config);
    if (st == OPRO_OK) st = opro_model_set_base_url(*model, url, OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_name(*model, "m", OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_key(*model, "secret-key", OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_header(*model, "X-Team", OPRO_ZT, "red", OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_parameter(*model, "top_k", OPRO_ZT, "40", OPRO_ZT);
    return st;
}

static opro_status ask(opro_model *model, const char *text, size_t samples, double temperature,
                       opro_call **call) {
    opro_status st = opro_call_new(call, model);

    if (st == OPRO_OK) st = opro_call_add_message(*call, OPRO_ROLE_SYSTEM, "be brief", OPRO_ZT);
    if (st == OPRO_OK) st = opro_call_add_message(*call, OPRO_ROLE_USER, text, OPRO_ZT);
    if (st == OPRO_OK) st = opro_call_add_stop(*call, "</x>", OPRO_ZT);
    if (st == OPRO_OK) st = opro_call_set_samples(*call, samples);
    if (st == OPRO_OK) st = opro_call_set_temperature(*call, temperature);
    if (st == OPRO_OK) st = opro_call_set_seed(*call, 1);
    if (st == OPRO_OK) st = opro_call_submit(*call, NULL, NULL, NULL);
    return st;
}

/* 1: the call brought all its replies. */
static int run(opro_model *model, const char *text, size_t samples, double temperature) {
    opro_call *call = NULL;
    int all = 0;
    opro_status st = ask(model, text, samples, temperature, &call);

    for (int turn = 0; st >= 0 && !opro_call_done(call); turn++) {
        st = opro_model_poll(model, 5000);
        assert_true(st == OPRO_OK || st == OPRO_DONE);
        assert_true(turn < 1000);
    }
    if (call && opro_call_done(call)) {
        all = 1;
        for (size_t i = 0; i < samples; i++) {
            int32_t outcome = opro_call_outcome(call, i);

            assert_true(outcome == OPRO_OUTCOME_WHOLE || outcome == OPRO_OUTCOME_FAILED);
            if (outcome != OPRO_OUTCOME_WHOLE) all = 0;
        }
        assert_int_equal(all, opro_call_failure(call) == OPRO_FAILURE_NONE);
        assert_int_equal(all, opro_error_status(opro_call_error(call)) == OPRO_OK);
    }
    opro_call_free(call);
    return all;
}

static int scenario(void) {
    opro_model *model = NULL;
    int good = make(&model) == OPRO_OK;

    good = good && run(model, "hello", 2, 1);
    good = good && run(model, "again", 1, 0);
    good = good && run(model, "again", 1, 0); /* from the cache */
    if (model && !sticky && left < 0 && !good) {
        /* memory is back, and the same client works, if it could be made */
        if (opro_model_set_base_url(model, url, OPRO_ZT) == OPRO_OK &&
            opro_model_set_name(model, "m", OPRO_ZT) == OPRO_OK)
            assert_true(run(model, "once more", 1, 1));
    }
    opro_model_free(model);
    return good;
}

static void check(int how) {
    long before = live, points = 0, good = 0;

    sticky = how;
    for (long n = 0;; n++) {
        int fine;

        left = n;
        fine = scenario();
        if (live != before) fail_msg("point %ld: %ld blocks are left", n, live - before);
        good += fine;
        if (left > 0) break; /* it did not come to the failure */
        points++;
    }
    left = -1;
    print_message("%ld points, %ld of them harmless\n", points, good);
    assert_true(points > 200);
    assert_true(good < points);
}

static void failing_once(void **state) {
    (void)state;
    check(0);
}

static void failing_from_then_on(void **state) {
    (void)state;
    check(1);
}

static int begin(void **state) {
    (void)state;
    tested = pthread_self();
    json_set_alloc_funcs(any_alloc, any_free);
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, any_alloc, any_free, any_realloc, any_strdup,
                             any_calloc))
        return -1;
    if (mock_start(&server, answer, NULL, url)) return -1;
    return scenario() ? 0 : -1; /* what is made once is made now */
}

static int end(void **state) {
    (void)state;
    mock_stop(&server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_once),
        cmocka_unit_test(failing_from_then_on),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
