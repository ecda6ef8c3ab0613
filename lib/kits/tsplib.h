/* SPDX-License-Identifier: MIT */
/* Reading TSPLIB files: lines, words and keywords, which instances and solutions have in common. */
#ifndef OPRO_KITS_TSPLIB_H
#define OPRO_KITS_TSPLIB_H

#include "tour.h"

typedef struct opro__tsplib opro__tsplib;

typedef struct opro__tsplib_keyword {
    const char *name;
    /*
     * Does what the keyword says; value is the rest of its line. NULL: not possible in this kind of
     * file, and why.
     */
    opro_status (*read)(opro__tsplib *r, const char *value, size_t len);
    const char *refusal;
    int repeatable;
} opro__tsplib_keyword;

struct opro__tsplib {
    const char *text;
    size_t len;
    size_t at;     /* the line after the current one                        */
    size_t line;   /* the number of the current one                         */
    int again;     /* it is to be read once more                            */
    const char *s; /* what of it is not read yet, without blanks around it  */
    size_t n;
    const opro__tsplib_keyword *keywords; /* up to one without a name; at most 32          */
    unsigned seen; /* one bit for each of them                              */
    int ended;     /* EOF was met                                           */
    opro__mem *mem;
    opro_error *err;
    opro__places *places; /* n: DIMENSION                                          */
    /* instances */
    const struct opro__tsplib_layout *layout; /* of the weights in the file; NULL: not said    */
    int has_weights;
    /* solutions */
    int32_t *nodes;
};

/* Read the text to its EOF or end, keyword by keyword. */
opro_status opro__tsplib_read(opro__tsplib *r);

/* 1 if a keyword of this name was met. */
int opro__tsplib_met(const opro__tsplib *r, const char *name);

/* On to the next line that is not empty; lines end with LF, CR LF or CR. 0: there is none. */
int opro__tsplib_line(opro__tsplib *r);

/* The next word of the current line; 0: there is none. */
int opro__tsplib_word(opro__tsplib *r, const char **word, size_t *len);

/* 1 if the line begins with a letter: data does not, unless it is wrong. */
int opro__tsplib_at_keyword(const opro__tsplib *r);

/* 1 if s is this word. */
int opro__tsplib_is(const char *s, size_t len, const char *word);

/* A word as a number, and nothing but. */
int opro__tsplib_number(const char *word, size_t len, double *value);

/* A word as a node of places; *node counts from 0. */
opro_status opro__tsplib_node(opro__tsplib *r, const char *word, size_t len, size_t *node);

/* Values that say nothing about the instance; and the end. */
opro_status opro__tsplib_ignore(opro__tsplib *r, const char *value, size_t len);
opro_status opro__tsplib_end(opro__tsplib *r, const char *value, size_t len);

opro_status opro__tsplib_no_memory(opro__tsplib *r);

#endif
