/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out: in each scenario the n-th allocation fails, for every n, once or from then on. Every call says
 * OPRO_ERR_NOMEM or goes on, a run that was hit says so ever after, its queries stay valid, and nothing leaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opro/opro.h"

/* ---- an allocator that fails ---------------------------------------------------------------------------------- */

typedef struct faulty {
    long calls;
    long fails_at; /* this call fails ...     */
    int sticky;    /* ... and all after it    */
    int hit;
    long live;
} faulty;

static int fails(faulty *f) {
    long call = f->calls++;

    if (call != f->fails_at && !(f->sticky && call > f->fails_at)) return 0;
    f->hit = 1;
    return 1;
}

static void *faulty_alloc(size_t n, void *user_data) {
    faulty *f = user_data;
    void *p = fails(f) ? NULL : malloc(n);

    f->live += p != NULL;
    return p;
}

static void *faulty_realloc(void *p, size_t n, void *user_data) {
    return fails(user_data) ? NULL : realloc(p, n);
}

static void faulty_free(void *p, void *user_data) {
    ((faulty *)user_data)->live--;
    free(p);
}

typedef opro_status (*scenario)(const opro_allocator *mem);

/* All ways to fail; returns how many there were. */
static long fail_everywhere(scenario run) {
    long points = 0;

    for (int sticky = 0; sticky < 2; sticky++) {
        for (long at = 0;; at++, points++) {
            faulty f = {.fails_at = at, .sticky = sticky};
            opro_allocator mem = {sizeof mem, faulty_alloc, faulty_realloc, faulty_free, &f};
            opro_status st = run(&mem);

            assert_int_equal(f.live, 0);
            if (st != OPRO_OK) assert_int_equal(st, OPRO_ERR_NOMEM);
            if (st == OPRO_OK && sticky) assert_false(f.hit);
            if (!f.hit) {
                assert_int_equal(st, OPRO_OK);
                break;
            }
        }
    }
    return points;
}

static void check(const char *name, scenario run) {
    long points = fail_everywhere(run);

    printf("%s: %ld points\n", name, points);
    assert_true(points > 20);
}

/* ---- parts of scenarios --------------------------------------------------------------------------------------- */

#define TRY(call)                                                                                  \
    do                                                                                             \
        if ((st = (call)) < 0) goto out;                                                           \
    while (0)

static opro_status set_all(opro_config *config, const char *const (*options)[2]) {
    opro_status st = OPRO_OK;

    for (; (*options)[0] && st == OPRO_OK; options++)
        st = opro_config_set(config, (*options)[0], OPRO_ZT, (*options)[1], OPRO_ZT);
    return st;
}

static opro_status make_texts(opro_problem **out, const opro_allocator *mem) {
    opro_problem *p = NULL;
    opro_status st;

    TRY(opro_problem_new(&p, mem));
    TRY(opro_problem_set_description(p, "answer questions", OPRO_ZT));
    TRY(opro_problem_set_instances(p, 3, 2));
    TRY(opro_problem_set_score_name(p, "grade", OPRO_ZT));
    TRY(opro_problem_add_initial(p, "Let us see.", OPRO_ZT));
    TRY(opro_problem_add_initial(p, "", OPRO_ZT));
    TRY(opro_problem_add_exemplar(p, "one", OPRO_ZT, "1", OPRO_ZT));
    TRY(opro_problem_add_exemplar(p, "two", OPRO_ZT, "2", OPRO_ZT));
    *out = p;
    return OPRO_OK;
out:
    opro_problem_free(p);
    return st;
}

static opro_status tell_scores(opro_run *run, opro_request *request) {
    uint64_t id = opro_request_id(request);
    double scores[3] = {0.25, 1, 0};
    size_t n;
    opro_status st;

    opro_request_instances(request, &n);
    st = opro_run_answer_feedback(run, id, "too vague", OPRO_ZT);
    if (st == OPRO_OK) st = opro_run_answer_usage(run, id, 5, 6, 7);
    return st == OPRO_OK ? opro_run_answer_scores(run, id, scores, n) : st;
}

static int32_t score(opro_run *run, opro_request *request, void *user_data) {
    (void)user_data;
    return tell_scores(run, request);
}

/* Candidates, repeats, illegal ones, none, bytes that are not UTF-8. */
static int32_t propose(opro_run *run, opro_request *request, void *user_data) {
    static const char *const replies[] = {
        "<INS>Think.</INS>", "<INS>Think.</INS>",     "no",
        "<INS>INS</INS>",    "<INS>\xff Look.</INS>", "<INS>A</INS><INS>B</INS>"};
    uint64_t id = opro_request_id(request);
    size_t n = opro_request_samples(request);
    int *next = user_data;
    opro_status st = OPRO_OK;

    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        char reply[64];
        int k = (*next)++;

        sprintf(reply, "%s<INS>Way %d</INS>", replies[k % 6], k);
        st = opro_run_answer_text(run, id, reply, OPRO_ZT);
    }
    return st;
}

