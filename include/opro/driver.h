/* SPDX-License-Identifier: MIT */
/*
 * A driver: a run with an optimizer and a scorer, and an inbox for answers from other threads.
 * Blocking (step, run) or half-blocking (poll).
 */
#ifndef OPRO_DRIVER_H
#define OPRO_DRIVER_H

#include "config.h"
#include "optimizer.h"
#include "problem.h"
#include "run.h"
#include "scorer.h"

OPRO_BEGIN_DECLS

/* A run with an optimizer and a scorer. */
typedef struct opro_driver opro_driver;

/* A driver for a new run of a problem. Errors as opro_run_new(). Since 0.1. */
OPRO_API opro_status opro_driver_new(opro_driver **out, opro_problem *problem,
                                     const opro_config *config, const opro_allocator *mem);

/*
 * Free it; NULL is fine. Inside a callback of this driver it is refused. No other thread may be
 * inside, or enter, a post function of this driver: tell them, join them, then free. What they have
 * posted and nobody took is freed with it. Since 0.1.
 */
OPRO_API void opro_driver_free(opro_driver *driver);

/* Detail of the last failed call. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_driver_error(const opro_driver *driver);

/*
 * Who answers PROPOSE and SCORE. The driver takes a share. Both are needed before the first step.
 * Since 0.1.
 */
OPRO_API opro_status opro_driver_set_optimizer(opro_driver *driver, opro_optimizer *optimizer);
OPRO_API opro_status opro_driver_set_scorer(opro_driver *driver, opro_scorer *scorer);

/* As opro_run_set_observer(). Since 0.1. */
OPRO_API opro_status opro_driver_set_observer(opro_driver *driver, opro_observer_fn fn,
                                              void *user_data, opro_destroy_fn destroy);

/*
 * The clock, in milliseconds, not going back; it delivers with opro_sink_count(). fn NULL: the
 * system's monotonic clock. Since 0.1.
 */
typedef int32_t (*opro_clock_fn)(opro_driver *driver, opro_sink *sink, void *user_data);
OPRO_API opro_status opro_driver_set_clock_fn(opro_driver *driver, opro_clock_fn fn,
                                              void *user_data, opro_destroy_fn destroy);

/*
 * Go on until the step that is under way has ended (the first call also scores the initial
 * solutions). Blocks while answers are missing. OPRO_OK: a step ended; OPRO_DONE: the run has
 * stopped; OPRO_WAIT: opro_driver_wakeup() ended the waiting. In steady mode a step is one batch
 * of proposals. Since 0.1.
 */
OPRO_API opro_status opro_driver_step(opro_driver *driver);

/* Step until the run has stopped: OPRO_OK then; OPRO_WAIT after opro_driver_wakeup(). Since 0.1. */
OPRO_API opro_status opro_driver_run(opro_driver *driver);

/*
 * Do what can be done, wait at most timeout_ms (0: not at all; -1: for ever) for answers if there
 * is nothing to do, and take those that have come. OPRO_OK: something was done, call again;
 * OPRO_WAIT: nothing came in time; OPRO_DONE: the run has stopped. Since 0.1.
 */
OPRO_API opro_status opro_driver_poll(opro_driver *driver, int32_t timeout_ms);

/*
 * In how many milliseconds opro_driver_poll(driver, 0) will have something to do, whatever comes;
 * 0: now; -1: it depends on answers alone. For hosts that wait in a loop of their own: ask after
 * opro_driver_poll() has said OPRO_WAIT. Such a host hears of posts by opro_driver_set_wakeup_fn();
 * with a model (model.h) it watches opro_model_fd(), which becomes readable for posts too. Calls
 * the clock; inside callbacks of this driver it is 0. Since 0.1.
 */
OPRO_API int64_t opro_driver_timeout(opro_driver *driver);

/*
 * The run inside, for queries and for answers from this thread; opro_run_next() on it is
 * OPRO_ERR_STATE. Since 0.1.
 */
OPRO_API opro_run *opro_driver_run_handle(const opro_driver *driver);
OPRO_API const opro_trajectory *opro_driver_trajectory(const opro_driver *driver);

/*
 * Answers from any thread, also inside callbacks: they are copied into the inbox and taken by the
 * next step or poll, in the order in which they came. Arguments as opro_run_answer_...().
 * OPRO_ERR_LIMIT: the inbox holds 1,048,576 answers or 1 GiB. OPRO_ERR_REENTRANT: inside the wakeup
 * callback. They allocate on the thread that posts: an allocator given to opro_driver_new() must
 * then be thread-safe. What is wrong with an answer (unknown id, wrong number of scores) shows when
 * it is taken: it is logged, and the observer hears FAILED. Since 0.1.
 */
OPRO_API opro_status opro_driver_post_reply(opro_driver *driver, uint64_t id, size_t index,
                                            int32_t origin, const char *reply, size_t len);
OPRO_API opro_status opro_driver_post_scores(opro_driver *driver, uint64_t id, const double *scores,
                                             size_t n);
OPRO_API opro_status opro_driver_post_error(opro_driver *driver, uint64_t id, opro_status status,
                                            const char *message, size_t len);
OPRO_API opro_status opro_driver_post_usage(opro_driver *driver, uint64_t id, int64_t prompt_tokens,
                                            int64_t reply_tokens, int64_t cost);

/*
 * Stop the run, from any thread and inside callbacks. Takes effect at the next chance. Since 0.1.
 */
OPRO_API opro_status opro_driver_stop(opro_driver *driver);

/*
 * End the waiting of opro_driver_poll() or opro_driver_step(), from any thread and inside
 * callbacks. Since 0.1.
 */
OPRO_API opro_status opro_driver_wakeup(opro_driver *driver);

/*
 * Told, on the thread that posts, that there is something for opro_driver_poll(): for hosts that
 * wait in a loop of their own. It may only set a flag or write to a pipe; whatever it calls on the
 * driver is OPRO_ERR_REENTRANT. Set it before threads post. Since 0.1.
 */
typedef void (*opro_wakeup_fn)(void *user_data);
OPRO_API opro_status opro_driver_set_wakeup_fn(opro_driver *driver, opro_wakeup_fn fn,
                                               void *user_data, opro_destroy_fn destroy);

OPRO_END_DECLS

#endif
