/* SPDX-License-Identifier: MIT */
/*
 * A host outside the tree, C11: ask and tell, with texts. The more letters e in a text, the better.
 */
#include <opro/opro.h>
#include <stdio.h>
#include <string.h>

_Static_assert(OPRO_VERSION_NUM >= 1000, "a header of version 0.1.0 or later");

static const char *const words[] = {"be", "seek", "tree", "between", "everywhere", "beekeeper",
                                    "a",  "bee",  "e",    "cheese",  "reference",  "nevertheless"};

static opro_status propose(opro_run *run, const opro_request *request, size_t *next) {
    opro_status st = OPRO_OK;
    char reply[64];

    for (size_t i = 0; i < opro_request_samples(request) && st == OPRO_OK; i++) {
        snprintf(reply, sizeof reply, "<INS>%s</INS>",
                 words[(*next)++ % (sizeof words / sizeof *words)]);
        st = opro_run_answer_text(run, opro_request_id(request), reply, strlen(reply));
    }
    return st;
}

static opro_status score(opro_run *run, const opro_request *request) {
    size_t len;
    const char *text = opro_request_text(request, &len);
    double score = 0;

    for (size_t i = 0; i < len; i++)
        score += (text[i] == 'e') / 10.0;
    return opro_run_answer_scores(run, opro_request_id(request), &score, 1);
}

int main(void) {
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_run *run = NULL;
    opro_request *request;
    const opro_trajectory *trajectory;
    const char *best = "";
    size_t next = 0;
    opro_status st;

    st = opro_problem_new(&problem, NULL);
    if (st == OPRO_OK)
        st = opro_problem_set_description(problem, "find words with many letters e", OPRO_ZT);
    if (st == OPRO_OK) st = opro_config_new(&config, NULL);
    if (st == OPRO_OK) st = opro_config_set(config, "steps", OPRO_ZT, "2", OPRO_ZT);
    if (st == OPRO_OK) st = opro_run_new(&run, problem, config, NULL);
    while (st == OPRO_OK && (st = opro_run_next(run, 0, &request)) == OPRO_OK)
        if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE)
            st = propose(run, request, &next);
        else
            st = score(run, request);

    if (st == OPRO_DONE) {
        trajectory = opro_run_trajectory(run);
        best = opro_trajectory_text(trajectory, opro_trajectory_best(trajectory), NULL);
        printf("best %s of %d words\n", best, (int)opro_trajectory_scored(trajectory));
    } else {
        fprintf(stderr, "%s: %s\n", opro_status_name(st),
                run ? opro_error_message(opro_run_error(run), NULL) : "");
    }
    st = strcmp(best, "beekeeper") == 0 ? OPRO_OK : OPRO_ERR_FAILED;
    opro_run_free(run);
    opro_config_free(config);
    opro_problem_free(problem);
    return st != OPRO_OK;
}
