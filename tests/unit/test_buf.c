/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "failing.h"

static opro__mem mem;

static int set_up(void **state) {
    (void)state;
    return opro__mem_init(&mem, NULL);
}

static int tear_down(void **state) {
    (void)state;
    return mem.used != 0;
}

static opro__buf make(size_t max) {
    opro__buf buf;

    opro__buf_init(&buf, &mem, max);
    return buf;
}

static void test_empty(void **state) {
    opro__buf buf = make(100);

    (void)state;
    assert_string_equal(opro__buf_text(&buf), "");
    assert_int_equal(buf.status, OPRO_OK);
    opro__buf_cut(&buf, 0);
    opro__buf_cut(&buf, 10);
    opro__buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    opro__buf_free(&buf);
    opro__buf_free(&buf); /* twice is fine */
}

static void test_add(void **state) {
    opro__buf buf = make(1000);

    (void)state;
    opro__buf_add(&buf, "ab\0c", 4);
    opro__buf_add(&buf, NULL, 0);
    opro__buf_addz(&buf, "de");
    opro__buf_addc(&buf, 'f');
    opro__buf_add_int(&buf, -12);
    opro__buf_add_real(&buf, 0.25);
    assert_int_equal(buf.status, OPRO_OK);
    assert_int_equal(buf.len, 14);
    assert_memory_equal(opro__buf_text(&buf), "ab\0cdef-120.25", 15);
    opro__buf_free(&buf);
}

static void test_numbers(void **state) {
    opro__buf buf = make(1000);

    (void)state;
    opro__buf_add_int(&buf, INT64_MIN);
    opro__buf_addc(&buf, ' ');
    opro__buf_add_int(&buf, INT64_MAX);
    opro__buf_addc(&buf, ' ');
    opro__buf_add_real(&buf, -1e300);
    assert_string_equal(opro__buf_text(&buf), "-9223372036854775808 9223372036854775807 -1e+300");
    opro__buf_free(&buf);
}

static void test_cut_and_clear(void **state) {
    opro__buf buf = make(100);

    (void)state;
    opro__buf_addz(&buf, "hello");
    opro__buf_cut(&buf, 9); /* not longer than it is */
    assert_int_equal(buf.len, 5);
    opro__buf_cut(&buf, 2);
    assert_string_equal(opro__buf_text(&buf), "he");
    opro__buf_addz(&buf, "y");
    assert_string_equal(opro__buf_text(&buf), "hey");
    opro__buf_clear(&buf);
    assert_string_equal(opro__buf_text(&buf), "");
    opro__buf_free(&buf);
}

static void test_max(void **state) {
    opro__buf buf = make(5);

    (void)state;
    opro__buf_addz(&buf, "12345"); /* the very maximum */
    assert_int_equal(buf.status, OPRO_OK);
    opro__buf_add(&buf, "", 0);
    assert_int_equal(buf.status, OPRO_OK);
    opro__buf_addc(&buf, '6');
    assert_int_equal(buf.status, OPRO_ERR_LIMIT);
    assert_string_equal(opro__buf_text(&buf), "12345");
    opro__buf_cut(&buf, 1); /* the error sticks though there is room */
    opro__buf_addc(&buf, '7');
    assert_int_equal(buf.status, OPRO_ERR_LIMIT);
    assert_string_equal(opro__buf_text(&buf), "1");
    opro__buf_clear(&buf); /* until it is cleared */
    opro__buf_addc(&buf, '8');
    assert_int_equal(buf.status, OPRO_OK);
    opro__buf_add(&buf, "x", SIZE_MAX); /* no overflow */
    assert_int_equal(buf.status, OPRO_ERR_LIMIT);
    assert_string_equal(opro__buf_text(&buf), "8");
    opro__buf_free(&buf);
    buf = make(0);
    opro__buf_add(&buf, "", 0);
    assert_int_equal(buf.status, OPRO_OK);
    opro__buf_addc(&buf, '1');
    assert_int_equal(buf.status, OPRO_ERR_LIMIT);
    opro__buf_free(&buf);
}

