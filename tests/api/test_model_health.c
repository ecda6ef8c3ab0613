/* SPDX-License-Identifier: MIT */
/*
 * The client and an endpoint that does not answer, or never will. Its time is the test's: whenever
 * nothing is in flight, the clock is put forward to the moment when the client has something to do.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/syscall.h>

#include "model_world.h"

enum { CALLS = 12 };

static _Atomic long ahead_ms;

int clock_gettime(clockid_t clock, struct timespec *t) {
    long result = syscall(SYS_clock_gettime, clock, t), ms = ahead_ms;

    t->tv_sec += ms / 1000;
    t->tv_nsec += ms % 1000 * 1000000;
    if (t->tv_nsec >= 1000000000) {
        t->tv_nsec -= 1000000000;
        t->tv_sec++;
    }
    return (int)result;
}

/* Until all calls are over; how many milliseconds the clock was put forward. */
static long pass(world *w) {
    long before = ahead_ms;
    opro_status st;

    alarm(60); /* rather than for ever */
    for (;;) {
        int64_t ms;

        do
            st = opro_model_poll(w->model, 0);
        while (st == OPRO_OK);
        if (st == OPRO_DONE) break;
        ms = opro_model_timeout(w->model);
        if (opro_model_figure(w->model, OPRO_MODEL_IN_FLIGHT) || ms < 0)
            opro_model_poll(w->model, 1);
        else
            ahead_ms += (long)ms;
    }
    alarm(0);
    return ahead_ms - before;
}

/* One call from beginning to end. */
static opro_call *ask_now(world *w) {
    opro_call *call = ask(w, "hello", 1, 1);

    submit(call);
    assert_in_range(pass(w), 0, 0);
    return call;
}

static const char *message_of(const opro_call *call) {
    return opro_error_message(opro_call_error(call), NULL);
}

/* It came back, or it failed so. */
static void expect(const opro_call *call, int32_t failure) {
    if (opro_call_failure(call) != failure) fail_msg("%s", message_of(call));
    for (size_t i = 0; opro_call_outcome(call, i) != OPRO_OUTCOME_NONE; i++)
        assert_int_equal(opro_call_outcome(call, i),
                         failure ? OPRO_OUTCOME_FAILED : OPRO_OUTCOME_WHOLE);
}

static void expect_now(world *w, int32_t failure, int64_t requests) {
    opro_call *call = ask_now(w);

    expect(call, failure);
    assert_int_equal(opro_call_figure(call, OPRO_CALL_REQUESTS), requests);
    opro_call_free(call);
}

/* ---- a server that is as it is told to be ---------------------------------------------------- */

typedef struct mood {
    _Atomic int status;   /* 0: closes the connection; 200: answers               */
    const char *headers;  /* of answers that are no 200                           */
    size_t until;         /* requests that get this status; those after it get 200 */
    size_t well;          /* ... and so do those before this one                  */
    int delay_ms;         /* of good answers                                      */
    long long first_good; /* when the first of the others came                    */
    size_t beside;        /* requests that waited when the second of them came    */
} mood;

static void serve(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                  void *ctx) {
    mood *m = ctx;

    (void)head;
    if (n == m->until) m->first_good = mock_ms();
    if (n == m->until + 1) m->beside = server->now;
    if (n >= m->until || n < m->well || m->status == 200) {
        reply->delay_ms = m->delay_ms;
        mock_choices(reply, asked_for(body), "well");
        return;
    }
    reply->status = m->status;
    if (m->headers) strcpy(reply->headers, m->headers);
    strcpy(reply->body, "{\"error\":{\"message\":\"The door is shut.\",\"type\":\"shut\"}}");
}

/* An address of this machine where nobody listens, for as long as the socket is open. */
static int closed_port(char *url) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(url, 64, "http://127.0.0.1:%d/v1", ntohs(address.sin_port));
    return fd;
}

/* ---- nobody is there ------------------------------------------------------------------------- */

static const char *const usual[] = {"model_backoff_ms", "500", NULL};

/*
 * Five attempts with 0.5, 1, 2 and 4 seconds between them, for all that wait, in whatever way
 * samples are asked for; the breaker makes that no longer.
 */
