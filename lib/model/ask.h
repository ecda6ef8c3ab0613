/* SPDX-License-Identifier: MIT */
/* What one HTTP request asks a model for, in words of no dialect; and the pieces of bodies. */
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
    uint64_t seed; /* sent modulo 2^31, which every endpoint takes */
    int has_seed;
    const char *seed_name; /* NULL: "seed" */
    int32_t prefix;        /* OPRO_PREFIX_... (never AUTO)                               */
    unsigned dropped;      /* OPRO__DROP_...                                             */
    int completion_tokens; /* the limit is called max_completion_tokens here            */
    const char *more;      /* further members of the body: `"a":1,"b":"x"`, "" for none  */
    size_t more_len;
} opro__ask;

/* The begun answer: the last message if it is the assistant's; NULL. */
const opro__part *opro__ask_begun(const opro__ask *ask);

/* Whether there is a system text that is said as such. */
int opro__ask_has_system(const opro__ask *ask);

/*
 * Append to a body. The same ask gives the same bytes: no clock, no id, one order of members.
 * First the values, then `,"name":` with the value, unless it is not to be said.
 */

/* A string: the texts of all system messages, with blank lines between them. */
void opro__body_system(opro__buf *out, const opro__ask *ask);

/* How a dialect writes a message before and behind its text (a string). */
typedef struct opro__turn_words {
    const char *system; /* NULL: system texts have another place */
    const char *user;
    const char *assistant;
    const char *end;
    int tight; /* a begun answer may not end in white space: it is sent without */
} opro__turn_words;

/* The messages, with commas between them, in one `[`...`]`. */
void opro__body_turns(opro__buf *out, const opro__ask *ask, const opro__turn_words *words);

void opro__body_name(opro__buf *out, const char *name);
void opro__body_int(opro__buf *out, const char *name, int64_t value);
void opro__body_temperature(opro__buf *out, const char *name, const opro__ask *ask);
void opro__body_seed(opro__buf *out, const char *name, const opro__ask *ask);

/* Empty stop texts are left out; all_blank 0: also those of white space alone. */
void opro__body_stops(opro__buf *out, const char *name, const opro__ask *ask, int all_blank);

/* The further members and the closing brace. */
void opro__body_end(opro__buf *out, const opro__ask *ask);

/* How much of a text is left without the white space at its end. */
size_t opro__trimmed(const char *s, size_t len);

#endif
