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

#define R "\xef\xbf\xbd" /* U+FFFD */

static opro__mem mem;

static int set_up(void **state) {
    (void)state;
    return opro__mem_init(&mem, NULL);
}

static int tear_down(void **state) {
    (void)state;
    return mem.used != 0;
}

/* ---- cases by hand --------------------------------------------------------------------------- */

static const struct {
    const char *s;
    size_t len;
    const char *repaired; /* as the standard's table of maximal subparts has it */
} broken[] = {
    {"\x80", 1, R},
    {"\xbf\xbf", 2, R R},
    {"\xc0\xaf", 2, R R}, /* overlong "/" */
    {"\xc1\xbf", 2, R R},
    {"\xe0\x80\xaf", 3, R R R},
    {"\xe0\x9f\xbf", 3, R R R},
    {"\xf0\x80\x80\xaf", 4, R R R R},
    {"\xf0\x8f\xbf\xbf", 4, R R R R},
    {"\xed\xa0\x80", 3, R R R}, /* a surrogate */
    {"\xed\xbf\xbf", 3, R R R},
    {"\xf4\x90\x80\x80", 4, R R R R}, /* over U+10FFFF */
    {"\xf5\x80", 2, R R},
    {"\xfe\xff", 2, R R},
    {"\xe2\x82", 2, R}, /* cut off: one mark for all that fits together */
    {"\xe2\x82"
     "A",
     3, R "A"},
    {"\xf0\x9f\x98", 3, R},
    {"\xf0\x9f\x98"
     "A",
     4, R "A"},
    {"\xf0\x9f", 2, R},
    {"\xf0", 1, R},
    {"\xc3", 1, R},
    {"\xc3\xc3\xa9", 3, R "\xc3\xa9"},
    {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
     "A",
     9, R R R R "A"},
    {"a\xf1\x80\x80\xe1\x80\xc2"
     "b\x80"
     "c\x80\xbf"
     "d",
     13, "a" R R R "b" R "c" R R "d"},
    {"a\0b", 3, "a" R "b"}, /* NUL would end the text for others */
    {"\xe2\x82\0", 3, R R},
};

static const struct {
    const char *s;
    size_t len;
    size_t letters;
} sound[] = {
    {"", 0, 0},
    {"plain", 5, 5},
    {"\x01\x7f", 2, 2},
    {"\xc2\x80\xdf\xbf", 4, 2},
    {"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 12, 4},
    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, 2},
    {"d\xc3\xa9j\xc3\xa0 vu \xf0\x9f\x98\x80", 14, 9},
};

static void expect_repair(const char *s, size_t len, const char *expected) {
    opro__buf out;

    opro__buf_init(&out, &mem, 1000);
    opro__utf8_repair(&out, s, len);
    assert_string_equal(opro__buf_text(&out), expected);
    opro__buf_free(&out);
}

static void test_broken(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_false(opro__utf8_valid(broken[i].s, broken[i].len));
        expect_repair(broken[i].s, broken[i].len, broken[i].repaired);
    }
}

static void test_sound(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        assert_true(opro__utf8_valid(sound[i].s, sound[i].len));
        assert_int_equal(opro__utf8_count(sound[i].s, sound[i].len), sound[i].letters);
        expect_repair(sound[i].s, sound[i].len, sound[i].s);
    }
}

static void test_sequence(void **state) {
    (void)state;
    assert_int_equal(opro__utf8_sequence("", 0), 0);
    assert_int_equal(opro__utf8_sequence("ab", 2), 1);
    assert_int_equal(opro__utf8_sequence("\xc3\xa9", 2), 2);
    assert_int_equal(opro__utf8_sequence("\xc3\xa9", 1), 0);
    assert_int_equal(opro__utf8_sequence("\xe2\x82\xac", 3), 3);
    assert_int_equal(opro__utf8_sequence("\xe2\x82\xac", 2), 0);
    assert_int_equal(opro__utf8_sequence("\xf0\x9f\x98\x80", 9), 4);
    assert_int_equal(opro__utf8_sequence("\xf0\x9f\x98\x80", 3), 0);
    assert_int_equal(opro__utf8_sequence("\x80", 1), 0);
    assert_int_equal(opro__utf8_sequence("\xed\xa0\x80", 3), 0);
}

