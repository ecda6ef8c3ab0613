/* SPDX-License-Identifier: MIT */
/*
 * Examining instructions: how good is an instruction for a model? Each labelled example of a
 * dataset is put to the model together with the instruction, and a metric judges the answer.
 *
 *     opro_examiner_new(&examiner, dataset, metric, model, config, NULL);
 *     opro_scorer_new_exam(&scorer, examiner, NULL);       to optimize: a scorer for a driver
 *     opro_problem_new_dataset(&problem, dataset, NULL);   (dataset.h) ... and its problem
 *
 * or, without a run, one instruction on examples of your choice:
 *     opro_exam_new(&exam, examiner, "Think first.", OPRO_ZT, examples, n);
 *     opro_exam_begin(exam, NULL, NULL, NULL);
 *     while (!opro_exam_done(exam)) opro_model_poll(model, 1000);
 *     printf("%g\n", opro_exam_mean(exam));
 *
 * What is sent. One call for each (instruction, example), at the temperature exam_temperature (0).
 * Options position and question_marks say where the instruction stands (LF: a line end; without an
 * instruction its line, or the blank before it, is left out):
 *   before_q   {ins} LF Q: {question} LF LF A:
 *   q_begin    Q: {ins} LF {question} LF LF A:     or   {ins} LF {question}
 *   q_end      Q: {question} LF {ins} LF LF A:     or   {question} LF {ins}
 *   a_begin    Q: {question} LF LF A: {ins}
 *   system     a system message {ins}, and then   Q: {question} LF LF A:   or   {question}
 * or a template of your own. Examples shown in front of it (opro_examiner_add_shot()) are written
 * in the same way, with their answers.
 *
 * What is unknown is not wrong. A call that fails for good leaves its example unknown; it is asked
 * again when the others are done (option exam_rounds). A scorer whose exam ends with unknown
 * examples answers with an error, so the candidate has failed and says why. A reply that was cut
 * off, and a refusal, are judged as they are: they are the model's answer.
 *
 * What is paid. At temperature 0 the model's cache (options model_cache_bytes; a file with
 * opro_model_set_cache_file()) answers what was asked before. Calls whose prompts begin alike are
 * sent one after the other, so that an endpoint's prefix cache can help: those of one instruction
 * where it stands first, else those of one question.
 *
 * An examiner belongs to the thread of its models.
 */
#ifndef OPRO_EXAM_H
#define OPRO_EXAM_H

#include "config.h"
#include "dataset.h"
#include "metric.h"
#include "model.h"
#include "problem.h"
#include "scorer.h"

OPRO_BEGIN_DECLS

/* Who examines: dataset, metric, model, and how the model is asked. */
typedef struct opro_examiner opro_examiner;

/* One instruction, examined on some examples. */
typedef struct opro_exam opro_exam;

/* ---- the examiner ---- */

/*
 * An examiner. It takes shares of the dataset, the metric and the model, and copies the options
 * (position, question_marks, exam_...; config NULL: defaults). metric NULL: STRICT, for the kind of
 * answers that opro_dataset_task() finds. OPRO_ERR_INVALID: options that do not fit together, or no
 * examples. Since 0.1.
 */
OPRO_API opro_status opro_examiner_new(opro_examiner **out, opro_dataset *dataset,
                                       opro_metric *metric, opro_model *model,
                                       const opro_config *config, const opro_allocator *mem);

/*
 * Give up your share; NULL is fine. It goes with its last exam and scorer. Refused inside its
 * callbacks. Since 0.1.
 */
OPRO_API void opro_examiner_free(opro_examiner *examiner);

/* Detail of the last failed call. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_examiner_error(const opro_examiner *examiner);

/*
 * What is sent, in your own words instead of by position: one text a message; role:
 * OPRO_ROLE_SYSTEM, OPRO_ROLE_USER or OPRO_ROLE_ASSISTANT (the last of these is the answer's
 * beginning, which the model continues). {instruction} and {question} stand for what they say; "{{"
 * and "}}" are braces. At most 1 MiB.
 *
 * A text that is empty when it is filled in is not sent. Without an instruction, a line that holds
 * nothing but {instruction} is left out, with empty lines that would then stand twice, or at an end
 * of the text. text NULL: that message goes; when none is left, the option position counts again.
 *
 * Together they must hold {question}, and the user's must where examples are shown; whether they do
 * shows when an exam begins (OPRO_ERR_STATE). OPRO_ERR_PARSE: braces that do not fit, or another
 * placeholder. Before the first exam. Since 0.1.
 */
