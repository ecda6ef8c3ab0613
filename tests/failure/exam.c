/* SPDX-License-Identifier: MIT */
/* Instructions examined by a model behind a server: one by one, and as the scores of a run. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "fault.h"

enum { ITEMS = 4 };

static opro_dataset *make_items(void) {
    opro_dataset *d;

    MAKE(dataset, d, NULL, opro_dataset_new(&d, &scarce));
    for (int i = 0; i < ITEMS; i++) {
        char question[64], answer[32];

        snprintf(question, sizeof question, "What is item %d?", i);
        snprintf(answer, sizeof answer, "%d", i);
        TRY(opro_dataset_error(d), opro_dataset_add(d, question, OPRO_ZT, answer, OPRO_ZT, "", 0));
    }
    TRY(opro_dataset_error(d), opro_dataset_split(d, 0.5, 0.5, 0, 1));
    return d;
}

static opro_examiner *make_examiner(opro_dataset *d, opro_model *m, const char *settings) {
    opro_config *config = make_config(settings);
    opro_examiner *e;

    MAKE(examiner, e, NULL, opro_examiner_new(&e, d, NULL, m, config, &scarce));
    drop(config);
    return e;
}

/* ---- the examiner ---------------------------------------------------------------------------- */

static int32_t observe(opro_examiner *examiner, const opro_exam *exam, size_t index,
                       void *user_data) {
    (void)examiner, (void)user_data;
    CHECK(index < opro_exam_count(exam));
    return OPRO_OK;
}

static void build(opro_examiner *e) {
    TRY(opro_examiner_error(e), opro_examiner_build(e, "Think first.", OPRO_ZT, 2));
    for (size_t i = 0; i < opro_examiner_messages(e); i++) {
        size_t len;
        const char *text = opro_examiner_message_text(e, i, &len);

        note_int(opro_examiner_message_role(e, i));
        note_text(text, len);
    }
}

static void words(void) {
    opro_dataset *d = make_items();
    opro_model *m = make_client("");
    opro_examiner *e = make_examiner(d, m, "position=q_end");
    const opro_error *error = opro_examiner_error(e);

    build(e);
    TRY(error, opro_examiner_add_shot(e, "What is one?", OPRO_ZT, "1", OPRO_ZT));
    build(e);
    TRY(error, opro_examiner_set_template(e, OPRO_ROLE_SYSTEM, "{instruction}", OPRO_ZT));
    TRY(error, opro_examiner_set_template(e, OPRO_ROLE_USER, "Now: {question}", OPRO_ZT));
    TRY(error, opro_examiner_set_template(e, OPRO_ROLE_ASSISTANT, "It is", OPRO_ZT));
    TRY_REFUSED(OPRO_ERR_PARSE, error,
                opro_examiner_set_template(e, OPRO_ROLE_USER, "{answer}", OPRO_ZT));
    build(e);
    TRY(error, opro_examiner_set_judge(e, m, "Is {reply} a right answer, {answer}?", OPRO_ZT));
    TRY(error, opro_examiner_set_judge(e, m, NULL, 0));
    TRY(error, opro_examiner_set_observer(e, observe, lend(), returned));
    TRY(error, opro_examiner_set_observer(e, observe, lend(), returned));
}

static void estimates(void) {
    opro_dataset *d = make_items();
    opro_model *m = make_client("model_prompt_price=1 model_reply_price=2");
    opro_examiner *e = make_examiner(d, m, "position=before_q question_marks=1");
    opro_config *config = make_config("steps=4 samples_per_step=3");
    opro_problem *p;

    MAKE(problem, p, NULL, opro_problem_new_dataset(&p, d, &scarce));
    TRY(opro_problem_error(p), opro_problem_add_initial(p, "Think.", OPRO_ZT));
    for (int32_t figure = 10; figure <= OPRO_ESTIMATE_COST; figure += 10) {
        int64_t low, likely, high;

        TRY_OUT(low, opro_examiner_error(e),
                opro_examiner_estimate(e, p, m, config, figure, &low, &likely, &high));
        CHECK(low <= likely && likely <= high);
        note_int(low);
        note_int(likely);
        note_int(high);
    }
}

/* ---- exams ----------------------------------------------------------------------------------- */

static int32_t hear(opro_exam *exam, int32_t event, size_t index, void *user_data) {
    (void)user_data;
    CHECK(event == OPRO_EXAM_DONE || index < opro_exam_count(exam));
    return OPRO_OK;
}

