/* SPDX-License-Identifier: MIT */
/* Yes and no, and answers that are texts. */
#include <string.h>

#include "metric_strict.h"

#define P OPRO__PIECE
#define I OPRO__PIECE_INIT

#define N_OF(array) (sizeof(array) / sizeof *(array))

/* ---- yes and no ------------------------------------------------------------------------------ */

enum { PAIRS = 3 };
static const opro__piece symbols[PAIRS][2] = {
    {I("false"), I("true")}, {I("no"), I("yes")}, {I("invalid"), I("valid")}};

int opro__bool_wanted(opro__piece text, int *pair) {
    for (*pair = 0; *pair < PAIRS; ++*pair)
        for (int value = 0; value < 2; value++)
            if (opro__piece_same(text, symbols[*pair][value])) return value;
    *pair = 0;
    return -1;
}

/* The symbol that stands at s as a word: 0 or 1, else -1. */
static int symbol_at(opro__piece text, const char *s, int pair) {
    for (int value = 0; value < 2; value++)
        if (opro__word_at(text, s, symbols[pair][value])) return value;
    return -1;
}

/* "not not true": each word before turns it round. */
static int turned(opro__piece text, const char *s, int value) {
    while (s - text.s >= 4 && memcmp(s - 4, "not ", 4) == 0 &&
           !(s - text.s > 4 && opro__is_word(s[-5]))) {
        value = !value;
        s -= 4;
    }
    return value;
}

/* Does a sentence go on behind the first word in a way that makes it part of something else? */
static int goes_on(opro__piece text, const char *end) {
    static const opro__piece joins[] = {I(" and "),   I(" or "), I(" idea"),
                                        I(" matter"), I(" one"), I(" doubt")};
    const size_t left = text.len - (size_t)(end - text.s);

    for (size_t i = 0; i < N_OF(joins); i++)
        if (left >= joins[i].len && memcmp(end, joins[i].s, joins[i].len) == 0) return 1;
    return 0;
}

/* The reply begins with its answer. */
static int leading(opro__piece text, int pair, int *value) {
    const char *s = text.s, *end = text.s + text.len;

    while (s < end && !opro__is_word(*s))
        s++;
    *value = symbol_at(text, s, pair);
    return *value >= 0 && !goes_on(text, s + symbols[pair][*value].len);
}

/* "yes or no" says neither. */
static int is_open(opro__piece text, const char *s, int pair, int value) {
    const opro__piece other = symbols[pair][!value];
    const size_t n = other.len + 4;

    return (size_t)(s - text.s) >= n && memcmp(s - n, other.s, other.len) == 0 &&
           memcmp(s - 4, " or ", 4) == 0;
}

static int last(opro__piece text, int pair, int *value) {
    for (const char *s = text.s + text.len; s-- > text.s;) {
        if (s > text.s && opro__is_word(s[-1])) continue;
        *value = symbol_at(text, s, pair);
        if (*value < 0) continue;
        if (is_open(text, s, pair, *value)) return 0;
        *value = turned(text, s, *value);
        return 1;
    }
    return 0;
}

static int first(opro__piece text, int pair, int *value) {
    for (const char *s = text.s; s < text.s + text.len; s++) {
        if (s > text.s && opro__is_word(s[-1])) continue;
        *value = symbol_at(text, s, pair);
        if (*value < 0) continue;
        *value = turned(text, s, *value);
        return 1;
    }
    return 0;
}

/* The sentence that a piece begins with, or its line. */
static opro__piece first_sentence(opro__piece text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.s[i] == '\n' || (text.s[i] == '.' && i + 1 < text.len && text.s[i + 1] == ' '))
            return (opro__piece){text.s, i};
    return text;
}

static int read_pair(const opro__strict *strict, int pair, opro__answer *answer) {
    int *value = &answer->index;

    answer->rule = NULL;
    if (strict->marker && (strict->before ? last(strict->span, pair, value)
                                          : first(first_sentence(strict->span), pair, value)))
        return 1;
    answer->rule = "first word";
    if (leading(strict->text, pair, value)) return 1;
    answer->rule = "last answer";
    return last(strict->text, pair, value);
}

