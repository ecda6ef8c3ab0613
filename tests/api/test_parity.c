/* SPDX-License-Identifier: MIT */
/*
 * Whole runs, set up as the published program sets them up: what both models receive, for each
 * kind of dataset, position and meta-prompt. Comments say where it is not as in that program.
 */
#define _GNU_SOURCE
#include "parity_play.h"
#include "parity_script.h"

/* From a file on the disk. */
static opro_dataset *load(const char *content, int32_t layout) {
    char path[] = "/tmp/opro-parity-XXXXXX";
    int fd = mkstemp(path);
    opro_dataset *dataset;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    assert_int_equal(opro_dataset_new(&dataset, NULL), OPRO_OK);
    if (layout == OPRO_LAYOUT_CSV) /* as MMLU has them */
        assert_int_equal(opro_dataset_set_columns(dataset, "1", "6", "2-5"), OPRO_OK);
    assert_int_equal(opro_dataset_load(dataset, path, OPRO_ZT, layout), OPRO_OK);
    unlink(path);
    return dataset;
}

/* ---- all that goes together ------------------------------------------------------------------ */

static play play_of(const kind *k, meta m, place at, int marks) {
    return (play){.kind = m,
                  .at = at,
                  .marks = marks,
                  .more = "",
                  .questions = k->questions,
                  .n = 4,
                  .exemplars = of_4[0],
                  .shown = 3,
                  .all = few,
                  .count = N(few),
                  .replies = m == CHAT && at == A_BEGIN ? begun_replies : few_replies[m],
                  .steps = 1,
                  .samples = 2,
                  .buckets = 100,
                  .dataset = load(k->file, k->layout)};
}

static void play_each_position(const kind *k, meta m) {
    for (place at = BEFORE_Q; at < PLACES; at++)
        for (int marks = 0; marks < 2; marks++) {
            play p;

            if (!place_fits(at, marks) || (m == PRETRAINED && at == BEFORE_Q)) continue;
            p = play_of(k, m, at, marks);
            assert_int_equal(opro_dataset_task(p.dataset), k->task);
            perform(&p);
            close_play(&p);
        }
}

static void each_kind_position_and_meta_prompt(void **state) {
    (void)state;
    for (size_t k = 0; k < N(kinds); k++)
        for (meta m = CHAT; m < METAS; m++)
            play_each_position(&kinds[k], m);
}

/* ---- what the published program refuses ------------------------------------------------------ */

static opro_status try_examiner(const play *p) {
    opro_examiner *examiner = NULL;
    opro_status st =
        opro_examiner_new(&examiner, p->dataset, p->metric, p->answers, p->config, NULL);

    opro_examiner_free(examiner);
    return st;
}

static opro_status try_driver(const play *p) {
    opro_driver *driver = NULL;
    opro_status st = opro_driver_new(&driver, p->problem, p->config, NULL);

    opro_driver_free(driver);
    return st;
}

static void try_both(meta m, place at, int marks) {
    play p = play_of(&kinds[0], m, at, marks);
    opro_status asks = OPRO_OK, proposes = OPRO_OK;

    if (!place_fits(at, marks)) asks = proposes = OPRO_ERR_INVALID;
    /* this kind has no exemplars, and so no marks in them; the scorer's prompts have */
    if (m == PRETRAINED) proposes = at == BEFORE_Q ? OPRO_ERR_INVALID : OPRO_OK;
    open_play(&p);
    assert_int_equal(try_examiner(&p), asks);
    assert_int_equal(try_driver(&p), proposes);
    assert_int_equal(p.server->n, 0);
    close_play(&p);
}

/* Where it asserts, while it writes a prompt: ours says so before anything is sent. */
static void positions_that_need_marks_are_refused_without(void **state) {
    (void)state;
    for (meta m = CHAT; m < METAS; m++)
        for (place at = BEFORE_Q; at < PLACES; at++)
            for (int marks = 0; marks < 2; marks++)
                try_both(m, at, marks);
}

/* ---- long runs ------------------------------------------------------------------------------- */

