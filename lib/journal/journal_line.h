/* SPDX-License-Identifier: MIT */
/*
 * A record of a journal as a line of text that seals itself:
 *
 *   {"c":"0a1b2c3d","p":"99887766","s":7,"d":6,"r":{"t":"answer","id":3}}
 *
 * c  CRC-32C of the line from the comma behind this field to the last brace: what `cut -b 16-`
 *    leaves of it, without the newline. Eight lower-case hexadecimal digits.
 * p  c of the line before; of the first line 00000000
 * s  the number of the record: 0, 1, 2, ...
 * d  how many records were known to be on the disk when this one was written; at most s
 * r  the payload: one JSON object in UTF-8, without a newline, at most 64 levels deep
 *
 * The fields are there in this order, nothing is between them, numbers have no sign and no leading
 * zeros and are less than 2^53: a line has one spelling, and any other byte in it is damage. c is
 * over its line alone, so that a line can be judged by itself wherever it is found; p makes a chain
 * of them, so that none can be missing.
 */
#ifndef OPRO_JOURNAL_JOURNAL_LINE_H
#define OPRO_JOURNAL_JOURNAL_LINE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the longest line with its newline, and of the longest payload. */
#define OPRO__JOURNAL_LINE    ((size_t)1 << 20)
#define OPRO__JOURNAL_PAYLOAD (OPRO__JOURNAL_LINE - 128)

/* What every line begins with. */
#define OPRO__JOURNAL_PREFIX     "{\"c\":\""
#define OPRO__JOURNAL_PREFIX_LEN (sizeof OPRO__JOURNAL_PREFIX - 1)

typedef struct opro__journal_line {
    uint32_t crc, previous; /* c, p */
    uint64_t seq, durable;  /* s, d */
    const char *payload;    /* r    */
    size_t len;             /* of it */
} opro__journal_line;

/*
 * Write a line with its newline: how long it is. out has room for the payload and 128 bytes more;
 * crc is set, and payload is then the copy in out.
 */
size_t opro__journal_line_write(char *out, opro__journal_line *line);

/*
 * Read a line without its newline; payload points into it. 0: this is none, *line is as it was. The
 * second looks at its fields alone, not at whether its checksum is right.
 */
int opro__journal_line_read(opro__journal_line *line, const char *s, size_t len);
int opro__journal_line_parse(opro__journal_line *line, const char *s, size_t len);

/* 1 if s can be a payload, but for its length. */
int opro__journal_payload_valid(const char *s, size_t len);

#endif
