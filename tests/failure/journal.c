/* SPDX-License-Identifier: MIT */
/* Journals: runs that are kept in them, cut off, and resumed; and what is read from them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "world.h"

/* ---- a run ----------------------------------------------------------------------------------- */

/* The same answers to a request whenever it is handed out. */
static opro_status answer(opro_run *run, opro_request *r) {
    uint64_t id = opro_request_id(r);
    size_t n, len;
    const char *text = opro_request_text(r, &len);
    opro_status st = opro_run_answer_usage(run, id, 3, 1, 7);
    double scores[8];

    if (opro_request_kind(r) == OPRO_REQUEST_PROPOSE) {
        for (size_t i = 0; i < opro_request_samples(r) && st == OPRO_OK; i++) {
            char reply[64];

            snprintf(reply, sizeof reply, "<INS>idea %d</INS>\xff",
                     (int)((opro_request_seed(r) + i) % 50));
            st = opro_run_answer_reply(run, id, i, 300, reply, OPRO_ZT);
        }
        return st;
    }
    if (st == OPRO_OK && len % 5 == 0)
        return opro_run_answer_error(run, id, OPRO_ERR_FAILED, "unlucky", OPRO_ZT);
    opro_request_instances(r, &n);
    for (size_t i = 0; i < n && i < 8; i++)
        scores[i] = score_of(text, len);
    if (st == OPRO_OK) st = opro_run_answer_feedback(run, id, "too h\xc3\xa4\"rsh", OPRO_ZT);
    return st == OPRO_OK ? opro_run_answer_scores(run, id, scores, n) : st;
}

static opro_status go(opro_run *run) {
    opro_request *request;
    opro_status st;

    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK)
        if ((st = answer(run, request)) != OPRO_OK) break;
    return st;
}

static int32_t answer_now(opro_run *run, opro_request *request, void *user_data) {
    (void)user_data;
    return answer(run, request);
}

static opro_problem *make_problem(void) {
    opro_problem *p = make_text_problem();

    TRY(opro_problem_error(p), opro_problem_set_instances(p, 2, 0));
    return p;
}

static opro_config *make_settings(void) {
    return make_config("steps=2 samples_per_step=3 journal_sync=record");
}

static opro_journal *make_journal(const char *name, opro_config *config) {
    opro_journal *j;

    MAKE(journal, j, NULL, opro_journal_new(&j, file_path(name), OPRO_ZT, config, &scarce));
    return j;
}

/* ---- kept ------------------------------------------------------------------------------------ */

/* What cannot be put back now can be put back again, unless the run had begun to be it: 0. */
static int resume(opro_run *run, opro_journal *journal) {
    opro_status st = opro_run_resume(run, journal);

    if (st == OPRO_OK) {
        note_int(st);
        return 1;
    }
    check_status(st, opro_run_error(run));
    check_status(st, opro_journal_error(journal));
    if (opro_run_stop_reason(run) == OPRO_STOP_ERROR) return 0;
    TRY(opro_run_error(run), opro_run_resume(run, journal));
    return 1;
}

static int note_end(opro_run *run, opro_journal *journal) {
    opro_status st = opro_journal_sync(journal);

    if (st == OPRO_OK) st = opro_journal_close(journal);
    if (st != OPRO_OK) {
        check_status(st, opro_journal_error(journal));
        return 0;
    }
    CHECK(opro_journal_count(journal, OPRO_JOURNAL_RECORDS) > 0);
    note_run(run);
    return 1;
}

/* Made anew from its journal when it dies, until it has ended. */
static void keep_at_it(const char *name, int torn) {
    opro_config *config = make_settings();
    opro_problem *p = make_problem();
    uint64_t mark = noted();

    for (int whole = 0; !whole;) {
        opro_journal *journal = make_journal(name, config);
        opro_run *run;

        MAKE(run, run, opro_problem_error(p), opro_run_new(&run, p, config, &scarce));
        if (resume(run, journal)) {
            opro_status st;

            CHECK(something_failed() || !opro_journal_torn_file(journal, NULL)[0] == !torn);
            st = go(run);
            if (st != OPRO_DONE) check_dead(run, st);
            whole = st == OPRO_DONE && note_end(run, journal);
        }
        if (!whole) died(mark);
        drop(run);
        drop(journal);
    }
}

static void kept(void) {
    keep_at_it("journal", 0);
    keep_at_it("journal", 0); /* has ended already */
}

