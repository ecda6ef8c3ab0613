/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opro/optimizer.h"
#include "opro/tour.h"
#include "search/arms.h"
#include "search/permutation.h"

#define MOST 40

static void in_order(int32_t *nodes, size_t n) {
    for (size_t i = 0; i < n; i++)
        nodes[i] = (int32_t)i;
}

static void check_permutation(const int32_t *nodes, size_t n) {
    int seen[MOST] = {0};

    for (size_t i = 0; i < n; i++) {
        assert_in_range(nodes[i], 0, n - 1);
        assert_int_equal(seen[nodes[i]]++, 0);
    }
}

/* 1 if a and b follow each other in a round trip. */
static int is_edge(const int32_t *nodes, size_t n, int32_t a, int32_t b) {
    for (size_t i = 0; i < n; i++) {
        int32_t c = nodes[i], d = nodes[(i + 1) % n];

        if ((c == a && d == b) || (c == b && d == a)) return 1;
    }
    return 0;
}

/* How many edges of one round trip another one lacks. */
static size_t edges_lost(const int32_t *from, const int32_t *to, size_t n) {
    size_t lost = 0;

    for (size_t i = 0; i < n; i++)
        lost += !is_edge(to, n, from[i], from[(i + 1) % n]);
    return lost;
}

/* ---- moves ----------------------------------------------------------------------------------- */

static void test_two_opt_changes_two_edges(void **state) {
    opro__rng rng = opro__rng_make(1, 0, OPRO__RNG_LOCAL);

    (void)state;
    for (size_t n = 4; n < 12; n++)
        for (int i = 0; i < 200; i++) {
            int32_t before[MOST], nodes[MOST];

            in_order(before, n);
            in_order(nodes, n);
            opro__permutation_two_opt(nodes, n, &rng);
            check_permutation(nodes, n);
            assert_int_equal(edges_lost(before, nodes, n), 2);
        }
}

static void test_or_opt_moves_up_to_three_nodes(void **state) {
    opro__rng rng = opro__rng_make(2, 0, OPRO__RNG_LOCAL);
    size_t counts[4] = {0};

    (void)state;
    for (size_t n = 5; n < 12; n++)
        for (int i = 0; i < 300; i++) {
            int32_t before[MOST], nodes[MOST];
            size_t lost;

            in_order(before, n);
            in_order(nodes, n);
            opro__permutation_or_opt(nodes, n, i % 2, &rng);
            check_permutation(nodes, n);
            lost = edges_lost(before, nodes, n);
            assert_in_range(lost, n < 7 ? 0 : 2, 3); /* 0: of few nodes, the same trip backwards */
            counts[lost]++;
        }
    assert_true(counts[3] > counts[2]);
}

static void test_every_or_opt_move_is_reached(void **state) {
    opro__rng rng = opro__rng_make(3, 0, OPRO__RNG_LOCAL);
    unsigned char seen[8][8] = {{0}};

    (void)state;
    for (int i = 0; i < 5000; i++) {
        int32_t nodes[8];

        in_order(nodes, 8);
        opro__permutation_or_opt(nodes, 8, 1, &rng);
        for (size_t k = 0; k < 8; k++)
            seen[nodes[k]][nodes[(k + 1) % 8]] = 1;
    }
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++)
            assert_true(i == k || seen[i][k]);
}

static void test_a_kick_changes_four_edges(void **state) {
    opro__rng rng = opro__rng_make(4, 0, OPRO__RNG_LOCAL);
    int32_t scratch[MOST];
    int four = 0;

    (void)state;
    for (size_t n = 8; n <= MOST; n += 8)
        for (int i = 0; i < 200; i++) {
            int32_t before[MOST], nodes[MOST];
            size_t lost;

            in_order(before, n);
            in_order(nodes, n);
            opro__permutation_kick(nodes, n, i % 2 ? 12 : n, &rng, scratch);
            check_permutation(nodes, n);
            lost = edges_lost(before, nodes, n);
            assert_in_range(lost, 2, 4);
            four += lost == 4;
        }
    assert_true(four > 500);
}

static void test_a_move_puts_nodes_where_it_says(void **state) {
    static const int32_t back[] = {0, 3, 4, 1, 2, 5};
    int32_t nodes[6];

    (void)state;
    in_order(nodes, 6);
    opro__permutation_move(nodes, 6, 1, 2, 4, 0);
    assert_memory_equal(nodes, back, sizeof back);
    in_order(nodes, 6);
    opro__permutation_move(nodes, 6, 0, 2, 3, 0);
    opro__permutation_move(nodes, 6, 0, 2, 3, 0);
    check_permutation(nodes, 6);
    assert_int_equal(nodes[0], 0);
    opro__permutation_move(nodes, 6, 0, 2, 3, 1);
    assert_int_equal(nodes[2], 1);
    assert_int_equal(nodes[3], 0);
}

