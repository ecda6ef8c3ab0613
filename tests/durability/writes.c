/* SPDX-License-Identifier: MIT */
/*
 * At every call of the file table, in every scenario: the process dies there, with the call not
 * done, half done, done, with the power or without it, and a second one dies in the recovery; or
 * the call fails in every way, once or from then on, and the run goes on when the cause is gone.
 */
#include "story.h"

enum { RECOVERY = 24, HOWS = DISK_DEATHS - DISK_DEATH_BEFORE, WEAKER = 13, AGAIN = 7 };

/* A fault, or with kind DISK_FAULTS a death, and what becomes of the power then. */
typedef struct fault {
    long at;
    int kind, sticky, how, power;
} fault;

/* All of them at a call, by number: deaths, then failures. */
enum { DEATHS = HOWS * 2, FAILURES = DISK_FAULTS * 2, FAULTS = DEATHS + FAILURES };

typedef struct tally {
    long deaths, seconds, failures, again, open;
} tally;

static fault fault_of(long n) {
    fault f = {.at = n / FAULTS, .kind = DISK_FAULTS};

    n %= FAULTS;
    if (n < DEATHS) {
        f.how = DISK_DEATH_BEFORE + (int)n / 2;
        f.power = (int)(n % 2);
    } else {
        f.kind = (int)(n - DEATHS) / 2;
        f.sticky = (int)(n % 2);
        f.power = (int)((f.at + f.kind) % 2);
    }
    return f;
}

static void set_fault(disk *d, const fault *f) {
    disk_no_faults(d);
    d->kind = f->kind;
    d->sticky = f->sticky;
    d->death_how = f->how;
    if (f->kind == DISK_FAULTS)
        d->death = f->at;
    else
        d->fault = f->at;
}

/* A life with a fault, and what is left. */
static void live_with(disk *d, story *s, const fault *f) {
    opro_status st;

    set_fault(d, f);
    st = story_live(s, KEPT_PATH, &d->files, 1);
    if (st != OPRO_DONE && (f->kind == DISK_SHORT || (f->kind == DISK_EINTR && !f->sticky)))
        story_fail("the run does not get over a call that was interrupted or done in part");
    if (disk_open_files(d)) story_fail("a file is left open");
    if (f->power)
        disk_power_loss(d);
    else
        disk_kill(d);
    if (f->power)
        story_after_power_loss(s, KEPT_PATH, &d->files);
    else
        story_after_kill(s, KEPT_PATH, &d->files);
}

/* Every second scenario is played where there are no links, and rename() does it. */
static void begin_disk(disk *d, size_t scenario) {
    disk_clear(d);
    d->no_links = scenario % 2;
}

/* The second one is a death; negative: there is none. */
static void play(disk *d, size_t scenario, int policy, long first, long second, tally *t) {
    fault a = fault_of(first), b = fault_of(second < 0 ? 0 : second);
    story s;

    begin_disk(d, scenario);
    d->random = opro__mix((uint64_t)first) ^ (uint64_t)second;
    story_begin(&s, scenario, policy, 0);
    snprintf(story_point, sizeof story_point,
             "%s, sync %s, call %ld: kind %d, sticky %d, how %d, power %d; then call %ld: how %d, "
             "power %d",
             s.golden->scenario->name, story_policies[policy], a.at, a.kind, a.sticky, a.how,
             a.power, second < 0 ? -1 : b.at, b.how, b.power);
    live_with(d, &s, &a);
    if (second >= 0) live_with(d, &s, &b);
    disk_no_faults(d);
    if (story_live(&s, KEPT_PATH, &d->files, 0) != OPRO_DONE) story_fail("it does not go on");
    t->again += s.again;
    t->open += s.open;
    t->deaths += a.kind == DISK_FAULTS;
    t->failures += a.kind != DISK_FAULTS;
    t->seconds += second >= 0;
}

/* Calls of a run that nothing happens to. */
static long count_calls(disk *d, size_t scenario, int policy) {
    story s;

    begin_disk(d, scenario);
    story_begin(&s, scenario, policy, 0);
    KEPT_MUST(story_live(&s, KEPT_PATH, &d->files, 1) == OPRO_DONE);
    return d->calls;
}

/*
 * Each fault of a scenario, and each death (of failures some) once more with another one in a call
 * of the recovery, which is a different call for every fault. Of the weaker policies some.
 */
static void play_all(disk *d, size_t scenario, int policy, story_pick *pick, tally *t) {
    long faults = count_calls(d, scenario, policy) * FAULTS;

    for (long n = 0; n < faults; n += policy == STORY_RECORD ? 1 : WEAKER) {
        long second = (long)(opro__mix((uint64_t)n) % (RECOVERY * DEATHS));

        if (story_picks(pick, "writes")) play(d, scenario, policy, n, -1, t);
        if (fault_of(n).kind != DISK_FAULTS && n % AGAIN) continue;
        second = second / DEATHS * FAULTS + second % DEATHS;
        if (story_picks(pick, "writes")) play(d, scenario, policy, n, second, t);
    }
}

static void everything(disk *d, story_pick *pick, tally *t) {
    for (size_t k = 0; k < story_scenarios(); k++)
        for (int policy = 0; policy < STORY_POLICIES; policy++)
            play_all(d, k, policy, pick, t);
}

void writes(long count, uint64_t seed, long first) {
    story_pick pick = {.seed = seed};
    tally t = {0};
    disk d;

    disk_begin(&d, seed);
    everything(&d, &pick, &t); /* how many there are */
    story_pick_some(&pick, count, first);
    everything(&d, &pick, &t);
    disk_end(&d);
    printf("writes: %ld deaths and %ld failures in calls of the file table, %ld of them with a "
           "second death in the recovery, of %ld; 0 answers lost, 0 runs differ, %ld requests "
           "asked again (%ld were open)\n",
           t.deaths, t.failures, t.seconds, pick.all, t.again, t.open);
}
