/* SPDX-License-Identifier: MIT */
/*
 * The first record of a journal: the format, and what makes a run what it is.
 *
 *   {"t":"journal","format":"1.0","library":"0.1.0","compat":[],"incompat":[],
 *    "options":{"mode":"stepwise",...},"problem":{"direction":"maximize",...}}
 *
 * Formats of another major version, and features in "incompat" that are not known here, are not
 * read; features in "compat" are read past, but not written behind. There are none yet.
 */
#ifndef OPRO_JOURNAL_JOURNAL_HEADER_H
#define OPRO_JOURNAL_JOURNAL_HEADER_H

#include "base/buf.h"
#include "base/err.h"
#include "core/run.h"

/* Write the header of a run. */
opro_status opro__header_write(opro__buf *out, opro_run *run);

/* OPRO_ERR_PARSE: it is not one that this library can read (writes: and go on writing behind). */
opro_status opro__header_check(const char *s, size_t len, int writes, opro_error *err);

/*
 * OPRO_ERR_INVALID with the list of what differs if this is not the header of such a run. Options
 * that only limit a run may differ.
 */
opro_status opro__header_compare(const char *s, size_t len, opro_run *run, const char *path,
                                 opro_error *err);

#endif
