/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of every scenario fails: the first, then the second, and so on until a life of
 * the scenario needs no more; once, and all from then on. Where there are files and sockets, so
 * does every call of the system. A life may end with an error then, and in no other way: see
 * play.h. Each scenario has a process of its own, which another one takes over from when it crashes
 * or hangs.
 *
 *   failure                                   all of it
 *   failure SCENARIO                          one scenario
 *   failure SCENARIO --point K --once|--on    one point; --calls: it is a call of the system that
 *                                             fails, --interrupted: by a signal; --all: tell more
 *   failure [SCENARIO] --every N              every N-th point
 *   failure --list                            the names of the scenarios
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "fault.h"
#include "memory.h"
#include "play.h"
#include "scenarios.h"
#include "server.h"

enum { SECONDS = 60, /* the longest life */ MOST_WRONG = 10 /* of a scenario, then it is left */ };

/* What fails, in the order in which it is gone through. */
static const struct pass {
    int fails, what, mode;
} passes[] = {
    {MEMORY, FAULT_MEMORY, FAULT_ONCE},      {MEMORY, FAULT_MEMORY, FAULT_ON},
    {CALLS, FAULT_CALLS, FAULT_ONCE},        {CALLS, FAULT_CALLS, FAULT_ON},
    {CALLS, FAULT_CALLS, FAULT_INTERRUPTED},
};

enum { PASSES = sizeof passes / sizeof *passes };

/* Where a scenario's process is, for the parent to see. */
static struct progress {
    size_t pass;
    long point, points[PASSES];
    int under_way;
} * progress;

static const struct scenario *now;
static int shown;
static long every = 1;

const char *scenario_now(void) {
    return now->name;
}

int point_is_shown(void) {
    return shown;
}

static const struct scenario *const areas[] = {
    config_scenarios,  problem_scenarios, trajectory_scenarios, meta_prompt_scenarios,
    run_scenarios,     driver_scenarios,  optimizer_scenarios,  tour_scenarios,
    dataset_scenarios, metric_scenarios,
#ifdef HAVE_JOURNAL
    journal_scenarios,
#endif
#ifdef HAVE_HTTP
    model_scenarios,   exam_scenarios,
#endif
};

enum { AREAS = sizeof areas / sizeof *areas };

/* ---- in the process of a scenario ------------------------------------------------------------ */

static int applies(const struct pass *pass) {
    return (now->fails & pass->fails) && (pass->what == FAULT_MEMORY || calls_can_fail());
}

static void begin_process(void) {
    if (now->fails & SERVER) server_start();
}

static void end_process(void) {
    if (now->fails & SERVER) server_stop();
    memory_settle();
}

/* What comes of it when nothing fails; twice, since some things are made once in a process. */
static uint64_t undisturbed(void) {
    uint64_t first, second;

    faults.at = -1;
    alarm(SECONDS);
    CHECK(play(now->play, &first));
    CHECK(play(now->play, &second));
    CHECK(first == second);
    return first;
}

/* 0: there is no such point any more. */
static int play_point(const struct pass *pass, long point, uint64_t expected) {
    uint64_t hash;
    int whole;

    faults.what = pass->what;
    faults.mode = pass->mode;
    faults.at = point;
    alarm(SECONDS);
    whole = play(now->play, &hash);
    if (!whole && faults.mode != FAULT_ON) wrong("it did not come to its end");
    if (whole && hash != expected) wrong("it came to another end");
    if (shown) printf("  %s\n", whole ? "it came to its end" : "it was given up");
    return faults.failed > 0;
}

static void play_all_points(void) {
    uint64_t expected = undisturbed();

    for (; progress->pass < PASSES; progress->pass++, progress->point = 0) {
        const struct pass *pass = &passes[progress->pass];

        if (!applies(pass)) continue;
        while (play_point(pass, progress->point, expected)) {
            progress->point += every;
            progress->points[progress->pass]++;
        }
    }
}

/* ---- in the parent --------------------------------------------------------------------------- */

/* What became of the process: 1, all was well. */
static int child_was_well(pid_t child) {
    int status = 0;

    while (waitpid(child, &status, 0) < 0)
        ;
    if (WIFSIGNALED(status))
        printf("WRONG: %s, pass %zu, --point %ld: %s\n", now->name, progress->pass, progress->point,
               WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) > 1)
        printf("WRONG: %s: its process ends with %d\n", now->name, WEXITSTATUS(status));
    return status == 0;
}

