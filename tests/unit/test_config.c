/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/config.h"
#include "failing.h"

static opro_config *make(void) {
    opro_config *config = NULL;

    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    return config;
}

/* It failed in this way, and the message names these things. */
static void expect_error(const opro_config *config, opro_status st, opro_status expected,
                         const char *a, const char *b) {
    const opro_error *err = opro_config_error(config);

    assert_int_equal(st, expected);
    assert_int_equal(opro_error_status(err), expected);
    if (!strstr(opro_error_message(err, NULL), a) || !strstr(opro_error_message(err, NULL), b))
        fail_msg("\"%s\" names not both \"%s\" and \"%s\"", opro_error_message(err, NULL), a, b);
}

static int64_t get_int(const opro_config *config, int32_t id) {
    int64_t value = -12345;

    assert_int_equal(opro_config_get_int(config, id, &value), OPRO_OK);
    return value;
}

static double get_real(const opro_config *config, int32_t id) {
    double value = -12345;

    assert_int_equal(opro_config_get_real(config, id, &value), OPRO_OK);
    return value;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
    const char *constant;
    int32_t id;
} ids[] = {
#define OPRO_INT(id, name, min, max, def, help)   {#id, OPRO_OPT_##id},
#define OPRO_REAL(id, name, min, max, def, help)  {#id, OPRO_OPT_##id},
#define OPRO_CHOICE(id, name, choices, def, help) {#id, OPRO_OPT_##id},
#include "core/options.def"
#undef OPRO_INT
#undef OPRO_REAL
#undef OPRO_CHOICE
};

static void test_ids_and_names(void **state) {
    size_t n = 0;

    (void)state;
    for (; opro_option_at(n); n++) {
        const char *name = opro_option_name(opro_option_at(n));

        assert_int_equal(opro_option_at(n), ids[n].id);
        assert_int_equal(strlen(name), strlen(ids[n].constant));
        for (size_t i = 0; name[i]; i++)
            assert_int_equal(name[i], tolower(ids[n].constant[i]));
        assert_int_equal(opro_option_find(name, OPRO_ZT), ids[n].id);
        for (size_t other = 0; other < n; other++)
            assert_true(ids[other].id != ids[n].id);
    }
    assert_int_equal(n, OPRO__OPTIONS);
    assert_int_equal(opro_option_at(SIZE_MAX), 0);
    for (int32_t id = -10; id < 2000; id++) /* there are no others */
        if (opro_option_name(id)) n--;
    assert_int_equal(n, 0);
}

static void test_find(void **state) {
    (void)state;
    assert_int_equal(opro_option_find("seed", 4), OPRO_OPT_SEED);
    assert_int_equal(opro_option_find("seeds", 4), OPRO_OPT_SEED);
    assert_int_equal(opro_option_find("seed", 3), 0);
    assert_int_equal(opro_option_find("Seed", OPRO_ZT), 0);
    assert_int_equal(opro_option_find("", OPRO_ZT), 0);
    assert_int_equal(opro_option_find(NULL, 0), 0);
    assert_int_equal(opro_option_find(NULL, OPRO_ZT), 0);
}

static void test_unknown(void **state) {
    int64_t value = 7;

    (void)state;
    assert_null(opro_option_name(99));
    assert_null(opro_option_help(99));
    assert_int_equal(opro_option_type(99), 0);
    assert_true(isnan(opro_option_min(99)));
    assert_true(isnan(opro_option_max(99)));
    assert_true(isnan(opro_option_default(99)));
    assert_null(opro_option_choice(99, 0, &value));
    assert_null(opro_option_choice(OPRO_OPT_SEED, 0, &value));
    assert_null(opro_option_choice(OPRO_OPT_TEMPERATURE, 0, &value));
    assert_null(opro_option_choice(OPRO_OPT_MODE, 2, &value));
    assert_null(opro_option_choice(OPRO_OPT_MODE, SIZE_MAX, &value));
    assert_int_equal(value, 7);
}

/*
 * Bounds, defaults and choices as they are listed make sense, and a new config is at its defaults.
 */
