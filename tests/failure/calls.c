/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* each function by the name that it has in the library */
#include "calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "fault.h"

static const char *last = "";

const char *calls_failed(void) {
    return last;
}

#ifndef __GLIBC__

int calls_can_fail(void) {
    return 0;
}

void calls_forget(void) {
    last = "";
}

#else

static FILE *broken; /* a stream that has failed */

int calls_can_fail(void) {
    return 1;
}

void calls_forget(void) {
    last = "";
    broken = NULL;
}

/* What a call does in which mode. */
enum {
    FAILS = 1,     /* it can fail, whatever the reason        */
    INTERRUPTS = 2 /* a signal can interrupt it               */
};

/* Does it fail now? errno says how. */
static int fails(const char *name, int how, int error) {
    int mode = faults.mode == FAULT_INTERRUPTED ? INTERRUPTS : FAILS;

    if (!(how & mode) || !fault_now(FAULT_CALLS)) return 0;
    last = name;
    errno = mode == INTERRUPTS ? EINTR : error;
    return 1;
}

/* The function that would have been called. */
static void *behind(void *known, const char *name) {
    return known ? known : dlsym(RTLD_NEXT, name);
}

#define REAL(type, name, params, args)                                                             \
    static type real_##name params {                                                               \
        static void *known;                                                                        \
        type(*real) params;                                                                        \
                                                                                                   \
        known = behind(known, #name);                                                              \
        memcpy(&real, &known, sizeof real);                                                        \
        return real args;                                                                          \
    }

#define CALL(type, name, how, error, params, args)                                                 \
    REAL(type, name, params, args)                                                                 \
    type name params {                                                                             \
        return fails(#name, how, error) ? (type)-1 : real_##name args;                             \
    }

#define BOTH (FAILS | INTERRUPTS)

/* ---- files ----------------------------------------------------------------------------------- */

REAL(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode))
REAL(int, open64, (const char *path, int flags, mode_t mode), (path, flags, mode))

/* The mode, where one is given. */
static mode_t mode_of(int flags, va_list args) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return fails("open", BOTH, EMFILE) ? -1 : real_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return fails("open", BOTH, EMFILE) ? -1 : real_open64(path, flags, mode);
}

REAL(int, fcntl, (int fd, int command, void *arg), (fd, command, arg))
REAL(int, fcntl64, (int fd, int command, void *arg), (fd, command, arg))

static int lock_interrupts(int command) {
    return command == F_OFD_SETLK ? BOTH : FAILS;
}

int fcntl(int fd, int command, ...) {
    va_list args;
    void *arg;

    va_start(args, command);
    arg = va_arg(args, void *);
    va_end(args);
    return fails("fcntl", lock_interrupts(command), ENOLCK) ? -1 : real_fcntl(fd, command, arg);
}

int fcntl64(int fd, int command, ...) {
    va_list args;
    void *arg;

    va_start(args, command);
    arg = va_arg(args, void *);
    va_end(args);
    return fails("fcntl", lock_interrupts(command), ENOLCK) ? -1 : real_fcntl64(fd, command, arg);
}

