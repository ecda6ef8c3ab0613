/* SPDX-License-Identifier: MIT */
/*
 * An instance from inside. Once a problem or a scorer uses it, it does not change any more, and
 * other threads may read it: functions that take it as const touch neither its error nor the
 * counters of its memory (they copy mem for scratch).
 */
#ifndef OPRO_KITS_TOUR_H
#define OPRO_KITS_TOUR_H

#include "base/err.h"
#include "base/hook.h"
#include "base/mem.h"
#include "opro/tour.h"

/* The most places. */
#define OPRO__TOUR_MAX 16384

/* Up to this many places all weights are kept in a full matrix: 8 MiB at most. */
#define OPRO__TOUR_FULL 1024

/* Squares of coordinates, and sums of weights, stay finite. */
#define OPRO__COORDINATE_MAX 1e150
#define OPRO__WEIGHT_MAX     1e300

/*
 * The contents of an instance. The weight between i and j is that between j and i; from a place to
 * itself it is 0.
 */
typedef struct opro__places {
    size_t n;
    int32_t metric;
    char *name; /* NULL: "" */
    size_t name_len;
    double *x, *y;    /* as given; NULL: explicit weights                                      */
    double *u, *v;    /* what the metric computes with: x and y themselves, or radians         */
    double *full;     /* n * n; NULL: more than OPRO__TOUR_FULL places                         */
    double *triangle; /* explicit weights of more places: below the diagonal, row behind row   */
} opro__places;

struct opro_tour {
    opro__mem mem;
    opro_error err;
    opro__refs refs;
    atomic_int frozen;
    opro__places places;
};

/*
 * At the start of a call that changes the instance: NULL and frozen are refused, the error is
 * cleared.
 */
opro_status opro__tour_begin(opro_tour *tour);

/* Another object uses it from now on: share and freeze. */
opro_tour *opro__tour_share(opro_tour *tour);

/* The instance holds *places from now on, which it takes over. */
void opro__tour_install(opro_tour *tour, opro__places *places);

/* ---- contents (tour.c) */

void opro__places_free(opro__places *places, opro__mem *mem);

/* Room for x and y, or for explicit weights (all 0); places->n is set. OPRO_ERR_NOMEM. */
opro_status opro__places_alloc_points(opro__places *places, opro__mem *mem);
opro_status opro__places_alloc_weights(opro__places *places, opro__mem *mem);

/* Put in an explicit weight, for both ways. i != j. */
void opro__places_set(opro__places *places, size_t i, size_t j, double weight);

/* x, y and metric are there: make the rest. OPRO_ERR_NOMEM. */
opro_status opro__places_finish(opro__places *places, opro__mem *mem);

/* ---- weights (tour_metric.c) */

/* 1 for a metric that computes weights from coordinates. */
int opro__metric_known(int32_t metric);

/* u and v of a metric with spherical coordinates from its x and y. */
int opro__metric_spherical(int32_t metric);
void opro__metric_radians(int32_t metric, double x, double y, double *u, double *v);

/* The weight from coordinates; i > j. */
double opro__metric_weight(const opro__places *places, size_t i, size_t j);

/*
 * A number for each place, such that no weight is less than the difference of two of them, minus 1.
 */
double opro__metric_key(const opro__places *places, size_t i);

/* The weight when there is no full matrix. */
double opro__places_far(const opro__places *places, size_t i, size_t j);

static inline double opro__places_weight(const opro__places *places, size_t i, size_t j) {
    return places->full ? places->full[i * places->n + j] : opro__places_far(places, i, j);
}

/* The length of a round trip that is known to be a permutation. */
double opro__places_length(const opro__places *places, const int32_t *nodes);

/* ---- neighbours (tour_near.c) */

/*
 * For every place its k nearest others (k < n), nearest first: node and weight, k of each for every
 * place. With coordinates in far less than n * n steps. OPRO_ERR_NOMEM.
 */
opro_status opro__places_near(const opro__places *places, size_t k, opro__mem *mem, int32_t *nodes,
                              double *weights);

#endif
