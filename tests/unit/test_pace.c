/* SPDX-License-Identifier: MIT */
/* How fast an endpoint is asked: step by step, and against simulated endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/pace.h"
#include "opro/config.h"
#include "opro/model.h"

#define NEVER INT64_MAX

static opro__options options;

static void reset(void) {
    opro__options_copy(&options, NULL);
}

#define SET(id, value) (options.values[OPRO__ROW_##id].i = (value))

static opro__pace make(int64_t now) {
    opro__pace pace;

    opro__pace_init(&pace, &options, now);
    return pace;
}

static opro__failure failed(int32_t kind, int busy, int broken, int64_t wait) {
    return (opro__failure){.kind = kind,
                           .retry = OPRO__RETRY,
                           .busy = busy,
                           .broken = broken,
                           .wait_ms = wait,
                           .http_status = broken || kind == OPRO_FAILURE_TIMEOUT ? 0 : 500};
}

static void settle(opro__pace *pace, int64_t now, int64_t sent, const opro__failure *failure) {
    opro__pace_settle(pace, now, sent, 1, 0, -1, failure);
}

/* ---- concurrency ----------------------------------------------------------------------------- */

static void test_window(void **state) {
    opro__failure busy = failed(OPRO_FAILURE_RATE, 1, 0, -1);
    opro__failure slow = failed(OPRO_FAILURE_TIMEOUT, 0, 0, -1);
    opro__failure other = failed(OPRO_FAILURE_UNAVAILABLE, 0, 0, -1);
    opro__pace pace;

    (void)state;
    reset();
    pace = make(0);
    assert_int_equal(opro__pace_window(&pace), 4);
    for (int64_t n = 0; n < 4; n++)
        assert_int_equal(opro__pace_admit(&pace, 0, n, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, 0, 4, 0), NEVER);
    for (int i = 0; i < 4; i++) /* a round trip: one more */
        settle(&pace, 10, 1, NULL);
    assert_int_equal(opro__pace_window(&pace), 4);
    settle(&pace, 10, 1, NULL);
    assert_int_equal(opro__pace_window(&pace), 5);
    for (int i = 0; i < 1000; i++) /* not full: no reason for more */
        opro__pace_settle(&pace, 20, 11, 0, 0, -1, NULL);
    assert_int_equal(opro__pace_window(&pace), 5);
    for (int i = 0; i < 1000; i++)
        settle(&pace, 20, 11, NULL);
    assert_int_equal(opro__pace_window(&pace), 16);
    settle(&pace, 30, 21, &other);
    assert_int_equal(opro__pace_window(&pace), 16);
    settle(&pace, 30, 21, &busy);
    assert_int_equal(opro__pace_window(&pace), 8);
    settle(&pace, 31, 21, &busy); /* sent before the cut */
    settle(&pace, 32, 30, &busy);
    assert_int_equal(opro__pace_window(&pace), 8);
    settle(&pace, 40, 31, &slow);
    assert_int_equal(opro__pace_window(&pace), 4);
    for (int64_t t = 50; t < 100; t++)
        settle(&pace, t, t - 1, &busy);
    assert_int_equal(opro__pace_window(&pace), 1);
    assert_int_equal(opro__pace_admit(&pace, 100000, 0, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, 100000, 1, 0), NEVER);
}

/* Near the place where the endpoint said no. */
static void test_ceiling(void **state) {
    opro__failure busy = failed(OPRO_FAILURE_RATE, 1, 0, -1);
    opro__pace pace;
    int n;

    (void)state;
    reset();
    SET(MODEL_IN_FLIGHT, 10);
    pace = make(0);
    settle(&pace, 10, 1, &busy);
    assert_int_equal(opro__pace_window(&pace), 5);
    for (int i = 0; i < 4; i++) /* back at once */
        settle(&pace, 20, 11, NULL);
    assert_int_equal(opro__pace_window(&pace), 9);
    for (n = 0; opro__pace_window(&pace) < 10; n++)
        settle(&pace, 30, 11, NULL);
    assert_in_range(n, 64, 80); /* slowly */
    for (n = 0; opro__pace_window(&pace) < 11; n++)
        settle(&pace, 40, 11, NULL);
    assert_in_range(n, 9, 11); /* it says no no more: as ever */
}

