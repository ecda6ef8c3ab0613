/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/problem.h"
#include "failing.h"
#include "opro/config.h"

#define MEBI ((size_t)1 << 20)

static opro_problem *make(void) {
    opro_problem *problem = NULL;

    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    return problem;
}

static void expect_message(const opro_error *err, const char *a, const char *b) {
    const char *text = opro_error_message(err, NULL);

    if (!strstr(text, a) || !strstr(text, b))
        fail_msg("\"%s\" names not both \"%s\" and \"%s\"", text, a, b);
}

/* It failed in this way, and the message names these things. */
static void expect_error(const opro_problem *problem, opro_status st, opro_status expected,
                         const char *a, const char *b) {
    assert_int_equal(st, expected);
    assert_int_equal(opro_error_status(opro_problem_error(problem)), expected);
    expect_message(opro_problem_error(problem), a, b);
}

static char *repeat(char c, size_t n) {
    char *text = malloc(n + 1);

    memset(text, c, n);
    text[n] = '\0';
    return text;
}

/* ---- settings -------------------------------------------------------------------------------- */

static void test_new(void **state) {
    opro_problem *problem = make();
    size_t len = 99;

    (void)state;
    assert_string_equal(opro_problem_description(problem, &len), "");
    assert_int_equal(len, 0);
    assert_int_equal(opro_problem_direction(problem), OPRO_MAXIMIZE);
    assert_int_equal(opro_problem_instances(problem, OPRO_TRAIN), 1);
    assert_int_equal(opro_problem_instances(problem, OPRO_VALIDATION), 0);
    assert_int_equal(opro_problem_instances(problem, 11), 0);
    assert_int_equal(opro_problem_initial_count(problem), 0);
    assert_int_equal(opro_problem_exemplar_count(problem), 0);
    assert_true(problem->low == 0 && problem->high == 1);
    assert_int_equal(problem->display, OPRO_DISPLAY_BUCKETS);
    assert_int_equal(opro_error_status(opro_problem_error(problem)), OPRO_OK);
    opro_problem_free(problem);
    opro_problem_free(NULL);
    assert_int_equal(opro_problem_new(NULL, NULL), OPRO_ERR_INVALID);
}

