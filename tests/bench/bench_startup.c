/* SPDX-License-Identifier: MIT */
/* How long a program takes to start and end that links the library and calls one function of it. */
#define _POSIX_C_SOURCE 200809L

#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS 301

extern char **environ;

/* Milliseconds from start to end; negative if it did not start or did not end well. */
static double start(const char *path) {
    char *argv[] = {(char[]){"startup"}, NULL};
    double begin = bench_wall();
    int status = 0;
    pid_t child;

    if (posix_spawn(&child, path, NULL, NULL, argv, environ) != 0) return -1;
    if (waitpid(child, &status, 0) != child || status != 0) return -1;
    return (bench_wall() - begin) * 1e3;
}

int bench_startup(void) {
    char with[4200], without[4200];
    double took[2][ROUNDS];
    double ours, bare;

    snprintf(with, sizeof with, "%sstartup-opro", bench_folder());
    snprintf(without, sizeof without, "%sstartup-bare", bench_folder());
    for (size_t i = 0; i < ROUNDS; i++) {
        took[0][i] = start(with);
        took[1][i] = start(without);
        if (took[0][i] < 0 || took[1][i] < 0) {
            bench_note("%s or %s cannot be run", with, without);
            return 1;
        }
    }
    ours = bench_median(took[0], ROUNDS);
    bare = bench_median(took[1], ROUNDS);
    bench_report((bench_line){"start and end of a program that links it", "ms", ours, bare,
                              "without the library", 0, 1.10, "507 ms"});
    return 0;
}
