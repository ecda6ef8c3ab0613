/* SPDX-License-Identifier: MIT */
/*
 * Anthropic Messages: one reply to a request, no seed. A begun answer may not end in white space;
 * it is sent without, and a reply that begins with that white space loses it, so that who puts the
 * begun answer in front has the same text as everywhere.
 */
#include <string.h>

#include "dialect.h"
#include "json.h"
#include "opro/model.h"

static void write_path(opro__buf *out, const char *model, size_t len) {
    (void)model;
    (void)len;
    opro__buf_addz(out, "/messages");
}

static void write_body(opro__buf *out, const opro__ask *ask) {
    static const opro__turn_words words = {
        NULL, "{\"role\":\"user\",\"content\":", "{\"role\":\"assistant\",\"content\":", "}", 1,
    };

    opro__buf_addz(out, "{\"model\":");
    opro__buf_add_json(out, ask->model, ask->model_len);
    opro__body_int(out, "max_tokens", ask->max_tokens);
    if (opro__ask_has_system(ask)) {
        opro__body_name(out, "system");
        opro__body_system(out, ask);
    }
    opro__body_name(out, "messages");
    opro__body_turns(out, ask, &words);
    opro__body_temperature(out, "temperature", ask);
    opro__body_stops(out, "stop_sequences", ask, 0);
    opro__body_end(out, ask);
}

/* ---- reading --------------------------------------------------------------------------------- */

static const opro__finish finishes[] = {
    {"end_turn", OPRO_OUTCOME_WHOLE},
    {"stop_sequence", OPRO_OUTCOME_WHOLE},
    {"tool_use", OPRO_OUTCOME_NONE},
    {"max_tokens", OPRO_OUTCOME_TRUNCATED},
    {"model_context_window_exceeded", OPRO_OUTCOME_TRUNCATED},
    {"pause_turn", OPRO_OUTCOME_TRUNCATED},
    {"refusal", OPRO_OUTCOME_REFUSED},
    {NULL, 0},
};

static int64_t at_least_none(int64_t count) {
    return count < 0 ? 0 : count;
}

/* The prompt is what was read anew, what was put into the cache, and what came from there. */
static void read_usage(opro__usage *usage, const json_t *said) {
    int64_t fresh = opro__json_count(said, "input_tokens", -1);
    int64_t written = opro__json_count(said, "cache_creation_input_tokens", -1);
    int64_t cached = opro__json_count(said, "cache_read_input_tokens", -1);

    opro__usage_set(usage, fresh < 0 ? -1 : fresh + at_least_none(written) + at_least_none(cached),
                    opro__json_count(said, "output_tokens", -1), cached, -1);
}

/* The white space that the begun answer was sent without. */
static void drop_blanks(opro__buf *text, const opro__ask *ask) {
    const opro__part *begun = opro__ask_begun(ask);
    size_t kept = begun ? opro__trimmed(begun->text, begun->len) : 0;
    size_t n = begun ? begun->len - kept : 0;

    if (!n || text->len < n || memcmp(text->data, begun->text + kept, n) != 0) return;
    memmove(text->data, text->data + n, text->len - n);
    opro__buf_cut(text, text->len - n);
}

static opro_status read_answer(opro__answer *answer, const json_t *root, const opro__ask *ask,
                               opro_error *err) {
    const json_t *content = json_object_get(root, "content");
    const char *reason = opro__json_text(root, "stop_reason", NULL);
    opro_status st = OPRO_OK;
    opro__said said;

    opro__said_init(&said, answer->mem);
    read_usage(&answer->usage, json_object_get(root, "usage"));
    opro__said_text(&said.why,
                    json_object_get(json_object_get(root, "stop_details"), "explanation"));
    if (!opro__said_add(&said, content) || json_is_null(content) || !content)
        st = opro__fail(err, OPRO_ERR_PARSE, "no list \"content\" in the answer");
    drop_blanks(&said.text, ask);
    if (st == OPRO_OK) st = opro__answer_put(answer, 0, &said, reason, finishes);
    opro__said_free(&said);
    return st;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const char *const urls[] = {"ANTHROPIC_BASE_URL", NULL};
static const char *const keys[] = {"ANTHROPIC_API_KEY", NULL};
static const char *const members[] = {
    "model", "max_tokens", "system", "messages", "temperature", "stop_sequences", "stream", NULL,
};

const opro__dialect opro__dialect_anthropic = {
    .id = OPRO_DIALECT_ANTHROPIC,
    .name = "anthropic",
    .can = OPRO__CAN_STOP | OPRO__CAN_PREFIX,
    .most_samples = 1,
    .key_header = "x-api-key",
    .key_prefix = "",
    .fixed_header = "anthropic-version: 2023-06-01",
    .request_id = "request-id",
    .default_url = "https://api.anthropic.com/v1",
    .env_url = urls,
    .env_key = keys,
    .env_path = "/v1",
    .members = members,
    .write_path = write_path,
    .write_body = write_body,
    .read = read_answer,
};
