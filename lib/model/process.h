/* SPDX-License-Identifier: MIT */
/*
 * Whether this is still the process that an object was made in. Every call on it wants to know, and
 * the process's number is a call of the system each time; but Linux clears a page in children, when
 * told to.
 */
#ifndef OPRO_MODEL_PROCESS_H
#define OPRO_MODEL_PROCESS_H

typedef struct opro__process {
    long pid;
    unsigned char *page; /* its first byte: 0 in a child; NULL: ask for the number */
} opro__process;

void opro__process_init(opro__process *process);
void opro__process_free(opro__process *process);
int opro__process_is_child(const opro__process *process);

#endif
