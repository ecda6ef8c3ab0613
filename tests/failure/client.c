/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <stdio.h>
#include <string.h>

#include "fault.h"

enum { TURNS = 1000, PATIENCE_MS = 20000 };

opro_model *make_client(const char *settings) {
    char url[100], all[400];
    opro_config *config;
    opro_model *m;

    snprintf(all, sizeof all,
             "model_backoff_ms=0 model_backoff_busy_max_ms=0 model_breaker_failures=0 "
             "model_breaker_percent=0 model_retry_free=1000 model_allow_http=1 %s",
             settings);
    config = make_config(all);
    snprintf(url, sizeof url, "%s/v1", server_url());
    MAKE(model, m, NULL, opro_model_new(&m, config, &scarce));
    TRY(opro_model_error(m), opro_model_set_base_url(m, url, OPRO_ZT));
    TRY(opro_model_error(m), opro_model_set_name(m, "m", OPRO_ZT));
    drop(config);
    return m;
}

opro_call *make_call(opro_model *m, const char *text, size_t samples, double temperature) {
    const opro_error *error = opro_model_error(m);
    opro_call *call;

    MAKE(call, call, error, opro_call_new(&call, m));
    TRY(error, opro_call_add_message(call, OPRO_ROLE_SYSTEM, "be brief", OPRO_ZT));
    TRY(error, opro_call_add_message(call, OPRO_ROLE_USER, text, OPRO_ZT));
    TRY(error, opro_call_set_samples(call, samples));
    TRY(error, opro_call_set_temperature(call, temperature));
    TRY(error, opro_call_set_max_tokens(call, 100));
    return call;
}

void wait_for(opro_model *m, const opro_call *call) {
    for (int turn = 0; !opro_call_done(call); turn++) {
        opro_status st = opro_model_poll(m, PATIENCE_MS);

        CHECK(st >= 0 || (st == OPRO_ERR_NOMEM && something_failed()));
        CHECK(st != OPRO_DONE || opro_call_done(call));
        CHECK(turn < TURNS);
    }
}

/*
 * The classes that a failure may be of. libcurl says the same of headers that it has no memory for
 * and of headers that are too long.
 */
static int is_expected(opro_status st, int32_t failure, const char *message) {
    if (faults.what == FAULT_MEMORY)
        return (st == OPRO_ERR_NOMEM && failure == OPRO_FAILURE_MEMORY) ||
               ((failure == OPRO_FAILURE_LIMIT || failure == OPRO_FAILURE_FILE) &&
                strstr(message, "memory"));
    if (failure == OPRO_FAILURE_NOT_RECORDED) return strstr(message, "cannot read") != NULL;
    return st == OPRO_ERR_FAILED && (failure == OPRO_FAILURE_NET || failure == OPRO_FAILURE_FILE ||
                                     failure == OPRO_FAILURE_PROXY);
}

void check_failed(const opro_call *call) {
    const opro_error *error = opro_call_error(call);
    const char *message = opro_error_message(error, NULL);
    int32_t failure = opro_call_failure(call);

    if (!something_failed() || !is_expected(opro_error_status(error), failure, message))
        wrong("a call fails: %s: %s: %s", opro_failure_name(failure),
              opro_status_name(opro_error_status(error)), message);
    CHECK(message[0]);
}

int call_is_whole(const opro_call *call, size_t samples) {
    const opro_error *error = opro_call_error(call);
    size_t whole = 0, len;

    for (size_t i = 0; i < samples; i++) {
        const char *text = opro_call_reply(call, i, &len);

        note_text(text, len);
        text = opro_call_reasoning(call, i, &len);
        note_text(text, len);
        text = opro_call_finish(call, i);
        note_text(text, strlen(text));
        note_int(opro_call_outcome(call, i));
        whole += opro_call_outcome(call, i) == OPRO_OUTCOME_WHOLE;
    }
    CHECK(opro_call_figure(call, OPRO_CALL_REQUESTS) >= 0);
    if (whole == samples) {
        CHECK(opro_error_status(error) == OPRO_OK);
        CHECK(opro_call_failure(call) == OPRO_FAILURE_NONE);
        return 1;
    }
    check_failed(call);
    return 0;
}

int ask_once(opro_model *m, const char *text, size_t samples, double temperature) {
    opro_call *call = make_call(m, text, samples, temperature);
    int whole;

    TRY(opro_model_error(m), opro_call_submit(call, NULL, NULL, NULL));
    wait_for(m, call);
    whole = call_is_whole(call, samples);
    drop(call);
    return whole;
}

void ask(opro_model *m, const char *text, size_t samples, double temperature) {
    uint64_t mark = noted();

    while (!ask_once(m, text, samples, temperature))
        died(mark);
}
