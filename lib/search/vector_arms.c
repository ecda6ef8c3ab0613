/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "arms.h"
#include "opro/optimizer.h"
#include "vector.h"

enum { ARM_DE, ARM_CMA, ARM_QUADRATIC, ARMS };

typedef struct vectors {
    const opro__space *space;
    opro__pool pool;
    opro__cma cma;
    opro__quadratic quadratic;
    int fresh;
    int fitted; /* to the pool as it is */
    double *x;
} vectors;

static void free_vectors(void *state, opro__mem *mem) {
    vectors *v = state;

    opro__free(mem, v->x);
    opro__quadratic_free(&v->quadratic, mem);
    opro__cma_free(&v->cma, mem);
    opro__pool_free(&v->pool, mem);
    opro__free(mem, v);
}

static void restart(void *state) {
    vectors *v = state;

    v->pool.n = 0;
    v->fitted = 0;
    opro__cma_restart(&v->cma);
}

static opro_status learn(void *state, const opro__candidate *c, double badness, size_t arm) {
    vectors *v = state;
    opro_error err;

    if (opro__vector_read(v->space, c->text, c->len, v->x, &err) != OPRO_OK) return OPRO_OK;
    opro__pool_insert(&v->pool, v->x, badness);
    opro__cma_learn(&v->cma, &v->pool, v->space, v->x, badness, c->step, arm == ARM_CMA);
    v->fitted = 0;
    return OPRO_OK;
}

static opro_status begin(void *state, const opro_trajectory *t, int fresh) {
    vectors *v = state;

    (void)t;
    v->fresh = fresh;
    if (fresh) return OPRO_OK;
    if (!v->fitted) opro__quadratic_fit(&v->quadratic, &v->pool, v->space);
    v->quadratic.next = 0;
    v->fitted = 1;
    return OPRO_OK;
}

static unsigned usable(const void *state) {
    const vectors *v = state;

    if (v->fresh) return 0;
    return (unsigned)(opro__de_usable(&v->pool) << ARM_DE | opro__cma_usable(&v->cma) << ARM_CMA |
                      v->quadratic.usable << ARM_QUADRATIC);
}

static size_t sure(const void *state) {
    const vectors *v = state;

    return !v->fresh && v->quadratic.usable && v->quadratic.exact ? ARM_QUADRATIC : OPRO__NO_ARM;
}

static void random_vector(const opro__space *space, opro__rng *rng, double *x) {
    for (size_t i = 0; i < space->n; i++) {
        double u = opro__rng_real(rng);

        x[i] = (1 - u) * space->lower[i] + u * space->upper[i];
    }
}

/* Within the bounds, an integer if it must be; what is no number becomes one at random. */
static void place(const opro__space *space, opro__rng *rng, double *x) {
    opro__vector_round(space, x);
    for (size_t i = 0; i < space->n; i++) {
        double lower = space->lower[i], upper = space->upper[i], u = opro__rng_real(rng);

        if (isnan(x[i])) x[i] = (1 - u) * lower + u * upper;
        if (x[i] < lower) x[i] = space->integer ? ceil(lower) : lower;
        if (x[i] > upper) x[i] = space->integer ? floor(upper) : upper;
    }
}

static opro_status propose(void *state, size_t arm, opro__rng *rng, opro__buf *text) {
    vectors *v = state;

    switch (arm) {
    case ARM_DE: opro__de_propose(&v->pool, rng, v->x); break;
    case ARM_CMA: opro__cma_propose(&v->cma, v->space, rng, v->x); break;
    case ARM_QUADRATIC: opro__quadratic_propose(&v->quadratic, v->space, rng, v->x); break;
    default: random_vector(v->space, rng, v->x); break;
    }
    place(v->space, rng, v->x);
    opro__vector_write(v->x, v->space->n, text);
    return text->status;
}

static const opro__arms arms = {
    .n = ARMS,
    .origins = {OPRO_ORIGIN_LOCAL_DIFFERENTIAL, OPRO_ORIGIN_LOCAL_CMA, OPRO_ORIGIN_LOCAL_QUADRATIC,
                OPRO_ORIGIN_LOCAL_RANDOM},
    .free = free_vectors,
    .reset = restart,
    .restart = restart,
    .learn = learn,
    .begin = begin,
    .usable = usable,
    .sure = sure,
    .propose = propose,
};

const opro__arms *opro__vector_arms(const opro__space *space, opro__mem *mem, void **state) {
    size_t d = space->n, cap = OPRO__POOL_TOP;
    vectors *v = opro__calloc(mem, 1, sizeof *v);
    int ok;

    if (!v) return NULL;
    if (d <= OPRO__QUADRATIC_DIMENSIONS && OPRO__QUADRATIC_POOL(d) > cap)
        cap = OPRO__QUADRATIC_POOL(d);
    v->space = space;
    ok = opro__pool_init(&v->pool, d, cap, mem);
    ok = opro__cma_init(&v->cma, d, mem) && ok;
    ok = opro__quadratic_init(&v->quadratic, d, mem) && ok;
    v->x = opro__calloc(mem, d, sizeof *v->x);
    if (!ok || !v->x) {
        free_vectors(v, mem);
        return NULL;
    }
    *state = v;
    return &arms;
}
