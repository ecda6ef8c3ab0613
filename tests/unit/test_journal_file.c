/* SPDX-License-Identifier: MIT */
/*
 * A journal's file from making it to closing it, on a disk in memory; what others do at the same
 * time; what is refused. What goes wrong with disks is in test_journal_faults.c, processes are in
 * test_journal_processes.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing.h"
#include "journal/journal_file_parts.h"
#include "journal_golden.h"

/* ---- a life ---------------------------------------------------------------------------------- */

static void test_golden(void **state) {
    play *p = *state;
    const opro__journal_state *is;
    const disk_file *f;
    uint64_t seq = 0;

    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_OK);
    is = opro__journal_file_state(p->journal);
    assert_true(is->created && is->records == 0);
    assert_int_equal(next(p, p->journal, NULL), OPRO_OK);
    assert_int_equal(next(p, p->journal, NULL), OPRO_DONE);
    assert_int_equal(next(p, p->journal, NULL), OPRO_DONE); /* for ever */
    assert_true(is->records == 1 && is->durable == 1 && !is->closed && !is->torn);
    assert_int_equal(opro__journal_file_append(p->journal, "{\"n\":0}", 7, &seq, &p->err), OPRO_OK);
    assert_int_equal(seq, 1);
    assert_true(is->records == 2 && is->durable == 1);
    assert_int_equal(append(p, "{\"n\":1}"), OPRO_OK);
    assert_int_equal(opro__journal_file_sync(p->journal, &p->err), OPRO_OK);
    assert_true(is->records == 3 && is->durable == 3);
    f = disk_look(&p->d, "j");
    assert_true(is->end == f->len && f->held_len == f->len);
    assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_OK);
    p->journal = NULL;
    assert_int_equal(f->held_len, sizeof golden - 1);
    assert_memory_equal(f->held, golden, sizeof golden - 1);
}

static void test_go_on(void **state) {
    play *p = *state;
    const opro__journal_state *is;
    const disk_file *f;
    const char *text;

    put_golden(p);
    f = disk_look(&p->d, "j");
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_OK);
    is = opro__journal_file_state(p->journal);
    assert_int_equal(next(p, p->journal, &text), OPRO_OK);
    assert_string_equal(text, play_header);
    assert_int_equal(next(p, p->journal, &text), OPRO_OK);
    assert_string_equal(text, "{\"n\":0}");
    assert_int_equal(next(p, p->journal, &text), OPRO_OK);
    assert_true(is->durable == 1 && !is->closed); /* as the file says */
    assert_int_equal(next(p, p->journal, &text), OPRO_OK);
    assert_string_equal(text, OPRO__JOURNAL_CLOSE);
    assert_int_equal(next(p, p->journal, &text), OPRO_DONE);
    assert_true(is->closed && !is->created && is->durable == 4);
    close_it(p); /* nothing was written: nothing is to be said */
    assert_int_equal(f->len, sizeof golden - 1);

    open_to_end(p, 4);
    assert_int_equal(append(p, "{\"t\":\"loose\"}"), OPRO_OK); /* as long */
    assert_false(opro__journal_file_state(p->journal)->closed);
    close_it(p);
    assert_memory_equal(f->held, golden, sizeof golden - 1);
    assert_non_null(strstr(f->held + sizeof golden,
                           "\"p\":\"6c388539\",\"s\":4,\"d\":4,\"r\":{\"t\":\"loose\"}}\n"));
    open_to_end(p, 6);
    assert_true(opro__journal_file_state(p->journal)->closed);
    close_it(p);
    assert_int_equal(opro__journal_file_close(NULL, &p->err), OPRO_OK);
}

/* Of a journal that was not read to its end nothing is known: closing writes nothing. */
static void test_close_early(void **state) {
    play *p = *state;
    long changes;

    put_golden(p);
    changes = p->d.changes;
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_OK);
    assert_int_equal(next(p, p->journal, NULL), OPRO_OK);
    assert_int_equal(append(p, "{}"), OPRO_ERR_STATE);
    assert_non_null(strstr(p->err.message, "\"j\" has to be read to its end"));
    assert_int_equal(opro__journal_file_sync(p->journal, &p->err), OPRO_ERR_STATE);
    close_it(p);
    assert_int_equal(p->d.changes, changes);
}

