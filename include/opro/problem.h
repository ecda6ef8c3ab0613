/* SPDX-License-Identifier: MIT */
/*
 * A problem: what is optimized. Its description and direction, the kind of its solutions, where
 * the search starts, the exemplars that show what a solution is for, how scores are shown, and
 * over how many instances a score averages.
 *
 * A solution is a text. What makes a text a solution is the problem's business: ready-made kinds
 * are in vector.h (numeric vectors) and tour.h (permutations); a kind of your own is made of the
 * callbacks below.
 *
 * The way of a reply, step by step:
 *   parse      one or more candidates are cut out of the model's reply
 *   canonical  one text for all ways to write the same solution
 *   check      legal or not, and why not
 *   repair     a legal one instead (option repair)
 *   polish     a better one nearby (option polish)
 *   render     how it is shown to the model
 * Each is optional. Without any of them a candidate is whatever stands between the tags that the
 * meta-prompt asks for.
 *
 * A problem is set up by one thread and frozen as soon as the first object uses it: setters then
 * return OPRO_ERR_STATE. Several runs, also in different threads, may share a frozen problem if
 * its callbacks are safe for that.
 */
#ifndef OPRO_PROBLEM_H
#define OPRO_PROBLEM_H

#include "base.h"

OPRO_BEGIN_DECLS

/* What is optimized. */
typedef struct opro_problem opro_problem;

/* Directions. */
enum {
    OPRO_MAXIMIZE = 10, /* the default */
    OPRO_MINIMIZE = 20  /* lower scores are better */
};

/* Sets of instances. */
enum {
    OPRO_TRAIN = 10,     /* what the search sees */
    OPRO_VALIDATION = 20 /* kept back, to choose and to judge */
};

/*
 * A problem whose solutions are texts, maximized, with one instance and scores in [0, 1]. Since
 * 0.1.
 */
OPRO_API opro_status opro_problem_new(opro_problem **out, const opro_allocator *mem);

/* Give up your share; NULL is fine. Since 0.1. */
OPRO_API void opro_problem_free(opro_problem *problem);

/* Detail of the last failed call on this problem. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_problem_error(const opro_problem *problem);

/*
 * What is to be optimized, in words for the model, for instance "solve grade-school arithmetic
 * problems". Valid UTF-8 without NUL, at most 1 MiB. Default: "". Since 0.1.
 */
OPRO_API opro_status opro_problem_set_description(opro_problem *problem, const char *text,
                                                  size_t len);
OPRO_API const char *opro_problem_description(const opro_problem *problem, size_t *len);

/* OPRO_MAXIMIZE or OPRO_MINIMIZE. Since 0.1. */
OPRO_API opro_status opro_problem_set_direction(opro_problem *problem, int32_t direction);
OPRO_API int32_t opro_problem_direction(const opro_problem *problem);

/*
 * A score is the mean over instances: one for a tour, one per labelled example for an
 * instruction. train: at least 1; validation: 0 for none. At most 2^24 each. Default: 1 and 0.
 * Since 0.1.
 */
OPRO_API opro_status opro_problem_set_instances(opro_problem *problem, size_t train,
                                                size_t validation);

/*
 * The number of instances in a set (OPRO_TRAIN or OPRO_VALIDATION); 0 for an unknown set. Since
 * 0.1.
 */
OPRO_API size_t opro_problem_instances(const opro_problem *problem, int32_t set);

/*
 * The range of the scores, low < high, both finite: needed for buckets, and a score outside is
 * refused. Both NaN: any finite score. Default: 0 and 1 for texts, none for the other kinds.
 * Since 0.1.
 */
OPRO_API opro_status opro_problem_set_score_range(opro_problem *problem, double low, double high);

/*
 * How scores are shown when the option score_display is "auto": OPRO_DISPLAY_BUCKETS,
 * OPRO_DISPLAY_DECIMALS (with that many digits, 0 to 12) or OPRO_DISPLAY_NONE. Default: buckets
 * for texts, 0 decimals for permutations and integers, 6 for real vectors. Since 0.1.
 */
OPRO_API opro_status opro_problem_set_score_display(opro_problem *problem, int32_t display,
                                                    int32_t decimals);

