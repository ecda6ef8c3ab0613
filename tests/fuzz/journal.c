/* SPDX-License-Identifier: MIT */
/*
 * Files of records, on a disk in memory. Each line of the input is one of the file; its first byte
 * says which:
 *
 *   =PAYLOAD  a record as it was written, with all before it on the disk
 *   -PAYLOAD  the same, with no more known to be on the disk than when the one before was written
 *   %PAYLOAD  as =, but its last byte was changed since
 *   /PAYLOAD  the first half of such a record, and no newline behind it
 *   others    as it is
 *
 * So the checksums are right wherever they are not meant to be wrong.
 */
#include "../unit/disk.h"
#include "base/buf.h"
#include "fuzz.h"
#include "journal/journal_file.h"

enum { MOST = 1 << 16 };

/* What a file says, and what it must be read as. */
typedef struct file {
    opro__buf bytes;
    opro__journal_line last; /* record that was written */
    uint64_t good;           /* records from the first on, until something else */
    uint64_t after;          /* records as they were written, behind a damaged one */
    int damaged, torn, odd;  /* there is one that was changed; half of one; other lines */
} file;

/* Records that were read. */
typedef struct reading {
    opro_status st;
    uint64_t n, digest, end, torn;
} reading;

/* ---- the file -------------------------------------------------------------------------------- */

static void add_record(file *f, char how, fuzz_text payload) {
    char line[MOST + 128];
    int vouched = how != '-';
    size_t len;

    if (payload.len > MOST || !opro__journal_payload_valid(payload.s, payload.len)) {
        f->odd = 1;
        return;
    }
    f->last.payload = payload.s;
    f->last.len = payload.len;
    if (vouched) f->last.durable = f->last.seq;
    len = opro__journal_line_write(line, &f->last);
    f->last.previous = f->last.crc;
    f->last.seq++;
    if (how == '%') line[len - 2] ^= 1;
    if (how == '/') len /= 2;
    opro__buf_add(&f->bytes, line, len);
    if (f->damaged)
        f->after += vouched && how == '=';
    else if (how == '=' || how == '-')
        f->good++;
    f->odd |= f->torn; /* it is not the last one */
    f->damaged |= how == '%';
    f->torn |= how == '/';
}

static void write_file(file *f, fuzz_input *in, opro__mem *mem) {
    opro__buf_init(&f->bytes, mem, (size_t)1 << 24);
    while (in->len) {
        const char *end = memchr(in->s, '\n', in->len);
        fuzz_text line = {in->s, end ? (size_t)(end - in->s) : in->len};

        in->s += line.len + (end != NULL);
        in->len -= line.len + (end != NULL);
        if (line.len && strchr("=-%/", *line.s) && *line.s) {
            add_record(f, *line.s, (fuzz_text){line.s + 1, line.len - 1});
        } else {
            opro__buf_add(&f->bytes, line.s, line.len);
            if (end) opro__buf_addc(&f->bytes, '\n');
            f->odd = 1;
        }
    }
    REQUIRE(f->bytes.status == OPRO_OK);
}

/* ---- reading --------------------------------------------------------------------------------- */

static opro__journal_setup setup_for(int read_only) {
    return (opro__journal_setup){
        .path = "j", .header = "{}", .header_len = 2, .read_only = read_only};
}

static void take(reading *r, const opro__journal_record *record) {
    REQUIRE(record->seq == r->n && record->offset >= r->end);
    REQUIRE(opro__journal_payload_valid(record->payload, record->len));
    r->digest = opro__hash_add_text(r->digest, record->payload, record->len);
    r->end = record->offset;
    r->n++;
}

/* All records; the journal stays open, and is NULL after a failure to open it. */
static reading read_all(disk *d, int read_only, opro__mem *mem, opro__journal_file **journal) {
    const opro__journal_setup setup = setup_for(read_only);
    opro__journal_record record;
    reading r = {.st = OPRO_OK};
    opro_error err;

    *journal = NULL;
    r.st = opro__journal_file_open(journal, mem, &err, &d->files, &setup);
    while (r.st == OPRO_OK) {
        r.st = opro__journal_file_next(*journal, &record, &err);
        if (r.st == OPRO_OK) take(&r, &record);
    }
    REQUIRE(r.st == OPRO_DONE || r.st == OPRO_ERR_PARSE || r.st == OPRO_ERR_NOMEM);
    if (r.st < 0) fuzz_require_error(&err, r.st);
    if (*journal) {
        const opro__journal_state *state = opro__journal_file_state(*journal);

        REQUIRE(state->records == r.n);
        r.end = state->end;
        r.torn = state->torn;
    }
    return r;
}

