/* SPDX-License-Identifier: MIT */
/* A search for an instruction as a picture: accuracy by step, and what each step took. */
#include <math.h>

#include "prompt.h"

#define WIDTH      1120.0
#define HEIGHT     500.0
#define BARS_MOST  280
#define MARKS_MOST 2000

/* ---- what is drawn, and how large ------------------------------------------------------------ */

typedef struct range {
    double low, high;
} range;

static void widen(range *r, double value) {
    if (!isfinite(value)) return;
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

static double mean_of(const opro_trajectory *t, int64_t step) {
    return opro_trajectory_figure(t, step, OPRO_FIGURE_MEAN);
}

/* One standard deviation up (1) or down (-1), where there can be scores. */
static double spread_of(const opro_trajectory *t, int64_t step, int way) {
    double d = opro_trajectory_figure(t, step, OPRO_FIGURE_DEVIATION);

    return fmax(0, fmin(1, mean_of(t, step) + way * (isfinite(d) ? d : 0)));
}

static int64_t first_of(const opro_trajectory *t) {
    return isnan(opro_trajectory_figure(t, -1, OPRO_FIGURE_BEST)) ? 0 : -1;
}

static frame frame_of(const prompt_task *task) {
    const opro_trajectory *t = prompt_trajectory(task);
    int64_t steps = opro_trajectory_steps(t), first = first_of(t);
    range r = {INFINITY, -INFINITY};
    frame f = {.left = 60, .top = 58, .width = WIDTH - 84, .height = 260};

    for (int64_t i = first; i < steps; i++) {
        widen(&r, opro_trajectory_figure(t, i, OPRO_FIGURE_BEST_SO_FAR));
        widen(&r, spread_of(t, i, 1));
        widen(&r, spread_of(t, i, -1));
    }
    widen(&r, task->validation.low);
    widen(&r, task->validation.high);
    for (int64_t i = 0; i < opro_trajectory_count(t); i++)
        widen(&r, opro_trajectory_validation(t, i));
    if (!(r.low <= r.high)) r = (range){0, 1};
    f.y0 = fmax(0, r.low - 0.03);
    f.y1 = fmin(1, r.high + 0.03);
    f.x0 = (double)first + 1;
    f.x1 = fmax((double)steps, f.x0 + 1);
    return f;
}

/* ---- axes ------------------------------------------------------------------------------------ */

static void put_axes(FILE *out, const frame *f, const frame *low) {
    double step = round_step(f->y1 - f->y0, 6);

    for (double k = ceil(f->y0 / step); k * step <= f->y1 + 1e-9; k++) {
        double y = frame_y(f, k * step);

        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.6g %%</text>\n",
                f->left, y, f->left + f->width, y, f->left - 8, y + 4, 100 * k * step);
    }
    step = fmax(1, round_step(f->x1 - f->x0, 10));
    for (double k = ceil(f->x0 / step); k * step <= f->x1; k++)
        fprintf(out,
                k == 0 ? "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">start</text>\n"
                       : "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.0f</text>\n",
                frame_x(f, k * step), low->top + low->height + 18, k * step);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">step</text>\n",
            f->left + f->width / 2, low->top + low->height + 38);
}

/* ---- curves ---------------------------------------------------------------------------------- */

/* Mean and deviation as an area, there on top and back below. */
static void put_band(FILE *out, const frame *f, const opro_trajectory *t) {
    int64_t steps = opro_trajectory_steps(t), first = first_of(t), each = 1 + (steps - first) / 600;

    fputs("<polygon class=\"band\" points=\"", out);
    for (int way = 1; way >= -1; way -= 2)
        for (int64_t k = 0; k < steps - first; k += each) {
            int64_t i = way > 0 ? first + k : steps - 1 - k;

            if (isfinite(mean_of(t, i)))
                fprintf(out, "%.1f,%.1f ", frame_x(f, (double)i + 1),
                        frame_y(f, spread_of(t, i, way)));
        }
    fputs("\"/>\n", out);
}

static void put_circle(FILE *out, double x, double y, const char *class) {
    fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" class=\"%s\"/>\n", x, y, class);
}

/* Candidates' accuracy on validation examples; paler, if they were asked only some. */
static void put_validations(FILE *out, const frame *f, const prompt_task *task) {
    const opro_trajectory *t = prompt_trajectory(task);
    size_t drawn = 0;

    for (int64_t i = 0; i < opro_trajectory_count(t) && drawn < MARKS_MOST; i++) {
        share s = share_of_candidate(t, i, OPRO_VALIDATION);

        if (!s.known || i == task->winner) continue;
        put_circle(out, frame_x(f, (double)opro_trajectory_step(t, i) + 1), frame_y(f, s.value),
                   s.known < s.n ? "held few" : "held");
        drawn++;
    }
}

