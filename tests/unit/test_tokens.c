/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/utf8.h"
#include "core/sink.h"
#include "core/tokens.h"

static int64_t count(const char *text) {
    return opro_estimate_tokens(text, strlen(text));
}

static void test_rule(void **state) {
    (void)state;
    assert_int_equal(count(""), 0);
    assert_int_equal(count("a"), 1);
    assert_int_equal(count("four"), 1);
    assert_int_equal(count("fives"), 2);
    assert_int_equal(count(" the"), 1); /* with its blank */
    assert_int_equal(count("the four"), 3);
    assert_int_equal(count("   the"), 3); /* but one blank only */
    assert_int_equal(count("2024"), 4);
    assert_int_equal(count("a.b"), 3);
    assert_int_equal(count("\n\n"), 2);
    assert_int_equal(count("\xc3\xa9"), 2);
    assert_int_equal(count("\xe2\x82\xac\xf0\x9f\x98\x80"), 7);
    assert_int_equal(count("Let's think step by step."), 11);
    assert_int_equal(opro_estimate_tokens("four", OPRO_ZT), 1);
    assert_int_equal(opro_estimate_tokens(NULL, 0), 0);
}

/*
 * Counts of byte-pair tokenizers in use (cl100k) for texts of the usual kinds: ours is never under
 * them.
 */
static void test_counts_high(void **state) {
    static const struct {
        const char *text;
        int64_t tokens;
    } known[] = {
        {"Let's think step by step.", 7},
        {"Hello, world!", 4},
        {"The quick brown fox jumps over the lazy dog.", 10},
        {"0,2,1,3", 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(count(known[i].text) >= known[i].tokens);
}

/* Random text of the bytes that the rule tells apart. */
static size_t random_text(opro__rng *rng, char *text, size_t max) {
    static const char *const parts[] = {"a",  "bcd", " ",        "  ",           "7",
                                        "\n", ".",   "\xc3\xa9", "\xe2\x82\xac", "zzzz"};
    size_t n = (size_t)opro__rng_below(rng, max / 4), len = 0;

    for (size_t i = 0; i < n; i++) {
        const char *part = parts[opro__rng_below(rng, sizeof parts / sizeof *parts)];

        memcpy(text + len, part, strlen(part));
        len += strlen(part);
    }
    return len;
}

/*
 * What the bounds rely on: two texts put together cost no more than both alone, and taking one out
 * saves, never adds.
 */
static void test_adds_up(void **state) {
    opro__rng rng = opro__rng_make(1, 2, 3);
    char text[128];

    (void)state;
    for (int round = 0; round < 100000; round++) {
        size_t a = random_text(&rng, text, 40), b = random_text(&rng, text + a, 40);
        size_t c = random_text(&rng, text + a + b, 40), all = a + b + c;
        int64_t whole = opro_estimate_tokens(text, all), without;

        assert_true(whole <= opro_estimate_tokens(text, a) + opro_estimate_tokens(text + a, b + c));
        assert_true(whole <= (int64_t)all);
        assert_true(4 * whole >= (int64_t)opro__utf8_count(text, all));
        memmove(text + a, text + a + b, c);
        without = opro_estimate_tokens(text, a + c);
        assert_true(without <= whole);
    }
}

/* ---- the callback ---------------------------------------------------------------------------- */

static int32_t bytes(const opro_meta_prompt *mp, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    (void)mp;
    (void)text;
    (void)user_data;
    opro_sink_count(sink, (int64_t)len);
    return OPRO_OK;
}

static int32_t nothing(const opro_meta_prompt *mp, const char *text, size_t len, opro_sink *sink,
                       void *user_data) {
    (void)mp;
    (void)text;
    (void)len;
    (void)sink;
    return *(const int32_t *)user_data;
}

static int32_t negative(const opro_meta_prompt *mp, const char *text, size_t len, opro_sink *sink,
                        void *user_data) {
    (void)mp;
    (void)text;
    (void)len;
    (void)user_data;
    opro_sink_count(sink, -1);
    return OPRO_OK;
}

static opro_status ask(opro_token_fn fn, void *user_data, int64_t *tokens) {
    opro__hook hook = {(opro__fn)fn, user_data, NULL};
    opro__mem mem;
    opro__buf buf;
    opro_error err;
    opro_status st;

    opro__mem_init(&mem, NULL);
    opro__buf_init(&buf, &mem, 100);
    opro__err_clear(&err);
    st = opro__tokens_ask(&hook, NULL, "twelve bytes", 12, &buf, tokens, &err);
    assert_int_equal(err.status, st);
    opro__buf_free(&buf);
    return st;
}

static void test_callback(void **state) {
    int32_t ok = OPRO_OK, own = OPRO_ERR_USER_FIRST - 7, rubbish = 12345;
    int64_t tokens = -5;

    (void)state;
    assert_int_equal(ask(nothing, &ok, &tokens), OPRO_ERR_CALLBACK);
    assert_int_equal(ask(nothing, &own, &tokens), own);
    assert_int_equal(ask(nothing, &rubbish, &tokens), OPRO_ERR_CALLBACK);
    assert_int_equal(ask(negative, NULL, &tokens), OPRO_ERR_INVALID);
    assert_int_equal(tokens, -5);
    assert_int_equal(ask(bytes, NULL, &tokens), OPRO_OK);
    assert_int_equal(tokens, 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),
        cmocka_unit_test(test_counts_high),
        cmocka_unit_test(test_adds_up),
        cmocka_unit_test(test_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
