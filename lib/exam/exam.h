/* SPDX-License-Identifier: MIT */
/*
 * Examining instructions, from inside. Floors of the room, from the top down:
 *   estimate.c     what a run will use, before it does
 *   exam_scorer.c  the scorer: one exam for each SCORE request; feedback.c: wrong answers in words
 *   exam.c         exams: made, begun, ended, asked about
 *   work.c         everything that can be done now, and what is told of it
 *   line.c         which question is asked next
 *   asking.c       one question of an exam: its calls, from the first to the verdict
 *   sheet.c        what is known of each question, and what follows from that
 *   judging.c      second questions, and what judges are asked
 *   examiner.c     the examiner: what it is told
 *   question.c     the messages for an instruction and an example
 *
 * Whatever happens comes as the end of a call, from inside the model's poll: it is put into a list,
 * and opro__work() goes through that, asks what can be asked, and calls the host back, one thing
 * after the other. Nothing of it runs inside itself, so callbacks find everything in order. As long
 * as a question waits in the line at least one call is under way, so that the end of a call comes.
 */
#ifndef OPRO_EXAM_EXAM_H
#define OPRO_EXAM_EXAM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hook.h"
#include "base/map.h"
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

/* A question that is under way. */
typedef struct opro__asking {
    opro_examiner *examiner; /* a share */
    opro_exam *exam;         /* NULL: nobody wants to know any more */
    size_t place;            /* in the exam */
    size_t at;               /* in the examiner's list */
    int stage;
    opro_call *call;
    int ended;                           /* the call is over, and that is still to be looked at */
    struct opro__asking *next_ended;     /* work.c */
    uint64_t key;                        /* of what the call asks */
    int keyed;                           /* it takes part in this: */
    struct opro__asking *ahead, *behind; /* who asks the same, and is under way, or waits */
} opro__asking;

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
    opro__buf example;       /* scratch: examples of callbacks */
    opro__buf words;         /* scratch: a second question, or what a judge is asked */
    opro__hook observer;
    int examined;   /* there was an exam */
    int scores;     /* there was a scorer */
    uint64_t begun; /* exams */
    size_t exams;   /* that are there now */
    /* work.c */
    int working;
    opro__asking *ended, *last_ended; /* their calls are over */
    opro_exam *news, *last_news;      /* something is to be told of them */
    /* line.c: exams with questions to be asked, as a heap */
    opro_exam **line;
    size_t n_line, cap_line;
    /* asking.c */
    opro__asking **askings; /* under way */
    size_t n_askings, cap_askings;
    size_t n_orphans; /* of these, nobody wants to know any more */
    size_t cut_off;   /* calls in a row that came to nothing for want of a connection */
    opro__map keys;   /* of calls under way -> askings */
};

opro_examiner *opro__examiner_share(opro_examiner *examiner);
void opro__examiner_release(opro_examiner *examiner);

/* Settle (s, len), or say what is wrong with an instruction, and with the index of an example. */
opro_status opro__check_instruction(const char **s, size_t *len, opro_error *err);
opro_status opro__check_example(const opro_examiner *examiner, int64_t index, opro_error *err);

/* An example, until the next one is asked for. The dataset's callback may run. */
opro_status opro__examiner_example(opro_examiner *examiner, int64_t index, opro__example *out,
                                   opro_error *err);

/* ---- sheet.c --------------------------------------------------------------------------------- */

/* Where a question stands. */
enum {
    OPRO__SHEET_OPEN,    /* to be asked in this round, or under way             */
    OPRO__SHEET_FAILED,  /* failed in this round, and may be asked again        */
    OPRO__SHEET_UNKNOWN, /* decided: it has no score, and the fault says why    */
    OPRO__SHEET_KNOWN    /* decided                                             */
};

/* What there is to say of it, in the order in which it turns up. */
enum {
    OPRO__SAID_REPLY,
    OPRO__SAID_SECOND,
    OPRO__SAID_EXTRACTED,
    OPRO__SAID_RULE,
    OPRO__SAID_FAULT,
    OPRO__SAID
};

typedef struct opro__sheet {
    int64_t example;
    double score;
    char *texts; /* one behind the other, those that are not empty with a NUL */
    size_t lens[OPRO__SAID];
    int state;
} opro__sheet;

#define OPRO__EXAM_FIGURES 9 /* OPRO_CALL_PROMPT_TOKENS .. _CACHE_HITS, and OPRO_EXAM_CALLS */

