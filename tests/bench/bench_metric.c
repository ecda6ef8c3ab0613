/* SPDX-License-Identifier: MIT */
/*
 * Normalising replies as the published program does: the distinct answers of metrics_cases.jsonl,
 * each with its flags, beside a copy of them in lower case.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_cursor.h"
#include "bench.h"
#include "kits/metric.h"

#define TIMES 20

typedef struct sample {
    opro__piece raw;
    opro__reference_mode mode;
} sample;

typedef struct normalising {
    opro__mem mem;
    opro__reference ref;
    opro__buf copy;
    char *data; /* the file; answers are decoded in their places */
    size_t len;
    sample *samples;
    size_t n;
    int failed;
} normalising;

static void normalize(void *data) {
    normalising *work = data;
    opro_error err;

    for (int t = 0; t < TIMES; t++)
        for (size_t i = 0; i < work->n; i++) {
            opro__piece out;

            if (opro__reference_normalize(&work->ref, work->samples[i].raw, &work->samples[i].mode,
                                          &out, &err) != OPRO_OK)
                work->failed = 1;
            else
                bench_sink += out.len;
        }
}

/* What cannot be done without. */
static void lower(void *data) {
    normalising *work = data;

    for (int t = 0; t < TIMES; t++)
        for (size_t i = 0; i < work->n; i++) {
            opro__buf_clear(&work->copy);
            opro__letters_lower(&work->copy, work->samples[i].raw, NULL);
            bench_sink += work->copy.len;
        }
}

/* ---- the file -------------------------------------------------------------------------------- */

static int load(normalising *work) {
    const char *folder = getenv("OPRO_SHARED");
    char path[4096];
    FILE *file;
    long size;

    snprintf(path, sizeof path, "%s/data/metrics_cases.jsonl", folder ? folder : "../shared");
    file = fopen(path, "rb");
    if (!file) return 0;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0 &&
        (work->data = malloc((size_t)size)) != NULL) {
        rewind(file);
        work->len = fread(work->data, 1, (size_t)size, file);
    }
    fclose(file);
    return work->len > 0;
}

static int is(const char *s, size_t len, const char *text) {
    return len == strlen(text) && memcmp(s, text, len) == 0;
}

/* A member of the line: an answer, or a flag. */
static int read_member(opro__cursor *cursor, sample *one, int *boxed) {
    const char *value;
    char *name, *text;
    size_t len, n;

    if (!opro__cursor_string(cursor, &name, &len) || !opro__cursor_take(cursor, ':', ":")) return 0;
    if (is(name, len, "raw_answer") && opro__cursor_peek(cursor) == '"') {
        if (!opro__cursor_string(cursor, &text, &n)) return 0;
        one->raw = (opro__piece){text, n};
        return 1;
    }
    if (!opro__cursor_skip(cursor, &value, &n)) return 0;
    if (is(name, len, "treat_as_number")) one->mode.number = value[0] == 't';
    if (is(name, len, "treat_as_bool")) one->mode.boolean = value[0] == 't';
    if (is(name, len, "is_gpt_model")) *boxed = value[0] == 't';
    if (is(name, len, "num_decimals")) one->mode.decimals = atoi(value);
    return 1;
}

/* 1: a sample; 0: none (no answer, or a box instead). */
static int read_sample(char *line, size_t len, sample *one) {
    opro__cursor cursor = {.s = line, .len = len};
    int boxed = 0;

    *one = (sample){.raw = {NULL, 0}};
    if (!opro__cursor_take(&cursor, '{', "{")) return 0;
    do
        if (!read_member(&cursor, one, &boxed)) return 0;
    while (opro__cursor_peek(&cursor) == ',' && opro__cursor_take(&cursor, ',', ","));
    return one->raw.s && !boxed;
}

static int by_sample(const void *a, const void *b) {
    const sample *x = a, *y = b;
    const size_t n = x->raw.len < y->raw.len ? x->raw.len : y->raw.len;
    int order = memcmp(x->raw.s, y->raw.s, n);

    if (order == 0) order = (x->raw.len > y->raw.len) - (x->raw.len < y->raw.len);
    return order ? order : memcmp(&x->mode, &y->mode, sizeof x->mode);
}

/* Sorted by answer, each once. */
static int read_samples(normalising *work) {
    size_t cap = 0, n = 0;

    for (char *at = work->data, *end = at + work->len; at < end;) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        sample one;

        if (!stop) stop = end;
        if (work->n == cap) {
            sample *grown = realloc(work->samples, (cap = cap ? 2 * cap : 1024) * sizeof *grown);

            if (!grown) return 0;
            work->samples = grown;
        }
        if (read_sample(at, (size_t)(stop - at), &one)) work->samples[work->n++] = one;
        at = stop + 1;
    }
    if (work->n == 0) return 0;
    qsort(work->samples, work->n, sizeof *work->samples, by_sample);
    for (size_t i = 0; i < work->n; i++)
        if (n == 0 || by_sample(&work->samples[n - 1], &work->samples[i]) != 0)
            work->samples[n++] = work->samples[i];
    work->n = n;
    return 1;
}

/* ---- the report ------------------------------------------------------------------------------ */

static void report(normalising *work) {
    double ours, bare, each = (double)TIMES * (double)work->n;

    bench_pair(normalize, lower, work, 21, &ours, &bare);
    bench_report((bench_line){.name = "answer normalised, on average",
                              .unit = "us",
                              .figure = ours / each * 1e6,
                              .reference = bare / each * 1e6,
                              .beside = "a copy in lower case",
                              .most = 1.2,
                              .stated = "10.4 us"});
    bench_note("%zu answers with their flags; to be aimed at: 0.7 us", work->n);
}

int bench_metric(void) {
    normalising work = {.failed = opro__mem_init(&work.mem, NULL) != OPRO_OK};

    opro__reference_init(&work.ref, &work.mem, (size_t)1 << 24);
    opro__buf_init(&work.copy, &work.mem, (size_t)1 << 24);
    if (!load(&work))
        bench_note("answers: there is no data/metrics_cases.jsonl in OPRO_SHARED: not measured");
    else if (read_samples(&work))
        report(&work);
    else
        work.failed = 1;
    opro__reference_free(&work.ref);
    opro__buf_free(&work.copy);
    free(work.samples);
    free(work.data);
    return work.failed;
}
