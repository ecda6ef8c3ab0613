/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

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

static void stage_open(stage *s) {
    opro_allocator allocator = failing_allocator(&s->failing);

    memset(s, 0, sizeof *s);
    s->failing.left = -1;
    assert_true(raw_start(&s->server, scenes));
    assert_int_equal(opro__mem_init(&s->mem, &allocator), OPRO_OK);
    s->settings = (opro__transport_settings){.connect_timeout_ms = 20000,
                                             .idle_timeout_ms = 60000,
                                             .max_body = 100000,
                                             .max_header = 10000,
                                             .local = 1,
                                             .request_id = "x-request-id"};
    s->headers = curl_slist_append(NULL, "Content-Type: application/json");
    s->headers = curl_slist_append(s->headers, "Expect:");
    assert_non_null(s->headers);
}

static void stage_begin(stage *s) {
    stage_open(s);
    assert_int_equal(opro__transport_new(&s->t, &s->mem, &s->err), OPRO_OK);
    assert_int_equal(opro__transport_set(s->t, &s->settings, &s->err), OPRO_OK);
}

static void stage_end(stage *s) {
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

static opro_status begin(stage *s, talk *k, const char *path) {
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

static talk *wait_for_one(stage *s) {
    opro__exchange *x;

    while (!(x = opro__transport_finished(s->t)))
        opro__transport_work(s->t, -1);
    assert_null(x->list);
    assert_null(x->easy);
    return x->owner;
}

static void talk_to(stage *s, talk *k, const char *path) {
    assert_int_equal(begin(s, k, path), OPRO_OK);
    assert_ptr_equal(wait_for_one(s), k);
}

static void assert_ok(const talk *k) {
    assert_int_equal(k->x.code, CURLE_OK);
    assert_int_equal(k->x.met, OPRO__MET_CURL);
    assert_int_equal(k->x.status, 200);
    assert_string_equal(opro__buf_text(&k->x.answer), "ok");
}

static void end(talk *k) {
    opro__buf_free(&k->x.answer);
    memset(k, 0, sizeof *k);
}

/* The server does things in its own time. */
#define WAIT_UNTIL(condition)                                                                      \
    while (!(condition))                                                                           \
    usleep(1000)

/* ---- one exchange ---- */

static void test_post(void **state) {
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    k.x.body = "{\"prompt\":\"x\"}";
    k.x.body_len = 14;
    talk_to(&s, &k, "/echo");
    assert_int_equal(k.x.code, CURLE_OK);
    assert_int_equal(k.x.status, 200);
    assert_string_equal(k.x.detail, "");
    assert_memory_equal(k.x.answer.data, "POST /echo HTTP/1.1\r\n", 21);
    assert_non_null(strstr(k.x.answer.data, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(k.x.answer.data, "\r\nContent-Length: 14\r\n"));
    assert_non_null(strstr(k.x.answer.data, "\r\n\r\n{\"prompt\":\"x\"}"));
    assert_null(strstr(k.x.answer.data, "Accept-Encoding"));
    assert_null(strstr(k.x.answer.data, "Cookie"));
    assert_null(strstr(k.x.answer.data, "Expect"));
    end(&k);
    stage_end(&s);
}

static void test_reuse(void **state) {
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    for (int i = 0; i < 20; i++) {
        talk_to(&s, &k, i % 2 ? "/busy" : "/ok");
        end(&k);
    }
    assert_int_equal(s.server.accepts, 1);
    assert_int_equal(s.server.requests, 20);
    assert_int_equal(s.t->n_multis, 1);
    assert_int_equal(s.t->n_easies, 1);
    stage_end(&s);
}

static size_t watched(const opro__transport *t) {
    size_t n = 0;

    for (size_t i = 0; i < t->n_sockets; i++)
        n += t->sockets[i].watched != 0;
    return n;
}

/* A connection that is kept stays watched, until the server closes it. */
static void test_lazy(void **state) {
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    talk_to(&s, &k, "/ok");
    end(&k);
    assert_int_equal(watched(s.t), 1);
    raw_poke(&s.server, 1);
    WAIT_UNTIL(s.server.open == 0);
    while (watched(s.t))
        opro__transport_work(s.t, -1);
    talk_to(&s, &k, "/ok");
    assert_ok(&k);
    end(&k);
    assert_int_equal(s.server.accepts, 2);
    assert_int_equal(watched(s.t), 1);
    stage_end(&s);
}

static void test_headers(void **state) {
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    talk_to(&s, &k, "/busy");
    assert_int_equal(k.x.code, CURLE_OK);
    assert_int_equal(k.x.status, 429);
    assert_string_equal(k.x.kept.retry_after, "20");
    assert_string_equal(k.x.kept.retry_after_ms, "19500");
    assert_string_equal(k.x.kept.should_retry, "a-very-");
    assert_string_equal(k.x.kept.date, "Mon, 23 Nov 2026 10:00:00 GMT");
    assert_string_equal(k.x.kept.reset_tokens, "6m0s");
    assert_string_equal(k.x.kept.remaining_requests, "0");
    assert_string_equal(k.x.kept.request_id, "req_1");
    assert_string_equal(k.x.kept.content_type, "application/json");
    assert_string_equal(k.x.kept.location, "");
    end(&k);
    talk_to(&s, &k, "/early"); /* what came before the answer is none of its headers */
    assert_ok(&k);
    assert_string_equal(k.x.kept.retry_after, "");
    end(&k);
    talk_to(&s, &k, "/redirect");
    assert_int_equal(k.x.status, 307);
    assert_string_equal(k.x.kept.location, "/ok");
    assert_int_equal(s.server.requests, 3); /* it was not followed */
    end(&k);
    stage_end(&s);
}

/* ---- what may go wrong ---- */

static void test_broken(void **state) {
    static const struct {
        const char *path;
        int code;
    } cases[] = {
        {"/gone", CURLE_GOT_NOTHING},
        {"/reset", CURLE_RECV_ERROR},
        {"/short", CURLE_PARTIAL_FILE},
    };
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        talk_to(&s, &k, cases[i].path);
        assert_int_equal(k.x.code, cases[i].code);
        assert_int_equal(k.x.met, OPRO__MET_CURL);
        assert_true(strlen(k.x.detail) > 0);
        end(&k);
    }
    talk_to(&s, &k, "/ok");
    assert_ok(&k);
    end(&k);
    stage_end(&s);
}

static void test_refused(void **state) {
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    begin(&s, &k, "/ok");
    opro__transport_cancel(s.t, &k.x);
    raw_stop(&s.server);
    talk_to(&s, &k, "/ok");
    assert_int_equal(k.x.code, CURLE_COULDNT_CONNECT);
    assert_int_equal(k.x.status, 0);
    end(&k);
    assert_int_equal(watched(s.t), 0);
    assert_true(raw_start(&s.server, scenes));
    stage_end(&s);
}

static void test_limits(void **state) {
    static const struct {
        const char *path;
        int met;
    } cases[] = {
        {"/endless", OPRO__MET_BODY},
        {"/headers", OPRO__MET_HEADER},
        {"/hints", OPRO__MET_HEADER},
    };
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        talk_to(&s, &k, cases[i].path);
        assert_int_equal(k.x.met, cases[i].met);
        assert_int_equal(k.x.code, CURLE_WRITE_ERROR);
        assert_true(k.x.answer.len <= s.settings.max_body);
        assert_true(k.x.header_bytes <= s.settings.max_header + 100);
        end(&k);
    }
    stage_end(&s);
}

static void test_timeouts(void **state) {
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    k.x.timeout_ms = 30;
    talk_to(&s, &k, "/silent");
    assert_int_equal(k.x.code, CURLE_OPERATION_TIMEDOUT);
    end(&k);
    s.settings.idle_timeout_ms = 30;
    assert_int_equal(opro__transport_set(s.t, &s.settings, &s.err), OPRO_OK);
    talk_to(&s, &k, "/silent");
    assert_int_equal(k.x.code, CURLE_OPERATION_TIMEDOUT);
    assert_string_equal(k.x.detail, "nothing came for 30 ms");
    end(&k);
    k.x.timeout_ms = 100; /* not idle: bytes come all the time */
    s.settings.max_body = (size_t)1 << 40;
    s.settings.idle_timeout_ms = 99;
    assert_int_equal(opro__transport_set(s.t, &s.settings, &s.err), OPRO_OK);
    talk_to(&s, &k, "/endless");
    assert_int_equal(k.x.code, CURLE_OPERATION_TIMEDOUT);
    assert_null(strstr(k.x.detail, "nothing came"));
    end(&k);
    stage_end(&s);
}

static void test_cancel(void **state) {
    talk k = {0}, other = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    opro__transport_cancel(s.t, &k.x); /* never started */
    assert_int_equal(begin(&s, &k, "/silent"), OPRO_OK);
    opro__transport_cancel(s.t, &k.x); /* nothing done for it yet */
    assert_int_equal(opro__transport_in_flight(s.t), 0);
    assert_int_equal(begin(&s, &k, "/silent"), OPRO_OK);
    assert_int_equal(begin(&s, &other, "/silent"), OPRO_OK);
    while (s.server.requests < 2)
        opro__transport_work(s.t, 1);
    opro__transport_cancel(s.t, &k.x);
    opro__transport_cancel(s.t, &k.x); /* once more is fine */
    assert_int_equal(opro__transport_in_flight(s.t), 1);
    WAIT_UNTIL(s.server.open == 1); /* it hung up */
    opro__transport_cancel(s.t, &other.x);
    WAIT_UNTIL(s.server.open == 0);
    assert_null(opro__transport_finished(s.t));

    assert_int_equal(begin(&s, &k, "/ok"), OPRO_OK);
    while (opro__transport_in_flight(s.t))
        opro__transport_work(s.t, -1);
    opro__transport_cancel(s.t, &k.x); /* over, and not fetched */
    assert_null(opro__transport_finished(s.t));
    end(&k);
    stage_end(&s);
}

/* ---- many ---- */

enum { MANY = 1000 };

static void many_files(void) {
    struct rlimit files;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    assert_true(files.rlim_cur >= 2 * MANY + 100);
}

static void crowd(stage *s, talk *talks, int n) {
    s->server.crowd = n;
    for (int i = 0; i < n; i++)
        assert_int_equal(begin(s, &talks[i], "/crowd"), OPRO_OK);
    assert_int_equal(opro__transport_in_flight(s->t), n);
    for (int i = 0; i < n; i++) {
        talk *k = wait_for_one(s);

        assert_ok(k);
        end(k);
    }
}

/* The server answers when all are there; then again, over the same connections. */
static void test_many(void **state) {
    talk *talks = calloc(MANY, sizeof *talks);
    stage s;

    (void)state;
    many_files();
    assert_non_null(talks);
    stage_begin(&s);
    s.settings.allow_http = 1;
    s.settings.local = 0; /* connections may wait as long as it takes */
    assert_int_equal(opro__transport_set(s.t, &s.settings, &s.err), OPRO_OK);
    crowd(&s, talks, MANY);
    assert_int_equal(s.server.accepts, MANY);
    assert_int_equal(s.t->n_multis, (MANY + OPRO__MULTI_LOAD - 1) / OPRO__MULTI_LOAD);
    assert_true(s.t->n_easies <= OPRO__IDLE_EASY);
    crowd(&s, talks, MANY);
    assert_int_equal(s.server.accepts, MANY);
    crowd(&s, talks, 100); /* few need one handle of libcurl's only, and no new connection */
    assert_int_equal(s.server.accepts, MANY);
    assert_int_equal(s.server.requests, 2 * MANY + 100);
    stage_end(&s);
    free(talks);
}

/* Nothing to do while a server thinks, however many wait for it. */
static void test_silence(void **state) {
    enum { N = 200 };
    talk *talks = calloc(N, sizeof *talks);
    int wakes = 0;
    stage s;

    (void)state;
    assert_non_null(talks);
    stage_begin(&s);
    for (int i = 0; i < N; i++)
        assert_int_equal(begin(&s, &talks[i], "/silent"), OPRO_OK);
    while (s.server.requests < N)
        opro__transport_work(s.t, 1);
    /* libcurl looks at a time-out of connecting, once for each, and then not for a long while */
    while (opro__transport_timeout(s.t) < 5000) {
        opro__transport_work(s.t, -1);
        assert_true(++wakes <= 2 * N);
    }
    for (int i = 0; i < N; i++) {
        opro__transport_cancel(s.t, &talks[i].x);
        end(&talks[i]);
    }
    stage_end(&s);
    free(talks);
}

/* ---- somebody else's loop ---- */

typedef struct loop {
    struct pollfd fds[64];
    size_t n;
    int told; /* times */
} loop;

static void on_watch(void *ctx, int fd, int events) {
    loop *l = ctx;
    size_t i = 0;
    short bits =
        (short)((events & OPRO_POLL_IN ? POLLIN : 0) | (events & OPRO_POLL_OUT ? POLLOUT : 0));

    l->told++;
    while (i < l->n && l->fds[i].fd != fd)
        i++;
    if (events == OPRO_POLL_NONE) {
        assert_true(i < l->n); /* it was told of it before */
        l->fds[i] = l->fds[--l->n];
        return;
    }
    assert_true(i < sizeof l->fds / sizeof *l->fds);
    if (i == l->n) l->n++;
    l->fds[i] = (struct pollfd){fd, bits, 0};
}

static int loop_once(loop *l, opro__transport *t) {
    struct pollfd fds[64];
    size_t n = l->n;
    int came;

    memcpy(fds, l->fds, sizeof fds);
    came = poll(fds, n, (int)opro__transport_timeout(t));
    assert_true(came >= 0);
    for (size_t i = 0; i < n; i++) {
        int events = (fds[i].revents & POLLIN ? OPRO_POLL_IN : 0) |
                     (fds[i].revents & POLLOUT ? OPRO_POLL_OUT : 0) |
                     (fds[i].revents & (POLLERR | POLLHUP) ? OPRO_POLL_ERROR : 0);

        assert_false(fds[i].revents & POLLNVAL);
        if (events) opro__transport_socket(t, fds[i].fd, events);
    }
    if (opro__transport_timeout(t) == 0) opro__transport_time(t);
    return came;
}

static void test_watch(void **state) {
    static const char *const paths[] = {"/ok", "/short", "/reset", "/echo", "/endless", "/busy"};
    loop l = {.n = 0};
    talk k[6];
    stage s;

    (void)state;
    memset(k, 0, sizeof k);
    stage_begin(&s);
    talk_to(&s, &k[0], "/ok"); /* in its own loop: it leaves a connection there */
    end(&k[0]);
    opro__transport_set_watch(s.t, on_watch, &l);
    assert_int_equal(l.n, 1); /* to be woken */
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 6; i++)
            assert_int_equal(begin(&s, &k[i], paths[i]), OPRO_OK);
        while (opro__transport_in_flight(s.t))
            loop_once(&l, s.t);
        while (opro__transport_finished(s.t))
            ;
        assert_ok(&k[0]);
        assert_int_equal(k[1].x.code, CURLE_PARTIAL_FILE);
        assert_int_equal(k[2].x.code, CURLE_RECV_ERROR);
        assert_int_equal(k[3].x.code, CURLE_OK);
        assert_int_equal(k[4].x.met, OPRO__MET_BODY);
        assert_int_equal(k[5].x.status, 429);
        for (int i = 0; i < 6; i++)
            end(&k[i]);
    }
    l.told = 0;
    opro__transport_wake(s.t);
    assert_int_equal(loop_once(&l, s.t), 1);
    assert_int_equal(l.told, 0);
    assert_true(l.n > 1); /* connections that are kept */
    raw_poke(&s.server, 1);
    WAIT_UNTIL(s.server.open == 0);
    while (l.n > 1)
        loop_once(&l, s.t);
    opro__transport_set_watch(s.t, NULL, NULL);
    assert_int_equal(l.n, 0);
    talk_to(&s, &k[0], "/ok");
    assert_ok(&k[0]);
    end(&k[0]);
    opro__transport_set_watch(s.t, on_watch, &l);
    opro__transport_free(s.t);
    assert_int_equal(l.n, 0);
    s.t = NULL;
    stage_end(&s);
}

