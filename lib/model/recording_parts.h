/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a recording share: recording.c (the index, appending, looking up),
 * recording_near.c (what is like a request that is not there), recording_line.c (an exchange as a
 * line), recording_text.c (what is embedded as JSON, base64), recording_file.c (the file).
 */
#ifndef OPRO_MODEL_RECORDING_PARTS_H
#define OPRO_MODEL_RECORDING_PARTS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/json_cursor.h"
#include "base/map.h"
#include "recording.h"

/* ---- recording_file.c ------------------------------------------------------------------------ */

/* The system's calls; tests put others in their place. */
typedef struct opro__file_calls {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*fstat)(int fd, struct stat *st);
    int (*flock)(int fd, int operation);
    ssize_t (*pread)(int fd, void *p, size_t n, off_t at);
    ssize_t (*write)(int fd, const void *p, size_t n);
    int (*ftruncate)(int fd, off_t len);
    int (*close)(int fd);
} opro__file_calls;

extern const opro__file_calls opro__file_system;

typedef struct opro__file {
    const opro__file_calls *calls;
    char *path;
    int fd; /* -1: not open */
} opro__file;

/* For reading; append: for appending too, made if it is not there, and locked. */
opro_status opro__file_open(opro__file *file, opro__mem *mem, opro_error *err,
                            const opro__file_calls *calls, const char *path, int append);
void opro__file_close(opro__file *file, opro__mem *mem);

/* As many bytes as there are, at most len: *got. */
opro_status opro__file_read(const opro__file *file, uint64_t at, char *out, size_t len, size_t *got,
                            opro_error *err);

/* All bytes at the end, by one write() if the system takes them at once. */
opro_status opro__file_append(const opro__file *file, const char *s, size_t len, opro_error *err);

/* Cut off what is behind len bytes. */
opro_status opro__file_cut(const opro__file *file, uint64_t len, opro_error *err);

/* ---- recording_text.c ------------------------------------------------------------------------ */

/* 1 if s is one object or array from the first byte to the last, and has no newline in it. */
int opro__embeds(const char *s, size_t len);

void opro__base64_add(opro__buf *out, const char *s, size_t len);

/* In its place, with a NUL behind it. 0: not base64 as written by opro__base64_add(). */
int opro__base64_decode(char *s, size_t *len);

/* ---- recording_line.c ------------------------------------------------------------------------ */

/* Most bytes of a line, without its newline. */
#define OPRO__LINE_MAX ((size_t)64 << 20)

typedef struct opro__line {
    const char *path, *body;
    size_t path_len, body_len;
    opro__recorded what;
} opro__line;

/* Append a line with its newline. Look at out's status, whose max is OPRO__LINE_MAX + 1. */
void opro__line_write(opro__buf *out, const char *path, size_t path_len, const char *body,
                      size_t body_len, const opro__recorded *what);

/*
 * Read a line without its newline, in its place: s changes (s[len] is there and may too), and line
 * points into it. whole 0: if its sum is right path and body are enough, the rest may be missing.
 * OPRO_ERR_PARSE with a message without file and line.
 */
opro_status opro__line_read(opro__line *line, char *s, size_t len, int whole, opro_error *err);

/* ---- recording.c ----------------------------------------------------------------------------- */

/*
 * An exchange of the index. Those whose requests have the same digest are a chain in order of the
 * file; the first of them is in the map.
 */
typedef struct opro__place {
    uint64_t offset; /* of its line */
    uint64_t hash;   /* of path and body */
    uint32_t next;   /* in the chain; OPRO__MAP_NONE: it is the last */
    /* of the first in a chain: */
    uint32_t last;
    uint32_t unused; /* the first that was not handed out; OPRO__MAP_NONE: all were */
    uint32_t used;   /* this exchange was handed out */
} opro__place;

struct opro__recording {
    opro__mem *mem;
    opro__file file;
    int append, indexed;
    uint64_t end; /* where the next line begins */
    size_t count;
    opro__place *places; /* [count] if indexed */
    size_t capacity;
    opro__map map;
    uint32_t recent; /* handed out last */
    char *text;      /* what is read of the file */
    size_t text_capacity;
    opro__buf out;     /* the line to be written */
    opro_error broken; /* of the append that failed; OPRO_OK: none did */
};

/* opro__recording_open() with other calls than the system's. */
opro_status opro__recording_open_by(const opro__file_calls *calls, opro__recording **out,
                                    opro__mem *mem, opro_error *err, const char *path, int append,
                                    int index);

/* Bytes of the line of an exchange, without its newline. */
size_t opro__recording_line_len(const opro__recording *recording, uint32_t index);

/* Read the line of an exchange. It lives until the next one is read. */
opro_status opro__recording_line(opro__recording *recording, uint32_t index, int whole,
                                 opro__line *line, opro_error *err);

/* The first of the chain of a digest, or OPRO__MAP_NONE. */
uint32_t opro__recording_chain(const opro__recording *recording, uint64_t hash);

uint64_t opro__request_hash(const char *path, size_t path_len, const char *body, size_t body_len);

/* 1 if path and body are equal. */
int opro__same_request(const opro__line *a, const opro__line *b);

/* ---- recording_near.c ------------------------------------------------------------------------ */

/*
 * OPRO_ERR_UNKNOWN with a message on what is like this request (path and body of wanted), or the
 * failure of reading that.
 */
opro_status opro__recording_unknown(opro__recording *recording, const opro__line *wanted,
                                    opro_error *err);

#endif
