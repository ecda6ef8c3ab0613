/* SPDX-License-Identifier: MIT */
/* Vectors of scores as they are shown, and of the problems from mathematics. */
#include <math.h>
#include <stdlib.h>

#include "base/numpy_random.h"
#include "core/shown.h"
#include "opro/opro.h"
#include "vectors.h"

/* ---- scores ---------------------------------------------------------------------------------- */

json_t *vector_bucketize(const json_t *in) {
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    json_t *out = NULL;
    char text[OPRO__NUM_SIZE] = ""; /* it gets no NUL */
    opro__scale scale;
    opro_error err;
    size_t len = 0;

    if (opro_problem_new(&problem, NULL) == OPRO_OK && opro_config_new(&config, NULL) == OPRO_OK &&
        opro_config_set_int(config, OPRO_OPT_SCORE_BUCKETS,
                            (int64_t)json_number_value(json_object_get(in, "buckets"))) ==
            OPRO_OK &&
        opro__scale_make(&scale, problem, &config->options, &err) == OPRO_OK)
        len = opro__scale_write(&scale, json_number_value(json_object_get(in, "score")), text);
    if (len) out = json_real(strtod(text, NULL));
    opro_config_free(config);
    opro_problem_free(problem);
    return out;
}

/* ---- regression ------------------------------------------------------------------------------ */

enum { POINTS = 50, STARTS = 5 };

/* A double from 0 to 1: numpy.random.random_sample(). */
static double sample(opro__numpy_random *random) {
    const uint32_t a = opro__numpy_next(random) >> 5, b = opro__numpy_next(random) >> 6;

    return (a * 67108864.0 + b) / 9007199254740992.0;
}

/* numpy.random.randn(n), n even: the polar method, whose second number comes first. */
static void normals(opro__numpy_random *random, double *out, size_t n) {
    for (size_t i = 0; i < n; i += 2) {
        double x, y, r, f;

        do {
            x = 2 * sample(random) - 1;
            y = 2 * sample(random) - 1;
            r = x * x + y * y;
        } while (r >= 1 || r == 0);
        f = sqrt(-2 * log(r) / r);
        out[i] = f * y;
        out[i + 1] = f * x;
    }
}

/* The start of a repetition: numpy.round(numpy.random.uniform(10, 20, 5)). */
static void starts(uint32_t seed, double *out) {
    opro__numpy_random random;

    opro__numpy_seed(&random, seed);
    for (size_t i = 0; i < STARTS; i++)
        out[i] = nearbyint(10 + 10 * sample(&random));
}

typedef struct pair {
    double w, b;
} pair;

static int by_pair(const void *a, const void *b) {
    const pair *x = a, *y = b;

    if (x->w != y->w) return x->w < y->w ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

/* What the scorer makes of pairs that a run starts from. */
static json_t *losses(const double *x, const double *y, const pair *pairs, size_t n) {
    opro_problem *problem = NULL;
    opro_scorer *scorer = NULL;
    opro_request *request;
    opro_run *run = NULL;
    json_t *out = NULL;

    if (opro_problem_new_regression(&problem, -100, 100, NULL) != OPRO_OK ||
        opro_scorer_new_regression(&scorer, x, y, POINTS, NULL) != OPRO_OK)
        goto out;
    for (size_t i = 0; i < n; i++) {
        char text[80];
        size_t len;

        if (opro_vector_format(problem, &pairs[i].w, 2, text, sizeof text, &len) != OPRO_OK ||
            opro_problem_add_initial(problem, text, len) != OPRO_OK)
            goto out;
    }
    if (opro_run_new(&run, problem, NULL, NULL) != OPRO_OK) goto out;
    for (size_t i = 0; i < n; i++)
        if (opro_run_next(run, 0, &request) != OPRO_OK ||
            opro_scorer_score(scorer, run, request) != OPRO_OK)
            goto out;
    out = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            out, json_real(opro_trajectory_score(opro_run_trajectory(run), (int64_t)i)));
out:
    opro_run_free(run);
    opro_scorer_free(scorer);
    opro_problem_free(problem);
    return out;
}

