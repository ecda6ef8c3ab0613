/* SPDX-License-Identifier: MIT */
/* Making, freeing and asking about a client. */
#include "model.h"

#include <string.h>

/* ---- making and freeing ---------------------------------------------------------------------- */

opro_status opro_model_new(opro_model **out, const opro_config *config, const opro_allocator *mem) {
    opro__mem own;
    opro_model *model;
    size_t cache_bytes;
    opro_status st;

    if (!out) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    model = opro__calloc(&own, 1, sizeof *model);
    if (!model) return OPRO_ERR_NOMEM;
    model->mem = own;
    opro__process_init(&model->process);
    atomic_init(&model->refs.count, 1);
    opro__options_copy(&model->options, config);
    model->log = opro__config_log(config);
    opro__buf_init(&model->more, &model->mem, (size_t)1 << 20);
    opro__alarms_init(&model->alarms, &model->mem);
    opro__pace_init(&model->pace, &model->options, opro__transport_now());
    model->told_at = INT64_MAX;
    model->settings_changed = 1;
    st = opro__transport_new(&model->transport, &model->mem, &model->err);
    cache_bytes = OPRO__SIZE(&model->options, MODEL_CACHE_BYTES);
    if (st == OPRO_OK && cache_bytes) st = opro__cache_new(&model->cache, &model->mem, cache_bytes);
    if (st == OPRO_OK)
        *out = model;
    else
        opro_model_free(model);
    return st;
}

opro_model *opro__model_share(opro_model *model) {
    opro__ref(&model->refs);
    return model;
}

static void free_endpoint(opro_model *model) {
    opro__mem *mem = &model->mem;

    opro__url_free(&model->url, mem);
    opro__free(mem, model->name);
    opro__model_free_paths(model);
    opro__free(mem, model->replayed_base);
    opro__model_forget_secrets(model);
    opro__free(mem, model->secrets);
    opro__free(mem, model->header_names);
    for (size_t i = 0; i < model->n_members; i++) {
        opro__free(mem, model->member_names[i]);
        opro__free(mem, model->member_values[i]);
    }
    opro__free(mem, model->member_names);
    opro__free(mem, model->member_values);
    opro__buf_free(&model->more);
    opro__free(mem, model->ca_file);
    opro__free(mem, model->ca_dir);
    if (model->proxy) opro__wipe(model->proxy, strlen(model->proxy)); /* it may hold a password */
    opro__free(mem, model->proxy);
    opro__free(mem, model->profiles);
}

static void free_legs(opro_model *model) {
    while (model->spare) {
        opro__leg *leg = model->spare;

        model->spare = leg->next;
        opro__buf_free(&leg->body);
        opro__buf_free(&leg->exchange.answer);
        opro__free(&model->mem, leg);
    }
}

void opro_model_free(opro_model *model) {
    opro__mem mem;

    if (!model || opro__model_is_parents(model)) return;
    if (!opro__may_free(&model->guard, OPRO__CALL_opro_model_free) || !opro__unref(&model->refs))
        return;
    opro__guard_close(&model->guard);
    opro__model_wipe_headers(model);
    opro__transport_free(model->transport);
    opro__recording_close(model->recording);
    opro__recording_close(model->replay);
    opro__cache_free(model->cache);
    opro__alarms_free(&model->alarms);
    free_legs(model);
    free_endpoint(model);
    opro__hook_clear(&model->key_fn);
    opro__hook_clear(&model->socket_fn);
    opro__hook_clear(&model->timer_fn);
    opro__log_free(model->log);
    opro__process_free(&model->process);
    mem = model->mem;
    opro__free(&mem, model);
}

void opro__model_release(opro_model *model) {
    if (model->guard.depth || model->guard.serving)
        opro__unref(&model->refs);
    else
        opro_model_free(model);
}

const opro_error *opro_model_error(const opro_model *model) {
    return &model->err;
}

int opro__model_is_parents(const opro_model *model) {
    return opro__process_is_child(&model->process);
}

opro_status opro__model_enter(opro_model *model, int call) {
    opro_status st = opro__enter(&model->guard, &model->err, call);

    if (st != OPRO_OK || !opro__model_is_parents(model)) return st;
    return opro__fail(&model->err, OPRO_ERR_STATE,
                      "the model was made in another process (%ld); make one in this process",
                      model->process.pid);
}

/* ---- figures --------------------------------------------------------------------------------- */

int64_t opro_model_figure(const opro_model *model, int32_t figure) {
    if (!model) return 0;
    switch (figure) {
    case OPRO_MODEL_WAITING:
        return (int64_t)(model->n_legs - opro__transport_in_flight(model->transport));
    case OPRO_MODEL_IN_FLIGHT: return (int64_t)opro__transport_in_flight(model->transport);
    case OPRO_MODEL_CONCURRENCY: return opro__pace_window(&model->pace);
    case OPRO_MODEL_REQUESTS: return model->requests;
    case OPRO_MODEL_RETRIES: return model->retries;
    case OPRO_MODEL_ADAPTATIONS: return model->adaptations;
    case OPRO_MODEL_CACHE_HITS: return model->cache_hits;
    case OPRO_MODEL_FAILURES: return model->failures;
    case OPRO_MODEL_PROMPT_TOKENS: return model->usage.prompt;
    case OPRO_MODEL_REPLY_TOKENS: return model->usage.reply;
    case OPRO_MODEL_CACHED_TOKENS: return model->usage.cached;
    case OPRO_MODEL_REASONING_TOKENS: return model->usage.reasoning;
    case OPRO_MODEL_COST: return model->cost;
    case OPRO_MODEL_MEMORY: return (int64_t)model->mem.used;
    default: return 0;
    }
}
