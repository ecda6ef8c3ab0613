/* SPDX-License-Identifier: MIT */
/* What metrics.c and vectors_metric.c share: cases of answer matching in JSON. */
#ifndef OPRO_TESTS_METRICS_H
#define OPRO_TESTS_METRICS_H

#include <jansson.h>

#include "conformance.h"
#include "kits/metric_reference.h"

/* A member's text; NULL and 0 if there is none. */
opro__piece piece_of_json(const json_t *line, const char *name);

/* From treat_as_number, treat_as_bool, is_gpt_model and num_decimals. */
opro__reference_mode mode_of_json(const json_t *line);

/* Each line of a file; integers are read as reals. Returns how many could not be read, -1: none. */
typedef void (*line_fn)(void *data, const json_t *line);
int each_line(const char *path, line_fn fn, void *data);

#endif
