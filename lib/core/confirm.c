/* SPDX-License-Identifier: MIT */
#include "confirm.h"

#include <assert.h>
#include <math.h>

/* A stage: up to which quarter of the fresh instances, and how many are left after it. */
static const struct { size_t quarters, left; } stages[] = {{1, 6}, {2, 3}, {4, 1}};

#define STAGES ((int)(sizeof stages / sizeof *stages))

void opro__confirm_begin(opro__confirm *confirm, size_t n_train, size_t n_fresh, int minimize) {
    assert(n_train > 0);
    *confirm = (opro__confirm){.n_train = n_train, .n_fresh = n_fresh, .minimize = minimize};
}

int opro__confirm_enter(opro__confirm *confirm, int64_t number, double train_mean) {
    if (confirm->n_in == OPRO__CONFIRM_MOST) return 0;
    confirm->in[confirm->n_in++] =
        (opro__contender){.number = number, .train = train_mean * (double)confirm->n_train};
    confirm->begun = confirm->n_in;
    return 1;
}

/* Fresh instances that are scored when a stage is over: quarters rounded up, without overflow. */
static size_t quarters(size_t n, int stage) {
    size_t q = stages[stage].quarters;

    return n / 4 * q + (n % 4 * q + 3) / 4;
}

static size_t end_of(const opro__confirm *confirm, int stage) {
    return quarters(confirm->n_fresh, stage);
}

int64_t opro__confirm_most(size_t entered, size_t n_fresh) {
    size_t in = entered < OPRO__CONFIRM_MOST ? entered : OPRO__CONFIRM_MOST, scored = 0;
    int64_t most = 0;

    for (int stage = 0; stage < STAGES; stage++) {
        most += (int64_t)(in * (quarters(n_fresh, stage) - scored));
        scored = quarters(n_fresh, stage);
        if (in > stages[stage].left) in = stages[stage].left;
    }
    return most;
}

int opro__confirm_next(const opro__confirm *confirm, size_t *from, size_t *to) {
    if (confirm->stage == STAGES || !confirm->n_in || !confirm->n_fresh) return 0;
    *from = confirm->scored;
    *to = end_of(confirm, confirm->stage);
    return 1;
}

void opro__confirm_score(opro__confirm *confirm, size_t i, double sum) {
    assert(i < confirm->n_in);
    confirm->in[i].fresh += sum;
}

void opro__confirm_fail(opro__confirm *confirm, size_t i) {
    assert(i < confirm->n_in);
    confirm->in[i].failed = 1;
}

/* 1 if a is better than b. */
static int better(const opro__confirm *confirm, const opro__contender *a,
                  const opro__contender *b) {
    double x = a->train + a->fresh, y = b->train + b->fresh;

    if (a->failed != b->failed) return b->failed;
    return confirm->minimize ? x < y : x > y;
}

/* By insertion: who is equal keeps his place, so of equals the best in training comes first. */
static void sort(opro__confirm *confirm) {
    for (size_t i = 1; i < confirm->n_in; i++) {
        opro__contender c = confirm->in[i];
        size_t k = i;

        for (; k > 0 && better(confirm, &c, &confirm->in[k - 1]); k--)
            confirm->in[k] = confirm->in[k - 1];
        confirm->in[k] = c;
    }
}

void opro__confirm_cut(opro__confirm *confirm) {
    assert(confirm->stage < STAGES);
    sort(confirm);
    while (confirm->n_in && confirm->in[confirm->n_in - 1].failed)
        confirm->n_in--;
    confirm->scored = end_of(confirm, confirm->stage);
    do { /* with less than four fresh instances a stage may have none of its own */
        if (confirm->n_in > stages[confirm->stage].left)
            confirm->n_in = stages[confirm->stage].left;
        confirm->stage++;
    } while (confirm->stage < STAGES && end_of(confirm, confirm->stage) == confirm->scored);
}

const opro__contender *opro__confirm_winner(const opro__confirm *confirm) {
    return confirm->n_in ? &confirm->in[0] : NULL;
}

double opro__confirm_fresh(const opro__confirm *confirm, const opro__contender *contender) {
    return confirm->scored ? contender->fresh / (double)confirm->scored : NAN;
}

double opro__confirm_pooled(const opro__confirm *confirm, const opro__contender *contender) {
    return (contender->train + contender->fresh) / (double)(confirm->n_train + confirm->scored);
}
