/* SPDX-License-Identifier: MIT */
/* Examples as JSON objects: one a line, or in the array of a file of BIG-Bench Hard. */
#include <string.h>

#include "base/json_cursor.h"
#include "dataset.h"

/* ---- one object ------------------------------------------------------------------------------ */

/* An object that is being read: the names of its members, and what was found. */
typedef struct object {
    opro__reader *r;
    opro__cursor c;
    const char *names[OPRO__COLUMNS]; /* NULL: not wanted */
    int texts_only;                   /* an answer is a text, and nothing else will do */
    char *text[OPRO__COLUMNS];        /* NULL: not found                               */
    size_t len[OPRO__COLUMNS];
} object;

/* What the grammar does not allow, at the cursor. */
static opro_status broken(object *o) {
    return opro__bad_at(o->r, o->r->record, "at byte %zu: expected %s", o->c.at, o->c.expected);
}

static opro_status wrong_type(object *o, int which, const char *wanted) {
    const char *name = o->names[which];

    return opro__bad_at(o->r, o->r->record, "the member %s is not %s",
                        opro__quote(name, strlen(name)).text, wanted);
}

static opro_status read_string(object *o, int which) {
    return opro__cursor_string(&o->c, &o->text[which], &o->len[which]) ? OPRO_OK : broken(o);
}

/* A number or a truth value, as it is written. */
static opro_status read_plain(object *o, int which) {
    const char *value;
    size_t len;
    char first = opro__cursor_peek(&o->c);

    if (!opro__cursor_skip(&o->c, &value, &len)) return broken(o);
    if (o->texts_only || first == '{' || first == '[' || first == 'n')
        return wrong_type(o, which, o->texts_only ? "a text" : "a text, a number or a truth value");
    o->text[which] = o->c.s + (value - o->c.s);
    o->len[which] = len;
    return OPRO_OK;
}

/* An array of texts, joined by newlines where it was. */
static opro_status read_options(object *o) {
    opro__cursor *c = &o->c;
    char *out, *text, *start;
    size_t len;

    if (opro__cursor_peek(c) == '"') return read_string(o, OPRO__COLUMN_OPTIONS);
    if (opro__cursor_peek(c) != '[')
        return wrong_type(o, OPRO__COLUMN_OPTIONS, "an array of texts");
    out = start = c->s + c->at++;
    while (opro__cursor_peek(c) != ']') {
        if (out != start && !opro__cursor_take(c, ',', "',' or ']'")) return broken(o);
        if (opro__cursor_peek(c) != '"')
            return wrong_type(o, OPRO__COLUMN_OPTIONS, "an array of texts");
        if (!opro__cursor_string(c, &text, &len)) return broken(o);
        if (memchr(text, '\n', len))
            return wrong_type(o, OPRO__COLUMN_OPTIONS, "an array of single lines");
        if (out != start) *out++ = '\n';
        memmove(out, text, len);
        out += len;
        if (!len)
            return wrong_type(o, OPRO__COLUMN_OPTIONS, "an array of texts that are not empty");
    }
    c->at++;
    o->text[OPRO__COLUMN_OPTIONS] = start;
    o->len[OPRO__COLUMN_OPTIONS] = (size_t)(out - start);
    return OPRO_OK;
}

static opro_status read_member(object *o) {
    const char *value;
    char *name;
    size_t len;
    int which = 0;

    if (!opro__cursor_string(&o->c, &name, &len)) return broken(o);
    while (which < OPRO__COLUMNS && !(o->names[which] && strlen(o->names[which]) == len &&
                                      memcmp(o->names[which], name, len) == 0))
        which++;
    if (which < OPRO__COLUMNS && o->text[which])
        return opro__bad_at(o->r, o->r->record, "the member %s is there twice",
                            opro__quote(name, len).text);
    if (!opro__cursor_take(&o->c, ':', "':'")) return broken(o);
    if (which == OPRO__COLUMNS) return opro__cursor_skip(&o->c, &value, &len) ? OPRO_OK : broken(o);
    if (which == OPRO__COLUMN_OPTIONS) return read_options(o);
    if (opro__cursor_peek(&o->c) == '"') return read_string(o, which);
    return which == OPRO__COLUMN_ANSWER ? read_plain(o, which) : wrong_type(o, which, "a text");
}

static opro_status read_members(object *o) {
    opro__cursor *c = &o->c;
    opro_status st = OPRO_OK;

    if (!opro__cursor_take(c, '{', "an object")) return broken(o);
    if (opro__cursor_peek(c) == '}') {
        c->at++;
    } else {
        do
            st = read_member(o);
        while (st == OPRO_OK && opro__cursor_peek(c) == ',' && ++c->at);
        if (st == OPRO_OK && !opro__cursor_take(c, '}', "',' or '}'")) st = broken(o);
    }
    if (st != OPRO_OK) return st;
    opro__cursor_peek(c);
    c->expected = "nothing more";
    return c->at == c->len ? OPRO_OK : broken(o);
}

