/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong with requests. The first line: a digit for who says so (0: an HTTP answer, 1:
 * libcurl, 2: an answer that makes no sense), one for what the request said, and a number: the
 * HTTP status, or libcurl's code. Two parts: the answer's headers, and its body. The key, which may
 * be in all of it, comes out nowhere.
 */
#include <curl/curl.h>

#include "base/num.h"
#include "fuzz.h"
#include "model/hint.h"
#include "model/json.h"
#include "model/transport_parts.h"

#define KEY "sk-canary-0123456789abcdef"
#define NOW INT64_C(1795341600) /* 2026-11-22 10:00:00 UTC */

enum { PIECE = 8 };

/* ---- headers, as libcurl hands them over ----------------------------------------------------- */

static opro__headers read_headers(fuzz_text text) {
    opro__transport transport = {
        .settings = {.max_header = 4096, .max_header_lines = 32, .request_id = "x-request-id"}};
    opro__multi multi = {.transport = &transport};
    opro__exchange exchange = {.multi = &multi};
    const char *s = text.s, *end = text.s + text.len;

    while (s < end) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        size_t len = (size_t)((stop ? stop + 1 : end) - s);
        char *line = malloc(len);

        if (!line) abort();
        memcpy(line, s, len);
        if (opro__receive_header(line, 1, len, &exchange) != len) s = end - len; /* enough */
        free(line);
        s += len;
    }
    return exchange.kept;
}

static void check_headers(const opro__headers *headers) {
    const char *const texts[] = {headers->retry_after, headers->date, headers->reset_requests,
                                 headers->reset_tokens};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t len = strlen(texts[i]);

        REQUIRE(opro__hint_retry_after(texts[i], headers->date, NOW) >= -1);
        REQUIRE(opro__hint_duration(texts[i], len) >= -1);
        REQUIRE(opro__hint_rfc3339(texts[i], len, NOW) >= -1);
    }
    REQUIRE(opro__hint(headers, NULL, "", 0, NOW) >= -1);
}

/* ---- failures -------------------------------------------------------------------------------- */

typedef struct trouble {
    size_t who;
    unsigned sent;
    int32_t code;
    opro__headers headers;
    fuzz_text body;
} trouble;

static opro_status status_of(int32_t kind) {
    switch (kind) {
    case OPRO_FAILURE_TIMEOUT: return OPRO_ERR_TIMEOUT;
    case OPRO_FAILURE_LIMIT: return OPRO_ERR_LIMIT;
    case OPRO_FAILURE_MEMORY: return OPRO_ERR_NOMEM;
    case OPRO_FAILURE_PREFIX: return OPRO_ERR_UNSUPPORTED;
    default: return OPRO_ERR_FAILED;
    }
}

/* One line, without the key and without pieces of its ends. */
static void check_message(const opro_error *err) {
    static const char *const pieces[] = {"sk-canar", "89abcdef"};

    for (size_t i = 0; i < err->len; i++)
        REQUIRE((unsigned char)err->message[i] >= 0x20 && err->message[i] != 0x7f);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        REQUIRE(strlen(pieces[i]) == PIECE && !strstr(err->message, pieces[i]));
}

static void check_failure(const trouble *t, const opro__failure *failure) {
    REQUIRE(failure->kind >= OPRO_FAILURE_NET && failure->kind <= OPRO_FAILURE_FILE);
    REQUIRE(failure->retry >= OPRO__RETRY_NO && failure->retry <= OPRO__RETRY_KEY);
    REQUIRE(failure->wait_ms >= -1);
    fuzz_require_error(&failure->err, status_of(failure->kind));
    check_message(&failure->err);
    if (failure->retry == OPRO__RETRY_ADAPT) REQUIRE(t->sent & 1u << failure->adapt);
    if (t->who == 0) REQUIRE(failure->http_status == t->code);
}

static opro__failure classify(const trouble *t, opro__mem *mem) {
    char key[] = KEY;
    const opro__secret secret = {key, sizeof key - 1};
    opro__failure failure;
    opro_error why;
    char detail[CURL_ERROR_SIZE];

    switch (t->who) {
    case 0:
        opro__failure_http(&failure, t->code, &t->headers, NULL, t->body.s, t->body.len, t->sent,
                           (int)(t->sent & 1), NOW, &secret, 1, mem);
        break;
    case 1:
        snprintf(detail, sizeof detail, "%.*s", (int)t->body.len, t->body.len ? t->body.s : "");
        opro__failure_curl(&failure, (int)t->code, (int)(t->sent % 4), detail,
                           "https://example.org:443", (int)(t->sent & 1), &secret, 1, mem);
        break;
    default:
        opro__fail(&why, OPRO_ERR_PARSE, "no list in the answer: %s",
                   opro__quote(t->body.s, t->body.len).text);
        opro__failure_answer(&failure, &why, t->headers.content_type, &secret, 1, mem);
    }
    return failure;
}

static void check_trouble(const trouble *t, const opro_allocator *allocator) {
    opro__failure failure, again;
    opro__mem mem;

    REQUIRE(opro__mem_init(&mem, allocator) == OPRO_OK);
    failure = classify(t, &mem);
    check_failure(t, &failure);
    REQUIRE(mem.used == 0);
    if (failure.kind == OPRO_FAILURE_MEMORY) return;
    again = classify(t, &mem);
    REQUIRE(again.retry <= OPRO__RETRY_KEY);
}

/* What the words of the body say of how long to wait. */
static void check_words(fuzz_text body) {
    REQUIRE(opro__hint_words(body.s, body.len) >= -1);
    REQUIRE(opro__hint_duration(body.s, body.len) >= -1);
    REQUIRE(opro__hint_rfc3339(body.s, body.len, NOW) >= -1);
}

static int32_t code_of(size_t who, fuzz_text text) {
    int64_t code;

    if (!opro__int_parse(text.s, text.len, &code) || code < 0 || code > 999) code = 0;
    if (who == 0 && (code < 100 || code == 200)) return 400;
    return (int32_t)code;
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    trouble t = {.who = fuzz_digit(in, 3), .sent = (unsigned)fuzz_digit(in, 128)};

    t.code = code_of(t.who, fuzz_line(in));
    t.headers = read_headers(fuzz_part(in));
    t.body = fuzz_rest(in);
    check_headers(&t.headers);
    check_words(t.body);
    check_trouble(&t, allocator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
