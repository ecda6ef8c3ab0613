/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_world.h"
#include "failing.h"
#include "opro/problem.h"

/* The same two examples. */
#define CSV  "question,answer\nq1,a1\nq 2,a2\n"
#define TSV  "answer\tquestion\na1\tq1\na2\tq 2\n"
#define AQUA "{\"question\":\"How many?\",\"options\":[\"A)5\",\"B) six\"],\"correct\":\"B\"}"

/* ---- options --------------------------------------------------------------------------------- */

static void test_aqua(void **state) {
    opro_dataset *d = reads(AQUA, OPRO_LAYOUT_AUTO);

    (void)state;
    is(d, 0, "How many?\n(A)5\n(B) six\nWhat's the answer in (A) (B)?", "B", "(A)5\n(B) six");
    assert_int_equal(opro_dataset_task(d), OPRO_TASK_CHOICE);
    opro_dataset_free(d);
}

/* Options that come separately, in each way they may. */
static void test_options(void **state) {
    static const char shown[] = "q\n(A) x\n(B) y, z\n(C)w\nWhat's the answer in (A) (B) (C)?";
    static const char options[] = "(A) x\n(B) y, z\n(C)w";
    opro_dataset *d;

    (void)state;
    d = reads("{\"question\":\"q\",\"options\":[\"x\",\"(B) y, z\",\"C)w\"],\"answer\":\"(A)\"}\n"
              "{\"question\":\"q\",\"options\":\"x\\ny, z\\nC)w\",\"answer\":\"(A)\"}\n"
              "{\"question\":\"q\",\"options\":[],\"answer\":\"(A)\"}",
              OPRO_LAYOUT_JSONL);
    is(d, 0, shown, "(A)", options);
    is(d, 1, shown, "(A)", options);
    is(d, 2, "q", "(A)", "");
    opro_dataset_free(d);
    d = reads("question,answer,options\nq,A,\"x\ny, z\nC)w\"\nq,B,\n", OPRO_LAYOUT_CSV);
    is(d, 0, shown, "A", options);
    is(d, 1, "q", "B", "");
    assert_int_equal(opro_dataset_add(d, "q", 1, "A", 1, "x\ny, z\nC)w", OPRO_ZT), OPRO_OK);
    is(d, 2, shown, "A", options);
    opro_dataset_free(d);
    d = empty();
    assert_int_equal(opro_dataset_set_columns(d, "1", "5", "2-4"), OPRO_OK);
    assert_int_equal(opro_dataset_read(d, "q,x,\"y, z\",C)w,A\nq,\"x\",\"y, z\",,C\n", OPRO_ZT,
                                       OPRO_LAYOUT_AUTO),
                     OPRO_OK);
    is(d, 0, shown, "A", options);
    is(d, 1, "q\n(A) x\n(B) y, z\nWhat's the answer in (A) (B)?", "C", "(A) x\n(B) y, z");
    opro_dataset_free(d);
}
/* ---- a callback ------------------------------------------------------------------------------ */

typedef struct host {
    opro_dataset *d;
    int asked, destroyed, mode, row;
    opro_status said;
} host;

static int32_t deliver(const opro_dataset *dataset, size_t index, opro_sink *sink,
                       void *user_data) {
    host *h = user_data;
    char question[40];

    assert_ptr_equal(dataset, h->d);
    h->asked++;
    snprintf(question, sizeof question, "question %d", (int)index);
    if (h->mode == 1) return OPRO_OK;
    if (h->mode == 2) return -1234;
    if (h->mode == 3) return 77;
    opro_sink_text(sink, question, OPRO_ZT);
    if (h->mode == 4) return OPRO_OK;
    opro_sink_text(sink, h->mode == 5 ? "" : h->mode == 6 ? "\xff" : "B", OPRO_ZT);
    if (h->mode == 7) opro_sink_text(sink, "x\n\ny", OPRO_ZT);
    if (index % 2) opro_sink_text(sink, "one\ntwo", OPRO_ZT);
    return OPRO_OK;
}

