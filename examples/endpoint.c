/* SPDX-License-Identifier: MIT */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"

int endpoint_set_kind(endpoint *e, const char *value) {
    static const struct {
        const char *name;
        int kind;
    } files[] = {{"record:", ENDPOINT_RECORD}, {"replay:", ENDPOINT_REPLAY}};

    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(files[i].name);

        if (strncmp(value, files[i].name, len) != 0 || !value[len]) continue;
        e->kind = files[i].kind;
        e->file = value + len;
        return 1;
    }
    if (strcmp(value, "model") != 0) return 0;
    e->kind = ENDPOINT_MODEL;
    return 1;
}

int endpoint_set_concurrency(opro_config *config, const char *value) {
    static const char *const names[] = {"model_max_in_flight", "model_in_flight"};

    for (size_t i = 0; i < 2; i++)
        if (opro_config_set(config, names[i], OPRO_ZT, value, OPRO_ZT) != OPRO_OK) return 0;
    opro_config_set_int(config, OPRO_OPT_MODEL_ADAPTIVE, 0);
    return 1;
}

/* Where OPENAI_API_KEY is for, if nobody says otherwise. */
static int is_openai(const endpoint *e, const opro_config *config) {
    int64_t dialect = OPRO_DIALECT_AUTO;

    opro_config_get_int(config, OPRO_OPT_MODEL_DIALECT, &dialect);
    return !e->base_url && !getenv("OPENAI_BASE_URL") && getenv("OPENAI_API_KEY") &&
           (dialect == OPRO_DIALECT_AUTO || dialect == OPRO_DIALECT_OPENAI ||
            dialect == OPRO_DIALECT_RESPONSES);
}

/* A call that is never sent tells whether there is an endpoint, and a name. */
static int is_complete(opro_model *model) {
    opro_call *call = NULL;
    opro_status st = opro_call_new(&call, model);

    if (st == OPRO_OK) st = opro_call_add_message(call, OPRO_ROLE_USER, "hello", OPRO_ZT);
    if (st == OPRO_OK) st = opro_call_submit(call, NULL, NULL, NULL);
    opro_call_free(call);
    return st != OPRO_ERR_STATE;
}

/* The environment may have a base URL of its own; the one of the arguments counts. */
static opro_status set_address(endpoint *e, const opro_config *config) {
    opro_status st = OPRO_OK;

    if (!e->model_name && is_openai(e, config)) e->model_name = DEFAULT_MODEL;
    if (e->base_url) st = opro_model_set_base_url(e->model, e->base_url, OPRO_ZT);
    if (st == OPRO_OK && e->kind != ENDPOINT_REPLAY) st = opro_model_set_from_env(e->model);
    if (st >= 0 && e->base_url) st = opro_model_set_base_url(e->model, e->base_url, OPRO_ZT);
    if (st >= 0 && e->model_name) st = opro_model_set_name(e->model, e->model_name, OPRO_ZT);
    return st < 0 ? st : OPRO_OK;
}

static int make(const program *p, endpoint *e, const opro_config *config) {
    opro_status st = opro_model_new(&e->model, config, NULL);

    if (st == OPRO_ERR_UNSUPPORTED)
        return program_fail(p, "this build of the library has no model client: it was "
                               "configured without libcurl or jansson");
    if (program_check(p, st, NULL, "starting the model client")) return 1;
    st = set_address(e, config);
    return program_check(p, st, opro_model_error(e->model), "setting up the model");
}

int endpoint_open(const program *p, endpoint *e, const opro_config *config, int dry) {
    const char *prefix = e->prefix ? e->prefix : "";
    opro_status st = OPRO_OK;

    if (e->model) return 0;
    if (make(p, e, config)) return 1;
    if (dry) return 0; /* no recording is begun, and no endpoint is needed */
    if (e->kind == ENDPOINT_RECORD) st = opro_model_record(e->model, e->file, OPRO_ZT);
    if (e->kind == ENDPOINT_REPLAY) st = opro_model_replay(e->model, e->file, OPRO_ZT);
    if (program_check(p, st, opro_model_error(e->model), e->file)) return 1;
    if (is_complete(e->model)) return 0;
    if (e->base_url && !e->model_name)
        return program_fail(p, "which model of %s? Give --%smodel-name NAME", e->base_url, prefix);
    return program_fail(p,
                        "there is no endpoint of a model: give --%sbase-url URL and "
                        "--%smodel-name NAME, or set OPENAI_API_KEY in the environment",
                        prefix, prefix);
}

void endpoint_close(endpoint *e) {
    opro_model_free(e->model);
    e->model = NULL;
}
