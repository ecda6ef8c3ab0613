/* SPDX-License-Identifier: MIT */
/*
 * Steps: begun with a meta-prompt and a reservation, moved on by answers, ended with figures and
 * the question whether to stop.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

static int steady(const opro_run *run) {
    return OPRO__INT(&run->options, MODE) == OPRO_MODE_STEADY;
}

static int target_reached(const opro_run *run) {
    double target = OPRO__REAL(&run->options, TARGET_SCORE);
    const opro__candidate *best = opro__trajectory_at(&run->trajectory, run->trajectory.best);

    return best && !isnan(target) && !opro__better(run->problem->direction, target, best->score);
}

/* ---- beginning ------------------------------------------------------------------------------- */

opro__batch *opro__batch_new(opro_run *run, int64_t step, size_t samples) {
    opro__batch *batch = opro__calloc(&run->mem, 1, sizeof *batch);

    if (!batch) return NULL;
    batch->step = step;
    batch->temperature = NAN;
    if (samples) {
        batch->samples = opro__calloc(&run->mem, samples, 1);
        if (!batch->samples) {
            opro__free(&run->mem, batch);
            return NULL;
        }
    }
    batch->n_samples = batch->wanted = samples;
    return batch;
}

/* Behind the others. */
void opro__batch_enqueue(opro_run *run, opro__batch *batch) {
    opro__batch **end = &run->batches;

    while (*end)
        end = &(*end)->next;
    *end = batch;
}

static opro_status begin_step(opro_run *run, opro__batch *batch) {
    opro_event event = opro__run_event(OPRO_EVENT_STEP_BEGUN, batch->step);

    if (!opro__trajectory_figures(&run->trajectory, batch->step)) return OPRO_ERR_NOMEM;
    return opro__run_tell(run, &event);
}

static int step_validates(const opro_run *run, int64_t step) {
    int64_t interval = OPRO__INT(&run->options, EVAL_INTERVAL);

    return run->problem->validation && interval && (step < 0 || step % interval == 0);
}

int64_t opro__step_calls(const opro_run *run, int64_t step) {
    const opro_problem *problem = run->problem;

    return (int64_t)problem->train + (step_validates(run, step) ? (int64_t)problem->validation : 0);
}

static double temperature(const opro_run *run, int64_t step) {
    double start = OPRO__REAL(&run->options, TEMPERATURE);
    int64_t steps = OPRO__INT(&run->options, STEPS);

    if (OPRO__INT(&run->options, TEMPERATURE_SCHEDULE) == OPRO_SCHEDULE_CONSTANT || !steps)
        return start;
    return start +
           (double)step / (double)steps * (OPRO__REAL(&run->options, TEMPERATURE_END) - start);
}

/*
 * Reserve for as many samples as the budgets allow, and for asking again. 0: none, and the reason
 * is set.
 */
static int64_t reserve_samples(opro_run *run, int64_t step, int64_t want, opro__amounts reply,
                               opro__amounts *held, int64_t *extra, int32_t *reason) {
    int64_t calls = OPRO__INT(&run->options, CANDIDATES_PER_REPLY) * opro__step_calls(run, step);
    opro__amounts unit = opro__amounts_add(reply, run->budget.call, calls);
    int64_t samples = opro__budget_afford(&run->budget, unit, want, reason);
    int32_t ignored = 0;

    if (!samples) return 0;
    *held = opro__amounts_add((opro__amounts){0}, unit, samples);
    opro__budget_reserve(&run->budget, *held);
    *extra = opro__budget_afford(&run->budget, reply,
                                 samples * OPRO__INT(&run->options, RESAMPLE_LIMIT), &ignored);
    unit = opro__amounts_add((opro__amounts){0}, reply, *extra);
    opro__budget_reserve(&run->budget, unit);
    *held = opro__amounts_add(*held, unit, 1);
    return samples;
}

