/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a dataset share: dataset.c (the handle), dataset_example.c (one example:
 * checked, written, kept), dataset_read.c (files: bytes, lines, layouts), dataset_json.c and
 * dataset_csv.c (what is in a record), dataset_split.c.
 */
#ifndef OPRO_KITS_DATASET_H
#define OPRO_KITS_DATASET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hook.h"
#include "core/guard.h"
#include "opro/dataset.h"

#define OPRO__RECORD_MAX   ((size_t)16 << 20)
#define OPRO__EXAMPLE_MAX  (5 * OPRO__RECORD_MAX) /* written: options stand in it twice */
#define OPRO__EXAMPLES_MAX ((size_t)1 << 24)

/* One example. As it came: options are joined by newlines. As it is given out: see dataset.h. */
typedef struct opro__example {
    const char *question, *answer, *options;
    size_t question_len, answer_len, options_len;
} opro__example;

/* ---- dataset_example.c ----------------------------------------------------------------------- */

/* An example in a chunk: lengths, then question, answer and options, each with its NUL. */
typedef struct opro__stored {
    uint32_t question, answer, options;
    char texts[];
} opro__stored;

/* Texts in large blocks: those of usual size side by side, each long one in a block of its own. */
typedef struct opro__chunk opro__chunk;

typedef struct opro__store {
    opro__chunk *shared, *own; /* the latest first */
    size_t used;               /* bytes of the latest shared one */
} opro__store;

/* Where a store was; what came after it is freed. */
void opro__store_back(opro__store *store, opro__mem *mem, const opro__store *to);

/* Keep an example that was written by opro__example_write(). NULL: no memory. */
opro__stored *opro__store_add(opro__store *store, opro__mem *mem, const opro__buf *written,
                              const opro__example *example);

/*
 * Check an example that came, and write it as it is given out: *out points into buf, whose max is
 * OPRO__EXAMPLE_MAX. OPRO_ERR_INVALID with its fault, OPRO_ERR_NOMEM.
 */
opro_status opro__example_write(opro__buf *buf, const opro__example *came, opro__example *out,
                                opro_error *err);

/* 1 if s is nothing but ASCII blanks. */
int opro__is_blank(const char *s, size_t len);

/* ---- dataset.c ------------------------------------------------------------------------------- */

enum { OPRO__COLUMN_QUESTION, OPRO__COLUMN_ANSWER, OPRO__COLUMN_OPTIONS, OPRO__COLUMNS };

struct opro_dataset {
    opro__mem mem;
    opro_error err;
    opro__refs refs;
    opro__guard guard;
    char *columns[OPRO__COLUMNS]; /* names or places; [OPRO__COLUMN_OPTIONS] NULL: none */
    int columns_set;              /* by the host                                 */
    int32_t skip_bad;
    int64_t skipped;
    size_t n;
    opro__stored **examples; /* NULL: they come from fn */
    size_t cap;
    opro__store store;
    opro__hook fn;
    opro__buf asked; /* the example of fn that was asked for last, if asked_any */
    opro__example asked_example;
    size_t asked_index;
    int asked_any;
    /* dataset_split.c: all examples, those of a set side by side and in order, then the others */
    int64_t *order;
    size_t cap_order;
    size_t in_set[3];
};

/*
 * Another object uses it from now on, and gives it up again; that may be inside of the dataset's
 * callback, too.
 */
opro_dataset *opro__dataset_share(opro_dataset *dataset);
void opro__dataset_release(opro_dataset *dataset);

/*
 * At the start of a call that changes it. OPRO_ERR_INVALID, OPRO_ERR_STATE or OPRO_ERR_REENTRANT;
 * else the error is clear.
 */
opro_status opro__dataset_begin(opro_dataset *dataset, int call);

/* The same, if examples can be appended now. */
opro_status opro__dataset_begin_append(opro_dataset *dataset, int call);

/*
 * Example index (there is one). Its texts live in the dataset, or in buf if there is a callback.
 * May be called from several threads that share the dataset, with a buffer and an error of their
 * own.
 */
opro_status opro__dataset_example(const opro_dataset *dataset, size_t index, opro__buf *buf,
                                  opro__example *out, opro_error *err);

