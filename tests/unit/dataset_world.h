/* SPDX-License-Identifier: MIT */
/* Small datasets, and looking at their examples. */
#ifndef TESTS_DATASET_WORLD_H
#define TESTS_DATASET_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kits/dataset.h"

static inline opro_dataset *empty(void) {
    opro_dataset *d = NULL;

    assert_int_equal(opro_dataset_new(&d, NULL), OPRO_OK);
    return d;
}

static inline const char *message(const opro_dataset *d) {
    return opro_error_message(opro_dataset_error(d), NULL);
}

static inline opro_dataset *reads_bytes(const char *text, size_t len, int32_t layout) {
    opro_dataset *d = empty();

    if (opro_dataset_read(d, text, len, layout) != OPRO_OK) fail_msg("%s\n%s", message(d), text);
    assert_string_equal(message(d), "");
    return d;
}

static inline opro_dataset *reads(const char *text, int32_t layout) {
    return reads_bytes(text, strlen(text), layout);
}

/* The example i; options NULL: do not look. */
static inline void is(opro_dataset *d, size_t i, const char *question, const char *answer,
                      const char *options) {
    size_t len;

    assert_string_equal(opro_dataset_question(d, i, &len), question);
    assert_int_equal(len, strlen(question));
    assert_string_equal(opro_dataset_answer(d, i, &len), answer);
    assert_int_equal(len, strlen(answer));
    if (!options) return;
    assert_string_equal(opro_dataset_options(d, i, &len), options);
    assert_int_equal(len, strlen(options));
}

#endif
