/* SPDX-License-Identifier: MIT */
/*
 * Files of examples. The first line: a digit for the layout, and one that says whether three lines
 * follow with the names of the columns (2: the last one is none). The rest is the file. It is read
 * as it is, behind so many empty lines that it lies across the end of the first block that is read,
 * and with bad lines skipped.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "opro/dataset.h"

enum { BLOCK = 65536, MOST = 200 };

static const int32_t layouts[] = {OPRO_LAYOUT_AUTO, OPRO_LAYOUT_BBH,   OPRO_LAYOUT_GSM8K,
                                  OPRO_LAYOUT_AQUA, OPRO_LAYOUT_JSONL, OPRO_LAYOUT_CSV,
                                  OPRO_LAYOUT_TSV};

/* What is read, and how. */
typedef struct reading {
    int32_t layout;
    int columns; /* 0: those that are usual                       */
    char *question, *answer, *options;
    fuzz_text bytes;
    int failing;
} reading;

static char *name_of(fuzz_input *in) {
    fuzz_text line = fuzz_line(in);
    char *name = malloc(line.len + 1);

    if (!name) abort();
    if (line.len) memcpy(name, line.s, line.len);
    name[line.len] = '\0';
    return name;
}

static int is_blank(const char *s, size_t len) {
    while (len && strchr(" \t\n\v\f\r", s[len - 1]))
        len--;
    return len == 0;
}

/* A dataset with the file in it; NULL: out of memory, or names that are none. */
static opro_dataset *read_file(const reading *r, fuzz_text bytes, int skip, opro_status *st,
                               const opro_allocator *allocator) {
    opro_dataset *dataset = NULL;

    *st = opro_dataset_new(&dataset, allocator);
    if (*st != OPRO_OK) return NULL;
    if (r->columns)
        *st = opro_dataset_set_columns(dataset, r->question, r->answer,
                                       r->columns == 1 ? r->options : NULL);
    if (*st == OPRO_OK) {
        REQUIRE(opro_dataset_set_skip_bad(dataset, skip) == OPRO_OK);
        *st = opro_dataset_read(dataset, bytes.s, bytes.len, r->layout);
        fuzz_require_error(opro_dataset_error(dataset), *st);
        REQUIRE(*st == OPRO_OK || *st == OPRO_ERR_PARSE || (r->failing && *st == OPRO_ERR_NOMEM));
        if (*st != OPRO_OK) REQUIRE(opro_dataset_count(dataset) == 0);
        return dataset;
    }
    REQUIRE(*st == OPRO_ERR_INVALID || (r->failing && *st == OPRO_ERR_NOMEM));
    opro_dataset_free(dataset);
    return NULL;
}

static void check_examples(opro_dataset *dataset) {
    size_t n = opro_dataset_count(dataset), len;
    int32_t task = opro_dataset_task(dataset);

    REQUIRE(n > 0 && opro_dataset_question(dataset, n, &len) == NULL);
    REQUIRE(task >= OPRO_TASK_TEXT && task <= OPRO_TASK_CHOICE);
    for (size_t i = 0; i < n && i < MOST; i++) {
        const char *text = opro_dataset_question(dataset, i, &len);

        fuzz_require_text(text, len);
        REQUIRE(!is_blank(text, len));
        text = opro_dataset_answer(dataset, i, &len);
        fuzz_require_text(text, len);
        REQUIRE(!is_blank(text, len));
        text = opro_dataset_options(dataset, i, &len);
        fuzz_require_text(text, len);
    }
}

static void add_member(opro__buf *out, const char *before, const char *s, size_t len) {
    opro__buf_addz(out, before);
    opro__buf_add_json(out, s, len);
}

