/* SPDX-License-Identifier: MIT */
#include "problem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "opro/config.h"

#define DESCRIPTION_MAX ((size_t)1 << 20)
#define TEXT_MAX        ((size_t)1 << 20)
#define INITIAL_MAX     65536
#define INSTANCES_MAX   ((size_t)1 << 24)

/* ---- lifetime -------------------------------------------------------------------------------- */

opro_status opro_problem_new(opro_problem **out, const opro_allocator *mem) {
    opro__mem own;
    opro_problem *problem;
    opro_status st;

    if (!out) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    problem = opro__calloc(&own, 1, sizeof *problem);
    if (!problem) return OPRO_ERR_NOMEM;
    problem->mem = own;
    atomic_init(&problem->refs.count, 1);
    atomic_init(&problem->frozen, 0);
    problem->space.kind = OPRO__SPACE_TEXT;
    problem->direction = OPRO_MAXIMIZE;
    problem->display = OPRO_DISPLAY_BUCKETS;
    problem->prompt = OPRO_META_PROMPT_CHAT;
    problem->low = 0;
    problem->high = 1;
    problem->train = 1;
    *out = problem;
    return OPRO_OK;
}

static void free_exemplars(opro_problem *problem) {
    for (size_t i = 0; i < problem->n_exemplars; i++) {
        opro__free(&problem->mem, problem->exemplars[i].input.s);
        opro__free(&problem->mem, problem->exemplars[i].target.s);
    }
    opro__free(&problem->mem, problem->exemplars);
    problem->exemplars = NULL;
    problem->n_exemplars = problem->cap_exemplars = 0;
}

void opro_problem_free(opro_problem *problem) {
    opro__mem mem;

    if (!problem || !opro__unref(&problem->refs)) return;
    atomic_store(&problem->frozen, 1); /* nothing can be set while destroy functions run */
    for (int i = 0; i < OPRO__STEPS; i++)
        opro__hook_clear(&problem->steps[i]);
    if (problem->exemplar_fn.fn)
        opro__hook_clear(&problem->exemplar_fn);
    else
        free_exemplars(problem);
    for (size_t i = 0; i < problem->n_initial; i++)
        opro__free(&problem->mem, problem->initial[i].s);
    opro__free(&problem->mem, problem->initial);
    opro__free(&problem->mem, problem->description.s);
    opro__free(&problem->mem, problem->score_name.s);
    opro__space_free(&problem->space, &problem->mem);
    mem = problem->mem;
    opro__free(&mem, problem);
}

opro_problem *opro__problem_share(opro_problem *problem) {
    opro__ref(&problem->refs);
    atomic_store(&problem->frozen, 1);
    return problem;
}

void opro__problem_unshare(opro_problem *problem, int frozen) {
    if (!frozen && atomic_load(&problem->refs.count) == 2) atomic_store(&problem->frozen, 0);
    opro_problem_free(problem);
}

const opro_error *opro_problem_error(const opro_problem *problem) {
    return &problem->err;
}

/* ---- setting up ------------------------------------------------------------------------------ */

/* At the start of every setter. */
static opro_status begin(opro_problem *problem) {
    if (!problem) return OPRO_ERR_INVALID;
    if (atomic_load(&problem->frozen))
        return OPRO_ERR_STATE; /* its error may be read in another thread */
    opro__err_clear(&problem->err);
    return OPRO_OK;
}

opro_status opro__text_set(opro__mem *mem, opro__text *text, const char *s, size_t len, size_t max,
                           const char *what, opro_error *err) {
    char *copy;

    if (!opro__arg(&s, &len)) return opro__fail(err, OPRO_ERR_INVALID, "%s is NULL", what);
    if (len > max)
        return opro__fail(err, OPRO_ERR_LIMIT, "%s has %zu bytes; at most %zu are allowed", what,
                          len, max);
    if (!opro__utf8_valid(s, len))
        return opro__fail(err, OPRO_ERR_INVALID, "%s is not valid UTF-8, or has a NUL byte in it",
                          what);
    copy = opro__memdup(mem, s, len);
    if (!copy) return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
    opro__free(mem, text->s);
    *text = (opro__text){copy, len};
    return OPRO_OK;
}

static const char *get_text(const opro__text *text, size_t *len) {
    if (len) *len = text->len;
    return text->s ? text->s : "";
}

opro_status opro_problem_set_description(opro_problem *problem, const char *text, size_t len) {
    opro_status st = begin(problem);

    if (st != OPRO_OK) return st;
    return opro__text_set(&problem->mem, &problem->description, text, len, DESCRIPTION_MAX,
                          "the description", &problem->err);
}

const char *opro_problem_description(const opro_problem *problem, size_t *len) {
    return get_text(&problem->description, len);
}

