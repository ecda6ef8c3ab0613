/* SPDX-License-Identifier: MIT */
/* What an endpoint answered, in words of no dialect. */
#ifndef OPRO_MODEL_ANSWER_H
#define OPRO_MODEL_ANSWER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

typedef struct opro__reply_text {
    int32_t outcome; /* OPRO_OUTCOME_...; NONE: the endpoint did not give this one */
    char *text;      /* valid UTF-8 without NUL; why, if REFUSED or FAILED; NULL: if NONE */
    size_t len;
    char *reasoning; /* NULL: none */
    size_t reasoning_len;
    char finish[32]; /* as the endpoint says it, cut to fit, "" if it does not */
} opro__reply_text;

/* Never negative; what the endpoint does not say is 0. */
typedef struct opro__usage {
    int64_t prompt, reply;     /* reply includes reasoning; at most 2^53 each */
    int64_t cached, reasoning; /* of these */
    int known;                 /* the endpoint said something */
} opro__usage;

typedef struct opro__answer {
    opro__mem *mem;
    opro__reply_text *replies; /* of as many as were asked for, by index */
    size_t n_replies;
    size_t n_given; /* choices in the answer, also those beyond n_replies */
    opro__usage usage;
    int counts_first; /* of several replies, usage counts the tokens of the first (llama.cpp) */
    char id[64];      /* the endpoint's id of the answer, cut to fit */
} opro__answer;

/* Room for so many replies, all NONE. OPRO_ERR_NOMEM. */
opro_status opro__answer_init(opro__answer *answer, opro__mem *mem, size_t n_replies);
void opro__answer_free(opro__answer *answer);

/* ---- for the dialects ---- */

/* One reply while it is read: what the model said, thought, and why there is none. */
typedef struct opro__said {
    opro__buf text, reasoning, why;
} opro__said;

void opro__said_init(opro__said *said, opro__mem *mem);
void opro__said_clear(opro__said *said);
void opro__said_free(opro__said *said);

/*
 * Append content, in all the forms it has: a string, null, a list of parts and strings. 0: it is
 * none of these.
 */
int opro__said_add(opro__said *said, const json_t *content);

/* Append one part: text, reasoning, or a refusal; others (tool calls, images) are nothing. */
void opro__said_part(opro__said *said, const json_t *part);

/* Append a string to one of the three; anything else is nothing. */
void opro__said_text(opro__buf *to, const json_t *text);

/* The member "error", if it says something: some endpoints send an empty one with every answer. */
json_t *opro__error_in(const json_t *object);

/* Append the words of an error: its message, or itself if it is a string. */
void opro__said_error(opro__said *said, const json_t *error);

/*
 * What a word for the end of a reply means; a table ends with NULL. ASCII case does not matter.
 * NONE: WHOLE with a text, FAILED without.
 */
typedef struct opro__finish {
    const char *word;
    int32_t outcome;
} opro__finish;

/*
 * Store a reply: finish (NULL: not said) has the outcome that the table says, WHOLE if it is not
 * there; with a why in said it is REFUSED unless it FAILED. index out of range (if there is more
 * than one reply) or given before: ignored, but counted. OPRO_ERR_NOMEM.
 */
opro_status opro__answer_put(opro__answer *answer, size_t index, const opro__said *said,
                             const char *finish, const opro__finish *table);

/* Which reply a choice is: its "index", or its place if it has none. SIZE_MAX: none. */
size_t opro__index_of(const json_t *choice, size_t place);

/* Put in what is known; negative: it is not. */
void opro__usage_set(opro__usage *usage, int64_t prompt, int64_t reply, int64_t cached,
                     int64_t reasoning);

#endif
