/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "arms.h"
#include "edge_surrogate.h"
#include "matrix_tour.h"
#include "opro/optimizer.h"
#include "opro/tour.h"
#include "permutation.h"

#define TOP 20 /* permutations that are kept */

/* Seeing scores only. */
enum { BLIND_TWO_OPT, BLIND_OR_OPT, BLIND_SURROGATE, BLIND_ARMS };

/* The run polishes what is proposed: make something to polish. */
enum { POLISHED_KICK, POLISHED_CROSSOVER, POLISHED_ARMS };

typedef struct tours {
    opro__mem *mem;
    const opro__space *space;
    size_t n;
    int polished;
    int fresh;
    size_t n_top;
    int32_t *top[TOP]; /* best first, rows of block */
    double badness[TOP];
    int32_t *block;
    int32_t *nodes;
    int32_t *work;      /* 6 n */
    opro__edges *edges; /* NULL: none */
    double *matrix;
    size_t drawn; /* proposals of the surrogate in this batch */
} tours;

static void free_tours(void *state, opro__mem *mem) {
    tours *t = state;

    opro__free(mem, t->matrix);
    if (t->edges) opro__edges_free(t->edges);
    opro__free(mem, t->edges);
    opro__free(mem, t->work);
    opro__free(mem, t->nodes);
    opro__free(mem, t->block);
    opro__free(mem, t);
}

/* The surrogate stays: what an edge costs is true everywhere. */
static void restart(void *state) {
    tours *t = state;

    t->n_top = 0;
}

static void reset(void *state) {
    tours *t = state;

    t->n_top = 0;
    if (t->edges) opro__edges_clear(t->edges);
}

/* Among the best, if it is. */
static void keep(tours *t, const int32_t *nodes, double badness) {
    size_t at = t->n_top;
    int32_t *row;

    while (at > 0 && t->badness[at - 1] > badness)
        at--;
    if (at == TOP) return;
    if (t->n_top < TOP) t->n_top++;
    row = t->top[t->n_top - 1];
    memmove(t->top + at + 1, t->top + at, (t->n_top - 1 - at) * sizeof *t->top);
    memmove(t->badness + at + 1, t->badness + at, (t->n_top - 1 - at) * sizeof *t->badness);
    t->top[at] = row;
    t->badness[at] = badness;
    memcpy(row, nodes, t->n * sizeof *nodes);
}

static opro_status learn(void *state, const opro__candidate *c, double badness, size_t arm) {
    tours *t = state;
    opro_error err;
    opro_status st = opro__permutation_read(t->space, c->text, c->len, t->nodes, t->mem, &err);

    (void)arm;
    if (st != OPRO_OK) return st == OPRO_ERR_NOMEM ? st : OPRO_OK;
    keep(t, t->nodes, badness);
    if (t->edges && !opro__edges_learn(t->edges, t->nodes, badness)) return OPRO_ERR_NOMEM;
    return OPRO_OK;
}

static opro_status begin(void *state, const opro_trajectory *trajectory, int fresh) {
    tours *t = state;

    (void)trajectory;
    t->fresh = fresh;
    t->drawn = 0;
    return OPRO_OK;
}

static unsigned usable(const void *state) {
    const tours *t = state;
    int some = !t->fresh && t->n_top > 0 && t->n >= 5;
    int model = t->edges && t->edges->started && !t->edges->wrong && !opro__edges_settled(t->edges);

    if (t->polished) {
        int kick = some && t->n >= 8, cross = some && t->n_top > 1;

        return (unsigned)(kick << POLISHED_KICK | cross << POLISHED_CROSSOVER);
    }
    return (unsigned)(some << BLIND_TWO_OPT | some << BLIND_OR_OPT | model << BLIND_SURROGATE);
}

static size_t sure(const void *state) {
    const tours *t = state;
    int known = t->edges && !t->edges->wrong && opro__edges_settled(t->edges);

    return known ? BLIND_SURROGATE : OPRO__NO_ARM;
}

/* Mostly the best: others keep a way open out of where it is stuck. */
static const int32_t *parent(const tours *t, opro__rng *rng) {
    size_t rank = opro__rng_below(rng, 8) ? 0 : (size_t)opro__rng_below(rng, t->n_top);

    return t->top[rank];
}

static void propose_surrogate(tours *t, opro__rng *rng) {
    static const double boldness[] = {0, 0.5, 1, 0.25, 0.7, 0.5, 1, 0.35};
    size_t turn = t->drawn++ % (sizeof boldness / sizeof *boldness);

    opro__edges_draw(t->edges, boldness[turn], rng, t->matrix);
    memcpy(t->nodes, t->edges->best, t->n * sizeof *t->nodes);
    opro__matrix_improve(t->matrix, t->nodes, t->n, 2 * t->n, rng);
}

