/* SPDX-License-Identifier: MIT */
/*
 * The examiner's rows of the table of calls (lib/core/calls.def): each function is called inside
 * each kind of callback, and says OPRO_ERR_REENTRANT exactly where the table does not allow it. The
 * exam that was under way comes to its end all the same.
 */
#define _GNU_SOURCE
#include "../api/exam_world.h"
#include "core/guard.h"

/* Of an exam, of all exams, of a metric, of a dataset: when it is asked, when it is looked at. */
enum { EXAM, OBSERVER, METRIC, ASKED, BUILT, KINDS };

typedef struct world {
    exam_world w;
    opro_problem *problem;
    opro_exam *other; /* made before, not begun */
    int row, where;
    int done;
    int other_destroyed;
    opro_status said;
    int warned;
} world;

/* ---- the rows -------------------------------------------------------------------------------- */

#define ROW(name, expression)                                                                      \
    static opro_status row_##name(world *t) {                                                      \
        return (expression);                                                                       \
    }

static opro_status freed_examiner(world *t) {
    opro_examiner_free(t->w.examiner);
    return OPRO_ERR_REENTRANT; /* shows by what is still there */
}

static opro_status freed_exam(world *t) {
    opro_exam_free(t->other);
    if (t->where == EXAM) t->other = NULL;
    return t->where == EXAM ? OPRO_OK : OPRO_ERR_REENTRANT;
}

static opro_status made(world *t) {
    const int64_t example = 1;
    opro_exam *exam = NULL;
    opro_status st = opro_exam_new(&exam, t->w.examiner, "Again", OPRO_ZT, &example, 1);

    opro_exam_free(exam);
    return st;
}

static opro_status estimated(world *t) {
    int64_t low, likely, high;

    return opro_examiner_estimate(t->w.examiner, t->problem, NULL, NULL, OPRO_ESTIMATE_COST, &low,
                                  &likely, &high);
}

ROW(opro_examiner_free, freed_examiner(t))
ROW(opro_examiner_set_template,
    opro_examiner_set_template(t->w.examiner, OPRO_ROLE_USER, "{question}", OPRO_ZT))
ROW(opro_examiner_add_shot, opro_examiner_add_shot(t->w.examiner, "q", 1, "a", 1))
ROW(opro_examiner_set_judge, opro_examiner_set_judge(t->w.examiner, t->w.model, NULL, 0))
ROW(opro_examiner_set_observer, opro_examiner_set_observer(t->w.examiner, NULL, NULL, NULL))
ROW(opro_examiner_build, opro_examiner_build(t->w.examiner, "x", 1, 0))
ROW(opro_examiner_estimate, estimated(t))
ROW(opro_exam_new, made(t))
ROW(opro_exam_begin, opro_exam_begin(t->other, NULL, NULL, NULL))
ROW(opro_exam_free, freed_exam(t))

static const struct {
    const char *name;
    int allowed;
    opro_status (*call)(world *t);
} rows[] = {
#define OPRO_CALL(name, allowed)
#define OPRO_EXAM_CALL(name, allowed) {#name, allowed, row_##name},
#include "core/calls.def"
#undef OPRO_CALL
};

#define ROWS ((int)(sizeof rows / sizeof *rows))