/* Errors in a row make all rest, twice as long each time; those of before the rest do not count. */
static void test_troubles(void **state) {
    static const int64_t rests[] = {500, 1000, 2000, 4000, 8000, 8000};
    opro__failure error = failed(OPRO_FAILURE_UNAVAILABLE, 0, 0, -1);
    opro__failure refused = failed(OPRO_FAILURE_REFUSED, 0, 0, -1);
    opro__pace pace;
    int64_t t = 10, window;

    (void)state;
    reset();
    pace = make(0);
    for (int i = 0; i < 100; i++) /* one success between is enough */
        settle(&pace, 10, 1, i % 5 == 4 ? NULL : &error);
    for (int i = 0; i < 100; i++) /* that is no trouble of the endpoint's */
        settle(&pace, 10, 1, &refused);
    assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
    window = opro__pace_window(&pace); /* errors leave it alone */
    for (int i = 0; i < 4; i++)
        settle(&pace, t, 1, &error);
    assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        for (int k = 0; k < 10; k++)
            settle(&pace, t, t - 1, &error);
        assert_int_equal(opro__pace_admit(&pace, t, 0, 0), rests[i]);
        t += rests[i] + 10;
        assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
        assert_int_equal(opro__pace_window(&pace), window);
    }
    settle(&pace, t, t - 1, NULL);
    for (int k = 0; k < 4; k++)
        settle(&pace, t, t - 1, &error);
    assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
}

static void test_fixed_window(void **state) {
    opro__failure busy = failed(OPRO_FAILURE_RATE, 1, 0, -1);
    opro__pace pace;

    (void)state;
    reset();
    SET(MODEL_ADAPTIVE, 0);
    SET(MODEL_MAX_IN_FLIGHT, 7);
    pace = make(0);
    assert_int_equal(opro__pace_window(&pace), 7);
    settle(&pace, 10, 1, &busy);
    assert_int_equal(opro__pace_window(&pace), 7);
    SET(MODEL_ADAPTIVE, 1);
    SET(MODEL_IN_FLIGHT, 100); /* more than the most */
    pace = make(0);
    assert_int_equal(opro__pace_window(&pace), 7);
}

/* ---- pause and breaker ----------------------------------------------------------------------- */

static void test_pause(void **state) {
    opro__failure rest = failed(OPRO_FAILURE_RATE, 1, 0, 3000);
    opro__failure less = failed(OPRO_FAILURE_RATE, 1, 0, 100);
    opro__failure hours = failed(OPRO_FAILURE_RATE, 1, 0, 7200000);
    opro__failure broken = failed(OPRO_FAILURE_UNAVAILABLE, 0, 0, 3000);
    opro__failure loading = failed(OPRO_FAILURE_UNAVAILABLE, 1, 0, -1);
    opro__pace pace;

    (void)state;
    reset();
    pace = make(0);
    settle(&pace, 10, 1, &rest);
    settle(&pace, 20, 1, &less);
    settle(&pace, 20, 1, NULL); /* what was under way does not end it */
    assert_int_equal(opro__pace_admit(&pace, 20, 0, 0), 2990);
    assert_int_equal(opro__pace_admit(&pace, 3009, 0, 0), 1);
    assert_int_equal(opro__pace_admit(&pace, 3010, 0, 0), 0);
    settle(&pace, 4000, 3010, &hours); /* no longer than is acceptable */
    assert_int_equal(opro__pace_admit(&pace, 4000, 0, 0), 120000);
    pace = make(0);
    settle(&pace, 10, 1, &broken); /* its own wish, nobody else's */
    assert_int_equal(opro__pace_admit(&pace, 10, 0, 0), 0);
    loading.retry = OPRO__RETRY_LOADING;
    settle(&pace, 20, 11, &loading);
    assert_int_equal(opro__pace_window(&pace), 4);
    assert_int_equal(opro__pace_admit(&pace, 20, 0, 0), 1000);
    assert_int_equal(opro__pace_admit(&pace, 1020, 0, 0), 0);
    loading.wait_ms = 30; /* it says itself how long */
    settle(&pace, 1030, 1020, &loading);
    assert_int_equal(opro__pace_admit(&pace, 1030, 0, 0), 30);
    assert_int_equal(opro__pace_loading(&pace, 7200000), 120000);
    SET(MODEL_LOADING_POLL_MS, 250);
    pace = make(0);
    assert_int_equal(opro__pace_loading(&pace, -1), 250);
}

