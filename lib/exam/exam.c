/* SPDX-License-Identifier: MIT */
/* Exams: made, begun, ended, asked about. */
#include "exam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "opro/trajectory.h"

/* ---- making ---------------------------------------------------------------------------------- */

typedef struct seat {
    int64_t example;
    size_t place;
} seat;

static int by_example(const void *a, const void *b) {
    int64_t x = ((const seat *)a)->example, y = ((const seat *)b)->example;

    return (x > y) - (x < y);
}

/* Put the places in order by their example, which each has one of its own. */
static opro_status sort(opro_exam *exam, opro_error *err) {
    opro__mem *mem = &exam->examiner->mem;
    seat *seats = opro__calloc(mem, exam->n, sizeof *seats);
    opro_status st = OPRO_OK;

    if (!seats) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < exam->n; i++)
        seats[i] = (seat){exam->sheets[i].example, i};
    qsort(seats, exam->n, sizeof *seats, by_example);
    for (size_t i = 0; i < exam->n && st == OPRO_OK; i++) {
        exam->order[i] = seats[i].place;
        if (i && seats[i].example == seats[i - 1].example)
            st = opro__fail(err, OPRO_ERR_INVALID, "example %lld is given twice",
                            (long long)seats[i].example);
    }
    opro__free(mem, seats);
    return st;
}

static opro_status fill(opro_exam *exam, const char *instruction, size_t len,
                        const int64_t *examples, size_t n) {
    opro_examiner *e = exam->examiner;
    opro__mem *mem = &e->mem;
    opro_status st = opro__line_reserve(e, e->exams);

    if (st != OPRO_OK) return st;
    exam->instruction = opro__memdup(mem, instruction, len);
    exam->len = len;
    exam->sheets = opro__calloc(mem, n, sizeof *exam->sheets);
    exam->order = opro__calloc(mem, n, sizeof *exam->order);
    exam->decided = opro__calloc(mem, n, sizeof *exam->decided);
    if (!exam->instruction || !exam->sheets || !exam->order || !exam->decided)
        return OPRO_ERR_NOMEM;
    exam->n = n;
    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        exam->sheets[i].example = examples[i];
        st = opro__check_example(e, examples[i], &e->err);
    }
    return st == OPRO_OK ? sort(exam, &e->err) : st;
}

opro_status opro_exam_new(opro_exam **out, opro_examiner *e, const char *instruction, size_t len,
                          const int64_t *examples, size_t n) {
    opro_exam *exam;
    opro_status st;

    if (!out || !e) return OPRO_ERR_INVALID;
    st = opro__enter(&e->guard, &e->err, OPRO__CALL_opro_exam_new);
    if (st != OPRO_OK) return st;
    if (!examples || !n) return opro__fail(&e->err, OPRO_ERR_INVALID, "an exam without examples");
    st = opro__check_instruction(&instruction, &len, &e->err);
    if (st != OPRO_OK) return st;
    exam = opro__calloc(&e->mem, 1, sizeof *exam);
    if (!exam) return opro__fail(&e->err, OPRO_ERR_NOMEM, "out of memory");
    exam->examiner = opro__examiner_share(e);
    exam->users = 1;
    e->exams++;
    st = fill(exam, instruction, len, examples, n);
    if (st != OPRO_OK) {
        opro__exam_release(exam);
        return st == OPRO_ERR_NOMEM ? opro__fail(&e->err, st, "out of memory") : st;
    }
    e->examined = 1;
    *out = exam;
    return OPRO_OK;
}

opro_exam *opro__exam_hold(opro_exam *exam) {
    exam->users++;
    return exam;
}

void opro__exam_release(opro_exam *exam) {
    opro_examiner *e = exam->examiner;
    opro__mem *mem = &e->mem;

    if (--exam->users) return;
    for (size_t i = 0; i < exam->n; i++)
        opro__free(mem, exam->sheets[i].texts);
    opro__free(mem, exam->sheets);
    opro__free(mem, exam->order);
    opro__free(mem, exam->decided);
    opro__free(mem, exam->instruction);
    opro__free(mem, exam->hopeless);
    opro__free(mem, exam);
    e->exams--;
    opro__examiner_release(e);
}

void opro__exam_drop(opro_exam *exam) {
    opro_examiner *e;
    int begun;

    if (!exam) return;
    e = opro__examiner_share(exam->examiner);
    begun = opro__work_begin(e);
    exam->freed = 1;
    opro__askings_disown(exam);
    opro__line_update(exam);
    opro__work_no_news(exam);
    opro__hook_clear(&exam->hook);
    opro__exam_release(exam);
    if (begun) opro__work_end(e);
    opro__examiner_release(e);
}

void opro_exam_free(opro_exam *exam) {
    if (!exam || exam->freed) return; /* by its destroy function, once more */
    if (!opro__may_free(&exam->examiner->guard, OPRO__CALL_opro_exam_free)) return;
    opro__exam_drop(exam);
}

/* ---- beginning ------------------------------------------------------------------------------- */

static opro_status may_begin(opro_exam *exam) {
    opro_examiner *e = exam->examiner;
    opro_status st;

    if (exam->begun)
        return opro__fail(&e->err, OPRO_ERR_STATE, "the exam was begun before; make a new one");
    st = opro__form_ready(&e->form, &e->err);
    if (st == OPRO_OK) st = opro__model_ready(e->model, &e->err);
    if (st == OPRO_OK && e->judge) st = opro__model_ready(e->judge, &e->err);
    return st;
}

