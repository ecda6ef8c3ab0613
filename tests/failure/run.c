/* SPDX-License-Identifier: MIT */
/* Runs: asked and told, stepwise and steadily, with everything that a problem may have. */
#include <stdio.h>
#include <string.h>

#include "world.h"

/* ---- callbacks of a problem ------------------------------------------------------------------ */

static int32_t canonical(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                         void *user_data) {
    (void)problem, (void)user_data;
    while (len && text[len - 1] == '.')
        len--;
    return opro_sink_text(sink, text, len);
}

static int32_t check(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    (void)problem, (void)len, (void)user_data;
    return strchr(text, 'z') ? opro_sink_reject(sink, "there is a z in it", OPRO_ZT)
                             : opro_sink_count(sink, 0);
}

static int32_t repair(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    (void)problem, (void)user_data;
    if (text[0] != 'z') return opro_sink_reject(sink, "too deep in", OPRO_ZT);
    return opro_sink_text(sink, text + 1, len - 1);
}

static int32_t polish(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    char better[64];

    (void)problem, (void)user_data;
    if (len > 40) return opro_sink_text(sink, text, len);
    snprintf(better, sizeof better, "%s!.", text);
    return opro_sink_text(sink, better, OPRO_ZT);
}

static int32_t render(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    (void)problem, (void)user_data;
    return opro_sink_text(sink, text, len);
}

/* Words between commas. */
static int32_t parse(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    int32_t st = OPRO_OK;

    (void)problem, (void)len, (void)user_data;
    for (size_t n; *text && st == OPRO_OK; text += n + (text[n] == ',')) {
        n = strcspn(text, ",");
        if (n) st = opro_sink_text(sink, text, n);
    }
    return st;
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

static int32_t observe(opro_run *run, const opro_event *event, void *user_data) {
    size_t len;
    const char *text = opro_event_text(event, &len);

    (void)user_data;
    CHECK(opro_trajectory_count(opro_run_trajectory(run)) >= 0);
    note_int(opro_event_kind(event));
    note_int(opro_event_step(event));
    note_int(opro_event_sample(event));
    note_int(opro_event_reason(event));
    note_int(opro_event_set(event));
    note_int(opro_event_origin(event));
    note_real(opro_event_score(event));
    note_text(text, len);
    text = opro_event_detail(event, &len);
    note_text(text, len);
    return OPRO_OK;
}

static void hear(int32_t level, const char *domain, const char *message, size_t len,
                 void *user_data) {
    (void)level, (void)domain, (void)user_data;
    CHECK(strlen(message) == len);
}

/* ---- scenarios ------------------------------------------------------------------------------- */

static int watch(opro_run *run) {
    TRY(opro_run_error(run), opro_run_set_observer(run, observe, lend(), returned));
    CHECK(opro_run_replaying(run) == 0);
    CHECK(opro_run_problem(run));
    return 1;
}

static int watch_driver(opro_driver *driver) {
    TRY(opro_driver_error(driver), opro_driver_set_observer(driver, observe, lend(), returned));
    return 1;
}

static void with_everything(void) {
    opro_config *config =
        make_config("steps=3 samples_per_step=6 eval_interval=2 show_rejected=5 show_feedback=200 "
                    "exemplars=2 repair=1 exemplar_choice=current_wrong wrong_score=0.3 "
                    "max_length=1000");
    opro_problem *p = make_text_problem();
    const opro_error *error = opro_problem_error(p);

    TRY(opro_config_error(config), opro_config_set_log(config, OPRO_LOG_DEBUG, hear, NULL, NULL));
    TRY(error, opro_problem_set_canonical_fn(p, canonical, lend(), returned));
    TRY(error, opro_problem_set_check_fn(p, check, NULL, NULL));
    TRY(error, opro_problem_set_repair_fn(p, repair, NULL, NULL));
    TRY(error, opro_problem_set_polish_fn(p, polish, NULL, NULL));
    TRY(error, opro_problem_set_render_fn(p, render, NULL, NULL));
    for (int i = 0; i < 4; i++)
        TRY(error, opro_problem_add_exemplar(p, "what?", OPRO_ZT, "that", OPRO_ZT));
    whole_drive(p, config, NULL, NULL, watch_driver);
}

static void asked_and_told(void) {
    opro_config *config =
        make_config("steps=3 samples_per_step=5 samples_per_request=2 tidy=1 resample_limit=2 "
                    "candidates_per_reply=2 exemplars=1 exemplar_choice=accumulated_wrong "
                    "max_tokens=1000000 order=random max_prompt_tokens=5000");
    opro_problem *p = make_text_problem();

    TRY(opro_problem_error(p), opro_problem_set_exemplar_fn(p, 4, exemplar, lend(), returned));
    whole_run(p, config, watch);
}

static void a_parser(void) {
    opro_config *config = make_config("steps=2 samples_per_step=4 candidates_per_reply=3");
    opro_problem *p = make_text_problem();

    TRY(opro_problem_error(p), opro_problem_set_parse_fn(p, parse, NULL, NULL));
    whole_run(p, config, NULL);
}

static void steadily(void) {
    whole_run(make_text_problem(),
              make_config("mode=steady steps=6 steady_samples=3 steady_candidates=9"), NULL);
}

static opro_trajectory *start;

static int start_warm(opro_run *run) {
    opro_status st = opro_run_warm_start(run, start);

    if (st == OPRO_OK) return 1;
    check_dead(run, st);
    return 0;
}

static void warm(void) {
    static const double scores[4] = {0, 0.25, 0.5, 1};

    MAKE(trajectory, start, NULL, opro_trajectory_new(&start, OPRO_MAXIMIZE, &scarce));
    for (int i = 0; i < 12; i++) {
        char text[32];

        snprintf(text, sizeof text, "start %d", i);
        TRY(opro_trajectory_error(start),
            opro_trajectory_add(start, text, OPRO_ZT, scores, 4, NULL));
    }
    whole_run(make_text_problem(), make_config("steps=2 samples_per_step=4 shown_solutions=3"),
              start_warm);
}

static void raced(void) {
    opro_config *config = make_config("steps=2 samples_per_step=5 race=exact race_block=2 "
                                      "confirm=on eval_interval=0");
    opro_problem *p = make_text_problem();

    TRY(opro_problem_error(p), opro_problem_set_instances(p, 8, 8));
    whole_run(p, config, NULL);
}

const scenario run_scenarios[] = {
    {"a run with everything", MEMORY, with_everything},
    {"a run, asked and told", MEMORY, asked_and_told},
    {"a run with a parser", MEMORY, a_parser},
    {"a steady run", MEMORY, steadily},
    {"a warm start", MEMORY, warm},
    {"a race and its winner", MEMORY, raced},
    {NULL, 0, NULL},
};
