/* SPDX-License-Identifier: MIT */
#include "harmless.h"

#include <stdint.h>

#include "base/ascii.h"
#include "base/utf8.h"

/* Words that begin a line of the layout, when a colon follows. */
static const char *const labels[] = {"text",      "score",    "input",   "output",
                                     "value",     "length",   "problem", "expected",
                                     "precision", "feedback", "reason",  "trace"};

static const char *const reasoning[] = {"think", "thinking", "reasoning"};

#define WIDE_COLON "\xef\xbc\x9a" /* U+FF1A */

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The n bytes at s are word, but for the case of its letters. */
static int same_word(const char *s, const char *word, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (opro__lower(s[i]) != opro__lower(word[i])) return 0;
    return 1;
}

static int stands_at(opro__span text, size_t at, const char *word, size_t n) {
    return text.len - at >= n && same_word(text.s + at, word, n);
}

static size_t skip_blanks(opro__span text, size_t i) {
    while (i < text.len && is_blank(text.s[i]))
        i++;
    return i;
}

/* ---- tags ------------------------------------------------------------------------------------ */

static size_t opener_at(opro__span text, size_t i) {
    return text.s[i] == '<' ? 1 : stands_at(text, i, "&lt;", 4) ? 4 : 0;
}

static size_t closer_at(opro__span text, size_t i) {
    return text.s[i] == '>' ? 1 : stands_at(text, i, "&gt;", 4) ? 4 : 0;
}

static int is_name(const opro__harmless *rules, const char *s, size_t n) {
    if (rules->tag && strlen(rules->tag) == n && same_word(s, rules->tag, n)) return 1;
    for (size_t i = 0; i < sizeof reasoning / sizeof *reasoning; i++)
        if (strlen(reasoning[i]) == n && same_word(s, reasoning[i], n)) return 1;
    return 0;
}

typedef struct tag {
    opro__span name;
    int closing;
    size_t end; /* behind it */
} tag;

/*
 * The tag at i. One that the text breaks off counts: what comes behind the text might complete
 * it.
 */
static int read_tag(const opro__harmless *rules, opro__span text, size_t i, tag *t) {
    size_t n = opener_at(text, i), word;

    if (!n) return 0;
    i = skip_blanks(text, i + n);
    t->closing = i < text.len && text.s[i] == '/';
    if (t->closing) i = skip_blanks(text, i + 1);
    word = i;
    while (i < text.len && opro__is_letter(text.s[i]))
        i++;
    t->name = (opro__span){text.s + word, i - word};
    if (!is_name(rules, t->name.s, t->name.len)) return 0;
    i = skip_blanks(text, i);
    n = i < text.len ? closer_at(text, i) : 0;
    t->end = i + n;
    return n || i == text.len;
}

