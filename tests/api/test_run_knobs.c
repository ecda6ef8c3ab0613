/* SPDX-License-Identifier: MIT */
/*
 * Every option of the loop does what its help says, and every reason to stop is reached by its own
 * option.
 */
#include "script.h"

#define VECTOR_OF(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- how much is asked for ------------------------------------------------------------------- */

static void samples_are_shared_out_to_requests(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=8 samples_per_request=3 steps=1");
    size_t samples[3] = {3, 3, 2}, first[3] = {0, 3, 6};
    opro_request *request;

    (void)state;
    for (int i = 0; i < 3; i++) {
        request = next_of(run, OPRO_REQUEST_PROPOSE);
        assert_int_equal(opro_request_samples(request), samples[i]);
        assert_int_equal(opro_request_first_sample(request), first[i]);
    }
    expect_next(run, OPRO_WAIT);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_IN_FLIGHT), 3);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_PROPOSALS), 8);
    opro_run_free(run);
}

static void no_more_than_max_in_flight_are_out(void **state) {
    opro_run *run =
        run_of(text_problem(), "samples_per_step=8 samples_per_request=1 max_in_flight=3");
    opro_request *open[3];
    uint64_t id;

    (void)state;
    for (int i = 0; i < 3; i++)
        open[i] = next_of(run, OPRO_REQUEST_PROPOSE);
    expect_next(run, OPRO_WAIT);
    id = opro_request_id(open[1]);
    tell_text(run, id, CANDIDATE("one"));
    next_of(run, OPRO_REQUEST_SCORE);
    expect_next(run, OPRO_WAIT);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_IN_FLIGHT), 3);
    opro_run_free(run);
}

static void candidates_per_reply_takes_the_first_texts(void **state) {
    static const char reply[] = CANDIDATE("one") CANDIDATE("two") CANDIDATE("three");
    opro_run *run = run_of(text_problem(), "samples_per_step=1 candidates_per_reply=2");

    (void)state;
    tell_text(run, next_id(run, OPRO_REQUEST_PROPOSE), reply);
    assert_string_equal(opro_request_text(next_of(run, OPRO_REQUEST_SCORE), NULL), "one");
    assert_string_equal(opro_request_text(next_of(run, OPRO_REQUEST_SCORE), NULL), "two");
    expect_next(run, OPRO_WAIT);
    opro_run_free(run);
}

static void asking_again_has_an_end(void **state) {
    (void)state;
    for (long limit = 0; limit < 4; limit++) {
        char settings[64];
        opro_run *run;
        int64_t step = 0;
        long asked = 0;

        snprintf(settings, sizeof settings, "samples_per_step=3 steps=2 resample_limit=%ld", limit);
        run = run_of(text_problem(), settings);
        while (step == 0) {
            opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);
            uint64_t id = opro_request_id(request);
            size_t n = opro_request_samples(request);

            step = opro_request_step(request);
            if (step == 0) asked += (long)n;
            for (size_t i = 0; i < n; i++)
                tell_text(run, id, i ? "" : CANDIDATE("INS"));
        }
        assert_int_equal(asked, 3 * (limit + 1));
        opro_run_free(run);
    }
}

/* Only the samples that gave nothing new are asked for again, by their own numbers. */
static void only_what_is_missing_is_asked_for_again(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=4 resample_limit=1");
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);
    uint64_t id = opro_request_id(request), seed = opro_request_seed(request);

    (void)state;
    tell_text(run, id, CANDIDATE("one"));
    tell_text(run, id, CANDIDATE("one"));
    tell_text(run, id, "nothing here");
    tell_text(run, id, CANDIDATE("two"));
    score_next(run, 0.5);
    score_next(run, 0.5);
    request = next_of(run, OPRO_REQUEST_PROPOSE);
    assert_int_equal(opro_request_step(request), 0);
    assert_int_equal(opro_request_first_sample(request), 1);
    assert_int_equal(opro_request_samples(request), 2);
    assert_true(opro_request_seed(request) != seed && opro_request_seed(request) != seed + 1);
    id = opro_request_id(request);
    tell_text(run, id, CANDIDATE("one"));
    tell_text(run, id, CANDIDATE("three"));
    score_next(run, 0.5);
    assert_int_equal(opro_request_step(next_of(run, OPRO_REQUEST_PROPOSE)), 1);
    assert_int_equal(opro_trajectory_count(opro_run_trajectory(run)), 3);
    assert_int_equal(opro_trajectory_sample(opro_run_trajectory(run), 1), 2); /* "three" */
    assert_int_equal(opro_trajectory_proposals(opro_run_trajectory(run), 0), 3);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_DUPLICATES), 2);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_REJECTED), 3);
    opro_run_free(run);
}

static void temperatures(const char *settings, const double *expected, int n) {
    opro_run *run = run_of(text_problem(), settings);
    opro_status st;

    for (int i = 0; i < n; i++) {
        opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);

        assert_true(opro_request_temperature(request) == expected[i]);
        assert_int_equal(answer_any(run, request), OPRO_OK);
        score_next(run, 0.5);
        assert_true(opro_trajectory_figure(opro_run_trajectory(run), i, OPRO_FIGURE_TEMPERATURE) ==
                    expected[i]);
    }
    answer_all(run, &st);
    opro_run_free(run);
}

static void temperature_follows_its_schedule(void **state) {
    (void)state;
    temperatures("steps=4 samples_per_step=1 temperature=1 temperature_end=2 "
                 "temperature_schedule=linear",
                 (double[]){1.0, 1.25, 1.5, 1.75}, 4);
    temperatures("steps=4 samples_per_step=1 temperature=0.7 temperature_end=2",
                 (double[]){0.7, 0.7, 0.7, 0.7}, 4);
    temperatures("steps=2 samples_per_step=1 temperature=1 temperature_end=0 "
                 "temperature_schedule=linear",
                 (double[]){1.0, 0.5}, 2);
    temperatures("steps=0 max_proposals=3 samples_per_step=1 temperature=0.25 temperature_end=2 "
                 "temperature_schedule=linear",
                 (double[]){0.25, 0.25, 0.25}, 3);
}

static void seeds_of_samples_differ(void **state) {
    opro_run *run =
        run_of(text_problem(), "steps=30 samples_per_step=4 samples_per_request=2 seed=7");
    uint64_t seen[256];
    size_t n = 0;
    opro_request *request;
    opro_status st;

    (void)state;
    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK) {
        for (size_t i = 0; i < opro_request_samples(request); i++) {
            seen[n] = opro_request_seed(request) + i;
            for (size_t k = 0; k < n; k++)
                assert_true(seen[k] != seen[n]);
            n++;
        }
        assert_int_equal(answer_any(run, request), OPRO_OK);
    }
    assert_int_equal(n, 120);
    opro_run_free(run);
}

/* ---- which candidates are admitted ----------------------------------------------------------- */

