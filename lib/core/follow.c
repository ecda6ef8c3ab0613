/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include "base/hash.h"

#define SAMPLES 16

static uint64_t mark_of(const opro__candidate *c) {
    uint64_t mark = opro__hash_add(c->hash, (uint64_t)(uintptr_t)c->text);
    size_t n = c->extra ? c->extra->n[0] : 0;

    mark = opro__hash_add_real(opro__hash_add(mark, c->verdict), c->score);
    for (size_t i = 0; i < n; i += n / SAMPLES + 1)
        mark = opro__hash_add_real(mark, c->extra->scores[0][i]);
    return opro__hash_add(mark, (uint64_t)(uintptr_t)c->extra);
}

/*
 * The address of a trajectory says little: a new one may lie where an old one was freed. So some
 * candidates, spread over what was read, are compared: their texts, scores, some of the scores of
 * instances, and where they lie in memory.
 */
static uint64_t mark_first(const opro_trajectory *t, int64_t count) {
    int64_t stride = count / SAMPLES + 1;
    uint64_t mark = 0;

    for (int64_t i = count - 1; i >= 0; i -= stride)
        mark = opro__hash_add(mark, mark_of(opro__trajectory_at(t, i)));
    return mark;
}

int64_t opro__follow_from(const opro__follow *follow, const opro_trajectory *t) {
    if (follow->t != t || follow->count > t->count) return 0;
    return mark_first(t, follow->count) == follow->mark ? follow->count : 0;
}

void opro__follow_done(opro__follow *follow, const opro_trajectory *t) {
    follow->t = t;
    follow->count = t->count;
    follow->mark = mark_first(t, t->count);
}

void opro__follow_reset(opro__follow *follow) {
    *follow = (opro__follow){0};
}
