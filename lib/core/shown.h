/* SPDX-License-Identifier: MIT */
/* What of the trajectory is shown: which solutions, in which order, with which text and score. */
#ifndef OPRO_CORE_SHOWN_H
#define OPRO_CORE_SHOWN_H

#include "base/num.h"
#include "config.h"
#include "problem.h"
#include "trajectory.h"

/* ---- scores as text -------------------------------------------------------------------------- */

typedef struct opro__scale {
    int32_t display; /* OPRO_DISPLAY_BUCKETS, _DECIMALS or _NONE */
    int decimals;
    double buckets;
    double low, high; /* NaN: no range */
    double width;
} opro__scale;

/*
 * By the options, or else as the problem says. OPRO_ERR_INVALID: buckets are asked for and there
 * is no range.
 */
opro_status opro__scale_make(opro__scale *scale, const opro_problem *problem,
                             const opro__options *options, opro_error *err);

/* The text of a score, and its length; 0 if buckets have none for it: it is outside the range. */
size_t opro__scale_write(const opro__scale *scale, double score, char text[OPRO__NUM_SIZE]);

/* ---- solutions as text ----------------------------------------------------------------------- */

/* Append a vector's canonical text with the names of its coordinates: "w=3, b=4". */
void opro__show_vector(const opro__space *space, const char *text, size_t len, opro__buf *out);

/* ---- which ones, and in which order ---------------------------------------------------------- */

typedef struct opro__shown {
    opro__mem *mem;
    size_t n;
    int64_t *numbers; /* the candidates, best first                                */
    uint32_t *order;  /* indices into numbers, in the order of the text            */
    size_t cap_numbers, cap_order;
} opro__shown;

void opro__shown_init(opro__shown *shown, opro__mem *mem);
void opro__shown_free(opro__shown *shown);

/*
 * The best candidates, as many as the options allow, cut by the threshold, in the order that the
 * option says.
 */
opro_status opro__shown_select(opro__shown *shown, const opro__options *options,
                               const opro_trajectory *t, int64_t step);

/*
 * Show the first count of numbers instead, in their order: some of those selected, none twice.
 * OPRO_ERR_CALLBACK if they are not, OPRO_ERR_NOMEM.
 */
opro_status opro__shown_replace(opro__shown *shown, const int64_t *numbers, size_t count);

#endif
