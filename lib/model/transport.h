/* SPDX-License-Identifier: MIT */
/*
 * HTTP exchanges, any number at once, over libcurl's multi interface (curl_multi_socket_action
 * with an epoll of our own whose wishes are updated lazily; one multi handle for every 128 or so
 * in flight). It knows nothing of models: bytes go out, bytes come in, within limits.
 */
#ifndef OPRO_MODEL_TRANSPORT_H
#define OPRO_MODEL_TRANSPORT_H

#include <curl/curl.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "failure.h"
#include "opro/model.h"

typedef struct opro__transport opro__transport;

/*
 * One POST. Lives inside its owner's struct, all zero at first; where it is must not change while
 * it is under way.
 */
typedef struct opro__exchange {
    /* the request; all of it stays the owner's and as it is until the exchange is over */
    const char *url;
    struct curl_slist *headers; /* complete, but for Content-Length, Host */
    const char *body;
    size_t body_len;
    int64_t timeout_ms; /* of the transfer */
    int fresh;          /* on a connection of its own, not on one that others have used */
    void *owner;
    /* the answer */
    int code; /* CURLcode */
    int met;  /* OPRO__MET_... */
    int32_t status;
    opro__headers kept;
    opro__buf answer; /* the owner's: zero before the first start, its memory is used again */
    char detail[CURL_ERROR_SIZE];
    int64_t sent_at; /* monotonic ms, when it was started */
    /* the transport's */
    CURL *easy;
    struct opro__multi *multi;
    struct opro__exchange_list *list; /* NULL: not under way, and fetched */
    struct opro__exchange *next, *prev;
    size_t header_bytes, header_lines;
    unsigned generation;
    int doomed;
    int64_t moved_at;
    int64_t sent;
} opro__exchange;

typedef struct opro__transport_settings {
    int64_t connect_timeout_ms, idle_timeout_ms;
    size_t max_body, max_header, max_header_lines;
    int http2;
    int allow_http; /* else https alone, or http to this machine if local */
    int local;      /* keep-alive is short-lived on such servers: connections 4 s, not 118 s */
    const char *request_id;               /* the header that is kept as such; lower case */
    const char *ca_file, *ca_dir, *proxy; /* NULL: none; copied */
} opro__transport_settings;

/* Hears which socket to watch for what (the socket function of the model's). */
typedef void (*opro__watch_fn)(void *ctx, int fd, int events);

/* OPRO_ERR_NOMEM; OPRO_ERR_FAILED with a message. */
opro_status opro__transport_new(opro__transport **out, opro__mem *mem, opro_error *err);

/* All exchanges must be over or cancelled. NULL is fine. */
void opro__transport_free(opro__transport *transport);

/* For exchanges that start from now on. Closes idle connections if something changed. */
opro_status opro__transport_set(opro__transport *transport,
                                const opro__transport_settings *settings, opro_error *err);

/*
 * Sockets are watched by somebody else: watch is told the wishes. NULL: our own epoll. Only while
 * nothing is under way. The descriptor of opro__transport_wake() is announced too.
 */
void opro__transport_set_watch(opro__transport *transport, opro__watch_fn watch, void *ctx);

/* Start. OPRO_ERR_NOMEM, OPRO_ERR_FAILED (then nothing has begun; exchange->detail may say why). */
opro_status opro__transport_start(opro__transport *transport, opro__exchange *exchange);

/* End it now, whatever came so far; nothing if it is not under way. */
void opro__transport_cancel(opro__transport *transport, opro__exchange *exchange);

/*
 * Wait for something at most ms (0: do not wait; -1: for ever; another thread may wake it) and
 * work on what came. 1 if opro__transport_wake() was called.
 */
int opro__transport_work(opro__transport *transport, int64_t ms);

/* The same for somebody else's loop: OPRO_POLL_... on a socket; the time has come. */
void opro__transport_socket(opro__transport *transport, int fd, int events);
void opro__transport_time(opro__transport *transport);

/* An exchange that is over, in the order in which they ended; NULL. It is the owner's again. */
opro__exchange *opro__transport_finished(opro__transport *transport);

/*
 * Milliseconds until opro__transport_time() or _work() has something to do; -1: not before a socket
 * has. There may be something without exchanges: connections that are kept too long already.
 */
int64_t opro__transport_timeout(const opro__transport *transport);

/* The epoll descriptor: readable when there is something to work on. */
int opro__transport_fd(const opro__transport *transport);

/* End a wait, from any thread. */
void opro__transport_wake(opro__transport *transport);

/* How many are under way. */
size_t opro__transport_in_flight(const opro__transport *transport);

/*
 * 0 while an exchange is under way that may be looking up the endpoint's name: others that start
 * now would look it up as well, each with a thread of its own. 1 once it has a socket, or ended.
 */
int opro__transport_resolved(const opro__transport *transport);

/* Monotonic milliseconds. */
int64_t opro__transport_now(void);

#endif