static opro_status build_prompt(opro_run *run, int64_t step) {
    opro_status st;

    opro__callback_begin(&run->guard, "a callback of the builder");
    st = opro_meta_prompt_build(run->meta_prompt, &run->trajectory, step);
    opro__callback_end(&run->guard);
    return st == OPRO_OK ? st : opro__err_copy(&run->err, opro_meta_prompt_error(run->meta_prompt));
}

static opro_status tell_prompt(opro_run *run, const opro__batch *batch) {
    opro_event event = opro__run_event(OPRO_EVENT_META_PROMPT, batch->step);

    event.text = opro__prompt_text(&batch->prompt, &event.len);
    return opro__run_tell(run, &event);
}

/* How many samples of a batch will be asked for again, as it stands. */
static size_t to_ask_again(const opro_run *run, const opro__batch *batch) {
    if ((int64_t)batch->waves >= OPRO__INT(&run->options, RESAMPLE_LIMIT)) return 0;
    return (size_t)batch->extra < batch->barren ? (size_t)batch->extra : batch->barren;
}

/*
 * Steady mode: 1 if so many samples more would bring too many candidates to work on, at the
 * worst.
 */
static int too_many(const opro_run *run, int64_t want) {
    int64_t samples = want + (int64_t)run->samples_under_way;

    for (const opro__batch *b = run->batches; b; b = b->next)
        samples += (int64_t)to_ask_again(run, b);
    return samples * OPRO__INT(&run->options, CANDIDATES_PER_REPLY) + (int64_t)run->undecided >
           OPRO__INT(&run->options, STEADY_CANDIDATES);
}

/* A batch of at most want samples. The search is over if no budget is left for one. */
static opro_status begin_batch(opro_run *run, int64_t want) {
    int64_t step = run->next_step;
    int64_t reply_tokens = OPRO__INT(&run->options, MAX_REPLY_TOKENS);
    int32_t reason = OPRO_STOP_NONE;
    opro__amounts reply, held = {0};
    opro__batch *batch;
    int64_t samples, extra = 0;
    opro_status st = build_prompt(run, step);

    if (st != OPRO_OK) return st;
    reply = opro__budget_reply(
        &run->budget,
        opro__budget_counts_tokens(&run->budget) ? opro_meta_prompt_tokens(run->meta_prompt) : 0,
        reply_tokens);
    samples = reserve_samples(run, step, want, reply, &held, &extra, &reason);
    if (!samples) {
        if (!run->batches) run->search_over = reason;
        return OPRO_OK;
    }
    batch = opro__batch_new(run, step, (size_t)samples);
    st = batch ? opro__prompt_copy(&batch->prompt, run->meta_prompt, &run->mem) : OPRO_ERR_NOMEM;
    if (st != OPRO_OK) {
        opro__budget_release(&run->budget, held);
        if (batch) opro__batch_free(run, batch);
        return st;
    }
    batch->validates = step_validates(run, step);
    batch->reply = reply;
    batch->held = held;
    batch->extra = extra;
    batch->temperature = temperature(run, step);
    opro__batch_open_races(run, batch);
    run->next_step++;
    run->samples_under_way += (size_t)samples;
    opro__batch_enqueue(run, batch);
    st = begin_step(run, batch);
    return st == OPRO_OK ? tell_prompt(run, batch) : st;
}

opro_status opro__batch_begin(opro_run *run, int *begun) {
    int64_t steps = OPRO__INT(&run->options, STEPS);
    int64_t want = OPRO__INT(&run->options, SAMPLES_PER_STEP);
    const opro__batch *before = run->batches;
    int64_t step = run->next_step;
    opro_status st;

    *begun = 0;
    if (steady(run)) {
        want = OPRO__INT(&run->options, STEADY_SAMPLES);
        if (before && before->step < 0) return OPRO_OK; /* the initial solutions first */
        if (before && too_many(run, want)) return OPRO_OK;
    } else if (before) {
        return OPRO_OK;
    }
    if (steps && step >= steps) {
        if (!before) run->search_over = OPRO_STOP_STEPS;
        return OPRO_OK;
    }
    st = begin_batch(run, want);
    *begun = run->next_step > step;
    return st;
}

