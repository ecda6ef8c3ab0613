/* SPDX-License-Identifier: MIT */
/*
 * Reading a JSON text in its place: no tree, no memory. For texts that come a value at a time, and
 * for what has to be found in its text byte for byte.
 */
#ifndef OPRO_BASE_JSON_CURSOR_H
#define OPRO_BASE_JSON_CURSOR_H

#include <stddef.h>
#include <stdint.h>

enum { OPRO__JSON_DEPTH = 64 }; /* deepest nesting that is read, here and in lib/model */

/* A place in a JSON text. After a failure, expected says what should have been at that place. */
typedef struct opro__cursor {
    char *s;
    size_t len, at;
    int newlines; /* LF and CR are blanks too: else a text is one line */
    const char *expected;
} opro__cursor;

/* Past blanks: the next byte, 0 at the end. Nothing is taken. */
char opro__cursor_peek(opro__cursor *cursor);

/* Past blanks, take this byte. These three: 1, or 0 with expected set. */
int opro__cursor_take(opro__cursor *cursor, char c, const char *expected);

/* A value of any type: where it is. At most OPRO__JSON_DEPTH deep. */
int opro__cursor_skip(opro__cursor *cursor, const char **value, size_t *len);

/*
 * A string: decoded in its place (so the text changes), with a NUL behind it. Whether it is UTF-8,
 * and whether it may hold NUL, is the caller's to check.
 */
int opro__cursor_string(opro__cursor *cursor, char **text, size_t *len);

#endif
