/* SPDX-License-Identifier: MIT */
/*
 * Instructions scored by a model on labelled examples: what prompt.c and evaluate.c share. The
 * options, and what they stand for: a dataset, a metric, a model, an examiner.
 */
#ifndef EXAMPLES_SCORING_H
#define EXAMPLES_SCORING_H

#include "common.h"
#include "share.h"

typedef struct scoring {
    /* as the options say */
    const char *layout, *columns, *task, *metric, *pattern, *split, *cache, *who, *concurrency;
    int skip_bad, judged, second, dry;
    text_list settings; /* options of the library for the scorer's client */
    endpoint at;        /* of the scorer, if it has one of its own */
    /* from scoring_open() */
    opro_dataset *dataset;
    opro_metric *metric_used;
    int32_t task_used;    /* OPRO_TASK_... */
    opro_config *config;  /* for the scorer's client; NULL: the program's */
    opro_model *model;    /* who answers; borrowed */
    opro_model *judge;    /* who judges; borrowed; NULL: the metric does */
    opro_model *proposer; /* the other model, if there is one; borrowed */
    opro_examiner *examiner;
    /* what was heard of exams */
    program *program;
    int64_t decided, unknown;
    double right;
    int64_t begun_ms;
} scoring;

/* What is estimated before the first call. */
enum { ESTIMATE_LOW, ESTIMATE_LIKELY, ESTIMATE_HIGH };

typedef struct estimate {
    const char *name, *words;
    int32_t figure; /* OPRO_ESTIMATE_... */
    int64_t n[3];   /* INT64_MAX: nobody can know */
} estimate;

#define SCORING_OPTIONS 18 /* how many there are */

/* Write the options into a list, which has room for them. Returns how many. */
size_t scoring_options(scoring *s, program *p, option *list);

/*
 * Everything from the options; test: test examples are wanted. 0, or the exit code: it said why.
 */
int scoring_open(program *p, scoring *s, int test);
void scoring_close(scoring *s);

/* "250 examples, answers are numbers: 200 training, 50 validation"; who answers, and how. */
void scoring_print(const program *p, const scoring *s);
json_t *scoring_json(const program *p, const scoring *s);

/*
 * Exams that are under way, to their end or to Ctrl-C: a line of progress shows. 0, or 1: it said
 * why.
 */
int scoring_wait(program *p, scoring *s, opro_exam *const *exams, size_t n);

/* An exam on examples, begun; NULL: it said why. */
opro_exam *scoring_begin(const program *p, scoring *s, const char *instruction,
                         const int64_t *examples, size_t n);

/*
 * What exams of these instructions on these examples will use: answers, tokens, money. 0, or 1: it
 * said why.
 */
#define SCORING_ESTIMATES 4
int scoring_estimate(program *p, scoring *s, const char *const *instructions, size_t n,
                     const int64_t *examples, size_t n_examples,
                     estimate estimates[SCORING_ESTIMATES]);

/* Estimates on stderr, to be seen before the work begins, wherever the result goes; and as JSON. */
void scoring_show_estimates(const estimate *estimates, size_t n);
json_t *scoring_estimates_json(const estimate *estimates, size_t n);

/* Figures of all models together: OPRO_MODEL_... */
int64_t scoring_figure(const scoring *s, int32_t figure);

/* A number where there is no room for many digits: 9500, 12k, 3.4M. */
void scoring_put_short(FILE *out, double n);

/* The end of a line of progress: answers, tokens, money, and time that is left, of so many. */
void scoring_line(const scoring *s, int64_t answers);

#endif
