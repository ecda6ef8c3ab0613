/* SPDX-License-Identifier: MIT */
/* Numbers as text: in the locale of C and, where it is installed, in one with decimal commas. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/rng.h"
#include "effort.h"

/* ---- integers -------------------------------------------------------------------------------- */

static void test_int_format(void **state) {
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-1, "-1"},
                 {10, "10"},
                 {1000000, "1000000"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    char text[OPRO__NUM_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(opro__int_format(cases[i].value, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static int int_parse(const char *s, int64_t *value) {
    size_t len = strlen(s);
    char *copy = malloc(len + 1); /* exactly as long: a read beyond shows */
    int ok;

    memcpy(copy, s, len);
    ok = opro__int_parse(copy, len, value);
    free(copy);
    return ok;
}

static void test_int_parse(void **state) {
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+5", 5},
                {"-17", -17},
                {"0000000000000000000000000000012", 12},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN},
                {"-9223372036854775807", -INT64_MAX}};
    static const char *const bad[] = {"",
                                      "+",
                                      "-",
                                      "--1",
                                      "+-1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x10",
                                      "one",
                                      "1,000",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "18446744073709551616",
                                      "99999999999999999999999999"};
    int64_t value = 99;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(int_parse(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    value = 99;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(int_parse(bad[i], &value));
    assert_false(opro__int_parse("1\0002", 3, &value));
    assert_int_equal(value, 99);
}

/* ---- doubles to text ------------------------------------------------------------------------- */

static void test_format(void **state) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "0"},
                 {1, "1"},
                 {-2.5, "-2.5"},
                 {0.1, "0.1"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1.0 / 3, "0.3333333333333333"},
                 {2.0 / 3, "0.6666666666666666"},
                 {-0.001, "-0.001"},
                 {1e-5, "1e-05"},
                 {123456789012345, "123456789012345"},
                 {-999999999999999, "-999999999999999"},
                 {1e15, "1e+15"},
                 {9007199254740993.0, "9007199254740992"},
                 {123456789012345680.0, "1.2345678901234568e+17"},
                 {1e22, "1e+22"},
                 {1e23, "1e+23"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {-DBL_MAX, "-1.7976931348623157e+308"},
                 {DBL_MIN, "2.2250738585072014e-308"},
                 {2.225073858507201e-308, "2.225073858507201e-308"},
                 {5e-324, "5e-324"},
                 {-1.5e-323, "-1.5e-323"},
                 {NAN, "nan"},
                 {-NAN, "nan"},
                 {INFINITY, "inf"},
                 {-INFINITY, "-inf"}};
    char text[OPRO__NUM_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = opro__num_format(cases[i].value, text);

        assert_string_equal(text, cases[i].text);
        assert_int_equal(len, strlen(text));
    }
}

static double from_bits(uint64_t bits) {
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static void check_round_trip(double value) {
    char text[OPRO__NUM_SIZE];
    size_t len = opro__num_format(value, text);
    double back = 0;

    assert_true(len == strlen(text) && len <= 24);
    assert_int_equal(strspn(text, "0123456789.e+-"), len);
    assert_int_equal(opro__num_parse(text, len, &back), len);
    assert_true(back == value);
}

static void test_round_trip(void **state) {
    opro__rng rng = opro__rng_make(5, 0, 0);

    (void)state;
    for (int i = 0; i < effort(100000); i++) {
        uint64_t bits = opro__rng_next(&rng);

        if (i % 32 == 1) bits &= ~(UINT64_C(0x7ff) << 52); /* subnormal: slow to print */
        if (i % 4 == 2) bits &= UINT64_MAX << 30;          /* few digits in binary */
        if (isfinite(from_bits(bits))) check_round_trip(from_bits(bits));
        if (i % 4 == 3) check_round_trip((double)(int64_t)(bits % 2000000) / 1000);
    }
    for (int e = -1074; e < 1024; e++)
        check_round_trip(ldexp(1, e));
}

static void test_fixed(void **state) {
    static const struct {
        double value;
        int decimals;
        const char *text;
    } cases[] = {{0, 0, "0"},
                 {-0.0, 3, "0.000"},
                 {0.5, 0, "0"},
                 {1.5, 0, "2"},
                 {2.5, 0, "2"},
                 {-0.5, 0, "0"},
                 {-1.5, 0, "-2"},
                 {-2.5, 0, "-2"},
                 {0.125, 2, "0.12"},
                 {0.375, 2, "0.38"},
                 {-0.004, 2, "0.00"},
                 {-0.006, 2, "-0.01"},
                 {2.675, 2, "2.67"}, /* is a little less in binary */
                 {1.005, 2, "1.00"},
                 {12.25, 1, "12.2"},
                 {12.3456, 3, "12.346"},
                 {0.1, 17, "0.10000000000000001"},
                 {999999.9999, 3, "1000000.000"},
                 {1e15, 0, "1000000000000000"},
                 {-1e15, 1, "-1000000000000000.0"},
                 {1e22, 0, "10000000000000000000000"},
                 {5e-324, 12, "0.000000000000"}};
    char text[OPRO__NUM_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = opro__num_fixed(cases[i].value, cases[i].decimals, text);

        assert_string_equal(text, cases[i].text);
        assert_int_equal(len, strlen(text));
    }
    assert_int_equal(opro__num_fixed(-DBL_MAX, 17, text), 1 + 309 + 1 + 17); /* there is room */
    assert_int_equal(strlen(text), 328);
}

static void test_round_even(void **state) {
    (void)state;
    assert_true(opro__round_even(0.5) == 0);
    assert_true(opro__round_even(1.5) == 2);
    assert_true(opro__round_even(2.5) == 2);
    assert_true(opro__round_even(-0.5) == 0);
    assert_true(opro__round_even(-1.5) == -2);
    assert_true(opro__round_even(-2.5) == -2);
    assert_true(opro__round_even(-0.2) == 0);
    assert_true(opro__round_even(-0.8) == -1);
    assert_true(opro__round_even(0.49999999999999994) == 0);
    assert_true(opro__round_even(0.50000000000000011) == 1);
    assert_true(opro__round_even(4503599627370495.5) == 4503599627370496.0);
    assert_true(opro__round_even(4503599627370497.0) == 4503599627370497.0);
    assert_true(opro__round_even(-1e300) == -1e300);
    for (int i = -1000; i < 1000; i++)
        assert_true(opro__round_even(i / 8.0) == nearbyint(i / 8.0));
}

/* ---- text to doubles ------------------------------------------------------------------------- */

/* From a block exactly as long: a read beyond it shows. */
static size_t parse(const char *s, size_t len, double *value) {
    char *copy = malloc(len + 1);
    size_t n;

    memcpy(copy, s, len);
    copy = realloc(copy, len ? len : 1);
    n = opro__num_parse(copy, len, value);
    free(copy);
    return n;
}

static void test_parse(void **state) {
    static const struct {
        const char *text;
        size_t taken;
        double value;
    } cases[] = {{"0", 1, 0},
                 {"-7", 2, -7},
                 {"+7", 2, 7},
                 {"007", 3, 7},
                 {"1.5", 3, 1.5},
                 {".5", 2, 0.5},
                 {"-.5", 3, -0.5},
                 {"3.", 1, 3}, /* and a full stop */
                 {"3.x", 1, 3},
                 {"3..5", 1, 3},
                 {"1.2.3", 3, 1.2},
                 {"1,5", 1, 1}, /* a comma never belongs to a number */
                 {"12abc", 2, 12},
                 {"1e3", 3, 1000},
                 {"1E-3", 4, 0.001},
                 {"1e+3", 4, 1000},
                 {"1e", 1, 1},
                 {"1e+", 1, 1},
                 {"1e3.5", 3, 1000},
                 {"2e5e5", 3, 200000},
                 {"0x10", 1, 0},
                 {"1_000", 1, 1},
                 {"1 000", 1, 1},
                 {"-0", 2, 0},
                 {"1e-400", 6, 0},
                 {"0e999999999999999999999", 23, 0},
                 {"1.7976931348623157e308", 22, DBL_MAX},
                 {"4.9e-324", 8, 5e-324},
                 {"123456789012345678901234567890", 30, 123456789012345678901234567890.0},
                 {"999999999999999", 15, 999999999999999},
                 {"9007199254740993", 16, 9007199254740992}, /* half way: to even */
                 {"0.1000000000000000055511151231257827021181583404541015625", 57, 0.1}};
    double value;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        value = 99;
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text), &value), cases[i].taken);
        assert_true(value == cases[i].value);
    }
    assert_int_equal(parse("12345", 3, &value), 3);
    assert_true(value == 123);
    assert_int_equal(parse("1.5", 2, &value), 1);
    assert_int_equal(parse("1e5", 2, &value), 1);
    assert_int_equal(parse("1\0002", 3, &value), 1);
}

