/* SPDX-License-Identifier: MIT */
/*
 * The model client as a contender: every request's body is built for it, and replies are read as
 * they always are. contender.h has the command line. Modes:
 *
 *   poll  calls of our own, driven by opro_model_poll()
 *   step  a step of a run, driven by opro_driver: ours_step.c
 */
#include "ours.h"

#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    contender c;
    opro_model *model;
    size_t to_start, open; /* of the phase that is under way */
    bool counts;           /* it is not the warm-up */
} ours;

typedef struct ticket {
    double began;
} ticket;

void ours_must(opro_status st, const opro_error *err, const char *what) {
    if (st >= 0) return;
    fprintf(stderr, "ours: %s: %s: %s\n", what, opro_status_name(st),
            err ? opro_error_message(err, NULL) : "");
    exit(1);
}

/* ---- calls ----------------------------------------------------------------------------------- */

opro_call *ours_call(const contender *c, opro_model *model, const char *about, size_t len) {
    static const char fill[] = "Work through the case in small steps. ";
    static unsigned long serial;
    char text[4096];
    size_t n = 0;
    opro_call *call = NULL;

    ours_must(opro_call_new(&call, model), opro_model_error(model), "opro_call_new");
    if (len > 1024) len = 1024;
    if (about) memcpy(text, about, len);
    n = about ? len : 0;
    n += (size_t)snprintf(text + n, 64, "\n\nCase %lu: ", ++serial);
    while (n + sizeof fill < 1940) {
        memcpy(text + n, fill, sizeof fill - 1);
        n += sizeof fill - 1;
    }
    ours_must(opro_call_add_message(call, OPRO_ROLE_USER, text, n), opro_model_error(model),
              "opro_call_add_message");
    opro_call_set_temperature(call, c->cache ? 0 : 0.7);
    return call;
}

bool ours_fine(const opro_call *call) {
    size_t len = 0;

    opro_call_reply(call, 0, &len);
    if (opro_call_outcome(call, 0) == OPRO_OUTCOME_WHOLE && len > 0 &&
        opro_call_figure(call, OPRO_CALL_PROMPT_TOKENS) > 0 &&
        opro_call_figure(call, OPRO_CALL_REPLY_TOKENS) > 0)
        return true;
    fprintf(stderr, "ours: %s: %s\n", opro_failure_name(opro_call_failure(call)),
            opro_error_message(opro_call_error(call), NULL));
    return false;
}

/* ---- poll ------------------------------------------------------------------------------------ */

static void start(void);

static int32_t on_call(opro_call *call, int32_t event, size_t index, void *data) {
    ticket *t = data;

    (void)index;
    if (event != OPRO_CALL_DONE) return OPRO_OK;
    if (ours.counts) contender_done(&ours.c, t->began, ours_fine(call));
    ours.open--;
    opro_call_free(call);
    if (ours.to_start > 0) start();
    return OPRO_OK;
}

static void start(void) {
    ticket *t = malloc(sizeof *t);
    opro_call *call = ours_call(&ours.c, ours.model, NULL, 0);

    if (!t) abort();
    t->began = machine_now();
    ours.to_start--;
    ours.open++;
    ours_must(opro_call_submit(call, on_call, t, free), opro_model_error(ours.model),
              "opro_call_submit");
}

static void phase(size_t requests, bool all) {
    ours.to_start = requests;
    for (size_t i = 0; (all || i < ours.c.in_flight) && ours.to_start > 0; i++)
        start();
    while (ours.open > 0)
        ours_must(opro_model_poll(ours.model, 1000), opro_model_error(ours.model),
                  "opro_model_poll");
}

static void poll_mode(void) {
    if (ours.c.warm) phase(ours.c.in_flight, true);
    ours.counts = true;
    contender_begin(&ours.c);
    phase(ours.c.requests, ours.c.all);
}

/* ---- main ------------------------------------------------------------------------------------ */

static opro_model *make_model(const contender *c) {
    static const char path[] = "/chat/completions";
    size_t len = strlen(c->url);
    opro_config *config = NULL;
    opro_model *model = NULL;

    if (len > strlen(path) && strcmp(c->url + len - strlen(path), path) == 0) len -= strlen(path);
    ours_must(opro_config_new(&config, NULL), NULL, "opro_config_new");
    opro_config_set_int(config, OPRO_OPT_MODEL_ADAPTIVE, 0);
    opro_config_set_int(config, OPRO_OPT_MODEL_MAX_IN_FLIGHT, (int64_t)c->in_flight);
    opro_config_set_int(config, OPRO_OPT_MODEL_HTTP, c->h2 ? 2 : 1);
    ours_must(opro_model_new(&model, config, NULL), NULL, "opro_model_new");
    opro_config_free(config);
    ours_must(opro_model_set_base_url(model, c->url, len), opro_model_error(model), "base URL");
    ours_must(opro_model_set_name(model, "bench", OPRO_ZT), opro_model_error(model), "name");
    ours_must(opro_model_set_key(model, "sk-bench", OPRO_ZT), opro_model_error(model), "key");
    if (c->ca)
        ours_must(opro_model_set_ca_file(model, c->ca, OPRO_ZT), opro_model_error(model), "--ca");
    return model;
}

int main(int argc, char **argv) {
    int status;

    contender_init(&ours.c, argc, argv);
    ours.model = make_model(&ours.c);
    contender_ready(&ours.c);
    if (strcmp(ours.c.mode, "poll") == 0) {
        poll_mode();
    } else if (strcmp(ours.c.mode, "step") == 0) {
        contender_begin(&ours.c);
        ours_step(&ours.c, ours.model);
    } else {
        fprintf(stderr, "ours: the modes are poll and step\n");
        return 2;
    }
    status = contender_end(&ours.c, "ours");
    if (opro_model_figure(ours.model, OPRO_MODEL_RETRIES) > 0)
        fprintf(stderr, "ours: %lld retries\n",
                (long long)opro_model_figure(ours.model, OPRO_MODEL_RETRIES));
    opro_model_free(ours.model);
    return status;
}