/* The next process begins behind what killed the last. Returns how many points were wrong. */
static int play_scenario(void) {
    int bad = 0;

    memset(progress, 0, sizeof *progress);
    for (;;) {
        pid_t child;

        fflush(stdout);
        child = fork();
        if (child == 0) {
            begin_process();
            play_all_points();
            end_process();
            exit(0); /* who looks for leaks looks here */
        }
        if (child_was_well(child)) return bad;
        if (progress->pass < PASSES) progress->points[progress->pass]++;
        progress->point += every;
        if (progress->pass == PASSES || ++bad == MOST_WRONG) return bad;
    }
}

static struct totals {
    long once, on, network, calls;
    int wrong;
} totals;

static void add_up(void) {
    long n = 0;

    for (size_t i = 0; i < PASSES; i++) {
        n += progress->points[i];
        if (passes[i].what == FAULT_CALLS)
            totals.calls += progress->points[i];
        else if (now->fails & SERVER)
            totals.network += progress->points[i];
        else if (passes[i].mode == FAULT_ONCE)
            totals.once += progress->points[i];
        else
            totals.on += progress->points[i];
    }
    printf("%s: %ld points\n", now->name, n);
}

static void play_all(const char *name) {
    for (size_t i = 0; i < AREAS; i++)
        for (now = areas[i]; now->name; now++) {
            if (name && strcmp(name, now->name) != 0) continue;
            totals.wrong += play_scenario();
            add_up();
        }
}

static int list(void) {
    for (size_t i = 0; i < AREAS; i++)
        for (const struct scenario *s = areas[i]; s->name; s++)
            puts(s->name);
    return 0;
}

/* ---- one point ------------------------------------------------------------------------------- */

static const struct scenario *find(const char *name) {
    for (size_t i = 0; i < AREAS; i++)
        for (const struct scenario *s = areas[i]; s->name; s++)
            if (strcmp(name, s->name) == 0) return s;
    fprintf(stderr, "there is no scenario \"%s\": see --list\n", name);
    return NULL;
}

static int play_one(const char *name, long point, const struct pass *pass, int tell) {
    uint64_t expected;

    now = find(name);
    if (!now) return 2;
    begin_process();
    expected = undisturbed();
    shown = tell;
    if (!play_point(pass, point, expected)) printf("  nothing failed\n");
    end_process();
    return 0;
}

static int usage(void) {
    fprintf(stderr, "usage: failure [SCENARIO [--point K --once|--on|--interrupted [--calls]"
                    " [--all]]] [--every N] | --list\n");
    return 2;
}

static int play_scenarios(const char *name) {
    progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED) return 2;
    play_all(name);
    printf("failure points: %ld (allocation once %ld, from then on %ld, with network %ld, I/O %ld)"
           ", %d wrong\n",
           totals.once + totals.on + totals.network + totals.calls, totals.once, totals.on,
           totals.network, totals.calls, totals.wrong);
    return totals.wrong != 0;
}

int main(int argc, char **argv) {
    struct pass pass = {0, FAULT_MEMORY, FAULT_ONCE};
    const char *name = NULL;
    long point = -1;
    int tell = 1, result;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) return list();
        if (strcmp(argv[i], "--point") == 0 && i + 1 < argc)
            point = atol(argv[++i]);
        else if (strcmp(argv[i], "--every") == 0 && i + 1 < argc)
            every = atol(argv[++i]);
        else if (strcmp(argv[i], "--once") == 0)
            pass.mode = FAULT_ONCE;
        else if (strcmp(argv[i], "--on") == 0)
            pass.mode = FAULT_ON;
        else if (strcmp(argv[i], "--interrupted") == 0)
            pass.mode = FAULT_INTERRUPTED;
        else if (strcmp(argv[i], "--calls") == 0)
            pass.what = FAULT_CALLS;
        else if (strcmp(argv[i], "--all") == 0)
            tell = 2;
        else if (argv[i][0] == '-' || name)
            return usage();
        else
            name = argv[i];
    }
    if ((point >= 0 && !name) || every < 1 || (name && !find(name))) return usage();
    if (play_begin() != 0) {
        perror("a folder for files");
        return 2;
    }
    server_prepare();
    result = point >= 0 ? play_one(name, point, &pass, tell) : play_scenarios(name);
    play_end();
    return result;
}