static void test_breaker(void **state) {
    opro__failure net = failed(OPRO_FAILURE_NET, 0, 1, -1);
    opro__failure http = failed(OPRO_FAILURE_UNAVAILABLE, 0, 0, -1);
    opro__failure slow = failed(OPRO_FAILURE_TIMEOUT, 0, 0, -1);
    opro__pace pace;
    int64_t t, open = 5000;

    (void)state;
    reset();
    pace = make(0);
    for (int i = 0; i < 4; i++)
        settle(&pace, 10, 1, &net);
    settle(&pace, 11, 1, &http); /* it answers: not in a row */
    for (int i = 0; i < 4; i++)
        settle(&pace, 12, 1, &net);
    assert_int_equal(opro__pace_admit(&pace, 12, 0, 0), 0);
    settle(&pace, 12, 1, &net);
    assert_int_equal(opro__pace_admit(&pace, 12, 0, 0), 5000);
    settle(&pace, 13, 1, &net); /* sent before: no news */
    settle(&pace, 14, 1, &http);
    settle(&pace, 15, 1, NULL);
    assert_int_equal(opro__pace_admit(&pace, 5011, 0, 0), 1);
    assert_true(opro__pace_is_open(&pace, 5011));
    assert_false(opro__pace_is_open(&pace, 5012));
    t = 5012;
    for (int i = 0; i < 8; i++) { /* half open: one goes, the others wait for it */
        assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
        assert_int_equal(opro__pace_admit(&pace, t, 0, 0), NEVER);
        assert_int_equal(opro__pace_admit(&pace, t + 100000, 1, 0), NEVER);
        settle(&pace, t + 5, 1, &net); /* not the one */
        settle(&pace, t + 5, 1, NULL);
        assert_int_equal(opro__pace_admit(&pace, t + 5, 0, 0), NEVER);
        settle(&pace, t + 10, t, &net);
        open = open < 30000 ? 2 * open : 60000;
        assert_int_equal(opro__pace_admit(&pace, t + 10, 0, 0), open);
        t += 10 + open;
    }
    /* taken back: another one may go */
    assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
    opro__pace_forget(&pace, 0);
    assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
    settle(&pace, t + 1, t, NULL);
    assert_int_equal(opro__pace_admit(&pace, t + 1, 0, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, t + 1, 1, 0), 0);
    for (int i = 0; i < 5; i++) /* and all begins anew */
        settle(&pace, t + 2, t, &net);
    assert_int_equal(opro__pace_admit(&pace, t + 2, 0, 0), 5000);
    /* an answer of any kind closes it as well */
    t += 6000;
    assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
    settle(&pace, t + 1, t, &http);
    assert_int_equal(opro__pace_admit(&pace, t + 1, 0, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, t + 1, 1, 0), 0);
    /* and so does one that began and did not end: there is a connection */
    for (int i = 0; i < 5; i++)
        settle(&pace, t + 2, t, &net);
    t += 6000;
    assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, t, 1, 0), NEVER);
    settle(&pace, t + 1, t, &slow);
    assert_int_equal(opro__pace_admit(&pace, t + 1, 1, 0), 0);
}

static void test_breaker_options(void **state) {
    opro__failure net = failed(OPRO_FAILURE_NET, 0, 1, -1);
    opro__pace pace;

    (void)state;
    reset();
    SET(MODEL_BREAKER_FAILURES, 0);
    SET(MODEL_BREAKER_PERCENT, 0);
    pace = make(0);
    for (int i = 0; i < 1000; i++)
        settle(&pace, 10, 1, &net);
    assert_int_equal(opro__pace_admit(&pace, 10, 0, 0), 0);
    SET(MODEL_BREAKER_FAILURES, 1);
    SET(MODEL_BREAKER_MS, 100000); /* more than the sixty seconds it would double up to */
    SET(MODEL_BREAKER_PERCENT, 50);
    pace = make(0);
    settle(&pace, 10, 1, &net);
    assert_int_equal(opro__pace_admit(&pace, 10, 0, 0), 100000);
    assert_int_equal(opro__pace_admit(&pace, 100010, 0, 0), 0);
    settle(&pace, 100020, 100010, &net);
    assert_int_equal(opro__pace_admit(&pace, 100020, 0, 0), 100000);
    SET(MODEL_BREAKER_MS, 100);
    SET(MODEL_BREAKER_MAX_MS, 250);
    pace = make(0);
    settle(&pace, 10, 1, &net);
    for (int64_t t = 110, open = 200; t < 2000; t += open, open = 250) {
        assert_int_equal(opro__pace_admit(&pace, t, 0, 0), 0);
        settle(&pace, t, t, &net);
        assert_int_equal(opro__pace_admit(&pace, t, 0, 0), open);
    }
}

