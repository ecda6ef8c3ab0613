/* SPDX-License-Identifier: MIT */
/* Which exemplars are shown in a step: the four rules of the published program, each doing what its name says. */
#ifndef OPRO_CORE_EXEMPLAR_H
#define OPRO_CORE_EXEMPLAR_H

#include "config.h"
#include "problem.h"
#include "trajectory.h"

/*
 * Choose exemplars of the problem for a step: at most the option's number of them, different ones, into chosen (room for
 * that many), *n of them. shown: the candidates shown in this step (for "currently most wrong"). Same arguments, same choice.
 */
opro_status opro__exemplars_choose(const opro_problem *problem, const opro__options *options, const opro_trajectory *t,
                                   const int64_t *shown, size_t n_shown, int64_t step, opro__mem *mem, size_t *chosen,
                                   size_t *n);

#endif
