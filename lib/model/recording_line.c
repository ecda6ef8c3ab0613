/* SPDX-License-Identifier: MIT */
#include "recording_parts.h"

#include <string.h>

#include "base/hash.h"
#include "base/num.h"
#include "base/utf8.h"

/* Kept headers by name. */
static const struct {
    const char *name;
    size_t offset, size;
} headers[] = {
#define HEADER(name, member)                                                                       \
    { name, offsetof(opro__headers, member), sizeof((opro__headers *)NULL)->member }
    HEADER("retry-after", retry_after),
    HEADER("retry-after-ms", retry_after_ms),
    HEADER("should-retry", should_retry),
    HEADER("date", date),
    HEADER("request-id", request_id),
    HEADER("location", location),
    HEADER("content-type", content_type),
    HEADER("reset-requests", reset_requests),
    HEADER("reset-tokens", reset_tokens),
    HEADER("remaining-requests", remaining_requests),
    HEADER("remaining-tokens", remaining_tokens),
#undef HEADER
};
#define N_HEADERS (sizeof headers / sizeof *headers)

/* ---- the sum --------------------------------------------------------------------------------- */

/* How a line with a sum ends: `,"sum":"0123456789abcdef"}`. */
#define SEAL_LEN 26

static void make_seal(const char *s, size_t len, char seal[SEAL_LEN]) {
    static const char hex[] = "0123456789abcdef";
    uint64_t sum = opro__hash_bytes(s, len);

    memcpy(seal, ",\"sum\":\"", 8);
    for (int i = 0; i < 16; i++)
        seal[8 + i] = hex[sum >> (60 - 4 * i) & 15];
    memcpy(seal + 24, "\"}", 2);
}