static opro_status close_it(opro__journal_file *journal) {
    opro_error err;

    return opro__journal_file_close(journal, &err);
}

/* The file has just these bytes. */
static void require_file(disk *d, const char *path, const char *s, size_t len) {
    const disk_file *on_disk = disk_look(d, path);

    REQUIRE(on_disk && fuzz_same(on_disk->cache, on_disk->len, s, len));
}

/* ---- what must come of it -------------------------------------------------------------------- */

/* Where a line says that it is known, and where nothing was made up. */
static void check_expected(const file *f, const reading *r) {
    if (f->odd) return;
    if (f->good == 0 || f->after) {
        REQUIRE(r->st == OPRO_ERR_PARSE || (r->st == OPRO_DONE && !f->bytes.len));
        return;
    }
    REQUIRE(r->st == OPRO_DONE && r->n == f->good);
    REQUIRE(r->end + r->torn == f->bytes.len && (r->torn > 0) == (f->torn || f->damaged));
}

/* What was cut off is beside it, and the rest is as it was. */
static void check_recovered(disk *d, const file *f, const reading *r,
                            const opro__journal_file *journal) {
    const opro__journal_state *state = opro__journal_file_state(journal);
    const char *bytes = opro__buf_text(&f->bytes);

    REQUIRE(state->durable == r->n && r->end + r->torn == f->bytes.len);
    require_file(d, "j", bytes, (size_t)r->end);
    REQUIRE((state->torn_file != NULL) == (r->torn > 0));
    if (r->torn) require_file(d, state->torn_file, bytes + r->end, (size_t)r->torn);
}

/* It goes on where it was, and is whole when it is read again. */
static void check_goes_on(disk *d, const reading *before, opro__mem *mem,
                          opro__journal_file *journal) {
    static const char more[] = "{\"more\":1}";
    opro_error err;
    uint64_t seq = 0, digest = opro__hash_add_text(before->digest, more, strlen(more));
    reading after;

    REQUIRE(opro__journal_file_append(journal, more, strlen(more), &seq, &err) == OPRO_OK);
    REQUIRE(seq == before->n && opro__journal_file_sync(journal, &err) == OPRO_OK);
    REQUIRE(close_it(journal) == OPRO_OK);
    after = read_all(d, 1, mem, &journal);
    digest = opro__hash_add_text(digest, OPRO__JOURNAL_CLOSE, strlen(OPRO__JOURNAL_CLOSE));
    REQUIRE(after.st == OPRO_DONE && after.n == before->n + 2 && after.digest == digest);
    REQUIRE(after.torn == 0 && opro__journal_file_state(journal)->closed);
    REQUIRE(close_it(journal) == OPRO_OK);
}

static void check_file(disk *d, const file *f, int failing, opro__mem *mem) {
    opro__journal_file *journal;
    reading reader = read_all(d, 1, mem, &journal), writer;

    close_it(journal);
    if (!failing) {
        REQUIRE(reader.st != OPRO_ERR_NOMEM && d->changes == 0);
        check_expected(f, &reader);
    }
    writer = read_all(d, 0, mem, &journal);
    if (reader.st != OPRO_ERR_NOMEM && writer.st != OPRO_ERR_NOMEM && f->bytes.len) {
        REQUIRE(reader.st == writer.st && reader.n == writer.n && reader.digest == writer.digest);
        if (writer.st == OPRO_DONE) {
            check_recovered(d, f, &writer, journal);
        } else {
            REQUIRE(d->changes == 0);
            require_file(d, "j", opro__buf_text(&f->bytes), f->bytes.len);
        }
    }
    if (!failing && writer.st == OPRO_DONE)
        check_goes_on(d, &writer, mem, journal);
    else
        close_it(journal);
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    file f = {.good = 0};
    opro__mem mem, own;
    disk d;

    REQUIRE(opro__mem_init(&own, NULL) == OPRO_OK && opro__mem_init(&mem, allocator) == OPRO_OK);
    write_file(&f, in, &own);
    disk_begin(&d, 1);
    disk_write_file(&d, "j", opro__buf_text(&f.bytes), f.bytes.len);
    check_file(&d, &f, in->failing, &mem);
    REQUIRE(disk_open_files(&d) == 0 && mem.used == 0);
    disk_end(&d);
    opro__buf_free(&f.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
