/* SPDX-License-Identifier: MIT */
/* Looking for words in foreign text, whatever the case of ASCII letters. */
#ifndef OPRO_MODEL_TEXT_H
#define OPRO_MODEL_TEXT_H

#include <stddef.h>

/* 1 if the first len bytes of a and b are the same but for the case of ASCII letters. */
int opro__same_letters(const char *a, const char *b, size_t len);

/* Where word, which is in lower case, begins in s; NULL. */
const char *opro__find_letters(const char *s, size_t len, const char *word);

#endif
