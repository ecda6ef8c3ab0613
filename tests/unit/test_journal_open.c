/* SPDX-License-Identifier: MIT */
/* Opening a journal's file, locking it, making it: with others who do the same, and worse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "journal_golden.h"

static void test_one_writer(void **state) {
    play *p = *state;
    opro__journal_file *second = NULL;

    put_golden(p);
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_OK);
    assert_int_equal(open_by(p, play_setup(0), &second), OPRO_ERR_STATE);
    assert_non_null(strstr(p->err.message, "\"j\" is being written by another process"));
    assert_null(second);
    assert_int_equal(open_by(p, play_setup(1), &second), OPRO_OK); /* readers may */
    assert_int_equal(next(p, second, NULL), OPRO_OK);
    assert_int_equal(opro__journal_file_append(second, "{}", 2, NULL, &p->err), OPRO_ERR_STATE);
    assert_non_null(strstr(p->err.message, "\"j\" was opened for reading alone"));
    assert_int_equal(opro__journal_file_close(second, &p->err), OPRO_OK);
    close_it(p);
    open_to_end(p, 4);
    close_it(p);
}

/* ---- others at the same time ----------------------------------------------------------------- */

/* Somebody does something just before a call of ours, so many times. */
enum { LOCK, LINK, OPEN_FIRST_NAME, READ, UNLINK, CALLS };

static struct {
    int times;
    void (*what)(disk *d);
} before[CALLS];

static int link_error;
static const char *elsewhere; /* the name of a file with the same number on another device */

static void trick(int call, disk *d) {
    if (before[call].times > 0) {
        before[call].times--;
        before[call].what(d);
    }
}

static int tricked_lock(void *user, int fd) {
    trick(LOCK, user);
    return disk_lock(user, fd);
}

static int tricked_link(void *user, const char *from, const char *to) {
    trick(LINK, user);
    return link_error ? link_error : disk_link(user, from, to);
}

static int tricked_open(void *user, const char *path, int how) {
    if (strcmp(path, "j.tmp") == 0 && how == OPRO__FILES_WRITE) trick(OPEN_FIRST_NAME, user);
    return disk_open(user, path, how);
}

static int64_t tricked_read(void *user, int fd, void *to, size_t len, uint64_t at) {
    trick(READ, user);
    return disk_read(user, fd, to, len, at);
}

static int tricked_unlink(void *user, const char *path) {
    trick(UNLINK, user);
    return disk_unlink(user, path);
}

static int tricked_stat_path(void *user, const char *path, opro__files_stat *stat) {
    int n = disk_stat_path(user, path, stat);

    if (strcmp(path, elsewhere) == 0) stat->device = 2;
    return n;
}

static int begin(void **state) {
    play *p;

    if (play_begin(state) != 0) return 1;
    p = *state;
    p->d.files.lock = tricked_lock;
    p->d.files.link = tricked_link;
    p->d.files.open = tricked_open;
    p->d.files.read = tricked_read;
    p->d.files.unlink = tricked_unlink;
    p->d.files.stat_path = tricked_stat_path;
    memset(before, 0, sizeof before);
    link_error = 0;
    elsewhere = "";
    return 0;
}

static void once(int call, void (*what)(disk *d)) {
    before[call].times = 1;
    before[call].what = what;
}

static void make_journal(disk *d) {
    disk_write_file(d, "j", golden, sizeof golden - 1);
}

static void replace_journal(disk *d) {
    disk_find(d, "j")->now = 0;
    disk_name_for(d, "j")->now = disk_new_file(d) + 1;
    make_journal(d);
}

static void move_journal(disk *d) {
    disk_rename(d, "j", "k");
    disk_no_faults(d);
}

static void remove_first_name(disk *d) {
    disk_unlink(d, "j.tmp");
}

/* Locked already by somebody who has it open as well. */
static void lock_first_name(disk *d) {
    int fd = disk_open(d, "j.tmp", OPRO__FILES_WRITE);

    d->fd[fd].locked = 1;
}

static void forget_locks(disk *d) {
    for (int fd = 0; fd < DISK_FDS; fd++)
        d->fd[fd].open = 0;
}

