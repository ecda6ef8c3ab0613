/* SPDX-License-Identifier: MIT */
/*
 * A run with an optimizer and a scorer: takes requests, has them answered, lets engines work, takes
 * what other threads post.
 */
#include "opro/driver.h"

#include <string.h>

#include "base/utf8.h"
#include "clock.h"
#include "core/answerer.h"
#include "core/run.h"
#include "engines.h"
#include "inbox.h"
#include "opro/journal.h"

struct opro_driver {
    opro__mem mem;
    opro_error err;
    opro__guard guard;
    opro_run *run;
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro__engines engines; /* of these two */
    opro__hook clock;
    opro__inbox *inbox;
};

/* ---- making ---------------------------------------------------------------------------------- */

opro_status opro_driver_new(opro_driver **out, opro_problem *problem, const opro_config *config,
                            const opro_allocator *mem) {
    opro__mem own;
    opro_driver *driver;
    opro_status st;

    if (!out || !problem) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    driver = opro__calloc(&own, 1, sizeof *driver);
    if (!driver) return opro__fail(&problem->err, OPRO_ERR_NOMEM, "out of memory");
    driver->mem = own;
    st = opro__inbox_new(&driver->inbox, mem);
    if (st != OPRO_OK)
        opro__fail(&problem->err, st, "no inbox can be made: %s", opro_status_name(st));
    else
        st = opro_run_new(&driver->run, problem, config, mem);
    if (st != OPRO_OK) {
        opro_driver_free(driver);
        return st;
    }
    driver->run->driven = 1;
    *out = driver;
    return OPRO_OK;
}

/*
 * Callbacks of the run count too: they may come from an answer that was given to the run itself.
 * They come first: they are closer to what is going on. In the wakeup callback of a thread that
 * posts all else is the driver's thread's.
 */
static opro_status enter(opro_driver *driver, int call) {
    opro_status st;

    if (opro__inbox_inside(driver->inbox)) return OPRO_ERR_REENTRANT;
    st = driver->run ? opro__enter(&driver->run->guard, &driver->err, call) : OPRO_OK;
    return st == OPRO_OK ? opro__enter(&driver->guard, &driver->err, call) : st;
}

void opro_driver_free(opro_driver *driver) {
    opro__mem mem;

    if (!driver || (driver->inbox && opro__inbox_inside(driver->inbox))) return;
    if (!opro__may_free(&driver->guard, OPRO__CALL_opro_driver_free)) return;
    if (driver->run && !opro__may_free(&driver->run->guard, OPRO__CALL_opro_driver_free)) return;
    if (driver->inbox) opro__inbox_set_waker(driver->inbox, NULL, NULL);
    opro__guard_close(&driver->guard);
    opro__hook_clear(&driver->clock);
    if (driver->inbox) opro__inbox_set_wakeup(driver->inbox, NULL, NULL, NULL);
    if (driver->run) driver->run->driven = 0;
    opro_run_free(driver->run);
    driver->run = NULL; /* destroy functions of others may ask for it */
    opro_optimizer_free(driver->optimizer);
    opro_scorer_free(driver->scorer);
    opro__inbox_free(driver->inbox);
    mem = driver->mem;
    opro__free(&mem, driver);
}

const opro_error *opro_driver_error(const opro_driver *driver) {
    return &driver->err;
}

/* Posts from other threads wake the engines: not while it is decided which there are. */
static void set_engines(opro_driver *driver) {
    opro__inbox_set_waker(driver->inbox, NULL, NULL);
    driver->engines.n = 0;
    if (driver->optimizer) opro__engines_add(&driver->engines, driver->optimizer->engines);
    if (driver->scorer) opro__engines_add(&driver->engines, driver->scorer->engines);
    if (driver->engines.n)
        opro__inbox_set_waker(driver->inbox, opro__engines_wake, &driver->engines);
}

opro_status opro_driver_set_optimizer(opro_driver *driver, opro_optimizer *optimizer) {
    opro_optimizer *old;
    opro_status st;

    if (!driver || !optimizer) return OPRO_ERR_INVALID;
    st = enter(driver, OPRO__CALL_opro_driver_set_optimizer);
    if (st != OPRO_OK) return st;
    old = driver->optimizer;
    driver->optimizer = opro__optimizer_share(optimizer);
    set_engines(driver);
    opro_optimizer_free(old);
    return OPRO_OK;
}

opro_status opro_driver_set_scorer(opro_driver *driver, opro_scorer *scorer) {
    opro_scorer *old;
    opro_status st;

    if (!driver || !scorer) return OPRO_ERR_INVALID;
    st = enter(driver, OPRO__CALL_opro_driver_set_scorer);
    if (st != OPRO_OK) return st;
    old = driver->scorer;
    driver->scorer = opro__scorer_share(scorer);
    set_engines(driver);
    opro_scorer_free(old);
    return OPRO_OK;
}

