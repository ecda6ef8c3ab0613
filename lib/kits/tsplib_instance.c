/* SPDX-License-Identifier: MIT */
/*
 * Instances. DIMENSION comes before the sections. What would change the meaning of the instance and
 * is not known here is refused, with its line.
 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/utf8.h"
#include "tsplib.h"

/*
 * Weights in files are integers up to 2^39: the length of a tour of 2^14 places is exact in a
 * double.
 */
#define FILE_WEIGHT_MAX 549755813888.0

/* ---- headers --------------------------------------------------------------------------------- */

static opro_status read_name(opro__tsplib *r, const char *value, size_t len) {
    opro__buf name;
    opro_status st;

    opro__buf_init(&name, r->mem, 3 * len + 1);
    opro__utf8_repair(&name, value, len);
    st = name.status;
    if (st == OPRO_OK) r->places->name = opro__buf_take(&name, &r->places->name_len);
    opro__buf_free(&name);
    return st == OPRO_OK && r->places->name ? OPRO_OK : opro__tsplib_no_memory(r);
}

static opro_status read_type(opro__tsplib *r, const char *value, size_t len) {
    size_t n = 0;

    while (n < len && value[n] >= 'A' && value[n] <= 'Z')
        n++; /* some files name the author behind the type, in brackets */
    if (opro__tsplib_is(value, n, "TSP") && (n == len || strchr(" \t(", value[n]))) return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: TYPE %s: only TSP (symmetric) is read",
                      r->line, opro__quote(value, len).text);
}

static opro_status read_dimension(opro__tsplib *r, const char *value, size_t len) {
    int64_t n;

    if (!opro__int_parse(value, len, &n) || n < 1 || n > OPRO__TOUR_MAX)
        return opro__fail(r->err, OPRO_ERR_PARSE,
                          "line %zu: DIMENSION %s: it must be a whole number from 1 to %d", r->line,
                          opro__quote(value, len).text, OPRO__TOUR_MAX);
    r->places->n = (size_t)n;
    return OPRO_OK;
}

static opro_status read_metric(opro__tsplib *r, const char *value, size_t len) {
    static const struct {
        const char *name;
        int32_t metric;
    } metrics[] = {{"EUC_2D", OPRO_METRIC_EUC_2D},
                   {"CEIL_2D", OPRO_METRIC_CEIL_2D},
                   {"ATT", OPRO_METRIC_ATT},
                   {"GEO", OPRO_METRIC_GEO},
                   {"EXPLICIT", OPRO_METRIC_EXPLICIT}};

    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        if (opro__tsplib_is(value, len, metrics[i].name)) r->places->metric = metrics[i].metric;
    if (r->places->metric) return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE,
                      "line %zu: EDGE_WEIGHT_TYPE %s: only EUC_2D, CEIL_2D, ATT, GEO and EXPLICIT "
                      "are read",
                      r->line, opro__quote(value, len).text);
}

static opro_status read_coordinate_type(opro__tsplib *r, const char *value, size_t len) {
    if (opro__tsplib_is(value, len, "TWOD_COORDS") || opro__tsplib_is(value, len, "NO_COORDS"))
        return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE,
                      "line %zu: NODE_COORD_TYPE %s: only coordinates in the plane are read",
                      r->line, opro__quote(value, len).text);
}

/* ---- sections -------------------------------------------------------------------------------- */

static opro_status need_dimension(opro__tsplib *r, const char *section) {
    if (r->places->n) return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: %s before DIMENSION", r->line, section);
}

/* No data may follow a section that is complete. */
static opro_status section_ends(opro__tsplib *r, const char *what, size_t count) {
    int more = r->n > 0;

    if (!more && opro__tsplib_line(r)) {
        more = !opro__tsplib_at_keyword(r);
        r->again = 1;
    }
    if (!more) return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE,
                      "line %zu: %s: DIMENSION %zu has %zu %s, and these are complete", r->line,
                      opro__quote(r->s, r->n).text, r->places->n, count, what);
}