static void destroy(void *user_data) {
    ((host *)user_data)->destroyed++;
}

static host with_callback(host *h) {
    *h = (host){.d = empty(), .row = -1};
    assert_int_equal(opro_dataset_set_fn(h->d, 10, deliver, h, destroy), OPRO_OK);
    return *h;
}

static void test_callback(void **state) {
    static const opro_status says[] = {OPRO_OK,           OPRO_ERR_CALLBACK, -1234,
                                       OPRO_ERR_CALLBACK, OPRO_ERR_CALLBACK, OPRO_ERR_CALLBACK,
                                       OPRO_ERR_INVALID,  OPRO_ERR_CALLBACK};
    host h;
    size_t len;

    (void)state;
    with_callback(&h);
    assert_int_equal(opro_dataset_count(h.d), 10);
    is(h.d, 4, "question 4", "B", "");
    assert_int_equal(h.asked, 1); /* once for all three */
    is(h.d, 7, "question 7\n(A) one\n(B) two\nWhat's the answer in (A) (B)?", "B",
       "(A) one\n(B) two");
    for (h.mode = 1; h.mode < 8; h.mode++) {
        assert_null(opro_dataset_answer(h.d, 2, &len));
        assert_int_equal(len, 0);
        assert_int_equal(opro_error_status(opro_dataset_error(h.d)), says[h.mode]);
        assert_int_equal(opro_dataset_task(h.d), 0);
        assert_int_equal(opro_dataset_digest(h.d), 0);
    }
    h.mode = 0;
    is(h.d, 2, "question 2", "B", "");
    assert_string_equal(message(h.d), "");
    assert_null(opro_dataset_answer(h.d, 10, NULL));
    assert_int_equal(opro_dataset_add(h.d, "q", 1, "a", 1, NULL, 0), OPRO_ERR_STATE);
    assert_int_equal(opro_dataset_read(h.d, CSV, OPRO_ZT, OPRO_LAYOUT_CSV), OPRO_ERR_STATE);
    assert_int_equal(opro_dataset_set_fn(h.d, 3, NULL, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(h.destroyed, 0);
    assert_int_equal(opro_dataset_set_fn(h.d, 0, NULL, NULL, NULL), OPRO_OK);
    assert_int_equal(h.destroyed, 1);
    assert_int_equal(opro_dataset_add(h.d, "q", 1, "a", 1, NULL, 0), OPRO_OK);
    assert_int_equal(opro_dataset_set_fn(h.d, 3, deliver, &h, destroy), OPRO_ERR_STATE);
    opro_dataset_free(h.d);
    assert_int_equal(h.destroyed, 1);
}

/* ---- calls inside the callback --------------------------------------------------------------- */

#define ROW(name, expression)                                                                      \
    static opro_status row_##name(opro_dataset *d) {                                               \
        return expression;                                                                         \
    }
#define ASK(name, expression)                                                                      \
    ROW(name, ((void)(expression), opro_error_status(opro_dataset_error(d))))

ROW(opro_dataset_free, (opro_dataset_free(d), OPRO_ERR_REENTRANT))
ROW(opro_dataset_set_columns, opro_dataset_set_columns(d, "a", "b", NULL))
ROW(opro_dataset_set_skip_bad, opro_dataset_set_skip_bad(d, 1))
ROW(opro_dataset_load, opro_dataset_load(d, "x", 1, OPRO_LAYOUT_AUTO))
ROW(opro_dataset_read, opro_dataset_read(d, CSV, OPRO_ZT, OPRO_LAYOUT_AUTO))
ROW(opro_dataset_add, opro_dataset_add(d, "q", 1, "a", 1, NULL, 0))
ROW(opro_dataset_set_fn, opro_dataset_set_fn(d, 0, NULL, NULL, NULL))
ASK(opro_dataset_question, opro_dataset_question(d, 5, NULL))
ASK(opro_dataset_answer, opro_dataset_answer(d, 5, NULL))
ASK(opro_dataset_options, opro_dataset_options(d, 5, NULL))
ASK(opro_dataset_task, opro_dataset_task(d))
ROW(opro_dataset_split, opro_dataset_split(d, 1, 0, 0, 0))
ROW(opro_dataset_set_split, opro_dataset_set_split(d, OPRO_TEST, NULL, 0))
ROW(opro_dataset_split_published, opro_dataset_split_published(d, 1, 0))
ASK(opro_dataset_digest, opro_dataset_digest(d))

static const struct {
    const char *name;
    int allowed;
    opro_status (*call)(opro_dataset *d);
} rows[] = {
#define OPRO_CALL(name, allowed)
#define OPRO_DATASET_CALL(name, allowed) {#name, allowed, row_##name},
#include "core/calls.def"
#undef OPRO_CALL
};

static int32_t strike(const opro_dataset *dataset, size_t index, opro_sink *sink, void *user_data) {
    host *h = user_data;

    if (h->row >= 0) h->said = rows[h->row].call(h->d);
    h->row = -1;
    return deliver(dataset, index, sink, h);
}

static void test_reentrancy(void **state) {
    (void)state;
    for (int row = 0; row < (int)(sizeof rows / sizeof *rows); row++) {
        host h = {.d = empty(), .row = row};
        int is_free = strcmp(rows[row].name, "opro_dataset_free") == 0;

        assert_int_equal(opro_dataset_set_fn(h.d, 10, strike, &h, destroy), OPRO_OK);
        assert_int_equal(rows[row].allowed, 0);
        assert_true((opro_dataset_question(h.d, 3, NULL) == NULL) == is_free);
        if (h.said != OPRO_ERR_REENTRANT) fail_msg("%s said %d", rows[row].name, (int)h.said);
        assert_int_equal(opro_error_status(opro_dataset_error(h.d)),
                         is_free ? OPRO_ERR_REENTRANT : OPRO_OK);
        is(h.d, 3, "question 3\n(A) one\n(B) two\nWhat's the answer in (A) (B)?", "B", NULL);
        assert_int_equal(opro_dataset_count(h.d), 10);
        opro_dataset_free(h.d);
        assert_int_equal(h.destroyed, 1);
    }
}

/* ---- in use ---------------------------------------------------------------------------------- */

static void test_share(void **state) {
    opro_dataset *d = reads(CSV, OPRO_LAYOUT_CSV), *user = opro__dataset_share(d);

    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        const char *name = rows[row].name;

        if (strstr(name, "_set_") || strstr(name, "_load") || strstr(name, "_read") ||
            strstr(name, "_add") || strstr(name, "_split"))
            assert_int_equal(rows[row].call(d), OPRO_ERR_STATE);
    }
    assert_string_equal(message(d), "");
    is(d, 1, "q 2", "a2", "");
    opro_dataset_free(user);
    assert_int_equal(opro_dataset_add(d, "q", 1, "a", 1, NULL, 0), OPRO_OK);
    user = opro__dataset_share(d);
    opro_dataset_free(d);
    is(user, 1, "q 2", "a2", "");
    opro_dataset_free(user);
}

