/* SPDX-License-Identifier: MIT */
/* The system's calls as a journal makes them, and what is on top of them. */
#define _GNU_SOURCE /* F_OFD_SETLK */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal/files.h"

/* ---- a system that answers as it is told ----------------------------------------------------- */

static int lock_error; /* of locks of open file descriptions; 0: as always */
static uint32_t file_system;

#ifndef SYS_fcntl64
#define SYS_fcntl64 SYS_fcntl
#endif

/* These stand before libc's: the library is linked into this program. */
int fcntl(int fd, int command, ...) {
    va_list args;
    void *argument;

    va_start(args, command);
    argument = va_arg(args, void *);
    va_end(args);
    if (command == F_OFD_SETLK && lock_error) {
        errno = lock_error;
        return -1;
    }
    return (int)syscall(SYS_fcntl64, fd, command, argument);
}

int fstatfs(int fd, struct statfs *out) {
    if (fcntl(fd, F_GETFD) < 0) return -1;
    memset(out, 0, sizeof *out);
    memcpy(&out->f_type, &file_system, sizeof file_system);
    return 0;
}

static const opro__files *const sys = &opro__files_system;

typedef struct world {
    char folder[64], file[96], other[96];
} world;

static int world_begin(void **state) {
    world *w = calloc(1, sizeof *w);

    if (!w) return 1;
    strcpy(w->folder, "/tmp/opro-files-XXXXXX");
    if (!mkdtemp(w->folder)) return 1;
    snprintf(w->file, sizeof w->file, "%s/x", w->folder);
    snprintf(w->other, sizeof w->other, "%s/y", w->folder);
    lock_error = 0;
    file_system = 0;
    *state = w;
    return 0;
}

static int world_end(void **state) {
    world *w = *state;
    int failed;

    unlink(w->file);
    unlink(w->other);
    failed = rmdir(w->folder);
    free(w);
    return failed;
}

static int open_new(const world *w) {
    int fd = sys->open(NULL, w->file, OPRO__FILES_NEW);

    assert_in_range(fd, 3, 1000);
    return fd;
}

/* ---- the calls ------------------------------------------------------------------------------- */

static void test_open(void **state) {
    world *w = *state;
    struct stat st;
    int fd;

    assert_int_equal(sys->open(NULL, w->file, OPRO__FILES_READ), -ENOENT);
    assert_int_equal(sys->open(NULL, w->file, OPRO__FILES_WRITE), -ENOENT);
    for (int mask = 0; mask <= 0777; mask += 0777) { /* whatever the umask */
        mode_t old = umask((mode_t)mask);

        fd = open_new(w);
        umask(old);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(sys->close(NULL, fd), 0);
        assert_int_equal(sys->open(NULL, w->file, OPRO__FILES_NEW), -EEXIST);
        if (mask == 0) unlink(w->file);
    }
    fd = sys->open(NULL, w->file, OPRO__FILES_READ);
    assert_in_range(fd, 3, 1000);
    assert_int_equal(sys->write(NULL, fd, "x", 1, 0), -EBADF);
    assert_int_equal(sys->close(NULL, fd), 0);
    assert_int_equal(sys->close(NULL, fd), -EBADF);
}

/* As where stdin is closed. Back to what it was at the end. */
static void test_low_descriptors(void **state) {
    world *w = *state;
    int stdin_was = dup(0), fd;
    struct rlimit was, three;

    assert_true(stdin_was > 2);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    three = (struct rlimit){3, was.rlim_max};
    close(0);
    fd = open_new(w);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(0, F_GETFD), -1); /* it was not left open */
    sys->close(NULL, fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &three), 0); /* no other can be had */
    fd = sys->open(NULL, w->file, OPRO__FILES_READ);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_true(fd == -EINVAL || fd == -EMFILE);
    assert_int_equal(fcntl(0, F_GETFD), -1);
    assert_int_equal(dup2(stdin_was, 0), 0);
    close(stdin_was);
}

static void test_stat(void **state) {
    world *w = *state;
    opro__files_stat a, b;
    int fd = open_new(w);

    assert_int_equal(sys->stat(NULL, fd, &a), 0);
    assert_int_equal(sys->stat_path(NULL, w->file, &b), 0);
    assert_true(a.device == b.device && a.inode == b.inode && a.regular && b.links == 1);
    assert_int_equal(sys->link(NULL, w->file, w->other), 0);
    assert_int_equal(sys->link(NULL, w->file, w->other), -EEXIST);
    assert_int_equal(sys->stat(NULL, fd, &a), 0);
    assert_int_equal(a.links, 2);
    assert_int_equal(sys->unlink(NULL, w->other), 0);
    assert_int_equal(sys->unlink(NULL, w->other), -ENOENT);
    assert_int_equal(sys->rename(NULL, w->file, w->other), 0);
    assert_int_equal(sys->rename(NULL, w->file, w->other), -ENOENT);
    assert_int_equal(sys->stat_path(NULL, w->file, &b), -ENOENT);
    assert_int_equal(sys->stat_path(NULL, w->folder, &b), 0);
    assert_false(b.regular);
    assert_int_equal(sys->stat(NULL, -1, &a), -EBADF);
    sys->close(NULL, fd);
    assert_int_equal(mkfifo(w->file, 0600), 0); /* nobody writes into it: no waiting for that */
    fd = sys->open(NULL, w->file, OPRO__FILES_READ);
    assert_int_equal(sys->stat(NULL, fd, &a), 0);
    assert_false(a.regular);
    sys->close(NULL, fd);
}

