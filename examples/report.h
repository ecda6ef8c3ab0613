/* SPDX-License-Identifier: MIT */
/*
 * A picture of a result in one file that needs nothing else: the best solution, the curve of best
 * and mean score per step, and the facts. FILE.svg is the picture alone; any other name becomes an
 * HTML page with the picture in it.
 */
#ifndef EXAMPLES_REPORT_H
#define EXAMPLES_REPORT_H

#include "common.h"
#include "page.h"

/*
 * A figure (OPRO_FIGURE_...) over the steps from first on, step i at x = i + 1; of steps that share
 * a pixel, the mean.
 */
void put_curve(FILE *out, const frame *f, const opro_trajectory *t, int64_t first, int32_t figure,
               const char *class);

/* What is drawn of the best solution, into a frame whose rectangle is set. */
typedef void (*picture_fn)(FILE *out, frame f, const void *data);

typedef struct fact {
    const char *name;
    char value[64];
} fact;

/* A level to compare the curve with. */
typedef struct mark {
    const char *name;
    double value;
} mark;

typedef struct report {
    const char *title;
    const char *subtitle;
    const char *score_name;
    picture_fn picture; /* NULL: there is nothing to draw */
    const void *data;
    fact facts[9];
    size_t n_facts;
    mark marks[4];
    size_t n_marks;
    const char *solution; /* in words, for the page under the picture */
    const char *note;     /* report_write() sets it: who proposed */
} report;

void report_fact(report *r, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_mark(report *r, const char *name, double value);

/* The facts of the run: steps, scorer calls, proposals, why it stopped. */
void report_run(report *r, const program *p);

/* For pages of another make: the file, empty, or NULL for none; whether it is a picture alone. */
FILE *report_begin(program *p);
int report_is_svg(const program *p);

/* Close it. 0, or 1: it said why. */
int report_end(const program *p, FILE *out);

/* Write what --report asked for, if it did. 0, or 1: it said why. */
int report_write(report *r, program *p);

#endif
