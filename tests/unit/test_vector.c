/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/problem.h"
#include "failing.h"
#include "opro/opro.h"

static opro_problem *make(size_t n, double lower, double upper, int32_t integer) {
    double lowers[8], uppers[8];
    opro_problem *problem = NULL;

    for (size_t i = 0; i < n; i++) {
        lowers[i] = lower;
        uppers[i] = upper;
    }
    assert_int_equal(opro_problem_new_vector(&problem, n, lowers, uppers, integer, NULL), OPRO_OK);
    return problem;
}

/* Run a step of the problem and compare: with the text, or with part of the reason. */
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
    if (rejected && !strstr(opro__buf_text(&buf), expect))
        fail_msg("the reason for \"%s\" lacks \"%s\": %s", text, expect, opro__buf_text(&buf));
    if (!rejected) assert_string_equal(opro__buf_text(&buf), expect);
    opro__sink_free(&sink);
    opro__buf_free(&buf);
}

static void test_canonical(void **state) {
    opro_problem *real = make(2, -10, 10, 0), *integer = make(2, -10, 10, 1);

    (void)state;
    step(real, OPRO__STEP_CANONICAL, " [ +3.50 ,-0 ] ", 0, "3.5, 0");
    step(real, OPRO__STEP_CANONICAL, "x2=1e1; x1=0.1", 0, "0.1, 10");
    step(integer, OPRO__STEP_CANONICAL, "[2.5, -3.5]", 0, "2, -4");
    step(integer, OPRO__STEP_CANONICAL, "0.4999, -0.5", 0, "0, 0");
    step(integer, OPRO__STEP_CANONICAL, "99, 7", 0, "99, 7"); /* bounds are check's business */
    step(real, OPRO__STEP_CANONICAL, "1, 2, 3", 1, "must have 2");
    step(real, OPRO__STEP_CANONICAL, "1, nan", 1, "nan");
    step(real, OPRO__STEP_CANONICAL, "1, 1e999", 1, "1e999");
    step(real, OPRO__STEP_CANONICAL, "", 1, "");
    opro_problem_free(real);
    opro_problem_free(integer);
}

static void test_check_and_repair(void **state) {
    opro_problem *problem = make(3, -1.5, 4, 0), *integer = make(2, -0.5, 3.5, 1);
    static const char *const names[] = {"w", "b_2", "X"};

    (void)state;
    step(problem, OPRO__STEP_CHECK, "-1.5, 4, 0", 0, "");
    step(problem, OPRO__STEP_CHECK, "0, 4.25, 9", 1, "x2 is 4.25; it must be from -1.5 to 4");
    assert_int_equal(opro_vector_set_names(problem, names, 3), OPRO_OK);
    step(problem, OPRO__STEP_CHECK, "0, 4.25, 9", 1, "b_2 is");
    step(problem, OPRO__STEP_REPAIR, "-99, 4.25, 1e300", 0, "-1.5, 4, 4");
    step(problem, OPRO__STEP_REPAIR, "1, 2", 1, "must have 3");
    /* bounds of integers are integers: moved to a bound, a solution stays inside when rounded */
    step(integer, OPRO__STEP_CHECK, "0, 3", 0, "");
    step(integer, OPRO__STEP_CHECK, "0, 4", 1, "from 0 to 3");
    step(integer, OPRO__STEP_REPAIR, "-8, 8", 0, "0, 3");
    opro_problem_free(problem);
    opro_problem_free(integer);
}

static void test_what_it_is(void **state) {
    opro_problem *real = make(2, 0, 1, 0), *integer = make(2, 0, 1, 1);
    opro_problem *text = NULL;

    (void)state;
    assert_int_equal(opro_problem_direction(real), OPRO_MINIMIZE);
    assert_int_equal(real->prompt, OPRO_META_PROMPT_POINTS);
    assert_int_equal(real->display, OPRO_DISPLAY_DECIMALS);
    assert_int_equal(real->decimals, 6);
    assert_int_equal(integer->decimals, 0);
    assert_true(isnan(real->low) && isnan(real->high));
    assert_string_equal(real->score_name.s, "value");
    assert_int_equal(opro_vector_dimension(real), 2);
    assert_int_equal(opro_problem_new(&text, NULL), OPRO_OK);
    assert_int_equal(opro_vector_dimension(text), 0);
    assert_int_equal(opro_vector_dimension(NULL), 0);
    assert_true(opro_problem_digest(real) != opro_problem_digest(integer));
    opro_problem_free(text);
    opro_problem_free(real);
    opro_problem_free(integer);
}