static void test_cut(void **state) {
    static const char s[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1 2 3 4 1 bytes */
    static const size_t cut[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

    (void)state;
    for (size_t max = 0; max < sizeof cut / sizeof *cut; max++)
        assert_int_equal(opro__utf8_cut(s, 11, max), cut[max]);
    assert_int_equal(opro__utf8_cut(s, 11, SIZE_MAX), 11);
    assert_int_equal(opro__utf8_cut("", 0, 0), 0);
    assert_int_equal(opro__utf8_cut("\x80\x80\x80", 3, 2), 0); /* not UTF-8, and no way out of it */
}

/* ---- by the definition ----------------------------------------------------------------------- */

static const struct {
    unsigned char low[4], high[4];
    size_t n;
} well_formed[] = {
    {{0x00}, {0x7f}, 1},
    {{0xc2, 0x80}, {0xdf, 0xbf}, 2},
    {{0xe0, 0xa0, 0x80}, {0xe0, 0xbf, 0xbf}, 3},
    {{0xe1, 0x80, 0x80}, {0xec, 0xbf, 0xbf}, 3},
    {{0xed, 0x80, 0x80}, {0xed, 0x9f, 0xbf}, 3},
    {{0xee, 0x80, 0x80}, {0xef, 0xbf, 0xbf}, 3},
    {{0xf0, 0x90, 0x80, 0x80}, {0xf0, 0xbf, 0xbf, 0xbf}, 4},
    {{0xf1, 0x80, 0x80, 0x80}, {0xf3, 0xbf, 0xbf, 0xbf}, 4},
    {{0xf4, 0x80, 0x80, 0x80}, {0xf4, 0x8f, 0xbf, 0xbf}, 4},
};

/*
 * How many bytes of s begin a well-formed sequence, at least 1 to move on; *whole says if it is all
 * of one.
 */
static size_t longest_part(const unsigned char *s, size_t len, int *whole) {
    size_t best = 1;

    *whole = 0;
    for (size_t row = 0; row < sizeof well_formed / sizeof *well_formed; row++) {
        size_t n = 0;

        while (n < len && n < well_formed[row].n && s[n] >= well_formed[row].low[n] &&
               s[n] <= well_formed[row].high[n])
            n++;
        if (n == 0) continue;
        if (n > best) best = n;
        if (n == well_formed[row].n) *whole = 1;
    }
    return best;
}

static void check_by_definition(const char *s, size_t len) {
    char expected[64];
    size_t out = 0;
    int valid = 1;
    opro__buf got;

    for (size_t i = 0; i < len;) {
        int whole;
        size_t n = longest_part((const unsigned char *)s + i, len - i, &whole);

        whole = whole && s[i] != 0;
        assert_int_equal(opro__utf8_sequence(s + i, len - i), whole || s[i] == 0 ? n : 0);
        memcpy(expected + out, whole ? s + i : R, whole ? n : 3);
        out += whole ? n : 3;
        valid = valid && whole;
        i += n;
    }
    assert_int_equal(opro__utf8_valid(s, len), valid);
    opro__buf_init(&got, &mem, 1000);
    opro__utf8_repair(&got, s, len);
    assert_int_equal(got.len, out);
    assert_memory_equal(opro__buf_text(&got), expected, out);
    assert_true(opro__utf8_valid(opro__buf_text(&got), got.len));
    opro__buf_free(&got);
}

/* All texts of up to four bytes, of those bytes that rules begin or end with. */
static void test_all_short(void **state) {
    static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                          0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1,
                                          0xec, 0xed, 0xef, 0xf0, 0xf4, 0xf5};
    enum { N = sizeof edges };

    (void)state;
    for (size_t i = 0; i < N * N * N * N; i++) {
        const char s[4] = {(char)edges[i % N], (char)edges[i / N % N], (char)edges[i / N / N % N],
                           (char)edges[i / N / N / N]};

        check_by_definition(s, 4);
        if (i < N * N * N) check_by_definition(s, 3);
        if (i < N * N) check_by_definition(s, 2);
    }
}

static void test_all_letters(void **state) {
    size_t good = 0;

    (void)state;
    for (uint32_t c = 1; c < 0x110000; c++) {
        const char s[4] = {(char)(c < 0x10000 ? 0xe0 | c >> 12 : 0xf0 | c >> 18),
                           (char)(0x80 | (c < 0x10000 ? c >> 6 & 63 : c >> 12 & 63)),
                           (char)(0x80 | (c < 0x10000 ? c & 63 : c >> 6 & 63)),
                           (char)(0x80 | (c & 63))};
        size_t n = c < 0x10000 ? 3 : 4;

        if (c < 0x800) continue;
        good += opro__utf8_sequence(s, n) == n;
    }
    assert_int_equal(good,
                     0x110000 - 0x800 - 0x800); /* all but the short ones and the surrogates */
}

/* Sixteen bytes are looked at together: what is wrong shows wherever it stands among them. */
static void test_long(void **state) {
    (void)state;
    for (size_t len = 1; len < 70; len++)
        for (size_t at = 0; at < len; at++) {
            char *s = malloc(len);

            memset(s, at % 2 ? 0x01 : 0x7f, len);
            assert_true(opro__utf8_valid(s, len));
            s[at] = '\0';
            assert_false(opro__utf8_valid(s, len));
            s[at] = (char)0x80;
            assert_false(opro__utf8_valid(s, len));
            s[at] = (char)0xc3;
            assert_false(opro__utf8_valid(s, len));
            if (at + 1 < len) s[at + 1] = (char)0xa9;
            assert_int_equal(opro__utf8_valid(s, len), at + 1 < len);
            free(s);
        }
}

static void test_random(void **state) {
    opro__rng rng = opro__rng_make(3, 0, 0);

    (void)state;
    for (int i = 0; i < 100000; i++) {
        char s[20];
        size_t len = (size_t)opro__rng_below(&rng, sizeof s + 1);

        for (size_t k = 0; k < len; k++)
            s[k] = (char)(opro__rng_below(&rng, 3) ? 0x80 + opro__rng_below(&rng, 128)
                                                   : opro__rng_below(&rng, 128));
        check_by_definition(s, len);
    }
}

/* No room for all: what is there is whole letters' replacements, and the status says so. */
static void test_no_room(void **state) {
    opro__buf out;

    (void)state;
    opro__buf_init(&out, &mem, 4);
    opro__utf8_repair(&out, "a\xff\xff", 3);
    assert_int_equal(out.status, OPRO_ERR_LIMIT);
    assert_string_equal(opro__buf_text(&out), "a" R);
    opro__buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_broken), TEST(test_sound),     TEST(test_sequence),
        TEST(test_cut),    TEST(test_all_short), TEST(test_all_letters),
        TEST(test_long),   TEST(test_random),    TEST(test_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
