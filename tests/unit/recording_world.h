/* SPDX-License-Identifier: MIT */
/* Files in a folder of the test's own, for tests of recordings and of the cache. */
#ifndef TESTS_RECORDING_WORLD_H
#define TESTS_RECORDING_WORLD_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a test works with: a file that is not there yet. */
typedef struct world {
    char folder[64];
    char file[96];
    opro__mem mem;
    opro_error err;
} world;

static inline int world_begin(void **state) {
    world *w = calloc(1, sizeof *w);

    if (!w) return 1;
    strcpy(w->folder, "/tmp/opro-recording-XXXXXX");
    if (!mkdtemp(w->folder)) return 1;
    snprintf(w->file, sizeof w->file, "%s/x.jsonl", w->folder);
    *state = w;
    return opro__mem_init(&w->mem, NULL) != OPRO_OK;
}

static inline int world_end(void **state) {
    world *w = *state;
    int faults = w->mem.used != 0;

    unlink(w->file);
    faults |= rmdir(w->folder) != 0;
    free(w);
    return faults;
}

/* A new file; not an old one emptied, which some file systems hasten to bring to the disk. */
static inline void write_file(const char *path, const char *s, size_t len) {
    int fd;

    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, s, len), len);
    close(fd);
}

/* The whole file, with a NUL; the caller frees it. */
static inline char *read_file(const char *path, size_t *len) {
    int fd = open(path, O_RDONLY);
    struct stat st;
    char *s;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    *len = (size_t)st.st_size;
    s = malloc(*len + 1);
    assert_non_null(s);
    assert_int_equal(read(fd, s, *len), *len);
    s[*len] = '\0';
    close(fd);
    return s;
}

/* Descriptors that this process has open. */
static inline int open_files(void) {
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/*
 * Two bodies of 16 bytes with one digest: a step of opro__hash_bytes() is (hash ^ word) * m, and
 * what a different first word does to the hash, the second word can take back.
 */
static inline void collide(char a[17], char b[17]) {
    const uint64_t m = UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t first[2] = {UINT64_C(0x6161616161616161), UINT64_C(0x6261616161616161)};
    const uint64_t second = UINT64_C(0x6363636363636363);
    uint64_t h[2], words[2][2];

    for (int i = 0; i < 2; i++) {
        h[i] = (16 * m ^ first[i]) * m;
        h[i] ^= h[i] >> 32;
    }
    words[0][0] = first[0];
    words[0][1] = second;
    words[1][0] = first[1];
    words[1][1] = second ^ h[0] ^ h[1];
    for (int i = 0; i < 16; i++) {
        a[i] = (char)(words[0][i / 8] >> 8 * (i % 8) & 255);
        b[i] = (char)(words[1][i / 8] >> 8 * (i % 8) & 255);
    }
}

#endif
