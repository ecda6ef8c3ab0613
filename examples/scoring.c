/* SPDX-License-Identifier: MIT */
#include "scoring.h"

#include <stdlib.h>
#include <string.h>

#include "split.h"

/* ---- options --------------------------------------------------------------------------------- */

size_t scoring_options(scoring *s, program *p, option *list) {
    const option all[SCORING_OPTIONS] = {
        {"dataset", "FILE", "labelled examples", OPTION_TEXT, &p->input},
        {"layout", "NAME", "its layout: auto, bbh, gsm8k, aqua, jsonl, csv, tsv (default auto)",
         OPTION_TEXT, &s->layout},
        {"columns", "Q,A[,O]", "members or columns of question, answer and options", OPTION_TEXT,
         &s->columns},
        {"skip-bad", NULL, "skip bad lines, and say how many", OPTION_FLAG, &s->skip_bad},
        {"split", SPLIT_VALUE, SPLIT_HELP, OPTION_TEXT, &s->split},
        {"task", "KIND", "kind of answers: auto, text, number, bool, choice (default auto)",
         OPTION_TEXT, &s->task},
        {"metric", "NAME",
         "when an answer is right: strict, reference, exact, number, choice,\n"
         "                     contains, regex, json (default strict)",
         OPTION_TEXT, &s->metric},
        {"pattern", "TEXT", "of the metric regex; the member's name of json", OPTION_TEXT,
         &s->pattern},
        {"judge", NULL, "a model judges instead: that of --model-name, else the one that answers",
         OPTION_FLAG, &s->judged},
        {"second-question", NULL, "ask once more for the final answer, and judge that", OPTION_FLAG,
         &s->second},
        {"position", "P",
         "where the instruction stands: before_q, q_begin, q_end, a_begin, system\n"
         "                     (default q_begin)",
         OPTION_SAME, NULL},
        {"scorer", "WHO",
         "who answers: model, record:FILE, replay:FILE (default: the model of\n"
         "                     --model-name, with its recording)",
         OPTION_TEXT, &s->who},
        {"scorer-base-url", "URL", "its endpoint (default: that of --base-url)", OPTION_TEXT,
         &s->at.base_url},
        {"scorer-model-name", "NAME", "its name there (default: that of --model-name)", OPTION_TEXT,
         &s->at.model_name},
        {"scorer-concurrency", "N", "its requests in flight (default: as many as go well)",
         OPTION_TEXT, &s->concurrency},
        {"scorer-option", "NAME=VAL", "an option of the library for its client alone", OPTION_LIST,
         &s->settings},
        {"cache", "FILE", "keep answers in FILE, and do not pay for those it has", OPTION_TEXT,
         &s->cache},
        {"dry-run", NULL, "estimate what it would use, and stop: nothing is asked", OPTION_FLAG,
         &s->dry}};

    memcpy(list, all, sizeof all);
    return SCORING_OPTIONS;
}

/* A word that stands for a number. */
typedef struct word {
    const char *name;
    int32_t value;
} word;

/* The value of a word, the first one's for NULL; 0: it is none of them, and that was said. */
static int32_t find_word(const program *p, const char *option_name, const char *text,
                         const word *words, size_t n) {
    if (!text) return words[0].value;
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i].name, text) == 0) return words[i].value;
    fflush(stdout);
    fprintf(stderr, "%s: --%s is ", p->name, option_name);
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "%s%s", words[i].name, i + 2 < n ? ", " : i + 2 == n ? " or " : "");
    fprintf(stderr, ", not \"%s\"\n", text);
    return 0;
}

#define FIND(p, option_name, text, words)                                                          \
    find_word(p, option_name, text, words, sizeof(words) / sizeof *(words))

static const word tasks[] = {{"auto", -1},
                             {"text", OPRO_TASK_TEXT},
                             {"number", OPRO_TASK_NUMBER},
                             {"bool", OPRO_TASK_BOOL},
                             {"choice", OPRO_TASK_CHOICE}};
static const word metrics[] = {{"strict", OPRO_METRIC_STRICT}, {"reference", OPRO_METRIC_REFERENCE},
                               {"exact", OPRO_METRIC_EXACT},   {"number", OPRO_METRIC_NUMBER},
                               {"choice", OPRO_METRIC_CHOICE}, {"contains", OPRO_METRIC_CONTAINS},
                               {"regex", OPRO_METRIC_REGEX},   {"json", OPRO_METRIC_JSON_FIELD}};

static const char *task_name(int32_t task) {
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (tasks[i].value == task) return tasks[i].name;
    return "";
}

