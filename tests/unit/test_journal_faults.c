/* SPDX-License-Identifier: MIT */
/*
 * A journal's file when things go wrong: it ends anywhere, any bit of it is flipped, every call
 * fails in every way, processes die anywhere, and the power goes. Nothing that was said to be safe
 * may be lost, nothing that nobody wrote may appear, and no damage may go unnoticed.
 *
 * OPRO_ROUNDS in the environment: so many random power losses; from 100000 on, also every second
 * fault behind every first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "journal_play.h"

static long rounds(long quick) {
    const char *s = getenv("OPRO_ROUNDS");

    return s ? atol(s) : quick;
}

/* ---- files as they may be found -------------------------------------------------------------- */

/* A file, and where its lines begin. */
typedef struct image {
    char s[1 << 15];
    size_t len, lines, at[PLAY_RECORDS + 1];
    uint64_t vouched; /* records that some line knows to be on the disk */
} image;

/* Records in groups of three, one group more than is synced in the end; then closed, or not. */
static void make_image(play *p, image *out, int groups, int closed) {
    const disk_file *f;

    play_clear(p);
    assert_int_equal(play_open(p), OPRO_OK);
    for (int i = 0; i < 3 * groups; i++) {
        if (i % 3 == 0) {
            assert_int_equal(play_sync(p), OPRO_OK);
            out->vouched = p->safe;
        }
        assert_int_equal(play_append(p), OPRO_OK);
    }
    if (closed) {
        assert_int_equal(play_close(p), OPRO_OK);
        out->vouched = p->logged - 1;
    } else {
        play_crash(p, 0);
    }
    f = disk_look(&p->d, "j");
    assert_in_range(f->len, 1, sizeof out->s);
    memcpy(out->s, f->cache, f->len);
    out->len = f->len;
    out->lines = 0;
    for (size_t i = 0; i < f->len; i++)
        if (i == 0 || f->cache[i - 1] == '\n') out->at[out->lines++] = i;
    out->at[out->lines] = f->len;
    assert_int_equal(out->lines, p->logged);
}

/* The record that a byte is in. */
static size_t record_at(const image *m, size_t at) {
    size_t n = 0;

    while (m->at[n + 1] <= at)
        n++;
    return n;
}

static void put_file(play *p, const char *s, size_t len) {
    uint64_t logged = p->logged;

    play_clear(p);
    disk_write_file(&p->d, "j", s, len);
    p->logged = logged;
}

/* Read to its end or to a failure: the status, and how many records. */
static opro_status read_file(play *p, int read_only, uint64_t *records) {
    opro__journal_setup setup = play_setup(read_only);
    opro__journal_record record;
    opro_status st = opro__journal_file_open(&p->journal, &p->mem, &p->err, &p->d.files, &setup);

    *records = 0;
    while (st == OPRO_OK) {
        st = opro__journal_file_next(p->journal, &record, &p->err);
        if (st == OPRO_OK) play_verify(p, &record, (*records)++);
    }
    return st;
}

/* This file is damaged from this record on, and nothing is done about it. */
static void assert_damaged(play *p, const char *s, size_t len, uint64_t record, uint64_t offset) {
    char where[80];

    for (int read_only = 0; read_only <= 1; read_only++) {
        const disk_file *f;
        uint64_t n;

        put_file(p, s, len);
        play_check(p, read_file(p, read_only, &n) == OPRO_ERR_PARSE, "damage was not noticed");
        play_check(p, n == record, "the records before the damage");
        snprintf(where, sizeof where, "record %d, at byte %d", (int)record, (int)offset);
        play_check(p, strstr(p->err.message, where) != NULL, "where it is");
        play_check(p, opro__journal_file_close(p->journal, &p->err) == OPRO_ERR_PARSE, "close");
        p->journal = NULL;
        f = disk_look(&p->d, "j");
        play_check(p, p->d.changes == 0 && f->len == len && memcmp(f->cache, s, len) == 0,
                   "something was changed");
    }
}

