/* SPDX-License-Identifier: MIT */
/*
 * Runs: ask and tell on top of a long trajectory, and the whole of a step when models and scorers
 * take no time.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "bench.h"
#include "opro/opro.h"

#define SAMPLES 8

typedef struct race {
    opro_run *run;
    size_t instances;
    int steps; /* in one measurement */
    uint64_t next;
    double *scores;
    opro_status status;
} race;

/* An instruction as a model writes one, 70 letters; never the same again. */
static size_t write_reply(char *reply, size_t size, uint64_t number) {
    int n = snprintf(reply, size,
                     "A different way to put it:\n<INS>Work through number %010llu one step at a "
                     "time, and check each result.</INS>\nIt asks for a check.",
                     (unsigned long long)number);

    return (size_t)n;
}

static opro_status propose(race *r, const opro_request *request) {
    uint64_t id = opro_request_id(request);
    opro_status st = OPRO_OK;

    for (size_t i = opro_request_samples(request); i > 0 && st == OPRO_OK; i--) {
        char reply[256];
        size_t len = write_reply(reply, sizeof reply, r->next++);

        st = opro_run_answer_text(r->run, id, reply, len);
    }
    return st;
}

static opro_status score(race *r, const opro_request *request) {
    size_t len;
    const char *text = opro_request_text(request, &len);
    uint64_t digest = opro__hash_bytes(text, len);

    for (size_t i = 0; i < r->instances; i++)
        r->scores[i] = (double)((digest + i) % 997) / 1000;
    return opro_run_answer_scores(r->run, opro_request_id(request), r->scores, r->instances);
}

/* Ask and tell until so many steps are over. */
static void run_steps(void *data) {
    race *r = data;
    int64_t until = opro_run_count(r->run, OPRO_COUNT_SCORER_CALLS) +
                    (int64_t)r->instances * SAMPLES * r->steps;
    opro_request *request;

    while (r->status == OPRO_OK && opro_run_count(r->run, OPRO_COUNT_SCORER_CALLS) < until) {
        r->status = opro_run_next(r->run, 0, &request);
        if (r->status != OPRO_OK) break;
        r->status = opro_request_kind(request) == OPRO_REQUEST_PROPOSE ? propose(r, request)
                                                                       : score(r, request);
    }
}

/* What is left when the library is taken away: replies written, and scores made. */
static void run_bare(void *data) {
    race *r = data;

    for (int i = 0; i < r->steps * SAMPLES; i++) {
        char reply[256];
        size_t len = write_reply(reply, sizeof reply, (uint64_t)i);
        uint64_t digest = opro__hash_bytes(reply, len);
        double sum = 0;

        for (size_t k = 0; k < r->instances; k++)
            r->scores[k] = (double)((digest + k) % 997) / 1000;
        for (size_t k = 0; k < r->instances; k++)
            sum += r->scores[k];
        bench_sink += (size_t)sum;
    }
}

/* ---- setting up ------------------------------------------------------------------------------ */

static opro_problem *make_problem(size_t instances) {
    static const char question[] =
        "A baker sells 24 rolls on Monday and half as many on Tuesday. How many in all?";
    opro_problem *problem = NULL;
    opro_status st = opro_problem_new(&problem, NULL);

    if (st == OPRO_OK) st = opro_problem_set_instances(problem, instances, 0);
    if (st == OPRO_OK) st = opro_problem_set_description(problem, "solve arithmetic", OPRO_ZT);
    for (size_t i = 0; i < 10 && st == OPRO_OK; i++)
        st = opro_problem_add_exemplar(problem, question, OPRO_ZT, "36", OPRO_ZT);
    if (st == OPRO_OK) return problem;
    opro_problem_free(problem);
    return NULL;
}

static opro_trajectory *make_past(size_t n) {
    opro_trajectory *t = NULL;
    opro_status st = opro_trajectory_new(&t, OPRO_MAXIMIZE, NULL);

    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        char text[128];
        int len = snprintf(text, sizeof text,
                           "Work through %zu from the top, one step at a time, and then check it.",
                           1000000 + i);
        double s = (double)(opro__mix(i) % 1000) / 1000;

        st = opro_trajectory_add(t, text, (size_t)len, &s, 1, NULL);
    }
    if (st == OPRO_OK) return t;
    opro_trajectory_free(t);
    return NULL;
}

/* A run with n candidates in it already. */
static int race_make(race *r, size_t n, size_t instances, int steps) {
    opro_problem *problem = make_problem(instances);
    opro_trajectory *past = n ? make_past(n) : NULL;
    opro_config *config = NULL;
    opro_status st = problem && (!n || past) ? OPRO_OK : OPRO_ERR_NOMEM;

    *r = (race){.instances = instances, .steps = steps};
    r->scores = malloc(instances * sizeof *r->scores);
    if (!r->scores) st = OPRO_ERR_NOMEM;
    if (st == OPRO_OK) st = opro_config_new(&config, NULL);
    if (st == OPRO_OK) st = opro_config_set_int(config, OPRO_OPT_STEPS, 0);
    if (st == OPRO_OK) st = opro_run_new(&r->run, problem, config, NULL);
    if (st == OPRO_OK && past) st = opro_run_warm_start(r->run, past);
    opro_config_free(config);
    opro_trajectory_free(past);
    opro_problem_free(problem);
    return st == OPRO_OK;
}

static void race_free(race *r) {
    opro_run_free(r->run);
    free(r->scores);
}

/* ---- measuring ------------------------------------------------------------------------------- */

#define SIZES  3
#define ROUNDS 15
#define STEPS  8 /* a measurement: the smallest run has doubled in the end */

static const struct {
    size_t n;
    const char *name;
} sizes[SIZES] = {{1000, "ask and tell at 10^3, a candidate"},
                  {100000, "ask and tell at 10^5, a candidate"},
                  {1000000, "ask and tell at 10^6, a candidate"}};

/* The sizes take turns. */
static int bench_growth(void) {
    race races[SIZES] = {{0}};
    double took[SIZES][ROUNDS], median[SIZES];
    int ok = 1;

    for (size_t k = 0; k < SIZES && ok; k++)
        ok = race_make(&races[k], sizes[k].n, 1, STEPS);
    for (size_t i = 0; i < ROUNDS && ok; i++)
        for (size_t k = 0; k < SIZES; k++) {
            took[k][i] = bench_time(run_steps, &races[k], 1) * 1e9 / (STEPS * SAMPLES);
            ok = ok && races[k].status == OPRO_OK;
        }
    for (size_t k = 0; k < SIZES && ok; k++) {
        median[k] = bench_median(took[k], ROUNDS);
        bench_report((bench_line){sizes[k].name, "ns", median[k], k ? median[0] : 0, "at 10^3", 0,
                                  k == SIZES - 1 ? 4 : 0, NULL});
    }
    for (size_t k = 0; k < SIZES; k++)
        race_free(&races[k]);
    return ok;
}

static int bench_step(void) {
    race r;
    double ours = 0, bare = 0;
    int ok = race_make(&r, 0, 200, 20);

    if (ok) {
        bench_pair(run_steps, run_bare, &r, 21, &ours, &bare);
        ok = r.status == OPRO_OK;
        bench_report((bench_line){"a step, 8 candidates x 200 instances", "ms",
                                  ours * 1e3 / r.steps, bare * 1e3 / r.steps,
                                  "replies and scores made", 9, 0, "177 ms"});
    }
    race_free(&r);
    return ok;
}

int bench_run(void) {
    return !(bench_growth() && bench_step());
}