/* ---- the dataset ----------------------------------------------------------------------------- */

/* Names with commas between them. */
static int set_columns(const program *p, scoring *s) {
    char names[3][200] = {"", "", ""};
    const char *at = s->columns;
    size_t n = 0;

    while (at && n < 3) {
        size_t len = strcspn(at, ",");

        if (len >= sizeof names[0]) break;
        memcpy(names[n++], at, len);
        at = at[len] ? at + len + 1 : NULL;
    }
    if (at || n < 2) {
        program_fail(p, "--columns is QUESTION,ANSWER or QUESTION,ANSWER,OPTIONS, not \"%s\"",
                     s->columns);
        return 2;
    }
    return program_check(
        p, opro_dataset_set_columns(s->dataset, names[0], names[1], n > 2 ? names[2] : NULL),
        opro_dataset_error(s->dataset), "--columns");
}

static int open_dataset(const program *p, scoring *s, int test) {
    static const word layouts[] = {{"auto", OPRO_LAYOUT_AUTO},   {"bbh", OPRO_LAYOUT_BBH},
                                   {"gsm8k", OPRO_LAYOUT_GSM8K}, {"aqua", OPRO_LAYOUT_AQUA},
                                   {"jsonl", OPRO_LAYOUT_JSONL}, {"csv", OPRO_LAYOUT_CSV},
                                   {"tsv", OPRO_LAYOUT_TSV}};
    int32_t layout = FIND(p, "layout", s->layout, layouts);
    int status = layout ? 0 : 2;

    if (status == 0)
        status = program_check(p, opro_dataset_new(&s->dataset, NULL), NULL, "the dataset");
    if (status == 0 && s->columns) status = set_columns(p, s);
    if (status == 0) opro_dataset_set_skip_bad(s->dataset, s->skip_bad);
    if (status == 0)
        status = program_check(p, opro_dataset_load(s->dataset, p->input, OPRO_ZT, layout),
                               opro_dataset_error(s->dataset), p->input);
    return status == 0 ? split_dataset(p, s->dataset, s->split, test) : status;
}

/* ---- the metric ------------------------------------------------------------------------------ */

static int open_metric(const program *p, scoring *s) {
    int32_t kind = FIND(p, "metric", s->metric, metrics);
    int needs_pattern = kind == OPRO_METRIC_REGEX || kind == OPRO_METRIC_JSON_FIELD;
    opro_status st;

    s->task_used = FIND(p, "task", s->task, tasks);
    if (!kind || !s->task_used) return 2;
    if (needs_pattern != (s->pattern != NULL)) {
        program_fail(p,
                     needs_pattern ? "--metric %s needs --pattern"
                                   : "--metric %s has no use for --pattern",
                     s->metric ? s->metric : "strict");
        return 2;
    }
    if (s->task_used < 0) s->task_used = opro_dataset_task(s->dataset);
    st = opro_metric_new(&s->metric_used, kind, s->task_used, NULL);
    if (st == OPRO_OK && s->pattern)
        st = opro_metric_set_pattern(s->metric_used, s->pattern, OPRO_ZT);
    return program_check(p, st, s->metric_used ? opro_metric_error(s->metric_used) : NULL,
                         "--metric");
}

/* ---- the models ------------------------------------------------------------------------------ */

static int set_up_client(const program *p, scoring *s) {
    if (program_check(p, opro_config_clone(&s->config, p->config, NULL), NULL, "starting"))
        return 1;
    if (s->concurrency && !endpoint_set_concurrency(s->config, s->concurrency)) {
        program_fail(p, "--scorer-concurrency takes a number from 1 to 65536, not \"%s\"",
                     s->concurrency);
        return 2;
    }
    for (size_t i = 0; i < s->settings.n; i++) {
        const char *text = s->settings.all[i], *sign = strchr(text, '=');

        if (sign &&
            opro_config_set(s->config, text, (size_t)(sign - text), sign + 1, OPRO_ZT) == OPRO_OK)
            continue;
        program_fail(p, "--scorer-option: %s",
                     sign ? opro_error_message(opro_config_error(s->config), NULL)
                          : "it takes NAME=VALUE");
        return 2;
    }
    return 0;
}

