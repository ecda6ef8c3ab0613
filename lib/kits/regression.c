/* SPDX-License-Identifier: MIT */
/*
 * Least-squares regression as in the paper: two integers, and a model that the prompt does not
 * tell.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "opro/vector.h"

typedef struct points {
    opro__mem mem;
    size_t n;
    double xy[]; /* n times x, then n times y */
} points;

opro_status opro_problem_new_regression(opro_problem **out, double lower, double upper,
                                        const opro_allocator *mem) {
    static const char *const names[] = {"w", "b"};
    const double lowers[] = {lower, lower}, uppers[] = {upper, upper};
    opro_problem *problem;
    opro_status st;

    if (!out) return OPRO_ERR_INVALID;
    st = opro_problem_new_vector(&problem, 2, lowers, uppers, 1, mem);
    if (st != OPRO_OK) return st;
    st = opro_vector_set_names(problem, names, 2);
    if (st == OPRO_OK)
        *out = problem;
    else
        opro_problem_free(problem);
    return st;
}

static int32_t score(opro_run *run, opro_request *request, const double *x, size_t n,
                     void *user_data) {
    static const char wrong[] = "a pair of numbers, w and b, is needed whose squares are finite";
    const points *data = user_data;
    uint64_t id = opro_request_id(request);
    double sum = 0;

    for (size_t i = 0; n == 2 && i < data->n; i++) {
        double rest = data->xy[data->n + i] - (x[0] * data->xy[i] + x[1]);

        sum += rest * rest;
    }
    if (n != 2 || !isfinite(sum))
        return opro_run_answer_error(run, id, OPRO_ERR_FAILED, wrong, OPRO_ZT);
    return opro_run_answer_scores(run, id, &sum, 1);
}

static void destroy_points(void *user_data) {
    points *data = user_data;
    opro__mem mem = data->mem;

    opro__free(&mem, data);
}

opro_status opro_scorer_new_regression(opro_scorer **out, const double *x, const double *y,
                                       size_t n, const opro_allocator *mem) {
    opro__mem own;
    points *data;
    opro_status st;

    if (!out || !x || !y || n == 0 || n > SIZE_MAX / (4 * sizeof *x)) return OPRO_ERR_INVALID;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]) || !isfinite(y[i])) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    data = opro__alloc(&own, sizeof *data + 2 * n * sizeof *x);
    if (!data) return OPRO_ERR_NOMEM;
    data->mem = own;
    data->n = n;
    memcpy(data->xy, x, n * sizeof *x);
    memcpy(data->xy + n, y, n * sizeof *y);
    st = opro_scorer_new_vector(out, score, data, destroy_points, mem);
    if (st != OPRO_OK) destroy_points(data);
    return st;
}
