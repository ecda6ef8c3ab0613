/* SPDX-License-Identifier: MIT */
#include "space.h"

#include <string.h>

#include "base/num.h"

void opro__space_free(opro__space *space, opro__mem *mem) {
    opro__free(mem, space->lower);
    opro__free(mem, space->upper);
    if (space->names)
        for (size_t i = 0; i < space->n; i++)
            opro__free(mem, space->names[i]);
    opro__free(mem, space->names);
    *space = (opro__space){.kind = OPRO__SPACE_TEXT};
}

const char *opro__space_name(const opro__space *space, size_t i, char buffer[32]) {
    char text[OPRO__NUM_SIZE];
    size_t len;

    if (space->names) return space->names[i];
    len = opro__int_format((int64_t)i + 1, text);
    buffer[0] = 'x';
    memcpy(buffer + 1, text, len + 1);
    return buffer;
}
