/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/space.h"
#include "failing.h"
#include "opro/tour.h"

static opro__mem mem;

static int set_up(void **state) {
    (void)state;
    return opro__mem_init(&mem, NULL) == OPRO_OK ? 0 : -1;
}

/* ---- vectors --------------------------------------------------------------------------------- */

static char w[] = "w", b[] = "b", rate[] = "Rate_2";
static char *names[] = {w, b, rate};

static opro__space vectors(size_t n, int named) {
    return (opro__space){.kind = OPRO__SPACE_VECTOR, .n = n, .names = named ? names : NULL};
}

/* What is read, written again; or the message. */
static const char *reread(const opro__space *space, const char *text) {
    static char result[600];
    double x[3] = {-7, -7, -7};
    opro_error err;
    opro__buf out;

    if (opro__vector_read(space, text, strlen(text), x, &err) != OPRO_OK) {
        assert_int_equal(opro_error_status(&err), OPRO_ERR_PARSE);
        for (size_t i = 0; i < 3; i++)
            assert_true(x[i] == -7); /* outputs as they were */
        return opro_error_message(&err, NULL)[0] ? strcpy(result, opro_error_message(&err, NULL))
                                                 : "";
    }
    opro__buf_init(&out, &mem, 500);
    opro__vector_write(x, space->n, &out);
    strcpy(result, opro__buf_text(&out));
    opro__buf_free(&out);
    return result;
}

