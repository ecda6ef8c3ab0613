/* SPDX-License-Identifier: MIT */
/* Scorers answer SCORE requests: a callback of the host's, or a kit's (vector.h, tour.h). */
#ifndef OPRO_SCORER_H
#define OPRO_SCORER_H

#include "base.h"
#include "run.h"

OPRO_BEGIN_DECLS

/* Who answers SCORE requests. */
typedef struct opro_scorer opro_scorer;

/*
 * Answers a SCORE with opro_run_answer_scores() or opro_run_answer_error(): at once (return
 * OPRO_OK), or later (return OPRO_PENDING, keep the id). An error returned stops the run. request
 * lives until it is answered. Nothing interrupts a callback: whoever may take long answers later.
 */
typedef int32_t (*opro_score_fn)(opro_run *run, opro_request *request, void *user_data);

/* The host's own scorer. Since 0.1. */
OPRO_API opro_status opro_scorer_new(opro_scorer **out, opro_score_fn fn, void *user_data,
                                     opro_destroy_fn destroy, const opro_allocator *mem);

/* Give up your share; NULL is fine. Since 0.1. */
OPRO_API void opro_scorer_free(opro_scorer *scorer);

/*
 * Let a scorer answer a request of a run that you drive yourself. As opro_optimizer_propose().
 * Since 0.1.
 */
OPRO_API opro_status opro_scorer_score(opro_scorer *scorer, opro_run *run, opro_request *request);

OPRO_END_DECLS

#endif
