/* SPDX-License-Identifier: MIT */
/*
 * Ask and tell: what a run hands out, what it says to answers that are late, wrong or rubbish, and
 * how it stops.
 */
#define _POSIX_C_SOURCE 200809L

#include "script.h"

/* ---- requests -------------------------------------------------------------------------------- */

static void a_proposal_says_what_it_wants(void **state) {
    opro_run *run =
        run_of(text_problem(), "samples_per_step=3 temperature=0.5 max_reply_tokens=77");
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);
    size_t len, n = opro_request_messages(request);

    (void)state;
    assert_true(opro_request_id(request) != 0);
    assert_int_equal(opro_request_step(request), 0);
    assert_int_equal(opro_request_samples(request), 3);
    assert_int_equal(opro_request_first_sample(request), 0);
    assert_true(opro_request_temperature(request) == 0.5);
    assert_int_equal(opro_request_max_tokens(request), 77);
    assert_true(n >= 1);
    for (size_t i = 0; i < n; i++) {
        const char *text = opro_request_message_text(request, i, &len);

        assert_int_equal(strlen(text), len);
        assert_int_not_equal(opro_request_message_role(request, i), 0);
        if (opro_request_message_role(request, i) == OPRO_ROLE_USER)
            assert_string_equal(opro_request_text(request, NULL), text);
    }
    assert_null(opro_request_message_text(request, n, &len));
    assert_int_equal(opro_request_message_role(request, n), 0);
    assert_int_equal(opro_request_set(request), 0);
    assert_null(opro_request_instances(request, &len));
    assert_int_equal(len, 0);
    opro_run_free(run);
}

static void a_score_says_what_it_wants(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;
    opro_request *request;
    const int64_t *instances;
    size_t n;

    (void)state;
    opro_problem_set_instances(problem, 3, 0);
    opro_problem_add_initial(problem, "first", OPRO_ZT);
    run = run_of(problem, "");
    request = next_of(run, OPRO_REQUEST_SCORE);
    assert_int_equal(opro_request_step(request), -1);
    assert_string_equal(opro_request_text(request, NULL), "first");
    assert_int_equal(opro_request_set(request), OPRO_TRAIN);
    instances = opro_request_instances(request, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(instances[i], i);
    assert_int_equal(opro_request_messages(request), 0);
    assert_null(opro_request_message_text(request, 0, NULL));
    assert_int_equal(opro_request_samples(request), 0);
    assert_int_equal(opro_request_max_tokens(request), 0);
    assert_int_equal(opro_request_seed(request), 0);
    assert_true(isnan(opro_request_temperature(request)));
    opro_run_free(run);
}

static void ids_are_unique_and_depend_on_what_is_asked(void **state) {
    uint64_t ids[2][512];
    size_t n[2] = {0, 0};

    (void)state;
    for (int k = 0; k < 2; k++) {
        opro_run *run = run_of(text_problem(), "steps=20");
        opro_request *request;

        while (opro_run_next(run, 0, &request) == OPRO_OK) {
            uint64_t id = opro_request_id(request);

            assert_true(id != 0 && n[k] < 512);
            for (size_t i = 0; i < n[k]; i++)
                assert_true(ids[k][i] != id);
            ids[k][n[k]++] = id;
            assert_int_equal(answer_any(run, request), OPRO_OK);
        }
        opro_run_free(run);
    }
    assert_int_equal(n[0], 20 * 9);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(ids[0], ids[1], n[0] * sizeof ids[0][0]);
}

static void a_clone_outlives_the_run(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=1");
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE), *clone, *score;
    uint64_t id = opro_request_id(request);
    char *json = strdup(opro_request_json(request, NULL));
    size_t len;

    (void)state;
    assert_int_equal(opro_request_clone(&clone, request, NULL), OPRO_OK);
    opro_request_free(request); /* the run's own: left alone */
    tell_text(run, id, CANDIDATE("say it with \"quotes\""));
    assert_int_equal(opro_request_clone(&score, next_of(run, OPRO_REQUEST_SCORE), NULL), OPRO_OK);
    opro_run_free(run);
    assert_true(opro_request_id(clone) == id);
    assert_string_equal(opro_request_json(clone, &len), json);
    assert_int_equal(strlen(json), len);
    assert_null(strchr(json, '\n'));
    assert_string_equal(opro_request_text(score, NULL), "say it with \"quotes\"");
    assert_non_null(strstr(opro_request_json(score, NULL), "say it with \\\"quotes\\\""));
    assert_int_equal(opro_request_instances(score, &len)[0], 0);
    opro_request_free(clone);
    opro_request_free(score);
    opro_request_free(NULL);
    free(json);
}

/* ---- answers that change nothing ------------------------------------------------------------- */

