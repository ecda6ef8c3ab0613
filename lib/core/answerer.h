/* SPDX-License-Identifier: MIT */
/*
 * Optimizers and scorers: a callback that answers requests of one kind, shared by those who use
 * it.
 */
#ifndef OPRO_CORE_ANSWERER_H
#define OPRO_CORE_ANSWERER_H

#include "base/hook.h"
#include "opro/optimizer.h"
#include "opro/scorer.h"

/*
 * What an optimizer or a scorer needs to get on with requests that it answers later: a driver lets
 * it work while it waits. Belongs to the user data of the hook.
 */
typedef struct opro__engine {
    int (*fd)(void *ctx); /* readable when there is work; -1: none; the same all the time */
    int64_t (*timeout)(
        void *ctx); /* milliseconds until there is work in any case; -1: no need    */
    /* Do what can be done without waiting. OPRO_OK: did something; OPRO_WAIT, OPRO_DONE: no. */
    opro_status (*work)(void *ctx, opro_error *err);
    void (*wake)(void *ctx); /* make fd readable until the next work(); from any thread */
    void *ctx;               /* two engines with the same one are the same              */
} opro__engine;

/* As many as one of them needs. */
enum { OPRO__ENGINES_EACH = 2 };

struct opro_optimizer {
    opro__mem mem;
    opro__refs refs;
    opro__hook hook;
    const opro__engine *engines[OPRO__ENGINES_EACH]; /* NULL: none */
};

struct opro_scorer {
    opro__mem mem;
    opro__refs refs;
    opro__hook hook;
    const opro__engine *engines[OPRO__ENGINES_EACH]; /* NULL: none */
};

opro_optimizer *opro__optimizer_share(opro_optimizer *optimizer);
opro_scorer *opro__scorer_share(opro_scorer *scorer);

#endif
