/* SPDX-License-Identifier: MIT */
/*
 * Kept runs: what they are refused for, and what they get over. That a run which is cut off
 * anywhere is the one that was not cut off is shown by tests/durability.
 */
#include "kept_world.h"

static const kept_scenario plain = {"plain", "steps=5 samples_per_step=3 resample_limit=1", 1, 0,
                                    0};

/* ---- the same as without --------------------------------------------------------------------- */

static void must(opro_status st, opro_status expected, const char *where, const opro_error *error) {
    if (st != expected)
        fail_msg("%s: %s: %s", where, opro_status_name(st), opro_error_message(error, NULL));
}

static void same_end(const opro_run *run, const kept_end *expected, const char *where) {
    kept_end end = kept_end_of(run);

    if (end.trajectory != expected->trajectory) fail_msg("%s: another trajectory", where);
    for (int i = 0; i < 13; i++)
        if (end.counts[i] != expected->counts[i])
            fail_msg("%s: counter %d is %lld, was %lld", where, (i + 1) * 10,
                     (long long)end.counts[i], (long long)expected->counts[i]);
    if (memcmp(&end, expected, sizeof end) != 0)
        fail_msg("%s: stopped for %s, winner %lld; was %s, %lld", where,
                 opro_stop_reason_name(end.reason), (long long)end.winner,
                 opro_stop_reason_name(expected->reason), (long long)expected->winner);
}

/* ---- another run ----------------------------------------------------------------------------- */

static const kept_scenario small = {"small", "steps=3 samples_per_step=2", 2, 0, KEPT_USAGE};

/* A kept run, to its end, closed. */
static kept_end make_file(disk *d, const kept_scenario *scenario) {
    opro_journal *journal = kept_journal(d, "");
    kept_host h;
    kept_end end;

    kept_begin(&h, scenario, "");
    must(opro_run_resume(h.run, journal), OPRO_OK, "new", opro_run_error(h.run));
    must(kept_go(&h), OPRO_DONE, "new", opro_run_error(h.run));
    end = kept_end_of(h.run);
    opro_journal_free(journal);
    kept_free(&h);
    return end;
}

static void has(const opro_error *error, const char *part) {
    if (!strstr(opro_error_message(error, NULL), part))
        fail_msg("not in it: %s\n%s", part, opro_error_message(error, NULL));
}

/* Other settings: refused, with what differs, and nothing has changed. */
static void refused(disk *d, opro_run *run, const char *const *parts) {
    opro_journal *journal = kept_journal(d, "");
    const disk_file *file = disk_look(d, KEPT_PATH);
    uint64_t before = opro_run_state_hash(run);
    uint64_t bytes = opro__hash_bytes(file->cache, file->len);

    assert_int_equal(opro_run_resume(run, journal), OPRO_ERR_INVALID);
    for (; *parts; parts++)
        has(opro_run_error(run), *parts);
    assert_int_equal(opro_error_status(opro_journal_error(journal)), OPRO_ERR_INVALID);
    assert_true(opro_run_state_hash(run) == before);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_NONE);
    assert_true(opro__hash_bytes(file->cache, file->len) == bytes);
    assert_int_equal(disk_open_files(d), 0);
    opro_journal_free(journal);
    opro_run_free(run);
}

static opro_run *other_run(opro_problem *problem, const char *settings) {
    opro_config *config = kept_config(settings);
    opro_run *run;

    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    opro_config_free(config);
    opro_problem_free(problem);
    return run;
}

