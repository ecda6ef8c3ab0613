/* SPDX-License-Identifier: MIT */
/*
 * Budgets: with 64 requests in flight and answers in any order, late, failed or never, what is used
 * never passes a limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "opro/opro.h"
#include "effort.h"

/* Limits and prices of one schedule; 0: none. */
typedef struct limits {
    int64_t proposals, calls, tokens, cost;
} limits;

static int64_t between(opro__rng *rng, int64_t low, int64_t high) {
    return low + (int64_t)opro__rng_below(rng, (uint64_t)(high - low + 1));
}

static void set_int(opro_config *config, int32_t option, int64_t value) {
    assert_int_equal(opro_config_set_int(config, option, value), OPRO_OK);
}

static limits random_limits(opro_config *config, opro__rng *rng) {
    limits l = {0};

    if (opro__rng_below(rng, 2)) l.proposals = between(rng, 1, 60);
    if (opro__rng_below(rng, 2)) l.calls = between(rng, 1, 200);
    if (opro__rng_below(rng, 2)) l.tokens = between(rng, 1, 20000);
    if (opro__rng_below(rng, 2)) l.cost = between(rng, 1, 5000);
    set_int(config, OPRO_OPT_MAX_PROPOSALS, l.proposals);
    set_int(config, OPRO_OPT_MAX_SCORER_CALLS, l.calls);
    set_int(config, OPRO_OPT_MAX_TOKENS, l.tokens);
    set_int(config, OPRO_OPT_MAX_COST, l.cost);
    set_int(config, OPRO_OPT_PROMPT_PRICE, between(rng, 0, 50000));
    set_int(config, OPRO_OPT_REPLY_PRICE, between(rng, 0, 90000));
    set_int(config, OPRO_OPT_SCORE_TOKENS, between(rng, 0, 30));
    set_int(config, OPRO_OPT_SCORE_COST, between(rng, 0, 20));
    set_int(config, OPRO_OPT_MAX_REPLY_TOKENS, between(rng, 1, 300));
    set_int(config, OPRO_OPT_STEPS, between(rng, 1, 4));
    set_int(config, OPRO_OPT_SAMPLES_PER_STEP, between(rng, 1, 80));
    set_int(config, OPRO_OPT_SAMPLES_PER_REQUEST, between(rng, 0, 3));
    set_int(config, OPRO_OPT_CANDIDATES_PER_REPLY, between(rng, 1, 2));
    set_int(config, OPRO_OPT_RESAMPLE_LIMIT, between(rng, 0, 2));
    set_int(config, OPRO_OPT_MODE, opro__rng_below(rng, 2) ? OPRO_MODE_STEADY : OPRO_MODE_STEPWISE);
    set_int(config, OPRO_OPT_STEADY_CANDIDATES, between(rng, 8, 100));
    set_int(config, OPRO_OPT_STEADY_SAMPLES, between(rng, 1, 8));
    return l;
}

static int64_t count(const opro_run *run, int32_t what) {
    return opro_run_count(run, what);
}

/* Used, and used with what is reserved, within the limits. */
static void check(const opro_run *run, const limits *l) {
    if (l->proposals) assert_true(count(run, OPRO_COUNT_PROPOSALS) <= l->proposals);
    if (l->calls) assert_true(count(run, OPRO_COUNT_SCORER_CALLS) <= l->calls);
    if (l->tokens)
        assert_true(count(run, OPRO_COUNT_TOKENS) + count(run, OPRO_COUNT_RESERVED_TOKENS) <=
                    l->tokens);
    if (l->cost)
        assert_true(count(run, OPRO_COUNT_COST) + count(run, OPRO_COUNT_RESERVED_COST) <= l->cost);
}

/* What a request may use at most, as the host can know it. */
static void use(opro_run *run, const opro_config *config, const opro_request *request,
                size_t replies, opro__rng *rng) {
    int64_t prompt = 0, reply = 0, cost = 0, tokens, per_call;
    size_t n;

    if (opro_request_kind(request) == OPRO_REQUEST_SCORE) {
        opro_config_get_int(config, OPRO_OPT_SCORE_TOKENS, &tokens);
        opro_config_get_int(config, OPRO_OPT_SCORE_COST, &per_call);
        opro_request_instances(request, &n);
        prompt = between(rng, 0, tokens * (int64_t)n);
        cost = between(rng, 0, per_call * (int64_t)n);
    } else {
        int64_t prompt_price, reply_price;
        const char *text = opro_request_text(request, &n);

        opro_config_get_int(config, OPRO_OPT_PROMPT_PRICE, &prompt_price);
        opro_config_get_int(config, OPRO_OPT_REPLY_PRICE, &reply_price);
        prompt = opro_estimate_tokens(text, n) * (int64_t)replies;
        reply = between(rng, 0, opro_request_max_tokens(request) * (int64_t)replies);
        cost = (prompt * prompt_price + reply * reply_price) / 1000000;
    }
    assert_int_equal(opro_run_answer_usage(run, opro_request_id(request), prompt, reply, cost),
                     OPRO_OK);
}

