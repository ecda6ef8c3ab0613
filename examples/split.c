/* SPDX-License-Identifier: MIT */
#include "split.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FEW        100 /* of fewer examples none is put aside */
#define TRAIN_MOST 250 /* more of them cost more than they teach */
#define HELD_MOST  250

size_t split_count(const opro_dataset *dataset, int32_t set) {
    size_t n;

    opro_dataset_split_of(dataset, set, &n);
    return n;
}

const char *split_name(int32_t set) {
    return set == OPRO_TRAIN ? "training" : set == OPRO_VALIDATION ? "validation" : "test";
}

static int wrong(const program *p, const char *how) {
    program_fail(p,
                 "--split is TRAIN,VALIDATION,TEST (shares from 0 to 1, at most 1 together), "
                 "published, published:TRAIN,VALIDATION or files:TRAIN,VALIDATION,TEST, not \"%s\"",
                 how);
    return 2;
}

/* ---- shares ---------------------------------------------------------------------------------- */

/* Numbers with commas between them: how many, 0 if they are none, or more than most. */
static size_t read_shares(const char *text, double *shares, size_t most) {
    size_t n = 0;

    for (;;) {
        char number[32];
        size_t len = strcspn(text, ",");

        if (n == most || len >= sizeof number) return 0;
        memcpy(number, text, len);
        number[len] = '\0';
        if (!read_number(number, &shares[n++])) return 0;
        if (!text[len]) return n;
        text += len + 1;
    }
}

static int by_shares(const program *p, opro_dataset *dataset, const char *how) {
    double shares[3] = {0};

    if (!read_shares(how, shares, 3) ||
        opro_dataset_split(dataset, shares[0], shares[1], shares[2], 0) == OPRO_ERR_INVALID)
        return wrong(p, how);
    return 0;
}

/* "published", or with shares behind it. */
static int as_published(const program *p, opro_dataset *dataset, const char *how) {
    const char *rest = how + strlen("published");
    double shares[2] = {0.2, 0};

    if ((*rest && (*rest != ':' || !read_shares(rest + 1, shares, 2))) ||
        opro_dataset_split_published(dataset, shares[0], shares[1]) == OPRO_ERR_INVALID)
        return wrong(p, how);
    return 0;
}

/* So many of each, or fewer if there are not so many. */
static opro_status by_counts(opro_dataset *dataset, size_t train, size_t validation, size_t test) {
    double n = (double)opro_dataset_count(dataset);

    return opro_dataset_split(dataset, (double)train / n, (double)validation / n, (double)test / n,
                              0);
}

static opro_status by_default(opro_dataset *dataset, int test) {
    size_t n = opro_dataset_count(dataset), held = n / 5, train;

    if (n < FEW) return OPRO_OK; /* all are for training */
    if (held > HELD_MOST) held = HELD_MOST;
    train = n - held * (test ? 2 : 1);
    if (train > TRAIN_MOST) train = TRAIN_MOST;
    return by_counts(dataset, train, held, test ? n - train - held : 0);
}

/* ---- files of indices ------------------------------------------------------------------------ */

static int read_indices(const program *p, const char *path, int64_t **out, size_t *n) {
    size_t len;
    char *text = read_file(p, path, &len), *at = text, *end;
    int64_t *all = text ? malloc(len * sizeof *all) : NULL;

    *n = 0;
    if (text && !all) program_fail(p, "out of memory");
    for (; all; at = end) {
        at += strspn(at, " \t\r\n");
        if (!*at) break;
        errno = 0;
        all[*n] = strtoll(at, &end, 10);
        if (end == at || errno) {
            program_fail(p, "%s: its indices are whole numbers, not \"%.20s\"", path, at);
            free(all);
            all = NULL;
        }
        (*n)++;
    }
    free(text);
    *out = all;
    return all ? 0 : 1;
}

/* *n: how many there are in the file. */
static int by_file(const program *p, opro_dataset *dataset, int32_t set, const char *path,
                   size_t *n) {
    int64_t *indices = NULL;
    opro_status st;

    *n = 0;
    if (strcmp(path, "-") != 0 && read_indices(p, path, &indices, n)) return 1;
    st = opro_dataset_set_split(dataset, set, indices, *n);
    free(indices);
    return program_check(p, st, opro_dataset_error(dataset), path);
}

static int by_files(const program *p, opro_dataset *dataset, const char *how) {
    static const int32_t sets[] = {OPRO_TRAIN, OPRO_VALIDATION, OPRO_TEST};
    char *paths = malloc(strlen(how) + 1), *at = paths;
    size_t n[3] = {0};
    int status = 0;

    if (!paths) return program_fail(p, "out of memory");
    strcpy(paths, how + strlen("files:"));
    for (size_t i = 0; i < 3 && status == 0; i++) {
        char *end = at ? at + strcspn(at, ",") : NULL, *next = end && *end ? end + 1 : NULL;

        if (end) *end = '\0';
        status = by_file(p, dataset, sets[i], at && *at ? at : "-", &n[i]);
        at = next;
    }
    if (status == 0 && at) status = wrong(p, how);
    for (size_t i = 0; i < 3 && status == 0; i++)
        if (split_count(dataset, sets[i]) != n[i])
            status = program_fail(p, "%s: an example is in two of the sets", how);
    free(paths);
    return status;
}

/* ---- all of them ----------------------------------------------------------------------------- */

int split_dataset(const program *p, opro_dataset *dataset, const char *how, int test) {
    int status;

    if (!how)
        status = program_check(p, by_default(dataset, test), opro_dataset_error(dataset),
                               "splitting the examples");
    else if (strncmp(how, "published", 9) == 0)
        status = as_published(p, dataset, how);
    else if (strncmp(how, "files:", 6) == 0)
        status = by_files(p, dataset, how);
    else
        status = by_shares(p, dataset, how);
    if (status != 0) return status;
    if (test && !split_count(dataset, OPRO_TEST))
        return program_fail(p, "there are no test examples; say with --split which they are");
    return 0;
}
