/* SPDX-License-Identifier: MIT */
/*
 * Data made harmless, against the reader of replies: whatever it was, no answer can be read from
 * it, and inside an answer it cannot end that one nor begin another. The first line: a digit for
 * the format. Two parts: what a score is called, and the data.
 */
#include "core/harmless.h"
#include "core/reply.h"
#include "fuzz.h"

enum { ALL = OPRO__HARM_TAGS | OPRO__HARM_BRACKETS | OPRO__HARM_LINES };

static const struct {
    int32_t format;
    const char *tag;
} formats[] = {{OPRO__FORMAT_INS, "INS"},
               {OPRO__FORMAT_START, "Start"},
               {OPRO__FORMAT_TEXT, "TEXT"},
               {OPRO__FORMAT_TRACE, "trace"}};

/* Made harmless, into out. The three functions agree on what is so already. */
static void make(const opro__harmless *rules, unsigned harms, const char *s, size_t len,
                 opro__buf *out) {
    int plain = opro__harmless_plain(rules, harms, s, len);
    char *copy = malloc(len + OPRO__SLACK);

    if (!copy) abort();
    opro__harmless_add(rules, harms, s, len, out);
    opro__buf_cut(out, out->len);
    REQUIRE(opro__harmless_copy(rules, harms, s, len, copy) == plain);
    if (out->status == OPRO_OK) {
        REQUIRE(fuzz_same(opro__buf_text(out), out->len, s, len) == plain);
        fuzz_require_text(opro__buf_text(out), out->len);
    } else {
        REQUIRE(out->status == OPRO_ERR_NOMEM);
    }
    if (plain) REQUIRE(fuzz_same(copy, len, s, len));
    free(copy);
}

/* How many candidates there are in a text; -1: out of memory. */
static long candidates(opro__reply *reply, int32_t format, const opro__buf *text) {
    const opro__space pair = {.kind = OPRO__SPACE_VECTOR, .n = 2};
    opro_status st = opro__reply_parse(reply, format, &pair, opro__buf_text(text), text->len);

    REQUIRE(st == OPRO_OK || st == OPRO_ERR_NOMEM);
    return st == OPRO_OK ? (long)reply->n : -1;
}

static void check_alone(opro__reply *reply, int32_t format, const opro__buf *made) {
    REQUIRE(candidates(reply, format, made) <= 0);
    REQUIRE(candidates(reply, OPRO__FORMAT_SQUARE, made) <= 0);
    REQUIRE(candidates(reply, OPRO__FORMAT_VECTOR, made) <= 0);
}

/* Between the tags there is what was put there, without blanks and quotes around it. */
static void check_inside(opro__reply *reply, size_t which, const opro__buf *made, opro__buf *work) {
    size_t at;
    long n;

    opro__buf_clear(work);
    opro__buf_addc(work, '<');
    opro__buf_addz(work, formats[which].tag);
    opro__buf_addc(work, '>');
    opro__buf_add(work, opro__buf_text(made), made->len);
    opro__buf_addz(work, "</");
    opro__buf_addz(work, formats[which].tag);
    opro__buf_addc(work, '>');
    n = candidates(reply, formats[which].format, work);
    at = work->len;
    opro__reply_clean(work, opro__buf_text(made), made->len);
    if (work->status != OPRO_OK || n < 0) return;
    if (formats[which].format != OPRO__FORMAT_TRACE) REQUIRE(n == (work->len > at));
    if (n)
        REQUIRE(n == 1 && fuzz_same(opro__buf_text(&reply->text), reply->text.len,
                                    opro__buf_text(work) + at, work->len - at));
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    size_t which = fuzz_digit(in, sizeof formats / sizeof *formats);
    fuzz_text rest = fuzz_line(in), name = fuzz_part(in), data = fuzz_rest(in);
    opro__harmless rules = {formats[which].tag, {name.s, name.len}};
    opro__reply reply;
    opro__buf made, work;
    opro__mem mem;

    (void)rest;
    if (name.len && (!opro__utf8_valid(name.s, name.len) || memchr(name.s, '\n', name.len)))
        rules.score_name = (opro__span){"score", 5}; /* a problem would not take it */
    REQUIRE(opro__mem_init(&mem, allocator) == OPRO_OK);
    opro__buf_init(&made, &mem, SIZE_MAX / 2);
    opro__buf_init(&work, &mem, SIZE_MAX / 2);
    opro__reply_init(&reply, &mem);
    make(&rules, ALL, data.s, data.len, &made);
    if (made.status == OPRO_OK) {
        make(&rules, ALL, opro__buf_text(&made), made.len, &work); /* once is enough */
        if (work.status == OPRO_OK)
            REQUIRE(fuzz_same(opro__buf_text(&work), work.len, opro__buf_text(&made), made.len));
        check_alone(&reply, formats[which].format, &made);
        check_inside(&reply, which, &made, &work);
        opro__buf_clear(&work);
        make(&rules, OPRO__HARM_TAGS | OPRO__HARM_LINES, data.s, data.len, &work);
        REQUIRE(candidates(&reply, formats[which].format, &work) <= 0);
    }
    opro__reply_free(&reply);
    opro__buf_free(&work);
    opro__buf_free(&made);
    REQUIRE(mem.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
