/* SPDX-License-Identifier: MIT */
/* What an endpoint answered, in words of no dialect. */
#ifndef OPRO_MODEL_ANSWER_H
#define OPRO_MODEL_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

typedef struct opro__reply_text {
    int32_t outcome; /* OPRO_OUTCOME_...; NONE: the endpoint did not give this one */
    char *text;      /* valid UTF-8 without NUL; NULL: none */
    size_t len;
    char *reasoning; /* NULL: none */
    size_t reasoning_len;
    char finish[32]; /* as the endpoint says it, cut to fit, "" if it does not */
} opro__reply_text;

/* Never negative; what the endpoint does not say is 0. */
typedef struct opro__usage {
    int64_t prompt, reply; /* reply includes reasoning */
    int64_t cached, reasoning;
    int known; /* the endpoint said something */
} opro__usage;

typedef struct opro__answer {
    opro__mem *mem;
    opro__reply_text *replies; /* of as many as were asked for, by index */
    size_t n_replies;
    size_t n_given; /* choices in the answer, also those beyond n_replies */
    opro__usage usage;
    char id[64]; /* the endpoint's id of the answer, cut to fit */
} opro__answer;

/* Room for so many replies, all NONE. OPRO_ERR_NOMEM. */
opro_status opro__answer_init(opro__answer *answer, opro__mem *mem, size_t n_replies);
void opro__answer_free(opro__answer *answer);

#endif