static void write_tag(const tag *t, opro__buf *out) {
    opro__put(out, t->closing ? "(/" : "(", t->closing ? 2 : 1);
    opro__put(out, t->name.s, t->name.len);
    opro__put(out, ")", 1);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The bytes of the line break at i, 0 if there is none. */
static size_t break_at(opro__span text, size_t i) {
    char c = text.s[i];

    if (c == '\r') return i + 1 < text.len && text.s[i + 1] == '\n' ? 2 : 1;
    if (c >= '\n' && c <= '\f') return 1;
    if (c == '\xc2') return stands_at(text, i, "\xc2\x85", 2) ? 2 : 0;
    if (c != '\xe2') return 0;
    return stands_at(text, i, "\xe2\x80\xa8", 3) || stands_at(text, i, "\xe2\x80\xa9", 3) ? 3 : 0;
}

/* What a model would overlook in front of a label or behind it. */
static size_t skip_marks(opro__span text, size_t i) {
    while (i < text.len && (text.s[i] == ' ' || text.s[i] == '\t' ||
                            memchr("*_#>-`\"'", text.s[i], 8) || stands_at(text, i, "\xc2\xa0", 2)))
        i += text.s[i] == '\xc2' ? 2 : 1;
    return i;
}

static int colon_behind(opro__span text, size_t i) {
    i = skip_marks(text, i);
    return i < text.len && (text.s[i] == ':' || stands_at(text, i, WIDE_COLON, 3));
}

/* A line that begins at i looks like one of the layout's. */
static int label_at(const opro__harmless *rules, opro__span text, size_t i) {
    size_t n = rules->score_name.len;

    i = skip_marks(text, i);
    if (i == text.len) return 0;
    if (n && stands_at(text, i, rules->score_name.s, n) && colon_behind(text, i + n)) return 1;
    for (size_t k = 0; k < sizeof labels / sizeof *labels; k++) {
        n = strlen(labels[k]);
        if (opro__lower(text.s[i]) != labels[k][0] || !stands_at(text, i, labels[k], n)) continue;
        if (colon_behind(text, i + n)) return 1;
    }
    return stands_at(text, i, "expected answer", 15) && colon_behind(text, i + 15);
}

/* ---- looking --------------------------------------------------------------------------------- */

#define WIDTH OPRO__SLACK

/* A vector of bytes, as compilers have it on every machine. */
typedef unsigned char bytes __attribute__((vector_size(16)));

typedef struct look {
    bytes odd;   /* top bits: control characters, what is beyond ASCII, < & and brackets */
    bytes colon; /* top bits */
} look;

static inline bytes load(const char *s) {
    bytes x;

    memcpy(&x, s, WIDTH);
    return x;
}

static inline void look_at(look *l, bytes x, int brackets) {
    l->odd |= x | (x - ' ') | (bytes)(x == '<') | (bytes)(x == '&');
    if (brackets) l->odd |= (bytes)(x == '[') | (bytes)(x == ']');
    l->colon |= (bytes)(x == ':');
}

static inline int any(bytes x) {
    uint64_t halves[2];

    memcpy(halves, &x, WIDTH);
    return ((halves[0] | halves[1]) & UINT64_C(0x8080808080808080)) != 0;
}

/* Look at a text, and copy it to to if copy says so: the flags are known where this is called. */
static inline __attribute__((always_inline)) look look_through(const char *s, size_t len,
                                                               int brackets, int copy, char *to) {
    look l = {{0}, {0}};
    char few[WIDTH];
    bytes x;

    if (len < WIDTH) {
        memset(few, ' ', WIDTH);
        if (len) memcpy(few, s, len);
        x = load(few);
        look_at(&l, x, brackets);
        if (copy) memcpy(to, &x, WIDTH);
        return l;
    }
    for (size_t i = 0; i + WIDTH < len; i += WIDTH) {
        x = load(s + i);
        look_at(&l, x, brackets);
        if (copy) memcpy(to + i, &x, WIDTH);
    }
    x = load(s + len - WIDTH); /* some of it again */
    look_at(&l, x, brackets);
    if (copy) memcpy(to + len - WIDTH, &x, WIDTH);
    return l;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct writer {
    const opro__harmless *rules;
    opro__span text;
    opro__buf *out;   /* NULL: only look */
    size_t plain;     /* start of the stretch that needs no change */
    size_t backslash; /* how many stand before this place          */
    int changed;
} writer;

/* The stretch up to i, and s in place of the n bytes there. */
static void replace(writer *w, size_t i, size_t n, const char *s) {
    w->changed = 1;
    if (!w->out) return;
    opro__put(w->out, w->text.s + w->plain, i - w->plain);
    opro__put(w->out, s, strlen(s));
    w->plain = i + n;
}

static void begin_line(writer *w, size_t i) {
    if (!w->text.len) return;
    if (label_at(w->rules, w->text, i))
        replace(w, i, 0, "| ");
    else if (i == w->text.len || break_at(w->text, i))
        replace(w, i, 0, " ");
}

/* What stands at i: how many bytes are dealt with. */
static size_t step(writer *w, unsigned harms, size_t i) {
    char c = w->text.s[i];
    size_t n;
    tag t;

    if (harms & OPRO__HARM_TAGS && (c == '<' || c == '&') && read_tag(w->rules, w->text, i, &t)) {
        replace(w, i, t.end - i, "");
        if (w->out) write_tag(&t, w->out);
        w->backslash = 0;
        return t.end - i;
    }
    if (harms & OPRO__HARM_BRACKETS && (c == '[' || c == ']') && w->backslash % 2 == 0)
        replace(w, i, 0, "\\");
    w->backslash = c == '\\' ? w->backslash + 1 : 0;
    n = harms & OPRO__HARM_LINES ? break_at(w->text, i) : 0;
    if (n) begin_line(w, i + n);
    return n ? n : 1;
}

static void walk(writer *w, unsigned harms) {
    if (harms & OPRO__HARM_LINES) begin_line(w, 0);
    for (size_t i = 0; i < w->text.len && (w->out || !w->changed);)
        i += step(w, harms, i);
    if (w->out) opro__put(w->out, w->text.s + w->plain, w->text.len - w->plain);
}

/* What a look through the text did not settle. */
static int is_plain(const opro__harmless *rules, unsigned harms, opro__span text, const look *l) {
    writer w = {.rules = rules, .text = text};

    if (!any(l->odd)) return !(harms & OPRO__HARM_LINES) || !label_at(rules, text, 0);
    if (!opro__utf8_valid(text.s, text.len)) return 0;
    walk(&w, harms);
    return !w.changed;
}

int opro__harmless_plain(const opro__harmless *rules, unsigned harms, const char *s, size_t len) {
    look l = harms & OPRO__HARM_BRACKETS ? look_through(s, len, 1, 0, NULL)
                                         : look_through(s, len, 0, 0, NULL);

    return !any(l.odd | l.colon) || is_plain(rules, harms, (opro__span){s, len}, &l);
}

int opro__harmless_copy(const opro__harmless *rules, unsigned harms, const char *s, size_t len,
                        char *to) {
    look l = harms & OPRO__HARM_BRACKETS ? look_through(s, len, 1, 1, to)
                                         : look_through(s, len, 0, 1, to);

    return !any(l.odd | l.colon) || is_plain(rules, harms, (opro__span){s, len}, &l);
}

static void add_valid(const opro__harmless *rules, unsigned harms, const char *s, size_t len,
                      opro__buf *out) {
    writer w = {.rules = rules, .text = {s, len}, .out = out};

    walk(&w, harms);
}

void opro__harmless_add(const opro__harmless *rules, unsigned harms, const char *s, size_t len,
                        opro__buf *out) {
    opro__buf repaired;

    if (opro__utf8_valid(s, len)) {
        add_valid(rules, harms, s, len, out);
        return;
    }
    opro__buf_init(&repaired, out->mem, SIZE_MAX / 2);
    opro__utf8_repair(&repaired, s, len);
    if (repaired.status == OPRO_OK)
        add_valid(rules, harms, opro__buf_text(&repaired), repaired.len, out);
    else
        out->status = repaired.status;
    opro__buf_free(&repaired);
}
