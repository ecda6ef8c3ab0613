/* SPDX-License-Identifier: MIT */
/* The problem of finding an instruction for a dataset. */
#include "core/problem.h"
#include "core/sink.h"
#include "dataset.h"

/*
 * Exemplar k is the k-th training example. Runs in several threads may ask at once: what is written
 * belongs to the sink.
 */
static int32_t deliver(const opro_problem *problem, size_t index, opro_sink *sink,
                       void *user_data) {
    const opro_dataset *dataset = user_data;
    const int64_t *train = opro_dataset_split_of(dataset, OPRO_TRAIN, NULL);
    opro__example example;
    opro__buf buf;
    opro_error err;
    opro_status st;

    (void)problem;
    opro__buf_init(&buf, sink->buf->mem, OPRO__EXAMPLE_MAX);
    st = opro__dataset_example(dataset, (size_t)train[index], &buf, &example, &err);
    if (st == OPRO_OK) st = opro_sink_text(sink, example.question, example.question_len);
    if (st == OPRO_OK) st = opro_sink_text(sink, example.answer, example.answer_len);
    opro__buf_free(&buf);
    return st;
}

static void give_up(void *user_data) {
    opro__dataset_release(user_data);
}

opro_status opro_problem_new_dataset(opro_problem **out, opro_dataset *dataset,
                                     const opro_allocator *mem) {
    opro_problem *problem = NULL;
    size_t train, validation;
    uint64_t digest;
    opro_status st;

    if (!out || !dataset) return OPRO_ERR_INVALID;
    opro_dataset_split_of(dataset, OPRO_TRAIN, &train);
    opro_dataset_split_of(dataset, OPRO_VALIDATION, &validation);
    digest = opro_dataset_digest(dataset);
    if (!digest && opro_dataset_error(dataset)->status != OPRO_OK)
        return opro_dataset_error(dataset)->status;
    st = opro_problem_new(&problem, mem);
    if (st == OPRO_OK) st = opro_problem_set_instances(problem, train, validation); /* 0: refused */
    if (st == OPRO_OK) st = opro_problem_set_exemplar_fn(problem, train, deliver, dataset, give_up);
    if (st != OPRO_OK) {
        opro_problem_free(problem);
        return st;
    }
    opro__dataset_share(dataset);
    problem->sampled = 1;
    problem->data = digest;
    *out = problem;
    return OPRO_OK;
}
