/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "search/vector.h"

#define D_MAX 100

/* A space of d coordinates, all with the same bounds. */
typedef struct box {
    opro__space space;
    double lower[D_MAX], upper[D_MAX];
} box;

static void make_box(box *b, size_t d, double lower, double upper, int integer) {
    b->space = (opro__space){.kind = OPRO__SPACE_VECTOR,
                             .n = d,
                             .lower = b->lower,
                             .upper = b->upper,
                             .integer = integer};
    for (size_t i = 0; i < d; i++) {
        b->lower[i] = lower;
        b->upper[i] = upper;
    }
}

static opro__mem new_mem(void) {
    opro__mem mem;

    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    return mem;
}

static double between(opro__rng *rng, double lower, double upper) {
    return lower + (upper - lower) * opro__rng_real(rng);
}

/* ---- the pool -------------------------------------------------------------------------------- */

static void test_the_pool_keeps_the_best_in_order(void **state) {
    opro__mem mem = new_mem();
    opro__rng rng = opro__rng_make(1, 0, OPRO__RNG_LOCAL);
    opro__pool pool;
    double least = INFINITY;

    (void)state;
    assert_true(opro__pool_init(&pool, 2, 7, &mem));
    for (int i = 0; i < 200; i++) {
        double x[2] = {i, -i}, badness = (double)opro__rng_below(&rng, 50);

        opro__pool_insert(&pool, x, badness);
        if (badness < least) least = badness;
        assert_int_equal(pool.n, i < 7 ? i + 1 : 7);
        assert_true(pool.badness[0] == least);
        for (size_t k = 0; k < pool.n; k++) {
            assert_true(pool.x[k][0] == -pool.x[k][1]);
            assert_true(k == 0 || pool.badness[k - 1] <= pool.badness[k]);
        }
    }
    opro__pool_free(&pool, &mem);
    assert_int_equal(mem.used, 0);
}

static void test_spread_is_never_nothing(void **state) {
    opro__mem mem = new_mem();
    opro__pool pool;
    box b;
    double x[3] = {1, 1, 1}, spread[3];

    (void)state;
    make_box(&b, 3, -10, 10, 0);
    b.lower[2] = b.upper[2] = 1;
    assert_true(opro__pool_init(&pool, 3, 20, &mem));
    opro__pool_insert(&pool, x, 1);
    opro__pool_spread(&pool, &b.space, spread);
    assert_true(spread[0] > 0 && spread[1] > 0 && spread[2] == 0);
    x[0] = 5; /* the second coordinate never moved */
    opro__pool_insert(&pool, x, 2);
    opro__pool_spread(&pool, &b.space, spread);
    assert_true(spread[0] == 2 && spread[1] > 0 && spread[1] < 2);
    opro__pool_free(&pool, &mem);
}

/* ---- differential evolution ------------------------------------------------------------------ */

static void test_differential_evolution_stays_in_the_span(void **state) {
    opro__mem mem = new_mem();
    opro__rng rng = opro__rng_make(2, 0, OPRO__RNG_LOCAL);
    opro__pool pool;

    (void)state;
    assert_true(opro__pool_init(&pool, 2, 20, &mem));
    for (int i = 0; i < 4; i++) {
        double x[2] = {i, 3};

        assert_false(opro__de_usable(&pool));
        opro__pool_insert(&pool, x, i);
    }
    assert_true(opro__de_usable(&pool));
    for (int i = 0; i < 100; i++) {
        double x[2];

        opro__de_propose(&pool, &rng, x);
        assert_true(x[1] == 3 && x[0] >= -3 && x[0] <= 6);
    }
    opro__pool_free(&pool, &mem);
}

/* ---- CMA-ES ---------------------------------------------------------------------------------- */

/* Axes of very different lengths, turned against the coordinates. */
static double ellipsoid(const double *x, size_t d) {
    double sum = 0, before = 0;

    for (size_t i = 0; i < d; i++) {
        double y = x[i] + before, scale = i % 2 ? 30 : 1;

        sum += scale * scale * y * y;
        before = d <= 10 ? x[i] / 2 : 0;
    }
    return sum;
}

