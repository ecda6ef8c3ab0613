/* SPDX-License-Identifier: MIT */
/* What a client is told: the endpoint, the way there, what is written down. */
#include <string.h>

#include "base/utf8.h"
#include "model.h"

/* ---- what the setters have in common --------------------------------------------------------- */

opro_status opro__model_no_memory(opro_model *model) {
    return opro__fail(&model->err, OPRO_ERR_NOMEM, "out of memory");
}

/* Settings that a request in flight depends on. */
opro_status opro__model_enter_idle(opro_model *model, int call) {
    opro_status st;

    if (!model) return OPRO_ERR_INVALID;
    st = opro__model_enter(model, call);
    if (st == OPRO_OK && model->n_calls)
        return opro__fail(&model->err, OPRO_ERR_STATE,
                          "%zu calls are under way; wait for them, or free them, before this is "
                          "changed",
                          model->n_calls);
    return st;
}

/* What follows from the endpoint is made anew when it is needed. */
void opro__model_endpoint_changed(opro_model *model) {
    opro__model_free_paths(model);
    model->profile = NULL;
    model->dialect = NULL;
    model->settings_changed = 1;
    opro__model_wipe_headers(model);
}

opro_status opro__model_check_text(opro_model *model, const char **s, size_t *len,
                                   const char *what) {
    if (!opro__arg(s, len) || !opro__utf8_valid(*s, *len))
        return opro__fail(&model->err, OPRO_ERR_INVALID, "%s is NULL, or not UTF-8 without NUL",
                          what);
    if (*len > OPRO__MODEL_TEXT)
        return opro__fail(&model->err, OPRO_ERR_INVALID, "%s of %zu bytes; at most %zu", what, *len,
                          OPRO__MODEL_TEXT);
    for (size_t i = 0; i < *len; i++)
        if ((unsigned char)(*s)[i] < 0x20 || (*s)[i] == 0x7f)
            return opro__fail(&model->err, OPRO_ERR_INVALID,
                              "%s has a control character at byte %zu", what, i);
    return OPRO_OK;
}

/* Replace a text of the model's; "" is none if it may be. */
opro_status opro__model_set_text(opro_model *model, char **to, const char *s, size_t len,
                                 int may_go) {
    char *copy = NULL;

    if (len || !may_go) {
        copy = opro__memdup(&model->mem, s, len);
        if (!copy) return opro__model_no_memory(model);
    }
    opro__free(&model->mem, *to);
    *to = copy;
    return OPRO_OK;
}

/* ---- the endpoint ---------------------------------------------------------------------------- */

opro_status opro_model_set_base_url(opro_model *model, const char *url, size_t len) {
    int azure, plain;
    opro__url parsed;
    opro_status st = opro__model_enter_idle(model, OPRO__CALL_opro_model_set_base_url);

    if (st != OPRO_OK) return st;
    if (!opro__arg(&url, &len))
        return opro__fail(&model->err, OPRO_ERR_INVALID, "the base URL is NULL");
    azure = OPRO__INT(&model->options, MODEL_DIALECT) == OPRO_DIALECT_AZURE ||
            OPRO__INT(&model->options, MODEL_DIALECT) == OPRO_DIALECT_AUTO;
    plain = OPRO__INT(&model->options, MODEL_ALLOW_HTTP) != 0;
    st = opro__url_parse(&parsed, &model->mem, &model->err, url, len, plain, azure);
    if (st != OPRO_OK) return st;
    if (model->url.text && !opro__url_same_origin(&model->url, &parsed)) {
        opro__model_forget_secrets(model);
        opro__pace_init(&model->pace, &model->options, opro__transport_now());
        model->broken.kind = OPRO_FAILURE_NONE;
    }
    opro__url_free(&model->url, &model->mem);
    model->url = parsed;
    model->replayed_dialect = 0;
    opro__model_endpoint_changed(model);
    return OPRO_OK;
}

