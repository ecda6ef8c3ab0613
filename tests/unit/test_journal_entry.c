/* SPDX-License-Identifier: MIT */
/*
 * Entries as records: what was written is read, whatever its size; what is not as written is not.
 */
#include "core/run.h"
#include "failing.h"
#include "kept_world.h"

static const char header[] =
    "{\"t\":\"journal\",\"format\":\"1.0\",\"library\":\"0\",\"compat\":[],"
    "\"incompat\":[]}";

typedef struct file {
    disk d;
    opro__mem mem;
    opro_error err;
    opro__journal_file *file;
    opro__journal_record record;
    opro__entry_writer writer;
    opro__entry_reader reader;
} file;

static void reopen(file *f) {
    opro__journal_setup setup = {
        .path = KEPT_PATH, .header = header, .header_len = sizeof header - 1};

    if (f->file) assert_int_equal(opro__journal_file_close(f->file, &f->err), OPRO_OK);
    assert_int_equal(opro__journal_file_open(&f->file, &f->mem, &f->err, &f->d.files, &setup),
                     OPRO_OK);
    assert_int_equal(opro__journal_file_next(f->file, &f->record, &f->err), OPRO_OK);
}

static void begin(file *f) {
    memset(f, 0, sizeof *f);
    disk_begin(&f->d, 1);
    assert_int_equal(opro__mem_init(&f->mem, NULL), OPRO_OK);
    opro__entry_writer_init(&f->writer, &f->mem);
    opro__entry_reader_init(&f->reader, &f->mem);
    reopen(f);
    assert_int_equal(opro__journal_file_next(f->file, &f->record, &f->err), OPRO_DONE);
}

static void end(file *f) {
    assert_int_equal(opro__journal_file_close(f->file, &f->err), OPRO_OK);
    opro__entry_writer_free(&f->writer);
    opro__entry_reader_free(&f->reader);
    assert_int_equal(f->mem.used, 0);
    disk_end(&f->d);
}

static void put(file *f, const opro__entry *entry) {
    if (opro__entry_write(&f->writer, f->file, entry, &f->err) != OPRO_OK)
        fail_msg("%s", f->err.message);
}

/* The next entry that is one. */
static opro__entry get(file *f) {
    opro__entry entry;

    do {
        assert_int_equal(opro__journal_file_next(f->file, &f->record, &f->err), OPRO_OK);
        if (opro__entry_read(&f->reader, &f->record, &entry, &f->err) != OPRO_OK)
            fail_msg("%s", f->err.message);
    } while (entry.kind <= 0);
    return entry;
}

static void same(const opro__entry *a, const opro__entry *b) {
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->how, b->how);
    assert_int_equal(a->origin, b->origin);
    assert_int_equal(a->number, b->number);
    assert_true(a->id == b->id && a->digest == b->digest);
    assert_int_equal(a->index, b->index);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->now, b->now);
    assert_memory_equal(a->usage, b->usage, sizeof a->usage);
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->n, b->n);
    if (a->len) assert_memory_equal(a->text, b->text, a->len);
    if (a->scores) assert_memory_equal(a->scores, b->scores, a->n * sizeof *a->scores);
}

static void every_kind(void **state) {
    static const double scores[] = {0.1, -0.0, 1e-300, -1.7976931348623157e308, 5e-324, 1.0 / 3};
    static const opro__entry entries[] = {
        {.kind = OPRO__ENTRY_TIME, .now = INT64_MIN},
        {.kind = OPRO__ENTRY_REQUEST,
         .how = OPRO_REQUEST_PROPOSE,
         .id = 1,
         .index = 7,
         .step = 3,
         .now = INT64_MAX,
         .n = 8,
         .digest = UINT64_MAX},
        {.kind = OPRO__ENTRY_REQUEST,
         .how = OPRO_REQUEST_SCORE,
         .id = UINT64_MAX,
         .number = OPRO_VALIDATION,
         .step = -1,
         .n = 1,
         .text = "a \"b\"\n\\",
         .len = 7},
        {.kind = OPRO__ENTRY_AGAIN, .id = 10, .now = -5},
        {.kind = OPRO__ENTRY_REPLY,
         .id = 2,
         .index = 65535,
         .origin = 65535,
         .how = OPRO__ANSWER_REFUSED,
         .text = "\xc3\xa4\x01\x7f",
         .len = 4},
        {.kind = OPRO__ENTRY_REPLY, .id = 2, .how = OPRO__ANSWER_SOLUTION, .text = ""},
        {.kind = OPRO__ENTRY_SCORES, .id = 9, .scores = scores, .n = 6},
        {.kind = OPRO__ENTRY_ERROR, .id = 9, .number = OPRO_ERR_TIMEOUT, .text = "no", .len = 2},
        {.kind = OPRO__ENTRY_FEEDBACK, .id = 9, .text = "hm", .len = 2},
        {.kind = OPRO__ENTRY_USAGE, .id = 9, .usage = {1, INT64_MAX, 3}},
        {.kind = OPRO__ENTRY_STEP, .step = 4, .digest = 16},
        {.kind = OPRO__ENTRY_STOP,
         .number = OPRO_STOP_STEPS,
         .now = 7,
         .digest = 1,
         .text = "x",
         .len = 1},
        {.kind = OPRO__ENTRY_RESUME},
    };
    file f;

    (void)state;
    begin(&f);
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        put(&f, &entries[i]);
    reopen(&f);
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        opro__entry read = get(&f), expected = entries[i];

        if (expected.scores) expected.scores = NULL; /* zero loses its sign: compared below */
        same(&expected, &read);
        for (size_t k = 0; k < read.n && entries[i].scores; k++)
            assert_true(read.scores[k] == scores[k]);
    }
    end(&f);
}

