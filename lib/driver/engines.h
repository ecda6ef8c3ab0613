/* SPDX-License-Identifier: MIT */
/* What works while a driver waits: the engines of its optimizer and of its scorer, each once. */
#ifndef OPRO_DRIVER_ENGINES_H
#define OPRO_DRIVER_ENGINES_H

#include "core/answerer.h"

typedef struct opro__engines {
    const opro__engine *all[2 * OPRO__ENGINES_EACH];
    size_t n;
} opro__engines;

/* Add those of an optimizer or a scorer. One that is there already is not added. */
void opro__engines_add(opro__engines *engines, const opro__engine *const *each);

/* Let each do what it can do now. *did is set to 1 if one did something. */
opro_status opro__engines_work(const opro__engines *engines, int *did, opro_error *err);

/* Milliseconds until one of them is due; -1: none will be. */
int64_t opro__engines_timeout(const opro__engines *engines);

/*
 * Wait until one of them has something to do, is woken, or ms have passed (-1: for ever). A signal
 * may end it early. 0, at once: none of them has a descriptor to wait on.
 */
int opro__engines_wait(const opro__engines *engines, int64_t ms);

/* From any thread: end the wait. The argument is an opro__engines. */
void opro__engines_wake(void *engines);

#endif