opro_status opro_model_set_name(opro_model *model, const char *name, size_t len) {
    opro_status st = opro__model_enter_idle(model, OPRO__CALL_opro_model_set_name);

    if (st == OPRO_OK) st = opro__model_check_text(model, &name, &len, "the model's name");
    if (st == OPRO_OK && !len)
        st = opro__fail(&model->err, OPRO_ERR_INVALID, "the model's name is empty");
    if (st == OPRO_OK) st = opro__model_set_text(model, &model->name, name, len, 0);
    if (st != OPRO_OK) return st;
    model->name_len = len;
    opro__model_endpoint_changed(model);
    return OPRO_OK;
}

/* ---- the way there --------------------------------------------------------------------------- */

static opro_status set_way(opro_model *model, int call, char **to, const char *s, size_t len,
                           const char *what) {
    opro_status st = opro__model_enter_idle(model, call);

    if (st == OPRO_OK) st = opro__model_check_text(model, &s, &len, what);
    if (st == OPRO_OK) st = opro__model_set_text(model, to, s, len, 1);
    if (st == OPRO_OK) model->settings_changed = 1;
    return st;
}

opro_status opro_model_set_ca_file(opro_model *model, const char *path, size_t len) {
    return set_way(model, OPRO__CALL_opro_model_set_ca_file, model ? &model->ca_file : NULL, path,
                   len, "the path");
}

opro_status opro_model_set_ca_dir(opro_model *model, const char *path, size_t len) {
    return set_way(model, OPRO__CALL_opro_model_set_ca_dir, model ? &model->ca_dir : NULL, path,
                   len, "the path");
}

opro_status opro_model_set_proxy(opro_model *model, const char *url, size_t len) {
    return set_way(model, OPRO__CALL_opro_model_set_proxy, model ? &model->proxy : NULL, url, len,
                   "the proxy");
}

/* ---- recordings and the cache ---------------------------------------------------------------- */

static opro_status open_recording(opro_model *model, int call, opro__recording **to,
                                  const char *path, size_t len, int append) {
    opro__recording *recording = NULL;
    char *copy;
    opro_status st = opro__model_enter_idle(model, call);

    if (st == OPRO_OK) st = opro__model_check_text(model, &path, &len, "the path");
    if (st != OPRO_OK) return st;
    copy = opro__memdup(&model->mem, path, len);
    if (!copy) return opro__model_no_memory(model);
    st = opro__recording_open(&recording, &model->mem, &model->err, copy, append, !append);
    opro__free(&model->mem, copy);
    if (st == OPRO_OK && !append) st = opro__replay_endpoint(model, recording);
    if (st != OPRO_OK) {
        opro__recording_close(recording);
        return st;
    }
    if (!append) opro__model_endpoint_changed(model);
    opro__recording_close(*to);
    *to = recording;
    return OPRO_OK;
}

opro_status opro_model_record(opro_model *model, const char *path, size_t len) {
    return open_recording(model, OPRO__CALL_opro_model_record, model ? &model->recording : NULL,
                          path, len, 1);
}

opro_status opro_model_replay(opro_model *model, const char *path, size_t len) {
    return open_recording(model, OPRO__CALL_opro_model_replay, model ? &model->replay : NULL, path,
                          len, 0);
}

opro_status opro_model_set_cache_file(opro_model *model, const char *path, size_t len) {
    char *copy;
    opro_status st = opro__model_enter_idle(model, OPRO__CALL_opro_model_set_cache_file);

    if (st == OPRO_OK) st = opro__model_check_text(model, &path, &len, "the path");
    if (st != OPRO_OK) return st;
    if (!model->cache)
        return opro__fail(&model->err, OPRO_ERR_STATE, "there is no cache: model_cache_bytes is 0");
    copy = opro__memdup(&model->mem, path, len);
    if (!copy) return opro__model_no_memory(model);
    st = opro__cache_set_file(model->cache, copy, &model->err);
    opro__free(&model->mem, copy);
    return st;
}
