/* SPDX-License-Identifier: MIT */
/* Chat completions, by OpenAI and by everybody who took them over. */
#include <string.h>

#include "dialect.h"
#include "json.h"
#include "opro/model.h"

/* ---- asking ---------------------------------------------------------------------------------- */

void opro__openai_path(opro__buf *out, const char *model, size_t len) {
    (void)model;
    (void)len;
    opro__buf_addz(out, "/chat/completions");
}

void opro__openai_sampling(opro__buf *out, const opro__ask *ask) {
    opro__body_temperature(out, "temperature", ask);
    if (ask->samples > 1) opro__body_int(out, "n", (int64_t)ask->samples);
    opro__body_stops(out, "stop", ask, 1);
    opro__body_seed(out, ask->seed_name ? ask->seed_name : "seed", ask);
}

/* How the last message is said to be a beginning. */
static void mark_begun(opro__buf *out, int32_t prefix) {
    if (prefix == OPRO_PREFIX_MARKED) {
        opro__buf_cut(out, out->len - strlen("}]"));
        opro__buf_addz(out, ",\"prefix\":true}]");
    } else if (prefix == OPRO_PREFIX_CONTINUE) {
        opro__buf_addz(out, ",\"add_generation_prompt\":false,\"continue_final_message\":true");
    }
}

void opro__openai_body(opro__buf *out, const opro__ask *ask) {
    static const opro__turn_words words = {
        "{\"role\":\"system\",\"content\":",
        "{\"role\":\"user\",\"content\":",
        "{\"role\":\"assistant\",\"content\":",
        "}",
        0,
    };

    opro__buf_addz(out, "{\"model\":");
    opro__buf_add_json(out, ask->model, ask->model_len);
    opro__body_name(out, "messages");
    opro__body_turns(out, ask, &words);
    if (opro__ask_begun(ask)) mark_begun(out, ask->prefix);
    opro__body_int(out, ask->completion_tokens ? "max_completion_tokens" : "max_tokens",
                   ask->max_tokens);
    opro__openai_sampling(out, ask);
    opro__body_end(out, ask);
}

/* ---- reading --------------------------------------------------------------------------------- */

static const opro__finish finishes[] = {
    {"stop", OPRO_OUTCOME_WHOLE},
    {"eos", OPRO_OUTCOME_WHOLE},
    {"tool_calls", OPRO_OUTCOME_NONE},
    {"function_call", OPRO_OUTCOME_NONE},
    {"length", OPRO_OUTCOME_TRUNCATED},
    {"max_tokens", OPRO_OUTCOME_TRUNCATED},
    {"model_length", OPRO_OUTCOME_TRUNCATED}, /* Mistral: the context is full  */
    {"repetition", OPRO_OUTCOME_TRUNCATED},   /* vLLM: it went round in circles */
    {"content_filter", OPRO_OUTCOME_REFUSED},
    {"refusal", OPRO_OUTCOME_REFUSED},
    {"error", OPRO_OUTCOME_FAILED},
    {"abort", OPRO_OUTCOME_FAILED},
    {"insufficient_system_resource", OPRO_OUTCOME_FAILED}, /* DeepSeek */
    {NULL, 0},
};

/* Reasoning has a different name everywhere; those who send two send the same text twice. */
static void add_reasoning(opro__said *said, const json_t *message) {
    const json_t *details = json_object_get(message, "reasoning_details");

    opro__said_text(&said->reasoning, json_object_get(message, "reasoning_content"));
    if (!said->reasoning.len)
        opro__said_text(&said->reasoning, json_object_get(message, "reasoning"));
    if (!said->reasoning.len) {
        for (size_t i = 0; i < json_array_size(details); i++) {
            const json_t *detail = json_array_get(details, i);

            opro__said_text(&said->reasoning, json_object_get(detail, "text"));
            opro__said_text(&said->reasoning, json_object_get(detail, "summary"));
        }
    }
}

