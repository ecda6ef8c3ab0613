/* SPDX-License-Identifier: MIT */
#include "travel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAP_MAX 800 /* places for which a map is made from distances alone */

/* ---- search ---------------------------------------------------------------------------------- */

static int baselines(const program *p, travel *t) {
    opro_status st = opro_tour_nearest_neighbour(t->tour, 0, t->best, t->n);

    if (st == OPRO_OK) st = opro_tour_length(t->tour, t->best, t->n, &t->nearest);
    if (st == OPRO_OK) st = opro_tour_farthest_insertion(t->tour, 0, t->best, t->n);
    if (st == OPRO_OK) st = opro_tour_length(t->tour, t->best, t->n, &t->farthest);
    return program_check(p, st, opro_tour_error(t->tour), "the baselines");
}

/* The next of a row of random numbers below n: a linear congruential generator (Knuth, MMIX). */
static size_t random_below(uint64_t *state, size_t n) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((*state >> 33) % n);
}

/* Random round trips, the same for the same seed (Fisher & Yates 1938). */
static opro_status add_starts(const program *p, travel *t) {
    opro_status st = OPRO_OK;
    int64_t seed = 0;
    uint64_t state;
    char *text = malloc(t->n * 8 + 1);

    if (!text) return OPRO_ERR_NOMEM;
    opro_config_get_int(p->config, OPRO_OPT_SEED, &seed);
    state = (uint64_t)seed;
    for (int64_t start = 0; start < t->starts && st == OPRO_OK; start++) {
        size_t len = 0;

        for (size_t i = 0; i < t->n; i++)
            t->best[i] = (int32_t)i;
        for (size_t i = t->n - 1; i > 0; i--) {
            size_t k = random_below(&state, i + 1);
            int32_t other = t->best[k];

            t->best[k] = t->best[i];
            t->best[i] = other;
        }
        for (size_t i = 0; i < t->n; i++)
            len += (size_t)sprintf(text + len, i ? ",%d" : "%d", (int)t->best[i]);
        st = opro_problem_add_initial(t->problem, text, len);
    }
    free(text);
    return st;
}

int travel_run(program *p, travel *t) {
    opro_scorer *scorer = NULL;
    const char *text;
    opro_status st;
    int status = 1;

    t->n = opro_tour_size(t->tour);
    t->best = calloc(t->n, sizeof *t->best);
    if (!t->best) return program_fail(p, "out of memory");
    if (baselines(p, t)) return 1;
    if (t->blind) opro_config_set_int(p->config, OPRO_OPT_POLISH, 0);
    st = opro_problem_new_tour(&t->problem, t->tour, NULL);
    if (st == OPRO_OK) st = opro_scorer_new_tour(&scorer, t->tour, NULL);
    if (program_check(p, st, opro_tour_error(t->tour), "setting up")) goto out;
    st = add_starts(p, t);
    if (program_check(p, st, opro_problem_error(t->problem), "random starts")) goto out;
    if (program_run(p, t->problem, scorer)) goto out;
    text = program_best(p, &t->length);
    st = opro_permutation_parse(t->problem, text, OPRO_ZT, t->best, t->n);
    status = program_check(p, st, NULL, "reading the best solution");
out:
    opro_scorer_free(scorer);
    return status;
}

void travel_free(travel *t) {
    free(t->best);
    opro_problem_free(t->problem);
    opro_tour_free(t->tour);
}

/* ---- result ---------------------------------------------------------------------------------- */

double travel_longer(const travel *t, double length) {
    return t->length > 0 ? 100 * (length / t->length - 1) : 0;
}

void travel_print(const travel *t, int decimals, const char *unit) {
    printf("nearest neighbour    %10.*f%s   %+.2f %%\n", decimals, t->nearest, unit,
           travel_longer(t, t->nearest));
    printf("farthest insertion   %10.*f%s   %+.2f %%\n", decimals, t->farthest, unit,
           travel_longer(t, t->farthest));
    printf("best round trip      %10.*f%s\n", decimals, t->length, unit);
}

void travel_result(const travel *t, json_t *result) {
    json_object_set_new(result, "places", json_integer((json_int_t)t->n));
    json_object_set_new(result, "nearest_neighbour", json_real(t->nearest));
    json_object_set_new(result, "farthest_insertion", json_real(t->farthest));
    json_object_set_new(result, "blind", json_boolean(t->blind));
}

