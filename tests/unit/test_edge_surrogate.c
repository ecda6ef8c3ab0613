/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failing.h"
#include "search/edge_surrogate.h"
#include "search/matrix_tour.h"
#include "search/permutation.h"

#define N 9

typedef struct instance {
    double cost[N * N];
    opro__rng rng;
} instance;

static void make(instance *in, uint64_t seed) {
    in->rng = opro__rng_make(seed, 0, OPRO__RNG_LOCAL);
    for (size_t i = 0; i < N; i++) {
        in->cost[i * N + i] = 0;
        for (size_t j = 0; j < i; j++)
            in->cost[i * N + j] = in->cost[j * N + i] =
                (double)opro__rng_below(&in->rng, 1000) - 100;
    }
}

static double length(const double *cost, const int32_t *tour) {
    double sum = 0;

    for (size_t i = 0; i < N; i++)
        sum += cost[tour[i] * N + tour[(i + 1) % N]];
    return sum;
}

static void random_tour(instance *in, int32_t *tour) {
    for (size_t i = 0; i < N; i++)
        tour[i] = (int32_t)i;
    opro__permutation_shuffle(tour, N, &in->rng);
}

/* Learn random tours until all is known; returns how many that took. */
static int learn_all(opro__edges *edges, instance *in) {
    int32_t tour[N];
    int count = 0;

    while (!opro__edges_settled(edges) && count < 1000) {
        random_tour(in, tour);
        assert_true(opro__edges_learn(edges, tour, length(in->cost, tour)));
        count++;
    }
    return count;
}

static void test_when_settled_all_lengths_are_known(void **state) {
    opro__mem mem;
    opro__edges edges;
    instance in;
    double costs[N * N];
    int32_t first[N], tour[N];
    int count;

    (void)state;
    make(&in, 1);
    opro__mem_init(&mem, NULL);
    assert_true(opro__edges_init(&edges, N, &mem));
    count = learn_all(&edges, &in);
    assert_true(edges.rank == N * (N - 3) / 2);
    assert_in_range(count, N * (N - 3) / 2 + 1, 60);
    for (size_t i = 0; i < edges.rank; i++)
        for (size_t j = 0; j <= i; j++) {
            double product = 0;

            for (size_t k = 0; k < edges.edges; k++)
                product += edges.basis[i][k] * edges.basis[j][k];
            assert_true(fabs(product - (i == j)) < 1e-14);
        }
    opro__edges_draw(&edges, 1, &in.rng, costs); /* nothing is left to draw */
    random_tour(&in, first);
    for (int i = 0; i < 100; i++) {
        random_tour(&in, tour);
        assert_true(fabs(length(costs, tour) - length(costs, first) - length(in.cost, tour) +
                         length(in.cost, first)) < 1e-6);
        assert_true(opro__edges_learn(&edges, tour, length(in.cost, tour)));
    }
    assert_false(edges.wrong);
    opro__edges_free(&edges);
    assert_int_equal(mem.used, 0);
}

/*
 * What was scored is certain, what was not is open: draws agree on the former, and differ on the
 * latter.
 */
static void test_draws_agree_with_what_was_scored(void **state) {
    opro__mem mem;
    opro__edges edges;
    instance in;
    double costs[2][N * N];
    int32_t tour[8][N];

    (void)state;
    make(&in, 2);
    opro__mem_init(&mem, NULL);
    assert_true(opro__edges_init(&edges, N, &mem));
    for (int i = 0; i < 8; i++) {
        random_tour(&in, tour[i]);
        if (i < 7) assert_true(opro__edges_learn(&edges, tour[i], length(in.cost, tour[i])));
    }
    for (int d = 0; d < 2; d++) {
        opro__edges_draw(&edges, 1, &in.rng, costs[d]);
        for (int i = 1; i < 7; i++)
            assert_true(fabs(length(costs[d], tour[i]) - length(costs[d], tour[0]) -
                             length(in.cost, tour[i]) + length(in.cost, tour[0])) < 1e-6);
    }
    assert_true(fabs(length(costs[0], tour[7]) - length(costs[0], tour[0]) -
                     length(costs[1], tour[7]) + length(costs[1], tour[0])) > 1);
    opro__edges_free(&edges);
}

