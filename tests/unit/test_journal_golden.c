/* SPDX-License-Identifier: MIT */
/*
 * Journals of each version of the format, as they were written then: they are read, and their runs
 * go on, for ever. test_journal_golden FOLDER; with GOLDEN_WRITE set, it writes those of this
 * version that are not there.
 */
#include "kept_world.h"

static const struct {
    kept_scenario scenario;
    const char *file;
    uint64_t trajectory; /* what the run comes to */
    size_t part;         /* the run was cut off after so many records; 0: it was not */
} goldens[] = {
    {{"plain", "steps=2 samples_per_step=2", 1, 0, KEPT_USAGE | KEPT_FEEDBACK},
     "plain-1.0.journal",
     UINT64_C(0x1807950f4ee7488a),
     0},
    {{"cut off", "steps=3 samples_per_step=2 samples_per_request=1 max_failures=0", 2, 2,
      KEPT_FAILS | KEPT_USAGE},
     "cut-off-1.0.journal",
     UINT64_C(0x45a0e6ace06011ea),
     20},
    {{"steady", "mode=steady steps=3 steady_samples=1 steady_candidates=3 race=recommended", 20, 0,
      KEPT_FEEDBACK},
     "steady-1.0.journal",
     UINT64_C(0x892c90df96162b98),
     12},
};

static const char *folder;

static char *read_golden(const char *name, size_t *len) {
    char path[1024], *s;
    FILE *in;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    in = fopen(path, "rb");
    if (!in) return NULL;
    s = malloc(1 << 20);
    *len = fread(s, 1, 1 << 20, in);
    fclose(in);
    return s;
}

static void write_golden(size_t g) {
    disk d;
    opro_journal *journal;
    const disk_file *file;
    kept_host h;
    size_t len = 0, records = 0;
    char path[1024];
    FILE *out;

    disk_begin(&d, 1);
    journal = kept_journal(&d, "");
    kept_begin(&h, &goldens[g].scenario, "");
    assert_int_equal(opro_run_resume(h.run, journal), OPRO_OK);
    assert_int_equal(kept_go(&h), OPRO_DONE);
    print_message("%s: 0x%016llx\n", goldens[g].file,
                  (unsigned long long)kept_end_of(h.run).trajectory);
    opro_journal_free(journal);
    kept_free(&h);
    file = disk_look(&d, KEPT_PATH);
    while (len < file->len && !(goldens[g].part && records == goldens[g].part))
        records += file->cache[len++] == '\n';
    snprintf(path, sizeof path, "%s/%s", folder, goldens[g].file);
    out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(file->cache, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
    disk_end(&d);
}

/* Every entry of it can be read. */
static void is_read(disk *d, const char *name) {
    opro_journal *journal = kept_journal(d, "");
    opro_status st;
    size_t len;
    long n = 0;

    while ((st = opro_journal_next(journal)) == OPRO_OK) {
        int32_t kind = opro_journal_entry(journal);

        if (kind == OPRO_ENTRY_OTHER) fail_msg("%s: record %ld is not known", name, n);
        assert_int_equal(kind == OPRO_ENTRY_HEADER, n == 0);
        assert_int_equal(opro_journal_entry_record(journal), n++);
        if (kind == OPRO_ENTRY_SCORES) {
            const double *scores = opro_journal_entry_scores(journal, &len);

            assert_true(len > 0 && scores[0] >= 0 && scores[0] <= 1);
        }
    }
    if (st != OPRO_DONE)
        fail_msg("%s: %s", name, opro_error_message(opro_journal_error(journal), NULL));
    assert_true(n > 10);
    assert_int_equal(opro_journal_entry(journal), 0);
    assert_string_equal(opro_journal_entry_text(journal, &len), "");
    opro_journal_free(journal);
}

static void golden_files(void **state) {
    (void)state;
    for (size_t g = 0; g < sizeof goldens / sizeof *goldens; g++) {
        const char *name = goldens[g].file;
        size_t len = 0;
        char *s = read_golden(name, &len);
        opro_journal *journal;
        kept_host h;
        disk d;

        if (!s && getenv("GOLDEN_WRITE")) {
            write_golden(g);
            continue;
        }
        if (!s) fail_msg("%s is not in %s", name, folder);
        disk_begin(&d, 1);
        disk_write_file(&d, KEPT_PATH, s, len);
        is_read(&d, name);
        journal = kept_journal(&d, "");
        kept_begin(&h, &goldens[g].scenario, "");
        if (opro_run_resume(h.run, journal) != OPRO_OK)
            fail_msg("%s: %s", name, opro_error_message(opro_run_error(h.run), NULL));
        assert_int_equal(kept_go(&h), OPRO_DONE);
        if (kept_end_of(h.run).trajectory != goldens[g].trajectory)
            fail_msg("%s: another trajectory", name);
        opro_journal_free(journal);
        kept_free(&h);
        disk_end(&d);
        free(s);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_files),
    };

    if (argc != 2) return 2;
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
