/* SPDX-License-Identifier: MIT */
/* The only place of the library that reads a clock of the system. */
#ifndef OPRO_DRIVER_CLOCK_H
#define OPRO_DRIVER_CLOCK_H

#include <stdint.h>

/* Milliseconds of the monotonic clock. */
int64_t opro__clock_ms(void);

#endif