static int32_t listen_to(opro_run *run, const opro_event *event, void *user_data) {
    (void)run, (void)user_data;
    return opro_event_kind(event) ? OPRO_OK : OPRO_ERR_FAILED;
}

/* A run that memory ran out in is dead and says so, and can still be asked. */
static void assert_dead(opro_run *run) {
    const opro_trajectory *t = opro_run_trajectory(run);
    opro_request *request;

    assert_int_equal(opro_run_next(run, 0, &request), OPRO_ERR_NOMEM);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_ERROR);
    for (int64_t i = 0; i < opro_trajectory_count(t); i++)
        assert_non_null(opro_trajectory_text(t, i, NULL));
    opro_run_state_hash(run);
}

/* ---- scenarios ------------------------------------------------------------------------------------------------ */

static const char *const rich[][2] = {{"steps", "3"},
                                      {"samples_per_step", "3"},
                                      {"show_rejected", "3"},
                                      {"show_feedback", "40"},
                                      {"exemplar_choice", "accumulated_wrong"},
                                      {"candidates_per_reply", "2"},
                                      {"max_tokens", "1000000"},
                                      {NULL, NULL}};

static opro_status drive(const opro_allocator *mem) {
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;
    opro_driver *driver = NULL;
    int next = 0;
    opro_status st;

    TRY(make_texts(&problem, mem));
    TRY(opro_config_new(&config, mem));
    TRY(set_all(config, rich));
    TRY(opro_optimizer_new(&optimizer, propose, &next, NULL, mem));
    TRY(opro_scorer_new(&scorer, score, NULL, NULL, mem));
    TRY(opro_driver_new(&driver, problem, config, mem));
    TRY(opro_driver_set_optimizer(driver, optimizer));
    TRY(opro_driver_set_scorer(driver, scorer));
    TRY(opro_driver_set_observer(driver, listen_to, NULL, NULL));
    st = opro_driver_run(driver);
    if (st == OPRO_ERR_NOMEM) assert_int_equal(opro_driver_step(driver), OPRO_ERR_NOMEM);
out:
    opro_driver_free(driver);
    opro_scorer_free(scorer);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    opro_problem_free(problem);
    return st;
}

static opro_status warm(opro_run *run, const opro_allocator *mem) {
    const double scores[3] = {1, 0.5, 0};
    opro_trajectory *t = NULL;
    opro_status st;

    TRY(opro_trajectory_new(&t, OPRO_MAXIMIZE, mem));
    TRY(opro_trajectory_add(t, "From before.", OPRO_ZT, scores, 3, NULL));
    TRY(opro_trajectory_add(t, "Let us see.", OPRO_ZT, scores, 3, NULL));
    st = opro_run_warm_start(run, t);
out:
    opro_trajectory_free(t);
    return st;
}

static opro_status answer(opro_run *run, opro_request *request, int *next,
                          const opro_allocator *mem) {
    opro_request *clone = NULL;
    opro_status st;

    TRY(opro_request_json(request, NULL) ? OPRO_OK : OPRO_ERR_NOMEM);
    TRY(opro_request_clone(&clone, request, mem));
    TRY(opro_request_json(clone, NULL) ? OPRO_OK : OPRO_ERR_NOMEM);
    if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE)
        st = propose(run, request, next);
    else if ((*next)++ % 5 == 0)
        st = opro_run_answer_error(run, opro_request_id(request), OPRO_ERR_FAILED, "no", OPRO_ZT);
    else
        st = tell_scores(run, request);
    if (st == OPRO_ERR_NOMEM) assert_dead(run);
out:
    opro_request_free(clone);
    return st;
}

static opro_status ask_and_tell(const char *mode, const opro_allocator *mem) {
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_request *request;
    opro_run *run = NULL;
    int next = 0;
    opro_status st;

    TRY(make_texts(&problem, mem));
    TRY(opro_config_new(&config, mem));
    TRY(set_all(config, rich));
    TRY(opro_config_set(config, "mode", OPRO_ZT, mode, OPRO_ZT));
    TRY(opro_run_new(&run, problem, config, mem));
    TRY(warm(run, mem));
    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK)
        TRY(answer(run, request, &next, mem));
    if (st == OPRO_ERR_NOMEM) assert_dead(run);
