/* SPDX-License-Identifier: MIT */
/* Reading a journal from its first record to its last, and what is done about its end. */
#include "journal_file_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/num.h"

enum { BLOCK = 1 << 16 }; /* as large as blocks of file systems and pages of memory get */

static opro_status cannot(opro__journal_file *journal, const char *what, const char *path,
                          const char *call, int64_t n) {
    opro_error err;

    opro__files_fail(&err, what, path, call, n);
    return opro__journal_die(journal, &err);
}

/* ---- the window ------------------------------------------------------------------------------ */

/* Nothing of the file is known any more but the records read: go on behind them. */
static void begin_anew(opro__journal_file *journal) {
    journal->base = journal->state.end;
    journal->at = journal->have = journal->searched = 0;
    journal->complete = 0;
}

/* Read another chunk, behind what is not done with. */
static opro_status fill(opro__journal_file *journal) {
    int64_t n;

    journal->base += journal->at;
    journal->have -= journal->at;
    journal->searched = journal->searched > journal->at ? journal->searched - journal->at : 0;
    memmove(journal->window, journal->window + journal->at, journal->have);
    journal->at = 0;
    n = opro__files_read(journal->files, journal->fd, journal->window + journal->have,
                         OPRO__JOURNAL_CHUNK, journal->base + journal->have);
    if (n < 0) return cannot(journal, "read", journal->path, "pread", n);
    journal->have += (size_t)n;
    journal->complete = n < OPRO__JOURNAL_CHUNK;
    return OPRO_OK;
}

/*
 * The line at window[at]: *len bytes without its newline. OPRO_DONE: there is none, since the file
 * ends first, or it would be too long. No byte is searched twice, however many lines may begin
 * before a newline.
 */
static opro_status find_line(opro__journal_file *journal, size_t *len) {
    if (journal->searched < journal->at) journal->searched = journal->at;
    for (;;) {
        const char *end =
            memchr(journal->window + journal->searched, '\n', journal->have - journal->searched);
        opro_status st;

        journal->searched = end ? (size_t)(end - journal->window) : journal->have;
        *len = journal->searched - journal->at;
        if (*len >= OPRO__JOURNAL_LINE) return OPRO_DONE;
        if (end) return OPRO_OK;
        if (journal->complete) return OPRO_DONE;
        st = fill(journal);
        if (st != OPRO_OK) return st;
    }
}

/* On to the next place where a line may begin. OPRO_DONE: there is none, and window[have] ends. */
static opro_status find_prefix(opro__journal_file *journal) {
    for (;;) {
        opro_status st;

        for (; journal->have - journal->at >= OPRO__JOURNAL_PREFIX_LEN; journal->at++)
            if (memcmp(journal->window + journal->at, OPRO__JOURNAL_PREFIX,
                       OPRO__JOURNAL_PREFIX_LEN) == 0)
                return OPRO_OK;
        if (journal->complete) return OPRO_DONE;
        st = fill(journal);
        if (st != OPRO_OK) return st;
    }
}

/* ---- records --------------------------------------------------------------------------------- */

/* What this record says of those before it. */
static void note_durable(opro__journal_file *journal, const opro__journal_line *line) {
    opro__journal_mark mark = {line->seq, journal->state.end};

    journal->state.durable = line->durable;
    if (line->durable == line->seq)
        journal->safe = journal->next = mark;
    else if (journal->next.seq <= line->durable) {
        journal->safe = journal->next;
        journal->next = mark;
    }
}

/* The line at window[at] is the next record: 1, and it is taken. */
static int take_record(opro__journal_file *journal, size_t len, opro__journal_record *record) {
    opro__journal_line line;

    if (!opro__journal_line_read(&line, journal->window + journal->at, len)) return 0;
    if (line.seq != journal->state.records || line.previous != journal->crc) return 0;
    *record = (opro__journal_record){line.seq, journal->state.end, line.payload, line.len};
    note_durable(journal, &line);
    journal->at += len + 1;
    journal->crc = line.crc;
    journal->state.records++;
    journal->state.end += len + 1;
    journal->state.closed = opro__journal_is_close(line.payload, line.len);
    journal->doubted = 0;
    return 1;
}

/* The next record cannot be read: what shall be said? */
static opro_status damaged(opro__journal_file *journal, const opro__journal_line *witness) {
    const opro__journal_state *state = &journal->state;
    opro__quoted path = opro__quote(journal->path, strlen(journal->path));
    opro_error err;

    if (witness)
        opro__fail(&err, OPRO_ERR_PARSE,
                   "%s is damaged: record %" PRIu64 ", at byte %" PRIu64 ", is not as it was when "
                   "record %" PRIu64
                   " was written behind it; nothing was changed: put a sound copy "
                   "in its place",
                   path.text, state->records, state->end, witness->seq);
    else
        opro__fail(
            &err, OPRO_ERR_PARSE,
            "%s is no journal, or damaged in record 0, at byte 0; nothing was changed: choose "
            "another file, or put a sound copy in its place",
            path.text);
    return opro__journal_die(journal, &err);
}

/*
 * A line that says that the record which cannot be read was on the disk. An object inside of a
 * payload is none, whatever it says, since up to the newline more is closed than it opens; to find
 * that out first takes no longer than the object is long.
 */
static int is_witness(const opro__journal_file *journal, const char *s, size_t len,
                      opro__journal_line *line) {
    return opro__journal_line_parse(line, s, len) && line->durable > journal->state.records &&
           opro__journal_payload_valid(line->payload, line->len) &&
           opro__journal_line_read(line, s, len);
}

/*
 * What is at window[at] is not the next record. OPRO_DONE: it is a torn tail, which ends at
 * window[have]; else the file is damaged. A witness may begin anywhere behind it: a newline may be
 * what is damaged.
 */
