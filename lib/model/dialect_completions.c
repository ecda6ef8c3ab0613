/* SPDX-License-Identifier: MIT */
/*
 * Legacy completions: a base model goes on from a text. The messages become one text, with blank
 * lines between them; who speaks is said only if the user speaks more than once.
 */
#include "dialect.h"
#include "json.h"
#include "opro/model.h"

static void write_path(opro__buf *out, const char *model, size_t len) {
    (void)model;
    (void)len;
    opro__buf_addz(out, "/completions");
}

static int several_turns(const opro__ask *ask) {
    int turns = 0;

    for (size_t i = 0; i < ask->n_parts; i++)
        turns += ask->parts[i].role == OPRO_ROLE_USER;
    return turns > 1;
}

static int begins_blank(const opro__part *part) {
    return opro__trimmed(part->text, 1) == 0; /* it is not empty */
}

static void add_speaker(opro__buf *out, const opro__part *part) {
    if (part->role == OPRO_ROLE_SYSTEM) return;
    opro__buf_addz(out, part->role == OPRO_ROLE_USER ? "User:" : "Assistant:");
    if (part->len && !begins_blank(part)) opro__buf_addc(out, ' ');
}

/* A begun answer that brings its own white space, or finds some, needs no blank line. */
static int has_break(const opro__part *before, const opro__part *begun) {
    return opro__trimmed(before->text, before->len) != before->len || !begun->len ||
           begins_blank(begun);
}

static void write_prompt(opro__buf *out, const opro__ask *ask) {
    const opro__part *begun = opro__ask_begun(ask);
    int named = several_turns(ask);

    opro__buf_addc(out, '"');
    for (size_t i = 0; i < ask->n_parts; i++) {
        const opro__part *part = &ask->parts[i];

        if (i && (named || part != begun || !has_break(part - 1, part)))
            opro__buf_addz(out, "\\n\\n");
        if (named) add_speaker(out, part);
        opro__buf_add_escaped(out, part->text, part->len);
    }
    if (named && !begun) opro__buf_addz(out, "\\n\\nAssistant:");
    opro__buf_addc(out, '"');
}

/* Without max_tokens it would be 16, or without end. */
static void write_body(opro__buf *out, const opro__ask *ask) {
    opro__buf_addz(out, "{\"model\":");
    opro__buf_add_json(out, ask->model, ask->model_len);
    opro__body_name(out, "prompt");
    write_prompt(out, ask);
    opro__body_int(out, "max_tokens", ask->max_tokens);
    opro__openai_sampling(out, ask);
    opro__buf_addz(out, ",\"echo\":false");
    opro__body_end(out, ask);
}

static const char *const urls[] = {"OPENAI_BASE_URL", NULL};
static const char *const keys[] = {"OPENAI_API_KEY", NULL};
static const char *const members[] = {
    "model", "prompt", "max_tokens", "temperature", "n", "stop", "seed", "echo", "stream", NULL,
};

const opro__dialect opro__dialect_completions = {
    .id = OPRO_DIALECT_COMPLETIONS,
    .name = "completions",
    .can = OPRO__CAN_SAMPLES | OPRO__CAN_SEED | OPRO__CAN_STOP | OPRO__CAN_PREFIX,
    .most_samples = 128,
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
    .read = opro__openai_read,
};
