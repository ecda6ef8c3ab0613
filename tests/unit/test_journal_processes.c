/* SPDX-License-Identifier: MIT */
/*
 * Journals in real files, and processes that use them at the same time, and run out of disk. (Those
 * that are killed are in tests/durability.)
 */
#define _GNU_SOURCE /* unshare() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/num.h"
#include "journal/journal_file.h"

enum { LARGE = 200000 };

static const char header[] = "{\"t\":\"header\"}";

typedef struct world {
    char folder[64];
    char file[96];
    opro__mem mem;
    opro_error err;
    opro__journal_file *journal;
    uint64_t records; /* read when it was opened */
    size_t each;      /* fill of each; 0: little for most, LARGE for some */
} world;

/* ---- a journal whose record n says n --------------------------------------------------------- */

static size_t payload(const world *w, uint64_t n, char *out) {
    size_t len = 5, fill = n % 7 == 0 ? LARGE : (size_t)(n % 100);

    if (w->each) fill = w->each;
    memcpy(out, "{\"n\":", 5);
    len += opro__int_format((int64_t)n, out + len);
    memcpy(out + len, ",\"x\":\"", 6);
    len += 6;
    memset(out + len, 'a' + (int)(n % 26), fill);
    memcpy(out + len + fill, "\"}", 2);
    return len + fill + 2;
}

static int is_record(const world *w, const opro__journal_record *record) {
    static char text[LARGE + 100];
    size_t len = payload(w, record->seq, text);

    if (record->seq == 0) return record->len == strlen(header);
    if (record->len == strlen(OPRO__JOURNAL_CLOSE))
        return memcmp(record->payload, OPRO__JOURNAL_CLOSE, record->len) == 0;
    return record->len == len && memcmp(record->payload, text, len) == 0;
}

/* Open it to its end; every record has to say what it has to. */
static opro_status open_at(world *w, const char *path, int read_only) {
    opro__journal_setup setup = {
        .path = path, .header = header, .header_len = strlen(header), .read_only = read_only};
    opro__journal_record record;
    opro_status st =
        opro__journal_file_open(&w->journal, &w->mem, &w->err, &opro__files_system, &setup);

    w->records = 0;
    while (st == OPRO_OK) {
        st = opro__journal_file_next(w->journal, &record, &w->err);
        if (st == OPRO_OK && (!is_record(w, &record) || record.seq != w->records++))
            st = OPRO_ERR_CALLBACK; /* which nothing here returns */
    }
    return st;
}

static opro_status open_it(world *w) {
    return open_at(w, w->file, 0);
}

static opro_status append(world *w) {
    static char text[LARGE + 100];
    size_t len = payload(w, opro__journal_file_state(w->journal)->records, text);

    return opro__journal_file_append(w->journal, text, len, NULL, &w->err);
}

static opro_status close_it(world *w) {
    opro_status st = opro__journal_file_close(w->journal, &w->err);

    w->journal = NULL;
    return st;
}

static int world_begin(void **state) {
    world *w = calloc(1, sizeof *w);

    if (!w) return 1;
    /* in memory if possible: what is tested here is not the disk */
    strcpy(w->folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/opro-journal-XXXXXX"
                                                    : "/tmp/opro-journal-XXXXXX");
    if (!mkdtemp(w->folder)) return 1;
    snprintf(w->file, sizeof w->file, "%s/j", w->folder);
    *state = w;
    return opro__mem_init(&w->mem, NULL) != OPRO_OK;
}

static int world_end(void **state) {
    world *w = *state;
    char command[128];
    int faults = w->mem.used != 0;

    snprintf(command, sizeof command, "rm -r %s", w->folder);
    faults |= system(command) != 0;
    free(w);
    return faults;
}

/* ---- processes ------------------------------------------------------------------------------- */

typedef void (*child_fn)(world *w, int to);

