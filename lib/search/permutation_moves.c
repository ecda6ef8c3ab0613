/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "permutation.h"

void opro__permutation_shuffle(int32_t *nodes, size_t n, opro__rng *rng) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)opro__rng_below(rng, i);
        int32_t node = nodes[i - 1];

        nodes[i - 1] = nodes[j];
        nodes[j] = node;
    }
}

void opro__permutation_reverse(int32_t *nodes, size_t from, size_t to) {
    while (from + 1 < to) {
        int32_t node = nodes[from];

        nodes[from++] = nodes[--to];
        nodes[to] = node;
    }
}

/* Two neighbouring stretches change places: each is turned round, and both together. */
static void rotate(int32_t *nodes, size_t from, size_t middle, size_t to) {
    opro__permutation_reverse(nodes, from, middle);
    opro__permutation_reverse(nodes, middle, to);
    opro__permutation_reverse(nodes, from, to);
}

void opro__permutation_move(int32_t *nodes, size_t n, size_t from, size_t len, size_t behind,
                            int turned) {
    size_t to = from + len;

    assert(to <= n && behind < n && (behind < from || behind >= to));
    (void)n;
    if (turned) opro__permutation_reverse(nodes, from, to);
    if (behind < from)
        rotate(nodes, behind + 1, from, to);
    else
        rotate(nodes, from, to, behind + 1);
}

void opro__permutation_two_opt(int32_t *nodes, size_t n, opro__rng *rng) {
    size_t from, len;

    /* Turning round all but one, or all but two, of a round trip is the same trip. */
    len = 2 + (size_t)opro__rng_below(rng, n - 3);
    from = (size_t)opro__rng_below(rng, n - len + 1);
    opro__permutation_reverse(nodes, from, from + len);
}

void opro__permutation_or_opt(int32_t *nodes, size_t n, int may_turn, opro__rng *rng) {
    size_t most = n - 2 < 3 ? n - 2 : 3, len = 1 + (size_t)opro__rng_below(rng, most);
    size_t from = (size_t)opro__rng_below(rng, n - len + 1);
    size_t behind = (size_t)opro__rng_below(rng, n - len - 1);

    /* Anywhere but behind the node where it stands already. */
    if (from == 0)
        behind += len;
    else if (behind + 1 >= from)
        behind += len + 1;
    opro__permutation_move(nodes, n, from, len, behind, may_turn && opro__rng_below(rng, 2));
}

void opro__permutation_swap(int32_t *nodes, size_t n, opro__rng *rng) {
    size_t i = (size_t)opro__rng_below(rng, n), j = (size_t)opro__rng_below(rng, n - 1);
    int32_t node = nodes[i];

    j += j >= i;
    nodes[i] = nodes[j];
    nodes[j] = node;
}

void opro__permutation_kick(int32_t *nodes, size_t n, size_t reach, opro__rng *rng,
                            int32_t *scratch) {
    size_t most = (reach < n - 1 ? reach : n - 1) / 3, len[3], total = 0, at = 0;
    size_t start = (size_t)opro__rng_below(rng, n);

    for (int i = 0; i < 3; i++)
        total += len[i] = 1 + (size_t)opro__rng_below(rng, most);
    for (size_t i = 0; i < total; i++)
        scratch[i] = nodes[(start + i) % n];
    for (int part = 2; part >= 0; part--) {
        size_t from = part == 2 ? len[0] + len[1] : part == 1 ? len[0] : 0;

        for (size_t i = 0; i < len[part]; i++)
            nodes[(start + at++) % n] = scratch[from + i];
    }
}

/* ---- edge recombination ---------------------------------------------------------------------- */

#define NONE (-1)

typedef struct crossing {
    size_t n;
    int32_t *links;  /* up to four of each node: the neighbours in both parents */
    int32_t *unused; /* the nodes that are not in the child                     */
    int32_t *place;  /* of each node in unused; NONE: it is in the child        */
    size_t left;
} crossing;

static void add_links(crossing *x, const int32_t *parent, size_t first) {
    for (size_t i = 0; i < x->n; i++) {
        int32_t *links = x->links + 4 * (size_t)parent[i];

        links[first] = parent[i ? i - 1 : x->n - 1];
        links[first + 1] = parent[i + 1 == x->n ? 0 : i + 1];
    }
}

static void take(crossing *x, int32_t node) {
    int32_t last = x->unused[--x->left];

    x->unused[x->place[node]] = last;
    x->place[last] = x->place[node];
    x->place[node] = NONE;
}

/* How many ways lead on from a node. */
static int ways(const crossing *x, int32_t node) {
    int count = 0;

    for (size_t k = 0; k < 4; k++)
        count += x->place[x->links[4 * (size_t)node + k]] != NONE;
    return count;
}

/* An unused neighbour in both parents, but not that one; NONE if there is none. */
static int32_t common(const crossing *x, int32_t node, int32_t but) {
    const int32_t *links = x->links + 4 * (size_t)node;

    for (size_t k = 0; k < 2; k++)
        if (links[k] != but && x->place[links[k]] != NONE &&
            (links[k] == links[2] || links[k] == links[3]))
            return links[k];
    return NONE;
}

/* An unused node where a way that both parents have begins: none is entered in its middle. */
static int32_t beginning(const crossing *x, opro__rng *rng) {
    int32_t first = x->unused[opro__rng_below(rng, x->left)], node = first, before = NONE;

    for (;;) {
        int32_t next = common(x, node, before);

        if (next == NONE || next == first) return node;
        before = node;
        node = next;
    }
}

/*
 * The next node: along an edge of both parents if there is one, else where the fewest ways lead
 * on.
 */
static int32_t next_node(const crossing *x, int32_t node, opro__rng *rng) {
    const int32_t *links = x->links + 4 * (size_t)node;
    int32_t best = common(x, node, NONE);
    int least = 0, ties = 0;

    if (best != NONE) return best;
    for (size_t k = 0; k < 4; k++) {
        int count;

        if (x->place[links[k]] == NONE) continue;
        count = ways(x, links[k]);
        if (best == NONE || count < least) {
            least = count;
            ties = 0;
        }
        if (count == least && opro__rng_below(rng, (uint64_t)++ties) == 0) best = links[k];
    }
    return best != NONE ? best : beginning(x, rng);
}

void opro__permutation_cross(const int32_t *a, const int32_t *b, size_t n, opro__rng *rng,
                             int32_t *child, int32_t *work) {
    crossing x = {.n = n, .links = work, .unused = work + 4 * n, .place = work + 5 * n, .left = n};
    int32_t node;

    add_links(&x, a, 0);
    add_links(&x, b, 2);
    for (size_t i = 0; i < n; i++)
        x.unused[i] = x.place[i] = (int32_t)i;
    node = beginning(&x, rng);
    for (size_t i = 0;; i++) {
        child[i] = node;
        take(&x, node);
        if (i + 1 == n) return;
        node = next_node(&x, node, rng);
    }
}
