/* SPDX-License-Identifier: MIT */
#include "journal_report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"

#define WIDTH       1120
#define HEIGHT      460
#define DOTS_MOST   4000
#define TOP_MOST    25   /* candidates in the table */
#define STEPS_MOST  400  /* rows of the table of steps */
#define TEXT_MOST   4000 /* bytes of a candidate */
#define OPTION_MOST 64   /* bytes of a setting */

/* ---- the picture ----------------------------------------------------------------------------- */

/* Those on the training set, which the picture is about. */
static int is_drawn(const scored *c) {
    return c->set != OPRO_VALIDATION;
}

static frame measure(const summary *s, size_t *n) {
    frame f = {80, 50, WIDTH - 100, HEIGHT - 120, 1, 1, NAN, NAN, 0};
    double margin;

    *n = 0;
    for (size_t i = 0; i < s->n_scored; i++) {
        if (!is_drawn(&s->scored[i])) continue;
        f.y0 = fmin(f.y0, scored_mean(&s->scored[i])); /* the one that is a number */
        f.y1 = fmax(f.y1, scored_mean(&s->scored[i]));
        ++*n;
    }
    if (!*n) f.y0 = f.y1 = 0;
    margin = f.y1 > f.y0 ? (f.y1 - f.y0) * 0.05 : fabs(f.y0) * 0.01 + 0.5;
    f.y0 -= margin;
    f.y1 += margin;
    f.x1 = *n > 1 ? (double)*n : 2;
    return f;
}

static void put_axes(FILE *out, const frame *f, size_t n) {
    double step = round_step(f->y1 - f->y0, 6);

    for (double k = ceil(f->y0 / step); k * step <= f->y1; k++)
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n",
                f->left, frame_y(f, k * step), f->left + f->width, frame_y(f, k * step),
                f->left - 8, frame_y(f, k * step) + 4, k * step + 0.0); /* no -0 */
    fprintf(out,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%zu candidates, in the order in "
            "which they were scored</text>\n",
            f->left + f->width / 2, f->top + f->height + 30, n);
}

/* Of very many, some: the page has no room for more. */
static void put_dots(FILE *out, const summary *s, const frame *f, size_t n) {
    size_t every = n / DOTS_MOST + 1, k = 0;

    for (size_t i = 0; i < s->n_scored; i++) {
        const scored *c = &s->scored[i];

        if (!is_drawn(c) || k++ % every) continue;
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" class=\"held%s\"/>\n",
                frame_x(f, (double)k), frame_y(f, scored_mean(c)),
                scored_whole(s, c) ? "" : " few");
    }
}

static void put_best(FILE *out, const summary *s, const frame *f) {
    const scored *best = NULL;
    size_t k = 0;

    fputs("<path class=\"best\" d=\"", out);
    for (size_t i = 0; i < s->n_scored; i++) {
        const scored *c = &s->scored[i];

        k += (size_t)is_drawn(c);
        if (!is_drawn(c) || !scored_whole(s, c) || (best && !summary_better(s, c, best))) continue;
        fprintf(out, best ? "H%.1fV%.1f" : "M%.1f %.1f", frame_x(f, (double)k),
                frame_y(f, scored_mean(c)));
        best = c;
    }
    if (best) fprintf(out, "H%.1f", f->left + f->width);
    fputs("\"/>\n", out);
}

static void put_picture(FILE *out, const summary *s) {
    size_t n;
    frame f = measure(s, &n);

    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" role=\"img\">\n<style>%s</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
            "<text x=\"%.1f\" y=\"24\" class=\"head\">Scores by training instances%s; the line is "
            "the best so far, pale is what was dropped early</text>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, page_chart_style, f.left,
            s->minimizes ? ", lower is better" : "");
    put_axes(out, &f, n);
    put_dots(out, s, &f, n);
    put_best(out, s, &f);
    fputs("</svg>\n", out);
}

/* ---- what came of it ------------------------------------------------------------------------- */

