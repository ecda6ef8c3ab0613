/* SPDX-License-Identifier: MIT */
/*
 * A file of exchanges: JSON Lines, a header line and one line for each exchange. Written, it is a
 * recording or the cache on disk; read, it answers requests.
 *
 *   {"opro_exchanges":1}
 *   {"path":"/chat/completions","request":{...body...},"status":200,
 *    "headers":{"retry-after":"1"},"answer":"...bytes as a string...","sum":"..16 hex digits.."}
 *   {"path":...,"request":...,"code":28,"detail":"Timeout was reached","sum":...}
 *
 * path      of the request (in the cache's file: origin and path)
 * request   the body: an object or array as it is, byte for byte; any other body as a string
 * status, code, met, detail, headers, answer
 *           as in opro__recorded; what is 0 or empty is left out
 * sum       opro__hash_bytes() of the line before `,"sum"`: what is damaged is noticed. A line that
 *           was written or changed by hand has none
 *
 * What is not valid UTF-8, or has a NUL, is kept as base64: "answer64", "request64", and so on.
 * Nothing that was sent but path and body is in the file. It is made with mode 0600.
 *
 * Each line is handed to the system when it is made, and nothing is synced: it survives the death
 * of the process, and is lost with the machine if the system has not put it on the disk yet. A
 * recording can be made again, and a sync for each exchange costs more than all that the client
 * does with it.
 *
 * A process that dies while writing leaves a line without a newline: ignored on reading, cut off on
 * opening for appending. One writer at a time (flock); readers need no lock. Under a limit on the
 * size of files (RLIMIT_FSIZE) the host has to ignore SIGXFSZ, or it dies of it.
 *
 * Opening reads the file once and keeps, for each exchange, 32 bytes (64 where the array has just
 * grown) and about 16 of a hash table: neither paths nor bodies nor answers. These are read,
 * checked and compared when they are asked for.
 */
#ifndef OPRO_MODEL_RECORDING_H
#define OPRO_MODEL_RECORDING_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "failure.h"

typedef struct opro__recording opro__recording;

/* What came of a request. Strings belong to the recording until its next call. */
typedef struct opro__recorded {
    int code, met;
    int32_t status;
    opro__headers kept;
    const char *answer;
    size_t len;
    const char *detail; /* never NULL when read; may be NULL when written */
} opro__recorded;

/*
 * Open for appending (made if it is not there; a torn last line is cut off, any other fault is
 * OPRO_ERR_PARSE with the line), for reading, or both. index: requests can be looked up.
 * OPRO_ERR_FAILED with the system's reason, or because somebody else writes the file;
 * OPRO_ERR_LIMIT: more than 2^32 - 2 exchanges.
 */
opro_status opro__recording_open(opro__recording **out, opro__mem *mem, opro_error *err,
                                 const char *path, int append, int index);
void opro__recording_close(opro__recording *recording); /* NULL is fine */

/*
 * Append one exchange and hand it to the system. OPRO_ERR_FAILED is sticky: after a failure it
 * always fails. OPRO_ERR_NOMEM and OPRO_ERR_LIMIT (the line would have more than 64 MiB) leave the
 * recording as it was.
 */
opro_status opro__recording_add(opro__recording *recording, const char *path, size_t path_len,
                                const char *body, size_t body_len, const opro__recorded *what,
                                opro_error *err);

/*
 * What came of this request: the first occurrence that was not handed out yet (use 1: it is used
 * up), or with use 0 the last one. OPRO_ERR_UNKNOWN with a message that shows the nearest request
 * and where it differs first. With err NULL no message is made, which saves looking for it.
 * OPRO_ERR_FAILED, OPRO_ERR_PARSE: the file has changed meanwhile, or cannot be read.
 */
opro_status opro__recording_find(opro__recording *recording, const char *path, size_t path_len,
                                 const char *body, size_t body_len, int use, opro__recorded *what,
                                 opro_error *err);

/* Exchanges in it. */
size_t opro__recording_count(const opro__recording *recording);

#endif
