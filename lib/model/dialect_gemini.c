/* SPDX-License-Identifier: MIT */
/* Google's Gemini: generateContent. */
#include <string.h>

#include "base/ascii.h"
#include "dialect.h"
#include "json.h"
#include "opro/model.h"

/* ---- asking ---------------------------------------------------------------------------------- */

static int is_unreserved(char c) {
    return opro__is_letter(c) || opro__is_digit(c) || memchr("-._~", c, 4);
}

static int begins(const char *s, size_t len, const char *with) {
    return len >= strlen(with) && memcmp(s, with, strlen(with)) == 0;
}

/* A name may say by itself where it belongs. */
static void write_path(opro__buf *out, const char *model, size_t len) {
    static const char *const places[] = {"models/", "tunedModels/"};
    static const char hex[] = "0123456789ABCDEF";
    const char *place = places[0];
    size_t i = 0;

    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        if (!begins(model, len, places[k])) continue;
        place = places[k];
        i = strlen(place);
    }
    opro__buf_addc(out, '/');
    opro__buf_addz(out, place);
    for (; i < len; i++) {
        unsigned char c = (unsigned char)model[i];
        char escape[3] = {'%', hex[c >> 4], hex[c & 15]};

        if (is_unreserved(model[i]))
            opro__buf_addc(out, model[i]);
        else
            opro__buf_add(out, escape, 3);
    }
    opro__buf_addz(out, ":generateContent");
}

/* Where a further member ends: the comma behind it, or len. */
static size_t member_end(const char *s, size_t len) {
    int depth = 0, quoted = 0;

    for (size_t i = 0; i < len; i++) {
        if (quoted) {
            if (s[i] == '\\')
                i++;
            else if (s[i] == '"')
                quoted = 0;
        } else if (s[i] == '"') {
            quoted = 1;
        } else if (s[i] == '[' || s[i] == '{') {
            depth++;
        } else if (s[i] == ']' || s[i] == '}') {
            depth--;
        } else if (s[i] == ',' && !depth) {
            return i;
        }
    }
    return len;
}

