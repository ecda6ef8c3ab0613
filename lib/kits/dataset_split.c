/* SPDX-License-Identifier: MIT */
/* Which examples are for training, for validation, and for the test. */
#include <math.h>

#include "base/numpy_random.h"
#include "base/rng.h"
#include "dataset.h"
#include "opro/problem.h"

enum { TRAIN, VALIDATION, TEST, NONE, SETS = NONE };

int opro__split_reserve(opro_dataset *dataset, size_t need) {
    void *order = dataset->order;
    int ok =
        opro__reserve(&dataset->mem, &order, &dataset->cap_order, need, sizeof *dataset->order);

    dataset->order = order;
    return ok;
}

void opro__split_reset(opro_dataset *dataset, size_t from) {
    for (size_t i = from; i < dataset->n; i++)
        dataset->order[i] = (int64_t)i;
    dataset->in_set[TRAIN] = dataset->n;
    dataset->in_set[VALIDATION] = dataset->in_set[TEST] = 0;
}

int opro__is_split(const opro_dataset *dataset) {
    return dataset->in_set[TRAIN] != dataset->n;
}

/* The place of OPRO_TRAIN, OPRO_VALIDATION, OPRO_TEST; NONE for any other. */
static size_t place_of(int32_t set) {
    return set == OPRO_TRAIN        ? TRAIN
           : set == OPRO_VALIDATION ? VALIDATION
           : set == OPRO_TEST       ? TEST
                                    : NONE;
}

const int64_t *opro_dataset_split_of(const opro_dataset *dataset, int32_t set, size_t *n) {
    size_t place = place_of(set), begin = 0, count = 0;

    if (dataset && place != NONE) {
        for (size_t i = 0; i < place; i++)
            begin += dataset->in_set[i];
        count = dataset->in_set[place];
    }
    if (n) *n = count;
    return count ? dataset->order + begin : NULL;
}

/* ---- who is in which set --------------------------------------------------------------------- */

/* A set for each example: what it is now, for the caller to change. NULL: no memory. */
static unsigned char *membership(opro_dataset *dataset) {
    unsigned char *set_of = opro__alloc(&dataset->mem, dataset->n ? dataset->n : 1);
    size_t at = 0;

    if (!set_of) {
        opro__fail(&dataset->err, OPRO_ERR_NOMEM, "out of memory");
        return NULL;
    }
    for (unsigned char set = 0; set <= NONE; set++) {
        size_t end = set == NONE ? dataset->n : at + dataset->in_set[set];

        while (at < end)
            set_of[dataset->order[at++]] = set;
    }
    return set_of;
}

/* Make it the split, and free it. */
static void settle(opro_dataset *dataset, unsigned char *set_of) {
    size_t count[SETS + 1] = {0}, at[SETS + 1] = {0};

    for (size_t i = 0; i < dataset->n; i++)
        count[set_of[i]]++;
    for (size_t set = 0; set < SETS; set++) {
        dataset->in_set[set] = count[set];
        at[set + 1] = at[set] + count[set];
    }
    for (size_t i = 0; i < dataset->n; i++)
        dataset->order[at[set_of[i]]++] = (int64_t)i;
    opro__free(&dataset->mem, set_of);
}

static opro_status bad_index(opro_dataset *dataset, int64_t index, const char *fault) {
    return opro__fail(&dataset->err, OPRO_ERR_INVALID, "the index %lld %s", (long long)index,
                      fault);
}

opro_status opro_dataset_set_split(opro_dataset *dataset, int32_t set, const int64_t *indices,
                                   size_t n) {
    enum { NEW = NONE + 1 };
    opro_status st = opro__dataset_begin(dataset, OPRO__CALL_opro_dataset_set_split);
    unsigned char place = (unsigned char)place_of(set), *set_of;

    if (st != OPRO_OK) return st;
    if (place == NONE || (!indices && n))
        return opro__fail(&dataset->err, OPRO_ERR_INVALID,
                          place == NONE ? "a set is OPRO_TRAIN, OPRO_VALIDATION or OPRO_TEST"
                                        : "indices is NULL");
    set_of = membership(dataset);
    if (!set_of) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        if (indices[i] < 0 || (uint64_t)indices[i] >= dataset->n)
            st = bad_index(dataset, indices[i], "is out of range");
        else if (set_of[indices[i]] == NEW)
            st = bad_index(dataset, indices[i], "is given twice");
        else
            set_of[indices[i]] = NEW;
    }
    if (st != OPRO_OK) {
        opro__free(&dataset->mem, set_of);
        return st;
    }
    for (size_t i = 0; i < dataset->n; i++)
        set_of[i] = set_of[i] == place ? NONE : set_of[i] == NEW ? place : set_of[i];
    settle(dataset, set_of);
    return OPRO_OK;
}

/* ---- at random ------------------------------------------------------------------------------- */