/* What becomes of one proposal: its reason, or NONE and the text that will be scored. */
static int32_t admitted(opro_problem *problem, const char *settings, const char *text,
                        const char *expected) {
    char all[256];
    opro_run *run;
    const opro_trajectory *t;
    uint64_t id;
    int32_t reason = OPRO_REASON_NONE;
    opro_request *request;

    snprintf(all, sizeof all, "samples_per_step=1 resample_limit=0 steps=1 %s", settings);
    run = run_of(problem, all);
    id = next_id(run, OPRO_REQUEST_PROPOSE);
    assert_int_equal(opro_run_answer_solution(run, id, 0, 300, text, OPRO_ZT), OPRO_OK);
    t = opro_run_trajectory(run);
    if (opro_run_next(run, 0, &request) == OPRO_OK) {
        assert_string_equal(opro_request_text(request, NULL), expected);
        tell_score(run, request, 0.5);
        assert_int_equal(opro_trajectory_verdict(t, 0), OPRO_VERDICT_SCORED);
    } else {
        assert_int_equal(opro_trajectory_verdict(t, 0), OPRO_VERDICT_REJECTED);
        assert_true(isnan(opro_trajectory_score(t, 0)));
        reason = opro_trajectory_reason(t, 0);
        if (expected) assert_string_equal(opro_trajectory_text(t, 0, NULL), expected);
        assert_true(opro_trajectory_detail(t, 0, NULL)[0] != '\0');
    }
    assert_int_equal(opro_trajectory_origin(t, 0), 300);
    assert_int_equal(opro_trajectory_count(t), 1);
    opro_run_free(run);
    return reason;
}

static int32_t plain(const char *settings, const char *text, const char *expected) {
    return admitted(text_problem(), settings, text, expected);
}

static void filters_reject_with_their_reason(void **state) {
    (void)state;
    assert_int_equal(plain("max_length=5", "12345", "12345"), OPRO_REASON_NONE);
    assert_int_equal(plain("max_length=5", "123456", "123456"), OPRO_REASON_TOO_LONG);
    assert_int_equal(plain("max_length=5",
                           "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", /* letters, not bytes */
                           "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"),
                     OPRO_REASON_NONE);
    assert_int_equal(plain("max_length=0", "a long one", "a long one"), OPRO_REASON_NONE);
    assert_int_equal(plain("", "step 1", "step 1"), OPRO_REASON_NONE);
    assert_int_equal(plain("forbid_digits=1", "step 1", "step 1"), OPRO_REASON_DIGITS);
    assert_int_equal(plain("forbid_digits=1", "step one", "step one"), OPRO_REASON_NONE);
    assert_int_equal(plain("", "put INS here", "put INS here"), OPRO_REASON_PLACEHOLDER);
    assert_int_equal(plain("", "put ins here", "put ins here"), OPRO_REASON_NONE);
    assert_int_equal(plain("forbid_placeholder=0", "put INS here", "put INS here"),
                     OPRO_REASON_NONE);
    assert_int_equal(plain("", "INS", "INS"), OPRO_REASON_PLACEHOLDER);
}

static void tidying_is_off_unless_asked_for(void **state) {
    (void)state;
    assert_int_equal(plain("tidy=0", "**so** it is", "**so** it is"), OPRO_REASON_NONE);
    assert_int_equal(plain("tidy=1", "**so** it is", "So it is"), OPRO_REASON_NONE);
    assert_int_equal(plain("tidy=1", "  so it is \n", "So it is"), OPRO_REASON_NONE);
    assert_int_equal(plain("tidy=1", "So", "So"), OPRO_REASON_NONE);
    assert_int_equal(plain("tidy=1", " **** ", ""), OPRO_REASON_NO_CANDIDATE);
}

