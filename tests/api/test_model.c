/* SPDX-License-Identifier: MIT */
/* The client against a server that is told what to answer. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <sys/syscall.h>

#include "model_world.h"

/* The clock of this program, which can be made to leap at each look at it. */
static long leap_ms;

int clock_gettime(clockid_t clock, struct timespec *t) {
    static long leapt;
    long result = syscall(SYS_clock_gettime, clock, t);

    leapt += leap_ms;
    t->tv_sec += leapt / 1000;
    t->tv_nsec += leapt % 1000 * 1000000;
    if (t->tv_nsec >= 1000000000) {
        t->tv_nsec -= 1000000000;
        t->tv_sec++;
    }
    return (int)result;
}

/* ---- several replies ------------------------------------------------------------------------- */

static void gives_n(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                    void *ctx) {
    (void)server, (void)n, (void)head, (void)ctx;
    mock_choices(reply, asked_for(body), "reply");
}

static void several_replies_come_from_one_request(void **state) {
    world w;
    opro_call *call;

    (void)state;
    begin(&w, gives_n, NULL, NULL);
    call = ask(&w, "hello", 8, 1);
    submit(call);
    run(&w);
    assert_int_equal(w.server->n, 1);
    assert_true(has(w.server->bodies[0], "\"n\":8"));
    assert_true(opro_call_done(call));
    assert_int_equal(opro_error_status(opro_call_error(call)), OPRO_OK);
    for (size_t i = 0; i < 8; i++) {
        char expected[32];

        snprintf(expected, sizeof expected, "reply %zu", i);
        assert_int_equal(opro_call_outcome(call, i), OPRO_OUTCOME_WHOLE);
        assert_string_equal(opro_call_reply(call, i, NULL), expected);
        assert_string_equal(opro_call_finish(call, i), "stop");
    }
    assert_int_equal(opro_call_figure(call, OPRO_CALL_PROMPT_TOKENS), 10);
    assert_int_equal(opro_call_figure(call, OPRO_CALL_REPLY_TOKENS), 40);
    assert_int_equal(opro_call_figure(call, OPRO_CALL_CACHED_TOKENS), 4);
    assert_int_equal(opro_call_figure(call, OPRO_CALL_REQUESTS), 1);
    opro_call_free(call);
    end(&w);
}

static void gives_one(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                      void *ctx) {
    (void)server, (void)n, (void)head, (void)body, (void)ctx;
    mock_choices(reply, 1, "one");
}

static void refuses_n(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                      void *ctx) {
    (void)server, (void)n, (void)head, (void)ctx;
    if (asked_for(body) == 1) {
        mock_choices(reply, 1, "one");
        return;
    }
    reply->status = 400;
    strcpy(reply->body, "{\"error\":{\"message\":\"Only one completion choice is allowed\","
                        "\"type\":\"invalid_request_error\",\"param\":\"n\"}}");
}

/* What the endpoint does with n is learned from the first call and remembered. */
static void check_fan_out(mock_handler handler, size_t first_requests) {
    world w;
    opro_call *call, *other;

    begin(&w, handler, NULL, NULL);
    call = ask(&w, "hello", 4, 1);
    other = ask(&w, "world", 4, 1);
    submit(call);
    submit(other); /* held until the first has taught something */
    run(&w);
    assert_int_equal(w.server->n, first_requests + 4);
    for (size_t i = 0; i < w.server->n; i++)
        assert_int_equal(asked_for(w.server->bodies[i]) > 1, i == 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(opro_call_outcome(call, i), OPRO_OUTCOME_WHOLE);
        assert_int_equal(opro_call_outcome(other, i), OPRO_OUTCOME_WHOLE);
    }
    for (unsigned seed = 100; seed < 104; seed++) { /* each reply has a seed of its own */
        char text[32];
        int found = 0;

        snprintf(text, sizeof text, "\"seed\":%u", seed);
        for (size_t i = 0; i < w.server->n; i++)
            found += has(w.server->bodies[i], text);
        assert_true(found >= 2);
    }
    assert_int_equal(opro_model_figure(w.model, OPRO_MODEL_RETRIES), 0);
    opro_call_free(call);
    opro_call_free(other);
    end(&w);
}

static void an_endpoint_that_ignores_n_is_asked_singly(void **state) {
    (void)state;
    check_fan_out(gives_one, 4);
}