/* What was opened is no longer what is there when it is locked: once more. */
static void test_replaced(void **state) {
    play *p = *state;

    put_golden(p);
    once(LOCK, replace_journal);
    before[LOCK].times = 3;
    open_to_end(p, 4);
    close_it(p);
    once(LOCK, replace_journal);
    before[LOCK].times = 1000;
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_ERR_STATE);
    assert_non_null(strstr(p->err.message, "\"j\" is being replaced again and again"));
    before[LOCK].times = 0;
    elsewhere = "j"; /* that is not the same file */
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_ERR_STATE);
    elsewhere = "";
    once(LOCK, move_journal); /* and then it is made */
    open_to_end(p, 1);
    assert_true(opro__journal_file_state(p->journal)->created);
    close_it(p);
}

/* Somebody else makes the same journal. */
static void test_made_by_another(void **state) {
    play *p = *state;

    once(LINK, make_journal); /* faster */
    open_to_end(p, 4);
    assert_false(opro__journal_file_state(p->journal)->created);
    assert_null(disk_look(&p->d, "j.tmp"));
    close_it(p);

    disk_clear(&p->d); /* at it */
    disk_write_file(&p->d, "j.tmp", "", 0);
    lock_first_name(&p->d);
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_ERR_STATE);
    assert_non_null(disk_look(&p->d, "j.tmp"));
    forget_locks(&p->d); /* dead */
    open_to_end(p, 1);
    assert_null(disk_look(&p->d, "j.tmp"));
    close_it(p);

    disk_clear(&p->d); /* clearing away what we have just made */
    once(LOCK, lock_first_name);
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_ERR_STATE);
    assert_non_null(disk_look(&p->d, "j.tmp"));
    forget_locks(&p->d);
    once(LOCK, remove_first_name);
    disk_unlink(&p->d, "j.tmp");
    open_to_end(p, 1);
    close_it(p);

    disk_clear(&p->d); /* done between two of our calls */
    disk_write_file(&p->d, "j.tmp", "", 0);
    once(OPEN_FIRST_NAME, remove_first_name);
    open_to_end(p, 1);
    close_it(p);
}

/* What somebody has left who died making it: whatever fails, nothing is lost by it. */
static void test_left_over(void **state) {
    play *p = *state;
    opro_status st = OPRO_ERR_FAILED;

    for (long fault = 0; st != OPRO_OK; fault++) {
        disk_clear(&p->d);
        disk_write_file(&p->d, "j.tmp", "{\"c\":", 5);
        p->d.fault = fault;
        p->d.kind = DISK_EIO;
        st = open_by(p, play_setup(0), &p->journal);
        if (st == OPRO_OK) break;
        assert_int_equal(st, OPRO_ERR_FAILED);
        assert_non_null(strstr(p->err.message, "the disk may be failing"));
        disk_kill(&p->d);
        open_to_end(p, 1);
        assert_null(disk_look(&p->d, "j.tmp"));
        close_it(p);
    }
    close_it(p);
    disk_clear(&p->d); /* somebody else clears it away too */
    disk_write_file(&p->d, "j.tmp", "", 0);
    once(UNLINK, remove_first_name);
    open_to_end(p, 1);
    close_it(p);
}

/* Who made it died with both names there; one of another file stays. */
static void test_first_name(void **state) {
    play *p = *state;

    put_golden(p);
    disk_link(&p->d, "j", "j.tmp");
    open_to_end(p, 4);
    assert_null(disk_look(&p->d, "j.tmp"));
    close_it(p);
    disk_link(&p->d, "j", "k");
    open_to_end(p, 4);
    close_it(p);
    disk_link(&p->d, "j", "j.tmp");
    assert_int_equal(open_by(p, play_setup(1), &p->journal), OPRO_OK); /* not a reader's affair */
    close_it(p);
    elsewhere = "j.tmp";
    open_to_end(p, 4);
    assert_non_null(disk_look(&p->d, "j.tmp"));
    close_it(p);
    elsewhere = "";
    disk_unlink(&p->d, "j.tmp");
    disk_write_file(&p->d, "j.tmp", "x", 1);
    open_to_end(p, 4);
    assert_non_null(disk_look(&p->d, "j.tmp"));
    assert_non_null(disk_look(&p->d, "k"));
    close_it(p);
}

/* ---- the end of a file ----------------------------------------------------------------------- */

static uint64_t lowest; /* place of a write */

static int64_t noted_write(void *user, int fd, const void *from, size_t len, uint64_t at) {
    if (at < lowest) lowest = at;
    return disk_write(user, fd, from, len, at);
}