static void other_settings(void **state) {
    static const char *const options[] = {"\"run.journal\"", "seed 0 (here 5)",
                                          "mode \"stepwise\" (here \"steady\")",
                                          "temperature 1 (here 0.5)", NULL};
    static const char *const problem[] = {
        "the problem's direction \"maximize\" (here \"minimize\")", "instances 2 (here 3)",
        "description", NULL};
    static const char *const initial[] = {"the problem's initial_solutions ", NULL};
    static const char *const rest[] = {"the problem's whole ", NULL};
    static const char *const templates[] = {"the problem's meta_prompt ", NULL};
    static const char *const warm[] = {"the problem's warm_start ", NULL};
    const double score = 0.5;
    opro_trajectory *from;
    opro_meta_prompt *builder;
    opro_problem *p;
    opro_run *run;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    make_file(&d, &small);
    refused(&d,
            other_run(kept_problem(2, 0), "steps=3 samples_per_step=2 seed=5 mode=steady "
                                          "temperature=0.5"),
            options);
    p = kept_problem(3, 0);
    opro_problem_set_direction(p, OPRO_MINIMIZE);
    opro_problem_set_description(p, "say it badly", OPRO_ZT);
    refused(&d, other_run(p, small.settings), problem);
    p = kept_problem(2, 0);
    opro_problem_add_initial(p, "one more", OPRO_ZT);
    refused(&d, other_run(p, small.settings), initial);
    p = kept_problem(2, 0);
    opro_problem_set_score_name(p, "points", OPRO_ZT);
    refused(&d, other_run(p, small.settings), rest);
    p = kept_problem(2, 0);
    assert_int_equal(opro_meta_prompt_new(&builder, p, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_meta_prompt_set_template(builder, OPRO_BLOCK_REQUEST, "Go!", 3), OPRO_OK);
    run = other_run(p, small.settings);
    assert_int_equal(opro_run_set_meta_prompt(run, builder), OPRO_OK);
    opro_meta_prompt_free(builder);
    refused(&d, run, templates);
    run = other_run(kept_problem(2, 0), small.settings);
    assert_int_equal(opro_trajectory_new(&from, OPRO_MAXIMIZE, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_add(from, "warm", 4, &score, 1, NULL), OPRO_OK);
    assert_int_equal(opro_run_warm_start(run, from), OPRO_OK);
    opro_trajectory_free(from);
    refused(&d, run, warm);
    disk_end(&d);
}

static opro_run *run_with_exemplar(const char *target) {
    opro_problem *problem = kept_problem(2, 0);

    assert_int_equal(opro_problem_add_exemplar(problem, "2 + 2", OPRO_ZT, target, OPRO_ZT),
                     OPRO_OK);
    return other_run(problem, small.settings);
}

static void other_exemplars(void **state) {
    static const char *const parts[] = {"the problem's exemplars ", NULL};
    opro_run *run = run_with_exemplar("4");
    opro_journal *journal;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    journal = kept_journal(&d, "");
    must(opro_run_resume(run, journal), OPRO_OK, "new", opro_run_error(run));
    opro_run_free(run);
    opro_journal_free(journal);
    refused(&d, run_with_exemplar("5"), parts);
    disk_end(&d);
}

/* What only limits may differ: a run goes on with more steps, as if it had always had them. */
static void more_steps(void **state) {
    kept_scenario longer = small;
    opro_journal *journal;
    kept_end end, expected;
    kept_host h;
    disk d;

    (void)state;
    longer.settings = "steps=7 samples_per_step=2 max_tokens=100000000 memory_limit=100000000";
    disk_begin(&d, 1);
    expected = make_file(&d, &longer);
    disk_clear(&d);
    make_file(&d, &small);
    journal = kept_journal(&d, "");
    kept_begin(&h, &longer, "");
    must(opro_run_resume(h.run, journal), OPRO_OK, "more", opro_run_error(h.run));
    must(kept_go(&h), OPRO_DONE, "more", opro_run_error(h.run));
    end = kept_end_of(h.run);
    assert_memory_equal(&end, &expected, sizeof end);
    kept_free(&h);
    opro_journal_free(journal);
    /* and with fewer than there are: that cannot have been */
    journal = kept_journal(&d, "");
    kept_begin(&h, &small, "");
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_ERR_FAILED);
    has(opro_run_error(h.run), "where the run now stops");
    has(opro_run_error(h.run), "record ");
    assert_int_equal(opro_run_stop_reason(h.run), OPRO_STOP_STEPS);
    kept_free(&h);
    opro_journal_free(journal);
    disk_end(&d);
}

/* Wrong moments. */
static void wrong_moments(void **state) {
    opro_journal *journal, *other;
    opro_trajectory *from;
    opro_request *r;
    kept_host h, g;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    journal = kept_journal(&d, "");
    other = kept_journal(&d, "");
    kept_begin(&h, &small, "");
    kept_begin(&g, &small, "");
    assert_int_equal(opro_run_resume(NULL, journal), OPRO_ERR_INVALID);
    assert_int_equal(opro_run_resume(h.run, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_journal_sync(journal), OPRO_ERR_STATE);
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
    assert_int_equal(opro_journal_count(journal, OPRO_JOURNAL_REPLAYED), 0);
    assert_int_equal(opro_run_resume(h.run, other), OPRO_ERR_STATE); /* has one */
    has(opro_run_error(h.run), "has a journal already");
    assert_int_equal(opro_run_resume(g.run, journal), OPRO_ERR_STATE); /* it is in use */
    has(opro_run_error(g.run), "in use");
    assert_int_equal(opro_run_resume(g.run, other), OPRO_ERR_STATE); /* one writer */
    has(opro_run_error(g.run), KEPT_PATH);
    assert_int_equal(opro_journal_next(journal), OPRO_ERR_STATE);
    assert_int_equal(opro_trajectory_new(&from, OPRO_MAXIMIZE, NULL), OPRO_OK);
    assert_int_equal(opro_run_warm_start(h.run, from), OPRO_ERR_STATE); /* too late */
    has(opro_run_error(h.run), "opro_run_resume()");
    opro_trajectory_free(from);
    assert_int_equal(opro_run_next(g.run, 0, &r), OPRO_OK);
    opro_journal_free(other);
    other = kept_journal(&d, "");
    assert_int_equal(opro_run_resume(g.run, other), OPRO_ERR_STATE); /* it has begun */
    has(opro_run_error(g.run), "begun");
    /* closed under the run: it cannot go on, and says so */
    assert_int_equal(opro_run_next(h.run, 0, &r), OPRO_OK);
    assert_int_equal(opro_journal_sync(journal), OPRO_OK);
    assert_int_equal(opro_journal_close(journal), OPRO_OK);
    assert_int_equal(opro_journal_close(journal), OPRO_OK);
    assert_int_equal(opro_run_next(h.run, 0, &r), OPRO_ERR_STATE);
    has(opro_run_error(h.run), "was closed");
    assert_int_equal(opro_run_stop_reason(h.run), OPRO_STOP_ERROR);
    opro_journal_free(journal);
    opro_journal_free(other);
    opro_journal_free(NULL);
    kept_free(&h);
    kept_free(&g);
    assert_int_equal(disk_open_files(&d), 0);
    disk_end(&d);
}

/* Closed while all answers are awaited: nothing is lost, until there is something to keep. */
static void closed_under_a_driver(void **state) {
    static const kept_scenario posted = {"posted", "steps=2", 1, 0, KEPT_DRIVEN | KEPT_POSTED};
    opro_journal *journal;
    kept_host h;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    journal = kept_journal(&d, "");
    kept_begin(&h, &posted, "");
    must(kept_resume(&h, journal), OPRO_OK, "new", opro_driver_error(h.driver));
    while (opro_driver_poll(h.driver, 0) != OPRO_WAIT)
        continue;
    assert_int_equal(opro_journal_close(journal), OPRO_OK);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_WAIT);
    assert_int_equal(kept_answer_next(&h), OPRO_OK);
    assert_int_equal(opro_driver_poll(h.driver, 0), OPRO_ERR_STATE);
    has(opro_driver_error(h.driver), "was closed");
    opro_journal_free(journal);
    kept_free(&h);
    assert_int_equal(disk_open_files(&d), 0);
    disk_end(&d);
}

/* ---- callbacks that are not the same --------------------------------------------------------- */

static int32_t refuse_some(const opro_problem *problem, const char *text, size_t len,
                           opro_sink *sink, void *user_data) {
    (void)problem;
    if (*(int *)user_data && opro__hash_bytes(text, len) % 2)
        return opro_sink_reject(sink, "no", 2);
    return opro_sink_count(sink, 0);
}

static opro_run *moody_run(int *mood) {
    opro_problem *problem = kept_problem(1, 0);

    assert_int_equal(opro_problem_set_check_fn(problem, refuse_some, mood, NULL), OPRO_OK);
    return other_run(problem, "steps=3 samples_per_step=4");
}

/* A run that comes out otherwise is not gone on with. */
static void other_callbacks(void **state) {
    opro_journal *journal;
    kept_host h;
    int mood = 0;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    memset(&h, 0, sizeof h);
    h.scenario = &plain;
    h.run = moody_run(&mood);
    journal = kept_journal(&d, "");
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
    assert_int_equal(kept_go(&h), OPRO_DONE);
    kept_free(&h);
    opro_journal_free(journal);
    journal = kept_journal(&d, "");
    h.run = moody_run(&mood);
    mood = 1;
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_ERR_FAILED);
    has(opro_run_error(h.run), "callbacks");
    has(opro_journal_error(journal), "record ");
    assert_int_equal(opro_run_stop_reason(h.run), OPRO_STOP_ERROR);
    assert_int_equal(disk_open_files(&d), 0);
    opro_run_free(h.run);
    opro_journal_free(journal);
    disk_end(&d);
}