static void check_dead(const char *sampling, size_t samples, const char *breaker) {
    opro_call *calls[CALLS];
    mood m = {.status = 200};
    char url[64], where[128];
    world w;
    int fd;

    begin(&w, serve, &m,
          (const char *[]){"model_backoff_ms", "500", "model_samples", sampling,
                           "model_breaker_failures", breaker, "model_breaker_percent", breaker,
                           NULL});
    fd = closed_port(url);
    assert_int_equal(opro_model_set_base_url(w.model, url, OPRO_ZT), OPRO_OK);
    snprintf(where, sizeof where, "that a server is running at %.*s", (int)strlen(url) - 3, url);
    for (int round = 0; round < 2; round++) { /* the breaker rests longer in the second */
        for (size_t i = 0; i < CALLS; i++) {
            calls[i] = ask(&w, "hello", samples, 1);
            submit(calls[i]);
        }
        assert_in_range(pass(&w), 0, 7600);
        for (size_t i = 0; i < CALLS; i++) {
            expect(calls[i], OPRO_FAILURE_NET);
            assert_true(has(message_of(calls[i]), where));
            opro_call_free(calls[i]);
        }
    }
    assert_true(has(w.log, where));
    close(fd);
    end(&w);
}

static void a_dead_endpoint_costs_no_more_than_the_attempts(void **state) {
    (void)state;
    check_dead("auto", 1, "5");
    check_dead("auto", 1, "0");
    check_dead("auto", 8, "5");
    check_dead("auto", 20, "5");
    check_dead("singly", 8, "5"); /* the first alone, then the others */
    check_dead("together", 8, "5");
}

/* One is tried after the breaker's rest; all others wait for it, and those that come later. */
static void an_endpoint_that_comes_back_is_found_by_one_request(void **state) {
    mood m = {.status = 0, .until = CALLS, .delay_ms = 20};
    opro_call *calls[2 * CALLS];
    long long began;
    world w;

    (void)state;
    begin(&w, serve, &m,
          (const char *[]){"model_backoff_ms", "500", "model_in_flight", "12", "model_retry_free",
                           "12", NULL});
    began = mock_ms();
    for (size_t i = 0; i < 2 * CALLS; i++)
        calls[i] = ask(&w, "hello", 1, 1);
    for (size_t i = 0; i < CALLS; i++)
        submit(calls[i]);
    while (opro_model_figure(w.model, OPRO_MODEL_FAILURES) < CALLS)
        opro_model_poll(w.model, 1);
    for (size_t i = CALLS; i < 2 * CALLS; i++)
        submit(calls[i]);
    pass(&w);
    for (size_t i = 0; i < 2 * CALLS; i++) {
        expect(calls[i], OPRO_FAILURE_NONE);
        assert_int_equal(opro_call_figure(calls[i], OPRO_CALL_RETRIES), i < CALLS);
        opro_call_free(calls[i]);
    }
    assert_int_equal(w.server->n, 3 * CALLS);
    assert_true(m.first_good - began >= 5000);
    assert_int_equal(m.beside, 0);
    end(&w);
}

/* Five break, three that were sent with them come back well, and then nobody is there any more. */
static void dies(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                 void *ctx) {
    (void)server, (void)head, (void)body, (void)ctx;
    reply->delay_ms = 20;
    mock_choices(reply, 1, "last");
    if (n < 5 || n >= 8) *reply = (mock_reply){0};
}

static void what_was_under_way_says_nothing_new(void **state) {
    opro_call *calls[CALLS];
    int well = 0;
    world w;

    (void)state;
    begin(&w, dies, NULL,
          (const char *[]){"model_backoff_ms", "500", "model_in_flight", "8", "model_attempts", "2",
                           NULL});
    for (size_t i = 0; i < CALLS; i++) {
        calls[i] = ask(&w, "hello", 1, 1);
        submit(calls[i]);
    }
    assert_in_range(pass(&w), 0, 600);
    for (size_t i = 0; i < CALLS; i++) {
        int failed = opro_call_failure(calls[i]) != OPRO_FAILURE_NONE;

        well += !failed;
        expect(calls[i], failed ? OPRO_FAILURE_NET : OPRO_FAILURE_NONE);
        if (failed) assert_true(has(message_of(calls[i]), "closed without an answer"));
        opro_call_free(calls[i]);
    }
    assert_int_equal(well, 3);
    end(&w);
}