int opro__bool_read(const opro__strict *strict, int pair, opro__answer *answer) {
    const opro__piece bare = opro__strict_trim(strict->span);
    int found = 0;

    for (int i = 0; i < PAIRS && !found; i++) {
        const int tried = (pair + i) % PAIRS;

        found = read_pair(strict, tried, answer);
        if (found) answer->text = symbols[tried][answer->index];
    }
    if (found) return 1;
    if (bare.len != 1 || (bare.s[0] != '0' && bare.s[0] != '1')) return 0;
    answer->rule = "digit";
    answer->index = bare.s[0] == '1';
    answer->text = symbols[pair][answer->index];
    return 1;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static int is_blank(char c) {
    return c == ' ' || (c >= 9 && c <= 13);
}

/* What may stand between the words of a list. */
static int is_separator(char c) {
    return is_blank(c) || (c && strchr(",;-*>|'\"`_", c));
}

/* Has it letters or digits at all? */
static int has_words(opro__piece text) {
    for (size_t i = 0; i < text.len; i++)
        if (opro__is_word(text.s[i]) || (unsigned char)text.s[i] >= 0x80) return 1;
    return 0;
}

static int is_list(opro__piece text) {
    return has_words(text) && opro__piece_find(text, P(" ")) != NULL;
}

/*
 * The wanted text at s, where one blank stands for any separators. Returns how long it is there,
 * 0: it is not.
 */
static size_t matched(opro__piece text, const char *s, opro__piece wanted) {
    const char *p = s, *end = text.s + text.len;

    for (size_t i = 0; i < wanted.len; i++) {
        if (p == end) return 0;
        if (wanted.s[i] != ' ') {
            if (*p++ != wanted.s[i]) return 0;
            continue;
        }
        if (!is_separator(*p)) return 0;
        while (p < end && is_separator(*p) && *p != wanted.s[i + 1])
            p++;
    }
    return (size_t)(p - s);
}

/* Nothing of a word is cut off at s. */
static int is_edge(opro__piece text, const char *s) {
    return s == text.s || s == text.s + text.len || !opro__is_word(s[-1]) || !opro__is_word(*s);
}

/* Before a list: the beginning, a line, a bullet, a sentence, a colon or a bracket. */
static int opens(opro__piece text, const char *s) {
    while (s > text.s && s[-1] && strchr(" \t*_'\"`-", s[-1]))
        s--;
    if (s == text.s || (unsigned char)s[-1] >= 0x80) return 1;
    return strchr("\n\r:.!?([{>=", s[-1]) != NULL;
}

/* Behind it: the end, a line, a full stop, a bracket, "is the answer". */
static int closes(opro__piece text, const char *s) {
    const char *end = text.s + text.len;

    while (s < end && *s && strchr(" \t*_'\"`", *s))
        s++;
    if (s == end || (unsigned char)*s >= 0x80 || !*s) return 1;
    if (end - s > 6 && memcmp(s, "is the ", 7) == 0) return 1;
    return strchr("\n\r.!?)]}<", *s) != NULL;
}

/* Whole words; a list must be complete, with no word before or behind. */
static int occurs(opro__piece text, opro__piece wanted) {
    const int list = is_list(wanted);
    const opro__piece begin = {wanted.s, 1};
    opro__piece rest = text;
    const char *at;

    while ((at = opro__piece_find(rest, begin)) != NULL) {
        size_t n = is_edge(text, at) ? matched(text, at, wanted) : 0;

        if (n && is_edge(text, at + n) && (!list || (opens(text, at) && closes(text, at + n))))
            return 1;
        rest = opro__piece_from(text, n ? at + n : at + 1);
    }
    return 0;
}

static opro__piece without_last(opro__piece text, char c) {
    if (text.len && text.s[text.len - 1] == c) text.len--;
    return text;
}

/* Texts of marks alone are compared as they are, but for quotes and a full stop. */
static int same_marks(opro__piece text, opro__piece wanted) {
    text = opro__strict_trim(text);
    if (opro__piece_same(text, wanted)) return 1;
    text = opro__strict_trim(without_last(text, '.'));
    return opro__piece_same(text, wanted);
}

int opro__text_matches(const opro__strict *strict, opro__piece wanted, opro__answer *answer) {
    opro__piece text = opro__strict_trim(strict->span);

    if (wanted.len == 0) return opro__piece_strip(strict->span).len == 0;
    answer->text = text;
    if (opro__piece_same(text, wanted)) return 1;
    if (!has_words(wanted)) return same_marks(strict->span, wanted);
    if (!occurs(strict->span, wanted)) return 0;
    answer->text = wanted;
    return 1;
}