static void propose_blind(tours *t, size_t arm, opro__rng *rng) {
    int way = t->space->symmetry == OPRO_PERMUTATION_TOUR || opro__rng_below(rng, 2);

    if (arm == BLIND_SURROGATE) {
        propose_surrogate(t, rng);
        return;
    }
    memcpy(t->nodes, parent(t, rng), t->n * sizeof *t->nodes);
    if (arm == BLIND_OR_OPT)
        opro__permutation_or_opt(t->nodes, t->n, way, rng);
    else if (way)
        opro__permutation_two_opt(t->nodes, t->n, rng);
    else
        opro__permutation_swap(t->nodes, t->n, rng);
}

static void propose_polished(tours *t, size_t arm, opro__rng *rng) {
    if (arm == POLISHED_KICK) {
        memcpy(t->nodes, parent(t, rng), t->n * sizeof *t->nodes);
        opro__permutation_kick(t->nodes, t->n, opro__rng_below(rng, 2) ? t->n : 50, rng, t->work);
    } else {
        size_t other = 1 + (size_t)opro__rng_below(rng, t->n_top - 1);
        size_t one = opro__rng_below(rng, 2) ? 0 : (size_t)opro__rng_below(rng, other);

        opro__permutation_cross(t->top[one], t->top[other], t->n, rng, t->nodes, t->work);
    }
}

static opro_status propose(void *state, size_t arm, opro__rng *rng, opro__buf *text) {
    tours *t = state;

    if (arm == (size_t)(t->polished ? POLISHED_ARMS : BLIND_ARMS)) {
        for (size_t i = 0; i < t->n; i++)
            t->nodes[i] = (int32_t)i;
        opro__permutation_shuffle(t->nodes, t->n, rng);
    } else if (t->polished) {
        propose_polished(t, arm, rng);
    } else {
        propose_blind(t, arm, rng);
    }
    opro__permutation_canonical(t->space, t->nodes);
    opro__permutation_write(t->nodes, t->n, text);
    return text->status;
}

static const opro__arms blind = {
    .n = BLIND_ARMS,
    .origins = {OPRO_ORIGIN_LOCAL_TWO_OPT, OPRO_ORIGIN_LOCAL_OR_OPT, OPRO_ORIGIN_LOCAL_SURROGATE,
                OPRO_ORIGIN_LOCAL_RANDOM},
    .free = free_tours,
    .reset = reset,
    .restart = restart,
    .learn = learn,
    .begin = begin,
    .usable = usable,
    .sure = sure,
    .propose = propose,
};

static const opro__arms polished = {
    .n = POLISHED_ARMS,
    .origins = {OPRO_ORIGIN_LOCAL_KICK, OPRO_ORIGIN_LOCAL_CROSSOVER, OPRO_ORIGIN_LOCAL_RANDOM},
    .free = free_tours,
    .reset = reset,
    .restart = restart,
    .learn = learn,
    .begin = begin,
    .usable = usable,
    .sure = sure,
    .propose = propose,
};

static int add_edges(tours *t, opro__mem *mem) {
    t->edges = opro__calloc(mem, 1, sizeof *t->edges);
    t->matrix = opro__calloc(mem, t->n * t->n, sizeof *t->matrix);
    return t->edges && t->matrix && opro__edges_init(t->edges, t->n, mem);
}

const opro__arms *opro__permutation_arms(const opro__space *space, int is_polished, int surrogate,
                                         opro__mem *mem, void **state) {
    size_t n = space->n;
    tours *t = opro__calloc(mem, 1, sizeof *t);
    int ok;

    if (!t) return NULL;
    t->mem = mem;
    t->space = space;
    t->n = n;
    t->polished = is_polished;
    t->block = opro__calloc(mem, TOP * n, sizeof *t->block);
    t->nodes = opro__calloc(mem, n, sizeof *t->nodes);
    t->work = opro__calloc(mem, 6 * n, sizeof *t->work);
    ok = t->block && t->nodes && t->work;
    for (size_t i = 0; ok && i < TOP; i++)
        t->top[i] = t->block + i * n;
    if (ok && surrogate && !is_polished && space->symmetry == OPRO_PERMUTATION_TOUR &&
        n >= OPRO__EDGES_NODES_MIN && n <= OPRO__EDGES_NODES_MAX)
        ok = add_edges(t, mem);
    if (!ok) {
        free_tours(t, mem);
        return NULL;
    }
    *state = t;
    return is_polished ? &polished : &blind;
}
