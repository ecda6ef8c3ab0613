/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "failing.h"
#include "kits/tour.h"

/* How many places are nearer to i than j, or as near with a lower number. */
static size_t rank_of(const opro_tour *tour, size_t i, size_t j) {
    double w = opro_tour_weight(tour, i, j);
    size_t rank = 0;

    for (size_t other = 0; other < opro_tour_size(tour); other++) {
        double v = opro_tour_weight(tour, i, other);

        if (other != i && other != j && (v < w || (v == w && other < j))) rank++;
    }
    return rank;
}

static void check(const opro_tour *tour, size_t k, size_t stride) {
    size_t n = opro_tour_size(tour);
    int32_t *nodes = calloc(n * k, sizeof *nodes);
    double *weights = calloc(n * k, sizeof *weights);
    opro__mem mem = tour->mem;

    assert_int_equal(opro__places_near(&tour->places, k, &mem, nodes, weights), OPRO_OK);
    for (size_t i = 0; i < n; i += stride)
        for (size_t at = 0; at < k; at++) {
            assert_int_equal(rank_of(tour, i, (size_t)nodes[i * k + at]), at);
            assert_true(weights[i * k + at] ==
                        opro_tour_weight(tour, i, (size_t)nodes[i * k + at]));
        }
    free(nodes);
    free(weights);
}

/* The short cut by sorted keys finds what looking at all pairs finds. */
static void test_points(void **state) {
    const int32_t metrics[] = {OPRO_METRIC_EUC_2D, OPRO_METRIC_CEIL_2D,   OPRO_METRIC_ATT,
                               OPRO_METRIC_GEO,    OPRO_METRIC_EUCLIDEAN, OPRO_METRIC_GREAT_CIRCLE};
    double x[300], y[300];
    opro__rng rng = opro__rng_make(2, 0, 0);

    (void)state;
    for (size_t i = 0; i < 300; i++) { /* degrees and minutes; many ties */
        x[i] = (double)opro__rng_below(&rng, 30) + (double)opro__rng_below(&rng, 60) / 100;
        y[i] = (double)opro__rng_below(&rng, 40);
    }
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        opro_tour *tour = NULL;

        assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
        assert_int_equal(opro_tour_set_points(tour, metrics[m], x, y, 300), OPRO_OK);
        check(tour, 10, 1);
        assert_int_equal(opro_tour_set_points(tour, metrics[m], x, y, 5), OPRO_OK);
        check(tour, 4, 1);
        opro_tour_free(tour);
    }
}

static void test_many(void **state) {
    double x[1500], y[1500];
    opro__rng rng = opro__rng_make(3, 0, 0);
    opro_tour *tour = NULL;

    (void)state;
    for (size_t i = 0; i < 1500; i++) {
        x[i] = (double)opro__rng_below(&rng, 1000);
        y[i] = (double)opro__rng_below(&rng, 1000);
    }
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_EUC_2D, x, y, 1500), OPRO_OK);
    check(tour, 10, 50);
    opro_tour_free(tour);
}

static void test_matrix(void **state) {
    double weights[40 * 40] = {0};
    opro__rng rng = opro__rng_make(4, 0, 0);
    opro_tour *tour = NULL;

    (void)state;
    for (size_t i = 0; i < 40; i++)
        for (size_t j = 0; j < i; j++)
            weights[i * 40 + j] = weights[j * 40 + i] = (double)opro__rng_below(&rng, 20);
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_set_matrix(tour, weights, 40), OPRO_OK);
    check(tour, 10, 1);
    check(tour, 39, 1);
    opro_tour_free(tour);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_matrix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