opro_status opro_problem_set_direction(opro_problem *problem, int32_t direction) {
    opro_status st = begin(problem);

    if (st != OPRO_OK) return st;
    if (direction != OPRO_MAXIMIZE && direction != OPRO_MINIMIZE)
        return opro__fail(&problem->err, OPRO_ERR_INVALID,
                          "a direction is OPRO_MAXIMIZE or OPRO_MINIMIZE, not %d", (int)direction);
    problem->direction = direction;
    return OPRO_OK;
}

int32_t opro_problem_direction(const opro_problem *problem) {
    return problem->direction;
}

opro_status opro_problem_set_instances(opro_problem *problem, size_t train, size_t validation) {
    opro_status st = begin(problem);

    if (st != OPRO_OK) return st;
    if (train < 1 || train > INSTANCES_MAX || validation > INSTANCES_MAX)
        return opro__fail(
            &problem->err, OPRO_ERR_INVALID,
            "%zu training and %zu validation instances: from 1 and from 0, to %zu each", train,
            validation, INSTANCES_MAX);
    problem->train = train;
    problem->validation = validation;
    return OPRO_OK;
}

size_t opro_problem_instances(const opro_problem *problem, int32_t set) {
    return set == OPRO_TRAIN ? problem->train : set == OPRO_VALIDATION ? problem->validation : 0;
}

opro_status opro_problem_set_score_range(opro_problem *problem, double low, double high) {
    opro_status st = begin(problem);

    if (st != OPRO_OK) return st;
    if (!(isnan(low) && isnan(high)) && !(isfinite(low) && isfinite(high) && low < high))
        return opro__fail(&problem->err, OPRO_ERR_INVALID,
                          "the score range %s to %s: low must be under high, both "
                          "finite, or both NaN for no range",
                          opro__quote_real(low).text, opro__quote_real(high).text);
    problem->low = low;
    problem->high = high;
    return OPRO_OK;
}

opro_status opro_problem_set_score_display(opro_problem *problem, int32_t display,
                                           int32_t decimals) {
    opro_status st = begin(problem);

    if (st != OPRO_OK) return st;
    if (display != OPRO_DISPLAY_BUCKETS && display != OPRO_DISPLAY_DECIMALS &&
        display != OPRO_DISPLAY_NONE)
        return opro__fail(&problem->err, OPRO_ERR_INVALID,
                          "%d is no way to show scores: OPRO_DISPLAY_BUCKETS, "
                          "_DECIMALS or _NONE",
                          (int)display);
    if (decimals < 0 || decimals > 12)
        return opro__fail(&problem->err, OPRO_ERR_INVALID, "%d decimals: from 0 to 12",
                          (int)decimals);
    problem->display = display;
    problem->decimals = decimals;
    return OPRO_OK;
}

opro_status opro_problem_set_score_name(opro_problem *problem, const char *name, size_t len) {
    opro_status st = begin(problem);

    if (st != OPRO_OK) return st;
    if (!opro__arg(&name, &len) || len == 0 || memchr(name, '\n', len) || memchr(name, '\r', len))
        return opro__fail(&problem->err, OPRO_ERR_INVALID,
                          "the name of the score must be one line, not empty");
    return opro__text_set(&problem->mem, &problem->score_name, name, len, 64,
                          "the name of the score", &problem->err);
}

opro_status opro_problem_add_initial(opro_problem *problem, const char *text, size_t len) {
    opro_status st = begin(problem);
    opro__text copy = {NULL, 0};
    void *array;

    if (st != OPRO_OK) return st;
    if (problem->n_initial == INITIAL_MAX)
        return opro__fail(&problem->err, OPRO_ERR_LIMIT, "at most %d initial solutions",
                          INITIAL_MAX);
    st = opro__text_set(&problem->mem, &copy, text, len, TEXT_MAX, "the initial solution",
                        &problem->err);
    if (st != OPRO_OK) return st;
    array = problem->initial;
    if (!opro__reserve(&problem->mem, &array, &problem->cap_initial, problem->n_initial + 1,
                       sizeof copy)) {
        opro__free(&problem->mem, copy.s);
        return opro__fail(&problem->err, OPRO_ERR_NOMEM, "out of memory");
    }
    problem->initial = array;
    problem->initial[problem->n_initial++] = copy;
    return OPRO_OK;
}

size_t opro_problem_initial_count(const opro_problem *problem) {
    return problem->n_initial;
}