static void an_endpoint_that_refuses_n_is_asked_singly(void **state) {
    (void)state;
    check_fan_out(refuses_n, 5);
}

static void at_temperature_0_one_reply_is_copied(void **state) {
    world w;
    opro_call *call, *again;

    (void)state;
    begin(&w, gives_n, NULL, NULL);
    call = ask(&w, "hello", 5, 0);
    submit(call);
    run(&w);
    assert_int_equal(w.server->n, 1);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(opro_call_reply(call, i, NULL), "reply 0");
    again = ask(&w, "hello", 5, 0);
    submit(again);
    run(&w);
    assert_int_equal(w.server->n, 1); /* from the cache */
    assert_string_equal(opro_call_reply(again, 4, NULL), "reply 0");
    assert_int_equal(opro_call_figure(again, OPRO_CALL_CACHE_HITS), 1);
    assert_int_equal(opro_call_figure(again, OPRO_CALL_PROMPT_TOKENS), 0);
    opro_call_free(call);
    opro_call_free(again);
    end(&w);
}

static void fails_in_its_choice_once(mock *server, size_t n, const char *head, const char *body,
                                     mock_reply *reply, void *ctx) {
    (void)server, (void)head, (void)body, (void)ctx;
    mock_choices(reply, 1, "well");
    if (!n)
        strcpy(reply->body, "{\"choices\":[{\"index\":0,\"finish_reason\":\"error\","
                            "\"message\":{\"content\":\"\"}}]}");
}

static void an_answer_that_lacks_replies_is_not_cached(void **state) {
    world w;
    opro_call *call;

    (void)state;
    begin(&w, fails_in_its_choice_once, NULL, NULL);
    call = ask(&w, "hello", 2, 0);
    submit(call);
    run(&w);
    assert_int_equal(w.server->n, 2);
    assert_string_equal(opro_call_reply(call, 1, NULL), "well 0");
    assert_int_equal(opro_call_figure(call, OPRO_CALL_CACHE_HITS), 0);
    opro_call_free(call);
    end(&w);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void busy_twice(mock *server, size_t n, const char *head, const char *body,
                       mock_reply *reply, void *ctx) {
    (void)server, (void)head, (void)body, (void)ctx;
    if (n >= 2) {
        mock_choices(reply, 1, "late");
        return;
    }
    reply->status = n ? 503 : 429;
    strcpy(reply->headers, "Retry-After: 0.01\r\n");
    strcpy(reply->body, "{\"error\":{\"message\":\"busy\"}}");
}

static void what_is_busy_is_asked_again(void **state) {
    world w;
    opro_call *call;

    (void)state;
    begin(&w, busy_twice, NULL, (const char *[]){"model_backoff_busy_max_ms", "5", NULL});
    call = ask(&w, "hello", 1, 1);
    submit(call);
    run(&w);
    assert_int_equal(w.server->n, 3);
    assert_string_equal(opro_call_reply(call, 0, NULL), "late 0");
    assert_int_equal(opro_call_failure(call), OPRO_FAILURE_NONE);
    assert_int_equal(opro_call_figure(call, OPRO_CALL_RETRIES), 2);
    opro_call_free(call);
    end(&w);
}

static void says_no(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                    void *ctx) {
    (void)server, (void)n, (void)head, (void)body, (void)ctx;
    reply->status = 401;
    strcpy(reply->body, "{\"error\":{\"message\":\"Incorrect API key provided: "
                        "sk-canary-0123456789\",\"type\":\"invalid_request_error\"}}");
}

static void a_refused_key_fails_all_that_waits_and_is_never_shown(void **state) {
    world w;
    opro_call *calls[20];

    (void)state;
    begin(&w, says_no, NULL, NULL);
    assert_int_equal(opro_model_set_key(w.model, "sk-canary-0123456789", OPRO_ZT), OPRO_OK);
    for (size_t i = 0; i < 20; i++) {
        calls[i] = ask(&w, "hello", 1, 1);
        submit(calls[i]);
    }
    run(&w);
    assert_in_range(w.server->n, 1, 4);
    assert_true(has(w.server->heads[0], "Authorization: Bearer sk-canary-0123456789"));
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(opro_call_failure(calls[i]), OPRO_FAILURE_AUTH);
        assert_int_equal(opro_call_outcome(calls[i], 0), OPRO_OUTCOME_FAILED);
        assert_false(has(opro_error_message(opro_call_error(calls[i]), NULL), "canary"));
        opro_call_free(calls[i]);
    }
    assert_false(has(w.log, "canary"));
    assert_true(has(w.log, "401"));
    end(&w);
}

