/* SPDX-License-Identifier: MIT */
/*
 * What pages and pictures are made of. A page is one HTML file that needs nothing else: no network,
 * no scripts. What came from a model or a file is escaped.
 */
#ifndef EXAMPLES_PAGE_H
#define EXAMPLES_PAGE_H

#include <stddef.h>
#include <stdio.h>

/* A rectangle on the page, and what its edges stand for. */
typedef struct frame {
    double left, top, width, height; /* pixels; y grows downwards        */
    double x0, x1, y0, y1;           /* left, right, bottom and top edge */
    int log_y;
} frame;

double frame_x(const frame *f, double x);
double frame_y(const frame *f, double y);

/* Steps of about count round numbers over a range. */
double round_step(double range, int count);

/* Text as it may stand in XML. */
void put_text(FILE *out, const char *text);

/* At most so many bytes of a text, cut between letters; in XML. */
void put_cut(FILE *out, const char *text, size_t len, size_t most);

/* Around what is on a page. The title is these two. */
void page_begin(FILE *out, const char *title, const char *name);
void page_end(FILE *out);

/* The style of pictures with curves, for a <style> in them. */
extern const char page_chart_style[];

#endif
