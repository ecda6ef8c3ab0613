/* SPDX-License-Identifier: MIT */
/*
 * A world in which the choice of candidates can be tried out a thousand times: instances of
 * different difficulty, candidates of different ability, and an optimizer that makes new ones from
 * two of those it is shown. A candidate repeats right and wrong answers of its parents, so luck on
 * the training instances is inherited, and scores on them are too good to be true.
 *
 * Instance i has a difficulty b and a steepness a; a candidate of ability t solves it if
 * a (t - b) + e > 0, where e (logistic) is its own luck with this instance (two-parameter item
 * response theory).
 */
#ifndef TESTS_BENCH_RACE_WORLD_H
#define TESTS_BENCH_RACE_WORLD_H

#include <stddef.h>
#include <stdint.h>

typedef struct scenario {
    const char *name;
    double spread;    /* of a child around its parents                      */
    double pull;      /* back to where it began: better is harder and harder */
    double inherited; /* share of a parent's luck                           */
    double disasters; /* share of children that are much worse              */
    double start;     /* accuracy of the first candidate                    */
} scenario;

#define SCENARIOS 5
extern const scenario scenarios[SCENARIOS];

typedef struct candidate {
    double ability;
    float *luck;           /* one an instance */
    unsigned char *solved; /* one an instance */
    size_t right;          /* of the training instances */
} candidate;

typedef struct world {
    const scenario *scenario;
    uint64_t seed;
    size_t n_train, n; /* training instances come first, fresh ones after them */
    double *steepness, *difficulty;
    double base; /* ability of the first candidate */
    candidate *candidates;
    size_t met, cap;
} world;

/* Before anything else. */
void world_prepare(void);

/* Instances and the first candidate. The same seed gives the same world. */
void world_begin(world *w, const scenario *s, size_t n_train, size_t n_fresh, uint64_t seed);
void world_end(world *w);

/*
 * A child of two that are shown: number i of n, best first, is drawn with weight exp(-i / 5).
 * Returns its number. *mother is the first of the two.
 */
size_t world_child(world *w, const size_t *shown, size_t n, size_t *mother);

/* Share of all instances there could be that a candidate solves. */
double world_accuracy(const candidate *c);

#endif
