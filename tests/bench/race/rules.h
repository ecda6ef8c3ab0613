/* SPDX-License-Identifier: MIT */
/* Rules by which candidates are scored, and which of them are dropped before the end. */
#ifndef TESTS_BENCH_RACE_RULES_H
#define TESTS_BENCH_RACE_RULES_H

#include "world.h"

#define SHOWN 20

/* Candidates by score, best first; of equals who came first. */
typedef struct ranking {
    size_t numbers[SHOWN];
    double scores[SHOWN];
    size_t n;
} ranking;

void ranking_add(ranking *r, size_t number, double score);

/* What became of a candidate. */
typedef struct outcome {
    size_t calls;
    int whole;    /* scored as far as the rule ever goes: it may win */
    double score; /* the score, or what is shown instead; NaN: it is not shown */
} outcome;

/* best: of those that are whole. */
typedef outcome (*rule_fn)(const world *w, size_t number, size_t mother, const ranking *best);

typedef struct rule {
    const char *name;
    rule_fn score;
} rule;

#define RULES 9
extern const rule rules[RULES];

/* Two of them by name. */
enum { RULE_FULL = 0, RULE_RECOMMENDED = RULES - 3 };

#endif
