/* SPDX-License-Identifier: MIT */
/* What the files of failure share: what an endpoint complains of, and how a message is made. */
#ifndef OPRO_MODEL_FAILURE_PARTS_H
#define OPRO_MODEL_FAILURE_PARTS_H

#include "failure.h"

/*
 * An error as the endpoint tells it, in whatever form. Strings are never NULL, and belong to the
 * JSON or the body they were read from.
 */
typedef struct opro__complaint {
    const char *message;
    size_t len;
    const char *raw; /* what somebody behind the endpoint said */
    size_t raw_len;
    const char *type, *code, *param, *status, *request_id;
    int64_t number;       /* code or status, where it is a number; 0 */
    const json_t *object; /* that has the message; NULL              */
    char page[204];       /* the beginning of what is not JSON       */
} opro__complaint;

/*
 * error: the value of "error", or the whole JSON of the body; NULL: it is not JSON. Never fails: of
 * what cannot be understood the first 200 printable bytes (of HTML the title) are the message.
 */
void opro__complaint_read(opro__complaint *complaint, const json_t *error, const char *body,
                          size_t len);

/* 1 if message, raw, code or type contain the word (lower case); if the rest of the JSON does. */
int opro__complaint_says(const opro__complaint *complaint, const char *word);
int opro__complaint_holds(const opro__complaint *complaint, const char *word);

/* Any of the words; NULL ends them. */
int opro__complaint_says_any(const opro__complaint *complaint, const char *const *words);

/* 1 if code, type or status is one of the names. */
int opro__complaint_is(const opro__complaint *complaint, const char *const *names);

/* 1 if the message names a parameter: as a word; only_quoted: in quotes or backquotes. */
int opro__complaint_names(const opro__complaint *complaint, const char *name, int only_quoted);

/* Where secrets are kept out. */
typedef struct opro__censor {
    const opro__secret *secrets;
    size_t n;
    opro__mem *mem;
} opro__censor;

/* Foreign words, fit for a message: one line, no secrets, at most 240 bytes; "" without memory. */
typedef struct opro__words {
    char text[244];
} opro__words;
opro__words opro__words_of(const opro__censor *censor, const char *s, size_t len);

/*
 * The one form of all messages: what: "words" (request id ID); advice. words, id and advice may be
 * "".
 */
void opro__failure_say(opro__failure *failure, int32_t kind, int retry, const char *what,
                       const char *words, const char *id, const char *advice);

#endif
