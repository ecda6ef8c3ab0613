/* SPDX-License-Identifier: MIT */
/* Reading the records of entries. */
#include "base/ascii.h"
#include "base/json_cursor.h"
#include "base/num.h"
#include "base/utf8.h"
#include "core/run.h"
#include "journal_entry.h"
#include "journal_words.h"

void opro__entry_reader_init(opro__entry_reader *reader, opro__mem *mem) {
    *reader = (opro__entry_reader){.mem = mem};
    opro__buf_init(&reader->text, mem, 4 * OPRO__REPLY_MAX);
}

void opro__entry_reader_free(opro__entry_reader *reader) {
    opro__free(reader->mem, reader->line);
    opro__free(reader->mem, reader->scores);
    opro__buf_free(&reader->text);
}

/* A record as it is being read. */
typedef struct reading {
    opro__entry_reader *reader;
    opro__cursor at;
    opro__entry *entry;
    size_t k, parts; /* members "k" and "parts" */
    uint64_t seen;   /* bits of the members that were there */
    const char *x;   /* member "x" */
    size_t x_len;
    int has_scores;
    opro_status st;
} reading;

/* ---- values ---------------------------------------------------------------------------------- */

static int read_int(reading *r, int64_t *value) {
    const char *s;
    size_t len;

    return opro__cursor_skip(&r->at, &s, &len) && opro__int_parse(s, len, value);
}

static int read_int32(reading *r, int32_t *value) {
    int64_t wide;

    if (!read_int(r, &wide) || wide < INT32_MIN || wide > INT32_MAX) return 0;
    *value = (int32_t)wide;
    return 1;
}

static int read_size(reading *r, size_t *value) {
    int64_t wide;

    if (!read_int(r, &wide) || wide < 0) return 0;
    *value = (size_t)wide;
    return *value == (uint64_t)wide; /* sizes may have 32 bits */
}

static int read_text(reading *r, const char **s, size_t *len) {
    char *text;

    if (!opro__cursor_string(&r->at, &text, len)) return 0;
    *s = text;
    return opro__utf8_valid(text, *len);
}

/* A word of a list. */
static int read_word(reading *r, const opro__word *words, int *value) {
    const char *s;
    size_t len;

    if (!read_text(r, &s, &len)) return 0;
    while (words->s && !(strlen(words->s) == len && memcmp(words->s, s, len) == 0))
        words++;
    *value = words->value;
    return words->s != NULL;
}

/* Kinds of records that are not known here are left aside. */
static int read_kind(reading *r) {
    read_word(r, opro__entry_words, &r->entry->kind);
    return 1;
}

/* A string of digits, of an id or a digest. */
static int read_number(reading *r, unsigned base, uint64_t *value) {
    const char *s;
    size_t len;

    if (!read_text(r, &s, &len) || !len || len > 20) return 0;
    *value = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned d = opro__hex(s[i]);

        if (d >= base || *value > (UINT64_MAX - d) / base) return 0;
        *value = *value * base + d;
    }
    return 1;
}

static int read_scores(reading *r) {
    opro__entry_reader *reader = r->reader;

    r->has_scores = 1;
    if (!opro__cursor_take(&r->at, '[', "[")) return 0;
    do {
        void *scores = reader->scores;
        const char *s;
        size_t len;
        double score;

        if (!opro__cursor_skip(&r->at, &s, &len) || opro__num_parse(s, len, &score) != len)
            return 0;
        if (!opro__reserve(reader->mem, &scores, &reader->cap_scores, reader->n_scores + 1,
                           sizeof *reader->scores)) {
            r->st = OPRO_ERR_NOMEM;
            return 0;
        }
        reader->scores = scores;
        reader->scores[reader->n_scores++] = score;
    } while (opro__cursor_take(&r->at, ',', ","));
    return opro__cursor_take(&r->at, ']', "]");
}

/* ---- members --------------------------------------------------------------------------------- */

enum {
    T,
    KIND,
    ID,
    NOW,
    STEP,
    FIRST,
    SET,
    N,
    Q,
    I,
    ORIGIN,
    HOW,
    STATUS,
    REASON,
    PROMPT,
    REPLY,
    COST,
    H,
    K,
    PARTS,
    X,
    S,
    MEMBERS
};

