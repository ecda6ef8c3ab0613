/* SPDX-License-Identifier: MIT */
/*
 * Instances of the travelling salesman's problem: every way to write them, their optimal tours, the
 * two baselines. Takes the folder with optima.json, or one of the folders tsplib, tsp_random and
 * tsplib_formats in it.
 */
#include "conformance.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opro/tour.h"
#include "sha256.h"

/* The instance that is looked at. */
typedef struct subject {
    tally *counts;
    const char *name;
    opro_tour *tour;
    size_t n;
    int32_t *nodes; /* n of them, to work with */
} subject;

static void count(const subject *s, int agrees, const char *what, const char *expect,
                  const char *found) {
    *(agrees ? &s->counts->agree : &s->counts->disagree) += 1;
    if (!agrees) printf("%s: %s: expected %s, found %s\n", s->name, what, expect, found);
}

/* Integers agree exactly, sums of real lengths but for the order in which they were added. */
static void compare(const subject *s, const char *what, double expect, double found) {
    double tolerance = expect == floor(expect) ? 0 : 1e-12 * fabs(expect);
    char a[40], b[40];

    snprintf(a, sizeof a, "%.17g", expect);
    snprintf(b, sizeof b, "%.17g", found);
    count(s, fabs(expect - found) <= tolerance, what, a, b);
}

/* ---- files ----------------------------------------------------------------------------------- */

static int exists(const char *path) {
    FILE *file = fopen(path, "rb");

    if (file) fclose(file);
    return file != NULL;
}

static char *path_of(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);

    if (path) snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static json_t *load_json(const char *folder, const char *name) {
    char *path = path_of(folder, name);
    json_error_t error;
    json_t *json = path ? json_load_file(path, 0, &error) : NULL;

    if (!json) fprintf(stderr, "%s: %s\n", path ? path : name, path ? error.text : "no memory");
    free(path);
    return json;
}

/* A new instance with what is in a file; the status of reading it. NULL: not readable. */
static opro_tour *load(const char *folder, const char *name, opro_status *st) {
    char *path = path_of(folder, name), *text;
    opro_tour *tour = NULL;
    size_t len = 0;

    text = path ? read_file(path, &len) : NULL;
    if (text && opro_tour_new(&tour, NULL) == OPRO_OK) *st = opro_tour_read_tsplib(tour, text, len);
    free(text);
    free(path);
    return tour;
}

/* ---- tours and baselines --------------------------------------------------------------------- */

static double length_of(const subject *s) {
    double length;

    return opro_tour_length(s->tour, s->nodes, s->n, &length) == OPRO_OK ? length : NAN;
}

static void check_solution(const subject *s, const char *folder, const char *name, double optimum) {
    char *path = path_of(folder, name), *text;
    size_t len = 0;
    int read = 0;

    text = path ? read_file(path, &len) : NULL;
    if (text) read = opro_tour_read_solution(s->tour, text, len, s->nodes, s->n) == OPRO_OK;
    count(s, read, name, "a solution", opro_error_message(opro_tour_error(s->tour), NULL));
    if (read) compare(s, name, optimum, length_of(s));
    free(text);
    free(path);
}

static void check_tour(const subject *s, const json_t *tour, double optimum) {
    for (size_t i = 0; i < s->n; i++)
        s->nodes[i] = (int32_t)json_integer_value(json_array_get(tour, i));
    compare(s, "its optimal tour", optimum, length_of(s));
}

typedef opro_status (*baseline)(const opro_tour *tour, size_t start, int32_t *nodes, size_t n);

static double length_from(const subject *s, baseline construct, size_t start) {
    return construct(s->tour, start, s->nodes, s->n) == OPRO_OK ? length_of(s) : NAN;
}

static double shortest(const subject *s, baseline construct) {
    double best = INFINITY;

    for (size_t i = 0; i < s->n; i++)
        best = fmin(best, length_from(s, construct, i));
    return best;
}

