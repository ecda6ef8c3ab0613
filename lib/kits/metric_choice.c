/* SPDX-License-Identifier: MIT */
/* Options of a question, and which of them a reply chooses. */
#include <string.h>

#include "metric_strict.h"

#define P OPRO__PIECE
#define I OPRO__PIECE_INIT

#define N_OF(array) (sizeof(array) / sizeof *(array))

/* ---- options --------------------------------------------------------------------------------- */

/* "(a)" at s: its letter; -1: no. */
static int bracket_at(opro__piece text, const char *s) {
    const size_t left = text.len - (size_t)(s - text.s);

    if (left < 3 || s[0] != '(' || s[2] != ')' || s[1] < 'a' || s[1] > 'z') return -1;
    return s[1] - 'a';
}

static int begins_line(opro__piece text, const char *s) {
    while (s > text.s && (s[-1] == ' ' || s[-1] == '\t'))
        s--;
    return s == text.s || s[-1] == '\n';
}

/* Texts are compared without a full stop at the end. */
static opro__piece trim_option(opro__piece text) {
    text = opro__strict_trim(text);
    while (text.len && text.s[text.len - 1] == '.')
        text.len--;
    return opro__strict_trim(text);
}

/* "(A)", "(B)", ... in capitals, one after the other: a new "(A)" begins a new list. */
static void collect(opro__piece question, const char *written, int on_lines,
                    opro__options *options) {
    const char *begin = NULL;
    opro__piece rest = question;
    const char *at;

    options->n = 0;
    while ((at = opro__piece_find(rest, P("("))) != NULL) {
        const int letter = bracket_at(question, at);

        rest = opro__piece_from(question, at + 1);
        if (letter < 0 || written[at + 1 - question.s] == at[1]) continue;
        if (on_lines && !begins_line(question, at)) continue;
        if (letter != 0 && (size_t)letter != options->n) continue;
        if (options->n) options->text[options->n - 1] = (opro__piece){begin, (size_t)(at - begin)};
        options->n = (size_t)letter + 1;
        begin = at + 3;
    }
    if (options->n) options->text[options->n - 1] = opro__piece_from(question, begin);
    for (size_t i = 0; i < options->n; i++) {
        opro__piece text = options->text[i];

        text = opro__piece_until(text, opro__piece_find(text, P("\n")));
        options->text[i] = trim_option(text);
    }
}

void opro__options_read(opro__piece question, const char *written, opro__options *options) {
    collect(question, written, 1, options);
    if (options->n < 2) collect(question, written, 0, options);
    if (options->n < 2) options->n = 0;
}

/* Letters that can be chosen: all, where no options are known. */
static int may_be(const opro__options *options, int letter) {
    return letter >= 0 && (options->n == 0 || (size_t)letter < options->n);
}

/* ---- letters --------------------------------------------------------------------------------- */

/* A letter where it stands. */
typedef struct letter {
    int index;
    int bracketed; /* (a), [a], a): not a bare letter */
    const char *begin;
    const char *end;
} letter;

static const struct {
    opro__piece open;
    opro__piece close;
} brackets[] = {
    {I("("), I(")")},
    {I("["), I("]")},
    {I("{"), I("}")},
    {I("<"), I(">")},
    {I("\xef\xbc\x88"), I("\xef\xbc\x89")}, /* wide ones */
};

static int starts(const char *s, const char *end, opro__piece what) {
    return (size_t)(end - s) >= what.len && memcmp(s, what.s, what.len) == 0;
}

static const char *skip_blanks(const char *s, const char *end) {
    while (s < end && *s == ' ')
        s++;
    return s;
}

/* "(a)", "( a )", "(a" at the end, ... */
static int bracketed_at(const char *s, const char *end, letter *found) {
    for (size_t i = 0; i < N_OF(brackets); i++) {
        const char *p = s;

        if (!starts(s, end, brackets[i].open)) continue;
        p = skip_blanks(s + brackets[i].open.len, end);
        if (p == end || *p < 'a' || *p > 'z') return 0;
        *found = (letter){.index = *p - 'a', .bracketed = 1, .begin = s};
        p = skip_blanks(p + 1, end);
        if (p < end && !starts(p, end, brackets[i].close)) return 0;
        found->end = p < end ? p + brackets[i].close.len : p;
        return 1;
    }
    return 0;
}

