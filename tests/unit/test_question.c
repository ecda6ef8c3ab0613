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
#include "opro/meta_prompt.h"

#define SYSTEM    OPRO_ROLE_SYSTEM
#define USER      OPRO_ROLE_USER
#define ASSISTANT OPRO_ROLE_ASSISTANT

typedef struct fixture {
    opro__mem mem;
    opro_error err;
    opro__form form;
    opro__messages messages;
} fixture;

static void set_up(fixture *f, int32_t position, int marks) {
    memset(f, 0, sizeof *f);
    opro__mem_init(&f->mem, NULL);
    opro__messages_init(&f->messages, &f->mem);
    assert_int_equal(opro__form_init(&f->form, &f->mem, position, marks, &f->err), OPRO_OK);
    assert_int_equal(opro__form_ready(&f->form, &f->err), OPRO_OK);
}

static void tear_down(fixture *f) {
    opro__form_free(&f->form, &f->mem);
    opro__messages_free(&f->messages);
    assert_int_equal(f->mem.used, 0);
}

static void own(fixture *f, int32_t role, const char *text) {
    assert_int_equal(opro__form_set_text(&f->form, &f->mem, role, text, OPRO_ZT, &f->err), OPRO_OK);
}

static void shot(fixture *f, const char *question, const char *answer) {
    assert_int_equal(
        opro__form_add_shot(&f->form, &f->mem, question, OPRO_ZT, answer, OPRO_ZT, &f->err),
        OPRO_OK);
}

static opro_status write_for(fixture *f, const char *instruction, const char *question) {
    return opro__form_write(&f->form, instruction, strlen(instruction), question, strlen(question),
                            &f->messages, &f->err);
}

/* "S...|U...|A...", one a message. */
static const char *written(fixture *f, const char *instruction) {
    static char all[2000];
    const opro__messages *m = &f->messages;
    size_t at = 0;

    assert_int_equal(opro__form_ready(&f->form, &f->err), OPRO_OK);
    assert_int_equal(write_for(f, instruction, "Is it so?"), OPRO_OK);
    for (size_t i = 0; i < m->n; i++) {
        const char *text = m->text.data + m->all[i].from;

        assert_int_equal(strlen(text), m->all[i].len);
        assert_true(at + m->all[i].len + 3 < sizeof all);
        if (i) all[at++] = '|';
        all[at++] = m->all[i].role == SYSTEM ? 'S' : m->all[i].role == USER ? 'U' : 'A';
        memcpy(all + at, text, m->all[i].len);
        at += m->all[i].len;
    }
    all[at] = '\0';
    return all;
}

/* ---- by position ----------------------------------------------------------------------------- */

