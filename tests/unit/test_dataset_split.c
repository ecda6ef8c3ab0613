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

#include "failing.h"
#include "kits/dataset.h"
#include "opro/problem.h"

static const int32_t sets[] = {OPRO_TRAIN, OPRO_VALIDATION, OPRO_TEST};

static opro_dataset *of(size_t n, const opro_allocator *allocator) {
    opro_dataset *d = NULL;

    assert_int_equal(opro_dataset_new(&d, allocator), OPRO_OK);
    for (size_t i = 0; i < n; i++) {
        char question[30];

        snprintf(question, sizeof question, "question %zu", i);
        assert_int_equal(opro_dataset_add(d, question, OPRO_ZT, "a", 1, NULL, 0), OPRO_OK);
    }
    return d;
}

/* Their sizes; and each is in order, in range, and apart from the others. */
static void sizes(const opro_dataset *d, size_t train, size_t validation, size_t test) {
    const size_t expect[] = {train, validation, test};
    size_t count = opro_dataset_count(d), n;
    char *seen = calloc(count + 1, 1);

    for (int set = 0; set < 3; set++) {
        const int64_t *indices = opro_dataset_split_of(d, sets[set], &n);

        assert_int_equal(n, expect[set]);
        assert_true((indices == NULL) == (n == 0));
        for (size_t i = 0; i < n; i++) {
            assert_in_range(indices[i], 0, count - 1);
            assert_true(i == 0 || indices[i - 1] < indices[i]);
            assert_int_equal(seen[indices[i]]++, 0);
        }
    }
    free(seen);
}

static void test_default(void **state) {
    opro_dataset *d = of(20, NULL);
    size_t n = 7;

    (void)state;
    sizes(d, 20, 0, 0);
    assert_int_equal(opro_dataset_split_of(d, OPRO_TRAIN, NULL)[19], 19);
    assert_null(opro_dataset_split_of(d, 11, &n));
    assert_int_equal(n, 0);
    opro_dataset_free(d);
    d = of(0, NULL);
    sizes(d, 0, 0, 0);
    assert_int_equal(opro_dataset_split(d, 0.5, 0.25, 0.25, 1), OPRO_OK);
    assert_int_equal(opro_dataset_split_published(d, 0.5, 0), OPRO_OK);
    sizes(d, 0, 0, 0);
    opro_dataset_free(d);
}