/* Requests come back at this time, every second one with a connection that broke: never a row. */
static void half_break(opro__pace *pace, int64_t t, int n) {
    opro__failure net = failed(OPRO_FAILURE_NET, 0, 1, -1);

    for (int i = 0; i < n; i++)
        settle(pace, t, t - 1, i % 2 ? &net : NULL);
}

/* Half of the last twenty, or more, within a minute. */
static void test_breaker_percent(void **state) {
    opro__failure net = failed(OPRO_FAILURE_NET, 0, 1, -1);
    opro__failure http = failed(OPRO_FAILURE_UNAVAILABLE, 0, 0, -1);
    opro__pace pace;

    (void)state;
    reset();
    pace = make(0);
    half_break(&pace, 1000, 19); /* 9 of 19 */
    assert_int_equal(opro__pace_admit(&pace, 1000, 0, 0), 0);
    settle(&pace, 1000, 999, &net);
    assert_int_equal(opro__pace_admit(&pace, 1000, 0, 0), 5000);
    half_break(&pace, 1001, 100); /* sent before */
    assert_int_equal(opro__pace_admit(&pace, 5999, 0, 0), 1);
    /* one tries; when it comes back well, what was before is forgotten */
    assert_int_equal(opro__pace_admit(&pace, 6000, 0, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, 6000, 1, 0), NEVER);
    settle(&pace, 6010, 6000, NULL);
    half_break(&pace, 6020, 18); /* 9 of 19 */
    assert_int_equal(opro__pace_admit(&pace, 6020, 0, 0), 0);
    settle(&pace, 6020, 6019, &http); /* what answers is no broken connection: 9 of 20 */
    assert_int_equal(opro__pace_admit(&pace, 6020, 0, 0), 0);
    settle(&pace, 6020, 6019, &net); /* 10 of 21 */
    settle(&pace, 6020, 6019, &net); /* 11 of 22 */
    assert_int_equal(opro__pace_admit(&pace, 6020, 0, 0), 5000);
    assert_int_equal(opro__pace_admit(&pace, 11020, 0, 0), 0);
    settle(&pace, 11030, 11020, &net); /* the one that tries finds it broken: twice as long */
    assert_int_equal(opro__pace_admit(&pace, 11030, 0, 0), 10000);
    /* what is older than a minute does not count, wherever the minute begins */
    for (int64_t begin = 0; begin < 20000; begin += 700) {
        pace = make(begin);
        half_break(&pace, begin, 18);
        half_break(&pace, begin + 60000, 18);
        assert_int_equal(opro__pace_admit(&pace, begin + 60000, 0, 0), 0);
        half_break(&pace, begin + 60000, 2);
        assert_true(opro__pace_is_open(&pace, begin + 60000));
        pace = make(begin);
        half_break(&pace, begin, 10);
        half_break(&pace, begin + 54000, 10);
        assert_true(opro__pace_is_open(&pace, begin + 54000));
    }
}

static void test_breaker_percent_options(void **state) {
    opro__failure net = failed(OPRO_FAILURE_NET, 0, 1, -1);
    opro__pace pace;

    (void)state;
    reset();
    SET(MODEL_BREAKER_PERCENT, 0);
    pace = make(0);
    half_break(&pace, 10, 1000);
    assert_int_equal(opro__pace_admit(&pace, 10, 0, 0), 0);
    SET(MODEL_BREAKER_FAILURES, 0);
    SET(MODEL_BREAKER_PERCENT, 100);
    SET(MODEL_BREAKER_REQUESTS, 3);
    pace = make(0);
    half_break(&pace, 10, 1000);
    assert_false(opro__pace_is_open(&pace, 10));
    pace = make(0);
    for (int i = 0; i < 3; i++) {
        assert_false(opro__pace_is_open(&pace, 10));
        settle(&pace, 10, 1, &net);
    }
    assert_true(opro__pace_is_open(&pace, 10));
    SET(MODEL_BREAKER_WINDOW_MS, 1);
    pace = make(0);
    for (int64_t t = 0; t < 1000; t += 12) /* never three at about the same time */
        settle(&pace, t, t - 1, &net);
    assert_false(opro__pace_is_open(&pace, 1000));
}

/* ---- rates ----------------------------------------------------------------------------------- */

