# SPDX-License-Identifier: MIT
"""Statuses that are not 200: hints to wait, refused parameters, redirects, all kinds of errors."""

import json
import time

from replies import anthropic_error, error, gemini_error, html
from registry import add, case

EVER = 1 << 30
BUSY = error("The server is busy.", "server_error", "busy")
TOO_FAST = error("Rate limit reached for requests.", "requests", "rate_limit_exceeded")


def says(status, body=b"", *headers, times=EVER, kind="application/json"):
    """Plays an error for so many requests, and good answers after that."""

    def play(x):
        if x.count <= times:
            x.reply(body, *headers, status=status, kind=kind)
        else:
            x.reply()

    return play


def once(status, body, *headers):
    """Plays an error for the first request alone."""
    return says(status, body, *headers, times=1)


# Hints to wait


def http_date(seconds):
    """A time as HTTP writes it."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))


def hint(name, what, *headers, **more):
    """A row: 429 with these headers, then a good answer."""
    add(name, "429 with " + what + ", then 200", once(429, TOO_FAST, *headers), **more)


hint("429-once", "no hint")
hint("retry-after-ms", "retry-after-ms: 50", "retry-after-ms: 50")
hint("retry-after-ms-float", "retry-after-ms: 50.5", "retry-after-ms: 50.5")
hint("retry-after-ms-first", "retry-after-ms: 50 and Retry-After: 3600", "Retry-After: 3600",
     "retry-after-ms: 50")
hint("retry-after-ms-junk", "retry-after-ms: soon and Retry-After: 0.05", "retry-after-ms: soon",
     "Retry-After: 0.05")
hint("retry-after-float", "Retry-After: 0.05", "Retry-After: 0.05")
hint("retry-after-0", "Retry-After: 0", "Retry-After: 0", number=49)
hint("retry-after-negative", "Retry-After: -5", "Retry-After: -5", number=49)
hint("retry-after-junk", "Retry-After: tomorrow", "Retry-After: tomorrow", number=49)
hint("retry-after-20-digits", "Retry-After of 20 digits", "Retry-After: " + "9" * 20, number=49)
hint("retry-after-nan", "Retry-After: nan", "Retry-After: nan")
hint("retry-after-infinity", "Retry-After: inf", "Retry-After: inf")
hint("retry-after-1e9", "Retry-After: 1e9", "Retry-After: 1e9")
hint("retry-after-empty", "Retry-After without a value", "Retry-After:")
hint("retry-after-past", "a date in the past", "Retry-After: Thu, 01 Jan 1998 00:00:00 GMT")
hint("retry-after-no-date", "a date that does not exist",
     "Retry-After: Wed, 99 Foo 2026 25:61:61 GMT")
hint("retry-after-2099", "a date in 2099", "Retry-After: Tue, 01 Dec 2099 16:00:00 GMT", number=50)
hint("retry-after-3600", "Retry-After: 3600", "Retry-After: 3600", number=50)
hint("reset-tokens", "x-ratelimit headers: nothing is left, for 50 ms",
     "x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 50ms")
hint("reset-junk", "x-ratelimit headers full of junk", "x-ratelimit-remaining-requests: -1",
     "x-ratelimit-limit-tokens: none", "x-ratelimit-reset-requests: 1h2x")


@case("retry-after", "429 with Retry-After: N, then 200", argument=1)
def _retry_after(x):
    once(429, TOO_FAST, "Retry-After: %d" % x.argument)(x)


@case("retry-after-date", "429 with Retry-After: a date N seconds from now, then 200", argument=1)
def _retry_after_date(x):
    now = time.time()
    once(429, TOO_FAST, "Date: " + http_date(now), "Retry-After: " + http_date(now + x.argument))(x)


@case("retry-after-skew", "the same by a clock that is years behind", argument=1)
def _retry_after_skew(x):
    now = 981173106
    once(429, TOO_FAST, "Date: " + http_date(now), "Retry-After: " + http_date(now + x.argument))(x)


@case("retry-after-early", "103 with Retry-After: 3600, then 429 without, then 200")
def _retry_after_early(x):
    if x.count == 1:
        x.send(b"HTTP/1.1 103 Early Hints\r\nRetry-After: 3600\r\n\r\n")
    once(429, TOO_FAST)(x)


add("retry-delay-gemini", "429 with retryDelay 0.05s in its details, then 200",
    once(429, gemini_error("Resource exhausted.", 429, "RESOURCE_EXHAUSTED", [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"}])))
add("retry-text", "429 that says in words to try again in 50ms, then 200",
    once(429, error("Rate limit reached. Please try again in 50ms.", "tokens",
                    "rate_limit_exceeded")))
add("retry-text-long", "429 that says in words to try again in 6m0s, then 200",
    once(429, error("Rate limit reached. Please try again in 6m0s.", "tokens",
                    "rate_limit_exceeded")))

# Weather: what another attempt may cure

add("429-for-ever", "429 for ever", says(429, TOO_FAST))
add("429-no-body", "429 without a body, then 200", once(429, b""))
add("503-twice", "503, 503, 200", says(503, BUSY, times=2))
add("503-for-ever", "503 for ever", says(503, BUSY), number=51)
add("503-loading", "503 Loading model, twice, then 200",
    says(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
         times=2))
add("503-queue-full", "503 of a full queue, as a string, then 200",
    once(503, {"error": "server busy, please try again.  maximum pending requests exceeded"}))
add("529-once", "529 overloaded_error, then 200",
    once(529, anthropic_error("Overloaded", "overloaded_error")))
add("529-for-ever", "529 for ever", says(529, anthropic_error("Overloaded", "overloaded_error")))
for _status in (408, 409, 425, 498, 500, 502, 504, 520, 521, 522, 523, 524):
    add("%d-once" % _status, "%d with a page of HTML, then 200" % _status,
        says(_status, html("Error %d" % _status), times=1, kind="text/html"))
add("502-for-ever", "502 with a page of HTML, for ever",
    says(502, html("502 Bad Gateway"), kind="text/html"))
add("524-for-ever", "524 with a page of HTML, for ever",
    says(524, html("A timeout occurred"), kind="text/html"))
add("500-for-ever", "500 for ever", says(500, BUSY))
add("500-no-retry", "500 with x-should-retry: false", says(500, BUSY, "x-should-retry: false"))
add("400-retry", "400 with x-should-retry: true, then 200",
    once(400, error("Try that again."), "x-should-retry: true"))
add("400-retry-for-ever", "400 with x-should-retry: true, for ever",
    says(400, error("Try that again."), "x-should-retry: true"))
add("500-retry-junk", "500 with x-should-retry: maybe, then 200",
    once(500, BUSY, "x-should-retry: maybe"))

# The quota is gone: no attempt will cure it

for _code in ("insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
              "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
              "billing_hard_limit_reached"):
    add("quota-" + _code.replace("_", "-"), "429 " + _code,
        says(429, error("You exceeded your current quota.", _code, _code)))
add("quota-type-only", "429 whose type alone says insufficient_quota",
    says(429, error("You exceeded your current quota.", "insufficient_quota")))
add("quota-anthropic", "429 whose details say that the spend limit is enforced",
    says(429, {"type": "error", "error": {
        "type": "rate_limit_error", "message": "spend limit",
        "details": {"error_code": "enforced_spend_limit_reached"}}}))
add("quota-gemini", "429 of a quota per day",
    says(429, gemini_error("Quota exceeded.", 429, "RESOURCE_EXHAUSTED", [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure",
         "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}])))
add("402", "402: no balance", says(402, error("Insufficient Balance", "unknown_error")))

# Refused parameters


def refuses(name, what, field, body, status=400):
    """A row: an error as long as the request has the field."""

    def play(x):
        if field in x.asked:
            x.reply(body, status=status)
        else:
            x.reply()

    add(name, what, play)


def unsupported(field, code="unsupported_parameter", message="Unsupported parameter: '%s'."):
    """The usual form of it."""
    return error(message % field, "invalid_request_error", code, field)


refuses("refuses-max-tokens", "400 unless max_completion_tokens is used", "max_tokens",
        unsupported("max_tokens", message="Unsupported parameter: '%s' is not supported with this"
                    " model. Use 'max_completion_tokens' instead."))
for _field in ("temperature", "top_p", "seed", "stop"):
    refuses("refuses-" + _field.replace("_", "-"), "400 as long as %s is sent" % _field, _field,
            unsupported(_field))
refuses("refuses-temperature-value", "400 unsupported_value as long as temperature is sent",
        "temperature", unsupported("temperature", "unsupported_value", "Unsupported value: '%s'"
        " does not support 0.7 with this model. Only the default (1) value is supported."))
refuses("refuses-temperature-words", "400 that names temperature in its message alone",
        "temperature", anthropic_error("`temperature` is deprecated for this model.",
                                       "invalid_request_error"))
refuses("refuses-seed-422", "422 with a list that names seed", "seed", {"detail": [
    {"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]},
    status=422)


@case("refuses-four", "400 for max_tokens, temperature, seed and stop, one after the other")
def _refuses_four(x):
    for field in ("max_tokens", "temperature", "seed", "stop"):
        if field in x.asked:
            x.reply(unsupported(field), status=400)
            return
    x.reply()


@case("refuses-five", "the same, and then 400 for n")
def _refuses_five(x):
    if x.samples > 1 and not set(x.asked) & {"max_tokens", "temperature", "seed", "stop"}:
        x.reply(unsupported("n"), status=400)
    else:
        _refuses_four(x)


@case("refuses-system", "400 as long as there is a system message, as a template says it")
def _refuses_system(x):
    if any(message.get("role") == "system" for message in x.asked.get("messages", [])):
        x.reply({"error": {"code": 400, "type": "invalid_request_error",
                           "message": "System role not supported"}}, status=400)
    else:
        x.reply()


add("refuses-for-ever", "400 for temperature, whether it is sent or not",
    says(400, unsupported("temperature")))
add("refuses-messages", "400 that names messages", says(400, unsupported("messages")))
add("refuses-model", "400 that names model", says(400, unsupported("model")))
add("refuses-stranger", "400 that names a field that nobody sent", says(400, unsupported("magic")))
add("refuses-odd-param", "400 whose param is a number",
    says(400, error("Unsupported parameter", "x", "unsupported_parameter", 7)))

# More than one sample


def one_only(name, what, body, status=400):
    """A row: an error for every request that wants more than one sample."""

    def play(x):
        if x.samples > 1:
            x.reply(body, status=status)
        else:
            x.reply()

    add(name, what, play)


one_only("n-refused", "400 unsupported_parameter n", unsupported("n"))
one_only("n-refused-old-llama", "400 for n > 1", {"error": {
    "code": 400, "message": "Only one completion choice is allowed",
    "type": "invalid_request_error"}})
one_only("n-refused-slots", "400 for more samples than slots", {"error": {
    "code": 400, "type": "invalid_request_error", "message":
    "n_cmpl cannot be greater than the number of slots, please increase -np"}})
one_only("n-refused-groq", "400 for n > 1", error("'n' : number must be at most 1"))
one_only("n-refused-greedy", "400 for n > 1 with temperature 0", {
    "object": "error", "message": "n must be 1 when using greedy sampling, got 8.",
    "type": "BadRequestError", "param": None, "code": 400})
one_only("n-refused-422", "422 with a list that names n", {"detail": [
    {"loc": ["body", "n"], "msg": "Input should be less than or equal to 1", "type": "less"}]},
    status=422)
one_only("n-refused-501", "501 that names n", {"error": {
    "code": 501, "message": "n > 1 is not supported", "type": "not_supported_error"}},
    status=501)
one_only("n-refused-gemini", "400 for candidateCount > 1", gemini_error(
    "Multiple candidates is not enabled for this model", 400, "INVALID_ARGUMENT"))


@case("n-ignored", "one choice, however many are wanted")
def _n_ignored(x):
    x.reply(x.good(x.texts(1)))


@case("n-half", "half of the choices that are wanted")
def _n_half(x):
    x.reply(x.good(x.texts((x.samples + 1) // 2)))


@case("n-more", "one choice more than wanted")
def _n_more(x):
    x.reply(x.good(x.texts(x.samples + 1)))


# Redirects


def redirects(name, what, status, where, **more):
    """A row: a redirect; `where` may name a port of the server."""

    def play(x):
        target = where % {"other": x.server.port("other"), "case": x.request.path}
        x.reply(b"", "Location: " + target, status=status, kind="text/html")

    add(name, what, play, **more)


for _status in (301, 302, 303, 307, 308):
    redirects("redirect-%d" % _status, "%d to another origin" % _status, _status,
              "http://127.0.0.1:%(other)d%(case)s", number=46)
redirects("redirect-user", "307 to another origin, with a password in the address", 307,
          "http://user:password@127.0.0.1:%(other)d%(case)s", number=46)
redirects("redirect-file", "302 to a file", 302, "file:///etc/passwd", number=47)
redirects("redirect-gopher", "302 to a gopher", 302, "gopher://127.0.0.1:%(other)d/_x", number=47)
redirects("redirect-loop", "307 to itself", 307, "%(case)s", number=48)
redirects("redirect-escape", "307 to an address with terminal escapes in it", 307,
          "http://\x1b[31mred.invalid/", number=46)
add("redirect-nowhere", "302 without a Location", says(302, b""))
add("300", "300 with a choice of addresses", says(300, b"", "Alternates: x"))

# Permanent errors


def context(name, body, **more):
    """A row: the prompt does not fit."""
    add("context-" + name, "400: the context is too long, as %s says it" % name,
        says(400, body), **more)


context("openai", error(
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000"
    " tokens.", "invalid_request_error", "context_length_exceeded", "messages"))
context("llamacpp", {"error": {
    "code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 4096,
    "message": "request (9000 tokens) exceeds the available context size (4096 tokens), try"
    " increasing it"}})
context("vllm", {
    "object": "error", "type": "BadRequestError", "param": None, "code": 400,
    "message": "This model's maximum context length is 4096 tokens. However, you requested 9000"
    " tokens."})
context("anthropic", anthropic_error("prompt is too long: 210000 tokens > 200000 maximum",
                                     "invalid_request_error"))
context("gemini", gemini_error("The input token count (2000000) exceeds the maximum number of"
                               " tokens allowed (1048576).", 400, "INVALID_ARGUMENT"))
context("llama-cpp-python", error("This model's maximum context length is 2048 tokens", "x",
                                  "context_length_exceeded", "messages"))
add("filter-azure", "400 of a content filter, as Azure says it", says(400, error(
    "The response was filtered.", None, "content_filter", "prompt", status=400,
    innererror={"code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {"hate": {"filtered": True}}})))
add("filter-openai", "400 content_policy_violation", says(400, error(
    "Your request was rejected.", "invalid_request_error", "content_policy_violation")))
add("filter-openrouter", "403 of a moderation", says(403, {"error": {
    "code": 403, "message": "Your input was flagged", "metadata": {
        "reasons": ["violence"], "flagged_input": "...", "provider_name": "x"}}}))
add("401", "401 with WWW-Authenticate: Basic", says(
    401, error("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    'WWW-Authenticate: Basic realm="x"'), number=52)
add("401-fastapi", "401 with a detail", says(401, {"detail": "Invalid API key"}))
add("403", "403: not from here", says(403, error("Country not supported.", "request_forbidden")))
add("404-model", "404: no such model", says(404, error(
    "The model `x` does not exist", "invalid_request_error", "model_not_found")))
add("404-html", "404 with a page of HTML", says(404, html("404 Not Found"), kind="text/html"))
for _status in (405, 410, 415, 501):
    add(str(_status), "%d" % _status, says(_status, error("Status %d." % _status)))
add("413", "413 request_too_large", says(413, anthropic_error("Too large", "request_too_large")))
add("422-list", "422 with a list of details", says(422, {"detail": [
    {"loc": ["body", "messages", 0], "msg": "field required", "type": "missing"}]}))


def keys_of(x):
    """The secrets of a request."""
    names = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
    return [v.rpartition(" ")[2] for n, v in x.request.headers if n.lower() in names]


@case("401-echo-key", "401 whose message holds the key that came")
def _echo_key(x):
    x.reply(error("Incorrect API key provided: %s. Bye." % " ".join(keys_of(x))), status=401)


@case("401-echo-half-key", "401 whose message holds both ends of the key")
def _echo_half_key(x):
    key = "".join(keys_of(x))
    x.reply(error("Incorrect API key: %s***%s" % (key[:12], key[-12:])), status=401)


@case("400-echo-headers", "400 whose message holds all headers that came, and so does the id")
def _echo_headers(x):
    lines = ["%s: %s" % header for header in x.request.headers]
    x.reply(error("\n".join(lines)), "x-request-id: " + " ".join(keys_of(x)), status=400)


@case("400-echo-split-key", "400 whose message holds the key, escaped, inside other keys")
def _echo_split_key(x):
    key = "".join(keys_of(x))
    escaped = "".join("\\u%04x" % ord(c) for c in key)
    x.reply(('{"error":{"message":"%s%s%s"}}' % (key, escaped, key)).encode(), status=400)


@case("307-echo-key", "307 to an address that holds the key")
def _redirect_key(x):
    x.reply(b"", "Location: https://127.0.0.1:1/?key=" + "".join(keys_of(x)), status=307)


# The clothes of an error


def dressed(name, what, body, kind="application/json"):
    """A row: a 400 with this body."""
    add("error-" + name, "400: " + what, says(400, body, kind=kind))


dressed("plain", "an object with all fields", error("Bad request.", "x", "y", "z"))
dressed("string", "a string", {"error": "model is required"})
dressed("flat", "the flat object of an older server", {
    "object": "error", "message": "Bad request.", "type": "BadRequestError", "code": 400})
dressed("array", "an object within an array", [gemini_error("Bad.", 400, "INVALID_ARGUMENT")])
dressed("message", "a message and nothing else", {"message": "Bad request."})
dressed("detail", "a detail that is a string", {"detail": "Bad request."})
dressed("anthropic", "an object beside a type", anthropic_error("Bad.", "invalid_request_error"))
dressed("number-code", "a code that is a number", error("Bad request.", "x", 400))
dressed("null", "error: null", {"error": None})
dressed("number", "error: 7", {"error": 7})
dressed("odd-types", "fields of every type but the right one",
        {"error": {"message": {"a": [1]}, "type": 7, "code": [1], "param": {}, "details": "x",
                   "metadata": 3}})
dressed("empty-message", "an empty message", error(""))
dressed("empty-array", "an empty array", [])
dressed("empty", "nothing", b"")
dressed("text", "plain text", "Bad request.\n", kind="text/plain")
dressed("html", "a page of HTML", html("400 Bad Request"), kind="text/html")
dressed("binary", "all bytes that there are", bytes(range(256)) * 4, kind="image/png")
dressed("deep", "an error 3000 levels down", b'{"error":' * 3000 + b"1" + b"}" * 3000)
dressed("escape", "a message with terminal escapes and newlines",
        error("\x1b[2J\x1b[31mred\r\nline\x00\x07 \u202eover"))
dressed("not-utf8", "a message that is not UTF-8", b'{"error":{"message":"caf\xe9 \xff"}}')
dressed("long", "a message of 100 KB", error("e" * 100000))
dressed("cut", "an object that ends too early", json.dumps(error("Bad request."))[:30])
dressed("format", "a message full of format directives", error("%s%s%s%n%d %1$s {0} $HOME"))
