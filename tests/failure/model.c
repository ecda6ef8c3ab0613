/* SPDX-License-Identifier: MIT */
/* The client for language models: settings, calls, loops, recordings, caches, proposals. */
#define _GNU_SOURCE
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

/* ---- settings -------------------------------------------------------------------------------- */

static int32_t key(opro_model *model, opro_sink *sink, void *user_data) {
    (void)model, (void)user_data;
    return opro_sink_text(sink, "key of the day", OPRO_ZT);
}

static void settings(void) {
    opro_model *m = make_client("");
    const opro_error *error = opro_model_error(m);

    TRY(error, opro_model_set_key(m, "secret-key", OPRO_ZT));
    TRY(error, opro_model_set_key_fn(m, key, lend(), returned));
    TRY(error, opro_model_set_key_fn(m, key, lend(), returned));
    for (int i = 0; i < 3; i++)
        TRY(error, opro_model_set_header(m, "X-Team", OPRO_ZT, i % 2 ? NULL : "red", OPRO_ZT));
    TRY(error, opro_model_set_header(m, "X-Other", OPRO_ZT, "blue", OPRO_ZT));
    TRY(error, opro_model_set_parameter(m, "top_k", OPRO_ZT, "40", OPRO_ZT));
    TRY(error, opro_model_set_parameter(m, "top_k", OPRO_ZT, "{\"a\":[1,2]}", OPRO_ZT));
    TRY_REFUSED(OPRO_ERR_PARSE, error, opro_model_set_parameter(m, "top_k", OPRO_ZT, "{", OPRO_ZT));
    TRY(error, opro_model_set_ca_file(m, "/nowhere/ca.pem", OPRO_ZT));
    TRY(error, opro_model_set_ca_dir(m, "/nowhere/ca", OPRO_ZT));
    TRY(error, opro_model_set_proxy(m, "socks5h://127.0.0.1:1080", OPRO_ZT));
    TRY(error, opro_model_set_proxy(m, "", OPRO_ZT));
    TRY(error, opro_model_set_base_url(m, "https://api.example.org:8443/v1/", OPRO_ZT));
    TRY_REFUSED(OPRO_ERR_INVALID, error, opro_model_set_base_url(m, "ftp://x", OPRO_ZT));
    CHECK(opro_model_figure(m, OPRO_MODEL_MEMORY) > 0);
}

