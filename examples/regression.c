/* SPDX-License-Identifier: MIT */
/*
 * Least-squares regression by trial: the integers w and b of a line through points, from a file of
 * sets.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"

typedef struct task {
    json_t *root;
    json_t *set;      /* borrowed from root */
    const char *want; /* which set: a number or a name */
    int64_t number;   /* of the set */
    int64_t start;
    double lower, upper;
    size_t n;
    double *x, *y;
    double optimum; /* the file's; NaN if it has none */
    opro_problem *problem;
} task;

/* ---- the file -------------------------------------------------------------------------------- */

static const char *set_name(const task *t) {
    const char *name = json_string_value(json_object_get(t->set, "name"));

    return name ? name : "?";
}

static int load(const program *p, task *t) {
    json_error_t error;
    size_t len;
    char *text = read_file(p, p->input, &len);

    if (!text) return 1;
    t->root = json_loadb(text, len, 0, &error);
    free(text);
    if (!t->root)
        return program_fail(p, "%s:%d:%d: not JSON: %s", p->input, error.line, error.column,
                            error.text);
    if (json_array_size(json_object_get(t->root, "sets")) == 0)
        return program_fail(p, "%s: it has no list \"sets\" with sets in it", p->input);
    return 0;
}

/* --set N, or the name of a set. */
static int find_set(const program *p, task *t) {
    const json_t *sets = json_object_get(t->root, "sets");
    size_t n = json_array_size(sets), i;
    double number;

    for (i = 0; i < n; i++) {
        t->number = (int64_t)i;
        t->set = json_array_get(sets, i);
        if (strcmp(set_name(t), t->want) == 0) return 0;
    }
    if (!read_number(t->want, &number) || number < 0 || number >= (double)n ||
        floor(number) != number)
        return program_fail(p,
                            "%s has no set \"%s\": its sets are 0 to %zu, \"%s\" the last of them",
                            p->input, t->want, n - 1, set_name(t));
    t->number = (int64_t)number;
    t->set = json_array_get(sets, (size_t)number);
    return 0;
}

static int field_fail(const program *p, const task *t, const char *field, const char *must) {
    return program_fail(p, "%s: set %lld (%s): \"%s\" must be %s", p->input, (long long)t->number,
                        set_name(t), field, must);
}

/* A list of finite numbers, or "1..50" for the integers from 1 to 50. */
static double *read_list(const json_t *list, size_t *n) {
    const char *text = json_string_value(list);
    int first = 0, last = 0;
    double *values;

    if (text && sscanf(text, "%9d..%9d", &first, &last) == 2 && first <= last)
        *n = (size_t)(last - first) + 1;
    else
        *n = json_array_size(list);
    if (*n == 0 || *n > 10000000) return NULL;
    values = calloc(*n, sizeof *values);
    for (size_t i = 0; values && i < *n; i++) {
        const json_t *item = json_array_get(list, i);

        values[i] = text ? first + (double)i : json_number_value(item);
        if (text || json_is_number(item)) continue;
        free(values);
        values = NULL;
    }
    return values;
}

static int read_points(const program *p, task *t) {
    size_t n_y = 0;

    t->x = read_list(json_object_get(t->set, "x"), &t->n);
    if (!t->x) return field_fail(p, t, "x", "a list of numbers, or \"FROM..TO\"");
    t->y = read_list(json_object_get(t->set, "y"), &n_y);
    if (!t->y || n_y != t->n) return field_fail(p, t, "y", "a list of as many numbers as \"x\"");
    t->optimum = NAN;
    if (json_is_number(json_object_get(json_object_get(t->set, "integer_grid"), "value")))
        t->optimum =
            json_number_value(json_object_get(json_object_get(t->set, "integer_grid"), "value"));
    return 0;
}

/* Pairs of w and b to start from. */
static int add_starts(const program *p, task *t) {
    const json_t *all = json_object_get(t->set, "start_sets");
    const json_t *pairs =
        all ? json_array_get(all, (size_t)t->start) : json_object_get(t->set, "starts");
    size_t n = json_array_size(pairs);

    if (all && t->start >= (int64_t)json_array_size(all))
        return program_fail(p, "%s: set %lld (%s) has %zu start sets, 0 to %zu; there is no %lld",
                            p->input, (long long)t->number, set_name(t), json_array_size(all),
                            json_array_size(all) - 1, (long long)t->start);
    for (size_t i = 0; i < n; i++) {
        const json_t *w = json_array_get(json_array_get(pairs, i), 0);
        const json_t *b = json_array_get(json_array_get(pairs, i), 1);
        const double pair[] = {json_number_value(w), json_number_value(b)};
        char text[64];
        opro_status st;

        if (!json_is_number(w) || !json_is_number(b))
            return field_fail(p, t, all ? "start_sets" : "starts", "lists of pairs of numbers");
        st = opro_vector_format(t->problem, pair, 2, text, sizeof text, NULL);
        if (st == OPRO_OK) st = opro_problem_add_initial(t->problem, text, OPRO_ZT);
        if (program_check(p, st, opro_problem_error(t->problem), "a start")) return 1;
    }
    return 0;
}

