/* SPDX-License-Identifier: MIT */
/* A heap of alarms: what is due next, without a clock. An alarm lives inside its owner's struct. */
#ifndef OPRO_MODEL_ALARM_H
#define OPRO_MODEL_ALARM_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

typedef struct opro__alarm {
    int64_t at;
    uint64_t order; /* among those of one time, the one that was set first comes first */
    size_t place;   /* in the heap, from 1; 0: not set */
    int kind;       /* the owner's */
} opro__alarm;

typedef struct opro__alarms {
    opro__mem *mem;
    opro__alarm **heap; /* [1 .. n] */
    size_t n, cap;
    size_t reserved; /* alarms that may still be set without memory */
    uint64_t order;
} opro__alarms;

void opro__alarms_init(opro__alarms *alarms, opro__mem *mem);
void opro__alarms_free(opro__alarms *alarms);

/* Room for one more alarm, to be set whenever; undone by _release(). 0: no memory. */
int opro__alarms_reserve(opro__alarms *alarms);
void opro__alarms_release(opro__alarms *alarms);

/* Set or move it; needs a reservation of its own. INT64_MAX: as unset. */
void opro__alarm_set(opro__alarms *alarms, opro__alarm *alarm, int64_t at);
void opro__alarm_unset(opro__alarms *alarms, opro__alarm *alarm);

/* The next one that is due, unset; NULL. */
opro__alarm *opro__alarms_due(opro__alarms *alarms, int64_t now);

/* When the next one is due; INT64_MAX: none is set. */
int64_t opro__alarms_next(const opro__alarms *alarms);

#endif
