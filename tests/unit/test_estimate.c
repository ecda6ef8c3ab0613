/* SPDX-License-Identifier: MIT */
/*
 * The estimate of a run against runs: in worlds made at random, with an optimizer that repeats
 * itself now and then and a scorer that counts tokens in a way of its own, what is used lies
 * between low and high.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "failing.h"
#include "opro/opro.h"

#define FIGURES 5

static const int32_t figures[FIGURES] = {OPRO_ESTIMATE_PROPOSALS, OPRO_ESTIMATE_SCORER_CALLS,
                                         OPRO_ESTIMATE_PROMPT_TOKENS, OPRO_ESTIMATE_REPLY_TOKENS,
                                         OPRO_ESTIMATE_COST};

/* ---- a world --------------------------------------------------------------------------------- */

typedef struct world {
    opro_config *config;
    opro_dataset *dataset;
    opro_model *model;
    opro_examiner *examiner;
    opro_problem *problem;
    opro__rng rng;
    double repeats;     /* share of proposals that were met before */
    double per_token;   /* bytes */
    int64_t most_reply; /* tokens of an answer */
    int64_t longest;    /* letters of a proposal */
    int local;          /* proposals cost nothing */
} world;

static void set(world *w, int32_t option, int64_t value) {
    assert_int_equal(opro_config_set_int(w->config, option, value), OPRO_OK);
}

static int64_t below(world *w, int64_t n) {
    return (int64_t)opro__rng_below(&w->rng, (uint64_t)n);
}

static void make_dataset(world *w, size_t train, size_t validation) {
    int64_t indices[300];
    char question[400], answer[16];

    assert_int_equal(opro_dataset_new(&w->dataset, NULL), OPRO_OK);
    for (size_t i = 0; i < train + validation; i++) {
        int words = (int)below(w, 30);
        size_t len = 0;

        for (int k = 0; k <= words; k++)
            len += (size_t)snprintf(question + len, sizeof question - len, "word%d ",
                                    (int)below(w, 100));
        snprintf(answer, sizeof answer, "%d", (int)i);
        assert_int_equal(opro_dataset_add(w->dataset, question, len, answer, OPRO_ZT, "", 0),
                         OPRO_OK);
        indices[i] = (int64_t)i;
    }
    assert_int_equal(opro_dataset_set_split(w->dataset, OPRO_TRAIN, indices, train), OPRO_OK);
    assert_int_equal(
        opro_dataset_set_split(w->dataset, OPRO_VALIDATION, indices + train, validation), OPRO_OK);
}

static void world_open(world *w, uint64_t seed) {
    *w = (world){
        .rng = opro__rng_make(seed, 0, 1), .per_token = 4, .most_reply = 300, .longest = 100};
    assert_int_equal(opro_config_new(&w->config, NULL), OPRO_OK);
    set(w, OPRO_OPT_SEED, (int64_t)seed);
    set(w, OPRO_OPT_STEPS, 5);
    set(w, OPRO_OPT_MODEL_PROMPT_PRICE, 400000);
    set(w, OPRO_OPT_MODEL_REPLY_PRICE, 1600000);
}

/* When the options are set. */
static void world_begin(world *w, size_t train, size_t validation, size_t initial) {
    make_dataset(w, train, validation);
    assert_int_equal(opro_model_new(&w->model, w->config, NULL), OPRO_OK);
    assert_int_equal(opro_examiner_new(&w->examiner, w->dataset, NULL, w->model, w->config, NULL),
                     OPRO_OK);
    assert_int_equal(opro_problem_new_dataset(&w->problem, w->dataset, NULL), OPRO_OK);
    for (size_t i = 0; i < initial; i++) {
        char text[40];

        snprintf(text, sizeof text, "Start with word %d.", (int)i);
        assert_int_equal(opro_problem_add_initial(w->problem, text, OPRO_ZT), OPRO_OK);
    }
}

static void world_close(world *w) {
    opro_problem_free(w->problem);
    opro_examiner_free(w->examiner);
    opro_model_free(w->model);
    opro_dataset_free(w->dataset);
    opro_config_free(w->config);
}

