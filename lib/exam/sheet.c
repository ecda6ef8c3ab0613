/* SPDX-License-Identifier: MIT */
/*
 * What is known of each question of an exam, and what follows from that: rounds. What has failed
 * is asked again when all the others have their outcome, some times, and is unknown then.
 */
#include <string.h>

#include "exam.h"

/* ---- texts ----------------------------------------------------------------------------------- */

/* Where a text begins, if it is there. */
static size_t offset_of(const opro__sheet *sheet, int what) {
    size_t at = 0;

    for (int i = 0; i < what; i++)
        if (sheet->lens[i]) at += sheet->lens[i] + 1;
    return at;
}

const char *opro__sheet_said(const opro__sheet *sheet, int what, size_t *len) {
    if (len) *len = sheet->lens[what];
    return sheet->lens[what] ? sheet->texts + offset_of(sheet, what) : "";
}

opro_status opro__sheet_put(opro_exam *exam, size_t place, int what, const char *s, size_t len) {
    opro__sheet *sheet = &exam->sheets[place];
    size_t at = offset_of(sheet, what);
    char *texts;

    for (int i = what; i < OPRO__SAID; i++)
        sheet->lens[i] = 0;
    if (!len) return OPRO_OK;
    texts = opro__realloc(&exam->examiner->mem, sheet->texts, at + len + 1);
    if (!texts) return OPRO_ERR_NOMEM;
    sheet->texts = texts;
    sheet->lens[what] = len;
    memcpy(texts + at, s, len);
    texts[at + len] = '\0';
    return OPRO_OK;
}

/* ---- outcomes -------------------------------------------------------------------------------- */

static void decide(opro_exam *exam, size_t place, int state) {
    exam->sheets[place].state = state;
    exam->known += state == OPRO__SHEET_KNOWN;
    exam->decided[exam->n_decided++] = place;
    opro__work_news(exam);
}

void opro__sheet_known(opro_exam *exam, size_t place, double score) {
    exam->sheets[place].score = score;
    decide(exam, place, OPRO__SHEET_KNOWN);
}

/* Without memory for the fault there is none, which says it (opro_exam_fault()). */
void opro__sheet_unknown(opro_exam *exam, size_t place, const char *fault, size_t len) {
    opro__sheet_put(exam, place, OPRO__SAID_FAULT, fault, len);
    decide(exam, place, OPRO__SHEET_UNKNOWN);
}

void opro__sheet_failed(opro_exam *exam, size_t place, const char *fault, size_t len) {
    opro__sheet_put(exam, place, OPRO__SAID_FAULT, fault, len);
    exam->sheets[place].state = OPRO__SHEET_FAILED;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* Those that failed come first in the order, and stay in it. How many they are. */
static size_t gather_failed(opro_exam *exam) {
    size_t n = 0;

    for (size_t i = 0; i < exam->in_round; i++)
        if (exam->sheets[exam->order[i]].state == OPRO__SHEET_FAILED)
            exam->order[n++] = exam->order[i];
    return n;
}

void opro__exam_move_on(opro_exam *exam) {
    int again = exam->round < OPRO__INT(&exam->examiner->options, EXAM_ROUNDS);

    if (exam->under_way || exam->asked < exam->in_round) return;
    exam->in_round = gather_failed(exam);
    exam->asked = again ? 0 : exam->in_round;
    exam->round++;
    for (size_t i = 0; i < exam->in_round; i++) {
        if (again)
            exam->sheets[exam->order[i]].state = OPRO__SHEET_OPEN;
        else
            decide(exam, exam->order[i], OPRO__SHEET_UNKNOWN);
    }
    opro__line_update(exam);
}

void opro__exam_give_up(opro_exam *exam, const char *fault, size_t len) {
    size_t from = exam->asked;

    if (!exam->hopeless) exam->hopeless = opro__memdup(&exam->examiner->mem, fault, len);
    exam->round = OPRO__INT(&exam->examiner->options, EXAM_ROUNDS);
    exam->asked = exam->in_round;
    while (from < exam->in_round) {
        size_t place = exam->order[from++];

        opro__sheet_put(exam, place, OPRO__SAID_FAULT, "", 0); /* they share one */
        decide(exam, place, OPRO__SHEET_UNKNOWN);
    }
    opro__line_update(exam);
    opro__exam_move_on(exam);
}

void opro__exam_undo(opro_exam *exam) {
    for (size_t i = 0; i < exam->n; i++) {
        opro__sheet_put(exam, i, OPRO__SAID_REPLY, "", 0);
        exam->sheets[i].state = OPRO__SHEET_OPEN;
    }
    exam->begun = 0;
    exam->asked = exam->in_round = exam->under_way = 0;
    exam->round = 0;
    exam->n_decided = 0;
    opro__work_no_news(exam);
    opro__line_update(exam);
}
