/* SPDX-License-Identifier: MIT */
/* What one HTTP request asks a model for, in words of no dialect. */
#ifndef OPRO_MODEL_ASK_H
#define OPRO_MODEL_ASK_H

#include <stdint.h>

#include "base/buf.h"

typedef struct opro__part {
    int32_t role; /* OPRO_ROLE_... */
    char *text;   /* valid UTF-8   */
    size_t len;
} opro__part;

/* Parameters that an endpoint may turn out not to want; bits of opro__profile.dropped. */
enum {
    OPRO__DROP_TEMPERATURE = 1,
    OPRO__DROP_SEED = 2,
    OPRO__DROP_STOP = 4,
    OPRO__DROP_SYSTEM = 8 /* no system role: the text goes into the first user message */
};

typedef struct opro__ask {
    const char *model;
    size_t model_len;
    const opro__part *parts; /* the last one may be the assistant's: to be continued */
    size_t n_parts;
    const opro__part *stops;
    size_t n_stops;
    size_t samples;     /* >= 1; > 1 only if the dialect can */
    double temperature; /* NaN: not said                     */
    int64_t max_tokens;
    uint64_t seed;
    int has_seed;
    int32_t prefix;        /* OPRO_PREFIX_... (never AUTO)                               */
    unsigned dropped;      /* OPRO__DROP_...                                             */
    int completion_tokens; /* the limit is called max_completion_tokens here            */
    const char *more;      /* further members of the body: `"a":1,"b":"x"`, "" for none  */
    size_t more_len;
} opro__ask;

#endif
