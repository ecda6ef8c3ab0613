/* SPDX-License-Identifier: MIT */
/*
 * build/tests/soak [--steps N] [PART...]: long runs, and what they hold in memory while they go on,
 * by the allocator's figures. The model and the scorer are scripts.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "meter.h"

enum { SAMPLES = 8, SOLUTIONS = 4096, WORKERS = 64, QUEUE = 65536 };

#define MIB       ((size_t)1 << 20)
#define SAME_MOST (16 * MIB) /* what a run of 4096 solutions may hold, however long */
#define NEW_MOST  400        /* bytes for each solution of one that meets only new ones */
#define LIMIT     (8 * MIB)

/* What is to be answered by a worker. */
typedef struct job {
    uint64_t id, number;
    size_t replies; /* 0: a score */
} job;

typedef struct soak {
    const char *name;
    int64_t steps;
    uint64_t solutions; /* 0: each one is new */
    int threads;
    meter memory;
    opro_driver *driver;
    uint64_t next; /* reply */
    pthread_mutex_t lock;
    pthread_cond_t news;
    job queue[QUEUE];
    size_t head, tail;
    int over;
    atomic_long refused; /* posts that the inbox did not take */
} soak;

static double now(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the script ------------------------------------------------------------------------------ */

/* The n-th reply. A bounded set of solutions is gone through again and again. */
static int write_reply(const soak *s, uint64_t n, char *reply, size_t size) {
    uint64_t number = s->solutions ? n * 2654435761 % s->solutions : n;

    return snprintf(reply, size,
                    "Let me see.\n<INS>Work through %010" PRIu64 " step by step.</INS>\nDone.",
                    number);
}

static double score_of(const char *text, size_t len) {
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    return (double)(h >> 8) / 16777216.0;
}

static opro_status hand_over(soak *s, job j) {
    opro_status st = OPRO_PENDING;

    pthread_mutex_lock(&s->lock);
    if (s->tail - s->head == QUEUE)
        st = OPRO_ERR_LIMIT;
    else
        s->queue[s->tail++ % QUEUE] = j;
    pthread_cond_signal(&s->news);
    pthread_mutex_unlock(&s->lock);
    return st;
}

static int32_t propose(opro_run *run, opro_request *request, void *user_data) {
    soak *s = user_data;
    uint64_t id = opro_request_id(request);
    size_t n = opro_request_samples(request);
    uint64_t first = s->next;
    opro_status st = OPRO_OK;

    s->next += n;
    if (s->threads) return hand_over(s, (job){id, first, n});
    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        char reply[128];
        int len = write_reply(s, first + i, reply, sizeof reply);

        st = opro_run_answer_reply(run, id, i, OPRO_ORIGIN_MODEL, reply, (size_t)len);
    }
    return st;
}

static int32_t score(opro_run *run, opro_request *request, void *user_data) {
    soak *s = user_data;
    uint64_t id = opro_request_id(request);
    size_t len;
    const char *text = opro_request_text(request, &len);
    double value = score_of(text, len);

    if (s->threads) return hand_over(s, (job){id, (uint64_t)(value * 16777216), 0});
    return opro_run_answer_scores(run, id, &value, 1);
}

/* ---- workers --------------------------------------------------------------------------------- */

static void post(soak *s, const job *j) {
    double value = (double)j->number / 16777216;
    opro_status st = opro_driver_post_usage(s->driver, j->id, 100, 10, 1);

    for (size_t i = 0; i < j->replies; i++) {
        char reply[128];
        int len = write_reply(s, j->number + i, reply, sizeof reply);

        if (opro_driver_post_reply(s->driver, j->id, i, OPRO_ORIGIN_MODEL, reply, (size_t)len) !=
            OPRO_OK)
            st = OPRO_ERR_FAILED;
    }
    if (!j->replies && opro_driver_post_scores(s->driver, j->id, &value, 1) != OPRO_OK)
        st = OPRO_ERR_FAILED;
    if (st != OPRO_OK) s->refused++;
}

static void *worker(void *user_data) {
    soak *s = user_data;

    pthread_mutex_lock(&s->lock);
    while (!s->over) {
        job j;

        if (s->head == s->tail) {
            pthread_cond_wait(&s->news, &s->lock);
            continue;
        }
        j = s->queue[s->head++ % QUEUE];
        pthread_mutex_unlock(&s->lock);
        post(s, &j);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int open_workers(soak *s, pthread_t *threads) {
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->news, NULL);
    for (int i = 0; i < s->threads; i++)
        if (pthread_create(&threads[i], NULL, worker, s) != 0) return s->threads = i, 0;
    return 1;
}

static void close_workers(soak *s, pthread_t *threads) {
    pthread_mutex_lock(&s->lock);
    s->over = 1;
    pthread_cond_broadcast(&s->news);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->threads; i++)
        pthread_join(threads[i], NULL);
    pthread_cond_destroy(&s->news);
    pthread_mutex_destroy(&s->lock);
}

/* ---- a run ----------------------------------------------------------------------------------- */

