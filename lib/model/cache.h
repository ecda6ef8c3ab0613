/* SPDX-License-Identifier: MIT */
/*
 * Answers to requests at temperature 0, kept in memory up to so many bytes (those used longest ago
 * go first), and in a file if there is one. The file is a recording (recording.h) whose paths begin
 * with the origin; what it holds is read when it is asked for.
 */
#ifndef OPRO_MODEL_CACHE_H
#define OPRO_MODEL_CACHE_H

#include "base/buf.h"
#include "base/err.h"

typedef struct opro__cache opro__cache;

/* max_bytes: of requests, answers, and what is needed to find them. 0: only the file is used. */
opro_status opro__cache_new(opro__cache **out, opro__mem *mem, size_t max_bytes);
void opro__cache_free(opro__cache *cache); /* NULL is fine */

/*
 * Keep what is put from now on in this file as well; what the file holds is known from now on.
 * Replaces an earlier file. Fails as opro__recording_open() does, and nothing has changed then.
 */
opro_status opro__cache_set_file(opro__cache *cache, const char *path, opro_error *err);

/*
 * The body of the answer with status 200 to this request of this origin, or NULL (also if memory or
 * the file fail: it is asked for anew then). Lives until the next call on the cache; with a NUL
 * behind it.
 */
const char *opro__cache_find(opro__cache *cache, const char *origin, const char *path,
                             size_t path_len, const char *body, size_t body_len, size_t *len);

/*
 * Keep an answer, in the place of an earlier one. Too large for the memory: it is not kept there;
 * for the file (64 MiB): not there. OPRO_ERR_FAILED: the file cannot be written; this and
 * OPRO_ERR_NOMEM leave the cache as it was.
 */
opro_status opro__cache_put(opro__cache *cache, const char *origin, const char *path,
                            size_t path_len, const char *body, size_t body_len, const char *answer,
                            size_t len, opro_error *err);

#endif
