/* SPDX-License-Identifier: MIT */
/*
 * The meta-prompt builder: problem + trajectory + options -> messages for a language model. A run
 * has one of its own; make one yourself to change blocks and hand it to
 * opro_run_set_meta_prompt(), or to use it alone.
 *
 * A meta-prompt is made of blocks; LAYOUT says in which order. Every block is a template: text
 * with named placeholders in braces ("{{" and "}}" are literal braces). It can be replaced by
 * another template, or by a callback.
 *
 *   block       placeholders
 *   LAYOUT      {intro} {trajectory} {exemplars} {feedback} {rejected} {request}
 *   INTRO       {description} {score_name} {best_word} {low} {high} {open} {close}
 *   ENTRY       {solution} {score} {score_name}         once per shown solution, joined into
 *               {trajectory}
 *   EXEMPLAR    {input} {target} {open} {close}         once per exemplar, joined into {exemplars}
 *   FEEDBACK    {solution} {feedback}                   once per solution with feedback, when
 *               show_feedback > 0
 *   REJECTED    {solution} {reason}                     once per rejection, when show_rejected > 0
 *   REQUEST     {description} {score_name} {best_word} {open} {close}
 *   PREFIX      {open}                                  the assistant's first words; empty for
 *               most kinds
 *
 * {best_word} is "higher" or "lower"; {open} and {close} are the tags or brackets that the reply
 * is read with. {low} and {high} are empty without a range of scores, {score} when scores are not
 * displayed. In LAYOUT the text before a placeholder goes with it: when the block is empty, neither
 * is there. A LAYOUT callback delivers the whole message.
 *
 * Solutions, exemplars, feedback and reasons are data: they are made harmless before they are put
 * in, so that they can neither close a tag of ours nor look like another entry. Feedback over its
 * bound ends in "..."; of a rejected text up to 500 bytes are shown.
 *
 * Bounds: max_prompt_tokens (by the tokenizer callback, else by an estimate that counts high) and
 * max_prompt_bytes are never exceeded. What is dropped, in this order, until it fits: rejections,
 * oldest first; feedback, of the worst solution first; shown solutions, the worst first, down to
 * one; exemplars, the last first; the last solution. Blocks are dropped whole, never cut. If the
 * rest does not fit, opro_meta_prompt_build() fails with OPRO_ERR_LIMIT.
 */
#ifndef OPRO_META_PROMPT_H
#define OPRO_META_PROMPT_H

#include "config.h"
#include "problem.h"
#include "trajectory.h"

OPRO_BEGIN_DECLS

/* A builder of meta-prompts. */
typedef struct opro_meta_prompt opro_meta_prompt;

/* Blocks. */
enum {
    OPRO_BLOCK_LAYOUT = 10,   /* which blocks, in which order */
    OPRO_BLOCK_INTRO = 20,    /* what the task is */
    OPRO_BLOCK_ENTRY = 30,    /* a shown solution */
    OPRO_BLOCK_EXEMPLAR = 40, /* an exemplar */
    OPRO_BLOCK_FEEDBACK = 50, /* the scorer's words on a solution */
    OPRO_BLOCK_REJECTED = 60, /* a rejected text */
    OPRO_BLOCK_REQUEST = 70,  /* what is asked for */
    OPRO_BLOCK_PREFIX = 80    /* the assistant's first words */
};

/* Roles of messages. */
enum {
    OPRO_ROLE_SYSTEM = 10,   /* what holds for the whole conversation */
    OPRO_ROLE_USER = 20,     /* the request */
    OPRO_ROLE_ASSISTANT = 30 /* always last: the model goes on from here */
};

/*
 * A builder for a problem, which it takes a share of; config NULL: defaults. OPRO_ERR_INVALID if
 * the options do not fit together (for instance position before_Q without question marks). Since
 * 0.1.
 */
OPRO_API opro_status opro_meta_prompt_new(opro_meta_prompt **out, opro_problem *problem,
                                          const opro_config *config, const opro_allocator *mem);

/* Give up your share; NULL is fine. Refused inside its callbacks. Since 0.1. */
OPRO_API void opro_meta_prompt_free(opro_meta_prompt *meta_prompt);

