/* SPDX-License-Identifier: MIT */
/* What went wrong with a request, what can be done about it, and when. */
#ifndef OPRO_MODEL_FAILURE_H
#define OPRO_MODEL_FAILURE_H

#include <jansson.h>

#include "base/err.h"
#include "secret.h"

/* Headers of an answer that decide; kept while they arrive. Empty: was not there. */
typedef struct opro__headers {
    char retry_after[64];
    char retry_after_ms[32];
    char should_retry[8];
    char date[64];
    char request_id[96];
    char location[200];
    char content_type[64];
    char reset_requests[48], reset_tokens[48];         /* x-ratelimit-reset-..., anthropic-... */
    char remaining_requests[24], remaining_tokens[24]; /* x-ratelimit-remaining-...            */
} opro__headers;

enum {
    OPRO__RETRY_NO = 0,
    OPRO__RETRY = 1,
    OPRO__RETRY_FEW = 2,     /* model_retry_few times: the cause is rarely a passing one */
    OPRO__RETRY_LOADING = 3, /* the model is being loaded: ask again until it is   */
    OPRO__RETRY_ADAPT = 4,   /* not as it is: a parameter has to go or be renamed  */
    OPRO__RETRY_KEY = 5      /* once, if the key function gives another key        */
};

/* Which parameter an endpoint does not want (OPRO__RETRY_ADAPT). */
enum {
    OPRO__ADAPT_NONE = 0,
    OPRO__ADAPT_MAX_TOKENS, /* wants max_completion_tokens */
    OPRO__ADAPT_TEMPERATURE,
    OPRO__ADAPT_SEED,
    OPRO__ADAPT_STOP,
    OPRO__ADAPT_SAMPLES, /* n: ask for single replies */
    OPRO__ADAPT_SYSTEM   /* no system role            */
};

typedef struct opro__failure {
    int32_t kind;    /* OPRO_FAILURE_...; NONE: none                                        */
    int retry;       /* OPRO__RETRY_...                                                     */
    int adapt;       /* OPRO__ADAPT_...                                                     */
    int busy;        /* the endpoint is overloaded: all requests pause (429, 503, 529)      */
    int broken;      /* connection-class: counts for the circuit breaker                    */
    int64_t wait_ms; /* the endpoint's wish, -1: none. May be more than is acceptable     */
    int32_t http_status;
    opro_error err; /* status and message                                                */
} opro__failure;

/*
 * Classify an HTTP answer whose status is not 200, or whose body holds an error at status 200
 * (error != NULL; body may be NULL then). sent: bits 1 << OPRO__ADAPT_... of the parameters that
 * the request did say, so that an adaptation makes sense. prefix: the request had a begun answer.
 * The message has the status, the endpoint's words (secrets cut out, at most ~300 bytes), the
 * request id, and what to do where that is known. Never fails. now_unix: seconds, for HTTP dates
 * without a Date header.
 */
void opro__failure_http(opro__failure *failure, int32_t status, const opro__headers *headers,
                        const json_t *error, const char *body, size_t len, unsigned sent,
                        int prefix, int64_t now_unix, const opro__secret *secrets, size_t n_secrets,
                        opro__mem *mem);

/* What the transport met instead of an answer. */
enum {
    OPRO__MET_CURL = 0, /* libcurl's code decides                                             */
    OPRO__MET_BODY,     /* more bytes than model_max_body                                     */
    OPRO__MET_HEADER,   /* ... than model_max_header, or more lines                           */
    OPRO__MET_NOMEM     /* our allocator said no                                              */
};

/*
 * Classify what libcurl says (a CURLcode; detail: its error buffer, may be ""). 27 is not taken for
 * memory: a server can provoke it. where: scheme, host and port of the endpoint; proxied: a proxy
 * is in use.
 */
void opro__failure_curl(opro__failure *failure, int code, int met, const char *detail,
                        const char *where, int proxied, const opro__secret *secrets,
                        size_t n_secrets, opro__mem *mem);

/*
 * An answer with status 200 that makes no sense; why: the message of the reading, which may quote
 * the answer.
 */
void opro__failure_answer(opro__failure *failure, const opro_error *why, const char *content_type,
                          const opro__secret *secrets, size_t n_secrets, opro__mem *mem);

/* Fill in by hand: kind decides the status of err. */
void opro__failure_set(opro__failure *failure, int32_t kind, int retry, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