OPRO_API opro_status opro_examiner_set_template(opro_examiner *examiner, int32_t role,
                                                const char *text, size_t len);

/*
 * An example that is shown in front of every question, with its answer, in the order added: as a
 * message of the user's and one of the assistant's. The user's is written as the question's is,
 * with the instruction where position or template put it, so that the model sees the instruction
 * followed; a system message stands once, in front. Where there is a template of the assistant's,
 * the answer follows that beginning, with a blank between them unless there is white space. Texts
 * are valid UTF-8, not blank, at most 16 MiB each; at most 64 examples. Before the first exam.
 * Since 0.1.
 */
OPRO_API opro_status opro_examiner_add_shot(opro_examiner *examiner, const char *question,
                                            size_t question_len, const char *answer,
                                            size_t answer_len);

/*
 * Let a model judge the answers, in place of the metric: it is asked whether a reply is right, and
 * answers yes or no. judge: may be the examiner's own model; a share is taken; NULL: no judge.
 * text: your own question, with {question}, {answer} (the one that is wanted) and {reply}, of which
 * the last must be there; NULL: the library's. A judge who says neither, or both, leaves the
 * example unknown. With exam_second_question the judge hears the final answer. Before the first
 * exam, and before opro_scorer_new_exam(). Since 0.1.
 */
OPRO_API opro_status opro_examiner_set_judge(opro_examiner *examiner, opro_model *judge,
                                             const char *text, size_t len);

/*
 * The messages that an exam would send for an instruction and an example (an index into the
 * dataset), for looking at. They live until the next build or exam. Since 0.1.
 */
OPRO_API opro_status opro_examiner_build(opro_examiner *examiner, const char *instruction,
                                         size_t len, int64_t example);
OPRO_API size_t opro_examiner_messages(const opro_examiner *examiner);
OPRO_API int32_t opro_examiner_message_role(const opro_examiner *examiner, size_t index);
OPRO_API const char *opro_examiner_message_text(const opro_examiner *examiner, size_t index,
                                                size_t *len);

/* ---- an exam ---- */

/*
 * An exam of an instruction (valid UTF-8 without NUL, at most 1 MiB, "" for none) on n examples,
 * which are indices into the dataset (copied; each at most once). It takes a share of the examiner.
 * Since 0.1.
 */
OPRO_API opro_status opro_exam_new(opro_exam **out, opro_examiner *examiner,
                                   const char *instruction, size_t len, const int64_t *examples,
                                   size_t n);

/*
 * Free an exam; NULL is fine. One that is under way is cancelled. Allowed inside the callbacks of
 * exams. Since 0.1.
 */
OPRO_API void opro_exam_free(opro_exam *exam);

/* What an exam's callback hears. */
enum {
    OPRO_EXAM_ANSWER = 10, /* the example at index is decided: it has a score, or is unknown now */
    OPRO_EXAM_DONE = 20    /* all are; the last event */
};

/*
 * Hears of an exam, from inside opro_model_poll() and its kin. It may begin and free exams. A value
 * other than OPRO_OK is logged and has no effect.
 */
typedef int32_t (*opro_exam_fn)(opro_exam *exam, int32_t event, size_t index, void *user_data);

/*
 * Begin. fn NULL: look at opro_exam_done(). OPRO_ERR_STATE: begun before, or the model has no base
 * URL or name; OPRO_ERR_FAILED: none of its questions can be written. destroy runs with
 * opro_exam_free(). When this fails user_data stays the caller's, and it can be tried again. The
 * host drives the model, and the judge's, as it drives calls. Since 0.1.
 */
OPRO_API opro_status opro_exam_begin(opro_exam *exam, opro_exam_fn fn, void *user_data,
                                     opro_destroy_fn destroy);

/* 1 when it is over. Since 0.1. */
OPRO_API int32_t opro_exam_done(const opro_exam *exam);

/* How many examples it has; how many have a score now. Since 0.1. */
OPRO_API size_t opro_exam_count(const opro_exam *exam);
OPRO_API size_t opro_exam_known(const opro_exam *exam);

