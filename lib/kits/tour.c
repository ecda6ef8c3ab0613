/* SPDX-License-Identifier: MIT */
#include "tour.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "permutation.h"

/* ---- contents -------------------------------------------------------------------------------- */

void opro__places_free(opro__places *places, opro__mem *mem) {
    if (places->u != places->x) {
        opro__free(mem, places->u);
        opro__free(mem, places->v);
    }
    opro__free(mem, places->x);
    opro__free(mem, places->y);
    opro__free(mem, places->full);
    opro__free(mem, places->triangle);
    opro__free(mem, places->name);
    memset(places, 0, sizeof *places);
}

opro_status opro__places_alloc_points(opro__places *places, opro__mem *mem) {
    places->x = opro__calloc(mem, places->n, sizeof(double));
    places->y = opro__calloc(mem, places->n, sizeof(double));
    return places->x && places->y ? OPRO_OK : OPRO_ERR_NOMEM;
}

opro_status opro__places_alloc_weights(opro__places *places, opro__mem *mem) {
    size_t n = places->n;

    if (n <= OPRO__TOUR_FULL)
        places->full = opro__calloc(mem, n * n, sizeof(double));
    else
        places->triangle = opro__calloc(mem, n * (n - 1) / 2, sizeof(double));
    return places->full || places->triangle ? OPRO_OK : OPRO_ERR_NOMEM;
}

void opro__places_set(opro__places *places, size_t i, size_t j, double weight) {
    assert(i != j);
    if (places->full) {
        places->full[i * places->n + j] = weight;
        places->full[j * places->n + i] = weight;
    } else if (i > j) {
        places->triangle[i * (i - 1) / 2 + j] = weight;
    } else {
        places->triangle[j * (j - 1) / 2 + i] = weight;
    }
}

static opro_status make_radians(opro__places *places, opro__mem *mem) {
    places->u = places->v = NULL;
    places->u = opro__calloc(mem, places->n, sizeof(double));
    places->v = opro__calloc(mem, places->n, sizeof(double));
    if (!places->u || !places->v) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < places->n; i++)
        opro__metric_radians(places->metric, places->x[i], places->y[i], &places->u[i],
                             &places->v[i]);
    return OPRO_OK;
}

opro_status opro__places_finish(opro__places *places, opro__mem *mem) {
    opro_status st = OPRO_OK;

    if (opro__metric_spherical(places->metric)) {
        st = make_radians(places, mem);
    } else {
        places->u = places->x;
        places->v = places->y;
    }
    if (st != OPRO_OK || places->n > OPRO__TOUR_FULL) return st;
    st = opro__places_alloc_weights(places, mem);
    if (st != OPRO_OK) return st;
    for (size_t i = 1; i < places->n; i++)
        for (size_t j = 0; j < i; j++)
            opro__places_set(places, i, j, opro__metric_weight(places, i, j));
    return OPRO_OK;
}

/* ---- lifetime -------------------------------------------------------------------------------- */

opro_status opro_tour_new(opro_tour **out, const opro_allocator *mem) {
    opro__mem own;
    opro_tour *tour;
    opro_status st;

    if (!out) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    tour = opro__calloc(&own, 1, sizeof *tour);
    if (!tour) return OPRO_ERR_NOMEM;
    tour->mem = own;
    atomic_init(&tour->refs.count, 1);
    atomic_init(&tour->frozen, 0);
    tour->places.metric = OPRO_METRIC_EXPLICIT;
    *out = tour;
    return OPRO_OK;
}

void opro_tour_free(opro_tour *tour) {
    opro__mem mem;

    if (!tour || !opro__unref(&tour->refs)) return;
    opro__places_free(&tour->places, &tour->mem);
    mem = tour->mem;
    opro__free(&mem, tour);
}

opro_tour *opro__tour_share(opro_tour *tour) {
    opro__ref(&tour->refs);
    atomic_store(&tour->frozen, 1);
    return tour;
}

opro_status opro__tour_begin(opro_tour *tour) {
    if (!tour) return OPRO_ERR_INVALID;
    if (atomic_load(&tour->frozen)) return OPRO_ERR_STATE;
    opro__err_clear(&tour->err);
    return OPRO_OK;
}

void opro__tour_install(opro_tour *tour, opro__places *places) {
    opro__places_free(&tour->places, &tour->mem);
    tour->places = *places;
    memset(places, 0, sizeof *places);
}

const opro_error *opro_tour_error(const opro_tour *tour) {
    return &tour->err;
}

/* ---- contents from memory -------------------------------------------------------------------- */

static opro_status check_size(size_t n, opro_error *err) {
    if (n >= 1 && n <= OPRO__TOUR_MAX) return OPRO_OK;
    return opro__fail(err, OPRO_ERR_INVALID, "%zu places: an instance has 1 to %d", n,
                      OPRO__TOUR_MAX);
}

