/* SPDX-License-Identifier: MIT */
/*
 * The trajectory from inside. A candidate is met (opro__trajectory_meet: it is remembered, but
 * pending), decided, and then committed, which gives it its number. Only committed ones are
 * public. Candidates never move.
 */
#ifndef OPRO_CORE_TRAJECTORY_H
#define OPRO_CORE_TRAJECTORY_H

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "opro/trajectory.h"

/* What few candidates have. */
typedef struct opro__extra {
    double *scores[2]; /* per instance of train, validation; NULL: none */
    size_t n[2];
    char *detail;
    size_t detail_len;
    char *feedback;
    size_t feedback_len;
} opro__extra;

typedef struct opro__candidate {
    const char *text;
    double score;      /* NaN: none */
    double validation; /* NaN: none */
    opro__extra *extra;
    uint64_t hash; /* of the text as it counts for duplicates */
    uint32_t len;
    int32_t step;
    uint32_t number; /* UINT32_MAX: pending */
    uint32_t sample;
    uint32_t proposals;
    uint16_t origin;
    uint8_t verdict; /* 0: pending */
    uint8_t reason : 7;
    uint8_t unused : 1;
    uint8_t flags;
} opro__candidate;

/* Figures of one step. */
typedef struct opro__figures {
    int64_t step;
    int64_t proposals, scored, rejected, duplicates, failed, scorer_calls;
    int64_t prompt_tokens, reply_tokens, cost;
    double best, mean, m2, best_so_far,
        temperature; /* m2: sum of squared deviations (Welford 1962) */
} opro__figures;

/* A scored candidate in its rank. */
typedef struct opro__ranked {
    double score;
    int64_t number;
} opro__ranked;

typedef struct opro__chunk opro__chunk;

struct opro_trajectory {
    opro__mem own;
    opro__mem *mem; /* &own, or that of the run */
    opro_error err;
    int32_t direction;
    int dedup; /* OPRO_DEDUP_... */
    int belongs_to_run;
    opro__candidate **blocks; /* of as many candidates each */
    size_t n_blocks, cap_blocks;
    uint32_t met;    /* candidates in blocks */
    uint32_t *order; /* number -> index in blocks, in blocks of their own */
    size_t cap_order;
    int64_t count, scored;
    int64_t steps; /* that have ended */
    opro__chunk *texts;
    opro__map seen;
    opro__ranked *top; /* the best scored, best first */
    size_t n_top, cap_top;
    int64_t best, best_validated;
    opro__figures *figures;
    size_t n_figures, cap_figures;
    opro__figures gone; /* of a step whose figures are not kept */
    uint64_t digest;
};

/* mem: the run's; top: how many of the best are kept in order. */
opro_status opro__trajectory_init(opro_trajectory *t, opro__mem *mem, int32_t direction,
                                  int32_t dedup, size_t top);
void opro__trajectory_clear(opro_trajectory *t);

/*
 * The candidate that counts as this text, pending or not; NULL. What counts is the option dedup,
 * but a pending candidate is the same only if its text is, byte for byte.
 */
opro__candidate *opro__trajectory_lookup(const opro_trajectory *t, const char *text, size_t len);

/*
 * The same, or else a new pending candidate with this text; *fresh says if it is new. NULL when
 * there is no memory (or room: 2^32 - 2). Committing it cannot fail.
 */
opro__candidate *opro__trajectory_meet(opro_trajectory *t, const char *text, size_t len,
                                       int *fresh);

/*
 * Space for scores of a set (0 train, 1 validation), all NaN. OPRO_ERR_NOMEM. One instance needs
 * none.
 */
opro_status opro__candidate_scores(opro_trajectory *t, opro__candidate *c, int set, size_t n);
opro_status opro__candidate_detail(opro_trajectory *t, opro__candidate *c, const char *s,
                                   size_t len);
opro_status opro__candidate_feedback(opro_trajectory *t, opro__candidate *c, const char *s,
                                     size_t len);

/*
 * Its scores per instance of a set, as far as they are known (others are NaN): none, or all
 * instances' places. A single instance's is the score itself.
 */
const double *opro__candidate_known(const opro__candidate *c, int set, size_t *n);

/* Of all that is known of it. */
uint64_t opro__candidate_digest(const opro__candidate *c);

/* It is decided (verdict, score and the rest are set): give it its number and its rank. */
void opro__trajectory_commit(opro_trajectory *t, opro__candidate *c);

/*
 * Around a change of what is known of a candidate that may have its number already: its scores per
 * instance, its validation score, words. The trajectory's digest follows.
 */
void opro__trajectory_unfix(opro_trajectory *t, const opro__candidate *c);
void opro__trajectory_fix(opro_trajectory *t, const opro__candidate *c);

/* The i-th candidate that was met (i < met), committed or not. */
opro__candidate *opro__trajectory_met(const opro_trajectory *t, uint32_t i);

/* The candidate with a number; NULL out of range. */
opro__candidate *opro__trajectory_at(const opro_trajectory *t, int64_t number);

/*
 * The figures of a step, made when it is new; NULL when there is no memory. Of very many steps not
 * all are kept: those of a step that has lasted so long that its own are gone are of no use.
 */
opro__figures *opro__trajectory_figures(opro_trajectory *t, int64_t step);

#endif
