/* SPDX-License-Identifier: MIT */
/* Test functions for optimizers of vectors, each over the box that the literature uses. */
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/portable.h"
#include "opro/vector.h"

static double sphere(const double *x, size_t n) {
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sum;
}

static double rosenbrock(const double *x, size_t n) {
    double sum = 0;

    for (size_t i = 0; i + 1 < n; i++) {
        double along = 1 - x[i], across = x[i + 1] - x[i] * x[i];

        sum += along * along + 100 * across * across;
    }
    return sum;
}

static double ackley(const double *x, size_t n) {
    double squares = 0, waves = 0;

    for (size_t i = 0; i < n; i++) {
        squares += x[i] * x[i];
        waves += opro__portable_cos(x[i]);
    }
    return 20 - 20 * opro__portable_exp(-0.2 * sqrt(squares / (double)n)) + opro__portable_exp(1) -
           opro__portable_exp(waves / (double)n);
}

static double rastrigin(const double *x, size_t n) {
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i] + 10 * (1 - opro__portable_cos(x[i]));
    return sum;
}

/* The valley is as deep everywhere and bends away from where the paper's runs start. */
static double rosenbrock_paper(const double *x, size_t n) {
    double along = 20 - x[0], across = x[1] - x[0] * x[0];

    (void)n;
    return along * along + across * across;
}

typedef struct function {
    int32_t id;
    const char *name;
    double (*value)(const double *x, size_t n);
    double lower, upper; /* of every coordinate */
    size_t least, most;  /* dimensions          */
} function;

static const function functions[] = {
    {OPRO_FUNCTION_SPHERE, "sphere", sphere, -5.12, 5.12, 1, SIZE_MAX},
    {OPRO_FUNCTION_ROSENBROCK, "rosenbrock", rosenbrock, -5, 10, 2, SIZE_MAX},
    {OPRO_FUNCTION_ACKLEY, "ackley", ackley, -32.768, 32.768, 1, SIZE_MAX},
    {OPRO_FUNCTION_RASTRIGIN, "rastrigin", rastrigin, -5.12, 5.12, 1, SIZE_MAX},
    {OPRO_FUNCTION_ROSENBROCK_PAPER, "rosenbrock_paper", rosenbrock_paper, -500, 500, 2, 2},
};

static const function *find(int32_t id) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (functions[i].id == id) return &functions[i];
    return NULL;
}

int32_t opro_function_find(const char *name, size_t len) {
    if (!opro__arg(&name, &len)) return 0;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0)
            return functions[i].id;
    return 0;
}

const char *opro_function_name(int32_t id) {
    const function *f = find(id);

    return f ? f->name : NULL;
}

double opro_function_value(int32_t id, const double *x, size_t n) {
    const function *f = find(id);

    return f && x && n >= f->least && n <= f->most ? f->value(x, n) : NAN;
}

opro_status opro_problem_new_function(opro_problem **out, int32_t id, size_t n,
                                      const opro_allocator *mem) {
    const function *f = find(id);
    opro__mem own;
    double *bounds;
    opro_status st;

    if (!out || !f || n < f->least || n > f->most || n > SIZE_MAX / (2 * sizeof *bounds))
        return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    bounds = opro__calloc(&own, 2 * n, sizeof *bounds);
    if (!bounds) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        bounds[i] = f->lower;
        bounds[n + i] = f->upper;
    }
    st = opro_problem_new_vector(out, n, bounds, bounds + n, 0, mem);
    opro__free(&own, bounds);
    return st;
}

static int32_t score(opro_run *run, opro_request *request, const double *x, size_t n,
                     void *user_data) {
    static const char wrong[] = "the function has no finite value here, or another dimension";
    double value = opro_function_value((int32_t)(intptr_t)user_data, x, n);
    uint64_t id = opro_request_id(request);

    if (!isfinite(value)) return opro_run_answer_error(run, id, OPRO_ERR_FAILED, wrong, OPRO_ZT);
    return opro_run_answer_scores(run, id, &value, 1);
}

opro_status opro_scorer_new_function(opro_scorer **out, int32_t id, const opro_allocator *mem) {
    if (!find(id)) return OPRO_ERR_INVALID;
    return opro_scorer_new_vector(out, score, (void *)(intptr_t)id, NULL, mem);
}
