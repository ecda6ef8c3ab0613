/* SPDX-License-Identifier: MIT */
/*
 * Options by name, and numbers as text. A line with "=" in it sets an option; any other is read as
 * a number, and must be the number that the C library takes it for. The first lines count.
 */
#include <errno.h>
#include <math.h>

#include "base/num.h"
#include "fuzz.h"
#include "opro/config.h"

enum { LINES = 12 };

/* ---- options --------------------------------------------------------------------------------- */

/* What an option holds, as text. */
static void value_text(const opro_config *config, int32_t option, char text[OPRO__NUM_SIZE]) {
    int64_t integer = 0, number = -1;
    double real = 0;

    if (opro_option_type(option) == OPRO_TYPE_REAL) {
        REQUIRE(opro_config_get_real(config, option, &real) == OPRO_OK);
        if (isnan(real)) {
            REQUIRE(isnan(opro_option_default(option)));
            strcpy(text, "none");
            return;
        }
        REQUIRE(real >= opro_option_min(option) && real <= opro_option_max(option));
        opro__num_format(real, text);
        return;
    }
    REQUIRE(opro_config_get_int(config, option, &integer) == OPRO_OK);
    opro__int_format(integer, text);
    for (size_t i = 0; opro_option_choice(option, i, &number); i++)
        if (number == integer) strcpy(text, opro_option_choice(option, i, NULL));
}

static void set(opro_config *config, fuzz_text line, size_t name_len) {
    uint64_t before = opro_config_digest(config), after;
    const char *value = line.s + name_len + 1;
    opro_status st = opro_config_set(config, line.s, name_len, value, line.len - name_len - 1);
    int32_t option = opro_option_find(line.s, name_len);
    char text[OPRO__NUM_SIZE];

    fuzz_require_error(opro_config_error(config), st);
    REQUIRE((st == OPRO_ERR_UNKNOWN) == (option == 0));
    after = opro_config_digest(config);
    if (st != OPRO_OK) {
        REQUIRE(st == OPRO_ERR_UNKNOWN || st == OPRO_ERR_INVALID);
        REQUIRE(after == before);
        return;
    }
    value_text(config, option, text);
    REQUIRE(opro_config_set(config, line.s, name_len, text, OPRO_ZT) == OPRO_OK);
    REQUIRE(opro_config_digest(config) == after);
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* How many digits of a text count. */
static int significant(const char *text) {
    int digits = 0, zeros = 0;

    for (; *text && *text != 'e'; text++) {
        if (*text == '0' && digits) zeros++;
        if (*text < '1' || *text > '9') continue;
        digits += zeros + 1;
        zeros = 0;
    }
    return digits;
}

static void check_format(double value) {
    char text[OPRO__NUM_SIZE], shorter[64];
    size_t len = opro__num_format(value, text);
    int digits = significant(text);
    double back;

    REQUIRE(len == strlen(text) && len <= 25);
    REQUIRE(opro__num_parse(text, len, &back) == len && back == value);
    REQUIRE(digits <= 17);
    if (digits < 2) return;
    snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
    REQUIRE(strtod(shorter, NULL) != value);
}

static void check_fixed(double value, int decimals) {
    char text[OPRO__NUM_SIZE], expected[OPRO__NUM_SIZE];
    size_t len = opro__num_fixed(value, decimals, text);

    REQUIRE(len == strlen(text));
    snprintf(expected, sizeof expected, "%.*f", decimals, value);
    if (*expected == '-' && strspn(expected, "-0.") == strlen(expected))
        REQUIRE(strcmp(text, expected + 1) == 0); /* never "-0" */
    else
        REQUIRE(strcmp(text, expected) == 0);
}

static void check_real(const char *line, size_t len) {
    const double untouched = 0.123;
    double value = untouched, expected;
    size_t n = opro__num_parse(line, len, &value);
    size_t sign = len && (*line == '-' || *line == '+');
    char *text, *end;

    REQUIRE(n <= len);
    if (len > 1000) return; /* more than that is no number */
    text = malloc(len + 1);
    if (!text) abort();
    memcpy(text, line, len);
    text[n ? n : len] = '\0';
    expected = strtod(text, &end);
    if (n) {
        REQUIRE(end == text + n && expected == value);
        check_format(value);
        check_fixed(value, (int)(len % 18));
    } else {
        REQUIRE(value == untouched);
        if (sign < len && line[sign] >= '1' && line[sign] <= '9') REQUIRE(isinf(expected));
    }
    free(text);
}

static void check_int(const char *line, size_t len) {
    int64_t value = 7, back;
    char text[OPRO__NUM_SIZE], *end;
    long long expected;

    if (!opro__int_parse(line, len, &value)) {
        REQUIRE(value == 7);
        return;
    }
    check_fixed((double)value, 0);
    REQUIRE(opro__int_format(value, text) == strlen(text));
    REQUIRE(opro__int_parse(text, strlen(text), &back) && back == value);
    if (len >= sizeof text) return;
    memcpy(text, line, len);
    text[len] = '\0';
    errno = 0;
    expected = strtoll(text, &end, 10);
    REQUIRE(errno == 0 && *end == '\0' && expected == value);
}

/* ---- both ------------------------------------------------------------------------------------ */

static void check(fuzz_input *in, const opro_allocator *allocator) {
    opro_config *config = NULL, *clone = NULL;
    opro_status st = opro_config_new(&config, allocator);

    if (in->failing && st == OPRO_ERR_NOMEM) return;
    REQUIRE(st == OPRO_OK);
    for (int i = 0; i < LINES && fuzz_more(in); i++) {
        fuzz_text line = fuzz_line(in);
        const char *sign = line.len ? memchr(line.s, '=', line.len) : NULL;

        if (sign) {
            set(config, line, (size_t)(sign - line.s));
        } else {
            check_real(line.s, line.len);
            check_int(line.s, line.len);
        }
    }
    st = opro_config_clone(&clone, config, allocator);
    REQUIRE(st == OPRO_OK || (in->failing && st == OPRO_ERR_NOMEM));
    if (st == OPRO_OK) REQUIRE(opro_config_digest(clone) == opro_config_digest(config));
    opro_config_free(clone);
    opro_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
