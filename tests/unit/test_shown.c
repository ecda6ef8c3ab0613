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
#include "core/shown.h"
#include "failing.h"
#include "opro/opro.h"

static int shared_missing;

/* ---- scores ---------------------------------------------------------------------------------- */

static void bucket(double score, int64_t buckets, const char *expect) {
    opro__scale scale = {OPRO_DISPLAY_BUCKETS, 0, (double)buckets, 0, 1, 1};
    char text[OPRO__NUM_SIZE];
    size_t len = opro__scale_write(&scale, score, text);

    assert_int_equal(len, strlen(expect));
    assert_memory_equal(text, expect, len);
}

static void test_buckets(void **state) {
    opro__scale other = {OPRO_DISPLAY_BUCKETS, 0, 10, -2, 3, 5};
    char text[OPRO__NUM_SIZE];

    (void)state;
    bucket(0.605, 100, "60");
    bucket(0.615, 100, "62");
    bucket(0.125, 100, "12");
    bucket(0.025, 100, "2");
    bucket(0.605, 20, "12");
    bucket(0, 100, "0");
    bucket(1, 100, "100");
    bucket(0.09, 100, "9");
    bucket(0.1, 100, "10");
    bucket(0.99, 100, "99");
    bucket(0.999, 1000, "999");
    bucket(1, 1000, "1000");
    bucket(0.999, 1000000000, "999000000");
    bucket(-0.1, 100, "");
    bucket(1.2, 100, "");
    bucket(NAN, 100, "");
    assert_int_equal(opro__scale_write(&other, -2, text), 1);
    assert_memory_equal(text, "0", 1);
    assert_int_equal(opro__scale_write(&other, 0.5, text), 1);
    assert_memory_equal(text, "5", 1);
    assert_int_equal(opro__scale_write(&other, 3, text), 2);
    assert_memory_equal(text, "10", 2);
}

/* The published program's own buckets. */
static void test_shared_buckets(void **state) {
    const char *folder = getenv("OPRO_SHARED");
    char path[4096], line[65536];
    int found = 0;
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s/data/opro-vectors.jsonl", folder ? folder : ".");
    file = fopen(path, "r");
    if (!file) {
        const char *ci = getenv("CI");

        printf("skipped: %s is not there\n", path);
        shared_missing = 1;
        assert_true(!ci || strcmp(ci, "true") != 0);
        return;
    }
    while (fgets(line, sizeof line, file)) {
        const char *score = strstr(line, "\"score\": "), *buckets = strstr(line, "\"buckets\": ");
        const char *out = strstr(line, "\"out\": ");
        char expect[32];

        if (!strstr(line, "\"fn\": \"bucketize\"")) continue;
        assert_true(score && buckets);
        snprintf(expect, sizeof expect, "%ld", out ? strtol(out + 7, NULL, 10) : 0);
        bucket(strtod(score + 9, NULL), strtol(buckets + 11, NULL, 10), out ? expect : "");
        found++;
    }
    fclose(file);
    assert_int_equal(found, 26);
}

static void decimal(double score, int decimals, const char *expect) {
    opro__scale scale = {OPRO_DISPLAY_DECIMALS, decimals, 0, NAN, NAN, NAN};
    char text[OPRO__NUM_SIZE];
    size_t len = opro__scale_write(&scale, score, text);

    assert_int_equal(len, strlen(expect));
    assert_memory_equal(text, expect, len);
}

static void test_decimals(void **state) {
    (void)state;
    decimal(0.5, 3, "0.500");
    decimal(-0.25, 1, "-0.2");
    decimal(0.0005, 3, "0.001"); /* a little more than half in binary */
    decimal(0.0625, 3, "0.062"); /* exactly half */
    decimal(-0.0001, 2, "0.00");
    decimal(-0.0001, 4, "-0.0001");
    decimal(12345.678, 2, "12345.68");
    decimal(999999.999, 2, "1000000.00");
    decimal(1e20, 1, "100000000000000000000.0");
    decimal(7, 0, "7");
    decimal(-7.5, 0, "-8");
    decimal(0.1, 12, "0.100000000000");
}