static int is_free(int row) {
    return strcmp(rows[row].name + strlen(rows[row].name) - 5, "_free") == 0;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static void strike(world *t, int where) {
    if (t->done || t->where != where || t->row < 0) return;
    t->done = 1;
    t->said = rows[t->row].call(t);
}

static int32_t hear(opro_exam *exam, int32_t event, size_t index, void *user_data) {
    (void)exam, (void)event, (void)index;
    strike(user_data, EXAM);
    return OPRO_OK;
}

static int32_t observe(opro_examiner *examiner, const opro_exam *exam, size_t index,
                       void *user_data) {
    (void)examiner, (void)exam, (void)index;
    strike(user_data, OBSERVER);
    return OPRO_OK;
}

static int32_t measure(const opro_metric *metric, const char *reply, size_t reply_len,
                       const char *answer, size_t answer_len, opro_verdict *verdict,
                       void *user_data) {
    (void)metric, (void)reply, (void)reply_len, (void)answer, (void)answer_len;
    strike(user_data, METRIC);
    return opro_verdict_set(verdict, 1, "", 0, "x");
}

static int32_t deliver(const opro_dataset *dataset, size_t index, opro_sink *sink,
                       void *user_data) {
    world *t = user_data;
    char text[64];

    (void)dataset;
    strike(t, t->where == BUILT ? BUILT : ASKED);
    snprintf(text, sizeof text, "What is item %zu?", index);
    opro_sink_text(sink, text, OPRO_ZT);
    return opro_sink_text(sink, "1", OPRO_ZT);
}

static void destroy(void *user_data) {
    ((world *)user_data)->other_destroyed = 1;
}

static void listen_to(int32_t level, const char *domain, const char *message, size_t len,
                      void *user_data) {
    (void)level, (void)domain, (void)len;
    if (strstr(message, "tried to free")) ((world *)user_data)->warned = 1;
}

/* ---- one row in one kind --------------------------------------------------------------------- */

static void make(world *t) {
    memset(t, 0, sizeof *t);
    t->row = -1;
    exam_prepare(&t->w, exam_say_most, 1, "");
    opro_config_set_log(t->w.config, OPRO_LOG_WARNING, listen_to, t, NULL);
    opro_dataset_free(t->w.dataset);
    assert_int_equal(opro_dataset_new(&t->w.dataset, NULL), OPRO_OK);
    assert_int_equal(opro_dataset_set_fn(t->w.dataset, 5, deliver, t, NULL), OPRO_OK);
    assert_int_equal(opro_problem_new_dataset(&t->problem, t->w.dataset, NULL), OPRO_OK);
    assert_int_equal(opro_metric_new(&t->w.metric, OPRO_METRIC_HOST, OPRO_TASK_TEXT, NULL),
                     OPRO_OK);
    assert_int_equal(opro_metric_set_fn(t->w.metric, measure, t, NULL), OPRO_OK);
    exam_make(&t->w);
    assert_int_equal(opro_examiner_set_observer(t->w.examiner, observe, t, NULL), OPRO_OK);
}

static void one(int row, int where) {
    opro_status expected = rows[row].allowed == 1 && where == EXAM ? OPRO_OK : OPRO_ERR_REENTRANT;
    opro_status built;
    opro_exam *exam;
    world t;

    make(&t);
    exam = exam_of(&t.w, "Think.", 5);
    t.other = exam_of(&t.w, "Not yet.", 5);
    t.where = where;
    t.row = row;
    built = where == BUILT ? opro_examiner_build(t.w.examiner, "Think.", OPRO_ZT, 3) : OPRO_OK;
    assert_int_equal(opro_exam_begin(exam, hear, &t, destroy), OPRO_OK);
    exam_wait(&t.w, exam);
    assert_true(t.done);
    t.row = -1;
    if (t.said != expected)
        fail_msg("%s in callback %d said %d", rows[row].name, where, (int)t.said);
    if (where == BUILT) assert_int_equal(built, is_free(row) ? OPRO_ERR_REENTRANT : OPRO_OK);
    if (where != BUILT && where != ASKED)
        assert_int_equal(t.warned, is_free(row) && expected != OPRO_OK);
    assert_int_equal(opro_exam_known(exam), 5);
    assert_false(t.other_destroyed);
    opro_exam_free(exam);
    assert_true(t.other_destroyed);
    assert_true(!t.other || opro_exam_count(t.other) == 5);
    opro_exam_free(t.other);
    opro_problem_free(t.problem);
    exam_close(&t.w);
}

static void every_row_in_every_callback(void **state) {
    (void)state;
    for (int where = 0; where < KINDS; where++)
        for (int row = 0; row < ROWS; row++)
            if (where != ASKED || !is_free(row)) one(row, where);
}

/* The question that is written when an exam begins: the beginning fails. */
static void who_frees_while_it_begins(void **state) {
    (void)state;
    for (int row = 0; row < ROWS; row++) {
        opro_exam *exam;
        world t;

        if (!is_free(row)) continue;
        make(&t);
        exam = exam_of(&t.w, "Think.", 5);
        t.other = exam_of(&t.w, "Not yet.", 5);
        t.where = ASKED;
        t.row = row;
        assert_int_equal(opro_exam_begin(exam, hear, &t, destroy), OPRO_ERR_REENTRANT);
        assert_message(opro_examiner_error(t.w.examiner), OPRO_ERR_REENTRANT);
        exam_expect_idle(&t.w);
        assert_int_equal(opro_exam_begin(exam, hear, &t, destroy), OPRO_OK);
        exam_wait(&t.w, exam);
        assert_int_equal(opro_exam_known(exam), 5);
        opro_exam_free(exam);
        opro_exam_free(t.other);
        opro_problem_free(t.problem);
        exam_close(&t.w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_in_every_callback),
        cmocka_unit_test(who_frees_while_it_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
