/* SPDX-License-Identifier: MIT */
/* The builder of meta-prompts, alone. */
#include <stdio.h>
#include <string.h>

#include "world.h"

static int32_t block(const opro_meta_prompt *meta_prompt, const opro_trajectory *trajectory,
                     int32_t which, int64_t number, opro_sink *sink, void *user_data) {
    (void)meta_prompt, (void)which, (void)user_data;
    return opro_sink_text(sink, opro_trajectory_text(trajectory, number, NULL), OPRO_ZT);
}

static int32_t backwards(const opro_meta_prompt *meta_prompt, const opro_trajectory *trajectory,
                         int64_t *numbers, size_t n, opro_sink *sink, void *user_data) {
    (void)meta_prompt, (void)trajectory, (void)user_data;
    for (size_t i = 0; i < n / 2; i++) {
        int64_t number = numbers[i];

        numbers[i] = numbers[n - 1 - i];
        numbers[n - 1 - i] = number;
    }
    return opro_sink_count(sink, (int64_t)n);
}

static int32_t bytes(const opro_meta_prompt *meta_prompt, const char *text, size_t len,
                     opro_sink *sink, void *user_data) {
    (void)meta_prompt, (void)text, (void)user_data;
    return opro_sink_count(sink, (int64_t)len);
}

static int32_t render(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    (void)problem, (void)user_data;
    return opro_sink_text(sink, text, len);
}

static int32_t exemplar(const opro_problem *problem, size_t index, opro_sink *sink,
                        void *user_data) {
    char input[32];
    int32_t st;

    (void)problem, (void)user_data;
    snprintf(input, sizeof input, "%d + %d", (int)index, (int)index);
    st = opro_sink_text(sink, input, OPRO_ZT);
    return st == OPRO_OK ? opro_sink_text(sink, "some number", OPRO_ZT) : st;
}

static opro_meta_prompt *make_builder(opro_problem *problem, const char *settings) {
    opro_config *config = make_config(settings);
    opro_meta_prompt *m;

    MAKE(meta_prompt, m, NULL, opro_meta_prompt_new(&m, problem, config, &scarce));
    return m;
}

static void build(opro_meta_prompt *m, const opro_trajectory *t, int64_t steps) {
    for (int64_t step = 0; step < steps; step++) {
        TRY(opro_meta_prompt_error(m), opro_meta_prompt_build(m, t, step));
        note_int(opro_meta_prompt_tokens(m));
        for (size_t i = 0; i < opro_meta_prompt_messages(m); i++) {
            size_t len;
            const char *text = opro_meta_prompt_text(m, i, &len);

            note_int(opro_meta_prompt_role(m, i));
            note_text(text, len);
        }
    }
}

static opro_trajectory *make_trajectory(const char *format, int n, int32_t direction) {
    static const double scores[4] = {0, 0.25, 0.5, 1};
    opro_trajectory *t;

    MAKE(trajectory, t, NULL, opro_trajectory_new(&t, direction, &scarce));
    for (int i = 0; i < n; i++) {
        char text[64];

        snprintf(text, sizeof text, format, i);
        TRY(opro_trajectory_error(t),
            opro_trajectory_add(t, text, OPRO_ZT, scores + i % 4, 1 + (size_t)(3 - i % 4), NULL));
    }
    return t;
}