static void test_bytes(void **state) {
    world *w = *state;
    int fd = open_new(w);
    char s[16];

    assert_int_equal(sys->write(NULL, fd, "hello", 5, 3), 5);
    assert_int_equal(sys->read(NULL, fd, s, sizeof s, 0), 8);
    assert_memory_equal(s, "\0\0\0hello", 8);
    assert_int_equal(sys->read(NULL, fd, s, sizeof s, 8), 0);
    assert_int_equal(sys->truncate(NULL, fd, 4), 0);
    assert_int_equal(sys->read(NULL, fd, s, sizeof s, 0), 4);
    assert_int_equal(sys->sync(NULL, fd), 0);
    assert_int_equal(sys->sync_data(NULL, fd), 0);
    sys->forget(NULL, fd, 0, 4); /* in memory alone */
    assert_int_equal(sys->read(NULL, fd, s, sizeof s, 0), 4);
    assert_memory_equal(s, "\0\0\0h", 4);
    sys->close(NULL, fd);
    assert_int_equal(sys->read(NULL, -1, s, 1, 0), -EBADF);
    assert_int_equal(sys->write(NULL, -1, s, 1, 0), -EBADF);
    assert_int_equal(sys->truncate(NULL, -1, 0), -EBADF);
    assert_int_equal(sys->sync(NULL, -1), -EBADF);
    assert_int_equal(sys->sync_data(NULL, -1), -EBADF);
    assert_int_equal(sys->sync_folder(NULL, w->folder), 0);
    assert_int_equal(sys->sync_folder(NULL, w->other), -ENOENT);
    assert_int_equal(sys->sync_folder(NULL, w->file), -ENOTDIR);
    assert_int_equal(sys->sync_folder(NULL, "/proc"), -EINVAL); /* as where folders have no sync */
    assert_int_equal(sys->pid(NULL), getpid());
}

static void test_full(void **state) {
    int fd = sys->open(NULL, "/dev/full", OPRO__FILES_WRITE);

    (void)state;
    assert_in_range(fd, 3, 1000);
    assert_int_equal(opro__files_write(sys, fd, "x", 1, 0), -ENOSPC);
    sys->close(NULL, fd);
}

/* Between two openings in one process, and gone when the last descriptor of one is. */
static void check_lock(const world *w) {
    int a = open_new(w), b = sys->open(NULL, w->file, OPRO__FILES_WRITE), more;

    assert_int_equal(sys->lock(NULL, a), 0);
    assert_int_equal(sys->lock(NULL, a), 0);
    assert_int_equal(sys->lock(NULL, b), -EAGAIN);
    more = dup(a);
    sys->close(NULL, a);
    assert_int_equal(sys->lock(NULL, b), -EAGAIN);
    close(sys->open(NULL, w->file, OPRO__FILES_READ)); /* closing another one changes nothing */
    assert_int_equal(sys->lock(NULL, b), -EAGAIN);
    close(more);
    assert_int_equal(sys->lock(NULL, b), 0);
    sys->close(NULL, b);
    unlink(w->file);
}

static void test_lock(void **state) {
    world *w = *state;
    int fd;

    check_lock(w);
    lock_error = EINVAL; /* no such locks: flock() */
    check_lock(w);
    assert_int_equal(sys->lock(NULL, -1), -EBADF);
    fd = open_new(w);
    lock_error = EAGAIN;
    assert_int_equal(sys->lock(NULL, fd), -EAGAIN);
    lock_error = EACCES; /* the other word for it */
    assert_int_equal(sys->lock(NULL, fd), -EAGAIN);
    lock_error = EINTR;
    assert_int_equal(sys->lock(NULL, fd), -EINTR);
    sys->close(NULL, fd);
}

static void test_network(void **state) {
    static const struct {
        uint32_t type;
        const char *name;
    } kinds[] = {{0x6969, "NFS"}, {0xff534d42, "CIFS"}, {0x65735546, "FUSE"}, {0xef53, NULL}};
    world *w = *state;
    int fd = open_new(w);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *name;

        file_system = kinds[i].type;
        name = sys->network(NULL, fd);
        assert_int_equal(name != NULL, kinds[i].name != NULL);
        if (name) assert_string_equal(name, kinds[i].name);
    }
    assert_null(sys->network(NULL, -1));
    sys->close(NULL, fd);
}