/* Work on initial solution i, which a budget may leave unscored. */
static opro_status begin_initial(opro_run *run, opro__batch *batch, opro__candidate *c, size_t i,
                                 int affordable) {
    opro__work *work;
    opro_status st = opro__batch_add(run, batch, c, i, 0, OPRO__WORK_SCORE, &work);
    opro_event event;

    if (st != OPRO_OK) return st;
    if (!affordable) {
        c->reason = OPRO_REASON_NOT_SCORED;
        batch->unscored++;
        opro__work_decide(run, batch, work, OPRO_VERDICT_FAILED);
        return OPRO_OK;
    }
    event = opro__candidate_event(OPRO_EVENT_ACCEPTED, work);
    return opro__run_tell(run, &event);
}

opro_status opro__batch_begin_initial(opro_run *run) {
    opro__amounts unit =
        opro__amounts_add((opro__amounts){0}, run->budget.call, opro__step_calls(run, -1));
    int32_t reason = OPRO_STOP_NONE;
    int64_t n = 0, affordable;
    opro__batch *batch;
    opro_status st;

    if (target_reached(run)) { /* by a warm start */
        run->search_over = OPRO_STOP_TARGET;
        return OPRO_OK;
    }
    for (uint32_t i = 0; i < run->trajectory.met; i++)
        n += opro__trajectory_met(&run->trajectory, i)->verdict == 0;
    if (!n) return OPRO_OK;
    batch = opro__batch_new(run, -1, 0);
    if (!batch) return OPRO_ERR_NOMEM;
    affordable = opro__budget_afford(&run->budget, unit, n, &reason);
    batch->held = opro__amounts_add((opro__amounts){0}, unit, affordable);
    opro__budget_reserve(&run->budget, batch->held);
    batch->validates = step_validates(run, -1);
    opro__batch_enqueue(run, batch);
    st = begin_step(run, batch);
    n = 0;
    for (uint32_t i = 0; i < run->trajectory.met && st == OPRO_OK; i++) {
        opro__candidate *c = opro__trajectory_met(&run->trajectory, i);

        if (c->verdict) continue; /* a warm start */
        st = begin_initial(run, batch, c, (size_t)n, n < affordable);
        n++;
    }
    return st;
}

/* ---- samples --------------------------------------------------------------------------------- */

void opro__sample_over(opro_run *run, opro__batch *batch, size_t sample) {
    batch->samples[sample] = OPRO__SAMPLE_OVER;
    batch->asked--;
    batch->barren++;
    run->samples_under_way--;
}

void opro__sample_fruitful(opro__batch *batch, size_t sample) {
    if (batch->samples[sample] == OPRO__SAMPLE_OVER) batch->barren--;
    batch->samples[sample] = OPRO__SAMPLE_FRUITFUL;
}

void opro__sample_deprive(opro__batch *batch, size_t sample) {
    for (size_t i = 0; i < batch->n_work; i++)
        if (batch->work[i]->sample == sample &&
            batch->work[i]->candidate->verdict != OPRO_VERDICT_REJECTED)
            return;
    if (batch->samples[sample] == OPRO__SAMPLE_FRUITFUL) batch->barren++;
    batch->samples[sample] = OPRO__SAMPLE_OVER;
}

/* ---- work ------------------------------------------------------------------------------------ */

