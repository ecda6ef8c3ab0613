/* SPDX-License-Identifier: MIT */
/* The lowest point of a test function. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"

#define STARTS 5

typedef struct task {
    int32_t function;
    int64_t dimension;
    opro_problem *problem;
} task;

/* Uniform in [low, high); the state is a counter (SplitMix64, Steele, Lea & Flood 2014). */
static double draw(uint64_t *state, double low, double high) {
    uint64_t x = *state += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return low + (high - low) * (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

/*
 * The paper's runs start from five points with both coordinates from 10 to 20, away from the
 * valley's bend.
 */
static opro_status add_starts(const program *p, opro_problem *problem) {
    opro_status st = OPRO_OK;
    int64_t seed = 0;
    uint64_t state;

    opro_config_get_int(p->config, OPRO_OPT_SEED, &seed);
    state = (uint64_t)seed;
    for (int i = 0; i < STARTS && st == OPRO_OK; i++) {
        double x[2];
        char text[64];

        x[0] = draw(&state, 10, 20);
        x[1] = draw(&state, 10, 20);
        st = opro_vector_format(problem, x, 2, text, sizeof text, NULL);
        if (st == OPRO_OK) st = opro_problem_add_initial(problem, text, OPRO_ZT);
    }
    return st;
}

static int set_up(const program *p, task *t) {
    opro_status st;

    t->function = opro_function_find(p->input, OPRO_ZT);
    if (!t->function) {
        program_fail(p,
                     "there is no function \"%s\": sphere, rosenbrock, ackley, rastrigin or "
                     "rosenbrock_paper",
                     p->input);
        return 2;
    }
    st = opro_problem_new_function(&t->problem, t->function, (size_t)t->dimension, NULL);
    if (st == OPRO_ERR_INVALID) {
        program_fail(p,
                     "%s has no form in %lld dimensions: rosenbrock has 2 to 4096, "
                     "rosenbrock_paper 2, all others 1 to 4096",
                     p->input, (long long)t->dimension);
        return 2;
    }
    if (st == OPRO_OK && t->function == OPRO_FUNCTION_ROSENBROCK_PAPER)
        st = add_starts(p, t->problem);
    return program_check(p, st, t->problem ? opro_problem_error(t->problem) : NULL, "setting up");
}

static double value(const void *data, const double *x, size_t n) {
    return opro_function_value(((const task *)data)->function, x, n);
}

static int write_report(program *p, const task *t) {
    char title[80], subtitle[120];
    report r = {.title = title, .subtitle = subtitle, .score_name = "Value"};
    const plane_picture picture = {t->problem, opro_driver_trajectory(p->driver), "x1", "x2", value,
                                   t};
    double score, x[2];

    snprintf(title, sizeof title, "The lowest point of %s", p->input);
    snprintf(subtitle, sizeof subtitle,
             "%lld dimensions; the lowest value is 0. Dark: low values, and later points.",
             (long long)t->dimension);
    r.solution = program_best(p, &score);
    report_fact(&r, "lowest value found", "%.6g", score);
    if (t->dimension == 2 && opro_vector_parse(t->problem, r.solution, OPRO_ZT, x, 2) == OPRO_OK)
        report_fact(&r, "at", "%.6g, %.6g", x[0], x[1]);
    report_run(&r, p);
    if (t->dimension >= 2) {
        r.picture = picture_plane;
        r.data = &picture;
    }
    return report_write(&r, p);
}

static void print(const program *p) {
    double score;
    const char *best = program_best(p, &score);

    printf("%s: lowest value found %.10g\nat [%s]\n", p->input, score, best);
    program_print(p);
}

static int print_json(const program *p, const task *t) {
    json_t *result = program_result(p);

    json_object_set_new(result, "function", json_string(p->input));
    json_object_set_new(result, "dimension", json_integer((json_int_t)t->dimension));
    return program_print_json(p, result);
}

int main(int argc, char **argv) {
    task t = {0, 2, NULL};
    const option options[] = {{"dim", "N", "dimensions (default 2)", OPTION_COUNT, &t.dimension}};
    program p = {.name = "functions",
                 .operand = "NAME",
                 .about = "Look for the lowest point of a test function: sphere, rosenbrock, "
                          "ackley, rastrigin,\nor rosenbrock_paper, which has 2 dimensions and "
                          "starts where the paper's runs do.",
                 .options = options,
                 .n_options = 1};
    opro_scorer *scorer = NULL;
    int status = program_open(&p, argc, argv);

    if (status == 0) status = set_up(&p, &t);
    if (status == 0)
        status = program_check(&p, opro_scorer_new_function(&scorer, t.function, NULL), NULL,
                               "setting up");
    if (status == 0) status = program_run(&p, t.problem, scorer);
    if (status == 0) status = write_report(&p, &t);
    if (status == 0 && p.json) status = print_json(&p, &t);
    if (status == 0 && !p.json) print(&p);
    opro_scorer_free(scorer);
    opro_problem_free(t.problem);
    return program_close(&p, status);
}
