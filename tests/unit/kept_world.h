/* SPDX-License-Identifier: MIT */
/*
 * What the tests of kept runs share: runs by scenario, a host that answers from what is asked
 * alone, and what came of it. Files are on a disk in memory (disk.h).
 *
 * kept_fail(format, ...) is what a failure does. A program without cmocka has its own.
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

#ifndef kept_fail
#include <cmocka.h>
#define kept_fail fail_msg
#endif

#include "base/hash.h"
#include "disk.h"
#include "failing.h"
#include "journal/journal.h"
#include "opro/opro.h"

enum { KEPT_REQUESTS = 256 };

#define KEPT_PATH "run.journal"

#define KEPT_MUST(holds)                                                                           \
    if (!(holds)) kept_fail("%s:%d: %s", __FILE__, __LINE__, #holds)

/* What a host does beside answering. */
enum {
    KEPT_USAGE = 1,      /* tells usage                                                 */
    KEPT_FEEDBACK = 2,   /* tells why                                                   */
    KEPT_FAILS = 4,      /* some requests fail                                          */
    KEPT_LATE = 8,       /* some are never answered, and run out of time                */
    KEPT_STOPS = 16,     /* its observer stops the run when step 2 has ended            */
    KEPT_NEXT_TEXT = 32, /* replies without an index                                    */
    KEPT_LONG = 64,      /* some replies are so long that they take several records     */
    KEPT_VECTOR = 128,   /* solutions are vectors                                       */
    KEPT_DRIVEN = 256,   /* a driver, which calls back for answers                      */
    KEPT_POSTED = 512,   /* ... and gets them later, two at a time                      */
    KEPT_LOCAL = 1024    /* ... and the proposals of the local optimizer                */
};

typedef struct kept_scenario {
    const char *name, *settings;
    size_t train, validation;
    int does;
} kept_scenario;

/* Who hears what a host does. */
typedef struct kept_watch {
    void *user;
    void (*asked)(void *user, const opro_request *request); /* a request was handed out  */
    void (*gives)(void *user, int32_t entry, uint64_t id,
                  size_t index);              /* an answer is given now */
    void (*heard)(void *user, int32_t event); /* ... and has an effect                         */
    void (*taken)(void *user);                /* all that was given is acknowledged            */
    void (*passed)(void *user, int64_t now);  /* a call of opro_run_next() at this time is over */
} kept_watch;

typedef struct kept_host {
    const kept_scenario *scenario;
    const kept_watch *watch; /* NULL: nobody */
    opro_run *run;
    opro_driver *driver;   /* NULL: the run is the host's own */
    opro_optimizer *local; /* KEPT_LOCAL                      */
    int64_t now;
    opro_request *queue[KEPT_REQUESTS]; /* clones, oldest first */
    size_t head, tail;
    int64_t steps; /* that its observer saw end, not counting those it had seen before */
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

    KEPT_MUST(opro_config_new(&config, NULL) == OPRO_OK);
    while (*settings) {
        size_t len = strcspn(settings, " "), name = strcspn(settings, "=");

        if (opro_config_set(config, settings, name, settings + name + 1, len - name - 1) != OPRO_OK)
            kept_fail("%s", opro_error_message(opro_config_error(config), NULL));
        settings += len;
        settings += strspn(settings, " ");
    }
    return config;
}

static inline opro_problem *kept_problem(size_t train, size_t validation) {
    opro_problem *problem;

    KEPT_MUST(opro_problem_new(&problem, NULL) == OPRO_OK);
    KEPT_MUST(opro_problem_set_description(problem, "say it well", OPRO_ZT) == OPRO_OK);
    KEPT_MUST(opro_problem_set_instances(problem, train, validation) == OPRO_OK);
    KEPT_MUST(opro_problem_add_initial(problem, "begin here", OPRO_ZT) == OPRO_OK);
    KEPT_MUST(opro_problem_add_initial(problem, "or there", OPRO_ZT) == OPRO_OK);
    return problem;
}

static inline opro_problem *kept_vectors(void) {
    static const double lower[] = {-5, -5}, upper[] = {5, 5};
    opro_problem *problem;

    KEPT_MUST(opro_problem_new_vector(&problem, 2, lower, upper, 0, NULL) == OPRO_OK);
    KEPT_MUST(opro_problem_add_initial(problem, "4, -3", OPRO_ZT) == OPRO_OK);
    return problem;
}

