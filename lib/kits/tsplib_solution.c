/* SPDX-License-Identifier: MIT */
/* Solution files: the nodes of a tour. */
#include <string.h>

#include "base/num.h"
#include "tsplib.h"

static opro_status read_tour_type(opro__tsplib *r, const char *value, size_t len) {
    if (opro__tsplib_is(value, len, "TOUR")) return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: TYPE %s: a solution is a TOUR", r->line,
                      opro__quote(value, len).text);
}

static opro_status check_dimension(opro__tsplib *r, const char *value, size_t len) {
    int64_t n;

    if (opro__int_parse(value, len, &n) && n >= 0 && (uint64_t)n == r->places->n) return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE,
                      "line %zu: DIMENSION %s, but the instance has %zu places", r->line,
                      opro__quote(value, len).text, r->places->n);
}

/* Nodes from the first to -1, EOF or the end, however many stand in a line. */
static opro_status read_tour(opro__tsplib *r, const char *value, size_t len) {
    unsigned char seen[OPRO__TOUR_MAX] = {0};
    size_t count = 0, node = 0;
    opro_status st;

    (void)value;
    (void)len;
    r->n = 0;
    while (!r->ended && (r->n > 0 || opro__tsplib_line(r))) {
        const char *word;
        size_t n;

        opro__tsplib_word(r, &word, &n);
        if (opro__tsplib_is(word, n, "-1") || opro__tsplib_is(word, n, "EOF")) {
            r->ended = 1;
            break;
        }
        st = opro__tsplib_node(r, word, n, &node);
        if (st != OPRO_OK) return st;
        if (seen[node])
            return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: node %zu a second time", r->line,
                              node + 1);
        seen[node] = 1;
        r->nodes[count++] = (int32_t)node;
    }
    if (count == r->places->n) return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: TOUR_SECTION ends after %zu of %zu nodes",
                      r->line, count, r->places->n);
}

static const opro__tsplib_keyword solution_keywords[] = {
    {"NAME", opro__tsplib_ignore, NULL, 0},
    {"COMMENT", opro__tsplib_ignore, NULL, 1},
    {"TYPE", read_tour_type, NULL, 0},
    {"DIMENSION", check_dimension, NULL, 0},
    {"TOUR_SECTION", read_tour, NULL, 0},
    {"EOF", opro__tsplib_end, NULL, 0},
    {"NODE_COORD_SECTION", NULL, "this is an instance: opro_tour_read_tsplib() reads it", 0},
    {"EDGE_WEIGHT_SECTION", NULL, "this is an instance: opro_tour_read_tsplib() reads it", 0},
    {NULL, NULL, NULL, 0},
};

opro_status opro_tour_read_solution(opro_tour *tour, const char *text, size_t len, int32_t *nodes,
                                    size_t n) {
    opro__tsplib r = {.keywords = solution_keywords};
    opro__mem mem;
    opro_status st;

    if (!tour || !nodes) return OPRO_ERR_INVALID;
    opro__err_clear(&tour->err);
    if (!opro__arg(&text, &len) || n == 0 || n != tour->places.n)
        return opro__fail(&tour->err, OPRO_ERR_INVALID,
                          "no text, or room for %zu nodes, but the instance has %zu", n,
                          tour->places.n);
    mem = tour->mem;
    r.text = text;
    r.len = len;
    r.mem = &mem;
    r.err = &tour->err;
    r.places = &tour->places;
    r.nodes = opro__calloc(&mem, n, sizeof *nodes);
    if (!r.nodes) return opro__tsplib_no_memory(&r);
    st = opro__tsplib_read(&r);
    if (st == OPRO_OK && !opro__tsplib_met(&r, "TOUR_SECTION"))
        st = opro__fail(&tour->err, OPRO_ERR_PARSE, "line %zu: the file ends without TOUR_SECTION",
                        r.line);
    if (st == OPRO_OK) memcpy(nodes, r.nodes, n * sizeof *nodes);
    opro__free(&mem, r.nodes);
    return st;
}
