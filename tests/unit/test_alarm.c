/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "failing.h"
#include "model/alarm.h"

#define N 200

static void in_order_of_time_then_of_setting(void **state) {
    opro__mem mem;
    opro__alarms alarms;
    opro__alarm alarm[4] = {{.kind = 0}, {.kind = 1}, {.kind = 2}, {.kind = 3}};

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    opro__alarms_init(&alarms, &mem);
    for (int i = 0; i < 4; i++)
        assert_true(opro__alarms_reserve(&alarms));
    assert_true(opro__alarms_next(&alarms) == INT64_MAX);
    opro__alarm_set(&alarms, &alarm[0], 20);
    opro__alarm_set(&alarms, &alarm[1], 10);
    opro__alarm_set(&alarms, &alarm[2], 20);
    opro__alarm_set(&alarms, &alarm[3], INT64_MAX); /* never */
    assert_int_equal(alarm[3].place, 0);
    assert_true(opro__alarms_next(&alarms) == 10);
    assert_null(opro__alarms_due(&alarms, 9));
    assert_ptr_equal(opro__alarms_due(&alarms, 30), &alarm[1]);
    assert_ptr_equal(opro__alarms_due(&alarms, 30), &alarm[0]);
    assert_ptr_equal(opro__alarms_due(&alarms, 30), &alarm[2]);
    assert_null(opro__alarms_due(&alarms, INT64_MAX));
    opro__alarms_free(&alarms);
    assert_int_equal(mem.used, 0);
}

/* Against a list that is searched: set, moved, unset and taken at random. */
static void as_a_plain_list_does(void **state) {
    opro__mem mem;
    opro__alarms alarms;
    opro__alarm alarm[N] = {{0}};
    int64_t at[N];
    opro__rng rng = opro__rng_make(7, 0, 1);

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    opro__alarms_init(&alarms, &mem);
    for (int i = 0; i < N; i++) {
        at[i] = INT64_MAX;
        assert_true(opro__alarms_reserve(&alarms));
    }
    for (int step = 0; step < 20000; step++) {
        size_t i = (size_t)opro__rng_below(&rng, N);
        int64_t first = INT64_MAX;

        if (opro__rng_below(&rng, 3)) {
            at[i] = (int64_t)opro__rng_below(&rng, 1000);
            opro__alarm_set(&alarms, &alarm[i], at[i]);
        } else {
            at[i] = INT64_MAX;
            opro__alarm_unset(&alarms, &alarm[i]);
        }
        for (int k = 0; k < N; k++)
            if (at[k] < first) first = at[k];
        assert_true(opro__alarms_next(&alarms) == first);
        if (step % 10 == 0 && first != INT64_MAX) {
            opro__alarm *due = opro__alarms_due(&alarms, first);

            assert_non_null(due);
            assert_true(at[due - alarm] == first);
            assert_int_equal(due->place, 0);
            at[due - alarm] = INT64_MAX;
        }
    }
    opro__alarms_free(&alarms);
}

static void without_memory_nothing_is_reserved(void **state) {
    failing memory = {.left = 0};
    opro_allocator allocator = failing_allocator(&memory);
    opro__mem mem;
    opro__alarms alarms;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, &allocator), OPRO_OK);
    opro__alarms_init(&alarms, &mem);
    assert_false(opro__alarms_reserve(&alarms));
    assert_int_equal(alarms.reserved, 0);
    opro__alarms_free(&alarms);
    assert_int_equal(memory.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_of_time_then_of_setting),
        cmocka_unit_test(as_a_plain_list_does),
        cmocka_unit_test(without_memory_nothing_is_reserved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