/* "a", "a)", "a." as a word of its own. */
static int bare_at(const char *s, const char *end, letter *found) {
    if (s == end || *s < 'a' || *s > 'z') return 0;
    if (s + 1 < end && (opro__is_word(s[1]) || s[1] == '\'' || (unsigned char)s[1] == 0xe2))
        return 0;
    *found = (letter){.index = *s - 'a', .begin = s, .end = s + 1};
    if (found->end < end && *found->end == ')') {
        found->bracketed = 1;
        found->end++;
    }
    return 1;
}

/* ---- texts of options ------------------------------------------------------------------------ */

/* The only option that has exactly this text; -1. */
static int option_same(const opro__options *options, opro__piece text) {
    int found = -1;

    text = trim_option(text);
    for (size_t i = 0; i < options->n; i++) {
        if (!opro__piece_same(options->text[i], text) || text.len == 0) continue;
        if (found >= 0) return -1;
        found = (int)i;
    }
    return found;
}

/* The option whose text occurs in words; one that is part of another one's does not count. */
static int option_in(const opro__options *options, opro__piece text) {
    int found = -1;

    for (size_t i = 0; i < options->n; i++) {
        if (!opro__word_find(text, options->text[i])) continue;
        if (found >= 0 && opro__piece_find(options->text[found], options->text[i])) continue;
        if (found >= 0 && !opro__piece_find(options->text[i], options->text[found])) return -1;
        found = (int)i;
    }
    return found;
}

