/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "core/run.h"
#include "journal_header.h"

#define PATH_MAX_BYTES ((size_t)65536)

/* ---- the handle ------------------------------------------------------------------------------ */

opro_status opro_journal_new(opro_journal **out, const char *path, size_t len,
                             const opro_config *config, const opro_allocator *mem) {
    opro__mem own;
    opro_journal *journal;
    opro_status st;

    if (!out || !opro__arg(&path, &len) || !len || len > PATH_MAX_BYTES || memchr(path, '\0', len))
        return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    journal = opro__calloc(&own, 1, sizeof *journal);
    if (!journal) return OPRO_ERR_NOMEM;
    journal->mem = own;
    atomic_init(&journal->refs.count, 1);
    journal->files = &opro__files_system;
    opro__options_copy(&journal->options, config);
    opro__entry_writer_init(&journal->writer, &journal->mem);
    opro__entry_reader_init(&journal->reader, &journal->mem);
    journal->path = opro__memdup(&journal->mem, path, len);
    if (!journal->path) {
        opro_journal_free(journal);
        return OPRO_ERR_NOMEM;
    }
    journal->log = opro__config_log(config);
    *out = journal;
    return OPRO_OK;
}

void opro_journal_free(opro_journal *journal) {
    opro__mem mem;

    if (!journal || !opro__unref(&journal->refs)) return;
    if (opro__journal_detach_file(journal, &journal->err) != OPRO_OK)
        opro__log_say(journal->log, OPRO_LOG_ERROR, "journal", "%s", journal->err.message);
    opro__entry_writer_free(&journal->writer);
    opro__entry_reader_free(&journal->reader);
    opro__free(&journal->mem, journal->torn_file);
    opro__free(&journal->mem, journal->path);
    opro__log_free(journal->log);
    mem = journal->mem;
    opro__free(&mem, journal);
}

const opro_error *opro_journal_error(const opro_journal *journal) {
    return &journal->err;
}

void opro__journal_set_files(opro_journal *journal, const opro__files *files) {
    journal->files = files;
}

/* ---- the file -------------------------------------------------------------------------------- */

opro_status opro__journal_attach_file(opro_journal *journal, const char *header, size_t len,
                                      opro_error *err) {
    opro__journal_setup setup = {.path = journal->path,
                                 .header = header,
                                 .header_len = len,
                                 .read_only = !header,
                                 .allow_network =
                                     OPRO__INT(&journal->options, JOURNAL_NETWORK) != 0};

    journal->reader.parts = 0;
    return opro__journal_file_open(&journal->file, &journal->mem, err, journal->files, &setup);
}

opro_status opro__journal_detach_file(opro_journal *journal, opro_error *err) {
    opro__journal_file *file = journal->file;
    opro_status st;

    if (!file) return OPRO_OK;
    journal->last = *opro__journal_file_state(file);
    journal->last.torn_file = NULL; /* it goes with the file */
    journal->file = NULL;
    st = opro__journal_file_close(file, err);
    if (st == OPRO_OK) journal->last.durable = journal->last.records;
    return st;
}

static const opro__journal_state *state_of(const opro_journal *journal) {
    return journal->file ? opro__journal_file_state(journal->file) : &journal->last;
}

opro_status opro_journal_close(opro_journal *journal) {
    if (!journal) return OPRO_ERR_INVALID;
    opro__err_clear(&journal->err);
    if (journal->busy)
        return opro__fail(&journal->err, OPRO_ERR_REENTRANT,
                          "the journal is being put back into a run");
    return opro__journal_detach_file(journal, &journal->err);
}

opro_status opro_journal_sync(opro_journal *journal) {
    if (!journal) return OPRO_ERR_INVALID;
    opro__err_clear(&journal->err);
    if (!journal->file || !journal->keeps)
        return opro__fail(&journal->err, OPRO_ERR_STATE, "no run is being kept in this journal");
    return opro__journal_file_sync(journal->file, &journal->err);
}

int64_t opro_journal_count(const opro_journal *journal, int32_t figure) {
    const opro__journal_state *state = state_of(journal);

    switch (figure) {
    case OPRO_JOURNAL_RECORDS: return (int64_t)state->records;
    case OPRO_JOURNAL_DURABLE: return (int64_t)state->durable;
    case OPRO_JOURNAL_BYTES: return (int64_t)state->end;
    case OPRO_JOURNAL_TORN_BYTES: return (int64_t)state->torn;
    case OPRO_JOURNAL_REPLAYED: return (int64_t)journal->replayed;
    case OPRO_JOURNAL_AGAIN: return (int64_t)journal->again;
    default: return 0;
    }
}

