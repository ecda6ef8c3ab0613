/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "failing.h"
#include "kits/permutation.h"
#include "opro/tour.h"

#define MOST 40

/* Places on a small grid, or weights at random: many ties. */
static opro_tour *instance(opro__rng *rng, size_t n, const opro_allocator *mem) {
    double x[MOST], y[MOST], weights[MOST * MOST] = {0};
    opro_tour *tour = NULL;

    assert_int_equal(opro_tour_new(&tour, mem), OPRO_OK);
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)opro__rng_below(rng, 8);
        y[i] = (double)opro__rng_below(rng, 8);
        for (size_t j = 0; j < i; j++)
            weights[i * n + j] = weights[j * n + i] = (double)opro__rng_below(rng, 9);
    }
    if (opro__rng_below(rng, 2))
        assert_int_equal(opro_tour_set_matrix(tour, weights, n), OPRO_OK);
    else
        assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_EUCLIDEAN, x, y, n), OPRO_OK);
    return tour;
}

static void naive_nearest(const opro_tour *tour, size_t start, int32_t *nodes, size_t n) {
    char seen[MOST] = {0};

    nodes[0] = (int32_t)start;
    seen[start] = 1;
    for (size_t at = 1; at < n; at++) {
        size_t here = (size_t)nodes[at - 1], best = n;

        for (size_t i = 0; i < n; i++)
            if (!seen[i] &&
                (best == n || opro_tour_weight(tour, here, i) < opro_tour_weight(tour, here, best)))
                best = i;
        nodes[at] = (int32_t)best;
        seen[best] = 1;
    }
}

/* The rule as it is written down, with every insertion looked at in every round. */
static void naive_farthest(const opro_tour *tour, size_t start, int32_t *nodes, size_t n) {
    char seen[MOST] = {0};

    nodes[0] = (int32_t)start;
    seen[start] = 1;
    for (size_t len = 1; len < n; len++) {
        size_t best = n, place = 0;
        double dearest = -1;

        for (size_t k = 0; k < n; k++) {
            double cheapest = 1e300;
            size_t where = 0;

            if (seen[k]) continue;
            for (size_t at = 0; at < len; at++) {
                size_t i = (size_t)nodes[at], j = (size_t)nodes[(at + 1) % len];
                double cost = opro_tour_weight(tour, i, k) + opro_tour_weight(tour, k, j) -
                              opro_tour_weight(tour, i, j);

                if (cost < cheapest) {
                    cheapest = cost;
                    where = at + 1;
                }
            }
            if (best == n || cheapest > dearest) {
                best = k;
                dearest = cheapest;
                place = where;
            }
        }
        memmove(nodes + place + 1, nodes + place, (len - place) * sizeof *nodes);
        nodes[place] = (int32_t)best;
        seen[best] = 1;
    }
}

static void test_rules(void **state) {
    opro__rng rng = opro__rng_make(5, 0, 0);

    (void)state;
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + (size_t)opro__rng_below(&rng, MOST),
               start = (size_t)opro__rng_below(&rng, n);
        opro_tour *tour = instance(&rng, n, NULL);
        int32_t nodes[MOST], expect[MOST];

        naive_nearest(tour, start, expect, n);
        assert_int_equal(opro_tour_nearest_neighbour(tour, start, nodes, n), OPRO_OK);
        assert_memory_equal(nodes, expect, n * sizeof *nodes);
        naive_farthest(tour, start, expect, n);
        assert_int_equal(opro_tour_farthest_insertion(tour, start, nodes, n), OPRO_OK);
        assert_memory_equal(nodes, expect, n * sizeof *nodes);
        assert_true(opro__permutation_valid(nodes, n));
        opro_tour_free(tour);
    }
}

static void test_arguments(void **state) {
    opro__rng rng = opro__rng_make(6, 0, 0);
    opro_tour *tour = instance(&rng, 5, NULL), *empty = NULL;
    int32_t nodes[5];

    (void)state;
    assert_int_equal(opro_tour_new(&empty, NULL), OPRO_OK);
    assert_int_equal(opro_tour_nearest_neighbour(tour, 5, nodes, 5), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_nearest_neighbour(tour, 0, nodes, 4), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_nearest_neighbour(tour, 0, NULL, 5), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_nearest_neighbour(NULL, 0, nodes, 5), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_nearest_neighbour(empty, 0, nodes, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_farthest_insertion(tour, 5, nodes, 5), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_farthest_insertion(NULL, 0, nodes, 5), OPRO_ERR_INVALID);
    opro_tour_free(tour);
    opro_tour_free(empty);
}

static void test_no_memory(void **state) {
    opro__rng rng = opro__rng_make(7, 0, 0);
    failing f = {.left = -1};
    opro_allocator mem = failing_allocator(&f);
    opro_tour *tour = instance(&rng, 12, &mem);
    opro_status st = OPRO_ERR_NOMEM;
    long live = f.live;

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        int32_t nodes[12] = {7};

        assert_true(n < 10);
        f.left = n;
        st = opro_tour_farthest_insertion(tour, 0, nodes, 12);
        assert_int_equal(f.live, live);
        if (st != OPRO_OK) assert_int_equal(nodes[0], 7);
    }
    opro_tour_free(tour);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
