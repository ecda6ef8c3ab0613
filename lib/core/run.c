/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

/* ---- making ---------------------------------------------------------------------------------- */

static opro_status make_instances(opro_run *run) {
    size_t train = run->problem->train, validation = run->problem->validation;
    size_t n = train > validation ? train : validation;

    run->instances = opro__alloc(&run->mem, n * sizeof *run->instances);
    if (!run->instances) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        run->instances[i] = (int64_t)i;
    return OPRO_OK;
}

void opro__options_settle(opro__options *options, const opro_problem *problem) {
    int confirms = problem->sampled && problem->validation;

    if (OPRO__INT(options, RACE) == OPRO_RACE_AUTO)
        OPRO__INT(options, RACE) = problem->sampled ? OPRO_RACE_RECOMMENDED : OPRO_RACE_OFF;
    if (OPRO__INT(options, CONFIRM) == OPRO_CONFIRM_AUTO)
        OPRO__INT(options, CONFIRM) = confirms ? OPRO_CONFIRM_ON : OPRO_CONFIRM_OFF;
}

/* Options that make no sense together, or for this problem. */
static opro_status check_options(opro_run *run) {
    int64_t wanted = OPRO__INT(&run->options, STEADY_SAMPLES);

    if (OPRO__INT(&run->options, MODE) == OPRO_MODE_STEADY &&
        wanted > OPRO__INT(&run->options, STEADY_CANDIDATES))
        return opro__fail(&run->err, OPRO_ERR_INVALID,
                          "steady_samples (%lld) is more than steady_candidates (%lld)",
                          (long long)wanted,
                          (long long)OPRO__INT(&run->options, STEADY_CANDIDATES));
    if (OPRO__INT(&run->options, STEPS) > INT32_MAX)
        return opro__fail(&run->err, OPRO_ERR_INVALID, "steps: at most %d", INT32_MAX);
    if (OPRO__INT(&run->options, CONFIRM) == OPRO_CONFIRM_ON && !run->problem->validation)
        return opro__fail(&run->err, OPRO_ERR_INVALID,
                          "confirm is on, but the problem has no validation instances; see "
                          "opro_problem_set_instances(), or set confirm to off");
    return OPRO_OK;
}

static opro_status admit_initial(opro_run *run) {
    opro_status st = OPRO_OK;

    for (size_t i = 0; i < run->problem->n_initial && st == OPRO_OK; i++) {
        const opro__text *text = &run->problem->initial[i];
        opro__candidate *c;

        st = opro__admit_start(run, text->s, text->len, OPRO_FLAG_INITIAL, &c);
    }
    return st;
}

static opro_status build(opro_run *run, opro_problem *problem, const opro_config *config) {
    opro_status st;

    run->problem = opro__problem_share(problem);
    run->log = opro__config_log(config);
    opro__options_copy(&run->options, config);
    opro__options_settle(&run->options, problem);
    run->mem.limit = (size_t)OPRO__INT(&run->options, MEMORY_LIMIT);
    run->best_step = run->winner = -1;
    run->next_id = 1;
    opro__budget_init(&run->budget, &run->options);
    opro__map_init(&run->open_ids, &run->mem);
    opro__map_init(&run->issued, &run->mem);
    opro__reply_init(&run->reply, &run->mem);
    for (int i = 0; i < OPRO__SCRATCH; i++)
        opro__buf_init(&run->scratch[i], &run->mem, 4 * OPRO__REPLY_MAX);
    run->trajectory.belongs_to_run = 1;
    st = opro__trajectory_init(&run->trajectory, &run->mem, problem->direction,
                               (int32_t)OPRO__INT(&run->options, DEDUP),
                               (size_t)OPRO__INT(&run->options, SHOWN_SOLUTIONS));
    if (st == OPRO_OK) st = check_options(run);
    if (st == OPRO_OK) st = make_instances(run);
    if (st == OPRO_OK)
        st = opro__meta_prompt_new(&run->meta_prompt, run->problem, config, &run->mem.allocator,
                                   &run->err);
    if (st == OPRO_OK) st = admit_initial(run);
    if (st == OPRO_OK) st = opro__confirm_reserve(run);
    return st;
}

