/* SPDX-License-Identifier: MIT */
#ifndef OPRO_CORE_REQUEST_H
#define OPRO_CORE_REQUEST_H

#include "base/buf.h"
#include "budget.h"
#include "meta_prompt.h"
#include "opro/run.h"
#include "trajectory.h"

typedef struct opro__batch opro__batch;
typedef struct opro__work opro__work;

typedef struct opro__message {
    int32_t role;
    char *text;
    size_t len;
} opro__message;

/* The messages of a batch, shared by its requests. */
typedef struct opro__prompt {
    opro__message *messages;
    size_t n;
} opro__prompt;

struct opro_request {
    opro__mem own;  /* clones only */
    opro__mem *mem; /* &own, or the run's */
    int32_t kind;
    int32_t set;
    uint64_t id;
    int64_t step;
    /* PROPOSE */
    const opro__prompt *prompt;
    opro__prompt own_prompt; /* clones */
    size_t samples;
    size_t first;
    double temperature;
    int64_t max_tokens;
    uint64_t seed;
    /* SCORE */
    const char *text;
    size_t text_len;
    const int64_t *instances;
    size_t n_instances;
    /* JSON, once it was asked for */
    char *json;
    size_t json_len;
    /* in a run */
    opro_request *next; /* of those that are answered */
    opro__batch *batch; /* NULL: a clone */
    opro__work *work;   /* SCORE */
    opro__amounts reserved;
    int64_t prompt_tokens, reply_tokens, cost; /* used so far */
    int64_t deadline;                          /* INT64_MAX: none */
    size_t answered;                           /* samples */
};

/* Copy the messages of a builder. */
opro_status opro__prompt_copy(opro__prompt *prompt, const opro_meta_prompt *from, opro__mem *mem);
void opro__prompt_free(opro__prompt *prompt, opro__mem *mem);

/* The last user message, "" if there is none. */
const char *opro__prompt_text(const opro__prompt *prompt, size_t *len);

/* Free a request of a run. */
void opro__request_free(opro_request *request);

#endif
