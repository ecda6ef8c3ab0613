/* SPDX-License-Identifier: MIT */
/* The entries of a journal, for whoever looks at one. */
#include "core/run.h"
#include "journal.h"
#include "journal_header.h"

static opro_status open_to_read(opro_journal *journal) {
    opro_status st;

    if (journal->file) return OPRO_OK;
    st = opro__journal_attach_file(journal, NULL, 0, &journal->err);
    if (st == OPRO_OK) journal->record.payload = NULL;
    journal->unread = 0;
    return st;
}

/* The header is for people as it is. */
static opro_status take_header(opro_journal *journal) {
    const opro__journal_record *record = &journal->record;
    opro_status st = opro__header_check(record->payload, record->len, 0, &journal->err);

    journal->entry =
        (opro__entry){.kind = OPRO__RECORD_HEADER, .text = record->payload, .len = record->len};
    return st;
}

/* What there was no memory for is read again. */
static opro_status next(opro_journal *journal) {
    opro_status st = OPRO_OK;

    do {
        if (!journal->unread)
            st = opro__journal_file_next(journal->file, &journal->record, &journal->err);
        journal->unread = 0;
        if (st != OPRO_OK) return st;
        if (!journal->record.seq) return take_header(journal);
        st = opro__entry_read(&journal->reader, &journal->record, &journal->entry, &journal->err);
        journal->unread = st == OPRO_ERR_NOMEM;
    } while (st == OPRO_OK && journal->entry.kind == OPRO__RECORD_PART);
    return st;
}

opro_status opro_journal_next(opro_journal *journal) {
    opro_status st;

    if (!journal) return OPRO_ERR_INVALID;
    opro__err_clear(&journal->err);
    if (journal->keeps || journal->busy)
        return opro__fail(&journal->err, OPRO_ERR_STATE,
                          "this journal keeps a run; read it with another handle");
    st = open_to_read(journal);
    if (st == OPRO_OK) st = next(journal);
    if (st != OPRO_OK && !journal->unread) journal->record.payload = NULL;
    return st;
}

/* An entry was read last. */
static int is_there(const opro_journal *journal) {
    return journal->record.payload && !journal->unread;
}

int32_t opro_journal_entry(const opro_journal *journal) {
    if (!is_there(journal)) return 0;
    switch (journal->entry.kind) {
    case OPRO__RECORD_HEADER: return OPRO_ENTRY_HEADER;
    case OPRO__ENTRY_TIME: return OPRO_ENTRY_TIME;
    case OPRO__ENTRY_REQUEST: return OPRO_ENTRY_REQUEST;
    case OPRO__ENTRY_AGAIN: return OPRO_ENTRY_AGAIN;
    case OPRO__ENTRY_REPLY: return OPRO_ENTRY_REPLY;
    case OPRO__ENTRY_SCORES: return OPRO_ENTRY_SCORES;
    case OPRO__ENTRY_ERROR: return OPRO_ENTRY_ERROR;
    case OPRO__ENTRY_FEEDBACK: return OPRO_ENTRY_FEEDBACK;
    case OPRO__ENTRY_USAGE: return OPRO_ENTRY_USAGE;
    case OPRO__ENTRY_STEP: return OPRO_ENTRY_STEP;
    case OPRO__ENTRY_STOP: return OPRO_ENTRY_STOP;
    case OPRO__ENTRY_RESUME: return OPRO_ENTRY_RESUME;
    case OPRO__RECORD_CLOSE: return OPRO_ENTRY_CLOSE;
    default: return OPRO_ENTRY_OTHER;
    }
}

/* What there is of one kind of entry only is not to be seen in others. */
static int is(const opro_journal *journal, int kind) {
    return is_there(journal) && journal->entry.kind == kind;
}

int64_t opro_journal_entry_record(const opro_journal *journal) {
    return is_there(journal) ? (int64_t)journal->record.seq : 0;
}

uint64_t opro_journal_entry_id(const opro_journal *journal) {
    return is_there(journal) ? journal->entry.id : 0;
}

int64_t opro_journal_entry_step(const opro_journal *journal) {
    return is_there(journal) ? journal->entry.step : 0;
}

size_t opro_journal_entry_index(const opro_journal *journal) {
    return is_there(journal) ? journal->entry.index : 0;
}

size_t opro_journal_entry_wanted(const opro_journal *journal) {
    return is(journal, OPRO__ENTRY_REQUEST) ? journal->entry.n : 0;
}

int32_t opro_journal_entry_how(const opro_journal *journal) {
    if (is(journal, OPRO__ENTRY_REQUEST)) return journal->entry.how;
    if (!is(journal, OPRO__ENTRY_REPLY)) return 0;
    if (journal->entry.how == OPRO__ANSWER_TRUNCATED) return OPRO_REASON_TRUNCATED;
    return journal->entry.how == OPRO__ANSWER_REFUSED ? OPRO_REASON_REFUSED : 0;
}

int32_t opro_journal_entry_value(const opro_journal *journal) {
    if (is(journal, OPRO__ENTRY_REPLY)) return journal->entry.origin;
    return is_there(journal) ? journal->entry.number : 0;
}

int64_t opro_journal_entry_ms(const opro_journal *journal) {
    return is_there(journal) ? journal->entry.now : 0;
}

const char *opro_journal_entry_text(const opro_journal *journal, size_t *len) {
    int there = is_there(journal);

    if (len) *len = there ? journal->entry.len : 0;
    return there ? journal->entry.text : "";
}

const double *opro_journal_entry_scores(const opro_journal *journal, size_t *count) {
    int there = is(journal, OPRO__ENTRY_SCORES);

    if (count) *count = there ? journal->entry.n : 0;
    return there ? journal->entry.scores : NULL;
}

void opro_journal_entry_usage(const opro_journal *journal, int64_t *prompt_tokens,
                              int64_t *reply_tokens, int64_t *cost) {
    int there = is(journal, OPRO__ENTRY_USAGE);

    if (prompt_tokens) *prompt_tokens = there ? journal->entry.usage[0] : 0;
    if (reply_tokens) *reply_tokens = there ? journal->entry.usage[1] : 0;
    if (cost) *cost = there ? journal->entry.usage[2] : 0;
}
