/* SPDX-License-Identifier: MIT */
/* The published program's rules, one quirk at a time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kits/metric.h"

#define P OPRO__PIECE

static opro__mem mem;
static opro__reference ref;

static int set_up(void **state) {
    (void)state;
    if (opro__mem_init(&mem, NULL) != OPRO_OK) return 1;
    opro__reference_init(&ref, &mem, (size_t)1 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    opro__reference_free(&ref);
    return mem.used != 0;
}

static opro__piece piece(const char *s) {
    return (opro__piece){s, strlen(s)};
}

enum { TEXT, NUMBER, BOOL, BOXED, TWO };

typedef struct row {
    int mode;
    const char *reply;
    const char *normalized; /* NULL: the program crashes */
} row;

static void normalize_all(const row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const opro__reference_mode mode = {.number = rows[i].mode == NUMBER || rows[i].mode == TWO,
                                           .boolean = rows[i].mode == BOOL,
                                           .boxed = rows[i].mode == BOXED,
                                           .decimals = rows[i].mode == TWO ? 2 : 0};
        opro_error err;
        opro__piece got = {"", 0};
        opro_status st = opro__reference_normalize(&ref, piece(rows[i].reply), &mode, &got, &err);

        assert_int_equal(st, rows[i].normalized ? OPRO_OK : OPRO_ERR_FAILED);
        if (rows[i].normalized && !opro__piece_same(got, piece(rows[i].normalized)))
            fail_msg("\"%s\" becomes \"%.*s\", not \"%s\"", rows[i].reply, (int)got.len, got.s,
                     rows[i].normalized);
    }
}

#define NORMALIZE(rows) normalize_all(rows, sizeof rows / sizeof *rows)

static void test_markers(void **state) {
    static const row rows[] = {
        {NUMBER, "The answer is 42.", "42"},
        {NUMBER, "Answer: 7", ""}, /* a capital selects the second list */
        {NUMBER, "answer: 7", "7"},
        {NUMBER, "The total is: 12", "12"},
        {TEXT, "so the answer is paris. yes", "paris"},
        {TEXT, "paris is the right answer", "paris"},
        {TEXT, "a question: b", "a"},
        {TEXT, "x #### y", "y"},
        {TEXT, "R\xc3\xa9ponse \xc3\xa9tape par \xc3\xa9tape : oui", "oui"},
        {TEXT, "it is so. this is the solution: b", "it is so"},
        {TEXT, "the answer is", "the answer is"}, /* no blank behind it any more */
        {TEXT, "'x'...'", "'x'"},
        {TEXT, "(see note) (b)", "(see note)"},
        {TEXT, "(b) (b)", "(b)"},
        {TEXT, "(a) (b)", "(a) (b)"},
        {TEXT, "( \n(b)", "(b)"},
    };

    (void)state;
    NORMALIZE(rows);
}

static void test_numbers(void **state) {
    static const row rows[] = {
        {NUMBER, "seventeen", "7"},
        {NUMBER, "fourteen", "4"},
        {NUMBER, "eighty", "8"},
        {NUMBER, "eleven", "11"},
        {NUMBER, "twenty-one", "1"},
        {NUMBER, "often 3", "3"},
        {NUMBER, "3 often", "10"}, /* "of10": the last run of digits */
        {NUMBER, "2.5", "2"},
        {NUMBER, "0.5", "0"},
        {NUMBER, "1.5", "2"},
        {NUMBER, "-0.4", "-0"},
        {NUMBER, "1e3", "1000"},
        {NUMBER, "1_000", "1000"},
        {NUMBER, "1__000", "000"},
        {NUMBER, "\xd9\xa5", "5"}, /* an Arabic digit */
        {NUMBER, "1/2", "2"},
        {NUMBER, "12)", "12"},
        {NUMBER, "nan", ""},
        {NUMBER, "1e999", "inf"},
        {NUMBER, "x = 7 apples", "7"},
        {NUMBER, "$1,234.00", "1234"},
        {NUMBER, "5:7", "5"},
        {NUMBER, "4  apples", ""}, /* the empty token between two blanks */
        {NUMBER, "193-yard", "193"},
        {TWO, "2.675", "2.67"}, /* the double is a little less */
        {TWO, "-0.001", "-0.00"},
        {TWO, "3", "3.00"},
    };

    (void)state;
    NORMALIZE(rows);
}

