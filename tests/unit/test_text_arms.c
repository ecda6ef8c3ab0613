/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "opro/optimizer.h"
#include "search/arms.h"

typedef struct bench {
    opro__mem mem;
    opro__options options;
    opro_trajectory *trajectory;
    const opro__arms *arms;
    void *state;
    opro__rng rng;
    opro__buf text;
} bench;

static void open_bench(bench *b) {
    memset(b, 0, sizeof *b);
    b->rng = opro__rng_make(1, 0, OPRO__RNG_LOCAL);
    assert_int_equal(opro__mem_init(&b->mem, NULL), OPRO_OK);
    opro__options_copy(&b->options, NULL);
    assert_int_equal(opro_trajectory_new(&b->trajectory, OPRO_MAXIMIZE, NULL), OPRO_OK);
    b->arms = opro__text_arms(&b->options, &b->mem, &b->state);
    assert_non_null(b->arms);
    opro__buf_init(&b->text, &b->mem, 1 << 20);
    b->arms->reset(b->state);
    b->arms->begin(b->state, b->trajectory, 0);
}

static void close_bench(bench *b) {
    opro__buf_free(&b->text);
    b->arms->free(b->state, &b->mem);
    assert_int_equal(b->mem.used, 0);
    opro_trajectory_free(b->trajectory);
}

static void teach(bench *b, const char *text, double score) {
    int64_t number;

    assert_int_equal(opro_trajectory_add(b->trajectory, text, OPRO_ZT, &score, 1, &number),
                     OPRO_OK);
    assert_int_equal(
        b->arms->learn(b->state, opro__trajectory_at(b->trajectory, number), -score, OPRO__NO_ARM),
        OPRO_OK);
    b->arms->begin(b->state, b->trajectory, 0);
}

static const char *propose(bench *b, int32_t origin) {
    size_t arm = 0;

    while (b->arms->origins[arm] != origin)
        arm++;
    opro__buf_clear(&b->text);
    assert_int_equal(b->arms->propose(b->state, arm, &b->rng, &b->text), OPRO_OK);
    assert_true(b->text.len > 0);
    assert_true(opro__utf8_valid(b->text.data, b->text.len));
    return b->text.data;
}

/* 1 if it comes up among so many proposals. */
static int comes_up(bench *b, int32_t origin, const char *wanted) {
    for (int i = 0; i < 500; i++)
        if (strcmp(propose(b, origin), wanted) == 0) return 1;
    return 0;
}

static const int32_t origins[] = {OPRO_ORIGIN_LOCAL_CROSSOVER, OPRO_ORIGIN_LOCAL_DELETE,
                                  OPRO_ORIGIN_LOCAL_SWAP, OPRO_ORIGIN_LOCAL_INSERT,
                                  OPRO_ORIGIN_LOCAL_RANDOM};

static void test_sentences_are_recombined(void **state) {
    bench b;

    (void)state;
    open_bench(&b);
    assert_int_equal(b.arms->usable(b.state), 0);
    teach(&b, "One. Two! Three?", 0.5);
    teach(&b, "A b. C d.", 0.6);
    assert_int_equal(b.arms->usable(b.state), 0xf);
    assert_true(comes_up(&b, OPRO_ORIGIN_LOCAL_CROSSOVER, "A b. Three?"));
    assert_true(comes_up(&b, OPRO_ORIGIN_LOCAL_CROSSOVER, "One. Two! C d."));
    assert_true(comes_up(&b, OPRO_ORIGIN_LOCAL_DELETE, "One. Three?"));
    assert_true(comes_up(&b, OPRO_ORIGIN_LOCAL_SWAP, "Three? Two! One."));
    assert_true(comes_up(&b, OPRO_ORIGIN_LOCAL_INSERT, "A b. Two! C d."));
    assert_true(comes_up(&b, OPRO_ORIGIN_LOCAL_INSERT, "A b. C d. Be precise."));
    assert_false(comes_up(&b, OPRO_ORIGIN_LOCAL_SWAP, "One."));
    close_bench(&b);
}

/*
 * Numbers and abbreviations with a point inside are not torn apart; a single sentence falls into
 * its clauses.
 */
static void test_where_sentences_end(void **state) {
    bench b;

    (void)state;
    open_bench(&b);
    teach(&b, "Use 3.5 percent.\nThen stop.", 1);
    assert_true(comes_up(&b, OPRO_ORIGIN_LOCAL_SWAP, "Then stop. Use 3.5 percent."));
    for (int i = 0; i < 100; i++)
        assert_null(strstr(propose(&b, OPRO_ORIGIN_LOCAL_SWAP), "5 percent. Use 3."));
    close_bench(&b);
    open_bench(&b);
    teach(&b, "first think, then act", 1);
    assert_true(comes_up(&b, OPRO_ORIGIN_LOCAL_SWAP, "then act first think,"));
    assert_true(comes_up(&b, OPRO_ORIGIN_LOCAL_DELETE, "then act"));
    close_bench(&b);
}

static void test_limits_of_the_options_are_kept(void **state) {
    (void)state;
    for (int64_t most = 1; most <= 40; most++) {
        bench b;

        open_bench(&b);
        b.options.values[OPRO__ROW_MAX_LENGTH].i = most;
        b.options.values[OPRO__ROW_FORBID_DIGITS].i = 1;
        teach(&b,
              "Gr\xc3\xb6\xc3\x9f"
              "e z\xc3\xa4hlt. Nimm 2 Schritte. Kurz.",
              0.1);
        teach(&b, "A. B. C. D. E. F. G. H. I. J. K. L. M. N. O. P.", 0.2);
        for (int i = 0; i < 200; i++) {
            const char *text = propose(&b, origins[i % 5]);

            assert_true((int64_t)opro__utf8_count(text, strlen(text)) <= most);
            assert_null(strpbrk(text, "0123456789"));
        }
        close_bench(&b);
    }
}

static void test_odd_texts(void **state) {
    static const char *const odd[] = {"", " \n\t ", ".", "...", "\xe2\x80\x94", "?!?!", "x"};
    static char sentences[4000];
    bench b;

    (void)state;
    for (size_t i = 0; i + 4 < sizeof sentences; i += 4)
        memcpy(sentences + i, "Ab. ", 4);
    open_bench(&b);
    b.options.values[OPRO__ROW_MAX_LENGTH].i = 0;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        teach(&b, odd[i], (double)i);
        for (int k = 0; k < 50; k++)
            propose(&b, origins[k % 5]);
    }
    teach(&b, sentences, 100); /* more sentences than are told apart */
    for (int k = 0; k < 200; k++)
        propose(&b, origins[k % 5]);
    close_bench(&b);
}

static void test_only_good_ones_are_parents(void **state) {
    bench b;

    (void)state;
    open_bench(&b);
    teach(&b, "Bad bad.", 0);
    for (int i = 0; i < 25; i++) {
        char text[] = "Good x. Fine.";

        text[5] = (char)('a' + i);
        teach(&b, text, 1);
    }
    for (int i = 0; i < 500; i++)
        assert_null(strstr(propose(&b, origins[i % 4]), "Bad"));
    b.arms->restart(b.state);
    assert_int_equal(b.arms->usable(b.state), 0);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences_are_recombined),
        cmocka_unit_test(test_where_sentences_end),
        cmocka_unit_test(test_limits_of_the_options_are_kept),
        cmocka_unit_test(test_odd_texts),
        cmocka_unit_test(test_only_good_ones_are_parents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
