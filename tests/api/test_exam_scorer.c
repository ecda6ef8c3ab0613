/* SPDX-License-Identifier: MIT */
/* The scorer of datasets at work for runs and drivers. */
#define _GNU_SOURCE
#include "exam_run.h"

/* ---- to the end ------------------------------------------------------------------------------ */

/* Test examples are for nobody. */
static void expect_no_test(const world *t) {
    size_t n;
    const int64_t *test = opro_dataset_split_of(t->w.dataset, OPRO_TEST, &n);

    assert_true(n > 0);
    for (size_t i = 0; i < t->w.server->n; i++)
        for (size_t k = 0; k < n; k++)
            if (of_exam(t->w.server->bodies[i]))
                assert_true(exam_item(t->w.server->bodies[i]) != test[k]);
}

static void a_driver_does_it_alone(void **state) {
    static const char *const ways[] = {
        "race=off confirm=off", "race=recommended confirm=off race_block=7",
        "race=exact confirm=on",
        "mode=steady steady_samples=2 steady_candidates=4 race=off confirm=off"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const opro_trajectory *t;
        char settings[256];
        world all;

        snprintf(settings, sizeof settings, PRICES "steps=4 samples_per_step=6 %s", ways[i]);
        open_world(&all, say_all, 50, settings);
        make_driver(&all);
        assert_int_equal(opro_driver_run(all.driver), OPRO_OK);
        expect_stop(opro_driver_run_handle(all.driver), OPRO_STOP_STEPS);
        t = opro_driver_trajectory(all.driver);
        assert_true(opro_trajectory_scored(t) > 6);
        assert_true(opro_trajectory_score(t, opro_trajectory_best(t)) > 0.7);
        for (int64_t k = 0; k < opro_trajectory_count(t); k++) {
            long idea = atol(opro_trajectory_text(t, k, NULL) + 5) % 11;
            double score = opro_trajectory_score(t, k);

            assert_int_equal(opro_trajectory_verdict(t, k), OPRO_VERDICT_SCORED);
            if (!(opro_trajectory_flags(t, k) & OPRO_FLAG_PARTIAL))
                assert_true(fabs(score - (double)idea / 10) < 0.2);
        }
        assert_int_equal(count(&all, OPRO_COUNT_FAILURES), 0);
        expect_usage(&all);
        expect_no_test(&all);
        exam_expect_idle(&all.w);
        close_world(&all);
    }
}

/* However many requests are in flight, and in whatever order they are answered. */
static void say_in_any_order(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    say_all(w, n, body, reply);
    reply->delay_ms = (int)(n * 7 % 4);
}

static void the_run_does_not_depend_on_the_order_of_answers(void **state) {
    static const char *const ways[] = {"model_max_in_flight=1 model_in_flight=1",
                                       "model_max_in_flight=16 model_adaptive=0"};
    uint64_t hash[2] = {0, 0};
    size_t requests[2] = {0, 0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char settings[256];
        world t;

        snprintf(settings, sizeof settings, "steps=3 samples_per_step=5 race=recommended %s",
                 ways[i]);
        open_world(&t, say_in_any_order, 40, settings);
        make_driver(&t);
        assert_int_equal(opro_driver_run(t.driver), OPRO_OK);
        hash[i] = opro_run_state_hash(opro_driver_run_handle(t.driver));
        requests[i] = t.w.server->n;
        close_world(&t);
    }
    assert_true(hash[0] == hash[1]);
    assert_int_equal(requests[0], requests[1]);
}

/* A replayed run asks for the same, byte for byte, and never sends anything. */
static void a_run_can_be_replayed(void **state) {
    char path[] = "/tmp/opro-exam-XXXXXX";
    uint64_t hash[2] = {0, 0};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (int i = 0; i < 2; i++) {
        world t;

        open_world(&t, say_in_any_order, 40,
                   "steps=3 samples_per_step=5 race=recommended exam_feedback=2 show_feedback=500");
        if (i) opro_model_set_base_url(t.w.model, "http://127.0.0.1:9/v1", OPRO_ZT);
        assert_int_equal(i ? opro_model_replay(t.w.model, path, OPRO_ZT)
                           : opro_model_record(t.w.model, path, OPRO_ZT),
                         OPRO_OK);
        make_driver(&t);
        assert_int_equal(opro_driver_run(t.driver), OPRO_OK);
        assert_int_equal(count(&t, OPRO_COUNT_FAILURES), 0);
        assert_true((t.w.server->n > 0) == !i);
        hash[i] = opro_run_state_hash(opro_driver_run_handle(t.driver));
        close_world(&t);
    }
    assert_true(hash[0] == hash[1]);
    unlink(path);
}

