/* SPDX-License-Identifier: MIT */
/* Looking at a trajectory: public functions that change nothing. */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "opro/problem.h"
#include "problem.h"
#include "trajectory.h"

/* ---- all of it ------------------------------------------------------------------------------- */

int64_t opro_trajectory_count(const opro_trajectory *t) {
    return t->count;
}

int64_t opro_trajectory_scored(const opro_trajectory *t) {
    return t->scored;
}

int32_t opro_trajectory_direction(const opro_trajectory *t) {
    return t->direction;
}

int64_t opro_trajectory_best(const opro_trajectory *t) {
    return t->best;
}

int64_t opro_trajectory_best_validated(const opro_trajectory *t) {
    return t->best_validated;
}

/* ---- the best ------------------------------------------------------------------------------- */

/* One that there is: opro__trajectory_at() is for numbers from outside. */
static const opro__candidate *by_number(const opro_trajectory *t, int64_t number) {
    return opro__trajectory_met(t, t->order[number]);
}

/* Is a shown before b: better, or as good and later? Both are scored. */
static int ranks_before(const opro_trajectory *t, int64_t a, int64_t b) {
    double x = by_number(t, a)->score, y = by_number(t, b)->score;

    return x != y ? opro__better(t->direction, x, y) : a > b;
}

/* A heap whose first is shown last of all: number sinks in from there. */
static void sink_in(const opro_trajectory *t, int64_t *heap, size_t n, int64_t number) {
    size_t at = 0;

    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && ranks_before(t, heap[child], heap[child + 1])) child++;
        if (!ranks_before(t, number, heap[child])) break;
        heap[at] = heap[child];
    }
    heap[at] = number;
}

static void rise_in(const opro_trajectory *t, int64_t *heap, size_t n, int64_t number) {
    size_t at = n;

    for (size_t parent; at && ranks_before(t, heap[parent = (at - 1) / 2], number); at = parent)
        heap[at] = heap[parent];
    heap[at] = number;
}

/* More than is kept in order: the best n in a heap, which is the caller's array, then sorted. */
static size_t sort_top(const opro_trajectory *t, int64_t *numbers, size_t n) {
    size_t count = 0;

    for (int64_t i = 0; i < t->count; i++) {
        if (by_number(t, i)->verdict != OPRO_VERDICT_SCORED) continue;
        if (count < n)
            rise_in(t, numbers, count++, i);
        else if (ranks_before(t, i, numbers[0]))
            sink_in(t, numbers, n, i);
    }
    for (size_t left = count; left > 1; left--) {
        int64_t last = numbers[0];

        sink_in(t, numbers, left - 1, numbers[left - 1]);
        numbers[left - 1] = last;
    }
    return count;
}

size_t opro_trajectory_top(const opro_trajectory *t, int64_t *numbers, size_t n) {
    if (n > t->n_top && t->n_top < (size_t)t->scored) return sort_top(t, numbers, n);
    if (n > t->n_top) n = t->n_top;
    for (size_t i = 0; i < n; i++)
        numbers[i] = t->top[i].number;
    return n;
}

/* ---- one candidate --------------------------------------------------------------------------- */

int64_t opro_trajectory_find(const opro_trajectory *t, const char *text, size_t len) {
    const opro__candidate *c;

    if (!opro__arg(&text, &len)) return -1;
    c = opro__trajectory_lookup(t, text, len);
    return c && c->number < t->count ? (int64_t)c->number : -1; /* a pending one has none */
}

const char *opro_trajectory_text(const opro_trajectory *t, int64_t number, size_t *len) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    if (len) *len = c ? c->len : 0;
    return c ? c->text : NULL;
}

double opro_trajectory_score(const opro_trajectory *t, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    return c ? c->score : NAN;
}

double opro_trajectory_validation(const opro_trajectory *t, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    return c ? c->validation : NAN;
}

int32_t opro_trajectory_verdict(const opro_trajectory *t, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    return c ? c->verdict : 0;
}

int32_t opro_trajectory_reason(const opro_trajectory *t, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    return c ? c->reason : 0;
}

int32_t opro_trajectory_flags(const opro_trajectory *t, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    return c ? c->flags : 0;
}

int32_t opro_trajectory_origin(const opro_trajectory *t, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    return c ? c->origin : 0;
}

int64_t opro_trajectory_step(const opro_trajectory *t, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    return c ? c->step : 0;
}

int64_t opro_trajectory_sample(const opro_trajectory *t, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    return c ? c->sample : 0;
}

int64_t opro_trajectory_proposals(const opro_trajectory *t, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(t, number);

    return c ? c->proposals : 0;
}

const char *opro_trajectory_detail(const opro_trajectory *t, int64_t number, size_t *len) {
    const opro__candidate *c = opro__trajectory_at(t, number);
    int has = c && c->extra && c->extra->detail;

    if (len) *len = has ? c->extra->detail_len : 0;
    return has ? c->extra->detail : c ? "" : NULL;
}

const char *opro_trajectory_feedback(const opro_trajectory *t, int64_t number, size_t *len) {
    const opro__candidate *c = opro__trajectory_at(t, number);
    int has = c && c->extra && c->extra->feedback;

    if (len) *len = has ? c->extra->feedback_len : 0;
    return has ? c->extra->feedback : c ? "" : NULL;
}

size_t opro_trajectory_scores(const opro_trajectory *t, int64_t number, int32_t set, double *scores,
                              size_t n) {
    const opro__candidate *c = opro__trajectory_at(t, number);
    const double *known;
    size_t have;

    if (!c || (set != OPRO_TRAIN && set != OPRO_VALIDATION)) return 0;
    known = opro__candidate_known(c, set == OPRO_VALIDATION, &have);
    if (scores && have) memcpy(scores, known, (n < have ? n : have) * sizeof *scores);
    return have;
}

/* ---- figures of steps ------------------------------------------------------------------------ */

int64_t opro_trajectory_steps(const opro_trajectory *t) {
    return t->steps;
}

static double figure(const opro__figures *f, int32_t which) {
    switch (which) {
    case OPRO_FIGURE_PROPOSALS: return (double)f->proposals;
    case OPRO_FIGURE_SCORED: return (double)f->scored;
    case OPRO_FIGURE_REJECTED: return (double)f->rejected;
    case OPRO_FIGURE_DUPLICATES: return (double)f->duplicates;
    case OPRO_FIGURE_FAILED: return (double)f->failed;
    case OPRO_FIGURE_BEST: return f->best;
    case OPRO_FIGURE_MEAN: return f->scored ? f->mean : NAN;
    case OPRO_FIGURE_DEVIATION: return f->scored ? sqrt(f->m2 / (double)f->scored) : NAN;
    case OPRO_FIGURE_BEST_SO_FAR: return f->best_so_far;
    case OPRO_FIGURE_TEMPERATURE: return f->temperature;
    case OPRO_FIGURE_PROMPT_TOKENS: return (double)f->prompt_tokens;
    case OPRO_FIGURE_REPLY_TOKENS: return (double)f->reply_tokens;
    case OPRO_FIGURE_COST: return (double)f->cost;
    case OPRO_FIGURE_SCORER_CALLS: return (double)f->scorer_calls;
    default: return NAN;
    }
}

double opro_trajectory_figure(const opro_trajectory *t, int64_t step, int32_t which) {
    size_t low = 0, high = t->n_figures;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (t->figures[middle].step < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->n_figures && t->figures[low].step == step ? figure(&t->figures[low], which)
                                                              : NAN;
}

uint64_t opro_trajectory_hash(const opro_trajectory *t) {
    return opro__hash_add(t->digest, (uint64_t)t->count);
}
