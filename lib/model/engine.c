/* SPDX-License-Identifier: MIT */
/* What optimizers, scorers and drivers need of a client. */
#include "model.h"

/* ---- driven by others ------------------------------------------------------------------------ */

static int hosts_own(const opro_model *model) {
    return model->socket_fn.fn != NULL;
}

static int engine_fd(void *ctx) {
    return hosts_own(ctx) ? -1 : (int)opro_model_fd(ctx);
}

static int64_t engine_timeout(void *ctx) {
    return hosts_own(ctx) ? -1 : opro_model_timeout(ctx);
}

static opro_status engine_work(void *ctx, opro_error *err) {
    opro_status st = hosts_own(ctx) ? OPRO_WAIT : opro_model_poll(ctx, 0);

    return st < 0 ? opro__err_copy(err, opro_model_error(ctx)) : st;
}

static void engine_wake(void *ctx) {
    opro_model_wakeup(ctx);
}

opro__engine opro__model_engine(opro_model *model) {
    return (opro__engine){engine_fd, engine_timeout, engine_work, engine_wake, model};
}

/* ---- asked about ----------------------------------------------------------------------------- */

opro_status opro__model_ready(const opro_model *model, opro_error *err) {
    if (!model->url.text)
        return opro__fail(err, OPRO_ERR_STATE,
                          "there is no base URL yet: opro_model_set_base_url()");
    if (!model->name)
        return opro__fail(err, OPRO_ERR_STATE, "the model has no name yet: opro_model_set_name()");
    return OPRO_OK;
}

int opro__model_busy(const opro_model *model) {
    return model->guard.depth > 0;
}

int opro__model_caches(const opro_model *model) {
    return model->cache != NULL;
}

void opro__model_prices(const opro_model *model, int64_t *prompt, int64_t *reply) {
    *prompt = OPRO__INT(&model->options, MODEL_PROMPT_PRICE);
    *reply = OPRO__INT(&model->options, MODEL_REPLY_PRICE);
}
