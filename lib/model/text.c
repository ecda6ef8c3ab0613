/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <string.h>

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int opro__same_letters(const char *a, const char *b, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != lower(b[i])) return 0;
    return 1;
}

const char *opro__find_letters(const char *s, size_t len, const char *word) {
    size_t n = strlen(word);

    for (size_t i = 0; n <= len && i <= len - n; i++)
        if (lower(s[i]) == word[0] && opro__same_letters(s + i, word, n)) return s + i;
    return NULL;
}