/*
 * Longer than a record may be, of characters that take six bytes, two, and with parts before them.
 */
static void long_ones(void **state) {
    const size_t sizes[] = {131071, 131072, 131073, 400000, 3000001};
    double *scores = malloc(100001 * sizeof *scores);
    char *text = malloc(3000001);
    file f;

    (void)state;
    for (size_t i = 0; i < 100001; i++)
        scores[i] = -1.0 / (double)(i + 3);
    begin(&f);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            opro__entry e = {.kind = OPRO__ENTRY_REPLY, .id = i, .text = text, .len = sizes[i]};
            opro__entry read;

            memset(text, (int)i + 1, sizes[i]); /* control characters */
            if (i == 3)
                for (size_t k = 0; k < sizes[i]; k += 2)
                    memcpy(text + k, "\xc3\xa4", 2);
            if (!round) {
                put(&f, &e);
                continue;
            }
            read = get(&f);
            same(&e, &read);
        }
        for (size_t n = 32767; n <= 100001; n += 11206) {
            opro__entry e = {.kind = OPRO__ENTRY_SCORES, .id = n, .scores = scores, .n = n};
            opro__entry read;

            if (!round) {
                put(&f, &e);
                continue;
            }
            read = get(&f);
            same(&e, &read);
        }
        if (!round) reopen(&f);
    }
    end(&f);
    free(scores);
    free(text);
}

static void append(file *f, const char *payload) {
    if (opro__journal_file_append(f->file, payload, strlen(payload), NULL, &f->err) != OPRO_OK)
        fail_msg("%s", f->err.message);
}

/* Parts of an entry that never came belong to nothing. */
static void orphans(void **state) {
    opro__entry e;
    file f;

    (void)state;
    begin(&f);
    append(&f, "{\"t\":\"part\",\"k\":0,\"x\":\"lost\"}");
    append(&f, "{\"t\":\"part\",\"k\":1,\"s\":[1,2,3]}");
    append(&f, "{\"t\":\"scores\",\"id\":\"7\",\"s\":[4,5]}");
    append(&f, "{\"t\":\"part\",\"k\":0,\"s\":[6]}");
    append(&f, "{\"t\":\"part\",\"k\":0,\"s\":[7]}");
    append(&f, "{\"t\":\"scores\",\"id\":\"8\",\"parts\":1,\"s\":[8]}");
    append(&f, "{\"t\":\"of a later version\",\"id\":[[]]}");
    append(&f, "{\"t\":\"feedback\",\"id\":\"9\",\"x\":\"so\",\"new\":{\"a\":[1]},\"id\":\"10\"}");
    reopen(&f);
    e = get(&f);
    assert_int_equal(e.n, 2);
    assert_true(e.scores[0] == 4 && e.scores[1] == 5);
    e = get(&f);
    assert_int_equal(e.n, 2);
    assert_true(e.scores[0] == 7 && e.scores[1] == 8);
    e = get(&f);
    assert_int_equal(e.kind, OPRO__ENTRY_FEEDBACK);
    assert_string_equal(e.text, "so");
    assert_int_equal(opro__journal_file_next(f.file, &f.record, &f.err), OPRO_OK); /* the close */
    assert_int_equal(opro__journal_file_next(f.file, &f.record, &f.err), OPRO_DONE);
    end(&f);
}

