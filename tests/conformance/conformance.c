/* SPDX-License-Identifier: MIT */
/*
 * Compares the library with files of cases: conformance SUBCOMMAND PATH. The last line is "N agree,
 * M disagree".
 */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line a subcommand. */
static const struct {
    const char *name;
    const char *argument;
    int (*run)(const char *path);
} commands[] = {
    {"metrics", "FILE.jsonl", conformance_metrics},
    {"replies", "FILE.jsonl", conformance_replies},
    {"tsplib", "FOLDER", conformance_tsplib},
    {"vectors", "FILE.jsonl", conformance_vectors},
};

#define N_COMMANDS (sizeof commands / sizeof *commands)

int tally_print(const tally *t) {
    printf("%zu agree, %zu disagree\n", t->agree, t->disagree);
    return t->disagree == 0 ? CONFORMANCE_AGREE : CONFORMANCE_DISAGREE;
}

char *read_file(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    char *data = NULL;
    size_t cap = 0;

    *len = 0;
    if (!file) {
        perror(path);
        return NULL;
    }
    do {
        char *grown = *len < cap ? data : realloc(data, cap = cap ? 2 * cap : 65536);

        if (!grown) break;
        data = grown;
        *len += fread(data + *len, 1, cap - *len, file);
    } while (*len == cap);
    if (*len == cap || ferror(file)) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(data);
        data = NULL;
    } else {
        data[*len] = '\0';
    }
    fclose(file);
    return data;
}

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 3 && i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argv[2]);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(stderr, "usage: conformance %s %s\n", commands[i].name, commands[i].argument);
    return CONFORMANCE_TROUBLE;
}
