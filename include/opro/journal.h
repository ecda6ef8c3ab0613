/* SPDX-License-Identifier: MIT */
/*
 * A journal: what came into a run, in a file, so that a run that was cut off goes on where it was.
 *
 *     opro_journal_new(&journal, "run.journal", OPRO_ZT, config, NULL);
 *     opro_driver_set_journal(driver, journal);       ... or opro_run_resume(run, journal)
 *     opro_driver_run(driver);
 *     opro_journal_close(journal);
 *
 * The same lines begin a run and resume it: a file that is not there is made; one that is there is
 * read, and what it holds is put back into the run, which then stands where the first one stood. So
 * make the run in the same way each time: same problem, same options, same warm start. Whether it
 * is the same is checked (see opro_run_resume()).
 *
 * What is written. Before an answer takes effect, the answer; before a request is handed out, that
 * it is; when a step ends, a digest of the state; when the run stops, why. An append-only file of
 * lines, each a JSON object with a checksum, readable with any text tool, for its owner's eyes only
 * (it holds prompts' answers, but never keys). Its first line has the format's version, the
 * options, and digests of the problem.
 *
 * What may be lost. An answer was acknowledged when the call that gave it has returned OPRO_OK
 * (with a driver: when step, run or poll has returned, or a request that follows is handed out).
 * Nothing is lost when only the process dies. When the machine dies, option journal_sync decides:
 *   record  (the default) nothing that was acknowledged; a request is handed out when the disk
 *           knows of it. A driver waits for the disk once for all answers of a turn.
 *   step    what came since the last step that ended (initial solutions belong to the first)
 *   time    what came in the last journal_sync_ms milliseconds before the last call, by the clock
 *           given to opro_run_next()
 *   none    all since the operating system last wrote by itself, often half a minute
 * Whatever is lost is lost from the end: what remains is a shorter run, which goes on from there
 * and pays for the rest again. Stopping, opro_journal_sync() and opro_journal_close() wait for the
 * disk (with none: the latter two).
 *
 * A write or sync that fails: the answer is not taken, the run stops with OPRO_STOP_ERROR and the
 * reason, and nothing is tried again. Resume from the file when the cause is gone.
 *
 * What was under way when the process ended (requests handed out and not answered) is handed out
 * again by opro_run_next(), with the same ids, once, before anything new. Answer it as if it had
 * come for the first time: replies that had come before stay, and those that come again for the
 * same samples are left aside (OPRO_OK); usage is counted anew; its time-out begins anew. A model's
 * answer that had been paid for and had not arrived in the journal is paid for again, unless the
 * client keeps a cache (opro_model_set_cache_file()): so all that exams ask is paid once, but for
 * what was under way. Proposals are asked at temperatures above 0, which no cache has: an open
 * request for several is asked again as a whole (with samples_per_request=1, only that one).
 *
 * A stop by the host or by an error is not put back: resuming is how such a run goes on.
 * max_time_ms counts the time from the first request to the last entry of each process. Observers
 * hear what is put back, as they heard it the first time, and may stop the run again; one with side
 * effects asks opro_run_replaying() first. Callbacks of the problem are called as the first time,
 * and have to give the same: each request and each step is compared, and where one differs,
 * resuming fails.
 *
 * A build without journals (opro_has_feature(OPRO_FEATURE_JOURNAL) is 0) has the same functions;
 * opro_journal_new() is OPRO_ERR_UNSUPPORTED then.
 */
#ifndef OPRO_JOURNAL_H
#define OPRO_JOURNAL_H

#include "config.h"
#include "driver.h"
#include "run.h"

OPRO_BEGIN_DECLS

/* A file of what came into a run: to keep one, or to read. */
typedef struct opro_journal opro_journal;

/*
 * A journal in the file at path, which is not opened yet. config: its options journal_..., and its
 * log; NULL: defaults. Since 0.1.
 */
OPRO_API opro_status opro_journal_new(opro_journal **out, const char *path, size_t len,
                                      const opro_config *config, const opro_allocator *mem);

/*
 * Free it; NULL is fine. A run that uses it has a share: the file is closed, as by
 * opro_journal_close(), when the run is freed too; in a child of the process that opened it, it
 * stays the parent's. Since 0.1.
 */
OPRO_API void opro_journal_free(opro_journal *journal);

/* Detail of the last failed call on it. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_journal_error(const opro_journal *journal);

/* ---- keeping a run ---- */

/*
 * Keep what comes into a run from now on; first, put back what the journal holds. After
 * opro_run_set_meta_prompt() and opro_run_warm_start(), before the first opro_run_next(). The run
 * takes a share. The message of a failure is at opro_run_error() and opro_journal_error().
 *
 * Options may differ from those of the journal if they only limit a run (steps, patience,
 * target_score, max_..., request_timeout_ms, memory_limit) or have nothing to do with it
 * (model_..., journal_..., the log). So a run that has ended goes on with more steps, unless its
 * confirm stage has begun. Limits have to be such that all that is in the journal could happen.
 *
 * OPRO_ERR_INVALID: other settings wrote it; the message has the list of what differs.
 * OPRO_ERR_STATE: somebody else writes this file, or the run has begun, or the journal is in use.
 * OPRO_ERR_UNSUPPORTED: it is on a network file system (option journal_network). After these the
 * run is as it was, and the file too.
 * OPRO_ERR_PARSE: the file is damaged (which record, and where), or is no journal, or of a format
 * that is not known here; the file is as it was. OPRO_ERR_FAILED: it cannot be read or written, or
 * the run did not come out as it was written. Errors of callbacks. After these the run has stopped
 * if something had been put back by then.
 * A torn end, which a crash can leave, is no error: it is copied to opro_journal_torn_file(), cut
 * off, and said to the log. Since 0.1.
 */
