/* SPDX-License-Identifier: MIT */
/*
 * Problems whose solutions are numeric vectors: bounds, integer or real; regression; test
 * functions.
 */
#ifndef OPRO_VECTOR_H
#define OPRO_VECTOR_H

#include "problem.h"
#include "run.h"
#include "scorer.h"

OPRO_BEGIN_DECLS

/*
 * A problem over vectors of dimension n (1 .. 4096), minimized. lower and upper: n bounds each,
 * finite, lower <= upper. integer not 0: coordinates are rounded to the nearest integer, halves
 * to even. A reply is read as "[x1, x2, ...]", the last such group counts; coordinates may be
 * named ("w=3"). Canonical text: "3, 4". Repair: moved to the nearest bound. The description states
 * the ranges; replace it as you like. Since 0.1.
 */
OPRO_API opro_status opro_problem_new_vector(opro_problem **out, size_t n, const double *lower,
                                             const double *upper, int32_t integer,
                                             const opro_allocator *mem);

/*
 * Names of the coordinates, n of them, each 1 .. 32 ASCII letters, digits or "_". Default: x1,
 * x2, ... Since 0.1.
 */
OPRO_API opro_status opro_vector_set_names(opro_problem *problem, const char *const *names,
                                           size_t n);

/* The dimension; 0 if the problem is of another kind. Since 0.1. */
OPRO_API size_t opro_vector_dimension(const opro_problem *problem);

/*
 * The numbers of a solution's text: exactly n of them, the problem's dimension. OPRO_ERR_PARSE
 * otherwise. Since 0.1.
 */
OPRO_API opro_status opro_vector_parse(const opro_problem *problem, const char *text, size_t len,
                                       double *x, size_t n);

/*
 * The canonical text of a vector, into buffer[0 .. size), NUL-terminated; *needed (may be NULL)
 * receives its length without the NUL. OPRO_ERR_LIMIT when it does not fit; 26 bytes a coordinate
 * always do. Since 0.1.
 */
OPRO_API opro_status opro_vector_format(const opro_problem *problem, const double *x, size_t n,
                                        char *buffer, size_t size, size_t *needed);

/*
 * A scorer for vectors: fn gets the numbers (n of them, valid during the call) and delivers with
 * opro_run_answer_scores(), or returns OPRO_PENDING and answers later. Since 0.1.
 */
typedef int32_t (*opro_vector_fn)(opro_run *run, opro_request *request, const double *x, size_t n,
                                  void *user_data);
OPRO_API opro_status opro_scorer_new_vector(opro_scorer **out, opro_vector_fn fn, void *user_data,
                                            opro_destroy_fn destroy, const opro_allocator *mem);

/*
 * Least-squares regression as in the paper: find integers w and b that minimize the sum of (y -
 * (w x + b))^2. The model is hidden: the prompt shows pairs and values only. lower and upper
 * bound both w and b. Since 0.1.
 */
OPRO_API opro_status opro_problem_new_regression(opro_problem **out, double lower, double upper,
                                                 const opro_allocator *mem);

/* Its scorer, for n points (copied, n >= 1, all finite). Since 0.1. */
OPRO_API opro_status opro_scorer_new_regression(opro_scorer **out, const double *x, const double *y,
                                                size_t n, const opro_allocator *mem);

/* Test functions, all with minimum 0 but the paper's Rosenbrock, which also has 0. */
enum {
    OPRO_FUNCTION_SPHERE = 10,     /* the sum of squares */
    OPRO_FUNCTION_ROSENBROCK = 20, /* a = 1, b = 100 */
    OPRO_FUNCTION_ACKLEY = 30,     /* many small minima, one deep one */
    OPRO_FUNCTION_RASTRIGIN = 40,  /* a regular field of minima */
    OPRO_FUNCTION_ROSENBROCK_PAPER =
        50 /* 2 dimensions, (20 - x)^2 + (y - x^2)^2: where the paper's models get stuck */
};

/*
 * The function with a name ("rosenbrock"), 0 if there is none; and the name of a function, NULL
 * if unknown. Since 0.1.
 */
OPRO_API int32_t opro_function_find(const char *name, size_t len);
OPRO_API const char *opro_function_name(int32_t function);

/*
 * Its value at x (n numbers, n >= 1, Rosenbrock n >= 2); NaN for an unknown function or a wrong
 * n. Since 0.1.
 */
OPRO_API double opro_function_value(int32_t function, const double *x, size_t n);

/*
 * The problem of minimizing it over its usual box, with real coordinates, and its scorer. Since
 * 0.1.
 */
OPRO_API opro_status opro_problem_new_function(opro_problem **out, int32_t function, size_t n,
                                               const opro_allocator *mem);
OPRO_API opro_status opro_scorer_new_function(opro_scorer **out, int32_t function,
                                              const opro_allocator *mem);

OPRO_END_DECLS

#endif
