/* SPDX-License-Identifier: MIT */
/* Examples in columns: RFC 4180, and lines with tabs. */
#include <string.h>

#include "base/num.h"
#include "dataset.h"

#define NOWHERE SIZE_MAX

/* ---- which columns --------------------------------------------------------------------------- */

/* "7", or "2-5" if last is not NULL, counted from 1, as places from 0. */
static int parse_place(const char *s, size_t *first, size_t *last) {
    const char *dash = last ? strchr(s, '-') : NULL;
    size_t len = dash ? (size_t)(dash - s) : strlen(s);
    int64_t from, to;

    if (s[0] < '1' || s[0] > '9' || !opro__int_parse(s, len, &from)) return 0;
    to = from;
    if (dash &&
        (dash[1] < '1' || dash[1] > '9' || !opro__int_parse(dash + 1, strlen(dash + 1), &to)))
        return 0;
    if (from > 1000000 || to > 1000000 || to < from) return 0;
    *first = (size_t)from - 1;
    if (last) *last = (size_t)to - 1;
    return 1;
}

int opro__columns_by_place(const char *const columns[OPRO__COLUMNS], size_t place[OPRO__COLUMNS],
                           size_t *last_option) {
    int places = 0, wanted = 0;

    for (int i = 0; i < OPRO__COLUMNS; i++) {
        place[i] = NOWHERE;
        if (!columns[i]) continue;
        wanted++;
        places +=
            parse_place(columns[i], &place[i], i == OPRO__COLUMN_OPTIONS ? last_option : NULL);
    }
    return places == wanted ? 1 : places == 0 ? 0 : -1;
}

/* The place of a name in the header. */
static opro_status find_column(opro__reader *r, int which, const char *s, size_t len,
                               size_t place) {
    const char *name = r->dataset->columns[which];

    if (!name || strlen(name) != len || memcmp(name, s, len) != 0) return OPRO_OK;
    if (r->place[which] != NOWHERE)
        return opro__bad_at(r, r->record, "the column %s is there twice", opro__quote(s, len).text);
    r->place[which] = place;
    return OPRO_OK;
}

