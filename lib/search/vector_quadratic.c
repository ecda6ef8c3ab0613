/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "vector.h"

#define D         OPRO__QUADRATIC_DIMENSIONS
#define RIDGE     1e-8
#define REFINE    4     /* rounds that take the ridge's bias out again          */
#define EXACT     1e-9  /* residuals of an exact fit, as a share of all values  */
#define NODES_MAX 20000 /* of a search for integers                             */

int opro__quadratic_init(opro__quadratic *model, size_t d, opro__mem *mem) {
    size_t terms = OPRO__QUADRATIC_TERMS(d), points = OPRO__QUADRATIC_POINTS(d);

    *model = (opro__quadratic){.d = d};
    if (d > D) return 1; /* never usable */
    model->chosen = opro__calloc(mem, points, sizeof *model->chosen);
    model->work = opro__calloc(mem, points * (terms + 2) + terms * (terms + 2), sizeof(double));
    return model->chosen && model->work;
}

void opro__quadratic_free(opro__quadratic *model, opro__mem *mem) {
    opro__free(mem, model->work);
    opro__free(mem, model->chosen);
}

/* ---- linear algebra on small matrices -------------------------------------------------------- */

/*
 * The lower factor of a symmetric matrix (rows of stride numbers), in place: 0 unless it is
 * positive definite.
 */
static int factorize(double *a, size_t n, size_t stride, double least) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * stride + j];

            for (size_t k = 0; k < j; k++)
                sum -= a[i * stride + k] * a[j * stride + k];
            if (i > j)
                a[i * stride + j] = sum / a[j * stride + j];
            else if (sum > least)
                a[i * stride + i] = sqrt(sum);
            else
                return 0;
        }
    }
    return 1;
}

static void solve(const double *factor, size_t n, size_t stride, double *b) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= factor[i * stride + k] * b[k];
        b[i] /= factor[i * stride + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= factor[k * stride + i] * b[k];
        b[i] /= factor[i * stride + i];
    }
}

/* ---- fitting --------------------------------------------------------------------------------- */

/* What a fit works with, all in the model's block. */
typedef struct fit {
    size_t points, terms;
    double *design; /* points * terms      */
    double *target; /* values, then what is left of them */
    double *gram;   /* terms * terms       */
    double *coefficients;
    double *step;
} fit;

static fit lay_out(const opro__quadratic *model, size_t points) {
    fit f = {.points = points, .terms = OPRO__QUADRATIC_TERMS(model->d)};

    f.design = model->work;
    f.target = f.design + points * f.terms;
    f.gram = f.target + points;
    f.coefficients = f.gram + f.terms * f.terms;
    f.step = f.coefficients + f.terms;
    return f;
}

static double distance(const opro__pool *pool, size_t k, const double *spread) {
    double sum = 0;

    for (size_t i = 0; i < pool->d; i++) {
        double step = spread[i] > 0 ? (pool->x[k][i] - pool->x[0][i]) / spread[i] : 0;

        sum += step * step;
    }
    return sum;
}

/* The ranks of the vectors nearest to the best one, nearest first; that one is among them. */
static void choose_points(opro__quadratic *model, const opro__pool *pool, size_t points,
                          const opro__space *space) {
    double spread[D], kept[OPRO__QUADRATIC_POINTS(D)];
    size_t n = 0;

    assert(points > 0);
    opro__pool_spread(pool, space, spread);
    for (size_t k = 0; k < pool->n; k++) {
        double away = distance(pool, k, spread);
        size_t at = n;

        if (n == points && !(away < kept[n - 1])) continue;
        if (n < points)
            n++;
        else
            at--;
        for (; at > 0 && kept[at - 1] > away; at--) {
            kept[at] = kept[at - 1];
            model->chosen[at] = model->chosen[at - 1];
        }
        kept[at] = away;
        model->chosen[at] = k;
    }
}

