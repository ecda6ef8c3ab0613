/* SPDX-License-Identifier: MIT */
/* Drivers: turn by turn, with a clock, and with answers that are posted. */
#include <stdio.h>

#include "world.h"

static opro_driver *posted_to;

/* What cannot be posted can be posted again. A callback is no place to give up in. */
#define POST(st, call)                                                                             \
    do {                                                                                           \
        if ((st) == OPRO_OK) (st) = (call);                                                        \
        if ((st) == OPRO_ERR_NOMEM) (st) = (call);                                                 \
    } while (0)

static int32_t post_answer(opro_run *run, opro_request *request, void *user_data) {
    static const double scores[8] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
    uint64_t id = opro_request_id(request);
    opro_status st = OPRO_OK;
    size_t n;

    (void)run, (void)user_data;
    POST(st, opro_driver_post_usage(posted_to, id, 1, 2, 3));
    if (opro_request_kind(request) == OPRO_REQUEST_SCORE) {
        opro_request_instances(request, &n);
        POST(st, opro_driver_post_scores(posted_to, id, scores, n));
        POST(st, opro_driver_post_error(posted_to, id, OPRO_ERR_FAILED, "late", OPRO_ZT));
        return st == OPRO_OK ? OPRO_PENDING : st;
    }
    n = opro_request_samples(request);
    for (size_t i = 0; i < n; i++) {
        char text[64];

        snprintf(text, sizeof text, "<INS>idea %llx %d</INS>", (unsigned long long)id, (int)i);
        POST(st, opro_driver_post_reply(posted_to, id, i, 0, text, OPRO_ZT));
    }
    return st == OPRO_OK ? OPRO_PENDING : st;
}

static void hear_of_posts(void *user_data) {
    ++*(long *)user_data;
}

static int be_posted_to(opro_driver *driver) {
    static long posts;

    posted_to = driver;
    TRY(opro_driver_error(driver), opro_driver_set_wakeup_fn(driver, hear_of_posts, &posts, NULL));
    return 1;
}

static void posts(void) {
    opro_problem *p = make_text_problem();
    opro_config *config = make_config("steps=2 samples_per_step=4");
    opro_optimizer *optimizer;
    opro_scorer *scorer;

    MAKE(optimizer, optimizer, NULL,
         opro_optimizer_new(&optimizer, post_answer, lend(), returned, &scarce));
    MAKE(scorer, scorer, NULL, opro_scorer_new(&scorer, post_answer, lend(), returned, &scarce));
    whole_drive(p, config, optimizer, scorer, be_posted_to);
}

/* ---- turn by turn ---------------------------------------------------------------------------- */

static int32_t tick(opro_driver *driver, opro_sink *sink, void *user_data) {
    int64_t *now = user_data;

    (void)driver;
    return opro_sink_count(sink, *now += 10);
}

/* The first step at once, the others by poll; stopped in the end. 1: to its end. */
static int take_turns(opro_driver *driver) {
    opro_status st = opro_driver_step(driver);

    for (int turn = 0; turn < 100 && st >= 0 && st != OPRO_DONE; turn++) {
        st = opro_driver_poll(driver, 0);
        if (opro_trajectory_steps(opro_driver_trajectory(driver)) == 2)
            CHECK(opro_driver_stop(driver) == OPRO_OK);
        note_int(st);
        CHECK(st < 0 || opro_driver_timeout(driver) >= -1);
    }
    if (st == OPRO_DONE) return 1;
    CHECK(st == OPRO_ERR_NOMEM && something_failed());
    check_dead(opro_driver_run_handle(driver), st);
    return 0;
}

static void turns(void) {
    opro_problem *p = make_text_problem();
    opro_config *config = make_config("samples_per_step=3 max_time_ms=1000000 steps=9");
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    uint64_t mark;

    MAKE(optimizer, optimizer, NULL,
         opro_optimizer_new(&optimizer, answer_at_once, NULL, NULL, &scarce));
    MAKE(scorer, scorer, NULL, opro_scorer_new(&scorer, answer_at_once, NULL, NULL, &scarce));
    mark = noted();
    for (int whole = 0; !whole;) {
        int64_t now = 0;
        opro_driver *driver = make_driver(p, config, optimizer, scorer);

        TRY(opro_driver_error(driver), opro_driver_set_clock_fn(driver, tick, &now, NULL));
        TRY(opro_driver_error(driver), opro_driver_wakeup(driver));
        whole = take_turns(driver);
        if (whole) note_run(opro_driver_run_handle(driver));
        if (!whole) died(mark);
        drop(driver);
    }
}

const scenario driver_scenarios[] = {
    {"posts", MEMORY, posts},
    {"turns of a driver", MEMORY, turns},
    {NULL, 0, NULL},
};
