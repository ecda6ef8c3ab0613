/* SPDX-License-Identifier: MIT */
/*
 * The model client's rows of the table of calls (lib/core/calls.def): each function is called
 * inside each kind of callback, and says OPRO_ERR_REENTRANT exactly where the table does not allow
 * it. The call that was under way gets its reply all the same.
 */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../api/mock.h"
#include "core/guard.h"
#include "opro/opro.h"

enum { CALL, KEY, SOCKET, TIMER, KINDS };

typedef struct world {
    mock server;
    char url[64];
    opro_model *model;
    opro_call *call;  /* under way */
    opro_call *other; /* made before, not submitted */
    opro_request *request;
    int row, where;
    int done;
    opro_status said;
    int loop_fds[1024];
    long long timer;
} world;

/* ---- the rows -------------------------------------------------------------------------------- */

#define ROW(name, expression)                                                                      \
    static opro_status row_##name(world *w) {                                                      \
        return (expression);                                                                       \
    }

static opro_status freed_model(world *w) {
    opro_model_free(w->model);
    return OPRO_OK;
}

static opro_status freed_call(world *w) {
    opro_call *call = w->other;

    opro_call_free(call);
    if (w->where == CALL) w->other = NULL;
    return OPRO_OK;
}

static opro_status made(world *w, int propose) {
    opro_call *call = NULL;
    opro_status st = propose ? opro_call_new_propose(&call, w->model, w->request)
                             : opro_call_new(&call, w->model);

    opro_call_free(call);
    return st;
}

ROW(opro_model_free, freed_model(w))
ROW(opro_model_set_base_url, opro_model_set_base_url(w->model, w->url, OPRO_ZT))
ROW(opro_model_set_name, opro_model_set_name(w->model, "n", OPRO_ZT))
ROW(opro_model_set_key, opro_model_set_key(w->model, "k", OPRO_ZT))
ROW(opro_model_set_key_fn, opro_model_set_key_fn(w->model, NULL, NULL, NULL))
ROW(opro_model_set_header, opro_model_set_header(w->model, "X-A", OPRO_ZT, "b", OPRO_ZT))
ROW(opro_model_set_parameter, opro_model_set_parameter(w->model, "top_k", OPRO_ZT, "1", OPRO_ZT))
ROW(opro_model_set_ca_file, opro_model_set_ca_file(w->model, "x", OPRO_ZT))
ROW(opro_model_set_ca_dir, opro_model_set_ca_dir(w->model, "x", OPRO_ZT))
ROW(opro_model_set_proxy, opro_model_set_proxy(w->model, "", OPRO_ZT))
ROW(opro_model_set_from_env, opro_model_set_from_env(w->model))
ROW(opro_model_record, opro_model_record(w->model, "/nowhere/x", OPRO_ZT))
ROW(opro_model_replay, opro_model_replay(w->model, "/nowhere/x", OPRO_ZT))
ROW(opro_model_set_cache_file, opro_model_set_cache_file(w->model, "/nowhere/x", OPRO_ZT))
ROW(opro_model_set_socket_fn, opro_model_set_socket_fn(w->model, NULL, NULL, NULL))
ROW(opro_model_set_timer_fn, opro_model_set_timer_fn(w->model, NULL, NULL, NULL))
ROW(opro_model_poll, opro_model_poll(w->model, 0))
ROW(opro_model_socket_action, opro_model_socket_action(w->model, 0, OPRO_POLL_IN))
ROW(opro_model_timer_action, opro_model_timer_action(w->model))
ROW(opro_model_wakeup, opro_model_wakeup(w->model))
ROW(opro_call_new, made(w, 0))
ROW(opro_call_new_propose, made(w, 1))
ROW(opro_call_free, freed_call(w))
ROW(opro_call_add_message, opro_call_add_message(w->other, OPRO_ROLE_USER, "x", 1))
ROW(opro_call_set_samples, opro_call_set_samples(w->other, 1))
ROW(opro_call_set_temperature, opro_call_set_temperature(w->other, 1))
ROW(opro_call_set_max_tokens, opro_call_set_max_tokens(w->other, 1))
ROW(opro_call_set_seed, opro_call_set_seed(w->other, 1))
ROW(opro_call_add_stop, opro_call_add_stop(w->other, "x", 1))
ROW(opro_call_set_deadline, opro_call_set_deadline(w->other, 1000))
ROW(opro_call_submit, opro_call_submit(w->other, NULL, NULL, NULL))

static const struct {
    const char *name;
    int allowed;
    opro_status (*call)(world *w);
} rows[] = {
#define OPRO_CALL(name, allowed)
#define OPRO_MODEL_CALL(name, allowed) {#name, allowed, row_##name},
#include "core/calls.def"
#undef OPRO_CALL
};

#define ROWS ((int)(sizeof rows / sizeof *rows))

