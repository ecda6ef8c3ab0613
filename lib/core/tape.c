/* SPDX-License-Identifier: MIT */
#include "tape.h"

#include <stdlib.h>

#include "base/hash.h"
#include "run.h"

/* ---- keeping --------------------------------------------------------------------------------- */

/* There is no tape yet while entries are put back. */
static int keeps(const opro_run *run) {
    return run->taping.tape.ctx != NULL;
}

/*
 * Only what a host waits for has to be safe at once; a driver waits for a turn's answers together.
 */
static int can_wait(const opro_run *run, int kind) {
    if (kind == OPRO__ENTRY_STEP || kind == OPRO__ENTRY_TIME) return 1;
    return run->driven && kind >= OPRO__ENTRY_REPLY && kind <= OPRO__ENTRY_USAGE;
}

/* Whoever keeps it may log. */
static opro_status keep(opro_run *run, const opro__entry *entry, int soon, opro_error *err) {
    const opro__tape *tape = &run->taping.tape;
    opro_status st;

    opro__callback_begin(&run->guard, "the log callback of its journal");
    st = tape->write(tape->ctx, entry, soon, err);
    opro__callback_end(&run->guard);
    return st;
}

static opro_status write_entry(opro_run *run, const opro__entry *entry) {
    return keep(run, entry, can_wait(run, entry->kind), &run->err);
}

opro_status opro__run_write(opro_run *run, const opro__entry *entry) {
    if (!keeps(run)) return OPRO_OK;
    run->taping.wrote = 1;
    run->taping.last_stop = OPRO_STOP_NONE;
    return write_entry(run, entry);
}

static uint64_t request_digest(const opro_request *r) {
    uint64_t digest = opro__hash_add(opro__hash_add(0, (uint64_t)r->kind), (uint64_t)r->step);

    if (r->kind == OPRO_REQUEST_SCORE) {
        digest = opro__hash_add(digest, (uint64_t)r->set);
        digest = opro__hash_add_text(digest, r->text, r->text_len);
        for (size_t i = 0; i < r->n_instances; i++)
            digest = opro__hash_add(digest, (uint64_t)r->instances[i]);
        return digest;
    }
    digest = opro__hash_add(opro__hash_add(digest, r->samples), r->first);
    digest = opro__hash_add(opro__hash_add(digest, r->seed), (uint64_t)r->max_tokens);
    digest = opro__hash_add_real(digest, r->temperature);
    for (size_t i = 0; i < r->prompt->n; i++) {
        const opro__message *m = &r->prompt->messages[i];

        digest = opro__hash_add_text(opro__hash_add(digest, (uint64_t)m->role), m->text, m->len);
    }
    return digest;
}

opro_status opro__run_write_request(opro_run *run, const opro_request *request) {
    int scores = request->kind == OPRO_REQUEST_SCORE;
    opro__entry entry = {.kind = OPRO__ENTRY_REQUEST,
                         .how = request->kind,
                         .number = request->set,
                         .id = request->id,
                         .index = request->first,
                         .step = request->step,
                         .now = run->now,
                         .text = request->text,
                         .len = request->text_len,
                         .n = scores ? request->n_instances : request->samples};

    if (!keeps(run)) return OPRO_OK;
    entry.digest = request_digest(request);
    return opro__run_write(run, &entry);
}

opro_status opro__run_write_step(opro_run *run) {
    opro__taping *taping = &run->taping;
    opro__entry entry = {.kind = OPRO__ENTRY_STEP, .step = run->steps_ended - 1};

    if (!keeps(run) || !taping->wrote) return OPRO_OK;
    taping->wrote = 0;
    if (taping->marked == run->steps_ended || run->stop_wanted) return OPRO_OK;
    taping->marked = run->steps_ended;
    entry.digest = opro__run_state(run);
    return write_entry(run, &entry);
}

/* The run has stopped in any case; that this is not kept costs nothing when it goes on. */
void opro__run_write_stop(opro_run *run) {
    opro__taping *taping = &run->taping;
    opro__entry entry = {.kind = OPRO__ENTRY_STOP,
                         .number = run->stop_wanted ? OPRO_STOP_HOST : run->stop_reason,
                         .step = run->next_step - 1,
                         .now = run->now,
                         .text = run->failure.message,
                         .len = run->failure.len};
    opro_error err;

    if (!keeps(run) || run->stop_reason == OPRO_STOP_NONE) return;
    if (taping->last_stop == entry.number) return;
    taping->last_stop = entry.number;
    entry.digest = opro__run_state(run);
    keep(run, &entry, 0, &err);
}

