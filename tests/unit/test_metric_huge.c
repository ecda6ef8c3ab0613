/* SPDX-License-Identifier: MIT */
/* Replies full of what might make a metric slow, deep or wrong about where a text ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "opro/opro.h"
#include "effort.h"

static const int32_t kinds[] = {OPRO_METRIC_EXACT,    OPRO_METRIC_NUMBER, OPRO_METRIC_CHOICE,
                                OPRO_METRIC_CONTAINS, OPRO_METRIC_REGEX,  OPRO_METRIC_JSON_FIELD};
static const int32_t tasks[] = {OPRO_TASK_TEXT, OPRO_TASK_NUMBER, OPRO_TASK_BOOL, OPRO_TASK_CHOICE};

#define N_KINDS (sizeof kinds / sizeof *kinds)
#define N_TASKS (sizeof tasks / sizeof *tasks)

static const char *wanted_of(int32_t kind, int32_t task) {
    if (kind == OPRO_METRIC_NUMBER || task == OPRO_TASK_NUMBER) return "7";
    if (kind == OPRO_METRIC_CHOICE || task == OPRO_TASK_CHOICE) return "(B)";
    return task == OPRO_TASK_BOOL ? "yes" : "a sorted list";
}

static const char *const bodies[] = {
    "[",
    "(a)",
    "((a",
    "{\"",
    "{\"answer\":[",
    "\xff",
    "\xe0\xa0",
    "1 ",
    "1",
    "1,111",
    "-1+",
    "one ",
    "seven",
    "the answer is ",
    "answer",
    "q:",
    "\\boxed{",
    "<answer>",
    "<think>",
    "####",
    "\na:",
    "yes or no ",
    "not ",
    "is the answer",
    "a sorted ",
    ".",
    "'",
    " ",
    "\n",
    "\xce\xa3",
    "(A) or ",
    "=",
    "'\xce\xa3",
    "{\"a\":1},",
    "\\frac{1}{",
};

static void fill(char *text, size_t len, const char *body) {
    size_t n = strlen(body);

    for (size_t i = 0; i < len; i++)
        text[i] = body[i % n];
}

/* Any outcome but a crash; what is taken for the answer is valid text. */
static void survive(const char *text, size_t len, int32_t kind, int32_t task) {
    const opro_verdict *verdict = NULL;
    opro_metric *metric = NULL;
    opro_status st;
    size_t n;

    assert_int_equal(opro_metric_new(&metric, kind, task, NULL), OPRO_OK);
    if (kind == OPRO_METRIC_REGEX)
        assert_int_equal(opro_metric_set_pattern(metric, "(a*)*b|(.*)1", OPRO_ZT), OPRO_OK);
    if (kind == OPRO_METRIC_JSON_FIELD)
        assert_int_equal(opro_metric_set_pattern(metric, "answer", OPRO_ZT), OPRO_OK);
    st = opro_metric_judge(metric, text, len, wanted_of(kind, task), OPRO_ZT, text,
                           len < 65536 ? len : 65536, &verdict);
    assert_true(st == OPRO_OK || st == OPRO_ERR_FAILED);
    if (st == OPRO_OK) {
        const char *s = opro_verdict_extracted(verdict, &n);

        assert_true(opro__utf8_valid(s, n));
    }
    opro_metric_free(metric);
}

static void survive_all(const char *text, size_t len, int regex) {
    for (size_t k = 0; k < N_KINDS; k++)
        if (regex || kinds[k] != OPRO_METRIC_REGEX) survive(text, len, kinds[k], OPRO_TASK_TEXT);
    for (size_t t = 0; t < N_TASKS; t++) {
        survive(text, len, OPRO_METRIC_STRICT, tasks[t]);
        survive(text, len, OPRO_METRIC_REFERENCE, tasks[t]);
    }
}

static void test_hostile(void **state) {
    const size_t len = (size_t)effort(1 << 16);
    char *text = malloc(len);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        fill(text, len, bodies[i]);
        survive_all(text, len, i % 6 == 0);
    }
    memset(text, 0, len);
    survive_all(text, len, 1);
    free(text);
}

static void test_huge(void **state) {
    const size_t len = (size_t)effort(64 << 20);
    char *text = malloc(len);

    (void)state;
    assert_non_null(text);
    fill(text, len, "[");
    survive(text, len, OPRO_METRIC_STRICT, OPRO_TASK_TEXT);
    survive(text, len, OPRO_METRIC_STRICT, OPRO_TASK_NUMBER);
    survive(text, len, OPRO_METRIC_REFERENCE, OPRO_TASK_NUMBER);
    fill(text, len, "one");
    survive(text, len, OPRO_METRIC_REFERENCE, OPRO_TASK_NUMBER);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_huge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
