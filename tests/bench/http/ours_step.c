/* SPDX-License-Identifier: MIT */
/*
 * One step of a run by opro_driver: eight proposals by the model, each candidate scored by many
 * calls of the same model as soon as it is there. One queue, no barrier.
 */
#include "ours.h"

#include "http.h"
#include "machine.h"

#include "opro/driver.h"

#include <stdio.h>
#include <stdlib.h>

#define PROPOSALS 8

typedef struct scoring {
    contender *c;
    opro_model *model;
} scoring;

/* A candidate that is being scored. */
typedef struct candidate {
    contender *c;
    opro_run *run;
    uint64_t id;
    size_t n, missing;
    double scores[];
} candidate;

/* One call of it. */
typedef struct part {
    candidate *of;
    size_t index;
    double began;
} part;

static int32_t on_call(opro_call *call, int32_t event, size_t index, void *data) {
    part *p = data;
    candidate *of = p->of;
    bool fine;

    (void)index;
    if (event != OPRO_CALL_DONE) return OPRO_OK;
    fine = ours_fine(call);
    contender_done(of->c, p->began, fine);
    of->scores[p->index] = fine ? (double)(p->index % 2) : 0;
    if (--of->missing == 0) {
        ours_must(opro_run_answer_scores(of->run, of->id, of->scores, of->n),
                  opro_run_error(of->run), "opro_run_answer_scores");
        free(of);
    }
    opro_call_free(call); /* p goes with it */
    return OPRO_OK;
}

static int32_t score(opro_run *run, opro_request *request, void *data) {
    scoring *s = data;
    size_t n, len;
    const char *text = opro_request_text(request, &len);
    candidate *of;

    opro_request_instances(request, &n);
    of = malloc(sizeof *of + n * sizeof *of->scores);
    if (!of) return OPRO_ERR_NOMEM;
    *of = (candidate){.c = s->c, .run = run, .id = opro_request_id(request), .n = n, .missing = n};
    for (size_t i = 0; i < n; i++) {
        part *p = malloc(sizeof *p);
        opro_call *call = ours_call(s->c, s->model, text, len);

        if (!p) abort();
        *p = (part){.of = of, .index = i, .began = machine_now()};
        ours_must(opro_call_submit(call, on_call, p, free), opro_model_error(s->model),
                  "opro_call_submit");
    }
    return OPRO_PENDING;
}

/* All eight candidates are to be scored: say why one is not. */
static int32_t on_event(opro_run *run, const opro_event *event, void *data) {
    int32_t kind = opro_event_kind(event);

    (void)run;
    (void)data;
    if (kind == OPRO_EVENT_REJECTED || kind == OPRO_EVENT_FAILED)
        fprintf(stderr, "ours: a candidate is lost: %s\n", opro_event_detail(event, NULL));
    return OPRO_OK;
}

static opro_driver *make_driver(contender *c, scoring *s) {
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_driver *driver = NULL;
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;

    ours_must(opro_problem_new(&problem, NULL), NULL, "opro_problem_new");
    opro_problem_set_description(problem, "the cases of a bench " HTTP_PROPOSAL, OPRO_ZT);
    opro_problem_set_instances(problem, c->calls, 0);
    ours_must(opro_config_new(&config, NULL), NULL, "opro_config_new");
    opro_config_set_int(config, OPRO_OPT_STEPS, 1);
    opro_config_set_int(config, OPRO_OPT_SAMPLES_PER_STEP, PROPOSALS);
    opro_config_set_int(config, OPRO_OPT_SAMPLES_PER_REQUEST, 1);
    opro_config_set_int(config, OPRO_OPT_EXEMPLARS, 0);
    ours_must(opro_driver_new(&driver, problem, config, NULL), opro_problem_error(problem),
              "opro_driver_new");
    ours_must(opro_optimizer_new_model(&optimizer, s->model, NULL), opro_model_error(s->model),
              "opro_optimizer_new_model");
    ours_must(opro_scorer_new(&scorer, score, s, NULL, NULL), NULL, "opro_scorer_new");
    opro_driver_set_optimizer(driver, optimizer);
    opro_driver_set_scorer(driver, scorer);
    opro_driver_set_observer(driver, on_event, NULL, NULL);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
    opro_config_free(config);
    opro_problem_free(problem);
    return driver;
}

void ours_step(contender *c, opro_model *model) {
    scoring s = {.c = c, .model = model};
    opro_driver *driver = make_driver(c, &s);
    opro_status st;

    do {
        st = opro_driver_run(driver);
        ours_must(st, opro_driver_error(driver), "opro_driver_run");
    } while (st == OPRO_WAIT);
    if (c->done != PROPOSALS * c->calls) {
        fprintf(stderr, "ours: %zu calls instead of %zu\n", c->done, PROPOSALS * c->calls);
        c->errors++;
    }
    opro_driver_free(driver);
}
