/* SPDX-License-Identifier: MIT */
/* Problems whose solutions are permutations, and the travelling salesman's tours over them. */
#ifndef OPRO_TOUR_H
#define OPRO_TOUR_H

#include "problem.h"
#include "run.h"
#include "scorer.h"

OPRO_BEGIN_DECLS

/* What leaves a permutation the same solution. */
enum {
    OPRO_PERMUTATION_ORDER = 10, /* nothing: a sequence */
    OPRO_PERMUTATION_CYCLE = 20, /* rotation: a round trip, one way */
    OPRO_PERMUTATION_TOUR = 30   /* rotation and reversal: a round trip, both ways the same */
};

/*
 * A problem over the permutations of 0 .. n-1 (n 1 .. 65,536), minimized. A reply is read as
 * "<trace>0,2,1</trace>", the last one counts. Canonical text: "0,2,1"; cycles and tours start at
 * 0, tours go towards the smaller neighbour of 0. Repair: later repeats are dropped, a missing
 * node is put in behind the one before it in number (0 in front). Since 0.1.
 */
OPRO_API opro_status opro_problem_new_permutation(opro_problem **out, size_t n, int32_t symmetry,
                                                  const opro_allocator *mem);

/* The size n; 0 if the problem is of another kind. Since 0.1. */
OPRO_API size_t opro_permutation_size(const opro_problem *problem);

/* The nodes of a solution's text: exactly n, each once. OPRO_ERR_PARSE otherwise. Since 0.1. */
OPRO_API opro_status opro_permutation_parse(const opro_problem *problem, const char *text,
                                            size_t len, int32_t *nodes, size_t n);

/*
 * The canonical text of a permutation, as opro_vector_format(); 6 bytes a node always fit. Since
 * 0.1.
 */
OPRO_API opro_status opro_permutation_format(const opro_problem *problem, const int32_t *nodes,
                                             size_t n, char *buffer, size_t size, size_t *needed);

/* ---- instances ---- */

/* Places, and what it costs to go from one to another. */
typedef struct opro_tour opro_tour;

/* How edge weights come from coordinates; TSPLIB's rules, but for the last. */
enum {
    OPRO_METRIC_EUC_2D = 10,      /* distance in the plane, rounded */
    OPRO_METRIC_CEIL_2D = 20,     /* ... rounded up */
    OPRO_METRIC_ATT = 30,         /* "pseudo-Euclidean" */
    OPRO_METRIC_GEO = 40,         /* on the Earth, degrees and minutes; km */
    OPRO_METRIC_EXPLICIT = 50,    /* a matrix */
    OPRO_METRIC_EUCLIDEAN = 60,   /* not rounded */
    OPRO_METRIC_GREAT_CIRCLE = 70 /* x latitude, y longitude in decimal degrees; km, not rounded */
};

/* An empty instance. Since 0.1. */
OPRO_API opro_status opro_tour_new(opro_tour **out, const opro_allocator *mem);

/* Give up your share; NULL is fine. Since 0.1. */
OPRO_API void opro_tour_free(opro_tour *tour);

/*
 * Detail of the last failed call that took the tour to change it; those that only read leave it.
 * Never NULL. Since 0.1.
 */
OPRO_API const opro_error *opro_tour_error(const opro_tour *tour);

/*
 * Read a TSPLIB file's text: TYPE TSP; EUC_2D, CEIL_2D, ATT, GEO, or EXPLICIT in any of its
 * layouts (FULL_MATRIX, UPPER_ROW, LOWER_ROW, UPPER_DIAG_ROW, LOWER_DIAG_ROW and the four COL
 * forms). Weights must be integers, not negative; a full matrix must be symmetric; the diagonal
 * counts as 0; weights are at most 2^39, coordinates 1e150 in size. Coordinates of an EXPLICIT
 * file are checked and not kept. OPRO_ERR_PARSE: the message names line and reason, and the
 * instance is as before. n at most 16,384. OPRO_ERR_STATE once a problem uses the instance. Since
 * 0.1.
 */
OPRO_API opro_status opro_tour_read_tsplib(opro_tour *tour, const char *text, size_t len);

/*
 * n places (1 .. 16,384), copied. metric: any but EXPLICIT. Coordinates are at most 1e150 in
 * size; GREAT_CIRCLE takes latitudes up to 90 and longitudes up to 360 degrees either way. Since
 * 0.1.
 */
OPRO_API opro_status opro_tour_set_points(opro_tour *tour, int32_t metric, const double *x,
                                          const double *y, size_t n);

/*
 * n * n weights, row by row: not negative, at most 1e300, symmetric; the diagonal counts as 0.
 * Since 0.1.
 */
OPRO_API opro_status opro_tour_set_matrix(opro_tour *tour, const double *weights, size_t n);

/*
 * Size, name ("" if it has none), metric; coordinates of place i (OPRO_ERR_STATE if it has none).
 * Since 0.1.
 */
OPRO_API size_t opro_tour_size(const opro_tour *tour);
OPRO_API const char *opro_tour_name(const opro_tour *tour, size_t *len);
OPRO_API int32_t opro_tour_metric(const opro_tour *tour);
OPRO_API opro_status opro_tour_point(const opro_tour *tour, size_t i, double *x, double *y);

/* The weight between two places; NaN out of range. Since 0.1. */
OPRO_API double opro_tour_weight(const opro_tour *tour, size_t i, size_t j);

/*
 * The length of a round trip over all n places. OPRO_ERR_REJECTED if it is not a permutation.
 * Since 0.1.
 */
OPRO_API opro_status opro_tour_length(const opro_tour *tour, const int32_t *nodes, size_t n,
                                      double *length);

/*
 * The tour in a TSPLIB solution file (TOUR_SECTION) into nodes[0 .. n), numbered from 0. Since
 * 0.1.
 */
OPRO_API opro_status opro_tour_read_solution(opro_tour *tour, const char *text, size_t len,
                                             int32_t *nodes, size_t n);

/*
 * Baselines, written to nodes[0 .. n). Nearest neighbour: always on to the nearest place not yet
 * visited, the lowest number on ties. Farthest insertion as in the paper (appendix A.2): of all
 * places the one whose cheapest insertion is dearest, put in at its cheapest place; lowest number
 * and first place on ties. Since 0.1.
 */
OPRO_API opro_status opro_tour_nearest_neighbour(const opro_tour *tour, size_t start,
                                                 int32_t *nodes, size_t n);
OPRO_API opro_status opro_tour_farthest_insertion(const opro_tour *tour, size_t start,
                                                  int32_t *nodes, size_t n);

/*
 * Improve a tour in place by 2-opt and or-opt moves until none is left that shortens it, then by
 * effort rounds of local double-bridge kicks with the same descent, each kept if it is not
 * longer. seed selects the kicks. Since 0.1.
 */
OPRO_API opro_status opro_tour_improve(const opro_tour *tour, int32_t *nodes, size_t n,
                                       uint64_t seed, int64_t effort);

/*
 * The problem of the shortest round trip through an instance, which it takes a share of, and its
 * scorer. The description lists the coordinates when there are any. Its polish step (option
 * "polish", on by default) is opro_tour_improve(); without it the optimizer sees scores only.
 * Since 0.1.
 */
OPRO_API opro_status opro_problem_new_tour(opro_problem **out, opro_tour *tour,
                                           const opro_allocator *mem);
OPRO_API opro_status opro_scorer_new_tour(opro_scorer **out, opro_tour *tour,
                                          const opro_allocator *mem);

OPRO_END_DECLS

#endif
