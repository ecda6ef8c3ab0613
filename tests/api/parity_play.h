/* SPDX-License-Identifier: MIT */
/*
 * A play: a whole run in which every word that is said is known before. One model of the server's
 * proposes what the script says; the other one answers questions, and knows all prompts that may
 * come. What arrived is compared with parity_facts.h.
 */
#ifndef TESTS_PARITY_PLAY_H
#define TESTS_PARITY_PLAY_H

#include <jansson.h>

#include "mock.h"
#include "parity_facts.h"
#include "script.h"

#define TASK "grade school math" /* which the pretrained kind is told */

/* A prompt of the scorer's that has to come once. */
typedef struct expected {
    string prompt;
    int right; /* how it is answered */
    const question *about;
    size_t seen;
} expected;

typedef struct play {
    /* the script */
    meta kind;
    place at;
    int marks;
    const char *row;  /* of a dataset, in README.md; NULL: none */
    const char *more; /* settings, behind those of the published program */
    const question *questions;
    size_t n;                /* training examples */
    const size_t *exemplars; /* of each step: which of the questions are shown */
    size_t shown;            /* how many exemplars: 3, or 0 */
    const candidate *all;    /* in the order in which they are scored */
    size_t count;
    const char *const *replies; /* of all samples, in order */
    size_t steps, samples;
    int buckets, exemplars_first, twice;
    double temperatures[8]; /* of each step; 0: 1 */
    /* the stage */
    opro_dataset *dataset; /* taken over */
    mock *server;
    char url[64];
    opro_config *config;
    opro_metric *metric;
    opro_model *answers, *proposes;
    opro_examiner *examiner;
    opro_problem *problem;
    opro_scorer *scorer;
    opro_optimizer *optimizer;
    opro_driver *driver;
    expected *prompts;
    size_t n_prompts;
    size_t proposed; /* calls for proposals so far */
} play;

/* ---- what README.md says --------------------------------------------------------------------- */

/* The whole file; free() it. */
static inline char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t len = 0, got;
    char *all = malloc(1);

    if (!file) {
        free(all);
        return NULL;
    }
    do {
        all = realloc(all, len + 65536 + 1);
        got = fread(all + len, 1, 65536, file);
        len += got;
    } while (got);
    fclose(file);
    all[len] = '\0';
    return all;
}

/* Append the options of a row of the table of what to set, to do as the published program does. */
static inline void add_published(string *out, const char *row) {
    const char *path = getenv("OPRO_README");
    char *all = read_file(path ? path : "README.md"), line[128], *at, *end;

    if (!all) fail_msg("no README.md: set OPRO_README");
    snprintf(line, sizeof line, "\n| %s | `", row);
    at = strstr(all, line);
    if (!at) fail_msg("README.md has no row \"%s\"", row);
    at += strlen(line);
    end = strchr(at, '`');
    *end = '\0';
    string_add(out, at, " ", NULL);
    free(all);
}

static inline void add_settings(string *out, const play *p) {
    static const char *const optimizers[] = {"optimizer gpt-3.5-turbo, gpt-4",
                                             "optimizer text-bison", "optimizer PaLM 2-L"};
    char numbers[256];

    add_published(out, "always");
    add_published(out, optimizers[p->kind]);
    if (p->kind == CHAT) add_published(out, "scorer gpt-3.5-turbo, gpt-4");
    if (p->row) add_published(out, p->row);
    snprintf(numbers, sizeof numbers,
             "position=%s question_marks=%d samples_per_step=%zu steps=%zu model_backoff_ms=1 ",
             place_names[p->at], p->marks, p->samples, p->steps);
    string_add(out, numbers, p->more, NULL);
}

/* What the rows for the kinds of meta-prompt mean. */
static inline double threshold_of(const play *p) {
    return p->kind == CHAT ? 0.3 : 0;
}

static inline int reply_tokens_of(const play *p) {
    return p->kind == CHAT ? 512 : p->kind == SQUARE ? 1024 : 256;
}

static inline double temperature_of(const play *p, size_t step) {
    if (p->temperatures[step] > 0) return p->temperatures[step];
    return p->kind == PRETRAINED ? 1.5 : 1;
}

/* ---- the server ------------------------------------------------------------------------------ */

static inline const char *string_of(const json_t *body, const char *name) {
    const char *s = json_string_value(json_object_get(body, name));

    return s ? s : "";
}

