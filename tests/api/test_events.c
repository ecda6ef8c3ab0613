/* SPDX-License-Identifier: MIT */
/*
 * What an observer hears: every kind of event, with its fields, in an order that makes sense; and
 * what it can do.
 */
#include "script.h"

static opro_run *heard_run(opro_problem *problem, const char *settings, ear *e) {
    opro_run *run = run_of(problem, settings);

    memset(e, 0, sizeof *e);
    assert_int_equal(opro_run_set_observer(run, ear_hear, e, NULL), OPRO_OK);
    return run;
}

/* ---- the story of a run ---------------------------------------------------------------------- */

static void a_run_is_told_from_begin_to_end(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;
    uint64_t id;
    ear e;

    (void)state;
    opro_problem_add_initial(problem, "start", OPRO_ZT);
    run = heard_run(problem, "samples_per_step=3 resample_limit=0 steps=1", &e);
    score_next(run, 0.5);
    id = next_id(run, OPRO_REQUEST_PROPOSE);
    tell_text(run, id, CANDIDATE("one"));
    tell_text(run, id, CANDIDATE("start"));
    tell_text(run, id, "nothing");
    score_next(run, 0.75);
    expect_next(run, OPRO_DONE);
    assert_string_equal(e.text, "begun -1\n"
                                "accepted -1.0 start\n"
                                "scored -1.0 train 0.5: start\n"
                                "best -1.0 0.5: start\n"
                                "ended -1\n"
                                "begun 0\n"
                                "prompt 0\n"
                                "reply 0.0\n"
                                "accepted 0.0 one\n"
                                "reply 0.1\n"
                                "rejected 0.1 duplicate: start\n"
                                "reply 0.2\n"
                                "rejected 0.2 no_candidate: nothing\n"
                                "scored 0.0 train 0.75: one\n"
                                "best 0.0 0.75: one\n"
                                "ended 0\n"
                                "stopped steps\n");
    ear_forget(&e);
    expect_next(run, OPRO_DONE);
    opro_run_stop(run);
    assert_string_equal(e.text, ""); /* it has stopped once */
    opro_run_free(run);
}

