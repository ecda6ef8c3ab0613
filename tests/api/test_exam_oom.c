/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out at every allocation in the life of an examiner, its exams and its scorer,
 * and of the client below it: once, and from then on. Nothing crashes, hangs or leaks, and an exam
 * comes to its end: what is unknown then says why.
 */
#define _GNU_SOURCE
#include "../unit/failing.h"
#include "exam_world.h"

enum { ITEMS = 3 };

typedef struct world {
    exam_world w;
    failing f;
    opro_allocator mem;
    int sticky;
    int spent; /* it has failed */
} world;

/* Fails at one allocation, or at all from there on. */
static void *scarce_alloc(size_t n, void *user_data) {
    world *t = user_data;
    void *p = failing_alloc(n, &t->f);

    if (!p) t->spent = 1;
    if (!p && !t->sticky) t->f.left = -1;
    return p;
}

static void *scarce_realloc(void *p, size_t n, void *user_data) {
    world *t = user_data;
    void *grown = failing_realloc(p, n, &t->f);

    if (!grown) t->spent = 1;
    if (!grown && !t->sticky) t->f.left = -1;
    if (grown && !p) t->f.live++;
    return grown;
}

static void scarce_free(void *p, void *user_data) {
    failing_free(p, &((world *)user_data)->f);
}

/* What is asked first, a second time, and of a judge. */
static void say(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    (void)w, (void)n;
    if (strstr(body, "right answer"))
        exam_say(reply, "yes");
    else
        exam_say(reply, strstr(body, "So the final") ? "It is this." : "I think.");
}

static int may_be(opro_status st) {
    return st == OPRO_OK || st == OPRO_ERR_NOMEM;
}

/* ---- one life -------------------------------------------------------------------------------- */

typedef opro_status (*life)(world *t, opro_model *model, opro_examiner *examiner);

/* Two exams of the same instruction, and one of none. */
static opro_status examine(world *t, opro_model *model, opro_examiner *examiner) {
    static const int64_t examples[ITEMS] = {2, 0, 1};
    static const char *const instructions[] = {"Think.", "Think.", ""};
    opro_exam *exams[3] = {NULL, NULL, NULL};
    opro_status st = OPRO_OK;

    (void)t;
    for (int i = 0; i < 3 && st == OPRO_OK; i++) {
        st = opro_exam_new(&exams[i], examiner, instructions[i], OPRO_ZT, examples, ITEMS);
        if (st == OPRO_OK) st = opro_exam_begin(exams[i], NULL, NULL, NULL);
        if (st != OPRO_OK) assert_message(opro_examiner_error(examiner), st);
    }
    for (int i = 0; i < 3 && st == OPRO_OK; i++) {
        while (!opro_exam_done(exams[i])) {
            opro_status polled = opro_model_poll(model, 10000);

            assert_true(polled >= 0 || polled == OPRO_ERR_NOMEM);
            if (polled == OPRO_DONE && !opro_exam_done(exams[i])) fail_msg("an exam hangs");
        }
        if (opro_exam_known(exams[i]) < ITEMS) st = OPRO_ERR_NOMEM;
        for (size_t k = 0; k < ITEMS; k++)
            assert_true(!isnan(opro_exam_score(exams[i], k)) ||
                        strstr(opro_exam_fault(exams[i], k, NULL), "memory"));
    }
    for (int i = 0; i < 3; i++)
        opro_exam_free(exams[i]);
    return st;
}

/* A run that is scored. */
static opro_status score(world *t, opro_model *model, opro_examiner *examiner) {
    opro_problem *problem;
    opro_scorer *scorer = NULL;
    opro_request *request;
    opro_config *config = config_of("race=off confirm=off eval_interval=0");
    opro_run *run;
    opro_status st;

    assert_int_equal(opro_problem_new_dataset(&problem, t->w.dataset, NULL), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "one", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    st = opro_scorer_new_exam(&scorer, examiner, &t->mem);
    if (st == OPRO_OK) {
        assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
        assert_true(opro_scorer_score(scorer, run, request) >= 0);
        while (opro_model_poll(model, 10000) != OPRO_DONE)
            continue;
        assert_int_equal(opro_trajectory_count(opro_run_trajectory(run)), 1); /* it was answered */
        if (!opro_trajectory_scored(opro_run_trajectory(run))) st = OPRO_ERR_NOMEM;
    }
    opro_run_free(run);
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    opro_config_free(config);
    return st;
}

/* Memory fails in the examiner, or in the client as well. */
static opro_status live(world *t, life what, int whole, int judged) {
    opro_config *config = config_of("exam_second_question=1 exam_feedback=3 exam_rounds=1 "
                                    "model_backoff_ms=0 position=q_end");
    opro_model *model = NULL;
    opro_examiner *examiner = NULL;
    opro_status st;

    st = opro_model_new(&model, config, whole ? &t->mem : NULL);
    if (st == OPRO_OK) st = opro_model_set_base_url(model, t->w.url, OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_name(model, "m", OPRO_ZT);
    if (st == OPRO_OK)
        st = opro_examiner_new(&examiner, t->w.dataset, NULL, model, config, &t->mem);
    if (st == OPRO_OK) st = opro_examiner_add_shot(examiner, "What is one?", OPRO_ZT, "1", OPRO_ZT);
    if (st == OPRO_OK && judged) st = opro_examiner_set_judge(examiner, model, NULL, 0);
    if (st == OPRO_OK) st = opro_examiner_build(examiner, "Think.", OPRO_ZT, 1);
    if (st == OPRO_OK) st = what(t, model, examiner);
    opro_examiner_free(examiner);
    opro_model_free(model);
    opro_config_free(config);
    return st;
}

static void fail_everywhere(life what, int whole, int judged) {
    world t;

    memset(&t, 0, sizeof t);
    t.mem = (opro_allocator){sizeof t.mem, scarce_alloc, scarce_realloc, scarce_free, &t};
    exam_prepare(&t.w, say, ITEMS, "");
    for (t.sticky = 0; t.sticky < 2; t.sticky++) {
        t.spent = 1;
        for (long n = 0; t.spent; n++) {
            opro_status st;

            assert_true(n < 4000);
            t.spent = 0;
            t.f.left = n;
            st = live(&t, what, whole, judged);
            if (!may_be(st)) fail_msg("allocation %ld failed: %d", n, (int)st);
            if (t.f.live) fail_msg("%ld blocks after allocation %ld failed", t.f.live, n);
            if (!t.spent) assert_int_equal(st, OPRO_OK);
        }
    }
    exam_close(&t.w);
}

static void exams(void **state) {
    (void)state;
    fail_everywhere(examine, 0, 0);
    fail_everywhere(examine, 0, 1);
}

static void exams_and_the_client(void **state) {
    (void)state;
    fail_everywhere(examine, 1, 0);
}

static void scorers(void **state) {
    (void)state;
    fail_everywhere(score, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exams),
        cmocka_unit_test(exams_and_the_client),
        cmocka_unit_test(scorers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