static void test_swap_changes_two_nodes(void **state) {
    opro__rng rng = opro__rng_make(5, 0, OPRO__RNG_LOCAL);

    (void)state;
    for (int i = 0; i < 100; i++) {
        int32_t nodes[5];
        int moved = 0;

        in_order(nodes, 5);
        opro__permutation_swap(nodes, 5, &rng);
        check_permutation(nodes, 5);
        for (int32_t k = 0; k < 5; k++)
            moved += nodes[k] != k;
        assert_int_equal(moved, 2);
    }
}

static void test_crossover_keeps_what_both_have(void **state) {
    opro__rng rng = opro__rng_make(6, 0, OPRO__RNG_LOCAL);
    size_t foreign = 0, edges = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        int32_t a[MOST], b[MOST], child[MOST], work[6 * MOST];
        size_t kept = 0, common = 0;

        in_order(a, MOST);
        opro__permutation_shuffle(a, MOST, &rng);
        memcpy(b, a, sizeof a);
        for (int k = 0; k < 5; k++)
            opro__permutation_two_opt(b, MOST, &rng);
        opro__permutation_cross(a, b, MOST, &rng, child, work);
        check_permutation(child, MOST);
        for (size_t k = 0; k < MOST; k++) {
            int32_t x = a[k], y = a[(k + 1) % MOST];

            common += is_edge(b, MOST, x, y) != 0;
            kept += is_edge(b, MOST, x, y) && is_edge(child, MOST, x, y);
            x = child[k];
            y = child[(k + 1) % MOST];
            foreign += !is_edge(a, MOST, x, y) && !is_edge(b, MOST, x, y);
            edges++;
        }
        assert_int_equal(kept, common);
    }
    assert_true(foreign * 20 < edges);
}

static void test_a_child_of_twins_is_their_twin(void **state) {
    opro__rng rng = opro__rng_make(7, 0, OPRO__RNG_LOCAL);
    int32_t a[MOST], child[MOST], work[6 * MOST];

    (void)state;
    in_order(a, MOST);
    opro__permutation_shuffle(a, MOST, &rng);
    opro__permutation_cross(a, a, MOST, &rng, child, work);
    assert_int_equal(edges_lost(a, child, MOST), 0);
}

/* ---- the arms -------------------------------------------------------------------------------- */

typedef struct bench {
    opro__mem mem;
    opro__space space;
    const opro__arms *arms;
    void *state;
    opro__rng rng;
} bench;

static void open_bench(bench *b, size_t n, int32_t symmetry, int polished) {
    *b = (bench){.space = {.kind = OPRO__SPACE_PERMUTATION, .n = n, .symmetry = symmetry}};
    b->rng = opro__rng_make(8, (int64_t)n, OPRO__RNG_LOCAL);
    assert_int_equal(opro__mem_init(&b->mem, NULL), OPRO_OK);
    b->arms = opro__permutation_arms(&b->space, polished, 1, &b->mem, &b->state);
    assert_non_null(b->arms);
    b->arms->reset(b->state);
}

static void close_bench(bench *b) {
    b->arms->free(b->state, &b->mem);
    assert_int_equal(b->mem.used, 0);
}

/* A candidate like this was scored. */
static void teach(bench *b, const char *text, double badness) {
    opro__candidate c = {.text = text, .len = (uint32_t)strlen(text), .score = badness};

    assert_int_equal(b->arms->learn(b->state, &c, badness, OPRO__NO_ARM), OPRO_OK);
}

/* What an arm proposes, read back. */
static void propose(bench *b, size_t arm, int32_t *nodes) {
    opro_error err;
    opro__buf text;

    opro__buf_init(&text, &b->mem, 1000);
    assert_int_equal(b->arms->propose(b->state, arm, &b->rng, &text), OPRO_OK);
    assert_int_equal(opro__permutation_read(&b->space, text.data, text.len, nodes, &b->mem, &err),
                     OPRO_OK);
    opro__buf_free(&text);
}

static size_t arm_of(const bench *b, int32_t origin) {
    for (size_t i = 0; i <= b->arms->n; i++)
        if (b->arms->origins[i] == origin) return i;
    fail();
    return 0;
}