static void duplicates_by_the_option_dedup(void **state) {
    static const struct {
        const char *dedup, *a, *b;
        int same;
    } cases[] = {{"dedup=exact", "one two", "one two", 1},
                 {"dedup=exact", "one two", "One two", 0},
                 {"dedup=exact", "one two", "one  two", 0},
                 {"dedup=normalised", "one two", "One  TWO ", 1},
                 {"dedup=normalised", "one two", "onetwo", 0},
                 {"dedup=normalised", "one two", "one two.", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char settings[64];
        opro_run *run;

        snprintf(settings, sizeof settings, "samples_per_step=1 resample_limit=0 %s",
                 cases[i].dedup);
        run = run_of(text_problem(), settings);
        propose_next(run, VECTOR_OF(cases[i].a));
        score_next(run, 0.5);
        propose_next(run, VECTOR_OF(cases[i].b));
        assert_int_equal(opro_run_count(run, OPRO_COUNT_DUPLICATES), cases[i].same);
        assert_int_equal(opro_request_kind(next_of(run, cases[i].same ? OPRO_REQUEST_PROPOSE
                                                                      : OPRO_REQUEST_SCORE)),
                         cases[i].same ? OPRO_REQUEST_PROPOSE : OPRO_REQUEST_SCORE);
        opro_run_free(run);
    }
}

/* A rejected text is a duplicate when it comes again, too. */
static void what_was_rejected_is_met(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=1 resample_limit=0 forbid_digits=1");

    (void)state;
    propose_next(run, VECTOR_OF("take 2"));
    propose_next(run, VECTOR_OF("take 2"));
    assert_int_equal(opro_run_count(run, OPRO_COUNT_DUPLICATES), 1);
    assert_int_equal(opro_trajectory_count(opro_run_trajectory(run)), 1);
    assert_int_equal(opro_trajectory_proposals(opro_run_trajectory(run), 0), 2);
    assert_int_equal(opro_trajectory_reason(opro_run_trajectory(run), 0), OPRO_REASON_DIGITS);
    opro_run_free(run);
}

/* ---- the steps of a problem ------------------------------------------------------------------ */

/* Letters only, in lower case; "?" is no solution, "!" an error, "0" breaks the contract. */
static int32_t lower_case(const opro_problem *problem, const char *text, size_t len,
                          opro_sink *sink, void *user_data) {
    char out[64];

    assert_int_equal(text[len], 0);
    (void)problem;
    (void)user_data;
    if (len && text[0] == '!') return OPRO_ERR_USER_LAST;
    if (len && text[0] == '0') return OPRO_OK;
    if (len && text[0] == '?') return opro_sink_reject(sink, "a question", OPRO_ZT);
    for (size_t i = 0; i < len && i < sizeof out; i++)
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    return opro_sink_text(sink, out, len);
}

static int32_t no_vowel_first(const opro_problem *problem, const char *text, size_t len,
                              opro_sink *sink, void *user_data) {
    assert_int_equal(text[len], 0);
    (void)problem;
    (void)user_data;
    return len && strchr("aeiou", text[0]) ? opro_sink_reject(sink, "a vowel comes first", OPRO_ZT)
                                           : opro_sink_count(sink, 0);
}

/* Puts an "X" in front; what begins with "u" is past repair, and "ii" becomes worse. */
static int32_t put_x(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    char out[64];

    assert_int_equal(text[len], 0);
    (void)problem;
    (void)user_data;
    if (len && text[0] == 'u') return opro_sink_reject(sink, "past repair", OPRO_ZT);
    if (len > 1 && text[0] == 'i') return opro_sink_text(sink, "oo", 2);
    snprintf(out, sizeof out, "X%.*s", (int)len, text);
    return opro_sink_text(sink, out, OPRO_ZT);
}

/* "good" can be bettered, written so that it is not canonical. */
static int32_t better(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    assert_int_equal(text[len], 0);
    (void)problem;
    (void)user_data;
    return len == 4 && memcmp(text, "good", 4) == 0 ? opro_sink_text(sink, "BETTER", 6)
                                                    : opro_sink_text(sink, text, len);
}

/* Candidates are words. */
static int32_t words(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    int32_t st = OPRO_OK;

    assert_int_equal(text[len], 0);
    (void)problem;
    (void)user_data;
    for (size_t i = 0; i < len && st == OPRO_OK;) {
        size_t n = strcspn(text + i, " ");

        if (n) st = opro_sink_text(sink, text + i, n);
        i += n + (text[i + n] == ' ');
    }
    return st;
}

static opro_problem *words_problem(void) {
    opro_problem *problem = text_problem();

    opro_problem_set_canonical_fn(problem, lower_case, NULL, NULL);
    opro_problem_set_check_fn(problem, no_vowel_first, NULL, NULL);
    opro_problem_set_repair_fn(problem, put_x, NULL, NULL);
    opro_problem_set_polish_fn(problem, better, NULL, NULL);
    opro_problem_set_parse_fn(problem, words, NULL, NULL);
    return problem;
}

static void candidates_are_made_canonical_and_checked(void **state) {
    (void)state;
    assert_int_equal(admitted(words_problem(), "", "Try", "try"), OPRO_REASON_NONE);
    assert_int_equal(admitted(words_problem(), "", "Ask", "ask"), OPRO_REASON_NOT_LEGAL);
    assert_int_equal(admitted(words_problem(), "", "?what", "?what"), OPRO_REASON_NOT_LEGAL);
}

static void repair_is_off_unless_asked_for(void **state) {
    (void)state;
    assert_int_equal(admitted(words_problem(), "repair=0", "ask", "ask"), OPRO_REASON_NOT_LEGAL);
    assert_int_equal(admitted(words_problem(), "repair=1", "ask", "xask"), OPRO_REASON_NONE);
    assert_int_equal(admitted(words_problem(), "repair=1", "?what", "x?what"), OPRO_REASON_NONE);
    assert_int_equal(admitted(words_problem(), "repair=1", "use", NULL), OPRO_REASON_NOT_LEGAL);
    assert_int_equal(admitted(words_problem(), "repair=1", "ii", NULL), OPRO_REASON_NOT_LEGAL);
    assert_int_equal(admitted(words_problem(), "repair=1", "try", "try"), OPRO_REASON_NONE);
}

/* "A legal text": it need not be canonical, but what is remembered is. */
static void polish_is_on_and_its_text_becomes_canonical(void **state) {
    (void)state;
    assert_int_equal(admitted(words_problem(), "", "good", "better"), OPRO_REASON_NONE);
    assert_int_equal(admitted(words_problem(), "polish=0", "good", "good"), OPRO_REASON_NONE);
}

static void flags_tell_what_was_done(void **state) {
    opro_problem *problem = words_problem();
    opro_run *run;
    const opro_trajectory *t;

    (void)state;
    opro_problem_add_initial(problem, "Start", OPRO_ZT);
    run = run_of(problem, "samples_per_step=4 repair=1");
    t = opro_run_trajectory(run);
    score_next(run, 0.5);
    propose_next(run, VECTOR_OF("ask", "good", "try", "Better"));
    for (int i = 0; i < 3; i++)
        score_next(run, 0.5);
    assert_int_equal(opro_trajectory_flags(t, 0), OPRO_FLAG_INITIAL);
    propose_next(run, VECTOR_OF("more"));
    score_next(run, 0.5);
    assert_int_equal(opro_trajectory_flags(t, 1), OPRO_FLAG_REPAIRED);
    assert_int_equal(opro_trajectory_flags(t, 2), OPRO_FLAG_POLISHED);
    assert_int_equal(opro_trajectory_flags(t, 3), 0);
    assert_string_equal(opro_trajectory_text(t, 2, NULL), "better");
    assert_int_equal(opro_trajectory_proposals(t, 2), 2);
    opro_run_free(run);
}

static void a_parser_of_the_host_finds_the_candidates(void **state) {
    opro_run *run = run_of(words_problem(), "samples_per_step=2 candidates_per_reply=2 polish=0 "
                                            "resample_limit=0");
    uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);

    (void)state;
    tell_text(run, id, "Go left right");
    tell_text(run, id, "   ");
    assert_string_equal(opro_request_text(next_of(run, OPRO_REQUEST_SCORE), NULL), "go");
    assert_string_equal(opro_request_text(next_of(run, OPRO_REQUEST_SCORE), NULL), "left");
    expect_next(run, OPRO_WAIT);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_REJECTED), 1);
    opro_run_free(run);
}

/*
 * The host's memory ends where its text ends; what callbacks and observers read ends with a NUL all
 * the same.
 */
/*
 * The meta-prompt "pretrained" opens the tag: what a model goes on with closes it, and may open
 * more.
 */
static void a_reply_goes_on_from_the_prefix(void **state) {
    opro_run *run = run_of(text_problem(), "meta_prompt=pretrained samples_per_step=1 steps=1");
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);
    size_t last = opro_request_messages(request) - 1;

    (void)state;
    assert_int_equal(opro_request_message_role(request, last), OPRO_ROLE_ASSISTANT);
    tell_text(run, opro_request_id(request), "Go on.</TEXT>\n\nPrecision: 9 <TEXT>No.</TEXT>");
    request = next_of(run, OPRO_REQUEST_SCORE);
    assert_string_equal(opro_request_text(request, NULL), "Go on.");
    opro_run_free(run);
}

static void replies_need_not_end_with_a_nul(void **state) {
    opro_run *run = run_of(words_problem(), "samples_per_step=3 repair=1 candidates_per_reply=2");
    uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);
    char *bytes = malloc(6);
    ear e = {.len = 0};

    (void)state;
    memcpy(bytes, "go ask", 6);
    opro_run_set_observer(run, ear_hear, &e, NULL);
    assert_int_equal(opro_run_answer_reply(run, id, 0, 0, bytes, 6), OPRO_OK);
    assert_int_equal(opro_run_answer_solution(run, id, 1, 0, bytes, 1), OPRO_OK);
    assert_int_equal(opro_run_answer_truncated(run, id, 2, 0, bytes, 6), OPRO_OK);
    free(bytes);
    assert_string_equal(e.text, "reply 0.0\n"
                                "accepted 0.0 go\n"
                                "accepted 0.0 xask\n"
                                "reply 0.1\n"
                                "accepted 0.1 g\n"
                                "reply 0.2\n"
                                "rejected 0.2 truncated: go ask\n");
    opro_run_free(run);
}

/* Cut in the middle of a letter, as models do. */
static void a_truncated_reply_is_mended(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=1 resample_limit=0");
    ear e = {.len = 0};

    (void)state;
    opro_run_set_observer(run, ear_hear, &e, NULL);
    opro_run_answer_truncated(run, next_id(run, OPRO_REQUEST_PROPOSE), 0, 0, "caf\xc3", 4);
    assert_non_null(strstr(e.text, "rejected 0.0 truncated: caf\xef\xbf\xbd\n"));
    opro_run_free(run);
}

