/* SPDX-License-Identifier: MIT */
/*
 * Racing in a run. The reference of a batch is chosen when the batch begins, and an order of the
 * instances is a candidate's own, so nothing depends on the order of answers. A block is one
 * request; the next one is made when its answer is there.
 */
#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "run.h"

#define MEDIAN_OF 20

static int preset(const opro_run *run) {
    switch (OPRO__INT(&run->options, RACE)) {
    case OPRO_RACE_CAUTIOUS: return OPRO__RACE_CAUTIOUS;
    case OPRO_RACE_EXACT: return OPRO__RACE_EXACT;
    default: return OPRO__RACE_RECOMMENDED;
    }
}

static opro__race_rules rules_of(const opro_run *run) {
    opro__race_rules rules = opro__race_rules_of(preset(run), run->problem->train);
    double alpha = OPRO__REAL(&run->options, RACE_ALPHA);
    size_t block = (size_t)OPRO__INT(&run->options, RACE_BLOCK);

    if (!isnan(alpha) && run->problem->train >= OPRO__RACE_FEW) rules.alpha = alpha;
    if (block) rules.block = block;
    return rules;
}

/* ---- the reference --------------------------------------------------------------------------- */

/* 1 if it is scored on all training instances; by_instance: and all those scores are known. */
static int is_whole(const opro_run *run, const opro__candidate *c, int by_instance) {
    if (c->verdict != OPRO_VERDICT_SCORED || c->flags & OPRO_FLAG_PARTIAL) return 0;
    return !by_instance || (c->extra && c->extra->n[0] == run->problem->train);
}

size_t opro__run_best(const opro_run *run, int by_instance, const opro__candidate **best,
                      size_t most) {
    const opro_trajectory *t = &run->trajectory;
    size_t n = 0;

    for (int64_t i = 0; i < t->count; i++) {
        const opro__candidate *c = opro__trajectory_at(t, i);
        size_t at = n;

        if (!is_whole(run, c, by_instance)) continue;
        while (at > 0 && opro__better(t->direction, c->score, best[at - 1]->score))
            at--;
        if (at == most) continue;
        if (n < most) n++;
        for (size_t k = n - 1; k > at; k--)
            best[k] = best[k - 1];
        best[at] = c;
    }
    return n;
}

static const opro__candidate *reference_of(const opro_run *run, const opro__race_rules *rules) {
    const opro__candidate *best[MEDIAN_OF];
    const opro__candidate *first = opro__trajectory_at(&run->trajectory, run->trajectory.best);
    size_t n;

    if (rules->median_of == 1 && first && is_whole(run, first, 1)) return first;
    n = opro__run_best(run, 1, best, MEDIAN_OF);
    return n ? best[opro__race_reference(rules, n)] : NULL;
}

void opro__batch_open_races(opro_run *run, opro__batch *batch) {
    const opro_problem *problem = run->problem;

    if (OPRO__INT(&run->options, RACE) == OPRO_RACE_OFF || problem->train < 2) return;
    batch->race_rules = rules_of(run);
    batch->race_range = (opro__race_range){.low = problem->low,
                                           .high = problem->high,
                                           .minimize = problem->direction == OPRO_MINIMIZE,
                                           .binary = !run->graded};
    batch->reference = reference_of(run, &batch->race_rules);
}

void opro__run_see_scores(opro_run *run, const opro__candidate *c) {
    const opro__extra *extra = c->extra;

    if (run->graded || !extra || OPRO__INT(&run->options, RACE) == OPRO_RACE_OFF) return;
    for (size_t i = 0; i < extra->n[0] && !run->graded; i++)
        run->graded =
            extra->scores[0][i] > run->problem->low && extra->scores[0][i] < run->problem->high;
}

/* ---- a racer --------------------------------------------------------------------------------- */

/* Without a racer if there is no race. */
static opro_status begin(opro_run *run, const opro__batch *batch, opro__work *work) {
    const opro__candidate *c = work->candidate;
    size_t n = run->problem->train;
    uint64_t seed = (uint64_t)OPRO__INT(&run->options, SEED);
    opro__racer *racer;

    if (!batch->reference || work->racer) return OPRO_OK;
    racer = opro__alloc(&run->mem, sizeof *racer + n * sizeof *racer->order);
    if (!racer) return OPRO_ERR_NOMEM;
    if (!opro__race_begin(&racer->race, &batch->race_rules, batch->race_range,
                          batch->reference->extra->scores[0], n)) {
        opro__free(&run->mem, racer);
        return OPRO_OK;
    }
    opro__race_order(racer->order, n, seed, opro__hash_bytes(c->text, c->len));
    work->racer = racer;
    return OPRO_OK;
}

opro_status opro__work_instances(opro_run *run, opro__batch *batch, opro__work *work, int32_t set,
                                 const int64_t **instances, size_t *n) {
    opro_status st = set == OPRO_TRAIN ? begin(run, batch, work) : OPRO_OK;

    if (st != OPRO_OK) return st;
    if (work->state == OPRO__WORK_CONFIRM) {
        *instances = work->wanted;
        *n = work->n_wanted;
        return OPRO_OK;
    }
    *instances = run->instances;
    *n = opro_problem_instances(run->problem, set);
    if (set != OPRO_TRAIN || !work->racer) return OPRO_OK;
    *instances = work->racer->order + work->racer->race.taken;
    *n = opro__race_next(&work->racer->race);
    return OPRO_OK;
}

/* A step that validated the candidate asked without having come anywhere. */
size_t opro__work_taken(const opro__batch *batch, const opro__work *work) {
    if (work->state == OPRO__WORK_CONFIRM) return batch->confirming->confirm.scored + 1;
    return work->state == OPRO__WORK_SCORE && work->racer ? work->racer->race.taken : 0;
}

int opro__work_take(opro__work *work, const opro_request *request, const double *scores) {
    if (!work->racer) return OPRO__RACE_WHOLE;
    for (size_t i = 0; i < request->n_instances; i++)
        opro__race_take(&work->racer->race, (size_t)request->instances[i], scores[i]);
    return opro__race_verdict(&work->racer->race);
}
