/* SPDX-License-Identifier: MIT */
/* The arguments of a program: read for program_open(). */
#ifndef EXAMPLES_ARGUMENTS_H
#define EXAMPLES_ARGUMENTS_H

#include "common.h"

/* Read them all, after the program's name. 0: go on; else it has said why, or has printed help. */
int arguments_read(program *p, char **rest);

/* Set an option of the library. 0, or 2: it said why. */
int arguments_set(program *p, const char *name, size_t len, const char *value);

#endif