static void an_error_of_a_step_stops_the_run(void **state) {
    static const struct {
        const char *text;
        opro_status status;
    } cases[] = {{"!", OPRO_ERR_USER_LAST}, {"0", OPRO_ERR_CALLBACK}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        opro_run *run = run_of(words_problem(), "samples_per_step=2");
        uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);

        assert_int_equal(opro_run_answer_solution(run, id, 1, 0, cases[i].text, 1),
                         cases[i].status);
        assert_message(opro_run_error(run), cases[i].status);
        assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_ERROR);
        expect_next(run, OPRO_DONE);
        assert_int_equal(opro_run_answer_text(run, id, "x", 1), OPRO_ERR_STALE);
        opro_run_free(run);
    }
}

static void note_log(int32_t level, const char *domain, const char *message, size_t len,
                     void *user_data) {
    char *log = user_data;
    size_t at = strlen(log);

    (void)domain;
    if (level < OPRO_LOG_DEBUG) snprintf(log + at, 4096 - at, "%.*s\n", (int)len, message);
}

static int32_t no_parser(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                         void *user_data) {
    (void)problem;
    (void)text;
    (void)len;
    (void)sink;
    (void)user_data;
    return OPRO_ERR_FAILED;
}

/* Under the level "debug" there are neither prompts nor replies in the log. */
static void replies_are_not_logged(void **state) {
    static const char reply[] = "private " CANDIDATE("answer");
    opro_problem *problem = text_problem();
    opro_config *config = config_of("samples_per_step=3");
    char log[4096] = "";
    opro_run *run;
    uint64_t id;

    (void)state;
    opro_problem_set_parse_fn(problem, no_parser, NULL, NULL);
    opro_config_set_log(config, OPRO_LOG_DEBUG, note_log, log, NULL);
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    opro_config_free(config);
    opro_problem_free(problem);
    id = next_id(run, OPRO_REQUEST_PROPOSE);
    opro_run_answer_truncated(run, id, 0, 0, reply, OPRO_ZT);
    opro_run_answer_text(run, id + 1, reply, OPRO_ZT);
    assert_int_equal(opro_run_answer_text(run, id, reply, OPRO_ZT), OPRO_ERR_FAILED);
    assert_non_null(strstr(log, "parse"));
    assert_null(strstr(log, "private"));
    assert_null(strstr(log, "say it well"));
    opro_run_free(run);
}

/* ---- starts ---------------------------------------------------------------------------------- */

static void initial_solutions_come_first_and_are_met(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;
    const opro_trajectory *t;

    (void)state;
    opro_problem_add_initial(problem, "alpha", OPRO_ZT);
    opro_problem_add_initial(problem, "beta", OPRO_ZT);
    opro_problem_add_initial(problem, "alpha", OPRO_ZT); /* twice is once */
    run = run_of(problem, "samples_per_step=2 resample_limit=0");
    t = opro_run_trajectory(run);
    score_next(run, 0.25);
    assert_int_equal(opro_run_step(run), -1);
    score_next(run, 0.75);
    assert_int_equal(opro_trajectory_count(t), 2);
    assert_int_equal(opro_trajectory_step(t, 1), -1);
    assert_int_equal(opro_trajectory_flags(t, 1), OPRO_FLAG_INITIAL);
    assert_true(opro_trajectory_figure(t, -1, OPRO_FIGURE_MEAN) == 0.5);
    propose_next(run, VECTOR_OF("Beta", "gamma"));
    assert_int_equal(opro_run_count(run, OPRO_COUNT_DUPLICATES), 1);
    score_next(run, 0.5);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_SCORER_CALLS), 3);
    assert_string_equal(opro_trajectory_text(t, opro_trajectory_best(t), NULL), "beta");
    opro_run_free(run);
}

static void the_direction_decides_what_is_best(void **state) {
    (void)state;
    for (int minimize = 0; minimize < 2; minimize++) {
        opro_problem *problem = text_problem();
        opro_run *run;
        const opro_trajectory *t;
        int64_t top[2];

        opro_problem_set_direction(problem, minimize ? OPRO_MINIMIZE : OPRO_MAXIMIZE);
        opro_problem_set_score_range(problem, NAN, NAN);
        run = run_of(problem, "samples_per_step=3 resample_limit=0");
        t = opro_run_trajectory(run);
        propose_next(run, VECTOR_OF("a", "b", "c"));
        score_next(run, -5);
        score_next(run, 100);
        score_next(run, 0);
        assert_int_equal(opro_trajectory_best(t), minimize ? 0 : 1);
        assert_int_equal(opro_trajectory_top(t, top, 2), 2);
        assert_int_equal(top[1], 2);
        assert_true(opro_trajectory_figure(t, 0, OPRO_FIGURE_BEST) == (minimize ? -5 : 100));
        assert_true(opro_trajectory_figure(t, 0, OPRO_FIGURE_BEST_SO_FAR) == (minimize ? -5 : 100));
        opro_run_free(run);
    }
}

static opro_trajectory *trajectory_of(int32_t direction, const char *const *texts, double score) {
    opro_trajectory *t;

    assert_int_equal(opro_trajectory_new(&t, direction, NULL), OPRO_OK);
    for (size_t i = 0; texts[i]; i++)
        assert_int_equal(opro_trajectory_add(t, texts[i], OPRO_ZT, &score, 1, NULL), OPRO_OK);
    return t;
}

static void a_warm_start_is_not_scored_again(void **state) {
    opro_trajectory *from = trajectory_of(OPRO_MAXIMIZE, VECTOR_OF("One", "ask", "two"), 0.5);
    opro_problem *problem = words_problem();
    opro_run *run;
    const opro_trajectory *t;

    (void)state;
    opro_problem_add_initial(problem, "TWO", OPRO_ZT);
    opro_problem_add_initial(problem, "three", OPRO_ZT);
    run = run_of(problem, "samples_per_step=2 resample_limit=0 polish=0");
    t = opro_run_trajectory(run);
    assert_int_equal(opro_run_warm_start(run, from), OPRO_OK);
    opro_trajectory_free(from);
    assert_int_equal(opro_trajectory_count(t), 1); /* "one" and "ask" begin with a vowel */
    assert_true(opro_trajectory_flags(t, 0) & OPRO_FLAG_WARM);
    assert_string_equal(opro_trajectory_text(t, 0, NULL), "two");
    assert_true(opro_trajectory_score(t, 0) == 0.5);
    assert_string_equal(opro_request_text(next_of(run, OPRO_REQUEST_SCORE), NULL), "three");
    expect_next(run, OPRO_WAIT);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_SCORER_CALLS), 1);
    opro_run_free(run);
}

/* The spelling of a warm start need not be canonical: it is the initial solution all the same. */
static void a_warm_start_meets_initial_solutions_by_canonical_text(void **state) {
    opro_trajectory *from = trajectory_of(OPRO_MAXIMIZE, VECTOR_OF("Two"), 0.5);
    opro_problem *problem = words_problem();
    opro_run *run;

    (void)state;
    opro_problem_add_initial(problem, "TWO", OPRO_ZT);
    run = run_of(problem, "samples_per_step=2");
    assert_int_equal(opro_run_warm_start(run, from), OPRO_OK);
    assert_int_equal(opro_trajectory_count(opro_run_trajectory(run)), 1);
    assert_true(opro_trajectory_score(opro_run_trajectory(run), 0) == 0.5);
    next_of(run, OPRO_REQUEST_PROPOSE);
    opro_trajectory_free(from);
    opro_run_free(run);
}

