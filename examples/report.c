/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* ftruncate(), fileno() */

#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POINTS_MAX 600 /* of a curve; of more steps, several become one */

/* ---- facts ----------------------------------------------------------------------------------- */

void report_fact(report *r, const char *name, const char *format, ...) {
    fact *f = &r->facts[r->n_facts];
    va_list args;

    if (r->n_facts == sizeof r->facts / sizeof *r->facts) return;
    r->n_facts++;
    f->name = name;
    va_start(args, format);
    vsnprintf(f->value, sizeof f->value, format, args);
    va_end(args);
}

void report_mark(report *r, const char *name, double value) {
    if (r->n_marks < sizeof r->marks / sizeof *r->marks)
        r->marks[r->n_marks++] = (mark){name, value};
}

void report_run(report *r, const program *p) {
    const opro_run *run = opro_driver_run_handle(p->driver);

    report_fact(r, "found by scorer call", "%lld of %lld",
                (long long)program_evaluations_to_best(p),
                (long long)opro_run_count(run, OPRO_COUNT_SCORER_CALLS));
    report_fact(r, "steps", "%lld",
                (long long)opro_trajectory_steps(opro_driver_trajectory(p->driver)));
    report_fact(r, "stopped by", "%s", opro_stop_reason_name(opro_run_stop_reason(run)));
    if (p->by.at.kind != PROPOSER_LOCAL)
        report_fact(r, "tokens read, written", "%lld, %lld",
                    (long long)opro_run_count(run, OPRO_COUNT_PROMPT_TOKENS),
                    (long long)opro_run_count(run, OPRO_COUNT_REPLY_TOKENS));
}

/* ---- the curve ------------------------------------------------------------------------------- */

typedef struct curve {
    const opro_trajectory *t;
    int64_t first, steps; /* first: -1 if there are initial solutions */
    double low, high;
} curve;

static void widen(curve *c, double value) {
    if (!isfinite(value)) return;
    if (!(value >= c->low)) c->low = value;
    if (!(value <= c->high)) c->high = value;
}

static curve measure(const report *r, const opro_trajectory *t) {
    curve c = {t, -1, opro_trajectory_steps(t), NAN, NAN};

    if (isnan(opro_trajectory_figure(t, -1, OPRO_FIGURE_BEST))) c.first = 0;
    for (int64_t i = c.first; i < c.steps; i++) {
        widen(&c, opro_trajectory_figure(t, i, OPRO_FIGURE_BEST_SO_FAR));
        widen(&c, opro_trajectory_figure(t, i, OPRO_FIGURE_MEAN));
    }
    for (size_t i = 0; i < r->n_marks; i++)
        widen(&c, r->marks[i].value);
    return c;
}

/*
 * The axes. Scores that span orders of magnitude are drawn by their logarithms, those near 0 at a
 * low edge.
 */
static frame scale(const curve *c, frame f) {
    double margin = (c->high - c->low) * 0.06;

    f.x0 = (double)c->first + 1;
    f.x1 = c->steps > c->first + 1 ? (double)c->steps : f.x0 + 0.5;
    f.log_y = c->low >= 0 && c->high > 0 && c->low < c->high / 30;
    if (f.log_y) {
        f.y1 = c->high * 1.5;
        f.y0 = fmax(c->low / 1.5, c->high * 1e-12);
    } else {
        if (!(margin > 0)) margin = fabs(c->low) * 0.01 + 1e-9;
        f.y0 = c->low - margin;
        f.y1 = c->high + margin;
    }
    return f;
}

static double at(const frame *f, double score) {
    double low = fmin(f->y0, f->y1), high = fmax(f->y0, f->y1);

    return frame_y(f, score < low ? low : score > high ? high : score);
}

static void grid_line(FILE *out, const frame *f, double value) {
    double y = at(f, value);

    fprintf(out,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\" text-anchor=\"end\">%.6g</text>\n",
            f->left, y, f->left + f->width, y, f->left - 8, y + 4, value);
}

static void score_axis(FILE *out, const frame *f) {
    double decades = f->log_y ? log10(f->y1 / f->y0) : 0;
    double step = f->log_y ? ceil(decades / 8) : round_step(f->y1 - f->y0, 6);

    if (f->log_y)
        for (double e = ceil(log10(f->y0)); e <= log10(f->y1); e += step)
            grid_line(out, f, pow(10, e));
    else
        for (double k = ceil(f->y0 / step); k * step <= f->y1; k++)
            grid_line(out, f, k * step);
}

