/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_OFD_SETLK, strerrordesc_np() */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

/* ---- the system's ---------------------------------------------------------------------------- */

static int result(int n) {
    return n < 0 ? -errno : n;
}

/* Never one of the three that the host's stdio writes to, even if the host has closed them. */
static int open_high(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, S_IRUSR | S_IWUSR);
    int high;

    if (fd < 0 || fd > STDERR_FILENO) return result(fd);
    high = result(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    close(fd);
    return high;
}

/* O_NONBLOCK: opening what turns out to be a pipe does not wait for its other end. */
static int system_open(void *user, const char *path, int how) {
    static const int flags[] = {O_RDONLY, O_RDWR, O_RDWR | O_CREAT | O_EXCL};
    int fd = open_high(path, flags[how] | O_NONBLOCK);

    (void)user;
    /* What the umask took from the owner; where modes cannot be set nothing was taken. */
    if (fd >= 0 && how == OPRO__FILES_NEW) (void)!fchmod(fd, S_IRUSR | S_IWUSR);
    return fd;
}

static int system_close(void *user, int fd) {
    (void)user;
    return result(close(fd));
}

static int tell(int n, const struct stat *st, opro__files_stat *stat) {
    if (n < 0) return -errno;
    stat->device = (uint64_t)st->st_dev;
    stat->inode = (uint64_t)st->st_ino;
    stat->links = (uint64_t)st->st_nlink;
    stat->regular = S_ISREG(st->st_mode);
    return 0;
}

static int system_stat(void *user, int fd, opro__files_stat *out) {
    struct stat st;
    int n = fstat(fd, &st);

    (void)user;
    return tell(n, &st, out);
}

static int system_stat_path(void *user, const char *path, opro__files_stat *out) {
    struct stat st;
    int n = stat(path, &st);

    (void)user;
    return tell(n, &st, out);
}

/*
 * Those on which locks, syncs or both may mean less than they say. FUSE is among them because
 * nobody can tell what is behind it.
 */
static const char *system_network(void *user, int fd) {
#ifdef __linux__
    static const struct {
        uint32_t type;
        const char *name;
    } kinds[] = {
        {0x6969, "NFS"},        {0xff534d42, "CIFS"},
        {0xfe534d42, "SMB"},    {0x517b, "SMB"},
        {0x65735546, "FUSE"},   {0x01021997, "9p"},
        {0x00c36400, "Ceph"},   {0x5346414f, "AFS"},
        {0x6b414653, "AFS"},    {0x73757245, "Coda"},
        {0x564c, "NCP"},        {0x0bd00bd0, "Lustre"},
        {0x47504653, "GPFS"},   {0x01161970, "GFS2"},
        {0x7461636f, "OCFS2"},  {0x786f4256, "VirtualBox"},
        {0xbacbacbc, "VMware"},
    };
    struct statfs fs;

    (void)user;
    if (fstatfs(fd, &fs) < 0) return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((uint32_t)fs.f_type == kinds[i].type) return kinds[i].name;
#else
    (void)user;
    (void)fd;
#endif
    return NULL;
}

/*
 * Locks of open file descriptions where there are such, else flock(). Never classic record locks:
 * any close() of the file, anywhere in the process, lets go of them.
 */
static int system_lock(void *user, int fd) {
#ifdef F_OFD_SETLK
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &whole) == 0) return 0;
    if (errno == EAGAIN || errno == EACCES) return -EAGAIN;
    if (errno == EINTR) return -EINTR;
#endif
    (void)user;
    return result(flock(fd, LOCK_EX | LOCK_NB));
}

static int64_t system_read(void *user, int fd, void *to, size_t len, uint64_t at) {
    ssize_t n = pread(fd, to, len, (off_t)at);

    (void)user;
    return n < 0 ? -errno : n;
}

static int64_t system_write(void *user, int fd, const void *from, size_t len, uint64_t at) {
    ssize_t n = pwrite(fd, from, len, (off_t)at);

    (void)user;
    return n < 0 ? -errno : n;
}

static void system_forget(void *user, int fd, uint64_t at, uint64_t len) {
    (void)user;
#ifdef POSIX_FADV_DONTNEED
    (void)posix_fadvise(fd, (off_t)at, (off_t)len, POSIX_FADV_DONTNEED);
#else
    (void)fd, (void)at, (void)len;
#endif
}

static int system_sync(void *user, int fd) {
    (void)user;
#ifdef F_FULLFSYNC /* without it the disk may keep it in its own memory */
    if (fcntl(fd, F_FULLFSYNC) == 0) return 0;
#endif
    return result(fsync(fd));
}

static int system_sync_data(void *user, int fd) {
#ifdef F_FULLFSYNC
    return system_sync(user, fd);
#else
    (void)user;
    return result(fdatasync(fd));
#endif
}

static int system_truncate(void *user, int fd, uint64_t len) {
    (void)user;
    return result(ftruncate(fd, (off_t)len));
}

static int system_link(void *user, const char *from, const char *to) {
    (void)user;
    return result(link(from, to));
}

