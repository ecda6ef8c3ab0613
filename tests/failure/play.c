/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "play.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "fault.h"
#include "memory.h"
#include "scenarios.h"

enum { KEPT = 64, LENT = 64, FILES = 8, OUT = 64, DESCRIPTORS = 64, MOMENTS = 3000 };

fault faults = {.at = -1};

static struct {
    jmp_buf end;
    uint64_t noted;
    int deaths;
    struct {
        void *handle;
        void (*drop)(void *handle);
    } kept[KEPT];
    size_t n_kept;
    int lent[LENT]; /* how many times each was returned */
    size_t n_lent;
} life;

static struct {
    char files[FILES][256];
    size_t n_files;
    int clean; /* there is nothing in it */
} folder;

static char folder_path[128];

int fault_now(int what) {
    long n;

    if (faults.armed <= 0 || what != faults.what) return 0;
    n = faults.count++;
    if (faults.at < 0 || n < faults.at || (n > faults.at && faults.mode != FAULT_ON)) return 0;
    faults.failed++;
    return 1;
}

void wrong(const char *format, ...) {
    static const char *const modes[] = {"once", "on", "interrupted"};
    va_list args;

    printf("WRONG: %s", scenario_now());
    if (faults.at >= 0) printf(" --point %ld --%s", faults.at, modes[faults.mode]);
    if (faults.at >= 0 && faults.what == FAULT_CALLS) printf(" --calls (%s)", calls_failed());
    printf(": ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    _exit(1);
}

/* ---- calls ----------------------------------------------------------------------------------- */

enum { UNTOUCHED = 0xc3 };

attempt attempt_begin(void *out, size_t size, opro_status expected) {
    if (out) memset(out, UNTOUCHED, size);
    return (attempt){.expected = expected,
                     .failed = faults.failed,
                     .out = out,
                     .size = size,
                     .n_lent = life.n_lent};
}

/* What a call may say when something fails. */
static int is_documented(opro_status st) {
    return faults.what == FAULT_MEMORY ? st == OPRO_ERR_NOMEM : st == OPRO_ERR_FAILED;
}

static void check_untouched(const attempt *a, const char *call) {
    const unsigned char *out = a->out;

    for (size_t i = 0; out && i < a->size; i++)
        if (out[i] != UNTOUCHED) wrong("%s has failed, and written to what it has to leave", call);
}

/* What was lent to a call that failed stays the caller's. */
static void take_back(const attempt *a, const char *call) {
    while (life.n_lent > a->n_lent)
        if (life.lent[--life.n_lent]) wrong("%s has failed, and called destroy", call);
}

static void check_error(opro_status st, const char *call, const opro_error *error) {
    size_t len;
    const char *message = opro_error_message(error, &len);

    if (opro_error_status(error) != st)
        wrong("%s: %s, but its error says %s", call, opro_status_name(st),
              opro_status_name(opro_error_status(error)));
    if (len == 0 || strlen(message) != len) wrong("%s: its error has no message", call);
}

int attempt_again(attempt *a, const char *call, const opro_error *error) {
    int refused = a->expected < 0 && a->st == a->expected;

    if (refused || (a->expected == OPRO_OK && a->st >= 0)) {
        note_int(a->st);
        if (refused && error) check_error(a->st, call, error);
        return 0;
    }
    if (a->st >= 0 || faults.failed == a->failed || !is_documented(a->st))
        wrong("%s: %s: %s", call, opro_status_name(a->st),
              error ? opro_error_message(error, NULL) : "");
    if (faults.mode == FAULT_INTERRUPTED)
        wrong("%s: an interruption is no failure: %s", call, opro_status_name(a->st));
    check_untouched(a, call);
    take_back(a, call);
    if (error) check_error(a->st, call, error);
    if (point_is_shown())
        printf("  %s: %s: %s\n", call, opro_status_name(a->st),
               error ? opro_error_message(error, NULL) : "");
    a->failed = faults.failed;
    if (a->tries++ == 0) return 1;
    if (faults.mode == FAULT_ONCE) wrong("%s fails again, when nothing does", call);
    longjmp(life.end, 1);
}

void died(uint64_t mark) {
    CHECK(faults.failed > 0);
    CHECK(faults.mode != FAULT_INTERRUPTED);
    if (point_is_shown()) printf("  a handle died\n");
    if (faults.mode == FAULT_ON) longjmp(life.end, 1);
    if (life.deaths++) wrong("a second handle is dead, when nothing failed");
    note_again(mark);
}

void check_status(opro_status st, const opro_error *error) {
    if (!faults.failed || !is_documented(st))
        wrong("%s: %s", opro_status_name(st), opro_error_message(error, NULL));
    check_error(st, "a call", error);
}

int something_failed(void) {
    return faults.failed > 0;
}

/* ---- handles --------------------------------------------------------------------------------- */

static void keep(void *handle, void (*drop_it)(void *handle)) {
    CHECK(handle && life.n_kept < KEPT);
    life.kept[life.n_kept].handle = handle;
    life.kept[life.n_kept++].drop = drop_it;
}

#define KEEP(type)                                                                                 \
    static void drop_##type(void *handle) {                                                        \
        opro_##type##_free(handle);                                                                \
    }                                                                                              \
    void keep_##type(opro_##type *handle) {                                                        \
        keep(handle, drop_##type);                                                                 \
    }

KEEP(call)
KEEP(config)
KEEP(dataset)
KEEP(driver)
KEEP(exam)
KEEP(examiner)
KEEP(journal)
KEEP(meta_prompt)
KEEP(metric)
KEEP(model)
KEEP(optimizer)
KEEP(problem)
KEEP(request)
KEEP(run)
KEEP(scorer)
KEEP(tour)
KEEP(trajectory)