/* This file has so many records, and behind them a torn tail, which is kept beside. */
static void assert_torn(play *p, const char *s, size_t len, uint64_t records, size_t end) {
    const opro__journal_state *state;
    const disk_file *f;
    uint64_t n;
    char path[DISK_PATH];

    put_file(p, s, len);
    play_check(p, read_file(p, 1, &n) == OPRO_DONE && n == records, "read only");
    state = opro__journal_file_state(p->journal);
    play_check(p, state->torn == len - end && state->torn_at == end && !state->torn_file, "reader");
    play_check(p, opro__journal_file_close(p->journal, &p->err) == OPRO_OK, "close of the reader");
    play_check(p, p->d.changes == 0, "a reader changed something");

    play_check(p, read_file(p, 0, &n) == OPRO_DONE && n == records, "the longest whole beginning");
    state = opro__journal_file_state(p->journal);
    play_check(p, state->torn == len - end && state->torn_at == end, "what was torn");
    play_check(p, state->records == records && state->durable == records && state->end == end,
               "what is left");
    snprintf(path, sizeof path, "j.torn-%d", (int)records);
    f = disk_look(&p->d, path);
    play_check(p, !f == !state->torn && !state->torn_file == !f, "a copy if there is one to make");
    if (f) {
        play_check(p, f->held_len == state->torn && memcmp(f->held, s + end, f->held_len) == 0,
                   "the copy");
        play_check(p, strcmp(state->torn_file, path) == 0, "its name");
    }
    p->logged = p->safe = records;
    if (records % 2) { /* go on */
        play_check(p, play_append(p) == OPRO_OK && play_sync(p) == OPRO_OK, "append");
    }
    play_check(p, play_close(p) == OPRO_OK, "close");
    play_recover(p);
}

static void test_every_length(void **state) {
    play *p = *state;
    image *m = malloc(sizeof *m);

    assert_non_null(m);
    for (int closed = 0; closed <= 1; closed++) {
        make_image(p, m, 4, closed);
        for (size_t len = 0; len <= m->len; len++) {
            size_t whole = 0;
            int log[PLAY_RECORDS];

            while (whole < m->lines && m->at[whole + 1] <= len)
                whole++;
            p->logged = m->lines;
            memcpy(log, p->log, sizeof log);
            snprintf(p->point, sizeof p->point, "cut after %zu bytes", len);
            if (whole)
                assert_torn(p, m->s, len, whole, m->at[whole]);
            else
                assert_damaged(p, m->s, len, 0, 0);
            memcpy(p->log, log, sizeof log);
        }
    }
    free(m);
}

/* One bit of this file is flipped: what has to be found. */
static void check_flip(play *p, image *m, size_t at, int bit) {
    size_t n = record_at(m, at);
    int log[PLAY_RECORDS];

    snprintf(p->point, sizeof p->point, "bit %d of byte %zu flipped", bit, at);
    memcpy(log, p->log, sizeof log);
    m->s[at] ^= (char)(1 << bit);
    p->logged = m->lines;
    if (n < m->vouched || n == 0)
        assert_damaged(p, m->s, m->len, n, m->at[n]);
    else
        assert_torn(p, m->s, m->len, n, m->at[n]);
    m->s[at] ^= (char)(1 << bit);
    memcpy(p->log, log, sizeof log);
}

static void test_every_bit(void **state) {
    play *p = *state;
    image *m = malloc(sizeof *m);

    assert_non_null(m);
    for (int closed = 0; closed <= 1; closed++) {
        make_image(p, m, 3, closed);
        for (size_t at = 0; at < m->len; at++)
            for (int bit = 0; bit < 8; bit++)
                check_flip(p, m, at, bit);
    }
    free(m);
}

/*
 * Each line from one on is damaged in its payload: while the last one is not, it is a witness; and
 * then there is none.
 */
static void test_many_flips(void **state) {
    play *p = *state;
    image *m = malloc(sizeof *m);

    assert_non_null(m);
    for (size_t from = 1; from < 8; from++)
        for (int all = 0; all <= 1; all++) {
            make_image(p, m, 3, 1);
            snprintf(p->point, sizeof p->point, "from line %zu on, all: %d", from, all);
            for (size_t i = from; i + !all < m->lines; i++)
                m->s[m->at[i + 1] - 5] ^= 1;
            p->logged = m->lines;
            if (all)
                assert_torn(p, m->s, m->len, from, m->at[from]);
            else
                assert_damaged(p, m->s, m->len, from, m->at[from]);
        }
    free(m);
}

/* Lines that are whole in themselves, and not where they were. */
static void test_moved_lines(void **state) {
    play *p = *state;
    image *m = malloc(sizeof *m);
    char *s = malloc(2 * sizeof m->s);

    assert_non_null(m);
    assert_non_null(s);
    make_image(p, m, 4, 1);
    for (size_t i = 0; i + 2 < m->lines; i++) {
        size_t a = m->at[i], b = m->at[i + 1], c = m->at[i + 2], len = m->len;

        snprintf(p->point, sizeof p->point, "line %zu", i);
        p->logged = m->lines;
        memcpy(s, m->s, a); /* without it */
        memcpy(s + a, m->s + b, len - b);
        assert_damaged(p, s, len - (b - a), i, a);
        p->logged = m->lines;
        memcpy(s, m->s, b); /* twice */
        memcpy(s + b, m->s + a, len - a);
        assert_damaged(p, s, len + (b - a), i + 1, b);
        p->logged = m->lines;
        memcpy(s, m->s, a); /* exchanged with the next */
        memcpy(s + a, m->s + b, c - b);
        memcpy(s + a + (c - b), m->s + a, b - a);
        memcpy(s + c, m->s + c, len - c);
        assert_damaged(p, s, len, i, a);
    }
    free(m);
    free(s);
}

