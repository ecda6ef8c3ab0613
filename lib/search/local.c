/* SPDX-License-Identifier: MIT */
#include "local.h"

#include <math.h>

#include "base/hash.h"
#include "opro/optimizer.h"

#define TRIES   12  /* to find a proposal that is new */
#define SAME    4   /* of these, how many with the arm that was chosen */
#define SAMPLED 256 /* candidates at both ends that must be as they were */

struct opro__local {
    opro__mem *mem;
    const opro_problem *problem;
    const opro__options *options;
    const opro__arms *arms;
    void *state;
    opro__bandit bandit;
    /* how far it has read */
    const opro_trajectory *trajectory;
    int64_t seen;
    uint64_t first, last; /* digests of the first and the last SAMPLED candidates of these */
    /* since the last restart */
    double best;      /* badness         */
    int64_t progress; /* step of the last new best */
    int64_t patience; /* steps; 0: endless */
    /* the batch */
    uint64_t seed;
    int64_t step;
    uint64_t *texts; /* hashes of its proposals */
    size_t n_texts, cap_texts;
    opro__map map;
};

/* ---- lifetime -------------------------------------------------------------------------------- */

/*
 * The larger the problem, the longer a search may do without a new best before it is stuck: the
 * option counts for few dimensions and short tours.
 */
static int64_t patience_for(const opro_problem *problem, const opro__options *options) {
    double steps = (double)OPRO__INT(options, LOCAL_RESTART), n = (double)problem->space.n,
           times = 1;

    if (problem->space.kind == OPRO__SPACE_VECTOR) times = n / 10;
    if (problem->space.kind == OPRO__SPACE_PERMUTATION) times = n * n / 400;
    if (times > 1) steps *= times;
    return steps < 9e15 ? (int64_t)steps : (int64_t)9e15;
}

static opro_status choose_arms(opro__local *l, opro_error *err) {
    const opro_problem *p = l->problem;
    int polished = opro__problem_has(p, OPRO__STEP_POLISH) && OPRO__INT(l->options, POLISH);

    if (p->space.kind == OPRO__SPACE_TEXT && opro__problem_has(p, OPRO__STEP_CANONICAL))
        return opro__fail(err, OPRO_ERR_UNSUPPORTED,
                          "the local optimizer recombines sentences; this problem's canonical "
                          "callback says that its solutions are something else");
    switch (p->space.kind) {
    case OPRO__SPACE_VECTOR: l->arms = opro__vector_arms(&p->space, l->mem, &l->state); break;
    case OPRO__SPACE_PERMUTATION:
        l->arms = opro__permutation_arms(
            &p->space, polished, OPRO__INT(l->options, LOCAL_SURROGATE) != 0, l->mem, &l->state);
        break;
    case OPRO__SPACE_TEXT: l->arms = opro__text_arms(l->options, l->mem, &l->state); break;
    default:
        return opro__fail(err, OPRO_ERR_UNSUPPORTED,
                          "the local optimizer has no operators for this kind of solution");
    }
    return l->arms ? OPRO_OK : opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
}

opro_status opro__local_new(opro__local **out, const opro_problem *problem,
                            const opro__options *options, opro__mem *mem, opro_error *err) {
    opro__local *l = opro__calloc(mem, 1, sizeof *l);
    opro_status st;

    if (!l) return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
    l->mem = mem;
    l->problem = problem;
    l->options = options;
    l->patience = patience_for(problem, options);
    opro__map_init(&l->map, mem);
    st = choose_arms(l, err);
    if (st == OPRO_OK)
        *out = l;
    else
        opro__local_free(l);
    return st;
}

void opro__local_free(opro__local *l) {
    if (!l) return;
    if (l->state) l->arms->free(l->state, l->mem);
    opro__map_free(&l->map);
    opro__free(l->mem, l->texts);
    opro__free(l->mem, l);
}

/* ---- following the trajectory ---------------------------------------------------------------- */

static void restart(opro__local *l, int64_t step) {
    l->arms->restart(l->state);
    l->best = INFINITY;
    l->progress = step;
}

static int stalled(const opro__local *l, int64_t step) {
    return l->patience > 0 && step >= 0 && step - l->progress >= l->patience;
}

static size_t arm_of(const opro__arms *arms, int32_t origin) {
    for (size_t i = 0; i < arms->n; i++)
        if (arms->origins[i] == origin) return i;
    return OPRO__NO_ARM;
}

static opro_status follow(opro__local *l, const opro__candidate *c) {
    size_t arm = c->step >= 0 ? arm_of(l->arms, c->origin) : OPRO__NO_ARM;
    int scored = c->verdict == OPRO_VERDICT_SCORED, new_best;
    double badness = l->trajectory->direction == OPRO_MAXIMIZE ? -c->score : c->score;

    if (c->verdict == OPRO_VERDICT_FAILED) return OPRO_OK; /* the scorer's failure */
    if (stalled(l, c->step)) restart(l, c->step);
    new_best = scored && badness < l->best;
    if (new_best) {
        l->best = badness;
        l->progress = c->step;
    }
    if (arm != OPRO__NO_ARM) opro__bandit_credit(&l->bandit, arm, new_best);
    return scored ? l->arms->learn(l->state, c, badness, arm) : OPRO_OK;
}

