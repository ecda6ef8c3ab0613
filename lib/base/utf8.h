/* SPDX-License-Identifier: MIT */
/* UTF-8: check, repair, count. */
#ifndef OPRO_BASE_UTF8_H
#define OPRO_BASE_UTF8_H

#include "buf.h"

/*
 * The length (1 .. 4) of the well-formed sequence at s, or 0. Overlong forms, surrogates and >
 * U+10FFFF are ill-formed.
 */
size_t opro__utf8_sequence(const char *s, size_t len);

/* 1 if s is well-formed and without NUL. */
int opro__utf8_valid(const char *s, size_t len);

/* Letters (code points) of well-formed text. */
size_t opro__utf8_count(const char *s, size_t len);

/*
 * Append s with U+FFFD for every maximal ill-formed part (as the W3C encoding standard does) and
 * for NUL.
 */
void opro__utf8_repair(opro__buf *out, const char *s, size_t len);

/* The largest n <= max such that s[0 .. n) does not end inside a sequence. */
size_t opro__utf8_cut(const char *s, size_t len, size_t max);

#endif