/* options: they must be there. */
static opro_status read_object(object *o, char *s, size_t len, int options,
                               opro__example *example) {
    opro_status st;

    o->c.s = s;
    o->c.len = len;
    st = read_members(o);
    if (st != OPRO_OK) return st;
    for (int i = 0; i < OPRO__COLUMNS; i++)
        if (!o->text[i] && (i != OPRO__COLUMN_OPTIONS || options))
            return opro__bad_at(o->r, o->r->record, "the member %s is missing",
                                opro__quote(o->names[i], strlen(o->names[i])).text);
    *example = (opro__example){
        o->text[OPRO__COLUMN_QUESTION], o->text[OPRO__COLUMN_ANSWER], o->text[OPRO__COLUMN_OPTIONS],
        o->len[OPRO__COLUMN_QUESTION],  o->len[OPRO__COLUMN_ANSWER],  o->len[OPRO__COLUMN_OPTIONS],
    };
    if (!example->options) example->options = "";
    return OPRO_OK;
}

/* ---- JSON Lines ------------------------------------------------------------------------------ */

static size_t lines_of(const char *s, size_t len) {
    size_t n = len > 0;

    for (size_t i = 0; i < len; i++)
        n += s[i] == '\n';
    return n;
}

/* The answer is the letter of an option. */
static opro_status check_letter(const opro__reader *r, const opro__example *e) {
    size_t n = lines_of(e->options, e->options_len);

    if (e->answer_len == 1 && e->answer[0] >= 'A' && (size_t)(e->answer[0] - 'A') < n)
        return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE,
                      "line %lld: the member \"correct\" is not the letter of an option",
                      (long long)r->record);
}

opro_status opro__next_json_line(opro__reader *r, opro__example *example) {
    int aqua = r->layout == OPRO_LAYOUT_AQUA;
    object o = {.r = r, .texts_only = aqua};
    char *const *columns = r->dataset->columns;
    size_t len;
    char *s;
    opro_status st;

    for (int i = 0; i < OPRO__COLUMNS; i++)
        o.names[i] = columns[i];
    if (aqua) {
        o.names[OPRO__COLUMN_QUESTION] = "question";
        o.names[OPRO__COLUMN_ANSWER] = "correct";
        o.names[OPRO__COLUMN_OPTIONS] = "options";
    }
    do {
        st = opro__reader_line(r, &s, &len, &r->record);
        if (st != OPRO_OK) return st;
    } while (opro__is_blank(s, len));
    st = read_object(&o, s, len, aqua || (r->dataset->columns_set && columns[OPRO__COLUMN_OPTIONS]),
                     example);
    return st == OPRO_OK && aqua ? check_letter(r, example) : st;
}

/* ---- BIG-Bench Hard -------------------------------------------------------------------------- */

/*
 * The one object of the file is walked value by value, so that no more than a value is in memory.
 * In the array of examples each element is a record.
 */
enum {
    AT_START,
    AT_FIRST_MEMBER, /* behind '{'                         */
    AT_MEMBER,       /* behind a member                    */
    AT_FIRST_ITEM,   /* behind the '[' of the examples     */
    AT_ITEM,         /* behind an example                  */
    AT_END           /* behind '}'                         */
};

static opro_status structure(opro__reader *r, const char *expected) {
    r->fatal = 1;
    return opro__bad_at(r, r->line, "expected %s", expected);
}

/* Past blanks: the next byte. The end of the file is a fault. */
static opro_status peek(opro__reader *r, char *byte, const char *expected) {
    opro_status st;

    while ((st = opro__reader_need(r, 0)) == OPRO_OK) {
        *byte = r->window[r->start];
        if (!*byte || !strchr(" \t\r\n", *byte)) return OPRO_OK;
        opro__reader_consume(r, 1);
    }
    return st == OPRO_DONE ? structure(r, expected) : st;
}

static opro_status take(opro__reader *r, char wanted, const char *expected) {
    char byte = 0;
    opro_status st = peek(r, &byte, expected);

    if (st == OPRO_OK && byte != wanted) st = structure(r, expected);
    if (st == OPRO_OK) opro__reader_consume(r, 1);
    return st;
}

/* How far a value goes, by quotes and brackets alone. */
typedef struct extent {
    size_t at, depth;
    int quoted, escaped;
} extent;

/* One more byte: 1 if it is the first one behind the value. */
static int is_behind(extent *e, char byte) {
    if (e->quoted) {
        e->quoted = e->escaped || byte != '"';
        e->escaped = !e->escaped && byte == '\\';
        return 0;
    }
    if (byte == '"') e->quoted = 1;
    if (byte == '{' || byte == '[') e->depth++;
    if (byte != '}' && byte != ']') return !e->depth && (byte == ',' || byte == ':');
    if (!e->depth) return 1;
    e->depth--;
    return 0;
}