/* What is unknown says why. 1: all is known. */
static int note_exam(const opro_exam *exam) {
    double low = 0, high = 0;

    for (size_t i = 0; i < opro_exam_count(exam); i++) {
        size_t len;
        const char *text = opro_exam_reply(exam, i, &len);

        note_text(text, len);
        text = opro_exam_second_reply(exam, i, &len);
        note_text(text, len);
        text = opro_exam_extracted(exam, i, &len);
        note_text(text, len);
        text = opro_exam_rule(exam, i);
        note_text(text, strlen(text));
        text = opro_exam_fault(exam, i, &len);
        note_text(text, len);
        note_int(opro_exam_example(exam, i));
        note_real(opro_exam_score(exam, i));
        CHECK(isnan(opro_exam_score(exam, i)) == (len > 0));
        CHECK(len == 0 || faults.what != FAULT_MEMORY || strstr(text, "memory"));
    }
    note_real(opro_exam_mean(exam));
    if (opro_exam_known(exam)) TRY(NULL, opro_exam_interval(exam, &low, &high));
    note_real(low + high);
    CHECK(opro_exam_figure(exam, OPRO_EXAM_CALLS) >= 0);
    return opro_exam_known(exam) == opro_exam_count(exam);
}

static opro_exam *make_exam(opro_examiner *e, const char *instruction, size_t n) {
    static const int64_t examples[4] = {2, 0, 1, 3};
    opro_exam *exam;

    MAKE(exam, exam, opro_examiner_error(e),
         opro_exam_new(&exam, e, instruction, OPRO_ZT, examples, n));
    TRY(opro_examiner_error(e), opro_exam_begin(exam, hear, lend(), returned));
    return exam;
}

static void wait_for_exam(opro_model *m, const opro_exam *exam) {
    for (int turn = 0; !opro_exam_done(exam); turn++) {
        opro_status st = opro_model_poll(m, 20000);

        CHECK(st >= 0 || (st == OPRO_ERR_NOMEM && something_failed()));
        CHECK(st != OPRO_DONE || opro_exam_done(exam));
        CHECK(turn < 1000);
    }
}

/* Two at a time. */
static void examine(opro_model *m, opro_examiner *e, size_t n) {
    uint64_t mark = noted();

    for (int whole = 0; !whole;) {
        opro_exam *first = make_exam(e, "Think first.", n), *second = make_exam(e, "", n);

        wait_for_exam(m, first);
        wait_for_exam(m, second);
        whole = note_exam(first);
        whole = note_exam(second) && whole;
        if (!whole) died(mark);
        drop(first);
        drop(second);
    }
}

static void plainly(void) {
    opro_model *m = make_client("");

    examine(m, make_examiner(make_items(), m, "exam_rounds=0"), 4);
}

static void twice(void) {
    opro_model *m = make_client("");

    examine(m, make_examiner(make_items(), m, "exam_rounds=1 exam_second_question=1"), 2);
}

static void judged(void) {
    opro_model *m = make_client("");
    opro_examiner *e = make_examiner(make_items(), m, "exam_rounds=0");

    TRY(opro_examiner_error(e),
        opro_examiner_set_judge(e, m, "Is {reply} the right answer?", OPRO_ZT));
    examine(m, e, 2);
}

/* ---- the scores of a run --------------------------------------------------------------------- */

static int no_feedback;

/* Feedback that there is no memory for is left out, and that is told. */
static void hear_warnings(int32_t level, const char *domain, const char *message, size_t len,
                          void *user_data) {
    (void)domain, (void)len, (void)user_data;
    if (level == OPRO_LOG_WARNING && strstr(message, "no feedback")) no_feedback = 1;
}

static opro_examiner *make_heard_examiner(opro_dataset *d, opro_model *m) {
    opro_config *config = make_config("exam_feedback=1 exam_rounds=0");
    opro_examiner *e;

    TRY(opro_config_error(config),
        opro_config_set_log(config, OPRO_LOG_WARNING, hear_warnings, NULL, NULL));
    MAKE(examiner, e, NULL, opro_examiner_new(&e, d, NULL, m, config, &scarce));
    return e;
}

static void scored(void) {
    opro_dataset *d = make_items();
    opro_model *m = make_client("model_cache_bytes=0"); /* so that all is paid each time */
    opro_examiner *e = make_heard_examiner(d, m);
    opro_config *config = make_config("steps=1 samples_per_step=1 show_feedback=200 exemplars=1 "
                                      "race=exact race_block=2 confirm=on");
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_problem *p;

    MAKE(problem, p, NULL, opro_problem_new_dataset(&p, d, &scarce));
    TRY(opro_problem_error(p), opro_problem_add_initial(p, "Think.", OPRO_ZT));
    MAKE(optimizer, optimizer, NULL, opro_optimizer_new_model(&optimizer, m, &scarce));
    MAKE(scorer, scorer, NULL, opro_scorer_new_exam(&scorer, e, &scarce));
    drop(e);
    drop(m);
    unharmed_drive(p, config, optimizer, scorer, &no_feedback);
}

const scenario exam_scenarios[] = {
    {"words of an examiner", NETWORK, words},
    {"estimates", NETWORK, estimates},
    {"exams", NETWORK | CALLS, plainly},
    {"exams with two questions", NETWORK, twice},
    {"exams with a judge", NETWORK, judged},
    {"a run scored by exams", NETWORK | CALLS, scored},
    {NULL, 0, NULL},
};
