/* SPDX-License-Identifier: MIT */
#include "shown.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

/* ---- scores as text -------------------------------------------------------------------------- */

opro_status opro__scale_make(opro__scale *scale, const opro_problem *problem,
                             const opro__options *options, opro_error *err) {
    int32_t display = (int32_t)OPRO__INT(options, SCORE_DISPLAY);
    int range = !isnan(problem->low);

    *scale = (opro__scale){.display = display,
                           .decimals = (int)OPRO__INT(options, SCORE_DECIMALS),
                           .buckets = (double)OPRO__INT(options, SCORE_BUCKETS),
                           .low = problem->low,
                           .high = problem->high,
                           .width = problem->high - problem->low};
    if (display == OPRO_DISPLAY_BUCKETS && !range)
        return opro__fail(
            err, OPRO_ERR_INVALID,
            "option \"score_display\" is \"buckets\", but the problem has no range of "
            "scores; set one, or choose \"decimals\"");
    if (display != OPRO_DISPLAY_AUTO) return OPRO_OK;
    scale->display = problem->display;
    scale->decimals = problem->decimals;
    if (scale->display == OPRO_DISPLAY_BUCKETS && !range) {
        scale->display = OPRO_DISPLAY_DECIMALS;
        scale->decimals = (int)OPRO__INT(options, SCORE_DECIMALS);
    }
    return OPRO_OK;
}

/*
 * Fixed point without the printf family, which takes longer than all the rest of an entry. The
 * product with the power of ten is off by less than 2^-12; where that could decide the last
 * digit, or for more digits, the exact way is taken.
 */
static size_t write_fixed(double value, int decimals, char text[OPRO__NUM_SIZE]) {
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    char reversed[24];
    double scaled, rest;
    int64_t digits;
    size_t n = 0, len = 0;

    if (decimals < 1 || decimals > 6 || !(fabs(value) < 1e6))
        return opro__num_fixed(value, decimals, text);
    scaled = fabs(value) * powers[decimals];
    rest = scaled - floor(scaled);
    if (fabs(rest - 0.5) < 1e-3) return opro__num_fixed(value, decimals, text);
    digits = (int64_t)floor(scaled) + (rest > 0.5);
    if (value < 0 && digits) text[len++] = '-';
    for (; n <= (size_t)decimals || digits; digits /= 10)
        reversed[n++] = (char)('0' + digits % 10);
    while (n) {
        if (n == (size_t)decimals) text[len++] = '.';
        text[len++] = reversed[--n];
    }
    text[len] = '\0';
    return len;
}

/* Nearest, halves to even, for what is not negative and under 2^53. */
static int64_t round_even(double value) {
    int64_t below = (int64_t)value;
    double rest = value - (double)below;

    return below + (rest > 0.5 || (rest == 0.5 && (below & 1)));
}

/* Scores are short. */
static size_t write_int(int64_t value, char text[OPRO__NUM_SIZE]) {
    unsigned small = (unsigned)value;
    size_t n = 0;

    if (value < 0 || value > 999) return opro__int_format(value, text);
    if (small > 99) text[n++] = (char)('0' + small / 100);
    if (small > 9) text[n++] = (char)('0' + small / 10 % 10);
    text[n++] = (char)('0' + small % 10);
    return n;
}

size_t opro__scale_write(const opro__scale *scale, double score, char text[OPRO__NUM_SIZE]) {
    double part;

    if (scale->display == OPRO_DISPLAY_DECIMALS) return write_fixed(score, scale->decimals, text);
    if (!(score >= scale->low && score <= scale->high)) return 0;
    part = score - scale->low;
    if (scale->width != 1) part /= scale->width;
    return write_int(round_even(part * scale->buckets), text);
}

/* ---- solutions as text ----------------------------------------------------------------------- */

void opro__show_vector(const opro__space *space, const char *text, size_t len, opro__buf *out) {
    char buffer[OPRO__NAME_MAX];
    size_t at = 0;

    for (size_t i = 0; i < space->n && at < len; i++) {
        const char *comma = memchr(text + at, ',', len - at);
        size_t end = comma ? (size_t)(comma - text) + 1 : len;

        while (at < end && text[at] == ' ')
            at++;
        if (i) opro__buf_addc(out, ' ');
        opro__buf_addz(out, opro__space_name(space, i, buffer));
        opro__buf_addc(out, '=');
        opro__buf_add(out, text + at, end - at);
        at = end;
    }
    opro__buf_add(out, text + at, len - at); /* what should not be there is not hidden either */
}

