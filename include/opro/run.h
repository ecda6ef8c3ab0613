/* SPDX-License-Identifier: MIT */
/*
 * A run: the loop as a state machine without input or output. It hands out requests and takes
 * answers; who fulfils them, where, and in which order is the host's business.
 *
 *     while ((st = opro_run_next(run, now_ms, &request)) == OPRO_OK)
 *         ... answer it now, or keep its id and answer later ...
 *
 * Modes. Stepwise: a step asks for samples_per_step replies to one meta-prompt; its candidates
 * enter the trajectory when all are decided, in the order of the samples. The same seed and the
 * same answers, in any order within a step, give the same requests, byte for byte. Steady: a new
 * proposal is asked for whenever fewer than steady_candidates candidates are undecided; a
 * candidate enters the trajectory when it is decided, so the order of answers matters.
 *
 * Answers. Late or repeated: OPRO_ERR_STALE, counted (OPRO_COUNT_STALE). Unknown id:
 * OPRO_ERR_UNKNOWN. Both change nothing else.
 *
 * Budgets are reserved when a request is handed out and settled when it is answered, so with any
 * number in flight nothing is overshot. What an answer used beyond its reservation is counted and
 * stops the run.
 *
 * Races (option race). Candidates of steps are scored block by block, each in a random order of the
 * training instances of its own, and one that looks worse than the reference (the best when the
 * step began, or the median of the best 20) is dropped at the end of a block. A candidate that over
 * all instances would be better than the reference is dropped with a probability of at most
 * race_alpha, whatever the scores are and however often it is looked at. That is said of one
 * candidate, not of a run, and of these instances, not of others; and it is void if the scorer lets
 * an instance fail because of what its score would be. Scores need a known range, and two
 * instances; with fewer than 20, candidates are dropped only when they have lost for certain. As
 * long as all scores are at the ends of the range, better means by one instance at least. Dropped
 * ones are flagged OPRO_FLAG_PARTIAL.
 *
 * Confirming (option confirm). The best training score is too good to be true, since it was chosen
 * among many. So when the search has ended, the best 16 candidates are scored on validation
 * instances, which no proposal was made from: all 16 on a quarter of them, the best 6 on the next
 * quarter, the best 3 on the rest, each time the best by the mean over training and validation
 * instances seen so far. The winner's mean over the validation instances is the honest number; it
 * is still the best of a few, so slightly too good. Then the run stops, for the reason for which
 * the search ended.
 *
 * What is known already is not asked for again. The stage costs at most 7 scorings on all
 * validation instances (and 9 calls, since quarters are rounded up), which are reserved in the
 * budgets from the start; opro_run_new() says OPRO_ERR_INVALID if a budget cannot hold them. It is
 * left out when the run is stopped by the host, by time, by failures, or by an error, and when a
 * budget of tokens or money stops it for which there is no reservation (score_tokens, score_cost).
 * When one of these happens in the stage, it ends at once, and nothing is confirmed. A candidate
 * that cannot be scored is out; max_failures counts only if that is true of all.
 *
 * Out of memory inside opro_run_next() or an answer leaves the run dead: it says OPRO_ERR_NOMEM
 * from then on, its queries stay valid.
 */
#ifndef OPRO_RUN_H
#define OPRO_RUN_H

#include "config.h"
#include "meta_prompt.h"
#include "problem.h"
#include "trajectory.h"

OPRO_BEGIN_DECLS

/* The loop. */
typedef struct opro_run opro_run;

/* What a run asks for: proposals (PROPOSE), or scores of a candidate (SCORE). */
typedef struct opro_request opro_request;

/* What an observer hears. */
typedef struct opro_event opro_event;

/* ---- requests ---- */

/* What a request asks for. */
enum {
    OPRO_REQUEST_PROPOSE = 10, /* replies to a meta-prompt */
    OPRO_REQUEST_SCORE = 20    /* scores of a candidate */
};

