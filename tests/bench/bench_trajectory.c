/* SPDX-License-Identifier: MIT */
/*
 * Trajectories: inserting with the check for duplicates and the best 20 read, finding again,
 * memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "bench.h"
#include "core/trajectory.h"
#include "opro/config.h"
#include "opro/problem.h"

#define LETTERS 70
#define TOP     20

/*
 * n texts of LETTERS bytes, made of words that come again and again: they differ late, as
 * instructions do.
 */
typedef struct texts {
    char *bytes;
    double *scores;
    size_t n;
} texts;

static void write_text(char *to, opro__rng *rng, size_t number) {
    static const char *const words[] = {"think", "step", "by",   "the",     "answer", "first",
                                        "check", "list", "each", "Explain", "solve",  "it"};
    char text[LETTERS + 32];
    size_t len = 0;

    while (len < LETTERS)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s ",
                                words[opro__rng_below(rng, sizeof words / sizeof *words)]);
    snprintf(text + LETTERS - 10, 11, "no. %06zu", number);
    memcpy(to, text, LETTERS);
}

static int texts_make(texts *t, size_t n) {
    opro__rng rng = opro__rng_make(1, 0, 0);

    t->n = n;
    t->bytes = malloc(n * LETTERS);
    t->scores = malloc(n * sizeof *t->scores);
    if (!t->bytes || !t->scores) return 0;
    for (size_t i = 0; i < n; i++) {
        write_text(t->bytes + i * LETTERS, &rng, i);
        t->scores[i] = opro__rng_real(&rng);
    }
    return 1;
}

static void texts_free(texts *t) {
    free(t->bytes);
    free(t->scores);
}

/* ---- an allocator that counts ---------------------------------------------------------------- */

typedef union counted {
    size_t n;
    max_align_t align;
} counted;

static void *count_alloc(size_t n, void *total) {
    counted *block = malloc(sizeof *block + n);

    if (!block) return NULL;
    block->n = n;
    *(size_t *)total += n;
    return block + 1;
}

static void *count_realloc(void *p, size_t n, void *total) {
    counted *block = (counted *)p - 1;
    size_t old = block->n;

    block = realloc(block, sizeof *block + n);
    if (!block) return NULL;
    block->n = n;
    *(size_t *)total += n - old;
    return block + 1;
}

static void count_free(void *p, void *total) {
    *(size_t *)total -= ((counted *)p - 1)->n;
    free((counted *)p - 1);
}

/* ---- inserting ------------------------------------------------------------------------------- */

typedef struct filling {
    const texts *texts;
    size_t from, to;
    opro__mem mem;
    opro_trajectory t; /* as a run has it */
    char *bare;
    int failed;
} filling;

/* As a run does it: looked up, met, decided, committed, and the best shown. */
static void insert(void *data) {
    filling *f = data;
    int64_t top[TOP];

    for (size_t i = f->from; i < f->to; i++) {
        const char *text = f->texts->bytes + i * LETTERS;
        int fresh;
        opro__candidate *c = opro__trajectory_meet(&f->t, text, LETTERS, &fresh);

        if (!c || !fresh) {
            f->failed = 1;
            return;
        }
        c->score = f->texts->scores[i];
        c->verdict = OPRO_VERDICT_SCORED;
        opro__trajectory_commit(&f->t, c);
        bench_sink += opro_trajectory_top(&f->t, top, TOP) + (size_t)top[0];
    }
}

/* What cannot be done without: each text copied and hashed. */
static void copy_and_hash(void *data) {
    filling *f = data;

    for (size_t i = f->from; i < f->to; i++) {
        char *to = f->bare + (i - f->from) * LETTERS;

        memcpy(to, f->texts->bytes + i * LETTERS, LETTERS);
        bench_sink += opro__hash_bytes(to, LETTERS);
    }
}

