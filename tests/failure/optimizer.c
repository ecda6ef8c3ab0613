/* SPDX-License-Identifier: MIT */
/* The optimizer "local" with all kinds of problems, by a driver and by hand. */
#include "world.h"

static opro_optimizer *make_local(opro_problem *p, opro_config *config) {
    opro_optimizer *optimizer;

    MAKE(optimizer, optimizer, NULL, opro_optimizer_new_local(&optimizer, p, config, &scarce));
    return optimizer;
}

static void vectors(void) {
    opro_config *config = make_config("steps=8 samples_per_step=6");
    opro_problem *p;
    opro_scorer *scorer;

    MAKE(problem, p, NULL, opro_problem_new_function(&p, OPRO_FUNCTION_ROSENBROCK, 3, &scarce));
    MAKE(scorer, scorer, NULL,
         opro_scorer_new_function(&scorer, OPRO_FUNCTION_ROSENBROCK, &scarce));
    whole_drive(p, config, make_local(p, config), scorer, NULL);
}

static void a_regression(void) {
    static const double x[4] = {1, 2, 3, 4}, y[4] = {5, 7, 9, 11};
    opro_config *config = make_config("steps=5 samples_per_step=6");
    opro_problem *p;
    opro_scorer *scorer;

    MAKE(problem, p, NULL, opro_problem_new_regression(&p, -10, 10, &scarce));
    TRY(opro_problem_error(p), opro_problem_add_initial(p, "1, 1", OPRO_ZT));
    MAKE(scorer, scorer, NULL, opro_scorer_new_regression(&scorer, x, y, 4, &scarce));
    whole_drive(p, config, make_local(p, config), scorer, NULL);
}

static void texts(void) {
    opro_config *config = make_config("steps=4 samples_per_step=4");
    opro_problem *p;

    MAKE(problem, p, NULL, opro_problem_new(&p, &scarce));
    TRY(opro_problem_error(p),
        opro_problem_add_initial(p, "Think first. Then act. Check it twice.", OPRO_ZT));
    TRY(opro_problem_error(p),
        opro_problem_add_initial(p, "Read slowly. Answer briefly.", OPRO_ZT));
    whole_drive(p, config, make_local(p, config), NULL, NULL);
}

/* ---- by hand --------------------------------------------------------------------------------- */

static int32_t distance(opro_run *run, opro_request *request, const double *x, size_t n,
                        void *user_data) {
    double sum = 0;

    (void)user_data;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return opro_run_answer_scores(run, opro_request_id(request), &sum, 1);
}

/* 1: to its end. */
static int go(opro_run *run, opro_optimizer *optimizer, opro_scorer *scorer) {
    opro_request *request;
    opro_status st;

    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK) {
        st = opro_request_kind(request) == OPRO_REQUEST_PROPOSE
                 ? opro_optimizer_propose(optimizer, run, request)
                 : opro_scorer_score(scorer, run, request);
        if (st != OPRO_OK) break;
    }
    if (st == OPRO_DONE) return 1;
    CHECK(st == OPRO_ERR_NOMEM && something_failed());
    CHECK(opro_run_stop_reason(run) == OPRO_STOP_NONE ||
          opro_run_stop_reason(run) == OPRO_STOP_ERROR);
    return 0;
}

static void by_hand(void) {
    static const double lower[2] = {-3, -3}, upper[2] = {3, 3};
    opro_config *config = make_config("steps=5 samples_per_step=5");
    opro_optimizer *optimizer;
    opro_problem *p;
    opro_scorer *scorer;
    uint64_t mark;

    MAKE(problem, p, NULL, opro_problem_new_vector(&p, 2, lower, upper, 0, &scarce));
    MAKE(scorer, scorer, NULL,
         opro_scorer_new_vector(&scorer, distance, lend(), returned, &scarce));
    optimizer = make_local(p, config);
    mark = noted();
    for (int whole = 0; !whole;) {
        opro_run *run;

        MAKE(run, run, opro_problem_error(p), opro_run_new(&run, p, config, &scarce));
        whole = go(run, optimizer, scorer);
        if (whole) note_run(run);
        if (!whole) died(mark);
        drop(run);
    }
}

const scenario optimizer_scenarios[] = {
    {"local search for vectors", MEMORY, vectors},
    {"local search for a regression", MEMORY, a_regression},
    {"local search for texts", MEMORY, texts},
    {"local search by hand", MEMORY, by_hand},
    {NULL, 0, NULL},
};
