/* SPDX-License-Identifier: MIT */
/*
 * Examining instructions, from inside. Floors of the room, from the top down:
 *   estimate.c     what a run will use, before it does
 *   exam_scorer.c  the scorer: one exam for each SCORE request; feedback.c: wrong answers in words
 *   exam.c         exams: made, begun, ended, asked about
 *   asking.c       one question of an exam: its calls, from the first to the verdict
 *   line.c         which question is asked next
 *   judging.c      second questions, and what judges are asked
 *   examiner.c     the examiner: what it is told
 *   question.c     the messages for an instruction and an example
 */
#ifndef OPRO_EXAM_EXAM_H
#define OPRO_EXAM_EXAM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hook.h"
#include "core/config.h"
#include "core/guard.h"
#include "core/problem.h"
#include "core/template.h"
#include "kits/dataset.h"
#include "kits/metric.h"
#include "model/engine.h"
#include "opro/exam.h"

#define OPRO__SHOTS_MAX       64
#define OPRO__INSTRUCTION_MAX ((size_t)1 << 20)
#define OPRO__MESSAGES_MAX    ((size_t)96 << 20) /* an example, an instruction, a template, shots */

/* ---- question.c ------------------------------------------------------------------------------ */

/* A message: what it is with an instruction, and what without one. pieces NULL: it is not sent. */
typedef struct opro__phrase {
    opro__template with, without;
} opro__phrase;

enum { OPRO__SYSTEM, OPRO__USER, OPRO__BEGUN, OPRO__PHRASES };

/* How instructions and questions become messages. */
typedef struct opro__form {
    opro__phrase by_position[OPRO__PHRASES];
    opro__phrase own[OPRO__PHRASES]; /* the host's: if there is any, these are all */
    opro__exemplar *shots;
    size_t n_shots, cap_shots;
} opro__form;

/* Messages, all in one buffer, with a NUL behind each. */
typedef struct opro__messages {
    opro__buf text;
    struct {
        int32_t role;
        size_t from, len;
    } all[OPRO__PHRASES + 2 * OPRO__SHOTS_MAX];
    size_t n;
} opro__messages;

void opro__messages_init(opro__messages *m, opro__mem *mem);
void opro__messages_free(opro__messages *m);

/*
 * A form by position (OPRO_POSITION_...); freed by opro__form_free(), as is one of nothing but
 * zeros. OPRO_ERR_INVALID for a position that needs question marks, OPRO_ERR_NOMEM.
 */
opro_status opro__form_init(opro__form *form, opro__mem *mem, int32_t position, int question_marks,
                            opro_error *err);
void opro__form_free(opro__form *form, opro__mem *mem);

/*
 * A template of the host's, text NULL: none for this role. OPRO_ERR_INVALID: no such role, or not
 * UTF-8; OPRO_ERR_PARSE: braces that do not fit; OPRO_ERR_LIMIT.
 */
opro_status opro__form_set_text(opro__form *form, opro__mem *mem, int32_t role, const char *text,
                                size_t len, opro_error *err);

/* A shown example, copied. OPRO_ERR_INVALID: not UTF-8, or blank; OPRO_ERR_LIMIT. */
opro_status opro__form_add_shot(opro__form *form, opro__mem *mem, const char *question,
                                size_t question_len, const char *answer, size_t answer_len,
                                opro_error *err);

/* OPRO_ERR_STATE: templates that lack {question}. */
opro_status opro__form_ready(const opro__form *form, opro_error *err);

/* 1 if prompts of one instruction begin alike; 0: those of one question do. */
int opro__form_instruction_first(const opro__form *form);

/* Write the messages. OPRO_ERR_NOMEM, OPRO_ERR_LIMIT: out has none then. */
opro_status opro__form_write(const opro__form *form, const char *instruction, size_t len,
                             const char *question, size_t question_len, opro__messages *out,
                             opro_error *err);

/* ---- judging.c ------------------------------------------------------------------------------- */

/*
 * The published program's second question: what is put behind the last message, after the reply's
 * first answer. Appends to out: " {reply, cut at Q: and stripped} So the final answer is".
 */
opro_status opro__second_question(opro__buf *out, const char *reply, size_t len);

/*
 * A judge's template, with {question}, {answer} and {reply}; text NULL: the library's. *words is as
 * before when it fails. OPRO_ERR_PARSE: braces that do not fit, or it lacks {reply};
 * OPRO_ERR_INVALID: not UTF-8; OPRO_ERR_LIMIT.
 */
opro_status opro__judge_words(opro__template *words, opro__mem *mem, const char *text, size_t len,
                              opro_error *err);

/* Append what a judge is asked. */
opro_status opro__judge_write(opro__buf *out, const opro__template *words,
                              const opro__example *example, const char *reply, size_t reply_len);

/* 1: it said yes, 0: no, -1: neither. */
int opro__judge_read(const char *words, size_t len);

/* ---- examiner.c ------------------------------------------------------------------------------ */

typedef struct opro__asking opro__asking;

struct opro_examiner {
    opro__mem mem;
    opro_error err;
    opro__guard guard;
    opro__refs refs;
    opro__log *log;
    opro__options options;
    opro_dataset *dataset;
    opro_metric *metric;
    opro_model *model, *judge; /* judge NULL: the metric decides */
    opro__engine engine, judge_engine;
    opro__form form;
    opro__template judge_words;
    opro__messages messages; /* the last that were written */
    opro__buf example;       /* scratch, for examples of callbacks */
    opro__hook observer;
    int begun;      /* an exam was */
    uint64_t exams; /* how many so far */
    /* line.c: questions that wait, as a heap; and how many calls are under way */
    opro__asking **line;
    size_t n_line, cap_line;
    size_t under_way;
};

opro_examiner *opro__examiner_share(opro_examiner *examiner);

#endif
