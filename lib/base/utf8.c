/* SPDX-License-Identifier: MIT */
#include "utf8.h"

#include <string.h>

static int continues(unsigned char c) {
    return (c & 0xc0) == 0x80;
}

/* How long a sequence with this first byte is; 0 if none can begin so. */
static size_t announced(unsigned char c) {
    if (c < 0x80) return 1;
    if (c >= 0xc2 && c <= 0xdf) return 2;
    if (c >= 0xe0 && c <= 0xef) return 3;
    if (c >= 0xf0 && c <= 0xf4) return 4;
    return 0;
}

/*
 * Some first bytes narrow what may follow: no overlong forms, no surrogates, nothing over
 * U+10FFFF.
 */
static int second_fits(unsigned char first, unsigned char second) {
    if (!continues(second)) return 0;
    if (first == 0xe0) return second >= 0xa0;
    if (first == 0xed) return second <= 0x9f;
    if (first == 0xf0) return second >= 0x90;
    if (first == 0xf4) return second <= 0x8f;
    return 1;
}

/* The bytes at s that belong together, at least 1; *ok says if they are a whole sequence. */
static size_t part(const char *s, size_t len, int *ok) {
    const unsigned char *u = (const unsigned char *)s;
    size_t want = announced(u[0]);
    size_t have = 1;

    if (want > 1 && have < len && second_fits(u[0], u[1])) {
        have = 2;
        while (have < want && have < len && continues(u[have]))
            have++;
    }
    *ok = have == want;
    return have;
}

size_t opro__utf8_sequence(const char *s, size_t len) {
    int ok = 0;
    size_t n = len ? part(s, len, &ok) : 0;

    return ok ? n : 0;
}

/*
 * The bytes at s, in whole words, that are ASCII and not NUL: most text is, and replies are long.
 */
static size_t plain_words(const char *s, size_t len) {
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    size_t i = 0;

    for (; i + 16 <= len; i += 16) {
        uint64_t a, b;

        memcpy(&a, s + i, 8);
        memcpy(&b, s + i + 8, 8);
        if (((a | (a - ones) | b | (b - ones)) & tops) != 0)
            break; /* a zero byte borrows into its top bit */
    }
    return i;
}

int opro__utf8_valid(const char *s, size_t len) {
    for (size_t i = plain_words(s, len); i < len;) {
        size_t n;

        if ((unsigned char)s[i] - 1u < 127) {
            i++;
            continue;
        }
        n = s[i] ? opro__utf8_sequence(s + i, len - i) : 0;
        if (!n) return 0;
        i += n;
        i += plain_words(s + i, len - i);
    }
    return 1;
}

size_t opro__utf8_count(const char *s, size_t len) {
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += !continues((unsigned char)s[i]);
    return count;
}

void opro__utf8_repair(opro__buf *out, const char *s, size_t len) {
    size_t good = 0; /* start of the stretch that is fine */

    for (size_t i = 0; i < len;) {
        int ok;
        size_t n = part(s + i, len - i, &ok);

        if (!ok || s[i] == 0) {
            opro__buf_add(out, s + good, i - good);
            opro__buf_add(out, "\xef\xbf\xbd", 3);
            good = i + n;
        }
        i += n;
    }
    opro__buf_add(out, s + good, len - good);
}

size_t opro__utf8_cut(const char *s, size_t len, size_t max) {
    if (len <= max) return len;
    while (max > 0 && continues((unsigned char)s[max]))
        max--;
    return max;
}
