/* SPDX-License-Identifier: MIT */
/*
 * A dialect: how one family of endpoints is spoken to. One table each; nobody but dialect.c knows
 * which there are.
 */
#ifndef OPRO_MODEL_DIALECT_H
#define OPRO_MODEL_DIALECT_H

#include <jansson.h>

#include "answer.h"
#include "ask.h"
#include "url.h"

/* What a dialect can say. */
enum {
    OPRO__CAN_SAMPLES = 1, /* several replies to one request */
    OPRO__CAN_SEED = 2,
    OPRO__CAN_STOP = 4,
    OPRO__CAN_PREFIX = 8 /* continue a begun answer */
};

typedef struct opro__dialect {
    int32_t id; /* OPRO_DIALECT_... */
    const char *name;
    unsigned can;
    size_t most_samples;      /* of one request                                    */
    const char *key_header;   /* "Authorization"                                   */
    const char *key_prefix;   /* "Bearer "                                         */
    const char *fixed_header; /* "anthropic-version: 2023-06-01"; NULL: none       */
    const char *request_id;   /* the answer's header to keep for reports, lower case */
    const char
        *default_url; /* for a key from the environment that comes without an address; NULL */
    /* names in the environment, the first that is set counts; NULL ends */
    const char *const *env_url;
    const char *const *env_key;
    const char *env_path; /* added to a URL from the environment that does not end so; ""  */
    /* of bodies, those that write_body() writes or that read() could not live with; NULL ends */
    const char *const *members;
    /* Append the path for a model: "/chat/completions". */
    void (*write_path)(opro__buf *out, const char *model, size_t len);
    /* Append the JSON body. */
    void (*write_body)(opro__buf *out, const opro__ask *ask);
    /*
     * Read the answer (of HTTP status 200, an object without an error) into answer->replies, by
     * index, and usage. OPRO_ERR_PARSE with a message: it is not of the expected shape, and nothing
     * says why; OPRO_ERR_NOMEM. A choice that holds an error makes that reply OPRO_OUTCOME_FAILED.
     */
    opro_status (*read)(opro__answer *answer, const json_t *root, const opro__ask *ask,
                        opro_error *err);
} opro__dialect;

/* The dialect with an id; NULL. id AUTO: what the URL's host is known for (url NULL: nothing). */
const opro__dialect *opro__dialect_find(int32_t id, const opro__url *url);

/* What a host is known for: OPRO_PREFIX_... (never AUTO), OPRO_SAMPLING_... (AUTO: not known). */
int32_t opro__known_prefix(const opro__dialect *dialect, const opro__url *url);
int32_t opro__known_sampling(const opro__dialect *dialect, const opro__url *url);

/* What the seed is called by a host that does not call it as others of the dialect do; NULL. */
const char *opro__known_seed(const opro__dialect *dialect, const opro__url *url);

/* The environment's names for the key of a host that is known by itself ("GROQ_API_KEY"); NULL. */
const char *opro__known_key_name(const opro__url *url);

/*
 * Read a whole body of HTTP status 200: JSON of the dialect's shape. What all dialects share is
 * done here: texts are valid UTF-8 without NUL, a leading closed <think> block goes to the
 * reasoning, an unclosed one in a truncated reply leaves "", a begun answer that the reply repeats
 * is taken off, texts are cut at the first stop text (and are WHOLE then).
 * OPRO_ERR_FAILED: the body holds an error instead, at top level or in every choice; *error is that
 * (an object or a string), the caller's to classify and to json_decref(). OPRO_ERR_PARSE: not JSON,
 * not of the shape, or no reply that was asked for; OPRO_ERR_LIMIT, OPRO_ERR_NOMEM: as by
 * opro__json_parse(). After a failure the answer is to be freed and nothing else.
 */
opro_status opro__dialect_read(const opro__dialect *dialect, opro__answer *answer, json_t **error,
                               const opro__ask *ask, const char *body, size_t len, opro_error *err);

/* ---- the dialects, and what they have in common ---- */

extern const opro__dialect opro__dialect_openai, opro__dialect_completions, opro__dialect_responses,
    opro__dialect_anthropic, opro__dialect_gemini, opro__dialect_azure;

void opro__openai_path(opro__buf *out, const char *model, size_t len);
void opro__openai_body(opro__buf *out, const opro__ask *ask);
void opro__openai_sampling(opro__buf *out, const opro__ask *ask); /* temperature, n, stop, seed */
opro_status opro__openai_read(opro__answer *answer, const json_t *root, const opro__ask *ask,
                              opro_error *err);
extern const char *const opro__openai_members[];

#endif
