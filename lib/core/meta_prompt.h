/* SPDX-License-Identifier: MIT */
/* What the run needs of the meta-prompt builder. */
#ifndef OPRO_CORE_META_PROMPT_H
#define OPRO_CORE_META_PROMPT_H

#include "opro/meta_prompt.h"

/* The builder is used by a run from now on: share and freeze. */
opro_meta_prompt *opro__meta_prompt_share(opro_meta_prompt *meta_prompt);

/* The problem it is for, and the format (reply.h) in which replies to its prompts are read. */
const opro_problem *opro__meta_prompt_problem(const opro_meta_prompt *meta_prompt);
int32_t opro__meta_prompt_format(const opro_meta_prompt *meta_prompt);

#endif