static void a_run_without_a_driver(void **state) {
    world t;
    opro_run *run;
    opro_request *request;
    opro_status st;

    (void)state;
    open_world(&t, say_all, 30, "steps=2 samples_per_step=3 race=off confirm=off");
    run = make_run(&t);
    while ((st = opro_run_next(run, 0, &request)) != OPRO_DONE) {
        if (st == OPRO_WAIT)
            assert_true(opro_model_poll(t.w.model, -1) >= 0);
        else if (opro_request_kind(request) == OPRO_REQUEST_SCORE)
            assert_int_equal(opro_scorer_score(t.scorer, run, request), OPRO_PENDING);
        else
            assert_int_equal(opro_optimizer_propose(t.optimizer, run, request), OPRO_PENDING);
    }
    assert_true(opro_trajectory_scored(opro_run_trajectory(run)) > 3);
    opro_run_free(run);
    close_world(&t);
}

/* The judge is another model: a driver drives all three. */
static void say_and_judge(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    if (strstr(body, "\"wise\""))
        exam_say(reply, strstr(body, "999") ? "no" : "yes");
    else
        say_all(w, n, body, reply);
}

static void a_driver_drives_the_judge_too(void **state) {
    world t;
    opro_model *judge;

    (void)state;
    open_world(&t, say_and_judge, 40, PRICES "steps=3 samples_per_step=4 race=off confirm=off");
    judge = exam_model(&t.w, t.w.config);
    opro_model_set_name(judge, "wise", OPRO_ZT);
    assert_int_equal(opro_examiner_set_judge(t.w.examiner, judge, NULL, 0), OPRO_OK);
    make_driver(&t);
    assert_int_equal(opro_examiner_set_judge(t.w.examiner, NULL, NULL, 0), OPRO_ERR_STATE);
    opro_model_free(judge);
    assert_int_equal(opro_driver_run(t.driver), OPRO_OK);
    expect_stop(opro_driver_run_handle(t.driver), OPRO_STOP_STEPS);
    assert_true(opro_trajectory_scored(opro_driver_trajectory(t.driver)) > 5);
    expect_usage(&t);
    close_world(&t);
}

/* ---- failures -------------------------------------------------------------------------------- */

/* Some items have no answer, for ideas. */
static void say_not_all(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    long item = exam_item(body);

    say_all(w, n, body, reply);
    if (of_exam(body) && strstr(body, "idea") && (item == 7 || item == 12 || item == 3))
        exam_refuse(reply, 400, "caf\\u00e9 is closed");
}

static void what_is_unknown_is_no_score(void **state) {
    world t;
    const opro_trajectory *all;

    (void)state;
    open_world(&t, say_not_all, 30,
               PRICES "steps=1 samples_per_step=2 race=off confirm=off exam_rounds=1");
    make_driver(&t);
    assert_int_equal(opro_dataset_set_split(t.w.dataset, OPRO_TRAIN, NULL, 0), OPRO_ERR_STATE);
    assert_int_equal(opro_driver_run(t.driver), OPRO_OK);
    all = opro_driver_trajectory(t.driver);
    assert_true(opro_trajectory_count(all) > 1);
    for (int64_t k = 0; k < opro_trajectory_count(all); k++) {
        const char *words = opro_trajectory_detail(all, k, NULL);

        if (!strstr(opro_trajectory_text(all, k, NULL), "idea")) continue;
        assert_int_equal(opro_trajectory_verdict(all, k), OPRO_VERDICT_FAILED);
        assert_non_null(strstr(words, " of 18 examples could not be scored; the first, number "));
        assert_non_null(strstr(words, "caf\xc3\xa9 is closed"));
    }
    close_world(&t);
}

