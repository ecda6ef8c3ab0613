/* SPDX-License-Identifier: MIT */
/* What exams will use, before they do; and estimates as they are shown. */
#include <math.h>
#include <string.h>

#include "scoring.h"

/* ---- of exams without a search --------------------------------------------------------------- */

typedef struct work {
    program *p;
    scoring *s;
    const char *const *instructions;
    size_t n;
    const int64_t *examples;
    size_t n_examples;
} work;

/* Tokens that are sent for one example: at least, likely, at most. */
static int count_tokens(const work *w, const char *instruction, int64_t example, double tokens[3]) {
    opro_examiner *examiner = w->s->examiner;
    opro_status st = opro_examiner_build(examiner, instruction, OPRO_ZT, example);

    if (program_check(w->p, st, opro_examiner_error(examiner), "an instruction")) return 1;
    tokens[0] = tokens[1] = 0;
    tokens[2] = 40; /* for what an endpoint puts around messages */
    for (size_t i = 0; i < opro_examiner_messages(examiner); i++) {
        size_t len;
        const char *text = opro_examiner_message_text(examiner, i, &len);

        tokens[0] += (double)len / 8;
        tokens[1] += (double)len / 4 + 4;
        tokens[2] += (double)opro_estimate_tokens(text, len) * 1.1 + 8;
    }
    return 0;
}

/* All examples with the first instruction; of the others, how much longer they are. */
static int count_all_tokens(const work *w, double tokens[3]) {
    double first[3] = {0}, one[3] = {0};

    for (size_t i = 0; i < w->n_examples; i++) {
        if (count_tokens(w, w->instructions[0], w->examples[i], one)) return 1;
        for (int k = 0; k < 3; k++)
            tokens[k] += one[k] * (double)w->n;
        if (i == 0) memcpy(first, one, sizeof first);
    }
    for (size_t i = 1; i < w->n; i++) {
        if (count_tokens(w, w->instructions[i], w->examples[0], one)) return 1;
        for (int k = 0; k < 3; k++)
            tokens[k] += (one[k] - first[k]) * (double)w->n_examples;
    }
    return 0;
}

static int64_t option_of(const work *w, int32_t id) {
    int64_t value = 0;

    opro_config_get_int(w->s->config ? w->s->config : w->p->config, id, &value);
    return value;
}

/*
 * With a second question or a judge, what is sent and said goes round once more, with some words
 * around it.
 */
int scoring_estimate(program *p, scoring *s, const char *const *instructions, size_t n,
                     const int64_t *examples, size_t n_examples,
                     estimate estimates[SCORING_ESTIMATES]) {
    const work w = {p, s, instructions, n, examples, n_examples};
    static const estimate names[] = {{"answers", "answers", 0, {0}},
                                     {"prompt_tokens", "tokens read", 0, {0}},
                                     {"reply_tokens", "tokens written", 0, {0}},
                                     {"cost_millionths", "cost", OPRO_ESTIMATE_COST, {0}}};
    const double most = (double)option_of(&w, OPRO_OPT_EXAM_MAX_TOKENS);
    const double more = (double)option_of(&w, OPRO_OPT_EXAM_SECOND_TOKENS);
    static const double asking[3] = {0, 10, 20}, judging[3] = {0, 150, 300};
    const double replies[3] = {1, fmin(150, most), most}, seconds[3] = {1, fmin(10, more), more};
    double answers = (double)n * (double)n_examples;
    double tokens[3] = {0};

    if (count_all_tokens(&w, tokens)) return 1;
    memcpy(estimates, names, sizeof names);
    for (int k = 0; k < 3; k++) {
        double judged = k ? s->judged : s->judged / (double)n; /* the same reply is judged once */
        double rounds = s->second + judged;
        double words = s->second * asking[k] + judged * judging[k];
        double read = tokens[k] * (1 + rounds) + answers * (rounds * replies[k] + words);
        double written = answers * (replies[k] + rounds * seconds[k]);
        double prices = read * (double)option_of(&w, OPRO_OPT_MODEL_PROMPT_PRICE) +
                        written * (double)option_of(&w, OPRO_OPT_MODEL_REPLY_PRICE);

        estimates[0].n[k] = (int64_t)answers;
        estimates[1].n[k] = (int64_t)read;
        estimates[2].n[k] = (int64_t)written;
        estimates[3].n[k] = (int64_t)(prices / 1e6);
    }
    return 0;
}

/* ---- as they are shown ----------------------------------------------------------------------- */

static void show_estimate(const estimate *e, int is_cost) {
    fprintf(stderr, "  %-18s", e->words);
    for (size_t k = 0; k < 3; k++)
        if (e->n[k] == INT64_MAX)
            fprintf(stderr, "%16s", "no limit");
        else if (is_cost)
            fprintf(stderr, "%16.4f", (double)e->n[k] / 1e6);
        else
            fprintf(stderr, "%16lld", (long long)e->n[k]);
    fputc('\n', stderr);
}

void scoring_show_estimates(const estimate *estimates, size_t n) {
    fprintf(stderr, "%-20s%16s%16s%16s\n", "estimated use", "at least", "likely", "at most");
    for (size_t i = 0; i < n; i++) {
        const estimate *e = &estimates[i];
        int is_cost = e->figure == OPRO_ESTIMATE_COST;

        if (!is_cost || e->n[ESTIMATE_HIGH])
            show_estimate(e, is_cost);
        else
            fputs("  no prices are known (--option model_prompt_price=..., "
                  "model_reply_price=...)\n",
                  stderr);
    }
}

json_t *scoring_estimates_json(const estimate *estimates, size_t n) {
    json_t *object = json_object();

    for (size_t i = 0; i < n; i++) {
        const estimate *e = &estimates[i];

        json_object_set_new(
            object, e->name,
            json_pack("[I, I, I]", (json_int_t)e->n[0], (json_int_t)e->n[1], (json_int_t)e->n[2]));
    }
    return object;
}
