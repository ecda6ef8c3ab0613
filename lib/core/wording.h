/* SPDX-License-Identifier: MIT */
/*
 * The words of every kind of meta-prompt: the built-in templates of its blocks, in the library's
 * own words.
 */
#ifndef OPRO_CORE_WORDING_H
#define OPRO_CORE_WORDING_H

#include "config.h"
#include "problem.h"

/* What a meta-prompt is about. */
typedef struct opro__wording {
    const opro_problem *problem;
    int32_t kind;     /* OPRO_META_PROMPT_..., not AUTO                            */
    int32_t position; /* OPRO_POSITION_...                                         */
    int32_t order;    /* OPRO_ORDER_..., 0: the host sorts, so nothing is said     */
    int question_marks;
    int exemplars_first;
    int exemplars; /* some are shown                                            */
    int scores;    /* scores are shown                                          */
    int range;     /* {low} and {high} mean something                           */
} opro__wording;

/* OPRO_ERR_INVALID for options that do not fit together, or not to the problem. */
opro_status opro__wording_make(opro__wording *w, const opro_problem *problem,
                               const opro__options *options, opro_error *err);

/* The format in which replies are read (reply.h). */
int32_t opro__wording_format(const opro__wording *w);

/* What an answer is put between; the name in it if these are tags, else NULL. */
const char *opro__wording_open(const opro__wording *w);
const char *opro__wording_close(const opro__wording *w);
const char *opro__wording_tag(const opro__wording *w);

/* What a score is called: as the problem says, or else by the kind. */
const char *opro__wording_score_name(const opro__wording *w, size_t *len);

/* Append the built-in template of a block (OPRO_BLOCK_...). */
void opro__wording_block(const opro__wording *w, int32_t block, opro__buf *out);

#endif
