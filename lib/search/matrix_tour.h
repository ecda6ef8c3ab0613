/* SPDX-License-Identifier: MIT */
/*
 * Short tours for a matrix of costs, which may be negative: for the small tours of the edge
 * surrogate.
 */
#ifndef OPRO_SEARCH_MATRIX_TOUR_H
#define OPRO_SEARCH_MATRIX_TOUR_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

#define OPRO__MATRIX_NODES_MAX 60

/*
 * Improve a tour of n >= 5 nodes by 2-opt and or-opt moves, then by that many kicks with the same
 * descent, each undone if the tour is longer. matrix: n * n, symmetric.
 */
void opro__matrix_improve(const double *matrix, int32_t *tour, size_t n, size_t kicks,
                          opro__rng *rng);

#endif
