/* SPDX-License-Identifier: MIT */
/* Labelled examples: from memory, from files in all layouts, from a callback; and their sets. */
#include <stdio.h>
#include <string.h>

#include "world.h"

static const char bbh[] =
    "{\"canary\":1,\"examples\":[{\"input\":\"True and not True is\","
    "\"target\":\"False\"},{\"input\":\"not False is\",\"target\":\"True\"}]}";
static const char gsm8k[] = "One and two?\t3\nTwo apples and 1,000 pears?\t1,002\n";
static const char aqua[] =
    "{\"question\":\"2*2?\",\"options\":[\"A)3\",\"B)4\"],\"rationale\":\"x\","
    "\"correct\":\"B\"}\n";
static const char jsonl[] = "{\"q\":\"caf\\u00e9?\",\"a\":12,\"o\":[\"x\",\"y\"]}\n\n"
                            "{\"q\":\"second\",\"a\":true,\"o\":[\"z\"]}\r\n";
static const char csv[] = "question,answer\n\"a, b and \"\"c\"\"?\",5\nplain,6\n";
static const char csv_bad[] = "question,answer\nx,1\nonly one\ny,2\n";
static const char tsv[] = "x\tone\ta\tb\ny\ttwo\tc\td\n";

static void note_dataset(opro_dataset *d) {
    uint64_t digest;
    int32_t task;

    note_int((int64_t)opro_dataset_count(d));
    note_int(opro_dataset_skipped(d));
    for (size_t i = 0; i < opro_dataset_count(d); i++) {
        const char *text;
        size_t len;

        TRY_VALUE(text, opro_dataset_error(d), opro_dataset_question(d, i, &len));
        note_text(text, len);
        TRY_VALUE(text, opro_dataset_error(d), opro_dataset_answer(d, i, &len));
        note_text(text, len);
        TRY_VALUE(text, opro_dataset_error(d), opro_dataset_options(d, i, &len));
        note_text(text, len);
    }
    TRY_VALUE(task, opro_dataset_error(d), opro_dataset_task(d));
    note_int(task);
    TRY_VALUE(digest, opro_dataset_error(d), opro_dataset_digest(d));
    note_int((int64_t)digest);
}

static opro_dataset *make_dataset(void) {
    opro_dataset *d;

    MAKE(dataset, d, NULL, opro_dataset_new(&d, &scarce));
    return d;
}

static void read_one(opro_dataset *d, const char *text, int32_t layout) {
    TRY(opro_dataset_error(d), opro_dataset_read(d, text, OPRO_ZT, layout));
}

static void layouts(void) {
    opro_dataset *d = make_dataset();

    read_one(d, bbh, OPRO_LAYOUT_BBH);
    read_one(d, gsm8k, OPRO_LAYOUT_GSM8K);
    read_one(d, aqua, OPRO_LAYOUT_AQUA);
    read_one(d, csv, OPRO_LAYOUT_CSV);
    read_one(d, bbh, OPRO_LAYOUT_AUTO);
    TRY_REFUSED(OPRO_ERR_PARSE, opro_dataset_error(d),
                opro_dataset_read(d, csv_bad, OPRO_ZT, OPRO_LAYOUT_CSV));
    TRY(opro_dataset_error(d), opro_dataset_set_skip_bad(d, 1));
    read_one(d, csv_bad, OPRO_LAYOUT_CSV);
    TRY(opro_dataset_error(d), opro_dataset_set_columns(d, "q", "a", "o"));
    read_one(d, jsonl, OPRO_LAYOUT_JSONL);
    TRY(opro_dataset_error(d), opro_dataset_set_columns(d, "1", "2", "3-4"));
    read_one(d, tsv, OPRO_LAYOUT_TSV);
    note_dataset(d);
}