static void kept_by_a_driver(void) {
    opro_config *config = make_settings();
    opro_problem *p = make_problem();
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    uint64_t mark;

    MAKE(optimizer, optimizer, NULL,
         opro_optimizer_new(&optimizer, answer_now, NULL, NULL, &scarce));
    MAKE(scorer, scorer, NULL, opro_scorer_new(&scorer, answer_now, NULL, NULL, &scarce));
    mark = noted();
    for (int whole = 0; !whole;) {
        opro_driver *driver = make_driver(p, config, optimizer, scorer);
        opro_journal *journal = make_journal("driven", config);
        opro_status st = opro_driver_set_journal(driver, journal);

        if (st == OPRO_OK) st = opro_driver_run(driver);
        if (st != OPRO_OK) check_status(st, opro_driver_error(driver));
        whole = st == OPRO_OK && note_end(opro_driver_run_handle(driver), journal);
        if (!whole) died(mark);
        drop(driver);
        drop(journal);
    }
}

/* ---- from files that are there --------------------------------------------------------------- */

/* Without failures: a journal of the first requests of a run, of which the last line is torn. */
static void put_journal(const char *name, size_t cut) {
    static char bytes[1 << 16];
    opro_config *config;
    opro_problem *p;
    opro_run *run;
    opro_journal *journal;
    opro_request *request;
    size_t len;
    FILE *f;

    faults.armed--;
    config = make_settings();
    p = make_problem();
    journal = make_journal(name, config);
    MAKE(run, run, NULL, opro_run_new(&run, p, config, &scarce));
    TRY(NULL, opro_run_resume(run, journal));
    for (int i = 0; i < 6; i++) {
        TRY(NULL, opro_run_next(run, 0, &request));
        TRY(NULL, answer(run, request));
    }
    drop(run);
    drop(journal);
    drop(p);
    drop(config);
    f = fopen(file_path(name), "rb");
    CHECK(f);
    len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    CHECK(len > cut && len < sizeof bytes);
    file_put(name, bytes, len - cut);
    faults.armed++;
}

/* Cut off in its last line: resumed from the one before. */
static void torn(void) {
    put_journal("torn", 5);
    keep_at_it("torn", 1);
}

static void note_entry(const opro_journal *j) {
    int64_t prompt_tokens = 0, reply_tokens = 0, cost = 0;
    size_t len, n;
    const char *text = opro_journal_entry_text(j, &len);
    const double *scores = opro_journal_entry_scores(j, &n);

    note_int(opro_journal_entry(j));
    note_int(opro_journal_entry_record(j));
    note_int((int64_t)opro_journal_entry_id(j));
    note_int(opro_journal_entry_step(j));
    note_int((int64_t)opro_journal_entry_index(j));
    note_int((int64_t)opro_journal_entry_wanted(j));
    note_int(opro_journal_entry_how(j));
    note_int(opro_journal_entry_value(j));
    note_int(opro_journal_entry_ms(j));
    if (opro_journal_entry(j) != OPRO_ENTRY_HEADER) note_text(text, len);
    for (size_t i = 0; i < n; i++)
        note_real(scores[i]);
    opro_journal_entry_usage(j, &prompt_tokens, &reply_tokens, &cost);
    note_int(prompt_tokens + reply_tokens + cost);
}

/* What there was no memory for can be read again; a file that cannot be read stays so: 0. */
static int read_all(opro_journal *journal) {
    const opro_error *error = opro_journal_error(journal);
    opro_status st;

    for (int64_t entries = 0;; entries++) {
        st = opro_journal_next(journal);
        if (st == OPRO_ERR_NOMEM) {
            check_status(st, error);
            CHECK(opro_journal_entry(journal) == 0);
            TRY(error, (st = opro_journal_next(journal)));
        } else {
            note_int(st);
        }
        if (st == OPRO_OK) note_entry(journal);
        if (st == OPRO_DONE) note_int(entries);
        if (st != OPRO_OK) break;
    }
    if (st == OPRO_DONE) return 1;
    check_status(st, error);
    return 0;
}

static void read_entries(void) {
    uint64_t mark;

    put_journal("read", 0);
    mark = noted();
    for (int whole = 0; !whole;) {
        opro_journal *journal = make_journal("read", NULL);

        whole = read_all(journal);
        if (whole) TRY(opro_journal_error(journal), opro_journal_close(journal));
        if (!whole) died(mark);
        drop(journal);
    }
}

const scenario journal_scenarios[] = {
    {"a kept run", MEMORY | CALLS, kept},
    {"a driver with a journal", MEMORY | CALLS, kept_by_a_driver},
    {"a torn journal", MEMORY | CALLS, torn},
    {"entries of a journal", MEMORY | CALLS, read_entries},
    {NULL, 0, NULL},
};
