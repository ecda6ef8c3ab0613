/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/budget.h"
#include "opro/run.h"

#define MAX INT64_MAX

static opro__budget make(int64_t proposals, int64_t calls, int64_t tokens, int64_t cost) {
    opro__options options;
    opro__budget budget;

    opro__options_copy(&options, NULL);
    OPRO__INT(&options, MAX_PROPOSALS) = proposals;
    OPRO__INT(&options, MAX_SCORER_CALLS) = calls;
    OPRO__INT(&options, MAX_TOKENS) = tokens;
    OPRO__INT(&options, MAX_COST) = cost;
    opro__budget_init(&budget, &options);
    return budget;
}

static int same(opro__amounts a, opro__amounts b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static void test_sums(void **state) {
    const opro__amounts zero = {0, 0, 0, 0}, one = {1, 2, 3, 4}, most = {MAX, MAX, MAX, MAX};

    (void)state;
    assert_true(opro__sum(1, 2) == 3);
    assert_true(opro__sum(MAX, 0) == MAX);
    assert_true(opro__sum(MAX, 1) == MAX);
    assert_true(opro__sum(MAX - 1, 1) == MAX);
    assert_true(opro__sum(MAX, MAX) == MAX);
    assert_true(opro__rest(5, 3) == 2);
    assert_true(opro__rest(3, 5) == 0);
    assert_true(opro__rest(MAX, MAX) == 0);
    assert_true(same(opro__amounts_add(one, one, 0), one));
    assert_true(same(opro__amounts_add(one, one, 10), (opro__amounts){11, 22, 33, 44}));
    assert_true(same(opro__amounts_add(zero, zero, MAX), zero));
    assert_true(same(opro__amounts_add(zero, (opro__amounts){2, 0, 1, 0}, MAX),
                     (opro__amounts){MAX, 0, MAX, 0}));
    assert_true(same(opro__amounts_add(most, one, 1), most));
    assert_true(same(opro__amounts_add(one, most, MAX), most));
}

static void test_init(void **state) {
    opro__budget none = make(0, 0, 0, 0), some = make(1, 2, 3, 4);

    (void)state;
    assert_true(same(none.max, (opro__amounts){MAX, MAX, MAX, MAX}));
    assert_true(same(some.max, (opro__amounts){1, 2, 3, 4}));
    assert_true(same(some.used, (opro__amounts){0, 0, 0, 0}));
    assert_true(same(some.call, (opro__amounts){0, 1, 0, 0}));
    assert_false(opro__budget_counts_tokens(&none));
    some = make(1, 1, 0, 0);
    assert_false(opro__budget_counts_tokens(&some));
    some = make(0, 0, 1, 0);
    assert_true(opro__budget_counts_tokens(&some));
    some = make(0, 0, 0, 1);
    assert_true(opro__budget_counts_tokens(&some));
}

static int64_t cost_of(int64_t prompt, int64_t prompt_price, int64_t reply, int64_t reply_price) {
    opro__budget budget = make(0, 0, 0, 0);
    opro__amounts amounts;

    budget.prompt_price = prompt_price;
    budget.reply_price = reply_price;
    amounts = opro__budget_reply(&budget, prompt, reply);
    assert_true(amounts.proposals == 1 && amounts.calls == 0);
    assert_true(amounts.tokens == opro__sum(prompt, reply));
    return amounts.cost;
}

/*
 * Prices are per million tokens; what is reserved is rounded up, and never less than what it could
 * cost.
 */
static void test_price(void **state) {
    const int64_t big = INT64_C(1) << 53;

    (void)state;
    assert_true(cost_of(0, 5, 0, 7) == 0);
    assert_true(cost_of(1000000, 3, 0, 0) == 3);
    assert_true(cost_of(1, 1, 0, 0) == 1);
    assert_true(cost_of(1000001, 1, 0, 0) == 2);
    assert_true(cost_of(999999, 1, 999999, 1) == 2); /* each rounded up */
    assert_true(cost_of(1000, 2500000, 500, 10000000) == 2500 + 5000);
    assert_true(cost_of(1234567, 7654321, 0, 0) == 9449773); /* 9449772.11... */
    assert_true(cost_of(big, 1000000, 0, 0) == big);
    assert_true(cost_of(1000000, big, 0, 0) == big);
    assert_true(cost_of(1024000000, big, 0, 0) == MAX); /* 2^63 */
    assert_true(cost_of(1023000000, big, 0, 0) == 1023 * big);
    assert_true(cost_of(big, big, 0, 0) == MAX);
    assert_true(cost_of(big, 1000, big, 1000) == 2 * 9007199254741); /* 9007199254740.99... each */
    assert_true(cost_of(MAX, MAX, MAX, MAX) == MAX);
}

/* ---- what can be afforded -------------------------------------------------------------------- */

static int64_t afford(const opro__budget *budget, opro__amounts unit, int64_t want,
                      int32_t expected_reason) {
    int32_t reason = OPRO_STOP_NONE;
    int64_t n = opro__budget_afford(budget, unit, want, &reason);

    assert_int_equal(reason, expected_reason);
    return n;
}

static void test_afford(void **state) {
    const opro__amounts unit = {1, 10, 100, 1000};
    opro__budget b = make(0, 0, 0, 0);

    (void)state;
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_NONE), 8);
    assert_true(afford(&b, unit, MAX, OPRO_STOP_NONE) == MAX);
    b = make(5, 0, 0, 0);
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_PROPOSALS), 5);
    assert_int_equal(afford(&b, unit, 5, OPRO_STOP_NONE), 5);
    b = make(0, 59, 0, 0);
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_SCORER_CALLS), 5);
    assert_int_equal(afford(&b, unit, 5, OPRO_STOP_NONE), 5);
    b = make(0, 0, 99, 0);
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_TOKENS), 0);
    b = make(0, 0, 0, 2000);
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_COST), 2);
    b = make(7, 60, 500, 3000); /* the one that says least is the reason */
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_COST), 3);
    b = make(7, 60, 200, 3000);
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_TOKENS), 2);
}

