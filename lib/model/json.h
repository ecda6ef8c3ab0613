/* SPDX-License-Identifier: MIT */
/*
 * Reading JSON that comes from outside, by jansson, with its traps fenced off (jansson 2.14): a
 * small text can become 79 times as much memory, depth uses the stack, one huge number or one
 * broken letter in a field that nobody reads rejects the whole.
 */
#ifndef OPRO_MODEL_JSON_H
#define OPRO_MODEL_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    OPRO__JSON_DEPTH = 64,    /* deepest nesting  */
    OPRO__JSON_NODES = 100000 /* most values      */
};

/*
 * Parse a whole text. A byte order mark is skipped; numbers too large become reals; ill-formed
 * UTF-8, lone surrogates and raw control characters in strings become U+FFFD, \u0000 is dropped (a
 * second pass over a repaired copy, made only if the first fails because of these).
 * OPRO_ERR_PARSE: not JSON, with a message (place, excerpt); OPRO_ERR_LIMIT: too deep or too many
 * values; OPRO_ERR_NOMEM: of the copy. jansson's own failing memory cannot be told from a parse
 * error except by its code (json_error_out_of_memory -> OPRO_ERR_NOMEM).
 */
opro_status opro__json_parse(json_t **out, opro__mem *mem, opro_error *err, const char *s,
                             size_t len);

/* Whether a text is JSON of one value, of any type; for opro_model_set_parameter(). */
opro_status opro__json_check(opro__mem *mem, opro_error *err, const char *s, size_t len);

/* A member that is a string, or NULL; len may be NULL. obj may be NULL or of any type. */
const char *opro__json_text(const json_t *obj, const char *key, size_t *len);

/* A member that is a number, from 0 to 2^53, rounded down; else fallback. */
int64_t opro__json_count(const json_t *obj, const char *key, int64_t fallback);

#endif