/*
 * What a score is called in the prompt, for instance "length" for a tour; default "score". One
 * line. Since 0.1.
 */
OPRO_API opro_status opro_problem_set_score_name(opro_problem *problem, const char *name,
                                                 size_t len);

/*
 * A solution to start from. It passes canonical, check and repair when a run begins; one that is
 * not legal is an error of opro_run_new(). At most 65,536. Since 0.1.
 */
OPRO_API opro_status opro_problem_add_initial(opro_problem *problem, const char *text, size_t len);
OPRO_API size_t opro_problem_initial_count(const opro_problem *problem);

/*
 * An exemplar: an input and the answer that is wanted, shown so that the model sees what a
 * solution is for. The k-th exemplar added is the k-th training instance (for the choice by what
 * went wrong). Texts are valid UTF-8. Since 0.1.
 */
OPRO_API opro_status opro_problem_add_exemplar(opro_problem *problem, const char *input,
                                               size_t input_len, const char *target,
                                               size_t target_len);

/*
 * Exemplars that are not kept in memory: count of them, delivered when asked for. fn delivers the
 * input and then the target of exemplar index with two calls of opro_sink_text(). Replaces
 * exemplars that were added. Since 0.1.
 */
typedef int32_t (*opro_exemplar_fn)(const opro_problem *problem, size_t index, opro_sink *sink,
                                    void *user_data);
OPRO_API opro_status opro_problem_set_exemplar_fn(opro_problem *problem, size_t count,
                                                  opro_exemplar_fn fn, void *user_data,
                                                  opro_destroy_fn destroy);
OPRO_API size_t opro_problem_exemplar_count(const opro_problem *problem);

/*
 * A step on the way of a reply. text is counted and NUL-terminated and dies when the callback
 * returns. Returns OPRO_OK after having delivered; any error stops the run and is returned by the
 * call that was under way.
 *   parse      reply in; opro_sink_text() for each candidate, in order. Delivering none is fine:
 *              the reply is then rejected as holding no candidate.
 *   canonical  candidate in; opro_sink_text() once with its canonical text, or opro_sink_reject().
 *   check      canonical text in; opro_sink_count(sink, 0) for "legal", or opro_sink_reject()
 *              with the reason.
 *   repair     rejected text in; opro_sink_text() once with another one, which is checked again,
 *              or opro_sink_reject().
 *   polish     legal canonical text in; opro_sink_text() once with a legal text (the same, if
 *              nothing is better), which is made canonical and checked.
 *   render     canonical text in; opro_sink_text() once with how it is shown. It is made harmless
 *              afterwards.
 * The problem may be read inside, nothing else may be called on it.
 */
typedef int32_t (*opro_text_fn)(const opro_problem *problem, const char *text, size_t len,
                                opro_sink *sink, void *user_data);

/* Install (fn NULL: remove) a step. They replace those of a ready-made kind too. Since 0.1. */
OPRO_API opro_status opro_problem_set_parse_fn(opro_problem *problem, opro_text_fn fn,
                                               void *user_data, opro_destroy_fn destroy);
OPRO_API opro_status opro_problem_set_canonical_fn(opro_problem *problem, opro_text_fn fn,
                                                   void *user_data, opro_destroy_fn destroy);
OPRO_API opro_status opro_problem_set_check_fn(opro_problem *problem, opro_text_fn fn,
                                               void *user_data, opro_destroy_fn destroy);
OPRO_API opro_status opro_problem_set_repair_fn(opro_problem *problem, opro_text_fn fn,
                                                void *user_data, opro_destroy_fn destroy);
OPRO_API opro_status opro_problem_set_polish_fn(opro_problem *problem, opro_text_fn fn,
                                                void *user_data, opro_destroy_fn destroy);
OPRO_API opro_status opro_problem_set_render_fn(opro_problem *problem, opro_text_fn fn,
                                                void *user_data, opro_destroy_fn destroy);

/* A digest of everything in the problem but its callbacks, equal on every platform. Since 0.1. */
OPRO_API uint64_t opro_problem_digest(const opro_problem *problem);

OPRO_END_DECLS

#endif
