/* SPDX-License-Identifier: MIT */
#ifndef OPRO_KITS_PERMUTATION_H
#define OPRO_KITS_PERMUTATION_H

#include "core/space.h"
#include "opro/tour.h"

/* 1 if nodes holds each of 0 .. n-1 once; n at most OPRO__PERMUTATION_MAX. */
int opro__permutation_valid(const int32_t *nodes, size_t n);

/*
 * In a callback: make the nodes canonical and deliver their text. Returns what the callback
 * returns.
 */
int32_t opro__permutation_deliver(const opro__space *space, opro__mem *mem, int32_t *nodes,
                                  opro_sink *sink);

#endif
