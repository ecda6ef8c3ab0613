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
#include "core/reply.h"
#include "failing.h"

static opro__mem mem;
static opro__reply reply;

static int set_up(void **state) {
    (void)state;
    if (opro__mem_init(&mem, NULL) != OPRO_OK) return -1;
    opro__reply_init(&reply, &mem);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    opro__reply_free(&reply);
    return mem.used == 0 ? 0 : -1;
}

/* What was found, joined by "|". */
static const char *found(void) {
    static char joined[2000];
    size_t at = 0;

    for (size_t i = 0; i < reply.n; i++) {
        if (i > 0) joined[at++] = '|';
        assert_true(at + reply.found[i].len < sizeof joined - 2);
        memcpy(joined + at, opro__buf_text(&reply.text) + reply.found[i].at, reply.found[i].len);
        at += reply.found[i].len;
    }
    joined[at] = '\0';
    return joined;
}

static void check(int32_t format, const opro__space *space, const char *text, const char *expect) {
    assert_int_equal(opro__reply_parse(&reply, format, space, text, strlen(text)), OPRO_OK);
    if (strcmp(found(), expect) != 0)
        fail_msg("%s\n  gives    %s\n  expected %s", text, found(), expect);
}

/* ---- one case a rule; the files of cases have many more -------------------------------------- */

