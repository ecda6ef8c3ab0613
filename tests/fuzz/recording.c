/* SPDX-License-Identifier: MIT */
/*
 * Files of exchanges, on a disk of one file in memory. The first digit: 0, the file's first line is
 * the right one; 1, it is in the input. A line that begins with "=" gets its sum and its brace.
 */
#include <errno.h>
#include <sys/file.h>

#include "fuzz.h"
#include "model/recording_parts.h"

#define HEADER "{\"opro_exchanges\":1}\n"

enum { MOST = 1 << 20, MANY = 64 };

/* ---- the file: one at a time ----------------------------------------------------------------- */

static char bytes[2 * MOST];
static size_t bytes_len;

static int memory_open(const char *path, int flags, mode_t mode) {
    (void)path;
    (void)flags;
    (void)mode;
    return 7;
}

static int memory_fstat(int fd, struct stat *st) {
    (void)fd;
    memset(st, 0, sizeof *st);
    st->st_mode = S_IFREG;
    return 0;
}

static int memory_flock(int fd, int operation) {
    (void)fd;
    (void)operation;
    return 0;
}

static ssize_t memory_pread(int fd, void *p, size_t n, off_t at) {
    size_t from = (size_t)at < bytes_len ? (size_t)at : bytes_len;

    (void)fd;
    if (n > bytes_len - from) n = bytes_len - from;
    if (n) memcpy(p, bytes + from, n);
    return (ssize_t)n;
}

static ssize_t memory_write(int fd, const void *p, size_t n) {
    (void)fd;
    if (n > sizeof bytes - bytes_len) {
        errno = ENOSPC;
        return -1;
    }
    memcpy(bytes + bytes_len, p, n);
    bytes_len += n;
    return (ssize_t)n;
}

static int memory_ftruncate(int fd, off_t len) {
    (void)fd;
    REQUIRE((size_t)len <= bytes_len);
    bytes_len = (size_t)len;
    return 0;
}

static int memory_close(int fd) {
    return fd == 7 ? 0 : -1;
}

static const opro__file_calls calls = {memory_open,  memory_fstat,     memory_flock, memory_pread,
                                       memory_write, memory_ftruncate, memory_close};

static void put(const char *s, size_t len) {
    if (len <= MOST - 64 - bytes_len) {
        if (len) memcpy(bytes + bytes_len, s, len);
        bytes_len += len;
    }
}

static void put_sealed(const char *s, size_t len) {
    char seal[40];

    put(s, len);
    snprintf(seal, sizeof seal, ",\"sum\":\"%016llx\"}",
             (unsigned long long)opro__hash_bytes(s, len));
    put(seal, strlen(seal));
}

