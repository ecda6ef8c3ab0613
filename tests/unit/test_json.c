/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "model/json.h"
#include "effort.h"
#include "failing.h"

static opro__mem mem;
static opro_error err;

static int set_up(void **state) {
    (void)state;
    opro__err_clear(&err);
    return opro__mem_init(&mem, NULL);
}

static int tear_down(void **state) {
    (void)state;
    return mem.used != 0;
}

static opro_status parse(json_t **out, const char *s, size_t len) {
    return opro__json_parse(out, &mem, &err, s, len);
}

/* A copy without room behind it, so that a step too far is seen. */
static char *copy(const char *s, size_t len) {
    char *own = malloc(len ? len : 1);

    assert_non_null(own);
    memcpy(own, s, len);
    return own;
}

/* The text is read as the other one, which is JSON as it should be. */
static void expect_as(const char *s, size_t len, const char *as) {
    json_t *got = NULL, *want = json_loads(as, JSON_DECODE_ANY, NULL);
    char *own = copy(s, len);
    opro_status st = parse(&got, own, len);

    free(own);
    if (st != OPRO_OK) fail_msg("%s: %s", as, err.message);
    assert_non_null(want);
    if (!json_equal(got, want)) {
        char *dump = json_dumps(got, JSON_COMPACT | JSON_ENSURE_ASCII);

        fail_msg("read as %s, not as %s", dump, as);
    }
    json_decref(got);
    json_decref(want);
}

#define AS(s, as) expect_as(s, sizeof(s) - 1, as)

static void expect_refused(const char *s, size_t len, opro_status status, const char *says) {
    char *own = copy(s, len);
    json_t *root = NULL;

    opro__err_clear(&err);
    assert_int_equal(parse(&root, own, len), status);
    free(own);
    assert_null(root);
    assert_int_equal(err.status, status);
    if (!strstr(err.message, says)) fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    assert_true(opro__utf8_valid(err.message, err.len));
}

#define REFUSED(s, says) expect_refused(s, sizeof(s) - 1, OPRO_ERR_PARSE, says)

static void test_good(void **state) {
    (void)state;
    AS("{}", "{}");
    AS("[1,-2,3.5,1e3,true,false,null,\"x\"]", "[1,-2,3.5,1000.0,true,false,null,\"x\"]");
    AS("\n\r\n \t{\"a\":{\"b\":[[]]}} \n\n", "{\"a\":{\"b\":[[]]}}");
    AS("\xef\xbb\xbf{\"a\":1}", "{\"a\":1}");
    AS("{\"a\":1,\"a\":2}", "{\"a\":2}");
    AS("{\"\":\"\\u0041\\ud83d\\ude00\\\"\\\\\\/\\n\"}",
       "{\"\":\"A\xf0\x9f\x98\x80\\\"\\\\/\\n\"}");
    AS("[1e-400]", "[0.0]");
    AS("[9223372036854775807,-9223372036854775808]", "[9223372036854775807,-9223372036854775808]");
}