/* Replies that were there are left aside when they come again, also behind the last missing one. */
static void holes(void **state) {
    opro_journal *journal;
    opro_request *r;
    kept_host h;
    uint64_t id = 0;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    for (int life = 0; life < 2; life++) {
        kept_begin(&h, &plain, "samples_per_step=4");
        journal = kept_journal(&d, "");
        must(opro_run_resume(h.run, journal), OPRO_OK, "holes", opro_run_error(h.run));
        while (opro_run_next(h.run, 0, &r) == OPRO_OK && opro_request_kind(r) == OPRO_REQUEST_SCORE)
            assert_int_equal(kept_scores(&h, r), OPRO_OK);
        id = opro_request_id(r);
        if (!life) {
            assert_int_equal(opro_run_answer_reply(h.run, id, 2, 0, "<INS>c</INS>", 12), OPRO_OK);
            assert_int_equal(opro_run_answer_reply(h.run, id, 3, 0, "<INS>d</INS>", 12), OPRO_OK);
            assert_int_equal(opro_run_answer_reply(h.run, id, 3, 0, "<INS>e</INS>", 12),
                             OPRO_ERR_STALE);
        } else {
            for (size_t i = 0; i < 4; i++) {
                assert_int_equal(opro_run_answer_usage(h.run, id, 1, 1, 1), OPRO_OK);
                assert_int_equal(opro_run_answer_text(h.run, id, "<INS>x</INS>", 12), OPRO_OK);
            }
            assert_int_equal(opro_run_count(h.run, OPRO_COUNT_REPLIES), 4);
            assert_int_equal(opro_run_answer_reply(h.run, 999, 0, 0, "", 0), OPRO_ERR_UNKNOWN);
        }
        kept_free(&h);
        opro_journal_free(journal);
    }
    disk_end(&d);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* The last step ends because time is up: the journal says what time did, and no more. */
static void ended_by_time(void **state) {
    static const kept_scenario late = {
        "late", "steps=1 samples_per_step=1 resample_limit=0 request_timeout_ms=50", 1, 0, 0};
    opro_journal *journal;
    opro_request *r;
    kept_end end;
    kept_host h;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    journal = kept_journal(&d, "");
    kept_begin(&h, &late, "");
    must(opro_run_resume(h.run, journal), OPRO_OK, "new", opro_run_error(h.run));
    while (opro_run_next(h.run, 0, &r) == OPRO_OK && opro_request_kind(r) == OPRO_REQUEST_SCORE)
        assert_int_equal(kept_scores(&h, r), OPRO_OK);
    assert_int_equal(opro_run_next(h.run, 50, &r), OPRO_DONE);
    assert_int_equal(opro_run_stop_reason(h.run), OPRO_STOP_STEPS);
    end = kept_end_of(h.run);
    kept_free(&h);
    opro_journal_free(journal);
    journal = kept_journal(&d, "");
    kept_begin(&h, &late, "");
    must(opro_run_resume(h.run, journal), OPRO_OK, "again", opro_run_error(h.run));
    must(kept_go(&h), OPRO_DONE, "again", opro_run_error(h.run));
    same_end(h.run, &end, "again");
    kept_free(&h);
    opro_journal_free(journal);
    disk_end(&d);
}

/* Nothing waits for the disk longer than it may, also if nothing new is handed out. */
static void synced_in_time(void **state) {
    opro_journal *journal;
    opro_request *r;
    kept_host h;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    journal = kept_journal(&d, "journal_sync=time journal_sync_ms=10");
    kept_begin(&h, &plain, "");
    must(opro_run_resume(h.run, journal), OPRO_OK, "new", opro_run_error(h.run));
    assert_int_equal(opro_run_next(h.run, 1005, &r), OPRO_OK);
    assert_int_equal(kept_scores(&h, r), OPRO_OK);
    assert_int_equal(opro_run_next(h.run, 1014, &r), OPRO_OK);
    assert_true(opro_journal_count(journal, OPRO_JOURNAL_DURABLE) <
                opro_journal_count(journal, OPRO_JOURNAL_RECORDS));
    assert_int_equal(opro_run_next(h.run, 1015, &r), OPRO_WAIT);
    assert_int_equal(opro_journal_count(journal, OPRO_JOURNAL_DURABLE),
                     opro_journal_count(journal, OPRO_JOURNAL_RECORDS));
    kept_free(&h);
    opro_journal_free(journal);
    disk_end(&d);
}

/* A disk that fails stops the run: when a turn that hands out nothing ends, and by the clock. */
static void failing_syncs(void **state) {
    static const kept_scenario posted = {"posted", "steps=2", 1, 0, KEPT_DRIVEN | KEPT_POSTED};

    (void)state;
    for (int timed = 0; timed < 2; timed++) {
        const char *settings = timed ? "journal_sync=time journal_sync_ms=10" : "";
        opro_journal *journal;
        opro_request *r;
        kept_host h;
        disk d;

        disk_begin(&d, 1);
        journal = kept_journal(&d, settings);
        kept_begin(&h, timed ? &plain : &posted, "");
        must(kept_resume(&h, journal), OPRO_OK, "new", opro_run_error(h.run));
        if (timed) {
            assert_int_equal(opro_run_next(h.run, 1005, &r), OPRO_OK);
            assert_int_equal(kept_scores(&h, r), OPRO_OK);
            assert_int_equal(opro_run_next(h.run, 1014, &r), OPRO_OK);
        } else {
            while (opro_driver_poll(h.driver, 0) != OPRO_WAIT)
                continue;
            assert_int_equal(kept_answer_next(&h), OPRO_OK);
        }
        d.fault = d.calls + !timed; /* the sync; in a turn it comes behind a write */
        d.sticky = 1;
        assert_int_equal(timed ? opro_run_next(h.run, 1015, &r) : opro_driver_poll(h.driver, 0),
                         OPRO_ERR_FAILED);
        has(opro_run_error(h.run), "cannot ");
        has(opro_journal_error(journal), "cannot ");
        assert_int_equal(opro_run_stop_reason(h.run), OPRO_STOP_ERROR);
        kept_free(&h);
        opro_journal_free(journal);
        disk_end(&d);
    }
}

/* ---- no memory ------------------------------------------------------------------------------- */

static opro_status run_with(disk *d, failing *f, kept_host *h, opro_journal **journal) {
    opro_allocator mem = failing_allocator(f);
    opro_problem *problem = kept_problem(small.train, small.validation);
    opro_config *config = kept_config(small.settings);
    opro_status st;

    memset(h, 0, sizeof *h);
    h->scenario = &small;
    st = opro_run_new(&h->run, problem, config, &mem);
    if (st == OPRO_OK) st = opro_journal_new(journal, KEPT_PATH, OPRO_ZT, config, &mem);
    opro_config_free(config);
    opro_problem_free(problem);
    if (st != OPRO_OK) return st;
    opro__journal_set_files(*journal, &d->files);
    st = opro_run_resume(h->run, *journal);
    return st == OPRO_OK ? kept_go(h) : st;
}

/* Every allocation fails, in the first life and in the second: what is there goes on. */
static void no_memory(void **state) {
    kept_end expected;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    expected = make_file(&d, &small);
    for (int life = 1; life <= 2; life++) {
        opro_status st = OPRO_ERR_NOMEM;

        for (long n = 0; st != OPRO_DONE; n++) {
            failing f = {n, 0};
            opro_journal *journal = NULL;
            kept_host h;
            char where[64];

            snprintf(where, sizeof where, "life %d, allocation %ld", life, n);
            disk_clear(&d);
            if (life == 2) { /* of a run whose first half is there */
                kept_host first;
                opro_journal *half = kept_journal(&d, "");

                kept_begin(&first, &small, "max_scorer_calls=9");
                must(opro_run_resume(first.run, half), OPRO_OK, where, opro_run_error(first.run));
                kept_go(&first);
                opro_journal_free(half);
                kept_free(&first);
            }
            st = run_with(&d, &f, &h, &journal);
            if (st != OPRO_DONE && st != OPRO_ERR_NOMEM)
                must(st, OPRO_ERR_NOMEM, where, opro_run_error(h.run));
            opro_journal_free(journal);
            kept_free(&h);
            assert_int_equal(f.live, 0);
            journal = kept_journal(&d, "");
            kept_begin(&h, &small, "");
            must(opro_run_resume(h.run, journal), OPRO_OK, where, opro_run_error(h.run));
            must(kept_go(&h), OPRO_DONE, where, opro_run_error(h.run));
            same_end(h.run, &expected, where);
            opro_journal_free(journal);
            kept_free(&h);
        }
    }
    assert_int_equal(disk_open_files(&d), 0);
    disk_end(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_settings),  cmocka_unit_test(more_steps),
        cmocka_unit_test(other_callbacks), cmocka_unit_test(holes),
        cmocka_unit_test(wrong_moments),   cmocka_unit_test(ended_by_time),
        cmocka_unit_test(other_exemplars), cmocka_unit_test(closed_under_a_driver),
        cmocka_unit_test(failing_syncs),   cmocka_unit_test(synced_in_time),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
