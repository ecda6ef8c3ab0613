/* SPDX-License-Identifier: MIT */
/*
 * Simulated power losses: at any call of the file table the power goes, in the run as in its
 * recovery, up to four times; then the run goes on to its end.
 */
#include "story.h"

enum { LOSSES = 4, RECOVERY = 24, LONG_EVERY = 16 };

/* How many calls a whole run makes. */
static long whole_run(disk *d, size_t scenario, int policy) {
    static long calls[64][STORY_POLICIES];
    story s;

    if (calls[scenario][policy]) return calls[scenario][policy];
    disk_clear(d);
    story_begin(&s, scenario, policy, 0);
    KEPT_MUST(story_live(&s, KEPT_PATH, &d->files, 1) == OPRO_DONE);
    return calls[scenario][policy] = d->calls;
}

/* Of the long ones only some are played. */
static size_t choose(story *s) {
    size_t k = (size_t)story_random(s, story_scenarios());
    int is_long = story_golden_run(k)->scenario->does & KEPT_LONG;

    return is_long && story_random(s, LONG_EVERY) ? 0 : k;
}

/* One run; how often the power went. */
static long play(disk *d, uint64_t seed, long number, long *again, long *open) {
    story s = {.random = opro__mix(seed) ^ opro__mix((uint64_t)number + 1)};
    size_t scenario = choose(&s);
    int policy = (int)story_random(&s, STORY_POLICIES);
    long calls = whole_run(d, scenario, policy), losses = 1 + (long)story_random(&s, LOSSES), n = 0;

    disk_clear(d);
    d->random = s.random;
    story_begin(&s, scenario, policy, s.random);
    snprintf(story_point, sizeof story_point, "%s, sync %s, run %ld of seed %llu",
             s.golden->scenario->name, story_policies[policy], number, (unsigned long long)seed);
    snprintf(story_repeat, sizeof story_repeat, "durability power 1 %llu %ld",
             (unsigned long long)seed, number);
    while (n < losses) {
        int soon = n && story_random(&s, 2);
        int dies_first = story_random(&s, 8) == 0; /* then the power does not go at once */

        d->death = (long)story_random(&s, soon ? RECOVERY : (uint64_t)calls);
        d->death_how = (int)story_random(&s, DISK_DEATHS);
        story_live(&s, KEPT_PATH, &d->files, 1);
        if (dies_first) {
            disk_kill(d);
            story_after_kill(&s, KEPT_PATH, &d->files);
            continue;
        }
        disk_power_loss(d);
        story_after_power_loss(&s, KEPT_PATH, &d->files);
        n++;
    }
    disk_no_faults(d);
    if (story_live(&s, KEPT_PATH, &d->files, 0) != OPRO_DONE) story_fail("it does not go on");
    *again += s.again;
    *open += s.open;
    return n;
}

void power(long count, uint64_t seed, long first) {
    long losses = 0, runs = 0, again = 0, open = 0;
    disk d;

    disk_begin(&d, seed);
    for (; losses < count; runs++)
        losses += play(&d, seed, first + runs, &again, &open);
    disk_end(&d);
    printf("power losses: %ld in %ld runs, 0 answers lost, 0 runs differ, %ld requests asked again "
           "(%ld were open)\n",
           losses, runs, again, open);
}