static int open_own(const program *p, scoring *s) {
    int status = set_up_client(p, s);

    if (status != 0) return status;
    s->at.prefix = "scorer-";
    s->at.kind = ENDPOINT_MODEL;
    if (s->who && !endpoint_set_kind(&s->at, s->who)) {
        program_fail(p, "--scorer is model, record:FILE or replay:FILE, not \"%s\"", s->who);
        return 2;
    }
    if (s->at.kind != ENDPOINT_REPLAY) { /* a recording has its own */
        if (!s->at.base_url) s->at.base_url = p->by.at.base_url;
        if (!s->at.model_name) s->at.model_name = p->by.at.model_name;
    }
    return endpoint_open(p, &s->at, s->config, s->dry);
}

/* The model of --model-name answers too, unless the scorer has anything of its own. */
static int open_models(program *p, scoring *s) {
    int own = s->who || s->at.base_url || s->at.model_name || s->concurrency || s->settings.n;
    int named = p->by.at.base_url || p->by.at.model_name;
    int proposes = !p->no_run && p->by.at.kind != PROPOSER_LOCAL;
    int status = own ? open_own(p, s) : 0;

    if (status == 0 && (!own || proposes || (s->judged && named)))
        status = endpoint_open(p, &p->by.at, p->config, s->dry);
    if (status != 0) return status;
    s->model = own ? s->at.model : p->by.at.model;
    s->proposer = own ? p->by.at.model : NULL;
    if (s->judged) s->judge = s->proposer ? s->proposer : s->model;
    if (!s->cache || s->dry) return 0;
    return program_check(p, opro_model_set_cache_file(s->model, s->cache, OPRO_ZT),
                         opro_model_error(s->model), s->cache);
}

/* ---- the examiner ---------------------------------------------------------------------------- */

static int32_t hear(opro_examiner *examiner, const opro_exam *exam, size_t index, void *user_data) {
    scoring *s = user_data;
    double score = opro_exam_score(exam, index);

    (void)examiner;
    s->decided++;
    if (score >= 0)
        s->right += score;
    else
        s->unknown++;
    program_show_line(s->program);
    return OPRO_OK;
}

static int open_examiner(program *p, scoring *s) {
    int64_t position = 0;
    opro_status st;

    opro_config_get_int(p->config, OPRO_OPT_POSITION, &position);
    if (position == OPRO_POSITION_BEFORE_Q || position == OPRO_POSITION_A_BEGIN)
        opro_config_set_int(p->config, OPRO_OPT_QUESTION_MARKS, 1); /* it is about these */
    if (s->second) opro_config_set_int(p->config, OPRO_OPT_EXAM_SECOND_QUESTION, 1);
    st = opro_examiner_new(&s->examiner, s->dataset, s->metric_used, s->model, p->config, NULL);
    if (program_check(p, st, NULL, "setting up the examiner")) return 1;
    s->program = p;
    st = opro_examiner_set_observer(s->examiner, hear, s, NULL);
    if (st == OPRO_OK && s->judge) st = opro_examiner_set_judge(s->examiner, s->judge, NULL, 0);
    return program_check(p, st, opro_examiner_error(s->examiner), "setting up the examiner");
}

int scoring_open(program *p, scoring *s, int test) {
    int status;

    if (!p->input) {
        program_fail(p, "missing: --dataset FILE (%s --help tells how to use it)", p->name);
        return 2;
    }
    status = open_dataset(p, s, test);
    if (status == 0) status = open_metric(p, s);
    if (status == 0) status = open_models(p, s);
    if (status == 0) status = open_examiner(p, s);
    s->begun_ms = program_now_ms();
    return status;
}

void scoring_close(scoring *s) {
    opro_examiner_free(s->examiner);
    opro_metric_free(s->metric_used);
    opro_dataset_free(s->dataset);
    endpoint_close(&s->at);
    opro_config_free(s->config);
}

/* ---- exams ----------------------------------------------------------------------------------- */

opro_exam *scoring_begin(const program *p, scoring *s, const char *instruction,
                         const int64_t *examples, size_t n) {
    opro_exam *exam = NULL;
    opro_status st = opro_exam_new(&exam, s->examiner, instruction, OPRO_ZT, examples, n);

    if (st == OPRO_OK) st = opro_exam_begin(exam, NULL, NULL, NULL);
    if (program_check(p, st, opro_examiner_error(s->examiner), "an exam") == 0) return exam;
    opro_exam_free(exam);
    return NULL;
}

static size_t count_done(opro_exam *const *exams, size_t n) {
    size_t done = 0;

    for (size_t i = 0; i < n; i++)
        done += opro_exam_done(exams[i]) != 0;
    return done;
}