static void choose_scale(opro__quadratic *model, const opro__pool *pool, size_t points,
                         const opro__space *space) {
    for (size_t i = 0; i < model->d; i++) {
        double sum = 0;

        model->centre[i] = pool->x[0][i];
        for (size_t k = 0; k < points; k++) {
            double away = pool->x[model->chosen[k]][i] - model->centre[i];

            sum += away * away;
        }
        model->scale[i] = sqrt(sum / (double)points);
        if (!(model->scale[i] > 0)) model->scale[i] = 1e-3 * (space->upper[i] - space->lower[i]);
        if (!(model->scale[i] > 0)) model->scale[i] = 1;
    }
}

static void fill_design(const opro__quadratic *model, const opro__pool *pool, fit *f) {
    for (size_t k = 0; k < f->points; k++) {
        double u[D], *row = f->design + k * f->terms;
        const double *x = pool->x[model->chosen[k]];

        *row++ = 1;
        for (size_t i = 0; i < model->d; i++)
            *row++ = u[i] = (x[i] - model->centre[i]) / model->scale[i];
        for (size_t i = 0; i < model->d; i++)
            for (size_t j = 0; j <= i; j++)
                *row++ = i == j ? u[i] * u[i] / 2 : u[i] * u[j];
        f->target[k] = pool->badness[model->chosen[k]] - pool->badness[0];
    }
}

/* The factor of the regularized normal equations. */
static int fill_gram(fit *f) {
    double ridge = RIDGE * (double)f->points;

    memset(f->gram, 0, f->terms * f->terms * sizeof *f->gram);
    for (size_t k = 0; k < f->points; k++) {
        const double *row = f->design + k * f->terms;

        for (size_t i = 0; i < f->terms; i++)
            for (size_t j = 0; j <= i; j++)
                f->gram[i * f->terms + j] += row[i] * row[j];
    }
    for (size_t i = 0; i < f->terms; i++)
        f->gram[i * f->terms + i] += ridge;
    return factorize(f->gram, f->terms, f->terms, 0);
}

/* Solve, and solve again for what is left. */
static void find_coefficients(fit *f) {
    memset(f->coefficients, 0, f->terms * sizeof *f->coefficients);
    for (int round = 0; round < REFINE; round++) {
        memset(f->step, 0, f->terms * sizeof *f->step);
        for (size_t k = 0; k < f->points; k++)
            for (size_t i = 0; i < f->terms; i++)
                f->step[i] += f->design[k * f->terms + i] * f->target[k];
        solve(f->gram, f->terms, f->terms, f->step);
        for (size_t i = 0; i < f->terms; i++)
            f->coefficients[i] += f->step[i];
        for (size_t k = 0; k < f->points; k++)
            for (size_t i = 0; i < f->terms; i++)
                f->target[k] -= f->design[k * f->terms + i] * f->step[i];
    }
}

static int explains_all(const fit *f, double largest) {
    for (size_t k = 0; k < f->points; k++)
        if (!(fabs(f->target[k]) <= EXACT * largest)) return 0;
    /* Directions that no vector shows leave a pivot as small as the ridge. */
    for (size_t i = 0; i < f->terms; i++)
        if (f->gram[i * f->terms + i] < 1e-3) return 0;
    return 1;
}

void opro__quadratic_fit(opro__quadratic *model, const opro__pool *pool, const opro__space *space) {
    const double *c;
    double largest = 0;
    size_t points;
    fit f;

    model->usable = model->exact = model->listed = 0;
    model->next = 0;
    if (model->d > D || pool->n < OPRO__QUADRATIC_TERMS(model->d) + 1) return;
    points =
        pool->n < OPRO__QUADRATIC_POINTS(model->d) ? pool->n : OPRO__QUADRATIC_POINTS(model->d);
    f = lay_out(model, points);
    choose_points(model, pool, points, space);
    choose_scale(model, pool, points, space);
    fill_design(model, pool, &f);
    if (!fill_gram(&f)) return;
    for (size_t k = 0; k < points; k++)
        if (f.target[k] > largest) largest = f.target[k];
    find_coefficients(&f);
    c = f.coefficients + 1;
    for (size_t i = 0; i < model->d; i++)
        model->gradient[i] = *c++;
    for (size_t i = 0; i < model->d; i++)
        for (size_t j = 0; j <= i; j++)
            model->hessian[i][j] = model->hessian[j][i] = *c++;
    model->usable = 1;
    for (size_t i = 0; i < f.terms; i++)
        model->usable &= isfinite(f.coefficients[i]) != 0;
    model->exact = model->usable && explains_all(&f, largest);
}