struct opro_exam {
    opro_examiner *examiner; /* a share */
    size_t users;            /* the host, and those that must not lose it while they call back */
    int begun, freed;
    uint64_t number; /* of those that were begun */
    char *instruction;
    size_t len;
    opro__sheet *sheets;
    size_t n, known;
    size_t *order; /* places by their example: first those that are asked in this round */
    size_t in_round, asked, under_way;
    int64_t round;   /* from 0 */
    char *hopeless;  /* the fault of all that it makes no sense to ask */
    size_t *decided; /* places, in the order in which they were decided */
    size_t n_decided, n_told;
    opro_exam *next_news, *prev_news;
    int has_news;
    size_t in_line; /* its place there, from 1; 0: it is not */
    int64_t figures[OPRO__EXAM_FIGURES];
    opro__hook hook;
};

const char *opro__sheet_said(const opro__sheet *sheet, int what, size_t *len);

/* Put a text down; what comes after it in the order goes. OPRO_ERR_NOMEM: only that. */
opro_status opro__sheet_put(opro_exam *exam, size_t place, int what, const char *s, size_t len);

/* The outcome of an asking that is over, or never began. */
void opro__sheet_known(opro_exam *exam, size_t place, double score);
void opro__sheet_unknown(opro_exam *exam, size_t place, const char *fault, size_t len);
void opro__sheet_failed(opro_exam *exam, size_t place, const char *fault, size_t len);

/* When a question has its outcome: the round may be over, and another one begin. */
void opro__exam_move_on(opro_exam *exam);

/* What has not been asked yet will not be. */
void opro__exam_give_up(opro_exam *exam, const char *fault, size_t len);

/* All as before it was begun. */
void opro__exam_undo(opro_exam *exam);

/* ---- asking.c -------------------------------------------------------------------------------- */

/*
 * Ask the question at a place of an exam. One that cannot be written is unknown at once. Fails if
 * it could not be sent at this moment.
 */
opro_status opro__ask(opro_exam *exam, size_t place, opro_error *err);

/* Its call is over: on to the next one, or to the verdict. */
void opro__asking_over(opro__asking *asking);

/* Nobody wants to know any more what comes of the questions of this exam. */
void opro__askings_disown(const opro_exam *exam);

/* End what nobody wants to know, but for so many. What cannot be ended now stays. */
void opro__askings_clear(opro_examiner *examiner, size_t keep);

/* ---- line.c ---------------------------------------------------------------------------------- */

/* Room for so many exams. OPRO_ERR_NOMEM. */
opro_status opro__line_reserve(opro_examiner *examiner, size_t n);

/* An exam's next question is another one: put it in its place in the line, or out of it. */
void opro__line_update(opro_exam *exam);

/*
 * Ask as many questions as may be under way. Fails if nothing is under way then, although there are
 * questions.
 */
opro_status opro__line_run(opro_examiner *examiner, opro_error *err);

/* There is no sense in asking anything. */
void opro__line_give_up(opro_examiner *examiner, const char *fault, size_t len);

/* ---- work.c ---------------------------------------------------------------------------------- */

/* A call is over. For asking.c, inside the client's callbacks only: callbacks of the host's run. */
void opro__work_call_over(opro__asking *asking);

/* There is something to tell of an exam; there is not any more. */
void opro__work_news(opro_exam *exam);
void opro__work_no_news(opro_exam *exam);

/*
 * Around what is done outside of opro__work(), and may run callbacks of datasets: it does not run
 * meanwhile. The end asks what can be asked.
 */
int opro__work_begin(opro_examiner *examiner); /* 0: it is running already */
void opro__work_end(opro_examiner *examiner);

/* ---- exam.c ---------------------------------------------------------------------------------- */

/* Whoever calls back holds the exam: freed is to be looked at then. */
opro_exam *opro__exam_hold(opro_exam *exam);
void opro__exam_release(opro_exam *exam);

/* opro_exam_free(), inside any callback. NULL is fine. */
void opro__exam_drop(opro_exam *exam);

/* ---- feedback.c ------------------------------------------------------------------------------ */

/* Append what went wrong in an exam: at most so many examples, and bytes as the run takes them. */
opro_status opro__feedback_write(opro__buf *out, const opro_exam *exam, size_t most,
                                 opro_error *err);

#endif