static void environment(void) {
    opro_model *m = make_client("");

    setenv("OPENAI_API_KEY", "from the environment", 1);
    setenv("OPENAI_ORG_ID", "org-1", 1);
    setenv("OPENAI_BASE_URL", "https://api.example.org/v1", 1);
    setenv("HTTPS_PROXY", "http://127.0.0.1:3128", 1);
    TRY(opro_model_error(m), opro_model_set_from_env(m));
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void calls(void) {
    opro_model *m = make_client("");

    TRY(opro_model_error(m), opro_model_set_key_fn(m, key, lend(), returned));
    TRY(opro_model_error(m), opro_model_set_header(m, "X-Team", OPRO_ZT, "red", OPRO_ZT));
    TRY(opro_model_error(m), opro_model_set_parameter(m, "top_k", OPRO_ZT, "40", OPRO_ZT));
    ask(m, "hello", 2, 1);
    ask(m, "in the old style", 1, 0); /* sent anew with another parameter */
    ask(m, "in the old style", 1, 0); /* from the cache */
}

static int32_t hear(opro_call *call, int32_t event, size_t index, void *user_data) {
    (void)user_data;
    CHECK(event == OPRO_CALL_DONE || opro_call_outcome(call, index) != OPRO_OUTCOME_NONE);
    return OPRO_OK;
}

/* Several at a time; one is refused, one is cancelled. */
static void at_once(void) {
    opro_model *m = make_client("model_cache_bytes=0 model_samples=singly");
    const opro_error *error = opro_model_error(m);
    uint64_t mark = noted();

    for (int whole = 0; !whole;) {
        opro_call *good = make_call(m, "good", 3, NAN), *bad = make_call(m, "please fail", 1, 1);
        opro_call *gone = make_call(m, "gone", 2, 1);

        TRY(error, opro_call_set_seed(good, 7));
        TRY(error, opro_call_add_stop(good, "</x>", OPRO_ZT));
        TRY(error, opro_call_set_deadline(good, 100000));
        TRY(error, opro_call_submit(good, hear, lend(), returned));
        TRY(error, opro_call_submit(bad, hear, lend(), returned));
        TRY(error, opro_call_submit(gone, hear, lend(), returned));
        drop(gone);
        TRY(error, opro_model_wakeup(m));
        wait_for(m, good);
        wait_for(m, bad);
        CHECK(opro_call_outcome(bad, 0) == OPRO_OUTCOME_FAILED);
        whole = call_is_whole(good, 3);
        if (opro_call_failure(bad) != OPRO_FAILURE_REFUSED) {
            check_failed(bad);
            whole = 0;
        }
        if (!whole) died(mark);
        drop(good);
        drop(bad);
    }
}

static void speak(const char *settings_, const char *path) {
    opro_model *m = make_client(settings_);
    char url[100];

    snprintf(url, sizeof url, "%s%s", server_url(), path);
    TRY(opro_model_error(m), opro_model_set_base_url(m, url, OPRO_ZT));
    TRY(opro_model_error(m), opro_model_set_key(m, "secret-key", OPRO_ZT));
    ask(m, "hello", 1, 1);
}

static void dialects(void) {
    speak("model_dialect=completions", "/v1");
    speak("model_dialect=responses", "/v1");
    speak("model_dialect=anthropic", "/v1");
    speak("model_dialect=gemini", "/v1beta");
    speak("model_dialect=azure", "/openai/deployments/m?api-version=2024-10-21");
}

/* ---- loops of the host's --------------------------------------------------------------------- */

static struct wishes {
    struct pollfd fds[8];
    size_t n;
    int64_t timeout;
} wishes;

static int32_t watch(opro_model *model, int64_t fd, int32_t events, void *user_data) {
    size_t i = 0;

    (void)model, (void)user_data;
    while (i < wishes.n && wishes.fds[i].fd != (int)fd)
        i++;
    CHECK(i < sizeof wishes.fds / sizeof *wishes.fds);
    wishes.fds[i].fd = (int)fd;
    wishes.fds[i].events =
        (short)((events & OPRO_POLL_IN ? POLLIN : 0) | (events & OPRO_POLL_OUT ? POLLOUT : 0));
    if (i == wishes.n) wishes.n++;
    if (!events) wishes.fds[i] = wishes.fds[--wishes.n];
    return OPRO_OK;
}

static int32_t set_timer(opro_model *model, int64_t timeout_ms, void *user_data) {
    (void)model, (void)user_data;
    wishes.timeout = timeout_ms;
    return OPRO_OK;
}

static void turn(opro_model *m) {
    int ready = poll(wishes.fds, (nfds_t)wishes.n, (int)wishes.timeout);

    if (ready <= 0) {
        wishes.timeout = -1;
        CHECK(opro_model_timer_action(m) >= OPRO_ERR_NOMEM);
        return;
    }
    for (size_t i = 0; i < wishes.n; i++) {
        short events = wishes.fds[i].revents;
        int32_t what = (events & POLLIN ? OPRO_POLL_IN : 0) |
                       (events & POLLOUT ? OPRO_POLL_OUT : 0) |
                       (events & (POLLERR | POLLHUP) ? OPRO_POLL_ERROR : 0);

        if (!events) continue;
        CHECK(opro_model_socket_action(m, wishes.fds[i].fd, what) >= OPRO_ERR_NOMEM);
        return; /* the list is another one now */
    }
}

static void sockets_and_timer(void) {
    opro_model *m;
    uint64_t mark;

    wishes = (struct wishes){.timeout = -1};
    m = make_client("");
    TRY(opro_model_error(m), opro_model_set_socket_fn(m, watch, lend(), returned));
    TRY(opro_model_error(m), opro_model_set_timer_fn(m, set_timer, lend(), returned));
    mark = noted();
    for (int whole = 0; !whole;) {
        opro_call *call = make_call(m, "hello", 2, 1);

        TRY(opro_model_error(m), opro_call_submit(call, NULL, NULL, NULL));
        for (int turns = 0; !opro_call_done(call); turns++) {
            CHECK(turns < 1000);
            turn(m);
        }
        whole = call_is_whole(call, 2);
        if (!whole) died(mark);
        drop(call);
    }
}

static void one_descriptor(void) {
    opro_model *m = make_client("");
    uint64_t mark = noted();

    for (int whole = 0; !whole;) {
        opro_call *call = make_call(m, "hello", 1, 1);

        TRY(opro_model_error(m), opro_call_submit(call, NULL, NULL, NULL));
        for (int turns = 0; !opro_call_done(call); turns++) {
            struct pollfd fd = {(int)opro_model_fd(m), POLLIN, 0};

            CHECK(turns < 1000);
            poll(&fd, 1, (int)opro_model_timeout(m));
            CHECK(opro_model_poll(m, 0) >= OPRO_ERR_NOMEM);
        }
        whole = call_is_whole(call, 1);
        if (!whole) died(mark);
        drop(call);
    }
}

/* ---- what the network does ------------------------------------------------------------------- */

static void a_proxy(void) {
    opro_model *m = make_client("");

    TRY(opro_model_error(m), opro_model_set_proxy(m, server_url(), OPRO_ZT));
    ask(m, "hello", 1, 1);
}

/* Nobody is there: the call fails, whatever else does. */
static void nobody(void) {
    opro_model *m = make_client("model_attempts=2");
    opro_call *call;

    TRY(opro_model_error(m), opro_model_set_base_url(m, server_nowhere(), OPRO_ZT));
    call = make_call(m, "hello", 1, 1);
    TRY(opro_model_error(m), opro_call_submit(call, NULL, NULL, NULL));
    wait_for(m, call);
    CHECK(opro_call_outcome(call, 0) == OPRO_OUTCOME_FAILED);
    if (opro_call_failure(call) != OPRO_FAILURE_NET) check_failed(call);
}

/* A file of certificates that cannot be read, or has none; and at the other end no TLS. */
static void certificates(void) {
    char url[100];
    opro_model *m = make_client("model_attempts=1");
    opro_call *call;

    file_put("ca.pem", "nothing", 7);
    snprintf(url, sizeof url, "https%s/v1", server_url() + 4);
    TRY(opro_model_error(m), opro_model_set_base_url(m, url, OPRO_ZT));
    TRY(opro_model_error(m), opro_model_set_ca_file(m, file_path("ca.pem"), OPRO_ZT));
    call = make_call(m, "hello", 1, 1);
    TRY(opro_model_error(m), opro_call_submit(call, NULL, NULL, NULL));
    wait_for(m, call);
    CHECK(opro_call_outcome(call, 0) == OPRO_OUTCOME_FAILED);
    CHECK(opro_error_message(opro_call_error(call), NULL)[0]);
    CHECK(opro_call_failure(call) == OPRO_FAILURE_TLS ||
          (something_failed() && opro_call_failure(call) == OPRO_FAILURE_NET));
}

/* ---- recordings and caches ------------------------------------------------------------------- */

/*
 * A client whose file has failed is over; what was asked is asked by the next one. A recording is
 * begun anew then: it has the failure in it.
 */
static void with_file(opro_status (*set)(opro_model *, const char *, size_t), const char *name,
                      const char *settings_) {
    uint64_t mark = noted();

    for (int whole = 0; !whole;) {
        opro_model *m = make_client(settings_);

        TRY(opro_model_error(m), set(m, file_path(name), OPRO_ZT));
        whole =
            ask_once(m, "first", 1, 0) && ask_once(m, "second", 2, 1) && ask_once(m, "first", 1, 0);
        if (!whole) died(mark);
        drop(m);
        if (!whole && set == opro_model_record) file_remove(name);
    }
}

static void recordings(void) {
    with_file(opro_model_record, "recording", "model_cache_bytes=0");
    with_file(opro_model_replay, "recording", "model_cache_bytes=0");
}

static void caches(void) {
    with_file(opro_model_set_cache_file, "cache", "");
    with_file(opro_model_set_cache_file, "cache", "");
}

/* ---- proposals ------------------------------------------------------------------------------- */

static int32_t score(opro_run *run, opro_request *request, void *user_data) {
    double scores[8];
    size_t n, len;
    const char *text = opro_request_text(request, &len);

    (void)user_data;
    opro_request_instances(request, &n);
    for (size_t i = 0; i < n && i < 8; i++)
        scores[i] = score_of(text, len);
    return opro_run_answer_scores(run, opro_request_id(request), scores, n);
}

static void of_a_driver(void) {
    opro_config *config = make_config("steps=2 samples_per_step=4");
    opro_problem *p = make_text_problem();
    opro_model *m = make_client("");
    opro_optimizer *optimizer;
    opro_scorer *scorer;

    MAKE(optimizer, optimizer, NULL, opro_optimizer_new_model(&optimizer, m, &scarce));
    MAKE(scorer, scorer, NULL, opro_scorer_new(&scorer, score, NULL, NULL, &scarce));
    drop(m);
    unharmed_drive(p, config, optimizer, scorer, NULL);
}

/* The proposals of one request, by a call of the host's. */
static void of_a_request(void) {
    opro_problem *p = make_text_problem();
    opro_config *config = make_config("steps=1 samples_per_step=3");
    opro_model *m = make_client("");
    uint64_t mark = noted();

    for (int whole = 0; !whole;) {
        opro_request *request, *kept;
        opro_status st;
        opro_run *run;
        opro_call *call;

        MAKE(run, run, opro_problem_error(p), opro_run_new(&run, p, config, &scarce));
        while ((st = opro_run_next(run, 0, &request)) == OPRO_OK &&
               opro_request_kind(request) == OPRO_REQUEST_SCORE)
            if ((st = answer_some(run, request)) != OPRO_OK) break;
        if (st != OPRO_OK) {
            check_dead(run, st);
        } else {
            MAKE(request, kept, NULL, opro_request_clone(&kept, request, &scarce));
            drop(run);
            MAKE(call, call, opro_model_error(m), opro_call_new_propose(&call, m, kept));
            drop(kept);
            TRY(opro_model_error(m), opro_call_submit(call, NULL, NULL, NULL));
            wait_for(m, call);
            whole = call_is_whole(call, 3);
            drop(call);
        }
        if (!whole) died(mark);
    }
}

const scenario model_scenarios[] = {
    {"settings of a client", NETWORK, settings},
    {"a client from the environment", NETWORK, environment},
    {"calls", NETWORK | CALLS, calls},
    {"calls at once", NETWORK | CALLS, at_once},
    {"dialects", NETWORK, dialects},
    {"sockets and a timer", NETWORK | CALLS, sockets_and_timer},
    {"one descriptor", NETWORK | CALLS, one_descriptor},
    {"a proxy", NETWORK | CALLS, a_proxy},
    {"nobody there", NETWORK | CALLS, nobody},
    {"certificates", SERVER | CALLS, certificates},
    {"recordings", NETWORK | CALLS, recordings},
    {"caches", NETWORK | CALLS, caches},
    {"proposals of a model", NETWORK | CALLS, of_a_driver},
    {"proposals of a request", NETWORK, of_a_request},
    {NULL, 0, NULL},
};
