/* SPDX-License-Identifier: MIT */
/* The handle of a dataset: what it holds, and where it comes from if it is not kept. */
#include "dataset.h"

#include <string.h>

#include "base/hash.h"
#include "base/num.h"
#include "core/sink.h"
#include "opro/problem.h"

/* ---- lifetime -------------------------------------------------------------------------------- */

static const char *const default_columns[OPRO__COLUMNS] = {"question", "answer", "options"};

/* Copies of all three, or none. */
static int copy_columns(opro__mem *mem, const char *const from[OPRO__COLUMNS],
                        char *to[OPRO__COLUMNS]) {
    for (int i = 0; i < OPRO__COLUMNS; i++) {
        to[i] = from[i] ? opro__memdup(mem, from[i], strlen(from[i])) : NULL;
        if (to[i] || !from[i]) continue;
        while (i-- > 0)
            opro__free(mem, to[i]);
        return 0;
    }
    return 1;
}

opro_status opro_dataset_new(opro_dataset **out, const opro_allocator *mem) {
    opro__mem own;
    opro_dataset *dataset;
    opro_status st;

    if (!out) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    dataset = opro__calloc(&own, 1, sizeof *dataset);
    if (!dataset) return OPRO_ERR_NOMEM;
    dataset->mem = own;
    if (!copy_columns(&dataset->mem, default_columns, dataset->columns)) {
        opro__free(&own, dataset);
        return OPRO_ERR_NOMEM;
    }
    atomic_init(&dataset->refs.count, 1);
    opro__buf_init(&dataset->asked, &dataset->mem, OPRO__EXAMPLE_MAX);
    *out = dataset;
    return OPRO_OK;
}

void opro_dataset_free(opro_dataset *dataset) {
    if (dataset && opro__may_free(&dataset->guard, OPRO__CALL_opro_dataset_free))
        opro__dataset_release(dataset);
}

void opro__dataset_release(opro_dataset *dataset) {
    const opro__store nothing = {NULL, NULL, 0};
    opro__mem mem;

    if (!opro__unref(&dataset->refs)) return;
    opro__guard_close(&dataset->guard);
    opro__hook_clear(&dataset->fn);
    opro__store_back(&dataset->store, &dataset->mem, &nothing);
    opro__free(&dataset->mem, dataset->examples);
    opro__free(&dataset->mem, dataset->order);
    opro__buf_free(&dataset->asked);
    for (int i = 0; i < OPRO__COLUMNS; i++)
        opro__free(&dataset->mem, dataset->columns[i]);
    mem = dataset->mem;
    opro__free(&mem, dataset);
}

opro_dataset *opro__dataset_share(opro_dataset *dataset) {
    opro__ref(&dataset->refs);
    return dataset;
}

const opro_error *opro_dataset_error(const opro_dataset *dataset) {
    return &dataset->err;
}

opro_status opro__dataset_begin(opro_dataset *dataset, int call) {
    if (!dataset) return OPRO_ERR_INVALID;
    if (!dataset->guard.depth && atomic_load(&dataset->refs.count) > 1)
        return OPRO_ERR_STATE; /* its error may be read in another thread */
    return opro__enter(&dataset->guard, &dataset->err, call);
}

opro_status opro__dataset_begin_append(opro_dataset *dataset, int call) {
    opro_status st = opro__dataset_begin(dataset, call);

    if (st != OPRO_OK) return st;
    if (dataset->fn.fn)
        return opro__fail(&dataset->err, OPRO_ERR_STATE, "the examples come from a callback");
    if (opro__is_split(dataset))
        return opro__fail(&dataset->err, OPRO_ERR_STATE,
                          "the dataset is split already; append first, split then");
    return OPRO_OK;
}

/* ---- setting up ------------------------------------------------------------------------------ */

