/* SPDX-License-Identifier: MIT */
/* The scorer: a SCORE becomes an exam, and its scores become the answer. */
#include "core/answerer.h"
#include "core/run.h"
#include "core/ticket.h"
#include "exam.h"

/* ---- answers --------------------------------------------------------------------------------- */

static void tell_usage(opro__ticket *t, const opro_exam *exam) {
    opro__ticket_tell_usage(t, opro_exam_figure(exam, OPRO_CALL_PROMPT_TOKENS),
                            opro_exam_figure(exam, OPRO_CALL_REPLY_TOKENS),
                            opro_exam_figure(exam, OPRO_CALL_COST));
}

/*
 * It is for the model alone, so a score is not lost for want of it. Of training examples only: no
 * proposal is made from others.
 */
static void tell_feedback(const opro__ticket *t, const opro_exam *exam) {
    const opro_request *request = opro__ticket_request(t);
    opro_examiner *e = exam->examiner;
    int64_t most = OPRO__INT(&e->options, EXAM_FEEDBACK);
    opro__buf words;
    opro_error err;

    if (!most || !request || request->set != OPRO_TRAIN) return;
    opro__buf_init(&words, &t->desk->mem, OPRO__MESSAGES_MAX);
    if (opro__feedback_write(&words, exam, (size_t)most, &err) != OPRO_OK)
        opro__say(&e->guard, e->log, OPRO_LOG_WARNING, "exam", "no feedback: %s", err.message);
    else if (words.len)
        opro_run_answer_feedback(t->run, t->id, words.data, words.len);
    opro__buf_free(&words);
}

static void tell_scores(const opro__ticket *t, const opro_exam *exam) {
    double *scores = opro__calloc(&t->desk->mem, exam->n, sizeof *scores);
    opro_status st = OPRO_ERR_NOMEM;

    for (size_t i = 0; scores && i < exam->n; i++)
        scores[i] = exam->sheets[i].score;
    if (scores) st = opro_run_answer_scores(t->run, t->id, scores, exam->n);
    opro__free(&t->desk->mem, scores);
    if (st != OPRO_OK && opro__ticket_request(t)) { /* the run does not take such scores */
        const opro_error *error = opro_run_error(t->run);

        opro__ticket_tell_error(t, st, scores ? error->message : "out of memory", OPRO_ZT);
    }
}

static void tell_unknown(const opro__ticket *t, const opro_exam *exam) {
    size_t first = 0;
    opro_error err;

    while (exam->sheets[first].state == OPRO__SHEET_KNOWN)
        first++;
    opro__fail(&err, OPRO_ERR_FAILED,
               "%zu of %zu examples could not be scored; the first, number %lld: %s",
               exam->n - exam->known, exam->n, (long long)exam->sheets[first].example,
               opro_exam_fault(exam, first, NULL));
    opro__ticket_tell_error(t, err.status, err.message, err.len);
}

static int32_t hear(opro_exam *exam, int32_t event, size_t index, void *user_data) {
    opro__ticket *t = user_data;
    int over = event == OPRO_EXAM_DONE;

    (void)index;
    opro__ticket_begin_answer(t);
    tell_usage(t, exam);
    if (over && exam->known == exam->n) tell_feedback(t, exam);
    if (over && opro__ticket_request(t)) {
        if (exam->known == exam->n)
            tell_scores(t, exam);
        else
            tell_unknown(t, exam);
    }
    opro__ticket_end_answer(t, over);
    return OPRO_OK;
}

/* ---- scoring --------------------------------------------------------------------------------- */

static opro_status find_examples(opro_examiner *e, const opro_request *request, int64_t *out) {
    size_t n;
    const int64_t *examples = opro_dataset_split_of(e->dataset, request->set, &n);

    for (size_t i = 0; i < request->n_instances; i++) {
        int64_t instance = request->instances[i];

        if (instance < 0 || (uint64_t)instance >= n)
            return opro__fail(&e->err, OPRO_ERR_INVALID,
                              "there is no %s example %lld in the examiner's dataset, which has "
                              "%zu: the problem has to be one of this dataset",
                              request->set == OPRO_TRAIN ? "training" : "validation",
                              (long long)instance, n);
        out[i] = examples[instance];
    }
    return OPRO_OK;
}

static opro_status make_exam(opro__desk *desk, opro_exam **out, const opro_request *request) {
    opro_examiner *e = desk->with;
    int64_t *examples = opro__calloc(&desk->mem, request->n_instances, sizeof *examples);
    opro_status st;

    if (!examples) return opro__fail(&e->err, OPRO_ERR_NOMEM, "out of memory");
    st = find_examples(e, request, examples);
    if (st == OPRO_OK)
        st =
            opro_exam_new(out, e, request->text, request->text_len, examples, request->n_instances);
    opro__free(&desk->mem, examples);
    return st;
}

static opro_status begin(opro__desk *desk, opro_run *run, opro_request *request) {
    opro_examiner *e = desk->with;
    opro__ticket *t = opro__ticket_new(desk, run, request->id);
    opro_exam *exam = NULL;
    opro_status st;

    if (!t) return opro__fail(&e->err, OPRO_ERR_NOMEM, "out of memory");
    st = make_exam(desk, &exam, request);
    t->work = exam;
    if (st == OPRO_OK) st = opro_exam_begin(exam, hear, t, NULL);
    if (st == OPRO_OK)
        opro__ticket_open(t, request);
    else
        opro__ticket_free(t);
    return st;
}

static int32_t score(opro_run *run, opro_request *request, void *user_data) {
    opro__desk *desk = user_data;
    const opro_examiner *e = desk->with;
    opro_request *own = opro__run_find(run, request->id); /* it may be a clone */
    opro_status st = own ? begin(desk, run, own) : OPRO_ERR_STALE;
    size_t len;
    const char *message = opro_error_message(&e->err, &len);

    if (st == OPRO_OK) return OPRO_PENDING;
    return opro_run_answer_error(run, request->id, st, own ? message : "", own ? len : 0);
}

/* ---- making ---------------------------------------------------------------------------------- */

static int may_end(void *with) {
    (void)with;
    return 1;
}

static void end(void *work) {
    opro__exam_drop(work);
}

static void release(void *with) {
    opro__examiner_release(with);
}

opro_status opro_scorer_new_exam(opro_scorer **out, opro_examiner *e, const opro_allocator *mem) {
    static const opro__trade trade = {may_end, end, release};
    opro__desk *desk;
    opro_status st;

    if (!out || !e) return OPRO_ERR_INVALID;
    st = opro__desk_new(&desk, &trade, opro__examiner_share(e), mem);
    if (st != OPRO_OK) {
        opro__examiner_release(e);
        return st;
    }
    st = opro_scorer_new(out, score, desk, opro__desk_close, mem);
    if (st != OPRO_OK) {
        opro__desk_close(desk);
        return st;
    }
    (*out)->engines[0] = &e->engine;
    if (e->judge) (*out)->engines[1] = &e->judge_engine;
    e->scores = 1;
    return OPRO_OK;
}
