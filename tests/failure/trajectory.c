/* SPDX-License-Identifier: MIT */
/* Trajectories that stand alone. */
#include <stdio.h>

#include "world.h"

static void grows(void) {
    opro_trajectory *t;
    int64_t number;

    MAKE(trajectory, t, NULL, opro_trajectory_new(&t, OPRO_MINIMIZE, &scarce));
    for (int i = 0; i < 80; i++) {
        double scores[3] = {i % 7, i % 11, i * 0.5};
        char text[64];

        snprintf(text, sizeof text, "solution %d of many", i * 7 % 80);
        TRY_OUT(number, opro_trajectory_error(t),
                opro_trajectory_add(t, text, OPRO_ZT, scores, 3, &number));
        CHECK(number == i);
    }
    note_trajectory(t);
}

/* More than a run shows, asked for: it is sorted then. */
static void is_sorted(void) {
    opro_trajectory *t;
    int64_t top[40];
    size_t n;

    MAKE(trajectory, t, NULL, opro_trajectory_new(&t, OPRO_MAXIMIZE, &scarce));
    for (int i = 0; i < 40; i++) {
        double score = i * 17 % 40;
        char text[16];

        n = (size_t)snprintf(text, sizeof text, "%d", i);
        TRY(opro_trajectory_error(t), opro_trajectory_add(t, text, n, &score, 1, NULL));
    }
    n = opro_trajectory_top(t, top, 40);
    note_bytes(top, n * sizeof *top);
}

const scenario trajectory_scenarios[] = {
    {"a trajectory grows", MEMORY, grows},
    {"a trajectory is sorted", MEMORY, is_sorted},
    {NULL, 0, NULL},
};
