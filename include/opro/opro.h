/* SPDX-License-Identifier: MIT */
/*
 * libopro: optimization by prompting (OPRO, arXiv 2309.03409) as an embeddable C library.
 *
 * A proposer, usually a language model, reads a description of a problem and a ranked list of
 * earlier solutions with their scores, and proposes better ones; the host scores them; the loop
 * goes on.
 *
 * Three ways to use it, from simple to complete:
 *   opro_driver  hand over an optimizer and a scorer, call opro_driver_step() until it says DONE;
 *   opro_run     take requests, answer them in any order, from wherever;
 *   opro_driver_poll()  and the thread-safe opro_driver_post_...(), in an event loop of your own.
 *
 * Rules that hold for every function, unless its comment says otherwise
 * ---------------------------------------------------------------------
 * Handles    are opaque. opro_x_new() stores a handle in *out and leaves *out alone when it
 *            fails; opro_x_free() takes NULL. Where an object holds on to another one (a run to
 *            its problem, a driver to its optimizer) it takes a share: free your handle whenever
 *            you like, the object lives until its last user is gone.
 * Status     OPRO_OK is 0, errors are negative, positive values are information. On error the
 *            outputs are untouched and the object is as before, unless the comment says that it
 *            is dead. The message of the last failed call is at opro_x_error(); it is cleared
 *            when the next call on that handle begins. Every function that returns a status may
 *            return OPRO_ERR_INVALID (NULL or senseless argument), OPRO_ERR_NOMEM and
 *            OPRO_ERR_REENTRANT.
 * Strings    go in as (pointer, length) in UTF-8 and are copied; length OPRO_ZT means
 *            NUL-terminated. They come out as a NUL-terminated pointer with its length in *len
 *            (len may be NULL). They belong to the object and live until the next non-const call
 *            on it. Nothing that the library returns is freed by the caller.
 * Callbacks  are set with (fn, user_data, destroy). destroy(user_data) runs exactly once: when
 *            the callback is replaced, or when the last object that uses it goes. It does not run
 *            when the setter itself fails. A callback returns OPRO_OK, a status that its comment
 *            names, or an error of its own (OPRO_ERR_USER_FIRST down to OPRO_ERR_USER_LAST pass
 *            through unchanged). Results are delivered by calling a function, never by the return
 *            value: a callback that returns OPRO_OK without having delivered, or an unknown
 *            value, is OPRO_ERR_CALLBACK. Callbacks run on the thread that called into the
 *            library.
 * Reentrancy Inside a callback, calls that change the object which is calling back return
 *            OPRO_ERR_REENTRANT; a free is refused. Functions that only read are allowed. Where it
 *            is otherwise, comments say so. Logs and destroy functions are callbacks of the object
 *            that they were set for; inside the latter nothing may be called on it, nor read.
 * Threads    An object belongs to one thread at a time, distinct objects are independent, there
 *            are no mutable globals. Only functions marked "any thread" may be called from
 *            elsewhere.
 * Memory     comes from the allocator given at creation (NULL: malloc and free).
 * Since      0.1 unless a comment says otherwise.
 *
 * Hosts that misbehave
 * --------------------
 * What becomes of callbacks that do what they should not. None of it crashes, and none of it
 * touches other objects, but for what is said to be the host's to see to.
 *
 * Freeing    the object that is calling back. A run, a driver, a builder, a client, a dataset, a
 *            metric, an examiner: it stays, and the call that is under way does its work and then
 *            says OPRO_ERR_REENTRANT; free it after that. (Where there is no such call, as for an
 *            examiner that a driver drives, the log hears of it; in a wakeup callback nobody.) A
 *            problem, an optimizer, a scorer, a journal, and in their own callbacks a call and an
 *            exam: the share goes, and the object as soon as nobody is at work on it. In the
 *            destroy function of an object that goes: no effect.
 * Arguments  that the call takes no share of (a config, a trajectory, a text) have to live until it
 *            has returned: the host's to see to.
 * Calling in OPRO_ERR_REENTRANT, and the object's message names the function and the callback; the
 *            call that is under way goes on as if nothing had been. In the wakeup callback of a
 *            driver, which runs on a thread that posts, posts are refused as well, and there is no
 *            message. Allocators are not checked: they may not call into the library at all.
 * Leaving    by longjmp(), a C++ exception or pthread_exit(): of that the library hears nothing.
 *            The objects whose calls were under way stay inside that callback for good: what
 *            changes them says OPRO_ERR_REENTRANT, frees are refused, reading works. They are lost
 *            with what they hold: memory (all of it comes back where their allocator is thrown away
 *            as a whole), shares, files, connections. opro_journal_close() closes the journal of
 *            such a run. After a wakeup callback the driver, and who posts, waits for ever. Whether
 *            an exception gets as far as a handler of the host's depends on how the library was
 *            compiled; where it cannot pass, std::terminate() is called. So let none out: catch it,
 *            keep it, return OPRO_ERR_USER_FIRST, and throw it again when the call has failed with
 *            that.
 * Staying    Nothing interrupts a callback: no deadline, no stop, no other thread. Whoever may take
 *            long answers later (OPRO_PENDING): then request_timeout_ms and max_time_ms count, for
 *            the calls of a client model_deadline_ms, and opro_driver_stop() ends the waiting.
 * Late       answers, or second ones, after a deadline, a cancel or a stop: OPRO_ERR_STALE, no
 *            effect, counted (OPRO_COUNT_STALE). To a request that never was: OPRO_ERR_UNKNOWN.
 *            When they are posted to a driver, it logs that, and the observer hears FAILED; once
 *            the run has stopped, nothing.
 * Posting    from other threads while the driver is freed: the host's to see to. Nobody may be
 *            inside a post function, or call one, when opro_driver_free() is called: tell the
 *            threads, join them, then free. What they have posted and nobody took goes with the
 *            driver.
 * Forking    in a callback or elsewhere. In the child a run is memory like any other: the call goes
 *            on that the fork was in, the run can be driven and freed. A client and a journal
 *            remember their process. In a child what changes a client or its calls is
 *            OPRO_ERR_STATE, and freeing them frees nothing: connections, recordings and caches are
 *            the parent's. A run whose journal is the parent's is stopped by OPRO_ERR_STATE where
 *            it would write; closing or freeing that journal closes the child's descriptor alone.
 *            The file stays locked until parent and child have closed it. After a fork while
 *            another thread is inside the library, or in a wakeup callback, the child may call
 *            nothing of it: the host's to see to.
 */
#ifndef OPRO_OPRO_H
#define OPRO_OPRO_H

#include "base.h"
#include "config.h"
#include "dataset.h"
#include "driver.h"
#include "exam.h"
#include "journal.h"
#include "meta_prompt.h"
#include "metric.h"
#include "model.h"
#include "optimizer.h"
#include "problem.h"
#include "run.h"
#include "scorer.h"
#include "tour.h"
#include "trajectory.h"
#include "vector.h"
#include "version.h"

#endif