static void test_repaired(void **state) {
    (void)state;
    /* numbers */
    AS("[1180591620717411303424]", "[1180591620717411303424.0]");
    AS("[9223372036854775808,-9223372036854775809]",
       "[9223372036854775808.0,-9223372036854775809.0]");
    AS("[1E+400,-1E400,1E3,0.5E1]", "[1e308,-1e308,1000.0,5.0]");
    AS("{\"n\":1e400,\"m\":-1e400,\"k\":-2.5e-3}", "{\"n\":1e308,\"m\":-1e308,\"k\":-0.0025}");
    /* NUL */
    AS("[\"a\\u0000b\",\"\\u0000\"]", "[\"ab\",\"\"]");
    AS("{\"k\\u0000ey\":1}", "{\"key\":1}");
    AS("[\"a\0b\"]", "[\"ab\"]");
    /* control characters */
    AS("[\"a\nb\tc\x1b\"]", "[\"a\\nb\\tc\\u001b\"]");
    AS("[\"\n\0\n\"]", "[\"\\n\\n\"]");
    /* surrogates */
    AS("[\"a\\ud83d\"]", "[\"a\\ufffd\"]");
    AS("[\"\\ud83dz\\ude00\"]", "[\"\\ufffdz\\ufffd\"]");
    AS("[\"\\ud83d\\ud83d\\ude00\"]", "[\"\\ufffd\\ud83d\\ude00\"]");
    AS("[\"\\uD83D\\uDE00\\uDE00\"]", "[\"\\ud83d\\ude00\\ufffd\"]");
    AS("[\"\\ud83d\\u0000x\"]", "[\"\\ufffdx\"]");
    AS("[\"\\udbff\\udfff\\ud800\\udc00\xff\"]", "[\"\\udbff\\udfff\\ud800\\udc00\\ufffd\"]");
    AS("[\"\\ude00\\ude00\"]", "[\"\\ufffd\\ufffd\"]");
    AS("[\"\\ud800\\n\"]", "[\"\\ufffd\\n\"]");
    /* UTF-8 */
    AS("[\"a\xff\"]", "[\"a\\ufffd\"]");
    AS("[\"\xf0\x9f\x98\",\"\xc3\xa9\xe9\"]", "[\"\\ufffd\",\"\xc3\xa9\\ufffd\"]");
    AS("[\"\xc0\xaf\"]", "[\"\\ufffd\\ufffd\"]");
    AS("[\"\xed\xa0\x80\"]", "[\"\\ufffd\\ufffd\\ufffd\"]");
    AS("{\"\xff\":\"\xff\\\"\"}", "{\"\\ufffd\":\"\\ufffd\\\"\"}");
    /* all of it */
    AS("\xef\xbb\xbf[\"\xff\\ud800\\u0000\n\",1e999,\"\\\\\"]",
       "[\"\\ufffd\\ufffd\\n\",1e308,\"\\\\\"]");
}

