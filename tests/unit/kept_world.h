/* SPDX-License-Identifier: MIT */
/*
 * What the tests of kept runs share: runs by scenario, a host that answers from what is asked
 * alone, and what came of it. Files are on a disk in memory (disk.h).
 */
#ifndef TESTS_KEPT_WORLD_H
#define TESTS_KEPT_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "disk.h"
#include "failing.h"
#include "journal/journal.h"
#include "opro/opro.h"

enum { KEPT_REQUESTS = 4096 };

#define KEPT_PATH "run.journal"

/* What a host does beside answering. */
enum {
    KEPT_USAGE = 1,     /* tells usage                                         */
    KEPT_FEEDBACK = 2,  /* tells why                                           */
    KEPT_FAILS = 4,     /* some requests fail                                  */
    KEPT_LATE = 8,      /* some are never answered, and run out of time        */
    KEPT_STOPS = 16,    /* its observer stops the run when step 2 has ended    */
    KEPT_NEXT_TEXT = 32 /* replies without an index                           */
};

typedef struct kept_scenario {
    const char *name, *settings;
    size_t train, validation;
    int does;
} kept_scenario;

typedef struct kept_host {
    const kept_scenario *scenario;
    opro_run *run;
    int64_t now;
    opro_request *queue[KEPT_REQUESTS]; /* clones, oldest first */
    size_t head, tail;
    uint64_t ids[KEPT_REQUESTS], digests[KEPT_REQUESTS]; /* of requests handed out */
    size_t n;
    long heard;
} kept_host;

/* What a run came to. */
typedef struct kept_end {
    uint64_t state, trajectory;
    int64_t counts[13];
    int64_t winner, confirmed;
    int32_t reason;
} kept_end;

static inline uint64_t kept_draw(uint64_t id, uint64_t what) {
    return opro__hash_add(opro__hash_add(17, id), what);
}

/* ---- making ---------------------------------------------------------------------------------- */

static inline opro_config *kept_config(const char *settings) {
    opro_config *config;

    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    while (*settings) {
        size_t len = strcspn(settings, " "), name = strcspn(settings, "=");

        if (opro_config_set(config, settings, name, settings + name + 1, len - name - 1) != OPRO_OK)
            fail_msg("%s", opro_error_message(opro_config_error(config), NULL));
        settings += len;
        settings += strspn(settings, " ");
    }
    return config;
}

static inline opro_problem *kept_problem(size_t train, size_t validation) {
    opro_problem *problem;

    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_description(problem, "say it well", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_set_instances(problem, train, validation), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "begin here", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "or there", OPRO_ZT), OPRO_OK);
    return problem;
}

static inline int32_t kept_hear(opro_run *run, const opro_event *event, void *user_data) {
    kept_host *h = user_data;

    h->heard++;
    if (h->scenario->does & KEPT_STOPS && opro_event_kind(event) == OPRO_EVENT_STEP_ENDED &&
        opro_event_step(event) == 2)
        return opro_run_stop(run);
    return OPRO_OK;
}

static inline void kept_begin(kept_host *h, const kept_scenario *scenario, const char *more) {
    opro_config *config;
    opro_problem *problem = kept_problem(scenario->train, scenario->validation);
    char settings[512];

    memset(h, 0, sizeof *h);
    h->scenario = scenario;
    h->now = 1000;
    snprintf(settings, sizeof settings, "%s %s", scenario->settings, more);
    config = kept_config(settings);
    if (opro_run_new(&h->run, problem, config, NULL) != OPRO_OK)
        fail_msg("%s", opro_error_message(opro_problem_error(problem), NULL));
    assert_int_equal(opro_run_set_observer(h->run, kept_hear, h, NULL), OPRO_OK);
    opro_config_free(config);
    opro_problem_free(problem);
}

static inline void kept_forget_queue(kept_host *h) {
    while (h->head < h->tail)
        opro_request_free(h->queue[h->head++]);
}

static inline void kept_free(kept_host *h) {
    kept_forget_queue(h);
    opro_run_free(h->run);
}

/* A journal on the disk. */
static inline opro_journal *kept_journal(disk *d, const char *settings) {
    opro_config *config = kept_config(settings);
    opro_journal *journal;

    assert_int_equal(opro_journal_new(&journal, KEPT_PATH, OPRO_ZT, config, NULL), OPRO_OK);
    opro__journal_set_files(journal, &d->files);
    opro_config_free(config);
    return journal;
}

/* ---- answering ------------------------------------------------------------------------------- */