/*
 * Starts whose tours are the same may differ in the last digit of the sum: any of them may be
 * called the best.
 */
static void check_baseline(const subject *s, const json_t *expect, const char *name,
                           baseline construct) {
    const json_t *best, *value;
    char what[60];

    snprintf(what, sizeof what, "%s_from_0", name);
    if ((value = json_object_get(expect, what)))
        compare(s, what, json_number_value(value), length_from(s, construct, 0));
    snprintf(what, sizeof what, "%s_best", name);
    if (!(best = json_object_get(expect, what))) return;
    compare(s, what, json_number_value(best), shortest(s, construct));
    snprintf(what, sizeof what, "%s_best_start", name);
    if ((value = json_object_get(expect, what)))
        compare(s, what, json_number_value(best),
                length_from(s, construct, (size_t)json_integer_value(value)));
}

/* What is known of an instance under one metric: "optimum", "tour", "baselines". */
static void check_metric(const subject *s, const json_t *known) {
    const json_t *baselines = json_object_get(known, "baselines");

    check_tour(s, json_object_get(known, "tour"),
               json_number_value(json_object_get(known, "optimum")));
    check_baseline(s, baselines, "nn", opro_tour_nearest_neighbour);
    check_baseline(s, baselines, "fi_paper", opro_tour_farthest_insertion);
}

/* The same places, with lengths that are not rounded. */
static void check_unrounded(const subject *s, const json_t *known) {
    double *x = calloc(s->n, sizeof *x), *y = calloc(s->n, sizeof *y);
    subject real = *s;

    real.tour = NULL;
    if (x && y && opro_tour_new(&real.tour, NULL) == OPRO_OK) {
        for (size_t i = 0; i < s->n; i++)
            opro_tour_point(s->tour, i, &x[i], &y[i]);
        if (opro_tour_set_points(real.tour, OPRO_METRIC_EUCLIDEAN, x, y, s->n) == OPRO_OK)
            check_metric(&real, known);
    }
    opro_tour_free(real.tour);
    free(x);
    free(y);
}

/* ---- instances ------------------------------------------------------------------------------- */

/* The name behind the last slash. */
static const char *base_name(const char *file) {
    const char *slash = file ? strrchr(file, '/') : NULL;

    return slash ? slash + 1 : file;
}

static void check_instance(tally *counts, const char *folder, const json_t *known) {
    const char *file = base_name(json_string_value(json_object_get(known, "file")));
    const json_t *rounded = json_object_get(known, "euc_2d");
    opro_status st = OPRO_ERR_FAILED;
    subject s = {.counts = counts, .name = file, .tour = load(folder, file, &st)};
    char solution[300];

    s.n = (size_t)json_integer_value(json_object_get(known, "n"));
    s.nodes = calloc(s.n, sizeof *s.nodes);
    count(&s, s.tour && s.nodes && st == OPRO_OK && opro_tour_size(s.tour) == s.n, "reading it",
          "an instance", s.tour ? opro_error_message(opro_tour_error(s.tour), NULL) : "no file");
    if (s.tour && s.nodes && st == OPRO_OK && opro_tour_size(s.tour) == s.n) {
        if (!rounded) rounded = known;
        snprintf(solution, sizeof solution, "%.*s.opt.tour", (int)(strcspn(file, ".")), file);
        check_solution(&s, folder, solution,
                       json_number_value(json_object_get(rounded, "optimum")));
        check_metric(&s, rounded);
        if (json_object_get(known, "euclidean"))
            check_unrounded(&s, json_object_get(known, "euclidean"));
    }
    free(s.nodes);
    opro_tour_free(s.tour);
}

/* All instances of optima.json that are in a folder. */
static void check_instances(tally *counts, const char *folder, const json_t *optima) {
    const char *const lists[] = {"tsplib", "random"};
    const json_t *known;
    size_t i;

    for (size_t list = 0; list < 2; list++)
        json_array_foreach(json_object_get(optima, lists[list]), i, known) {
            const char *file = base_name(json_string_value(json_object_get(known, "file")));
            char *path = file ? path_of(folder, file) : NULL;

            if (path && exists(path)) check_instance(counts, folder, known);
            free(path);
        }
}