static void write_file(fuzz_input *in) {
    bytes_len = 0;
    if (fuzz_digit(in, 2) == 0) put(HEADER, strlen(HEADER));
    while (in->len) {
        const char *end = memchr(in->s, '\n', in->len);
        size_t len = end ? (size_t)(end - in->s) : in->len;

        if (*in->s == '=')
            put_sealed(in->s + 1, len - 1);
        else
            put(in->s, len);
        if (end) put("\n", 1);
        in->s += len + (end != NULL);
        in->len -= len + (end != NULL);
    }
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int same_line(const opro__line *a, const opro__line *b) {
    return opro__same_request(a, b) && a->what.status == b->what.status &&
           a->what.code == b->what.code && a->what.met == b->what.met &&
           memcmp(&a->what.kept, &b->what.kept, sizeof a->what.kept) == 0 &&
           fuzz_same(a->what.answer, a->what.len, b->what.answer, b->what.len) &&
           strcmp(a->what.detail, b->what.detail) == 0;
}

/* Written and read again, a line says the same. */
static void check_line(const opro__line *line) {
    opro__line again;
    opro_error err;
    opro__mem mem;
    opro__buf out;

    if (opro__mem_init(&mem, NULL) != OPRO_OK) abort();
    opro__buf_init(&out, &mem, OPRO__LINE_MAX + 1);
    opro__line_write(&out, line->path, line->path_len, line->body, line->body_len, &line->what);
    REQUIRE(out.status == OPRO_OK && out.data[out.len - 1] == '\n');
    REQUIRE(!memchr(out.data, '\n', out.len - 1));
    REQUIRE(opro__line_read(&again, out.data, out.len - 1, 1, &err) == OPRO_OK);
    REQUIRE(same_line(&again, line));
    opro__buf_free(&out);
}

/* A request that is in the file is found there. */
static void check_find(opro__recording *r, const opro__line *line, int failing) {
    char *path = malloc(line->path_len), *body = malloc(line->body_len);
    size_t path_len = line->path_len, body_len = line->body_len;
    opro__recorded what;
    opro_error err;
    opro_status st;

    if ((!path && path_len) || (!body && body_len)) abort();
    if (path_len) memcpy(path, line->path, path_len);
    if (body_len) memcpy(body, line->body, body_len);
    st = opro__recording_find(r, path, path_len, body, body_len, 0, &what, &err);
    REQUIRE(st == OPRO_OK || st == OPRO_ERR_PARSE || (failing && st == OPRO_ERR_NOMEM));
    st = opro__recording_find(r, path, path_len, body, body_len, 1, &what, &err);
    REQUIRE(st == OPRO_OK || st == OPRO_ERR_PARSE || st == OPRO_ERR_UNKNOWN ||
            (failing && st == OPRO_ERR_NOMEM));
    free(path);
    free(body);
}

/* ---- files ----------------------------------------------------------------------------------- */

static opro__recording *open_file(int append, int failing, opro__mem *mem) {
    opro__recording *r = NULL;
    opro_error err;
    opro_status st = opro__recording_open_by(&calls, &r, mem, &err, "f", append, 1);

    REQUIRE((st == OPRO_OK) == (r != NULL));
    if (r) return r;
    REQUIRE(st == OPRO_ERR_PARSE || (failing && st == OPRO_ERR_NOMEM));
    fuzz_require_error(&err, st);
    return NULL;
}

static void check_read(int failing, opro__mem *mem) {
    opro__recording *r = open_file(0, failing, mem);
    opro__recorded what;
    opro_error err;
    opro_status st;

    if (!r) return;
    for (uint32_t i = 0; i < opro__recording_count(r) && i < MANY; i++) {
        opro__line line;

        st = opro__recording_line(r, i, 1, &line, &err);
        REQUIRE(st == OPRO_OK || st == OPRO_ERR_PARSE || (failing && st == OPRO_ERR_NOMEM));
        if (st != OPRO_OK) continue;
        check_line(&line);
        check_find(r, &line, failing);
    }
    st = opro__recording_find(r, "/none", 5, "{\"a\":[1,\"b\"]}", 13, 1, &what, &err);
    REQUIRE(st == OPRO_ERR_UNKNOWN || st == OPRO_ERR_PARSE || (failing && st == OPRO_ERR_NOMEM));
    fuzz_require_error(&err, st);
    opro__recording_close(r);
}

/* What is appended is there behind all that was whole. */
static void check_append(opro__mem *mem) {
    const opro__recorded answer = {.status = 200, .answer = "new\xff", .len = 4};
    opro__recording *r = open_file(1, 0, mem);
    opro__recorded what = {.status = 0};
    opro_error err;
    size_t n;

    if (!r) return;
    n = opro__recording_count(r);
    REQUIRE(opro__recording_add(r, "/new", 4, "{}", 2, &answer, &err) == OPRO_OK);
    opro__recording_close(r);
    r = open_file(0, 0, mem);
    REQUIRE(r && opro__recording_count(r) == n + 1);
    REQUIRE(opro__recording_find(r, "/new", 4, "{}", 2, 0, &what, &err) == OPRO_OK);
    REQUIRE(what.status == 200 && fuzz_same(what.answer, what.len, "new\xff", 4));
    opro__recording_close(r);
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    opro__mem mem;

    REQUIRE(opro__mem_init(&mem, allocator) == OPRO_OK);
    write_file(in);
    check_read(in->failing, &mem);
    if (!in->failing) check_append(&mem);
    REQUIRE(mem.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