/* ---- whole calls ----------------------------------------------------------------------------- */

/* Calls that are interrupted so many times, then done; moves: at most so many bytes at once. */
typedef struct slow {
    int interruptions, left;
    size_t moves;
    char bytes[16];
    size_t len;
} slow;

static int interrupted(void *user) {
    slow *s = user;

    return s->left-- > 0;
}

static int slow_int(void *user, int fd) {
    return interrupted(user) ? -EINTR : fd;
}

static int slow_open(void *user, const char *path, int how) {
    (void)path;
    return slow_int(user, how);
}

static int slow_folder(void *user, const char *path) {
    (void)path;
    return slow_int(user, 0);
}

static int slow_truncate(void *user, int fd, uint64_t len) {
    (void)len;
    return slow_int(user, fd);
}

static int64_t slow_read(void *user, int fd, void *to, size_t len, uint64_t at) {
    slow *s = user;

    (void)fd;
    if (interrupted(s)) return -EINTR;
    s->left = s->interruptions;
    if (at >= s->len) return 0;
    if (len > s->moves) len = s->moves;
    if (len > s->len - at) len = s->len - (size_t)at;
    memcpy(to, s->bytes + at, len);
    return (int64_t)len;
}

static int64_t slow_write(void *user, int fd, const void *from, size_t len, uint64_t at) {
    slow *s = user;

    (void)fd;
    if (interrupted(s)) return -EINTR;
    s->left = s->interruptions;
    if (len > s->moves) len = s->moves;
    memcpy(s->bytes + at, from, len);
    s->len = (size_t)at + len;
    return (int64_t)len;
}

static void test_interrupted(void **state) {
    slow s = {.moves = 3};
    opro__files files = {
        .user = &s,
        .open = slow_open,
        .lock = slow_int,
        .read = slow_read,
        .write = slow_write,
        .sync = slow_int,
        .sync_data = slow_int,
        .truncate = slow_truncate,
        .sync_folder = slow_folder,
    };
    char text[16];

    (void)state;
    for (s.interruptions = 0; s.interruptions <= 100000;
         s.interruptions += 1 + s.interruptions * 99) {
        int ok = s.interruptions < 1000; /* but not for ever */

        s.left = s.interruptions;
        assert_int_equal(opro__files_open(&files, "", 1), ok ? 1 : -EINTR);
        s.left = s.interruptions;
        assert_int_equal(opro__files_lock(&files, 2), ok ? 2 : -EINTR);
        s.left = s.interruptions;
        assert_int_equal(opro__files_sync(&files, 3), ok ? 3 : -EINTR);
        s.left = s.interruptions;
        assert_int_equal(opro__files_sync_data(&files, 4), ok ? 4 : -EINTR);
        s.left = s.interruptions;
        assert_int_equal(opro__files_sync_folder(&files, ""), ok ? 0 : -EINTR);
        s.left = s.interruptions;
        assert_int_equal(opro__files_truncate(&files, 5, 0), ok ? 5 : -EINTR);
        s.left = s.interruptions;
        assert_int_equal(opro__files_write(&files, 0, "0123456789", 10, 0), ok ? 0 : -EINTR);
        if (!ok) continue;
        assert_int_equal(s.len, 10);
        assert_int_equal(opro__files_read(&files, 0, text, 8, 0), 8);
        assert_memory_equal(text, "01234567", 8);
        assert_int_equal(opro__files_read(&files, 0, text, sizeof text, 4), 6);
        assert_memory_equal(text, "456789", 6);
        s.len = 0;
    }
    s.left = s.interruptions;
    assert_int_equal(opro__files_read(&files, 0, text, 8, 0), -EINTR);
    s.left = 0;
    s.moves = 0; /* nothing is taken, and no reason is given */
    assert_int_equal(opro__files_write(&files, 0, "x", 1, 0), -EIO);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void test_words(void **state) {
    opro_error err;

    (void)state;
    setlocale(LC_ALL, "");
    assert_int_equal(opro__files_fail(&err, "append to", "/a/b", "pwrite", -ENOSPC),
                     OPRO_ERR_FAILED);
    assert_string_equal(err.message, "cannot append to \"/a/b\" (pwrite): No space left on device; "
                                     "make room on the disk, then open the journal again");
    opro__files_fail(&err, "open", "x", "open", -EACCES);
    assert_string_equal(err.message, "cannot open \"x\" (open): Permission denied; see to the "
                                     "rights to the file and its folder");
    opro__files_fail(&err, "open", "x", "open", -EMLINK);
    assert_string_equal(err.message, "cannot open \"x\" (open): Too many links; "
                                     "open the journal again");
    opro__files_fail(&err, "open", "x", "open", -98765);
    assert_non_null(strstr(err.message, "; open the journal again"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_open),
        TEST(test_low_descriptors),
        TEST(test_stat),
        TEST(test_bytes),
        TEST(test_full),
        TEST(test_lock),
        TEST(test_network),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
