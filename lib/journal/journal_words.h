/* SPDX-License-Identifier: MIT */
/* How the records of entries are spelled: what journal_entry.c and journal_entry_read.c share. */
#ifndef OPRO_JOURNAL_JOURNAL_WORDS_H
#define OPRO_JOURNAL_JOURNAL_WORDS_H

#include <string.h>

#include "base/buf.h"

/* A word and what it stands for; a list ends with NULL. */
typedef struct opro__word {
    const char *s;
    int value;
} opro__word;

extern const opro__word opro__entry_words[], opro__request_words[], opro__reply_words[],
    opro__set_words[];

/* `,"key":`; and with a digest of 16 hexadecimal digits as its value. */
void opro__add_key(opro__buf *out, const char *key);
void opro__add_digest(opro__buf *out, const char *key, uint64_t digest);

#endif