void drop(void *handle) {
    for (size_t i = life.n_kept; i-- > 0;)
        if (life.kept[i].handle == handle) {
            life.kept[i].drop(handle);
            life.n_kept--;
            memmove(&life.kept[i], &life.kept[i + 1], (life.n_kept - i) * sizeof *life.kept);
            return;
        }
    wrong("a handle is dropped that is not kept");
}

/* In any order: whoever needs a handle has a share of it. */
static void drop_all(void) {
    while (life.n_kept)
        drop(life.kept[faults.mode == FAULT_ON ? 0 : life.n_kept - 1].handle);
}

/* ---- what came of it ------------------------------------------------------------------------- */

void note_bytes(const void *bytes, size_t n) {
    const unsigned char *s = bytes;

    for (size_t i = 0; i < n; i++)
        life.noted = (life.noted ^ s[i]) * UINT64_C(1099511628211);
    life.noted ^= life.noted >> 29;
}

void note_text(const char *text, size_t len) {
    note_int(text ? (int64_t)len : -1);
    if (!text) return;
    CHECK(text[len] == '\0');
    note_bytes(text, len);
    if (point_is_shown() > 1) printf("  noted: %s\n", text);
}

void note_int(int64_t value) {
    note_bytes(&value, sizeof value);
    if (point_is_shown() > 1) printf("  noted: %lld\n", (long long)value);
}

void note_real(double value) {
    if (value != value) value = -12345.6789; /* one NaN is like another */
    note_bytes(&value, sizeof value);
    if (point_is_shown() > 1) printf("  noted: %.17g\n", value);
}

uint64_t noted(void) {
    return life.noted;
}

void note_again(uint64_t mark) {
    life.noted = mark;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

void *lend(void) {
    CHECK(life.n_lent < LENT);
    life.lent[life.n_lent] = 0;
    return &life.lent[life.n_lent++];
}

void returned(void *user_data) {
    int *times = user_data;

    if (++*times > 1) wrong("destroy is called twice");
}

/* ---- files ----------------------------------------------------------------------------------- */

const char *file_path(const char *name) {
    for (size_t i = 0; i < folder.n_files; i++)
        if (strcmp(strrchr(folder.files[i], '/') + 1, name) == 0) return folder.files[i];
    CHECK(folder.n_files < FILES);
    folder.clean = 0;
    snprintf(folder.files[folder.n_files], sizeof *folder.files, "%s/%s", folder_path, name);
    return folder.files[folder.n_files++];
}

void file_put(const char *name, const char *bytes, size_t len) {
    FILE *f;

    faults.armed--;
    f = fopen(file_path(name), "wb");
    CHECK(f);
    CHECK(fwrite(bytes, 1, len, f) == len);
    CHECK(fclose(f) == 0);
    faults.armed++;
}

void file_remove(const char *name) {
    faults.armed--;
    unlink(file_path(name));
    faults.armed++;
}

static void empty_folder(void) {
    DIR *dir;
    struct dirent *entry;

    if (folder.clean) return;
    folder.clean = 1;
    folder.n_files = 0;
    dir = opendir(folder_path);
    CHECK(dir);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.') unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

/* ---- lives ----------------------------------------------------------------------------------- */

static unsigned long long open_descriptors(void) {
    unsigned long long set = 0;

    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (fcntl(fd, F_GETFD) >= 0) set |= 1ull << fd;
    return set;
}

static void check_returned(int whole) {
    for (size_t i = 0; i < life.n_lent; i++)
        if (life.lent[i] > 1 || (whole && life.lent[i] == 0))
            wrong("destroy of callback %zu was called %d times", i, life.lent[i]);
}

/* A thread of libcurl's that looks a name up may need a moment to see that nobody waits for it. */
static void wait_for_threads(long blocks, unsigned long long descriptors) {
    static const struct timespec moment = {0, 1000000};

    for (int i = 0; i < MOMENTS; i++) {
        if (memory_live() == blocks && open_descriptors() == descriptors) return;
        nanosleep(&moment, NULL);
    }
}

static void check_left(long blocks, unsigned long long descriptors) {
    size_t size;
    long number;

    wait_for_threads(blocks, descriptors);
    number = memory_newest(&size);
    if (memory_live() != blocks)
        wrong("%ld blocks are left, the newest is allocation %ld, of %zu bytes",
              memory_live() - blocks, number, size);
    if (open_descriptors() != descriptors)
        wrong("descriptors are left: %llx", open_descriptors() ^ descriptors);
}

/* 1: to its end; 0: it was given up. */
static int live(void (*what)(void)) {
    if (setjmp(life.end)) return 0;
    what();
    return 1;
}

int play(void (*what)(void), uint64_t *hash) {
    unsigned long long descriptors = open_descriptors();
    long blocks = memory_live();
    int whole;

    empty_folder();
    memory_settle();
    calls_forget();
    memset(&life, 0, sizeof life);
    life.noted = UINT64_C(14695981039346656037);
    faults.count = faults.failed = 0;
    faults.armed = 1;
    whole = live(what);
    drop_all();
    faults.armed = 0;
    check_returned(whole);
    check_left(blocks, descriptors);
    *hash = life.noted;
    return whole;
}

int play_begin(void) {
    const char *tmp = getenv("TMPDIR");

    if (!tmp) tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder_path, sizeof folder_path, "%s/failure-XXXXXX", tmp);
    return mkdtemp(folder_path) ? 0 : -1;
}

void play_end(void) {
    folder.clean = 0;
    empty_folder();
    rmdir(folder_path);
}
