/* SPDX-License-Identifier: MIT */
/* Vectors as text. */
#include "space.h"

#include <assert.h>
#include <string.h>

#include "base/ascii.h"
#include "base/hash.h"
#include "base/num.h"

#define NO_NAME SIZE_MAX
#define MINUS   "\xe2\x88\x92" /* U+2212, the minus sign of typographers */

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **s, size_t *len) {
    while (*len > 0 && is_blank((*s)[*len - 1]))
        --*len;
    while (*len > 0 && is_blank(**s)) {
        ++*s;
        --*len;
    }
}

/* ---- numbers --------------------------------------------------------------------------------- */

/*
 * Models also write "5." and the typographic minus. Spell the number as opro__num_parse() knows
 * it; 0 if it is too long for that to be a number.
 */
static size_t respell(const char *s, size_t len, char text[OPRO__NUM_SIZE]) {
    size_t out = 0;
    int point = 0;

    for (size_t i = 0; i < len && out + 1 < OPRO__NUM_SIZE; i++) {
        if (len - i >= 3 && memcmp(s + i, MINUS, 3) == 0) {
            text[out++] = '-';
            i += 2;
        } else if (s[i] == '.' && !point++ && i > 0 && opro__is_digit(s[i - 1]) &&
                   (i + 1 == len || !opro__is_digit(s[i + 1]))) {
            continue;
        } else {
            text[out++] = s[i];
        }
    }
    return out + 1 < OPRO__NUM_SIZE ? out : 0;
}

/* The whole of s is a number. */
static int read_number(const char *s, size_t len, double *value) {
    char text[OPRO__NUM_SIZE];
    size_t n = opro__num_parse(s, len, value);

    if (n == len && len > 0) return 1;
    n = respell(s, len, text);
    return n > 0 && opro__num_parse(text, n, value) == n;
}

/* ---- names ----------------------------------------------------------------------------------- */

static int same_name(const char *name, const char *s, size_t len) {
    size_t i = 0;

    while (i < len && name[i] && opro__lower(name[i]) == opro__lower(s[i]))
        i++;
    return i == len && !name[i];
}

/* "x1" is the first. */
static size_t find_numbered(size_t n, const char *s, size_t len) {
    int64_t number;

    if (len < 2 || opro__lower(s[0]) != 'x' || s[1] < '1' || s[1] > '9') return NO_NAME;
    if (!opro__int_parse(s + 1, len - 1, &number) || number > (int64_t)n) return NO_NAME;
    return (size_t)number - 1;
}

static uint64_t hash_name(const char *s, size_t len) {
    char folded[OPRO__NAME_MAX];

    assert(len <= sizeof folded);
    for (size_t i = 0; i < len; i++)
        folded[i] = opro__lower(s[i]);
    return opro__hash_bytes(folded, len);
}

typedef struct word {
    const char *s;
    size_t len;
} word;

static int names_word(void *key, uint32_t index, const void *owner) {
    const opro__space *space = owner;
    const word *w = key;

    return same_name(space->names[index], w->s, w->len);
}

int opro__vector_index(const opro__space *space, opro__map *names) {
    for (uint32_t i = 0; space->names && i < space->n; i++) {
        if (!opro__map_reserve(names)) return 0;
        opro__map_insert(names, hash_name(space->names[i], strlen(space->names[i])), i);
    }
    return 1;
}