opro_status opro__batch_add(opro_run *run, opro__batch *batch, opro__candidate *candidate,
                            size_t sample, uint64_t place, int state, opro__work **out) {
    opro__work *work = opro__alloc(&run->mem, sizeof *work);
    void *array = batch->work;

    if (!work) return OPRO_ERR_NOMEM;
    if (!opro__reserve(&run->mem, &array, &batch->cap_work, batch->n_work + 1,
                       sizeof(opro__work *))) {
        opro__free(&run->mem, work);
        return OPRO_ERR_NOMEM;
    }
    batch->work = array;
    *work = (opro__work){.candidate = candidate,
                         .sample = sample,
                         .at = batch->n_work,
                         .place = place,
                         .state = state};
    batch->work[batch->n_work++] = work;
    batch->undecided += state < OPRO__WORK_DECIDED;
    run->undecided += state < OPRO__WORK_DECIDED;
    *out = work;
    return OPRO_OK;
}

void opro__work_decide(opro_run *run, opro__batch *batch, opro__work *work, int verdict) {
    assert(work->state < OPRO__WORK_DECIDED);
    work->candidate->verdict = (uint8_t)verdict;
    work->state = OPRO__WORK_DECIDED;
    batch->undecided--;
    run->undecided--;
}

/* ---- committing ------------------------------------------------------------------------------ */

static void count_score(opro__figures *f, double score, int32_t direction) {
    double before = f->mean;

    f->scored++;
    f->mean += (score - before) / (double)f->scored;
    f->m2 += (score - before) * (score - f->mean);
    if (isnan(f->best) || opro__better(direction, score, f->best)) f->best = score;
}

/* Give a decided candidate its number. */
static opro_status commit(opro_run *run, opro__batch *batch, opro__work *work) {
    opro__candidate *c = work->candidate;
    opro__figures *f = opro__trajectory_figures(&run->trajectory, batch->step);
    int64_t best = run->trajectory.best;
    opro_event event;

    work->state = OPRO__WORK_COMMITTED;
    c->sample = (uint32_t)work->sample;
    opro__trajectory_commit(&run->trajectory, c);
    opro__run_see_scores(run, c);
    if (c->verdict == OPRO_VERDICT_SCORED) count_score(f, c->score, run->problem->direction);
    if (run->trajectory.best == best) return OPRO_OK;
    if (batch->step > run->best_step) run->best_step = batch->step;
    event = opro__candidate_event(OPRO_EVENT_NEW_BEST, work);
    return opro__run_tell(run, &event);
}

