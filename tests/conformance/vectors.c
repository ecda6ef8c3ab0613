/* SPDX-License-Identifier: MIT */
/* Functions of the published program, compared vector by vector. */
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

static const struct {
    const char *name;
    vector_fn fn;
} functions[] = {
    {"accuracy", vector_accuracy},
    {"normalize", vector_normalize},
    {"train_split", vector_train_split},
    {"verdict_one_round", vector_verdict_one_round},
    {"verdict_two_round", vector_verdict_two_round},
};

#define FUNCTIONS (sizeof functions / sizeof *functions)

typedef struct vectors {
    tally all;
    size_t of[FUNCTIONS]; /* compared, of each function */
    size_t unknown;       /* of functions that we have nothing for */
} vectors;

static void show(const char *what, const json_t *value) {
    char *text =
        value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;

    printf("    %s %s\n", what, text ? text : "(an error)");
    free(text);
}

static void compare_with(vectors *v, size_t function, const json_t *line) {
    const json_t *in = json_object_get(line, "in"), *out = json_object_get(line, "out");
    json_t *got = functions[function].fn(in);

    v->of[function]++;
    if (out ? json_equal(out, got) : !got) {
        v->all.agree++;
    } else {
        v->all.disagree++;
        printf("%s\n", functions[function].name);
        show("in      ", in);
        show("expected", out);
        show("got     ", got);
    }
    json_decref(got);
}

static void compare(void *data, const json_t *line) {
    vectors *v = data;
    const char *name = json_string_value(json_object_get(line, "fn"));

    for (size_t i = 0; i < FUNCTIONS; i++)
        if (name && strcmp(name, functions[i].name) == 0) {
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
        printf("%s: %zu\n", functions[i].name, v.of[i]);
    if (v.unknown) printf("not compared: %zu vectors of other functions\n", v.unknown);
    return tally_print(&v.all);
}
