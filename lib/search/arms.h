/* SPDX-License-Identifier: MIT */
/*
 * What the local optimizer knows of a kind of solutions: its arms, how they learn and how they
 * propose.
 */
#ifndef OPRO_SEARCH_ARMS_H
#define OPRO_SEARCH_ARMS_H

#include "base/buf.h"
#include "base/rng.h"
#include "bandit.h"
#include "core/config.h"
#include "core/problem.h"
#include "core/trajectory.h"

#define OPRO__NO_ARM SIZE_MAX

/*
 * The last arm of every kind is a random solution: it is always usable and never chosen by
 * credit.
 */
typedef struct opro__arms {
    size_t n;                        /* without the random one                              */
    int32_t origins[OPRO__ARMS_MAX]; /* OPRO_ORIGIN_... of each; [n]: of the random one     */
    void (*free)(void *state, opro__mem *mem);

    /* Forget everything: another trajectory is to be read. */
    void (*reset)(void *state);

    /* Forget what was learnt, but for what is true wherever the search stands. */
    void (*restart)(void *state);

    /* A candidate was scored; arm: whose it was, or OPRO__NO_ARM. OPRO_ERR_NOMEM. */
    opro_status (*learn)(void *state, const opro__candidate *c, double badness, size_t arm);

    /*
     * A batch of proposals from this trajectory begins. fresh: the search has stalled; what was
     * learnt since the last restart is not to be used.
     */
    opro_status (*begin)(void *state, const opro_trajectory *t, int fresh);

    /* Bits of the arms that can propose now; the random one is not among them. */
    unsigned (*usable)(const void *state);

    /* An arm that is sure to be right and gets a proposal of every batch, or OPRO__NO_ARM. */
    size_t (*sure)(const void *state);

    /* Append a proposal to text; called again if that one is not new. OPRO_ERR_NOMEM. */
    opro_status (*propose)(void *state, size_t arm, opro__rng *rng, opro__buf *text);
} opro__arms;

/* The arms for a problem, and their state. NULL arms: no memory. mem must outlive the state. */
const opro__arms *opro__vector_arms(const opro__space *space, opro__mem *mem, void **state);
const opro__arms *opro__permutation_arms(const opro__space *space, int polished, int surrogate,
                                         opro__mem *mem, void **state);
const opro__arms *opro__text_arms(const opro__options *options, opro__mem *mem, void **state);

#endif
