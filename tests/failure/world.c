/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"

enum { TURNS = 10000 };

/* ---- making ---------------------------------------------------------------------------------- */

opro_config *make_config(const char *settings) {
    opro_config *config;

    MAKE(config, config, NULL, opro_config_new(&config, &scarce));
    while (*settings) {
        size_t len = strcspn(settings, " "), name = strcspn(settings, "=");

        TRY(opro_config_error(config),
            opro_config_set(config, settings, name, settings + name + 1, len - name - 1));
        settings += len;
        settings += strspn(settings, " ");
    }
    return config;
}

opro_problem *make_text_problem(void) {
    opro_problem *p;

    MAKE(problem, p, NULL, opro_problem_new(&p, &scarce));
    TRY(opro_problem_error(p), opro_problem_set_description(p, "say it well", OPRO_ZT));
    TRY(opro_problem_error(p), opro_problem_set_score_name(p, "grace", OPRO_ZT));
    TRY(opro_problem_error(p), opro_problem_set_instances(p, 4, 2));
    TRY(opro_problem_error(p), opro_problem_add_initial(p, "first", OPRO_ZT));
    TRY(opro_problem_error(p), opro_problem_add_initial(p, "second", OPRO_ZT));
    return p;
}

/* ---- answering ------------------------------------------------------------------------------- */

double score_of(const char *text, size_t len) {
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    return (double)(h >> 8) / 16777216.0;
}

/* Candidates to accept, to reject, to repair; nothing; rubbish; a long one. */
static opro_status reply(opro_run *run, uint64_t id, size_t i, uint64_t seed) {
    char text[2048];
    int n = (int)(seed % 1000);

    switch ((seed + i) % 7) {
    case 0: snprintf(text, sizeof text, "<INS>idea %d</INS><INS>thought %d</INS>", n, n); break;
    case 1: snprintf(text, sizeof text, "<INS>zebra %d</INS>", n); break;
    case 2: snprintf(text, sizeof text, "<INS>a\xff maze %d</INS>", n); break;
    case 3: snprintf(text, sizeof text, "nothing"); break;
    case 4: return opro_run_answer_truncated(run, id, i, 300, "cut of", OPRO_ZT);
    case 5: return opro_run_answer_refused(run, id, i, 300, "I would rather not", OPRO_ZT);
    default:
        memset(text, 'x', sizeof text);
        snprintf(text + 1500, sizeof text - 1500, "%d", n);
        return opro_run_answer_solution(run, id, i, 300, text, OPRO_ZT);
    }
    if (n % 3 == 0) return opro_run_answer_text(run, id, text, OPRO_ZT);
    return opro_run_answer_reply(run, id, i, 300, text, OPRO_ZT);
}

opro_status answer_some(opro_run *run, opro_request *request) {
    uint64_t id = opro_request_id(request), seed = opro_request_seed(request);
    opro_status st = opro_run_answer_usage(run, id, 10, 20, 30);
    double scores[8];
    size_t n, len;
    const char *text = opro_request_text(request, &len);

    if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE) {
        n = opro_request_samples(request);
        for (size_t i = 0; i < n && st == OPRO_OK; i++)
            st = reply(run, id, i, seed + opro_request_first_sample(request));
        return st;
    }
    if (st == OPRO_OK && len % 7 == 0)
        return opro_run_answer_error(run, id, OPRO_ERR_FAILED, "unlucky", OPRO_ZT);
    opro_request_instances(request, &n);
    CHECK(n <= 8);
    for (size_t i = 0; i < n; i++)
        scores[i] = score_of(text, len) * (i % 2 ? 0.5 : 1);
    if (st == OPRO_OK) st = opro_run_answer_feedback(run, id, "not quite there", OPRO_ZT);
    return st == OPRO_OK ? opro_run_answer_scores(run, id, scores, n) : st;
}

int32_t answer_at_once(opro_run *run, opro_request *request, void *user_data) {
    (void)user_data;
    note_request(request);
    return answer_some(run, request);
}

/* ---- noting ---------------------------------------------------------------------------------- */

void note_config(const opro_config *config) {
    int32_t option;

    note_int((int64_t)opro_config_digest(config));
    for (size_t i = 0; (option = opro_option_at(i)); i++) {
        int64_t whole;
        double real;

        if (opro_config_get_int(config, option, &whole) == OPRO_OK)
            note_int(whole);
        else if (opro_config_get_real(config, option, &real) == OPRO_OK)
            note_real(real);
    }
}

