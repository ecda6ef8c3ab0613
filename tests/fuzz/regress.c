/* SPDX-License-Identifier: MIT */
/*
 * Runs a target over files and folders of files, in order of their names: a fuzzer's corpus as an
 * ordinary test, with any compiler.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static long inputs;

static void fail(const char *what, const char *path) {
    fprintf(stderr, "cannot %s %s\n", what, path);
    exit(1);
}

static void run_file(const char *path, size_t size) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size); /* just as large, so that a read beyond shows */

    if (!file || (!data && size) || fread(data, 1, size, file) != size) fail("read", path);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one is the one that failed */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    inputs++;
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void run_path(const char *path);

static void run_folder(const char *path) {
    struct dirent **entries;
    int n = scandir(path, &entries, is_visible, alphasort);

    if (n < 0) fail("read", path);
    for (int i = 0; i < n; i++) {
        char name[4096];

        if (snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name) >= (int)sizeof name)
            fail("name", path);
        run_path(name);
        free(entries[i]);
    }
    free(entries);
}

static void run_path(const char *path) {
    struct stat st;

    if (stat(path, &st) != 0) fail("find", path);
    if (S_ISDIR(st.st_mode))
        run_folder(path);
    else
        run_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%ld inputs\n", inputs);
    return inputs ? 0 : 1;
}
