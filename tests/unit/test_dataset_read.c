/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "dataset_world.h"
#include "effort.h"
#include "failing.h"

/* Two examples "q1", "a1" and "q 2", "a2", however they are written. */
static void are_the_two_bytes(const char *text, size_t len, int32_t layout) {
    opro_dataset *d = reads_bytes(text, len, layout);

    assert_int_equal(opro_dataset_count(d), 2);
    is(d, 0, "q1", "a1", "");
    is(d, 1, "q 2", "a2", "");
    assert_null(opro_dataset_question(d, 2, NULL));
    opro_dataset_free(d);
}

static void are_the_two(const char *text, int32_t layout) {
    are_the_two_bytes(text, strlen(text), layout);
}

#define BBH                                                                                        \
    "{\"canary\": \"c\", \"examples\": [{\"input\": \"q1\", \"target\": \"a1\"}, "                 \
    "{\"input\": \"q 2\", \"target\": \"a2\"}]}"
#define GSM "q1\ta1\tb'x'\nq 2\ta2\tmore\teven more\n"
#define JSONL                                                                                      \
    "{\"question\":\"q1\",\"answer\":\"a1\"}\n{\"answer\":\"a2\",\"x\":[{}],\"question\":"         \
    "\"q\\u00202\"}\n"
#define CSV "id,question,answer\n1,q1,a1\n2,\"q 2\",a2\n"
#define TSV "id\tanswer\tquestion\n1\ta1\tq1\n2\ta2\tq 2\n"
#define AQUA                                                                                       \
    "{\"question\":\"How many?\",\"options\":[\"A)5\",\"B) six\"],\"rationale\":\"r\","            \
    "\"correct\":\"B\"}\n"

/* ---- layouts --------------------------------------------------------------------------------- */

static void test_layouts(void **state) {
    (void)state;
    are_the_two(BBH, OPRO_LAYOUT_BBH);
    are_the_two(GSM, OPRO_LAYOUT_GSM8K);
    are_the_two(JSONL, OPRO_LAYOUT_JSONL);
    are_the_two(CSV, OPRO_LAYOUT_CSV);
    are_the_two(TSV, OPRO_LAYOUT_TSV);
    /* by the beginning */
    are_the_two(BBH, OPRO_LAYOUT_AUTO);
    are_the_two("\n " BBH "\r\n", OPRO_LAYOUT_AUTO);
    are_the_two("{\"examples\":[{\"input\":\"q1\",\"target\":\"a1\"},{\"target\":\"a2\",\"n\":1,"
                "\"input\":\"q 2\"}],\"x\":{\"y\":[1,\"]\"]}}",
                OPRO_LAYOUT_AUTO);
    are_the_two(GSM, OPRO_LAYOUT_AUTO);
    are_the_two(JSONL, OPRO_LAYOUT_AUTO);
    are_the_two(CSV, OPRO_LAYOUT_AUTO);
    are_the_two(TSV, OPRO_LAYOUT_AUTO);
}

static void test_writing(void **state) {
    (void)state;
    are_the_two("\xef\xbb\xbf" BBH, OPRO_LAYOUT_AUTO);
    are_the_two("\xef\xbb\xbf" CSV, OPRO_LAYOUT_AUTO);
    are_the_two("\xef\xbb\xbf" TSV, OPRO_LAYOUT_AUTO);
    are_the_two("\n\nq1\ta1\r\n\r\nq 2\ta2", OPRO_LAYOUT_GSM8K);
    are_the_two("{\"question\":\"q1\",\"answer\":\"a1\"}\r\n  \t\n\n"
                " { \"question\" : \"q 2\" , \"answer\" : \"a2\" } ",
                OPRO_LAYOUT_JSONL);
    are_the_two("question,answer\r\nq1,a1\r\n\r\n\"q 2\",\"a2\"", OPRO_LAYOUT_CSV);
    are_the_two("\"question\",\"answer\"\n\"q1\",\"a1\"\r\nq 2,a2\r", OPRO_LAYOUT_CSV);
    are_the_two(
        "{\r\n  \"examples\": [\n\t{\n\t\t\"input\": \"q1\",\n\t\t\"target\": \"a1\"\n},\n\n"
        "{\"input\":\"q 2\"\n,\n\"target\":\"a2\"}\n]\n}\n\n",
        OPRO_LAYOUT_BBH);
}