opro_status opro_driver_set_observer(opro_driver *driver, opro_observer_fn fn, void *user_data,
                                     opro_destroy_fn destroy) {
    opro_status st;

    if (!driver) return OPRO_ERR_INVALID;
    st = enter(driver, OPRO__CALL_opro_driver_set_observer);
    return st == OPRO_OK ? opro_run_set_observer(driver->run, fn, user_data, destroy) : st;
}

opro_status opro_driver_set_clock_fn(opro_driver *driver, opro_clock_fn fn, void *user_data,
                                     opro_destroy_fn destroy) {
    opro_status st;

    if (!driver) return OPRO_ERR_INVALID;
    st = enter(driver, OPRO__CALL_opro_driver_set_clock_fn);
    if (st != OPRO_OK) return st;
    return opro__guard_set(&driver->guard, &driver->err, &driver->clock, (opro__fn)fn, user_data,
                           destroy);
}

opro_status opro_driver_set_wakeup_fn(opro_driver *driver, opro_wakeup_fn fn, void *user_data,
                                      opro_destroy_fn destroy) {
    opro_status st;

    if (!driver) return OPRO_ERR_INVALID;
    st = enter(driver, OPRO__CALL_opro_driver_set_wakeup_fn);
    if (st != OPRO_OK) return st;
    opro__callback_begin(&driver->guard, "a destroy function");
    opro__inbox_set_wakeup(driver->inbox, fn, user_data, destroy);
    opro__callback_end(&driver->guard);
    return opro__leave(&driver->guard, &driver->err, OPRO_OK);
}

opro_status opro_driver_set_journal(opro_driver *driver, opro_journal *journal) {
    opro_status st;

    if (!driver || !journal) return OPRO_ERR_INVALID;
    st = enter(driver, OPRO__CALL_opro_driver_set_journal);
    if (st != OPRO_OK) return st;
    st = opro_run_resume(driver->run, journal);
    if (st < 0) opro__err_copy(&driver->err, &driver->run->err);
    return st;
}

opro_run *opro_driver_run_handle(const opro_driver *driver) {
    return driver->run;
}

const opro_trajectory *opro_driver_trajectory(const opro_driver *driver) {
    return opro_run_trajectory(driver->run);
}

/* ---- the clock ------------------------------------------------------------------------------- */

static opro_status now(opro_driver *driver, int64_t *ms) {
    opro__buf none;
    opro_sink sink;
    int32_t returned;
    opro_status st;

    if (!driver->clock.fn) {
        *ms = opro__clock_ms();
        return OPRO_OK;
    }
    opro__buf_init(&none, &driver->mem, 0);
    opro__sink_init(&sink, OPRO__SINK_COUNT, &none);
    opro__callback_begin(&driver->guard, "the clock");
    returned = ((opro_clock_fn)driver->clock.fn)(driver, &sink, driver->clock.user_data);
    opro__callback_end(&driver->guard);
    st = opro__sink_close(&sink, returned, OPRO__SINK_COUNT);
    if (st != OPRO_OK)
        return opro__fail(&driver->err, st, "the clock callback failed: %s", opro_status_name(st));
    *ms = sink.count;
    return OPRO_OK;
}

/* ---- posts ----------------------------------------------------------------------------------- */

static opro_status apply(opro_run *run, const opro__post *post) {
    const char *bytes = (const char *)post + offsetof(opro__post, data);

    switch (post->kind) {
    case OPRO__POST_REPLY:
        return opro_run_answer_reply(run, post->id, post->index, post->origin, bytes, post->len);
    case OPRO__POST_SCORES:
        return opro_run_answer_scores(run, post->id, (const double *)(const void *)bytes,
                                      post->len);
    case OPRO__POST_USAGE:
        return opro_run_answer_usage(run, post->id, post->usage[0], post->usage[1], post->usage[2]);
    default: return opro_run_answer_error(run, post->id, post->status, bytes, post->len);
    }
}

/* A post that could not be used is nobody's fault here: say so and go on. */
static opro_status tell_unused(opro_run *run, const opro__post *post) {
    opro_event event = opro__run_event(OPRO_EVENT_FAILED, opro_run_step(run));
    const opro_error why = run->err;

    event.detail = why.message;
    event.detail_len = why.len;
    opro__say(&run->guard, run->log, OPRO_LOG_WARNING, "driver",
              "a post for request %llu was not used: %s", (unsigned long long)post->id,
              why.message);
    return opro__run_finish(run, opro__run_tell(run, &event));
}

