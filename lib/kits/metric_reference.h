/* SPDX-License-Identifier: MIT */
/*
 * The published program's rules of answer matching, quirks and all: how it normalises a reply
 * (metric_reference.c), and what it calls right (metric_accuracy.c).
 */
#ifndef OPRO_KITS_METRIC_REFERENCE_H
#define OPRO_KITS_METRIC_REFERENCE_H

#include "base/err.h"
#include "letters.h"

/* What is said of the replies. */
typedef struct opro__reference_mode {
    int number;   /* answers are numbers                             */
    int boolean;  /* answers are yes or no, and the like             */
    int boxed;    /* replies are a chat model's: "\boxed{...}" counts */
    int decimals; /* of numbers, 0 .. 17                             */
} opro__reference_mode;

/* Memory of the work, used again from reply to reply. */
typedef struct opro__reference {
    opro__buf low;    /* the reply in lower case                             */
    opro__buf number; /* what is left of it while it is read as a number     */
    opro__buf out;    /* the normalised reply, where it is no piece of low   */
    opro__buf truth;  /* of the verdict: both texts in lower case            */
    opro__buf guess;
    opro__buf options; /* the texts of the options in lower case              */
    opro__buf bare;    /* texts without punctuation, or without one another   */
} opro__reference;

void opro__reference_init(opro__reference *ref, opro__mem *mem, size_t max);
void opro__reference_free(opro__reference *ref);

/*
 * The normalised reply: a piece of raw or of ref's memory, until the next call. OPRO_ERR_FAILED
 * where the published program crashes.
 */
opro_status opro__reference_normalize(opro__reference *ref, opro__piece raw,
                                      const opro__reference_mode *mode, opro__piece *normalized,
                                      opro_error *err);

/*
 * What the program does with a normalised reply, and with a reply to a second question before it
 * is normalised: no colons and blanks at the ends, the first line, nothing from "Q:" on.
 */
opro__piece opro__reference_clean(opro__piece text);

/*
 * The verdict. question: the whole prompt for multiple choice, else "". include: a reply that
 * contains the answer is right. rule: which rule made it right, or "none". OPRO_ERR_FAILED where
 * the published program crashes.
 */
opro_status opro__reference_accuracy(opro__reference *ref, opro__piece truth, opro__piece guess,
                                     opro__piece question, int include, int *right,
                                     const char **rule, opro_error *err);

/* Append text without ASCII punctuation. */
void opro__reference_bare(opro__buf *out, opro__piece text);

#endif