/* A host that polls the one descriptor. */
static void test_descriptor(void **state) {
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    assert_int_equal(begin(&s, &k, "/ok"), OPRO_OK);
    assert_int_equal(opro__transport_timeout(s.t), 0);
    while (opro__transport_in_flight(s.t)) {
        struct pollfd fd = {opro__transport_fd(s.t), POLLIN, 0};

        assert_true(poll(&fd, 1, (int)opro__transport_timeout(s.t)) >= 0);
        opro__transport_work(s.t, 0);
    }
    assert_ptr_equal(opro__transport_finished(s.t), &k.x);
    assert_ok(&k);
    end(&k);
    stage_end(&s);
}

static void *wake_soon(void *transport) {
    usleep(20000);
    opro__transport_wake(transport);
    opro__transport_wake(transport);
    return NULL;
}

static void test_wake(void **state) {
    pthread_t thread;
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    assert_int_equal(begin(&s, &k, "/silent"), OPRO_OK);
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, s.t), 0);
    while (!opro__transport_work(s.t, -1))
        ;
    pthread_join(thread, NULL);
    opro__transport_work(s.t, 0); /* both are done with then */
    assert_int_equal(opro__transport_work(s.t, 0), 0);
    opro__transport_wake(s.t); /* before the wait */
    assert_int_equal(opro__transport_work(s.t, -1), 1);
    opro__transport_cancel(s.t, &k.x);
    end(&k);
    stage_end(&s);
}

