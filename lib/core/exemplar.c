/* SPDX-License-Identifier: MIT */
#include "exemplar.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/numpy_random.h"
#include "base/rng.h"

void opro__exemplars_init(opro__exemplars *exemplars, opro__mem *mem) {
    *exemplars = (opro__exemplars){.mem = mem};
}

void opro__exemplars_free(opro__exemplars *exemplars) {
    opro__free(exemplars->mem, exemplars->chosen);
    opro__free(exemplars->mem, exemplars->wrong);
    opro__free(exemplars->mem, exemplars->current);
    opro__free(exemplars->mem, exemplars->scratch);
    opro__exemplars_init(exemplars, exemplars->mem);
}

static int reserve_indices(opro__mem *mem, size_t **array, size_t *capacity, size_t need) {
    void *p = *array;
    int ok = opro__reserve(mem, &p, capacity, need, sizeof **array);

    *array = p;
    return ok;
}

static int reserve_counts(opro__mem *mem, uint32_t **array, size_t *capacity, size_t need) {
    void *p = *array;
    int ok = opro__reserve(mem, &p, capacity, need, sizeof **array);

    *array = p;
    return ok;
}

/* ---- what went wrong ------------------------------------------------------------------------- */

typedef struct judge {
    const opro_problem *problem;
    double limit;
} judge;

/* The training scores of a candidate, of instances that have an exemplar. */
static const double *scores_of(const judge *j, const opro__candidate *c, size_t *n) {
    const double *scores = &c->score;

    *n = 0;
    if (c->verdict != OPRO_VERDICT_SCORED) return scores;
    *n = 1;
    if (c->extra && c->extra->n[0]) {
        scores = c->extra->scores[0];
        *n = c->extra->n[0];
    }
    if (*n > j->problem->n_exemplars) *n = j->problem->n_exemplars;
    return scores;
}

/* NaN is neither right nor wrong: it was not asked for. */
static void count_wrong(const judge *j, const opro__candidate *c, uint32_t *wrong) {
    size_t n;
    const double *scores = scores_of(j, c, &n);

    if (j->problem->direction == OPRO_MAXIMIZE)
        for (size_t i = 0; i < n; i++)
            wrong[i] += scores[i] <= j->limit;
    else
        for (size_t i = 0; i < n; i++)
            wrong[i] += scores[i] > j->limit;
}

/* Make the counts long enough for a candidate; new ones are 0. */
static int make_counts(opro__mem *mem, const judge *j, const opro__candidate *c, uint32_t **wrong,
                       size_t *n_wrong, size_t *capacity) {
    size_t n;

    scores_of(j, c, &n);
    if (n <= *n_wrong) return 1;
    if (!reserve_counts(mem, wrong, capacity, n)) return 0;
    memset(*wrong + *n_wrong, 0, (n - *n_wrong) * sizeof **wrong);
    *n_wrong = n;
    return 1;
}

/* Catch up with the trajectory. */
static opro_status accumulate(opro__exemplars *e, const judge *j, const opro_trajectory *t) {
    int64_t from = opro__follow_from(&e->follow, t);

    if (from == 0) e->n_wrong = 0;
    for (int64_t i = from; i < t->count; i++) {
        const opro__candidate *c = opro__trajectory_at(t, i);

        if (!make_counts(e->mem, j, c, &e->wrong, &e->n_wrong, &e->cap_wrong)) {
            opro__follow_reset(&e->follow); /* some are counted already */
            return OPRO_ERR_NOMEM;
        }
        count_wrong(j, c, e->wrong);
    }
    opro__follow_done(&e->follow, t);
    return OPRO_OK;
}

static opro_status count_shown(opro__exemplars *e, const judge *j, const opro_trajectory *t,
                               const int64_t *shown, size_t n_shown, size_t *n) {
    *n = 0;
    for (size_t i = 0; i < n_shown; i++) {
        const opro__candidate *c = opro__trajectory_at(t, shown[i]);

        if (!make_counts(e->mem, j, c, &e->current, n, &e->cap_current)) return OPRO_ERR_NOMEM;
        count_wrong(j, c, e->current);
    }
    return OPRO_OK;
}

/* ---- choosing -------------------------------------------------------------------------------- */

/*
 * An instance that was wrong. Ties go by lot: a number that the step's generator gives each
 * instance.
 */
typedef struct failure {
    uint32_t count;
    uint64_t lot;
    size_t index;
} failure;

static int before(const failure *a, const failure *b) {
    if (a->count != b->count) return a->count > b->count;
    if (a->lot != b->lot) return a->lot < b->lot;
    return a->index < b->index;
}

static int by_failure(const void *a, const void *b) {
    return before(a, b) ? -1 : before(b, a);
}

/* heap[0] is the last of those kept: restore that after it was replaced. */
static void sift_down(failure *heap, size_t n) {
    for (size_t i = 0, child; (child = 2 * i + 1) < n; i = child) {
        failure f = heap[i];

        if (child + 1 < n && before(&heap[child], &heap[child + 1])) child++;
        if (!before(&f, &heap[child])) return;
        heap[i] = heap[child];
        heap[child] = f;
    }
}

static void sift_up(failure *heap, size_t i) {
    while (i > 0 && before(&heap[(i - 1) / 2], &heap[i])) {
        failure f = heap[i];

        heap[i] = heap[(i - 1) / 2];
        heap[(i - 1) / 2] = f;
        i = (i - 1) / 2;
    }
}

