/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include <string.h>

#include "num.h"

void opro__buf_init(opro__buf *buf, opro__mem *mem, size_t max) {
    *buf = (opro__buf){.mem = mem, .max = max, .status = OPRO_OK};
}

void opro__buf_free(opro__buf *buf) {
    if (buf->mem) opro__free(buf->mem, buf->data);
    buf->data = NULL;
    buf->len = buf->cap = 0;
}

void opro__buf_clear(opro__buf *buf) {
    buf->status = OPRO_OK;
    opro__buf_cut(buf, 0);
}

void opro__buf_cut(opro__buf *buf, size_t len) {
    if (len < buf->len) buf->len = len;
    if (buf->data) buf->data[buf->len] = '\0';
}

/* Room for len more bytes and the NUL. */
static int make_room(opro__buf *buf, size_t len) {
    void *data = buf->data;

    if (buf->status != OPRO_OK) return 0;
    if (len > buf->max - buf->len) {
        buf->status = OPRO_ERR_LIMIT;
        return 0;
    }
    if (!opro__reserve(buf->mem, &data, &buf->cap, buf->len + len + 1, 1)) {
        buf->status = OPRO_ERR_NOMEM;
        return 0;
    }
    buf->data = data;
    return 1;
}

void opro__buf_add(opro__buf *buf, const char *s, size_t len) {
    if (!make_room(buf, len)) return;
    if (len) memcpy(buf->data + buf->len, s, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void opro__buf_addz(opro__buf *buf, const char *s) {
    opro__buf_add(buf, s, strlen(s));
}

void opro__buf_addc(opro__buf *buf, char c) {
    opro__buf_add(buf, &c, 1);
}

void opro__buf_add_int(opro__buf *buf, int64_t value) {
    char text[OPRO__NUM_SIZE];

    opro__buf_add(buf, text, opro__int_format(value, text));
}

void opro__buf_add_real(opro__buf *buf, double value) {
    char text[OPRO__NUM_SIZE];

    opro__buf_add(buf, text, opro__num_format(value, text));
}

void opro__buf_add_json(opro__buf *buf, const char *s, size_t len) {
    static const char hex[] = "0123456789abcdef";
    size_t plain = 0; /* start of the stretch that needs no escape */

    opro__buf_addc(buf, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

        if (c >= 0x20 && c != '"' && c != '\\') continue;
        opro__buf_add(buf, s + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\' || c == '\n') {
            escape[1] = c == '\n' ? 'n' : (char)c;
            opro__buf_add(buf, escape, 2);
        } else {
            opro__buf_add(buf, escape, 6);
        }
    }
    opro__buf_add(buf, s + plain, len - plain);
    opro__buf_addc(buf, '"');
}

const char *opro__buf_text(const opro__buf *buf) {
    return buf->data ? buf->data : "";
}

char *opro__buf_take(opro__buf *buf, size_t *len) {
    char *data;

    if (!buf->data) opro__buf_add(buf, "", 0);
    if (buf->status != OPRO_OK) return NULL;
    data = buf->data;
    if (len) *len = buf->len;
    buf->data = NULL;
    buf->len = buf->cap = 0;
    return data;
}
