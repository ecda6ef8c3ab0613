/* SPDX-License-Identifier: MIT */
/* A trajectory that grows step by step, for tests of what proposes: no run, no requests. */
#ifndef TESTS_SEARCH_WORLD_H
#define TESTS_SEARCH_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opro/opro.h"
#include "search/local.h"

#define WORLD_SAMPLES 8

typedef struct world world;

typedef double (*world_score)(const world *world, const char *text, size_t len);

struct world {
    opro__mem mem;
    opro_problem *problem; /* a share that the world gives up */
    opro__options options;
    opro_trajectory *trajectory;
    opro__local *local;
    world_score score;
    const void *data;
    uint64_t seed;
    int64_t step;
    double best;
    int64_t calls;   /* of score */
    int64_t best_at; /* the call that gave the best */
};

static inline void world_open(world *w, opro_problem *problem, world_score score,
                              const void *data) {
    opro_error err;

    *w = (world){.problem = problem, .score = score, .data = data};
    w->best = opro_problem_direction(problem) == OPRO_MAXIMIZE ? -INFINITY : INFINITY;
    assert_int_equal(opro__mem_init(&w->mem, NULL), OPRO_OK);
    opro__options_copy(&w->options, NULL);
    assert_int_equal(opro_trajectory_new(&w->trajectory, opro_problem_direction(problem), NULL),
                     OPRO_OK);
    assert_int_equal(opro__local_new(&w->local, problem, &w->options, &w->mem, &err), OPRO_OK);
}

static inline void world_close(world *w) {
    opro__local_free(w->local);
    assert_int_equal(w->mem.used, 0);
    opro_trajectory_free(w->trajectory);
    opro_problem_free(w->problem);
}

/* A scored candidate is met and remembered, but not committed; NULL if it was met before. */
static inline opro__candidate *world_meet(world *w, const char *text, size_t len, int32_t origin,
                                          size_t sample) {
    int fresh;
    opro__candidate *c = opro__trajectory_meet(w->trajectory, text, len, &fresh);

    assert_non_null(c);
    if (!fresh) return NULL;
    c->score = w->score(w, text, len);
    c->step = (int32_t)w->step;
    c->sample = (uint32_t)sample;
    c->origin = (uint16_t)origin;
    c->verdict = isnan(c->score) ? OPRO_VERDICT_REJECTED : OPRO_VERDICT_SCORED;
    w->calls++;
    if (opro__better(w->trajectory->direction, c->score, w->best)) {
        w->best = c->score;
        w->best_at = w->calls;
    }
    return c;
}

/* An initial solution. */
static inline void world_begin_with(world *w, const char *text) {
    opro__candidate *c;

    w->step = -1;
    c = world_meet(w, text, strlen(text), OPRO_ORIGIN_NONE, 0);
    if (c) opro__trajectory_commit(w->trajectory, c);
    w->step = 0;
}

static inline uint64_t world_seed(const world *w) {
    return 1000000 * w->seed + 17 * (uint64_t)w->step;
}

/* One step with the proposals of a local optimizer; every candidate is of this step. */
static inline void world_step(world *w) {
    opro__candidate *met[WORLD_SAMPLES];
    opro__buf text;
    size_t n = 0;

    opro__buf_init(&text, &w->mem, 1 << 24);
    assert_int_equal(opro__local_begin(w->local, w->trajectory, world_seed(w), w->step), OPRO_OK);
    for (size_t i = 0; i < WORLD_SAMPLES; i++) {
        int32_t origin = 0;

        assert_int_equal(opro__local_propose(w->local, i, &text, &origin), OPRO_OK);
        assert_string_not_equal(opro_origin_name(origin), "");
        met[n] = world_meet(w, opro__buf_text(&text), text.len, origin, i);
        n += met[n] != NULL;
    }
    opro__buf_free(&text);
    for (size_t i = 0; i < n; i++)
        opro__trajectory_commit(w->trajectory, met[i]);
    w->step++;
}

/* How many candidates an origin has. */
static inline int64_t world_count(const world *w, int32_t origin) {
    int64_t count = 0;

    for (int64_t i = 0; i < opro_trajectory_count(w->trajectory); i++)
        count += opro_trajectory_origin(w->trajectory, i) == origin;
    return count;
}

#endif