static void answers_are_told_when_they_come(void **state) {
    opro_run *run;
    opro_request *one, *three;
    uint64_t id;
    ear e;

    (void)state;
    run = heard_run(text_problem(), "samples_per_step=4 resample_limit=1", &e);
    id = next_id(run, OPRO_REQUEST_PROPOSE);
    assert_int_equal(opro_run_answer_reply(run, id, 2, 0, CANDIDATE("three"), OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_run_answer_reply(run, id, 0, 0, CANDIDATE("one"), OPRO_ZT), OPRO_OK);
    three = next_of(run, OPRO_REQUEST_SCORE);
    one = next_of(run, OPRO_REQUEST_SCORE);
    tell_score(run, one, 0.25);
    assert_int_equal(opro_run_answer_truncated(run, id, 1, 0, "half a repl", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_run_answer_refused(run, id, 3, 0, CANDIDATE("no"), OPRO_ZT), OPRO_OK);
    tell_score(run, three, 0.5);
    for (int i = 0; i < 2; i++) { /* both are asked for again, one by one */
        id = next_id(run, OPRO_REQUEST_PROPOSE);
        assert_int_equal(opro_run_answer_error(run, id, OPRO_ERR_FAILED, "no more", OPRO_ZT),
                         OPRO_OK);
    }
    assert_string_equal(e.text, "begun 0\n"
                                "prompt 0\n"
                                "reply 0.2\n"
                                "accepted 0.2 three\n"
                                "reply 0.0\n"
                                "accepted 0.0 one\n"
                                "scored 0.0 train 0.25: one\n"
                                "reply 0.1\n"
                                "rejected 0.1 truncated: half a repl\n"
                                "reply 0.3\n"
                                "rejected 0.3 refused: <INS>no</INS>\n"
                                "scored 0.2 train 0.5: three\n"
                                "failed 0.1 no_reply: no more\n"
                                "failed 0.3 no_reply: no more\n"
                                "best 0.0 0.25: one\n"
                                "best 0.2 0.5: three\n"
                                "ended 0\n");
    opro_run_free(run);
}

static void validation_is_told_apart(void **state) {
    static const char *const texts[] = {"one", "two", NULL};
    opro_problem *problem = text_problem();
    opro_run *run;
    ear e;

    (void)state;
    opro_problem_set_instances(problem, 2, 1);
    run = heard_run(problem, "samples_per_step=2 eval_interval=1", &e);
    propose_next(run, texts);
    score_next(run, 0.25);
    score_next(run, 0.5);
    ear_forget(&e);
    score_next(run, 0.75);
    opro_run_answer_error(run, next_id(run, OPRO_REQUEST_SCORE), OPRO_ERR_TIMEOUT, "late", OPRO_ZT);
    assert_string_equal(e.text, "scored 0.0 validation 0.75: one\n"
                                "failed 0.1 not_scored: late\n"
                                "best 0.0 0.25: one\n"
                                "best 0.1 0.5: two\n"
                                "ended 0\n");
    opro_run_free(run);
}

static void steady_mode_tells_of_the_best_at_once(void **state) {
    opro_run *run;
    uint64_t a, b;
    ear e;

    (void)state;
    run = heard_run(text_problem(), "mode=steady steady_candidates=2 steady_samples=1 steps=2", &e);
    a = next_id(run, OPRO_REQUEST_PROPOSE);
    b = next_id(run, OPRO_REQUEST_PROPOSE);
    tell_text(run, b, CANDIDATE("two"));
    score_next(run, 0.5);
    tell_text(run, a, CANDIDATE("one"));
    score_next(run, 0.25);
    expect_next(run, OPRO_DONE);
    assert_string_equal(e.text, "begun 0\n"
                                "prompt 0\n"
                                "begun 1\n"
                                "prompt 1\n"
                                "reply 1.0\n"
                                "accepted 1.0 two\n"
                                "scored 1.0 train 0.5: two\n"
                                "best 1.0 0.5: two\n"
                                "ended 1\n"
                                "reply 0.0\n"
                                "accepted 0.0 one\n"
                                "scored 0.0 train 0.25: one\n"
                                "ended 0\n"
                                "stopped steps\n");
    opro_run_free(run);
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* Getters that make no sense for a kind of event say so. */
static int32_t check_fields(opro_run *run, const opro_event *event, void *user_data) {
    int32_t kind = opro_event_kind(event);
    int of_sample = kind >= OPRO_EVENT_REPLY && kind <= OPRO_EVENT_FAILED;
    int has_score = kind == OPRO_EVENT_SCORED || kind == OPRO_EVENT_NEW_BEST;
    int has_text = kind >= OPRO_EVENT_META_PROMPT && kind <= OPRO_EVENT_NEW_BEST;
    int has_detail =
        kind == OPRO_EVENT_REJECTED || kind == OPRO_EVENT_FAILED || kind == OPRO_EVENT_STOPPED;

    (void)run;
    ++*(int *)user_data;
    assert_int_equal(opro_event_sample(event) >= 0, of_sample);
    assert_int_equal(!isnan(opro_event_score(event)), has_score);
    assert_int_equal(opro_event_reason(event) != 0, has_detail);
    assert_int_equal(opro_event_detail(event, NULL)[0] != '\0', has_detail);
    assert_int_equal(opro_event_origin(event), of_sample && kind != OPRO_EVENT_FAILED ? 777 : 0);
    if (kind != OPRO_EVENT_FAILED)
        assert_int_equal(opro_event_text(event, NULL)[0] != '\0', has_text);
    if (kind == OPRO_EVENT_SCORED) assert_int_equal(opro_event_set(event), OPRO_TRAIN);
    if (!has_score && kind != OPRO_EVENT_FAILED) assert_int_equal(opro_event_set(event), 0);
    assert_true(opro_event_step(event) >= 0);
    return OPRO_OK;
}

static void events_have_the_fields_of_their_kind(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=4 resample_limit=0 steps=2");
    int heard = 0;
    uint64_t id;

    (void)state;
    opro_run_set_observer(run, check_fields, &heard, NULL);
    id = next_id(run, OPRO_REQUEST_PROPOSE);
    opro_run_answer_reply(run, id, 0, 777, CANDIDATE("one"), OPRO_ZT);
    opro_run_answer_solution(run, id, 1, 777, "INS", OPRO_ZT);
    opro_run_answer_truncated(run, id, 2, 777, "I", OPRO_ZT);
    opro_run_answer_error(run, id, OPRO_ERR_FAILED, "gone", OPRO_ZT);
    score_next(run, 0.5);
    opro_run_stop(run);
    assert_int_equal(heard, 13);
    opro_run_free(run);
}

/*
 * When a duplicate comes for an earlier sample, the candidate is that one's: of it and of the other
 * the right is told.
 */
static void a_candidate_goes_to_the_earliest_sample(void **state) {
    opro_run *run;
    uint64_t id;
    ear e;

    (void)state;
    run = heard_run(text_problem(), "samples_per_step=2 resample_limit=0", &e);
    id = next_id(run, OPRO_REQUEST_PROPOSE);
    opro_run_answer_reply(run, id, 1, 301, CANDIDATE("same"), OPRO_ZT);
    opro_run_answer_reply(run, id, 0, 300, CANDIDATE("same"), OPRO_ZT);
    score_next(run, 0.5);
    assert_string_equal(e.text, "begun 0\n"
                                "prompt 0\n"
                                "reply 0.1\n"
                                "accepted 0.1 same\n"
                                "reply 0.0\n"
                                "rejected 0.1 duplicate: same\n"
                                "scored 0.0 train 0.5: same\n"
                                "best 0.0 0.5: same\n"
                                "ended 0\n");
    assert_int_equal(opro_trajectory_origin(opro_run_trajectory(run), 0), 300);
    assert_int_equal(opro_trajectory_sample(opro_run_trajectory(run), 0), 0);
    opro_run_free(run);
}

static int32_t no_vowel_first(const opro_problem *problem, const char *text, size_t len,
                              opro_sink *sink, void *user_data) {
    (void)problem;
    (void)user_data;
    return len && strchr("aeiou", text[0]) ? opro_sink_reject(sink, "a vowel comes first", OPRO_ZT)
                                           : opro_sink_count(sink, 0);
}

/* The last rejection that was heard. */
typedef struct rejection {
    int32_t reason, origin;
    int64_t step, sample;
    char text[64], detail[64];
} rejection;

static int32_t hear_rejection(opro_run *run, const opro_event *event, void *user_data) {
    rejection *r = user_data;

    (void)run;
    if (opro_event_kind(event) != OPRO_EVENT_REJECTED) return OPRO_OK;
    r->reason = opro_event_reason(event);
    r->origin = opro_event_origin(event);
    r->step = opro_event_step(event);
    r->sample = opro_event_sample(event);
    snprintf(r->text, sizeof r->text, "%s", opro_event_text(event, NULL));
    snprintf(r->detail, sizeof r->detail, "%s", opro_event_detail(event, NULL));
    return OPRO_OK;
}

static void every_rejection_has_its_reason(void **state) {
    static const struct {
        const char *reply, *text;
        int32_t reason;
    } cases[] = {
        {"just words", "just words", OPRO_REASON_NO_CANDIDATE},
        {"", "", OPRO_REASON_NO_CANDIDATE},
        {CANDIDATE("fine"), "fine", OPRO_REASON_DUPLICATE},
        {CANDIDATE("much, much, much too long"), "much, much, much too long", OPRO_REASON_TOO_LONG},
        {CANDIDATE("take 2"), "take 2", OPRO_REASON_DIGITS},
        {CANDIDATE("put INS"), "put INS", OPRO_REASON_PLACEHOLDER},
        {CANDIDATE("only this"), "only this", OPRO_REASON_NOT_LEGAL},
        {CANDIDATE("only this"), "only this", OPRO_REASON_DUPLICATE},
    };
    size_t n = sizeof cases / sizeof *cases;
    opro_problem *problem = text_problem();
    opro_run *run;
    rejection r;
    uint64_t id;

    (void)state;
    opro_problem_set_check_fn(problem, no_vowel_first, NULL, NULL);
    run = run_of(problem, "samples_per_step=9 resample_limit=0 max_length=20 forbid_digits=1");
    opro_run_set_observer(run, hear_rejection, &r, NULL);
    id = next_id(run, OPRO_REQUEST_PROPOSE);
    opro_run_answer_reply(run, id, 0, 300, CANDIDATE("fine"), OPRO_ZT);
    for (size_t i = 0; i < n; i++) {
        memset(&r, 0, sizeof r);
        opro_run_answer_reply(run, id, i + 1, 400, cases[i].reply, OPRO_ZT);
        assert_int_equal(r.reason, cases[i].reason);
        assert_int_equal(r.origin, 400);
        assert_int_equal(r.step, 0);
        assert_int_equal(r.sample, i + 1);
        assert_string_equal(r.text, cases[i].text);
        assert_true(r.detail[0] != '\0');
        if (r.reason == OPRO_REASON_NOT_LEGAL) assert_string_equal(r.detail, "a vowel comes first");
    }
    assert_int_equal(opro_run_count(run, OPRO_COUNT_REJECTED), n);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_DUPLICATES), 2);
    opro_run_free(run);
}

/* Figures as they stand when the step's end is told. */
static int32_t note_figures(opro_run *run, const opro_event *event, void *user_data) {
    double *f = user_data;
    const opro_trajectory *t = opro_run_trajectory(run);

    if (opro_event_kind(event) != OPRO_EVENT_STEP_ENDED) return OPRO_OK;
    for (int32_t figure = 10; figure <= 140; figure += 10)
        f[figure / 10] = opro_trajectory_figure(t, opro_event_step(event), figure);
    return OPRO_OK;
}

static void figures_are_there_when_a_step_ends(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;
    opro_request *request;
    double f[15];
    uint64_t id;

    (void)state;
    opro_problem_set_instances(problem, 2, 0);
    run = run_of(problem, "samples_per_step=5 resample_limit=0 temperature=0.5");
    opro_run_set_observer(run, note_figures, f, NULL);
    id = next_id(run, OPRO_REQUEST_PROPOSE);
    opro_run_answer_usage(run, id, 1000, 200, 30);
    tell_text(run, id, CANDIDATE("one"));
    tell_text(run, id, CANDIDATE("two"));
    tell_text(run, id, CANDIDATE("two"));
    tell_text(run, id, "nothing");
    tell_text(run, id, CANDIDATE("three"));
    score_next(run, 0.25);
    request = next_of(run, OPRO_REQUEST_SCORE);
    opro_run_answer_usage(run, opro_request_id(request), 1, 2, 3);
    tell_score(run, request, 0.75);
    opro_run_answer_error(run, next_id(run, OPRO_REQUEST_SCORE), OPRO_ERR_FAILED, "no", 2);
    assert_true(f[OPRO_FIGURE_PROPOSALS / 10] == 5);
    assert_true(f[OPRO_FIGURE_SCORED / 10] == 2);
    assert_true(f[OPRO_FIGURE_REJECTED / 10] == 2);
    assert_true(f[OPRO_FIGURE_DUPLICATES / 10] == 1);
    assert_true(f[OPRO_FIGURE_FAILED / 10] == 1);
    assert_true(f[OPRO_FIGURE_BEST / 10] == 0.75);
    assert_true(f[OPRO_FIGURE_MEAN / 10] == 0.5);
    assert_true(f[OPRO_FIGURE_DEVIATION / 10] == 0.25);
    assert_true(f[OPRO_FIGURE_BEST_SO_FAR / 10] == 0.75);
    assert_true(f[OPRO_FIGURE_TEMPERATURE / 10] == 0.5);
    assert_true(f[OPRO_FIGURE_PROMPT_TOKENS / 10] == 1001);
    assert_true(f[OPRO_FIGURE_REPLY_TOKENS / 10] == 202);
    assert_true(f[OPRO_FIGURE_COST / 10] == 33);
    assert_true(f[OPRO_FIGURE_SCORER_CALLS / 10] == 6);
    next_of(run, OPRO_REQUEST_PROPOSE);
    opro_run_free(run);
}

/* ---- what an observer can do ----------------------------------------------------------------- */

/* One step in which every kind of event comes. Returns the first status that is not OPRO_OK. */
static opro_status eventful(opro_run *run) {
    opro_request *request;
    opro_status st = opro_run_next(run, 0, &request);
    double score = 0.5;
    uint64_t id;

    if (st == OPRO_OK) st = opro_run_answer_scores(run, opro_request_id(request), &score, 1);
    if (st == OPRO_OK) st = opro_run_next(run, 0, &request);
    if (st != OPRO_OK) return st;
    id = opro_request_id(request);
    st = opro_run_answer_text(run, id, CANDIDATE("one"), OPRO_ZT);
    if (st == OPRO_OK) st = opro_run_answer_text(run, id, CANDIDATE("one"), OPRO_ZT);
    if (st == OPRO_OK) st = opro_run_answer_error(run, id, OPRO_ERR_FAILED, "no", 2);
    if (st == OPRO_OK) st = opro_run_next(run, 0, &request);
    if (st == OPRO_OK) st = opro_run_answer_scores(run, opro_request_id(request), &score, 1);
    if (st == OPRO_OK) st = opro_run_next(run, 0, &request);
    return st;
}

static opro_run *eventful_run(ear *e) {
    opro_problem *problem = text_problem();

    opro_problem_add_initial(problem, "start", OPRO_ZT);
    return heard_run(problem, "samples_per_step=3 resample_limit=0 steps=1", e);
}

static void an_eventful_step_has_all_events(void **state) {
    ear e;
    opro_run *run = eventful_run(&e);

    (void)state;
    assert_int_equal(eventful(run), OPRO_DONE);
    for (int kind = 1; kind <= 10; kind++)
        assert_true(e.count[kind] > 0);
    opro_run_free(run);
}

static void an_observer_may_stop_the_run_at_any_event(void **state) {
    (void)state;
    for (int32_t kind = OPRO_EVENT_STEP_BEGUN; kind <= OPRO_EVENT_STOPPED; kind += 10) {
        ear e;
        opro_run *run = eventful_run(&e);
        opro_status st;

        e.stop_at = kind;
        st = eventful(run);
        assert_true(st == OPRO_DONE || st == OPRO_ERR_STALE);
        expect_next(run, OPRO_DONE);
        assert_int_equal(opro_run_stop_reason(run),
                         kind == OPRO_EVENT_STOPPED ? OPRO_STOP_STEPS : OPRO_STOP_HOST);
        assert_int_equal(e.count[OPRO_EVENT_STOPPED / 10], 1);
        assert_int_equal(opro_run_count(run, OPRO_COUNT_IN_FLIGHT), 0);
        opro_run_free(run);
    }
}

/* What an observer returns, and what the call that was under way says. */
static void an_error_of_the_observer_stops_the_run(void **state) {
    static const struct {
        int32_t returned;
        opro_status status;
    } cases[] = {{OPRO_ERR_USER_FIRST - 5, OPRO_ERR_USER_FIRST - 5},
                 {OPRO_ERR_USER_LAST, OPRO_ERR_USER_LAST},
                 {OPRO_ERR_FAILED, OPRO_ERR_FAILED},
                 {OPRO_PENDING, OPRO_ERR_CALLBACK},
                 {OPRO_DONE, OPRO_ERR_CALLBACK},
                 {1, OPRO_ERR_CALLBACK},
                 {-1, OPRO_ERR_CALLBACK},
                 {INT32_MIN, OPRO_ERR_CALLBACK}};

    (void)state;
    for (int32_t kind = OPRO_EVENT_STEP_BEGUN; kind < OPRO_EVENT_STOPPED; kind += 10)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            ear e;
            opro_run *run = eventful_run(&e);

            e.answer_to = kind;
            e.answer = cases[i].returned;
            assert_int_equal(eventful(run), cases[i].status);
            assert_message(opro_run_error(run), cases[i].status);
            assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_ERROR);
            assert_int_equal(e.count[OPRO_EVENT_STOPPED / 10], 1);
            expect_next(run, OPRO_DONE);
            opro_run_free(run);
        }
}