static void alone(void) {
    opro_problem *p = make_text_problem();
    opro_trajectory *none, *t;
    opro_meta_prompt *m;
    size_t len;
    const char *text;

    TRY(opro_problem_error(p), opro_problem_set_render_fn(p, render, NULL, NULL));
    TRY(opro_problem_error(p), opro_problem_set_exemplar_fn(p, 4, exemplar, NULL, NULL));
    MAKE(trajectory, none, NULL, opro_trajectory_new(&none, OPRO_MAXIMIZE, &scarce));
    m = make_builder(p, "exemplars=2 max_prompt_tokens=900 question_marks=1 position=before_q");
    build(m, none, 2);
    t = make_trajectory("try <this> {%d}", 30, OPRO_MAXIMIZE);
    build(m, t, 3);
    TRY(opro_meta_prompt_error(m),
        opro_meta_prompt_set_template(m, OPRO_BLOCK_INTRO, "{description}: {{go}}", OPRO_ZT));
    TRY(opro_meta_prompt_error(m),
        opro_meta_prompt_set_template(
            m, OPRO_BLOCK_LAYOUT, "{intro}\n\n{trajectory}\n\n{exemplars}\n\n{request}", OPRO_ZT));
    TRY_REFUSED(OPRO_ERR_PARSE, opro_meta_prompt_error(m),
                opro_meta_prompt_set_template(m, OPRO_BLOCK_INTRO, "{descriptio", OPRO_ZT));
    TRY(opro_meta_prompt_error(m),
        opro_meta_prompt_set_block_fn(m, OPRO_BLOCK_ENTRY, block, lend(), returned));
    TRY(opro_meta_prompt_error(m), opro_meta_prompt_set_sort_fn(m, backwards, lend(), returned));
    TRY(opro_meta_prompt_error(m), opro_meta_prompt_set_token_fn(m, bytes, lend(), returned));
    text = opro_meta_prompt_template(m, OPRO_BLOCK_INTRO, &len);
    note_text(text, len);
    build(m, t, 2);
}

static void of_kind(const char *settings) {
    opro_problem *p = make_text_problem();

    for (int i = 0; i < 6; i++)
        TRY(opro_problem_error(p),
            opro_problem_add_exemplar(p, "what <is> it?", OPRO_ZT, "that", OPRO_ZT));
    build(make_builder(p, settings), make_trajectory("way number %d", 12, OPRO_MAXIMIZE), 2);
}

static void square(void) {
    of_kind("meta_prompt=square exemplars=3 order=random score_display=decimals");
}

static void pretrained(void) {
    of_kind("meta_prompt=pretrained exemplars=2 exemplars_first=1 order=descending");
}

static void points(void) {
    opro_problem *p;
    static const double lower[2] = {0, 0}, upper[2] = {9, 9};

    MAKE(problem, p, NULL, opro_problem_new_vector(&p, 2, lower, upper, 1, &scarce));
    build(make_builder(p, "max_prompt_bytes=1200"), make_trajectory("%d, 3", 10, OPRO_MINIMIZE), 2);
}

static void tour(void) {
    opro_problem *p;

    MAKE(problem, p, NULL, opro_problem_new_permutation(&p, 4, OPRO_PERMUTATION_CYCLE, &scarce));
    build(make_builder(p, "score_threshold=0.2"), make_trajectory("0,%d,2,1", 10, OPRO_MINIMIZE),
          2);
}

/* The builder of a run's. */
static opro_meta_prompt *builder;

static int give_builder(opro_run *run) {
    TRY(opro_run_error(run), opro_run_set_meta_prompt(run, builder));
    return 1;
}

static void of_a_run(void) {
    opro_problem *p = make_text_problem();
    const char *settings = "steps=2 samples_per_step=6 show_rejected=3 show_feedback=100";
    opro_config *config = make_config(settings);

    MAKE(meta_prompt, builder, NULL, opro_meta_prompt_new(&builder, p, config, &scarce));
    TRY(opro_meta_prompt_error(builder),
        opro_meta_prompt_set_template(builder, OPRO_BLOCK_REQUEST, "Now {open}you{close}!",
                                      OPRO_ZT));
    whole_run(p, config, give_builder);
}

const scenario meta_prompt_scenarios[] = {
    {"a builder alone", MEMORY, alone},
    {"a builder, square", MEMORY, square},
    {"a builder, pretrained", MEMORY, pretrained},
    {"a builder, points", MEMORY, points},
    {"a builder, tour", MEMORY, tour},
    {"a builder of a run", MEMORY, of_a_run},
    {NULL, 0, NULL},
};