static void test_shares(void **state) {
    static const struct {
        double share[3];
        size_t n, size[3];
    } cases[] = {
        {{0.5, 0.25, 0.25}, 100, {50, 25, 25}},
        {{0.29, 0.57, 0.14}, 100, {29, 57, 14}},
        {{0.7, 0.2, 0.1}, 10, {7, 2, 1}},
        {{0.8, 0.1, 0.1}, 187, {149, 18, 18}},
        {{0.001, 0.5, 0}, 10, {1, 5, 0}},
        {{0, 0, 1}, 10, {0, 0, 10}},
        {{0, 0, 0}, 10, {0, 0, 0}},
        {{0.001, 0.999, 0}, 1, {1, 0, 0}},
        {{1, 0, 0}, 10, {10, 0, 0}},
        {{1. / 3, 1. / 3, 1. / 3}, 9, {3, 3, 3}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double *share = cases[i].share;
        opro_dataset *d = of(cases[i].n, NULL);

        assert_int_equal(opro_dataset_split(d, share[0], share[1], share[2], i), OPRO_OK);
        sizes(d, cases[i].size[0], cases[i].size[1], cases[i].size[2]);
        opro_dataset_free(d);
    }
}

/* The same on every platform, another one with another seed, and all examples have their turn. */
static void test_seeds(void **state) {
    static const int64_t seed7[] = {1, 2, 5, 9, 18};
    opro_dataset *d = of(20, NULL);
    int drawn[20] = {0};
    uint64_t digest;
    size_t n;

    (void)state;
    assert_int_equal(opro_dataset_split(d, 0.25, 0, 0.75, 7), OPRO_OK);
    assert_memory_equal(opro_dataset_split_of(d, OPRO_TRAIN, &n), seed7, sizeof seed7);
    digest = opro_dataset_digest(d);
    assert_int_equal(opro_dataset_split(d, 0.25, 0, 0.75, 8), OPRO_OK);
    assert_true(opro_dataset_digest(d) != digest);
    assert_int_equal(opro_dataset_split(d, 0.25, 0, 0.75, 7), OPRO_OK);
    assert_true(opro_dataset_digest(d) == digest);
    for (uint64_t seed = 0; seed < 2000; seed++) {
        const int64_t *train;

        assert_int_equal(opro_dataset_split(d, 0.25, 0, 0.75, seed), OPRO_OK);
        train = opro_dataset_split_of(d, OPRO_TRAIN, &n);
        for (size_t i = 0; i < n; i++)
            drawn[train[i]]++;
    }
    for (int i = 0; i < 20; i++) /* 500, five standard deviations */
        assert_in_range(drawn[i], 400, 600);
    opro_dataset_free(d);
}

static void test_by_hand(void **state) {
    static const int64_t test[] = {9, 2, 5}, validation[] = {5, 0}, twice[] = {1, 2, 1},
                         outside[] = {10}, negative[] = {-1};
    opro_dataset *d = of(10, NULL);
    uint64_t digest;

    (void)state;
    assert_int_equal(opro_dataset_set_split(d, OPRO_TEST, test, 3), OPRO_OK);
    sizes(d, 7, 0, 3);
    assert_int_equal(opro_dataset_split_of(d, OPRO_TEST, NULL)[1], 5);
    assert_int_equal(opro_dataset_set_split(d, OPRO_VALIDATION, validation, 2), OPRO_OK);
    sizes(d, 6, 2, 2); /* 5 has left the test examples */
    digest = opro_dataset_digest(d);
    assert_int_equal(opro_dataset_set_split(d, OPRO_TRAIN, twice, 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_split(d, OPRO_TRAIN, outside, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_split(d, OPRO_TRAIN, negative, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_split(d, OPRO_TRAIN, NULL, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_split(d, 11, test, 3), OPRO_ERR_INVALID);
    assert_true(opro_dataset_digest(d) == digest);
    assert_int_equal(opro_dataset_set_split(d, OPRO_TRAIN, twice, 1), OPRO_OK);
    sizes(d, 1, 2, 2); /* the others are in no set */
    assert_int_equal(opro_dataset_set_split(d, OPRO_VALIDATION, NULL, 0), OPRO_OK);
    sizes(d, 1, 0, 2);
    opro_dataset_free(d);
}

static void test_wrong(void **state) {
    static const double wrong[][3] = {{-0.1, 0, 0}, {1.1, 0, 0},      {0.5, 0.5, 0.1},
                                      {NAN, 0, 0},  {0, INFINITY, 0}, {0, 0, -1}};
    opro_dataset *d = of(10, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(opro_dataset_split(d, wrong[i][0], wrong[i][1], wrong[i][2], 0),
                         OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_split_published(d, 1.5, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_split_published(d, 0.6, 0.5), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_split_published(d, NAN, 0), OPRO_ERR_INVALID);
    sizes(d, 10, 0, 0);
    assert_int_equal(opro_dataset_split(d, 0.5, 0, 0, 0), OPRO_OK); /* nothing after it */
    assert_int_equal(opro_dataset_add(d, "q", 1, "a", 1, NULL, 0), OPRO_ERR_STATE);
    assert_int_equal(opro_dataset_read(d, "q\ta", 3, OPRO_LAYOUT_GSM8K), OPRO_ERR_STATE);
    assert_int_equal(opro_dataset_split(d, 1, 0, 0, 0), OPRO_OK);
    assert_int_equal(opro_dataset_add(d, "q", 1, "a", 1, NULL, 0), OPRO_OK);
    sizes(d, 11, 0, 0);
    opro_dataset_free(d);
}

/* Check values of the published program; the lists whole are in the conformance vectors. */
static void test_published(void **state) {
    static const struct {
        size_t n;
        double share;
        size_t train;
        int64_t first[5];
    } cases[] = {{250, 0.2, 50, {5, 8, 12, 22, 37}},
                 {187, 0.2, 37, {4, 5, 7, 18, 26}},
                 {146, 0.2, 29, {7, 8, 16, 22, 24}},
                 {178, 0.2, 35, {4, 5, 7, 8, 18}}};
    opro_dataset *d;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        d = of(cases[i].n, NULL);
        assert_int_equal(opro_dataset_split_published(d, cases[i].share, 0), OPRO_OK);
        sizes(d, cases[i].train, 0, cases[i].n - cases[i].train);
        assert_memory_equal(opro_dataset_split_of(d, OPRO_TRAIN, NULL), cases[i].first,
                            sizeof cases[i].first);
        opro_dataset_free(d);
    }
}

/* The second draw goes on with the same numbers: made with NumPy 1.26. */
static void test_published_validation(void **state) {
    static const int64_t train[] = {1, 6, 8, 10, 13, 17, 18, 19}, validation[] = {0, 3, 4, 5, 16};
    opro_dataset *d = of(20, NULL);

    (void)state;
    assert_int_equal(opro_dataset_split_published(d, 0.4, 0.25), OPRO_OK);
    sizes(d, 8, 5, 7);
    assert_memory_equal(opro_dataset_split_of(d, OPRO_TRAIN, NULL), train, sizeof train);
    assert_memory_equal(opro_dataset_split_of(d, OPRO_VALIDATION, NULL), validation,
                        sizeof validation);
    opro_dataset_free(d);
}

static void test_no_memory(void **state) {
    static const int64_t some[] = {3, 1};

    (void)state;
    for (int call = 0; call < 3; call++) {
        opro_status st = OPRO_ERR_NOMEM;

        for (long n = 0; st == OPRO_ERR_NOMEM; n++) {
            failing f = {-1, 0};
            const opro_allocator allocator = failing_allocator(&f);
            opro_dataset *d = of(10, &allocator);

            f.left = n;
            st = call == 0   ? opro_dataset_split(d, 0.5, 0.5, 0, 3)
                 : call == 1 ? opro_dataset_split_published(d, 0.5, 0)
                             : opro_dataset_set_split(d, OPRO_TEST, some, 2);
            if (st == OPRO_ERR_NOMEM) sizes(d, 10, 0, 0);
            assert_true(st == OPRO_ERR_NOMEM ? n < 2 : st == OPRO_OK && n > 0);
            opro_dataset_free(d);
            assert_int_equal(f.live, 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_published_validation),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
