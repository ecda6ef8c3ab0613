/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include <sys/wait.h>

#include "transport_stage.h"

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
    assert_int_equal(s.t->n_easies, MANY);
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

/* Connections that will not be used again are closed, and then time has nothing to do. */
static void test_over(void **state) {
    talk k = {0};
    stage s;

    (void)state;
    stage_begin(&s);
    talk_to(&s, &k, "/ok");
    end(&k);
    assert_true(opro__transport_timeout(s.t) > 0);
    assert_true(s.t->multis[0]->over > opro__transport_now());
    s.t->multis[0]->over = 0;
    opro__transport_work(s.t, 0);
    assert_int_equal(s.t->n_multis, 0);
    assert_int_equal(s.t->n_easies, 0);
    assert_int_equal(watched(s.t), 0);
    assert_true(opro__transport_timeout(s.t) == -1);
    WAIT_UNTIL(s.server.open == 0);
    talk_to(&s, &k, "/ok");
    assert_ok(&k);
    assert_int_equal(s.server.accepts, 2);
    end(&k);
    stage_end(&s);
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

/* ---- signals and processes ---- */

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),       cmocka_unit_test(test_silence),
        cmocka_unit_test(test_over),       cmocka_unit_test(test_watch),
        cmocka_unit_test(test_descriptor), cmocka_unit_test(test_wake),
        cmocka_unit_test(test_signal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
