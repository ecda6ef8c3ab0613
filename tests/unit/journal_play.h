/* SPDX-License-Identifier: MIT */
/*
 * A journal on a disk in memory, and what has to be in it: what was appended last as each of its
 * records, and how many of them were said to be safe.
 */
#ifndef TESTS_JOURNAL_PLAY_H
#define TESTS_JOURNAL_PLAY_H

#include <stdio.h>

#include "base/num.h"
#include "disk.h"
#include "journal/journal_file.h"

enum { PLAY_RECORDS = 256, PLAY_HEADER = -1, PLAY_CLOSE = -2, PLAY_PAYLOAD = 2048 };

static const char play_header[] = "{\"t\":\"header\",\"format\":1}";

typedef struct play {
    disk d;
    opro__mem mem;
    opro_error err;
    opro__journal_file *journal; /* NULL: not open */
    int log[PLAY_RECORDS];       /* what was to be written as this record */
    uint64_t logged;             /* records that may be there             */
    uint64_t safe;               /* records that have to be there         */
    int number;                  /* of the next payload                   */
    char point[160];             /* where the test is, for its failures   */
} play;

static inline void play_check(const play *p, int holds, const char *what) {
    if (!holds) fail_msg("%s: %s (%s)", p->point, what, p->err.message);
}

/* Payload number n: some short, some of several sectors. */
static inline size_t play_payload(int n, char *out) {
    uint64_t random = opro__mix((uint64_t)n + 1);
    size_t fill = (size_t)(random % 4 ? random % 61 : random % 1500), len;

    memcpy(out, "{\"n\":", 5);
    len = 5 + opro__int_format(n, out + 5);
    memcpy(out + len, ",\"x\":\"", 6);
    len += 6;
    memset(out + len, 'a' + n % 26, fill);
    len += fill;
    memcpy(out + len, "\"}", 2);
    return len + 2;
}

/* The text of an entry of the log. */
static inline size_t play_text(int entry, char *out) {
    const char *text = entry == PLAY_HEADER ? play_header : OPRO__JOURNAL_CLOSE;

    if (entry >= 0) return play_payload(entry, out);
    memcpy(out, text, strlen(text));
    return strlen(text);
}

static inline void play_verify(const play *p, const opro__journal_record *record, uint64_t seq) {
    char text[PLAY_PAYLOAD];
    size_t len;

    play_check(p, record->seq == seq, "records are in order");
    play_check(p, seq < p->logged, "a record that nobody wrote");
    len = play_text(p->log[seq], text);
    play_check(p, record->len == len && memcmp(record->payload, text, len) == 0,
               "a record is not what was written");
}

static inline opro__journal_setup play_setup(int read_only) {
    return (opro__journal_setup){.path = "j",
                                 .header = play_header,
                                 .header_len = strlen(play_header),
                                 .read_only = read_only};
}

/* Open it, and look at all that is in it. */
static inline opro_status play_open(play *p) {
    opro__journal_setup setup = play_setup(0);
    opro__journal_record record;
    uint64_t n = 0;
    opro_status st;

    if (p->logged == 0) p->log[p->logged++] = PLAY_HEADER;
    st = opro__journal_file_open(&p->journal, &p->mem, &p->err, &p->d.files, &setup);
    while (st == OPRO_OK) {
        st = opro__journal_file_next(p->journal, &record, &p->err);
        if (st == OPRO_OK) play_verify(p, &record, n++);
    }
    if (st == OPRO_DONE) {
        const opro__journal_state *state = opro__journal_file_state(p->journal);

        play_check(p, state->records == n && state->durable == n, "what was counted");
        play_check(p, n >= p->safe, "a record was lost");
        p->logged = p->safe = n;
        return OPRO_OK;
    }
    play_check(p, st != OPRO_ERR_PARSE, "said to be damaged");
    if (p->journal) play_check(p, opro__journal_file_close(p->journal, &p->err) == st, "close");
    p->journal = NULL;
    return st;
}

/* Read it without a lock: nothing is changed, and what is safe is there. */
static inline void play_read(play *p) {
    opro__journal_setup setup = play_setup(1);
    opro__journal_file *reader = NULL;
    opro__journal_record record;
    long changes = p->d.changes;
    uint64_t n = 0;
    opro_status st = opro__journal_file_open(&reader, &p->mem, &p->err, &p->d.files, &setup);

    if (st == OPRO_ERR_FAILED && p->safe == 0) return; /* it is not there yet */
    while (st == OPRO_OK) {
        st = opro__journal_file_next(reader, &record, &p->err);
        if (st == OPRO_OK) play_verify(p, &record, n++);
    }
    play_check(p, st == OPRO_DONE && n >= p->safe, "a reader sees less");
    play_check(p, opro__journal_file_close(reader, &p->err) == OPRO_OK, "a reader closes");
    play_check(p, p->d.changes == changes, "a reader changes something");
}