out:
    opro_run_free(run);
    opro_config_free(config);
    opro_problem_free(problem);
    return st > 0 ? OPRO_OK : st;
}

static opro_status stepwise(const opro_allocator *mem) {
    return ask_and_tell("stepwise", mem);
}

static opro_status steady(const opro_allocator *mem) {
    return ask_and_tell("steady", mem);
}

/* The local optimizer on a problem of a kit, both given up to it. */
static opro_status search(opro_problem *problem, opro_scorer *scorer, const opro_allocator *mem) {
    static const char *const options[][2] = {
        {"steps", "4"}, {"samples_per_step", "4"}, {"repair", "1"}, {NULL, NULL}};
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_driver *driver = NULL;
    opro_status st;

    TRY(opro_config_new(&config, mem));
    TRY(set_all(config, options));
    TRY(opro_optimizer_new_local(&optimizer, problem, config, mem));
    TRY(opro_driver_new(&driver, problem, config, mem));
    TRY(opro_driver_set_optimizer(driver, optimizer));
    TRY(opro_driver_set_scorer(driver, scorer));
    st = opro_driver_run(driver);
out:
    opro_driver_free(driver);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    return st;
}

static opro_status regression(const opro_allocator *mem) {
    static const double x[] = {1, 2, 3}, y[] = {5, 7, 9};
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;
    opro_status st;

    TRY(opro_problem_new_regression(&problem, -9, 9, mem));
    TRY(opro_problem_add_initial(problem, "1, 1", OPRO_ZT));
    TRY(opro_scorer_new_regression(&scorer, x, y, 3, mem));
    st = search(problem, scorer, mem);
out:
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    return st;
}

static opro_status function(const opro_allocator *mem) {
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;
    opro_status st;

    TRY(opro_problem_new_function(&problem, OPRO_FUNCTION_ACKLEY, 3, mem));
    TRY(opro_scorer_new_function(&scorer, OPRO_FUNCTION_ACKLEY, mem));
    st = search(problem, scorer, mem);
out:
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    return st;
}

static opro_status tour(const opro_allocator *mem) {
    static const char text[] =
        "TYPE: TSP\nDIMENSION: 6\nEDGE_WEIGHT_TYPE: EUC_2D\nNODE_COORD_SECTION\n"
        "1 0 0\n2 5 1\n3 9 0\n4 8 7\n5 4 6\n6 1 8\nEOF\n";
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;
    opro_tour *t = NULL;
    opro_status st;

    TRY(opro_tour_new(&t, mem));
    TRY(opro_tour_read_tsplib(t, text, OPRO_ZT));
    TRY(opro_problem_new_tour(&problem, t, mem));
    TRY(opro_scorer_new_tour(&scorer, t, mem));
    st = search(problem, scorer, mem);
out:
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    opro_tour_free(t);
    return st;
}

static opro_status texts(const opro_allocator *mem) {
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;
    opro_status st;

    TRY(make_texts(&problem, mem));
    TRY(opro_scorer_new(&scorer, score, NULL, NULL, mem));
    st = search(problem, scorer, mem);
out:
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    return st;
}

static opro_status prompt(const opro_allocator *mem) {
    opro_problem *problem = NULL;
    opro_meta_prompt *builder = NULL;
    opro_trajectory *t = NULL;
    double scores[3] = {0.5, 0, 1};
    opro_status st;

    TRY(make_texts(&problem, mem));
    TRY(opro_trajectory_new(&t, OPRO_MAXIMIZE, mem));
    TRY(opro_trajectory_add(t, "a </INS>\n\ntext:\nb", OPRO_ZT, scores, 3, NULL));
    TRY(opro_meta_prompt_new(&builder, problem, NULL, mem));
    TRY(opro_meta_prompt_set_template(builder, OPRO_BLOCK_ENTRY, "{score}: {solution}\n", OPRO_ZT));
    TRY(opro_meta_prompt_build(builder, t, 0));
    st = opro_meta_prompt_build(builder, t, 1);
out:
    opro_meta_prompt_free(builder);
    opro_trajectory_free(t);
    opro_problem_free(problem);
    return st;
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void test_driver(void **state) {
    (void)state;
    check("driver", drive);
}

static void test_ask_and_tell(void **state) {
    (void)state;
    check("ask and tell, stepwise", stepwise);
    check("ask and tell, steady", steady);
}

static void test_local(void **state) {
    (void)state;
    check("local, regression", regression);
    check("local, function", function);
    check("local, tour", tour);
    check("local, texts", texts);
}

static void test_meta_prompt(void **state) {
    (void)state;
    check("meta-prompt", prompt);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_driver),
        cmocka_unit_test(test_ask_and_tell),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_meta_prompt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