/* ---- minimizing ------------------------------------------------------------------------------ */

static double norm(const opro__quadratic *model, const double *u) {
    double most = 0;

    for (size_t i = 0; i < model->d; i++)
        if (!(fabs(u[i]) <= most)) most = fabs(u[i]);
    return most;
}

/* The minimum of the model plus mu/2 |u|^2; 0 unless that is convex. */
static int damped_minimum(const opro__quadratic *model, double mu, double least, double *u) {
    double a[D * D];

    for (size_t i = 0; i < model->d; i++) {
        for (size_t j = 0; j < model->d; j++)
            a[i * D + j] = model->hessian[i][j];
        a[i * D + i] += mu;
        u[i] = -model->gradient[i];
    }
    if (!factorize(a, model->d, D, least)) return 0;
    solve(a, model->d, D, u);
    return isfinite(norm(model, u)) != 0;
}

/*
 * A minimum of the model at most that far away (in scales) from the best vector: damped as little
 * as does (Levenberg).
 */
static double minimum_within(const opro__quadratic *model, double radius, double *u) {
    double size = DBL_MIN, low = 0, high, v[D];

    for (size_t i = 0; i < model->d; i++)
        for (size_t j = 0; j < model->d; j++)
            if (fabs(model->hessian[i][j]) > size) size = fabs(model->hessian[i][j]);
    if (norm(model, model->gradient) > size) size = norm(model, model->gradient);
    memset(u, 0, model->d * sizeof *u);
    if (damped_minimum(model, 0, 1e-12 * size, v) && norm(model, v) <= radius) {
        memcpy(u, v, model->d * sizeof *u);
        return 0;
    }
    high = 1e-9 * size;
    for (int i = 0; i < 80; i++, high *= 2)
        if (damped_minimum(model, high, 1e-12 * size, v) && norm(model, v) <= radius) break;
    memcpy(u, v, model->d * sizeof *u);
    for (int i = 0; i < 30; i++) {
        double middle = (low + high) / 2;

        if (damped_minimum(model, middle, 1e-12 * size, v) && norm(model, v) <= radius) {
            high = middle;
            memcpy(u, v, model->d * sizeof *u);
        } else {
            low = middle;
        }
    }
    return high;
}

/* A vector beyond the bounds: put in, then go down along the coordinates as far as they let. */
static void keep_inside(const opro__quadratic *model, const opro__space *space, double *x) {
    double u[D];
    size_t at;

    if (opro__vector_inside(space, x, &at)) return;
    for (size_t i = 0; i < model->d; i++) {
        if (!(x[i] >= space->lower[i])) x[i] = space->lower[i];
        if (x[i] > space->upper[i]) x[i] = space->upper[i];
        u[i] = (x[i] - model->centre[i]) / model->scale[i];
    }
    for (int sweep = 0; sweep < 10; sweep++) {
        for (size_t i = 0; i < model->d; i++) {
            double slope = model->gradient[i], x_i;

            if (!(model->hessian[i][i] > 0)) continue;
            for (size_t j = 0; j < model->d; j++)
                slope += model->hessian[i][j] * u[j];
            x_i = model->centre[i] + model->scale[i] * (u[i] - slope / model->hessian[i][i]);
            if (!(x_i >= space->lower[i])) x_i = space->lower[i];
            if (x_i > space->upper[i]) x_i = space->upper[i];
            x[i] = x_i;
            u[i] = (x_i - model->centre[i]) / model->scale[i];
        }
    }
}

/* ---- integers -------------------------------------------------------------------------------- */

/* A search for the integer vectors with the least value, in the order of Schnorr & Euchner 1994. */
typedef struct lattice {
    opro__quadratic *model;
    const opro__space *space;
    double factor[D * D]; /* of the curvature, per unit of x  */
    double centre[D];     /* the minimum over the reals       */
    double value[OPRO__QUADRATIC_BEST];
    double x[D];
} lattice;

