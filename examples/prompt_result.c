/* SPDX-License-Identifier: MIT */
/* What came of a search for an instruction, in words and as JSON. */
#include <math.h>
#include <string.h>

#include "prompt.h"
#include "split.h"

/* ---- in words -------------------------------------------------------------------------------- */

/* A text of several lines, each behind two blanks. */
static void print_indented(const char *text) {
    if (!*text) fputs("  (none: the questions alone)", stdout);
    for (int begins = 1; *text; text++) {
        if (begins) fputs("  ", stdout);
        putchar(*text);
        begins = *text == '\n';
    }
    putchar('\n');
}

static void print_row(const char *name, share s, const char *note) {
    if (!s.n) return;
    printf("  %-20s", name);
    share_print(s);
    printf("%s%s\n", *note ? "  " : "", note);
}

static void print_winner(const prompt_task *t) {
    int64_t confirmed = opro_run_confirmed(prompt_run(t));
    char among[80] = "";

    puts("\nthe winner:");
    print_indented(prompt_winner(t));
    printf("\n  %-20s" SHARE_HEAD "\n", "");
    if (confirmed)
        snprintf(among, sizeof among, "chosen among %lld by these: slightly too good",
                 (long long)confirmed);
    print_row("training", t->train, "chosen among all by these: too good");
    print_row("validation", t->validation, among);
    if (!isnan(t->gap[0]))
        printf("  %-20s%+6.1f     %5.1f to %5.1f\n", "gap between them", 100 * t->gap[0],
               100 * t->gap[1], 100 * t->gap[2]);
    if (t->test) print_row("test", t->test_share, "never looked at before");
}

static void print_comparisons(const prompt_task *t) {
    const char *set = split_name(t->held);

    for (size_t i = 0; i < t->n_compared; i++) {
        const comparison *c = &t->compared[i];

        if (i == 0) printf("\non the %s examples:\n", set);
        print_row(c->name, c->right, "");
    }
    for (size_t i = 0; i < t->n_compared; i++) {
        const comparison *c = &t->compared[i];

        if (!c->better.known) continue;
        printf("The winner is %s %s: %+.1f points (95 %%: %.1f to %.1f)%s.\n", prompt_verdict(c),
               c->name, 100 * c->better.value, 100 * c->better.low, 100 * c->better.high,
               c->better.low <= 0 && c->better.high >= 0 ? ", which may be chance" : "");
    }
    if (t->n_compared && t->held == OPRO_TRAIN)
        puts("These are the examples it was chosen by: of others nothing is known.");
}

static void print_use(const prompt_task *t) {
    const opro_run *run = prompt_run(t);
    const opro_trajectory *all = prompt_trajectory(t);

    printf("\n%lld instructions scored in %lld steps, with %lld answers",
           (long long)opro_trajectory_scored(all), (long long)opro_trajectory_steps(all),
           (long long)opro_run_count(run, OPRO_COUNT_SCORER_CALLS));
    if (t->train_calls_full)
        printf("; on training examples %lld of the %lld that scoring all of them in full takes",
               (long long)t->train_calls, (long long)t->train_calls_full);
    printf("\nstopped: %s\n", program_stop_reason(t->p));
    if (t->s.unknown)
        printf("answers that did not come: %lld (unknown, not wrong)\n", (long long)t->s.unknown);
    proposer_print(t->p);
}

void prompt_print(const prompt_task *t) {
    scoring_print(t->p, &t->s);
    print_winner(t);
    print_comparisons(t);
    print_use(t);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *real(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *winner_json(const prompt_task *t) {
    const opro_trajectory *all = prompt_trajectory(t);

    return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "instruction", prompt_winner(t), "number",
                     (json_int_t)t->winner, "step",
                     (json_int_t)opro_trajectory_step(all, t->winner), "train",
                     share_json(t->train), "validation", share_json(t->validation), "test",
                     share_json(t->test_share));
}

static json_t *gap_json(const prompt_task *t) {
    if (isnan(t->gap[0])) return json_null();
    return json_pack("{s:f, s:f, s:f}", "value", t->gap[0], "low", t->gap[1], "high", t->gap[2]);
}

static json_t *comparisons_json(const prompt_task *t) {
    json_t *list = json_array();

    for (size_t i = 0; i < t->n_compared; i++) {
        const comparison *c = &t->compared[i];

        if (!c->better.known) continue; /* Ctrl-C */
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:b}", "name", c->name,
                                              "instruction", c->instruction, "set",
                                              split_name(t->held), "accuracy", share_json(c->right),
                                              "difference", share_json(c->better),
                                              "at_least_as_good", c->better.value >= 0));
    }
    return list;
}

static const char *verdict_name(int32_t verdict) {
    return verdict == OPRO_VERDICT_SCORED     ? "scored"
           : verdict == OPRO_VERDICT_REJECTED ? "rejected"
                                              : "failed";
}

