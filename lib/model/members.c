/* SPDX-License-Identifier: MIT */
/* Further members of the bodies. */
#include <string.h>

#include "json.h"
#include "model.h"

static int written_by_us(const opro_model *model, const char *name, size_t len) {
    const opro__dialect *dialect = opro__dialect_find(
        (int32_t)OPRO__INT(&model->options, MODEL_DIALECT), model->url.text ? &model->url : NULL);

    for (const char *const *word = dialect->members; *word; word++)
        if (strlen(*word) == len && memcmp(*word, name, len) == 0) return 1;
    return 0;
}

static opro_status write_members(opro_model *model) {
    opro__buf_clear(&model->more);
    for (size_t i = 0; i < model->n_members; i++) {
        if (i) opro__buf_addc(&model->more, ',');
        opro__buf_add_json(&model->more, model->member_names[i], strlen(model->member_names[i]));
        opro__buf_addc(&model->more, ':');
        opro__buf_addz(&model->more, model->member_values[i]);
    }
    return model->more.status == OPRO_OK ? OPRO_OK : opro__model_no_memory(model);
}

static void remove_member(opro_model *model, size_t i) {
    opro__free(&model->mem, model->member_names[i]);
    opro__free(&model->mem, model->member_values[i]);
    model->n_members--;
    for (; i < model->n_members; i++) {
        model->member_names[i] = model->member_names[i + 1];
        model->member_values[i] = model->member_values[i + 1];
    }
}

static opro_status add_member(opro_model *model, const char *name, size_t name_len,
                              const char *json, size_t len) {
    size_t cap = model->cap_members;
    void *names = model->member_names, *values = model->member_values;
    char *name_copy, *copy;

    if (!opro__reserve(&model->mem, &names, &cap, model->n_members + 1, sizeof(char *)))
        return opro__model_no_memory(model);
    model->member_names = names;
    cap = model->cap_members;
    if (!opro__reserve(&model->mem, &values, &cap, model->n_members + 1, sizeof(char *)))
        return opro__model_no_memory(model);
    model->member_values = values;
    model->cap_members = cap;
    name_copy = opro__memdup(&model->mem, name, name_len);
    copy = opro__memdup(&model->mem, json, len);
    if (!name_copy || !copy) {
        opro__free(&model->mem, name_copy);
        opro__free(&model->mem, copy);
        return opro__model_no_memory(model);
    }
    model->member_names[model->n_members] = name_copy;
    model->member_values[model->n_members++] = copy;
    return OPRO_OK;
}

opro_status opro_model_set_parameter(opro_model *model, const char *name, size_t name_len,
                                     const char *json, size_t json_len) {
    opro_status st = opro__model_enter_idle(model, OPRO__CALL_opro_model_set_parameter);

    if (st == OPRO_OK) st = opro__model_check_text(model, &name, &name_len, "the parameter's name");
    if (st != OPRO_OK) return st;
    if (!name_len || written_by_us(model, name, name_len))
        return opro__fail(&model->err, OPRO_ERR_INVALID,
                          "%s is written by the client itself; see the functions of calls",
                          opro__quote(name, name_len).text);
    if (json) {
        if (!opro__arg(&json, &json_len)) return OPRO_ERR_INVALID;
        st = opro__json_check(&model->mem, &model->err, json, json_len);
        if (st == OPRO_OK) st = add_member(model, name, name_len, json, json_len);
        if (st != OPRO_OK) return st;
    }
    for (size_t i = 0; i + (json != NULL) < model->n_members; i++)
        if (strlen(model->member_names[i]) == name_len &&
            memcmp(model->member_names[i], name, name_len) == 0) {
            remove_member(model, i);
            break;
        }
    return write_members(model);
}
