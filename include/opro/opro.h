/* SPDX-License-Identifier: MIT */
/*
 * libopro: optimization by prompting (OPRO, arXiv 2309.03409) as an embeddable C library.
 *
 * A proposer, usually a language model, reads a description of a problem and a ranked list of
 * earlier solutions with their scores, and proposes better ones; the host scores them; the loop
 * goes on.
 *
 * Three ways to use it, from simple to complete:
 *   1. opro_driver   hand over an optimizer and a scorer, call opro_driver_step() until it says
 *                    DONE;
 *   2. opro_run      take requests, answer them in any order, from wherever;
 *   3. an event loop of your own around opro_driver_poll() and the thread-safe
 *      opro_driver_post_*().
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
 *            OPRO_ERR_REENTRANT; a free is refused, and the call that is under way then fails
 *            with OPRO_ERR_REENTRANT. Functions that only read are allowed. Exceptions are named
 *            in comments.
 * Threads    An object belongs to one thread at a time, distinct objects are independent, there
 *            are no mutable globals. Only functions marked "any thread" may be called from
 *            elsewhere.
 * Memory     comes from the allocator given at creation (NULL: malloc and free).
 * Since      0.1 unless a comment says otherwise.
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