/* Written as JSON Lines, the examples are read as they were. */
static void check_written(opro_dataset *dataset, int32_t layout) {
    opro_dataset *again = NULL;
    opro__mem mem;
    opro__buf out;
    size_t len, other_len;
    const char *other;

    if (opro__mem_init(&mem, NULL) != OPRO_OK) abort();
    opro__buf_init(&out, &mem, (size_t)64 << 20);
    for (size_t i = 0; i < opro_dataset_count(dataset); i++) {
        const char *text = opro_dataset_question(dataset, i, &len);

        add_member(&out, "{\"question\":", text, len);
        text = opro_dataset_answer(dataset, i, &len);
        add_member(&out, ",\"answer\":", text, len);
        opro__buf_addz(&out, "}\n");
    }
    REQUIRE(out.status == OPRO_OK);
    REQUIRE(opro_dataset_new(&again, NULL) == OPRO_OK);
    REQUIRE(opro_dataset_read(again, opro__buf_text(&out), out.len, layout) == OPRO_OK);
    REQUIRE(opro_dataset_count(again) == opro_dataset_count(dataset));
    for (size_t i = 0; i < opro_dataset_count(dataset) && i < MOST; i++) {
        const char *text = opro_dataset_question(dataset, i, &len);

        other = opro_dataset_question(again, i, &other_len);
        REQUIRE(fuzz_same(text, len, other, other_len));
        text = opro_dataset_answer(dataset, i, &len);
        other = opro_dataset_answer(again, i, &other_len);
        REQUIRE(fuzz_same(text, len, other, other_len));
    }
    opro_dataset_free(again);
    opro__buf_free(&out);
}

/*
 * Where the blocks end in which it is read does not matter, but for line numbers. That takes a
 * hundred times as long as all else, so few inputs are chosen for it.
 */
static void check_moved(const reading *r, opro_status expected, uint64_t digest, int skip) {
    uint64_t random = opro__mix(opro__hash_bytes(r->bytes.s, r->bytes.len));
    size_t empty = BLOCK - (size_t)(random % (r->bytes.len + 1));
    fuzz_text bytes = {NULL, empty + r->bytes.len};
    opro_dataset *dataset;
    opro_status st;
    char *text;

    if (random >> 56 >= 4 || r->layout == OPRO_LAYOUT_AUTO || r->bytes.len > BLOCK) return;
    if (r->bytes.len >= 3 && memcmp(r->bytes.s, "\xef\xbb\xbf", 3) == 0) return; /* a mark */
    text = malloc(bytes.len);
    if (!text) abort();
    memset(text, '\n', empty);
    if (r->bytes.len) memcpy(text + empty, r->bytes.s, r->bytes.len);
    bytes.s = text;
    dataset = read_file(r, bytes, skip, &st, NULL);
    REQUIRE(dataset && st == expected);
    if (st == OPRO_OK) REQUIRE(opro_dataset_digest(dataset) == digest);
    opro_dataset_free(dataset);
    free(text);
}

/* Skipping bad lines changes nothing where there are none. */
static void check_skipping(const reading *r, opro_status whole, uint64_t digest) {
    opro_status st;
    opro_dataset *dataset = read_file(r, r->bytes, 1, &st, NULL);

    REQUIRE(dataset && (whole != OPRO_OK || st == OPRO_OK));
    if (st == OPRO_OK) {
        REQUIRE((opro_dataset_skipped(dataset) == 0) == (whole == OPRO_OK));
        if (whole == OPRO_OK) REQUIRE(opro_dataset_digest(dataset) == digest);
        check_examples(dataset);
        digest = opro_dataset_digest(dataset);
        check_moved(r, st, digest, 1);
    }
    opro_dataset_free(dataset);
}

static void check_reading(const reading *r, const opro_allocator *allocator) {
    opro_status st;
    opro_dataset *dataset = read_file(r, r->bytes, 0, &st, allocator);
    uint64_t digest = 0;

    if (!dataset) return;
    if (st == OPRO_OK) {
        check_examples(dataset);
        digest = opro_dataset_digest(dataset);
    }
    if (!r->failing) {
        if (st == OPRO_OK) check_written(dataset, OPRO_LAYOUT_JSONL);
        check_skipping(r, st, digest);
        check_moved(r, st, digest, 0);
    }
    opro_dataset_free(dataset);
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    reading r = {.layout = layouts[fuzz_digit(in, sizeof layouts / sizeof *layouts)],
                 .columns = (int)fuzz_digit(in, 3),
                 .failing = in->failing};

    fuzz_line(in);
    if (r.columns) {
        r.question = name_of(in);
        r.answer = name_of(in);
        r.options = name_of(in);
    }
    r.bytes = fuzz_rest(in);
    check_reading(&r, allocator);
    free(r.question);
    free(r.answer);
    free(r.options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