static void test_introspection(void **state) {
    opro_config *config = make();

    (void)state;
    for (size_t i = 0; opro_option_at(i); i++) {
        int32_t id = opro_option_at(i), type = opro_option_type(id);
        double low = opro_option_min(id), high = opro_option_max(id), def = opro_option_default(id);

        assert_true(low < high);
        assert_true((def >= low && def <= high) || (isnan(def) && type == OPRO_TYPE_REAL));
        assert_true(strlen(opro_option_help(id)) > 5);
        assert_true((opro_option_choice(id, 0, NULL) != NULL) == (type == OPRO_TYPE_CHOICE));
        if (type == OPRO_TYPE_REAL)
            assert_true(isnan(def) ? isnan(get_real(config, id)) : get_real(config, id) == def);
        else
            assert_true((double)get_int(config, id) == def);
        assert_true(type == OPRO_TYPE_INT || type == OPRO_TYPE_REAL || type == OPRO_TYPE_CHOICE);
    }
    opro_config_free(config);
}

/* The paper's values, by name, so that nobody changes them without noticing. */
static void test_defaults(void **state) {
    static const struct {
        int32_t id;
        double value;
    } paper[] = {
        {OPRO_OPT_MODE, OPRO_MODE_STEPWISE},
        {OPRO_OPT_STEPS, 200},
        {OPRO_OPT_SAMPLES_PER_STEP, 8},
        {OPRO_OPT_SHOWN_SOLUTIONS, 20},
        {OPRO_OPT_SCORE_BUCKETS, 100},
        {OPRO_OPT_ORDER, OPRO_ORDER_ASCENDING},
        {OPRO_OPT_EXEMPLARS, 3},
        {OPRO_OPT_EXEMPLAR_CHOICE, OPRO_EXEMPLARS_RANDOM},
        {OPRO_OPT_TEMPERATURE, 1},
        {OPRO_OPT_EVAL_INTERVAL, 3},
        {OPRO_OPT_MAX_LENGTH, 500},
        {OPRO_OPT_MAX_REPLY_TOKENS, 1024},
        {OPRO_OPT_FORBID_PLACEHOLDER, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof paper / sizeof *paper; i++)
        assert_true(opro_option_default(paper[i].id) == paper[i].value);
    assert_true(isnan(opro_option_default(OPRO_OPT_TARGET_SCORE)));
    assert_true(isnan(opro_option_default(OPRO_OPT_SCORE_THRESHOLD)));
}

/* ---- setting --------------------------------------------------------------------------------- */

/* The bounds as integers; those up to 2^53 are exact, and only the seed goes beyond. */
static int64_t int_max(int32_t id) {
    return id == OPRO_OPT_SEED ? INT64_MAX : (int64_t)opro_option_max(id);
}

static void check_int(opro_config *config, int32_t id) {
    const char *name = opro_option_name(id);
    int64_t low = (int64_t)opro_option_min(id), high = int_max(id);
    char number[32];

    assert_int_equal(opro_config_set_int(config, id, low), OPRO_OK);
    assert_int_equal(get_int(config, id), low);
    assert_int_equal(opro_config_set_int(config, id, high), OPRO_OK);
    assert_int_equal(get_int(config, id), high);
    snprintf(number, sizeof number, "not %lld", (long long)low - 1);
    expect_error(config, opro_config_set_int(config, id, low - 1), OPRO_ERR_INVALID, name, number);
    expect_error(config, opro_config_set_int(config, id, INT64_MIN), OPRO_ERR_INVALID, name,
                 "not -9223372036854775808");
    if (high < INT64_MAX) {
        snprintf(number, sizeof number, "not %lld", (long long)high + 1);
        expect_error(config, opro_config_set_int(config, id, high + 1), OPRO_ERR_INVALID, name,
                     number);
        expect_error(config, opro_config_set_int(config, id, INT64_MAX), OPRO_ERR_INVALID, name,
                     "not 9223372036854775807");
    }
    assert_int_equal(get_int(config, id), high); /* as it was */
    expect_error(config, opro_config_set_real(config, id, 1), OPRO_ERR_INVALID, name, "an integer");
}

static void check_real(opro_config *config, int32_t id) {
    const char *name = opro_option_name(id);
    double low = opro_option_min(id), high = opro_option_max(id);
    int optional = isnan(opro_option_default(id));

    assert_int_equal(opro_config_set_real(config, id, low), OPRO_OK);
    assert_true(get_real(config, id) == low);
    assert_int_equal(opro_config_set_real(config, id, high), OPRO_OK);
    expect_error(config, opro_config_set_real(config, id, nextafter(low, -INFINITY)),
                 OPRO_ERR_INVALID, name, low == -DBL_MAX ? "not -inf" : "not -");
    expect_error(config, opro_config_set_real(config, id, INFINITY), OPRO_ERR_INVALID, name,
                 "not inf");
    expect_error(config, opro_config_set_real(config, id, nextafter(high, INFINITY)),
                 OPRO_ERR_INVALID, name, "not ");
    if (!optional)
        expect_error(config, opro_config_set_real(config, id, NAN), OPRO_ERR_INVALID, name,
                     "not nan");
    assert_true(get_real(config, id) == high);
    if (optional) {
        assert_int_equal(opro_config_set_real(config, id, NAN), OPRO_OK);
        assert_true(isnan(get_real(config, id)));
    }
    expect_error(config, opro_config_set_int(config, id, 1), OPRO_ERR_INVALID, name, "real");
}

static void check_choice(opro_config *config, int32_t id) {
    const char *name = opro_option_name(id), *text;
    double low = INFINITY, high = -INFINITY;
    int64_t value = 0;
    size_t n = 0;

    for (; (text = opro_option_choice(id, n, &value)) != NULL; n++) {
        int64_t found;

        assert_int_equal(opro_config_set_int(config, id, value), OPRO_OK);
        assert_int_equal(get_int(config, id), value);
        assert_int_equal(opro_config_set(config, name, OPRO_ZT, text, OPRO_ZT), OPRO_OK);
        assert_int_equal(get_int(config, id), value);
        low = (double)value < low ? (double)value : low;
        high = (double)value > high ? (double)value : high;
        for (size_t other = 0; other < n; other++) {
            assert_string_not_equal(opro_option_choice(id, other, &found), text);
            assert_true(found != value);
        }
    }
    assert_true(n >= 2 && low == opro_option_min(id) && high == opro_option_max(id));
    expect_error(config, opro_config_set_int(config, id, value + 1), OPRO_ERR_INVALID, name, "");
    expect_error(config, opro_config_set_int(config, id, 0), OPRO_ERR_INVALID, name, "0");
    expect_error(config, opro_config_set_real(config, id, 10), OPRO_ERR_INVALID, name, "choices");
    assert_int_equal(get_int(config, id), value);
}

static void test_setters(void **state) {
    opro_config *config = make();

    (void)state;
    for (size_t i = 0; opro_option_at(i); i++) {
        int32_t id = opro_option_at(i);

        if (opro_option_type(id) == OPRO_TYPE_INT) check_int(config, id);
        if (opro_option_type(id) == OPRO_TYPE_REAL) check_real(config, id);
        if (opro_option_type(id) == OPRO_TYPE_CHOICE) check_choice(config, id);
    }
    expect_error(config, opro_config_set_int(config, 99, 1), OPRO_ERR_UNKNOWN, "99",
                 "opro_option_at");
    expect_error(config, opro_config_set_real(config, -1, 1), OPRO_ERR_UNKNOWN, "-1", "");
    assert_int_equal(opro_config_set_int(config, OPRO_OPT_SEED, 1), OPRO_OK);
    assert_int_equal(opro_error_status(opro_config_error(config)), OPRO_OK); /* cleared */
    assert_string_equal(opro_error_message(opro_config_error(config), NULL), "");
    opro_config_free(config);
}

static void test_getters(void **state) {
    opro_config *config = make();
    int64_t i = 77;
    double r = 77;

    (void)state;
    assert_int_equal(opro_config_get_int(config, 99, &i), OPRO_ERR_UNKNOWN);
    assert_int_equal(opro_config_get_real(config, 99, &r), OPRO_ERR_UNKNOWN);
    assert_int_equal(opro_config_get_int(config, OPRO_OPT_TEMPERATURE, &i), OPRO_ERR_INVALID);
    assert_int_equal(opro_config_get_real(config, OPRO_OPT_SEED, &r), OPRO_ERR_INVALID);
    assert_int_equal(opro_config_get_real(config, OPRO_OPT_MODE, &r), OPRO_ERR_INVALID);
    assert_int_equal(opro_config_get_int(config, OPRO_OPT_SEED, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_config_get_real(config, OPRO_OPT_TEMPERATURE, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_config_get_int(NULL, OPRO_OPT_SEED, &i), OPRO_ERR_INVALID);
    assert_int_equal(opro_config_get_real(NULL, OPRO_OPT_TEMPERATURE, &r), OPRO_ERR_INVALID);
    assert_int_equal(i, 77);
    assert_true(r == 77);
    opro_config_free(config);
}

/* ---- setting by name ------------------------------------------------------------------------- */

static opro_status set(opro_config *config, const char *name, const char *value) {
    return opro_config_set(config, name, OPRO_ZT, value, OPRO_ZT);
}

static void test_text(void **state) {
    opro_config *config = make();

    (void)state;
    assert_int_equal(set(config, "seed", "42"), OPRO_OK);
    assert_int_equal(get_int(config, OPRO_OPT_SEED), 42);
    assert_int_equal(set(config, "seed", "9223372036854775807"), OPRO_OK);
    assert_int_equal(get_int(config, OPRO_OPT_SEED), INT64_MAX);
    assert_int_equal(set(config, "mode", "steady"), OPRO_OK);
    assert_int_equal(get_int(config, OPRO_OPT_MODE), OPRO_MODE_STEADY);
    assert_int_equal(set(config, "temperature", "0.7"), OPRO_OK);
    assert_true(get_real(config, OPRO_OPT_TEMPERATURE) == 0.7);
    assert_int_equal(set(config, "temperature", "1"), OPRO_OK);
    assert_int_equal(set(config, "target_score", "-1e3"), OPRO_OK);
    assert_true(get_real(config, OPRO_OPT_TARGET_SCORE) == -1000);
    assert_int_equal(set(config, "target_score", "none"), OPRO_OK);
    assert_true(isnan(get_real(config, OPRO_OPT_TARGET_SCORE)));
    assert_int_equal(opro_config_set(config, "seedling", 4, "123", 1), OPRO_OK);
    assert_int_equal(get_int(config, OPRO_OPT_SEED), 1);
    opro_config_free(config);
}

static void test_text_refused(void **state) {
    static const struct {
        const char *name, *value, *says;
    } bad[] = {
        {"seed", "", "\"\""},
        {"seed", "4x", "\"4x\""},
        {"seed", " 4", "\" 4\""},
        {"seed", "4.0", "\"4.0\""},
        {"seed", "1e3", "\"1e3\""},
        {"seed", "none", "\"none\""},
        {"seed", "-1", "-1"},
        {"seed", "9223372036854775808", "9223372036854775808"},
        {"samples_per_step", "0", "not 0"},
        {"temperature", "", "\"\""},
        {"temperature", "0,7", "\"0,7\""},
        {"temperature", "hot", "\"hot\""},
        {"temperature", "1.5 ", "\"1.5 \""},
        {"temperature", "nan", "\"nan\""},
        {"temperature", "inf", "\"inf\""},
        {"temperature", "none", "not nan"},
        {"temperature", "101", "not 101"},
        {"target_score", "None", "\"None\""},
        {"mode", "", "\"\""},
        {"mode", "Steady", "\"Steady\""},
        {"mode", "steadyy", "stepwise, steady"},
        {"mode", "20", "\"20\""},
        {"meta_prompt", "chatty", "auto, chat, square, pretrained, points, tour"},
    };
    opro_config *config = make();
    uint64_t before = opro_config_digest(config);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_error(config, set(config, bad[i].name, bad[i].value), OPRO_ERR_INVALID, bad[i].name,
                     bad[i].says);
    assert_true(opro_config_digest(config) == before);
    assert_int_equal(opro_config_set(NULL, "seed", 4, "1", 1), OPRO_ERR_INVALID);
    expect_error(config, opro_config_set(config, NULL, 4, "1", 1), OPRO_ERR_INVALID, "NULL", "");
    expect_error(config, opro_config_set(config, "seed", 4, NULL, 1), OPRO_ERR_INVALID, "NULL", "");
    opro_config_free(config);
}

static void test_nearest_name(void **state) {
    static const struct {
        const char *wrong, *right;
    } cases[] = {
        {"sead", "\"seed\""},
        {"temprature", "\"temperature\""},
        {"samples per step", "\"samples_per_step\""},
        {"max-tokens", "\"max_tokens\""},
        {"deduplicate", "\"dedup\""},
        {"temperature_scheduler", "\"temperature_schedule\""},
    };
    opro_config *config = make();
    char longest[300];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_error(config, set(config, cases[i].wrong, "1"), OPRO_ERR_UNKNOWN, cases[i].wrong,
                     cases[i].right);
    expect_error(config, set(config, "", "1"), OPRO_ERR_UNKNOWN, "\"\"", "");
    memset(longest, 'x', sizeof longest);
    longest[299] = '\0';
    expect_error(config, set(config, longest, "1"), OPRO_ERR_UNKNOWN, "xxx...", "");
    expect_error(config, opro_config_set(config, "se\0ed", 5, "1", 1), OPRO_ERR_UNKNOWN,
                 "\"se ed\"", "\"seed\"");
    opro_config_free(config);
}

/* ---- digests and copies ---------------------------------------------------------------------- */

static void test_digest(void **state) {
    opro_config *config = make(), *other = make();
    uint64_t seen[OPRO__OPTIONS + 1];
    size_t n = 0;

    (void)state;
    assert_true(opro_config_digest(config) == opro_config_digest(other));
    seen[n++] = opro_config_digest(config);
    for (; opro_option_at(n - 1); n++) { /* each option changes it, each in another way */
        int32_t id = opro_option_at(n - 1);
        opro_config *changed = make();

        if (opro_option_type(id) == OPRO_TYPE_REAL)
            opro_config_set_real(changed, id, 0.125);
        else if (opro_option_default(id) == opro_option_max(id))
            opro_config_set_int(changed, id, (int64_t)opro_option_min(id));
        else
            opro_config_set_int(changed, id, int_max(id));
        seen[n] = opro_config_digest(changed);
        for (size_t i = 0; i < n; i++)
            assert_true(seen[i] != seen[n]);
        opro_config_free(changed);
    }
    opro_config_set_real(config, OPRO_OPT_TEMPERATURE_END, 0); /* equal values, equal digests */
    opro_config_set_real(other, OPRO_OPT_TEMPERATURE_END, -0.0);
    assert_true(opro_config_digest(config) == opro_config_digest(other));
    opro_config_set_real(config, OPRO_OPT_TEMPERATURE_END, 1);
    opro_config_set_int(config, OPRO_OPT_SEED, 5);
    opro_config_set_int(config, OPRO_OPT_SEED, 0); /* back again */
    assert_true(opro_config_digest(config) == seen[0]);
    opro_config_free(config);
    opro_config_free(other);
}

static void test_clone(void **state) {
    opro_config *config = make(), *clone = NULL;

    (void)state;
    opro_config_set_int(config, OPRO_OPT_SEED, 5);
    opro_config_set_int(config, 99, 5);
    assert_int_equal(opro_config_clone(&clone, config, NULL), OPRO_OK);
    assert_true(opro_config_digest(clone) == opro_config_digest(config));
    assert_int_equal(opro_error_status(opro_config_error(clone)),
                     OPRO_OK); /* errors are not copied */
    opro_config_set_int(clone, OPRO_OPT_SEED, 6);
    assert_int_equal(get_int(config, OPRO_OPT_SEED), 5);
    opro_config_free(config);
    assert_int_equal(get_int(clone, OPRO_OPT_SEED), 6);
    opro_config_free(clone);
    opro_config_free(NULL);
    assert_int_equal(opro_config_clone(NULL, NULL, NULL), OPRO_ERR_INVALID);
    clone = NULL;
    assert_int_equal(opro_config_clone(&clone, NULL, NULL), OPRO_ERR_INVALID);
    assert_null(clone);
    assert_int_equal(opro_config_new(NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_config_set_int(NULL, OPRO_OPT_SEED, 1), OPRO_ERR_INVALID);
    assert_int_equal(opro_config_set_real(NULL, OPRO_OPT_TEMPERATURE, 1), OPRO_ERR_INVALID);
}

/* What the model client is told decides nothing about requests: another model, the same run. */
static void test_run_digest(void **state) {
    opro_config *config = make();
    opro__options values;
    uint64_t before;
    size_t of_client = 0;

    (void)state;
    opro__options_copy(&values, config);
    before = opro__options_run_digest(&values);
    for (size_t i = 0; opro_option_at(i); i++) {
        int32_t id = opro_option_at(i);
        int client = strncmp(opro_option_name(id), "model_", 6) == 0 ||
                     strncmp(opro_option_name(id), "journal_", 8) == 0;
        opro_config *changed = make();

        of_client += (size_t)client;
        if (opro_option_type(id) == OPRO_TYPE_REAL)
            opro_config_set_real(changed, id, 0.125);
        else
            opro_config_set_int(changed, id,
                                opro_option_default(id) == opro_option_max(id)
                                    ? (int64_t)opro_option_min(id)
                                    : int_max(id));
        opro__options_copy(&values, changed);
        assert_int_equal(opro__options_run_digest(&values) == before, client);
        opro_config_free(changed);
    }
    assert_true(of_client > 20);
    opro_config_free(config);
}

static void test_options_copy(void **state) {
    opro_config *config = make();
    opro__options a, b;

    (void)state;
    opro__options_copy(&a, NULL);
    opro__options_copy(&b, config);
    assert_true(opro__options_digest(&a) == opro__options_digest(&b));
    opro_config_set_int(config, OPRO_OPT_STEPS, 7);
    opro__options_copy(&b, config);
    assert_int_equal(OPRO__INT(&b, STEPS), 7);
    assert_true(OPRO__REAL(&b, TEMPERATURE) == 1);
    opro_config_free(config);
}

/* ---- log ------------------------------------------------------------------------------------- */

typedef struct heard {
    int n, destroyed;
} heard;

static void hear(int32_t level, const char *domain, const char *text, size_t len, void *user_data) {
    (void)level;
    (void)domain;
    (void)text;
    (void)len;
    ((heard *)user_data)->n++;
}

static void forget(void *user_data) {
    ((heard *)user_data)->destroyed++;
}

static void test_log(void **state) {
    opro_config *config = make(), *clone = NULL;
    heard a = {0, 0}, b = {0, 0};
    opro__log *log;

    (void)state;
    assert_null(opro__config_log(NULL));
    assert_null(opro__config_log(config));
    assert_int_equal(opro_config_set_log(config, OPRO_LOG_INFO, hear, &a, forget), OPRO_OK);
    log = opro__config_log(config);
    assert_int_equal(opro_config_clone(&clone, config, NULL), OPRO_OK);
    assert_int_equal(opro_config_set_log(config, OPRO_LOG_INFO, hear, &b, forget), OPRO_OK);
    assert_int_equal(a.destroyed, 0); /* the clone and the object made from it still use it */
    opro__log_say(log, OPRO_LOG_INFO, "x", "y");
    opro__log_say(clone->log, OPRO_LOG_INFO, "x", "y");
    assert_int_equal(a.n, 2);
    opro_config_free(clone);
    assert_int_equal(a.destroyed, 0);
    opro__log_free(log);
    assert_int_equal(a.destroyed, 1);
    assert_int_equal(opro_config_set_log(config, OPRO_LOG_NONE, NULL, &a, forget), OPRO_OK);
    assert_int_equal(b.destroyed, 1);
    expect_error(config, opro_config_set_log(config, -1, hear, &a, forget), OPRO_ERR_INVALID, "-1",
                 "level");
    assert_int_equal(opro_config_set_log(NULL, OPRO_LOG_INFO, hear, &a, forget), OPRO_ERR_INVALID);
    assert_int_equal(opro_config_set_log(config, OPRO_LOG_INFO, hear, &a, forget), OPRO_OK);
    opro_config_free(config);
    assert_int_equal(a.destroyed, 2); /* was set twice */
    assert_int_equal(b.destroyed, 1);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void test_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator mem = failing_allocator(&f);
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        opro_config *config = NULL, *clone = NULL;
        heard h = {0, 0};
        int taken = 0;

        f.left = n;
        st = opro_config_new(&config, &mem);
        if (st == OPRO_OK) {
            st = opro_config_set_log(config, OPRO_LOG_INFO, hear, &h, forget);
            taken = st == OPRO_OK;
            if (!taken) expect_error(config, st, OPRO_ERR_NOMEM, "memory", "");
        }
        if (st == OPRO_OK) st = opro_config_clone(&clone, config, &mem);
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        assert_true(st == OPRO_OK || !clone);
        opro_config_free(config);
        opro_config_free(clone);
        assert_int_equal(h.destroyed, taken);
        assert_int_equal(f.live, 0);
    }
}

static void test_bad_allocator(void **state) {
    opro_config *config = NULL;
    opro_allocator mem = {0};

    (void)state;
    assert_int_equal(opro_config_new(&config, &mem), OPRO_ERR_INVALID);
    assert_null(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_and_names), cmocka_unit_test(test_find),
        cmocka_unit_test(test_unknown),       cmocka_unit_test(test_introspection),
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_setters),
        cmocka_unit_test(test_getters),       cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_refused),  cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_digest),        cmocka_unit_test(test_clone),
        cmocka_unit_test(test_run_digest),    cmocka_unit_test(test_options_copy),
        cmocka_unit_test(test_log),           cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_bad_allocator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
