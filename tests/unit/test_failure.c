/* SPDX-License-Identifier: MIT */
/* What went wrong, what can be done about it, when, and what is said: case by case. */
#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "failing.h"
#include "model/failure.h"
#include "opro/model.h"

#define NOW INT64_C(1795341600) /* 2026-11-22 10:00:00 UTC */
#define KEY "sk-proj-ABCDEFGHIJKLMNOPQRSTUVWX"

/* short, for the tables */
enum {
    NO = OPRO__RETRY_NO,
    AGAIN = OPRO__RETRY,
    FEW = OPRO__RETRY_FEW,
    LOADING = OPRO__RETRY_LOADING,
    ADAPT = OPRO__RETRY_ADAPT,
    NEW_KEY = OPRO__RETRY_KEY,
    REFUSED = OPRO_FAILURE_REFUSED,
    AUTH = OPRO_FAILURE_AUTH,
    QUOTA = OPRO_FAILURE_QUOTA,
    NOT_FOUND = OPRO_FAILURE_NOT_FOUND,
    CONTEXT = OPRO_FAILURE_CONTEXT,
    FILTER = OPRO_FAILURE_FILTER,
    RATE = OPRO_FAILURE_RATE,
    UNAVAILABLE = OPRO_FAILURE_UNAVAILABLE,
    PREFIX = OPRO_FAILURE_PREFIX,
    REDIRECT = OPRO_FAILURE_REDIRECT,
    TIMEOUT = OPRO_FAILURE_TIMEOUT,
    PROTOCOL = OPRO_FAILURE_PROTOCOL,
    ANSWER = OPRO_FAILURE_ANSWER,
    NET = OPRO_FAILURE_NET,
    TLS = OPRO_FAILURE_TLS,
    PROXY = OPRO_FAILURE_PROXY,
    LIMIT = OPRO_FAILURE_LIMIT,
    MEMORY = OPRO_FAILURE_MEMORY
};

#define BIT(name) (1u << OPRO__ADAPT_##name)
#define ALL                                                                                        \
    (BIT(MAX_TOKENS) | BIT(TEMPERATURE) | BIT(SEED) | BIT(STOP) | BIT(SAMPLES) | BIT(SYSTEM))
#define ERROR(inside) "{\"error\":{" inside "}}"
#define MESSAGE(text) ERROR("\"message\":\"" text "\"")

static opro__mem mem;
static opro__secret secrets[] = {{(char *)(uintptr_t)KEY, sizeof KEY - 1}};

/* Every message is one line of UTF-8, of a bounded length, and without the key. */
static void check_message(const opro__failure *failure, const char *what) {
    const char *s = failure->err.message;

    assert_int_equal(failure->err.len, strlen(s));
    if (!failure->err.len || !opro__utf8_valid(s, failure->err.len)) fail_msg("%s: bad text", what);
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7F) fail_msg("%s: control character", what);
    for (size_t i = 0; i + 8 <= sizeof KEY - 1; i += sizeof KEY - 1 - 8)
        if (strstr(failure->err.message, (char[9]){KEY[i], KEY[i + 1], KEY[i + 2], KEY[i + 3],
                                                   KEY[i + 4], KEY[i + 5], KEY[i + 6], KEY[i + 7]}))
            fail_msg("%s: the key is in it: %s", what, failure->err.message);
}

static void check_status(const opro__failure *failure) {
    opro_status want = OPRO_ERR_FAILED;

    if (failure->kind == TIMEOUT || failure->kind == OPRO_FAILURE_DEADLINE) want = OPRO_ERR_TIMEOUT;
    if (failure->kind == LIMIT) want = OPRO_ERR_LIMIT;
    if (failure->kind == MEMORY) want = OPRO_ERR_NOMEM;
    if (failure->kind == PREFIX) want = OPRO_ERR_UNSUPPORTED;
    if (failure->kind == OPRO_FAILURE_NOT_RECORDED) want = OPRO_ERR_UNKNOWN;
    assert_int_equal(failure->err.status, want);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

typedef struct http_case {
    int32_t status;
    const char *body;
    opro__headers headers;
    unsigned sent;
    int prefix;
    int32_t kind;
    int retry, adapt, busy;
    int64_t wait;
    const char *says; /* part of the message */
} http_case;

#define ROW_WITH(status, body, sent, prefix, kind, retry, adapt, busy, wait, says, ...)            \
    {                                                                                              \
        status, body, {.location = "", __VA_ARGS__}, sent, prefix, kind, retry, adapt, busy, wait, \
            says                                                                                   \
    }
#define ROW(...) ROW_WITH(__VA_ARGS__, .date = "")

static opro__failure classify(const http_case *c, const opro__secret *of, size_t n) {
    opro__failure failure;
    size_t len = strlen(c->body);
    char *copy = malloc(len ? len : 1); /* exactly as long: a read beyond shows */
    json_t *root = c->status == 200 ? json_loads(c->body, JSON_DECODE_ANY, NULL) : NULL;

    memset(&failure, 0xAA, sizeof failure);
    memcpy(copy, c->body, len);
    opro__failure_http(&failure, c->status, &c->headers, json_object_get(root, "error"), copy, len,
                       c->sent, c->prefix, NOW, of, n, &mem);
    json_decref(root);
    free(copy);
    return failure;
}

static void run(const http_case *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const http_case *c = &cases[i];
        opro__failure f = classify(c, secrets, 1);

        if (f.kind != c->kind || f.retry != c->retry || f.adapt != c->adapt || f.busy != c->busy ||
            f.wait_ms != c->wait || f.broken)
            fail_msg("%d %s: kind %d retry %d adapt %d busy %d broken %d wait %lld: %s",
                     (int)c->status, c->body, (int)f.kind, f.retry, f.adapt, f.busy, f.broken,
                     (long long)f.wait_ms, f.err.message);
        if (!strstr(f.err.message, c->says)) fail_msg("%s: %s", c->body, f.err.message);
        assert_int_equal(f.http_status, c->status);
        check_message(&f, c->body);
        check_status(&f);
    }
    assert_int_equal(mem.used, 0);
}

#define RUN(cases) run(cases, sizeof(cases) / sizeof *(cases))

