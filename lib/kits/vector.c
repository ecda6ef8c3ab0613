/* SPDX-License-Identifier: MIT */
/*
 * Problems over numeric vectors: the callbacks of the kind, and a scorer that hands over numbers.
 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/hook.h"
#include "core/problem.h"
#include "opro/config.h"
#include "opro/vector.h"

#include "base/ascii.h"

#define TEXT_MAX      ((size_t)1 << 20)
#define REAL_DECIMALS 6

/* ---- the way of a solution ------------------------------------------------------------------- */

/* The numbers of a text, rounded if the problem wants it. *x: opro__free() it. */
static opro_status read_vector(const opro_problem *problem, opro__mem *mem, const char *text,
                               size_t len, double **x, opro_error *err) {
    const opro__space *space = &problem->space;
    opro_status st;

    *x = opro__calloc(mem, space->n, sizeof **x);
    if (!*x) return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
    st = opro__vector_read(space, text, len, *x, err);
    if (st == OPRO_OK) opro__vector_round(space, *x);
    return st;
}

/*
 * What a callback makes of a text that could not be read: a refusal, unless something else is
 * wrong.
 */
static int32_t refuse(opro_sink *sink, opro_status st, const opro_error *err) {
    if (st != OPRO_ERR_PARSE && st != OPRO_ERR_REJECTED) return st;
    return opro_sink_reject(sink, err->message, err->len);
}

static int32_t deliver(opro_sink *sink, opro__mem *mem, const double *x, size_t n) {
    opro__buf out;
    opro_status st;

    opro__buf_init(&out, mem, TEXT_MAX);
    opro__vector_write(x, n, &out);
    st = out.status;
    if (st == OPRO_OK) st = opro_sink_text(sink, opro__buf_text(&out), out.len);
    opro__buf_free(&out);
    return st;
}

static int32_t canonical(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                         void *user_data) {
    opro__mem mem = problem->mem; /* a problem may be shared by threads: count in a copy */
    opro_error err;
    double *x;
    opro_status st;

    (void)user_data;
    opro__err_clear(&err);
    st = read_vector(problem, &mem, text, len, &x, &err);
    st = st == OPRO_OK ? deliver(sink, &mem, x, problem->space.n) : refuse(sink, st, &err);
    opro__free(&mem, x);
    return st;
}

static opro_status outside(const opro__space *space, const double *x, size_t at, opro_error *err) {
    char name[32];

    return opro__fail(err, OPRO_ERR_REJECTED, "%s is %s; it must be from %s to %s",
                      opro__space_name(space, at, name), opro__quote_real(x[at]).text,
                      opro__quote_real(space->lower[at]).text,
                      opro__quote_real(space->upper[at]).text);
}

static int32_t check(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    opro__mem mem = problem->mem;
    opro_error err;
    double *x;
    size_t at;
    opro_status st;

    (void)user_data;
    opro__err_clear(&err);
    st = read_vector(problem, &mem, text, len, &x, &err);
    if (st == OPRO_OK && !opro__vector_inside(&problem->space, x, &at))
        st = outside(&problem->space, x, at, &err);
    st = st == OPRO_OK ? opro_sink_count(sink, 0) : refuse(sink, st, &err);
    opro__free(&mem, x);
    return st;
}

/* Every coordinate to its nearest bound. */
static int32_t repair(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    const opro__space *space = &problem->space;
    opro__mem mem = problem->mem;
    opro_error err;
    double *x;
    opro_status st;

    (void)user_data;
    opro__err_clear(&err);
    st = read_vector(problem, &mem, text, len, &x, &err);
    for (size_t i = 0; st == OPRO_OK && i < space->n; i++) {
        if (x[i] < space->lower[i]) x[i] = space->lower[i];
        if (x[i] > space->upper[i]) x[i] = space->upper[i];
    }
    st = st == OPRO_OK ? deliver(sink, &mem, x, space->n) : refuse(sink, st, &err);
    opro__free(&mem, x);
    return st;
}

/* ---- the problem ----------------------------------------------------------------------------- */

/* Copies of the bounds; those of integers are integers, so that rounding cannot leave them. */
static opro_status copy_bounds(opro__space *space, opro__mem *mem, const double *lower,
                               const double *upper) {
    space->lower = opro__calloc(mem, space->n, sizeof *space->lower);
    space->upper = opro__calloc(mem, space->n, sizeof *space->upper);
    if (!space->lower || !space->upper) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < space->n; i++) {
        if (!isfinite(lower[i]) || !isfinite(upper[i])) return OPRO_ERR_INVALID;
        space->lower[i] = space->integer ? ceil(lower[i]) : lower[i];
        space->upper[i] = space->integer ? floor(upper[i]) : upper[i];
        if (space->lower[i] > space->upper[i]) return OPRO_ERR_INVALID;
    }
    return OPRO_OK;
}

