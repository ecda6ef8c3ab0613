/* SPDX-License-Identifier: MIT */
/* A language model's endpoint, as the arguments and the environment have it. */
#ifndef EXAMPLES_ENDPOINT_H
#define EXAMPLES_ENDPOINT_H

#include <opro/opro.h>

struct program;

/* What is used with OPENAI_API_KEY if no other model is named. */
#define DEFAULT_MODEL "gpt-4.1-mini"

enum { ENDPOINT_NONE, ENDPOINT_MODEL, ENDPOINT_RECORD, ENDPOINT_REPLAY };

typedef struct endpoint {
    int kind;
    const char *prefix; /* of its options, such as "scorer-"; NULL: none */
    const char *file;   /* of the recording */
    const char *base_url, *model_name;
    opro_model *model; /* from endpoint_open() */
} endpoint;

/* "model", "record:FILE" or "replay:FILE"; 0 if it is none of them. */
int endpoint_set_kind(endpoint *e, const char *value);

/* The same number of requests in flight all the time; 0 if value is not from 1 to 65536. */
int endpoint_set_concurrency(opro_config *config, const char *value);

/*
 * The client, unless it is there already. config: of the client; dry: it will not be used. 0, or 1:
 * it said why.
 */
int endpoint_open(const struct program *p, endpoint *e, const opro_config *config, int dry);

void endpoint_close(endpoint *e);

#endif
