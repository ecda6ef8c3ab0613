/* SPDX-License-Identifier: MIT */
/*
 * Cutting candidates out of replies: one case a line, with the reply and the candidates that are
 * expected.
 */
#include "conformance.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reply.h"
#include "opro/tour.h"

/* What the lines of the file share. */
typedef struct reader {
    opro__mem mem;
    opro__reply reply;
    opro__space pair; /* the vectors of format "pair" */
} reader;

/* ---- reading a case -------------------------------------------------------------------------- */

static int base64_value(char c) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(alphabet, c) : NULL;

    return p ? (int)(p - alphabet) : -1;
}

/* Decoded in place; returns the length. */
static size_t decode_base64(char *s) {
    size_t out = 0;
    unsigned bits = 0, n = 0;

    for (const char *p = s; base64_value(*p) >= 0; p++) {
        bits = (bits << 6 | (unsigned)base64_value(*p)) & 0xffffff;
        n += 6;
        if (n < 8) continue;
        n -= 8;
        s[out++] = (char)(unsigned char)(bits >> n);
    }
    return out;
}

/* The reply's bytes, for free(). */
static char *reply_bytes(const json_t *line, size_t *len) {
    const json_t *text = json_object_get(line, "reply");
    const char *encoded = json_string_value(json_object_get(line, "reply_b64"));
    size_t size = text ? json_string_length(text) : encoded ? strlen(encoded) : 0;
    const char *from = text ? json_string_value(text) : encoded;
    char *bytes = from ? malloc(size + 1) : NULL;

    if (!bytes) return NULL;
    memcpy(bytes, from, size + 1);
    *len = text ? size : decode_base64(bytes);
    return bytes;
}

static int32_t format_named(const char *name) {
    static const struct {
        const char *name;
        int32_t format;
    } formats[] = {
        {"ins", OPRO__FORMAT_INS},     {"start", OPRO__FORMAT_START},
        {"text", OPRO__FORMAT_TEXT},   {"square", OPRO__FORMAT_SQUARE},
        {"trace", OPRO__FORMAT_TRACE}, {"pair", OPRO__FORMAT_VECTOR},
    };

    for (size_t i = 0; name && i < sizeof formats / sizeof *formats; i++)
        if (strcmp(name, formats[i].name) == 0) return formats[i].format;
    return 0;
}

/* ---- what the library makes of it ------------------------------------------------------------ */

static json_t *node_list(const int32_t *nodes, size_t n) {
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(nodes[i]));
    return list;
}

/* The nodes as written, without the way back to the first. */
static json_t *nodes_written(const char *s, size_t len, size_t n) {
    json_t *list = json_array();
    size_t at = 0, token, count;
    int32_t node;

    opro__trace_unwrap(&s, &len);
    while (opro__trace_next(s, len, &at, &token, &node) == 1)
        json_array_append_new(list, json_real(node));
    count = json_array_size(list);
    if (count == n + 1 && json_equal(json_array_get(list, 0), json_array_get(list, n)))
        json_array_remove(list, n);
    return list;
}

static json_t *trace_candidate(reader *r, const opro__found *found, const char *s, size_t n) {
    opro__space space = {
        .kind = OPRO__SPACE_PERMUTATION, .n = n, .symmetry = OPRO_PERMUTATION_CYCLE};
    int32_t *nodes = calloc(n, sizeof *nodes);
    opro_error err;
    opro_status st = opro__permutation_read(&space, s, found->len, nodes, &r->mem, &err);
    json_t *candidate = json_pack("{s:b, s:b, s:b}", "opened", found->opened, "closed",
                                  found->closed, "valid", st == OPRO_OK);

    if (st == OPRO_OK) {
        json_object_set_new(candidate, "nodes", node_list(nodes, n));
        opro__permutation_canonical(&space, nodes);
        json_object_set_new(candidate, "tour", node_list(nodes, n));
    } else {
        size_t word = strcspn(opro_error_message(&err, NULL), ":");

        json_object_set_new(candidate, "reason",
                            json_stringn(opro_error_message(&err, NULL), word));
        if (st == OPRO_ERR_REJECTED)
            json_object_set_new(candidate, "nodes", nodes_written(s, found->len, n));
    }
    free(nodes);
    return candidate;
}

static json_t *pair_candidate(reader *r, const char *s, size_t len) {
    double x[2] = {0, 0};
    opro_error err;

    if (opro__vector_read(&r->pair, s, len, x, &err) != OPRO_OK)
        return json_string(opro_error_message(&err, NULL));
    return json_pack("[f, f]", x[0], x[1]);
}

