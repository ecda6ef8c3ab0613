/* SPDX-License-Identifier: MIT */
/*
 * TSPLIB files: a line "KEYWORD : VALUE", or the keyword of a section with numbers below it. Read
 * once from front to back, nothing is looked up twice.
 */
#include "tsplib.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

/* ---- lines and words ------------------------------------------------------------------------- */

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static void trim(const char **s, size_t *n) {
    while (*n > 0 && is_blank((*s)[0])) {
        ++*s;
        --*n;
    }
    while (*n > 0 && is_blank((*s)[*n - 1]))
        --*n;
}

int opro__tsplib_line(opro__tsplib *r) {
    if (r->again) {
        r->again = 0;
        return 1;
    }
    while (r->at < r->len) {
        const char *begin = r->text + r->at;
        size_t n = 0, rest = r->len - r->at;

        while (n < rest && begin[n] != '\n' && begin[n] != '\r')
            n++;
        r->at += n < rest ? n + 1 : n;
        if (n + 1 < rest && begin[n] == '\r' && begin[n + 1] == '\n') r->at++;
        r->line++;
        r->s = begin;
        r->n = n;
        trim(&r->s, &r->n);
        if (r->n > 0) return 1;
    }
    return 0;
}

int opro__tsplib_word(opro__tsplib *r, const char **word, size_t *len) {
    size_t n = 0;

    while (n < r->n && !is_blank(r->s[n]))
        n++;
    *word = r->s;
    *len = n;
    r->s += n;
    r->n -= n;
    trim(&r->s, &r->n);
    return n > 0;
}

/* "3." too, as Fortran writes it. */
int opro__tsplib_number(const char *word, size_t len, double *value) {
    size_t n = opro__num_parse(word, len, value);

    if (n == 0) return 0;
    return n == len || (n + 1 == len && word[n] == '.' && !memchr(word, '.', n) &&
                        !memchr(word, 'e', n) && !memchr(word, 'E', n));
}

int opro__tsplib_at_keyword(const opro__tsplib *r) {
    return r->n > 0 && opro__is_letter(r->s[0]);
}

int opro__tsplib_is(const char *s, size_t len, const char *word) {
    return len == strlen(word) && memcmp(s, word, len) == 0;
}

opro_status opro__tsplib_no_memory(opro__tsplib *r) {
    return opro__fail(r->err, OPRO_ERR_NOMEM, "line %zu: out of memory for %zu places", r->line,
                      r->places->n);
}

/* ---- keywords -------------------------------------------------------------------------------- */

static const opro__tsplib_keyword *find_keyword(const opro__tsplib *r, const char *s, size_t len) {
    for (const opro__tsplib_keyword *k = r->keywords; k->name; k++)
        if (opro__tsplib_is(s, len, k->name)) return k;
    return NULL;
}

int opro__tsplib_met(const opro__tsplib *r, const char *name) {
    const opro__tsplib_keyword *k = find_keyword(r, name, strlen(name));

    return k && (r->seen >> (k - r->keywords) & 1);
}

/* Split the current line into keyword and value, and do what it says. */
static opro_status read_keyword(opro__tsplib *r) {
    const char *s = r->s, *value;
    size_t n = r->n, name = 0;
    const opro__tsplib_keyword *k;

    while (name < n && s[name] != ':' && !is_blank(s[name]))
        name++;
    k = find_keyword(r, s, name);
    if (!k)
        return opro__fail(r->err, OPRO_ERR_PARSE,
                          "line %zu: %s is no keyword of this kind of file, and no data is "
                          "expected here",
                          r->line, opro__quote(s, name).text);
    if (!k->read)
        return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: %s: %s", r->line, k->name, k->refusal);
    if (!k->repeatable && opro__tsplib_met(r, k->name))
        return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: a second %s", r->line, k->name);
    r->seen |= 1u << (k - r->keywords);
    value = s + name;
    n -= name;
    trim(&value, &n);
    if (n > 0 && value[0] == ':') {
        value++;
        n--;
        trim(&value, &n);
    }
    return k->read(r, value, n);
}

opro_status opro__tsplib_ignore(opro__tsplib *r, const char *value, size_t len) {
    (void)r;
    (void)value;
    (void)len;
    return OPRO_OK;
}

opro_status opro__tsplib_end(opro__tsplib *r, const char *value, size_t len) {
    r->ended = 1;
    return opro__tsplib_ignore(r, value, len);
}

opro_status opro__tsplib_read(opro__tsplib *r) {
    const char *nul = memchr(r->text, '\0', r->len);
    opro_status st = OPRO_OK;

    if (r->len >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0) r->at = 3; /* byte order mark */
    if (nul) {
        while (r->at <= (size_t)(nul - r->text) && opro__tsplib_line(r)) {
        }
        return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: a NUL byte: this is no text file",
                          r->line);
    }
    while (st == OPRO_OK && !r->ended && opro__tsplib_line(r))
        st = read_keyword(r);
    return st;
}

opro_status opro__tsplib_node(opro__tsplib *r, const char *word, size_t len, size_t *node) {
    int64_t number;

    if (!opro__int_parse(word, len, &number))
        return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: %s is no node number", r->line,
                          opro__quote(word, len).text);
    if (number < 1 || (uint64_t)number > r->places->n)
        return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: node %s: nodes go from 1 to %zu",
                          r->line, opro__quote(word, len).text, r->places->n);
    *node = (size_t)number - 1;
    return OPRO_OK;
}
