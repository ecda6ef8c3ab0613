/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_cursor.h"

/* A copy that ends where its block ends: a sanitizer sees what reads or writes behind it. */
static opro__cursor cursor_of(const char *text, size_t len) {
    opro__cursor c = {.len = len};

    c.s = malloc(len ? len : 1);
    assert_non_null(c.s);
    memcpy(c.s, text, len);
    return c;
}

/* 1 if the whole text is one value, and nothing of it has changed. */
static int skips(const char *text, size_t len, int newlines) {
    opro__cursor c = cursor_of(text, len);
    const char *value = NULL;
    size_t n = 0;
    int ok;

    c.newlines = newlines;
    ok = opro__cursor_skip(&c, &value, &n);
    if (ok) {
        assert_true(value >= c.s && value + n <= c.s + len);
        ok = opro__cursor_peek(&c) == '\0' && c.at == len;
    } else {
        assert_non_null(c.expected);
        assert_true(c.at <= len);
    }
    assert_memory_equal(c.s, text, len);
    free(c.s);
    return ok;
}

static void test_skip(void **state) {
    static const char *const yes[] = {
        "1",       "-0",     "0.5",  "-1.5e+10", "2E-3", "true",
        "false",   "null",   "\"\"", "[]",       "{}",   " {\"a\" : [1 , {\"b\":null}] }\t",
        "[[],{}]", "[\"]\"]"};
    static const char *const no[] = {
        "",         " ",     "01",     "1.",     ".5",      "+1",    "-",       "1e",
        "tru",      "nul",   "True",   "nan",    "[",       "[1",    "[1,",     "[1,]",
        "[,1]",     "[1 2]", "{",      "{\"a\"", "{\"a\":", "{a:1}", "{1:2}",   "{\"a\":1,}",
        "{\"a\",}", "]",     "}",      "[}",     "{]",      "\"",    "\"\\x\"", "\"\\u12g4\"",
        "\"\\u123", "\"\\",  "\"\n\"", "'a'",    "[1] 2"};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!skips(yes[i], strlen(yes[i]), 0)) fail_msg("refused: %s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (skips(no[i], strlen(no[i]), 0)) fail_msg("taken: %s", no[i]);
    assert_false(skips("1\0", 2, 0));
    assert_false(skips("\"\\\0\"", 4, 0)); /* a backslash before a NUL */
}

static void test_newlines(void **state) {
    static const char text[] = "{\r\n \"a\":\n[1,\r2]\n}\n";

    (void)state;
    assert_false(skips(text, sizeof text - 1, 0));
    assert_true(skips(text, sizeof text - 1, 1));
    assert_false(skips("\"a\nb\"", 5, 1));
}

static void test_depth(void **state) {
    char deep[200];

    (void)state;
    for (size_t depth = OPRO__JSON_DEPTH - 1; depth < OPRO__JSON_DEPTH + 2; depth++) {
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        assert_int_equal(skips(deep, 2 * depth, 0), depth <= OPRO__JSON_DEPTH);
    }
}

static void string_is(const char *json, const char *text, size_t len) {
    opro__cursor c = cursor_of(json, strlen(json));
    char *got;
    size_t n;

    if (!opro__cursor_string(&c, &got, &n)) fail_msg("refused: %s", json);
    assert_int_equal(n, len);
    assert_memory_equal(got, text, len + 1); /* with its NUL */
    assert_int_equal(c.at, strlen(json));
    free(c.s);
}

static void test_strings(void **state) {
    static const char *const no[] = {"",
                                     "a",
                                     "\"",
                                     "\"a",
                                     "\"\\\"",
                                     "\"\\ud83d\"",
                                     "\"\\ude00\"",
                                     "\"\\ud83d\\u0041\"",
                                     "\"\\ud83d\\uffff\"",
                                     "\"\\ud83d\\uzzzz\"",
                                     "\"\\ud83d\\x0041\"",
                                     "\"\\ud83d/u0041\"",
                                     "\"\t\"",
                                     "\"\\u00\"",
                                     "\"\\ud83d\\u",
                                     "\"\\q\"",
                                     "\"a\x01\"",
                                     "1"};

    (void)state;
    string_is("\"\"", "", 0);
    string_is(" \t\"a b\"", "a b", 3);
    string_is("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    string_is("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
              10);
    string_is("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
              "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11);
    string_is("\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf", 4);
    string_is("\"x\\u0000y\"", "x\0y", 3);
    string_is("\"\xff\"", "\xff", 1); /* UTF-8 is the caller's to check */
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        opro__cursor c = cursor_of(no[i], strlen(no[i]));
        char *text;
        size_t len;

        if (opro__cursor_string(&c, &text, &len)) fail_msg("taken: %s", no[i]);
        assert_non_null(c.expected);
        assert_true(c.at <= c.len);
        free(c.s);
    }
}

static void test_take(void **state) {
    opro__cursor c = cursor_of("  : ,", 5);

    (void)state;
    assert_int_equal(opro__cursor_peek(&c), ':');
    assert_false(opro__cursor_take(&c, ',', "a comma"));
    assert_string_equal(c.expected, "a comma");
    assert_int_equal(c.at, 2);
    assert_true(opro__cursor_take(&c, ':', "':'"));
    assert_true(opro__cursor_take(&c, ',', "','"));
    assert_int_equal(opro__cursor_peek(&c), '\0');
    assert_int_equal(c.at, c.len);
    free(c.s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skip),  cmocka_unit_test(test_newlines),
        cmocka_unit_test(test_depth), cmocka_unit_test(test_strings),
        cmocka_unit_test(test_take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
