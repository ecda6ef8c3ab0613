/* SPDX-License-Identifier: MIT */
/* Problems over permutations: the callbacks of the kind. */
#include "permutation.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/hook.h"
#include "core/problem.h"
#include "opro/config.h"

/* Digits and a comma for each node. */
#define NODE_BYTES 6

int opro__permutation_valid(const int32_t *nodes, size_t n) {
    uint64_t seen[OPRO__PERMUTATION_MAX / 64] = {0};

    for (size_t i = 0; i < n; i++) {
        size_t node = (size_t)nodes[i];
        uint64_t bit = UINT64_C(1) << (node % 64);

        if (nodes[i] < 0 || node >= n || (seen[node / 64] & bit)) return 0;
        seen[node / 64] |= bit;
    }
    return 1;
}

int32_t opro__permutation_deliver(const opro__space *space, opro__mem *mem, int32_t *nodes,
                                  opro_sink *sink) {
    opro__buf out;
    opro_status st;

    opro__buf_init(&out, mem, space->n * NODE_BYTES);
    opro__permutation_canonical(space, nodes);
    opro__permutation_write(nodes, space->n, &out);
    st = out.status;
    if (st == OPRO_OK) st = opro_sink_text(sink, opro__buf_text(&out), out.len);
    opro__buf_free(&out);
    return st;
}

/* ---- the way of a solution ------------------------------------------------------------------- */

/* A permutation is legal when it can be read: there is nothing left to check. */
static int32_t canonical(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                         void *user_data) {
    const opro__space *space = &problem->space;
    opro__mem mem = problem->mem; /* a problem may be shared by threads: count in a copy */
    int32_t *nodes = opro__calloc(&mem, space->n, sizeof *nodes);
    opro_error err;
    opro_status st;

    (void)user_data;
    if (!nodes) return OPRO_ERR_NOMEM;
    opro__err_clear(&err);
    st = opro__permutation_read(space, text, len, nodes, &mem, &err);
    if (st == OPRO_OK)
        st = opro__permutation_deliver(space, &mem, nodes, sink);
    else if (st == OPRO_ERR_PARSE || st == OPRO_ERR_REJECTED)
        st = opro_sink_reject(sink, err.message, err.len);
    opro__free(&mem, nodes);
    return st;
}

/*
 * The first time each node is named, in order; *used of them. What is no node, or out of range, is
 * passed over.
 */
static void read_first_uses(size_t n, const char *text, size_t len, int32_t *nodes, char *seen,
                            size_t *used) {
    size_t at = 0, token = 0;
    int32_t node = 0;
    int found;

    *used = 0;
    opro__trace_unwrap(&text, &len);
    while ((found = opro__trace_next(text, len, &at, &token, &node)) != 0) {
        if (found < 0) {
            at += token;
        } else if ((size_t)node < n && !seen[node]) {
            seen[node] = 1;
            nodes[(*used)++] = node;
        }
    }
}

/*
 * Every missing node behind the one before it in order, or in front. next: n + 1 of room, for a
 * list of nodes that begins at next[n].
 */
static void insert_missing(size_t n, int32_t *nodes, const char *seen, size_t used, int32_t *next) {
    size_t at = n, out = 0;

    for (size_t i = 0; i < used; i++) {
        next[at] = nodes[i];
        at = (size_t)nodes[i];
    }
    next[at] = (int32_t)n;
    for (size_t node = 0; node < n; node++) {
        if (seen[node]) continue;
        at = node > 0 ? node - 1 : n;
        next[node] = next[at];
        next[at] = (int32_t)node;
    }
    for (at = (size_t)next[n]; at < n; at = (size_t)next[at])
        nodes[out++] = (int32_t)at;
}