static void answer(opro_run *run, const opro_config *config, opro_request *request,
                   opro__rng *rng) {
    uint64_t id = opro_request_id(request);
    double scores[4] = {0.5, 0.25, 1, 0};
    size_t n = opro_request_samples(request);
    int fails = opro__rng_below(rng, 8) == 0;
    char reply[128];

    use(run, config, request, n, rng);
    if (fails) {
        assert_int_equal(opro_run_answer_error(run, id, OPRO_ERR_FAILED, "", 0), OPRO_OK);
    } else if (opro_request_kind(request) == OPRO_REQUEST_SCORE) {
        opro_request_instances(request, &n);
        assert_int_equal(opro_run_answer_scores(run, id, scores, n), OPRO_OK);
    } else {
        for (size_t i = 0; i < n; i++) {
            int len = sprintf(reply, "<INS>a %d</INS><INS>b %d</INS>",
                              (int)opro__rng_below(rng, 50), (int)opro__rng_below(rng, 50));

            if (opro_run_answer_text(run, id, reply, (size_t)len) != OPRO_OK) fail();
        }
    }
}

/* One run with a random schedule of answers; returns the most requests that were in flight. */
static size_t schedule(opro_problem *problem, opro_config *config, opro__rng *rng) {
    opro_request *open[64];
    size_t n_open = 0, most = 0;
    limits l = random_limits(config, rng);
    opro_request *request;
    opro_run *run;
    opro_status st;

    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    for (;;) {
        while ((st = opro_run_next(run, 0, &request)) == OPRO_OK) {
            assert_true(n_open < 64);
            open[n_open++] = request;
            check(run, &l);
        }
        if (n_open > most) most = n_open;
        if (st == OPRO_DONE) break;
        assert_int_equal(st, OPRO_WAIT);
        assert_true(n_open > 0);
        for (size_t k = 1 + (size_t)opro__rng_below(rng, n_open); k > 0 && n_open; k--) {
            size_t pick = (size_t)opro__rng_below(rng, n_open);

            request = open[pick];
            open[pick] = open[--n_open];
            answer(run, config, request, rng);
            check(run, &l);
            if (opro_run_stop_reason(run) != OPRO_STOP_NONE) n_open = 0;
        }
    }
    check(run, &l);
    assert_int_equal(count(run, OPRO_COUNT_RESERVED_TOKENS), 0);
    assert_int_equal(count(run, OPRO_COUNT_RESERVED_COST), 0);
    opro_run_free(run);
    return most;
}

static void test_no_overshoot(void **state) {
    opro_problem *problem;
    opro_config *config;
    opro__rng rng = opro__rng_make(1, 0, 0);
    size_t most = 0;

    (void)state;
    opro_problem_new(&problem, NULL);
    opro_problem_set_instances(problem, 3, 1);
    opro_problem_add_initial(problem, "start", OPRO_ZT);
    opro_config_new(&config, NULL);
    for (int i = 0; i < effort(100000); i++) {
        size_t n = schedule(problem, config, &rng);

        if (n > most) most = n;
    }
    assert_int_equal(most, 64);
    opro_config_free(config);
    opro_problem_free(problem);
}

/* Budgets that are large enough are used up, not just respected. */
static void test_used_up(void **state) {
    opro_problem *problem;
    opro_config *config;
    opro_request *request;
    opro_run *run;
    double score = 0.5;
    int n = 0;

    (void)state;
    opro_problem_new(&problem, NULL);
    opro_config_new(&config, NULL);
    set_int(config, OPRO_OPT_STEPS, 0);
    set_int(config, OPRO_OPT_MAX_SCORER_CALLS, 50);
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    while (opro_run_next(run, 0, &request) == OPRO_OK) {
        uint64_t id = opro_request_id(request);
        size_t samples = opro_request_samples(request);
        char text[32];

        if (opro_request_kind(request) == OPRO_REQUEST_SCORE)
            opro_run_answer_scores(run, id, &score, 1);
        for (size_t i = 0; i < samples; i++)
            opro_run_answer_solution(run, id, i, 0, text, (size_t)sprintf(text, "text %d", n++));
    }
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_SCORER_CALLS);
    assert_int_equal(count(run, OPRO_COUNT_SCORER_CALLS), 50);
    opro_run_free(run);
    opro_config_free(config);
    opro_problem_free(problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_overshoot),
        cmocka_unit_test(test_used_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