/* Whether a further member has its place beside generationConfig rather than in it. */
static int is_outer(const char *s, size_t len) {
    static const char *const names[] = {"\"safetySettings\":", "\"cachedContent\":", "\"tools\":",
                                        "\"toolConfig\":", "\"labels\":"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (begins(s, len, names[i])) return 1;
    return 0;
}

static void add_more(opro__buf *out, const opro__ask *ask, int outer) {
    for (size_t i = 0, n; i < ask->more_len; i += n + 1) {
        const char *member = ask->more + i;

        n = member_end(member, ask->more_len - i);
        if (is_outer(member, n) != outer) continue;
        opro__buf_addc(out, ',');
        opro__buf_add(out, member, n);
    }
}

static void write_body(opro__buf *out, const opro__ask *ask) {
    static const opro__turn_words words = {
        NULL,
        "{\"role\":\"user\",\"parts\":[{\"text\":",
        "{\"role\":\"model\",\"parts\":[{\"text\":",
        "}]}",
        0,
    };

    opro__buf_addz(out, "{\"contents\":");
    opro__body_turns(out, ask, &words);
    if (opro__ask_has_system(ask)) {
        opro__buf_addz(out, ",\"systemInstruction\":{\"parts\":[{\"text\":");
        opro__body_system(out, ask);
        opro__buf_addz(out, "}]}");
    }
    opro__buf_addz(out, ",\"generationConfig\":{\"maxOutputTokens\":");
    opro__buf_add_int(out, ask->max_tokens);
    if (ask->samples > 1) opro__body_int(out, "candidateCount", (int64_t)ask->samples);
    opro__body_temperature(out, "temperature", ask);
    opro__body_stops(out, "stopSequences", ask, 1);
    opro__body_seed(out, "seed", ask);
    add_more(out, ask, 0);
    opro__buf_addc(out, '}');
    add_more(out, ask, 1);
    opro__buf_addc(out, '}');
}

/* ---- reading --------------------------------------------------------------------------------- */

static const opro__finish finishes[] = {
    {"STOP", OPRO_OUTCOME_WHOLE},
    {"MAX_TOKENS", OPRO_OUTCOME_TRUNCATED},
    {"SAFETY", OPRO_OUTCOME_REFUSED},
    {"RECITATION", OPRO_OUTCOME_REFUSED},
    {"LANGUAGE", OPRO_OUTCOME_REFUSED},
    {"BLOCKLIST", OPRO_OUTCOME_REFUSED},
    {"PROHIBITED_CONTENT", OPRO_OUTCOME_REFUSED},
    {"SPII", OPRO_OUTCOME_REFUSED},
    {"OTHER", OPRO_OUTCOME_NONE},
    {"MALFORMED_FUNCTION_CALL", OPRO_OUTCOME_NONE},
    {"UNEXPECTED_TOOL_CALL", OPRO_OUTCOME_NONE},
    {NULL, 0},
};

static opro_status put_candidate(opro__answer *answer, opro__said *said, const json_t *candidate,
                                 size_t place) {
    const char *finish = opro__json_text(candidate, "finishReason", NULL);
    const json_t *content = json_object_get(candidate, "content");
    const json_t *parts = json_object_get(content, "parts");

    opro__said_clear(said);
    if (!opro__said_add(said, parts) || (!json_is_object(content) && !finish)) return OPRO_OK;
    if (finish && strcmp(finish, "STOP") != 0 && strcmp(finish, "MAX_TOKENS") != 0)
        opro__said_text(&said->why, json_object_get(candidate, "finishMessage"));
    return opro__answer_put(answer, opro__index_of(candidate, place), said, finish, finishes);
}

/* A prompt that was blocked refuses all replies. */
static opro_status put_blocked(opro__answer *answer, opro__said *said, const json_t *feedback) {
    static const opro__finish any[] = {{NULL, 0}}; /* whatever the reason */
    const char *reason = opro__json_text(feedback, "blockReason", NULL);
    opro_status st = OPRO_OK;

    opro__said_text(&said->why, json_object_get(feedback, "blockReasonMessage"));
    if (!said->why.len) opro__said_text(&said->why, json_object_get(feedback, "blockReason"));
    for (size_t i = 0; reason && i < answer->n_replies && st == OPRO_OK; i++)
        st = opro__answer_put(answer, i, said, reason, any);
    return st;
}

static void read_usage(opro__usage *usage, const json_t *said) {
    int64_t reply = opro__json_count(said, "candidatesTokenCount", -1);
    int64_t thoughts = opro__json_count(said, "thoughtsTokenCount", -1);

    if (thoughts > 0) reply = (reply < 0 ? 0 : reply) + thoughts;
    opro__usage_set(usage, opro__json_count(said, "promptTokenCount", -1), reply,
                    opro__json_count(said, "cachedContentTokenCount", -1), thoughts);
}

static opro_status read_answer(opro__answer *answer, const json_t *root, const opro__ask *ask,
                               opro_error *err) {
    const json_t *candidates = json_object_get(root, "candidates");
    opro_status st = OPRO_OK;
    opro__said said;

    (void)ask;
    opro__said_init(&said, answer->mem);
    for (size_t i = 0; i < json_array_size(candidates) && st == OPRO_OK; i++)
        st = put_candidate(answer, &said, json_array_get(candidates, i), i);
    if (st == OPRO_OK && !answer->n_given)
        st = put_blocked(answer, &said, json_object_get(root, "promptFeedback"));
    opro__said_free(&said);
    read_usage(&answer->usage, json_object_get(root, "usageMetadata"));
    if (st == OPRO_OK && !answer->n_given)
        st = opro__fail(err, OPRO_ERR_PARSE, "no reply in \"candidates\"");
    return st;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const char *const urls[] = {"GOOGLE_GEMINI_BASE_URL", NULL};
static const char *const keys[] = {"GEMINI_API_KEY", "GOOGLE_API_KEY", NULL};
static const char *const members[] = {
    "contents",
    "systemInstruction",
    "generationConfig",
    "maxOutputTokens",
    "candidateCount",
    "temperature",
    "stopSequences",
    "seed",
    NULL,
};

const opro__dialect opro__dialect_gemini = {
    .id = OPRO_DIALECT_GEMINI,
    .name = "gemini",
    .can = OPRO__CAN_SAMPLES | OPRO__CAN_SEED | OPRO__CAN_STOP,
    .most_samples = 8,
    .key_header = "x-goog-api-key",
    .key_prefix = "",
    .request_id = "x-request-id",
    .default_url = "https://generativelanguage.googleapis.com/v1beta",
    .env_url = urls,
    .env_key = keys,
    .env_path = "/v1beta",
    .members = members,
    .write_path = write_path,
    .write_body = write_body,
    .read = read_answer,
};
