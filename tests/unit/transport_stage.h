/* SPDX-License-Identifier: MIT */
/* A transport beside a server of which the test says what it does. */
#ifndef TESTS_TRANSPORT_STAGE_H
#define TESTS_TRANSPORT_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing.h"
#include "model/transport_parts.h"
#include "raw_server.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static const raw_scene scenes[] = {
    {"/ok", RAW_KEEP, OK, NULL},
    {"/echo", RAW_ECHO, NULL, NULL},
    {"/crowd", RAW_HOLD, OK, NULL},
    {"/silent", RAW_SILENT, NULL, NULL},
    {"/gone", RAW_CLOSE, NULL, NULL},
    {"/reset", RAW_RESET, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", NULL},
    {"/reset-at-once", RAW_AT_ONCE, NULL, NULL},
    {"/too-long", RAW_EARLY, "HTTP/1.1 413 Too Long\r\nContent-Length: 2\r\n\r\n{}", NULL},
    {"/short", RAW_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", NULL},
    {"/endless", RAW_REPEAT, "HTTP/1.1 200 OK\r\n\r\n", "all work and no play "},
    {"/headers", RAW_REPEAT, "HTTP/1.1 200 OK\r\n", "X-Work: all work and no play\r\n"},
    {"/hints", RAW_REPEAT, NULL, "HTTP/1.1 103 Early Hints\r\nX-Work: all\r\n\r\n"},
    {"/redirect", RAW_KEEP,
     "HTTP/1.1 307 Temporary Redirect\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", NULL},
    {"/early", RAW_KEEP,
     "HTTP/1.1 103 Early Hints\r\nRetry-After: 7\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK, NULL},
    {"/busy", RAW_KEEP,
     "HTTP/1.1 429 Too Many Requests\r\n"
     "RETRY-AFTER:  20 \t\r\n"
     "retry-after-ms: 19500\r\n"
     "Retry-After-Ms-Not: 1\r\n"
     "X-Should-Retry: a-very-long-word\r\n"
     "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
     "x-ratelimit-reset-tokens: 6m0s\r\n"
     "anthropic-ratelimit-requests-remaining: 0\r\n"
     "X-Request-ID: req_1\r\n"
     "Content-Type: application/json\r\n"
     "Content-Length: 2\r\n\r\n{}",
     NULL},
    {NULL, 0, NULL, NULL},
};

/* ---- a transport beside a server ---- */

typedef struct stage {
    raw_server server;
    failing failing;
    opro__mem mem;
    opro__transport *t;
    opro__transport_settings settings;
    struct curl_slist *headers;
    opro_error err;
} stage;

static inline void stage_open(stage *s) {
    opro_allocator allocator = failing_allocator(&s->failing);

    memset(s, 0, sizeof *s);
    s->failing.left = -1;
    assert_true(raw_start(&s->server, scenes));
    assert_int_equal(opro__mem_init(&s->mem, &allocator), OPRO_OK);
    s->settings = (opro__transport_settings){.connect_timeout_ms = 20000,
                                             .idle_timeout_ms = 60000,
                                             .max_body = 100000,
                                             .max_header = 10000,
                                             .max_header_lines = 256,
                                             .local = 1,
                                             .request_id = "x-request-id"};
    s->headers = curl_slist_append(NULL, "Content-Type: application/json");
    s->headers = curl_slist_append(s->headers, "Expect:");
    assert_non_null(s->headers);
}

static inline void stage_begin(stage *s) {
    stage_open(s);
    assert_int_equal(opro__transport_new(&s->t, &s->mem, &s->err), OPRO_OK);
    assert_int_equal(opro__transport_set(s->t, &s->settings, &s->err), OPRO_OK);
}

static inline void stage_end(stage *s) {
    opro__transport_free(s->t);
    curl_slist_free_all(s->headers);
    raw_stop(&s->server);
    assert_int_equal(s->failing.live, 0);
    assert_int_equal(s->mem.used, 0);
}

/* One exchange, with its URL. */
typedef struct talk {
    opro__exchange x;
    char url[100];
} talk;

static inline opro_status begin(stage *s, talk *k, const char *path) {
    snprintf(k->url, sizeof k->url, "http://127.0.0.1:%d%s", s->server.port, path);
    k->x.url = k->url;
    k->x.headers = s->headers;
    if (!k->x.body) {
        k->x.body = "{\"a\":1}";
        k->x.body_len = 7;
    }
    if (!k->x.timeout_ms) k->x.timeout_ms = 60000;
    k->x.owner = k;
    return opro__transport_start(s->t, &k->x);
}

static inline talk *wait_for_one(stage *s) {
    opro__exchange *x;

    while (!(x = opro__transport_finished(s->t)))
        opro__transport_work(s->t, -1);
    assert_null(x->list);
    assert_null(x->easy);
    return x->owner;
}

static inline void talk_to(stage *s, talk *k, const char *path) {
    assert_int_equal(begin(s, k, path), OPRO_OK);
    assert_ptr_equal(wait_for_one(s), k);
}

static inline void assert_ok(const talk *k) {
    assert_int_equal(k->x.code, CURLE_OK);
    assert_int_equal(k->x.met, OPRO__MET_CURL);
    assert_int_equal(k->x.status, 200);
    assert_string_equal(opro__buf_text(&k->x.answer), "ok");
}

static inline void end(talk *k) {
    opro__buf_free(&k->x.answer);
    memset(k, 0, sizeof *k);
}

/* The server does things in its own time. */
#define WAIT_UNTIL(condition)                                                                      \
    while (!(condition))                                                                           \
    usleep(1000)

/* Sockets that somebody watches. */
static inline size_t watched(const opro__transport *t) {
    size_t n = 0;

    for (size_t i = 0; i < t->n_sockets; i++)
        n += t->sockets[i].watched != 0;
    return n;
}

#endif