static int is_sealed(const char *s, size_t len) {
    char seal[SEAL_LEN];

    if (len < SEAL_LEN) return 0;
    make_seal(s, len - SEAL_LEN, seal);
    return memcmp(s + len - SEAL_LEN, seal, SEAL_LEN) == 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void add_name(opro__buf *out, const char *name, const char *suffix) {
    if (out->len && out->data[out->len - 1] != '{') opro__buf_addc(out, ',');
    opro__buf_addc(out, '"');
    opro__buf_addz(out, name);
    opro__buf_addz(out, suffix);
    opro__buf_add(out, "\":", 2);
}

static void add_bytes(opro__buf *out, const char *name, const char *s, size_t len) {
    if (opro__utf8_valid(s, len)) {
        add_name(out, name, "");
        opro__buf_add_json(out, s, len);
        return;
    }
    add_name(out, name, "64");
    opro__buf_addc(out, '"');
    opro__base64_add(out, s, len);
    opro__buf_addc(out, '"');
}

static void add_int(opro__buf *out, const char *name, int value) {
    if (!value) return;
    add_name(out, name, "");
    opro__buf_add_int(out, value);
}

static void add_headers(opro__buf *out, const opro__headers *kept) {
    int any = 0;

    for (size_t i = 0; i < N_HEADERS; i++) {
        const char *value = (const char *)kept + headers[i].offset;

        if (!*value) continue;
        if (!any++) {
            add_name(out, "headers", "");
            opro__buf_addc(out, '{');
        }
        add_bytes(out, headers[i].name, value, strlen(value));
    }
    if (any) opro__buf_addc(out, '}');
}

void opro__line_write(opro__buf *out, const char *path, size_t path_len, const char *body,
                      size_t body_len, const opro__recorded *what) {
    size_t start = out->len;
    char seal[SEAL_LEN];

    opro__buf_addc(out, '{');
    add_bytes(out, "path", path, path_len);
    if (opro__embeds(body, body_len)) {
        add_name(out, "request", "");
        opro__buf_add(out, body, body_len);
    } else {
        add_bytes(out, "request", body, body_len);
    }
    add_int(out, "status", what->status);
    add_int(out, "code", what->code);
    add_int(out, "met", what->met);
    if (what->detail && *what->detail) add_bytes(out, "detail", what->detail, strlen(what->detail));
    add_headers(out, &what->kept);
    if (what->len) add_bytes(out, "answer", what->answer, what->len);
    if (out->status != OPRO_OK) return;
    make_seal(out->data + start, out->len - start, seal);
    opro__buf_add(out, seal, SEAL_LEN);
    opro__buf_addc(out, '\n');
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What may be in a line; the bytes come first. */
enum { PATH, REQUEST, DETAIL, ANSWER, STATUS, CODE, MET, HEADERS, SUM, MEMBERS };

static const char *const members[MEMBERS] = {
    [PATH] = "path",     [REQUEST] = "request", [DETAIL] = "detail",
    [ANSWER] = "answer", [STATUS] = "status",   [CODE] = "code",
    [MET] = "met",       [HEADERS] = "headers", [SUM] = "sum",
};

static int fail_at(opro__cursor *c, size_t at, const char *expected) {
    c->at = at;
    c->expected = expected;
    return 0;
}

static int is_name(const char *s, size_t len, const char *name) {
    return strlen(name) == len && memcmp(s, name, len) == 0;
}

/* The name of a member and its colon; *base64: it ends in 64, which is taken off. */
static int read_name(opro__cursor *c, char **name, size_t *len, int *base64) {
    if (!opro__cursor_string(c, name, len)) return 0;
    if (!opro__cursor_take(c, ':', "':'")) return 0;
    *base64 = *len > 2 && memcmp(*name + *len - 2, "64", 2) == 0;
    if (*base64) *len -= 2;
    return 1;
}

static int read_bytes(opro__cursor *c, int base64, char **s, size_t *len) {
    size_t start = c->at;

    if (!opro__cursor_string(c, s, len)) return 0;
    if (base64 && !opro__base64_decode(*s, len)) return fail_at(c, start, "base64");
    return 1;
}

static int read_int(opro__cursor *c, int32_t *out) {
    size_t start = c->at, len;
    const char *value;
    int64_t number;

    if (!opro__cursor_skip(c, &value, &len)) return 0;
    if (!opro__int_parse(value, len, &number) || number < 0 || number > INT32_MAX)
        return fail_at(c, start, "an integer from 0 to 2147483647");
    *out = (int32_t)number;
    return 1;
}

static int read_header(opro__cursor *c, opro__headers *kept) {
    size_t start = c->at, name_len, len, i = 0;
    char *name, *value, *place;
    int base64;

    if (!read_name(c, &name, &name_len, &base64)) return 0;
    while (i < N_HEADERS && !is_name(name, name_len, headers[i].name))
        i++;
    if (i == N_HEADERS) return fail_at(c, start, "the name of a header that is kept");
    place = (char *)kept + headers[i].offset;
    if (*place) return fail_at(c, start, "a header that was not there before");
    start = c->at;
    if (!read_bytes(c, base64, &value, &len)) return 0;
    if (len >= headers[i].size || memchr(value, '\0', len))
        return fail_at(c, start, "a header that is shorter, and without NUL");
    memcpy(place, value, len + 1);
    return 1;
}

static int read_headers(opro__cursor *c, opro__headers *kept) {
    if (!opro__cursor_take(c, '{', "'{'")) return 0;
    while (read_header(c, kept)) {
        if (opro__cursor_peek(c) != ',') return opro__cursor_take(c, '}', "',' or '}'");
        c->at++;
    }
    return 0;
}

static int read_request(opro__cursor *c, int base64, opro__line *line) {
    char first = opro__cursor_peek(c), *s;

    if (first == '"') {
        if (!read_bytes(c, base64, &s, &line->body_len)) return 0;
        line->body = s;
        return 1;
    }
    if (base64 || (first != '{' && first != '['))
        return fail_at(c, c->at, base64 ? "a string" : "an object, an array, or a string");
    return opro__cursor_skip(c, &line->body, &line->body_len);
}

static int read_text(opro__cursor *c, int kind, int base64, opro__line *line) {
    size_t start = c->at, len;
    char *s;

    if (!read_bytes(c, base64, &s, &len)) return 0;
    if (kind == PATH) {
        line->path = s;
        line->path_len = len;
    } else if (kind == ANSWER) {
        line->what.answer = s;
        line->what.len = len;
    } else {
        line->what.detail = s;
        if (memchr(s, '\0', len)) return fail_at(c, start, "a text without NUL");
    }
    return 1;
}

static int read_sum(opro__cursor *c, int sealed) {
    const char *value;
    size_t len;

    if (!sealed)
        return fail_at(c, c->at,
                       "the sum of this line (it is damaged; or was changed by hand, then remove "
                       "the member \"sum\")");
    return opro__cursor_skip(c, &value, &len);
}

/* One member; *seen has a bit for each kind so far. */
static int read_member(opro__cursor *c, opro__line *line, int sealed, unsigned *seen) {
    opro__recorded *what = &line->what;
    size_t start = c->at, len;
    char *name;
    int base64, kind = 0;

    if (!read_name(c, &name, &len, &base64)) return 0;
    while (kind < MEMBERS && !is_name(name, len, members[kind]))
        kind++;
    if (kind == MEMBERS || (base64 && kind > ANSWER))
        return fail_at(c, start, "the name of a member that is known");
    if (*seen & 1u << kind) return fail_at(c, start, "a member that was not there before");
    *seen |= 1u << kind;
    switch (kind) {
    case REQUEST: return read_request(c, base64, line);
    case STATUS: return read_int(c, &what->status);
    case CODE: return read_int(c, &what->code);
    case MET: return read_int(c, &what->met);
    case HEADERS: return read_headers(c, &what->kept);
    case SUM: return read_sum(c, sealed);
    default: return read_text(c, kind, base64, line);
    }
}

/* The line, or path and request of it if that is enough. */
static int read_line(opro__cursor *c, opro__line *line, int sealed, int whole) {
    const unsigned needed = 1u << PATH | 1u << REQUEST;
    unsigned seen = 0;

    if (!opro__cursor_take(c, '{', "'{'")) return 0;
    while (read_member(c, line, sealed, &seen)) {
        if (!whole && sealed && (seen & needed) == needed) return 1;
        if (opro__cursor_peek(c) == ',') {
            c->at++;
            continue;
        }
        if (!opro__cursor_take(c, '}', "',' or '}'")) return 0;
        if ((seen & needed) != needed)
            return fail_at(c, c->at - 1, "the members \"path\" and \"request\"");
        opro__cursor_peek(c);
        if (c->at < c->len) return fail_at(c, c->at, "the end of the line");
        return 1;
    }
    return 0;
}

opro_status opro__line_read(opro__line *line, char *s, size_t len, int whole, opro_error *err) {
    opro__cursor c = {.s = s, .len = len};
    int sealed = is_sealed(s, len);

    memset(line, 0, sizeof *line);
    line->what.answer = line->what.detail = "";
    /* what is not sealed may come from anywhere */
    if (!sealed && !opro__utf8_valid(s, len))
        return opro__fail(err, OPRO_ERR_PARSE, "this is not UTF-8, or has a NUL");
    if (read_line(&c, line, sealed, whole)) return OPRO_OK;
    return opro__fail(err, OPRO_ERR_PARSE, "at byte %zu: expected %s", c.at, c.expected);
}
