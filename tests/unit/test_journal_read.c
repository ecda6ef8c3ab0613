/* SPDX-License-Identifier: MIT */
/* What a reader of a journal sees, and when a journal is not to be had. */
#include "failing.h"
#include "journal_book.h"

/* ---- readers --------------------------------------------------------------------------------- */

/* What a reader is to see of a record. */
typedef struct seen {
    const char *payload;
    int32_t kind, how, value;
    uint64_t id;
    int64_t step, ms;
    size_t index, wanted;
    const char *text;
    size_t scores;
    int64_t usage[3];
} seen;

static const seen rows[] = {
    {.payload = "{\"t\":\"time\",\"now\":5}", .kind = OPRO_ENTRY_TIME, .ms = 5, .text = ""},
    {.payload =
         "{\"t\":\"request\",\"kind\":\"propose\",\"id\":\"1\",\"now\":6,\"step\":2,\"first\":3,"
         "\"n\":4,\"q\":\"0a\"}",
     .kind = OPRO_ENTRY_REQUEST,
     .how = OPRO_REQUEST_PROPOSE,
     .id = 1,
     .step = 2,
     .ms = 6,
     .index = 3,
     .wanted = 4,
     .text = ""},
    {.payload = "{\"t\":\"again\",\"id\":\"1\",\"now\":7}",
     .kind = OPRO_ENTRY_AGAIN,
     .id = 1,
     .ms = 7,
     .text = ""},
    {.payload = "{\"t\":\"part\",\"k\":0,\"x\":\"be\"}"}, /* with the next one */
    {.payload =
         "{\"t\":\"reply\",\"id\":\"1\",\"i\":3,\"origin\":7,\"how\":\"truncated\",\"parts\":1,"
         "\"x\":\"gun\"}",
     .kind = OPRO_ENTRY_REPLY,
     .how = OPRO_REASON_TRUNCATED,
     .value = 7,
     .id = 1,
     .index = 3,
     .text = "begun"},
    {.payload =
         "{\"t\":\"reply\",\"id\":\"1\",\"i\":0,\"origin\":8,\"how\":\"refused\",\"x\":\"no\","
         "\"prompt\":9,\"s\":[4]}", /* members of other kinds are not seen */
     .kind = OPRO_ENTRY_REPLY,
     .how = OPRO_REASON_REFUSED,
     .value = 8,
     .id = 1,
     .text = "no"},
    {.payload = "{\"t\":\"scores\",\"id\":\"2\",\"s\":[1,2]}",
     .kind = OPRO_ENTRY_SCORES,
     .id = 2,
     .text = "",
     .scores = 2},
    {.payload = "{\"t\":\"error\",\"id\":\"2\",\"status\":-130,\"x\":\"bad\"}",
     .kind = OPRO_ENTRY_ERROR,
     .value = -130,
     .id = 2,
     .text = "bad"},
    {.payload = "{\"t\":\"feedback\",\"id\":\"2\",\"x\":\"so\"}",
     .kind = OPRO_ENTRY_FEEDBACK,
     .id = 2,
     .text = "so"},
    {.payload = "{\"t\":\"usage\",\"id\":\"2\",\"prompt\":1,\"reply\":2,\"cost\":3}",
     .kind = OPRO_ENTRY_USAGE,
     .id = 2,
     .text = "",
     .usage = {1, 2, 3}},
    {.payload = "{\"t\":\"resume\"}", .kind = OPRO_ENTRY_RESUME, .text = ""},
    {.payload = "{\"t\":\"of a later version\"}", .kind = OPRO_ENTRY_OTHER, .text = ""},
    {.payload = "{\"t\":\"step\",\"step\":3,\"h\":\"1\"}",
     .kind = OPRO_ENTRY_STEP,
     .step = 3,
     .text = ""},
    {.payload = "{\"t\":\"stop\",\"reason\":10,\"now\":9}",
     .kind = OPRO_ENTRY_STOP,
     .value = 10,
     .ms = 9,
     .text = ""},
};

static void sees(const opro_journal *journal, const seen *row, int64_t record) {
    const int64_t *usage = row->usage;
    int64_t prompt = -1, reply = -1, cost = -1;
    size_t len = 99, n = 99;

    assert_int_equal(opro_journal_entry(journal), row->kind);
    assert_int_equal(opro_journal_entry_record(journal), record);
    assert_int_equal(opro_journal_entry_how(journal), row->how);
    assert_int_equal(opro_journal_entry_value(journal), row->value);
    assert_int_equal(opro_journal_entry_id(journal), row->id);
    assert_int_equal(opro_journal_entry_step(journal), row->step);
    assert_int_equal(opro_journal_entry_index(journal), row->index);
    assert_int_equal(opro_journal_entry_wanted(journal), row->wanted);
    assert_int_equal(opro_journal_entry_ms(journal), row->ms);
    assert_string_equal(opro_journal_entry_text(journal, &len), row->text);
    assert_int_equal(len, strlen(row->text));
    assert_string_equal(opro_journal_entry_text(journal, NULL), row->text);
    assert_int_equal(opro_journal_entry_scores(journal, &n) != NULL, row->scores > 0);
    assert_int_equal(n, row->scores);
    assert_int_equal(opro_journal_entry_scores(journal, NULL) != NULL, row->scores > 0);
    opro_journal_entry_usage(journal, &prompt, &reply, &cost);
    assert_true(prompt == usage[0] && reply == usage[1] && cost == usage[2]);
    opro_journal_entry_usage(journal, NULL, NULL, NULL);
}

