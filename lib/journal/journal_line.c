/* SPDX-License-Identifier: MIT */
#include "journal_line.h"

#include <string.h>

#include "base/ascii.h"
#include "base/crc32c.h"
#include "base/json_cursor.h"
#include "base/num.h"
#include "base/utf8.h"

enum {
    HEX = 8,
    SEALED = OPRO__JOURNAL_PREFIX_LEN + HEX + 1, /* where begins what c is of */
    DIGITS = 16
};

#define MOST ((UINT64_C(1) << 53) - 1) /* what other readers of JSON do not round */

/* ---- writing --------------------------------------------------------------------------------- */

static char *put(char *to, const char *text) {
    size_t len = strlen(text);

    memcpy(to, text, len);
    return to + len;
}

static char *put_hex(char *to, uint32_t value) {
    for (int i = HEX - 1; i >= 0; i--)
        *to++ = "0123456789abcdef"[value >> 4 * i & 15];
    return to;
}

static char *put_number(char *to, uint64_t value) {
    char text[OPRO__NUM_SIZE];

    opro__int_format((int64_t)value, text);
    return put(to, text);
}

size_t opro__journal_line_write(char *out, opro__journal_line *line) {
    char *to = put(out, OPRO__JOURNAL_PREFIX "00000000\",\"p\":\"");

    to = put(put_hex(to, line->previous), "\",\"s\":");
    to = put(put_number(to, line->seq), ",\"d\":");
    to = put(put_number(to, line->durable), ",\"r\":");
    memcpy(to, line->payload, line->len);
    line->payload = to;
    to += line->len;
    *to++ = '}';
    line->crc = opro__crc32c(0, out + SEALED, (size_t)(to - out) - SEALED);
    put_hex(out + OPRO__JOURNAL_PREFIX_LEN, line->crc);
    *to++ = '\n';
    return (size_t)(to - out);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What is left to be read. bad: something was not there as it has to be. */
typedef struct reader {
    const char *at, *end;
    int bad;
} reader;

static void take(reader *r, const char *text) {
    size_t len = strlen(text);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
        r->bad = 1;
    else
        r->at += len;
}

static uint32_t take_hex(reader *r) {
    uint32_t value = 0;

    for (int i = 0; i < HEX; i++) {
        uint32_t digit = r->at < r->end ? opro__hex(*r->at) : 16;

        if (digit == 16) {
            r->bad = 1;
            return 0;
        }
        value = value << 4 | digit;
        r->at++;
    }
    return value;
}

static uint64_t take_number(reader *r) {
    const char *begin = r->at;
    uint64_t value = 0;
    size_t len;

    for (; r->at < r->end && opro__is_digit(*r->at) && r->at - begin < DIGITS; r->at++)
        value = value * 10 + (uint64_t)(*r->at - '0');
    len = (size_t)(r->at - begin);
    if (len == 0 || (len > 1 && *begin == '0') || value > MOST) r->bad = 1;
    return value;
}

int opro__journal_line_parse(opro__journal_line *line, const char *s, size_t len) {
    reader r = {s, s + len, 0};
    opro__journal_line own;

    take(&r, OPRO__JOURNAL_PREFIX);
    own.crc = take_hex(&r);
    take(&r, "\",\"p\":\"");
    own.previous = take_hex(&r);
    take(&r, "\",\"s\":");
    own.seq = take_number(&r);
    take(&r, ",\"d\":");
    own.durable = take_number(&r);
    take(&r, ",\"r\":");
    own.payload = r.at;
    own.len = (size_t)(r.end - r.at);
    if (r.bad || own.durable > own.seq) return 0;
    if (own.len < 3 || own.payload[0] != '{' || memcmp(r.end - 2, "}}", 2) != 0) return 0;
    own.len--; /* the line's own brace */
    *line = own;
    return 1;
}

int opro__journal_line_read(opro__journal_line *line, const char *s, size_t len) {
    opro__journal_line own;

    if (!opro__journal_line_parse(&own, s, len)) return 0;
    if (opro__crc32c(0, s + SEALED, len - SEALED) != own.crc) return 0;
    *line = own;
    return 1;
}

int opro__journal_payload_valid(const char *s, size_t len) {
    opro__cursor cursor = {.len = len};
    const char *value;
    size_t n;

    if (!len || s[0] != '{') return 0;
    cursor.s = (char *)(uintptr_t)s; /* skipping changes nothing */
    return opro__cursor_skip(&cursor, &value, &n) && n == len && opro__utf8_valid(s, len);
}
