/* SPDX-License-Identifier: MIT */
/*
 * The local optimizer without a run: what it knows is a fold over the committed candidates of a
 * trajectory, so that one that is made anew goes on in the same way.
 */
#ifndef OPRO_SEARCH_LOCAL_H
#define OPRO_SEARCH_LOCAL_H

#include "arms.h"
#include "base/map.h"

typedef struct opro__local opro__local;

/*
 * OPRO_ERR_UNSUPPORTED for a kind of solutions that it has no arms for; OPRO_ERR_NOMEM. problem
 * must outlive it.
 */
opro_status opro__local_new(opro__local **out, const opro_problem *problem,
                            const opro__options *options, opro__mem *mem, opro_error *err);
void opro__local_free(opro__local *local);

/*
 * Begin a batch for a step: catch up with the trajectory. OPRO_ERR_NOMEM: begin again, it starts
 * over.
 */
opro_status opro__local_begin(opro__local *local, const opro_trajectory *t, uint64_t seed,
                              int64_t step);

/*
 * Proposal index (0, 1, ...) of the batch into text (replaced), and whose it is. New, if that can
 * be had: neither in the trajectory nor earlier in the batch. OPRO_ERR_NOMEM.
 */
opro_status opro__local_propose(opro__local *local, uint64_t index, opro__buf *text,
                                int32_t *origin);

#endif