/* Take what was posted. *did says if there was anything. */
static opro_status take_posts(opro_driver *driver, int *did) {
    opro_run *run = driver->run;
    int stop;
    opro__post *post = opro__inbox_take(driver->inbox, &stop);
    opro_status st = OPRO_OK;

    if (stop) opro_run_stop(run);
    while (post) {
        opro__post *next = post->next;

        if (st == OPRO_OK && run->stop_reason == OPRO_STOP_NONE) {
            st = apply(run, post);
            if (st != OPRO_OK && run->stop_reason == OPRO_STOP_NONE) st = tell_unused(run, post);
        }
        *did = 1;
        opro__inbox_done(driver->inbox, post);
        post = next;
    }
    return st;
}

static opro_status post(opro_driver *driver, opro__post post, const void *data) {
    return driver ? opro__inbox_put(driver->inbox, &post, data) : OPRO_ERR_INVALID;
}

opro_status opro_driver_post_reply(opro_driver *driver, uint64_t id, size_t index, int32_t origin,
                                   const char *reply, size_t len) {
    if (!opro__arg(&reply, &len)) return OPRO_ERR_INVALID;
    return post(driver,
                (opro__post){.kind = OPRO__POST_REPLY,
                             .id = id,
                             .index = index,
                             .origin = origin,
                             .len = len,
                             .bytes = len},
                reply);
}

opro_status opro_driver_post_scores(opro_driver *driver, uint64_t id, const double *scores,
                                    size_t n) {
    if (!scores || n > SIZE_MAX / sizeof *scores) return OPRO_ERR_INVALID;
    return post(
        driver,
        (opro__post){.kind = OPRO__POST_SCORES, .id = id, .len = n, .bytes = n * sizeof *scores},
        scores);
}

opro_status opro_driver_post_error(opro_driver *driver, uint64_t id, opro_status status,
                                   const char *message, size_t len) {
    if (status >= 0 || !opro__arg(&message, &len) || !opro__utf8_valid(message, len))
        return OPRO_ERR_INVALID;
    return post(driver,
                (opro__post){
                    .kind = OPRO__POST_ERROR, .id = id, .status = status, .len = len, .bytes = len},
                message);
}

opro_status opro_driver_post_usage(opro_driver *driver, uint64_t id, int64_t prompt_tokens,
                                   int64_t reply_tokens, int64_t cost) {
    if (prompt_tokens < 0 || reply_tokens < 0 || cost < 0) return OPRO_ERR_INVALID;
    return post(driver,
                (opro__post){.kind = OPRO__POST_USAGE,
                             .id = id,
                             .usage = {prompt_tokens, reply_tokens, cost}},
                NULL);
}

opro_status opro_driver_stop(opro_driver *driver) {
    return driver ? opro__inbox_stop(driver->inbox) : OPRO_ERR_INVALID;
}

opro_status opro_driver_wakeup(opro_driver *driver) {
    return driver ? opro__inbox_wake(driver->inbox) : OPRO_ERR_INVALID;
}

/* ---- going on -------------------------------------------------------------------------------- */

static opro_status dispatch(opro_driver *driver, opro_request *request) {
    opro_status st = request->kind == OPRO_REQUEST_PROPOSE
                         ? opro_optimizer_propose(driver->optimizer, driver->run, request)
                         : opro_scorer_score(driver->scorer, driver->run, request);

    return st == OPRO_PENDING ? OPRO_OK : st;
}

/*
 * Let the engines answer what has become ready. That an answer of theirs ended the run by a failure
 * is for us to say: nobody else looks at what those answers return.
 */
static opro_status work(opro_driver *driver, int *did) {
    opro_run *run = driver->run;
    int32_t before = run->stop_reason;
    opro_status st = opro__engines_work(&driver->engines, did, &driver->err);

    if (st != OPRO_OK || before != OPRO_STOP_NONE || run->stop_reason != OPRO_STOP_ERROR) return st;
    return opro__err_copy(&driver->err, &run->failure);
}

/*
 * Do what can be done now, until a step has ended. OPRO_OK: a step ended, or *did; OPRO_WAIT:
 * nothing is left to do without more answers.
 */