static opro_status set_up(soak *s, size_t limit, const char *mode) {
    opro_allocator mem = meter_allocator(&s->memory);
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;
    opro_status st = opro_problem_new(&problem, &mem);

    if (st == OPRO_OK) st = opro_problem_set_description(problem, "say it well", OPRO_ZT);
    if (st == OPRO_OK) st = opro_config_new(&config, &mem);
    if (st == OPRO_OK) st = opro_config_set(config, "mode", OPRO_ZT, mode, OPRO_ZT);
    if (st == OPRO_OK) st = opro_config_set_int(config, OPRO_OPT_STEPS, 0);
    if (st == OPRO_OK) st = opro_config_set_int(config, OPRO_OPT_SAMPLES_PER_STEP, SAMPLES);
    if (st == OPRO_OK) st = opro_config_set_int(config, OPRO_OPT_MEMORY_LIMIT, (int64_t)limit);
    if (st == OPRO_OK && s->threads) {
        st = opro_config_set_int(config, OPRO_OPT_SAMPLES_PER_STEP, WORKERS);
        if (st == OPRO_OK) st = opro_config_set_int(config, OPRO_OPT_SAMPLES_PER_REQUEST, 1);
    }
    if (st == OPRO_OK) st = opro_driver_new(&s->driver, problem, config, &mem);
    if (st == OPRO_OK) st = opro_optimizer_new(&optimizer, propose, s, NULL, &mem);
    if (st == OPRO_OK) st = opro_scorer_new(&scorer, score, s, NULL, &mem);
    if (st == OPRO_OK) st = opro_driver_set_optimizer(s->driver, optimizer);
    if (st == OPRO_OK) st = opro_driver_set_scorer(s->driver, scorer);
    opro_scorer_free(scorer);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    opro_problem_free(problem);
    return st;
}

/* What is in use when so much of the run is over, and the most until then since the last one. */
enum { AT_10, AT_25, AT_50, AT_100, MARKS };
static const int percents[MARKS] = {10, 25, 50, 100};

typedef struct course {
    size_t used[MARKS], peak[MARKS];
    double seconds;
} course;

