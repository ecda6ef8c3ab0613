/* SPDX-License-Identifier: MIT */
/* The detail of a failure: lives inside its object, needs no memory of its own. */
#ifndef OPRO_BASE_ERR_H
#define OPRO_BASE_ERR_H

#include "opro/base.h"

struct opro_error {
    opro_status status;
    size_t len;
    char message[500];
};

/* An error with status OK and an empty message. */
void opro__err_clear(opro_error *err);

/*
 * Record and return status. The format may not print doubles (their text depends on the locale):
 * see opro__quote_real().
 */
opro_status opro__fail(opro_error *err, opro_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Copy the failure of another object. Returns its status. */
opro_status opro__err_copy(opro_error *err, const opro_error *from);

/* A short, printable excerpt of foreign text for a message, in double quotes. */
typedef struct opro__quoted {
    char text[80];
} opro__quoted;

opro__quoted opro__quote(const char *s, size_t len);
opro__quoted opro__quote_real(double value);

/*
 * Settle a string argument: OPRO_ZT becomes strlen(s); (NULL, 0) becomes "". 0 if s is NULL
 * otherwise.
 */
int opro__arg(const char **s, size_t *len);

#endif
