/* SPDX-License-Identifier: MIT */
/* How sure a mean of scores is: 95 % intervals, of one mean and of the difference of two. */
#ifndef OPRO_CORE_INTERVAL_H
#define OPRO_CORE_INTERVAL_H

#include <stddef.h>

#include "opro/base.h"

typedef struct opro__interval {
    double mean, low, high;
} opro__interval;

/*
 * Of the mean of scores, NaNs passed over. OPRO_ERR_INVALID as opro_interval() (trajectory.h).
 */
opro_status opro__interval_of(const double *scores, size_t n, opro__interval *out);

/* Of a's mean less b's: Newcombe's (1998) from the intervals of both, which are independent. */
opro__interval opro__interval_difference(opro__interval a, opro__interval b);

#endif
