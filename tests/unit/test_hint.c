/* SPDX-License-Identifier: MIT */
/* How long an endpoint wants to be left alone: every form in use, and absurd ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "model/hint.h"

/* 2026-11-22 10:00:00 UTC, a Sunday */
#define NOW  INT64_C(1795341600)
#define DATE "Sun, 22 Nov 2026 10:00:00 GMT"

typedef struct text_case {
    const char *s;
    int64_t ms;
} text_case;

/* At the end of a block of its own length: a read beyond shows. */
static char *exact(const char *s, size_t len) {
    char *copy = malloc(len ? len : 1);

    memcpy(copy, s, len);
    return copy;
}

static void test_duration(void **state) {
    static const text_case cases[] = {
        {"1s", 1000},
        {"1.1s", 1100},
        {"6m0s", 360000},
        {"20ms", 20},
        {"2m59.56s", 179560},
        {"1h2m3s", 3723000},
        {"34s", 34000},
        {"0.5s", 500},
        {".5s", 500},
        {"34.074824224s", 34075}, /* up */
        {"1us", 1},
        {"1\xC2\xB5s", 1},
        {"1\xCE\xBCs", 1},
        {"1ns", 1},
        {"1d", 86400000},
        {"0s", 0},
        {" 3s ", 3000},
        {"3S", 3000},
        {"1h0m0.001s", 3600001},
        {"", -1},
        {" ", -1},
        {"0", -1},
        {"17", -1},
        {"s", -1},
        {"-1s", -1},
        {"+1s", -1},
        {"1x", -1},
        {"1s2", -1},
        {"1 s", -1},
        {"1s!", -1},
        {"1.2.3s", -1},
        {"1e3s", -1},
        {"nans", -1},
        {"infs", -1},
        {"1sec", -1},
        {"99999999999999999999s", -1},
        {"1m99999999999999999999h", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].s);
        char *s = exact(cases[i].s, len);
        int64_t ms = opro__hint_duration(s, len);

        if (ms != cases[i].ms) fail_msg("%s: %lld", cases[i].s, (long long)ms);
        free(s);
    }
}

static void test_rfc3339(void **state) {
    static const text_case cases[] = {
        {"2026-11-22T10:00:00Z", 0},
        {"2026-11-22T10:00:01Z", 1000},
        {"2026-11-22T10:00:00.25Z", 250},
        {"2026-11-22t10:01:00z", 60000},
        {"2026-11-22 10:01:00Z", 60000},
        {"2026-11-22T12:00:30+02:00", 30000},
        {"2026-11-22T05:30:00-04:30", 0},
        {"2026-11-22T05:30:02-04:30", 2000},
        {"2026-11-23T10:00:00Z", 86400000},
        {"2027-11-22T10:00:00Z", INT64_C(31536000000)},
        {"2028-11-22T10:00:00Z", INT64_C(63158400000)}, /* a leap year */
        {"2026-11-22T10:00:60Z", 60000},
        {"2026-11-22T09:59:59Z", 0}, /* past */
        {"1970-01-01T00:00:00Z", 0},
        {"0001-01-01T00:00:00Z", 0},
        {"2099-01-01T00:00:00Z", INT64_C(2275567200000)},
        {"9999-12-31T23:59:59Z", -1}, /* absurd */
        {"", -1},
        {"2026-11-22", -1},
        {"2026-11-22T10:00:00", -1},
        {"2026-11-22T10:00:00X", -1},
        {"2026-11-22T10:00:00+2", -1},
        {"2026-11-22T10:00:00+0200", -1},
        {"2026-11-22T10:00:00+25:00", -1},
        {"2026-11-22T10:00:00+24:00", -1},
        {"2026-11-22T10:00:00+02:60", -1},
        {"2026-11-22T10:00:00+xx:00", -1},
        {"2026-11-22T10:00:00+02:xx", -1},
        {"2026-11-22T10:00:00+02x00", -1},
        {"2026-11-22T10:00:00x02:00", -1},
        {"2026-11-22T10:00:00Zjunk", -1},
        {"2026-13-22T10:00:00Z", -1},
        {"2026-00-22T10:00:00Z", -1},
        {"2026-11-32T10:00:00Z", -1},
        {"2026-11-22T24:00:00Z", -1},
        {"2026-11-22T10:60:00Z", -1},
        {"2026/11/22T10:00:00Z", -1},
        {"20261122T100000Z", -1},
        {"-026-11-22T10:00:00Z", -1},
        {"2026-11-22T10:00:00.", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].s);
        char *s = exact(cases[i].s, len);
        int64_t ms = opro__hint_rfc3339(s, len, NOW);

        if (ms != cases[i].ms) fail_msg("%s: %lld", cases[i].s, (long long)ms);
        free(s);
    }
}

