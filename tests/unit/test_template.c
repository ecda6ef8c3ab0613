/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/template.h"
#include "failing.h"

#define SOLUTION (UINT32_C(1) << OPRO__SLOT_SOLUTION)
#define SCORE    (UINT32_C(1) << OPRO__SLOT_SCORE)
#define OPEN     (UINT32_C(1) << OPRO__SLOT_OPEN)

static const opro__span values[OPRO__SLOTS] = {
    [OPRO__SLOT_SOLUTION] = {"a solution of some length, longer than the slack", 48},
    [OPRO__SLOT_SCORE] = {"97", 2},
    [OPRO__SLOT_OPEN] = {"<INS>", 5},
};

static const opro__slots slots = {"ENTRY", SOLUTION | SCORE | OPEN, OPEN, values};

typedef struct fixture {
    opro__mem mem;
    opro_error err;
    opro__template t;
    opro__buf out;
} fixture;

static void set_up(fixture *f) {
    memset(f, 0, sizeof *f);
    opro__mem_init(&f->mem, NULL);
    opro__buf_init(&f->out, &f->mem, 1 << 20);
}

static void tear_down(fixture *f) {
    opro__template_free(&f->t, &f->mem);
    opro__buf_free(&f->out);
    assert_int_equal(f->mem.used, 0);
}

static void fills(const char *text, const char *expect) {
    fixture f;

    set_up(&f);
    assert_int_equal(opro__template_compile(&f.t, &f.mem, text, strlen(text), &slots, &f.err),
                     OPRO_OK);
    assert_string_equal(f.t.source, text);
    opro__template_fill(&f.t, values, &f.out);
    opro__buf_cut(&f.out, f.out.len);
    assert_string_equal(opro__buf_text(&f.out), expect);
    tear_down(&f);
}

static void refused(const char *text, size_t len, opro_status st, const char *says) {
    fixture f;

    set_up(&f);
    assert_int_equal(opro__template_compile(&f.t, &f.mem, text, len, &slots, &f.err), st);
    if (!strstr(f.err.message, says)) fail_msg("\"%s\" lacks \"%s\"", f.err.message, says);
    assert_null(f.t.source);
    tear_down(&f);
}

static void test_filling_in(void **state) {
    (void)state;
    fills("", "");
    fills("nothing to fill in", "nothing to fill in");
    fills("{score}", "97");
    fills("{score}{score}", "9797");
    fills("text:\n{solution}\nscore:\n{score}\n",
          "text:\na solution of some length, longer than the slack\nscore:\n97\n");
    fills("{{{score}}} {{}} }}{{", "{97} {} }{");
    fills("\xc3\xa9{score}\xe2\x82\xac", "\xc3\xa9"
                                         "97\xe2\x82\xac");
}

/* What never changes is literal text: one piece, no filling in. */
static void test_constants(void **state) {
    fixture f;

    (void)state;
    fills("a {open} b {score} {open}{open}", "a <INS> b 97 <INS><INS>");
    set_up(&f);
    assert_int_equal(opro__template_compile(&f.t, &f.mem, "{open}-{open}", 13, &slots, &f.err),
                     OPRO_OK);
    assert_int_equal(f.t.n, 1);
    assert_int_equal(f.t.fixed, 11);
    tear_down(&f);
}

static void test_errors(void **state) {
    char *large = malloc((1 << 20) + 1);

    (void)state;
    refused("score {scor}", 12, OPRO_ERR_PARSE, "{scor}");
    refused("score {scor}", 12, OPRO_ERR_PARSE, "at byte 6");
    refused("score {scor}", 12, OPRO_ERR_PARSE, "{solution} {score}");
    refused("{input}", 7, OPRO_ERR_PARSE, "{input}"); /* known, but not here */
    refused("{}", 2, OPRO_ERR_PARSE, "at byte 0");
    refused("abc {score", 10, OPRO_ERR_PARSE, "not closed");
    refused("abc {score", 10, OPRO_ERR_PARSE, "byte 4");
    refused("{sc{score}", 10, OPRO_ERR_PARSE, "not closed");
    refused("{score\n}", 8, OPRO_ERR_PARSE, "not closed");
    refused("{{{", 3, OPRO_ERR_PARSE, "byte 2");
    refused("ab}c", 4, OPRO_ERR_PARSE, "} at byte 2");
    refused("{score}}", 8, OPRO_ERR_PARSE, "byte 7");
    refused("a\xff", 2, OPRO_ERR_INVALID, "UTF-8");
    refused("a\0b", 3, OPRO_ERR_INVALID, "NUL");
    assert_non_null(large);
    memset(large, 'x', (1 << 20) + 1);
    refused(large, (1 << 20) + 1, OPRO_ERR_LIMIT, "1048577");
    free(large);
}

/* What was there stays when the new one is refused. */
static void test_keeps_the_old_one(void **state) {
    fixture f;

    (void)state;
    set_up(&f);
    assert_int_equal(opro__template_compile(&f.t, &f.mem, "{score}", 7, &slots, &f.err), OPRO_OK);
    assert_int_equal(opro__template_compile(&f.t, &f.mem, "{sc", 3, &slots, &f.err),
                     OPRO_ERR_PARSE);
    opro__template_fill(&f.t, values, &f.out);
    assert_int_equal(f.out.len, 2);
    assert_int_equal(opro__template_compile(&f.t, &f.mem, "new", 3, &slots, &f.err), OPRO_OK);
    assert_string_equal(f.t.source, "new");
    tear_down(&f);
}

static void test_full_buffer(void **state) {
    fixture f;

    (void)state;
    set_up(&f);
    f.out.max = 60;
    assert_int_equal(opro__template_compile(&f.t, &f.mem, "{solution}", 10, &slots, &f.err),
                     OPRO_OK);
    opro__template_fill(&f.t, values, &f.out);
    assert_int_equal(f.out.status, OPRO_OK);
    opro__template_fill(&f.t, values, &f.out);
    assert_int_equal(f.out.status, OPRO_ERR_LIMIT);
    assert_int_equal(f.out.len, 48);
    tear_down(&f);
}

static void test_no_memory(void **state) {
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    for (long n = 0; st == OPRO_ERR_NOMEM; n++) {
        failing fail = {n, 0};
        opro_allocator allocator = failing_allocator(&fail);
        opro__template t = {0};
        opro__mem mem;
        opro_error err;

        opro__mem_init(&mem, &allocator);
        st = opro__template_compile(&t, &mem, "{open}: {score}", 15, &slots, &err);
        opro__template_free(&t, &mem);
        assert_int_equal(fail.live, 0);
        assert_true(n < 20);
    }
    assert_int_equal(st, OPRO_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filling_in),  cmocka_unit_test(test_constants),
        cmocka_unit_test(test_errors),      cmocka_unit_test(test_keeps_the_old_one),
        cmocka_unit_test(test_full_buffer), cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