static void step_axis(FILE *out, const frame *f) {
    double step = fmax(1, round_step(f->x1 - f->x0, 6));

    for (double k = ceil(f->x0 / step); k * step <= f->x1; k++)
        fprintf(out,
                "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\" text-anchor=\"middle\">%.0f</text>\n",
                frame_x(f, k * step), f->top + f->height + 18, k * step);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\" text-anchor=\"middle\">step</text>\n",
            f->left + f->width / 2, f->top + f->height + 36);
}

void put_curve(FILE *out, const frame *f, const opro_trajectory *t, int64_t first, int32_t figure,
               const char *class) {
    int64_t steps = opro_trajectory_steps(t), share = 1 + (steps - first) / POINTS_MAX;
    double x = 0, y = 0;
    int drawn = 0;

    fprintf(out, "<polyline class=\"%s\" points=\"", class);
    for (int64_t i = first; i < steps; i += share) {
        double sum = 0, count = 0;

        for (int64_t k = i; k < i + share && k < steps; k++) {
            double value = opro_trajectory_figure(t, k, figure);

            if (!isfinite(value)) continue;
            sum += value;
            count++;
        }
        if (count == 0) continue;
        x = frame_x(f, (double)i + 1);
        y = at(f, sum / count);
        fprintf(out, "%.1f,%.1f ", x, y);
        drawn++;
    }
    if (drawn == 1) fprintf(out, "%.1f,%.1f", x + 8, y); /* a point alone would not be seen */
    fputs("\"/>\n", out);
}

/*
 * The names are at the left edge, where curves that fall are high, and pushed apart where they
 * would overlap.
 */
static void draw_marks(FILE *out, const frame *f, const report *r) {
    double last = -INFINITY;

    for (size_t left = r->n_marks; left > 0; left--) {
        const mark *next = NULL;
        double y, text;

        for (size_t i = 0; i < r->n_marks; i++) { /* from above: the largest not yet drawn */
            const mark *m = &r->marks[i];

            if (at(f, m->value) > last && (!next || at(f, m->value) < at(f, next->value))) next = m;
        }
        if (!next) break; /* two at the same height: one is enough */
        y = at(f, next->value);
        text = last > -INFINITY && y - last < 15 ? y + 12 : y - 5;
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"mark\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\">",
                f->left, y, f->left + f->width, y, f->left + 6, text);
        put_text(out, next->name);
        fputs("</text>\n", out);
        last = y;
    }
}

static void legend(FILE *out, double x, double y, const char *class, const char *text) {
    fprintf(out,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\">%s</text>\n",
            x, y - 4, x + 22, y - 4, class, x + 28, y, text);
}

static void draw_curve(FILE *out, frame f, const report *r, const opro_trajectory *t) {
    curve c = measure(r, t);

    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"head\">", f.left - 52, f.top - 36);
    put_text(out, r->score_name);
    fputs(" per step</text>\n", out);
    legend(out, f.left - 52, f.top - 14, "best", "best so far");
    legend(out, f.left + 60, f.top - 14, "bests", "best of the step");
    legend(out, f.left + 202, f.top - 14, "mean", "mean of the step");
    if (isnan(c.low)) return;
    f = scale(&c, f);
    score_axis(out, &f);
    step_axis(out, &f);
    draw_marks(out, &f, r);
    put_curve(out, &f, t, c.first, OPRO_FIGURE_MEAN, "mean");
    put_curve(out, &f, t, c.first, OPRO_FIGURE_BEST, "bests");
    put_curve(out, &f, t, c.first, OPRO_FIGURE_BEST_SO_FAR, "best");
}

/* ---- the page -------------------------------------------------------------------------------- */

