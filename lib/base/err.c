/* SPDX-License-Identifier: MIT */
#include "err.h"

#include <stdarg.h>
#include <stdio.h> /* vsnprintf() only: no streams */
#include <string.h>

#include "num.h"
#include "utf8.h"

void opro__err_clear(opro_error *err) {
    err->status = OPRO_OK;
    err->len = 0;
    err->message[0] = '\0';
}

opro_status(opro__fail)(opro_error *err, opro_status status, const char *format, ...) {
    char text[sizeof err->message];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args); /* the arguments may be err's own message */
    va_end(args);
    if (n < 0) n = 0;
    err->len = strlen(text);
    if ((size_t)n > err->len) err->len = opro__utf8_cut(text, err->len, err->len - 4);
    memcpy(err->message, text, err->len);
    err->message[err->len] = '\0';
    err->status = status;
    return status;
}

opro_status opro__err_copy(opro_error *err, const opro_error *from) {
    *err = *from;
    return err->status;
}

opro_status opro_error_status(const opro_error *error) {
    return error->status;
}

const char *opro_error_message(const opro_error *error, size_t *len) {
    if (len) *len = error->len;
    return error->message;
}

opro__quoted opro__quote(const char *s, size_t len) {
    opro__quoted q;
    size_t out = 0, keep = opro__utf8_cut(s, len, 60);

    q.text[out++] = '"';
    for (size_t i = 0; i < keep;) {
        size_t n = opro__utf8_sequence(s + i, keep - i);

        if (n <= 1) { /* ASCII, or a byte that is not UTF-8: messages are */
            q.text[out++] = n == 0 ? '?' : s[i] < 0x20 || s[i] == 0x7f ? ' ' : s[i];
            i++;
            continue;
        }
        memcpy(q.text + out, s + i, n);
        out += n;
        i += n;
    }
    if (keep < len) {
        memcpy(q.text + out, "...", 3);
        out += 3;
    }
    q.text[out++] = '"';
    q.text[out] = '\0';
    return q;
}

opro__quoted opro__quote_real(double value) {
    opro__quoted q;
    char text[OPRO__NUM_SIZE];
    size_t len = opro__num_format(value, text);

    memcpy(q.text, text, len + 1); /* at most 24 bytes */
    return q;
}

int opro__arg(const char **s, size_t *len) {
    if (!*s) {
        if (*len != 0) return 0;
        *s = "";
    } else if (*len == OPRO_ZT) {
        *len = strlen(*s);
    }
    return 1;
}
