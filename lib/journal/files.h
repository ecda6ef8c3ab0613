/* SPDX-License-Identifier: MIT */
/*
 * The files that a journal is made of: the system's calls as a table, so that tests can put a disk
 * of their own in their place; and on top of it whole reads and writes, calls that were interrupted
 * made again, and failures in words.
 *
 * What a call returns is not negative, or the error with a minus: -ENOSPC.
 */
#ifndef OPRO_JOURNAL_FILES_H
#define OPRO_JOURNAL_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* How a file is opened. */
enum {
    OPRO__FILES_READ,  /* for reading                                                     */
    OPRO__FILES_WRITE, /* for reading and writing                                         */
    OPRO__FILES_NEW    /* the same, and it must not be there: made, for its owner's eyes only */
};

typedef struct opro__files_stat {
    uint64_t device, inode, links;
    int regular;
} opro__files_stat;

/* Paths are NUL-terminated. user is passed to every call. */
typedef struct opro__files {
    void *user;
    /* A descriptor above 2, which does not survive exec(). */
    int (*open)(void *user, const char *path, int how);
    int (*close)(void *user, int fd);
    int (*stat)(void *user, int fd, opro__files_stat *stat);
    int (*stat_path)(void *user, const char *path, opro__files_stat *stat);
    /* The name of the network file system that it is on; NULL: on none that is known. */
    const char *(*network)(void *user, int fd);
    /*
     * Lock against every other opening, in this process as in others, without waiting: -EAGAIN.
     * Gone with the last descriptor of this opening.
     */
    int (*lock)(void *user, int fd);
    /* As many bytes as they like, but 0 at the end of the file alone. */
    int64_t (*read)(void *user, int fd, void *to, size_t len, uint64_t at);
    int64_t (*write)(void *user, int fd, const void *from, size_t len, uint64_t at);
    /* Of what the disk has too, the copy in memory is not needed; whether it goes is not told. */
    void (*forget)(void *user, int fd, uint64_t at, uint64_t len);
    /* To the disk: all of a file; its bytes and what it takes to find them. */
    int (*sync)(void *user, int fd);
    int (*sync_data)(void *user, int fd);
    int (*truncate)(void *user, int fd, uint64_t len);
    int (*link)(void *user, const char *from, const char *to); /* fails if `to` is there  */
    int (*rename)(void *user, const char *from, const char *to);
    int (*unlink)(void *user, const char *path);
    int (*sync_folder)(void *user, const char *path);
    int64_t (*pid)(void *user);
} opro__files;

/* The real ones. */
extern const opro__files opro__files_system;

/* ---- whole calls ----------------------------------------------------------------------------- */

int opro__files_open(const opro__files *files, const char *path, int how);
int opro__files_lock(const opro__files *files, int fd);
int opro__files_sync(const opro__files *files, int fd);
int opro__files_sync_data(const opro__files *files, int fd);
int opro__files_sync_folder(const opro__files *files, const char *path);
int opro__files_rename(const opro__files *files, const char *from, const char *to);
int opro__files_truncate(const opro__files *files, int fd, uint64_t len);

/* How many bytes: fewer than len at the end of the file alone. */
int64_t opro__files_read(const opro__files *files, int fd, char *to, size_t len, uint64_t at);

/* All of them: 0. */
int opro__files_write(const opro__files *files, int fd, const char *from, size_t len, uint64_t at);

/*
 * Put a failure into words: `cannot <what> "<path>" (<call>): <reason>; <what to do>`. error: as it
 * was returned. OPRO_ERR_FAILED.
 */
opro_status opro__files_fail(opro_error *err, const char *what, const char *path, const char *call,
                             int64_t error);

#endif
