/* SPDX-License-Identifier: MIT */
/* The optimizer "model" at work for runs and drivers, against a server that is told what to say. */
#define _GNU_SOURCE
#include "../unit/failing.h"
#include "host.h"
#include "mock.h"

/* ---- a server -------------------------------------------------------------------------------- */

/* What it says to a request. */
enum {
    IDEAS,     /* a candidate of its own for each choice                    */
    CUT_OFF,   /* the same, cut off by the limit of tokens                  */
    FILTERED,  /* the first choice is refused, the second cut off           */
    SILENT,    /* nothing                                                   */
    BROKEN,    /* status 400                                                */
    HALF,      /* ideas for requests of even number, 400 for others         */
    TALKATIVE, /* no candidate in it                                        */
    SLOW       /* ideas, after 3 ms                                         */
};

typedef struct world {
    mock *server;
    int how;
    char url[64];
    opro_config *config;
    opro_model *model;
    opro_optimizer *optimizer;
} world;

static size_t asked_for(const char *body) {
    const char *n = strstr(body, "\"n\":");

    return n ? (size_t)atol(n + 4) : 1;
}

static void put_choice(mock_reply *reply, size_t i, const char *text, const char *finish) {
    size_t at = strlen(reply->body);

    snprintf(reply->body + at, sizeof reply->body - at,
             "%s{\"index\":%zu,\"finish_reason\":\"%s\",\"message\":{\"role\":\"assistant\","
             "\"content\":\"%s\"}}",
             i ? "," : "", i, finish, text);
}

static void answer(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                   void *ctx) {
    const world *w = ctx;
    size_t choices = asked_for(body), at;

    (void)server, (void)head;
    if (w->how == SILENT) reply->delay_ms = 1000000;
    if (w->how == SLOW) reply->delay_ms = 3;
    if (w->how == BROKEN || (w->how == HALF && n % 2)) {
        reply->status = 400;
        strcpy(reply->body,
               "{\"error\":{\"message\":\"caf\\u00e9 is closed\",\"code\":\"closed\"}}");
        return;
    }
    strcpy(reply->body, "{\"id\":\"x\",\"choices\":[");
    for (size_t i = 0; i < choices; i++) {
        char text[64];
        const char *finish = w->how == CUT_OFF                  ? "length"
                             : w->how == FILTERED && i % 4 == 0 ? "content_filter"
                             : w->how == FILTERED && i % 4 == 1 ? "length"
                                                                : "stop";

        snprintf(text, sizeof text,
                 w->how == TALKATIVE ? "I think %zu %zu" : "<INS>idea %zu %zu</INS>", n, i);
        put_choice(reply, i, text, finish);
    }
    at = strlen(reply->body);
    snprintf(reply->body + at, sizeof reply->body - at,
             "],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":%zu,\"total_tokens\":%zu}}",
             7 * choices, 100 + 7 * choices);
}

/* ---- a world --------------------------------------------------------------------------------- */

