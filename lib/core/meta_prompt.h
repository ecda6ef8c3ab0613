/* SPDX-License-Identifier: MIT */
/* What the run needs of the meta-prompt builder. */
#ifndef OPRO_CORE_META_PROMPT_H
#define OPRO_CORE_META_PROMPT_H

#include "base/err.h"
#include "opro/meta_prompt.h"

/* opro_meta_prompt_new(), which on failure says why: there is no builder then to be asked. */
opro_status opro__meta_prompt_new(opro_meta_prompt **out, opro_problem *problem,
                                  const opro_config *config, const opro_allocator *mem,
                                  opro_error *why);

/* The builder is used by a run from now on: share and freeze. */
opro_meta_prompt *opro__meta_prompt_share(opro_meta_prompt *meta_prompt);

/*
 * Give up that share, also inside the builder's callbacks: who called it then has another. NULL is
 * fine.
 */
void opro__meta_prompt_release(opro_meta_prompt *meta_prompt);

/* The problem it is for, and the format (reply.h) in which replies to its prompts are read. */
const opro_problem *opro__meta_prompt_problem(const opro_meta_prompt *meta_prompt);
int32_t opro__meta_prompt_format(const opro_meta_prompt *meta_prompt);

#endif
