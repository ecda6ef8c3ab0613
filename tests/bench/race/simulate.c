/* SPDX-License-Identifier: MIT */
/*
 * build/tests/simulate [--quick|--full] [--worlds N] [--seed N] [--strict]: what dropping
 * candidates early saves and costs, and what the choice of the winner is worth, in a world where
 * the truth is known (world.h). The library's own race and confirm stage are run, beside other
 * rules.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/confirm.h"
#include "core/race.h"
#include "rules.h"

#define PER_STEP      8
#define STEPS         30
#define CHOICE_STEPS  50
#define PROPOSAL_COST 64 /* of a step, in scorer calls */

static int bars, missed;

/* ---- figures --------------------------------------------------------------------------------- */

typedef struct figure {
    double n, mean, squares; /* Welford 1962 */
} figure;

static void count(figure *f, double value) {
    double before = f->mean;

    f->n++;
    f->mean += (value - before) / f->n;
    f->squares += (value - before) * (value - f->mean);
}

/* Of the mean. */
static double error_of(const figure *f) {
    return f->n > 1 ? sqrt(f->squares / (f->n - 1) / f->n) : 0;
}

/* The mean over the scenarios, its standard error, and the least and greatest of them. */
typedef struct summary {
    double mean, error, least, most;
} summary;

static summary summarize(const figure figures[SCENARIOS]) {
    summary s = {0, 0, INFINITY, -INFINITY};

    for (size_t i = 0; i < SCENARIOS; i++) {
        double error = error_of(&figures[i]) / SCENARIOS;

        s.mean += figures[i].mean / SCENARIOS;
        s.error += error * error;
        if (figures[i].mean < s.least) s.least = figures[i].mean;
        if (figures[i].mean > s.most) s.most = figures[i].mean;
    }
    s.error = sqrt(s.error);
    return s;
}

static void bar(const char *what, double found, double error, int at_most, double limit) {
    int holds = at_most ? found <= limit : found >= limit;

    printf("  %-52s %6.2f (error %.2f)  bar: %s %g: %s\n", what, found, error,
           at_most ? "at most" : "at least", limit, holds ? "holds" : "DOES NOT HOLD");
    bars++;
    missed += !holds;
}

/* ---- a run ----------------------------------------------------------------------------------- */

typedef struct run {
    world world;
    ranking shown, best;
    double cost;
    size_t steps, calls, better, dropped; /* better: than the best, had it been scored */
} run;

static void take(run *r, const rule *by, size_t number, size_t mother, const ranking *best,
                 size_t to_beat) {
    outcome o = by->score(&r->world, number, mother, best);
    int better = r->world.candidates[number].right > to_beat;

    r->calls += o.calls;
    r->cost += (double)o.calls;
    r->better += (size_t)better;
    r->dropped += better && !o.whole;
    if (o.whole) ranking_add(&r->best, number, o.score);
    if (!isnan(o.score)) ranking_add(&r->shown, number, o.score);
}

static void begin(run *r, const rule *by, const scenario *s, size_t n, size_t fresh,
                  uint64_t seed) {
    ranking nobody = {0};

    *r = (run){0};
    world_begin(&r->world, s, n, fresh, seed);
    take(r, by, 0, 0, &nobody, SIZE_MAX);
    r->calls = 0; /* it costs the same by every rule */
    r->cost = 0;
}

/* Everybody in a step is made from, and compared with, what was there before it. */
static void step(run *r, const rule *by) {
    ranking shown = r->shown, best = r->best;
    size_t to_beat = r->world.candidates[best.numbers[0]].right;

    for (int i = 0; i < PER_STEP; i++) {
        size_t mother, number = world_child(&r->world, shown.numbers, shown.n, &mother);

        take(r, by, number, mother, &best, to_beat);
    }
    r->cost += PROPOSAL_COST;
    r->steps++;
}

static double truth(const run *r, size_t number) {
    return 100 * world_accuracy(&r->world.candidates[number]);
}

/* ---- dropping early -------------------------------------------------------------------------- */

enum {
    CALLS,    /* of full scoring's, in percent                          */
    DROPPED,  /* of those that would have been the best, in percent     */
    BY_STEPS, /* true accuracy beside full scoring's, in points, after as many steps  */
    BY_COST,  /* ... and when as much is spent                          */
    AFFORDED, /* steps for what full scoring costs                     */
    COLUMNS
};

typedef figure table[COLUMNS][SCENARIOS];