static void an_error_at_the_very_end_changes_nothing(void **state) {
    ear e;
    opro_run *run = eventful_run(&e);

    (void)state;
    e.answer_to = OPRO_EVENT_STOPPED;
    e.answer = OPRO_ERR_USER_FIRST;
    assert_int_equal(eventful(run), OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_STEPS);
    opro_run_free(run);
}

/* Tries what is forbidden; the outer call's own error stays that of the outer call. */
static int32_t meddle(opro_run *run, const opro_event *event, void *user_data) {
    opro_request *request;
    const opro_trajectory *t = opro_run_trajectory(run);

    (void)user_data;
    assert_int_equal(opro_run_next(run, 0, &request), OPRO_ERR_REENTRANT);
    assert_message(opro_run_error(run), OPRO_ERR_REENTRANT);
    assert_int_equal(opro_run_answer_text(run, 1, "x", 1), OPRO_ERR_REENTRANT);
    assert_true(opro_trajectory_count(t) >= opro_trajectory_scored(t));
    assert_true(opro_run_state_hash(run) != 0);
    assert_true(opro_run_count(run, OPRO_COUNT_MEMORY) > 0);
    assert_int_equal(opro_run_timeout(run, 0), -1);
    return opro_event_kind(event) == OPRO_EVENT_SCORED ? *(int32_t *)user_data : OPRO_OK;
}

