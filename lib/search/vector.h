/* SPDX-License-Identifier: MIT */
/*
 * Proposing vectors: the best ones since the last restart, and the arms that make new ones from
 * them. Badness is a score turned so that less is better.
 */
#ifndef OPRO_SEARCH_VECTOR_H
#define OPRO_SEARCH_VECTOR_H

#include "base/mem.h"
#include "base/rng.h"
#include "core/space.h"

#define OPRO__POOL_TOP 20 /* what arms recombine */

/* The best vectors, best first. */
typedef struct opro__pool {
    size_t d;
    size_t cap;
    size_t n;
    double **x;      /* rows of one block, by rank */
    double *badness; /* by rank                    */
    double *block;
} opro__pool;

int opro__pool_init(opro__pool *pool, size_t d, size_t cap, opro__mem *mem);
void opro__pool_free(opro__pool *pool, opro__mem *mem);
void opro__pool_insert(opro__pool *pool, const double *x, double badness);

/*
 * How far the top ones are apart, coordinate by coordinate; never 0 where the bounds leave room.
 * n > 0.
 */
void opro__pool_spread(const opro__pool *pool, const opro__space *space, double *spread);

/* ---- differential evolution (vector_de.c) */

/* Enough vectors? */
int opro__de_usable(const opro__pool *pool);

/* Storn & Price 1997, on the top of the pool. */
void opro__de_propose(const opro__pool *pool, opro__rng *rng, double *x);

/* ---- (1+1)-CMA-ES (vector_cma.c) */

/*
 * Igel, Hansen & Roth 2007. The offspring of one step are all children of the parent at its
 * beginning. The parent is the best vector, whoever found it; only own offspring teach step size
 * and shape.
 */
typedef struct opro__cma {
    size_t d;
    int full;    /* 0: many dimensions, variances only (Ros & Hansen 2008) */
    int started; /* own offspring were seen                               */
    double *parent;
    double badness;
    int64_t step; /* the step of the last offspring, and how things stood when it began: */
    double *base;
    double base_badness;
    double base_sigma;
    double sigma;
    double success; /* share of offspring better than their parent, smoothed */
    double *path;
    double *shape;  /* covariance: d * d or d numbers                 */
    double *factor; /* of shape: its lower triangle, or roots         */
    double *draw;
    int stale; /* factor is to be made again */
} opro__cma;

int opro__cma_init(opro__cma *cma, size_t d, opro__mem *mem);
void opro__cma_free(opro__cma *cma, opro__mem *mem);
void opro__cma_restart(opro__cma *cma);
int opro__cma_usable(const opro__cma *cma);

/* A vector was scored; own: it was proposed here. Already in the pool. */
void opro__cma_learn(opro__cma *cma, const opro__pool *pool, const opro__space *space,
                     const double *x, double badness, int64_t step, int own);
void opro__cma_propose(opro__cma *cma, const opro__space *space, opro__rng *rng, double *x);

/* ---- quadratic model (vector_quadratic.c) */

#define OPRO__QUADRATIC_DIMENSIONS 10
#define OPRO__QUADRATIC_BEST       16 /* integer minimizers that are kept */

/*
 * Terms of a quadratic polynomial in d variables, how many vectors it is fitted to, and among how
 * many of the best they are chosen. The nearest to the best one are taken: in a bent valley the
 * best ones are not near each other.
 */
#define OPRO__QUADRATIC_TERMS(d)  (1 + (d) + (d) * ((d) + 1) / 2)
#define OPRO__QUADRATIC_POINTS(d) (2 * OPRO__QUADRATIC_TERMS(d) - 2)
#define OPRO__QUADRATIC_POOL(d)   (4 * OPRO__QUADRATIC_TERMS(d) + 8)

/* A quadratic model around the best vector: q(u) = g u + u H u / 2 in u = (x - centre) / scale. */
typedef struct opro__quadratic {
    size_t d;
    int usable;
    int exact; /* it explains more vectors than it has terms */
    int listed;
    double centre[OPRO__QUADRATIC_DIMENSIONS];
    double scale[OPRO__QUADRATIC_DIMENSIONS];
    double gradient[OPRO__QUADRATIC_DIMENSIONS];
    double hessian[OPRO__QUADRATIC_DIMENSIONS][OPRO__QUADRATIC_DIMENSIONS];
    double best[OPRO__QUADRATIC_BEST][OPRO__QUADRATIC_DIMENSIONS]; /* integer problems */
    size_t n_best;
    size_t next;    /* proposals made of this fit */
    size_t *chosen; /* ranks of the vectors       */
    double *work;   /* for the fit                */
} opro__quadratic;

int opro__quadratic_init(opro__quadratic *model, size_t d, opro__mem *mem);
void opro__quadratic_free(opro__quadratic *model, opro__mem *mem);

/* Fit to the pool. */
void opro__quadratic_fit(opro__quadratic *model, const opro__pool *pool, const opro__space *space);

/* The next proposal of this fit: minimizers within different distances. */
void opro__quadratic_propose(opro__quadratic *model, const opro__space *space, opro__rng *rng,
                             double *x);

#endif