/* The run as it was before, and what is to be compared afterwards. */
typedef struct snapshot {
    uint64_t hash;
    int64_t in_flight, replies, rejected, failures, calls, count;
} snapshot;

static snapshot take(const opro_run *run) {
    return (snapshot){opro_run_state_hash(run),
                      opro_run_count(run, OPRO_COUNT_IN_FLIGHT),
                      opro_run_count(run, OPRO_COUNT_REPLIES),
                      opro_run_count(run, OPRO_COUNT_REJECTED),
                      opro_run_count(run, OPRO_COUNT_FAILURES),
                      opro_run_count(run, OPRO_COUNT_SCORER_CALLS),
                      opro_trajectory_count(opro_run_trajectory(run))};
}

static void assert_same(const opro_run *run, const snapshot *before) {
    snapshot now = take(run);

    assert_memory_equal(&now, before, sizeof now);
}

/* All ways to answer, to one id: each says the same, and nothing changes. */
static void all_answers_say(opro_run *run, uint64_t id, opro_status expected) {
    double score = 0.5;
    snapshot before = take(run);

    assert_int_equal(opro_run_answer_text(run, id, "x", 1), expected);
    assert_message(opro_run_error(run), expected);
    assert_int_equal(opro_run_answer_reply(run, id, 0, 0, "x", 1), expected);
    assert_int_equal(opro_run_answer_truncated(run, id, 0, 0, "x", 1), expected);
    assert_int_equal(opro_run_answer_refused(run, id, 0, 0, "x", 1), expected);
    assert_int_equal(opro_run_answer_solution(run, id, 0, 0, "x", 1), expected);
    assert_int_equal(opro_run_answer_scores(run, id, &score, 1), expected);
    assert_int_equal(opro_run_answer_error(run, id, OPRO_ERR_FAILED, "x", 1), expected);
    assert_int_equal(opro_run_answer_feedback(run, id, "x", 1), expected);
    assert_int_equal(opro_run_answer_usage(run, id, 1, 1, 1), expected);
    assert_message(opro_run_error(run), expected);
    assert_same(run, &before);
}

static void late_and_unknown_answers_change_nothing(void **state) {
    static const char *const texts[] = {"one", "two", NULL};
    opro_problem *problem = text_problem();
    opro_run *run;
    opro_request *request;
    uint64_t initial, propose, first;

    (void)state;
    opro_problem_add_initial(problem, "first", OPRO_ZT);
    run = run_of(problem, "samples_per_step=2");
    all_answers_say(run, 1, OPRO_ERR_UNKNOWN); /* before anything was asked */
    request = next_of(run, OPRO_REQUEST_SCORE);
    initial = opro_request_id(request);
    all_answers_say(run, 0, OPRO_ERR_UNKNOWN);
    all_answers_say(run, initial + 1, OPRO_ERR_UNKNOWN);
    all_answers_say(run, UINT64_MAX, OPRO_ERR_UNKNOWN);
    tell_score(run, request, 0.5);
    all_answers_say(run, initial, OPRO_ERR_STALE);
    propose = next_id(run, OPRO_REQUEST_PROPOSE);
    all_answers_say(run, propose + 1, OPRO_ERR_UNKNOWN);
    tell_text(run, propose, CANDIDATE("one"));
    assert_int_equal(opro_run_answer_reply(run, propose, 0, 0, texts[1], OPRO_ZT), OPRO_ERR_STALE);
    tell_text(run, propose, CANDIDATE("two"));
    all_answers_say(run, propose, OPRO_ERR_STALE);
    request = next_of(run, OPRO_REQUEST_SCORE);
    first = opro_request_id(request);
    tell_score(run, request, 0.1);
    all_answers_say(run, first, OPRO_ERR_STALE);
    all_answers_say(run, initial, OPRO_ERR_STALE);
    next_of(run, OPRO_REQUEST_SCORE);
    assert_int_equal(opro_run_stop(run), OPRO_OK);
    all_answers_say(run, propose, OPRO_ERR_STALE);
    all_answers_say(run, first + 12345, OPRO_ERR_UNKNOWN);
    opro_run_free(run);
}

static void an_open_request_is_stale_once_the_run_has_stopped(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=2 samples_per_request=1");
    uint64_t a = next_id(run, OPRO_REQUEST_PROPOSE), b = next_id(run, OPRO_REQUEST_PROPOSE), c;

    (void)state;
    tell_text(run, a, CANDIDATE("one"));
    c = next_id(run, OPRO_REQUEST_SCORE);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_IN_FLIGHT), 2);
    opro_run_stop(run);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_IN_FLIGHT), 0);
    all_answers_say(run, a, OPRO_ERR_STALE);
    all_answers_say(run, b, OPRO_ERR_STALE);
    all_answers_say(run, c, OPRO_ERR_STALE);
    opro_run_free(run);
}