opro_status opro_run_new(opro_run **out, opro_problem *problem, const opro_config *config,
                         const opro_allocator *mem) {
    opro__mem own;
    opro_run *run;
    int frozen;
    opro_status st;

    if (!out || !problem) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    run = opro__calloc(&own, 1, sizeof *run);
    if (!run) return opro__fail(&problem->err, OPRO_ERR_NOMEM, "out of memory");
    run->mem = own;
    frozen = atomic_load(&problem->frozen);
    opro__problem_share(problem); /* its callbacks may free the caller's */
    st = build(run, problem, config);
    if (st != OPRO_OK) {
        if (run->err.status != st)
            opro__fail(&run->err, st, "%s", st == OPRO_ERR_NOMEM ? "out of memory" : "failed");
        opro__log_say(run->log, OPRO_LOG_ERROR, "run", "no run was made: %s: %s",
                      opro_status_name(st), run->err.message);
        opro__err_copy(&problem->err, &run->err);
        opro_run_free(run);
        opro__problem_unshare(problem, frozen);
        return st;
    }
    opro_problem_free(problem);
    *out = run;
    return OPRO_OK;
}

void opro_run_free(opro_run *run) {
    opro__mem mem;

    if (!run || !opro__may_free(&run->guard, OPRO__CALL_opro_run_free) || run->driven) return;
    opro__guard_close(&run->guard);
    while (run->n_open)
        opro__run_close(run, run->open[run->n_open - 1]);
    opro__run_sweep(run);
    opro__free(&run->mem, run->open);
    while (run->batches) {
        opro__batch *next = run->batches->next;

        opro__batch_free(run, run->batches);
        run->batches = next;
    }
    opro__map_free(&run->open_ids);
    opro__map_free(&run->issued);
    opro__free(&run->mem, run->issued_ids);
    opro__free(&run->mem, run->instances);
    opro__free(&run->mem, run->taping.again);
    opro__reply_free(&run->reply);
    for (int i = 0; i < OPRO__SCRATCH; i++)
        opro__buf_free(&run->scratch[i]);
    opro__trajectory_clear(&run->trajectory);
    opro__meta_prompt_release(run->meta_prompt);
    opro__hook_clear(&run->observer);
    opro__log_free(run->log);
    opro_problem_free(run->problem);
    if (run->taping.tape.ctx) run->taping.tape.release(run->taping.tape.ctx);
    mem = run->mem;
    opro__free(&mem, run);
}

const opro_error *opro_run_error(const opro_run *run) {
    return &run->err;
}

/* ---- before it begins ------------------------------------------------------------------------ */

static opro_status not_begun(opro_run *run) {
    if (run->begun)
        return opro__fail(&run->err, OPRO_ERR_STATE,
                          "the run has begun; do this before opro_run_next()");
    if (run->taping.tape.ctx)
        return opro__fail(&run->err, OPRO_ERR_STATE,
                          "the run has a journal; do this before opro_run_resume()");
    return OPRO_OK;
}

opro_status opro_run_set_meta_prompt(opro_run *run, opro_meta_prompt *meta_prompt) {
    opro_status st;

    if (!run || !meta_prompt) return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_set_meta_prompt);
    if (st == OPRO_OK) st = not_begun(run);
    if (st != OPRO_OK) return st;
    if (opro__meta_prompt_problem(meta_prompt) != run->problem)
        return opro__fail(&run->err, OPRO_ERR_INVALID,
                          "the meta-prompt builder is for another problem");
    opro__meta_prompt_share(meta_prompt);
    opro__meta_prompt_release(run->meta_prompt);
    run->meta_prompt = meta_prompt;
    return OPRO_OK;
}

static opro_status in_range(opro_run *run, int64_t number, double score) {
    double low = run->problem->low, high = run->problem->high;

    if (isnan(low) || isnan(score) || (score >= low && score <= high)) return OPRO_OK;
    return opro__fail(&run->err, OPRO_ERR_INVALID,
                      "candidate %lld has the score %s, outside the problem's range",
                      (long long)number, opro__quote_real(score).text);
}

/* Its scores per instance of a set (0 train, 1 validation) if there are as many as here. */
static const double *scores_for(const opro_run *run, const opro__candidate *c, int set) {
    size_t have, n = set ? run->problem->validation : run->problem->train;
    const double *known = opro__candidate_known(c, set, &have);

    return have == n ? known : NULL;
}

static opro_status scores_fit(opro_run *run, const opro_trajectory *from, int64_t number) {
    const opro__candidate *c = opro__trajectory_at(from, number);
    opro_status st = in_range(run, number, c->score);

    for (int set = 0; set < 2; set++) {
        size_t n = set ? run->problem->validation : run->problem->train;
        const double *known = scores_for(run, c, set);

        for (size_t i = 0; known && i < n && st == OPRO_OK; i++)
            st = in_range(run, number, known[i]);
    }
    return st;
}