void note_problem(opro_problem *problem) {
    size_t len;
    const char *text = opro_problem_description(problem, &len);

    note_text(text, len);
    note_int(opro_problem_direction(problem));
    note_int((int64_t)opro_problem_instances(problem, OPRO_TRAIN));
    note_int((int64_t)opro_problem_instances(problem, OPRO_VALIDATION));
    note_int((int64_t)opro_problem_initial_count(problem));
    note_int((int64_t)opro_problem_exemplar_count(problem));
    note_int((int64_t)opro_problem_digest(problem));
}

void note_request(const opro_request *r) {
    size_t n, len;
    const int64_t *instances = opro_request_instances(r, &n);
    const char *text = opro_request_text(r, &len);

    note_int((int64_t)opro_request_id(r));
    note_int(opro_request_kind(r));
    note_int(opro_request_step(r));
    note_int(opro_request_set(r));
    note_int((int64_t)opro_request_samples(r));
    note_int((int64_t)opro_request_first_sample(r));
    note_real(opro_request_temperature(r));
    note_int(opro_request_max_tokens(r));
    note_int((int64_t)opro_request_seed(r));
    note_text(text, len);
    if (instances) note_bytes(instances, n * sizeof *instances);
    for (size_t i = 0; i < opro_request_messages(r); i++) {
        note_int(opro_request_message_role(r, i));
        text = opro_request_message_text(r, i, &len);
        note_text(text, len);
    }
}

static void note_candidate(const opro_trajectory *t, int64_t i) {
    double scores[8], low = 0, high = 0;
    size_t len, n;
    const char *text = opro_trajectory_text(t, i, &len);

    note_text(text, len);
    CHECK(opro_trajectory_find(t, text, len) == i);
    note_real(opro_trajectory_score(t, i));
    note_real(opro_trajectory_validation(t, i));
    note_int(opro_trajectory_verdict(t, i));
    note_int(opro_trajectory_reason(t, i));
    note_int(opro_trajectory_flags(t, i));
    note_int(opro_trajectory_origin(t, i));
    text = opro_origin_name(opro_trajectory_origin(t, i));
    note_text(text, strlen(text));
    note_int(opro_trajectory_step(t, i));
    note_int(opro_trajectory_sample(t, i));
    note_int(opro_trajectory_proposals(t, i));
    text = opro_trajectory_detail(t, i, &len);
    note_text(text, len);
    text = opro_trajectory_feedback(t, i, &len);
    note_text(text, len);
    n = opro_trajectory_scores(t, i, OPRO_TRAIN, scores, 8);
    for (size_t k = 0; k < n && k < 8; k++)
        note_real(scores[k]);
    note_int(opro_trajectory_interval(t, i, OPRO_TRAIN, &low, &high));
    note_real(low);
    note_real(high);
}

void note_trajectory(const opro_trajectory *t) {
    int64_t top[8], n = opro_trajectory_count(t);
    size_t shown;

    note_int(n);
    for (int64_t i = 0; i < n; i++)
        note_candidate(t, i);
    note_int(opro_trajectory_best(t));
    note_int(opro_trajectory_best_validated(t));
    note_int(opro_trajectory_scored(t));
    note_int(opro_trajectory_direction(t));
    shown = opro_trajectory_top(t, top, 8);
    note_bytes(top, shown * sizeof *top);
    for (int64_t step = -1; step <= opro_trajectory_steps(t); step++)
        for (int32_t figure = 10; figure <= 140; figure += 10)
            note_real(opro_trajectory_figure(t, step, figure));
    note_int((int64_t)opro_trajectory_hash(t));
}

void note_run(const opro_run *run) {
    double gap = 0, low = 0, high = 0;

    note_trajectory(opro_run_trajectory(run));
    for (int32_t counter = 10; counter < OPRO_COUNT_MEMORY; counter += 10)
        note_int(opro_run_count(run, counter));
    CHECK(opro_run_count(run, OPRO_COUNT_MEMORY) > 0);
    note_int((int64_t)opro_run_state_hash(run));
    note_int(opro_run_step(run));
    note_int(opro_run_timeout(run, 0));
    note_int(opro_run_winner(run));
    note_int(opro_run_confirmed(run));
    note_int(opro_run_gap(run, &gap, &low, &high));
    note_real(gap + low + high);
    note_int(opro_run_stop_reason(run));
    note_int((int64_t)strlen(opro_stop_reason_name(opro_run_stop_reason(run))));
    note_int((int64_t)opro_problem_digest(opro_run_problem(run)));
}

/* ---- runs ------------------------------------------------------------------------------------ */