/* The short way gives what the exact way gives. */
static void test_decimals_are_exact(void **state) {
    opro__rng rng = opro__rng_make(3, 0, 0);

    (void)state;
    for (int i = 0; i < 200000; i++) {
        int decimals = (int)opro__rng_below(&rng, 8);
        double size = i % 3 ? 1 : 1e7, score = (opro__rng_real(&rng) - 0.5) * size;
        char exact[OPRO__NUM_SIZE];

        if (i % 5 == 0) score = floor(score * 64) / 64; /* halves often */
        if (i % 7 == 0) score = floor(score * 1000) / 1000;
        opro__num_fixed(score, decimals, exact);
        decimal(score, decimals, exact);
    }
}

static opro_status make_scale(opro__scale *scale, double low, double high, int32_t display,
                              int32_t decimals, const char *option, const char *value) {
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_error err;
    opro_status st;

    opro__err_clear(&err);
    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_score_range(problem, low, high), OPRO_OK);
    assert_int_equal(opro_problem_set_score_display(problem, display, decimals), OPRO_OK);
    if (option) assert_int_equal(opro_config_set(config, option, OPRO_ZT, value, OPRO_ZT), OPRO_OK);
    st = opro__scale_make(scale, problem, &config->options, &err);
    assert_int_equal(err.status, st);
    opro_config_free(config);
    opro_problem_free(problem);
    return st;
}

static void test_scale_of_options(void **state) {
    opro__scale s;

    (void)state;
    assert_int_equal(make_scale(&s, 0, 1, OPRO_DISPLAY_BUCKETS, 0, NULL, NULL), OPRO_OK);
    assert_int_equal(s.display, OPRO_DISPLAY_BUCKETS);
    assert_true(s.buckets == 100);
    assert_int_equal(make_scale(&s, NAN, NAN, OPRO_DISPLAY_DECIMALS, 2, NULL, NULL), OPRO_OK);
    assert_int_equal(s.display, OPRO_DISPLAY_DECIMALS);
    assert_int_equal(s.decimals, 2);
    /* buckets by default, but no range: decimals instead; asked for: an error */
    assert_int_equal(make_scale(&s, NAN, NAN, OPRO_DISPLAY_BUCKETS, 0, NULL, NULL), OPRO_OK);
    assert_int_equal(s.display, OPRO_DISPLAY_DECIMALS);
    assert_int_equal(s.decimals, 3);
    assert_int_equal(make_scale(&s, NAN, NAN, OPRO_DISPLAY_DECIMALS, 2, "score_display", "buckets"),
                     OPRO_ERR_INVALID);
    assert_int_equal(make_scale(&s, 0, 1, OPRO_DISPLAY_BUCKETS, 0, "score_display", "none"),
                     OPRO_OK);
    assert_int_equal(s.display, OPRO_DISPLAY_NONE);
    assert_int_equal(make_scale(&s, 0, 1, OPRO_DISPLAY_BUCKETS, 1, "score_display", "decimals"),
                     OPRO_OK);
    assert_int_equal(s.decimals, 3); /* the option's, not the problem's */
}

/* ---- solutions ------------------------------------------------------------------------------- */

static void shows(const opro__space *space, const char *text, const char *expect) {
    opro__mem mem;
    opro__buf out;

    opro__mem_init(&mem, NULL);
    opro__buf_init(&out, &mem, 1000);
    opro__show_vector(space, text, strlen(text), &out);
    assert_string_equal(opro__buf_text(&out), expect);
    opro__buf_free(&out);
}