/* Reserved counts as used; what is given back is free again. */
static void test_reserve(void **state) {
    const opro__amounts unit = {1, 0, 100, 0};
    opro__budget b = make(10, 0, 1000, 0);

    (void)state;
    opro__budget_reserve(&b, (opro__amounts){2, 0, 600, 5});
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_TOKENS), 4);
    b.used.tokens = 350;
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_TOKENS), 0);
    opro__budget_release(&b, (opro__amounts){1, 0, 300, 5});
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_TOKENS), 3);
    b.used.tokens = 5000; /* what an answer used beyond its reservation */
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_TOKENS), 0);
    opro__budget_release(&b, (opro__amounts){1, 0, 300, 0});
    assert_true(same(b.reserved, (opro__amounts){0, 0, 0, 0}));
}

/*
 * A budget that is used up stops the run also when nothing of it is needed; one that is only
 * reserved does not.
 */
static void test_used_up(void **state) {
    const opro__amounts unit = {1, 0, 0, 0};
    opro__budget b = make(0, 0, 100, 0);

    (void)state;
    opro__budget_reserve(&b, (opro__amounts){0, 0, 100, 0});
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_NONE), 8);
    b.used.tokens = 100;
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_TOKENS), 0);
    b = make(0, 0, 0, 100);
    b.used.cost = 101;
    assert_int_equal(afford(&b, unit, 8, OPRO_STOP_COST), 0);
}

/* No sum wraps round, however large its parts. */
static void test_saturation(void **state) {
    opro__budget b = make(0, 0, INT64_C(1) << 53, 0);

    (void)state;
    opro__budget_reserve(&b, (opro__amounts){1, 1, MAX, MAX});
    opro__budget_reserve(&b, (opro__amounts){1, 1, MAX, MAX});
    assert_true(same(b.reserved, (opro__amounts){2, 2, MAX, MAX}));
    b.used.tokens = MAX;
    assert_int_equal(afford(&b, (opro__amounts){1, 1, 1, 1}, 8, OPRO_STOP_TOKENS), 0);
    opro__budget_release(&b, (opro__amounts){1, 1, MAX, MAX});
    opro__budget_release(&b, (opro__amounts){1, 1, MAX, MAX}); /* less is there than was added */
    assert_true(same(b.reserved, (opro__amounts){0, 0, 0, 0}));
    b = make(0, 0, 1000, 0);
    assert_int_equal(afford(&b, (opro__amounts){1, 1, MAX, 1}, 8, OPRO_STOP_TOKENS), 0);
}

/* Take what can be afforded, use some of it or all, at random: the limits hold at every moment. */
static void test_never_overshot(void **state) {
    opro__rng rng = opro__rng_make(1, 0, 0);
    int32_t reason = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        opro__budget b =
            make((int64_t)opro__rng_below(&rng, 50), (int64_t)opro__rng_below(&rng, 500),
                 (int64_t)opro__rng_below(&rng, 5000), (int64_t)opro__rng_below(&rng, 5000));
        opro__amounts open[100];
        size_t n = 0;

        for (int k = 0; k < 100; k++) {
            opro__amounts unit = {1, (int64_t)opro__rng_below(&rng, 5),
                                  (int64_t)opro__rng_below(&rng, 60),
                                  (int64_t)opro__rng_below(&rng, 60)};
            int64_t count =
                opro__budget_afford(&b, unit, (int64_t)opro__rng_below(&rng, 9), &reason);

            open[n] = opro__amounts_add((opro__amounts){0}, unit, count);
            opro__budget_reserve(&b, open[n++]);
            if (opro__rng_below(&rng, 2)) { /* an answer, which used at most what was reserved */
                size_t which = (size_t)opro__rng_below(&rng, n);
                opro__amounts used = open[which];

                opro__budget_release(&b, used);
                used.tokens -= (int64_t)opro__rng_below(&rng, (uint64_t)used.tokens + 1);
                used.cost -= (int64_t)opro__rng_below(&rng, (uint64_t)used.cost + 1);
                b.used = opro__amounts_add(b.used, used, 1);
                open[which] = open[--n];
            }
            assert_true(opro__sum(b.used.proposals, b.reserved.proposals) <= b.max.proposals);
            assert_true(opro__sum(b.used.calls, b.reserved.calls) <= b.max.calls);
            assert_true(opro__sum(b.used.tokens, b.reserved.tokens) <= b.max.tokens);
            assert_true(opro__sum(b.used.cost, b.reserved.cost) <= b.max.cost);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),       cmocka_unit_test(test_init),
        cmocka_unit_test(test_price),      cmocka_unit_test(test_afford),
        cmocka_unit_test(test_reserve),    cmocka_unit_test(test_used_up),
        cmocka_unit_test(test_saturation), cmocka_unit_test(test_never_overshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
