/* SPDX-License-Identifier: MIT */
/*
 * The line of exams with questions to be asked: a heap. Prompts that begin alike follow one
 * another, so that an endpoint that keeps what it has read need not read it again: by exam where
 * the instruction stands first, else by example. What is asked is handed to the client in small
 * portions: a question that comes later may have its place before others that wait here.
 */
#include "exam.h"

#define FEW     4
#define MANY    4096
#define CUT_OFF 4 /* calls in a row without a connection: nothing can be reached */

/* ---- the heap -------------------------------------------------------------------------------- */

static int64_t next_example(const opro_exam *exam) {
    return exam->sheets[exam->order[exam->asked]].example;
}

static int before(const opro_exam *a, const opro_exam *b) {
    if (!opro__form_instruction_first(&a->examiner->form) && next_example(a) != next_example(b))
        return next_example(a) < next_example(b);
    return a->number < b->number;
}

static void set_at(opro_examiner *e, size_t place, opro_exam *exam) {
    e->line[place - 1] = exam;
    exam->in_line = place;
}

static void sift(opro_examiner *e, opro_exam *exam) {
    size_t place = exam->in_line;

    while (place > 1 && before(exam, e->line[place / 2 - 1])) {
        set_at(e, place, e->line[place / 2 - 1]);
        place /= 2;
    }
    for (size_t child; (child = 2 * place) <= e->n_line; place = child) {
        if (child < e->n_line && before(e->line[child], e->line[child - 1])) child++;
        if (!before(e->line[child - 1], exam)) break;
        set_at(e, place, e->line[child - 1]);
    }
    set_at(e, place, exam);
}

static void take_out(opro_exam *exam) {
    opro_examiner *e = exam->examiner;
    opro_exam *last = e->line[--e->n_line];
    size_t place = exam->in_line;

    exam->in_line = 0;
    if (last == exam) return;
    last->in_line = place;
    sift(e, last);
}

opro_status opro__line_reserve(opro_examiner *e, size_t n) {
    void *line = e->line;
    int ok = opro__reserve(&e->mem, &line, &e->cap_line, n, sizeof(opro_exam *));

    e->line = line;
    return ok ? OPRO_OK : OPRO_ERR_NOMEM;
}

void opro__line_update(opro_exam *exam) {
    opro_examiner *e = exam->examiner;
    int waits = exam->begun && !exam->freed && exam->asked < exam->in_round;

    if (!waits) {
        if (exam->in_line) take_out(exam);
        return;
    }
    if (!exam->in_line) {
        e->n_line++;
        set_at(e, e->n_line, exam);
    }
    sift(e, exam);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/*
 * Twice as many as the client sends at once, so that it never waits for us. When nothing can be
 * reached, many: the client tries each for a while, and they should not take their turns at that.
 */
static size_t most_under_way(const opro_examiner *e) {
    int64_t most = 2 * opro_model_figure(e->model, OPRO_MODEL_CONCURRENCY);

    if (e->cut_off >= CUT_OFF) return MANY;
    return most > FEW ? (size_t)most : FEW;
}

static opro_status ask_next(opro_examiner *e, opro_error *err) {
    opro_exam *exam = opro__exam_hold(e->line[0]);
    opro_status st = opro__ask(exam, exam->order[exam->asked], err);

    if (st == OPRO_OK && !exam->freed) {
        exam->asked++;
        opro__line_update(exam);
        opro__exam_move_on(exam); /* if it was unknown at once */
    }
    opro__exam_release(exam);
    return st;
}

opro_status opro__line_run(opro_examiner *e, opro_error *err) {
    opro_status st = OPRO_OK;

    opro__askings_clear(e, e->n_line ? 1 : 0);
    while (st == OPRO_OK && e->n_line && e->n_askings - e->n_orphans < most_under_way(e))
        st = ask_next(e, err);
    if (!e->n_line || e->n_askings > e->n_orphans) opro__askings_clear(e, 0);
    return e->n_askings ? OPRO_OK : st; /* when what is under way ends it is tried again */
}

void opro__line_give_up(opro_examiner *e, const char *fault, size_t len) {
    while (e->n_line)
        opro__exam_give_up(e->line[0], fault, len);
}
