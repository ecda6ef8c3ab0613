/* SPDX-License-Identifier: MIT */
/* What comes in, within limits. The other end may be anybody. */
#include <string.h>

#include "transport_parts.h"

int opro__receive_turn(void *exchange_, char *to_ip, char *from_ip, int to_port, int from_port) {
    opro__exchange *exchange = exchange_;
    opro__transport *t = exchange->multi->transport;

    (void)to_ip;
    (void)from_ip;
    (void)to_port;
    (void)from_port;
    if (t->scout == exchange) t->scout = NULL; /* a connection was there */
    opro__exchange_unlink(exchange);
    opro__exchange_append(&t->waiting, exchange);
    exchange->moved_at = t->now;
    return CURL_PREREQFUNC_OK;
}

size_t opro__receive_body(char *data, size_t size, size_t n, void *exchange_) {
    opro__exchange *exchange = exchange_;
    size_t len = size * n;

    opro__exchange_moved(exchange);
    opro__buf_add(&exchange->answer, data, len);
    if (exchange->answer.status == OPRO_OK) return len;
    exchange->met = exchange->answer.status == OPRO_ERR_LIMIT ? OPRO__MET_BODY : OPRO__MET_NOMEM;
    return 0;
}

/* ---- headers ---- */

#define FIELD(name, member)                                                                        \
    {                                                                                              \
        name, sizeof(name) - 1, offsetof(opro__headers, member),                                   \
            sizeof(((opro__headers *)0)->member)                                                   \
    }

/* Headers that are kept, in lower case, and where. */
static const struct kept {
    const char *name;
    size_t len, offset, size;
} kept[] = {
    FIELD("retry-after", retry_after),
    FIELD("retry-after-ms", retry_after_ms),
    FIELD("x-should-retry", should_retry),
    FIELD("date", date),
    FIELD("location", location),
    FIELD("content-type", content_type),
    FIELD("x-ratelimit-reset-requests", reset_requests),
    FIELD("x-ratelimit-reset-tokens", reset_tokens),
    FIELD("x-ratelimit-remaining-requests", remaining_requests),
    FIELD("x-ratelimit-remaining-tokens", remaining_tokens),
    FIELD("anthropic-ratelimit-requests-reset", reset_requests),
    FIELD("anthropic-ratelimit-tokens-reset", reset_tokens),
    FIELD("anthropic-ratelimit-requests-remaining", remaining_requests),
    FIELD("anthropic-ratelimit-tokens-remaining", remaining_tokens),
};

/* Is s, in whatever case, this name in lower case? */
static int same_name(const char *s, const char *name, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char c = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] - 'A' + 'a') : s[i];

        if (c != name[i]) return 0;
    }
    return 1;
}

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value without blanks around it, cut to fit. */
static void keep(char *to, size_t size, const char *value, size_t len) {
    while (len && is_blank(*value)) {
        value++;
        len--;
    }
    while (len && is_blank(value[len - 1]))
        len--;
    if (len > size - 1) len = size - 1;
    memcpy(to, value, len);
    to[len] = '\0';
}

static void keep_header(opro__exchange *exchange, const char *line, size_t len) {
    const char *colon = memchr(line, ':', len);
    const char *id = exchange->multi->transport->settings.request_id;
    size_t name_len = colon ? (size_t)(colon - line) : 0;
    const char *value = line + name_len + 1;
    size_t value_len = len - name_len - 1;

    if (name_len == 0) return;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i].len == name_len && same_name(line, kept[i].name, name_len))
            keep((char *)&exchange->kept + kept[i].offset, kept[i].size, value, value_len);
    if (id && strlen(id) == name_len && same_name(line, id, name_len))
        keep(exchange->kept.request_id, sizeof exchange->kept.request_id, value, value_len);
}

/*
 * Called for each line of each answer: that of a proxy, those with status 1xx, the one that counts.
 * The limits are for all of them together.
 */
size_t opro__receive_header(char *data, size_t size, size_t n, void *exchange_) {
    opro__exchange *exchange = exchange_;
    const opro__transport_settings *settings = &exchange->multi->transport->settings;
    size_t len = size * n;

    opro__exchange_moved(exchange);
    exchange->header_bytes += len;
    exchange->header_lines++;
    if (exchange->header_bytes > settings->max_header ||
        exchange->header_lines > settings->max_header_lines) {
        exchange->met = OPRO__MET_HEADER;
        return 0;
    }
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
        memset(&exchange->kept, 0, sizeof exchange->kept);
    else
        keep_header(exchange, data, len);
    return len;
}
