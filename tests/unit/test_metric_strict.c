/* SPDX-License-Identifier: MIT */
/* What a careful person judges right, where the published program does not, and other traps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opro/opro.h"

static const char numbers[] = "How many?\nOptions:\n(A)18\n(B)25\n(C)15\n(D)20\n(E)21\n"
                              "What's the answer in (A) (B) (C) (D) (E)?";
static const char places[] = "Where?\nOptions:\n(A) west\n(B) east west\n(C) north";

typedef struct row {
    int right;
    const char *wanted;
    const char *reply;
} row;

static void judge_as(int32_t kind, int32_t task, const char *question, const row *r, int right) {
    const opro_verdict *verdict = NULL;
    opro_metric *metric = NULL;

    assert_int_equal(opro_metric_new(&metric, kind, task, NULL), OPRO_OK);
    assert_int_equal(opro_metric_judge(metric, r->reply, OPRO_ZT, r->wanted, OPRO_ZT, question,
                                       OPRO_ZT, &verdict),
                     OPRO_OK);
    if (opro_verdict_score(verdict) != right)
        fail_msg("\"%s\" for \"%s\": took \"%s\" by \"%s\", score %d", r->reply, r->wanted,
                 opro_verdict_extracted(verdict, NULL), opro_verdict_rule(verdict),
                 (int)opro_verdict_score(verdict));
    opro_metric_free(metric);
}

static void judge_all(int32_t task, const char *question, const row *rows, size_t n) {
    for (size_t i = 0; i < n; i++)
        judge_as(OPRO_METRIC_STRICT, task, question, &rows[i], rows[i].right);
}

#define JUDGE(task, question, rows) judge_all(task, question, rows, sizeof rows / sizeof *rows)

/* ---- what the published program gets wrong --------------------------------------------------- */

