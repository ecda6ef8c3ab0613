/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/trajectory.h"
#include "effort.h"
#include "failing.h"
#include "opro/config.h"
#include "opro/problem.h"

static opro_trajectory *make(int32_t direction) {
    opro_trajectory *t = NULL;

    assert_int_equal(opro_trajectory_new(&t, direction, NULL), OPRO_OK);
    return t;
}

static int64_t add(opro_trajectory *t, const char *text, double score) {
    int64_t number = -2;

    assert_int_equal(opro_trajectory_add(t, text, OPRO_ZT, &score, 1, &number), OPRO_OK);
    return number;
}

static void expect_error(const opro_trajectory *t, opro_status st, opro_status expected,
                         const char *says) {
    const opro_error *err = opro_trajectory_error(t);

    assert_int_equal(st, expected);
    assert_int_equal(opro_error_status(err), expected);
    if (!strstr(opro_error_message(err, NULL), says))
        fail_msg("\"%s\" does not name \"%s\"", opro_error_message(err, NULL), says);
}

/* As a run has it: part of something else, with its memory. */
typedef struct inner {
    opro__mem mem;
    opro_trajectory t;
} inner;

static void inner_make(inner *in, int32_t direction, int32_t dedup, size_t top) {
    memset(in, 0, sizeof *in);
    assert_int_equal(opro__mem_init(&in->mem, NULL), OPRO_OK);
    in->t.belongs_to_run = 1;
    assert_int_equal(opro__trajectory_init(&in->t, &in->mem, direction, dedup, top), OPRO_OK);
}

static void inner_free(inner *in) {
    opro__trajectory_clear(&in->t);
    assert_int_equal(in->mem.used, 0);
}

static opro__candidate *meet(inner *in, const char *text, int expected_fresh) {
    int fresh = -1;
    opro__candidate *c = opro__trajectory_meet(&in->t, text, strlen(text), &fresh);

    assert_non_null(c);
    assert_int_equal(fresh, expected_fresh);
    return c;
}

static void commit(inner *in, opro__candidate *c, int verdict, double score) {
    c->verdict = (uint8_t)verdict;
    c->score = score;
    opro__trajectory_commit(&in->t, c);
}

static opro__candidate *lookup(const inner *in, const char *text) {
    return opro__trajectory_lookup(&in->t, text, strlen(text));
}

/* ---- by itself ------------------------------------------------------------------------------- */

static void test_empty(void **state) {
    opro_trajectory *t = make(OPRO_MINIMIZE);
    int64_t numbers[3] = {7, 7, 7};

    (void)state;
    assert_int_equal(opro_trajectory_count(t), 0);
    assert_int_equal(opro_trajectory_scored(t), 0);
    assert_int_equal(opro_trajectory_direction(t), OPRO_MINIMIZE);
    assert_int_equal(opro_trajectory_best(t), -1);
    assert_int_equal(opro_trajectory_best_validated(t), -1);
    assert_int_equal(opro_trajectory_top(t, numbers, 3), 0);
    assert_int_equal(numbers[0], 7);
    assert_int_equal(opro_trajectory_find(t, "x", 1), -1);
    assert_int_equal(opro_trajectory_steps(t), 0);
    assert_true(isnan(opro_trajectory_figure(t, 0, OPRO_FIGURE_BEST)));
    opro_trajectory_free(t);
    opro_trajectory_free(NULL);
}

