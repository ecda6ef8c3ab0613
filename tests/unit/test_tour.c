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
#include "kits/tour.h"

static opro_tour *points(int32_t metric, const double *x, const double *y, size_t n) {
    opro_tour *tour = NULL;

    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_set_points(tour, metric, x, y, n), OPRO_OK);
    return tour;
}

static void check_weight(int32_t metric, double x0, double y0, double x1, double y1, double expect,
                         double tolerance) {
    const double x[2] = {x0, x1}, y[2] = {y0, y1};
    opro_tour *tour = points(metric, x, y, 2);

    assert_true(fabs(opro_tour_weight(tour, 0, 1) - expect) <= tolerance);
    assert_true(opro_tour_weight(tour, 1, 0) == opro_tour_weight(tour, 0, 1));
    assert_true(opro_tour_weight(tour, 0, 0) == 0);
    opro_tour_free(tour);
}

static void test_metrics(void **state) {
    (void)state;
    check_weight(OPRO_METRIC_EUC_2D, 0, 0, 3, 4, 5, 0);
    check_weight(OPRO_METRIC_EUC_2D, 0, 0, 1.4, 0, 1, 0);
    check_weight(OPRO_METRIC_EUC_2D, 0, 0, 1.5, 0, 2, 0);
    check_weight(OPRO_METRIC_CEIL_2D, 0, 0, 3, 4, 5, 0);
    check_weight(OPRO_METRIC_CEIL_2D, 0, 0, 3.01, 0, 4, 0);
    check_weight(OPRO_METRIC_EUCLIDEAN, 0, 0, 1, 1, 1.4142135623730951, 0);
    check_weight(OPRO_METRIC_ATT, 0, 0, 10, 0, 4, 0); /* 3.162: nearest is 3, which is less */
    check_weight(OPRO_METRIC_ATT, 0, 0, 30, 10, 10, 0);
    /* One degree of latitude; the minutes are hundredths: 1.30 is a degree and a half. */
    check_weight(OPRO_METRIC_GEO, 0, 0, 1, 0, 112, 0);
    check_weight(OPRO_METRIC_GEO, 0, 0, 1.30, 0, 167, 0);
    check_weight(OPRO_METRIC_GEO, 0, 0, 1.50, 0, 205, 0); /* cut off, not rounded to 2 */
    check_weight(OPRO_METRIC_GEO, 0, 0, -1.30, 0, 167, 0);
    check_weight(OPRO_METRIC_GEO, 10, 20, 10, 20, 1, 0); /* the formula's own last step */
    check_weight(OPRO_METRIC_GREAT_CIRCLE, 0, 0, 0, 180, 3.141592653589793 * 6371.0088, 1e-9);
    check_weight(OPRO_METRIC_GREAT_CIRCLE, 90, 0, -90, 77, 3.141592653589793 * 6371.0088, 1e-9);
    check_weight(OPRO_METRIC_GREAT_CIRCLE, 52.52, 13.405, 48.8566, 2.3522, 877.464, 1e-2);
    check_weight(OPRO_METRIC_GREAT_CIRCLE, 10, 179, 10, -179, 219.008, 1e-2);
    check_weight(OPRO_METRIC_GREAT_CIRCLE, 50, 8, 50.000001, 8, 1.1119e-4, 1e-8);
}

/* More places than fit into a full matrix: the weights are the same, only computed on the way. */
static void test_without_matrix(void **state) {
    const int32_t metrics[] = {OPRO_METRIC_EUC_2D, OPRO_METRIC_ATT, OPRO_METRIC_GEO,
                               OPRO_METRIC_GREAT_CIRCLE};
    const size_t n = OPRO__TOUR_FULL + 1;
    double *x = calloc(n, sizeof *x), *y = calloc(n, sizeof *y);
    opro__rng rng = opro__rng_make(1, 0, 0);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        x[i] = opro__rng_real(&rng) * 180 - 90;
        y[i] = opro__rng_real(&rng) * 360 - 180;
    }
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        opro_tour *few = points(metrics[m], x, y, 100), *many = points(metrics[m], x, y, n);

        assert_non_null(few->places.full);
        assert_null(many->places.full);
        for (size_t i = 0; i < 100; i++)
            for (size_t j = 0; j < 100; j++)
                assert_true(opro_tour_weight(few, i, j) == opro_tour_weight(many, i, j));
        opro_tour_free(few);
        opro_tour_free(many);
    }
    free(x);
    free(y);
}