/* 0: it is no choice of any known shape. */
static int read_choice(opro__said *said, const json_t *choice) {
    const json_t *message = json_object_get(choice, "message");
    const json_t *text = json_object_get(choice, "text");

    if (!json_is_object(message)) {
        opro__said_text(&said->text, text);
        return json_is_string(text);
    }
    opro__said_text(&said->why, json_object_get(message, "refusal"));
    add_reasoning(said, message);
    return opro__said_add(said, json_object_get(message, "content"));
}

static opro_status put_choice(opro__answer *answer, opro__said *said, const json_t *choice,
                              size_t place) {
    const char *finish = opro__json_text(choice, "finish_reason", NULL);
    const json_t *error = opro__error_in(choice);
    size_t index = opro__index_of(choice, place);

    opro__said_clear(said);
    if (error) {
        opro__said_error(said, error);
        finish = "error";
    } else if (!read_choice(said, choice)) {
        return OPRO_OK;
    }
    return opro__answer_put(answer, index, said, finish, finishes);
}

static void read_usage(opro__usage *usage, const json_t *root) {
    const json_t *said = json_object_get(root, "usage");
    const json_t *prompt = json_object_get(said, "prompt_tokens_details");
    const json_t *reply = json_object_get(said, "completion_tokens_details");
    int64_t cached = opro__json_count(prompt, "cached_tokens", -1);

    if (cached < 0) cached = opro__json_count(said, "prompt_cache_hit_tokens", -1); /* DeepSeek */
    if (cached < 0)                                                                 /* llama.cpp */
        cached = opro__json_count(json_object_get(root, "timings"), "cache_n", -1);
    opro__usage_set(usage, opro__json_count(said, "prompt_tokens", -1),
                    opro__json_count(said, "completion_tokens", -1), cached,
                    opro__json_count(reply, "reasoning_tokens", -1));
}

opro_status opro__openai_read(opro__answer *answer, const json_t *root, const opro__ask *ask,
                              opro_error *err) {
    const json_t *choices = json_object_get(root, "choices");
    opro_status st = OPRO_OK;
    opro__said said;

    (void)ask;
    if (!json_is_array(choices))
        return opro__fail(err, OPRO_ERR_PARSE, "no list \"choices\" in the answer");
    opro__said_init(&said, answer->mem);
    for (size_t i = 0; i < json_array_size(choices) && st == OPRO_OK; i++)
        st = put_choice(answer, &said, json_array_get(choices, i), i);
    opro__said_free(&said);
    read_usage(&answer->usage, root);
    answer->counts_first = json_is_object(json_object_get(root, "timings"));
    if (st == OPRO_OK && !answer->n_given)
        st = opro__fail(err, OPRO_ERR_PARSE, "no reply in \"choices\"");
    return st;
}

/* ---- the table ------------------------------------------------------------------------------- */

const char *const opro__openai_members[] = {
    "model",  "messages", "max_tokens", "max_completion_tokens", "temperature",
    "n",      "stop",     "seed",       "add_generation_prompt", "continue_final_message",
    "stream", NULL,
};
static const char *const urls[] = {"OPENAI_BASE_URL", NULL};
static const char *const keys[] = {"OPENAI_API_KEY", NULL};

const opro__dialect opro__dialect_openai = {
    .id = OPRO_DIALECT_OPENAI,
    .name = "openai",
    .can = OPRO__CAN_SAMPLES | OPRO__CAN_SEED | OPRO__CAN_STOP | OPRO__CAN_PREFIX,
    .most_samples = 128,
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .request_id = "x-request-id",
    .default_url = "https://api.openai.com/v1",
    .env_url = urls,
    .env_key = keys,
    .env_path = "",
    .members = opro__openai_members,
    .write_path = opro__openai_path,
    .write_body = opro__openai_body,
    .read = opro__openai_read,
};