CALL(int, fstat, FAILS, EIO, (int fd, struct stat *st), (fd, st))
CALL(int, fstat64, FAILS, EIO, (int fd, struct stat64 *st), (fd, st))
CALL(int, stat, FAILS, EIO, (const char *path, struct stat *st), (path, st))
CALL(int, stat64, FAILS, EIO, (const char *path, struct stat64 *st), (path, st))
CALL(int, fstatfs, FAILS, EIO, (int fd, struct statfs *st), (fd, st))
CALL(int, fstatfs64, FAILS, EIO, (int fd, struct statfs64 *st), (fd, st))
CALL(int, fchmod, FAILS, EPERM, (int fd, mode_t mode), (fd, mode))
CALL(int, flock, BOTH, ENOLCK, (int fd, int what), (fd, what))
CALL(ssize_t, read, BOTH, EIO, (int fd, void *to, size_t n), (fd, to, n))
CALL(ssize_t, write, BOTH, ENOSPC, (int fd, const void *from, size_t n), (fd, from, n))
CALL(ssize_t, pread, BOTH, EIO, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
CALL(ssize_t, pread64, BOTH, EIO, (int fd, void *to, size_t n, off64_t at), (fd, to, n, at))
CALL(ssize_t, pwrite, BOTH, ENOSPC, (int fd, const void *from, size_t n, off_t at),
     (fd, from, n, at))
CALL(ssize_t, pwrite64, BOTH, ENOSPC, (int fd, const void *from, size_t n, off64_t at),
     (fd, from, n, at))
CALL(int, ftruncate, BOTH, EIO, (int fd, off_t len), (fd, len))
CALL(int, ftruncate64, BOTH, EIO, (int fd, off64_t len), (fd, len))
CALL(int, link, FAILS, EMLINK, (const char *from, const char *to), (from, to))
CALL(int, rename, FAILS, EIO, (const char *from, const char *to), (from, to))
CALL(int, unlink, FAILS, EIO, (const char *path), (path))

/* Nobody pulls the plug here. */
int fsync(int fd) {
    (void)fd;
    return fails("fsync", BOTH, EIO) ? -1 : 0;
}

int fdatasync(int fd) {
    (void)fd;
    return fails("fdatasync", BOTH, EIO) ? -1 : 0;
}

REAL(int, posix_fadvise64, (int fd, off64_t at, off64_t len, int advice), (fd, at, len, advice))

int posix_fadvise64(int fd, off64_t at, off64_t len, int advice) {
    return fails("posix_fadvise", FAILS, EIO) ? EIO : real_posix_fadvise64(fd, at, len, advice);
}

/* One that fails has closed it all the same. */
REAL(int, close, (int fd), (fd))

int close(int fd) {
    int failed = fails("close", FAILS, EIO), n = real_close(fd);

    if (!failed) return n;
    errno = EIO;
    return -1;
}

REAL(FILE *, fopen, (const char *path, const char *mode), (path, mode))
REAL(FILE *, fopen64, (const char *path, const char *mode), (path, mode))
REAL(size_t, fread, (void *to, size_t size, size_t n, FILE *f), (to, size, n, f))
REAL(int, ferror, (FILE * f), (f))
REAL(int, fclose, (FILE * f), (f))

FILE *fopen(const char *path, const char *mode) {
    return fails("fopen", FAILS, EMFILE) ? NULL : real_fopen(path, mode);
}

FILE *fopen64(const char *path, const char *mode) {
    return fails("fopen", FAILS, EMFILE) ? NULL : real_fopen64(path, mode);
}

size_t fread(void *to, size_t size, size_t n, FILE *f) {
    if (!fails("fread", FAILS, EIO)) return real_fread(to, size, n, f);
    broken = f;
    return 0;
}

int ferror(FILE *f) {
    return f == broken || real_ferror(f);
}

int fclose(FILE *f) {
    if (f == broken) broken = NULL;
    return real_fclose(f);
}

/* ---- sockets and what waits for them --------------------------------------------------------- */

CALL(int, socket, FAILS, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
CALL(ssize_t, send, BOTH, ECONNRESET, (int fd, const void *from, size_t n, int flags),
     (fd, from, n, flags))
CALL(ssize_t, recv, BOTH, ECONNRESET, (int fd, void *to, size_t n, int flags), (fd, to, n, flags))
CALL(int, epoll_create1, FAILS, EMFILE, (int flags), (flags))
CALL(int, eventfd, FAILS, EMFILE, (unsigned count, int flags), (count, flags))
CALL(int, epoll_ctl, FAILS, ENOMEM, (int epoll, int what, int fd, struct epoll_event *event),
     (epoll, what, fd, event))
CALL(int, epoll_wait, INTERRUPTS, EINTR, (int epoll, struct epoll_event *events, int n, int ms),
     (epoll, events, n, ms))

/* ---- expressions: memory of libc's ----------------------------------------------------------- */

REAL(int, regcomp, (regex_t * to, const char *pattern, int flags), (to, pattern, flags))
/* By another name here: glibc's headers have types for these two that standard C does not know. */
int find_expression(const regex_t *regex, const char *s, size_t n, regmatch_t *found,
                    int flags) __asm__("regexec");
int make_connection(int fd, const struct sockaddr *to, socklen_t size) __asm__("connect");

int find_expression(const regex_t *regex, const char *s, size_t n, regmatch_t *found, int flags) {
    static int (*real)(const regex_t *, const char *, size_t, regmatch_t *, int);
    static void *known;

    known = behind(known, "regexec");
    memcpy(&real, &known, sizeof real);
    return fault_now(FAULT_MEMORY) ? REG_ESPACE : real(regex, s, n, found, flags);
}

int make_connection(int fd, const struct sockaddr *to, socklen_t size) {
    static int (*real)(int, const struct sockaddr *, socklen_t);
    static void *known;

    known = behind(known, "connect");
    memcpy(&real, &known, sizeof real);
    return fails("connect", FAILS, ECONNREFUSED) ? -1 : real(fd, to, size);
}

int regcomp(regex_t *to, const char *pattern, int flags) {
    return fault_now(FAULT_MEMORY) ? REG_ESPACE : real_regcomp(to, pattern, flags);
}

#endif
