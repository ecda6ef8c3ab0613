/* SPDX-License-Identifier: MIT */
/*
 * What a recording says of its endpoint: a client that replays it needs to be told neither address
 * nor model nor dialect.
 */
#include <string.h>

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

/* Gemini: ".../models/NAME:generateContent". */
static void split_gemini(const char *path, size_t len, origin *out) {
    size_t end = len - strlen(":generateContent"), at = end;

    while (at && path[at - 1] != '/')
        at--;
    out->name = path + at;
    out->name_len = end - at;
    if (at) at--;
    while (at && path[at - 1] != '/')
        at--;
    out->base_len = at ? at - 1 : 0;
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

/* "%2F" and the like, as they were. */
static char *decoded(opro__mem *mem, const char *s, size_t len, size_t *out_len) {
    static const char hex[] = "0123456789ABCDEF";
    char *copy = opro__memdup(mem, s, len);
    size_t n = 0;

    for (size_t i = 0; copy && i < len; i++) {
        const char *high = s[i] == '%' && i + 2 < len ? strchr(hex, s[i + 1]) : NULL;
        const char *low = high ? strchr(hex, s[i + 2]) : NULL;

        copy[n++] = low ? (char)((high - hex) * 16 + (low - hex)) : s[i];
        if (low) i += 2;
    }
    if (copy) copy[n] = '\0';
    *out_len = n;
    return copy;
}

static opro_status take_name(opro_model *model, const origin *from, const char *body, size_t len) {
    json_t *root = NULL;
    const char *name = from->name;
    size_t name_len = from->name_len;
    opro_status st = OPRO_OK;

    if (!name) {
        st = opro__json_parse(&root, &model->mem, &model->err, body, len);
        if (st == OPRO_OK) name = opro__json_text(root, "model", &name_len);
    }
    if (st == OPRO_OK && !name)
        st = opro__fail(&model->err, OPRO_ERR_PARSE,
                        "the recording's first request names no model; set it before");
    if (st == OPRO_OK) {
        model->name = decoded(&model->mem, name, name_len, &model->name_len);
        if (!model->name) st = opro__fail(&model->err, OPRO_ERR_NOMEM, "out of memory");
    }
    json_decref(root);
    return st;
}

opro_status opro__replay_endpoint(opro_model *model, opro__recording *recording) {
    origin from = {0};
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
    if (!model->url.text) { /* nothing is sent there: http is as good as https */
        st = opro__url_parse(&model->url, &model->mem, &model->err, base, from.base_len, 1, 0);
        if (st == OPRO_OK) model->replayed_dialect = from.dialect;
    }
    if (st == OPRO_OK && !model->name) st = take_name(model, &from, line.body, line.body_len);
    if (st != OPRO_OK) {
        opro__free(&model->mem, base);
        return st;
    }
    opro__free(&model->mem, model->replayed_base);
    model->replayed_base = base;
    return OPRO_OK;
}
