/* SPDX-License-Identifier: MIT */
/* The way of a reply: repair, read by its format, keep what was found. */
#include "reply.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "reply_parts.h"

/* A bad byte becomes three; a number as short as 9e14 becomes fifteen digits. */
#define TEXT_MAX (4 * OPRO__REPLY_MAX)
#define KEEP_MAX ((size_t)1 << 20)

void opro__reply_init(opro__reply *reply, opro__mem *mem) {
    *reply = (opro__reply){0};
    opro__buf_init(&reply->text, mem, TEXT_MAX);
}

void opro__reply_free(opro__reply *reply) {
    if (reply->text.mem) opro__free(reply->text.mem, reply->found);
    opro__buf_free(&reply->text);
    reply->found = NULL;
    reply->n = reply->cap = 0;
}

/* Memory is kept for the next reply, but not what a monstrous one took. */
static void forget(opro__reply *reply) {
    if (reply->text.cap > KEEP_MAX) opro__buf_free(&reply->text);
    if (reply->cap > KEEP_MAX / sizeof *reply->found) {
        opro__free(reply->text.mem, reply->found);
        reply->found = NULL;
        reply->cap = 0;
    }
    opro__buf_clear(&reply->text);
    reply->n = 0;
}

/* ---- what was found -------------------------------------------------------------------------- */

opro_status opro__reading_commit(opro__reading *reading, size_t at, int opened, int closed) {
    opro__reply *reply = reading->reply;
    void *found = reply->found;

    if (reply->text.status != OPRO_OK) return reply->text.status;
    if (!opro__reserve(reply->text.mem, &found, &reply->cap, reply->n + 1, sizeof *reply->found))
        return OPRO_ERR_NOMEM;
    reply->found = found;
    reply->found[reply->n++] = (opro__found){
        .at = (uint32_t)at,
        .len = (uint32_t)(reply->text.len - at),
        .opened = opened != 0,
        .closed = closed != 0,
    };
    return OPRO_OK;
}

static opro__slice found_text(const opro__reply *reply, size_t i) {
    return (opro__slice){reply->text.data + reply->found[i].at, reply->found[i].len};
}

static int same_text(void *key, uint32_t index, const void *owner) {
    const opro__slice *text = key;
    opro__slice other = found_text(owner, index);

    return text->len == other.len && memcmp(text->s, other.s, text->len) == 0;
}

/*
 * The index of what was found follows behind: the usual reply holds one candidate and needs none.
 */
static opro_status index_found(opro__reading *reading) {
    for (size_t i = reading->seen.count; i < reading->reply->n; i++) {
        opro__slice text = found_text(reading->reply, i);

        if (!opro__map_reserve(&reading->seen)) return OPRO_ERR_NOMEM;
        opro__map_insert(&reading->seen, opro__hash_bytes(text.s, text.len), (uint32_t)i);
    }
    return OPRO_OK;
}

static opro_status is_repeat(opro__reading *reading, opro__slice text, int *repeat) {
    opro_status st = index_found(reading);

    if (st != OPRO_OK) return st;
    *repeat = opro__map_find(&reading->seen, opro__hash_bytes(text.s, text.len), &text, same_text,
                             reading->reply) != OPRO__MAP_NONE;
    return OPRO_OK;
}

opro_status opro__reading_add(opro__reading *reading, opro__slice text, int opened, int closed) {
    opro__reply *reply = reading->reply;
    size_t at = reply->text.len;
    int drop = 0;

    if (reading->texts && text.len == 0) return OPRO_OK;
    if (reading->texts && reply->n > 0) {
        opro_status st = is_repeat(reading, text, &drop);

        if (st != OPRO_OK || drop) return st;
    }
    opro__buf_add(&reply->text, text.s, text.len);
    return opro__reading_commit(reading, at, opened, closed);
}

void opro__reading_restart(opro__reading *reading) {
    forget(reading->reply);
    opro__map_free(&reading->seen);
}

/* ---- reading --------------------------------------------------------------------------------- */

static opro_status read_brackets(opro__reading *reading, int32_t format, const opro__space *space,
                                 opro__slice text) {
    opro__buf visible;
    opro_status st;

    opro__buf_init(&visible, reading->reply->text.mem, TEXT_MAX);
    st = opro__cut_reasoning(&text, &visible);
    if (st == OPRO_OK)
        st = format == OPRO__FORMAT_SQUARE ? opro__reading_square(reading, text)
                                           : opro__reading_vectors(reading, space, text);
    opro__buf_free(&visible);
    return st;
}

static opro_status read_text(opro__reading *reading, int32_t format, const opro__space *space,
                             opro__slice text) {
    switch (format) {
    case OPRO__FORMAT_INS: return opro__reading_tags(reading, "INS", 0, text);
    case OPRO__FORMAT_START: return opro__reading_tags(reading, "Start", 0, text);
    case OPRO__FORMAT_TEXT: return opro__reading_tags(reading, "TEXT", 0, text);
    case OPRO__FORMAT_TRACE: return opro__reading_tags(reading, "trace", 1, text);
    default:
        assert(format == OPRO__FORMAT_SQUARE || format == OPRO__FORMAT_VECTOR);
        return read_brackets(reading, format, space, text);
    }
}

opro_status opro__reply_parse(opro__reply *reply, int32_t format, const opro__space *space,
                              const char *s, size_t len) {
    opro__reading reading = {.reply = reply};
    opro__slice text = {s, len};
    opro__buf repaired;
    opro_status st = OPRO_OK;

    forget(reply);
    if (len == 0) return OPRO_OK;
    if (len > OPRO__REPLY_MAX) return OPRO_ERR_LIMIT;
    opro__map_init(&reading.seen, reply->text.mem);
    reading.texts = format != OPRO__FORMAT_TRACE && format != OPRO__FORMAT_VECTOR;
    opro__buf_init(&repaired, reply->text.mem, TEXT_MAX);
    if (!opro__utf8_valid(s, len)) {
        opro__utf8_repair(&repaired, s, len);
        text = (opro__slice){opro__buf_text(&repaired), repaired.len};
        st = repaired.status;
    }
    if (st == OPRO_OK) st = read_text(&reading, format, space, text);
    opro__map_free(&reading.seen);
    opro__buf_free(&repaired);
    if (st != OPRO_OK) forget(reply);
    return st;
}
