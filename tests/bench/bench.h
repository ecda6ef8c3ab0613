/* SPDX-License-Identifier: MIT */
/*
 * What the benches share. Each bench is one function in a file of its own, bench_X.c, and one row
 * of the table in bench.c. It measures what is ours beside something that stands in the same
 * program, and reports one line for each bar.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stddef.h>

/* Rows of the table in bench.c. Returns 0, or 1 if it could not be measured at all. */
int bench_journal(void);
int bench_journal_run(void);
int bench_meta_prompt(void);
int bench_metric(void);
int bench_reply(void);
int bench_run(void);
int bench_startup(void);
int bench_trajectory(void);

/* Something to be timed. */
typedef void (*bench_fn)(void *data);

/* Seconds: of the processor, spent by this process; and of a clock on the wall. */
double bench_cpu(void);
double bench_wall(void);

/* CPU seconds of one call: the median of rounds (odd). */
double bench_time(bench_fn fn, void *data, int rounds);

/*
 * The same for two that are to be compared: they take turns, so that what disturbs one disturbs
 * both.
 */
void bench_pair(bench_fn ours, bench_fn other, void *data, int rounds, double *ours_s,
                double *other_s);

/* Sorts them. */
double bench_median(double *values, size_t n);

/* One line of the report. */
typedef struct bench_line {
    const char *name;   /* what was measured: "insert, 10^6 candidates" */
    const char *unit;   /* of figure, reference and bar: "ns", "us", "ms", "bytes" */
    double figure;      /* ours */
    double reference;   /* what it is compared with, measured in this run; 0: nothing */
    const char *beside; /* what that is: "memcpy and hash"; NULL: nothing */
    double most;        /* the bar: figure at most this; 0: none */
    double most_ratio;  /* the bar: figure / reference at most this; 0: none */
    const char *stated; /* the figure of the published program, with its unit; or NULL */
} bench_line;

/* Print it with its verdict; a bar that does not hold is counted for --strict. */
void bench_report(bench_line line);

/* A remark on what follows or was. */
void bench_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Where the bench program stands, with a "/" at the end: the start-up programs stand beside it. */
const char *bench_folder(void);

/* Keeps a result from being optimized away. */
extern volatile size_t bench_sink;

#endif
