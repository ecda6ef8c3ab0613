/* SPDX-License-Identifier: MIT */
/*
 * What the targets share: an input cut into pieces, memory that runs out, and what must hold.
 *
 * Inputs are made to be read and written by people too: single digits choose, lines and parts
 * follow, and parts are separated by lines of "%%".
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "opro/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what must hold -------------------------------------------------------------------------- */

/* What does not hold is a finding, as a crash is. */
#define REQUIRE(holds)                                                                             \
    do                                                                                             \
        if (!(holds)) fuzz_fault(__FILE__, __LINE__, #holds);                                      \
    while (0)

static inline void fuzz_fault(const char *file, int line, const char *holds) {
    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, holds);
    abort();
}

/* What comes out is valid UTF-8 without NUL, counted and NUL-terminated. */
static inline void fuzz_require_text(const char *s, size_t len) {
    REQUIRE(s && s[len] == '\0' && opro__utf8_valid(s, len));
}

/* A failure says what was wrong; no failure says nothing. */
static inline void fuzz_require_error(const opro_error *err, opro_status st) {
    size_t len;
    const char *message = opro_error_message(err, &len);

    fuzz_require_text(message, len);
    REQUIRE(opro_error_status(err) == (st < 0 ? st : OPRO_OK));
    REQUIRE((len > 0) == (st < 0));
}

static inline int fuzz_same(const char *a, size_t a_len, const char *b, size_t b_len) {
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

enum { FUZZ_PIECES = 64 };

/* What is left of an input. */
typedef struct fuzz_input {
    const char *s;
    size_t len;
    void *pieces[FUZZ_PIECES]; /* freed with it */
    int n_pieces;
    int failing; /* memory may run out: OPRO_ERR_NOMEM is no finding */
} fuzz_input;

typedef struct fuzz_text {
    const char *s;
    size_t len;
} fuzz_text;

/* A number from 0 to n - 1: '0' is 0. What is not there is 0 too. */
static inline size_t fuzz_digit(fuzz_input *in, size_t n) {
    size_t value;

    if (!in->len) return 0;
    value = (unsigned char)(*in->s - '0') % n;
    in->s++;
    in->len--;
    return value;
}

/*
 * The next len bytes, without what they are separated by, in a block of just their size, so that a
 * read beyond shows.
 */
static inline fuzz_text fuzz_take(fuzz_input *in, size_t len, size_t separator) {
    char *copy;

    if (in->n_pieces == FUZZ_PIECES) return (fuzz_text){"", 0};
    copy = malloc(len);
    if (!copy && len) abort();
    in->pieces[in->n_pieces++] = copy;
    if (len) memcpy(copy, in->s, len);
    in->s += len + separator;
    in->len -= len + separator;
    return (fuzz_text){copy, len};
}

static inline int fuzz_more(const fuzz_input *in) {
    return in->len > 0 && in->n_pieces < FUZZ_PIECES;
}

static inline fuzz_text fuzz_rest(fuzz_input *in) {
    return fuzz_take(in, in->len, 0);
}

static inline fuzz_text fuzz_line(fuzz_input *in) {
    const char *end = in->len ? memchr(in->s, '\n', in->len) : NULL;

    return end ? fuzz_take(in, (size_t)(end - in->s), 1) : fuzz_rest(in);
}

static inline fuzz_text fuzz_part(fuzz_input *in) {
    for (size_t i = 0; i + 4 <= in->len; i++)
        if (memcmp(in->s + i, "\n%%\n", 4) == 0) return fuzz_take(in, i, 4);
    return fuzz_rest(in);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* The largest block there is: what somebody's file asks for should be less. */
#define FUZZ_BLOCK ((size_t)256 << 20)

typedef struct fuzz_memory {
    long live;  /* blocks handed out and not freed    */
    long calls; /* allocations so far                 */
    long fails; /* the one that fails; negative: none */
} fuzz_memory;

static inline int fuzz_memory_has(fuzz_memory *memory, size_t n) {
    return memory->calls++ != memory->fails && n <= FUZZ_BLOCK;
}

static inline void *fuzz_alloc(size_t n, void *user_data) {
    fuzz_memory *memory = user_data;
    void *block = fuzz_memory_has(memory, n) ? malloc(n) : NULL;

    memory->live += block != NULL;
    return block;
}

static inline void *fuzz_realloc(void *block, size_t n, void *user_data) {
    return fuzz_memory_has(user_data, n) ? realloc(block, n) : NULL;
}

static inline void fuzz_free(void *block, void *user_data) {
    ((fuzz_memory *)user_data)->live -= block != NULL;
    free(block);
}

/* ---- running --------------------------------------------------------------------------------- */

typedef void (*fuzz_check_fn)(fuzz_input *in, const opro_allocator *allocator);

/* Once; how many allocations there were. */
static inline long fuzz_once(fuzz_check_fn check, const uint8_t *data, size_t size, long fails) {
    fuzz_memory memory = {0, 0, fails};
    const opro_allocator allocator = {sizeof allocator, fuzz_alloc, fuzz_realloc, fuzz_free,
                                      &memory};
    fuzz_input in = {.s = (const char *)data, .len = size, .failing = fails >= 0};

    check(&in, &allocator);
    while (in.n_pieces)
        free(in.pieces[--in.n_pieces]);
    REQUIRE(memory.live == 0);
    return memory.calls;
}

/*
 * Check an input; and again with an allocation that fails, which one depends on nothing but the
 * input.
 */
static inline int fuzz_run(fuzz_check_fn check, const uint8_t *data, size_t size) {
    long calls = fuzz_once(check, data, size, -1);
    uint64_t random = opro__mix(opro__hash_bytes((const char *)data, size));

    if (calls && random % 4 == 0)
        fuzz_once(check, data, size, (long)(random / 4 % (uint64_t)calls));
    return 0;
}

#endif