static void put_card(FILE *out, const char *name, const char *value, const char *note) {
    fprintf(out, "<div class=\"card\">%s<b>%s</b><span>%s</span></div>\n", name, value, note);
}

static void put_number_card(FILE *out, const char *name, int64_t value, const char *note) {
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)value);
    put_card(out, name, text, note);
}

static void put_cards(FILE *out, const summary *s) {
    const counts *all = &s->all;
    const scored *best = summary_best(s);
    char value[64], note[128];

    fputs("<div class=\"cards\">\n", out);
    if (best) {
        snprintf(value, sizeof value, "%.6g", scored_mean(best));
        snprintf(note, sizeof note, "instances: %zu; record %ld", best->n, best->record);
        put_card(out, "best score", value, note);
    }
    put_number_card(out, "steps", s->ended,
                    s->stop ? opro_stop_reason_name(s->stop) : "has not stopped");
    snprintf(note, sizeof note, "%lld requests, %zu not answered", (long long)all->requests[0],
             s->n_open);
    put_number_card(out, "replies", all->replies, note);
    put_number_card(out, "failures", all->errors, "");
    if (all->tokens[0] || all->tokens[1]) {
        snprintf(note, sizeof note, "%lld written; cost %.4f", (long long)all->tokens[1],
                 (double)all->cost / 1e6);
        put_number_card(out, "tokens read", all->tokens[0], note);
    }
    fputs("</div>\n", out);
}

static void put_head(FILE *out, const summary *s, const char *path) {
    const scored *best = summary_best(s);
    int64_t torn = opro_journal_count(s->journal, OPRO_JOURNAL_TORN_BYTES);

    fputs("<h1>The run in ", out);
    put_text(out, path);
    fprintf(out, "</h1>\n<p class=\"sub\">%lld records, %lld bytes, written by libopro ",
            (long long)opro_journal_count(s->journal, OPRO_JOURNAL_RECORDS),
            (long long)opro_journal_count(s->journal, OPRO_JOURNAL_BYTES));
    put_text(out, summary_setting(s, "library"));
    fputs(s->closed ? "; closed in order" : "; not closed", out);
    if (torn) fprintf(out, "; then %lld bytes of a record that was being written", (long long)torn);
    if (s->resumes)
        fprintf(out, "; %lld times resumed, %lld requests asked again", (long long)s->resumes,
                (long long)s->again);
    fputs(".</p>\n", out);
    if (best) {
        fputs("<blockquote>", out);
        put_cut(out, best->text, strlen(best->text), TEXT_MOST);
        fputs("</blockquote>\n", out);
    }
    put_cards(out, s);
    if (*s->why || *s->fault) {
        fputs("<p>", out);
        if (*s->why) fputs("Stopped: ", out);
        put_text(out, *s->why ? s->why : "The first failure: ");
        if (!*s->why) put_text(out, s->fault);
        fputs("</p>\n", out);
    }
}

/* ---- candidates ------------------------------------------------------------------------------ */

/* The best of those that are whole, best first; of equal ones the first. */
static size_t find_top(const summary *s, const scored **top) {
    size_t n = 0;

    for (size_t i = 0; i < s->n_scored; i++) {
        const scored *c = &s->scored[i];
        size_t at = n;

        if (!is_drawn(c) || !scored_whole(s, c)) continue;
        while (at > 0 && summary_better(s, c, top[at - 1]))
            at--;
        if (at == TOP_MOST) continue;
        if (n < TOP_MOST) n++;
        memmove(top + at + 1, top + at, (n - 1 - at) * sizeof *top);
        top[at] = c;
    }
    return n;
}