/* From files; the callers' bytes are enough for several blocks of reading. */
static void files(void) {
    static char many[1 << 17];
    opro_dataset *d = make_dataset();
    const char *path;
    size_t len = 0;

    for (int i = 0; len < sizeof many - 256; i++)
        len += (size_t)snprintf(many + len, sizeof many - len, "question %d %0200d\t%d\n", i, i, i);
    file_put("many.tsv", many, len);
    file_put("few.json", bbh, strlen(bbh));
    path = file_path("few.json");
    TRY(opro_dataset_error(d), opro_dataset_load(d, path, OPRO_ZT, OPRO_LAYOUT_AUTO));
    path = file_path("many.tsv");
    TRY(opro_dataset_error(d), opro_dataset_load(d, path, OPRO_ZT, OPRO_LAYOUT_GSM8K));
    note_int((int64_t)opro_dataset_digest(d));
    path = file_path("none");
    TRY_REFUSED(OPRO_ERR_FAILED, opro_dataset_error(d),
                opro_dataset_load(d, path, OPRO_ZT, OPRO_LAYOUT_GSM8K));
}

static void sets(void) {
    static const int64_t by_hand[3] = {7, 1, 4};
    opro_dataset *d = make_dataset();
    const int64_t *set;
    size_t n;

    for (int i = 0; i < 20; i++) {
        char text[32];

        snprintf(text, sizeof text, "item %d", i);
        TRY(opro_dataset_error(d),
            opro_dataset_add(d, text, OPRO_ZT, text + 5, OPRO_ZT, i % 2 ? "x\ny" : "", OPRO_ZT));
    }
    TRY(opro_dataset_error(d), opro_dataset_split(d, 0.5, 0.25, 0.25, 9));
    set = opro_dataset_split_of(d, OPRO_VALIDATION, &n);
    note_bytes(set, n * sizeof *set);
    TRY(opro_dataset_error(d), opro_dataset_set_split(d, OPRO_TEST, by_hand, 3));
    set = opro_dataset_split_of(d, OPRO_TEST, &n);
    note_bytes(set, n * sizeof *set);
    TRY(opro_dataset_error(d), opro_dataset_split_published(d, 0.4, 0.2));
    set = opro_dataset_split_of(d, OPRO_TRAIN, &n);
    note_bytes(set, n * sizeof *set);
    note_dataset(d);
}

/* ---- from a callback ------------------------------------------------------------------------- */

static int32_t deliver(const opro_dataset *dataset, size_t index, opro_sink *sink,
                       void *user_data) {
    char text[64];
    opro_status st;

    (void)dataset, (void)user_data;
    snprintf(text, sizeof text, "What is item %d?", (int)index);
    st = opro_sink_text(sink, text, OPRO_ZT);
    return st == OPRO_OK ? opro_sink_text(sink, text + 13, OPRO_ZT) : st;
}

static void called_back(void) {
    opro_dataset *d = make_dataset();

    TRY(opro_dataset_error(d), opro_dataset_set_fn(d, 6, deliver, lend(), returned));
    note_dataset(d);
    TRY(opro_dataset_error(d), opro_dataset_set_fn(d, 0, NULL, NULL, NULL));
    TRY(opro_dataset_error(d), opro_dataset_set_fn(d, 4, deliver, lend(), returned));
    note_dataset(d);
}

static void a_problem(void) {
    opro_dataset *d = make_dataset();
    opro_problem *p;

    TRY(opro_dataset_error(d), opro_dataset_set_fn(d, 8, deliver, lend(), returned));
    TRY(opro_dataset_error(d), opro_dataset_split(d, 0.5, 0.5, 0, 1));
    MAKE(problem, p, NULL, opro_problem_new_dataset(&p, d, &scarce));
    TRY(opro_problem_error(p), opro_problem_add_initial(p, "Think first.", OPRO_ZT));
    note_problem(p);
    whole_run(p, make_config("steps=2 samples_per_step=3 race=off confirm=off"), NULL);
}

const scenario dataset_scenarios[] = {
    {"layouts of datasets", MEMORY, layouts},
    {"files of datasets", MEMORY | CALLS, files},
    {"sets of examples", MEMORY, sets},
    {"examples by a callback", MEMORY, called_back},
    {"a problem of a dataset", MEMORY, a_problem},
    {NULL, 0, NULL},
};
