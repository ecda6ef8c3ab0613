/* SPDX-License-Identifier: MIT */
/*
 * A language model in a loop of the host's: epoll watches the client's sockets, and a run is asked
 * and told.
 *
 *     cc model_epoll.c $(pkg-config --cflags --libs libopro)
 *
 * model_epoll BASE_URL MODEL [STEPS]; a key is taken from the environment.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <opro/opro.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

typedef struct host {
    int epoll;
    int64_t due; /* when the client wants to be called, by the clock below; -1: it does not */
    opro_model *model;
    opro_optimizer *optimizer;
    opro_run *run;
} host;

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what the client asks of the loop -------------------------------------------------------- */

static int32_t watch(opro_model *model, int64_t fd, int32_t events, void *user_data) {
    const host *h = user_data;
    struct epoll_event wish = {.data.fd = (int)fd};

    (void)model;
    if (events & OPRO_POLL_IN) wish.events |= EPOLLIN;
    if (events & OPRO_POLL_OUT) wish.events |= EPOLLOUT;
    if (events == OPRO_POLL_NONE)
        epoll_ctl(h->epoll, EPOLL_CTL_DEL, (int)fd, NULL);
    else if (epoll_ctl(h->epoll, EPOLL_CTL_MOD, (int)fd, &wish) < 0 && errno == ENOENT)
        epoll_ctl(h->epoll, EPOLL_CTL_ADD, (int)fd, &wish);
    return OPRO_OK;
}

static int32_t set_timer(opro_model *model, int64_t timeout_ms, void *user_data) {
    host *h = user_data;

    (void)model;
    h->due = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    return OPRO_OK;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* The shorter of two waits, of which -1 is for ever. */
static int64_t shorter(int64_t a, int64_t b) {
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Wait once, for whatever comes first, and tell the client. */
static opro_status turn(host *h) {
    int64_t now = now_ms();
    int64_t due = h->due < 0 ? -1 : h->due > now ? h->due - now : 0;
    struct epoll_event event;
    int n = epoll_wait(h->epoll, &event, 1, (int)shorter(due, opro_run_timeout(h->run, now)));
    opro_status st = OPRO_OK;

    if (n == 1) {
        int32_t what = 0;

        if (event.events & EPOLLIN) what |= OPRO_POLL_IN;
        if (event.events & EPOLLOUT) what |= OPRO_POLL_OUT;
        if (event.events & (EPOLLERR | EPOLLHUP)) what |= OPRO_POLL_ERROR;
        st = opro_model_socket_action(h->model, event.data.fd, what);
    }
    if (st == OPRO_OK && h->due >= 0 && now_ms() >= h->due) {
        h->due = -1;
        st = opro_model_timer_action(h->model);
    }
    return st;
}

/* The distance to a place that the model does not know. */
static opro_status score(opro_run *run, const opro_request *request) {
    double x[2], value;
    size_t len;
    const char *text = opro_request_text(request, &len);
    opro_status st = opro_vector_parse(opro_run_problem(run), text, len, x, 2);

    if (st != OPRO_OK) return st;
    value = (x[0] - 17) * (x[0] - 17) + (x[1] + 4) * (x[1] + 4);
    printf("%s: %g\n", text, value);
    return opro_run_answer_scores(run, opro_request_id(request), &value, 1);
}

static opro_status loop(host *h) {
    opro_request *request;
    opro_status st;

    while ((st = opro_run_next(h->run, now_ms(), &request)) >= 0 && st != OPRO_DONE) {
        if (st == OPRO_WAIT)
            st = turn(h);
        else if (opro_request_kind(request) == OPRO_REQUEST_SCORE)
            st = score(h->run, request);
        else /* it answers the run from inside the client's functions */
            st = opro_optimizer_propose(h->optimizer, h->run, request);
        if (st < 0) break;
    }
    return st;
}

/* ---- the program ----------------------------------------------------------------------------- */

static opro_status set_up(host *h, opro_problem **problem, opro_config **config, char **argv) {
    const double lower[] = {-100, -100}, upper[] = {100, 100};
    opro_status st = opro_problem_new_vector(problem, 2, lower, upper, 1, NULL);

    if (st == OPRO_OK) st = opro_problem_add_initial(*problem, "0, 0", OPRO_ZT);
    if (st == OPRO_OK) st = opro_problem_add_initial(*problem, "30, -30", OPRO_ZT);
    if (st == OPRO_OK) st = opro_config_new(config, NULL);
    if (st == OPRO_OK)
        st = opro_config_set(*config, "steps", OPRO_ZT, argv[3] ? argv[3] : "5", OPRO_ZT);
    if (st == OPRO_OK) st = opro_run_new(&h->run, *problem, *config, NULL);
    if (st == OPRO_OK) st = opro_model_new(&h->model, *config, NULL);
    if (st == OPRO_OK) st = opro_model_set_from_env(h->model);
    if (st >= 0) st = opro_model_set_base_url(h->model, argv[1], OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_name(h->model, argv[2], OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_socket_fn(h->model, watch, h, NULL);
    if (st == OPRO_OK) st = opro_model_set_timer_fn(h->model, set_timer, h, NULL);
    if (st == OPRO_OK) st = opro_optimizer_new_model(&h->optimizer, h->model, NULL);
    return st;
}

int main(int argc, char **argv) {
    host h = {.epoll = epoll_create1(EPOLL_CLOEXEC), .due = -1};
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_status st = OPRO_ERR_INVALID;

    if (argc < 3) fprintf(stderr, "usage: model_epoll BASE_URL MODEL [STEPS]\n");
    if (argc >= 3 && h.epoll >= 0) st = set_up(&h, &problem, &config, argv);
    if (st == OPRO_OK) st = loop(&h);
    if (st == OPRO_DONE) {
        const opro_trajectory *all = opro_run_trajectory(h.run);

        printf("best of %d: %s; %d replies, %d rejected; stopped by %s\n",
               (int)opro_trajectory_scored(all),
               opro_trajectory_text(all, opro_trajectory_best(all), NULL),
               (int)opro_run_count(h.run, OPRO_COUNT_REPLIES),
               (int)opro_run_count(h.run, OPRO_COUNT_REJECTED),
               opro_stop_reason_name(opro_run_stop_reason(h.run)));
    }
    if (st < 0 && h.model)
        fprintf(stderr, "%s: %s\n", opro_status_name(st),
                opro_error_message(opro_model_error(h.model), NULL));
    opro_run_free(h.run);
    opro_optimizer_free(h.optimizer);
    opro_model_free(h.model);
    opro_config_free(config);
    opro_problem_free(problem);
    if (h.epoll >= 0) close(h.epoll);
    return st < 0;
}