static opro_status estimate(world *w, int32_t figure, int64_t n[3]) {
    return opro_examiner_estimate(w->examiner, w->problem, w->local ? NULL : w->model, w->config,
                                  figure, &n[0], &n[1], &n[2]);
}

/* ---- a run of it ----------------------------------------------------------------------------- */

static int64_t tokens_of(const world *w, double bytes) {
    return (int64_t)(bytes / w->per_token) + 6;
}

static int64_t cost_of(int64_t prompt, int64_t reply) {
    return (prompt * 400000 + reply * 1600000 + 999999) / 1000000;
}

/* One request of several replies, or one each. */
static void propose(world *w, opro_run *run, opro_request *request) {
    uint64_t id = opro_request_id(request);
    size_t n = opro_request_samples(request);
    int64_t requests = below(w, 2) ? 1 : (int64_t)n, reply = 0;
    double bytes = 0;

    for (size_t i = 0; i < opro_request_messages(request); i++) {
        size_t len;

        opro_request_message_text(request, i, &len);
        bytes += (double)len;
    }
    for (size_t i = 0; i < n; i++)
        reply += 1 + below(w, 200);
    if (!w->local)
        assert_int_equal(
            opro_run_answer_usage(run, id, requests * tokens_of(w, bytes), reply,
                                  requests * cost_of(tokens_of(w, bytes), 0) + cost_of(0, reply)),
            OPRO_OK);
    while (n-- > 0) {
        int again = opro__rng_real(&w->rng) < w->repeats;
        char text[600], more[440];

        memset(more, 'a', sizeof more); /* of words of four letters */
        for (size_t i = 4; i < sizeof more; i += 5)
            more[i] = ' ';
        snprintf(text, sizeof text, "<INS>Think of %d things %.*s.</INS>",
                 (int)below(w, 1000000000), (int)below(w, w->longest), more);
        if (again) strcpy(text, "<INS>Think.</INS>");
        assert_int_equal(opro_run_answer_text(run, id, text, OPRO_ZT), OPRO_OK);
    }
}

/* The candidate's text decides how good it is; a later one is likely to be better. */
static void score(world *w, opro_run *run, opro_request *request) {
    uint64_t id = opro_request_id(request);
    size_t n, len;
    const int64_t *instances = opro_request_instances(request, &n);
    const int64_t *examples = opro_dataset_split_of(w->dataset, opro_request_set(request), NULL);
    const char *text = opro_request_text(request, &len);
    double ability = 0.3 + 0.5 * (double)(len % 11) / 11, scores[300];
    int64_t prompt = 0, reply = 0, cost = 0;

    for (size_t i = 0; i < n; i++) {
        double bytes = 0;
        int64_t one;

        assert_int_equal(opro_examiner_build(w->examiner, text, len, examples[instances[i]]),
                         OPRO_OK);
        for (size_t k = 0; k < opro_examiner_messages(w->examiner); k++) {
            size_t bytes_of;

            opro_examiner_message_text(w->examiner, k, &bytes_of);
            bytes += (double)bytes_of;
        }
        one = 1 + below(w, w->most_reply);
        prompt += tokens_of(w, bytes);
        reply += one;
        cost += cost_of(tokens_of(w, bytes), one);
        scores[i] = opro__rng_real(&w->rng) < ability;
    }
    assert_int_equal(opro_run_answer_usage(run, id, prompt, reply, cost), OPRO_OK);
    assert_int_equal(opro_run_answer_scores(run, id, scores, n), OPRO_OK);
}

