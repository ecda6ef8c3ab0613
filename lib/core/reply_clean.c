/* SPDX-License-Identifier: MIT */
/*
 * The cleaning of a candidate. What surrounds it falls only if it does not occur inside, so each
 * kind of fence, quote and emphasis falls once at most: a handful of passes, whatever the text.
 */
#include "base/ascii.h"
#include "reply_parts.h"

#include <string.h>

#define APOSTROPHE "\xe2\x80\x99" /* U+2019 is a closing quote and an apostrophe */

static const struct {
    const char *open;
    const char *close;
} quotes[] = {
    {"\"", "\""},
    {"'", "'"},
    {"\xe2\x80\x9c", "\xe2\x80\x9d"},
    {"\xe2\x80\x98", APOSTROPHE},
    {"\xc2\xab", "\xc2\xbb"},
    {"\xe2\x80\x9e", "\xe2\x80\x9c"},
    {"`", "`"},
};

static const char *const emphasis[] = {"**", "__", "*", "_"};

/* ---- blanks ---------------------------------------------------------------------------------- */

static const char *const wide_blanks[] = {"\xc2\xa0", "\xe2\x80\x8b", "\xef\xbb\xbf"};

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_ascii(char c) {
    return (unsigned char)c < 0x80;
}

static int begins(opro__slice text, const char *mark) {
    size_t n = strlen(mark);

    return text.len >= n && memcmp(text.s, mark, n) == 0;
}

static int ends(opro__slice text, const char *mark) {
    size_t n = strlen(mark);

    return text.len >= n && memcmp(text.s + text.len - n, mark, n) == 0;
}

/* Without the first and the last bytes. */
static opro__slice inside(opro__slice text, size_t front, size_t back) {
    return (opro__slice){text.s + front, text.len - front - back};
}

static size_t wide_front(opro__slice text) {
    if (is_ascii(text.s[0])) return 0;
    for (size_t i = 0; i < sizeof wide_blanks / sizeof *wide_blanks; i++)
        if (begins(text, wide_blanks[i])) return strlen(wide_blanks[i]);
    return 0;
}

static size_t wide_back(opro__slice text) {
    if (is_ascii(text.s[text.len - 1])) return 0;
    for (size_t i = 0; i < sizeof wide_blanks / sizeof *wide_blanks; i++)
        if (ends(text, wide_blanks[i])) return strlen(wide_blanks[i]);
    return 0;
}

opro__slice opro__slice_trim(opro__slice text) {
    size_t n;

    while (text.len > 0 && (n = is_blank(text.s[0]) ? 1 : wide_front(text)) > 0)
        text = inside(text, n, 0);
    while (text.len > 0 && (n = is_blank(text.s[text.len - 1]) ? 1 : wide_back(text)) > 0)
        text = inside(text, 0, n);
    return text;
}

/* ---- fences ---------------------------------------------------------------------------------- */

static const char *find(opro__slice text, const char *mark) {
    size_t n = strlen(mark);
    const char *end = text.s + text.len;

    for (const char *p = text.s; (size_t)(end - p) >= n; p++) {
        p = memchr(p, mark[0], (size_t)(end - p));
        if (!p || (size_t)(end - p) < n) return NULL;
        if (memcmp(p, mark, n) == 0) return p;
    }
    return NULL;
}

/* How many backticks there are at the start, at the end. */
static size_t ticks_front(opro__slice text) {
    size_t n = 0;

    while (n < text.len && text.s[n] == '`')
        n++;
    return n;
}

static size_t ticks_back(opro__slice text) {
    size_t n = 0;

    while (n < text.len && text.s[text.len - 1 - n] == '`')
        n++;
    return n;
}

/* The first line behind an opening fence says what follows, if more lines do. */
static opro__slice drop_info(opro__slice text) {
    const char *newline = memchr(text.s, '\n', text.len);

    if (!newline || memchr(text.s, '`', (size_t)(newline - text.s))) return text;
    return inside(text, (size_t)(newline + 1 - text.s), 0);
}

static opro__slice drop_fence(opro__slice text) {
    size_t front = ticks_front(text);
    opro__slice in;

    if (front < 3) return text;
    if (front == text.len) return front % 2 == 0 && front >= 6 ? inside(text, front, 0) : text;
    if (ticks_back(text) != front) return text;
    in = inside(text, front, front);
    return find(in, "```") ? text : drop_info(in);
}

/* ---- quotes and emphasis --------------------------------------------------------------------- */

/* An apostrophe is no quotation mark. */
static int in_word(opro__slice text, const char *p, size_t n) {
    return p > text.s && p + n < text.s + text.len && opro__is_letter(p[-1]) &&
           opro__is_letter(p[n]);
}

static int has_mark(opro__slice text, const char *mark) {
    int apostrophe = strcmp(mark, "'") == 0 || strcmp(mark, APOSTROPHE) == 0;
    opro__slice rest = text;
    const char *p;

    while ((p = find(rest, mark)) != NULL) {
        size_t n = strlen(mark);

        if (!apostrophe || !in_word(text, p, n)) return 1;
        rest = inside(rest, (size_t)(p - rest.s) + n, 0);
    }
    return 0;
}

static opro__slice drop_quotes(opro__slice text) {
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
        size_t front = strlen(quotes[i].open), back = strlen(quotes[i].close);
        opro__slice in;

        if (text.len < front + back || !begins(text, quotes[i].open) ||
            !ends(text, quotes[i].close))
            continue;
        in = inside(text, front, back);
        return has_mark(in, quotes[i].open) || has_mark(in, quotes[i].close) ? text : in;
    }
    return text;
}

static opro__slice drop_emphasis(opro__slice text) {
    for (size_t i = 0; i < sizeof emphasis / sizeof *emphasis; i++) {
        size_t n = strlen(emphasis[i]);
        opro__slice in;

        if (text.len < 2 * n || !begins(text, emphasis[i]) || !ends(text, emphasis[i])) continue;
        in = inside(text, n, n);
        if (!memchr(in.s, emphasis[i][0], in.len)) return in;
    }
    return text;
}

/* Most texts are not surrounded by anything: see at once. */
static int is_mark(char c) {
    return !is_ascii(c) || c == '"' || c == '\'' || c == '`' || c == '*' || c == '_';
}

opro__slice opro__slice_clean(opro__slice text) {
    size_t before;

    do {
        text = opro__slice_trim(text);
        if (text.len == 0 || !is_mark(text.s[0])) return text;
        before = text.len;
        text = drop_fence(text);
        text = drop_quotes(text);
        text = drop_emphasis(text);
    } while (text.len != before);
    return text;
}

void opro__reply_clean(opro__buf *out, const char *s, size_t len) {
    opro__slice text = opro__slice_clean((opro__slice){s, len});

    opro__buf_add(out, text.s, text.len);
}