static void test_retry_after(void **state) {
    static const struct {
        const char *value, *date;
        int64_t ms;
    } cases[] = {
        {"120", "", 120000},
        {"1", "", 1000},
        {"1.5", "", 1500},
        {"0.0001", "", 1},
        {" 7 ", "", 7000},
        {"\t7\t", "", 7000},
        {".5", "", 500},
        {"+5", "", 5000},
        {"e5", "", -1},
        {" \t", "", -1},
        {"0", "", 0},
        {"-5", "", -1},
        {"", "", -1},
        {"soon", "", -1},
        {"99999999999999999999", "", -1},
        {"1e400", "", -1},
        {"nan", "", -1},
        {"0x10", "", -1},
        {"20s", "", 20000},
        {"Sun, 22 Nov 2026 10:00:30 GMT", "", 30000},
        {"Sun, 22 Nov 2026 10:00:30 GMT", DATE, 30000},
        {"Sunday, 22-Nov-26 10:00:30 GMT", DATE, 30000},
        {"Sun Nov 22 10:00:30 2026", DATE, 30000},
        /* the server's clock counts, when it says what it shows */
        {"Sun, 22 Nov 2026 12:00:30 GMT", "Sun, 22 Nov 2026 12:00:00 GMT", 30000},
        {"Sun, 22 Nov 2026 10:00:30 GMT", "no date", 30000},
        {"Sun, 22 Nov 2026 09:00:00 GMT", DATE, 0},
        /* no date where time_t ends in 2038 */
        {"Thu, 01 Jan 2099 00:00:00 GMT", DATE, sizeof(time_t) < 8 ? -1 : INT64_C(2275567200000)},
        {"2026-11-22T10:00:05Z", DATE, 5000},
        {"Mon", DATE, -1},
        {"Sun, 99 Nov 2026 10:00:30 GMT", DATE, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = opro__hint_retry_after(cases[i].value, cases[i].date, NOW);

        if (ms != cases[i].ms) fail_msg("%s: %lld", cases[i].value, (long long)ms);
    }
}

static void test_words(void **state) {
    static const text_case cases[] = {
        {"Rate limit reached for gpt-x on requests per min. Please try again in 20s. Visit", 20000},
        {"Please try again in 6m0s.", 360000},
        {"Please try again in 1.2s.", 1200},
        {"Please try again in 150ms.", 150},
        {"Please try again in 7m12.5s", 432500},
        {"Please retry in 34.074824224s.", 34075},
        {"PLEASE RETRY AFTER 26 SECONDS.", 26000},
        {"Try again in 1 minute", 60000},
        {"try again in 2 minutes and 5 seconds.", 125000},
        {"try again in 1 hour, 2 min 3 sec", 3723000},
        {"try again in 3 days", 259200000},
        {"try again in 500 milliseconds", 500},
        {"please wait 30 seconds before", 30000},
        {"wait for 2 s", 2000},
        {"try again in 20s, or 30s later", 20000}, /* no sum */
        {"try again in 0s", 0},
        {"try again in", -1},
        {"try again in ", -1},
        {"try again in a moment", -1},
        {"try again in 5 messages", -1},
        {"try again in 5", -1},
        {"try again in -5s", -1},
        {"try again in 99999999999999999999 hours", -1},
        {"it took 20s", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].s);
        char *s = exact(cases[i].s, len);
        int64_t ms = opro__hint_words(s, len);

        if (ms != cases[i].ms) fail_msg("%s: %lld", cases[i].s, (long long)ms);
        free(s);
    }
}

