/* SPDX-License-Identifier: MIT */
/*
 * A search for an instruction as one HTML page that needs nothing else: no network, no scripts.
 * Everything that came from a model or a file is escaped, and there are bounds for all of it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prompt.h"
#include "split.h"

#define TOP_MOST      25   /* instructions in the table  */
#define STEPS_MOST    400  /* rows of the table of steps */
#define VERDICTS_MOST 300  /* examples of a set          */
#define TEXT_MOST     1500 /* bytes of a cell            */

/* ---- pieces ---------------------------------------------------------------------------------- */

static void put_instruction(FILE *out, const char *text) {
    if (*text)
        put_text(out, text);
    else
        fputs("(none: the questions alone)", out);
}

/* A cell of a table. */
static void put_share(FILE *out, share s, const char *before) {
    fputs("<td class=\"n\">", out);
    if (!isnan(s.value)) fprintf(out, "%s%.1f %%", before, 100 * s.value);
    if (!isnan(s.value) && !isnan(s.low))
        fprintf(out, " <span class=\"dim\">%.1f to %.1f</span>", 100 * s.low, 100 * s.high);
    if (s.known && s.known < s.n) fprintf(out, " <span class=\"dim\">of %zu</span>", s.known);
    fputs("</td>", out);
}

static void put_number(FILE *out, double value) {
    fputs("<td class=\"n\">", out);
    if (isfinite(value)) fprintf(out, "%.0f", value);
    fputs("</td>", out);
}

/* ---- the winner ------------------------------------------------------------------------------ */

static void put_card(FILE *out, const char *name, share s, const char *note) {
    if (!s.known) return;
    fprintf(out, "<div class=\"card\">%s<b>%.1f %%</b><span>", name, 100 * s.value);
    if (!isnan(s.low)) fprintf(out, "95 %%: %.1f to %.1f, ", 100 * s.low, 100 * s.high);
    fprintf(out, "%zu examples%s%s</span></div>\n", s.known, *note ? "; " : "", note);
}

static void put_cards(FILE *out, const prompt_task *t) {
    int64_t confirmed = opro_run_confirmed(prompt_run(t));
    char among[60] = "";

    if (confirmed) snprintf(among, sizeof among, "chosen among %lld", (long long)confirmed);
    fputs("<div class=\"cards\">\n", out);
    put_card(out, "training", t->train, "chosen among all");
    put_card(out, "validation", t->validation, among);
    put_card(out, "test", t->test_share, "never looked at before");
    if (!isnan(t->gap[0]))
        fprintf(out,
                "<div class=\"card\">gap, training - validation<b>%+.1f</b><span>95 %%: %.1f to "
                "%.1f points</span></div>\n",
                100 * t->gap[0], 100 * t->gap[1], 100 * t->gap[2]);
    fputs("</div>\n", out);
}

static void put_comparisons(FILE *out, const prompt_task *t) {
    for (size_t i = 0; i < t->n_compared; i++) {
        const comparison *c = &t->compared[i];

        if (!c->better.known) continue;
        fprintf(out,
                "<p>On the %s examples the winner is <b>%s %s</b>, which has %.1f %%: %+.1f points "
                "(95 %%: %.1f to %.1f).</p>\n",
                split_name(t->held), prompt_verdict(c), c->name, 100 * c->right.value,
                100 * c->better.value, 100 * c->better.low, 100 * c->better.high);
    }
}

static void put_head(FILE *out, const prompt_task *t) {
    const scoring *s = &t->s;

    fputs("<h1>An instruction for ", out);
    put_text(out, t->p->input);
    fprintf(out, "</h1>\n<p class=\"sub\">%zu examples: %zu training, %zu validation, %zu test. ",
            opro_dataset_count(s->dataset), split_count(s->dataset, OPRO_TRAIN),
            split_count(s->dataset, OPRO_VALIDATION), split_count(s->dataset, OPRO_TEST));
    put_text(out, t->p->by.note);
    fputs("</p>\n<blockquote>", out);
    put_instruction(out, prompt_winner(t));
    fputs("</blockquote>\n", out);
    put_cards(out, t);
    put_comparisons(out, t);
}

