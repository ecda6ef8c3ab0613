/* SPDX-License-Identifier: MIT */
/*
 * Nothing but a start and an end, for bench_startup.c, built four times: a program that calls one
 * function of the library (STARTUP_OPRO), one that calls one of a library that does nothing
 * (STARTUP_EMPTY), that library (STARTUP_LIBRARY), and a program without any.
 */
#include <math.h>

#include "opro/opro.h"

int startup_empty(double x);

#if defined STARTUP_LIBRARY

OPRO_API int startup_empty(double x) {
    return fmod(x, 2) > 3; /* it needs libm, as the other does */
}

#else

int main(void) {
#if defined STARTUP_OPRO
    return opro_version_num() == 0;
#elif defined STARTUP_EMPTY
    return startup_empty(1);
#else
    return 0;
#endif
}

#endif
