/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX  100 /* places with a name beside them */
#define LETTER     6.6 /* pixels, about */
#define LINE       12.0
#define DRAWN_MAX  20000 /* places: a browser gets slow with more */
#define POINTS_MAX 3000
#define COLUMNS    116
#define ROWS       105
#define LEVELS     12

/* ---- frames ---------------------------------------------------------------------------------- */

static void panel(FILE *out, const frame *f) {
    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"panel\"/>\n",
            f->left, f->top, f->width, f->height);
}

static void range(const double *v, size_t n, double *low, double *high) {
    *low = *high = v[0];
    for (size_t i = 1; i < n; i++) {
        *low = fmin(*low, v[i]);
        *high = fmax(*high, v[i]);
    }
}

/*
 * Ranges that hold everything, with a margin, such that a unit of y is aspect times as long as one
 * of x.
 */
static void fit(frame *f, const tour_picture *p) {
    const double below = p->geographic ? 12 : 0; /* the degrees need room there */
    double x0, x1, y0, y1, per_x, per_y, unit;

    range(p->x, p->n, &x0, &x1);
    range(p->y, p->n, &y0, &y1);
    per_x = (f->width - 110) / fmax(x1 - x0, 1e-9);
    per_y = (f->height - 70) / fmax((y1 - y0) * p->aspect, 1e-9);
    unit = fmin(per_x, per_y);
    f->x0 = (x0 + x1) / 2 - f->width / unit / 2;
    f->x1 = (x0 + x1) / 2 + f->width / unit / 2;
    f->y0 = (y0 + y1) / 2 - (f->height / 2 + below) / unit / p->aspect;
    f->y1 = (y0 + y1) / 2 + (f->height / 2 - below) / unit / p->aspect;
}

/* ---- names beside places --------------------------------------------------------------------- */

typedef struct box {
    double x0, y0, x1, y1;
} box;

/* A place on the page, and where its name stands: one of eight places around it. */
typedef struct label {
    double x, y, width;
    int side;
} label;

static const struct {
    double x, y; /* of the name's middle, in half widths and half heights */
} sides[8] = {{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}};

static box label_box(const label *l, int side) {
    int corner = sides[side].x != 0 && sides[side].y != 0;
    double gap = corner ? 3 : 7, half = l->width / 2;
    double x = l->x + sides[side].x * (half + gap), y = l->y + sides[side].y * (LINE / 2 + gap);

    return (box){x - half, y - LINE / 2, x + half, y + LINE / 2};
}

static double overlap(const box *a, const box *b) {
    double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);

    return w > 0 && h > 0 ? w * h : 0;
}

/* The part of a leg of the tour that a box covers, in pixels (Liang & Barsky 1984). */
static double covered(const box *b, const label *from, const label *to) {
    double dx = to->x - from->x, dy = to->y - from->y, begin = 0, end = 1;
    const double p[] = {-dx, dx, -dy, dy};
    const double q[] = {from->x - b->x0, b->x1 - from->x, from->y - b->y0, b->y1 - from->y};

    for (int i = 0; i < 4; i++) {
        if (p[i] == 0 && q[i] < 0) return 0;
        if (p[i] < 0) begin = fmax(begin, q[i] / p[i]);
        if (p[i] > 0) end = fmin(end, q[i] / p[i]);
    }
    return end > begin ? (end - begin) * sqrt(dx * dx + dy * dy) : 0;
}

/* What it costs to read, if name i stands there. */
static double cost(const label *labels, const tour_picture *p, const frame *f, size_t i, int side) {
    box b = label_box(&labels[i], side);
    const box inside = {f->left + 2, f->top + 2, f->left + f->width - 2, f->top + f->height - 2};
    double area = (b.x1 - b.x0) * (b.y1 - b.y0);
    double sum = side + 20 * (area - overlap(&b, &inside));

    for (size_t k = 0; k < p->n; k++) {
        const box dot = {labels[k].x - 5, labels[k].y - 5, labels[k].x + 5, labels[k].y + 5};
        box other = label_box(&labels[k], labels[k].side);

        if (k != i) sum += 8 * overlap(&b, &other) + 6 * overlap(&b, &dot);
        sum += 2.5 * covered(&b, &labels[p->tour[k]], &labels[p->tour[(k + 1) % p->n]]);
    }
    return sum;
}