/*
 * A request that a run hands out can be read until the first opro_run_next() after it was answered
 * or cancelled, or until the run is freed. Getters of the other kind return 0, NULL or NaN. All
 * getters may be called in callbacks.
 *
 * id: unique in the run, never 0. It depends on what is asked for, not on when, so it is the same
 * in every replay. Since 0.1.
 */
OPRO_API int32_t opro_request_kind(const opro_request *request);
OPRO_API uint64_t opro_request_id(const opro_request *request);
OPRO_API int64_t opro_request_step(const opro_request *request);

/*
 * The text that matters most: the last user message of a PROPOSE, the candidate of a SCORE. Since
 * 0.1.
 */
OPRO_API const char *opro_request_text(const opro_request *request, size_t *len);

/* PROPOSE: the messages, as in opro_meta_prompt_role() and opro_meta_prompt_text(). Since 0.1. */
OPRO_API size_t opro_request_messages(const opro_request *request);
OPRO_API int32_t opro_request_message_role(const opro_request *request, size_t index);
OPRO_API const char *opro_request_message_text(const opro_request *request, size_t index,
                                               size_t *len);

/*
 * PROPOSE: how many replies are wanted (at least 1), the number of the first of them within its
 * step, the sampling temperature, the limit of tokens for each reply, and a seed for sampling (of
 * the first reply; the i-th has seed + i). Since 0.1.
 */
OPRO_API size_t opro_request_samples(const opro_request *request);
OPRO_API size_t opro_request_first_sample(const opro_request *request);
OPRO_API double opro_request_temperature(const opro_request *request);
OPRO_API int64_t opro_request_max_tokens(const opro_request *request);
OPRO_API uint64_t opro_request_seed(const opro_request *request);

/*
 * SCORE: the set (OPRO_TRAIN, OPRO_VALIDATION) and the indices of the instances wanted; count of
 * them >= 1. With the options race and confirm there are several requests for a candidate, one
 * after the other. Since 0.1.
 */
OPRO_API int32_t opro_request_set(const opro_request *request);
OPRO_API const int64_t *opro_request_instances(const opro_request *request, size_t *count);

/*
 * The whole request as one line of JSON, to be logged or sent to another machine. Lives as long
 * as the request. NULL only out of memory. Since 0.1.
 */
OPRO_API const char *opro_request_json(opro_request *request, size_t *len);

/*
 * A copy that is the caller's own, to be kept beyond the answer; free it with
 * opro_request_free(). Since 0.1.
 */
OPRO_API opro_status opro_request_clone(opro_request **out, const opro_request *request,
                                        const opro_allocator *mem);

/* Free a clone; NULL is fine; a run's own request is left alone. Since 0.1. */
OPRO_API void opro_request_free(opro_request *request);

/* ---- the run ---- */

/*
 * A run of a problem, which it takes a share of. config NULL: defaults. Errors: OPRO_ERR_INVALID
 * for options that do not fit the problem, OPRO_ERR_REJECTED for an initial solution that is not
 * legal, errors of the problem's callbacks; the config's log hears the message, and
 * opro_problem_error() has it. Since 0.1.
 */
OPRO_API opro_status opro_run_new(opro_run **out, opro_problem *problem, const opro_config *config,
                                  const opro_allocator *mem);

/*
 * Free it; NULL is fine. Requests, trajectory and all strings of the run go with it. Refused inside
 * its callbacks, and for the run of a driver. Since 0.1.
 */
OPRO_API void opro_run_free(opro_run *run);

/* Detail of the last failed call. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_run_error(const opro_run *run);

/*
 * Use this builder instead of the run's own; the run takes a share. Before the first
 * opro_run_next() only, and the builder must be for the same problem. Since 0.1.
 */
OPRO_API opro_status opro_run_set_meta_prompt(opro_run *run, opro_meta_prompt *meta_prompt);