/* All rules in one world. Accuracy of full scoring comes first, since others stand beside it. */
static void race_once(table *tables, size_t s, size_t n, uint64_t seed) {
    double budget = (double)STEPS * (PROPOSAL_COST + PER_STEP * (double)n);
    double full = 0;

    for (size_t i = 0; i < RULES; i++) {
        double by_steps;
        run r;

        begin(&r, &rules[i], &scenarios[s], n, 0, seed);
        while (r.steps < STEPS)
            step(&r, &rules[i]);
        by_steps = truth(&r, r.best.numbers[0]);
        if (i == RULE_FULL) full = by_steps;
        count(&tables[i][CALLS][s], 100 * (double)r.calls / (double)(STEPS * PER_STEP * n));
        count(&tables[i][BY_STEPS][s], by_steps - full);
        for (size_t k = 0; k < r.better; k++)
            count(&tables[i][DROPPED][s], k < r.dropped ? 100 : 0);
        while (r.cost < budget)
            step(&r, &rules[i]);
        count(&tables[i][BY_COST][s], truth(&r, r.best.numbers[0]) - full);
        count(&tables[i][AFFORDED][s], (double)r.steps);
        world_end(&r.world);
    }
}

static void print_column(summary s, const char *format) {
    printf(format, s.mean, s.least, s.most);
}

static void race_bars(table t) {
    summary calls = summarize(t[CALLS]), dropped = summarize(t[DROPPED]);
    summary by_steps = summarize(t[BY_STEPS]), by_cost = summarize(t[BY_COST]);

    printf("race, recommended:\n");
    bar("calls, %", calls.mean, calls.error, 1, 40);
    bar("dropped of those that would have been the best, %", dropped.mean, dropped.error, 1, 4);
    bar("lost at equal steps, points", -by_steps.mean, by_steps.error, 1, 0.6);
    bar("won at equal cost, points", by_cost.mean, by_cost.error, 0, 3);
}

static void race_all(size_t n, int worlds, uint64_t seed, int has_bars) {
    static table tables[RULES];

    memset(tables, 0, sizeof tables);
    for (int i = 0; i < worlds; i++)
        for (size_t s = 0; s < SCENARIOS; s++)
            race_once(tables, s, n, seed + (uint64_t)i);
    printf("\n== %zu training instances, %d worlds of each of %d scenarios: mean [least, greatest "
           "of them]\n%-28s %-17s%-17s%-23s%-23s%s\n",
           n, worlds, SCENARIOS, "", "calls, %", "best dropped, %", "equal steps, points",
           "equal cost, points", "steps for it");
    for (size_t i = 0; i < RULES; i++) {
        printf("%-28s", rules[i].name);
        print_column(summarize(tables[i][CALLS]), " %5.1f [%3.0f, %3.0f]");
        print_column(summarize(tables[i][DROPPED]), " %5.1f [%3.0f, %3.0f]");
        print_column(summarize(tables[i][BY_STEPS]), " %+6.2f [%+6.2f, %+5.2f]");
        print_column(summarize(tables[i][BY_COST]), " %+6.2f [%+6.2f, %+5.2f]");
        print_column(summarize(tables[i][AFFORDED]), " %4.0f [%3.0f, %3.0f]\n");
    }
    if (has_bars) race_bars(tables[RULE_RECOMMENDED]);
    fflush(stdout);
}

/* ---- the winner ------------------------------------------------------------------------------ */

enum {
    TRAINED,       /* true accuracy of the best in training, in points */
    TRAINED_TOO,   /* ... and by how much its score there is better    */
    CONFIRMED,     /* the winner's gain on that                        */
    CONFIRMED_TOO, /* ... and by how much what is reported is better */
    PRICE,         /* calls of the confirm stage                       */
    CHOICES
};

typedef figure choice[CHOICES][SCENARIOS];

/* Who wins among the best of a run; calls that it took. */
static size_t confirm_run(const run *r, opro__confirm *confirm, size_t fresh) {
    size_t n = r->world.n_train, from, to, calls = 0;
    int64_t *order = malloc(fresh * sizeof *order);

    if (!order) abort();
    opro__race_order(order, fresh, r->world.seed, 0);
    opro__confirm_begin(confirm, n, fresh, 0);
    for (size_t i = 0; i < r->best.n; i++)
        if (!opro__confirm_enter(confirm, (int64_t)r->best.numbers[i], r->best.scores[i])) break;
    while (opro__confirm_next(confirm, &from, &to)) {
        for (size_t i = 0; i < confirm->n_in; i++) {
            const candidate *c = &r->world.candidates[confirm->in[i].number];

            for (size_t k = from; k < to; k++)
                opro__confirm_score(confirm, i, c->solved[n + (size_t)order[k]]);
            calls += to - from;
        }
        opro__confirm_cut(confirm);
    }
    free(order);
    return calls;
}

