/* SPDX-License-Identifier: MIT */
/* Permutations as text. */
#include "space.h"

#include <assert.h>
#include <string.h>

#include "base/ascii.h"
#include "opro/tour.h"

#define DIGITS_MAX 9 /* what always fits into an int32_t */

/* ---- words of a trace ------------------------------------------------------------------------ */

/* The bytes of the blank at s: ASCII, or the no-break space. */
static size_t blank(const char *s, size_t len) {
    if (len > 0 && (*s == ' ' || (*s >= '\t' && *s <= '\r'))) return 1;
    return len > 1 && memcmp(s, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

/* The bytes of the separator at s: a blank, a comma, a semicolon, an arrow. */
static size_t separator(const char *s, size_t len) {
    if (len > 0 && (*s == ',' || *s == ';')) return 1;
    if (len > 1 && (*s == '-' || *s == '=') && s[1] == '>') return 2;
    if (len > 2 && memcmp(s, "\xe2\x86\x92", 3) == 0) return 3;
    return blank(s, len);
}

static void trim(const char **s, size_t *len) {
    size_t n;

    while ((n = blank(*s, *len)) > 0) {
        *s += n;
        *len -= n;
    }
    for (;;) {
        if (*len > 0 && blank(*s + *len - 1, 1))
            *len -= 1;
        else if (*len > 1 && blank(*s + *len - 2, 2) == 2)
            *len -= 2;
        else
            return;
    }
}

/* The bracket at the start has its partner at the end: "(0,1)", but not "(0),(1)". */
static int surrounded(const char *s, size_t len, char open, char close) {
    size_t depth = 0;

    if (len < 2 || s[0] != open || s[len - 1] != close) return 0;
    for (size_t i = 0; i < len; i++) {
        depth += s[i] == open;
        depth -= s[i] == close;
        if (depth == 0) return i + 1 == len;
    }
    return 0;
}

void opro__trace_unwrap(const char **s, size_t *len) {
    trim(s, len);
    if (*len > 0 && (*s)[*len - 1] == '.') {
        --*len;
        trim(s, len);
    }
    if (surrounded(*s, *len, '[', ']') || surrounded(*s, *len, '(', ')')) {
        ++*s;
        *len -= 2;
    }
}

/* A node: digits, alone or in brackets. */
static int read_node(const char *s, size_t len, int32_t *node) {
    int32_t value = 0;

    if (len > 2 && ((s[0] == '(' && s[len - 1] == ')') || (s[0] == '[' && s[len - 1] == ']'))) {
        s++;
        len -= 2;
    }
    if (len == 0 || len > DIGITS_MAX) return 0;
    for (size_t i = 0; i < len; i++) {
        if (!opro__is_digit(s[i])) return 0;
        value = value * 10 + (s[i] - '0');
    }
    *node = value;
    return 1;
}

int opro__trace_next(const char *s, size_t len, size_t *at, size_t *token, int32_t *node) {
    size_t n, end;

    while ((n = separator(s + *at, len - *at)) > 0)
        *at += n;
    if (*at == len) return 0;
    for (end = *at; end < len && separator(s + end, len - end) == 0;)
        end++;
    *token = end - *at;
    if (!read_node(s + *at, *token, node)) return -1;
    *at = end;
    return 1;
}

/* ---- reading --------------------------------------------------------------------------------- */

/*
 * The nodes of a trace: the first n + 1 of them, how many there are, and the first that is too
 * large (-1: none is).
 */
typedef struct trace {
    int32_t *nodes;
    size_t count;
    int32_t outside;
} trace;

static opro_status read_nodes(size_t n, const char *s, size_t len, trace *t, opro_error *err) {
    size_t at = 0, token = 0;
    int32_t node = 0;
    int more;

    opro__trace_unwrap(&s, &len);
    while ((more = opro__trace_next(s, len, &at, &token, &node)) > 0) {
        if (t->count <= n) t->nodes[t->count] = node;
        if ((size_t)node >= n && t->outside < 0) t->outside = node;
        t->count++;
    }
    if (more < 0)
        return opro__fail(err, OPRO_ERR_PARSE,
                          "bad_token: %s is not a node; write numbers from 0 to %zu, with commas",
                          opro__quote(s + at, token).text, n - 1);
    if (t->count == 0)
        return opro__fail(err, OPRO_ERR_PARSE,
                          "empty: there are no nodes; all of 0 to %zu must be there", n - 1);
    return OPRO_OK;
}

static void drop_return(size_t n, trace *t) {
    if (t->count == n + 1 && t->nodes[n] == t->nodes[0]) t->count = n;
}

/* All nodes are in range. seen: n zeroed bytes. */
static opro_status check_each_once(size_t n, const trace *t, char *seen, opro_error *err) {
    size_t count = t->count <= n ? t->count : n + 1;
    size_t i = 0;

    for (; i < count; i++) {
        if (seen[t->nodes[i]])
            return opro__fail(err, OPRO_ERR_REJECTED, "duplicate: node %d is there more than once",
                              (int)t->nodes[i]);
        seen[t->nodes[i]] = 1;
    }
    for (i = 0; i < n && seen[i];)
        i++;
    if (i < n)
        return opro__fail(err, OPRO_ERR_REJECTED,
                          "missing: node %zu is not there; %zu of %zu nodes are", i, count, n);
    return OPRO_OK;
}

opro_status opro__permutation_read(const opro__space *space, const char *text, size_t len,
                                   int32_t *nodes, opro__mem *mem, opro_error *err) {
    size_t n = space->n;
    trace t = {.outside = -1};
    char *seen = opro__calloc(mem, n, 1);
    opro_status st = OPRO_ERR_NOMEM;

    assert(n >= 1 && n <= OPRO__PERMUTATION_MAX);
    t.nodes = opro__calloc(mem, n + 1, sizeof *t.nodes);
    if (!t.nodes || !seen) {
        opro__fail(err, st, "no memory to read a permutation of %zu nodes", n);
        goto out;
    }
    st = read_nodes(n, text, len, &t, err);
    if (st != OPRO_OK) goto out;
    drop_return(n, &t);
    if (t.outside >= 0) {
        st = opro__fail(err, OPRO_ERR_REJECTED, "out_of_range: node %d; the largest is %zu",
                        (int)t.outside, n - 1);
        goto out;
    }
    st = check_each_once(n, &t, seen, err);
    if (st == OPRO_OK) memcpy(nodes, t.nodes, n * sizeof *nodes);
out:
    opro__free(mem, t.nodes);
    opro__free(mem, seen);
    return st;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void reverse(int32_t *nodes, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        int32_t node = nodes[i];

        nodes[i] = nodes[n - 1 - i];
        nodes[n - 1 - i] = node;
    }
}

void opro__permutation_canonical(const opro__space *space, int32_t *nodes) {
    size_t n = space->n, zero = 0;

    if (space->symmetry != OPRO_PERMUTATION_CYCLE && space->symmetry != OPRO_PERMUTATION_TOUR)
        return;
    while (nodes[zero] != 0)
        zero++;
    reverse(nodes, zero); /* three reversals rotate */
    reverse(nodes + zero, n - zero);
    reverse(nodes, n);
    if (space->symmetry == OPRO_PERMUTATION_TOUR && nodes[1 % n] > nodes[n - 1])
        reverse(nodes + 1, n - 1);
}

void opro__permutation_write(const int32_t *nodes, size_t n, opro__buf *out) {
    for (size_t i = 0; i < n; i++) {
        if (i > 0) opro__buf_addc(out, ',');
        opro__buf_add_int(out, nodes[i]);
    }
}
