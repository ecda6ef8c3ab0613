/* SPDX-License-Identifier: MIT */
#include "json_cursor.h"

#include <string.h>

#include "ascii.h"

static int fail(opro__cursor *c, const char *expected) {
    c->expected = expected;
    return 0;
}

static int is_blank(const opro__cursor *c, char byte) {
    return byte == ' ' || byte == '\t' || (c->newlines && (byte == '\n' || byte == '\r'));
}

char opro__cursor_peek(opro__cursor *c) {
    while (c->at < c->len && is_blank(c, c->s[c->at]))
        c->at++;
    return c->at < c->len ? c->s[c->at] : '\0';
}

int opro__cursor_take(opro__cursor *cursor, char c, const char *expected) {
    if (opro__cursor_peek(cursor) != c) return fail(cursor, expected);
    cursor->at++;
    return 1;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Four hex digits at s. */
static int hex4(const char *s, size_t len, uint32_t *value) {
    uint32_t v = 0;

    if (len < 4) return 0;
    for (int i = 0; i < 4; i++) {
        uint32_t digit = opro__hex(opro__lower(s[i]));

        if (digit > 15) return 0;
        v = v << 4 | digit;
    }
    *value = v;
    return 1;
}

/* How long the escape at s is, from its backslash on; 0: it is none. */
static size_t escape_len(const char *s, size_t len) {
    uint32_t value;

    if (len < 2) return 0;
    if (s[1] == 'u') return hex4(s + 2, len - 2, &value) ? 6 : 0;
    return memchr("\"\\/bfnrt", s[1], 8) ? 2 : 0;
}

/* The bytes from at on that stand for themselves in a string. */
static size_t plain(const opro__cursor *c, size_t at) {
    const unsigned char *s = (const unsigned char *)c->s, *end = s + c->len, *start = s + at;

    s = start;
    while (s < end && *s >= 0x20 && *s != '"' && *s != '\\')
        s++;
    return (size_t)(s - start);
}

static int skip_string(opro__cursor *c) {
    if (!opro__cursor_take(c, '"', "a string")) return 0;
    for (;;) {
        size_t n;

        c->at += plain(c, c->at);
        if (c->at == c->len || (c->s[c->at] != '\\' && c->s[c->at] != '"')) break;
        n = c->s[c->at] == '"' ? 1 : escape_len(c->s + c->at, c->len - c->at);
        if (!n) break;
        c->at += n;
        if (n == 1) return 1;
    }
    return fail(c, "the rest of a string");
}

static size_t digits(const opro__cursor *c, size_t at) {
    size_t n = 0;

    while (at + n < c->len && opro__is_digit(c->s[at + n]))
        n++;
    return n;
}

static int skip_number(opro__cursor *c) {
    size_t at = c->at, n;

    if (c->s[at] == '-') at++;
    n = digits(c, at);
    if (!n || (n > 1 && c->s[at] == '0')) return fail(c, "a value");
    at += n;
    if (at < c->len && c->s[at] == '.') {
        n = digits(c, at + 1);
        if (!n) return fail(c, "a number");
        at += 1 + n;
    }
    if (at < c->len && (c->s[at] == 'e' || c->s[at] == 'E')) {
        at++;
        if (at < c->len && (c->s[at] == '+' || c->s[at] == '-')) at++;
        n = digits(c, at);
        if (!n) return fail(c, "a number");
        at += n;
    }
    c->at = at;
    return 1;
}

static int skip_scalar(opro__cursor *c) {
    static const char *const words[] = {"true", "false", "null"};

    if (opro__cursor_peek(c) == '"') return skip_string(c);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);

        if (c->len - c->at < n || memcmp(c->s + c->at, words[i], n) != 0) continue;
        c->at += n;
        return 1;
    }
    return c->at < c->len ? skip_number(c) : fail(c, "a value");
}

/* What is open around a place: bit 0 is the innermost, 1 an object. */
typedef struct nest {
    uint64_t objects;
    int depth;
} nest;

/* After a value, or in a container that was opened just now (fresh): to where a value is due. */
static int go_on(opro__cursor *c, nest *n, int fresh) {
    while (n->depth) {
        int object = (int)(n->objects & 1);

        if (opro__cursor_peek(c) == (object ? '}' : ']')) {
            c->at++;
            n->objects >>= 1;
            n->depth--;
            fresh = 0;
            continue;
        }
        if (!fresh && !opro__cursor_take(c, ',', object ? "',' or '}'" : "',' or ']'")) return 0;
        return !object || (skip_string(c) && opro__cursor_take(c, ':', "':'"));
    }
    return 1;
}

int opro__cursor_skip(opro__cursor *c, const char **value, size_t *len) {
    nest n = {0, 0};
    size_t start;

    opro__cursor_peek(c);
    start = c->at;
    do {
        char byte = opro__cursor_peek(c);
        int opens = byte == '{' || byte == '[';

        if (opens) {
            if (n.depth == OPRO__JSON_DEPTH) return fail(c, "less depth");
            n.objects = n.objects << 1 | (byte == '{');
            n.depth++;
            c->at++;
        } else if (!skip_scalar(c)) {
            return 0;
        }
        if (!go_on(c, &n, opens)) return 0;
    } while (n.depth);
    *value = c->s + start;
    *len = c->at - start;
    return 1;
}

/* ---- strings --------------------------------------------------------------------------------- */

static size_t put_letter(char *out, uint32_t code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* The letter of \uXXXX at s, or of two of them; how many bytes they take, 0: half a pair. */
static size_t escaped_letter(const char *s, size_t len, uint32_t *code) {
    uint32_t high, low;

    if (!hex4(s + 2, len - 2, &high) || (high >= 0xdc00 && high <= 0xdfff)) return 0;
    *code = high;
    if (high < 0xd800 || high > 0xdbff) return 6;
    if (len < 12 || s[6] != '\\' || s[7] != 'u' || !hex4(s + 8, len - 8, &low)) return 0;
    if (low < 0xdc00 || low > 0xdfff) return 0;
    *code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

/* One escape at s, decoded to *out (not behind s); how many bytes it took, 0: it is none. */
static size_t decode_escape(const char *s, size_t len, char **out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *escaped;
    uint32_t code;
    size_t n;

    if (len < 2) return 0;
    if (s[1] == 'u') {
        n = escaped_letter(s, len, &code);
        if (n) *out += put_letter(*out, code);
        return n;
    }
    escaped = memchr(from, s[1], sizeof from - 1);
    if (!escaped) return 0;
    *(*out)++ = to[escaped - from];
    return 2;
}

int opro__cursor_string(opro__cursor *c, char **text, size_t *len) {
    char *start, *out;

    if (!opro__cursor_take(c, '"', "a string")) return 0;
    start = out = c->s + c->at;
    for (;;) {
        size_t n = plain(c, c->at);

        memmove(out, c->s + c->at, n);
        out += n;
        c->at += n;
        if (c->at == c->len || c->s[c->at] != '\\') break;
        n = decode_escape(c->s + c->at, c->len - c->at, &out);
        if (!n) break;
        c->at += n;
    }
    if (c->at == c->len || c->s[c->at] != '"') return fail(c, "the rest of a string");
    c->at++;
    *out = '\0'; /* where the quote was, or before */
    *text = start;
    *len = (size_t)(out - start);
    return 1;
}
