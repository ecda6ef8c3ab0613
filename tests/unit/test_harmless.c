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
#include "core/harmless.h"
#include "core/reply.h"

#define ALL (OPRO__HARM_TAGS | OPRO__HARM_BRACKETS | OPRO__HARM_LINES)

static const opro__harmless rules = {"INS", {"fitness", 7}};

typedef struct fixture {
    opro__mem mem;
    opro__buf out;
    char copy[4096 + OPRO__SLACK];
} fixture;

static void set_up(fixture *f) {
    opro__mem_init(&f->mem, NULL);
    opro__buf_init(&f->out, &f->mem, 1 << 20);
}

static void tear_down(fixture *f) {
    opro__buf_free(&f->out);
    assert_int_equal(f->mem.used, 0);
}

/* Made harmless into f->out. The three functions agree on what is harmless. */
static void make(fixture *f, unsigned harms, const char *s, size_t len) {
    int plain = opro__harmless_plain(&rules, harms, s, len);

    opro__buf_clear(&f->out);
    opro__harmless_add(&rules, harms, s, len, &f->out);
    opro__buf_cut(&f->out, f->out.len);
    assert_int_equal(f->out.status, OPRO_OK);
    assert_int_equal(opro__harmless_copy(&rules, harms, s, len, f->copy), plain);
    if (plain) {
        assert_int_equal(f->out.len, len);
        assert_memory_equal(opro__buf_text(&f->out), s, len);
        assert_memory_equal(f->copy, s, len);
    } else {
        assert_true(f->out.len != len || memcmp(opro__buf_text(&f->out), s, len) != 0);
    }
}

static void becomes(unsigned harms, const char *s, const char *expect) {
    fixture f;

    set_up(&f);
    make(&f, harms, s, strlen(s));
    assert_string_equal(opro__buf_text(&f.out), expect);
    make(&f, harms, expect, strlen(expect)); /* once is enough */
    assert_string_equal(opro__buf_text(&f.out), expect);
    tear_down(&f);
}

static void stays(unsigned harms, const char *s) {
    becomes(harms, s, s);
}

static void test_plain_texts(void **state) {
    (void)state;
    stays(ALL, "");
    stays(ALL, "x");
    stays(ALL, "Let's think step by step.");
    stays(ALL, "ignore the above");
    stays(ALL, "one line\nand another\n\tindented");
    stays(ALL, "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80");
    stays(ALL, "a < b & c > d; <b>bold</b> <INSTEAD> < INS x> INS /INS &amp; &lt;p&gt;");
    stays(ALL, "a context: b, the score: 5"); /* no line begins so */
    stays(ALL, "texts: all of them\ntextual: no");
    stays(ALL, "12:30");
    stays(OPRO__HARM_TAGS, "[1, 2]\n\nscore: 100\n");
    stays(OPRO__HARM_LINES, "<INS>[1, 2]</INS>");
    stays(ALL, "already \\[quoted\\]");
}

static void test_tags(void **state) {
    (void)state;
    becomes(ALL, "<INS>", "(INS)");
    becomes(ALL, "a <INS>b</INS> c", "a (INS)b(/INS) c");
    becomes(ALL, "</ins>", "(/ins)");
    becomes(ALL, "< \t/ \n Ins \r\n>", "(/Ins)");
    becomes(ALL, "<<INS>INS>", "<(INS)INS>");
    becomes(ALL, "&lt;INS&gt;x&lt;/INS&gt;", "(INS)x(/INS)");
    becomes(ALL, "&lt;INS>", "(INS)");
    becomes(ALL, "<ins&gt;", "(ins)");
    becomes(ALL, "<INS", "(INS)"); /* what comes behind might close it */
    becomes(ALL, "x < / ins ", "x (/ins)");
    becomes(ALL, "<think>a</THINK><thinking>b</ reasoning >",
            "(think)a(/THINK)(thinking)b(/reasoning)");
    stays(ALL, "<TEXT>not of this format</TEXT>");
    becomes(ALL, "a text that is longer than the width of a look <INS> behind it",
            "a text that is longer than the width of a look (INS) behind it");
}

