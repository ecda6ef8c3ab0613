/* SPDX-License-Identifier: MIT */
/*
 * An instruction for a dataset: the search and what came of it. For prompt.c (the search),
 * prompt_result.c (in words and as JSON) and prompt_report.c with prompt_chart.c (as a page).
 */
#ifndef EXAMPLES_PROMPT_H
#define EXAMPLES_PROMPT_H

#include "prompt_story.h"
#include "report.h"
#include "scoring.h"

#define ESTIMATES 5

/* An instruction that the winner is compared with. */
typedef struct comparison {
    const char *name, *instruction;
    opro_exam *exam;
    share right, better; /* by how much the winner is better */
} comparison;

#define COMPARISONS_MAX 2

typedef struct prompt_task {
    program *p;
    scoring s;
    /* as the options say */
    text_list initial;
    const char *description;
    int test, alone;
    /* the search */
    opro_problem *problem;
    opro_scorer *scorer;
    estimate estimates[ESTIMATES];
    prompt_story story; /* for the report */
    /* what came of it */
    int64_t winner;
    int32_t held; /* the set that tells: test, else validation, else training examples */
    share train, validation, test_share;
    double gap[3];             /* training - validation, from, to; NaN: not known */
    opro_exam *winner_exam[3]; /* on training, validation, test examples; NULL: not needed */
    comparison compared[COMPARISONS_MAX];
    size_t n_compared;
    int64_t train_calls, train_calls_full; /* made; if nobody had been dropped early */
} prompt_task;

const opro_run *prompt_run(const prompt_task *t);
const opro_trajectory *prompt_trajectory(const prompt_task *t);
const char *prompt_winner(const prompt_task *t);

/* "at least as good as", "not as good as", with "may be chance" where it may. */
const char *prompt_verdict(const comparison *c);

/* ---- prompt_result.c ---- */

void prompt_print(const prompt_task *t);

/* 0, or 1: it said why. */
int prompt_print_json(const prompt_task *t);

/* ---- prompt_report.c, prompt_chart.c ---- */

/* Write what --report asked for, if it did. 0, or 1: it said why. */
int prompt_report(prompt_task *t);

/* Accuracy by step, as SVG; style: with its own. */
void prompt_chart(FILE *out, const prompt_task *t);

#endif
