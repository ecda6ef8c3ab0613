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
#include "failing.h"
#include "kits/permutation.h"
#include "kits/tour.h"

static void shuffle(opro__rng *rng, int32_t *nodes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t j = (size_t)opro__rng_below(rng, i + 1);

        nodes[i] = nodes[j];
        nodes[j] = (int32_t)i;
    }
}

static double length_of(const opro_tour *tour, const int32_t *nodes) {
    double length = -1;

    assert_int_equal(opro_tour_length(tour, nodes, opro_tour_size(tour), &length), OPRO_OK);
    return length;
}

/* Points on a coarse grid (ties), points anywhere, or weights at random, which obey no triangle. */
static opro_tour *instance(opro__rng *rng, size_t n, const opro_allocator *mem) {
    double *x = calloc(n, sizeof *x), *y = calloc(n, sizeof *y), *w = calloc(n * n, sizeof *w);
    uint64_t kind = opro__rng_below(rng, 3);
    opro_tour *tour = NULL;

    assert_int_equal(opro_tour_new(&tour, mem), OPRO_OK);
    for (size_t i = 0; i < n; i++) {
        x[i] = kind ? opro__rng_real(rng) : (double)opro__rng_below(rng, 6);
        y[i] = kind ? opro__rng_real(rng) : (double)opro__rng_below(rng, 6);
        for (size_t j = 0; kind == 2 && j < i; j++)
            w[i * n + j] = w[j * n + i] = opro__rng_real(rng);
    }
    if (kind == 2)
        assert_int_equal(opro_tour_set_matrix(tour, w, n), OPRO_OK);
    else
        assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_EUCLIDEAN, x, y, n), OPRO_OK);
    free(x);
    free(y);
    free(w);
    return tour;
}

/*
 * No exchange of two edges, and no other place for a node, shortens the tour: n <= 11, where all
 * nodes are neighbours.
 */
static void check_descended(const opro_tour *tour, const int32_t *nodes, size_t n) {
    for (size_t i = 0; i + 1 < n; i++)
        for (size_t j = i + 2; j < n; j++) {
            size_t a = (size_t)nodes[i], b = (size_t)nodes[i + 1], c = (size_t)nodes[j],
                   d = (size_t)nodes[(j + 1) % n];

            if (a == d) continue;
            assert_true(opro_tour_weight(tour, a, c) + opro_tour_weight(tour, b, d) >=
                        (opro_tour_weight(tour, a, b) + opro_tour_weight(tour, c, d)) *
                            (1 - 1e-11));
        }
}

static void test_descent(void **state) {
    opro__rng rng = opro__rng_make(1, 0, 0);

    (void)state;
    for (int round = 0; round < 500; round++) {
        size_t n = 4 + (size_t)opro__rng_below(&rng, 8);
        opro_tour *tour = instance(&rng, n, NULL);
        int32_t nodes[11];
        double before;

        shuffle(&rng, nodes, n);
        before = length_of(tour, nodes);
        assert_int_equal(opro_tour_improve(tour, nodes, n, 0, 0), OPRO_OK);
        assert_true(length_of(tour, nodes) <= before);
        check_descended(tour, nodes, n);
        opro_tour_free(tour);
    }
}

/* The shortest of all tours, by trying them. */
static double shortest(const opro_tour *tour, int32_t *nodes, size_t at, size_t n) {
    double best = 1e300;

    if (at == n) return length_of(tour, nodes);
    for (size_t i = at; i < n; i++) {
        int32_t node = nodes[i];
        double length;

        nodes[i] = nodes[at];
        nodes[at] = node;
        length = shortest(tour, nodes, at + 1, n);
        if (length < best) best = length;
        nodes[at] = nodes[i];
        nodes[i] = node;
    }
    return best;
}

static void test_small_are_optimal(void **state) {
    opro__rng rng = opro__rng_make(2, 0, 0);

    (void)state;
    for (int round = 0; round < 60; round++) {
        size_t n = 1 + (size_t)opro__rng_below(&rng, 7);
        opro_tour *tour = instance(&rng, n, NULL);
        int32_t nodes[7];
        double best;

        shuffle(&rng, nodes, n);
        best = shortest(tour, nodes, 1, n);
        assert_int_equal(opro_tour_improve(tour, nodes, n, 3, 100), OPRO_OK);
        assert_true(fabs(length_of(tour, nodes) - best) <= 1e-9 * best);
        opro_tour_free(tour);
    }
}

static opro_tour *grid(size_t side) {
    double *x = calloc(side * side, sizeof *x), *y = calloc(side * side, sizeof *y);
    opro_tour *tour = NULL;

    for (size_t i = 0; i < side * side; i++) {
        x[i] = (double)(i % side);
        y[i] = (double)(i / side);
    }
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_EUCLIDEAN, x, y, side * side), OPRO_OK);
    free(x);
    free(y);
    return tour;
}

/* A square grid with an even side has a tour of as many unit steps as it has points. */
static void test_quality(void **state) {
    opro_tour *tour = grid(10);
    opro__rng rng = opro__rng_make(3, 0, 0);
    double sum = 0, sum_of_descents = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        int32_t nodes[100], descent[100];

        shuffle(&rng, nodes, 100);
        memcpy(descent, nodes, sizeof nodes);
        assert_int_equal(opro_tour_improve(tour, descent, 100, seed, 0), OPRO_OK);
        assert_int_equal(opro_tour_improve(tour, nodes, 100, seed, 1000), OPRO_OK);
        sum += length_of(tour, nodes) / 10;
        sum_of_descents += length_of(tour, descent) / 10;
    }
    assert_true(sum >= 100);
    assert_true(sum <= 101);
    assert_true(sum_of_descents <= 115);
    opro_tour_free(tour);
}

