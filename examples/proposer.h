/* SPDX-License-Identifier: MIT */
/*
 * Who makes the proposals of a program (--optimizer): the built-in local search, a language model,
 * or a recording of one; and what became of its replies.
 */
#ifndef EXAMPLES_PROPOSER_H
#define EXAMPLES_PROPOSER_H

#include <jansson.h>

#include "endpoint.h"

#define LOCAL_PROPOSALS "The proposals are those of classical local search."

#define NO_MODEL "No language model took part: the proposals are those of classical local search."

#define PROPOSER_LOCAL ENDPOINT_NONE

typedef struct proposer {
    /* as the options say */
    endpoint at; /* its kind PROPOSER_LOCAL: no model proposes */
    int show_prompt, show_reply;
    const char *alien; /* an option that was given and needs a model */
    int shared;        /* the model is asked for more than proposals, so it is needed anyway */
    /* at work */
    char note[240]; /* one sentence on who proposed */
    /* what was heard of a run */
    int64_t replies, candidates, failures;
    int64_t requests, retries; /* of earlier runs */
    int64_t rejected[100];     /* by OPRO_REASON_... */
    char *prompt, *reply;      /* the first ones, if they are to be shown */
    char failure[400];         /* the last one, in words */
} proposer;

/* The lines of --help, with the default as it is set now. */
void proposer_print_help(const struct program *p);

/* Take an option: 1, or 0 if it is none of these, or the status of a failure, which it has said. */
int proposer_option(struct program *p, const char *name, size_t len, const char *value);

/* When all options are there: do they go together? 0, or the exit code: it said why. */
int proposer_check(struct program *p);

/* The optimizer for a problem. 0, or 1: it said why. */
int proposer_open(struct program *p, opro_problem *problem, opro_optimizer **out);

/* Note an event of the run. */
void proposer_hear(proposer *by, const opro_event *event);

/* What became of the replies, in words and as JSON. */
void proposer_print(const struct program *p);
void proposer_result(const struct program *p, json_t *result);

/* Forget a run; and all. */
void proposer_forget(proposer *by);
void proposer_close(proposer *by);

#endif