static int32_t repair(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    const size_t n = problem->space.n;
    opro__mem mem = problem->mem;
    int32_t *nodes = opro__calloc(&mem, n, sizeof *nodes);
    int32_t *next = opro__calloc(&mem, n + 1, sizeof *next);
    char *seen = opro__calloc(&mem, n, 1);
    opro_status st = OPRO_ERR_NOMEM;
    size_t used;

    (void)user_data;
    if (!nodes || !next || !seen) goto out;
    read_first_uses(n, text, len, nodes, seen, &used);
    if (used == 0) {
        st = opro_sink_reject(sink, "no node is named in it", OPRO_ZT);
    } else {
        insert_missing(n, nodes, seen, used, next);
        st = opro__permutation_deliver(&problem->space, &mem, nodes, sink);
    }
out:
    opro__free(&mem, seen);
    opro__free(&mem, next);
    opro__free(&mem, nodes);
    return st;
}

/* ---- the problem ----------------------------------------------------------------------------- */

opro_status opro_problem_new_permutation(opro_problem **out, size_t n, int32_t symmetry,
                                         const opro_allocator *mem) {
    opro_problem *problem;
    opro_status st;

    if (!out || n == 0 || n > OPRO__PERMUTATION_MAX) return OPRO_ERR_INVALID;
    if (symmetry != OPRO_PERMUTATION_ORDER && symmetry != OPRO_PERMUTATION_CYCLE &&
        symmetry != OPRO_PERMUTATION_TOUR)
        return OPRO_ERR_INVALID;
    st = opro_problem_new(&problem, mem);
    if (st != OPRO_OK) return st;
    problem->space.kind = OPRO__SPACE_PERMUTATION;
    problem->space.n = n;
    problem->space.symmetry = symmetry;
    problem->prompt = OPRO_META_PROMPT_TOUR;
    /* None of these can fail: they copy nothing. */
    opro_problem_set_direction(problem, OPRO_MINIMIZE);
    opro_problem_set_score_range(problem, NAN, NAN);
    opro_problem_set_score_display(problem, OPRO_DISPLAY_DECIMALS, 0);
    opro_problem_set_canonical_fn(problem, canonical, NULL, NULL);
    opro_problem_set_repair_fn(problem, repair, NULL, NULL);
    *out = problem;
    return OPRO_OK;
}

size_t opro_permutation_size(const opro_problem *problem) {
    return problem && problem->space.kind == OPRO__SPACE_PERMUTATION ? problem->space.n : 0;
}

opro_status opro_permutation_parse(const opro_problem *problem, const char *text, size_t len,
                                   int32_t *nodes, size_t n) {
    opro__mem mem;
    opro_error err;
    opro_status st;

    if (!problem || !nodes || n == 0 || n != opro_permutation_size(problem) ||
        !opro__arg(&text, &len))
        return OPRO_ERR_INVALID;
    mem = problem->mem;
    st = opro__permutation_read(&problem->space, text, len, nodes, &mem, &err);
    return st == OPRO_ERR_REJECTED ? OPRO_ERR_PARSE : st;
}

/* The canonical text, for a copy of the nodes. */
static opro_status write_copy(const opro__space *space, opro__mem *mem, const int32_t *nodes,
                              opro__buf *text) {
    int32_t *copy = opro__calloc(mem, space->n, sizeof *copy);

    if (!copy) return OPRO_ERR_NOMEM;
    memcpy(copy, nodes, space->n * sizeof *copy);
    opro__permutation_canonical(space, copy);
    opro__permutation_write(copy, space->n, text);
    opro__free(mem, copy);
    return text->status;
}

opro_status opro_permutation_format(const opro_problem *problem, const int32_t *nodes, size_t n,
                                    char *buffer, size_t size, size_t *needed) {
    opro__mem mem;
    opro__buf text;
    opro_status st;

    if (!problem || !nodes || n == 0 || n != opro_permutation_size(problem) || (!buffer && size))
        return OPRO_ERR_INVALID;
    if (!opro__permutation_valid(nodes, n)) return OPRO_ERR_REJECTED;
    mem = problem->mem;
    opro__buf_init(&text, &mem, n * NODE_BYTES);
    st = write_copy(&problem->space, &mem, nodes, &text);
    if (st != OPRO_OK) goto out;
    if (needed) *needed = text.len;
    if (text.len < size)
        memcpy(buffer, opro__buf_text(&text), text.len + 1);
    else
        st = OPRO_ERR_LIMIT;
out:
    opro__buf_free(&text);
    return st;
}
