/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem(): in POSIX since 2024 */

#include "letters.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "letters_tables.h"

/* ---- code points ----------------------------------------------------------------------------- */

uint32_t opro__letter_at(const char *s, size_t len, size_t *bytes) {
    static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t n;
    uint32_t c;

    *bytes = len > 0;
    if (len == 0) return OPRO__NO_LETTER;
    if ((unsigned char)s[0] < 0x80) return (unsigned char)s[0];
    n = opro__utf8_sequence(s, len);
    if (n < 2) return OPRO__NO_LETTER;
    c = (unsigned char)s[0] & lead[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    *bytes = n;
    return c;
}

uint32_t opro__letter_before(const char *s, size_t len, size_t *bytes) {
    size_t n = 1;
    uint32_t c;

    if (len == 0) return opro__letter_at(s, 0, bytes);
    while (n < 4 && n < len && ((unsigned char)s[len - n] & 0xc0) == 0x80)
        n++;
    c = opro__letter_at(s + len - n, n, bytes);
    if (*bytes == n) return c;
    *bytes = 1;
    return OPRO__NO_LETTER;
}

static int is_ascii_letter(uint32_t c) {
    return (c | 32) - 'a' < 26;
}

int opro__letter_is_alpha(uint32_t c) {
    size_t low = 0, high = opro__letter_runs_n;

    if (c < 128) return is_ascii_letter(c);
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (c > opro__letter_runs[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < opro__letter_runs_n && c >= opro__letter_runs[low].first;
}

int opro__letter_is_blank(uint32_t c) {
    if (c < 128) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

int opro__letter_digit(uint32_t c) {
    if (c < 128) return c >= '0' && c <= '9' ? (int)(c - '0') : -1;
    for (size_t i = 0; i < opro__digit_zeros_n && opro__digit_zeros[i] <= c; i++)
        if (c - opro__digit_zeros[i] < 10) return (int)(c - opro__digit_zeros[i]);
    return -1;
}

/* ---- lower case ------------------------------------------------------------------------------ */

static uint32_t lower(uint32_t c) {
    size_t low = 0, high = opro__case_runs_n;
    const opro__case_run *run;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (c > opro__case_runs[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == opro__case_runs_n) return c;
    run = &opro__case_runs[low];
    if (c < run->first || (c - run->first) % run->stride != 0) return c;
    return (uint32_t)((int32_t)c + run->delta);
}

static size_t encode(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* Marks within words, which do not end them. */
static int joins(uint32_t c) {
    return c == '\'' || c == '.' || c == ':' || c == '^' || c == '`' || c == 0xad || c == 0xb7 ||
           c == 0x2019 || (c >= 0x300 && c <= 0x36f);
}

/* As far as marks go; so many only, that time stays linear. */
#define MARKS 30

/* at: of a capital sigma of two bytes. */
static int ends_word(opro__piece text, size_t at) {
    size_t bytes, before = at, after = at + 2;
    uint32_t c = 0;

    for (int i = 0; i < MARKS; i++) {
        c = opro__letter_before(text.s, before, &bytes);
        before -= bytes;
        if (!joins(c)) break;
    }
    if (!opro__letter_is_alpha(c)) return 0;
    for (int i = 0; i < MARKS; i++) {
        c = opro__letter_at(text.s + after, text.len - after, &bytes);
        after += bytes;
        if (!joins(c)) break;
    }
    return !opro__letter_is_alpha(c);
}

/* One letter outside ASCII; returns what it took. */
static size_t lower_wide(opro__buf *out, opro__piece text, size_t at) {
    size_t bytes;
    uint32_t c = opro__letter_at(text.s + at, text.len - at, &bytes);
    char wide[4];

    if (c == OPRO__NO_LETTER)
        opro__buf_add(out, text.s + at, 1);
    else if (c == 0x130)
        opro__buf_add(out, "i\xcc\x87", 3);
    else if (c == 0x3a3 && ends_word(text, at))
        opro__buf_add(out, "\xcf\x82", 2);
    else
        opro__buf_add(out, wide, encode(lower(c), wide));
    return bytes;
}

static void mark_seen(unsigned char seen[256], const char *s, size_t len) {
    for (size_t i = 0; i < len; i++)
        seen[(unsigned char)s[i]] = 1;
}

/* Eight ASCII letters at once; 0: there are others among them. */
static int lower_eight(const char *s, char *out) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t w, capitals;

    memcpy(&w, s, 8);
    if (w & ones * 0x80) return 0;
    /* the high bit of each: at least 'A', and not above 'Z' */
    capitals = (w + ones * (0x80 - 'A')) & ~(w + ones * (0x7f - 'Z')) & ones * 0x80;
    w |= capitals >> 2;
    memcpy(out, &w, 8);
    return 1;
}

/* The ASCII letters that text begins with, at most size; returns how many. */
static size_t lower_ascii(opro__piece text, char *out, size_t size) {
    size_t n = 0;

    if (text.len > size) text.len = size;
    while (text.len - n >= 8 && lower_eight(text.s + n, out + n))
        n += 8;
    for (; n < text.len && (unsigned char)text.s[n] < 0x80; n++)
        out[n] = text.s[n] >= 'A' && text.s[n] <= 'Z' ? (char)(text.s[n] + 32) : text.s[n];
    return n;
}

void opro__letters_lower(opro__buf *out, opro__piece text, unsigned char seen[256]) {
    size_t begin = out->len, at = 0;
    char run[256];

    while (at < text.len) {
        size_t n = lower_ascii(opro__piece_from(text, text.s + at), run, sizeof run);

        if (n) opro__buf_add(out, run, n);
        at += n;
        while (at < text.len && (unsigned char)text.s[at] >= 0x80)
            at += lower_wide(out, text, at);
    }
    if (seen && out->status == OPRO_OK && out->len > begin)
        mark_seen(seen, out->data + begin, out->len - begin);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

opro__piece opro__piece_strip(opro__piece text) {
    size_t bytes;

    while (text.len && opro__letter_is_blank(opro__letter_at(text.s, text.len, &bytes))) {
        text.s += bytes;
        text.len -= bytes;
    }
    while (text.len && opro__letter_is_blank(opro__letter_before(text.s, text.len, &bytes)))
        text.len -= bytes;
    return text;
}

#define SHORT 32

/* Byte by byte: time grows with the product of both lengths at worst. */
static const char *find_short(opro__piece text, opro__piece what) {
    const char *s = text.s, *last = text.s + (text.len - what.len);

    while (s <= last && (s = memchr(s, what.s[0], (size_t)(last - s) + 1)) != NULL) {
        if (memcmp(s, what.s, what.len) == 0) return s;
        s++;
    }
    return NULL;
}

const char *opro__piece_find(opro__piece text, opro__piece what) {
    if (what.len == 0) return text.s;
    if (text.len < what.len) return NULL;
#ifdef _WIN32 /* there is no memmem() */
    return find_short(text, what);
#else
    if (what.len <= SHORT) return find_short(text, what);
    return memmem(text.s, text.len, what.s, what.len);
#endif
}

const char *opro__piece_find_last(opro__piece text, opro__piece what) {
    if (what.len > text.len) return NULL;
    for (size_t i = text.len - what.len + 1; i-- > 0;)
        if (text.s[i] == what.s[0] && memcmp(text.s + i, what.s, what.len) == 0) return text.s + i;
    return NULL;
}

int opro__piece_same(opro__piece a, opro__piece b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

opro__piece opro__piece_until(opro__piece text, const char *s) {
    if (s) text.len = (size_t)(s - text.s);
    return text;
}

opro__piece opro__piece_from(opro__piece text, const char *s) {
    text.len -= (size_t)(s - text.s);
    text.s = s;
    return text;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* More digits than a double can tell apart; what follows them only breaks ties. */
#define DIGITS_MAX 800

/* A number while it is read: 0.DIGITS times ten to the power of scale. */
typedef struct decimal {
    char text[DIGITS_MAX + 40];
    size_t n; /* significant digits in text, after "0." and a sign's place */
    int64_t scale;
    int more; /* nonzero digits were dropped */
} decimal;

#define FIRST 3 /* digits begin behind "+0." */

static void put_digit(decimal *d, int digit, int fraction) {
    if (d->n == 0 && digit == 0) {
        d->scale -= fraction;
        return;
    }
    if (!fraction) d->scale++;
    if (d->n < DIGITS_MAX)
        d->text[FIRST + d->n++] = (char)('0' + digit);
    else if (digit)
        d->more = 1;
}

/* Digits with underscores between them; how many there are, -1: an underscore elsewhere. */
static int64_t read_digits(opro__piece text, size_t *at, decimal *d, int fraction, int64_t *value) {
    int64_t n = 0;
    int after_underscore = 0;
    size_t bytes;

    while (*at < text.len) {
        int digit;

        if (text.s[*at] == '_') {
            if (n == 0 || after_underscore) return -1;
            after_underscore = 1;
            ++*at;
            continue;
        }
        digit = opro__letter_digit(opro__letter_at(text.s + *at, text.len - *at, &bytes));
        if (digit < 0) break;
        if (d) put_digit(d, digit, fraction);
        if (value && *value < 1000000000) *value = *value * 10 + digit;
        after_underscore = 0;
        n++;
        *at += bytes;
    }
    return after_underscore ? -1 : n;
}

static int read_exponent(opro__piece text, size_t *at, decimal *d) {
    int64_t value = 0;
    int negative;

    if (*at == text.len || (text.s[*at] | 32) != 'e') return 1;
    ++*at;
    negative = *at < text.len && text.s[*at] == '-';
    if (*at < text.len && (text.s[*at] == '-' || text.s[*at] == '+')) ++*at;
    if (read_digits(text, at, NULL, 0, &value) <= 0) return 0;
    d->scale += negative ? -value : value;
    return 1;
}

static double decimal_value(decimal *d, int negative) {
    double value = 0;
    char exponent[OPRO__NUM_SIZE];
    size_t len = FIRST + d->n, n;

    if (d->n == 0 || d->scale < -1000) return negative ? -0.0 : 0.0;
    if (d->scale > 1000) return negative ? -HUGE_VAL : HUGE_VAL;
    if (d->more) d->text[len++] = '1';
    d->text[len++] = 'e';
    n = opro__int_format(d->scale, exponent);
    memcpy(d->text + len, exponent, n);
    len += n;
    d->text[0] = '+';
    d->text[1] = '0';
    d->text[2] = '.';
    if (opro__num_parse(d->text, len, &value) != len) value = HUGE_VAL;
    return negative ? -value : value;
}

static int read_word(opro__piece text, double *value) {
    static const char *const words[] = {"inf", "infinity", "nan"};

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]), k = 0;

        if (text.len != n) continue;
        while (k < n && (text.s[k] | 32) == words[i][k])
            k++;
        if (k < n) continue;
        *value = i < 2 ? HUGE_VAL : (double)NAN;
        return 1;
    }
    return 0;
}

/* At most 15 plain digits, as nearly all are. */
static int read_plain(opro__piece text, double *value) {
    int64_t sum = 0;

    if (text.len == 0 || text.len > 15) return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.s[i] < '0' || text.s[i] > '9') return 0;
        sum = sum * 10 + (text.s[i] - '0');
    }
    *value = (double)sum;
    return 1;
}

int opro__piece_float(opro__piece text, double *value) {
    decimal d;
    int64_t whole, part = 0;
    int negative;
    size_t at = 0;
    double read;

    text = opro__piece_strip(text);
    negative = text.len && text.s[0] == '-';
    if (text.len && (text.s[0] == '-' || text.s[0] == '+')) {
        text.s++;
        text.len--;
    }
    if (read_plain(text, &read) || read_word(text, &read)) {
        *value = negative ? -read : read;
        return 1;
    }
    d.n = 0;
    d.scale = 0;
    d.more = 0;
    whole = read_digits(text, &at, &d, 0, NULL);
    if (whole < 0) return 0;
    if (at < text.len && text.s[at] == '.') {
        at++;
        part = read_digits(text, &at, &d, 1, NULL);
    }
    if (part < 0 || whole + part == 0 || !read_exponent(text, &at, &d) || at < text.len) return 0;
    *value = decimal_value(&d, negative);
    return 1;
}