/* What is known of an address says nothing of another. */
static void another_address_is_asked_at_once(void **state) {
    mood m = {.status = 200};
    opro_call *call;
    char url[64];
    world w;
    int fd;

    (void)state;
    begin(&w, serve, &m, usual);
    fd = closed_port(url);
    assert_int_equal(opro_model_set_base_url(w.model, url, OPRO_ZT), OPRO_OK);
    call = ask(&w, "hello", 1, 1);
    submit(call);
    pass(&w);
    expect(call, OPRO_FAILURE_NET);
    opro_call_free(call);
    assert_int_equal(opro_model_set_base_url(w.model, w.url, OPRO_ZT), OPRO_OK);
    expect_now(&w, OPRO_FAILURE_NONE, 1);
    close(fd);
    end(&w);
}

/* ---- what does not pass by itself ------------------------------------------------------------ */

static void set_again(world *w, int32_t failure) {
    opro_status st;

    if (failure == OPRO_FAILURE_AUTH)
        st = opro_model_set_key(w->model, "another", OPRO_ZT);
    else if (failure == OPRO_FAILURE_QUOTA)
        st = opro_model_set_header(w->model, "X-Project", OPRO_ZT, "another", OPRO_ZT);
    else
        st = opro_model_set_name(w->model, "m", OPRO_ZT);
    assert_int_equal(st, OPRO_OK);
}

static void all_calls_fail_at_once_until_something_is_set(void **state) {
    static const struct {
        int status;
        int32_t failure;
    } rows[] = {{401, OPRO_FAILURE_AUTH},
                {403, OPRO_FAILURE_AUTH},
                {402, OPRO_FAILURE_QUOTA},
                {404, OPRO_FAILURE_NOT_FOUND}};

    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        mood m = {.status = rows[row].status, .until = SIZE_MAX};
        opro_call *calls[CALLS], *late;
        char said[80];
        size_t seen;
        world w;

        begin(&w, serve, &m, (const char *[]){"model_in_flight", "2", NULL});
        for (size_t i = 0; i < CALLS; i++) { /* single ones, the one that probes, those it holds */
            calls[i] = ask(&w, "hello", 1 + i % 3, 1);
            submit(calls[i]);
        }
        assert_in_range(pass(&w), 0, 0);
        for (size_t i = 0; i < CALLS; i++) {
            expect(calls[i], rows[row].failure);
            assert_true(has(message_of(calls[i]), "The door is shut."));
            opro_call_free(calls[i]);
        }
        seen = w.server->n;
        assert_in_range(seen, 1, 2);
        late = ask_now(&w);
        expect(late, rows[row].failure);
        snprintf(said, sizeof said, "is set again: HTTP %d, ", rows[row].status);
        assert_true(has(message_of(late), said));
        assert_int_equal(opro_call_figure(late, OPRO_CALL_REQUESTS), 0);
        opro_call_free(late);
        assert_int_equal(w.server->n, seen);
        m.status = 200;
        expect_now(&w, rows[row].failure, 0);
        set_again(&w, rows[row].failure);
        expect_now(&w, OPRO_FAILURE_NONE, 1);
        end(&w);
    }
}

/* The first call waits for its repeat when the second hears that there is no use. */
static void shut_after_an_error(mock *server, size_t n, const char *head, const char *body,
                                mock_reply *reply, void *ctx) {
    (void)server, (void)head, (void)body, (void)ctx;
    reply->status = n ? 401 : 500;
}

static void what_waits_for_its_time_fails_as_well(void **state) {
    opro_call *calls[2];
    world w;

    (void)state;
    begin(&w, shut_after_an_error, NULL,
          (const char *[]){"model_backoff_ms", "8000", "model_in_flight", "1", NULL});
    for (size_t i = 0; i < 2; i++) {
        calls[i] = ask(&w, "hello", 1, 1);
        submit(calls[i]);
    }
    assert_in_range(pass(&w), 0, 0);
    for (size_t i = 0; i < 2; i++) {
        expect(calls[i], OPRO_FAILURE_AUTH);
        opro_call_free(calls[i]);
    }
    assert_int_equal(w.server->n, 2);
    end(&w);
}