static json_t *text_candidate(int32_t format, const opro__found *found, const char *s) {
    json_t *candidate = json_object();

    json_object_set_new(candidate, "text", json_stringn(s, found->len));
    if (format == OPRO__FORMAT_SQUARE) return candidate;
    json_object_set_new(candidate, "opened", json_boolean(found->opened));
    json_object_set_new(candidate, "closed", json_boolean(found->closed));
    return candidate;
}

static json_t *candidates_found(reader *r, int32_t format, size_t n) {
    json_t *list = json_array();

    for (size_t i = 0; i < r->reply.n; i++) {
        const opro__found *found = &r->reply.found[i];
        const char *s = opro__buf_text(&r->reply.text) + found->at;

        if (format == OPRO__FORMAT_TRACE)
            json_array_append_new(list, trace_candidate(r, found, s, n));
        else if (format == OPRO__FORMAT_VECTOR)
            json_array_append_new(list, pair_candidate(r, s, found->len));
        else
            json_array_append_new(list, text_candidate(format, found, s));
    }
    return list;
}

/* The last pair, the tour of the last valid trace, or null. */
static json_t *answer_found(const json_t *candidates, int32_t format) {
    json_t *answer = NULL;

    for (size_t i = 0; i < json_array_size(candidates); i++) {
        json_t *candidate = json_array_get(candidates, i);
        json_t *solution =
            format == OPRO__FORMAT_VECTOR ? candidate : json_object_get(candidate, "tour");

        if (solution) answer = solution;
    }
    return answer ? json_incref(answer) : json_null();
}

/* ---- comparing ------------------------------------------------------------------------------- */

static void show(const char *what, const json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    printf("    %s %s\n", what, text ? text : "(nothing)");
    free(text);
}

static int same(const char *id, const char *what, const json_t *expected, const json_t *got) {
    if (json_equal(expected, got)) return 1;
    printf("%s: %s\n", id, what);
    show("expected", expected);
    show("got     ", got);
    return 0;
}

static int case_agrees(reader *r, const json_t *line) {
    const char *id = json_string_value(json_object_get(line, "id"));
    int32_t format = format_named(json_string_value(json_object_get(line, "format")));
    json_t *expected = json_object_get(line, "candidates"),
           *answer = json_object_get(line, "answer");
    size_t n = (size_t)json_number_value(json_object_get(line, "n")), len = 0;
    json_t *got, *got_answer;
    char *bytes = reply_bytes(line, &len);
    int agrees = 0;

    if (!id || !format || !bytes || !expected || (format == OPRO__FORMAT_TRACE && n == 0)) {
        printf("%s: not a case that can be read\n", id ? id : "?");
        free(bytes);
        return 0;
    }
    if (opro__reply_parse(&r->reply, format, &r->pair, bytes, len) != OPRO_OK) {
        printf("%s: the reply was refused\n", id);
        free(bytes);
        return 0;
    }
    got = candidates_found(r, format, n);
    got_answer = answer_found(got, format);
    agrees = same(id, "candidates", expected, got) &&
             (!answer || same(id, "answer", answer, got_answer));
    json_decref(got);
    json_decref(got_answer);
    free(bytes);
    return agrees;
}

static void read_lines(reader *r, char *data, tally *t) {
    size_t number = 1;

    for (char *line = data; line && *line; number++) {
        char *end = strchr(line, '\n');
        json_error_t error;
        json_t *json;

        if (end) *end++ = '\0';
        /* lines may quote integers that are too large for int64_t */
        json = json_loads(line, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
        if (!json) printf("line %zu: %s\n", number, error.text);
        if (json && case_agrees(r, json))
            t->agree++;
        else
            t->disagree++;
        json_decref(json);
        line = end;
    }
}

int conformance_replies(const char *path) {
    char w[] = "w", b[] = "b";
    char *names[] = {w, b};
    reader r = {.pair = {.kind = OPRO__SPACE_VECTOR, .n = 2, .names = names}};
    tally t = {0, 0};
    size_t len;
    char *data = read_file(path, &len);

    if (!data || opro__mem_init(&r.mem, NULL) != OPRO_OK) return CONFORMANCE_TROUBLE;
    opro__reply_init(&r.reply, &r.mem);
    read_lines(&r, data, &t);
    opro__reply_free(&r.reply);
    free(data);
    return tally_print(&t);
}