static void place_labels(label *labels, const tour_picture *p, const frame *f) {
    for (int pass = 0; pass < 6; pass++) {
        for (size_t i = 0; i < p->n; i++) {
            double least = INFINITY;
            int best = 0;

            for (int side = 0; side < 8; side++) {
                double c = cost(labels, p, f, i, side);

                if (c >= least) continue;
                least = c;
                best = side;
            }
            labels[i].side = best;
        }
    }
}

static const char *name_of(const tour_picture *p, size_t i, char number[24]) {
    if (p->names) return p->names[i];
    snprintf(number, 24, "%zu", i);
    return number;
}

static double text_width(const char *s) {
    double letters = 0;

    for (; *s; s++)
        letters += ((unsigned char)*s & 0xc0) != 0x80; /* not the later bytes of a UTF-8 letter */
    return letters * LETTER;
}

static void draw_labels(FILE *out, const frame *f, const tour_picture *p) {
    label *labels = p->n <= NAMES_MAX ? calloc(p->n, sizeof *labels) : NULL;
    char number[24];

    if (!labels) return;
    for (size_t i = 0; i < p->n; i++)
        labels[i] =
            (label){frame_x(f, p->x[i]), frame_y(f, p->y[i]), text_width(name_of(p, i, number)), 0};
    place_labels(labels, p, f);
    for (size_t i = 0; i < p->n; i++) {
        box b = label_box(&labels[i], labels[i].side);
        double lean = sides[labels[i].side].x; /* names are set towards their places */
        const char *anchor = lean > 0 ? "start" : lean < 0 ? "end" : "middle";

        fprintf(out, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">",
                lean > 0   ? b.x0
                : lean < 0 ? b.x1
                           : (b.x0 + b.x1) / 2,
                b.y1 - 2, anchor);
        put_text(out, name_of(p, i, number));
        fputs("</text>\n", out);
    }
    free(labels);
}

/* ---- tours ----------------------------------------------------------------------------------- */

static void meridians(FILE *out, const frame *f) {
    double step = round_step(f->x1 - f->x0, 8);

    for (double k = ceil(f->x0 / step); k * step < f->x1; k++) {
        double x = frame_x(f, k * step);

        if (x < f->left + 16 || x > f->left + f->width - 16) continue;
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\" text-anchor=\"middle\">%g°%s</text>\n",
                x, f->top, x, f->top + f->height - 20, x, f->top + f->height - 6, fabs(k * step),
                k > 0   ? " E"
                : k < 0 ? " W"
                        : "");
    }
}

static void parallels(FILE *out, const frame *f) {
    double step = round_step(f->y1 - f->y0, 8);

    for (double k = ceil(f->y0 / step); k * step < f->y1; k++) {
        double y = frame_y(f, k * step);

        if (y < f->top + 12 || y > f->top + f->height - 30) continue;
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\">%g°%s</text>\n",
                f->left + 44, y, f->left + f->width, y, f->left + 6, y + 4, fabs(k * step),
                k > 0   ? " N"
                : k < 0 ? " S"
                        : "");
    }
}