static void test_positions(void **state) {
    static const struct {
        int32_t position;
        int marks;
        const char *with, *without;
        int first;
    } cases[] = {
        {OPRO_POSITION_BEFORE_Q, 1, "UThink.\nQ: Is it so?\n\nA:", "UQ: Is it so?\n\nA:", 1},
        {OPRO_POSITION_Q_BEGIN, 1, "UQ: Think.\nIs it so?\n\nA:", "UQ: Is it so?\n\nA:", 1},
        {OPRO_POSITION_Q_BEGIN, 0, "UThink.\nIs it so?", "UIs it so?", 1},
        {OPRO_POSITION_Q_END, 1, "UQ: Is it so?\nThink.\n\nA:", "UQ: Is it so?\n\nA:", 0},
        {OPRO_POSITION_Q_END, 0, "UIs it so?\nThink.", "UIs it so?", 0},
        {OPRO_POSITION_A_BEGIN, 1, "UQ: Is it so?\n\nA: Think.", "UQ: Is it so?\n\nA:", 0},
        {OPRO_POSITION_SYSTEM, 1, "SThink.|UQ: Is it so?\n\nA:", "UQ: Is it so?\n\nA:", 1},
        {OPRO_POSITION_SYSTEM, 0, "SThink.|UIs it so?", "UIs it so?", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;

        set_up(&f, cases[i].position, cases[i].marks);
        assert_string_equal(written(&f, "Think."), cases[i].with);
        assert_string_equal(written(&f, ""), cases[i].without);
        assert_int_equal(opro__form_instruction_first(&f.form), cases[i].first);
        tear_down(&f);
    }
}

static void test_question_marks_needed(void **state) {
    static const struct {
        int32_t position;
        const char *name;
    } cases[] = {{OPRO_POSITION_BEFORE_Q, "before_q"}, {OPRO_POSITION_A_BEGIN, "a_begin"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fixture f = {0};

        opro__mem_init(&f.mem, NULL);
        opro__messages_init(&f.messages, &f.mem);
        assert_int_equal(opro__form_init(&f.form, &f.mem, cases[i].position, 0, &f.err),
                         OPRO_ERR_INVALID);
        assert_non_null(strstr(f.err.message, cases[i].name));
        assert_non_null(strstr(f.err.message, "question_marks"));
        tear_down(&f);
    }
}

/* What stands in texts is never a template. */
static void test_texts_as_they_are(void **state) {
    fixture f;

    (void)state;
    set_up(&f, OPRO_POSITION_Q_BEGIN, 0);
    assert_int_equal(
        write_for(&f, "Say {question} }{ \xc3\xa9", "What is {instruction}? \xe2\x82\xac{{"),
        OPRO_OK);
    assert_string_equal(f.messages.text.data,
                        "Say {question} }{ \xc3\xa9\nWhat is {instruction}? \xe2\x82\xac{{");
    tear_down(&f);
}

/* ---- templates ------------------------------------------------------------------------------- */

static void test_own(void **state) {
    fixture f;

    (void)state;
    set_up(&f, OPRO_POSITION_Q_END, 0);
    own(&f, SYSTEM, "You {{are}} careful.");
    own(&f, USER, "<q>{question}</q>\n{instruction}");
    own(&f, ASSISTANT, "Let me see: {instruction}");
    assert_string_equal(written(&f, "Think."),
                        "SYou {are} careful.|U<q>Is it so?</q>\nThink.|ALet me see: Think.");
    assert_string_equal(written(&f, ""), "SYou {are} careful.|U<q>Is it so?</q>|ALet me see: ");
    assert_int_equal(opro__form_instruction_first(&f.form), 0);
    own(&f, SYSTEM, "{instruction}");
    assert_string_equal(written(&f, ""), "U<q>Is it so?</q>|ALet me see: ");
    assert_int_equal(opro__form_instruction_first(&f.form), 1);
    own(&f, SYSTEM, "About {question}:");
    assert_int_equal(opro__form_instruction_first(&f.form), 0);
    own(&f, SYSTEM, "Only one word.");
    own(&f, USER, "{question}");
    own(&f, ASSISTANT, "{instruction} So {question}");
    assert_string_equal(written(&f, "T."), "SOnly one word.|UIs it so?|AT. So Is it so?");
    own(&f, USER, "all");
    assert_int_equal(opro__form_instruction_first(&f.form), 1);
    /* none of the host's: by position again */
    assert_int_equal(opro__form_set_text(&f.form, &f.mem, SYSTEM, NULL, 0, &f.err), OPRO_OK);
    assert_string_equal(written(&f, "Think."), "Uall|AThink. So Is it so?");
    assert_int_equal(opro__form_set_text(&f.form, &f.mem, USER, NULL, 0, &f.err), OPRO_OK);
    assert_int_equal(opro__form_set_text(&f.form, &f.mem, ASSISTANT, NULL, OPRO_ZT, &f.err),
                     OPRO_OK);
    assert_string_equal(written(&f, "Think."), "UIs it so?\nThink.");
    tear_down(&f);
}

/* Without an instruction, the lines that are nothing but it go. */
static void test_empty_instruction(void **state) {
    static const char *const cases[][2] = {
        {"{instruction}\n{question}", "UIs it so?"},
        {"{instruction}\n\n{question}", "UIs it so?"},
        {"{instruction}\r\n\r\n{question}", "UIs it so?"},
        {"  {instruction}\t\n{question}\n", "UIs it so?\n"},
        {"{question}\n{instruction}", "UIs it so?"},
        {"{question}\n\n{instruction}", "UIs it so?"},
        {"{question}\n\n{instruction}\n", "UIs it so?\n"},
        {"{question}\r\n{instruction}", "UIs it so?"},
        {"Q: {question}\n{instruction}\n\nA:", "UQ: Is it so?\n\nA:"},
        {"a\n\n{instruction}\n\n{question}", "Ua\n\nIs it so?"},
        {"a\n{instruction}\n{instruction}\n{question}", "Ua\nIs it so?"},
        {"\n{instruction}\n\n{question}", "U\nIs it so?"},
        {"Task: {instruction}\n{question}", "UTask: \nIs it so?"},
        {"{{instruction}}\n{question}", "U{instruction}\nIs it so?"},
        {"{instruction}{instruction}\n{question}", "U\nIs it so?"},
        {"{instruction}.\n{question}", "U.\nIs it so?"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;

        set_up(&f, OPRO_POSITION_Q_END, 0);
        own(&f, USER, cases[i][0]);
        assert_string_equal(written(&f, ""), cases[i][1]);
        tear_down(&f);
    }
}

static void refused(fixture *f, int32_t role, const char *text, size_t len, opro_status st,
                    const char *says) {
    assert_int_equal(opro__form_set_text(&f->form, &f->mem, role, text, len, &f->err), st);
    if (!strstr(f->err.message, says)) fail_msg("\"%s\" lacks \"%s\"", f->err.message, says);
}

static void test_bad_templates(void **state) {
    char *large = malloc(((size_t)1 << 20) + 1);
    fixture f;

    (void)state;
    assert_non_null(large);
    memset(large, 'x', ((size_t)1 << 20) + 1);
    set_up(&f, OPRO_POSITION_Q_END, 0);
    own(&f, USER, "mine: {question}");
    refused(&f, 40, "{question}", 10, OPRO_ERR_INVALID, "40");
    refused(&f, USER, "{input}", 7, OPRO_ERR_PARSE, "{input}");
    refused(&f, USER, "{input}", 7, OPRO_ERR_PARSE, "{instruction} {question}");
    refused(&f, SYSTEM, "{question", 9, OPRO_ERR_PARSE, "system template");
    refused(&f, ASSISTANT, "a}b", 3, OPRO_ERR_PARSE, "assistant template");
    refused(&f, USER, "\xff", 1, OPRO_ERR_INVALID, "UTF-8");
    refused(&f, USER, "a\0b", 3, OPRO_ERR_INVALID, "NUL");
    refused(&f, USER, large, ((size_t)1 << 20) + 1, OPRO_ERR_LIMIT, "1048577");
    assert_string_equal(written(&f, "Think."), "Umine: Is it so?");
    tear_down(&f);
    free(large);
}

static void test_question_missing(void **state) {
    fixture f;

    (void)state;
    set_up(&f, OPRO_POSITION_Q_END, 0);
    own(&f, USER, "Good luck. {instruction}");
    assert_int_equal(opro__form_ready(&f.form, &f.err), OPRO_ERR_STATE);
    assert_non_null(strstr(f.err.message, "{question}"));
    own(&f, SYSTEM, "{question}");
    assert_int_equal(opro__form_ready(&f.form, &f.err), OPRO_OK);
    shot(&f, "1+1", "2");
    assert_int_equal(opro__form_ready(&f.form, &f.err), OPRO_ERR_STATE);
    assert_non_null(strstr(f.err.message, "shown"));
    own(&f, USER, "{question}");
    assert_int_equal(opro__form_ready(&f.form, &f.err), OPRO_OK);
    own(&f, USER, "");
    own(&f, SYSTEM, "");
    assert_int_equal(opro__form_ready(&f.form, &f.err), OPRO_ERR_STATE);
    tear_down(&f);
}

/* ---- shown examples -------------------------------------------------------------------------- */

static void test_shots(void **state) {
    static const struct {
        int32_t position;
        int marks;
        const char *with, *without;
        int first;
    } cases[] = {
        {OPRO_POSITION_Q_BEGIN, 0, "UGo.\n1+1|A2|UGo.\n2+2|A4|UGo.\nIs it so?",
         "U1+1|A2|U2+2|A4|UIs it so?", 1},
        {OPRO_POSITION_Q_END, 1,
         "UQ: 1+1\nGo.\n\nA:|A2|UQ: 2+2\nGo.\n\nA:|A4|UQ: Is it so?\nGo.\n\nA:",
         "UQ: 1+1\n\nA:|A2|UQ: 2+2\n\nA:|A4|UQ: Is it so?\n\nA:", 1},
        {OPRO_POSITION_SYSTEM, 0, "SGo.|U1+1|A2|U2+2|A4|UIs it so?", "U1+1|A2|U2+2|A4|UIs it so?",
         1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;

        set_up(&f, cases[i].position, cases[i].marks);
        shot(&f, "1+1", "2");
        shot(&f, "2+2", "4");
        assert_string_equal(written(&f, "Go."), cases[i].with);
        assert_string_equal(written(&f, ""), cases[i].without);
        assert_int_equal(opro__form_instruction_first(&f.form), cases[i].first);
        tear_down(&f);
    }
}

/* An answer stands behind its beginning. */
static void test_begun_shots(void **state) {
    static const char *const cases[][3] = {
        {"So: {instruction}", "2", "ASo: Go. 2"},
        {"So:\n", "2", "ASo:\n2"},
        {"So:", " 2", "ASo: 2"},
        {"{question} is", "2", "A1+1 is 2"},
        {"\xe2\x82\xac", "\xe2\x82\xac", "A\xe2\x82\xac \xe2\x82\xac"},
        {"", "2", "A2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        const char *all;

        set_up(&f, OPRO_POSITION_Q_END, 0);
        own(&f, USER, "{question}");
        own(&f, ASSISTANT, cases[i][0]);
        shot(&f, "1+1", cases[i][1]);
        all = written(&f, "Go.");
        assert_memory_equal(all, "U1+1|", 5);
        assert_memory_equal(all + 5, cases[i][2], strlen(cases[i][2]));
        assert_memory_equal(all + 5 + strlen(cases[i][2]), "|UIs it so?", 11);
        tear_down(&f);
    }
}

/* Whether a question of a shown example comes first does not matter: it is always the same. */
static void test_shots_and_order(void **state) {
    fixture f;

    (void)state;
    set_up(&f, OPRO_POSITION_Q_END, 0);
    own(&f, USER, "{question}");
    own(&f, ASSISTANT, "{instruction}");
    assert_int_equal(opro__form_instruction_first(&f.form), 0);
    shot(&f, "1+1", "2");
    assert_int_equal(opro__form_instruction_first(&f.form), 1);
    own(&f, SYSTEM, "{question}");
    assert_int_equal(opro__form_instruction_first(&f.form), 0);
    tear_down(&f);
}

static void test_bad_shots(void **state) {
    static const struct {
        const char *question, *answer;
        size_t question_len, answer_len;
        opro_status st;
        const char *says;
    } cases[] = {
        {NULL, "a", 1, 1, OPRO_ERR_INVALID, "question"},
        {"", "a", 0, 1, OPRO_ERR_INVALID, "empty"},
        {" \n", "a", 2, 1, OPRO_ERR_INVALID, "empty"},
        {"q", "", 1, 0, OPRO_ERR_INVALID, "empty"},
        {"q\xff", "a", 2, 1, OPRO_ERR_INVALID, "question"},
        {"q", "a\0", 1, 2, OPRO_ERR_INVALID, "answer"},
    };
    fixture f;

    (void)state;
    set_up(&f, OPRO_POSITION_Q_END, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(opro__form_add_shot(&f.form, &f.mem, cases[i].question,
                                             cases[i].question_len, cases[i].answer,
                                             cases[i].answer_len, &f.err),
                         cases[i].st);
        assert_non_null(strstr(f.err.message, cases[i].says));
    }
    for (int i = 0; i < OPRO__SHOTS_MAX; i++)
        shot(&f, "q", "a");
    assert_int_equal(f.err.status, OPRO_OK);
    assert_int_equal(opro__form_add_shot(&f.form, &f.mem, "q", 1, "a", 1, &f.err), OPRO_ERR_LIMIT);
    assert_non_null(strstr(f.err.message, "64"));
    own(&f, SYSTEM, "s");
    own(&f, USER, "{question}");
    own(&f, ASSISTANT, "b");
    assert_int_equal(write_for(&f, "", "q"), OPRO_OK);
    assert_int_equal(f.messages.n, 3 + 2 * OPRO__SHOTS_MAX);
    tear_down(&f);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void test_huge(void **state) {
    const size_t len = OPRO__EXAMPLE_MAX;
    char *large = malloc(len + 1);
    fixture f;

    (void)state;
    assert_non_null(large);
    memset(large, 'x', len);
    large[len] = '\0';
    set_up(&f, OPRO_POSITION_Q_END, 1);
    assert_int_equal(
        opro__form_write(&f.form, large, OPRO__INSTRUCTION_MAX, large, len, &f.messages, &f.err),
        OPRO_OK);
    assert_int_equal(f.messages.n, 1);
    assert_int_equal(f.messages.all[0].len, len + OPRO__INSTRUCTION_MAX + strlen("Q: \n\n\nA:"));
    own(&f, USER, "{question}{question}");
    assert_int_equal(opro__form_write(&f.form, "", 0, large, len, &f.messages, &f.err),
                     OPRO_ERR_LIMIT);
    assert_int_equal(f.messages.n, 0);
    assert_non_null(strstr(f.err.message, "100663296"));
    assert_int_equal(
        opro__form_add_shot(&f.form, &f.mem, large, OPRO__RECORD_MAX + 1, "a", 1, &f.err),
        OPRO_ERR_LIMIT);
    assert_int_equal(write_for(&f, "", "q"), OPRO_OK); /* none of it sticks */
    assert_string_equal(f.messages.text.data, "qq");
    tear_down(&f);
    free(large);
}

/* ---- without memory -------------------------------------------------------------------------- */

static opro_status write_or_nothing(opro__form *form, const char *question,
                                    opro__messages *messages, opro_error *err) {
    opro_status st = opro__form_write(form, "Think.", 6, question, strlen(question), messages, err);

    if (st != OPRO_OK) assert_int_equal(messages->n, 0);
    return st;
}

static opro_status all_of_it(opro__mem *mem, opro__form *form, opro__messages *messages,
                             opro_error *err) {
    opro_status st = opro__form_init(form, mem, OPRO_POSITION_SYSTEM, 1, err);

    if (st == OPRO_OK) st = write_or_nothing(form, "Is it so?", messages, err);
    if (st == OPRO_OK)
        st = opro__form_set_text(form, mem, USER, "{instruction}\n{question}", OPRO_ZT, err);
    if (st == OPRO_OK)
        st = opro__form_set_text(form, mem, USER, "{question}\n{instruction}", OPRO_ZT, err);
    if (st == OPRO_OK) st = opro__form_add_shot(form, mem, "1+1", 3, "2", 1, err);
    if (st == OPRO_OK) st = write_or_nothing(form, "Is it so, and for how long?", messages, err);
    return st;
}

static void test_no_memory(void **state) {
    opro_status st;

    (void)state;
    for (long n = 0;; n++) {
        failing memory = {n, 0};
        opro_allocator allocator = failing_allocator(&memory);
        opro__form form = {0};
        opro__messages messages;
        opro_error err;
        opro__mem mem;

        opro__err_clear(&err);
        opro__mem_init(&mem, &allocator);
        opro__messages_init(&messages, &mem);
        st = all_of_it(&mem, &form, &messages, &err);
        assert_int_equal(st, err.status);
        if (st != OPRO_OK) assert_int_equal(st, OPRO_ERR_NOMEM);
        opro__form_free(&form, &mem);
        opro__messages_free(&messages);
        assert_int_equal(memory.live, 0);
        if (st == OPRO_OK) {
            assert_true(n > 10);
            return;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),         cmocka_unit_test(test_question_marks_needed),
        cmocka_unit_test(test_texts_as_they_are), cmocka_unit_test(test_own),
        cmocka_unit_test(test_empty_instruction), cmocka_unit_test(test_bad_templates),
        cmocka_unit_test(test_question_missing),  cmocka_unit_test(test_shots),
        cmocka_unit_test(test_begun_shots),       cmocka_unit_test(test_shots_and_order),
        cmocka_unit_test(test_bad_shots),         cmocka_unit_test(test_huge),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
