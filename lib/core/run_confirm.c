/* SPDX-License-Identifier: MIT */
/*
 * What follows a search: the confirm stage, or the stop. The stage is a batch behind all others,
 * whose work is on candidates that have their numbers already. It goes in rounds (the stages of
 * confirm.h): everybody who is in is asked for the scores of the next instances that are not known
 * yet, all at once; when all answers are there, the worse ones are out. Which candidates enter, and
 * who is asked for what, depends on the trajectory alone, not on the order of answers.
 */
#include <math.h>
#include <string.h>

#include "interval.h"
#include "run.h"

/* ---- the reservation ------------------------------------------------------------------------- */

/* The most that the stage uses when so many enter. */
static opro__amounts most_of(const opro_run *run, size_t entered) {
    return opro__amounts_add((opro__amounts){0}, run->budget.call,
                             opro__confirm_most(entered, run->problem->validation));
}

/* A budget must hold the stage, and what there is to be confirmed. */
static opro_status check_room(opro_run *run, const char *option, int64_t max, int64_t stage,
                              int64_t first) {
    if (opro__sum(stage, first) <= max) return OPRO_OK;
    return opro__fail(
        &run->err, OPRO_ERR_INVALID,
        "%s is %lld, but %s at least %lld, and the confirm stage up to %lld; raise it "
        "to %lld or more, or set confirm to off",
        option, (long long)max,
        run->trajectory.met ? "the initial solutions take" : "a candidate takes", (long long)first,
        (long long)stage, (long long)opro__sum(stage, first));
}