static const char style[] =
    "<style>"
    "text{font-family:system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2933}"
    ".title{font-size:27px;font-weight:600}.sub{font-size:15px;fill:#52606d}"
    ".head{font-size:16px;font-weight:600}.tick{font-size:12px;fill:#52606d}"
    ".fact{font-size:14px}.value{font-size:14px;font-weight:600}"
    ".grid{stroke:#e4e7eb;stroke-width:1}.mark{stroke:#9aa5b1;stroke-width:1;stroke-dasharray:5 4}"
    ".best{fill:none;stroke:#0b5cad;stroke-width:2.6;stroke-linejoin:round}"
    ".bests{fill:none;stroke:#5fa3dd;stroke-width:1.3;stroke-linejoin:round}"
    ".mean{fill:none;stroke:#e07b24;stroke-width:1.6;stroke-linejoin:round}"
    ".panel{fill:#f7f9fb;stroke:#dde3e9}"
    ".tour{fill:none;stroke:#0b5cad;stroke-width:2.2;stroke-linejoin:round}"
    ".place{fill:#d64545;stroke:#fff;stroke-width:1}.start{fill:#1f2933;stroke:#fff;"
    "stroke-width:1.5}"
    ".label{font-size:11.5px;fill:#1f2933;stroke:#fff;stroke-opacity:.85;stroke-width:3px;"
    "paint-order:stroke;stroke-linejoin:round}"
    ".ring{fill:none;stroke:#1f2933;stroke-width:2}"
    "</style>\n";

static void draw_facts(FILE *out, const report *r, double x, double y, double width) {
    for (size_t i = 0; i < r->n_facts; i++) {
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"fact\">", x, y);
        put_text(out, r->facts[i].name);
        fprintf(out, "</text><text x=\"%.1f\" y=\"%.1f\" class=\"value\" text-anchor=\"end\">",
                x + width, y);
        put_text(out, r->facts[i].value);
        fprintf(out,
                "</text><line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
                "class=\"grid\"/>\n",
                x, y + 8, x + width, y + 8);
        y += 26;
    }
}

static void draw(FILE *out, const report *r, const opro_trajectory *t) {
    const double width = 1280, height = r->picture ? 820 : 700, side = r->picture ? 830 : 40;
    const double rest = width - side - 40;
    frame curves = {side + 60, 150, rest - 60, 300, 0, 1, 0, 1, 0};

    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
            "height=\"%.0f\" role=\"img\">\n",
            width, height, width, height);
    fputs(style, out);
    fputs("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", out);
    fputs("<text x=\"40\" y=\"50\" class=\"title\">", out);
    put_text(out, r->title);
    fputs("</text>\n<text x=\"40\" y=\"76\" class=\"sub\">", out);
    put_text(out, r->subtitle);
    fputs("</text>\n", out);
    if (r->picture) r->picture(out, (frame){40, 100, 740, height - 160, 0, 1, 0, 1, 0}, r->data);
    draw_curve(out, curves, r, t);
    draw_facts(out, r, side, curves.top + curves.height + 76, rest);
    fprintf(out, "<text x=\"40\" y=\"%.1f\" class=\"sub\">", height - 22);
    put_text(out, r->note);
    fputs("</text>\n</svg>\n", out);
}

static void page(FILE *out, const report *r, const opro_trajectory *t) {
    fputs("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head>"
          "<meta charset=\"utf-8\"/><title>",
          out);
    put_text(out, r->title);
    fputs("</title>\n<style>body{margin:0 auto;max-width:1280px;background:#fff;color:#1f2933;"
          "font:15px/1.5 system-ui,'Segoe UI','DejaVu Sans',sans-serif}svg{width:100%;height:auto}"
          "main{padding:0 40px 40px;overflow-wrap:anywhere}</style></head>\n<body>\n",
          out);
    draw(out, r, t);
    fputs("<main><h2>The best solution</h2>\n<p>", out);
    put_text(out, r->solution);
    fputs("</p></main>\n</body></html>\n", out);
}

FILE *report_begin(program *p) {
    FILE *out = p->report_file;

    p->report_file = NULL;
    if (out && ftruncate(fileno(out), 0) < 0) errno = 0; /* a pipe or a device has no length */
    return out;
}

int report_is_svg(const program *p) {
    size_t len = strlen(p->report);

    return len >= 4 && strcmp(p->report + len - 4, ".svg") == 0;
}

int report_end(const program *p, FILE *out) {
    int good = !ferror(out);

    if (fclose(out) == 0 && good) return 0;
    return program_fail(p, "cannot write the report %s: %s", p->report, strerror(errno));
}

int report_write(report *r, program *p) {
    const opro_trajectory *t = opro_driver_trajectory(p->driver);
    FILE *out = report_begin(p);

    if (!out) return 0;
    r->note = p->by.note;
    if (report_is_svg(p))
        draw(out, r, t);
    else
        page(out, r, t);
    return report_end(p, out);
}
