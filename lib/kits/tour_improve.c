/* SPDX-License-Identifier: MIT */
/*
 * Local search on the distances. A descent by 2-opt and or-opt over lists of near neighbours,
 * driven by a queue of nodes whose surroundings changed (the others need no look); then kicks: a
 * double bridge over a short stretch of the tour, repaired by the same descent, and taken back when
 * the tour came out longer.
 *
 * The tour is an array of nodes with the position of each. Every change is a reversal of a stretch,
 * so a kick is taken back by doing its reversals again, the last one first.
 */
#include "tour.h"

#include <assert.h>
#include <string.h>

#include "base/rng.h"
#include "permutation.h"

#define NEAR       10 /* neighbours of each place that are tried */
#define SEGMENT    3  /* longest segment that or-opt moves       */
#define KICK_REACH 50 /* places that a kick shuffles at most     */

/*
 * What a move must gain to count, relative to the edges that it removes: more than sums of a few
 * numbers are off. So every move shortens the tour indeed, and the descent ends.
 */
#define TOLERANCE 1e-12

typedef struct stretch {
    int32_t from, count;
} stretch;

typedef struct search {
    const opro__places *places;
    opro__mem mem;
    size_t n;
    int32_t *order;    /* position -> node                            */
    int32_t *position; /* node -> position                            */
    size_t k;          /* neighbours of each node                     */
    int32_t *near;     /* n * k of them                               */
    double *near_weight;
    int32_t *queue; /* ring of nodes to be looked at               */
    size_t head, waiting;
    unsigned char *queued;
    stretch *log; /* reversals since the last kick began         */
    size_t logged, log_cap;
    int logging;
    double change;      /* of the tour's length since then             */
    opro_status status; /* OPRO_ERR_NOMEM: the log could not grow      */
} search;

static double weight(const search *s, int32_t a, int32_t b) {
    return opro__places_weight(s->places, (size_t)a, (size_t)b);
}

/* The node after a (forward) or before it. */
static int32_t beside(const search *s, int32_t a, int forward) {
    size_t at = (size_t)s->position[a];

    if (forward) return s->order[at + 1 == s->n ? 0 : at + 1];
    return s->order[at == 0 ? s->n - 1 : at - 1];
}

static void push(search *s, int32_t a) {
    size_t at;

    if (s->queued[a]) return;
    at = s->head + s->waiting++;
    s->queue[at < s->n ? at : at - s->n] = a;
    s->queued[a] = 1;
}

static int32_t pop(search *s) {
    int32_t a = s->queue[s->head];

    if (++s->head == s->n) s->head = 0;
    s->waiting--;
    s->queued[a] = 0;
    return a;
}

/* ---- changing the tour ----------------------------------------------------------------------- */

/* Turn round count nodes from a position on, over the array's end if need be. */
static void turn(search *s, size_t from, size_t count) {
    size_t i = from, j = from + count - 1;

    if (j >= s->n) j -= s->n;
    for (size_t swaps = count / 2; swaps > 0; swaps--) {
        int32_t a = s->order[i], b = s->order[j];

        s->order[i] = b;
        s->position[b] = (int32_t)i;
        s->order[j] = a;
        s->position[a] = (int32_t)j;
        if (++i == s->n) i = 0;
        j = j == 0 ? s->n - 1 : j - 1;
    }
}

static void turn_logged(search *s, size_t from, size_t count) {
    void *log = s->log;

    if (s->logging) {
        if (!opro__reserve(&s->mem, &log, &s->log_cap, s->logged + 1, sizeof *s->log)) {
            s->status = OPRO_ERR_NOMEM;
            return;
        }
        s->log = log;
        s->log[s->logged++] = (stretch){(int32_t)from, (int32_t)count};
    }
    turn(s, from, count);
}

/*
 * Turn round the way from one node to another, or all the rest, which leaves the same tour:
 * whichever is shorter.
 */
static void turn_way(search *s, int32_t first, int32_t last) {
    size_t from = (size_t)s->position[first], to = (size_t)s->position[last];
    size_t count = (to >= from ? to - from : to + s->n - from) + 1;

    if (count * 2 > s->n) {
        from = to + 1 == s->n ? 0 : to + 1;
        count = s->n - count;
    }
    if (count > 1) turn_logged(s, from, count);
}

/*
 * Edges a-b and c-d become a-c and b-d. b is behind a as d is behind c, in one direction or the
 * other.
 */
static void exchange(search *s, int32_t a, int32_t b, int32_t c, int32_t d) {
    if (beside(s, a, 1) == b)
        turn_way(s, b, c);
    else
        turn_way(s, a, d);
}