static inline int32_t kept_hear(opro_run *run, const opro_event *event, void *user_data) {
    kept_host *h = user_data;

    if (h->watch && !opro_run_replaying(run))
        h->watch->heard(h->watch->user, opro_event_kind(event));
    if (opro_event_kind(event) != OPRO_EVENT_STEP_ENDED) return OPRO_OK;
    if (!opro_run_replaying(run) && opro_event_step(event) >= 0) h->steps++;
    return h->scenario->does & KEPT_STOPS && opro_event_step(event) == 2 ? opro_run_stop(run)
                                                                         : OPRO_OK;
}

static inline void kept_forget_queue(kept_host *h) {
    while (h->head < h->tail)
        opro_request_free(h->queue[h->head++ % KEPT_REQUESTS]);
}

static inline void kept_free(kept_host *h) {
    kept_forget_queue(h);
    if (h->driver)
        opro_driver_free(h->driver); /* its run goes with it */
    else
        opro_run_free(h->run);
    opro_optimizer_free(h->local);
}

/* A journal on the disk. */
static inline opro_journal *kept_journal(disk *d, const char *settings) {
    opro_config *config = kept_config(settings);
    opro_journal *journal;

    KEPT_MUST(opro_journal_new(&journal, KEPT_PATH, OPRO_ZT, config, NULL) == OPRO_OK);
    opro__journal_set_files(journal, &d->files);
    opro_config_free(config);
    return journal;
}

/* ---- answering ------------------------------------------------------------------------------- */

static inline void kept_gives(kept_host *h, int32_t entry, uint64_t id, size_t index) {
    if (h->watch) h->watch->gives(h->watch->user, entry, id, index);
}

static inline void kept_taken(kept_host *h) {
    if (h->watch) h->watch->taken(h->watch->user);
}

/* What a driver was given it acknowledges later. */
static inline opro_status kept_given(kept_host *h, opro_status st) {
    if (st == OPRO_OK && !h->driver) kept_taken(h);
    return st;
}

static inline int kept_posts(const kept_host *h) {
    return (h->scenario->does & KEPT_POSTED) != 0;
}

static inline opro_status kept_usage(kept_host *h, uint64_t id, int64_t prompt, int64_t reply,
                                     int64_t cost) {
    kept_gives(h, OPRO_ENTRY_USAGE, id, 0);
    return kept_given(h, kept_posts(h) ? opro_driver_post_usage(h->driver, id, prompt, reply, cost)
                                       : opro_run_answer_usage(h->run, id, prompt, reply, cost));
}

static inline opro_status kept_give_reply(kept_host *h, const opro_request *r, size_t i,
                                          uint64_t draw, const char *text) {
    uint64_t id = opro_request_id(r);

    if (kept_posts(h)) return opro_driver_post_reply(h->driver, id, i, 1, text, OPRO_ZT);
    if (h->scenario->does & KEPT_NEXT_TEXT) return opro_run_answer_text(h->run, id, text, OPRO_ZT);
    switch (draw % 11) {
    case 0: return opro_run_answer_truncated(h->run, id, i, 2, text, OPRO_ZT);
    case 1: return opro_run_answer_refused(h->run, id, i, 2, text, OPRO_ZT);
    case 2: return opro_run_answer_solution(h->run, id, i, 3, text + 5, 6 + (draw % 40 > 9));
    default: return opro_run_answer_reply(h->run, id, i, 1, text, OPRO_ZT);
    }
}

static inline opro_status kept_reply(kept_host *h, const opro_request *r, size_t i) {
    uint64_t draw = kept_draw(opro_request_seed(r) + i, 1);
    int is_long = h->scenario->does & KEPT_LONG && draw % 3 == 0;
    char text[64], *all = text;
    opro_status st;

    if (h->scenario->does & KEPT_VECTOR)
        snprintf(text, sizeof text, "try [%d, 0.%d]", (int)(draw % 5), (int)(draw / 5 % 9));
    else
        snprintf(text, sizeof text, "<INS>idea %d</INS>%s", (int)(draw % 40),
                 draw % 13 == 0 ? "\xff\n" : "");
    if (is_long) {
        size_t len = 150000, n = strlen(text);

        all = malloc(len + n + 1);
        KEPT_MUST(all != NULL);
        memcpy(all, text, n);
        memset(all + n, '.', len);
        all[len + n] = '\0';
    }
    kept_gives(h, OPRO_ENTRY_REPLY, opro_request_id(r), i);
    st = kept_given(h, kept_give_reply(h, r, i, draw, all));
    if (is_long) free(all);
    return st;
}

