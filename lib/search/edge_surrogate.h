/* SPDX-License-Identifier: MIT */
/*
 * What the scores of whole tours say about the costs of single edges, when the cost of a tour is
 * the sum over its edges and nothing else is known: a Bayesian linear model. Every edge has a
 * cost of its own, drawn from one normal distribution. Only differences to the first tour are
 * looked at, in which the mean cost and what is particular to a node (it adds twice to every
 * tour) drop out. Scores are exact, so each tour settles one more direction for good; when all n
 * (n - 3) / 2 are settled, the length of every tour is known.
 */
#ifndef OPRO_SEARCH_EDGE_SURROGATE_H
#define OPRO_SEARCH_EDGE_SURROGATE_H

#include "base/mem.h"
#include "base/rng.h"

#define OPRO__EDGES_NODES_MIN 5
#define OPRO__EDGES_NODES_MAX 60

typedef struct opro__edges {
    opro__mem *mem;
    size_t n;     /* nodes */
    size_t edges; /* n (n - 1) / 2 */
    size_t rank;
    double **basis;     /* orthonormal directions that are settled: rank rows of edges numbers */
    double *cost;       /* the mean of what costs can be: 0 where nothing is known             */
    double *difference; /* scratch */
    double *weights;    /* scratch */
    double squares;     /* of what was learnt in each direction: their mean is the variance */
    int32_t *reference; /* the first tour */
    double reference_badness;
    int32_t *best; /* the best tour */
    double best_badness;
    int started;
    int wrong; /* scores are no sum over edges */
} opro__edges;

int opro__edges_init(opro__edges *edges, size_t n, opro__mem *mem);
void opro__edges_free(opro__edges *edges);

/* Nothing is known any more. */
void opro__edges_clear(opro__edges *edges);

/* A tour was scored. 0: no memory. */
int opro__edges_learn(opro__edges *edges, const int32_t *tour, double badness);

/* All tours are known. */
int opro__edges_settled(const opro__edges *edges);

/*
 * Costs as they may be: n * n numbers, which tell the differences between tours. boldness 0: their
 * mean; 1: a draw from what is possible, all edges together, so that no draw contradicts a tour
 * that was scored.
 */
void opro__edges_draw(opro__edges *edges, double boldness, opro__rng *rng, double *matrix);

#endif