opro_status opro__confirm_reserve(opro_run *run) {
    const opro__budget *b = &run->budget;
    int64_t calls = opro__step_calls(run, -1), initial = run->trajectory.met;
    opro__amounts stage, first;
    opro_status st;

    if (OPRO__INT(&run->options, CONFIRM) != OPRO_CONFIRM_ON) return OPRO_OK;
    first = opro__amounts_add((opro__amounts){0}, b->call, calls);
    if (initial) first = opro__amounts_add((opro__amounts){0}, first, initial);
    stage = most_of(run, OPRO__CONFIRM_MOST);
    st = check_room(run, "max_scorer_calls", b->max.calls, stage.calls, first.calls);
    if (st == OPRO_OK)
        st = check_room(run, "max_tokens", b->max.tokens, stage.tokens, first.tokens);
    if (st == OPRO_OK) st = check_room(run, "max_cost", b->max.cost, stage.cost, first.cost);
    if (st != OPRO_OK) return st;
    run->to_confirm = stage;
    opro__budget_reserve(&run->budget, stage);
    return OPRO_OK;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* A candidate's score of a validation instance; NaN: not known. */
static double score_of(const opro__candidate *c, int64_t instance) {
    size_t n;
    const double *known = opro__candidate_known(c, 1, &n);

    return (size_t)instance < n ? known[instance] : NAN;
}

/* What is not known of a candidate's scores on some instances is wanted. 1 if there is any. */
static int want(opro__confirming *confirming, opro__work *work, size_t from, size_t to) {
    int64_t *wanted = confirming->order + confirming->confirm.n_fresh + confirming->n_wanted;
    size_t n = 0;

    for (size_t k = from; k < to; k++)
        if (isnan(score_of(work->candidate, confirming->order[k])))
            wanted[n++] = confirming->order[k];
    if (!n) return 0;
    work->wanted = wanted;
    work->n_wanted = n;
    work->state = OPRO__WORK_CONFIRM;
    confirming->n_wanted += n;
    return 1;
}

static void begin_round(opro_run *run, opro__batch *batch, size_t from, size_t to) {
    const opro__confirm *confirm = &batch->confirming->confirm;
    int32_t overdrawn = opro__budget_overdrawn(&run->budget);
    int any = 0;

    for (size_t i = 0; i < confirm->n_in; i++)
        any |= want(batch->confirming, batch->work[confirm->in[i].number], from, to);
    batch->next_score = 0;
    if (any && overdrawn != OPRO_STOP_NONE) opro__run_halt(run, overdrawn);
}

/* 1 if scores are missing that may still come. */
static int in_round(const opro__batch *batch) {
    for (size_t i = 0; i < batch->n_work; i++)
        if (batch->work[i]->state == OPRO__WORK_CONFIRM) return 1;
    return 0;
}

/* Everybody's scores are there, or will not come. */
static void end_round(opro__batch *batch, size_t from, size_t to) {
    opro__confirm *confirm = &batch->confirming->confirm;

    for (size_t i = 0; i < confirm->n_in; i++) {
        const opro__candidate *c = batch->work[confirm->in[i].number]->candidate;
        double sum = 0;

        for (size_t k = from; k < to; k++)
            sum += score_of(c, batch->confirming->order[k]);
        if (isnan(sum))
            opro__confirm_fail(confirm, i);
        else
            opro__confirm_score(confirm, i, sum);
    }
    opro__confirm_cut(confirm);
}

/* It is decided. Without a winner, since nobody could be scored, the best in training stays it. */
static void conclude(opro_run *run, const opro__batch *batch) {
    const opro__confirm *confirm = &batch->confirming->confirm;
    const opro__contender *winner = opro__confirm_winner(confirm);

    opro__failures_count(run, batch);
    if (winner) {
        run->winner = batch->work[winner->number]->candidate->number;
        run->confirmed = (int64_t)confirm->begun;
    }
    opro__run_halt(run,
                   !winner && opro__failures_too_many(run) ? OPRO_STOP_FAILURES : run->search_over);
}

/* Go on as far as scores are known. */
static void advance(opro_run *run, opro__batch *batch) {
    const opro__confirm *confirm = &batch->confirming->confirm;
    size_t from, to;

    while (run->stop_reason == OPRO_STOP_NONE && !in_round(batch)) {
        if (opro__confirm_next(confirm, &from, &to)) end_round(batch, from, to);
        if (opro__confirm_next(confirm, &from, &to))
            begin_round(run, batch, from, to);
        else
            conclude(run, batch);
    }
}

/* ---- beginning ------------------------------------------------------------------------------- */

/* 1 if the search has ended in a way after which there is something to confirm, and a budget. */
static int is_wanted(const opro_run *run) {
    if (OPRO__INT(&run->options, CONFIRM) != OPRO_CONFIRM_ON) return 0;
    switch (run->search_over) {
    case OPRO_STOP_FAILURES: return 0;
    case OPRO_STOP_TOKENS: return run->to_confirm.tokens > 0;
    case OPRO_STOP_COST: return run->to_confirm.cost > 0;
    default: return 1;
    }
}

/* The candidates, the order of the instances, and room for all that can be wanted. */
static opro_status fill(opro_run *run, opro__batch *batch, const opro__candidate **best, size_t n) {
    const opro_problem *problem = run->problem;
    size_t fresh = problem->validation, wanted = (size_t)opro__confirm_most(n, fresh);
    opro__confirming *c = opro__alloc(&run->mem, sizeof *c + (fresh + wanted) * sizeof *c->order);
    opro__work *work;
    opro_status st = OPRO_OK;

    if (!c) return OPRO_ERR_NOMEM;
    batch->confirming = c;
    c->n_wanted = 0;
    opro__race_order(c->order, fresh, (uint64_t)OPRO__INT(&run->options, SEED), 0);
    opro__confirm_begin(&c->confirm, problem->train, fresh, problem->direction == OPRO_MINIMIZE);
    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        opro__confirm_enter(&c->confirm, (int64_t)i, best[i]->score);
        st = opro__batch_add(run, batch, opro__trajectory_at(&run->trajectory, best[i]->number),
                             best[i]->sample, i, OPRO__WORK_COMMITTED, &work);
    }
    return st;
}

static opro_status tell(opro_run *run, const opro__batch *batch) {
    opro_event event = opro__run_event(OPRO_EVENT_CONFIRM, batch->step);

    event.reason = run->search_over;
    event.detail = opro_stop_reason_name(run->search_over);
    event.detail_len = strlen(event.detail);
    opro__say(&run->guard, run->log, OPRO_LOG_INFO, "run",
              "the search has ended: %s; confirming the best %zu", event.detail, batch->n_work);
    return opro__run_tell(run, &event);
}

