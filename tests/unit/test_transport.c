/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "transport_stage.h"

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

/* A connection that is kept stays watched, until the server closes it. */
static void test_lazy(void **state) {
    talk k = {0};
    int wakes = 0;
    stage s;

    (void)state;
    stage_begin(&s);
    s.settings.allow_http = 1;
    s.settings.local = 0; /* it is kept for long */
    assert_int_equal(opro__transport_set(s.t, &s.settings, &s.err), OPRO_OK);
    talk_to(&s, &k, "/ok");
    end(&k);
    assert_int_equal(watched(s.t), 1);
    for (size_t fd = 0; fd < s.t->n_sockets; fd++)
        if (s.t->sockets[fd].watched) assert_true(fcntl((int)fd, F_GETFD) & FD_CLOEXEC);
    raw_poke(&s.server, 1);
    WAIT_UNTIL(s.server.open == 0);
    while (watched(s.t)) {
        opro__transport_work(s.t, 20);
        assert_true(++wakes < 200);
    }
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

/* A server that says no need not read all of the request first. */
static void test_early(void **state) {
    size_t len = 8 << 20;
    char *body = malloc(len);
    talk k = {0};
    stage s;

    (void)state;
    assert_non_null(body);
    memset(body, ' ', len);
    stage_begin(&s);
    k.x.body = body;
    k.x.body_len = len;
    talk_to(&s, &k, "/too-long");
    assert_int_equal(k.x.code, CURLE_OK);
    assert_int_equal(k.x.status, 413);
    assert_string_equal(opro__buf_text(&k.x.answer), "{}");
    end(&k);
    stage_end(&s);
    free(body);
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
    s.settings.max_body = SIZE_MAX / 4;
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
    opro__exchange_moved(&k.x); /* of the two, the other one is silent for longer now */
    assert_ptr_equal(s.t->waiting.first, &other.x);
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

/* ---- names and settings ---- */

/* While one is looking up a name, others had better wait. */
static void test_look_up(void **state) {
    talk k = {0};
    int accepts;
    stage s;

    (void)state;
    stage_begin(&s);
    s.settings.allow_http = 1;
    s.settings.local = 0; /* connections are kept for long */
    assert_int_equal(opro__transport_set(s.t, &s.settings, &s.err), OPRO_OK);
    assert_true(opro__transport_resolved(s.t));
    assert_int_equal(begin(&s, &k, "/ok"), OPRO_OK);
    assert_false(opro__transport_resolved(s.t));
    assert_ptr_equal(wait_for_one(&s), &k);
    assert_true(opro__transport_resolved(s.t));
    end(&k);
    assert_int_equal(begin(&s, &k, "/ok"), OPRO_OK);
    assert_true(opro__transport_resolved(s.t)); /* it is known now */
    opro__transport_cancel(s.t, &k.x);
    for (int i = 0; i < 2; i++) { /* over the connection that is there, then over a new one */
        s.t->known_until = 0;
        assert_int_equal(begin(&s, &k, "/silent"), OPRO_OK);
        assert_false(opro__transport_resolved(s.t));
        while (s.server.requests < 2 + i)
            opro__transport_work(s.t, 1);
        assert_int_equal(s.server.accepts, 1 + i);
        assert_true(opro__transport_resolved(s.t)); /* it is still waiting */
        opro__transport_cancel(s.t, &k.x);
    }
    talk_to(&s, &k, "/ok");
    end(&k);
    s.t->known_until = 0;
    assert_int_equal(begin(&s, &k, "/ok"), OPRO_OK);
    opro__transport_cancel(s.t, &k.x);
    assert_true(opro__transport_resolved(s.t));

    /* The name is known long before a connection is of use: this is not a server of TLS. */
    s.t->known_until = 0;
    accepts = s.server.accepts;
    snprintf(k.url, sizeof k.url, "https://127.0.0.1:%d/", s.server.port);
    assert_int_equal(opro__transport_start(s.t, &k.x), OPRO_OK);
    assert_false(opro__transport_resolved(s.t));
    while (s.server.accepts == accepts)
        opro__transport_work(s.t, 1);
    assert_true(opro__transport_resolved(s.t));
    opro__transport_cancel(s.t, &k.x);

    /* A name that nobody needs to be asked for: its first label is longer than names may be. */
    k.x.url =
        "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/";
    s.t->known_until = 0;
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
    assert_int_equal(s.t->n_easies, 1); /* what it had is of no use for others */
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
        cmocka_unit_test(test_post),     cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_lazy),     cmocka_unit_test(test_headers),
        cmocka_unit_test(test_broken),   cmocka_unit_test(test_early),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_timeouts), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_look_up),  cmocka_unit_test(test_settings),
        cmocka_unit_test(test_nomem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