static void a_warm_start_that_does_not_fit_is_refused(void **state) {
    opro_trajectory *other = trajectory_of(OPRO_MINIMIZE, VECTOR_OF("one"), 0.5);
    opro_trajectory *high = trajectory_of(OPRO_MAXIMIZE, VECTOR_OF("one"), 1.5);
    opro_trajectory *fits = trajectory_of(OPRO_MAXIMIZE, VECTOR_OF("one"), 0.5);
    opro_run *run = run_of(text_problem(), "samples_per_step=1");
    uint64_t hash = opro_run_state_hash(run);
    double score = 7;

    (void)state;
    assert_int_equal(opro_run_warm_start(run, other), OPRO_ERR_INVALID);
    assert_message(opro_run_error(run), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_warm_start(run, high), OPRO_ERR_INVALID);
    opro_trajectory_add(fits, "later", OPRO_ZT, &score, 1, NULL);
    assert_int_equal(opro_run_warm_start(run, fits), OPRO_ERR_INVALID); /* all or nothing */
    assert_int_equal(opro_trajectory_count(opro_run_trajectory(run)), 0);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_NONE);
    assert_true(hash == opro_run_state_hash(run));
    next_of(run, OPRO_REQUEST_PROPOSE);
    opro_trajectory_free(fits);
    fits = trajectory_of(OPRO_MAXIMIZE, VECTOR_OF("one"), 0.5);
    assert_int_equal(opro_run_warm_start(run, fits), OPRO_ERR_STATE);
    opro_trajectory_free(other);
    opro_trajectory_free(high);
    opro_trajectory_free(fits);
    opro_run_free(run);
}

static void a_warm_start_is_copied_with_its_instances(void **state) {
    double scores[3] = {1, 0, 0.5}, got[3];
    opro_trajectory *from;
    opro_problem *problem = text_problem();
    opro_run *run, *second;

    (void)state;
    opro_trajectory_new(&from, OPRO_MAXIMIZE, NULL);
    opro_trajectory_add(from, "one", OPRO_ZT, scores, 3, NULL);
    opro_problem_set_instances(problem, 3, 0);
    run = run_of(problem, "");
    assert_int_equal(opro_run_warm_start(run, from), OPRO_OK);
    opro_trajectory_free(from);
    assert_int_equal(opro_trajectory_scores(opro_run_trajectory(run), 0, OPRO_TRAIN, got, 3), 3);
    assert_memory_equal(got, scores, sizeof got);
    second = run_of(text_problem(), "");
    assert_int_equal(opro_run_warm_start(second, opro_run_trajectory(run)), OPRO_OK);
    opro_run_free(run);
    assert_int_equal(opro_trajectory_count(opro_run_trajectory(second)), 1);
    opro_run_free(second);
}

/* ---- the meta-prompt ------------------------------------------------------------------------- */

static void a_meta_prompt_of_the_host_is_used(void **state) {
    opro_problem *problem = text_problem();
    opro_config *config = config_of("samples_per_step=1");
    opro_meta_prompt *own, *foreign;
    opro_problem *other = text_problem();
    opro_run *run;
    opro_request *request;

    (void)state;
    assert_int_equal(opro_meta_prompt_new(&own, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_meta_prompt_new(&foreign, other, config, NULL), OPRO_OK);
    assert_int_equal(
        opro_meta_prompt_set_template(own, OPRO_BLOCK_REQUEST, "Now, wise one!", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_run_set_meta_prompt(run, foreign), OPRO_ERR_INVALID);
    assert_message(opro_run_error(run), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_set_meta_prompt(run, own), OPRO_OK);
    opro_meta_prompt_free(own);
    opro_meta_prompt_free(foreign);
    opro_problem_free(problem);
    opro_problem_free(other);
    opro_config_free(config);
    request = next_of(run, OPRO_REQUEST_PROPOSE);
    assert_non_null(strstr(opro_request_text(request, NULL), "Now, wise one!"));
    opro_run_free(run);
}

/* ---- validation ------------------------------------------------------------------------------ */

static void every_third_step_is_validated(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;
    const opro_trajectory *t;
    opro_request *request;
    long seen[8] = {0};

    (void)state;
    opro_problem_set_instances(problem, 2, 3);
    run = run_of(problem, "samples_per_step=2 steps=7 eval_interval=3");
    t = opro_run_trajectory(run);
    while (opro_run_next(run, 0, &request) == OPRO_OK) {
        if (opro_request_kind(request) == OPRO_REQUEST_SCORE) {
            int validates = opro_request_set(request) == OPRO_VALIDATION;
            size_t n;

            opro_request_instances(request, &n);
            assert_int_equal(n, validates ? 3 : 2);
            seen[opro_request_step(request)] += validates;
            tell_score(run, request, (double)(opro_request_step(request) * 2 + validates) / 20);
        } else {
            assert_int_equal(answer_any(run, request), OPRO_OK);
        }
    }
    for (int step = 0; step < 7; step++)
        assert_int_equal(seen[step], step % 3 == 0 ? 2 : 0);
    for (int64_t i = 0; i < 14; i++) {
        int64_t step = opro_trajectory_step(t, i);

        assert_true(opro_trajectory_score(t, i) == (double)(step * 2) / 20);
        assert_int_equal(isnan(opro_trajectory_validation(t, i)) != 0, step % 3 != 0);
        assert_int_equal(opro_trajectory_scores(t, i, OPRO_VALIDATION, NULL, 0), step % 3 ? 0 : 3);
    }
    assert_int_equal(opro_trajectory_best_validated(t), 12);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_SCORER_CALLS), 14 * 2 + 6 * 3);
    assert_true(opro_trajectory_figure(t, 3, OPRO_FIGURE_SCORER_CALLS) == 10);
    opro_run_free(run);
}

static void best_by_validation_may_be_another(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;
    const opro_trajectory *t;

    (void)state;
    opro_problem_set_instances(problem, 1, 1);
    run = run_of(problem, "samples_per_step=2 steps=1 eval_interval=1");
    t = opro_run_trajectory(run);
    propose_next(run, VECTOR_OF("a", "b"));
    score_next(run, 0.9);
    score_next(run, 0.8);
    score_next(run, 0.1); /* of a, on validation */
    score_next(run, 0.7);
    assert_int_equal(opro_trajectory_best(t), 0);
    assert_int_equal(opro_trajectory_best_validated(t), 1);
    opro_run_free(run);

    problem = text_problem();
    opro_problem_set_instances(problem, 1, 1);
    run = run_of(problem, "samples_per_step=2 steps=2 eval_interval=0");
    finish(run, OPRO_STOP_STEPS);
    assert_int_equal(opro_trajectory_best_validated(opro_run_trajectory(run)), -1);
    opro_run_free(run);
}

static void a_candidate_that_cannot_be_validated_keeps_its_score(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;
    const opro_trajectory *t;
    uint64_t id;

    (void)state;
    opro_problem_set_instances(problem, 1, 1);
    run = run_of(problem, "samples_per_step=1 eval_interval=1");
    t = opro_run_trajectory(run);
    propose_next(run, VECTOR_OF("a"));
    score_next(run, 0.9);
    id = next_id(run, OPRO_REQUEST_SCORE);
    assert_int_equal(opro_run_answer_error(run, id, OPRO_ERR_FAILED, "no", 2), OPRO_OK);
    assert_int_equal(opro_trajectory_verdict(t, 0), OPRO_VERDICT_SCORED);
    assert_true(opro_trajectory_score(t, 0) == 0.9);
    assert_true(isnan(opro_trajectory_validation(t, 0)));
    opro_run_free(run);
}