/* Something has to be under way, or nothing will ever be heard of the exam. */
static opro_status start(opro_exam *exam) {
    opro_examiner *e = exam->examiner;
    opro_status st;
    size_t len;
    const char *fault;

    opro__line_update(exam);
    st = opro__line_run(e, &e->err);
    if (st != OPRO_OK || exam->n_decided < exam->n) return st;
    fault = opro_exam_fault(exam, 0, &len);
    return opro__fail(&e->err, OPRO_ERR_FAILED, "no question of the exam can be asked: %.*s",
                      (int)opro__utf8_cut(fault, len, 400), fault);
}

opro_status opro_exam_begin(opro_exam *exam, opro_exam_fn fn, void *user_data,
                            opro_destroy_fn destroy) {
    opro_examiner *e;
    opro_status st;
    int begun;

    if (!exam) return OPRO_ERR_INVALID;
    e = exam->examiner;
    st = opro__enter(&e->guard, &e->err, OPRO__CALL_opro_exam_begin);
    if (st == OPRO_OK) st = may_begin(exam);
    if (st != OPRO_OK) return st;
    exam->begun = 1;
    exam->number = e->begun++;
    exam->in_round = exam->n;
    begun = opro__work_begin(e);
    if (begun)
        st = start(exam);
    else
        opro__line_update(exam); /* what is at work will see to it */
    st = opro__leave(&e->guard, &e->err, st);
    if (st == OPRO_OK) {
        opro__hook_set(&exam->hook, (opro__fn)fn, user_data, destroy);
    } else {
        opro__askings_disown(exam);
        opro__exam_undo(exam);
    }
    if (begun) opro__work_end(e);
    return st;
}

/* ---- asking about it ------------------------------------------------------------------------- */

int32_t opro_exam_done(const opro_exam *exam) {
    return exam && exam->n_decided == exam->n;
}

size_t opro_exam_count(const opro_exam *exam) {
    return exam ? exam->n : 0;
}

size_t opro_exam_known(const opro_exam *exam) {
    return exam ? exam->known : 0;
}

static const opro__sheet *sheet_at(const opro_exam *exam, size_t place) {
    return exam && place < exam->n ? &exam->sheets[place] : NULL;
}

int64_t opro_exam_example(const opro_exam *exam, size_t place) {
    const opro__sheet *sheet = sheet_at(exam, place);

    return sheet ? sheet->example : -1;
}

double opro_exam_score(const opro_exam *exam, size_t place) {
    const opro__sheet *sheet = sheet_at(exam, place);

    return sheet && sheet->state == OPRO__SHEET_KNOWN ? sheet->score : (double)NAN;
}

static const char *said(const opro_exam *exam, size_t place, int what, size_t *len) {
    const opro__sheet *sheet = sheet_at(exam, place);

    if (sheet) return opro__sheet_said(sheet, what, len);
    if (len) *len = 0;
    return "";
}

const char *opro_exam_reply(const opro_exam *exam, size_t place, size_t *len) {
    return said(exam, place, OPRO__SAID_REPLY, len);
}

const char *opro_exam_second_reply(const opro_exam *exam, size_t place, size_t *len) {
    return said(exam, place, OPRO__SAID_SECOND, len);
}

const char *opro_exam_extracted(const opro_exam *exam, size_t place, size_t *len) {
    return said(exam, place, OPRO__SAID_EXTRACTED, len);
}

const char *opro_exam_rule(const opro_exam *exam, size_t place) {
    return said(exam, place, OPRO__SAID_RULE, NULL);
}

const char *opro_exam_fault(const opro_exam *exam, size_t place, size_t *len) {
    const opro__sheet *sheet = sheet_at(exam, place);
    const char *fault = said(exam, place, OPRO__SAID_FAULT, len);

    if (!sheet || sheet->state != OPRO__SHEET_UNKNOWN || *fault) return fault;
    fault = exam->hopeless ? exam->hopeless : "out of memory"; /* for the fault, if not before */
    if (len) *len = strlen(fault);
    return fault;
}

double opro_exam_mean(const opro_exam *exam) {
    double sum = 0;

    if (!opro_exam_known(exam)) return (double)NAN;
    for (size_t i = 0; i < exam->n; i++)
        if (exam->sheets[i].state == OPRO__SHEET_KNOWN) sum += exam->sheets[i].score;
    return sum / (double)exam->known;
}

opro_status opro_exam_interval(const opro_exam *exam, double *low, double *high) {
    opro__mem *mem;
    double *scores;
    opro_status st;

    if (!exam || !low || !high) return OPRO_ERR_INVALID;
    mem = &exam->examiner->mem;
    scores = opro__calloc(mem, exam->n, sizeof *scores);
    if (!scores) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < exam->n; i++)
        scores[i] = opro_exam_score(exam, i); /* NaNs are passed over */
    st = opro_interval(scores, exam->n, low, high);
    opro__free(mem, scores);
    return st;
}

int64_t opro_exam_figure(const opro_exam *exam, int32_t figure) {
    if (!exam) return 0;
    if (figure == OPRO_EXAM_CALLS) return exam->figures[OPRO__EXAM_FIGURES - 1];
    if (figure % 10 || figure < 10 || figure / 10 >= OPRO__EXAM_FIGURES) return 0;
    return exam->figures[figure / 10 - 1];
}