/* The first counts[TRAIN] of these examples are for training, and so on; the others in rest. */
static void deal(const int64_t *examples, size_t n, const size_t counts[SETS], unsigned char rest,
                 unsigned char *set_of) {
    size_t at = 0;

    for (unsigned char set = 0; set <= NONE; set++) {
        size_t end = set == NONE ? n : at + counts[set];

        for (; at < end && at < n; at++)
            set_of[examples[at]] = set == NONE ? rest : set;
    }
}

static int is_share(double share) {
    return share >= 0 && share <= 1;
}

/*
 * How many a share of n is: rounded down, but not because a decimal fraction has no exact double
 * (0.29 * 100 is 28.999...). At most what is left.
 */
static size_t count_of(double share, size_t n, size_t *left) {
    size_t count = (size_t)floor(share * (double)n + 1e-9);

    if (count > *left) count = *left;
    *left -= count;
    return count;
}

static void shuffle(opro__rng *rng, int64_t *values, size_t n) {
    for (size_t i = n; i-- > 1;) {
        size_t j = (size_t)opro__rng_below(rng, (uint64_t)i + 1);
        int64_t value = values[i];

        values[i] = values[j];
        values[j] = value;
    }
}

/* All examples in order, and room for their sets; 0: no memory. */
static int draw_from(opro_dataset *dataset, int64_t **all, unsigned char **set_of) {
    *set_of = membership(dataset);
    if (!*set_of) return 0;
    *all = opro__alloc(&dataset->mem, (dataset->n ? dataset->n : 1) * sizeof **all);
    if (!*all) {
        opro__free(&dataset->mem, *set_of);
        opro__fail(&dataset->err, OPRO_ERR_NOMEM, "out of memory");
        return 0;
    }
    for (size_t i = 0; i < dataset->n; i++)
        (*all)[i] = (int64_t)i;
    return 1;
}

opro_status opro_dataset_split(opro_dataset *dataset, double train, double validation, double test,
                               uint64_t seed) {
    opro_status st = opro__dataset_begin(dataset, OPRO__CALL_opro_dataset_split);
    opro__rng rng = opro__rng_make(seed, 0, OPRO__RNG_SPLIT);
    size_t counts[SETS], left;
    unsigned char *set_of;
    int64_t *all;

    if (st != OPRO_OK) return st;
    if (!is_share(train) || !is_share(validation) || !is_share(test) ||
        train + validation + test > 1 + 1e-9)
        return opro__fail(&dataset->err, OPRO_ERR_INVALID,
                          "shares %s, %s and %s: each from 0 to 1, and at most 1 together",
                          opro__quote_real(train).text, opro__quote_real(validation).text,
                          opro__quote_real(test).text);
    if (!draw_from(dataset, &all, &set_of)) return OPRO_ERR_NOMEM;
    left = dataset->n;
    counts[TRAIN] = count_of(train, dataset->n, &left);
    if (train > 0 && !counts[TRAIN] && left) {
        counts[TRAIN] = 1;
        left--;
    }
    counts[VALIDATION] = count_of(validation, dataset->n, &left);
    counts[TEST] = count_of(test, dataset->n, &left);
    shuffle(&rng, all, dataset->n);
    deal(all, dataset->n, counts, NONE, set_of);
    settle(dataset, set_of);
    opro__free(&dataset->mem, all);
    return OPRO_OK;
}

opro_status opro_dataset_split_published(opro_dataset *dataset, double train, double validation) {
    opro_status st = opro__dataset_begin(dataset, OPRO__CALL_opro_dataset_split_published);
    opro__numpy_random random;
    size_t counts[SETS] = {0}, n, rest = 0;
    unsigned char *set_of;
    int64_t *all;

    if (st != OPRO_OK) return st;
    n = dataset->n;
    /* as the program has it: doubles as they are, and sorted before the second draw */
    if (is_share(train)) counts[TRAIN] = (size_t)floor(train * (double)n);
    if (is_share(validation)) counts[VALIDATION] = (size_t)floor(validation * (double)n);
    if (!is_share(train) || !is_share(validation) || counts[TRAIN] + counts[VALIDATION] > n)
        return opro__fail(&dataset->err, OPRO_ERR_INVALID,
                          "shares %s and %s: each from 0 to 1, and at most 1 together",
                          opro__quote_real(train).text, opro__quote_real(validation).text);
    if (!draw_from(dataset, &all, &set_of)) return OPRO_ERR_NOMEM;
    opro__numpy_seed(&random, 0);
    opro__numpy_shuffle(&random, all, n);
    deal(all, n, counts, TEST, set_of);
    for (size_t i = 0; i < n; i++)
        if (set_of[i] != TRAIN) all[rest++] = (int64_t)i;
    opro__numpy_shuffle(&random, all, rest);
    counts[TRAIN] = 0;
    deal(all, rest, counts, TEST, set_of);
    settle(dataset, set_of);
    opro__free(&dataset->mem, all);
    return OPRO_OK;
}