/* A sync without anything to sync is none. */
static void test_syncs(void **state) {
    play *p = *state;
    long calls;

    open_to_end(p, 1);
    calls = p->d.calls;
    assert_int_equal(opro__journal_file_sync(p->journal, &p->err), OPRO_OK);
    assert_int_equal(p->d.calls, calls);
    for (int i = 0; i < 5; i++)
        assert_int_equal(append(p, "{}"), OPRO_OK);
    assert_int_equal(p->d.calls, calls + 5); /* each record by one write */
    assert_int_equal(opro__journal_file_sync(p->journal, &p->err), OPRO_OK);
    assert_int_equal(p->d.calls, calls + 6);
    close_it(p);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void test_payloads(void **state) {
    play *p = *state;
    const opro__journal_state *is;
    char *large = malloc(OPRO__JOURNAL_PAYLOAD + 1);

    assert_non_null(large);
    memset(large, ' ', OPRO__JOURNAL_PAYLOAD + 1);
    large[0] = '{';
    open_to_end(p, 1);
    is = opro__journal_file_state(p->journal);
    assert_int_equal(append(p, "[]"), OPRO_ERR_INVALID);
    assert_non_null(strstr(p->err.message, "not \"[]\""));
    assert_int_equal(append(p, "{\n}"), OPRO_ERR_INVALID);
    assert_int_equal(append(p, ""), OPRO_ERR_INVALID);
    large[OPRO__JOURNAL_PAYLOAD] = '}';
    assert_int_equal(
        opro__journal_file_append(p->journal, large, OPRO__JOURNAL_PAYLOAD + 1, NULL, &p->err),
        OPRO_ERR_LIMIT);
    assert_non_null(strstr(p->err.message, "1048449 bytes: a journal takes at most 1048448"));
    assert_true(is->records == 1);
    large[OPRO__JOURNAL_PAYLOAD - 1] = '}';
    for (int i = 0; i < 3; i++) { /* the longest, between short ones: past the window's end */
        assert_int_equal(
            opro__journal_file_append(p->journal, large, OPRO__JOURNAL_PAYLOAD, NULL, &p->err),
            OPRO_OK);
        assert_int_equal(append(p, "{}"), OPRO_OK);
    }
    close_it(p);
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_OK);
    for (int i = 0; i < 8; i++) {
        opro__journal_record record;

        assert_int_equal(opro__journal_file_next(p->journal, &record, &p->err), OPRO_OK);
        if (i % 2 && i < 7) {
            assert_int_equal(record.len, OPRO__JOURNAL_PAYLOAD);
            assert_memory_equal(record.payload, large, OPRO__JOURNAL_PAYLOAD);
        }
    }
    assert_int_equal(next(p, p->journal, NULL), OPRO_DONE);
    close_it(p);
    free(large);
}

/* The golden journal with bytes put in behind its header, by repeating a text. */
static char *stuffed(const char *text, size_t len, size_t *head, size_t *all) {
    size_t rest, period = strlen(text);
    char *s = malloc(len + sizeof golden);

    assert_non_null(s);
    *head = (size_t)(strchr(golden, '\n') + 1 - golden);
    rest = sizeof golden - 1 - *head;
    memcpy(s, golden, *head);
    for (size_t i = 0; i < len; i++)
        s[*head + i] = text[i % period];
    memcpy(s + *head + len, golden + *head, rest);
    *all = *head + len + rest;
    return s;
}

/*
 * Bytes that nobody wrote, of any length: damage when lines follow that know better, however far
 * away they are, else a torn tail.
 */
static void check_stuffed(play *p, const char *text, size_t len) {
    size_t head, all;
    char *s = stuffed(text, len, &head, &all);
    const disk_file *f;

    disk_write_file(&p->d, "j", s, all);
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_OK);
    assert_int_equal(next(p, p->journal, NULL), OPRO_OK);
    assert_int_equal(next(p, p->journal, NULL), OPRO_ERR_PARSE);
    assert_non_null(strstr(p->err.message, "when record 3 was written"));
    assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_ERR_PARSE);
    disk_write_file(&p->d, "j", s, head + len);
    open_to_end(p, 1);
    assert_true(opro__journal_file_state(p->journal)->torn == len);
    f = disk_look(&p->d, "j.torn-1");
    assert_int_equal(f->held_len, len);
    assert_memory_equal(f->held, s + head, len);
    assert_int_equal(disk_look(&p->d, "j")->len, head);
    close_it(p);
    free(s);
}

static void test_long_tails(void **state) {
    static const char nesting[] =
        "{\"c\":\"00000000\",\"p\":\"00000000\",\"s\":9,\"d\":9,\"r\":{\"x\":";
    static const size_t longest = OPRO__JOURNAL_LINE + OPRO__JOURNAL_CHUNK + 11;

    check_stuffed(*state, "x", 1);
    check_stuffed(*state, "x", 1000);
    check_stuffed(*state, "x", longest);           /* a line that is too long */
    check_stuffed(*state, "{\"c\":\"  ", longest); /* lines that begin everywhere */
    check_stuffed(*state, "abc\n{\"c\":\"9\n", longest);
    check_stuffed(*state, nesting, OPRO__JOURNAL_CHUNK + 7);
}

