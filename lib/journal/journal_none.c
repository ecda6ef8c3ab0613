/* SPDX-License-Identifier: MIT */
/* Journals in builds without them: the same functions, and no journal ever. */
#include "base/err.h"
#include "opro/journal.h"

/* What they are asked makes no difference. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static const opro_error no_error;

static const char *no_text(size_t *len) {
    if (len) *len = 0;
    return "";
}

opro_status opro_journal_new(opro_journal **out, const char *path, size_t len,
                             const opro_config *config, const opro_allocator *mem) {
    return OPRO_ERR_UNSUPPORTED;
}

void opro_journal_free(opro_journal *journal) {
}

const opro_error *opro_journal_error(const opro_journal *journal) {
    return &no_error;
}

opro_status opro_run_resume(opro_run *run, opro_journal *journal) {
    return OPRO_ERR_UNSUPPORTED;
}

int32_t opro_run_replaying(const opro_run *run) {
    return 0;
}

opro_status opro_journal_sync(opro_journal *journal) {
    return OPRO_ERR_UNSUPPORTED;
}

opro_status opro_journal_close(opro_journal *journal) {
    return OPRO_ERR_UNSUPPORTED;
}

int64_t opro_journal_count(const opro_journal *journal, int32_t figure) {
    return 0;
}

const char *opro_journal_torn_file(const opro_journal *journal, size_t *len) {
    return no_text(len);
}

opro_status opro_journal_next(opro_journal *journal) {
    return OPRO_ERR_UNSUPPORTED;
}

int32_t opro_journal_entry(const opro_journal *journal) {
    return 0;
}

int64_t opro_journal_entry_record(const opro_journal *journal) {
    return 0;
}

uint64_t opro_journal_entry_id(const opro_journal *journal) {
    return 0;
}

int64_t opro_journal_entry_step(const opro_journal *journal) {
    return 0;
}

size_t opro_journal_entry_index(const opro_journal *journal) {
    return 0;
}

size_t opro_journal_entry_wanted(const opro_journal *journal) {
    return 0;
}

int32_t opro_journal_entry_how(const opro_journal *journal) {
    return 0;
}

int32_t opro_journal_entry_value(const opro_journal *journal) {
    return 0;
}

int64_t opro_journal_entry_ms(const opro_journal *journal) {
    return 0;
}

const char *opro_journal_entry_text(const opro_journal *journal, size_t *len) {
    return no_text(len);
}

const double *opro_journal_entry_scores(const opro_journal *journal, size_t *count) {
    if (count) *count = 0;
    return NULL;
}

void opro_journal_entry_usage(const opro_journal *journal, int64_t *prompt_tokens,
                              int64_t *reply_tokens, int64_t *cost) {
    if (prompt_tokens) *prompt_tokens = 0;
    if (reply_tokens) *reply_tokens = 0;
    if (cost) *cost = 0;
}
