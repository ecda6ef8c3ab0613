/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h> /* snprintf() only: no streams */
#include <string.h>

#include "base/hash.h"
#include "base/num.h"

typedef struct choice {
    const char *name; /* NULL ends the list */
    int64_t value;
} choice;

static const choice modes[] = {
    {"stepwise", OPRO_MODE_STEPWISE}, {"steady", OPRO_MODE_STEADY}, {NULL, 0}};
static const choice confirms[] = {
    {"auto", OPRO_CONFIRM_AUTO}, {"off", OPRO_CONFIRM_OFF}, {"on", OPRO_CONFIRM_ON}, {NULL, 0}};
static const choice races[] = {{"auto", OPRO_RACE_AUTO},
                               {"off", OPRO_RACE_OFF},
                               {"recommended", OPRO_RACE_RECOMMENDED},
                               {"cautious", OPRO_RACE_CAUTIOUS},
                               {"exact", OPRO_RACE_EXACT},
                               {NULL, 0}};
static const choice dedups[] = {
    {"exact", OPRO_DEDUP_EXACT}, {"normalised", OPRO_DEDUP_NORMALISED}, {NULL, 0}};
static const choice displays[] = {{"auto", OPRO_DISPLAY_AUTO},
                                  {"buckets", OPRO_DISPLAY_BUCKETS},
                                  {"decimals", OPRO_DISPLAY_DECIMALS},
                                  {"none", OPRO_DISPLAY_NONE},
                                  {NULL, 0}};
static const choice orders[] = {{"ascending", OPRO_ORDER_ASCENDING},
                                {"descending", OPRO_ORDER_DESCENDING},
                                {"random", OPRO_ORDER_RANDOM},
                                {NULL, 0}};
static const choice exemplar_choices[] = {{"random", OPRO_EXEMPLARS_RANDOM},
                                          {"random_published", OPRO_EXEMPLARS_RANDOM_PUBLISHED},
                                          {"constant", OPRO_EXEMPLARS_CONSTANT},
                                          {"accumulated_wrong", OPRO_EXEMPLARS_ACCUMULATED_WRONG},
                                          {"current_wrong", OPRO_EXEMPLARS_CURRENT_WRONG},
                                          {NULL, 0}};
static const choice meta_prompts[] = {{"auto", OPRO_META_PROMPT_AUTO},
                                      {"chat", OPRO_META_PROMPT_CHAT},
                                      {"square", OPRO_META_PROMPT_SQUARE},
                                      {"pretrained", OPRO_META_PROMPT_PRETRAINED},
                                      {"points", OPRO_META_PROMPT_POINTS},
                                      {"tour", OPRO_META_PROMPT_TOUR},
                                      {NULL, 0}};
static const choice positions[] = {
    {"before_q", OPRO_POSITION_BEFORE_Q}, {"q_begin", OPRO_POSITION_Q_BEGIN},
    {"q_end", OPRO_POSITION_Q_END},       {"a_begin", OPRO_POSITION_A_BEGIN},
    {"system", OPRO_POSITION_SYSTEM},     {NULL, 0}};
static const choice schedules[] = {
    {"constant", OPRO_SCHEDULE_CONSTANT}, {"linear", OPRO_SCHEDULE_LINEAR}, {NULL, 0}};
static const choice dialects[] = {
    {"auto", OPRO_DIALECT_AUTO},
    {"openai", OPRO_DIALECT_OPENAI},
    {"completions", OPRO_DIALECT_COMPLETIONS},
    {"responses", OPRO_DIALECT_RESPONSES},
    {"anthropic", OPRO_DIALECT_ANTHROPIC},
    {"gemini", OPRO_DIALECT_GEMINI},
    {"azure", OPRO_DIALECT_AZURE},
    {NULL, 0},
};
static const choice prefixes[] = {
    {"auto", OPRO_PREFIX_AUTO},         {"none", OPRO_PREFIX_NONE},
    {"trailing", OPRO_PREFIX_TRAILING}, {"continue", OPRO_PREFIX_CONTINUE},
    {"marked", OPRO_PREFIX_MARKED},     {NULL, 0},
};
static const choice syncs[] = {
    {"record", OPRO_SYNC_RECORD},
    {"step", OPRO_SYNC_STEP},
    {"time", OPRO_SYNC_TIME},
    {"none", OPRO_SYNC_NONE},
    {NULL, 0},
};
static const choice samplings[] = {
    {"auto", OPRO_SAMPLING_AUTO},
    {"together", OPRO_SAMPLING_TOGETHER},
    {"singly", OPRO_SAMPLING_SINGLY},
    {NULL, 0},
};

