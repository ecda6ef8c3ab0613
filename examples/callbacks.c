/* 1. Callbacks: find the settings of a pump that waste the least energy. */
#include <opro/opro.h>
#include <stdio.h>

/* Your measurement, simulation or benchmark. Lower is better here. */
static int32_t waste(opro_run *run, opro_request *request, const double *x, size_t n,
                     void *user_data) {
    double speed = x[0], pressure = x[1];
    double score =
        (speed - 7) * (speed - 7) + (pressure - 2) * (pressure - 2) + speed * pressure / 10;

    (void)n, (void)user_data;
    return opro_run_answer_scores(run, opro_request_id(request), &score, 1);
}

int main(void) {
    const double lower[] = {0, 0}, upper[] = {20, 10};
    const char *const names[] = {"speed", "pressure"};
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;
    opro_driver *driver = NULL;
    opro_status st;

    if ((st = opro_problem_new_vector(&problem, 2, lower, upper, 0, NULL)) < 0) goto out;
    if ((st = opro_vector_set_names(problem, names, 2)) < 0) goto out;
    if ((st = opro_config_new(&config, NULL)) < 0) goto out;
    if ((st = opro_config_set_int(config, OPRO_OPT_STEPS, 20)) < 0) goto out;
    if ((st = opro_optimizer_new_local(&optimizer, problem, config, NULL)) < 0) goto out;
    if ((st = opro_scorer_new_vector(&scorer, waste, NULL, NULL, NULL)) < 0) goto out;

    if ((st = opro_driver_new(&driver, problem, config, NULL)) < 0) goto out;
    if ((st = opro_driver_set_optimizer(driver, optimizer)) < 0) goto out;
    if ((st = opro_driver_set_scorer(driver, scorer)) < 0) goto out;
    while ((st = opro_driver_step(driver)) == OPRO_OK) { /* propose, check, score, remember */
        const opro_trajectory *all = opro_driver_trajectory(driver);
        int64_t best = opro_trajectory_best(all);

        printf("step %d: best %s wastes %g\n", (int)opro_trajectory_steps(all),
               opro_trajectory_text(all, best, NULL), opro_trajectory_score(all, best));
    }
out:
    if (st < 0)
        fprintf(stderr, "%s %s\n", opro_status_name(st),
                driver ? opro_error_message(opro_driver_error(driver), NULL) : "");
    opro_driver_free(driver);
    opro_scorer_free(scorer);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    opro_problem_free(problem);
    return st < 0;
}