static opro_status set_kind(opro_problem *problem, size_t n, const double *lower,
                            const double *upper, int32_t integer) {
    opro__space *space = &problem->space;
    opro_status st;

    space->kind = OPRO__SPACE_VECTOR;
    space->n = n;
    space->integer = integer != 0;
    st = copy_bounds(space, &problem->mem, lower, upper);
    if (st != OPRO_OK) return st;
    problem->prompt = OPRO_META_PROMPT_POINTS;
    opro_problem_set_direction(problem, OPRO_MINIMIZE);
    opro_problem_set_score_range(problem, NAN, NAN);
    opro_problem_set_score_display(problem, OPRO_DISPLAY_DECIMALS, integer ? 0 : REAL_DECIMALS);
    opro_problem_set_canonical_fn(problem, canonical, NULL, NULL);
    opro_problem_set_check_fn(problem, check, NULL, NULL);
    opro_problem_set_repair_fn(problem, repair, NULL, NULL);
    return opro_problem_set_score_name(problem, "value", OPRO_ZT);
}

static int same_bounds(const opro__space *space) {
    for (size_t i = 1; i < space->n; i++)
        if (space->lower[i] != space->lower[0] || space->upper[i] != space->upper[0]) return 0;
    return 1;
}

static void add_range(const opro__space *space, size_t i, opro__buf *text) {
    opro__buf_add_real(text, space->lower[i]);
    opro__buf_addz(text, " to ");
    opro__buf_add_real(text, space->upper[i]);
}

/*
 * What a proposer must know so that its points are legal: as the description, which the host may
 * replace.
 */
static opro_status describe(opro_problem *problem) {
    const opro__space *space = &problem->space;
    const char *kind = space->integer ? "whole number" : "number";
    opro__buf text;
    opro_status st;

    opro__buf_init(&text, &problem->mem, TEXT_MAX);
    opro__buf_addz(&text, "Find the best point. Each coordinate is a ");
    opro__buf_addz(&text, kind);
    if (same_bounds(space)) {
        opro__buf_addz(&text, " from ");
        add_range(space, 0, &text);
    } else {
        opro__buf_addz(&text, "; the ranges, in their order: ");
        for (size_t i = 0; i < space->n; i++) {
            if (i) opro__buf_addz(&text, ", ");
            add_range(space, i, &text);
        }
    }
    opro__buf_addc(&text, '.');
    st = text.status;
    if (st == OPRO_OK) st = opro_problem_set_description(problem, opro__buf_text(&text), text.len);
    opro__buf_free(&text);
    return st;
}

opro_status opro_problem_new_vector(opro_problem **out, size_t n, const double *lower,
                                    const double *upper, int32_t integer,
                                    const opro_allocator *mem) {
    opro_problem *problem;
    opro_status st;

    if (!out || !lower || !upper || n < 1 || n > OPRO__VECTOR_MAX) return OPRO_ERR_INVALID;
    st = opro_problem_new(&problem, mem);
    if (st != OPRO_OK) return st;
    st = set_kind(problem, n, lower, upper, integer);
    if (st == OPRO_OK) st = describe(problem);
    if (st == OPRO_OK)
        *out = problem;
    else
        opro_problem_free(problem);
    return st;
}