static void test_tags(void **state) {
    static const struct {
        int32_t format;
        const char *text;
        const char *expect;
    } cases[] = {
        {OPRO__FORMAT_INS, "<INS>one</INS> <ins>two</Ins> <TEXT>three</TEXT>", "one|two"},
        {OPRO__FORMAT_START, "A: <Start>one</Start>", "one"},
        {OPRO__FORMAT_TEXT, "< text >one< / TEXT >", "one"},
        {OPRO__FORMAT_TRACE, "<trace> 0,1 </trace><trace></trace><trace>0,1</trace>", "0,1||0,1"},
        {OPRO__FORMAT_TRACE, "<trace>\n \n 0,1\nthat is it", "0,1"},
        {OPRO__FORMAT_TRACE, "<trace>0,1\rthat is it", "0,1"},
        {OPRO__FORMAT_TRACE, "<trace>0,\n1</trace>", "0,\n1"},
        {OPRO__FORMAT_INS, "<INS>a<INS>b</INS>c</INS>", "b"},
        {OPRO__FORMAT_INS, "one</INS>two</INS>", "one"},
        {OPRO__FORMAT_INS, "a<think>b</think>c</INS>", "ac"},
        {OPRO__FORMAT_INS, "x<INS>a</INS></think>y</INS>", "y"},
        {OPRO__FORMAT_INS, "&lt;INS&gt;a &amp;lt; b&lt;/INS&gt;", "a &lt; b"},
        {OPRO__FORMAT_INS, "&lt;think&gt;&lt;INS&gt;a&lt;/INS&gt;&lt;/think&gt;", ""},
        {OPRO__FORMAT_INS, "a</INS> &lt;INS&gt;b&lt;/INS&gt;", "b"},
        {OPRO__FORMAT_INS, "<INS>a</INS> &lt;INS&gt;b&lt;/INS&gt;", "a"},
        {OPRO__FORMAT_INS, "&lt; ins\t&gt;a&nbsp;&lt;/ins&gt;", "a"},
        {OPRO__FORMAT_INS, "<INS", ""},
        {OPRO__FORMAT_INS, "<INS x=\"1\">a", ""},
        {OPRO__FORMAT_INS, "<", ""},
        {OPRO__FORMAT_INS, "&lt;INS", ""},
        {OPRO__FORMAT_INS, "&lt;&lt;INS&gt;a", "a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].format, NULL, cases[i].text, cases[i].expect);
}

static void test_opened_and_closed(void **state) {
    (void)state;
    check(OPRO__FORMAT_INS, NULL, "<INS>a</INS><INS>b", "a|b");
    assert_true(reply.found[0].opened && reply.found[0].closed);
    assert_true(reply.found[1].opened && !reply.found[1].closed);
    check(OPRO__FORMAT_INS, NULL, "a</INS>", "a");
    assert_true(!reply.found[0].opened && reply.found[0].closed);
}

static void test_square(void **state) {
    static const struct {
        const char *text;
        const char *expect;
    } cases[] = {
        {"[a] [b [c] d] [a]", "a|b [c] d"},
        {"[a [b] [c", "b"},
        {"] [a] ] [b", "a"},
        {"[[a] [b]", "a|b"},
        {"\\[a\\] [b\\]c] [d\\[]", "b\\]c|d\\["},
        {"[a](b) [1] [ ] [\xc3\xa9]", "\xc3\xa9"},
        {"[a<think>]</think>b]", "a\nb"},
        {"[a]</think>[b]", "b"},
        {"[a]<think>[b]", "a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(OPRO__FORMAT_SQUARE, NULL, cases[i].text, cases[i].expect);
}

static void test_vectors(void **state) {
    char w[] = "w", b[] = "b";
    char *names[] = {w, b};
    opro__space pair = {.kind = OPRO__SPACE_VECTOR, .n = 2, .names = names};
    opro__space one = {.kind = OPRO__SPACE_VECTOR, .n = 1};
    opro__space three = {.kind = OPRO__SPACE_VECTOR, .n = 3};

    (void)state;
    check(OPRO__FORMAT_VECTOR, &pair, "[b=3,w=4] [w,b] [1;2] [1;2] [1,2,3]", "4, 3|1, 2|1, 2");
    check(OPRO__FORMAT_VECTOR, &pair, "[[1,2],[3,[4,5]] \\[6,7] [8,9", "1, 2|4, 5");
    check(OPRO__FORMAT_VECTOR, &pair, "[1,<think>[3,4]</think>2]", "1, 2");
    check(OPRO__FORMAT_VECTOR, &one, "[1], [x1=2], [x2=3], [x], [4,5], []", "1|2");
    check(OPRO__FORMAT_VECTOR, &three, "[x3=3,x1=1,x2=2], [1e2, .5, -0]", "1, 2, 3|100, 0.5, 0");
}

/* More names than are searched one by one. */
static void test_vectors_with_many_names(void **state) {
    enum { N = 20 };
    char names[N][4];
    char *pointers[N];
    opro__space space = {.kind = OPRO__SPACE_VECTOR, .n = N, .names = pointers};

    (void)state;
    for (int i = 0; i < N; i++) {
        names[i][0] = (char)('a' + i);
        names[i][1] = '\0';
        pointers[i] = names[i];
    }
    check(OPRO__FORMAT_VECTOR, &space,
          "[t=19,s=18,r=17,q=16,p=15,o=14,n=13,m=12,l=11,k=10,j=9,i=8,h=7,g=6,f=5,e=4,d=3,c=2,b=1,"
          "a=0]",
          "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19");
}

static void test_bytes_that_are_no_text(void **state) {
    static const char bytes[] = "<INS>a\xff\0b\xe2\x82</INS>";

    (void)state;
    assert_int_equal(opro__reply_parse(&reply, OPRO__FORMAT_INS, NULL, bytes, sizeof bytes - 1),
                     OPRO_OK);
    assert_string_equal(found(), "a\xef\xbf\xbd\xef\xbf\xbd"
                                 "b\xef\xbf\xbd");
}

static void test_clean(void **state) {
    static const struct {
        const char *text;
        const char *expect;
    } cases[] = {
        {"", ""},
        {" \t\r\n\f\v", ""},
        {"\xc2\xa0 \xe2\x80\x8b\xef\xbb\xbf"
         "a\xef\xbb\xbf\xe2\x80\x8b \xc2\xa0",
         "a"},
        {"\"' a '\"", "a"},
        {"'it's fine'", "it's fine"},
        {"'a' or 'b'", "'a' or 'b'"},
        {"'a 'tis b'", "'a 'tis b'"},
        {"\xe2\x80\x98"
         "it\xe2\x80\x99s\xe2\x80\x99",
         "it\xe2\x80\x99s"},
        {"\xe2\x80\x9e"
         "a\xe2\x80\x9c",
         "a"},
        {"\xc2\xab"
         "a\xc2\xbb",
         "a"},
        {"\xe2\x80\x9c"
         "a\"",
         "\xe2\x80\x9c"
         "a\""},
        {"\"", "\""},
        {"\"\"", ""},
        {"`a`", "a"},
        {"`a` and `b`", "`a` and `b`"},
        {"```a```", "a"},
        {"```py\na\nb\n```", "a\nb"},
        {"```py\n```", ""},
        {"```a``` and ```b```", "```a``` and ```b```"},
        {"```use `x`\nand y```", "use `x`\nand y"},
        {"````\n```\na\n```\n````", "````\n```\na\n```\n````"},
        {"````\na\n````", "a"},
        {"``````", ""},
        {"`````", "`````"},
        {"```````", "```````"},
        {"```a````", "```a````"},
        {"```a", "```a"},
        {"**a**", "a"},
        {"__a__", "a"},
        {"*a*", "a"},
        {"_a_", "a"},
        {"**a** b **c**", "**a** b **c**"},
        {"***a***", "***a***"},
        {"*", "*"},
        {"****", ""},
        {"_ \"**`a`**\" _", "a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__buf out;

        opro__buf_init(&out, &mem, 1000);
        opro__buf_addz(&out, "<");
        opro__reply_clean(&out, cases[i].text, strlen(cases[i].text));
        assert_string_equal(opro__buf_text(&out) + 1, cases[i].expect);
        opro__buf_free(&out);
    }
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void test_limit(void **state) {
    char *text = malloc(OPRO__REPLY_MAX + 1);

    (void)state;
    check(OPRO__FORMAT_INS, NULL, "<INS>a</INS>", "a");
    memset(text, 'a', OPRO__REPLY_MAX + 1);
    assert_int_equal(opro__reply_parse(&reply, OPRO__FORMAT_INS, NULL, text, OPRO__REPLY_MAX + 1),
                     OPRO_ERR_LIMIT);
    assert_int_equal(reply.n, 0);
    assert_int_equal(opro__reply_parse(&reply, OPRO__FORMAT_INS, NULL, text, OPRO__REPLY_MAX),
                     OPRO_OK);
    assert_int_equal(opro__reply_parse(&reply, OPRO__FORMAT_INS, NULL, NULL, 0), OPRO_OK);
    free(text);
}

/* A monstrous reply does not leave its memory behind. */
static void test_memory_kept(void **state) {
    const size_t size = (size_t)4 << 20;
    char *text = malloc(size);

    (void)state;
    memset(text, 'a', size);
    memcpy(text, "<INS>", 5);
    assert_int_equal(opro__reply_parse(&reply, OPRO__FORMAT_INS, NULL, text, size), OPRO_OK);
    assert_true(mem.used > size - 10);
    for (size_t i = 0; i + 15 <= size; i += 15)
        memcpy(text + i, "<trace></trace>", 15);
    assert_int_equal(opro__reply_parse(&reply, OPRO__FORMAT_TRACE, NULL, text, size), OPRO_OK);
    assert_true(mem.used > size / 15 * sizeof *reply.found);
    check(OPRO__FORMAT_INS, NULL, "<INS>a</INS>", "a");
    assert_true(mem.used < 10000);
    free(text);
}

static opro_status parse_with(long n, int32_t format, const opro__space *space, const char *text,
                              size_t len) {
    failing fail = {n, 0};
    opro_allocator allocator = failing_allocator(&fail);
    opro__mem scarce;
    opro__reply r;
    opro_status st;

    assert_int_equal(opro__mem_init(&scarce, &allocator), OPRO_OK);
    opro__reply_init(&r, &scarce);
    st = opro__reply_parse(&r, format, space, text, len);
    if (st != OPRO_OK) assert_int_equal(r.n, 0);
    if (st == OPRO_OK) assert_true(r.n > 0);
    fail.left = -1; /* and it can be used again */
    assert_int_equal(opro__reply_parse(&r, format, space, text, len), OPRO_OK);
    assert_true(r.n > 0);
    opro__reply_free(&r);
    assert_int_equal(fail.live, 0);
    return st;
}

static void test_no_memory(void **state) {
    static const struct {
        int32_t format;
        const char *text;
    } cases[] = {
        {OPRO__FORMAT_INS, "<INS>\xff</INS><INS>b</INS><INS>c</INS>"},
        {OPRO__FORMAT_INS, "&lt;INS&gt;a&lt;/INS&gt;&lt;INS&gt;b&lt;/INS&gt;"},
        {OPRO__FORMAT_INS, "a<think></think>b</INS>"},
        {OPRO__FORMAT_SQUARE, "[a]<think></think>[b] [[c]"},
        {OPRO__FORMAT_TRACE, "<trace>0</trace>"},
        {OPRO__FORMAT_VECTOR, "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]<think></"
                              "think>[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"},
    };
    char name[] = "n";
    char *names[17] = {name, name, name, name, name, name, name, name, name,
                       name, name, name, name, name, name, name, name};
    opro__space space = {.kind = OPRO__SPACE_VECTOR, .n = 17, .names = names};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].text);
        opro_status st = OPRO_ERR_NOMEM;

        for (long n = 0; st != OPRO_OK; n++) {
            st = parse_with(n, cases[i].format, &space, cases[i].text, len);
            assert_true(st == OPRO_OK ? n > 1 : st == OPRO_ERR_NOMEM);
            assert_true(n < 100);
        }
    }
}

/* Everything is forgotten behind a stray </think>, also which texts were seen. */
static void test_restart_forgets_repeats(void **state) {
    (void)state;
    check(OPRO__FORMAT_INS, NULL,
          "<INS>a</INS><INS>b</INS><INS>b</INS></think><INS>b</INS><INS>a</INS><INS>a</INS>",
          "b|a");
}

/* ---- properties ------------------------------------------------------------------------------ */

static const char *const pieces[] = {
    "<INS>",
    "</INS>",
    "<ins",
    " >",
    "<trace>",
    "</trace>",
    "<TEXT>",
    "</text>",
    "<Start>",
    "</Start>",
    "<think>",
    "</think>",
    "<reasoning>",
    "</",
    "<",
    ">",
    "&lt;",
    "INS",
    "&gt;",
    "&amp;",
    "&",
    "&nbsp;",
    "&#39;",
    "[",
    "]",
    "[",
    "]",
    "(",
    ")",
    "\\",
    "```",
    "`",
    "\"",
    "'",
    "*",
    "**",
    "_",
    "\xe2\x80\x9c",
    "\xe2\x80\x9d",
    "\xe2\x80\x99",
    "\xc2\xab",
    "\xc2\xbb",
    "\xc2\xa0",
    "\xe2\x80\x8b",
    " ",
    "\n",
    "\r",
    "a",
    "it's",
    "0",
    "1",
    "2,",
    ",",
    ";",
    "w=",
    "b:",
    "-",
    ".",
    "e9",
    "->",
    "\xe2\x86\x92",
    "\xe2\x88\x92",
    "\xff",
    "\xe2\x80",
    "\xf0\x9f",
    "\x80",
};

/* What makes a candidate, so that there are some. */
static const struct {
    int32_t format;
    const char *open, *close;
} formats[] = {
    {OPRO__FORMAT_INS, "<INS>", "</INS>"},       {OPRO__FORMAT_START, "<Start>", "</Start>"},
    {OPRO__FORMAT_TEXT, "<TEXT>", "</TEXT>"},    {OPRO__FORMAT_SQUARE, "[", "]"},
    {OPRO__FORMAT_TRACE, "<trace>", "</trace>"}, {OPRO__FORMAT_VECTOR, "[1,", "2]"},
};

#define FORMATS (sizeof formats / sizeof *formats)
#define PIECES  (sizeof pieces / sizeof *pieces)

static const char *random_piece(opro__rng *rng, size_t format, size_t few) {
    switch (opro__rng_below(rng, 8)) {
    case 0: return formats[format].open;
    case 1: return formats[format].close;
    case 2: return pieces[opro__rng_below(rng, PIECES)];
    default: return pieces[(few + opro__rng_below(rng, 12)) % PIECES];
    }
}

static size_t random_text(opro__rng *rng, size_t format, char *text, size_t size) {
    size_t few = (size_t)opro__rng_below(rng, PIECES), n = (size_t)opro__rng_below(rng, 40),
           len = 0;

    while (n-- > 0) {
        const char *piece = random_piece(rng, format, few);
        size_t piece_len = strlen(piece) + (opro__rng_below(rng, 50) == 0); /* a NUL now and then */

        if (len + piece_len > size) break;
        memcpy(text + len, piece, piece_len);
        len += piece_len;
    }
    return len;
}

/* What must hold of anything that is found. */
static void check_found(const opro__reply *r, int32_t format) {
    size_t end = 0;

    for (size_t i = 0; i < r->n; i++) {
        const char *s = opro__buf_text(&r->text) + r->found[i].at;

        assert_int_equal(r->found[i].at, end);
        end += r->found[i].len;
        assert_true(end <= r->text.len);
        assert_true(opro__utf8_valid(s, r->found[i].len));
        if (format != OPRO__FORMAT_TRACE) assert_true(r->found[i].len > 0);
        assert_true(r->found[i].opened || r->found[i].closed);
        if (format == OPRO__FORMAT_TRACE || format == OPRO__FORMAT_VECTOR) continue;
        for (size_t k = 0; k < i; k++)
            assert_true(r->found[k].len != r->found[i].len ||
                        memcmp(opro__buf_text(&r->text) + r->found[k].at, s, r->found[i].len) != 0);
    }
    assert_int_equal(end, r->text.len);
}

static void test_random(void **state) {
    opro__rng rng = opro__rng_make(1, 0, 99);
    char w[] = "w", b[] = "b";
    char *names[] = {w, b};
    opro__space pair = {.kind = OPRO__SPACE_VECTOR, .n = 2, .names = names};
    opro__reply again;
    size_t total = 0;

    (void)state;
    opro__reply_init(&again, &mem);
    for (int round = 0; round < 20000; round++) {
        char *text = malloc(400); /* of its own size, for the address sanitizer */
        size_t which = (size_t)round % FORMATS, len = random_text(&rng, which, text, 400);
        int32_t format = formats[which].format;

        text = realloc(text, len ? len : 1);
        assert_int_equal(opro__reply_parse(&reply, format, &pair, text, len), OPRO_OK);
        check_found(&reply, format);
        assert_int_equal(opro__reply_parse(&again, format, &pair, text, len), OPRO_OK);
        assert_int_equal(again.n, reply.n);
        assert_string_equal(opro__buf_text(&again.text), opro__buf_text(&reply.text));
        for (size_t i = 0; i < reply.n; i++) {
            assert_int_equal(again.found[i].at, reply.found[i].at);
            assert_int_equal(again.found[i].len, reply.found[i].len);
            assert_int_equal(again.found[i].opened, reply.found[i].opened);
            assert_int_equal(again.found[i].closed, reply.found[i].closed);
        }
        total += reply.n;
        free(text);
    }
    opro__reply_free(&again);
    assert_true(total > 10000); /* there was something to check */
}

/*
 * The rule of the brackets, word by word and slowly: the first that has a partner, then on behind
 * it.
 */
static size_t slow_groups(const char *s, size_t len, char *out) {
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        size_t depth = 0, k = i;

        if (s[i] != '[') continue;
        do {
            depth += s[k] == '[';
            depth -= s[k] == ']';
            k++;
        } while (depth > 0 && k < len);
        if (depth > 0) continue;
        if (n > 0) out[n++] = '|';
        memcpy(out + n, s + i + 1, k - i - 2);
        n += k - i - 2;
        i = k - 1;
    }
    return n;
}

static void test_brackets_as_the_rule_says(void **state) {
    opro__rng rng = opro__rng_make(2, 0, 99);

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[64], expect[200];
        size_t len = (size_t)opro__rng_below(&rng, 24), n = 0;

        /*
         * a letter of its own in each pair of brackets, so that nothing is dropped as a repeat or
         * as no text
         */
        for (size_t i = 0; i < len; i++) {
            text[n++] = opro__rng_below(&rng, 2) ? '[' : ']';
            text[n++] = (char)('A' + i);
        }
        text[n] = '\0';
        expect[slow_groups(text, n, expect)] = '\0';
        check(OPRO__FORMAT_SQUARE, NULL, text, expect);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_opened_and_closed),
        cmocka_unit_test(test_square),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_vectors_with_many_names),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_memory_kept),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_restart_forgets_repeats),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_brackets_as_the_rule_says),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
