/* SPDX-License-Identifier: MIT */
/* When an endpoint says how long to wait: in headers, in the body, in its words. */
#ifndef OPRO_MODEL_HINT_H
#define OPRO_MODEL_HINT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

/* Milliseconds; -1: no (usable) hint. Each takes foreign text of any kind. */

/* "1.5", "120", an HTTP date relative to the Date header, or to now_unix without one. */
int64_t opro__hint_retry_after(const char *value, const char *date, int64_t now_unix);

/* "6m0s", "20ms", "2m59.56s", "1h2m3s", "34s", "0.5s": a sum of numbers with units. */
int64_t opro__hint_duration(const char *s, size_t len);

/* "2026-11-22T10:00:00Z", with fractions and offsets; relative to now_unix. */
int64_t opro__hint_rfc3339(const char *s, size_t len, int64_t now_unix);

/* "... Please try again in 20s. ..." */
int64_t opro__hint_words(const char *s, size_t len);

/*
 * The first that there is: retry-after-ms, Retry-After, retryDelay in the error's details, words
 * of the message, the reset of a rate limit of which nothing remains.
 */
int64_t opro__hint(const opro__headers *headers, const json_t *error, const char *message,
                   size_t len, int64_t now_unix);

#endif