static void test_columns(void **state) {
    opro_dataset *d = empty();

    (void)state;
    assert_int_equal(opro_dataset_set_columns(d, "in", "out", NULL), OPRO_OK);
    assert_int_equal(opro_dataset_read(d,
                                       "{\"in\":\"a\",\"out\":-1.50,\"options\":[1]}\n"
                                       "{\"out\":true,\"in\":\"b\"}",
                                       OPRO_ZT, OPRO_LAYOUT_AUTO),
                     OPRO_OK);
    is(d, 0, "a", "-1.50", "");
    is(d, 1, "b", "true", "");
    assert_int_equal(opro_dataset_read(d, "out,in\nc,d\n", OPRO_ZT, OPRO_LAYOUT_AUTO), OPRO_OK);
    is(d, 2, "d", "c", "");
    assert_int_equal(opro_dataset_read(d, "q\ta", OPRO_ZT, OPRO_LAYOUT_GSM8K), OPRO_OK);
    is(d, 3, "q", "a", "");
    assert_int_equal(opro_dataset_set_columns(d, "3", "1", NULL), OPRO_OK);
    assert_int_equal(opro_dataset_read(d, "a\t\tq\nb\t\"\tr\"", OPRO_ZT, OPRO_LAYOUT_AUTO),
                     OPRO_OK);
    is(d, 4, "q", "a", "");
    is(d, 5, "r\"", "b", "");
    assert_int_equal(opro_dataset_set_columns(d, "in", "2", NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_columns(d, "1", "2", "name"), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_columns(d, "x", "x", NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_columns(d, NULL, "x", NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_columns(d, "1", "2", "5-4"), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_columns(d, "1", "2-3", NULL), OPRO_ERR_INVALID);
    opro_dataset_free(d);
}

static void test_csv(void **state) {
    opro_dataset *d = reads("answer,question\n"
                            "\"a \"\"b\"\" c\",\"line 1\r\nline 2, \"\"\"\"\"\n"
                            "\"\"\"\",x\ry\n"
                            "\"a\",\" b \"\r\n",
                            OPRO_LAYOUT_CSV);

    (void)state;
    assert_int_equal(opro_dataset_count(d), 3);
    is(d, 0, "line 1\r\nline 2, \"\"", "a \"b\" c", "");
    is(d, 1, "x\ry", "\"", "");
    is(d, 2, " b ", "a", "");
    opro_dataset_free(d);
}

/* Brackets and quotes in texts are not those of the file. */
static void test_bbh_texts(void **state) {
    opro_dataset *d = reads("{\"canary\":\"\\\"examples\\\":[\",\"examples\":[{\"input\":"
                            "\"]},\\\"}]\\\\\",\"target\":\"\\\\\\\",\\u005d[{:\"}]}",
                            OPRO_LAYOUT_AUTO);

    (void)state;
    assert_int_equal(opro_dataset_count(d), 1);
    is(d, 0, "]},\"}]\\", "\\\",][{:", "");
    opro_dataset_free(d);
}

/* ---- bad lines ------------------------------------------------------------------------------- */

typedef struct fault {
    int32_t layout;
    const char *text, *says; /* the message begins with it */
    int good, skipped;       /* with bad ones skipped; good -1: an error all the same */
} fault;

#define Q(members) "{\"question\":" members "}\n"

static const fault faults[] = {
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":1") Q("\"q\""),
     "line 2: the member \"answer\" is missing", 1, 1},
    {OPRO_LAYOUT_JSONL, "\n" Q("1,\"answer\":1"), "line 2: the member \"question\" is not a text",
     -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":null"),
     "line 1: the member \"answer\" is not a text, a n", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":[\"a\"]"), "line 1: the member \"answer\" is not", -1,
     0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":1,\"options\":[1]"),
     "line 1: the member \"options\" is no", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":1,\"options\":[\"\"]"),
     "line 1: the member \"options\" is", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":1,\"options\":[\"a\\nb\"]"),
     "line 1: the member \"options", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":1,\"options\":\"a\\n\\nb\""),
     "line 1: option 2 is empty", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":1,\"question\":\"r\""),
     "line 1: the member \"question\" is there twice", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\" \\t\",\"answer\":1"), "line 1: the question is empty", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":\"\""), "line 1: the answer is empty", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":\"\\u0000\""), "line 1: the answer has a NUL", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":\"\xc3\""), "line 1: not valid UTF-8", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":\"\\ud800\""), "line 1: at byte ", -1, 0},
    {OPRO_LAYOUT_JSONL, Q("\"q\",\"answer\":1") "{\n[]\nx\n" Q("\"q\",\"answer\":1},{"),
     "line 2: at byte 1: expected a string", 1, 4},
    {OPRO_LAYOUT_JSONL, "", "no example in it (0 bad ones)", -1, 0},
    {OPRO_LAYOUT_AQUA, "{\"question\":\"q\",\"options\":[\"A)1\"],\"correct\":\"B\"}\n" AQUA,
     "line 1: the member \"correct\" is not the letter", 1, 1},
    {OPRO_LAYOUT_AQUA, "{\"question\":\"q\",\"correct\":\"B\"}\n" AQUA,
     "line 1: the member \"options\" is missing", 1, 1},
    {OPRO_LAYOUT_AQUA, "{\"question\":\"q\",\"options\":[\"A)1\"],\"correct\":1}\n" AQUA,
     "line 1: the member \"correct\" is not a text", 1, 1},
    {OPRO_LAYOUT_GSM8K, "q\ta\nq\nq\t\n\t1\nq\ta\tb\tc\n", "line 2: 1 fields, too few", 2, 3},
    {OPRO_LAYOUT_GSM8K, "q\ta\n\xff\tb\n", "line 2: not valid UTF-8", 1, 1},
    {OPRO_LAYOUT_TSV, "question\tanswer\n\nq\ta\tx\nq\nq\ta",
     "line 3: 3 fields, where the first line has 2", 1, 2},
    {OPRO_LAYOUT_TSV, "question\tanswers\nq\ta\n", "line 1: the header has no column \"answer\"",
     -1, 0},
    {OPRO_LAYOUT_TSV, "question\tanswer\tanswer\nq\ta\tb\n",
     "line 1: the column \"answer\" is there twice", -1, 0},
    {OPRO_LAYOUT_CSV, "question,answer\nq,a\nq,b\"c\nq,d\n", "line 3: a quote inside a field", 2,
     1},
    {OPRO_LAYOUT_CSV, "question,answer\nq,\"a\nb\nq,d\n", "line 2: a quote that is not closed", 1,
     2},
    {OPRO_LAYOUT_CSV, "question,answer\nq,\"a\nb\"c,\nq,d\n", "line 2: text behind a closing quote",
     1, 2},
    {OPRO_LAYOUT_CSV, "question,answer\nq,\"a\"\rb\nq,d\n", "line 2: text behind a closing quote",
     1, 1},
    {OPRO_LAYOUT_CSV, "question,answer\n\"q\n\",\"\n\"\nq,\"d\ne\"\nq\nq,r",
     "line 2: the answer is empty", 2, 2},
    {OPRO_LAYOUT_CSV, "question,answer\n\"q\n\",\"\n\"\nq,\"d\ne\"\nq\nq,r,s",
     "line 2: the answer is empty", 1, 3},
    {OPRO_LAYOUT_CSV, "\"question,answer\nq,d\n", "line 1: a quote that is not closed", -1, 0},
    {OPRO_LAYOUT_CSV, "question,answer\n", "no example in it", -1, 0},
    {OPRO_LAYOUT_BBH,
     "{\"examples\":[{\"input\":\"q\"},\n{\"input\":\"q\",\"target\":\"a\"},1,{}\n]}",
     "line 1: the member \"target\" is missing", 1, 3},
    {OPRO_LAYOUT_BBH, "{\"examples\":[\n{\"input\":\"q\",\"target\":1}]}",
     "line 2: the member \"target\" is not a text", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"examples\":[{\"input\":\"q\",\"target\":\"a\"}\n,]}",
     "line 2: expected a value", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"examples\":[{\"input\":\"q\",\"target\":\"a\"}]",
     "line 1: expected ',' or '}'", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"examples\":[{\"input\":\"q\",\"target\":\"a\"}]}x",
     "line 1: expected the end of the file", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"examples\":[{\"input\":\"q\",\"target\":\"a}]}",
     "line 1: expected the rest of the file", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"examples\":[],\"examples\":[]}", "line 1: expected one member", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"x\":[}", "line 1: expected ", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"x\":01,\"examples\":[]}", "line 1: expected a value", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"x\":\"\xff\",\"examples\":[]}", "line 1: not valid UTF-8", -1, 0},
    {OPRO_LAYOUT_BBH, "{}", "line 1: expected a member \"examples\"", -1, 0},
    {OPRO_LAYOUT_BBH, "[]", "line 1: expected an object", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"examples\":{}}", "line 1: expected an array of examples", -1, 0},
    {OPRO_LAYOUT_BBH, "{\"examples\":[{\"input\":\"q\",\"target\":\"a\"} {}]}", "line 1: at byte ",
     -1, 0},
    {OPRO_LAYOUT_BBH, "{x}", "line 1: expected the name of a member", -1, 0},
    {OPRO_LAYOUT_BBH, "", "line 1: expected an object", -1, 0},
};

