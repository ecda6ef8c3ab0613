/* SPDX-License-Identifier: MIT */
/* The kinds of solutions that the library knows by itself, and their canonical texts. */
#ifndef OPRO_CORE_SPACE_H
#define OPRO_CORE_SPACE_H

#include "base/buf.h"
#include "base/err.h"

enum {
    OPRO__SPACE_TEXT = 10,
    OPRO__SPACE_VECTOR = 20,
    OPRO__SPACE_PERMUTATION = 30
};

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
 * Vectors. read: "3, -1.5" with or without brackets round it and names before the numbers, exactly n numbers; nothing is
 * rounded or checked against bounds. place: round if integer. inside: 1 if within bounds, else *at is the first that is
 * not. write: "3, -1.5".
 */
opro_status opro__vector_read(const opro__space *space, const char *text, size_t len, double *x, opro_error *err);
void opro__vector_round(const opro__space *space, double *x);
int opro__vector_inside(const opro__space *space, const double *x, size_t *at);
void opro__vector_write(const double *x, size_t n, opro__buf *out);

/*
 * Permutations. read: n nodes, each once, in the forms of a trace (separators blanks , ; -> =>, a node alone or in () or
 * []); err says what is wrong and OPRO_ERR_PARSE or OPRO_ERR_REJECTED is returned. canonical: rotate and reverse as the
 * symmetry allows. write: "0,2,1".
 */
opro_status opro__permutation_read(const opro__space *space, const char *text, size_t len, int32_t *nodes,
                                   opro__mem *mem, opro_error *err);
void opro__permutation_canonical(const opro__space *space, int32_t *nodes);
void opro__permutation_write(const int32_t *nodes, size_t n, opro__buf *out);

#endif
