/* SPDX-License-Identifier: MIT */
/* Tags: answers between <INS> and </INS> and their like, and reasoning, which nobody shall see. */
#include "base/ascii.h"
#include "reply_parts.h"

#include <string.h>

#define NOWHERE SIZE_MAX

enum tag_kind { ANSWER_OPEN, ANSWER_CLOSE, REASONING_OPEN, REASONING_CLOSE };

typedef struct tag {
    size_t at;  /* of its "<"      */
    size_t end; /* behind its ">" */
    enum tag_kind kind;
} tag;

/* ---- one tag --------------------------------------------------------------------------------- */

static size_t skip_blanks(opro__slice text, size_t i) {
    while (i < text.len && (text.s[i] == ' ' || (text.s[i] >= '\t' && text.s[i] <= '\r')))
        i++;
    return i;
}

/* name and the n letters at s are the same but for their case. */
static int same_word(const char *name, const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!name[i] || (name[i] | 0x20) != (s[i] | 0x20)) return 0;
    return !name[n];
}

static int is_reasoning(const char *s, size_t n) {
    return same_word("think", s, n) || same_word("thinking", s, n) || same_word("reasoning", s, n);
}

/* The tag at a "<": no attributes, blanks where they do no harm. name: of answers, or NULL. */
static int read_tag(opro__slice text, size_t at, const char *name, tag *t) {
    size_t i = skip_blanks(text, at + 1), word;
    int closing = i < text.len && text.s[i] == '/';
    int answer;

    if (closing) i = skip_blanks(text, i + 1);
    word = i;
    while (i < text.len && opro__is_letter(text.s[i]))
        i++;
    answer = name && same_word(name, text.s + word, i - word);
    if (!answer && !is_reasoning(text.s + word, i - word)) return 0;
    i = skip_blanks(text, i);
    if (i == text.len || text.s[i] != '>') return 0;
    t->at = at;
    t->end = i + 1;
    if (answer)
        t->kind = closing ? ANSWER_CLOSE : ANSWER_OPEN;
    else
        t->kind = closing ? REASONING_CLOSE : REASONING_OPEN;
    return 1;
}

/* The first tag from a place on. */
static int next_tag(opro__slice text, const char *name, size_t from, tag *t) {
    while (from < text.len) {
        const char *p = memchr(text.s + from, '<', text.len - from);

        if (!p) return 0;
        if (read_tag(text, (size_t)(p - text.s), name, t)) return 1;
        from = (size_t)(p + 1 - text.s);
    }
    return 0;
}

/* ---- entities -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *text;
} entities[] = {
    {"&lt;", "<"},   {"&gt;", ">"},  {"&quot;", "\""},       {"&#39;", "'"},
    {"&apos;", "'"}, {"&amp;", "&"}, {"&nbsp;", "\xc2\xa0"},
};

static int stands_at(opro__slice text, size_t i, const char *s) {
    size_t n = strlen(s);

    return text.len - i >= n && memcmp(text.s + i, s, n) == 0;
}

/* Somewhere stands &lt;TAG&gt;. */
static int has_escaped_tag(opro__slice text, const char *name) {
    for (size_t i = 0; i < text.len; i++) {
        const char *p = memchr(text.s + i, '&', text.len - i);
        size_t word;

        if (!p) return 0;
        i = (size_t)(p - text.s);
        if (!stands_at(text, i, "&lt;")) continue;
        i = word = skip_blanks(text, i + 4);
        while (i < text.len && opro__is_letter(text.s[i]))
            i++;
        if (same_word(name, text.s + word, i - word) &&
            stands_at(text, skip_blanks(text, i), "&gt;"))
            return 1;
        i--; /* here may begin the next one */
    }
    return 0;
}

static void decode_entities(opro__slice text, opro__buf *out) {
    size_t plain = 0; /* start of the stretch without entities */

    for (size_t i = 0; i < text.len; i++) {
        const char *p = memchr(text.s + i, '&', text.len - i);

        if (!p) break;
        i = (size_t)(p - text.s);
        for (size_t k = 0; k < sizeof entities / sizeof *entities; k++) {
            if (!stands_at(text, i, entities[k].name)) continue;
            opro__buf_add(out, text.s + plain, i - plain);
            opro__buf_addz(out, entities[k].text);
            plain = i + strlen(entities[k].name);
            i = plain - 1;
            break;
        }
    }
    opro__buf_add(out, text.s + plain, text.len - plain);
}

/* ---- answers --------------------------------------------------------------------------------- */

enum place { OUTSIDE, IN_ANSWER, IN_REASONING };

typedef struct scan {
    opro__reading *reading;
    opro__slice text;
    const char *name;
    int line;
    enum place place;
    size_t begin;   /* of the answer that is open                                       */
    size_t visible; /* what can be an answer begins here: behind a stray </think>       */
    size_t stray;   /* the first closing tag there, of an answer that was never opened  */
    int opened;     /* there is an opening tag from visible on                          */
    int literal;    /* there is one anywhere                                            */
} scan;

