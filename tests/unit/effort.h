/* SPDX-License-Identifier: MIT */
/*
 * How often a test repeats what it does with random cases. Instrumented builds are 10 to 50 times
 * slower, and find what they are for in fewer cases: OPRO_EFFORT in the environment is a
 * percentage.
 */
#ifndef EFFORT_H
#define EFFORT_H

#include <stdlib.h>

static inline int effort(int full) {
    const char *percent = getenv("OPRO_EFFORT");
    int some = percent ? (int)((long long)full * atoi(percent) / 100) : full;

    return some > 0 ? some : 1;
}

#endif