static opro_status begin(opro_run *run, const opro__candidate **best, size_t n) {
    opro__batch *batch = opro__batch_new(run, run->next_step, 0);
    size_t from, to;
    opro_status st = batch ? fill(run, batch, best, n) : OPRO_ERR_NOMEM;

    if (st == OPRO_OK && !opro__trajectory_figures(&run->trajectory, batch->step))
        st = OPRO_ERR_NOMEM;
    if (st != OPRO_OK) {
        if (batch) opro__batch_free(run, batch);
        return st;
    }
    opro__budget_release(&run->budget, run->to_confirm);
    run->to_confirm = (opro__amounts){0};
    batch->held = most_of(run, n);
    opro__budget_reserve(&run->budget, batch->held);
    opro__batch_enqueue(run, batch);
    st = tell(run, batch);
    if (st == OPRO_OK && opro__confirm_next(&batch->confirming->confirm, &from, &to))
        begin_round(run, batch, from, to);
    return st;
}

/* The search is over. Steps that are cut short by that have ended too. */
static opro_status end_search(opro_run *run) {
    const opro__candidate *best[OPRO__CONFIRM_MOST];
    size_t n = 0;
    opro_status st = OPRO_OK;

    if (is_wanted(run)) {
        st = opro__batches_wind_up(run);
        n = opro__run_best(run, 0, best, OPRO__CONFIRM_MOST);
    }
    if (st != OPRO_OK) return st;
    if (!n || run->stop_wanted) {
        opro__run_halt(run, run->search_over);
        return OPRO_OK;
    }
    run->trajectory.steps = run->steps_ended = run->next_step;
    return begin(run, best, n);
}

static int confirms(const opro_run *run) {
    return run->batches && run->batches->confirming;
}

opro_status opro__run_advance(opro_run *run) {
    opro_status st = OPRO_OK;

    if (run->search_over == OPRO_STOP_NONE) st = opro__batches_advance(run);
    if (st != OPRO_OK || run->search_over == OPRO_STOP_NONE) return st;
    if (!confirms(run)) st = end_search(run);
    if (st == OPRO_OK && confirms(run)) advance(run, run->batches);
    return st;
}

/* ---- the winner ------------------------------------------------------------------------------ */

int64_t opro_run_winner(const opro_run *run) {
    return run->confirmed ? run->winner : run->trajectory.best;
}

int64_t opro_run_confirmed(const opro_run *run) {
    return run->confirmed;
}

/* Both intervals, if it is scored in full on both sets. */
static opro_status intervals_of(const opro__candidate *c, opro__interval *train,
                                opro__interval *validation) {
    size_t n;
    const double *known;
    opro_status st;

    if (!c || isnan(c->score) || isnan(c->validation)) return OPRO_ERR_INVALID;
    known = opro__candidate_known(c, 0, &n);
    st = opro__interval_of(known, n, train);
    known = opro__candidate_known(c, 1, &n);
    if (st == OPRO_OK) st = opro__interval_of(known, n, validation);
    if (st != OPRO_OK) return st;
    train->mean = c->score; /* to the last bit */
    validation->mean = c->validation;
    return OPRO_OK;
}

opro_status opro_run_gap(const opro_run *run, double *gap, double *low, double *high) {
    opro__interval train, validation, difference;
    opro_status st;

    if (!run || !gap || !low || !high) return OPRO_ERR_INVALID;
    st = intervals_of(opro__trajectory_at(&run->trajectory, opro_run_winner(run)), &train,
                      &validation);
    if (st != OPRO_OK) return st;
    difference = run->problem->direction == OPRO_MAXIMIZE
                     ? opro__interval_difference(train, validation)
                     : opro__interval_difference(validation, train);
    *gap = difference.mean;
    *low = difference.low;
    *high = difference.high;
    return OPRO_OK;
}
