/* SPDX-License-Identifier: MIT */
#include "pace.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "opro/model.h"

/* How this file's own rules are tuned, against the endpoints that its test simulates. */
enum {
    BURST_PARTS = 30,        /* of a minute: what may be sent at once, two seconds' worth */
    REMEMBERED_TRIES = 1000, /* an endpoint's good old days do not pay for a storm        */
    MANY_TROUBLES = 5        /* in a row, no success between                              */
};

/* ---- token buckets --------------------------------------------------------------------------- */

static void bucket_init(opro__bucket *bucket, int64_t per_minute, int64_t now) {
    double limit = (double)per_minute;

    *bucket =
        (opro__bucket){.rate = limit / 60000, .most = fmax(1, limit / BURST_PARTS), .at = now};
    bucket->level = bucket->most;
}

static void bucket_fill(opro__bucket *bucket, int64_t now) {
    if (now > bucket->at) {
        double more = (double)(now - bucket->at) * bucket->rate;

        bucket->level = fmin(bucket->most, bucket->level + more);
        bucket->at = now;
    }
}

/*
 * Milliseconds until it holds so much. What is larger than the whole bucket goes when that is full:
 * the bucket is in debt afterwards, so the rate holds over longer times.
 */
static int64_t bucket_wait(const opro__bucket *bucket, double amount) {
    double lack = fmin(amount, bucket->most) - bucket->level - 1e-6; /* sums are not exact */

    if (bucket->rate <= 0 || lack <= 0) return 0;
    return (int64_t)fmax(1, fmin(ceil(lack / bucket->rate), 1e15));
}

static void bucket_take(opro__bucket *bucket, double amount) {
    if (bucket->rate > 0) bucket->level = fmin(bucket->most, bucket->level - amount);
}

/* ---- making ---------------------------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

void opro__pace_init(opro__pace *pace, const opro__options *options, int64_t now) {
    *pace = (opro__pace){
        .adaptive = OPRO__INT(options, MODEL_ADAPTIVE) != 0,
        .most = OPRO__INT(options, MODEL_MAX_IN_FLIGHT),
        .cut_at = INT64_MIN,
        .paused_until = INT64_MIN,
        .rested_at = INT64_MIN,
        .pause_max_ms = OPRO__INT(options, MODEL_RETRY_AFTER_MAX_MS),
        .breaker_after = OPRO__INT(options, MODEL_BREAKER_FAILURES),
        .breaker_percent = OPRO__INT(options, MODEL_BREAKER_PERCENT),
        .breaker_requests = OPRO__INT(options, MODEL_BREAKER_REQUESTS),
        .breaker_ms = OPRO__INT(options, MODEL_BREAKER_MS),
        .breaker_now_ms = OPRO__INT(options, MODEL_BREAKER_MS),
        .breaker_max_ms = OPRO__INT(options, MODEL_BREAKER_MAX_MS),
        .open_until = INT64_MIN,
        .slice_ms = (OPRO__INT(options, MODEL_BREAKER_WINDOW_MS) - 1) / OPRO__SLICES + 1,
        .percent = OPRO__INT(options, MODEL_RETRY_PERCENT),
        .free_retries = OPRO__INT(options, MODEL_RETRY_FREE),
        .backoff_ms = OPRO__INT(options, MODEL_BACKOFF_MS),
        .backoff_max_ms = OPRO__INT(options, MODEL_BACKOFF_MAX_MS),
        .busy_max_ms = OPRO__INT(options, MODEL_BACKOFF_BUSY_MAX_MS),
        .loading_ms = OPRO__INT(options, MODEL_LOADING_POLL_MS),
        .jitter = (double)OPRO__INT(options, MODEL_JITTER_PERCENT) / 100,
        .seed = (uint64_t)OPRO__INT(options, SEED),
    };
    pace->window = (double)least(OPRO__INT(options, MODEL_IN_FLIGHT), pace->most);
    bucket_init(&pace->requests, OPRO__INT(options, MODEL_REQUESTS_PER_MINUTE), now);
    bucket_init(&pace->tokens, OPRO__INT(options, MODEL_TOKENS_PER_MINUTE), now);
}

/* ---- the breaker ----------------------------------------------------------------------------- */

