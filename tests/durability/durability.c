/* SPDX-License-Identifier: MIT */
/* See README.md. */
#include "story.h"

#include <limits.h>

static int usage(void) {
    fputs("usage: durability [kills|power|writes|bytes] [COUNT [SEED [FIRST]]]\n"
          "  without COUNT: as much as proves it; without arguments: a little of each\n",
          stderr);
    return 2;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*play)(long count, uint64_t seed, long first);
        long little, all;
    } modes[] = {{"kills", kills, 100, 4000},
                 {"power", power, 2000, 100000},
                 {"writes", writes, 1500, LONG_MAX},
                 {"bytes", bytes, 2000, LONG_MAX}};
    long count = argc > 2 ? atol(argv[2]) : 0;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    long first = argc > 4 ? atol(argv[4]) : 0;
    int played = 0;

    if (argc > 5 || count < 0 || first < 0) return usage();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (argc > 1 && strcmp(argv[1], modes[i].name) != 0) continue;
        modes[i].play(count ? count : argc > 1 ? modes[i].all : modes[i].little, seed, first);
        fflush(stdout);
        played = 1;
    }
    return played ? 0 : usage();
}
