/* SPDX-License-Identifier: MIT */
/* The final number of a reply. */
#include <math.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "metric_strict.h"

#define P OPRO__PIECE
#define I OPRO__PIECE_INIT

#define N_OF(array) (sizeof(array) / sizeof *(array))

/* The answer is looked for in so many bytes, and among so many numbers: the rest is not read. */
#define REGION  4096
#define NUMBERS 256

/* A number where it stands. */
typedef struct number {
    double value;
    const char *begin; /* its sign included, a currency not */
    const char *end;
    int unit; /* belongs to a word or an exponent: "cm2", "m^2" */
} number;

typedef struct numbers {
    opro__piece text;
    number at[NUMBERS];
    size_t n;
} numbers;

/* ---- digits ---------------------------------------------------------------------------------- */

static int is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

static const char *end_of(opro__piece text) {
    return text.s + text.len;
}

static const char *digits_end(const char *s, const char *end) {
    while (s < end && opro__is_digit(*s))
        s++;
    return s;
}

/* Three digits and no fourth. */
static int is_group(const char *s, const char *end) {
    return digits_end(s, end) - s == 3;
}

/* Digits, or groups of three of them with commas between: 1,234,567. */
static const char *whole_end(const char *s, const char *end) {
    const char *p = digits_end(s, end);

    if (p == s || p - s > 3) return p;
    while (p < end && *p == ',' && is_group(p + 1, end))
        p += 4;
    return p;
}

static const char *exponent_end(const char *s, const char *end) {
    const char *p = s;

    if (p == end || *p != 'e') return s;
    p++;
    if (p < end && (*p == '+' || *p == '-')) p++;
    if (p == end || !opro__is_digit(*p)) return s;
    p = digits_end(p, end);
    return p < end && opro__is_digit(s[-1]) ? p : digits_end(p, end);
}

/* The value of s[0 .. end), which has commas perhaps. */
static int value_of(const char *s, const char *end, double *value) {
    char text[400];
    size_t n = 0;

    for (; s < end; s++) {
        if (*s == ',') continue;
        if (n == sizeof text) return 0;
        text[n++] = *s;
    }
    return opro__num_parse(text, n, value) == n;
}

static size_t currency_before(const char *s, const char *begin) {
    static const opro__piece signs[] = {I("$"), I("€"), I("£"), I("¥"), I("₹")};

    for (size_t i = 0; i < N_OF(signs); i++)
        if ((size_t)(s - begin) >= signs[i].len &&
            memcmp(s - signs[i].len, signs[i].s, signs[i].len) == 0)
            return signs[i].len;
    return 0;
}

/* "minus", "negative" and a blank before s: their length. */
static size_t minus_word_before(const char *s, const char *begin) {
    static const opro__piece words[] = {I("minus "), I("negative ")};

    for (size_t i = 0; i < N_OF(words); i++) {
        size_t n = words[i].len;

        if ((size_t)(s - begin) >= n && memcmp(s - n, words[i].s, n) == 0 &&
            !(s - n > begin && opro__is_word(s[-(ptrdiff_t)n - 1])))
            return n;
    }
    return 0;
}

static size_t minus_sign_before(const char *s, const char *begin) {
    if (s > begin && s[-1] == '-') return 1;
    return s - begin >= 3 && memcmp(s - 3, "\xe2\x88\x92", 3) == 0 ? 3 : 0; /* U+2212 */
}

/* A minus that does not join two numbers or words. Returns where the number begins with it. */
static const char *with_minus(const char *s, const char *begin, int *negative) {
    const char *p = s - currency_before(s, begin);
    size_t n = minus_sign_before(p, begin);

    *negative = 0;
    if (n) {
        p -= n;
        if (p > begin &&
            (opro__is_word(p[-1]) || p[-1] == ')' || p[-1] == ']' || p[-1] == '}' || p[-1] == '-'))
            return s;
        *negative = 1;
        return p;
    }
    n = minus_word_before(p, begin);
    if (!n) return s;
    *negative = 1;
    return p - n;
}

/* Part of a word, or raised: "x2", "cm^2". */
static int is_unit(const char *s, const char *begin) {
    if (s == begin) return 0;
    if (is_letter(s[-1])) return 1;
    return s[-1] == '^' && s - 1 > begin && is_letter(s[-2]);
}

static const char *read_digits(opro__piece text, const char *s, number *found) {
    const char *end = end_of(text), *p = whole_end(s, end);
    int negative;

    if (p < end && *p == '.' && p + 1 < end && opro__is_digit(p[1])) p = digits_end(p + 1, end);
    p = exponent_end(p, end);
    found->begin = with_minus(s, text.s, &negative);
    found->end = p;
    found->unit = is_unit(s, text.s);
    if (!value_of(s, p, &found->value)) return NULL;
    if (negative) found->value = -found->value;
    return p;
}

/* ---- words ----------------------------------------------------------------------------------- */

