/* SPDX-License-Identifier: MIT */
/*
 * Golden runs: runs whose every request and every result is a function of what stands in this
 * folder, so that their digests must be the same on every platform. Replies and scores are scripted
 * with integers, exact fractions and + - * / alone, unless the library itself gives them.
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "opro/opro.h"

#define REPLY_SIZE 1024

/* A reply made from a key. */
typedef void (*golden_reply)(uint64_t key, char reply[REPLY_SIZE]);

/* A score of a text on an instance. */
typedef double (*golden_score)(const char *text, size_t len, int32_t set, int64_t instance);

/* What is asked, and by whom it is answered; the game is over with it all freed. */
typedef struct golden_game {
    const char *name;
    const char *settings;      /* "name=value name=value"                            */
    opro_problem *problem;     /* a share that is given up                           */
    opro_optimizer *optimizer; /* likewise; NULL: reply                              */
    golden_reply reply;        /* with failures, refusals and cut replies among them */
    opro_scorer *scorer;       /* a share that is given up; NULL: score              */
    golden_score score;
    opro_trajectory *start; /* of a warm start, freed; NULL: none                        */
    int last_first;         /* all that can be asked is asked, and the last answered first */
    int troubles;           /* some requests fail, some scores come with words         */
} golden_game;

/* Play it and print its line. */
void golden_play(FILE *out, golden_game game);

/* Print a line of values instead. */
void golden_print(FILE *out, const char *name, uint64_t digest);

/* Ends the program unless a call went well. */
#define MUST(call) golden_must((call), #call, __FILE__, __LINE__)
void golden_must(opro_status status, const char *call, const char *file, int line);

/* All runs and all values, a line each. */
void golden_runs(FILE *out);
void golden_values(FILE *out);

#endif
