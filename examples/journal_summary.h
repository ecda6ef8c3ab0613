/* SPDX-License-Identifier: MIT */
/* What came of a run, put together from the entries of its journal. */
#ifndef EXAMPLES_JOURNAL_SUMMARY_H
#define EXAMPLES_JOURNAL_SUMMARY_H

#include <jansson.h>
#include <opro/opro.h>

/* A request that is out. */
typedef struct asked {
    uint64_t id;
    size_t missing; /* replies, or 1 */
    int32_t kind, set;
    int64_t step;
    char *text; /* of a candidate to be scored */
} asked;

/* What is known of a candidate on a set: in a race its scores come in several answers. */
typedef struct scored {
    char *text;
    int32_t set;
    int64_t step; /* in which it was asked for first */
    long record;  /* of the last scores */
    size_t n;     /* instances */
    double sum;
} scored;

/* Of a step, or of all. */
typedef struct counts {
    int64_t requests[2]; /* for proposals, for scores */
    int64_t replies, scores, errors, tokens[2], cost;
} counts;

typedef struct summary {
    opro_journal *journal;
    json_t *header;
    int minimizes;
    size_t instances[2]; /* of the training set, of the validation set; 0: not known */
    asked *open;
    size_t n_open, cap_open;
    scored *scored;
    size_t n_scored, cap_scored;
    json_t *places; /* set and text -> place in scored */
    counts all, *steps;
    size_t n_steps, cap_steps; /* the first is step -1 */
    int64_t ended, again, resumes;
    int32_t stop;
    char why[200];   /* it stopped, if by an error */
    char fault[200]; /* the first request that failed: why */
    int closed;
} summary;

/* Take the entry that was read last. 0: no memory. */
int summary_take(summary *s);
void summary_free(summary *s);

double scored_mean(const scored *c);

/* All instances of its set are scored; in a race some candidates never get so far. */
int scored_whole(const summary *s, const scored *c);

/* The best of those by training scores, the first of equal ones; NULL: there is none. */
const scored *summary_best(const summary *s);
int summary_better(const summary *s, const scored *a, const scored *b);

/* "train", "validation". */
const char *set_name(int32_t set);

/* Of the header: "?" if it is not there. */
const char *summary_setting(const summary *s, const char *name);

#endif