static const struct {
    opro__piece word;
    int value;
} words[] = {
    {I("zero"), 0},      {I("one"), 1},         {I("two"), 2},           {I("three"), 3},
    {I("four"), 4},      {I("five"), 5},        {I("six"), 6},           {I("seven"), 7},
    {I("eight"), 8},     {I("nine"), 9},        {I("ten"), 10},          {I("eleven"), 11},
    {I("twelve"), 12},   {I("thirteen"), 13},   {I("fourteen"), 14},     {I("fifteen"), 15},
    {I("sixteen"), 16},  {I("seventeen"), 17},  {I("eighteen"), 18},     {I("nineteen"), 19},
    {I("twenty"), 20},   {I("thirty"), 30},     {I("forty"), 40},        {I("fifty"), 50},
    {I("sixty"), 60},    {I("seventy"), 70},    {I("eighty"), 80},       {I("ninety"), 90},
    {I("hundred"), 100}, {I("thousand"), 1000}, {I("million"), 1000000}, {I("billion"), 1000000000},
};

static int word_value(opro__piece text, const char *s, size_t *len) {
    for (size_t i = 0; i < N_OF(words); i++)
        if (opro__word_at(text, s, words[i].word)) {
            *len = words[i].word.len;
            return words[i].value;
        }
    return -1;
}

/* Past what joins two number words: a blank, a hyphen, " and ". */
static const char *joined(opro__piece text, const char *s) {
    const char *end = end_of(text);

    if (s < end && (*s == ' ' || *s == '-')) s++;
    if (end - s > 4 && memcmp(s, "and ", 4) == 0) s += 4;
    return s;
}

/* "two thousand one hundred and twenty-five" */
static const char *read_words(opro__piece text, const char *s, number *found) {
    double sum = 0, part = 0;
    const char *end = NULL, *p = s;
    int last = 0, negative;
    size_t n = 0;

    for (int value; (value = word_value(text, p, &n)) >= 0; p = joined(text, end)) {
        /* "five, six" and "one two" are two numbers */
        if (end && value < 100 && !(last >= 100 || (last >= 20 && last < 100 && value < 10))) break;
        if (value < 100)
            part += value;
        else if (value == 100)
            part = (part > 0 ? part : 1) * 100;
        else {
            sum += (part > 0 ? part : 1) * value;
            part = 0;
        }
        last = value;
        end = p + n;
    }
    if (!end) return NULL;
    found->begin = with_minus(s, text.s, &negative);
    found->end = end;
    found->unit = 0;
    found->value = negative ? -(sum + part) : sum + part;
    return end;
}

/* ---- all numbers of a text ------------------------------------------------------------------- */

static void keep(numbers *all, const number *found) {
    if (all->n == NUMBERS) memmove(all->at, all->at + 1, --all->n * sizeof *all->at);
    all->at[all->n++] = *found;
}

/* Written in digits, or in words. */
static void scan(numbers *all, opro__piece text, int in_words) {
    const char *s = text.s;

    all->text = text;
    all->n = 0;
    while (s < end_of(text)) {
        const char *next = NULL;
        number found;

        if (in_words) {
            if (is_letter(*s) && !(s > text.s && opro__is_word(s[-1])))
                next = read_words(text, s, &found);
        } else if (opro__is_digit(*s) ||
                   (*s == '.' && s + 1 < end_of(text) && opro__is_digit(s[1]) &&
                    !(s > text.s && opro__is_word(s[-1])))) {
            next = read_digits(text, s, &found);
            if (!next) s = digits_end(s + 1, end_of(text)) - 1; /* too long */
        }
        if (next) keep(all, &found);
        s = next ? next : s + 1;
    }
}

/* Numbers that belong to units go if there are others. */
static void drop_units(numbers *all) {
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++)
        if (!all->at[i].unit) n++;
    if (n == 0) return;
    n = 0;
    for (size_t i = 0; i < all->n; i++)
        if (!all->at[i].unit) all->at[n++] = all->at[i];
    all->n = n;
}

/* ---- sums and equations ---------------------------------------------------------------------- */

static opro__piece between(const numbers *all, size_t i) {
    return (opro__piece){all->at[i].end, (size_t)(all->at[i + 1].begin - all->at[i].end)};
}

static int has_equals(opro__piece text) {
    return text.len < 80 && opro__piece_find(text, P("=")) && !opro__piece_find(text, P("\n"));
}

/* The operator that joins numbers i and i + 1: + - * /, 0 if there is none alone. */
static char operator_at(const numbers *all, size_t i) {
    opro__piece text = between(all, i);
    char found = 0;

    if (opro__piece_same(text, P("}{"))) return '/'; /* \frac{1}{2} */
    for (size_t k = 0; k < text.len; k++) {
        char c = text.s[k];

        if (strchr(" $()", c) && c) continue;
        if (text.len - k > 1 && memcmp(text.s + k, "\xc3\x97", 2) == 0) { /* times sign */
            c = '*';
            k++;
        }
        if (c == 'x') c = '*';
        if (!c || !strchr("+-*/", c) || found) return 0;
        found = c;
    }
    return found;
}