/* All messages of a request, as in parity_facts.h. */
static inline string messages_of(const json_t *body) {
    const json_t *all = json_object_get(body, "messages");
    string out = {NULL, 0};

    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *message = json_array_get(all, i);

        string_add(&out, string_of(message, "role"), ":", string_of(message, "content"), MESSAGE,
                   NULL);
    }
    return out;
}

static inline expected *find_prompt(play *p, const string *prompt) {
    for (size_t i = 0; i < p->n_prompts; i++)
        if (p->prompts[i].prompt.n == prompt->n && !strcmp(p->prompts[i].prompt.s, prompt->s))
            return &p->prompts[i];
    return NULL;
}

static inline void say(mock_reply *reply, const char *words) {
    json_t *body = json_pack("{s:[{s:i, s:s, s:{s:s, s:s}}], s:{s:i, s:i}}", "choices", "index", 0,
                             "finish_reason", "stop", "message", "role", "assistant", "content",
                             words, "usage", "prompt_tokens", 10, "completion_tokens", 5);
    char *dump = json_dumps(body, JSON_COMPACT);

    snprintf(reply->body, sizeof reply->body, "%s", dump);
    free(dump);
    json_decref(body);
}

/*
 * To a prompt that nobody expects, a wrong answer: it is found later. A wrong one has none of the
 * letters of AQuA's answers, which the published program finds in any word.
 */
static inline void answer_question(play *p, const json_t *body, mock_reply *reply) {
    string prompt = messages_of(body), words = {NULL, 0};
    expected *e = prompt.n ? find_prompt(p, &prompt) : NULL;

    if (e) e->seen++;
    if (e && e->right)
        string_add(&words, "The answer is ", e->about->answer, ".", NULL);
    else
        string_add(&words, "Hmm.", NULL);
    say(reply, words.s);
    string_free(&words);
    string_free(&prompt);
}

static inline void serve(mock *server, size_t n, const char *head, const char *body,
                         mock_reply *reply, void *ctx) {
    play *p = ctx;
    json_t *parsed = json_loads(body, 0, NULL);

    (void)server, (void)n, (void)head;
    if (!strcmp(string_of(parsed, "model"), "answers"))
        answer_question(p, parsed, reply);
    else
        say(reply, p->proposed < p->steps * p->samples ? p->replies[p->proposed++] : "?");
    json_decref(parsed);
}

/* ---- the stage ------------------------------------------------------------------------------- */

/* Which questions an instruction answers rightly is not the same for all. */
static inline void expect_prompts(play *p) {
    p->prompts = calloc(p->count * p->n, sizeof *p->prompts);
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->n; k++) {
            expected *e = &p->prompts[p->n_prompts++];

            e->about = &p->questions[k];
            e->right = (k + i) % p->n < p->all[i].right;
            add_scorer_prompt(&e->prompt, p->at, p->marks, p->all[i].text, e->about->text);
        }
}

