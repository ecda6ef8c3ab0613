/* SPDX-License-Identifier: MIT */
/*
 * Which arm proposes next: Thompson sampling (Thompson 1933) with forgetting. An arm earns credit
 * only for a new best: credit for merely good candidates goes to whatever makes tiny copies of
 * good ones.
 */
#ifndef OPRO_SEARCH_BANDIT_H
#define OPRO_SEARCH_BANDIT_H

#include "base/rng.h"

#define OPRO__ARMS_MAX 8

typedef struct opro__bandit {
    double wins[OPRO__ARMS_MAX]; /* parameters of a Beta distribution each, at least 1 */
    double losses[OPRO__ARMS_MAX];
    double floor; /* share of choices that are uniform */
    double decay;
} opro__bandit;

void opro__bandit_init(opro__bandit *bandit, double floor, double decay);

/* One of the arms whose bits are set in usable (at least one). */
size_t opro__bandit_choose(const opro__bandit *bandit, unsigned usable, opro__rng *rng);

/* A proposal of this arm was decided. */
void opro__bandit_credit(opro__bandit *bandit, size_t arm, int new_best);

#endif
