/* SPDX-License-Identifier: MIT */
/* Letters and digits of ASCII, whatever the locale. */
#ifndef OPRO_BASE_ASCII_H
#define OPRO_BASE_ASCII_H

static inline int opro__is_digit(char c) {
    return c >= '0' && c <= '9';
}

static inline char opro__lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline int opro__is_letter(char c) {
    return opro__lower(c) >= 'a' && opro__lower(c) <= 'z';
}

/* The value of a digit, or of one of the hexadecimal digits a to f; 16: it is none. */
static inline unsigned opro__hex(char c) {
    if (opro__is_digit(c)) return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

#endif
