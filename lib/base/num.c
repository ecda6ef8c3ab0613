/* SPDX-License-Identifier: MIT */
#include "num.h"

#include <float.h>
#include <math.h>
#include <stdio.h> /* snprintf() only: no streams */
#include <stdlib.h>
#include <string.h>

#include "ascii.h"

#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1
#error "doubles are not computed as doubles: on 32-bit x86, give -msse2 -mfpmath=sse"
#endif

size_t opro__int_format(int64_t value, char text[OPRO__NUM_SIZE]) {
    char reversed[24];
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t n = 0, len = 0;

    do
        reversed[n++] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0) text[len++] = '-';
    while (n)
        text[len++] = reversed[--n];
    text[len] = '\0';
    return len;
}

/* snprintf() writes the decimal point of the locale, of any length: put "." in its place. */
static size_t unlocalise(char *text) {
    size_t in = 0, out = 0;

    while (text[in]) {
        if (opro__is_digit(text[in]) || strchr("+-e", text[in])) {
            text[out++] = text[in++];
            continue;
        }
        text[out++] = '.';
        while (text[in] && !opro__is_digit(text[in]) && !strchr("+-e", text[in]))
            in++;
    }
    text[out] = '\0';
    return out;
}

/* Integers of up to 15 digits are the common case, and need no search for the shortest text. */
static int small_integer(double value) {
    return fabs(value) < 1e15 && value == (double)(int64_t)value;
}

/*
 * A number with up to three digits after the point, as options and scores often are, without the
 * system's printf; 0: it is not one. k / 1000 is rounded as the reading of its digits is.
 */
static size_t format_short(double value, char text[OPRO__NUM_SIZE]) {
    double size = fabs(value);
    int64_t k;
    size_t len;

    if (size < 0.001 || size >= 1e9) return 0;
    k = (int64_t)(size * 1000 + 0.5);
    if ((double)k / 1000 != size) return 0;
    text[0] = '-';
    len = opro__int_format(k / 1000, text + (value < 0)) + (value < 0);
    text[len++] = '.';
    for (int64_t rest = k % 1000; rest; rest = rest % 100 * 10)
        text[len++] = (char)('0' + rest / 100);
    text[len] = '\0';
    return len;
}

size_t opro__num_format(double value, char text[OPRO__NUM_SIZE]) {
    size_t len = 0;

    if (!isfinite(value)) {
        strcpy(text, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return strlen(text);
    }
    if (value == 0) value = 0; /* no minus zero */
    if (small_integer(value)) return opro__int_format((int64_t)value, text);
    len = format_short(value, text);
    if (len) return len;
    /* a decimal text of 15 digits survives a double, unless that is subnormal */
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        double back = 0;

        snprintf(text, OPRO__NUM_SIZE, "%.*g", digits, value);
        len = unlocalise(text);
        if (opro__num_parse(text, len, &back) == len && back == value) break;
    }
    return len;
}

size_t opro__num_fixed(double value, int decimals, char text[OPRO__NUM_SIZE]) {
    size_t len;
    size_t sign;

    if (decimals == 0 && fabs(value) < 1e15)
        return opro__int_format((int64_t)opro__round_even(value), text);
    snprintf(text, OPRO__NUM_SIZE, "%.*f", decimals, value);
    len = unlocalise(text);
    sign = text[0] == '-';
    if (sign && strspn(text + 1, "0.") == len - 1) memmove(text, text + 1, len--);
    return len;
}

/*
 * The extent of a number: digits with an optional point, then an optional exponent. 0 if there
 * are no digits.
 */
static size_t scan(const char *s, size_t len) {
    size_t i = 0, digits = 0, e;

    if (i < len && (s[i] == '-' || s[i] == '+')) i++;
    for (; i < len && opro__is_digit(s[i]); i++)
        digits++;
    if (i < len && s[i] == '.') {
        size_t point = i++;

        for (; i < len && opro__is_digit(s[i]); i++)
            digits++;
        if (i == point + 1) i = point; /* "3." is 3 and a full stop */
    }
    if (!digits) return 0;
    if (i < len && (s[i] == 'e' || s[i] == 'E')) {
        e = i + 1;
        if (e < len && (s[e] == '-' || s[e] == '+')) e++;
        if (e < len && opro__is_digit(s[e])) {
            while (e < len && opro__is_digit(s[e]))
                e++;
            i = e;
        }
    }
    return i;
}

/* A short decimal integer, exactly: at most 15 digits. */
static int parse_small(const char *s, size_t len, double *value) {
    size_t i = len && (s[0] == '-' || s[0] == '+');
    int64_t sum = 0;

    if (len - i > 15) return 0;
    for (size_t k = i; k < len; k++) {
        if (!opro__is_digit(s[k])) return 0;
        sum = sum * 10 + (s[k] - '0');
    }
    *value = s[0] == '-' ? -(double)sum : (double)sum;
    if (sum == 0) *value = 0;
    return 1;
}

/*
 * strtod() of a text with "." put into the form of the locale at hand. text: no longer than a few
 * hundred bytes.
 */
static double parse_in_locale(const char *s, size_t len) {
    char point[16];
    char text[1200];
    size_t point_len, out = 0;

    snprintf(point, sizeof point, "%.1f", 0.5);
    point_len = strlen(point) - 2;
    for (size_t i = 0; i < len && out + point_len + 1 < sizeof text; i++) {
        if (s[i] == '.') {
            memcpy(text + out, point + 1, point_len);
            out += point_len;
        } else {
            text[out++] = s[i];
        }
    }
    text[out] = '\0';
    return strtod(text, NULL);
}

size_t opro__num_parse(const char *s, size_t len, double *value) {
    size_t n = scan(s, len);
    double parsed;

    if (n == 0 || n > 1000) return 0;
    if (!parse_small(s, n, &parsed)) parsed = parse_in_locale(s, n);
    if (!isfinite(parsed)) return 0;
    *value = parsed;
    return n;
}

int opro__int_parse(const char *s, size_t len, int64_t *value) {
    size_t i = len && (s[0] == '-' || s[0] == '+');
    int negative = len && s[0] == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t sum = 0;

    if (i == len) return 0;
    for (; i < len; i++) {
        uint64_t digit;

        if (!opro__is_digit(s[i])) return 0;
        digit = (uint64_t)(s[i] - '0');
        if (sum > (limit - digit) / 10) return 0;
        sum = sum * 10 + digit;
    }
    if (!negative)
        *value = (int64_t)sum;
    else
        *value = sum == (uint64_t)INT64_MAX + 1 ? INT64_MIN : -(int64_t)sum;
    return 1;
}

double opro__round_even(double value) {
    double below = floor(value);
    double part = value - below;

    if (part < 0.5) return below;
    if (part > 0.5) return below + 1;
    return fmod(below, 2) == 0 ? below : below + 1;
}