static void begin(world *w, int how, const char *settings) {
    *w = (world){.how = how, .server = malloc(sizeof *w->server)};
    assert_int_equal(mock_start(w->server, answer, w, w->url), 0);
    w->config = config_of(settings);
    assert_int_equal(opro_model_new(&w->model, w->config, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_base_url(w->model, w->url, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_name(w->model, "m", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_optimizer_new_model(&w->optimizer, w->model, NULL), OPRO_OK);
}

static void end(world *w) {
    opro_optimizer_free(w->optimizer);
    opro_model_free(w->model);
    opro_config_free(w->config);
    mock_stop(w->server);
    free(w->server);
}

/* A driver with the model and a scorer that answers at once. */
static void drive(world *w, host *h, const char *settings) {
    host_make(h, text_problem(), settings);
    assert_int_equal(opro_driver_set_optimizer(h->driver, w->optimizer), OPRO_OK);
}

static int64_t figure(const world *w, int32_t which) {
    return opro_model_figure(w->model, which);
}

/* Nothing of the model's is under way. */
static void expect_idle(const world *w) {
    assert_int_equal(figure(w, OPRO_MODEL_WAITING), 0);
    assert_int_equal(figure(w, OPRO_MODEL_IN_FLIGHT), 0);
    assert_int_equal(opro_model_poll(w->model, 0), OPRO_DONE);
}

static int64_t count(const host *h, int32_t counter) {
    return opro_run_count(host_run(h), counter);
}

/* ---- to the end ------------------------------------------------------------------------------ */

static void a_driver_does_it_alone(void **state) {
    static const char *const ways[] = {"", "model_samples=singly", "model_most_samples=3"};
    world w;
    host h;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const opro_trajectory *t;

        begin(&w, IDEAS, ways[i]);
        drive(&w, &h, "steps=5 samples_per_step=6");
        assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
        host_expect_stop(&h, OPRO_STOP_STEPS);
        t = opro_driver_trajectory(h.driver);
        assert_int_equal(opro_trajectory_scored(t), 30);
        for (int64_t k = 0; k < 30; k++)
            assert_int_equal(opro_trajectory_origin(t, k), OPRO_ORIGIN_MODEL);
        assert_int_equal(count(&h, OPRO_COUNT_REPLIES), 30);
        assert_int_equal(count(&h, OPRO_COUNT_PROMPT_TOKENS), 100 * (int64_t)w.server->n);
        assert_int_equal(count(&h, OPRO_COUNT_REPLY_TOKENS), 7 * 30);
        assert_int_equal(figure(&w, OPRO_MODEL_PROMPT_TOKENS), 100 * (int64_t)w.server->n);
        expect_idle(&w);
        opro_driver_free(h.driver);
        end(&w);
    }
}

/* The same replies, given by hand: the same state, byte for byte. */
static void the_run_is_that_of_its_replies(void **state) {
    static const char settings[] = "steps=3 samples_per_step=4 samples_per_request=2";
    opro_run *run = run_of(text_problem(), settings);
    opro_request *request;
    world w;
    host h;
    size_t n = 0;

    (void)state;
    begin(&w, IDEAS, "model_max_in_flight=1 model_in_flight=1");
    drive(&w, &h, settings);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    while (opro_run_next(run, 0, &request) == OPRO_OK) {
        uint64_t id = opro_request_id(request);

        if (opro_request_kind(request) == OPRO_REQUEST_SCORE) {
            assert_int_equal(answer_any(run, request), OPRO_OK);
            continue;
        }
        opro_run_answer_usage(run, id, 100, 14, 0);
        for (size_t i = 0; i < 2; i++) {
            char reply[64];

            snprintf(reply, sizeof reply, "<INS>idea %zu %zu</INS>", n, i);
            opro_run_answer_reply(run, id, i, OPRO_ORIGIN_MODEL, reply, OPRO_ZT);
        }
        n++;
    }
    assert_true(opro_run_state_hash(run) == opro_run_state_hash(host_run(&h)));
    opro_run_free(run);
    opro_driver_free(h.driver);
    end(&w);
}

static void asked_and_told(void **state) {
    opro_run *run = run_of(text_problem(), "steps=4 samples_per_step=3");
    opro_request *request;
    opro_status st;
    world w;

    (void)state;
    begin(&w, SLOW, "");
    while ((st = opro_run_next(run, 0, &request)) != OPRO_DONE) {
        if (st == OPRO_WAIT)
            assert_true(opro_model_poll(w.model, -1) >= 0);
        else if (opro_request_kind(request) == OPRO_REQUEST_SCORE)
            assert_int_equal(answer_any(run, request), OPRO_OK);
        else
            assert_int_equal(opro_optimizer_propose(w.optimizer, run, request), OPRO_PENDING);
    }
    assert_int_equal(opro_trajectory_scored(opro_run_trajectory(run)), 12);
    opro_run_free(run);
    end(&w);
}

static void several_drivers_share_an_optimizer(void **state) {
    world w;
    host h[3];
    int going = 3;

    (void)state;
    begin(&w, SLOW, "model_max_in_flight=8");
    for (int i = 0; i < 3; i++)
        drive(&w, &h[i], "steps=4 samples_per_step=4 samples_per_request=1");
    while (going) {
        going = 0;
        for (int i = 0; i < 3; i++)
            going += opro_driver_poll(h[i].driver, 1) != OPRO_DONE;
    }
    for (int i = 0; i < 3; i++) {
        host_expect_stop(&h[i], OPRO_STOP_STEPS);
        assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h[i].driver)), 16);
        opro_driver_free(h[i].driver);
    }
    expect_idle(&w);
    end(&w);
}

