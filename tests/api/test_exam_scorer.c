/* SPDX-License-Identifier: MIT */
/* The scorer of datasets at work for runs and drivers. */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "exam_world.h"

/* ---- a model that proposes, and answers ------------------------------------------------------ */

/* Requests of exams are known by their limit of tokens. */
#define SETTINGS "exam_max_tokens=77 model_samples=singly model_in_flight=4 "

static int of_exam(const char *body) {
    return strstr(body, "_tokens\":77") != NULL;
}

/* What is proposed depends on the seed; how good it is, on what is proposed. */
static void say_all(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    const char *idea = strstr(body, "idea "), *seed = strstr(body, "\"seed\":");
    char text[64];
    long item = exam_item(body);

    (void)w, (void)n;
    if (of_exam(body))
        snprintf(text, sizeof text, "It is %ld",
                 item % 10 < (idea ? atol(idea + 5) % 11 : 1) ? item : 999);
    else
        snprintf(text, sizeof text, "<INS>idea %llu</INS>",
                 strtoull(seed ? seed + 7 : "0", NULL, 10) % 1000);
    exam_say(reply, text);
}

typedef struct world {
    exam_world w;
    opro_problem *problem;
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_driver *driver;
} world;

static void open_world(world *t, exam_sayer say, size_t n, const char *settings) {
    char all[512];

    memset(t, 0, sizeof *t);
    snprintf(all, sizeof all, SETTINGS "%s", settings);
    exam_prepare(&t->w, say, n, all);
    assert_int_equal(opro_dataset_split(t->w.dataset, 0.6, 0.2, 0.2, 1), OPRO_OK);
    exam_make(&t->w);
    assert_int_equal(opro_problem_new_dataset(&t->problem, t->w.dataset, NULL), OPRO_OK);
    assert_int_equal(opro_optimizer_new_model(&t->optimizer, t->w.model, NULL), OPRO_OK);
}

static void make_scorer(world *t) {
    assert_int_equal(opro_scorer_new_exam(&t->scorer, t->w.examiner, NULL), OPRO_OK);
}

static void make_driver(world *t) {
    if (!t->scorer) make_scorer(t);
    assert_int_equal(opro_driver_new(&t->driver, t->problem, t->w.config, NULL), OPRO_OK);
    assert_int_equal(opro_driver_set_optimizer(t->driver, t->optimizer), OPRO_OK);
    assert_int_equal(opro_driver_set_scorer(t->driver, t->scorer), OPRO_OK);
}

static opro_run *make_run(world *t) {
    opro_run *run;

    if (!t->scorer) make_scorer(t);
    assert_int_equal(opro_run_new(&run, t->problem, t->w.config, NULL), OPRO_OK);
    return run;
}

static void close_world(world *t) {
    opro_driver_free(t->driver);
    opro_scorer_free(t->scorer);
    opro_optimizer_free(t->optimizer);
    opro_problem_free(t->problem);
    exam_close(&t->w);
}

static int64_t count(const world *t, int32_t which) {
    return opro_run_count(opro_driver_run_handle(t->driver), which);
}

static void expect_stop(const opro_run *run, int32_t reason) {
    assert_string_equal(opro_stop_reason_name(opro_run_stop_reason(run)),
                        opro_stop_reason_name(reason));
}

/* ---- to the end ------------------------------------------------------------------------------ */

/* What the server counted is what the run was told. */
static void expect_usage(const world *t) {
    int64_t n = (int64_t)t->w.server->n;

    assert_int_equal(count(t, OPRO_COUNT_PROMPT_TOKENS), n * PROMPT_TOKENS);
    assert_int_equal(count(t, OPRO_COUNT_REPLY_TOKENS), n * REPLY_TOKENS);
    assert_int_equal(count(t, OPRO_COUNT_COST), n * (PROMPT_TOKENS * 2 + REPLY_TOKENS * 10));
}

#define PRICES "model_prompt_price=2000000 model_reply_price=10000000 "

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

/* ---- cancelling ------------------------------------------------------------------------------ */

static void ask_all(world *t, opro_run *run) {
    opro_request *request;

    while (opro_run_next(run, 0, &request) == OPRO_OK)
        assert_int_equal(opro_scorer_score(t->scorer, run, request), OPRO_PENDING);
    while (opro_model_poll(t->w.model, 0) == OPRO_OK)
        continue;
    assert_true(opro_model_figure(t->w.model, OPRO_MODEL_IN_FLIGHT) > 0);
}

