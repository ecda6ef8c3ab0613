/* SPDX-License-Identifier: MIT */
/*
 * Reading JSON that comes from outside, by jansson, with its traps fenced off (jansson 2.14): a
 * small text can become 79 times as much memory, depth uses the stack, one huge number or one
 * broken letter in a field that nobody reads rejects the whole.
 *
 * jansson takes its memory from malloc: its allocator is the process's, not a library's to set. Nor
 * is the seed of its tables; it sets that by itself, once and safe with threads.
 */
#ifndef OPRO_MODEL_JSON_H
#define OPRO_MODEL_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json_cursor.h"

enum { OPRO__JSON_NODES = 100000 }; /* most values; and at most OPRO__JSON_DEPTH deep */

/*
 * Parse a whole text. A byte order mark is skipped. Numbers too large for jansson become reals
 * (1e308 if they are too large for these); ill-formed UTF-8 and lone surrogates in strings become
 * U+FFFD, raw control characters there are taken as such, NUL and \u0000 are dropped (all this by a
 * repaired copy, made only if the text is refused as it is). So strings are valid UTF-8 without
 * NUL.
 * OPRO_ERR_PARSE: not JSON, with a message (what it is instead or the place, and how it begins);
 * OPRO_ERR_LIMIT: too deep or too many values; OPRO_ERR_NOMEM.
 */
opro_status opro__json_parse(json_t **out, opro__mem *mem, opro_error *err, const char *s,
                             size_t len);

/*
 * Whether a text, as it is, is JSON of one value, of any type; for opro_model_set_parameter(). The
 * same errors.
 */
opro_status opro__json_check(opro__mem *mem, opro_error *err, const char *s, size_t len);

/* A member that is a string, or NULL; len may be NULL. obj may be NULL or of any type. */
const char *opro__json_text(const json_t *obj, const char *key, size_t *len);

/* A member that is a number, from 0 to 2^53, rounded down; else fallback. */
int64_t opro__json_count(const json_t *obj, const char *key, int64_t fallback);

#endif