/* ---- outcomes -------------------------------------------------------------------------------- */

static void every_reply_is_accounted_for(void **state) {
    world w;
    host h;

    (void)state;
    begin(&w, FILTERED, "");
    drive(&w, &h, "steps=1 samples_per_step=4 resample_limit=0");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    assert_non_null(strstr(h.ear.text, "rejected 0.0 refused: "));
    assert_non_null(strstr(h.ear.text, "rejected 0.1 truncated: <INS>idea 0 1</INS>"));
    assert_non_null(strstr(h.ear.text, "accepted 0.2 idea 0 2"));
    assert_non_null(strstr(h.ear.text, "accepted 0.3 idea 0 3"));
    assert_int_equal(count(&h, OPRO_COUNT_REPLIES), 4);
    assert_int_equal(count(&h, OPRO_COUNT_REJECTED), 2);
    assert_int_equal(count(&h, OPRO_COUNT_FAILURES), 0);
    opro_driver_free(h.driver);
    end(&w);
    begin(&w, TALKATIVE, "");
    drive(&w, &h, "steps=1 samples_per_step=2 resample_limit=0");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    assert_non_null(strstr(h.ear.text, "rejected 0.1 no_candidate: I think 0 1"));
    opro_driver_free(h.driver);
    end(&w);
}

static void truncated_replies_count_if_they_may(void **state) {
    world w;
    host h;

    (void)state;
    begin(&w, CUT_OFF, "model_accept_truncated=1");
    drive(&w, &h, "steps=2 samples_per_step=3");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 6);
    opro_driver_free(h.driver);
    end(&w);
    begin(&w, CUT_OFF, "");
    drive(&w, &h, "steps=2 samples_per_step=3 resample_limit=1");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 0);
    assert_int_equal(count(&h, OPRO_COUNT_REJECTED), 2 * 2 * 3);
    opro_driver_free(h.driver);
    end(&w);
}

/* What came is used, what did not come has failed, with the endpoint's words. */
static void failures_have_their_message(void **state) {
    world w;
    host h;

    (void)state;
    begin(&w, BROKEN, "");
    drive(&w, &h, "samples_per_step=3 max_failures=4 resample_limit=0");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_FAILURES);
    assert_non_null(strstr(h.ear.text, "failed 0.0 no_reply: "));
    assert_non_null(strstr(h.ear.text, "caf\xc3\xa9 is closed"));
    assert_int_equal(count(&h, OPRO_COUNT_FAILURES), 4);
    opro_driver_free(h.driver);
    expect_idle(&w);
    end(&w);
    begin(&w, HALF, "model_max_in_flight=1 model_in_flight=1");
    drive(&w, &h, "steps=1 samples_per_step=4 samples_per_request=1 resample_limit=0");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 2);
    assert_int_equal(count(&h, OPRO_COUNT_FAILURES), 2);
    opro_driver_free(h.driver);
    end(&w);
}

static void an_endpoint_that_is_not_set_is_said(void **state) {
    opro_model *model;
    opro_optimizer *optimizer;
    host h;

    (void)state;
    assert_int_equal(opro_model_new(&model, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_optimizer_new_model(&optimizer, model, NULL), OPRO_OK);
    host_make(&h, text_problem(), "max_failures=1 resample_limit=0");
    assert_int_equal(opro_driver_set_optimizer(h.driver, optimizer), OPRO_OK);
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_FAILURES);
    assert_non_null(strstr(h.ear.text, "opro_model_set_base_url()"));
    opro_driver_free(h.driver);
    opro_optimizer_free(optimizer);
    opro_model_free(model);
    assert_int_equal(opro_optimizer_new_model(NULL, NULL, NULL), OPRO_ERR_INVALID);
}