static void a_closed_request_ends_its_exam(void **state) {
    world t;
    opro_run *run;
    opro_request *request;
    double scores[12] = {0};

    (void)state;
    open_world(&t, exam_say_nothing, 20, "race=off request_timeout_ms=10 max_failures=2");
    opro_problem_add_initial(t.problem, "one", OPRO_ZT);
    opro_problem_add_initial(t.problem, "two", OPRO_ZT);
    run = make_run(&t); /* stopped */
    ask_all(&t, run);
    opro_run_stop(run);
    exam_expect_idle(&t.w);
    opro_run_free(run);
    run = make_run(&t); /* out of time */
    ask_all(&t, run);
    opro_run_next(run, 10, &request);
    exam_expect_idle(&t.w);
    opro_run_free(run);
    run = make_run(&t); /* one answered by another, one gone */
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_OK);
    assert_int_equal(opro_scorer_score(t.scorer, run, request), OPRO_PENDING);
    ask_all(&t, run);
    assert_int_equal(opro_run_answer_scores(run, opro_request_id(request), scores, 12), OPRO_OK);
    assert_true(opro_model_figure(t.w.model, OPRO_MODEL_WAITING) > 0); /* of the other */
    opro_run_free(run);
    exam_expect_idle(&t.w);
    close_world(&t);
}

static void a_scorer_that_goes_ends_its_exams(void **state) {
    world t;
    opro_run *run;

    (void)state;
    open_world(&t, exam_say_nothing, 20, "race=off");
    opro_problem_add_initial(t.problem, "one", OPRO_ZT);
    run = make_run(&t);
    ask_all(&t, run);
    opro_examiner_free(t.w.examiner); /* the scorer has a share */
    t.w.examiner = NULL;
    opro_scorer_free(t.scorer);
    t.scorer = NULL;
    exam_expect_idle(&t.w);
    opro_run_free(run);
    close_world(&t);
}

/* Whatever an observer of the run does, it does inside the callback of an exam. */
enum { STOPS_IT, FREES_SCORER, FREES_EXAMINER, FAILS_IT, MEDDLES };

typedef struct meddler {
    world *t;
    int what, done;
} meddler;

static int32_t meddle(opro_run *run, const opro_event *event, void *user_data) {
    meddler *m = user_data;

    if (opro_event_kind(event) != OPRO_EVENT_SCORED || m->done++) return OPRO_OK;
    if (m->what == STOPS_IT) opro_run_stop(run);
    if (m->what == FREES_SCORER) {
        opro_scorer_free(m->t->scorer);
        m->t->scorer = NULL;
    }
    if (m->what == FREES_EXAMINER) opro_examiner_free(m->t->w.examiner); /* refused */
    return m->what == FAILS_IT ? OPRO_ERR_FAILED : OPRO_OK;
}

static void an_answer_may_be_the_end(void **state) {
    (void)state;
    for (int what = 0; what < MEDDLES; what++) {
        world t;
        meddler m = {&t, what, 0};
        opro_run *run;
        opro_request *request;

        open_world(&t, exam_say_slowly, 20, "race=off confirm=off");
        opro_problem_add_initial(t.problem, "one", OPRO_ZT);
        opro_problem_add_initial(t.problem, "two", OPRO_ZT);
        run = make_run(&t);
        opro_run_set_observer(run, meddle, &m, NULL);
        while (opro_run_next(run, 0, &request) == OPRO_OK)
            opro_scorer_score(t.scorer, run, request);
        while (!m.done)
            assert_int_equal(opro_model_poll(t.w.model, -1), OPRO_OK);
        if (what == FREES_EXAMINER)
            while (opro_model_poll(t.w.model, -1) == OPRO_OK)
                continue;
        exam_expect_idle(&t.w);
        expect_stop(run, what == STOPS_IT   ? OPRO_STOP_HOST
                         : what == FAILS_IT ? OPRO_STOP_ERROR
                                            : OPRO_STOP_NONE);
        opro_run_free(run);
        close_world(&t);
    }
}

/* Inside the callback of somebody else's exam, a metric, an observer of exams. */
typedef struct breaker {
    opro_run *run;
    opro_scorer **scorer;
    int done;
} breaker;

static void strike(breaker *b) {
    if (b->done++ != 3) return;
    if (b->run) opro_run_stop(b->run);
    if (b->scorer) {
        opro_scorer_free(*b->scorer);
        *b->scorer = NULL;
    }
}

