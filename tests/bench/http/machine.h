/* SPDX-License-Identifier: MIT */
/* What the server and the contenders want of the machine. */
#ifndef TESTS_BENCH_HTTP_MACHINE_H
#define TESTS_BENCH_HTTP_MACHINE_H

#include <stdint.h>

/* Seconds of a clock that does not go back. */
double machine_now(void);

/* Let this process open as many files as it may. */
void machine_files(void);

/* A socket that listens on loopback; port 0 becomes one that was free. -1: errno says why. */
int machine_listen(uint16_t *port);

#endif