void check_dead(opro_run *run, opro_status st) {
    opro_request *request = NULL;
    double score = 0;
    uint64_t mark = noted();

    check_status(st, opro_run_error(run));
    CHECK(opro_run_stop_reason(run) == OPRO_STOP_ERROR);
    CHECK(opro_run_count(run, OPRO_COUNT_IN_FLIGHT) == 0);
    for (int i = 0; i < 2 && st == OPRO_ERR_NOMEM; i++) {
        CHECK(opro_run_answer_text(run, 1, "x", 1) == st);
        CHECK(opro_run_answer_scores(run, 1, &score, 1) == st);
        check_status(st, opro_run_error(run));
    }
    CHECK(opro_run_next(run, 0, &request) != OPRO_OK);
    CHECK(!request);
    CHECK(opro_run_stop(run) == OPRO_OK);
    note_run(run);
    note_again(mark);
}

int play_out(opro_run *run) {
    opro_request *const untouched = (opro_request *)(void *)run;
    opro_status st;

    for (long turns = 0; turns < TURNS; turns++) {
        opro_request *request = untouched, *clone;
        const char *json;
        size_t len;

        st = opro_run_next(run, 0, &request);
        CHECK((st == OPRO_OK) == (request != untouched));
        if (st == OPRO_OK) {
            note_request(request);
            TRY_VALUE(json, NULL, opro_request_json(request, &len));
            note_text(json, len);
            MAKE(request, clone, NULL, opro_request_clone(&clone, request, &scarce));
            st = answer_some(run, request);
            note_request(clone);
            TRY_VALUE(json, NULL, opro_request_json(clone, NULL));
            drop(clone);
        }
        if (st != OPRO_OK) break;
    }
    if (st == OPRO_DONE) return 1;
    check_dead(run, st);
    return 0;
}

void whole_run(opro_problem *problem, opro_config *config, int (*prepare)(opro_run *run)) {
    uint64_t mark = noted();

    for (;;) {
        opro_run *run;

        MAKE(run, run, opro_problem_error(problem), opro_run_new(&run, problem, config, &scarce));
        if ((!prepare || prepare(run)) && play_out(run)) {
            note_run(run);
            drop(run);
            return;
        }
        died(mark);
        drop(run);
    }
}

/* ---- drivers --------------------------------------------------------------------------------- */

/* 1: to its end; 0: it is dead. */
static int drive(opro_driver *driver) {
    opro_status st = opro_driver_run(driver);
    opro_run *run = opro_driver_run_handle(driver);

    if (st == OPRO_OK) return 1;
    check_status(st, opro_driver_error(driver));
    CHECK(opro_run_stop_reason(run) == OPRO_STOP_ERROR);
    if (st == OPRO_ERR_NOMEM) CHECK(opro_driver_step(driver) < 0);
    if (st == OPRO_ERR_NOMEM) CHECK(opro_driver_poll(driver, 0) < 0);
    note_run(run);
    return 0;
}

opro_driver *make_driver(opro_problem *problem, opro_config *config, opro_optimizer *optimizer,
                         opro_scorer *scorer) {
    opro_driver *driver;

    MAKE(driver, driver, opro_problem_error(problem),
         opro_driver_new(&driver, problem, config, &scarce));
    TRY(opro_driver_error(driver), opro_driver_set_optimizer(driver, optimizer));
    TRY(opro_driver_error(driver), opro_driver_set_scorer(driver, scorer));
    return driver;
}

void whole_drive(opro_problem *problem, opro_config *config, opro_optimizer *optimizer,
                 opro_scorer *scorer, int (*prepare)(opro_driver *driver)) {
    uint64_t mark;

    if (!optimizer)
        MAKE(optimizer, optimizer, NULL,
             opro_optimizer_new(&optimizer, answer_at_once, lend(), returned, &scarce));
    if (!scorer)
        MAKE(scorer, scorer, NULL, opro_scorer_new(&scorer, answer_at_once, NULL, NULL, &scarce));
    mark = noted();
    for (int whole = 0; !whole;) {
        opro_driver *driver = make_driver(problem, config, optimizer, scorer);

        whole = (!prepare || prepare(driver)) && drive(driver);
        if (whole) note_run(opro_driver_run_handle(driver));
        if (!whole) died(mark);
        drop(driver);
    }
}

void unharmed_drive(opro_problem *problem, opro_config *config, opro_optimizer *optimizer,
                    opro_scorer *scorer, int *warned) {
    uint64_t mark = noted();

    for (int whole = 0; !whole;) {
        opro_driver *driver = make_driver(problem, config, optimizer, scorer);
        const opro_run *run = opro_driver_run_handle(driver);

        if (warned) *warned = 0;
        whole = drive(driver) && opro_run_count(run, OPRO_COUNT_FAILURES) == 0;
        if (warned && *warned) whole = 0;
        if (whole) note_run(run);
        if (!whole) died(mark);
        drop(driver);
    }
}
