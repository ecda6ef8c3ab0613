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
    size_t most_samples;      /* of one request; 0: no limit of the protocol's     */
    const char *key_header;   /* "Authorization"                                   */
    const char *key_prefix;   /* "Bearer "                                         */
    const char *fixed_header; /* "anthropic-version: 2023-06-01"; NULL: none       */
    const char *request_id;   /* the answer's header to keep for reports, lower case */
    const char *default_url;
    const char *const
        *env_url; /* names in the environment, the first that is set counts; NULL ends */
    const char *const *env_key;
    const char *const *members; /* of bodies that write_body() writes; NULL ends     */
    /* Append the path for a model: "/chat/completions". */
    void (*write_path)(opro__buf *out, const char *model, size_t len);
    /* Append the JSON body. */
    void (*write_body)(opro__buf *out, const opro__ask *ask);
    /*
     * Read the answer (of HTTP status 200, an object) into answer->replies, by index, and usage.
     * OPRO_ERR_PARSE with a message: it is not of the expected shape, or holds no reply at all
     * although nothing says why; OPRO_ERR_NOMEM. An "error" object at top level was looked for
     * before. A choice that holds an error makes that reply OPRO_OUTCOME_FAILED.
     */
    opro_status (*read)(opro__answer *answer, const json_t *root, const opro__ask *ask,
                        opro_error *err);
} opro__dialect;

/* The dialect with an id; NULL. id AUTO: what the URL's host is known for. */
const opro__dialect *opro__dialect_find(int32_t id, const opro__url *url);

/* What a host is known for: OPRO_PREFIX_... (never AUTO), OPRO_SAMPLING_... (AUTO: not known). */
int32_t opro__known_prefix(const opro__dialect *dialect, const opro__url *url);
int32_t opro__known_sampling(const opro__dialect *dialect, const opro__url *url);

/* The environment's names for the key of a host that is known by itself ("GROQ_API_KEY"); NULL. */
const char *opro__known_key_name(const opro__url *url);

/*
 * Read a whole body of HTTP status 200: JSON of the dialect's shape. What all dialects share is
 * done here: texts are cut at the first stop text, a leading closed <think> block goes to the
 * reasoning, an unclosed one in a truncated reply leaves "", a begun answer that the reply repeats
 * is taken off, texts are valid UTF-8 without NUL. *error: set to the "error" object if the body
 * holds one at top level (then OPRO_ERR_FAILED; the caller classifies it and json_decref()s *root).
 * OPRO_ERR_PARSE, OPRO_ERR_LIMIT, OPRO_ERR_NOMEM as above.
 */
opro_status opro__dialect_read(const opro__dialect *dialect, opro__answer *answer, json_t **root,
                               const opro__ask *ask, const char *body, size_t len, opro_error *err);

/* Helpers of the dialects' files. */
extern const opro__dialect opro__dialect_openai, opro__dialect_completions, opro__dialect_responses,
    opro__dialect_anthropic, opro__dialect_gemini, opro__dialect_azure;

/* Append `,"name":` with the value, unless it is not to be said. */
void opro__body_real(opro__buf *out, const char *name, double value);
void opro__body_int(opro__buf *out, const char *name, int64_t value);
void opro__body_text(opro__buf *out, const char *name, const char *s, size_t len);
void opro__body_texts(opro__buf *out, const char *name, const opro__part *parts, size_t n);

/*
 * Store a reply: finish maps to an outcome by the table ("length" -> TRUNCATED), unknown ones and
 * none are WHOLE. index out of range or given before: ignored, but counted. OPRO_ERR_NOMEM.
 */
typedef struct opro__finish {
    const char *word;
    int32_t outcome;
} opro__finish;
opro_status opro__answer_put(opro__answer *answer, size_t index, const char *text, size_t len,
                             const char *reasoning, size_t reasoning_len, const char *finish,
                             const opro__finish *table);

#endif