static inline opro_status kept_reply(kept_host *h, const opro_request *r, size_t i) {
    uint64_t id = opro_request_id(r), draw = kept_draw(opro_request_seed(r) + i, 1);
    char text[64];

    snprintf(text, sizeof text, "<INS>idea %d</INS>%s", (int)(draw % 40),
             draw % 13 == 0 ? "\xff\n" : "");
    if (h->scenario->does & KEPT_NEXT_TEXT) return opro_run_answer_text(h->run, id, text, OPRO_ZT);
    switch (draw % 11) {
    case 0: return opro_run_answer_truncated(h->run, id, i, 2, text, OPRO_ZT);
    case 1: return opro_run_answer_refused(h->run, id, i, 2, text, OPRO_ZT);
    case 2: return opro_run_answer_solution(h->run, id, i, 3, text + 5, 6 + (draw % 40 > 9));
    default: return opro_run_answer_reply(h->run, id, i, 1, text, OPRO_ZT);
    }
}

static inline opro_status kept_scores(kept_host *h, const opro_request *r) {
    size_t n, len;
    const int64_t *instances = opro_request_instances(r, &n);
    const char *text = opro_request_text(r, &len);
    double scores[64];

    assert_true(n <= 64);
    for (size_t i = 0; i < n; i++) {
        uint64_t draw = opro__hash_add(opro__hash_bytes(text, len), (uint64_t)instances[i]);

        scores[i] = h->scenario->train > 1 ? (double)(draw % 2) : (double)(draw % 1000) / 999.0;
    }
    return opro_run_answer_scores(h->run, opro_request_id(r), scores, n);
}

/* Answer one. */
static inline opro_status kept_answer(kept_host *h, const opro_request *r) {
    int does = h->scenario->does;
    uint64_t id = opro_request_id(r);
    opro_status st = OPRO_OK;

    if (does & KEPT_LATE && kept_draw(id, 2) % 6 == 0) return OPRO_OK;
    if (does & KEPT_FAILS && kept_draw(id, 3) % 6 == 0)
        return opro_run_answer_error(h->run, id, OPRO_ERR_FAILED, "no \"luck\"\n", OPRO_ZT);
    if (opro_request_kind(r) == OPRO_REQUEST_SCORE) {
        if (does & KEPT_USAGE) st = opro_run_answer_usage(h->run, id, 3, 1, 7);
        if (st == OPRO_OK && does & KEPT_FEEDBACK)
            st = opro_run_answer_feedback(h->run, id, "too \xc3\xa4h", OPRO_ZT);
        return st == OPRO_OK ? kept_scores(h, r) : st;
    }
    for (size_t i = 0; i < opro_request_samples(r) && st == OPRO_OK; i++) {
        if (does & KEPT_USAGE) st = opro_run_answer_usage(h->run, id, 10, 20, 30);
        if (st == OPRO_OK) st = kept_reply(h, r, i);
    }
    return st;
}

static inline void kept_note(kept_host *h, opro_request *r) {
    size_t len;
    const char *json = opro_request_json(r, &len);

    assert_true(h->n < KEPT_REQUESTS);
    h->ids[h->n] = opro_request_id(r);
    h->digests[h->n++] = opro__hash_bytes(json, len);
    assert_int_equal(opro_request_clone(&h->queue[h->tail++], r, NULL), OPRO_OK);
}

/* Take requests and answer the oldest one, until the run says something else. */
static inline opro_status kept_go(kept_host *h) {
    opro_status st;

    for (;;) {
        opro_request *r;

        while ((st = opro_run_next(h->run, h->now, &r)) == OPRO_OK)
            kept_note(h, r);
        if (st != OPRO_WAIT) return st;
        if (h->head == h->tail) {
            int64_t wait = opro_run_timeout(h->run, h->now);

            assert_true(wait >= 0);
            h->now += wait;
            continue;
        }
        r = h->queue[h->head++];
        st = kept_answer(h, r);
        opro_request_free(r);
        if (st != OPRO_OK) return st;
        h->now += 3;
    }
}

static inline kept_end kept_end_of(const opro_run *run) {
    kept_end end;

    memset(&end, 0, sizeof end);
    end.state = opro_run_state_hash(run);
    end.trajectory = opro_trajectory_hash(opro_run_trajectory(run));
    for (int i = 0; i < 13; i++)
        end.counts[i] = opro_run_count(run, (i + 1) * 10);
    end.winner = opro_run_winner(run);
    end.confirmed = opro_run_confirmed(run);
    end.reason = opro_run_stop_reason(run);
    return end;
}

#endif
