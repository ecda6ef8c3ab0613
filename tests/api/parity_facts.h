/* SPDX-License-Identifier: MIT */
/*
 * What the published program sends, written down anew: prompts of the scorer, exemplars and the
 * list of earlier instructions in a meta-prompt. Nothing here asks the library.
 */
#ifndef TESTS_PARITY_FACTS_H
#define TESTS_PARITY_FACTS_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum place { BEFORE_Q, Q_BEGIN, Q_END, A_BEGIN, SYSTEM, PLACES } place;
typedef enum meta { CHAT, SQUARE, PRETRAINED, METAS } meta;

static const char *const place_names[] = {"before_q", "q_begin", "q_end", "a_begin", "system"};
static const char *const meta_names[] = {"chat", "square", "pretrained"};

typedef struct question {
    const char *text, *answer; /* as a model is given it, and what is wanted */
} question;

/* An instruction that is scored. */
typedef struct candidate {
    const char *text;
    int step;     /* -1: from the start */
    size_t right; /* so many of the questions are answered rightly with it */
} candidate;

/* ---- texts ----------------------------------------------------------------------------------- */

typedef struct string {
    char *s;
    size_t n;
} string;

/* Strings up to a NULL. */
static inline void string_add(string *t, ...) {
    const char *part;
    va_list args;

    va_start(args, t);
    while ((part = va_arg(args, const char *))) {
        t->s = realloc(t->s, t->n + strlen(part) + 1);
        strcpy(t->s + t->n, part);
        t->n += strlen(part);
    }
    va_end(args);
}

static inline void string_free(string *t) {
    free(t->s);
    *t = (string){NULL, 0};
}

/* ---- the scorer ------------------------------------------------------------------------------ */

/* Between messages, where there are two of them. */
#define MESSAGE "\x1e"

/* 1 where the published program takes position and marks together; system is ours. */
static inline int place_fits(place at, int marks) {
    return marks || (at != BEFORE_Q && at != A_BEGIN);
}

/* The user's message. */
static inline void add_asked(string *out, place at, int marks, const char *ins, const char *q) {
    if (!*ins || at == SYSTEM)
        string_add(out, marks ? "Q: " : "", q, marks ? "\n\nA:" : "", NULL);
    else if (at == BEFORE_Q)
        string_add(out, ins, "\nQ: ", q, "\n\nA:", NULL);
    else if (at == Q_BEGIN)
        string_add(out, marks ? "Q: " : "", ins, "\n", q, marks ? "\n\nA:" : "", NULL);
    else if (at == Q_END)
        string_add(out, marks ? "Q: " : "", q, "\n", ins, marks ? "\n\nA:" : "", NULL);
    else
        string_add(out, "Q: ", q, "\n\nA: ", ins, NULL);
}

/* All messages, each with its role. */
static inline void add_scorer_prompt(string *out, place at, int marks, const char *ins,
                                     const char *q) {
    if (at == SYSTEM && *ins) string_add(out, "system:", ins, MESSAGE, NULL);
    string_add(out, "user:", NULL);
    add_asked(out, at, marks, ins, q);
    string_add(out, MESSAGE, NULL);
}

/* ---- exemplars ------------------------------------------------------------------------------- */

/* With Q: and A:. */
static inline void add_marked(string *out, meta kind, place at, const char *mark, const char *q) {
    if (at != A_BEGIN || kind == SQUARE) string_add(out, "input:\n", NULL);
    switch (at) {
    case BEFORE_Q: string_add(out, mark, "\nQ: ", q, "\nA:", NULL); break;
    case Q_BEGIN: string_add(out, "Q: ", mark, "\n", q, "\nA:", NULL); break;
    case Q_END: string_add(out, "Q: ", q, "\n", mark, "\nA:", NULL); break;
    case A_BEGIN: string_add(out, "Q: ", q, "\nA: ", mark, NULL); break;
    default: string_add(out, "Q: ", q, "\nA:", NULL); break;
    }
}

static inline void add_plain(string *out, meta kind, place at, const char *mark, const char *q) {
    string_add(out, kind == CHAT ? "Problem:\n" : "input:\n", NULL);
    switch (at) {
    case Q_BEGIN: string_add(out, mark, "\n", q, "\n", NULL); break;
    case Q_END: string_add(out, q, "\n", mark, "\n", NULL); break;
    default: string_add(out, q, "\n", NULL); break;
    }
}

/*
 * What stands above the answer is our own wording in the kind chat. The position system is ours:
 * the message stands in front, under a heading.
 */
static inline void add_exemplar(string *out, meta kind, place at, int marks, question q) {
    const char *mark = kind == CHAT && at == A_BEGIN ? "<Start>" : "<INS>";

    if (at == SYSTEM)
        string_add(out, kind == CHAT ? "System message:\n" : "system message:\n", mark, "\n", NULL);
    if (marks)
        add_marked(out, kind, at, mark, q.text);
    else
        add_plain(out, kind, at, mark, q.text);
    string_add(out, kind == CHAT ? "\nExpected answer:\n" : "\noutput:\n", q.answer, NULL);
}

/* ---- the list of earlier instructions -------------------------------------------------------- */

typedef struct listing {
    meta kind;
    size_t most;      /* the last so many are shown */
    double threshold; /* and of these, none that is worse */
    int buckets;      /* 0: the score, rounded to 3 decimals */
} listing;

/* Halves to even. */
static inline int rounded(double x) {
    int below = (int)x;
    double rest = x - below;

    return below + (rest > 0.5 || (rest == 0.5 && below % 2));
}

static inline void add_score(string *out, double score, int buckets) {
    char s[32];
    int thousands = rounded(score * 1000);

    if (buckets)
        snprintf(s, sizeof s, "%d", rounded(score * buckets));
    else
        snprintf(s, sizeof s, "%d.%03d", thousands / 1000, thousands % 1000);
    string_add(out, s, NULL);
}

static inline void add_entry(string *out, const listing *l, const char *ins, double score) {
    if (l->kind == PRETRAINED) {
        string_add(out, "Precision: ", NULL);
        add_score(out, score, l->buckets);
        string_add(out, " <TEXT>", ins, "</TEXT>", NULL);
    } else {
        string_add(out, "text:\n", ins, "\nscore:\n", NULL);
        add_score(out, score, l->buckets);
    }
}

/* Those of steps before this one, of n questions each, ascending; equal ones as they came. */
static inline void add_listing(string *out, const listing *l, const candidate *all, size_t count,
                               int step, size_t n) {
    const candidate *sorted[256];
    size_t have = 0, from;
    const char *front = "";

    for (size_t right = 0; right <= n; right++)
        for (size_t i = 0; i < count; i++)
            if (all[i].step < step && all[i].right == right) sorted[have++] = &all[i];
    from = have > l->most ? have - l->most : 0;
    for (size_t i = from; i < have; i++) {
        double score = (double)sorted[i]->right / (double)n;

        if (score < l->threshold) continue;
        string_add(out, front, NULL);
        add_entry(out, l, sorted[i]->text, score);
        front = "\n\n";
    }
}

#endif