static void keep_integers(lattice *l, double value) {
    opro__quadratic *model = l->model;
    size_t at = model->n_best;

    if (at == OPRO__QUADRATIC_BEST && value >= l->value[at - 1]) return;
    if (at == OPRO__QUADRATIC_BEST)
        at--;
    else
        model->n_best++;
    for (; at > 0 && l->value[at - 1] > value; at--) {
        l->value[at] = l->value[at - 1];
        memcpy(model->best[at], model->best[at - 1], sizeof model->best[at]);
    }
    l->value[at] = value;
    memcpy(model->best[at], l->x, sizeof l->x);
}

/* Where coordinate i is best, given those above it. */
static double conditional(const lattice *l, size_t i) {
    double c = l->centre[i];

    for (size_t k = i + 1; k < l->model->d; k++)
        c -= l->factor[k * D + i] / l->factor[i * D + i] * (l->x[k] - l->centre[k]);
    return c;
}

/* The next integer after x, going outwards from c in turns. */
static double outwards(double x, double c, double first) {
    double side = first <= c ? 1 : -1, away = x - first;

    return first + (away * side > 0 ? -away : -away + side);
}

/*
 * Depth first over the coordinates from the last to the first; the sum of squares so far bounds
 * what may still come.
 */
static void search(lattice *l) {
    size_t d = l->model->d, i = d - 1;
    double sum[D + 1] = {0}, first[D], middle[D];
    int nodes = 0;

    middle[i] = conditional(l, i);
    first[i] = l->x[i] = floor(middle[i] + 0.5);
    while (nodes++ < NODES_MAX) {
        double off = l->factor[i * D + i] * (l->x[i] - middle[i]), total = sum[i + 1] + off * off;
        int full = l->model->n_best == OPRO__QUADRATIC_BEST;

        if (full && total >= l->value[OPRO__QUADRATIC_BEST - 1]) {
            if (++i == d) return;
            l->x[i] = outwards(l->x[i], middle[i], first[i]);
        } else if (i > 0) {
            sum[i--] = total;
            middle[i] = conditional(l, i);
            first[i] = l->x[i] = floor(middle[i] + 0.5);
        } else {
            size_t at;

            if (opro__vector_inside(l->space, l->x, &at)) keep_integers(l, total);
            l->x[i] = outwards(l->x[i], middle[i], first[i]);
        }
    }
}

/* The best integer vectors by the model. */
static void list_integers(opro__quadratic *model, const opro__space *space) {
    lattice l = {.model = model, .space = space};
    double u[D], mu = minimum_within(model, model->exact ? INFINITY : 1.5, u);

    model->listed = 1;
    model->n_best = 0;
    for (size_t i = 0; i < model->d; i++) {
        l.centre[i] = model->centre[i] + model->scale[i] * u[i];
        for (size_t j = 0; j < model->d; j++)
            l.factor[i * D + j] =
                (model->hessian[i][j] + (i == j ? mu : 0)) / (model->scale[i] * model->scale[j]);
    }
    keep_inside(model, space, l.centre);
    if (factorize(l.factor, model->d, D, 0)) search(&l);
}

/* ---- proposing ------------------------------------------------------------------------------- */

void opro__quadratic_propose(opro__quadratic *model, const opro__space *space, opro__rng *rng,
                             double *x) {
    static const double radii[] = {1.5, 0.5, 4, 0.15, 1, 0.05};
    const size_t n_radii = sizeof radii / sizeof *radii;
    size_t turn = model->next++;
    double u[D], radius, noise = 0;

    if (space->integer && !model->listed) list_integers(model, space);
    if (space->integer && turn < model->n_best) {
        memcpy(x, model->best[turn], model->d * sizeof *x);
        return;
    }
    if (model->exact && turn == 0) {
        radius = INFINITY;
    } else if (turn < n_radii) {
        radius = radii[turn];
    } else {
        radius = 2 * opro__rng_real(rng);
        noise = 0.3 * radius;
    }
    minimum_within(model, radius, u);
    for (size_t i = 0; i < model->d; i++)
        x[i] = model->centre[i] + model->scale[i] * (u[i] + noise * opro__rng_normal(rng));
    keep_inside(model, space, x);
}
