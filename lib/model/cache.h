/* SPDX-License-Identifier: MIT */
/*
 * Answers to requests at temperature 0, kept in memory up to so many bytes (those used longest ago
 * go first), and in a file if there is one.
 */
#ifndef OPRO_MODEL_CACHE_H
#define OPRO_MODEL_CACHE_H

#include "base/buf.h"
#include "base/err.h"

typedef struct opro__cache opro__cache;

opro_status opro__cache_new(opro__cache **out, opro__mem *mem, size_t max_bytes);
void opro__cache_free(opro__cache *cache);

/* Keep it in this file as well; what the file holds is known from now on. */
opro_status opro__cache_set_file(opro__cache *cache, const char *path, opro_error *err);

/*
 * The body of the answer with status 200 to this request of this origin, or NULL. Lives until the
 * next call on the cache.
 */
const char *opro__cache_find(opro__cache *cache, const char *origin, const char *path,
                             size_t path_len, const char *body, size_t body_len, size_t *len);

/*
 * Keep an answer. Too large for the memory: it is not kept there. OPRO_ERR_FAILED: the file cannot
 * be written; OPRO_ERR_NOMEM leaves the cache as it was.
 */
opro_status opro__cache_put(opro__cache *cache, const char *origin, const char *path,
                            size_t path_len, const char *body, size_t body_len, const char *answer,
                            size_t len, opro_error *err);

#endif
