/* SPDX-License-Identifier: MIT */
/* The local optimizer as an optimizer: answers PROPOSE requests of runs. */
#include "opro/optimizer.h"

#include "core/run.h"
#include "local.h"

typedef struct searcher {
    opro__mem mem;
    opro__options options;
    opro_problem *problem;
    opro__local *local;
    opro__buf text;
} searcher;

static void destroy(void *user_data) {
    searcher *s = user_data;
    opro__mem mem;

    opro__local_free(s->local);
    opro__buf_free(&s->text);
    opro_problem_free(s->problem);
    mem = s->mem;
    opro__free(&mem, s);
}

static opro_status propose_one(searcher *s, opro_run *run, uint64_t id, size_t first,
                               size_t index) {
    int32_t origin;
    opro_status st = opro__local_propose(s->local, first + index, &s->text, &origin);

    if (st != OPRO_OK) return st;
    return opro_run_answer_solution(run, id, index, origin, opro__buf_text(&s->text), s->text.len);
}

static int32_t propose(opro_run *run, opro_request *request, void *user_data) {
    searcher *s = user_data;
    uint64_t id = opro_request_id(request);
    size_t n = opro_request_samples(request), first = opro_request_first_sample(request);
    uint64_t seed = opro_request_seed(request) - first; /* the same for all requests of a step */
    opro_status st;

    if (opro_run_problem(run) != s->problem)
        return opro_run_answer_error(run, id, OPRO_ERR_INVALID,
                                     "the local optimizer was made for another problem", OPRO_ZT);
    st = opro__local_begin(s->local, &run->trajectory, seed, opro_request_step(request));
    for (size_t i = 0; i < n && st == OPRO_OK; i++)
        st = propose_one(s, run, id, first, i);
    return st;
}

/* What became of it, for the config's log. */
static void say(const opro_config *config, const opro_error *err) {
    opro__log *log = opro__config_log(config);

    if (err->status == OPRO_OK)
        opro__log_say(log, OPRO_LOG_INFO, "local",
                      "proposals are those of a local search: no language model takes part");
    else
        opro__log_say(log, OPRO_LOG_ERROR, "local", "%s", err->message);
    opro__log_free(log);
}

opro_status opro_optimizer_new_local(opro_optimizer **out, opro_problem *problem,
                                     const opro_config *config, const opro_allocator *mem) {
    opro__mem own;
    searcher *s;
    opro_error err = {.status = OPRO_OK};
    opro_status st;

    if (!out || !problem) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    s = opro__calloc(&own, 1, sizeof *s);
    if (!s) return OPRO_ERR_NOMEM;
    s->mem = own;
    opro__options_copy(&s->options, config);
    s->problem = opro__problem_share(problem);
    opro__buf_init(&s->text, &s->mem, OPRO__REPLY_MAX);
    st = opro__local_new(&s->local, problem, &s->options, &s->mem, &err);
    say(config, &err);
    if (st == OPRO_OK) st = opro_optimizer_new(out, propose, s, destroy, mem);
    if (st != OPRO_OK) destroy(s);
    return st;
}