opro_status opro_dataset_set_columns(opro_dataset *dataset, const char *question,
                                     const char *answer, const char *options) {
    const char *const names[OPRO__COLUMNS] = {question, answer, options};
    opro_status st = opro__dataset_begin(dataset, OPRO__CALL_opro_dataset_set_columns);
    char *copies[OPRO__COLUMNS];
    size_t place[OPRO__COLUMNS], last;

    if (st != OPRO_OK) return st;
    if (!question || !answer)
        return opro__fail(&dataset->err, OPRO_ERR_INVALID, "question or answer is NULL");
    if (strcmp(question, answer) == 0 ||
        (options && (strcmp(options, question) == 0 || strcmp(options, answer) == 0)))
        return opro__fail(&dataset->err, OPRO_ERR_INVALID,
                          "question, answer and options are of different columns");
    if (opro__columns_by_place(names, place, &last) < 0)
        return opro__fail(&dataset->err, OPRO_ERR_INVALID,
                          "columns are all given by their names or all by their places, such as "
                          "\"1\", and \"2-5\" for options");
    if (!copy_columns(&dataset->mem, names, copies))
        return opro__fail(&dataset->err, OPRO_ERR_NOMEM, "out of memory");
    for (int i = 0; i < OPRO__COLUMNS; i++) {
        opro__free(&dataset->mem, dataset->columns[i]);
        dataset->columns[i] = copies[i];
    }
    dataset->columns_set = 1;
    return OPRO_OK;
}

opro_status opro_dataset_set_skip_bad(opro_dataset *dataset, int32_t skip) {
    opro_status st = opro__dataset_begin(dataset, OPRO__CALL_opro_dataset_set_skip_bad);

    if (st != OPRO_OK) return st;
    if (skip != 0 && skip != 1)
        return opro__fail(&dataset->err, OPRO_ERR_INVALID, "skip_bad is 0 or 1, not %d", (int)skip);
    dataset->skip_bad = skip;
    return OPRO_OK;
}

int64_t opro_dataset_skipped(const opro_dataset *dataset) {
    return dataset->skipped;
}

opro_status opro__dataset_append(opro_dataset *dataset, opro__buf *buf, const opro__example *came,
                                 opro_error *err) {
    void *examples = dataset->examples;
    opro__example written;
    opro__stored *stored;
    opro_status st = opro__example_write(buf, came, &written, err);

    if (st != OPRO_OK) return st;
    if (dataset->n == OPRO__EXAMPLES_MAX)
        return opro__fail(err, OPRO_ERR_LIMIT, "at most %zu examples", OPRO__EXAMPLES_MAX);
    st = OPRO_ERR_NOMEM;
    if (!opro__reserve(&dataset->mem, &examples, &dataset->cap, dataset->n + 1,
                       sizeof *dataset->examples))
        goto out;
    dataset->examples = examples;
    if (!opro__split_reserve(dataset, dataset->n + 1)) goto out;
    stored = opro__store_add(&dataset->store, &dataset->mem, buf, &written);
    if (!stored) goto out;
    dataset->examples[dataset->n++] = stored;
    opro__split_reset(dataset, dataset->n - 1);
    st = OPRO_OK;
out:
    return st == OPRO_OK ? st : opro__fail(err, st, "out of memory");
}

opro_status opro_dataset_add(opro_dataset *dataset, const char *question, size_t question_len,
                             const char *answer, size_t answer_len, const char *options,
                             size_t options_len) {
    opro_status st = opro__dataset_begin_append(dataset, OPRO__CALL_opro_dataset_add);
    opro__example came;

    if (st != OPRO_OK) return st;
    if (!opro__arg(&question, &question_len) || !opro__arg(&answer, &answer_len) ||
        !opro__arg(&options, &options_len))
        return opro__fail(&dataset->err, OPRO_ERR_INVALID, "question, answer or options is NULL");
    came = (opro__example){question, answer, options, question_len, answer_len, options_len};
    return opro__dataset_append(dataset, &dataset->asked, &came, &dataset->err);
}

opro_status opro_dataset_set_fn(opro_dataset *dataset, size_t count, opro_example_fn fn,
                                void *user_data, opro_destroy_fn destroy) {
    opro_status st = opro__dataset_begin(dataset, OPRO__CALL_opro_dataset_set_fn);

    if (st != OPRO_OK) return st;
    if ((!fn && count) || count > OPRO__EXAMPLES_MAX)
        return opro__fail(&dataset->err, OPRO_ERR_INVALID,
                          "%zu examples: 0 without a callback, else at most %zu", count,
                          OPRO__EXAMPLES_MAX);
    if (dataset->n && !dataset->fn.fn)
        return opro__fail(&dataset->err, OPRO_ERR_STATE, "the dataset has examples already");
    if (!opro__split_reserve(dataset, count))
        return opro__fail(&dataset->err, OPRO_ERR_NOMEM, "out of memory");
    dataset->n = count;
    dataset->asked_any = 0;
    opro__split_reset(dataset, 0);
    return opro__guard_set(&dataset->guard, &dataset->err, &dataset->fn, (opro__fn)fn, user_data,
                           destroy);
}