/* Its offspring alone; the least value after so many of them, eight in each step. */
static double descend_by_cma(size_t d, int evaluations) {
    opro__mem mem = new_mem();
    opro__rng rng = opro__rng_make(3, (int64_t)d, OPRO__RNG_LOCAL);
    opro__pool pool;
    opro__cma cma;
    double x[8][D_MAX], best;
    box b;

    make_box(&b, d, -5, 5, 0);
    assert_true(opro__pool_init(&pool, d, 20, &mem));
    assert_true(opro__cma_init(&cma, d, &mem));
    assert_false(opro__cma_usable(&cma));
    for (int i = 0; i < evaluations; i++) {
        double value;

        if (i % 8 == 0)
            for (int k = 0; k < 8; k++) {
                for (size_t j = 0; j < d; j++)
                    x[k][j] = between(&rng, -5, 5);
                if (i) opro__cma_propose(&cma, &b.space, &rng, x[k]);
            }
        value = ellipsoid(x[i % 8], d);
        opro__pool_insert(&pool, x[i % 8], value);
        opro__cma_learn(&cma, &pool, &b.space, x[i % 8], value, i / 8, i >= 8);
    }
    best = cma.badness;
    assert_true(best == pool.badness[0]);
    opro__cma_restart(&cma);
    assert_false(opro__cma_usable(&cma));
    opro__cma_free(&cma, &mem);
    opro__pool_free(&pool, &mem);
    assert_int_equal(mem.used, 0);
    return best;
}

static void test_cma_finds_minima(void **state) {
    (void)state;
    assert_true(descend_by_cma(2, 1000) < 1e-8);
    assert_true(descend_by_cma(5, 4000) < 1e-6);
    assert_true(descend_by_cma(D_MAX, 20000) < descend_by_cma(D_MAX, 8) / 100);
}

static void test_cma_moves_on_integers(void **state) {
    opro__mem mem = new_mem();
    opro__rng rng = opro__rng_make(4, 0, OPRO__RNG_LOCAL);
    opro__pool pool;
    opro__cma cma;
    double start[2] = {5, 5}, x[2];
    int moved = 0;
    box b;

    (void)state;
    make_box(&b, 2, 0, 10, 1);
    assert_true(opro__pool_init(&pool, 2, 20, &mem));
    assert_true(opro__cma_init(&cma, 2, &mem));
    opro__pool_insert(&pool, start, 1);
    opro__cma_learn(&cma, &pool, &b.space, start, 1, -1, 0);
    cma.sigma = 1e-9;
    for (int i = 0; i < 100; i++) {
        opro__cma_propose(&cma, &b.space, &rng, x);
        moved += fabs(x[0] - 5) > 0.5 || fabs(x[1] - 5) > 0.5;
    }
    assert_in_range(moved, 20, 100);
    opro__cma_free(&cma, &mem);
    opro__pool_free(&pool, &mem);
}

/* ---- the quadratic model --------------------------------------------------------------------- */

/* A convex polynomial of degree two, whose Hessian is F F' for a random F, and its minimum. */
typedef struct bowl {
    size_t d;
    double factor[10][10], minimum[10];
} bowl;

static void make_bowl(bowl *q, size_t d, double narrow, opro__rng *rng) {
    q->d = d;
    for (size_t i = 0; i < d; i++) {
        q->minimum[i] = between(rng, -3, 3);
        for (size_t j = 0; j < d; j++)
            q->factor[i][j] = between(rng, -1, 1) + (i == j ? 2 : 0) * (i == 0 ? narrow : 1);
    }
}

static double bowl_value(const bowl *q, const double *x) {
    double sum = 7;

    for (size_t i = 0; i < q->d; i++) {
        double part = 0;

        for (size_t j = 0; j < q->d; j++)
            part += q->factor[i][j] * (x[j] - q->minimum[j]);
        sum += part * part;
    }
    return sum;
}