/* A journal of the rows, and one record more, unless it is NULL. */
static void write_rows(disk *d, const char *more) {
    book b;

    first_life(&b, d, &plain, "", 1);
    while (b.n > 1)
        book_remove(&b, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        book_put(&b, b.n, rows[i].payload, strlen(rows[i].payload));
    if (more) book_put(&b, b.n, more, strlen(more));
    book_write(&b, d);
    book_free(&b);
}

static const seen nothing = {.text = ""};

/* Every kind of record, then one that is none: of that there is nothing to be seen. */
static void every_kind_is_read(void **state) {
    opro_journal *journal;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    write_rows(&d, "{\"t\":\"time\"}");
    journal = kept_journal(&d, "");
    assert_int_equal(opro_journal_next(NULL), OPRO_ERR_INVALID);
    sees(journal, &nothing, 0);
    assert_int_equal(opro_journal_next(journal), OPRO_OK);
    assert_int_equal(opro_journal_entry(journal), OPRO_ENTRY_HEADER);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!rows[i].kind) continue;
        assert_int_equal(opro_journal_next(journal), OPRO_OK);
        sees(journal, &rows[i], (int64_t)i + 1);
    }
    assert_int_equal(opro_journal_next(journal), OPRO_ERR_PARSE);
    sees(journal, &nothing, 0);
    assert_int_equal(opro_journal_close(journal), OPRO_OK);
    assert_int_equal(opro_journal_count(journal, -1), 0);
    assert_true(opro_journal_count(journal, OPRO_JOURNAL_BYTES) > 0);
    opro_journal_free(journal);
    disk_end(&d);
}

/* The next entry; if there is no memory for it, nothing is seen, and it is read again. */
static opro_status next_or_again(opro_journal *journal, failing *fails, int *failed) {
    opro_status st = opro_journal_next(journal);

    if (st != OPRO_ERR_NOMEM) return st;
    sees(journal, &nothing, 0);
    *failed = 1;
    fails->left = -1;
    return opro_journal_next(journal);
}

static void without_memory(void **state) {
    int failed = 1;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    write_rows(&d, NULL);
    for (long n = 0; failed; n++) {
        failing fails = {-1, 0};
        opro_allocator a = failing_allocator(&fails);
        opro_journal *journal;

        assert_int_equal(opro_journal_new(&journal, KEPT_PATH, OPRO_ZT, NULL, &a), OPRO_OK);
        opro__journal_set_files(journal, &d.files);
        fails.left = n;
        failed = 0;
        assert_int_equal(next_or_again(journal, &fails, &failed), OPRO_OK);
        assert_int_equal(opro_journal_entry(journal), OPRO_ENTRY_HEADER);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (!rows[i].kind) continue;
            assert_int_equal(next_or_again(journal, &fails, &failed), OPRO_OK);
            sees(journal, &rows[i], (int64_t)i + 1);
        }
        assert_int_equal(next_or_again(journal, &fails, &failed), OPRO_DONE);
        opro_journal_free(journal);
        assert_int_equal(fails.live, 0);
    }
    disk_end(&d);
}

/* While a journal is put back, the callbacks of the problem cannot use it. */
typedef struct meddler {
    opro_journal *journal;
    long met;
} meddler;

static int32_t meddle(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    meddler *m = user_data;

    (void)problem, (void)text, (void)len;
    if (m->journal) {
        m->met++;
        assert_int_equal(opro_journal_next(m->journal), OPRO_ERR_STATE);
        assert_int_equal(opro_journal_sync(m->journal), OPRO_ERR_STATE);
        assert_int_equal(opro_journal_close(m->journal), OPRO_ERR_REENTRANT);
    }
    return opro_sink_count(sink, 0);
}

