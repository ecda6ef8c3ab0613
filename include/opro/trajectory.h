/* SPDX-License-Identifier: MIT */
/*
 * A trajectory: every distinct solution ever met, in the order in which it was decided, with its
 * scores and its story. A run has one (opro_run_trajectory()); one can also stand alone, for a
 * warm start or for analysis. Candidates are named by their number: 0, 1, 2, ... in the order of
 * the trajectory.
 */
#ifndef OPRO_TRAJECTORY_H
#define OPRO_TRAJECTORY_H

#include "base.h"

OPRO_BEGIN_DECLS

/* Candidates with their scores, in order. */
typedef struct opro_trajectory opro_trajectory;

/* What became of a candidate. */
enum {
    OPRO_VERDICT_SCORED = 10,   /* legal, and it has a score */
    OPRO_VERDICT_REJECTED = 20, /* not a legal solution; never scored */
    OPRO_VERDICT_FAILED = 30    /* legal, but the scorer could not score it */
};

/* Why a reply or a candidate was not admitted. */
enum {
    OPRO_REASON_NONE = 0,          /* it was admitted */
    OPRO_REASON_NO_CANDIDATE = 10, /* the reply held no candidate */
    OPRO_REASON_DUPLICATE = 20,    /* met before */
    OPRO_REASON_TOO_LONG = 30,     /* option max_length */
    OPRO_REASON_DIGITS = 40,       /* option forbid_digits */
    OPRO_REASON_PLACEHOLDER = 50,  /* option forbid_placeholder */
    OPRO_REASON_NOT_LEGAL = 60,    /* the problem's canonical or check said no */
    OPRO_REASON_TRUNCATED = 70,    /* the reply was cut off */
    OPRO_REASON_REFUSED = 75,      /* the model refused to answer */
    OPRO_REASON_NOT_SCORED = 80,   /* the scorer gave up, or the run stopped first */
    OPRO_REASON_NO_REPLY = 90      /* the optimizer gave up */
};

/* Flags of a candidate. */
enum {
    OPRO_FLAG_REPAIRED = 1, /* it was not legal as proposed */
    OPRO_FLAG_POLISHED = 2, /* made better by the problem */
    OPRO_FLAG_INITIAL = 4,  /* a solution to start from */
    OPRO_FLAG_WARM = 8,     /* came in by opro_run_warm_start() */
    /*
     * Dropped before all its training instances were scored (option race): its score is what it
     * most probably would have got, worse than the best. It is shown, marked with "~", and never
     * is the best.
 */
    OPRO_FLAG_PARTIAL = 16
};

/* An empty trajectory of a direction (OPRO_MAXIMIZE or OPRO_MINIMIZE). Since 0.1. */
OPRO_API opro_status opro_trajectory_new(opro_trajectory **out, int32_t direction,
                                         const opro_allocator *mem);

/*
 * Free it; NULL is fine. A run's own trajectory cannot be freed: it goes with the run. Since 0.1.
 */
OPRO_API void opro_trajectory_free(opro_trajectory *trajectory);

/* Detail of the last failed call. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_trajectory_error(const opro_trajectory *trajectory);

/*
 * Add a scored solution, with its scores per training instance (n at least 1; the mean is its
 * score; all finite), to a trajectory that stands alone. *number (may be NULL) receives its
 * number. Returns OPRO_ERR_STATE for a run's trajectory and OPRO_ERR_INVALID for a text that is
 * there already. Since 0.1.
 */
OPRO_API opro_status opro_trajectory_add(opro_trajectory *trajectory, const char *text, size_t len,
                                         const double *scores, size_t n, int64_t *number);

/* How many candidates are in it, and how many of them are scored. Since 0.1. */
OPRO_API int64_t opro_trajectory_count(const opro_trajectory *trajectory);
OPRO_API int64_t opro_trajectory_scored(const opro_trajectory *trajectory);
OPRO_API int32_t opro_trajectory_direction(const opro_trajectory *trajectory);

/*
 * The number of the best scored candidate (of several equal ones the first); -1 when there is
 * none. Since 0.1.
 */
OPRO_API int64_t opro_trajectory_best(const opro_trajectory *trajectory);

/* The best by validation score among those that have one; -1 when there is none. Since 0.1. */
OPRO_API int64_t opro_trajectory_best_validated(const opro_trajectory *trajectory);

/*
 * The numbers of the best n scored candidates, best first (of equal ones the later first, as the
 * published program shows them), into numbers[0..n). Returns how many were written. O(n) while n
 * is at most the number a run shows (option shown_solutions), else O(count log count). Since 0.1.
 */
OPRO_API size_t opro_trajectory_top(const opro_trajectory *trajectory, int64_t *numbers, size_t n);

/*
 * The number of the candidate with this text (as met, or canonical); -1 when it was never met.
 * Since 0.1.
 */
OPRO_API int64_t opro_trajectory_find(const opro_trajectory *trajectory, const char *text,
                                      size_t len);

