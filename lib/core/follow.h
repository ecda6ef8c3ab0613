/* SPDX-License-Identifier: MIT */
/*
 * Reading a trajectory that grows, each candidate once: what was gathered from it stays good as
 * long as it is the same trajectory, with nothing taken away.
 */
#ifndef OPRO_CORE_FOLLOW_H
#define OPRO_CORE_FOLLOW_H

#include "trajectory.h"

typedef struct opro__follow {
    const opro_trajectory *t; /* the one that was read; maybe freed since */
    int64_t count;            /* how far */
    uint64_t mark;            /* what some of its candidates were like */
} opro__follow;

/* The first number to be read now. 0: forget what was gathered. */
int64_t opro__follow_from(const opro__follow *follow, const opro_trajectory *t);

/* All of t has been read. */
void opro__follow_done(opro__follow *follow, const opro_trajectory *t);

/* Forget it, so that the next reading starts over. */
void opro__follow_reset(opro__follow *follow);

#endif
