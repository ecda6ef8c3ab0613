/* SPDX-License-Identifier: MIT */
/* Where a callback puts its result, and what it may put there. */
#ifndef OPRO_CORE_SINK_H
#define OPRO_CORE_SINK_H

#include "base/buf.h"

enum {
    OPRO__SINK_TEXT = 1,   /* one text                    */
    OPRO__SINK_TEXTS = 2,  /* any number of texts         */
    OPRO__SINK_REJECT = 4, /* or a refusal                */
    OPRO__SINK_COUNT = 8   /* a number                    */
};

struct opro_sink {
    unsigned allows;
    unsigned got;   /* what was delivered: the same bits */
    opro__buf *buf; /* texts, one behind the other, or the reason of a refusal */
    size_t *ends;   /* OPRO__SINK_TEXTS: where each text ends in buf */
    size_t n;       /* texts delivered */
    size_t cap;
    int64_t count;
    opro_status status; /* first failure of a delivery: it is the callback's failure too */
};

/* buf: where texts go; cleared. */
void opro__sink_init(opro_sink *sink, unsigned allows, opro__buf *buf);
void opro__sink_free(opro_sink *sink);

/* The i-th text of OPRO__SINK_TEXTS. */
const char *opro__sink_get(const opro_sink *sink, size_t i, size_t *len);

/*
 * What a callback that returned this value amounts to: OPRO_OK only if it delivered one of the
 * things in want.
 */
opro_status opro__sink_close(const opro_sink *sink, int32_t returned, unsigned want);

#endif