/* Money by the model's prices, within the run's budget. */
static void budgets_see_tokens_and_money(void **state) {
    world w;
    host h;

    (void)state;
    begin(&w, IDEAS, "model_prompt_price=2000000 model_reply_price=10000000");
    drive(&w, &h, "samples_per_step=2 max_cost=1000 prompt_price=1 reply_price=1");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_COST);
    assert_int_equal(count(&h, OPRO_COUNT_COST),
                     (int64_t)w.server->n * (100 * 2 + 14 * 10)); /* millionths */
    assert_int_equal(count(&h, OPRO_COUNT_COST), figure(&w, OPRO_MODEL_COST));
    opro_driver_free(h.driver);
    end(&w);
}

/* ---- cancelling ------------------------------------------------------------------------------ */

/* Ask, and let the requests go out. */
static void ask_all(world *w, opro_run *run) {
    opro_request *request;

    while (opro_run_next(run, 0, &request) == OPRO_OK)
        assert_int_equal(opro_optimizer_propose(w->optimizer, run, request), OPRO_PENDING);
    while (opro_model_poll(w->model, 0) == OPRO_OK)
        continue;
    assert_true(figure(w, OPRO_MODEL_IN_FLIGHT) > 0);
}

static void a_closed_request_ends_its_call(void **state) {
    static const char settings[] = "samples_per_step=3 samples_per_request=1 request_timeout_ms=10 "
                                   "resample_limit=0 steps=1";
    world w;
    opro_run *run;
    opro_request *request;

    (void)state;
    begin(&w, SILENT, "");
    run = run_of(text_problem(), settings); /* stopped */
    ask_all(&w, run);
    opro_run_stop(run);
    expect_idle(&w);
    opro_run_free(run);
    run = run_of(text_problem(), settings); /* out of time */
    ask_all(&w, run);
    assert_int_equal(opro_run_next(run, 10, &request), OPRO_DONE);
    expect_idle(&w);
    opro_run_free(run);
    run = run_of(text_problem(), settings); /* answered by another */
    ask_all(&w, run);
    for (uint64_t id = 1; id < 4; id++)
        tell_text(run, id, CANDIDATE("my own"));
    expect_idle(&w);
    opro_run_free(run);
    run = run_of(text_problem(), settings); /* gone */
    ask_all(&w, run);
    opro_run_free(run);
    expect_idle(&w);
    end(&w);
}

static void an_optimizer_that_goes_ends_its_calls(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_request=1");
    world w;

    (void)state;
    begin(&w, SILENT, "");
    ask_all(&w, run);
    opro_optimizer_free(w.optimizer);
    w.optimizer = NULL;
    expect_idle(&w);
    tell_text(run, 1, CANDIDATE("somebody else"));
    opro_run_free(run);
    end(&w);
}

static void time_limits_of_a_driver_are_kept(void **state) {
    world w;
    host h;

    (void)state;
    begin(&w, SILENT, "");
    drive(&w, &h, "samples_per_step=2 resample_limit=0 request_timeout_ms=4 max_failures=3");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_FAILURES);
    assert_non_null(strstr(h.ear.text, "no answer in time"));
    expect_idle(&w);
    opro_driver_free(h.driver);
    drive(&w, &h, "max_time_ms=4");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    host_expect_stop(&h, OPRO_STOP_TIME);
    expect_idle(&w);
    opro_driver_free(h.driver);
    end(&w);
}

/* Whatever an observer does, it does inside the callback of a call. */
typedef struct meddler {
    world *w;
    int what;
    int done;
} meddler;

enum { STOPS_IT, FREES_OPTIMIZER, FAILS_IT, MEDDLES };

