/* SPDX-License-Identifier: MIT */
#include "estimate.h"

#include <math.h>

#include "core/meta_prompt.h"

#define BUILDS 8 /* meta-prompts that are looked at: their exemplars differ */

static void add(opro__size *s, const char *text, size_t len) {
    s->bytes += (double)len;
    s->tokens += (double)opro_estimate_tokens(text, len);
    s->messages++;
}

/* a + by * b */
static opro__size combine(opro__size a, opro__size b, double by) {
    return (opro__size){a.bytes + by * b.bytes, a.tokens + by * b.tokens,
                        a.messages + by * b.messages};
}

static opro__size mean(opro__size sum, size_t n) {
    return combine((opro__size){0}, sum, n ? 1 / (double)n : 0);
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* What it is measured with, and written into. */
typedef struct desk {
    opro_examiner *examiner;
    opro__messages messages;
    opro__buf judged;
} desk;

static opro_status add_question(desk *d, opro__size *s, const char *instruction, size_t len,
                                const opro__example *example) {
    opro_examiner *e = d->examiner;
    opro_status st = opro__form_write(&e->form, instruction, len, example->question,
                                      example->question_len, &d->messages, &e->err);

    for (size_t i = 0; st == OPRO_OK && i < d->messages.n; i++)
        add(s, d->messages.text.data + d->messages.all[i].from, d->messages.all[i].len);
    return st;
}

static opro_status add_judged(desk *d, opro__size *s, const opro__example *example) {
    opro_status st;

    opro__buf_clear(&d->judged);
    st = opro__judge_write(&d->judged, &d->examiner->judge_words, example, "", 0);
    if (st == OPRO_OK) add(s, opro__buf_text(&d->judged), d->judged.len);
    return st;
}

static opro_status measure_set(desk *d, opro__sizes *out, int32_t set) {
    opro_examiner *e = d->examiner;
    int which = set == OPRO_VALIDATION;
    size_t n;
    const int64_t *examples = opro_dataset_split_of(e->dataset, set, &n);
    opro_status st = OPRO_OK;

    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        opro__example example;

        st = opro__dataset_example(e->dataset, (size_t)examples[i], &e->example, &example, &e->err);
        if (st == OPRO_OK) st = add_question(d, &out->question[which], "", 0, &example);
        if (st == OPRO_OK && e->judge) st = add_judged(d, &out->judged[which], &example);
    }
    out->question[which] = mean(out->question[which], n);
    out->judged[which] = mean(out->judged[which], n);
    return st;
}

/* How often an instruction is in what is sent: by what it adds. */
static opro_status measure_occurrences(desk *d, opro__sizes *out) {
    static const char text[] = "An instruction that is longer than all that is put around one.";
    const opro__example example = {.question = "?", .question_len = 1};
    opro__size without = {0}, with = {0};
    opro_status st = add_question(d, &without, "", 0, &example);

    if (st == OPRO_OK) st = add_question(d, &with, text, sizeof text - 1, &example);
    out->occurrences = floor((with.bytes - without.bytes) / (double)(sizeof text - 1));
    return st;
}

static opro_status measure_questions(opro__sizes *out, opro_examiner *examiner) {
    desk d = {.examiner = examiner};
    opro_status st;

    opro__messages_init(&d.messages, &examiner->mem);
    opro__buf_init(&d.judged, &examiner->mem, OPRO__MESSAGES_MAX);
    st = measure_occurrences(&d, out);
    if (st == OPRO_OK) st = measure_set(&d, out, OPRO_TRAIN);
    if (st == OPRO_OK) st = measure_set(&d, out, OPRO_VALIDATION);
    opro__buf_free(&d.judged);
    opro__messages_free(&d.messages);
    return st;
}

/* ---- meta-prompts ---------------------------------------------------------------------------- */

static opro_status measure_builds(opro_meta_prompt *builder, const opro_trajectory *shown,
                                  opro__size *each, opro__size *most) {
    opro__size sum = {0};

    for (int64_t step = 0; step < BUILDS; step++) {
        opro_status st = opro_meta_prompt_build(builder, shown, step);
        opro__size s = {0};

        if (st != OPRO_OK) return st;
        for (size_t i = 0; i < opro_meta_prompt_messages(builder); i++) {
            size_t len;
            const char *text = opro_meta_prompt_text(builder, i, &len);

            add(&s, text, len);
        }
        sum = combine(sum, s, 1);
        if (s.tokens > most->tokens) *most = s;
    }
    *each = mean(sum, BUILDS);
    return OPRO_OK;
}

/* By those that show one solution and those that show five, of one letter each. */
static opro_status measure_shown(opro__sizes *out, opro_meta_prompt *builder,
                                 opro_trajectory *shown, double score) {
    static const char texts[] = "abcde";
    opro__size one = {0}, five = {0}, ignored = {0};
    opro_status st = opro_trajectory_add(shown, texts, 1, &score, 1, NULL);

    if (st == OPRO_OK) st = measure_builds(builder, shown, &one, &out->most);
    for (size_t i = 1; i < 5 && st == OPRO_OK; i++)
        st = opro_trajectory_add(shown, texts + i, 1, &score, 1, NULL);
    if (st == OPRO_OK) st = measure_builds(builder, shown, &five, &ignored);
    out->meta = one;
    out->entry = combine((opro__size){0}, combine(five, one, -1), 0.25);
    return st;
}

static opro_status measure_meta_prompts(opro__sizes *out, opro_examiner *examiner,
                                        opro_problem *problem, const opro_config *config) {
    const opro_allocator *mem = &examiner->mem.allocator;
    opro_meta_prompt *builder = NULL;
    opro_trajectory *shown = NULL;
    opro_status st = opro__meta_prompt_new(&builder, problem, config, mem, &examiner->err);

    if (st != OPRO_OK) return st;
    st = opro_trajectory_new(&shown, problem->direction, mem);
    if (st == OPRO_OK)
        st = measure_shown(out, builder, shown, isnan(problem->low) ? 0 : problem->low);
    if (st < 0 && opro_meta_prompt_error(builder)->status == st)
        opro__err_copy(&examiner->err, opro_meta_prompt_error(builder));
    opro_trajectory_free(shown);
    opro_meta_prompt_free(builder);
    return st;
}

opro_status opro__estimate_sizes(opro__sizes *out, opro_examiner *examiner, opro_problem *problem,
                                 const opro_config *config) {
    int frozen = atomic_load(&problem->frozen);
    opro_status st;

    *out = (opro__sizes){0};
    opro__problem_share(problem); /* its callbacks may free the caller's */
    for (size_t i = 0; i < problem->n_initial; i++)
        add(&out->initial, problem->initial[i].s, problem->initial[i].len);
    out->initial = mean(out->initial, problem->n_initial);
    st = measure_questions(out, examiner);
    if (st == OPRO_OK) st = measure_meta_prompts(out, examiner, problem, config);
    opro__problem_unshare(problem, frozen);
    return st;
}
