/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "opro/model.h"

#include "opro/base.h"
#include "opro/journal.h"
#include "opro/version.h"

#define NAMED(status) assert_string_equal(opro_status_name(status), #status)

static void test_names(void **state) {
    (void)state;
    NAMED(OPRO_OK);
    NAMED(OPRO_WAIT);
    NAMED(OPRO_DONE);
    NAMED(OPRO_PENDING);
    NAMED(OPRO_ERR_INVALID);
    NAMED(OPRO_ERR_NOMEM);
    NAMED(OPRO_ERR_UNSUPPORTED);
    NAMED(OPRO_ERR_ABI);
    NAMED(OPRO_ERR_REENTRANT);
    NAMED(OPRO_ERR_CALLBACK);
    NAMED(OPRO_ERR_STALE);
    NAMED(OPRO_ERR_UNKNOWN);
    NAMED(OPRO_ERR_STATE);
    NAMED(OPRO_ERR_LIMIT);
    NAMED(OPRO_ERR_PARSE);
    NAMED(OPRO_ERR_REJECTED);
    NAMED(OPRO_ERR_FAILED);
    NAMED(OPRO_ERR_TIMEOUT);
}

static void test_the_hosts_own(void **state) {
    static const opro_status unknown[] = {1, 11, 40, INT32_MAX, -1, -150, -999, -2000, INT32_MIN};

    (void)state;
    assert_string_equal(opro_status_name(OPRO_ERR_USER_FIRST), "OPRO_ERR_USER");
    assert_string_equal(opro_status_name(-1234), "OPRO_ERR_USER");
    assert_string_equal(opro_status_name(OPRO_ERR_USER_LAST), "OPRO_ERR_USER");
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_string_equal(opro_status_name(unknown[i]), "unknown status");
}

static void test_version(void **state) {
    char text[40];

    (void)state;
    snprintf(text, sizeof text, "%d.%d.%d", OPRO_VERSION_MAJOR, OPRO_VERSION_MINOR,
             OPRO_VERSION_PATCH);
    assert_string_equal(opro_version_string(), text);
    assert_int_equal(opro_version_num(), OPRO_VERSION_NUM);
    assert_int_equal(OPRO_VERSION_NUM,
                     OPRO_VERSION_MAJOR * 1000000 + OPRO_VERSION_MINOR * 1000 + OPRO_VERSION_PATCH);
    assert_int_equal(opro_abi_epoch(), 0);
}

static void test_features(void **state) {
    opro_model *model = NULL;
    opro_journal *journal = NULL;
    opro_status st = opro_model_new(&model, NULL, NULL);

    (void)state;
    assert_int_equal(opro_has_feature(OPRO_FEATURE_THREADS), 1);
    opro_model_free(model); /* NULL if this build has no client */
    assert_int_equal(opro_has_feature(OPRO_FEATURE_HTTP), st == OPRO_OK);
    assert_int_equal(opro_has_feature(OPRO_FEATURE_HTTP), st != OPRO_ERR_UNSUPPORTED);
    st = opro_journal_new(&journal, "not opened", OPRO_ZT, NULL, NULL);
    opro_journal_free(journal); /* NULL if this build has none */
    assert_int_equal(opro_has_feature(OPRO_FEATURE_JOURNAL), st == OPRO_OK);
    assert_int_equal(opro_has_feature(OPRO_FEATURE_JOURNAL), st != OPRO_ERR_UNSUPPORTED);
    assert_int_equal(opro_has_feature(0), 0);
    assert_int_equal(opro_has_feature(-1), 0);
    assert_int_equal(opro_has_feature(11), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_hosts_own),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
