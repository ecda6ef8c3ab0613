/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <string.h>

#include "base/ascii.h"

int opro__same_letters(const char *a, const char *b, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (opro__lower(a[i]) != opro__lower(b[i])) return 0;
    return 1;
}

const char *opro__find_letters(const char *s, size_t len, const char *word) {
    size_t n = strlen(word);

    for (size_t i = 0; n <= len && i <= len - n; i++)
        if (opro__lower(s[i]) == word[0] && opro__same_letters(s + i, word, n)) return s + i;
    return NULL;
}
