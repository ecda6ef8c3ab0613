/* SPDX-License-Identifier: MIT */
/* TSPLIB files. Two parts: an instance, and a solution of it. */
#include <math.h>

#include "fuzz.h"
#include "opro/tour.h"

enum { SMALL = 48, LARGEST = 16384 };

/* Each node once. */
static void require_permutation(const int32_t *nodes, size_t n) {
    static unsigned char seen[LARGEST];

    memset(seen, 0, n);
    for (size_t i = 0; i < n; i++) {
        REQUIRE(nodes[i] >= 0 && (size_t)nodes[i] < n && !seen[nodes[i]]);
        seen[nodes[i]] = 1;
    }
}

static double length_of(const opro_tour *tour, const int32_t *nodes) {
    double length = -1;

    require_permutation(nodes, opro_tour_size(tour));
    REQUIRE(opro_tour_length(tour, nodes, opro_tour_size(tour), &length) == OPRO_OK);
    REQUIRE(length >= 0 && isfinite(length));
    return length;
}

static void check_weights(const opro_tour *tour) {
    size_t n = opro_tour_size(tour), step = n / SMALL + 1;

    for (size_t i = 0; i < n; i += step)
        for (size_t j = 0; j <= i; j += step) {
            double weight = opro_tour_weight(tour, i, j);

            REQUIRE(isfinite(weight) && weight >= 0 && weight == opro_tour_weight(tour, j, i));
            REQUIRE(i != j || weight == 0);
        }
    REQUIRE(isnan(opro_tour_weight(tour, 0, n)) && isnan(opro_tour_weight(tour, n, 0)));
}

static void check_instance(const opro_tour *tour) {
    size_t len;
    const char *name = opro_tour_name(tour, &len);

    fuzz_require_text(name, len);
    REQUIRE(opro_tour_size(tour) >= 1 && opro_tour_size(tour) <= LARGEST);
    REQUIRE(opro_tour_metric(tour) >= OPRO_METRIC_EUC_2D &&
            opro_tour_metric(tour) <= OPRO_METRIC_EXPLICIT);
    check_weights(tour);
}

/* Baselines are tours, and improving makes none longer. */
static void check_tours(const opro_tour *tour, int failing) {
    size_t n = opro_tour_size(tour);
    int32_t nodes[SMALL];
    double before;
    opro_status st;

    if (n > SMALL) return;
    st = opro_tour_farthest_insertion(tour, n / 2, nodes, n);
    REQUIRE(st == OPRO_OK || (failing && st == OPRO_ERR_NOMEM));
    if (st == OPRO_OK) length_of(tour, nodes);
    st = opro_tour_nearest_neighbour(tour, n - 1, nodes, n);
    REQUIRE(st == OPRO_OK || (failing && st == OPRO_ERR_NOMEM));
    if (st != OPRO_OK) return;
    before = length_of(tour, nodes);
    st = opro_tour_improve(tour, nodes, n, 1, 3);
    REQUIRE(st == OPRO_OK || (failing && st == OPRO_ERR_NOMEM));
    REQUIRE(length_of(tour, nodes) <= before);
}

/* The text, with lines that end in CR LF; NULL: it has a CR. */
static char *with_crlf(fuzz_text text, size_t *len) {
    char *out;

    if (text.len && memchr(text.s, '\r', text.len)) return NULL;
    out = malloc(2 * text.len + 1);
    if (!out) abort();
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.s[i] == '\n') out[(*len)++] = '\r';
        out[(*len)++] = text.s[i];
    }
    return out;
}

/* How lines end does not matter. */
static void check_line_ends(const opro_tour *tour, fuzz_text text) {
    size_t len = 0, n = opro_tour_size(tour), step = n / SMALL + 1;
    char *other = with_crlf(text, &len);
    opro_tour *again = NULL;

    if (!other) return;
    REQUIRE(opro_tour_new(&again, NULL) == OPRO_OK);
    REQUIRE(opro_tour_read_tsplib(again, other, len) == OPRO_OK);
    REQUIRE(opro_tour_size(again) == n && opro_tour_metric(again) == opro_tour_metric(tour));
    for (size_t i = 0; i < n; i += step)
        REQUIRE(opro_tour_weight(again, i, 0) == opro_tour_weight(tour, i, 0));
    opro_tour_free(again);
    free(other);
}

static void check_solution(opro_tour *tour, fuzz_text text, int failing) {
    static int32_t nodes[LARGEST];
    size_t n = opro_tour_size(tour);
    opro_status st;

    memset(nodes, 0xee, n * sizeof *nodes);
    st = opro_tour_read_solution(tour, text.s, text.len, nodes, n);
    fuzz_require_error(opro_tour_error(tour), st);
    REQUIRE(st == OPRO_OK || st == OPRO_ERR_PARSE || (failing && st == OPRO_ERR_NOMEM));
    if (st == OPRO_OK)
        length_of(tour, nodes);
    else
        REQUIRE(nodes[0] == (int32_t)0xeeeeeeee && nodes[n - 1] == nodes[0]);
}

/* The problem of the instance says what it is, or that it has too much to say. */
static void check_problem(opro_tour *tour, int failing, const opro_allocator *allocator) {
    opro_problem *problem = NULL;
    size_t len;
    opro_status st = opro_problem_new_tour(&problem, tour, allocator);

    REQUIRE(st == OPRO_OK || st == OPRO_ERR_LIMIT || (failing && st == OPRO_ERR_NOMEM));
    if (st == OPRO_OK) {
        const char *description = opro_problem_description(problem, &len);

        fuzz_require_text(description, len);
        REQUIRE(opro_permutation_size(problem) == opro_tour_size(tour));
    }
    opro_problem_free(problem);
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    fuzz_text instance = fuzz_part(in), solution = fuzz_rest(in);
    opro_tour *tour = NULL;
    opro_status st = opro_tour_new(&tour, allocator);

    if (in->failing && st == OPRO_ERR_NOMEM) return;
    REQUIRE(st == OPRO_OK);
    st = opro_tour_read_tsplib(tour, instance.s, instance.len);
    fuzz_require_error(opro_tour_error(tour), st);
    REQUIRE(st == OPRO_OK || st == OPRO_ERR_PARSE || (in->failing && st == OPRO_ERR_NOMEM));
    if (st == OPRO_OK) {
        check_instance(tour);
        if (!in->failing) check_line_ends(tour, instance);
        check_solution(tour, solution, in->failing);
        check_tours(tour, in->failing);
        check_problem(tour, in->failing, allocator);
    } else {
        REQUIRE(opro_tour_size(tour) == 0);
    }
    opro_tour_free(tour);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