static play long_play(meta m) {
    static const place places[] = {Q_BEGIN, Q_END, A_BEGIN};
    static const candidate *const all[] = {chat_all, square_all, pretrained_all};
    static const size_t counts[] = {N(chat_all), N(square_all), N(pretrained_all)};
    static const char *const *const replies[] = {chat_replies, square_replies, pretrained_replies};

    return (play){.kind = m,
                  .at = places[m],
                  .marks = m == PRETRAINED,
                  .row = "gsm8k",
                  .more = "",
                  .questions = sums,
                  .n = N(sums),
                  .exemplars = of_8[0],
                  .shown = 3,
                  .all = all[m],
                  .count = counts[m],
                  .replies = replies[m],
                  .steps = 5,
                  .samples = 8,
                  .buckets = 100,
                  .dataset = load(SUMS, OPRO_LAYOUT_GSM8K)};
}

static void check_rejected(const play *p) {
    static const int32_t reasons[] = {OPRO_REASON_DIGITS, OPRO_REASON_PLACEHOLDER,
                                      OPRO_REASON_TOO_LONG};
    const opro_trajectory *t = opro_driver_trajectory(p->driver);
    size_t n = 0;

    for (int64_t k = 0; k < opro_trajectory_count(t); k++)
        if (opro_trajectory_verdict(t, k) == OPRO_VERDICT_REJECTED) {
            assert_true(n < N(reasons));
            assert_int_equal(opro_trajectory_reason(t, k), reasons[n++]);
        }
    assert_int_equal(n, N(reasons));
}

static void what_is_shown_and_what_is_filtered(void **state) {
    (void)state;
    for (meta m = CHAT; m < METAS; m++) {
        play p = long_play(m);

        perform(&p);
        check_rejected(&p);
        close_play(&p);
    }
}

/* ---- the other switches ---------------------------------------------------------------------- */

/* meta_prompt_instructions_before_exemplars False, linear_increase to 2 in 5 steps, 20 buckets. */
static void exemplars_first_and_a_rising_temperature(void **state) {
    (void)state;
    for (meta m = CHAT; m < PRETRAINED; m++) {
        play p = long_play(m);

        p.more = "exemplars_first=1 temperature_schedule=linear temperature_end=2 score_buckets=20";
        p.exemplars_first = 1;
        p.buckets = 20;
        for (int step = 0; step < 5; step++)
            p.temperatures[step] = 1 + step / 5.0;
        perform(&p);
        close_play(&p);
    }
}

/* few_shot_qa_pairs False, num_score_buckets infinity. */
static void no_exemplars_and_no_buckets(void **state) {
    (void)state;
    for (meta m = CHAT; m < PRETRAINED; m++) {
        play p = long_play(m);

        p.more = "exemplars=0 score_display=decimals";
        p.shown = 0;
        p.buckets = 0;
        perform(&p);
        close_play(&p);
    }
}

/* ---- extract_final_answer_by_prompting_again ------------------------------------------------- */

static void answer_twice(mock *server, size_t n, const char *head, const char *body,
                         mock_reply *reply, void *ctx) {
    (void)server, (void)n, (void)head, (void)ctx;
    say(reply, strstr(body, "So the final answer is") ? ": 2." : " Let us see. Q: And next? ");
}

static void the_final_answer_is_asked_for(void **state) {
    mock *server = malloc(sizeof *server);
    string settings = {NULL, 0};
    const int64_t example = 0;
    opro_exam *exam;
    play p = long_play(CHAT);

    (void)state;
    p.at = A_BEGIN;
    p.marks = 1;
    p.server = server;
    assert_int_equal(mock_start(server, answer_twice, NULL, p.url), 0);
    add_published(&settings, "always");
    add_published(&settings, "scorer PaLM 2-L");
    string_add(&settings, "position=a_begin question_marks=1", NULL);
    p.config = config_of(settings.s);
    p.answers = model_named(&p, "answers");
    assert_int_equal(opro_metric_new(&p.metric, OPRO_METRIC_REFERENCE, OPRO_TASK_NUMBER, NULL),
                     OPRO_OK);
    assert_int_equal(opro_examiner_new(&p.examiner, p.dataset, p.metric, p.answers, p.config, NULL),
                     OPRO_OK);
    assert_int_equal(opro_exam_new(&exam, p.examiner, "Well:", OPRO_ZT, &example, 1), OPRO_OK);
    assert_int_equal(opro_exam_begin(exam, NULL, NULL, NULL), OPRO_OK);
    while (!opro_exam_done(exam))
        assert_true(opro_model_poll(p.answers, 10000) >= 0);
    assert_true(opro_exam_mean(exam) > 0.9);
    assert_int_equal(server->n, 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *body = json_loads(server->bodies[i], 0, NULL);
        string messages = messages_of(body);

        check_body(body, 0, i ? 50 : 256, 4);
        assert_string_equal(messages.s, i ? "user:Q: 1 and 1?\n\nA: Well: Let us see. So the final "
                                            "answer is" MESSAGE
                                          : "user:Q: 1 and 1?\n\nA: Well:" MESSAGE);
        string_free(&messages);
        json_decref(body);
    }
    opro_exam_free(exam);
    string_free(&settings);
    close_play(&p);
}