static void find_all(void *data) {
    filling *f = data;

    for (size_t i = f->from; i < f->to; i++) {
        size_t k = i * 7919 % f->to; /* all over the place */

        bench_sink += (size_t)opro_trajectory_find(&f->t, f->texts->bytes + k * LETTERS, LETTERS);
    }
}

/* Nanoseconds a candidate, and bytes. */
typedef struct figures {
    double insert, bare, find, bytes;
} figures;

/* Times those from n / 2 to n, one growth of the tables among them, and finding as many again. */
static int measure_once(filling *f, size_t n, int32_t dedup, figures *out) {
    size_t bytes = 0;
    const opro_allocator counting = {sizeof counting, count_alloc, count_realloc, count_free,
                                     &bytes};
    double each = 1e9 / (double)(n - n / 2);

    f->t = (opro_trajectory){0};
    if (opro__mem_init(&f->mem, &counting) != OPRO_OK ||
        opro__trajectory_init(&f->t, &f->mem, OPRO_MAXIMIZE, dedup, TOP) != OPRO_OK)
        return 0;
    f->from = 0;
    f->to = n / 2;
    insert(f);
    f->from = n / 2;
    f->to = n;
    out->insert = bench_time(insert, f, 1) * each;
    out->bare = bench_time(copy_and_hash, f, 1) * each;
    out->find = bench_time(find_all, f, 1) * each;
    out->bytes = (double)bytes / (double)n;
    opro__trajectory_clear(&f->t);
    return !f->failed && bytes == 0;
}

#define ROUNDS_MAX 21

/* The median of rounds. */
static int measure(const texts *t, size_t n, int32_t dedup, size_t rounds, figures *out) {
    filling f = {.texts = t, .bare = calloc(n - n / 2, LETTERS)};
    double insert_ns[ROUNDS_MAX], bare_ns[ROUNDS_MAX], find_ns[ROUNDS_MAX];
    int ok = f.bare != NULL;

    for (size_t i = 0; i < rounds && ok; i++) {
        ok = measure_once(&f, n, dedup, out);
        insert_ns[i] = out->insert;
        bare_ns[i] = out->bare;
        find_ns[i] = out->find;
    }
    free(f.bare);
    if (!ok) return 0;
    out->insert = bench_median(insert_ns, rounds);
    out->bare = bench_median(bare_ns, rounds);
    out->find = bench_median(find_ns, rounds);
    return 1;
}

static int report_size(const texts *t, size_t n, const char *size, double bar, size_t rounds,
                       const char *stated) {
    figures normalised, exact;
    char name[4][64];

    if (!measure(t, n, OPRO_DEDUP_NORMALISED, rounds, &normalised) ||
        !measure(t, n, OPRO_DEDUP_EXACT, rounds, &exact))
        return 0;
    snprintf(name[0], sizeof name[0], "insert, duplicate check, top-20 at %s", size);
    snprintf(name[1], sizeof name[1], "the same, exact texts only, at %s", size);
    snprintf(name[2], sizeof name[2], "a duplicate found at %s", size);
    snprintf(name[3], sizeof name[3], "memory of a candidate at %s", size);
    bench_report((bench_line){name[0], "ns", normalised.insert, normalised.bare, "memcpy and hash",
                              bar, 0, stated});
    bench_report(
        (bench_line){name[1], "ns", exact.insert, exact.bare, "memcpy and hash", bar, 0, stated});
    bench_report((bench_line){name[2], "ns", normalised.find, normalised.bare, "memcpy and hash", 0,
                              0, NULL});
    bench_report(
        (bench_line){name[3], "bytes", normalised.bytes, LETTERS, "its text", 180, 0, "541 bytes"});
    return 1;
}

int bench_trajectory(void) {
    texts t = {0};
    int ok = texts_make(&t, 1000000) && report_size(&t, 10000, "10^4", 250, 15, "2,500 ns") &&
             report_size(&t, 1000000, "10^6", 600, 3, "2,950 ns");

    texts_free(&t);
    return !ok;
}
