/* SPDX-License-Identifier: MIT */
/* What the bench server knows of HTTP: requests found in bytes, and the replies. */
#ifndef TESTS_BENCH_HTTP_HTTP_H
#define TESTS_BENCH_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/* Stands in the prompts of requests for proposals, which can have another delay. */
#define HTTP_PROPOSAL "[[proposal]]"

enum { HTTP_COMPLETION, HTTP_STATS, HTTP_DELAYS, HTTP_UNKNOWN };

typedef struct http_request {
    int kind;                   /* HTTP_... */
    size_t head, len;           /* bytes of the head, and of the whole request */
    size_t choices;             /* "n" of a completion */
    bool proposal;              /* HTTP_PROPOSAL is in it */
    bool expect;                /* Expect: 100-continue */
    size_t slots, follow, skip; /* of a question for the statistics */
} http_request;

/* Is a whole request in the bytes? 1: yes; 0: more is needed (r->len, if known); -1: nonsense. */
int http_parse(http_request *r, const char *bytes, size_t len);

/*
 * A reply with that many choices, about 700 bytes for one, of which no two have the same text.
 * Lives until the next call.
 */
const char *http_completion(size_t choices, size_t *len);

/* "HTTP/1.1 ..." with a body, in a buffer that is the caller's to free. */
char *http_reply(const char *status, const char *body, size_t *len);

void http_free(void);

#endif
