/* SPDX-License-Identifier: MIT */
/*
 * golden                    print a line for each golden run
 * golden FILE               compare with the lines of a file; ends with 1 if they differ
 *
 * A change of the wording, of the options' table or of what the library decides changes lines. If
 * that was meant: golden > tests/far/golden.txt. A line that differs on one platform alone is a
 * fault.
 */
#include "golden.h"

#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 400

void golden_must(opro_status status, const char *call, const char *file, int line) {
    if (status == OPRO_OK) return;
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, call, opro_status_name(status));
    exit(1);
}

void golden_print(FILE *out, const char *name, uint64_t digest) {
    fprintf(out, "%-24s %08x%08x\n", name, (unsigned)(digest >> 32), (unsigned)digest);
}

/* The next line without its end, which may be of DOS; 0: there is none. */
static int read_line(FILE *file, char line[LINE_SIZE]) {
    if (!fgets(line, LINE_SIZE, file)) return 0;
    line[strcspn(line, "\r\n")] = '\0';
    return 1;
}

static int compare(FILE *got, FILE *expected) {
    char is[LINE_SIZE], wanted[LINE_SIZE];
    int differ = 0, lines = 0;

    for (;; lines++) {
        int more = read_line(got, is), wants = read_line(expected, wanted);

        if (!more && !wants) break;
        if (more && wants && strcmp(is, wanted) == 0) continue;
        differ++;
        printf("expected: %s\nhere:     %s\n", wants ? wanted : "(nothing)",
               more ? is : "(nothing)");
    }
    printf("%d golden lines, %d differ\n", lines, differ);
    return differ != 0;
}

int main(int argc, char **argv) {
    FILE *out = argc > 1 ? tmpfile() : stdout;
    FILE *expected = argc > 1 ? fopen(argv[1], "rb") : NULL;
    int failed;

    if (!out || (argc > 1 && !expected)) {
        perror(argc > 1 ? argv[1] : "golden");
        return 1;
    }
    golden_runs(out);
    golden_values(out);
    if (!expected) return fflush(out) != 0;
    rewind(out);
    failed = compare(out, expected);
    fclose(expected);
    fclose(out);
    return failed;
}
