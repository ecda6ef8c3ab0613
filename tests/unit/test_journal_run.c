/* SPDX-License-Identifier: MIT */
/*
 * Kept runs: a run that is cut off anywhere, resumed and finished is the run that was not cut off.
 */
#include "kept_world.h"

static const kept_scenario scenarios[] = {
    {"plain", "steps=5 samples_per_step=3 resample_limit=1", 1, 0, 0},
    {"one by one", "steps=5 samples_per_step=4 samples_per_request=1 max_in_flight=3", 1, 0,
     KEPT_USAGE | KEPT_FEEDBACK},
    {"texts", "steps=4 samples_per_step=4", 1, 0, KEPT_USAGE | KEPT_NEXT_TEXT},
    {"failures", "steps=6 samples_per_step=3 samples_per_request=2 max_failures=0", 1, 0,
     KEPT_FAILS | KEPT_USAGE},
    {"too many failures", "steps=50 samples_per_step=2 max_failures=2", 1, 0, KEPT_FAILS},
    {"late", "steps=4 samples_per_step=3 samples_per_request=1 request_timeout_ms=50", 1, 0,
     KEPT_LATE},
    {"validation", "steps=5 samples_per_step=3 eval_interval=2", 4, 3, KEPT_FEEDBACK},
    {"races and confirming",
     "steps=4 samples_per_step=4 race=recommended race_block=5 confirm=on max_scorer_calls=900", 24,
     12, KEPT_USAGE},
    {"budget", "steps=0 samples_per_step=4 max_tokens=6000 max_reply_tokens=50 score_tokens=4", 1,
     0, KEPT_USAGE},
    {"steady", "mode=steady steps=9 steady_samples=2 samples_per_request=1 steady_candidates=5", 2,
     0, KEPT_FEEDBACK | KEPT_FAILS},
    {"steady race",
     "mode=steady steps=9 steady_samples=2 samples_per_request=1 steady_candidates=4 "
     "race=recommended race_block=5 confirm=on",
     24, 10, 0},
    {"stopped by its observer", "steps=9 samples_per_step=3", 1, 0, KEPT_STOPS},
};

#define SCENARIOS (sizeof scenarios / sizeof *scenarios)

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

/* What was handed out to the second was handed out to the first, and what was new in that order. */
static void same_requests(const kept_host *second, const kept_host *first, size_t again,
                          const char *where) {
    size_t place = 0;

    for (size_t i = 0; i < second->n; i++) {
        size_t k = i < again || first->scenario->does & KEPT_LATE ? 0 : place;

        while (k < first->n && first->ids[k] != second->ids[i])
            k++;
        if (k == first->n) fail_msg("%s: request %zu is new, or out of order", where, i);
        if (first->digests[k] != second->digests[i]) fail_msg("%s: request %zu differs", where, i);
        if (i >= again) place = k + 1;
    }
}

/* A kept run, to its end; the file as it is without a close. */
static char *first_life(disk *d, kept_host *h, const kept_scenario *scenario, kept_end *end,
                        size_t *len) {
    opro_journal *journal = kept_journal(d, "journal_sync=step");
    const disk_file *file;
    kept_host bare;
    kept_end expected;
    char *image;

    kept_begin(&bare, scenario, "");
    kept_go(&bare);
    expected = kept_end_of(bare.run);
    kept_free(&bare);
    kept_begin(h, scenario, "");
    must(opro_run_resume(h->run, journal), OPRO_OK, scenario->name, opro_run_error(h->run));
    must(kept_go(h), OPRO_DONE, scenario->name, opro_run_error(h->run));
    same_end(h->run, &expected, scenario->name);
    *end = expected;
    file = disk_look(d, KEPT_PATH);
    *len = file->len;
    image = malloc(*len);
    memcpy(image, file->cache, *len);
    assert_int_equal(opro_journal_close(journal), OPRO_OK);
    opro_journal_free(journal);
    return image;
}

/* The second life of a run whose first one ended here. */
static void second_life(disk *d, const kept_host *first, const kept_end *end, const char *image,
                        size_t len, const char *where) {
    opro_journal *journal = kept_journal(d, "journal_sync=none");
    kept_host h;
    size_t again;

    disk_clear(d);
    disk_write_file(d, KEPT_PATH, image, len);
    kept_begin(&h, first->scenario, "");
    h.now = -500; /* another process, another clock */
    must(opro_run_resume(h.run, journal), OPRO_OK, where, opro_run_error(h.run));
    again = (size_t)opro_journal_count(journal, OPRO_JOURNAL_AGAIN);
    assert_int_equal(again, opro_run_count(h.run, OPRO_COUNT_IN_FLIGHT));
    must(kept_go(&h), OPRO_DONE, where, opro_run_error(h.run));
    same_end(h.run, end, where);
    same_requests(&h, first, again, where);
    kept_free(&h);
    assert_int_equal(opro_journal_close(journal), OPRO_OK);
    opro_journal_free(journal);
}

/* The third life of a run that has come to its end: there is nothing left to do. */
static void third_life(disk *d, const kept_host *first, const kept_end *end, const char *where) {
    opro_journal *journal = kept_journal(d, "");
    size_t len = disk_look(d, KEPT_PATH)->len;
    kept_host h;

    kept_begin(&h, first->scenario, "");
    must(opro_run_resume(h.run, journal), OPRO_OK, where, opro_run_error(h.run));
    must(kept_go(&h), OPRO_DONE, where, opro_run_error(h.run));
    same_end(h.run, end, where);
    if (h.n) fail_msg("%s: a run that was over asks for more", where);
    kept_free(&h);
    opro_journal_free(journal);
    assert_true(disk_look(d, KEPT_PATH)->len < len + 200); /* a close, at most */
}