static void test_buckets(void **state) {
    opro__pace pace;

    (void)state;
    reset();
    SET(MODEL_REQUESTS_PER_MINUTE, 60);
    pace = make(1000);
    assert_int_equal(opro__pace_admit(&pace, 1000, 0, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, 1000, 0, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, 1000, 0, 0), 1000);
    assert_int_equal(opro__pace_admit(&pace, 1600, 0, 0), 400);
    assert_int_equal(opro__pace_admit(&pace, 2000, 0, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, 1500, 0, 0), 1000); /* a clock that goes back */
    SET(MODEL_REQUESTS_PER_MINUTE, 1);
    pace = make(0);
    assert_int_equal(opro__pace_admit(&pace, 0, 0, 0), 0);
    assert_int_equal(opro__pace_admit(&pace, 1, 0, 0), 59999);
    /* tokens: used less than reserved, more, unknown, taken back */
    SET(MODEL_REQUESTS_PER_MINUTE, 0);
    SET(MODEL_TOKENS_PER_MINUTE, 60000); /* one a millisecond, burst 2000 */
    pace = make(0);
    assert_int_equal(opro__pace_admit(&pace, 0, 0, 1500), 0);
    assert_int_equal(opro__pace_admit(&pace, 0, 1, 1500), 1000);
    opro__pace_settle(&pace, 0, 0, 0, 1500, 1000, NULL);
    assert_int_equal(opro__pace_admit(&pace, 0, 0, 1500), 500);
    assert_int_equal(opro__pace_admit(&pace, 500, 0, 1500), 0); /* 0 left */
    opro__pace_settle(&pace, 500, 0, 0, 1500, 2500, NULL);      /* 1000 of debt */
    assert_int_equal(opro__pace_admit(&pace, 500, 0, 1), 1001);
    assert_int_equal(opro__pace_admit(&pace, 1501, 0, 1), 0);
    opro__pace_settle(&pace, 1501, 0, 0, 1, -1, NULL);
    assert_int_equal(opro__pace_admit(&pace, 1501, 0, 100), 100);
    assert_int_equal(opro__pace_admit(&pace, 1601, 0, 100), 0);
    opro__pace_forget(&pace, 100);
    assert_int_equal(opro__pace_admit(&pace, 1601, 0, 100), 0);
    opro__pace_forget(&pace, 1000000); /* never more than a burst */
    assert_int_equal(opro__pace_admit(&pace, 1601, 0, 2000), 0);
    assert_int_equal(opro__pace_admit(&pace, 1601, 0, 2000), 2000);
    /* one that is larger than the bucket goes when that is full, and is paid for afterwards */
    assert_int_equal(opro__pace_admit(&pace, 3000, 0, 10000), 601);
    assert_int_equal(opro__pace_admit(&pace, 3601, 0, 10000), 0);
    assert_int_equal(opro__pace_admit(&pace, 3601, 0, 1), 8001);
    assert_int_equal(opro__pace_admit(&pace, 3601, 0, INT64_MAX), 10000);
    pace = make(0);
    assert_int_equal(opro__pace_admit(&pace, 0, 0, INT64_MAX), 0);
    assert_true(opro__pace_admit(&pace, 0, 0, 1) > 1000000000);
}

/*
 * Over any minute no more than the limit and the burst, whatever the load; and not much less while
 * there is always something to send.
 */
static void test_rates(void **state) {
    enum { MINUTES = 10, MOST = 2000 };
    static int64_t at[MOST], tokens[MOST];

    (void)state;
    for (int round = 0; round < 20; round++) {
        opro__rng rng = opro__rng_make(3, round, 1);
        int64_t rpm = 1 + (int64_t)opro__rng_below(&rng, 120), tpm = rpm * 100;
        double limit = (double)rpm, burst = limit / 30 > 1 ? limit / 30 : 1, sum = 0;
        size_t n = 0;
        opro__pace pace;

        reset();
        SET(MODEL_REQUESTS_PER_MINUTE, rpm);
        SET(MODEL_TOKENS_PER_MINUTE, tpm);
        pace = make(0);
        for (int64_t t = 0; t < MINUTES * 60000;) {
            int64_t want = 1 + (int64_t)opro__rng_below(&rng, (uint64_t)tpm / 30 + 1);
            int64_t wait = opro__pace_admit(&pace, t, 0, want);

            assert_true(n < MOST);
            if (!wait) {
                at[n] = t;
                tokens[n++] = want;
            } else if (opro__rng_below(&rng, 10)) {
                assert_true(opro__pace_admit(&pace, t + wait - 1, 0, want) > 0); /* not too long */
                t += wait;
            } else {
                t += 1 + (int64_t)opro__rng_below(&rng, 5000);
            }
        }
        for (size_t first = 0; first < n; first++) {
            int64_t used = 0;
            size_t last = first;

            for (; last < n && at[last] < at[first] + 60000; last++)
                used += tokens[last];
            assert_true((double)(last - first) <= (double)rpm + burst + 1e-6);
            assert_true((double)used <= (double)tpm * (1 + 1 / 30.0) + 1e-6);
        }
        for (size_t i = 0; i < n; i++)
            sum += (double)tokens[i];
        assert_true((double)n > 0.7 * (double)rpm * MINUTES || sum > 0.7 * (double)tpm * MINUTES);
    }
}