/* What it used, in the order of the figures. 0: no run can be made with these options. */
static int play(world *w, int64_t used[FIGURES]) {
    static const int32_t counters[FIGURES] = {OPRO_COUNT_PROPOSALS, OPRO_COUNT_SCORER_CALLS,
                                              OPRO_COUNT_PROMPT_TOKENS, OPRO_COUNT_REPLY_TOKENS,
                                              OPRO_COUNT_COST};
    opro_run *run = NULL;
    opro_request *request;
    opro_status st = opro_run_new(&run, w->problem, w->config, NULL);

    if (st == OPRO_ERR_INVALID) return 0;
    assert_int_equal(st, OPRO_OK);
    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK)
        if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE)
            propose(w, run, request);
        else
            score(w, run, request);
    assert_int_equal(st, OPRO_DONE);
    for (size_t i = 0; i < FIGURES; i++)
        used[i] = opro_run_count(run, counters[i]);
    opro_run_free(run);
    return 1;
}

/* The run lies in the interval. */
static void check(world *w, uint64_t seed) {
    int64_t before[FIGURES][3], used[FIGURES];

    for (size_t i = 0; i < FIGURES; i++)
        assert_int_equal(estimate(w, figures[i], before[i]), OPRO_OK);
    if (!play(w, used)) return;
    for (size_t i = 0; i < FIGURES; i++) {
        const int64_t *n = before[i];

        if (n[0] > n[1] || n[1] > n[2] || used[i] < n[0] || used[i] > n[2])
            fail_msg("world %d, figure %d: %lld is not in %lld .. %lld .. %lld", (int)seed,
                     (int)figures[i], (long long)used[i], (long long)n[0], (long long)n[1],
                     (long long)n[2]);
    }
}

static void test_worlds(void **state) {
    static const int64_t races[] = {OPRO_RACE_AUTO, OPRO_RACE_OFF, OPRO_RACE_CAUTIOUS,
                                    OPRO_RACE_EXACT};
    static const int64_t confirms[] = {OPRO_CONFIRM_AUTO, OPRO_CONFIRM_OFF};

    (void)state;
    for (uint64_t seed = 0; seed < 120; seed++) {
        world w;
        size_t validation;

        world_open(&w, seed);
        w.repeats = (double)below(&w, 5) / 4;
        w.per_token = 3.5 + (double)below(&w, 4);
        w.most_reply = below(&w, 2) ? 1 : 500;
        w.longest = below(&w, 2) ? 1 : 440;
        w.local = below(&w, 4) == 0;
        set(&w, OPRO_OPT_RACE, races[below(&w, 4)]);
        set(&w, OPRO_OPT_CONFIRM, confirms[below(&w, 2)]);
        set(&w, OPRO_OPT_STEPS, 1 + below(&w, 8));
        set(&w, OPRO_OPT_SAMPLES_PER_STEP, 1 + below(&w, 8));
        set(&w, OPRO_OPT_RESAMPLE_LIMIT, below(&w, 3));
        set(&w, OPRO_OPT_EVAL_INTERVAL, below(&w, 4));
        set(&w, OPRO_OPT_EXEMPLARS, below(&w, 4));
        if (below(&w, 4) == 0) set(&w, OPRO_OPT_MODE, OPRO_MODE_STEADY);
        if (below(&w, 4) == 0) set(&w, OPRO_OPT_PATIENCE, 1 + below(&w, 3));
        if (below(&w, 5) == 0) set(&w, OPRO_OPT_MAX_PROPOSALS, 1 + below(&w, 30));
        if (below(&w, 5) == 0) set(&w, OPRO_OPT_MAX_SCORER_CALLS, 1 + below(&w, 2000));
        if (below(&w, 5) == 0) set(&w, OPRO_OPT_MAX_TOKENS, 1 + below(&w, 400000));
        if (below(&w, 5) == 0) set(&w, OPRO_OPT_MAX_COST, 1 + below(&w, 400000));
        if (below(&w, 5) == 0) set(&w, OPRO_OPT_SCORE_TOKENS, 800);
        if (below(&w, 9) == 0)
            opro_config_set_real(w.config, OPRO_OPT_TARGET_SCORE, (double)below(&w, 3) / 2);
        validation = below(&w, 3) ? (size_t)below(&w, 40) : 0;
        world_begin(&w, 1 + (size_t)below(&w, 60), validation, (size_t)below(&w, 3));
        check(&w, seed);
        world_close(&w);
    }
}