void picture_tour(FILE *out, frame f, const void *data) {
    const tour_picture *p = data;
    double radius = p->n <= NAMES_MAX ? 4.2 : p->n <= 1000 ? 2.5 : 1.2;
    char number[24];

    panel(out, &f);
    fit(&f, p);
    if (p->geographic) {
        meridians(out, &f);
        parallels(out, &f);
    }
    fputs("<polygon class=\"tour\" points=\"", out);
    for (size_t i = 0; i < p->n; i++)
        fprintf(out, "%.1f,%.1f ", frame_x(&f, p->x[p->tour[i]]), frame_y(&f, p->y[p->tour[i]]));
    fputs("\"/>\n", out);
    for (size_t k = 0; k < p->n && p->n <= DRAWN_MAX; k++) {
        size_t i = (size_t)p->tour[k];

        fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>",
                k == 0 ? "start" : "place", frame_x(&f, p->x[i]), frame_y(&f, p->y[i]),
                k == 0 ? radius + 1.5 : radius);
        put_text(out, name_of(p, i, number));
        fputs("</title></circle>\n", out);
    }
    draw_labels(out, &f, p);
}

/* ---- planes ---------------------------------------------------------------------------------- */

/* The solutions to be drawn: two coordinates each. */
typedef struct points {
    size_t n, dimension, best;
    double *x, *y, *full; /* full: room for one solution */
} points;

static int collect(const plane_picture *p, points *all) {
    int64_t count = opro_trajectory_count(p->trajectory);
    int64_t scored = opro_trajectory_scored(p->trajectory);
    int64_t every = 1 + scored / POINTS_MAX, seen = 0;
    int64_t best = opro_trajectory_best(p->trajectory);

    *all = (points){0, opro_vector_dimension(p->problem), 0, NULL, NULL, NULL};
    all->x = calloc(POINTS_MAX + 2, sizeof *all->x);
    all->y = calloc(POINTS_MAX + 2, sizeof *all->y);
    all->full = calloc(all->dimension + 1, sizeof *all->full);
    if (!all->x || !all->y || !all->full) return 0;
    for (int64_t i = 0; i < count; i++) {
        const char *text = opro_trajectory_text(p->trajectory, i, NULL);

        if (opro_trajectory_verdict(p->trajectory, i) != OPRO_VERDICT_SCORED) continue;
        if (seen++ % every != 0 && i != best) continue;
        if (opro_vector_parse(p->problem, text, OPRO_ZT, all->full, all->dimension) != OPRO_OK)
            continue;
        if (i == best) all->best = all->n;
        all->x[all->n] = all->full[0];
        all->y[all->n++] = all->full[1];
    }
    return all->n > 0;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/*
 * A range around the best that holds most of the values: a few far away ones do not make the rest
 * small.
 */
static void zoom(const double *v, size_t n, double best, double *low, double *high) {
    double *away = calloc(n, sizeof *away);
    double reach = 1;

    if (away) {
        for (size_t i = 0; i < n; i++)
            away[i] = fabs(v[i] - best);
        qsort(away, n, sizeof *away, by_size);
        reach = fmax(away[n - 1 - n / 4] * 1.15, fabs(best) * 1e-6 + 1e-6);
    }
    free(away);
    *low = best - reach;
    *high = best + reach;
}

static const char *const shades[LEVELS] = {"#2f6fab", "#4580b6", "#5b90c0", "#719fca",
                                           "#86aed3", "#9abcdb", "#adc9e3", "#bfd5ea",
                                           "#d0e0f0", "#dfe9f5", "#ebf1f9", "#f5f8fc"};

/*
 * What the score is elsewhere, in bands of the same area; the other coordinates are those of the
 * best solution.
 */
static void background(FILE *out, const frame *f, const plane_picture *p, const double *best,
                       double *x, size_t n) {
    static double value[ROWS][COLUMNS], sorted[ROWS * COLUMNS];
    double w = f->width / COLUMNS, h = f->height / ROWS;

    memcpy(x, best, n * sizeof *x);
    for (int row = 0; row < ROWS; row++) {
        for (int column = 0; column < COLUMNS; column++) {
            x[0] = f->x0 + (f->x1 - f->x0) * (column + 0.5) / COLUMNS;
            x[1] = f->y1 - (f->y1 - f->y0) * (row + 0.5) / ROWS;
            sorted[row * COLUMNS + column] = value[row][column] = p->value(p->data, x, n);
        }
    }
    qsort(sorted, ROWS * COLUMNS, sizeof *sorted, by_size);
    fputs("<g shape-rendering=\"crispEdges\">\n", out);
    for (int row = 0; row < ROWS; row++) {
        for (int column = 0, end; column < COLUMNS; column = end) {
            int level = 0;

            while (level < LEVELS - 1 &&
                   value[row][column] > sorted[(level + 1) * ROWS * COLUMNS / LEVELS])
                level++;
            for (end = column + 1; end < COLUMNS; end++) {
                double v = value[row][end];

                if ((level > 0 && !(v > sorted[level * ROWS * COLUMNS / LEVELS])) ||
                    (level < LEVELS - 1 && v > sorted[(level + 1) * ROWS * COLUMNS / LEVELS]))
                    break;
            }
            fprintf(out,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
                    f->left + w * column, f->top + h * row, w * (end - column) + 0.4, h + 0.4,
                    shades[level]);
        }
    }
    fputs("</g>\n", out);
}

static void axes(FILE *out, const frame *f, const plane_picture *p) {
    double step_x = round_step(f->x1 - f->x0, 7), step_y = round_step(f->y1 - f->y0, 7);

    for (double k = ceil(f->x0 / step_x); k * step_x <= f->x1; k++)
        fprintf(out,
                "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\" text-anchor=\"middle\">%.6g</text>\n",
                frame_x(f, k * step_x), f->top + f->height + 16, k * step_x);
    for (double k = ceil(f->y0 / step_y); k * step_y <= f->y1; k++)
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\" text-anchor=\"end\">%.6g</text>\n",
                f->left - 6, frame_y(f, k * step_y) + 4, k * step_y);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\" text-anchor=\"middle\">",
            f->left + f->width / 2, f->top + f->height + 34);
    put_text(out, p->x_name);
    fprintf(out, "</text>\n<text x=\"%.1f\" y=\"%.1f\" class=\"tick\">", f->left, f->top - 8);
    put_text(out, p->y_name);
    fputs("</text>\n", out);
}