/* Headers may carry secrets: they stay with the address that they were set for. */
static void headers_do_not_follow_to_another_address(void **state) {
    char elsewhere[64];
    world w;
    opro_call *call;

    (void)state;
    begin(&w, gives_n, NULL, NULL);
    assert_int_equal(opro_model_set_header(w.model, "X-Team", OPRO_ZT, "red", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_key(w.model, "k-1234567", OPRO_ZT), OPRO_OK);
    for (int moved = 0; moved < 2; moved++) {
        call = ask(&w, "hello", 1, 1);
        submit(call);
        run(&w);
        opro_call_free(call);
        assert_int_equal(has(w.server->heads[moved], "X-Team: red"), !moved);
        assert_int_equal(has(w.server->heads[moved], "k-1234567"), !moved);
        snprintf(elsewhere, sizeof elsewhere, "http://localhost:%d/v1", w.server->port);
        assert_int_equal(opro_model_set_base_url(w.model, elsewhere, OPRO_ZT), OPRO_OK);
    }
    end(&w);
}

static int32_t next_key(opro_model *model, opro_sink *sink, void *user_data) {
    const char **key = user_data;

    (void)model;
    *key = *key && strcmp(*key, "old") == 0 ? "new" : "old";
    return opro_sink_text(sink, *key, OPRO_ZT);
}

static void wants_new(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                      void *ctx) {
    (void)server, (void)n, (void)body, (void)ctx;
    if (has(head, "Bearer new"))
        mock_choices(reply, 1, "in");
    else
        reply->status = 401;
}

static void a_key_that_is_quoted_is_not_recorded(void **state) {
    char path[] = "/tmp/opro-recording-XXXXXX";
    char text[65536] = "";
    world w;
    opro_call *call;
    FILE *file;

    (void)state;
    close(mkstemp(path));
    begin(&w, says_no, NULL, NULL);
    assert_int_equal(opro_model_set_key(w.model, "sk-canary-0123456789", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_record(w.model, path, OPRO_ZT), OPRO_OK);
    call = ask(&w, "hello", 1, 1);
    submit(call);
    run(&w);
    opro_call_free(call);
    end(&w);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    unlink(path);
    assert_true(has(text, "Incorrect API key provided: [key]"));
    assert_false(has(text, "canary"));
}

static void the_key_function_is_asked_once_more(void **state) {
    const char *key = NULL;
    world w;
    opro_call *call;

    (void)state;
    begin(&w, wants_new, NULL, NULL);
    assert_int_equal(opro_model_set_key_fn(w.model, next_key, &key, NULL), OPRO_OK);
    call = ask(&w, "hello", 1, 1);
    submit(call);
    run(&w);
    assert_int_equal(w.server->n, 2);
    assert_string_equal(opro_call_reply(call, 0, NULL), "in 0");
    opro_call_free(call);
    end(&w);
}

static void wants_completion_tokens(mock *server, size_t n, const char *head, const char *body,
                                    mock_reply *reply, void *ctx) {
    (void)server, (void)n, (void)head, (void)ctx;
    if (has(body, "\"max_completion_tokens\"") && !has(body, "\"temperature\"")) {
        mock_choices(reply, 1, "adapted");
        return;
    }
    reply->status = 400;
    sprintf(reply->body,
            "{\"error\":{\"message\":\"Unsupported parameter\",\"type\":\"invalid_request_error\","
            "\"param\":\"%s\",\"code\":\"unsupported_parameter\"}}",
            has(body, "\"max_completion_tokens\"") ? "temperature" : "max_tokens");
}

static void parameters_are_adapted_once_and_remembered(void **state) {
    world w;
    const char *told;

    (void)state;
    begin(&w, wants_completion_tokens, NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        opro_call *call = ask(&w, "hello", 1, 1);

        submit(call);
        run(&w);
        assert_string_equal(opro_call_reply(call, 0, NULL), "adapted 0");
        assert_int_equal(opro_call_figure(call, OPRO_CALL_RETRIES), 0);
        opro_call_free(call);
    }
    assert_int_equal(w.server->n, 5);
    assert_int_equal(opro_model_figure(w.model, OPRO_MODEL_ADAPTATIONS), 2);
    told = strstr(w.log, "adapted");
    assert_non_null(told);
    told = strstr(told + 1, "adapted");
    assert_non_null(told);
    assert_null(strstr(told + 1, "adapted"));
    end(&w);
}

static void never_answers(mock *server, size_t n, const char *head, const char *body,
                          mock_reply *reply, void *ctx) {
    (void)server, (void)n, (void)head, (void)body, (void)ctx;
    reply->delay_ms = 60000;
    mock_choices(reply, 1, "never");
}

static void a_deadline_counts_waiting_too(void **state) {
    world w;
    opro_call *calls[3];

    (void)state;
    begin(&w, never_answers, NULL, (const char *[]){"model_in_flight", "1", NULL});
    for (size_t i = 0; i < 3; i++) {
        calls[i] = ask(&w, "hello", 2, 1);
        assert_int_equal(opro_call_set_deadline(calls[i], 50), OPRO_OK);
        submit(calls[i]);
    }
    run(&w);
    assert_true(w.server->n <= 3); /* one, unless the machine is slow between the deadlines */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(opro_call_failure(calls[i]), OPRO_FAILURE_DEADLINE);
        assert_int_equal(opro_error_status(opro_call_error(calls[i])), OPRO_ERR_TIMEOUT);
        assert_int_equal(opro_call_outcome(calls[i], 1), OPRO_OUTCOME_FAILED);
        opro_call_free(calls[i]);
    }
    end(&w);
}

/* ---- freeing, callbacks ---------------------------------------------------------------------- */

typedef struct heard {
    world *w;
    opro_call *call, *more;
    size_t replies, done, destroyed;
    int free_it;
    opro_status poll_said, submit_said;
} heard;

static void destroy(void *user_data) {
    ((heard *)user_data)->destroyed++;
}

static int32_t note(opro_call *call, int32_t event, size_t index, void *user_data) {
    heard *h = user_data;

    if (event == OPRO_CALL_REPLY) {
        h->replies++;
        assert_int_not_equal(opro_call_outcome(call, index), OPRO_OUTCOME_NONE);
        if (h->free_it == 1) opro_call_free(call);
        return OPRO_OK;
    }
    h->done++;
    h->poll_said = opro_model_poll(h->w->model, 0);
    if (h->more) h->submit_said = opro_call_submit(h->more, NULL, NULL, NULL);
    opro_model_free(h->w->model); /* refused */
    if (h->free_it == 2) opro_call_free(call);
    return OPRO_OK;
}

static void callbacks_may_submit_and_free_calls_and_nothing_else(void **state) {
    (void)state;
    for (int free_it = 0; free_it < 3; free_it++) {
        world w;
        heard h = {.w = &w, .free_it = free_it};

        begin(&w, gives_n, NULL, NULL);
        h.call = ask(&w, "hello", 3, 1);
        h.more = ask(&w, "more", 1, 1);
        assert_int_equal(opro_call_submit(h.call, note, &h, destroy), OPRO_OK);
        assert_int_equal(h.replies, 0);
        for (opro_status st = OPRO_OK; st != OPRO_DONE && st != OPRO_ERR_REENTRANT;)
            st = opro_model_poll(w.model, 5000);
        run(&w);
        assert_int_equal(h.replies, free_it == 1 ? 1 : 3);
        assert_int_equal(h.done, free_it != 1);
        if (free_it != 1) {
            assert_int_equal(h.poll_said, OPRO_ERR_REENTRANT);
            assert_int_equal(h.submit_said, OPRO_OK);
            assert_true(opro_call_done(h.more));
        }
        if (!free_it) opro_call_free(h.call);
        assert_int_equal(h.destroyed, 1);
        opro_call_free(h.more);
        end(&w);
    }
}

static void freeing_a_call_cancels_it(void **state) {
    world w;
    opro_call *calls[8];
    heard h = {0};

    (void)state;
    begin(&w, never_answers, NULL, NULL);
    for (size_t i = 0; i < 8; i++) {
        calls[i] = ask(&w, "hello", 1 + i % 3, 1);
        assert_int_equal(opro_call_submit(calls[i], note, &h, destroy), OPRO_OK);
    }
    while (!w.server->most)
        opro_model_poll(w.model, 1);
    for (size_t i = 0; i < 8; i++)
        opro_call_free(calls[i]);
    assert_int_equal(opro_model_poll(w.model, 0), OPRO_DONE);
    assert_int_equal(opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT), 0);
    assert_int_equal(h.replies + h.done, 0);
    assert_int_equal(h.destroyed, 8);
    end(&w);
}

