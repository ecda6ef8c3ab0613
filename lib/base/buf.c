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

void opro__buf_expect(opro__buf *buf, size_t len) {
    void *data = buf->data;

    if (buf->data || len >= buf->max) return;
    if (opro__reserve(buf->mem, &data, &buf->cap, len + 1, 1)) buf->data = data;
    opro__buf_cut(buf, 0);
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

enum { BLOCK = 32 };

/*
 * Whether all bytes of a block stand for themselves in a JSON string, as most of a prompt's do. No
 * way out of the loop, so that the compiler makes vectors of it.
 */
static int all_plain(const char *s) {
    unsigned char special = 0;

    for (int i = 0; i < BLOCK; i++) {
        unsigned char c = (unsigned char)s[i];

        special |= (unsigned char)((c < 0x20) | (c == '"') | (c == '\\'));
    }
    return !special;
}

/* Write a byte as it is in a JSON string; how long that is (at most 6). */
static size_t put_json(char *out, char c) {
    static const char hex[] = "0123456789abcdef";

    out[0] = c;
    if ((unsigned char)c >= 0x20 && c != '"' && c != '\\') return 1;
    out[0] = '\\';
    out[1] = c == '\n' ? 'n' : c;
    if (c == '\n' || c == '"' || c == '\\') return 2;
    memcpy(out + 1, "u00", 3);
    out[4] = hex[(unsigned char)c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

/* Room for at least n bytes is there. How many of them could be put as they are. */
static size_t put_plain(char *out, const char *s, size_t n) {
    size_t i = 0;

    for (; i + BLOCK <= n && all_plain(s + i); i += BLOCK)
        memcpy(out + i, s + i, BLOCK);
    for (; i < n && (unsigned char)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\'; i++)
        out[i] = s[i];
    return i;
}

void opro__buf_add_escaped(opro__buf *buf, const char *s, size_t len) {
    size_t i = 0;

    while (i < len) {
        char bytes[6];
        size_t n;

        if (!make_room(buf, len - i)) return;
        n = put_plain(buf->data + buf->len, s + i, len - i);
        buf->len += n;
        i += n;
        if (i < len) opro__buf_add(buf, bytes, put_json(bytes, s[i++]));
    }
    opro__buf_add(buf, "", 0); /* the NUL */
}

void opro__buf_add_json(opro__buf *buf, const char *s, size_t len) {
    opro__buf_addc(buf, '"');
    opro__buf_add_escaped(buf, s, len);
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
