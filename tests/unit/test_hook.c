/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hook.h"
#include "base/utf8.h"
#include "failing.h"

static void count(void *user_data) {
    ++*(int *)user_data;
}

static void nothing(void) {
}

static void test_replace(void **state) {
    opro__hook hook = {NULL, NULL, NULL};
    int a = 0, b = 0, c = 0;

    (void)state;
    opro__hook_clear(&hook);
    opro__hook_set(&hook, nothing, &a, count);
    assert_ptr_equal(hook.user_data, &a);
    opro__hook_set(&hook, nothing, &b, count);
    assert_int_equal(a, 1);
    opro__hook_set(&hook, nothing, &b, NULL); /* the same data again: the old use of it has ended */
    assert_int_equal(b, 1);
    opro__hook_set(&hook, nothing, &a, count);
    assert_int_equal(b, 1);
    opro__hook_set(&hook, NULL, &c, count); /* removes; c is not taken over */
    assert_int_equal(a, 2);
    opro__hook_clear(&hook);
    opro__hook_clear(&hook);
    assert_int_equal(a, 2);
    assert_int_equal(c, 0);
}

/* destroy may look at the hook: it holds the new callback by then. */
static opro__hook *watched;
static opro__fn found;

static void look(void *user_data) {
    (void)user_data;
    found = watched->fn;
}

static void test_destroy_comes_last(void **state) {
    opro__hook hook = {NULL, NULL, NULL};

    (void)state;
    watched = &hook;
    opro__hook_set(&hook, nothing, NULL, look); /* NULL data is data */
    found = nothing;
    opro__hook_clear(&hook);
    assert_true(found == NULL);
}

static void test_callback_status(void **state) {
    static const int32_t as_they_are[] = {OPRO_OK,
                                          OPRO_PENDING,
                                          OPRO_ERR_INVALID,
                                          OPRO_ERR_NOMEM,
                                          OPRO_ERR_UNSUPPORTED,
                                          OPRO_ERR_ABI,
                                          OPRO_ERR_REENTRANT,
                                          OPRO_ERR_CALLBACK,
                                          OPRO_ERR_STALE,
                                          OPRO_ERR_UNKNOWN,
                                          OPRO_ERR_STATE,
                                          OPRO_ERR_LIMIT,
                                          OPRO_ERR_PARSE,
                                          OPRO_ERR_REJECTED,
                                          OPRO_ERR_FAILED,
                                          OPRO_ERR_TIMEOUT,
                                          OPRO_ERR_USER_FIRST,
                                          -1500,
                                          OPRO_ERR_USER_LAST};
    static const int32_t unknown[] = {1,   OPRO_WAIT, OPRO_DONE, 31,    INT32_MAX, -1,
                                      -11, -150,      -999,      -2000, -2001,     INT32_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof as_they_are / sizeof *as_they_are; i++)
        assert_int_equal(opro__callback_status(as_they_are[i]), as_they_are[i]);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_int_equal(opro__callback_status(unknown[i]), OPRO_ERR_CALLBACK);
}

static void test_refs(void **state) {
    opro__refs refs;

    (void)state;
    atomic_init(&refs.count, 1);
    opro__ref(&refs);
    opro__ref(&refs);
    assert_false(opro__unref(&refs));
    assert_false(opro__unref(&refs));
    assert_true(opro__unref(&refs));
}

/* ---- log ------------------------------------------------------------------------------------- */

typedef struct heard {
    int n, destroyed;
    int32_t level;
    char domain[20];
    char message[2000];
    size_t len;
} heard;

static void hear(int32_t level, const char *domain, const char *text, size_t len, void *user_data) {
    heard *h = user_data;

    h->n++;
    h->level = level;
    h->len = len;
    assert_int_equal(strlen(text), len);
    assert_true(len < sizeof h->message && strlen(domain) < sizeof h->domain);
    strcpy(h->domain, domain);
    strcpy(h->message, text);
}

static void forget(void *user_data) {
    ((heard *)user_data)->destroyed++;
}

static opro__log *make_log(heard *h, int32_t level) {
    opro__mem mem;
    opro__log *log = NULL;

    memset(h, 0, sizeof *h);
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    assert_int_equal(opro__log_new(&log, &mem, level, hear, h, forget), OPRO_OK);
    return log;
}

static void test_log_levels(void **state) {
    heard h;
    opro__log *log = make_log(&h, OPRO_LOG_WARNING);

    (void)state;
    assert_true(opro__log_wants(log, OPRO_LOG_ERROR));
    assert_true(opro__log_wants(log, OPRO_LOG_WARNING));
    assert_false(opro__log_wants(log, OPRO_LOG_INFO));
    assert_false(opro__log_wants(NULL, OPRO_LOG_ERROR));
    opro__log_say(log, OPRO_LOG_WARNING, "run", "%d %s", 3, "things");
    assert_int_equal(h.n, 1);
    assert_int_equal(h.level, OPRO_LOG_WARNING);
    assert_string_equal(h.domain, "run");
    assert_string_equal(h.message, "3 things");
    opro__log_say(log, OPRO_LOG_DEBUG, "run", "no");
    opro__log_say(NULL, OPRO_LOG_ERROR, "run", "no");
    assert_int_equal(h.n, 1);
    opro__log_free(log);
    assert_int_equal(h.destroyed, 1);
    log = make_log(&h, OPRO_LOG_NONE);
    opro__log_say(log, OPRO_LOG_ERROR, "run", "no");
    assert_int_equal(h.n, 0);
    opro__log_free(log);
}

static void test_log_shares(void **state) {
    heard h;
    opro__log *log = make_log(&h, OPRO_LOG_DEBUG);

    (void)state;
    assert_null(opro__log_share(NULL));
    opro__log_free(NULL);
    assert_ptr_equal(opro__log_share(log), log);
    opro__log_free(log);
    assert_int_equal(h.destroyed, 0);
    opro__log_say(log, OPRO_LOG_DEBUG, "run", "still here");
    assert_int_equal(h.n, 1);
    opro__log_free(log);
    assert_int_equal(h.destroyed, 1);
}

/* Long messages are cut, between letters. */
static void test_log_long(void **state) {
    heard h;
    opro__log *log = make_log(&h, OPRO_LOG_DEBUG);
    char text[1501];

    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        text[sizeof text - 1] = '\0';
        opro__log_say(log, OPRO_LOG_DEBUG, "run", "%s", text);
        assert_true(h.len > 1000 && h.len < 1024);
        assert_true(opro__utf8_valid(h.message, h.len));
    }
    opro__log_free(log);
}

static void test_log_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator a = failing_allocator(&f);
    opro__log *log = NULL;
    opro__mem mem;
    heard h = {0};

    (void)state;
    assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
    assert_int_equal(opro__log_new(&log, &mem, OPRO_LOG_INFO, hear, &h, forget), OPRO_ERR_NOMEM);
    assert_null(log);
    assert_int_equal(h.destroyed, 0); /* a setter that fails has not taken over */
    f.left = -1;
    assert_int_equal(opro__log_new(&log, &mem, OPRO_LOG_INFO, hear, &h, forget), OPRO_OK);
    opro__log_free(log);
    assert_int_equal(h.destroyed, 1);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace),         cmocka_unit_test(test_destroy_comes_last),
        cmocka_unit_test(test_callback_status), cmocka_unit_test(test_refs),
        cmocka_unit_test(test_log_levels),      cmocka_unit_test(test_log_shares),
        cmocka_unit_test(test_log_long),        cmocka_unit_test(test_log_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
