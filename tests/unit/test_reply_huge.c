/* SPDX-License-Identifier: MIT */
/* The largest reply that is read, full of what might make a reader slow, deep or greedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/reply.h"
#include "effort.h"

#define MANY SIZE_MAX

static const struct {
    int32_t format;
    size_t mib;
    const char *head, *body, *tail; /* as many bodies as there is room for in that many MiB */
    size_t found;                   /* MANY: more than 200,000          */
} cases[] = {
    {OPRO__FORMAT_SQUARE, 64, "", "[", "", 0},
    {OPRO__FORMAT_SQUARE, 4, "", "[", "a]", 1},
    {OPRO__FORMAT_SQUARE, 4, "", "]", "[a]", 1},
    {OPRO__FORMAT_SQUARE, 4, "", "[[a]", "", 1},
    {OPRO__FORMAT_SQUARE, 4, "[", "\"'", "]", 0},
    {OPRO__FORMAT_SQUARE, 4, "", "[a](", "", 0},
    {OPRO__FORMAT_SQUARE, 4, "", "\\[", "[a]", 1},
    {OPRO__FORMAT_SQUARE, 4, "", "<think>", "[a]", 0},
    {OPRO__FORMAT_VECTOR, 4, "", "[", "1,2]", 1},
    {OPRO__FORMAT_VECTOR, 4, "[", "]", "", 0},
    {OPRO__FORMAT_VECTOR, 4, "", "[1,2]", "", MANY},
    {OPRO__FORMAT_VECTOR, 4, "", "[9e14,9e14]", "", MANY},
    {OPRO__FORMAT_VECTOR, 4, "", "[1,", "2]", 1},
    {OPRO__FORMAT_VECTOR, 4, "[1", "1", "]", 0},
    {OPRO__FORMAT_VECTOR, 4, "", "[]</think>", "[1,2]", 1},
    {OPRO__FORMAT_INS, 64, "", "<", "INS>a", 1},
    {OPRO__FORMAT_INS, 4, "", "< / ", "<INS>a", 1},
    {OPRO__FORMAT_INS, 64, "", "<INS>", "a", 1},
    {OPRO__FORMAT_INS, 4, "", "<INS", ">a", 1},
    {OPRO__FORMAT_INS, 4, "", "</INS>", "", 0},
    {OPRO__FORMAT_INS, 4, "a", "</INS>", "", 1},
    {OPRO__FORMAT_INS, 64, "", "<think>", "</think><INS>a", 1},
    {OPRO__FORMAT_INS, 4, "", "<think></think>", "a</INS>", 1},
    {OPRO__FORMAT_INS, 4, "", "<INS>a</INS>b</think>", "<INS>a</INS>", 1},
    {OPRO__FORMAT_INS, 4, "", "<INS>a</INS>", "", 1},
    {OPRO__FORMAT_INS, 64, "", "&lt;", "INS&gt;a", 1},
    {OPRO__FORMAT_INS, 4, "", "&lt;INS&gt;", "a", 1},
    {OPRO__FORMAT_INS, 4, "", "&lt;INS ", "", 0},
    {OPRO__FORMAT_INS, 64, "<INS>", "```", "</INS>", 1},
    {OPRO__FORMAT_INS, 4, "<INS>", "``", "</INS>", 0},
    {OPRO__FORMAT_INS, 4, "<INS>```", "\n", "```</INS>", 0},
    {OPRO__FORMAT_INS, 64, "<INS>", "\"", "</INS>", 1},
    {OPRO__FORMAT_INS, 4, "<INS>'", "a'", "</INS>", 1},
    {OPRO__FORMAT_INS, 4, "<INS>", "*_", "</INS>", 1},
    {OPRO__FORMAT_INS, 4, "<INS>", "\xc2\xa0\xe2\x80\x8b", "</INS>", 0},
    {OPRO__FORMAT_INS, 64, "<INS>", "\xff", "</INS>", 1},
    {OPRO__FORMAT_INS, 4, "<INS>", "\xf0\x9f", "</INS>", 1},
    {OPRO__FORMAT_TRACE, 4, "<trace>", "\n", "0", 1},
    {OPRO__FORMAT_TRACE, 4, "", "<trace></trace>", "", MANY},
};

static size_t fill(char *text, size_t size, const char *head, const char *body, const char *tail) {
    size_t h = strlen(head), b = strlen(body), t = strlen(tail);
    size_t n = (size - h - t) / b, all = ((n - 1) | 1) * b; /* odd: fences in pairs fall */

    memcpy(text, head, h);
    memcpy(text + h, body, b);
    for (size_t done = b; done < all; done *= 2)
        memcpy(text + h + done, text + h, done < all - done ? done : all - done);
    memcpy(text + h + all, tail, t);
    return h + all + t;
}

static void test_huge(void **state) {
    char *text = malloc(OPRO__REPLY_MAX);
    opro__space space = {.kind = OPRO__SPACE_VECTOR, .n = 2};

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = (cases[i].mib << 20) / 100 * (size_t)effort(100);
        size_t len = fill(text, size, cases[i].head, cases[i].body, cases[i].tail);
        opro__mem mem;
        opro__reply reply;

        assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
        mem.limit = 12 * size;
        opro__reply_init(&reply, &mem);
        assert_int_equal(opro__reply_parse(&reply, cases[i].format, &space, text, len), OPRO_OK);
        if (cases[i].found == MANY ? reply.n < (size_t)effort(200000) : reply.n != cases[i].found)
            fail_msg("%zu candidates in %s%s...%s", reply.n, cases[i].head, cases[i].body,
                     cases[i].tail);
        opro__reply_free(&reply);
        assert_int_equal(mem.used, 0);
    }
    free(text);
}

/* Texts that are all different: the index of what was found grows with them. */
static void test_all_different(void **state) {
    enum { N = 200000, SIZE = 18 };
    char *text = malloc((size_t)N * SIZE);
    opro__mem mem;
    opro__reply reply;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < N; i++) {
        char *at = text + i * SIZE;
        size_t rest = i;

        memcpy(at, "<INS>.......</INS>", SIZE);
        for (int digit = 0; digit < 7; digit++, rest /= 10)
            at[5 + digit] = (char)('0' + rest % 10);
    }
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    opro__reply_init(&reply, &mem);
    assert_int_equal(opro__reply_parse(&reply, OPRO__FORMAT_INS, NULL, text, (size_t)N * SIZE),
                     OPRO_OK);
    assert_int_equal(reply.n, N);
    opro__reply_free(&reply);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_huge),
        cmocka_unit_test(test_all_different),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
