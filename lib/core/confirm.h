/* SPDX-License-Identifier: MIT */
/*
 * The choice of the winner. The best score on the training instances is too good to be true, since
 * it was chosen among many; so the best 16 are scored on fresh instances, which no proposal was
 * made from: all 16 on a quarter of them, the best 6 on the next quarter, the best 3 on the rest.
 * Best is who has the best mean over the training instances and the fresh ones seen so far
 * (choosing by the fresh ones alone is worse). What is reported of the winner is its mean over the
 * fresh instances alone. It is still the best of a few, so slightly too good: say so with it.
 *
 * Dear as seven scorings on all fresh instances rather than sixteen.
 */
#ifndef OPRO_CORE_CONFIRM_H
#define OPRO_CORE_CONFIRM_H

#include <stddef.h>
#include <stdint.h>

#define OPRO__CONFIRM_MOST 16

typedef struct opro__contender {
    int64_t number; /* the caller's name for it */
    double train;   /* sum over the training instances */
    double fresh;   /* sum over the fresh ones so far  */
    int failed;
} opro__contender;

/* Only functions below look inside, but at in and n_in. */
typedef struct opro__confirm {
    opro__contender in[OPRO__CONFIRM_MOST]; /* still in, best first */
    size_t n_in;
    size_t begun; /* with so many */
    size_t n_train, n_fresh;
    size_t scored; /* fresh instances that those who are in are scored on */
    int stage;
    int minimize;
} opro__confirm;

/* The most scores that are asked for when so many enter. */
int64_t opro__confirm_most(size_t entered, size_t n_fresh);

/* Nobody is in yet. */
void opro__confirm_begin(opro__confirm *confirm, size_t n_train, size_t n_fresh, int minimize);

/*
 * A candidate that was scored on all training instances, with its mean. Candidates come best first;
 * 0 if there is no place left.
 */
int opro__confirm_enter(opro__confirm *confirm, int64_t number, double train_mean);

/*
 * What is to be scored next: instances from .. to-1 of the fresh ones, which stand in one random
 * order for all (opro__race_order() with a digest of 0), for everybody who is in. 0: it is decided.
 */
int opro__confirm_next(const opro__confirm *confirm, size_t *from, size_t *to);

/* The sum of in[i]'s scores on them. */
void opro__confirm_score(opro__confirm *confirm, size_t i, double sum);

/* in[i] could not be scored on them all: it is out at the end of the stage. */
void opro__confirm_fail(opro__confirm *confirm, size_t i);

/* Everybody's scores are there: the worse ones are out. */
void opro__confirm_cut(opro__confirm *confirm);

/* Who won, once it is decided; NULL: nobody (all have failed, or nobody entered). */
const opro__contender *opro__confirm_winner(const opro__confirm *confirm);

/* Means of one who is in, over the fresh instances (NaN: none), and over all. */
double opro__confirm_fresh(const opro__confirm *confirm, const opro__contender *contender);
double opro__confirm_pooled(const opro__confirm *confirm, const opro__contender *contender);

#endif