static void test_vector_read(void **state) {
    static const struct {
        size_t n;
        int named;
        const char *text;
        const char *expect;
    } cases[] = {
        {1, 0, "3", "3"},
        {1, 0, " [ -0 ]\n", "0"},
        {2, 0, "[3, -1.5]", "3, -1.5"},
        {2, 0, "\t3;4\r\n", "3, 4"},
        {2, 0, "5.,.5", "5, 0.5"},
        {2, 0, "5.e1 , 1E-2", "50, 0.01"},
        {2, 0,
         "\xe2\x88\x92"
         "3, 1e\xe2\x88\x92"
         "1",
         "-3, 0.1"},
        {2, 0, "x1 = 3, x2 : 4", "3, 4"},
        {2, 0, "X2=3, x1=4", "4, 3"},
        {3, 0, "x3=1,x1=2,x2=3", "2, 3, 1"},
        {3, 0, "1,x2=2,3", "1, 2, 3"},
        {2, 1, "B=14, W=15", "15, 14"},
        {3, 1, "[w: 1; b = 2; rate_2 = 3]", "1, 2, 3"},
        {3, 1, "RATE_2=3, w=1, b=2", "1, 2, 3"},
        {3, 1, "b=2, rate_2=3, w=1", "1, 2, 3"},
        {2, 0, "00012, 1e-400", "12, 0"},
        {2, 0, "123456789012345678901234567890, 1", "1.2345678901234568e+29, 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__space space = vectors(cases[i].n, cases[i].named);

        assert_string_equal(reread(&space, cases[i].text), cases[i].expect);
    }
}

static void test_vector_refused(void **state) {
    static const struct {
        size_t n;
        int named;
        const char *text;
        const char *expect; /* in the message */
    } cases[] = {
        {2, 0, "", "\"\", coordinate 1 of 2"},
        {2, 0, "1", "must have 2"},
        {2, 0, "1, 2, 3, 4", "has 4 coordinates"},
        {1, 0, "1,", "has 2 coordinates"},
        {2, 0, "1,", "coordinate 2 of 2, is not a finite decimal number"},
        {2, 0, "1, twelve", "\"twelve\""},
        {2, 0, "inf, 1", "\"inf\""},
        {2, 0, "1, nan", "\"nan\""},
        {2, 0, "0x10, 1", "\"0x10\""},
        {2, 0, "1_000, 1", "\"1_000\""},
        {2, 0, "1/2, 1", "\"1/2\""},
        {2, 0, "1e400, 1", "\"1e400\""},
        {2, 0, "1e, 1", "\"1e\""},
        {2, 0, "., 1", "\".\""},
        {2, 0, "5.., 1", "\"5..\""},
        {2, 0, "1.2., 1", "\"1.2.\""},
        {2, 0, "--1, 1", "\"--1\""},
        {2, 0, "- 1, 1", "\"- 1\""},
        {2, 0, "1 2, 1", "\"1 2\""},
        {2, 0, "1\xc2\xa0, 1", "not a finite"},
        {2, 0, "(1, 2)", "\"(1\""},
        {2, 0, "[1, 2", "\"[1\""},
        {2, 0, "[[1, 2]]", "\"[1\""},
        {2, 0, "x3=1, x2=2", "unknown name"},
        {2, 0, "x01=1, x2=2", "unknown name"},
        {2, 0, "x=1, x2=2", "unknown name"},
        {2, 0, "x18446744073709551617=1, x2=2", "unknown name"},
        {2, 0, "=1, x2=2", "unknown name"},
        {2, 0, "x1=x2=1, 2", "not a finite"},
        {2, 1, "w=15, w=14", "same name"},
        {2, 1, "b=15, 14", "\"b\" stands at the place of w"},
        {2, 1, "15, w=14", "\"w\" stands at the place of b"},
        {3, 1, "b=1, b=2, w=3", "same name"},
        {3, 1, "averyveryverylongnameofmorethan32bytes=1, 2, 3", "unknown name"},
        {3, 1, "rate=1, 2, 3", "here stands w"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__space space = vectors(cases[i].n, cases[i].named);
        const char *got = reread(&space, cases[i].text);

        if (!strstr(got, cases[i].expect))
            fail_msg("\"%s\": %s, but not %s", cases[i].text, got, cases[i].expect);
    }
}

/* Names in any order, with and without an index, at the largest dimension. */
static void test_vector_many_names(void **state) {
    enum { N = OPRO__VECTOR_MAX };
    opro__space space = {.kind = OPRO__SPACE_VECTOR, .n = N};
    opro__vector_fault fault;
    opro__map index;
    opro__buf text;
    double *x = calloc(N, sizeof *x);

    (void)state;
    opro__map_init(&index, &mem);
    opro__buf_init(&text, &mem, 1 << 20);
    space.names = opro__calloc(&mem, N, sizeof *space.names);
    for (size_t i = 0; i < N; i++) {
        char name[20];

        snprintf(name, sizeof name, "Name_%zu", i);
        space.names[i] = opro__memdup(&mem, name, strlen(name));
        snprintf(name, sizeof name, "%sname_%zu=%zu", i > 0 ? "," : "", N - 1 - i, N - 1 - i);
        opro__buf_addz(&text, name);
    }
    assert_true(opro__vector_index(&space, &index));
    for (int with = 0; with < 2; with++) {
        memset(x, 0, N * sizeof *x);
        assert_int_equal(
            opro__vector_scan(&space, with ? &index : NULL, text.data, text.len, x, &fault),
            OPRO__VECTOR_OK);
        for (size_t i = 0; i < N; i++)
            assert_true(x[i] == (double)i);
    }
    assert_int_equal(opro__vector_scan(&space, &index, "none=1", 6, x, &fault), OPRO__VECTOR_NAME);
    assert_string_equal(opro__space_name(&space, 7, NULL), "Name_7");
    opro__map_free(&index);
    opro__buf_free(&text);
    opro__space_free(&space, &mem);
    assert_int_equal(mem.used, 0);
    free(x);
}

static void test_vector_round_and_bounds(void **state) {
    double lower[] = {-1, 0}, upper[] = {1, 2};
    opro__space space = {.n = 2, .lower = lower, .upper = upper};
    double x[] = {0.5, 1.5};
    size_t at = 9;

    (void)state;
    opro__vector_round(&space, x);
    assert_true(x[0] == 0.5 && x[1] == 1.5);
    space.integer = 1;
    opro__vector_round(&space, x);
    assert_true(x[0] == 0 && x[1] == 2);
    assert_true(opro__vector_inside(&space, x, &at));
    assert_int_equal(at, 9);
    x[1] = 2.0000001;
    assert_false(opro__vector_inside(&space, x, &at));
    assert_int_equal(at, 1);
    x[0] = -1.5;
    assert_false(opro__vector_inside(&space, x, &at));
    assert_int_equal(at, 0);
}

static void test_names(void **state) {
    opro__space space = vectors(4096, 0);
    char buffer[32];

    (void)state;
    assert_string_equal(opro__space_name(&space, 0, buffer), "x1");
    assert_string_equal(opro__space_name(&space, 4095, buffer), "x4096");
}

static void test_space_free(void **state) {
    opro__space space = {.kind = OPRO__SPACE_VECTOR, .n = 1};

    (void)state;
    space.lower = opro__calloc(&mem, 1, sizeof *space.lower);
    space.upper = opro__calloc(&mem, 1, sizeof *space.upper);
    opro__space_free(&space, &mem);
    assert_int_equal(space.kind, OPRO__SPACE_TEXT);
    assert_int_equal(mem.used, 0);
    opro__space_free(&space, &mem);
}

/* ---- permutations ---------------------------------------------------------------------------- */

/* The canonical text, or the message. */
static const char *permutation(size_t n, int32_t symmetry, const char *text) {
    static char result[600];
    opro__space space = {.kind = OPRO__SPACE_PERMUTATION, .n = n, .symmetry = symmetry};
    int32_t nodes[8] = {-7, -7, -7, -7, -7, -7, -7, -7};
    opro_error err;
    opro__buf out;
    opro_status st = opro__permutation_read(&space, text, strlen(text), nodes, &mem, &err);

    if (st != OPRO_OK) {
        assert_int_equal(opro_error_status(&err), st);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(nodes[i], -7);
        return strcpy(result, opro_error_message(&err, NULL));
    }
    opro__permutation_canonical(&space, nodes);
    opro__buf_init(&out, &mem, 500);
    opro__permutation_write(nodes, n, &out);
    strcpy(result, opro__buf_text(&out));
    opro__buf_free(&out);
    return result;
}

static void test_permutation_forms(void **state) {
    static const char *const same[] = {
        "2,0,1",
        "2 0 1",
        "2;0;1",
        "2->0=>1",
        "2\xe2\x86\x92"
        "0\xc2\xa0"
        "1",
        "[2,0,1]",
        "(2,0,1)",
        "(2),(0),(1)",
        "[2] [0] [1]",
        "[(2),(0),(1)]",
        "2,0,1.",
        " 2,0,1 .\n",
        "[2,0,1].",
        "002,000000000,1",
        ",;2,,0;;1,->",
        "2,0,1,2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_string_equal(permutation(3, OPRO_PERMUTATION_ORDER, same[i]), "2,0,1");
}

static void test_permutation_refused(void **state) {
    static const struct {
        const char *text;
        const char *expect; /* at the start of the message */
    } cases[] = {
        {"", "empty: "},
        {" , ; ", "empty: "},
        {"()", "empty: "},
        {"()()", "bad_token: \"()()\""},
        {"0,1,two", "bad_token: \"two\""},
        {"0,1,2,-1", "bad_token: \"-1\""},
        {"0,1,+2", "bad_token: \"+2\""},
        {"0,1,2.0", "bad_token: \"2.0\""},
        {"0,1,2..", "bad_token: \"2.\""},
        {"0-1-2", "bad_token: \"0-1-2\""},
        {"0,1,0000000002", "bad_token: "},
        {"(0)(1)(2)", "bad_token: "},
        {"(0,1),(2,3)", "bad_token: \"(0\""},
        {"[0,1,2)", "bad_token: \"[0\""},
        {"((0,1,2))", "bad_token: \"(0\""},
        {"0,1\xe2\x80\x8b,2", "bad_token: "},
        {"9,x", "bad_token: "}, /* before all else */
        {"0,1,4", "out_of_range: node 4; the largest is 3"},
        {"0,999999999,9,1", "out_of_range: node 999999999"},
        {"0,0,4", "out_of_range: "}, /* before duplicates */
        {"0,1,1,2", "duplicate: node 1"},
        {"0,1,1", "duplicate: "}, /* before what is missing */
        {"0,1,2,3,0,1", "duplicate: node 0"},
        {"0,1,2,3,1", "duplicate: node 1"},
        {"0,3", "missing: node 1 is not there; 2 of 4 nodes are"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = permutation(4, OPRO_PERMUTATION_ORDER, cases[i].text);

        if (strncmp(got, cases[i].expect, strlen(cases[i].expect)) != 0)
            fail_msg("\"%s\": %s, but not %s", cases[i].text, got, cases[i].expect);
    }
}

static void test_permutation_status(void **state) {
    opro__space space = {.n = 3};
    int32_t nodes[3];
    opro_error err;

    (void)state;
    assert_int_equal(opro__permutation_read(&space, "0,x", 3, nodes, &mem, &err), OPRO_ERR_PARSE);
    assert_int_equal(opro__permutation_read(&space, "", 0, nodes, &mem, &err), OPRO_ERR_PARSE);
    assert_int_equal(opro__permutation_read(&space, "0,1", 3, nodes, &mem, &err),
                     OPRO_ERR_REJECTED);
}

static void test_canonical(void **state) {
    (void)state;
    assert_string_equal(permutation(4, OPRO_PERMUTATION_ORDER, "3,1,0,2"), "3,1,0,2");
    assert_string_equal(permutation(4, OPRO_PERMUTATION_CYCLE, "3,1,0,2"), "0,2,3,1");
    assert_string_equal(permutation(4, OPRO_PERMUTATION_TOUR, "3,1,0,2"), "0,1,3,2");
    assert_string_equal(permutation(4, OPRO_PERMUTATION_TOUR, "0,1,3,2"), "0,1,3,2");
    assert_string_equal(permutation(1, OPRO_PERMUTATION_TOUR, "0"), "0");
    assert_string_equal(permutation(1, OPRO_PERMUTATION_TOUR, "0,0"), "0");
    assert_string_equal(permutation(2, OPRO_PERMUTATION_TOUR, "1,0"), "0,1");
}

/* All rotations and reversals of a tour have one text, and no other tour has it. */
static void test_canonical_is_one(void **state) {
    static const char tour[] = "0,4,2,1,3";
    int order[] = {0, 4, 2, 1, 3};

    (void)state;
    for (int k = 0; k < 5; k++) {
        for (int back = 0; back < 2; back++) {
            char text[20];

            for (int i = 0; i < 5; i++) {
                text[2 * i] = (char)('0' + order[(back ? k + 5 - i : k + i) % 5]);
                text[2 * i + 1] = i < 4 ? ',' : '\0';
            }
            assert_string_equal(permutation(5, OPRO_PERMUTATION_TOUR, text), "0,3,1,2,4");
        }
    }
    assert_string_equal(permutation(5, OPRO_PERMUTATION_CYCLE, tour), tour);
    assert_string_equal(permutation(5, OPRO_PERMUTATION_TOUR, "0,2,4,1,3"), "0,2,4,1,3");
}

static void test_no_memory(void **state) {
    opro__space space = {.n = 3};
    int32_t nodes[3] = {-7, -7, -7};
    opro_error err;
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    for (long n = 0; st == OPRO_ERR_NOMEM; n++) {
        failing fail = {n, 0};
        opro_allocator allocator = failing_allocator(&fail);
        opro__mem scarce;

        assert_int_equal(opro__mem_init(&scarce, &allocator), OPRO_OK);
        st = opro__permutation_read(&space, "0,1,2", 5, nodes, &scarce, &err);
        assert_int_equal(fail.live, 0);
        assert_true(st == OPRO_OK || nodes[0] == -7);
        assert_int_equal(st, n < 2 ? OPRO_ERR_NOMEM : OPRO_OK);
    }
}

static void test_index_without_memory(void **state) {
    opro__space space = vectors(3, 1);
    failing fail = {0, 0};
    opro_allocator allocator = failing_allocator(&fail);
    opro__mem scarce;
    opro__map index;

    (void)state;
    assert_int_equal(opro__mem_init(&scarce, &allocator), OPRO_OK);
    opro__map_init(&index, &scarce);
    assert_false(opro__vector_index(&space, &index));
    opro__map_free(&index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_read),
        cmocka_unit_test(test_vector_refused),
        cmocka_unit_test(test_vector_many_names),
        cmocka_unit_test(test_vector_round_and_bounds),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_space_free),
        cmocka_unit_test(test_permutation_forms),
        cmocka_unit_test(test_permutation_refused),
        cmocka_unit_test(test_permutation_status),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_canonical_is_one),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_index_without_memory),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