/* A row of options.def. */
typedef struct option {
    int32_t id;
    int32_t type;
    const char *name;
    const char *help;
    const choice *choices;
    int64_t int_min, int_max, int_default;
    double real_min, real_max, real_default;
} option;

static const option options[OPRO__OPTIONS] = {
#define OPRO_INT(id, name, min, max, def, help)                                                    \
    {OPRO_OPT_##id, OPRO_TYPE_INT, name, help, NULL, min, max, def, 0, 0, 0},
#define OPRO_REAL(id, name, min, max, def, help)                                                   \
    {OPRO_OPT_##id, OPRO_TYPE_REAL, name, help, NULL, 0, 0, 0, min, max, def},
#define OPRO_CHOICE(id, name, choices, def, help)                                                  \
    {OPRO_OPT_##id, OPRO_TYPE_CHOICE, name, help, choices, 0, 0, def, 0, 0, 0},
#include "options.def"
#undef OPRO_INT
#undef OPRO_REAL
#undef OPRO_CHOICE
};

/* ---- introspection --------------------------------------------------------------------------- */

static const option *find_id(int32_t id) {
    for (size_t i = 0; i < OPRO__OPTIONS; i++)
        if (options[i].id == id) return &options[i];
    return NULL;
}

static const option *find_name(const char *name, size_t len) {
    for (size_t i = 0; i < OPRO__OPTIONS; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
            return &options[i];
    return NULL;
}

int32_t opro_option_at(size_t index) {
    return index < OPRO__OPTIONS ? options[index].id : 0;
}

int32_t opro_option_find(const char *name, size_t len) {
    const option *o;

    if (!opro__arg(&name, &len)) return 0;
    o = find_name(name, len);
    return o ? o->id : 0;
}

const char *opro_option_name(int32_t id) {
    const option *o = find_id(id);

    return o ? o->name : NULL;
}

int32_t opro_option_type(int32_t id) {
    const option *o = find_id(id);

    return o ? o->type : 0;
}

const char *opro_option_help(int32_t id) {
    const option *o = find_id(id);

    return o ? o->help : NULL;
}

/* The last of a list of choices has the largest number. */
static double last_choice(const choice *list) {
    while (list[1].name)
        list++;
    return (double)list->value;
}

double opro_option_min(int32_t id) {
    const option *o = find_id(id);

    if (!o) return NAN;
    if (o->type == OPRO_TYPE_REAL) return o->real_min;
    return o->type == OPRO_TYPE_INT ? (double)o->int_min : (double)o->choices[0].value;
}

double opro_option_max(int32_t id) {
    const option *o = find_id(id);

    if (!o) return NAN;
    if (o->type == OPRO_TYPE_REAL) return o->real_max;
    return o->type == OPRO_TYPE_INT ? (double)o->int_max : last_choice(o->choices);
}

double opro_option_default(int32_t id) {
    const option *o = find_id(id);

    if (!o) return NAN;
    return o->type == OPRO_TYPE_REAL ? o->real_default : (double)o->int_default;
}

const char *opro_option_choice(int32_t id, size_t index, int64_t *value) {
    const option *o = find_id(id);

    if (!o || !o->choices) return NULL;
    for (size_t i = 0; o->choices[i].name; i++) {
        if (i != index) continue;
        if (value) *value = o->choices[i].value;
        return o->choices[i].name;
    }
    return NULL;
}

/* ---- the object ------------------------------------------------------------------------------ */

static void set_defaults(opro__options *out) {
    for (size_t i = 0; i < OPRO__OPTIONS; i++) {
        if (options[i].type == OPRO_TYPE_REAL)
            out->values[i].r = options[i].real_default;
        else
            out->values[i].i = options[i].int_default;
    }
}

opro_status opro_config_new(opro_config **out, const opro_allocator *mem) {
    opro__mem own;
    opro_config *config;
    opro_status st;

    if (!out) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    config = opro__calloc(&own, 1, sizeof *config);
    if (!config) return OPRO_ERR_NOMEM;
    config->mem = own;
    set_defaults(&config->options);
    *out = config;
    return OPRO_OK;
}

opro_status opro_config_clone(opro_config **out, const opro_config *config,
                              const opro_allocator *mem) {
    opro_config *clone;
    opro_status st;

    if (!out || !config) return OPRO_ERR_INVALID;
    st = opro_config_new(&clone, mem);
    if (st != OPRO_OK) return st;
    clone->options = config->options;
    clone->log = opro__log_share(config->log);
    *out = clone;
    return OPRO_OK;
}

void opro_config_free(opro_config *config) {
    opro__mem mem;

    if (!config) return;
    mem = config->mem;
    opro__log_free(config->log);
    opro__free(&mem, config);
}

const opro_error *opro_config_error(const opro_config *config) {
    return &config->err;
}

static opro_status unknown_id(opro_config *config, int32_t id) {
    return opro__fail(&config->err, OPRO_ERR_UNKNOWN,
                      "there is no option number %d; opro_option_at() lists them", (int)id);
}

static opro_status wrong_type(opro_config *config, const option *o) {
    static const char *const wanted[] = {"an integer", "a real number", "one of its choices"};

    return opro__fail(&config->err, OPRO_ERR_INVALID, "option \"%s\" takes %s", o->name,
                      wanted[o->type / 10 - 1]);
}

static const choice *choice_by_value(const option *o, int64_t value) {
    for (const choice *c = o->choices; c->name; c++)
        if (c->value == value) return c;
    return NULL;
}

/* Set an integer or choice option whose row is known. */
static opro_status set_int(opro_config *config, const option *o, int64_t value) {
    if (o->type == OPRO_TYPE_CHOICE && !choice_by_value(o, value))
        return opro__fail(&config->err, OPRO_ERR_INVALID,
                          "option \"%s\" has no choice number %lld; %s", o->name, (long long)value,
                          o->help);
    if (o->type == OPRO_TYPE_INT && (value < o->int_min || value > o->int_max))
        return opro__fail(&config->err, OPRO_ERR_INVALID,
                          "option \"%s\" must be from %lld to %lld, not %lld", o->name,
                          (long long)o->int_min, (long long)o->int_max, (long long)value);
    config->options.values[o - options].i = value;
    return OPRO_OK;
}

static opro_status set_real(opro_config *config, const option *o, double value) {
    int none = isnan(value) && isnan(o->real_default);

    if (!none && !(value >= o->real_min && value <= o->real_max)) {
        opro__quoted low = opro__quote_real(o->real_min), high = opro__quote_real(o->real_max);

        return opro__fail(&config->err, OPRO_ERR_INVALID,
                          "option \"%s\" must be from %s to %s%s, not %s", o->name, low.text,
                          high.text, isnan(o->real_default) ? " or none" : "",
                          opro__quote_real(value).text);
    }
    config->options.values[o - options].r = value;
    return OPRO_OK;
}

opro_status opro_config_set_int(opro_config *config, int32_t id, int64_t value) {
    const option *o = find_id(id);

    if (!config) return OPRO_ERR_INVALID;
    opro__err_clear(&config->err);
    if (!o) return unknown_id(config, id);
    return o->type == OPRO_TYPE_REAL ? wrong_type(config, o) : set_int(config, o, value);
}

opro_status opro_config_set_real(opro_config *config, int32_t id, double value) {
    const option *o = find_id(id);

    if (!config) return OPRO_ERR_INVALID;
    opro__err_clear(&config->err);
    if (!o) return unknown_id(config, id);
    return o->type == OPRO_TYPE_REAL ? set_real(config, o, value) : wrong_type(config, o);
}

/* How many single-letter changes make b of a (Levenshtein 1966); both short. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len) {
    size_t row[64];

    if (a_len >= 64 || b_len >= 64) return 64;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = change < shift ? change : shift;
        }
    }
    return row[b_len];
}

static opro_status unknown_name(opro_config *config, const char *name, size_t len) {
    const option *nearest = &options[0];
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < OPRO__OPTIONS; i++) {
        size_t d = distance(name, len, options[i].name, strlen(options[i].name));

        if (d >= least) continue;
        least = d;
        nearest = &options[i];
    }
    return opro__fail(&config->err, OPRO_ERR_UNKNOWN, "there is no option %s; did you mean \"%s\"?",
                      opro__quote(name, len).text, nearest->name);
}

static opro_status set_choice(opro_config *config, const option *o, const char *value, size_t len) {
    char known[200] = "";
    size_t n = 0;

    for (const choice *c = o->choices; c->name; c++) {
        if (strlen(c->name) == len && memcmp(c->name, value, len) == 0)
            return set_int(config, o, c->value);
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", c->name);
        assert(n < sizeof known); /* no list of choices is that long */
    }
    return opro__fail(&config->err, OPRO_ERR_INVALID, "option \"%s\" is one of %s, not %s", o->name,
                      known, opro__quote(value, len).text);
}

opro_status opro_config_set(opro_config *config, const char *name, size_t name_len,
                            const char *value, size_t value_len) {
    const option *o;
    int64_t integer;
    double real = NAN;

    if (!config) return OPRO_ERR_INVALID;
    opro__err_clear(&config->err);
    if (!opro__arg(&name, &name_len) || !opro__arg(&value, &value_len))
        return opro__fail(&config->err, OPRO_ERR_INVALID, "the name or the value is NULL");
    o = find_name(name, name_len);
    if (!o) return unknown_name(config, name, name_len);
    if (o->type == OPRO_TYPE_CHOICE) return set_choice(config, o, value, value_len);
    if (o->type == OPRO_TYPE_INT && opro__int_parse(value, value_len, &integer))
        return set_int(config, o, integer);
    if (o->type == OPRO_TYPE_REAL &&
        ((value_len == 4 && memcmp(value, "none", 4) == 0) ||
         (value_len && opro__num_parse(value, value_len, &real) == value_len)))
        return set_real(config, o, real);
    return opro__fail(&config->err, OPRO_ERR_INVALID, "option \"%s\" takes %s, not %s", o->name,
                      o->type == OPRO_TYPE_INT ? "an integer" : "a real number",
                      opro__quote(value, value_len).text);
}

opro_status opro_config_get_int(const opro_config *config, int32_t id, int64_t *value) {
    const option *o = find_id(id);

    if (!config || !value) return OPRO_ERR_INVALID;
    if (!o) return OPRO_ERR_UNKNOWN;
    if (o->type == OPRO_TYPE_REAL) return OPRO_ERR_INVALID;
    *value = config->options.values[o - options].i;
    return OPRO_OK;
}

opro_status opro_config_get_real(const opro_config *config, int32_t id, double *value) {
    const option *o = find_id(id);

    if (!config || !value) return OPRO_ERR_INVALID;
    if (!o) return OPRO_ERR_UNKNOWN;
    if (o->type != OPRO_TYPE_REAL) return OPRO_ERR_INVALID;
    *value = config->options.values[o - options].r;
    return OPRO_OK;
}

opro_status opro_config_set_log(opro_config *config, int32_t level, opro_log_fn fn, void *user_data,
                                opro_destroy_fn destroy) {
    opro__log *log = NULL;
    opro_status st = OPRO_OK;

    if (!config) return OPRO_ERR_INVALID;
    opro__err_clear(&config->err);
    if (level < OPRO_LOG_NONE)
        return opro__fail(&config->err, OPRO_ERR_INVALID,
                          "%d is no log level: from OPRO_LOG_NONE (%d) to OPRO_LOG_DEBUG (%d)",
                          (int)level, OPRO_LOG_NONE, OPRO_LOG_DEBUG);
    if (fn) st = opro__log_new(&log, &config->mem, level, fn, user_data, destroy);
    if (st != OPRO_OK) return opro__fail(&config->err, st, "out of memory");
    opro__log_free(config->log);
    config->log = log;
    return OPRO_OK;
}

uint64_t opro_config_digest(const opro_config *config) {
    return opro__options_digest(&config->options);
}

/* ---- for the other modules ------------------------------------------------------------------- */

void opro__options_copy(opro__options *out, const opro_config *config) {
    if (config)
        *out = config->options;
    else
        set_defaults(out);
}

opro__log *opro__config_log(const opro_config *config) {
    return config ? opro__log_share(config->log) : NULL;
}

/* The model client's have the ids from 900 to 939, and from 944 to 959; the journal's from 980. */
int opro__option_decides(int32_t id) {
    return id < 900 || (id > 939 && id < 944) || (id > 959 && id < 980) || id > 989;
}

static uint64_t digest_of(const opro__options *values, int all) {
    uint64_t digest = 0;

    for (size_t i = 0; i < OPRO__OPTIONS; i++) {
        if (!all && !opro__option_decides(options[i].id)) continue;
        digest = opro__hash_add(digest, (uint64_t)options[i].id);
        if (options[i].type == OPRO_TYPE_REAL)
            digest = opro__hash_add_real(digest, values->values[i].r);
        else
            digest = opro__hash_add(digest, (uint64_t)values->values[i].i);
    }
    return digest;
}

uint64_t opro__options_digest(const opro__options *values) {
    return digest_of(values, 1);
}

uint64_t opro__options_run_digest(const opro__options *values) {
    return digest_of(values, 0);
}
