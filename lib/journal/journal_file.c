/* SPDX-License-Identifier: MIT */
#include "journal_file_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { SUFFIX = 32 }; /* the longest: ".torn-" and a number */

static opro__quoted quoted(const opro__journal_file *journal) {
    return opro__quote(journal->path, strlen(journal->path));
}

/* ---- what the parts share -------------------------------------------------------------------- */

opro_status opro__journal_die(opro__journal_file *journal, const opro_error *err) {
    return opro__err_copy(&journal->broken, err);
}

const char *opro__journal_beside(opro__journal_file *journal, const char *suffix) {
    strcpy(journal->beside + strlen(journal->path), suffix);
    return journal->beside;
}

int opro__journal_is_close(const char *payload, size_t len) {
    return len == strlen(OPRO__JOURNAL_CLOSE) && memcmp(payload, OPRO__JOURNAL_CLOSE, len) == 0;
}

/* Some file systems do not sync folders, and a folder need not be readable. */
int opro__journal_sync_folder(opro__journal_file *journal) {
    static const int refusals[] = {EINVAL, ENOSYS, ENOTSUP, EACCES, EPERM};
    int n = opro__files_sync_folder(journal->files, journal->folder);

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (n == -refusals[i]) {
            journal->state.folder_unsynced = 1;
            return 0;
        }
    return n;
}

