/* SPDX-License-Identifier: MIT */
/*
 * The journal of a run. Floors of the room, from the top down:
 *   journal.c         the handle; keeping a run, putting it back
 *   journal_read.c    the entries for whoever looks at one
 *   journal_header.c  the first record
 *   journal_entry.c, journal_entry_read.c   entries as records
 *   journal_file.h    the file of records
 */
#ifndef OPRO_JOURNAL_JOURNAL_H
#define OPRO_JOURNAL_JOURNAL_H

#include "base/hook.h"
#include "core/config.h"
#include "journal_entry.h"
#include "opro/journal.h"

struct opro_journal {
    opro__mem mem;
    opro_error err;
    opro__refs refs;
    opro__log *log;
    opro__options options;
    const opro__files *files;
    char *path;
    opro__journal_file *file; /* NULL: not open, or closed */
    int keeps;                /* it is that of a run          */
    int busy;                 /* being put back into a run    */
    int64_t synced_at;        /* the run's time; journal_sync time */
    opro__journal_state last; /* of a file that is closed     */
    char *torn_file;
    uint64_t replayed, again;
    opro__entry_writer writer;
    opro__entry_reader reader;
    /* the entry that was read last */
    opro__entry entry;
    opro__journal_record record;
    int unread; /* the record is there, and there was no memory for its entry */
};

/* Other files than the system's, which outlive the journal. */
void opro__journal_set_files(opro_journal *journal, const opro__files *files);

/* Open the file; header NULL: for reading. */
opro_status opro__journal_attach_file(opro_journal *journal, const char *header, size_t len,
                                      opro_error *err);

/* Close it: what that says. */
opro_status opro__journal_detach_file(opro_journal *journal, opro_error *err);

#endif
