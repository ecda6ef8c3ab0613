/* SPDX-License-Identifier: MIT */
/* Edge weights, the same on every platform. */
#include "tour.h"

#include <math.h>

#include "base/portable.h"

#define TSPLIB_PI     3.141592 /* TSPLIB's own, as is the radius */
#define TSPLIB_RADIUS 6378.388
#define DEGREE        0.017453292519943295
#define TURN          6.2831853071795865
#define EARTH_RADIUS  6371.0088 /* km, the mean radius (IUGG) */

int opro__metric_known(int32_t metric) {
    switch (metric) {
    case OPRO_METRIC_EUC_2D:
    case OPRO_METRIC_CEIL_2D:
    case OPRO_METRIC_ATT:
    case OPRO_METRIC_GEO:
    case OPRO_METRIC_EUCLIDEAN:
    case OPRO_METRIC_GREAT_CIRCLE: return 1;
    default: return 0;
    }
}

int opro__metric_spherical(int32_t metric) {
    return metric == OPRO_METRIC_GEO || metric == OPRO_METRIC_GREAT_CIRCLE;
}

/*
 * TSPLIB writes degrees and minutes as DDD.MM; the degrees are cut off, not rounded, whatever its
 * text says.
 */
static double tsplib_radians(double value) {
    double degrees = trunc(value);

    return TSPLIB_PI * (degrees + 5.0 * (value - degrees) / 3.0) / 180.0;
}

void opro__metric_radians(int32_t metric, double x, double y, double *u, double *v) {
    if (metric == OPRO_METRIC_GEO) {
        *u = tsplib_radians(x);
        *v = tsplib_radians(y);
    } else {
        *u = x * DEGREE;
        *v = y * DEGREE;
    }
}

static double sine(double radians) {
    return opro__portable_sin(radians / TURN);
}

static double cosine(double radians) {
    return opro__portable_cos(radians / TURN);
}

static double geo(double dv, double u1, double u2) {
    double q1 = cosine(dv), q2 = cosine(u1 - u2), q3 = cosine(u1 + u2);
    double c = 0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3);

    if (c > 1) c = 1; /* rounding may lead out of the domain of the arc cosine */
    if (c < -1) c = -1;
    return trunc(TSPLIB_RADIUS * 2 * opro__portable_atan(sqrt((1 - c) / (1 + c))) + 1.0);
}

/* The haversine formula, exact for near places too. */
static double great_circle(double dv, double u1, double u2) {
    double a = sine((u1 - u2) / 2), b = sine(dv / 2);
    double h = a * a + cosine(u1) * cosine(u2) * b * b;

    if (h > 1) h = 1;
    return 2 * EARTH_RADIUS * opro__portable_atan(sqrt(h / (1 - h)));
}

double opro__metric_weight(const opro__places *places, size_t i, size_t j) {
    double du = places->u[i] - places->u[j], dv = places->v[i] - places->v[j];
    double r, t;

    switch (places->metric) {
    case OPRO_METRIC_EUC_2D: return floor(sqrt(du * du + dv * dv) + 0.5);
    case OPRO_METRIC_CEIL_2D: return ceil(sqrt(du * du + dv * dv));
    case OPRO_METRIC_ATT:
        r = sqrt((du * du + dv * dv) / 10.0);
        t = floor(r + 0.5);
        return t < r ? t + 1 : t;
    case OPRO_METRIC_GEO: return geo(dv, places->u[i], places->u[j]);
    case OPRO_METRIC_GREAT_CIRCLE: return great_circle(dv, places->u[i], places->u[j]);
    default: return sqrt(du * du + dv * dv);
    }
}

double opro__metric_key(const opro__places *places, size_t i) {
    switch (places->metric) {
    case OPRO_METRIC_ATT: return places->u[i] * 0.31622776601683794;
    case OPRO_METRIC_GEO: return places->u[i] * TSPLIB_RADIUS;
    case OPRO_METRIC_GREAT_CIRCLE: return places->u[i] * EARTH_RADIUS;
    default: return places->u[i];
    }
}

double opro__places_far(const opro__places *places, size_t i, size_t j) {
    if (i == j) return 0;
    if (i < j) {
        size_t swap = i;

        i = j;
        j = swap;
    }
    return places->triangle ? places->triangle[i * (i - 1) / 2 + j]
                            : opro__metric_weight(places, i, j);
}

double opro__places_length(const opro__places *places, const int32_t *nodes) {
    size_t n = places->n;
    double sum = n ? opro__places_weight(places, (size_t)nodes[n - 1], (size_t)nodes[0]) : 0;

    for (size_t i = 1; i < n; i++)
        sum += opro__places_weight(places, (size_t)nodes[i - 1], (size_t)nodes[i]);
    return sum;
}