static opro_status go(soak *s, course *c) {
    double begin = now();
    opro_status st = OPRO_OK;
    int64_t done = 0;

    meter_peak(&s->memory);
    for (int k = 0; k < MARKS && st == OPRO_OK; k++) {
        for (; done < s->steps * percents[k] / 100 && st == OPRO_OK; done++)
            st = opro_driver_step(s->driver);
        c->used[k] = atomic_load(&s->memory.used);
        c->peak[k] = meter_peak(&s->memory);
    }
    c->seconds = now() - begin;
    return st;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static void tell(const soak *s, const course *c) {
    const opro_trajectory *t = opro_driver_trajectory(s->driver);
    int64_t steps = opro_trajectory_steps(t);

    printf("%s: %" PRId64 " steps, %" PRIu64 " replies, %" PRId64 " solutions, %.0f steps/s\n",
           s->name, steps, s->next, opro_trajectory_count(t), (double)steps / c->seconds);
    printf(
        "  bytes in use at 10 %%: %zu, 50 %%: %zu, 100 %%: %zu; at most %zu in the first quarter, "
        "%zu in the last half\n",
        c->used[AT_10], c->used[AT_50], c->used[AT_100], larger(c->peak[AT_10], c->peak[AT_25]),
        c->peak[AT_100]);
    fflush(stdout);
}

static int complain(const soak *s, const char *what, size_t have, size_t most) {
    printf("%s: DOES NOT HOLD: %s: %zu, at most %zu\n", s->name, what, have, most);
    return 1;
}

/* ---- the parts ------------------------------------------------------------------------------- */

/* Solutions that come again and again: after the first quarter nothing grows. */
static int check_same(const soak *s, const course *c) {
    size_t before = larger(c->peak[AT_10], c->peak[AT_25]);

    if (c->peak[AT_100] > before)
        return complain(s, "bytes in the last half", c->peak[AT_100], before);
    if (larger(before, c->peak[AT_50]) > SAME_MOST)
        return complain(s, "bytes", larger(before, c->peak[AT_50]), SAME_MOST);
    return 0;
}

/* A trajectory keeps every solution: so much for each, and nothing else that grows. */
static int check_new(const soak *s, const course *c) {
    size_t n = (size_t)opro_trajectory_count(opro_driver_trajectory(s->driver));
    size_t most = SAME_MOST + n * NEW_MOST, peak = larger(c->peak[AT_50], c->peak[AT_100]);

    printf("  %.0f bytes in use for each solution\n", (double)c->used[AT_100] / (double)n);
    if (n != s->next) return complain(s, "solutions", n, (size_t)s->next);
    return peak > most ? complain(s, "bytes", peak, most) : 0;
}

/* Posts wait in the inbox, more or fewer: no two runs are alike, but there is an end to it. */
static int check_threads(const soak *s, const course *c) {
    size_t peak =
        larger(larger(c->peak[AT_10], c->peak[AT_25]), larger(c->peak[AT_50], c->peak[AT_100]));

    if (s->refused) return complain(s, "posts refused", (size_t)s->refused, 0);
    return peak > SAME_MOST ? complain(s, "bytes", peak, SAME_MOST) : 0;
}

/* New solutions until the limit: the run stops there. A growing array may be there twice. */
static int check_limit(const soak *s, const course *c) {
    const opro_run *run = opro_driver_run_handle(s->driver);
    size_t peak = 0, most = LIMIT + LIMIT / 2;

    for (int k = 0; k < MARKS; k++)
        peak = larger(peak, c->peak[k]);
    printf("  at most %zu bytes, by a limit of %zu\n", peak, LIMIT);
    if (opro_run_stop_reason(run) != OPRO_STOP_ERROR ||
        opro_error_status(opro_driver_error(s->driver)) != OPRO_ERR_NOMEM)
        return complain(s, "steps, and the limit did not stop it", (size_t)s->steps, 0);
    return peak > most ? complain(s, "bytes", peak, most) : 0;
}

static const struct {
    const char *name;
    int share; /* of the steps: one in so many */
    uint64_t solutions;
    int threads;
    size_t limit;
    const char *mode;
    int (*check)(const soak *s, const course *c);
} parts[] = {
    {"same", 1, SOLUTIONS, 0, SAME_MOST, "stepwise", check_same},
    {"steady", 1, SOLUTIONS, 0, SAME_MOST, "steady", check_same},
    {"new", 8, 0, 0, 0, "stepwise", check_new},
    {"threads", 128, SOLUTIONS, WORKERS, SAME_MOST, "stepwise", check_threads},
    {"limit", 1, 0, 0, LIMIT, "stepwise", check_limit},
};

#define PARTS (sizeof parts / sizeof *parts)

/* 0: it holds. */
static int run_part(size_t i, int64_t steps) {
    static soak s;
    pthread_t threads[WORKERS];
    course c = {{0}, {0}, 0};
    opro_status st;
    int failed;

    memset(&s, 0, sizeof s);
    s.name = parts[i].name;
    s.steps = steps / parts[i].share;
    s.solutions = parts[i].solutions;
    s.threads = parts[i].threads;
    st = open_workers(&s, threads) ? OPRO_OK : OPRO_ERR_FAILED; /* they wait for what is asked */
    if (st == OPRO_OK) st = set_up(&s, parts[i].limit, parts[i].mode);
    if (st == OPRO_OK) st = go(&s, &c);
    if (s.driver) tell(&s, &c);
    failed = st == OPRO_OK || (s.driver && parts[i].limit == LIMIT) ? parts[i].check(&s, &c) : 1;
    if (st != OPRO_OK && failed)
        printf("%s: %s: %s\n", s.name, opro_status_name(st),
               s.driver ? opro_error_message(opro_driver_error(s.driver), NULL) : "");
    close_workers(&s, threads);
    opro_driver_free(s.driver);
    if (atomic_load(&s.memory.used))
        failed |= complain(&s, "bytes in use after all was freed", atomic_load(&s.memory.used), 0);
    return failed;
}

/* ---- the program ----------------------------------------------------------------------------- */

static int usage(int status) {
    fputs("usage: soak [--steps N] [PART...]\n\n"
          "Long runs, and what they hold in memory. N: 1000000; at least 300000, or the first\n"
          "quarter is no warm-up.\n\n"
          "  same     4096 solutions, again and again: flat, at most 16 MiB\n"
          "  steady   the same in steady mode\n"
          "  new      N / 8 steps in which every solution is new: so many bytes for each\n"
          "  threads  N / 128 steps of 64 requests, which 64 threads answer by posts\n"
          "  limit    new solutions with a memory_limit of 8 MiB: stops there\n",
          status ? stderr : stdout);
    return status;
}

static size_t find(const char *name) {
    size_t i = 0;

    while (i < PARTS && strcmp(parts[i].name, name) != 0)
        i++;
    return i;
}

int main(int argc, char **argv) {
    int wanted[PARTS] = {0}, named = 0, run = 0, failed = 0;
    int64_t steps = 1000000;

    for (int i = 1; i < argc; i++) {
        size_t part = find(argv[i]);

        if (strcmp(argv[i], "--help") == 0) return usage(0);
        if (strcmp(argv[i], "--steps") == 0 && i + 1 < argc && atoll(argv[i + 1]) > 0) {
            steps = atoll(argv[++i]);
        } else if (part < PARTS) {
            wanted[part] = named = 1;
        } else {
            fprintf(stderr, "soak: \"%s\"?\n", argv[i]);
            return usage(2);
        }
    }
    for (size_t i = 0; i < PARTS; i++) {
        if (named && !wanted[i]) continue;
        failed += run_part(i, steps);
        run++;
    }
    printf("soak: %" PRId64 " steps: %d parts hold, %d do not\n", steps, run - failed, failed);
    return failed != 0;
}