/*
 * The published data are made of NumPy's random numbers, here from the library's generator; the
 * losses are the scorer's.
 */
json_t *vector_linreg_setup(const json_t *in) {
    const uint32_t rep = (uint32_t)json_number_value(json_object_get(in, "rep"));
    double x[POINTS], y[POINTS], w[STARTS], b[STARTS];
    pair pairs[STARTS + 1];
    opro__numpy_random random;
    json_t *out, *list = json_array(), *start = json_array(), *loss;

    opro__numpy_seed(&random, rep + 1);
    normals(&random, y, POINTS);
    for (size_t i = 0; i < POINTS; i++) {
        x[i] = (double)i + 1;
        y[i] += 15 * x[i] + 14;
        json_array_append_new(list, json_real(y[i]));
    }
    starts((rep + 1) * 10, w);
    starts((rep + 1) * 100, b);
    for (size_t i = 0; i < STARTS; i++)
        pairs[i] = (pair){w[i], b[i]};
    qsort(pairs, STARTS, sizeof *pairs, by_pair);
    for (size_t i = 0; i < STARTS; i++)
        json_array_append_new(start, json_pack("[f, f]", pairs[i].w, pairs[i].b));
    pairs[STARTS] = (pair){15, 14};
    loss = losses(x, y, pairs, STARTS + 1);
    out = json_pack("{s:o, s:o, s:O, s:o}", "y", list, "start", start, "loss_true",
                    json_array_get(loss, STARTS), "start_loss", loss);
    json_array_remove(loss, STARTS);
    return out;
}

/* ---- tours ----------------------------------------------------------------------------------- */

opro_tour *vector_places(const json_t *in) {
    const json_t *xs = json_object_get(in, "x"), *ys = json_object_get(in, "y");
    const size_t n = json_array_size(xs);
    double x[VECTOR_PLACES], y[VECTOR_PLACES];
    opro_tour *tour = NULL;

    if (n > VECTOR_PLACES || opro_tour_new(&tour, NULL) != OPRO_OK) return NULL;
    for (size_t i = 0; i < n; i++) {
        x[i] = json_number_value(json_array_get(xs, i));
        y[i] = json_number_value(json_array_get(ys, i));
    }
    if (opro_tour_set_points(tour, OPRO_METRIC_EUCLIDEAN, x, y, n) == OPRO_OK) return tour;
    opro_tour_free(tour);
    return NULL;
}

/* The published program cuts lengths to whole numbers. */
json_t *vector_tour(const opro_tour *tour, const int32_t *nodes) {
    const size_t n = opro_tour_size(tour);
    json_t *list = json_array();
    double length = 0;

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(nodes[i]));
    opro_tour_length(tour, nodes, n, &length);
    return json_pack("{s:o, s:f}", "tour", list, "len", floor(length));
}

json_t *vector_tsp_solve(const json_t *in) {
    const char *how = json_string_value(json_object_get(in, "alg"));
    opro_tour *tour = vector_places(in);
    const size_t n = tour ? opro_tour_size(tour) : 0;
    int32_t nodes[VECTOR_PLACES];
    json_t *out = NULL;
    opro_status st;

    if (!tour || !how) return NULL;
    if (how[0] == 'f') /* farthest_insertion */
        st = opro_tour_farthest_insertion(tour, 0, nodes, n);
    else
        st = opro_tour_nearest_neighbour(tour, 0, nodes, n);
    if (st == OPRO_OK && how[0] == 'd') /* dp: the shortest of all */
        st = opro_tour_improve(tour, nodes, n, 1, 1000);
    if (st == OPRO_OK) out = vector_tour(tour, nodes);
    opro_tour_free(tour);
    return out;
}
