/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exam/exam.h"
#include "failing.h"

typedef struct fixture {
    opro__mem mem;
    opro_error err;
    opro__template words;
    opro__buf out;
} fixture;

static void set_up(fixture *f) {
    memset(f, 0, sizeof *f);
    opro__mem_init(&f->mem, NULL);
    opro__buf_init(&f->out, &f->mem, OPRO__MESSAGES_MAX);
}

static void tear_down(fixture *f) {
    opro__template_free(&f->words, &f->mem);
    opro__buf_free(&f->out);
    assert_int_equal(f->mem.used, 0);
}

/* ---- the second question --------------------------------------------------------------------- */

static void test_second_question(void **state) {
    static const char *const cases[][2] = {
        {"It is 7.", "A: It is 7. So the final answer is"},
        {"\n It is 7. \nQ: And now?\nA: 8", "A: It is 7. So the final answer is"},
        {"\xc2\xa0\xe2\x82\xac\xe3\x80\x80", "A: \xe2\x82\xac So the final answer is"},
        {"q: 7", "A: q: 7 So the final answer is"},
        {"", "A:  So the final answer is"}, /* two blanks, as published */
        {"Q:", "A:  So the final answer is"},
    };
    fixture f;

    (void)state;
    set_up(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__buf_clear(&f.out);
        opro__buf_addz(&f.out, "A:");
        assert_int_equal(opro__second_question(&f.out, cases[i][0], strlen(cases[i][0])), OPRO_OK);
        assert_string_equal(opro__buf_text(&f.out), cases[i][1]);
    }
    f.out.max = 10;
    opro__buf_clear(&f.out);
    assert_int_equal(opro__second_question(&f.out, "It is 7.", 8), OPRO_ERR_LIMIT);
    tear_down(&f);
}

/* ---- what a judge is asked ------------------------------------------------------------------- */

static const opro__example example = {"What is {reply}?", "18 \xe2\x82\xac", "", 16, 6, 0};

static const char *asked(fixture *f, const char *text, const char *reply) {
    assert_int_equal(opro__judge_words(&f->words, &f->mem, text, OPRO_ZT, &f->err), OPRO_OK);
    opro__buf_clear(&f->out);
    assert_int_equal(opro__judge_write(&f->out, &f->words, &example, reply, strlen(reply)),
                     OPRO_OK);
    return opro__buf_text(&f->out);
}

static void test_judge_write(void **state) {
    const char *text;
    fixture f;

    (void)state;
    set_up(&f);
    assert_string_equal(asked(&f, "{reply}", "eighteen"), "eighteen");
    assert_string_equal(asked(&f, "{{{question}}} {answer}/{reply}", "{answer}"),
                        "{What is {reply}?} 18 \xe2\x82\xac/{answer}");
    text = asked(&f, NULL, "It is eighteen.");
    assert_non_null(strstr(text, "\nWhat is {reply}?\n"));
    assert_non_null(strstr(text, "\n18 \xe2\x82\xac\n"));
    assert_non_null(strstr(text, "\nIt is eighteen.\n"));
    assert_non_null(strstr(text, "yes or no"));
    assert_int_equal(strlen(text), f.out.len);
    /* a judge that repeats the question has said nothing */
    assert_int_equal(opro__judge_read(text, f.out.len), -1);
    tear_down(&f);
}

static void refused(fixture *f, const char *text, size_t len, opro_status st, const char *says) {
    assert_int_equal(opro__judge_words(&f->words, &f->mem, text, len, &f->err), st);
    if (!strstr(f->err.message, says)) fail_msg("\"%s\" lacks \"%s\"", f->err.message, says);
    assert_string_equal(f->words.source, "{reply}?");
}

static void test_bad_judges(void **state) {
    fixture f;

    (void)state;
    set_up(&f);
    assert_string_equal(asked(&f, "{reply}?", "a"), "a?");
    refused(&f, "{question} {answer}", OPRO_ZT, OPRO_ERR_INVALID, "{reply}");
    refused(&f, "", 0, OPRO_ERR_INVALID, "{reply}");
    refused(&f, "{instruction} {reply}", OPRO_ZT, OPRO_ERR_PARSE, "{question} {answer} {reply}");
    refused(&f, "{reply", OPRO_ZT, OPRO_ERR_PARSE, "judge's");
    refused(&f, "{reply}\xff", OPRO_ZT, OPRO_ERR_INVALID, "UTF-8");
    tear_down(&f);
}

static void test_huge(void **state) {
    const size_t len = OPRO__MESSAGES_MAX, said = (size_t)8 << 20;
    char *large = malloc(len);
    fixture f;

    (void)state;
    assert_non_null(large);
    memset(large, 'x', len);
    set_up(&f);
    asked(&f, "{reply}", "a");
    opro__buf_clear(&f.out);
    assert_int_equal(opro__judge_write(&f.out, &f.words, &example, large, len), OPRO_OK);
    opro__buf_clear(&f.out);
    assert_int_equal(opro__judge_words(&f.words, &f.mem, NULL, 0, &f.err), OPRO_OK);
    assert_int_equal(opro__judge_write(&f.out, &f.words, &example, large, len), OPRO_ERR_LIMIT);
    memcpy(large + said - 5, " yes.", 5);
    assert_int_equal(opro__judge_read(large, said), 1);
    for (size_t i = 0; i + 4 <= said; i += 4)
        memcpy(large + i, "yes ", 4);
    assert_int_equal(opro__judge_read(large, said), 1);
    memset(large, ' ', said);
    assert_int_equal(opro__judge_read(large, said), -1);
    tear_down(&f);
    free(large);
}

