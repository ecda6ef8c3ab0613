/* SPDX-License-Identifier: MIT */
/*
 * Journals that somebody has been at, with all seals right: what no longer fits together is refused
 * in words that say what it is, and what is only unknown is left aside.
 */
#include "journal_book.h"

#include "core/run.h"

/* Another life comes to this status, and to these words. */
static void resumed(const book *b, disk *d, const kept_scenario *scenario, opro_status expected,
                    const char *words) {
    opro_journal *journal;
    opro_status st;
    kept_host h;

    book_write(b, d);
    journal = kept_journal(d, "journal_sync=none");
    kept_begin(&h, scenario, "");
    st = opro_run_resume(h.run, journal);
    if (st != expected || !strstr(opro_error_message(opro_run_error(h.run), NULL), words))
        fail_msg("%s, and not \"%s\": %s", opro_status_name(st), words,
                 opro_error_message(opro_run_error(h.run), NULL));
    if (st == OPRO_OK) assert_int_equal(kept_go(&h), OPRO_DONE);
    kept_free(&h);
    opro_journal_free(journal);
    assert_int_equal(disk_open_files(d), 0);
}

/* ---- the header ------------------------------------------------------------------------------ */

/* The first record with one text in the place of another one. */
static void header_case_of(const kept_scenario *scenario, const char *from, const char *to,
                           opro_status expected, const char *words) {
    book b;
    disk d;

    disk_begin(&d, 1);
    first_life(&b, &d, scenario, "", 1);
    if (from)
        book_change(&b, 0, from, to);
    else
        strcpy(b.records[0], to);
    resumed(&b, &d, scenario, expected, words);
    book_free(&b);
    disk_end(&d);
}

static void header_case(const char *from, const char *to, opro_status expected, const char *words) {
    header_case_of(&plain, from, to, expected, words);
}

static void foreign_headers(void **state) {
    (void)state;
    header_case(NULL, "{}", OPRO_ERR_PARSE, "not the journal of a run: it begins with \"{}\"");
    header_case("\"t\":\"journal\"", "\"t\":\"journals\"", OPRO_ERR_PARSE,
                "not the journal of a run");
    header_case("\"t\":\"journal\"", "\"t\":\"journey\"", OPRO_ERR_PARSE,
                "not the journal of a run");
    header_case("\"format\":\"1.0\"", "\"format\":\"2.0\"", OPRO_ERR_PARSE,
                "has format \"\"2.0\"\"");
    header_case("\"format\":\"1.0\"", "\"format\":\"\"", OPRO_ERR_PARSE, "reads 1.x");
    header_case("\"format\"", "\"formal\"", OPRO_ERR_PARSE, "has format \"\"");
    header_case("\"format\":\"1.0\"", "\"format\":\"1.7\"", OPRO_OK, "");
    header_case("\"incompat\":[]", "\"incompat\":[\"x\"]", OPRO_ERR_PARSE, "features");
    header_case("\"incompat\":[]", "\"incomplete\":[]", OPRO_ERR_PARSE, "features");
    header_case("\"compat\":[]", "\"compat\":[\"x\"]", OPRO_ERR_PARSE, "features");
}

static const kept_scenario hidden = {"hidden", "steps=2 score_display=none", 1, 0, 0};

/* Options that came later have their defaults, or are named; those of a later version are. */
static void other_options(void **state) {
    (void)state;
    header_case("\"samples_per_step\":", "\"samples_in_step\":", OPRO_ERR_INVALID,
                "samples_per_step not set (here 3)");
    header_case("\"seed\":0", "\"seeds\":0", OPRO_ERR_INVALID, "seeds 0 (here unknown)");
    header_case("\"seed\":0,", "", OPRO_OK, "");
    header_case("\"temperature\":1,", "", OPRO_OK, "");
    header_case("\"score_threshold\":\"none\",", "", OPRO_OK, "");
    header_case("\"mode\":\"stepwise\",", "", OPRO_OK, "");
    header_case_of(&hidden, "\"score_display\":\"none\",", "", OPRO_ERR_INVALID,
                   "score_display not set (here \"none\")"); /* the default is as long */
    header_case("\"options\"", "\"optional\"", OPRO_ERR_INVALID,
                "samples_per_step not set (here 3)");
    header_case("\"options\":{", "\"options\":[],\"optional\":{", OPRO_ERR_INVALID,
                "samples_per_step not set (here 3)");
    header_case("\"kind\":\"text\"", "\"kinds\":\"text\"", OPRO_ERR_INVALID,
                "the problem's kind not set (here \"text\")");
    header_case("\"whole\":", "\"hole\":", OPRO_ERR_INVALID, "the problem's whole not set");
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Records of a whole journal that do not fit together. */
static void entries_that_do_not_fit(void **state) {
    static const struct {
        const char *part, *from, *to; /* of the first record with it; from NULL: all of it */
        opro_status expected;
        const char *words;
    } cases[] = {
        {"\"propose\"", "\"q\":\"", "\"q\":\"00000", OPRO_ERR_PARSE, "not as this library writes"},
        {"\"propose\"", "\"n\":3", "\"n\":4", OPRO_OK, ""}, /* for readers */
        {"\"propose\"", "\"id\":\"", "\"id\":\"9", OPRO_ERR_FAILED,
         "another request was handed out"},
        {"\"t\":\"step\"", "\"step\":", "\"st\":", OPRO_ERR_PARSE, "not as this library writes"},
        {"\"t\":\"reply\"", "\"id\":\"", "\"id\":\"9", OPRO_ERR_UNKNOWN, "record "},
        {"\"t\":\"reply\"", "\"t\":\"reply\"", "\"t\":5", OPRO_ERR_PARSE,
         "not as this library writes"},
        {"\"t\":\"reply\"", NULL, "{\"t\":\"time\"}", OPRO_ERR_PARSE, "not as this library writes"},
    };
    book b;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at;

        disk_clear(&d);
        first_life(&b, &d, &plain, "", 1);
        at = book_find(&b, 1, cases[i].part);
        if (cases[i].from)
            book_change(&b, at, cases[i].from, cases[i].to);
        else
            strcpy(b.records[at], cases[i].to);
        resumed(&b, &d, &plain, cases[i].expected, cases[i].words);
        book_free(&b);
    }
    disk_end(&d);
}

