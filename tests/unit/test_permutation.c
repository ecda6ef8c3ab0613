/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/problem.h"
#include "failing.h"
#include "kits/permutation.h"
#include "opro/opro.h"

static opro_problem *make(size_t n, int32_t symmetry) {
    opro_problem *problem = NULL;

    assert_int_equal(opro_problem_new_permutation(&problem, n, symmetry, NULL), OPRO_OK);
    return problem;
}

/* Run a step of the problem and compare: with the text, or with the beginning of the reason. */
static void step(const opro_problem *problem, int which, const char *text, int rejected,
                 const char *expect) {
    opro__mem mem;
    opro__buf buf;
    opro_sink sink;
    opro_error err;
    int refused = -1;

    opro__mem_init(&mem, NULL);
    opro__buf_init(&buf, &mem, 1 << 20);
    opro__err_clear(&err);
    assert_int_equal(
        opro__problem_step(problem, which, text, strlen(text), &sink, &buf, &refused, &err),
        OPRO_OK);
    assert_int_equal(refused, rejected);
    if (rejected && strncmp(opro__buf_text(&buf), expect, strlen(expect)) != 0)
        fail_msg("the reason for \"%s\": %s", text, opro__buf_text(&buf));
    if (!rejected) assert_string_equal(opro__buf_text(&buf), expect);
    opro__sink_free(&sink);
    opro__buf_free(&buf);
}

static void test_canonical(void **state) {
    opro_problem *order = make(4, OPRO_PERMUTATION_ORDER);
    opro_problem *cycle = make(4, OPRO_PERMUTATION_CYCLE);
    opro_problem *tour = make(4, OPRO_PERMUTATION_TOUR);
    opro_problem *one = make(1, OPRO_PERMUTATION_TOUR);

    (void)state;
    step(order, OPRO__STEP_CANONICAL, " 2 -> 3 -> 1 -> 0", 0, "2,3,1,0");
    step(cycle, OPRO__STEP_CANONICAL, "2,3,1,0", 0, "0,2,3,1");
    step(tour, OPRO__STEP_CANONICAL, "2,3,1,0", 0, "0,1,3,2");
    step(tour, OPRO__STEP_CANONICAL, "0,1,3,2", 0, "0,1,3,2");
    step(tour, OPRO__STEP_CANONICAL, "[(3) (2) (0) (1) (3)]", 0, "0,1,3,2");
    step(one, OPRO__STEP_CANONICAL, "0", 0, "0");
    step(tour, OPRO__STEP_CANONICAL, "0,1,2", 1, "missing: ");
    step(tour, OPRO__STEP_CANONICAL, "0,1,2,2", 1, "duplicate: ");
    step(tour, OPRO__STEP_CANONICAL, "0,1,2,4", 1, "out_of_range: ");
    step(tour, OPRO__STEP_CANONICAL, "0,1,2,-3", 1, "bad_token: ");
    step(tour, OPRO__STEP_CANONICAL, "", 1, "empty: ");
    assert_false(opro__problem_has(tour, OPRO__STEP_POLISH));
    opro_problem_free(order);
    opro_problem_free(cycle);
    opro_problem_free(tour);
    opro_problem_free(one);
}

static void test_repair(void **state) {
    opro_problem *order = make(6, OPRO_PERMUTATION_ORDER), *tour = make(6, OPRO_PERMUTATION_TOUR);

    (void)state;
    step(order, OPRO__STEP_REPAIR, "5,4,3,2,1,0", 0, "5,4,3,2,1,0");
    step(order, OPRO__STEP_REPAIR, "5,4,5,3,2,1,4", 0, "0,5,4,3,2,1"); /* 0 has none before it */
    step(order, OPRO__STEP_REPAIR, "5,1", 0, "0,5,1,2,3,4");
    step(order, OPRO__STEP_REPAIR, "0,3", 0, "0,1,2,3,4,5");
    step(order, OPRO__STEP_REPAIR, "3,x,0,-1,99,1", 0, "3,4,5,0,1,2");
    step(tour, OPRO__STEP_REPAIR, "(3) -> (0) -> (3) -> (1)", 0, "0,1,2,3,4,5");
    step(tour, OPRO__STEP_REPAIR, "nothing", 1, "no node");
    step(tour, OPRO__STEP_REPAIR, "", 1, "no node");
    step(tour, OPRO__STEP_REPAIR, "6,7", 1, "no node");
    opro_problem_free(order);
    opro_problem_free(tour);
}