static void another_problem_is_an_error(void **state) {
    world t;
    opro_run *run;
    opro_request *request;

    (void)state;
    open_world(&t, say_all, 20, "steps=1 samples_per_step=1 race=off");
    opro_problem_free(t.problem);
    assert_int_equal(opro_problem_new(&t.problem, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_instances(t.problem, 13, 0), OPRO_OK); /* it has 12 */
    assert_int_equal(opro_problem_add_initial(t.problem, "one", OPRO_ZT), OPRO_OK);
    run = make_run(&t);
    request = next_of(run, OPRO_REQUEST_SCORE);
    assert_int_equal(opro_scorer_score(t.scorer, run, request), OPRO_OK);
    assert_int_equal(opro_trajectory_verdict(opro_run_trajectory(run), 0), OPRO_VERDICT_FAILED);
    assert_non_null(strstr(opro_trajectory_detail(opro_run_trajectory(run), 0, NULL),
                           "no training example 12 in the examiner's dataset, which has 12"));
    opro_run_free(run);
    close_world(&t);
}

static void scores_that_the_run_does_not_take_are_a_failure(void **state) {
    world t;
    opro_run *run;

    (void)state;
    open_world(&t, say_all, 20, "steps=1 samples_per_step=1 race=off");
    opro_problem_free(t.problem);
    assert_int_equal(opro_problem_new(&t.problem, NULL), OPRO_OK);
    assert_int_equal(opro_problem_set_instances(t.problem, 12, 0), OPRO_OK);
    assert_int_equal(opro_problem_set_score_range(t.problem, 0, 0.5), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(t.problem, "one", OPRO_ZT), OPRO_OK);
    run = make_run(&t);
    assert_int_equal(opro_scorer_score(t.scorer, run, next_of(run, OPRO_REQUEST_SCORE)),
                     OPRO_PENDING);
    while (opro_model_poll(t.w.model, -1) == OPRO_OK)
        continue;
    assert_int_equal(opro_trajectory_verdict(opro_run_trajectory(run), 0), OPRO_VERDICT_FAILED);
    assert_non_null(
        strstr(opro_trajectory_detail(opro_run_trajectory(run), 0, NULL), "outside the problem"));
    opro_run_free(run);
    close_world(&t);
}

static void an_endpoint_that_is_not_set_is_said(void **state) {
    world t;
    opro_examiner *examiner;
    opro_scorer *scorer;
    opro_model *model;
    opro_run *run;

    (void)state;
    open_world(&t, say_all, 20, "");
    assert_int_equal(opro_problem_add_initial(t.problem, "one", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_new(&model, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_examiner_new(&examiner, t.w.dataset, NULL, model, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_scorer_new_exam(&scorer, examiner, NULL), OPRO_OK);
    assert_int_equal(opro_scorer_new_exam(NULL, examiner, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_scorer_new_exam(&scorer, NULL, NULL), OPRO_ERR_INVALID);
    run = make_run(&t);
    assert_int_equal(opro_scorer_score(scorer, run, next_of(run, OPRO_REQUEST_SCORE)), OPRO_OK);
    assert_non_null(
        strstr(opro_trajectory_detail(opro_run_trajectory(run), 0, NULL), "no base URL"));
    opro_run_free(run);
    opro_scorer_free(scorer);
    opro_examiner_free(examiner);
    opro_model_free(model);
    close_world(&t);
}

/* ---- feedback -------------------------------------------------------------------------------- */

static opro_run *score_one(world *t, const char *text) {
    opro_run *run;

    assert_int_equal(opro_problem_add_initial(t->problem, text, OPRO_ZT), OPRO_OK);
    run = make_run(t);
    assert_int_equal(opro_scorer_score(t->scorer, run, next_of(run, OPRO_REQUEST_SCORE)),
                     OPRO_PENDING);
    while (opro_model_poll(t->w.model, -1) == OPRO_OK)
        continue;
    return run;
}

static size_t occurrences(const char *text, const char *of) {
    size_t n = 0;

    while ((text = strstr(text, of))) {
        n++;
        text++;
    }
    return n;
}

static void wrong_answers_are_handed_back(void **state) {
    static const struct {
        const char *settings, *text;
        size_t n;
    } cases[] = {{"exam_feedback=2", "idea 4", 2},
                 {"exam_feedback=1000", "idea 4", 0},
                 {"exam_feedback=3", "idea 10", 0},
                 {"", "idea 4", 0}};
    char first[2048] = "";

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char settings[128];
        const char *words;
        opro_run *run;
        world t;
        double score;

        snprintf(settings, sizeof settings, "race=off eval_interval=0 %s", cases[i].settings);
        open_world(&t, say_all, 50, settings);
        run = score_one(&t, cases[i].text);
        score = opro_trajectory_score(opro_run_trajectory(run), 0);
        words = opro_trajectory_feedback(opro_run_trajectory(run), 0, NULL);
        if (i == 1)
            assert_int_equal(occurrences(words, "Answered: 999"), (size_t)(30 * (1 - score) + 0.5));
        else
            assert_int_equal(occurrences(words, "Answered: 999"), cases[i].n);
        assert_int_equal(occurrences(words, "Question: What is item "),
                         occurrences(words, "Right answer: "));
        if (i == 0) snprintf(first, sizeof first, "%s", words);
        if (i == 1) assert_ptr_equal(strstr(words, first), words); /* it begins in the same way */
        if (i > 1) assert_string_equal(words, "");
        opro_run_free(run);
        close_world(&t);
    }
}

/* Those are for choosing: what is made from them would be chosen by what it has seen. */
static void validation_examples_are_not_handed_back(void **state) {
    static const char *const settings[] = {"race=off eval_interval=0 exam_feedback=5",
                                           "race=off eval_interval=1 exam_feedback=5"};
    char words[2][4096];

    (void)state;
    for (int validates = 0; validates < 2; validates++) {
        const char *found;
        opro_run *run;
        world t;

        open_world(&t, say_all, 50, settings[validates]);
        run = score_one(&t, "idea 4");
        if (validates) {
            opro_request *request = next_of(run, OPRO_REQUEST_SCORE);

            assert_int_equal(opro_request_set(request), OPRO_VALIDATION);
            assert_int_equal(opro_scorer_score(t.scorer, run, request), OPRO_PENDING);
            while (opro_model_poll(t.w.model, -1) == OPRO_OK)
                continue;
            assert_true(opro_trajectory_validation(opro_run_trajectory(run), 0) < 1);
        }
        found = opro_trajectory_feedback(opro_run_trajectory(run), 0, NULL);
        assert_int_equal(occurrences(found, "Answered: 999"), 5);
        snprintf(words[validates], sizeof words[validates], "%s", found);
        opro_run_free(run);
        close_world(&t);
    }
    assert_string_equal(words[1], words[0]);
}

/* Long texts of many letters are cut between letters, and a run takes only so much. */
static void feedback_is_short(void **state) {
    char question[8192], *at = question;
    const char *words;
    size_t len;
    opro_run *run;
    world t;

    (void)state;
    open_world(&t, say_all, 4, "race=off eval_interval=0 exam_feedback=1000");
    opro_examiner_free(t.w.examiner);
    opro_problem_free(t.problem);
    opro_dataset_free(t.w.dataset);
    assert_int_equal(opro_dataset_new(&t.w.dataset, NULL), OPRO_OK);
    at += sprintf(at, "ab");
    for (size_t i = 0; i < 2000; i++)
        at += sprintf(at, i % 50 == 7 ? "\n \t" : "\xe2\x82\xac");
    for (size_t i = 0; i < 150; i++) {
        char answer[16];

        snprintf(answer, sizeof answer, "%zu", i + 2000);
        assert_int_equal(
            opro_dataset_add(t.w.dataset, question + i % 3, OPRO_ZT, answer, OPRO_ZT, "", 0),
            OPRO_OK);
    }
    exam_make(&t.w);
    assert_int_equal(opro_problem_new_dataset(&t.problem, t.w.dataset, NULL), OPRO_OK);
    run = score_one(&t, "Think.");
    words = opro_trajectory_feedback(opro_run_trajectory(run), 0, &len);
    assert_true(len > 60000 && len <= 65536);
    assert_null(strchr(words, '\t'));
    assert_true(occurrences(words, "...\nRight answer: 2") > 100);
    opro_run_free(run);
    close_world(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_driver_does_it_alone),
        cmocka_unit_test(the_run_does_not_depend_on_the_order_of_answers),
        cmocka_unit_test(a_run_can_be_replayed),
        cmocka_unit_test(a_run_without_a_driver),
        cmocka_unit_test(a_driver_drives_the_judge_too),
        cmocka_unit_test(what_is_unknown_is_no_score),
        cmocka_unit_test(another_problem_is_an_error),
        cmocka_unit_test(scores_that_the_run_does_not_take_are_a_failure),
        cmocka_unit_test(an_endpoint_that_is_not_set_is_said),
        cmocka_unit_test(wrong_answers_are_handed_back),
        cmocka_unit_test(validation_examples_are_not_handed_back),
        cmocka_unit_test(feedback_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
