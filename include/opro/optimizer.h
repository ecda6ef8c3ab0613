/* SPDX-License-Identifier: MIT */
/* Optimizers answer PROPOSE requests: a callback of the host's, or the built-in local search. */
#ifndef OPRO_OPTIMIZER_H
#define OPRO_OPTIMIZER_H

#include "config.h"
#include "problem.h"
#include "run.h"

OPRO_BEGIN_DECLS

/* Who answers PROPOSE requests. */
typedef struct opro_optimizer opro_optimizer;

/*
 * Answers a PROPOSE with opro_run_answer_text() and its kin: at once (return OPRO_OK when all
 * samples are answered, or opro_run_answer_error() was called), or later (return OPRO_PENDING,
 * keep the id). An error returned stops the run. request lives until it is answered. Nothing
 * interrupts a callback: whoever may take long answers later.
 */
typedef int32_t (*opro_propose_fn)(opro_run *run, opro_request *request, void *user_data);

/* The host's own optimizer. Since 0.1. */
OPRO_API opro_status opro_optimizer_new(opro_optimizer **out, opro_propose_fn fn, void *user_data,
                                        opro_destroy_fn destroy, const opro_allocator *mem);

/*
 * Local search: no language model, no network. It proposes from the trajectory alone, with
 * operators that fit the problem's kind of solution, shared out by Thompson sampling, with a
 * restart when the search stalls (options local_...):
 *   vectors       differential evolution, (1+1)-CMA-ES, a quadratic model;
 *   permutations  2-opt and or-opt moves, and an edge surrogate for blind tours; the problem's
 *                 polish, if there is one, is applied by the run;
 *   texts         recombination of sentences.
 * Other kinds: OPRO_ERR_UNSUPPORTED. Its proposals are a function of the trajectory and the
 * request, so a run that is rebuilt from the same answers goes on in the same way. Since 0.1.
 */
OPRO_API opro_status opro_optimizer_new_local(opro_optimizer **out, opro_problem *problem,
                                              const opro_config *config, const opro_allocator *mem);

/* Give up your share; NULL is fine. Since 0.1. */
OPRO_API void opro_optimizer_free(opro_optimizer *optimizer);

/*
 * Let an optimizer answer a request of a run that you drive yourself. OPRO_OK: answered;
 * OPRO_PENDING: it will be. OPRO_ERR_CALLBACK: it returned OPRO_OK without having answered, or an
 * unknown value. Since 0.1.
 */
OPRO_API opro_status opro_optimizer_propose(opro_optimizer *optimizer, opro_run *run,
                                            opro_request *request);

/* Where a candidate came from. 1 .. 255 are the library's, 256 .. 65535 the host's. */
enum {
    OPRO_ORIGIN_NONE = 0,                /* nobody said */
    OPRO_ORIGIN_MODEL = 10,              /* a language model */
    OPRO_ORIGIN_LOCAL_DIFFERENTIAL = 20, /* differential evolution */
    OPRO_ORIGIN_LOCAL_CMA = 21,          /* (1+1)-CMA-ES */
    OPRO_ORIGIN_LOCAL_QUADRATIC = 22,    /* the minimum of a quadratic model */
    OPRO_ORIGIN_LOCAL_TWO_OPT = 30,      /* a stretch reversed */
    OPRO_ORIGIN_LOCAL_OR_OPT = 31,       /* a stretch moved */
    OPRO_ORIGIN_LOCAL_SURROGATE = 32,    /* the best tour by the edge surrogate */
    OPRO_ORIGIN_LOCAL_KICK = 33,         /* a double bridge */
    OPRO_ORIGIN_LOCAL_CROSSOVER = 40,    /* sentences of two texts */
    OPRO_ORIGIN_LOCAL_DELETE = 41,       /* a sentence less */
    OPRO_ORIGIN_LOCAL_SWAP = 42,         /* two sentences exchanged */
    OPRO_ORIGIN_LOCAL_INSERT = 43,       /* a sentence of another text more */
    OPRO_ORIGIN_LOCAL_RANDOM = 50        /* drawn at random */
};

/* A short name ("cma"), "host" from 256 on, "" for unknown ones. Static. Since 0.1. */
OPRO_API const char *opro_origin_name(int32_t origin);

OPRO_END_DECLS

#endif