static inline opro_model *model_named(const play *p, const char *name) {
    opro_model *model;

    assert_int_equal(opro_model_new(&model, p->config, NULL), OPRO_OK);
    assert_int_equal(opro_model_set_base_url(model, p->url, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_name(model, name, OPRO_ZT), OPRO_OK);
    return model;
}

static inline void open_play(play *p) {
    string settings = {NULL, 0};

    p->server = malloc(sizeof *p->server);
    assert_int_equal(mock_start(p->server, serve, p, p->url), 0);
    add_settings(&settings, p);
    p->config = config_of(settings.s);
    string_free(&settings);
    expect_prompts(p);
    p->answers = model_named(p, "answers");
    p->proposes = model_named(p, "proposes");
    assert_int_equal(
        opro_metric_new(&p->metric, OPRO_METRIC_REFERENCE, opro_dataset_task(p->dataset), NULL),
        OPRO_OK);
    assert_int_equal(opro_problem_new_dataset(&p->problem, p->dataset, NULL), OPRO_OK);
    if (p->kind == PRETRAINED)
        assert_int_equal(opro_problem_set_description(p->problem, TASK, OPRO_ZT), OPRO_OK);
    for (size_t i = 0; i < p->count && p->all[i].step < 0; i++)
        assert_int_equal(opro_problem_add_initial(p->problem, p->all[i].text, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_optimizer_new_model(&p->optimizer, p->proposes, NULL), OPRO_OK);
}

static inline void start_play(play *p) {
    assert_int_equal(
        opro_examiner_new(&p->examiner, p->dataset, p->metric, p->answers, p->config, NULL),
        OPRO_OK);
    assert_int_equal(opro_scorer_new_exam(&p->scorer, p->examiner, NULL), OPRO_OK);
    assert_int_equal(opro_driver_new(&p->driver, p->problem, p->config, NULL), OPRO_OK);
    assert_int_equal(opro_driver_set_optimizer(p->driver, p->optimizer), OPRO_OK);
    assert_int_equal(opro_driver_set_scorer(p->driver, p->scorer), OPRO_OK);
    assert_int_equal(opro_driver_run(p->driver), OPRO_OK);
    assert_int_equal(opro_run_stop_reason(opro_driver_run_handle(p->driver)), OPRO_STOP_STEPS);
}

static inline void close_play(play *p) {
    opro_driver_free(p->driver);
    opro_scorer_free(p->scorer);
    opro_optimizer_free(p->optimizer);
    opro_examiner_free(p->examiner);
    opro_problem_free(p->problem);
    opro_metric_free(p->metric);
    opro_dataset_free(p->dataset);
    opro_model_free(p->answers);
    opro_model_free(p->proposes);
    opro_config_free(p->config);
    mock_stop(p->server);
    free(p->server);
    for (size_t i = 0; i < p->n_prompts; i++)
        string_free(&p->prompts[i].prompt);
    free(p->prompts);
}

/* ---- what the scorer received ---------------------------------------------------------------- */

/* The whole body is what is said here: nothing else is sent. */
static inline void check_body(const json_t *body, double temperature, int tokens, size_t members) {
    assert_int_equal(json_object_size(body), members);
    assert_true(fabs(json_number_value(json_object_get(body, "temperature")) - temperature) <
                1e-12);
    assert_true(json_is_number(json_object_get(body, "temperature")));
    assert_int_equal(json_integer_value(json_object_get(body, "max_tokens")), tokens);
}

static inline void check_question(play *p, const json_t *body, int tokens) {
    string prompt = messages_of(body);

    check_body(body, 0, tokens, 4); /* model, messages, temperature, max_tokens */
    if (!find_prompt(p, &prompt)) fail_msg("the scorer received\n%s", prompt.s);
    string_free(&prompt);
}

/* Each prompt came once: every candidate with every training example, and nothing else. */
static inline void check_scorer(play *p) {
    size_t n = 0;

    for (size_t i = 0; i < p->server->n; i++) {
        json_t *body = json_loads(p->server->bodies[i], 0, NULL);

        if (!strcmp(string_of(body, "model"), "answers")) {
            check_question(p, body, 1024);
            n++;
        }
        json_decref(body);
    }
    for (size_t i = 0; i < p->n_prompts; i++)
        if (p->prompts[i].seen != 1)
            fail_msg("%zu times:\n%s", p->prompts[i].seen, p->prompts[i].prompt.s);
    assert_int_equal(n, p->n_prompts);
}

/* And the scores are what the answers say. */
static inline void check_scores(const play *p) {
    const opro_trajectory *t = opro_driver_trajectory(p->driver);
    size_t i = 0;

    for (int64_t k = 0; k < opro_trajectory_count(t); k++) {
        double score = opro_trajectory_score(t, k);

        if (opro_trajectory_verdict(t, k) != OPRO_VERDICT_SCORED) continue;
        assert_true(i < p->count);
        assert_string_equal(opro_trajectory_text(t, k, NULL), p->all[i].text);
        if (!(fabs(score - (double)p->all[i].right / (double)p->n) < 1e-12))
            fail_msg("%g, not %zu of %zu: \"%s\" for\n%s", score, p->all[i].right, p->n,
                     p->all[i].text, p->questions[0].text);
        assert_int_equal(opro_trajectory_step(t, k), p->all[i].step);
        i++;
    }
    assert_int_equal(i, p->count);
}

/* ---- what the optimizer received ------------------------------------------------------------- */

static inline void check_has(const char *words, const char *part) {
    if (!strstr(words, part)) fail_msg("no \"%s\" in\n%s", part, words);
}

/* Words are ours, but they are words alone: nothing in them looks like a part of a list. */
static inline void check_words(const play *p, const char *from, const char *to) {
    static const char *const labels[] = {"text:\n",    "score:", "input:",     "output:\n",
                                         "Problem:\n", "Q: ",    "Precision: "};
    char *words = strndup(from, (size_t)(to - from));

    assert_true(to > from);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strstr(words, labels[i])) fail_msg("\"%s\" in\n%s", labels[i], words);
    for (size_t i = 0; i < p->n; i++)
        assert_null(strstr(words, p->questions[i].text));
    free(words);
}

/* Take a list out of a prompt: it is there once, between words. */
static inline const char *check_list(const play *p, const char *prompt, const char *from,
                                     const string *list) {
    const char *at = strstr(from, list->s);

    if (!at) fail_msg("not in its place:\n%s\n---- in\n%s", list->s, prompt);
    assert_null(strstr(at + 1, list->s));
    assert_true(at - from > 3);
    assert_memory_equal(at - 3, at[-3] == ':' ? ":\n\n" : ".\n\n", 3);
    if (from > prompt) assert_memory_equal(from, "\n\n", 2);
    check_words(p, from, at);
    return at + list->n;
}

static inline string exemplars_of(const play *p, size_t step) {
    string out = {NULL, 0};

    for (size_t i = 0; i < p->shown; i++) {
        string_add(&out, i ? "\n\n" : "", NULL);
        add_exemplar(&out, p->kind, p->at, p->marks, p->questions[p->exemplars[step * 3 + i]]);
    }
    return out;
}

static inline string listing_of(const play *p, size_t step) {
    const listing l = {p->kind, p->kind == PRETRAINED ? 100000 : 20, threshold_of(p), p->buckets};
    string out = {NULL, 0};

    add_listing(&out, &l, p->all, p->count, (int)step, p->n);
    return out;
}

/* Words that have to be there, in whatever sentence. */
static inline void check_meaning(const play *p, const char *prompt, const char *request) {
    static const char *const where[] = {"", "beginning of the question", "end of the question",
                                        "beginning of the answer", "system message"};

    if (p->kind == PRETRAINED) {
        check_has(prompt, where[p->at]);
        check_has(prompt, TASK);
        return;
    }
    check_has(prompt, "from the worst to the best");
    check_has(prompt, "from 0 to ");
    check_has(prompt, "higher is better");
    check_has(request, "new");
    if (p->kind == SQUARE)
        check_has(request, "square brackets");
    else
        check_has(request, p->at == A_BEGIN ? "<Start></Start>" : "<INS></INS>");
}

/*
 * Words, list, words, exemplars, words: and the last ones are the request. The pretrained kind has
 * no exemplars.
 */
static inline void check_meta_prompt(const play *p, size_t step, const char *prompt) {
    string lists[2] = {listing_of(p, step), {NULL, 0}}, swap;
    const char *at = prompt;

    if (p->shown && p->kind != PRETRAINED) lists[1] = exemplars_of(p, step);
    if (p->exemplars_first) {
        swap = lists[0];
        lists[0] = lists[1];
        lists[1] = swap;
    }
    for (size_t i = 0; i < 2; i++)
        if (lists[i].s) at = check_list(p, prompt, at, &lists[i]);
    assert_memory_equal(at, "\n\n", 2);
    check_words(p, at, at + strlen(at));
    assert_true(at[strlen(at) - 1] != '\n');
    check_meaning(p, prompt, at);
    string_free(&lists[0]);
    string_free(&lists[1]);
}

/*
 * One user's message. To a pretrained model the published program sends a text that ends with the
 * last instruction, and the model goes on with another one; ours has the first words of the answer
 * in a message of the assistant's, so that a chat model goes on, too.
 */
static inline void check_proposal(const play *p, size_t step, const json_t *body) {
    const json_t *all = json_object_get(body, "messages"), *first = json_array_get(all, 0);

    check_body(body, temperature_of(p, step), reply_tokens_of(p), 5); /* and a seed */
    assert_int_equal(json_array_size(all), p->kind == PRETRAINED ? 2 : 1);
    assert_string_equal(string_of(first, "role"), "user");
    check_meta_prompt(p, step, string_of(first, "content"));
    if (p->kind != PRETRAINED) return;
    assert_string_equal(string_of(json_array_get(all, 1), "role"), "assistant");
    assert_string_equal(string_of(json_array_get(all, 1), "content"), "<TEXT>");
}

/* One call for each sample, the same prompt for all of a step. */
static inline void check_optimizer(const play *p) {
    size_t n = 0;

    for (size_t i = 0; i < p->server->n; i++) {
        json_t *body = json_loads(p->server->bodies[i], 0, NULL);

        if (!strcmp(string_of(body, "model"), "proposes"))
            check_proposal(p, n++ / p->samples, body);
        json_decref(body);
    }
    assert_int_equal(n, p->steps * p->samples);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static inline void perform(play *p) {
    open_play(p);
    start_play(p);
    check_scorer(p);
    check_scores(p);
    check_optimizer(p);
}

#endif
