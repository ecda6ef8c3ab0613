/* SPDX-License-Identifier: MIT */
/* Which examples of a dataset are for training, validation and test: --split. */
#ifndef EXAMPLES_SPLIT_H
#define EXAMPLES_SPLIT_H

#include "common.h"

/* For --help. */
#define SPLIT_VALUE "HOW"
#define SPLIT_HELP                                                                                 \
    "shares of training, validation and test examples (0.6,0.2,0.2),\n"                            \
    "                     drawn at random, always the same ones;\n"                                \
    "                     published[:TRAIN[,VALIDATION]], as the published program\n"              \
    "                     draws them, the rest for test (default 0.2,0);\n"                        \
    "                     files:TRAIN,VALIDATION,TEST with indices from 0, - for none.\n"          \
    "                     Default: of 100 or more a fifth for validation (and another\n"           \
    "                     for test, if that is asked for), at most 250 for training;\n"            \
    "                     of fewer, all for training"

/*
 * Split it. how NULL: the default; test: test examples are wanted. 0, or the exit code: it said
 * why.
 */
int split_dataset(const program *p, opro_dataset *dataset, const char *how, int test);

/* The examples of a set, and its name: "training", "validation", "test". */
size_t split_count(const opro_dataset *dataset, int32_t set);
const char *split_name(int32_t set);

#endif
