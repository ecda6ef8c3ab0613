/* SPDX-License-Identifier: MIT */
/*
 * Building meta-prompts: ours against putting the same bytes together with memcpy(), piece by
 * piece, from the same texts; beside them what the published program takes (Python 3.11, another
 * machine).
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/trajectory.h"
#include "opro/opro.h"

#define REPEATS 2000

/* ---- what is built --------------------------------------------------------------------------- */

typedef struct scene {
    opro_problem *problem;
    opro_config *config;
    opro_meta_prompt *mp;
    opro__mem mem;
    opro_trajectory t;
    int repeats;
    char *out;    /* the same bytes again           */
    size_t *ends; /* of the pieces                  */
    size_t n;
    size_t bytes;
} scene;

static int add_candidates(opro_trajectory *t, size_t n) {
    char text[128];

    for (size_t i = 0; i < n; i++) {
        opro__candidate *c;
        int fresh;
        int len =
            snprintf(text, sizeof text,
                     "Let us work through problem %zu step by step, and check each number.", i);

        c = opro__trajectory_meet(t, text, (size_t)len, &fresh);
        if (!c) return 0;
        c->verdict = OPRO_VERDICT_SCORED;
        c->score = (double)(i * 2654435761u % 1000003u) / 1000003.0;
        opro__trajectory_commit(t, c);
    }
    return 1;
}

static int set_up(scene *s, size_t n, int64_t shown) {
    static const char question[] =
        "A baker sells 24 rolls on Monday and half as many on Tuesday. On Wednesday he sells twice "
        "what he sold on both days together. How many rolls did he sell on the three days?";
    int ok = opro__mem_init(&s->mem, NULL) == OPRO_OK;

    ok = ok && opro__trajectory_init(&s->t, &s->mem, OPRO_MAXIMIZE, OPRO_DEDUP_NORMALISED,
                                     (size_t)shown) == OPRO_OK;
    ok = ok && opro_problem_new(&s->problem, NULL) == OPRO_OK;
    ok = ok && opro_config_new(&s->config, NULL) == OPRO_OK;
    ok = ok && opro_problem_set_description(s->problem, "solve grade-school arithmetic problems",
                                            OPRO_ZT) == OPRO_OK;
    for (int i = 0; ok && i < 200; i++)
        ok = opro_problem_add_exemplar(s->problem, question, OPRO_ZT, "108", OPRO_ZT) == OPRO_OK;
    ok = ok && opro_config_set_int(s->config, OPRO_OPT_SHOWN_SOLUTIONS, shown) == OPRO_OK;
    ok = ok && opro_meta_prompt_new(&s->mp, s->problem, s->config, NULL) == OPRO_OK;
    return ok && add_candidates(&s->t, n) && opro_meta_prompt_build(s->mp, &s->t, 0) == OPRO_OK;
}

static void tear_down(scene *s) {
    opro_meta_prompt_free(s->mp);
    opro_config_free(s->config);
    opro_problem_free(s->problem);
    opro__trajectory_clear(&s->t);
    free(s->out);
    free(s->ends);
}

/* ---- ours, and the same bytes by hand -------------------------------------------------------- */

static void build(void *data) {
    scene *s = data;

    for (int i = 0; i < s->repeats; i++)
        bench_sink += (size_t)opro_meta_prompt_build(s->mp, &s->t, i);
}

/* A piece a line: an entry has its label, its text, another label, and its score. */
static int cut(scene *s) {
    size_t len;
    const char *text = opro_meta_prompt_text(s->mp, 0, &len);

    s->out = malloc(len + 1);
    s->ends = malloc((len + 1) * sizeof *s->ends);
    if (!s->out || !s->ends) return 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n') s->ends[s->n++] = i + 1;
    s->ends[s->n++] = len;
    s->bytes = len;
    return 1;
}

static void copy(void *data) {
    scene *s = data;
    const char *text = opro_meta_prompt_text(s->mp, 0, NULL);

    for (int i = 0; i < s->repeats; i++) {
        size_t at = 0;

        for (size_t k = 0; k < s->n; k++) {
            memcpy(s->out + at, text + at, s->ends[k] - at);
            at = s->ends[k];
        }
        bench_sink += (size_t)s->out[(size_t)i % at];
    }
}

/* ---- the bench ------------------------------------------------------------------------------- */

static int measure(size_t n, int64_t shown, double bar, const char *stated) {
    scene s = {.repeats = shown > 100 ? REPEATS / 50 : REPEATS};
    char name[64];
    double ours, bare;
    int ok = set_up(&s, n, shown) && cut(&s);

    if (ok) {
        bench_pair(build, copy, &s, 9, &ours, &bare);
        snprintf(name, sizeof name, "%lld entries of %zu, 3 exemplars", (long long)shown, n);
        bench_report((bench_line){.name = name,
                                  .unit = "us",
                                  .figure = ours / s.repeats * 1e6,
                                  .reference = bare / s.repeats * 1e6,
                                  .beside = "memcpy of the pieces",
                                  .most = bar,
                                  .stated = stated});
    }
    tear_down(&s);
    return !ok;
}

int bench_meta_prompt(void) {
    static const struct {
        size_t n;
        int64_t shown;
        double bar;
        const char *stated;
    } cases[] = {
        {20, 20, 1.5, "11.5 us"}, {1000, 20, 1.5, "72 us"},   {100000, 20, 1.5, "27 ms"},
        {1000000, 20, 1.5, NULL}, {1000, 1000, 40, "928 us"}, {100000, 1000, 40, "28 ms"},
    };
    int failed = 0;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        failed |= measure(cases[i].n, cases[i].shown, cases[i].bar, cases[i].stated);
    return failed;
}
