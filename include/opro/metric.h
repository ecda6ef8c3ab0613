/* SPDX-License-Identifier: MIT */
/*
 * Answer matching: is a model's reply right? A metric takes a reply and the answer that is wanted,
 * and says how right it is, what it took for the answer, and by which rule it decided.
 */
#ifndef OPRO_METRIC_H
#define OPRO_METRIC_H

#include "base.h"
#include "dataset.h"

OPRO_BEGIN_DECLS

/* A way to judge replies. */
typedef struct opro_metric opro_metric;

/* Kinds. */
enum {
    OPRO_METRIC_STRICT = 10,    /* what a careful person would judge right; the default choice */
    OPRO_METRIC_REFERENCE = 20, /* the published program's rules to the letter, quirks and all */
    OPRO_METRIC_EXACT = 30,     /* the same text, but for blanks at both ends */
    OPRO_METRIC_NUMBER = 40,    /* the final number, within the tolerance */
    OPRO_METRIC_CHOICE = 50,    /* the letter of the option chosen */
    OPRO_METRIC_CONTAINS = 60,  /* the answer occurs as whole words */
    OPRO_METRIC_REGEX = 70, /* POSIX extended regular expression: see opro_metric_set_pattern() */
    OPRO_METRIC_JSON_FIELD = 80, /* a member of the JSON object in the reply equals the answer */
    OPRO_METRIC_HOST = 90        /* the host's callback: opro_metric_set_fn() */
};

/*
 * A metric for answers of a kind (OPRO_TASK_...). STRICT and REFERENCE read replies by that kind;
 * NUMBER and CHOICE have their own. STRICT looks for the answer where a reply says that it is (a
 * box, "####", "the answer is ..."), else at its end, or at its beginning; it knows English and
 * ASCII digits; a reply that names several answers is wrong. Since 0.1.
 */
OPRO_API opro_status opro_metric_new(opro_metric **out, int32_t kind, int32_t task,
                                     const opro_allocator *mem);

/* Give up your share; NULL is fine. Refused inside its callback. Since 0.1. */
OPRO_API void opro_metric_free(opro_metric *metric);

/* Detail of the last failed call. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_metric_error(const opro_metric *metric);

/*
 * OPRO_METRIC_NUMBER, and STRICT for numbers: a reply is right within absolute + relative *
 * |answer|; default 0 and 1e-9. Since 0.1.
 */
OPRO_API opro_status opro_metric_set_tolerance(opro_metric *metric, double absolute,
                                               double relative);

/*
 * OPRO_METRIC_REFERENCE: digits after the point that numbers are rounded to; default 0. Since 0.1.
 */
OPRO_API opro_status opro_metric_set_decimals(opro_metric *metric, int32_t decimals);

/*
 * OPRO_METRIC_REFERENCE: the reply is a chat model's, whose "\boxed{...}" counts (the published
 * program's is_gpt_model); default 0. Since 0.1.
 */
OPRO_API opro_status opro_metric_set_boxed(opro_metric *metric, int32_t boxed);

/*
 * OPRO_METRIC_REGEX: the reply is right if what the first group (or the whole pattern) matches
 * equals the answer, blanks at the ends aside; the pattern's last match counts. So that time stays
 * bounded, the last 4096 bytes of the reply are searched, a pattern has at most 1000 bytes, and at
 * most 2000 characters when its repetitions are written out (m times what {n,m} repeats, twice what
 * + repeats), and it has no backreferences. It is the system's regcomp(): its memory and its locale
 * are the system's. OPRO_ERR_PARSE: no such pattern, with the system's words; OPRO_ERR_UNSUPPORTED:
 * the system has no regcomp() (Windows).
 * OPRO_METRIC_JSON_FIELD: the member's name; the last object of the reply that has it counts.
 * Since 0.1.
 */
OPRO_API opro_status opro_metric_set_pattern(opro_metric *metric, const char *pattern, size_t len);

/*
 * OPRO_METRIC_HOST. reply and answer are counted and NUL-terminated; it delivers with
 * opro_verdict_set(). Since 0.1.
 */
typedef struct opro_verdict opro_verdict;
typedef int32_t (*opro_metric_fn)(const opro_metric *metric, const char *reply, size_t reply_len,
                                  const char *answer, size_t answer_len, opro_verdict *verdict,
                                  void *user_data);
OPRO_API opro_status opro_metric_set_fn(opro_metric *metric, opro_metric_fn fn, void *user_data,
                                        opro_destroy_fn destroy);

/*
 * Judge a reply. question: the text that the model was given (its options are read from it, for
 * choices); may be "". reply NULL: there is none. Any bytes will do: what is not UTF-8 matches
 * nothing, and comes out as U+FFFD. OPRO_ERR_FAILED: where the published program crashes, the
 * reference metric has no verdict, and says why. OPRO_ERR_INVALID: the answer is not of the
 * metric's kind (NUMBER, CHOICE, CONTAINS). OPRO_ERR_LIMIT: a text of more than 256 MiB. Takes
 * time in proportion to the texts. The verdict lives until the next judgement. Since 0.1.
 */
OPRO_API opro_status opro_metric_judge(opro_metric *metric, const char *reply, size_t reply_len,
                                       const char *answer, size_t answer_len, const char *question,
                                       size_t question_len, const opro_verdict **verdict);

/* From 0 (wrong) to 1 (right); what was taken for the answer; the rule that decided. Since 0.1. */
OPRO_API double opro_verdict_score(const opro_verdict *verdict);
OPRO_API const char *opro_verdict_extracted(const opro_verdict *verdict, size_t *len);
OPRO_API const char *opro_verdict_rule(const opro_verdict *verdict);

/*
 * Inside an opro_metric_fn only: the score, what was taken for the answer, the rule's name. Since
 * 0.1.
 */
OPRO_API opro_status opro_verdict_set(opro_verdict *verdict, double score, const char *extracted,
                                      size_t len, const char *rule);

OPRO_END_DECLS

#endif