static int set_up(const program *p, task *t, opro_scorer **scorer) {
    opro_status st;

    if (load(p, t) || find_set(p, t) || read_points(p, t)) return 1;
    st = opro_problem_new_regression(&t->problem, t->lower, t->upper, NULL);
    if (st == OPRO_ERR_INVALID)
        return program_fail(p,
                            "--lower %g, --upper %g: there is no integer from the one to the other",
                            t->lower, t->upper);
    if (st == OPRO_OK) st = opro_scorer_new_regression(scorer, t->x, t->y, t->n, NULL);
    if (program_check(p, st, NULL, "setting up") || add_starts(p, t)) return 1;
    return 0;
}

/* Stop at the integer optimum, if the file tells it and the user did not say otherwise. */
static void set_target(const program *p, const task *t) {
    double target = NAN;

    opro_config_get_real(p->config, OPRO_OPT_TARGET_SCORE, &target);
    if (isnan(target) && !isnan(t->optimum)) /* sums may differ in their last digits */
        opro_config_set_real(p->config, OPRO_OPT_TARGET_SCORE, t->optimum * (1 + 1e-9));
}

/* ---- the result ------------------------------------------------------------------------------ */

static int reached(const task *t, double score) {
    return score <= t->optimum * (1 + 1e-9);
}

static void print(const program *p, const task *t) {
    double score;
    const char *best = program_best(p, &score);

    printf("set %lld, %s: %zu points, start set %lld\n", (long long)t->number, set_name(t), t->n,
           (long long)t->start);
    printf("best pair w, b = %s   sum of squares %.10g\n", best, score);
    if (!isnan(t->optimum))
        printf("integer optimum %.10g: %s\n", t->optimum,
               reached(t, score) ? "reached" : "not reached");
    program_print(p);
}

static int print_json(const program *p, const task *t) {
    json_t *result = program_result(p);
    double score;

    program_best(p, &score);
    json_object_set_new(result, "set", json_string(set_name(t)));
    json_object_set_new(result, "set_number", json_integer((json_int_t)t->number));
    json_object_set_new(result, "start", json_integer((json_int_t)t->start));
    if (!isnan(t->optimum)) {
        json_object_set_new(result, "optimum", json_real(t->optimum));
        json_object_set_new(result, "reached", json_boolean(reached(t, score)));
    }
    return program_print_json(p, result);
}

static double sum_of_squares(const void *data, const double *pair, size_t n) {
    const task *t = data;
    double sum = 0;

    (void)n;
    for (size_t i = 0; i < t->n; i++) {
        double rest = t->y[i] - (pair[0] * t->x[i] + pair[1]);

        sum += rest * rest;
    }
    return sum;
}

static int write_report(program *p, const task *t) {
    char title[160], subtitle[160];
    report r = {.title = title, .subtitle = subtitle, .score_name = "Sum of squares"};
    const plane_picture picture = {
        t->problem, opro_driver_trajectory(p->driver), "w", "b", sum_of_squares, t};
    double score;

    snprintf(title, sizeof title, "A line through the points of %s", set_name(t));
    snprintf(subtitle, sizeof subtitle,
             "%zu points, start set %lld. Dark: low sums, and later pairs. The search sees pairs "
             "and sums only.",
             t->n, (long long)t->start);
    r.solution = program_best(p, &score);
    r.picture = picture_plane;
    r.data = &picture;
    report_fact(&r, "best pair (w, b)", "%s", r.solution);
    report_fact(&r, "sum of squares", "%.10g", score);
    if (!isnan(t->optimum)) report_fact(&r, "integer optimum", "%.10g", t->optimum);
    report_run(&r, p);
    return report_write(&r, p);
}

int main(int argc, char **argv) {
    task t = {.want = "0", .lower = -100, .upper = 100};
    const option options[] = {
        {"set", "N", "which set: its number, from 0, or its name (default 0)", OPTION_TEXT,
         &t.want},
        {"start", "N", "which of its start sets, from 0 (default 0)", OPTION_COUNT, &t.start},
        {"lower", "N", "lower bound of w and b (default -100)", OPTION_REAL, &t.lower},
        {"upper", "N", "upper bound of w and b (default 100)", OPTION_REAL, &t.upper}};
    program p = {
        .name = "regression",
        .operand = "FILE.json",
        .about = "Look for the integers w and b with the least sum of (y - (w x + b))^2 over "
                 "points. FILE.json\n"
                 "holds {\"sets\": [{\"name\", \"x\": [...], \"y\": [...], \"start_sets\": [[[w, "
                 "b], ...], ...]}]};\n"
                 "if a set has \"integer_grid\": {\"value\"}, the search stops when it gets there.",
        .options = options,
        .n_options = sizeof options / sizeof *options};
    opro_scorer *scorer = NULL;
    int status = program_open(&p, argc, argv);

    if (status == 0) status = set_up(&p, &t, &scorer);
    if (status == 0) set_target(&p, &t);
    if (status == 0) status = program_run(&p, t.problem, scorer);
    if (status == 0) status = write_report(&p, &t);
    if (status == 0 && p.json) status = print_json(&p, &t);
    if (status == 0 && !p.json) print(&p, &t);
    opro_scorer_free(scorer);
    opro_problem_free(t.problem);
    json_decref(t.root);
    free(t.x);
    free(t.y);
    return program_close(&p, status);
}
