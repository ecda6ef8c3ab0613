/* SPDX-License-Identifier: MIT */
#include "journal_report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 900, HEIGHT = 480, LEFT = 90, TOP = 70, RIGHT = 20, BOTTOM = 60, DOTS = 5000 };

int scores_add(score_list *list, double score) {
    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 64;
        double *all = realloc(list->all, cap * sizeof *all);

        if (!all) return 0;
        list->all = all;
        list->cap = cap;
    }
    list->all[list->n++] = score;
    return 1;
}

/* Text as it may stand in XML. */
static void put(FILE *out, const char *s) {
    for (; *s; s++) {
        switch (*s) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        default: fputc((unsigned char)*s < ' ' ? ' ' : *s, out);
        }
    }
}

typedef struct scale {
    double low, high;
    size_t n;
} scale;

static scale measure(const score_list *scores) {
    scale s = {NAN, NAN, scores->n};

    for (size_t i = 0; i < scores->n; i++) {
        s.low = fmin(s.low, scores->all[i]); /* the one that is a number */
        s.high = fmax(s.high, scores->all[i]);
    }
    if (!(s.high > s.low)) { /* one score, or none */
        s.low = scores->n ? s.low - 0.5 : 0;
        s.high = s.low + 1;
    }
    return s;
}

static double x_of(const scale *s, size_t i) {
    return LEFT + (double)(WIDTH - LEFT - RIGHT) * (double)i / (double)(s->n > 1 ? s->n - 1 : 1);
}

static double y_of(const scale *s, double score) {
    double share = (score - s->low) / (s->high - s->low);

    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
}

static void put_axes(FILE *out, const scale *s) {
    for (int i = 0; i <= 4; i++) {
        double score = s->low + (s->high - s->low) * i / 4, y = y_of(s, score);

        fprintf(out,
                "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.5g</text>\n",
                LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4, score);
    }
    fprintf(out, "<text x=\"%d\" y=\"%d\">scores, in the order in which they came: %zu</text>\n",
            LEFT, HEIGHT - 25, s->n);
}

/* Of very many, some: the page has no room for more. */
static void put_dots(FILE *out, const score_list *scores, const scale *s) {
    size_t every = scores->n / DOTS + 1;

    for (size_t i = 0; i < scores->n; i += every)
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\" fill=\"#9ab\"/>\n", x_of(s, i),
                y_of(s, scores->all[i]));
}

static void put_best(FILE *out, const score_list *scores, const scale *s, int minimizes) {
    double best = NAN;

    if (!scores->n) return;
    fputs("<path fill=\"none\" stroke=\"#c33\" stroke-width=\"2\" d=\"", out);
    for (size_t i = 0; i < scores->n; i++) {
        double better = minimizes ? fmin(best, scores->all[i]) : fmax(best, scores->all[i]);

        if (better == best) continue;
        best = better;
        if (i)
            fprintf(out, "H%.1fV%.1f", x_of(s, i), y_of(s, best));
        else
            fprintf(out, "M%.1f %.1f", x_of(s, i), y_of(s, best));
    }
    fprintf(out, "H%d\"/>\n", WIDTH - RIGHT);
}

int write_report(const char *path, const score_list *scores, int minimizes, const char *title,
                 const char *best) {
    FILE *out = fopen(path, "w");
    scale s = measure(scores);
    int failed;

    if (!out) return errno;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"13\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"%d\" y=\"28\" "
            "font-size=\"18\">",
            WIDTH, HEIGHT, LEFT);
    put(out, title);
    fprintf(out, "</text>\n<text x=\"%d\" y=\"50\" fill=\"#c33\">", LEFT);
    put(out, best);
    fputs("</text>\n", out);
    put_axes(out, &s);
    put_dots(out, scores, &s);
    put_best(out, scores, &s, minimizes);
    fputs("</svg>\n", out);
    errno = 0;
    failed = ferror(out);
    if (fclose(out) != 0 || failed) return errno ? errno : EIO;
    return 0;
}