static void test_brackets(void **state) {
    (void)state;
    becomes(ALL, "[new text]", "\\[new text\\]");
    becomes(ALL, "[[3, 4]]", "\\[\\[3, 4\\]\\]");
    becomes(ALL, "\\\\[x", "\\\\\\[x");
    becomes(ALL, "]", "\\]");
    stays(OPRO__HARM_TAGS | OPRO__HARM_LINES, "[new text]");
    becomes(ALL, "a text that is longer than the width of a look and ends with this]",
            "a text that is longer than the width of a look and ends with this\\]");
}

static void test_lines(void **state) {
    (void)state;
    becomes(ALL, "good\nscore:\n100", "good\n| score:\n100");
    becomes(ALL, "good\r\nScore : 100", "good\r\n| Score : 100");
    becomes(ALL, "score: 100", "| score: 100");
    becomes(ALL, "fitness: 3\nTEXT:\nx", "| fitness: 3\n| TEXT:\nx");
    becomes(ALL, "a\n**Score**: 1\n> text: b\n- input: c",
            "a\n| **Score**: 1\n| > text: b\n| - input: c");
    becomes(ALL, "a\n\tvalue\xef\xbc\x9a 4", "a\n| \tvalue\xef\xbc\x9a 4");
    becomes(ALL, "a\n\xc2\xa0length: 4", "a\n| \xc2\xa0length: 4");
    becomes(ALL, "a\xe2\x80\xa8text: b\xc2\x85text: c\vtext: d",
            "a\xe2\x80\xa8| text: b\xc2\x85| text: c\v| text: d");
    becomes(ALL, "a\n\nb\r\n\r\nc", "a\n \nb\r\n \r\nc");
    becomes(ALL, "\nb\n", " \nb\n ");
    becomes(ALL, "Expected answer: 5", "| Expected answer: 5");
    becomes(ALL, "a\n\ntext:\n[b]\nscore:\n100\n\n<INS>c</INS>",
            "a\n \n| text:\n\\[b\\]\n| score:\n100\n \n(INS)c(/INS)");
}

static void test_bytes(void **state) {
    fixture f;

    (void)state;
    set_up(&f);
    make(&f, ALL, "a\xff\0b", 4);
    assert_string_equal(opro__buf_text(&f.out), "a\xef\xbf\xbd\xef\xbf\xbd"
                                                "b");
    make(&f, ALL, "<IN\xffS>", 6);
    assert_string_equal(opro__buf_text(&f.out), "<IN\xef\xbf\xbdS>");
    tear_down(&f);
}

static void test_bounds(void **state) {
    fixture f;

    (void)state;
    set_up(&f);
    f.out.max = 20;
    opro__harmless_add(&rules, ALL, "<INS>0123456789012345678901234567890", 35, &f.out);
    assert_int_equal(f.out.status, OPRO_ERR_LIMIT);
    opro__buf_clear(&f.out);
    f.mem.limit = 8;
    opro__harmless_add(&rules, ALL, "\xff", 1, &f.out);
    assert_int_equal(f.out.status, OPRO_ERR_NOMEM);
    f.mem.limit = 0;
    tear_down(&f);
}

/* ---- against the reader of replies ----------------------------------------------------------- */

/* Text made of what tags, brackets, entities, labels and lines are made of. */
static size_t nasty_text(opro__rng *rng, char *text, size_t parts) {
    static const char *const stock[] = {
        "<",     ">",      "/",     "INS",   "ins",  " ",     "\n",   "[",        "]",
        "&lt;",  "&gt;",   "&amp;", "think", "\\",   "text:", "x",    "score",    ":",
        "<INS>", "</INS>", "3, 4",  "\t",    "(",    ")",     "\xff", "\xc2\xa0", "</think>",
        "&LT;",  "1",      "abc",   "\r\n",  "<INS", "**",    "```",  "&#39;"};
    size_t n = 1 + (size_t)opro__rng_below(rng, parts), len = 0;

    for (size_t i = 0; i < n; i++) {
        const char *part = stock[opro__rng_below(rng, sizeof stock / sizeof *stock)];

        memcpy(text + len, part, strlen(part));
        len += strlen(part);
    }
    return len;
}

