/* SPDX-License-Identifier: MIT */
/* The share of right answers, with its 95 % interval; and the difference between two of them. */
#ifndef EXAMPLES_SHARE_H
#define EXAMPLES_SHARE_H

#include <jansson.h>
#include <opro/opro.h>

typedef struct share {
    double value, low, high; /* NaN: nothing is known      */
    size_t known, n;         /* examples with a score; all */
} share;

/* Of scores, NaN where they are not known. */
share share_of(const double *scores, size_t n);

/* Scores of an exam, in its order; to be freed. NULL: no memory. */
double *share_exam_scores(const opro_exam *exam);
share share_of_exam(const opro_exam *exam);

/* Scores of a candidate on a set (OPRO_TRAIN, OPRO_VALIDATION); to be freed. */
double *share_candidate_scores(const opro_trajectory *t, int64_t number, int32_t set, size_t *n);
share share_of_candidate(const opro_trajectory *t, int64_t number, int32_t set);

/*
 * How much better b is than a on the same examples, one by one (those known to both): the mean, and
 * its 95 % interval by Bonett & Price (2012), as if one more example had been won and one lost.
 */
share share_difference(const double *a, const double *b, size_t n);

/*
 * In a table, under SHARE_HEAD: "  71.4 %    66.0 to  76.3        250", at the end "249/250" if one
 * is not known; and as JSON, null if nothing is known.
 */
#define SHARE_HEAD "   right    95 %% interval         of" /* a format */
void share_print(share s);
json_t *share_json(share s);

#endif
