/* SPDX-License-Identifier: MIT */
/*
 * The expected values come from another implementation of the same definition, so that a platform
 * that differs shows.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

static void equal(uint64_t found, uint64_t expected) {
    assert_true(found == expected);
}

static void test_mix(void **state) {
    (void)state;
    equal(opro__mix(0), 0);
    equal(opro__mix(1), UINT64_C(0x5692161d100b05e5));
    equal(opro__mix(2), UINT64_C(0xdbd238973a2b148a));
    equal(opro__mix(UINT64_MAX), UINT64_C(0xb4d055fcf2cbbd7b));
    equal(opro__mix(UINT64_C(0x0123456789abcdef)), UINT64_C(0xb2c058e4ebb5112c));
}

static void test_add(void **state) {
    (void)state;
    equal(opro__hash_add(0, 0), UINT64_C(0x5692161d100b05e5));
    equal(opro__hash_add(0, 1), UINT64_C(0xdbd238973a2b148a));
    equal(opro__hash_add(1, 0), UINT64_C(0x910a2dec89025cc1));
    equal(opro__hash_add(UINT64_MAX, UINT64_MAX), UINT64_C(0x336503c6b835bec0));
    /* the order matters */
    equal(opro__hash_add(opro__hash_add(0, 1), 2), UINT64_C(0xc9058aa3c99c31e1));
    equal(opro__hash_add(opro__hash_add(0, 2), 1), UINT64_C(0xec051ed0c2a0e7bf));
}

static void test_real(void **state) {
    (void)state;
    equal(opro__hash_add_real(0, 0), UINT64_C(0x5692161d100b05e5));
    equal(opro__hash_add_real(0, -0.0), UINT64_C(0x5692161d100b05e5));
    equal(opro__hash_add_real(0, 1), UINT64_C(0x0d73f1fc0c177f9c));
    equal(opro__hash_add_real(0, -1), UINT64_C(0x8373a7d169382684));
    equal(opro__hash_add_real(0, 0.1), UINT64_C(0x4e28c6db2af8260e));
    equal(opro__hash_add_real(0, INFINITY), UINT64_C(0x99e5e34befc97491));
    equal(opro__hash_add_real(0, 5e-324), UINT64_C(0xdbd238973a2b148a));
    equal(opro__hash_add_real(0, NAN), UINT64_C(0x4dbf121bf93450d1));
    equal(opro__hash_add_real(0, -NAN), UINT64_C(0x4dbf121bf93450d1));
}

static void test_bytes(void **state) {
    static const struct {
        const char *s;
        size_t len;
        uint64_t hash;
    } cases[] = {
        {"", 0, 0},
        {"a", 1, UINT64_C(0x613732f6c54c1e84)},
        {"ab", 2, UINT64_C(0xa045aa9414f7d051)},
        {"abc", 3, UINT64_C(0x564246c2dc393777)},
        {"abcdefg", 7, UINT64_C(0x342f057400a07572)},
        {"abcdefgh", 8, UINT64_C(0x7bc3f2ce9a5bb135)},
        {"abcdefghi", 9, UINT64_C(0xe6a9a86f1e24ea9c)},
        {"abcdefghijklmno", 15, UINT64_C(0x8ad78f8708caaf5d)},
        {"abcdefghijklmnop", 16, UINT64_C(0xb8a7fa5177c0f0f3)},
        {"\0", 1, UINT64_C(0x519665bf91416c4d)},
        {"\0\0", 2, UINT64_C(0xc7fbe989d950a6c1)},
        {"\xff\x80\x00\x7f\xff\xc3\xa9\xfe\x01", 9, UINT64_C(0x366fa32f49318ffe)},
        {"Let's think step by step.", 25, UINT64_C(0x56c3e698920e3636)},
    };
    char all[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        equal(opro__hash_bytes(cases[i].s, cases[i].len), cases[i].hash);
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    equal(opro__hash_bytes(all, 256), UINT64_C(0x5e04eb491586de0c));
    equal(opro__hash_add_text(7, "", 0), UINT64_C(0x237dd2f47fbac219));
    equal(opro__hash_add_text(7, "abc", 3), UINT64_C(0xe2682423a5e9025d));
}

/* Wherever it stands, and from a block that ends where it ends. */
static void test_alignment(void **state) {
    static const char text[] = "a text of more than 32 letters, for all places";

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        uint64_t hash = opro__hash_bytes(text, len);

        for (size_t shift = 0; shift < 16; shift++) {
            char *block = malloc(shift + len + 1);

            block = realloc(block, shift + len ? shift + len : 1);
            memcpy(block + shift, text, len);
            equal(opro__hash_bytes(block + shift, len), hash);
            free(block);
        }
    }
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/*
 * 200,000 short texts that differ in one or two letters: not one pair has the same digest, or the
 * same lower half often.
 */
static void test_no_collisions(void **state) {
    enum { N = 200000 };
    uint64_t *hashes = malloc(N * sizeof *hashes);
    size_t halves = 0;

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        char text[] = "Take a deep breath, step ......";

        for (int k = 0; k < 6; k++)
            text[25 + k] = (char)('a' + (i >> (3 * k)) % 8);
        hashes[i] = opro__hash_bytes(text, sizeof text - 1);
    }
    qsort(hashes, N, sizeof *hashes, by_value);
    for (size_t i = 1; i < N; i++)
        assert_true(hashes[i] != hashes[i - 1]);
    for (size_t i = 0; i < N; i++)
        hashes[i] &= UINT32_MAX;
    qsort(hashes, N, sizeof *hashes, by_value);
    for (size_t i = 1; i < N; i++)
        halves += hashes[i] == hashes[i - 1];
    assert_true(halves < 20); /* 4.7 are to be expected */
    free(hashes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix),       cmocka_unit_test(test_add),
        cmocka_unit_test(test_real),      cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_alignment), cmocka_unit_test(test_no_collisions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