static const char *const members[MEMBERS] = {[T] = "t",           [KIND] = "kind",
                                             [ID] = "id",         [NOW] = "now",
                                             [STEP] = "step",     [FIRST] = "first",
                                             [SET] = "set",       [N] = "n",
                                             [Q] = "q",           [I] = "i",
                                             [ORIGIN] = "origin", [HOW] = "how",
                                             [STATUS] = "status", [REASON] = "reason",
                                             [PROMPT] = "prompt", [REPLY] = "reply",
                                             [COST] = "cost",     [H] = "h",
                                             [K] = "k",           [PARTS] = "parts",
                                             [X] = "x",           [S] = "s"};

#define BIT(member) (UINT64_C(1) << (member))

/* The members that an entry has to have. */
static const uint64_t needs[OPRO__ENTRIES] = {
    [OPRO__ENTRY_TIME] = BIT(NOW),
    [OPRO__ENTRY_REQUEST] = BIT(KIND) | BIT(ID) | BIT(NOW) | BIT(STEP) | BIT(N) | BIT(Q),
    [OPRO__ENTRY_AGAIN] = BIT(ID) | BIT(NOW),
    [OPRO__ENTRY_REPLY] = BIT(ID) | BIT(I) | BIT(ORIGIN) | BIT(HOW) | BIT(X),
    [OPRO__ENTRY_SCORES] = BIT(ID) | BIT(S),
    [OPRO__ENTRY_ERROR] = BIT(ID) | BIT(STATUS) | BIT(X),
    [OPRO__ENTRY_FEEDBACK] = BIT(ID) | BIT(X),
    [OPRO__ENTRY_USAGE] = BIT(ID) | BIT(PROMPT) | BIT(REPLY) | BIT(COST),
    [OPRO__ENTRY_STEP] = BIT(STEP) | BIT(H),
    [OPRO__ENTRY_STOP] = BIT(REASON),
};

static int read_value(reading *r, int member) {
    opro__entry *e = r->entry;
    const char *s;
    size_t len;

    switch (member) {
    case T: return read_kind(r);
    case KIND: return read_word(r, opro__request_words, &e->how);
    case ID: return read_number(r, 10, &e->id);
    case NOW: return read_int(r, &e->now);
    case STEP: return read_int(r, &e->step);
    case FIRST:
    case I: return read_size(r, &e->index);
    case SET: return read_word(r, opro__set_words, &e->number);
    case N: return read_size(r, &e->n);
    case Q:
    case H: return read_number(r, 16, &e->digest);
    case ORIGIN: return read_int32(r, &e->origin);
    case HOW: return read_word(r, opro__reply_words, &e->how);
    case STATUS:
    case REASON: return read_int32(r, &e->number);
    case PROMPT: return read_int(r, &e->usage[0]);
    case REPLY: return read_int(r, &e->usage[1]);
    case COST: return read_int(r, &e->usage[2]);
    case K: return read_size(r, &r->k);
    case PARTS: return read_size(r, &r->parts);
    case X: return read_text(r, &r->x, &r->x_len);
    case S: return read_scores(r);
    default: return opro__cursor_skip(&r->at, &s, &len); /* of a later version */
    }
}

static int read_member(reading *r) {
    const char *key;
    size_t len;
    int member = 0;

    if (!read_text(r, &key, &len) || !opro__cursor_take(&r->at, ':', ":")) return 0;
    while (member < MEMBERS &&
           !(strlen(members[member]) == len && memcmp(members[member], key, len) == 0))
        member++;
    if (member < MEMBERS) r->seen |= BIT(member);
    if (!read_value(r, member)) return 0;
    if (opro__cursor_peek(&r->at) == '}') return 1;
    return opro__cursor_take(&r->at, ',', ",");
}

/* Not an entry, nor a part of one. */
static int is_other(int kind) {
    return kind <= 0 && kind != OPRO__RECORD_PART;
}