/*
 * One of them, by its place in the exam: the example's index; its score, 0 to 1, NaN while it is
 * unknown; the model's reply, and its reply to the second question or the judge's words ("": none);
 * what was taken for the answer, and the rule that decided; why it is unknown ("": it is not).
 * Strings live as long as the exam. Since 0.1.
 */
OPRO_API int64_t opro_exam_example(const opro_exam *exam, size_t index);
OPRO_API double opro_exam_score(const opro_exam *exam, size_t index);
OPRO_API const char *opro_exam_reply(const opro_exam *exam, size_t index, size_t *len);
OPRO_API const char *opro_exam_second_reply(const opro_exam *exam, size_t index, size_t *len);
OPRO_API const char *opro_exam_extracted(const opro_exam *exam, size_t index, size_t *len);
OPRO_API const char *opro_exam_rule(const opro_exam *exam, size_t index);
OPRO_API const char *opro_exam_fault(const opro_exam *exam, size_t index, size_t *len);

/*
 * The mean score of the known examples (NaN: none), and its 95 % interval (opro_interval()). Since
 * 0.1.
 */
OPRO_API double opro_exam_mean(const opro_exam *exam);
OPRO_API opro_status opro_exam_interval(const opro_exam *exam, double *low, double *high);

/*
 * Figures of an exam: as OPRO_CALL_..., summed over its calls that are over (those that cannot be
 * summed are 0); OPRO_EXAM_CALLS counts them. Since 0.1.
 */
enum {
    OPRO_EXAM_CALLS = 1000 /* its calls that are over */
};
OPRO_API int64_t opro_exam_figure(const opro_exam *exam, int32_t figure);

/*
 * Hear of every example that is decided in any exam of this examiner, also in those that its
 * scorers make: for lines of progress, tables, logs. The exam lives while it runs. It may not
 * change the exam. fn NULL: nobody listens. Since 0.1.
 */
typedef int32_t (*opro_examiner_fn)(opro_examiner *examiner, const opro_exam *exam, size_t index,
                                    void *user_data);
OPRO_API opro_status opro_examiner_set_observer(opro_examiner *examiner, opro_examiner_fn fn,
                                                void *user_data, opro_destroy_fn destroy);

/* ---- optimizing ---- */

/*
 * A scorer that examines each candidate on the training or validation examples that a SCORE asks
 * for; for problems of the same dataset (opro_problem_new_dataset()). With the option exam_feedback
 * it hands back training examples that were answered wrongly, to be shown with show_feedback. It
 * takes a share of the examiner. Since 0.1.
 */
OPRO_API opro_status opro_scorer_new_exam(opro_scorer **out, opro_examiner *examiner,
                                          const opro_allocator *mem);

/* What is estimated. */
enum {
    OPRO_ESTIMATE_PROPOSALS = 10,     /* replies asked of the optimizer */
    OPRO_ESTIMATE_SCORER_CALLS = 20,  /* (candidate, example) pairs */
    OPRO_ESTIMATE_PROMPT_TOKENS = 30, /* tokens read, by both models */
    OPRO_ESTIMATE_REPLY_TOKENS = 40,  /* tokens written, by both models */
    OPRO_ESTIMATE_COST = 50           /* millionths, by the prices of both models */
};

/*
 * What a run of this problem will use, before anything is paid: what is likely, and between what.
 * Counted from the options (steps, samples, race, confirm, budgets), the sizes of the examples, and
 * prices; what nobody can know before (how long replies are, how many proposals are new, how early
 * races end) is what makes the interval wide. Proposals and scorer calls lie in it whatever the
 * models say, if the run comes to its end; tokens and money, if tokenizers are of the usual kind.
 * high INT64_MAX: nothing limits it. Calls that fail and are sent again come on top; what a cache
 * answers comes off. optimizer: the model that proposes, for its prices; NULL: proposals cost
 * nothing. config: as for the run. Reads all training and validation examples. OPRO_ERR_INVALID:
 * unknown figure, a problem of another dataset, or a run without an end (neither steps nor a budget
 * of proposals, scorer calls, tokens or money). Not inside callbacks. Since 0.1.
 */
OPRO_API opro_status opro_examiner_estimate(opro_examiner *examiner, opro_problem *problem,
                                            const opro_model *optimizer, const opro_config *config,
                                            int32_t figure, int64_t *low, int64_t *likely,
                                            int64_t *high);

OPRO_END_DECLS

#endif