/* ---- retries --------------------------------------------------------------------------------- */

static void test_budget(void **state) {
    opro__pace pace;
    int n = 0;

    (void)state;
    reset();
    pace = make(0);
    while (opro__pace_may_retry(&pace))
        n++;
    assert_int_equal(n, 10);
    for (int i = 0; i < 100; i++) /* the first ten of these are the repeats */
        assert_int_equal(opro__pace_admit(&pace, 0, 0, 0), 0);
    for (n = 0; opro__pace_may_retry(&pace); n++)
        ;
    assert_in_range(n, 14, 18);
    for (int i = 0; i < 100000; i++) /* good old days */
        opro__pace_admit(&pace, 0, 0, 0);
    for (n = 0; opro__pace_may_retry(&pace); n++)
        ;
    assert_in_range(n, 90, 210);
    SET(MODEL_RETRY_PERCENT, 0);
    pace = make(0);
    for (int i = 0; i < 500; i++)
        opro__pace_admit(&pace, 0, 0, 0);
    for (n = 0; opro__pace_may_retry(&pace); n++)
        ;
    assert_int_equal(n, 10);
    SET(MODEL_RETRY_FREE, 3);
    pace = make(0);
    for (n = 0; opro__pace_may_retry(&pace); n++)
        ;
    assert_int_equal(n, 3);
}

static void test_backoff(void **state) {
    static const int64_t most[] = {500, 1000, 2000, 4000, 8000, 8000, 8000};
    static const int64_t busy[] = {500, 1000, 2000, 4000, 8000, 16000, 30000};
    opro__pace pace, other;
    int64_t low = 500, high = 0;
    int differ = 0;

    (void)state;
    reset();
    pace = make(0);
    SET(SEED, 1);
    other = make(0);
    for (int attempt = 2; attempt < 9; attempt++)
        for (uint64_t id = 0; id < 200; id++) {
            int64_t ms = opro__pace_backoff(&pace, attempt, 0, -1, id);

            assert_in_range(ms, most[attempt - 2] * 3 / 4, most[attempt - 2]);
            assert_int_equal(ms, opro__pace_backoff(&pace, attempt, 0, -1, id)); /* replays */
            differ += ms != opro__pace_backoff(&other, attempt, 0, -1, id);
            if (attempt == 2 && ms < low) low = ms;
            if (attempt == 2 && ms > high) high = ms;
            ms = opro__pace_backoff(&pace, attempt, 1, -1, id);
            assert_in_range(ms, busy[attempt - 2] * 3 / 4, busy[attempt - 2]);
        }
    assert_true(differ > 1000);
    assert_true(low < 385 && high > 490); /* all of the quarter */
    assert_int_equal(opro__pace_backoff(&pace, 2, 0, 20000, 1), 20000);
    assert_in_range(opro__pace_backoff(&pace, 2, 0, 100, 1), 375, 500);
    assert_in_range(opro__pace_backoff(&pace, 100, 0, -1, 1), 6000, 8000);
    SET(MODEL_JITTER_PERCENT, 0);
    pace = make(0);
    for (int attempt = 2; attempt < 9; attempt++)
        assert_int_equal(opro__pace_backoff(&pace, attempt, 0, -1, 1), most[attempt - 2]);
    SET(MODEL_JITTER_PERCENT, 100);
    pace = make(0);
    differ = 0;
    for (uint64_t id = 0; id < 200; id++)
        differ += opro__pace_backoff(&pace, 6, 0, -1, id) < 4000;
    assert_in_range(differ, 70, 130); /* from 0 to 8000 */
    SET(MODEL_BACKOFF_MS, 0);
    pace = make(0);
    assert_int_equal(opro__pace_backoff(&pace, 5, 0, -1, 1), 0);
    assert_int_equal(opro__pace_backoff(&pace, 5, 0, 7, 1), 7);
    SET(MODEL_BACKOFF_MS, INT64_C(9007199254740992));
    SET(MODEL_BACKOFF_MAX_MS, INT64_C(9007199254740992));
    pace = make(0);
    assert_true(opro__pace_backoff(&pace, 100, 0, -1, 1) > INT64_C(6000000000000000));
}