int scoring_wait(program *p, scoring *s, opro_exam *const *exams, size_t n) {
    int two = s->judge && s->judge != s->model;
    opro_status st = OPRO_OK;

    while (st >= 0 && count_done(exams, n) < n && !program_interrupted()) {
        program_show_line(p);
        st = opro_model_poll(s->model, two ? 20 : 200); /* Ctrl-C is noticed in between */
        if (st >= 0 && two) st = opro_model_poll(s->judge, 20);
    }
    program_wipe_line(p);
    return program_check(p, st, opro_model_error(s->model), "asking the model");
}

/* ---- in words -------------------------------------------------------------------------------- */

int64_t scoring_figure(const scoring *s, int32_t figure) {
    return opro_model_figure(s->model, figure) +
           (s->proposer ? opro_model_figure(s->proposer, figure) : 0);
}

void scoring_put_short(FILE *out, double n) {
    if (n < 1e4)
        fprintf(out, "%.0f", n);
    else
        fprintf(out, n < 1e7 ? "%.0fk" : "%.1fM", n < 1e7 ? n / 1e3 : n / 1e6);
}

void scoring_line(const scoring *s, int64_t answers) {
    int64_t known = s->decided - s->unknown;
    double tokens = (double)(scoring_figure(s, OPRO_MODEL_PROMPT_TOKENS) +
                             scoring_figure(s, OPRO_MODEL_REPLY_TOKENS));
    double cost = (double)scoring_figure(s, OPRO_MODEL_COST) / 1e6;
    double seconds = (double)(program_now_ms() - s->begun_ms) / 1e3;

    scoring_put_short(stderr, (double)s->decided);
    fputs(" answers", stderr);
    if (known) fprintf(stderr, ", %.0f %% right", 100 * s->right / (double)known);
    if (s->unknown) fprintf(stderr, ", %lld unknown", (long long)s->unknown);
    fputs("   ", stderr);
    scoring_put_short(stderr, (double)scoring_figure(s, OPRO_MODEL_REQUESTS));
    fputs(" calls, ", stderr);
    scoring_put_short(stderr, tokens);
    fputs(" tokens", stderr);
    if (cost > 0) fprintf(stderr, ", cost %.4f", cost);
    if (answers <= s->decided || s->decided < 20) return;
    seconds *= (double)(answers - s->decided) / (double)s->decided;
    fprintf(stderr, seconds < 90 ? "   about %.0f s left" : "   about %.0f min left",
            seconds < 90 ? seconds : seconds / 60);
}

static const char *model_name(const program *p, const scoring *s) {
    const endpoint *at = s->at.model ? &s->at : &p->by.at;

    return at->model_name ? at->model_name : "a language model";
}

static const char *position_name(const program *p) {
    int64_t position = 0, value;
    const char *name;

    opro_config_get_int(p->config, OPRO_OPT_POSITION, &position);
    for (size_t i = 0; (name = opro_option_choice(OPRO_OPT_POSITION, i, &value)) != NULL; i++)
        if (value == position) return name;
    return "";
}

void scoring_print(const program *p, const scoring *s) {
    printf("%s: %zu examples, kind of answers: %s; %zu training, %zu validation, %zu test\n",
           p->input, opro_dataset_count(s->dataset), task_name(s->task_used),
           split_count(s->dataset, OPRO_TRAIN), split_count(s->dataset, OPRO_VALIDATION),
           split_count(s->dataset, OPRO_TEST));
    if (opro_dataset_skipped(s->dataset))
        printf("bad lines skipped: %lld\n", (long long)opro_dataset_skipped(s->dataset));
    printf("answers of %s, instruction at %s, right by %s\n", model_name(p, s), position_name(p),
           s->judge    ? "a model's judgement"
           : s->metric ? s->metric
                       : "strict");
}

json_t *scoring_json(const program *p, const scoring *s) {
    char digest[24];

    snprintf(digest, sizeof digest, "%016llx", (unsigned long long)opro_dataset_digest(s->dataset));
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:b, s:s, s:s}", "file",
                     p->input, "examples", (json_int_t)opro_dataset_count(s->dataset), "skipped",
                     (json_int_t)opro_dataset_skipped(s->dataset), "training",
                     (json_int_t)split_count(s->dataset, OPRO_TRAIN), "validation",
                     (json_int_t)split_count(s->dataset, OPRO_VALIDATION), "test",
                     (json_int_t)split_count(s->dataset, OPRO_TEST), "digest", digest, "task",
                     task_name(s->task_used), "metric", s->metric ? s->metric : "strict", "judged",
                     s->judged, "position", position_name(p), "scorer", model_name(p, s));
}
