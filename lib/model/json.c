/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/utf8.h"

/* ---- eight bytes at a time ------------------------------------------------------------------- */

static const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);

/* How many bytes of a word are 0. */
static size_t zeros(uint64_t word) {
    const uint64_t low = ~tops;

    return (size_t)(((~(((word & low) + low) | word) & tops) >> 7) * ones >> 56);
}

static uint64_t word_at(const char *s) {
    uint64_t word;

    memcpy(&word, s, 8);
    return word;
}

/* ---- before jansson sees it ------------------------------------------------------------------ */

/*
 * How many bytes at s, in whole words, are neither quote nor backslash: answers are long strings
 * for the most part.
 */
static size_t plain_words(const char *s, size_t len) {
    size_t i = 0;

    for (; i + 8 <= len; i += 8) {
        uint64_t word = word_at(s + i), back = word ^ ones * '\\', quote = word ^ ones * '"';

        if ((((quote - ones) & ~quote) | ((back - ones) & ~back)) & tops) break;
    }
    return i;
}

/* Where the string goes on behind its end; i: behind its first quote. */
static size_t skip_string(const char *s, size_t len, size_t i) {
    while (i < len) {
        i += plain_words(s + i, len - i);
        while (i < len && s[i] != '"' && s[i] != '\\')
            i++;
        if (i < len && s[i] == '"') return i + 1;
        i += 2;
    }
    return len;
}

enum {
    SHORT = 1 << 16, /* a text that is; less than OPRO__JSON_NODES */
    NODE_BYTES = 320 /* of memory for a value, at most             */
};

enum { OTHER, QUOTE, OPEN, CLOSE, COMMA };

static const unsigned char kinds[256] = {
    ['"'] = QUOTE, ['['] = OPEN, ['{'] = OPEN, [']'] = CLOSE, ['}'] = CLOSE, [','] = COMMA,
};

/* How many brackets open, also those in strings. */
static size_t count_opening(const char *s, size_t len) {
    size_t i = 0, n = 0;

    for (; i + 8 <= len; i += 8)
        n += zeros((word_at(s + i) | ones * 0x20) ^ ones * '{');
    for (; i < len; i++)
        n += (s[i] | 0x20) == '{';
    return n;
}

/*
 * Depth and number of values, before anything is built of them. What jansson would refuse anyway
 * does not matter here: it reads up to that place in the same way. Most answers need no closer
 * look: they have fewer brackets than may nest, and fewer bytes than there may be values.
 */
static opro_status look_over(const char *s, size_t len, size_t *n_nodes, opro_error *err) {
    size_t nodes = 1;
    long depth = 0;

    if (len < SHORT && count_opening(s, len) <= OPRO__JSON_DEPTH) return OPRO_OK;
    for (size_t i = 0; i < len;) {
        switch (kinds[(unsigned char)s[i++]]) {
        case QUOTE: i = skip_string(s, len, i); break;
        case OPEN:
            if (++depth > OPRO__JSON_DEPTH)
                return opro__fail(err, OPRO_ERR_LIMIT, "the JSON nests deeper than %d",
                                  OPRO__JSON_DEPTH);
            nodes++;
            break;
        case CLOSE: depth--; break;
        case COMMA: nodes++; break;
        default: break;
        }
        if (nodes > OPRO__JSON_NODES)
            return opro__fail(err, OPRO_ERR_LIMIT, "the JSON has more than %d values",
                              OPRO__JSON_NODES);
    }
    *n_nodes = nodes;
    return OPRO_OK;
}

/* ---- repair ---------------------------------------------------------------------------------- */

/* The value of XXXX at s, behind a \u; -1 if it is not one. */
static int hex4(const char *s, size_t len) {
    int value = 0;

    if (len < 4) return -1;
    for (int i = 0; i < 4; i++) {
        unsigned digit = opro__hex(opro__lower(s[i]));

        if (digit > 15) return -1;
        value = value * 16 + (int)digit;
    }
    return value;
}