static inline opro_status kept_scores(kept_host *h, const opro_request *r) {
    size_t n, len;
    const int64_t *instances = opro_request_instances(r, &n);
    const char *text = opro_request_text(r, &len);
    uint64_t id = opro_request_id(r);
    double scores[64];

    KEPT_MUST(n <= 64);
    for (size_t i = 0; i < n; i++) {
        uint64_t draw = opro__hash_add(opro__hash_bytes(text, len), (uint64_t)instances[i]);

        scores[i] = h->scenario->train > 1 ? (double)(draw % 2) : (double)(draw % 1000) / 999.0;
    }
    kept_gives(h, OPRO_ENTRY_SCORES, id, 0);
    return kept_given(h, kept_posts(h) ? opro_driver_post_scores(h->driver, id, scores, n)
                                       : opro_run_answer_scores(h->run, id, scores, n));
}

static inline opro_status kept_error(kept_host *h, uint64_t id) {
    static const char message[] = "no \"luck\"\n";

    kept_gives(h, OPRO_ENTRY_ERROR, id, 0);
    return kept_given(
        h, kept_posts(h) ? opro_driver_post_error(h->driver, id, OPRO_ERR_FAILED, message, OPRO_ZT)
                         : opro_run_answer_error(h->run, id, OPRO_ERR_FAILED, message, OPRO_ZT));
}

static inline opro_status kept_feedback(kept_host *h, uint64_t id) {
    kept_gives(h, OPRO_ENTRY_FEEDBACK, id, 0);
    return kept_given(h, opro_run_answer_feedback(h->run, id, "too \xc3\xa4h", OPRO_ZT));
}

/* Answer one. */
static inline opro_status kept_answer(kept_host *h, const opro_request *r) {
    int does = h->scenario->does;
    uint64_t id = opro_request_id(r);
    opro_status st = OPRO_OK;

    if (does & KEPT_LATE && kept_draw(id, 2) % 6 == 0) return OPRO_OK;
    if (does & KEPT_FAILS && kept_draw(id, 3) % 6 == 0) return kept_error(h, id);
    if (opro_request_kind(r) == OPRO_REQUEST_SCORE) {
        if (does & KEPT_USAGE) st = kept_usage(h, id, 3, 1, 7);
        if (st == OPRO_OK && does & KEPT_FEEDBACK) st = kept_feedback(h, id);
        return st == OPRO_OK ? kept_scores(h, r) : st;
    }
    for (size_t i = 0; i < opro_request_samples(r) && st == OPRO_OK; i++) {
        if (does & KEPT_USAGE) st = kept_usage(h, id, 10, 20, 30);
        if (st == OPRO_OK) st = kept_reply(h, r, i);
    }
    return st;
}

static inline void kept_asked(kept_host *h, const opro_request *r) {
    if (h->watch) h->watch->asked(h->watch->user, r);
}

static inline void kept_enqueue(kept_host *h, const opro_request *r) {
    KEPT_MUST(h->tail - h->head < KEPT_REQUESTS);
    KEPT_MUST(opro_request_clone(&h->queue[h->tail++ % KEPT_REQUESTS], r, NULL) == OPRO_OK);
}

/* Answer the oldest one. */
static inline opro_status kept_answer_next(kept_host *h) {
    opro_request *r = h->queue[h->head++ % KEPT_REQUESTS];
    opro_status st = kept_answer(h, r);

    opro_request_free(r);
    h->now += 3;
    return st;
}

/* ---- with a driver --------------------------------------------------------------------------- */

/* A request that is handed out says that all before it was taken. */
static inline int32_t kept_serve(opro_run *run, opro_request *r, void *user_data) {
    kept_host *h = user_data;

    kept_taken(h);
    kept_asked(h, r);
    if (kept_posts(h)) {
        kept_enqueue(h, r);
        return OPRO_PENDING;
    }
    h->now += 3;
    if (!h->local || opro_request_kind(r) == OPRO_REQUEST_SCORE) return kept_answer(h, r);
    for (size_t i = 0; i < opro_request_samples(r); i++)
        kept_gives(h, OPRO_ENTRY_REPLY, opro_request_id(r), i);
    return opro_optimizer_propose(h->local, run, r);
}