static void test_statuses(void **state) {
    static const http_case cases[] = {
        ROW(101, "", 0, 0, PROTOCOL, NO, 0, 0, -1, "HTTP 101, a status that makes no sense"),
        ROW(0, "", 0, 0, PROTOCOL, NO, 0, 0, -1, "HTTP 0"),
        ROW(201, "{}", 0, 0, ANSWER, FEW, 0, 0, -1, "HTTP 201, no answer"),
        ROW(206, "{\"choices\":1}", 0, 0, ANSWER, FEW, 0, 0, -1, "question; check the base URL"),
        ROW(204, "", 0, 0, ANSWER, FEW, 0, 0, -1, "HTTP 204, no answer"),
        ROW(304, "", 0, 0, REDIRECT, NO, 0, 0, -1, "HTTP 304, a redirect, which is not"),
        ROW(400, "", ALL, 0, REFUSED, NO, 0, 0, -1, "HTTP 400, the request is refused"),
        ROW(401, "", 0, 0, AUTH, NEW_KEY, 0, 0, -1, "the key is not accepted; check the key"),
        ROW(402, "", 0, 0, QUOTA, NO, 0, 0, -1, "money or quota are used up; see to the account"),
        ROW(403, "", 0, 0, AUTH, NEW_KEY, 0, 0, -1, "HTTP 403, not allowed; check what the key"),
        ROW(404, "", 0, 0, NOT_FOUND, NO, 0, 0, -1, "check the model's name, and the base URL"),
        ROW(405, "", 0, 0, NOT_FOUND, NO, 0, 0, -1, "no such path; check the base URL"),
        ROW(408, "", 0, 0, TIMEOUT, AGAIN, 0, 0, -1, "HTTP 408, the endpoint's time ran out"),
        ROW(409, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 409"),
        ROW(410, "", 0, 0, NOT_FOUND, NO, 0, 0, -1, "any more"),
        ROW(413, "", 0, 0, CONTEXT, NO, 0, 0, -1, "too large; show less: shown_solutions"),
        ROW(415, "", 0, 0, REFUSED, NO, 0, 0, -1, "HTTP 415, the request is refused"),
        ROW(418, "", 0, 0, REFUSED, NO, 0, 0, -1, "HTTP 418"),
        ROW(422, "", ALL, 0, REFUSED, NO, 0, 0, -1, "HTTP 422"),
        ROW(424, "", 0, 0, REFUSED, NO, 0, 0, -1, "HTTP 424"),
        ROW(425, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 425"),
        ROW(429, "", 0, 0, RATE, AGAIN, 0, 1, -1, "too many requests; model_requests_per_minute"),
        ROW(498, "", 0, 0, UNAVAILABLE, AGAIN, 0, 1, -1, "overloaded"),
        ROW(499, "", 0, 0, REFUSED, NO, 0, 0, -1, "HTTP 499"),
        ROW(500, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 500, the endpoint fails"),
        ROW(501, "", ALL, 0, REFUSED, NO, 0, 0, -1, "cannot do that; check model_dialect"),
        ROW(502, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 502"),
        ROW(503, "", 0, 0, UNAVAILABLE, AGAIN, 0, 1, -1, "HTTP 503, the endpoint is overloaded"),
        ROW(504, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "time ran out"),
        ROW(505, "", 0, 0, PROTOCOL, NO, 0, 0, -1, "version of HTTP"),
        ROW(511, "", 0, 0, NET, NO, 0, 0, -1, "wants a login"),
        ROW(520, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 520"),
        ROW(522, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 522"),
        ROW(524, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 524, the endpoint's time ran out"),
        ROW(525, "", 0, 0, UNAVAILABLE, NO, 0, 0, -1, "own TLS fails"),
        ROW(526, "", 0, 0, UNAVAILABLE, NO, 0, 0, -1, "own TLS fails"),
        ROW(529, "", 0, 0, UNAVAILABLE, AGAIN, 0, 1, -1, "HTTP 529, the endpoint is overloaded"),
        ROW(530, "", 0, 0, UNAVAILABLE, NO, 0, 0, -1, "not reachable"),
        ROW(599, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 599"),
        ROW(999, "", 0, 0, PROTOCOL, NO, 0, 0, -1, "HTTP 999, a status that makes no sense; check"),
    };

    (void)state;
    RUN(cases);
}

/* The forms that an error comes in: the words are found in each. */
static void test_forms(void **state) {
    static const http_case cases[] = {
        ROW(400, MESSAGE("words"), 0, 0, REFUSED, NO, 0, 0, -1, "refused: \"words\""),
        ROW(500, "{\"error\":\"words\"}", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, ": \"words\""),
        ROW(400,
            "{\"object\":\"error\",\"message\":\"words\",\"type\":\"BadRequestError\",\"code\":"
            "400}",
            0, 0, REFUSED, NO, 0, 0, -1, ": \"words\""),
        ROW(500, "{\"message\":\"words\"}", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, ": \"words\""),
        ROW(401, "{\"detail\":\"Invalid API key\"}", 0, 0, AUTH, NEW_KEY, 0, 0, -1,
            ": \"Invalid API key\""),
        ROW(422, "{\"detail\":[{\"loc\":[\"body\",\"messages\"],\"msg\":\"field required\"}]}", ALL,
            0, REFUSED, NO, 0, 0, -1, ": \"field required\""),
        ROW(422,
            "{\"object\":\"error\",\"message\":{\"detail\":[{\"msg\":\"words\",\"loc\":[\"x\"]}]},"
            "\"type\":\"invalid_request_error\"}",
            0, 0, REFUSED, NO, 0, 0, -1, ": \"words\""),
        ROW(529,
            "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":"
            "\"Overloaded\"},"
            "\"request_id\":\"req_011\"}",
            0, 0, UNAVAILABLE, AGAIN, 0, 1, -1, ": \"Overloaded\" (request id req_011)"),
        ROW(400,
            "[{\"error\":{\"code\":400,\"message\":\"words\",\"status\":\"INVALID_ARGUMENT\"}}]", 0,
            0, REFUSED, NO, 0, 0, -1, ": \"words\""),
        ROW(400, "{\"error\":{\"error\":{\"message\":\"words\"}}}", 0, 0, REFUSED, NO, 0, 0, -1,
            ": \"words\""),
        ROW(401, "{\"statusCode\":401,\"error\":\"Unauthorized\",\"message\":\"words\"}", 0, 0,
            AUTH, NEW_KEY, 0, 0, -1, ": \"words\""),
        ROW(400, "{\"success\":false,\"errors\":[{\"code\":7003,\"message\":\"words\"}]}", 0, 0,
            REFUSED, NO, 0, 0, -1, ": \"words\""),
        ROW(502,
            "{\"error\":{\"code\":502,\"message\":\"Provider returned error\",\"metadata\":"
            "{\"raw\":\"upstream says no\",\"provider_name\":\"X\"}}}",
            0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "\"Provider returned error: upstream says no\""),
        ROW(502, "<html>\n<head><title>502 Bad Gateway</title></head><body>nginx</body></html>", 0,
            0, UNAVAILABLE, AGAIN, 0, 0, -1, ": \"502 Bad Gateway\""),
        ROW(524,
            "<!DOCTYPE html>\n<html class=\"no-js\" lang=\"en-US\"><head>\n<TITLE "
            "lang=en>api.x.com "
            "|\n 524: A timeout\n  occurred</TITLE>",
            0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, ": \"api.x.com | 524: A timeout occurred\""),
        ROW(403, "<h1>Not</h1> <p class='a'>here", 0, 0, AUTH, NEW_KEY, 0, 0, -1, ": \"Not here\""),
        ROW(500, "<title>", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 500, the endpoint fails"),
        ROW(500, "Internal\r\n  Server\tError\x01", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1,
            ": \"Internal Server Error\""),
        ROW(500, "\xFF\xFE\x80 words", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1,
            ": \"\xEF\xBF\xBD words\""),
        ROW(500, "{\"error\":{\"message\":\"cut o", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1,
            "\"{\"error\":{\"message\":\"cut o\""),
        ROW(500, "{\"foo\":1}", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, ": \"{\"foo\":1}\""),
        ROW(500, "null", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 500"),
        ROW(500, "[]", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP 500"),
        ROW(500, "[[[[[[[[[[[[\"deep\"]]]]]]]]]]]]", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "HTTP"),
        ROW(400,
            "{\"error\":{\"message\":null,\"type\":7,\"code\":[],\"param\":{},\"details\":\"x\"}}",
            ALL, 1, REFUSED, NO, 0, 0, -1, "HTTP 400"),
        ROW(400, ERROR("\"message\":17,\"detail\":\"words\""), 0, 0, REFUSED, NO, 0, 0, -1,
            ": \"words\""),
        /* what is passed on: by itself, the innermost of several, no text */
        ROW(502, ERROR("\"message\":\" \",\"metadata\":{\"raw\":\"upstream says no\"}"), 0, 0,
            UNAVAILABLE, AGAIN, 0, 0, -1, ": \"upstream says no\""),
        ROW(502,
            ERROR("\"message\":\"x\",\"error\":{\"metadata\":{\"raw\":\"inner\"}},\"metadata\":{"
                  "\"raw\":\"outer\"}"),
            0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, ": \"x: inner\""),
        ROW(502, ERROR("\"message\":\"words\",\"metadata\":{\"raw\":5}"), 0, 0, UNAVAILABLE, AGAIN,
            0, 0, -1, ": \"words\""),
        /* words that decide are found wherever they stand */
        ROW(400, ERROR("\"message\":\"x\",\"code\":\"context window\""), 0, 0, CONTEXT, NO, 0, 0,
            -1, ": \"x\""),
        ROW(400, ERROR("\"message\":\"x\",\"type\":\"context window\""), 0, 0, CONTEXT, NO, 0, 0,
            -1, ": \"x\""),
        ROW(400, ERROR("\"message\":\"x\",\"metadata\":{\"raw\":\"context window\"}"), 0, 0,
            CONTEXT, NO, 0, 0, -1, ": \"x: context window\""),
        ROW(429, ERROR("\"message\":\"x\",\"details\":[{\"limitPerDay\":\"7\"}]"), 0, 0, QUOTA, NO,
            0, 0, -1, ": \"x\""),
        ROW(400, ERROR("\"message\":\"input token count is odd\""), 0, 0, REFUSED, NO, 0, 0, -1,
            ""),
        ROW(400, ERROR("\"message\":\"x\",\"code\":\"invalid_api_key\""), 0, 0, AUTH, NEW_KEY, 0, 0,
            -1, "the key is not accepted"),
        ROW(400, ERROR("\"message\":\"x\",\"param\":\"prefix\""), ALL, 1, PREFIX, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("'prefix' cannot be had"), ALL, 1, PREFIX, NO, 0, 0, -1, ""),
        ROW(404, MESSAGE("'prefix' cannot be had"), ALL, 1, NOT_FOUND, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("max_tokens is odd"), ALL, 0, REFUSED, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("a prefix cannot be had"), ALL, 1, REFUSED, NO, 0, 0, -1, ""),
        /* names of parameters, and words that look like them */
        ROW(400, MESSAGE("unsupported: seed"), ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SEED, 0, -1, ""),
        ROW(400, MESSAGE("seed: unsupported"), ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SEED, 0, -1, ""),
        ROW(400, MESSAGE("'seed is unsupported"), ALL, 0, REFUSED, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("\\\"seed is unsupported"), ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SEED, 0,
            -1, ""),
        ROW(400, MESSAGE("my_seed is unsupported"), ALL, 0, REFUSED, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("seed\\\\n is unsupported"), ALL, 0, REFUSED, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("seeds2 and seed2 are unsupported"), ALL, 0, REFUSED, NO, 0, 0, -1, ""),
        ROW(400, ERROR("\"message\":\"unsupported\",\"metadata\":{\"raw\":\"no seed\"}"), ALL, 0,
            REFUSED, ADAPT, OPRO__ADAPT_SEED, 0, -1, ""),
        ROW(400, MESSAGE("max_tokens must be less than 4096, as max_completion_tokens"), ALL, 0,
            REFUSED, NO, 0, 0, -1, ""),
    };

    (void)state;
    RUN(cases);
}

static void test_quota_and_rate(void **state) {
    static const http_case cases[] = {
        ROW_WITH(429,
                 ERROR("\"message\":\"Rate limit reached for gpt-x. Please try again in 20s.\","
                       "\"type\":\"requests\",\"code\":\"rate_limit_exceeded\""),
                 0, 0, RATE, AGAIN, 0, 1, 20000, "(request id req_1); model_req",
                 .request_id = "req_1"),
        ROW_WITH(429, ERROR("\"message\":\"Slow down\",\"code\":\"slow_down\""), 0, 0, RATE, AGAIN,
                 0, 1, 5000, "Slow down", .retry_after = "5"),
        ROW_WITH(429, "", 0, 0, RATE, AGAIN, 0, 1, 700, "", .retry_after = "1.5",
                 .retry_after_ms = "700"),
        ROW_WITH(429, "", 0, 0, RATE, AGAIN, 0, 1, 7200000, "", .retry_after = "7200"),
        ROW_WITH(429, "", 0, 0, RATE, AGAIN, 0, 1, -1, "", .retry_after = "-1"),
        ROW_WITH(429, "", 0, 0, RATE, AGAIN, 0, 1, 10000, "",
                 .retry_after = "Sun, 22 Nov 2026 10:00:10 GMT"),
        ROW_WITH(429, "", 0, 0, RATE, AGAIN, 0, 1, 360000, "", .remaining_tokens = "0",
                 .reset_tokens = "6m0s"),
        ROW_WITH(503, "", 0, 0, UNAVAILABLE, AGAIN, 0, 1, 3000, "", .retry_after = "3"),
        ROW(429,
            ERROR("\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\","
                  "\"code\":\"insufficient_quota\""),
            0, 0, QUOTA, NO, 0, 0, -1, "HTTP 429, money or quota are used up: \"You exceeded"),
        ROW(429, ERROR("\"message\":\"x\",\"code\":\"billing_hard_limit_reached\""), 0, 0, QUOTA,
            NO, 0, 0, -1, ""),
        ROW(429, ERROR("\"message\":\"x\",\"type\":\"project_spend_limit_exceeded\""), 0, 0, QUOTA,
            NO, 0, 0, -1, ""),
        ROW(429, MESSAGE("You exceeded your current quota, please check your plan"), 0, 0, QUOTA,
            NO, 0, 0, -1, ""),
        /* Gemini says that of the limit of a minute too */
        ROW(429,
            ERROR("\"code\":429,\"message\":\"You exceeded your current quota\",\"status\":"
                  "\"RESOURCE_EXHAUSTED\",\"details\":[{\"violations\":[{\"quotaId\":"
                  "\"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\"}]},"
                  "{\"retryDelay\":\"34s\"}]"),
            0, 0, RATE, AGAIN, 0, 1, 34000, "too many requests"),
        ROW(429,
            ERROR("\"code\":429,\"message\":\"You exceeded your current quota\",\"status\":"
                  "\"RESOURCE_EXHAUSTED\",\"details\":[{\"violations\":[{\"quotaId\":"
                  "\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"}]},"
                  "{\"retryDelay\":\"34s\"}]"),
            0, 0, QUOTA, NO, 0, 0, 34000, "money or quota"),
        ROW(400,
            "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your "
            "credit balance is too low to access the Anthropic API.\"}}",
            ALL, 0, QUOTA, NO, 0, 0, -1, "HTTP 400, money or quota"),
        ROW(400,
            "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"You "
            "have "
            "reached your specified API usage limits.\"}}",
            ALL, 0, QUOTA, NO, 0, 0, -1, ""),
        ROW(429,
            "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\","
            "\"details\":{\"reason\":\"enforced_spend_limit_reached\"}}}",
            0, 0, QUOTA, NO, 0, 0, -1, ""),
        ROW_WITH(429,
                 "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\","
                 "\"details\":{\"reason\":\"enforced_spend_limit_reached\"}}}",
                 0, 0, RATE, AGAIN, 0, 1, 9000, "", .retry_after = "9"),
        ROW(402, "{\"error\":{\"message\":\"Insufficient Balance\",\"type\":\"unknown_error\"}}", 0,
            0, QUOTA, NO, 0, 0, -1, "HTTP 402"),
        ROW(403, MESSAGE("Your team has used all available credits"), 0, 0, QUOTA, NO, 0, 0, -1,
            "HTTP 403, money"),
        ROW(429, MESSAGE("Rate limit exceeded: free-models-per-day"), 0, 0, QUOTA, NO, 0, 0, -1,
            ""),
        ROW(500, MESSAGE("our credit balance is too low"), 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, ""),
    };

    (void)state;
    RUN(cases);
}

static void test_context_filter_key(void **state) {
    static const http_case cases[] = {
        ROW(400,
            ERROR("\"message\":\"This model's maximum context length is 8192 tokens.\",\"param\":"
                  "\"messages\",\"code\":\"context_length_exceeded\""),
            ALL, 0, CONTEXT, NO, 0, 0, -1, "the prompt is too long for the model: \"This"),
        ROW(400,
            ERROR("\"code\":400,\"message\":\"request (9000 tokens) exceeds the available context "
                  "size (4096 tokens), try increasing it\",\"type\":\"exceed_context_size_error\","
                  "\"n_prompt_tokens\":9000,\"n_ctx\":4096"),
            ALL, 0, CONTEXT, NO, 0, 0, -1, "shown_solutions, max_prompt_tokens"),
        ROW(400,
            "{\"object\":\"error\",\"message\":\"'max_tokens' or 'max_completion_tokens' is too "
            "large: 5000. This model's maximum context length is 4096 tokens\",\"code\":400}",
            ALL, 0, CONTEXT, NO, 0, 0, -1, ""),
        ROW(400,
            MESSAGE("The decoder prompt (length 5000) is longer than the maximum model length of "
                    "4096."),
            ALL, 0, CONTEXT, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("prompt is too long: 250000 tokens > 200000 maximum"), ALL, 0, CONTEXT, NO,
            0, 0, -1, ""),
        ROW(400,
            ERROR("\"status\":\"INVALID_ARGUMENT\",\"message\":\"The input token count (1200000) "
                  "exceeds the maximum number of tokens allowed (1048576).\""),
            ALL, 0, CONTEXT, NO, 0, 0, -1, ""),
        ROW(400,
            MESSAGE("Prompt contains 40000 tokens, too large for model with 32768 maximum context "
                    "length"),
            ALL, 0, CONTEXT, NO, 0, 0, -1, ""),
        ROW(422,
            "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= "
            "4097\",\"error_type\":\"validation\"}",
            ALL, 0, CONTEXT, NO, 0, 0, -1, ""),
        ROW(500, MESSAGE("the request exceeds the available context size"), ALL, 0, CONTEXT, NO, 0,
            0, -1, ""),
        ROW(413,
            ERROR("\"message\":\"Request too large for model x on tokens per minute (TPM): Limit "
                  "6000, Requested 7000\",\"code\":\"rate_limit_exceeded\""),
            0, 0, CONTEXT, NO, 0, 0, -1, "Requested 7000"),
        ROW(413,
            "{\"type\":\"error\",\"error\":{\"type\":\"request_too_large\",\"message\":\"x\"}}", 0,
            0, CONTEXT, NO, 0, 0, -1, ""),
        ROW(429, MESSAGE("context length"), 0, 0, RATE, AGAIN, 0, 1, -1, ""),
        /* content filters */
        ROW(400,
            ERROR("\"message\":\"The response was filtered due to the prompt triggering Azure "
                  "OpenAI's content management policy.\",\"type\":null,\"param\":\"prompt\","
                  "\"code\":\"content_filter\",\"status\":400,\"innererror\":{\"code\":"
                  "\"ResponsibleAIPolicyViolation\"}"),
            ALL, 0, FILTER, NO, 0, 0, -1, "a content filter refused the prompt: \"The response"),
        ROW(400,
            ERROR("\"message\":\"x\",\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}"),
            0, 0, FILTER, NO, 0, 0, -1, ""),
        ROW(400, ERROR("\"message\":\"x\",\"code\":\"content_policy_violation\""), 0, 0, FILTER, NO,
            0, 0, -1, ""),
        ROW(400,
            ERROR("\"message\":\"Invalid prompt: your prompt was flagged\",\"code\":"
                  "\"invalid_prompt\""),
            0, 0, FILTER, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("Content Exists Risk"), 0, 0, FILTER, NO, 0, 0, -1, ""),
        ROW(403,
            ERROR("\"code\":403,\"message\":\"x requires moderation. Your input was flagged\","
                  "\"metadata\":{\"reasons\":[\"violence\"]}"),
            0, 0, FILTER, NO, 0, 0, -1, "HTTP 403, a content filter"),
        ROW(500, MESSAGE("content policy"), 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, ""),
        /* keys */
        ROW(401, MESSAGE("Incorrect API key provided: sk-pr***WX."), 0, 0, AUTH, NEW_KEY, 0, 0, -1,
            "Incorrect API key provided: sk-pr***WX."),
        ROW(401, MESSAGE("Incorrect API key provided: " KEY "."), 0, 0, AUTH, NEW_KEY, 0, 0, -1,
            "Incorrect API key provided: [key]."),
        ROW(401, MESSAGE("bad: sk-proj-ABCD****QRSTUVWX"), 0, 0, AUTH, NEW_KEY, 0, 0, -1,
            "bad: [key]****[key]"),
        ROW(401, "your header was: Bearer " KEY, 0, 0, AUTH, NEW_KEY, 0, 0, -1, "Bearer [key]"),
        ROW(400,
            ERROR("\"code\":400,\"message\":\"API key not valid. Please pass a valid API key.\","
                  "\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]"),
            ALL, 0, AUTH, NEW_KEY, 0, 0, -1, "HTTP 400, the key is not accepted"),
        ROW(400, ERROR("\"message\":\"x\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]"), ALL, 0,
            AUTH, NEW_KEY, 0, 0, -1, ""),
        ROW(403,
            ERROR("\"message\":\"Country, region, or territory not supported\",\"code\":"
                  "\"unsupported_country_region_territory\""),
            ALL, 0, AUTH, NEW_KEY, 0, 0, -1, "HTTP 403, not allowed"),
        /* models */
        ROW(404, ERROR("\"message\":\"The model `x` does not exist\",\"code\":\"model_not_found\""),
            0, 0, NOT_FOUND, NO, 0, 0, -1, "The model `x` does not exist"),
        ROW(400, MESSAGE("x/y is not a valid model ID"), ALL, 0, NOT_FOUND, NO, 0, 0, -1,
            "HTTP 400, no such model"),
        ROW(404, "{\"error\":\"model \\\"x\\\" not found, try pulling it first\"}", 0, 0, NOT_FOUND,
            NO, 0, 0, -1, "try pulling"),
    };

    (void)state;
    RUN(cases);
}

static void test_adapt(void **state) {
    static const http_case cases[] = {
        ROW(400,
            ERROR(
                "\"message\":\"Unsupported parameter: 'max_tokens' is not supported with this "
                "model. Use 'max_completion_tokens' instead.\",\"type\":\"invalid_request_error\","
                "\"param\":\"max_tokens\",\"code\":\"unsupported_parameter\""),
            ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_MAX_TOKENS, 0, -1,
            "HTTP 400, the endpoint wants max_completion_tokens: \"Unsupported"),
        ROW(400,
            ERROR("\"message\":\"max_tokens is too large: 100000. This model supports at most 4096 "
                  "completion tokens\",\"param\":\"max_tokens\",\"code\":\"invalid_value\""),
            ALL, 0, REFUSED, NO, 0, 0, -1, "the request is refused"),
        ROW(400,
            ERROR("\"message\":\"Unsupported value: 'temperature' does not support 0 with this "
                  "model. Only the default (1) value is supported.\",\"param\":\"temperature\","
                  "\"code\":\"unsupported_value\""),
            ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_TEMPERATURE, 0, -1, "does not take temperature"),
        ROW(400, MESSAGE("`temperature` is deprecated for this model."), ALL, 0, REFUSED, ADAPT,
            OPRO__ADAPT_TEMPERATURE, 0, -1, ""),
        ROW(400, MESSAGE("invalid temperature: only 1 is allowed for this model"), ALL, 0, REFUSED,
            ADAPT, OPRO__ADAPT_TEMPERATURE, 0, -1, ""),
        /* the value is at fault */
        ROW(400,
            ERROR("\"message\":\"temperature must be between 0 and 2\",\"param\":\"temperature\""),
            ALL, 0, REFUSED, NO, 0, 0, -1, "must be between 0 and 2"),
        ROW(422,
            "{\"detail\":[{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"temperature\"],\"msg\":"
            "\"Input should be less than or equal to 1.5\"}]}",
            ALL, 0, REFUSED, NO, 0, 0, -1, "less than or equal to 1.5"),
        ROW(422,
            "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"seed\"],\"msg\":"
            "\"Extra "
            "inputs are not permitted\",\"input\":5}]}",
            ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SEED, 0, -1, "does not take seed"),
        ROW(400, MESSAGE("property 'seed' is unsupported"), ALL, 0, REFUSED, ADAPT,
            OPRO__ADAPT_SEED, 0, -1, ""),
        ROW(400,
            ERROR("\"message\":\"Unsupported parameter: 'stop' is not supported with this model.\","
                  "\"param\":\"stop\",\"code\":\"unsupported_parameter\""),
            ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_STOP, 0, -1, "does not take stop"),
        ROW(400, MESSAGE("stop_sequences: each must contain non-whitespace"), ALL, 0, REFUSED,
            ADAPT, OPRO__ADAPT_STOP, 0, -1, ""),
        ROW(400, ERROR("\"message\":\"x\",\"param\":\"generation_config.stopSequences\""), ALL, 0,
            REFUSED, ADAPT, OPRO__ADAPT_STOP, 0, -1, ""),
        ROW(400, MESSAGE("please stop that"), ALL, 0, REFUSED, NO, 0, 0, -1, ""),
        /* several replies by one request */
        ROW(400, MESSAGE("'n' : number must be at most 1"), ALL, 0, REFUSED, ADAPT,
            OPRO__ADAPT_SAMPLES, 0, -1, "one reply at a time"),
        ROW(400,
            ERROR("\"message\":\"n must be 1 when using greedy sampling, got 4.\",\"code\":400"),
            ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SAMPLES, 0, -1, ""),
        ROW(400, MESSAGE("n_cmpl cannot be greater than the number of slots, please increase -np"),
            ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SAMPLES, 0, -1, ""),
        ROW(500, MESSAGE("Only one completion choice is allowed"), BIT(SAMPLES), 0, UNAVAILABLE,
            AGAIN, 0, 0, -1, ""),
        ROW(400, MESSAGE("Only one completion choice is allowed"), ALL, 0, REFUSED, ADAPT,
            OPRO__ADAPT_SAMPLES, 0, -1, ""),
        ROW(400,
            ERROR("\"message\":\"Multiple candidates is not enabled for this model\",\"status\":"
                  "\"INVALID_ARGUMENT\""),
            ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SAMPLES, 0, -1, ""),
        ROW(400, MESSAGE("candidateCount must be 1"), ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SAMPLES,
            0, -1, ""),
        ROW(422, "{\"detail\":[{\"loc\":[\"body\",\"n\"],\"msg\":\"extra fields not permitted\"}]}",
            ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SAMPLES, 0, -1, ""),
        ROW(501, MESSAGE("n > 1 is not supported"), ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SAMPLES, 0,
            -1, ""),
        ROW(400, MESSAGE("I can't, don't and won't\\\\nno"), ALL, 0, REFUSED, NO, 0, 0, -1, ""),
        /* only what was sent */
        ROW(400, MESSAGE("'n' : number must be at most 1"), ALL & ~BIT(SAMPLES), 0, REFUSED, NO, 0,
            0, -1, ""),
        ROW(400, MESSAGE("`temperature` is deprecated for this model."), BIT(SEED), 0, REFUSED, NO,
            0, 0, -1, ""),
        ROW(400,
            ERROR("\"message\":\"temperature and 'n' are fine\",\"param\":\"messages[0].content\""),
            ALL, 0, REFUSED, NO, 0, 0, -1, ""),
        ROW(400, ERROR("\"message\":\"temperature and 'n' are fine\",\"param\":\"model\""), ALL, 0,
            REFUSED, NO, 0, 0, -1, ""),
        ROW(400, ERROR("\"message\":\"multiple choices\",\"param\":\"messages\""), ALL, 0, REFUSED,
            NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("max_tokens: max_completion_tokens must be at most 4096"), ALL, 0, REFUSED,
            NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("max_tokens: say max_completion_tokens"), ALL, 0, REFUSED, ADAPT,
            OPRO__ADAPT_MAX_TOKENS, 0, -1, ""),
        ROW(400,
            ERROR("\"message\":\"Unknown parameter: 'top_k'.\",\"param\":\"top_k\",\"code\":"
                  "\"unknown_parameter\""),
            ALL, 0, REFUSED, NO, 0, 0, -1, "Unknown parameter: 'top_k'"),
        ROW(404, MESSAGE("`temperature` is deprecated for this model."), ALL, 0, NOT_FOUND, NO, 0,
            0, -1, ""),
        /* no system role */
        ROW(400,
            ERROR(
                "\"message\":\"Unsupported value: 'messages[0].role' does not support 'system' "
                "with this model.\",\"param\":\"messages[0].role\",\"code\":\"unsupported_value\""),
            ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SYSTEM, 0, -1, "has no system role"),
        ROW(400, MESSAGE("System role not supported"), ALL, 0, REFUSED, ADAPT, OPRO__ADAPT_SYSTEM,
            0, -1, ""),
        ROW(500, MESSAGE("Only user and assistant roles are supported!"), ALL, 0, REFUSED, ADAPT,
            OPRO__ADAPT_SYSTEM, 0, -1, ""),
        ROW(400, MESSAGE("Developer instruction is not enabled for models/gemma-3-27b-it"), ALL, 0,
            REFUSED, ADAPT, OPRO__ADAPT_SYSTEM, 0, -1, ""),
        ROW(400, MESSAGE("System role not supported"), ALL & ~BIT(SYSTEM), 0, REFUSED, NO, 0, 0, -1,
            ""),
        ROW(400, MESSAGE("the system prompt is empty"), ALL, 0, REFUSED, NO, 0, 0, -1, ""),
    };

    (void)state;
    RUN(cases);
}

static void test_prefix_and_loading(void **state) {
    static const http_case cases[] = {
        ROW(400,
            "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"This "
            "model does not support assistant message prefill. The conversation must end with a "
            "user message.\"}}",
            ALL, 1, PREFIX, NO, 0, 0, -1, "cannot continue a begun answer: \"This model"),
        ROW(400, MESSAGE("Assistant response prefill is incompatible with enable_thinking."), ALL,
            1, PREFIX, NO, 0, 0, -1, "try another model_prefix"),
        ROW(400,
            MESSAGE("Expected last role User or Tool (or Assistant with prefix True) for serving "
                    "but got assistant"),
            ALL, 1, PREFIX, NO, 0, 0, -1, ""),
        ROW(422,
            "{\"detail\":[{\"loc\":[\"body\",\"messages\",1,\"prefix\"],\"msg\":\"Extra inputs are "
            "not permitted\"}]}",
            ALL, 1, PREFIX, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("Please ensure that multiturn requests ends with a user role"), ALL, 1,
            PREFIX, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("continue_final_message is set but the final message does not appear"),
            ALL, 1, PREFIX, NO, 0, 0, -1, ""),
        ROW(400, MESSAGE("the conversation must end with a user message"), ALL, 0, REFUSED, NO, 0,
            0, -1, ""),
        ROW(503, ERROR("\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\""),
            0, 0, UNAVAILABLE, LOADING, 0, 1, -1, "HTTP 503, the endpoint is loading its model"),
        ROW(503, "{\"error\":\"Model x is currently loading\",\"estimated_time\":20.0}", 0, 0,
            UNAVAILABLE, LOADING, 0, 1, 20000, ""),
        ROW(503, "{\"error\":\"server busy, please try again. maximum pending requests exceeded\"}",
            0, 0, UNAVAILABLE, AGAIN, 0, 1, -1, "overloaded: \"server busy"),
        ROW(500, MESSAGE("Loading model"), 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, ""),
        /* the endpoint says itself */
        ROW_WITH(500, "", 0, 0, UNAVAILABLE, NO, 0, 0, -1, "", .should_retry = "false"),
        ROW_WITH(429, "", 0, 0, RATE, NO, 0, 1, -1, "", .should_retry = "false"),
        ROW_WITH(400, MESSAGE("x"), 0, 0, REFUSED, AGAIN, 0, 0, -1, "", .should_retry = "true"),
        ROW_WITH(401, "", 0, 0, AUTH, NEW_KEY, 0, 0, -1, "", .should_retry = "true"),
        ROW_WITH(500, "", 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, "", .should_retry = "maybe"),
        ROW_WITH(503, MESSAGE("Loading model"), 0, 0, UNAVAILABLE, LOADING, 0, 1, -1, "",
                 .should_retry = "true"),
        ROW_WITH(400, MESSAGE("'n' : number must be at most 1"), ALL, 0, REFUSED, ADAPT,
                 OPRO__ADAPT_SAMPLES, 0, -1, "", .should_retry = "false"),
    };

    (void)state;
    RUN(cases);
}

/* An error although the status is 200. */
static void test_200(void **state) {
    static const http_case cases[] = {
        ROW(200, ERROR("\"code\":429,\"message\":\"try again in 2s\""), 0, 0, RATE, AGAIN, 0, 1,
            2000, "HTTP 200 with an error in it, too many requests: \"try again in 2s\""),
        ROW(200, ERROR("\"code\":502,\"message\":\"x\""), 0, 0, UNAVAILABLE, AGAIN, 0, 0, -1, ""),
        ROW(200, ERROR("\"code\":402,\"message\":\"x\""), 0, 0, QUOTA, NO, 0, 0, -1, ""),
        ROW(200, ERROR("\"code\":401,\"message\":\"x\""), 0, 0, AUTH, NEW_KEY, 0, 0, -1, ""),
        ROW(200, ERROR("\"type\":\"overloaded_error\",\"message\":\"x\""), 0, 0, UNAVAILABLE, AGAIN,
            0, 1, -1, "overloaded"),
        ROW(200, ERROR("\"type\":\"rate_limit_error\",\"message\":\"x\""), 0, 0, RATE, AGAIN, 0, 1,
            -1, ""),
        ROW(200, ERROR("\"code\":\"rate_limit_exceeded\",\"message\":\"x\""), 0, 0, RATE, AGAIN, 0,
            1, -1, ""),
        ROW(200, ERROR("\"code\":\"server_error\",\"message\":\"x\""), 0, 0, UNAVAILABLE, AGAIN, 0,
            0, -1, ""),
        ROW(200, ERROR("\"code\":\"insufficient_quota\",\"message\":\"x\""), 0, 0, QUOTA, NO, 0, 0,
            -1, ""),
        ROW(200, ERROR("\"code\":\"context_length_exceeded\",\"message\":\"x\""), 0, 0, CONTEXT, NO,
            0, 0, -1, ""),
        ROW(200, ERROR("\"status\":\"UNAVAILABLE\",\"message\":\"x\""), 0, 0, UNAVAILABLE, AGAIN, 0,
            1, -1, ""),
        ROW(200, MESSAGE("Multiple candidates is not enabled"), ALL, 0, REFUSED, ADAPT,
            OPRO__ADAPT_SAMPLES, 0, -1, ""),
        ROW(200, ERROR("\"code\":7,\"message\":\"who knows\""), 0, 0, UNAVAILABLE, FEW, 0, 0, -1,
            "who knows"),
        ROW(200, "{\"error\":\"words\"}", 0, 0, UNAVAILABLE, FEW, 0, 0, -1, ": \"words\""),
        ROW(200, "{\"error\":{}}", 0, 0, UNAVAILABLE, FEW, 0, 0, -1, "error in it"),
        ROW(200, "{\"error\":true}", 0, 0, UNAVAILABLE, FEW, 0, 0, -1, "error in it"),
        /* numbers that are no statuses of errors */
        ROW(200, ERROR("\"code\":700,\"message\":\"x\""), 0, 0, UNAVAILABLE, FEW, 0, 0, -1, ""),
        ROW(200, ERROR("\"code\":302,\"message\":\"x\""), 0, 0, UNAVAILABLE, FEW, 0, 0, -1, ""),
    };

    (void)state;
    RUN(cases);
}

static void test_redirects(void **state) {
    static const struct {
        const char *location, *says;
    } cases[] = {
        {"https://evil.org/v1?key=" KEY, "a redirect to the host evil.org, which is not followed"},
        {"http://a.b:81/" KEY, "to the host a.b, which"},
        {"https://u:p@a.b/x", "to the host a.b, which"},
        {"//evil.org/x", "to the host evil.org, which"},
        {"/login", "a redirect to another path, which"},
        {"login?x", "to another path, which"},
        {"file:///etc/passwd", "to another path, which"},
        {"gopher://a.b/x", "to the host a.b, which"},
        {"", "HTTP 307, a redirect, which is not followed; if you trust it"},
        {"https://" KEY ".evil.org/", "to the host [key].evil.org, which"},
        {"https://[::1]:99/", "to the host [::1], which"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        http_case c = ROW(307, MESSAGE("moved"), ALL, 0, REDIRECT, NO, 0, 0, -1, cases[i].says);

        snprintf(c.headers.location, sizeof c.headers.location, "%s", cases[i].location);
        run(&c, 1);
    }
}

/* The form of the message, and that everything foreign is bounded and harmless. */
static void test_message(void **state) {
    static char body[4000];
    http_case c = {429, body, {.request_id = "req_abc"}, 0, 0, 0, 0, 0, 0, 0, ""};
    opro__failure f;
    char *at;

    (void)state;
    strcpy(body, MESSAGE("words\\n of \\u001b[31mothers"));
    f = classify(&c, secrets, 1);
    assert_string_equal(
        f.err.message, "HTTP 429, too many requests: \"words of [31mothers\" (request id req_abc); "
                       "model_requests_per_minute, model_tokens_per_minute and model_max_in_flight "
                       "limit them");
    /* long: cut between letters, with the advice still there */
    strcpy(body, "{\"error\":{\"message\":\"");
    for (int i = 0; i < 1500; i++)
        strcat(body, "\xC3\xBC");
    strcat(body, "\"}}");
    memset(c.headers.request_id, 'r', sizeof c.headers.request_id - 1);
    f = classify(&c, secrets, 1);
    check_message(&f, "long");
    at = strchr(f.err.message, '"');
    assert_non_null(at);
    assert_int_equal(strcspn(at + 1, "\""), 243);
    assert_memory_equal(strchr(at + 1, '"') - 3, "...\"", 4);
    assert_int_equal(strspn(strstr(f.err.message, "rrr"), "r"), 64);
    assert_non_null(strstr(f.err.message, "); model_requests_per_minute"));
    /* words of who is behind it: not where there is no room for them */
    at = strrchr(body, '"');
    strcpy(at, "\",\"metadata\":{\"raw\":\"upstream\"}}}");
    f = classify(&c, secrets, 1);
    check_message(&f, "long, with more");
    assert_null(strstr(f.err.message, "upstream"));
    /* a key as request id, and one that is cut off by the end of what is read */
    snprintf(c.headers.request_id, sizeof c.headers.request_id, "%s", "\r\nX: " KEY);
    for (size_t n = 1900; n < 2100; n++) {
        memset(body, 'x', n);
        strcpy(body + n, KEY);
        f = classify(&c, secrets, 1);
        check_message(&f, "a key that is cut off");
        assert_non_null(strstr(f.err.message, "(request id X: [key])"));
    }
    /* without secrets */
    strcpy(body, MESSAGE("words"));
    c.headers.request_id[0] = '\0';
    c.status = 500;
    f = classify(&c, NULL, 0);
    assert_string_equal(f.err.message, "HTTP 500, the endpoint fails: \"words\"");
}

/* ---- libcurl --------------------------------------------------------------------------------- */

static void test_curl(void **state) {
    static const struct {
        int code, met;
        const char *detail;
        int proxied;
        int32_t kind;
        int retry, broken;
        const char *says;
    } cases[] = {
        {CURLE_UNSUPPORTED_PROTOCOL, 0, "Received HTTP/0.9 when not allowed", 0, PROTOCOL, NO, 0,
         "an answer that is not HTTP: \"Received HTTP/0.9"},
        {CURLE_FAILED_INIT, 0, "", 0, NET, NO, 0, "libcurl refuses"},
        {CURLE_URL_MALFORMAT, 0, "", 0, PROTOCOL, NO, 0, "does not understand the URL"},
        {CURLE_COULDNT_RESOLVE_PROXY, 0, "", 1, PROXY, FEW, 1, "the proxy's name is not known"},
        {CURLE_COULDNT_RESOLVE_HOST, 0, "Could not resolve host: x", 0, NET, FEW, 1,
         "the host's name is not known: \"Could not resolve host: x\"; check the base URL's host"},
        {CURLE_COULDNT_CONNECT, 0, "Failed to connect to 127.0.0.1 port 1", 0, NET, AGAIN, 1,
         "no connection: \"Failed to connect to 127.0.0.1 port 1\"; check the base URL, and that a "
         "server is running at http://127.0.0.1:1"},
        {CURLE_COULDNT_CONNECT, 0, "", 1, PROXY, AGAIN, 1, "no connection to the proxy"},
        {CURLE_WEIRD_SERVER_REPLY, 0, "Nul byte in header", 0, PROTOCOL, FEW, 0, "not HTTP"},
        {CURLE_HTTP2, 0, "", 0, NET, AGAIN, 1, "HTTP/2 broke"},
        {CURLE_PARTIAL_FILE, 0, "transfer closed with 9 bytes remaining", 0, NET, AGAIN, 1,
         "the answer broke off: \"transfer closed"},
        {CURLE_WRITE_ERROR, OPRO__MET_BODY, "Failure writing output", 0, LIMIT, NO, 0,
         "the answer is larger than model_max_body; it is not read on"},
        {CURLE_WRITE_ERROR, OPRO__MET_HEADER, "", 0, LIMIT, NO, 0, "larger than model_max_header"},
        {CURLE_WRITE_ERROR, OPRO__MET_NOMEM, "", 0, MEMORY, NO, 0, "out of memory"},
        {CURLE_WRITE_ERROR, 0, "", 0, PROTOCOL, FEW, 0, "cannot be taken"},
        {CURLE_RECV_ERROR, OPRO__MET_HEADER, "", 0, LIMIT, NO, 0, "larger than model_max_header"},
        {CURLE_OUT_OF_MEMORY, 0, "", 0, LIMIT, NO, 0, "a line of the answer's headers is too long"},
        {CURLE_OUT_OF_MEMORY, OPRO__MET_NOMEM, "", 0, MEMORY, NO, 0, "out of memory"},
        {CURLE_OPERATION_TIMEDOUT, 0, "Operation timed out after 1500 milliseconds with 0 bytes", 0,
         TIMEOUT, AGAIN, 0, "no whole answer in time"},
        {CURLE_OPERATION_TIMEDOUT, 0, "Operation too slow. Less than 1 bytes/sec transferred", 0,
         TIMEOUT, AGAIN, 0, "see model_timeout_ms and model_idle_timeout_ms"},
        {CURLE_OPERATION_TIMEDOUT, 0, "Connection timeout after 100 ms", 0, TIMEOUT, AGAIN, 1,
         "no connection in time: \"Connection timeout after 100 ms\"; check the base URL, and that "
         "a "
         "server is running at http://127.0.0.1:1"},
        {CURLE_OPERATION_TIMEDOUT, 0, "Resolving timed out after 100 milliseconds", 0, TIMEOUT,
         AGAIN, 1, "no connection in time"},
        {CURLE_OPERATION_TIMEDOUT, 0, "Connection timed out after 5 ms", 1, TIMEOUT, AGAIN, 1,
         "check the proxy, and the base URL"},
        {CURLE_SSL_CONNECT_ERROR, 0, "error:0A000102:SSL routines::unsupported protocol", 0, TLS,
         NO, 0, "no common ground for TLS"},
        {CURLE_SSL_CONNECT_ERROR, 0, "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to x", 0,
         TLS, AGAIN, 1, "the connection broke in TLS"},
        {CURLE_SSL_CONNECT_ERROR, 0, "OpenSSL SSL_connect: Connection reset by peer", 0, TLS, AGAIN,
         1, "the connection broke in TLS"},
        {CURLE_BAD_FUNCTION_ARGUMENT, 0, "", 0, NET, NO, 0, "libcurl refuses"},
        {CURLE_UNKNOWN_OPTION, 0, "", 0, NET, NO, 0, "cannot do that"},
        {CURLE_GOT_NOTHING, 0, "Empty reply from server", 0, NET, AGAIN, 1,
         "closed without an answer: \"Empty reply from server\""},
        {CURLE_SEND_ERROR, 0, "", 0, NET, AGAIN, 1, "the connection broke"},
        {CURLE_RECV_ERROR, 0, "Recv failure: Connection reset by peer", 0, NET, AGAIN, 1,
         "the connection broke: \"Recv failure"},
        {CURLE_RECV_ERROR, 0, "Malformed encoding found in chunked-encoding", 0, PROTOCOL, FEW, 0,
         "chunks are broken"},
        {CURLE_RECV_ERROR, 0, "Too large response headers: 307206 > 307200", 0, LIMIT, NO, 0,
         "headers or trailers are too large"},
        {CURLE_RECV_ERROR, 0, "Received HTTP code 407 from proxy after CONNECT", 1, PROXY, NO, 1,
         "the proxy refuses: \"Received HTTP code 407"},
        {CURLE_RECV_ERROR, 0, "CONNECT tunnel failed, response 502", 1, PROXY, AGAIN, 1,
         "the proxy refuses"},
        {CURLE_RECV_ERROR, 0, "Received HTTP code 503 from proxy after CONNECT", 1, PROXY, AGAIN, 1,
         "the proxy refuses"},
        {CURLE_RECV_ERROR, 0, "Recv failure: Connection reset by peer", 1, NET, AGAIN, 1,
         "the connection broke"},
        {CURLE_SSL_CONNECT_ERROR, 0, "error:0A000126:SSL routines::unexpected eof while reading", 0,
         TLS, AGAIN, 1, "the connection broke in TLS"},
        {CURLE_SSL_CONNECT_ERROR, 0, "Connection closed abruptly", 0, TLS, AGAIN, 1,
         "the connection broke in TLS"},
        {CURLE_SSL_CONNECT_ERROR, 0, "SSL connection timed out", 0, TLS, AGAIN, 1,
         "the connection broke in TLS"},
        {CURLE_RECV_ERROR, 0, "Out of memory in chunked-encoding", 0, LIMIT, NO, 0, "too large"},
        {CURLE_RECV_ERROR, 0, "Proxy CONNECT aborted", 1, PROXY, AGAIN, 1, "to the proxy broke"},
        {CURLE_PEER_FAILED_VERIFICATION, 0, "SSL certificate problem: self-signed certificate", 0,
         TLS, NO, 0, "the certificate is not accepted: \"SSL certificate problem: self-signed"},
        {CURLE_BAD_CONTENT_ENCODING, 0, "", 0, PROTOCOL, FEW, 0, "content encoding is broken"},
        {CURLE_FILESIZE_EXCEEDED, 0, "", 0, LIMIT, NO, 0,
         "too large: \"Maximum file size exceeded\"; see model_max_body"},
        {CURLE_SSL_CACERT_BADFILE, 0, "", 0, TLS, NO, 0, "check the file or directory"},
        {CURLE_HTTP2_STREAM, 0, "", 0, NET, AGAIN, 1, "HTTP/2 broke"},
        {CURLE_HTTP3, 0, "", 0, NET, AGAIN, 1, "HTTP/3 broke"},
        {CURLE_PROXY, 0, "", 1, PROXY, AGAIN, 1, "the proxy failed"},
        {CURLE_GOT_NOTHING, 0, "Bearer " KEY "\r\n", 0, NET, AGAIN, 1, "\"Bearer [key]\""},
        {CURLE_TELNET_OPTION_SYNTAX, 0, "", 0, NET, FEW, 1, "the transfer failed"},
        {12345, 0, "", 0, NET, FEW, 1, "the transfer failed: \"Unknown error\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__failure f;

        memset(&f, 0xAA, sizeof f);
        opro__failure_curl(&f, cases[i].code, cases[i].met, cases[i].detail, "http://127.0.0.1:1",
                           cases[i].proxied, secrets, 1, &mem);
        if (f.kind != cases[i].kind || f.retry != cases[i].retry || f.broken != cases[i].broken ||
            !strstr(f.err.message, cases[i].says))
            fail_msg("%d %s: kind %d retry %d broken %d: %s", cases[i].code, cases[i].detail,
                     (int)f.kind, f.retry, f.broken, f.err.message);
        assert_int_equal(f.wait_ms, -1);
        assert_int_equal(f.http_status, 0);
        assert_int_equal(f.adapt | f.busy, 0);
        check_message(&f, cases[i].detail);
        check_status(&f);
    }
    assert_int_equal(mem.used, 0);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void test_answer(void **state) {
    static const struct {
        opro_status status;
        const char *why, *type;
        int32_t kind;
        int retry;
        const char *message;
    } cases[] = {
        {OPRO_ERR_PARSE, "no choices", "application/json", ANSWER, FEW,
         "HTTP 200 with an answer that makes no sense: no choices"},
        {OPRO_ERR_PARSE, "not JSON: \"<html>\"", "text/html; charset=utf-8", ANSWER, FEW,
         "HTTP 200 with an answer that makes no sense: not JSON: \"<html>\"; check the base URL"},
        {OPRO_ERR_PARSE, "you sent " KEY, "", ANSWER, FEW,
         "HTTP 200 with an answer that makes no sense: you sent [key]"},
        {OPRO_ERR_LIMIT, "too deep", "application/json", LIMIT, NO,
         "HTTP 200 with an answer beyond the limits: too deep"},
        {OPRO_ERR_NOMEM, "", "", MEMORY, NO, "out of memory"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__failure f;
        opro_error why;

        opro__fail(&why, cases[i].status, "%s", cases[i].why);
        opro__failure_answer(&f, &why, cases[i].type, secrets, 1, &mem);
        assert_int_equal(f.kind, cases[i].kind);
        assert_int_equal(f.retry, cases[i].retry);
        assert_int_equal(f.http_status, 200);
        assert_int_equal(f.wait_ms, -1);
        assert_string_equal(f.err.message, cases[i].message);
        check_status(&f);
    }
}

static void test_set(void **state) {
    static const int32_t kinds[] = {TIMEOUT, OPRO_FAILURE_DEADLINE,     LIMIT, MEMORY, PREFIX,
                                    REFUSED, OPRO_FAILURE_NOT_RECORDED, NET,   QUOTA};
    opro__failure f;

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        memset(&f, 0xAA, sizeof f);
        opro__failure_set(&f, kinds[i], FEW, "%s and %d", "words", 7);
        assert_int_equal(f.kind, kinds[i]);
        assert_int_equal(f.retry, FEW);
        assert_int_equal(f.wait_ms, -1);
        assert_int_equal(f.adapt | f.busy | f.broken | f.http_status, 0);
        assert_string_equal(f.err.message, "words and 7");
        check_status(&f);
    }
    opro__failure_set(&f, NET, NO, "again: %.400s", f.err.message); /* its own text */
    assert_string_equal(f.err.message, "again: words and 7");
}

/* Each class has a name of its own; what is none has none. */
static void test_names(void **state) {
    int32_t n = 0;

    (void)state;
    for (int32_t i = OPRO_FAILURE_NONE; i <= 1000; i++) {
        if (!*opro_failure_name(i)) continue;
        n++;
        for (int32_t k = OPRO_FAILURE_NONE; k < i; k++)
            assert_string_not_equal(opro_failure_name(k), opro_failure_name(i));
    }
    assert_int_equal(n, OPRO_FAILURE_FILE / 10 + 1);
    assert_string_equal(opro_failure_name(OPRO_FAILURE_NONE), "none");
    assert_string_equal(opro_failure_name(OPRO_FAILURE_FILE), "file");
    assert_string_equal(opro_failure_name(-1), "");
}

/* Without memory the words are missing, and nothing else. */
static void test_no_memory(void **state) {
    static const char body[] = MESSAGE("Rate limit, try again in 2s \\uD800");
    failing f = {.left = -1};
    opro_allocator allocator = failing_allocator(&f);
    opro__mem own;
    opro__headers headers = {.request_id = "req_1"};

    (void)state;
    assert_int_equal(opro__mem_init(&own, &allocator), OPRO_OK);
    for (long n = 0; n < 20; n++) {
        opro__failure failure;

        f.left = n;
        opro__failure_http(&failure, 429, &headers, NULL, body, sizeof body - 1, 0, 0, NOW, secrets,
                           1, &own);
        assert_int_equal(failure.kind, RATE);
        assert_int_equal(failure.retry, AGAIN);
        assert_non_null(strstr(failure.err.message, "HTTP 429, too many requests"));
        assert_int_equal(f.live, 0);
    }
    f.left = 0;
    for (int i = 0; i < 1; i++) {
        opro__failure failure;

        opro__failure_curl(&failure, CURLE_GOT_NOTHING, 0, KEY, "", 0, secrets, 1, &own);
        assert_string_equal(failure.err.message, "closed without an answer");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_quota_and_rate),
        cmocka_unit_test(test_context_filter_key),
        cmocka_unit_test(test_adapt),
        cmocka_unit_test(test_prefix_and_loading),
        cmocka_unit_test(test_200),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_curl),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_memory),
    };

    opro__mem_init(&mem, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
