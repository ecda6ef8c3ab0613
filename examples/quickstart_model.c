/* SPDX-License-Identifier: MIT */
/*
 * The program behind ./examples/quickstart --model: two small problems of the paper, proposed for
 * by a language model, and by the built-in local search with as many proposals.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#define POINTS  50
#define PLACES  10
#define SUBSETS (1 << PLACES)

/* One of the problems, and what came of it. */
typedef struct trial {
    const char *name, *unit;
    opro_problem *problem;
    opro_scorer *scorer;
    opro_tour *tour; /* of the second one */
    double optimum;
    double start;    /* best of the initial solutions */
    double found[2]; /* by the model, by the local search */
    json_t *results[2];
} trial;

/* ---- a line through points ------------------------------------------------------------------- */

static double line_points(double *x, double *y) {
    double least = INFINITY;

    for (int i = 0; i < POINTS; i++) {
        x[i] = i + 1;
        y[i] = 15 * x[i] + 14 + (double)(i * 37 % 11 - 5) / 5; /* some noise, always the same */
    }
    for (int w = -100; w <= 100; w++)
        for (int b = -100; b <= 100; b++) {
            double sum = 0;

            for (int i = 0; i < POINTS; i++)
                sum += (y[i] - w * x[i] - b) * (y[i] - w * x[i] - b);
            if (sum < least) least = sum;
        }
    return least;
}

static opro_status make_regression(trial *t) {
    static const char *const starts[] = {"12, 18", "17, 11", "19, 19", "10, 13", "13, 16"};
    double x[POINTS], y[POINTS];
    opro_status st = opro_problem_new_regression(&t->problem, -100, 100, NULL);

    t->name = "regression";
    t->unit = "sum of squares";
    t->optimum = line_points(x, y);
    for (size_t i = 0; i < sizeof starts / sizeof *starts && st == OPRO_OK; i++)
        st = opro_problem_add_initial(t->problem, starts[i], OPRO_ZT);
    return st == OPRO_OK ? opro_scorer_new_regression(&t->scorer, x, y, POINTS, NULL) : st;
}

/* ---- a round trip ---------------------------------------------------------------------------- */

/* The shortest one, by way of all subsets of places (Held & Karp 1962). */
static double shortest_trip(const opro_tour *tour) {
    static double least[SUBSETS][PLACES]; /* from place 0 through a subset to one of its places */
    double best = INFINITY;

    for (int set = 1; set < SUBSETS; set += 2)
        for (int to = 0; to < PLACES; to++) {
            least[set][to] = set == 1 && to == 0 ? 0 : INFINITY;
            for (int from = 0; to && from < PLACES && set >> to & 1; from++)
                if (set >> from & 1 && from != to)
                    least[set][to] =
                        fmin(least[set][to], least[set & ~(1 << to)][from] +
                                                 opro_tour_weight(tour, (size_t)from, (size_t)to));
        }
    for (int last = 1; last < PLACES; last++)
        best = fmin(best, least[SUBSETS - 1][last] + opro_tour_weight(tour, (size_t)last, 0));
    return best;
}

static opro_status make_tour(trial *t) {
    static const double x[] = {62, 7, 91, 33, 80, 18, 55, 96, 40, 4};
    static const double y[] = {11, 85, 40, 63, 92, 29, 74, 8, 20, 50};
    static const char *const starts[] = {"0,1,2,3,4,5,6,7,8,9", "0,5,4,9,2,7,1,8,3,6",
                                         "0,3,7,1,6,2,9,4,8,5"};
    opro_status st = opro_tour_new(&t->tour, NULL);

    t->name = "tour of 10";
    t->unit = "length";
    if (st == OPRO_OK) st = opro_tour_set_points(t->tour, OPRO_METRIC_EUC_2D, x, y, PLACES);
    if (st == OPRO_OK) t->optimum = shortest_trip(t->tour);
    if (st == OPRO_OK) st = opro_problem_new_tour(&t->problem, t->tour, NULL);
    for (size_t i = 0; i < sizeof starts / sizeof *starts && st == OPRO_OK; i++)
        st = opro_problem_add_initial(t->problem, starts[i], OPRO_ZT);
    return st == OPRO_OK ? opro_scorer_new_tour(&t->scorer, t->tour, NULL) : st;
}

/* ---- the comparison -------------------------------------------------------------------------- */

static void set(const program *p, int32_t id, int64_t value) {
    opro_config_set_int(p->config, id, value);
}

static int run_one(program *p, trial *t, int which) {
    const opro_trajectory *all;

    if (program_run(p, t->problem, t->scorer)) return 1;
    program_best(p, &t->found[which]);
    all = opro_driver_trajectory(p->driver);
    t->start = opro_trajectory_figure(all, -1, OPRO_FIGURE_BEST);
    t->results[which] = program_result(p);
    return 0;
}

