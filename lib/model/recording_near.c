/* SPDX-License-Identifier: MIT */
/*
 * What to say of a request that is not recorded: the nearest is the one to the same path whose body
 * is the same for longest. Looked at are all exchanges of a small recording; of a large one those
 * around the exchange that was handed out last (what should have come next is there), and as many
 * spread over the whole.
 */
#include "recording_parts.h"

#include <string.h>

#include "base/utf8.h"

enum { NEARBY = 1000, BEHIND = 200, SPREAD = 1000 };

/* No more bytes are read than these. */
#define BYTES ((size_t)64 << 20)

/* The k-th exchange to look at; at least r->count: there is none. */
static size_t candidate(const opro__recording *r, size_t k) {
    if (r->count <= NEARBY + SPREAD) return k;
    if (k < NEARBY) return k + (r->recent > BEHIND ? r->recent - BEHIND : 0);
    return (size_t)((uint64_t)(k - NEARBY) * r->count / SPREAD);
}

static size_t common(const opro__line *a, const opro__line *b) {
    size_t n = a->body_len < b->body_len ? a->body_len : b->body_len, i = 0;

    while (i < n && a->body[i] == b->body[i])
        i++;
    return i;
}

/* The nearest, and for how many bytes it is the same; OPRO__MAP_NONE: none is to this path. */
static opro_status nearest(opro__recording *r, const opro__line *wanted, uint32_t *found,
                           size_t *same, opro_error *err) {
    size_t bytes = 0;

    *found = OPRO__MAP_NONE;
    for (size_t k = 0; k < NEARBY + SPREAD && bytes < BYTES; k++) {
        size_t index = candidate(r, k), n;
        opro__line line;
        opro_status st;

        if (index >= r->count) continue;
        st = opro__recording_line(r, (uint32_t)index, 0, &line, err);
        if (st != OPRO_OK) return st;
        bytes += opro__recording_line_len(r, (uint32_t)index);
        if (line.path_len != wanted->path_len ||
            memcmp(line.path, wanted->path, line.path_len) != 0)
            continue;
        n = common(&line, wanted);
        if (*found != OPRO__MAP_NONE && n <= *same) continue;
        *found = (uint32_t)index;
        *same = n;
    }
    return OPRO_OK;
}

/*
 * About 40 bytes around a place, in single quotes and escaped by \' and \x0a, which JSON, full of
 * double quotes and with backslashes of its own, does not have.
 */
typedef struct excerpt {
    char text[140];
} excerpt;

/* How s begins, for people; *taken: how many bytes that is. The result's length, at most 4. */
static size_t escape(const char *s, size_t len, char *out, size_t *taken) {
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*s;
    size_t n = opro__utf8_sequence(s, len);

    *taken = n ? n : 1;
    if (n > 1 || (n && c >= 0x20 && c != 0x7f && c != '\'')) {
        memcpy(out, s, n);
        return n;
    }
    out[0] = '\\';
    if (c == '\'') {
        out[1] = (char)c;
        return 2;
    }
    out[1] = 'x';
    out[2] = hex[c >> 4];
    out[3] = hex[c & 15];
    return 4;
}

static excerpt around(const char *s, size_t len, size_t place) {
    const size_t before = 20, whole = 40, room = sizeof(excerpt) - 6;
    size_t at = place > before ? place - before : 0, end, n = 0, taken;
    excerpt e;

    while (at < place && ((unsigned char)s[at] & 0xc0) == 0x80)
        at++; /* not from the middle of a letter */
    end = len - at > whole ? at + whole : len;
    e.text[n++] = '\'';
    if (at) {
        memcpy(e.text + n, "...", 3);
        n += 3;
    }
    for (; at < end && n + 4 <= room; at += taken)
        n += escape(s + at, len - at, e.text + n, &taken);
    if (at < len) {
        memcpy(e.text + n, "...", 3);
        n += 3;
    }
    memcpy(e.text + n, "'", 2);
    return e;
}

static opro_status say_used_up(const opro__recording *r, uint32_t first, const opro__line *wanted,
                               opro_error *err) {
    size_t times = 0;

    for (uint32_t i = first; i != OPRO__MAP_NONE; i = r->places[i].next)
        times++;
    return opro__fail(err, OPRO_ERR_UNKNOWN,
                      "a request to %s is asked for more often than it is in %s: %zu time%s, last "
                      "in line %zu",
                      opro__quote(wanted->path, wanted->path_len).text,
                      opro__quote(r->file.path, strlen(r->file.path)).text, times,
                      times == 1 ? "" : "s", (size_t)r->places[first].last + 2);
}

static opro_status say_no_path(opro__recording *r, const opro__line *wanted, opro_error *err) {
    opro__line line;
    opro_status st;

    if (!r->count)
        return opro__fail(err, OPRO_ERR_UNKNOWN, "there are no exchanges in %s",
                          opro__quote(r->file.path, strlen(r->file.path)).text);
    st = opro__recording_line(r, 0, 0, &line, err);
    if (st != OPRO_OK) return st;
    return opro__fail(err, OPRO_ERR_UNKNOWN,
                      "no request to %s is in %s; the first one there is to %s",
                      opro__quote(wanted->path, wanted->path_len).text,
                      opro__quote(r->file.path, strlen(r->file.path)).text,
                      opro__quote(line.path, line.path_len).text);
}

static opro_status say_nearest(opro__recording *r, const opro__line *wanted, uint32_t found,
                               size_t same, opro_error *err) {
    opro__line line;
    opro_status st = opro__recording_line(r, found, 0, &line, err);

    if (st != OPRO_OK) return st;
    if (same > line.body_len) same = line.body_len; /* the file has been changed just now */
    return opro__fail(err, OPRO_ERR_UNKNOWN,
                      "this request to %s is not in %s; the nearest, line %zu, differs from byte "
                      "%zu on: %s there, %s here",
                      opro__quote(wanted->path, wanted->path_len).text,
                      opro__quote(r->file.path, strlen(r->file.path)).text, (size_t)found + 2, same,
                      around(line.body, line.body_len, same).text,
                      around(wanted->body, wanted->body_len, same).text);
}

opro_status opro__recording_unknown(opro__recording *r, const opro__line *wanted, opro_error *err) {
    uint64_t hash =
        opro__request_hash(wanted->path, wanted->path_len, wanted->body, wanted->body_len);
    uint32_t first = opro__recording_chain(r, hash), found;
    opro__line line;
    size_t same = 0;
    opro_status st;

    if (first != OPRO__MAP_NONE) {
        st = opro__recording_line(r, r->places[first].last, 0, &line, err);
        if (st != OPRO_OK) return st;
        if (opro__same_request(&line, wanted)) return say_used_up(r, first, wanted, err);
    }
    st = nearest(r, wanted, &found, &same, err);
    if (st != OPRO_OK) return st;
    if (found == OPRO__MAP_NONE) return say_no_path(r, wanted, err);
    return say_nearest(r, wanted, found, same, err);
}