static int32_t break_observing(opro_examiner *examiner, const opro_exam *exam, size_t index,
                               void *user_data) {
    (void)examiner, (void)exam, (void)index;
    strike(user_data);
    return OPRO_OK;
}

static int32_t break_measuring(const opro_metric *metric, const char *reply, size_t reply_len,
                               const char *answer, size_t answer_len, opro_verdict *verdict,
                               void *user_data) {
    (void)metric, (void)reply, (void)reply_len, (void)answer, (void)answer_len;
    strike(user_data);
    return opro_verdict_set(verdict, 1, "", 0, "x");
}

static void a_run_may_stop_anywhere(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        world t;
        breaker b = {0};
        opro_run *run;

        open_world(&t, exam_say_slowly, 40, "race=off confirm=off");
        opro_problem_add_initial(t.problem, "one", OPRO_ZT);
        opro_problem_add_initial(t.problem, "two", OPRO_ZT);
        if (way & 1) {
            opro_examiner_free(t.w.examiner);
            opro_metric_new(&t.w.metric, OPRO_METRIC_HOST, OPRO_TASK_TEXT, NULL);
            opro_metric_set_fn(t.w.metric, break_measuring, &b, NULL);
            exam_make(&t.w);
        } else {
            opro_examiner_set_observer(t.w.examiner, break_observing, &b, NULL);
        }
        run = make_run(&t);
        ask_all(&t, run);
        if (way & 2)
            b.scorer = &t.scorer;
        else
            b.run = run;
        while (b.done < 4)
            assert_int_equal(opro_model_poll(t.w.model, -1), OPRO_OK);
        exam_expect_idle(&t.w);
        assert_int_equal(b.done, 4);
        opro_run_free(run);
        close_world(&t);
    }
}

static void time_limits_of_a_driver_are_kept(void **state) {
    world t;

    (void)state;
    open_world(&t, exam_say_nothing, 20,
               "race=off resample_limit=0 request_timeout_ms=4 max_failures=3");
    opro_problem_add_initial(t.problem, "one", OPRO_ZT);
    make_driver(&t);
    assert_int_equal(opro_driver_run(t.driver), OPRO_OK);
    expect_stop(opro_driver_run_handle(t.driver), OPRO_STOP_FAILURES);
    exam_expect_idle(&t.w);
    close_world(&t);
}

/* ---- sockets that the host watches ----------------------------------------------------------- */

typedef struct watcher {
    opro_model *model;
    struct pollfd fds[64];
    nfds_t n;
    long long due;   /* -1: no timer is set */
    opro_run *stops; /* as soon as there is a connection */
} watcher;

static int32_t watch(opro_model *model, int64_t fd, int32_t events, void *user_data) {
    watcher *l = user_data;
    nfds_t i = 0;

    (void)model;
    while (i < l->n && l->fds[i].fd != fd)
        i++;
    if (events == OPRO_POLL_NONE) {
        if (i < l->n) l->fds[i] = l->fds[--l->n];
        return OPRO_OK;
    }
    if (i == l->n) l->n++;
    l->fds[i] = (struct pollfd){.fd = (int)fd};
    if (events & OPRO_POLL_IN) l->fds[i].events |= POLLIN;
    if (events & OPRO_POLL_OUT) l->fds[i].events |= POLLOUT;
    if (l->stops && l->n > 1) {
        opro_run_stop(l->stops); /* no call can end here, inside the client */
        l->stops = NULL;
    }
    return OPRO_OK;
}

static int32_t set_timer(opro_model *model, int64_t timeout_ms, void *user_data) {
    (void)model;
    ((watcher *)user_data)->due = timeout_ms < 0 ? -1 : mock_ms() + timeout_ms;
    return OPRO_OK;
}

static void turn(watcher *l) {
    int wait = l->due < 0 ? 100 : l->due > mock_ms() ? (int)(l->due - mock_ms()) : 0;

    poll(l->fds, l->n, wait);
    for (nfds_t i = 0; i < l->n; i++) {
        short happened = l->fds[i].revents;

        if (!happened) continue;
        l->fds[i].revents = 0;
        opro_model_socket_action(l->model, l->fds[i].fd,
                                 (happened & POLLIN ? OPRO_POLL_IN : 0) |
                                     (happened & POLLOUT ? OPRO_POLL_OUT : 0) |
                                     (happened & (POLLERR | POLLHUP) ? OPRO_POLL_ERROR : 0));
        break; /* the list may be another now */
    }
    if (l->due >= 0 && mock_ms() >= l->due) {
        l->due = -1;
        opro_model_timer_action(l->model);
    }
}