/* ---- which ones, and in which order ---------------------------------------------------------- */

void opro__shown_init(opro__shown *shown, opro__mem *mem) {
    *shown = (opro__shown){.mem = mem};
}

void opro__shown_free(opro__shown *shown) {
    opro__free(shown->mem, shown->numbers);
    opro__free(shown->mem, shown->order);
    *shown = (opro__shown){.mem = shown->mem};
}

static int make_room(opro__shown *shown, size_t n) {
    void *numbers = shown->numbers, *order = shown->order;
    int ok = opro__reserve(shown->mem, &numbers, &shown->cap_numbers, n, sizeof *shown->numbers);

    shown->numbers = numbers;
    ok = ok && opro__reserve(shown->mem, &order, &shown->cap_order, n, sizeof *shown->order);
    shown->order = order;
    return ok;
}

static void put_in_order(opro__shown *shown, int64_t order, uint64_t seed, int64_t step) {
    opro__rng rng;

    for (size_t i = 0; i < shown->n; i++)
        shown->order[i] = (uint32_t)(order == OPRO_ORDER_ASCENDING ? shown->n - 1 - i : i);
    if (order != OPRO_ORDER_RANDOM) return;
    rng = opro__rng_make(seed, step, OPRO__RNG_ORDER);
    for (size_t i = shown->n; i > 1; i--) { /* Fisher & Yates */
        size_t j = (size_t)opro__rng_below(&rng, i);
        uint32_t other = shown->order[j];

        shown->order[j] = shown->order[i - 1];
        shown->order[i - 1] = other;
    }
}

opro_status opro__shown_select(opro__shown *shown, const opro__options *options,
                               const opro_trajectory *t, int64_t step) {
    size_t n = (size_t)OPRO__INT(options, SHOWN_SOLUTIONS);
    double threshold = OPRO__REAL(options, SCORE_THRESHOLD);

    shown->n = 0;
    if (n > (size_t)t->scored) n = (size_t)t->scored;
    if (!n) return OPRO_OK;
    if (!make_room(shown, n)) return OPRO_ERR_NOMEM;
    n = opro_trajectory_top(t, shown->numbers, n);
    if (!isnan(threshold))
        while (n && opro__better(t->direction, threshold,
                                 opro__trajectory_at(t, shown->numbers[n - 1])->score))
            n--;
    shown->n = n;
    put_in_order(shown, OPRO__INT(options, ORDER), (uint64_t)OPRO__INT(options, SEED), step);
    return OPRO_OK;
}

/* A candidate and how good it is among those selected. */
typedef struct ranked {
    int64_t number;
    uint32_t rank;
    uint32_t place; /* in the new order; NOWHERE: not shown */
} ranked;

#define NOWHERE UINT32_MAX

static int by_number(const void *a, const void *b) {
    const ranked *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static int by_rank(const void *a, const void *b) {
    const ranked *x = a, *y = b;

    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Note the place of each number; 0 if one is unknown or there twice. */
static int place_all(ranked *all, size_t n, const int64_t *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ranked wanted = {.number = numbers[i]};
        ranked *r = bsearch(&wanted, all, n, sizeof *all, by_number);

        if (!r || r->place != NOWHERE) return 0;
        r->place = (uint32_t)i;
    }
    return 1;
}

opro_status opro__shown_replace(opro__shown *shown, const int64_t *numbers, size_t count) {
    ranked *all;
    size_t kept = 0;
    opro_status st = OPRO_ERR_CALLBACK;

    if (count > shown->n) return st;
    if (!shown->n) return OPRO_OK;
    all = opro__calloc(shown->mem, shown->n, sizeof *all);
    if (!all) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < shown->n; i++)
        all[i] = (ranked){shown->numbers[i], (uint32_t)i, NOWHERE};
    qsort(all, shown->n, sizeof *all, by_number);
    if (!place_all(all, shown->n, numbers, count)) goto out;
    qsort(all, shown->n, sizeof *all, by_rank);
    for (size_t i = 0; i < shown->n; i++) {
        if (all[i].place == NOWHERE) continue;
        shown->numbers[kept] = all[i].number;
        shown->order[all[i].place] = (uint32_t)kept++;
    }
    shown->n = kept;
    st = OPRO_OK;
out:
    opro__free(shown->mem, all);
    return st;
}