static void test_parse_refuses(void **state) {
    static const char *const bad[] = {"",      "+",
                                      "-",     ".",
                                      "-.",    "e5",
                                      ".e5",   " 1",
                                      "\t1",   "--1",
                                      "+-1",   "inf",
                                      "-inf",  "infinity",
                                      "nan",   "NaN",
                                      "x",     ",5",
                                      "1e309", "-2e308",
                                      "1e999", "1e99999999999999999999"};
    double value = 99;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(parse(bad[i], strlen(bad[i]), &value), 0);
    assert_true(value == 99);
}

/* Many digits are read, none is lost; far too many are refused rather than cut. */
static void test_parse_long(void **state) {
    char text[2000];
    double value = 99;

    (void)state;
    memset(text, '0', sizeof text);
    memcpy(text, "0.", 2);
    text[999] = '1';
    assert_int_equal(parse(text, 1000, &value), 1000);
    assert_true(value == 0); /* 1e-998 */
    memcpy(text + 996, "e997", 4);
    text[995] = '1';
    assert_int_equal(parse(text, 1000, &value), 1000);
    assert_true(fabs(value - 1e3) < 1e-9); /* 1e-994 times 1e997 */
    memset(text, '1', sizeof text);
    value = 99;
    assert_int_equal(parse(text, 1001, &value), 0);
    assert_int_equal(parse(text, 2000, &value), 0);
    assert_true(value == 99);
}