static void test_description(void **state) {
    opro_problem *problem = make();
    char *text = repeat('d', MEBI + 1);
    size_t len;

    (void)state;
    assert_int_equal(opro_problem_set_description(problem, "solve it, all of it", 8), OPRO_OK);
    assert_string_equal(opro_problem_description(problem, NULL), "solve it");
    expect_error(problem, opro_problem_set_description(problem, text, MEBI + 1), OPRO_ERR_LIMIT,
                 "description", "1048577");
    expect_error(problem, opro_problem_set_description(problem, "a\xff", 2), OPRO_ERR_INVALID,
                 "description", "UTF-8");
    expect_error(problem, opro_problem_set_description(problem, "a\0b", 3), OPRO_ERR_INVALID,
                 "description", "NUL");
    expect_error(problem, opro_problem_set_description(problem, NULL, 3), OPRO_ERR_INVALID,
                 "description", "NULL");
    assert_string_equal(opro_problem_description(problem, NULL), "solve it"); /* as it was */
    assert_int_equal(opro_problem_set_description(problem, text, MEBI), OPRO_OK);
    assert_int_equal(opro_error_status(opro_problem_error(problem)), OPRO_OK);
    opro_problem_description(problem, &len);
    assert_int_equal(len, MEBI);
    assert_int_equal(opro_problem_set_description(problem, "\xc3\xa9t\xc3\xa9", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_set_description(problem, NULL, 0), OPRO_OK);
    assert_string_equal(opro_problem_description(problem, NULL), "");
    assert_int_equal(opro_problem_set_description(NULL, "x", 1), OPRO_ERR_INVALID);
    free(text);
    opro_problem_free(problem);
}

static void test_direction(void **state) {
    opro_problem *problem = make();

    (void)state;
    assert_int_equal(opro_problem_set_direction(problem, OPRO_MINIMIZE), OPRO_OK);
    assert_int_equal(opro_problem_direction(problem), OPRO_MINIMIZE);
    expect_error(problem, opro_problem_set_direction(problem, 15), OPRO_ERR_INVALID, "15",
                 "OPRO_MAXIMIZE");
    expect_error(problem, opro_problem_set_direction(problem, 0), OPRO_ERR_INVALID, "0", "");
    assert_int_equal(opro_problem_direction(problem), OPRO_MINIMIZE);
    assert_true(opro__better(OPRO_MAXIMIZE, 2, 1));
    assert_false(opro__better(OPRO_MAXIMIZE, 1, 1));
    assert_true(opro__better(OPRO_MINIMIZE, 1, 2));
    assert_false(opro__better(OPRO_MINIMIZE, 1, 1));
    opro_problem_free(problem);
}

static void test_instances(void **state) {
    const size_t most = (size_t)1 << 24;
    opro_problem *problem = make();
    char huge[32];

    (void)state;
    snprintf(huge, sizeof huge, "%zu", SIZE_MAX);
    assert_int_equal(opro_problem_set_instances(problem, most, most), OPRO_OK);
    assert_int_equal(opro_problem_set_instances(problem, 200, 50), OPRO_OK);
    expect_error(problem, opro_problem_set_instances(problem, 0, 5), OPRO_ERR_INVALID, "0 training",
                 "16777216");
    expect_error(problem, opro_problem_set_instances(problem, most + 1, 0), OPRO_ERR_INVALID,
                 "16777217", "training");
    expect_error(problem, opro_problem_set_instances(problem, 1, SIZE_MAX), OPRO_ERR_INVALID,
                 "validation", huge);
    assert_int_equal(opro_problem_instances(problem, OPRO_TRAIN), 200);
    assert_int_equal(opro_problem_instances(problem, OPRO_VALIDATION), 50);
    opro_problem_free(problem);
}

static void test_range(void **state) {
    opro_problem *problem = make();

    (void)state;
    assert_int_equal(opro_problem_set_score_range(problem, NAN, NAN), OPRO_OK);
    assert_int_equal(opro_problem_set_score_range(problem, -DBL_MAX, DBL_MAX), OPRO_OK);
    assert_int_equal(opro_problem_set_score_range(problem, -2.5, 7), OPRO_OK);
    expect_error(problem, opro_problem_set_score_range(problem, 3.25, 3.25), OPRO_ERR_INVALID,
                 "3.25 to 3.25", "under");
    expect_error(problem, opro_problem_set_score_range(problem, 2, 1.5), OPRO_ERR_INVALID,
                 "2 to 1.5", "");
    expect_error(problem, opro_problem_set_score_range(problem, NAN, 1), OPRO_ERR_INVALID,
                 "nan to 1", "NaN");
    expect_error(problem, opro_problem_set_score_range(problem, 0, NAN), OPRO_ERR_INVALID,
                 "0 to nan", "");
    expect_error(problem, opro_problem_set_score_range(problem, 0, INFINITY), OPRO_ERR_INVALID,
                 "0 to inf", "finite");
    expect_error(problem, opro_problem_set_score_range(problem, -INFINITY, 0), OPRO_ERR_INVALID,
                 "-inf to 0", "");
    assert_true(problem->low == -2.5 && problem->high == 7);
    opro_problem_free(problem);
}

static void test_display(void **state) {
    opro_problem *problem = make();

    (void)state;
    assert_int_equal(opro_problem_set_score_display(problem, OPRO_DISPLAY_NONE, 0), OPRO_OK);
    assert_int_equal(opro_problem_set_score_display(problem, OPRO_DISPLAY_DECIMALS, 12), OPRO_OK);
    expect_error(problem, opro_problem_set_score_display(problem, OPRO_DISPLAY_AUTO, 0),
                 OPRO_ERR_INVALID, "10", "OPRO_DISPLAY_BUCKETS");
    expect_error(problem, opro_problem_set_score_display(problem, OPRO_DISPLAY_DECIMALS, 13),
                 OPRO_ERR_INVALID, "13", "12");
    expect_error(problem, opro_problem_set_score_display(problem, OPRO_DISPLAY_DECIMALS, -1),
                 OPRO_ERR_INVALID, "-1", "");
    assert_int_equal(problem->display, OPRO_DISPLAY_DECIMALS);
    assert_int_equal(problem->decimals, 12);
    opro_problem_free(problem);
}

static void test_score_name(void **state) {
    opro_problem *problem = make();

    (void)state;
    assert_int_equal(opro_problem_set_score_name(problem, "length of the tour", OPRO_ZT), OPRO_OK);
    expect_error(problem, opro_problem_set_score_name(problem, "", 0), OPRO_ERR_INVALID, "empty",
                 "line");
    expect_error(problem, opro_problem_set_score_name(problem, NULL, 0), OPRO_ERR_INVALID, "name",
                 "");
    expect_error(problem, opro_problem_set_score_name(problem, "a\nb", 3), OPRO_ERR_INVALID, "line",
                 "");
    expect_error(problem, opro_problem_set_score_name(problem, "a\rb", 3), OPRO_ERR_INVALID, "line",
                 "");
    expect_error(problem, opro_problem_set_score_name(problem, "a\xff", 2), OPRO_ERR_INVALID,
                 "UTF-8", "name");
    assert_string_equal(problem->score_name.s, "length of the tour");
    opro_problem_free(problem);
}

/* ---- solutions and exemplars ----------------------------------------------------------------- */

static void test_initial(void **state) {
    opro_problem *problem = make();
    char *text = repeat('i', MEBI + 1), number[16];

    (void)state;
    expect_error(problem, opro_problem_add_initial(problem, "\xc3", 1), OPRO_ERR_INVALID, "initial",
                 "UTF-8");
    expect_error(problem, opro_problem_add_initial(problem, NULL, 1), OPRO_ERR_INVALID, "initial",
                 "NULL");
    expect_error(problem, opro_problem_add_initial(problem, text, MEBI + 1), OPRO_ERR_LIMIT,
                 "initial", "1048577");
    assert_int_equal(opro_problem_initial_count(problem), 0);
    for (size_t i = 0; i < 65536; i++) {
        snprintf(number, sizeof number, "%zu", i);
        assert_int_equal(opro_problem_add_initial(problem, number, OPRO_ZT), OPRO_OK);
    }
    expect_error(problem, opro_problem_add_initial(problem, "x", 1), OPRO_ERR_LIMIT, "65536", "");
    assert_int_equal(opro_problem_initial_count(problem), 65536);
    assert_string_equal(problem->initial[65535].s, "65535");
    free(text);
    opro_problem_free(problem);
}

static void get_exemplar(const opro_problem *problem, size_t index, opro_status expected,
                         const char *both, size_t input_len) {
    opro__mem mem;
    opro__buf buf;
    opro_error err;
    size_t split = 99;

    opro__err_clear(&err);
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    opro__buf_init(&buf, &mem, 1000);
    assert_int_equal(opro__problem_exemplar(problem, index, &buf, &split, &err), expected);
    assert_int_equal(opro_error_status(&err), expected);
    if (expected == OPRO_OK) {
        assert_string_equal(opro__buf_text(&buf), both);
        assert_int_equal(split, input_len);
    } else {
        expect_message(&err, "exemplar callback", both);
    }
    opro__buf_free(&buf);
    assert_int_equal(mem.used, 0);
}

static void test_exemplars(void **state) {
    opro_problem *problem = make();

    (void)state;
    assert_int_equal(opro_problem_add_exemplar(problem, "1 + 1", OPRO_ZT, "2", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_add_exemplar(problem, "", 0, "", 0), OPRO_OK);
    assert_int_equal(opro_problem_add_exemplar(problem, "2 + 2", OPRO_ZT, "4", OPRO_ZT), OPRO_OK);
    expect_error(problem, opro_problem_add_exemplar(problem, "\xff", 1, "4", 1), OPRO_ERR_INVALID,
                 "input", "UTF-8");
    expect_error(problem, opro_problem_add_exemplar(problem, "3", 1, "\xff", 1), OPRO_ERR_INVALID,
                 "target", "UTF-8");
    expect_error(problem, opro_problem_add_exemplar(problem, "3", 1, NULL, 1), OPRO_ERR_INVALID,
                 "target", "NULL");
    assert_int_equal(opro_problem_exemplar_count(problem), 3);
    get_exemplar(problem, 0, OPRO_OK, "1 + 12", 5);
    get_exemplar(problem, 1, OPRO_OK, "", 0);
    get_exemplar(problem, 2, OPRO_OK, "2 + 24", 5);
    opro_problem_free(problem);
}

/* What an exemplar callback does, by the index that it is asked for. */
typedef struct speaker {
    int destroyed;
} speaker;

static void destroy_speaker(void *user_data) {
    ((speaker *)user_data)->destroyed++;
}

static int32_t speak(const opro_problem *problem, size_t index, opro_sink *sink, void *user_data) {
    (void)problem;
    (void)user_data;
    if (index == 1) return OPRO_OK; /* nothing delivered */
    opro_sink_text(sink, "in", 2);
    if (index == 2) return OPRO_OK; /* no target */
    opro_sink_text(sink, "target", OPRO_ZT);
    if (index == 3) opro_sink_text(sink, "more", OPRO_ZT);
    if (index == 4) opro_sink_reject(sink, "no", 2);
    if (index == 5) return -1234;
    if (index == 6) return OPRO_PENDING;
    if (index == 7) return 1;
    if (index == 8) return OPRO_ERR_NOMEM;
    if (index == 9) opro_sink_text(sink, "\xff", 1);
    return OPRO_OK;
}

static void test_exemplar_fn(void **state) {
    opro_problem *problem = make();
    speaker a = {0}, b = {0};

    (void)state;
    opro_problem_add_exemplar(problem, "1 + 1", OPRO_ZT, "2", OPRO_ZT);
    assert_int_equal(opro_problem_set_exemplar_fn(problem, 1000, speak, &a, destroy_speaker),
                     OPRO_OK);
    assert_int_equal(opro_problem_exemplar_count(problem), 1000); /* those added are gone */
    get_exemplar(problem, 0, OPRO_OK, "intarget", 2);
    get_exemplar(problem, 1, OPRO_ERR_CALLBACK, "exemplar 1:", 0);
    get_exemplar(problem, 2, OPRO_ERR_CALLBACK, "exemplar 2:", 0);
    get_exemplar(problem, 3, OPRO_ERR_CALLBACK, "exemplar 3:", 0);
    get_exemplar(problem, 4, OPRO_ERR_CALLBACK, "exemplar 4:", 0);
    get_exemplar(problem, 5, -1234, "exemplar 5:", 0);
    get_exemplar(problem, 6, OPRO_ERR_CALLBACK, "exemplar 6:", 0);
    get_exemplar(problem, 7, OPRO_ERR_CALLBACK, "exemplar 7:", 0);
    get_exemplar(problem, 8, OPRO_ERR_NOMEM, "exemplar 8:", 0);
    get_exemplar(problem, 9, OPRO_ERR_INVALID, "exemplar 9:", 0);
    expect_error(problem, opro_problem_add_exemplar(problem, "x", 1, "y", 1), OPRO_ERR_STATE,
                 "callback", "remove");
    assert_int_equal(opro_problem_set_exemplar_fn(problem, 7, speak, &b, destroy_speaker), OPRO_OK);
    assert_int_equal(a.destroyed, 1);
    assert_int_equal(opro_problem_set_exemplar_fn(problem, 7, NULL, &a, destroy_speaker), OPRO_OK);
    assert_int_equal(b.destroyed, 1);
    assert_int_equal(opro_problem_exemplar_count(problem), 0);
    assert_int_equal(opro_problem_add_exemplar(problem, "x", 1, "y", 1), OPRO_OK);
    assert_int_equal(opro_problem_set_exemplar_fn(problem, 7, speak, &b, destroy_speaker), OPRO_OK);
    opro_problem_free(problem);
    assert_int_equal(a.destroyed, 1);
    assert_int_equal(b.destroyed, 2);
}

/* ---- steps ----------------------------------------------------------------------------------- */

typedef opro_status (*set_fn)(opro_problem *, opro_text_fn, void *, opro_destroy_fn);

static const struct {
    set_fn set;
    const char *name;
    int text, reject, count; /* what it may deliver */
} steps[OPRO__STEPS] = {
    [OPRO__STEP_PARSE] = {opro_problem_set_parse_fn, "parse", 1, 0, 0},
    [OPRO__STEP_CANONICAL] = {opro_problem_set_canonical_fn, "canonical", 1, 1, 0},
    [OPRO__STEP_CHECK] = {opro_problem_set_check_fn, "check", 0, 1, 1},
    [OPRO__STEP_REPAIR] = {opro_problem_set_repair_fn, "repair", 1, 1, 0},
    [OPRO__STEP_POLISH] = {opro_problem_set_polish_fn, "polish", 1, 0, 0},
    [OPRO__STEP_RENDER] = {opro_problem_set_render_fn, "render", 1, 0, 0},
};

/* What a step does. */
typedef struct actor {
    int texts, rejects, counts;
    int32_t returns;
    int destroyed;
    int heard; /* the text was as it should be */
} actor;

static void destroy_actor(void *user_data) {
    ((actor *)user_data)->destroyed++;
}

static int32_t act(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                   void *user_data) {
    actor *a = user_data;

    (void)problem;
    a->heard += len == 3 && strcmp(text, "abc") == 0;
    for (int i = 0; i < a->texts; i++)
        opro_sink_text(sink, "done", OPRO_ZT);
    for (int i = 0; i < a->rejects; i++)
        opro_sink_reject(sink, "reason", OPRO_ZT);
    for (int i = 0; i < a->counts; i++)
        opro_sink_count(sink, 0);
    return a->returns;
}

/* Run a step with an actor; its status, and whether it was rejected. */
static opro_status perform(int step, actor *a, int *rejected, opro_error *err) {
    opro_problem *problem = make();
    opro_sink sink;
    opro__mem mem;
    opro__buf buf;
    opro_status st;

    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    opro__buf_init(&buf, &mem, 1000);
    assert_false(opro__problem_has(problem, step));
    assert_int_equal(steps[step].set(problem, act, a, destroy_actor), OPRO_OK);
    assert_true(opro__problem_has(problem, step));
    *rejected = -1;
    st = opro__problem_step(problem, step, "abc", 3, &sink, &buf, rejected, err);
    if (st == OPRO_OK && *rejected) assert_string_equal(opro__buf_text(&buf), "reason");
    if (st == OPRO_OK && a->texts == 1) assert_string_equal(opro__buf_text(&buf), "done");
    opro__sink_free(&sink);
    opro__buf_free(&buf);
    opro_problem_free(problem);
    assert_int_equal(a->destroyed, 1);
    assert_int_equal(a->heard, 1);
    assert_int_equal(mem.used, 0);
    return st;
}

static void expect_step(int step, actor a, opro_status expected, int expected_rejected) {
    opro_error err;
    int rejected;

    opro__err_clear(&err);
    assert_int_equal(perform(step, &a, &rejected, &err), expected);
    assert_int_equal(opro_error_status(&err), expected);
    if (expected == OPRO_OK)
        assert_int_equal(rejected, expected_rejected);
    else
        expect_message(&err, steps[step].name, "\"abc\"");
}

static void test_steps(void **state) {
    (void)state;
    for (int s = 0; s < OPRO__STEPS; s++) {
        opro_status text = steps[s].text ? OPRO_OK : OPRO_ERR_CALLBACK;
        opro_status reject = steps[s].reject ? OPRO_OK : OPRO_ERR_CALLBACK;
        opro_status count = steps[s].count ? OPRO_OK : OPRO_ERR_CALLBACK;
        opro_status parse = s == OPRO__STEP_PARSE ? OPRO_OK : OPRO_ERR_CALLBACK;

        expect_step(s, (actor){.texts = 1}, text, 0);
        expect_step(s, (actor){.rejects = 1}, reject, 1);
        expect_step(s, (actor){.counts = 1}, count, 0);
        expect_step(s, (actor){0}, parse, 0);          /* only a parser may deliver nothing ... */
        expect_step(s, (actor){.texts = 2}, parse, 0); /* ... or more than one */
        expect_step(s, (actor){.rejects = 2}, OPRO_ERR_CALLBACK, 0);
        expect_step(s, (actor){.counts = 2}, OPRO_ERR_CALLBACK, 0);
        expect_step(s, (actor){.texts = 1, .rejects = 1}, OPRO_ERR_CALLBACK, 0);
        expect_step(s, (actor){.rejects = 1, .counts = 1}, OPRO_ERR_CALLBACK, 0);
        expect_step(s, (actor){.texts = steps[s].text, .counts = steps[s].count, .returns = -1500},
                    -1500, 0);
        expect_step(s, (actor){.returns = OPRO_ERR_FAILED}, OPRO_ERR_FAILED, 0);
        expect_step(s, (actor){.texts = 1, .returns = OPRO_PENDING}, OPRO_ERR_CALLBACK, 0);
        expect_step(s, (actor){.texts = 1, .returns = 7}, OPRO_ERR_CALLBACK, 0);
        expect_step(s, (actor){.texts = 1, .returns = -7}, OPRO_ERR_CALLBACK, 0);
    }
}

static void test_steps_replaced(void **state) {
    (void)state;
    for (int s = 0; s < OPRO__STEPS; s++) {
        opro_problem *problem = make();
        actor a = {0}, b = {0};

        steps[s].set(problem, act, &a, destroy_actor);
        for (int other = 0; other < OPRO__STEPS; other++)
            assert_int_equal(opro__problem_has(problem, other), other == s);
        steps[s].set(problem, act, &b, destroy_actor);
        assert_int_equal(a.destroyed, 1);
        steps[s].set(problem, NULL, &a, destroy_actor);
        assert_false(opro__problem_has(problem, s));
        assert_int_equal(b.destroyed, 1);
        steps[s].set(problem, act, &b, NULL);
        opro_problem_free(problem);
        assert_int_equal(a.destroyed, 1);
        assert_int_equal(b.destroyed, 1);
        assert_int_equal(steps[s].set(NULL, act, &a, destroy_actor), OPRO_ERR_INVALID);
    }
}

/* ---- frozen, shared -------------------------------------------------------------------------- */

static void test_frozen(void **state) {
    opro_problem *problem = make();
    actor a = {0};
    speaker b = {0};
    uint64_t digest = opro_problem_digest(problem);

    (void)state;
    assert_ptr_equal(opro__problem_share(problem), problem);
    assert_int_equal(opro_problem_set_description(problem, "x", 1), OPRO_ERR_STATE);
    assert_int_equal(opro_problem_set_direction(problem, OPRO_MINIMIZE), OPRO_ERR_STATE);
    assert_int_equal(opro_problem_set_instances(problem, 2, 2), OPRO_ERR_STATE);
    assert_int_equal(opro_problem_set_score_range(problem, 1, 2), OPRO_ERR_STATE);
    assert_int_equal(opro_problem_set_score_display(problem, OPRO_DISPLAY_NONE, 0), OPRO_ERR_STATE);
    assert_int_equal(opro_problem_set_score_name(problem, "x", 1), OPRO_ERR_STATE);
    assert_int_equal(opro_problem_add_initial(problem, "x", 1), OPRO_ERR_STATE);
    assert_int_equal(opro_problem_add_exemplar(problem, "x", 1, "y", 1), OPRO_ERR_STATE);
    assert_int_equal(opro_problem_set_exemplar_fn(problem, 1, speak, &b, destroy_speaker),
                     OPRO_ERR_STATE);
    for (int s = 0; s < OPRO__STEPS; s++)
        assert_int_equal(steps[s].set(problem, act, &a, destroy_actor), OPRO_ERR_STATE);
    assert_int_equal(a.destroyed + b.destroyed, 0); /* not taken over */
    assert_true(opro_problem_digest(problem) == digest);
    opro_problem_free(problem); /* the host's share */
    assert_int_equal(opro_problem_direction(problem), OPRO_MAXIMIZE);
    opro_problem_free(problem);
}

/* What was to use it was not made: set up further; but not while somebody uses it. */
static void test_thawed(void **state) {
    opro_problem *problem = make();

    (void)state;
    opro__problem_share(problem);
    opro__problem_share(problem);
    opro__problem_unshare(problem, 0);
    assert_int_equal(opro_problem_set_direction(problem, OPRO_MINIMIZE), OPRO_ERR_STATE);
    opro__problem_unshare(problem, 1);
    assert_int_equal(opro_problem_set_direction(problem, OPRO_MINIMIZE), OPRO_ERR_STATE);
    opro__problem_share(problem);
    opro__problem_unshare(problem, 0);
    assert_int_equal(opro_problem_set_direction(problem, OPRO_MINIMIZE), OPRO_OK);
    opro__problem_share(problem);
    opro_problem_free(problem); /* the caller's */
    opro__problem_unshare(problem, 0);
}

/* ---- digest ---------------------------------------------------------------------------------- */

/* One difference from a problem with a bit of everything. */
static void differ(opro_problem *p, int how) {
    switch (how) {
    case 1: opro_problem_set_description(p, "another", OPRO_ZT); break;
    case 2: opro_problem_set_direction(p, OPRO_MINIMIZE); break;
    case 3: opro_problem_set_instances(p, 5, 3); break;
    case 4: opro_problem_set_instances(p, 4, 4); break;
    case 5: opro_problem_set_score_range(p, 0, 2); break;
    case 6: opro_problem_set_score_range(p, -1, 1); break;
    case 7: opro_problem_set_score_range(p, NAN, NAN); break;
    case 8: opro_problem_set_score_display(p, OPRO_DISPLAY_DECIMALS, 0); break;
    case 9: opro_problem_set_score_display(p, OPRO_DISPLAY_DECIMALS, 1); break;
    case 10: opro_problem_set_score_name(p, "marks", OPRO_ZT); break;
    case 11: opro_problem_add_initial(p, "third", OPRO_ZT); break;
    case 12: opro_problem_add_exemplar(p, "c", 1, "d", 1); break;
    case 13: opro_problem_add_exemplar(p, "cd", 2, "", 0); break;
    case 14: opro_problem_add_exemplar(p, "", 0, "cd", 2); break;
    case 15: opro_problem_add_initial(p, "", 0); break;
    default: break;
    }
}

static opro_problem *make_full(int how) {
    opro_problem *p = make();

    opro_problem_set_description(p, "solve", OPRO_ZT);
    opro_problem_set_instances(p, 4, 3);
    opro_problem_add_initial(p, "first", OPRO_ZT);
    opro_problem_add_initial(p, "second", OPRO_ZT);
    opro_problem_add_exemplar(p, "a", 1, "b", 1);
    differ(p, how);
    return p;
}

static void test_digest(void **state) {
    enum { N = 16 };
    uint64_t seen[N];
    opro_problem *p = make_full(0), *q = make_full(0);
    actor a = {0};

    (void)state;
    assert_true(opro_problem_digest(p) == opro_problem_digest(q));
    opro_problem_set_check_fn(q, act, &a, NULL); /* callbacks do not count */
    assert_true(opro_problem_digest(p) == opro_problem_digest(q));
    opro_problem_free(p);
    opro_problem_free(q);
    for (int i = 0; i < N; i++) {
        p = make_full(i);
        seen[i] = opro_problem_digest(p);
        for (int k = 0; k < i; k++)
            assert_true(seen[k] != seen[i]);
        opro_problem_free(p);
    }
    assert_true(seen[0] == UINT64_C(0xb13beb214ccb25f9)); /* the same on every platform */
    p = make();                                           /* two texts are not one */
    q = make();
    opro_problem_add_initial(p, "ab", 2);
    opro_problem_add_initial(p, "c", 1);
    opro_problem_add_initial(q, "a", 1);
    opro_problem_add_initial(q, "bc", 2);
    assert_true(opro_problem_digest(p) != opro_problem_digest(q));
    opro_problem_free(p);
    opro_problem_free(q);
}

/* A vector problem of two coordinates, without the kit. */
static uint64_t digest_of_space(double low, double high, const char *name) {
    opro_problem *p = make();
    opro__space *space = &p->space;
    uint64_t digest;

    space->kind = OPRO__SPACE_VECTOR;
    space->n = 2;
    space->lower = opro__calloc(&p->mem, 2, sizeof(double));
    space->upper = opro__calloc(&p->mem, 2, sizeof(double));
    space->names = opro__calloc(&p->mem, 2, sizeof(char *));
    space->lower[1] = low;
    space->upper[1] = high;
    space->names[0] = opro__memdup(&p->mem, "w", 1);
    space->names[1] = opro__memdup(&p->mem, name, strlen(name));
    digest = opro_problem_digest(p);
    opro_problem_free(p);
    return digest;
}

static void test_digest_of_space(void **state) {
    uint64_t digest = digest_of_space(0, 1, "b");

    (void)state;
    assert_true(digest_of_space(0, 1, "b") == digest);
    assert_true(digest_of_space(-1, 1, "b") != digest);
    assert_true(digest_of_space(0, 2, "b") != digest);
    assert_true(digest_of_space(0, 1, "c") != digest);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/*
 * A bit of everything, with an allocator that gives out after n: what fails leaves the problem as
 * it was.
 */
static void test_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator mem = failing_allocator(&f);
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        opro_problem *p = NULL;

        f.left = n;
        st = opro_problem_new(&p, &mem);
        if (st == OPRO_OK) st = opro_problem_set_description(p, "solve", OPRO_ZT);
        if (st == OPRO_OK) st = opro_problem_set_score_name(p, "marks", OPRO_ZT);
        for (size_t i = 0; i < 20 && st == OPRO_OK; i++) {
            st = opro_problem_add_initial(p, "first", OPRO_ZT);
            assert_int_equal(opro_problem_initial_count(p), i + (st == OPRO_OK));
        }
        for (size_t i = 0; i < 20 && st == OPRO_OK; i++) {
            st = opro_problem_add_exemplar(p, "a", 1, "b", 1);
            assert_int_equal(opro_problem_exemplar_count(p), i + (st == OPRO_OK));
        }
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        if (p && st != OPRO_OK) expect_error(p, st, OPRO_ERR_NOMEM, "memory", "");
        opro_problem_free(p);
        assert_int_equal(f.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),        cmocka_unit_test(test_description),
        cmocka_unit_test(test_direction),  cmocka_unit_test(test_instances),
        cmocka_unit_test(test_range),      cmocka_unit_test(test_display),
        cmocka_unit_test(test_score_name), cmocka_unit_test(test_initial),
        cmocka_unit_test(test_exemplars),  cmocka_unit_test(test_exemplar_fn),
        cmocka_unit_test(test_steps),      cmocka_unit_test(test_steps_replaced),
        cmocka_unit_test(test_frozen),     cmocka_unit_test(test_thawed),
        cmocka_unit_test(test_digest),     cmocka_unit_test(test_digest_of_space),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