static void choose_once(choice c, const rule *by, size_t s, size_t n, uint64_t seed) {
    const opro__contender *winner;
    opro__confirm confirm;
    double best;
    run r;

    begin(&r, by, &scenarios[s], n, n, seed);
    while (r.steps < CHOICE_STEPS)
        step(&r, by);
    best = truth(&r, r.best.numbers[0]);
    count(&c[PRICE][s], (double)confirm_run(&r, &confirm, n));
    winner = opro__confirm_winner(&confirm);
    count(&c[TRAINED][s], best);
    count(&c[TRAINED_TOO][s], 100 * r.best.scores[0] - best);
    count(&c[CONFIRMED][s], truth(&r, (size_t)winner->number) - best);
    count(&c[CONFIRMED_TOO][s],
          100 * opro__confirm_fresh(&confirm, winner) - truth(&r, (size_t)winner->number));
    world_end(&r.world);
}

static void choose_all(size_t n, int worlds, uint64_t seed, double most) {
    static const size_t which[] = {RULE_FULL, RULE_RECOMMENDED};

    printf("\n== the winner after %d steps: %zu training instances, %zu fresh ones\n"
           "%-28s %-19s%-21s%-23s%-21s%s\n",
           CHOICE_STEPS, n, n, "", "best in training", "too good by", "confirmed: points won",
           "too good by", "calls");
    for (size_t i = 0; i < 2; i++) {
        choice c = {{{0}}};
        summary reported;

        for (int k = 0; k < worlds; k++)
            for (size_t s = 0; s < SCENARIOS; s++)
                choose_once(c, &rules[which[i]], s, n, seed + (uint64_t)k);
        reported = summarize(c[CONFIRMED_TOO]);
        printf("%-28s", rules[which[i]].name);
        print_column(summarize(c[TRAINED]), " %5.1f [%4.1f, %4.1f]");
        print_column(summarize(c[TRAINED_TOO]), " %+5.1f [%+5.1f, %+5.1f]");
        print_column(summarize(c[CONFIRMED]), " %+6.2f [%+6.2f, %+5.2f]");
        print_column(reported, " %+5.1f [%+5.1f, %+5.1f]");
        print_column(summarize(c[PRICE]), " %4.0f\n");
        if (most > 0)
            bar("reported score is too good by, points", reported.mean, reported.error, 1, most);
    }
    fflush(stdout);
}

/* ---- the program ----------------------------------------------------------------------------- */

static int usage(FILE *to, int code) {
    fputs("usage: simulate [--quick|--full] [--worlds N] [--seed N] [--strict]\n\n"
          "Candidates dropped early by several rules, and the choice of the winner, where the "
          "truth is known.\n"
          "  --quick     fewer worlds: about a minute\n"
          "  --full      more, and 1000 training instances too\n"
          "  --worlds N  so many worlds of each scenario\n"
          "  --strict    exit code 1 when a bar does not hold\n",
          to);
    return code;
}

/* A number that an option has; -1: it has none. */
static long number(const char *text) {
    char *end;
    long n = text ? strtol(text, &end, 10) : -1;

    return text && *text && !*end && n >= 0 && n < 1000000 ? n : -1;
}

int main(int argc, char **argv) {
    int worlds = 150, full = 0, strict = 0;
    long seed = 1;

    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];

        if (strcmp(option, "--help") == 0) return usage(stdout, 0);
        if (strcmp(option, "--quick") == 0) {
            worlds = 80;
        } else if (strcmp(option, "--full") == 0) {
            worlds = 500;
            full = 1;
        } else if (strcmp(option, "--strict") == 0) {
            strict = 1;
        } else if (strcmp(option, "--worlds") == 0 && number(argv[i + 1]) > 0) {
            worlds = (int)number(argv[++i]);
        } else if (strcmp(option, "--seed") == 0 && number(argv[i + 1]) >= 0) {
            seed = number(argv[++i]);
        } else {
            return usage(stderr, 2);
        }
    }
    world_prepare();
    seed *= 1000000; /* worlds of one seed are no worlds of the next */
    race_all(50, worlds, (uint64_t)seed, 0);
    race_all(200, worlds, (uint64_t)seed, 1);
    if (full) race_all(1000, worlds / 5, (uint64_t)seed, 0);
    choose_all(50, worlds, (uint64_t)seed, 5);
    choose_all(200, worlds, (uint64_t)seed, 2);
    if (full) choose_all(1000, worlds / 5, (uint64_t)seed, 0);
    printf("\n%d bars, %d hold, %d do not\n", bars, bars - missed, missed);
    return strict && missed ? 1 : 0;
}