static void test_new_refused(void **state) {
    opro_trajectory *t = NULL;
    opro_allocator bad = {0};

    (void)state;
    assert_int_equal(opro_trajectory_new(NULL, OPRO_MAXIMIZE, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_new(&t, 0, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_new(&t, 15, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_trajectory_new(&t, OPRO_MAXIMIZE, &bad), OPRO_ERR_INVALID);
    assert_null(t);
}

static void test_add(void **state) {
    opro_trajectory *t = make(OPRO_MAXIMIZE);
    const double scores[] = {0.25, 1, 0.25};
    double found[4] = {7, 7, 7, 7};
    int64_t number = 9;
    size_t len;

    (void)state;
    assert_int_equal(opro_trajectory_add(t, "first", OPRO_ZT, scores, 3, &number), OPRO_OK);
    assert_int_equal(number, 0);
    assert_int_equal(opro_trajectory_add(t, "second one", 6, scores + 1, 1, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_count(t), 2);
    assert_int_equal(opro_trajectory_scored(t), 2);
    assert_true(opro_trajectory_score(t, 0) == 0.5);
    assert_string_equal(opro_trajectory_text(t, 1, &len), "second");
    assert_int_equal(len, 6);
    assert_int_equal(opro_trajectory_find(t, "second", OPRO_ZT), 1);
    assert_int_equal(opro_trajectory_find(t, "second", 5), -1);
    assert_int_equal(opro_trajectory_find(t, NULL, 5), -1);
    assert_int_equal(opro_trajectory_scores(t, 0, OPRO_TRAIN, found, 4), 3);
    assert_true(found[1] == 1 && found[2] == 0.25 && found[3] == 7);
    assert_int_equal(opro_trajectory_scores(t, 0, OPRO_TRAIN, NULL, 0), 3);
    found[1] = 7;
    assert_int_equal(opro_trajectory_scores(t, 0, OPRO_TRAIN, found, 1), 3);
    assert_true(found[0] == 0.25 && found[1] == 7);
    assert_int_equal(opro_trajectory_scores(t, 1, OPRO_TRAIN, found, 4), 1);
    assert_true(found[0] == 1);
    assert_int_equal(opro_trajectory_scores(t, 0, OPRO_VALIDATION, found, 4), 0);
    assert_int_equal(opro_trajectory_scores(t, 0, 11, found, 4), 0);
    assert_int_equal(opro_trajectory_scores(t, 2, OPRO_TRAIN, found, 4), 0);
    assert_int_equal(opro_trajectory_step(t, 0), -1);
    assert_int_equal(opro_trajectory_verdict(t, 0), OPRO_VERDICT_SCORED);
    assert_int_equal(opro_trajectory_proposals(t, 0), 1);
    assert_string_equal(opro_trajectory_detail(t, 0, &len), "");
    assert_string_equal(opro_trajectory_feedback(t, 0, &len), "");
    opro_trajectory_free(t);
}

static void test_add_refused(void **state) {
    opro_trajectory *t = make(OPRO_MAXIMIZE);
    const double good = 1, bad[] = {1, NAN}, worse[] = {-INFINITY};
    int64_t number = 9;

    (void)state;
    add(t, "there", 1);
    expect_error(t, opro_trajectory_add(t, "there", OPRO_ZT, &good, 1, &number), OPRO_ERR_INVALID,
                 "\"there\"");
    expect_error(t, opro_trajectory_add(t, "x", 1, bad, 2, &number), OPRO_ERR_INVALID,
                 "score 1 is nan");
    expect_error(t, opro_trajectory_add(t, "x", 1, worse, 1, &number), OPRO_ERR_INVALID,
                 "score 0 is -inf");
    expect_error(t, opro_trajectory_add(t, "x", 1, &good, 0, &number), OPRO_ERR_INVALID, "score");
    expect_error(t, opro_trajectory_add(t, "x", 1, NULL, 1, &number), OPRO_ERR_INVALID, "score");
    expect_error(t, opro_trajectory_add(t, NULL, 1, &good, 1, &number), OPRO_ERR_INVALID, "text");
    expect_error(t, opro_trajectory_add(t, "x\xff", 2, &good, 1, &number), OPRO_ERR_INVALID,
                 "UTF-8");
    expect_error(t, opro_trajectory_add(t, "x\0y", 3, &good, 1, &number), OPRO_ERR_INVALID, "NUL");
    assert_int_equal(opro_trajectory_add(NULL, "x", 1, &good, 1, &number), OPRO_ERR_INVALID);
    assert_int_equal(number, 9);
    assert_int_equal(opro_trajectory_count(t), 1);
    assert_int_equal(add(t, "", 1), 1); /* the empty text is one */
    assert_int_equal(opro_error_status(opro_trajectory_error(t)), OPRO_OK);
    opro_trajectory_free(t);
}

static void test_out_of_range(void **state) {
    static const int64_t wrong[] = {-1, 1, INT64_MAX, INT64_MIN, UINT32_MAX};
    opro_trajectory *t = make(OPRO_MAXIMIZE);

    (void)state;
    add(t, "only", 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t len = 7;

        assert_null(opro_trajectory_text(t, wrong[i], &len));
        assert_int_equal(len, 0);
        assert_true(isnan(opro_trajectory_score(t, wrong[i])));
        assert_true(isnan(opro_trajectory_validation(t, wrong[i])));
        assert_int_equal(opro_trajectory_verdict(t, wrong[i]), 0);
        assert_int_equal(opro_trajectory_reason(t, wrong[i]), 0);
        assert_int_equal(opro_trajectory_flags(t, wrong[i]), 0);
        assert_int_equal(opro_trajectory_origin(t, wrong[i]), 0);
        assert_int_equal(opro_trajectory_step(t, wrong[i]), 0);
        assert_int_equal(opro_trajectory_sample(t, wrong[i]), 0);
        assert_int_equal(opro_trajectory_proposals(t, wrong[i]), 0);
        assert_null(opro_trajectory_detail(t, wrong[i], &len));
        assert_null(opro_trajectory_feedback(t, wrong[i], NULL));
    }
    assert_true(isnan(opro_trajectory_validation(t, 0)));
    opro_trajectory_free(t);
}

/* ---- order ----------------------------------------------------------------------------------- */

/* The best is the first of equal ones; the top shows the later of equal ones first. */
static void test_ties(void **state) {
    static const int32_t directions[] = {OPRO_MAXIMIZE, OPRO_MINIMIZE};

    (void)state;
    for (int d = 0; d < 2; d++) {
        opro_trajectory *t = make(directions[d]);
        double sign = d == 0 ? 1 : -1;
        int64_t top[9];

        add(t, "a", 1 * sign);
        add(t, "b", 3 * sign);
        add(t, "c", 2 * sign);
        add(t, "d", 3 * sign);
        add(t, "e", 1 * sign);
        assert_int_equal(opro_trajectory_best(t), 1);
        assert_int_equal(opro_trajectory_top(t, top, 9), 5);
        assert_int_equal(top[0], 3);
        assert_int_equal(top[1], 1);
        assert_int_equal(top[2], 2);
        assert_int_equal(top[3], 4);
        assert_int_equal(top[4], 0);
        assert_int_equal(opro_trajectory_top(t, top, 2), 2);
        assert_int_equal(opro_trajectory_top(t, top, 0), 0);
        opro_trajectory_free(t);
    }
}

/* A naive model of what is scored: a stable sort. */
typedef struct model {
    double *scores; /* by number; NaN: not scored */
    int64_t *order;
    size_t n, scored;
    int32_t direction;
} model;

static const model *sorted_by;

static int by_rank(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    double p = sorted_by->scores[x], q = sorted_by->scores[y];

    if (sorted_by->direction == OPRO_MINIMIZE && p != q) return p < q ? -1 : 1;
    if (p != q) return p > q ? -1 : 1;
    return x > y ? -1 : 1;
}

static void check_top(const opro_trajectory *t, model *m, size_t n) {
    int64_t *top = malloc((n + 1) * sizeof *top);
    size_t expected = n < m->scored ? n : m->scored, k = 0;

    for (size_t i = 0; i < m->n; i++)
        if (!isnan(m->scores[i])) m->order[k++] = (int64_t)i;
    sorted_by = m;
    qsort(m->order, k, sizeof *m->order, by_rank);
    top[n] = -77;
    assert_int_equal(opro_trajectory_top(t, top, n), expected);
    assert_memory_equal(top, m->order, expected * sizeof *top);
    assert_int_equal(top[n], -77);
    free(top);
}

static void run_model(int32_t direction, size_t kept, size_t total, uint64_t values) {
    opro__rng rng = opro__rng_make(values, (int64_t)kept, 0);
    model m = {malloc(total * sizeof(double)), malloc(total * sizeof(int64_t)), 0, 0, direction};
    double best = NAN;
    int64_t best_number = -1;
    inner in;

    inner_make(&in, direction, OPRO_DEDUP_NORMALISED, kept);
    while (m.n < total) {
        int scored = opro__rng_below(&rng, 10) > 0;
        double score = scored ? (double)opro__rng_below(&rng, values) / 8 - 3 : NAN;
        char text[40];

        snprintf(text, sizeof text, "candidate %zu", m.n);
        commit(&in, meet(&in, text, 1), scored ? OPRO_VERDICT_SCORED : OPRO_VERDICT_REJECTED,
               score);
        if (scored &&
            (best_number < 0 || (direction == OPRO_MAXIMIZE ? score > best : score < best))) {
            best = score;
            best_number = (int64_t)m.n;
        }
        m.scores[m.n++] = score;
        m.scored += (size_t)scored;
        assert_int_equal(opro_trajectory_best(&in.t), best_number);
        if (m.n % (total / 20) == 0) check_top(&in.t, &m, kept);
    }
    assert_int_equal(opro_trajectory_count(&in.t), total);
    assert_int_equal(opro_trajectory_scored(&in.t), m.scored);
    check_top(&in.t, &m, kept);
    check_top(&in.t, &m, kept / 2);
    check_top(&in.t, &m, kept + 1); /* more than is kept in order */
    check_top(&in.t, &m, total + 5);
    for (size_t i = 0; i < total; i += 7) { /* all are there, each under its number */
        char text[40];

        snprintf(text, sizeof text, "candidate %zu", i);
        assert_int_equal(opro_trajectory_find(&in.t, text, OPRO_ZT), i);
        assert_string_equal(opro_trajectory_text(&in.t, (int64_t)i, NULL), text);
    }
    inner_free(&in);
    free(m.scores);
    free(m.order);
}

static void test_against_model(void **state) {
    (void)state;
    run_model(OPRO_MAXIMIZE, 20, (size_t)effort(100000), UINT64_C(1) << 40);
    run_model(OPRO_MINIMIZE, 100, (size_t)effort(20000), 50); /* many equal ones */
    run_model(OPRO_MAXIMIZE, 1, 2000, 5);
    run_model(OPRO_MINIMIZE, 0, 2000, 100); /* nothing kept in order */
    run_model(OPRO_MAXIMIZE, 5000, 2000, 100);
}

static void test_best_validated(void **state) {
    inner in;
    opro__candidate *c;

    (void)state;
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_EXACT, 20);
    commit(&in, meet(&in, "a", 1), OPRO_VERDICT_SCORED, 9);
    assert_int_equal(opro_trajectory_best_validated(&in.t), -1);
    c = meet(&in, "b", 1);
    c->validation = 0.5;
    commit(&in, c, OPRO_VERDICT_SCORED, 1);
    c = meet(&in, "c", 1);
    c->validation = 0.75;
    commit(&in, c, OPRO_VERDICT_SCORED, 2);
    c = meet(&in, "d", 1);
    c->validation = 0.75; /* of equal ones the first */
    commit(&in, c, OPRO_VERDICT_SCORED, 3);
    assert_int_equal(opro_trajectory_best(&in.t), 0);
    assert_int_equal(opro_trajectory_best_validated(&in.t), 2);
    assert_true(opro_trajectory_validation(&in.t, 2) == 0.75);
    inner_free(&in);
}

/* Numbers go by the order of commits, not of meeting. */
static void test_commit_order(void **state) {
    inner in;
    opro__candidate *a, *b, *c;

    (void)state;
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_EXACT, 20);
    a = meet(&in, "a", 1);
    b = meet(&in, "b", 1);
    c = meet(&in, "c", 1);
    assert_int_equal(opro_trajectory_count(&in.t), 0);
    assert_int_equal(opro_trajectory_find(&in.t, "a", 1), -1); /* pending: not public */
    assert_ptr_equal(lookup(&in, "a"), a);
    commit(&in, c, OPRO_VERDICT_SCORED, 1);
    commit(&in, a, OPRO_VERDICT_FAILED, NAN);
    assert_int_equal(opro_trajectory_find(&in.t, "c", 1), 0);
    assert_int_equal(opro_trajectory_find(&in.t, "a", 1), 1);
    assert_int_equal(opro_trajectory_find(&in.t, "b", 1), -1);
    commit(&in, b, OPRO_VERDICT_REJECTED, NAN);
    assert_string_equal(opro_trajectory_text(&in.t, 2, NULL), "b");
    assert_ptr_equal(opro__trajectory_met(&in.t, 1), b);
    assert_ptr_equal(opro__trajectory_at(&in.t, 0), c);
    assert_int_equal(opro_trajectory_verdict(&in.t, 1), OPRO_VERDICT_FAILED);
    assert_int_equal(opro_trajectory_scored(&in.t), 1);
    inner_free(&in);
}

/* ---- duplicates ------------------------------------------------------------------------------ */

static void test_exact(void **state) {
    opro_trajectory *t = make(OPRO_MAXIMIZE);

    (void)state;
    add(t, "Think twice", 1);
    assert_int_equal(add(t, "think twice", 1), 1);
    assert_int_equal(add(t, "Think  twice", 1), 2);
    assert_int_equal(add(t, "Think twice ", 1), 3);
    assert_int_equal(opro_trajectory_find(t, "Think  twice", OPRO_ZT), 2);
    assert_int_equal(opro_trajectory_find(t, "THINK TWICE", OPRO_ZT), -1);
    opro_trajectory_free(t);
}

/* Blanks and ASCII case do not count; everything else does. */
static void test_normalised(void **state) {
    static const char *const same[] = {"think twice, then answer in full",
                                       "THINK TWICE, THEN ANSWER IN FULL",
                                       "  Think twice, then answer in full",
                                       "Think twice, then answer in full\r\n",
                                       "Think\ttwice,\n\nthen \v\f answer   in full ",
                                       "\n\tThink  twice, tHeN answer in \tfull"};
    static const char *const different[] = {"Think twice, then answer in ful",
                                            "Think twice, then answer in full.",
                                            "Think twice then answer in full",
                                            "Thinktwice, then answer in full",
                                            "Think twice , then answer in full",
                                            "Think twice, then answer in full\x01",
                                            "Think_twice, then answer in full",
                                            "Think twice, then answer in fu\xc3\x84ll",
                                            "Think\x01twice, then answer in full",
                                            "Think twice, then answer in fu\xc2\xa0ll",
                                            "[hink twice, then answer in full",
                                            "",
                                            " ",
                                            "t"};
    inner in;
    opro__candidate *c;

    (void)state;
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_NORMALISED, 20);
    c = meet(&in, "Think twice, then answer in full", 1);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_null(lookup(&in, same[i])); /* pending: the same byte for byte only */
    commit(&in, c, OPRO_VERDICT_SCORED, 1);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_ptr_equal(lookup(&in, same[i]), c);
    for (size_t i = 0; i < sizeof different / sizeof *different; i++)
        assert_null(lookup(&in, different[i]));
    inner_free(&in);
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_NORMALISED,
               20); /* letters beyond ASCII keep their case */
    commit(&in, meet(&in, "\xc3\xa9t\xc3\xa9 [ { @ `", 1), OPRO_VERDICT_SCORED, 1);
    assert_null(lookup(&in, "\xc3\x89t\xc3\x89 [ { @ `"));
    assert_null(lookup(&in, "\xc3\xa9t\xc3\xa9 { [ ` @"));
    assert_non_null(lookup(&in, "\xc3\xa9T\xc3\xa9  [ { @ `"));
    inner_free(&in);
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_NORMALISED, 20); /* nothing but blanks is nothing */
    commit(&in, meet(&in, " \n ", 1), OPRO_VERDICT_SCORED, 1);
    assert_non_null(lookup(&in, ""));
    assert_non_null(lookup(&in, "\t"));
    inner_free(&in);
}

