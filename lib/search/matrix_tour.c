/* SPDX-License-Identifier: MIT */
#include "matrix_tour.h"

#include <math.h>
#include <string.h>

#include "permutation.h"

#define MOST  OPRO__MATRIX_NODES_MAX
#define NEAR  10 /* neighbours that a move may join a node to */
#define REACH 30 /* nodes that a kick stays within            */

typedef struct search {
    const double *cost; /* n * n */
    size_t n, near;
    double least; /* a gain below this is rounding, and might come for ever */
    int32_t *tour;
    int32_t place[MOST];
    int32_t nearest[MOST][NEAR];
    int32_t waiting[MOST]; /* nodes to be looked at: their neighbourhood has changed */
    unsigned char waits[MOST];
    size_t n_waiting;
} search;

static double cost(const search *s, int32_t a, int32_t b) {
    return s->cost[(size_t)a * s->n + (size_t)b];
}

/* The neighbour of a node in the tour. */
static int32_t beside(const search *s, int32_t node, int forward) {
    size_t at = (size_t)s->place[node];

    if (forward) return s->tour[at + 1 == s->n ? 0 : at + 1];
    return s->tour[at ? at - 1 : s->n - 1];
}

static void push(search *s, int32_t node) {
    if (s->waits[node]) return;
    s->waits[node] = 1;
    s->waiting[s->n_waiting++] = node;
}

static void note_places(search *s) {
    for (size_t i = 0; i < s->n; i++)
        s->place[s->tour[i]] = (int32_t)i;
}

/* ---- moves ----------------------------------------------------------------------------------- */

/* Join node a to one nearer than its neighbour on that side, by turning round a stretch. */
static int two_opt(search *s, int32_t a, int forward) {
    int32_t c = beside(s, a, forward);

    for (size_t k = 0; k < s->near; k++) {
        int32_t b = s->nearest[a][k], d = beside(s, b, forward);
        double won = cost(s, a, c) - cost(s, a, b);
        size_t from, to;

        if (won <= s->least) return 0;
        if (won + cost(s, b, d) - cost(s, c, d) <= s->least) continue;
        from = (size_t)s->place[forward ? c : a];
        to = (size_t)s->place[forward ? b : d];
        if (from > to) { /* the other stretch is the same move */
            from = (size_t)s->place[forward ? d : b];
            to = (size_t)s->place[forward ? a : c];
        }
        opro__permutation_reverse(s->tour, from, to + 1);
        note_places(s);
        push(s, a), push(s, b), push(s, c), push(s, d);
        return 1;
    }
    return 0;
}

/*
 * A stretch from position i, of len nodes, between a neighbour of one of its ends and that one's
 * other side. end: the node that is joined to the new neighbour.
 */
static int move_stretch(search *s, size_t i, size_t len, int at_first) {
    size_t n = s->n, j = i + len - 1;
    int32_t first = s->tour[i], last = s->tour[j], end = at_first ? first : last;
    int32_t p = s->tour[i ? i - 1 : n - 1], q = s->tour[j + 1 == n ? 0 : j + 1];
    double freed = cost(s, p, first) + cost(s, last, q) - cost(s, p, q);

    for (size_t k = 0; k < s->near; k++) {
        int32_t b = s->nearest[end][k];
        size_t at = (size_t)s->place[b];

        if (freed - cost(s, end, b) <= s->least) return 0;
        if (at >= i && at <= j) continue;
        for (int forward = 0; forward < 2; forward++) {
            int32_t d = beside(s, b, forward);
            size_t behind = (size_t)s->place[forward ? b : d];
            double gain =
                freed + cost(s, b, d) - cost(s, end, b) - cost(s, at_first ? last : first, d);

            if ((size_t)s->place[d] >= i && (size_t)s->place[d] <= j) continue;
            if (gain <= s->least) continue;
            /* Behind b the first node comes first; before b, the last node stands next to it. */
            opro__permutation_move(s->tour, n, i, len, behind, at_first != forward);
            note_places(s);
            push(s, p), push(s, q), push(s, first), push(s, last), push(s, b), push(s, d);
            return 1;
        }
    }
    return 0;
}

/* Stretches of up to three nodes that begin or end with a. */
static int or_opt(search *s, int32_t a) {
    for (size_t len = 1; len <= 3; len++) {
        size_t at = (size_t)s->place[a];

        if (at + len <= s->n && move_stretch(s, at, len, 1)) return 1;
        if (at + 1 >= len && move_stretch(s, at + 1 - len, len, 0)) return 1;
    }
    return 0;
}

static void descend(search *s) {
    while (s->n_waiting > 0) {
        int32_t a = s->waiting[--s->n_waiting];

        s->waits[a] = 0;
        while (two_opt(s, a, 0) || two_opt(s, a, 1) || or_opt(s, a)) {
        }
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static double length(const search *s) {
    double sum = cost(s, s->tour[s->n - 1], s->tour[0]);

    for (size_t i = 0; i + 1 < s->n; i++)
        sum += cost(s, s->tour[i], s->tour[i + 1]);
    return sum;
}

static void find_nearest(search *s) {
    for (size_t a = 0; a < s->n; a++) {
        size_t count = 0;

        for (size_t b = 0; b < s->n; b++) {
            double c = s->cost[a * s->n + b];
            size_t at = count;

            if (a == b) continue;
            while (at > 0 && cost(s, (int32_t)a, s->nearest[a][at - 1]) > c)
                at--;
            if (at == s->near) continue;
            if (count < s->near) count++;
            memmove(s->nearest[a] + at + 1, s->nearest[a] + at,
                    (count - 1 - at) * sizeof s->nearest[a][0]);
            s->nearest[a][at] = (int32_t)b;
        }
    }
}

static void prepare(search *s) {
    double sum = 0;

    for (size_t i = 0; i < s->n * s->n; i++)
        sum += fabs(s->cost[i]);
    s->least = 1e-12 * sum / (double)s->n;
    s->near = s->n - 1 < NEAR ? s->n - 1 : NEAR;
    find_nearest(s);
    note_places(s);
    for (size_t i = 0; i < s->n; i++)
        push(s, s->tour[i]);
}

/* Kick, and note the nodes that have new neighbours. */
static void kick(search *s, const int32_t *before, opro__rng *rng) {
    int32_t scratch[MOST], follows[MOST] = {0};

    for (size_t i = 0; i < s->n; i++)
        follows[before[i]] = before[i + 1 == s->n ? 0 : i + 1];
    opro__permutation_kick(s->tour, s->n, REACH, rng, scratch);
    note_places(s);
    for (size_t i = 0; i < s->n; i++) {
        int32_t a = s->tour[i], b = s->tour[i + 1 == s->n ? 0 : i + 1];

        if (follows[a] == b) continue;
        push(s, a);
        push(s, b);
    }
}

void opro__matrix_improve(const double *matrix, int32_t *tour, size_t n, size_t kicks,
                          opro__rng *rng) {
    search s = {.cost = matrix, .n = n, .tour = tour};
    int32_t best[MOST];
    double shortest;

    prepare(&s);
    descend(&s);
    shortest = length(&s);
    memcpy(best, tour, n * sizeof *tour);
    while (n >= 8 && kicks-- > 0) {
        double now;

        kick(&s, best, rng);
        descend(&s);
        now = length(&s);
        if (now <= shortest) {
            shortest = now;
            memcpy(best, tour, n * sizeof *tour);
        } else {
            memcpy(tour, best, n * sizeof *tour);
            note_places(&s);
        }
    }
    memcpy(tour, best, n * sizeof *tour);
}
