/* SPDX-License-Identifier: MIT */
/* How entries are spelled; writing them. */
#include "journal_entry.h"

#include "base/num.h"
#include "base/utf8.h"
#include "core/run.h"
#include "journal_words.h"

/* What goes into one record: six times as long at most when it is escaped; 25 bytes a score. */
#define TEXT_MAX   ((size_t)128 << 10)
#define SCORES_MAX ((size_t)32 << 10)

const opro__word opro__entry_words[] = {{"time", OPRO__ENTRY_TIME},
                                        {"request", OPRO__ENTRY_REQUEST},
                                        {"again", OPRO__ENTRY_AGAIN},
                                        {"reply", OPRO__ENTRY_REPLY},
                                        {"scores", OPRO__ENTRY_SCORES},
                                        {"error", OPRO__ENTRY_ERROR},
                                        {"feedback", OPRO__ENTRY_FEEDBACK},
                                        {"usage", OPRO__ENTRY_USAGE},
                                        {"step", OPRO__ENTRY_STEP},
                                        {"stop", OPRO__ENTRY_STOP},
                                        {"resume", OPRO__ENTRY_RESUME},
                                        {"part", OPRO__RECORD_PART},
                                        {"journal", OPRO__RECORD_HEADER},
                                        {"close", OPRO__RECORD_CLOSE},
                                        {NULL, 0}};
const opro__word opro__request_words[] = {
    {"propose", OPRO_REQUEST_PROPOSE}, {"score", OPRO_REQUEST_SCORE}, {NULL, 0}};
const opro__word opro__reply_words[] = {{"reply", OPRO__ANSWER_REPLY},
                                        {"truncated", OPRO__ANSWER_TRUNCATED},
                                        {"refused", OPRO__ANSWER_REFUSED},
                                        {"solution", OPRO__ANSWER_SOLUTION},
                                        {NULL, 0}};
const opro__word opro__set_words[] = {
    {"train", OPRO_TRAIN}, {"validation", OPRO_VALIDATION}, {NULL, 0}};

/* ---- pieces ---------------------------------------------------------------------------------- */

static const char *word_for(const opro__word *words, int value) {
    while (words->value != value) /* it is there */
        words++;
    return words->s;
}

void opro__add_key(opro__buf *out, const char *key) {
    opro__buf_addz(out, ",\"");
    opro__buf_addz(out, key);
    opro__buf_addz(out, "\":");
}

static void add_int(opro__buf *out, const char *key, int64_t value) {
    opro__add_key(out, key);
    opro__buf_add_int(out, value);
}

static void add_word(opro__buf *out, const char *key, const opro__word *words, int value) {
    opro__add_key(out, key);
    opro__buf_addc(out, '"');
    opro__buf_addz(out, word_for(words, value));
    opro__buf_addc(out, '"');
}

/* In decimal, as in opro_request_json(). */
static void add_id(opro__buf *out, uint64_t id) {
    char text[24];
    size_t at = sizeof text;

    do
        text[--at] = (char)('0' + id % 10);
    while (id /= 10);
    opro__add_key(out, "id");
    opro__buf_addc(out, '"');
    opro__buf_add(out, text + at, sizeof text - at);
    opro__buf_addc(out, '"');
}

void opro__add_digest(opro__buf *out, const char *key, uint64_t digest) {
    opro__add_key(out, key);
    opro__buf_addc(out, '"');
    for (int shift = 60; shift >= 0; shift -= 4)
        opro__buf_addc(out, "0123456789abcdef"[digest >> shift & 15]);
    opro__buf_addc(out, '"');
}

static void add_text(opro__buf *out, const char *s, size_t len) {
    opro__add_key(out, "x");
    opro__buf_add_json(out, s, len);
}

static void add_scores(opro__buf *out, const double *scores, size_t n) {
    opro__add_key(out, "s");
    for (size_t i = 0; i < n; i++) {
        opro__buf_addc(out, i ? ',' : '[');
        opro__buf_add_real(out, scores[i]);
    }
    opro__buf_addc(out, ']');
}

/* ---- one entry ------------------------------------------------------------------------------- */

static void add_request(opro__buf *out, const opro__entry *e) {
    add_word(out, "kind", opro__request_words, e->how);
    add_id(out, e->id);
    add_int(out, "now", e->now);
    add_int(out, "step", e->step);
    if (e->how == OPRO_REQUEST_SCORE)
        add_word(out, "set", opro__set_words, e->number);
    else
        add_int(out, "first", (int64_t)e->index);
    add_int(out, "n", (int64_t)e->n);
    opro__add_digest(out, "q", e->digest);
}

static void add_reply(opro__buf *out, const opro__entry *e) {
    add_id(out, e->id);
    add_int(out, "i", (int64_t)e->index);
    add_int(out, "origin", e->origin);
    add_word(out, "how", opro__reply_words, e->how);
}

