/* SPDX-License-Identifier: MIT */
/* Vectors of examining instructions: what a model is sent. */
#include <string.h>

#include "exam/exam.h"
#include "vectors.h"

static int32_t position_named(const char *name) {
    static const struct {
        const char *name;
        int32_t position;
    } positions[] = {
        {"before_Q", OPRO_POSITION_BEFORE_Q},
        {"Q_begin", OPRO_POSITION_Q_BEGIN},
        {"Q_end", OPRO_POSITION_Q_END},
        {"A_begin", OPRO_POSITION_A_BEGIN},
    };
    size_t i = 0;

    while (i < 3 && strcmp(positions[i].name, name) != 0)
        i++;
    return positions[i].position;
}

/* All there is to send is one message of the user's. */
json_t *vector_scorer_prompt(const json_t *in) {
    const json_t *instruction = json_object_get(in, "instruction");
    const json_t *question = json_object_get(in, "question");
    opro__form form = {0};
    opro__messages messages;
    json_t *out = NULL;
    opro_error err;
    opro__mem mem;

    opro__mem_init(&mem, NULL);
    opro__messages_init(&messages, &mem);
    if (opro__form_init(&form, &mem, position_named(json_string_value(json_object_get(in, "pos"))),
                        json_is_true(json_object_get(in, "include_qa")), &err) == OPRO_OK &&
        opro__form_write(&form, json_string_value(instruction), json_string_length(instruction),
                         json_string_value(question), json_string_length(question), &messages,
                         &err) == OPRO_OK &&
        messages.n == 1)
        out = json_stringn(messages.text.data, messages.all[0].len);
    opro__messages_free(&messages);
    opro__form_free(&form, &mem);
    return out;
}