/* A process that can tell something: where to read it. */
static pid_t start(world *w, child_fn fn, int *from) {
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        fn(w, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    *from = ends[0];
    return pid;
}

static void tell(int to, uint64_t value) {
    if (write(to, &value, sizeof value) != sizeof value) _exit(3);
}

/* What was told; 0: nothing more will be. */
static int hear(int from, uint64_t *value) {
    return read(from, value, sizeof *value) == sizeof *value;
}

static void end_process(pid_t pid) {
    int status;

    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* How it ended by itself. */
static int ended(pid_t pid) {
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Open, say how that went, and stay. */
static void hold(world *w, int to) {
    opro_status st = open_it(w);

    tell(to, (uint64_t)(int64_t)st);
    for (;;)
        pause();
}

static void test_two_processes(void **state) {
    world *w = *state;
    uint64_t said;
    int from;
    pid_t pid = start(w, hold, &from);

    assert_true(hear(from, &said));
    assert_int_equal((int64_t)said, OPRO_DONE);
    assert_int_equal(open_it(w), OPRO_ERR_STATE);
    assert_non_null(strstr(w->err.message, "is being written by another process"));
    assert_int_equal(open_at(w, w->file, 1), OPRO_DONE); /* readers may */
    assert_int_equal(close_it(w), OPRO_OK);
    end_process(pid);
    assert_int_equal(open_it(w), OPRO_DONE); /* at once */
    assert_int_equal(close_it(w), OPRO_OK);
    close(from);
}

/* Many make the same journal at the same time: it is one journal, and one of them has it. */
static void test_makers(void **state) {
    enum { MAKERS = 8 };
    world *w = *state;

    for (int round = 0; round < 25; round++) {
        pid_t pid[MAKERS];
        int from[MAKERS], holders = 0;

        for (int i = 0; i < MAKERS; i++)
            pid[i] = start(w, hold, &from[i]);
        for (int i = 0; i < MAKERS; i++) {
            uint64_t said;

            assert_true(hear(from[i], &said));
            holders += (int64_t)said == OPRO_DONE;
            if ((int64_t)said != OPRO_DONE) assert_int_equal((int64_t)said, OPRO_ERR_STATE);
        }
        assert_int_equal(holders, 1);
        for (int i = 0; i < MAKERS; i++) {
            end_process(pid[i]);
            close(from[i]);
        }
        assert_int_equal(open_it(w), OPRO_DONE);
        assert_int_equal(w->records, 1);
        assert_int_equal(close_it(w), OPRO_OK);
        unlink(w->file);
    }
}

/* A child of the one who has it open. */
static void test_fork(void **state) {
    world *w = *state, other = *w;
    pid_t pid;

    assert_int_equal(open_it(w), OPRO_DONE);
    assert_int_equal(append(w), OPRO_OK);
    pid = fork();
    if (pid == 0) {
        if (append(w) != OPRO_ERR_STATE) _exit(1);
        if (!strstr(w->err.message, "a child of it may not write")) _exit(2);
        _exit(close_it(w) == OPRO_OK ? 0 : 3);
    }
    assert_int_equal(ended(pid), 0);
    assert_int_equal(open_it(&other), OPRO_ERR_STATE); /* the lock is still the parent's */
    assert_int_equal(append(w), OPRO_OK);
    assert_int_equal(close_it(w), OPRO_OK);
    assert_int_equal(open_at(w, w->file, 1), OPRO_DONE);
    assert_int_equal(w->records, 4);
    assert_int_equal(close_it(w), OPRO_OK);
}

/* ---- readers --------------------------------------------------------------------------------- */

/* Write until somebody kills this process; after each sync tell how many records are safe. */
static void write_for_ever(world *w, int to) {
    opro_status st = open_it(w);

    if (st != OPRO_DONE) _exit(1);
    tell(to, opro__journal_file_state(w->journal)->durable);
    for (uint64_t i = 1;; i++) {
        if (append(w) != OPRO_OK) _exit(2);
        if (opro__mix(i) % 3 == 0) continue; /* groups */
        if (opro__journal_file_sync(w->journal, &w->err) != OPRO_OK) _exit(2);
        tell(to, opro__journal_file_state(w->journal)->durable);
    }
}

/* A reader sees whole records alone, in order, while they are written. */
static void test_reader(void **state) {
    world *w = *state;
    uint64_t told, at_once;
    int from;
    pid_t pid = start(w, write_for_ever, &from);
    opro__journal_record record;
    opro_status st;

    assert_true(hear(from, &told));
    st = open_at(w, w->file, 1);
    assert_int_equal(st, OPRO_DONE);
    at_once = w->records;
    while (w->records < at_once + 300) {
        struct pollfd more = {.fd = from, .events = POLLIN};

        st = opro__journal_file_next(w->journal, &record, &w->err);
        if (st == OPRO_OK) {
            assert_true(is_record(w, &record) && record.seq == w->records);
            w->records++;
            continue;
        }
        assert_int_equal(st, OPRO_DONE);
        while (poll(&more, 1, 0) > 0)
            assert_true(hear(from, &told)); /* it is still there */
    }
    assert_int_equal(close_it(w), OPRO_OK);
    end_process(pid);
    close(from);
}

/* ---- disks ----------------------------------------------------------------------------------- */

/*
 * Do something with a disk of so many bytes mounted on the folder, seen by nobody else. 77: there
 * is no such disk to be had.
 */
static int on_small_disk(world *w, const char *size, int (*what)(world *)) {
    pid_t pid = fork();

    if (pid == 0) {
        if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(77);
        if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) _exit(77);
        if (mount("none", w->folder, "tmpfs", 0, size) != 0) _exit(77);
        _exit(what(w));
    }
    return ended(pid);
}

static void check_on_disk(world *w, const char *size, int (*what)(world *)) {
    int result = on_small_disk(w, size, what);

    if (result == 77) {
        print_message("no small disk can be mounted here: skipped\n");
        skip();
    }
    assert_int_equal(result, 0);
}

/* Line numbers as exit codes: which check it was. */
#define CHECK(holds)                                                                               \
    if (!(holds)) return print_message("%s: %s\n", #holds, w->err.message), 1

static int fill_disk(world *w) {
    uint64_t safe = 0, end;
    char ballast[96];
    opro_status st;
    int fd;

    snprintf(ballast, sizeof ballast, "%s/ballast", w->folder);
    fd = open(ballast, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && posix_fallocate(fd, 0, 100000) == 0 && close(fd) == 0);
    CHECK(open_it(w) == OPRO_DONE);
    do {
        st = append(w);
        if (st == OPRO_OK) st = opro__journal_file_sync(w->journal, &w->err);
        if (st == OPRO_OK) safe = opro__journal_file_state(w->journal)->durable;
    } while (st == OPRO_OK);
    CHECK(st == OPRO_ERR_FAILED && strstr(w->err.message, "(pwrite): No space left on device"));
    CHECK(strstr(w->err.message, "make room on the disk, then open the journal again"));
    CHECK(opro__journal_file_state(w->journal)->durable == safe && safe > 7);
    end = opro__journal_file_state(w->journal)->end;
    CHECK(append(w) == st && opro__journal_file_sync(w->journal, &w->err) == st);
    CHECK(close_it(w) == st);
    /* there is no room for a copy of the torn tail: nothing is cut off */
    CHECK(open_it(w) == OPRO_ERR_FAILED && strstr(w->err.message, "cannot keep the torn end"));
    CHECK(w->records == safe && close_it(w) == OPRO_ERR_FAILED);
    CHECK(open_at(w, w->file, 1) == OPRO_DONE && w->records == safe);
    CHECK(opro__journal_file_state(w->journal)->torn > 0 && close_it(w) == OPRO_OK);
    CHECK(unlink(ballast) == 0);
    CHECK(open_it(w) == OPRO_DONE && w->records == safe);
    CHECK(opro__journal_file_state(w->journal)->end == end);
    CHECK(opro__journal_file_state(w->journal)->torn_file);
    CHECK(unlink(opro__journal_file_state(w->journal)->torn_file) == 0);
    CHECK(close_it(w) == OPRO_OK);
    CHECK(open_it(w) == OPRO_DONE && w->records == safe + 1 && close_it(w) == OPRO_OK);
    return 0;
}

static void test_full_disk(void **state) {
    check_on_disk(*state, "size=320k", fill_disk);
}

static int only_read(world *w) {
    CHECK(open_it(w) == OPRO_DONE && append(w) == OPRO_OK && close_it(w) == OPRO_OK);
    CHECK(mount("none", w->folder, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) == 0);
    CHECK(open_it(w) == OPRO_ERR_FAILED);
    CHECK(strstr(w->err.message, "Read-only file system; this file system can only be read"));
    CHECK(open_at(w, w->file, 1) == OPRO_DONE && w->records == 3 && close_it(w) == OPRO_OK);
    return 0;
}

static void test_read_only_disk(void **state) {
    check_on_disk(*state, "size=256k", only_read);
}

/* A command of the shell's, in the folder. */
static int run(const world *w, const char *command) {
    char line[512];

    snprintf(line, sizeof line, "cd %s && { %s; } >/dev/null 2>&1", w->folder, command);
    return system(line) == 0;
}

/*
 * A sync that fails on a real file system: ext4 on a disk which is a file in a file system that has
 * no room. It takes what it could not write for written. With room again, what the next process
 * finds in memory has to get to the disk. (Such a disk says nothing when it has written some of
 * several blocks alone: so everything happens within the 64 KiB that are written anew.)
 */
static int fail_sync(world *w) {
    opro_status st = OPRO_OK;
    uint64_t records;

    w->each = 3000;
    if (!run(w, "PATH=$PATH:/sbin:/usr/sbin; mkdir disk && truncate -s 64M image && mkfs.ext4 -q "
                "-O ^has_journal -E lazy_itable_init=0 image && mount -o loop image disk"))
        return 77;
    CHECK(run(w, "head -c 3000000 /dev/zero >small; head -c 30000 /dev/zero >gap"));
    snprintf(w->file, sizeof w->file, "%s/disk/j", w->folder);
    CHECK(open_it(w) == OPRO_DONE && append(w) == OPRO_OK && close_it(w) == OPRO_OK);
    CHECK(run(w, "sync; cat /dev/zero >ballast; rm gap"));
    CHECK(open_it(w) == OPRO_DONE);
    while (st == OPRO_OK) {
        st = append(w);
        if (st == OPRO_OK) st = opro__journal_file_sync(w->journal, &w->err);
    }
    CHECK(strstr(w->err.message, "(fdatasync)"));
    records = opro__journal_file_state(w->journal)->durable;
    CHECK(opro__journal_file_sync(w->journal, &w->err) == OPRO_ERR_FAILED); /* for ever */
    CHECK(close_it(w) == OPRO_ERR_FAILED && run(w, "rm small"));
    CHECK(open_it(w) == OPRO_DONE && w->records >= records);
    records = w->records + 2;
    CHECK(append(w) == OPRO_OK && close_it(w) == OPRO_OK);
    CHECK(run(w, "umount disk && mount -o loop image disk")); /* from the disk, not from memory */
    CHECK(open_it(w) == OPRO_DONE && w->records == records);
    CHECK(close_it(w) == OPRO_OK && run(w, "umount disk"));
    return 0;
}

static void test_failed_sync(void **state) {
    check_on_disk(*state, "size=12m", fail_sync);
}

/* The limit of the size of files: short of room in the same way. */
static int up_to_limit(world *w) {
    struct rlimit limit = {1000, 1000};
    uint64_t safe;

    CHECK(open_it(w) == OPRO_DONE && signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    while (append(w) == OPRO_OK)
        CHECK(opro__journal_file_sync(w->journal, &w->err) == OPRO_OK);
    CHECK(strstr(w->err.message, "File too large; raise the limit of the size of files"));
    safe = opro__journal_file_state(w->journal)->durable;
    CHECK(close_it(w) == OPRO_ERR_FAILED);
    CHECK(open_it(w) == OPRO_DONE && w->records == safe);
    close_it(w); /* for the mark of a close there may be room or not */
    return 0;
}

static void test_limit(void **state) {
    world *w = *state;
    pid_t pid = fork();

    if (pid == 0) _exit(up_to_limit(w));
    assert_int_equal(ended(pid), 0);
    assert_int_equal(open_it(w), OPRO_DONE);
    assert_int_equal(close_it(w), OPRO_OK);
}

static void test_no_files(void **state) {
    world *w = *state;

    assert_int_equal(open_at(w, "/dev/full", 0), OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "\"/dev/full\" is not a regular file"));
    assert_int_equal(open_at(w, w->folder, 0), OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "Is a directory"));
    assert_int_equal(open_at(w, w->folder, 1), OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "is not a regular file"));
    assert_int_equal(open_at(w, "/nowhere/j", 0), OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "No such file or directory; see whether the path is"));
    assert_int_equal(mkfifo(w->file, 0600), 0);
    assert_int_equal(open_at(w, w->file, 0), OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "is not a regular file"));
    w->journal = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_two_processes), TEST(test_makers),    TEST(test_fork),
        TEST(test_reader),        TEST(test_full_disk), TEST(test_read_only_disk),
        TEST(test_failed_sync),   TEST(test_limit),     TEST(test_no_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
