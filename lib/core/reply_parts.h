/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the reply reader share: reply.c (the way of a reply), reply_tags.c,
 * reply_brackets.c, reply_clean.c.
 */
#ifndef OPRO_CORE_REPLY_PARTS_H
#define OPRO_CORE_REPLY_PARTS_H

#include "base/map.h"
#include "reply.h"

/* A piece of a text. */
typedef struct opro__slice {
    const char *s;
    size_t len;
} opro__slice;

/* A reply while it is read. */
typedef struct opro__reading {
    opro__reply *reply;
    opro__map seen; /* the texts found, from the second on that is looked for */
    int texts;      /* empty ones and repeats are dropped                     */
} opro__reading;

/* ---- reply.c --------------------------------------------------------------------------------- */

/* Put in a candidate's text. OPRO_OK also if it is dropped. */
opro_status opro__reading_add(opro__reading *reading, opro__slice text, int opened, int closed);

/* Put in as a candidate what was appended to the reply's text from at on. */
opro_status opro__reading_commit(opro__reading *reading, size_t at, int opened, int closed);

/* Forget what was found so far. */
void opro__reading_restart(opro__reading *reading);

/* ---- reply_clean.c --------------------------------------------------------------------------- */

/* Without ASCII blanks, U+00A0, U+200B and U+FEFF at both ends. */
opro__slice opro__slice_trim(opro__slice text);

/* Also without what surrounds it: a fence, quotes, emphasis, in any order and number. */
opro__slice opro__slice_clean(opro__slice text);

/* ---- reply_tags.c ---------------------------------------------------------------------------- */

/*
 * Candidates between tags of that name (INS, TEXT, ...). line: of an unclosed one only the first
 * line that is not empty.
 */
opro_status opro__reading_tags(opro__reading *reading, const char *name, int line,
                               opro__slice text);

/*
 * Cut reasoning out of *text, which then is in out. A newline is left where it stood. out:
 * initialised and empty; not used if there is no reasoning.
 */
opro_status opro__cut_reasoning(opro__slice *text, opro__buf *out);

/* ---- reply_brackets.c ------------------------------------------------------------------------ */

/* Outermost brackets, with a text in them. */
opro_status opro__reading_square(opro__reading *reading, opro__slice text);

/* Innermost brackets, with a vector in them. */
opro_status opro__reading_vectors(opro__reading *reading, const opro__space *space,
                                  opro__slice text);

#endif