/* ---- why runs stop --------------------------------------------------------------------------- */

static void stops_after_its_steps(void **state) {
    opro_run *run = run_of(text_problem(), "steps=3 samples_per_step=2");
    const opro_trajectory *t = opro_run_trajectory(run);

    (void)state;
    finish(run, OPRO_STOP_STEPS);
    assert_int_equal(opro_trajectory_steps(t), 3);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_PROPOSALS), 6);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_REPLIES), 6);
    assert_true(isnan(opro_trajectory_figure(t, 3, OPRO_FIGURE_PROPOSALS)));
    assert_true(isnan(opro_trajectory_figure(t, 0, 5)));
    opro_run_free(run);
}

static void steps_count_when_they_have_ended(void **state) {
    opro_run *run = run_of(text_problem(), "steps=3 samples_per_step=2");
    const opro_trajectory *t = opro_run_trajectory(run);

    (void)state;
    assert_int_equal(opro_trajectory_steps(t), 0);
    propose_next(run, VECTOR_OF("a", "b"));
    assert_int_equal(opro_trajectory_steps(t), 0);
    score_next(run, 0.5);
    score_next(run, 0.5);
    assert_int_equal(opro_trajectory_steps(t), 1);
    next_of(run, OPRO_REQUEST_PROPOSE);
    assert_int_equal(opro_trajectory_steps(t), 1);
    opro_run_free(run);
}

static void stops_at_its_target(void **state) {
    opro_problem *problem;
    opro_run *run;

    (void)state;
    for (int minimize = 0; minimize < 2; minimize++) {
        problem = text_problem();
        opro_problem_set_direction(problem, minimize ? OPRO_MINIMIZE : OPRO_MAXIMIZE);
        run = run_of(problem, "samples_per_step=1 target_score=0.5");
        propose_next(run, VECTOR_OF("a"));
        score_next(run, minimize ? 0.75 : 0.25);
        propose_next(run, VECTOR_OF("b"));
        score_next(run, 0.5); /* "at least this good" */
        expect_next(run, OPRO_DONE);
        assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_TARGET);
        opro_run_free(run);
    }
    problem = text_problem();
    opro_problem_add_initial(problem, "alpha", OPRO_ZT);
    run = run_of(problem, "target_score=0.5");
    score_next(run, 0.9);
    expect_next(run, OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_TARGET);
    opro_run_free(run);
}

static void a_warm_start_may_have_reached_the_target(void **state) {
    opro_trajectory *from = trajectory_of(OPRO_MAXIMIZE, VECTOR_OF("one"), 0.75);
    opro_run *run = run_of(text_problem(), "target_score=0.5");

    (void)state;
    opro_run_warm_start(run, from);
    expect_next(run, OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_TARGET);
    opro_trajectory_free(from);
    opro_run_free(run);
}

static void stops_when_patience_is_at_its_end(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=1 patience=2");
    const double scores[] = {0.5, 0.4, 0.6, 0.6, 0.5};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char text[8] = {(char)('a' + i), 0};

        propose_next(run, VECTOR_OF(text));
        score_next(run, scores[i]);
    }
    expect_next(run, OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_PATIENCE);
    opro_run_free(run);
}

/* As finish(), when every answer used so many tokens and so much money. */
static void finish_using(opro_run *run, int64_t amount, int32_t reason) {
    opro_request *request;

    for (long n = 0; opro_run_next(run, 0, &request) == OPRO_OK; n++) {
        int64_t tokens = opro_request_kind(request) == OPRO_REQUEST_PROPOSE ? amount : 0;

        assert_true(n < 100000);
        assert_int_equal(opro_run_answer_usage(run, opro_request_id(request), tokens, tokens,
                                               tokens ? 0 : amount),
                         OPRO_OK);
        assert_int_equal(answer_any(run, request), OPRO_OK);
    }
    assert_int_equal(opro_run_stop_reason(run), reason);
}

static void stops_when_a_budget_is_used_up(void **state) {
    opro_run *run;
    opro_problem *problem;

    (void)state;
    run = run_of(text_problem(), "steps=0 samples_per_step=4 max_proposals=10");
    finish(run, OPRO_STOP_PROPOSALS);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_PROPOSALS), 10);
    assert_int_equal(opro_trajectory_count(opro_run_trajectory(run)), 10);
    opro_run_free(run);

    problem = text_problem();
    opro_problem_set_instances(problem, 3, 0);
    run = run_of(problem, "steps=0 samples_per_step=4 max_scorer_calls=29");
    finish(run, OPRO_STOP_SCORER_CALLS);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_SCORER_CALLS), 27);
    opro_run_free(run);

    run =
        run_of(text_problem(), "steps=0 samples_per_step=4 max_tokens=20000 max_reply_tokens=1000");
    finish_using(run, 10, OPRO_STOP_TOKENS);
    assert_true(opro_run_count(run, OPRO_COUNT_TOKENS) <= 20000);
    opro_run_free(run);

    run = run_of(text_problem(), "steps=0 samples_per_step=4 max_cost=500 score_cost=100");
    finish_using(run, 20, OPRO_STOP_COST);
    assert_true(opro_run_count(run, OPRO_COUNT_COST) <= 500);
    assert_true(opro_run_count(run, OPRO_COUNT_COST) > 400);
    opro_run_free(run);
}

static void initial_solutions_keep_within_budgets(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;

    (void)state;
    for (int i = 0; i < 5; i++) {
        char text[8] = {(char)('a' + i), 0};

        opro_problem_add_initial(problem, text, 1);
    }
    run = run_of(problem, "steps=0 max_scorer_calls=3");
    for (int i = 0; i < 3; i++)
        score_next(run, 0.5);
    expect_next(run, OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_SCORER_CALLS);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_SCORER_CALLS), 3);
    assert_int_equal(opro_trajectory_count(opro_run_trajectory(run)), 5);
    assert_int_equal(opro_trajectory_verdict(opro_run_trajectory(run), 4), OPRO_VERDICT_FAILED);
    opro_run_free(run);
}

static void what_is_used_is_counted(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=2 max_tokens=100000");
    uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);
    const opro_trajectory *t = opro_run_trajectory(run);

    (void)state;
    assert_true(opro_run_count(run, OPRO_COUNT_RESERVED_TOKENS) >= 2048);
    tell_text(run, id, CANDIDATE("one"));
    assert_int_equal(opro_run_answer_usage(run, id, 100, 10, 5), OPRO_OK);
    assert_int_equal(opro_run_answer_usage(run, id, 1, 2, 3), OPRO_OK); /* they add up */
    tell_text(run, id, CANDIDATE("two"));
    assert_int_equal(opro_run_count(run, OPRO_COUNT_PROMPT_TOKENS), 101);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_REPLY_TOKENS), 12);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_TOKENS), 113);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_COST), 8);
    score_next(run, 0.5);
    score_next(run, 0.5);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_RESERVED_TOKENS), 0);
    assert_true(opro_trajectory_figure(t, 0, OPRO_FIGURE_PROMPT_TOKENS) == 101);
    assert_true(opro_trajectory_figure(t, 0, OPRO_FIGURE_REPLY_TOKENS) == 12);
    assert_true(opro_trajectory_figure(t, 0, OPRO_FIGURE_COST) == 8);
    assert_int_equal(opro_run_count(run, 12345), 0);
    opro_run_free(run);
}

