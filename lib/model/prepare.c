/* SPDX-License-Identifier: MIT */
/* What sending needs, made when it is: dialect, paths, headers, settings of the transport. */
#include <string.h>

#include "model.h"

void opro__model_free_paths(opro_model *model) {
    opro__free(&model->mem, model->path);
    opro__free(&model->mem, model->request_url);
    opro__free(&model->mem, model->recorded_path);
    model->path = model->request_url = model->recorded_path = NULL;
}

/* A base URL with the dialect's path and the query, if there is one. */
static char *make_url(opro_model *model, const char *base, const char *query, size_t *len) {
    opro__buf url;
    char *text = NULL;

    opro__buf_init(&url, &model->mem, 8 * OPRO__MODEL_TEXT);
    opro__buf_addz(&url, base);
    model->dialect->write_path(&url, model->name, model->name_len);
    if (query) {
        opro__buf_addc(&url, '?');
        opro__buf_addz(&url, query);
    }
    if (url.status == OPRO_OK) text = opro__buf_take(&url, len);
    opro__buf_free(&url);
    return text;
}

static opro_status make_paths(opro_model *model) {
    const char *recorded = model->replay ? model->replayed_base : model->url.text;
    size_t len;

    model->path = make_url(model, "", NULL, &model->path_len);
    model->request_url = make_url(model, model->url.text, model->url.query, &len);
    model->recorded_path = make_url(model, recorded, NULL, &model->recorded_path_len);
    if (model->path && model->request_url && model->recorded_path) return OPRO_OK;
    opro__model_free_paths(model);
    return OPRO_ERR_NOMEM;
}

static opro_status set_transport(opro_model *model) {
    const opro__options *options = &model->options;
    opro__transport_settings settings = {
        .connect_timeout_ms = OPRO__INT(options, MODEL_CONNECT_TIMEOUT_MS),
        .idle_timeout_ms = OPRO__INT(options, MODEL_IDLE_TIMEOUT_MS),
        .max_body = OPRO__SIZE(options, MODEL_MAX_BODY),
        .max_header = OPRO__SIZE(options, MODEL_MAX_HEADER),
        .max_header_lines = OPRO__SIZE(options, MODEL_MAX_HEADER_LINES),
        .http2 = OPRO__INT(options, MODEL_HTTP) == 2,
        .allow_http = OPRO__INT(options, MODEL_ALLOW_HTTP) != 0,
        .local = model->url.local,
        .request_id = model->dialect->request_id,
        .ca_file = model->ca_file,
        .ca_dir = model->ca_dir,
        .proxy = model->proxy,
    };
    opro_status st = opro__transport_set(model->transport, &settings, &model->err);

    if (st == OPRO_OK) model->settings_changed = 0;
    return st;
}

/* What the option says, the recording, or the host's name; in this order. */
static const opro__dialect *find_dialect(const opro_model *model) {
    int32_t id = (int32_t)OPRO__INT(&model->options, MODEL_DIALECT);

    if (id == OPRO_DIALECT_AUTO && model->replayed_dialect) {
        const opro__dialect *known = opro__dialect_find(id, &model->url);

        if (known->id != OPRO_DIALECT_OPENAI) return known; /* Azure's paths look like OpenAI's */
        id = model->replayed_dialect;
    }
    return opro__dialect_find(id, &model->url);
}

/* A parameter may have been set before it was known what is spoken. */
static opro_status check_members(const opro_model *model, opro__failure *failure) {
    const char *name = opro__model_written_twice(model);

    if (!name) return OPRO_OK;
    opro__failure_set(failure, OPRO_FAILURE_REFUSED, OPRO__RETRY_NO,
                      "the parameter %s is written by the client itself where %s is spoken; "
                      "remove it",
                      opro__quote(name, strlen(name)).text, model->dialect->name);
    return failure->err.status;
}

opro_status opro__model_prepare(opro_model *model, opro__failure *failure) {
    opro_status st = OPRO_OK;

    if (model->headers && model->profile && model->path && !model->settings_changed) return OPRO_OK;
    if (!model->dialect) model->dialect = find_dialect(model);
    st = check_members(model, failure);
    if (st != OPRO_OK) return st;
    if (!model->profile) model->profile = opro__profile_find(model);
    if (!model->profile) st = OPRO_ERR_NOMEM;
    if (st == OPRO_OK && !model->path) st = make_paths(model);
    if (st == OPRO_OK && model->settings_changed) st = set_transport(model);
    if (st == OPRO_OK && !model->headers) {
        st = opro__model_ask_key(model, 0);
        if (st != OPRO_OK && st != OPRO_ERR_NOMEM) {
            opro__failure_set(failure, OPRO_FAILURE_AUTH, OPRO__RETRY_NO,
                              "the key function failed: %s", opro_status_name(st));
            return failure->err.status;
        }
        if (st == OPRO_OK) st = opro__model_make_headers(model);
    }
    if (st == OPRO_OK) return st;
    if (st == OPRO_ERR_NOMEM)
        opro__failure_set(failure, OPRO_FAILURE_MEMORY, OPRO__RETRY_NO, "out of memory");
    else
        opro__failure_set(failure, OPRO_FAILURE_NET, OPRO__RETRY_NO, "%s", model->err.message);
    return failure->err.status;
}