/* One digit of a digest is another one. */
static void flip_digest(book *b, size_t i, const char *member) {
    char *digit = strstr(b->records[i], member) + strlen(member);

    *digit = *digit == '0' ? '1' : '0';
}

static void digests_that_differ(void **state) {
    static const struct {
        const char *part, *member, *words;
    } cases[] = {{"\"propose\"", "\"q\":\"", "another request was handed out than now"},
                 {"\"t\":\"step\"", "\"h\":\"", "a step came out otherwise"}};
    book b;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    for (size_t i = 0; i < 2; i++) {
        disk_clear(&d);
        first_life(&b, &d, &plain, "", 1);
        flip_digest(&b, book_find(&b, 1, cases[i].part), cases[i].member);
        resumed(&b, &d, &plain, OPRO_ERR_FAILED, cases[i].words);
        book_free(&b);
    }
    disk_end(&d);
}

/* Records that came twice, in another place, or from a later version. */
static void other_rows(void **state) {
    static const char later[] = "{\"t\":\"of a later version\",\"now\":\"?\"}";
    static const char resume[] = "{\"t\":\"resume\"}";
    char request[PAYLOAD];
    size_t at;
    book b;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    first_life(&b, &d, &plain, "", 1);
    book_put(&b, 3, later, sizeof later - 1);
    resumed(&b, &d, &plain, OPRO_OK, "");
    book_remove(&b, 3);
    /* nothing is open yet: nothing is asked again */
    book_put(&b, 2, resume, sizeof resume - 1);
    resumed(&b, &d, &plain, OPRO_OK, "");
    book_remove(&b, 2);
    at = book_find(&b, 1, "\"propose\"");
    strcpy(request, b.records[at]);
    book_put(&b, at, request, strlen(request));
    resumed(&b, &d, &plain, OPRO_ERR_FAILED, "where the run now waits");
    book_remove(&b, at);
    at = book_find(&b, 1, "\"t\":\"stop\"");
    book_put(&b, at + 1, request, strlen(request));
    resumed(&b, &d, &plain, OPRO_ERR_FAILED, "where the run now stops");
    book_free(&b);
    disk_end(&d);
}

/* A request that is asked again is no new one. */
static void again_or_new(void **state) {
    opro_journal *journal;
    kept_host h;
    size_t asked, again;
    book b;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    first_life(&b, &d, &plain, "", 0);
    book_free(&b);
    journal = kept_journal(&d, "");
    kept_begin(&h, &plain, "");
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
    assert_true(opro_journal_count(journal, OPRO_JOURNAL_AGAIN) > 0);
    assert_int_equal(kept_go(&h), OPRO_DONE);
    kept_free(&h);
    opro_journal_free(journal);
    book_read(&b, &d);
    resumed(&b, &d, &plain, OPRO_OK, "");
    asked = book_find(&b, 1, "\"t\":\"request\"");
    again = book_find(&b, asked, "\"t\":\"again\"");
    strcpy(b.records[again], b.records[asked]);
    resumed(&b, &d, &plain, OPRO_ERR_FAILED, "another request was handed out than now");
    book_free(&b);
    disk_end(&d);
}

/* ---- who is asked again ---------------------------------------------------------------------- */

