/* SPDX-License-Identifier: MIT */
/*
 * What a recording says of its endpoint: a client that replays it needs to be told neither address
 * nor model nor dialect.
 */
#include <string.h>

#include "base/ascii.h"
#include "json.h"
#include "model.h"
#include "recording_parts.h"

/* How the paths of a dialect end; the longest first. Gemini's has the model's name in it. */
static const struct {
    const char *end;
    int32_t dialect;
} endings[] = {
    {"/chat/completions", OPRO_DIALECT_OPENAI}, {"/completions", OPRO_DIALECT_COMPLETIONS},
    {"/responses", OPRO_DIALECT_RESPONSES},     {"/messages", OPRO_DIALECT_ANTHROPIC},
    {":generateContent", OPRO_DIALECT_GEMINI},
};

typedef struct origin {
    int32_t dialect;
    size_t base_len; /* of the path, up to the dialect's part */
    const char *name;
    size_t name_len;
} origin;

static int ends(const char *s, size_t len, const char *end) {
    size_t n = strlen(end);

    return len >= n && memcmp(s + len - n, end, n) == 0;
}

/* Where the segment of a path begins that ends at at. */
static size_t segment(const char *path, size_t at) {
    while (at && path[at - 1] != '/')
        at--;
    return at;
}

/* Gemini: ".../models/NAME:generateContent", or tunedModels, which the name has to say. */
static void split_gemini(const char *path, size_t len, origin *out) {
    size_t end = len - strlen(":generateContent"), last = segment(path, end);
    size_t place = last ? segment(path, last - 1) : 0;

    out->name = path + place;
    out->name_len = end - place;
    out->base_len = place ? place - 1 : 0;
}

/* 1 if the path is one of a dialect's. */
static int split_path(const char *path, size_t len, origin *out) {
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (!ends(path, len, endings[i].end)) continue;
        out->dialect = endings[i].dialect;
        out->base_len = len - strlen(endings[i].end);
        if (out->dialect == OPRO_DIALECT_GEMINI) split_gemini(path, len, out);
        return 1;
    }
    return 0;
}

/* The value of "%2F" and the like at s; -1: it is none. */
static int escaped(const char *s, size_t len) {
    unsigned high = len > 2 && s[0] == '%' ? opro__hex(opro__lower(s[1])) : 16;
    unsigned low = high < 16 ? opro__hex(opro__lower(s[2])) : 16;

    return low < 16 ? (int)(high * 16 + low) : -1;
}

static void add_decoded(opro__buf *out, const char *s, size_t len) {
    for (size_t i = 0; i < len; i++) {
        int value = escaped(s + i, len - i);

        opro__buf_addc(out, value < 0 ? s[i] : (char)value);
        if (value >= 0) i += 2;
    }
}

/* The name, of the path or of the first request. */
static opro_status find_name(opro_model *model, const origin *from, const char *body, size_t len,
                             opro__buf *out) {
    json_t *root = NULL;
    const char *name = NULL;
    opro_status st;

    if (from->name) {
        add_decoded(out, from->name, from->name_len);
        return out->status;
    }
    st = opro__json_parse(&root, &model->mem, &model->err, body, len);
    if (st == OPRO_OK) name = opro__json_text(root, "model", &len);
    if (name)
        opro__buf_add(out, name, len);
    else if (st == OPRO_OK)
        st = opro__fail(&model->err, OPRO_ERR_PARSE,
                        "the recording's first request names no model; set it before");
    json_decref(root);
    return st == OPRO_OK ? out->status : st;
}

static opro_status take_name(opro_model *model, const origin *from, const char *body, size_t len) {
    opro__buf found;
    const char *name;
    opro_status st;

    opro__buf_init(&found, &model->mem, SIZE_MAX / 2);
    st = find_name(model, from, body, len, &found);
    if (found.status == OPRO_ERR_NOMEM) opro__model_no_memory(model);
    name = opro__buf_text(&found);
    len = found.len;
    if (st == OPRO_OK) st = opro__model_check_text(model, &name, &len, "the recording's model");
    if (st == OPRO_OK) st = opro__model_set_text(model, &model->name, name, len, 0);
    if (st == OPRO_OK) model->name_len = len;
    opro__buf_free(&found);
    return st;
}

opro_status opro__replay_endpoint(opro_model *model, opro__recording *recording) {
    origin from = {0};
    opro__url url = {0};
    opro__line line;
    char *base = NULL;
    opro_status st;

    if (!opro__recording_count(recording))
        return opro__fail(&model->err, OPRO_ERR_PARSE, "the recording holds no exchange");
    st = opro__recording_line(recording, 0, 0, &line, &model->err);
    if (st != OPRO_OK) return st;
    if (!split_path(line.path, line.path_len, &from))
        return opro__fail(&model->err, OPRO_ERR_PARSE,
                          "the recording's first path, %s, is of no dialect that is known here",
                          opro__quote(line.path, line.path_len).text);
    base = opro__memdup(&model->mem, line.path, from.base_len);
    if (!base) return opro__fail(&model->err, OPRO_ERR_NOMEM, "out of memory");
    if (!model->url.text) /* nothing is sent there: http is as good as https */
        st = opro__url_parse(&url, &model->mem, &model->err, base, from.base_len, 1, 0);
    if (st == OPRO_OK && !model->name) st = take_name(model, &from, line.body, line.body_len);
    if (st != OPRO_OK) {
        opro__url_free(&url, &model->mem);
        opro__free(&model->mem, base);
        return st;
    }
    if (url.text) {
        model->url = url;
        model->replayed_dialect = from.dialect;
    }
    opro__free(&model->mem, model->replayed_base);
    model->replayed_base = base;
    return OPRO_OK;
}
