/* SPDX-License-Identifier: MIT */
/* Headers that hosts set: which names are taken, and what is said of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

static void test_names(void **state) {
    static const struct {
        const char *name, *says; /* NULL: it is taken */
    } cases[] = {
        {"X-Team", NULL},
        {"x.y_z~1!#$%&'*+-^`|", NULL},
        {"", "\"\" is no name"},
        {"Authorization", "\"Authorization\" is no name"},
        {"content-LENGTH", "\"content-LENGTH\" is no name"},
        {"X Team", "(byte 1)"},
        {"X-Team:", "(byte 6)"},
        {"\xc3\xa9", "(byte 0)"},
        {"X-Key sk-secret-1", "(byte 5)"},
    };
    opro_model *model = NULL;

    (void)state;
    assert_int_equal(opro_model_new(&model, NULL, NULL), OPRO_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro_status st = opro_model_set_header(model, cases[i].name, OPRO_ZT, "red", 3);
        const char *message = opro_error_message(opro_model_error(model), NULL);

        assert_int_equal(st, cases[i].says ? OPRO_ERR_INVALID : OPRO_OK);
        if (cases[i].says && !strstr(message, cases[i].says)) fail_msg("%s", message);
        assert_null(strstr(message, "secret"));
    }
    opro_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