static inline void play_note(play *p, int entry) {
    uint64_t n = opro__journal_file_state(p->journal)->records;

    if (n >= PLAY_RECORDS) abort();
    p->log[n] = entry;
    p->logged = n + 1;
}

/* After a failure, the same for ever. */
static inline void play_dead(play *p, opro_status st) {
    opro_error err;

    play_check(p, st == OPRO_ERR_FAILED && strstr(p->err.message, "\"j") != NULL, "what is said");
    play_check(p, opro__journal_file_append(p->journal, "{}", 2, NULL, &err) == st, "dead: append");
    play_check(p, strcmp(err.message, p->err.message) == 0, "dead: message");
    play_check(p, opro__journal_file_sync(p->journal, &err) == st, "dead: sync");
    play_check(p, opro__journal_file_state(p->journal)->durable == p->safe, "dead: what is safe");
}

static inline opro_status play_append(play *p) {
    char text[PLAY_PAYLOAD];
    size_t len = play_payload(p->number, text);
    uint64_t seq = 0;
    opro_status st;

    play_note(p, p->number++);
    st = opro__journal_file_append(p->journal, text, len, &seq, &p->err);
    if (st == OPRO_OK)
        play_check(p, seq + 1 == p->logged, "the number of a record");
    else
        play_dead(p, st);
    return st;
}

static inline opro_status play_sync(play *p) {
    opro_status st = opro__journal_file_sync(p->journal, &p->err);

    if (st == OPRO_OK)
        p->safe = p->logged;
    else
        play_dead(p, st);
    return st;
}

static inline opro_status play_close(play *p) {
    opro_status st;

    if (!opro__journal_file_state(p->journal)->closed) play_note(p, PLAY_CLOSE);
    st = opro__journal_file_close(p->journal, &p->err);
    p->journal = NULL;
    if (st == OPRO_OK) p->safe = p->logged;
    return st;
}

/* The process is dead; then the power goes too, or not. */
static inline void play_crash(play *p, int power) {
    opro_error err;

    p->d.dead = 1; /* what is done now is not done */
    opro__journal_file_close(p->journal, &err);
    p->journal = NULL;
    if (power)
        disk_power_loss(&p->d);
    else
        disk_kill(&p->d);
}

/* It can be opened, written, closed, and read again. */
static inline void play_recover(play *p) {
    play_check(p, play_open(p) == OPRO_OK, "open again");
    play_check(p, play_append(p) == OPRO_OK && play_sync(p) == OPRO_OK, "go on");
    play_check(p, play_close(p) == OPRO_OK, "close");
    play_check(p, play_open(p) == OPRO_OK, "open after a close");
    play_check(p, opro__journal_file_state(p->journal)->closed, "a close in order");
    play_check(p, opro__journal_file_state(p->journal)->torn == 0, "torn after a close");
    play_check(p, play_close(p) == OPRO_OK, "close again");
    play_check(p, disk_look(&p->d, "j") != disk_look(&p->d, "j.tmp"), "its first name is gone");
    play_check(p, disk_open_files(&p->d) == 0, "descriptors");
    play_check(p, p->mem.used == 0, "memory");
}

/* A new disk; payload numbers go on. */
static inline void play_clear(play *p) {
    disk_clear(&p->d);
    p->logged = p->safe = 0;
    p->point[0] = '\0';
    opro__err_clear(&p->err);
}

/*
 * The window of a journal is a large block: one that is always there saves the system the work of
 * fetching it for each of a hundred thousand journals.
 */
static char play_window[(size_t)2 << 20];
static int play_window_used;

static inline void *play_alloc(size_t n, void *user_data) {
    (void)user_data;
    if (n < (size_t)1 << 20 || n > sizeof play_window || play_window_used) return malloc(n);
    play_window_used = 1;
    return play_window;
}

static inline void play_free(void *block, void *user_data) {
    (void)user_data;
    if (block == play_window)
        play_window_used = 0;
    else
        free(block);
}

static inline void *play_realloc(void *block, size_t n, void *user_data) {
    (void)user_data;
    if (block == play_window) abort();
    return realloc(block, n);
}

static inline int play_begin(void **state) {
    const opro_allocator allocator = {sizeof allocator, play_alloc, play_realloc, play_free, NULL};
    play *p = calloc(1, sizeof *p);

    if (!p || opro__mem_init(&p->mem, &allocator) != OPRO_OK) return 1;
    disk_begin(&p->d, 1);
    play_clear(p);
    *state = p;
    return 0;
}

static inline int play_end(void **state) {
    play *p = *state;
    int faults = p->mem.used != 0 || disk_open_files(&p->d) != 0;

    disk_end(&p->d);
    free(p);
    return faults;
}

#endif
