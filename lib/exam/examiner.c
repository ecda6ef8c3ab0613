/* SPDX-License-Identifier: MIT */
/* The examiner: made, and told how to ask and to judge. */
#include "base/utf8.h"
#include "exam.h"

/* ---- making ---------------------------------------------------------------------------------- */

/* STRICT, for the kind of answers that the dataset has. */
static opro_status make_metric(opro_examiner *e) {
    int32_t task = opro_dataset_task(e->dataset);

    if (!task) return opro__err_copy(&e->err, opro_dataset_error(e->dataset));
    return opro_metric_new(&e->metric, OPRO_METRIC_STRICT, task, &e->mem.allocator);
}

static opro_status build(opro_examiner *e, opro_dataset *dataset, opro_metric *metric,
                         opro_model *model, const opro_config *config) {
    opro__mem *mem = &e->mem;

    atomic_init(&e->refs.count, 1);
    opro__options_copy(&e->options, config);
    e->log = opro__config_log(config);
    e->dataset = opro__dataset_share(dataset);
    if (metric) e->metric = opro__metric_share(metric);
    e->model = opro__model_share(model);
    e->engine = opro__model_engine(model);
    opro__messages_init(&e->messages, mem);
    opro__buf_init(&e->example, mem, OPRO__EXAMPLE_MAX);
    opro__buf_init(&e->words, mem, OPRO__MESSAGES_MAX);
    opro__map_init(&e->keys, mem);
    if (!opro_dataset_count(dataset))
        return opro__fail(&e->err, OPRO_ERR_INVALID, "the dataset has no examples");
    if (!metric) {
        opro_status st = make_metric(e);

        if (st != OPRO_OK) return st;
    }
    return opro__form_init(&e->form, mem, (int32_t)OPRO__INT(&e->options, POSITION),
                           OPRO__INT(&e->options, QUESTION_MARKS) != 0, &e->err);
}

opro_status opro_examiner_new(opro_examiner **out, opro_dataset *dataset, opro_metric *metric,
                              opro_model *model, const opro_config *config,
                              const opro_allocator *mem) {
    opro__mem own;
    opro_examiner *e;
    opro_status st;

    if (!out || !dataset || !model) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    e = opro__calloc(&own, 1, sizeof *e);
    if (!e) return OPRO_ERR_NOMEM;
    e->mem = own;
    st = build(e, dataset, metric, model, config);
    if (st == OPRO_OK) {
        *out = e;
        return st;
    }
    if (e->err.status != st)
        opro__fail(&e->err, st, "%s", st == OPRO_ERR_NOMEM ? "out of memory" : "failed");
    opro__log_say(e->log, OPRO_LOG_ERROR, "exam", "no examiner was made: %s: %s",
                  opro_status_name(st), e->err.message);
    opro__examiner_release(e);
    return st;
}

opro_examiner *opro__examiner_share(opro_examiner *e) {
    opro__ref(&e->refs);
    return e;
}

/* Inside of its callback somebody else has a share. */
static void release_metric(opro_metric *metric) {
    if (metric && metric->guard.depth)
        opro__unref(&metric->refs);
    else
        opro_metric_free(metric);
}

void opro__examiner_release(opro_examiner *e) {
    opro__mem mem;

    if (!opro__unref(&e->refs)) return;
    opro__guard_close(&e->guard);
    opro__hook_clear(&e->observer);
    opro__form_free(&e->form, &e->mem);
    opro__template_free(&e->judge_words, &e->mem);
    opro__messages_free(&e->messages);
    opro__buf_free(&e->example);
    opro__buf_free(&e->words);
    opro__map_free(&e->keys);
    opro__free(&e->mem, e->line);
    opro__free(&e->mem, e->askings);
    if (e->judge) opro__model_release(e->judge);
    opro__model_release(e->model);
    release_metric(e->metric);
    opro__dataset_release(e->dataset);
    opro__log_free(e->log);
    mem = e->mem;
    opro__free(&mem, e);
}

void opro_examiner_free(opro_examiner *e) {
    if (!e || !opro__may_free(&e->guard, OPRO__CALL_opro_examiner_free)) return;
    opro__examiner_release(e);
}

const opro_error *opro_examiner_error(const opro_examiner *e) {
    return &e->err;
}

/* ---- settings -------------------------------------------------------------------------------- */

/* At the start of a setter. */
static opro_status change(opro_examiner *e, int call) {
    opro_status st;

    if (!e) return OPRO_ERR_INVALID;
    st = opro__enter(&e->guard, &e->err, call);
    if (st == OPRO_OK && e->examined)
        return opro__fail(&e->err, OPRO_ERR_STATE,
                          "there was an exam already; set this before the first one, or make "
                          "another examiner");
    return st;
}

opro_status opro_examiner_set_template(opro_examiner *e, int32_t role, const char *text,
                                       size_t len) {
    opro_status st = change(e, OPRO__CALL_opro_examiner_set_template);

    if (st != OPRO_OK) return st;
    return opro__form_set_text(&e->form, &e->mem, role, text, len, &e->err);
}