static void test_matrix(void **state) {
    const size_t n = OPRO__TOUR_FULL + 1; /* kept as a triangle */
    double *weights = calloc(n * n, sizeof *weights);
    opro_tour *tour = NULL;

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            weights[i * n + j] = i < j ? (double)(i * 3 + j) : (double)(j * 3 + i);
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    for (size_t size = 1; size <= n; size += n - 1) {
        assert_int_equal(opro_tour_set_matrix(tour, weights, size), OPRO_OK);
        assert_int_equal(opro_tour_size(tour), size);
        assert_int_equal(opro_tour_metric(tour), OPRO_METRIC_EXPLICIT);
    }
    assert_null(tour->places.full);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (opro_tour_weight(tour, i, j) != (i == j ? 0 : weights[i * n + j]))
                fail_msg("the weight from %zu to %zu", i, j);
    opro_tour_free(tour);
    free(weights);
}

static void refuses_matrix(opro_tour *tour, double w01, double w10, double w00,
                           const char *expect) {
    const double weights[4] = {w00, w01, w10, 0};

    assert_int_equal(opro_tour_set_matrix(tour, weights, 2), OPRO_ERR_INVALID);
    if (!strstr(opro_error_message(opro_tour_error(tour), NULL), expect))
        fail_msg("\"%s\" lacks \"%s\"", opro_error_message(opro_tour_error(tour), NULL), expect);
}

static void refuses_points(opro_tour *tour, int32_t metric, double x, double y, size_t n,
                           const char *expect) {
    assert_int_equal(opro_tour_set_points(tour, metric, &x, &y, n), OPRO_ERR_INVALID);
    if (!strstr(opro_error_message(opro_tour_error(tour), NULL), expect))
        fail_msg("\"%s\" lacks \"%s\"", opro_error_message(opro_tour_error(tour), NULL), expect);
}