/* ---- names, settings, signals, processes ---- */

/* While one is looking up a name, others had better wait. */
static void test_look_up(void **state) {
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    assert_true(opro__transport_resolved(s.t));
    assert_int_equal(begin(&s, &k, "/ok"), OPRO_OK);
    assert_false(opro__transport_resolved(s.t));
    assert_ptr_equal(wait_for_one(&s), &k);
    assert_true(opro__transport_resolved(s.t));
    end(&k);
    assert_int_equal(begin(&s, &k, "/ok"), OPRO_OK);
    assert_true(opro__transport_resolved(s.t)); /* it is known now */
    opro__transport_cancel(s.t, &k.x);
    s.t->known_until = 0;
    assert_int_equal(begin(&s, &k, "/ok"), OPRO_OK);
    assert_false(opro__transport_resolved(s.t));
    assert_ptr_equal(wait_for_one(&s), &k);
    assert_true(opro__transport_resolved(s.t)); /* a connection was there */
    end(&k);
    s.t->known_until = 0;
    assert_int_equal(begin(&s, &k, "/ok"), OPRO_OK);
    opro__transport_cancel(s.t, &k.x);
    assert_true(opro__transport_resolved(s.t));

    /* A name that nobody needs to be asked for: its first label is longer than names may be. */
    k.x.url =
        "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/";
    k.x.timeout_ms = 60000;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(opro__transport_start(s.t, &k.x), OPRO_OK);
        assert_false(opro__transport_resolved(s.t));
        assert_ptr_equal(wait_for_one(&s), &k);
        assert_int_equal(k.x.code, CURLE_COULDNT_RESOLVE_HOST);
        assert_true(opro__transport_resolved(s.t));
        assert_int_equal(watched(s.t), 1); /* of libcurl's own sockets none is left */
    }
    talk_to(&s, &k, "/ok");
    assert_ok(&k);
    end(&k);
    stage_end(&s);
}