/*
 * What is written anew begins with the first record that no line vouches for, or rather with the
 * 64 KiB of it.
 */
static void test_written_anew(void **state) {
    static char text[2000];
    play *p = *state;
    uint64_t last = 0, before_last = 0, groups = 0;

    memset(text, ' ', sizeof text - 1);
    text[0] = '{';
    text[sizeof text - 2] = '}';
    p->d.files.write = noted_write;
    open_to_end(p, 1);
    for (int i = 0; i < 150; i++) {
        uint64_t records = opro__journal_file_state(p->journal)->records;

        before_last = last;
        last = opro__journal_file_state(p->journal)->end;
        assert_int_equal(append(p, text), OPRO_OK);
        assert_int_equal(opro__journal_file_sync(p->journal, &p->err), OPRO_OK);
        p->d.dead = 1;
        opro__journal_file_close(p->journal, &p->err);
        disk_kill(&p->d);
        lowest = UINT64_MAX;
        open_to_end(p, records + 1);
        assert_true(lowest == last - last % 65536);
        groups += last / 65536 != before_last / 65536;
    }
    assert_in_range(groups, 3, 5);
    close_it(p);
}

/*
 * The power goes while a torn tail is cut off, or the disk fails: it is there still, or the copy of
 * it is; and there is no half of a copy.
 */
static void check_cut(play *p, int kind, long at) {
    static const char tail[] = "{\"c\":\"01234567\",\"p\":\"";
    size_t end = sizeof golden - 1, len = sizeof tail - 1;
    const disk_file *f;

    disk_clear(&p->d);
    put_golden(p);
    disk_put(&p->d.file[disk_find(&p->d, "j")->now - 1], tail, len, end);
    disk_write_back(&p->d, &p->d.file[disk_find(&p->d, "j")->now - 1], 0);
    p->d.kind = kind;
    if (kind == DISK_FAULTS)
        p->d.death = at;
    else
        p->d.fault = at;
    if (open_by(p, play_setup(0), &p->journal) == OPRO_OK) {
        while (next(p, p->journal, NULL) == OPRO_OK)
            continue;
        opro__journal_file_close(p->journal, &p->err);
    }
    if (kind == DISK_FAULTS)
        disk_power_loss(&p->d);
    else
        disk_kill(&p->d);
    f = disk_look(&p->d, "j.torn-4");
    if (f && kind != DISK_FAULTS) assert_int_equal(f->len, len);
    if (disk_look(&p->d, "j")->len == end + len) return;
    assert_non_null(f);
    assert_int_equal(f->held_len, len);
    assert_memory_equal(f->held, tail, len);
}

static void test_cut(void **state) {
    for (long at = 0; at < 30; at++)
        for (int i = 0; i < 20; i++) {
            check_cut(*state, DISK_FAULTS, at);
            check_cut(*state, DISK_EIO, at);
        }
}

/* A file system without hard links. */
static void test_no_links(void **state) {
    play *p = *state;

    link_error = -EPERM;
    open_to_end(p, 1);
    assert_null(disk_look(&p->d, "j.tmp"));
    close_it(p);
    open_to_end(p, 2);
    close_it(p);
    once(LINK, remove_first_name);
    disk_unlink(&p->d, "j");
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_ERR_FAILED);
    assert_non_null(strstr(p->err.message, "cannot make \"j\" (rename): No such file"));
    p->journal = NULL;
}

static int irregular_stat(void *user, int fd, opro__files_stat *stat) {
    int n = disk_stat(user, fd, stat);

    stat->regular = 0;
    return n;
}

static void test_kinds(void **state) {
    play *p = *state;
    opro__journal_setup setup = play_setup(0);

    p->d.network = "NFS";
    assert_int_equal(open_by(p, setup, &p->journal), OPRO_ERR_UNSUPPORTED);
    assert_non_null(strstr(p->err.message, "\"j.tmp\" is on a network file system (NFS)"));
    assert_null(disk_look(&p->d, "j.tmp"));
    setup.allow_network = 1;
    assert_int_equal(open_by(p, setup, &p->journal), OPRO_OK);
    close_it(p);
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_ERR_UNSUPPORTED);
    assert_int_equal(open_by(p, play_setup(1), &p->journal), OPRO_OK); /* reading does no harm */
    close_it(p);
    p->d.network = NULL;
    p->d.files.stat = irregular_stat;
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_ERR_FAILED);
    assert_non_null(strstr(p->err.message, "\"j\" is not a regular file"));
    assert_int_equal(open_by(p, play_setup(1), &p->journal), OPRO_ERR_FAILED);
    p->journal = NULL;
}

