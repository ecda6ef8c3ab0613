/* SPDX-License-Identifier: MIT */
/*
 * How often a test repeats what it does with random cases. Instrumented builds are 10 to 50 times
 * slower, and find what they are for in fewer cases: OPRO_EFFORT in the environment is a
 * percentage.
 */
#ifndef EFFORT_H
#define EFFORT_H

#include <stdlib.h>

static inline int effort_percent(void) {
    const char *percent = getenv("OPRO_EFFORT");

    return percent ? atoi(percent) : 100;
}

static inline int effort(int full) {
    int some = (int)((long long)full * effort_percent() / 100);

    return some > 0 ? some : 1;
}

/* Is it worth while to do what has been done already once more with much more of it? */
static inline int effort_for_size(void) {
    return effort_percent() >= 10;
}

#endif