/*
 * Several spellings were pending together: the very text is found, else the oldest of those that
 * have a number.
 */
static void test_pending_spellings(void **state) {
    inner in;
    opro__candidate *a, *b;

    (void)state;
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_NORMALISED, 20);
    a = meet(&in, "go on", 1);
    b = meet(&in, "Go on", 1);
    assert_ptr_equal(meet(&in, "go on", 0), a);
    commit(&in, b, OPRO_VERDICT_SCORED, 1);
    assert_ptr_equal(lookup(&in, "go on"), a); /* though b has a number */
    assert_ptr_equal(lookup(&in, "GO ON"), b);
    commit(&in, a, OPRO_VERDICT_SCORED, 1);
    assert_ptr_equal(lookup(&in, "GO ON"), b);
    assert_ptr_equal(lookup(&in, "go on"), a);
    assert_ptr_equal(meet(&in, "GO  ON", 0), b);
    inner_free(&in);
}

/* A text as it counts, letter by letter. */
static size_t normalise(const char *s, size_t len, char *out) {
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (!strchr(" \t\n\v\f\r", s[i]))
            out[n++] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i];
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    return n && out[n - 1] == ' ' ? n - 1 : n;
}

/*
 * Pairs of texts that differ in blanks, case or a letter, at all lengths and places: the same if
 * and only if they count as it.
 */