static void rubbish(void **state) {
    static const char *const payloads[] = {
        "{\"t\":\"time\"}",
        "{\"t\":\"time\",\"now\":1.5}",
        "{\"t\":\"time\",\"now\":9223372036854775808}",
        "{\"t\":\"time\",\"now\":\"1\"}",
        "{\"t\":\"again\",\"id\":7,\"now\":1}",
        "{\"t\":\"again\",\"id\":\"\",\"now\":1}",
        "{\"t\":\"again\",\"id\":\"18446744073709551616\",\"now\":1}",
        "{\"t\":\"again\",\"id\":\"1a\",\"now\":1}",
        "{\"t\":\"reply\",\"id\":\"1\",\"i\":-1,\"origin\":0,\"how\":\"reply\",\"x\":\"\"}",
        "{\"t\":\"reply\",\"id\":\"1\",\"i\":0,\"origin\":0,\"how\":\"loudly\",\"x\":\"\"}",
        "{\"t\":\"reply\",\"id\":\"1\",\"i\":0,\"origin\":4294967296,\"how\":\"reply\",\"x\":\"\"}",
        "{\"t\":\"reply\",\"id\":\"1\",\"i\":0,\"origin\":0,\"how\":\"reply\"}",
        "{\"t\":\"feedback\",\"id\":\"1\",\"x\":\"\\ud800\"}",
        "{\"t\":\"feedback\",\"id\":\"1\",\"x\":\"\\u0000\"}",
        "{\"t\":\"scores\",\"id\":\"1\",\"s\":[]}",
        "{\"t\":\"scores\",\"id\":\"1\",\"s\":[\"1\"]}",
        "{\"t\":\"scores\",\"id\":\"1\",\"s\":[1e999]}",
        "{\"t\":\"scores\",\"id\":\"1\",\"parts\":1,\"s\":[1]}",
        "{\"t\":\"part\",\"k\":1,\"s\":[1]}",
        "{\"t\":\"step\",\"step\":0,\"h\":\"xyz\"}",
    };
    file f;

    (void)state;
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        opro__entry e;

        begin(&f);
        append(&f, payloads[i]);
        reopen(&f);
        assert_int_equal(opro__journal_file_next(f.file, &f.record, &f.err), OPRO_OK);
        if (opro__entry_read(&f.reader, &f.record, &e, &f.err) != OPRO_ERR_PARSE)
            fail_msg("taken: %s", payloads[i]);
        assert_non_null(strstr(f.err.message, "record 1 "));
        end(&f);
    }
}

static opro_status read_one(file *f, const char *payload, opro__entry *entry) {
    const opro__journal_record record = {.payload = payload, .len = strlen(payload), .seq = 1};

    return opro__entry_read(&f->reader, &record, entry, &f->err);
}

/* What is no JSON never gets here from a file; the reader alone refuses it as well. */
static void no_json(void **state) {
    static const char *const payloads[] = {
        "",
        "[]",
        "{7:1}",
        "{\"t\" \"time\"}",
        "{\"t\":\"time\",\"now\":",
        "{\"t\":\"reply\",\"origin\":x}",
        "{\"t\":\"reply\",\"origin\":-2147483649}",
        "{\"t\":\"reply\",\"i\":x}",
        "{\"t\":\"scores\",\"id\":\"1\",\"s\":5}",
        "{\"t\":\"scores\",\"id\":\"1\",\"s\":[1",
    };
    opro__entry e;
    file f;

    (void)state;
    begin(&f);
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        if (read_one(&f, payloads[i], &e) != OPRO_ERR_PARSE) fail_msg("taken: %s", payloads[i]);
        assert_non_null(strstr(f.err.message, "record 1 "));
    }
    /* and goes on: a part that belongs to nothing, then an entry without scores */
    assert_int_equal(read_one(&f, "{\"t\":\"part\",\"k\":0,\"x\":\"lost\"}", &e), OPRO_OK);
    assert_int_equal(read_one(&f, "{\"t\":\"feedback\",\"id\":\"9\",\"x\":\"so\"}", &e), OPRO_OK);
    assert_string_equal(e.text, "so");
    end(&f);
}

/* The disk fails in the middle of an entry of several records: that is what is said. */
static void failures_in_parts(void **state) {
    const size_t n = 300000;
    double *scores = calloc(n, sizeof *scores);
    char *text = malloc(n);

    (void)state;
    memset(text, 'x', n);
    for (int kind = 0; kind < 2; kind++) {
        const opro__entry e =
            kind ? (opro__entry){.kind = OPRO__ENTRY_SCORES, .scores = scores, .n = n}
                 : (opro__entry){.kind = OPRO__ENTRY_FEEDBACK, .text = text, .len = n};
        file f;

        begin(&f);
        f.d.fault = f.d.calls + 1;
        f.d.sticky = 1;
        assert_int_equal(opro__entry_write(&f.writer, f.file, &e, &f.err), OPRO_ERR_FAILED);
        assert_non_null(strstr(f.err.message, "cannot "));
        opro__journal_file_close(f.file, &f.err);
        opro__entry_writer_free(&f.writer);
        opro__entry_reader_free(&f.reader);
        assert_int_equal(f.mem.used, 0);
        disk_end(&f.d);
    }
    free(scores);
    free(text);
}