OPRO_API opro_status opro_run_resume(opro_run *run, opro_journal *journal);

/* The same for the run of a driver; before its first step. Since 0.1. */
OPRO_API opro_status opro_driver_set_journal(opro_driver *driver, opro_journal *journal);

/*
 * 1 while opro_run_resume() puts entries back: an observer hears what it has heard before. Since
 * 0.1.
 */
OPRO_API int32_t opro_run_replaying(const opro_run *run);

/* What was written is on the disk: OPRO_OK. OPRO_ERR_STATE: it is not being written. Since 0.1. */
OPRO_API opro_status opro_journal_sync(opro_journal *journal);

/*
 * Sync, close, and say whether all went well. The run that uses it can go no further: its next
 * answer or request stops it. Closed already: OPRO_OK. Since 0.1.
 */
OPRO_API opro_status opro_journal_close(opro_journal *journal);

/* Figures. */
enum {
    OPRO_JOURNAL_RECORDS = 10,    /* lines read and written */
    OPRO_JOURNAL_DURABLE = 20,    /* ... of which the first so many are on the disk */
    OPRO_JOURNAL_BYTES = 30,      /* of all lines */
    OPRO_JOURNAL_TORN_BYTES = 40, /* found behind the last whole line */
    OPRO_JOURNAL_REPLAYED = 50,   /* lines that were there when a run was resumed; 0: it was new */
    OPRO_JOURNAL_AGAIN = 60       /* requests that were open then, and are asked again */
};

/* A figure; 0 for an unknown one. Since 0.1. */
OPRO_API int64_t opro_journal_count(const opro_journal *journal, int32_t figure);

/* The file with a copy of a torn end that was cut off; "" if there was none. Since 0.1. */
OPRO_API const char *opro_journal_torn_file(const opro_journal *journal, size_t *len);

/* ---- reading one ---- */

/* Kinds of entries. Others may come with later versions: leave them aside. */
enum {
    OPRO_ENTRY_HEADER = 10,   /* text: the line's JSON */
    OPRO_ENTRY_TIME = 20,     /* the run begins, or a deadline is reached */
    OPRO_ENTRY_REQUEST = 30,  /* a request is handed out; step; text: the candidate to be scored */
    OPRO_ENTRY_AGAIN = 40,    /* ... once more */
    OPRO_ENTRY_REPLY = 50,    /* index: the sample; text */
    OPRO_ENTRY_SCORES = 60,   /* scores, in the order of the request */
    OPRO_ENTRY_ERROR = 70,    /* text: the message; value: the status */
    OPRO_ENTRY_FEEDBACK = 80, /* text */
    OPRO_ENTRY_USAGE = 90,    /* usage */
    OPRO_ENTRY_STEP = 100,    /* a step has ended; step */
    OPRO_ENTRY_STOP = 110,    /* value: OPRO_STOP_...; text: of an error, its message */
    OPRO_ENTRY_RESUME = 120,  /* another process goes on */
    OPRO_ENTRY_CLOSE = 130,   /* the file was closed in order */
    OPRO_ENTRY_OTHER = 140    /* not known here */
};

/*
 * The next entry of the file, without a lock, and without changing anything: also while somebody
 * writes it. OPRO_DONE: there is none, for now. OPRO_ERR_PARSE: the file is damaged, or no journal.
 * OPRO_ERR_STATE: this handle keeps a run. Since 0.1.
 */
OPRO_API opro_status opro_journal_next(opro_journal *journal);

/*
 * The entry that was read last. Its kind (0: none was read); its number in the file; the request it
 * is about (0: none); and more, as its kind has it: else 0, NULL, "". Strings and scores live until
 * the next opro_journal_next(). Since 0.1.
 */
OPRO_API int32_t opro_journal_entry(const opro_journal *journal);
OPRO_API int64_t opro_journal_entry_record(const opro_journal *journal);
OPRO_API uint64_t opro_journal_entry_id(const opro_journal *journal);
OPRO_API int64_t opro_journal_entry_step(const opro_journal *journal);
OPRO_API size_t opro_journal_entry_index(const opro_journal *journal);

/* REQUEST: how many replies or scores are wanted. Since 0.1. */
OPRO_API size_t opro_journal_entry_wanted(const opro_journal *journal);

/* REQUEST: OPRO_REQUEST_...; REPLY: 0, or the reason why it was rejected as a whole. Since 0.1. */
OPRO_API int32_t opro_journal_entry_how(const opro_journal *journal);

/*
 * ERROR: the status; STOP: OPRO_STOP_...; REPLY: its origin; REQUEST to score: the set. Since 0.1.
 */
OPRO_API int32_t opro_journal_entry_value(const opro_journal *journal);

/* TIME, REQUEST, AGAIN, STOP: when, in milliseconds by the run's clock. Since 0.1. */
OPRO_API int64_t opro_journal_entry_ms(const opro_journal *journal);
OPRO_API const char *opro_journal_entry_text(const opro_journal *journal, size_t *len);
OPRO_API const double *opro_journal_entry_scores(const opro_journal *journal, size_t *count);

/* USAGE: prompt tokens, reply tokens, cost. Any of the three may be NULL. Since 0.1. */
OPRO_API void opro_journal_entry_usage(const opro_journal *journal, int64_t *prompt_tokens,
                                       int64_t *reply_tokens, int64_t *cost);

OPRO_END_DECLS

#endif
