/* SPDX-License-Identifier: MIT */
/* The detail of a failure: lives inside its object, needs no memory of its own. */
#ifndef OPRO_BASE_ERR_H
#define OPRO_BASE_ERR_H

#include "opro/base.h"

/*
 * The arguments from this one on are for a format of C11's printf(): on Windows not the system's.
 */
#if defined(__MINGW32__) && !defined(__clang__)
#define OPRO__PRINTF(format_at, first) __attribute__((format(gnu_printf, format_at, first)))
#else
#define OPRO__PRINTF(format_at, first) __attribute__((format(printf, format_at, first)))
#endif

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
    OPRO__PRINTF(3, 4);

/* The same, so that compilers and analyzers see which status it is. */
#define opro__fail(err, status, ...) opro__status(status, opro__fail(err, status, __VA_ARGS__))

static inline opro_status opro__status(opro_status status, opro_status recorded) {
    (void)recorded;
    return status;
}

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
