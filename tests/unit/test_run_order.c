/* SPDX-License-Identifier: MIT */
/*
 * Stepwise mode: the same seed and the same answers, in any order within a step, give the same
 * requests, byte for byte, and the same trajectory. A made-up world answers by what is asked, so
 * that only the order differs between runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/rng.h"
#include "opro/opro.h"
#include "effort.h"

#define WORLDS         100 /* seeds, each a world of its own ... */
#define ORDERS         51  /* ... with one order to compare with; two tests: 10,000 comparisons */
#define MOST_OPEN      512
#define MOST_INSTANCES 60

/* ---- the world ------------------------------------------------------------------------------- */

/*
 * A reply to a sample: often a repeat, a spelling variant, nothing at all, something illegal, or
 * two candidates.
 */
static size_t reply_to(const opro_request *request, size_t index, char *reply) {
    opro__rng rng = {opro__hash_add(opro_request_seed(request), index), 0};
    uint64_t word = opro__rng_below(&rng, 24);
    const char *more = opro__rng_below(&rng, 4) ? "" : " and then check it";

    switch (opro__rng_below(&rng, 10)) {
    case 0: return (size_t)sprintf(reply, "I would rather not.");
    case 1: return (size_t)sprintf(reply, "<INS>INS %d</INS>", (int)(word % 3));
    case 2:
    case 4:
    case 5: return (size_t)sprintf(reply, "<INS>try   METHOD %d%s</INS>", (int)word, more);
    case 3:
        return (size_t)sprintf(reply, "<INS>Try method %d</INS> or <INS>try method %d</INS>",
                               (int)word, (int)(word + 1));
    default: return (size_t)sprintf(reply, "<INS>Try method %d%s</INS>", (int)word, more);
    }
}

/* Some candidates cannot be scored; the others get scores by their text, some better ones. */
static int score_of(const opro_request *request, double *scores, size_t *n) {
    size_t len;
    const char *text = opro_request_text(request, &len);
    const int64_t *instances = opro_request_instances(request, n);
    uint64_t digest = opro__hash_bytes(text, len);

    for (size_t i = 0; i < *n; i++)
        scores[i] = (double)(opro__hash_add(digest, (uint64_t)instances[i]) % 1000) / 999.0 *
                    (double)(digest % 5 + 1) / 5;
    return digest % 13 != 0;
}

/* ---- one run --------------------------------------------------------------------------------- */

typedef struct outcome {
    uint64_t requests; /* of all requests as JSON, whatever their order */
    uint64_t states;   /* of the state at the end of each step, in order */
    uint64_t trajectory;
    long count; /* requests */
    int64_t scored, rejected, duplicates, calls;
} outcome;

static int32_t note_step(opro_run *run, const opro_event *event, void *user_data) {
    outcome *o = user_data;

    if (opro_event_kind(event) == OPRO_EVENT_STEP_ENDED)
        o->states = opro__hash_add(o->states, opro_run_state_hash(run));
    return OPRO_OK;
}

typedef struct open_request {
    opro_request *request;
    size_t missing[64]; /* samples without a reply */
    size_t n;
} open_request;

static void note_request(outcome *o, opro_request *request) {
    size_t len;
    const char *json = opro_request_json(request, &len);

    o->requests += opro__hash_bytes(json, len); /* a sum: order does not matter */
    o->count++;
}

/* Answer a random part of a random open request; 1 if that closed it. */
static int answer_some(opro_run *run, open_request *open, opro__rng *rng) {
    uint64_t id = opro_request_id(open->request);
    char reply[256];
    double scores[MOST_INSTANCES];
    size_t n, pick, index;

    if (opro_request_kind(open->request) == OPRO_REQUEST_SCORE) {
        if (score_of(open->request, scores, &n))
            assert_int_equal(opro_run_answer_scores(run, id, scores, n), OPRO_OK);
        else
            assert_int_equal(opro_run_answer_error(run, id, OPRO_ERR_FAILED, "no score", OPRO_ZT),
                             OPRO_OK);
        return 1;
    }
    pick = (size_t)opro__rng_below(rng, open->n);
    index = open->missing[pick];
    open->missing[pick] = open->missing[--open->n];
    n = reply_to(open->request, index, reply);
    assert_int_equal(opro_run_answer_reply(run, id, index, 0, reply, n), OPRO_OK);
    return open->n == 0;
}

static void take_requests(opro_run *run, outcome *o, open_request *open, size_t *n_open,
                          opro__rng *rng, opro_status *st) {
    opro_request *request;

    while ((*st = opro_run_next(run, 0, &request)) == OPRO_OK) {
        open_request *slot = &open[(*n_open)++];

        assert_true(*n_open <= MOST_OPEN);
        note_request(o, request);
        slot->request = request;
        slot->n =
            opro_request_kind(request) == OPRO_REQUEST_PROPOSE ? opro_request_samples(request) : 0;
        for (size_t i = 0; i < slot->n; i++)
            slot->missing[i] = i;
        if (opro__rng_below(rng, 3) == 0) break; /* sometimes answer before all is asked */
    }
}

