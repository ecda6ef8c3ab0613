/* SPDX-License-Identifier: MIT */
/*
 * Which exemplars are shown in a step: the four rules of the published program, each doing what
 * its name says, and the first of them with that program's own random numbers.
 */
#ifndef OPRO_CORE_EXEMPLAR_H
#define OPRO_CORE_EXEMPLAR_H

#include "config.h"
#include "follow.h"
#include "problem.h"
#include "trajectory.h"

typedef struct opro__exemplars {
    opro__mem *mem;
    size_t n;       /* how many are chosen              */
    size_t *chosen; /* which ones, in the order shown   */
    size_t cap_chosen;
    /* how often each training instance was answered wrong, over what was read of the trajectory */
    opro__follow follow;
    uint32_t *wrong;
    size_t n_wrong, cap_wrong;
    /* the same over the candidates shown, and other scratch */
    uint32_t *current;
    size_t cap_current;
    size_t *scratch;
    size_t cap_scratch;
} opro__exemplars;

/* random_published: the most exemplars there may be. */
#define OPRO__PUBLISHED_MAX ((size_t)1 << 24)

void opro__exemplars_init(opro__exemplars *exemplars, opro__mem *mem);
void opro__exemplars_free(opro__exemplars *exemplars);

/*
 * Choose different exemplars of the problem for a step, as many as the option says and there are.
 *   random             drawn by the generator of the step, in the order of their indices
 *   random_published   the same, drawn as the published program does, whatever the seed; for this
 *                      all indices are in memory for a moment
 *   constant           as in step 0
 *   accumulated_wrong  those most often wrong over all scored candidates, ties drawn by the
 *                      generator; if fewer were ever wrong, the rest is drawn from the others.
 *                      Most wrong first.
 *   current_wrong      the same over the candidates shown in this step
 * Same arguments, same choice. shown: the candidates shown. OPRO_ERR_NOMEM.
 */
opro_status opro__exemplars_choose(opro__exemplars *exemplars, const opro_problem *problem,
                                   const opro__options *options, const opro_trajectory *t,
                                   const int64_t *shown, size_t n_shown, int64_t step);

#endif