/* ---- formats --------------------------------------------------------------------------------- */

/*
 * The digest of the matrix: rows of integers with blanks between them, and line ends between the
 * rows.
 */
static void digest(const subject *s, char hex[65]) {
    char *text = malloc(s->n * s->n * 20 + 1);
    size_t len = 0;

    hex[0] = '\0';
    if (!text) return;
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->n; j++)
            len += (size_t)sprintf(text + len, "%.0f%s", opro_tour_weight(s->tour, i, j),
                                   j + 1 < s->n   ? " "
                                   : i + 1 < s->n ? "\n"
                                                  : "");
    sha256_hex(text, len, hex);
    free(text);
}

static void check_format(tally *counts, const char *folder, const json_t *known) {
    const char *file = json_string_value(json_object_get(known, "file"));
    const json_t *valid = json_object_get(known, "valid");
    const char *expect = json_string_value(json_object_get(known, "matrix_sha256"));
    opro_status st = OPRO_ERR_FAILED;
    subject s = {.counts = counts, .name = file, .tour = load(folder, file, &st)};
    const char *message = s.tour ? opro_error_message(opro_tour_error(s.tour), NULL) : "no file";
    char hex[65];

    s.n = (size_t)json_integer_value(json_object_get(known, "n"));
    if (!json_is_true(
            valid)) { /* refused, with the line; what may be read or not is refused here */
        count(&s, st == OPRO_ERR_PARSE && strncmp(message, "line ", 5) == 0, "reading it",
              "a refusal that names the line", st == OPRO_OK ? "an instance" : message);
    } else if (st != OPRO_OK || opro_tour_size(s.tour) != s.n) {
        count(&s, 0, "reading it", "an instance of the right size", message);
    } else {
        digest(&s, hex);
        count(&s, expect && strcmp(hex, expect) == 0, "the digest of the matrix",
              expect ? expect : "one", hex);
    }
    opro_tour_free(s.tour);
}

static int check_formats(tally *counts, const char *folder) {
    json_t *expect = load_json(folder, "expect.json");
    const json_t *known;
    size_t i;

    if (!expect) return 0;
    json_array_foreach(json_object_get(expect, "files"), i, known)
        check_format(counts, folder, known);
    json_decref(expect);
    return 1;
}

/* ---- the folder ------------------------------------------------------------------------------ */

static int check_all(tally *counts, const char *folder) {
    char *tsplib = path_of(folder, "tsplib"), *random = path_of(folder, "tsp_random");
    char *formats = path_of(folder, "tsplib_formats");
    json_t *optima = load_json(folder, "optima.json");
    int done = tsplib && random && formats && optima;

    if (done) {
        check_instances(counts, tsplib, optima);
        check_instances(counts, random, optima);
        done = check_formats(counts, formats);
    }
    json_decref(optima);
    free(formats);
    free(random);
    free(tsplib);
    return done;
}

static int check_one(tally *counts, const char *folder) {
    char *parent = path_of(folder, "..");
    json_t *optima = parent ? load_json(parent, "optima.json") : NULL;

    if (optima) check_instances(counts, folder, optima);
    json_decref(optima);
    free(parent);
    return optima != NULL;
}

int conformance_tsplib(const char *folder) {
    char *optima = path_of(folder, "optima.json"), *expect = path_of(folder, "expect.json");
    tally counts = {0, 0};
    int done = 0;

    if (optima && expect)
        done = exists(optima)   ? check_all(&counts, folder)
               : exists(expect) ? check_formats(&counts, folder)
                                : check_one(&counts, folder);
    free(optima);
    free(expect);
    if (!done || counts.agree + counts.disagree == 0) {
        fprintf(stderr, "%s: nothing to compare with\n", folder);
        return CONFORMANCE_TROUBLE;
    }
    return tally_print(&counts);
}