static opro_status check_columns(opro__reader *r) {
    char *const *columns = r->dataset->columns;

    for (int i = 0; i < OPRO__COLUMNS; i++) {
        int may_miss = !columns[i] || (i == OPRO__COLUMN_OPTIONS && !r->dataset->columns_set);

        if (r->place[i] == NOWHERE && !may_miss)
            return opro__bad_at(r, r->record, "the header has no column %s",
                                opro__quote(columns[i], strlen(columns[i])).text);
    }
    r->last_option = r->place[OPRO__COLUMN_OPTIONS];
    return OPRO_OK;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* The fields of a record, one after the other. */
typedef struct fields {
    char *at, *end; /* at NULL: no more */
    char separator;
    int quotes;
} fields;

/* A field in quotes, which are taken off in its place. */
static void unquote(fields *f, char **s, size_t *len) {
    char *in = f->at + 1, *out = in;

    *s = in;
    for (; in < f->end; in++) {
        if (*in == '"' && (++in == f->end || *in != '"')) break;
        *out++ = *in;
    }
    *len = (size_t)(out - *s);
    f->at = in < f->end ? in + 1 : NULL;
}

static int next_field(fields *f, char **s, size_t *len) {
    char *stop;

    if (!f->at) return 0;
    if (f->quotes && f->at < f->end && *f->at == '"') {
        unquote(f, s, len);
        return 1;
    }
    stop = memchr(f->at, f->separator, (size_t)(f->end - f->at));
    *s = f->at;
    *len = (size_t)((stop ? stop : f->end) - f->at);
    f->at = stop ? stop + 1 : NULL;
    return 1;
}

/* Behind the options so far, a newline between them. */
static void join_option(opro__example *e, char *s, size_t len) {
    if (!e->options_len) {
        e->options = s;
        e->options_len = len;
    } else {
        char *end = (char *)(uintptr_t)e->options + e->options_len;

        *end = '\n'; /* there was a separator, or more */
        memmove(end + 1, s, len);
        e->options_len += len + 1;
    }
}

static opro_status read_fields(opro__reader *r, fields f, opro__example *e) {
    size_t n = 0, len, gap = 0;
    char *s;

    for (; next_field(&f, &s, &len); n++) {
        if (n == r->place[OPRO__COLUMN_QUESTION]) {
            e->question = s;
            e->question_len = len;
        } else if (n == r->place[OPRO__COLUMN_ANSWER]) {
            e->answer = s;
            e->answer_len = len;
        } else if (r->has_options && n >= r->place[OPRO__COLUMN_OPTIONS] && n <= r->last_option) {
            if (len && gap)
                return opro__bad_at(r, r->record, "field %zu is empty, but an option follows", gap);
            if (len)
                join_option(e, s, len);
            else
                gap = n + 1;
        }
    }
    if (r->fields && n != r->fields)
        return opro__bad_at(r, r->record, "%zu fields, where the first line has %zu", n, r->fields);
    if (!e->question || !e->answer)
        return opro__bad_at(r, r->record, "%zu fields, too few for question and answer", n);
    if (r->layout != OPRO_LAYOUT_GSM8K) r->fields = n;
    return OPRO_OK;
}

static opro_status read_header(opro__reader *r, fields f) {
    size_t len;
    char *s;
    opro_status st = OPRO_OK;

    for (; st == OPRO_OK && next_field(&f, &s, &len); r->fields++)
        for (int which = 0; st == OPRO_OK && which < OPRO__COLUMNS; which++)
            st = find_column(r, which, s, len, r->fields);
    return st == OPRO_OK ? check_columns(r) : st;
}

/* ---- records --------------------------------------------------------------------------------- */

typedef opro_status (*record_fn)(opro__reader *r, fields *f);

/* Before the first record: where the columns are. */
static opro_status begin(opro__reader *r, record_fn record) {
    const char *columns[OPRO__COLUMNS];
    fields f;
    opro_status st = OPRO_OK;

    for (int i = 0; i < OPRO__COLUMNS; i++)
        columns[i] = r->dataset->columns[i];
    r->begun = 1;
    if (r->layout == OPRO_LAYOUT_GSM8K) {
        r->place[OPRO__COLUMN_QUESTION] = 0;
        r->place[OPRO__COLUMN_ANSWER] = 1;
        r->place[OPRO__COLUMN_OPTIONS] = NOWHERE;
    } else if (!opro__columns_by_place(columns, r->place, &r->last_option)) {
        st = record(r, &f);
        if (st == OPRO_OK) st = read_header(r, f);
        if (st == OPRO_ERR_PARSE) r->fatal = 1;
    }
    r->has_options = r->place[OPRO__COLUMN_OPTIONS] != NOWHERE;
    return st;
}

static opro_status next(opro__reader *r, record_fn record, opro__example *example) {
    fields f;
    opro_status st = r->begun ? OPRO_OK : begin(r, record);

    if (st == OPRO_OK) st = record(r, &f);
    return st == OPRO_OK ? read_fields(r, f, example) : st;
}

static opro_status tab_record(opro__reader *r, fields *f) {
    size_t len;
    char *s;
    opro_status st = opro__reader_line(r, &s, &len, &r->record);

    if (st == OPRO_OK) *f = (fields){s, s + len, '\t', 0};
    return st;
}

opro_status opro__next_tsv(opro__reader *r, opro__example *example) {
    return next(r, tab_record, example);
}

/* ---- RFC 4180 -------------------------------------------------------------------------------- */

enum {
    AT_FIELD,
    IN_FIELD,
    IN_QUOTES,
    AT_QUOTE, /* the closing one, or the first of two */
    AT_CR     /* behind the closing one               */
};

/* What a byte does to the state; its fault, or NULL. */
static const char *step(int *state, char byte) {
    static const char behind[] = "text behind a closing quote";
    int separates = byte == ',' || byte == '\n';

    switch (*state) {
    case IN_QUOTES:
        if (byte == '"') *state = AT_QUOTE;
        return NULL;
    case AT_QUOTE:
        *state = byte == '"' ? IN_QUOTES : byte == '\r' ? AT_CR : AT_FIELD;
        return byte == '"' || byte == '\r' || separates ? NULL : behind;
    case AT_CR: *state = AT_FIELD; return byte == '\n' ? NULL : behind;
    case IN_FIELD:
        if (separates) *state = AT_FIELD;
        return byte == '"' ? "a quote inside a field that does not begin with one" : NULL;
    default:
        if (!separates) *state = byte == '"' ? IN_QUOTES : IN_FIELD;
        return NULL;
    }
}

/* How long the record at hand is, with its end. */
static opro_status measure(opro__reader *r, size_t *len) {
    int state = AT_FIELD;
    const char *fault = NULL;
    opro_status st = OPRO_OK;
    size_t i = 0;
    char byte = 0;

    for (; !fault && !(byte == '\n' && state == AT_FIELD); i++) {
        st = opro__reader_need(r, i);
        if (st != OPRO_OK) break;
        byte = r->window[r->start + i];
        fault = step(&state, byte);
    }
    *len = i;
    if (st == OPRO_DONE && i) st = OPRO_OK; /* a last line without an end */
    if (st == OPRO_OK && !fault && state == IN_QUOTES) fault = "a quote that is not closed";
    return fault ? opro__bad_at(r, r->line, "%s", fault) : st;
}

static opro_status csv_record(opro__reader *r, fields *f) {
    size_t len;
    char *s;
    opro_status st;

    do {
        r->record = r->line;
        st = measure(r, &len);
        if (st == OPRO_ERR_PARSE) { /* where its quotes end is anybody's guess */
            opro_status dropped = opro__reader_drop_line(r);

            return dropped == OPRO_OK ? st : dropped;
        }
        if (st != OPRO_OK) return st;
        s = r->window + r->start;
        opro__reader_consume(r, len);
        if (s[len - 1] == '\n') len--;
        if (len && s[len - 1] == '\r') len--;
    } while (!len);
    *f = (fields){s, s + len, ',', 1};
    return opro__reader_text(r, r->record, s, len);
}

opro_status opro__next_csv(opro__reader *r, opro__example *example) {
    return next(r, csv_record, example);
}
