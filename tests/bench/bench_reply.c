/* SPDX-License-Identifier: MIT */
/*
 * Reading replies: one candidate in 2 KB beside a bare search for its tags, and how time grows with
 * hostile replies.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "core/reply.h"

#define SIZE  2048
#define TIMES 10000

typedef struct reading {
    opro__mem mem;
    opro__reply reply;
    int32_t format;
    char *text;
    size_t len;
    int times;
    int failed;
} reading;

static void parse(void *data) {
    reading *r = data;

    for (int i = 0; i < r->times; i++) {
        if (opro__reply_parse(&r->reply, r->format, NULL, r->text, r->len) != OPRO_OK)
            r->failed = 1;
        bench_sink += r->reply.n;
    }
}

/* The first occurrence of a short text, as memmem() would find it. */
static const char *search(const char *s, size_t len, const char *what, size_t n) {
    const char *end = s + len;

    while ((s = memchr(s, what[0], (size_t)(end - s))) != NULL) {
        if ((size_t)(end - s) >= n && memcmp(s, what, n) == 0) return s;
        s++;
    }
    return NULL;
}

/* What cannot be done without: both tags found, and what is between them copied. */
static void slice(void *data) {
    reading *r = data;
    static char copy[SIZE];

    for (int i = 0; i < r->times; i++) {
        const char *open = search(r->text, r->len, "<TEXT>", 6);
        const char *close =
            open ? search(open, r->len - (size_t)(open - r->text), "</TEXT>", 7) : NULL;

        if (!close) {
            r->failed = 1;
            return;
        }
        memcpy(copy, open + 6, (size_t)(close - open - 6));
        bench_sink += (size_t)copy[0];
    }
}

/* ---- one candidate in 2 KB ------------------------------------------------------------------- */

static void fill_prose(char *text, size_t len) {
    static const char prose[] = "Let us take the numbers one by one, and add them. ";

    for (size_t i = 0; i < len; i++)
        text[i] = prose[i % (sizeof prose - 1)];
}

static int one_candidate(reading *r) {
    double ours, bare;

    r->format = OPRO__FORMAT_TEXT;
    r->len = SIZE;
    r->times = TIMES;
    fill_prose(r->text, SIZE);
    memcpy(r->text + 20, "<TEXT>", 6);
    memcpy(r->text + SIZE - 20, "</TEXT>", 7);
    bench_pair(parse, slice, r, 21, &ours, &bare);
    bench_report((bench_line){.name = "<TEXT> in a reply of 2 KB",
                              .unit = "us",
                              .figure = ours / TIMES * 1e6,
                              .reference = bare / TIMES * 1e6,
                              .beside = "search and copy",
                              .most = 0.8,
                              .stated = "2.3 us"});
    return r->failed;
}

/* ---- growth ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int32_t format;
    const char *body; /* over and over */
} hostile[] = {
    {"open brackets", OPRO__FORMAT_SQUARE, "["},
    {"open tags", OPRO__FORMAT_INS, "<INS>"},
    {"half tags", OPRO__FORMAT_INS, "<"},
    {"reasoning", OPRO__FORMAT_INS, "<think>"},
    {"entities", OPRO__FORMAT_INS, "&lt;"},
    {"candidates, all the same", OPRO__FORMAT_INS, "<INS>a</INS>"},
    {"bytes that are no text", OPRO__FORMAT_INS, "\xff"},
};

static double time_at(reading *r, size_t i, size_t len) {
    size_t n = strlen(hostile[i].body);

    r->format = hostile[i].format;
    r->len = len / n * n;
    for (size_t at = 0; at < r->len; at += n)
        memcpy(r->text + at, hostile[i].body, n);
    return bench_time(parse, r, 5);
}

/*
 * Eight times the text takes eight times as long; caches and the machine may add to that, a square
 * would make it 64.
 */
static int growth(reading *r) {
    const size_t mib = (size_t)1 << 20;

    r->times = 1;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile && !r->failed; i++) {
        double small = time_at(r, i, mib), large = time_at(r, i, 8 * mib);

        bench_report((bench_line){.name = hostile[i].name,
                                  .unit = "ms",
                                  .figure = large * 1e3,
                                  .reference = small * 1e3,
                                  .beside = "8 MiB beside 1 MiB",
                                  .most_ratio = 20});
    }
    return r->failed;
}

int bench_reply(void) {
    reading r = {.failed = opro__mem_init(&r.mem, NULL) != OPRO_OK};

    r.text = malloc((size_t)8 << 20);
    opro__reply_init(&r.reply, &r.mem);
    if (!r.text) r.failed = 1;
    if (!r.failed) r.failed = one_candidate(&r) || growth(&r);
    opro__reply_free(&r.reply);
    free(r.text);
    return r.failed;
}
