/* SPDX-License-Identifier: MIT */
/*
 * A host outside the tree, C99: callbacks. It looks for the integer nearest to 42 among those
 * between 0 and 100.
 */
#include <opro/opro.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct guesser {
    int next;
    int destroyed;
} guesser;

static int32_t propose(opro_run *run, opro_request *request, void *user_data) {
    guesser *g = user_data;
    size_t n = opro_request_samples(request);
    opro_status st = OPRO_OK;
    char reply[64];

    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        snprintf(reply, sizeof reply, "Let me try [%d].", g->next);
        g->next = (g->next + 7) % 101;
        st = opro_run_answer_reply(run, opro_request_id(request), i, OPRO_ORIGIN_NONE, reply,
                                   OPRO_ZT);
    }
    return st;
}

static int32_t score(opro_run *run, opro_request *request, const double *x, size_t n,
                     void *user_data) {
    double distance = x[0] < 42 ? 42 - x[0] : x[0] - 42;

    (void)n;
    (void)user_data;
    return opro_run_answer_scores(run, opro_request_id(request), &distance, 1);
}

static void forget(void *user_data) {
    ((guesser *)user_data)->destroyed++;
}

static void check(opro_status st, const opro_error *error) {
    if (st == OPRO_OK) return;
    fprintf(stderr, "%s: %s\n", opro_status_name(st), error ? opro_error_message(error, NULL) : "");
    exit(1);
}

int main(void) {
    const double lower = 0, upper = 100;
    guesser g = {0, 0};
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;
    opro_driver *driver = NULL;
    const opro_trajectory *trajectory;
    double best;

    check(opro_problem_new_vector(&problem, 1, &lower, &upper, 1, NULL), NULL);
    check(opro_config_new(&config, NULL), NULL);
    check(opro_config_set_int(config, OPRO_OPT_STEPS, 50), opro_config_error(config));
    check(opro_config_set_real(config, OPRO_OPT_TARGET_SCORE, 0), opro_config_error(config));
    check(opro_optimizer_new(&optimizer, propose, &g, forget, NULL), NULL);
    check(opro_scorer_new_vector(&scorer, score, NULL, NULL, NULL), NULL);
    check(opro_driver_new(&driver, problem, config, NULL), opro_problem_error(problem));
    check(opro_driver_set_optimizer(driver, optimizer), opro_driver_error(driver));
    check(opro_driver_set_scorer(driver, scorer), opro_driver_error(driver));
    check(opro_driver_run(driver), opro_driver_error(driver));

    trajectory = opro_driver_trajectory(driver);
    best = opro_trajectory_score(trajectory, opro_trajectory_best(trajectory));
    printf("%s: best %s\n",
           opro_stop_reason_name(opro_run_stop_reason(opro_driver_run_handle(driver))),
           opro_trajectory_text(trajectory, opro_trajectory_best(trajectory), NULL));

    opro_driver_free(driver);
    opro_scorer_free(scorer);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    opro_problem_free(problem);
    return best > 0 || g.destroyed != 1;
}
