/* SPDX-License-Identifier: MIT */
/* The shortest round trip through the places of a TSPLIB file. */
#include <math.h>
#include <stdlib.h>

#include "travel.h"

static const char *metric_name(const opro_tour *tour) {
    switch (opro_tour_metric(tour)) {
    case OPRO_METRIC_EUC_2D: return "EUC_2D";
    case OPRO_METRIC_CEIL_2D: return "CEIL_2D";
    case OPRO_METRIC_ATT: return "ATT";
    case OPRO_METRIC_GEO: return "GEO";
    default: return "EXPLICIT";
    }
}

static int load(program *p, travel *t) {
    size_t len;
    char *text = read_file(p, p->input, &len);
    opro_status st;
    int status;

    if (!text) return 1;
    st = opro_tour_new(&t->tour, NULL);
    if (st == OPRO_OK) st = opro_tour_read_tsplib(t->tour, text, len);
    status = program_check(p, st, t->tour ? opro_tour_error(t->tour) : NULL, p->input);
    free(text);
    return status;
}

/* How much longer than the optimum, in percent; NaN if that cannot be said. */
static double gap(const travel *t, double optimum) {
    return optimum > 0 ? 100 * (t->length / optimum - 1) : t->length > 0 ? NAN : 0;
}

static void print(const program *p, const travel *t, double optimum) {
    double score;

    printf("%s: %zu places, %s%s\n", opro_tour_name(t->tour, NULL), t->n, metric_name(t->tour),
           t->blind ? "; the search sees lengths only" : "");
    travel_print(t, 0, ""); /* weights in TSPLIB files are integers */
    if (!isnan(gap(t, optimum)))
        printf("optimum              %10.10g   gap %.3f %%\n", optimum, gap(t, optimum));
    program_print(p);
    printf("places, numbered from 0: %s\n", program_best(p, &score));
}

static int print_json(const program *p, const travel *t, double optimum) {
    json_t *result = program_result(p);

    travel_result(t, result);
    json_object_set_new(result, "instance", json_string(opro_tour_name(t->tour, NULL)));
    if (!isnan(gap(t, optimum))) {
        json_object_set_new(result, "optimum", json_real(optimum));
        json_object_set_new(result, "gap_percent", json_real(gap(t, optimum)));
    }
    return program_print_json(p, result);
}

static int write_report(program *p, const travel *t, double optimum) {
    char title[160], subtitle[160];
    double score;
    report r = {.title = title, .subtitle = subtitle, .score_name = "Length"};

    snprintf(title, sizeof title, "A round trip through %s", opro_tour_name(t->tour, NULL));
    snprintf(subtitle, sizeof subtitle, "%zu places, %s%s", t->n, metric_name(t->tour),
             t->blind ? "; the search sees lengths only" : "");
    r.solution = program_best(p, &score);
    report_fact(&r, "best round trip", "%.10g", t->length);
    report_fact(&r, "farthest insertion", "%.10g (%+.1f %%)", t->farthest,
                travel_longer(t, t->farthest));
    report_fact(&r, "nearest neighbour", "%.10g (%+.1f %%)", t->nearest,
                travel_longer(t, t->nearest));
    if (!isnan(gap(t, optimum))) {
        report_fact(&r, "optimum", "%.10g", optimum);
        report_fact(&r, "gap", "%.3f %%", gap(t, optimum));
        report_mark(&r, "optimum", optimum);
    }
    report_run(&r, p);
    return travel_report(p, t, &r);
}

int main(int argc, char **argv) {
    travel t = {.starts = -1};
    double optimum = NAN;
    const option options[] = {
        {"blind", NULL, "the search sees lengths only, no distances (option polish=0)", OPTION_FLAG,
         &t.blind},
        {"starts", "N", "random round trips to start from (default 0; with a model 5)",
         OPTION_COUNT, &t.starts},
        {"optimum", "N", "the length of the shortest round trip: prints the gap, and stops there",
         OPTION_REAL, &optimum}};
    program p = {.name = "tour",
                 .operand = "FILE.tsp",
                 .about = "Look for the shortest round trip through the places of a TSPLIB file.",
                 .options = options,
                 .n_options = sizeof options / sizeof *options};
    int status = program_open(&p, argc, argv);

    if (status == 0 && !isnan(optimum) && !(optimum >= 0))
        status = program_fail(&p, "--optimum: a length is 0 or more, not %g", optimum);
    if (status == 0 && !isnan(optimum)) /* room for rounding where lengths are no integers */
        opro_config_set_real(p.config, OPRO_OPT_TARGET_SCORE, optimum * (1 + 1e-12));
    if (t.starts < 0) t.starts = p.by.at.kind == PROPOSER_LOCAL ? 0 : 5;
    if (status == 0) status = load(&p, &t);
    if (status == 0) status = travel_run(&p, &t);
    if (status == 0) status = write_report(&p, &t, optimum);
    if (status == 0 && p.json) status = print_json(&p, &t, optimum);
    if (status == 0 && !p.json) print(&p, &t, optimum);
    travel_free(&t);
    return program_close(&p, status);
}
