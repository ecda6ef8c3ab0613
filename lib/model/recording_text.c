/* SPDX-License-Identifier: MIT */
/* What of a body is embedded in a line as JSON, and base64 for the rest. */
#include "recording_parts.h"

#include <string.h>

#include "base/utf8.h"

int opro__embeds(const char *s, size_t len) {
    opro__cursor c = {.len = len};
    const char *value;
    size_t n;

    if (!len || (s[0] != '{' && s[0] != '[')) return 0;
    c.s = (char *)(uintptr_t)s; /* skipping changes nothing */
    return opro__utf8_valid(s, len) && opro__cursor_skip(&c, &value, &n) && n == len;
}

/* ---- base64 ---------------------------------------------------------------------------------- */

void opro__base64_add(opro__buf *out, const char *s, size_t len) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v = 0;
        char four[4] = {'=', '=', '=', '='};

        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < n ? (unsigned char)s[i + k] : 0);
        for (size_t k = 0; k <= n; k++)
            four[k] = alphabet[v >> (18 - 6 * k) & 63];
        opro__buf_add(out, four, sizeof four);
    }
}

/* Six bits, or 64. */
static uint32_t sextet(char c) {
    if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9') return (uint32_t)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

int opro__base64_decode(char *s, size_t *len) {
    size_t n = *len, out = 0;

    if (n % 4 != 0) return 0;
    for (size_t i = 0; i < n; i += 4) {
        size_t given = i + 4 < n || s[i + 3] != '=' ? 4 : s[i + 2] != '=' ? 3 : 2;
        uint32_t v = 0;

        for (size_t k = 0; k < 4; k++) {
            uint32_t six = k < given ? sextet(s[i + k]) : 0;

            if (six == 64) return 0;
            v = v << 6 | six;
        }
        if (v & ((UINT32_C(1) << 8 * (4 - given)) - 1)) return 0; /* bits that nobody wrote */
        for (size_t k = 0; k + 1 < given; k++)
            s[out++] = (char)(v >> (16 - 8 * k) & 0xff);
    }
    s[out] = '\0';
    *len = out;
    return 1;
}
