/* SPDX-License-Identifier: MIT */
/* Texts that nobody may see: wiped from memory when they go, and cut out of what others say. */
#ifndef OPRO_MODEL_SECRET_H
#define OPRO_MODEL_SECRET_H

#include "base/buf.h"

typedef struct opro__secret {
    char *text; /* NULL: none */
    size_t len;
} opro__secret;

/* Replace it by a copy; "" is none. 0: no memory, and the old one is still there. */
int opro__secret_set(opro__secret *secret, opro__mem *mem, const char *s, size_t len);
void opro__secret_clear(opro__secret *secret, opro__mem *mem);

/* Overwrite memory in a way that is not optimized away. */
void opro__wipe(void *p, size_t len);

/*
 * Append text to out with every occurrence of each secret, and of any piece of at least 8 bytes of
 * its beginning or its end, replaced by "[key]"; secrets of less than 4 bytes are not looked for.
 * What is left becomes one line of valid UTF-8: control characters (of Unicode too, with those of
 * the direction of writing) are blanks, ill-formed bytes U+FFFD. Time is linear in text times
 * secrets. Without memory nothing is appended, and out says so.
 */
void opro__redact(opro__buf *out, const opro__secret *secrets, size_t n, const char *text,
                  size_t len);

#endif