static int32_t meddle(opro_run *run, const opro_event *event, void *user_data) {
    meddler *m = user_data;

    if (opro_event_kind(event) != OPRO_EVENT_REPLY || m->done++) return OPRO_OK;
    if (m->what == STOPS_IT) opro_run_stop(run);
    if (m->what == FREES_OPTIMIZER) {
        opro_optimizer_free(m->w->optimizer);
        m->w->optimizer = NULL;
    }
    return m->what == FAILS_IT ? OPRO_ERR_FAILED : OPRO_OK;
}

static void an_answer_may_be_the_end(void **state) {
    static const char *const ways[] = {"samples_per_request=1 samples_per_step=4",
                                       "samples_per_step=4"};
    world w;

    (void)state;
    for (int what = 0; what < MEDDLES; what++) {
        for (size_t i = 0; i < 2; i++) {
            meddler m = {&w, what, 0};
            opro_run *run = run_of(text_problem(), ways[i]);
            opro_request *request;

            begin(&w, IDEAS, "");
            opro_run_set_observer(run, meddle, &m, NULL);
            while (opro_run_next(run, 0, &request) == OPRO_OK)
                opro_optimizer_propose(w.optimizer, run, request);
            while (!m.done)
                assert_int_equal(opro_model_poll(w.model, -1), OPRO_OK);
            expect_idle(&w);
            assert_int_equal(opro_run_stop_reason(run), what == STOPS_IT   ? OPRO_STOP_HOST
                                                        : what == FAILS_IT ? OPRO_STOP_ERROR
                                                                           : OPRO_STOP_NONE);
            opro_run_free(run);
            end(&w);
        }
    }
}

/* ---- waiting --------------------------------------------------------------------------------- */

typedef struct poster {
    host *h;
    pthread_t thread;
} poster;

static void *post_scores(void *user_data) {
    host *h = ((poster *)user_data)->h;

    while (h->n_kept)
        host_post(h, &h->kept[--h->n_kept]);
    return NULL;
}

/* Scores from another thread, while the model waits for its server, or has nothing to do. */
static void posts_come_in_between(void **state) {
    static const char *const modes[] = {"steps=4 samples_per_step=4 samples_per_request=1",
                                        "steps=6 mode=steady steady_samples=2"};
    world w;
    host h;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        opro_status st;

        begin(&w, SLOW, "");
        drive(&w, &h, modes[i]);
        h.behaviour[1] = LATER;
        while ((st = opro_driver_poll(h.driver, h.n_kept ? 0 : -1)) != OPRO_DONE) {
            poster p = {.h = &h};

            assert_true(st >= 0);
            if (!h.n_kept) continue;
            pthread_create(&p.thread, NULL, post_scores, &p);
            assert_true(opro_driver_poll(h.driver, -1) >= 0);
            pthread_join(p.thread, NULL);
        }
        host_expect_stop(&h, OPRO_STOP_STEPS);
        assert_true(opro_trajectory_scored(opro_driver_trajectory(h.driver)) > 0);
        opro_driver_free(h.driver);
        end(&w);
    }
}

/* A descriptor that stays readable would keep a host's loop spinning. */
static void an_idle_model_is_quiet(void **state) {
    world w;
    host h;
    struct pollfd fd;

    (void)state;
    begin(&w, IDEAS, "");
    drive(&w, &h, "steps=3 samples_per_step=2");
    assert_int_equal(opro_driver_run(h.driver), OPRO_OK);
    opro_driver_free(h.driver);
    drive(&w, &h, "samples_per_step=1");
    h.behaviour[1] = LATER;
    while (!h.n_kept)
        opro_driver_poll(h.driver, -1);
    fd = (struct pollfd){.fd = (int)opro_model_fd(w.model), .events = POLLIN};
    opro_driver_wakeup(h.driver);
    assert_int_equal(poll(&fd, 1, -1), 1); /* posts and the like show there */
    while (opro_driver_poll(h.driver, 0) == OPRO_OK)
        continue;
    assert_int_equal(poll(&fd, 1, 5), 0);
    opro_model_wakeup(w.model);
    assert_int_equal(opro_model_poll(w.model, 0), OPRO_DONE);
    assert_int_equal(poll(&fd, 1, 5), 0);
    opro_driver_free(h.driver);
    end(&w);
}