static void the_client_may_be_given_up_before_its_calls(void **state) {
    world w;
    opro_call *call;

    (void)state;
    begin(&w, never_answers, NULL, NULL);
    call = ask(&w, "hello", 1, 1);
    submit(call);
    opro_model_poll(w.model, 10);
    opro_model_free(w.model);
    w.model = NULL;
    opro_call_free(call);
    end(&w);
}

static void a_child_leaves_the_client_alone(void **state) {
    world w;
    opro_call *call;
    int status;
    pid_t child;

    (void)state;
    begin(&w, gives_n, NULL, NULL);
    call = ask(&w, "hello", 1, 1);
    submit(call);
    child = fork();
    if (!child) {
        int ok = opro_model_poll(w.model, 100) == OPRO_ERR_STATE;

        opro_call_free(call);
        opro_model_free(w.model);
        kill(getpid(), ok ? SIGKILL : SIGABRT); /* an exit would be a leak in valgrind's eyes */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    run(&w);
    assert_string_equal(opro_call_reply(call, 0, NULL), "reply 0");
    opro_call_free(call);
    end(&w);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void takes_a_while(mock *server, size_t n, const char *head, const char *body,
                          mock_reply *reply, void *ctx) {
    (void)server, (void)n, (void)head, (void)ctx;
    reply->delay_ms = 40; /* all that may be are in flight by then, also under valgrind */
    mock_choices(reply, asked_for(body), "slow");
}

static void no_more_are_in_flight_than_allowed(void **state) {
    world w;
    opro_call *calls[60];

    (void)state;
    begin(&w, takes_a_while, NULL,
          (const char *[]){"model_max_in_flight", "7", "model_adaptive", "0", NULL});
    for (size_t i = 0; i < 60; i++) {
        calls[i] = ask(&w, "hello", 1, 1);
        submit(calls[i]);
    }
    run(&w);
    assert_int_equal(w.server->n, 60);
    assert_int_equal(w.server->most, 7);
    assert_int_equal(w.server->accepted, 7); /* connections are used again */
    for (size_t i = 0; i < 60; i++)
        opro_call_free(calls[i]);
    end(&w);
}

static void what_waits_is_counted(void **state) {
    world w;
    opro_call *calls[3];

    (void)state;
    begin(&w, never_answers, NULL, (const char *[]){"model_in_flight", "1", NULL});
    for (size_t i = 0; i < 3; i++) {
        calls[i] = ask(&w, "hello", 1, 1);
        submit(calls[i]);
    }
    assert_int_equal(opro_model_figure(w.model, OPRO_MODEL_WAITING), 3);
    opro_model_poll(w.model, 0);
    assert_int_equal(opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT), 1);
    assert_int_equal(opro_model_figure(w.model, OPRO_MODEL_WAITING), 2);
    for (size_t i = 0; i < 3; i++)
        opro_call_free(calls[i]);
    assert_int_equal(opro_model_figure(w.model, OPRO_MODEL_WAITING), 0);
    end(&w);
}

/* However long the thread was kept from running between two looks at the clock. */
static void a_poll_without_patience_never_waits(void **state) {
    world w;
    opro_call *call;

    (void)state;
    begin(&w, never_answers, NULL, NULL);
    call = ask(&w, "hello", 1, 1);
    submit(call);
    while (!w.server->most)
        opro_model_poll(w.model, 1);
    alarm(20); /* rather than for ever */
    leap_ms = 50;
    for (int i = 0; i < 20; i++)
        assert_int_equal(opro_model_poll(w.model, 0), OPRO_WAIT);
    leap_ms = 0;
    alarm(0);
    opro_call_free(call);
    end(&w);
}

/* ---- three ways to drive --------------------------------------------------------------------- */

typedef struct loop {
    int events[1024];
    long long timer; /* -1: none */
} loop;

static int32_t watch(opro_model *model, int64_t fd, int32_t events, void *user_data) {
    (void)model;
    ((loop *)user_data)->events[fd] = events;
    return OPRO_OK;
}

static int32_t timer(opro_model *model, int64_t timeout_ms, void *user_data) {
    (void)model;
    ((loop *)user_data)->timer = timeout_ms < 0 ? -1 : mock_ms() + timeout_ms;
    return OPRO_OK;
}

static void turn(world *w, loop *l) {
    struct pollfd fds[1024];
    nfds_t n = 0;
    long long wait = l->timer < 0 ? 1000 : l->timer - mock_ms();

    for (int fd = 0; fd < 1024; fd++)
        if (l->events[fd])
            fds[n++] = (struct pollfd){
                .fd = fd,
                .events = (short)((l->events[fd] & OPRO_POLL_IN ? POLLIN : 0) |
                                  (l->events[fd] & OPRO_POLL_OUT ? POLLOUT : 0)),
            };
    poll(fds, n, wait < 0 ? 0 : (int)wait);
    for (nfds_t i = 0; i < n; i++) {
        int32_t events = (fds[i].revents & POLLIN ? OPRO_POLL_IN : 0) |
                         (fds[i].revents & POLLOUT ? OPRO_POLL_OUT : 0) |
                         (fds[i].revents & (POLLERR | POLLHUP) ? OPRO_POLL_ERROR : 0);

        if (events)
            assert_int_equal(opro_model_socket_action(w->model, fds[i].fd, events), OPRO_OK);
    }
    if (l->timer >= 0 && l->timer <= mock_ms()) {
        l->timer = -1;
        assert_int_equal(opro_model_timer_action(w->model), OPRO_OK);
    }
}

static void drive(world *w, int how, opro_call *const *calls, size_t n) {
    static loop l;
    opro_status st;

    memset(&l, 0, sizeof l);
    l.timer = -1;
    if (how == 2) {
        assert_int_equal(opro_model_set_socket_fn(w->model, watch, &l, NULL), OPRO_OK);
        assert_int_equal(opro_model_set_timer_fn(w->model, timer, &l, NULL), OPRO_OK);
    }
    for (size_t i = 0; i < n; i++)
        submit(calls[i]);
    if (how == 0) run(w);
    while (how == 1) {
        struct pollfd fd = {.fd = (int)opro_model_fd(w->model), .events = POLLIN};

        poll(&fd, 1, (int)opro_model_timeout(w->model));
        do
            st = opro_model_poll(w->model, 0);
        while (st == OPRO_OK);
        if (st == OPRO_DONE) return;
    }
    while (how == 2) {
        size_t done = 0;

        for (size_t i = 0; i < n; i++)
            done += (size_t)opro_call_done(calls[i]);
        if (done == n) return;
        turn(w, &l);
    }
}

static void moody(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                  void *ctx) {
    (void)server, (void)head, (void)ctx;
    reply->delay_ms = (int)(n % 3);
    if (n % 5 == 3) {
        reply->status = 503;
        strcpy(reply->body, "{\"error\":{\"message\":\"moody\"}}");
        return;
    }
    if (n % 7 == 4) {
        reply->status = 0;
        return;
    }
    mock_choices(reply, asked_for(body), "mood");
}

static void all_three_ways_give_the_same(void **state) {
    (void)state;
    for (int how = 0; how < 3; how++) {
        world w;
        opro_call *calls[25];

        begin(&w, moody, NULL,
              (const char *[]){"model_retry_percent", "1000", "model_attempts", "50",
                               "model_backoff_busy_max_ms", "3", "model_breaker_ms", "5", NULL});
        for (size_t i = 0; i < 25; i++)
            calls[i] = ask(&w, "hello", 1 + i % 4, 1);
        drive(&w, how, calls, 25);
        for (size_t i = 0; i < 25; i++) {
            for (size_t k = 0; k < 1 + i % 4; k++)
                assert_int_equal(opro_call_outcome(calls[i], k), OPRO_OUTCOME_WHOLE);
            assert_int_equal(opro_call_failure(calls[i]), OPRO_FAILURE_NONE);
            opro_call_free(calls[i]);
        }
        end(&w);
    }
}

static void *wake(void *arg) {
    usleep(20000);
    opro_model_wakeup(arg);
    return NULL;
}

static void another_thread_ends_the_waiting(void **state) {
    world w;
    opro_call *call;
    pthread_t thread;

    (void)state;
    begin(&w, never_answers, NULL, NULL);
    call = ask(&w, "hello", 1, 1);
    submit(call);
    while (!w.server->most)
        opro_model_poll(w.model, 1);
    assert_int_equal(pthread_create(&thread, NULL, wake, w.model), 0);
    assert_int_equal(opro_model_poll(w.model, -1), OPRO_WAIT);
    pthread_join(thread, NULL);
    opro_call_free(call);
    end(&w);
}

/* ---- recordings ------------------------------------------------------------------------------ */

static void a_recording_is_played_back_without_a_network(void **state) {
    char path[] = "/tmp/opro-recording-XXXXXX";
    int fd = mkstemp(path);
    char live[6][64];

    (void)state;
    close(fd);
    unlink(path);
    for (int replaying = 0; replaying < 3; replaying++) {
        world w;
        opro_call *calls[6];
        size_t served;

        begin(&w, moody, NULL,
              (const char *[]){"model_retry_percent", "1000", "model_backoff_busy_max_ms", "3",
                               "model_breaker_ms", "5", NULL});
        assert_int_equal(opro_model_set_key(w.model, "sk-canary-0123456789", OPRO_ZT), OPRO_OK);
        if (replaying == 2) { /* a client that is told nothing but the file */
            opro_model_free(w.model);
            assert_int_equal(opro_model_new(&w.model, w.config, NULL), OPRO_OK);
        }
        if (replaying)
            assert_int_equal(opro_model_replay(w.model, path, OPRO_ZT), OPRO_OK);
        else
            assert_int_equal(opro_model_record(w.model, path, OPRO_ZT), OPRO_OK);
        for (size_t i = 0; i < 6; i++) {
            char text[32];

            snprintf(text, sizeof text, "question %zu", i);
            calls[i] = ask(&w, text, 2, 1);
            submit(calls[i]);
        }
        run(&w);
        served = w.server->n;
        assert_int_equal(served > 0, !replaying);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(opro_call_outcome(calls[i], 0), OPRO_OUTCOME_WHOLE);
            if (!replaying) strcpy(live[i], opro_call_reply(calls[i], 1, NULL));
            assert_string_equal(opro_call_reply(calls[i], 1, NULL), live[i]);
            opro_call_free(calls[i]);
        }
        if (replaying) {
            opro_call *unknown = ask(&w, "question 7", 2, 1);

            submit(unknown);
            run(&w);
            assert_int_equal(opro_call_failure(unknown), OPRO_FAILURE_NOT_RECORDED);
            assert_int_equal(opro_error_status(opro_call_error(unknown)), OPRO_ERR_UNKNOWN);
            assert_true(has(opro_error_message(opro_call_error(unknown), NULL), "question"));
            opro_call_free(unknown);
        }
        end(&w);
    }
    {
        FILE *file = fopen(path, "r");
        char line[65536];

        while (fgets(line, sizeof line, file))
            assert_false(has(line, "canary"));
        fclose(file);
    }
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_replies_come_from_one_request),
        cmocka_unit_test(an_endpoint_that_ignores_n_is_asked_singly),
        cmocka_unit_test(an_endpoint_that_refuses_n_is_asked_singly),
        cmocka_unit_test(at_temperature_0_one_reply_is_copied),
        cmocka_unit_test(an_answer_that_lacks_replies_is_not_cached),
        cmocka_unit_test(what_is_busy_is_asked_again),
        cmocka_unit_test(a_refused_key_fails_all_that_waits_and_is_never_shown),
        cmocka_unit_test(a_key_that_is_quoted_is_not_recorded),
        cmocka_unit_test(headers_do_not_follow_to_another_address),
        cmocka_unit_test(the_key_function_is_asked_once_more),
        cmocka_unit_test(parameters_are_adapted_once_and_remembered),
        cmocka_unit_test(a_deadline_counts_waiting_too),
        cmocka_unit_test(callbacks_may_submit_and_free_calls_and_nothing_else),
        cmocka_unit_test(freeing_a_call_cancels_it),
        cmocka_unit_test(the_client_may_be_given_up_before_its_calls),
        cmocka_unit_test(a_child_leaves_the_client_alone),
        cmocka_unit_test(no_more_are_in_flight_than_allowed),
        cmocka_unit_test(what_waits_is_counted),
        cmocka_unit_test(a_poll_without_patience_never_waits),
        cmocka_unit_test(all_three_ways_give_the_same),
        cmocka_unit_test(another_thread_ends_the_waiting),
        cmocka_unit_test(a_recording_is_played_back_without_a_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