/*
 * Start from the scored candidates of another trajectory: they are copied with their scores (those
 * per instance, and those of validation, if there are as many instances here), flagged
 * OPRO_FLAG_WARM, and not scored again. Scores must be in the problem's range; texts must be legal
 * (those that are not are rejected). Before the first opro_run_next() only. OPRO_ERR_INVALID if the
 * direction differs. Since 0.1.
 */
OPRO_API opro_status opro_run_warm_start(opro_run *run, const opro_trajectory *from);

/*
 * The next request. now_ms: any clock of the host's that does not go back, in milliseconds, used
 * for max_time_ms and request_timeout_ms only. OPRO_OK: *request is out. OPRO_WAIT: everything
 * that can be asked has been; answers are missing. OPRO_DONE: the run has stopped (again and
 * again). Errors of callbacks stop the run. Since 0.1.
 */
OPRO_API opro_status opro_run_next(opro_run *run, int64_t now_ms, opro_request **request);

/*
 * Milliseconds from now_ms until a deadline (max_time_ms or request_timeout_ms) makes a call of
 * opro_run_next() worth while; -1: no deadline. Since 0.1.
 */
OPRO_API int64_t opro_run_timeout(const opro_run *run, int64_t now_ms);

/*
 * Answer a PROPOSE with one reply, to the first sample that has none; with
 * opro_run_answer_reply(), to sample index (0 .. samples - 1). When all samples have theirs the
 * request is answered. origin (0 .. 65535) is kept with the candidates, see opro_origin_name().
 * Bytes that are not UTF-8 are replaced. A reply may be up to 64 MiB, else OPRO_ERR_LIMIT.
 * Candidates in it that are not admitted are no error: they are rejected with a reason. Allowed
 * inside the callbacks of optimizers, not inside those of problems and observers. Since 0.1.
 */
OPRO_API opro_status opro_run_answer_text(opro_run *run, uint64_t id, const char *reply,
                                          size_t len);
OPRO_API opro_status opro_run_answer_reply(opro_run *run, uint64_t id, size_t index, int32_t origin,
                                           const char *reply, size_t len);

/*
 * As opro_run_answer_reply(), for a reply that was cut off: it is rejected as truncated. Since
 * 0.1.
 */
OPRO_API opro_status opro_run_answer_truncated(opro_run *run, uint64_t id, size_t index,
                                               int32_t origin, const char *reply, size_t len);

/*
 * As opro_run_answer_reply(), for a refusal: the model would not answer, or a filter stepped in;
 * text says why, as far as anybody said it. It is rejected as refused. Since 0.1.
 */
OPRO_API opro_status opro_run_answer_refused(opro_run *run, uint64_t id, size_t index,
                                             int32_t origin, const char *text, size_t len);

/*
 * As opro_run_answer_reply(), with a bare solution instead of a model's reply: nothing is cut out
 * of it. Since 0.1.
 */
OPRO_API opro_status opro_run_answer_solution(opro_run *run, uint64_t id, size_t index,
                                              int32_t origin, const char *text, size_t len);

/*
 * Answer a SCORE with the scores of all its instances, in their order: n must be their number. A
 * score that is not finite, or outside the problem's range, is OPRO_ERR_INVALID, and the request
 * stays open. Since 0.1.
 */
OPRO_API opro_status opro_run_answer_scores(opro_run *run, uint64_t id, const double *scores,
                                            size_t n);

/*
 * Say what went wrong with a request: the missing samples of a PROPOSE, or a SCORE as a whole,
 * failed. A failure is never a score: the candidate gets the verdict "failed"; one that fails in
 * validation keeps its score. max_failures failures in a row stop the run. status: a negative one;
 * message: for people, may be "". Since 0.1.
 */
OPRO_API opro_status opro_run_answer_error(opro_run *run, uint64_t id, opro_status status,
                                           const char *message, size_t len);

/*
 * Words of the scorer about a candidate (why it lost points), shown to the model with the option
 * show_feedback. Before the scores of the same request; a later call replaces an earlier one. At
 * most 64 KiB. Since 0.1.
 */
