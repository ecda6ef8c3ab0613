/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "journal/journal_line.h"

/* As it is written for ever: files of this version have to be read by all later ones. */
static const char golden[] =
    "{\"c\":\"0553cb39\",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":{\"t\":\"x\",\"n\":[1,{}]}}\n";

#define GOLDEN_LEN (sizeof golden - 1)

static opro__journal_line golden_line(void) {
    return (opro__journal_line){.previous = 0x00c0ffee,
                                .seq = 12,
                                .durable = 11,
                                .payload = "{\"t\":\"x\",\"n\":[1,{}]}",
                                .len = 20};
}

static void test_write(void **state) {
    opro__journal_line line = golden_line();
    char out[256];

    (void)state;
    assert_int_equal(opro__journal_line_write(out, &line), GOLDEN_LEN);
    assert_memory_equal(out, golden, GOLDEN_LEN);
    assert_int_equal(line.crc, 0x0553cb39);
    assert_ptr_equal(line.payload, out + 49);
}

static void test_read(void **state) {
    opro__journal_line line, wanted = golden_line();

    (void)state;
    assert_true(opro__journal_line_read(&line, golden, GOLDEN_LEN - 1));
    assert_int_equal(line.crc, 0x0553cb39);
    assert_int_equal(line.previous, wanted.previous);
    assert_int_equal(line.seq, wanted.seq);
    assert_int_equal(line.durable, wanted.durable);
    assert_int_equal(line.len, wanted.len);
    assert_memory_equal(line.payload, wanted.payload, wanted.len);
}

/* The room that a writer has to have: the largest numbers. */
static void test_longest(void **state) {
    const uint64_t most = (UINT64_C(1) << 53) - 1;
    size_t len = OPRO__JOURNAL_PAYLOAD, n;
    char *payload = malloc(len), *out = malloc(OPRO__JOURNAL_LINE);
    opro__journal_line line = {.previous = UINT32_MAX, .seq = most, .durable = most, .len = len},
                       back;

    (void)state;
    assert_non_null(payload);
    assert_non_null(out);
    memset(payload, ' ', len);
    payload[0] = '{';
    payload[len - 1] = '}';
    line.payload = payload;
    n = opro__journal_line_write(out, &line);
    assert_in_range(n, len, OPRO__JOURNAL_LINE);
    assert_true(opro__journal_line_read(&back, out, n - 1));
    assert_int_equal(back.previous, UINT32_MAX);
    assert_true(back.seq == most && back.durable == most && back.len == len);
    free(payload);
    free(out);
}

/* No other byte anywhere, no byte less, none more. */
static void test_other_bytes(void **state) {
    opro__journal_line line, before;
    char s[GOLDEN_LEN + 1];

    (void)state;
    memset(&line, 0x5a, sizeof line);
    before = line;
    for (size_t i = 0; i < GOLDEN_LEN - 1; i++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(s, golden, GOLDEN_LEN);
            if (s[i] == (char)byte) continue;
            s[i] = (char)byte;
            assert_false(opro__journal_line_read(&line, s, GOLDEN_LEN - 1));
        }
    for (size_t n = 0; n < GOLDEN_LEN - 1; n++) {
        char *exact = malloc(n + 1); /* for those who watch memory */

        memcpy(exact, golden, n);
        assert_false(opro__journal_line_read(&line, exact, n));
        free(exact);
    }
    assert_false(opro__journal_line_read(&line, golden, GOLDEN_LEN)); /* with the newline */
    assert_memory_equal(&line, &before, sizeof line);
}

/* A line whose checksum is right, whatever else it is. */
static int read_sealed(const char *rest) {
    opro__journal_line line;
    char s[512];
    int n = snprintf(s, sizeof s, "{\"c\":\"%08x\"%s",
                     (unsigned)opro__crc32c(0, rest, strlen(rest)), rest);

    return opro__journal_line_read(&line, s, (size_t)n);
}

static void test_one_spelling(void **state) {
    static const char *const bad[] = {
        ",\"p\":\"00C0ffee\",\"s\":12,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffeg\",\"s\":12,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ff:e\",\"s\":12,\"d\":11,\"r\":{}}",
        ",\"p\":\"0xc0ffee\",\"s\":12,\"d\":11,\"r\":{}}",
        ",\"p\":\" 0c0ffee\",\"s\":12,\"d\":11,\"r\":{}}",
        ",\"p\":\"0c0ffee\",\"s\":12,\"d\":11,\"r\":{}}",
        ",\"p\":\"000c0ffee\",\"s\":12,\"d\":11,\"r\":{}}",
        ", \"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":012,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":+12,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":-12,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\": 12,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":12 ,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":12.0,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":9007199254740992,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":90071992547409910,\"d\":11,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":00,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":13,\"r\":{}}", /* durable before it was written */
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\": {}}",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":{} }",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":{}} ",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":[]}",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":{]}",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":}}",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":{}",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":",
        ",\"p\":\"00c0ffee\",\"d\":11,\"s\":12,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":12,\"r\":{}}",
        ",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"e\":0,\"r\":{}}",
        "",
    };

    (void)state;
    assert_true(read_sealed(",\"p\":\"00c0ffee\",\"s\":12,\"d\":11,\"r\":{}}"));
    assert_true(read_sealed(",\"p\":\"00000000\",\"s\":0,\"d\":0,\"r\":{\"a\":\"b\"}}"));
    assert_true(read_sealed(",\"p\":\"abcdef09\",\"s\":9007199254740991,\"d\":10,\"r\":{}}"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_sealed(bad[i])) fail_msg("accepted: %s", bad[i]);
}

static int valid(const char *s) {
    return opro__journal_payload_valid(s, strlen(s));
}

static void test_payloads(void **state) {
    char deep[200];

    (void)state;
    assert_true(valid("{}"));
    assert_true(
        valid("{\"t\":\"ans\\nwer\",\"n\":[1,-2.5e3,null,true],\"o\":{\"\":\"\xc3\xa9\"} }"));
    assert_false(valid(""));
    assert_false(valid("[]"));
    assert_false(valid("1"));
    assert_false(valid(" {}"));
    assert_false(valid("{} "));
    assert_false(valid("{}{}"));
    assert_false(valid("{"));
    assert_false(valid("{\"a\":1}}"));
    assert_false(valid("{\"a\":\n1}"));
    assert_false(valid("{\"a\":\"\n\"}"));
    assert_false(valid("{\"a\":\"\xc3\"}"));
    assert_false(valid("{'a':1}"));
    assert_false(opro__journal_payload_valid("{\"a\":\"\0\"}", 9));
    for (int levels = 63; levels <= 65; levels++) {
        size_t n = 0;

        memcpy(deep, "{\"a\":", 5);
        n = 5;
        for (int i = 1; i < levels; i++)
            deep[n++] = '[';
        for (int i = 1; i < levels; i++)
            deep[n++] = ']';
        deep[n++] = '}';
        assert_int_equal(opro__journal_payload_valid(deep, n), levels <= 64);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),        cmocka_unit_test(test_read),
        cmocka_unit_test(test_longest),      cmocka_unit_test(test_other_bytes),
        cmocka_unit_test(test_one_spelling), cmocka_unit_test(test_payloads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