/* Each line: an answer that makes no sense, and the status that says so. */
static void rubbish_is_refused_and_the_request_stays_open(void **state) {
    static char long_text[(64 << 10) + 2];
    double good[2] = {0.5, 0.5}, nan[2] = {0.5, NAN}, inf[2] = {INFINITY, 0}, high[2] = {0, 1.5},
           low[2] = {-0.1, 0};
    opro_problem *problem = text_problem();
    opro_run *run;
    uint64_t id;
    snapshot before;

    (void)state;
    memset(long_text, 'a', sizeof long_text - 1);
    opro_problem_set_instances(problem, 2, 0);
    run = run_of(problem, "samples_per_step=2");
    id = next_id(run, OPRO_REQUEST_PROPOSE);
    before = take(run);
    assert_int_equal(opro_run_answer_scores(run, id, good, 2), OPRO_ERR_INVALID);
    assert_message(opro_run_error(run), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_feedback(run, id, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_reply(run, id, 2, 0, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_reply(run, id, SIZE_MAX, 0, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_reply(run, id, 0, -1, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_reply(run, id, 0, 65536, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_solution(run, id, 0, INT32_MIN, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_truncated(run, id, 2, 0, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_text(run, id, NULL, 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_text(run, id, NULL, OPRO_ZT), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_error(run, id, OPRO_OK, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_error(run, id, OPRO_PENDING, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_error(run, id, OPRO_ERR_FAILED, "\xff", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_usage(run, id, -1, 0, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_usage(run, id, 0, -1, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_usage(run, id, 0, 0, INT64_MIN), OPRO_ERR_INVALID);
    assert_same(run, &before);
    tell_text(run, id, CANDIDATE("one"));
    id = next_id(run, OPRO_REQUEST_SCORE);
    before = take(run);
    assert_int_equal(opro_run_answer_text(run, id, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_solution(run, id, 0, 0, "x", 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_scores(run, id, good, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_scores(run, id, good, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_scores(run, id, good, SIZE_MAX), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_scores(run, id, NULL, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_scores(run, id, nan, 2), OPRO_ERR_INVALID);
    assert_message(opro_run_error(run), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_scores(run, id, inf, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_scores(run, id, high, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_scores(run, id, low, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_feedback(run, id, "a\0b", 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_feedback(run, id, long_text, (64 << 10) + 1), OPRO_ERR_LIMIT);
    assert_int_equal(opro_run_answer_feedback(run, id, "\xc3(", 2), OPRO_ERR_INVALID);
    assert_same(run, &before);
    assert_int_equal(opro_run_answer_feedback(run, id, long_text, 64 << 10), OPRO_OK);
    assert_int_equal(opro_run_answer_scores(run, id, good, 2), OPRO_OK);
    opro_run_free(run);
}

static void null_arguments_are_refused(void **state) {
    opro_run *run = run_of(text_problem(), ""), *none = NULL;
    opro_problem *problem = text_problem();
    opro_request *request;
    double score = 0;

    (void)state;
    assert_int_equal(opro_run_new(NULL, problem, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_new(&none, NULL, NULL, NULL), OPRO_ERR_INVALID);
    assert_null(none);
    assert_int_equal(opro_run_next(NULL, 0, &request), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_next(run, 0, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_stop(NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_text(NULL, 1, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_scores(NULL, 1, &score, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_error(NULL, 1, -1, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_feedback(NULL, 1, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_usage(NULL, 1, 0, 0, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_set_meta_prompt(run, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_warm_start(run, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_set_observer(NULL, NULL, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_request_clone(NULL, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_NONE);
    opro_run_free(NULL);
    opro_run_free(run);
    opro_problem_free(problem);
}

/* ---- replies of all sorts -------------------------------------------------------------------- */

static void replies_that_are_no_text(void **state) {
    static const char bytes[] = CANDIDATE("a\xff\0b \xed\xa0\x80 c");
    size_t big = 1 << 20;
    char *reply = malloc(big + 1);
    opro_run *run = run_of(text_problem(), "samples_per_step=4 resample_limit=0 max_length=0");
    uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);
    opro_request *request;
    const char *text;

    (void)state;
    assert_int_equal(opro_run_answer_reply(run, id, 0, 0, bytes, sizeof bytes - 1), OPRO_OK);
    assert_int_equal(opro_run_answer_reply(run, id, 1, 0, NULL, 0), OPRO_OK);
    memset(reply, 'x', big);
    memcpy(reply, "<INS>", 5);
    memcpy(reply + big - 6, "</INS>", 7);
    assert_int_equal(opro_run_answer_reply(run, id, 2, 0, reply, big), OPRO_OK);
    assert_int_equal(opro_run_answer_solution(run, id, 3, 0, "", 0), OPRO_OK);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_REPLIES), 4);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_REJECTED), 2);
    request = next_of(run, OPRO_REQUEST_SCORE);
    text = opro_request_text(request, NULL);
    assert_null(strchr(text, '\xff'));
    assert_non_null(strstr(text, "\xef\xbf\xbd")); /* U+FFFD */
    tell_score(run, request, 0.5);
    request = next_of(run, OPRO_REQUEST_SCORE);
    opro_request_text(request, &big);
    assert_int_equal(big, (1 << 20) - 11);
    tell_score(run, request, 0.5);
    assert_int_equal(opro_run_step(run), 0);
    next_of(run, OPRO_REQUEST_PROPOSE);
    assert_int_equal(opro_run_step(run), 1);
    free(reply);
    opro_run_free(run);
}

static void a_reply_over_64_mib_is_refused(void **state) {
    size_t len = ((size_t)64 << 20) + 1;
    char *reply = calloc(len + 1, 1);
    opro_run *run = run_of(text_problem(), "samples_per_step=1");
    uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);
    snapshot before = take(run);

    (void)state;
    assert_int_equal(opro_run_answer_text(run, id, reply, len), OPRO_ERR_LIMIT);
    assert_message(opro_run_error(run), OPRO_ERR_LIMIT);
    assert_int_equal(opro_run_answer_solution(run, id, 0, 0, reply, len), OPRO_ERR_LIMIT);
    assert_int_equal(opro_run_answer_truncated(run, id, 0, 0, reply, len), OPRO_ERR_LIMIT);
    assert_same(run, &before);
    tell_text(run, id, CANDIDATE("short"));
    free(reply);
    opro_run_free(run);
}

/*
 * Texts that belong to the very run and request that they answer: they live until the call, so the
 * call can use them.
 */
static void an_answer_may_be_a_text_of_the_run_itself(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=1 resample_limit=0 max_length=0 "
                                           "forbid_placeholder=0");
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);
    opro_request *score;
    double rubbish = NAN;

    (void)state;
    assert_int_equal(opro_run_answer_solution(run, opro_request_id(request), 0, 0,
                                              opro_request_json(request, NULL), OPRO_ZT),
                     OPRO_OK);
    score = next_of(run, OPRO_REQUEST_SCORE);
    assert_memory_equal(opro_request_text(score, NULL), "{\"kind\"", 7);
    assert_int_equal(opro_run_answer_feedback(run, opro_request_id(score),
                                              opro_request_json(score, NULL), OPRO_ZT),
                     OPRO_OK);
    assert_int_equal(opro_run_answer_scores(run, opro_request_id(score), &rubbish, 1),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_error(run, opro_request_id(score), OPRO_ERR_FAILED,
                                           opro_error_message(opro_run_error(run), NULL), OPRO_ZT),
                     OPRO_OK);
    assert_non_null(strstr(opro_trajectory_detail(opro_run_trajectory(run), 0, NULL), "finite"));
    request = next_of(run, OPRO_REQUEST_PROPOSE);
    assert_int_equal(opro_run_answer_scores(run, opro_request_id(request), &rubbish, 1),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_run_answer_solution(run, opro_request_id(request), 0, 0,
                                              opro_error_message(opro_run_error(run), NULL),
                                              OPRO_ZT),
                     OPRO_OK);
    assert_true(opro_error_message(opro_run_error(run), NULL)[0] == '\0');
    score = next_of(run, OPRO_REQUEST_SCORE);
    assert_non_null(strstr(opro_request_text(score, NULL), "scores"));
    opro_run_free(run);
}

/* Hosts loop "for all samples of this request", and the last answer closes it. */
static void an_answered_request_can_be_looked_at_until_the_next(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=3 resample_limit=0 steps=1");
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);

    (void)state;
    for (size_t i = 0; i < opro_request_samples(request); i++)
        tell_text(run, opro_request_id(request), "nothing"); /* the last one ends the step */
    assert_true(strlen(opro_request_text(request, NULL)) > 0);
    assert_non_null(opro_request_json(request, NULL));
    expect_next(run, OPRO_DONE);
    opro_run_free(run);
}

static void an_error_is_that_of_the_last_call(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=2");
    uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);

    (void)state;
    assert_int_equal(opro_run_answer_reply(run, id, 9, 0, "x", 1), OPRO_ERR_INVALID);
    assert_message(opro_run_error(run), OPRO_ERR_INVALID);
    tell_text(run, id, CANDIDATE("one"));
    assert_message(opro_run_error(run), OPRO_OK);
    assert_int_equal(opro_run_answer_text(run, 99, "x", 1), OPRO_ERR_UNKNOWN);
    next_of(run, OPRO_REQUEST_SCORE);
    assert_message(opro_run_error(run), OPRO_OK);
    opro_run_free(run);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void a_failure_is_never_a_score(void **state) {
    static const char *const texts[] = {"good", "bad", NULL};
    opro_run *run = run_of(text_problem(), "samples_per_step=2");
    const opro_trajectory *t = opro_run_trajectory(run);
    opro_request *a, *b;

    (void)state;
    propose_next(run, texts);
    a = next_of(run, OPRO_REQUEST_SCORE);
    b = next_of(run, OPRO_REQUEST_SCORE);
    assert_int_equal(
        opro_run_answer_error(run, opro_request_id(b), OPRO_ERR_TIMEOUT, "too slow", 8), OPRO_OK);
    tell_score(run, a, 0.25);
    assert_int_equal(opro_trajectory_count(t), 2);
    assert_int_equal(opro_trajectory_scored(t), 1);
    assert_int_equal(opro_trajectory_verdict(t, 1), OPRO_VERDICT_FAILED);
    assert_int_equal(opro_trajectory_reason(t, 1), OPRO_REASON_NOT_SCORED);
    assert_string_equal(opro_trajectory_detail(t, 1, NULL), "too slow");
    assert_true(isnan(opro_trajectory_score(t, 1)));
    assert_int_equal(opro_trajectory_scores(t, 1, OPRO_TRAIN, NULL, 0), 0);
    assert_true(opro_trajectory_figure(t, 0, OPRO_FIGURE_MEAN) == 0.25);
    assert_true(opro_trajectory_figure(t, 0, OPRO_FIGURE_FAILED) == 1); /* once, not twice */
    assert_int_equal(opro_run_count(run, OPRO_COUNT_FAILURES), 1);
    opro_run_free(run);
}

static void a_failed_proposal_leaves_what_was_answered(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=3 resample_limit=0");
    uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);

    (void)state;
    assert_int_equal(opro_run_answer_reply(run, id, 1, 0, CANDIDATE("middle"), OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_run_answer_error(run, id, OPRO_ERR_FAILED, NULL, 0), OPRO_OK);
    all_answers_say(run, id, OPRO_ERR_STALE);
    score_next(run, 0.5);
    assert_int_equal(opro_trajectory_count(opro_run_trajectory(run)), 1);
    assert_int_equal(opro_trajectory_sample(opro_run_trajectory(run), 0), 1);
    assert_int_equal(opro_request_step(next_of(run, OPRO_REQUEST_PROPOSE)), 1);
    opro_run_free(run);
}

static void requests_time_out(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=2 samples_per_request=1 "
                                           "resample_limit=0 request_timeout_ms=100");
    opro_request *request;
    uint64_t a, b;

    (void)state;
    assert_int_equal(opro_run_timeout(run, 1000), -1);
    assert_int_equal(opro_run_next(run, 1000, &request), OPRO_OK);
    a = opro_request_id(request);
    assert_int_equal(opro_run_timeout(run, 1000), 100);
    assert_int_equal(opro_run_next(run, 1050, &request), OPRO_OK);
    b = opro_request_id(request);
    assert_int_equal(opro_run_timeout(run, 1050), 50);
    assert_int_equal(opro_run_next(run, 1099, &request), OPRO_WAIT);
    assert_int_equal(opro_run_timeout(run, 1200), 0);
    assert_int_equal(opro_run_next(run, 1100, &request), OPRO_WAIT);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_FAILURES), 1);
    all_answers_say(run, a, OPRO_ERR_STALE);
    assert_int_equal(opro_run_next(run, 5, &request), OPRO_WAIT); /* time does not go back */
    tell_text(run, b, CANDIDATE("in time"));
    assert_int_equal(opro_run_next(run, 1150, &request), OPRO_OK);
    assert_int_equal(opro_request_kind(request), OPRO_REQUEST_SCORE);
    assert_int_equal(opro_run_next(run, 1250, &request), OPRO_OK); /* that one is over too */
    assert_int_equal(opro_request_kind(request), OPRO_REQUEST_PROPOSE);
    assert_int_equal(opro_request_step(request), 1);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_FAILURES), 2);
    opro_run_free(run);
}

/* ---- the digest of the state ----------------------------------------------------------------- */

/* A run that is two candidates into its first step. */
static opro_run *two_under_way(opro_request **a, opro_request **b) {
    static const char *const texts[] = {"one", "two", NULL};
    opro_problem *problem = text_problem();
    opro_run *run;

    opro_problem_set_instances(problem, 2, 0);
    run = run_of(problem, "samples_per_step=2");
    propose_next(run, texts);
    *a = next_of(run, OPRO_REQUEST_SCORE);
    *b = next_of(run, OPRO_REQUEST_SCORE);
    return run;
}

/* Whatever makes later requests differ must show: that is what the digest is for. */
static void the_state_hash_sees_what_matters(void **state) {
    double left[2] = {1, 0}, right[2] = {0, 1};
    uint64_t seen[8];
    size_t n = 0;

    (void)state;
    for (int how = 0; how < 8; how++) {
        opro_request *a, *b;
        opro_run *run = two_under_way(&a, &b);
        uint64_t id = opro_request_id(a);

        switch (how) {
        case 1: opro_run_answer_scores(run, id, left, 2); break;
        case 2: opro_run_answer_scores(run, id, right, 2); break;
        case 3: opro_run_answer_usage(run, id, 1, 0, 0); break;
        case 4: opro_run_answer_feedback(run, id, "too long", 8); break;
        case 5: opro_run_answer_feedback(run, id, "too short", 9); break;
        case 6: opro_run_answer_error(run, id, OPRO_ERR_FAILED, "", 0); break;
        case 7: opro_run_stop(run); break;
        default: break;
        }
        seen[n] = opro_run_state_hash(run);
        assert_true(seen[n] == opro_run_state_hash(run));
        for (size_t i = 0; i < n; i++)
            if (seen[i] == seen[n]) fail_msg("states %zu and %zu look the same", i, n);
        n++;
        opro_run_free(run);
    }
}

/* Another client, the same run. */
static void the_state_hash_does_not_see_the_client(void **state) {
    opro_run *a = run_of(text_problem(), "samples_per_step=2");
    opro_run *b = run_of(text_problem(), "samples_per_step=2 model_in_flight=1 model_timeout_ms=9");
    opro_run *c = run_of(text_problem(), "samples_per_step=2 local_restart=9");

    (void)state;
    assert_true(opro_run_state_hash(a) == opro_run_state_hash(b));
    assert_true(opro_run_state_hash(a) != opro_run_state_hash(c));
    opro_run_free(a);
    opro_run_free(b);
    opro_run_free(c);
}

/* Requests that failed, and candidates that nobody scored before the end. */
static void failures_are_counted_once(void **state) {
    static const char *const texts[] = {"one", "two", "three", NULL};
    opro_problem *problem = text_problem();
    opro_run *run;
    opro_request *a, *b;

    (void)state;
    opro_problem_set_instances(problem, 1, 1);
    run = run_of(problem, "samples_per_step=3 resample_limit=0 eval_interval=1");
    propose_next(run, texts);
    a = next_of(run, OPRO_REQUEST_SCORE);
    b = next_of(run, OPRO_REQUEST_SCORE);
    opro_run_answer_error(run, opro_request_id(b), OPRO_ERR_FAILED, "", 0);
    tell_score(run, a, 0.5);
    score_next(run, 0.25);
    a = next_of(run, OPRO_REQUEST_SCORE);
    assert_int_equal(opro_request_set(a), OPRO_VALIDATION);
    opro_run_answer_error(run, opro_request_id(a), OPRO_ERR_FAILED, "", 0);
    score_next(run, 0.75);
    assert_true(opro_trajectory_figure(opro_run_trajectory(run), 0, OPRO_FIGURE_FAILED) == 2);
    opro_run_answer_error(run, next_id(run, OPRO_REQUEST_PROPOSE), OPRO_ERR_FAILED, "", 0);
    assert_true(opro_trajectory_figure(opro_run_trajectory(run), 1, OPRO_FIGURE_FAILED) == 1);
    propose_next(run, (const char *const[]){"four", "five", NULL});
    next_of(run, OPRO_REQUEST_SCORE);
    opro_run_stop(run);
    assert_true(opro_trajectory_figure(opro_run_trajectory(run), 2, OPRO_FIGURE_FAILED) == 2);
    opro_run_free(run);
}

/* The same, for what is in the trajectory when the step is over. */
static void the_state_hash_sees_what_the_trajectory_shows(void **state) {
    double left[2] = {1, 0}, right[2] = {0, 1};
    uint64_t seen[4];

    (void)state;
    for (int how = 0; how < 4; how++) {
        opro_request *a, *b;
        opro_run *run = two_under_way(&a, &b);

        if (how >= 2)
            opro_run_answer_feedback(run, opro_request_id(a), how == 2 ? "too long" : "too short",
                                     OPRO_ZT);
        opro_run_answer_scores(run, opro_request_id(a), how == 1 ? right : left, 2);
        opro_run_answer_scores(run, opro_request_id(b), left, 2);
        seen[how] = opro_run_state_hash(run);
        for (int i = 0; i < how; i++)
            if (seen[i] == seen[how]) fail_msg("states %d and %d look the same", i, how);
        opro_run_free(run);
    }
}

static void a_reply_that_failed_is_not_one_that_was_rejected(void **state) {
    uint64_t seen[3];

    (void)state;
    for (int how = 0; how < 3; how++) {
        opro_run *run = run_of(text_problem(), "samples_per_step=2 samples_per_request=1");
        uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);

        if (how == 0) opro_run_answer_text(run, id, "no candidate", OPRO_ZT);
        if (how == 1) opro_run_answer_error(run, id, OPRO_ERR_FAILED, "", 0);
        seen[how] = opro_run_state_hash(run);
        opro_run_free(run);
    }
    assert_true(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void a_stopped_run_stays_stopped(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=2 samples_per_request=1");
    const opro_trajectory *t = opro_run_trajectory(run);
    opro_request *score;
    uint64_t hash;

    (void)state;
    tell_text(run, next_id(run, OPRO_REQUEST_PROPOSE), CANDIDATE("one"));
    score_next(run, 0.5);
    tell_text(run, next_id(run, OPRO_REQUEST_PROPOSE), CANDIDATE("two"));
    score = next_of(run, OPRO_REQUEST_SCORE);
    assert_string_equal(opro_request_text(score, NULL), "two");
    assert_int_equal(opro_trajectory_count(t), 0); /* stepwise: not before all are decided */
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_NONE);
    assert_int_equal(opro_run_stop(run), OPRO_OK);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_HOST);
    assert_int_equal(opro_trajectory_count(t), 2); /* what is scored goes in */
    assert_true(opro_trajectory_score(t, 0) == 0.5);
    assert_int_equal(opro_trajectory_verdict(t, 1), OPRO_VERDICT_FAILED);
    assert_int_equal(opro_trajectory_reason(t, 1), OPRO_REASON_NOT_SCORED);
    hash = opro_run_state_hash(run);
    for (int i = 0; i < 3; i++)
        expect_next(run, OPRO_DONE);
    assert_int_equal(opro_run_stop(run), OPRO_OK);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_HOST);
    assert_int_equal(opro_run_timeout(run, 0), -1);
    assert_true(hash == opro_run_state_hash(run));
    opro_run_free(run);
}

static void a_run_can_be_stopped_before_it_begins(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;

    (void)state;
    opro_problem_add_initial(problem, "first", OPRO_ZT);
    run = run_of(problem, "");
    assert_int_equal(opro_run_step(run), -1);
    opro_run_stop(run);
    expect_next(run, OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_HOST);
    opro_run_free(run);
}

static void stop_reasons_have_names(void **state) {
    static const char *const names[] = {"none",      "steps",        "target",   "patience",
                                        "proposals", "scorer_calls", "tokens",   "cost",
                                        "time",      "host",         "failures", "error"};

    (void)state;
    for (int32_t i = 0; i < 12; i++)
        assert_string_equal(opro_stop_reason_name(i * 10), names[i]);
    assert_string_equal(opro_stop_reason_name(5), "unknown");
    assert_string_equal(opro_stop_reason_name(-1), "unknown");
}

static void origins_have_names(void **state) {
    static const int32_t origins[] = {10, 20, 21, 22, 30, 31, 32, 33, 40, 41, 42, 43, 50};
    size_t n = sizeof origins / sizeof *origins;

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k <= i; k++) {
            const char *name = opro_origin_name(origins[i]), *other = opro_origin_name(origins[k]);

            assert_true(name[0] != '\0');
            assert_int_equal(strcmp(name, other) == 0, i == k);
        }
    assert_string_equal(opro_origin_name(OPRO_ORIGIN_LOCAL_CMA), "cma");
    assert_string_equal(opro_origin_name(256), "host");
    assert_string_equal(opro_origin_name(65535), "host");
    assert_string_equal(opro_origin_name(65536), "");
    assert_string_equal(opro_origin_name(OPRO_ORIGIN_NONE), "");
    assert_string_equal(opro_origin_name(255), "");
    assert_string_equal(opro_origin_name(-1), "");
}

/* ---- making a run ---------------------------------------------------------------------------- */

static int32_t not_bad(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                       void *user_data) {
    (void)problem;
    (void)user_data;
    if (len == 4 && memcmp(text, "fail", 4) == 0) return OPRO_ERR_USER_FIRST - 5;
    if (len == 3 && memcmp(text, "bad", 3) == 0)
        return opro_sink_reject(sink, "it is bad", OPRO_ZT);
    return opro_sink_count(sink, 0);
}

/* Why no run can be made of an initial solution or of options. */
static void expect_no_run(opro_problem *problem, const char *settings, opro_status expected) {
    opro_config *config = config_of(settings);
    opro_run *run = NULL;

    assert_int_equal(opro_run_new(&run, problem, config, NULL), expected);
    assert_null(run);
    assert_message(opro_problem_error(problem), expected);
    opro_config_free(config);
}

static void what_does_not_fit_makes_no_run(void **state) {
    opro_problem *problem = text_problem();

    (void)state;
    expect_no_run(problem, "mode=steady steady_candidates=3 steady_samples=4", OPRO_ERR_INVALID);
    expect_no_run(problem, "position=before_q question_marks=0", OPRO_ERR_INVALID);
    opro_problem_free(problem);

    problem = text_problem();
    opro_problem_set_check_fn(problem, not_bad, NULL, NULL);
    opro_problem_add_initial(problem, "bad", OPRO_ZT);
    expect_no_run(problem, "", OPRO_ERR_REJECTED);
    assert_non_null(strstr(opro_error_message(opro_problem_error(problem), NULL), "bad"));
    opro_problem_free(problem);

    problem = text_problem();
    opro_problem_set_check_fn(problem, not_bad, NULL, NULL);
    opro_problem_add_initial(problem, "fail", OPRO_ZT);
    expect_no_run(problem, "", OPRO_ERR_USER_FIRST - 5);
    opro_problem_free(problem);
}

static void a_problem_is_not_frozen_by_a_run_that_was_not_made(void **state) {
    opro_problem *problem = text_problem();

    (void)state;
    expect_no_run(problem, "mode=steady steady_candidates=3 steady_samples=4", OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_set_description(problem, "again", OPRO_ZT), OPRO_OK);
    opro_problem_free(problem);
}

static void a_memory_limit_is_kept(void **state) {
    opro_problem *problem = text_problem();
    opro_config *config = config_of("memory_limit=1000");
    opro_run *run = NULL;
    opro_status st = OPRO_OK;
    opro_request *request;

    (void)state;
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_ERR_NOMEM);
    assert_null(run);
    opro_config_free(config);
    opro_problem_free(problem);

    run = run_of(text_problem(), "memory_limit=300000 steps=0");
    for (long n = 0; st == OPRO_OK && n < 100000; n++) {
        assert_true(opro_run_count(run, OPRO_COUNT_MEMORY) <= 300000);
        st = opro_run_next(run, 0, &request);
        if (st == OPRO_OK) st = answer_any(run, request);
    }
    assert_int_equal(st, OPRO_ERR_NOMEM);
    assert_message(opro_run_error(run), OPRO_ERR_NOMEM);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_ERROR);
    expect_next(run, OPRO_ERR_NOMEM);
    assert_int_equal(opro_run_answer_text(run, 1, "x", 1), OPRO_ERR_NOMEM);
    assert_true(opro_trajectory_best(opro_run_trajectory(run)) >= 0);
    assert_non_null(opro_trajectory_text(opro_run_trajectory(run), 0, NULL));
    opro_run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proposal_says_what_it_wants),
        cmocka_unit_test(a_score_says_what_it_wants),
        cmocka_unit_test(ids_are_unique_and_depend_on_what_is_asked),
        cmocka_unit_test(a_clone_outlives_the_run),
        cmocka_unit_test(late_and_unknown_answers_change_nothing),
        cmocka_unit_test(an_open_request_is_stale_once_the_run_has_stopped),
        cmocka_unit_test(rubbish_is_refused_and_the_request_stays_open),
        cmocka_unit_test(null_arguments_are_refused),
        cmocka_unit_test(replies_that_are_no_text),
        cmocka_unit_test(a_reply_over_64_mib_is_refused),
        cmocka_unit_test(an_answer_may_be_a_text_of_the_run_itself),
        cmocka_unit_test(an_answered_request_can_be_looked_at_until_the_next),
        cmocka_unit_test(an_error_is_that_of_the_last_call),
        cmocka_unit_test(a_failure_is_never_a_score),
        cmocka_unit_test(a_failed_proposal_leaves_what_was_answered),
        cmocka_unit_test(requests_time_out),
        cmocka_unit_test(the_state_hash_sees_what_matters),
        cmocka_unit_test(the_state_hash_sees_what_the_trajectory_shows),
        cmocka_unit_test(the_state_hash_does_not_see_the_client),
        cmocka_unit_test(failures_are_counted_once),
        cmocka_unit_test(a_reply_that_failed_is_not_one_that_was_rejected),
        cmocka_unit_test(a_stopped_run_stays_stopped),
        cmocka_unit_test(a_run_can_be_stopped_before_it_begins),
        cmocka_unit_test(stop_reasons_have_names),
        cmocka_unit_test(origins_have_names),
        cmocka_unit_test(what_does_not_fit_makes_no_run),
        cmocka_unit_test(a_problem_is_not_frozen_by_a_run_that_was_not_made),
        cmocka_unit_test(a_memory_limit_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
