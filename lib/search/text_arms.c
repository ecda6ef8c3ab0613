/* SPDX-License-Identifier: MIT */
/*
 * Texts without a language model: the sentences of the best texts are crossed, deleted, swapped
 * and inserted, with a few phrases to begin from. After the edit operations of GrIPS (arXiv
 * 2203.07281) and one-point crossover.
 */
#include <string.h>

#include "arms.h"
#include "base/ascii.h"
#include "base/utf8.h"
#include "opro/optimizer.h"

#define TOP    20 /* texts that are recombined */
#define PIECES 64 /* of one text               */

enum { ARM_CROSSOVER, ARM_DELETE, ARM_SWAP, ARM_INSERT, ARMS };

/* A sentence, or a clause of a text that is one sentence. */
typedef struct piece {
    const char *s;
    size_t len;
} piece;

typedef struct parts {
    piece piece[2 * PIECES];
    size_t n;
} parts;

/* Numbers, not pointers: a trajectory may go, and another one come to the same place. */
typedef struct parent {
    int64_t number;
    double badness;
} parent;

typedef struct texts {
    const opro__options *options;
    const opro_trajectory *trajectory; /* of the batch */
    parent top[TOP];                   /* best first   */
    size_t n;
    int fresh;
} texts;

static const char *const phrases[] = {
    "Work step by step.",
    "Read the whole question first.",
    "State what is known.",
    "Say what is asked for.",
    "Break the problem into parts.",
    "Solve each part in turn.",
    "Check every step.",
    "Write down intermediate results.",
    "Be precise.",
    "Be brief.",
    "Explain your reasoning.",
    "Look for what is easily missed.",
    "Consider each option before you choose.",
    "Rule out what cannot be right.",
    "Use only what is given.",
    "Watch units and signs.",
    "Compare the result with the question.",
    "If in doubt, start over.",
    "Give one final answer.",
    "Put the answer last.",
};
#define PHRASES (sizeof phrases / sizeof *phrases)

/* ---- what is known --------------------------------------------------------------------------- */

static void free_texts(void *state, opro__mem *mem) {
    opro__free(mem, state);
}

static void restart(void *state) {
    ((texts *)state)->n = 0;
}

static opro_status learn(void *state, const opro__candidate *c, double badness, size_t arm) {
    texts *t = state;
    size_t at = t->n;

    (void)arm;
    while (at > 0 && badness < t->top[at - 1].badness)
        at--;
    if (at == TOP) return OPRO_OK;
    if (t->n < TOP) t->n++;
    memmove(t->top + at + 1, t->top + at, (t->n - 1 - at) * sizeof *t->top);
    t->top[at] = (parent){c->number, badness};
    return OPRO_OK;
}

static opro_status begin(void *state, const opro_trajectory *trajectory, int fresh) {
    texts *t = state;

    t->trajectory = trajectory;
    t->fresh = fresh;
    return OPRO_OK;
}

static unsigned usable(const void *state) {
    const texts *t = state;

    return t->n == 0 || t->fresh ? 0 : (1u << ARMS) - 1;
}

