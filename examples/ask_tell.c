/* 2. Ask and tell: an instruction for a language model, proposed by a language model. */
#include <opro/opro.h>
#include <stdio.h>
#include <string.h>

/* Send the prompt to the model of your choice. This one says three things in turn. */
static const char *ask_a_model(const char *prompt) {
    static const char *const replies[] = {
        "<INS>Work through it step by step.</INS>",
        "How about <INS>Write down what is given, then solve.</INS>", "<INS>Answer.</INS>"};
    static size_t next;

    (void)prompt;
    return replies[next++ % 3];
}

/* Try the instruction on an example and compare the answers. Here, long ones are good ones. */
static double try_it(const char *instruction, int64_t example) {
    return strlen(instruction) > (size_t)(8 * example) ? 1 : 0;
}

/* The run asks, the program tells: now or later, in any order, from any machine. */
static opro_status fulfil(opro_run *run, opro_request *request) {
    uint64_t id = opro_request_id(request);
    const char *text = opro_request_text(request, NULL);
    double scores[5];
    size_t n;

    if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE) {
        opro_status st = OPRO_OK;

        for (n = opro_request_samples(request); n > 0 && st == OPRO_OK; n--)
            st = opro_run_answer_text(run, id, ask_a_model(text), OPRO_ZT);
        return st;
    }
    const int64_t *examples = opro_request_instances(request, &n);
    for (size_t i = 0; i < n; i++)
        scores[i] = try_it(text, examples[i]);
    return opro_run_answer_scores(run, id, scores, n);
}

int main(void) {
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_run *run = NULL;
    opro_request *request;
    opro_status st;

    if ((st = opro_problem_new(&problem, NULL)) < 0) goto out;
    if ((st = opro_problem_set_description(problem, "solve arithmetic problems", OPRO_ZT)) < 0)
        goto out;
    if ((st = opro_problem_set_instances(problem, 5, 0)) < 0)
        goto out; /* a score is a mean over 5 examples */
    if ((st = opro_problem_add_initial(problem, "Let's solve the problem.", OPRO_ZT)) < 0) goto out;
    if ((st = opro_config_new(&config, NULL)) < 0) goto out;
    if ((st = opro_config_set(config, "steps", OPRO_ZT, "3", OPRO_ZT)) < 0) goto out;

    if ((st = opro_run_new(&run, problem, config, NULL)) < 0) goto out;
    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK)
        if ((st = fulfil(run, request)) < 0) goto out;

    const opro_trajectory *all = opro_run_trajectory(run);
    int64_t top[3];
    size_t n = opro_trajectory_top(all, top, 3);
    for (size_t i = 0; i < n; i++)
        printf("%.2f  %s\n", opro_trajectory_score(all, top[i]),
               opro_trajectory_text(all, top[i], NULL));
out:
    if (st < 0)
        fprintf(stderr, "%s %s\n", opro_status_name(st),
                run ? opro_error_message(opro_run_error(run), NULL) : "");
    opro_run_free(run);
    opro_config_free(config);
    opro_problem_free(problem);
    return st < 0;
}