static void a_refused_call_leaves_no_message_behind(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=1 steps=1");
    int32_t answer = OPRO_OK;

    (void)state;
    opro_run_set_observer(run, meddle, &answer, NULL);
    tell_text(run, next_id(run, OPRO_REQUEST_PROPOSE), CANDIDATE("one"));
    assert_message(opro_run_error(run), OPRO_OK);
    score_next(run, 0.5);
    assert_message(opro_run_error(run), OPRO_OK);
    opro_run_free(run);

    run = run_of(text_problem(), "samples_per_step=1 steps=1");
    answer = OPRO_ERR_USER_FIRST;
    opro_run_set_observer(run, meddle, &answer, NULL);
    tell_text(run, next_id(run, OPRO_REQUEST_PROPOSE), CANDIDATE("one"));
    assert_int_equal(
        opro_run_answer_scores(run, next_id(run, OPRO_REQUEST_SCORE), (double[]){0.5}, 1),
        OPRO_ERR_USER_FIRST);
    assert_message(opro_run_error(run), OPRO_ERR_USER_FIRST);
    assert_non_null(strstr(opro_error_message(opro_run_error(run), NULL), "observer"));
    opro_run_free(run);
}

static void only_the_last_observer_hears(void **state) {
    ear first, second;
    opro_run *run = eventful_run(&first);

    (void)state;
    memset(&second, 0, sizeof second);
    opro_run_set_observer(run, ear_hear, &second, NULL);
    score_next(run, 0.5);
    assert_int_equal(first.len, 0);
    assert_true(second.len > 0);
    ear_forget(&second);
    opro_run_set_observer(run, NULL, NULL, NULL);
    next_of(run, OPRO_REQUEST_PROPOSE);
    opro_run_stop(run);
    assert_int_equal(second.len, 0);
    opro_run_free(run);
}