const char *opro_journal_torn_file(const opro_journal *journal, size_t *len) {
    const char *s = journal->torn_file ? journal->torn_file : "";

    if (len) *len = strlen(s);
    return s;
}

/* ---- keeping a run --------------------------------------------------------------------------- */

/* 1 if the disk has to have this before the run goes on. */
static int has_to_sync(const opro_journal *journal, const opro__entry *entry, int soon) {
    int stops = entry->kind == OPRO__ENTRY_STOP;

    switch (OPRO__INT(&journal->options, JOURNAL_SYNC)) {
    case OPRO_SYNC_RECORD: return !soon;
    case OPRO_SYNC_STEP: return stops || entry->kind == OPRO__ENTRY_STEP;
    case OPRO_SYNC_TIME: return stops;
    default: return 0;
    }
}

/* What the log callback was refused, if anything, is not what broke it. */
static opro_status broken(opro_journal *journal, opro_error *err) {
    const opro_error why = *err;

    if (journal->err.status != why.status)
        opro__log_say(journal->log, OPRO_LOG_ERROR, "journal", "%s", why.message);
    *err = why;
    return opro__err_copy(&journal->err, &why);
}

static opro_status write_entry(void *ctx, const opro__entry *entry, int soon, opro_error *err) {
    opro_journal *journal = ctx;
    opro_status st;

    if (!journal->file)
        return opro__fail(err, OPRO_ERR_STATE, "the journal %s was closed; the run cannot go on",
                          opro__quote(journal->path, strlen(journal->path)).text);
    st = opro__entry_write(&journal->writer, journal->file, entry, err);
    if (st == OPRO_OK && has_to_sync(journal, entry, soon))
        st = opro__journal_file_sync(journal->file, err);
    return st == OPRO_OK ? st : broken(journal, err);
}

/* Of a new journal the first one finds nothing to sync, whatever the clock says. */
static opro_status tick(void *ctx, int64_t now, opro_error *err) {
    opro_journal *journal = ctx;
    int64_t every = OPRO__INT(&journal->options, JOURNAL_SYNC_MS);
    opro_status st;

    if (!journal->file || OPRO__INT(&journal->options, JOURNAL_SYNC) != OPRO_SYNC_TIME ||
        (uint64_t)now - (uint64_t)journal->synced_at < (uint64_t)every)
        return OPRO_OK;
    journal->synced_at = now;
    st = opro__journal_file_sync(journal->file, err);
    return st == OPRO_OK ? st : broken(journal, err);
}

static opro_status flush(void *ctx, opro_error *err) {
    opro_journal *journal = ctx;
    opro_status st = OPRO_OK;

    if (journal->file && OPRO__INT(&journal->options, JOURNAL_SYNC) == OPRO_SYNC_RECORD)
        st = opro__journal_file_sync(journal->file, err);
    return st == OPRO_OK ? st : broken(journal, err);
}

static void release(void *ctx) {
    opro_journal_free(ctx);
}

/* ---- putting it back ------------------------------------------------------------------------- */

static opro_status can_begin(opro_run *run, opro_journal *journal) {
    if (run->begun || run->stop_reason != OPRO_STOP_NONE)
        return opro__fail(&run->err, OPRO_ERR_STATE,
                          "the run has begun; set its journal before opro_run_next()");
    if (run->taping.tape.ctx)
        return opro__fail(&run->err, OPRO_ERR_STATE, "the run has a journal already");
    if (journal->file || journal->keeps)
        return opro__fail(&run->err, OPRO_ERR_STATE,
                          "this journal is in use; make another one for this run");
    return OPRO_OK;
}

static opro_status open_for(opro_run *run, opro_journal *journal) {
    opro__buf header;
    opro_status st;

    opro__buf_init(&header, &journal->mem, OPRO__JOURNAL_PAYLOAD);
    st = opro__header_write(&header, run);
    if (st == OPRO_OK)
        st = opro__journal_attach_file(journal, header.data, header.len, &run->err);
    else
        opro__fail(&run->err, st, "out of memory for the journal's header");
    opro__buf_free(&header);
    return st;
}