static void add_usage(opro__buf *out, const opro__entry *e) {
    add_id(out, e->id);
    add_int(out, "prompt", e->usage[0]);
    add_int(out, "reply", e->usage[1]);
    add_int(out, "cost", e->usage[2]);
}

static void add_stop(opro__buf *out, const opro__entry *e) {
    add_int(out, "reason", e->number);
    opro__add_key(out, "name");
    opro__buf_add_json(out, opro_stop_reason_name(e->number),
                       strlen(opro_stop_reason_name(e->number)));
    add_int(out, "now", e->now);
    opro__add_digest(out, "h", e->digest);
}

/* All but text and scores. */
static void add_members(opro__buf *out, const opro__entry *e) {
    switch (e->kind) {
    case OPRO__ENTRY_TIME: add_int(out, "now", e->now); return;
    case OPRO__ENTRY_REQUEST: add_request(out, e); return;
    case OPRO__ENTRY_AGAIN:
        add_id(out, e->id);
        add_int(out, "now", e->now);
        return;
    case OPRO__ENTRY_REPLY: add_reply(out, e); return;
    case OPRO__ENTRY_ERROR:
        add_id(out, e->id);
        add_int(out, "status", e->number);
        return;
    case OPRO__ENTRY_SCORES:
    case OPRO__ENTRY_FEEDBACK: add_id(out, e->id); return;
    case OPRO__ENTRY_USAGE: add_usage(out, e); return;
    case OPRO__ENTRY_STEP:
        add_int(out, "step", e->step);
        opro__add_digest(out, "h", e->digest);
        return;
    case OPRO__ENTRY_STOP: add_stop(out, e); return;
    default: return; /* RESUME */
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

void opro__entry_writer_init(opro__entry_writer *writer, opro__mem *mem) {
    opro__buf_init(&writer->record, mem, OPRO__JOURNAL_PAYLOAD);
    opro__buf_init(&writer->mended, mem, 4 * OPRO__REPLY_MAX);
}

void opro__entry_writer_free(opro__entry_writer *writer) {
    opro__buf_free(&writer->record);
    opro__buf_free(&writer->mended);
}

static opro_status append(opro__entry_writer *writer, opro__journal_file *file, opro_error *err) {
    opro__buf *out = &writer->record;

    opro__buf_addc(out, '}');
    if (out->status != OPRO_OK)
        return opro__fail(err, out->status, "out of memory for a record of the journal");
    return opro__journal_file_append(file, out->data, out->len, NULL, err);
}

static opro_status begin_part(opro__buf *out, size_t k) {
    opro__buf_clear(out);
    opro__buf_addz(out, "{\"t\":\"part\"");
    add_int(out, "k", (int64_t)k);
    return out->status;
}

/* What does not fit into the record of the entry goes before it, and is taken from it. */
static opro_status write_parts(opro__entry_writer *writer, opro__journal_file *file,
                               opro__entry *rest, size_t *parts, opro_error *err) {
    opro_status st = OPRO_OK;

    while (st == OPRO_OK && rest->len > TEXT_MAX) {
        size_t n = opro__utf8_cut(rest->text, rest->len, TEXT_MAX);

        begin_part(&writer->record, (*parts)++);
        add_text(&writer->record, rest->text, n);
        st = append(writer, file, err);
        rest->text += n;
        rest->len -= n;
    }
    while (st == OPRO_OK && rest->scores && rest->n > SCORES_MAX) {
        begin_part(&writer->record, (*parts)++);
        add_scores(&writer->record, rest->scores, SCORES_MAX);
        st = append(writer, file, err);
        rest->scores += SCORES_MAX;
        rest->n -= SCORES_MAX;
    }
    return st;
}

opro_status opro__entry_write(opro__entry_writer *writer, opro__journal_file *file,
                              const opro__entry *entry, opro_error *err) {
    opro__entry rest = *entry;
    opro__buf *out = &writer->record;
    size_t parts = 0;
    opro_status st;

    if (!opro__utf8_valid(rest.text, rest.len)) {
        opro__buf_clear(&writer->mended);
        opro__utf8_repair(&writer->mended, rest.text, rest.len);
        if (writer->mended.status != OPRO_OK)
            return opro__fail(err, writer->mended.status, "out of memory for a reply");
        rest.text = opro__buf_text(&writer->mended);
        rest.len = writer->mended.len;
    }
    st = write_parts(writer, file, &rest, &parts, err);
    if (st != OPRO_OK) return st;
    opro__buf_clear(out);
    opro__buf_addz(out, "{\"t\":\"");
    opro__buf_addz(out, word_for(opro__entry_words, rest.kind));
    opro__buf_addc(out, '"');
    add_members(out, &rest);
    if (parts) add_int(out, "parts", (int64_t)parts);
    if (rest.text) add_text(out, rest.text, rest.len);
    if (rest.scores) add_scores(out, rest.scores, rest.n);
    return append(writer, file, err);
}