/* Lines that are right in themselves but for one thing. */
static void check_sealed(play *p, opro__journal_line line, size_t blanks, int right) {
    char *payload = malloc(blanks + 2), *s = malloc(blanks + 300);
    size_t head = (size_t)(strchr(golden, '\n') + 1 - golden), len;
    opro_status st = OPRO_OK;

    assert_non_null(payload);
    assert_non_null(s);
    memset(payload, ' ', blanks + 2);
    payload[0] = '{';
    payload[blanks + 1] = '}';
    line.payload = payload;
    line.len = blanks + 2;
    memcpy(s, golden, head);
    len = head + opro__journal_line_write(s + head, &line);
    disk_write_file(&p->d, "j", s, len);
    assert_int_equal(open_by(p, play_setup(1), &p->journal), OPRO_OK);
    for (int i = 0; i < 2 && st == OPRO_OK; i++) {
        opro__journal_record record;

        st = opro__journal_file_next(p->journal, &record, &p->err);
    }
    assert_int_equal(st, right ? OPRO_OK : OPRO_DONE);
    close_it(p);
    free(payload);
    free(s);
}

static void test_sealed(void **state) {
    const opro__journal_line line = {.previous = 0xb6772e7a, .seq = 1, .durable = 1};
    opro__journal_line other = line;
    size_t most = OPRO__JOURNAL_LINE - strlen("{\"c\":\"00000000\",\"p\":\"00000000\",\"s\":1,"
                                              "\"d\":1,\"r\":{}}\n");

    check_sealed(*state, line, 0, 1);
    other.seq = 2;
    check_sealed(*state, other, 0, 0);
    other = line;
    other.previous++;
    check_sealed(*state, other, 0, 0);
    check_sealed(*state, line, most, 1);
    check_sealed(*state, line, most + 1, 0);
}

/* The disk fails while the end of a file is looked at. */
static void test_unreadable_tail(void **state) {
    play *p = *state;
    size_t head, all;
    char *s = stuffed("abc\n{\"c\":\"9\n{\"c\":\"", 2 * OPRO__JOURNAL_LINE, &head, &all);
    opro_status st = OPRO_ERR_FAILED;

    disk_write_file(&p->d, "j", s, head + 2 * OPRO__JOURNAL_LINE);
    for (long fault = 3; st == OPRO_ERR_FAILED; fault++) {
        disk_kill(&p->d);
        p->d.fault = fault;
        p->d.kind = DISK_EIO;
        st = open_by(p, play_setup(1), &p->journal);
        while (st == OPRO_OK)
            st = next(p, p->journal, NULL);
        assert_int_equal(st, fault < p->d.calls ? OPRO_ERR_FAILED : OPRO_DONE);
        if (st == OPRO_DONE) assert_in_range(p->d.calls, 10, 100);
        disk_no_faults(&p->d);
        assert_int_equal(opro__journal_file_close(p->journal, &p->err), st == OPRO_DONE ? 0 : st);
    }
    p->journal = NULL;
    free(s);
}

static void test_no_journal(void **state) {
    static const char *const texts[] = {"", "\n", "{}", "{\"n\":1}\n{\"n\":2}\n", "\0\0\0"};
    play *p = *state;
    opro__journal_setup setup = play_setup(0);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        disk_write_file(&p->d, "j", texts[i], strlen(texts[i]));
        assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_OK);
        assert_int_equal(next(p, p->journal, NULL), OPRO_ERR_PARSE);
        assert_non_null(strstr(p->err.message, "\"j\" is no journal, or damaged in record 0"));
        assert_int_equal(next(p, p->journal, NULL), OPRO_ERR_PARSE);
        assert_int_equal(append(p, "{}"), OPRO_ERR_PARSE);
        assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_ERR_PARSE);
    }
    disk_clear(&p->d);
    p->journal = NULL;
    setup.header = NULL;
    assert_int_equal(open_by(p, setup, &p->journal), OPRO_ERR_FAILED);
    assert_non_null(strstr(p->err.message, "cannot open \"j\" (open): No such file"));
    assert_int_equal(open_by(p, play_setup(1), &p->journal), OPRO_ERR_FAILED);
    setup.header = "[]";
    setup.header_len = 2;
    assert_int_equal(open_by(p, setup, &p->journal), OPRO_ERR_INVALID);
    assert_null(disk_look(&p->d, "j"));
    assert_null(disk_look(&p->d, "j.tmp"));
    assert_null(p->journal);
}