static opro_status read_coordinate(opro__tsplib *r, double *value) {
    const char *word;
    size_t len;

    if (!opro__tsplib_word(r, &word, &len))
        return opro__fail(r->err, OPRO_ERR_PARSE,
                          "line %zu: too short: a node has a number and two coordinates", r->line);
    if (opro__tsplib_number(word, len, value) && fabs(*value) <= OPRO__COORDINATE_MAX)
        return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE,
                      "line %zu: the coordinate %s is no finite number up to %s", r->line,
                      opro__quote(word, len).text, opro__quote_real(OPRO__COORDINATE_MAX).text);
}

/* "NODE X Y" */
static opro_status read_place(opro__tsplib *r) {
    const char *word;
    size_t len, node;
    double x, y;
    opro_status st;

    opro__tsplib_word(r, &word, &len);
    st = opro__tsplib_node(r, word, len, &node);
    if (st == OPRO_OK) st = read_coordinate(r, &x);
    if (st == OPRO_OK) st = read_coordinate(r, &y);
    if (st != OPRO_OK) return st;
    if (opro__tsplib_word(r, &word, &len))
        return opro__fail(r->err, OPRO_ERR_PARSE,
                          "line %zu: %s behind the two coordinates of a node", r->line,
                          opro__quote(word, len).text);
    if (!isnan(r->places->x[node]))
        return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: node %zu a second time", r->line,
                          node + 1);
    r->places->x[node] = x;
    r->places->y[node] = y;
    return OPRO_OK;
}

static opro_status read_coordinates(opro__tsplib *r, const char *value, size_t len) {
    const size_t n = r->places->n;
    opro_status st = need_dimension(r, "NODE_COORD_SECTION");

    (void)value;
    (void)len;
    if (st != OPRO_OK) return st;
    if (opro__places_alloc_points(r->places, r->mem) != OPRO_OK) return opro__tsplib_no_memory(r);
    for (size_t i = 0; i < n; i++)
        r->places->x[i] = NAN; /* not met yet */
    for (size_t i = 0; i < n; i++) {
        int more = opro__tsplib_line(r);

        if (!more || opro__tsplib_at_keyword(r))
            return opro__fail(r->err, OPRO_ERR_PARSE,
                              "line %zu: NODE_COORD_SECTION ends after %zu of %zu nodes", r->line,
                              i, n);
        st = read_place(r);
        if (st != OPRO_OK) return st;
    }
    return section_ends(r, "nodes", n);
}

/*
 * Where the numbers of row i begin and end: 0 at the first column, 1 on the diagonal, 2 behind it,
 * 3 at the last column. Columns of one triangle are the rows of the other, since the weights are
 * symmetric.
 */
struct opro__tsplib_layout {
    const char *name;
    int from, to;
};

static const struct opro__tsplib_layout layouts[] = {
    {"FULL_MATRIX", 0, 3},    {"UPPER_ROW", 2, 3},      {"LOWER_ROW", 0, 1},
    {"UPPER_DIAG_ROW", 1, 3}, {"LOWER_DIAG_ROW", 0, 2}, {"UPPER_COL", 0, 1},
    {"LOWER_COL", 2, 3},      {"UPPER_DIAG_COL", 0, 2}, {"LOWER_DIAG_COL", 1, 3},
};

static opro_status read_format(opro__tsplib *r, const char *value, size_t len) {
    if (opro__tsplib_is(value, len, "FUNCTION"))
        return OPRO_OK; /* weights are computed: no section follows */
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (opro__tsplib_is(value, len, layouts[i].name)) r->layout = &layouts[i];
    if (r->layout) return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE,
                      "line %zu: EDGE_WEIGHT_FORMAT %s: it must be FUNCTION, FULL_MATRIX, or UPPER "
                      "or LOWER, with or without _DIAG, with _ROW or _COL",
                      r->line, opro__quote(value, len).text);
}

