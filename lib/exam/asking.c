/* SPDX-License-Identifier: MIT */
/*
 * One question of an exam, from its first call to the verdict: the question itself, perhaps a
 * second one, perhaps a judge. What is asked already is not asked a second time at once: calls with
 * the same key go one after the other, so that the client's cache answers all but the first.
 */
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "core/budget.h"
#include "exam.h"

enum { FIRST, SECOND, JUDGE };

/* ---- the same call --------------------------------------------------------------------------- */

static int has_key(void *key, uint32_t index, const void *owner) {
    return ((const opro_examiner *)owner)->askings[index]->key == *(const uint64_t *)key;
}

/* The last of those with this key, behind whom the next one waits. */
static opro__asking *find_last(const opro_examiner *e, uint64_t key) {
    uint32_t i = opro__map_find(&e->keys, key, &key, has_key, e);

    return i == OPRO__MAP_NONE ? NULL : e->askings[i];
}

static void note(opro__asking *a) {
    opro__map_insert(&a->examiner->keys, a->key, (uint32_t)a->at);
}

static void forget(opro__asking *a) {
    opro__map_remove(&a->examiner->keys, a->key, (uint32_t)a->at);
}

/* The last one is noted. */
static int is_noted(const opro__asking *a) {
    return a->keyed && !a->behind;
}

/* Behind all with the same key. Room in the map is reserved. */
static void line_up(opro__asking *a) {
    opro__asking *last = find_last(a->examiner, a->key);

    a->keyed = 1;
    if (last) {
        forget(last);
        last->behind = a;
        a->ahead = last;
    }
    note(a);
}

static void step_out(opro__asking *a) {
    if (is_noted(a)) {
        forget(a);
        if (a->ahead) note(a->ahead);
    }
    if (a->ahead) a->ahead->behind = a->behind;
    if (a->behind) a->behind->ahead = a->ahead;
    a->ahead = a->behind = NULL;
    a->keyed = 0;
}

/* ---- coming and going ------------------------------------------------------------------------ */

static opro_status no_memory(opro_error *err) {
    return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
}

static opro_status add(opro_examiner *e, opro__asking **out, opro_error *err) {
    void *askings = e->askings;
    opro__asking *a;

    if (!opro__reserve(&e->mem, &askings, &e->cap_askings, e->n_askings + 1,
                       sizeof(opro__asking *)))
        return no_memory(err);
    e->askings = askings;
    a = opro__calloc(&e->mem, 1, sizeof *a);
    if (!a) return no_memory(err);
    a->examiner = opro__examiner_share(e);
    a->at = e->n_askings;
    e->askings[e->n_askings++] = a;
    *out = a;
    return OPRO_OK;
}

/* It is over, or nobody waits for it. */
static void drop(opro__asking *a) {
    opro_examiner *e = a->examiner;
    opro__asking *last;

    step_out(a);
    opro_call_free(a->call);
    if (a->exam)
        a->exam->under_way--;
    else
        e->n_orphans--;
    last = e->askings[--e->n_askings];
    if (last != a) {
        if (is_noted(last)) forget(last);
        last->at = a->at;
        e->askings[last->at] = last;
        if (is_noted(last)) note(last);
    }
    opro__free(&e->mem, a);
    opro__examiner_release(e);
}

/* Somebody else who waits for the same takes over what is under way already. */
static void disown(opro__asking *a) {
    const opro_exam *exam = a->exam;
    opro__asking *heir = a->behind;

    while (heir && (!heir->exam || heir->exam == exam))
        heir = heir->behind;
    a->exam = heir ? heir->exam : NULL;
    if (heir) {
        a->place = heir->place;
        heir->exam = NULL;
    }
    a->examiner->n_orphans++;
}

void opro__askings_disown(const opro_exam *exam) {
    opro_examiner *e = exam->examiner;

    for (size_t i = 0; i < e->n_askings; i++)
        if (e->askings[i]->exam == exam) disown(e->askings[i]);
}

static opro_model *model_of(const opro__asking *a) {
    return a->stage == JUDGE ? a->examiner->judge : a->examiner->model;
}