/* ---- what a judge says ----------------------------------------------------------------------- */

static const struct {
    const char *words;
    int verdict;
} judged[] = {
    /* a word, and what follows it */
    {"yes", 1},
    {"no", 0},
    {"Yes.", 1},
    {"NO!", 0},
    {"**Yes**", 1},
    {"**No.**", 0},
    {"\"No\"", 0},
    {"`yes`", 1},
    {"- Yes", 1},
    {"\n\n  no\n", 0},
    {"(No)", 0},
    {"[yes]", 1},
    {"Yes, because both say 18.", 1},
    {"No, because 17 is not 18.", 0},
    {"Yes it is.", 1},
    {"Yes - the reply says 18.", 1},
    {"No: it says 17.", 0},
    {"No; it says 17.", 0},
    {"No (it says 17).", 0},
    {"No\xe2\x80\x94it says 17.", 0},
    {"No\xe3\x80\x82", 0},
    {"Yes\r\nBoth are 18.", 1},
    {"Yes. There is no doubt.", 1},
    {"No, the wanted answer is yes.", 0},
    {"Yes, the reply settles on no.", 1},
    {"No. The answer that is wanted: yes, as said above.", 0},
    /* behind an announcement, or in the end */
    {"The answer is: yes", 1},
    {"The answer is no.", 0},
    {"Answer: Yes", 1},
    {"**Answer:** No", 0},
    {"Verdict: **no**, it says 17", 0},
    {"The answer is no, since the wanted one, Yes 18, is another.", 0},
    {"The reply says 18. The right answer is 18. Yes.", 1},
    {"The reply says 17.\n\nNo", 0},
    {"The reply names no number. The answer: No.", 0},
    {"There is no difference between both.\n\n**Yes**", 1},
    {"Is it right (yes or no)? Yes.", 1},
    {"yes/no: no", 0},
    /* somewhere, but only one of them */
    {"I would say yes", 1},
    {"So it's a no, I fear", 0},
    {"My verdict would be \"yes\", as both say 18", 1},
    /* reasoning does not count */
    {"<think>No, wait, no.</think>Yes", 1},
    {"<think>Yes?</think>\n\n<think>yes</think>\nNo.", 0},
    {"<thinking>yes</thinking> no", 0},
    {"<think>The reply says yes. Yes", -1},
    {"No. <think>Or", -1},
    /* neither, both, or who knows */
    {"", -1},
    {".", -1},
    {"The reply is right.", -1},
    {"No errors are to be seen.", -1},
    {"There is no doubt that it is right.", -1},
    {"No errors. Yes.", 1},
    {"yes or no", -1},
    {"Yes and no.", -1},
    {"Yes/No", -1},
    {"Yes, no", -1},
    {"Yes. No.", -1},
    {"Yes. It says 18, wait: no.", -1},
    {"It could be yes, it could be no.", -1},
    {"The answer is no, since the wanted one is yes, 18.", -1},
    {"The first says no, the second says yes, so who knows.", -1},
    {"yesterday", -1},
    {"Nothing", -1},
    {"know", -1},
    {"yes1", -1},
    {"\xff\xfe", -1},
};

static void test_judge_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++) {
        size_t len = strlen(judged[i].words);
        char *exact = malloc(len ? len : 1); /* nothing behind it is read */
        int verdict;

        assert_non_null(exact);
        memcpy(exact, judged[i].words, len);
        verdict = opro__judge_read(exact, len);
        if (verdict != judged[i].verdict)
            fail_msg("\"%s\" is read as %d, not %d", judged[i].words, verdict, judged[i].verdict);
        free(exact);
    }
    assert_int_equal(opro__judge_read("Yes\0no", 3), 1);
    assert_int_equal(opro__judge_read("\0yes\0", 5), 1);
}

/* ---- without memory -------------------------------------------------------------------------- */

static opro_status all_of_it(opro__mem *mem, opro__template *words, opro__buf *out,
                             opro_error *err) {
    opro_status st = opro__judge_words(words, mem, NULL, 0, err);

    if (st == OPRO_OK) st = opro__judge_words(words, mem, "{reply}", OPRO_ZT, err);
    if (st == OPRO_OK) st = opro__judge_words(words, mem, NULL, 0, err);
    if (st == OPRO_OK) st = opro__judge_write(out, words, &example, "18", 2);
    if (st == OPRO_OK) st = opro__second_question(out, "It is 18, as far as I can see", 29);
    return st;
}

static void test_no_memory(void **state) {
    opro_status st = OPRO_ERR_NOMEM;

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        failing memory = {n, 0};
        opro_allocator allocator = failing_allocator(&memory);
        opro__template words = {0};
        opro_error err;
        opro__mem mem;
        opro__buf out;

        opro__mem_init(&mem, &allocator);
        opro__buf_init(&out, &mem, OPRO__MESSAGES_MAX);
        st = all_of_it(&mem, &words, &out, &err);
        if (st != OPRO_OK) assert_int_equal(st, OPRO_ERR_NOMEM);
        if (st == OPRO_OK) assert_true(n > 5);
        opro__template_free(&words, &mem);
        opro__buf_free(&out);
        assert_int_equal(memory.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_question), cmocka_unit_test(test_judge_write),
        cmocka_unit_test(test_bad_judges),      cmocka_unit_test(test_huge),
        cmocka_unit_test(test_judge_read),      cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