static void put_candidates(FILE *out, const summary *s) {
    const scored *top[TOP_MOST];
    size_t n = find_top(s, top);

    fputs("<h2>The best candidates</h2>\n<table><tr><th>candidate</th><th class=\"n\">score</th>"
          "<th class=\"n\">step</th><th class=\"n\">record</th></tr>\n",
          out);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "<tr><td class=\"text\">" : "<tr class=\"won\"><td class=\"text\">", out);
        put_cut(out, top[i]->text, strlen(top[i]->text), TEXT_MOST);
        fprintf(out, "</td><td class=\"n\">%.6g</td>", scored_mean(top[i]));
        if (top[i]->step < 0)
            fputs("<td class=\"n\">start</td>", out);
        else
            fprintf(out, "<td class=\"n\">%lld</td>", (long long)top[i]->step + 1);
        fprintf(out, "<td class=\"n\">%ld</td></tr>\n", top[i]->record);
    }
    fputs("</table>\n", out);
}

/* ---- steps and settings ---------------------------------------------------------------------- */

static void put_step(FILE *out, const counts *c, size_t i) {
    const int64_t numbers[] = {c->requests[0], c->replies,   c->requests[1], c->scores,
                               c->errors,      c->tokens[0], c->tokens[1]};

    if (i)
        fprintf(out, "<tr><td>%zu</td>", i);
    else
        fputs("<tr><td>start</td>", out);
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        fprintf(out, "<td class=\"n\">%lld</td>", (long long)numbers[k]);
    fprintf(out, "<td class=\"n\">%.4f</td></tr>\n", (double)c->cost / 1e6);
}

static void put_steps(FILE *out, const summary *s) {
    size_t from = s->n_steps > STEPS_MOST ? s->n_steps - STEPS_MOST : 0;

    fputs("<details><summary>Each step: requests, answers, tokens, money</summary>\n", out);
    if (from) fprintf(out, "<p class=\"sub\">The last %d of them.</p>\n", STEPS_MOST);
    fputs("<table><tr><th>step</th><th class=\"n\">for proposals</th><th class=\"n\">replies</th>"
          "<th class=\"n\">for scores</th><th class=\"n\">scores</th><th class=\"n\">failed</th>"
          "<th class=\"n\">read</th><th class=\"n\">written</th><th class=\"n\">cost</th></tr>\n",
          out);
    for (size_t i = from; i < s->n_steps; i++)
        if (s->steps[i].requests[0] || s->steps[i].requests[1]) put_step(out, &s->steps[i], i);
    fputs("</table></details>\n", out);
}

static void put_settings(FILE *out, const summary *s, const char *name, const char *title) {
    const char *key;
    json_t *value;

    fprintf(out, "<details><summary>%s</summary>\n<table>\n", title);
    json_object_foreach(json_object_get(s->header, name), key, value) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));

        fputs("<tr><td>", out);
        put_cut(out, key, strlen(key), OPTION_MOST);
        fputs("</td><td>", out);
        if (json_is_string(value))
            put_cut(out, json_string_value(value), json_string_length(value), OPTION_MOST);
        else if (text)
            put_cut(out, text, strlen(text), OPTION_MOST);
        fputs("</td></tr>\n", out);
        free(text);
    }
    fputs("</table></details>\n", out);
}

/* ---- the file -------------------------------------------------------------------------------- */

static void put_page(FILE *out, const summary *s, const char *path) {
    page_begin(out, "The run in ", path);
    put_head(out, s, path);
    fputs("<h2>The search</h2>\n", out);
    put_picture(out, s);
    put_steps(out, s);
    put_candidates(out, s);
    fputs("<h2>Settings</h2>\n", out);
    put_settings(out, s, "options", "Options");
    put_settings(out, s, "problem", "The problem: its kind, sizes, and digests of its parts");
    page_end(out);
}

int journal_report(const summary *s, const char *path, const char *to) {
    size_t len = strlen(to);
    FILE *out = fopen(to, "w");
    int failed;

    if (!out) return errno;
    if (len >= 4 && strcmp(to + len - 4, ".svg") == 0)
        put_picture(out, s);
    else
        put_page(out, s, path);
    errno = 0;
    failed = ferror(out);
    if (fclose(out) != 0 || failed) return errno ? errno : EIO;
    return 0;
}
