/* SPDX-License-Identifier: MIT */
/* The optimizer "model": a PROPOSE becomes a call, and its replies become answers. */
#include "core/answerer.h"
#include "core/run.h"
#include "core/ticket.h"
#include "model.h"

typedef struct proposer {
    opro__mem mem;
    opro_model *model;
    opro__engine engine;
} proposer;

/* ---- answers --------------------------------------------------------------------------------- */

static void tell_usage(opro__ticket *t, const opro_call *call) {
    opro__ticket_tell_usage(t, opro_call_figure(call, OPRO_CALL_PROMPT_TOKENS),
                            opro_call_figure(call, OPRO_CALL_REPLY_TOKENS),
                            opro_call_figure(call, OPRO_CALL_COST));
}

static void tell_reply(opro__ticket *t, const opro_call *call, size_t index) {
    int takes_part = OPRO__INT(&call->model->options, MODEL_ACCEPT_TRUNCATED) != 0;
    const int32_t origin = OPRO_ORIGIN_MODEL;
    size_t len;
    const char *text = opro_call_reply(call, index, &len);
    int32_t outcome = opro_call_outcome(call, index);
    opro_status st;

    if (outcome == OPRO_OUTCOME_FAILED) return; /* said at the end, once for all that are missing */
    if (outcome == OPRO_OUTCOME_REFUSED)
        st = opro_run_answer_refused(t->run, t->id, index, origin, text, len);
    else if (outcome == OPRO_OUTCOME_TRUNCATED && !takes_part)
        st = opro_run_answer_truncated(t->run, t->id, index, origin, text, len);
    else
        st = opro_run_answer_reply(t->run, t->id, index, origin, text, len);
    if (st != OPRO_OK) t->unused = st;
}

static void tell_failure(const opro__ticket *t, const opro_call *call) {
    const opro_error *error = opro_call_error(call);
    size_t len;
    const char *message = opro_error_message(error, &len);
    opro_status st = opro_error_status(error);

    if (st >= 0) { /* all replies came, but not all could be used: too long, or there already */
        st = t->unused < 0 ? t->unused : OPRO_ERR_FAILED;
        message = "the run did not take a reply";
        len = OPRO_ZT;
    }
    opro__ticket_tell_error(t, st, message, len);
}

static int32_t hear(opro_call *call, int32_t event, size_t index, void *user_data) {
    opro__ticket *t = user_data;

    opro__ticket_begin_answer(t);
    tell_usage(t, call);
    if (t->run && event == OPRO_CALL_REPLY) tell_reply(t, call, index);
    if (event == OPRO_CALL_DONE && opro__ticket_request(t)) tell_failure(t, call);
    opro__ticket_end_answer(t, event == OPRO_CALL_DONE);
    return OPRO_OK;
}

/* ---- proposing ------------------------------------------------------------------------------- */

static opro_status begin(opro__desk *desk, opro_run *run, opro_request *request) {
    const proposer *p = desk->with;
    opro__ticket *t = opro__ticket_new(desk, run, request->id);
    opro_call *call = NULL;
    opro_status st;

    if (!t) return opro__fail(&p->model->err, OPRO_ERR_NOMEM, "out of memory");
    st = opro_call_new_propose(&call, p->model, request);
    t->work = call;
    if (st == OPRO_OK) st = opro_call_submit(call, hear, t, NULL);
    if (st == OPRO_OK)
        opro__ticket_open(t, request);
    else
        opro__ticket_free(t);
    return st;
}

static int32_t propose(opro_run *run, opro_request *request, void *user_data) {
    opro__desk *desk = user_data;
    const proposer *p = desk->with;
    opro_request *own = opro__run_find(run, request->id); /* it may be a clone */
    opro_status st = own ? begin(desk, run, own) : OPRO_ERR_STALE;
    size_t len;
    const char *message = opro_error_message(&p->model->err, &len);

    if (st == OPRO_OK) return OPRO_PENDING;
    return opro_run_answer_error(run, request->id, st, own ? message : "", own ? len : 0);
}

/* ---- making ---------------------------------------------------------------------------------- */

static int may_end(void *with) {
    return !opro__model_busy(((const proposer *)with)->model);
}

static void end(void *work) {
    opro_call_free(work);
}

static void release(void *with) {
    proposer *p = with;
    opro__mem mem = p->mem;

    opro__model_release(p->model);
    opro__free(&mem, p);
}

opro_status opro_optimizer_new_model(opro_optimizer **out, opro_model *model,
                                     const opro_allocator *mem) {
    static const opro__trade trade = {may_end, end, release};
    opro__mem own;
    opro__desk *desk = NULL;
    proposer *p;
    opro_status st;

    if (!out || !model) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    p = opro__calloc(&own, 1, sizeof *p);
    if (!p) return OPRO_ERR_NOMEM;
    p->mem = own;
    p->model = opro__model_share(model);
    p->engine = opro__model_engine(model);
    st = opro__desk_new(&desk, &trade, p, mem);
    if (st == OPRO_OK) st = opro_optimizer_new(out, propose, desk, opro__desk_close, mem);
    if (st == OPRO_OK)
        (*out)->engines[0] = &p->engine;
    else if (desk)
        opro__desk_close(desk);
    else
        release(p);
    return st;
}
