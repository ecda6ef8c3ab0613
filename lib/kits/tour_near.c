/* SPDX-License-Identifier: MIT */
#include "tour.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct keyed {
    double key;
    int32_t node;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *x = a, *y = b;

    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

/* The nearest found so far, sorted; the lower number first on ties. */
typedef struct nearest {
    int32_t *nodes;
    double *weights;
    size_t n, k;
} nearest;

static void offer(nearest *best, int32_t node, double weight) {
    size_t at = best->n;

    while (at > 0 && (weight < best->weights[at - 1] ||
                      (weight == best->weights[at - 1] && node < best->nodes[at - 1])))
        at--;
    if (at == best->k) return;
    if (best->n < best->k) best->n++;
    for (size_t i = best->n - 1; i > at; i--) {
        best->nodes[i] = best->nodes[i - 1];
        best->weights[i] = best->weights[i - 1];
    }
    best->nodes[at] = node;
    best->weights[at] = weight;
}

static int full(const nearest *best, double bound) {
    return best->n == best->k && bound > best->weights[best->k - 1];
}

/* Places sorted by their keys: go outwards from one until what is further out cannot be near. */
static void sweep(const opro__places *places, const keyed *sorted, size_t at, nearest *best) {
    size_t node = (size_t)sorted[at].node;

    for (size_t i = at + 1; i < places->n; i++) {
        if (full(best, sorted[i].key - sorted[at].key - 1)) break;
        offer(best, sorted[i].node, opro__places_weight(places, node, (size_t)sorted[i].node));
    }
    for (size_t i = at; i-- > 0;) {
        if (full(best, sorted[at].key - sorted[i].key - 1)) break;
        offer(best, sorted[i].node, opro__places_weight(places, node, (size_t)sorted[i].node));
    }
}

static opro_status near_by_key(const opro__places *places, size_t k, opro__mem *mem, int32_t *nodes,
                               double *weights) {
    keyed *sorted = opro__calloc(mem, places->n, sizeof *sorted);

    if (!sorted) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < places->n; i++)
        sorted[i] = (keyed){opro__metric_key(places, i), (int32_t)i};
    qsort(sorted, places->n, sizeof *sorted, by_key);
    for (size_t i = 0; i < places->n; i++) {
        size_t node = (size_t)sorted[i].node;
        nearest best = {nodes + node * k, weights + node * k, 0, k};

        sweep(places, sorted, i, &best);
    }
    opro__free(mem, sorted);
    return OPRO_OK;
}

opro_status opro__places_near(const opro__places *places, size_t k, opro__mem *mem, int32_t *nodes,
                              double *weights) {
    assert(k > 0 && k < places->n);
    if (places->u) return near_by_key(places, k, mem, nodes, weights);
    for (size_t i = 0; i < places->n; i++) {
        nearest best = {nodes + i * k, weights + i * k, 0, k};

        for (size_t j = 0; j < places->n; j++)
            if (j != i) offer(&best, (int32_t)j, opro__places_weight(places, i, j));
    }
    return OPRO_OK;
}
