/* SPDX-License-Identifier: MIT */
#include <opro/opro.h>
#include <stdio.h>

int main(void) {
    opro_problem *problem = NULL;
    opro_status st = opro_problem_new(&problem, NULL);

    printf("libopro %s: %s\n", opro_version_string(), opro_status_name(st));
    opro_problem_free(problem);
    return st != OPRO_OK;
}