/* A host with a loop of its own: the model's descriptor, and when the driver is due. */
static void a_loop_of_the_hosts_drives_it(void **state) {
    world w;
    host h;
    opro_status st;

    (void)state;
    begin(&w, SLOW, "");
    drive(&w, &h, "steps=5 samples_per_step=4 samples_per_request=2");
    while ((st = opro_driver_poll(h.driver, 0)) != OPRO_DONE) {
        struct pollfd fd = {.fd = (int)opro_model_fd(w.model), .events = POLLIN};

        assert_true(st >= 0);
        if (st == OPRO_WAIT) poll(&fd, 1, (int)opro_driver_timeout(h.driver));
    }
    host_expect_stop(&h, OPRO_STOP_STEPS);
    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 20);
    opro_driver_free(h.driver);
    end(&w);
}

/* ---- sockets that the host watches ----------------------------------------------------------- */

typedef struct watcher {
    world *w;
    struct pollfd fds[64];
    nfds_t n;
    long long due;   /* -1: no timer is set */
    opro_run *stops; /* as soon as there is a connection */
} watcher;

static int32_t watch(opro_model *model, int64_t fd, int32_t events, void *user_data) {
    watcher *l = user_data;
    nfds_t i = 0;

    (void)model;
    while (i < l->n && l->fds[i].fd != fd)
        i++;
    if (events == OPRO_POLL_NONE) {
        if (i < l->n) l->fds[i] = l->fds[--l->n];
        return OPRO_OK;
    }
    if (i == l->n) l->n++;
    l->fds[i] = (struct pollfd){.fd = (int)fd};
    if (events & OPRO_POLL_IN) l->fds[i].events |= POLLIN;
    if (events & OPRO_POLL_OUT) l->fds[i].events |= POLLOUT;
    if (l->stops && l->n > 1) {
        opro_run_stop(l->stops); /* its calls cannot end here, inside the client */
        l->stops = NULL;
    }
    return OPRO_OK;
}

static int32_t set_timer(opro_model *model, int64_t timeout_ms, void *user_data) {
    (void)model;
    ((watcher *)user_data)->due = timeout_ms < 0 ? -1 : mock_ms() + timeout_ms;
    return OPRO_OK;
}

static void turn(watcher *l) {
    int wait = l->due < 0 ? 100 : l->due > mock_ms() ? (int)(l->due - mock_ms()) : 0;

    poll(l->fds, l->n, wait);
    for (nfds_t i = 0; i < l->n; i++) {
        short happened = l->fds[i].revents;

        if (!happened) continue;
        l->fds[i].revents = 0;
        opro_model_socket_action(l->w->model, l->fds[i].fd,
                                 (happened & POLLIN ? OPRO_POLL_IN : 0) |
                                     (happened & POLLOUT ? OPRO_POLL_OUT : 0) |
                                     (happened & (POLLERR | POLLHUP) ? OPRO_POLL_ERROR : 0));
        break; /* the list may be another now */
    }
    if (l->due >= 0 && mock_ms() >= l->due) {
        l->due = -1;
        opro_model_timer_action(l->w->model);
    }
}