static opro_status copy_scores(opro_run *run, opro__candidate *to, const opro__candidate *from) {
    opro_status st = OPRO_OK;

    to->score = from->score;
    for (int set = 0; set < 2 && st == OPRO_OK; set++) {
        size_t n = set ? run->problem->validation : run->problem->train;
        const double *known = scores_for(run, from, set);

        if (!known) continue;
        if (set) to->validation = from->validation;
        if (n < 2) continue;
        st = opro__candidate_scores(&run->trajectory, to, set, n);
        if (st == OPRO_OK) memcpy(to->extra->scores[set], known, n * sizeof *known);
    }
    return st;
}

/*
 * Solutions that are also initial ones need no scoring any more; those that are not legal here
 * stay behind.
 */
static opro_status warm_one(opro_run *run, const opro_trajectory *from, int64_t number) {
    size_t len;
    const char *text = opro_trajectory_text(from, number, &len);
    opro__candidate *c = NULL;
    opro_status st = opro__admit_start(run, text, len, OPRO_FLAG_WARM, &c);

    if (st == OPRO_ERR_REJECTED) {
        opro__say(&run->guard, run->log, OPRO_LOG_WARNING, "run", "%s", run->err.message);
        opro__err_clear(&run->err);
        return OPRO_OK;
    }
    if (st != OPRO_OK || c->verdict) return st; /* it is there, from an earlier one */
    st = copy_scores(run, c, opro__trajectory_at(from, number));
    if (st != OPRO_OK) return st;
    c->flags |=
        (uint8_t)(OPRO_FLAG_WARM | (opro_trajectory_flags(from, number) & OPRO_FLAG_PARTIAL));
    c->verdict = OPRO_VERDICT_SCORED;
    opro__trajectory_commit(&run->trajectory, c);
    opro__run_see_scores(run, c);
    return OPRO_OK;
}

opro_status opro_run_warm_start(opro_run *run, const opro_trajectory *from) {
    opro_status st;

    if (!run || !from) return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_warm_start);
    if (st == OPRO_OK) st = not_begun(run);
    if (st == OPRO_OK && from->direction != run->problem->direction)
        st = opro__fail(&run->err, OPRO_ERR_INVALID, "the trajectory has the other direction");
    for (int64_t i = 0; i < from->count && st == OPRO_OK; i++)
        if (opro_trajectory_verdict(from, i) == OPRO_VERDICT_SCORED) st = scores_fit(run, from, i);
    if (st != OPRO_OK) return st;
    for (int64_t i = 0; i < from->count && st == OPRO_OK; i++)
        if (opro_trajectory_verdict(from, i) == OPRO_VERDICT_SCORED) st = warm_one(run, from, i);
    return opro__run_finish(run, st);
}

opro_status opro_run_set_observer(opro_run *run, opro_observer_fn fn, void *user_data,
                                  opro_destroy_fn destroy) {
    opro_status st;

    if (!run) return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_set_observer);
    if (st != OPRO_OK) return st;
    return opro__guard_set(&run->guard, &run->err, &run->observer, (opro__fn)fn, user_data,
                           destroy);
}

/* ---- stopping -------------------------------------------------------------------------------- */

opro_status opro_run_stop(opro_run *run) {
    opro_status st;

    if (!run) return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_stop);
    if (st != OPRO_OK) return st;
    run->stop_wanted = 1;
    return run->guard.depth || run->guard.serving ? OPRO_OK : opro__run_finish(run, OPRO_OK);
}

int32_t opro_run_stop_reason(const opro_run *run) {
    return run->stop_reason;
}

const char *opro_stop_reason_name(int32_t reason) {
    switch (reason) {
    case OPRO_STOP_NONE: return "none";
    case OPRO_STOP_STEPS: return "steps";
    case OPRO_STOP_TARGET: return "target";
    case OPRO_STOP_PATIENCE: return "patience";
    case OPRO_STOP_PROPOSALS: return "proposals";
    case OPRO_STOP_SCORER_CALLS: return "scorer_calls";
    case OPRO_STOP_TOKENS: return "tokens";
    case OPRO_STOP_COST: return "cost";
    case OPRO_STOP_TIME: return "time";
    case OPRO_STOP_HOST: return "host";
    case OPRO_STOP_FAILURES: return "failures";
    case OPRO_STOP_ERROR: return "error";
    default: return "unknown";
    }
}

/* ---- looking --------------------------------------------------------------------------------- */