static void test_settings(void **state) {
    talk k = {0}, other = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    talk_to(&s, &k, "/ok");
    end(&k);
    assert_int_equal(opro__transport_set(s.t, &s.settings, &s.err), OPRO_OK);
    assert_int_equal(s.t->n_multis, 1); /* nothing has changed */
    assert_int_equal(begin(&s, &other, "/silent"), OPRO_OK);
    while (s.server.requests < 2)
        opro__transport_work(s.t, 1);
    s.settings.http2 = 1;
    assert_int_equal(opro__transport_set(s.t, &s.settings, &s.err), OPRO_OK);
    talk_to(&s, &k, "/ok"); /* over a new connection, while the other one goes on */
    assert_ok(&k);
    end(&k);
    assert_int_equal(s.t->n_multis, 2);
    opro__transport_cancel(s.t, &other.x);
    assert_int_equal(s.t->n_multis, 1);
    end(&other);
    WAIT_UNTIL(s.server.open == 1);

    s.settings.local = 0;
    s.settings.http2 = 0;
    assert_int_equal(opro__transport_set(s.t, &s.settings, &s.err), OPRO_OK);
    talk_to(&s, &k, "/ok");
    assert_int_equal(k.x.code, CURLE_UNSUPPORTED_PROTOCOL); /* plain http is for this machine */
    end(&k);
    s.settings.allow_http = 1;
    s.settings.proxy = "http://127.0.0.1:1"; /* nobody is there */
    assert_int_equal(opro__transport_set(s.t, &s.settings, &s.err), OPRO_OK);
    talk_to(&s, &k, "/ok");
    assert_int_equal(k.x.code, CURLE_COULDNT_CONNECT);
    end(&k);
    stage_end(&s);
}