static int is_open(const opro__pace *pace) {
    return pace->open_until != INT64_MIN;
}

int opro__pace_is_open(const opro__pace *pace, int64_t now) {
    return is_open(pace) && now < pace->open_until;
}

/* One more request has come back. */
static void count(opro__pace *pace, int64_t now, int broken) {
    int64_t number = now / pace->slice_ms;
    opro__slice *slice = &pace->slices[(uint64_t)number % OPRO__SLICES];

    if (slice->number != number) *slice = (opro__slice){.number = number};
    slice->requests++;
    slice->broken += broken;
}

/* Of the requests of the window, are too many broken? */
static int breaks_often(const opro__pace *pace, int64_t now) {
    int64_t first = now / pace->slice_ms - OPRO__SLICES + 1, requests = 0, broken = 0;

    for (size_t i = 0; i < OPRO__SLICES; i++) {
        if (pace->slices[i].number < first) continue;
        requests += pace->slices[i].requests;
        broken += pace->slices[i].broken;
    }
    return requests >= pace->breaker_requests && broken * 100 >= requests * pace->breaker_percent;
}

static void close_breaker(opro__pace *pace) {
    pace->failures = 0;
    pace->probing = 0;
    pace->open_until = INT64_MIN;
    pace->breaker_now_ms = pace->breaker_ms;
}

static void open_breaker(opro__pace *pace, int64_t now) {
    pace->probing = 0;
    pace->open_until = now + pace->breaker_now_ms;
    if (pace->breaker_now_ms < pace->breaker_max_ms)
        pace->breaker_now_ms = least(2 * pace->breaker_now_ms, pace->breaker_max_ms);
    memset(pace->slices, 0, sizeof pace->slices); /* what comes after it is judged by itself */
}

/* A connection could not be made, or broke. */
static void note_broken(opro__pace *pace, int64_t now) {
    if (is_open(pace)) {
        open_breaker(pace, now);
        return;
    }
    pace->failures++;
    count(pace, now, 1);
    if ((pace->breaker_after && pace->failures >= pace->breaker_after) ||
        (pace->breaker_percent && breaks_often(pace, now)))
        open_breaker(pace, now);
}

/* While it is open the one that tries decides; those sent before say nothing new. */
static void note_connection(opro__pace *pace, int64_t now, int64_t sent_at,
                            const opro__failure *failure) {
    int open = is_open(pace);

    if (open && !(pace->probing && sent_at >= pace->open_until)) return;
    if (failure && failure->broken) {
        note_broken(pace, now);
        return;
    }
    count(pace, now, 0);
    if (!failure || failure->http_status || open) close_breaker(pace); /* at least it listens */
}

/* ---- concurrency ----------------------------------------------------------------------------- */

/*
 * Additive increase; but what was fine until the last cut is had again at once (slow start,
 * Jacobson 1988), and the place where the endpoint said no is approached slowly: if its limit is
 * still the same, it has to say so seldom, and is well used meanwhile.
 */
static void widen(opro__pace *pace) {
    double more = 1 / pace->window, room = pace->ceiling - 1 - pace->window;

    if (room > 0)
        more = fmin(1, room);
    else if (pace->window < pace->ceiling)
        more /= 8;
    pace->window = fmin((double)pace->most, pace->window + more);
}

/* Multiplicative decrease, once for all that were under way. */
static void cut(opro__pace *pace, int64_t now, int64_t sent_at) {
    if (sent_at <= pace->cut_at) return;
    pace->ceiling = pace->window;
    pace->window = fmax(1, pace->window / 2);
    pace->cut_at = now;
}

static void pause(opro__pace *pace, int64_t now, int64_t ms) {
    int64_t until = now + least(ms, pace->pause_max_ms);

    if (until > pace->paused_until) pace->paused_until = until;
}

/*
 * Nothing but refusals and errors: fewer at once does not help, since each is answered quickly and
 * makes room for the next one. So all rest, twice as long each time.
 */