/* ---- where the places are -------------------------------------------------------------------- */

/* Degrees and minutes as "DDD.MM". */
static double degrees(double x) {
    double whole = trunc(x);

    return whole + (x - whole) / 0.6;
}

static int coordinates(const travel *t, double *x, double *y) {
    int32_t metric = opro_tour_metric(t->tour);

    for (size_t i = 0; i < t->n; i++) {
        double a, b;

        if (opro_tour_point(t->tour, i, &a, &b) != OPRO_OK) return 0;
        if (metric == OPRO_METRIC_GEO) {
            x[i] = degrees(b);
            y[i] = degrees(a);
        } else {
            x[i] = metric == OPRO_METRIC_GREAT_CIRCLE ? b : a;
            y[i] = metric == OPRO_METRIC_GREAT_CIRCLE ? a : b;
        }
    }
    return 1;
}

/*
 * The direction in which a symmetric matrix stretches most, by power iteration. Returns how much.
 */
static double stretch(const double *m, size_t n, double *v, double *w) {
    double size = 0;

    for (size_t i = 0; i < n; i++)
        v[i] = (double)(i % 7) - 3 + 1 / (1 + (double)i);
    for (int round = 0; round < 300; round++) {
        size = 0;
        for (size_t i = 0; i < n; i++) {
            w[i] = 0;
            for (size_t k = 0; k < n; k++)
                w[i] += m[i * n + k] * v[k];
            size += w[i] * w[i];
        }
        size = sqrt(size);
        for (size_t i = 0; i < n; i++)
            v[i] = size > 0 ? w[i] / size : 0;
    }
    return size;
}

/*
 * Squared distances, less the means of their rows and columns: products of positions (Torgerson
 * 1952).
 */
static void centre(double *m, double *mean, size_t n) {
    double all = 0;

    for (size_t i = 0; i < n; i++) {
        mean[i] = 0;
        for (size_t k = 0; k < n; k++)
            mean[i] += m[i * n + k] / (double)n;
        all += mean[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            m[i * n + k] = -(m[i * n + k] - mean[i] - mean[k] + all) / 2;
}

/*
 * No coordinates: a map in the plane whose distances are as near to the given ones as a plane
 * allows.
 */
static int map(const travel *t, double *x, double *y) {
    size_t n = t->n;
    double *m = n <= MAP_MAX ? malloc(n * n * sizeof *m) : NULL, *w = malloc(n * sizeof *w);
    double *axes[] = {x, y};
    int good = m && w;

    for (size_t i = 0; good && i < n * n; i++)
        m[i] = pow(opro_tour_weight(t->tour, i / n, i % n), 2);
    if (good) centre(m, w, n);
    for (int axis = 0; good && axis < 2; axis++) {
        double *v = axes[axis], size = stretch(m, n, v, w);

        for (size_t i = 0; i < n * n; i++)
            m[i] -= size * v[i / n] * v[i % n];
        for (size_t i = 0; i < n; i++)
            v[i] *= sqrt(size);
    }
    free(m);
    free(w);
    return good;
}

int travel_report(program *p, const travel *t, report *r) {
    int32_t metric = opro_tour_metric(t->tour);
    double *x = calloc(t->n, sizeof *x), *y = calloc(t->n, sizeof *y);
    tour_picture picture = {t->n, x, y, t->best, t->names, 1, 0};
    int status = 0;

    if (!p->report_file) goto out;
    status = 1;
    if (!x || !y) goto out;
    if (coordinates(t, x, y)) {
        picture.geographic = metric == OPRO_METRIC_GEO || metric == OPRO_METRIC_GREAT_CIRCLE;
        r->picture = picture_tour;
    } else if (map(t, x, y)) {
        r->picture = picture_tour;
    }
    if (picture.geographic) { /* a degree of longitude is shorter, the farther from the equator */
        double south = y[0], north = y[0];

        for (size_t i = 1; i < t->n; i++) {
            south = fmin(south, y[i]);
            north = fmax(north, y[i]);
        }
        picture.aspect = 1 / fmax(cos((south + north) / 2 * 0.017453292519943295), 0.1);
    }
    r->data = &picture;
    report_mark(r, "nearest neighbour", t->nearest);
    report_mark(r, "farthest insertion", t->farthest);
    status = report_write(r, p);
out:
    free(x);
    free(y);
    return status;
}