/* A value, from the first byte that is not blank on; consumed. Blanks may follow in it. */
static opro_status take_value(opro__reader *r, char **s, size_t *len) {
    extent e = {0, 0, 0, 0};
    char byte;
    opro_status st = peek(r, &byte, "a value");

    r->record = r->line;
    while (st == OPRO_OK && (st = opro__reader_need(r, e.at)) == OPRO_OK &&
           !is_behind(&e, r->window[r->start + e.at]))
        e.at++;
    if (st == OPRO_DONE) st = structure(r, "the rest of the file");
    if (st == OPRO_ERR_PARSE) r->fatal = 1;
    if (st != OPRO_OK) return st;
    if (!e.at) return structure(r, "a value");
    *s = r->window + r->start;
    *len = e.at;
    opro__reader_consume(r, e.at);
    return OPRO_OK;
}

static opro_status check_value(opro__reader *r, char *s, size_t len) {
    opro__cursor c = {.s = s, .len = len, .newlines = 1};
    const char *value;
    size_t n;
    opro_status st = opro__reader_text(r, r->record, s, len);

    if (st == OPRO_OK && opro__cursor_skip(&c, &value, &n) && opro__cursor_peek(&c) == '\0')
        return OPRO_OK;
    r->fatal = 1;
    return st == OPRO_OK ? opro__bad_at(r, r->record, "expected a value") : st;
}

/* A member of the file's object, or into its examples. */
static opro_status pass_member(opro__reader *r) {
    static const char name[] = "\"examples\"";
    size_t len = 0;
    char *s = NULL, byte = 0;
    int examples;
    opro_status st = peek(r, &byte, "the name of a member");

    if (st == OPRO_OK && byte != '"') st = structure(r, "the name of a member");
    if (st == OPRO_OK) st = take_value(r, &s, &len);
    if (st == OPRO_OK) st = check_value(r, s, len);
    if (st != OPRO_OK) return st;
    examples = len >= sizeof name - 1 && memcmp(s, name, sizeof name - 1) == 0;
    if (examples && r->has_examples) return structure(r, "one member \"examples\"");
    st = take(r, ':', "':'");
    r->state = AT_MEMBER;
    if (st == OPRO_OK && !examples) {
        st = take_value(r, &s, &len);
        return st == OPRO_OK ? check_value(r, s, len) : st;
    }
    if (st == OPRO_OK) st = take(r, '[', "an array of examples");
    r->has_examples = 1;
    r->state = AT_FIRST_ITEM;
    return st;
}

/* Behind the members: nothing but blanks. */
static opro_status end_of_file(opro__reader *r) {
    char byte;
    opro_status st;

    if (!r->has_examples) return structure(r, "a member \"examples\"");
    while ((st = opro__reader_need(r, 0)) == OPRO_OK) {
        byte = r->window[r->start];
        if (!byte || !strchr(" \t\r\n", byte)) return structure(r, "the end of the file");
        opro__reader_consume(r, 1);
    }
    return st;
}

/* From where it is to the next example: OPRO_OK when there is one. */
static opro_status go_on(opro__reader *r) {
    char byte = 0;
    opro_status st = OPRO_OK;

    if (r->state == AT_START) {
        st = take(r, '{', "an object");
        r->state = AT_FIRST_MEMBER;
    }
    while (st == OPRO_OK) {
        int items = r->state == AT_FIRST_ITEM || r->state == AT_ITEM;
        int first = r->state == AT_FIRST_ITEM || r->state == AT_FIRST_MEMBER;

        if (r->state == AT_END) return end_of_file(r);
        st = peek(r, &byte, items ? "',' or ']'" : "',' or '}'");
        if (st != OPRO_OK) break;
        if (byte == (items ? ']' : '}')) {
            opro__reader_consume(r, 1);
            r->state = items ? AT_MEMBER : AT_END;
            continue;
        }
        if (!first) st = take(r, ',', items ? "',' or ']'" : "',' or '}'");
        if (st == OPRO_OK && items) return OPRO_OK;
        if (st == OPRO_OK) st = pass_member(r);
    }
    return st;
}

opro_status opro__next_bbh(opro__reader *r, opro__example *example) {
    object o = {.r = r, .c = {.newlines = 1}, .names = {"input", "target", NULL}, .texts_only = 1};
    size_t len = 0;
    char *s = NULL;
    opro_status st = go_on(r);

    if (st == OPRO_OK) st = take_value(r, &s, &len);
    if (st != OPRO_OK) return st;
    r->state = AT_ITEM;
    st = opro__reader_text(r, r->record, s, len);
    return st == OPRO_OK ? read_object(&o, s, len, 0, example) : st;
}