opro_status opro__journal_compose(opro__journal_file *journal, opro__journal_line *line,
                                  size_t *len, opro_error *err) {
    if (line->len > OPRO__JOURNAL_PAYLOAD)
        return opro__fail(
            err, OPRO_ERR_LIMIT,
            "a record of %zu bytes: a journal takes at most %zu, put large texts into "
            "several records",
            line->len, OPRO__JOURNAL_PAYLOAD);
    if (!opro__journal_payload_valid(line->payload, line->len))
        return opro__fail(err, OPRO_ERR_INVALID,
                          "a record has to be one JSON object in UTF-8 on one line, at most 64 "
                          "levels deep, not %s",
                          opro__quote(line->payload, line->len).text);
    line->previous = journal->crc;
    line->seq = journal->state.records;
    line->durable = journal->state.durable;
    *len = opro__journal_line_write(journal->window, line);
    return OPRO_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* The folder of a path, for syncing it. */
static char *folder_of(opro__mem *mem, const char *path) {
    const char *slash = strrchr(path, '/');

    if (!slash) return opro__memdup(mem, ".", 1);
    return opro__memdup(mem, path, slash == path ? 1 : (size_t)(slash - path));
}

/* Closes nothing that is open. */
static void destroy(opro__journal_file *journal) {
    opro__mem *mem = journal->mem;

    opro__free(mem, journal->path);
    opro__free(mem, journal->folder);
    opro__free(mem, journal->beside);
    opro__free(mem, journal->window);
    opro__free(mem, journal);
}

/* All the memory that it will ever use. */
static opro__journal_file *create(opro__mem *mem, const char *path) {
    opro__journal_file *journal = opro__calloc(mem, 1, sizeof *journal);
    size_t len = strlen(path);

    if (!journal) return NULL;
    journal->mem = mem;
    journal->fd = -1;
    journal->path = opro__memdup(mem, path, len);
    journal->folder = folder_of(mem, path);
    journal->beside = opro__alloc(mem, len + SUFFIX);
    journal->window = opro__alloc(mem, OPRO__JOURNAL_LINE + OPRO__JOURNAL_CHUNK);
    if (journal->path && journal->folder && journal->beside && journal->window) {
        memcpy(journal->beside, path, len + 1);
        return journal;
    }
    destroy(journal);
    return NULL;
}

opro_status opro__journal_file_open(opro__journal_file **out, opro__mem *mem, opro_error *err,
                                    const opro__files *files, const opro__journal_setup *setup) {
    opro__journal_file *journal = create(mem, setup->path);
    opro_status st;

    if (!journal) return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
    journal->files = files;
    journal->read_only = setup->read_only;
    journal->allow_network = setup->allow_network;
    journal->pid = files->pid(files->user);
    st = opro__journal_attach(journal, setup, err);
    if (st == OPRO_OK) {
        *out = journal;
        return OPRO_OK;
    }
    if (journal->fd >= 0) files->close(files->user, journal->fd);
    destroy(journal);
    return st;
}

/* ---- writing --------------------------------------------------------------------------------- */

static opro_status may_write(const opro__journal_file *journal, opro_error *err) {
    if (journal->broken.status != OPRO_OK) return opro__err_copy(err, &journal->broken);
    if (journal->read_only)
        return opro__fail(err, OPRO_ERR_STATE, "%s was opened for reading alone",
                          quoted(journal).text);
    if (!journal->ready)
        return opro__fail(err, OPRO_ERR_STATE, "%s has to be read to its end before it is written",
                          quoted(journal).text);
    if (journal->pid == journal->files->pid(journal->files->user)) return OPRO_OK;
    return opro__fail(err, OPRO_ERR_STATE,
                      "%s was opened by process %" PRId64
                      ": a child of it may not write, only close",
                      quoted(journal).text, journal->pid);
}

opro_status opro__journal_file_append(opro__journal_file *journal, const char *payload, size_t len,
                                      uint64_t *seq, opro_error *err) {
    opro__journal_line line = {.payload = payload, .len = len};
    opro_status st = may_write(journal, err);
    size_t bytes = 0;
    int n;

    if (st == OPRO_OK) st = opro__journal_compose(journal, &line, &bytes, err);
    if (st != OPRO_OK) return st;
    n = opro__files_write(journal->files, journal->fd, journal->window, bytes, journal->state.end);
    if (n < 0) {
        opro__files_fail(err, "append to", journal->path, "pwrite", n);
        return opro__journal_die(journal, err);
    }
    journal->crc = line.crc;
    journal->state.records++;
    journal->state.end += bytes;
    journal->state.closed = opro__journal_is_close(line.payload, line.len);
    if (seq) *seq = line.seq;
    return OPRO_OK;
}

opro_status opro__journal_file_sync(opro__journal_file *journal, opro_error *err) {
    opro_status st = may_write(journal, err);
    int n;

    if (st != OPRO_OK || journal->state.durable == journal->state.records) return st;
    n = opro__files_sync_data(journal->files, journal->fd);
    if (n < 0) {
        opro__files_fail(err, "bring to the disk", journal->path, "fdatasync", n);
        return opro__journal_die(journal, err);
    }
    journal->state.durable = journal->state.records;
    return OPRO_OK;
}

const opro__journal_state *opro__journal_file_state(const opro__journal_file *journal) {
    return &journal->state;
}

/* ---- closing --------------------------------------------------------------------------------- */

/* What is there is synced first, so that the last line vouches for all of it. */
static opro_status close_in_order(opro__journal_file *journal, opro_error *err) {
    opro_status st = opro__journal_file_sync(journal, err);

    if (st != OPRO_OK || journal->state.closed) return st;
    st = opro__journal_file_append(journal, OPRO__JOURNAL_CLOSE, strlen(OPRO__JOURNAL_CLOSE), NULL,
                                   err);
    return st == OPRO_OK ? opro__journal_file_sync(journal, err) : st;
}

opro_status opro__journal_file_close(opro__journal_file *journal, opro_error *err) {
    opro_error unused;
    opro_status st;
    int n;

    if (!journal) return OPRO_OK;
    if (journal->broken.status != OPRO_OK)
        st = opro__err_copy(err, &journal->broken);
    else
        st = may_write(journal, &unused) == OPRO_OK ? close_in_order(journal, err) : OPRO_OK;
    n = journal->files->close(journal->files->user, journal->fd);
    if (n < 0 && n != -EINTR && st == OPRO_OK)
        st = opro__files_fail(err, "close", journal->path, "close", n);
    destroy(journal);
    return st;
}