static void meddling(void **state) {
    meddler m = {NULL, 0};
    disk d;

    (void)state;
    disk_begin(&d, 1);
    for (int life = 0; life < 2; life++) {
        opro_problem *problem = kept_problem(1, 0);
        opro_config *config = kept_config(plain.settings);
        opro_journal *journal = kept_journal(&d, "");
        kept_host h;

        memset(&h, 0, sizeof h);
        h.scenario = &plain;
        assert_int_equal(opro_problem_set_check_fn(problem, meddle, &m, NULL), OPRO_OK);
        assert_int_equal(opro_run_new(&h.run, problem, config, NULL), OPRO_OK);
        if (life) m.journal = journal;
        assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
        m.journal = NULL;
        assert_int_equal(kept_go(&h), OPRO_DONE);
        kept_free(&h);
        opro_journal_free(journal);
        opro_config_free(config);
        opro_problem_free(problem);
    }
    assert_true(m.met > 0);
    disk_end(&d);
}

/* Moments at which a run and a journal do not come together. */
static void wrong_moments(void **state) {
    opro_journal *journal;
    opro_allocator bad = {0};
    char *path;
    kept_host h;
    book b;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    assert_int_equal(opro_journal_new(&journal, "a", 1, NULL, &bad), OPRO_ERR_INVALID);
    assert_int_equal(opro_journal_new(&journal, NULL, 1, NULL, NULL), OPRO_ERR_INVALID);
    path = calloc(1, 70000);
    assert_non_null(path);
    memset(path, 'p', 69999);
    assert_int_equal(opro_journal_new(&journal, path, OPRO_ZT, NULL, NULL), OPRO_ERR_INVALID);
    free(path);
    assert_int_equal(opro_journal_close(NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_journal_sync(NULL), OPRO_ERR_INVALID);
    first_life(&b, &d, &plain, "", 1);
    book_free(&b);
    /* a run that was stopped before it began */
    journal = kept_journal(&d, "");
    kept_begin(&h, &plain, "");
    assert_int_equal(opro_run_stop(h.run), OPRO_OK);
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_ERR_STATE);
    kept_free(&h);
    /* a journal that is being read, or kept another run */
    assert_int_equal(opro_journal_next(journal), OPRO_OK);
    kept_begin(&h, &plain, "");
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_ERR_STATE);
    assert_int_equal(opro_journal_sync(journal), OPRO_ERR_STATE);
    opro_journal_free(journal);
    journal = kept_journal(&d, "");
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
    assert_int_equal(opro_journal_close(journal), OPRO_OK);
    kept_free(&h);
    kept_begin(&h, &plain, "");
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_ERR_STATE);
    kept_free(&h);
    opro_journal_free(journal);
    disk_end(&d);
}

static void hear(int32_t level, const char *domain, const char *message, size_t len,
                 void *user_data) {
    char *log = user_data;

    (void)level, (void)domain, (void)len;
    assert_true(strlen(log) + strlen(message) + 2 < PAYLOAD);
    strcat(strcat(log, message), "\n");
}

/* What a crash left is told, and what the system cannot promise. */
static void what_is_told(void **state) {
    static const char torn[] = "{\"c\":\"0a1b";
    char log[PAYLOAD] = "";
    opro_config *config = kept_config("");
    char *image;
    size_t len;
    book b;
    disk d;

    (void)state;
    disk_begin(&d, 1);
    assert_int_equal(opro_config_set_log(config, OPRO_LOG_INFO, hear, log, NULL), OPRO_OK);
    first_life(&b, &d, &plain, "", 1);
    book_write(&b, &d);
    book_free(&b);
    len = disk_look(&d, KEPT_PATH)->len;
    image = malloc(len + sizeof torn);
    memcpy(image, disk_look(&d, KEPT_PATH)->cache, len);
    memcpy(image + len, torn, sizeof torn - 1);
    for (int fresh = 0; fresh < 2; fresh++) {
        opro_journal *journal;
        kept_host h;

        disk_clear(&d);
        if (!fresh) disk_write_file(&d, KEPT_PATH, image, len + sizeof torn - 1);
        if (fresh) d.refusal = -EINVAL;
        assert_int_equal(opro_journal_new(&journal, KEPT_PATH, OPRO_ZT, config, NULL), OPRO_OK);
        opro__journal_set_files(journal, &d.files);
        kept_begin(&h, &plain, "");
        assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
        assert_int_equal(opro_journal_count(journal, OPRO_JOURNAL_TORN_BYTES),
                         fresh ? 0 : sizeof torn - 1);
        assert_int_equal(*opro_journal_torn_file(journal, NULL) == '\0', fresh);
        opro_journal_torn_file(journal, &len);
        assert_int_equal(len, strlen(opro_journal_torn_file(journal, NULL)));
        kept_free(&h);
        opro_journal_free(journal);
    }
    assert_non_null(strstr(log, "had a torn end"));
    assert_non_null(strstr(log, "resumed from " KEPT_PATH));
    assert_non_null(strstr(log, "cannot be synced here"));
    free(image);
    opro_config_free(config);
    disk_end(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read), cmocka_unit_test(without_memory),
        cmocka_unit_test(meddling),           cmocka_unit_test(what_is_told),
        cmocka_unit_test(wrong_moments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