OPRO_API opro_status opro_run_answer_feedback(opro_run *run, uint64_t id, const char *text,
                                              size_t len);

/*
 * What answering a request used: tokens read and written, and money in millionths of the currency
 * (all 0 or more; they add up over calls). Before the answer that completes the request. Since
 * 0.1.
 */
OPRO_API opro_status opro_run_answer_usage(opro_run *run, uint64_t id, int64_t prompt_tokens,
                                           int64_t reply_tokens, int64_t cost);

/* ---- stopping ---- */

/* Why a run stopped. */
enum {
    OPRO_STOP_NONE = 0,          /* it has not */
    OPRO_STOP_STEPS = 10,        /* option steps */
    OPRO_STOP_TARGET = 20,       /* option target_score */
    OPRO_STOP_PATIENCE = 30,     /* option patience */
    OPRO_STOP_PROPOSALS = 40,    /* budget max_proposals */
    OPRO_STOP_SCORER_CALLS = 50, /* budget max_scorer_calls */
    OPRO_STOP_TOKENS = 60,       /* budget max_tokens */
    OPRO_STOP_COST = 70,         /* budget max_cost */
    OPRO_STOP_TIME = 80,         /* budget max_time_ms */
    OPRO_STOP_HOST = 90,         /* opro_run_stop() */
    OPRO_STOP_FAILURES = 100,    /* max_failures in a row */
    OPRO_STOP_ERROR = 110 /* a callback failed, or memory ran out: the call that met it said so */
};

/*
 * Stop: nothing is handed out any more, open requests are cancelled (answers to them are
 * OPRO_ERR_STALE), candidates that are scored enter the trajectory. Allowed in every callback:
 * takes effect when the call that is under way is done. Since 0.1.
 */
OPRO_API opro_status opro_run_stop(opro_run *run);

/*
 * OPRO_STOP_...; and its name in lower case ("target"), "none" before, "unknown" for others.
 * Since 0.1.
 */
OPRO_API int32_t opro_run_stop_reason(const opro_run *run);
OPRO_API const char *opro_stop_reason_name(int32_t reason);

/* ---- the winner ---- */

/*
 * The number of the candidate that the run would give as its result: the winner of the confirm
 * stage once that is over, else the best in the trajectory; -1: none is scored. Since 0.1.
 */
OPRO_API int64_t opro_run_winner(const opro_run *run);

/*
 * Among how many candidates it was chosen by validation instances; 0: it was not (no confirm stage,
 * it did not come to its end, or nobody could be scored). Since 0.1.
 */
OPRO_API int64_t opro_run_confirmed(const opro_run *run);

/*
 * How much worse the winner is on validation instances than on training instances (positive:
 * worse, whatever the direction), with its 95 % interval (Newcombe 1998, from the intervals of
 * both). OPRO_ERR_INVALID: it was not scored on all instances of both, or there is no interval
 * (opro_interval()). Since 0.1.
 */
OPRO_API opro_status opro_run_gap(const opro_run *run, double *gap, double *low, double *high);

/* ---- looking at it ---- */

/* The run's trajectory, for reading. Lives as long as the run. Since 0.1. */
OPRO_API const opro_trajectory *opro_run_trajectory(const opro_run *run);
OPRO_API opro_problem *opro_run_problem(const opro_run *run);

/*
 * The step that is under way: -1 while initial solutions are scored; in the confirm stage the
 * number of steps before it. Once the run has stopped: the last step. Since 0.1.
 */
OPRO_API int64_t opro_run_step(const opro_run *run);