static void test_normalised_random(void **state) {
    static const char letters[] = "  \t\nabABzZ`{@[\x01\x7f\xc3\xa9.";
    opro__rng rng = opro__rng_make(8, 0, 0);
    const size_t cases = (size_t)effort(30000);
    size_t equal = 0;

    (void)state;
    for (size_t i = 0; i < cases; i++) {
        char a[700], b[1500], x[700], y[1500];
        size_t len = (size_t)opro__rng_below(&rng, i % 50 ? 60 : 600), n = 0;
        inner in;
        int fresh, is_same;

        for (size_t k = 0; k < len; k++) /* more letters than blanks */
            a[k] = letters[opro__rng_below(&rng, 2) ? 4 + opro__rng_below(&rng, 2)
                                                    : opro__rng_below(&rng, sizeof letters - 1)];
        for (size_t k = 0; k < len; k++) {
            char c = a[k];

            if (strchr("abz", c) && opro__rng_below(&rng, 4) == 0) c = (char)(c - 32);
            if (strchr(" \t\n", c) && opro__rng_below(&rng, 2)) b[n++] = ' ';
            if (opro__rng_below(&rng, 300) == 0) c++;
            if (opro__rng_below(&rng, 300) != 0) b[n++] = c;
        }
        is_same =
            normalise(a, len, x) == normalise(b, n, y) && memcmp(x, y, normalise(b, n, y)) == 0;
        inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_NORMALISED, 5);
        commit(&in, opro__trajectory_meet(&in.t, a, len, &fresh), OPRO_VERDICT_SCORED, 1);
        assert_int_equal(opro__trajectory_lookup(&in.t, b, n) != NULL, is_same);
        equal += (size_t)is_same;
        inner_free(&in);
    }
    assert_true(equal > cases / 3 && equal < cases - cases / 30); /* both kinds were there */
}

