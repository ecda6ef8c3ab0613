/* SPDX-License-Identifier: MIT */
/*
 * Vectors: inputs and outputs of functions of the published program, one a line. A function of ours
 * takes "in" and gives what "out" should be. One row of the table in vectors.c for each.
 */
#ifndef OPRO_TESTS_VECTORS_H
#define OPRO_TESTS_VECTORS_H

#include <jansson.h>

/* Numbers are reals throughout. NULL: an error, which agrees with a vector that has "error". */
typedef json_t *(*vector_fn)(const json_t *in);

/* ---- vectors_dataset.c ----------------------------------------------------------------------- */

json_t *vector_train_split(const json_t *in);

/* ---- vectors_metric.c ------------------------------------------------------------------------ */

json_t *vector_normalize(const json_t *in);
json_t *vector_accuracy(const json_t *in);
json_t *vector_verdict_one_round(const json_t *in);
json_t *vector_verdict_two_round(const json_t *in);

#endif
