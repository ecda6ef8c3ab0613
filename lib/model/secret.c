/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

enum {
    SHORTEST_SECRET = 4, /* a value of three letters is none, and would tear messages to pieces */
    SHORTEST_PIECE = 8
};

static const char instead[] = "[key]";
static const char broken[] = "\xEF\xBF\xBD"; /* U+FFFD */

void opro__wipe(void *p, size_t len) {
    /* What a volatile pointer points to is not known when compiling, so the call has to be made. */
    static void *(*const volatile overwrite)(void *, int, size_t) = memset;

    if (p && len) overwrite(p, 0, len);
}

int opro__secret_set(opro__secret *secret, opro__mem *mem, const char *s, size_t len) {
    char *text = NULL;

    if (len) {
        text = opro__memdup(mem, s, len);
        if (!text) return 0;
    }
    opro__secret_clear(secret, mem);
    *secret = (opro__secret){.text = text, .len = len};
    return 1;
}

void opro__secret_clear(opro__secret *secret, opro__mem *mem) {
    opro__wipe(secret->text, secret->len);
    opro__free(mem, secret->text);
    *secret = (opro__secret){0};
}

/* ---- redaction ------------------------------------------------------------------------------- */

/* A text, forwards or backwards: a piece of a secret's end is one of its beginning, backwards. */
typedef struct way {
    const char *s;
    size_t len;
    int back;
} way;

static char letter(way w, size_t i) {
    return w.s[w.back ? w.len - 1 - i : i];
}

/* next[q]: the longest beginning of the key, shorter than q, that ends its first q bytes. */
static void borders(way key, size_t *next) {
    next[0] = next[1] = 0;
    for (size_t q = 1, k = 0; q < key.len; q++) {
        while (k && letter(key, k) != letter(key, q))
            k = next[k];
        k += letter(key, k) == letter(key, q);
        next[q + 1] = k;
    }
}

/*
 * Mark every piece of the key's beginning in the text. Knuth, Morris & Pratt 1977: q is the length
 * of the longest one that ends here, and all others that do are parts of it.
 */
static void mark(way key, way text, size_t *next, unsigned char *marks) {
    size_t shortest = key.len < SHORTEST_PIECE ? key.len : SHORTEST_PIECE;
    size_t marked = 0; /* of the text, from its start: nothing is marked twice */

    borders(key, next);
    for (size_t i = 0, q = 0; i < text.len; i++) {
        while (q && (q == key.len || letter(key, q) != letter(text, i)))
            q = next[q];
        q += letter(key, q) == letter(text, i);
        if (q < shortest) continue;
        for (size_t at = i + 1 - q < marked ? marked : i + 1 - q; at <= i; at++)
            marks[text.back ? text.len - 1 - at : at] = 1;
        marked = i + 1;
    }
}

/* Letters that move the cursor, end the line or turn the direction of writing. */
static int is_control(const char *s, size_t n) {
    const unsigned char *u = (const unsigned char *)s;

    if (n == 1) return u[0] < 0x20 || u[0] == 0x7F;
    if (n == 2) return u[0] == 0xC2 && u[1] < 0xA0;
    if (n != 3 || u[0] != 0xE2) return 0;
    return (u[1] == 0x80 && ((u[2] >= 0xA8 && u[2] <= 0xAE) || u[2] == 0x8E || u[2] == 0x8F)) ||
           (u[1] == 0x81 && u[2] >= 0xA6 && u[2] <= 0xA9);
}

/* Append what is no secret: controls as blanks, a row of bytes that are not UTF-8 as U+FFFD. */
static void add_clean(opro__buf *out, const char *s, size_t len) {
    size_t plain = 0; /* start of the stretch that stays as it is */

    for (size_t i = 0; i < len;) {
        size_t n = opro__utf8_sequence(s + i, len - i);
        int control = n && is_control(s + i, n);

        if (n && !control) {
            i += n;
            continue;
        }
        opro__buf_add(out, s + plain, i - plain);
        opro__buf_addz(out, control ? " " : broken);
        i += n ? n : 1;
        while (!control && i < len && !opro__utf8_sequence(s + i, len - i))
            i++;
        plain = i;
    }
    opro__buf_add(out, s + plain, len - plain);
}

static void add_marked(opro__buf *out, const char *s, size_t len, const unsigned char *marks) {
    for (size_t i = 0; i < len;) {
        size_t start = i;

        while (i < len && marks[i] == marks[start])
            i++;
        if (marks[start])
            opro__buf_addz(out, instead);
        else
            add_clean(out, s + start, i - start);
    }
}

void opro__redact(opro__buf *out, const opro__secret *secrets, size_t n, const char *text,
                  size_t len) {
    unsigned char *marks = NULL;
    size_t *next = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < n; i++)
        if (secrets[i].len >= SHORTEST_SECRET && secrets[i].len > longest) longest = secrets[i].len;
    if (!longest || !len) {
        add_clean(out, text, len);
        return;
    }
    marks = opro__calloc(out->mem, len, 1);
    next = opro__calloc(out->mem, longest + 1, sizeof *next);
    if (!marks || !next) {
        if (out->status == OPRO_OK) out->status = OPRO_ERR_NOMEM;
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        if (secrets[i].len < SHORTEST_SECRET) continue;
        for (int back = 0; back < 2; back++)
            mark((way){secrets[i].text, secrets[i].len, back}, (way){text, len, back}, next, marks);
    }
    add_marked(out, text, len, marks);
out:
    opro__free(out->mem, next);
    opro__free(out->mem, marks);
}