const opro_trajectory *opro_run_trajectory(const opro_run *run) {
    return &run->trajectory;
}

opro_problem *opro_run_problem(const opro_run *run) {
    return run->problem;
}

int64_t opro_run_step(const opro_run *run) {
    return run->batches ? run->batches->step : run->next_step - 1;
}

int64_t opro_run_count(const opro_run *run, int32_t counter) {
    const opro__budget *b = &run->budget;

    switch (counter) {
    case OPRO_COUNT_PROPOSALS: return b->used.proposals;
    case OPRO_COUNT_REPLIES: return run->replies;
    case OPRO_COUNT_SCORER_CALLS: return b->used.calls;
    case OPRO_COUNT_REJECTED: return run->rejected;
    case OPRO_COUNT_DUPLICATES: return run->duplicates;
    case OPRO_COUNT_FAILURES: return run->failures;
    case OPRO_COUNT_PROMPT_TOKENS: return run->prompt_tokens;
    case OPRO_COUNT_REPLY_TOKENS: return run->reply_tokens;
    case OPRO_COUNT_TOKENS: return b->used.tokens;
    case OPRO_COUNT_COST: return b->used.cost;
    case OPRO_COUNT_IN_FLIGHT: return (int64_t)run->n_open;
    case OPRO_COUNT_RESERVED_TOKENS: return b->reserved.tokens;
    case OPRO_COUNT_RESERVED_COST: return b->reserved.cost;
    case OPRO_COUNT_STALE: return run->stale;
    case OPRO_COUNT_MEMORY: return (int64_t)run->mem.used;
    default: return 0;
    }
}

/* A batch, whatever the order in which its replies came: sums of digests do not depend on it. */
static uint64_t batch_digest(const opro__batch *batch) {
    uint64_t digest = opro__hash_add(opro__hash_add(0, (uint64_t)batch->step), batch->waves);
    uint64_t total = 0;

    digest = opro__hash_bytes((const char *)batch->samples, batch->n_samples) ^ digest;
    if (batch->reference) digest = opro__hash_add(digest, batch->reference->number);
    for (size_t i = 0; i < batch->n_work; i++) {
        const opro__work *w = batch->work[i];
        uint64_t one = opro__hash_add(opro__candidate_digest(w->candidate), (uint64_t)w->state);

        one = opro__hash_add(one, w->sample);
        total += opro__hash_add(one, w->request != NULL);
    }
    for (int kind = 0; kind < 2; kind++)
        digest = opro__hash_add(opro__hash_add(digest, (uint64_t)batch->failed[kind]),
                                (uint64_t)batch->answered[kind]);
    return opro__hash_add(digest, total);
}

/* What open requests have used so far. */
static uint64_t usage_digest(const opro_run *run) {
    uint64_t total = 0;

    for (size_t i = 0; i < run->n_open; i++) {
        const opro_request *r = run->open[i];

        total += opro__hash_add(
            opro__hash_add(opro__hash_add(r->id, (uint64_t)r->prompt_tokens), (uint64_t)r->cost),
            (uint64_t)r->reply_tokens);
    }
    return total;
}

static uint64_t add_state(uint64_t digest, const opro_run *run) {
    const int64_t numbers[] = {run->next_step,
                               (int64_t)run->next_id,
                               run->budget.used.proposals,
                               run->budget.used.calls,
                               run->budget.used.tokens,
                               run->budget.used.cost,
                               run->budget.reserved.tokens,
                               run->budget.reserved.cost,
                               run->stop_reason,
                               run->search_over,
                               run->winner,
                               run->confirmed,
                               run->best_step,
                               run->failures_in_a_row[0],
                               run->failures_in_a_row[1],
                               run->failures,
                               run->replies,
                               run->rejected,
                               run->duplicates,
                               run->prompt_tokens,
                               run->reply_tokens};

    digest = opro__hash_add(digest, opro_trajectory_hash(&run->trajectory));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        digest = opro__hash_add(digest, (uint64_t)numbers[i]);
    for (const opro__batch *b = run->batches; b; b = b->next)
        digest = opro__hash_add(digest, batch_digest(b));
    return opro__hash_add(digest, usage_digest(run));
}

uint64_t opro_run_state_hash(const opro_run *run) {
    uint64_t digest = opro__options_run_digest(&run->options);

    return add_state(opro__hash_add(digest, opro_problem_digest(run->problem)), run);
}

uint64_t opro__run_state(const opro_run *run) {
    return add_state(0, run);
}
