/* SPDX-License-Identifier: MIT */
/*
 * The optimizer "model": a PROPOSE becomes a call, and its replies become answers. What is known of
 * a request that is under way is its ticket; the run tells it when the request is closed without
 * it, and the call ends with it.
 */
#include "core/answerer.h"
#include "core/run.h"
#include "model.h"

typedef struct proposer proposer;

typedef struct ticket {
    struct ticket *next, *prev;
    proposer *owner;
    opro__watch watch;
    opro_run *run; /* NULL: nobody wants the replies any more */
    uint64_t id;
    opro_call *call;
    int answering;               /* the run is taking an answer: it may end all this     */
    int64_t prompt, reply, cost; /* what the run was told of; the call's figures go on   */
    opro_status unused;          /* why the run did not take a reply; OPRO_OK: it took all */
} ticket;

struct proposer {
    opro__mem mem;
    size_t users; /* the optimizer, and tickets */
    opro_model *model;
    opro__engine engine;
    ticket *tickets;
};

/* ---- ends ------------------------------------------------------------------------------------ */

static void release(proposer *p) {
    opro__mem mem;

    if (--p->users) return;
    opro__model_release(p->model);
    mem = p->mem;
    opro__free(&mem, p);
}

static void drop(ticket *t) {
    proposer *p = t->owner;

    if (t->prev) t->prev->next = t->next;
    if (!t->prev) p->tickets = t->next;
    if (t->next) t->next->prev = t->prev;
    opro__watch_off(&t->watch);
    opro_call_free(t->call);
    opro__free(&p->mem, t);
    release(p);
}

/* Nobody wants the replies. Where the call cannot be freed now, its next event will do it. */
static void cancel(void *ctx) {
    ticket *t = ctx;

    opro__watch_off(&t->watch);
    t->run = NULL;
    if (!t->answering && !t->owner->model->guard.depth) drop(t);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* What is new of tokens and money. Before the answer: after the last one nobody takes it. */
static void tell_usage(ticket *t) {
    int64_t prompt = opro_call_figure(t->call, OPRO_CALL_PROMPT_TOKENS);
    int64_t reply = opro_call_figure(t->call, OPRO_CALL_REPLY_TOKENS);
    int64_t cost = opro_call_figure(t->call, OPRO_CALL_COST);

    if (prompt == t->prompt && reply == t->reply && cost == t->cost) return;
    opro_run_answer_usage(t->run, t->id, prompt - t->prompt, reply - t->reply, cost - t->cost);
    t->prompt = prompt;
    t->reply = reply;
    t->cost = cost;
}

static void tell_reply(ticket *t, size_t index) {
    int takes_part = OPRO__INT(&t->owner->model->options, MODEL_ACCEPT_TRUNCATED) != 0;
    const int32_t origin = OPRO_ORIGIN_MODEL;
    size_t len;
    const char *text = opro_call_reply(t->call, index, &len);
    int32_t outcome = opro_call_outcome(t->call, index);
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

static void tell_failure(const ticket *t) {
    const opro_error *error = opro_call_error(t->call);
    size_t len;
    const char *message = opro_error_message(error, &len);
    opro_status st = opro_error_status(error);

    if (st >= 0) { /* all replies came, but not all could be used: too long, or there already */
        st = t->unused < 0 ? t->unused : OPRO_ERR_FAILED;
        message = "the run did not take a reply";
        len = OPRO_ZT;
    }
    if (opro_run_answer_error(t->run, t->id, st, message, len) == OPRO_ERR_INVALID)
        opro_run_answer_error(t->run, t->id, st, "", 0); /* words that nobody can read */
}

/* The open request of a ticket; NULL: there is nothing left to answer. */
static opro_request *request_of(const ticket *t) {
    return t->run ? opro__run_find(t->run, t->id) : NULL;
}

static int32_t hear(opro_call *call, int32_t event, size_t index, void *user_data) {
    ticket *t = user_data;
    opro_request *request;

    (void)call;
    opro__watch_off(&t->watch); /* an answer may close the request, and that is no news */
    t->answering = 1;
    if (t->run) tell_usage(t);
    if (t->run && event == OPRO_CALL_REPLY) tell_reply(t, index);
    if (event == OPRO_CALL_DONE && request_of(t)) tell_failure(t);
    t->answering = 0;
    request = request_of(t);
    if (request && event != OPRO_CALL_DONE)
        opro__request_watch(request, &t->watch, cancel, t);
    else
        drop(t);
    return OPRO_OK;
}

/* ---- proposing ------------------------------------------------------------------------------- */

static opro_status begin(proposer *p, opro_run *run, opro_request *request) {
    ticket *t = opro__calloc(&p->mem, 1, sizeof *t);
    opro_status st;

    if (!t) return opro__fail(&p->model->err, OPRO_ERR_NOMEM, "out of memory");
    t->owner = p;
    t->run = run;
    t->id = request->id;
    st = opro_call_new_propose(&t->call, p->model, request);
    if (st == OPRO_OK) st = opro_call_submit(t->call, hear, t, NULL);
    if (st != OPRO_OK) {
        opro_call_free(t->call);
        opro__free(&p->mem, t);
        return st;
    }
    p->users++;
    t->next = p->tickets;
    if (t->next) t->next->prev = t;
    p->tickets = t;
    opro__request_watch(request, &t->watch, cancel, t);
    return OPRO_OK;
}

static int32_t propose(opro_run *run, opro_request *request, void *user_data) {
    proposer *p = user_data;
    opro_request *own = opro__run_find(run, request->id); /* it may be a clone */
    opro_status st = own ? begin(p, run, own) : OPRO_ERR_STALE;
    size_t len;
    const char *message = opro_error_message(&p->model->err, &len);

    if (st == OPRO_OK) return OPRO_PENDING;
    return opro_run_answer_error(run, request->id, st, own ? message : "", own ? len : 0);
}

/* ---- the engine ------------------------------------------------------------------------------ */

/* With a socket function the host drives the model, and there is nothing to do here. */
static int hosts_own(const opro_model *model) {
    return model->socket_fn.fn != NULL;
}

static int engine_fd(void *ctx) {
    return hosts_own(ctx) ? -1 : (int)opro_model_fd(ctx);
}

static int64_t engine_timeout(void *ctx) {
    return hosts_own(ctx) ? -1 : opro_model_timeout(ctx);
}

static opro_status engine_work(void *ctx, opro_error *err) {
    opro_status st = hosts_own(ctx) ? OPRO_WAIT : opro_model_poll(ctx, 0);

    return st < 0 ? opro__err_copy(err, opro_model_error(ctx)) : st;
}

static void engine_wake(void *ctx) {
    opro_model_wakeup(ctx);
}

/* ---- making ---------------------------------------------------------------------------------- */

static void end(void *user_data) {
    proposer *p = user_data;

    for (ticket *t = p->tickets, *next; t; t = next) {
        next = t->next;
        cancel(t);
    }
    release(p);
}

opro_status opro_optimizer_new_model(opro_optimizer **out, opro_model *model,
                                     const opro_allocator *mem) {
    opro__mem own;
    proposer *p;
    opro_status st;

    if (!out || !model) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    p = opro__calloc(&own, 1, sizeof *p);
    if (!p) return OPRO_ERR_NOMEM;
    p->mem = own;
    p->users = 1;
    p->model = opro__model_share(model);
    p->engine = (opro__engine){engine_fd, engine_timeout, engine_work, engine_wake, model};
    st = opro_optimizer_new(out, propose, p, end, mem);
    if (st == OPRO_OK)
        (*out)->engine = &p->engine;
    else
        release(p);
    return st;
}