static void test_bools(void **state) {
    static const row rows[] = {
        {BOOL, "Yes.", "yes"},
        {BOOL, "yes, because it is", "yes because it is"},
        {BOOL, "The answer is one.", "true"},
        {BOOL, "0", "false"},
        {BOOL, "not valid", "not valid"},
    };

    (void)state;
    NORMALIZE(rows);
}

static void test_boxed(void **state) {
    static const row rows[] = {
        {BOXED, "so \\boxed{7} and \\boxed{8}", "7"},
        {BOXED, "\\boxed{\\frac{200}{1}}", "\\frac{200"},
        {BOXED, "\\boxed{}", ""},
        {BOXED, "\\boxed", NULL},
        {BOXED, "\\boxed{7", NULL},
        {BOXED, "\\boxed{\n7}", NULL},
        {BOXED, "\\boxed{\n\\boxed{7}", "7"},
        {BOXED, "no box", "no box"},
        {TEXT, "\\boxed", "\\boxed"},
    };

    (void)state;
    NORMALIZE(rows);
}

static void test_clean(void **state) {
    static const char *const rows[][2] = {
        {": 7:", "7"},        {" :7", ":7"},        {"7\n8", "7"}, {"7 Q: 8", "7 "},
        {"7 q: 8", "7 q: 8"}, {"::\n 7 \n8", "7 "}, {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        opro__piece got = opro__metric_clean_second(piece(rows[i][0]));

        if (!opro__piece_same(got, piece(rows[i][1])))
            fail_msg("\"%s\" becomes \"%.*s\"", rows[i][0], (int)got.len, got.s);
    }
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void test_verdicts(void **state) {
    static const char question[] = "Pick one.\nOptions:\n(A) west\n(B) east west\n(C) why?";
    static const struct {
        const char *truth, *guess, *question;
        int include, right; /* right -1: it crashes */
        const char *rule;
    } rows[] = {
        {"7", "7", "", 0, 1, "exact"},
        {"-3", "3", "", 0, 1, "exact but for punctuation"},
        {"}", "?", "", 0, 1, "exact but for punctuation"},
        {"7", "17", "", 0, 0, "none"},
        {"7", "17", "", 1, 1, "contains"},
        {"Yes", "1", "", 0, 1, "truth value"},
        {"Yes", "true", "", 0, 1, "truth value"},
        {"Yes", "valid", "", 0, 0, "none"},
        {"valid", "invalid", "", 1, 1, "contains"},
        {"(A)", "a", question, 1, 1, "exact"},
        {"(A)", "west", question, 1, 1, "text of the option"},
        {"(A)", "go west", question, 1, 1, "contains the text of the option"},
        {"(A)", "go west east west", question, 0, 0, "none"},
        {"(B)", "east west now", question, 1, 1, "contains the text of the option"},
        {"(C)", "why?", question, 1, 1, "text of the option"},
        {"(D)", "x", question, 1, -1, NULL},
        {"west wing", "west wing", question, 1, 0, "none"}, /* the answer is no letter */
        {"no", "(no)", question, 1, 0, "none"},
        {"b", "(B)", "", 0, 1, "exact"},
    };
    opro_error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *rule = NULL;
        int right = -1;
        opro_status st =
            opro__reference_accuracy(&ref, piece(rows[i].truth), piece(rows[i].guess),
                                     piece(rows[i].question), rows[i].include, &right, &rule, &err);

        if (st == OPRO_ERR_FAILED)
            assert_non_null(strstr(opro_error_message(&err, NULL), "crashes"));
        if (right != rows[i].right) fail_msg("\"%s\": %d", rows[i].guess, right);
        if (rows[i].rule && strcmp(rule, rows[i].rule) != 0)
            fail_msg("\"%s\" for \"%s\": %s", rows[i].guess, rows[i].truth, rule);
    }
}

/* ---- Python's strings ------------------------------------------------------------------------ */

static void test_lower(void **state) {
    static const char *const rows[][2] = {
        {"ABC xyz", "abc xyz"},
        {"\xc3\x89", "\xc3\xa9"},                 /* E acute */
        {"\xc4\xb0", "i\xcc\x87"},                /* I with a dot becomes two */
        {"\xce\xa3", "\xcf\x83"},                 /* a sigma alone */
        {"\xce\x91\xce\xa3", "\xce\xb1\xcf\x82"}, /* at the end of a word */
        {"\xce\x91\xce\xa3\xce\x91", "\xce\xb1\xcf\x83\xce\xb1"},
        {"\xd0\xaf", "\xd1\x8f"},         /* Cyrillic */
        {"\xe2\x85\xa5", "\xe2\x85\xb5"}, /* Roman six */
        {"\xef\xbc\xa2", "\xef\xbd\x82"}, /* wide B */
        {"\xff"
         "A\xc3",
         "\xff"
         "a\xc3"},                    /* no UTF-8 */
        {"\xc8\xba", "\xe2\xb1\xa5"}, /* grows */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char seen[256] = {0};

        opro__buf_clear(&ref.low);
        opro__letters_lower(&ref.low, piece(rows[i][0]), seen);
        assert_string_equal(opro__buf_text(&ref.low), rows[i][1]);
        for (size_t k = 0; k < ref.low.len; k++)
            assert_int_equal(seen[(unsigned char)ref.low.data[k]], 1);
        assert_int_equal(seen['@'], 0);
    }
}

static void test_float(void **state) {
    static const struct {
        const char *text;
        int is;
        double value;
    } rows[] = {
        {"1", 1, 1},
        {" 1\n", 1, 1},
        {"1.", 1, 1},
        {".5", 1, 0.5},
        {".", 0, 0},
        {"", 0, 0},
        {"-", 0, 0},
        {"+-1", 0, 0},
        {"1_0", 1, 10},
        {"_1", 0, 0},
        {"1_", 0, 0},
        {"1_.5", 0, 0},
        {"1e5", 1, 1e5},
        {"1e", 0, 0},
        {"1e+5", 1, 1e5},
        {"1e-400", 1, 0},
        {"1e400", 1, HUGE_VAL},
        {"-1e400", 1, -HUGE_VAL},
        {"inf", 1, HUGE_VAL},
        {"-Infinity", 1, -HUGE_VAL},
        {"infin", 0, 0},
        {"0x10", 0, 0},
        {"1 2", 0, 0},
        {"\xd9\xa5.\xd9\xa5", 1, 5.5},
        {"\xef\xbc\x95", 1, 5},
        {"\xc2\xbd", 0, 0},
        {"9007199254740993", 1, 9007199254740992.0},
        {"0.1", 1, 0.1},
        {"000123456789012345678", 1, 123456789012345678.0},
        {"0.000000000000000000001e21", 1, 1},
        {"2.2250738585072011e-308", 1, 2.2250738585072011e-308},
    };
    double value;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (opro__piece_float(piece(rows[i].text), &value) != rows[i].is)
            fail_msg("\"%s\"", rows[i].text);
        if (rows[i].is && value != rows[i].value) fail_msg("\"%s\": %a", rows[i].text, value);
    }
    assert_int_equal(opro__piece_float(P("NaN"), &value), 1);
    assert_true(isnan(value));
    assert_int_equal(opro__piece_float(P("-0"), &value), 1);
    assert_true(value == 0 && signbit(value));
}

