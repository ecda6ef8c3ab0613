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

/*
 * Who works on a request outside the run hears when it is closed by anybody else: cancelled, out
 * of time, answered by another, or gone with the run.
 */
typedef struct opro__watch {
    void (*fn)(void *ctx); /* may not call into the run */
    void *ctx;
    struct opro__watch *next, **at; /* at NULL: it is off */
} opro__watch;

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
    uint64_t turn;                             /* of being opened */
    int again;                                 /* it was open when the run was resumed     */
    size_t given;                              /* ... and so many replies were given since */
    opro__watch *watches;
    size_t answered; /* samples */
};

/* Copy the messages of a builder. */
opro_status opro__prompt_copy(opro__prompt *prompt, const opro_meta_prompt *from, opro__mem *mem);
void opro__prompt_free(opro__prompt *prompt, opro__mem *mem);

/* The last user message, "" if there is none. */
const char *opro__prompt_text(const opro__prompt *prompt, size_t *len);

/*
 * Watch an open request of a run (no clone) with a watch that is off. fn runs exactly once, when
 * the request is closed, and the watch is off then; so whoever gives the answer that closes it
 * takes his own watch off before.
 */
void opro__request_watch(opro_request *request, opro__watch *watch, void (*fn)(void *ctx),
                         void *ctx);
void opro__watch_off(opro__watch *watch); /* nothing if it is off */

/* Tell all who watch. */
void opro__request_tell(opro_request *request);

/* Free a request of a run. */
void opro__request_free(opro_request *request);

#endif