static size_t column(int where, size_t row, size_t n) {
    return where == 0 ? 0 : where == 1 ? row : where == 2 ? row + 1 : n;
}

/* The next weight, on whichever line. */
static opro_status read_weight(opro__tsplib *r, size_t count, size_t all, double *weight) {
    const char *word;
    size_t len;

    if (r->n == 0 && (!opro__tsplib_line(r) || opro__tsplib_at_keyword(r)))
        return opro__fail(r->err, OPRO_ERR_PARSE,
                          "line %zu: EDGE_WEIGHT_SECTION ends after %zu of %zu weights", r->line,
                          count, all);
    opro__tsplib_word(r, &word, &len);
    if (opro__tsplib_number(word, len, weight) && *weight == floor(*weight) && *weight >= 0 &&
        *weight <= FILE_WEIGHT_MAX)
        return OPRO_OK;
    return opro__fail(r->err, OPRO_ERR_PARSE,
                      "line %zu: the weight %s: weights are whole numbers, not negative, up to %s",
                      r->line, opro__quote(word, len).text, opro__quote_real(FILE_WEIGHT_MAX).text);
}

static opro_status put_weight(opro__tsplib *r, size_t i, size_t j, double weight) {
    if (i == j) return OPRO_OK; /* whatever it is, no tour uses it */
    if (r->layout == &layouts[0] && i > j && opro__places_weight(r->places, i, j) != weight)
        return opro__fail(r->err, OPRO_ERR_PARSE,
                          "line %zu: the weight from node %zu to %zu is %s, but %s the other way: "
                          "only symmetric instances are read",
                          r->line, i + 1, j + 1, opro__quote_real(weight).text,
                          opro__quote_real(opro__places_weight(r->places, i, j)).text);
    opro__places_set(r->places, i, j, weight);
    return OPRO_OK;
}

static opro_status read_weights(opro__tsplib *r, const char *value, size_t len) {
    const size_t n = r->places->n;
    size_t all = 0, count = 0;
    opro_status st = need_dimension(r, "EDGE_WEIGHT_SECTION");

    (void)value;
    (void)len;
    if (st != OPRO_OK) return st;
    if (!r->layout)
        return opro__fail(r->err, OPRO_ERR_PARSE,
                          "line %zu: EDGE_WEIGHT_SECTION without an EDGE_WEIGHT_FORMAT before it "
                          "that says how weights are laid out",
                          r->line);
    for (size_t i = 0; i < n; i++)
        all += column(r->layout->to, i, n) - column(r->layout->from, i, n);
    if (all > (r->len - r->at) / 2 + 1) /* no memory for what cannot be there */
        return opro__fail(
            r->err, OPRO_ERR_PARSE,
            "line %zu: %s of DIMENSION %zu has %zu weights, more than the rest of the "
            "file can hold",
            r->line, r->layout->name, n, all);
    if (opro__places_alloc_weights(r->places, r->mem) != OPRO_OK) return opro__tsplib_no_memory(r);
    r->has_weights = 1;
    r->n = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = column(r->layout->from, i, n); j < column(r->layout->to, i, n); j++) {
            double weight;

            st = read_weight(r, count++, all, &weight);
            if (st == OPRO_OK) st = put_weight(r, i, j, weight);
            if (st != OPRO_OK) return st;
        }
    return section_ends(r, "weights", all);
}

/* Where to draw the nodes. They have nothing to do with the weights. */
static opro_status skip_section(opro__tsplib *r, const char *value, size_t len) {
    while (opro__tsplib_line(r))
        if (opro__tsplib_at_keyword(r)) {
            r->again = 1;
            break;
        }
    return opro__tsplib_ignore(r, value, len);
}

/* ---- instances ------------------------------------------------------------------------------- */

#define ROUTING "this is a problem of vehicle routing, which is not read"
#define SPARSE  "graphs with some of the edges only are not read"