static void test_refused(void **state) {
    (void)state;
    REFUSED("", "nothing instead of JSON");
    REFUSED(" \r\n\t", "nothing instead of JSON");
    REFUSED("\xef\xbb\xbf", "nothing instead of JSON");
    REFUSED("\n<!DOCTYPE html><html>", "HTML instead of JSON: \"<!DOCTYPE html><html>\"");
    REFUSED("data: {\"a\":1}\n\ndata: [DONE]\n\n", "stream of events");
    REFUSED("event: message_start\ndata: {}\n\n", "stream of events");
    REFUSED(": OPENROUTER PROCESSING\n\n", "stream of events");
    REFUSED("Bad Gateway", "\"Bad Gateway\"");
    REFUSED("{\"a\":1} x", "line 1, column 9");
    REFUSED("{\"a\":1}{\"a\":1}", "not JSON");
    REFUSED("{\"a\":1}\0", "not JSON");
    REFUSED("{\"a\":\n\"half", "line 2");
    REFUSED("{'a':1}", "not JSON");
    REFUSED("[1,]", "not JSON");
    REFUSED("[01]", "not JSON");
    REFUSED("[0x10]", "not JSON");
    REFUSED("[1.]", "not JSON");
    REFUSED("[-]", "not JSON");
    REFUSED("[NaN]", "NaN");
    REFUSED("[-Infinity]", "not JSON");
    REFUSED("[\"\\x41\"]", "invalid escape");
    REFUSED("[\"\\u12g4\"]", "not JSON");
    REFUSED("[\"\\u\x10"
            "000\"]",
            "not JSON");
    REFUSED("[\"\\u", "not JSON");
    REFUSED("[\"\\ud800\\", "not JSON");
    REFUSED("[\"\\ud800\\ud", "not JSON");
    REFUSED("[\"\\", "not JSON");
    REFUSED("[\"a\xff", "not JSON");
    REFUSED("[\xff]", "not JSON");
    REFUSED("\"x\"", "not JSON");
    REFUSED("42", "not JSON");
    REFUSED("]", "not JSON");
    REFUSED("[}", "not JSON");
    REFUSED("\xff\xfe{\0}\0", "not JSON");
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* One text, another one n times, a third: in a block without room behind, so that more is seen. */
static char *around(const char *begin, const char *middle, size_t n, const char *end, size_t *len) {
    size_t first = strlen(begin), one = strlen(middle), last = strlen(end);
    char *s = malloc(first + n * one + last);

    assert_non_null(s);
    memcpy(s, begin, first);
    for (size_t i = 0; i < n; i++)
        memcpy(s + first + i * one, middle, one);
    memcpy(s + first + n * one, end, last);
    *len = first + n * one + last;
    return s;
}

static void expect(const char *begin, const char *middle, size_t n, const char *end,
                   opro_status status) {
    size_t len;
    char *s = around(begin, middle, n, end, &len);
    json_t *root = NULL;
    opro_status st = parse(&root, s, len);

    if (st != status) fail_msg("%s %s... %zu times: %d", begin, middle, n, (int)st);
    assert_true((root != NULL) == (st == OPRO_OK));
    json_decref(root);
    free(s);
}

/* Texts that need a closer look, and end inside of a string. */
static void test_half_strings(void **state) {
    (void)state;
    expect("[\"", "{", OPRO__JSON_DEPTH + 1, "\"]", OPRO_OK);
    expect("[\"", "{", OPRO__JSON_DEPTH + 1, "", OPRO_ERR_PARSE);
    expect("[\"", "{", OPRO__JSON_DEPTH + 1, "a", OPRO_ERR_PARSE);
    expect("[\"", "{", OPRO__JSON_DEPTH + 1, "\\", OPRO_ERR_PARSE);
    expect("[\"", "{", OPRO__JSON_DEPTH + 1, "\\\"", OPRO_ERR_PARSE);
}

static void test_depth(void **state) {
    char ends[65];

    (void)state;
    memset(ends, ']', 64);
    ends[64] = '\0';
    expect("", "[", 64, ends, OPRO_OK);
    expect("", "[", 65, ends, OPRO_ERR_LIMIT);
    assert_non_null(strstr(err.message, "deeper than 64"));
    expect("", "{\"a\":", 3000, "1", OPRO_ERR_LIMIT);
    expect("", "[", 8 << 20, "", OPRO_ERR_LIMIT);
    expect("[", "[[]],", 1000, "0]", OPRO_OK); /* beside each other */
    expect("[\"[\",", "[", 63, ends, OPRO_OK);
    expect("[\"[\",", "[", 64, ends, OPRO_ERR_LIMIT);
    /* in strings they are letters, wherever these end */
    expect("[\"", "[{", 1000, "\"]", OPRO_OK);
    expect("[\"", "\\\"[", 1000, "\"]", OPRO_OK);
    expect("[\"", "[", 1000, "\\\\\",[]]", OPRO_OK);
    expect("[\"\\\\\",", "[", 64, "", OPRO_ERR_LIMIT);
    for (size_t i = 0; i < 20; i++) { /* in every place of a word */
        char begin[40] = "[\"";

        memset(begin + 2, 'x', i);
        strcat(begin, "\\\"");
        expect(begin, "[", 100, "\"]", OPRO_OK); /* an escaped quote */
        strcat(begin, "\\\\\",");
        expect(begin, "[", 100, "\"]", OPRO_ERR_LIMIT); /* an escaped backslash, and a quote */
    }
}

static void test_nodes(void **state) {
    (void)state;
    if (!effort_for_size()) skip();
    expect("[", "1,", 99998, "1]", OPRO_OK);
    expect("[", "1,", 99999, "1]", OPRO_ERR_LIMIT);
    assert_non_null(strstr(err.message, "more than 100000 values"));
    expect("[", "{},", 700000, "{}]", OPRO_ERR_LIMIT);
    expect("[\"", "{},", 700000, "\"]", OPRO_OK);
    expect("{\"a\":\"", "x", 9 << 20, "\"}", OPRO_OK);
}

/* A text that needs a repair of every byte is still read in time that grows with its length. */
static void test_long_repairs(void **state) {
    (void)state;
    expect("[\"", "\xff", 1 << 20, "\"]", OPRO_OK);
    expect("[\"", "\\u0000", 1 << 18, "\"]", OPRO_OK);
    expect("[\"", "\n", 1 << 20, "\"]", OPRO_OK);
    expect("[", "7", 1 << 20, "]", OPRO_OK);
    expect("[\xff", " ", 1 << 20, "]", OPRO_ERR_PARSE);
}

/* ---- what jansson takes is taken, and nothing that could hurt comes out ---------------------- */

static uint32_t draw(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void check_strings(const json_t *value) {
    const char *key;
    json_t *member;

    if (json_is_string(value)) {
        assert_true(opro__utf8_valid(json_string_value(value), json_string_length(value)));
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        check_strings(json_array_get(value, i));
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        assert_true(opro__utf8_valid(key, strlen(key)));
        check_strings(member);
    }
}

static void test_random(void **state) {
    static const char seed_text[] = "{\"id\":\"c\\u00e9\\ud83d\\ude00\",\"n\":[-1,2.5e3,1e400,"
                                    "12345678901234567890],\"choices\":"
                                    "[{\"index\":0,\"message\":{\"content\":"
                                    "\"a\\\"b\\\\c\xc3\xa9\xf0\x9f\x98\x80\\n\"}}],\"t\":true}";
    static const char letters[] = "\"\\[]{},:0-.eu\xff\xc3\x80\n \0tdD8";
    uint32_t seed = 1;
    const int rounds = effort(20000);
    int taken = 0;

    (void)state;
    for (int round = 0; round < rounds; round++) {
        size_t len = sizeof seed_text - 1 - (draw(&seed) % 8 == 0);
        char *s = malloc(len);
        json_t *root = NULL, *plain;
        opro_status st;

        memcpy(s, seed_text, len);
        for (uint32_t n = draw(&seed) % 4; n > 0; n--)
            s[draw(&seed) % len] = letters[draw(&seed) % (sizeof letters - 1)];
        plain = json_loadb(s, len, 0, NULL);
        st = parse(&root, s, len);
        assert_true(st == OPRO_OK || (st == OPRO_ERR_PARSE && !plain));
        assert_true(!plain || json_equal(plain, root));
        if (root) check_strings(root);
        taken += st == OPRO_OK;
        json_decref(plain);
        json_decref(root);
        free(s);
    }
    assert_true(taken > rounds / 4);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void test_check(void **state) {
    static const struct {
        const char *text;
        opro_status status;
    } cases[] = {
        {"40", OPRO_OK},
        {" -1.5e3 ", OPRO_OK},
        {"\"low\"", OPRO_OK},
        {"null", OPRO_OK},
        {"[1,{\"a\":\"\\u0000\"}]", OPRO_OK},
        {"1180591620717411303424", OPRO_OK},
        {"", OPRO_ERR_PARSE},
        {"low", OPRO_ERR_PARSE},
        {"1,2", OPRO_ERR_PARSE},
        {"1,\"model\":\"x\"", OPRO_ERR_PARSE},
        {"1}", OPRO_ERR_PARSE},
        {"\"\n\"", OPRO_ERR_PARSE}, /* would be sent as it is */
        {"\"\xff\"", OPRO_ERR_PARSE},
        {"\"\\ud800\"", OPRO_ERR_PARSE},
        {"\xef\xbb\xbf"
         "1",
         OPRO_ERR_PARSE},
        {"NaN", OPRO_ERR_PARSE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro_status st = opro__json_check(&mem, &err, cases[i].text, strlen(cases[i].text));

        if (st != cases[i].status) fail_msg("%s: %d", cases[i].text, (int)st);
    }
    assert_int_equal(opro__json_check(&mem, &err, "[111\0]", 6), OPRO_ERR_PARSE);
    assert_string_equal(err.message, "not JSON: byte 4 is a NUL");
    assert_int_equal(opro__json_check(&mem, &err, "111\0", 4), OPRO_ERR_PARSE);
    {
        size_t len;
        char *s = around("", "[", 65, "", &len);

        assert_int_equal(opro__json_check(&mem, &err, s, len), OPRO_ERR_LIMIT);
        free(s);
    }
}

static void test_members(void **state) {
    static const struct {
        const char *key;
        int64_t count;
    } counts[] = {
        {"zero", 0},
        {"one", 1},
        {"float", 12},
        {"minus", -7},
        {"small", -7},
        {"most", INT64_C(1) << 53},
        {"most_real", INT64_C(1) << 53},
        {"over", -7},
        {"huge", -7},
        {"real", -7},
        {"string", -7},
        {"true", -7},
        {"null", -7},
        {"list", -7},
        {"missing", -7},
    };
    static const char text[] =
        "{\"zero\":0,\"one\":1,\"float\":12.99,\"minus\":-1,\"small\":-0.5,"
        "\"most\":9007199254740992,\"most_real\":9007199254740992.0,\"over\":9007199254740993,"
        "\"huge\":1180591620717411303424,\"real\":1e300,\"string\":\"9\",\"true\":true,"
        "\"null\":null,\"list\":[1]}";
    json_t *root = NULL;
    size_t len = 99;

    (void)state;
    assert_int_equal(parse(&root, text, sizeof text - 1), OPRO_OK);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (opro__json_count(root, counts[i].key, -7) != counts[i].count)
            fail_msg("%s: %lld", counts[i].key,
                     (long long)opro__json_count(root, counts[i].key, -7));
    assert_int_equal(opro__json_count(NULL, "one", 3), 3);
    assert_int_equal(opro__json_count(json_object_get(root, "list"), "one", 3), 3);
    assert_string_equal(opro__json_text(root, "string", &len), "9");
    assert_int_equal(len, 1);
    assert_string_equal(opro__json_text(root, "string", NULL), "9");
    assert_null(opro__json_text(root, "one", &len));
    assert_null(opro__json_text(root, "missing", &len));
    assert_null(opro__json_text(NULL, "string", &len));
    assert_null(opro__json_text(json_object_get(root, "string"), "string", &len));
    assert_int_equal(len, 1);
    json_decref(root);
}

/* A comma for the decimal point, where the system has such a locale. */
static void test_locale(void **state) {
    (void)state;
    setlocale(LC_ALL, "fr_FR.UTF-8");
    AS("[1.5,-2.5e-3,1e400,\"\xff\"]", "[1.5,-0.0025,1e308,\"\\ufffd\"]");
    setlocale(LC_ALL, "C");
    AS("[1.5]", "[1.5]");
}

static void test_no_memory(void **state) {
    static const char text[] = "{\"a\":\"\xff\\ud800\",\"b\":1e400}";
    failing f = {0, 0};
    opro_allocator a = failing_allocator(&f);
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        json_t *root = NULL;
        opro__mem own;

        f.left = n;
        assert_int_equal(opro__mem_init(&own, &a), OPRO_OK);
        st = opro__json_parse(&root, &own, &err, text, sizeof text - 1);
        assert_true(st == OPRO_OK || (st == OPRO_ERR_NOMEM && !root && err.status == st));
        assert_true(n > 0 || st == OPRO_ERR_NOMEM);
        json_decref(root);
        assert_int_equal(f.live, 0);
    }
}

/* ---- jansson without memory ------------------------------------------------------------------ */

static size_t jansson_left, jansson_least;
static long jansson_live;

/* In front of each block its size, so that what is given back can be handed out again. */
static void *limited_alloc(size_t n) {
    size_t *p = n <= jansson_left ? malloc(n + 16) : NULL;

    if (!p) return NULL;
    *p = n;
    jansson_left -= n;
    if (jansson_left < jansson_least) jansson_least = jansson_left;
    jansson_live++;
    return p + 2;
}

static void limited_free(void *block) {
    size_t *p = block;

    if (!p) return;
    jansson_left += p[-2];
    jansson_live--;
    free(p - 2);
}

/* How much memory jansson needs for a text. */
static size_t needed(const char *s, size_t len) {
    const size_t plenty = (size_t)1 << 30;

    jansson_left = jansson_least = plenty;
    json_decref(json_loadb(s, len, 0, NULL));
    assert_int_equal(jansson_left, plenty);
    return plenty - jansson_least;
}

/*
 * With every amount of memory about that which it takes, a long text is read as it is, or there is
 * not enough. (jansson alone would write beyond a block of its own.)
 */
static void check_limited(const char *begin, const char *middle, size_t n, const char *end) {
    const size_t less = 150000;
    size_t len;
    char *s = around(begin, middle, n, end, &len);
    json_t *want = json_loadb(s, len, 0, NULL);
    opro_status st = OPRO_ERR_NOMEM;

    assert_non_null(want);
    json_set_alloc_funcs(limited_alloc, limited_free);
    for (size_t limit = needed(s, len) - less; st != OPRO_OK; limit += 7001) {
        json_t *root = NULL;

        jansson_left = limit;
        st = parse(&root, s, len);
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        if (root) assert_true(json_equal(root, want));
        json_decref(root);
        assert_int_equal(jansson_live, 0);
        assert_true(limit < 40u << 20);
    }
    json_set_alloc_funcs(malloc, free);
    json_decref(want);
    free(s);
}

static void test_jansson_without_memory(void **state) {
    size_t len;
    char *end = around("\"", "x", 60000, "\"]", &len);

    (void)state;
    end = realloc(end, len + 1);
    assert_non_null(end);
    end[len] = '\0';
    check_limited("[\"", "x", 100000, "\"]");
    check_limited("[\"a\",\"", "\\n", 50000, "\",1,\"b\"]");
    check_limited("[{},{\"a\":[]},", "{},", 3000, end); /* what comes before takes its share */
    free(end);
}

static long jansson_count, jansson_fails[2];

static void *twice_failing_alloc(size_t n) {
    long count = jansson_count++;

    return count == jansson_fails[0] || count == jansson_fails[1] ? NULL : malloc(n);
}

/* 0: it did not come to the second failure. */
static int parses_or_not(const char *s, const json_t *want, long first, long second) {
    json_t *root = NULL;
    opro_status st;

    jansson_fails[0] = first;
    jansson_fails[1] = second;
    jansson_count = 0;
    st = parse(&root, s, strlen(s));
    if (first == second && !root) assert_int_equal(st, OPRO_ERR_NOMEM);
    if (root && !json_equal(root, want)) fail_msg("%s is another one (%ld, %ld)", s, first, second);
    json_decref(root);
    return jansson_count > second;
}

/* One allocation fails, and those behind it succeed: no byte of a string is lost. */
static void check_once(const char *s) {
    json_t *want = json_loads(s, 0, NULL);

    assert_non_null(want);
    json_set_alloc_funcs(twice_failing_alloc, free);
    for (long n = 0; parses_or_not(s, want, n, n);)
        n++;
    json_set_alloc_funcs(malloc, free);
    json_decref(want);
}

/* Two of them fail: the same, but what is lost then may look like a fault of the text. */
static void check_twice(const char *s) {
    json_t *want = json_loads(s, 0, NULL);

    check_once(s);
    json_set_alloc_funcs(twice_failing_alloc, free);
    for (long first = 0; parses_or_not(s, want, first, first); first++)
        for (long second = first + 1; parses_or_not(s, want, first, second);)
            second++;
    json_set_alloc_funcs(malloc, free);
    json_decref(want);
}

static void test_jansson_without_memory_once_or_twice(void **state) {
    (void)state;
    check_twice("{\"a\":[1,2],\"text\":\"The answer is 42, and 17 is another number.\"}");
    check_twice("[\"\\u00e9\\ud83d\\ude00\\u20ac\\n and more than sixteen letters\",{\"b\":\"\"}]");
    check_twice("[\"a backslash at\\nsixteen\", \"another one, at\\u0041\"]");
    check_once("{\"a\":\"first\",\"a\":\"the second is what counts, as it is longer\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repaired, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_half_strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nodes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_repairs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_locale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_jansson_without_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_jansson_without_memory_once_or_twice, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
