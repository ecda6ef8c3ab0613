/* SPDX-License-Identifier: MIT */
/*
 * Which request comes next: scores of the oldest batch first, then its samples, then another
 * batch.
 */
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "run.h"

/* ---- making requests ------------------------------------------------------------------------- */

/* Move a reservation from the batch to a request. */
static void take_reserved(opro__batch *batch, opro_request *request, opro__amounts amounts) {
    batch->held.tokens = opro__rest(batch->held.tokens, amounts.tokens);
    batch->held.cost = opro__rest(batch->held.cost, amounts.cost);
    request->reserved = (opro__amounts){0, 0, amounts.tokens, amounts.cost};
}

/* Proposals and scorer calls are used up when they are asked for. */
static void use_now(opro_run *run, opro__batch *batch, int64_t proposals, int64_t calls) {
    opro__amounts amounts = {proposals, calls, 0, 0};

    batch->held.proposals -= proposals;
    batch->held.calls -= calls;
    batch->proposals += proposals;
    batch->calls += calls;
    opro__budget_release(&run->budget, amounts);
    run->budget.used = opro__amounts_add(run->budget.used, amounts, 1);
}

static int needs_request(const opro__work *work) {
    return !work->request &&
           (work->state == OPRO__WORK_SCORE || work->state == OPRO__WORK_VALIDATE ||
            work->state == OPRO__WORK_CONFIRM);
}

static opro_status make_score(opro_run *run, opro__batch *batch, opro_request **out) {
    opro__work *work;
    opro_request *request;
    const int64_t *instances;
    size_t n;
    int32_t set;
    uint64_t id = 0;
    opro_status st;

    while (batch->next_score < batch->n_work && !needs_request(batch->work[batch->next_score]))
        batch->next_score++;
    if (batch->next_score == batch->n_work) return OPRO_WAIT;
    work = batch->work[batch->next_score];
    set = work->state == OPRO__WORK_SCORE ? OPRO_TRAIN : OPRO_VALIDATION;
    st = opro__work_instances(run, batch, work, set, &instances, &n);
    if (st == OPRO_OK)
        st =
            opro__run_issue_score_id(run, work->candidate, set, opro__work_taken(batch, work), &id);
    if (st != OPRO_OK) return st;
    request = opro__run_open(run, batch, OPRO_REQUEST_SCORE, id);
    if (!request) return OPRO_ERR_NOMEM;
    request->set = set;
    request->work = work;
    request->text = work->candidate->text;
    request->text_len = work->candidate->len;
    request->instances = instances;
    request->n_instances = n;
    work->request = request;
    take_reserved(batch, request,
                  opro__amounts_add((opro__amounts){0}, run->budget.call, (int64_t)n));
    use_now(run, batch, 0, (int64_t)n);
    *out = request;
    return OPRO_OK;
}

/* The first wanted samples that follow each other, at most a request's number of them. */
static size_t next_samples(const opro_run *run, opro__batch *batch, size_t *first) {
    size_t most = (size_t)OPRO__INT(&run->options, SAMPLES_PER_REQUEST);
    size_t n = 0;

    if (!most) most = batch->n_samples;
    while (batch->samples[batch->next_wanted] != OPRO__SAMPLE_WANTED)
        batch->next_wanted++;
    *first = batch->next_wanted;
    while (n < most && *first + n < batch->n_samples &&
           batch->samples[*first + n] == OPRO__SAMPLE_WANTED)
        batch->samples[*first + n++] = OPRO__SAMPLE_ASKED;
    return n;
}

/*
 * Seeds fit 32-bit signed integers, which is what servers take, with room for the samples of a
 * request.
 */
static uint64_t sampling_seed(const opro_run *run, const opro__batch *batch, size_t first) {
    opro__rng rng =
        opro__rng_make((uint64_t)OPRO__INT(&run->options, SEED), batch->step, OPRO__RNG_SAMPLING);

    rng.counter = (uint64_t)batch->waves << 32;
    return (opro__rng_next(&rng) >> 34) + first;
}

static opro_status make_propose(opro_run *run, opro__batch *batch, opro_request **out) {
    opro_request *request;
    size_t first;
    size_t n;

    if (!batch->wanted) return OPRO_WAIT;
    request = opro__run_open(run, batch, OPRO_REQUEST_PROPOSE, run->next_id);
    if (!request) return OPRO_ERR_NOMEM;
    run->next_id++;
    n = next_samples(run, batch, &first);
    batch->wanted -= n;
    batch->asked += n;
    request->prompt = &batch->prompt;
    request->samples = n;
    request->first = first;
    request->temperature = batch->temperature;
    request->max_tokens = OPRO__INT(&run->options, MAX_REPLY_TOKENS);
    request->seed = sampling_seed(run, batch, first);
    take_reserved(batch, request, opro__amounts_add((opro__amounts){0}, batch->reply, (int64_t)n));
    use_now(run, batch, (int64_t)n, 0);
    *out = request;
    return OPRO_OK;
}

