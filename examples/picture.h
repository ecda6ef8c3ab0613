/* SPDX-License-Identifier: MIT */
/* Pictures for reports: places with a tour through them, and solutions in a plane. */
#ifndef EXAMPLES_PICTURE_H
#define EXAMPLES_PICTURE_H

#include "report.h"

/* A tour through places; for picture_tour(). */
typedef struct tour_picture {
    size_t n;
    const double *x, *y;
    const int32_t *tour;
    const char *const *names; /* NULL: numbers, if there are not too many */
    double aspect;            /* how much longer on the page a unit of y is than one of x */
    int geographic;           /* x, y are longitude and latitude: draw a net of them */
} tour_picture;

void picture_tour(FILE *out, frame f, const void *data);

/*
 * Two coordinates of all scored solutions, over what the score would be elsewhere; for
 * picture_plane().
 */
typedef struct plane_picture {
    const opro_problem *problem;
    const opro_trajectory *trajectory;
    const char *x_name, *y_name;
    double (*value)(const void *data, const double *x, size_t n); /* of a solution */
    const void *data;
} plane_picture;

void picture_plane(FILE *out, frame f, const void *data);

#endif