static opro_status check_point(int32_t metric, size_t i, double x, double y, opro_error *err) {
    double largest_x = metric == OPRO_METRIC_GREAT_CIRCLE ? 90 : OPRO__COORDINATE_MAX;
    double largest_y = metric == OPRO_METRIC_GREAT_CIRCLE ? 360 : OPRO__COORDINATE_MAX;

    if (fabs(x) <= largest_x && fabs(y) <= largest_y) return OPRO_OK; /* false for NaN */
    return opro__fail(err, OPRO_ERR_INVALID,
                      "the coordinates %s and %s of place %zu: up to %s and %s are possible",
                      opro__quote_real(x).text, opro__quote_real(y).text, i,
                      opro__quote_real(largest_x).text, opro__quote_real(largest_y).text);
}

opro_status opro_tour_set_points(opro_tour *tour, int32_t metric, const double *x, const double *y,
                                 size_t n) {
    opro__places places = {.n = n, .metric = metric};
    opro_status st = opro__tour_begin(tour);

    if (st != OPRO_OK) return st;
    if (!x || !y) return opro__fail(&tour->err, OPRO_ERR_INVALID, "the coordinates are NULL");
    if (!opro__metric_known(metric))
        return opro__fail(&tour->err, OPRO_ERR_INVALID,
                          "%d is no metric for coordinates: take one of OPRO_METRIC_..., but not "
                          "OPRO_METRIC_EXPLICIT",
                          (int)metric);
    st = check_size(n, &tour->err);
    for (size_t i = 0; st == OPRO_OK && i < n; i++)
        st = check_point(metric, i, x[i], y[i], &tour->err);
    if (st != OPRO_OK) return st;
    st = opro__places_alloc_points(&places, &tour->mem);
    if (st == OPRO_OK) {
        memcpy(places.x, x, n * sizeof *x);
        memcpy(places.y, y, n * sizeof *y);
        st = opro__places_finish(&places, &tour->mem);
    }
    if (st == OPRO_OK)
        opro__tour_install(tour, &places);
    else
        opro__fail(&tour->err, st, "out of memory for %zu places", n);
    opro__places_free(&places, &tour->mem);
    return st;
}

static opro_status check_weight(const double *weights, size_t n, size_t i, size_t j,
                                opro_error *err) {
    double there = weights[i * n + j], back = weights[j * n + i];

    if (!(there >= 0 && there <= OPRO__WEIGHT_MAX))
        return opro__fail(err, OPRO_ERR_INVALID,
                          "the weight %s from %zu to %zu: weights are finite, from 0 to %s",
                          opro__quote_real(there).text, i, j,
                          opro__quote_real(OPRO__WEIGHT_MAX).text);
    if (i > j && there != back) /* back was checked before */
        return opro__fail(err, OPRO_ERR_INVALID,
                          "the weight from %zu to %zu is %s, but %s the other way: only symmetric "
                          "weights are possible",
                          i, j, opro__quote_real(there).text, opro__quote_real(back).text);
    return OPRO_OK;
}

opro_status opro_tour_set_matrix(opro_tour *tour, const double *weights, size_t n) {
    opro__places places = {.n = n, .metric = OPRO_METRIC_EXPLICIT};
    opro_status st = opro__tour_begin(tour);

    if (st != OPRO_OK) return st;
    if (!weights) return opro__fail(&tour->err, OPRO_ERR_INVALID, "the weights are NULL");
    st = check_size(n, &tour->err);
    for (size_t i = 0; i < n && st == OPRO_OK; i++)
        for (size_t j = 0; j < n && st == OPRO_OK; j++)
            st = check_weight(weights, n, i, j, &tour->err);
    if (st != OPRO_OK) return st;
    st = opro__places_alloc_weights(&places, &tour->mem);
    if (st != OPRO_OK)
        return opro__fail(&tour->err, st, "out of memory for the weights of %zu places", n);
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++)
            opro__places_set(&places, i, j, weights[i * n + j]);
    opro__tour_install(tour, &places);
    return OPRO_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

size_t opro_tour_size(const opro_tour *tour) {
    return tour ? tour->places.n : 0;
}

const char *opro_tour_name(const opro_tour *tour, size_t *len) {
    int named = tour && tour->places.name;

    if (len) *len = named ? tour->places.name_len : 0;
    return named ? tour->places.name : "";
}

int32_t opro_tour_metric(const opro_tour *tour) {
    return tour ? tour->places.metric : OPRO_METRIC_EXPLICIT;
}

opro_status opro_tour_point(const opro_tour *tour, size_t i, double *x, double *y) {
    if (!tour || !x || !y || i >= tour->places.n) return OPRO_ERR_INVALID;
    if (!tour->places.x) return OPRO_ERR_STATE;
    *x = tour->places.x[i];
    *y = tour->places.y[i];
    return OPRO_OK;
}

double opro_tour_weight(const opro_tour *tour, size_t i, size_t j) {
    if (!tour || i >= tour->places.n || j >= tour->places.n) return NAN;
    return opro__places_weight(&tour->places, i, j);
}

opro_status opro_tour_length(const opro_tour *tour, const int32_t *nodes, size_t n,
                             double *length) {
    if (!tour || !nodes || !length) return OPRO_ERR_INVALID;
    if (n == 0 || n != tour->places.n || !opro__permutation_valid(nodes, n))
        return OPRO_ERR_REJECTED;
    *length = opro__places_length(&tour->places, nodes);
    return OPRO_OK;
}
