/* SPDX-License-Identifier: MIT */
/*
 * Making data harmless. A solution, the scorer's words, a reason or an exemplar come from models
 * and files; in a meta-prompt they must neither look like a part of it nor, when a model repeats
 * the meta-prompt, be read as an answer.
 *
 *   tags      of the format in use, and those of reasoning, in every form in which a reply is
 *             read: <INS> and &lt;/ins &gt; become (INS) and (/ins)
 *   brackets  (formats that are read by brackets) get a backslash, which makes them text for the
 *             reader
 *   lines     that begin with a label ("score:") get a bar in front; empty lines in the middle
 *             get a blank
 *   bytes     that are not UTF-8 become U+FFFD
 *
 * Everything else stays as it is, byte for byte.
 */
#ifndef OPRO_CORE_HARMLESS_H
#define OPRO_CORE_HARMLESS_H

#include "template.h"

enum { OPRO__HARM_TAGS = 1, OPRO__HARM_BRACKETS = 2, OPRO__HARM_LINES = 4 };

typedef struct opro__harmless {
    const char *tag;       /* the name in the tags of the format; NULL: only those of reasoning */
    opro__span score_name; /* a label too */
} opro__harmless;

/* 1 if the text can be shown as it is. Never 1 when it cannot. */
int opro__harmless_plain(const opro__harmless *rules, unsigned harms, const char *s, size_t len);

/*
 * Copy the text to where len bytes and OPRO__SLACK more may be written, and say if it can be
 * shown as it is: looking and copying in one go. If not, what was written is of no use.
 */
int opro__harmless_copy(const opro__harmless *rules, unsigned harms, const char *s, size_t len,
                        char *to);

/* Append the text, made harmless. */
void opro__harmless_add(const opro__harmless *rules, unsigned harms, const char *s, size_t len,
                        opro__buf *out);

#endif