static int gains(double gone, double come) {
    return come < gone - TOLERANCE * gone;
}

/* ---- moves ----------------------------------------------------------------------------------- */

/* The edge from a to the node beside it, and one at a neighbour of a, are exchanged. */
static int two_opt(search *s, int32_t a, int forward) {
    const int32_t *near = s->near + (size_t)a * s->k;
    const double *near_weight = s->near_weight + (size_t)a * s->k;
    const int32_t b = beside(s, a, forward);
    const double ab = weight(s, a, b);

    for (size_t i = 0; i < s->k && near_weight[i] < ab; i++) {
        const int32_t c = near[i], d = beside(s, c, forward);
        const double gone = ab + weight(s, c, d), come = near_weight[i] + weight(s, b, d);

        if (!gains(gone, come)) continue;
        exchange(s, a, b, c, d);
        s->change += come - gone;
        push(s, a);
        push(s, b);
        push(s, c);
        push(s, d);
        return 1;
    }
    return 0;
}

/* A segment a .. z between p and q. */
typedef struct segment {
    int32_t p, a, z, q;
    int32_t nodes[SEGMENT];
    size_t n;
} segment;

static int in_segment(const segment *g, int32_t node) {
    for (size_t i = 0; i < g->n; i++)
        if (g->nodes[i] == node) return 1;
    return 0;
}

/*
 * The segment goes between c and d, with a beside c. d is the node behind c, seen in the direction
 * from a to z, or the one before it. Both are sequences of exchanges.
 */
static void move_segment(search *s, const segment *g, int32_t c, int32_t d, int d_behind_c) {
    if (!d_behind_c) {
        exchange(s, g->p, g->a, d, c);                   /* p [d ... q z .. a] c  */
        if (d != g->q) exchange(s, g->p, d, g->q, g->z); /* p q ... d [z .. a] c  */
        return;
    }
    exchange(s, g->p, g->a, c, d);                   /* p [c ... q z .. a] d  */
    if (c != g->q) exchange(s, g->p, c, g->q, g->z); /* p q ... c [z .. a] d  */
    if (g->a != g->z) exchange(s, c, g->z, g->a, d); /* p q ... c [a .. z] d  */
}

static int move_to(search *s, const segment *g, double freed, int32_t c, double ac, int forward) {
    for (int behind = 0; behind < 2; behind++) {
        const int32_t d = beside(s, c, behind ? forward : !forward);
        double gone, come;

        if (in_segment(g, d)) continue;
        gone = freed + weight(s, c, d);
        come = ac + weight(s, g->z, d) + weight(s, g->p, g->q);
        if (!gains(gone, come)) continue;
        move_segment(s, g, c, d, behind);
        s->change += come - gone;
        for (size_t i = 0; i < g->n; i++)
            push(s, g->nodes[i]);
        push(s, g->p);
        push(s, g->q);
        push(s, c);
        push(s, d);
        return 1;
    }
    return 0;
}

/* A segment of up to three nodes that begins with a moves to a neighbour of a. */
static int or_opt(search *s, int32_t a, int forward) {
    const int32_t *near = s->near + (size_t)a * s->k;
    const double *near_weight = s->near_weight + (size_t)a * s->k;
    segment g = {.p = beside(s, a, !forward), .a = a, .z = a};

    while (g.n < SEGMENT) {
        double freed;

        if (g.n > 0) g.z = beside(s, g.z, forward);
        g.nodes[g.n++] = g.z;
        g.q = beside(s, g.z, forward);
        if (g.q == g.p || g.z == g.p) return 0;
        freed = weight(s, g.p, a) + weight(s, g.z, g.q);
        for (size_t i = 0; i < s->k && near_weight[i] < freed - weight(s, g.p, g.q); i++)
            if (!in_segment(&g, near[i]) && move_to(s, &g, freed, near[i], near_weight[i], forward))
                return 1;
    }
    return 0;
}

static void descend(search *s) {
    while (s->waiting > 0 && s->status == OPRO_OK) {
        const int32_t a = pop(s);

        for (int forward = 0; forward < 2; forward++)
            if (two_opt(s, a, forward) || or_opt(s, a, forward)) break;
    }
}

/* ---- kicks ----------------------------------------------------------------------------------- */

/*
 * A double bridge: three neighbouring stretches B C D, somewhere in the tour, change into D C B.
 * Turned round all three together, and then each by itself.
 */