static void test_take(void **state) {
    opro__buf buf = make(100);
    size_t len = 99;
    char *text;

    (void)state;
    text = opro__buf_take(&buf, &len); /* "" is a text too */
    assert_string_equal(text, "");
    assert_int_equal(len, 0);
    opro__free(&mem, text);
    opro__buf_addz(&buf, "abc");
    text = opro__buf_take(&buf, NULL);
    assert_string_equal(text, "abc");
    assert_int_equal(buf.len, 0);
    opro__buf_addz(&buf, "de"); /* it can be used again, and leaves the block alone */
    assert_string_equal(text, "abc");
    assert_string_equal(opro__buf_text(&buf), "de");
    opro__free(&mem, text);
    opro__buf_add(&buf, "x", 1000);
    len = 99;
    assert_null(opro__buf_take(&buf, &len)); /* half a text is none */
    assert_int_equal(len, 99);
    opro__buf_free(&buf);
}

static void expect_json(const char *s, size_t len, const char *json) {
    opro__buf buf = make(1000);

    opro__buf_add_json(&buf, s, len);
    assert_string_equal(opro__buf_text(&buf), json);
    opro__buf_free(&buf);
}

static void test_json(void **state) {
    (void)state;
    expect_json("", 0, "\"\"");
    expect_json("in plain", 8, "\"in plain\"");
    expect_json("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    expect_json("\n\t\r\b\f", 5, "\"\\n\\u0009\\u000d\\u0008\\u000c\"");
    expect_json("\0\x1f\x7f", 3, "\"\\u0000\\u001f\x7f\"");
    expect_json("\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    expect_json("\"\"", 2, "\"\\\"\\\"\"");
}

/* Every byte at every place of a word, and in texts shorter than one. */
static void test_json_everywhere(void **state) {
    char *s = malloc(24); /* without room behind it */

    (void)state;
    assert_non_null(s);
    for (size_t at = 0; at < 24; at++) {
        for (int c = 0; c < 256; c++) {
            opro__buf whole = make(1000), parts = make(1000);

            memset(s, 'x', 24);
            s[at] = (char)c;
            opro__buf_add_json(&whole, s, 24);
            opro__buf_addc(&parts, '"');
            for (size_t i = 0; i < 24; i++)
                opro__buf_add_escaped(&parts, s + i, 1);
            opro__buf_addc(&parts, '"');
            assert_int_equal(whole.status, OPRO_OK);
            assert_int_equal(whole.len, strlen(whole.data));
            assert_string_equal(whole.data, parts.data);
            assert_int_equal(whole.len, c == '"' || c == '\\' || c == '\n' ? 27 : c < 32 ? 31 : 26);
            opro__buf_free(&whole);
            opro__buf_free(&parts);
        }
    }
    free(s);
}

static void test_json_max(void **state) {
    (void)state;
    for (size_t max = 0; max < 40; max++) {
        opro__buf buf = make(max);

        opro__buf_add_json(&buf,
                           "0123456789\n0123456789\x01"
                           "012345678",
                           31);
        assert_int_equal(buf.status, max < 39 ? OPRO_ERR_LIMIT : OPRO_OK);
        assert_true(buf.len <= max);
        assert_int_equal(buf.len, strlen(opro__buf_text(&buf)));
        opro__buf_free(&buf);
    }
}

/* What was appended before memory ran out stays; what comes after is not there. */
static void test_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator a = failing_allocator(&f);
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        opro__mem own;
        opro__buf buf;
        char *text;

        f.left = n;
        assert_int_equal(opro__mem_init(&own, &a), OPRO_OK);
        opro__buf_init(&buf, &own, 1000);
        for (int i = 0; i < 200; i++)
            opro__buf_addz(&buf, "abc");
        st = buf.status;
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        assert_int_equal(buf.len % 3, 0);
        assert_true((st == OPRO_OK) == (buf.len == 600));
        assert_int_equal(strlen(opro__buf_text(&buf)), buf.len);
        text = opro__buf_take(&buf, NULL);
        assert_true((text != NULL) == (st == OPRO_OK));
        opro__free(&own, text);
        opro__buf_free(&buf);
        assert_int_equal(f.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_add, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_and_clear, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_max, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_take, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_everywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_max, set_up, tear_down),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
