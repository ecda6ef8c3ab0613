/* SPDX-License-Identifier: MIT */
/*
 * Pieces of text as Python's strings see them: lower case, letters, digits, blanks of all of
 * Unicode 14. Any bytes will do: what is not UTF-8 is a letterless symbol, byte for byte.
 */
#ifndef OPRO_KITS_LETTERS_H
#define OPRO_KITS_LETTERS_H

#include <stdint.h>

#include "base/buf.h"

/* A piece of a text that belongs to somebody else. */
typedef struct opro__piece {
    const char *s;
    size_t len;
} opro__piece;

/* Of a literal: as a value, and in an initializer. */
#define OPRO__PIECE(literal) ((opro__piece)OPRO__PIECE_INIT(literal))
#define OPRO__PIECE_INIT(literal)                                                                  \
    { literal, sizeof(literal) - 1 }

/* The code point at s and its bytes; for what is not UTF-8, and for len 0, OPRO__NO_LETTER. */
#define OPRO__NO_LETTER 0x110000u
uint32_t opro__letter_at(const char *s, size_t len, size_t *bytes);
/* The last code point of s[0 .. len). */
uint32_t opro__letter_before(const char *s, size_t len, size_t *bytes);

int opro__letter_is_alpha(uint32_t c);
int opro__letter_is_blank(uint32_t c);
int opro__letter_digit(uint32_t c); /* its value, or -1 */

/*
 * Append text in lower case. A capital sigma at the end of a word becomes a final one; what is a
 * word is seen a little more simply than Unicode does (every letter has case, marks above U+036F
 * do not join). seen, or NULL: 1 for every byte that was written, all others stay.
 */
void opro__letters_lower(opro__buf *out, opro__piece text, unsigned char seen[256]);

/* Without blanks at both ends. */
opro__piece opro__piece_strip(opro__piece text);

/* Where what begins in text; NULL: nowhere. In linear time. */
const char *opro__piece_find(opro__piece text, opro__piece what);
/* The last place; what is short. */
const char *opro__piece_find_last(opro__piece text, opro__piece what);

int opro__piece_same(opro__piece a, opro__piece b);

/* The piece up to s, which is in it or NULL; and from s on. */
opro__piece opro__piece_until(opro__piece text, const char *s);
opro__piece opro__piece_from(opro__piece text, const char *s);

/*
 * The whole of text as Python's float() reads it: blanks at both ends, underscores between digits,
 * digits of any script, inf and nan; too large is infinite. 1, or 0: it is no number.
 */
int opro__piece_float(opro__piece text, double *value);

#endif
