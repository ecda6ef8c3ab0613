/* SPDX-License-Identifier: MIT */
/*
 * Brackets. One behind a backslash is text. Matching needs no stack: a closing bracket without a
 * partner shows itself on the way forward, an opening one on the way back.
 */
#include "reply_parts.h"

#include <limits.h>
#include <string.h>

#define NOWHERE SIZE_MAX

/* Linear search does for few names. */
#define NAMES_TO_INDEX 16

static int is_bracket(opro__slice text, size_t i, char bracket) {
    return text.s[i] == bracket && (i == 0 || text.s[i - 1] != '\\');
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* How many opening brackets have no partner. */
static size_t count_unmatched(opro__slice text) {
    size_t depth = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (is_bracket(text, i, '['))
            depth++;
        else if (depth > 0 && is_bracket(text, i, ']'))
            depth--;
    }
    return depth;
}

/* One bit a byte. */
static void mark_unmatched(opro__slice text, unsigned char *marks) {
    size_t pending = 0;

    for (size_t i = text.len; i-- > 0;) {
        if (is_bracket(text, i, ']')) {
            pending++;
        } else if (is_bracket(text, i, '[')) {
            if (pending > 0)
                pending--;
            else
                marks[i / CHAR_BIT] |= (unsigned char)(1u << i % CHAR_BIT);
        }
    }
}

/* A number, a check box or a bullet is no text. */
static int says_something(opro__slice text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.s[i];

        if (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return 1;
    }
    return 0;
}

/* What stands between the brackets at open and close. "[...](" is a link. */
static opro_status add_group(opro__reading *reading, opro__slice text, size_t open, size_t close) {
    opro__slice in = {text.s + open + 1, close - open - 1};

    if (close + 1 < text.len && text.s[close + 1] == '(') return OPRO_OK;
    in = opro__slice_clean(in);
    return says_something(in) ? opro__reading_add(reading, in, 1, 1) : OPRO_OK;
}

/* marks: of the brackets that are text; NULL: none is. */
static opro_status read_groups(opro__reading *reading, opro__slice text,
                               const unsigned char *marks) {
    size_t depth = 0, open = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (is_bracket(text, i, '[')) {
            if (marks && (marks[i / CHAR_BIT] >> i % CHAR_BIT & 1)) continue;
            if (depth++ == 0) open = i;
        } else if (depth > 0 && is_bracket(text, i, ']') && --depth == 0) {
            opro_status st = add_group(reading, text, open, i);

            if (st != OPRO_OK) return st;
        }
    }
    return OPRO_OK;
}

opro_status opro__reading_square(opro__reading *reading, opro__slice text) {
    opro__mem *mem = reading->reply->text.mem;
    unsigned char *marks = NULL;
    opro_status st;

    if (count_unmatched(text) > 0) {
        marks = opro__calloc(mem, text.len / CHAR_BIT + 1, 1);
        if (!marks) return OPRO_ERR_NOMEM;
        mark_unmatched(text, marks);
    }
    st = read_groups(reading, text, marks);
    opro__free(mem, marks);
    return st;
}

/* ---- vectors --------------------------------------------------------------------------------- */

static opro_status add_vector(opro__reading *reading, const double *x, size_t n) {
    opro__buf *out = &reading->reply->text;
    size_t at = out->len;

    opro__vector_write(x, n, out);
    return opro__reading_commit(reading, at, 1, 1);
}

static opro_status read_vectors(opro__reading *reading, const opro__space *space,
                                const opro__map *names, opro__slice text, double *x) {
    size_t open = NOWHERE;
    opro_status st = OPRO_OK;

    for (size_t i = 0; st == OPRO_OK && i < text.len; i++) {
        opro__vector_fault fault;

        if (is_bracket(text, i, '[')) {
            open = i;
        } else if (open != NOWHERE && is_bracket(text, i, ']')) {
            if (opro__vector_scan(space, names, text.s + open + 1, i - open - 1, x, &fault) ==
                OPRO__VECTOR_OK)
                st = add_vector(reading, x, space->n);
            open = NOWHERE;
        }
    }
    return st;
}

opro_status opro__reading_vectors(opro__reading *reading, const opro__space *space,
                                  opro__slice text) {
    opro__mem *mem = reading->reply->text.mem;
    double *x = opro__calloc(mem, space->n, sizeof *x);
    int many = space->names && space->n > NAMES_TO_INDEX;
    opro__map names;
    opro_status st = OPRO_ERR_NOMEM;

    opro__map_init(&names, mem);
    if (x && (!many || opro__vector_index(space, &names)))
        st = read_vectors(reading, space, many ? &names : NULL, text, x);
    opro__map_free(&names);
    opro__free(mem, x);
    return st;
}