opro_status opro_problem_add_exemplar(opro_problem *problem, const char *input, size_t input_len,
                                      const char *target, size_t target_len) {
    opro_status st = begin(problem);
    opro__exemplar exemplar = {{NULL, 0}, {NULL, 0}};
    void *array;

    if (st != OPRO_OK) return st;
    if (problem->exemplar_fn.fn)
        return opro__fail(&problem->err, OPRO_ERR_STATE,
                          "the exemplars come from a callback; remove it first");
    st = opro__text_set(&problem->mem, &exemplar.input, input, input_len, TEXT_MAX,
                        "the input of the exemplar", &problem->err);
    if (st == OPRO_OK)
        st = opro__text_set(&problem->mem, &exemplar.target, target, target_len, TEXT_MAX,
                            "the target of the exemplar", &problem->err);
    if (st != OPRO_OK) goto fail;
    array = problem->exemplars;
    if (!opro__reserve(&problem->mem, &array, &problem->cap_exemplars, problem->n_exemplars + 1,
                       sizeof exemplar)) {
        st = opro__fail(&problem->err, OPRO_ERR_NOMEM, "out of memory");
        goto fail;
    }
    problem->exemplars = array;
    problem->exemplars[problem->n_exemplars++] = exemplar;
    return OPRO_OK;
fail:
    opro__free(&problem->mem, exemplar.input.s);
    opro__free(&problem->mem, exemplar.target.s);
    return st;
}

opro_status opro_problem_set_exemplar_fn(opro_problem *problem, size_t count, opro_exemplar_fn fn,
                                         void *user_data, opro_destroy_fn destroy) {
    opro_status st = begin(problem);

    if (st != OPRO_OK) return st;
    if (!problem->exemplar_fn.fn) free_exemplars(problem);
    opro__hook_set(&problem->exemplar_fn, (opro__fn)fn, user_data, destroy);
    problem->n_exemplars = fn ? count : 0;
    return OPRO_OK;
}

size_t opro_problem_exemplar_count(const opro_problem *problem) {
    return problem->n_exemplars;
}

static opro_status set_step(opro_problem *problem, int step, opro_text_fn fn, void *user_data,
                            opro_destroy_fn destroy) {
    opro_status st = begin(problem);

    if (st == OPRO_OK) opro__hook_set(&problem->steps[step], (opro__fn)fn, user_data, destroy);
    return st;
}

opro_status opro_problem_set_parse_fn(opro_problem *problem, opro_text_fn fn, void *user_data,
                                      opro_destroy_fn destroy) {
    return set_step(problem, OPRO__STEP_PARSE, fn, user_data, destroy);
}

opro_status opro_problem_set_canonical_fn(opro_problem *problem, opro_text_fn fn, void *user_data,
                                          opro_destroy_fn destroy) {
    return set_step(problem, OPRO__STEP_CANONICAL, fn, user_data, destroy);
}

opro_status opro_problem_set_check_fn(opro_problem *problem, opro_text_fn fn, void *user_data,
                                      opro_destroy_fn destroy) {
    return set_step(problem, OPRO__STEP_CHECK, fn, user_data, destroy);
}

opro_status opro_problem_set_repair_fn(opro_problem *problem, opro_text_fn fn, void *user_data,
                                       opro_destroy_fn destroy) {
    return set_step(problem, OPRO__STEP_REPAIR, fn, user_data, destroy);
}

opro_status opro_problem_set_polish_fn(opro_problem *problem, opro_text_fn fn, void *user_data,
                                       opro_destroy_fn destroy) {
    return set_step(problem, OPRO__STEP_POLISH, fn, user_data, destroy);
}

opro_status opro_problem_set_render_fn(opro_problem *problem, opro_text_fn fn, void *user_data,
                                       opro_destroy_fn destroy) {
    return set_step(problem, OPRO__STEP_RENDER, fn, user_data, destroy);
}

/* ---- digest ---------------------------------------------------------------------------------- */

static uint64_t add_text(uint64_t digest, const opro__text *text) {
    return opro__hash_add_text(digest, text->s ? text->s : "", text->len);
}

static uint64_t add_space(uint64_t digest, const opro__space *space) {
    char name[32];

    digest = opro__hash_add(digest, (uint64_t)space->kind);
    digest = opro__hash_add(digest, space->n);
    digest = opro__hash_add(digest, (uint64_t)space->integer);
    digest = opro__hash_add(digest, (uint64_t)space->symmetry);
    for (size_t i = 0; space->kind == OPRO__SPACE_VECTOR && i < space->n; i++) {
        const char *s = opro__space_name(space, i, name);

        digest = opro__hash_add_text(digest, s, strlen(s));
        digest = opro__hash_add_real(digest, space->lower[i]);
        digest = opro__hash_add_real(digest, space->upper[i]);
    }
    return digest;
}