/* More than was reserved: the step goes on, but it was the last. */
static void use_beyond_the_reservation_stops_the_run(void **state) {
    opro_run *run =
        run_of(text_problem(), "samples_per_step=1 max_tokens=5000 max_reply_tokens=10");
    uint64_t id = next_id(run, OPRO_REQUEST_PROPOSE);

    (void)state;
    assert_int_equal(opro_run_answer_usage(run, id, 9999, 9999, 0), OPRO_OK);
    tell_text(run, id, CANDIDATE("one"));
    score_next(run, 0.5);
    expect_next(run, OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_TOKENS);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_TOKENS), 19998);
    opro_run_free(run);
}

/* Sums of what hosts say do not wrap around. */
static void absurd_use_is_counted_as_a_lot(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=2 samples_per_request=1");
    uint64_t a = next_id(run, OPRO_REQUEST_PROPOSE), b = next_id(run, OPRO_REQUEST_PROPOSE);

    (void)state;
    assert_int_equal(opro_run_answer_usage(run, a, INT64_MAX, INT64_MAX, INT64_MAX), OPRO_OK);
    assert_int_equal(opro_run_answer_usage(run, a, INT64_MAX, INT64_MAX, INT64_MAX), OPRO_OK);
    assert_int_equal(opro_run_answer_usage(run, b, INT64_MAX, INT64_MAX, INT64_MAX), OPRO_OK);
    tell_text(run, a, CANDIDATE("one"));
    tell_text(run, b, CANDIDATE("two"));
    assert_int_equal(opro_run_count(run, OPRO_COUNT_PROMPT_TOKENS), INT64_MAX);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_REPLY_TOKENS), INT64_MAX);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_TOKENS), INT64_MAX);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_COST), INT64_MAX);
    opro_run_free(run);
}

/* The largest values that options take are reserved without an overflow, and given back. */
static void absurd_prices_are_reserved_and_given_back(void **state) {
    opro_problem *problem = text_problem();
    opro_run *run;

    (void)state;
    opro_problem_set_instances(problem, 15, 0);
    run = run_of(problem, "samples_per_step=2000 samples_per_request=1 max_in_flight=65536 steps=2 "
                          "max_reply_tokens=9007199254740992 score_tokens=9007199254740992 "
                          "score_cost=9007199254740992 reply_price=9007199254740992");
    finish(run, OPRO_STOP_STEPS);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_RESERVED_TOKENS), 0);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_RESERVED_COST), 0);
    opro_run_free(run);
}

static void stops_when_its_time_is_over(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=1 max_time_ms=1000");
    opro_request *request;

    (void)state;
    assert_int_equal(opro_run_next(run, -500, &request), OPRO_OK); /* any clock will do */
    assert_int_equal(opro_run_timeout(run, 100), 400);
    tell_text(run, opro_request_id(request), CANDIDATE("one"));
    assert_int_equal(opro_run_next(run, 499, &request), OPRO_OK);
    assert_int_equal(opro_run_next(run, 500, &request), OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_TIME);
    opro_run_free(run);

    run = run_of(text_problem(), "max_time_ms=1000");
    assert_int_equal(opro_run_next(run, INT64_MIN, &request), OPRO_OK);
    assert_int_equal(opro_run_next(run, INT64_MAX, &request), OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_TIME);
    opro_run_free(run);
}

/* Proposals fail, or scores do, one after the other. */
static void stops_after_failures_in_a_row(void **state) {
    (void)state;
    for (int scores = 0; scores < 2; scores++) {
        opro_run *run = run_of(text_problem(), "samples_per_step=2 steps=1000 max_failures=5 "
                                               "samples_per_request=1 resample_limit=0");
        opro_request *request;
        long n = 0;

        while (opro_run_next(run, 0, &request) == OPRO_OK && n < 1000) {
            int fails = (opro_request_kind(request) == OPRO_REQUEST_SCORE) == scores;

            if (fails)
                opro_run_answer_error(run, opro_request_id(request), OPRO_ERR_FAILED, "no", 2);
            else
                assert_int_equal(answer_any(run, request), OPRO_OK);
            n += fails;
        }
        assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_FAILURES);
        assert_true(n >= 5 && n <= 6); /* the step is brought to its end */
        opro_run_free(run);
    }
}

static void failures_with_successes_between_do_not_stop_it(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=2 steps=20 max_failures=3 "
                                           "samples_per_request=1 resample_limit=0");
    opro_request *request;
    opro_status st;
    long n = 0;

    (void)state;
    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK)
        if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE && n++ % 2)
            opro_run_answer_error(run, opro_request_id(request), OPRO_ERR_FAILED, "no", 2);
        else
            assert_int_equal(answer_any(run, request), OPRO_OK);
    assert_int_equal(st, OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_STEPS);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_FAILURES), 20);
    opro_run_free(run);
}

/* ---- steady mode ----------------------------------------------------------------------------- */

typedef struct under_way {
    opro_request *open[512];
    size_t answered[512]; /* samples */
    size_t n;
} under_way;