/* What was there before stays as it was. */
static void refused(opro_dataset *d, const fault *f) {
    uint64_t before = opro_dataset_digest(d);
    size_t bytes = d->mem.used, texts = d->store.used;

    assert_int_equal(opro_dataset_read(d, f->text, OPRO_ZT, f->layout), OPRO_ERR_PARSE);
    if (strncmp(message(d), f->says, strlen(f->says)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", message(d), f->says);
    assert_true(opro__utf8_valid(message(d), strlen(message(d))));
    assert_int_equal(opro_dataset_count(d), 1);
    assert_int_equal(opro_dataset_skipped(d), 0);
    assert_true(opro_dataset_digest(d) == before);
    assert_int_equal(d->mem.used, bytes);
    assert_int_equal(d->store.used, texts);
}

static void test_bad_lines(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const fault *f = &faults[i];
        opro_dataset *d = empty();

        assert_int_equal(opro_dataset_add(d, "before", 6, "b", 1, NULL, 0), OPRO_OK);
        refused(d, f);
        assert_int_equal(opro_dataset_set_skip_bad(d, 1), OPRO_OK);
        if (f->good < 0) {
            assert_int_equal(opro_dataset_read(d, f->text, OPRO_ZT, f->layout), OPRO_ERR_PARSE);
            assert_int_equal(opro_dataset_count(d), 1);
            assert_int_equal(opro_dataset_skipped(d), 0);
        } else {
            if (opro_dataset_read(d, f->text, OPRO_ZT, f->layout) != OPRO_OK)
                fail_msg("%s: %s", f->says, message(d));
            if (opro_dataset_count(d) != 1 + (size_t)f->good ||
                opro_dataset_skipped(d) != f->skipped)
                fail_msg("%s: %zu good, %d skipped", f->says, opro_dataset_count(d) - 1,
                         (int)opro_dataset_skipped(d));
            assert_string_equal(message(d), "");
        }
        opro_dataset_free(d);
    }
}

static void test_nul(void **state) {
    static const char text[] = "q\ta\nq\0r\ta\nq\ta";
    opro_dataset *d = empty();

    (void)state;
    assert_int_equal(opro_dataset_read(d, text, sizeof text - 1, OPRO_LAYOUT_GSM8K),
                     OPRO_ERR_PARSE);
    assert_string_equal(message(d), "line 2: a NUL byte");
    opro_dataset_set_skip_bad(d, 1);
    assert_int_equal(opro_dataset_read(d, text, sizeof text - 1, OPRO_LAYOUT_GSM8K), OPRO_OK);
    assert_int_equal(opro_dataset_count(d), 2);
    opro_dataset_free(d);
}

/* A line of extra bytes more than a record may have, between two good ones. */
static void one_long(int32_t layout, long extra, const char *good, const char *begin,
                     const char *end, size_t examples) {
    size_t n = OPRO__RECORD_MAX + (size_t)extra - strlen(begin) - strlen(end);
    char *text = malloc(n + 200), *at = text;
    opro_dataset *d = empty();
    int too_long = extra > 0;

    at += sprintf(at, "%s%s", good, begin);
    memset(at, 'x', n);
    at += n;
    sprintf(at, "%s%s", end, strchr(good, '\n') + 1);
    assert_int_equal(opro_dataset_read(d, text, OPRO_ZT, layout),
                     too_long ? OPRO_ERR_PARSE : OPRO_OK);
    if (too_long) {
        assert_string_equal(message(d), "line 3: longer than 16777216 bytes");
        opro_dataset_set_skip_bad(d, 1);
        assert_int_equal(opro_dataset_read(d, text, OPRO_ZT, layout), OPRO_OK);
        assert_int_equal(opro_dataset_skipped(d), 1);
    }
    assert_int_equal(opro_dataset_count(d), examples - (size_t)too_long);
    opro_dataset_free(d);
    free(text);
}

/* Too long for an example of a file that is one object: the rest cannot be found any more. */
static void long_item(long extra) {
    static const char begin[] = "{\"input\":\"", end[] = "\",\"target\":\"a\"}";
    size_t n = OPRO__RECORD_MAX + (size_t)extra - strlen(begin) - strlen(end);
    char *text = malloc(n + 200), *at = text;
    opro_dataset *d = empty();

    at += sprintf(at, "{\"examples\":[%s", begin);
    memset(at, 'x', n);
    sprintf(at + n, "%s]}", end);
    assert_int_equal(opro_dataset_set_skip_bad(d, 1), OPRO_OK);
    assert_int_equal(opro_dataset_read(d, text, OPRO_ZT, OPRO_LAYOUT_BBH),
                     extra > 0 ? OPRO_ERR_PARSE : OPRO_OK);
    assert_string_equal(message(d), extra > 0 ? "line 1: longer than 16777216 bytes" : "");
    assert_int_equal(opro_dataset_count(d), extra < 0);
    opro_dataset_free(d);
    free(text);
}

static void test_long_lines(void **state) {
    (void)state;
    if (!effort_for_size()) skip();
    for (long extra = 0; extra < 2; extra++) {
        one_long(OPRO_LAYOUT_GSM8K, extra, "q\ta\nq\ta\n", "q\t", "\n", 4);
        one_long(OPRO_LAYOUT_CSV, extra, "question,answer\nq,a\n", "q,\"", "\"\n", 3);
    }
    long_item(-1); /* the byte behind it has to be seen */
    long_item(1);
    one_long(OPRO_LAYOUT_GSM8K, 40000000, "q\ta\nq\ta\n", "q\t", "\n", 4);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void test_files(void **state) {
    static const struct {
        const char *ending, *text;
    } files[] = {
        {".json", BBH},
        {".json", JSONL},
        {".JSONL", JSONL},
        {".ndjson", JSONL},
        {".csv", "question,answer\nq1,a1\n\"q 2\",a2\n"},
        {".Csv", "x\ty,question,answer\n,q1,a1\n,q 2,a2"},
        {".tsv", TSV},
        {".tsv", GSM},
        {"", GSM},
    };
    char folder[] = "/tmp/opro-dataset-XXXXXX", path[100];
    opro_dataset *d = empty();

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/file%s", folder, files[i].ending);
        write_file(path, files[i].text);
        if (opro_dataset_load(d, path, OPRO_ZT, OPRO_LAYOUT_AUTO) != OPRO_OK)
            fail_msg("%s: %s", path, message(d));
        assert_int_equal(opro_dataset_count(d), 2 * (i + 1));
        is(d, 2 * i, "q1", "a1", "");
        is(d, 2 * i + 1, "q 2", "a2", "");
        unlink(path);
    }
    assert_int_equal(opro_dataset_load(d, path, OPRO_ZT, OPRO_LAYOUT_AUTO), OPRO_ERR_FAILED);
    assert_non_null(strstr(message(d), "cannot open "));
    assert_int_equal(opro_dataset_load(d, folder, OPRO_ZT, OPRO_LAYOUT_AUTO), OPRO_ERR_FAILED);
    assert_non_null(strstr(message(d), "cannot read "));
    assert_int_equal(opro_dataset_load(d, path, OPRO_ZT, 11), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_load(d, "a\0b", 3, OPRO_LAYOUT_AUTO), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_count(d), 2 * sizeof files / sizeof *files);
    assert_int_equal(rmdir(folder), 0);
    opro_dataset_free(d);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void test_no_memory(void **state) {
    static const struct {
        const char *text;
        int32_t layout;
    } texts[] = {{BBH, OPRO_LAYOUT_AUTO}, {CSV, OPRO_LAYOUT_AUTO}, {AQUA AQUA, OPRO_LAYOUT_AQUA}};
    int refused = 1;

    (void)state;
    for (long n = 0; refused; n++) {
        failing f = {-1, 0};
        const opro_allocator allocator = failing_allocator(&f);
        opro_dataset *d;

        f.left = n;
        refused = opro_dataset_new(&d, &allocator) == OPRO_ERR_NOMEM;
        if (!refused) {
            f.left = -1;
            assert_int_equal(opro_dataset_add(d, "q", 1, "a", 1, "x", 1), OPRO_OK);
            opro_dataset_free(d);
        }
        assert_int_equal(f.live, 0);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        refused = 1;
        for (long n = 0; refused; n++) {
            failing f = {-1, 0};
            const opro_allocator allocator = failing_allocator(&f);
            opro_dataset *d;
            opro_status st;

            assert_int_equal(opro_dataset_new(&d, &allocator), OPRO_OK);
            f.left = n;
            st = opro_dataset_read(d, texts[i].text, OPRO_ZT, texts[i].layout);
            refused = st == OPRO_ERR_NOMEM;
            assert_true(refused || st == OPRO_OK);
            assert_int_equal(opro_dataset_count(d), refused ? 0 : 2);
            f.left = -1;
            assert_int_equal(opro_dataset_add(d, "q", 1, "a", 1, NULL, 0), OPRO_OK);
            f.left = n % 4;
            st = opro_dataset_set_columns(d, "a", "b", "c");
            assert_true(st == (n % 4 == 3 ? OPRO_OK : OPRO_ERR_NOMEM));
            opro_dataset_free(d);
            assert_int_equal(f.live, 0);
        }
    }
}

/* An allocator that knows the most that was in use, and how often it was asked. */
typedef struct meter {
    size_t used, most, calls;
} meter;

static void *meter_realloc(void *p, size_t n, void *user_data) {
    meter *m = user_data;
    size_t old = p ? ((size_t *)p)[-2] : 0, *block = malloc(n + 16);

    assert_non_null(block);
    m->calls++;
    m->used += n;
    if (m->used > m->most) m->most = m->used; /* both copies */
    block[0] = n;
    if (p) {
        memcpy(block + 2, p, old < n ? old : n);
        m->used -= old;
        free((size_t *)p - 2);
    }
    return block + 2;
}

static void *meter_alloc(size_t n, void *user_data) {
    return meter_realloc(NULL, n, user_data);
}

static void meter_free(void *p, void *user_data) {
    if (!p) return;
    ((meter *)user_data)->used -= ((size_t *)p)[-2];
    free((size_t *)p - 2);
}

/* Many lines: what the header says of memory, and few allocations. */
static void test_many_lines(void **state) {
    enum { N = 150000 };
    char *text, *at;
    size_t texts = 0;

    (void)state;
    if (!effort_for_size()) skip();
    at = text = malloc(N * 40);
    for (int i = 0; i < N; i++) {
        int question = sprintf(at, "How much is %d + %d?", i, i % 7), answer;

        at += question;
        answer = sprintf(at, "\t%d\n", i + i % 7);
        at += answer;
        texts += (size_t)(question + answer - 2);
    }
    for (int n = 1; n <= 8; n *= 8) { /* an eighth of it, and all */
        meter m = {0, 0, 0};
        const opro_allocator allocator = {sizeof allocator, meter_alloc, meter_realloc, meter_free,
                                          &m};
        opro_dataset *d;
        size_t share = n == 8 ? N : N / 8, bytes = n == 8 ? (size_t)(at - text) : 0;

        for (size_t i = 0; n != 8 && i < share; bytes++)
            i += text[bytes] == '\n';
        assert_int_equal(opro_dataset_new(&d, &allocator), OPRO_OK);
        assert_int_equal(opro_dataset_read(d, text, bytes, OPRO_LAYOUT_GSM8K), OPRO_OK);
        assert_int_equal(opro_dataset_count(d), share);
        /* 64 KiB of window, and a chunk that is not full */
        assert_true(m.most <= texts + 64 * share + (1 << 20) + (1 << 17));
        assert_true(m.calls < 90);
        opro_dataset_free(d);
        assert_int_equal(m.used, 0);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),    cmocka_unit_test(test_writing),
        cmocka_unit_test(test_columns),    cmocka_unit_test(test_csv),
        cmocka_unit_test(test_bbh_texts),  cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_nul),        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_files),      cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_many_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