static opro_status judge(opro__journal_file *journal) {
    opro_status st;

    for (; (st = find_prefix(journal)) == OPRO_OK; journal->at++) {
        opro__journal_line line;
        size_t len;

        st = find_line(journal, &len);
        if (st == OPRO_DONE) continue;
        if (st != OPRO_OK) return st;
        if (is_witness(journal, journal->window + journal->at, len, &line))
            return damaged(journal, &line);
    }
    return st;
}

/* ---- the end --------------------------------------------------------------------------------- */

/*
 * Copy bytes of the journal into another file, or to where they are. 0, or the error of *call.
 *
 * Where they are: the system's copy in memory is dropped in between if it takes it for written.
 * Else a file system would overwrite it by what it knows of its place on the disk, which may be
 * what a write that has failed has left (ext4 reads such blocks as zeros for ever).
 */
static int copy(opro__journal_file *journal, uint64_t from, uint64_t len, int fd, uint64_t to,
                const char **call) {
    const opro__files *files = journal->files;

    while (len) {
        size_t want = len < OPRO__JOURNAL_CHUNK ? (size_t)len : OPRO__JOURNAL_CHUNK;
        int64_t n;

        *call = "pread";
        n = opro__files_read(files, journal->fd, journal->window, want, from);
        if (n < (int64_t)want) return n < 0 ? (int)n : -EIO; /* what was there is there no more */
        files->forget(files->user, journal->fd, from, want);
        *call = "pwrite";
        n = opro__files_write(files, fd, journal->window, want, to);
        if (n < 0) return (int)n;
        from += want;
        to += want;
        len -= want;
    }
    return 0;
}

/* A copy of the torn tail, on the disk. */
static int keep_tail(opro__journal_file *journal, const char *path, const char **call) {
    const opro__journal_state *state = &journal->state;
    const opro__files *files = journal->files;
    int fd, n;

    files->unlink(files->user, path); /* if it cannot go, open() says so */
    *call = "open";
    fd = opro__files_open(files, path, OPRO__FILES_NEW);
    if (fd < 0) return fd;
    n = copy(journal, state->torn_at, state->torn, fd, 0, call);
    if (n == 0) {
        *call = "fsync";
        n = opro__files_sync(files, fd);
    }
    files->close(files->user, fd);
    if (n == 0) {
        *call = "fsync of its folder";
        n = opro__journal_sync_folder(journal);
    }
    if (n < 0) files->unlink(files->user, path);
    return n;
}

static opro_status cut_tail(opro__journal_file *journal) {
    char suffix[OPRO__NUM_SIZE + 8] = ".torn-";
    const char *path, *call;
    int n;

    opro__int_format((int64_t)journal->state.records, suffix + strlen(suffix));
    path = opro__journal_beside(journal, suffix);
    n = keep_tail(journal, path, &call);
    if (n < 0) return cannot(journal, "keep the torn end of the journal in", path, call, n);
    journal->state.torn_file = path;
    n = opro__files_truncate(journal->files, journal->fd, journal->state.end);
    if (n < 0) return cannot(journal, "cut the torn end off", journal->path, "ftruncate", n);
    return OPRO_OK;
}

/*
 * Everything that was read is safe on the disk: OPRO_DONE. To sync it is not enough. If a sync of
 * the one who wrote it has failed, the system may hold his bytes in memory, take them for written,
 * and have nothing to do in ours. So what no line vouches for is written anew, in whole blocks.
 */
static opro_status settle(opro__journal_file *journal) {
    uint64_t from = journal->safe.offset - journal->safe.offset % BLOCK;
    const char *call;
    int n;

    if (journal->state.torn) {
        opro_status st = cut_tail(journal);

        if (st != OPRO_OK) return st;
    }
    n = copy(journal, from, journal->state.end - from, journal->fd, from, &call);
    if (n == 0) {
        call = "fsync";
        n = opro__files_sync(journal->files, journal->fd);
    }
    if (n == 0) {
        call = "fsync of its folder";
        n = opro__journal_sync_folder(journal);
    }
    if (n < 0) return cannot(journal, "bring to the disk", journal->path, call, n);
    journal->state.durable = journal->state.records;
    journal->ready = 1;
    return OPRO_DONE;
}

/* The records end here. */
static opro_status conclude(opro__journal_file *journal) {
    journal->state.torn = journal->base + journal->have - journal->state.end;
    journal->state.torn_at = journal->state.end;
    if (!journal->read_only) return settle(journal);
    begin_anew(journal);
    journal->doubted = 0;
    return OPRO_DONE;
}

/*
 * The next record, or the end. What cannot be read is read again before it is judged: beside a
 * writer that has just cut off a torn tail it may be right the second time.
 */
static opro_status scan(opro__journal_file *journal, opro__journal_record *record) {
    opro_status st;

    for (;; journal->doubted = 1, begin_anew(journal)) {
        size_t len;

        st = find_line(journal, &len);
        if (st != OPRO_OK && st != OPRO_DONE) return st;
        if (st == OPRO_OK && take_record(journal, len, record)) return OPRO_OK;
        if (journal->at == journal->have) break; /* nothing follows */
        if (!journal->doubted) continue;
        st = judge(journal);
        if (st != OPRO_DONE) return st;
        break;
    }
    return journal->state.records ? conclude(journal) : damaged(journal, NULL);
}

opro_status opro__journal_file_next(opro__journal_file *journal, opro__journal_record *record,
                                    opro_error *err) {
    opro_status st = journal->broken.status;

    if (st == OPRO_OK) st = journal->ready ? OPRO_DONE : scan(journal, record);
    return st < 0 ? opro__err_copy(err, &journal->broken) : st;
}