static uint32_t draw(uint32_t *random) {
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

/* Answer a random one, or one sample of it. Some replies hold nothing, or several candidates. */
static void answer_one(opro_run *run, under_way *u, uint32_t *random) {
    static const char *const replies[4] = {CANDIDATE("idea %x") " or " CANDIDATE("second %x"),
                                           CANDIDATE("idea %x"), "nothing", CANDIDATE("INS %x")};
    size_t pick = draw(random) % u->n;
    opro_request *request = u->open[pick];
    int last = opro_request_kind(request) == OPRO_REQUEST_SCORE ||
               ++u->answered[pick] == opro_request_samples(request);
    char reply[256];

    if (last) {
        u->n--;
        u->open[pick] = u->open[u->n];
        u->answered[pick] = u->answered[u->n];
    }
    if (opro_request_kind(request) == OPRO_REQUEST_SCORE) {
        tell_score(run, request, (double)(draw(random) & 1023) / 1024);
        return;
    }
    if (last) opro_run_answer_usage(run, opro_request_id(request), 500, 100, 0);
    snprintf(reply, sizeof reply, replies[draw(random) % 4], *random, *random);
    tell_text(run, opro_request_id(request), reply);
}

static long count_under_way(const under_way *u) {
    long n = 0;

    for (size_t i = 0; i < u->n; i++)
        n += opro_request_kind(u->open[i]) == OPRO_REQUEST_SCORE
                 ? 1
                 : (long)(opro_request_samples(u->open[i]) - u->answered[i]);
    return n;
}

/*
 * At most so many samples without a reply, and candidates without a score, at any time; and it
 * ends.
 */
static void keep_few_under_way(const char *settings, long most, int32_t reason) {
    under_way u = {.n = 0};
    opro_run *run = run_of(text_problem(), settings);
    uint32_t random = 12345;
    opro_status st;

    for (long turns = 0;; turns++) {
        opro_request *request;

        while ((st = opro_run_next(run, 0, &request)) == OPRO_OK) {
            assert_true(u.n < 512);
            u.answered[u.n] = 0;
            u.open[u.n++] = request;
        }
        if (st != OPRO_WAIT) break;
        if (count_under_way(&u) > most)
            fail_msg("%s: %ld are under way", settings, count_under_way(&u));
        assert_true(u.n > 0); /* else it would wait for ever */
        assert_true(turns < 100000);
        answer_one(run, &u, &random);
    }
    assert_int_equal(st, OPRO_DONE);
    assert_string_equal(opro_stop_reason_name(opro_run_stop_reason(run)),
                        opro_stop_reason_name(reason));
    assert_int_equal(opro_run_count(run, OPRO_COUNT_RESERVED_TOKENS), 0);
    opro_run_free(run);
}

static void steady_mode_keeps_few_under_way(void **state) {
    (void)state;
    keep_few_under_way("mode=steady steps=100", 16, OPRO_STOP_STEPS);
    keep_few_under_way("mode=steady steps=100 steady_candidates=4 steady_samples=4", 4,
                       OPRO_STOP_STEPS);
    keep_few_under_way("mode=steady steps=100 steady_candidates=7 steady_samples=3 "
                       "resample_limit=5",
                       7, OPRO_STOP_STEPS);
    keep_few_under_way("mode=steady steps=0 max_proposals=200 steady_samples=1", 16,
                       OPRO_STOP_PROPOSALS);
    keep_few_under_way("mode=steady steps=0 max_scorer_calls=200", 16, OPRO_STOP_SCORER_CALLS);
    keep_few_under_way("mode=steady steps=0 max_tokens=200000", 16, OPRO_STOP_TOKENS);
    keep_few_under_way("mode=steady steps=100 candidates_per_reply=2", 16, OPRO_STOP_STEPS);
}

static void steady_mode_does_not_wait_for_a_step_to_end(void **state) {
    opro_run *run = run_of(text_problem(), "mode=steady steady_candidates=4 steady_samples=2");
    opro_request *a = next_of(run, OPRO_REQUEST_PROPOSE), *b = next_of(run, OPRO_REQUEST_PROPOSE);
    const opro_trajectory *t = opro_run_trajectory(run);

    (void)state;
    expect_next(run, OPRO_WAIT);
    assert_int_equal(opro_request_step(b), 1);
    tell_text(run, opro_request_id(b), CANDIDATE("one"));
    score_next(run, 0.5);
    assert_int_equal(opro_trajectory_count(t), 1); /* at once */
    tell_text(run, opro_request_id(b), CANDIDATE("two"));
    score_next(run, 0.5);
    assert_int_equal(opro_request_step(next_of(run, OPRO_REQUEST_PROPOSE)), 2);
    tell_text(run, opro_request_id(a), CANDIDATE("three"));
    opro_run_free(run);
}

/* An older step that ends late brings no best of its own: what is newest counts. */
static void patience_in_steady_mode_counts_from_the_newest_best(void **state) {
    opro_run *run =
        run_of(text_problem(), "mode=steady steady_candidates=3 steady_samples=1 patience=3");
    opro_request *step[4];

    (void)state;
    for (int i = 0; i < 3; i++)
        step[i] = next_of(run, OPRO_REQUEST_PROPOSE);
    tell_text(run, opro_request_id(step[2]), CANDIDATE("late"));
    score_next(run, 0.5); /* step 2 is best ... */
    step[3] = next_of(run, OPRO_REQUEST_PROPOSE);
    tell_text(run, opro_request_id(step[0]), CANDIDATE("early"));
    score_next(run, 0.6); /* ... then step 0: still progress while step 2 was the newest */
    tell_text(run, opro_request_id(step[3]), CANDIDATE("worse"));
    score_next(run, 0.1); /* step 3: one step after the newest best */
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_NONE);
    opro_run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_shared_out_to_requests),
        cmocka_unit_test(no_more_than_max_in_flight_are_out),
        cmocka_unit_test(candidates_per_reply_takes_the_first_texts),
        cmocka_unit_test(asking_again_has_an_end),
        cmocka_unit_test(only_what_is_missing_is_asked_for_again),
        cmocka_unit_test(temperature_follows_its_schedule),
        cmocka_unit_test(seeds_of_samples_differ),
        cmocka_unit_test(filters_reject_with_their_reason),
        cmocka_unit_test(tidying_is_off_unless_asked_for),
        cmocka_unit_test(duplicates_by_the_option_dedup),
        cmocka_unit_test(what_was_rejected_is_met),
        cmocka_unit_test(candidates_are_made_canonical_and_checked),
        cmocka_unit_test(repair_is_off_unless_asked_for),
        cmocka_unit_test(polish_is_on_and_its_text_becomes_canonical),
        cmocka_unit_test(flags_tell_what_was_done),
        cmocka_unit_test(a_parser_of_the_host_finds_the_candidates),
        cmocka_unit_test(a_reply_goes_on_from_the_prefix),
        cmocka_unit_test(replies_need_not_end_with_a_nul),
        cmocka_unit_test(a_truncated_reply_is_mended),
        cmocka_unit_test(an_error_of_a_step_stops_the_run),
        cmocka_unit_test(replies_are_not_logged),
        cmocka_unit_test(initial_solutions_come_first_and_are_met),
        cmocka_unit_test(the_direction_decides_what_is_best),
        cmocka_unit_test(a_warm_start_is_not_scored_again),
        cmocka_unit_test(a_warm_start_meets_initial_solutions_by_canonical_text),
        cmocka_unit_test(a_warm_start_that_does_not_fit_is_refused),
        cmocka_unit_test(a_warm_start_is_copied_with_its_instances),
        cmocka_unit_test(a_meta_prompt_of_the_host_is_used),
        cmocka_unit_test(every_third_step_is_validated),
        cmocka_unit_test(best_by_validation_may_be_another),
        cmocka_unit_test(a_candidate_that_cannot_be_validated_keeps_its_score),
        cmocka_unit_test(stops_after_its_steps),
        cmocka_unit_test(steps_count_when_they_have_ended),
        cmocka_unit_test(stops_at_its_target),
        cmocka_unit_test(a_warm_start_may_have_reached_the_target),
        cmocka_unit_test(stops_when_patience_is_at_its_end),
        cmocka_unit_test(stops_when_a_budget_is_used_up),
        cmocka_unit_test(initial_solutions_keep_within_budgets),
        cmocka_unit_test(what_is_used_is_counted),
        cmocka_unit_test(use_beyond_the_reservation_stops_the_run),
        cmocka_unit_test(absurd_use_is_counted_as_a_lot),
        cmocka_unit_test(absurd_prices_are_reserved_and_given_back),
        cmocka_unit_test(stops_when_its_time_is_over),
        cmocka_unit_test(stops_after_failures_in_a_row),
        cmocka_unit_test(failures_with_successes_between_do_not_stop_it),
        cmocka_unit_test(steady_mode_keeps_few_under_way),
        cmocka_unit_test(steady_mode_does_not_wait_for_a_step_to_end),
        cmocka_unit_test(patience_in_steady_mode_counts_from_the_newest_best),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