/* ---- the examples ---------------------------------------------------------------------------- */

static opro_status call_fn(const opro_dataset *dataset, size_t index, opro_sink *sink,
                           opro_error *err) {
    opro_example_fn fn = (opro_example_fn)dataset->fn.fn;
    opro_status st =
        opro__sink_close(sink, fn(dataset, index, sink, dataset->fn.user_data), OPRO__SINK_TEXTS);

    if (st == OPRO_OK && sink->n != 2 && sink->n != 3) st = OPRO_ERR_CALLBACK;
    if (st == OPRO_OK) return OPRO_OK;
    return opro__fail(err, st, "the callback %s example %zu",
                      st == OPRO_ERR_CALLBACK ? "broke its contract on" : "failed on", index);
}

/* What the callback delivers, written to buf. */
static opro_status from_fn(const opro_dataset *dataset, size_t index, opro__buf *buf,
                           opro__example *out, opro_error *err) {
    opro__example came = {.options = ""};
    opro__buf texts;
    opro_sink sink;
    opro_error fault;
    opro_status st;

    opro__buf_init(&texts, buf->mem, 3 * OPRO__RECORD_MAX);
    opro__sink_init(&sink, OPRO__SINK_TEXTS, &texts);
    st = call_fn(dataset, index, &sink, err);
    if (st != OPRO_OK) goto out;
    came.question = opro__sink_get(&sink, 0, &came.question_len);
    came.answer = opro__sink_get(&sink, 1, &came.answer_len);
    if (sink.n == 3) came.options = opro__sink_get(&sink, 2, &came.options_len);
    st = opro__example_write(buf, &came, out, &fault);
    if (st == OPRO_ERR_INVALID) st = OPRO_ERR_CALLBACK;
    if (st != OPRO_OK)
        opro__fail(err, st, "example %zu of the callback: %s", index,
                   opro_error_message(&fault, NULL));
out:
    opro__sink_free(&sink);
    opro__buf_free(&texts);
    return st;
}

static opro__example from_memory(const opro_dataset *dataset, size_t index) {
    const opro__stored *stored = dataset->examples[index];

    return (opro__example){.question = stored->texts,
                           .answer = stored->texts + stored->question + 1,
                           .options = stored->texts + stored->question + stored->answer + 2,
                           .question_len = stored->question,
                           .answer_len = stored->answer,
                           .options_len = stored->options};
}

opro_status opro__dataset_example(const opro_dataset *dataset, size_t index, opro__buf *buf,
                                  opro__example *out, opro_error *err) {
    if (dataset->fn.fn) return from_fn(dataset, index, buf, out, err);
    *out = from_memory(dataset, index);
    return OPRO_OK;
}

/* Ask the callback, unless it was asked for this example last. */
static opro_status ask(opro_dataset *dataset, size_t index, int call, opro__example *out) {
    opro_status st = opro__enter(&dataset->guard, &dataset->err, call);

    if (st != OPRO_OK) return st;
    if (!dataset->asked_any || dataset->asked_index != index) {
        dataset->asked_any = 0;
        opro__callback_begin(&dataset->guard, "the callback");
        st = from_fn(dataset, index, &dataset->asked, &dataset->asked_example, &dataset->err);
        opro__callback_end(&dataset->guard);
        dataset->asked_any = st == OPRO_OK;
        dataset->asked_index = index;
    }
    *out = dataset->asked_example;
    return opro__leave(&dataset->guard, &dataset->err, st);
}

/* 1 if there is an example at index, and it could be had. */
static int example(opro_dataset *dataset, size_t index, int call, opro__example *out) {
    if (!dataset || index >= dataset->n) return 0;
    if (dataset->fn.fn) return ask(dataset, index, call, out) == OPRO_OK;
    *out = from_memory(dataset, index);
    return 1;
}

static const char *text(const char *s, size_t n, size_t *len) {
    if (len) *len = n;
    return s;
}

size_t opro_dataset_count(const opro_dataset *dataset) {
    return dataset ? dataset->n : 0;
}

const char *opro_dataset_question(opro_dataset *dataset, size_t index, size_t *len) {
    opro__example e;

    if (!example(dataset, index, OPRO__CALL_opro_dataset_question, &e)) return text(NULL, 0, len);
    return text(e.question, e.question_len, len);
}

