/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/rejected.h"
#include "opro/opro.h"

typedef struct fixture {
    opro__mem mem;
    opro_trajectory *t;
    opro__rejected r;
} fixture;

static void set_up(fixture *f) {
    opro__mem_init(&f->mem, NULL);
    opro__rejected_init(&f->r, &f->mem);
    assert_int_equal(opro_trajectory_new(&f->t, OPRO_MAXIMIZE, NULL), OPRO_OK);
}

static void tear_down(fixture *f) {
    opro__rejected_free(&f->r);
    opro_trajectory_free(f->t);
    assert_int_equal(f->mem.used, 0);
}

static opro__candidate *add(fixture *f, uint8_t verdict, int reason, const char *detail) {
    char text[32];
    int fresh;
    opro__candidate *c;

    snprintf(text, sizeof text, "text %lld", (long long)opro_trajectory_count(f->t));
    c = opro__trajectory_meet(f->t, text, strlen(text), &fresh);
    assert_non_null(c);
    c->verdict = verdict;
    c->reason = (uint8_t)(reason & 0x7f);
    if (verdict == OPRO_VERDICT_SCORED) c->score = 0.5;
    if (detail) assert_int_equal(opro__candidate_detail(f->t, c, detail, strlen(detail)), OPRO_OK);
    opro__trajectory_commit(f->t, c);
    return c;
}

static void test_newest_first(void **state) {
    fixture f;

    (void)state;
    set_up(&f);
    assert_int_equal(opro__rejected_update(&f.r, f.t, 3), OPRO_OK);
    assert_int_equal(f.r.n, 0);
    add(&f, OPRO_VERDICT_SCORED, 0, NULL);
    add(&f, OPRO_VERDICT_REJECTED, OPRO_REASON_DIGITS, NULL);
    add(&f, OPRO_VERDICT_FAILED, OPRO_REASON_NOT_SCORED, NULL);
    assert_int_equal(opro__rejected_update(&f.r, f.t, 3), OPRO_OK);
    assert_int_equal(f.r.n, 2);
    assert_int_equal(opro__rejected_at(&f.r, 0), 2);
    assert_int_equal(opro__rejected_at(&f.r, 1), 1);
    for (int i = 0; i < 5; i++)
        add(&f, OPRO_VERDICT_REJECTED, OPRO_REASON_DIGITS, NULL);
    add(&f, OPRO_VERDICT_SCORED, 0, NULL);
    assert_int_equal(opro__rejected_update(&f.r, f.t, 3), OPRO_OK);
    assert_int_equal(f.r.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(opro__rejected_at(&f.r, i), 7 - (int64_t)i);
    tear_down(&f);
}

/* However it grew, what is known is what a fresh look finds. */
static void test_catching_up(void **state) {
    opro__rng rng = opro__rng_make(5, 0, 0);
    fixture f;

    (void)state;
    set_up(&f);
    for (int round = 0; round < 500; round++) {
        opro__rejected fresh;

        for (size_t k = (size_t)opro__rng_below(&rng, 5); k > 0; k--)
            add(&f, opro__rng_below(&rng, 2) ? OPRO_VERDICT_SCORED : OPRO_VERDICT_REJECTED, 0,
                NULL);
        opro__rejected_init(&fresh, &f.mem);
        assert_int_equal(opro__rejected_update(&fresh, f.t, 7), OPRO_OK);
        assert_int_equal(opro__rejected_update(&f.r, f.t, 7), OPRO_OK);
        assert_int_equal(fresh.n, f.r.n);
        for (size_t i = 0; i < fresh.n; i++)
            assert_int_equal(opro__rejected_at(&fresh, i), opro__rejected_at(&f.r, i));
        opro__rejected_free(&fresh);
    }
    tear_down(&f);
}

static void test_another_trajectory(void **state) {
    fixture f;

    (void)state;
    set_up(&f);
    add(&f, OPRO_VERDICT_REJECTED, 0, NULL);
    assert_int_equal(opro__rejected_update(&f.r, f.t, 3), OPRO_OK);
    opro_trajectory_free(f.t);
    assert_int_equal(opro_trajectory_new(&f.t, OPRO_MAXIMIZE, NULL), OPRO_OK);
    add(&f, OPRO_VERDICT_SCORED, 0, NULL);
    assert_int_equal(opro__rejected_update(&f.r, f.t, 3), OPRO_OK);
    assert_int_equal(f.r.n, 0);
    tear_down(&f);
}

static void says(const opro__candidate *c, const char *expect) {
    opro__mem mem;
    opro__buf out;

    opro__mem_init(&mem, NULL);
    opro__buf_init(&out, &mem, 1000);
    opro__rejected_words(c, &out);
    assert_string_equal(opro__buf_text(&out), expect);
    opro__buf_free(&out);
}

static void test_words(void **state) {
    static const int reasons[] = {
        OPRO_REASON_NO_CANDIDATE, OPRO_REASON_DUPLICATE, OPRO_REASON_TOO_LONG,  OPRO_REASON_DIGITS,
        OPRO_REASON_PLACEHOLDER,  OPRO_REASON_NOT_LEGAL, OPRO_REASON_TRUNCATED, OPRO_REASON_REFUSED,
        OPRO_REASON_NOT_SCORED,   OPRO_REASON_NO_REPLY};
    fixture f;

    (void)state;
    set_up(&f);
    says(add(&f, OPRO_VERDICT_REJECTED, OPRO_REASON_DIGITS, NULL), "has digits in it");
    says(add(&f, OPRO_VERDICT_REJECTED, OPRO_REASON_NOT_LEGAL, "node 3 twice"), "node 3 twice");
    says(add(&f, OPRO_VERDICT_FAILED, OPRO_REASON_NOT_SCORED, "timeout"),
         "could not be scored: timeout");
    says(add(&f, OPRO_VERDICT_FAILED, 0, NULL), "could not be scored");
    says(add(&f, OPRO_VERDICT_REJECTED, 0, NULL), "not allowed");
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) { /* a different one for each */
        opro__mem mem;
        opro__buf out;
        char first[64];

        opro__mem_init(&mem, NULL);
        opro__buf_init(&out, &mem, 1000);
        opro__rejected_words(add(&f, OPRO_VERDICT_REJECTED, reasons[i], NULL), &out);
        snprintf(first, sizeof first, "%s", opro__buf_text(&out));
        for (size_t k = 0; k < i; k++) {
            opro__buf_clear(&out);
            opro__rejected_words(add(&f, OPRO_VERDICT_REJECTED, reasons[k], NULL), &out);
            assert_string_not_equal(first, opro__buf_text(&out));
        }
        opro__buf_free(&out);
    }
    tear_down(&f);
}

static void test_no_memory(void **state) {
    fixture f;

    (void)state;
    set_up(&f);
    add(&f, OPRO_VERDICT_REJECTED, 0, NULL);
    f.mem.limit = 1;
    assert_int_equal(opro__rejected_update(&f.r, f.t, 3), OPRO_ERR_NOMEM);
    assert_int_equal(f.r.n, 0);
    f.mem.limit = 0;
    assert_int_equal(opro__rejected_update(&f.r, f.t, 3), OPRO_OK);
    assert_int_equal(f.r.n, 1);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_first),       cmocka_unit_test(test_catching_up),
        cmocka_unit_test(test_another_trajectory), cmocka_unit_test(test_words),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
