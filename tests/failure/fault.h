/* SPDX-License-Identifier: MIT */
/*
 * What fails, and when: allocations (memory.c) and calls of the system (calls.c) ask here. One of
 * the two is counted at a time.
 */
#ifndef TESTS_FAILURE_FAULT_H
#define TESTS_FAILURE_FAULT_H

enum { FAULT_MEMORY, FAULT_CALLS };

enum {
    FAULT_ONCE,       /* one fails                                                     */
    FAULT_ON,         /* ... and all behind it                                         */
    FAULT_INTERRUPTED /* calls alone: one says EINTR, where that is not worth a word   */
};

typedef struct fault {
    int what, mode;
    long at;     /* the number of the one that fails, from 0 on; negative: none          */
    long count;  /* how many there were                                                  */
    long failed; /* how many of them failed                                              */
    int armed;   /* not 1: what the scenarios do themselves is neither counted nor failed    */
} fault;

extern fault faults;

/* Is this the one? mode: how it can fail, FAULT_ON for those that can always. */
int fault_now(int what);

#endif
