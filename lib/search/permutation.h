/* SPDX-License-Identifier: MIT */
/* Moves on permutations: nodes[0 .. n), as a sequence or going round. */
#ifndef OPRO_SEARCH_PERMUTATION_H
#define OPRO_SEARCH_PERMUTATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

void opro__permutation_shuffle(int32_t *nodes, size_t n, opro__rng *rng);

/* Turn round nodes[from .. to). */
void opro__permutation_reverse(int32_t *nodes, size_t from, size_t to);

/*
 * Take out nodes[from .. from + len) and put it behind the node at position behind, which is not
 * among them.
 */
void opro__permutation_move(int32_t *nodes, size_t n, size_t from, size_t len, size_t behind,
                            int turned);

/* A random 2-opt move: a stretch is turned round. n >= 4. */
void opro__permutation_two_opt(int32_t *nodes, size_t n, opro__rng *rng);

/* A random or-opt move: one to three nodes go elsewhere, perhaps turned round. n >= 5. */
void opro__permutation_or_opt(int32_t *nodes, size_t n, int may_turn, opro__rng *rng);

/* Two nodes change places. n >= 2. */
void opro__permutation_swap(int32_t *nodes, size_t n, opro__rng *rng);

/*
 * A double bridge within about reach nodes: of three neighbouring stretches B C D, D C B is made.
 * n >= 8.
 */
void opro__permutation_kick(int32_t *nodes, size_t n, size_t reach, opro__rng *rng,
                            int32_t *scratch);

/*
 * Edge recombination (Whitley, Starkweather & Fuquay 1989): a round trip out of the edges of two,
 * those of both first. work: 6 n numbers.
 */
void opro__permutation_cross(const int32_t *a, const int32_t *b, size_t n, opro__rng *rng,
                             int32_t *child, int32_t *work);

#endif
