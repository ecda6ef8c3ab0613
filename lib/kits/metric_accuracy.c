/* SPDX-License-Identifier: MIT */
/* What the published program calls right. */
#include <string.h>

#include "metric_reference.h"

#define P OPRO__PIECE
#define I OPRO__PIECE_INIT

#define LETTERS 26

/* The options of a question, as the program splits it. */
typedef struct options {
    opro__piece text[LETTERS]; /* pieces behind "(A)" ... "(Z)" and "A:", by their order        */
    size_t n;                  /* how many there are, at most LETTERS                           */
    size_t run;                /* "(A)", "(B)", ... up to the run-th letter occur in the prompt */
} options;

typedef struct judgement {
    opro__piece truth;
    opro__piece guess;
    int choice;          /* multiple choice          */
    options options;     /* of it                    */
    size_t right_option; /* the index of its answer  */
} judgement;

static opro__piece piece_of(const opro__buf *buf, size_t from) {
    return (opro__piece){opro__buf_text(buf) + from, buf->len - from};
}

static int occurs(opro__piece what, opro__piece text) {
    return opro__piece_find(text, what) != NULL;
}

/* ---- letters --------------------------------------------------------------------------------- */

/* "" and runs as "no" are in the alphabet, too. */
static int in_alphabet(opro__piece text) {
    return occurs(text, P("abcdefghijklmnopqrstuvwxyz"));
}

static int is_bracketed(opro__piece text) {
    return text.len == 3 && text.s[0] == '(' && text.s[2] == ')' && text.s[1] >= 'a' &&
           text.s[1] <= 'z';
}

static opro__piece without_brackets(opro__piece text) {
    return is_bracketed(text) ? (opro__piece){text.s + 1, 1} : text;
}

/* ---- options --------------------------------------------------------------------------------- */

/* The marks that the prompt is split at: their length, or 0. */
static size_t mark_at(opro__piece text, size_t i) {
    const char *s = text.s + i;
    size_t left = text.len - i;

    if (left > 2 && s[0] == '(' && s[1] >= 'A' && s[1] <= 'Z' && s[2] == ')') return 3;
    return left > 1 && s[0] == 'A' && s[1] == ':' ? 2 : 0;
}

static void add_option(opro__buf *buf, opro__piece text, size_t ends[LETTERS], size_t *n) {
    opro__piece low;
    size_t begin = buf->len;

    if (*n == LETTERS) return;
    opro__letters_lower(buf, opro__piece_strip(text), NULL);
    low = piece_of(buf, begin);
    low = opro__piece_until(low, opro__piece_find(low, P("\n")));
    opro__buf_cut(buf, begin + low.len);
    ends[(*n)++] = buf->len;
}

static void split_options(opro__buf *buf, opro__piece prompt, options *all) {
    size_t ends[LETTERS] = {0}, n = 0, begin = 0, mark;
    uint32_t letters = 0;
    int first = 1;

    for (size_t i = 0; i < prompt.len; i += mark ? mark : 1) {
        mark = mark_at(prompt, i);
        if (!mark) continue;
        if (mark == 3) letters |= (uint32_t)1 << (prompt.s[i + 1] - 'A');
        if (!first) add_option(buf, (opro__piece){prompt.s + begin, i - begin}, ends, &n);
        first = 0;
        begin = i + mark;
    }
    if (!first) add_option(buf, (opro__piece){prompt.s + begin, prompt.len - begin}, ends, &n);
    for (size_t i = 0; i < n && buf->status == OPRO_OK; i++) {
        size_t at = i ? ends[i - 1] : 0;

        all->text[i] = (opro__piece){opro__buf_text(buf) + at, ends[i] - at};
    }
    all->n = n;
    for (all->run = 0; all->run < LETTERS && letters >> all->run & 1;)
        all->run++;
}

/* ---- the rules ------------------------------------------------------------------------------- */

static int same_bare(opro__reference *ref, opro__piece a, opro__piece b) {
    opro__piece bare_a, bare_b;
    size_t middle;

    opro__buf_clear(&ref->bare);
    opro__reference_bare(&ref->bare, a);
    middle = ref->bare.len;
    opro__reference_bare(&ref->bare, b);
    if (ref->bare.status != OPRO_OK) return 0;
    bare_a = opro__piece_strip((opro__piece){opro__buf_text(&ref->bare), middle});
    bare_b = opro__piece_strip(piece_of(&ref->bare, middle));
    return opro__piece_same(bare_a, bare_b);
}

/* Without punctuation, but for ! ? and . whose places are marked. */
static opro__piece with_marks(opro__buf *out, opro__piece text) {
    opro__buf_clear(out);
    for (size_t i = 0; i < text.len; i++) {
        if (text.s[i] == '!')
            opro__buf_addz(out, "<EXCLAMATION>");
        else if (text.s[i] == '?')
            opro__buf_addz(out, "<QUESTION>");
        else if (text.s[i] == '.')
            opro__buf_addz(out, "<PERIOD>");
        else
            opro__reference_bare(out, (opro__piece){text.s + i, 1});
    }
    return opro__piece_strip(piece_of(out, 0));
}

