/* SPDX-License-Identifier: MIT */
/* Journals as the texts of their records, to be changed and sealed again. */
#ifndef TESTS_JOURNAL_BOOK_H
#define TESTS_JOURNAL_BOOK_H

#include "kept_world.h"

#include "journal/journal_line.h"

enum { RECORDS = 400, PAYLOAD = 8192 };

/* The payloads of a journal. */
typedef struct book {
    char *records[RECORDS];
    size_t n;
} book;

static const kept_scenario plain = {"plain", "steps=3 samples_per_step=3 resample_limit=1", 1, 0,
                                    0};
/* ---- books ----------------------------------------------------------------------------------- */

static inline void book_free(book *b) {
    for (size_t i = 0; i < b->n; i++)
        free(b->records[i]);
    b->n = 0;
}

static inline void book_put(book *b, size_t i, const char *payload, size_t len) {
    char *copy = malloc(PAYLOAD);

    assert_true(b->n < RECORDS && len < PAYLOAD);
    memcpy(copy, payload, len);
    copy[len] = '\0';
    memmove(b->records + i + 1, b->records + i, (b->n++ - i) * sizeof *b->records);
    b->records[i] = copy;
}

static inline void book_remove(book *b, size_t i) {
    free(b->records[i]);
    memmove(b->records + i, b->records + i + 1, (--b->n - i) * sizeof *b->records);
}

static inline void book_read(book *b, disk *d) {
    const disk_file *file = disk_look(d, KEPT_PATH);
    const char *s = file->cache, *end = s + file->len;

    b->n = 0;
    while (s < end) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        opro__journal_line line;

        assert_non_null(stop);
        assert_true(opro__journal_line_read(&line, s, (size_t)(stop - s)));
        book_put(b, b->n, line.payload, line.len);
        s = stop + 1;
    }
}

static inline void book_write(const book *b, disk *d) {
    char *file = malloc(b->n * (PAYLOAD + 128));
    uint32_t previous = 0;
    size_t len = 0;

    for (size_t i = 0; i < b->n; i++) {
        opro__journal_line line = {
            .previous = previous, .seq = i, .payload = b->records[i], .len = strlen(b->records[i])};

        len += opro__journal_line_write(file + len, &line);
        previous = line.crc;
    }
    disk_clear(d);
    disk_write_file(d, KEPT_PATH, file, len);
    free(file);
}

/* The first record from i on that has this in it. */
static inline size_t book_find(const book *b, size_t i, const char *part) {
    while (i < b->n && !strstr(b->records[i], part))
        i++;
    assert_true(i < b->n);
    return i;
}

/* In a record, one text in the place of another one. */
static inline void book_change(book *b, size_t i, const char *from, const char *to) {
    char *at = strstr(b->records[i], from);

    if (!at) fail_msg("no %s in %s", from, b->records[i]);
    memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    memcpy(at, to, strlen(to));
}

/* ---- lives ----------------------------------------------------------------------------------- */

/* The journal of a run that came to its end, or to its first wait with all requests open. */
static inline void first_life(book *b, disk *d, const kept_scenario *scenario, const char *more,
                              int whole) {
    opro_journal *journal = kept_journal(d, "journal_sync=step");
    opro_request *r;
    kept_host h;

    kept_begin(&h, scenario, more);
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
    if (whole)
        assert_int_equal(kept_go(&h), OPRO_DONE);
    else
        while (opro_run_next(h.run, h.now, &r) == OPRO_OK)
            continue;
    book_read(b, d);
    kept_free(&h);
    opro_journal_free(journal);
}

#endif