/* ---- simulated endpoints --------------------------------------------------------------------- */

typedef struct endpoint {
    int64_t capacity;   /* more at once are refused with 429    */
    int64_t service_ms; /* +- a quarter                         */
    int64_t hint_ms;    /* of the refusals, -1: none            */
    int dead;           /* every request fails, by this kind    */
    int64_t dead_until; /* ... until then                       */
    uint64_t flaky;     /* percent of connections that break    */
} endpoint;

typedef struct tally {
    int64_t sent, good, refused;
    double window; /* mean of the second half */
} tally;

enum { SLOTS = 64, ATTEMPTS = 5, QUEUE = 1024 };

typedef struct job {
    int64_t ready_at, sent_at, done_at;
    int attempt, good;
    uint64_t id;
} job;

static opro__failure failure_of(const endpoint *e, int64_t sent_at) {
    if (e->flaky) return failed(OPRO_FAILURE_NET, 0, 1, -1);
    if (e->dead && sent_at < e->dead_until)
        return failed(e->dead, e->dead == OPRO_FAILURE_RATE, e->dead == OPRO_FAILURE_NET, -1);
    return failed(OPRO_FAILURE_RATE, 1, 0, e->hint_ms);
}

typedef struct world {
    const endpoint *e;
    opro__pace pace;
    opro__rng rng;
    job out[SLOTS], later[QUEUE];
    size_t n_out, n_later;
    int64_t served;
    uint64_t id;
    tally sum;
} world;

static void come_back(world *w, size_t i, int64_t t) {
    job j = w->out[i];
    int full = (int64_t)w->n_out >= opro__pace_window(&w->pace);
    opro__failure failure = failure_of(w->e, j.sent_at);

    w->out[i] = w->out[--w->n_out];
    opro__pace_settle(&w->pace, t, j.sent_at, full, 0, -1, j.good ? NULL : &failure);
    w->served -= j.good;
    w->sum.good += j.good;
    w->sum.refused += !j.good;
    if (j.good) return;
    if (j.attempt >= ATTEMPTS || w->n_later == QUEUE || !opro__pace_may_retry(&w->pace)) return;
    j.attempt++;
    j.ready_at = t + opro__pace_backoff(&w->pace, j.attempt, failure.busy, failure.wait_ms, j.id);
    w->later[w->n_later++] = j;
}

static void send_one(world *w, int64_t t) {
    const endpoint *e = w->e;
    job j = {.attempt = 1, .id = w->id};

    for (size_t i = 0; i < w->n_later; i++)
        if (w->later[i].ready_at <= t) {
            j = w->later[i];
            w->later[i] = w->later[--w->n_later];
            break;
        }
    w->id += j.attempt == 1;
    j.good = w->served < e->capacity && !(e->dead && t < e->dead_until);
    if (e->flaky && opro__rng_below(&w->rng, 100) < e->flaky) j.good = 0;
    j.sent_at = t;
    j.done_at = t + 20;
    if (j.good)
        j.done_at = t + e->service_ms * 3 / 4 +
                    (int64_t)opro__rng_below(&w->rng, (uint64_t)e->service_ms / 2);
    w->served += j.good;
    w->out[w->n_out++] = j;
    w->sum.sent++;
}

/* A scheduler as simple as can be: there is always a next request. */
static tally simulate(const endpoint *e, int64_t ms, uint64_t seed) {
    static world w;
    int64_t t = 0, next, wait = 0;

    memset(&w, 0, sizeof w);
    w.e = e;
    w.pace = make(0);
    w.rng = opro__rng_make(seed, 0, 1);
    while (t < ms) {
        for (size_t i = 0; i < w.n_out;)
            if (w.out[i].done_at <= t)
                come_back(&w, i, t);
            else
                i++;
        while (w.n_out < SLOTS && !(wait = opro__pace_admit(&w.pace, t, (int64_t)w.n_out, 0)))
            send_one(&w, t);
        next = wait == NEVER ? ms : t + wait;
        for (size_t i = 0; i < w.n_out; i++)
            if (w.out[i].done_at < next) next = w.out[i].done_at;
        assert_true(next > t);
        if (t >= ms / 2)
            w.sum.window +=
                (double)opro__pace_window(&w.pace) * (double)(next - t) / (double)ms * 2;
        t = next;
    }
    return w.sum;
}

