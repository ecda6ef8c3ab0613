/* SPDX-License-Identifier: MIT */
/* One example of a dataset: checked, written as it is given out, kept. */
#include <string.h>

#include "base/utf8.h"
#include "dataset.h"

/* ---- keeping --------------------------------------------------------------------------------- */

#define CHUNK_MIN ((size_t)4 << 10)
#define CHUNK_MAX ((size_t)1 << 20)
/* Longer ones get a chunk of their own: what is left empty of shared chunks stays below 1/16. */
#define SHARED_MAX (CHUNK_MAX / 16)

struct opro__chunk {
    opro__chunk *next;
    size_t size;
    char bytes[]; /* aligned as size_t is */
};

static opro__chunk *new_chunk(opro__chunk *next, opro__mem *mem, size_t size) {
    opro__chunk *chunk = opro__alloc(mem, sizeof *chunk + size);

    if (chunk) {
        chunk->next = next;
        chunk->size = size;
    }
    return chunk;
}

/* size bytes, aligned as an opro__stored is. */
static void *take(opro__store *store, opro__mem *mem, size_t size) {
    opro__chunk *chunk = store->shared;
    size_t grown = chunk ? 2 * chunk->size : CHUNK_MIN;

    if (size > SHARED_MAX) {
        chunk = new_chunk(store->own, mem, size);
        if (chunk) store->own = chunk;
        return chunk ? chunk->bytes : NULL;
    }
    if (!chunk || chunk->size - store->used < size) {
        if (grown > CHUNK_MAX) grown = CHUNK_MAX;
        chunk = new_chunk(chunk, mem, grown < size ? size : grown);
        if (!chunk) return NULL;
        store->shared = chunk;
        store->used = 0;
    }
    store->used += size;
    return chunk->bytes + store->used - size;
}

static void free_chunks(opro__chunk **chunks, opro__mem *mem, const opro__chunk *to) {
    while (*chunks != to) {
        opro__chunk *chunk = *chunks;

        *chunks = chunk->next;
        opro__free(mem, chunk);
    }
}

void opro__store_back(opro__store *store, opro__mem *mem, const opro__store *to) {
    free_chunks(&store->shared, mem, to->shared);
    free_chunks(&store->own, mem, to->own);
    store->used = to->used;
}

opro__stored *opro__store_add(opro__store *store, opro__mem *mem, const opro__buf *written,
                              const opro__example *example) {
    size_t unit = sizeof(uint32_t);
    size_t size = (sizeof(opro__stored) + written->len + unit - 1) / unit * unit;
    opro__stored *stored = take(store, mem, size);

    if (!stored) return NULL;
    stored->question = (uint32_t)example->question_len;
    stored->answer = (uint32_t)example->answer_len;
    stored->options = (uint32_t)example->options_len;
    memcpy(stored->texts, written->data, written->len);
    return stored;
}

/* ---- checking -------------------------------------------------------------------------------- */

int opro__is_blank(const char *s, size_t len) {
    while (len && s[len - 1] && strchr(" \t\n\v\f\r", s[len - 1]))
        len--;
    return len == 0;
}

static opro_status check_text(const char *s, size_t len, const char *what, int may_be_empty,
                              opro_error *err) {
    if (len > OPRO__RECORD_MAX)
        return opro__fail(err, OPRO_ERR_INVALID, "the %s has %zu bytes; at most %zu are allowed",
                          what, len, OPRO__RECORD_MAX);
    if (len && memchr(s, '\0', len))
        return opro__fail(err, OPRO_ERR_INVALID, "the %s has a NUL in it", what);
    if (!opro__utf8_valid(s, len))
        return opro__fail(err, OPRO_ERR_INVALID, "the %s is not valid UTF-8", what);
    if (!may_be_empty && opro__is_blank(s, len))
        return opro__fail(err, OPRO_ERR_INVALID, "the %s is empty", what);
    return OPRO_OK;
}

static opro_status check(const opro__example *e, opro_error *err) {
    opro_status st = check_text(e->question, e->question_len, "question", 0, err);

    if (st == OPRO_OK) st = check_text(e->answer, e->answer_len, "answer", 0, err);
    if (st == OPRO_OK) st = check_text(e->options, e->options_len, "options", 1, err);
    return st;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* One option with its letter in brackets, whether it came with or without. */
static void write_option(opro__buf *buf, char letter, const char *s, size_t len) {
    const char with[] = {'(', letter, ')'};

    if (len >= 2 && memcmp(s, with + 1, 2) == 0) {
        opro__buf_addc(buf, '(');
    } else if (len < 3 || memcmp(s, with, 3) != 0) {
        opro__buf_add(buf, with, 3);
        opro__buf_addc(buf, ' ');
    }
    opro__buf_add(buf, s, len);
}

/* Options, one a line; *n: how many. */
static opro_status write_options(opro__buf *buf, const char *s, size_t len, size_t *n,
                                 opro_error *err) {
    const char *end = s + len;

    for (*n = 0; s; ++*n) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        size_t option = (size_t)((stop ? stop : end) - s);

        if (*n == 26) return opro__fail(err, OPRO_ERR_INVALID, "more than 26 options");
        if (opro__is_blank(s, option))
            return opro__fail(err, OPRO_ERR_INVALID, "option %zu is empty", *n + 1);
        if (*n) opro__buf_addc(buf, '\n');
        write_option(buf, (char)('A' + *n), s, option);
        s = stop ? stop + 1 : NULL;
    }
    return OPRO_OK;
}

static void write_closing(opro__buf *buf, size_t n) {
    opro__buf_addz(buf, "\nWhat's the answer in");
    for (size_t i = 0; i < n; i++) {
        const char letter[] = {' ', '(', (char)('A' + i), ')'};

        opro__buf_add(buf, letter, sizeof letter);
    }
    opro__buf_addc(buf, '?');
}

/* The question, and behind it the options that came with it. */
static opro_status write_question(opro__buf *buf, const opro__example *came, opro_error *err) {
    opro_status st;
    size_t n;

    opro__buf_add(buf, came->question, came->question_len);
    if (!came->options_len) return OPRO_OK;
    opro__buf_addc(buf, '\n');
    st = write_options(buf, came->options, came->options_len, &n, err);
    if (st == OPRO_OK) write_closing(buf, n);
    return st;
}

opro_status opro__example_write(opro__buf *buf, const opro__example *came, opro__example *out,
                                opro_error *err) {
    size_t answer, options, n;
    opro_status st = check(came, err);

    opro__buf_clear(buf);
    if (st == OPRO_OK) st = write_question(buf, came, err);
    if (st != OPRO_OK) return st;
    opro__buf_addc(buf, '\0');
    answer = buf->len;
    opro__buf_add(buf, came->answer, came->answer_len);
    opro__buf_addc(buf, '\0');
    options = buf->len;
    if (came->options_len) write_options(buf, came->options, came->options_len, &n, err);
    opro__buf_addc(buf, '\0');
    if (buf->status != OPRO_OK) return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
    *out = (opro__example){.question = buf->data,
                           .answer = buf->data + answer,
                           .options = buf->data + options,
                           .question_len = answer - 1,
                           .answer_len = options - answer - 1,
                           .options_len = buf->len - options - 1};
    return OPRO_OK;
}
