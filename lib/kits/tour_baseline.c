/* SPDX-License-Identifier: MIT */
/*
 * Two constructions to compare with. Both are deterministic: ties go to the lowest number and the
 * first place.
 */
#include "tour.h"

#include <stdlib.h>
#include <string.h>

static opro_status check_call(const opro_tour *tour, size_t start, const int32_t *nodes, size_t n) {
    if (!tour || !nodes || n == 0 || n != tour->places.n || start >= n) return OPRO_ERR_INVALID;
    return OPRO_OK;
}

opro_status opro_tour_nearest_neighbour(const opro_tour *tour, size_t start, int32_t *nodes,
                                        size_t n) {
    opro_status st = check_call(tour, start, nodes, n);

    if (st != OPRO_OK) return st;
    for (size_t i = 0; i < n; i++)
        nodes[i] = (int32_t)i;
    /*
     * nodes[at ..) are those not yet visited, in increasing order: the first of the nearest is the
     * lowest.
     */
    memmove(nodes + 1, nodes, start * sizeof *nodes);
    nodes[0] = (int32_t)start;
    for (size_t at = 1; at < n; at++) {
        const size_t here = (size_t)nodes[at - 1];
        size_t best = at;
        int32_t next;

        for (size_t i = at + 1; i < n; i++)
            if (opro__places_weight(&tour->places, here, (size_t)nodes[i]) <
                opro__places_weight(&tour->places, here, (size_t)nodes[best]))
                best = i;
        next = nodes[best];
        memmove(nodes + at + 1, nodes + at, (best - at) * sizeof *nodes);
        nodes[at] = next;
    }
    return OPRO_OK;
}

/*
 * Farthest insertion. Each place outside remembers its cheapest edge, named by the node where the
 * edge begins. An insertion replaces one edge by two: who remembered that one looks at all edges
 * again, the others at the two new ones only.
 */
typedef struct insertion {
    const opro__places *places;
    int32_t *tour;
    size_t len;
    size_t *position; /* in tour; places->n when outside */
    double *cost;     /* of the cheapest insertion       */
    int32_t *edge;    /* and where it is                 */
} insertion;

static double cost_at(const insertion *s, size_t node, size_t position) {
    size_t from = (size_t)s->tour[position];
    size_t to = (size_t)s->tour[position + 1 == s->len ? 0 : position + 1];

    return opro__places_weight(s->places, from, node) + opro__places_weight(s->places, node, to) -
           opro__places_weight(s->places, from, to);
}

static void look_at(insertion *s, size_t node, size_t position) {
    double cost = cost_at(s, node, position);
    int first = s->edge[node] < 0;

    if (!first && cost > s->cost[node]) return;
    if (!first && cost == s->cost[node] && position > s->position[s->edge[node]]) return;
    s->cost[node] = cost;
    s->edge[node] = s->tour[position];
}

static size_t farthest(const insertion *s) {
    size_t best = s->places->n;

    for (size_t node = 0; node < s->places->n; node++)
        if (s->position[node] == s->places->n &&
            (best == s->places->n || s->cost[node] > s->cost[best]))
            best = node;
    return best;
}

static void insert(insertion *s, size_t node) {
    const int32_t from = s->edge[node];
    const size_t at = s->position[from] + 1;

    memmove(s->tour + at + 1, s->tour + at, (s->len - at) * sizeof *s->tour);
    s->tour[at] = (int32_t)node;
    s->len++;
    for (size_t i = at; i < s->len; i++)
        s->position[s->tour[i]] = i;
    for (size_t other = 0; other < s->places->n; other++) {
        if (s->position[other] != s->places->n) continue;
        if (s->edge[other] == from) {
            s->edge[other] = -1;
            for (size_t i = 0; i < s->len; i++)
                look_at(s, other, i);
        } else {
            look_at(s, other, at - 1);
            look_at(s, other, at);
        }
    }
}

opro_status opro_tour_farthest_insertion(const opro_tour *tour, size_t start, int32_t *nodes,
                                         size_t n) {
    opro_status st = check_call(tour, start, nodes, n);
    insertion s = {.places = tour ? &tour->places : NULL};
    opro__mem mem;

    if (st != OPRO_OK) return st;
    mem = tour->mem;
    s.tour = opro__calloc(&mem, n, sizeof *s.tour);
    s.position = opro__calloc(&mem, n, sizeof *s.position);
    s.cost = opro__calloc(&mem, n, sizeof *s.cost);
    s.edge = opro__calloc(&mem, n, sizeof *s.edge);
    if (!s.tour || !s.position || !s.cost || !s.edge) {
        st = OPRO_ERR_NOMEM;
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        s.position[i] = n;
        s.edge[i] = -1;
    }
    s.tour[0] = (int32_t)start;
    s.position[start] = 0;
    s.len = 1;
    for (size_t i = 0; i < n; i++)
        if (i != start) look_at(&s, i, 0);
    while (s.len < n)
        insert(&s, farthest(&s));
    memcpy(nodes, s.tour, n * sizeof *nodes);
out:
    opro__free(&mem, s.edge);
    opro__free(&mem, s.cost);
    opro__free(&mem, s.position);
    opro__free(&mem, s.tour);
    return st;
}
