/* SPDX-License-Identifier: MIT */
/*
 * A round trip through all places of an instance: baselines, the search, the result. For tour.c and
 * quickstart.c.
 */
#ifndef EXAMPLES_TRAVEL_H
#define EXAMPLES_TRAVEL_H

#include "picture.h"

typedef struct travel {
    opro_tour *tour; /* the instance: set it up, then travel_run() */
    int blind;       /* the search sees lengths only               */
    int64_t starts;  /* random round trips to start from           */
    const char *const *names;
    size_t n;
    opro_problem *problem;
    double nearest, farthest; /* lengths of the baselines, from place 0 */
    int32_t *best;            /* the shortest round trip that was found */
    double length;
} travel;

/* Baselines and search. 0, or 1: it said why. */
int travel_run(program *p, travel *t);

/* How much longer a length is than that of the best round trip, in percent. */
double travel_longer(const travel *t, double length);

/* Lengths of the round trip and of the baselines, in a table; decimals: digits after the point. */
void travel_print(const travel *t, int decimals, const char *unit);

/*
 * The round trip and the comparison into a report, and the report into its file. 0, or 1: it said
 * why.
 */
int travel_report(program *p, const travel *t, report *r);

/* What is particular to round trips, into the result. */
void travel_result(const travel *t, json_t *result);

void travel_free(travel *t);

#endif