/* 1 if it is under way, or heard, for somebody who waits behind it. */
static int is_needed(const opro__asking *a) {
    return a->exam || a->ended || (a->behind && !a->ahead);
}

void opro__askings_clear(opro_examiner *e, size_t keep) {
    size_t before;

    do {
        before = e->n_orphans;
        for (size_t i = e->n_askings; i > 0 && e->n_orphans > keep; i--) {
            opro__asking *a = e->askings[i - 1];

            if (!is_needed(a) && !opro__model_busy(model_of(a))) drop(a);
        }
    } while (e->n_orphans < before && e->n_orphans > keep);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int32_t hear(opro_call *call, int32_t event, size_t index, void *user_data) {
    (void)call, (void)index;
    if (event == OPRO_CALL_DONE) opro__work_call_over(user_data);
    return OPRO_OK;
}

/* Add a message. */
static opro_status say(opro__asking *a, opro_call *call, int32_t role, const char *s, size_t len) {
    a->key = opro__hash_add_text(opro__hash_add(a->key, (uint64_t)role), s, len);
    return opro_call_add_message(call, role, s, len);
}

/* The messages that were written; the last of them, and all that a judge hears, is in words. */
static opro_status say_all(opro__asking *a, opro_call *call, int stage) {
    const opro__messages *m = &a->examiner->messages;
    const opro__buf *words = &a->examiner->words;
    size_t n = stage == FIRST ? m->n : stage == SECOND ? m->n - 1 : 0;
    int32_t role = stage == SECOND ? m->all[n].role : OPRO_ROLE_USER;
    opro_status st = OPRO_OK;

    a->key = (uint64_t)stage;
    for (size_t i = 0; i < n && st == OPRO_OK; i++)
        st = say(a, call, m->all[i].role, m->text.data + m->all[i].from, m->all[i].len);
    if (st == OPRO_OK && stage != FIRST) st = say(a, call, role, opro__buf_text(words), words->len);
    return st;
}

static double temperature_of(const opro__asking *a) {
    return a->stage == JUDGE ? 0 : OPRO__REAL(&a->examiner->options, EXAM_TEMPERATURE);
}

static opro_status make_call(opro__asking *a, opro_call **out) {
    const opro__options *options = &a->examiner->options;
    opro_call *call = NULL;
    opro_status st = opro_call_new(&call, model_of(a));

    if (st == OPRO_OK) st = opro_call_set_temperature(call, temperature_of(a));
    if (st == OPRO_OK)
        st = opro_call_set_max_tokens(call, a->stage == FIRST
                                                ? OPRO__INT(options, EXAM_MAX_TOKENS)
                                                : OPRO__INT(options, EXAM_SECOND_TOKENS));
    if (st == OPRO_OK) st = say_all(a, call, a->stage);
    if (st == OPRO_OK)
        *out = call;
    else
        opro_call_free(call);
    return st;
}

/* Send what was written, in place of the call that is over. */
static opro_status send(opro__asking *a, int stage, opro_error *err) {
    opro_examiner *e = a->examiner;
    opro_call *call = NULL;
    opro_status st;

    a->stage = stage;
    st = make_call(a, &call);
    if (st != OPRO_OK) return opro__err_copy(err, opro_model_error(model_of(a)));
    opro_call_free(a->call);
    a->call = call;
    a->ended = 0;
    if (temperature_of(a) == 0 && opro__model_caches(model_of(a))) {
        if (!opro__map_reserve(&e->keys)) return no_memory(err);
        line_up(a);
        if (a->ahead) return OPRO_OK;
    }
    st = opro_call_submit(a->call, hear, a, NULL);
    return st == OPRO_OK ? st : opro__err_copy(err, opro_model_error(model_of(a)));
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Write the messages. The dataset's callback runs: the exam may be gone then. */
static opro_status write_question(const opro_exam *exam, size_t place, opro_error *err) {
    opro_examiner *e = exam->examiner;
    opro__example example;
    opro_status st = opro__examiner_example(e, exam->sheets[place].example, &example, err);

    if (st != OPRO_OK) return st;
    return opro__form_write(&e->form, exam->instruction, exam->len, example.question,
                            example.question_len, &e->messages, err);
}

opro_status opro__ask(opro_exam *exam, size_t place, opro_error *err) {
    opro__asking *a = NULL;
    opro_status st = write_question(exam, place, err);

    if (exam->freed) return OPRO_OK;
    if (st != OPRO_OK && st != OPRO_ERR_NOMEM) {
        opro__sheet_unknown(exam, place, err->message, err->len);
        return OPRO_OK;
    }
    if (st == OPRO_OK) st = add(exam->examiner, &a, err);
    if (st != OPRO_OK) return st;
    a->exam = exam;
    a->place = place;
    exam->under_way++;
    st = send(a, FIRST, err);
    if (st != OPRO_OK) drop(a);
    return st;
}

/* ---- outcomes -------------------------------------------------------------------------------- */

/* Callbacks of datasets and metrics may free the exam. */
static int is_wanted(const opro__asking *a) {
    return a->exam != NULL;
}

/* What becomes of an asking whose call is over. */
enum { OVER, GOES_ON };

/* It may be asked again. */
static int fail(opro__asking *a, const opro_error *err) {
    if (a->exam) opro__sheet_failed(a->exam, a->place, err->message, err->len);
    return OVER;
}

static int fail_memory(opro__asking *a) {
    opro_error err;

    no_memory(&err);
    return fail(a, &err);
}

static int sent(opro__asking *a, opro_status st, const opro_error *err) {
    return st == OPRO_OK ? GOES_ON : fail(a, err);
}

static int ask_second(opro__asking *a, const char *reply, size_t len) {
    opro_examiner *e = a->examiner;
    const opro__messages *m = &e->messages;
    opro_error err;
    opro_status st = write_question(a->exam, a->place, &err);

    if (!is_wanted(a)) return OVER;
    if (st != OPRO_OK) return fail(a, &err);
    opro__buf_clear(&e->words);
    opro__buf_add(&e->words, m->text.data + m->all[m->n - 1].from, m->all[m->n - 1].len);
    if (opro__second_question(&e->words, reply, len) != OPRO_OK) return fail_memory(a);
    st = send(a, SECOND, &err);
    return sent(a, st, &err);
}

static int ask_judge(opro__asking *a, opro__piece reply) {
    opro_examiner *e = a->examiner;
    opro__example example;
    opro_error err;
    opro_status st;

    st = opro__examiner_example(e, a->exam->sheets[a->place].example, &example, &err);
    if (!is_wanted(a)) return OVER;
    if (st != OPRO_OK) return fail(a, &err);
    opro__buf_clear(&e->words);
    if (opro__judge_write(&e->words, &e->judge_words, &example, reply.s, reply.len) != OPRO_OK)
        return fail_memory(a);
    st = send(a, JUDGE, &err);
    return sent(a, st, &err);
}

/* A judge or a metric has spoken: what was taken for the answer, and the rule. */
static int settle(opro__asking *a, double score, opro__piece extracted, const char *rule) {
    opro_exam *exam = a->exam;

    if (opro__sheet_put(exam, a->place, OPRO__SAID_EXTRACTED, extracted.s, extracted.len) !=
            OPRO_OK ||
        opro__sheet_put(exam, a->place, OPRO__SAID_RULE, rule, strlen(rule)) != OPRO_OK)
        return fail_memory(a);
    opro__sheet_known(exam, a->place, score);
    return OVER;
}

/* There is no verdict, and there will be none. */
static int no_verdict(opro__asking *a, const opro_error *err) {
    opro__sheet_unknown(a->exam, a->place, err->message, err->len);
    return OVER;
}

static int read_judge(opro__asking *a, const char *words, size_t len) {
    int verdict = opro__judge_read(words, len);
    opro_error err;

    if (verdict >= 0) return settle(a, verdict, (opro__piece){"", 0}, "judge");
    opro__fail(&err, OPRO_ERR_FAILED, "the judge says neither yes nor no: %s",
               opro__quote(words, len).text);
    return no_verdict(a, &err);
}

static int measure(opro__asking *a, opro__piece reply) {
    opro_examiner *e = a->examiner;
    const opro_verdict *verdict = NULL;
    opro__example example;
    opro__piece extracted;
    opro_error err;
    opro_status st;

    st = opro__examiner_example(e, a->exam->sheets[a->place].example, &example, &err);
    if (st == OPRO_OK && is_wanted(a)) {
        opro__callback_begin(&e->guard, "the metric's callback");
        st = opro_metric_judge(e->metric, reply.s, reply.len, example.answer, example.answer_len,
                               example.question, example.question_len, &verdict);
        opro__callback_end(&e->guard);
        if (st != OPRO_OK) opro__err_copy(&err, opro_metric_error(e->metric));
    }
    if (!is_wanted(a)) return OVER;
    if (st == OPRO_ERR_NOMEM) return fail(a, &err);
    if (st != OPRO_OK) return no_verdict(a, &err);
    extracted.s = opro_verdict_extracted(verdict, &extracted.len);
    return settle(a, opro_verdict_score(verdict), extracted, opro_verdict_rule(verdict));
}

/* ---- a call is over -------------------------------------------------------------------------- */

static void count(opro_exam *exam, const opro_call *call) {
    for (int i = 0; i < OPRO__EXAM_FIGURES - 1; i++)
        exam->figures[i] = opro__sum(exam->figures[i], opro_call_figure(call, 10 * (i + 1)));
    exam->figures[OPRO__EXAM_FIGURES - 1]++;
}

/* All other questions would fare alike. */
static int dooms_all(int32_t failure) {
    return failure == OPRO_FAILURE_AUTH || failure == OPRO_FAILURE_QUOTA ||
           failure == OPRO_FAILURE_NOT_FOUND;
}

/* The same question would fare alike. */
static int is_hopeless(int32_t failure) {
    return failure == OPRO_FAILURE_NOT_RECORDED || failure == OPRO_FAILURE_CONTEXT ||
           failure == OPRO_FAILURE_PREFIX || failure == OPRO_FAILURE_FILE || dooms_all(failure);
}

static int call_failed(opro__asking *a) {
    const opro_error *err = opro_call_error(a->call);
    int32_t failure = opro_call_failure(a->call);

    a->examiner->cut_off += failure == OPRO_FAILURE_NET;
    if (!is_hopeless(failure)) return fail(a, err);
    opro__sheet_unknown(a->exam, a->place, err->message, err->len);
    if (dooms_all(failure)) opro__line_give_up(a->examiner, err->message, err->len);
    return OVER;
}

static int call_answered(opro__asking *a) {
    opro_examiner *e = a->examiner;
    opro__piece reply;

    e->cut_off = 0;
    reply.s = opro_call_reply(a->call, 0, &reply.len);
    if (opro__sheet_put(a->exam, a->place, a->stage == FIRST ? OPRO__SAID_REPLY : OPRO__SAID_SECOND,
                        reply.s, reply.len) != OPRO_OK)
        return fail_memory(a);
    if (a->stage == JUDGE) return read_judge(a, reply.s, reply.len);
    if (a->stage == FIRST && OPRO__INT(&e->options, EXAM_SECOND_QUESTION))
        return ask_second(a, reply.s, reply.len);
    if (a->stage == SECOND) reply = opro__metric_clean_second(reply);
    return e->judge ? ask_judge(a, reply) : measure(a, reply);
}

/* Who waited behind one that is over. Whoever cannot be sent makes way for the next. */
static void take_turn(opro__asking *a) {
    for (opro__asking *next; a; a = next) {
        opro_exam *exam = a->exam;

        if (exam && opro_call_submit(a->call, hear, a, NULL) == OPRO_OK) return;
        next = a->behind;
        if (exam) fail(a, opro_model_error(model_of(a)));
        drop(a);
        if (exam) opro__exam_move_on(exam);
    }
}

void opro__asking_over(opro__asking *a) {
    opro_exam *exam = a->exam;
    opro__asking *next = a->behind;
    int what = OVER;

    step_out(a);
    take_turn(next);
    if (exam) {
        opro__exam_hold(exam);
        count(exam, a->call);
        if (opro_call_outcome(a->call, 0) == OPRO_OUTCOME_FAILED)
            what = call_failed(a);
        else
            what = call_answered(a);
    }
    if (what == OVER) drop(a);
    if (!exam) return;
    if (!exam->freed) opro__exam_move_on(exam);
    opro__exam_release(exam);
}