static int read_members(reading *r) {
    if (!opro__cursor_take(&r->at, '{', "{")) return 0;
    while (opro__cursor_peek(&r->at) != '}') {
        int kind = r->entry->kind;

        if (!read_member(r)) return 0;
        if (kind) continue;
        kind = r->entry->kind; /* "t" is the first member; the rest of others is not ours to read */
        if (is_other(kind)) return 1;
    }
    return 1;
}

/* ---- a record -------------------------------------------------------------------------------- */

static opro_status copy_line(opro__entry_reader *reader, const opro__journal_record *record) {
    void *line = reader->line;

    if (!opro__reserve(reader->mem, &line, &reader->cap_line, record->len + 1, 1))
        return OPRO_ERR_NOMEM;
    reader->line = line;
    memcpy(reader->line, record->payload, record->len);
    reader->line[record->len] = '\0';
    return OPRO_OK;
}

static void forget_parts(opro__entry_reader *reader) {
    reader->parts = 0;
    reader->n_scores = 0;
    opro__buf_clear(&reader->text);
}

/*
 * Scores are read straight behind those of earlier parts. So before a record is read it has to be
 * known whether it goes on with them; parts of entries that never came are followed by k 0, or by
 * an entry without parts: the scores that are ours are then the last ones.
 */
static opro_status join(reading *r, size_t scores_before) {
    opro__entry_reader *reader = r->reader;
    opro__entry *e = r->entry;
    size_t expected = e->kind == OPRO__RECORD_PART ? r->k : r->parts;

    if (expected == 0 && reader->parts) { /* what was there belongs to nothing */
        size_t own = reader->n_scores - scores_before;

        if (own) memmove(reader->scores, reader->scores + scores_before, own * sizeof(double));
        forget_parts(reader);
        reader->n_scores = own;
    }
    if (expected != reader->parts) return OPRO_ERR_PARSE;
    if (e->kind == OPRO__RECORD_PART || reader->parts) {
        opro__buf_add(&reader->text, r->x, r->x_len);
        if (reader->text.status != OPRO_OK) return reader->text.status;
    }
    if (e->kind == OPRO__RECORD_PART) {
        reader->parts++;
        return OPRO_OK;
    }
    e->text = reader->parts ? opro__buf_text(&reader->text) : r->x;
    e->len = reader->parts ? reader->text.len : r->x_len;
    if (r->has_scores) {
        e->scores = reader->scores;
        e->n = reader->n_scores;
    }
    return OPRO_OK;
}

static opro_status read_record(opro__entry_reader *reader, const opro__journal_record *record,
                               opro__entry *entry) {
    reading r = {.reader = reader, .entry = entry, .x = ""};
    size_t scores_before = reader->n_scores;
    opro_status st = copy_line(reader, record);

    if (st != OPRO_OK) return st;
    r.at = (opro__cursor){.s = reader->line, .len = record->len};
    *entry = (opro__entry){.text = ""};
    if (!read_members(&r)) return r.st == OPRO_OK ? OPRO_ERR_PARSE : r.st;
    if (is_other(entry->kind)) return OPRO_OK;
    if (entry->kind > 0 && (r.seen & needs[entry->kind]) != needs[entry->kind])
        return OPRO_ERR_PARSE;
    return join(&r, scores_before);
}

opro_status opro__entry_read(opro__entry_reader *reader, const opro__journal_record *record,
                             opro__entry *entry, opro_error *err) {
    size_t scores_before;
    opro_status st;

    if (!reader->parts) forget_parts(reader); /* what was handed out is done with */
    scores_before = reader->n_scores;
    st = read_record(reader, record, entry);
    if (st == OPRO_ERR_NOMEM) { /* it can be read again */
        reader->n_scores = scores_before;
        reader->text.status = OPRO_OK;
    }
    if (st == OPRO_OK && entry->kind != OPRO__RECORD_PART) reader->parts = 0;
    if (st == OPRO_ERR_PARSE)
        return opro__fail(err, st, "record %llu is not as this library writes them: %s",
                          (unsigned long long)record->seq,
                          opro__quote(record->payload, record->len).text);
    if (st != OPRO_OK)
        return opro__fail(err, st, "out of memory for record %llu",
                          (unsigned long long)record->seq);
    return st;
}
