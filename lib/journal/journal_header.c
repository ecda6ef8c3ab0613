/* SPDX-License-Identifier: MIT */
#include "journal_header.h"

#include <string.h>

#include "base/hash.h"
#include "base/json_cursor.h"
#include "base/num.h"
#include "journal_words.h"

#define FORMAT_MAJOR "1."
#define FORMAT       "1.0"

/* Hears every setting: which group it is in, its name, its value as JSON. */
typedef struct visitor {
    void (*fn)(struct visitor *visitor, const char *group, const char *name, const opro__buf *value,
               int limits);
    opro__buf *out;
    opro__buf value;
    const char *group; /* the last one */
    /* for comparing */
    const char *s;
    size_t len;
    size_t differing;
} visitor;

/* ---- settings -------------------------------------------------------------------------------- */

/* Options that only say how far a run may go. */
static int only_limits(int32_t id) {
    switch (id) {
    case OPRO_OPT_STEPS:
    case OPRO_OPT_TARGET_SCORE:
    case OPRO_OPT_PATIENCE:
    case OPRO_OPT_MAX_FAILURES:
    case OPRO_OPT_MAX_IN_FLIGHT:
    case OPRO_OPT_MEMORY_LIMIT:
    case OPRO_OPT_MAX_PROPOSALS:
    case OPRO_OPT_MAX_SCORER_CALLS:
    case OPRO_OPT_MAX_TOKENS:
    case OPRO_OPT_MAX_COST:
    case OPRO_OPT_MAX_TIME_MS:
    case OPRO_OPT_REQUEST_TIMEOUT_MS: return 1;
    default: return 0;
    }
}

/* That there was no memory for an earlier one stays known. */
static void begin_value(visitor *v) {
    opro__buf_cut(&v->value, 0);
}

static void quote(opro__buf *out, const char *s) {
    opro__buf_add_json(out, s, strlen(s));
}

/* JSON has no NaN, and no infinity. */
static void add_real(opro__buf *out, double value) {
    if (value - value == 0)
        opro__buf_add_real(out, value);
    else
        quote(out, "none");
}

static void add_option(opro__buf *out, int32_t id, opro__value value) {
    const char *name;
    int64_t number;

    if (opro_option_type(id) == OPRO_TYPE_REAL) {
        add_real(out, value.r);
    } else if (opro_option_type(id) == OPRO_TYPE_INT) {
        opro__buf_add_int(out, value.i);
    } else {
        for (size_t i = 0; (name = opro_option_choice(id, i, &number)) != NULL; i++)
            if (number == value.i) quote(out, name);
    }
}

static void visit_options(visitor *v, const opro_run *run) {
    for (size_t i = 0; i < OPRO__OPTIONS; i++) {
        int32_t id = opro_option_at(i);

        if (!opro__option_decides(id)) continue;
        begin_value(v);
        add_option(&v->value, id, run->options.values[i]);
        v->fn(v, "options", opro_option_name(id), &v->value, only_limits(id));
    }
}

static void visit_text(visitor *v, const char *name, const char *value) {
    begin_value(v);
    quote(&v->value, value);
    v->fn(v, "problem", name, &v->value, 0);
}

static void visit_int(visitor *v, const char *name, int64_t value) {
    begin_value(v);
    opro__buf_add_int(&v->value, value);
    v->fn(v, "problem", name, &v->value, 0);
}

static void visit_real(visitor *v, const char *name, double value) {
    begin_value(v);
    add_real(&v->value, value);
    v->fn(v, "problem", name, &v->value, 0);
}

static void visit_digest(visitor *v, const char *name, uint64_t digest) {
    char text[17];

    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[digest >> (60 - 4 * i) & 15];
    text[16] = '\0';
    visit_text(v, name, text);
}

static uint64_t digest_text(uint64_t digest, const opro__text *text) {
    return opro__hash_add_text(digest, text->s ? text->s : "", text->len);
}

static uint64_t initial_digest(const opro_problem *problem) {
    uint64_t digest = problem->n_initial;

    for (size_t i = 0; i < problem->n_initial; i++)
        digest = digest_text(digest, &problem->initial[i]);
    return digest;
}

static uint64_t exemplars_digest(const opro_problem *problem) {
    uint64_t digest = problem->n_exemplars;

    for (size_t i = 0; !problem->exemplar_fn.fn && i < problem->n_exemplars; i++) {
        digest = digest_text(digest, &problem->exemplars[i].input);
        digest = digest_text(digest, &problem->exemplars[i].target);
    }
    return digest;
}

