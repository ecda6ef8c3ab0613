/* SPDX-License-Identifier: MIT */
/*
 * A file of exchanges: JSON Lines, a header line and one line for each exchange. Written, it is a
 * recording or the cache on disk; read, it answers requests.
 *
 *   {"opro_exchanges":1}
 *   {"path":"/chat/completions","request":{...body as JSON...},"status":200,
 *    "headers":{"retry-after":"1"},"answer":"...bytes as a string..."}
 *   {"path":..., "request":..., "met":0,"code":28,"detail":"Timeout was reached"}
 *
 * A request is known by its path (of the cache: origin and path) and the bytes of its body. Answers that are not valid UTF-8 are
 * kept as base64 ("answer64").
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
    const char *detail;
} opro__recorded;

/*
 * Open for appending (made if it is not there; a torn last line is cut off, any other fault is
 * OPRO_ERR_PARSE with the line), for reading, or both. index: requests can be looked up.
 * OPRO_ERR_FAILED with the system's reason.
 */
opro_status opro__recording_open(opro__recording **out, opro__mem *mem, opro_error *err,
                                 const char *path, int append, int index);
void opro__recording_close(opro__recording *recording);

/* Append one exchange and hand it to the system. Sticky: after a failure it always fails. */
opro_status opro__recording_add(opro__recording *recording, const char *path, size_t path_len,
                                const char *body, size_t body_len, const opro__recorded *what,
                                opro_error *err);

/*
 * What came of this request: the first occurrence that was not handed out yet (use 1: it is used
 * up), or with use 0 the last one. OPRO_ERR_UNKNOWN with a message that shows the nearest request
 * and where it differs first.
 */
opro_status opro__recording_find(opro__recording *recording, const char *path, size_t path_len,
                                 const char *body, size_t body_len, int use, opro__recorded *what,
                                 opro_error *err);

/* Exchanges in it. */
size_t opro__recording_count(const opro__recording *recording);

#endif