/*
 * The model first; then the local search with the same starts, the same seed and as many proposals,
 * in as many steps as it needs for them.
 */
static int compare(program *p, trial *t) {
    int kind = p->by.at.kind;
    int status;

    if (!p->json) printf("==== %s ====\n", t->name);
    if (run_one(p, t, 0)) return 1;
    if (!p->json) program_print(p);
    if (program_interrupted()) return 0;
    set(p, OPRO_OPT_MAX_PROPOSALS,
        opro_run_count(opro_driver_run_handle(p->driver), OPRO_COUNT_PROPOSALS));
    set(p, OPRO_OPT_STEPS, 0);
    p->by.at.kind = PROPOSER_LOCAL;
    status = run_one(p, t, 1);
    p->by.at.kind = kind;
    set(p, OPRO_OPT_MAX_PROPOSALS, 0);
    set(p, OPRO_OPT_STEPS, p->steps);
    p->by.show_prompt = p->by.show_reply = 0; /* once is enough */
    return status;
}

/* How far above the optimum, in percent of the way that the start had left. */
static void print_how(const trial *t, int which) {
    double way = t->start - t->optimum, left = t->found[which] - t->optimum;

    if (left <= 1e-9 * fabs(t->optimum))
        fputs("found the optimum", stdout);
    else if (left >= way)
        fputs("found nothing better than it was given", stdout);
    else
        printf("went %.0f %% of the way from the best start to the optimum",
               100 * (1 - left / way));
}

static void print_table(const trial *trials, size_t n) {
    printf("\n%-30s %12s %12s %12s %12s\n", "", "best start", "model", "local", "optimum");
    for (size_t i = 0; i < n; i++) {
        const trial *t = &trials[i];
        char name[40];

        snprintf(name, sizeof name, "%s (%s)", t->name, t->unit);
        printf("%-30s %12.6g %12.6g %12.6g %12.6g\n", name, t->start, t->found[0], t->found[1],
               t->optimum);
    }
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        printf("%s: the model ", trials[i].name);
        print_how(&trials[i], 0);
        fputs(";\n    the local search, with as many proposals, ", stdout);
        print_how(&trials[i], 1);
        puts(".");
    }
}

static int print_json(const program *p, trial *trials, size_t n) {
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        trial *t = &trials[i];

        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:o, s:o}", "problem", t->name,
                                              "optimum", t->optimum, "best_start", t->start,
                                              "model", t->results[0], "local", t->results[1]));
        t->results[0] = t->results[1] = NULL;
    }
    return program_print_json(p, json_pack("{s:s, s:o}", "program", p->name, "problems", list));
}

static void trial_free(trial *t) {
    opro_scorer_free(t->scorer);
    opro_problem_free(t->problem);
    opro_tour_free(t->tour);
    json_decref(t->results[0]);
    json_decref(t->results[1]);
}

int main(int argc, char **argv) {
    /* Small models go on talking after their answer: short replies, and what is cut off counts. */
    static const char *const settings[] = {"max_reply_tokens",
                                           "80",
                                           "samples_per_step",
                                           "4",
                                           "model_accept_truncated",
                                           "1",
                                           "polish",
                                           "0",
                                           NULL};
    trial trials[2] = {0};
    program p = {.name = "quickstart_model",
                 .about = "Look for a line through 50 points and for a round trip through 10 "
                          "places, with the\nproposals of a language model and with those of the "
                          "local search, and compare.",
                 .steps = 4,
                 .settings = settings,
                 .by = {.at = {.kind = ENDPOINT_MODEL}, .show_prompt = 1, .show_reply = 1}};
    size_t n = 0; /* trials that are done */
    int status = program_open(&p, argc, argv);

    if (status == 0 && p.report) status = program_fail(&p, "it has no --report");
    if (status == 0 && p.by.at.kind == PROPOSER_LOCAL)
        status = program_fail(&p, "it compares a model with the local search: --optimizer model");
    if (status == 0)
        status = program_check(&p, make_regression(&trials[0]), NULL, "setting up the regression");
    if (status == 0) status = program_check(&p, make_tour(&trials[1]), NULL, "setting up the tour");
    while (n < 2 && status == 0) {
        status = compare(&p, &trials[n]);
        if (program_interrupted()) break;
        n++;
    }
    if (status == 0 && p.json) status = print_json(&p, trials, n);
    if (status == 0 && !p.json && n) print_table(trials, n);
    for (size_t i = 0; i < 2; i++)
        trial_free(&trials[i]);
    return program_close(&p, status);
}
