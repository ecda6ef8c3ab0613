/* SPDX-License-Identifier: MIT */
/* Tours: instances, baselines, improvement, and the search for the shortest. */
#include <string.h>

#include "world.h"

enum { PLACES = 7 };

static const char tsplib[] = "NAME: seven\nTYPE: TSP\nDIMENSION: 7\nEDGE_WEIGHT_TYPE: EUC_2D\n"
                             "NODE_COORD_SECTION\n1 0 0\n2 9 2\n3 4 7\n4 1 5\n5 8 8\n6 3 1\n7 6 4\n"
                             "EOF\n";
static const char lower_row[] =
    "NAME: four\nTYPE: TSP\nDIMENSION: 4\nEDGE_WEIGHT_TYPE: EXPLICIT\n"
    "EDGE_WEIGHT_FORMAT: LOWER_DIAG_ROW\nEDGE_WEIGHT_SECTION\n0\n3 0\n4 5 0\n6 7 8 0\nEOF\n";
static const char solution[] = "NAME: seven.opt\nTYPE: TOUR\nDIMENSION: 7\nTOUR_SECTION\n"
                               "1\n6\n2\n7\n5\n3\n4\n-1\nEOF\n";

static opro_tour *make_tour(const char *text) {
    opro_tour *t;

    MAKE(tour, t, NULL, opro_tour_new(&t, &scarce));
    TRY(opro_tour_error(t), opro_tour_read_tsplib(t, text, OPRO_ZT));
    return t;
}

static void note_tour(const opro_tour *t) {
    double x = 0, y = 0;
    size_t len, n = opro_tour_size(t);
    const char *name = opro_tour_name(t, &len);

    note_text(name, len);
    note_int((int64_t)n);
    note_int(opro_tour_metric(t));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            note_real(opro_tour_weight(t, i, k));
    if (n) note_int(opro_tour_point(t, 0, &x, &y));
    note_real(x + y);
}

static void note_way(const opro_tour *t, const int32_t *nodes) {
    double length;

    TRY_OUT(length, NULL, opro_tour_length(t, nodes, opro_tour_size(t), &length));
    note_real(length);
    note_bytes(nodes, opro_tour_size(t) * sizeof *nodes);
}

/* Improved in place: when it fails it is a tour still, and the same one. */
static void improve(const opro_tour *t, int32_t *nodes) {
    int32_t before[PLACES], tried[PLACES];
    size_t n = opro_tour_size(t);

    memcpy(before, nodes, n * sizeof *nodes);
    memcpy(tried, nodes, n * sizeof *nodes);
    if (opro_tour_improve(t, tried, n, 1, 4) == OPRO_ERR_NOMEM)
        CHECK(memcmp(tried, before, n * sizeof *nodes) == 0);
    TRY(NULL, opro_tour_improve(t, nodes, n, 1, 4));
    note_way(t, nodes);
}

static void read_files(void) {
    opro_tour *t = make_tour(tsplib);
    int32_t nodes[PLACES];

    note_tour(t);
    TRY_OUT(nodes, opro_tour_error(t),
            opro_tour_read_solution(t, solution, OPRO_ZT, nodes, PLACES));
    note_way(t, nodes);
    TRY_REFUSED(OPRO_ERR_PARSE, opro_tour_error(t),
                opro_tour_read_tsplib(t, "TYPE: ATSP", OPRO_ZT));
    TRY(opro_tour_error(t), opro_tour_read_tsplib(t, lower_row, OPRO_ZT));
    note_tour(t);
}

static void make_instances(void) {
    static const double x[5] = {0, 3, 1, 4, 2}, y[5] = {1, 5, 2, 0, 3};
    double weights[9] = {0, 2, 3, 2, 0, 4, 3, 4, 0};
    opro_tour *t;

    MAKE(tour, t, NULL, opro_tour_new(&t, &scarce));
    note_tour(t);
    TRY(opro_tour_error(t), opro_tour_set_points(t, OPRO_METRIC_EUCLIDEAN, x, y, 5));
    note_tour(t);
    TRY(opro_tour_error(t), opro_tour_set_matrix(t, weights, 3));
    note_tour(t);
}

static void baselines(void) {
    opro_tour *t = make_tour(tsplib);
    int32_t nodes[PLACES];

    TRY_OUT(nodes, NULL, opro_tour_nearest_neighbour(t, 2, nodes, PLACES));
    note_way(t, nodes);
    improve(t, nodes);
    TRY_OUT(nodes, NULL, opro_tour_farthest_insertion(t, 0, nodes, PLACES));
    note_way(t, nodes);
}

static void search(const char *settings) {
    opro_config *config = make_config(settings);
    opro_tour *t = make_tour(tsplib);
    opro_problem *p;
    opro_scorer *scorer;
    opro_optimizer *optimizer;

    MAKE(problem, p, NULL, opro_problem_new_tour(&p, t, &scarce));
    MAKE(scorer, scorer, NULL, opro_scorer_new_tour(&scorer, t, &scarce));
    MAKE(optimizer, optimizer, NULL, opro_optimizer_new_local(&optimizer, p, config, &scarce));
    note_problem(p);
    whole_drive(p, config, optimizer, scorer, NULL);
}

static void seen(void) {
    search("steps=3 samples_per_step=3");
}

static void blind(void) {
    search("steps=8 samples_per_step=6 polish=0 repair=1");
}

const scenario tour_scenarios[] = {
    {"tours from files", MEMORY, read_files},
    {"tours from numbers", MEMORY, make_instances},
    {"baselines of tours", MEMORY, baselines},
    {"local search for a tour", MEMORY, seen},
    {"local search for a blind tour", MEMORY, blind},
    {NULL, 0, NULL},
};