static void fill_pool(opro__pool *pool, const bowl *q, size_t count, int integer, opro__rng *rng) {
    for (size_t k = 0; k < count; k++) {
        double x[10];

        for (size_t i = 0; i < q->d; i++) {
            x[i] = between(rng, -10, 10);
            if (integer) x[i] = floor(x[i]);
        }
        opro__pool_insert(pool, x, bowl_value(q, x));
    }
}

static void test_the_model_of_a_polynomial_is_exact(void **state) {
    (void)state;
    for (size_t d = 1; d <= 10; d++) {
        opro__mem mem = new_mem();
        opro__rng rng = opro__rng_make(5, (int64_t)d, OPRO__RNG_LOCAL);
        opro__quadratic model;
        opro__pool pool;
        double x[10];
        bowl q;
        box b;

        make_box(&b, d, -10, 10, 0);
        make_bowl(&q, d, 1, &rng);
        assert_true(opro__pool_init(&pool, d, OPRO__QUADRATIC_POOL(d), &mem));
        assert_true(opro__quadratic_init(&model, d, &mem));
        fill_pool(&pool, &q, OPRO__QUADRATIC_TERMS(d), 0, &rng);
        opro__quadratic_fit(&model, &pool, &b.space);
        assert_false(model.usable); /* as many vectors as terms prove nothing */
        fill_pool(&pool, &q, OPRO__QUADRATIC_TERMS(d), 0, &rng);
        opro__quadratic_fit(&model, &pool, &b.space);
        assert_true(model.usable && model.exact);
        opro__quadratic_propose(&model, &b.space, &rng, x);
        for (size_t i = 0; i < d; i++)
            assert_true(fabs(x[i] - q.minimum[i]) < 1e-5);
        opro__quadratic_free(&model, &mem);
        opro__pool_free(&pool, &mem);
        assert_int_equal(mem.used, 0);
    }
}

/* The best integers within the bounds, by looking at all: rank of x among them. */
static int rank_of(const bowl *q, const double *x) {
    double value = bowl_value(q, x);
    int better = 0;

    for (int i = -10; i <= 10; i++)
        for (int j = -10; j <= 10; j++) {
            double y[2] = {i, j};

            better += bowl_value(q, y) < value - 1e-9;
        }
    return better;
}

static void test_integers_in_the_order_of_their_value(void **state) {
    (void)state;
    for (int64_t k = 0; k < 20; k++) {
        opro__mem mem = new_mem();
        opro__rng rng = opro__rng_make(6, k, OPRO__RNG_LOCAL);
        opro__quadratic model;
        opro__pool pool;
        bowl q;
        box b;

        make_box(&b, 2, -10, 10, 1);
        make_bowl(&q, 2, k % 2 ? 50 : 1, &rng); /* narrow: rounding the minimum will not do */
        if (k == 7) q.minimum[0] = 40;          /* beyond the bounds */
        assert_true(opro__pool_init(&pool, 2, OPRO__QUADRATIC_POOL(2), &mem));
        assert_true(opro__quadratic_init(&model, 2, &mem));
        fill_pool(&pool, &q, 15, 1, &rng);
        opro__quadratic_fit(&model, &pool, &b.space);
        assert_true(model.exact);
        for (int turn = 0; turn < 10; turn++) {
            double x[2];
            size_t at;

            opro__quadratic_propose(&model, &b.space, &rng, x);
            assert_true(x[0] == floor(x[0]) && x[1] == floor(x[1]));
            assert_true(opro__vector_inside(&b.space, x, &at));
            if (k != 7) assert_int_equal(rank_of(&q, x), turn);
        }
        opro__quadratic_free(&model, &mem);
        opro__pool_free(&pool, &mem);
    }
}

static void test_what_is_no_polynomial_is_not_exact(void **state) {
    opro__mem mem = new_mem();
    opro__rng rng = opro__rng_make(7, 0, OPRO__RNG_LOCAL);
    opro__quadratic model;
    opro__pool pool;
    double x[2];
    box b;

    (void)state;
    make_box(&b, 2, -10, 10, 0);
    assert_true(opro__pool_init(&pool, 2, OPRO__QUADRATIC_POOL(2), &mem));
    assert_true(opro__quadratic_init(&model, 2, &mem));
    for (int i = 0; i < 20; i++) {
        x[0] = between(&rng, -10, 10);
        x[1] = between(&rng, -10, 10);
        opro__pool_insert(&pool, x, fabs(x[0]) + fabs(x[1]));
    }
    opro__quadratic_fit(&model, &pool, &b.space);
    assert_true(model.usable && !model.exact);
    opro__quadratic_free(&model, &mem);
    opro__pool_free(&pool, &mem);
}

