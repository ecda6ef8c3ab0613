/* SPDX-License-Identifier: MIT */
/* The inside of a metric, and the rules that it decides by. */
#ifndef OPRO_KITS_METRIC_H
#define OPRO_KITS_METRIC_H

#include "base/hook.h"
#include "core/guard.h"
#include "metric_reference.h"
#include "opro/metric.h"

/* The longest reply, answer or question. */
#define OPRO__METRIC_TEXT_MAX ((size_t)1 << 28)

/* The longest regular expression, and the longest name of a member. */
#define OPRO__PATTERN_MAX 1000

struct opro_verdict {
    double score;
    opro__buf extracted;
    opro__buf rule;
    int open;           /* a callback of the host's may set it     */
    int set;            /* and has done so                         */
    opro_status status; /* the first failure of its setting        */
};

/* Texts while they are judged. */
typedef struct opro__matter {
    opro__piece reply;
    opro__piece answer;
    opro__piece question;
} opro__matter;

typedef struct opro__regex opro__regex;

struct opro_metric {
    opro__refs refs;
    opro__mem mem;
    opro_error err;
    opro__guard guard;
    int32_t kind;
    int32_t task;
    double absolute;
    double relative;
    opro__reference_mode mode;
    char *pattern; /* of a regular expression, or the name of a member */
    size_t pattern_len;
    opro__regex *regex; /* compiled; NULL: none */
    opro__hook hook;
    opro__reference reference;
    opro__buf reply; /* copies that may be changed */
    opro__buf answer;
    opro__buf work;
    opro_verdict verdict;
};

opro_metric *opro__metric_share(opro_metric *metric);

/* The verdict, with what was taken for the answer. */
opro_status opro__metric_decide(opro_metric *metric, double score, opro__piece extracted,
                                const char *rule);

/*
 * A reply to a second question, "So the final answer is", as the published program cleans it before
 * it is judged.
 */
opro__piece opro__metric_clean_second(opro__piece reply);

/* ---- metric_strict.c ------------------------------------------------------------------------- */

/* STRICT, and for one kind of answers NUMBER and CHOICE. */
opro_status opro__metric_strict(opro_metric *metric, const opro__matter *matter);

/* ---- metric_simple.c ------------------------------------------------------------------------- */

opro_status opro__metric_exact(opro_metric *metric, const opro__matter *matter);
opro_status opro__metric_contains(opro_metric *metric, const opro__matter *matter);
opro_status opro__metric_json_field(opro_metric *metric, const opro__matter *matter);

/* The same text but for blanks at the ends; the same number, where answers are numbers. */
int opro__metric_same(const opro_metric *metric, opro__piece got, opro__piece wanted);

/* ---- metric_regex.c, or metric_regex_none.c where there is no regcomp() ---------------------- */

opro_status opro__metric_regex(opro_metric *metric, const opro__matter *matter);

/* Compile the pattern; its error is the metric's. */
opro_status opro__metric_compile(opro_metric *metric, const char *pattern, opro__regex **regex);
void opro__metric_free_regex(opro_metric *metric);

#endif