/* Where the optimizer and the races are as usual, what is likely is not far off. */
static void test_likely(void **state) {
    double ratios[FIGURES] = {0};

    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        int64_t used[FIGURES], n[3];
        world w;

        world_open(&w, seed);
        w.repeats = 0.25;
        set(&w, OPRO_OPT_STEPS, 12);
        world_begin(&w, 100, 25, 1);
        assert_true(play(&w, used));
        for (size_t i = 0; i < FIGURES; i++) {
            assert_int_equal(estimate(&w, figures[i], n), OPRO_OK);
            ratios[i] += (double)n[1] / (double)used[i] / 4;
        }
        world_close(&w);
    }
    for (size_t i = 0; i < FIGURES; i++)
        if (!(ratios[i] > 0.6 && ratios[i] < 1.7))
            fail_msg("figure %d: likely is %.2f times what was used", (int)figures[i], ratios[i]);
}

/* ---- what can be known ----------------------------------------------------------------------- */

/* Without luck in it: initial solutions on all examples, samples without a second wave. */
static void test_counts(void **state) {
    int64_t n[3];
    world w;

    (void)state;
    world_open(&w, 1);
    set(&w, OPRO_OPT_RACE, OPRO_RACE_OFF);
    set(&w, OPRO_OPT_RESAMPLE_LIMIT, 0);
    set(&w, OPRO_OPT_EVAL_INTERVAL, 0);
    world_begin(&w, 30, 20, 2);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_PROPOSALS, n), OPRO_OK);
    assert_true(n[0] == 40 && n[1] == 40 && n[2] == 40);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_SCORER_CALLS, n), OPRO_OK);
    assert_int_equal(n[0], 30);
    assert_int_equal(n[2], 2 * 30 + 40 * 30 + 16 * 5 + 6 * 5 + 3 * 10);
    assert_true(n[1] > n[0] && n[1] < n[2]);
    world_close(&w);
}

static void test_budgets(void **state) {
    int64_t n[3];
    world w;

    (void)state;
    world_open(&w, 2);
    set(&w, OPRO_OPT_STEPS, 0);
    set(&w, OPRO_OPT_MAX_SCORER_CALLS, 1000);
    world_begin(&w, 30, 0, 1);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_SCORER_CALLS, n), OPRO_OK);
    assert_true(n[0] == 30 && n[1] == 1000 && n[2] == 1000);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_PROPOSALS, n), OPRO_OK);
    assert_int_equal(n[2], INT64_MAX); /* they may all be met before, for ever */
    assert_true(n[1] > 30 && n[1] < 1000);
    set(&w, OPRO_OPT_MAX_SCORER_CALLS, 20); /* too few for a beginning */
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_SCORER_CALLS, n), OPRO_OK);
    assert_true(n[0] == 0 && n[2] == 20);
    world_close(&w);
}

/* A local optimizer has no price; a scorer is paid in any case. */
static void test_prices(void **state) {
    int64_t with[3], without[3], n[3];
    world w;

    (void)state;
    world_open(&w, 3);
    set(&w, OPRO_OPT_MODEL_CACHED_PRICE, 0);
    world_begin(&w, 30, 10, 1);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_COST, with), OPRO_OK);
    w.local = 1;
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_COST, without), OPRO_OK);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_REPLY_TOKENS, n), OPRO_OK);
    for (size_t i = 0; i < 3; i++)
        assert_true(with[i] > without[i] && without[i] > 0);
    assert_int_equal(without[0], n[0] * 16 / 10); /* all that is read may be in a cache */
    world_close(&w);
}