/*
 * Longer kicks than half the tour, the ends of the array in the middle of a stretch, no full
 * matrix: always a tour, never a longer one, and the same for the same seed.
 */
static void test_any_size(void **state) {
    static const size_t sizes[] = {4, 5, 6, 7, 8, 10, 13, 20, 31, 50, 100, 1100};
    opro__rng rng = opro__rng_make(4, 0, 0);

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int round = 0; round < (sizes[s] < 1000 ? 6 : 1); round++) {
            size_t n = sizes[s];
            opro_tour *tour = instance(&rng, n, NULL);
            int32_t *nodes = calloc(n, sizeof *nodes), *again = calloc(n, sizeof *again);
            double length;

            shuffle(&rng, nodes, n);
            for (int64_t effort = 0; effort <= 200; effort += 100) {
                memcpy(again, nodes, n * sizeof *nodes);
                length = length_of(tour, nodes);
                assert_int_equal(opro_tour_improve(tour, nodes, n, (uint64_t)round, effort),
                                 OPRO_OK);
                assert_true(opro__permutation_valid(nodes, n));
                assert_true(length_of(tour, nodes) <= length);
                assert_int_equal(opro_tour_improve(tour, again, n, (uint64_t)round, effort),
                                 OPRO_OK);
                assert_memory_equal(nodes, again, n * sizeof *nodes);
            }
            free(nodes);
            free(again);
            opro_tour_free(tour);
        }
}

/* The seed selects the kicks. */
static void test_seed(void **state) {
    opro_tour *tour = grid(9);
    opro__rng rng = opro__rng_make(5, 0, 0);
    int32_t start[81], a[81], b[81];

    (void)state;
    shuffle(&rng, start, 81);
    memcpy(a, start, sizeof a);
    memcpy(b, start, sizeof b);
    assert_int_equal(opro_tour_improve(tour, a, 81, 1, 50), OPRO_OK);
    assert_int_equal(opro_tour_improve(tour, b, 81, 2, 50), OPRO_OK);
    assert_memory_not_equal(a, b, sizeof a);
    opro_tour_free(tour);
}

/*
 * Weights that differ by rounding only, are all the same, all 0, or as large as they may be: the
 * descent ends.
 */
static void test_strange_weights(void **state) {
    double weights[30 * 30];
    opro_tour *tour = NULL;
    int32_t nodes[30];

    (void)state;
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    for (int kind = 0; kind < 4; kind++) {
        opro__rng rng = opro__rng_make(6, kind, 0);

        for (size_t i = 0; i < 30; i++)
            for (size_t j = 0; j <= i; j++) {
                double w = kind == 0   ? 0
                           : kind == 1 ? 0.1
                           : kind == 2 ? 0.1 + 1e-17 * (double)opro__rng_below(&rng, 100)
                                       : OPRO__WEIGHT_MAX * opro__rng_real(&rng);

                weights[i * 30 + j] = weights[j * 30 + i] = w;
            }
        assert_int_equal(opro_tour_set_matrix(tour, weights, 30), OPRO_OK);
        shuffle(&rng, nodes, 30);
        assert_int_equal(opro_tour_improve(tour, nodes, 30, 1, 300), OPRO_OK);
        assert_true(opro__permutation_valid(nodes, 30));
        assert_true(isfinite(length_of(tour, nodes)));
    }
    opro_tour_free(tour);
}

static void test_arguments(void **state) {
    opro_tour *tour = grid(2);
    int32_t nodes[4] = {0, 3, 1, 2}, twice[4] = {0, 1, 1, 2};

    (void)state;
    assert_int_equal(opro_tour_improve(NULL, nodes, 4, 0, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_improve(tour, NULL, 4, 0, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_improve(tour, nodes, 4, 0, -1), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_improve(tour, nodes, 3, 0, 0), OPRO_ERR_REJECTED);
    assert_int_equal(opro_tour_improve(tour, twice, 4, 0, 0), OPRO_ERR_REJECTED);
    assert_int_equal(opro_tour_improve(tour, nodes, 4, 0, 0), OPRO_OK);
    assert_true(length_of(tour, nodes) == 4);
    opro_tour_free(tour);
}

static void test_no_memory(void **state) {
    opro__rng rng = opro__rng_make(8, 0, 0);
    failing f = {.left = -1};
    opro_allocator mem = failing_allocator(&f);
    opro_tour *tour = instance(&rng, 60, &mem);
    opro_status st = OPRO_ERR_NOMEM;
    long live = f.live, n = 0;

    (void)state;
    for (; st != OPRO_OK; n++) {
        int32_t nodes[60], before[60];

        assert_true(n < 30);
        shuffle(&rng, nodes, 60);
        memcpy(before, nodes, sizeof nodes);
        f.left = n;
        st = opro_tour_improve(tour, nodes, 60, 1, 200);
        assert_int_equal(f.live, live);
        if (st == OPRO_OK) break;
        assert_int_equal(st, OPRO_ERR_NOMEM);
        assert_memory_equal(nodes, before, sizeof nodes);
    }
    assert_true(n >= 8); /* the log of reversals is among what failed */
    opro_tour_free(tour);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descent),   cmocka_unit_test(test_small_are_optimal),
        cmocka_unit_test(test_quality),   cmocka_unit_test(test_any_size),
        cmocka_unit_test(test_seed),      cmocka_unit_test(test_strange_weights),
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
