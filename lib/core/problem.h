/* SPDX-License-Identifier: MIT */
#ifndef OPRO_CORE_PROBLEM_H
#define OPRO_CORE_PROBLEM_H

#include "base/err.h"
#include "base/hook.h"
#include "base/mem.h"
#include "opro/problem.h"
#include "sink.h"
#include "space.h"

/* A text that belongs to an object. */
typedef struct opro__text {
    char *s; /* NULL: empty */
    size_t len;
} opro__text;

typedef struct opro__exemplar {
    opro__text input;
    opro__text target;
} opro__exemplar;

/* The steps on the way of a reply. */
enum {
    OPRO__STEP_PARSE,
    OPRO__STEP_CANONICAL,
    OPRO__STEP_CHECK,
    OPRO__STEP_REPAIR,
    OPRO__STEP_POLISH,
    OPRO__STEP_RENDER,
    OPRO__STEPS
};

struct opro_problem {
    opro__mem mem;
    opro_error err;
    opro__refs refs;
    atomic_int frozen;
    opro__space space;
    opro__text description;
    opro__text score_name;
    int32_t direction;
    int32_t display; /* OPRO_DISPLAY_... when the option says auto */
    int32_t decimals;
    int sampled;      /* instances are a sample of more: race and confirm, if "auto"      */
    uint64_t data;    /* a digest of what callbacks deliver, where it is known; else 0    */
    int32_t prompt;   /* OPRO_META_PROMPT_... when the option says auto */
    double low, high; /* NaN: no range */
    size_t train, validation;
    opro__text *initial;
    size_t n_initial, cap_initial;
    opro__exemplar *exemplars;
    size_t n_exemplars, cap_exemplars;
    opro__hook exemplar_fn;
    opro__hook steps[OPRO__STEPS];
};

/* Another object uses it from now on: share and freeze. */
opro_problem *opro__problem_share(opro_problem *problem);

/*
 * What was to use it was not made: give up that share. It can be set up further, unless it was
 * frozen before, or others use it.
 */
void opro__problem_unshare(opro_problem *problem, int frozen);

/*
 * Copy a text argument into *text; OPRO_ERR_INVALID if it is not UTF-8, OPRO_ERR_LIMIT over max
 * bytes. what: for messages.
 */
opro_status opro__text_set(opro__mem *mem, opro__text *text, const char *s, size_t len, size_t max,
                           const char *what, opro_error *err);

/* 1 if score a is better than b in this direction. Neither is NaN. */
int opro__better(int32_t direction, double a, double b);

/* 1 if the problem has this step. */
int opro__problem_has(const opro_problem *problem, int step);

/* A step's callback, for messages. */
const char *opro__problem_step_name(int step);

/*
 * Run a step on a text. *rejected says if it was refused; sink->buf then holds the reason, else
 * the text. The sink must have been made by opro__sink_init() with what the step allows (done
 * here). sink: freed by the caller.
 */
opro_status opro__problem_step(const opro_problem *problem, int step, const char *text, size_t len,
                               opro_sink *sink, opro__buf *buf, int *rejected, opro_error *err);

/* Input and target of an exemplar, appended to buf; *input_len tells where the target begins. */
opro_status opro__problem_exemplar(const opro_problem *problem, size_t index, opro__buf *buf,
                                   size_t *input_len, opro_error *err);

#endif
