/* SPDX-License-Identifier: MIT */
/* A picture of what is in a journal: every score, and the best so far. */
#ifndef EXAMPLES_JOURNAL_REPORT_H
#define EXAMPLES_JOURNAL_REPORT_H

#include <stddef.h>

typedef struct score_list {
    double *all; /* means over training instances, in the order of the journal */
    size_t n, cap;
} score_list;

/* 0: no memory. */
int scores_add(score_list *list, double score);

/* Write it, as SVG. 0, or an errno. best: in words. */
int write_report(const char *path, const score_list *scores, int minimizes, const char *title,
                 const char *best);

#endif
