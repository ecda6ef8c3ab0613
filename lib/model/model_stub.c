/* SPDX-License-Identifier: MIT */
/* The client in builds without it: the same functions, and no client ever. */
#include "base/err.h"
#include "engine.h"

/* What they are asked makes no difference. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static const opro_error no_error;

static const char *no_text(size_t *len) {
    if (len) *len = 0;
    return "";
}

opro_status opro_model_new(opro_model **out, const opro_config *config, const opro_allocator *mem) {
    return OPRO_ERR_UNSUPPORTED;
}

void opro_model_free(opro_model *model) {
}

const opro_error *opro_model_error(const opro_model *model) {
    return &no_error;
}

opro_status opro_model_set_base_url(opro_model *model, const char *url, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_name(opro_model *model, const char *name, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_key(opro_model *model, const char *key, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_key_fn(opro_model *model, opro_key_fn fn, void *user_data,
                                  opro_destroy_fn destroy) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_header(opro_model *model, const char *name, size_t name_len,
                                  const char *value, size_t value_len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_parameter(opro_model *model, const char *name, size_t name_len,
                                     const char *json, size_t json_len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_ca_file(opro_model *model, const char *path, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_ca_dir(opro_model *model, const char *path, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_proxy(opro_model *model, const char *url, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_from_env(opro_model *model) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_record(opro_model *model, const char *path, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_replay(opro_model *model, const char *path, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_cache_file(opro_model *model, const char *path, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_call_new(opro_call **out, opro_model *model) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_call_new_propose(opro_call **out, opro_model *model, const opro_request *request) {
    return OPRO_ERR_UNSUPPORTED;
}

void opro_call_free(opro_call *call) {
}

opro_status opro_call_add_message(opro_call *call, int32_t role, const char *text, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_call_set_samples(opro_call *call, size_t samples) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_call_set_temperature(opro_call *call, double temperature) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_call_set_max_tokens(opro_call *call, int64_t max_tokens) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_call_set_seed(opro_call *call, uint64_t seed) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_call_add_stop(opro_call *call, const char *text, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_call_set_deadline(opro_call *call, int64_t ms) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_call_submit(opro_call *call, opro_call_fn fn, void *user_data,
                             opro_destroy_fn destroy) {
    return OPRO_ERR_UNSUPPORTED;
}

int32_t opro_call_done(const opro_call *call) {
    return 0;
}

int32_t opro_call_outcome(const opro_call *call, size_t index) {
    return 0;
}

const char *opro_call_reply(const opro_call *call, size_t index, size_t *len) {
    return no_text(len);
}

const char *opro_call_reasoning(const opro_call *call, size_t index, size_t *len) {
    return no_text(len);
}

const char *opro_call_finish(const opro_call *call, size_t index) {
    return "";
}

const opro_error *opro_call_error(const opro_call *call) {
    return &no_error;
}

int32_t opro_call_failure(const opro_call *call) {
    return 0;
}

int64_t opro_call_figure(const opro_call *call, int32_t figure) {
    return 0;
}

opro_status opro_model_poll(opro_model *model, int32_t timeout_ms) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_wakeup(opro_model *model) {
    return OPRO_ERR_UNSUPPORTED;
}

int64_t opro_model_fd(const opro_model *model) {
    return -1;
}

int64_t opro_model_timeout(const opro_model *model) {
    return -1;
}

opro_status opro_model_set_socket_fn(opro_model *model, opro_socket_fn fn, void *user_data,
                                     opro_destroy_fn destroy) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_set_timer_fn(opro_model *model, opro_timer_fn fn, void *user_data,
                                    opro_destroy_fn destroy) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_socket_action(opro_model *model, int64_t fd, int32_t events) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_model_timer_action(opro_model *model) {
    return OPRO_ERR_UNSUPPORTED;
}

int64_t opro_model_figure(const opro_model *model, int32_t figure) {
    return 0;
}

opro_status opro_optimizer_new_model(opro_optimizer **out, opro_model *model,
                                     const opro_allocator *mem) {
    return OPRO_ERR_UNSUPPORTED;
}

/* ---- engine.h: nobody has a model to ask about ----------------------------------------------- */

opro_model *opro__model_share(opro_model *model) {
    return model;
}

void opro__model_release(opro_model *model) {
}

opro__engine opro__model_engine(opro_model *model) {
    return (opro__engine){.ctx = model};
}

opro_status opro__model_ready(const opro_model *model, opro_error *err) {
    return opro__fail(err, OPRO_ERR_UNSUPPORTED, "this build has no client");
}

int opro__model_busy(const opro_model *model) {
    return 0;
}

int opro__model_caches(const opro_model *model) {
    return 0;
}

void opro__model_prices(const opro_model *model, int64_t *prompt, int64_t *reply) {
    *prompt = *reply = 0;
}
