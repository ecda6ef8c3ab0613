/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a journal's file share: journal_file.c (appending, syncing, closing),
 * journal_open.c (opening, locking, making), journal_scan.c (reading, and what is done about the
 * end of a file whose writer died).
 */
#ifndef OPRO_JOURNAL_JOURNAL_FILE_PARTS_H
#define OPRO_JOURNAL_JOURNAL_FILE_PARTS_H

#include "journal_file.h"

enum { OPRO__JOURNAL_CHUNK = 1 << 18 }; /* bytes that are read at once */

/* A record, as the place where its line begins. */
typedef struct opro__journal_mark {
    uint64_t seq, offset;
} opro__journal_mark;

struct opro__journal_file {
    opro__mem *mem;
    const opro__files *files;
    char *path, *folder;
    char *beside; /* the path and a suffix: see opro__journal_beside() */
    int fd;       /* -1: not open */
    int read_only, allow_network;
    int ready; /* read to the end: records can be appended */
    int64_t pid;
    opro__journal_state state;
    uint32_t crc;      /* of the last record */
    opro_error broken; /* what it died of; OPRO_OK: it lives */
    /*
     * A piece of the file: window[0 .. have), the first of these bytes being that at base; those
     * before at are done with. The longest line fits, and another chunk. The record that is written
     * is put together here too.
     */
    char *window;
    uint64_t base;
    size_t at, have;
    size_t searched; /* window[at .. searched) has no newline        */
    int complete;    /* the file ends where the window does          */
    int doubted;     /* the record at hand has been read twice       */
    /*
     * Records before safe are known to be on the disk; next is a later record from which on that
     * may be known soon. So a bounded memory does for any number of records between syncs.
     */
    opro__journal_mark safe, next;
};

/* It is dead from now on. Returns the status of what it died of. */
opro_status opro__journal_die(opro__journal_file *journal, const opro_error *err);

/* <path><suffix>; lives until the next call. */
const char *opro__journal_beside(opro__journal_file *journal, const char *suffix);

/*
 * The line of the next record, in the window: *len bytes. OPRO_ERR_LIMIT, OPRO_ERR_INVALID: as for
 * opro__journal_file_append(), and nothing has changed.
 */
opro_status opro__journal_compose(opro__journal_file *journal, opro__journal_line *line,
                                  size_t *len, opro_error *err);

/* 1 if this is the payload of a close in order. */
int opro__journal_is_close(const char *payload, size_t len);

/* Sync the folder, or note that this is not possible here. 0, or an error. */
int opro__journal_sync_folder(opro__journal_file *journal);

/* Open the file by its path: fd, locked unless it is read only. Nothing else is set. */
opro_status opro__journal_attach(opro__journal_file *journal, const opro__journal_setup *setup,
                                 opro_error *err);

#endif
