/* SPDX-License-Identifier: MIT */
/* The last candidates of a trajectory that were rejected or failed, and why. */
#ifndef OPRO_CORE_REJECTED_H
#define OPRO_CORE_REJECTED_H

#include "base/buf.h"
#include "follow.h"

typedef struct opro__rejected {
    opro__mem *mem;
    opro__follow follow;
    int64_t *ring; /* their numbers; the newest is before next */
    size_t size;
    size_t n;
    size_t next;
} opro__rejected;

void opro__rejected_init(opro__rejected *rejected, opro__mem *mem);
void opro__rejected_free(opro__rejected *rejected);

/*
 * Catch up with a trajectory, to know the last size of them (size > 0, always the same).
 * OPRO_ERR_NOMEM.
 */
opro_status opro__rejected_update(opro__rejected *rejected, const opro_trajectory *t, size_t size);

/* The number of the i-th, the newest first (i < n). */
int64_t opro__rejected_at(const opro__rejected *rejected, size_t i);

/* Append in words why a candidate was rejected. */
void opro__rejected_words(const opro__candidate *c, opro__buf *out);

#endif
