/* SPDX-License-Identifier: MIT */
/* Our contender: the two ways to use the model client that the bench measures. */
#ifndef TESTS_BENCH_HTTP_OURS_H
#define TESTS_BENCH_HTTP_OURS_H

#include "contender.h"

#include "opro/model.h"

/* Ends the program with the object's message. */
void ours_must(opro_status st, const opro_error *err, const char *what);

/*
 * A call with a prompt of about 2 KB that is like no other, about a text (NULL: the bench's own).
 */
opro_call *ours_call(const contender *c, opro_model *model, const char *about, size_t len);

/* Has the call a whole reply and its tokens? */
bool ours_fine(const opro_call *call);

/* One step of a run: proposals, and candidates scored through the same model. */
void ours_step(contender *c, opro_model *model);

#endif