static const opro__tsplib_keyword instance_keywords[] = {
    {"NAME", read_name, NULL, 0},
    {"COMMENT", opro__tsplib_ignore, NULL, 1},
    {"TYPE", read_type, NULL, 0},
    {"DIMENSION", read_dimension, NULL, 0},
    {"EDGE_WEIGHT_TYPE", read_metric, NULL, 0},
    {"EDGE_WEIGHT_FORMAT", read_format, NULL, 0},
    {"NODE_COORD_TYPE", read_coordinate_type, NULL, 0},
    {"DISPLAY_DATA_TYPE", opro__tsplib_ignore, NULL, 0},
    {"NODE_COORD_SECTION", read_coordinates, NULL, 0},
    {"EDGE_WEIGHT_SECTION", read_weights, NULL, 0},
    {"DISPLAY_DATA_SECTION", skip_section, NULL, 0},
    {"EOF", opro__tsplib_end, NULL, 0},
    {"CAPACITY", NULL, ROUTING, 0},
    {"DEMAND_SECTION", NULL, ROUTING, 0},
    {"DEPOT_SECTION", NULL, ROUTING, 0},
    {"EDGE_DATA_FORMAT", NULL, SPARSE, 0},
    {"EDGE_DATA_SECTION", NULL, SPARSE, 0},
    {"FIXED_EDGES_SECTION", NULL, "tours with edges that must be in them are not read", 0},
    {"TOUR_SECTION", NULL, "this is a solution: opro_tour_read_solution() reads it", 0},
    {NULL, NULL, NULL, 0},
};

/* What the headers promised must be there. */
static opro_status check_complete(opro__tsplib *r) {
    const opro__places *p = r->places;
    const char *missing = NULL;

    if (!p->n)
        missing = "DIMENSION";
    else if (!p->metric)
        missing = "EDGE_WEIGHT_TYPE";
    else if (p->metric == OPRO_METRIC_EXPLICIT && !r->has_weights)
        missing = "EDGE_WEIGHT_SECTION";
    else if (p->metric != OPRO_METRIC_EXPLICIT && !p->x)
        missing = "NODE_COORD_SECTION";
    if (missing)
        return opro__fail(r->err, OPRO_ERR_PARSE, "line %zu: the file ends without %s", r->line,
                          missing);
    if (p->metric != OPRO_METRIC_EXPLICIT && r->has_weights)
        return opro__fail(r->err, OPRO_ERR_PARSE,
                          "line %zu: the file ends with an EDGE_WEIGHT_SECTION, but its "
                          "EDGE_WEIGHT_TYPE is not EXPLICIT",
                          r->line);
    return OPRO_OK;
}

/* Coordinates of explicit weights say nothing about them, as display data. */
static void drop_points(opro__places *places, opro__mem *mem) {
    opro__free(mem, places->x);
    opro__free(mem, places->y);
    places->x = places->y = NULL;
}

opro_status opro_tour_read_tsplib(opro_tour *tour, const char *text, size_t len) {
    opro__places places = {.metric = 0};
    opro__tsplib r = {.keywords = instance_keywords, .places = &places};
    opro_status st = opro__tour_begin(tour);

    if (st != OPRO_OK) return st;
    if (!opro__arg(&text, &len))
        return opro__fail(&tour->err, OPRO_ERR_INVALID, "the text is NULL");
    r.text = text;
    r.len = len;
    r.mem = &tour->mem;
    r.err = &tour->err;
    st = opro__tsplib_read(&r);
    if (st == OPRO_OK) st = check_complete(&r);
    if (st != OPRO_OK) goto out;
    if (places.metric == OPRO_METRIC_EXPLICIT)
        drop_points(&places, r.mem);
    else if (opro__places_finish(&places, r.mem) != OPRO_OK)
        st = opro__tsplib_no_memory(&r);
    if (st == OPRO_OK) opro__tour_install(tour, &places);
out:
    opro__places_free(&places, &tour->mem);
    return st;
}