static int system_rename(void *user, const char *from, const char *to) {
    (void)user;
    return result(rename(from, to));
}

static int system_unlink(void *user, const char *path) {
    (void)user;
    return result(unlink(path));
}

static int system_sync_folder(void *user, const char *path) {
    int fd = open_high(path, O_RDONLY | O_DIRECTORY);
    int n;

    (void)user;
    if (fd < 0) return fd;
    n = result(fsync(fd));
    close(fd);
    return n;
}

static int64_t system_pid(void *user) {
    (void)user;
    return getpid();
}

const opro__files opro__files_system = {
    .open = system_open,
    .close = system_close,
    .stat = system_stat,
    .stat_path = system_stat_path,
    .network = system_network,
    .lock = system_lock,
    .read = system_read,
    .write = system_write,
    .forget = system_forget,
    .sync = system_sync,
    .sync_data = system_sync_data,
    .truncate = system_truncate,
    .link = system_link,
    .rename = system_rename,
    .unlink = system_unlink,
    .sync_folder = system_sync_folder,
    .pid = system_pid,
};

/* ---- whole calls ----------------------------------------------------------------------------- */

enum { TRIES = 1000 }; /* of a call that is interrupted each time: nothing hangs for ever */

#define UNINTERRUPTED(n, call)                                                                     \
    for (int tries_ = 0; ((n) = (call)) == -EINTR && ++tries_ < TRIES;) {                          \
    }

int opro__files_open(const opro__files *files, const char *path, int how) {
    int n;

    UNINTERRUPTED(n, files->open(files->user, path, how));
    return n;
}

int opro__files_lock(const opro__files *files, int fd) {
    int n;

    UNINTERRUPTED(n, files->lock(files->user, fd));
    return n;
}

int opro__files_sync(const opro__files *files, int fd) {
    int n;

    UNINTERRUPTED(n, files->sync(files->user, fd));
    return n;
}

int opro__files_sync_data(const opro__files *files, int fd) {
    int n;

    UNINTERRUPTED(n, files->sync_data(files->user, fd));
    return n;
}

int opro__files_sync_folder(const opro__files *files, const char *path) {
    int n;

    UNINTERRUPTED(n, files->sync_folder(files->user, path));
    return n;
}

int opro__files_rename(const opro__files *files, const char *from, const char *to) {
    int n;

    UNINTERRUPTED(n, files->rename(files->user, from, to));
    return n;
}

int opro__files_truncate(const opro__files *files, int fd, uint64_t len) {
    int n;

    UNINTERRUPTED(n, files->truncate(files->user, fd, len));
    return n;
}

int64_t opro__files_read(const opro__files *files, int fd, char *to, size_t len, uint64_t at) {
    size_t have = 0;

    while (have < len) {
        int64_t n;

        UNINTERRUPTED(n, files->read(files->user, fd, to + have, len - have, at + have));
        if (n < 0) return n;
        if (n == 0) break;
        have += (size_t)n;
    }
    return (int64_t)have;
}

int opro__files_write(const opro__files *files, int fd, const char *from, size_t len, uint64_t at) {
    size_t done = 0;

    while (done < len) {
        int64_t n;

        UNINTERRUPTED(n, files->write(files->user, fd, from + done, len - done, at + done));
        if (n <= 0) return n < 0 ? (int)n : -EIO; /* none taken, and no reason given */
        done += (size_t)n;
    }
    return 0;
}

/* ---- failures -------------------------------------------------------------------------------- */

#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 32)
#define HAVE_DESCRIPTIONS
#endif
#endif

/* The reason in English: what a log says does not depend on who reads it. */
static const char *words(int error) {
#ifdef HAVE_DESCRIPTIONS
    const char *text = strerrordesc_np(error);

    return text ? text : "unknown error";
#else
    return strerror(error); /* not a buffer that others write to, for errors with a name */
#endif
}

static const char *advice(int error) {
    static const struct {
        int error;
        const char *advice;
    } known[] = {
        {ENOSPC, "make room on the disk, then open the journal again"},
        {EDQUOT, "make room on the disk, then open the journal again"},
        {EFBIG, "raise the limit of the size of files, then open the journal again"},
        {EIO, "the disk may be failing: see what the system's log says of it"},
        {EROFS, "this file system can only be read"},
        {EACCES, "see to the rights to the file and its folder"},
        {EPERM, "see to the rights to the file and its folder"},
        {ENOENT, "see whether the path is right"},
        {ENOTDIR, "see whether the path is right"},
        {ENAMETOOLONG, "choose a shorter path"},
        {EMFILE, "close other files, or raise the limit of open files"},
        {ENFILE, "close other files, or raise the limit of open files"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].error == error) return known[i].advice;
    return "open the journal again";
}

opro_status opro__files_fail(opro_error *err, const char *what, const char *path, const char *call,
                             int64_t error) {
    int number = (int)-error;

    return opro__fail(err, OPRO_ERR_FAILED, "cannot %s %s (%s): %s; %s", what,
                      opro__quote(path, strlen(path)).text, call, words(number), advice(number));
}
