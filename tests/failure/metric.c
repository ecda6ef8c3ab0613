/* SPDX-License-Identifier: MIT */
/* Answers judged by metrics of all kinds. */
#include <string.h>

#include "world.h"

static const char choices[] = "Which?\nOptions:\n(A) Paris\n(B) Rome\n(C) Oslo";
static const char reasoned[] =
    "Let us see. 3 apples and 1,200 pears.\n\nThen \\boxed{1,203}. The answer is **1,203**.";

static opro_metric *make_metric(int32_t kind, int32_t task) {
    opro_metric *m;

    MAKE(metric, m, NULL, opro_metric_new(&m, kind, task, &scarce));
    return m;
}

static void judge(opro_metric *m, const char *reply, const char *answer, const char *question) {
    const opro_verdict *verdict;
    size_t len;
    const char *text;

    TRY_OUT(verdict, opro_metric_error(m),
            opro_metric_judge(m, reply, OPRO_ZT, answer, OPRO_ZT, question, OPRO_ZT, &verdict));
    note_real(opro_verdict_score(verdict));
    text = opro_verdict_extracted(verdict, &len);
    note_text(text, len);
    text = opro_verdict_rule(verdict);
    note_text(text, strlen(text));
}

/* By each kind of answers. */
static void by_task(int32_t kind, int32_t decimals) {
    opro_metric *m = make_metric(kind, OPRO_TASK_NUMBER);

    if (decimals) TRY(opro_metric_error(m), opro_metric_set_decimals(m, decimals));
    judge(m, reasoned, "1203", "");
    judge(m, "It is 17.", "18", "");
    m = make_metric(kind, OPRO_TASK_CHOICE);
    judge(m, "I say (B), Rome.", "(B)", choices);
    judge(m, "Rome", "(B)", choices);
    m = make_metric(kind, OPRO_TASK_BOOL);
    judge(m, "No... The answer is: yes, it is valid.", "Yes", "");
    m = make_metric(kind, OPRO_TASK_TEXT);
    judge(m, "The answer is \"sun moon\xc3\xa9\" \xff.", "moon sun", "");
    judge(m, "", "something", "");
}

static void strict(void) {
    opro_metric *m = make_metric(OPRO_METRIC_STRICT, OPRO_TASK_NUMBER);

    by_task(OPRO_METRIC_STRICT, 0);
    TRY(opro_metric_error(m), opro_metric_set_tolerance(m, 0.5, 0));
    judge(m, "#### 17.75", "18", "");
}

static void reference(void) {
    opro_metric *m = make_metric(OPRO_METRIC_REFERENCE, OPRO_TASK_NUMBER);

    by_task(OPRO_METRIC_REFERENCE, 2);
    TRY(opro_metric_error(m), opro_metric_set_boxed(m, 1));
    judge(m, reasoned, "1203", "");
}

static void simple(void) {
    opro_metric *m;

    judge(make_metric(OPRO_METRIC_EXACT, OPRO_TASK_TEXT), "  so \n", "so", "");
    judge(make_metric(OPRO_METRIC_CONTAINS, OPRO_TASK_TEXT), "It was Rome, I think", "rome", "");
    judge(make_metric(OPRO_METRIC_NUMBER, OPRO_TASK_NUMBER), reasoned, "1,203.0", "");
    judge(make_metric(OPRO_METRIC_CHOICE, OPRO_TASK_CHOICE), "(C)", "(B)", choices);
    m = make_metric(OPRO_METRIC_JSON_FIELD, OPRO_TASK_TEXT);
    TRY(opro_metric_error(m), opro_metric_set_pattern(m, "answer", OPRO_ZT));
    judge(m, "Here: {\"answer\": \"bl\\u00fce\", \"sure\": [1, {\"answer\": 2}]}",
          "bl\xc3\xbc"
          "e",
          "");
}

static void regular(void) {
    opro_metric *m = make_metric(OPRO_METRIC_REGEX, OPRO_TASK_TEXT);

    TRY(opro_metric_error(m), opro_metric_set_pattern(m, "is ([a-z]+)", OPRO_ZT));
    judge(m, "It is red. No, it is blue.", "blue", "");
    TRY(opro_metric_error(m), opro_metric_set_pattern(m, "<([0-9]{2})>", OPRO_ZT));
    judge(m, "<12> or <34>", "34", "");
    TRY_REFUSED(OPRO_ERR_PARSE, opro_metric_error(m), opro_metric_set_pattern(m, "(", OPRO_ZT));
    judge(m, "<34>", "34", "");
}

static int32_t by_length(const opro_metric *metric, const char *reply, size_t reply_len,
                         const char *answer, size_t answer_len, opro_verdict *verdict,
                         void *user_data) {
    (void)metric, (void)answer, (void)user_data;
    return opro_verdict_set(verdict, reply_len == answer_len, reply, reply_len, "length");
}

static void the_hosts(void) {
    opro_metric *m = make_metric(OPRO_METRIC_HOST, OPRO_TASK_TEXT);

    TRY(opro_metric_error(m), opro_metric_set_fn(m, by_length, lend(), returned));
    TRY(opro_metric_error(m), opro_metric_set_fn(m, by_length, lend(), returned));
    judge(m, "four", "five", "");
    judge(m, "three", "five", "");
}

const scenario metric_scenarios[] = {
    {"the strict metric", MEMORY, strict},
    {"the reference metric", MEMORY, reference},
    {"simple metrics", MEMORY, simple},
    {"the metric of expressions", MEMORY, regular},
    {"a metric of the host's", MEMORY, the_hosts},
    {NULL, 0, NULL},
};