static int in_order(const void *a, const void *b) {
    const opro__work *x = *(opro__work *const *)a, *y = *(opro__work *const *)b;

    if (x->sample != y->sample) return x->sample < y->sample ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/*
 * By sample, whatever the order of answers. Only when nothing is left to be asked for: next_score
 * counts in this order.
 */
static void sort_work(opro__batch *batch) {
    if (batch->n_work) qsort(batch->work, batch->n_work, sizeof *batch->work, in_order);
    for (size_t i = 0; i < batch->n_work; i++)
        batch->work[i]->at = i;
}

/* Commit what is decided, in the order in which the work stands. */
static opro_status commit_decided(opro_run *run, opro__batch *batch) {
    opro_status st = OPRO_OK;

    for (size_t i = 0; i < batch->n_work; i++) {
        opro_status told = OPRO_OK;

        if (batch->work[i]->state == OPRO__WORK_DECIDED) told = commit(run, batch, batch->work[i]);
        if (st == OPRO_OK) st = told;
    }
    return st;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void write_figures(opro_run *run, const opro__batch *batch) {
    opro__figures *f = opro__trajectory_figures(&run->trajectory, batch->step);
    int64_t best = run->trajectory.best;

    f->proposals = batch->proposals;
    f->rejected = batch->rejected;
    f->duplicates = batch->duplicates;
    f->failed = batch->failed[0] + batch->failed[1] + batch->unscored;
    f->scorer_calls = batch->calls;
    f->prompt_tokens = batch->prompt_tokens;
    f->reply_tokens = batch->reply_tokens;
    f->cost = batch->cost;
    f->temperature = batch->temperature;
    f->best_so_far = best < 0 ? NAN : opro__trajectory_at(&run->trajectory, best)->score;
}

int opro__failures_too_many(const opro_run *run) {
    int64_t most = OPRO__INT(&run->options, MAX_FAILURES);
    const int64_t *in_a_row = run->failures_in_a_row;

    return most && (in_a_row[0] >= most || in_a_row[1] >= most);
}

/* Why the search should end now that a step has; OPRO_STOP_NONE to go on. */
static int32_t reason_to_end(const opro_run *run, int64_t step) {
    int64_t patience = OPRO__INT(&run->options, PATIENCE);

    if (target_reached(run)) return OPRO_STOP_TARGET;
    if (opro__failures_too_many(run)) return OPRO_STOP_FAILURES;
    if (patience && step - run->best_step >= patience) return OPRO_STOP_PATIENCE;
    return OPRO_STOP_NONE;
}

/*
 * Failures in a row, step by step, since within a step the order of answers does not count; and
 * by what was asked for: a scorer that never answers is not made up for by an optimizer that
 * does.
 */
void opro__failures_count(opro_run *run, const opro__batch *batch) {
    for (int kind = 0; kind < 2; kind++)
        run->failures_in_a_row[kind] =
            batch->answered[kind] ? 0 : run->failures_in_a_row[kind] + batch->failed[kind];
}

/* It is over; its prompt may still be looked at in a request. */
static void bury(opro_run *run, opro__batch *batch) {
    batch->next = run->ended;
    run->ended = batch;
}

/* Take a batch out, with its figures. */
static opro_status end_batch(opro_run *run, opro__batch *batch) {
    opro_event event = opro__run_event(OPRO_EVENT_STEP_ENDED, batch->step);
    opro__batch **at = &run->batches;
    opro_status st;

    sort_work(batch);
    st = commit_decided(run, batch);
    write_figures(run, batch);
    opro__budget_release(&run->budget, batch->held);
    opro__failures_count(run, batch);
    if (batch->step >= 0) run->trajectory.steps = ++run->steps_ended;
    while (*at != batch)
        at = &(*at)->next;
    *at = batch->next;
    if (st == OPRO_OK) st = opro__run_tell(run, &event);
    if (st == OPRO_OK) run->search_over = reason_to_end(run, batch->step);
    bury(run, batch);
    return st;
}

/* ---- moving on ------------------------------------------------------------------------------- */

/* Ask again for samples that gave no new candidate, while there is a reservation for it. */
static void ask_again(opro_run *run, opro__batch *batch) {
    size_t n = to_ask_again(run, batch);

    if (!n) return;
    for (size_t i = 0; batch->wanted < n; i++) {
        if (batch->samples[i] != OPRO__SAMPLE_OVER) continue;
        batch->samples[i] = OPRO__SAMPLE_WANTED;
        batch->wanted++;
    }
    batch->barren -= n;
    batch->extra -= (int64_t)n;
    batch->next_wanted = 0;
    run->samples_under_way += n;
    batch->waves++;
}

/*
 * When all training scores are in: send the scored ones to validation, in the order of the
 * samples.
 */
static void begin_validation(opro__batch *batch) {
    batch->validating = 1;
    sort_work(batch);
    batch->next_score = 0;
    for (size_t i = 0; i < batch->n_work; i++)
        if (batch->work[i]->state == OPRO__WORK_SCORED) batch->work[i]->state = OPRO__WORK_VALIDATE;
}

static size_t in_state(const opro__batch *batch, int state) {
    size_t n = 0;

    for (size_t i = 0; i < batch->n_work; i++)
        n += batch->work[i]->state == state;
    return n;
}

/* 1 if the batch is over. */
static int move_on(opro_run *run, opro__batch *batch) {
    if (batch->wanted || batch->asked) return 0;
    if (batch->n_samples) ask_again(run, batch);
    if (batch->wanted) return 0;
    if (batch->undecided && batch->validates && !batch->validating &&
        !in_state(batch, OPRO__WORK_SCORE))
        begin_validation(batch);
    return !batch->undecided;
}

opro_status opro__batches_advance(opro_run *run) {
    opro__batch *batch = run->batches;
    opro_status st = OPRO_OK;

    while (batch && st == OPRO_OK && run->search_over == OPRO_STOP_NONE) {
        opro__batch *next = batch->next;

        if (steady(run) && batch->step >= 0) st = commit_decided(run, batch);
        if (st == OPRO_OK && move_on(run, batch)) st = end_batch(run, batch);
        batch = next;
    }
    return st;
}

/* ---- the stop -------------------------------------------------------------------------------- */

/* What was not scored in time has failed. */
static void give_up(opro_run *run, opro__batch *batch) {
    for (size_t i = 0; i < batch->n_work; i++) {
        opro__work *work = batch->work[i];
        int scored = work->state == OPRO__WORK_SCORED || work->state == OPRO__WORK_VALIDATE;

        if (work->state >= OPRO__WORK_DECIDED) continue;
        if (!scored) work->candidate->reason = OPRO_REASON_NOT_SCORED;
        if (!scored) work->candidate->score = NAN;
        batch->unscored += !scored;
        opro__work_decide(run, batch, work, scored ? OPRO_VERDICT_SCORED : OPRO_VERDICT_FAILED);
    }
}

opro_status opro__batches_wind_up(opro_run *run) {
    opro_status st = OPRO_OK;

    while (run->n_open)
        opro__run_close(run, run->open[run->n_open - 1]);
    while (run->batches) {
        opro__batch *batch = run->batches;

        give_up(run, batch);
        if (run->trajectory.n_figures && opro__trajectory_figures(&run->trajectory, batch->step)) {
            opro_status told;

            sort_work(batch);
            told = commit_decided(run, batch);
            if (st == OPRO_OK) st = told;
            write_figures(run, batch);
        }
        opro__budget_release(&run->budget, batch->held);
        run->batches = batch->next;
        bury(run, batch);
    }
    run->samples_under_way = 0;
    return st;
}

void opro__run_halt(opro_run *run, int32_t reason) {
    opro_event event = opro__run_event(OPRO_EVENT_STOPPED, run->next_step - 1);

    if (run->stop_reason != OPRO_STOP_NONE) return;
    run->stop_reason = reason;
    opro__batches_wind_up(run);
    opro__budget_release(&run->budget, run->to_confirm);
    event.reason = reason;
    event.detail = opro_stop_reason_name(reason);
    event.detail_len = strlen(event.detail);
    opro__run_tell(run, &event);
    opro__say(&run->guard, run->log, OPRO_LOG_INFO, "run", "stopped: %s", event.detail);
}

opro_status opro__run_finish(opro_run *run, opro_status st) {
    opro_error error;

    if (st >= 0) {
        opro_status wrote = opro__run_write_step(run);

        if (wrote != OPRO_OK) st = wrote;
    }
    if (st < 0) {
        if (run->err.status != st)
            opro__fail(&run->err, st, "%s", st == OPRO_ERR_NOMEM ? "out of memory" : "failed");
        if (st == OPRO_ERR_NOMEM) run->dead = st;
        error = run->err;
        opro__say(&run->guard, run->log, OPRO_LOG_ERROR, "run", "%s", error.message);
        if (run->stop_reason == OPRO_STOP_NONE) run->failure = error;
        opro__run_halt(run, OPRO_STOP_ERROR);
        run->err = error; /* callbacks may have been told off meanwhile */
    } else if (run->stop_wanted) {
        opro__run_halt(run, OPRO_STOP_HOST);
    }
    opro__run_write_stop(run);
    return opro__leave(&run->guard, &run->err, st);
}