/* The beginning of one journal, the rest of another. */
static void test_other_journals_lines(void **state) {
    play *p = *state;
    image *m = malloc(sizeof *m), *other = malloc(sizeof *other);
    char *s = malloc(2 * sizeof m->s);

    assert_non_null(m);
    assert_non_null(other);
    assert_non_null(s);
    make_image(p, other, 4, 1);
    make_image(p, m, 4, 1);
    for (size_t i = 2; i + 1 < m->lines; i++) { /* both have the same header before line 1 */
        snprintf(p->point, sizeof p->point, "another journal from line %zu on", i);
        p->logged = m->lines;
        memcpy(s, m->s, m->at[i]);
        memcpy(s + m->at[i], other->s + other->at[i], other->len - other->at[i]);
        assert_damaged(p, s, m->at[i] + other->len - other->at[i], i, m->at[i]);
    }
    free(m);
    free(other);
    free(s);
}

/* A payload that looks like a line is no witness of damage. */
static void test_line_in_payload(void **state) {
    static const char inner[] = "{\"c\":\"00000000\",\"p\":\"00000000\",\"s\":9,\"d\":9,\"r\":{}}";
    play *p = *state;
    char payload[200], s[1024] = "";
    opro__journal_line line = {.seq = 0};
    const disk_file *f;
    size_t len, at;
    uint64_t n;

    assert_int_equal(play_open(p), OPRO_OK);
    play_crash(p, 0);
    f = disk_look(&p->d, "j");
    len = f->len;
    memcpy(s, f->cache, len);
    snprintf(payload, sizeof payload, "{\"x\":%s}", inner);
    line = (opro__journal_line){.seq = 1, .durable = 1, .payload = payload, .len = strlen(payload)};
    at = len;
    len += opro__journal_line_write(s + len, &line);
    at = (size_t)(strstr(s + at + 1, OPRO__JOURNAL_PREFIX) - s);
    /* from there to the newline all is as in a line, even the checksum; but for braces too many */
    line = (opro__journal_line){.seq = 9, .durable = 9, .payload = "{}}}", .len = 4};
    assert_int_equal(opro__journal_line_write(s + at, &line), len - at);
    assert_true(opro__journal_line_read(&line, s + at, len - at - 1));
    put_file(p, s, len); /* the outer line is bad now, as if it were torn */
    p->logged = 1;
    assert_int_equal(read_file(p, 0, &n), OPRO_DONE);
    assert_int_equal(n, 1);
    assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_OK);
}

/* ---- a fault in every call ------------------------------------------------------------------- */

/* A first fault, or the death of the process (kind DISK_FAULTS), and how it ended. */
typedef struct fault {
    long at;
    int kind, sticky, power;
} fault;

static void set_fault(play *p, const fault *f) {
    disk_no_faults(&p->d);
    p->d.kind = f->kind;
    p->d.sticky = f->sticky;
    if (f->kind == DISK_FAULTS)
        p->d.death = f->at;
    else
        p->d.fault = f->at;
}

/* Stops at the first failure. */
static opro_status write_some(play *p, const char *steps) {
    opro_status st = OPRO_OK;

    for (; *steps && st == OPRO_OK; steps++)
        switch (*steps) {
        case 'o': st = play_open(p); break;
        case 'a': st = play_append(p); break;
        case 's': st = play_sync(p); break;
        default: st = play_close(p); break;
        }
    return st;
}

/* Everything that the life of a journal has, but for a death; made, closed, opened. */
static opro_status first_life(play *p) {
    return write_some(p, "oaasasaaascoasaa");
}

/* What follows: a recovery that does not go well either. */
static opro_status second_life(play *p) {
    return write_some(p, "oasac");
}

/* All combinations by number: where, how, once or for ever, then with or without power. */
static fault fault_of(long n) {
    fault f = {.power = (int)(n % 2), .sticky = (int)(n / 2 % 2)};

    f.kind = (int)(n / 4 % (DISK_FAULTS + 1));
    f.at = n / 4 / (DISK_FAULTS + 1);
    return f;
}

static long fault_count(long calls) {
    return calls * (DISK_FAULTS + 1) * 4;
}

