/* SPDX-License-Identifier: MIT */
/* Everything that can be done now, one thing after the other, and what is told of it. */
#include "exam.h"

/* ---- lists ----------------------------------------------------------------------------------- */

static void add_ended(opro_examiner *e, opro__asking *a) {
    a->ended = 1;
    a->next_ended = NULL;
    if (e->last_ended) e->last_ended->next_ended = a;
    if (!e->ended) e->ended = a;
    e->last_ended = a;
}

static opro__asking *take_ended(opro_examiner *e) {
    opro__asking *a = e->ended;

    if (!a) return NULL;
    e->ended = a->next_ended;
    if (!e->ended) e->last_ended = NULL;
    return a;
}

void opro__work_news(opro_exam *exam) {
    opro_examiner *e = exam->examiner;

    if (exam->has_news) return;
    exam->has_news = 1;
    exam->next_news = NULL;
    exam->prev_news = e->last_news;
    if (e->last_news) e->last_news->next_news = exam;
    if (!e->last_news) e->news = exam;
    e->last_news = exam;
}

void opro__work_no_news(opro_exam *exam) {
    opro_examiner *e = exam->examiner;

    if (!exam->has_news) return;
    exam->has_news = 0;
    if (exam->prev_news) exam->prev_news->next_news = exam->next_news;
    if (!exam->prev_news) e->news = exam->next_news;
    if (exam->next_news) exam->next_news->prev_news = exam->prev_news;
    if (!exam->next_news) e->last_news = exam->prev_news;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static void look_at(opro_examiner *e, int32_t returned, const char *who) {
    if (returned != OPRO_OK)
        opro__say(&e->guard, e->log, OPRO_LOG_WARNING, "exam",
                  "%s returned %d, which has no effect", who, (int)returned);
}

static void observe(opro_exam *exam, size_t place) {
    opro_examiner *e = exam->examiner;
    int32_t returned;

    if (!e->observer.fn) return;
    opro__callback_begin(&e->guard, "the observer");
    returned = ((opro_examiner_fn)e->observer.fn)(e, exam, place, e->observer.user_data);
    opro__callback_end(&e->guard);
    look_at(e, returned, "the observer of an examiner");
}

static void tell(opro_exam *exam, int32_t event, size_t place) {
    opro_examiner *e = exam->examiner;
    int32_t returned;

    if (exam->freed || !exam->hook.fn) return;
    opro__serving_begin(&e->guard, "the callback of an exam");
    returned = ((opro_exam_fn)exam->hook.fn)(exam, event, place, exam->hook.user_data);
    opro__serving_end(&e->guard);
    look_at(e, returned, "the callback of an exam");
}

/* The next thing that there is to tell of an exam. */
static void tell_next(opro_exam *exam) {
    opro__exam_hold(exam);
    if (exam->n_told < exam->n_decided) {
        size_t place = exam->decided[exam->n_told++];

        observe(exam, place);
        tell(exam, OPRO_EXAM_ANSWER, place);
    } else {
        opro__work_no_news(exam);
        if (exam->n_told == exam->n) tell(exam, OPRO_EXAM_DONE, 0);
    }
    opro__exam_release(exam);
}

/* Callbacks that tried to free what they may not: nobody else says it. */
static void tell_violation(opro_examiner *e) {
    opro_error err;

    if (opro__leave(&e->guard, &err, OPRO_OK) != OPRO_OK)
        opro__say(&e->guard, e->log, OPRO_LOG_WARNING, "exam", "%s", err.message);
}

/* ---- work ------------------------------------------------------------------------------------ */

/* Ask what can be asked. What cannot, though nothing else is under way, has failed. */
static void ask(opro_examiner *e) {
    opro_error err;

    while (opro__line_run(e, &err) != OPRO_OK) {
        opro_exam *exam = e->line[0];

        opro__sheet_failed(exam, exam->order[exam->asked++], err.message, err.len);
        opro__line_update(exam);
        opro__exam_move_on(exam);
    }
}

static void work(opro_examiner *e) {
    opro__asking *a;

    if (e->working) return;
    e->working = 1;
    for (;;) {
        while ((a = take_ended(e)))
            opro__asking_over(a);
        ask(e);
        if (e->ended) continue;
        if (!e->news) break;
        tell_next(e->news);
    }
    e->working = 0;
    tell_violation(e);
}

void opro__work_call_over(opro__asking *a) {
    opro_examiner *e = opro__examiner_share(a->examiner);

    add_ended(e, a);
    work(e);
    opro__examiner_release(e);
}

int opro__work_begin(opro_examiner *e) {
    if (e->working) return 0;
    e->working = 1;
    return 1;
}

void opro__work_end(opro_examiner *e) {
    opro_error err;

    opro__line_run(e, &err);
    e->working = 0;
    if (e->ended) work(e);
}