/* ---- the published split --------------------------------------------------------------------- */

/* A line of opro-vectors.jsonl: what the published program's function gave for n examples. */
static json_t *vector_of(const char *folder, const char *function, int n, int step) {
    char path[4096], *all, *line;
    json_t *out = NULL;

    snprintf(path, sizeof path, "%s/data/opro-vectors.jsonl", folder);
    all = read_file(path);
    for (line = all; line && *line && !out; line += strcspn(line, "\n"), line += *line == '\n') {
        json_t *vector, *in;

        if (!memmem(line, strcspn(line, "\n"), function, strlen(function))) continue;
        vector = json_loadb(line, strcspn(line, "\n"), 0, NULL);
        in = json_object_get(vector, "in");
        if (!strcmp(string_of(vector, "fn"), function) &&
            json_integer_value(json_object_get(in, "n")) == n &&
            (step < 0 || json_integer_value(json_object_get(in, "step")) == step))
            out = json_incref(json_object_get(vector, "out"));
        json_decref(vector);
    }
    free(all);
    return out;
}

/* The training examples, and which of them are exemplars, without the library's help. */
typedef struct set {
    question *questions;
    size_t n, exemplars[2][3];
} set;

static void read_exemplars(set *s, const char *folder, int n, const json_t *train) {
    for (int step = 0; step < 2; step++) {
        json_t *chosen = vector_of(folder, "random_exemplars", n, step);

        assert_int_equal(json_array_size(chosen), 3);
        for (size_t i = 0; i < 3; i++)
            for (size_t k = 0; k < s->n; k++)
                if (json_integer_value(json_array_get(train, k)) ==
                    json_integer_value(json_array_get(chosen, i)))
                    s->exemplars[step][i] = k;
        json_decref(chosen);
    }
}

/* Those of all, which has n, that the split takes for training. */
static set training_of(const char *folder, const question *all, int n) {
    json_t *train = vector_of(folder, "train_split", n, -1);
    set s = {.n = json_array_size(train)};

    s.questions = calloc(s.n, sizeof *s.questions);
    for (size_t i = 0; i < s.n; i++)
        s.questions[i] = all[json_integer_value(json_array_get(train, i))];
    read_exemplars(&s, folder, n, train);
    json_decref(train);
    return s;
}

/*
 * Two steps of a run on published data, each with one new instruction. first: the indices of the
 * three exemplars of step 0 in all, from another source.
 */
static void play_published(const char *folder, const char *row, const char *path, int32_t layout,
                           double ratio, const question *all, int n, const int first[3]) {
    static const char *const replies[] = {"<INS>Add up.</INS>", "<INS>Add up.</INS>",
                                          "<INS>Count.</INS>", "<INS>Count.</INS>"};
    candidate scored[] = {{START, -1, 0}, {"Add up.", 0, 0}, {"Count.", 1, 0}};
    set s = training_of(folder, all, n);
    play p = {.kind = CHAT,
              .row = row,
              .at = Q_BEGIN,
              .more = "",
              .questions = s.questions,
              .n = s.n,
              .exemplars = s.exemplars[0],
              .shown = 3,
              .all = scored,
              .count = N(scored),
              .replies = replies,
              .steps = 2,
              .samples = 2,
              .buckets = 100};

    for (size_t i = 0; i < 3; i++) {
        scored[i].right = s.n * (3 + i) / 7;
        assert_ptr_equal(s.questions[s.exemplars[0][i]].text, all[first[i]].text);
    }
    assert_int_equal(opro_dataset_new(&p.dataset, NULL), OPRO_OK);
    assert_int_equal(opro_dataset_load(p.dataset, path, OPRO_ZT, layout), OPRO_OK);
    assert_int_equal(opro_dataset_split_published(p.dataset, ratio, 0), OPRO_OK);
    perform(&p);
    close_play(&p);
    free(s.questions);
}

