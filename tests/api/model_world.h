/* SPDX-License-Identifier: MIT */
/* A client with its server, its configuration and its log. */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include "mock.h"
#include "opro/opro.h"

typedef struct world {
    mock *server;
    opro_config *config;
    opro_model *model;
    char url[64];
    char log[65536];
} world;

static inline void hear(int32_t level, const char *domain, const char *message, size_t len,
                        void *user_data) {
    world *w = user_data;
    size_t have = strlen(w->log);

    (void)level;
    (void)domain;
    if (have + len + 2 < sizeof w->log) sprintf(w->log + have, "%s\n", message);
}

static inline void set(world *w, const char *name, const char *value) {
    assert_int_equal(opro_config_set(w->config, name, OPRO_ZT, value, OPRO_ZT), OPRO_OK);
}

/* Options as name, value, ..., NULL. */
static inline void begin(world *w, mock_handler handler, void *ctx, const char *const *options) {
    memset(w, 0, sizeof *w);
    w->server = malloc(sizeof *w->server);
    assert_int_equal(mock_start(w->server, handler, ctx, w->url), 0);
    assert_int_equal(opro_config_new(&w->config, NULL), OPRO_OK);
    opro_config_set_log(w->config, OPRO_LOG_INFO, hear, w, NULL);
    set(w, "model_backoff_ms", "1");
    for (; options && *options; options += 2)
        set(w, options[0], options[1]);
    assert_int_equal(opro_model_new(&w->model, w->config, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_base_url(w->model, w->url, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_name(w->model, "m", OPRO_ZT), OPRO_OK);
}

static inline void end(world *w) {
    opro_model_free(w->model);
    opro_config_free(w->config);
    mock_stop(w->server);
    free(w->server);
}

static inline opro_call *ask(world *w, const char *text, size_t samples, double temperature) {
    opro_call *call;

    assert_int_equal(opro_call_new(&call, w->model), OPRO_OK);
    assert_int_equal(opro_call_add_message(call, OPRO_ROLE_USER, text, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_call_set_samples(call, samples), OPRO_OK);
    assert_int_equal(opro_call_set_temperature(call, temperature), OPRO_OK);
    assert_int_equal(opro_call_set_seed(call, 100), OPRO_OK);
    return call;
}

static inline void submit(opro_call *call) {
    assert_int_equal(opro_call_submit(call, NULL, NULL, NULL), OPRO_OK);
}

static inline void run(world *w) {
    while (opro_model_poll(w->model, 5000) != OPRO_DONE)
        continue;
}

static inline int has(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

/* How many replies a request asks for. */
static inline size_t asked_for(const char *body) {
    const char *n = strstr(body, "\"n\":");

    return n ? (size_t)atol(n + 4) : 1;
}

#endif
