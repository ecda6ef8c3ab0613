/* SPDX-License-Identifier: MIT */
/*
 * What a careful person takes for the answer of a reply: metric_strict.c finds where it stands,
 * metric_number.c, metric_choice.c and metric_words.c read it there.
 */
#ifndef OPRO_KITS_METRIC_STRICT_H
#define OPRO_KITS_METRIC_STRICT_H

#include "letters.h"

/*
 * A reply with ASCII letters in lower case. Its pieces are found again, byte for byte, in the reply
 * as it was written.
 */
typedef struct opro__strict {
    opro__piece text;    /* what is to be seen: no reasoning in tags, nothing of a next question */
    const char *written; /* the same as it was written */
    opro__piece span;    /* where the answer is said to be; all of text if nothing says so */
    const char *marker;  /* the rule that says so; NULL: nothing does */
    int whole;           /* the span is the answer and nothing else: a box, a tag */
    int before;          /* the span stands before its marker: "7 is the answer" */
} opro__strict;

/* An answer that was read. */
typedef struct opro__answer {
    opro__piece text; /* a piece of the reply as it was written */
    const char *rule;
    double number;
    int index; /* of an option, a truth value */
} opro__answer;

/* Whether c can be part of a word: letters and digits, and all that is not ASCII. */
int opro__is_word(char c);

/* The same bytes as they were written. */
opro__piece opro__strict_written(const opro__strict *strict, opro__piece piece);

/* Without marks at both ends that say nothing: blanks, quotes, emphasis, ... */
opro__piece opro__strict_trim(opro__piece text);

/* Where the word stands as a word, from text.s on; NULL: nowhere. */
const char *opro__word_find(opro__piece text, opro__piece word);
int opro__word_at(opro__piece text, const char *at, opro__piece word);

/* ---- each: 1 with the answer, or 0: there is none, or more than one -------------------------- */

int opro__number_read(const opro__strict *strict, opro__answer *answer);

/* The number that is wanted. */
int opro__number_wanted(opro__piece text, double *value);

/* Options of a question, in their order; index is that of the answer. */
enum { OPRO__OPTIONS_MAX = 26 };
typedef struct opro__options {
    opro__piece text[OPRO__OPTIONS_MAX]; /* in lower case, trimmed */
    size_t n;
} opro__options;

/* question: in lower case; written: as it was. */
void opro__options_read(opro__piece question, const char *written, opro__options *options);
int opro__choice_read(const opro__strict *strict, const opro__options *options,
                      opro__answer *answer);

/* The option that an answer names, -1: none. */
int opro__choice_wanted(opro__piece text, const opro__options *options);

/* Yes, true, valid and their opposites: 1 and 0 in index. pair: which of the three comes first. */
int opro__bool_read(const opro__strict *strict, int pair, opro__answer *answer);

/* 1, 0, or -1: it is none. */
int opro__bool_wanted(opro__piece text, int *pair);

/* Is the wanted text, in lower case, what the reply answers? Needs no memory but out's. */
int opro__text_matches(const opro__strict *strict, opro__piece wanted, opro__answer *answer);

#endif