static size_t sure(const void *state) {
    (void)state;
    return OPRO__NO_ARM;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * A sentence ends at a mark before a blank or the end, and at the end of a line; a clause also at
 * a comma.
 */
static int ends_here(const char *s, size_t len, size_t i, int clauses) {
    int last = i + 1 == len || is_blank(s[i + 1]);

    return s[i] == '\n' || (last && s[i] && strchr(clauses ? ".!?;:," : ".!?", s[i]));
}

static size_t split_at(const char *s, size_t len, int clauses, piece *out) {
    size_t n = 0, from = 0;

    for (size_t i = 0; i < len && n < PIECES; i++) {
        size_t to = i + 1;

        if (to < len && (!ends_here(s, len, i, clauses) || n + 1 == PIECES)) continue;
        while (from < to && is_blank(s[from]))
            from++;
        while (to > from && is_blank(s[to - 1]))
            to--;
        if (to > from) out[n++] = (piece){s + from, to - from};
        from = i + 1;
    }
    return n;
}

static size_t split(const opro__candidate *c, piece *out) {
    size_t n = split_at(c->text, c->len, 0, out);

    return n > 1 ? n : split_at(c->text, c->len, 1, out);
}

/* Good ones more often: the square of a uniform number favours small ranks. */
static const opro__candidate *draw_parent(const texts *t, opro__rng *rng) {
    double u = opro__rng_real(rng);

    return opro__trajectory_at(t->trajectory, t->top[(size_t)(u * u * (double)t->n)].number);
}

static size_t below(opro__rng *rng, size_t n) {
    return (size_t)opro__rng_below(rng, n);
}

static piece draw_phrase(opro__rng *rng) {
    const char *s = phrases[below(rng, PHRASES)];

    return (piece){s, strlen(s)};
}

/* ---- the operators --------------------------------------------------------------------------- */

static void cross(const texts *t, opro__rng *rng, parts *p) {
    piece other[PIECES];
    size_t n = split(draw_parent(t, rng), other);
    size_t keep = below(rng, p->n + 1), from = below(rng, n + 1);

    p->n = keep;
    while (from < n)
        p->piece[p->n++] = other[from++];
}

static void delete_one(opro__rng *rng, parts *p) {
    size_t at;

    if (p->n < 2) return;
    at = below(rng, p->n--);
    memmove(p->piece + at, p->piece + at + 1, (p->n - at) * sizeof *p->piece);
}

static void swap_two(opro__rng *rng, parts *p) {
    size_t a, b;
    piece kept;

    if (p->n < 2) return;
    a = below(rng, p->n);
    b = (a + 1 + below(rng, p->n - 1)) % p->n;
    kept = p->piece[a];
    p->piece[a] = p->piece[b];
    p->piece[b] = kept;
}

/* A sentence of another good text, or a phrase. */
static void insert_one(const texts *t, opro__rng *rng, parts *p) {
    piece other[PIECES];
    size_t n = split(draw_parent(t, rng), other);
    size_t at = below(rng, p->n + 1);
    piece fresh = n && below(rng, 2) ? other[below(rng, n)] : draw_phrase(rng);

    memmove(p->piece + at + 1, p->piece + at, (p->n - at) * sizeof *p->piece);
    p->piece[at] = fresh;
    p->n++;
}

/* Any scored text, good or not; NULL if there seems to be none. */
static const opro__candidate *draw_any(const texts *t, opro__rng *rng) {
    for (int i = 0; i < 8 && t->trajectory->count > 0; i++) {
        size_t number = below(rng, (size_t)t->trajectory->count);
        const opro__candidate *c = opro__trajectory_at(t->trajectory, (int64_t)number);

        if (c->verdict == OPRO_VERDICT_SCORED) return c;
    }
    return NULL;
}

/* What to begin from: sentences of any text, and phrases. */
static void random_text(const texts *t, opro__rng *rng, parts *p) {
    const opro__candidate *any = draw_any(t, rng);
    size_t phrases_wanted = any ? below(rng, 3) : 1 + below(rng, 3);
    piece pieces[PIECES];
    size_t n = any ? split(any, pieces) : 0;
    size_t from = n ? below(rng, n) : 0;

    while (from < n)
        p->piece[p->n++] = pieces[from++];
    while (phrases_wanted-- > 0)
        p->piece[p->n++] = draw_phrase(rng);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int has_digit(const piece *p) {
    for (size_t i = 0; i < p->len; i++)
        if (opro__is_digit(p->s[i])) return 1;
    return 0;
}

/* Joined by blanks; what the options forbid is left out. */
static void join(const texts *t, const parts *p, opro__buf *text) {
    size_t most = OPRO__SIZE(t->options, MAX_LENGTH), letters = 0, start = text->len;

    for (size_t i = 0; i < p->n; i++) {
        const piece *one = &p->piece[i];
        size_t more = opro__utf8_count(one->s, one->len) + (text->len > start);

        if (OPRO__INT(t->options, FORBID_DIGITS) && has_digit(one)) continue;
        if (most && letters + more > most) continue;
        if (text->len > start) opro__buf_addc(text, ' ');
        opro__buf_add(text, one->s, one->len);
        letters += more;
    }
}

/* A phrase, or as much of it as may be. */
static void add_phrase(const texts *t, opro__rng *rng, opro__buf *text) {
    size_t most = OPRO__SIZE(t->options, MAX_LENGTH);
    piece phrase = draw_phrase(rng);

    opro__buf_add(text, phrase.s, most && most < phrase.len ? most : phrase.len);
}

static opro_status propose(void *state, size_t arm, opro__rng *rng, opro__buf *text) {
    const texts *t = state;
    size_t start = text->len;
    parts p = {.n = 0};

    if (arm != ARMS) p.n = split(draw_parent(t, rng), p.piece);
    switch (arm) {
    case ARM_CROSSOVER: cross(t, rng, &p); break;
    case ARM_DELETE: delete_one(rng, &p); break;
    case ARM_SWAP: swap_two(rng, &p); break;
    case ARM_INSERT: insert_one(t, rng, &p); break;
    default: random_text(t, rng, &p); break;
    }
    join(t, &p, text);
    if (text->len == start) add_phrase(t, rng, text);
    return text->status;
}

static const opro__arms arms = {
    .n = ARMS,
    .origins = {OPRO_ORIGIN_LOCAL_CROSSOVER, OPRO_ORIGIN_LOCAL_DELETE, OPRO_ORIGIN_LOCAL_SWAP,
                OPRO_ORIGIN_LOCAL_INSERT, OPRO_ORIGIN_LOCAL_RANDOM},
    .free = free_texts,
    .reset = restart,
    .restart = restart,
    .learn = learn,
    .begin = begin,
    .usable = usable,
    .sure = sure,
    .propose = propose,
};

const opro__arms *opro__text_arms(const opro__options *options, opro__mem *mem, void **state) {
    texts *t = opro__calloc(mem, 1, sizeof *t);

    if (!t) return NULL;
    t->options = options;
    *state = t;
    return &arms;
}