/* Which one counts when there are several. */
static void test_order(void **state) {
    static const struct {
        opro__headers headers;
        const char *error, *message;
        int64_t ms;
    } cases[] = {
        {{.retry_after = ""}, "{}", "", -1},
        {{.retry_after_ms = "250", .retry_after = "1"}, "{}", "try again in 3s", 250},
        {{.retry_after_ms = "250.5"}, "{}", "", 251},
        {{.retry_after_ms = "0", .retry_after = "1"}, "{}", "", 1000},
        {{.retry_after_ms = "-1", .retry_after = "1"}, "{}", "", 1000},
        {{.retry_after_ms = "junk", .retry_after = "1"}, "{}", "", 1000},
        {{.retry_after_ms = "99999999999999999999", .retry_after = "1"}, "{}", "", 1000},
        {{.retry_after = "2"}, "{\"details\":[{\"retryDelay\":\"34s\"}]}", "try again in 3s", 2000},
        {{.retry_after = "0"},
         "{\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\"},"
         "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"34s\"}]}",
         "try again in 3s",
         34000},
        {{.retry_after = "junk"},
         "{\"details\":[{\"retryDelay\":\"0s\"}]}",
         "try again in 3s",
         3000},
        {{.retry_after = ""}, "{\"details\":{\"retryDelay\":\"34s\"}}", "try again in 3s", 3000},
        {{.retry_after = ""}, "{\"details\":[1,null,[],{\"retryDelay\":5}]}", "", -1},
        {{.retry_after = ""},
         "{\"details\":[{\"retryDelay\":\"5s\"},{\"retryDelay\":\"34s\"}]}",
         "",
         5000},
        {{.retry_after = ""}, "{\"estimated_time\":20.5}", "", 20500},
        {{.retry_after = ""}, "{\"estimated_time\":\"20\"}", "", -1},
        {{.retry_after = ""}, "{\"estimated_time\":-3}", "", -1},
        {{.retry_after = ""}, "\"text\"", "try again in 3s", 3000},
        /* limits of which nothing is left */
        {{.remaining_requests = "0", .reset_requests = "6m0s"}, "{}", "", 360000},
        {{.remaining_requests = "1", .reset_requests = "6m0s"}, "{}", "", -1},
        {{.remaining_requests = "", .reset_requests = "6m0s"}, "{}", "", -1},
        {{.remaining_requests = "-1", .reset_requests = "6m0s"}, "{}", "", -1},
        {{.remaining_tokens = "0", .reset_tokens = "20ms"}, "{}", "", 20},
        {{.remaining_tokens = "0",
          .reset_tokens = "20ms",
          .remaining_requests = "0",
          .reset_requests = "1s"},
         "{}",
         "",
         1000},
        {{.remaining_tokens = "0", .reset_tokens = "2026-11-22T10:00:09Z"}, "{}", "", 9000},
        {{.remaining_tokens = "0",
          .reset_tokens = "2026-11-22T12:00:09Z",
          .date = "Sun, 22 Nov 2026 12:00:00 GMT"},
         "{}",
         "",
         9000},
        {{.remaining_tokens = "0", .reset_tokens = "17"}, "{}", "", 17000},
        {{.remaining_tokens = "0", .reset_tokens = "1795341605"}, "{}", "", 5000},
        {{.remaining_tokens = "0", .reset_tokens = "1795341600123"}, "{}", "", 123},
        {{.remaining_tokens = "0", .reset_tokens = "-1"}, "{}", "", -1},
        {{.remaining_tokens = "0", .reset_tokens = ""}, "{}", "", -1},
        {{.remaining_tokens = "0", .reset_tokens = "junk"}, "{}", "", -1},
        {{.remaining_tokens = "0", .reset_tokens = "1s"}, "{}", "try again in 3s", 3000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *error = json_loads(cases[i].error, JSON_DECODE_ANY, NULL);
        int64_t ms;

        assert_non_null(error);
        ms = opro__hint(&cases[i].headers, error, cases[i].message, strlen(cases[i].message), NOW);
        if (ms != cases[i].ms) fail_msg("case %zu: %lld", i, (long long)ms);
        json_decref(error);
    }
    assert_int_equal(opro__hint(&cases[0].headers, NULL, NULL, 0, NOW), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration),    cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_retry_after), cmocka_unit_test(test_words),
        cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