static opro_status pump(opro_driver *driver, int64_t *ms, int *did) {
    opro_run *run = driver->run;
    int64_t ended = run->steps_ended;
    opro_status st = OPRO_OK;

    while (st == OPRO_OK && run->steps_ended == ended) {
        opro_request *request;

        st = take_posts(driver, did);
        if (st == OPRO_OK) st = work(driver, did);
        if (st != OPRO_OK || run->steps_ended != ended) break;
        st = now(driver, ms);
        if (st == OPRO_OK) st = opro__run_next(run, *ms, &request);
        if (st != OPRO_OK) break;
        *did = 1;
        st = dispatch(driver, request);
    }
    if (st >= 0) { /* all answers of this turn together; a request waited for those before it */
        opro_status kept = opro__run_flush(run);

        if (kept != OPRO_OK) return kept;
    }
    return st == OPRO_WAIT && run->steps_ended != ended ? OPRO_OK : st;
}

static opro_status begin(opro_driver *driver, int call) {
    opro_status st;

    if (!driver) return OPRO_ERR_INVALID;
    st = enter(driver, call);
    if (st != OPRO_OK) return st;
    if (!driver->optimizer || !driver->scorer)
        return opro__fail(
            &driver->err, OPRO_ERR_STATE, "the driver has no %s yet; see opro_driver_set_%s()",
            driver->optimizer ? "scorer" : "optimizer", driver->optimizer ? "scorer" : "optimizer");
    return OPRO_OK;
}

/* Everything that may call the host back runs inside this bracket. */
static opro_status guarded_pump(opro_driver *driver, int64_t *ms, int *did) {
    opro_status st;

    opro__callback_begin(&driver->guard, "a callback");
    st = pump(driver, ms, did);
    opro__callback_end(&driver->guard);
    if (st < 0 && driver->err.status != st) opro__err_copy(&driver->err, &driver->run->err);
    return opro__leave(&driver->guard, &driver->err, st);
}

/* The shorter of two waits, of which -1 is for ever. */
static int64_t shorter(int64_t a, int64_t b) {
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Wait for posts and engines, at most ms. 1 if opro_driver_wakeup() ended it. */
static int wait_for_news(opro_driver *driver, int64_t ms) {
    ms = shorter(ms, opro__engines_timeout(&driver->engines));
    if (opro__inbox_has_news(driver->inbox) || opro__engines_wait(&driver->engines, ms)) ms = 0;
    return opro__inbox_wait(driver->inbox, ms);
}

static opro_status step(opro_driver *driver) {
    int64_t ended = driver->run->steps_ended;
    int64_t ms = 0;

    for (;;) {
        int did = 0;
        opro_status st = guarded_pump(driver, &ms, &did);

        if (driver->run->steps_ended != ended && st >= 0) return OPRO_OK;
        if (st != OPRO_WAIT) return st;
        if (wait_for_news(driver, opro_run_timeout(driver->run, ms))) return OPRO_WAIT;
    }
}

opro_status opro_driver_step(opro_driver *driver) {
    opro_status st = begin(driver, OPRO__CALL_opro_driver_step);

    return st == OPRO_OK ? step(driver) : st;
}

opro_status opro_driver_run(opro_driver *driver) {
    opro_status st = begin(driver, OPRO__CALL_opro_driver_run);

    while (st == OPRO_OK)
        st = step(driver);
    return st == OPRO_DONE ? OPRO_OK : st;
}

opro_status opro_driver_poll(opro_driver *driver, int32_t timeout_ms) {
    opro_status st = begin(driver, OPRO__CALL_opro_driver_poll);
    int64_t ms = 0, until = opro__clock_ms() + timeout_ms, left = -1;
    int did = 0, woken = 0;

    if (st != OPRO_OK) return st;
    if (timeout_ms < -1)
        return opro__fail(&driver->err, OPRO_ERR_INVALID,
                          "a timeout of %d ms: -1 for ever, 0, or more", (int)timeout_ms);
    st = guarded_pump(driver, &ms, &did);
    while (st == OPRO_WAIT && !did && !woken) { /* what ends a wait need not be news */
        if (timeout_ms >= 0) left = until - opro__clock_ms();
        if (timeout_ms >= 0 && left <= 0) break;
        woken = wait_for_news(driver, shorter(left, opro_run_timeout(driver->run, ms)));
        st = guarded_pump(driver, &ms, &did);
    }
    return st == OPRO_WAIT && did ? OPRO_OK : st;
}

int64_t opro_driver_timeout(opro_driver *driver) {
    int64_t ms = 0;
    opro_status st;

    if (!driver) return -1;
    if (enter(driver, OPRO__CALL_opro_driver_timeout) != OPRO_OK) return 0;
    st = opro__leave(&driver->guard, &driver->err, now(driver, &ms));
    if (driver->run->stop_reason != OPRO_STOP_NONE) return -1;
    if (st != OPRO_OK || !driver->run->begun || opro__inbox_has_news(driver->inbox)) return 0;
    return shorter(opro_run_timeout(driver->run, ms), opro__engines_timeout(&driver->engines));
}
