/* SPDX-License-Identifier: MIT */
/*
 * The published question sets, read and counted: what is expected of them stands in the report
 * beside them. The kinds of answers in it are those that the published program is set to.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dataset_world.h"

static const char *folder;

static char *read_report(void) {
    char path[4096], *text = calloc(1, 1 << 20);
    FILE *file;

    snprintf(path, sizeof path, "%s/data/datasets_report.json", folder);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_in_range(fread(text, 1, (1 << 20) - 1, file), 1000, (1 << 20) - 2);
    fclose(file);
    return text;
}

/* What stands behind a key in an entry of the report. */
static const char *entry(const char *report, const char *name, const char *key) {
    char quoted[100];
    const char *at;

    snprintf(quoted, sizeof quoted, "\"%s\": {", name);
    at = strstr(report, quoted);
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    at = at ? strstr(at, quoted) : NULL;
    if (!at) fail_msg("the report has no %s of %s", key, name);
    return at ? at + strlen(quoted) : "";
}

static int32_t task_of(const char *report, const char *name) {
    static const struct {
        const char *name;
        int32_t task;
    } kinds[] = {{"\"number\"", OPRO_TASK_NUMBER},
                 {"\"bool\"", OPRO_TASK_BOOL},
                 {"\"multiple_choice\"", OPRO_TASK_CHOICE},
                 {"\"free_text\"", OPRO_TASK_TEXT}};
    const char *kind = entry(report, name, "answer_kind");

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(kind, kinds[i].name, strlen(kinds[i].name)) == 0) return kinds[i].task;
    return 0;
}

static opro_dataset *loaded(const char *name, int32_t layout) {
    opro_dataset *d = empty();
    char path[4096];

    snprintf(path, sizeof path, "%s/data/%s", folder, name);
    if (opro_dataset_load(d, path, OPRO_ZT, layout) != OPRO_OK)
        fail_msg("%s: %s", path, message(d));
    return d;
}

static void check_file(const char *report, const char *name, const char *path, int32_t layout) {
    opro_dataset *d = loaded(path, OPRO_LAYOUT_AUTO), *told = loaded(path, layout);

    assert_int_equal(opro_dataset_count(d), strtol(entry(report, name, "examples"), NULL, 10));
    if (opro_dataset_task(d) != task_of(report, name))
        fail_msg("%s: task %d", name, (int)opro_dataset_task(d));
    assert_true(opro_dataset_digest(d) == opro_dataset_digest(told));
    opro_dataset_free(d);
    opro_dataset_free(told);
}

static void test_files(void **state) {
    static const char *const tasks[] = {"boolean_expressions",
                                        "date_understanding",
                                        "formal_fallacies",
                                        "geometric_shapes",
                                        "navigate",
                                        "logical_deduction_three_objects",
                                        "movie_recommendation",
                                        "object_counting",
                                        "penguins_in_a_table",
                                        "reasoning_about_colored_objects",
                                        "ruin_names",
                                        "tracking_shuffled_objects_three_objects",
                                        "snarks",
                                        "sports_understanding",
                                        "temporal_sequences",
                                        "word_sorting"};
    char *report = read_report();

    (void)state;
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        char path[100];

        snprintf(path, sizeof path, "bbh/%s.json", tasks[i]);
        check_file(report, tasks[i], path, OPRO_LAYOUT_BBH);
    }
    check_file(report, "gsm8k/gsm_train.tsv", "gsm8k/gsm_train.tsv", OPRO_LAYOUT_GSM8K);
    check_file(report, "gsm8k/gsm_test.tsv", "gsm8k/gsm_test.tsv", OPRO_LAYOUT_GSM8K);
    check_file(report, "AQuA.json", "AQuA.json", OPRO_LAYOUT_AQUA);
    free(report);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};
    const char *ci = getenv("CI");
    char path[4096];
    FILE *file;

    folder = getenv("OPRO_SHARED");
    snprintf(path, sizeof path, "%s/data/AQuA.json", folder ? folder : ".");
    file = folder ? fopen(path, "rb") : NULL;
    if (!file) {
        printf("skipped: %s is not there\n", path);
        return ci && strcmp(ci, "true") == 0 ? 1 : 77;
    }
    fclose(file);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