/* Detail of the last failed call. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_meta_prompt_error(const opro_meta_prompt *meta_prompt);

/*
 * Replace a block by a template. OPRO_ERR_PARSE: an unknown or unclosed placeholder; the message
 * says which and at which byte. OPRO_ERR_STATE once a run uses the builder. Since 0.1.
 */
OPRO_API opro_status opro_meta_prompt_set_template(opro_meta_prompt *meta_prompt, int32_t block,
                                                   const char *text, size_t len);

/* The template of a block as it stands; NULL for an unknown block. Since 0.1. */
OPRO_API const char *opro_meta_prompt_template(const opro_meta_prompt *meta_prompt, int32_t block,
                                               size_t *len);

/*
 * Replace a block by a callback, which delivers its text with opro_sink_text() once. number is
 * the candidate for ENTRY, FEEDBACK and REJECTED, the exemplar's index for EXEMPLAR, and -1
 * otherwise. It must give the same text for the same arguments. It may read the trajectory. What
 * it delivers is put in as it is. fn NULL: back to the template. Since 0.1.
 */
typedef int32_t (*opro_block_fn)(const opro_meta_prompt *meta_prompt,
                                 const opro_trajectory *trajectory, int32_t block, int64_t number,
                                 opro_sink *sink, void *user_data);
OPRO_API opro_status opro_meta_prompt_set_block_fn(opro_meta_prompt *meta_prompt, int32_t block,
                                                   opro_block_fn fn, void *user_data,
                                                   opro_destroy_fn destroy);

/*
 * Choose and order the shown solutions. numbers holds the n best candidates, best first, cut by
 * score_threshold; the callback may reorder them and delivers with opro_sink_count() how many of
 * them, from the first, are shown, in the order of the text. Under a bound the worst by score are
 * dropped first. fn NULL: the option "order". Since 0.1.
 */
typedef int32_t (*opro_sort_fn)(const opro_meta_prompt *meta_prompt,
                                const opro_trajectory *trajectory, int64_t *numbers, size_t n,
                                opro_sink *sink, void *user_data);
OPRO_API opro_status opro_meta_prompt_set_sort_fn(opro_meta_prompt *meta_prompt, opro_sort_fn fn,
                                                  void *user_data, opro_destroy_fn destroy);

/*
 * Count tokens: delivers the number of tokens of text with opro_sink_count(). fn NULL: the
 * estimate. Since 0.1.
 */
typedef int32_t (*opro_token_fn)(const opro_meta_prompt *meta_prompt, const char *text, size_t len,
                                 opro_sink *sink, void *user_data);
OPRO_API opro_status opro_meta_prompt_set_token_fn(opro_meta_prompt *meta_prompt, opro_token_fn fn,
                                                   void *user_data, opro_destroy_fn destroy);

/*
 * Build the meta-prompt of a step (0, 1, ...: it selects the exemplars and the random order) from
 * a trajectory. The same arguments give the same bytes. On error the messages of the build before
 * are gone. Since 0.1.
 */
OPRO_API opro_status opro_meta_prompt_build(opro_meta_prompt *meta_prompt,
                                            const opro_trajectory *trajectory, int64_t step);

/*
 * The messages of the last build: how many, and of each its role (0 out of range) and text
 * (NULL). Since 0.1.
 */
OPRO_API size_t opro_meta_prompt_messages(const opro_meta_prompt *meta_prompt);
OPRO_API int32_t opro_meta_prompt_role(const opro_meta_prompt *meta_prompt, size_t index);
OPRO_API const char *opro_meta_prompt_text(const opro_meta_prompt *meta_prompt, size_t index,
                                           size_t *len);

/* Tokens of the last build over all messages, counted as for the bound. Since 0.1. */
OPRO_API int64_t opro_meta_prompt_tokens(const opro_meta_prompt *meta_prompt);

/*
 * The built-in estimate: tokens of a text, counting high (never under its UTF-8 letters divided
 * by four). Since 0.1.
 */
OPRO_API int64_t opro_estimate_tokens(const char *text, size_t len);

OPRO_END_DECLS

#endif