/* ---- memory that runs out -------------------------------------------------------------------- */

/* A reply that is mended, and longer than a record. */
static char *broken_text(size_t len) {
    char *text = malloc(len);

    assert_non_null(text);
    memset(text, '\xff', len);
    return text;
}

/*
 * What was begun of an entry without memory is not seen when it is written again. There is room for
 * the record, or not yet.
 */
static void check_writing(int room) {
    const size_t len = 50000;
    char *text = broken_text(len);
    opro__entry e = {.kind = OPRO__ENTRY_REPLY, .id = 1, .text = text, .len = len};
    const opro__entry before = {.kind = OPRO__ENTRY_REPLY, .text = text, .len = room ? len : 0};
    opro_status st = OPRO_ERR_NOMEM;

    for (long n = 0; st != OPRO_OK; n++) {
        failing fails = {-1, 0};
        opro_allocator a = failing_allocator(&fails);
        opro__entry_writer writer;
        opro__entry read;
        opro__mem mem;
        file f;

        begin(&f);
        assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
        opro__entry_writer_init(&writer, &mem);
        if (room) {
            assert_int_equal(opro__entry_write(&writer, f.file, &before, &f.err), OPRO_OK);
            opro__buf_free(&writer.mended);
        }
        fails.left = n;
        st = opro__entry_write(&writer, f.file, &e, &f.err);
        assert_true(st == OPRO_OK || (st == OPRO_ERR_NOMEM && f.err.status == st));
        fails.left = -1;
        if (st != OPRO_OK)
            assert_int_equal(opro__entry_write(&writer, f.file, &e, &f.err), OPRO_OK);
        reopen(&f);
        if (room) get(&f);
        read = get(&f);
        assert_int_equal(read.len, 3 * len);
        assert_memory_equal(read.text, "\xef\xbf\xbd\xef", 4);
        opro__entry_writer_free(&writer);
        assert_int_equal(fails.live, 0);
        end(&f);
    }
    free(text);
}

static void writing_without_memory(void **state) {
    (void)state;
    check_writing(0);
    check_writing(1);
}

/* What could not be read without memory is read again. */
static void reading_without_memory(void **state) {
    const size_t len = 50000;
    const double scores[] = {1, 2, 3};
    char *text = broken_text(len);
    opro__entry e = {.kind = OPRO__ENTRY_REPLY, .id = 1, .text = text, .len = len};
    opro__entry s = {.kind = OPRO__ENTRY_SCORES, .id = 2, .scores = scores, .n = 3};
    long failed = 1;

    (void)state;
    for (long n = 0; failed; n++) {
        failing fails = {n, 0};
        opro_allocator a = failing_allocator(&fails);
        opro__entry_reader reader;
        opro__entry read;
        size_t entries = 0;
        opro__mem mem;
        file f;

        failed = 0;
        begin(&f);
        put(&f, &e);
        put(&f, &s);
        reopen(&f);
        assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
        opro__entry_reader_init(&reader, &mem);
        while (opro__journal_file_next(f.file, &f.record, &f.err) == OPRO_OK) {
            opro_status st = opro__entry_read(&reader, &f.record, &read, &f.err);

            if (st != OPRO_OK) {
                assert_int_equal(st, OPRO_ERR_NOMEM);
                failed++;
                fails.left = -1;
                assert_int_equal(opro__entry_read(&reader, &f.record, &read, &f.err), OPRO_OK);
            }
            if (read.kind == OPRO__ENTRY_REPLY) assert_int_equal(read.len, 3 * len);
            if (read.kind == OPRO__ENTRY_SCORES)
                assert_memory_equal(read.scores, scores, sizeof scores);
            entries += read.kind > 0;
        }
        assert_int_equal(entries, 2);
        opro__entry_reader_free(&reader);
        assert_int_equal(fails.live, 0);
        end(&f);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),
        cmocka_unit_test(long_ones),
        cmocka_unit_test(orphans),
        cmocka_unit_test(rubbish),
        cmocka_unit_test(no_json),
        cmocka_unit_test(failures_in_parts),
        cmocka_unit_test(writing_without_memory),
        cmocka_unit_test(reading_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
