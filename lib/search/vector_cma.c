/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/portable.h"
#include "vector.h"

#define FULL_DIMENSIONS 64         /* up to this many a full covariance is kept */
#define TARGET          (2.0 / 11) /* share of successes that is aimed at     */
#define SMOOTHING       (1.0 / 12)
#define THRESHOLD                                                                                  \
    0.44 /* more successes than this: the step is too short to learn a direction from */

int opro__cma_init(opro__cma *cma, size_t d, opro__mem *mem) {
    size_t entries = d <= FULL_DIMENSIONS ? d * d : d;

    *cma = (opro__cma){.d = d, .full = d <= FULL_DIMENSIONS};
    cma->parent = opro__calloc(mem, d, sizeof *cma->parent);
    cma->base = opro__calloc(mem, d, sizeof *cma->base);
    cma->path = opro__calloc(mem, d, sizeof *cma->path);
    cma->draw = opro__calloc(mem, d, sizeof *cma->draw);
    cma->shape = opro__calloc(mem, entries, sizeof *cma->shape);
    cma->factor = opro__calloc(mem, entries, sizeof *cma->factor);
    opro__cma_restart(cma);
    return cma->parent && cma->base && cma->path && cma->draw && cma->shape && cma->factor;
}

void opro__cma_free(opro__cma *cma, opro__mem *mem) {
    opro__free(mem, cma->factor);
    opro__free(mem, cma->shape);
    opro__free(mem, cma->draw);
    opro__free(mem, cma->path);
    opro__free(mem, cma->base);
    opro__free(mem, cma->parent);
}

void opro__cma_restart(opro__cma *cma) {
    cma->started = 0;
    cma->badness = INFINITY;
    cma->step = INT64_MIN;
    cma->sigma = 1;
    cma->success = TARGET;
    cma->stale = 1;
    if (cma->path) memset(cma->path, 0, cma->d * sizeof *cma->path);
}

int opro__cma_usable(const opro__cma *cma) {
    return cma->badness < INFINITY;
}

/* ---- learning -------------------------------------------------------------------------------- */

/* Before the first own offspring: the shape is the spread of what is there. */
static void take_spread(opro__cma *cma, const opro__pool *pool, const opro__space *space) {
    opro__pool_spread(pool, space, cma->draw);
    if (cma->full) memset(cma->shape, 0, cma->d * cma->d * sizeof *cma->shape);
    for (size_t i = 0; i < cma->d; i++)
        cma->shape[cma->full ? i * cma->d + i : i] = cma->draw[i] * cma->draw[i];
    cma->stale = 1;
}

static void begin_step(opro__cma *cma, int64_t step) {
    cma->step = step;
    memcpy(cma->base, cma->parent, cma->d * sizeof *cma->base);
    cma->base_badness = cma->badness;
    cma->base_sigma = cma->sigma;
}

static void adapt_sigma(opro__cma *cma, int success) {
    double damping = 1 + (double)cma->d / 2;

    cma->success += SMOOTHING * ((success ? 1.0 : 0.0) - cma->success);
    cma->sigma *= opro__portable_exp((cma->success - TARGET) / (1 - TARGET) / damping);
    if (cma->sigma < 1e-30) cma->sigma = 1e-30;
    if (cma->sigma > 1e30) cma->sigma = 1e30;
}

/* Learn the direction of a successful step. */
static void adapt_shape(opro__cma *cma, const double *x) {
    double d = (double)cma->d, fade = 2 / (d + 2), rate = 2 / (d * d + 6), lost = 0;

    if (!cma->full) rate = rate * (d + 2) / 3 < 0.5 ? rate * (d + 2) / 3 : 0.5;
    if (cma->success < THRESHOLD) {
        double pull = sqrt(fade * (2 - fade));

        for (size_t i = 0; i < cma->d; i++)
            cma->path[i] =
                (1 - fade) * cma->path[i] + pull * (x[i] - cma->base[i]) / cma->base_sigma;
    } else {
        for (size_t i = 0; i < cma->d; i++)
            cma->path[i] *= 1 - fade;
        lost = rate * fade * (2 - fade);
    }
    for (size_t i = 0; i < cma->d; i++) {
        double *row = cma->full ? cma->shape + i * cma->d : cma->shape;

        if (!cma->full) row[i] = (1 - rate + lost) * row[i] + rate * cma->path[i] * cma->path[i];
        for (size_t j = 0; cma->full && j < cma->d; j++)
            row[j] = (1 - rate + lost) * row[j] + rate * cma->path[i] * cma->path[j];
    }
    cma->stale = 1;
}

void opro__cma_learn(opro__cma *cma, const opro__pool *pool, const opro__space *space,
                     const double *x, double badness, int64_t step, int own) {
    if (step != cma->step) begin_step(cma, step);
    if (own && cma->base_badness < INFINITY) {
        cma->started = 1;
        adapt_sigma(cma, badness < cma->base_badness);
    }
    if (badness < cma->badness) {
        if (own && cma->base_badness < INFINITY) adapt_shape(cma, x);
        memcpy(cma->parent, x, cma->d * sizeof *x);
        cma->badness = badness;
    }
    if (!cma->started) take_spread(cma, pool, space);
}

/* ---- proposing ------------------------------------------------------------------------------- */

/* Cholesky's factor of the shape; what is lost to rounding is treated as no variance. */
static void make_factor(opro__cma *cma) {
    size_t d = cma->d;

    cma->stale = 0;
    for (size_t i = 0; !cma->full && i < d; i++)
        cma->factor[i] = sqrt(cma->shape[i]);
    for (size_t i = 0; cma->full && i < d; i++) {
        double *row = cma->factor + i * d;

        for (size_t j = 0; j <= i; j++) {
            const double *other = cma->factor + j * d;
            double sum = cma->shape[i * d + j];

            for (size_t k = 0; k < j; k++)
                sum -= row[k] * other[k];
            if (i == j)
                row[j] = sum > 0 ? sqrt(sum) : 0;
            else
                row[j] = other[j] > 0 ? sum / other[j] : 0;
        }
    }
}

void opro__cma_propose(opro__cma *cma, const opro__space *space, opro__rng *rng, double *x) {
    if (cma->stale) make_factor(cma);
    for (size_t i = 0; i < cma->d; i++)
        cma->draw[i] = opro__rng_normal(rng);
    for (size_t i = 0; i < cma->d; i++) {
        const double *row = cma->full ? cma->factor + i * cma->d : NULL;
        double step = 0;

        if (!cma->full) step = cma->factor[i] * cma->draw[i];
        for (size_t j = 0; cma->full && j <= i; j++)
            step += row[j] * cma->draw[j];
        step *= cma->sigma;
        /* Less than a unit is no step on integers. */
        if (space->integer && fabs(step) < 0.5) step += opro__rng_normal(rng) * 0.7;
        x[i] = cma->parent[i] + step;
    }
}