/* ---- texts and words ------------------------------------------------------------------------- */

/* The i-th text: mostly short ones, some that are longer than what texts are usually kept in. */
static size_t write_text(char *text, size_t i) {
    size_t len = i % 100 == 50 ? 8000 + i * 64 : 20 + i % 37;

    memset(text, 'a' + (int)(i % 26), len);
    memcpy(text, "0000", 4);
    for (size_t k = 4, rest = i; rest; rest /= 10)
        text[--k] = (char)('0' + rest % 10);
    return len;
}

/* All stay where they were, whatever comes after. */
static void test_texts_stay(void **state) {
    enum { N = 3000 };
    const char **kept = malloc(N * sizeof *kept);
    char *text = malloc(8000 + N * 64);
    opro_trajectory *t = make(OPRO_MAXIMIZE);
    const double score = 1;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        size_t len = write_text(text, i);

        assert_int_equal(opro_trajectory_add(t, text, len, &score, 1, NULL), OPRO_OK);
        kept[i] = opro_trajectory_text(t, (int64_t)i, NULL);
    }
    for (size_t i = 0; i < N; i++) {
        size_t len = write_text(text, i), found;

        assert_ptr_equal(opro_trajectory_text(t, (int64_t)i, &found), kept[i]);
        assert_int_equal(found, len);
        assert_memory_equal(kept[i], text, len);
        assert_int_equal(kept[i][len], '\0');
        assert_int_equal(opro_trajectory_find(t, text, len), i);
    }
    free(kept);
    free(text);
    opro_trajectory_free(t);
}

