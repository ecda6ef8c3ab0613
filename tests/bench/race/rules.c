/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/race.h"

#define MOST 1000 /* training instances */

void ranking_add(ranking *r, size_t number, double score) {
    size_t at = r->n;

    while (at > 0 && score > r->scores[at - 1])
        at--;
    if (at == SHOWN) return;
    if (r->n < SHOWN) r->n++;
    memmove(r->numbers + at + 1, r->numbers + at, (r->n - at - 1) * sizeof *r->numbers);
    memmove(r->scores + at + 1, r->scores + at, (r->n - at - 1) * sizeof *r->scores);
    r->numbers[at] = number;
    r->scores[at] = score;
}

/* ---- all, or a part that is the same for everybody ------------------------------------------- */

/* Instances have no order, so the first are as good as any. */
static outcome score_first(const world *w, size_t number, size_t n) {
    size_t right = 0;

    for (size_t i = 0; i < n; i++)
        right += w->candidates[number].solved[i];
    return (outcome){.calls = n, .whole = 1, .score = (double)right / (double)n};
}

static outcome score_full(const world *w, size_t number, size_t mother, const ranking *best) {
    (void)mother, (void)best;
    return score_first(w, number, w->n_train);
}

static outcome score_half(const world *w, size_t number, size_t mother, const ranking *best) {
    (void)mother, (void)best;
    return score_first(w, number, w->n_train / 2);
}

static outcome score_quarter(const world *w, size_t number, size_t mother, const ranking *best) {
    (void)mother, (void)best;
    return score_first(w, number, (w->n_train + 2) / 4);
}

static outcome drop_unseen(size_t calls) {
    return (outcome){.calls = calls, .score = NAN};
}

/* ---- CAPO: paired t-tests against all who survived, after each block ------------------------- */

#define CAPO_BLOCK 30

/* 1 if a is better than b on n instances, one-sided at 0.2. */
static int t_test(const unsigned char *a, const unsigned char *b, const int64_t *order, size_t n) {
    const double z = 0.8416212;
    double df = (double)n - 1, critical = z + (z * z * z + z) / (4 * df); /* Cornish & Fisher */
    double sum = 0, squares = 0, mean, variance;

    for (size_t i = 0; i < n; i++) {
        int d = a[order[i]] - b[order[i]];

        sum += d;
        squares += d * d;
    }
    mean = sum / (double)n;
    variance = (squares - sum * mean) / df;
    return mean > critical * sqrt(variance / (double)n) && mean > 0;
}

/* Dropped when all of the pool of 20 are better. */
static outcome score_capo(const world *w, size_t number, size_t mother, const ranking *best) {
    int64_t order[MOST];

    (void)mother;
    opro__race_order(order, w->n_train, w->seed, number);
    for (size_t n = CAPO_BLOCK; n < w->n_train; n += CAPO_BLOCK) {
        size_t better = 0;

        while (better < best->n && t_test(w->candidates[best->numbers[better]].solved,
                                          w->candidates[number].solved, order, n))
            better++;
        if (better == SHOWN) return drop_unseen(n);
    }
    return score_first(w, number, w->n_train);
}

/* ---- GEPA: better than its parent on a few, else dropped ------------------------------------- */

static outcome score_gepa(const world *w, size_t number, size_t mother, size_t few) {
    const unsigned char *child = w->candidates[number].solved;
    const unsigned char *parent = w->candidates[mother].solved;
    int64_t order[MOST];
    int ahead = 0;

    if (!number) return score_first(w, number, w->n_train);
    opro__race_order(order, w->n_train, w->seed, number);
    for (size_t i = 0; i < few; i++)
        ahead += child[order[i]] - parent[order[i]];
    return ahead > 0 ? score_first(w, number, w->n_train) : drop_unseen(few);
}

static outcome score_gepa_3(const world *w, size_t number, size_t mother, const ranking *best) {
    (void)best;
    return score_gepa(w, number, mother, 3);
}

static outcome score_gepa_10(const world *w, size_t number, size_t mother, const ranking *best) {
    (void)best;
    return score_gepa(w, number, mother, 10);
}

/* ---- the library's race ---------------------------------------------------------------------- */

static outcome score_race(const world *w, size_t number, const ranking *best, int preset) {
    opro__race_rules race_rules = opro__race_rules_of(preset, w->n_train);
    opro__race_range range = {.low = 0, .high = 1, .binary = 1};
    const unsigned char *solved = w->candidates[number].solved, *other;
    double reference[MOST];
    int64_t order[MOST];
    size_t taken = 0;
    opro__race race;

    if (!best->n) return score_first(w, number, w->n_train);
    other = w->candidates[best->numbers[opro__race_reference(&race_rules, best->n)]].solved;
    for (size_t i = 0; i < w->n_train; i++)
        reference[i] = other[i];
    opro__race_order(order, w->n_train, w->seed, number);
    if (!opro__race_begin(&race, &race_rules, range, reference, w->n_train)) abort();
    while (opro__race_verdict(&race) == OPRO__RACE_ON)
        for (size_t k = opro__race_next(&race); k > 0; k--, taken++)
            opro__race_take(&race, (size_t)order[taken], solved[order[taken]]);
    return (outcome){.calls = taken,
                     .whole = opro__race_verdict(&race) == OPRO__RACE_WHOLE,
                     .score = opro__race_estimate(&race)};
}

static outcome score_recommended(const world *w, size_t number, size_t mother,
                                 const ranking *best) {
    (void)mother;
    return score_race(w, number, best, OPRO__RACE_RECOMMENDED);
}

static outcome score_cautious(const world *w, size_t number, size_t mother, const ranking *best) {
    (void)mother;
    return score_race(w, number, best, OPRO__RACE_CAUTIOUS);
}

static outcome score_exact(const world *w, size_t number, size_t mother, const ranking *best) {
    (void)mother;
    return score_race(w, number, best, OPRO__RACE_EXACT);
}

const rule rules[RULES] = {
    {"full scoring", score_full},
    {"fixed half", score_half},
    {"fixed quarter", score_quarter},
    {"CAPO: t-tests, blocks of 30", score_capo},
    {"GEPA: minibatch of 3", score_gepa_3},
    {"GEPA: minibatch of 10", score_gepa_10},
    {"race, recommended", score_recommended},
    {"race, cautious", score_cautious},
    {"race, exact", score_exact},
};
