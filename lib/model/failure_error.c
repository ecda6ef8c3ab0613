/* SPDX-License-Identifier: MIT */
/* Error bodies, as they occur: one tolerant reader. */
#include <stdint.h>
#include <string.h>

#include "base/ascii.h"
#include "failure_parts.h"
#include "json.h"
#include "text.h"

/* Bytes of a text that are searched. How deep and how many they are, opro__json_parse() limits. */
enum { SEARCHED = 4096 };

/* ---- JSON ------------------------------------------------------------------------------------ */

static void fill(const char **slot, const json_t *value) {
    if (!**slot && json_is_string(value)) *slot = json_string_value(value);
}

static void fill_message(opro__complaint *c, const json_t *value) {
    if (c->len || !json_is_string(value)) return;
    c->message = json_string_value(value);
    c->len = json_string_length(value);
}

/* A string or a number: 400, "1300", 503.0. */
static void fill_code(opro__complaint *c, const char **slot, const json_t *value) {
    double number = json_number_value(value); /* 0 if it is none */

    fill(slot, value);
    if (!c->number && number >= 100 && number < 1000) c->number = (int64_t)number;
}

/* Where FastAPI found it: ["body", "n"]; the last name counts. */
static void fill_place(opro__complaint *c, const json_t *loc) {
    for (size_t i = json_array_size(loc); i > 0 && !*c->param; i--)
        fill(&c->param, json_array_get(loc, i - 1));
}

/* Who passes on what another one said. */
static void fill_raw(opro__complaint *c, const json_t *metadata) {
    const json_t *raw = json_object_get(metadata, "raw");

    if (c->raw_len || !json_is_string(raw)) return;
    c->raw = json_string_value(raw);
    c->raw_len = json_string_length(raw);
}

/* What is deeper inside is more precise, so it is read first and the rest fills up. */
static void read_value(opro__complaint *c, const json_t *value) {
    static const char *const inside[] = {"error", "message", "detail", "errors"};
    static const char *const words[] = {"message", "msg", "detail", "error"};

    if (json_is_array(value)) {
        read_value(c, json_array_get(value, 0));
        return;
    }
    fill_message(c, value);
    if (!json_is_object(value)) return;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        const json_t *member = json_object_get(value, inside[i]);

        if (json_is_object(member) || json_is_array(member)) read_value(c, member);
    }
    if (!c->object) c->object = value;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        fill_message(c, json_object_get(value, words[i]));
    fill(&c->type, json_object_get(value, "type"));
    fill_code(c, &c->code, json_object_get(value, "code"));
    fill_code(c, &c->status, json_object_get(value, "status"));
    fill(&c->param, json_object_get(value, "param"));
    fill_place(c, json_object_get(value, "loc"));
    fill(&c->request_id, json_object_get(value, "request_id"));
    fill_raw(c, json_object_get(value, "metadata"));
}

/* ---- anything else --------------------------------------------------------------------------- */

/* The first printable bytes without tags, rows of blanks as one. */
static void read_plain(opro__complaint *c, const char *s, size_t len, int tags) {
    size_t out = 0;
    int inside = 0;

    for (size_t i = 0; i < len && out < sizeof c->page - 4; i++) {
        char letter = (unsigned char)s[i] <= ' ' || s[i] == 0x7F ? ' ' : s[i];

        if (tags && letter == '<') inside = 1;
        if (inside) letter = s[i] == '>' ? ' ' : '\0';
        if (tags && s[i] == '>') inside = 0;
        if (letter && (letter != ' ' || (out && c->page[out - 1] != ' '))) c->page[out++] = letter;
    }
    c->page[out] = '\0';
    c->message = c->page;
    c->len = out;
}

/* Of a page of HTML its title says most. */
static void read_html(opro__complaint *c, const char *s, size_t len) {
    const char *end = s + len;
    const char *title = opro__find_letters(s, len, "<title"), *stop = NULL;

    if (title) title = memchr(title, '>', (size_t)(end - title));
    if (title) stop = memchr(title, '<', (size_t)(end - title));
    if (stop) read_plain(c, title + 1, (size_t)(stop - title - 1), 0);
    if (!c->len) read_plain(c, s, len, 1);
}

void opro__complaint_read(opro__complaint *c, const json_t *error, const char *body, size_t len) {
    *c = (opro__complaint){.message = "",
                           .raw = "",
                           .type = "",
                           .code = "",
                           .param = "",
                           .status = "",
                           .request_id = ""};
    read_value(c, error);
    if (c->len) return;
    while (len && (unsigned char)*body <= ' ')
        body++, len--;
    if (len && *body == '<')
        read_html(c, body, len);
    else
        read_plain(c, body, len, 0);
}

/* ---- looking for words ----------------------------------------------------------------------- */

static size_t searched(size_t len) {
    return len < SEARCHED ? len : SEARCHED;
}

int opro__complaint_says(const opro__complaint *c, const char *word) {
    return opro__find_letters(c->message, searched(c->len), word) ||
           opro__find_letters(c->raw, searched(c->raw_len), word) ||
           opro__find_letters(c->code, strlen(c->code), word) ||
           opro__find_letters(c->type, strlen(c->type), word);
}

int opro__complaint_says_any(const opro__complaint *c, const char *const *words) {
    for (; *words; words++)
        if (opro__complaint_says(c, *words)) return 1;
    return 0;
}

static int holds(const json_t *value, const char *word) {
    json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators do not change it */

    if (json_is_string(value))
        return opro__find_letters(json_string_value(value), searched(json_string_length(value)),
                                  word) != NULL;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (holds(json_array_get(value, i), word)) return 1;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);

        if (opro__find_letters(key, strlen(key), word) || holds(json_object_iter_value(at), word))
            return 1;
    }
    return 0;
}

int opro__complaint_holds(const opro__complaint *c, const char *word) {
    return holds(c->object, word);
}

int opro__complaint_is(const opro__complaint *c, const char *const *names) {
    for (; *names; names++)
        if (strcmp(c->code, *names) == 0 || strcmp(c->type, *names) == 0 ||
            strcmp(c->status, *names) == 0)
            return 1;
    return 0;
}

static int in_word(char c) {
    return opro__is_letter(c) || opro__is_digit(c) || c == '_' || c == '\\';
}

static int is_quote(char c) {
    return c == '\'' || c == '"' || c == '`';
}

static int names(const char *s, size_t len, const char *name, int only_quoted) {
    size_t n = strlen(name);
    const char *end = s + len;

    for (const char *at = s; (at = opro__find_letters(at, (size_t)(end - at), name)); at++) {
        char before = at > s ? at[-1] : ' ', after = at + n < end ? at[n] : ' ';

        if (is_quote(before) && is_quote(after)) return 1;
        if (!only_quoted && !in_word(before) && !in_word(after) && before != '\'') return 1;
    }
    return 0;
}

int opro__complaint_names(const opro__complaint *c, const char *name, int only_quoted) {
    return names(c->message, searched(c->len), name, only_quoted) ||
           names(c->raw, searched(c->raw_len), name, only_quoted);
}