static char synced[DISK_PATH];

static int noted_sync_folder(void *user, const char *path) {
    strcpy(synced, path);
    return disk_sync_folder(user, path);
}

static void test_folders(void **state) {
    static const char *const paths[][2] = {
        {"j", "."}, {"/j", "/"}, {"a/j", "a"}, {"/a/b/j", "/a/b"}};
    play *p = *state;

    p->d.files.sync_folder = noted_sync_folder;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        opro__journal_setup setup = play_setup(0);

        setup.path = paths[i][0];
        assert_int_equal(open_by(p, setup, &p->journal), OPRO_OK);
        while (next(p, p->journal, NULL) == OPRO_OK)
            continue;
        assert_string_equal(synced, paths[i][1]);
        assert_false(opro__journal_file_state(p->journal)->folder_unsynced);
        close_it(p);
    }
    p->d.refusal = -EINVAL;
    open_to_end(p, 2);
    assert_true(opro__journal_file_state(p->journal)->folder_unsynced);
    close_it(p);
    p->d.refusal = -EIO;
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_OK);
    while (next(p, p->journal, NULL) == OPRO_OK)
        continue;
    assert_non_null(strstr(p->err.message, "cannot bring to the disk \"j\" (fsync of its folder)"));
    assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_ERR_FAILED);
    p->journal = NULL;
}

/* A torn tail is cut off while a reader looks at it: what he sees the second time counts. */
static void heal(disk *d) {
    disk_file *f = &d->file[disk_find(d, "j")->now - 1];

    memcpy(f->cache, golden, sizeof golden - 1);
}

/* Not the first time. */
static void skip_one(disk *d) {
    if (before[READ].times == 0) heal(d);
}

static void test_read_twice(void **state) {
    play *p = *state;
    disk_file *f;
    opro_status st;

    put_golden(p);
    f = &p->d.file[disk_find(&p->d, "j")->now - 1];
    f->cache[100] ^= 1;
    assert_int_equal(open_by(p, play_setup(1), &p->journal), OPRO_OK);
    assert_int_equal(next(p, p->journal, NULL), OPRO_OK);
    once(READ, heal);
    while ((st = next(p, p->journal, NULL)) == OPRO_OK)
        continue;
    assert_int_equal(st, OPRO_DONE);
    assert_true(opro__journal_file_state(p->journal)->records == 4);
    close_it(p);

    f->cache[100] ^= 1;
    f->len -= 10; /* nobody vouches: torn */
    f->cache[f->len - 50] ^= 1;
    f->cache[f->len - 100] ^= 1;
    assert_int_equal(open_by(p, play_setup(1), &p->journal), OPRO_OK);
    assert_int_equal(next(p, p->journal, NULL), OPRO_OK);
    assert_int_equal(next(p, p->journal, NULL), OPRO_DONE);
    before[READ].what = skip_one; /* a reader asks again, and looks twice again */
    before[READ].times = 2;
    assert_int_equal(next(p, p->journal, NULL), OPRO_OK);
    close_it(p);
}

/* Somebody without a lock cuts off what was just read. */
static void shorten(disk *d) {
    d->file[disk_find(d, "j")->now - 1].len = 10;
}

static void test_cut_by_another(void **state) {
    play *p = *state;

    put_golden(p);
    assert_int_equal(open_by(p, play_setup(0), &p->journal), OPRO_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(next(p, p->journal, NULL), OPRO_OK);
    once(READ, shorten);
    assert_int_equal(next(p, p->journal, NULL), OPRO_ERR_FAILED);
    assert_non_null(strstr(p->err.message, "cannot bring to the disk \"j\" (pread): I"));
    assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_ERR_FAILED);
    p->journal = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, play_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_kinds),           TEST(test_one_writer),     TEST(test_replaced),
        TEST(test_made_by_another), TEST(test_left_over),      TEST(test_first_name),
        TEST(test_no_links),        TEST(test_written_anew),   TEST(test_cut),
        TEST(test_read_twice),      TEST(test_cut_by_another), TEST(test_folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