/* The coordinate of that name. It is tried first at the place where it stands. */
static size_t find_name(const opro__space *space, const opro__map *names, size_t place,
                        const char *s, size_t len) {
    if (len == 0 || len > OPRO__NAME_MAX) return NO_NAME;
    if (!space->names) return find_numbered(space->n, s, len);
    if (same_name(space->names[place], s, len)) return place;
    if (names) {
        word key = {s, len};
        uint32_t i = opro__map_find(names, hash_name(s, len), &key, names_word, space);

        return i == OPRO__MAP_NONE ? NO_NAME : i;
    }
    for (size_t i = 0; i < space->n; i++)
        if (same_name(space->names[i], s, len)) return i;
    return NO_NAME;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What a scan knows of the coordinates so far. */
typedef struct scan {
    const opro__space *space;
    const opro__map *names;
    uint16_t place[OPRO__VECTOR_MAX]; /* where coordinate i belongs */
    size_t n;                         /* how many there are         */
    size_t named;
    opro__vector_fault moved; /* the first that is not at its place; s NULL: all are */
} scan;

static int is_name_sign(char c) {
    return c == '=' || c == ':';
}

/* One coordinate: "3", "w = 3". */
static int read_item(scan *sc, const char *s, size_t len, double *value,
                     opro__vector_fault *fault) {
    size_t sign = 0, home = sc->n;
    const char *name = s;

    trim(&s, &len);
    *fault = (opro__vector_fault){s, len, sc->n};
    while (sign < len && !is_name_sign(s[sign]))
        sign++;
    if (sign < len) {
        size_t name_len = sign;

        name = s;
        trim(&name, &name_len);
        home = find_name(sc->space, sc->names, sc->n, name, name_len);
        s += sign + 1;
        len -= sign + 1;
        trim(&s, &len);
        if (home == NO_NAME) return OPRO__VECTOR_NAME;
        if (home != sc->n && !sc->moved.s) sc->moved = (opro__vector_fault){name, name_len, sc->n};
        sc->named++;
    }
    sc->place[sc->n] = (uint16_t)home;
    return read_number(s, len, value) ? OPRO__VECTOR_OK : OPRO__VECTOR_NUMBER;
}

/*
 * Coordinates that are not at their places are fine if each of them says where it belongs, and no
 * two the same.
 */
static int check_places(const scan *sc, opro__vector_fault *fault) {
    unsigned char taken[OPRO__VECTOR_MAX / 8] = {0};

    *fault = sc->moved;
    if (sc->named < sc->n) return OPRO__VECTOR_PLACE;
    for (size_t i = 0; i < sc->n; i++) {
        unsigned bit = 1u << (sc->place[i] & 7);

        if (taken[sc->place[i] >> 3] & bit) return OPRO__VECTOR_TWICE;
        taken[sc->place[i] >> 3] |= (unsigned char)bit;
    }
    return OPRO__VECTOR_OK;
}

static void put_in_places(scan *sc, double *x) {
    for (size_t i = 0; i < sc->n; i++) {
        while (sc->place[i] != i) {
            uint16_t to = sc->place[i];
            double value = x[to];

            x[to] = x[i];
            x[i] = value;
            sc->place[i] = sc->place[to];
            sc->place[to] = to;
        }
    }
}

int opro__vector_scan(const opro__space *space, const opro__map *names, const char *s, size_t len,
                      double *x, opro__vector_fault *fault) {
    scan sc; /* not zeroed: place is large, and replies have many brackets */
    size_t begin = 0;
    int problem;

    assert(space->n >= 1 && space->n <= OPRO__VECTOR_MAX);
    sc.space = space;
    sc.names = names;
    sc.n = sc.named = 0;
    sc.moved = (opro__vector_fault){NULL, 0, 0};
    for (size_t end = 0; end <= len; end++) {
        double value;

        if (end < len && s[end] != ',' && s[end] != ';') continue;
        *fault = (opro__vector_fault){s, len, sc.n + 1};
        if (sc.n == space->n) return OPRO__VECTOR_COUNT;
        problem = read_item(&sc, s + begin, end - begin, &value, fault);
        if (problem != OPRO__VECTOR_OK) return problem;
        if (x) x[sc.n] = value;
        sc.n++;
        begin = end + 1;
    }
    *fault = (opro__vector_fault){s, len, sc.n};
    if (sc.n < space->n) return OPRO__VECTOR_COUNT;
    if (!sc.moved.s) return OPRO__VECTOR_OK;
    problem = check_places(&sc, fault);
    if (problem == OPRO__VECTOR_OK && x) put_in_places(&sc, x);
    return problem;
}

/* How many coordinates there would be. */
static size_t count_items(const char *s, size_t len) {
    size_t n = 1;

    for (size_t i = 0; i < len; i++)
        n += s[i] == ',' || s[i] == ';';
    return n;
}

static opro_status explain(const opro__space *space, int problem, const char *s, size_t len,
                           const opro__vector_fault *fault, opro_error *err) {
    opro__quoted q = opro__quote(fault->s, fault->len);
    char buffer[32];

    switch (problem) {
    case OPRO__VECTOR_COUNT:
        return opro__fail(err, OPRO_ERR_PARSE,
                          "%s has %zu coordinates, separated by commas; it must have %zu", q.text,
                          count_items(s, len), space->n);
    case OPRO__VECTOR_NUMBER:
        return opro__fail(err, OPRO_ERR_PARSE,
                          "%s, coordinate %zu of %zu, is not a finite decimal number", q.text,
                          fault->at + 1, space->n);
    case OPRO__VECTOR_NAME:
        return opro__fail(err, OPRO_ERR_PARSE,
                          "%s, coordinate %zu of %zu, has an unknown name; here stands %s", q.text,
                          fault->at + 1, space->n, opro__space_name(space, fault->at, buffer));
    case OPRO__VECTOR_PLACE:
        return opro__fail(err, OPRO_ERR_PARSE,
                          "%s stands at the place of %s; name all coordinates or keep their order",
                          q.text, opro__space_name(space, fault->at, buffer));
    default:
        return opro__fail(err, OPRO_ERR_PARSE, "two coordinates have the same name in %s",
                          opro__quote(s, len).text);
    }
}

opro_status opro__vector_read(const opro__space *space, const char *text, size_t len, double *x,
                              opro_error *err) {
    opro__vector_fault fault;
    int problem;

    trim(&text, &len);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    problem = opro__vector_scan(space, NULL, text, len, NULL, &fault);
    if (problem != OPRO__VECTOR_OK) return explain(space, problem, text, len, &fault, err);
    opro__vector_scan(space, NULL, text, len, x, &fault);
    return OPRO_OK;
}

/* ---- the rest -------------------------------------------------------------------------------- */

void opro__vector_round(const opro__space *space, double *x) {
    for (size_t i = 0; space->integer && i < space->n; i++)
        x[i] = opro__round_even(x[i]);
}

int opro__vector_inside(const opro__space *space, const double *x, size_t *at) {
    for (size_t i = 0; i < space->n; i++) {
        if (x[i] >= space->lower[i] && x[i] <= space->upper[i]) continue;
        *at = i;
        return 0;
    }
    return 1;
}

void opro__vector_write(const double *x, size_t n, opro__buf *out) {
    for (size_t i = 0; i < n; i++) {
        if (i > 0) opro__buf_add(out, ", ", 2);
        opro__buf_add_real(out, x[i]);
    }
}