static void put_winner(FILE *out, const frame *f, const prompt_task *task) {
    double x = frame_x(f, (double)opro_trajectory_step(prompt_trajectory(task), task->winner) + 1);
    share s = task->validation;

    if (!s.known) return;
    if (!isnan(s.low))
        fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"won\"/>\n", x,
                frame_y(f, s.low), x, frame_y(f, s.high));
    put_circle(out, x, frame_y(f, s.value), "won");
}

/* ---- what it took ---------------------------------------------------------------------------- */

static double taken(const opro_trajectory *t, int64_t from, int64_t to, int32_t figure) {
    double sum = 0;

    for (int64_t i = from; i < to && i < opro_trajectory_steps(t); i++) {
        double value = opro_trajectory_figure(t, i, figure);

        if (isfinite(value)) sum += value;
    }
    return sum;
}

static void put_bar(FILE *out, const frame *f, double x, double width, double from, double to,
                    const char *class) {
    if (to <= from) return;
    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"/>\n",
            x - width / 2, frame_y(f, to), width, frame_y(f, from) - frame_y(f, to), class);
}

/* Tokens of each step; of more steps than there is room for, several become one bar. */
static void put_bars(FILE *out, frame f, const opro_trajectory *t) {
    int64_t steps = opro_trajectory_steps(t), first = first_of(t);
    int64_t each = 1 + (steps - first) / BARS_MOST;
    double width = fmin(18, 0.7 * f.width * (double)each / fmax(1, f.x1 - f.x0));

    f.y1 = 0;
    for (int64_t i = first; i < steps; i += each)
        f.y1 = fmax(f.y1, taken(t, i, i + each, OPRO_FIGURE_PROMPT_TOKENS) +
                              taken(t, i, i + each, OPRO_FIGURE_REPLY_TOKENS));
    if (f.y1 <= 0) return;
    for (int64_t i = first; i < steps; i += each) {
        int64_t end = i + each < steps ? i + each : steps;
        double read = taken(t, i, end, OPRO_FIGURE_PROMPT_TOKENS);
        double x = frame_x(&f, (double)(i + end) / 2 + 0.5);

        put_bar(out, &f, x, width, 0, read, "read");
        put_bar(out, &f, x, width, read, read + taken(t, i, end, OPRO_FIGURE_REPLY_TOKENS),
                "written");
    }
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", f.left - 8, f.top + 8);
    scoring_put_short(out, f.y1);
    fputs("</text>\n", out);
    fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"axis\"/>\n", f.left,
            f.top + f.height, f.left + f.width, f.top + f.height);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void put_legends(FILE *out, const frame *f, const frame *bars) {
    static const struct {
        double x;
        const char *class, *text;
    } lines[] = {{0, "best", "best so far, training"},
                 {175, "bests", "best of the step"},
                 {320, "mean", "mean of the step, with its spread"}},
      circles[] = {{590, "held", "validated"},
                   {685, "held few", "validated in part"},
                   {830, "won", "the winner, with 95 % interval"}},
      boxes[] = {{175, "read", "read"}, {235, "written", "written"}};
    double y = f->top - 18;

    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"head\">Right answers</text>\n", f->left,
            y - 22);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"head\">Tokens of each step</text>\n",
            bars->left, bars->top - 12);
    for (size_t i = 0; i < 3; i++)
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>"
                "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                f->left + lines[i].x, y - 4, f->left + lines[i].x + 22, y - 4, lines[i].class,
                f->left + lines[i].x + 28, y, lines[i].text);
    for (size_t i = 0; i < 3; i++) {
        put_circle(out, f->left + circles[i].x, y - 4, circles[i].class);
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", f->left + circles[i].x + 10, y,
                circles[i].text);
    }
    for (size_t i = 0; i < 2; i++)
        fprintf(out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" class=\"%s\"/>"
                "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                bars->left + boxes[i].x, bars->top - 22, boxes[i].class,
                bars->left + boxes[i].x + 17, bars->top - 12, boxes[i].text);
}

void prompt_chart(FILE *out, const prompt_task *task) {
    const opro_trajectory *t = prompt_trajectory(task);
    frame f = frame_of(task), bars = f;

    bars.top = f.top + f.height + 46;
    bars.height = HEIGHT - 46 - bars.top;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
            "height=\"%.0f\" role=\"img\">\n<style>%s</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, page_chart_style);
    put_axes(out, &f, &bars);
    put_band(out, &f, t);
    put_curve(out, &f, t, first_of(t), OPRO_FIGURE_MEAN, "mean");
    put_curve(out, &f, t, first_of(t), OPRO_FIGURE_BEST, "bests");
    put_curve(out, &f, t, first_of(t), OPRO_FIGURE_BEST_SO_FAR, "best");
    put_validations(out, &f, task);
    put_winner(out, &f, task);
    put_bars(out, bars, t);
    put_legends(out, &f, &bars);
    fputs("</svg>\n", out);
}
