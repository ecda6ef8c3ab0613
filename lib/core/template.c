/* SPDX-License-Identifier: MIT */
#include "template.h"

#include "base/utf8.h"

#define TEMPLATE_MAX ((size_t)1 << 20)
#define LITERALS_MAX ((size_t)1 << 30)

static const char *const slot_names[OPRO__SLOTS] = {
#define OPRO__SLOT(id, name) name,
    OPRO__SLOTS_LIST(OPRO__SLOT)
#undef OPRO__SLOT
};

/* ---- compiling ------------------------------------------------------------------------------- */

typedef struct parser {
    const char *text;
    size_t len;
    size_t at;
    const opro__slots *slots;
    opro__buf literals; /* of all pieces: they are cut off where the next one begins */
    opro_error *err;
} parser;

static int has(uint32_t mask, int slot) {
    return (int)(mask >> slot & 1);
}

/* The placeholders that may stand there, for a message. */
static void list_allowed(uint32_t allowed, char *out, size_t size) {
    size_t len = 0;

    out[0] = '\0';
    for (int slot = 0; slot < OPRO__SLOTS; slot++) {
        size_t n = strlen(slot_names[slot]);

        if (!has(allowed, slot) || len + n + 4 > size) continue;
        if (len) out[len++] = ' ';
        out[len++] = '{';
        memcpy(out + len, slot_names[slot], n);
        len += n;
        out[len++] = '}';
        out[len] = '\0';
    }
}

static int find_slot(const char *name, size_t len) {
    for (int slot = 0; slot < OPRO__SLOTS; slot++)
        if (strlen(slot_names[slot]) == len && memcmp(slot_names[slot], name, len) == 0)
            return slot;
    return OPRO__SLOT_NONE;
}

/* The placeholder whose "{" is at p->at. */
static opro_status read_slot(parser *p, int *slot) {
    size_t begin = p->at + 1, end = begin;
    char known[200];

    while (end < p->len && p->text[end] != '}' && p->text[end] != '{' && p->text[end] != '\n')
        end++;
    if (end == p->len || p->text[end] != '}')
        return opro__fail(
            p->err, OPRO_ERR_PARSE,
            "the %s template: the placeholder %s at byte %zu is not closed; a literal "
            "brace is written {{",
            p->slots->what, opro__quote(p->text + p->at, end - p->at).text, p->at);
    *slot = find_slot(p->text + begin, end - begin);
    if (*slot == OPRO__SLOT_NONE || !has(p->slots->allowed, *slot)) {
        list_allowed(p->slots->allowed, known, sizeof known);
        return opro__fail(p->err, OPRO_ERR_PARSE,
                          "the %s template: unknown placeholder %s at byte %zu; it takes %s",
                          p->slots->what, opro__quote(p->text + p->at, end + 1 - p->at).text, p->at,
                          known);
    }
    p->at = end + 1;
    return OPRO_OK;
}

/* Literal text from p->at up to the next placeholder, braces undoubled. */
static opro_status read_literal(parser *p) {
    while (p->at < p->len) {
        char c = p->text[p->at];

        if (c == '{' || c == '}') {
            int doubled = p->at + 1 < p->len && p->text[p->at + 1] == c;

            if (c == '{' && !doubled) return OPRO_OK;
            if (!doubled)
                return opro__fail(
                    p->err, OPRO_ERR_PARSE,
                    "the %s template: a } at byte %zu closes nothing; a literal brace "
                    "is written }}",
                    p->slots->what, p->at);
            p->at++;
        }
        opro__put(&p->literals, &c, 1);
        p->at++;
    }
    return OPRO_OK;
}

/*
 * A literal, with all that is constant in it, and the placeholder behind it. Its literal begins
 * where the last one ended.
 */
static opro_status read_piece(parser *p, opro__template_piece *piece) {
    size_t begin = p->literals.len;
    opro_status st;

    for (;;) {
        piece->slot = OPRO__SLOT_NONE;
        st = read_literal(p);
        if (st == OPRO_OK && p->at < p->len) st = read_slot(p, &piece->slot);
        if (st != OPRO_OK) return st;
        if (piece->slot == OPRO__SLOT_NONE || !has(p->slots->constant, piece->slot)) break;
        opro__put(&p->literals, p->slots->values[piece->slot].s, p->slots->values[piece->slot].len);
    }
    piece->literal.len = p->literals.len - begin;
    return OPRO_OK;
}

static opro_status read_pieces(parser *p, opro__template *t) {
    static const char slack[OPRO__SLACK];
    const char *literal;

    do {
        opro_status st = read_piece(p, &t->pieces[t->n]);

        if (st != OPRO_OK) return st;
    } while (t->pieces[t->n++].slot != OPRO__SLOT_NONE);
    t->fixed = p->literals.len;
    opro__buf_add(&p->literals, slack, sizeof slack);
    t->literals = opro__buf_take(&p->literals, NULL);
    if (!t->literals && p->literals.status != OPRO_ERR_LIMIT)
        return opro__fail(p->err, OPRO_ERR_NOMEM, "out of memory");
    if (!t->literals)
        return opro__fail(p->err, OPRO_ERR_LIMIT, "the %s template is too long", p->slots->what);
    literal = t->literals;
    for (size_t i = 0; i < t->n; i++) {
        t->pieces[i].literal.s = literal;
        literal += t->pieces[i].literal.len;
    }
    return OPRO_OK;
}

/* At most so many pieces, but for the last. */
static size_t count_braces(const char *text, size_t len) {
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '{';
    return n;
}

static opro_status check_text(const parser *p) {
    if (p->len > TEMPLATE_MAX)
        return opro__fail(p->err, OPRO_ERR_LIMIT, "the %s template has %zu bytes; at most %zu",
                          p->slots->what, p->len, TEMPLATE_MAX);
    if (!opro__utf8_valid(p->text, p->len))
        return opro__fail(p->err, OPRO_ERR_INVALID,
                          "the %s template is not valid UTF-8, or has a NUL byte in it",
                          p->slots->what);
    return OPRO_OK;
}

opro_status opro__template_compile(opro__template *out, opro__mem *mem, const char *text,
                                   size_t len, const opro__slots *slots, opro_error *err) {
    parser p = {.text = text, .len = len, .slots = slots, .err = err};
    opro__template t = {0};
    opro_status st = check_text(&p);

    if (st != OPRO_OK) return st;
    opro__buf_init(&p.literals, mem, LITERALS_MAX);
    t.source = opro__memdup(mem, text, len);
    t.source_len = len;
    t.pieces = opro__calloc(mem, count_braces(text, len) + 1, sizeof *t.pieces);
    if (t.source && t.pieces)
        st = read_pieces(&p, &t);
    else
        st = opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
    opro__buf_free(&p.literals);
    if (st != OPRO_OK) {
        opro__template_free(&t, mem);
        return st;
    }
    opro__template_free(out, mem);
    *out = t;
    return OPRO_OK;
}

void opro__template_free(opro__template *t, opro__mem *mem) {
    opro__free(mem, t->pieces);
    opro__free(mem, t->literals);
    opro__free(mem, t->source);
    *t = (opro__template){0};
}

/* ---- filling in ------------------------------------------------------------------------------ */

void opro__template_fill(const opro__template *t, const opro__span *values, opro__buf *out) {
    for (size_t i = 0; i < t->n; i++) {
        const opro__template_piece *piece = &t->pieces[i];

        opro__put(out, piece->literal.s, piece->literal.len);
        if (piece->slot != OPRO__SLOT_NONE)
            opro__put(out, values[piece->slot].s, values[piece->slot].len);
    }
}
