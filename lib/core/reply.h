/* SPDX-License-Identifier: MIT */
/*
 * Cutting candidates out of a model's reply. The rules: bytes that are not UTF-8 become U+FFFD;
 * reasoning (<think>...</think>) is invisible; tags in any case; cleaning of quotes, fences and
 * emphasis. Linear in the reply's length, no recursion.
 */
#ifndef OPRO_CORE_REPLY_H
#define OPRO_CORE_REPLY_H

#include "base/buf.h"
#include "space.h"

/* What a reply is read for. */
enum {
    OPRO__FORMAT_INS = 10,    /* <INS>...</INS>                                     */
    OPRO__FORMAT_START = 11,  /* <Start>...</Start>                                 */
    OPRO__FORMAT_TEXT = 12,   /* <TEXT>...</TEXT>                                   */
    OPRO__FORMAT_SQUARE = 20, /* [...]                                              */
    OPRO__FORMAT_TRACE = 30,  /* <trace>...</trace>, text of nodes                  */
    OPRO__FORMAT_VECTOR = 40  /* [x1, x2, ...] of exactly the space's dimension     */
};

/* The longest reply that is read. */
#define OPRO__REPLY_MAX ((size_t)64 << 20)

/* Small: a hostile reply of 64 MiB holds millions. */
typedef struct opro__found {
    uint32_t at; /* in text */
    uint32_t len;
    unsigned char opened; /* tag formats: there was an opening tag, a closing tag */
    unsigned char closed;
} opro__found;

typedef struct opro__reply {
    opro__buf text; /* the candidates' texts, one behind the other */
    opro__found *found;
    size_t n;
    size_t cap;
} opro__reply;

void opro__reply_init(opro__reply *reply, opro__mem *mem);
void opro__reply_free(opro__reply *reply);

/*
 * Find the candidates in s, in order; what was in reply is forgotten. space: needed for
 * OPRO__FORMAT_VECTOR (dimension and names; the text found is canonical: numbers joined by ", "),
 * else ignored. Texts (INS, START, TEXT, SQUARE) are not empty, and none is there twice; traces
 * and vectors may repeat. For OPRO__FORMAT_TRACE the texts are cleaned but not checked to be
 * permutations, so that they may be empty: see opro__permutation_read(). OPRO_ERR_LIMIT for a
 * reply over OPRO__REPLY_MAX, OPRO_ERR_NOMEM; nothing is found then.
 */
opro_status opro__reply_parse(opro__reply *reply, int32_t format, const opro__space *space,
                              const char *s, size_t len);

/*
 * Append s without blanks, fences, quotes and emphasis around it (the cleaning rule for text
 * candidates).
 */
void opro__reply_clean(opro__buf *out, const char *s, size_t len);

#endif
