/* SPDX-License-Identifier: MIT */
/*
 * A durable file of records: append-only, each record a line with its checksum (journal_line.h).
 * Nothing is known here of what the records say.
 *
 * Opening reads the file from its first record to its last, in one pass and in bounded memory:
 *
 *   st = opro__journal_file_open(&journal, mem, err, &opro__files_system, &setup);
 *   while (st == OPRO_OK && (st = opro__journal_file_next(journal, &record, err)) == OPRO_OK)
 *       ... look at the record ...
 *   if (st == OPRO_DONE) ... all were read: from now on records can be appended ...
 *
 * The first record is the header, given when the file is made. It is made beside its place
 * (<path>.tmp) and linked there when it is on the disk, so a journal always has its header. Closing
 * it in order appends {"t":"close"}, which is read like any other record; opened again, it goes on
 * behind that. No payload of the caller's should be that text. A header should be unlike all
 * others, by an id for instance: lines of other journals do not fit then.
 *
 * What is promised. When opro__journal_file_sync() has said OPRO_OK, or opro__journal_file_next()
 * OPRO_DONE, all records so far outlast the death of the process and of the machine. What was
 * appended and not yet synced is there after all or not, in order: never a record without those
 * before it, never half a record, never one that nobody wrote.
 *
 * What is found at the end of a file when a process or machine died: a torn tail, which is what
 * follows the last whole record. It was never promised, so it is cut off, after a copy of it was
 * put into <path>.torn-<number of the record it would have been> (one that is there already is
 * replaced). If a later line says that a record had been on the disk that is now not as it was
 * written, or the header is not, then the file is damaged: OPRO_ERR_PARSE, and nothing is touched.
 * Damage to what is behind the last sync that a later line knows of cannot be told from a torn
 * tail; the line of a close in order is such a later line.
 *
 * A write or sync that fails makes the journal dead: everything says the same failure from then on,
 * and nothing is tried again, since a system may call a second sync a success that was none.
 * Opening it again finds out what is there, and writes anew what no sync is known to have reached.
 *
 * One writer: a lock that is gone with its process. Readers need none, and may read while somebody
 * writes. A child after fork() may close, and nothing else; as long as it lives without having done
 * so the file stays locked. Under a limit of the size of files (RLIMIT_FSIZE) the host has to
 * ignore SIGXFSZ, or it dies of it. A path that is relative has to mean the same file until
 * opro__journal_file_next() has said OPRO_DONE.
 *
 * All functions: OPRO_ERR_FAILED with the file, the call and the system's reason. Not for use by
 * two threads at once.
 */
#ifndef OPRO_JOURNAL_JOURNAL_FILE_H
#define OPRO_JOURNAL_JOURNAL_FILE_H

#include "base/err.h"
#include "base/mem.h"
#include "files.h"
#include "journal_line.h"

/* The payload of the record that a close in order leaves. */
#define OPRO__JOURNAL_CLOSE "{\"t\":\"close\"}"

typedef struct opro__journal_file opro__journal_file;

typedef struct opro__journal_setup {
    const char *path;
    const char
        *header; /* the first record of a file that is not there yet; NULL: it must be there */
    size_t header_len;
    int read_only;     /* no lock, nothing is changed */
    int allow_network; /* also write on file systems where locks and syncs may mean little */
} opro__journal_setup;

/* One record. The payload, which has no NUL behind it, lives until the next call. */
typedef struct opro__journal_record {
    uint64_t seq;    /* its number: 0 is the header's */
    uint64_t offset; /* of its line in the file       */
    const char *payload;
    size_t len;
} opro__journal_record;

typedef struct opro__journal_state {
    uint64_t records; /* read or appended so far                                         */
    uint64_t durable; /* the first so many are safe; while reading: those the file vouches for */
    uint64_t end;     /* bytes of them                                                   */
    uint64_t torn;    /* bytes found behind the last whole record                        */
    uint64_t torn_at; /* where they were                                                 */
    const char *torn_file; /* the file with a copy of them; NULL: none was cut off            */
    int created;           /* this opening made the file                                      */
    int closed;            /* the last record is that of a close in order                     */
    int folder_unsynced;   /* the system does not sync folders here: a new file may be lost   */
} opro__journal_state;

/*
 * Open, lock, or make. mem, err of each call, and files outlive it; the setup need not.
 * OPRO_ERR_NOMEM; OPRO_ERR_STATE: somebody writes it; OPRO_ERR_UNSUPPORTED: a network file system;
 * OPRO_ERR_LIMIT, OPRO_ERR_INVALID: the header, as for opro__journal_file_append().
 */
opro_status opro__journal_file_open(opro__journal_file **out, opro__mem *mem, opro_error *err,
                                    const opro__files *files, const opro__journal_setup *setup);

/*
 * The next record: OPRO_OK; or OPRO_DONE when there is none, and a torn tail is cut off and all is
 * safe on the disk. A reader may ask again later: a writer may have appended. OPRO_ERR_PARSE: the
 * file is damaged, or is no journal.
 */
opro_status opro__journal_file_next(opro__journal_file *journal, opro__journal_record *record,
                                    opro_error *err);

/*
 * Append a record and hand it to the system; on the disk it is after the next sync. *seq: its
 * number (seq may be NULL). OPRO_ERR_LIMIT: more than OPRO__JOURNAL_PAYLOAD bytes;
 * OPRO_ERR_INVALID: not one JSON object in UTF-8 on one line; OPRO_ERR_STATE: read only, not read
 * to the end, or opened by another process. These leave the journal as it was.
 */
opro_status opro__journal_file_append(opro__journal_file *journal, const char *payload, size_t len,
                                      uint64_t *seq, opro_error *err);

/* What was appended is on the disk: OPRO_OK. Costs nothing when all is. */
opro_status opro__journal_file_sync(opro__journal_file *journal, opro_error *err);

/* Lives as long as the journal, and is always up to date: after a failure too. */
const opro__journal_state *opro__journal_file_state(const opro__journal_file *journal);

/*
 * Sync, mark the close in order, and close; a journal that is read only, not read to the end, dead,
 * or a parent's is closed as it is. Frees it in any case (NULL is fine). The failure is that of the
 * close, or the one that the journal died of.
 */
opro_status opro__journal_file_close(opro__journal_file *journal, opro_error *err);

#endif