const char *opro_dataset_answer(opro_dataset *dataset, size_t index, size_t *len) {
    opro__example e;

    if (!example(dataset, index, OPRO__CALL_opro_dataset_answer, &e)) return text(NULL, 0, len);
    return text(e.answer, e.answer_len, len);
}

const char *opro_dataset_options(opro_dataset *dataset, size_t index, size_t *len) {
    opro__example e;

    if (!example(dataset, index, OPRO__CALL_opro_dataset_options, &e)) return text(NULL, 0, len);
    return text(e.options, e.options_len, len);
}

/* ---- about all of them ----------------------------------------------------------------------- */

/* One of six words, in any case. */
static int is_bool(const char *s, size_t len) {
    static const char *const words[] = {"yes", "no", "true", "false", "valid", "invalid"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = 0;

        while (n < len && words[i][n] && (s[n] | 32) == words[i][n])
            n++;
        if (n == len && !words[i][n]) return 1;
    }
    return 0;
}

/* Digits with commas between thousands: as they are without them. 0: not so. */
static size_t without_commas(const char *s, size_t len, char out[64]) {
    size_t n = 0, since = 0, commas = 0, i = 0;

    for (; i < len && s[i] != '.' && n < 63; i++) {
        if (s[i] == ',') {
            if (!since || since > 3 || (commas && since != 3)) return 0;
            commas++;
            since = 0;
            continue;
        }
        since += s[i] >= '0' && s[i] <= '9';
        out[n++] = s[i];
    }
    if (commas && since != 3) return 0;
    for (; i < len && n < 63; i++)
        out[n++] = s[i];
    return i == len ? n : 0;
}

static int is_number(const char *s, size_t len) {
    char digits[64];
    double value;

    len = without_commas(s, len, digits);
    return len && opro__num_parse(digits, len, &value) == len;
}

/* "(B)", or "B" where the question has "B)". */
static int is_choice(const opro__example *e, const char *s, size_t len) {
    const char bare[] = {s[len == 3], ')', '\0'};

    if (bare[0] < 'A' || bare[0] > 'Z') return 0;
    if (len == 3) return s[0] == '(' && s[2] == ')';
    return len == 1 && strstr(e->question, bare) != NULL;
}

static int32_t task_of(const opro__example *e) {
    const char *s = e->answer;
    size_t len = e->answer_len;

    while (opro__is_blank(s, 1))
        s++, len--;
    while (opro__is_blank(s + len - 1, 1))
        len--;
    if (is_bool(s, len)) return OPRO_TASK_BOOL;
    if (is_number(s, len)) return OPRO_TASK_NUMBER;
    return is_choice(e, s, len) ? OPRO_TASK_CHOICE : OPRO_TASK_TEXT;
}

int32_t opro_dataset_task(opro_dataset *dataset) {
    size_t fit[OPRO_TASK_CHOICE + 1] = {0};
    opro__example e;

    if (!dataset) return 0;
    for (size_t i = 0; i < dataset->n; i++) {
        if (!example(dataset, i, OPRO__CALL_opro_dataset_task, &e)) return 0;
        fit[task_of(&e)]++;
    }
    for (int32_t task = OPRO_TASK_NUMBER; task <= OPRO_TASK_CHOICE; task += 10)
        if (fit[task] && fit[task] * 100 >= dataset->n * 98) return task;
    return OPRO_TASK_TEXT;
}

uint64_t opro_dataset_digest(opro_dataset *dataset) {
    uint64_t digest = opro__hash_add(0, dataset ? dataset->n : 0);
    opro__example e;

    if (!dataset) return 0;
    for (size_t i = 0; i < dataset->n; i++) {
        if (!example(dataset, i, OPRO__CALL_opro_dataset_digest, &e)) return 0;
        digest = opro__hash_add_text(digest, e.question, e.question_len);
        digest = opro__hash_add_text(digest, e.answer, e.answer_len);
        digest = opro__hash_add_text(digest, e.options, e.options_len);
    }
    for (size_t set = 0; set < 3; set++)
        digest = opro__hash_add(digest, dataset->in_set[set]);
    for (size_t i = 0; i < dataset->n; i++)
        digest = opro__hash_add(digest, (uint64_t)dataset->order[i]);
    return digest;
}
