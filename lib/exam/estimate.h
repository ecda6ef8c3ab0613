/* SPDX-License-Identifier: MIT */
/* How long the texts of a run will be: measured by estimate_size.c for estimate.c. */
#ifndef OPRO_EXAM_ESTIMATE_H
#define OPRO_EXAM_ESTIMATE_H

#include "exam.h"

/* Of messages: their bytes, and their tokens by the library's count, which is high. */
typedef struct opro__size {
    double bytes, tokens, messages;
} opro__size;

typedef struct opro__sizes {
    opro__size question[2]; /* of an example of a set, without an instruction: the mean        */
    opro__size judged[2];   /* what a judge is asked about it, without the reply               */
    opro__size initial;     /* of the initial solutions: the mean                              */
    double occurrences;     /* how often the instruction is in what is sent                    */
    opro__size meta, most;  /* of meta-prompts that show no solution: the mean, and the longest */
    opro__size entry;       /* what they have around each solution                             */
} opro__sizes;

/* Errors are in the examiner's. config: as for the run. */
opro_status opro__estimate_sizes(opro__sizes *out, opro_examiner *examiner, opro_problem *problem,
                                 const opro_config *config);

#endif