/* Whatever nodes are named: a repair is a permutation, and leaves one alone. */
static void test_repair_any(void **state) {
    opro_problem *problem = make(9, OPRO_PERMUTATION_ORDER);
    opro__rng rng = opro__rng_make(1, 0, 0);
    opro__mem mem;
    opro__buf in, out;
    opro_error err;

    (void)state;
    opro__mem_init(&mem, NULL);
    opro__buf_init(&in, &mem, 1000);
    opro__buf_init(&out, &mem, 1000);
    for (int round = 0; round < 2000; round++) {
        opro_sink sink;
        int32_t nodes[9];
        int rejected, legal;

        opro__buf_clear(&in);
        for (uint64_t left = 1 + opro__rng_below(&rng, 10); left > 0; left--) {
            opro__buf_add_int(&in, (int64_t)opro__rng_below(&rng, round % 2 ? 10 : 9));
            opro__buf_addc(&in, ' ');
        }
        opro__buf_addc(&in, '0');
        legal = opro_permutation_parse(problem, in.data, in.len, nodes, 9) == OPRO_OK;
        assert_int_equal(opro__problem_step(problem, OPRO__STEP_REPAIR, in.data, in.len, &sink,
                                            &out, &rejected, &err),
                         OPRO_OK);
        assert_int_equal(rejected, 0);
        if (legal) {
            opro__buf_clear(&in);
            opro__permutation_write(nodes, 9, &in);
            assert_string_equal(out.data, in.data);
        }
        assert_int_equal(opro_permutation_parse(problem, out.data, out.len, nodes, 9), OPRO_OK);
    }
    opro__buf_free(&in);
    opro__buf_free(&out);
    opro_problem_free(problem);
}