/*
 * Vectors on a line, all the same value, values that overflow, a maximum: whatever comes, it is a
 * number within the bounds.
 */
static void test_hopeless_vectors(void **state) {
    static const double scales[] = {0, 1, -1, 1e-300, 1e300};

    (void)state;
    for (int64_t k = 0; k < 20; k++) {
        opro__mem mem = new_mem();
        opro__rng rng = opro__rng_make(8, k, OPRO__RNG_LOCAL);
        opro__quadratic model;
        opro__pool pool;
        box b;

        make_box(&b, 2, -10, 10, k >= 10);
        assert_true(opro__pool_init(&pool, 2, OPRO__QUADRATIC_POOL(2), &mem));
        assert_true(opro__quadratic_init(&model, 2, &mem));
        for (int i = 0; i < 20; i++) {
            double t = floor(between(&rng, -10, 10)), u = floor(between(&rng, -10, 10));
            double x[2] = {t, k % 2 ? t / 2 : u};

            opro__pool_insert(&pool, x, scales[k / 2 % 5] * (x[0] * x[0] + x[1] * x[1]));
        }
        opro__quadratic_fit(&model, &pool, &b.space);
        for (int i = 0; model.usable && i < 30; i++) {
            double x[2];
            size_t at;

            opro__quadratic_propose(&model, &b.space, &rng, x);
            assert_true(opro__vector_inside(&b.space, x, &at));
        }
        opro__quadratic_free(&model, &mem);
        opro__pool_free(&pool, &mem);
    }
}

/* On a line the model knows nothing of the other direction: not exact. */
static void test_a_line_is_not_exact(void **state) {
    opro__mem mem = new_mem();
    opro__quadratic model;
    opro__pool pool;
    box b;

    (void)state;
    make_box(&b, 2, -100, 100, 0);
    assert_true(opro__pool_init(&pool, 2, OPRO__QUADRATIC_POOL(2), &mem));
    assert_true(opro__quadratic_init(&model, 2, &mem));
    for (int i = 0; i < 20; i++) {
        double x[2] = {i, 2.0 * i};

        opro__pool_insert(&pool, x, (i - 3) * (i - 3));
    }
    opro__quadratic_fit(&model, &pool, &b.space);
    assert_false(model.exact);
    opro__quadratic_free(&model, &mem);
    opro__pool_free(&pool, &mem);
}

static void test_many_dimensions_have_no_model(void **state) {
    opro__mem mem = new_mem();
    opro__quadratic model;
    opro__pool pool;
    box b;

    (void)state;
    make_box(&b, 11, -1, 1, 0);
    assert_true(opro__pool_init(&pool, 11, 20, &mem));
    assert_true(opro__quadratic_init(&model, 11, &mem));
    opro__quadratic_fit(&model, &pool, &b.space);
    assert_false(model.usable);
    opro__quadratic_free(&model, &mem);
    opro__pool_free(&pool, &mem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pool_keeps_the_best_in_order),
        cmocka_unit_test(test_spread_is_never_nothing),
        cmocka_unit_test(test_differential_evolution_stays_in_the_span),
        cmocka_unit_test(test_cma_finds_minima),
        cmocka_unit_test(test_cma_moves_on_integers),
        cmocka_unit_test(test_the_model_of_a_polynomial_is_exact),
        cmocka_unit_test(test_integers_in_the_order_of_their_value),
        cmocka_unit_test(test_what_is_no_polynomial_is_not_exact),
        cmocka_unit_test(test_hopeless_vectors),
        cmocka_unit_test(test_a_line_is_not_exact),
        cmocka_unit_test(test_many_dimensions_have_no_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