static void refuse_new(size_t n, double lower, double upper, int32_t integer) {
    double lowers[] = {0, lower}, uppers[] = {1, upper};
    opro_problem *problem = NULL;

    assert_int_equal(opro_problem_new_vector(&problem, n, lowers, uppers, integer, NULL),
                     OPRO_ERR_INVALID);
    assert_null(problem);
}

static void test_refused_problems(void **state) {
    static double many[4097];
    const double one = 1;
    opro_problem *problem = NULL;

    (void)state;
    refuse_new(0, 0, 1, 0);
    refuse_new(2, 1, 0, 0);
    refuse_new(2, NAN, 1, 0);
    refuse_new(2, 0, INFINITY, 0);
    refuse_new(2, 0.25, 0.75, 1); /* no integer inside */
    assert_int_equal(opro_problem_new_vector(&problem, 4097, many, many, 0, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_vector(&problem, 1, NULL, &one, 0, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_vector(&problem, 1, &one, NULL, 0, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_vector(NULL, 1, &one, &one, 0, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_vector(&problem, 4096, many, many, 0, NULL), OPRO_OK);
    opro_problem_free(problem);
}

static void refuse_names(opro_problem *problem, const char *a, const char *b, const char *expect) {
    const char *const names[] = {a, b};
    size_t len;

    assert_int_equal(opro_vector_set_names(problem, names, 2), OPRO_ERR_INVALID);
    assert_non_null(strstr(opro_error_message(opro_problem_error(problem), &len), expect));
}

static void test_names(void **state) {
    static const char *const good[] = {"Width_1", "aaaaaaaaaabbbbbbbbbbccccccccccdd"};
    static const char *const other[] = {"u", "v"};
    opro_problem *problem = make(2, 0, 9, 0), *text = NULL;
    double x[2];

    (void)state;
    refuse_names(problem, "w", "", "name 2");
    refuse_names(problem, "w", NULL, "NULL");
    refuse_names(problem, "a b", "c", "\"a b\"");
    refuse_names(problem, "w", "aaaaaaaaaabbbbbbbbbbccccccccccddd", "name 2");
    refuse_names(problem, "w", "W", "differ at most in case");
    assert_int_equal(opro_vector_set_names(problem, good, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_vector_set_names(problem, NULL, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_vector_set_names(NULL, good, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_vector_parse(problem, "x2=1, x1=2", OPRO_ZT, x, 2), OPRO_OK);
    assert_int_equal(opro_vector_set_names(problem, good, 2), OPRO_OK);
    assert_int_equal(opro_vector_set_names(problem, other, 2), OPRO_OK); /* replaced, not leaked */
    assert_int_equal(opro_vector_parse(problem, "v: 1, U: 2", OPRO_ZT, x, 2), OPRO_OK);
    assert_true(x[0] == 2 && x[1] == 1);
    assert_int_equal(opro_vector_parse(problem, "x1=1, x2=2", OPRO_ZT, x, 2), OPRO_ERR_PARSE);
    opro_problem_free(opro__problem_share(problem));
    assert_int_equal(opro_vector_set_names(problem, good, 2), OPRO_ERR_STATE); /* in use */
    assert_int_equal(opro_problem_new(&text, NULL), OPRO_OK);
    assert_int_equal(opro_vector_set_names(text, good, 2), OPRO_ERR_INVALID);
    opro_problem_free(text);
    opro_problem_free(problem);
}

static void test_parse_and_format(void **state) {
    opro_problem *real = make(2, -1, 1, 0), *integer = make(2, -1, 1, 1);
    const double x[] = {-1.0 / 3, -1.7976931348623157e308}, half[] = {2.5, -0.0};
    double back[2] = {7, 7};
    char text[64];
    size_t needed = 0;

    (void)state;
    assert_int_equal(opro_vector_format(real, x, 2, text, sizeof text, &needed), OPRO_OK);
    assert_int_equal(needed, strlen(text));
    assert_true(needed <= 52);
    assert_int_equal(opro_vector_parse(real, text, OPRO_ZT, back, 2), OPRO_OK);
    assert_memory_equal(back, x, sizeof x);
    assert_int_equal(opro_vector_format(integer, half, 2, text, 4, &needed), OPRO_ERR_LIMIT);
    assert_int_equal(needed, 4);
    assert_int_equal(opro_vector_format(integer, half, 2, text, 5, NULL), OPRO_OK);
    assert_string_equal(text, "2, 0");
    assert_int_equal(opro_vector_format(integer, half, 2, NULL, 0, &needed), OPRO_ERR_LIMIT);
    assert_int_equal(opro_vector_format(integer, half, 1, text, 64, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_vector_format(integer, (double[]){1, NAN}, 2, text, 64, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_vector_parse(integer, "1.5, 9", OPRO_ZT, back, 2), OPRO_OK);
    assert_true(back[0] == 2 && back[1] == 9); /* rounded; bounds are check's business */
    assert_int_equal(opro_vector_parse(integer, "1, two", OPRO_ZT, back, 2), OPRO_ERR_PARSE);
    assert_true(back[0] == 2 && back[1] == 9); /* as before */
    assert_int_equal(opro_vector_parse(integer, "1, 2", OPRO_ZT, back, 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_vector_parse(integer, NULL, 4, back, 2), OPRO_ERR_INVALID);
    opro_problem_free(real);
    opro_problem_free(integer);
}

/* ---- the scorer ------------------------------------------------------------------------------ */

typedef struct host {
    int calls;
    int destroyed;
    int32_t answer; /* what fn returns; OPRO_OK: after it answered */
    uint64_t id;
} host;

static int32_t product(opro_run *run, opro_request *request, const double *x, size_t n,
                       void *user_data) {
    host *h = user_data;
    double value = 1;

    h->calls++;
    h->id = opro_request_id(request);
    for (size_t i = 0; i < n; i++)
        value *= x[i];
    if (h->answer != OPRO_OK) return h->answer;
    return opro_run_answer_scores(run, h->id, &value, 1);
}

static void count_destroy(void *user_data) {
    ((host *)user_data)->destroyed++;
}

/* The first request of a run that starts from one solution. */
static opro_request *first(opro_problem *problem, opro_run **run) {
    opro_request *request = NULL;

    assert_int_equal(opro_run_new(run, problem, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_run_next(*run, 0, &request), OPRO_OK);
    assert_int_equal(opro_request_kind(request), OPRO_REQUEST_SCORE);
    return request;
}

static void test_scorer(void **state) {
    opro_problem *problem = make(2, -9, 9, 0);
    host h = {0, 0, OPRO_OK, 0};
    opro_scorer *scorer = NULL;
    opro_run *run = NULL;
    opro_request *request;
    double late = -8;

    (void)state;
    assert_int_equal(opro_scorer_new_vector(&scorer, NULL, &h, count_destroy, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_vector(NULL, product, &h, count_destroy, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(h.destroyed, 0);
    assert_int_equal(opro_scorer_new_vector(&scorer, product, &h, count_destroy, NULL), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "[1.5, -4]", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "[-2, 4]", OPRO_ZT), OPRO_OK);
    request = first(problem, &run);
    assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_OK);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    h.answer = OPRO_PENDING;
    assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_PENDING);
    assert_int_equal(opro_run_answer_scores(run, h.id, &late, 1), OPRO_OK);
    assert_int_equal(opro_trajectory_scored(opro_run_trajectory(run)), 2);
    assert_true(opro_trajectory_score(opro_run_trajectory(run), 0) == -6);
    assert_int_equal(h.calls, 2);
    opro_run_free(run);
    opro_scorer_free(scorer);
    assert_int_equal(h.destroyed, 1);
    opro_problem_free(problem);
}

/* On a problem of another kind the scorer fails the request; the function is not called. */
static void test_scorer_elsewhere(void **state) {
    opro_problem *text = NULL;
    host h = {0, 0, OPRO_OK, 0};
    opro_scorer *scorer = NULL;
    opro_run *run = NULL;
    opro_request *request;

    (void)state;
    assert_int_equal(opro_problem_new(&text, NULL), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(text, "1, 2", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_scorer_new_vector(&scorer, product, &h, count_destroy, NULL), OPRO_OK);
    request = first(text, &run);
    assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_OK);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_FAILURES), 1);
    assert_int_equal(h.calls, 0);
    opro_run_free(run);
    opro_scorer_free(scorer);
    opro_problem_free(text);
}

/* Its memory comes from its allocator, and goes back. */
static void test_scorer_memory(void **state) {
    opro_problem *problem = make(2, -9, 9, 0);
    failing f = {-1, 0};
    opro_allocator mem = failing_allocator(&f);
    host h = {0, 0, OPRO_OK, 0};
    opro_scorer *scorer = NULL;
    opro_run *run = NULL;
    opro_request *request;
    long before;

    (void)state;
    assert_int_equal(opro_problem_add_initial(problem, "1, 2", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "3, 4", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_scorer_new_vector(&scorer, product, &h, count_destroy, &mem), OPRO_OK);
    request = first(problem, &run);
    before = f.live;
    assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_OK);
    assert_int_equal(f.live, before);
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    f.left = 0;
    assert_int_equal(opro_scorer_score(scorer, run, request), OPRO_ERR_NOMEM);
    f.left = -1;
    opro_run_free(run);
    opro_scorer_free(scorer);
    assert_int_equal(f.live, 0);
    opro_problem_free(problem);
}

/* ---- no memory ------------------------------------------------------------------------------- */

static opro_status everything(const opro_allocator *mem, host *h) {
    static const char *const names[] = {"w", "b"};
    const double lower[] = {0, 0}, upper[] = {9, 9};
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;
    double x[2];
    char text[64];
    opro_status st = opro_problem_new_vector(&problem, 2, lower, upper, 0, mem);

    if (st == OPRO_OK) st = opro_vector_set_names(problem, names, 2);
    if (st == OPRO_OK) st = opro_vector_set_names(problem, names, 2);
    if (st == OPRO_OK) st = opro_vector_parse(problem, "3, 4", OPRO_ZT, x, 2);
    if (st == OPRO_OK) st = opro_vector_format(problem, x, 2, text, sizeof text, NULL);
    if (st == OPRO_OK) st = opro_scorer_new_vector(&scorer, product, h, count_destroy, mem);
    assert_int_equal(h->destroyed, 0); /* a setter that fails leaves the data to its owner */
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    return st;
}

static void test_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator mem = failing_allocator(&f);
    opro_status st = OPRO_ERR_NOMEM;
    long n = 0;

    (void)state;
    for (; st != OPRO_OK; n++) {
        host h = {0, 0, OPRO_OK, 0};

        f.left = n;
        st = everything(&mem, &h);
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        assert_int_equal(f.live, 0);
        assert_int_equal(h.destroyed, st == OPRO_OK);
    }
    assert_true(n > 10);
}

/* The steps of the problem say so too, and leave nothing behind. */
static void test_no_memory_in_steps(void **state) {
    static const int steps[] = {OPRO__STEP_CANONICAL, OPRO__STEP_CHECK, OPRO__STEP_REPAIR};
    failing f = {-1, 0};
    opro_allocator allocator = failing_allocator(&f);
    const double lower[] = {0, 0}, upper[] = {9, 9};
    opro_problem *problem = NULL;

    (void)state;
    assert_int_equal(opro_problem_new_vector(&problem, 2, lower, upper, 0, &allocator), OPRO_OK);
    for (size_t i = 0; i < 3; i++) {
        opro_status st = OPRO_ERR_NOMEM;
        long before = f.live;

        for (long n = 0; st != OPRO_OK; n++) {
            opro__mem mem;
            opro__buf buf;
            opro_sink sink;
            opro_error err;
            int rejected;

            f.left = n;
            opro__mem_init(&mem, NULL); /* the texts that are delivered are the caller's */
            opro__buf_init(&buf, &mem, 1 << 20);
            opro__err_clear(&err);
            st = opro__problem_step(problem, steps[i], "3, 4", 4, &sink, &buf, &rejected, &err);
            assert_true(st == OPRO_ERR_NOMEM || (st == OPRO_OK && n > 0));
            opro__sink_free(&sink);
            opro__buf_free(&buf);
            assert_int_equal(f.live, before);
        }
    }
    f.left = -1;
    opro_problem_free(problem);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_check_and_repair),
        cmocka_unit_test(test_what_it_is),
        cmocka_unit_test(test_refused_problems),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_parse_and_format),
        cmocka_unit_test(test_scorer),
        cmocka_unit_test(test_scorer_elsewhere),
        cmocka_unit_test(test_scorer_memory),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_in_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
