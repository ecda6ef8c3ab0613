/* SPDX-License-Identifier: MIT */
/*
 * Vectors: inputs and outputs of functions of the published program, one a line. A function of ours
 * takes "in" and gives what "out" should be. One row of the table in vectors.c for each.
 */
#ifndef OPRO_TESTS_VECTORS_H
#define OPRO_TESTS_VECTORS_H

#include <jansson.h>
#include <stdint.h>

#include "opro/tour.h"

/* Numbers are reals throughout. NULL: an error, which agrees with a vector that has "error". */
typedef json_t *(*vector_fn)(const json_t *in);

/* ---- vectors_dataset.c ----------------------------------------------------------------------- */

json_t *vector_random_exemplars(const json_t *in);
json_t *vector_train_split(const json_t *in);

/* ---- vectors_differences.c ------------------------------------------------------------------- */

/* A vector of which something else is to come out here. */
typedef struct vector_difference {
    const char *function;
    const char *text; /* the reply, or the text, that is given */
    const char *ours; /* what comes out, as JSON               */
    const char *why;
} vector_difference;

/* NULL: there is to be none. */
const vector_difference *vector_difference_of(const char *function, const json_t *in);

/* ---- vectors_exam.c -------------------------------------------------------------------------- */

json_t *vector_scorer_prompt(const json_t *in);

/* ---- vectors_math.c -------------------------------------------------------------------------- */

json_t *vector_bucketize(const json_t *in);
json_t *vector_linreg_setup(const json_t *in);
json_t *vector_tsp_solve(const json_t *in);

/* The places of a vector, and a tour through them with its length. */
enum { VECTOR_PLACES = 100 };
opro_tour *vector_places(const json_t *in);
json_t *vector_tour(const opro_tour *tour, const int32_t *nodes);

/* ---- vectors_metric.c ------------------------------------------------------------------------ */

json_t *vector_accuracy(const json_t *in);
json_t *vector_normalize(const json_t *in);
json_t *vector_verdict_one_round(const json_t *in);
json_t *vector_verdict_two_round(const json_t *in);

/* ---- vectors_reply.c ------------------------------------------------------------------------- */

json_t *vector_bracket_reply(const json_t *in);
json_t *vector_ins_reply(const json_t *in);
json_t *vector_linreg_reply(const json_t *in);
json_t *vector_polish(const json_t *in);
json_t *vector_text_tag_reply(const json_t *in);
json_t *vector_tsp_reply(const json_t *in);

#endif