/* The k most often wrong, the most wrong first. Returns how many there are. */
static size_t most_wrong(const uint32_t *wrong, size_t n, uint64_t key, failure *heap, size_t k) {
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        failure f = {wrong[i], opro__mix(key ^ opro__mix(i)), i};

        if (!f.count) continue;
        if (count < k) {
            heap[count] = f;
            sift_up(heap, count++);
        } else if (before(&f, &heap[0])) {
            heap[0] = f;
            sift_down(heap, k);
        }
    }
    qsort(heap, count, sizeof *heap, by_failure);
    return count;
}

static int by_size(const void *a, const void *b) {
    const size_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/*
 * Fill up to k of n with others than the have first ones, drawn by rng, in the order of their
 * indices.
 */
static opro_status fill(opro__exemplars *e, opro__rng *rng, size_t n, size_t have, size_t k) {
    size_t taken = 0;

    if (!reserve_indices(e->mem, &e->scratch, &e->cap_scratch, have + 1)) return OPRO_ERR_NOMEM;
    if (have) memcpy(e->scratch, e->chosen, have * sizeof *e->chosen);
    qsort(e->scratch, have, sizeof *e->scratch, by_size);
    opro__rng_choose(rng, n - have, k - have, e->chosen + have); /* of those not taken */
    for (size_t i = have; i < k; i++) {
        while (taken < have && e->scratch[taken] <= e->chosen[i] + taken)
            taken++;
        e->chosen[i] += taken;
    }
    return OPRO_OK;
}

static opro_status choose_wrong(opro__exemplars *e, opro__rng *rng, const uint32_t *wrong,
                                size_t n_wrong, size_t n) {
    failure *heap = opro__calloc(e->mem, e->n, sizeof *heap);
    opro_status st;
    size_t have;

    if (!heap) return OPRO_ERR_NOMEM;
    have = most_wrong(wrong, n_wrong, opro__rng_next(rng), heap, e->n);
    for (size_t i = 0; i < have; i++)
        e->chosen[i] = heap[i].index;
    st = have < e->n ? fill(e, rng, n, have, e->n) : OPRO_OK;
    opro__free(e->mem, heap);
    return st;
}

/*
 * The published program seeds NumPy's generator with the number of the step, and draws with
 * numpy.random.choice(n, k, replace=False).
 */
static opro_status choose_published(opro__exemplars *e, size_t n, int64_t step) {
    int64_t *all = opro__calloc(e->mem, n, sizeof *all);
    opro__numpy_random random = {.used = 0};

    assert(n <= OPRO__PUBLISHED_MAX);
    if (!all) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        all[i] = (int64_t)i;
    opro__numpy_seed(&random, (uint32_t)step);
    opro__numpy_shuffle(&random, all, n);
    for (size_t i = 0; i < e->n; i++)
        e->chosen[i] = (size_t)all[i];
    qsort(e->chosen, e->n, sizeof *e->chosen, by_size);
    opro__free(e->mem, all);
    return OPRO_OK;
}

static opro_status choose(opro__exemplars *e, const opro_problem *problem,
                          const opro__options *options, const opro_trajectory *t,
                          const int64_t *shown, size_t n_shown, int64_t step) {
    const judge j = {problem, OPRO__REAL(options, WRONG_SCORE)};
    int64_t rule = OPRO__INT(options, EXEMPLAR_CHOICE);
    opro__rng rng = opro__rng_make((uint64_t)OPRO__INT(options, SEED),
                                   rule == OPRO_EXEMPLARS_CONSTANT ? 0 : step, OPRO__RNG_EXEMPLARS);
    size_t n_current;
    opro_status st;

    switch (rule) {
    case OPRO_EXEMPLARS_RANDOM_PUBLISHED: return choose_published(e, problem->n_exemplars, step);
    case OPRO_EXEMPLARS_ACCUMULATED_WRONG:
        st = accumulate(e, &j, t);
        if (st == OPRO_OK) st = choose_wrong(e, &rng, e->wrong, e->n_wrong, problem->n_exemplars);
        return st;
    case OPRO_EXEMPLARS_CURRENT_WRONG:
        st = count_shown(e, &j, t, shown, n_shown, &n_current);
        if (st == OPRO_OK) st = choose_wrong(e, &rng, e->current, n_current, problem->n_exemplars);
        return st;
    default: opro__rng_choose(&rng, problem->n_exemplars, e->n, e->chosen); return OPRO_OK;
    }
}

opro_status opro__exemplars_choose(opro__exemplars *e, const opro_problem *problem,
                                   const opro__options *options, const opro_trajectory *t,
                                   const int64_t *shown, size_t n_shown, int64_t step) {
    size_t k = (size_t)OPRO__INT(options, EXEMPLARS);
    opro_status st;

    e->n = 0;
    if (k > problem->n_exemplars) k = problem->n_exemplars;
    if (!k) return OPRO_OK;
    if (!reserve_indices(e->mem, &e->chosen, &e->cap_chosen, k)) return OPRO_ERR_NOMEM;
    e->n = k;
    st = choose(e, problem, options, t, shown, n_shown, step);
    if (st != OPRO_OK) e->n = 0;
    return st;
}
