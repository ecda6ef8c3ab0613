/* SPDX-License-Identifier: MIT */
/*
 * How long a program takes to start and end that links the library and calls one function of it.
 * Beside it: one that links a library that does nothing, which is what any shared library costs,
 * and one that links none.
 */
#define _XOPEN_SOURCE 700

#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS   301
#define PROGRAMS 3

extern char **environ;

static const char *const programs[PROGRAMS] = {"startup-opro", "startup-empty", "startup-none"};

/* Milliseconds of the processor that all children so far have used. */
static double children_cpu(void) {
    struct rusage used;

    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

/* Milliseconds from start to end; negative if it did not start or did not end well. */
static double start(const char *program) {
    char path[4200], name[] = "startup";
    char *argv[] = {name, NULL};
    double before = children_cpu();
    int status = 0;
    pid_t child;

    snprintf(path, sizeof path, "%s%s", bench_folder(), program);
    if (posix_spawn(&child, path, NULL, NULL, argv, environ) != 0) return -1;
    if (waitpid(child, &status, 0) != child || status != 0) return -1;
    return children_cpu() - before;
}

int bench_startup(void) {
    static double took[PROGRAMS][ROUNDS];
    double ms[PROGRAMS];

    for (size_t i = 0; i < ROUNDS; i++)
        for (size_t k = 0; k < PROGRAMS; k++) {
            took[k][i] = start(programs[k]);
            if (took[k][i] >= 0) continue;
            bench_note("%s%s cannot be run", bench_folder(), programs[k]);
            return 1;
        }
    for (size_t k = 0; k < PROGRAMS; k++)
        ms[k] = bench_median(took[k], ROUNDS);
    bench_report((bench_line){"start and end of a program that links it", "ms", ms[0], ms[1],
                              "an empty library", 0, 1.10, "507 ms"});
    bench_report((bench_line){"... and beside one that links no library", "ms", ms[0], ms[2],
                              "no library", 0, 0, NULL});
    return 0;
}
