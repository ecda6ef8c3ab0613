/* SPDX-License-Identifier: MIT */
/* The options of an object: a copy of a config's values, indexed by the row of options.def. */
#ifndef OPRO_CORE_CONFIG_H
#define OPRO_CORE_CONFIG_H

#include "base/err.h"
#include "base/hook.h"
#include "opro/config.h"

enum {
#define OPRO_INT(id, name, min, max, def, help)   OPRO__ROW_##id,
#define OPRO_REAL(id, name, min, max, def, help)  OPRO__ROW_##id,
#define OPRO_CHOICE(id, name, choices, def, help) OPRO__ROW_##id,
#include "options.def"
#undef OPRO_INT
#undef OPRO_REAL
#undef OPRO_CHOICE
    OPRO__OPTIONS
};

typedef union opro__value {
    int64_t i;
    double r;
} opro__value;

typedef struct opro__options {
    opro__value values[OPRO__OPTIONS];
} opro__options;

struct opro_config {
    opro__mem mem;
    opro_error err;
    opro__options options;
    opro__log *log;
};

/* The options of a config, or the defaults for NULL. */
void opro__options_copy(opro__options *out, const opro_config *config);

/* The log of a config, shared; NULL for none. */
opro__log *opro__config_log(const opro_config *config);

/* Of all values; of those that decide what a run asks for, which the model client's do not. */
uint64_t opro__options_digest(const opro__options *options);
uint64_t opro__options_run_digest(const opro__options *options);

/* 1 if this option decides what a run asks for. */
int opro__option_decides(int32_t id);

/* Read: OPRO__INT(options, SEED), OPRO__REAL(options, TEMPERATURE). */
#define OPRO__INT(options, id)  ((options)->values[OPRO__ROW_##id].i)
#define OPRO__REAL(options, id) ((options)->values[OPRO__ROW_##id].r)

/* An integer as a size: on a machine of 32 bits the largest, for all that is larger. */
#define OPRO__SIZE(options, id) opro__size_of(OPRO__INT(options, id))

static inline size_t opro__size_of(int64_t n) {
    size_t size = (size_t)n;

    return (int64_t)size == n ? size : SIZE_MAX;
}

#endif