/* A door that was open: 403 and 404 concern one call, a refused key all. */
static void who_was_served_before_is_not_shut_out_by_one_answer(void **state) {
    static const int statuses[] = {403, 404, 401};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        mood m = {.status = statuses[i], .well = 1, .until = 2};
        int shut = statuses[i] == 401;
        world w;

        begin(&w, serve, &m, NULL);
        expect_now(&w, OPRO_FAILURE_NONE, 1);
        expect_now(&w, statuses[i] == 404 ? OPRO_FAILURE_NOT_FOUND : OPRO_FAILURE_AUTH, 1);
        expect_now(&w, shut ? OPRO_FAILURE_AUTH : OPRO_FAILURE_NONE, !shut);
        end(&w);
    }
}

/* ... but another name, or another key, has to be let in anew. */
static void who_changes_is_a_newcomer(void **state) {
    mood m = {.status = 404, .well = 1, .until = 2};
    world w;

    (void)state;
    begin(&w, serve, &m, NULL);
    expect_now(&w, OPRO_FAILURE_NONE, 1);
    assert_int_equal(opro_model_set_name(w.model, "another", OPRO_ZT), OPRO_OK);
    expect_now(&w, OPRO_FAILURE_NOT_FOUND, 1);
    expect_now(&w, OPRO_FAILURE_NOT_FOUND, 0);
    end(&w);
}

/* What an old key met says nothing of the new one. */
static void a_key_may_be_changed_under_way(void **state) {
    mood m = {.status = 402, .until = 1};
    opro_call *call;
    world w;

    (void)state;
    begin(&w, serve, &m, NULL);
    assert_int_equal(opro_model_set_key(w.model, "old", OPRO_ZT), OPRO_OK);
    call = ask(&w, "hello", 1, 1);
    submit(call);
    while (!opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT))
        opro_model_poll(w.model, 0);
    assert_int_equal(opro_model_set_key(w.model, "new", OPRO_ZT), OPRO_OK);
    pass(&w);
    expect(call, OPRO_FAILURE_QUOTA);
    opro_call_free(call);
    expect_now(&w, OPRO_FAILURE_NONE, 1);
    end(&w);
}