/* It finds out how many at once an endpoint takes, and makes good use of them. */
static void test_capacity(void **state) {
    static const int64_t capacities[] = {1, 2, 5, 10, 30};

    (void)state;
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            endpoint e = {.capacity = capacities[i], .service_ms = 1000, .hint_ms = -1};
            int64_t ms = 600000;
            double best = (double)(e.capacity * ms) / 1000;
            tally sum;

            reset();
            SET(MODEL_MAX_IN_FLIGHT, 64);
            sum = simulate(&e, ms, seed);
            print_message("capacity %2d: window %.2f, throughput %.3f, refused %.3f\n",
                          (int)e.capacity, sum.window, (double)sum.good / best,
                          (double)sum.refused / (double)sum.sent);
            assert_true(sum.window > 0.75 * (double)e.capacity);
            assert_true(sum.window < 1.1 * (double)e.capacity + 1);
            assert_true((double)sum.good >= 0.85 * best);
            if (e.capacity >= 5) assert_true((double)sum.refused <= 0.05 * (double)sum.sent);
        }
}

/* While everything fails, few requests go out; when it is over, all is well soon. */
static void test_storms(void **state) {
    static const int32_t kinds[] = {OPRO_FAILURE_NET, OPRO_FAILURE_RATE, OPRO_FAILURE_UNAVAILABLE};
    endpoint dead = {.capacity = 0, .service_ms = 1000, .hint_ms = -1};
    tally sum;

    (void)state;
    reset();
    SET(MODEL_MAX_IN_FLIGHT, 64);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        dead.dead = kinds[i];
        dead.dead_until = INT64_MAX;
        sum = simulate(&dead, 600000, 1);
        print_message("failure %d for ever: %d requests in ten minutes\n", (int)kinds[i],
                      (int)sum.sent);
        assert_true(sum.sent <= (kinds[i] == OPRO_FAILURE_UNAVAILABLE ? 400 : 50));
    }
    /* refused with a wish: one for each rest */
    dead = (endpoint){.capacity = 0, .service_ms = 1000, .hint_ms = 10000};
    sum = simulate(&dead, 600000, 1);
    print_message("429 with a wish: %d requests in ten minutes\n", (int)sum.sent);
    assert_true(sum.sent <= 4 + 60);
    /* dead for a minute, then well */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        endpoint e = {.capacity = 10, .service_ms = 1000, .hint_ms = -1};

        e.dead = kinds[i];
        e.dead_until = 60000;
        sum = simulate(&e, 360000, 1);
        print_message("failure %d for a minute: %d refused, then %.3f of the best\n", (int)kinds[i],
                      (int)sum.refused, (double)sum.good / 3000);
        assert_true((double)sum.good >= 0.75 * 3000);
    }
}

/* Connections that break now and then are lived with; an endpoint of which most do gets rest. */
static void test_flaky(void **state) {
    static const struct {
        uint64_t percent;
        double least, most; /* of the requests that can be sent in that time */
    } rows[] = {{10, 0.9, 1.3}, {30, 0.4, 1}, {60, 0, 0.3}, {90, 0, 0.05}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            endpoint e = {.capacity = 64, .service_ms = 1000, .flaky = rows[i].percent};
            double share;
            tally sum;

            reset();
            sum = simulate(&e, 600000, seed);
            share = (double)sum.sent / 9600;
            print_message("%d percent break: %.3f of the best sent\n", (int)e.flaky, share);
            assert_true(share >= rows[i].least && share <= rows[i].most);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),          cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_troubles),        cmocka_unit_test(test_fixed_window),
        cmocka_unit_test(test_pause),           cmocka_unit_test(test_breaker),
        cmocka_unit_test(test_breaker_options), cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_breaker_percent), cmocka_unit_test(test_breaker_percent_options),
        cmocka_unit_test(test_rates),           cmocka_unit_test(test_budget),
        cmocka_unit_test(test_backoff),         cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_storms),          cmocka_unit_test(test_flaky),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