static void test_no_memory(void **state) {
    play *p = *state;
    opro_status st = OPRO_ERR_NOMEM;

    for (long n = 0; st != OPRO_OK; n++) {
        failing f = {n, 0};
        opro_allocator allocator = failing_allocator(&f);
        opro__journal_setup setup = play_setup(0);
        opro__mem mem;

        assert_in_range(n, 0, 20);
        assert_int_equal(opro__mem_init(&mem, &allocator), OPRO_OK);
        st = opro__journal_file_open(&p->journal, &mem, &p->err, &p->d.files, &setup);
        assert_int_equal(st, f.left == 0 && st != OPRO_OK ? OPRO_ERR_NOMEM : OPRO_OK);
        if (st == OPRO_OK) { /* from now on it needs none */
            f.left = 0;
            while ((st = next(p, p->journal, NULL)) == OPRO_OK)
                continue;
            assert_int_equal(st, OPRO_DONE);
            assert_int_equal(append(p, "{}"), OPRO_OK);
            assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_OK);
            st = OPRO_OK;
        }
        assert_int_equal(f.live, 0);
        assert_int_equal(disk_open_files(&p->d), 0);
    }
    p->journal = NULL;
}

/* A child has the descriptor, and its parent's lock; it may do nothing with them but close. */
static void test_child(void **state) {
    play *p = *state;
    long changes;

    open_to_end(p, 1);
    assert_int_equal(append(p, "{}"), OPRO_OK);
    p->d.pid = 2;
    changes = p->d.changes;
    assert_int_equal(append(p, "{}"), OPRO_ERR_STATE);
    assert_non_null(strstr(p->err.message, "\"j\" was opened by process 1"));
    assert_int_equal(opro__journal_file_sync(p->journal, &p->err), OPRO_ERR_STATE);
    p->d.pid = 1;
    assert_int_equal(opro__journal_file_sync(p->journal, &p->err), OPRO_OK);
    p->d.pid = 2;
    close_it(p);
    assert_int_equal(p->d.changes, changes);
}

/* ---- readers --------------------------------------------------------------------------------- */

/* A reader sees what is there, then what has come since; of half a record nothing. */
static void test_reader(void **state) {
    play *p = *state;
    opro__journal_file *reader = NULL;
    const opro__journal_state *is;
    disk_file *f;
    const char *text;

    open_to_end(p, 1);
    assert_int_equal(open_by(p, play_setup(1), &reader), OPRO_OK);
    is = opro__journal_file_state(reader);
    assert_int_equal(next(p, reader, NULL), OPRO_OK);
    assert_int_equal(next(p, reader, NULL), OPRO_DONE);
    assert_int_equal(append(p, "{\"n\":1}"), OPRO_OK);
    assert_int_equal(append(p, "{\"n\":2}"), OPRO_OK);
    f = &p->d.file[disk_find(&p->d, "j")->now - 1];
    f->len -= 20;
    assert_int_equal(next(p, reader, &text), OPRO_OK);
    assert_string_equal(text, "{\"n\":1}");
    assert_int_equal(next(p, reader, NULL), OPRO_DONE);
    assert_true(is->torn > 20 && is->torn_at == is->end && is->records == 2);
    assert_int_equal(next(p, reader, NULL), OPRO_DONE);
    f->len += 20;
    assert_int_equal(next(p, reader, &text), OPRO_OK);
    assert_string_equal(text, "{\"n\":2}");
    assert_int_equal(next(p, reader, NULL), OPRO_DONE);
    assert_true(is->torn == 0 && is->records == 3);
    close_it(p);
    assert_int_equal(next(p, reader, &text), OPRO_OK);
    assert_string_equal(text, OPRO__JOURNAL_CLOSE);
    assert_int_equal(opro__journal_file_close(reader, &p->err), OPRO_OK);
}

/* ---- the system ------------------------------------------------------------------------------ */

static int close_error;

static int failing_close(void *user, int fd) {
    disk_close(user, fd);
    return close_error;
}

static void test_close_errors(void **state) {
    play *p = *state;

    p->d.files.close = failing_close;
    open_to_end(p, 1);
    close_error = -EINTR; /* it is closed all the same */
    close_it(p);
    open_to_end(p, 2);
    close_error = -EIO;
    assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_ERR_FAILED);
    assert_non_null(strstr(p->err.message, "cannot close \"j\" (close): I"));
    open_to_end(p, 2); /* what it died of comes first */
    p->d.fault = p->d.calls;
    p->d.kind = DISK_FULL;
    assert_int_equal(append(p, "{}"), OPRO_ERR_FAILED);
    assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_ERR_FAILED);
    assert_non_null(strstr(p->err.message, "cannot append to \"j\" (pwrite): No space left"));
    p->journal = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, play_begin, play_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_golden),       TEST(test_go_on),    TEST(test_close_early),
        TEST(test_syncs),        TEST(test_payloads), TEST(test_long_tails),
        TEST(test_no_journal),   TEST(test_sealed),   TEST(test_unreadable_tail),
        TEST(test_no_memory),    TEST(test_child),    TEST(test_reader),
        TEST(test_close_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
