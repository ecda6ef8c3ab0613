/* SPDX-License-Identifier: MIT */
/*
 * The race of a candidate against a reference: instances are scored block by block, and after each
 * block the candidate may be dropped, because it has lost for certain or most probably.
 *
 * The guarantee. Scores are put into [0, 1], the reference's are all known, and the order of the
 * instances is drawn at random before any of them is scored. Then, whatever the scores are, a
 * candidate whose sum over all instances is at least the reference's and gain is dropped with a
 * probability of at most alpha, however often it is looked at. gain is what is better at all: 1
 * (one instance) if scores are 0 or 1, else 0. With alpha 0 it is never dropped.
 *
 * Why: x = y - (r - mean of r) / 2 has the sum of y. Of instances that are drawn without putting
 * back, each has in expectation the mean of those left, which is at least
 * m = (what must be reached - sum of x so far) / (instances left) for such a candidate. So the
 * product of the factors 1 - bet * (x - m), all positive, is not expected to grow; nor is the mean
 * of several such products; and by Ville's inequality it ever reaches 1 / alpha with a probability
 * of at most alpha (Waudby-Smith & Ramdas 2020, with the reference as a control variate).
 *
 * What it does not promise: alpha is of one candidate, not of a run; it is about the score over
 * these instances, not about others; and it is void if instances are left out or put into another
 * order because of their scores (a slow answer is waited for, one that fails is asked for again).
 */
#ifndef OPRO_CORE_RACE_H
#define OPRO_CORE_RACE_H

#include <stddef.h>
#include <stdint.h>

#define OPRO__RACE_BETS 4
#define OPRO__RACE_FEW  20 /* instances below which nothing is dropped by chance */

/* What is raced by. */
enum {
    OPRO__RACE_RECOMMENDED, /* against the best, alpha 0.2                  */
    OPRO__RACE_CAUTIOUS,    /* against the median of the best 20, alpha 0.2 */
    OPRO__RACE_EXACT        /* against the best, alpha 0: lost for certain  */
};

typedef struct opro__race_rules {
    double alpha;     /* 0: dropped only if it has lost for certain */
    size_t median_of; /* the reference is the median of so many best; 1: the best */
    size_t block;     /* instances from one decision to the next    */
} opro__race_rules;

/* A preset for so many instances; with fewer than OPRO__RACE_FEW, alpha is 0. */
opro__race_rules opro__race_rules_of(int preset, size_t instances);

/* Which of so many candidates that are scored on all instances is the reference: 0 is the best. */
size_t opro__race_reference(const opro__race_rules *rules, size_t scored);

/* What scores can be, and which are good. */
typedef struct opro__race_range {
    double low, high; /* NaN: not known */
    int minimize;
    int binary; /* all are low or high */
} opro__race_range;

enum {
    OPRO__RACE_ON,   /* the next block is to be scored         */
    OPRO__RACE_LOST, /* drop it                                */
    OPRO__RACE_WHOLE /* all instances are scored: no estimates */
};

/* Of a candidate; sums are of scores in [0, 1]. Only functions below look inside. */
typedef struct opro__race {
    const double *reference;
    size_t n, taken, block;
    double low, high, alpha, gain;
    int minimize;
    double reference_sum;
    double sum, controlled; /* of y, of x */
    double reference_taken; /* of r, over the instances taken */
    double lost, won;       /* of r - y where that is positive, of y - r */
    double wealth[OPRO__RACE_BETS];
} opro__race;

/*
 * Begin with a reference's scores, one an instance, which must stay as they are while the race is
 * on. 0 if there can be no race: the range of scores is not known, or there are fewer than two
 * instances.
 */
int opro__race_begin(opro__race *race, const opro__race_rules *rules, opro__race_range range,
                     const double *reference, size_t instances);

/* How many instances the next block has: those of the candidate's order that were not taken yet. */
size_t opro__race_next(const opro__race *race);

/* A score, within the range. Instances are taken in the candidate's order, blocks as a whole. */
void opro__race_take(opro__race *race, size_t instance, double score);

/* At the end of a block: OPRO__RACE_... */
int opro__race_verdict(const opro__race *race);

/*
 * What the candidate would most probably score on all instances, as the meta-prompt shows it when
 * it was dropped: instances that are missing are filled in from the reference; at least one
 * hundredth of the range worse than the reference, as far as the range goes.
 */
double opro__race_estimate(const opro__race *race);

/*
 * The order in which a candidate meets the instances 0 .. n-1: drawn for its digest, always the
 * same for the same seed.
 */
void opro__race_order(int64_t *order, size_t n, uint64_t seed, uint64_t digest);

#endif
