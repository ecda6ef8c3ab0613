/* SPDX-License-Identifier: MIT */
/* A report of what is in a journal: one HTML page that needs nothing else, or its picture alone. */
#ifndef EXAMPLES_JOURNAL_REPORT_H
#define EXAMPLES_JOURNAL_REPORT_H

#include "journal_summary.h"

/* Write it; a picture if the file is a .svg. path: of the journal. 0, or an errno. */
int journal_report(const summary *s, const char *path, const char *to);

#endif
