/* SPDX-License-Identifier: MIT */
/* Simple rules: the same text, whole words, a member of a JSON object. */
#include <math.h>
#include <string.h>

#include "base/json_cursor.h"
#include "base/num.h"
#include "base/utf8.h"
#include "metric.h"
#include "metric_strict.h"
#include "opro/dataset.h"

static opro_status no_memory(opro_metric *metric) {
    return opro__fail(&metric->err, OPRO_ERR_NOMEM, "out of memory");
}

/* ---- the same text, whole words -------------------------------------------------------------- */

opro_status opro__metric_exact(opro_metric *metric, const opro__matter *matter) {
    const opro__piece reply = opro__piece_strip(matter->reply);

    return opro__metric_decide(metric, opro__piece_same(reply, opro__piece_strip(matter->answer)),
                               reply, "exact");
}

static opro__piece lower_copy(opro__buf *buf, opro__piece text) {
    opro__buf_clear(buf);
    opro__letters_lower(buf, text, NULL);
    return (opro__piece){opro__buf_text(buf), buf->len};
}

opro_status opro__metric_contains(opro_metric *metric, const opro__matter *matter) {
    const opro__piece reply = lower_copy(&metric->reply, matter->reply);
    const opro__piece wanted = opro__piece_strip(lower_copy(&metric->answer, matter->answer));
    const opro__piece nothing = {"", 0};
    int found;

    if (metric->reply.status != OPRO_OK || metric->answer.status != OPRO_OK)
        return no_memory(metric);
    if (wanted.len == 0)
        return opro__fail(&metric->err, OPRO_ERR_INVALID,
                          "the answer that is wanted is empty: every reply would contain it");
    found = opro__word_find(reply, wanted) != NULL;
    return opro__metric_decide(metric, found, found ? opro__piece_strip(matter->answer) : nothing,
                               "contains");
}

int opro__metric_same(const opro_metric *metric, opro__piece got, opro__piece wanted) {
    double a, b;

    got = opro__piece_strip(got);
    wanted = opro__piece_strip(wanted);
    if (opro__piece_same(got, wanted)) return 1;
    if (metric->task != OPRO_TASK_NUMBER || !opro__piece_float(got, &a) ||
        !opro__piece_float(wanted, &b))
        return 0;
    return fabs(a - b) <= metric->absolute + metric->relative * fabs(b);
}

/* ---- members of JSON ------------------------------------------------------------------------- */

/* Bytes looked at for each byte of the reply, before the search for an object is given up. */
#define LOOKS 8

/* Is this, in its quotes, the name that is looked for? -1: no memory. */
static int is_member(opro_metric *metric, const char *quoted, size_t len) {
    opro__cursor cursor;
    char *name;
    size_t n;

    opro__buf_clear(&metric->work);
    opro__buf_add(&metric->work, quoted, len);
    if (metric->work.status != OPRO_OK) return -1;
    cursor = (opro__cursor){.s = metric->work.data, .len = len};
    return opro__cursor_string(&cursor, &name, &n) && n == metric->pattern_len &&
           memcmp(name, metric->pattern, n) == 0;
}

/* The member's value in the object at s, whole as it is: the last one of that name. */
static int member_of(opro_metric *metric, char *s, size_t len, opro__piece *value) {
    opro__cursor cursor = {.s = s, .len = len, .newlines = 1};
    int found = 0;

    opro__cursor_take(&cursor, '{', "{");
    while (opro__cursor_peek(&cursor) == '"') {
        const char *name, *text;
        size_t name_len, text_len;
        int is;

        opro__cursor_skip(&cursor, &name, &name_len);
        opro__cursor_take(&cursor, ':', ":");
        opro__cursor_skip(&cursor, &text, &text_len);
        is = is_member(metric, name, name_len);
        if (is < 0) return -1;
        if (is) *value = (opro__piece){text, text_len};
        found |= is;
        if (opro__cursor_peek(&cursor) == ',') opro__cursor_take(&cursor, ',', ",");
    }
    return found;
}

/* The last object of the reply that has the member. 1, 0, or -1: no memory. */
static int find_member(opro_metric *metric, opro__piece reply, opro__piece *value) {
    size_t looks = 0, at = 0;
    int any = 0;

    while (at < reply.len && looks <= LOOKS * reply.len) {
        const char *open = memchr(reply.s + at, '{', reply.len - at), *object;
        opro__cursor cursor;
        size_t len;
        int found;

        if (!open) break;
        at = (size_t)(open - reply.s);
        cursor = (opro__cursor){.s = metric->reply.data, .len = reply.len, .at = at, .newlines = 1};
        if (!opro__cursor_skip(&cursor, &object, &len)) {
            looks += cursor.at - at + 1;
            at++;
            continue;
        }
        found = member_of(metric, metric->reply.data + at, len, value);
        if (found < 0) return -1;
        any |= found;
        at += len;
    }
    return any;
}

/* A string without its quotes and escapes; anything else as it is. */
static opro__piece plain_value(opro_metric *metric, opro__piece value) {
    opro__cursor cursor;
    char *text;
    size_t len;

    if (value.len == 0 || value.s[0] != '"') return value;
    cursor =
        (opro__cursor){.s = metric->reply.data + (value.s - metric->reply.data), .len = value.len};
    return opro__cursor_string(&cursor, &text, &len) ? (opro__piece){text, len} : value;
}

opro_status opro__metric_json_field(opro_metric *metric, const opro__matter *matter) {
    opro__piece reply, value = {"", 0};
    double a, b;
    int found, right;

    if (!metric->pattern)
        return opro__fail(&metric->err, OPRO_ERR_STATE,
                          "there is no member's name yet: opro_metric_set_pattern()");
    opro__buf_clear(&metric->reply);
    opro__utf8_repair(&metric->reply, matter->reply.s, matter->reply.len);
    if (metric->reply.status != OPRO_OK) return no_memory(metric);
    reply = (opro__piece){opro__buf_text(&metric->reply), metric->reply.len};
    found = find_member(metric, reply, &value);
    if (found < 0) return no_memory(metric);
    value = plain_value(metric, value);
    right = found && opro__metric_same(metric, value, matter->answer);
    if (found && !right && opro__piece_float(value, &a) && opro__piece_float(matter->answer, &b))
        right = a == b;
    return opro__metric_decide(metric, right, value, found ? "JSON member" : "no such member");
}