/* From what is under way; OPRO_WAIT if there is nothing to ask for. */
static opro_status make_request(opro_run *run, opro_request **out) {
    opro_status st = OPRO_WAIT;

    for (opro__batch *b = run->batches; b && st == OPRO_WAIT; b = b->next)
        st = make_score(run, b, out);
    for (opro__batch *b = run->batches; b && st == OPRO_WAIT; b = b->next)
        st = make_propose(run, b, out);
    return st;
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Requests whose time is up have failed. */
static opro_status expire(opro_run *run) {
    for (size_t i = 0; i < run->n_open;) {
        opro_status st;

        if (run->open[i]->deadline > run->now) {
            i++;
            continue;
        }
        st = opro__run_fail_request(run, run->open[i], OPRO_ERR_TIMEOUT, "no answer in time", 17);
        if (st != OPRO_OK || run->stop_reason != OPRO_STOP_NONE) return st;
        i = 0; /* the order has changed */
    }
    return OPRO_OK;
}

static int out_of_time(const opro_run *run, int64_t now) {
    int64_t max = OPRO__INT(&run->options, MAX_TIME_MS);

    return max && (uint64_t)now - (uint64_t)run->started >= (uint64_t)max;
}

/* 1 if time makes a difference: the run begins, or a deadline is reached. */
static int time_counts(const opro_run *run, int64_t now) {
    if (!run->begun || out_of_time(run, now)) return 1;
    for (size_t i = 0; i < run->n_open; i++)
        if (run->open[i]->deadline <= now) return 1;
    return 0;
}

static opro_status take_time(opro_run *run, int64_t now) {
    opro__entry entry = {.kind = OPRO__ENTRY_TIME, .now = now};
    opro_status st;

    if (run->begun && now < run->now) now = run->now;
    st = opro__run_tick(run, now);
    if (st == OPRO_OK && time_counts(run, now)) {
        entry.now = now;
        st = opro__run_write(run, &entry);
    }
    if (st != OPRO_OK) return st;
    if (!run->begun) {
        st = opro__batch_begin_initial(run);
        if (st != OPRO_OK) return st;
        run->started = now;
    }
    run->now = now;
    run->begun = 1;
    if (out_of_time(run, now)) {
        opro__run_halt(run, OPRO_STOP_TIME);
        return OPRO_OK;
    }
    return expire(run);
}

opro_status opro__run_take_time(opro_run *run, int64_t now) {
    return opro__run_finish(run, take_time(run, now));
}

int64_t opro_run_timeout(const opro_run *run, int64_t now_ms) {
    int64_t max = OPRO__INT(&run->options, MAX_TIME_MS);
    int64_t at = INT64_MAX;

    now_ms = opro__run_clock_peek(run, now_ms);
    if (run->stop_reason != OPRO_STOP_NONE) return -1;
    if (max && run->begun && run->started <= INT64_MAX - max) at = run->started + max;
    for (size_t i = 0; i < run->n_open; i++)
        if (run->open[i]->deadline < at) at = run->open[i]->deadline;
    if (at == INT64_MAX) return -1;
    return at > now_ms ? at - now_ms : 0;
}

/* ---- next ------------------------------------------------------------------------------------ */

static opro_status next(opro_run *run, int64_t now_ms, opro_request **out) {
    int64_t ended = run->steps_ended;
    opro_status st = take_time(run, opro__run_clock(run, now_ms));
    int begun;

    /* What time has done is put back by itself: what follows does not belong to it. */
    if (st == OPRO_OK) st = opro__run_write_step(run);
    if (st == OPRO_OK && run->stop_reason == OPRO_STOP_NONE && !run->stop_wanted)
        st = opro__run_ask_again(run, out);
    if (st != OPRO_OK || *out) return st;
    while (st == OPRO_OK && run->stop_reason == OPRO_STOP_NONE && !run->stop_wanted) {
        if (run->driven && !run->taping.replaying && run->steps_ended != ended)
            return OPRO_WAIT; /* that is news */
        if (run->n_open >= (size_t)OPRO__INT(&run->options, MAX_IN_FLIGHT)) return OPRO_WAIT;
        begun = 0;
        st = make_request(run, out);
        if (st == OPRO_OK) st = opro__run_write_request(run, *out);
        if (st != OPRO_WAIT) return st;
        st = opro__run_advance(
            run); /* a batch may be over without an answer: nothing in it could be asked for */
        if (st == OPRO_OK && run->search_over == OPRO_STOP_NONE)
            st = opro__batch_begin(run, &begun);
        if (st == OPRO_OK && !begun && run->n_open) return OPRO_WAIT;
    }
    return st == OPRO_OK && run->stop_reason != OPRO_STOP_NONE ? OPRO_DONE : st;
}

opro_status opro__run_next(opro_run *run, int64_t now_ms, opro_request **request) {
    opro_request *made = run->missed ? opro__run_find(run, run->missed) : NULL;
    opro_status st;

    run->missed = 0;
    opro__run_sweep(run);
    if (run->dead != OPRO_OK)
        return opro__fail(&run->err, run->dead, "the run ran out of memory before");
    if (run->stop_reason != OPRO_STOP_NONE) return OPRO_DONE;
    st = opro__run_finish(run, made ? OPRO_OK : next(run, now_ms, &made));
    if (run->stop_reason != OPRO_STOP_NONE) return st < 0 ? st : OPRO_DONE;
    if (st == OPRO_OK) *request = made;
    if (st < 0 && made) run->missed = made->id; /* a callback tried to free the run */
    return st;
}

opro_status opro_run_next(opro_run *run, int64_t now_ms, opro_request **request) {
    opro_request *next_request = NULL;
    opro_status st;

    if (!run || !request) return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_next);
    if (st != OPRO_OK) return st;
    if (run->driven)
        return opro__fail(&run->err, OPRO_ERR_STATE,
                          "a driver takes the requests of this run; call opro_driver_step()");
    st = opro__run_next(run, now_ms, &next_request);
    if (st == OPRO_OK) *request = next_request;
    return st;
}