static void test_words(void **state) {
    inner in;
    opro__candidate *c;
    size_t len;

    (void)state;
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_EXACT, 20);
    c = meet(&in, "a", 1);
    assert_int_equal(opro__candidate_detail(&in.t, c, "why", 3), OPRO_OK);
    assert_int_equal(opro__candidate_feedback(&in.t, c, "old words", 9), OPRO_OK);
    assert_int_equal(opro__candidate_feedback(&in.t, c, "new words, not all", 9), OPRO_OK);
    assert_int_equal(opro__candidate_scores(&in.t, c, 1, 3), OPRO_OK);
    c->extra->scores[1][1] = 0.5;
    assert_int_equal(opro__candidate_scores(&in.t, c, 1, 3), OPRO_OK); /* again: nothing happens */
    c->step = 4;
    c->sample = 3;
    c->origin = 65535;
    c->flags = OPRO_FLAG_REPAIRED | OPRO_FLAG_WARM;
    c->reason = OPRO_REASON_NO_REPLY;
    c->proposals = 12;
    commit(&in, c, OPRO_VERDICT_FAILED, NAN);
    assert_string_equal(opro_trajectory_detail(&in.t, 0, &len), "why");
    assert_int_equal(len, 3);
    assert_string_equal(opro_trajectory_feedback(&in.t, 0, &len), "new words");
    assert_int_equal(len, 9);
    {
        double scores[3];

        assert_int_equal(opro_trajectory_scores(&in.t, 0, OPRO_VALIDATION, scores, 3), 3);
        assert_true(isnan(scores[0]) && scores[1] == 0.5 && isnan(scores[2]));
        assert_int_equal(opro_trajectory_scores(&in.t, 0, OPRO_TRAIN, scores, 3), 0);
    }
    assert_int_equal(opro_trajectory_step(&in.t, 0), 4);
    assert_int_equal(opro_trajectory_sample(&in.t, 0), 3);
    assert_int_equal(opro_trajectory_origin(&in.t, 0), 65535);
    assert_int_equal(opro_trajectory_flags(&in.t, 0), OPRO_FLAG_REPAIRED | OPRO_FLAG_WARM);
    assert_int_equal(opro_trajectory_reason(&in.t, 0), OPRO_REASON_NO_REPLY);
    assert_int_equal(opro_trajectory_proposals(&in.t, 0), 12);
    inner_free(&in);
}

static void test_of_a_run(void **state) {
    const double score = 1;
    inner in;

    (void)state;
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_EXACT, 20);
    expect_error(&in.t, opro_trajectory_add(&in.t, "a", 1, &score, 1, NULL), OPRO_ERR_STATE, "run");
    opro_trajectory_free(&in.t); /* is left alone */
    commit(&in, meet(&in, "a", 1), OPRO_VERDICT_SCORED, 1);
    inner_free(&in);
}

/* ---- digest ---------------------------------------------------------------------------------- */

/* One candidate, with one difference from the usual one. */
static uint64_t digest_of(int how) {
    inner in;
    opro__candidate *c;
    uint64_t digest;

    inner_make(&in, OPRO_MAXIMIZE, how == 9 ? OPRO_DEDUP_NORMALISED : OPRO_DEDUP_EXACT,
               how == 10 ? 1 : 20);
    commit(&in, meet(&in, "before", 1), OPRO_VERDICT_SCORED, 1);
    if (how == 1) commit(&in, meet(&in, "besides", 1), OPRO_VERDICT_SCORED, 1);
    if (how == 11) meet(&in, "pending", 1);
    c = meet(&in, how == 2 ? "another" : "text", 1);
    c->step = how == 3 ? 5 : 4;
    c->reason = how == 4 ? OPRO_REASON_DIGITS : 0;
    c->flags = how == 5 ? OPRO_FLAG_POLISHED : 0;
    c->validation = how == 6 ? 0.5 : NAN;
    commit(&in, c, how == 7 ? OPRO_VERDICT_FAILED : OPRO_VERDICT_SCORED, how == 8 ? 0.5 : 0.25);
    digest = opro_trajectory_hash(&in.t);
    inner_free(&in);
    return digest;
}