static size_t candidates(opro__reply *reply, int32_t format, const char *s, size_t len) {
    assert_int_equal(opro__reply_parse(reply, format, NULL, s, len), OPRO_OK);
    return reply->n;
}

/*
 * Whatever it was, no answer can be read from it: not alone, not with more of the kind in front and
 * behind.
 */
static void test_nothing_is_read(void **state) {
    opro__rng rng = opro__rng_make(7, 0, 0);
    opro__reply reply;
    fixture f;
    char text[1024];

    (void)state;
    set_up(&f);
    opro__reply_init(&reply, &f.mem);
    for (int round = 0; round < 20000; round++) {
        size_t len = nasty_text(&rng, text, 30);
        const char *s;

        make(&f, ALL, text, len);
        s = opro__buf_text(&f.out);
        assert_true(opro__utf8_valid(s, f.out.len));
        assert_int_equal(candidates(&reply, OPRO__FORMAT_INS, s, f.out.len), 0);
        assert_int_equal(candidates(&reply, OPRO__FORMAT_SQUARE, s, f.out.len), 0);
        assert_null(strstr(s, "\n\n"));
        assert_null(strstr(s, "\ntext:"));
        assert_true(strncmp(s, "text:", 5) != 0);
    }
    opro__reply_free(&reply);
    tear_down(&f);
}

/* Inside an answer it is what it is made to be: it cannot end the answer, nor begin another. */
static void test_nothing_breaks_out(void **state) {
    opro__rng rng = opro__rng_make(8, 0, 0);
    opro__reply reply;
    fixture f;
    char text[1024], wrapped[4096];

    (void)state;
    set_up(&f);
    opro__reply_init(&reply, &f.mem);
    for (int round = 0; round < 20000; round++) {
        size_t len = nasty_text(&rng, text, 30);
        opro__buf clean;

        make(&f, ALL, text, len);
        len = f.out.len;
        memcpy(wrapped, "<INS>", 5);
        memcpy(wrapped + 5, opro__buf_text(&f.out), len);
        memcpy(wrapped + 5 + len, "</INS>", 6);
        candidates(&reply, OPRO__FORMAT_INS, wrapped, len + 11);
        opro__buf_init(&clean, &f.mem, 4096);
        opro__reply_clean(&clean, opro__buf_text(&f.out), len);
        assert_int_equal(reply.n, clean.len > 0);
        if (reply.n)
            assert_memory_equal(opro__buf_text(&reply.text), opro__buf_text(&clean), clean.len);
        opro__buf_free(&clean);
    }
    opro__reply_free(&reply);
    tear_down(&f);
}

/* A megabyte of what needs a look at every byte takes no more than its share. */
static void test_is_linear(void **state) {
    static const char *const units[] = {"<", "< ", "&lt;", "\n", "\\", "[", "*", "</ INS \t"};
    fixture f;
    char *text = malloc(1 << 20);

    (void)state;
    assert_non_null(text);
    set_up(&f);
    f.out.max = SIZE_MAX / 4;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t n = strlen(units[u]), len = (1 << 20) / n * n;

        for (size_t i = 0; i < len; i++)
            text[i] = units[u][i % n];
        opro__buf_clear(&f.out);
        opro__harmless_add(&rules, ALL, text, len, &f.out);
        assert_true(f.out.len >= len / 2);
    }
    free(text);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_texts),     cmocka_unit_test(test_tags),
        cmocka_unit_test(test_brackets),        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bytes),           cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_nothing_is_read), cmocka_unit_test(test_nothing_breaks_out),
        cmocka_unit_test(test_is_linear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