opro_status opro_examiner_add_shot(opro_examiner *e, const char *question, size_t question_len,
                                   const char *answer, size_t answer_len) {
    opro_status st = change(e, OPRO__CALL_opro_examiner_add_shot);

    if (st != OPRO_OK) return st;
    return opro__form_add_shot(&e->form, &e->mem, question, question_len, answer, answer_len,
                               &e->err);
}

opro_status opro_examiner_set_judge(opro_examiner *e, opro_model *judge, const char *text,
                                    size_t len) {
    opro_status st = change(e, OPRO__CALL_opro_examiner_set_judge);

    if (st != OPRO_OK) return st;
    if (e->scores) /* a driver may know by now which models it has to drive */
        return opro__fail(&e->err, OPRO_ERR_STATE,
                          "there is a scorer already; set the judge before opro_scorer_new_exam()");
    if (judge) st = opro__judge_words(&e->judge_words, &e->mem, text, len, &e->err);
    if (st != OPRO_OK) return st;
    if (judge) opro__model_share(judge);
    if (e->judge) opro__model_release(e->judge);
    e->judge = judge;
    if (judge) e->judge_engine = opro__model_engine(judge);
    return OPRO_OK;
}

opro_status opro_examiner_set_observer(opro_examiner *e, opro_examiner_fn fn, void *user_data,
                                       opro_destroy_fn destroy) {
    opro_status st;

    if (!e) return OPRO_ERR_INVALID;
    st = opro__enter(&e->guard, &e->err, OPRO__CALL_opro_examiner_set_observer);
    if (st != OPRO_OK) return st;
    return opro__guard_set(&e->guard, &e->err, &e->observer, (opro__fn)fn, user_data, destroy);
}

/* ---- what is sent ---------------------------------------------------------------------------- */

opro_status opro__check_instruction(const char **s, size_t *len, opro_error *err) {
    if (!opro__arg(s, len) || !opro__utf8_valid(*s, *len))
        return opro__fail(err, OPRO_ERR_INVALID,
                          "the instruction is NULL, or not UTF-8 without NUL");
    if (*len > OPRO__INSTRUCTION_MAX)
        return opro__fail(err, OPRO_ERR_LIMIT, "an instruction of %zu bytes; at most %zu", *len,
                          OPRO__INSTRUCTION_MAX);
    return OPRO_OK;
}

opro_status opro__check_example(const opro_examiner *e, int64_t index, opro_error *err) {
    size_t n = opro_dataset_count(e->dataset);

    if (index >= 0 && (uint64_t)index < n) return OPRO_OK;
    return opro__fail(err, OPRO_ERR_INVALID, "there is no example %lld: the dataset has %zu",
                      (long long)index, n);
}

opro_status opro__examiner_example(opro_examiner *e, int64_t index, opro__example *out,
                                   opro_error *err) {
    opro_status st;

    opro__callback_begin(&e->guard, "the dataset's callback");
    st = opro__dataset_example(e->dataset, (size_t)index, &e->example, out, err);
    opro__callback_end(&e->guard);
    return st;
}

static opro_status write_messages(opro_examiner *e, const char *instruction, size_t len,
                                  int64_t index) {
    opro__example example;
    opro_status st = opro__form_ready(&e->form, &e->err);

    e->messages.n = 0;
    if (st == OPRO_OK) st = opro__examiner_example(e, index, &example, &e->err);
    if (st != OPRO_OK) return st;
    return opro__form_write(&e->form, instruction, len, example.question, example.question_len,
                            &e->messages, &e->err);
}

opro_status opro_examiner_build(opro_examiner *e, const char *instruction, size_t len,
                                int64_t index) {
    opro_status st;
    int begun;

    if (!e) return OPRO_ERR_INVALID;
    st = opro__enter(&e->guard, &e->err, OPRO__CALL_opro_examiner_build);
    if (st != OPRO_OK) return st;
    st = opro__check_instruction(&instruction, &len, &e->err);
    if (st == OPRO_OK) st = opro__check_example(e, index, &e->err);
    if (st != OPRO_OK) return st;
    begun = opro__work_begin(e);
    st = write_messages(e, instruction, len, index);
    if (begun) opro__work_end(e);
    return opro__leave(&e->guard, &e->err, st);
}

size_t opro_examiner_messages(const opro_examiner *e) {
    return e ? e->messages.n : 0;
}

int32_t opro_examiner_message_role(const opro_examiner *e, size_t index) {
    return e && index < e->messages.n ? e->messages.all[index].role : 0;
}

const char *opro_examiner_message_text(const opro_examiner *e, size_t index, size_t *len) {
    int there = e && index < e->messages.n;

    if (len) *len = there ? e->messages.all[index].len : 0;
    return there ? e->messages.text.data + e->messages.all[index].from : "";
}
