/* SPDX-License-Identifier: MIT */
/*
 * Entries of a run (core/tape.h) as records of a file, one JSON object each:
 *
 *   {"t":"request","kind":"propose","id":"1","now":0,"step":0,"first":0,"n":8,"q":"<digest>"}
 *   {"t":"reply","id":"1","i":0,"origin":1,"how":"reply","x":"<INS>so</INS>"}
 *
 * A record is at most 1 MiB long, an entry may be longer: its text or its scores begin then in
 * records {"t":"part","k":0,...} before its own, which says how many ("parts"). A process that died
 * between them leaves parts that belong to nothing; k 0 begins anew.
 *
 * Ids and digests are strings: they have 64 bits, and many readers of JSON know numbers of 53. A
 * text that is not UTF-8 is mended first, as the run itself would do.
 */
#ifndef OPRO_JOURNAL_JOURNAL_ENTRY_H
#define OPRO_JOURNAL_JOURNAL_ENTRY_H

#include "base/buf.h"
#include "core/tape.h"
#include "journal_file.h"

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct opro__entry_writer {
    opro__buf record, mended;
} opro__entry_writer;

void opro__entry_writer_init(opro__entry_writer *writer, opro__mem *mem);
void opro__entry_writer_free(opro__entry_writer *writer);

/* Append an entry to a file. */
opro_status opro__entry_write(opro__entry_writer *writer, opro__journal_file *file,
                              const opro__entry *entry, opro_error *err);

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct opro__entry_reader {
    opro__mem *mem;
    char *line; /* the record, which is decoded in its place */
    size_t cap_line;
    opro__buf text; /* of the parts so far, and of the entry */
    double *scores;
    size_t n_scores, cap_scores;
    size_t parts;
} opro__entry_reader;

/* What a record turned out to be, beside the kinds of entries. */
enum {
    OPRO__RECORD_OTHER = 0, /* not known here: to be left aside    */
    OPRO__RECORD_PART = -1, /* the beginning of an entry           */
    OPRO__RECORD_HEADER = -2,
    OPRO__RECORD_CLOSE = -3
};

void opro__entry_reader_init(opro__entry_reader *reader, opro__mem *mem);
void opro__entry_reader_free(opro__entry_reader *reader);

/*
 * Read a record: entry->kind is OPRO__ENTRY_... or OPRO__RECORD_...; texts and scores live until
 * the next call. OPRO_ERR_PARSE: it is not as written here.
 */
opro_status opro__entry_read(opro__entry_reader *reader, const opro__journal_record *record,
                             opro__entry *entry, opro_error *err);

#endif
