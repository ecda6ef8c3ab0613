/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "base/hash.h"

/* Bit by bit, as it is defined. */
static uint32_t by_bits(const char *s, size_t len) {
    uint32_t crc = UINT32_C(0xffffffff);

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)s[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return ~crc;
}

/* RFC 3720, B.4, and the usual check. */
static void test_published(void **state) {
    char s[32];

    (void)state;
    assert_int_equal(opro__crc32c(0, "", 0), 0);
    assert_int_equal(opro__crc32c(0, "123456789", 9), 0xe3069283);
    memset(s, 0, sizeof s);
    assert_int_equal(opro__crc32c(0, s, sizeof s), 0x8a9136aa);
    memset(s, 0xff, sizeof s);
    assert_int_equal(opro__crc32c(0, s, sizeof s), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        s[i] = (char)i;
    assert_int_equal(opro__crc32c(0, s, sizeof s), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        s[i] = (char)(31 - i);
    assert_int_equal(opro__crc32c(0, s, sizeof s), 0x113fdb5c);
}

/* All rows of the tables, every length and place, in one piece and in two. */
static void test_definition(void **state) {
    char s[700];

    (void)state;
    for (size_t i = 0; i < sizeof s; i++)
        s[i] = (char)opro__mix(i);
    for (size_t at = 0; at < 9; at++)
        for (size_t len = 0; len < 600; len += len < 40 ? 1 : 7) {
            uint32_t crc = by_bits(s + at, len);
            size_t half = len / 3;

            assert_int_equal(opro__crc32c(0, s + at, len), crc);
            assert_int_equal(opro__crc32c(opro__crc32c(0, s + at, half), s + at + half, len - half),
                             crc);
        }
    for (int place = 0; place < 8; place++)
        for (int byte = 0; byte < 256; byte++) {
            char eight[8] = {0};

            eight[place] = (char)byte;
            assert_int_equal(opro__crc32c(0, eight, 8), by_bits(eight, 8));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