opro_status opro__run_tick(opro_run *run, int64_t now) {
    const opro__tape *tape = &run->taping.tape;
    opro_status st;

    if (!keeps(run)) return OPRO_OK;
    opro__callback_begin(&run->guard, "the log callback of its journal");
    st = tape->tick(tape->ctx, now, &run->err);
    opro__callback_end(&run->guard);
    return st;
}

opro_status opro__run_flush(opro_run *run) {
    const opro__tape *tape = &run->taping.tape;
    opro_status st;

    if (!keeps(run) || run->stop_reason != OPRO_STOP_NONE) return OPRO_OK;
    opro__callback_begin(&run->guard, "the log callback of its journal");
    st = tape->flush(tape->ctx, &run->err);
    opro__callback_end(&run->guard);
    return st == OPRO_OK ? st : opro__run_finish(run, st);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Both may be anything: no overflow. */
static int64_t shifted(int64_t now_ms, int64_t shift) {
    return (int64_t)((uint64_t)now_ms + (uint64_t)shift);
}

int64_t opro__run_clock_peek(const opro_run *run, int64_t now_ms) {
    const opro__taping *taping = &run->taping;

    if (!taping->resumed) return now_ms;
    return taping->shifted ? shifted(now_ms, taping->clock_shift) : run->now;
}

int64_t opro__run_clock(opro_run *run, int64_t now_ms) {
    opro__taping *taping = &run->taping;

    if (taping->resumed && !taping->shifted) {
        taping->clock_shift = (int64_t)((uint64_t)run->now - (uint64_t)now_ms);
        taping->shifted = 1;
    }
    return opro__run_clock_peek(run, now_ms);
}

/* ---- asking again ---------------------------------------------------------------------------- */

static int in_order(const void *a, const void *b) {
    const opro_request *x = *(opro_request *const *)a, *y = *(opro_request *const *)b;

    return x->turn < y->turn ? -1 : x->turn > y->turn;
}

/*
 * What is open was asked by a process that is gone: it is asked again, as if for the first time but
 * for the replies that are there. Until then it has no deadline.
 */
static opro_status reopen(opro_run *run) {
    opro__taping *taping = &run->taping;
    size_t n = run->n_open;
    opro_request **open;
    uint64_t *ids;

    opro__free(&run->mem, taping->again);
    taping->again = NULL;
    taping->n_again = taping->next_again = 0;
    if (!n) return OPRO_OK;
    open = opro__alloc(&run->mem, n * sizeof *open);
    ids = opro__alloc(&run->mem, n * sizeof *ids);
    if (!open || !ids) {
        opro__free(&run->mem, open);
        opro__free(&run->mem, ids);
        return opro__fail(&run->err, OPRO_ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++)
        open[i] = run->open[i];
    qsort(open, n, sizeof *open, in_order);
    for (size_t i = 0; i < n; i++) {
        ids[i] = open[i]->id;
        open[i]->again = 1;
        open[i]->given = 0;
        open[i]->deadline = INT64_MAX;
        open[i]->prompt_tokens = open[i]->reply_tokens = open[i]->cost = 0;
    }
    opro__free(&run->mem, open);
    taping->again = ids;
    taping->n_again = n;
    return OPRO_OK;
}

opro_status opro__run_ask_again(opro_run *run, opro_request **out) {
    opro__taping *taping = &run->taping;
    int64_t timeout = OPRO__INT(&run->options, REQUEST_TIMEOUT_MS);
    opro__entry entry = {.kind = OPRO__ENTRY_AGAIN, .now = run->now};
    opro_request *request = NULL;

    while (!request && taping->next_again < taping->n_again)
        request = opro__run_find(run, taping->again[taping->next_again++]);
    *out = request;
    if (!request) return OPRO_OK;
    request->deadline = timeout && run->now <= INT64_MAX - timeout ? run->now + timeout : INT64_MAX;
    entry.id = request->id;
    return opro__run_write(run, &entry);
}

int opro__run_asked_again(const opro_run *run, uint64_t id) {
    for (size_t i = 0; i < run->taping.n_again; i++)
        if (run->taping.again[i] == id) return 1;
    return 0;
}

/* ---- putting back ---------------------------------------------------------------------------- */

void opro__run_replay_begin(opro_run *run) {
    run->taping.replaying = 1;
}

void opro__run_replay_end(opro_run *run) {
    opro__taping *taping = &run->taping;

    taping->replaying = 0;
    taping->wrote = 0;
    taping->marked = run->steps_ended;
    taping->resumed = run->begun;
}

static opro_status differs(opro_run *run, const char *what) {
    return opro__fail(&run->err, OPRO_ERR_FAILED,
                      "%s; do the callbacks of the problem depend on more than they are given, or "
                      "is a limit tighter than it was?",
                      what);
}

/* The same request has to be handed out as then. */
static opro_status replay_request(opro_run *run, const opro__entry *entry) {
    opro_request *request = NULL;
    opro_status st = opro__run_next(run, entry->now, &request);

    if (st < 0) return st;
    if (st == OPRO_DONE) return differs(run, "a request was handed out, where the run now stops");
    if (st != OPRO_OK) return differs(run, "a request was handed out, where the run now waits");
    if (request->id != entry->id || (entry->kind == OPRO__ENTRY_REQUEST &&
                                     (request->again || request_digest(request) != entry->digest)))
        return differs(run, "another request was handed out than now");
    return OPRO_OK;
}

static opro_status replay_reply(opro_run *run, const opro__entry *e) {
    switch (e->how) {
    case OPRO__ANSWER_REPLY:
        return opro_run_answer_reply(run, e->id, e->index, e->origin, e->text, e->len);
    case OPRO__ANSWER_TRUNCATED:
        return opro_run_answer_truncated(run, e->id, e->index, e->origin, e->text, e->len);
    case OPRO__ANSWER_REFUSED:
        return opro_run_answer_refused(run, e->id, e->index, e->origin, e->text, e->len);
    default: return opro_run_answer_solution(run, e->id, e->index, e->origin, e->text, e->len);
    }
}

/* A stop that the host or an error made says nothing of the state: it came in the middle. */
static opro_status replay_stop(opro_run *run, const opro__entry *entry) {
    int by_itself = entry->number != OPRO_STOP_HOST && entry->number != OPRO_STOP_ERROR;

    run->taping.last_stop = by_itself ? entry->number : OPRO_STOP_NONE;
    return OPRO_OK;
}

static opro_status replay_step(opro_run *run, const opro__entry *entry) {
    return opro__run_state(run) == entry->digest ? OPRO_OK
                                                 : differs(run, "a step came out otherwise");
}

static opro_status replay(opro_run *run, const opro__entry *e) {
    switch (e->kind) {
    case OPRO__ENTRY_TIME: return opro__run_take_time(run, e->now);
    case OPRO__ENTRY_REQUEST:
    case OPRO__ENTRY_AGAIN: return replay_request(run, e);
    case OPRO__ENTRY_REPLY: return replay_reply(run, e);
    case OPRO__ENTRY_SCORES: return opro_run_answer_scores(run, e->id, e->scores, e->n);
    case OPRO__ENTRY_ERROR: return opro_run_answer_error(run, e->id, e->number, e->text, e->len);
    case OPRO__ENTRY_FEEDBACK: return opro_run_answer_feedback(run, e->id, e->text, e->len);
    case OPRO__ENTRY_USAGE:
        return opro_run_answer_usage(run, e->id, e->usage[0], e->usage[1], e->usage[2]);
    case OPRO__ENTRY_STEP: return replay_step(run, e);
    case OPRO__ENTRY_RESUME: return reopen(run);
    default: return replay_stop(run, e);
    }
}

opro_status opro__run_replay(opro_run *run, const opro__entry *entry) {
    opro_status st;

    if (entry->kind != OPRO__ENTRY_STOP) run->taping.last_stop = OPRO_STOP_NONE;
    st = replay(run, entry);
    return st < 0 && run->stop_reason == OPRO_STOP_NONE ? opro__run_finish(run, st) : st;
}

opro_status opro__run_set_tape(opro_run *run, const opro__tape *tape) {
    opro__entry entry = {.kind = OPRO__ENTRY_RESUME};
    opro_status st;

    run->taping.tape = *tape;
    if (!run->n_open) return OPRO_OK;
    st = opro__run_write(run, &entry);
    if (st == OPRO_OK) st = reopen(run);
    run->taping.wrote = 0;
    return st == OPRO_OK ? st : opro__run_finish(run, st);
}