static void note_trouble(opro__pace *pace, int64_t now, int64_t sent_at, int busy) {
    int64_t most = busy ? pace->busy_max_ms : pace->backoff_max_ms, ms = pace->backoff_ms;

    if (sent_at <= pace->rested_at || ++pace->troubles < MANY_TROUBLES) return;
    for (int64_t i = MANY_TROUBLES; i < pace->troubles && ms < most; i++)
        ms *= 2;
    pause(pace, now, least(ms, most));
    pace->rested_at = now;
}

/* ---- requests go and come -------------------------------------------------------------------- */

int64_t opro__pace_admit(opro__pace *pace, int64_t now, int64_t in_flight, int64_t tokens) {
    int64_t wait_requests, wait_tokens;

    if (opro__pace_is_open(pace, now)) return pace->open_until - now;
    if (now < pace->paused_until) return pace->paused_until - now;
    if (pace->probing || in_flight >= opro__pace_window(pace)) return INT64_MAX;
    bucket_fill(&pace->requests, now);
    bucket_fill(&pace->tokens, now);
    wait_requests = bucket_wait(&pace->requests, 1);
    wait_tokens = bucket_wait(&pace->tokens, (double)tokens);
    if (wait_requests || wait_tokens)
        return wait_requests > wait_tokens ? wait_requests : wait_tokens;
    bucket_take(&pace->requests, 1);
    bucket_take(&pace->tokens, (double)tokens);
    pace->probing = is_open(pace);
    if (++pace->sent >= REMEMBERED_TRIES) {
        pace->sent /= 2;
        pace->retried /= 2;
    }
    return 0;
}

void opro__pace_settle(opro__pace *pace, int64_t now, int64_t sent_at, int full, int64_t reserved,
                       int64_t used, const opro__failure *failure) {
    if (used >= 0) {
        bucket_fill(&pace->tokens, now);
        bucket_take(&pace->tokens, (double)used - (double)reserved);
    }
    note_connection(pace, now, sent_at, failure);
    if (!failure) {
        pace->troubles = 0;
        if (full) widen(pace);
        return;
    }
    if (failure->retry == OPRO__RETRY_LOADING) {
        pause(pace, now, opro__pace_loading(pace, failure->wait_ms));
        return;
    }
    if (failure->busy || failure->kind == OPRO_FAILURE_TIMEOUT) cut(pace, now, sent_at);
    if (failure->busy && failure->wait_ms > 0) pause(pace, now, failure->wait_ms);
    if (failure->busy || failure->kind == OPRO_FAILURE_UNAVAILABLE)
        note_trouble(pace, now, sent_at, failure->busy);
}

void opro__pace_forget(opro__pace *pace, int64_t reserved) {
    bucket_take(&pace->tokens, -(double)reserved);
    pace->probing = 0;
}

/* ---- retries --------------------------------------------------------------------------------- */

int opro__pace_may_retry(opro__pace *pace) {
    int64_t first_tries = pace->sent > pace->retried ? pace->sent - pace->retried : 0;

    if (pace->retried >= pace->free_retries + first_tries * pace->percent / 100) return 0;
    pace->retried++;
    return 1;
}

int64_t opro__pace_backoff(const opro__pace *pace, int attempt, int busy, int64_t wait_ms,
                           uint64_t id) {
    opro__rng rng = opro__rng_make(opro__hash_add(pace->seed, id), attempt, OPRO__RNG_BACKOFF);
    int64_t most = busy ? pace->busy_max_ms : pace->backoff_max_ms, delay = pace->backoff_ms;

    for (int i = 2; i < attempt && delay < most; i++)
        delay *= 2;
    delay = least(delay, most);
    delay -= (int64_t)(opro__rng_real(&rng) * pace->jitter * (double)delay);
    return delay > wait_ms ? delay : wait_ms;
}

int64_t opro__pace_loading(const opro__pace *pace, int64_t wait_ms) {
    return wait_ms > 0 ? least(wait_ms, pace->pause_max_ms) : pace->loading_ms;
}

int64_t opro__pace_window(const opro__pace *pace) {
    return pace->adaptive ? (int64_t)pace->window : pace->most;
}