static void test_kind(void **state) {
    opro_problem *problem = make(7, OPRO_PERMUTATION_TOUR), *text = NULL;

    (void)state;
    assert_int_equal(opro_permutation_size(problem), 7);
    assert_int_equal(opro_problem_direction(problem), OPRO_MINIMIZE);
    assert_int_equal(problem->prompt, OPRO_META_PROMPT_TOUR);
    assert_true(isnan(problem->low) && isnan(problem->high));
    assert_int_equal(opro_problem_new(&text, NULL), OPRO_OK);
    assert_int_equal(opro_permutation_size(text), 0);
    assert_int_equal(opro_permutation_size(NULL), 0);
    opro_problem_free(problem);
    assert_int_equal(opro_problem_new_permutation(&problem, 0, OPRO_PERMUTATION_TOUR, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_permutation(&problem, 65537, OPRO_PERMUTATION_TOUR, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_permutation(&problem, 3, 11, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_permutation(NULL, 3, OPRO_PERMUTATION_TOUR, NULL),
                     OPRO_ERR_INVALID);
    opro_problem_free(text);
}

static void test_parse(void **state) {
    opro_problem *problem = make(3, OPRO_PERMUTATION_TOUR), *text = NULL;
    int32_t nodes[3] = {7, 7, 7};

    (void)state;
    assert_int_equal(opro_permutation_parse(problem, "1,2", OPRO_ZT, nodes, 3), OPRO_ERR_PARSE);
    assert_int_equal(opro_permutation_parse(problem, "1,2,2", OPRO_ZT, nodes, 3), OPRO_ERR_PARSE);
    assert_int_equal(opro_permutation_parse(problem, NULL, 0, nodes, 3), OPRO_ERR_PARSE);
    assert_int_equal(opro_permutation_parse(problem, NULL, 1, nodes, 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_permutation_parse(problem, "1,2,0", OPRO_ZT, nodes, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_permutation_parse(problem, "1,2,0", OPRO_ZT, NULL, 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_permutation_parse(NULL, "1,2,0", OPRO_ZT, nodes, 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new(&text, NULL), OPRO_OK);
    assert_int_equal(opro_permutation_parse(text, "1,2,0", OPRO_ZT, nodes, 0), OPRO_ERR_INVALID);
    assert_int_equal(nodes[0], 7);
    assert_int_equal(opro_permutation_parse(problem, "1,2,0,", 5, nodes, 3), OPRO_OK);
    assert_true(nodes[0] == 1 && nodes[1] == 2 && nodes[2] == 0); /* as written */
    opro_problem_free(problem);
    opro_problem_free(text);
}

static void test_format(void **state) {
    opro_problem *problem = make(4, OPRO_PERMUTATION_TOUR);
    const int32_t nodes[4] = {2, 3, 1, 0}, twice[4] = {0, 1, 2, 2};
    char text[8] = "before";
    size_t needed = 99;

    (void)state;
    assert_int_equal(opro_permutation_format(problem, twice, 4, text, 8, &needed),
                     OPRO_ERR_REJECTED);
    assert_int_equal(opro_permutation_format(problem, nodes, 3, text, 8, &needed),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_permutation_format(problem, NULL, 4, text, 8, &needed), OPRO_ERR_INVALID);
    assert_int_equal(opro_permutation_format(problem, nodes, 4, NULL, 8, &needed),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_permutation_format(NULL, nodes, 4, text, 8, &needed), OPRO_ERR_INVALID);
    assert_int_equal(needed, 99);
    assert_int_equal(opro_permutation_format(problem, nodes, 4, NULL, 0, &needed), OPRO_ERR_LIMIT);
    assert_int_equal(needed, 7);
    assert_int_equal(opro_permutation_format(problem, nodes, 4, text, 7, NULL), OPRO_ERR_LIMIT);
    assert_string_equal(text, "before");
    assert_int_equal(opro_permutation_format(problem, nodes, 4, text, 8, NULL), OPRO_OK);
    assert_string_equal(text, "0,1,3,2");
    assert_int_equal(nodes[0], 2); /* the caller's nodes are not turned */
    opro_problem_free(problem);
}

/* The largest size: six bytes a node always fit. */
static void test_largest(void **state) {
    const size_t n = 65536;
    opro_problem *problem = make(n, OPRO_PERMUTATION_ORDER);
    int32_t *nodes = calloc(n, sizeof *nodes), *back = calloc(n, sizeof *back);
    char *text = malloc(6 * n);
    size_t needed = 0;

    (void)state;
    for (size_t i = 0; i < n; i++)
        nodes[i] = (int32_t)(n - 1 - i);
    assert_true(opro__permutation_valid(nodes, n));
    assert_int_equal(opro_permutation_format(problem, nodes, n, text, 6 * n, &needed), OPRO_OK);
    assert_int_equal(needed, strlen(text));
    assert_int_equal(opro_permutation_parse(problem, text, needed, back, n), OPRO_OK);
    assert_memory_equal(nodes, back, n * sizeof *nodes);
    nodes[7] = 8;
    assert_false(opro__permutation_valid(nodes, n));
    free(nodes);
    free(back);
    free(text);
    opro_problem_free(problem);
}

/* One call with memory for n allocations. */
static opro_status call(opro_problem *problem, int which) {
    const int32_t nodes[5] = {4, 3, 2, 1, 0};
    int32_t back[5];
    char text[30];
    opro__mem mem;
    opro__buf buf;
    opro_sink sink;
    opro_error err;
    opro_status st;
    int rejected;

    if (which == 0) return opro_permutation_parse(problem, "4,3,2,1,0", OPRO_ZT, back, 5);
    if (which == 1) return opro_permutation_format(problem, nodes, 5, text, sizeof text, NULL);
    opro__mem_init(&mem, NULL);
    opro__buf_init(&buf, &mem, 100);
    st = opro__problem_step(problem, which == 2 ? OPRO__STEP_CANONICAL : OPRO__STEP_REPAIR,
                            "4,3,2,1,0", 9, &sink, &buf, &rejected, &err);
    opro__sink_free(&sink);
    opro__buf_free(&buf);
    return st;
}

static void test_no_memory(void **state) {
    (void)state;
    for (int which = 0; which < 5; which++) {
        opro_status st = OPRO_ERR_NOMEM;
        long n = 0;

        for (; st != OPRO_OK; n++) {
            failing f = {.left = -1};
            opro_allocator mem = failing_allocator(&f);
            opro_problem *problem = NULL;

            assert_true(n < 20);
            if (which == 4) f.left = n;
            st = opro_problem_new_permutation(&problem, 5, OPRO_PERMUTATION_TOUR, &mem);
            if (which < 4) {
                assert_int_equal(st, OPRO_OK);
                f.left = n;
                st = call(problem, which);
            }
            assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
            opro_problem_free(problem);
            assert_int_equal(f.live, 0);
        }
        assert_true(n > 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical),  cmocka_unit_test(test_repair),
        cmocka_unit_test(test_repair_any), cmocka_unit_test(test_kind),
        cmocka_unit_test(test_parse),      cmocka_unit_test(test_format),
        cmocka_unit_test(test_largest),    cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