/* A second question and a judge cost. */
static void test_more_questions(void **state) {
    int64_t plain[3], second[3], judged[3];

    (void)state;
    for (int which = 0; which < 3; which++) {
        int64_t *n = which == 0 ? plain : which == 1 ? second : judged;
        world w;

        world_open(&w, 4);
        set(&w, OPRO_OPT_EXAM_SECOND_QUESTION, which == 1);
        world_begin(&w, 30, 10, 1);
        if (which == 2)
            assert_int_equal(opro_examiner_set_judge(w.examiner, w.model, NULL, 0), OPRO_OK);
        assert_int_equal(estimate(&w, OPRO_ESTIMATE_PROMPT_TOKENS, n), OPRO_OK);
        world_close(&w);
    }
    for (size_t i = 0; i < 3; i++)
        assert_true(second[i] > plain[i] && judged[i] > plain[i]);
}

/* Whatever is shown in front of a question is paid with each. */
static void test_shots(void **state) {
    static const char question[] = "What is the sum of all whole numbers from one to a hundred?";
    int64_t before[3], after[3], examples = 30;
    world w;

    (void)state;
    world_open(&w, 5);
    world_begin(&w, (size_t)examples, 0, 1);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_PROMPT_TOKENS, before), OPRO_OK);
    assert_int_equal(opro_examiner_add_shot(w.examiner, question, OPRO_ZT, "It is 5050.", OPRO_ZT),
                     OPRO_OK);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_PROMPT_TOKENS, after), OPRO_OK);
    assert_true(after[0] > before[0] + examples * (int64_t)sizeof question / 8);
    assert_true(after[1] > before[1] && after[2] > before[2]);
    world_close(&w);
}

/* So is the instruction: it may be as long as it is allowed to be. */
static void test_instructions(void **state) {
    int64_t before[3], after[3];
    world w;

    (void)state;
    world_open(&w, 9);
    w.local = 1;
    set(&w, OPRO_OPT_RACE, OPRO_RACE_OFF);
    world_begin(&w, 30, 0, 1);
    set(&w, OPRO_OPT_MAX_LENGTH, 100);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_PROMPT_TOKENS, before), OPRO_OK);
    set(&w, OPRO_OPT_MAX_LENGTH, 500);
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_PROMPT_TOKENS, after), OPRO_OK);
    assert_true(after[0] == before[0] && after[1] == before[1]);
    assert_int_equal(after[2] - before[2], 5 * 8 * 30 * 400);
    world_close(&w);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void refused(world *w, opro_problem *problem, int32_t figure, opro_status status,
                    const char *words) {
    int64_t n[3] = {7, 8, 9};

    assert_int_equal(
        opro_examiner_estimate(w->examiner, problem, NULL, w->config, figure, &n[0], &n[1], &n[2]),
        status);
    assert_non_null(strstr(opro_error_message(opro_examiner_error(w->examiner), NULL), words));
    assert_true(n[0] == 7 && n[1] == 8 && n[2] == 9);
}

static void test_refusals(void **state) {
    int64_t n = 0;
    opro_problem *other = NULL;
    world w;

    (void)state;
    world_open(&w, 6);
    world_begin(&w, 30, 10, 1);
    refused(&w, w.problem, 25, OPRO_ERR_INVALID, "no figure 25");
    assert_int_equal(opro_problem_new(&other, NULL), OPRO_OK);
    refused(&w, other, OPRO_ESTIMATE_COST, OPRO_ERR_INVALID, "30 and 10 examples");
    opro_problem_free(other);
    set(&w, OPRO_OPT_STEPS, 0);
    set(&w, OPRO_OPT_MAX_TIME_MS, 1000);
    refused(&w, w.problem, OPRO_ESTIMATE_COST, OPRO_ERR_INVALID, "no end");
    set(&w, OPRO_OPT_STEPS, 3);
    set(&w, OPRO_OPT_POSITION, OPRO_POSITION_BEFORE_Q);
    refused(&w, w.problem, OPRO_ESTIMATE_COST, OPRO_ERR_INVALID, "question_marks");
    set(&w, OPRO_OPT_POSITION, OPRO_POSITION_Q_END);
    assert_int_equal(opro_examiner_estimate(NULL, w.problem, NULL, NULL, 10, &n, &n, &n),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_examiner_estimate(w.examiner, NULL, NULL, NULL, 10, &n, &n, &n),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_examiner_estimate(w.examiner, w.problem, NULL, NULL, 10, &n, NULL, &n),
                     OPRO_ERR_INVALID);
    /* the problem can still be set up; a template without a question cannot be examined */
    assert_int_equal(opro_problem_add_initial(w.problem, "One more.", OPRO_ZT), OPRO_OK);
    assert_int_equal(
        opro_examiner_set_template(w.examiner, OPRO_ROLE_USER, "{instruction}", OPRO_ZT), OPRO_OK);
    refused(&w, w.problem, OPRO_ESTIMATE_COST, OPRO_ERR_STATE, "{question}");
    world_close(&w);
}