static uint64_t digest(const opro_trajectory *t, int64_t from, int64_t to) {
    uint64_t hash = 0;

    for (int64_t i = from; i < to; i++) {
        const opro__candidate *c = opro__trajectory_at(t, i);

        hash = opro__hash_add_real(opro__hash_add(hash, c->hash), c->score);
        hash = opro__hash_add(opro__hash_add(hash, (uint64_t)c->step), c->origin);
    }
    return hash;
}

static uint64_t first_digest(const opro_trajectory *t, int64_t count) {
    return digest(t, 0, count < SAMPLED ? count : SAMPLED);
}

static uint64_t last_digest(const opro_trajectory *t, int64_t count) {
    return digest(t, count < SAMPLED ? 0 : count - SAMPLED, count);
}

/* It is the trajectory that was read before, perhaps with more behind. */
static int is_known(const opro__local *l, const opro_trajectory *t) {
    return l->trajectory == t && t->count >= l->seen && first_digest(t, l->seen) == l->first &&
           last_digest(t, l->seen) == l->last;
}

static opro_status catch_up(opro__local *l, const opro_trajectory *t) {
    opro_status st = OPRO_OK;

    if (!is_known(l, t)) {
        l->trajectory = t;
        l->seen = 0;
        opro__bandit_init(&l->bandit, OPRO__REAL(l->options, LOCAL_FLOOR),
                          OPRO__REAL(l->options, LOCAL_DECAY));
        restart(l, -1);
        l->arms->reset(l->state);
    }
    for (; l->seen < t->count && st == OPRO_OK; l->seen++)
        st = follow(l, opro__trajectory_at(t, l->seen));
    if (st == OPRO_OK) {
        l->first = first_digest(t, l->seen);
        l->last = last_digest(t, l->seen);
    } else {
        l->trajectory = NULL;
    }
    return st;
}

opro_status opro__local_begin(opro__local *l, const opro_trajectory *t, uint64_t seed,
                              int64_t step) {
    opro_status st = catch_up(l, t);

    if (st != OPRO_OK) return st;
    opro__map_free(&l->map);
    opro__map_init(&l->map, l->mem);
    l->n_texts = 0;
    l->seed = seed;
    l->step = step;
    return l->arms->begin(l->state, t, stalled(l, step));
}

/* ---- proposing ------------------------------------------------------------------------------- */

static int same_text(void *key, uint32_t index, const void *owner) {
    const opro__local *l = owner;

    return l->texts[index] == *(const uint64_t *)key;
}

static int is_new(const opro__local *l, const opro__buf *text, uint64_t hash) {
    return opro__map_find(&l->map, hash, &hash, same_text, l) == OPRO__MAP_NONE &&
           !opro__trajectory_lookup(l->trajectory, text->data, text->len);
}

static opro_status remember(opro__local *l, uint64_t hash) {
    void *texts = l->texts;

    if (opro__map_find(&l->map, hash, &hash, same_text, l) != OPRO__MAP_NONE) return OPRO_OK;
    if (!opro__map_reserve(&l->map) ||
        !opro__reserve(l->mem, &texts, &l->cap_texts, l->n_texts + 1, sizeof *l->texts))
        return OPRO_ERR_NOMEM;
    l->texts = texts;
    l->texts[l->n_texts] = hash;
    opro__map_insert(&l->map, hash, (uint32_t)l->n_texts++);
    return OPRO_OK;
}

/*
 * The arm for a proposal: by credit; when that one has nothing new, another; in the end a random
 * solution.
 */
static size_t choose(const opro__local *l, uint64_t sample, int attempt, size_t before,
                     opro__rng *rng) {
    unsigned usable = l->arms->usable(l->state);
    size_t sure = l->arms->sure(l->state);

    if (!usable || attempt >= TRIES - 2) return l->arms->n;
    if (attempt == 0 && sample == 0 && sure != OPRO__NO_ARM) return sure;
    if (attempt > 0 && attempt < SAME) return before;
    return opro__bandit_choose(&l->bandit, usable, rng);
}

opro_status opro__local_propose(opro__local *l, uint64_t sample, opro__buf *text, int32_t *origin) {
    opro__rng rng = opro__rng_make(l->seed + sample, l->step, OPRO__RNG_LOCAL);
    uint64_t hash = 0;
    size_t arm = 0;

    for (int attempt = 0; attempt < TRIES; attempt++) {
        opro_status st;

        arm = choose(l, sample, attempt, arm, &rng);
        opro__buf_clear(text);
        st = l->arms->propose(l->state, arm, &rng, text);
        if (st != OPRO_OK) return st;
        hash = opro__hash_bytes(text->data, text->len);
        if (is_new(l, text, hash)) break;
    }
    *origin = l->arms->origins[arm];
    return remember(l, hash);
}