static void watch_sockets(world *t, watcher *l) {
    *l = (watcher){.model = t->w.model, .due = -1};
    assert_int_equal(opro_model_set_socket_fn(t->w.model, watch, l, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_timer_fn(t->w.model, set_timer, l, NULL), OPRO_OK);
}

static void a_host_may_watch_the_sockets(void **state) {
    world t;
    watcher l;
    opro_status st;

    (void)state;
    open_world(&t, say_all, 30, PRICES "steps=2 samples_per_step=3 race=off confirm=off");
    watch_sockets(&t, &l);
    make_driver(&t);
    while ((st = opro_driver_poll(t.driver, 0)) != OPRO_DONE) {
        assert_true(st >= 0);
        if (st == OPRO_WAIT) turn(&l);
    }
    expect_stop(opro_driver_run_handle(t.driver), OPRO_STOP_STEPS);
    expect_usage(&t);
    close_world(&t);
    assert_int_equal(l.n, 0);
}

static void a_run_may_stop_inside_the_client(void **state) {
    (void)state;
    for (int others = 0; others < 2; others++) {
        world t;
        watcher l;
        opro_run *run;
        opro_exam *exam = NULL;
        opro_request *request;

        open_world(&t, say_all, 30, "race=off confirm=off");
        opro_problem_add_initial(t.problem, "one", OPRO_ZT);
        watch_sockets(&t, &l);
        run = make_run(&t);
        l.stops = run;
        while (opro_run_next(run, 0, &request) == OPRO_OK)
            assert_int_equal(opro_scorer_score(t.scorer, run, request), OPRO_PENDING);
        if (others) exam = exam_begin(&t.w, "Another", 30);
        while (l.stops)
            turn(&l);
        expect_stop(run, OPRO_STOP_HOST);
        opro_run_free(run);
        while (opro_model_figure(t.w.model, OPRO_MODEL_WAITING) +
                   opro_model_figure(t.w.model, OPRO_MODEL_IN_FLIGHT) >
               0)
            turn(&l);
        if (others) assert_int_equal(opro_exam_known(exam), 30);
        opro_exam_free(exam);
        close_world(&t);
    }
}

/* ---- another process ------------------------------------------------------------------------- */

static void a_child_leaves_it_alone(void **state) {
    world t;
    opro_run *run;
    pid_t child;
    int how = 1;

    (void)state;
    open_world(&t, exam_say_slowly, 20, "race=off confirm=off eval_interval=0");
    opro_problem_add_initial(t.problem, "one", OPRO_ZT);
    run = make_run(&t);
    ask_all(&t, run);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        int ok = opro_model_poll(t.w.model, 0) == OPRO_ERR_STATE;

        opro_run_free(run);
        opro_scorer_free(t.scorer);
        opro_examiner_free(t.w.examiner);
        opro_model_free(t.w.model);
        kill(getpid(), ok ? SIGKILL : SIGTERM); /* nothing is closed for the parent */
    }
    waitpid(child, &how, 0);
    assert_int_equal(WTERMSIG(how), SIGKILL);
    while (opro_model_poll(t.w.model, -1) == OPRO_OK)
        continue;
    assert_int_equal(opro_trajectory_scored(opro_run_trajectory(run)), 1);
    opro_run_free(run);
    close_world(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_driver_does_it_alone),
        cmocka_unit_test(the_run_does_not_depend_on_the_order_of_answers),
        cmocka_unit_test(a_run_without_a_driver),
        cmocka_unit_test(a_driver_drives_the_judge_too),
        cmocka_unit_test(what_is_unknown_is_no_score),
        cmocka_unit_test(another_problem_is_an_error),
        cmocka_unit_test(scores_that_the_run_does_not_take_are_a_failure),
        cmocka_unit_test(an_endpoint_that_is_not_set_is_said),
        cmocka_unit_test(wrong_answers_are_handed_back),
        cmocka_unit_test(feedback_is_short),
        cmocka_unit_test(a_closed_request_ends_its_exam),
        cmocka_unit_test(a_scorer_that_goes_ends_its_exams),
        cmocka_unit_test(an_answer_may_be_the_end),
        cmocka_unit_test(a_run_may_stop_anywhere),
        cmocka_unit_test(time_limits_of_a_driver_are_kept),
        cmocka_unit_test(a_host_may_watch_the_sockets),
        cmocka_unit_test(a_run_may_stop_inside_the_client),
        cmocka_unit_test(a_child_leaves_it_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