static outcome run_once(opro_problem *problem, const opro_config *config, uint64_t order) {
    opro__rng rng = {order, 0};
    open_request open[MOST_OPEN];
    size_t n_open = 0;
    outcome o = {0};
    opro_run *run;
    opro_status st;

    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_run_set_observer(run, note_step, &o, NULL), OPRO_OK);
    do {
        take_requests(run, &o, open, &n_open, &rng, &st);
        if (n_open) {
            size_t pick = (size_t)opro__rng_below(&rng, n_open);

            if (answer_some(run, &open[pick], &rng)) open[pick] = open[--n_open];
        }
    } while (st != OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_STEPS);
    o.trajectory = opro_trajectory_hash(opro_run_trajectory(run));
    o.scored = opro_trajectory_scored(opro_run_trajectory(run));
    o.rejected = opro_run_count(run, OPRO_COUNT_REJECTED);
    o.duplicates = opro_run_count(run, OPRO_COUNT_DUPLICATES);
    o.calls = opro_run_count(run, OPRO_COUNT_SCORER_CALLS);
    opro_run_free(run);
    return o;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static opro_problem *make_problem(size_t train, size_t validation) {
    opro_problem *problem;

    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_instances(problem, train, validation), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "Let us begin.", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_add_exemplar(problem, "1 + 1", OPRO_ZT, "2", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_add_exemplar(problem, "2 + 2", OPRO_ZT, "4", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_add_exemplar(problem, "3 + 3", OPRO_ZT, "6", OPRO_ZT), OPRO_OK);
    return problem;
}

static void set(opro_config *config, const char *name, const char *value) {
    assert_int_equal(opro_config_set(config, name, OPRO_ZT, value, OPRO_ZT), OPRO_OK);
}

static void compare_orders(opro_problem *problem, const opro_config *config) {
    outcome first = run_once(problem, config, 0);

    for (int i = 1; i < ORDERS; i++) {
        outcome o = run_once(problem, config, (uint64_t)i);

        assert_int_equal(o.count, first.count);
        assert_true(o.requests == first.requests);
        assert_true(o.trajectory == first.trajectory);
        assert_true(o.states == first.states);
        assert_int_equal(o.calls, first.calls);
        assert_int_equal(o.rejected, first.rejected);
        assert_int_equal(o.duplicates, first.duplicates);
    }
}

static void compare_worlds(opro_problem *problem, opro_config *config, int worlds) {
    for (int world = 0; world < worlds; world++) {
        assert_int_equal(opro_config_set_int(config, OPRO_OPT_SEED, world), OPRO_OK);
        compare_orders(problem, config);
    }
    opro_problem_free(problem);
}

static void test_any_order(void **state) {
    opro_config *config;

    (void)state;
    opro_config_new(&config, NULL);
    set(config, "steps", "4");
    set(config, "resample_limit", "2");
    set(config, "exemplar_choice", "current_wrong");
    set(config, "show_rejected", "3");
    set(config, "wrong_score", "0.3");
    compare_worlds(make_problem(3, 2), config, effort(WORLDS));
    opro_config_free(config);
}

/*
 * Little room: few requests at a time, several requests a step, two candidates a reply, tight
 * budgets.
 */
static void test_any_order_tight(void **state) {
    opro_config *config;

    (void)state;
    opro_config_new(&config, NULL);
    set(config, "steps", "5");
    set(config, "samples_per_request", "3");
    set(config, "candidates_per_reply", "2");
    set(config, "max_in_flight", "4");
    set(config, "dedup", "exact");
    set(config, "order", "random");
    set(config, "max_proposals", "1000");
    set(config, "max_scorer_calls", "1000");
    compare_worlds(make_problem(1, 0), config, effort(WORLDS));
    opro_config_free(config);
}

/* Races: who is dropped, after which instances, and what is shown of him. */
static void test_any_order_racing(void **state) {
    static const char *const presets[] = {"recommended", "cautious", "exact"};
    opro_config *config;
    outcome o, full;

    (void)state;
    opro_config_new(&config, NULL);
    set(config, "steps", "6");
    set(config, "race_block", "4");
    set(config, "exemplar_choice", "accumulated_wrong");
    for (int i = 0; i < 3; i++) {
        opro_problem *problem = make_problem(MOST_INSTANCES, 2);

        set(config, "seed", "0");
        set(config, "race", "off");
        full = run_once(problem, config, 0);
        set(config, "race", presets[i]);
        o = run_once(problem, config, 0);
        assert_true(o.calls < full.calls * 9 / 10); /* there is something to be compared */
        compare_worlds(problem, config, effort(WORLDS / 10));
    }
    opro_config_free(config);
}

/* What differs in content must differ in the digest: otherwise the tests above could not fail. */
static void test_seed_matters(void **state) {
    opro_problem *problem = make_problem(3, 2);
    opro_config *config;
    outcome a, b;

    (void)state;
    opro_config_new(&config, NULL);
    set(config, "steps", "3");
    a = run_once(problem, config, 1);
    set(config, "seed", "1");
    b = run_once(problem, config, 1);
    assert_true(a.requests != b.requests);
    assert_true(a.trajectory != b.trajectory);
    assert_true(a.states != b.states);
    opro_config_free(config);
    opro_problem_free(problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_any_order_tight),
        cmocka_unit_test(test_any_order_racing),
        cmocka_unit_test(test_seed_matters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
