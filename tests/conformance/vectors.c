/* SPDX-License-Identifier: MIT */
/*
 * Functions of the published program, compared vector by vector. What is to come out differently
 * here is said, with its reason, and compared with what does.
 */
#include "vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

typedef int (*same_fn)(json_t *expected, json_t *got);

/* Numbers, in lists and objects, but for the order in which sums were added up. */
static int near(json_t *expected, json_t *got) {
    const double a = json_number_value(expected), b = json_number_value(got);
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_real(expected)) return json_is_real(got) && fabs(a - b) <= 1e-12 * fabs(a);
    if (json_array_size(expected) != json_array_size(got)) return 0;
    json_array_foreach(expected, i, value) {
        if (!near(value, json_array_get(got, i))) return 0;
    }
    json_object_foreach(expected, key, value) {
        if (!near(value, json_object_get(got, key))) return 0;
    }
    return json_object_size(expected) == json_object_size(got);
}

/* The places of a round trip from 0 on, i of them one way or the other. */
static double stop(const json_t *tour, size_t i, int backwards) {
    const size_t n = json_array_size(tour);
    size_t zero = 0;

    while (zero < n && json_number_value(json_array_get(tour, zero)) != 0)
        zero++;
    return json_number_value(json_array_get(tour, (zero + (backwards ? n - i : i)) % n));
}

/* A round trip may be gone both ways. */
static int same_trip(json_t *expected, json_t *got) {
    const json_t *a = json_object_get(expected, "tour"), *b = json_object_get(got, "tour");
    const size_t n = json_array_size(a);
    int same[2] = {1, 1};

    if (json_array_size(b) != n ||
        !json_equal(json_object_get(expected, "len"), json_object_get(got, "len")))
        return 0;
    for (size_t i = 0; i < n; i++)
        for (int way = 0; way < 2; way++)
            same[way] &= stop(a, i, 0) == stop(b, i, way);
    return same[0] || same[1];
}

/* One row a function. fn NULL: not compared; why: then the reason. */
static const struct {
    const char *name;
    vector_fn fn;
    same_fn same;
    const char *why;
} functions[] = {
    {"accuracy", vector_accuracy, NULL, NULL},
    {"bracket_reply", vector_bracket_reply, NULL, NULL},
    {"bucketize", vector_bucketize, NULL, NULL},
    {"hash", NULL, NULL,
     "the MD5 by which the published program knows texts again and names files; here texts "
     "themselves are compared, ASCII or not"},
    {"ins_reply", vector_ins_reply, NULL, NULL},
    {"linreg_reply", vector_linreg_reply, NULL, NULL},
    {"linreg_setup", vector_linreg_setup, near, NULL},
    {"normalize", vector_normalize, NULL, NULL},
    {"polish", vector_polish, NULL, NULL},
    {"random_exemplars", vector_random_exemplars, NULL, NULL},
    {"scorer_prompt", vector_scorer_prompt, NULL, NULL},
    {"text_tag_reply", vector_text_tag_reply, NULL, NULL},
    {"train_split", vector_train_split, NULL, NULL},
    {"tsp_reply", vector_tsp_reply, NULL, NULL},
    {"tsp_solve", vector_tsp_solve, same_trip, NULL},
    {"verdict_one_round", vector_verdict_one_round, NULL, NULL},
    {"verdict_two_round", vector_verdict_two_round, NULL, NULL},
};

#define FUNCTIONS (sizeof functions / sizeof *functions)

typedef struct vectors {
    tally all;
    size_t of[FUNCTIONS]; /* vectors of each function */
    size_t different;     /* on purpose               */
    size_t unknown;       /* of no function here      */
} vectors;

/* ---- one vector ------------------------------------------------------------------------------ */

static void show(const char *what, const json_t *value) {
    char *text =
        value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;

    printf("    %s %s\n", what, text ? text : "(an error)");
    free(text);
}

static void show_all(const char *name, const char *why, const json_t *line, const json_t *got) {
    printf("%s: %s\n", name, why);
    show("given    ", json_object_get(line, "in"));
    show("published", json_object_get(line, "out"));
    show("ours     ", got);
}

static int is_same(size_t function, json_t *expected, json_t *got) {
    if (!expected || !got) return !expected && !got;
    return functions[function].same ? functions[function].same(expected, got)
                                    : json_equal(expected, got);
}

static int is_json(const char *text, json_t *got) {
    json_t *expected = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    int same = expected && json_equal(expected, got);

    json_decref(expected);
    return same;
}

static void compare_with(vectors *v, size_t function, const json_t *line) {
    const char *name = functions[function].name;
    const json_t *in = json_object_get(line, "in");
    const vector_difference *difference = vector_difference_of(name, in);
    json_t *got;

    if (!functions[function].fn) return;
    got = functions[function].fn(in);
    if (difference && is_json(difference->ours, got)) {
        v->different++;
        show_all(name, difference->why, line, got);
    } else if (!difference && is_same(function, json_object_get(line, "out"), got)) {
        v->all.agree++;
    } else {
        v->all.disagree++;
        show_all(name, "DISAGREES", line, got);
    }
    json_decref(got);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void compare(void *data, const json_t *line) {
    vectors *v = data;
    const char *name = json_string_value(json_object_get(line, "fn"));

    for (size_t i = 0; i < FUNCTIONS; i++)
        if (name && strcmp(name, functions[i].name) == 0) {
            v->of[i]++;
            compare_with(v, i, line);
            return;
        }
    v->unknown++;
}

int conformance_vectors(const char *path) {
    vectors v = {.all = {0, 0}};
    int bad = each_line(path, compare, &v);

    if (bad < 0) return CONFORMANCE_TROUBLE;
    v.all.disagree += (size_t)bad;
    for (size_t i = 0; i < FUNCTIONS; i++)
        printf("%s: %zu%s%s\n", functions[i].name, v.of[i],
               functions[i].fn ? "" : " NOT COMPARED: ", functions[i].fn ? "" : functions[i].why);
    if (v.unknown) printf("not compared: %zu vectors of other functions\n", v.unknown);
    printf("%zu different on purpose, each with its reason above; no option changes these\n",
           v.different);
    return tally_print(&v.all);
}
