/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/sink.h"
#include "failing.h"

typedef struct fixture {
    opro__mem mem;
    opro__buf buf;
    opro_sink sink;
} fixture;

static fixture f;

static void open_sink(unsigned allows) {
    assert_int_equal(opro__mem_init(&f.mem, NULL), OPRO_OK);
    opro__buf_init(&f.buf, &f.mem, 100);
    opro__buf_addz(&f.buf, "left over");
    opro__sink_init(&f.sink, allows, &f.buf);
}

static void close_sink(void) {
    opro__sink_free(&f.sink);
    opro__buf_free(&f.buf);
    assert_int_equal(f.mem.used, 0);
}

static void test_one_text(void **state) {
    (void)state;
    open_sink(OPRO__SINK_TEXT | OPRO__SINK_REJECT);
    assert_int_equal(opro_sink_text(&f.sink, "caf\xc3\xa9", OPRO_ZT), OPRO_OK);
    assert_string_equal(opro__buf_text(&f.buf), "caf\xc3\xa9");
    assert_int_equal(f.sink.got, OPRO__SINK_TEXT);
    assert_int_equal(f.sink.n, 1);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, OPRO__SINK_TEXT), OPRO_OK);
    assert_int_equal(opro_sink_text(&f.sink, "second", 6), OPRO_ERR_CALLBACK);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, OPRO__SINK_TEXT), OPRO_ERR_CALLBACK);
    close_sink();
}

static void test_texts(void **state) {
    size_t len;

    (void)state;
    open_sink(OPRO__SINK_TEXTS);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, 0), OPRO_OK);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, OPRO__SINK_TEXTS), OPRO_ERR_CALLBACK);
    assert_int_equal(opro_sink_text(&f.sink, "one", 3), OPRO_OK);
    assert_int_equal(opro_sink_text(&f.sink, NULL, 0), OPRO_OK);
    assert_int_equal(opro_sink_text(&f.sink, "three", 5), OPRO_OK);
    assert_int_equal(f.sink.n, 3);
    assert_memory_equal(opro__sink_get(&f.sink, 0, &len), "one", 3);
    assert_int_equal(len, 3);
    opro__sink_get(&f.sink, 1, &len);
    assert_int_equal(len, 0);
    assert_memory_equal(opro__sink_get(&f.sink, 2, &len), "three", 5);
    assert_int_equal(len, 5);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, OPRO__SINK_TEXTS), OPRO_OK);
    close_sink();
}

static void test_reject(void **state) {
    (void)state;
    open_sink(OPRO__SINK_TEXT | OPRO__SINK_REJECT);
    assert_int_equal(opro_sink_reject(&f.sink, "too steep", OPRO_ZT), OPRO_OK);
    assert_string_equal(opro__buf_text(&f.buf), "too steep");
    assert_int_equal(f.sink.got, OPRO__SINK_REJECT);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, OPRO__SINK_TEXT | OPRO__SINK_REJECT),
                     OPRO_OK);
    assert_int_equal(opro_sink_text(&f.sink, "yet fine", OPRO_ZT), OPRO_ERR_CALLBACK);
    assert_int_equal(opro_sink_reject(&f.sink, "no", OPRO_ZT), OPRO_ERR_CALLBACK);
    close_sink();
}

static void test_count(void **state) {
    (void)state;
    open_sink(OPRO__SINK_COUNT);
    assert_int_equal(opro_sink_count(&f.sink, INT64_MAX), OPRO_OK);
    assert_true(f.sink.count == INT64_MAX);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, OPRO__SINK_COUNT), OPRO_OK);
    assert_int_equal(opro_sink_count(&f.sink, 1), OPRO_ERR_CALLBACK);
    close_sink();

    open_sink(OPRO__SINK_COUNT);
    assert_int_equal(opro_sink_count(&f.sink, -1), OPRO_ERR_INVALID);
    assert_int_equal(opro_sink_count(&f.sink, 1), OPRO_ERR_INVALID); /* the first failure stays */
    assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, OPRO__SINK_COUNT), OPRO_ERR_INVALID);
    close_sink();
}

static void test_what_is_not_allowed(void **state) {
    (void)state;
    open_sink(OPRO__SINK_COUNT);
    assert_int_equal(opro_sink_text(&f.sink, "a", 1), OPRO_ERR_CALLBACK);
    close_sink();
    open_sink(OPRO__SINK_TEXT);
    assert_int_equal(opro_sink_reject(&f.sink, "a", 1), OPRO_ERR_CALLBACK);
    close_sink();
    open_sink(OPRO__SINK_TEXT);
    assert_int_equal(opro_sink_count(&f.sink, 1), OPRO_ERR_CALLBACK);
    close_sink();
    assert_int_equal(opro_sink_text(NULL, "a", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_sink_reject(NULL, "a", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_sink_count(NULL, 1), OPRO_ERR_INVALID);
}

/* Every bad text is refused, and is the callback's failure even if it says OK. */
static void test_bad_texts(void **state) {
    static const struct {
        const char *text;
        size_t len;
        opro_status st;
    } bad[] = {
        {NULL, 1, OPRO_ERR_INVALID},
        {"\xff", 1, OPRO_ERR_INVALID},
        {"a\0b", 3, OPRO_ERR_INVALID},
        {"0123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789012345678901234567890",
         OPRO_ZT, OPRO_ERR_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        open_sink(OPRO__SINK_TEXTS | OPRO__SINK_REJECT);
        assert_int_equal(opro_sink_text(&f.sink, bad[i].text, bad[i].len), bad[i].st);
        assert_int_equal(opro_sink_text(&f.sink, "good", 4), bad[i].st);
        assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, 0), bad[i].st);
        close_sink();
    }
}

static void test_what_a_callback_returned(void **state) {
    (void)state;
    open_sink(OPRO__SINK_TEXT);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_ERR_USER_FIRST, OPRO__SINK_TEXT),
                     OPRO_ERR_USER_FIRST);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_ERR_FAILED, 0), OPRO_ERR_FAILED);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_PENDING, 0), OPRO_ERR_CALLBACK);
    assert_int_equal(opro__sink_close(&f.sink, 12345, 0), OPRO_ERR_CALLBACK);
    assert_int_equal(opro__sink_close(&f.sink, OPRO_OK, OPRO__SINK_TEXT), OPRO_ERR_CALLBACK);
    close_sink();
}

/* With n allocations that succeed; OPRO_OK when that was enough. */
static opro_status deliver_with(long n) {
    failing fail = {n, 0};
    opro_allocator allocator = failing_allocator(&fail);
    opro__mem mem;
    opro__buf buf;
    opro_sink sink;
    opro_status st = OPRO_OK;

    assert_int_equal(opro__mem_init(&mem, &allocator), OPRO_OK);
    opro__buf_init(&buf, &mem, 1000);
    opro__sink_init(&sink, OPRO__SINK_TEXTS, &buf);
    for (int i = 0; i < 20 && st == OPRO_OK; i++)
        st = opro_sink_text(&sink, "a text", 6);
    assert_int_equal(opro__sink_close(&sink, OPRO_OK, OPRO__SINK_TEXTS), st);
    opro__sink_free(&sink);
    opro__buf_free(&buf);
    assert_int_equal(fail.live, 0);
    return st;
}

static void test_no_memory(void **state) {
    long n = 0;

    (void)state;
    while (deliver_with(n) != OPRO_OK) {
        assert_int_equal(deliver_with(n), OPRO_ERR_NOMEM);
        assert_true(n++ < 100);
    }
    assert_true(n > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_text),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_reject),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_what_is_not_allowed),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_what_a_callback_returned),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
