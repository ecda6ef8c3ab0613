/* SPDX-License-Identifier: MIT */
/* Nothing but a start and an end; with the library (USE_OPRO), or with the same libraries below it. For bench_startup.c. */
#include <math.h>

#ifdef USE_OPRO
#include "opro/opro.h"
#endif

int main(int argc, char **argv) {
    (void)argv;
#ifdef USE_OPRO
    return opro_version_num() == 0;
#else
    return floor(argc / 2.0) > 1e9; /* so that libm is needed */
#endif
}
