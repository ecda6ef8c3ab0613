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

struct opro_optimizer {
    opro__mem mem;
    opro__refs refs;
    opro__hook hook;
};

struct opro_scorer {
    opro__mem mem;
    opro__refs refs;
    opro__hook hook;
};

opro_optimizer *opro__optimizer_share(opro_optimizer *optimizer);
opro_scorer *opro__scorer_share(opro_scorer *scorer);

#endif
