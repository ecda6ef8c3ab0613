/* SPDX-License-Identifier: MIT */
/* Configs, and what needs no handle at all. */
#include <math.h>
#include <string.h>

#include "world.h"

static void hear(int32_t level, const char *domain, const char *message, size_t len,
                 void *user_data) {
    (void)level, (void)domain, (void)user_data;
    CHECK(strlen(message) == len);
}

static void configs(void) {
    opro_config *config = make_config("steps=3 temperature=0.5"), *clone;

    TRY(opro_config_error(config), opro_config_set_int(config, OPRO_OPT_SEED, 42));
    TRY(opro_config_error(config), opro_config_set_real(config, OPRO_OPT_TARGET_SCORE, NAN));
    TRY(opro_config_error(config),
        opro_config_set_log(config, OPRO_LOG_DEBUG, hear, lend(), returned));
    TRY(opro_config_error(config),
        opro_config_set_log(config, OPRO_LOG_INFO, hear, lend(), returned));
    MAKE(config, clone, NULL, opro_config_clone(&clone, config, &scarce));
    CHECK(opro_config_digest(clone) == opro_config_digest(config));
    TRY_REFUSED(OPRO_ERR_UNKNOWN, opro_config_error(clone),
                opro_config_set(clone, "sneeze", OPRO_ZT, "1", OPRO_ZT));
    note_config(config);
    drop(config);
    note_config(clone);
    TRY(NULL, opro_config_set_log(clone, OPRO_LOG_NONE, NULL, NULL, NULL));
}

static void options(void) {
    int32_t option;

    for (size_t i = 0; (option = opro_option_at(i)); i++) {
        int64_t value = 0;
        const char *name = opro_option_name(option);

        CHECK(opro_option_find(name, OPRO_ZT) == option);
        note_text(opro_option_help(option), strlen(opro_option_help(option)));
        note_int(opro_option_type(option));
        note_real(opro_option_min(option));
        note_real(opro_option_max(option));
        note_real(opro_option_default(option));
        for (size_t k = 0; opro_option_choice(option, k, &value); k++)
            note_int(value);
    }
}

static void names(void) {
    static const double scores[4] = {0, 1, 1, 0.5};
    double low, high, x[2] = {0.5, 2};

    note_text(opro_status_name(OPRO_ERR_NOMEM), strlen("OPRO_ERR_NOMEM"));
    CHECK(opro_failure_name(OPRO_FAILURE_RATE)[0]);
    note_text(opro_version_string(), strlen(opro_version_string()));
    note_int(opro_version_num());
    note_int(opro_abi_epoch());
    note_int(opro_has_feature(OPRO_FEATURE_THREADS));
    note_int(opro_estimate_tokens("three little words", OPRO_ZT));
    TRY(NULL, opro_interval(scores, 4, &low, &high));
    note_real(low + high);
    note_int(opro_function_find("rosenbrock", OPRO_ZT));
    note_text(opro_function_name(OPRO_FUNCTION_ACKLEY), strlen("ackley"));
    note_real(opro_function_value(OPRO_FUNCTION_RASTRIGIN, x, 2));
    options();
}

const scenario config_scenarios[] = {
    {"configs", MEMORY, configs},
    {"names", MEMORY, names},
    {NULL, 0, NULL},
};
