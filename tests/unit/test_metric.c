/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/guard.h"
#include "failing.h"
#include "kits/metric.h"
#include "opro/opro.h"

static opro_metric *metric_new(int32_t kind, int32_t task) {
    opro_metric *metric = NULL;

    assert_int_equal(opro_metric_new(&metric, kind, task, NULL), OPRO_OK);
    return metric;
}

static opro_status judge(opro_metric *metric, const char *reply, const char *answer,
                         const opro_verdict **verdict) {
    return opro_metric_judge(metric, reply, OPRO_ZT, answer, OPRO_ZT, "", 0, verdict);
}

/* The verdict's score; -1: there is none. */
static double score(opro_metric *metric, const char *reply, const char *answer) {
    const opro_verdict *verdict = NULL;

    if (judge(metric, reply, answer, &verdict) != OPRO_OK) return -1;
    assert_true(*opro_verdict_rule(verdict));
    return opro_verdict_score(verdict);
}

/* ---- the handle ------------------------------------------------------------------------------ */

static void test_arguments(void **state) {
    opro_metric *metric = NULL;
    const opro_verdict *verdict = NULL;

    (void)state;
    assert_int_equal(opro_metric_new(NULL, OPRO_METRIC_EXACT, OPRO_TASK_TEXT, NULL),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_new(&metric, 15, OPRO_TASK_TEXT, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_new(&metric, OPRO_METRIC_EXACT, 15, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_new(&metric, 100, OPRO_TASK_TEXT, NULL), OPRO_ERR_INVALID);
    assert_null(metric);
    opro_metric_free(NULL);
    assert_int_equal(opro_error_status(opro_metric_error(NULL)), OPRO_ERR_INVALID);
    metric = metric_new(OPRO_METRIC_EXACT, OPRO_TASK_TEXT);
    assert_int_equal(opro_metric_set_tolerance(metric, -1, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_set_tolerance(metric, 0, NAN), OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_set_decimals(metric, 18), OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_set_boxed(metric, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_set_pattern(metric, "a", OPRO_ZT), OPRO_ERR_STATE);
    assert_int_equal(opro_metric_set_fn(metric, NULL, NULL, NULL), OPRO_ERR_STATE);
    assert_int_equal(opro_metric_judge(metric, "a", 1, NULL, 1, "", 0, &verdict), OPRO_ERR_INVALID);
    assert_int_equal(judge(metric, "a", "a", NULL), OPRO_ERR_INVALID);
    assert_null(verdict);
    opro_metric_free(metric);
    assert_int_equal(opro_verdict_set(NULL, 1, "", 0, ""), OPRO_ERR_INVALID);
    assert_string_equal(opro_verdict_rule(NULL), "");
    assert_true(opro_verdict_score(NULL) == 0);
}

static void test_shares(void **state) {
    opro_metric *metric = metric_new(OPRO_METRIC_EXACT, OPRO_TASK_TEXT);
    opro_metric *share = opro__metric_share(metric);

    (void)state;
    opro_metric_free(metric);
    assert_true(score(share, "a", "a") == 1);
    opro_metric_free(share);
}

/* The longest that is judged. */
static void test_limit(void **state) {
    opro_metric *metric = metric_new(OPRO_METRIC_EXACT, OPRO_TASK_TEXT);
    const opro_verdict *verdict = NULL;

    (void)state;
    assert_int_equal(
        opro_metric_judge(metric, "a", OPRO__METRIC_TEXT_MAX + 1, "a", 1, "", 0, &verdict),
        OPRO_ERR_LIMIT);
    assert_null(verdict);
    opro_metric_free(metric);
}

/* ---- simple rules ---------------------------------------------------------------------------- */

static void test_exact(void **state) {
    opro_metric *metric = metric_new(OPRO_METRIC_EXACT, OPRO_TASK_TEXT);
    const opro_verdict *verdict;
    size_t len;

    (void)state;
    assert_true(score(metric, " a b\n", "a b") == 1);
    assert_true(score(metric, "A b", "a b") == 0);
    assert_true(score(metric, "a  b", "a b") == 0);
    assert_true(score(metric, "", "") == 1);
    assert_int_equal(opro_metric_judge(metric, "\xc2\xa0x\0y ", 6, "x\0y", 3, "", 0, &verdict),
                     OPRO_OK);
    assert_true(opro_verdict_score(verdict) == 1);
    assert_string_equal(opro_verdict_extracted(verdict, &len), "x\xef\xbf\xbdy");
    assert_int_equal(len, 5);
    assert_string_equal(opro_verdict_rule(verdict), "exact");
    opro_metric_free(metric);
}

static void test_contains(void **state) {
    opro_metric *metric = metric_new(OPRO_METRIC_CONTAINS, OPRO_TASK_TEXT);

    (void)state;
    assert_true(score(metric, "It is Paris, of course.", "paris") == 1);
    assert_true(score(metric, "Comparison", "paris") == 0);
    assert_true(score(metric, "unknown", "no") == 0);
    assert_true(score(metric, "unknown: no", "no") == 1);
    assert_true(score(metric, "see (b).", "(B)") == 1);
    assert_true(score(metric, "42", "2") == 0);
    assert_true(score(metric, "a", " ") == -1);
    assert_int_equal(opro_error_status(opro_metric_error(metric)), OPRO_ERR_INVALID);
    opro_metric_free(metric);
}

static void test_number(void **state) {
    opro_metric *metric = metric_new(OPRO_METRIC_NUMBER, OPRO_TASK_TEXT);

    (void)state;
    assert_true(score(metric, "It costs $1,234.50.", "1234.5") == 1);
    assert_true(score(metric, "-3", "3") == 0);
    assert_true(score(metric,
                      "\xe2\x88\x92"
                      "3",
                      "-3") == 1);
    assert_true(score(metric, "-$3", "-3") == 1);
    assert_true(score(metric, "1/2", "0.5") == 1);
    assert_true(score(metric, "\\frac{3}{4}", "0.75") == 1);
    assert_true(score(metric, "58 km/h", "58") == 1);
    assert_true(score(metric, "20 m^2", "20") == 1);
    assert_true(score(metric, "40%", "40") == 1);
    assert_true(score(metric, "3.1", "3.14") == 0);
    assert_int_equal(opro_metric_set_tolerance(metric, 0.05, 0), OPRO_OK);
    assert_true(score(metric, "3.1", "3.14") == 1);
    assert_true(score(metric, "3.0", "3.14") == 0);
    assert_int_equal(opro_metric_set_tolerance(metric, 0, 0.1), OPRO_OK);
    assert_true(score(metric, "109", "100") == 1);
    assert_true(score(metric, "111", "100") == 0);
    assert_true(score(metric, "5", " apples and a pear?") == -1);
    opro_metric_free(metric);
}

static void test_choice(void **state) {
    const char question[] = "Which?\nOptions:\n(A) west\n(B) east\n(C) north east";
    opro_metric *metric = metric_new(OPRO_METRIC_CHOICE, OPRO_TASK_TEXT);
    const opro_verdict *verdict;

    (void)state;
    assert_true(score(metric, "The answer is (B).", "(B)") == 1);
    assert_true(score(metric, "b", "B") == 1);
    assert_true(score(metric, "(A) or (B)", "B") == 0);
    assert_int_equal(
        opro_metric_judge(metric, "north east", OPRO_ZT, "C", 1, question, OPRO_ZT, &verdict),
        OPRO_OK);
    assert_true(opro_verdict_score(verdict) == 1);
    assert_string_equal(opro_verdict_extracted(verdict, NULL), "C");
    assert_string_equal(opro_verdict_rule(verdict), "text of the option");
    assert_int_equal(
        opro_metric_judge(metric, "east", OPRO_ZT, "C", 1, question, OPRO_ZT, &verdict), OPRO_OK);
    assert_true(opro_verdict_score(verdict) == 0);
    assert_true(score(metric, "a", "west wing") == -1);
    opro_metric_free(metric);
}

#ifdef _WIN32 /* there is no regex.h */
enum { HAVE_REGEX = 0 };
#else
enum { HAVE_REGEX = 1 };
#endif

static void test_regex(void **state) {
    opro_metric *metric;
    const opro_verdict *verdict;
    char *longer;

    (void)state;
    if (!HAVE_REGEX) skip();
    metric = metric_new(OPRO_METRIC_REGEX, OPRO_TASK_TEXT);
    assert_int_equal(judge(metric, "a", "a", &verdict), OPRO_ERR_STATE);
    assert_int_equal(opro_metric_set_pattern(metric, "x = ([0-9]+)", OPRO_ZT), OPRO_OK);
    assert_true(score(metric, "x = 1, then x = 23.", "23") == 1);
    assert_true(score(metric, "x = 1, then x = 23.", "1") == 0);
    assert_true(score(metric, "none", "1") == 0);
    assert_int_equal(judge(metric, "none", "1", &verdict), OPRO_OK);
    assert_string_equal(opro_verdict_rule(verdict), "no match");
    assert_int_equal(opro_metric_set_pattern(metric, "[a-z]+$", OPRO_ZT), OPRO_OK);
    assert_true(score(metric, "one two", "two") == 1);
    assert_int_equal(opro_metric_set_pattern(metric, "b*", OPRO_ZT), OPRO_OK);
    assert_true(score(metric, "abbc", "") == 1); /* the last match is empty */
    assert_int_equal(opro_metric_set_pattern(metric, "^a", OPRO_ZT), OPRO_OK);
    assert_true(score(metric, "aaa", "a") == 1);
    longer = calloc(1, 20001);
    memset(longer, 'a', 20000);
    memcpy(longer, "key", 3);
    assert_int_equal(opro_metric_set_pattern(metric, "key", OPRO_ZT), OPRO_OK);
    assert_true(score(metric, longer, "key") == 0); /* too far from the end */
    memcpy(longer + 19000, "key", 3);
    assert_true(score(metric, longer, "key") == 1);
    free(longer);
    opro_metric_free(metric);
}

static void test_bad_patterns(void **state) {
    static const char *const patterns[] = {"(",
                                           "a{2,1}",
                                           "[a",
                                           "(a)\\1",
                                           "((a{100}){100}){100}",
                                           "a{99999999999999999999}",
                                           "[[:nonsense:]]"};
    opro_metric *metric;
    char longer[1002];

    (void)state;
    if (!HAVE_REGEX) skip();
    metric = metric_new(OPRO_METRIC_REGEX, OPRO_TASK_TEXT);
    assert_int_equal(opro_metric_set_pattern(metric, "[]{}1-9]{2}\\{9999\\}", OPRO_ZT), OPRO_OK);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        assert_int_equal(opro_metric_set_pattern(metric, patterns[i], OPRO_ZT), OPRO_ERR_PARSE);
        assert_non_null(strstr(opro_error_message(opro_metric_error(metric), NULL), ": "));
    }
    assert_true(score(metric, "a}}{9999}", "}}{9999}") == 1); /* the old one stays */
    memset(longer, 'a', sizeof longer);
    assert_int_equal(opro_metric_set_pattern(metric, longer, 1001), OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_set_pattern(metric, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_set_pattern(metric, "a\0b", 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_metric_set_pattern(metric, "\xff", 1), OPRO_ERR_INVALID);
    opro_metric_free(metric);
}

/* What the system would take time and memory for that double with each character. */
static void test_large_patterns(void **state) {
    static const char *const good[] = {"(a{60}b{60,99}c{9}){9}",
                                       "[+{[]+\\+?\\{9999\\}",
                                       "[[:alpha:]][[:alpha:]++++++++++++++]",
                                       "a)+a)+a)+a)+a)+a)+a)+a)+a)+a)+a)+a)+a)+a)+",
                                       "((((((((((((((a*)*)*)*)*)*)*)*)?)?)?)?)?)?)?",
                                       "a{1,1999}",
                                       "a{1998,}"};
    static const char *const bad[] = {
        "a++++++++++++++",
        "(((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+",
        "[[.a.][]++++++++++++++",
        "[[:alpha:][]{2001}",
        "[]]{2001}",
        "[^]]{2}{1001}",
        "(a{44}){44,}",
        "a{1999,}",
        "(ab|cd|ef){0,250}",
        "a{99999999999999999999}",
        "(a{900}(b{900}(c{900}",
    };
    opro_metric *metric;
    char many[1001], open[1001];

    (void)state;
    if (!HAVE_REGEX) skip();
    metric = metric_new(OPRO_METRIC_REGEX, OPRO_TASK_TEXT);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (opro_metric_set_pattern(metric, good[i], OPRO_ZT) != OPRO_OK)
            fail_msg("%s", opro_error_message(opro_metric_error(metric), NULL));
    for (size_t i = 0; i < 1000; i += 2)
        memcpy(many + i, "a+", 3);
    assert_int_equal(opro_metric_set_pattern(metric, many, OPRO_ZT), OPRO_OK);
    memset(open, '(', 1000); /* they are not closed, but what they hold is read before that shows */
    open[1000] = '\0';
    assert_int_equal(opro_metric_set_pattern(metric, open, OPRO_ZT), OPRO_ERR_PARSE);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(opro_metric_set_pattern(metric, bad[i], OPRO_ZT), OPRO_ERR_PARSE);
        assert_non_null(strstr(opro_error_message(opro_metric_error(metric), NULL),
                               "more than 2000 characters; repeat less"));
    }
    opro_metric_free(metric);
}

static void test_json_field(void **state) {
    opro_metric *metric = metric_new(OPRO_METRIC_JSON_FIELD, OPRO_TASK_TEXT);
    const opro_verdict *verdict;

    (void)state;
    assert_int_equal(judge(metric, "{}", "a", &verdict), OPRO_ERR_STATE);
    assert_int_equal(opro_metric_set_pattern(metric, "answer", OPRO_ZT), OPRO_OK);
    assert_true(score(metric, "{\"answer\": \"B\"}", "B") == 1);
    assert_true(score(metric, "{\"answer\": \" B\"}", "B") == 1);
    assert_true(score(metric, "{\"ans\\u0077er\": \"\\u0042\"}", "B") == 1);
    assert_true(score(metric,
                      "Here:\n```json\n{\n \"why\": [1, {\"answer\": 0}],\n"
                      " \"answer\": 42.0\n}\n```\nDone.",
                      "42") == 1);
    assert_true(score(metric, "{\"answer\": 1} and {\"answer\": 2}", "2") == 1);
    assert_true(score(metric, "{\"answer\": 1} and {\"answer\": 2}", "1") == 0);
    assert_true(score(metric, "{\"answer\": 2} and {\"reply\": 1}", "2") == 1);
    assert_true(score(metric, "{broken {\"answer\": true}", "true") == 1);
    assert_true(score(metric, "{\"answer\": true", "true") == 0);
    assert_true(score(metric, "{\"answer\": [1, 2]}", "[1, 2]") == 1);
    assert_true(score(metric, "{\"question\": \"answer\"}", "answer") == 0);
    assert_int_equal(judge(metric, "nothing", "1", &verdict), OPRO_OK);
    assert_string_equal(opro_verdict_rule(verdict), "no such member");
    assert_int_equal(judge(metric, "{\"answer\": \"a\\u0000b\"}", "1", &verdict), OPRO_OK);
    assert_string_equal(opro_verdict_extracted(verdict, NULL), "a\xef\xbf\xbd"
                                                               "b");
    opro_metric_free(metric);
}

/* Where numbers are asked for, the tolerance counts, and what is no number is the text it is. */
static void test_json_numbers(void **state) {
    opro_metric *metric = metric_new(OPRO_METRIC_JSON_FIELD, OPRO_TASK_NUMBER);

    (void)state;
    assert_int_equal(opro_metric_set_pattern(metric, "answer", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_metric_set_tolerance(metric, 0.5, 0), OPRO_OK);
    assert_true(score(metric, "{\"answer\": 42.5}", "42") == 1);
    assert_true(score(metric, "{\"answer\": \"41.5\"}", "42") == 1);
    assert_true(score(metric, "{\"answer\": 42.75}", "42") == 0);
    assert_true(score(metric, "{\"answer\": \"none\"}", "42") == 0);
    assert_true(score(metric, "{\"answer\": 42}", "none") == 0);
    assert_true(score(metric, "{\"answer\": \"none\"}", "none") == 1);
    assert_int_equal(opro_metric_set_tolerance(metric, 0, 0.01), OPRO_OK);
    assert_true(score(metric, "{\"answer\": 1009}", "1000") == 1);
    assert_true(score(metric, "{\"answer\": 1011}", "1000") == 0);
    opro_metric_free(metric);
}

/* ---- the host's callback --------------------------------------------------------------------- */

typedef struct host {
    opro_metric *metric;
    int32_t returns;
    double score;
    int times; /* that it delivers */
    int destroyed;
    const char *text; /* extracted */
    opro_verdict *kept;
    opro_status said;
} host;

static int32_t host_fn(const opro_metric *metric, const char *reply, size_t reply_len,
                       const char *answer, size_t answer_len, opro_verdict *verdict,
                       void *user_data) {
    host *h = user_data;

    assert_ptr_equal(metric, h->metric);
    assert_int_equal(strlen(reply), reply_len);
    assert_int_equal(strlen(answer), answer_len);
    h->kept = verdict;
    for (int i = 0; i < h->times; i++)
        h->said = opro_verdict_set(verdict, h->score, h->text, OPRO_ZT, "mine");
    return h->returns;
}

static void host_gone(void *user_data) {
    ((host *)user_data)->destroyed++;
}

static void test_host(void **state) {
    host h = {.returns = OPRO_OK, .score = 0.25, .times = 1, .text = "x"};
    const opro_verdict *verdict = NULL;

    (void)state;
    h.metric = metric_new(OPRO_METRIC_HOST, OPRO_TASK_TEXT);
    assert_int_equal(judge(h.metric, "a", "b", &verdict), OPRO_ERR_STATE);
    assert_int_equal(opro_metric_set_fn(h.metric, host_fn, &h, host_gone), OPRO_OK);
    assert_int_equal(opro_metric_judge(h.metric, "a\0\xff", 3, "b", 1, "", 0, &verdict), OPRO_OK);
    assert_true(opro_verdict_score(verdict) == 0.25);
    assert_string_equal(opro_verdict_extracted(verdict, NULL), "x");
    assert_string_equal(opro_verdict_rule(verdict), "mine");
    assert_int_equal(opro_verdict_set(h.kept, 1, "late", OPRO_ZT, "late"), OPRO_ERR_STATE);
    assert_true(opro_verdict_score(verdict) == 0.25);
    assert_int_equal(opro_metric_set_fn(h.metric, host_fn, &h, host_gone), OPRO_OK);
    assert_int_equal(h.destroyed, 1);
    opro_metric_free(h.metric);
    assert_int_equal(h.destroyed, 2);
}

static void test_host_fails(void **state) {
    static const struct {
        int32_t returns;
        double score;
        int times;
        const char *text;
        opro_status expect;
    } cases[] = {
        {OPRO_OK, 1, 0, "", OPRO_ERR_CALLBACK},
        {OPRO_OK, 1, 2, "", OPRO_ERR_CALLBACK},
        {OPRO_PENDING, 1, 1, "", OPRO_ERR_CALLBACK},
        {12345, 1, 1, "", OPRO_ERR_CALLBACK},
        {OPRO_ERR_USER_FIRST, 1, 1, "", OPRO_ERR_USER_FIRST},
        {OPRO_OK, 1.5, 1, "", OPRO_ERR_INVALID},
        {OPRO_OK, NAN, 1, "", OPRO_ERR_INVALID},
        {OPRO_OK, 1, 1, "\xff", OPRO_ERR_INVALID},
    };
    host h = {.metric = metric_new(OPRO_METRIC_HOST, OPRO_TASK_TEXT)};
    const opro_verdict *verdict = NULL;

    (void)state;
    assert_int_equal(opro_metric_set_fn(h.metric, host_fn, &h, NULL), OPRO_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        h.returns = cases[i].returns;
        h.score = cases[i].score;
        h.times = cases[i].times;
        h.text = cases[i].text;
        assert_int_equal(judge(h.metric, "a", "b", &verdict), cases[i].expect);
        assert_int_equal(opro_error_status(opro_metric_error(h.metric)), cases[i].expect);
        assert_null(verdict);
    }
    opro_metric_free(h.metric);
}

/* ---- reentrancy: the rows of lib/core/calls.def ---------------------------------------------- */

typedef struct inside {
    opro_metric *metric;
    int row;
    opro_status said;
} inside;

#define ROW(name, expression)                                                                      \
    static opro_status row_##name(opro_metric *m) {                                                \
        return (expression);                                                                       \
    }

static opro_status freed(opro_metric *m) {
    opro_metric_free(m);
    return OPRO_ERR_REENTRANT; /* refused: the call under way says so */
}

static opro_status judged(opro_metric *m) {
    const opro_verdict *verdict;

    return judge(m, "a", "b", &verdict);
}

ROW(opro_metric_free, freed(m))
ROW(opro_metric_set_tolerance, opro_metric_set_tolerance(m, 0, 0))
ROW(opro_metric_set_decimals, opro_metric_set_decimals(m, 0))
ROW(opro_metric_set_boxed, opro_metric_set_boxed(m, 0))
ROW(opro_metric_set_pattern, opro_metric_set_pattern(m, "a", 1))
ROW(opro_metric_set_fn, opro_metric_set_fn(m, NULL, NULL, NULL))
ROW(opro_metric_judge, judged(m))

static const struct {
    const char *name;
    int allowed;
    opro_status (*call)(opro_metric *m);
} rows[] = {
#define OPRO_CALL(name, allowed)
#define OPRO_MODEL_CALL(name, allowed)
#define OPRO_DATASET_CALL(name, allowed)
#define OPRO_METRIC_CALL(name, allowed) {#name, allowed, row_##name},
#include "core/calls.def"
#undef OPRO_CALL
};

static int32_t inside_fn(const opro_metric *metric, const char *reply, size_t reply_len,
                         const char *answer, size_t answer_len, opro_verdict *verdict,
                         void *user_data) {
    inside *in = user_data;

    (void)metric, (void)reply, (void)reply_len, (void)answer, (void)answer_len;
    in->said = rows[in->row].call(in->metric);
    opro_metric_error(metric);
    return opro_verdict_set(verdict, 1, "", 0, "");
}

static void test_reentrancy(void **state) {
    inside in = {.metric = metric_new(OPRO_METRIC_HOST, OPRO_TASK_TEXT)};
    const opro_verdict *verdict;

    (void)state;
    assert_int_equal(opro_metric_set_fn(in.metric, inside_fn, &in, NULL), OPRO_OK);
    for (in.row = 0; in.row < (int)(sizeof rows / sizeof *rows); in.row++) {
        int is_free = rows[in.row].call == row_opro_metric_free;

        assert_int_equal(rows[in.row].allowed, 0);
        assert_int_equal(judge(in.metric, "a", "b", &verdict),
                         is_free ? OPRO_ERR_REENTRANT : OPRO_OK);
        if (in.said != OPRO_ERR_REENTRANT) fail_msg("%s: %d", rows[in.row].name, in.said);
    }
    opro_metric_free(in.metric);
}

/* ---- no memory ------------------------------------------------------------------------------- */

static const int32_t kinds[] = {OPRO_METRIC_STRICT, OPRO_METRIC_REFERENCE,  OPRO_METRIC_EXACT,
                                OPRO_METRIC_NUMBER, OPRO_METRIC_CHOICE,     OPRO_METRIC_CONTAINS,
                                OPRO_METRIC_REGEX,  OPRO_METRIC_JSON_FIELD, OPRO_METRIC_HOST};
static const int32_t tasks[] = {OPRO_TASK_TEXT, OPRO_TASK_NUMBER, OPRO_TASK_BOOL, OPRO_TASK_CHOICE};

#define N_KINDS (sizeof kinds / sizeof *kinds)
#define N_TASKS (sizeof tasks / sizeof *tasks)

static const char *wanted_of(int32_t kind, int32_t task) {
    if (kind == OPRO_METRIC_NUMBER) return "7";
    if (kind == OPRO_METRIC_CHOICE || task == OPRO_TASK_CHOICE) return "(B)";
    if (task == OPRO_TASK_NUMBER) return "7";
    return task == OPRO_TASK_BOOL ? "yes" : "a sorted list";
}

static opro_status prepare(opro_metric *metric, int32_t kind, host *h) {
    if (kind == OPRO_METRIC_REGEX || kind == OPRO_METRIC_JSON_FIELD)
        return opro_metric_set_pattern(metric, "answer", OPRO_ZT);
    return kind == OPRO_METRIC_HOST ? opro_metric_set_fn(metric, host_fn, h, NULL) : OPRO_OK;
}

/* Everything once; what is done is done twice the same way. */
static opro_status once(int32_t kind, int32_t task, const opro_allocator *mem) {
    static const char reply[] =
        "Let us see: {\"answer\": \"x\"} (B) is one. The ANSWER is 7, yes: a, sorted, list!";
    static const char question[] = "Which?\n(A) one\n(B) two.";
    host h = {.times = 1, .score = 1, .text = "some text"};
    const char *wanted = wanted_of(kind, task);
    const opro_verdict *verdict;
    opro_metric *metric;
    opro_status st = opro_metric_new(&metric, kind, task, mem);

    if (st != OPRO_OK) return st;
    h.metric = metric;
    st = prepare(metric, kind, &h);
    for (int i = 0; i < 2 && st == OPRO_OK; i++)
        st =
            opro_metric_judge(metric, reply, OPRO_ZT, wanted, OPRO_ZT, question, OPRO_ZT, &verdict);
    if (st != OPRO_OK) assert_int_equal(opro_error_status(opro_metric_error(metric)), st);
    opro_metric_free(metric);
    return st;
}

static void test_no_memory(void **state) {
    (void)state;
    for (size_t k = 0; k < N_KINDS * N_TASKS; k++) {
        opro_status st = OPRO_ERR_NOMEM;

        if (kinds[k / N_TASKS] == OPRO_METRIC_REGEX && !HAVE_REGEX) continue;
        for (long n = 0; st != OPRO_OK; n++) {
            failing f = {.left = n};
            opro_allocator mem = failing_allocator(&f);

            st = once(kinds[k / N_TASKS], tasks[k % N_TASKS], &mem);
            assert_int_equal(f.live, 0);
            if (st != OPRO_OK) assert_int_equal(st, OPRO_ERR_NOMEM);
            assert_true(n < 1000);
        }
    }
}

/* ---- locale ---------------------------------------------------------------------------------- */

static void test_comma_locale(void **state) {
    opro_metric *metric = metric_new(OPRO_METRIC_STRICT, OPRO_TASK_NUMBER);
    opro_metric *reference = metric_new(OPRO_METRIC_REFERENCE, OPRO_TASK_NUMBER);
    const opro_verdict *verdict;

    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
        print_message("no locale with a decimal comma here\n");
    assert_int_equal(opro_metric_set_decimals(reference, 2), OPRO_OK);
    assert_int_equal(judge(reference, "3.14159", "3.14", &verdict), OPRO_OK);
    assert_string_equal(opro_verdict_extracted(verdict, NULL), "3.14");
    assert_true(opro_verdict_score(verdict) == 1);
    assert_true(score(metric, "It is 2.5.", "2.5") == 1);
    setlocale(LC_ALL, "C");
    opro_metric_free(metric);
    opro_metric_free(reference);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),      cmocka_unit_test(test_shares),
        cmocka_unit_test(test_limit),          cmocka_unit_test(test_exact),
        cmocka_unit_test(test_contains),       cmocka_unit_test(test_number),
        cmocka_unit_test(test_choice),         cmocka_unit_test(test_regex),
        cmocka_unit_test(test_large_patterns), cmocka_unit_test(test_bad_patterns),
        cmocka_unit_test(test_json_field),     cmocka_unit_test(test_json_numbers),
        cmocka_unit_test(test_host),           cmocka_unit_test(test_host_fails),
        cmocka_unit_test(test_reentrancy),     cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_comma_locale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