size_t opro_vector_dimension(const opro_problem *problem) {
    return problem && problem->space.kind == OPRO__SPACE_VECTOR ? problem->space.n : 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

static int is_name(const char *s) {
    size_t len = 0;

    if (!s) return 0;
    for (; s[len]; len++) {
        char c = s[len];
        int good = opro__is_letter(c) || opro__is_digit(c) || c == '_';

        if (!good || len == OPRO__NAME_MAX) return 0;
    }
    return len > 0;
}

/* Replies are read without regard to case. */
static int same_name(const char *a, const char *b) {
    while (*a && opro__lower(*a) == opro__lower(*b)) {
        a++;
        b++;
    }
    return opro__lower(*a) == opro__lower(*b);
}

static opro_status check_names(const char *const *names, size_t n, opro_error *err) {
    for (size_t i = 0; i < n; i++) {
        if (!is_name(names[i]))
            return opro__fail(
                err, OPRO_ERR_INVALID,
                "name %zu is %s; a name has 1 to %d ASCII letters, digits or \"_\"", i + 1,
                names[i] ? opro__quote(names[i], strlen(names[i])).text : "NULL", OPRO__NAME_MAX);
        for (size_t k = 0; k < i; k++)
            if (same_name(names[i], names[k]))
                return opro__fail(err, OPRO_ERR_INVALID,
                                  "names %zu and %zu, \"%s\" and \"%s\", differ at most in case",
                                  k + 1, i + 1, names[k], names[i]);
    }
    return OPRO_OK;
}

static void free_names(opro__mem *mem, char **names, size_t n) {
    for (size_t i = 0; names && i < n; i++)
        opro__free(mem, names[i]);
    opro__free(mem, names);
}

/* NULL without memory. */
static char **copy_names(opro__mem *mem, const char *const *names, size_t n) {
    char **copy = opro__calloc(mem, n, sizeof *copy);

    if (!copy) return NULL;
    for (size_t i = 0; i < n; i++) {
        copy[i] = opro__memdup(mem, names[i], strlen(names[i]));
        if (copy[i]) continue;
        free_names(mem, copy, n);
        return NULL;
    }
    return copy;
}

opro_status opro_vector_set_names(opro_problem *problem, const char *const *names, size_t n) {
    char **copy;
    opro_status st;

    if (!problem || !names) return OPRO_ERR_INVALID;
    if (atomic_load(&problem->frozen)) return OPRO_ERR_STATE;
    opro__err_clear(&problem->err);
    if (n == 0 || n != opro_vector_dimension(problem))
        return opro__fail(&problem->err, OPRO_ERR_INVALID,
                          "%zu names for a problem with %zu coordinates", n,
                          opro_vector_dimension(problem));
    st = check_names(names, n, &problem->err);
    if (st != OPRO_OK) return st;
    copy = copy_names(&problem->mem, names, n);
    if (!copy) return opro__fail(&problem->err, OPRO_ERR_NOMEM, "out of memory");
    free_names(&problem->mem, problem->space.names, n);
    problem->space.names = copy;
    return OPRO_OK;
}

/* ---- texts and numbers ----------------------------------------------------------------------- */

opro_status opro_vector_parse(const opro_problem *problem, const char *text, size_t len, double *x,
                              size_t n) {
    opro__mem mem;
    opro_error err;
    double *read;
    opro_status st;

    if (!problem || !x || n == 0 || n != opro_vector_dimension(problem) || !opro__arg(&text, &len))
        return OPRO_ERR_INVALID;
    mem = problem->mem;
    opro__err_clear(&err);
    st = read_vector(problem, &mem, text, len, &read, &err);
    if (st == OPRO_OK) memcpy(x, read, n * sizeof *x);
    opro__free(&mem, read);
    return st;
}

opro_status opro_vector_format(const opro_problem *problem, const double *x, size_t n, char *buffer,
                               size_t size, size_t *needed) {
    opro__mem mem;
    opro__buf out;
    double *rounded;
    opro_status st = OPRO_OK;

    if (!problem || !x || n == 0 || n != opro_vector_dimension(problem) || (!buffer && size))
        return OPRO_ERR_INVALID;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return OPRO_ERR_INVALID;
    mem = problem->mem;
    opro__buf_init(&out, &mem, TEXT_MAX);
    rounded = opro__calloc(&mem, n, sizeof *rounded);
    if (!rounded) {
        st = OPRO_ERR_NOMEM;
        goto out;
    }
    memcpy(rounded, x, n * sizeof *x);
    opro__vector_round(&problem->space, rounded);
    opro__vector_write(rounded, n, &out);
    st = out.status;
    if (st != OPRO_OK) goto out;
    if (needed) *needed = out.len;
    if (out.len < size)
        memcpy(buffer, opro__buf_text(&out), out.len + 1);
    else
        st = OPRO_ERR_LIMIT;
out:
    opro__free(&mem, rounded);
    opro__buf_free(&out);
    return st;
}

/* ---- the scorer ------------------------------------------------------------------------------ */

typedef struct vector_scorer {
    opro__mem mem;
    opro__hook hook;
} vector_scorer;

static int32_t score(opro_run *run, opro_request *request, void *user_data) {
    static const char unreadable[] = "not a vector of this problem: the scorer is for vectors";
    vector_scorer *self = user_data;
    const opro_problem *problem = opro_run_problem(run);
    size_t n = opro_vector_dimension(problem), len;
    const char *text = opro_request_text(request, &len);
    double *x;
    int32_t st = OPRO_ERR_PARSE;

    x = opro__calloc(&self->mem, n ? n : 1, sizeof *x);
    if (!x) return OPRO_ERR_NOMEM;
    if (n) st = opro_vector_parse(problem, text, len, x, n);
    if (st == OPRO_OK)
        st = ((opro_vector_fn)self->hook.fn)(run, request, x, n, self->hook.user_data);
    else if (st == OPRO_ERR_PARSE)
        st = opro_run_answer_error(run, opro_request_id(request), OPRO_ERR_PARSE, unreadable,
                                   OPRO_ZT);
    opro__free(&self->mem, x);
    return st;
}

static void destroy_scorer(void *user_data) {
    vector_scorer *self = user_data;
    opro__mem mem = self->mem;

    opro__hook_clear(&self->hook);
    opro__free(&mem, self);
}

opro_status opro_scorer_new_vector(opro_scorer **out, opro_vector_fn fn, void *user_data,
                                   opro_destroy_fn destroy, const opro_allocator *mem) {
    opro__mem own;
    vector_scorer *self;
    opro_status st;

    if (!out || !fn) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    self = opro__calloc(&own, 1, sizeof *self);
    if (!self) return OPRO_ERR_NOMEM;
    self->mem = own;
    st = opro_scorer_new(out, score, self, destroy_scorer, mem);
    if (st == OPRO_OK) /* only now: a failed call destroys nothing of the caller's */
        opro__hook_set(&self->hook, (opro__fn)fn, user_data, destroy);
    else
        opro__free(&own, self);
    return st;
}
