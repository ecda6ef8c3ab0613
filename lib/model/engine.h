/* SPDX-License-Identifier: MIT */
/* What the rooms above need of a client beside its public functions. */
#ifndef OPRO_MODEL_ENGINE_H
#define OPRO_MODEL_ENGINE_H

#include "core/answerer.h"
#include "opro/model.h"

/* Take a share; give it up, also inside callbacks, where whoever calls back has one of his own. */
opro_model *opro__model_share(opro_model *model);
void opro__model_release(opro_model *model);

/* What lets a driver drive it. With a socket function the host does, and there is nothing to do. */
opro__engine opro__model_engine(opro_model *model);

/* OPRO_ERR_STATE: it has no base URL or no name yet, so it takes no call. */
opro_status opro__model_ready(const opro_model *model, opro_error *err);

/* 1 inside those of its callbacks where no call can be freed. */
int opro__model_busy(const opro_model *model);

/* 1 if it keeps answers to calls at temperature 0. */
int opro__model_caches(const opro_model *model);

/* Millionths per million tokens read and written. */
void opro__model_prices(const opro_model *model, int64_t *prompt, int64_t *reply);

#endif