/* Counters. */
enum {
    OPRO_COUNT_PROPOSALS = 10,        /* replies asked for */
    OPRO_COUNT_REPLIES = 20,          /* replies received */
    OPRO_COUNT_SCORER_CALLS = 30,     /* (candidate, instance) pairs scored or being scored */
    OPRO_COUNT_REJECTED = 40,         /* replies and candidates rejected, duplicates among them */
    OPRO_COUNT_DUPLICATES = 50,       /* ... because they were met before */
    OPRO_COUNT_FAILURES = 60,         /* failed requests */
    OPRO_COUNT_PROMPT_TOKENS = 70,    /* tokens read */
    OPRO_COUNT_REPLY_TOKENS = 80,     /* tokens written */
    OPRO_COUNT_TOKENS = 90,           /* both */
    OPRO_COUNT_COST = 100,            /* millionths */
    OPRO_COUNT_IN_FLIGHT = 110,       /* requests handed out and not answered */
    OPRO_COUNT_RESERVED_TOKENS = 120, /* tokens set aside for requests in flight */
    OPRO_COUNT_RESERVED_COST = 130,   /* ... and millionths */
    OPRO_COUNT_MEMORY = 140,          /* bytes the run holds now */
    OPRO_COUNT_STALE = 150            /* answers refused as OPRO_ERR_STALE, which had no effect */
};

/* A counter; 0 for an unknown one. Since 0.1. */
OPRO_API int64_t opro_run_count(const opro_run *run, int32_t counter);

/*
 * A digest of the whole state: options (but for those of the model client, which decide nothing
 * here), problem, counters, trajectory, open requests. Two runs with the same digest hand out the
 * same requests. Independent of the order of answers within a step (stepwise). Since 0.1.
 */
OPRO_API uint64_t opro_run_state_hash(const opro_run *run);

/* What an event tells. */
enum {
    OPRO_EVENT_STEP_BEGUN = 10,  /* a step begins */
    OPRO_EVENT_META_PROMPT = 20, /* text: its last user message */
    OPRO_EVENT_REPLY = 30,       /* text: the reply; sample */
    OPRO_EVENT_ACCEPTED = 40,    /* text: the candidate, which will be scored; sample */
    OPRO_EVENT_REJECTED = 50,    /* text: the candidate or reply; reason, detail; sample */
    OPRO_EVENT_SCORED =
        60, /* text: the candidate; score (in the confirm stage: so far); set; sample */
    OPRO_EVENT_NEW_BEST = 70,   /* text, score */
    OPRO_EVENT_FAILED = 80,     /* a request failed; reason, detail */
    OPRO_EVENT_STEP_ENDED = 90, /* figures: opro_trajectory_figure() of this step */
    OPRO_EVENT_CONFIRM = 95,    /* the confirm stage begins; reason, detail: why the search ended */
    OPRO_EVENT_STOPPED = 100    /* reason: OPRO_STOP_...; detail: its name */
};

/*
 * An event lives while the observer runs. Getters that make no sense for its kind return 0, "",
 * NaN or -1. Since 0.1.
 */
OPRO_API int32_t opro_event_kind(const opro_event *event);
OPRO_API int64_t opro_event_step(const opro_event *event);
OPRO_API int64_t opro_event_sample(const opro_event *event);
OPRO_API int32_t opro_event_reason(const opro_event *event);
OPRO_API int32_t opro_event_set(const opro_event *event);
OPRO_API int32_t opro_event_origin(const opro_event *event);
OPRO_API double opro_event_score(const opro_event *event);
OPRO_API const char *opro_event_text(const opro_event *event, size_t *len);
OPRO_API const char *opro_event_detail(const opro_event *event, size_t *len);

/*
 * Hear events, on the thread that calls into the run. Only reading functions and opro_run_stop()
 * may be called on the run. Any error returned stops the run. fn NULL: nobody listens. Since 0.1.
 */
typedef int32_t (*opro_observer_fn)(opro_run *run, const opro_event *event, void *user_data);
OPRO_API opro_status opro_run_set_observer(opro_run *run, opro_observer_fn fn, void *user_data,
                                           opro_destroy_fn destroy);

OPRO_END_DECLS

#endif