static void cut_off_anywhere(void **state) {
    for (size_t k = 0; k < SCENARIOS; k++) {
        disk d;
        kept_host *first = malloc(sizeof *first);
        kept_end end;
        size_t len, records = 0;
        char *image;
        char where[128];

        disk_begin(&d, k);
        image = first_life(&d, first, &scenarios[k], &end, &len);
        if (getenv("KEPT_SAY") && k < 1) fwrite(image, 1, len, stdout);
        for (size_t at = 0; at < len; at++) {
            if (image[at] != '\n') continue;
            records++;
            snprintf(where, sizeof where, "%s, after record %zu", scenarios[k].name, records - 1);
            second_life(&d, first, &end, image, at + 1, where);
            if (records % 16 == 0) third_life(&d, first, &end, where);
            if (records % 16 == 2)
                second_life(&d, first, &end, image, at - 40 + records % 40, where);
        }
        if (getenv("KEPT_SAY")) {
            printf("%s: %zu records, %zu requests, %zu bytes\n", scenarios[k].name, records,
                   first->n, len);
        }
        kept_free(first);
        free(first);
        free(image);
        disk_end(&d);
    }
    (void)state;
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
    h.scenario = &scenarios[0];
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
        kept_begin(&h, &scenarios[0], "samples_per_step=4");
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

/* ---- a disk that fails ----------------------------------------------------------------------- */

/* Whatever was acknowledged before a fault is there after it, and the run comes out the same. */
static void faults(void **state) {
    kept_end expected;
    long calls;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    expected = make_file(&d, &small);
    disk_clear(&d);
    make_file(&d, &small);
    calls = d.calls;
    for (int kind = 0; kind < DISK_FAULTS; kind++)
        for (long n = 0; n < calls; n += kind == DISK_EINTR || kind == DISK_SHORT ? 5 : 1) {
            opro_journal *journal;
            kept_host h;
            int64_t acknowledged;
            opro_status st, closed;
            char where[64];

            snprintf(where, sizeof where, "fault %d in call %ld", kind, n);
            disk_clear(&d);
            d.fault = n;
            d.kind = kind;
            journal = kept_journal(&d, "");
            kept_begin(&h, &small, "");
            st = opro_run_resume(h.run, journal);
            if (st == OPRO_OK) {
                st = kept_go(&h);
                if (st != OPRO_DONE) assert_int_equal(opro_run_stop_reason(h.run), OPRO_STOP_ERROR);
            }
            if (st < 0) {
                must(st, OPRO_ERR_FAILED, where, opro_run_error(h.run));
                has(opro_run_error(h.run), "cannot ");
                has(opro_journal_error(journal), "cannot ");
            }
            closed = opro_journal_close(journal);
            if (st < 0 && opro_run_count(h.run, OPRO_COUNT_PROPOSALS))
                assert_int_equal(closed, OPRO_ERR_FAILED);
            acknowledged = opro_run_count(h.run, OPRO_COUNT_REPLIES);
            kept_free(&h);
            opro_journal_free(journal);
            assert_int_equal(disk_open_files(&d), 0);

            disk_power_loss(&d);
            journal = kept_journal(&d, "");
            kept_begin(&h, &small, "");
            must(opro_run_resume(h.run, journal), OPRO_OK, where, opro_run_error(h.run));
            if (opro_run_count(h.run, OPRO_COUNT_REPLIES) < acknowledged)
                fail_msg("%s: an answer is lost", where);
            must(kept_go(&h), OPRO_DONE, where, opro_run_error(h.run));
            same_end(h.run, &expected, where);
            kept_free(&h);
            opro_journal_free(journal);
        }
    disk_end(&d);
}

/* The power goes at any call: nothing acknowledged is lost, and the run comes out the same. */
static void power_losses(void **state) {
    kept_end expected;
    long calls;
    disk d;

    (void)state;
    disk_begin(&d, 7);
    expected = make_file(&d, &small);
    disk_clear(&d);
    make_file(&d, &small);
    calls = d.calls;
    for (long n = 0; n < 3 * calls; n++) {
        opro_journal *journal;
        kept_host h;
        int64_t replies = 0, calls_made = 0;
        char where[64];

        snprintf(where, sizeof where, "power loss in call %ld", n);
        disk_clear(&d);
        d.death = n % calls;
        journal = kept_journal(&d, "");
        kept_begin(&h, &small, "");
        if (opro_run_resume(h.run, journal) == OPRO_OK) kept_go(&h);
        replies = opro_run_count(h.run, OPRO_COUNT_REPLIES);
        calls_made = opro_run_count(h.run, OPRO_COUNT_SCORER_CALLS);
        kept_free(&h);
        opro_journal_free(journal);
        disk_power_loss(&d);
        journal = kept_journal(&d, "");
        kept_begin(&h, &small, "");
        must(opro_run_resume(h.run, journal), OPRO_OK, where, opro_run_error(h.run));
        if (opro_run_count(h.run, OPRO_COUNT_REPLIES) < replies)
            fail_msg("%s: %d of %d replies", where, (int)opro_run_count(h.run, OPRO_COUNT_REPLIES),
                     (int)replies);
        (void)calls_made;
        must(kept_go(&h), OPRO_DONE, where, opro_run_error(h.run));
        same_end(h.run, &expected, where);
        kept_free(&h);
        opro_journal_free(journal);
    }
    disk_end(&d);
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
        cmocka_unit_test(cut_off_anywhere),
        cmocka_unit_test(other_settings),
        cmocka_unit_test(more_steps),
        cmocka_unit_test(other_callbacks),
        cmocka_unit_test(holes),
        cmocka_unit_test(wrong_moments),
        cmocka_unit_test(faults),
        cmocka_unit_test(power_losses),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