static void test_hash(void **state) {
    opro_trajectory *a = make(OPRO_MAXIMIZE), *b = make(OPRO_MAXIMIZE);

    (void)state;
    for (int i = 0; i <= 8; i++)
        for (int k = 0; k < i; k++)
            assert_true(digest_of(i) != digest_of(k));
    for (int i = 9; i <= 11;
         i++) /* how duplicates are told, what is kept in order, what is pending: not in it */
        assert_true(digest_of(i) == digest_of(0));
    assert_true(opro_trajectory_hash(a) == opro_trajectory_hash(b));
    add(a, "x", 1);
    assert_true(opro_trajectory_hash(a) != opro_trajectory_hash(b));
    add(a, "y", 2);
    add(b, "y", 2);
    add(b, "x", 1);
    assert_true(opro_trajectory_hash(a) != opro_trajectory_hash(b)); /* the order counts */
    opro_trajectory_free(a);
    opro_trajectory_free(b);
}

/* The same on every platform. */
static void test_hash_reference(void **state) {
    opro_trajectory *t = make(OPRO_MAXIMIZE);

    (void)state;
    add(t, "Let's think step by step.", 0.625);
    add(t, "\xc3\x89tape par \xc3\xa9tape", -0.0);
    assert_true(opro_trajectory_hash(t) == UINT64_C(0x564a0645aeab3515));
    opro_trajectory_free(t);
}

/* ---- figures --------------------------------------------------------------------------------- */

static void test_figures(void **state) {
    static const int32_t all[] = {
        OPRO_FIGURE_PROPOSALS,   OPRO_FIGURE_SCORED,        OPRO_FIGURE_REJECTED,
        OPRO_FIGURE_DUPLICATES,  OPRO_FIGURE_FAILED,        OPRO_FIGURE_BEST,
        OPRO_FIGURE_MEAN,        OPRO_FIGURE_DEVIATION,     OPRO_FIGURE_BEST_SO_FAR,
        OPRO_FIGURE_TEMPERATURE, OPRO_FIGURE_PROMPT_TOKENS, OPRO_FIGURE_REPLY_TOKENS,
        OPRO_FIGURE_COST,        OPRO_FIGURE_SCORER_CALLS};
    static const double values[] = {1, 4, 3, 4, 5, 6, 7, 1.5, 8, 9, 10, 11, 12, 13};
    inner in;
    opro__figures *f;

    (void)state;
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_EXACT, 20);
    f = opro__trajectory_figures(&in.t, -1);
    f->scored = 1;
    assert_int_equal(opro_trajectory_steps(&in.t), 0);
    f = opro__trajectory_figures(&in.t, 0);
    assert_true(isnan(f->best) && isnan(f->best_so_far) && isnan(f->temperature));
    for (int64_t step = 1; step < 50; step++)
        opro__trajectory_figures(&in.t, step)->proposals = step;
    f = opro__trajectory_figures(&in.t, 7); /* an older one is still there */
    assert_int_equal(f->proposals, 7);
    *f = (opro__figures){7, 1, 4, 3, 4, 5, 13, 10, 11, 12, 6, 7, 9, 8, 9}; /* m2 = 4 * 1.5^2 */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_true(opro_trajectory_figure(&in.t, 7, all[i]) == values[i]);
    in.t.steps = 49; /* the run counts those that have ended */
    assert_int_equal(opro_trajectory_steps(&in.t), 49);
    assert_true(opro_trajectory_figure(&in.t, -1, OPRO_FIGURE_SCORED) == 1);
    assert_true(isnan(opro_trajectory_figure(&in.t, 3, OPRO_FIGURE_MEAN))); /* none was scored */
    assert_true(isnan(opro_trajectory_figure(&in.t, 3, OPRO_FIGURE_DEVIATION)));
    assert_true(isnan(opro_trajectory_figure(&in.t, 50, OPRO_FIGURE_SCORED)));
    assert_true(isnan(opro_trajectory_figure(&in.t, -2, OPRO_FIGURE_SCORED)));
    assert_true(isnan(opro_trajectory_figure(&in.t, 7, 11)));
    inner_free(&in);
}

/* There may be any number of steps; the figures of some of them are kept, far from and near. */
static void test_figures_of_many_steps(void **state) {
    const int64_t steps = 300000;
    int64_t known = 0, gap = 0, most = 0;
    size_t used;
    inner in;

    (void)state;
    inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_EXACT, 20);
    for (int64_t step = -1; step < 65535; step++)
        opro__trajectory_figures(&in.t, step)->proposals = step;
    for (int64_t step = -1; step < 65535; step++) /* so many: all of them */
        assert_true(opro_trajectory_figure(&in.t, step, OPRO_FIGURE_PROPOSALS) == (double)step);
    used = in.mem.used;
    for (int64_t step = 65535; step < steps; step++)
        opro__trajectory_figures(&in.t, step)->proposals = step;
    assert_int_equal(in.mem.used, used);
    for (int64_t step = -1; step < steps; step++) {
        double figure = opro_trajectory_figure(&in.t, step, OPRO_FIGURE_PROPOSALS);

        gap = isnan(figure) ? gap + 1 : 0;
        known += !gap;
        if (gap > most) most = gap;
        if (!gap) assert_true(figure == (double)step);
    }
    assert_true(!gap && most == 15 && known > 30000 && known <= 65536);
    assert_true(opro_trajectory_figure(&in.t, -1, OPRO_FIGURE_PROPOSALS) == -1);
    opro__trajectory_figures(&in.t, 1)->proposals = 7; /* that step is still under way */
    assert_true(isnan(opro_trajectory_figure(&in.t, 1, OPRO_FIGURE_PROPOSALS)));
    assert_int_equal(in.mem.used, used);
    inner_free(&in);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/*
 * Everything that allocates; what fails has not happened, and the rest goes on when there is memory
 * again.
 */
