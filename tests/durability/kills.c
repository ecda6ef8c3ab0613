/* SPDX-License-Identifier: MIT */
/*
 * Real processes with real files, each of which goes on with a run and says what was acknowledged;
 * they are killed at random moments, until the run has come to its end.
 *
 * A story is in memory that parent and child share: the child notes an answer before it is given
 * and when the call has returned, and then writes a byte into a pipe. After some of these it waits
 * for its parent, which lets it go on and kills it soon: so kills are all over a run, whatever else
 * the machine does.
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "story.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS = 12, ANSWERS = 15, RESUMES = 19 };

static char folder[256];

/* In memory if possible: processes die, and what is tested is not the disk. */
static void make_folder(void) {
    const char *tmp = getenv("TMPDIR");

    if (!tmp) tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/opro-kills-XXXXXX", tmp);
    KEPT_MUST(mkdtemp(folder) != NULL);
}

/* The journal, and what may be beside it. */
static void clear_folder(void) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[600];

    KEPT_MUST(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') KEPT_MUST(unlink(path) == 0);
    }
    closedir(dir);
}

/* ---- the child ------------------------------------------------------------------------------- */

static int to_parent, from_parent; /* the child's ends of its pipes */
static uint64_t left;              /* acknowledgements until it waits; then it runs free */

static void acknowledged(story *s) {
    char byte = 0;

    (void)s;
    if (write(to_parent, &byte, 1) != 1) _exit(3);
    if (left-- == 0 && read(from_parent, &byte, 1) != 1) _exit(3);
}

static _Noreturn void child(story *s, const char *path) {
    opro_status st;

    st = story_live(s, path, &opro__files_system, (int)(s->lives % 2));
    _exit(st == OPRO_DONE ? 0 : 2);
}

/* ---- the parent ------------------------------------------------------------------------------ */

/* A child that waits after so many acknowledgements. */
static pid_t start(story *s, const char *path, uint64_t events, int *from, int *to) {
    int up[2], down[2];
    pid_t pid;

    KEPT_MUST(pipe(up) == 0 && pipe(down) == 0);
    s->phase = STORY_STARTS;
    fflush(NULL);
    pid = fork();
    KEPT_MUST(pid >= 0);
    if (pid == 0) {
        close(up[0]);
        close(down[1]);
        to_parent = up[1];
        from_parent = down[0];
        left = events;
        child(s, path);
    }
    close(up[1]);
    close(down[0]);
    *from = up[0];
    *to = down[1];
    return pid;
}

/* Any time, the shorter the more often; resuming takes longer than answering. */
static void wait_some(story *s, uint64_t most) {
    volatile uint64_t spins = story_random(s, UINT64_C(1) << story_random(s, most));

    while (spins)
        spins--;
}

/* Let it go on behind so many acknowledgements, and kill it soon. 1: it was still there. */
static int kill_one(story *s, const char *path) {
    uint64_t events = story_random(s, 4) ? story_random(s, EVENTS) : 0, heard = 0;
    int from, to, status;
    pid_t pid = start(s, path, events, &from, &to);
    char byte = 0;

    while (heard <= events && read(from, &byte, 1) == 1)
        heard++;
    if (heard > events) KEPT_MUST(write(to, &byte, 1) == 1);
    wait_some(s, events ? ANSWERS : RESUMES);
    kill(pid, SIGKILL);
    KEPT_MUST(waitpid(pid, &status, 0) == pid);
    close(from);
    close(to);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return 1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "a process ended by itself (%x); its journal is in %s\n", (unsigned)status,
                folder);
        _exit(1);
    }
    return 0;
}

/* Kill the processes of one run, until one comes to its end, or so many were killed. */
static long play(story *s, const char *path, long most, long *in_phase) {
    long killed = 0;

    while (killed < most) {
        if (!kill_one(s, path)) return killed;
        killed++;
        in_phase[s->phase]++;
        story_after_kill(s, path, &opro__files_system);
    }
    s->acknowledged = NULL;
    if (story_live(s, path, &opro__files_system, 0) != OPRO_DONE) story_fail("it does not go on");
    return killed;
}

void kills(long count, uint64_t seed, long first) {
    story *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long killed = 0, runs = 0, again = 0, open = 0, in_phase[STORY_OVER + 1] = {0};
    char path[300];

    KEPT_MUST(s != MAP_FAILED);
    make_folder();
    snprintf(path, sizeof path, "%s/journal", folder);
    for (long n = first; killed < count; n++, runs++) {
        size_t scenario = (size_t)n % story_scenarios();
        int policy = (int)((size_t)n / story_scenarios() % STORY_POLICIES);

        story_begin(s, scenario, policy, opro__mix(seed) ^ opro__mix((uint64_t)n + 1));
        s->acknowledged = acknowledged;
        snprintf(story_point, sizeof story_point, "%s, sync %s, run %ld of seed %llu, files in %s",
                 s->golden->scenario->name, story_policies[policy], n, (unsigned long long)seed,
                 folder);
        snprintf(story_repeat, sizeof story_repeat, "durability kills 20 %llu %ld",
                 (unsigned long long)seed, n);
        killed += play(s, path, count - killed, in_phase);
        again += s->again;
        open += s->open;
        clear_folder();
    }
    KEPT_MUST(rmdir(folder) == 0);
    munmap(s, sizeof *s);
    printf("kills: %ld in %ld runs (%ld before and %ld while resuming, %ld when it was over), 0 "
           "acknowledged answers lost, 0 runs differ, %ld requests asked again (%ld were open)\n",
           killed, runs, in_phase[STORY_STARTS], in_phase[STORY_RESUMES],
           in_phase[STORY_CLOSES] + in_phase[STORY_OVER], again, open);
}
