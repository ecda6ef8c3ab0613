/* SPDX-License-Identifier: MIT */
/* The tables of letters.c, in increasing order. */
#ifndef OPRO_KITS_LETTERS_TABLES_H
#define OPRO_KITS_LETTERS_TABLES_H

#include <stddef.h>
#include <stdint.h>

/* first, first + stride, ... last have their lower case at + delta. */
typedef struct opro__case_run {
    uint32_t first;
    uint32_t last;
    uint32_t stride;
    int32_t delta;
} opro__case_run;

typedef struct opro__letter_run {
    uint32_t first;
    uint32_t last;
} opro__letter_run;

extern const opro__case_run opro__case_runs[];
extern const size_t opro__case_runs_n;
extern const opro__letter_run opro__letter_runs[];
extern const size_t opro__letter_runs_n;

/* The zeros of the digits; one to nine follow each. */
extern const uint32_t opro__digit_zeros[];
extern const size_t opro__digit_zeros_n;

#endif