/* A tie that only its 900th digit breaks. */
static void test_long_float(void **state) {
    char text[1000] = "9007199254740993.";
    double value;

    (void)state;
    memset(text + 17, '0', 900);
    text[917] = '\0';
    assert_int_equal(opro__piece_float(piece(text), &value), 1);
    assert_true(value == 9007199254740992.0);
    text[916] = '1';
    assert_int_equal(opro__piece_float(piece(text), &value), 1);
    assert_true(value == 9007199254740994.0);
}

static void test_letters(void **state) {
    (void)state;
    assert_true(opro__letter_is_alpha(0xe9) && opro__letter_is_alpha(0x4e2d));
    assert_true(opro__letter_is_alpha(0xaa) && !opro__letter_is_alpha(0xd7));
    assert_false(opro__letter_is_alpha(0x301) || opro__letter_is_alpha(OPRO__NO_LETTER));
    assert_int_equal(opro__letter_digit(0x665), 5);
    assert_int_equal(opro__letter_digit(0x1d7ff), 9);
    assert_int_equal(opro__letter_digit(0xbd), -1);
    assert_true(opro__letter_is_blank(0x3000) && opro__letter_is_blank(0x1f));
    assert_false(opro__letter_is_blank(0x200b) || opro__letter_is_blank(0xfeff));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markers),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bools),      cmocka_unit_test(test_boxed),
        cmocka_unit_test(test_clean),      cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_lower),      cmocka_unit_test(test_float),
        cmocka_unit_test(test_long_float), cmocka_unit_test(test_letters),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