static void test_the_best_tour_is_kept(void **state) {
    opro__mem mem;
    opro__edges edges;
    instance in;
    int32_t tour[N], best[N];
    double least = INFINITY;

    (void)state;
    make(&in, 3);
    opro__mem_init(&mem, NULL);
    assert_true(opro__edges_init(&edges, N, &mem));
    for (int i = 0; i < 20; i++) {
        double l;

        random_tour(&in, tour);
        l = length(in.cost, tour);
        assert_true(opro__edges_learn(&edges, tour, l));
        if (l < least) memcpy(best, tour, sizeof tour);
        if (l < least) least = l;
    }
    assert_memory_equal(edges.best, best, sizeof best);
    opro__edges_clear(&edges);
    assert_true(edges.rank == 0 && !edges.started && edges.best_badness == INFINITY);
    opro__edges_free(&edges);
}

static void test_what_is_no_sum_over_edges_is_noticed(void **state) {
    opro__mem mem;
    opro__edges edges;
    instance in;
    int32_t tour[N];

    (void)state;
    make(&in, 4);
    opro__mem_init(&mem, NULL);
    assert_true(opro__edges_init(&edges, N, &mem));
    for (int i = 0; i < 80; i++) {
        random_tour(&in, tour);
        assert_true(opro__edges_learn(&edges, tour, (double)opro__rng_below(&in.rng, 1000)));
    }
    assert_true(edges.wrong);
    opro__edges_free(&edges);
}

/* Scores that are rounded to whole numbers are no reason to give the model up. */
static void test_rounded_scores_will_do(void **state) {
    opro__mem mem;
    opro__edges edges;
    instance in;
    int32_t tour[N];

    (void)state;
    make(&in, 5);
    for (size_t i = 0; i < N * N; i++)
        in.cost[i] *= 10;
    opro__mem_init(&mem, NULL);
    assert_true(opro__edges_init(&edges, N, &mem));
    for (int i = 0; i < 200; i++) {
        random_tour(&in, tour);
        assert_true(opro__edges_learn(&edges, tour, floor(length(in.cost, tour) / 7) * 7));
    }
    assert_false(edges.wrong);
    opro__edges_free(&edges);
}

/* The shortest tour, by trying all: the last node stays where it is. */
static double shortest(const double *cost, int32_t *tour, size_t k) {
    double best = k == 1 ? length(cost, tour) : INFINITY;

    for (size_t i = 0; k > 1 && i < k; i++) {
        int32_t node = tour[i];
        double l;

        tour[i] = tour[k - 1];
        tour[k - 1] = node;
        l = shortest(cost, tour, k - 1);
        tour[k - 1] = tour[i];
        tour[i] = node;
        if (l < best) best = l;
    }
    return best;
}

static void test_short_tours_for_a_matrix(void **state) {
    (void)state;
    for (uint64_t seed = 10; seed < 16; seed++) {
        instance in;
        int32_t tour[N], sorted[N] = {0};
        double before, optimum;

        make(&in, seed);
        random_tour(&in, tour);
        before = length(in.cost, tour);
        optimum = shortest(in.cost, tour, N - 1);
        opro__matrix_improve(in.cost, tour, N, 0, &in.rng);
        assert_true(length(in.cost, tour) <= before);
        opro__matrix_improve(in.cost, tour, N, 200, &in.rng);
        assert_true(length(in.cost, tour) == optimum);
        for (size_t i = 0; i < N; i++)
            sorted[tour[i]]++;
        for (size_t i = 0; i < N; i++)
            assert_int_equal(sorted[i], 1);
    }
}

static void test_no_memory(void **state) {
    int done = 0;

    (void)state;
    for (long n = 0; !done; n++) {
        failing f = {.left = n};
        opro_allocator allocator = failing_allocator(&f);
        opro__mem mem;
        opro__edges edges;
        instance in;
        int32_t tour[N];
        int ok;

        make(&in, 6);
        assert_int_equal(opro__mem_init(&mem, &allocator), OPRO_OK);
        ok = opro__edges_init(&edges, N, &mem);
        for (int i = 0; ok && i < 40; i++) {
            random_tour(&in, tour);
            ok = opro__edges_learn(&edges, tour, length(in.cost, tour));
        }
        done = ok;
        opro__edges_free(&edges);
        assert_int_equal(f.live, 0);
        assert_true(n < 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_settled_all_lengths_are_known),
        cmocka_unit_test(test_draws_agree_with_what_was_scored),
        cmocka_unit_test(test_the_best_tour_is_kept),
        cmocka_unit_test(test_what_is_no_sum_over_edges_is_noticed),
        cmocka_unit_test(test_rounded_scores_will_do),
        cmocka_unit_test(test_short_tours_for_a_matrix),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
