/* SPDX-License-Identifier: MIT */
/*
 * How fast an endpoint may be asked: a state machine without a clock. Times are milliseconds of
 * any clock that does not go back.
 *
 *   rate         token buckets over requests and over tokens a minute
 *   concurrency  additive increase, multiplicative decrease (Chiu & Jain 1989), with a memory of
 *                where the endpoint said no
 *   pause        nobody asks until the endpoint has had its rest (429, 503, 529, errors in a row)
 *   breaker      closed, open, half open (Nygard 2007): left alone after connection failures in a
 *                row, or when too many of the last requests have met one; then one may try
 *   retries      a budget in percent of the requests
 */
#ifndef OPRO_MODEL_PACE_H
#define OPRO_MODEL_PACE_H

#include <stdint.h>

#include "core/config.h"
#include "failure.h"

typedef struct opro__bucket {
    double rate;  /* units a millisecond; 0: no limit */
    double most;  /* burst */
    double level; /* may be below 0 after a settlement */
    int64_t at;
} opro__bucket;

/* What came of the requests of a slice of time. */
typedef struct opro__slice {
    int64_t number; /* which one: its beginning, in lengths of a slice */
    int64_t requests, broken;
} opro__slice;

enum { OPRO__SLICES = 12 }; /* of the breaker's window: what is left of it has 11/12 at least */

typedef struct opro__pace {
    opro__bucket requests, tokens;
    /* concurrency */
    int adaptive;
    double window;
    double ceiling; /* the window when it was cut last; 0: never */
    int64_t most;
    int64_t cut_at; /* failures of requests that were sent before this do not cut again */
    /* pause and breaker */
    int64_t paused_until, pause_max_ms;
    int64_t troubles;  /* refusals and errors in a row                              */
    int64_t rested_at; /* when they made all rest; those sent before count no more  */
    int64_t failures;  /* connection failures in a row */
    int64_t breaker_after;
    int64_t breaker_percent, breaker_requests;
    int64_t breaker_ms, breaker_now_ms, breaker_max_ms;
    int64_t open_until; /* breaker; INT64_MIN: closed */
    int probing;        /* half open: one request is out */
    int64_t slice_ms;
    opro__slice slices[OPRO__SLICES];
    /* retries */
    int64_t percent, free_retries, sent, retried; /* of late */
    /* backoff */
    int64_t backoff_ms, backoff_max_ms, busy_max_ms, loading_ms;
    double jitter;
    uint64_t seed;
} opro__pace;

void opro__pace_init(opro__pace *pace, const opro__options *options, int64_t now);

/*
 * May a request of about so many tokens be sent now, with in_flight others out? 0 if so (and it is
 * counted as sent: take back with opro__pace_settle()); else the milliseconds until asking again
 * is worth while, INT64_MAX: not before another one has come back.
 */
int64_t opro__pace_admit(opro__pace *pace, int64_t now, int64_t in_flight, int64_t tokens);

/* 1 while nobody is to ask at all, since connections failed: the breaker is open. */
int opro__pace_is_open(const opro__pace *pace, int64_t now);

/*
 * A request came back. sent_at: when it was sent; full: the window was used up; reserved and used:
 * tokens (used -1: not known, taken to be as reserved). failure NULL: it succeeded.
 */
void opro__pace_settle(opro__pace *pace, int64_t now, int64_t sent_at, int full, int64_t reserved,
                       int64_t used, const opro__failure *failure);

/*
 * A request was taken back before anything came of it. reserved: tokens to give back; 0 if it went
 * out, since endpoints count what they began.
 */
void opro__pace_forget(opro__pace *pace, int64_t reserved);

/* The retry budget: 1 and one retry is counted, 0 if it is used up. */
int opro__pace_may_retry(opro__pace *pace);

/*
 * How long to wait before a try (attempt 2 is the first repeat): backoff_ms doubled each time up
 * to a maximum, less a part of it at random (keyed by seed, id and attempt), and at least wait_ms
 * if that is not -1.
 */
int64_t opro__pace_backoff(const opro__pace *pace, int attempt, int busy, int64_t wait_ms,
                           uint64_t id);

/* How long to leave an endpoint alone that is loading its model; wait_ms: its wish, or -1. */
int64_t opro__pace_loading(const opro__pace *pace, int64_t wait_ms);

/* How many may be in flight now. */
int64_t opro__pace_window(const opro__pace *pace);

#endif