static json_t *candidate_json(const opro_trajectory *all, int64_t i) {
    int partial = (opro_trajectory_flags(all, i) & OPRO_FLAG_PARTIAL) != 0;
    share train = share_of_candidate(all, i, OPRO_TRAIN);
    json_t *object =
        json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:s, s:b, s:o, s:I}", "number", (json_int_t)i,
                  "instruction", opro_trajectory_text(all, i, NULL), "verdict",
                  verdict_name(opro_trajectory_verdict(all, i)), "step",
                  (json_int_t)opro_trajectory_step(all, i), "sample",
                  (json_int_t)opro_trajectory_sample(all, i), "proposals",
                  (json_int_t)opro_trajectory_proposals(all, i), "origin",
                  opro_origin_name(opro_trajectory_origin(all, i)), "partial", partial, "score",
                  real(opro_trajectory_score(all, i)), "train_known", (json_int_t)train.known);

    json_object_set_new(object, "train", partial ? json_null() : share_json(train));
    json_object_set_new(object, "validation",
                        share_json(share_of_candidate(all, i, OPRO_VALIDATION)));
    json_object_set_new(object, "detail", json_string(opro_trajectory_detail(all, i, NULL)));
    return object;
}

static json_t *candidates_json(const opro_trajectory *all) {
    json_t *list = json_array();

    for (int64_t i = 0; i < opro_trajectory_count(all); i++)
        json_array_append_new(list, candidate_json(all, i));
    return list;
}

/* Step -1 are the starts; one more than there are steps is the confirm stage. */
static json_t *figures_json(const opro_trajectory *all) {
    static const struct {
        const char *name;
        int32_t figure;
    } figures[] = {{"proposals", OPRO_FIGURE_PROPOSALS},
                   {"scored", OPRO_FIGURE_SCORED},
                   {"rejected", OPRO_FIGURE_REJECTED},
                   {"duplicates", OPRO_FIGURE_DUPLICATES},
                   {"failed", OPRO_FIGURE_FAILED},
                   {"best", OPRO_FIGURE_BEST},
                   {"mean", OPRO_FIGURE_MEAN},
                   {"deviation", OPRO_FIGURE_DEVIATION},
                   {"best_so_far", OPRO_FIGURE_BEST_SO_FAR},
                   {"scorer_calls", OPRO_FIGURE_SCORER_CALLS},
                   {"prompt_tokens", OPRO_FIGURE_PROMPT_TOKENS},
                   {"reply_tokens", OPRO_FIGURE_REPLY_TOKENS},
                   {"cost_millionths", OPRO_FIGURE_COST}};
    json_t *list = json_array();

    for (int64_t step = -1; step <= opro_trajectory_steps(all); step++) {
        json_t *row = json_pack("{s:I}", "step", (json_int_t)step);

        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
            json_object_set_new(row, figures[i].name,
                                real(opro_trajectory_figure(all, step, figures[i].figure)));
        json_array_append_new(list, row);
    }
    return list;
}

/* Of the models, with what came after the run. */
static json_t *use_json(const prompt_task *t) {
    static const struct {
        const char *name;
        int32_t figure;
    } figures[] = {
        {"requests", OPRO_MODEL_REQUESTS},         {"retries", OPRO_MODEL_RETRIES},
        {"cache_hits", OPRO_MODEL_CACHE_HITS},     {"prompt_tokens", OPRO_MODEL_PROMPT_TOKENS},
        {"reply_tokens", OPRO_MODEL_REPLY_TOKENS}, {"cost_millionths", OPRO_MODEL_COST}};
    json_t *object = json_pack("{s:I, s:I}", "answers", (json_int_t)t->s.decided, "unknown",
                               (json_int_t)t->s.unknown);

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        json_object_set_new(object, figures[i].name,
                            json_integer(scoring_figure(&t->s, figures[i].figure)));
    return object;
}

int prompt_print_json(const prompt_task *t) {
    json_t *result =
        t->winner < 0 ? json_pack("{s:s}", "program", t->p->name) : program_result(t->p);

    json_object_set_new(result, "dataset", scoring_json(t->p, &t->s));
    json_object_set_new(result, "estimate", scoring_estimates_json(t->estimates, ESTIMATES));
    if (t->winner >= 0) { /* it was no dry run */
        json_object_set_new(result, "winner", winner_json(t));
        json_object_set_new(result, "gap", gap_json(t));
        json_object_set_new(result, "confirmed_among",
                            json_integer(opro_run_confirmed(prompt_run(t))));
        json_object_set_new(result, "held_out",
                            t->held == OPRO_TRAIN ? json_null() : json_string(split_name(t->held)));
        json_object_set_new(result, "comparisons", comparisons_json(t));
        json_object_set_new(result, "train_calls", json_integer(t->train_calls));
        json_object_set_new(result, "train_calls_full", json_integer(t->train_calls_full));
        json_object_set_new(result, "use", use_json(t));
        json_object_set_new(result, "figures", figures_json(prompt_trajectory(t)));
        json_object_set_new(result, "instructions", candidates_json(prompt_trajectory(t)));
    }
    return program_print_json(t->p, result);
}
