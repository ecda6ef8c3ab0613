/* SPDX-License-Identifier: MIT */
/* Numbers as text, independent of the locale. */
#ifndef OPRO_BASE_NUM_H
#define OPRO_BASE_NUM_H

#include <stddef.h>
#include <stdint.h>

/* Enough for every text made here, with its NUL. */
#define OPRO__NUM_SIZE 352

/* Decimal text of an integer, NUL-terminated; returns its length. */
size_t opro__int_format(int64_t value, char text[OPRO__NUM_SIZE]);

/*
 * The shortest correctly rounded text (at most 17 digits) that reads back as the same double,
 * zero without its sign; "nan", "inf", "-inf" for what is not finite.
 */
size_t opro__num_format(double value, char text[OPRO__NUM_SIZE]);

/*
 * Fixed point with 0 .. 17 decimals, rounded half-even on the exact binary value; never "-0".
 * value finite.
 */
size_t opro__num_fixed(double value, int decimals, char text[OPRO__NUM_SIZE]);

/*
 * Read a number at the start of s: sign, ASCII digits, fraction, exponent; no blanks, no inf, nan
 * or hex. Returns how many bytes it took, 0 if there is no number or it is too large for a
 * double.
 */
size_t opro__num_parse(const char *s, size_t len, double *value);

/* The whole of s is an integer in int64_t's range: 1, else 0. */
int opro__int_parse(const char *s, size_t len, int64_t *value);

/* Nearest integer, halves to even. */
double opro__round_even(double value);

#endif
