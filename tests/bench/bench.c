/* SPDX-License-Identifier: MIT */
/*
 * build/tests/bench [--strict] [NAME...]: how fast, beside what. Figures are ratios and seconds of
 * a shared machine.
 */
#define _POSIX_C_SOURCE 200809L

#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    int (*run)(void);
    const char *help;
} benches[] = {
    {"journal", bench_journal, "records made safe, and read"},
    {"journal_run", bench_journal_run, "answers made safe, runs put back"},
    {"meta_prompt", bench_meta_prompt, "meta-prompts of 20 and 1000 entries"},
    {"metric", bench_metric, "answers normalised as the published program does"},
    {"reply", bench_reply, "replies read: 2 KB, and growth with hostile ones"},
    {"run", bench_run, "ask and tell on a long trajectory, a whole step without models"},
    {"startup", bench_startup, "a program that links the library"},
    {"trajectory", bench_trajectory, "candidates inserted and found, memory"},
};

#define BENCHES (sizeof benches / sizeof *benches)

volatile size_t bench_sink;
static char folder[4096];
static int bars, missed;

/* ---- time ------------------------------------------------------------------------------------ */

static double seconds(clockid_t clock) {
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double bench_cpu(void) {
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_wall(void) {
    return seconds(CLOCK_MONOTONIC);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double bench_median(double *values, size_t n) {
    qsort(values, n, sizeof *values, by_size);
    return values[n / 2];
}

#define ROUNDS_MAX 101

static double time_once(bench_fn fn, void *data) {
    double begin = bench_cpu();

    fn(data);
    return bench_cpu() - begin;
}

double bench_time(bench_fn fn, void *data, int rounds) {
    double took[ROUNDS_MAX];

    if (rounds > ROUNDS_MAX) rounds = ROUNDS_MAX;
    for (int i = 0; i < rounds; i++)
        took[i] = time_once(fn, data);
    return bench_median(took, (size_t)rounds);
}

void bench_pair(bench_fn ours, bench_fn other, void *data, int rounds, double *ours_s,
                double *other_s) {
    double a[ROUNDS_MAX], b[ROUNDS_MAX];

    if (rounds > ROUNDS_MAX) rounds = ROUNDS_MAX;
    for (int i = 0; i < rounds; i++) {
        a[i] = time_once(ours, data);
        b[i] = time_once(other, data);
    }
    *ours_s = bench_median(a, (size_t)rounds);
    *other_s = bench_median(b, (size_t)rounds);
}

/* ---- the report ------------------------------------------------------------------------------ */

void bench_report(bench_line line) {
    int has_bar = line.most > 0 || line.most_ratio > 0;
    double ratio = line.reference > 0 ? line.figure / line.reference : 0;
    int holds = (line.most <= 0 || line.figure <= line.most) &&
                (line.most_ratio <= 0 || (line.reference > 0 && ratio <= line.most_ratio));

    printf("%-44s %10.4g %-5s", line.name, line.figure, line.unit);
    if (line.reference > 0)
        printf("  %s: %.4g %s, ratio %.3g", line.beside, line.reference, line.unit, ratio);
    if (line.stated) printf("; published program: %s (stated)", line.stated);
    if (line.most > 0) printf("; bar %g %s", line.most, line.unit);
    if (line.most_ratio > 0) printf("; bar ratio %g", line.most_ratio);
    if (has_bar) printf(": %s", holds ? "holds" : "DOES NOT HOLD");
    putchar('\n');
    fflush(stdout);
    bars += has_bar;
    missed += has_bar && !holds;
}

void bench_note(const char *format, ...) {
    va_list args;

    va_start(args, format);
    fputs("  ", stdout);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    fflush(stdout);
}

const char *bench_folder(void) {
    return folder;
}

/* ---- the program ----------------------------------------------------------------------------- */

static void usage(FILE *to) {
    fputs("usage: bench [--strict] [NAME...]\n\n"
          "One line a bar: ours, what stands beside it in this run, the ratio, the verdict.\n"
          "  --strict  exit code 1 when a bar does not hold\n\n",
          to);
    for (size_t i = 0; i < BENCHES; i++)
        fprintf(to, "  %-11s %s\n", benches[i].name, benches[i].help);
}

static int run_one(size_t i) {
    printf("== %s: %s\n", benches[i].name, benches[i].help);
    if (benches[i].run() == 0) return 0;
    printf("%s could not be measured\n", benches[i].name);
    return 1;
}

/* The row of a name; BENCHES if there is none. */
static size_t find(const char *name) {
    size_t i = 0;

    while (i < BENCHES && strcmp(benches[i].name, name) != 0)
        i++;
    return i;
}

static void find_folder(const char *program) {
    const char *end = strrchr(program, '/');

    if (end && (size_t)(end - program) + 2 <= sizeof folder)
        memcpy(folder, program, (size_t)(end - program) + 1);
    else
        strcpy(folder, "./");
}

int main(int argc, char **argv) {
    int strict = 0, named = 0, failed = 0;

    find_folder(argv[0]);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return usage(stdout), 0;
        if (strcmp(argv[i], "--strict") == 0) {
            strict = 1;
        } else if (find(argv[i]) == BENCHES) {
            fprintf(stderr, "bench: there is no bench \"%s\"\n", argv[i]);
            return usage(stderr), 2;
        } else {
            named = 1;
        }
    }
#ifndef NDEBUG
    puts("This is not a release build: configure with --buildtype=release to compare with the "
         "bars.");
#endif
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-') failed += run_one(find(argv[i]));
    for (size_t i = 0; !named && i < BENCHES; i++)
        failed += run_one(i);
    printf("%d bars, %d hold, %d do not\n", bars, bars - missed, missed);
    return failed || (strict && missed) ? 1 : 0;
}