static void test_vectors(void **state) {
    char w[] = "w", b[] = "b", *names[] = {w, b};
    opro__space space = {.kind = OPRO__SPACE_VECTOR, .n = 2};

    (void)state;
    shows(&space, "3, -4.5", "x1=3, x2=-4.5");
    space.names = names;
    shows(&space, "3, -4.5", "w=3, b=-4.5");
    shows(&space, "3,4", "w=3, b=4");
    shows(&space, "3", "w=3");
    shows(&space, "3, 4, 5", "w=3, b=4, 5"); /* not of this space, but nothing is hidden */
    shows(&space, "", "");
}

/* ---- which ones ------------------------------------------------------------------------------ */

typedef struct fixture {
    opro__mem mem;
    opro_trajectory *t;
    opro_config *config;
    opro__shown shown;
} fixture;

/* Scores 0.00, 0.07, 0.14, ...: all different, in no order. */
static void set_up(fixture *f, size_t n, int32_t direction) {
    opro__mem_init(&f->mem, NULL);
    opro__shown_init(&f->shown, &f->mem);
    assert_int_equal(opro_config_new(&f->config, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_new(&f->t, direction, NULL), OPRO_OK);
    for (size_t i = 0; i < n; i++) {
        double score = (double)(i * 7 % n) / (double)n;
        char text[32];

        snprintf(text, sizeof text, "text %zu", i);
        assert_int_equal(opro_trajectory_add(f->t, text, OPRO_ZT, &score, 1, NULL), OPRO_OK);
    }
}

static void tear_down(fixture *f) {
    opro__shown_free(&f->shown);
    opro_trajectory_free(f->t);
    opro_config_free(f->config);
    assert_int_equal(f->mem.used, 0);
}

static void option(fixture *f, const char *name, const char *value) {
    assert_int_equal(opro_config_set(f->config, name, OPRO_ZT, value, OPRO_ZT), OPRO_OK);
}

static void choose(fixture *f, int64_t step) {
    assert_int_equal(opro__shown_select(&f->shown, &f->config->options, f->t, step), OPRO_OK);
}

static double score_in_text(const fixture *f, size_t i) {
    return opro_trajectory_score(f->t, f->shown.numbers[f->shown.order[i]]);
}

static void test_order(void **state) {
    fixture f;

    (void)state;
    set_up(&f, 10, OPRO_MAXIMIZE);
    option(&f, "shown_solutions", "4");
    choose(&f, 0);
    assert_int_equal(f.shown.n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(fabs(score_in_text(&f, i) - (0.6 + 0.1 * (double)i)) < 1e-9);
    option(&f, "order", "descending");
    choose(&f, 0);
    for (size_t i = 0; i < 4; i++)
        assert_true(fabs(score_in_text(&f, i) - (0.9 - 0.1 * (double)i)) < 1e-9);
    tear_down(&f);

    set_up(&f, 10, OPRO_MINIMIZE); /* best last: the lowest */
    option(&f, "shown_solutions", "3");
    choose(&f, 0);
    for (size_t i = 0; i < 3; i++)
        assert_true(fabs(score_in_text(&f, i) - (0.2 - 0.1 * (double)i)) < 1e-9);
    tear_down(&f);
}

/* Every place is equally likely; the same step gives the same order. */
static void test_random_order(void **state) {
    int seen[5][5] = {{0}};
    uint32_t before[5];
    fixture f;

    (void)state;
    set_up(&f, 5, OPRO_MAXIMIZE);
    option(&f, "order", "random");
    for (int64_t step = 0; step < 5000; step++) {
        choose(&f, step);
        memcpy(before, f.shown.order, sizeof before);
        choose(&f, step);
        assert_memory_equal(f.shown.order, before, sizeof before);
        for (size_t i = 0; i < 5; i++)
            seen[i][before[i]]++;
    }
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++)
            assert_in_range(seen[i][k], 850, 1150); /* 1000 each, sd 28 */
    tear_down(&f);
}

static void test_threshold(void **state) {
    fixture f;

    (void)state;
    set_up(&f, 10, OPRO_MAXIMIZE);
    option(&f, "score_threshold", "0.7");
    choose(&f, 0);
    assert_int_equal(f.shown.n, 3); /* 0.7, which is not worse, to 0.9 */
    option(&f, "score_threshold", "2");
    choose(&f, 0);
    assert_int_equal(f.shown.n, 0);
    option(&f, "score_threshold", "none");
    option(&f, "shown_solutions", "0");
    choose(&f, 0);
    assert_int_equal(f.shown.n, 0);
    tear_down(&f);
    set_up(&f, 10, OPRO_MINIMIZE);
    option(&f, "score_threshold", "0.25");
    choose(&f, 0);
    assert_int_equal(f.shown.n, 3);
    tear_down(&f);
    set_up(&f, 0, OPRO_MINIMIZE);
    choose(&f, 0);
    assert_int_equal(f.shown.n, 0);
    tear_down(&f);
}

/* More than a trajectory keeps in order. */
static void test_many(void **state) {
    fixture f;

    (void)state;
    set_up(&f, 1000, OPRO_MAXIMIZE);
    option(&f, "shown_solutions", "500");
    choose(&f, 0);
    assert_int_equal(f.shown.n, 500);
    for (size_t i = 1; i < 500; i++)
        assert_true(score_in_text(&f, i - 1) < score_in_text(&f, i));
    tear_down(&f);
}

static void test_replace(void **state) {
    int64_t best[5], numbers[5];
    fixture f;

    (void)state;
    set_up(&f, 10, OPRO_MAXIMIZE);
    option(&f, "shown_solutions", "5");
    choose(&f, 0);
    memcpy(best, f.shown.numbers, sizeof best);
    numbers[0] = best[3];
    numbers[1] = best[0];
    numbers[2] = best[4];
    assert_int_equal(opro__shown_replace(&f.shown, numbers, 3), OPRO_OK);
    assert_int_equal(f.shown.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(f.shown.numbers[f.shown.order[i]], numbers[i]);
    assert_int_equal(f.shown.numbers[0], best[0]); /* still best first */
    assert_int_equal(f.shown.numbers[1], best[3]);
    assert_int_equal(f.shown.numbers[2], best[4]);

    numbers[1] = numbers[0];
    assert_int_equal(opro__shown_replace(&f.shown, numbers, 3), OPRO_ERR_CALLBACK);
    numbers[1] = best[1]; /* not selected any more */
    assert_int_equal(opro__shown_replace(&f.shown, numbers, 3), OPRO_ERR_CALLBACK);
    assert_int_equal(opro__shown_replace(&f.shown, numbers, 4), OPRO_ERR_CALLBACK);
    assert_int_equal(f.shown.n, 3);
    assert_int_equal(opro__shown_replace(&f.shown, numbers, 0), OPRO_OK);
    assert_int_equal(f.shown.n, 0);
    assert_int_equal(opro__shown_replace(&f.shown, NULL, 0), OPRO_OK);
    tear_down(&f);
}

static void test_no_memory(void **state) {
    int64_t number;
    fixture f;

    (void)state;
    set_up(&f, 10, OPRO_MAXIMIZE);
    f.mem.limit = 1;
    assert_int_equal(opro__shown_select(&f.shown, &f.config->options, f.t, 0), OPRO_ERR_NOMEM);
    assert_int_equal(f.shown.n, 0);
    f.mem.limit = 80; /* the numbers, not the order */
    assert_int_equal(opro__shown_select(&f.shown, &f.config->options, f.t, 0), OPRO_ERR_NOMEM);
    f.mem.limit = 0;
    choose(&f, 0);
    f.mem.limit = f.mem.used;
    number = f.shown.numbers[0];
    assert_int_equal(opro__shown_replace(&f.shown, &number, 1), OPRO_ERR_NOMEM);
    assert_int_equal(f.shown.n, 10);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_shared_buckets),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_decimals_are_exact),
        cmocka_unit_test(test_scale_of_options),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_random_order),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_no_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    return failed ? failed : shared_missing ? 77 : 0;
}