static void test_refusals(void **state) {
    const double x[3] = {1, 2, 3};
    const int32_t nodes[3] = {2, 0, 1};
    opro_tour *tour = points(OPRO_METRIC_EUC_2D, x, x, 3);
    double length;

    (void)state;
    refuses_matrix(tour, 1, 2, 0, "symmetric");
    refuses_matrix(tour, -1, -1, 0, "-1 from 0 to 1");
    refuses_matrix(tour, NAN, NAN, 0, "nan");
    refuses_matrix(tour, INFINITY, INFINITY, 0, "inf");
    refuses_matrix(tour, 1e301, 1e301, 0, "1e+301");
    refuses_matrix(tour, 1, 1, -2, "from 0 to 0");
    assert_int_equal(opro_tour_set_matrix(tour, NULL, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_set_matrix(tour, x, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_set_matrix(NULL, x, 1), OPRO_ERR_INVALID);
    refuses_points(tour, OPRO_METRIC_EUC_2D, 1, 1, 0, "0 places");
    refuses_points(tour, OPRO_METRIC_EUC_2D, 1, 1, 16385, "16385 places");
    refuses_points(tour, OPRO_METRIC_EXPLICIT, 1, 1, 1, "EXPLICIT");
    refuses_points(tour, 11, 1, 1, 1, "11");
    refuses_points(tour, OPRO_METRIC_ATT, NAN, 1, 1, "place 0");
    refuses_points(tour, OPRO_METRIC_ATT, 1, -INFINITY, 1, "-inf");
    refuses_points(tour, OPRO_METRIC_ATT, 1e151, 1, 1, "1e+151");
    refuses_points(tour, OPRO_METRIC_GREAT_CIRCLE, 91, 1, 1, "91");
    refuses_points(tour, OPRO_METRIC_GREAT_CIRCLE, 1, 361, 1, "361");
    assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_ATT, NULL, x, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_new(NULL, NULL), OPRO_ERR_INVALID);
    /* None of it touched the instance. */
    assert_int_equal(opro_tour_size(tour), 3);
    assert_int_equal(opro_tour_length(tour, nodes, 3, &length), OPRO_OK);
    assert_true(length == 5);
    opro_tour_free(tour);
    opro_tour_free(NULL);
}

static void test_length(void **state) {
    const double x[4] = {0, 1, 1, 0}, y[4] = {0, 0, 1, 1};
    const int32_t square[4] = {3, 2, 1, 0}, cross[4] = {0, 2, 1, 3};
    const int32_t twice[4] = {0, 1, 2, 2}, outside[4] = {0, 1, 2, 4}, negative[4] = {0, 1, 2, -1};
    opro_tour *tour = points(OPRO_METRIC_EUCLIDEAN, x, y, 4),
              *one = points(OPRO_METRIC_GEO, x, y, 1);
    double length = -1, px, py;

    (void)state;
    assert_int_equal(opro_tour_length(tour, twice, 4, &length), OPRO_ERR_REJECTED);
    assert_int_equal(opro_tour_length(tour, outside, 4, &length), OPRO_ERR_REJECTED);
    assert_int_equal(opro_tour_length(tour, negative, 4, &length), OPRO_ERR_REJECTED);
    assert_int_equal(opro_tour_length(tour, square, 3, &length), OPRO_ERR_REJECTED);
    assert_int_equal(opro_tour_length(tour, NULL, 4, &length), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_length(tour, square, 4, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_length(NULL, square, 4, &length), OPRO_ERR_INVALID);
    assert_true(length == -1);
    assert_int_equal(opro_tour_length(tour, square, 4, &length), OPRO_OK);
    assert_true(length == 4);
    assert_int_equal(opro_tour_length(tour, cross, 4, &length), OPRO_OK);
    assert_true(fabs(length - 2 - 2 * sqrt(2)) < 1e-12);
    assert_int_equal(opro_tour_length(one, cross, 1, &length), OPRO_OK);
    assert_true(length == 0);
    assert_true(isnan(opro_tour_weight(tour, 0, 4)));
    assert_true(isnan(opro_tour_weight(NULL, 0, 0)));
    assert_int_equal(opro_tour_point(tour, 2, &px, &py), OPRO_OK);
    assert_true(px == 1 && py == 1);
    assert_int_equal(opro_tour_point(tour, 4, &px, &py), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_point(tour, 0, NULL, &py), OPRO_ERR_INVALID);
    opro_tour_free(tour);
    opro_tour_free(one);
}

static void test_empty(void **state) {
    opro_tour *tour = NULL;
    const int32_t nodes[1] = {0};
    double value;
    size_t len = 9;

    (void)state;
    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    assert_int_equal(opro_tour_size(tour), 0);
    assert_string_equal(opro_tour_name(tour, &len), "");
    assert_int_equal(len, 0);
    assert_int_equal(opro_tour_length(tour, nodes, 0, &value), OPRO_ERR_REJECTED);
    assert_true(isnan(opro_tour_weight(tour, 0, 0)));
    assert_int_equal(opro_tour_point(tour, 0, &value, &value), OPRO_ERR_INVALID);
    value = 0;
    assert_int_equal(opro_tour_set_matrix(tour, &value, 1), OPRO_OK);
    assert_int_equal(opro_tour_point(tour, 0, &value, &value), OPRO_ERR_STATE);
    opro_tour_free(tour);
    assert_int_equal(opro_tour_size(NULL), 0);
    assert_string_equal(opro_tour_name(NULL, NULL), "");
    assert_int_equal(opro_tour_metric(NULL), OPRO_METRIC_EXPLICIT);
}

/* Someone uses the instance: it does not change any more, and lives until the last user is gone. */
static void test_frozen(void **state) {
    const double x[2] = {1, 2};
    opro_tour *tour = points(OPRO_METRIC_EUC_2D, x, x, 2), *share = opro__tour_share(tour);
    static const char text[] = "DIMENSION: 1\nEDGE_WEIGHT_TYPE: ATT\nNODE_COORD_SECTION\n1 2 3\n";

    (void)state;
    assert_int_equal(opro_tour_set_points(tour, OPRO_METRIC_ATT, x, x, 1), OPRO_ERR_STATE);
    assert_int_equal(opro_tour_set_matrix(tour, x, 1), OPRO_ERR_STATE);
    assert_int_equal(opro_tour_read_tsplib(tour, text, OPRO_ZT), OPRO_ERR_STATE);
    opro_tour_free(tour);
    assert_int_equal(opro_tour_size(share), 2);
    opro_tour_free(share);
}

/* The n-th allocation fails: the error is clean, the old contents stay, nothing leaks. */
static void test_no_memory(void **state) {
    const int32_t metrics[] = {OPRO_METRIC_EUC_2D, OPRO_METRIC_GEO, OPRO_METRIC_EXPLICIT};
    const double x[3] = {1, 2, 3}, weights[9] = {0, 1, 2, 1, 0, 3, 2, 3, 0};

    (void)state;
    for (size_t m = 0; m < 3; m++) {
        opro_status st = OPRO_ERR_NOMEM;

        for (long n = 0; st != OPRO_OK; n++) {
            failing f = {.left = 1};
            opro_allocator mem = failing_allocator(&f);
            opro_tour *tour = NULL;

            assert_true(n < 20);
            assert_int_equal(opro_tour_new(&tour, &mem), OPRO_OK);
            f.left = n;
            st = metrics[m] == OPRO_METRIC_EXPLICIT
                     ? opro_tour_set_matrix(tour, weights, 3)
                     : opro_tour_set_points(tour, metrics[m], x, x, 3);
            assert_int_equal(opro_tour_size(tour), st == OPRO_OK ? 3 : 0);
            if (st != OPRO_OK) {
                assert_int_equal(st, OPRO_ERR_NOMEM);
                assert_int_equal(opro_error_status(opro_tour_error(tour)), OPRO_ERR_NOMEM);
                assert_int_equal(f.live, 1);
            }
            opro_tour_free(tour);
            assert_int_equal(f.live, 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics), cmocka_unit_test(test_without_matrix),
        cmocka_unit_test(test_matrix),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_length),  cmocka_unit_test(test_empty),
        cmocka_unit_test(test_frozen),  cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
