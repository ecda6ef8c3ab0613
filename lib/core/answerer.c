/* SPDX-License-Identifier: MIT */
#include "answerer.h"

#include "run.h"

/* ---- optimizers ------------------------------------------------------------------------------ */

opro_status opro_optimizer_new(opro_optimizer **out, opro_propose_fn fn, void *user_data,
                               opro_destroy_fn destroy, const opro_allocator *mem) {
    opro__mem own;
    opro_optimizer *optimizer;
    opro_status st;

    if (!out || !fn) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    optimizer = opro__calloc(&own, 1, sizeof *optimizer);
    if (!optimizer) return OPRO_ERR_NOMEM;
    optimizer->mem = own;
    atomic_init(&optimizer->refs.count, 1);
    opro__hook_set(&optimizer->hook, (opro__fn)fn, user_data, destroy);
    *out = optimizer;
    return OPRO_OK;
}

opro_optimizer *opro__optimizer_share(opro_optimizer *optimizer) {
    opro__ref(&optimizer->refs);
    return optimizer;
}

void opro_optimizer_free(opro_optimizer *optimizer) {
    opro__mem mem;

    if (!optimizer || !opro__unref(&optimizer->refs)) return;
    opro__hook_clear(&optimizer->hook);
    mem = optimizer->mem;
    opro__free(&mem, optimizer);
}

/* ---- scorers --------------------------------------------------------------------------------- */

opro_status opro_scorer_new(opro_scorer **out, opro_score_fn fn, void *user_data,
                            opro_destroy_fn destroy, const opro_allocator *mem) {
    opro__mem own;
    opro_scorer *scorer;
    opro_status st;

    if (!out || !fn) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    scorer = opro__calloc(&own, 1, sizeof *scorer);
    if (!scorer) return OPRO_ERR_NOMEM;
    scorer->mem = own;
    atomic_init(&scorer->refs.count, 1);
    opro__hook_set(&scorer->hook, (opro__fn)fn, user_data, destroy);
    *out = scorer;
    return OPRO_OK;
}

opro_scorer *opro__scorer_share(opro_scorer *scorer) {
    opro__ref(&scorer->refs);
    return scorer;
}

void opro_scorer_free(opro_scorer *scorer) {
    opro__mem mem;

    if (!scorer || !opro__unref(&scorer->refs)) return;
    opro__hook_clear(&scorer->hook);
    mem = scorer->mem;
    opro__free(&mem, scorer);
}

/* ---- answering ------------------------------------------------------------------------------- */

/* Answers are allowed while one of these runs, taking requests and freeing the run are not. */
static int32_t serve(opro_run *run, opro_request *request, const opro__hook *hook) {
    int32_t returned;

    opro__serving_begin(&run->guard,
                        request->kind == OPRO_REQUEST_PROPOSE ? "the optimizer" : "the scorer");
    if (request->kind == OPRO_REQUEST_PROPOSE)
        returned = ((opro_propose_fn)hook->fn)(run, request, hook->user_data);
    else
        returned = ((opro_score_fn)hook->fn)(run, request, hook->user_data);
    opro__serving_end(&run->guard);
    return returned;
}

/*
 * The run has stopped while the callback was at work. That its answers were stale then is no
 * failure; but a failure of theirs must not be lost in a callback that does not look at what its
 * answers return.
 */
static opro_status settle_stopped(opro_run *run) {
    if (run->stop_reason == OPRO_STOP_ERROR) return opro__err_copy(&run->err, &run->failure);
    opro__err_clear(&run->err);
    return OPRO_OK;
}

/*
 * What came of a callback: "answered" needs an answer, and an error that is the host's own stops
 * the run.
 */
static opro_status settle(opro_run *run, uint64_t id, int32_t returned, const char *who) {
    opro_status st = opro__callback_status(returned);

    if (run->stop_wanted && st >= 0) opro__run_finish(run, OPRO_OK);
    if (run->stop_reason != OPRO_STOP_NONE && (st >= 0 || st == OPRO_ERR_STALE))
        return settle_stopped(run);
    if (st == OPRO_OK && opro__run_find(run, id)) {
        opro__fail(&run->err, OPRO_ERR_CALLBACK,
                   "the %s returned OPRO_OK without having answered request %llu; return "
                   "OPRO_PENDING to answer later",
                   who, (unsigned long long)id);
        return opro__run_finish(run, OPRO_ERR_CALLBACK);
    }
    if (st >= 0) return st;
    if (st == OPRO_ERR_CALLBACK)
        opro__fail(&run->err, st, "the %s returned %d, which is no status it may return", who,
                   (int)returned);
    else if (run->err.status != st)
        opro__fail(&run->err, st, "the %s failed with %s (%d)", who, opro_status_name(st), (int)st);
    return opro__run_finish(run, st);
}

opro_status opro_optimizer_propose(opro_optimizer *optimizer, opro_run *run,
                                   opro_request *request) {
    int32_t returned;
    uint64_t id;
    opro_status st;

    if (!optimizer || !run || !request || request->kind != OPRO_REQUEST_PROPOSE)
        return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_optimizer_propose);
    if (st != OPRO_OK) return st;
    id = request->id;
    opro__optimizer_share(optimizer); /* it may free itself */
    returned = serve(run, request, &optimizer->hook);
    opro_optimizer_free(optimizer);
    st = settle(run, id, returned, "optimizer");
    return opro__leave(&run->guard, &run->err, st);
}

opro_status opro_scorer_score(opro_scorer *scorer, opro_run *run, opro_request *request) {
    int32_t returned;
    uint64_t id;
    opro_status st;

    if (!scorer || !run || !request || request->kind != OPRO_REQUEST_SCORE) return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_scorer_score);
    if (st != OPRO_OK) return st;
    id = request->id;
    opro__scorer_share(scorer);
    returned = serve(run, request, &scorer->hook);
    opro_scorer_free(scorer);
    st = settle(run, id, returned, "scorer");
    return opro__leave(&run->guard, &run->err, st);
}

const char *opro_origin_name(int32_t origin) {
    switch (origin) {
    case OPRO_ORIGIN_MODEL: return "model";
    case OPRO_ORIGIN_LOCAL_DIFFERENTIAL: return "differential";
    case OPRO_ORIGIN_LOCAL_CMA: return "cma";
    case OPRO_ORIGIN_LOCAL_QUADRATIC: return "quadratic";
    case OPRO_ORIGIN_LOCAL_TWO_OPT: return "two_opt";
    case OPRO_ORIGIN_LOCAL_OR_OPT: return "or_opt";
    case OPRO_ORIGIN_LOCAL_SURROGATE: return "surrogate";
    case OPRO_ORIGIN_LOCAL_KICK: return "kick";
    case OPRO_ORIGIN_LOCAL_CROSSOVER: return "crossover";
    case OPRO_ORIGIN_LOCAL_DELETE: return "delete";
    case OPRO_ORIGIN_LOCAL_SWAP: return "swap";
    case OPRO_ORIGIN_LOCAL_INSERT: return "insert";
    case OPRO_ORIGIN_LOCAL_RANDOM: return "random";
    default: return origin >= 256 && origin <= 65535 ? "host" : "";
    }
}
