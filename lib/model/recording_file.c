/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "recording_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/*
 * Never one of the three that the host's stdio writes to, even if the host has closed them.
 */
static int open_high(const char *path, int flags, mode_t mode) {
    int fd = open(path, flags, mode);
    int high = fd;

    if (fd >= 0 && fd <= STDERR_FILENO) {
        int error;

        high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        error = errno;
        close(fd);
        errno = error;
    }
    return high;
}

const opro__file_calls opro__file_system = {
    .open = open_high,
    .fstat = fstat,
    .flock = flock,
    .pread = pread,
    .write = write,
    .ftruncate = ftruncate,
    .close = close,
};

static opro_status fail(const char *what, const char *path, int error, opro_error *err) {
    char reason[128];

    if (strerror_r(error, reason, sizeof reason) != 0) strcpy(reason, "unknown error");
    return opro__fail(err, OPRO_ERR_FAILED, "cannot %s %s: %s", what,
                      opro__quote(path, strlen(path)).text, reason);
}

static opro_status check_regular(const opro__file *file, opro_error *err) {
    struct stat st;

    if (file->calls->fstat(file->fd, &st) < 0) return fail("examine", file->path, errno, err);
    if (S_ISREG(st.st_mode)) return OPRO_OK;
    return opro__fail(err, OPRO_ERR_FAILED, "%s is not a regular file",
                      opro__quote(file->path, strlen(file->path)).text);
}

static opro_status lock(const opro__file *file, opro_error *err) {
    int n;

    do
        n = file->calls->flock(file->fd, LOCK_EX | LOCK_NB);
    while (n < 0 && errno == EINTR);
    if (n == 0) return OPRO_OK;
    if (errno != EWOULDBLOCK) return fail("lock", file->path, errno, err);
    return opro__fail(err, OPRO_ERR_FAILED,
                      "%s is being written by another process, or by another client in this one",
                      opro__quote(file->path, strlen(file->path)).text);
}

/* O_NONBLOCK: opening what turns out to be a pipe does not wait for its other end. */
opro_status opro__file_open(opro__file *file, opro__mem *mem, opro_error *err,
                            const opro__file_calls *calls, const char *path, int append) {
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    opro__file own = {.calls = calls, .fd = -1};
    opro_status st;

    flags |= append ? O_RDWR | O_CREAT | O_APPEND : O_RDONLY;
    own.path = opro__memdup(mem, path, strlen(path));
    if (!own.path) return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
    do
        own.fd = calls->open(path, flags, S_IRUSR | S_IWUSR);
    while (own.fd < 0 && errno == EINTR);
    st = own.fd < 0 ? fail("open", path, errno, err) : OPRO_OK;
    if (st == OPRO_OK) st = check_regular(&own, err);
    if (st == OPRO_OK && append) st = lock(&own, err);
    if (st == OPRO_OK)
        *file = own;
    else
        opro__file_close(&own, mem);
    return st;
}

void opro__file_close(opro__file *file, opro__mem *mem) {
    if (file->fd >= 0) file->calls->close(file->fd);
    file->fd = -1;
    opro__free(mem, file->path);
    file->path = NULL;
}

opro_status opro__file_read(const opro__file *file, uint64_t at, char *out, size_t len, size_t *got,
                            opro_error *err) {
    size_t have = 0;

    while (have < len) {
        ssize_t n = file->calls->pread(file->fd, out + have, len - have, (off_t)(at + have));

        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail("read", file->path, errno, err);
        if (n == 0) break;
        have += (size_t)n;
    }
    *got = have;
    return OPRO_OK;
}

opro_status opro__file_append(const opro__file *file, const char *s, size_t len, opro_error *err) {
    size_t done = 0;

    while (done < len) {
        ssize_t n = file->calls->write(file->fd, s + done, len - done);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail("write", file->path, n < 0 ? errno : EIO, err);
        done += (size_t)n;
    }
    return OPRO_OK;
}

opro_status opro__file_cut(const opro__file *file, uint64_t len, opro_error *err) {
    int n;

    do
        n = file->calls->ftruncate(file->fd, (off_t)len);
    while (n < 0 && errno == EINTR);
    return n == 0 ? OPRO_OK : fail("cut", file->path, errno, err);
}