static int is_option_text(opro__reference *ref, const judgement *j) {
    opro__piece right = j->options.text[j->right_option];

    if (opro__piece_same(j->guess, right)) return 1;
    /* marks are in capitals, and what is left of it is no longer than the text with them */
    if (j->guess.len < right.len) return 0;
    return opro__piece_same(with_marks(&ref->bare, j->guess), right);
}

static int another_option_in(const judgement *j, opro__piece text) {
    for (size_t i = 0; i < j->options.run; i++)
        if (i != j->right_option && occurs(j->options.text[i], text)) return 1;
    return 0;
}

static int has_option_text(opro__reference *ref, const judgement *j) {
    opro__piece right = j->options.text[j->right_option], rest = j->guess;
    const char *at;

    if (!occurs(right, j->guess)) return 0;
    for (size_t i = 0; i < j->options.run; i++)
        if (i != j->right_option && occurs(right, j->options.text[i]))
            return !another_option_in(j, j->guess);
    if (right.len == 0) return !another_option_in(j, j->guess);
    opro__buf_clear(&ref->bare);
    while ((at = opro__piece_find(rest, right)) != NULL) {
        opro__buf_add(&ref->bare, rest.s, (size_t)(at - rest.s));
        rest = opro__piece_from(rest, at + right.len);
    }
    opro__buf_add(&ref->bare, rest.s, rest.len);
    return !another_option_in(j, piece_of(&ref->bare, 0));
}

/* Yes, true and valid are one, and so are their opposites. */
static int same_truth(const judgement *j) {
    static const opro__piece symbols[] = {I("false"), I("true"),    I("no"),
                                          I("yes"),   I("invalid"), I("valid")};
    opro__piece guess = j->guess;

    if (opro__piece_same(guess, P("0"))) guess = P("false");
    if (opro__piece_same(guess, P("1"))) guess = P("true");
    guess = opro__piece_strip(guess);
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (opro__piece_same(j->truth, symbols[i])) return opro__piece_same(guess, symbols[i % 2]);
    return 0;
}

static const char *rule_for(opro__reference *ref, const judgement *j, int contains) {
    if (opro__piece_same(j->truth, j->guess)) return "exact";
    if (same_bare(ref, j->truth, j->guess)) return "exact but for punctuation";
    if (j->choice && is_option_text(ref, j)) return "text of the option";
    if (j->choice && has_option_text(ref, j)) return "contains the text of the option";
    if (same_truth(j)) return "truth value";
    return contains ? "contains" : NULL;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static opro__piece lower_into(opro__buf *buf, opro__piece text) {
    opro__buf_clear(buf);
    opro__letters_lower(buf, text, NULL);
    return piece_of(buf, 0);
}

/* text is all of buf. */
static opro__piece wrapped(opro__buf *buf, opro__piece text) {
    char copy[32];
    size_t at = buf->len;

    if (!in_alphabet(text)) return text;
    copy[0] = '(';
    memcpy(copy + 1, text.s, text.len);
    copy[text.len + 1] = ')';
    opro__buf_add(buf, copy, text.len + 2);
    return piece_of(buf, buf->status == OPRO_OK ? at : 0);
}

static opro_status status_of(const opro__reference *ref, opro_error *err) {
    opro_status st = ref->truth.status;

    if (st == OPRO_OK) st = ref->guess.status;
    if (st == OPRO_OK) st = ref->options.status;
    if (st == OPRO_OK) st = ref->bare.status;
    if (st == OPRO_OK) return st;
    return opro__fail(err, st, st == OPRO_ERR_NOMEM ? "out of memory" : "a text is too long");
}

/* The options, and which of them is right. 0: the answer is no letter, nothing is right then. */
static int read_choice(opro__reference *ref, opro__piece question, judgement *j) {
    j->truth = wrapped(&ref->truth, j->truth);
    j->guess = wrapped(&ref->guess, j->guess);
    if (!is_bracketed(j->truth)) return 0;
    j->right_option = (size_t)(j->truth.s[1] - 'a');
    split_options(&ref->options, question, &j->options);
    return 1;
}

opro_status opro__reference_accuracy(opro__reference *ref, opro__piece truth, opro__piece guess,
                                     opro__piece question, int include, int *right,
                                     const char **rule, opro_error *err) {
    judgement j = {.choice = question.len > 0};
    const char *found = NULL;
    int contains, letter = 1;
    opro_status st;

    opro__buf_clear(&ref->options);
    opro__buf_clear(&ref->bare);
    j.truth = lower_into(&ref->truth, truth);
    j.guess = lower_into(&ref->guess, guess);
    contains = include && occurs(j.truth, j.guess);
    if (j.choice) letter = read_choice(ref, question, &j);
    st = status_of(ref, err);
    if (st != OPRO_OK) return st;
    if (j.choice && letter && j.right_option >= j.options.n)
        return opro__fail(err, OPRO_ERR_FAILED,
                          "no verdict: the question has %zu options and the answer is \"%c\", "
                          "where the published program crashes",
                          j.options.n, 'A' + (int)j.right_option);
    j.truth = without_brackets(j.truth);
    j.guess = without_brackets(j.guess);
    if (letter) found = rule_for(ref, &j, contains);
    st = status_of(ref, err);
    if (st != OPRO_OK) return st;
    *right = found != NULL;
    *rule = found ? found : "none";
    return OPRO_OK;
}