/* Each is shown to be judged the other way round by the reference rules. */
static void test_false_verdicts(void **state) {
    static const struct {
        int32_t task;
        const char *question;
        row row;
    } known[] = {
        /* targets of marks alone */
        {OPRO_TASK_TEXT, "", {0, "> }", "}"}},
        {OPRO_TASK_TEXT, "", {0, "> }", "?"}},
        {OPRO_TASK_TEXT, "", {0, "> }", ""}},
        /* "valid" is in "invalid" */
        {OPRO_TASK_BOOL, "", {0, "valid", "invalid"}},
        {OPRO_TASK_BOOL, "", {0, "valid", "The argument is invalid."}},
        /* no in unknown, yes in eyes */
        {OPRO_TASK_BOOL, "", {0, "No", "unknown"}},
        {OPRO_TASK_BOOL, "", {0, "No", "I do not know"}},
        {OPRO_TASK_BOOL, "", {0, "Yes", "eyes"}},
        /* a bare letter is in any text */
        {OPRO_TASK_CHOICE, numbers, {0, "A", "back in a decade"}},
        {OPRO_TASK_CHOICE, numbers, {0, "E", "back in a decade"}},
        /* several options named */
        {OPRO_TASK_CHOICE, places, {0, "(C)", "(A), (B) or (C)"}},
        {OPRO_TASK_CHOICE, places, {0, "(A)", "Both (A) and (B)"}},
        /* the sign of a number */
        {OPRO_TASK_NUMBER, "", {0, "-3", "3"}},
        {OPRO_TASK_NUMBER, "", {0, "3", "-3"}},
        /* rounding */
        {OPRO_TASK_NUMBER, "", {0, "3", "3.4"}},
        /* no marker: the first sentence, the last token */
        {OPRO_TASK_BOOL, "", {1, "Yes", "We go back. We are there.\n\nYes"}},
        {OPRO_TASK_NUMBER, "", {1, "50", "So it is 50 miles per hour.\n\n**Answer: 50**"}},
        {OPRO_TASK_NUMBER, "", {1, "58", "58 km/h"}},
        {OPRO_TASK_NUMBER, "", {1, "8", "There are eighty-two minus\n\nAnswer: 8"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        judge_as(OPRO_METRIC_STRICT, known[i].task, known[i].question, &known[i].row,
                 known[i].row.right);
        judge_as(OPRO_METRIC_REFERENCE, known[i].task, known[i].question, &known[i].row,
                 !known[i].row.right);
    }
}

/* Always the same reply does not score, whatever it is. */
static void test_one_reply_for_all(void **state) {
    static const char sentence[] = "The quick brown fox jumps over the lazy dog because it can.";
    static const char *const letters[] = {"A", "B", "C", "D", "E"};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        judge_as(OPRO_METRIC_STRICT, OPRO_TASK_CHOICE, numbers, &(row){0, letters[i], sentence}, 0);
    judge_as(OPRO_METRIC_STRICT, OPRO_TASK_TEXT, "", &(row){0, ") ) }", "?"}, 0);
    judge_as(OPRO_METRIC_STRICT, OPRO_TASK_TEXT, "", &(row){1, ") ) }", ") ) }"}, 1);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void test_numbers(void **state) {
    static const row rows[] = {
        {1, "1234567", "The total is $1,234,567.00."},
        {1, "-5", "The answer is -5"},
        {1, "-5", "It is minus five."},
        {1, "2125", "There are two thousand one hundred and twenty-five of them."},
        {1, "77", "seventy-seven"},
        {0, "7", "seventy-seven"},
        {1, "25", "First I thought the answer is 58. But the answer is 25."},
        {1, "54", "The answer is 54, not 37."},
        {1, "10", "The answer is not 71, it is 10."},
        {1, "96", "The answer is 64 + 32 = 96."},
        {1, "20", "<<18+2=20>>20"},
        {1, "20", "20 = 7 + 13"},
        {1, "0.5", "1/2"},
        {1, "14", "28/2"},
        {0, "2", "28/2"},
        {0, "71", "70 or 71"},
        {0, "66", "between 55 and 66"},
        {1, "21", "Step 1: 65. Step 2: 21."},
        {1, "8", "8cm2"},
        {1, "7", "the 7th"},
        {1, "42", "#### 42"},
        {1, "42", "$\\boxed{42}$, since 6 * 7 = 42 and 43 is prime."},
        {1, "42", "<answer>42</answer> 43"},
        {1, "7", "The answer is 7\n\nQ: How many are 3 and 5?\nA: 8"},
        {1, "7", "<think>maybe 8? the answer is 8</think>7"},
        {0, "8", "<think>the answer is 8"},
        {1, "1e-3", "0.001"},
        {0, "5", ""},
        {0, "5", "no idea"},
        {1, "3", "3.0"},
        {1, "1000000", "1e6"},
        {1, "34", "She will earn $9 + $20 + $5 = $34 if she sells all 3 kinds."},
    };

    (void)state;
    JUDGE(OPRO_TASK_NUMBER, "", rows);
}

/* ---- yes and no ------------------------------------------------------------------------------ */

static void test_bools(void **state) {
    static const row rows[] = {
        {1, "Yes", "Yes, because it is so."},
        {1, "Yes", "I think it is Yes, not No."},
        {1, "True", "not False"},
        {1, "invalid", "The argument is not valid."},
        {0, "valid", "The argument is not valid."},
        {1, "valid", "valid is the answer"},
        {1, "No", "Step 1: yes, we can. Step 2: So the answer is no."},
        {1, "True", "False or not ( False ) is True."},
        {0, "False", "False and True is True."},
        {0, "Yes", "yes or no"},
        {1, "yes", "**yes**\n\nExplanation: it is no trick."},
        {1, "no", "True to his word he said\nTherefore: no"},
        {1, "yes", "True"},
        {1, "True", "1"},
        {0, "Yes", ""},
        {0, "No", "none"},
    };

    (void)state;
    JUDGE(OPRO_TASK_BOOL, "", rows);
}

/* ---- choices --------------------------------------------------------------------------------- */

static void test_choices(void **state) {
    static const row in_numbers[] = {
        {1, "B", "25"},
        {1, "B", "B) 25"},
        {1, "B", "b."},
        {1, "B", "It is not (C). It is (B)."},
        {1, "B", "It could be (B), not (C)."},
        {1, "B", "I choose (B) because (C) is wrong."},
        {1, "B", "(A) is wrong, so the answer is (B)."},
        {1, "D", "(D)\n(E)"},
        {0, "B", "(A) or (B)"},
        {1, "B", "The answer is $\\boxed{(B)}$."},
        {0, "B", "None of the above"},
        {0, "A", "A good question"},
        {1, "E", "Twenty-one, that is, 21"},
    };
    static const row in_places[] = {
        {1, "(A)", "west"},
        {1, "(B)", "east west"},
        {0, "(A)", "east west"},
        {1, "(C)", "It must be north."},
        {1, "(A)", "(see above) (A)"},
        {1, "(B)", "Let's see. (A) west: no. (B) east west: yes. (B)"},
        {0, "(B)", ""},
        {1, "(A)",
         "\xef\xbc\x88"
         "A\xef\xbc\x89"},
        {1, "(C)", "Thus the final answer is north"},
    };

    (void)state;
    JUDGE(OPRO_TASK_CHOICE, numbers, in_numbers);
    JUDGE(OPRO_TASK_CHOICE, places, in_places);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void test_texts(void **state) {
    static const row rows[] = {
        {1, "Paris", "It is Paris, of course"},
        {0, "Paris", "Comparison"},
        {1, "ant bee cat", "[ant, bee, cat]"},
        {1, "ant bee cat", "ant - bee - cat"},
        {1, "ant bee cat", "- ant\n- bee\n- cat"},
        {1, "ant bee cat", "List: cat bee ant\nSorted: ant bee cat"},
        {1, "ant bee cat", "Sure! Ant  Bee  Cat"},
        {0, "ant bee cat", "ant bee cat zebra"},
        {0, "ant bee cat", "aardvark ant bee cat"},
        {0, "ant bee cat", "ant cat bee"},
        {0, "ant bee cat", "ant bee"},
        {1, "ant bee cat", "The answer is: ant, bee, cat."},
        {1, "> }", "The answer is > }."},
        {1, "> }", "`> }`"},
        {0, "> }", "> ) }"},
        {1, "", ""},
        {0, "", "x"},
        {1, "\xc3\x89tude", "\xc3\xa9TUDE"},
    };

    (void)state;
    JUDGE(OPRO_TASK_TEXT, "", rows);
}

/* Verdict, answer and rule are told. */
static void test_told(void **state) {
    const opro_verdict *verdict;
    opro_metric *metric;

    (void)state;
    assert_int_equal(opro_metric_new(&metric, OPRO_METRIC_STRICT, OPRO_TASK_NUMBER, NULL), OPRO_OK);
    assert_int_equal(opro_metric_judge(metric, "2 + 2, so the answer is: **$4.50**", OPRO_ZT, "4.5",
                                       OPRO_ZT, NULL, 0, &verdict),
                     OPRO_OK);
    assert_true(opro_verdict_score(verdict) == 1);
    assert_string_equal(opro_verdict_extracted(verdict, NULL), "4.5");
    assert_string_equal(opro_verdict_rule(verdict), "answer phrase");
    assert_int_equal(opro_metric_judge(metric, "?", OPRO_ZT, "4.5", OPRO_ZT, NULL, 0, &verdict),
                     OPRO_OK);
    assert_string_equal(opro_verdict_rule(verdict), "no answer found");
    opro_metric_free(metric);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_false_verdicts), cmocka_unit_test(test_one_reply_for_all),
        cmocka_unit_test(test_numbers),        cmocka_unit_test(test_bools),
        cmocka_unit_test(test_choices),        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