static void run_faults(play *p, long first, long second) {
    fault a = fault_of(first), b = fault_of(second);
    opro_status st;

    play_clear(p);
    snprintf(p->point, sizeof p->point,
             "first: call %ld kind %d sticky %d power %d; second: call %ld kind %d sticky %d "
             "power %d",
             a.at, a.kind, a.sticky, a.power, b.at, b.kind, b.sticky, b.power);
    set_fault(p, &a);
    st = first_life(p);
    play_check(p, a.kind != DISK_SHORT || st == OPRO_OK, "the rest of a short write");
    play_crash(p, a.power);
    play_read(p);
    set_fault(p, &b);
    second_life(p);
    play_crash(p, b.power);
    play_recover(p);
}

/* Calls of both lives, when nothing goes wrong; the second after a crash with a torn tail. */
static void count_calls(play *p, long *first, long *second) {
    disk_file *f;

    play_clear(p);
    assert_int_equal(first_life(p), OPRO_OK);
    *first = p->d.calls;
    play_crash(p, 0);
    f = &p->d.file[disk_find(&p->d, "j")->now - 1];
    disk_put(f, "{\"c\":", 5, f->len);
    assert_int_equal(second_life(p), OPRO_OK);
    *second = p->d.calls;
}

static void test_faults(void **state) {
    play *p = *state;
    long first, second, stride, done = 0;

    count_calls(p, &first, &second);
    first = fault_count(first);
    second = fault_count(second);
    stride = rounds(0) >= 100000 ? 1 : 61; /* prime: no kind is left out */
    for (long i = 0; i < first; i++)
        for (long k = i % stride; k < second; k += stride, done++)
            run_faults(p, i, k);
    print_message("%ld runs with two faults\n", done);
    assert_in_range(done, first, INT32_MAX);
}

/* ---- power loss ------------------------------------------------------------------------------ */

/* Anything, until it dies. */
static void random_life(play *p) {
    opro_status st;

    disk_no_faults(&p->d);
    p->d.death = (long)disk_random(&p->d, 70);
    st = play_open(p);
    while (st == OPRO_OK && p->logged + 2 < PLAY_RECORDS) {
        uint64_t choice = disk_random(&p->d, 16);

        if (choice < 8)
            st = play_append(p);
        else if (choice < 15)
            st = play_sync(p);
        else
            st = write_some(p, "co");
    }
}

static void test_power_losses(void **state) {
    play *p = *state;
    long most = rounds(4000), torn = 0;

    for (long n = 0; n < most;) {
        play_clear(p);
        for (long lives = 1 + (long)disk_random(&p->d, 4); lives > 0; lives--, n++) {
            snprintf(p->point, sizeof p->point, "power loss %ld", n);
            random_life(p);
            play_crash(p, 1);
        }
        play_recover(p);
        torn += disk_find(&p->d, "j") != NULL;
    }
    print_message("%ld power losses, %ld journals\n", most, torn);
}

/* After every call of a life. */
static void test_power_loss_everywhere(void **state) {
    play *p = *state;
    long first, second;

    count_calls(p, &first, &second);
    for (long at = 0; at <= first; at++)
        for (int i = 0; i < 40; i++) {
            play_clear(p);
            snprintf(p->point, sizeof p->point, "power loss at call %ld", at);
            p->d.death = at;
            first_life(p);
            play_crash(p, 1);
            play_recover(p);
        }
}

/*
 * A sync fails, and the next one says that all is well though some of the bytes are nowhere but in
 * memory: what the next process reads there it has to write anew.
 */
static void test_sync_that_lies(void **state) {
    play *p = *state;

    for (int i = 0; i < 200; i++) {
        play_clear(p);
        snprintf(p->point, sizeof p->point, "round %d", i);
        assert_int_equal(write_some(p, "oasaaa"), OPRO_OK);
        set_fault(p, &(fault){.at = 0, .kind = DISK_EIO});
        assert_int_equal(play_sync(p), OPRO_ERR_FAILED);
        assert_non_null(strstr(p->err.message, "fdatasync"));
        play_crash(p, 0);
        assert_int_equal(write_some(p, "oas"), OPRO_OK);
        play_check(p, p->safe == 6, "what the process before had in memory");
        play_crash(p, 1);
        play_recover(p);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, play_begin, play_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_every_length),
        TEST(test_every_bit),
        TEST(test_many_flips),
        TEST(test_moved_lines),
        TEST(test_other_journals_lines),
        TEST(test_line_in_payload),
        TEST(test_faults),
        TEST(test_power_losses),
        TEST(test_power_loss_everywhere),
        TEST(test_sync_that_lies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