/*
 * One candidate. number out of range: NULL, 0 or NaN. text lives as long as the trajectory. score
 * is the mean over the training instances (estimated with OPRO_FLAG_PARTIAL), NaN if it was not
 * scored; validation is the mean over the validation instances, NaN unless all are scored. step is
 * -1 for initial solutions and warm starts, else 0, 1, ...; sample is its place within the step;
 * proposals counts how often it was proposed; reason is an OPRO_REASON_... and detail says it in
 * words ("" when there is nothing to say); feedback is what the scorer said. origin is the number
 * that the optimizer gave it (opro_origin_name()). Since 0.1.
 */
OPRO_API const char *opro_trajectory_text(const opro_trajectory *trajectory, int64_t number,
                                          size_t *len);
OPRO_API double opro_trajectory_score(const opro_trajectory *trajectory, int64_t number);
OPRO_API double opro_trajectory_validation(const opro_trajectory *trajectory, int64_t number);
OPRO_API int32_t opro_trajectory_verdict(const opro_trajectory *trajectory, int64_t number);
OPRO_API int32_t opro_trajectory_reason(const opro_trajectory *trajectory, int64_t number);
OPRO_API int32_t opro_trajectory_flags(const opro_trajectory *trajectory, int64_t number);
OPRO_API int32_t opro_trajectory_origin(const opro_trajectory *trajectory, int64_t number);
OPRO_API int64_t opro_trajectory_step(const opro_trajectory *trajectory, int64_t number);
OPRO_API int64_t opro_trajectory_sample(const opro_trajectory *trajectory, int64_t number);
OPRO_API int64_t opro_trajectory_proposals(const opro_trajectory *trajectory, int64_t number);
OPRO_API const char *opro_trajectory_detail(const opro_trajectory *trajectory, int64_t number,
                                            size_t *len);
OPRO_API const char *opro_trajectory_feedback(const opro_trajectory *trajectory, int64_t number,
                                              size_t *len);

/*
 * The scores per instance of a set (OPRO_TRAIN or OPRO_VALIDATION): at most n of them into scores
 * (instances without one: NaN). Returns how many instances there are; 0: no score is known. Since
 * 0.1.
 */
OPRO_API size_t opro_trajectory_scores(const opro_trajectory *trajectory, int64_t number,
                                       int32_t set, double *scores, size_t n);

/*
 * A 95 % interval of the mean of n scores, as a sample of more such instances: Wilson's (1927) if
 * all scores are 0 or 1, else mean +- 1.96 standard errors. For a few scores it is rough; for the
 * best of many it is too good, since it was chosen for its score. NaNs among the scores are passed
 * over. OPRO_ERR_INVALID: no scores; a single one that is neither 0 nor 1; an infinite one. Any
 * thread. Since 0.1.
 */
OPRO_API opro_status opro_interval(const double *scores, size_t n, double *low, double *high);

/*
 * The interval of a candidate's score on a set (OPRO_TRAIN or OPRO_VALIDATION), from the instances
 * whose scores are known. OPRO_ERR_INVALID: as above; a candidate that is not scored, or was
 * dropped in a race (OPRO_TRAIN). Since 0.1.
 */
OPRO_API opro_status opro_trajectory_interval(const opro_trajectory *trajectory, int64_t number,
                                              int32_t set, double *low, double *high);

/* Figures of one step, for a curve. Estimated scores count. */
enum {
    OPRO_FIGURE_PROPOSALS = 10,      /* replies asked for */
    OPRO_FIGURE_SCORED = 20,         /* candidates that were scored */
    OPRO_FIGURE_REJECTED = 30,       /* replies and candidates that were rejected */
    OPRO_FIGURE_DUPLICATES = 40,     /* ... because they were met before */
    OPRO_FIGURE_FAILED = 50,         /* failed requests, candidates that were never scored */
    OPRO_FIGURE_BEST = 60,           /* best score of the step; NaN: none was scored */
    OPRO_FIGURE_MEAN = 70,           /* mean score of the step */
    OPRO_FIGURE_DEVIATION = 80,      /* standard deviation of the step's scores */
    OPRO_FIGURE_BEST_SO_FAR = 90,    /* best score up to and with this step */
    OPRO_FIGURE_TEMPERATURE = 100,   /* sampling temperature */
    OPRO_FIGURE_PROMPT_TOKENS = 110, /* tokens read */
    OPRO_FIGURE_REPLY_TOKENS = 120,  /* tokens written */
    OPRO_FIGURE_COST = 130,          /* millionths of the currency */
    OPRO_FIGURE_SCORER_CALLS = 140   /* (candidate, instance) pairs scored */
};

/*
 * How many steps have ended, not counting step -1. The figures of one step more are those of the
 * confirm stage (run.h), in which nothing is proposed and no candidate is new. Since 0.1.
 */
OPRO_API int64_t opro_trajectory_steps(const opro_trajectory *trajectory);

/*
 * A figure of step -1, 0, 1, ...; NaN for an unknown step or figure. When there have been more than
 * 65,536 steps, the figures of some older ones are forgotten: those of every second one, then of
 * three in four, and so on. Since 0.1.
 */
OPRO_API double opro_trajectory_figure(const opro_trajectory *trajectory, int64_t step,
                                       int32_t figure);

/*
 * A digest of all candidates with their scores and verdicts, in order; equal on every platform.
 * O(1). Since 0.1.
 */
OPRO_API uint64_t opro_trajectory_hash(const opro_trajectory *trajectory);

OPRO_END_DECLS

#endif