/* ---- instructions ---------------------------------------------------------------------------- */

static void put_candidate(FILE *out, const prompt_task *t, int64_t number) {
    const opro_trajectory *all = prompt_trajectory(t);
    int partial = (opro_trajectory_flags(all, number) & OPRO_FLAG_PARTIAL) != 0;
    share train = share_of_candidate(all, number, OPRO_TRAIN);
    int64_t step = opro_trajectory_step(all, number);

    fputs(number == t->winner ? "<tr class=\"won\"><td class=\"text\">" : "<tr><td class=\"text\">",
          out);
    put_instruction(out, opro_trajectory_text(all, number, NULL));
    fputs("</td>", out);
    if (partial) { /* an estimate: what it had on some examples says less */
        train.value = opro_trajectory_score(all, number);
        train.low = NAN;
    }
    put_share(out, train, partial ? "~" : "");
    put_share(out, share_of_candidate(all, number, OPRO_VALIDATION), "");
    if (step < 0)
        fputs("<td class=\"n\">start</td></tr>\n", out);
    else
        fprintf(out, "<td class=\"n\">%lld</td></tr>\n", (long long)step + 1);
}

static void put_instructions(FILE *out, const prompt_task *t) {
    int64_t numbers[TOP_MOST];
    size_t n = opro_trajectory_top(prompt_trajectory(t), numbers, TOP_MOST);
    int seen = 0;

    for (size_t i = 0; i < n; i++)
        seen |= numbers[i] == t->winner;
    fprintf(out,
            "<h2>The best instructions</h2>\n<p class=\"sub\">The best %zu of %lld that were "
            "scored, by training examples, with 95 %% intervals. ~: dropped early, by an estimate "
            "from the examples that it was asked.</p>\n<table><tr><th>instruction</th>"
            "<th class=\"n\">training</th><th class=\"n\">validation</th>"
            "<th class=\"n\">step</th></tr>\n",
            n, (long long)opro_trajectory_scored(prompt_trajectory(t)));
    if (!seen) put_candidate(out, t, t->winner);
    for (size_t i = 0; i < n; i++)
        put_candidate(out, t, numbers[i]);
    fputs("</table>\n", out);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void put_step(FILE *out, const opro_trajectory *all, int64_t step) {
    static const int32_t counts[] = {OPRO_FIGURE_PROPOSALS,    OPRO_FIGURE_SCORED,
                                     OPRO_FIGURE_DUPLICATES,   OPRO_FIGURE_FAILED,
                                     OPRO_FIGURE_SCORER_CALLS, OPRO_FIGURE_PROMPT_TOKENS,
                                     OPRO_FIGURE_REPLY_TOKENS};
    static const int32_t shares[] = {OPRO_FIGURE_BEST, OPRO_FIGURE_MEAN};
    double cost = opro_trajectory_figure(all, step, OPRO_FIGURE_COST);

    if (isnan(opro_trajectory_figure(all, step, OPRO_FIGURE_SCORER_CALLS))) return;
    if (step < 0)
        fputs("<tr><td>start</td>", out);
    else if (step == opro_trajectory_steps(all))
        fputs("<tr><td>confirming</td>", out);
    else
        fprintf(out, "<tr><td>%lld</td>", (long long)step + 1);
    for (size_t i = 0; i < 2; i++) {
        double value = opro_trajectory_figure(all, step, shares[i]);

        fputs("<td class=\"n\">", out);
        if (isfinite(value)) fprintf(out, "%.1f", 100 * value);
        fputs("</td>", out);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        put_number(out, opro_trajectory_figure(all, step, counts[i]));
    fprintf(out, "<td class=\"n\">%.4f</td></tr>\n", isfinite(cost) ? cost / 1e6 : 0);
}

static void put_steps(FILE *out, const prompt_task *t) {
    const opro_trajectory *all = prompt_trajectory(t);
    int64_t steps = opro_trajectory_steps(all), from = steps - STEPS_MOST;

    fputs("<details><summary>Each step: scores, answers, tokens, money</summary>\n", out);
    if (from > -1) fprintf(out, "<p class=\"sub\">The last %d of them.</p>\n", STEPS_MOST);
    fputs("<table><tr><th>step</th><th class=\"n\">best</th><th class=\"n\">mean</th>"
          "<th class=\"n\">proposals</th><th class=\"n\">new</th><th class=\"n\">met before</th>"
          "<th class=\"n\">failed</th><th class=\"n\">answers</th><th class=\"n\">read</th>"
          "<th class=\"n\">written</th><th class=\"n\">cost</th></tr>\n",
          out);
    for (int64_t step = from > -1 ? from : -1; step <= steps; step++)
        put_step(out, all, step);
    fputs("</table></details>\n", out);
}

/* ---- what was said --------------------------------------------------------------------------- */

static void put_heard(FILE *out, const heard *h) {
    if (h->kind == OPRO_EVENT_REPLY)
        fprintf(out, "<p class=\"sub\">reply %lld</p>", (long long)h->sample + 1);
    fputs("<pre>", out);
    if (h->text) put_text(out, h->text);
    if (h->text ? h->len < h->whole : 1)
        fprintf(out, "%s(%zu bytes in all)", h->text ? " ... " : "", h->whole);
    fputs("</pre>\n", out);
}

static void put_story(FILE *out, const prompt_story *story) {
    int open = 0;

    fputs("<h2>What was asked and said</h2>\n", out);
    for (size_t i = 0; i < story->n; i++) {
        const heard *h = &story->all[i];

        if (h->kind == OPRO_EVENT_META_PROMPT) {
            fprintf(out, "%s<details><summary>step %lld: meta-prompt and replies</summary>\n",
                    open ? "</details>\n" : "", (long long)h->step + 1);
            open = 1;
        }
        put_heard(out, h);
    }
    if (open) fputs("</details>\n", out);
    if (story->dropped)
        fprintf(out, "<p class=\"sub\">%lld more texts have no room here.</p>\n",
                (long long)story->dropped);
}

/* ---- answers of the winner ------------------------------------------------------------------- */

static void put_answer(FILE *out, const prompt_task *t, const opro_exam *exam, size_t i) {
    size_t example = (size_t)opro_exam_example(exam, i), len;
    double score = opro_exam_score(exam, i);
    const char *text;

    fprintf(out, "<tr><td class=\"n\">%zu</td><td class=\"%s\">%s</td><td>", example,
            isnan(score) ? "dim"
            : score >= 1 ? "yes"
                         : "no",
            isnan(score) ? "unknown"
            : score >= 1 ? "right"
            : score <= 0 ? "wrong"
                         : "in part");
    text = opro_dataset_answer(t->s.dataset, example, &len);
    if (text) put_cut(out, text, len, TEXT_MOST / 4);
    fputs("</td><td>", out);
    text = opro_exam_extracted(exam, i, &len);
    put_cut(out, text, len, TEXT_MOST / 4);
    fprintf(out, "</td><td class=\"dim\">%s</td><td><details><summary>",
            isnan(score) ? "" : opro_exam_rule(exam, i));
    text = opro_dataset_question(t->s.dataset, example, &len);
    if (text) put_cut(out, text, len, 60);
    fputs("</summary><pre>", out);
    if (text) put_cut(out, text, len, TEXT_MOST);
    fputs("</pre><pre>", out);
    text = isnan(score) ? opro_exam_fault(exam, i, &len) : opro_exam_reply(exam, i, &len);
    put_cut(out, text, len, TEXT_MOST);
    fputs("</pre></details></td></tr>\n", out);
}

static void put_answers(FILE *out, const prompt_task *t) {
    static const int32_t sets[] = {OPRO_TRAIN, OPRO_VALIDATION, OPRO_TEST};

    fputs("<h2>Answers with the winner</h2>\n", out);
    for (size_t k = 0; k < 3; k++) {
        const opro_exam *exam = t->winner_exam[k];
        size_t n = exam ? opro_exam_count(exam) : 0;

        if (!exam) continue;
        fprintf(out,
                "<details><summary>%zu %s examples, one by one</summary>\n<table><tr>"
                "<th class=\"n\">example</th><th></th><th>wanted</th><th>said</th><th>by rule</th>"
                "<th>question and reply</th></tr>\n",
                n, split_name(sets[k]));
        for (size_t i = 0, row = 0; i < 2 * n && row < VERDICTS_MOST; i++) {
            int right = opro_exam_score(exam, i % n) >= 1;

            if (right != (i >= n)) continue; /* first those that are not */
            put_answer(out, t, exam, i % n);
            row++;
        }
        fprintf(out, "</table>%s</details>\n",
                n > VERDICTS_MOST ? "<p class=\"sub\">... and more.</p>" : "");
    }
}

/* ---- settings -------------------------------------------------------------------------------- */

/* The name of a choice, or the number. */
static void put_value(FILE *out, int32_t id, double value) {
    int64_t number;
    const char *name;

    for (size_t i = 0; (name = opro_option_choice(id, i, &number)) != NULL; i++)
        if ((double)number == value) break;
    if (name)
        fputs(name, out);
    else
        fprintf(out, isnan(value) ? "none" : "%.10g", value);
}

static void put_settings(FILE *out, const prompt_task *t) {
    const opro_config *config = t->p->config;
    int32_t id;

    fputs("<h2>Settings</h2>\n<p>Answers are right by ", out);
    put_text(out, t->s.judge ? "a model's judgement" : t->s.metric ? t->s.metric : "strict");
    fputs(". Options that are not as the library has them:</p>\n<table>", out);
    for (size_t i = 0; (id = opro_option_at(i)) != 0; i++) {
        double value = opro_option_default(id);
        int64_t number = 0;

        if (opro_option_type(id) == OPRO_TYPE_REAL)
            opro_config_get_real(config, id, &value);
        else if (opro_config_get_int(config, id, &number) == OPRO_OK)
            value = (double)number;
        if (value == opro_option_default(id) || isnan(value)) continue;
        fprintf(out, "<tr><td>%s</td><td>", opro_option_name(id));
        put_value(out, id, value);
        fprintf(out, "</td><td class=\"dim\">");
        put_text(out, opro_option_help(id));
        fputs("</td></tr>\n", out);
    }
    fputs("</table>\n", out);
}

/* What the models' clients have counted, also for what came after the run. */
static void put_use(FILE *out, const prompt_task *t) {
    double cost = (double)scoring_figure(&t->s, OPRO_MODEL_COST) / 1e6;

    fprintf(out,
            "<p class=\"sub\">%lld instructions scored; %lld of %lld answers on training examples "
            "(full scoring takes them all); in all %lld requests, %lld tokens read, %lld written",
            (long long)opro_trajectory_scored(prompt_trajectory(t)), (long long)t->train_calls,
            (long long)t->train_calls_full, (long long)scoring_figure(&t->s, OPRO_MODEL_REQUESTS),
            (long long)scoring_figure(&t->s, OPRO_MODEL_PROMPT_TOKENS),
            (long long)scoring_figure(&t->s, OPRO_MODEL_REPLY_TOKENS));
    if (cost > 0) fprintf(out, ", cost %.4f", cost);
    fprintf(out, ". Stopped: %s.</p>\n", program_stop_reason(t->p));
}

/* ---- the page -------------------------------------------------------------------------------- */

static void put_page(FILE *out, const prompt_task *t) {
    page_begin(out, "An instruction for ", t->p->input);
    put_head(out, t);
    fputs("<h2>The search</h2>\n", out);
    prompt_chart(out, t);
    put_use(out, t);
    put_steps(out, t);
    put_instructions(out, t);
    put_answers(out, t);
    put_story(out, &t->story);
    put_settings(out, t);
    page_end(out);
}

int prompt_report(prompt_task *t) {
    FILE *out = report_begin(t->p);

    if (!out) return 0;
    if (report_is_svg(t->p))
        prompt_chart(out, t);
    else
        put_page(out, t);
    return report_end(t->p, out);
}
