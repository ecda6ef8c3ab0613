/* SPDX-License-Identifier: MIT */
/*
 * The subcommands of the program `conformance`: each reads cases, compares, and prints what
 * disagrees.
 */
#ifndef OPRO_TESTS_CONFORMANCE_H
#define OPRO_TESTS_CONFORMANCE_H

#include <stddef.h>

/* Exit codes. */
enum {
    CONFORMANCE_AGREE = 0,
    CONFORMANCE_DISAGREE = 1,
    CONFORMANCE_TROUBLE = 2 /* wrong use, an unreadable file */
};

typedef struct tally {
    size_t agree;
    size_t disagree;
} tally;

/* The last line of every subcommand, and its exit code. */
int tally_print(const tally *t);

/* A whole file, NUL-terminated, for free(); NULL after a message. */
char *read_file(const char *path, size_t *len);

/* conformance replies FILE.jsonl: cutting candidates out of replies. */
int conformance_replies(const char *path);

/* conformance metrics FILE.jsonl: answer matching. */
int conformance_metrics(const char *path);

/* conformance vectors FILE.jsonl: functions of the published program. */
int conformance_vectors(const char *path);

/*
 * conformance tsplib FOLDER: instances, solutions and baselines of the travelling salesman's
 * problem.
 */
int conformance_tsplib(const char *folder);

#endif