static void test_no_memory(void **state) {
    const double scores[] = {1, 2, 3};
    char text[20000];
    failing f = {0, 0};
    opro_allocator mem = failing_allocator(&f);
    long failures = 1;

    (void)state;
    memset(text, 'x', sizeof text);
    for (long n = 0; failures; n++) {
        opro_trajectory *t = NULL;

        failures = 0;
        f.left = n;
        while (opro_trajectory_new(&t, OPRO_MAXIMIZE, &mem) != OPRO_OK) {
            assert_null(t);
            assert_int_equal(f.live, 0);
            failures++;
            f.left = -1;
        }
        for (int64_t i = 0; i < 40; i++) {
            size_t len = i % 10 == 5 ? sizeof text : 12;
            int64_t number = -5;
            opro_status st;

            snprintf(text, 12, "%010d", (int)i);
            text[10] = 'x';
            text[11] = 'x';
            st = opro_trajectory_add(t, text, len, scores, i % 3 ? 1 : 3, &number);
            if (st != OPRO_OK) {
                expect_error(t, st, OPRO_ERR_NOMEM, "memory");
                assert_int_equal(number, -5);
                assert_int_equal(opro_trajectory_count(t), i);
                assert_int_equal(opro_trajectory_find(t, text, len), -1);
                failures++;
                f.left = -1; /* again, with memory */
                assert_int_equal(opro_trajectory_add(t, text, len, scores, i % 3 ? 1 : 3, &number),
                                 OPRO_OK);
            }
            assert_int_equal(number, i);
        }
        opro_trajectory_free(t);
        assert_int_equal(f.live, 0);
    }
}

static void test_no_memory_inside(void **state) {
    failing f = {0, 0};
    opro_allocator mem = failing_allocator(&f);
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        opro__candidate *c;
        inner in;
        int fresh;

        inner_make(&in, OPRO_MAXIMIZE, OPRO_DEDUP_EXACT, 0);
        in.mem.allocator = mem;
        f.left = n;
        c = opro__trajectory_meet(&in.t, "a", 1, &fresh);
        st = c ? OPRO_OK : OPRO_ERR_NOMEM;
        if (!c) assert_int_equal(in.t.met, 0);
        if (st == OPRO_OK) st = opro__candidate_detail(&in.t, c, "why", 3);
        if (st == OPRO_OK) st = opro__candidate_feedback(&in.t, c, "so", 2);
        if (st == OPRO_OK) st = opro__candidate_feedback(&in.t, c, "or so", 5);
        if (st != OPRO_OK && c && c->extra && c->extra->feedback)
            assert_string_equal(c->extra->feedback, "so");
        if (st == OPRO_OK) st = opro__candidate_scores(&in.t, c, 0, 3);
        if (st == OPRO_OK && !opro__trajectory_figures(&in.t, 0)) st = OPRO_ERR_NOMEM;
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        f.left = -1;
        inner_free(&in);
        assert_int_equal(f.live, 0);
    }
}

/* Sorting all needs no memory. */
static void test_top_without_memory(void **state) {
    failing f = {-1, 0};
    opro_allocator mem = failing_allocator(&f);
    opro_trajectory *t = NULL;
    int64_t top[200];
    char text[20];

    (void)state;
    assert_int_equal(opro_trajectory_new(&t, OPRO_MAXIMIZE, &mem), OPRO_OK);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "%d", i);
        add(t, text, i);
    }
    assert_int_equal(opro_trajectory_top(t, top, 200), 200);
    assert_int_equal(top[199], 0);
    f.left = 0;
    assert_int_equal(opro_trajectory_top(t, top, 200), 200);
    assert_int_equal(top[0], 199);
    assert_int_equal(top[99], 100);
    opro_trajectory_free(t);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_new_refused),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_add_refused),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_best_validated),
        cmocka_unit_test(test_commit_order),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_normalised),
        cmocka_unit_test(test_pending_spellings),
        cmocka_unit_test(test_normalised_random),
        cmocka_unit_test(test_texts_stay),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_of_a_run),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_hash_reference),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_figures_of_many_steps),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_inside),
        cmocka_unit_test(test_top_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