static inline int32_t kept_clock(opro_driver *driver, opro_sink *sink, void *user_data) {
    (void)driver;
    return opro_sink_count(sink, ((kept_host *)user_data)->now);
}

static inline void kept_set_up_driver(kept_host *h, opro_problem *problem,
                                      const opro_config *config) {
    opro_optimizer *optimizer;
    opro_scorer *scorer;

    KEPT_MUST(opro_driver_new(&h->driver, problem, config, NULL) == OPRO_OK);
    KEPT_MUST(opro_optimizer_new(&optimizer, kept_serve, h, NULL, NULL) == OPRO_OK);
    KEPT_MUST(opro_scorer_new(&scorer, kept_serve, h, NULL, NULL) == OPRO_OK);
    KEPT_MUST(opro_driver_set_optimizer(h->driver, optimizer) == OPRO_OK);
    KEPT_MUST(opro_driver_set_scorer(h->driver, scorer) == OPRO_OK);
    KEPT_MUST(opro_driver_set_clock_fn(h->driver, kept_clock, h, NULL) == OPRO_OK);
    KEPT_MUST(opro_driver_set_observer(h->driver, kept_hear, h, NULL) == OPRO_OK);
    if (h->scenario->does & KEPT_LOCAL)
        KEPT_MUST(opro_optimizer_new_local(&h->local, problem, config, NULL) == OPRO_OK);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
    h->run = opro_driver_run_handle(h->driver);
}

static inline opro_status kept_drive(kept_host *h) {
    for (;;) {
        opro_status st = opro_driver_poll(h->driver, 0);

        if (st >= 0) kept_taken(h);
        if (st != OPRO_OK && st != OPRO_WAIT) return st;
        for (int i = 0; st == OPRO_WAIT && i < 2 && h->head < h->tail; i++)
            KEPT_MUST(kept_answer_next(h) == OPRO_OK); /* the inbox takes all */
    }
}

/* ---- a run ----------------------------------------------------------------------------------- */

static inline void kept_begin(kept_host *h, const kept_scenario *scenario, const char *more) {
    int vectors = scenario->does & KEPT_VECTOR;
    opro_problem *problem =
        vectors ? kept_vectors() : kept_problem(scenario->train, scenario->validation);
    opro_config *config;
    char settings[512];

    memset(h, 0, sizeof *h);
    h->scenario = scenario;
    h->now = 1000;
    snprintf(settings, sizeof settings, "%s %s", scenario->settings, more);
    config = kept_config(settings);
    if (scenario->does & KEPT_DRIVEN) {
        kept_set_up_driver(h, problem, config);
    } else {
        if (opro_run_new(&h->run, problem, config, NULL) != OPRO_OK)
            kept_fail("%s", opro_error_message(opro_problem_error(problem), NULL));
        KEPT_MUST(opro_run_set_observer(h->run, kept_hear, h, NULL) == OPRO_OK);
    }
    opro_config_free(config);
    opro_problem_free(problem);
}

static inline opro_status kept_resume(kept_host *h, opro_journal *journal) {
    return h->driver ? opro_driver_set_journal(h->driver, journal)
                     : opro_run_resume(h->run, journal);
}

static inline opro_status kept_next(kept_host *h, opro_request **r) {
    opro_status st = opro_run_next(h->run, h->now, r);

    if (st >= 0 && h->watch) h->watch->passed(h->watch->user, h->now);
    return st;
}

/* Take requests and answer the oldest one, until the run says something else. */
static inline opro_status kept_go(kept_host *h) {
    if (h->driver) return kept_drive(h);
    for (;;) {
        opro_request *r;
        opro_status st;

        while ((st = kept_next(h, &r)) == OPRO_OK) {
            kept_asked(h, r);
            kept_enqueue(h, r);
        }
        if (st != OPRO_WAIT) return st;
        if (h->head < h->tail) {
            st = kept_answer_next(h);
            if (st != OPRO_OK) return st;
        } else {
            int64_t wait = opro_run_timeout(h->run, h->now);

            KEPT_MUST(wait >= 0);
            h->now += wait;
        }
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