/* Copy what begins with a backslash; how many bytes it is. */
static size_t repair_escape(opro__buf *out, const char *s, size_t len) {
    int unit = len > 2 && s[1] == 'u' ? hex4(s + 2, len - 2) : -1;
    int pair = unit >= 0 && len > 8 && s[6] == '\\' && s[7] == 'u' ? hex4(s + 8, len - 8) : -1;
    size_t n = unit >= 0 ? 6 : len > 1 ? 2 : 1;

    if (unit == 0) return 6;
    if (unit >= 0xd800 && unit <= 0xdbff && pair >= 0xdc00 && pair <= 0xdfff)
        n = 12;
    else if (unit >= 0xd800 && unit <= 0xdfff)
        s = "\\ufffd";
    opro__buf_add(out, s, n);
    return n;
}

static int is_plain(char c) {
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* Copy what is in a string up to its end, the quote included; how many bytes it is. */
static size_t repair_string(opro__buf *out, const char *s, size_t len) {
    size_t i = 0;

    while (i < len && s[i] != '"') {
        size_t plain = i;

        if (s[i] == '\\') {
            i += repair_escape(out, s + i, len - i);
            continue;
        }
        while (i < len && is_plain(s[i]))
            i++;
        opro__utf8_repair(out, s + plain, i - plain);
        plain = i;
        while (i < len && s[i] > 0 && s[i] < 0x20)
            i++;
        opro__buf_add_escaped(out, s + plain, i - plain);
        i += i < len && s[i] == 0;
    }
    if (i < len) opro__buf_addc(out, s[i++]);
    return i;
}

static int in_number(char c) {
    return opro__is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Copy a number as one that jansson can hold; how many bytes it is. */
static size_t repair_number(opro__buf *out, const char *s, size_t len) {
    size_t n = 0, taken;
    int real = 0;
    int64_t whole;
    double value;

    for (; n < len && in_number(s[n]); n++)
        real |= s[n] == '.' || s[n] == 'e' || s[n] == 'E';
    taken = opro__num_parse(s, n, &value);
    if (taken == 0 && n > 1) {
        opro__buf_addz(out, s[0] == '-' ? "-1e308" : "1e308");
        return n;
    }
    opro__buf_add(out, s, n);
    if (!real && !opro__int_parse(s, n, &whole)) opro__buf_addz(out, "e0");
    return n;
}

/* A copy without what need not stop us. 1 if it is another text. */
static int repair(opro__buf *out, const char *s, size_t len) {
    for (size_t i = 0; i < len;) {
        size_t other = i;

        while (i < len && s[i] != '"' && s[i] != '-' && !opro__is_digit(s[i]))
            i++;
        opro__buf_add(out, s + other, i - other);
        if (i < len && s[i] == '"') {
            opro__buf_addc(out, s[i++]);
            i += repair_string(out, s + i, len - i);
        } else if (i < len) {
            i += repair_number(out, s + i, len - i);
        }
    }
    return out->len != len || memcmp(opro__buf_text(out), s, len) != 0;
}

/* ---- parsing --------------------------------------------------------------------------------- */

static int begins(const char *s, size_t len, const char *with) {
    return len >= strlen(with) && memcmp(s, with, strlen(with)) == 0;
}

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Say what it is instead of JSON, or where it fails to be. */
static opro_status not_json(opro_error *err, const json_error_t *why, const char *s, size_t len) {
    opro__quoted quoted;

    while (len && is_blank(*s)) {
        s++;
        len--;
    }
    quoted = opro__quote(s, len);
    if (!len) return opro__fail(err, OPRO_ERR_PARSE, "nothing instead of JSON");
    if (*s == '<') return opro__fail(err, OPRO_ERR_PARSE, "HTML instead of JSON: %s", quoted.text);
    if (begins(s, len, "data:") || begins(s, len, "event:") || begins(s, len, ": "))
        return opro__fail(err, OPRO_ERR_PARSE, "a stream of events instead of JSON: %s",
                          quoted.text);
    return opro__fail(err, OPRO_ERR_PARSE, "not JSON (line %d, column %d: %s): %s", why->line,
                      why->column, opro__quote(why->text, strlen(why->text)).text, quoted.text);
}

/* jansson says nothing, or that, when there is no memory. */
static int no_memory(const json_error_t *why) {
    if (!why->text[0]) return 1;
    return json_error_code(why) == json_error_out_of_memory;
}

/* Whether there is memory for what may be built of a text: as much was there a moment ago. */
static int has_room(const char *s, size_t len, size_t nodes) {
    size_t copies = 4 + nodes * NODE_BYTES / len;
    json_t *held = json_array();
    int ok = held != NULL;

    for (; ok && copies > 0; copies--)
        ok = json_array_append_new(held, json_stringn_nocheck(s, len)) == 0;
    json_decref(held);
    return ok;
}

/*
 * Bytes of strings are counted, control characters twice: the letter of an escape that has lost its
 * backslash is one byte as well.
 */
static size_t count(const char *s, size_t len) {
    size_t i = 0, n = len;

    for (; i + 8 <= len; i += 8)
        n += zeros(word_at(s + i) & ones * 0xe0);
    for (; i < len; i++)
        n += (unsigned char)s[i] < 0x20;
    return n;
}

/* What an escape counts; *i: behind its backslash, then behind all of it. */
static size_t escaped(const char *s, size_t len, size_t *i) {
    int unit;

    if (*i == len) return 0; /* GCOVR_EXCL_BR_LINE: jansson has read it, so something follows */
    if (s[*i] != 'u') return strchr("bfnrt", s[(*i)++]) ? 2 : 1;
    unit = hex4(s + *i + 1, len - *i - 1);
    *i += 5;
    if (unit < 0x80) return unit < 0x20 ? 2 : 1;
    return unit < 0x800 || (unit & 0xf800) == 0xd800 ? 2 : 3; /* two surrogates are 4 */
}

/* Where c is, from at on; end: nowhere. */
static const char *seek(const char *at, const char *end, char c) {
    const char *found = memchr(at, c, (size_t)(end - at));

    return found ? found : end;
}

/*
 * Of all strings of a text. What is not escaped is no control character, and backslashes are in
 * strings alone: jansson has read it. Of another text this is just some number.
 */
static size_t count_said(const char *s, size_t len) {
    const char *end = s + len, *at = seek(s, end, '"'), *slash = seek(at, end, '\\');
    size_t n = 0;

    while (at < end) {
        const char *quote = seek(++at, end, '"');

        while (slash < quote) {
            size_t i = (size_t)(slash - s) + 1;

            n += (size_t)(slash - at) + escaped(s, len, &i);
            at = s + (i < len ? i : len);
            slash = seek(at, end, '\\');
            if (at > quote) quote = seek(at, end, '"'); /* it was escaped */
        }
        n += (size_t)(quote - at);
        at = seek(quote + (quote < end), end, '"');
    }
    return n;
}

/* The same of what was read. It is not deep: it was looked over. */
static size_t count_held(const json_t *value) {
    json_t *object = (json_t *)(uintptr_t)value; /* to go through it changes nothing */
    size_t n = 0;

    switch (json_typeof(value)) {
    case JSON_STRING: return count(json_string_value(value), json_string_length(value));
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(value); i++)
            n += count_held(json_array_get(value, i));
        return n;
    case JSON_OBJECT:
        for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
            n += count(json_object_iter_key(at), strlen(json_object_iter_key(at))) +
                 count_held(json_object_iter_value(at));
        return n;
    default: return 0;
    }
}

/*
 * When memory runs out while jansson 2.14 reads a string, it loses bytes of it and says nothing; it
 * may lose its closing quote too, and go on beyond its block. So a long text is not begun without
 * memory; what is left is a short one in a process that has none at all.
 */
static json_t *load_once(const char *s, size_t len, size_t nodes, size_t flags, json_error_t *why) {
    why->text[0] = '\0';
    return len < SHORT || has_room(s, len, nodes) ? json_loadb(s, len, flags, why) : NULL;
}

/* Whether an object has two members of one name: the last one is what it has. */
static int has_twins(const char *s, size_t len, size_t flags) {
    json_error_t why = {0};

    json_decref(json_loadb(s, len, flags | JSON_REJECT_DUPLICATES, &why));
    return json_error_code(&why) == json_error_duplicate_key;
}

/*
 * What was lost is missing, or makes the rest bad. Then the text is read again, and has to be whole
 * or bad both times; what is said by members of one name, but for the last, is missing both times.
 */
static json_t *load(const char *s, size_t len, size_t nodes, size_t flags, json_error_t *why) {
    json_t *root = load_once(s, len, nodes, flags, why), *again;
    int agree;

    if ((!root && no_memory(why)) || (root && count_held(root) == count_said(s, len))) return root;
    again = load_once(s, len, nodes, flags, why);
    if (again)
        agree = count_held(again) == count_said(s, len) ||
                (root && json_equal(root, again) && has_twins(s, len, flags));
    else
        agree = !root;
    json_decref(root);
    if (agree) return again;
    json_decref(again);
    why->text[0] = '\0'; /* there was no memory */
    return NULL;
}

opro_status opro__json_parse(json_t **out, opro__mem *mem, opro_error *err, const char *s,
                             size_t len) {
    json_error_t why;
    size_t nodes = 0;
    opro__buf copy;
    opro_status st;
    json_t *root;

    opro__buf_init(&copy, mem, SIZE_MAX / 2);
    if (begins(s, len, "\xef\xbb\xbf")) {
        s += 3;
        len -= 3;
    }
    st = look_over(s, len, &nodes, err);
    if (st != OPRO_OK) goto out;
    root = load(s, len, nodes, 0, &why);
    if (!root && !no_memory(&why) && repair(&copy, s, len) && copy.status == OPRO_OK)
        root = load(copy.data, copy.len, nodes, 0, &why);
    if (root)
        *out = root;
    else if (no_memory(&why) || copy.status != OPRO_OK)
        st = opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
    else
        st = not_json(err, &why, s, len);
out:
    opro__buf_free(&copy);
    return st;
}

opro_status opro__json_check(opro__mem *mem, opro_error *err, const char *s, size_t len) {
    const size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
    const char *nul = memchr(s, '\0', len); /* jansson overlooks one behind a number */
    size_t nodes = 0;
    opro_status st = look_over(s, len, &nodes, err);
    json_error_t why;
    json_t *root;

    (void)mem;
    if (st != OPRO_OK) return st;
    if (nul)
        return opro__fail(err, OPRO_ERR_PARSE, "not JSON: byte %zu is a NUL", (size_t)(nul - s));
    root = load(s, len, nodes, flags, &why);
    if (!root)
        return no_memory(&why) ? opro__fail(err, OPRO_ERR_NOMEM, "out of memory")
                               : not_json(err, &why, s, len);
    json_decref(root);
    return OPRO_OK;
}

const char *opro__json_text(const json_t *obj, const char *key, size_t *len) {
    const json_t *value = json_object_get(obj, key);

    if (!json_is_string(value)) return NULL;
    if (len) *len = json_string_length(value);
    return json_string_value(value);
}

int64_t opro__json_count(const json_t *obj, const char *key, int64_t fallback) {
    const int64_t most = INT64_C(1) << 53; /* beyond, reals skip integers */
    const json_t *value = json_object_get(obj, key);
    int64_t count = -1;

    if (json_is_integer(value))
        count = json_integer_value(value);
    else if (json_real_value(value) >= 0 && json_real_value(value) <= (double)most)
        count = json_is_real(value) ? (int64_t)json_real_value(value) : -1;
    return count >= 0 && count <= most ? count : fallback;
}