static void test_arguments(void **state) {
    opro_dataset *d = empty();
    char *big = malloc(OPRO__RECORD_MAX + 1);

    (void)state;
    memset(big, 'x', OPRO__RECORD_MAX + 1);
    assert_int_equal(opro_dataset_new(NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_add(NULL, "q", 1, "a", 1, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_add(d, NULL, 1, "a", 1, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_add(d, "q", 1, "", 0, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_add(d, "q", 1, "a\0b", 3, "", 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_add(d, "q", 1, big, OPRO__RECORD_MAX + 1, "", 0),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_add(d, "q", 1, "a", 1,
                                      "1\n2\n3\n4\n5\n6\n7\n8\n9\n1\n2\n3\n4\n5\n"
                                      "6\n7\n8\n9\n1\n2\n3\n4\n5\n6\n7\n8\n9",
                                      OPRO_ZT),
                     OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_set_skip_bad(d, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_read(d, NULL, 1, OPRO_LAYOUT_AUTO), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_read(d, "x", 1, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_count(d), 0);
    assert_int_equal(opro_dataset_add(d, "q", 1, big, OPRO__RECORD_MAX, "", 0), OPRO_OK);
    assert_null(opro_dataset_question(d, 1, NULL));
    assert_int_equal(opro_dataset_count(NULL), 0);
    opro_dataset_free(NULL);
    opro_dataset_free(d);
    free(big);
}

/* ---- kinds of answers ------------------------------------------------------------------------ */

static int32_t task_of(const char *question, const char *answer, int times, int others) {
    opro_dataset *d = empty();
    int32_t task;

    while (times-- > 0)
        assert_int_equal(opro_dataset_add(d, question, OPRO_ZT, answer, OPRO_ZT, NULL, 0), OPRO_OK);
    while (others-- > 0)
        assert_int_equal(opro_dataset_add(d, "q", 1, "other words", OPRO_ZT, NULL, 0), OPRO_OK);
    task = opro_dataset_task(d);
    opro_dataset_free(d);
    return task;
}

static void test_tasks(void **state) {
    static const char *const numbers[] = {"0",   "-7", "+3", "1.5", "1e6", "1,000", "-12,345,678.9",
                                          " 8\n"};
    static const char *const bools[] = {"yes", "No", "TRUE", "False", "valid", "Invalid "};
    static const char *const choices[] = {"(A)", "(Z)", "B"};
    static const char *const texts[] = {"1,00", "1000,000", ",1",   "1,",  "$5",   "12%",
                                        "nan",  "yess",     "ye",   "(a)", "(AB)", "C",
                                        "A)",   "()",       "0x10", "inf", "1 2"};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_int_equal(task_of("q", numbers[i], 1, 0), OPRO_TASK_NUMBER);
    for (size_t i = 0; i < sizeof bools / sizeof *bools; i++)
        assert_int_equal(task_of("q", bools[i], 1, 0), OPRO_TASK_BOOL);
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        assert_int_equal(task_of("q\n(A) x\n(B) y", choices[i], 1, 0), OPRO_TASK_CHOICE);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (task_of("q\n(A) x\n(B) y", texts[i], 1, 0) != OPRO_TASK_TEXT) fail_msg("%s", texts[i]);
    assert_int_equal(task_of("q", "1", 98, 2), OPRO_TASK_NUMBER);
    assert_int_equal(task_of("q", "1", 97, 3), OPRO_TASK_TEXT);
    assert_int_equal(task_of("q", "1", 0, 0), OPRO_TASK_TEXT);
}

static void test_digest(void **state) {
    opro_dataset *a = reads(CSV, OPRO_LAYOUT_CSV), *b = reads(TSV, OPRO_LAYOUT_TSV);

    (void)state;
    assert_true(opro_dataset_digest(a) == opro_dataset_digest(b));
    assert_true(opro_dataset_digest(a) == UINT64_C(0xb0f1af4ba57318d3)); /* everywhere */
    opro_dataset_add(a, "q", 1, "ab", 2, NULL, 0);
    opro_dataset_add(b, "qa", 2, "b", 1, NULL, 0);
    assert_true(opro_dataset_digest(a) != opro_dataset_digest(b));
    opro_dataset_free(a);
    opro_dataset_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aqua),     cmocka_unit_test(test_options),
        cmocka_unit_test(test_callback), cmocka_unit_test(test_reentrancy),
        cmocka_unit_test(test_share),    cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_tasks),    cmocka_unit_test(test_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