/* Where the expression that number i belongs to begins and ends. */
static size_t side_begin(const numbers *all, size_t i) {
    while (i > 0 && operator_at(all, i - 1))
        i--;
    return i;
}

static size_t side_end(const numbers *all, size_t i) {
    while (i + 1 < all->n && operator_at(all, i))
        i++;
    return i;
}

/* From left to right, * and / first. */
static double evaluate(const numbers *all, size_t begin, size_t end) {
    double sum = 0, term = all->at[begin].value;

    for (size_t i = begin; i < end; i++) {
        char op = operator_at(all, i);
        double next = all->at[i + 1].value;

        if (op == '*') term *= next;
        if (op == '/') term /= next;
        if (op != '+' && op != '-') continue;
        sum += term;
        term = op == '+' ? next : -next;
    }
    return sum + term;
}

/*
 * The number i is part of "a + b = c", of "c = a + b", or stands alone: what is meant is the side
 * that is a single number, the last one of them; else the value of i's side.
 */
static double value_at(const numbers *all, size_t i) {
    size_t begin = side_begin(all, i), end = side_end(all, i);

    while (end + 1 < all->n && has_equals(between(all, end))) {
        size_t next = side_end(all, end + 1);

        if (begin == end && next > end + 1) return all->at[begin].value; /* c = a + b */
        begin = end + 1;
        end = next;
    }
    if (begin < end && begin > 0 && has_equals(between(all, begin - 1))) {
        size_t left = side_begin(all, begin - 1);

        if (left == begin - 1) return all->at[left].value;
    }
    return evaluate(all, begin, end);
}

/* ---- the one that is meant ------------------------------------------------------------------- */

static int follows(const number *found, opro__piece text, opro__piece word) {
    return (size_t)(found->begin - text.s) >= word.len &&
           memcmp(found->begin - word.len, word.s, word.len) == 0;
}

/* "3 or 4", "between 3 and 4": nothing is said. */
static int is_open(const numbers *all, size_t i) {
    if (i == 0) return 0;
    if (opro__piece_same(between(all, i - 1), P(" or "))) return 1;
    return opro__piece_same(between(all, i - 1), P(" and ")) &&
           follows(&all->at[i - 1], all->text, P("between "));
}

/* "7 hours and 30 minutes": the first unit is meant. */
static int is_rest(const numbers *all, size_t i) {
    static const opro__piece joins[] = {I(" hours and "),  I(" hour and "), I(" minutes and "),
                                        I(" minute and "), I(" days and "), I(" day and ")};

    for (size_t k = 0; i > 0 && k < N_OF(joins); k++)
        if (opro__piece_same(between(all, i - 1), joins[k])) return 1;
    return 0;
}

static int read_first(const numbers *all, double *value) {
    if (all->n == 0) return 0;
    if (all->n > 1 && is_open(all, 1)) return 0;
    *value = value_at(all, 0);
    return 1;
}

static int read_last(const numbers *all, double *value) {
    size_t i = all->n;

    if (i == 0) return 0;
    i--;
    while (i > 0 && (follows(&all->at[i], all->text, P("not ")) || is_rest(all, i)))
        i--;
    if (is_open(all, i)) return 0;
    for (size_t k = all->n; k-- > 1;) /* the result of the last equation */
        if (has_equals(between(all, k - 1))) {
            *value = value_at(all, k);
            return 1;
        }
    *value = value_at(all, i);
    return 1;
}

/* The last line with a digit, its end at most. */
static opro__piece last_line(opro__piece text) {
    size_t end = text.len, begin;

    while (end > 0 && !opro__is_digit(text.s[end - 1]))
        end--;
    if (end == 0) return (opro__piece){text.s, 0};
    begin = end;
    while (begin > 0 && end - begin < REGION && text.s[begin - 1] != '\n')
        begin--;
    return (opro__piece){text.s + begin, end - begin};
}

static opro__piece first_bytes(opro__piece text) {
    if (text.len > REGION) text.len = REGION;
    return text;
}

static opro__piece last_bytes(opro__piece text) {
    return text.len > REGION ? opro__piece_from(text, text.s + text.len - REGION) : text;
}

static int read_where(opro__piece text, int last, double *value) {
    numbers all;
    int found;

    scan(&all, last ? last_line(text) : first_bytes(text), 0);
    if (all.n == 0) scan(&all, last ? last_bytes(text) : first_bytes(text), 1);
    drop_units(&all);
    found = last ? read_last(&all, value) : read_first(&all, value);
    return found && isfinite(*value);
}

int opro__number_read(const opro__strict *strict, opro__answer *answer) {
    if (strict->marker && read_where(strict->span, strict->before, &answer->number)) return 1;
    if (strict->marker) answer->rule = "last number";
    if (!read_where(strict->text, 1, &answer->number)) return 0;
    answer->rule = "last number";
    return 1;
}

int opro__number_wanted(opro__piece text, double *value) {
    numbers all;

    scan(&all, first_bytes(text), 0);
    if (all.n == 0) scan(&all, first_bytes(text), 1);
    return read_first(&all, value) && isfinite(*value);
}
