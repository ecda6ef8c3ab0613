/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer with a mandatory maximum. Errors stick: append as you like and look at
 * status at the end; what was appended after a failure is not there.
 */
#ifndef OPRO_BASE_BUF_H
#define OPRO_BASE_BUF_H

#include "mem.h"

typedef struct opro__buf {
    opro__mem *mem;
    char *data; /* NUL-terminated once something was appended */
    size_t len;
    size_t cap;
    size_t max;         /* bytes, without the NUL                                 */
    opro_status status; /* OPRO_OK, OPRO_ERR_NOMEM, or OPRO_ERR_LIMIT: max reached */
} opro__buf;

void opro__buf_init(opro__buf *buf, opro__mem *mem, size_t max);
void opro__buf_free(opro__buf *buf);

/* Empty again, the memory kept, errors forgotten. */
void opro__buf_clear(opro__buf *buf);

/* So many more bytes will come: memory for just these, if there is none yet. Cannot fail. */
void opro__buf_expect(opro__buf *buf, size_t len);

/* Back to an earlier length. */
void opro__buf_cut(opro__buf *buf, size_t len);

void opro__buf_add(opro__buf *buf, const char *s, size_t len);
void opro__buf_addz(opro__buf *buf, const char *s);
void opro__buf_addc(opro__buf *buf, char c);
void opro__buf_add_int(opro__buf *buf, int64_t value);

/* Shortest text that reads back as the same double, whatever the locale. */
void opro__buf_add_real(opro__buf *buf, double value);

/* A JSON string with its quotes, or what goes between them; s is valid UTF-8. */
void opro__buf_add_json(opro__buf *buf, const char *s, size_t len);
void opro__buf_add_escaped(opro__buf *buf, const char *s, size_t len);

/* The text, never NULL. */
const char *opro__buf_text(const opro__buf *buf);

/*
 * The text as a block of its own, which the caller frees with opro__free(); the buffer is empty
 * then. NULL: no memory.
 */
char *opro__buf_take(opro__buf *buf, size_t *len);

#endif