/* Waiting begins when somebody asks again; near the end of all time there is no end to it. */
static void times_of_open_requests(void **state) {
    static const kept_scenario late = {"late", "steps=3 samples_per_step=2 request_timeout_ms=50",
                                       1, 0, 0};
    const int64_t starts[] = {1000, INT64_MAX - 20};
    disk d;

    (void)state;
    disk_begin(&d, 1);
    for (size_t i = 0; i < 2; i++) {
        opro_journal *journal;
        opro_request *r;
        kept_host h;

        disk_clear(&d);
        journal = kept_journal(&d, "");
        kept_begin(&h, &late, "");
        assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
        while (opro_run_next(h.run, starts[i], &r) == OPRO_OK)
            continue;
        assert_int_equal(opro_run_timeout(h.run, starts[i]), i == 0 ? 50 : -1);
        kept_free(&h);
        opro_journal_free(journal);
        journal = kept_journal(&d, "");
        kept_begin(&h, &late, "");
        assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
        assert_true(opro_journal_count(journal, OPRO_JOURNAL_AGAIN) > 0);
        assert_int_equal(opro_run_timeout(h.run, 77), -1); /* nobody is waiting yet */
        while (opro_run_next(h.run, 77, &r) == OPRO_OK)
            continue;
        assert_int_equal(opro_run_timeout(h.run, 80), i == 0 ? 47 : -1);
        kept_free(&h);
        opro_journal_free(journal);
    }
    disk_end(&d);
}

/* Answers that come once more are left aside where the request was asked again, and there alone. */
static void answers_again(void **state) {
    static const kept_scenario two = {"two", "steps=3 samples_per_step=2 samples_per_request=1", 1,
                                      0, 0};
    opro_journal *journal;
    uint64_t scored = 0;
    opro_request *r;
    kept_host h;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    for (int life = 0; life < 2; life++) {
        uint64_t asked[2] = {0, 0};
        size_t n = 0;

        kept_begin(&h, &two, "");
        journal = kept_journal(&d, "");
        assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
        while (opro_run_next(h.run, 0, &r) == OPRO_OK) {
            if (opro_request_kind(r) == OPRO_REQUEST_PROPOSE) {
                assert_true(n < 2);
                asked[n++] = opro_request_id(r);
            } else {
                scored = opro_request_id(r);
                assert_int_equal(kept_scores(&h, r), OPRO_OK);
            }
        }
        assert_int_equal(n, 2);
        for (int time = 0; life && time < 2; time++) /* the second of them */
            assert_int_equal(opro_run_answer_reply(h.run, asked[1], 0, 0, "<INS>so</INS>", OPRO_ZT),
                             OPRO_OK);
        if (life) {
            assert_int_equal(opro_run_count(h.run, OPRO_COUNT_REPLIES), 1);
            assert_int_equal(opro_run_answer_scores(h.run, scored, (double[]){1}, 1),
                             OPRO_ERR_STALE);
        }
        kept_free(&h);
        opro_journal_free(journal);
    }
    disk_end(&d);
}

/* A disk that fails, or no memory, while what is open is kept as such: no half a change. */
static void faults_of_asking_again(void **state) {
    opro_status st = OPRO_ERR_FAILED;
    char *image;
    size_t len;
    book b;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    first_life(&b, &d, &plain, "", 0);
    book_free(&b);
    len = disk_look(&d, KEPT_PATH)->len;
    image = malloc(len);
    memcpy(image, disk_look(&d, KEPT_PATH)->cache, len);
    for (long n = 0; st != OPRO_OK; n++) {
        opro_journal *journal;
        kept_host h;

        disk_clear(&d);
        disk_write_file(&d, KEPT_PATH, image, len);
        d.fault = n;
        d.kind = DISK_EIO;
        journal = kept_journal(&d, "");
        kept_begin(&h, &plain, "");
        st = opro_run_resume(h.run, journal);
        if (st != OPRO_OK) assert_int_equal(st, OPRO_ERR_FAILED);
        if (st != OPRO_OK && h.run->taping.tape.ctx)
            assert_int_equal(opro_run_stop_reason(h.run), OPRO_STOP_ERROR);
        kept_free(&h);
        opro_journal_free(journal);
    }
    st = OPRO_ERR_NOMEM;
    for (long n = 0; st != OPRO_OK; n++) {
        failing f = {n, 0};
        opro_allocator mem = failing_allocator(&f);
        opro_problem *problem = kept_problem(1, 0);
        opro_config *config = kept_config(plain.settings);
        opro_journal *journal = NULL;
        opro_run *run = NULL;

        disk_clear(&d);
        disk_write_file(&d, KEPT_PATH, image, len);
        st = opro_run_new(&run, problem, config, &mem);
        if (st == OPRO_OK) st = opro_journal_new(&journal, KEPT_PATH, OPRO_ZT, config, &mem);
        if (journal) opro__journal_set_files(journal, &d.files);
        if (st == OPRO_OK) st = opro_run_resume(run, journal);
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        if (st == OPRO_OK) assert_true(opro_journal_count(journal, OPRO_JOURNAL_AGAIN) > 0);
        opro_run_free(run);
        opro_journal_free(journal);
        opro_config_free(config);
        opro_problem_free(problem);
        assert_int_equal(f.live, 0);
        assert_int_equal(disk_open_files(&d), 0);
    }
    free(image);
    disk_end(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_headers),
        cmocka_unit_test(other_options),
        cmocka_unit_test(entries_that_do_not_fit),
        cmocka_unit_test(digests_that_differ),
        cmocka_unit_test(other_rows),
        cmocka_unit_test(again_or_new),
        cmocka_unit_test(times_of_open_requests),
        cmocka_unit_test(answers_again),
        cmocka_unit_test(faults_of_asking_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
