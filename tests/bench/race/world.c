/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

const scenario scenarios[SCENARIOS] = {
    {"drift", .30, .35, .5, .10, .5}, {"tight", .15, .25, .8, .05, .5},
    {"indep", .30, .35, .0, .10, .5}, {"wild", .50, .50, .3, .25, .5},
    {"high", .30, .35, .5, .10, .8},
};

/* What random numbers are for: no purposes of the library's. */
enum { FOR_INSTANCES = 1000, FOR_PARENTS, FOR_LUCK };

static void *get(void *old, size_t n, size_t size) {
    void *p = realloc(old, n * size);

    if (p) return p;
    fputs("simulate: out of memory\n", stderr);
    exit(2);
}

/* ---- accuracy -------------------------------------------------------------------------------- */

#define LOWEST (-10.0)
#define CELLS  2000 /* a hundredth of ability each */

static double accuracies[CELLS + 1];

static double steepness_at(double z) {
    return exp(0.3 + 0.4 * z);
}

static double difficulty_at(double z) {
    return 1.5 * z;
}

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

/* The mean over steepness and difficulty, both by 25 points from -4 to 4 deviations. */
static double integrate(double ability) {
    double sum = 0, weights = 0;

    for (int i = -12; i <= 12; i++)
        for (int k = -12; k <= 12; k++) {
            double z = i / 3.0, y = k / 3.0, weight = exp(-(z * z + y * y) / 2);

            sum += weight * logistic(steepness_at(z) * (ability - difficulty_at(y)));
            weights += weight;
        }
    return sum / weights;
}

void world_prepare(void) {
    for (int i = 0; i <= CELLS; i++)
        accuracies[i] = integrate(LOWEST + i / 100.0);
}

double world_accuracy(const candidate *c) {
    double at = (c->ability - LOWEST) * 100;
    int i = at < 0 ? 0 : at >= CELLS ? CELLS - 1 : (int)at;

    return accuracies[i] + (at - i) * (accuracies[i + 1] - accuracies[i]);
}

static double ability_of(double accuracy) {
    int i = 0;

    while (accuracies[i + 1] < accuracy)
        i++;
    return LOWEST + (i + (accuracy - accuracies[i]) / (accuracies[i + 1] - accuracies[i])) / 100;
}

/* ---- candidates ------------------------------------------------------------------------------ */

static candidate *meet(world *w, double ability) {
    candidate *c;

    if (w->met == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 256;
        w->candidates = get(w->candidates, w->cap, sizeof *w->candidates);
    }
    c = &w->candidates[w->met++];
    *c = (candidate){.ability = ability};
    c->luck = get(NULL, w->n, sizeof *c->luck);
    c->solved = get(NULL, w->n, 1);
    return c;
}

static float fresh_luck(opro__rng *rng) {
    double u = (opro__rng_real(rng) + 0x1p-54);

    return (float)log(u / (1 - u));
}

static void answer(const world *w, candidate *c) {
    for (size_t i = 0; i < w->n; i++) {
        c->solved[i] = w->steepness[i] * (c->ability - w->difficulty[i]) + (double)c->luck[i] > 0;
        if (i < w->n_train) c->right += c->solved[i];
    }
}

void world_begin(world *w, const scenario *s, size_t n_train, size_t n_fresh, uint64_t seed) {
    opro__rng rng = opro__rng_make(seed, 0, FOR_INSTANCES);
    candidate *first;

    *w = (world){.scenario = s, .seed = seed, .n_train = n_train, .n = n_train + n_fresh};
    w->base = ability_of(s->start);
    w->steepness = get(NULL, w->n, sizeof *w->steepness);
    w->difficulty = get(NULL, w->n, sizeof *w->difficulty);
    first = meet(w, w->base);
    for (size_t i = 0; i < w->n; i++) {
        w->steepness[i] = steepness_at(opro__rng_normal(&rng));
        w->difficulty[i] = difficulty_at(opro__rng_normal(&rng));
        first->luck[i] = fresh_luck(&rng);
    }
    answer(w, first);
}

void world_end(world *w) {
    for (size_t i = 0; i < w->met; i++) {
        free(w->candidates[i].luck);
        free(w->candidates[i].solved);
    }
    free(w->candidates);
    free(w->steepness);
    free(w->difficulty);
}

static size_t draw_parent(const size_t *shown, size_t n, opro__rng *rng) {
    double total = (1 - exp(-(double)n / 5)) / (1 - exp(-0.2));
    double at = opro__rng_real(rng) * total;

    for (size_t i = 0; i + 1 < n; i++) {
        at -= exp(-(double)i / 5);
        if (at < 0) return shown[i];
    }
    return shown[n - 1];
}

size_t world_child(world *w, const size_t *shown, size_t n, size_t *mother) {
    const scenario *s = w->scenario;
    opro__rng rng = opro__rng_make(w->seed, (int64_t)w->met, FOR_PARENTS);
    opro__rng luck = opro__rng_make(w->seed, (int64_t)w->met, FOR_LUCK);
    size_t parents[2];
    double ability, share = opro__rng_real(&rng), disaster = opro__rng_real(&rng);
    candidate *child;

    parents[0] = draw_parent(shown, n, &rng);
    parents[1] = draw_parent(shown, n, &rng);
    ability =
        share * w->candidates[parents[0]].ability + (1 - share) * w->candidates[parents[1]].ability;
    ability += s->spread * opro__rng_normal(&rng) - s->pull * (ability - w->base);
    if (disaster < s->disasters) ability -= fabs(1.5 + 0.5 * opro__rng_normal(&rng));
    child = meet(w, ability);
    for (size_t i = 0; i < w->n; i++) {
        int inherits = opro__rng_real(&luck) < s->inherited;
        size_t from = parents[opro__rng_next(&luck) & 1];

        child->luck[i] = inherits ? w->candidates[from].luck[i] : fresh_luck(&luck);
    }
    answer(w, child);
    *mother = parents[0];
    return w->met - 1;
}
