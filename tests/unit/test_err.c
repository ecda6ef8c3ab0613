/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/utf8.h"

static const char *message(const opro_error *err) {
    size_t len = 12345;
    const char *text = opro_error_message(err, &len);

    assert_int_equal(strlen(text), len);
    assert_ptr_equal(opro_error_message(err, NULL), text);
    return text;
}

static void test_fail_and_clear(void **state) {
    opro_error err;

    (void)state;
    opro__err_clear(&err);
    assert_int_equal(opro_error_status(&err), OPRO_OK);
    assert_string_equal(message(&err), "");
    assert_int_equal(opro__fail(&err, OPRO_ERR_LIMIT, "%d of %s", 5, "them"), OPRO_ERR_LIMIT);
    assert_int_equal(opro_error_status(&err), OPRO_ERR_LIMIT);
    assert_string_equal(message(&err), "5 of them");
    opro__err_clear(&err);
    assert_int_equal(opro_error_status(&err), OPRO_OK);
    assert_string_equal(message(&err), "");
}

static void test_own_message(void **state) {
    opro_error err, copy;

    (void)state;
    opro__fail(&err, OPRO_ERR_PARSE, "no number");
    opro__fail(&err, OPRO_ERR_INVALID, "line 3: %s", err.message);
    assert_string_equal(message(&err), "line 3: no number");
    assert_int_equal(opro__err_copy(&copy, &err), OPRO_ERR_INVALID);
    assert_string_equal(message(&copy), "line 3: no number");
}

/* Too long: cut between letters, never within one. */
static void test_long(void **state) {
    char text[2000];
    opro_error err;

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = shift; i + 4 < sizeof text; i += 4)
            memcpy(text + i, "\xf0\x9f\x98\x80", 4);
        text[sizeof text - 1] = '\0';
        opro__fail(&err, OPRO_ERR_FAILED, "%s", text);
        assert_true(err.len > 480 && err.len < 500);
        assert_true(opro__utf8_valid(message(&err), err.len));
        assert_memory_equal(err.message, text, err.len);
    }
    memset(text, 'x', 499); /* just fits */
    text[499] = '\0';
    opro__fail(&err, OPRO_ERR_FAILED, "%s", text);
    assert_string_equal(message(&err), text);
}

static void test_quote(void **state) {
    char text[100];

    (void)state;
    assert_string_equal(opro__quote("", 0).text, "\"\"");
    assert_string_equal(opro__quote("abc", 3).text, "\"abc\"");
    assert_string_equal(opro__quote("a\nb\0c\x7f", 6).text, "\"a b c \"");
    assert_string_equal(opro__quote("caf\xc3\xa9", 5).text, "\"caf\xc3\xa9\"");
    assert_string_equal(opro__quote("a\xff\xc3", 3).text, "\"a\?\?\""); /* messages are UTF-8 */
    memset(text, 'y', sizeof text);
    assert_int_equal(strlen(opro__quote(text, 60).text), 62); /* whole */
    assert_int_equal(strlen(opro__quote(text, 61).text), 65); /* cut: 60, dots, quotes */
    assert_string_equal(opro__quote(text, 100).text + 59, "yy...\"");
    for (size_t shift = 56; shift <= 60; shift++) {
        opro__quoted q;

        memset(text, 'y', sizeof text);
        memcpy(text + shift, "\xf0\x9f\x98\x80", 4);
        q = opro__quote(text, 100);
        assert_true(opro__utf8_valid(q.text, strlen(q.text)));
        assert_null(strchr(q.text, '?'));
    }
    memset(text, 0x80, sizeof text); /* nothing but followers: no endless search for a beginning */
    assert_true(opro__utf8_valid(opro__quote(text, 100).text, strlen(opro__quote(text, 100).text)));
}

static void test_quote_real(void **state) {
    (void)state;
    assert_string_equal(opro__quote_real(0.1).text, "0.1");
    assert_string_equal(opro__quote_real(NAN).text, "nan");
    assert_string_equal(opro__quote_real(-INFINITY).text, "-inf");
    assert_string_equal(opro__quote_real(-DBL_MAX).text, "-1.7976931348623157e+308");
}

static void test_arg(void **state) {
    const char *s = NULL;
    size_t len = 0;

    (void)state;
    assert_true(opro__arg(&s, &len));
    assert_string_equal(s, "");
    s = NULL;
    len = 1;
    assert_false(opro__arg(&s, &len));
    len = OPRO_ZT;
    assert_false(opro__arg(&s, &len));
    s = "abc";
    assert_true(opro__arg(&s, &len));
    assert_int_equal(len, 3);
    len = 2;
    assert_true(opro__arg(&s, &len));
    assert_int_equal(len, 2);
    len = 0;
    assert_true(opro__arg(&s, &len));
    assert_int_equal(len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_and_clear), cmocka_unit_test(test_own_message),
        cmocka_unit_test(test_long),           cmocka_unit_test(test_quote),
        cmocka_unit_test(test_quote_real),     cmocka_unit_test(test_arg),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
