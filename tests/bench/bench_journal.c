/* SPDX-License-Identifier: MIT */
/*
 * The file of a journal: a record made safe, beside the same bytes by the system's bare calls; and
 * all records read, beside a copy and a checksum of the same bytes in memory.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "bench.h"
#include "journal/journal_file.h"

enum { RECORD = 1024, SYNCS = 501, RECORDS = 60000 };

/* Two files beside each other: a journal, and one without any form. */
typedef struct files {
    char journal[4200], bare[4200];
    char payload[RECORD];
    opro__mem mem;
    opro_error err;
    int failed;
    char *bytes, *copy; /* the journal's, in memory; where they are copied to */
    size_t len;
} files;

static opro__journal_file *open_journal(files *work, int read_only) {
    opro__journal_setup setup = {
        .path = work->journal, .header = "{}", .header_len = 2, .read_only = read_only};
    opro__journal_file *journal = NULL;
    opro__journal_record record;
    opro_status st =
        opro__journal_file_open(&journal, &work->mem, &work->err, &opro__files_system, &setup);

    while (st == OPRO_OK) {
        st = opro__journal_file_next(journal, &record, &work->err);
        if (st == OPRO_OK) bench_sink += record.len;
    }
    if (st == OPRO_DONE) return journal;
    bench_note("%s", work->err.message);
    opro__journal_file_close(journal, &work->err);
    work->failed = 1;
    return NULL;
}

static void append(files *work, opro__journal_file *journal) {
    work->failed |= opro__journal_file_append(journal, work->payload, RECORD, NULL, &work->err) < 0;
}

/* ---- a record made safe ---------------------------------------------------------------------- */

static double sync_journal(files *work, opro__journal_file *journal) {
    double begin = bench_wall();

    append(work, journal);
    work->failed |= opro__journal_file_sync(journal, &work->err) < 0;
    return bench_wall() - begin;
}

/* As many bytes as a line has. */
static double sync_bare(files *work, int fd, int i) {
    const size_t len = RECORD + 64;
    double begin = bench_wall();

    work->failed |= pwrite(fd, work->bytes, len, (off_t)len * i) != (ssize_t)len;
    work->failed |= fdatasync(fd) != 0;
    return bench_wall() - begin;
}

/* They take turns, first the one, then the other: what disturbs one disturbs both. */
static void measure_syncs(files *work, opro__journal_file *journal, int fd) {
    static double ours[SYNCS], bare[SYNCS];

    for (int i = 0; i < SYNCS && !work->failed; i++) {
        if (i % 2) bare[i] = sync_bare(work, fd, i);
        ours[i] = sync_journal(work, journal);
        if (i % 2 == 0) bare[i] = sync_bare(work, fd, i);
    }
    bench_report((bench_line){.name = "a record of 1 KiB made safe, median",
                              .unit = "us",
                              .figure = bench_median(ours, SYNCS) * 1e6,
                              .reference = bench_median(bare, SYNCS) * 1e6,
                              .beside = "pwrite, fdatasync",
                              .most_ratio = 1.2});
}

static void bench_syncs(files *work) {
    opro__journal_file *journal = open_journal(work, 0);
    int fd = open(work->bare, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (journal && fd >= 0) measure_syncs(work, journal, fd);
    if (fd >= 0) close(fd);
    opro__journal_file_close(journal, &work->err);
    unlink(work->journal);
    unlink(work->bare);
}

/* ---- all records read ------------------------------------------------------------------------ */

static void scan(void *data) {
    files *work = data;

    opro__journal_file_close(open_journal(work, 1), &work->err);
}

static void checksum(void *data) {
    files *work = data;

    memcpy(work->copy, work->bytes, work->len);
    bench_sink += opro__crc32c(0, work->copy, work->len);
}

static void bench_scan(files *work) {
    opro__journal_file *journal = open_journal(work, 0);
    double ours, bare;
    int fd;

    for (int i = 0; i < RECORDS && !work->failed; i++)
        append(work, journal);
    if (journal) work->len = (size_t)opro__journal_file_state(journal)->end;
    opro__journal_file_close(journal, &work->err);
    fd = open(work->journal, O_RDONLY | O_CLOEXEC);
    work->failed |= fd < 0 || read(fd, work->bytes, work->len) != (ssize_t)work->len;
    if (fd >= 0) close(fd);
    bench_pair(scan, checksum, work, 11, &ours, &bare);
    bench_report((bench_line){.name = "all records read, each of 1 KiB",
                              .unit = "ns",
                              .figure = ours / RECORDS * 1e9,
                              .reference = bare / RECORDS * 1e9,
                              .beside = "copy, checksum",
                              .most_ratio = 1.5});
    bench_note("%.0f MB/s", (double)work->len / ours / 1e6);
    unlink(work->journal);
}

int bench_journal(void) {
    static files work;
    size_t most = (size_t)RECORDS * (RECORD + 128);

    work.failed = opro__mem_init(&work.mem, NULL) != OPRO_OK;
    snprintf(work.journal, sizeof work.journal, "%sbench-journal.jsonl", bench_folder());
    snprintf(work.bare, sizeof work.bare, "%sbench-journal.bare", bench_folder());
    unlink(work.journal);
    memset(work.payload, 'x', RECORD);
    memcpy(work.payload, "{\"x\":\"", 6);
    memcpy(work.payload + RECORD - 2, "\"}", 2);
    work.bytes = calloc(1, most);
    work.copy = malloc(most);
    work.failed |= !work.bytes || !work.copy;
    if (!work.failed) bench_syncs(&work);
    if (!work.failed) bench_scan(&work);
    free(work.bytes);
    free(work.copy);
    return work.failed;
}