static void kick(search *s, opro__rng *rng) {
    size_t most = (s->n - 1) / 3 < KICK_REACH / 3 ? (s->n - 1) / 3 : KICK_REACH / 3;
    size_t at = (size_t)opro__rng_below(rng, s->n), from = at + 1 == s->n ? 0 : at + 1;
    size_t count[3], total = 0, start = from;
    int32_t ends[8];

    assert(s->n > 0);
    for (int i = 0; i < 3; i++)
        total += count[i] = 1 + (size_t)opro__rng_below(rng, most);
    ends[0] = s->order[at];
    for (int i = 0; i < 3; i++) {
        ends[1 + 2 * i] = s->order[start];
        start = (start + count[i] - 1) % s->n;
        ends[2 + 2 * i] = s->order[start];
        start = start + 1 == s->n ? 0 : start + 1;
    }
    ends[7] = s->order[start];
    s->change += weight(s, ends[0], ends[5]) + weight(s, ends[6], ends[3]) +
                 weight(s, ends[4], ends[1]) + weight(s, ends[2], ends[7]);
    for (int i = 0; i < 4; i++)
        s->change -= weight(s, ends[2 * i], ends[2 * i + 1]);
    turn_logged(s, from, total);
    for (int i = 2; i >= 0; i--) {
        turn_logged(s, from, count[i]);
        from = (from + count[i]) % s->n;
    }
    for (int i = 0; i < 8; i++)
        push(s, ends[i]);
}

static void undo(search *s) {
    while (s->logged > 0) {
        s->logged--;
        turn(s, (size_t)s->log[s->logged].from, (size_t)s->log[s->logged].count);
    }
}

static void run(search *s, uint64_t seed, int64_t effort) {
    opro__rng rng = opro__rng_make(seed, 0, OPRO__RNG_POLISH);

    for (size_t i = 0; i < s->n; i++)
        push(s, s->order[i]);
    descend(s);
    s->logging = 1;
    for (int64_t round = 0; round < effort && s->status == OPRO_OK; round++) {
        s->logged = 0;
        s->change = 0;
        kick(s, &rng);
        descend(s);
        if (s->change > 0 && s->status == OPRO_OK) undo(s);
    }
}

/* ---- the call -------------------------------------------------------------------------------- */

static opro_status prepare(search *s, const int32_t *nodes) {
    s->k = s->n - 1 < NEAR ? s->n - 1 : NEAR;
    s->order = opro__calloc(&s->mem, s->n, sizeof *s->order);
    s->position = opro__calloc(&s->mem, s->n, sizeof *s->position);
    s->near = opro__calloc(&s->mem, s->n * s->k, sizeof *s->near);
    s->near_weight = opro__calloc(&s->mem, s->n * s->k, sizeof *s->near_weight);
    s->queue = opro__calloc(&s->mem, s->n, sizeof *s->queue);
    s->queued = opro__calloc(&s->mem, s->n, 1);
    if (!s->order || !s->position || !s->near || !s->near_weight || !s->queue || !s->queued)
        return OPRO_ERR_NOMEM;
    memcpy(s->order, nodes, s->n * sizeof *nodes);
    for (size_t i = 0; i < s->n; i++)
        s->position[nodes[i]] = (int32_t)i;
    return opro__places_near(s->places, s->k, &s->mem, s->near, s->near_weight);
}

opro_status opro_tour_improve(const opro_tour *tour, int32_t *nodes, size_t n, uint64_t seed,
                              int64_t effort) {
    search s = {.n = n};
    opro_status st;

    if (!tour || !nodes || effort < 0) return OPRO_ERR_INVALID;
    if (n == 0 || n != tour->places.n || !opro__permutation_valid(nodes, n))
        return OPRO_ERR_REJECTED;
    if (n <= 3) return OPRO_OK; /* all tours are the same */
    s.places = &tour->places;
    s.mem = tour->mem;
    st = prepare(&s, nodes);
    if (st == OPRO_OK) {
        run(&s, seed, effort);
        st = s.status;
    }
    /*
     * Each move shortens the tour, but the rounding of the sum may hide it: never hand back what
     * measures longer.
     */
    if (st == OPRO_OK &&
        opro__places_length(s.places, s.order) <= opro__places_length(s.places, nodes))
        memcpy(nodes, s.order, n * sizeof *nodes);
    opro__free(&s.mem, s.log);
    opro__free(&s.mem, s.queued);
    opro__free(&s.mem, s.queue);
    opro__free(&s.mem, s.near_weight);
    opro__free(&s.mem, s.near);
    opro__free(&s.mem, s.position);
    opro__free(&s.mem, s.order);
    return st;
}