/* Early ones are light, late ones dark; the best has a ring. */
static void draw_points(FILE *out, const frame *f, const points *all) {
    for (size_t i = 0; i < all->n; i++) {
        double late = all->n > 1 ? (double)i / (double)(all->n - 1) : 1;

        if (all->x[i] < f->x0 || all->x[i] > f->x1 || all->y[i] < f->y0 || all->y[i] > f->y1)
            continue;
        fprintf(out,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#%02x%02x%02x\" stroke=\"#fff\" "
                "stroke-width=\".6\"/>\n",
                frame_x(f, all->x[i]), frame_y(f, all->y[i]), (int)(250 - 90 * late),
                (int)(190 - 150 * late), (int)(80 - 60 * late));
    }
    fprintf(out, "<circle class=\"ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"8\"/>\n",
            frame_x(f, all->x[all->best]), frame_y(f, all->y[all->best]));
}

void picture_plane(FILE *out, frame f, const void *data) {
    const plane_picture *p = data;
    const char *best =
        opro_trajectory_text(p->trajectory, opro_trajectory_best(p->trajectory), NULL);
    points all;
    double *x = NULL;

    f.left += 46;
    f.width -= 46;
    f.top += 16;
    f.height -= 30;
    if (!collect(p, &all) || !(x = calloc(all.dimension, sizeof *x))) goto out;
    opro_vector_parse(p->problem, best, OPRO_ZT, all.full, all.dimension);
    zoom(all.x, all.n, all.full[0], &f.x0, &f.x1);
    zoom(all.y, all.n, all.full[1], &f.y0, &f.y1);
    background(out, &f, p, all.full, x, all.dimension);
    axes(out, &f, p);
    draw_points(out, &f, &all);
out:
    free(x);
    free(all.x);
    free(all.y);
    free(all.full);
}
