/* SPDX-License-Identifier: MIT */
/* The kinds of solutions that the library knows by itself, and their canonical texts. */
#ifndef OPRO_CORE_SPACE_H
#define OPRO_CORE_SPACE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"

enum { OPRO__SPACE_TEXT = 10, OPRO__SPACE_VECTOR = 20, OPRO__SPACE_PERMUTATION = 30 };

#define OPRO__VECTOR_MAX      4096  /* coordinates               */
#define OPRO__NAME_MAX        32    /* bytes in a coordinate's name */
#define OPRO__PERMUTATION_MAX 65536 /* nodes                     */

typedef struct opro__space {
    int32_t kind;
    size_t n; /* coordinates or nodes */
    /* vectors */
    double *lower;
    double *upper;
    char **names; /* NULL: x1, x2, ... */
    int integer;
    /* permutations */
    int32_t symmetry; /* OPRO_PERMUTATION_... */
} opro__space;

void opro__space_free(opro__space *space, opro__mem *mem);

/* The name of coordinate i, for people and prompts. */
const char *opro__space_name(const opro__space *space, size_t i, char buffer[32]);

/*
 * Vectors. read: "3, -1.5" with or without brackets round it and names before the numbers ("w =
 * 3; b: 4"), exactly n numbers; nothing is rounded or checked against bounds. If all coordinates
 * are named, all differently, they are put in their places; otherwise a name that is not that of
 * its place is refused. round: if integer. inside: 1 if within bounds, else *at is the first that
 * is not. write: "3, -1.5".
 */
opro_status opro__vector_read(const opro__space *space, const char *text, size_t len, double *x,
                              opro_error *err);
void opro__vector_round(const opro__space *space, double *x);
int opro__vector_inside(const opro__space *space, const double *x, size_t *at);
void opro__vector_write(const double *x, size_t n, opro__buf *out);

/* Why a text is not a vector. Costs nothing to make: most brackets in a reply hold no vector. */
enum {
    OPRO__VECTOR_OK,
    OPRO__VECTOR_COUNT,  /* not n of them                                */
    OPRO__VECTOR_NUMBER, /* not a number                                 */
    OPRO__VECTOR_NAME,   /* a name that no coordinate has                */
    OPRO__VECTOR_PLACE,  /* a name where another coordinate stands       */
    OPRO__VECTOR_TWICE   /* two coordinates of the same name             */
};

typedef struct opro__vector_fault {
    const char *s; /* what is meant, in the text */
    size_t len;
    size_t at; /* the coordinate where it stands; OPRO__VECTOR_COUNT: how many there are, or more */
} opro__vector_fault;

/*
 * The same without brackets round it and without words: OPRO__VECTOR_... x (NULL: only check) is
 * garbage on failure. names: from opro__vector_index(), or NULL. Time is linear in len, but for
 * names without an index.
 */
int opro__vector_scan(const opro__space *space, const opro__map *names, const char *s, size_t len,
                      double *x, opro__vector_fault *fault);

/*
 * The names of the coordinates, for scanning many texts. names: initialised. 0 when there is no
 * memory.
 */
int opro__vector_index(const opro__space *space, opro__map *names);

/*
 * Permutations. read: n nodes, each once, in the forms of a trace (separators blanks , ; -> =>, a
 * node alone or in () or []); OPRO_ERR_PARSE or OPRO_ERR_REJECTED, and the message begins with
 * what is wrong: "bad_token: ", "empty: ", "out_of_range: ", "duplicate: ", "missing: ". nodes as
 * they were on failure. canonical: rotate and reverse as the symmetry allows. write: "0,2,1".
 */
opro_status opro__permutation_read(const opro__space *space, const char *text, size_t len,
                                   int32_t *nodes, opro__mem *mem, opro_error *err);
void opro__permutation_canonical(const opro__space *space, int32_t *nodes);
void opro__permutation_write(const int32_t *nodes, size_t n, opro__buf *out);

/* The text of a trace without the full stop and the brackets that may surround its nodes. */
void opro__trace_unwrap(const char **s, size_t *len);

/*
 * The next node of an unwrapped trace, from *at on: 1, and *at is behind it; 0 at the end; -1 if
 * what stands at *at is no node; *token is then its length.
 */
int opro__trace_next(const char *s, size_t len, size_t *at, size_t *token, int32_t *node);

#endif
