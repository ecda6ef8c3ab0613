/* SPDX-License-Identifier: MIT */
/* A client set from the environment, by the setters that everybody uses. */
#include <string.h>

#include "env.h"
#include "model.h"

static const opro__dialect *dialect_of(const opro_model *model) {
    return opro__dialect_find((int32_t)OPRO__INT(&model->options, MODEL_DIALECT),
                              model->url.text ? &model->url : NULL);
}

/* Which variable it was is part of what is wrong. */
static opro_status blame(opro_model *model, opro_status st, const char *name) {
    opro_error was = model->err;

    if (st == OPRO_OK) return st;
    return opro__fail(&model->err, st, "%s: %s", name, was.message);
}

static opro_status set_url(opro_model *model, const opro__dialect *dialect, opro__env_value found) {
    opro__buf url;
    opro_status st;

    opro__buf_init(&url, &model->mem, 1 << 16);
    opro__env_write_url(&url, dialect, found.value);
    if (url.status == OPRO_OK)
        st = opro_model_set_base_url(model, opro__buf_text(&url), url.len);
    else if (url.status == OPRO_ERR_NOMEM)
        st = opro__fail(&model->err, OPRO_ERR_NOMEM, "out of memory");
    else
        st = opro__fail(&model->err, OPRO_ERR_INVALID, "the base URL is too long");
    opro__buf_free(&url);
    return blame(model, st, found.name);
}

static opro_status set_header(opro_model *model, const char *header, opro__env_value found) {
    if (!found.name) return OPRO_OK;
    return blame(model, opro_model_set_header(model, header, OPRO_ZT, found.value, OPRO_ZT),
                 found.name);
}

opro_status opro_model_set_from_env(opro_model *model) {
    opro__env_value url, key, organization, project, proxy;
    const opro__dialect *dialect;
    opro_status st;

    if (!model) return OPRO_ERR_INVALID;
    st = opro__model_enter(model, OPRO__CALL_opro_model_set_from_env);
    if (st != OPRO_OK) return st;
    dialect = dialect_of(model);
    url = opro__env_url(dialect);
    if (!url.name && !model->url.text && dialect->default_url &&
        opro__env_key(dialect, NULL, 1).name) /* a key without an address: its provider's */
        url = (opro__env_value){"the dialect's own", dialect->default_url};
    if (url.name) st = set_url(model, dialect, url);
    if (st != OPRO_OK) return st;
    if (!model->url.text) return OPRO_WAIT;
    dialect = dialect_of(model);
    key = opro__env_key(dialect, &model->url, url.name != NULL);
    organization = opro__env_organization(&model->url);
    project = opro__env_project(&model->url);
    proxy = opro__env_proxy(&model->url);
    if (key.name) st = blame(model, opro_model_set_key(model, key.value, OPRO_ZT), key.name);
    if (st == OPRO_OK) st = set_header(model, "OpenAI-Organization", organization);
    if (st == OPRO_OK) st = set_header(model, "OpenAI-Project", project);
    if (st == OPRO_OK && proxy.name)
        st = blame(model, opro_model_set_proxy(model, proxy.value, OPRO_ZT), proxy.name);
    if (st != OPRO_OK) return st;
    return url.name || key.name || organization.name || project.name || proxy.name ? OPRO_OK
                                                                                   : OPRO_WAIT;
}