static int blocked(void) {
    sigset_t now;

    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
    return sigismember(&now, SIGPIPE);
}

static int pending(void) {
    sigset_t now;

    assert_int_equal(sigpending(&now), 0);
    return sigismember(&now, SIGPIPE);
}

/* The signal of a broken pipe ends a program that does not expect it: this one, if it comes. */
static void test_signal(void **state) {
    size_t len = 8 << 20;
    char *body = malloc(len);
    struct sigaction handler;
    sigset_t set;
    opro__pipe pipe_;
    talk k = {0};
    stage s;

    (void)state;
    assert_non_null(body);
    memset(body, ' ', len);
    stage_begin(&s);
    k.x.body = body;
    k.x.body_len = len;
    talk_to(&s, &k, "/reset-at-once");
    assert_true(k.x.code == CURLE_SEND_ERROR || k.x.code == CURLE_RECV_ERROR);
    end(&k);

    opro__pipe_hold(&pipe_, s.t);
    assert_false(blocked()); /* plain connections have no need of it */
    opro__pipe_release(&pipe_);
    s.t->tls = 1;
    opro__pipe_hold(&pipe_, s.t);
    assert_true(blocked());
    assert_int_equal(pthread_kill(pthread_self(), SIGPIPE), 0);
    opro__pipe_release(&pipe_);
    assert_false(blocked());
    assert_false(pending());
    talk_to(&s, &k, "/ok");
    assert_ok(&k);
    end(&k);
    assert_false(blocked());

    /* A host that has blocked it keeps what it has. */
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    assert_int_equal(pthread_kill(pthread_self(), SIGPIPE), 0);
    opro__pipe_hold(&pipe_, s.t);
    opro__pipe_release(&pipe_);
    assert_true(blocked());
    assert_true(pending());
    assert_int_equal(sigwaitinfo(&set, NULL), SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
    assert_int_equal(sigaction(SIGPIPE, NULL, &handler), 0);
    assert_true(handler.sa_handler == SIG_DFL);
    stage_end(&s);
    free(body);
}

/* A child lets go of everything, and the parent's exchanges go on. */
static void test_fork(void **state) {
    talk k[2];
    int status;
    pid_t child;
    stage s;

    (void)state;
    memset(k, 0, sizeof k);
    stage_begin(&s);
    s.server.crowd = 2;
    assert_int_equal(begin(&s, &k[0], "/crowd"), OPRO_OK);
    while (s.server.requests < 1)
        opro__transport_work(s.t, 1);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        opro__transport_abandon(s.t);
        if (s.failing.live != 0 || s.mem.used != 0) _exit(1);
        execl("/bin/true", "true", (char *)NULL); /* no checks of leaks: libcurl's are meant */
        _exit(2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(begin(&s, &k[1], "/crowd"), OPRO_OK);
    for (int i = 0; i < 2; i++)
        assert_ok(wait_for_one(&s));
    end(&k[0]);
    end(&k[1]);
    assert_int_equal(s.server.accepts, 2);
    stage_end(&s);
}

/* ---- no memory ---- */

/* Three at once, and one after them; some may fail for want of memory, and for nothing else. */
static int scarce(stage *s) {
    talk k[4];
    opro_status st;
    int failed = 0;

    memset(k, 0, sizeof k);
    st = opro__transport_new(&s->t, &s->mem, &s->err);
    if (st == OPRO_OK) st = opro__transport_set(s->t, &s->settings, &s->err);
    if (st != OPRO_OK) {
        assert_int_equal(st, OPRO_ERR_NOMEM);
        assert_int_equal(s->err.status, OPRO_ERR_NOMEM);
        failed = 1;
    }
    for (int i = 0; i < 4 && st == OPRO_OK; i++) {
        opro_status started = begin(s, &k[i], "/ok");

        if (started != OPRO_OK) {
            assert_int_equal(started, OPRO_ERR_NOMEM);
            failed++;
            k[i].x.owner = NULL;
        }
        while (i >= 2 && opro__transport_in_flight(s->t))
            opro__transport_work(s->t, -1);
    }
    while (st == OPRO_OK && opro__transport_finished(s->t))
        ;
    for (int i = 0; i < 4; i++) {
        if (st == OPRO_OK && k[i].x.owner) {
            if (k[i].x.met == OPRO__MET_NOMEM)
                failed++;
            else
                assert_ok(&k[i]);
        }
        opro__buf_free(&k[i].x.answer);
    }
    opro__transport_free(s->t);
    s->t = NULL;
    return failed;
}

static void test_nomem(void **state) {
    int failed = 1;
    stage s;

    (void)state;
    stage_open(&s);
    for (long n = 0; failed; n++) {
        s.failing.left = n;
        failed = scarce(&s);
        assert_int_equal(s.failing.live, 0);
        assert_true(n < 200);
    }
    s.failing.left = -1;
    stage_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_post),       cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_lazy),       cmocka_unit_test(test_headers),
        cmocka_unit_test(test_broken),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_cancel),     cmocka_unit_test(test_many),
        cmocka_unit_test(test_silence),    cmocka_unit_test(test_watch),
        cmocka_unit_test(test_descriptor), cmocka_unit_test(test_wake),
        cmocka_unit_test(test_look_up),    cmocka_unit_test(test_settings),
        cmocka_unit_test(test_signal),     cmocka_unit_test(test_fork),
        cmocka_unit_test(test_nomem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
