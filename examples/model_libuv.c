/* SPDX-License-Identifier: MIT */
/*
 * A language model in libuv's loop: questions go out at once, answers are printed as they come.
 *
 *     cc model_libuv.c $(pkg-config --cflags --libs libopro libuv)
 *
 * model_libuv BASE_URL MODEL QUESTION...; a key is taken from the environment.
 */
#define _POSIX_C_SOURCE 200809L /* for uv.h */

#include <opro/opro.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/* A socket that the client wants to be watched. */
typedef struct socket_watch {
    struct socket_watch *next;
    uv_poll_t poll;
    opro_model *model;
    int64_t fd;
} socket_watch;

typedef struct host {
    uv_loop_t loop;
    uv_timer_t timer;
    socket_watch *sockets;
    opro_model *model;
    int open; /* questions */
    int failed;
} host;

typedef struct question {
    host *host;
    const char *text;
} question;

/* ---- what the client asks of the loop -------------------------------------------------------- */

static void on_socket(uv_poll_t *poll, int status, int events) {
    const socket_watch *s = poll->data;
    int32_t what = status < 0 ? OPRO_POLL_ERROR : 0;

    if (events & UV_READABLE) what |= OPRO_POLL_IN;
    if (events & UV_WRITABLE) what |= OPRO_POLL_OUT;
    opro_model_socket_action(s->model, s->fd, what); /* s may be gone after this */
}

static void on_timer(uv_timer_t *timer) {
    opro_model_timer_action(timer->data);
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

static socket_watch *new_watch(host *h, int64_t fd) {
    socket_watch *s = calloc(1, sizeof *s);

    if (!s) return NULL;
    if (uv_poll_init(&h->loop, &s->poll, (int)fd) < 0) {
        free(s);
        return NULL;
    }
    s->model = h->model;
    s->fd = fd;
    s->poll.data = s;
    s->next = h->sockets;
    h->sockets = s;
    return s;
}

static int32_t watch(opro_model *model, int64_t fd, int32_t events, void *user_data) {
    host *h = user_data;
    socket_watch **at = &h->sockets;
    socket_watch *s;

    (void)model;
    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    s = *at;
    if (events == OPRO_POLL_NONE) {
        if (!s) return OPRO_OK;
        *at = s->next;
        uv_close((uv_handle_t *)&s->poll, on_closed);
        return OPRO_OK;
    }
    if (!s) s = new_watch(h, fd);
    if (!s) return OPRO_ERR_NOMEM;
    uv_poll_start(&s->poll,
                  (events & OPRO_POLL_IN ? UV_READABLE : 0) |
                      (events & OPRO_POLL_OUT ? UV_WRITABLE : 0),
                  on_socket);
    return OPRO_OK;
}

static int32_t set_timer(opro_model *model, int64_t timeout_ms, void *user_data) {
    host *h = user_data;

    (void)model;
    if (timeout_ms < 0) {
        uv_timer_stop(&h->timer);
        return OPRO_OK;
    }
    uv_update_time(&h->loop); /* the loop's idea of now may be old */
    uv_timer_start(&h->timer, on_timer, (uint64_t)timeout_ms, 0);
    return OPRO_OK;
}

/* ---- questions and answers ------------------------------------------------------------------- */

static int32_t on_answer(opro_call *call, int32_t event, size_t index, void *user_data) {
    question *q = user_data;
    host *h = q->host;

    if (event == OPRO_CALL_DONE) {
        opro_call_free(call);
        if (--h->open == 0) uv_stop(&h->loop);
    } else if (opro_call_outcome(call, index) == OPRO_OUTCOME_FAILED) {
        printf("%s\n  failed: %s\n", q->text, opro_error_message(opro_call_error(call), NULL));
        h->failed = 1;
    } else {
        printf("%s\n  %s\n", q->text, opro_call_reply(call, index, NULL));
    }
    return OPRO_OK;
}

static opro_status ask(question *q) {
    opro_call *call = NULL;
    opro_status st = opro_call_new(&call, q->host->model);

    if (st == OPRO_OK) st = opro_call_add_message(call, OPRO_ROLE_USER, q->text, OPRO_ZT);
    if (st == OPRO_OK) st = opro_call_set_max_tokens(call, 100);
    if (st == OPRO_OK) st = opro_call_submit(call, on_answer, q, NULL);
    if (st == OPRO_OK)
        q->host->open++;
    else
        opro_call_free(call);
    return st;
}

static opro_status set_up(host *h, char **argv) {
    opro_status st = opro_model_new(&h->model, NULL, NULL);

    if (st != OPRO_OK) return st;
    h->timer.data = h->model;
    st = opro_model_set_from_env(h->model);
    if (st >= 0) st = opro_model_set_base_url(h->model, argv[1], OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_name(h->model, argv[2], OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_socket_fn(h->model, watch, h, NULL);
    if (st == OPRO_OK) st = opro_model_set_timer_fn(h->model, set_timer, h, NULL);
    return st;
}

int main(int argc, char **argv) {
    host h = {.open = 0};
    question *questions = argc > 3 ? calloc((size_t)argc - 3, sizeof *questions) : NULL;
    opro_status st;

    if (!questions || uv_loop_init(&h.loop) < 0 || uv_timer_init(&h.loop, &h.timer) < 0) {
        fprintf(stderr, "usage: model_libuv BASE_URL MODEL QUESTION...\n");
        return 2;
    }
    st = set_up(&h, argv);
    for (int i = 3; i < argc && st == OPRO_OK; i++) {
        questions[i - 3] = (question){&h, argv[i]};
        st = ask(&questions[i - 3]);
    }
    if (st == OPRO_OK) uv_run(&h.loop, UV_RUN_DEFAULT);
    if (st < 0)
        fprintf(stderr, "%s: %s\n", opro_status_name(st),
                h.model ? opro_error_message(opro_model_error(h.model), NULL) : "no model client");
    opro_model_free(h.model); /* takes back what it watches, and the loop forgets it: */
    uv_close((uv_handle_t *)&h.timer, NULL);
    uv_run(&h.loop, UV_RUN_DEFAULT);
    uv_loop_close(&h.loop);
    free(questions);
    return st < 0 || h.failed;
}
