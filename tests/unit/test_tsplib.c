/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "effort.h"
#include "failing.h"
#include "kits/tour.h"

static opro_tour *empty(void) {
    opro_tour *tour = NULL;

    assert_int_equal(opro_tour_new(&tour, NULL), OPRO_OK);
    return tour;
}

static const char *message(const opro_tour *tour) {
    return opro_error_message(opro_tour_error(tour), NULL);
}

static opro_tour *reads_bytes(const char *text, size_t len) {
    opro_tour *tour = empty();

    if (opro_tour_read_tsplib(tour, text, len) != OPRO_OK) fail_msg("%s", message(tour));
    assert_string_equal(message(tour), "");
    return tour;
}

static opro_tour *reads(const char *text) {
    return reads_bytes(text, strlen(text));
}

/* Refused, with this at the beginning of the message; what was there before stays. */
static void refuses_bytes(const char *text, size_t len, const char *expect) {
    opro_tour *tour = reads("DIMENSION:2\nEDGE_WEIGHT_TYPE:CEIL_2D\nNODE_COORD_SECTION\n"
                            "1 0 0\n2 0 9\nNAME:before\n");

    assert_int_equal(opro_tour_read_tsplib(tour, text, len), OPRO_ERR_PARSE);
    if (strncmp(message(tour), expect, strlen(expect)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", message(tour), expect);
    assert_true(opro__utf8_valid(message(tour), strlen(message(tour))));
    assert_int_equal(opro_tour_size(tour), 2);
    assert_string_equal(opro_tour_name(tour, NULL), "before");
    assert_true(opro_tour_weight(tour, 0, 1) == 9);
    opro_tour_free(tour);
}

static void refuses(const char *text, const char *expect) {
    refuses_bytes(text, strlen(text), expect);
}

/* ---- instances */

/* The three places (0, 0), (3, 4), (6, 8.5), however they are written. */
static void is_the_three(const char *text) {
    opro_tour *tour = reads(text);

    assert_int_equal(opro_tour_size(tour), 3);
    assert_int_equal(opro_tour_metric(tour), OPRO_METRIC_EUC_2D);
    assert_true(opro_tour_weight(tour, 0, 1) == 5);
    assert_true(opro_tour_weight(tour, 0, 2) == 10);
    assert_true(opro_tour_weight(tour, 1, 2) == 5);
    opro_tour_free(tour);
}

#define HEAD  "TYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EUC_2D\n"
#define NODES "NODE_COORD_SECTION\n1 0 0\n2 3 4\n3 6 8.5\n"

static void test_writing(void **state) {
    (void)state;
    is_the_three(HEAD NODES "EOF\n");
    is_the_three(HEAD NODES);
    is_the_three("DIMENSION 3\nEDGE_WEIGHT_TYPE EUC_2D\n" NODES); /* no colon, no TYPE */
    is_the_three(
        "DIMENSION:3\nEDGE_WEIGHT_TYPE :EUC_2D\nNODE_COORD_SECTION:\n1 0 0\n2 3 4\n3 6 8.5");
    is_the_three("\xef\xbb\xbf" HEAD NODES);
    is_the_three("\n\n  \t\n" HEAD "\n" NODES "\n\n");
    is_the_three(
        "DIMENSION: 3\r\nEDGE_WEIGHT_TYPE: EUC_2D\r\nNODE_COORD_SECTION\r\n1 0 0\r\n2 3 4\r\n"
        "3 6 8.5\r\nEOF\r\n");
    is_the_three(
        "DIMENSION: 3\rEDGE_WEIGHT_TYPE: EUC_2D\rNODE_COORD_SECTION\r1 0 0\r2 3 4\r3 6 8.5\r");
    is_the_three(" \t DIMENSION\t:\t3 \nEDGE_WEIGHT_TYPE:\v EUC_2D\n\tNODE_COORD_SECTION\t\n"
                 "\t3\t6\t8.5\t\n 1  0.0e0   -0\n2 +3. .4e1\n");
    is_the_three(
        "NODE_COORD_TYPE: TWOD_COORDS\nDISPLAY_DATA_TYPE: COORD_DISPLAY\nDIMENSION: 3\n" NODES
        "EDGE_WEIGHT_TYPE: EUC_2D\n"); /* the type behind the section */
    is_the_three("COMMENT: a\nCOMMENT: b : c\nCOMMENT\nTYPE: TSP (somebody)\nDIMENSION: 3\n"
                 "EDGE_WEIGHT_TYPE: EUC_2D\nEDGE_WEIGHT_FORMAT: FUNCTION\n" NODES);
    is_the_three(HEAD NODES "EOF\nwhat stands here is not read\n1 2 3\n");
    is_the_three(HEAD "DISPLAY_DATA_SECTION\n1 7 7\n2 7 8\n3 7 9\n" NODES);
}

static void test_names(void **state) {
    opro_tour *tour =
        reads("NAME : kro A \nDIMENSION: 1\nEDGE_WEIGHT_TYPE: GEO\nNODE_COORD_SECTION\n"
              "1 5.30 6\n");
    double x, y;
    size_t len;

    (void)state;
    assert_string_equal(opro_tour_name(tour, &len), "kro A");
    assert_int_equal(len, 5);
    assert_int_equal(opro_tour_metric(tour), OPRO_METRIC_GEO);
    assert_int_equal(opro_tour_point(tour, 0, &x, &y), OPRO_OK);
    assert_true(x == 5.3 && y == 6);
    assert_int_equal(opro_tour_read_tsplib(tour, HEAD "NAME: Z\xfcrich\n" NODES, OPRO_ZT), OPRO_OK);
    assert_string_equal(opro_tour_name(tour, NULL), "Z\xef\xbf\xbdrich");
    assert_int_equal(opro_tour_read_tsplib(tour, HEAD NODES, OPRO_ZT), OPRO_OK);
    assert_string_equal(opro_tour_name(tour, NULL), "");
    opro_tour_free(tour);
}

static void has_weights(const char *format, const char *numbers) {
    char text[400];
    opro_tour *tour;

    snprintf(text, sizeof text,
             "DIMENSION: 4\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: %s\n"
             "EDGE_WEIGHT_SECTION\n%s\nDISPLAY_DATA_SECTION\n1 1 1\n2 2 2\n",
             format, numbers);
    tour = reads(text);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) { /* 12 between the first and the second, and so on */
            double low = (double)(i < j ? i : j), high = (double)(i < j ? j : i);

            assert_true(opro_tour_weight(tour, i, j) == (i == j ? 0 : low * 10 + high + 11));
        }
    assert_int_equal(opro_tour_metric(tour), OPRO_METRIC_EXPLICIT);
    opro_tour_free(tour);
}

static void test_layouts(void **state) {
    (void)state;
    has_weights("FULL_MATRIX", "0 12 13 14 12 0 23 24\n13 23\n0 34\n\n14 24 34 0");
    has_weights("FULL_MATRIX",
                "9 12 13 14 12 99 23 24 13 23 0 34 14 24 34 7"); /* the diagonal is nothing */
    has_weights("UPPER_ROW", "12 13 14 23 24 34");
    has_weights("LOWER_COL", "12 13 14\n23 24\n34");
    has_weights("UPPER_DIAG_ROW", "0 12 13 14 0 23 24 0 34 0");
    has_weights("LOWER_DIAG_COL", "0 12 13 14 0 23 24 0 34 0");
    has_weights("LOWER_ROW", "12 13 23 14 24 34");
    has_weights("UPPER_COL", "12\n13\n23\n14\n24\n34");
    has_weights("LOWER_DIAG_ROW", "0 12 0 13 23 0 14 24 34 0");
    has_weights("UPPER_DIAG_COL", "0 12.0 0 1.3e1 23 0 14 24 34 0");
}

#define EXPLICIT "DIMENSION: 3\nEDGE_WEIGHT_TYPE: EXPLICIT\n"

static void test_explicit(void **state) {
    opro_tour *tour =
        reads(EXPLICIT "EDGE_WEIGHT_FORMAT: UPPER_ROW\nEDGE_WEIGHT_SECTION\n1 2 549755813888\n"
                       "NODE_COORD_SECTION\n1 0 0\n2 0 1\n3 0 2\n");
    double x, y;

    (void)state;
    assert_true(opro_tour_weight(tour, 1, 2) == 549755813888.0);
    assert_int_equal(opro_tour_point(tour, 0, &x, &y), OPRO_ERR_STATE); /* they say nothing */
    opro_tour_free(tour);
    tour = reads("DIMENSION: 1\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: LOWER_ROW\n"
                 "EDGE_WEIGHT_SECTION\n");
    assert_int_equal(opro_tour_size(tour), 1);
    opro_tour_free(tour);
}

static void test_header_faults(void **state) {
    (void)state;
    refuses("", "line 0: the file ends without DIMENSION");
    refuses("DIMENSION: 3\n\n", "line 2: the file ends without EDGE_WEIGHT_TYPE");
    refuses(HEAD "EOF\n", "line 4: the file ends without NODE_COORD_SECTION");
    refuses(EXPLICIT, "line 2: the file ends without EDGE_WEIGHT_SECTION");
    refuses("DIMENSION: 0\n", "line 1: DIMENSION \"0\"");
    refuses("DIMENSION: -5\n", "line 1: DIMENSION \"-5\"");
    refuses("DIMENSION: 16385\n", "line 1: DIMENSION \"16385\"");
    refuses("DIMENSION: 99999999999999999999999\n", "line 1: DIMENSION \"9999");
    refuses("DIMENSION: 51.5\n", "line 1: DIMENSION \"51.5\"");
    refuses("DIMENSION:\n", "line 1: DIMENSION \"\"");
    refuses("\n\nDIMENSION: 3\nDIMENSION: 3\n", "line 4: a second DIMENSION");
    refuses("\r\n\r\nDIMENSION: 3\r\nDIMENSION: 3\r\n", "line 4: a second DIMENSION");
    refuses("\r\rDIMENSION: 3\rDIMENSION: 3\r", "line 4: a second DIMENSION");
    refuses("TYPE: ATSP\n", "line 1: TYPE \"ATSP\"");
    refuses("TYPE: TSPX\n", "line 1: TYPE \"TSPX\"");
    refuses("TYPE: TOUR\n", "line 1: TYPE \"TOUR\"");
    refuses("EDGE_WEIGHT_TYPE: EUC_3D\n", "line 1: EDGE_WEIGHT_TYPE \"EUC_3D\"");
    refuses("EDGE_WEIGHT_FORMAT: SPIRAL\n", "line 1: EDGE_WEIGHT_FORMAT \"SPIRAL\"");
    refuses("NODE_COORD_TYPE: THREED_COORDS\n", "line 1: NODE_COORD_TYPE \"THREED");
    refuses(NODES, "line 1: NODE_COORD_SECTION before DIMENSION");
    refuses("EDGE_WEIGHT_SECTION\n1\n", "line 1: EDGE_WEIGHT_SECTION before DIMENSION");
    refuses(EXPLICIT "EDGE_WEIGHT_SECTION\n1 2 3\n",
            "line 3: EDGE_WEIGHT_SECTION without an EDGE_WEIGHT_FORMAT");
    refuses(HEAD NODES "EDGE_WEIGHT_FORMAT: UPPER_ROW\nEDGE_WEIGHT_SECTION\n1 2 3\n",
            "line 10: the file ends with an EDGE_WEIGHT_SECTION, but");
    refuses("FIXED_EDGES_SECTION\n1 2\n-1\n", "line 1: FIXED_EDGES_SECTION: tours with edges");
    refuses("CAPACITY: 8\n", "line 1: CAPACITY: this is a problem of vehicle routing");
    refuses("TOUR_SECTION\n1\n", "line 1: TOUR_SECTION: this is a solution");
    refuses("EDGE_DATA_FORMAT: EDGE_LIST\n", "line 1: EDGE_DATA_FORMAT: graphs");
    refuses("dimension: 3\n", "line 1: \"dimension\" is no keyword");
    refuses("DIMENSIONS: 3\n", "line 1: \"DIMENSIONS\" is no keyword");
    refuses("\n: 3\n", "line 2: \"\" is no keyword");
    refuses("\xff\xfe: 3\n", "line 1: \"");
}

static void test_coordinate_faults(void **state) {
    (void)state;
    refuses(HEAD "NODE_COORD_SECTION\n1 0 0\n2 3 4\nEOF\n",
            "line 7: NODE_COORD_SECTION ends after 2 of 3 nodes");
    refuses(HEAD "NODE_COORD_SECTION\n1 0 0\n",
            "line 5: NODE_COORD_SECTION ends after 1 of 3 nodes");
    refuses(HEAD NODES "4 1 1\nEOF\n", "line 8: \"4 1 1\": DIMENSION 3 has 3 nodes");
    refuses(HEAD NODES "-1\nEOF\n", "line 8: \"-1\": DIMENSION 3");
    refuses(HEAD "NODE_COORD_SECTION\n1 0 0\n1 3 4\n3 6 8\n", "line 6: node 1 a second time");
    refuses(HEAD "NODE_COORD_SECTION\n1 0 0\n4 3 4\n", "line 6: node \"4\": nodes go from 1 to 3");
    refuses(HEAD "NODE_COORD_SECTION\n0 0 0\n", "line 5: node \"0\"");
    refuses(HEAD "NODE_COORD_SECTION\n1.5 0 0\n", "line 5: \"1.5\" is no node number");
    refuses(HEAD "NODE_COORD_SECTION\n1 0\n", "line 5: too short");
    refuses(HEAD "NODE_COORD_SECTION\n1\n", "line 5: too short");
    refuses(HEAD "NODE_COORD_SECTION\n1 0 0 0\n", "line 5: \"0\" behind the two coordinates");
    refuses(HEAD "NODE_COORD_SECTION\n1 x 0\n", "line 5: the coordinate \"x\"");
    refuses(HEAD "NODE_COORD_SECTION\n1 0 nan\n", "line 5: the coordinate \"nan\"");
    refuses(HEAD "NODE_COORD_SECTION\n1 0 -inf\n", "line 5: the coordinate \"-inf\"");
    refuses(HEAD "NODE_COORD_SECTION\n1 1e400 0\n", "line 5: the coordinate \"1e400\"");
    refuses(HEAD "NODE_COORD_SECTION\n1 1e151 0\n", "line 5: the coordinate \"1e151\"");
    refuses(HEAD "NODE_COORD_SECTION\n1 0x10 0\n", "line 5: the coordinate \"0x10\"");
    refuses(HEAD "NODE_COORD_SECTION\n1 1,5 0\n", "line 5: the coordinate \"1,5\"");
    refuses(HEAD "NODE_COORD_SECTION\n1 1.. 0\n", "line 5: the coordinate \"1..\"");
    refuses(HEAD "NODE_COORD_SECTION\n1 1.5. 0\n", "line 5: the coordinate \"1.5.\"");
    refuses(HEAD "NODE_COORD_SECTION\n1 1e1. 0\n", "line 5: the coordinate \"1e1.\"");
    refuses(HEAD NODES "NODE_COORD_SECTION\n1 0 0\n", "line 8: a second NODE_COORD_SECTION");
}

static void refuses_weights(const char *format, const char *numbers, const char *expect) {
    char text[400];

    snprintf(text, sizeof text, EXPLICIT "EDGE_WEIGHT_FORMAT: %s\nEDGE_WEIGHT_SECTION\n%s", format,
             numbers);
    refuses(text, expect);
}

static void test_weight_faults(void **state) {
    (void)state;
    refuses_weights("UPPER_ROW", "1 2\nEOF\n",
                    "line 6: EDGE_WEIGHT_SECTION ends after 2 of 3 weights");
    refuses_weights("UPPER_ROW", "1 22222\n", "line 5: EDGE_WEIGHT_SECTION ends after 2 of 3");
    refuses_weights("UPPER_ROW", "1 2 3 4\n", "line 5: \"4\": DIMENSION 3 has 3 weights");
    refuses_weights("UPPER_ROW", "1 2 3\n4\n", "line 6: \"4\": DIMENSION 3 has 3 weights");
    refuses_weights("UPPER_ROW", "1 -2 3\n", "line 5: the weight \"-2\"");
    refuses_weights("UPPER_ROW", "1\n2.5\n3\n", "line 6: the weight \"2.5\"");
    refuses_weights("UPPER_ROW", "1 2x 3\n", "line 5: the weight \"2x\"");
    refuses_weights("UPPER_ROW", "1 549755813889 3\n", "line 5: the weight \"549755813889\"");
    refuses_weights("UPPER_DIAG_ROW", "-1 1 2 0 3 0\n", "line 5: the weight \"-1\"");
    refuses_weights("FULL_MATRIX", "0 1 2\n1 0 3\n2 4 0\n",
                    "line 7: the weight from node 3 to 2 is 4, but 3 the other way");
    refuses_weights("FUNCTION", "1 2 3\n", "line 4: EDGE_WEIGHT_SECTION without");
    refuses_weights("FULL_MATRIX", "1 2 3\n",
                    "line 4: FULL_MATRIX of DIMENSION 3 has 9 weights, more than the rest");
}

static void test_bytes(void **state) {
    static const char nul[] = HEAD "NODE_COORD_SECTION\n1 0 0\n2\0 3 4\n3 6 8\n";
    static const char first[] = "\0";
    opro_tour *tour = empty();

    (void)state;
    refuses_bytes(nul, sizeof nul - 1, "line 6: a NUL byte");
    refuses_bytes(first, 1, "line 1: a NUL byte");
    assert_int_equal(opro_tour_read_tsplib(tour, NULL, 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_read_tsplib(NULL, "", 0), OPRO_ERR_INVALID);
    opro_tour_free(tour);
}

/*
 * Every beginning of a valid file, and every file with one byte changed: read or refused, no more.
 */
static void test_damaged(void **state) {
    static const char text[] =
        "NAME: x\n" HEAD NODES "DISPLAY_DATA_SECTION\n1 2 3\nCOMMENT: a\nEOF\n";
    static const char bytes[] = "\0 \n\r9-:A.e\xff";
    size_t read = 0, refused = 0;

    (void)state;
    for (size_t at = 0; at < sizeof text - 1; at++)
        for (size_t b = 0; b < sizeof bytes; b++) {
            size_t len = b + 1 < sizeof bytes ? sizeof text - 1 : at;
            char *copy = malloc(len + 1); /* of the exact size, for the address sanitizer */
            opro_tour *tour = empty();
            opro_status st;

            memcpy(copy, text, len);
            if (b + 1 < sizeof bytes) copy[at] = bytes[b];
            st = opro_tour_read_tsplib(tour, copy, len);
            assert_true(st == OPRO_OK || st == OPRO_ERR_PARSE);
            if (st == OPRO_ERR_PARSE) assert_memory_equal(message(tour), "line ", 5);
            *(st == OPRO_OK ? &read : &refused) += 1;
            opro_tour_free(tour);
            free(copy);
        }
    assert_true(read > 100 && refused > 100);
}

/* Lines as long as the file, and no memory for numbers that cannot be there. */
static void test_large(void **state) {
    const size_t size = (size_t)4 << 20;
    char *text = malloc(size + 200);
    failing f = {.left = -1};
    opro_allocator mem = failing_allocator(&f);
    opro_tour *tour = NULL;
    size_t len;

    (void)state;
    memset(text, 'A', size);
    memcpy(text, "COMMENT:", 8);
    text[size] = '\n';
    memcpy(text + size + 1, HEAD NODES, sizeof(HEAD NODES));
    is_the_three(text);
    memset(text, '7', size);
    memcpy(text, "DIMENSION:", 10);
    refuses(text, "line 1: DIMENSION \"7777");
    memset(text, 'A', size);
    refuses(text, "line 1: \"AAAA");
    memset(text, '\n', size);
    is_the_three(text);
    len = (size_t)snprintf(text, 200,
                           "DIMENSION: 16384\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: "
                           "FULL_MATRIX\nEDGE_WEIGHT_SECTION\n0 1 2 3\n");
    assert_int_equal(opro_tour_new(&tour, &mem), OPRO_OK);
    f.left = 0; /* refused before anything is allocated */
    assert_int_equal(opro_tour_read_tsplib(tour, text, len), OPRO_ERR_PARSE);
    opro_tour_free(tour);
    free(text);
}

/* More places than fit into a full matrix. */
static void test_many_weights(void **state) {
    const size_t n = OPRO__TOUR_FULL + 1;
    char *text;
    size_t len = 0;
    opro_tour *tour;

    (void)state;
    if (!effort_for_size()) skip();
    text = malloc(n * n * 3 + 200);
    len = (size_t)sprintf(text,
                          "DIMENSION: %zu\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: "
                          "FULL_MATRIX\nEDGE_WEIGHT_SECTION\n",
                          n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            len += (size_t)sprintf(text + len, "%zu%c", i * j % 89, j + 1 < n ? ' ' : '\n');
    tour = reads_bytes(text, len);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (opro_tour_weight(tour, i, j) != (i == j ? 0 : (double)(i * j % 89)))
                fail_msg("the weight from %zu to %zu", i, j);
    opro_tour_free(tour);
    free(text);
}

/* The locale decides nothing. */
static void test_locale(void **state) {
    (void)state;
    if (!setlocale(LC_ALL, "fr_FR.UTF-8") && !setlocale(LC_ALL, "de_DE.UTF-8")) skip();
    is_the_three(HEAD NODES);
    refuses(HEAD "NODE_COORD_SECTION\n1 1,5 0\n", "line 5: the coordinate \"1,5\"");
    setlocale(LC_ALL, "C");
}

static void test_no_memory(void **state) {
    static const char *const texts[] = {
        "NAME: x\n" HEAD NODES,
        "NAME: x\nDIMENSION: 1\nEDGE_WEIGHT_TYPE: GEO\nNODE_COORD_SECTION\n1 2 3\n",
        EXPLICIT "EDGE_WEIGHT_FORMAT: UPPER_ROW\nEDGE_WEIGHT_SECTION\n1 2 3\nNAME: x\n",
        EXPLICIT NODES "EDGE_WEIGHT_FORMAT: UPPER_ROW\nEDGE_WEIGHT_SECTION\n1 2 3\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        opro_status st = OPRO_ERR_NOMEM;
        long n = 0;

        for (; st != OPRO_OK; n++) {
            failing f = {.left = 1};
            opro_allocator mem = failing_allocator(&f);
            opro_tour *tour = NULL;

            assert_true(n < 20);
            assert_int_equal(opro_tour_new(&tour, &mem), OPRO_OK);
            f.left = n;
            st = opro_tour_read_tsplib(tour, texts[i], OPRO_ZT);
            assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
            if (st != OPRO_OK) assert_int_equal(f.live, 1);
            opro_tour_free(tour);
            assert_int_equal(f.live, 0);
        }
        assert_true(n > 1);
    }
}

/* ---- solutions */

static void is_solution(opro_tour *tour, const char *text) {
    const int32_t expect[3] = {1, 0, 2};
    int32_t nodes[3] = {9, 9, 9};

    if (opro_tour_read_solution(tour, text, OPRO_ZT, nodes, 3) != OPRO_OK)
        fail_msg("%s", message(tour));
    assert_memory_equal(nodes, expect, sizeof nodes);
}

static void no_solution(opro_tour *tour, const char *text, const char *expect) {
    const int32_t untouched[3] = {9, 9, 9};
    int32_t nodes[3] = {9, 9, 9};

    assert_int_equal(opro_tour_read_solution(tour, text, OPRO_ZT, nodes, 3), OPRO_ERR_PARSE);
    if (strncmp(message(tour), expect, strlen(expect)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", message(tour), expect);
    assert_memory_equal(nodes, untouched, sizeof nodes);
}

static void test_solutions(void **state) {
    opro_tour *tour = reads(HEAD NODES);

    (void)state;
    is_solution(tour,
                "NAME: a\nCOMMENT: b\nTYPE: TOUR\nDIMENSION: 3\nTOUR_SECTION\n2\n1\n3\n-1\nEOF\n");
    is_solution(tour, "TOUR_SECTION\n2 1\n3\n");
    is_solution(tour, "TOUR_SECTION\r\n2 1 3 -1 EOF\r\n-1\r\nEOF");
    is_solution(tour, "TOUR_SECTION\n 2 1 3\nEOF\nmore");
    is_solution(opro__tour_share(tour), "TOUR_SECTION\n2 1 3\n"); /* only reads the instance */
    opro_tour_free(tour);
    no_solution(tour, "TOUR_SECTION\n2 1\n-1\n", "line 3: TOUR_SECTION ends after 2 of 3 nodes");
    no_solution(tour, "TOUR_SECTION\n2 1\nEOF\n3\n",
                "line 3: TOUR_SECTION ends after 2 of 3 nodes");
    no_solution(tour, "TOUR_SECTION\n2 1 3 1\n", "line 2: node 1 a second time");
    no_solution(tour, "TOUR_SECTION\n2 1 4\n", "line 2: node \"4\"");
    no_solution(tour, "TOUR_SECTION\n0 1 2\n", "line 2: node \"0\"");
    no_solution(tour, "TOUR_SECTION\n2 1 x\n", "line 2: \"x\" is no node");
    no_solution(tour, "DIMENSION: 4\n", "line 1: DIMENSION \"4\", but the instance has 3");
    no_solution(tour, "TYPE: TSP\n", "line 1: TYPE \"TSP\"");
    no_solution(tour, HEAD NODES, "line 1: TYPE \"TSP\"");
    no_solution(tour, NODES, "line 1: NODE_COORD_SECTION: this is an instance");
    no_solution(tour, "EOF\n", "line 1: the file ends without TOUR_SECTION");
    no_solution(tour, "2 1 3\n", "line 1: \"2\" is no keyword");
    opro_tour_free(tour);
}

static void test_solution_arguments(void **state) {
    failing f = {.left = -1};
    opro_allocator mem = failing_allocator(&f);
    opro_tour *tour = NULL;
    int32_t nodes[3];

    (void)state;
    assert_int_equal(opro_tour_new(&tour, &mem), OPRO_OK);
    assert_int_equal(opro_tour_read_solution(tour, "", 0, nodes, 0), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_read_tsplib(tour, HEAD NODES, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_tour_read_solution(tour, "", 0, nodes, 2), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_read_solution(tour, NULL, 1, nodes, 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_read_solution(tour, "", 0, NULL, 3), OPRO_ERR_INVALID);
    assert_int_equal(opro_tour_read_solution(NULL, "", 0, nodes, 3), OPRO_ERR_INVALID);
    f.left = 0;
    assert_int_equal(opro_tour_read_solution(tour, "TOUR_SECTION\n1 2 3\n", OPRO_ZT, nodes, 3),
                     OPRO_ERR_NOMEM);
    opro_tour_free(tour);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_explicit),
        cmocka_unit_test(test_header_faults),
        cmocka_unit_test(test_coordinate_faults),
        cmocka_unit_test(test_weight_faults),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_many_weights),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_solutions),
        cmocka_unit_test(test_solution_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
