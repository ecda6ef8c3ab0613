/* SPDX-License-Identifier: MIT */
/* Further members of the bodies. */
#include <string.h>

#include "json.h"
#include "model.h"

#define MOST_MEMBERS ((size_t)1 << 20)

static int is_word(const char *word, const char *name, size_t len) {
    return strlen(word) == len && memcmp(word, name, len) == 0;
}

static int written_by_us(const opro_model *model, const char *name, size_t len) {
    const opro__url *url = model->url.text ? &model->url : NULL;
    const opro__dialect *dialect =
        model->dialect
            ? model->dialect
            : opro__dialect_find((int32_t)OPRO__INT(&model->options, MODEL_DIALECT), url);
    const char *seed = opro__known_seed(dialect, url);

    for (const char *const *word = dialect->members; *word; word++)
        if (is_word(*word, name, len)) return 1;
    return seed && is_word(seed, name, len);
}

const char *opro__model_written_twice(const opro_model *model) {
    for (size_t i = 0; i < model->n_members; i++) {
        const char *name = model->member_names[i];

        if (written_by_us(model, name, strlen(name))) return name;
    }
    return NULL;
}

static size_t find_member(const opro_model *model, const char *name, size_t len) {
    size_t i = 0;

    while (i < model->n_members && (strlen(model->member_names[i]) != len ||
                                    memcmp(model->member_names[i], name, len) != 0))
        i++;
    return i;
}

static void write_member(opro__buf *out, const char *name, size_t name_len, const char *json,
                         size_t len) {
    if (out->len) opro__buf_addc(out, ',');
    opro__buf_add_json(out, name, name_len);
    opro__buf_addc(out, ':');
    opro__buf_add(out, json, len);
}

/* All members as they will be: with this one in place of an earlier one, or without it. */
static opro_status write_members(opro_model *model, opro__buf *out, const char *name,
                                 size_t name_len, const char *json, size_t len) {
    size_t old = find_member(model, name, name_len);

    opro__buf_init(out, &model->mem, MOST_MEMBERS);
    for (size_t i = 0; i < model->n_members; i++)
        if (i != old)
            write_member(out, model->member_names[i], strlen(model->member_names[i]),
                         model->member_values[i], strlen(model->member_values[i]));
    if (json) write_member(out, name, name_len, json, len);
    if (out->status == OPRO_ERR_LIMIT)
        return opro__fail(&model->err, OPRO_ERR_LIMIT,
                          "all parameters together have more than %zu bytes; leave some out",
                          MOST_MEMBERS);
    return out->status == OPRO_OK ? OPRO_OK : opro__model_no_memory(model);
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
    opro__buf more;
    size_t old;
    int had;

    if (st == OPRO_OK) st = opro__model_check_text(model, &name, &name_len, "the parameter's name");
    if (st != OPRO_OK) return st;
    if (!name_len || (json && written_by_us(model, name, name_len)))
        return opro__fail(&model->err, OPRO_ERR_INVALID,
                          "%s is written by the client itself; see the functions of calls",
                          opro__quote(name, name_len).text);
    if (json) {
        opro__arg(&json, &json_len);
        st = opro__json_check(&model->mem, &model->err, json, json_len);
    }
    if (st != OPRO_OK) return st;
    old = find_member(model, name, name_len);
    had = old < model->n_members;
    st = write_members(model, &more, name, name_len, json, json_len);
    if (st == OPRO_OK && json) st = add_member(model, name, name_len, json, json_len);
    if (st != OPRO_OK) {
        opro__buf_free(&more);
        return st;
    }
    if (had) remove_member(model, old);
    opro__buf_free(&model->more);
    model->more = more;
    return OPRO_OK;
}