uint64_t opro_problem_digest(const opro_problem *problem) {
    const int64_t numbers[] = {problem->direction,          problem->display,
                               problem->decimals,           problem->prompt,
                               (int64_t)problem->train,     (int64_t)problem->validation,
                               (int64_t)problem->n_initial, (int64_t)problem->n_exemplars};
    uint64_t digest = add_space(0, &problem->space);

    digest = add_text(digest, &problem->description);
    digest = add_text(digest, &problem->score_name);
    digest = opro__hash_add_real(digest, problem->low);
    digest = opro__hash_add_real(digest, problem->high);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        digest = opro__hash_add(digest, (uint64_t)numbers[i]);
    for (size_t i = 0; i < problem->n_initial; i++)
        digest = add_text(digest, &problem->initial[i]);
    for (size_t i = 0; !problem->exemplar_fn.fn && i < problem->n_exemplars; i++) {
        digest = add_text(digest, &problem->exemplars[i].input);
        digest = add_text(digest, &problem->exemplars[i].target);
    }
    if (problem->sampled) digest = opro__hash_add(digest, (uint64_t)problem->sampled);
    if (problem->data) digest = opro__hash_add(digest, problem->data);
    return digest;
}

/* ---- for the other modules ------------------------------------------------------------------- */

int opro__better(int32_t direction, double a, double b) {
    return direction == OPRO_MAXIMIZE ? a > b : a < b;
}

int opro__problem_has(const opro_problem *problem, int step) {
    return problem->steps[step].fn != NULL;
}

/* What each step may deliver, and how it is called in messages. */
static const struct {
    const char *name;
    unsigned allows;
} step_rules[OPRO__STEPS] = {
    [OPRO__STEP_PARSE] = {"the problem's parse callback", OPRO__SINK_TEXTS},
    [OPRO__STEP_CANONICAL] = {"the problem's canonical callback",
                              OPRO__SINK_TEXT | OPRO__SINK_REJECT},
    [OPRO__STEP_CHECK] = {"the problem's check callback", OPRO__SINK_COUNT | OPRO__SINK_REJECT},
    [OPRO__STEP_REPAIR] = {"the problem's repair callback", OPRO__SINK_TEXT | OPRO__SINK_REJECT},
    [OPRO__STEP_POLISH] = {"the problem's polish callback", OPRO__SINK_TEXT},
    [OPRO__STEP_RENDER] = {"the problem's render callback", OPRO__SINK_TEXT},
};

const char *opro__problem_step_name(int step) {
    return step_rules[step].name;
}

opro_status opro__problem_step(const opro_problem *problem, int step, const char *text, size_t len,
                               opro_sink *sink, opro__buf *buf, int *rejected, opro_error *err) {
    const opro__hook *hook = &problem->steps[step];
    unsigned want = step_rules[step].allows;
    opro_status st;
    int32_t returned;

    assert(hook->fn);
    opro__sink_init(sink, want, buf);
    returned = ((opro_text_fn)hook->fn)(problem, text, len, sink, hook->user_data);
    st = opro__sink_close(sink, returned, step == OPRO__STEP_PARSE ? 0 : want);
    if (st != OPRO_OK)
        return opro__fail(err, st, "%s %s %s", step_rules[step].name,
                          st == OPRO_ERR_CALLBACK ? "broke its contract on" : "failed on",
                          opro__quote(text, len).text);
    *rejected = (sink->got & OPRO__SINK_REJECT) != 0;
    return OPRO_OK;
}

opro_status opro__problem_exemplar(const opro_problem *problem, size_t index, opro__buf *buf,
                                   size_t *input_len, opro_error *err) {
    const opro__hook *hook = &problem->exemplar_fn;
    opro__buf texts;
    opro_sink sink;
    opro_status st;
    int32_t returned;

    if (!hook->fn) {
        const opro__exemplar *e = &problem->exemplars[index];

        opro__buf_add(buf, e->input.s, e->input.len);
        opro__buf_add(buf, e->target.s, e->target.len);
        *input_len = e->input.len;
        return buf->status;
    }
    opro__buf_init(&texts, buf->mem, buf->max);
    opro__sink_init(&sink, OPRO__SINK_TEXTS, &texts);
    returned = ((opro_exemplar_fn)hook->fn)(problem, index, &sink, hook->user_data);
    st = opro__sink_close(&sink, returned, OPRO__SINK_TEXTS);
    if (st == OPRO_OK && sink.n != 2) st = OPRO_ERR_CALLBACK;
    if (st == OPRO_OK) {
        *input_len = sink.ends[0];
        opro__buf_add(buf, texts.data, texts.len);
        st = buf->status;
    } else {
        opro__fail(
            err, st,
            "the exemplar callback %s for exemplar %zu: it must deliver its input and its target",
            st == OPRO_ERR_CALLBACK ? "broke its contract" : "failed", index);
    }
    opro__sink_free(&sink);
    opro__buf_free(&texts);
    return st;
}