/*
 * Append an example that came, with buf as scratch. Errors as of opro__example_write(), and
 * OPRO_ERR_LIMIT.
 */
opro_status opro__dataset_append(opro_dataset *dataset, opro__buf *buf, const opro__example *came,
                                 opro_error *err);

/* ---- dataset_split.c ------------------------------------------------------------------------- */

/* Room for need examples. */
int opro__split_reserve(opro_dataset *dataset, size_t need);

/* All of the n examples are training examples; those before from were already. */
void opro__split_reset(opro_dataset *dataset, size_t from);

/* 1 if not all are training examples. */
int opro__is_split(const opro_dataset *dataset);

/* ---- dataset_read.c -------------------------------------------------------------------------- */

/*
 * A file that is being read. What is not consumed yet stands in the window from start to end.
 */
typedef struct opro__reader {
    opro_dataset *dataset;
    opro__mem *mem;
    opro_error *err;
    int32_t layout;
    void *file;       /* NULL: from memory              */
    const char *path; /* the same                       */
    const char *bytes;
    size_t left;
    char *window;
    size_t cap, start, end;
    int ended;      /* no more bytes behind the window                           */
    int64_t line;   /* of the first byte that is not consumed                    */
    int64_t record; /* where the record at hand begins                           */
    int fatal;      /* the fault that was met makes the rest of the file useless */
    opro__buf scratch;
    /* dataset_json.c: where in a file of OPRO_LAYOUT_BBH it is */
    int state, has_examples;
    /* dataset_csv.c: fields of a record (0: not known yet), and where the columns are (from 0) */
    size_t fields, place[OPRO__COLUMNS], last_option;
    int begun, has_options;
} opro__reader;

/* A fault, as OPRO_ERR_PARSE with its line. No doubles in the format. */
opro_status opro__bad_at(opro__reader *r, int64_t line, const char *format, ...) OPRO__PRINTF(3, 4);

/* OPRO_ERR_PARSE unless a text is UTF-8 without NUL. */
opro_status opro__reader_text(opro__reader *r, int64_t line, const char *s, size_t len);

/*
 * Make sure that at byte i of what is not consumed there is one. OPRO_DONE: the file ends before;
 * OPRO_ERR_PARSE: a record has no byte there, however much is in the window; OPRO_ERR_FAILED,
 * OPRO_ERR_NOMEM.
 */
opro_status opro__reader_more(opro__reader *r, size_t i);

static inline opro_status opro__reader_need(opro__reader *r, size_t i) {
    return i < OPRO__RECORD_MAX && i < r->end - r->start ? OPRO_OK : opro__reader_more(r, i);
}

/* Go on behind n bytes, and count their lines. They stay where they are until more are needed. */
void opro__reader_consume(opro__reader *r, size_t n);

/* Go on behind the next LF, or to the end, however far that is. */
opro_status opro__reader_drop_line(opro__reader *r);

/*
 * The next line that is not empty, without its end: *s, until more is needed; its number in *line.
 * It is consumed, also when it is bad. OPRO_DONE: none.
 */
opro_status opro__reader_line(opro__reader *r, char **s, size_t *len, int64_t *line);

/*
 * The next record as an example, whose texts live until more is needed, and r->record. OPRO_DONE:
 * no more; OPRO_ERR_PARSE: it is bad, and consumed unless r->fatal.
 */
typedef opro_status (*opro__next_fn)(opro__reader *r, opro__example *example);

/* ---- dataset_json.c -------------------------------------------------------------------------- */

opro_status opro__next_bbh(opro__reader *r, opro__example *example);
opro_status opro__next_json_line(opro__reader *r, opro__example *example);

/* ---- dataset_csv.c --------------------------------------------------------------------------- */

opro_status opro__next_csv(opro__reader *r, opro__example *example);
opro_status opro__next_tsv(opro__reader *r, opro__example *example);

/*
 * Whether the columns are given by their places: 1, with the places in *place (from 0) and the last
 * one of the options; 0, by their names; -1: neither. options NULL: *last_option is not set.
 */
int opro__columns_by_place(const char *const columns[OPRO__COLUMNS], size_t place[OPRO__COLUMNS],
                           size_t *last_option);

#endif