/* The first record. */
static opro_status check_header(opro_run *run, opro_journal *journal) {
    const opro__journal_record *record = &journal->record;
    opro_status st = opro__journal_file_next(journal->file, &journal->record, &run->err);

    if (st == OPRO_OK) st = opro__header_check(record->payload, record->len, 1, &run->err);
    if (st == OPRO_OK)
        st = opro__header_compare(record->payload, record->len, run, journal->path, &run->err);
    return st;
}

/* Where it went wrong, before what went wrong. */
static opro_status at_record(opro_run *run, const opro_journal *journal, opro_status st) {
    opro_error why = run->err;

    assert(why.status == st); /* what fails says why */
    return opro__fail(&run->err, st, "record %llu of the journal %s: %s",
                      (unsigned long long)journal->record.seq,
                      opro__quote(journal->path, strlen(journal->path)).text, why.message);
}

static opro_status put_back(opro_run *run, opro_journal *journal) {
    opro_status st;

    while ((st = opro__journal_file_next(journal->file, &journal->record, &run->err)) == OPRO_OK) {
        st = opro__entry_read(&journal->reader, &journal->record, &journal->entry, &run->err);
        if (st != OPRO_OK) return st;
        if (journal->entry.kind <= 0) continue; /* not an entry, or not known here */
        st = opro__run_replay(run, &journal->entry);
        if (st < 0) return at_record(run, journal, st);
    }
    return st == OPRO_DONE ? OPRO_OK : st;
}

static void tell(opro_run *run, opro_journal *journal) {
    const opro__journal_state *state = opro__journal_file_state(journal->file);

    journal->again = run->n_open;
    journal->replayed = state->created ? 0 : state->records;
    journal->synced_at = run->now;
    if (state->torn_file) {
        journal->torn_file =
            opro__memdup(&journal->mem, state->torn_file, strlen(state->torn_file));
        opro__log_say(journal->log, OPRO_LOG_WARNING, "journal",
                      "%s had a torn end, as a crash leaves it: %llu bytes were cut off; a copy of "
                      "them is in %s",
                      journal->path, (unsigned long long)state->torn, state->torn_file);
    }
    if (state->folder_unsynced)
        opro__log_say(journal->log, OPRO_LOG_WARNING, "journal",
                      "the folder of %s cannot be synced here: a crash of the machine may lose a "
                      "new file",
                      journal->path);
    if (!state->created)
        opro__log_say(journal->log, OPRO_LOG_INFO, "journal",
                      "resumed from %s: %llu records; %zu requests are asked again", journal->path,
                      (unsigned long long)state->records, run->n_open);
}

/* Read all of it and put it back. */
static opro_status replay_file(opro_run *run, opro_journal *journal) {
    opro_status st = check_header(run, journal);

    if (st != OPRO_OK) return st;
    journal->busy = 1;
    opro__run_replay_begin(run);
    st = put_back(run, journal);
    opro__run_replay_end(run);
    if (st == OPRO_OK) {
        opro__callback_begin(&run->guard, "the log callback of its journal");
        tell(run, journal);
        opro__callback_end(&run->guard);
    }
    journal->busy = 0;
    return st;
}

static opro_status resume(opro_run *run, opro_journal *journal) {
    opro__tape tape = {write_entry, tick, flush, release, journal};
    opro_status st = open_for(run, journal);

    if (st != OPRO_OK) return st;
    st = replay_file(run, journal);
    if (st != OPRO_OK) {
        opro__journal_detach_file(journal, &journal->err);
        return run->begun ? opro__run_finish(run, st) : st;
    }
    journal->keeps = 1;
    opro__ref(&journal->refs); /* the run's */
    return opro__run_set_tape(run, &tape);
}

opro_status opro_run_resume(opro_run *run, opro_journal *journal) {
    opro_status st;

    if (!run || !journal) return OPRO_ERR_INVALID;
    st = opro__enter(&run->guard, &run->err, OPRO__CALL_opro_run_resume);
    if (st != OPRO_OK) return st;
    opro__err_clear(&journal->err);
    opro__ref(&journal->refs); /* observers and logs may free the host's */
    st = can_begin(run, journal);
    if (st == OPRO_OK) st = resume(run, journal);
    st = opro__leave(&run->guard, &run->err, st);
    if (st != OPRO_OK) opro__err_copy(&journal->err, &run->err);
    opro_journal_free(journal);
    return st;
}

int32_t opro_run_replaying(const opro_run *run) {
    return run->taping.replaying;
}