static int32_t fails(const opro_dataset *dataset, size_t index, opro_sink *sink, void *user_data) {
    int *calls = user_data;

    (void)dataset;
    if (++*calls > 300 && index == 4) return OPRO_ERR_FAILED;
    opro_sink_text(sink, "How many?", OPRO_ZT);
    return opro_sink_text(sink, "5", OPRO_ZT);
}

/* Examples that cannot be had. */
static void test_callback(void **state) {
    int calls = 0;
    int64_t n[3];
    world w;

    (void)state;
    world_open(&w, 7);
    assert_int_equal(opro_dataset_new(&w.dataset, NULL), OPRO_OK);
    assert_int_equal(opro_dataset_set_fn(w.dataset, 10, fails, &calls, NULL), OPRO_OK);
    assert_int_equal(opro_model_new(&w.model, w.config, NULL), OPRO_OK);
    assert_int_equal(opro_examiner_new(&w.examiner, w.dataset, NULL, w.model, w.config, NULL),
                     OPRO_OK);
    assert_int_equal(opro_problem_new_dataset(&w.problem, w.dataset, NULL), OPRO_OK);
    calls = 0;
    assert_int_equal(estimate(&w, OPRO_ESTIMATE_COST, n), OPRO_OK);
    calls = 300;
    refused(&w, w.problem, OPRO_ESTIMATE_COST, OPRO_ERR_FAILED, "4");
    world_close(&w);
}

static void test_no_memory(void **state) {
    long needed = -1;

    (void)state;
    for (long left = 0; needed < 0; left++) {
        failing memory = {-1, 0};
        opro_allocator allocator = failing_allocator(&memory);
        int64_t n[3] = {7, 8, 9};
        long live;
        opro_status st;
        world w;

        world_open(&w, 8);
        make_dataset(&w, 5, 3);
        assert_int_equal(opro_model_new(&w.model, w.config, NULL), OPRO_OK);
        assert_int_equal(
            opro_examiner_new(&w.examiner, w.dataset, NULL, w.model, w.config, &allocator),
            OPRO_OK);
        assert_int_equal(opro_problem_new_dataset(&w.problem, w.dataset, NULL), OPRO_OK);
        assert_int_equal(opro_examiner_set_judge(w.examiner, w.model, NULL, 0), OPRO_OK);
        live = memory.live;
        memory.left = left;
        st = estimate(&w, OPRO_ESTIMATE_COST, n);
        memory.left = -1;
        if (st == OPRO_OK) {
            needed = left;
        } else {
            assert_int_equal(st, OPRO_ERR_NOMEM);
            assert_true(n[0] == 7 && n[1] == 8 && n[2] == 9);
            assert_int_equal(opro_error_status(opro_examiner_error(w.examiner)), OPRO_ERR_NOMEM);
            assert_true(*opro_error_message(opro_examiner_error(w.examiner), NULL));
        }
        assert_int_equal(memory.live, live); /* nothing is kept */
        world_close(&w);
        assert_int_equal(memory.live, 0);
    }
    assert_true(needed > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worlds),    cmocka_unit_test(test_likely),
        cmocka_unit_test(test_counts),    cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_prices),    cmocka_unit_test(test_more_questions),
        cmocka_unit_test(test_shots),     cmocka_unit_test(test_instructions),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_callback),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
