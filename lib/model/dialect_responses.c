/* SPDX-License-Identifier: MIT */
/* OpenAI Responses: no n, no seed, no stop; nothing is to be stored. */
#include <string.h>

#include "dialect.h"
#include "json.h"
#include "opro/model.h"

static void write_path(opro__buf *out, const char *model, size_t len) {
    (void)model;
    (void)len;
    opro__buf_addz(out, "/responses");
}

static void write_body(opro__buf *out, const opro__ask *ask) {
    static const opro__turn_words words = {
        NULL, "{\"role\":\"user\",\"content\":", "{\"role\":\"assistant\",\"content\":", "}", 0,
    };

    opro__buf_addz(out, "{\"model\":");
    opro__buf_add_json(out, ask->model, ask->model_len);
    if (opro__ask_has_system(ask)) {
        opro__body_name(out, "instructions");
        opro__body_system(out, ask);
    }
    opro__body_name(out, "input");
    opro__body_turns(out, ask, &words);
    opro__body_int(out, "max_output_tokens", ask->max_tokens);
    opro__body_temperature(out, "temperature", ask);
    opro__buf_addz(out, ",\"store\":false");
    opro__body_end(out, ask);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The status, or the reason why it is incomplete. */
static const opro__finish finishes[] = {
    {"completed", OPRO_OUTCOME_WHOLE},      {"max_output_tokens", OPRO_OUTCOME_TRUNCATED},
    {"max_tokens", OPRO_OUTCOME_TRUNCATED}, {"content_filter", OPRO_OUTCOME_REFUSED},
    {"incomplete", OPRO_OUTCOME_TRUNCATED}, {"failed", OPRO_OUTCOME_FAILED},
    {"cancelled", OPRO_OUTCOME_FAILED},     {"queued", OPRO_OUTCOME_FAILED},
    {"in_progress", OPRO_OUTCOME_FAILED},   {NULL, 0},
};

static size_t read_message(opro__said *said, const json_t *content) {
    if (!json_is_array(content)) return 0;
    opro__said_add(said, content);
    return 1;
}

/* How many messages there are among the items. */
static size_t read_items(opro__said *said, const json_t *output) {
    size_t messages = 0;

    for (size_t i = 0; i < json_array_size(output); i++) {
        const json_t *item = json_array_get(output, i);
        const char *type = opro__json_text(item, "type", NULL);

        if (type && strcmp(type, "message") == 0)
            messages += read_message(said, json_object_get(item, "content"));
        else if (type && strcmp(type, "reasoning") == 0)
            opro__said_part(said, item);
    }
    return messages;
}

static void read_usage(opro__usage *usage, const json_t *said) {
    const json_t *prompt = json_object_get(said, "input_tokens_details");
    const json_t *reply = json_object_get(said, "output_tokens_details");

    opro__usage_set(usage, opro__json_count(said, "input_tokens", -1),
                    opro__json_count(said, "output_tokens", -1),
                    opro__json_count(prompt, "cached_tokens", -1),
                    opro__json_count(reply, "reasoning_tokens", -1));
}

static opro_status read_answer(opro__answer *answer, const json_t *root, const opro__ask *ask,
                               opro_error *err) {
    const json_t *incomplete = json_object_get(root, "incomplete_details");
    const char *status = opro__json_text(root, "status", NULL);
    const char *reason = opro__json_text(incomplete, "reason", NULL);
    opro_status st = OPRO_OK;
    opro__said said;
    size_t messages;

    (void)ask;
    opro__said_init(&said, answer->mem);
    messages = read_items(&said, json_object_get(root, "output"));
    read_usage(&answer->usage, json_object_get(root, "usage"));
    if (reason) status = reason;
    if (!messages && (!status || strcmp(status, "completed") == 0))
        st = opro__fail(err, OPRO_ERR_PARSE, "no message in \"output\"");
    if (st == OPRO_OK) st = opro__answer_put(answer, 0, &said, status, finishes);
    opro__said_free(&said);
    return st;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const char *const urls[] = {"OPENAI_BASE_URL", NULL};
static const char *const keys[] = {"OPENAI_API_KEY", NULL};
static const char *const members[] = {
    "model",  "instructions", "input", "max_output_tokens", "temperature", "store",
    "stream", "background",   NULL,
};

const opro__dialect opro__dialect_responses = {
    .id = OPRO_DIALECT_RESPONSES,
    .name = "responses",
    .can = 0,
    .most_samples = 1,
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .request_id = "x-request-id",
    .default_url = "https://api.openai.com/v1",
    .env_url = urls,
    .env_key = keys,
    .env_path = "",
    .members = members,
    .write_path = write_path,
    .write_body = write_body,
    .read = read_answer,
};