/* An endpoint that wants more rest than is acceptable: nobody asks before. */
static void a_long_rest_is_respected_by_failing_at_once(void **state) {
    mood m = {.status = 429, .until = 1, .headers = "Retry-After: 3600\r\n"};
    opro_call *call;
    int64_t wait;
    world w;

    (void)state;
    begin(&w, serve, &m, NULL);
    expect_now(&w, OPRO_FAILURE_RATE, 1);
    ahead_ms += 1800000;
    call = ask_now(&w);
    expect(call, OPRO_FAILURE_RATE);
    assert_true(has(message_of(call), "not sent until the endpoint has had the rest"));
    wait = opro_call_figure(call, OPRO_CALL_WAIT_MS);
    assert_true(wait > 0 && wait <= 1800000); /* what is left of it */
    opro_call_free(call);
    ahead_ms += 1500000;
    expect_now(&w, OPRO_FAILURE_RATE, 0);
    ahead_ms += 300000;
    expect_now(&w, OPRO_FAILURE_NONE, 1);
    end(&w);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

/* The second request is under way then. */
static void a_deadline_says_what_failed_before(void **state) {
    mood m = {.status = 500, .until = 1, .delay_ms = 1000000};
    opro_call *call;
    world w;

    (void)state;
    begin(&w, serve, &m, (const char *[]){"model_backoff_ms", "0", NULL});
    call = ask(&w, "hello", 1, 1);
    assert_int_equal(opro_call_set_deadline(call, 50000), OPRO_OK);
    submit(call);
    while (opro_call_figure(call, OPRO_CALL_REQUESTS) < 2)
        opro_model_poll(w.model, 1);
    ahead_ms += 50000;
    pass(&w);
    expect(call, OPRO_FAILURE_DEADLINE);
    assert_int_equal(opro_call_figure(call, OPRO_CALL_REQUESTS), 2);
    if (!has(message_of(call), "the last failure: HTTP 500")) fail_msg("%s", message_of(call));
    opro_call_free(call);
    end(&w);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int32_t give_key(opro_model *model, opro_sink *sink, void *user_data) {
    int *asked = user_data;

    (void)model;
    return opro_sink_text(sink, (*asked)++ ? "new" : "old", OPRO_ZT);
}

static void wants_new(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                      void *ctx) {
    const char *key = ctx;

    (void)server, (void)n, (void)body;
    reply->delay_ms = 20;
    if (has(head, key))
        mock_choices(reply, 1, "in");
    else
        reply->status = 401;
}

/* Four requests go out with the old key and are refused: one reason to ask for another. */
static void the_key_function_is_asked_once_for_all(void **state) {
    opro_call *calls[8];
    int asked = 0;
    char key[] = "Bearer new";
    world w;

    (void)state;
    begin(&w, wants_new, key, NULL);
    assert_int_equal(opro_model_set_key_fn(w.model, give_key, &asked, NULL), OPRO_OK);
    for (size_t i = 0; i < 8; i++) {
        calls[i] = ask(&w, "hello", 1, 1);
        submit(calls[i]);
    }
    pass(&w);
    for (size_t i = 0; i < 8; i++) {
        expect(calls[i], OPRO_FAILURE_NONE);
        opro_call_free(calls[i]);
    }
    assert_int_equal(asked, 2);
    assert_int_equal(w.server->n, 4 + 8);
    end(&w);
}

/* It has no other key: asked once more, and not for each call; a function that has one ends it. */
static void a_key_function_without_a_better_key_is_not_asked_for_ever(void **state) {
    opro_call *calls[8];
    int asked = 0;
    char key[] = "Bearer newer";
    world w;

    (void)state;
    begin(&w, wants_new, key, (const char *[]){"model_in_flight", "1", NULL});
    assert_int_equal(opro_model_set_key_fn(w.model, give_key, &asked, NULL), OPRO_OK);
    for (size_t i = 0; i < 8; i++) {
        calls[i] = ask(&w, "hello", 1, 1);
        submit(calls[i]);
    }
    pass(&w);
    for (size_t i = 0; i < 8; i++) {
        expect(calls[i], OPRO_FAILURE_AUTH);
        opro_call_free(calls[i]);
    }
    assert_int_equal(asked, 2);
    assert_int_equal(w.server->n, 2);
    strcpy(key, "Bearer new");
    expect_now(&w, OPRO_FAILURE_AUTH, 0);
    assert_int_equal(opro_model_set_key_fn(w.model, give_key, &asked, NULL), OPRO_OK);
    expect_now(&w, OPRO_FAILURE_NONE, 1);
    end(&w);
}

static int32_t no_key(opro_model *model, opro_sink *sink, void *user_data) {
    (void)model, (void)sink;
    ++*(int *)user_data;
    return OPRO_ERR_FAILED;
}

static void a_key_function_that_fails_is_asked_again_by_later_calls(void **state) {
    mood m = {.status = 200};
    opro_call *calls[8];
    int asked = 0;
    world w;

    (void)state;
    begin(&w, serve, &m, NULL);
    assert_int_equal(opro_model_set_key_fn(w.model, no_key, &asked, NULL), OPRO_OK);
    for (size_t i = 0; i < 8; i++) {
        calls[i] = ask(&w, "hello", 1, 1);
        submit(calls[i]);
    }
    assert_in_range(pass(&w), 0, 0);
    for (size_t i = 0; i < 8; i++) {
        expect(calls[i], OPRO_FAILURE_AUTH);
        opro_call_free(calls[i]);
    }
    assert_int_equal(asked, 1);
    expect_now(&w, OPRO_FAILURE_AUTH, 0);
    assert_int_equal(asked, 2);
    assert_false(has(w.log, "not sent"));
    end(&w);
}

/* ---- recordings ------------------------------------------------------------------------------ */

/* The calls that were never sent fail again as they did. */
static void check_replay(mood *m, const char *base_url, int32_t failure) {
    char path[] = "/tmp/opro-recording-XXXXXX";

    close(mkstemp(path));
    for (int replaying = 0; replaying < 2; replaying++) {
        opro_call *calls[2 * CALLS];
        world w;

        begin(&w, serve, m, usual);
        if (base_url)
            assert_int_equal(opro_model_set_base_url(w.model, base_url, OPRO_ZT), OPRO_OK);
        assert_int_equal(replaying ? opro_model_replay(w.model, path, OPRO_ZT)
                                   : opro_model_record(w.model, path, OPRO_ZT),
                         OPRO_OK);
        for (size_t i = 0; i < 2 * CALLS; i++) {
            char text[32];

            snprintf(text, sizeof text, "question %zu", i);
            calls[i] = ask(&w, text, 1 + i % 2, 1);
            submit(calls[i]);
        }
        pass(&w);
        for (size_t i = 0; i < 2 * CALLS; i++) {
            expect(calls[i], failure);
            opro_call_free(calls[i]);
        }
        assert_int_equal(w.server->n > 0, !replaying && !base_url);
        end(&w);
    }
    unlink(path);
}

static void what_was_not_sent_fails_in_the_replay_too(void **state) {
    mood m = {.status = 401, .until = SIZE_MAX};
    char url[64];
    int fd = closed_port(url);

    (void)state;
    check_replay(&m, NULL, OPRO_FAILURE_AUTH);
    m.status = 404;
    check_replay(&m, NULL, OPRO_FAILURE_NOT_FOUND);
    check_replay(&m, url, OPRO_FAILURE_NET);
    close(fd);
}

/* A parameter that is refused is gone from all requests after the first answer. */
static void wants_no_seed(mock *server, size_t n, const char *head, const char *body,
                          mock_reply *reply, void *ctx) {
    (void)server, (void)n, (void)head, (void)ctx;
    if (!has(body, "\"seed\"")) {
        mock_choices(reply, asked_for(body), "no seed");
        return;
    }
    reply->status = 400;
    strcpy(reply->body, "{\"error\":{\"message\":\"Unsupported parameter: 'seed'\",\"param\":"
                        "\"seed\",\"code\":\"unsupported_parameter\"}}");
}

static void a_replay_learns_in_time(void **state) {
    char path[] = "/tmp/opro-recording-XXXXXX";

    (void)state;
    close(mkstemp(path));
    for (int replaying = 0; replaying < 2; replaying++) {
        opro_call *calls[2 * CALLS];
        world w;

        begin(&w, wants_no_seed, NULL, NULL);
        assert_int_equal(replaying ? opro_model_replay(w.model, path, OPRO_ZT)
                                   : opro_model_record(w.model, path, OPRO_ZT),
                         OPRO_OK);
        for (size_t i = 0; i < 2 * CALLS; i++) {
            char text[32];

            snprintf(text, sizeof text, "question %zu", i);
            calls[i] = ask(&w, text, 1, 1);
            submit(calls[i]);
        }
        pass(&w);
        for (size_t i = 0; i < 2 * CALLS; i++) {
            expect(calls[i], OPRO_FAILURE_NONE);
            opro_call_free(calls[i]);
        }
        end(&w);
    }
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_endpoint_costs_no_more_than_the_attempts),
        cmocka_unit_test(an_endpoint_that_comes_back_is_found_by_one_request),
        cmocka_unit_test(what_was_under_way_says_nothing_new),
        cmocka_unit_test(another_address_is_asked_at_once),
        cmocka_unit_test(all_calls_fail_at_once_until_something_is_set),
        cmocka_unit_test(what_waits_for_its_time_fails_as_well),
        cmocka_unit_test(who_was_served_before_is_not_shut_out_by_one_answer),
        cmocka_unit_test(who_changes_is_a_newcomer),
        cmocka_unit_test(a_long_rest_is_respected_by_failing_at_once),
        cmocka_unit_test(a_deadline_says_what_failed_before),
        cmocka_unit_test(a_key_may_be_changed_under_way),
        cmocka_unit_test(the_key_function_is_asked_once_for_all),
        cmocka_unit_test(a_key_function_without_a_better_key_is_not_asked_for_ever),
        cmocka_unit_test(a_key_function_that_fails_is_asked_again_by_later_calls),
        cmocka_unit_test(what_was_not_sent_fails_in_the_replay_too),
        cmocka_unit_test(a_replay_learns_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