static void watch_sockets(world *w, watcher *l) {
    *l = (watcher){.w = w, .due = -1};
    assert_int_equal(opro_model_set_socket_fn(w->model, watch, l, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_timer_fn(w->model, set_timer, l, NULL), OPRO_OK);
}

/* The host drives the client, and the driver leaves it alone. */
static void a_host_may_watch_the_sockets(void **state) {
    world w;
    host h;
    watcher l;
    opro_status st;

    (void)state;
    begin(&w, SLOW, "");
    watch_sockets(&w, &l);
    drive(&w, &h, "steps=4 samples_per_step=4 samples_per_request=1");
    while ((st = opro_driver_poll(h.driver, 0)) != OPRO_DONE) {
        assert_true(st >= 0);
        if (st == OPRO_WAIT) turn(&l);
    }
    host_expect_stop(&h, OPRO_STOP_STEPS);
    assert_int_equal(opro_trajectory_scored(opro_driver_trajectory(h.driver)), 16);
    opro_driver_free(h.driver);
    end(&w);
    assert_int_equal(l.n, 0);
}

static void a_run_may_stop_inside_the_client(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=3 samples_per_request=1");
    opro_request *request;
    world w;
    watcher l;

    (void)state;
    begin(&w, IDEAS, "");
    watch_sockets(&w, &l);
    l.stops = run;
    while (opro_run_next(run, 0, &request) == OPRO_OK)
        assert_int_equal(opro_optimizer_propose(w.optimizer, run, request), OPRO_PENDING);
    while (l.stops)
        turn(&l);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_HOST);
    opro_run_free(run);
    while (figure(&w, OPRO_MODEL_WAITING) + figure(&w, OPRO_MODEL_IN_FLIGHT) > 0)
        turn(&l);
    end(&w);
}

/* ---- no memory ------------------------------------------------------------------------------- */

/* The n-th allocation fails, for every n: no crash, nothing lost, and the run ends or goes on. */
static void without_memory(void **state) {
    world w;
    failing f = {0};
    opro_allocator mem = failing_allocator(&f);
    int whole = 0;

    (void)state;
    begin(&w, IDEAS, "");
    for (long n = 0; !whole; n++) {
        opro_model *model = NULL;
        opro_optimizer *optimizer = NULL;
        opro_run *run = run_of(text_problem(), "steps=2 samples_per_step=3 samples_per_request=2 "
                                               "max_failures=3 resample_limit=0");
        opro_request *request;
        opro_status st;

        assert_true(n < 2000);
        f = (failing){.left = n};
        st = opro_model_new(&model, NULL, &mem);
        if (st == OPRO_OK) st = opro_model_set_base_url(model, w.url, OPRO_ZT);
        if (st == OPRO_OK) st = opro_model_set_name(model, "m", OPRO_ZT);
        if (st == OPRO_OK) st = opro_optimizer_new_model(&optimizer, model, &mem);
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        while (optimizer && (st = opro_run_next(run, 0, &request)) != OPRO_DONE) {
            assert_true(st >= 0);
            if (st == OPRO_WAIT)
                st = opro_model_poll(model, -1);
            else if (opro_request_kind(request) == OPRO_REQUEST_SCORE)
                st = answer_any(run, request);
            else
                st = opro_optimizer_propose(optimizer, run, request);
            assert_true(st >= 0 || st == OPRO_ERR_NOMEM);
        }
        whole = f.left > 0 && opro_run_stop_reason(run) == OPRO_STOP_STEPS;
        opro_run_free(run);
        opro_optimizer_free(optimizer);
        opro_model_free(model);
        if (f.live) fail_msg("%ld blocks after allocation %ld failed", f.live, n);
    }
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_driver_does_it_alone),
        cmocka_unit_test(the_run_is_that_of_its_replies),
        cmocka_unit_test(asked_and_told),
        cmocka_unit_test(several_drivers_share_an_optimizer),
        cmocka_unit_test(every_reply_is_accounted_for),
        cmocka_unit_test(truncated_replies_count_if_they_may),
        cmocka_unit_test(failures_have_their_message),
        cmocka_unit_test(an_endpoint_that_is_not_set_is_said),
        cmocka_unit_test(budgets_see_tokens_and_money),
        cmocka_unit_test(a_closed_request_ends_its_call),
        cmocka_unit_test(an_optimizer_that_goes_ends_its_calls),
        cmocka_unit_test(time_limits_of_a_driver_are_kept),
        cmocka_unit_test(an_answer_may_be_the_end),
        cmocka_unit_test(posts_come_in_between),
        cmocka_unit_test(an_idle_model_is_quiet),
        cmocka_unit_test(a_loop_of_the_hosts_drives_it),
        cmocka_unit_test(a_host_may_watch_the_sockets),
        cmocka_unit_test(a_run_may_stop_inside_the_client),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