/* ---- reasons to stop ------------------------------------------------------------------------- */

static void the_last_event_says_why(void **state) {
    static const struct {
        const char *settings, *last;
    } cases[] = {{"steps=2", "stopped steps\n"},
                 {"target_score=0", "stopped target\n"},
                 {"patience=1", "stopped patience\n"},
                 {"max_proposals=4", "stopped proposals\n"},
                 {"max_scorer_calls=4", "stopped scorer_calls\n"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ear e;
        opro_run *run = heard_run(text_problem(), cases[i].settings, &e);
        opro_status st;
        const char *end;

        answer_all(run, &st);
        assert_int_equal(st, OPRO_DONE);
        end = e.text + e.len - strlen(cases[i].last);
        assert_true(end > e.text && end[-1] == '\n');
        assert_string_equal(end, cases[i].last);
        assert_int_equal(e.count[OPRO_EVENT_STOPPED / 10], 1);
        opro_run_free(run);
    }
}

/* A stop in the middle: what was scored gets in, and that is told before the stop is. */
static void a_stop_tells_of_what_still_gets_in(void **state) {
    static const char *const texts[] = {"one", "two", NULL};
    opro_run *run;
    ear e;

    (void)state;
    run = heard_run(text_problem(), "samples_per_step=2", &e);
    propose_next(run, texts);
    score_next(run, 0.5);
    next_of(run, OPRO_REQUEST_SCORE);
    ear_forget(&e);
    opro_run_stop(run);
    assert_string_equal(e.text, "best 0.0 0.5: one\n"
                                "stopped host\n");
    opro_run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_told_from_begin_to_end),
        cmocka_unit_test(answers_are_told_when_they_come),
        cmocka_unit_test(validation_is_told_apart),
        cmocka_unit_test(steady_mode_tells_of_the_best_at_once),
        cmocka_unit_test(events_have_the_fields_of_their_kind),
        cmocka_unit_test(a_candidate_goes_to_the_earliest_sample),
        cmocka_unit_test(every_rejection_has_its_reason),
        cmocka_unit_test(figures_are_there_when_a_step_ends),
        cmocka_unit_test(an_eventful_step_has_all_events),
        cmocka_unit_test(an_observer_may_stop_the_run_at_any_event),
        cmocka_unit_test(an_error_of_the_observer_stops_the_run),
        cmocka_unit_test(an_error_at_the_very_end_changes_nothing),
        cmocka_unit_test(a_refused_call_leaves_no_message_behind),
        cmocka_unit_test(only_the_last_observer_hears),
        cmocka_unit_test(the_last_event_says_why),
        cmocka_unit_test(a_stop_tells_of_what_still_gets_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