static uint64_t templates_digest(const opro_meta_prompt *meta_prompt) {
    uint64_t digest = 0;

    for (int32_t block = OPRO_BLOCK_LAYOUT; block <= OPRO_BLOCK_PREFIX; block += 10) {
        size_t len;
        const char *s = opro_meta_prompt_template(meta_prompt, block, &len);

        digest = opro__hash_add_text(digest, s, len);
    }
    return digest;
}

static void visit_problem(visitor *v, const opro_run *run) {
    static const char *const kinds[] = {"text", "vector", "permutation"};
    const opro_problem *problem = run->problem;

    visit_text(v, "kind", kinds[problem->space.kind / 10 - 1]);
    visit_text(v, "direction", problem->direction == OPRO_MAXIMIZE ? "maximize" : "minimize");
    visit_real(v, "low", problem->low);
    visit_real(v, "high", problem->high);
    visit_int(v, "instances", (int64_t)problem->train);
    visit_int(v, "validation_instances", (int64_t)problem->validation);
    visit_digest(v, "description", digest_text(0, &problem->description));
    visit_digest(v, "initial_solutions", initial_digest(problem));
    visit_digest(v, "exemplars", exemplars_digest(problem));
    visit_digest(v, "data", problem->data);
    visit_digest(v, "whole", opro_problem_digest(problem));
    visit_digest(v, "meta_prompt", templates_digest(run->meta_prompt));
    visit_digest(v, "warm_start",
                 run->trajectory.count ? opro_trajectory_hash(&run->trajectory) : 0);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_setting(visitor *v, const char *group, const char *name, const opro__buf *value,
                          int limits) {
    (void)limits;
    if (!v->group || strcmp(v->group, group) != 0) {
        if (v->group) opro__buf_addc(v->out, '}');
        opro__add_key(v->out, group);
        opro__buf_addc(v->out, '{');
        quote(v->out, name);
        opro__buf_addc(v->out, ':');
        v->group = group;
    } else {
        opro__add_key(v->out, name);
    }
    opro__buf_add(v->out, value->data, value->len);
}

opro_status opro__header_write(opro__buf *out, opro_run *run) {
    visitor v = {.fn = write_setting, .out = out};
    opro_status st;

    opro__buf_init(&v.value, &run->mem, 4096);
    opro__buf_addz(out, "{\"t\":\"journal\",\"format\":\"" FORMAT "\",\"library\":");
    quote(out, opro_version_string());
    opro__buf_addz(out, ",\"compat\":[],\"incompat\":[]");
    visit_options(&v, run);
    visit_problem(&v, run);
    opro__buf_addz(out, "}}");
    st = v.value.status == OPRO_OK ? out->status : v.value.status;
    opro__buf_free(&v.value);
    return st;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Skipping changes nothing. */
static opro__cursor cursor_at(const char *s, size_t len) {
    opro__cursor cursor = {.len = len};

    cursor.s = (char *)(uintptr_t)s;
    return cursor;
}

/* The value of the member with this name, or the i-th with its name if name is NULL; 0: none. */
static int find_member(const char *s, size_t len, const char *name, size_t i, const char **key,
                       size_t *key_len, const char **value, size_t *value_len) {
    opro__cursor at = cursor_at(s, len);

    if (!opro__cursor_take(&at, '{', "{")) return 0;
    while (opro__cursor_skip(&at, key, key_len)) { /* it is JSON: else there is no record */
        opro__cursor_take(&at, ':', ":");
        opro__cursor_skip(&at, value, value_len);
        ++*key; /* without its quotes */
        *key_len -= 2;
        if (name ? strlen(name) == *key_len && memcmp(name, *key, *key_len) == 0 : i-- == 0)
            return 1;
        opro__cursor_take(&at, ',', ","); /* else there is nothing more to skip */
    }
    return 0;
}

static int member(const char *s, size_t len, const char *name, const char **value,
                  size_t *value_len) {
    const char *key, *found;
    size_t key_len, found_len;

    if (!find_member(s, len, name, 0, &key, &key_len, &found, &found_len)) return 0;
    *value = found;
    *value_len = found_len;
    return 1;
}

static int is_empty(const char *s, size_t len, const char *name) {
    const char *value;
    size_t n;

    return member(s, len, name, &value, &n) && n == 2;
}

opro_status opro__header_check(const char *s, size_t len, int writes, opro_error *err) {
    static const char want[] = "\"" FORMAT_MAJOR;
    const char *value = "";
    size_t n = 0;

    if (!member(s, len, "t", &value, &n) || n != 9 || memcmp(value, "\"journal\"", 9) != 0)
        return opro__fail(err, OPRO_ERR_PARSE,
                          "this is not the journal of a run: it begins with %s",
                          opro__quote(s, len).text);
    if (!member(s, len, "format", &value, &n) || n < sizeof want ||
        memcmp(value, want, sizeof want - 1) != 0)
        return opro__fail(err, OPRO_ERR_PARSE,
                          "the journal has format %s; this library (%s) reads " FORMAT_MAJOR "x",
                          opro__quote(value, n).text, opro_version_string());
    if (!is_empty(s, len, "incompat") || (writes && !is_empty(s, len, "compat")))
        return opro__fail(err, OPRO_ERR_PARSE,
                          "the journal uses features that this library (%s) does not know",
                          opro_version_string());
    return OPRO_OK;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static void say_differs(visitor *v, const char *group, const char *name, size_t name_len,
                        const char *there, size_t there_len, const char *here) {
    v->differing++;
    opro__buf_addz(v->out, v->differing > 1 ? "; " : "");
    if (strcmp(group, "problem") == 0) opro__buf_addz(v->out, "the problem's ");
    opro__buf_add(v->out, name, name_len);
    opro__buf_addz(v->out, " ");
    opro__buf_add(v->out, there, there_len);
    opro__buf_addz(v->out, " (here ");
    opro__buf_addz(v->out, here);
    opro__buf_addz(v->out, ")");
}

/* An option that came after the journal was written has to have its default. */
static int is_default(const char *name, const opro__buf *value) {
    int32_t id = opro_option_find(name, OPRO_ZT);
    double d = opro_option_default(id), here;
    const char *choice;
    int64_t number;

    if (!id) return 0;
    for (size_t i = 0; (choice = opro_option_choice(id, i, &number)) != NULL; i++)
        if ((double)number == d)
            return strlen(choice) == value->len - 2 &&
                   memcmp(choice, value->data + 1, value->len - 2) == 0;
    if (!opro__num_parse(value->data, value->len, &here)) return d != d;
    return here == d;
}

static void compare_setting(visitor *v, const char *group, const char *name, const opro__buf *value,
                            int limits) {
    const char *members, *there;
    size_t n, len;

    if (limits || value->status != OPRO_OK) return;
    /* the parts have told already, and better */
    if (v->differing && strcmp(name, "whole") == 0) return;
    if (!member(v->s, v->len, group, &members, &n) || !member(members, n, name, &there, &len)) {
        if (!is_default(name, value))
            say_differs(v, group, name, strlen(name), "not set", 7, opro__buf_text(value));
    } else if (len != value->len || memcmp(there, value->data, len) != 0) {
        say_differs(v, group, name, strlen(name), there, len, opro__buf_text(value));
    }
}

/* Options of a later version. */
static void compare_unknown(visitor *v) {
    const char *members, *key, *value;
    size_t n, key_len, len;

    if (!member(v->s, v->len, "options", &members, &n)) return;
    for (size_t i = 0; find_member(members, n, NULL, i, &key, &key_len, &value, &len); i++)
        if (!opro_option_find(key, key_len))
            say_differs(v, "options", key, key_len, value, len, "unknown");
}

/* Byte for byte, as almost always. */
static int is_same(const char *s, size_t len, opro_run *run) {
    opro__buf own;
    int same;

    opro__buf_init(&own, &run->mem, 1 << 20);
    same = opro__header_write(&own, run) == OPRO_OK && own.len == len && !memcmp(own.data, s, len);
    opro__buf_free(&own);
    return same;
}

opro_status opro__header_compare(const char *s, size_t len, opro_run *run, const char *path,
                                 opro_error *err) {
    opro__buf list;
    visitor v = {.fn = compare_setting, .out = &list, .s = s, .len = len};
    opro_status st;

    if (is_same(s, len, run)) return OPRO_OK;
    opro__buf_init(&list, &run->mem, 1 << 20);
    opro__buf_init(&v.value, &run->mem, 4096);
    visit_options(&v, run);
    compare_unknown(&v);
    visit_problem(&v, run);
    st = v.value.status == OPRO_OK ? list.status : v.value.status;
    if (st != OPRO_OK)
        opro__fail(err, st, "out of memory for the journal's header");
    else if (v.differing)
        st = opro__fail(err, OPRO_ERR_INVALID,
                        "the journal %s was written by other settings (the same ones, or another "
                        "file): %s",
                        opro__quote(path, strlen(path)).text, opro__buf_text(&list));
    opro__buf_free(&list);
    opro__buf_free(&v.value);
    return st;
}