static int is_free(int row) {
    return strcmp(rows[row].name + strlen(rows[row].name) - 5, "_free") == 0;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static void strike(world *w, int where) {
    if (w->done || w->where != where || w->row < 0) return;
    w->done = 1;
    w->said = rows[w->row].call(w);
}

static int32_t hear(opro_call *call, int32_t event, size_t index, void *user_data) {
    (void)call, (void)event, (void)index;
    strike(user_data, CALL);
    return OPRO_OK;
}

static int32_t key(opro_model *model, opro_sink *sink, void *user_data) {
    (void)model;
    strike(user_data, KEY);
    return opro_sink_text(sink, "key", 3);
}

static int32_t watch(opro_model *model, int64_t fd, int32_t events, void *user_data) {
    (void)model;
    ((world *)user_data)->loop_fds[fd] = events;
    strike(user_data, SOCKET);
    return OPRO_OK;
}

static int32_t timer(opro_model *model, int64_t timeout_ms, void *user_data) {
    (void)model;
    ((world *)user_data)->timer = timeout_ms < 0 ? -1 : mock_ms() + timeout_ms;
    strike(user_data, TIMER);
    return OPRO_OK;
}

static void answer(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                   void *ctx) {
    (void)server, (void)n, (void)head, (void)body, (void)ctx;
    mock_choices(reply, 1, "reply");
}

/* ---- one row in one kind --------------------------------------------------------------------- */

/* Statuses that the outer calls said: OPRO_ERR_REENTRANT among them. */
static int turn(world *w) {
    struct pollfd fds[1024];
    nfds_t n = 0;
    int reentrant = 0;
    long long wait = w->timer < 0 ? 100 : w->timer - mock_ms();

    for (int fd = 0; fd < 1024; fd++)
        if (w->loop_fds[fd])
            fds[n++] = (struct pollfd){.fd = fd,
                                       .events = (short)((w->loop_fds[fd] & 1 ? POLLIN : 0) |
                                                         (w->loop_fds[fd] & 2 ? POLLOUT : 0))};
    poll(fds, n, wait < 0 ? 0 : (int)wait);
    for (nfds_t i = 0; i < n; i++) {
        int events = (fds[i].revents & POLLIN ? 1 : 0) | (fds[i].revents & POLLOUT ? 2 : 0) |
                     (fds[i].revents & (POLLERR | POLLHUP) ? 4 : 0);

        if (events && w->loop_fds[fds[i].fd])
            reentrant |=
                opro_model_socket_action(w->model, fds[i].fd, events) == OPRO_ERR_REENTRANT;
    }
    if (w->timer >= 0 && w->timer <= mock_ms()) {
        w->timer = -1;
        reentrant |= opro_model_timer_action(w->model) == OPRO_ERR_REENTRANT;
    }
    return reentrant;
}

static void make_call(world *w, opro_call **call) {
    assert_int_equal(opro_call_new(call, w->model), OPRO_OK);
    assert_int_equal(opro_call_add_message(*call, OPRO_ROLE_USER, "x", 1), OPRO_OK);
}

static int drive(world *w, int loop) {
    int reentrant = 0;

    while (!opro_call_done(w->call)) {
        if (loop)
            reentrant |= turn(w);
        else
            reentrant |= opro_model_poll(w->model, 5000) == OPRO_ERR_REENTRANT;
    }
    return reentrant;
}

static void one(world *w, int row, int where) {
    int loop = where == SOCKET || where == TIMER, reentrant;
    opro_status expected;

    w->row = -1;
    w->where = where;
    w->done = 0;
    w->timer = -1;
    memset(w->loop_fds, 0, sizeof w->loop_fds);
    assert_int_equal(opro_model_new(&w->model, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_base_url(w->model, w->url, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_name(w->model, "m", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_key_fn(w->model, key, w, NULL), OPRO_OK);
    make_call(w, &w->call);
    make_call(w, &w->other);
    if (loop) {
        assert_int_equal(opro_model_set_socket_fn(w->model, watch, w, NULL), OPRO_OK);
        assert_int_equal(opro_model_set_timer_fn(w->model, timer, w, NULL), OPRO_OK);
    }
    w->row = row;
    assert_int_equal(opro_call_submit(w->call, hear, w, NULL), OPRO_OK);
    reentrant = drive(w, loop);
    assert_true(w->done);
    w->row = -1;
    expected = rows[row].allowed == 2 || (rows[row].allowed == 1 && where == CALL)
                   ? OPRO_OK
                   : OPRO_ERR_REENTRANT;
    if (!is_free(row) && w->said != expected)
        fail_msg("%s in callback %d said %d", rows[row].name, where, (int)w->said);
    if (is_free(row) && reentrant != (expected != OPRO_OK) && where != TIMER)
        fail_msg("%s in callback %d: the outer call %s", rows[row].name, where,
                 reentrant ? "complained" : "did not complain");
    assert_string_equal(opro_call_reply(w->call, 0, NULL), "reply 0");
    opro_call_free(w->call);
    opro_call_free(w->other);
    opro_model_free(w->model);
}

static void every_row_in_every_callback(void **state) {
    world *w = *state;

    for (int where = 0; where < KINDS; where++)
        for (int row = 0; row < ROWS; row++)
            one(w, row, where);
}

static int begin(void **state) {
    world *w = calloc(1, sizeof *w);
    opro_problem *problem;
    opro_run *run;
    opro_request *request;

    *state = w;
    if (opro_problem_new(&problem, NULL) || opro_run_new(&run, problem, NULL, NULL)) return -1;
    while (opro_run_next(run, 0, &request) == OPRO_OK)
        if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE && !w->request)
            opro_request_clone(&w->request, request, NULL);
    opro_run_free(run);
    opro_problem_free(problem);
    return w->request && mock_start(&w->server, answer, NULL, w->url) == 0 ? 0 : -1;
}

static int end(void **state) {
    world *w = *state;

    mock_stop(&w->server);
    opro_request_free(w->request);
    free(w);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_row_in_every_callback, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
