/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "json.h"
#include "opro/model.h"

opro_status opro__answer_init(opro__answer *answer, opro__mem *mem, size_t n_replies) {
    *answer = (opro__answer){.mem = mem, .n_replies = n_replies};
    answer->replies = opro__calloc(mem, n_replies, sizeof *answer->replies);
    if (answer->replies) return OPRO_OK;
    answer->n_replies = 0;
    return OPRO_ERR_NOMEM;
}

void opro__answer_free(opro__answer *answer) {
    for (size_t i = 0; i < answer->n_replies; i++) {
        opro__free(answer->mem, answer->replies[i].text);
        opro__free(answer->mem, answer->replies[i].reasoning);
    }
    if (answer->mem) opro__free(answer->mem, answer->replies);
    *answer = (opro__answer){.mem = answer->mem};
}

/* ---- what was said --------------------------------------------------------------------------- */

void opro__said_init(opro__said *said, opro__mem *mem) {
    opro__buf_init(&said->text, mem, SIZE_MAX / 2);
    opro__buf_init(&said->reasoning, mem, SIZE_MAX / 2);
    opro__buf_init(&said->why, mem, SIZE_MAX / 2);
}

void opro__said_clear(opro__said *said) {
    opro__buf_clear(&said->text);
    opro__buf_clear(&said->reasoning);
    opro__buf_clear(&said->why);
}

void opro__said_free(opro__said *said) {
    opro__buf_free(&said->text);
    opro__buf_free(&said->reasoning);
    opro__buf_free(&said->why);
}

void opro__said_text(opro__buf *to, const json_t *text) {
    if (json_is_string(text)) opro__buf_add(to, json_string_value(text), json_string_length(text));
}

json_t *opro__error_in(const json_t *object) {
    json_t *error = json_object_get(object, "error");

    if (json_object_size(error) || json_string_length(error)) return error;
    return NULL;
}

void opro__said_error(opro__said *said, const json_t *error) {
    const json_t *message = json_object_get(error, "message");

    opro__said_text(&said->why, json_is_string(message) ? message : error);
}

/* Reasoning is a string, or a list of parts with texts. */
static void add_reasoning(opro__said *said, const json_t *thought) {
    opro__said_text(&said->reasoning, thought);
    for (size_t i = 0; i < json_array_size(thought); i++) {
        const json_t *part = json_array_get(thought, i);

        opro__said_text(&said->reasoning, part);
        opro__said_text(&said->reasoning, json_object_get(part, "text"));
    }
}

void opro__said_part(opro__said *said, const json_t *part) {
    const char *type = opro__json_text(part, "type", NULL);
    const json_t *text = json_object_get(part, "text");

    if (!type || strcmp(type, "text") == 0 || strcmp(type, "output_text") == 0) {
        int thought = json_is_true(json_object_get(part, "thought")); /* Gemini's */

        opro__said_text(thought ? &said->reasoning : &said->text, text);
    } else if (strcmp(type, "refusal") == 0) {
        opro__said_text(&said->why, json_object_get(part, "refusal"));
    } else if (strcmp(type, "thinking") == 0) {
        add_reasoning(said, json_object_get(part, "thinking"));
    } else if (strncmp(type, "reasoning", 9) == 0 || strcmp(type, "summary_text") == 0) {
        opro__said_text(&said->reasoning, text);
        add_reasoning(said, json_object_get(part, "summary"));
        add_reasoning(said, json_object_get(part, "content"));
    }
}

int opro__said_add(opro__said *said, const json_t *content) {
    opro__said_text(&said->text, content);
    for (size_t i = 0; i < json_array_size(content); i++) {
        const json_t *part = json_array_get(content, i);

        opro__said_text(&said->text, part);
        if (json_typeof(part) == JSON_OBJECT) opro__said_part(said, part);
    }
    if (!content) return 1;
    switch (json_typeof(content)) {
    case JSON_NULL:
    case JSON_STRING:
    case JSON_ARRAY: return 1;
    default: return 0;
    }
}

/* ---- storing --------------------------------------------------------------------------------- */

static int same_word(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        if (opro__lower(*a) != opro__lower(*b)) return 0;
    }
    return *a == *b;
}

static int32_t meaning(const opro__finish *table, const char *finish) {
    for (; finish && table->word; table++)
        if (same_word(table->word, finish)) return table->outcome;
    return OPRO_OUTCOME_WHOLE;
}

static void keep_finish(opro__reply_text *reply, const char *finish) {
    size_t len;

    if (!finish) return;
    len = opro__utf8_cut(finish, strlen(finish), sizeof reply->finish - 1);
    memcpy(reply->finish, finish, len);
    reply->finish[len] = '\0';
}

opro_status opro__answer_put(opro__answer *answer, size_t index, const opro__said *said,
                             const char *finish, const opro__finish *table) {
    int32_t outcome = meaning(table, finish);
    opro__reply_text *reply;
    const opro__buf *text;

    if (said->text.status != OPRO_OK || said->reasoning.status != OPRO_OK ||
        said->why.status != OPRO_OK)
        return OPRO_ERR_NOMEM;
    answer->n_given++;
    if (answer->n_replies == 1) index = 0;
    if (index >= answer->n_replies || answer->replies[index].outcome) return OPRO_OK;
    if (outcome == OPRO_OUTCOME_NONE)
        outcome = said->text.len ? OPRO_OUTCOME_WHOLE : OPRO_OUTCOME_FAILED;
    if (said->why.len && outcome != OPRO_OUTCOME_FAILED) outcome = OPRO_OUTCOME_REFUSED;
    text = said->why.len || outcome == OPRO_OUTCOME_FAILED ? &said->why : &said->text;
    reply = &answer->replies[index];
    reply->text = opro__memdup(answer->mem, opro__buf_text(text), text->len);
    if (!reply->text) return OPRO_ERR_NOMEM;
    reply->len = text->len;
    if (said->reasoning.len) {
        reply->reasoning = opro__memdup(answer->mem, said->reasoning.data, said->reasoning.len);
        if (!reply->reasoning) return OPRO_ERR_NOMEM;
        reply->reasoning_len = said->reasoning.len;
    }
    keep_finish(reply, finish);
    reply->outcome = outcome;
    return OPRO_OK;
}

size_t opro__index_of(const json_t *choice, size_t place) {
    int64_t index;

    if (!json_is_number(json_object_get(choice, "index"))) return place;
    index = opro__json_count(choice, "index", -1);
    return index < 0 ? SIZE_MAX : (size_t)index;
}

/* ---- usage ----------------------------------------------------------------------------------- */

static int64_t within(int64_t value, int64_t most) {
    return value < 0 ? 0 : value > most ? most : value;
}

void opro__usage_set(opro__usage *usage, int64_t prompt, int64_t reply, int64_t cached,
                     int64_t reasoning) {
    const int64_t most = INT64_C(1) << 53;

    usage->known = prompt >= 0 || reply >= 0;
    usage->prompt = within(prompt, most);
    usage->reply = within(reply, most);
    usage->cached = within(cached, usage->prompt);
    usage->reasoning = within(reasoning, usage->reply);
}