static opro__slice first_line(opro__slice text) {
    while (text.len > 0) {
        size_t n = 0;

        while (n < text.len && text.s[n] != '\n' && text.s[n] != '\r')
            n++;
        if (opro__slice_trim((opro__slice){text.s, n}).len > 0) return (opro__slice){text.s, n};
        if (n < text.len) n++;
        text.s += n;
        text.len -= n;
    }
    return text;
}

static opro_status finish_answer(scan *sc, size_t end, int closed) {
    opro__slice answer = {sc->text.s + sc->begin, end - sc->begin};

    if (!closed && sc->line) answer = first_line(answer);
    return opro__reading_add(sc->reading, opro__slice_clean(answer), 1, closed);
}

static void meet_outside(scan *sc, const tag *t) {
    switch (t->kind) {
    case ANSWER_OPEN:
        sc->place = IN_ANSWER;
        sc->begin = t->end;
        sc->opened = 1;
        break;
    case ANSWER_CLOSE:
        if (sc->stray == NOWHERE) sc->stray = t->at;
        break;
    case REASONING_OPEN: sc->place = IN_REASONING; break;
    case REASONING_CLOSE: /* its opening tag was in the prompt: all up to here was reasoning */
        opro__reading_restart(sc->reading);
        sc->visible = t->end;
        sc->stray = NOWHERE;
        sc->opened = 0;
        break;
    }
}

static opro_status meet(scan *sc, const tag *t) {
    if (t->kind == ANSWER_OPEN) sc->literal = 1;
    if (sc->place == OUTSIDE) {
        meet_outside(sc, t);
    } else if (sc->place == IN_REASONING) {
        if (t->kind == REASONING_CLOSE) sc->place = OUTSIDE;
    } else if (t->kind == ANSWER_OPEN) {
        sc->begin = t->end;
    } else if (t->kind == ANSWER_CLOSE) {
        sc->place = OUTSIDE;
        return finish_answer(sc, t->at, 1);
    }
    return OPRO_OK;
}

/* What is not reasoning, appended. No stray closing tag is in text. */
static void add_visible(opro__slice text, const char *between, opro__buf *out) {
    size_t begin = 0, at = 0;
    int hidden = 0;
    tag t;

    for (; next_tag(text, NULL, at, &t); at = t.end) {
        if (!hidden && t.kind == REASONING_OPEN) {
            opro__buf_add(out, text.s + begin, t.at - begin);
            opro__buf_addz(out, between);
            hidden = 1;
        } else if (hidden && t.kind == REASONING_CLOSE) {
            begin = t.end;
            hidden = 0;
        }
    }
    if (!hidden) opro__buf_add(out, text.s + begin, text.len - begin);
}

/* All that is visible before a closing tag that no opening tag belongs to. */
static opro_status finish_unopened(scan *sc) {
    opro__slice text = {sc->text.s + sc->visible, sc->stray - sc->visible};
    opro__buf visible;
    opro_status st;

    opro__buf_init(&visible, sc->reading->reply->text.mem, text.len);
    add_visible(text, "", &visible);
    st = visible.status;
    if (st == OPRO_OK) {
        text = (opro__slice){opro__buf_text(&visible), visible.len};
        st = opro__reading_add(sc->reading, opro__slice_clean(text), 0, 1);
    }
    opro__buf_free(&visible);
    return st;
}

static opro_status read_answers(scan *sc) {
    opro_status st = OPRO_OK;
    tag t;

    for (size_t at = 0; st == OPRO_OK && next_tag(sc->text, sc->name, at, &t); at = t.end)
        st = meet(sc, &t);
    if (st != OPRO_OK) return st;
    if (sc->place == IN_ANSWER) return finish_answer(sc, sc->text.len, 0);
    return !sc->opened && sc->stray != NOWHERE ? finish_unopened(sc) : OPRO_OK;
}

opro_status opro__reading_tags(opro__reading *reading, const char *name, int line,
                               opro__slice text) {
    scan sc = {.reading = reading, .text = text, .name = name, .line = line, .stray = NOWHERE};
    scan again = sc;
    opro__buf decoded;
    opro_status st = read_answers(&sc);

    if (st != OPRO_OK || sc.literal || !has_escaped_tag(text, name)) return st;
    opro__buf_init(&decoded, reading->reply->text.mem, text.len);
    decode_entities(text, &decoded);
    st = decoded.status;
    if (st == OPRO_OK) {
        opro__reading_restart(reading);
        again.text = (opro__slice){opro__buf_text(&decoded), decoded.len};
        st = read_answers(&again);
    }
    opro__buf_free(&decoded);
    return st;
}

/* ---- reasoning alone ------------------------------------------------------------------------- */

opro_status opro__cut_reasoning(opro__slice *text, opro__buf *out) {
    size_t visible = 0; /* behind the last stray closing tag */
    int any = 0, hidden = 0;
    tag t;

    for (size_t at = 0; next_tag(*text, NULL, at, &t); at = t.end) {
        any = 1;
        if (t.kind == REASONING_OPEN)
            hidden = 1;
        else if (hidden)
            hidden = 0;
        else
            visible = t.end;
    }
    if (!any) return OPRO_OK;
    add_visible((opro__slice){text->s + visible, text->len - visible}, "\n", out);
    if (out->status == OPRO_OK) *text = (opro__slice){opro__buf_text(out), out->len};
    return out->status;
}