static const char *shared_file(const char *name, char path[4096]) {
    const char *folder = getenv("OPRO_SHARED");

    snprintf(path, 4096, "%s/data/%s", folder ? folder : "", name);
    if (!folder || access(path, R_OK)) skip();
    return folder;
}

static void the_published_split_of_navigate(void **state) {
    static const int first[] = {73, 76, 139};
    char path[4096];
    const char *folder = shared_file("bbh/navigate.json", path);
    json_t *file = json_load_file(path, 0, NULL), *examples = json_object_get(file, "examples");
    question all[250];

    (void)state;
    assert_int_equal(json_array_size(examples), N(all));
    for (size_t i = 0; i < N(all); i++) {
        const json_t *example = json_array_get(examples, i);

        all[i] = (question){string_of(example, "input"), string_of(example, "target")};
    }
    play_published(folder, NULL, path, OPRO_LAYOUT_BBH, 0.2, all, N(all), first);
    json_decref(file);
}

static void the_published_split_of_gsm8k(void **state) {
    static const int first[] = {3013, 4732, 6575};
    char path[4096], *file, *line;
    const char *folder = shared_file("gsm8k/gsm_train.tsv", path);
    question *all = calloc(7473, sizeof *all);
    size_t n = 0;

    (void)state;
    file = read_file(path);
    for (line = strtok(file, "\n"); line; line = strtok(NULL, "\n")) {
        char *tab = strchr(line, '\t'), *end = strchr(tab + 1, '\t');

        assert_true(n < 7473);
        *tab = *end = '\0';
        all[n++] = (question){line, tab + 1};
    }
    assert_int_equal(n, 7473);
    play_published(folder, "gsm8k", path, OPRO_LAYOUT_GSM8K, 0.035, all, 7473, first);
    free(file);
    free(all);
}

/* ---- to look at ------------------------------------------------------------------------------ */

static void print_messages(const char *title, const json_t *body) {
    const json_t *all = json_object_get(body, "messages");

    printf("\n==== %s ====\n", title);
    for (size_t i = 0; i < json_array_size(all); i++)
        printf("---- %s ----\n%s\n", string_of(json_array_get(all, i), "role"),
               string_of(json_array_get(all, i), "content"));
}

/* The last request to a model. */
static void print_last(const play *p, const char *model, const char *role, const char *about) {
    char title[160];

    for (size_t i = p->server->n; i-- > 0;) {
        json_t *body = json_loads(p->server->bodies[i], 0, NULL);
        int found = !strcmp(string_of(body, "model"), model);

        snprintf(title, sizeof title, "%s: %s, meta_prompt %s, position %s, question_marks %d",
                 role, about, meta_names[p->kind], place_names[p->at], p->marks);
        if (found) print_messages(title, body);
        json_decref(body);
        if (found) return;
    }
}

/* Prompts of each kind, in the output of this test. */
static void print_examples(void **state) {
    static const struct {
        size_t kind;
        meta m;
        place at;
        int marks;
    } shown[] = {{0, CHAT, Q_BEGIN, 0}, {1, SQUARE, Q_END, 0},       {2, CHAT, A_BEGIN, 1},
                 {3, CHAT, SYSTEM, 0},  {4, PRETRAINED, A_BEGIN, 1}, {5, SQUARE, BEFORE_Q, 1}};

    (void)state;
    for (size_t i = 0; i < N(shown); i++) {
        const kind *k = &kinds[shown[i].kind];
        play p = play_of(k, shown[i].m, shown[i].at, shown[i].marks);

        perform(&p);
        print_last(&p, "proposes", "optimizer", k->name);
        print_last(&p, "answers", "scorer", k->name);
        close_play(&p);
    }
    fflush(stdout);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_position_and_meta_prompt),
        cmocka_unit_test(positions_that_need_marks_are_refused_without),
        cmocka_unit_test(what_is_shown_and_what_is_filtered),
        cmocka_unit_test(exemplars_first_and_a_rising_temperature),
        cmocka_unit_test(no_exemplars_and_no_buckets),
        cmocka_unit_test(the_final_answer_is_asked_for),
        cmocka_unit_test(the_published_split_of_navigate),
        cmocka_unit_test(the_published_split_of_gsm8k),
        cmocka_unit_test(print_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