int opro__choice_wanted(opro__piece text, const opro__options *options) {
    const char *end = text.s + text.len;
    letter found;

    if ((bracketed_at(text.s, end, &found) || bare_at(text.s, end, &found)) && found.end == end)
        return found.index;
    return option_same(options, text);
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* Past "option", "choice", "letter", marks. */
static const char *skip_label(opro__piece text) {
    static const opro__piece labels[] = {I("option "), I("choice "), I("letter "), I("answer "),
                                         I("\\text{")};
    const char *end = text.s + text.len, *s;

    text = opro__strict_trim(text);
    s = text.s;
    while (s < end && strchr(":-#=$ \n*", *s) && *s)
        s++;
    for (size_t i = 0; i < N_OF(labels); i++)
        if (starts(s, end, labels[i])) s += labels[i].len;
    while (s < end && strchr(":$ *", *s) && *s)
        s++;
    return s;
}

/* What follows the letter is the text of its option, or nothing that makes it a word. */
static int stands_alone(const opro__options *options, opro__piece text, const letter *found) {
    const char *end = text.s + text.len;
    opro__piece rest = opro__piece_from(text, found->end);

    if (found->bracketed || found->end == end || *found->end != ' ') return 1;
    if (found->index != 0 && found->index != 'i' - 'a') return 1; /* "a" and "I" are words */
    rest = opro__strict_trim(opro__piece_until(rest, opro__piece_find(rest, P("\n"))));
    if (rest.len == 0 || !opro__is_word(rest.s[0])) return 1;
    return (size_t)found->index < options->n && starts(rest.s, end, options->text[found->index]) &&
           options->text[found->index].len > 0;
}

static int followed(opro__piece text, const char *s, const opro__piece *phrases, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (starts(s, text.s + text.len, phrases[i])) return 1;
    return 0;
}

/* "(a) is wrong": not the choice. */
static int is_denied(opro__piece text, const letter *found) {
    static const opro__piece phrases[] = {I(" is wrong"), I(" is incorrect"), I(" is not"),
                                          I(" is false"), I(" is out")};

    return followed(text, found->end, phrases, N_OF(phrases));
}

/* "(a) or (b)", "(a), (b)": not the only one. */
static int goes_on(opro__piece text, const letter *found) {
    static const opro__piece joins[] = {I(" or "), I(" and ("), I("/"), I(", (")};

    return followed(text, found->end, joins, N_OF(joins));
}

/* A letter that the text begins with. */
static int leading(const opro__options *options, opro__piece text, letter *found) {
    const char *s = skip_label(text), *end = text.s + text.len;

    if (!bracketed_at(s, end, found) && !bare_at(s, end, found)) return 0;
    return may_be(options, found->index) && stands_alone(options, text, found) &&
           !is_denied(text, found) && !goes_on(text, found);
}

static int preceded(opro__piece text, const char *s, opro__piece word) {
    return (size_t)(s - text.s) >= word.len && memcmp(s - word.len, word.s, word.len) == 0;
}

/* "I choose (a) because (b) is wrong." */
static int is_chosen(opro__piece text, const char *s) {
    static const opro__piece verbs[] = {I("choose "),   I("chose "),  I("pick "), I("select "),
                                        I("conclude "), I("it is "),  I("it's "), I("is option "),
                                        I("must be "),  I("go with ")};

    for (size_t i = 0; i < N_OF(verbs); i++)
        if (preceded(text, s, verbs[i])) return 1;
    return 0;
}

/* Joined with the letter before by "and", "or" or a comma. */
static int is_joined(const letter *before, const letter *found) {
    const opro__piece between = {before->end, (size_t)(found->begin - before->end)};

    return opro__piece_same(between, P(" and ")) || opro__piece_same(between, P(" or ")) ||
           opro__piece_same(between, P("/")) || opro__piece_same(between, P(", "));
}

/* The last letter in brackets; one that is said to be chosen counts more. */
static int last_letter(const opro__options *options, opro__piece text, letter *choice) {
    const char *s = text.s, *end = text.s + text.len;
    letter before = {.end = NULL}, found;
    int chosen = 0, any = 0;

    while (s < end) {
        if (!bracketed_at(s, end, &found) || !may_be(options, found.index) || found.end == s) {
            s++;
            continue;
        }
        s = found.end;
        if (is_denied(text, &found)) continue;
        if (preceded(text, found.begin, P("not "))) continue;
        if (before.end && is_joined(&before, &found) && before.index != found.index) {
            any = 0;
            before = found;
            continue;
        }
        before = found;
        if (chosen && !is_chosen(text, found.begin)) continue;
        chosen = is_chosen(text, found.begin);
        *choice = found;
        any = 1;
    }
    return any;
}

static int take(opro__answer *answer, int index, const char *rule) {
    answer->index = index;
    answer->rule = rule;
    return 1;
}

static opro__piece last_line(opro__piece text) {
    const char *at;

    text = opro__strict_trim(text);
    at = opro__piece_find_last(text, P("\n"));
    return at ? opro__piece_from(text, at + 1) : text;
}

/* In the place that a marker shows. */
static int in_span(const opro__strict *strict, const opro__options *options, opro__answer *answer) {
    opro__piece line = strict->span;
    int index;
    letter found;

    index = option_same(options, line);
    if (index >= 0) return take(answer, index, NULL);
    if (strict->before) {
        if (last_letter(options, line, &found)) return take(answer, found.index, NULL);
        if (leading(options, line, &found)) return take(answer, found.index, NULL);
    } else {
        if (leading(options, line, &found)) return take(answer, found.index, NULL);
        line = opro__piece_until(line, opro__piece_find(line, P("\n")));
        index = option_same(options, line);
        if (index >= 0) return take(answer, index, NULL);
        if (last_letter(options, line, &found)) return take(answer, found.index, NULL);
    }
    index = option_in(options, line);
    return index >= 0 && take(answer, index, NULL);
}

int opro__choice_read(const opro__strict *strict, const opro__options *options,
                      opro__answer *answer) {
    int index;
    letter found;

    if (strict->marker && in_span(strict, options, answer)) return 1;
    index = option_same(options, strict->text);
    if (index >= 0) return take(answer, index, "text of the option");
    if (leading(options, strict->text, &found)) return take(answer, found.index, "first letter");
    if (last_letter(options, strict->text, &found)) return take(answer, found.index, "last letter");
    index = option_same(options, last_line(strict->text));
    if (index < 0) index = option_in(options, last_line(strict->text));
    if (index < 0) index = option_in(options, strict->text);
    return index >= 0 && take(answer, index, "contains the text of the option");
}
