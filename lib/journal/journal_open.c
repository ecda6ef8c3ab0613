/* SPDX-License-Identifier: MIT */
/* Opening a journal's file, locking it, and making it. */
#include "journal_file_parts.h"

#include <errno.h>
#include <string.h>

enum { TRIES = 20 }; /* when others replace the file again and again */

static void detach(opro__journal_file *journal) {
    if (journal->fd >= 0) journal->files->close(journal->files->user, journal->fd);
    journal->fd = -1;
}

static opro__quoted quoted(const char *path) {
    return opro__quote(path, strlen(path));
}

static opro_status check_kind(const opro__journal_file *journal, const char *path,
                              const opro__files_stat *stat, opro_error *err) {
    const opro__files *files = journal->files;
    const char *network = NULL;

    if (!stat->regular)
        return opro__fail(err, OPRO_ERR_FAILED, "%s is not a regular file: a journal has to be one",
                          quoted(path).text);
    if (!journal->read_only && !journal->allow_network)
        network = files->network(files->user, journal->fd);
    if (!network) return OPRO_OK;
    return opro__fail(err, OPRO_ERR_UNSUPPORTED,
                      "%s is on a network file system (%s), where locks and syncs may mean little: "
                      "put it on a disk of this machine, or allow such file systems",
                      quoted(path).text, network);
}

/* OPRO_WAIT: what is locked is no longer what the path names. */
static opro_status lock(const opro__journal_file *journal, const char *path,
                        const opro__files_stat *own, opro_error *err) {
    const opro__files *files = journal->files;
    opro__files_stat there;
    int n = opro__files_lock(files, journal->fd);

    if (n == -EAGAIN)
        return opro__fail(err, OPRO_ERR_STATE,
                          "%s is being written by another process, or by another journal in this "
                          "one: close that first, or choose another file",
                          quoted(path).text);
    if (n < 0) return opro__files_fail(err, "lock", path, "fcntl, flock", n);
    n = files->stat_path(files->user, path, &there);
    if (n < 0 && n != -ENOENT) return opro__files_fail(err, "examine", path, "stat", n);
    return n == 0 && there.device == own->device && there.inode == own->inode ? OPRO_OK : OPRO_WAIT;
}

/*
 * Open a file and lock it. OPRO_DONE: it is not there, or, if it was to be new, it is; OPRO_WAIT:
 * another one has taken its place meanwhile. Whatever is said, fd may be open.
 */
static opro_status take(opro__journal_file *journal, const char *path, int how,
                        opro__files_stat *own, opro_error *err) {
    const opro__files *files = journal->files;
    int n = opro__files_open(files, path, how);
    opro_status st;

    if (n == (how == OPRO__FILES_NEW ? -EEXIST : -ENOENT)) return OPRO_DONE;
    if (n < 0) return opro__files_fail(err, "open", path, "open", n);
    journal->fd = n;
    n = files->stat(files->user, journal->fd, own);
    if (n < 0) return opro__files_fail(err, "examine", path, "fstat", n);
    st = check_kind(journal, path, own, err);
    if (st == OPRO_OK && !journal->read_only) st = lock(journal, path, own, err);
    return st;
}

/* The file with its header, on the disk. */
static opro_status fill(opro__journal_file *journal, const char *path,
                        const opro__journal_setup *setup, opro_error *err) {
    opro__journal_line line = {.payload = setup->header, .len = setup->header_len};
    size_t len;
    opro_status st = opro__journal_compose(journal, &line, &len, err);
    int n;

    if (st != OPRO_OK) return st;
    n = opro__files_write(journal->files, journal->fd, journal->window, len, 0);
    if (n < 0) return opro__files_fail(err, "make the journal", path, "pwrite", n);
    n = opro__files_sync(journal->files, journal->fd);
    return n < 0 ? opro__files_fail(err, "make the journal", path, "fsync", n) : OPRO_OK;
}

/*
 * Give it its name. By link(), since that never takes the place of another file; where there is no
 * link(), the lock on the file beside has to do.
 */
static opro_status name(opro__journal_file *journal, const char *from, opro_error *err) {
    const opro__files *files = journal->files;
    int n = files->link(files->user, from, journal->path);

    if (n < 0 && n != -EEXIST) {
        n = opro__files_rename(files, from, journal->path);
        return n < 0 ? opro__files_fail(err, "make", journal->path, "rename", n) : OPRO_OK;
    }
    files->unlink(files->user, from); /* a name too many does no harm */
    return n < 0 ? OPRO_WAIT : OPRO_OK;
}

/* The file beside is there already: is somebody making the journal, or did he die doing it? */
static opro_status clear_away(opro__journal_file *journal, const char *path, opro_error *err) {
    const opro__files *files = journal->files;
    opro__files_stat own;
    opro_status st = take(journal, path, OPRO__FILES_WRITE, &own, err);
    int n;

    if (st != OPRO_OK) return st == OPRO_DONE ? OPRO_WAIT : st;
    n = files->unlink(files->user, path); /* its name alone: it may have another by now */
    if (n < 0 && n != -ENOENT) return opro__files_fail(err, "remove", path, "unlink", n);
    return OPRO_WAIT;
}

/* As take(), of a file that is not there. */
static opro_status make(opro__journal_file *journal, const opro__journal_setup *setup,
                        opro_error *err) {
    const opro__files *files = journal->files;
    const char *path = opro__journal_beside(journal, ".tmp");
    opro__files_stat own;
    opro_status st = take(journal, path, OPRO__FILES_NEW, &own, err);

    if (st == OPRO_DONE) return clear_away(journal, path, err);
    if (st == OPRO_ERR_STATE || st == OPRO_WAIT) return st; /* somebody has cleared it away */
    if (st == OPRO_OK) st = fill(journal, path, setup, err);
    if (st == OPRO_OK) st = name(journal, path, err);
    if (st != OPRO_OK && st != OPRO_WAIT) files->unlink(files->user, path);
    journal->state.created = st == OPRO_OK;
    return st;
}

/* Who made it may have died before he took away its first name. */
static void drop_first_name(opro__journal_file *journal, const opro__files_stat *own) {
    const opro__files *files = journal->files;
    const char *path = opro__journal_beside(journal, ".tmp");
    opro__files_stat there;

    if (files->stat_path(files->user, path, &there) == 0 && there.device == own->device &&
        there.inode == own->inode)
        files->unlink(files->user, path);
}

opro_status opro__journal_attach(opro__journal_file *journal, const opro__journal_setup *setup,
                                 opro_error *err) {
    int how = journal->read_only ? OPRO__FILES_READ : OPRO__FILES_WRITE;
    opro__files_stat own = {.links = 0};
    opro_status st;

    for (int tries = 0; tries < TRIES; tries++) {
        st = take(journal, journal->path, how, &own, err);
        if (st == OPRO_OK && own.links > 1 && !journal->read_only) drop_first_name(journal, &own);
        if (st == OPRO_DONE && (journal->read_only || !setup->header))
            return opro__files_fail(err, "open", journal->path, "open", -ENOENT);
        if (st == OPRO_DONE) st = make(journal, setup, err);
        if (st != OPRO_WAIT) return st;
        detach(journal);
    }
    return opro__fail(err, OPRO_ERR_STATE, "%s is being replaced again and again: choose another",
                      quoted(journal->path).text);
}