static void test_blind_arms_move_the_best(void **state) {
    static const int32_t best[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    int32_t nodes[10];
    size_t near = 0;
    bench b;

    (void)state;
    open_bench(&b, 10, OPRO_PERMUTATION_TOUR, 0);
    b.arms->begin(b.state, NULL, 0);
    assert_int_equal(b.arms->usable(b.state), 0);
    teach(&b, "0,5,2,7,4,9,6,1,8,3", 9);
    teach(&b, "0,1,2,3,4,5,6,7,8,9", 5);
    b.arms->begin(b.state, NULL, 0);
    assert_int_equal(b.arms->usable(b.state), 7);
    for (int i = 0; i < 100; i++) {
        propose(&b, arm_of(&b, i % 2 ? OPRO_ORIGIN_LOCAL_TWO_OPT : OPRO_ORIGIN_LOCAL_OR_OPT),
                nodes);
        assert_int_equal(nodes[0], 0); /* canonical */
        near += edges_lost(best, nodes, 10) <= 3;
    }
    assert_true(near > 80);
    propose(&b, arm_of(&b, OPRO_ORIGIN_LOCAL_SURROGATE), nodes);
    b.arms->begin(b.state, NULL, 1); /* stalled: only what edges cost is still of use */
    assert_int_equal(b.arms->usable(b.state), 1u << arm_of(&b, OPRO_ORIGIN_LOCAL_SURROGATE));
    close_bench(&b);
}

static void test_polished_arms_give_something_to_polish(void **state) {
    static const int32_t best[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    int32_t nodes[10];
    bench b;

    (void)state;
    open_bench(&b, 10, OPRO_PERMUTATION_TOUR, 1);
    teach(&b, "0,1,2,3,4,5,6,7,8,9", 5);
    b.arms->begin(b.state, NULL, 0);
    assert_int_equal(b.arms->usable(b.state), 1u << arm_of(&b, OPRO_ORIGIN_LOCAL_KICK));
    propose(&b, arm_of(&b, OPRO_ORIGIN_LOCAL_KICK), nodes);
    assert_in_range(edges_lost(best, nodes, 10), 2, 4);
    teach(&b, "0,1,2,3,4,9,8,7,6,5", 6);
    b.arms->begin(b.state, NULL, 0);
    assert_int_equal(b.arms->usable(b.state), 3);
    propose(&b, arm_of(&b, OPRO_ORIGIN_LOCAL_CROSSOVER), nodes);
    assert_true(edges_lost(best, nodes, 10) <= 4);
    propose(&b, arm_of(&b, OPRO_ORIGIN_LOCAL_RANDOM), nodes);
    b.arms->restart(b.state);
    assert_int_equal(b.arms->usable(b.state), 0);
    close_bench(&b);
}

/* All sizes and symmetries: whatever is usable proposes permutations. */
static void test_small_ones_and_sequences(void **state) {
    static const int32_t symmetries[] = {OPRO_PERMUTATION_ORDER, OPRO_PERMUTATION_CYCLE,
                                         OPRO_PERMUTATION_TOUR};

    (void)state;
    for (size_t n = 1; n <= 12; n++)
        for (int k = 0; k < 6; k++) {
            int32_t nodes[12];
            bench b;

            open_bench(&b, n, symmetries[k % 3], k / 3);
            for (int step = 0; step < 6; step++) {
                unsigned usable;

                b.arms->begin(b.state, NULL, 0);
                usable = b.arms->usable(b.state);
                for (size_t arm = 0; arm <= b.arms->n; arm++) {
                    opro__buf text;

                    if (arm < b.arms->n && !(usable >> arm & 1)) continue;
                    propose(&b, arm, nodes);
                    opro__buf_init(&text, &b.mem, 1000);
                    opro__permutation_write(nodes, n, &text);
                    teach(&b, text.data, (double)opro__rng_below(&b.rng, 100));
                    opro__buf_free(&text);
                }
            }
            close_bench(&b);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_opt_changes_two_edges),
        cmocka_unit_test(test_or_opt_moves_up_to_three_nodes),
        cmocka_unit_test(test_every_or_opt_move_is_reached),
        cmocka_unit_test(test_a_kick_changes_four_edges),
        cmocka_unit_test(test_a_move_puts_nodes_where_it_says),
        cmocka_unit_test(test_swap_changes_two_nodes),
        cmocka_unit_test(test_crossover_keeps_what_both_have),
        cmocka_unit_test(test_a_child_of_twins_is_their_twin),
        cmocka_unit_test(test_blind_arms_move_the_best),
        cmocka_unit_test(test_polished_arms_give_something_to_polish),
        cmocka_unit_test(test_small_ones_and_sequences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