/* A number of the C library's, read here: 17 digits are enough whatever their form. */
static void test_parse_random(void **state) {
    opro__rng rng = opro__rng_make(6, 0, 0);

    (void)state;
    for (int i = 0; i < 20000; i++) {
        double value = ldexp(opro__rng_real(&rng) - 0.5, (int)opro__rng_below(&rng, 120) - 60);
        char text[OPRO__NUM_SIZE];
        double back = 0;
        size_t len;

        snprintf(text, sizeof text, "%.17g", value);
        if (strchr(text, ',')) *strchr(text, ',') = '.';
        len = strlen(text);
        assert_int_equal(parse(text, len, &back), len);
        assert_true(back == value);
    }
}

static int decimal_commas(void **state) {
    (void)state;
    if (!setlocale(LC_ALL, "fr_FR.UTF-8") || localeconv()->decimal_point[0] != ',')
        print_message("no locale fr_FR.UTF-8 here: not tested with decimal commas\n");
    return 0;
}

static int c_locale(void **state) {
    (void)state;
    return setlocale(LC_ALL, "C") == NULL;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int_format), cmocka_unit_test(test_int_parse),
        cmocka_unit_test(test_format),     cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_fixed),      cmocka_unit_test(test_round_even),
        cmocka_unit_test(test_parse),      cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_parse_long), cmocka_unit_test(test_parse_random),
    };

    return cmocka_run_group_tests_name("C", tests, c_locale, NULL) +
           cmocka_run_group_tests_name("fr_FR.UTF-8", tests, decimal_commas, NULL);
}
