/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/reply.h"
#include "core/wording.h"
#include "opro/opro.h"

typedef struct fixture {
    opro__mem mem;
    opro_problem *problem;
    opro_config *config;
    opro_error err;
    opro__wording w;
    opro__buf out;
} fixture;

static void set_up_with(fixture *f, opro_problem *problem) {
    memset(f, 0, sizeof *f);
    opro__mem_init(&f->mem, NULL);
    opro__buf_init(&f->out, &f->mem, 1 << 20);
    f->problem = problem;
    assert_int_equal(opro_config_new(&f->config, NULL), OPRO_OK);
}

static void set_up(fixture *f) {
    opro_problem *problem = NULL;

    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    opro_problem_add_exemplar(problem, "1+1", 3, "2", 1);
    set_up_with(f, problem);
}

static void tear_down(fixture *f) {
    opro__buf_free(&f->out);
    opro_config_free(f->config);
    opro_problem_free(f->problem);
}

static void option(fixture *f, const char *name, const char *value) {
    assert_int_equal(opro_config_set(f->config, name, OPRO_ZT, value, OPRO_ZT), OPRO_OK);
}

static opro_status make(fixture *f) {
    opro_status st;

    opro__err_clear(&f->err);
    st = opro__wording_make(&f->w, f->problem, &f->config->options, &f->err);
    assert_int_equal(f->err.status, st);
    f->w.scores = f->w.range = 1;
    return st;
}

static const char *block(fixture *f, int32_t id) {
    opro__buf_clear(&f->out);
    opro__wording_block(&f->w, id, &f->out);
    assert_int_equal(f->out.status, OPRO_OK);
    return opro__buf_text(&f->out);
}

/* ---- what fits together ---------------------------------------------------------------------- */

static void test_options(void **state) {
    static const struct {
        const char *kind, *position, *marks;
        int ok;
        int32_t format;
    } cases[] = {
        {"chat", "q_begin", "0", 1, OPRO__FORMAT_INS},
        {"chat", "q_end", "1", 1, OPRO__FORMAT_INS},
        {"chat", "before_q", "1", 1, OPRO__FORMAT_INS},
        {"chat", "before_q", "0", 0, 0},
        {"chat", "a_begin", "1", 1, OPRO__FORMAT_START},
        {"chat", "a_begin", "0", 0, 0},
        {"square", "q_begin", "0", 1, OPRO__FORMAT_SQUARE},
        {"square", "before_q", "0", 0, 0},
        {"square", "a_begin", "0", 0, 0},
        {"square", "a_begin", "1", 1, OPRO__FORMAT_SQUARE},
        {"chat", "system", "0", 1, OPRO__FORMAT_INS},
        {"square", "system", "1", 1, OPRO__FORMAT_SQUARE},
        {"pretrained", "system", "0", 1, OPRO__FORMAT_TEXT},
        {"pretrained", "q_begin", "0", 1, OPRO__FORMAT_TEXT},
        {"pretrained", "a_begin", "0", 1, OPRO__FORMAT_TEXT},
        {"pretrained", "before_q", "1", 0, 0},
        {"tour", "before_q", "0", 1, OPRO__FORMAT_TRACE},
        {"points", "q_begin", "0", 0, 0}, /* of texts */
        {"auto", "q_begin", "0", 1, OPRO__FORMAT_INS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;

        set_up(&f);
        option(&f, "meta_prompt", cases[i].kind);
        option(&f, "position", cases[i].position);
        option(&f, "question_marks", cases[i].marks);
        assert_int_equal(make(&f), cases[i].ok ? OPRO_OK : OPRO_ERR_INVALID);
        if (cases[i].ok)
            assert_int_equal(opro__wording_format(&f.w), cases[i].format);
        else
            assert_true(strstr(f.err.message, cases[i].position) ||
                        strstr(f.err.message, cases[i].kind));
        tear_down(&f);
    }
}

static int32_t no_exemplar(const opro_problem *problem, size_t index, opro_sink *sink,
                           void *user_data) {
    (void)problem, (void)index, (void)sink, (void)user_data;
    return OPRO_ERR_FAILED;
}

/* It has them all in memory. */
static void test_too_many_to_draw(void **state) {
    fixture f;

    (void)state;
    set_up(&f);
    option(&f, "exemplar_choice", "random_published");
    opro_problem_set_exemplar_fn(f.problem, (size_t)1 << 24, no_exemplar, NULL, NULL);
    assert_int_equal(make(&f), OPRO_OK);
    opro_problem_set_exemplar_fn(f.problem, ((size_t)1 << 24) + 1, no_exemplar, NULL, NULL);
    assert_int_equal(make(&f), OPRO_ERR_INVALID);
    assert_non_null(strstr(f.err.message, "16777217"));
    option(&f, "exemplar_choice", "random");
    assert_int_equal(make(&f), OPRO_OK);
    tear_down(&f);
}

static void test_marks(void **state) {
    fixture f;
    size_t len;

    (void)state;
    set_up(&f);
    assert_int_equal(make(&f), OPRO_OK);
    assert_string_equal(opro__wording_open(&f.w), "<INS>");
    assert_string_equal(opro__wording_close(&f.w), "</INS>");
    assert_string_equal(opro__wording_tag(&f.w), "INS");
    assert_string_equal(opro__wording_score_name(&f.w, &len), "score");
    assert_string_equal(block(&f, OPRO_BLOCK_PREFIX), "");
    option(&f, "meta_prompt", "square");
    assert_int_equal(make(&f), OPRO_OK);
    assert_string_equal(opro__wording_open(&f.w), "[");
    assert_string_equal(opro__wording_tag(&f.w), "INS");
    option(&f, "meta_prompt", "pretrained");
    assert_int_equal(make(&f), OPRO_OK);
    assert_string_equal(opro__wording_score_name(&f.w, &len), "Precision");
    assert_string_equal(block(&f, OPRO_BLOCK_PREFIX), "{open}");
    opro_problem_set_score_name(f.problem, "accuracy", OPRO_ZT);
    assert_string_equal(opro__wording_score_name(&f.w, &len), "accuracy");
    assert_int_equal(len, 8);
    tear_down(&f);
}

/* ---- layouts --------------------------------------------------------------------------------- */

static void test_exemplars(void **state) {
    static const struct {
        const char *kind, *position, *marks, *layout;
    } cases[] = {
        {"chat", "before_q", "1", "input:\n<INS>\nQ: {input}\nA:\nExpected answer:\n{target}"},
        {"chat", "q_begin", "1", "input:\nQ: <INS>\n{input}\nA:\nExpected answer:\n{target}"},
        {"chat", "q_begin", "0", "Problem:\n<INS>\n{input}\n\nExpected answer:\n{target}"},
        {"chat", "q_end", "1", "input:\nQ: {input}\n<INS>\nA:\nExpected answer:\n{target}"},
        {"chat", "q_end", "0", "Problem:\n{input}\n<INS>\n\nExpected answer:\n{target}"},
        {"chat", "a_begin", "1", "Q: {input}\nA: <Start>\nExpected answer:\n{target}"},
        {"chat", "system", "1",
         "System message:\n<INS>\ninput:\nQ: {input}\nA:\nExpected answer:\n{target}"},
        {"chat", "system", "0",
         "System message:\n<INS>\nProblem:\n{input}\n\nExpected answer:\n{target}"},
        {"square", "system", "1",
         "system message:\n<INS>\ninput:\nQ: {input}\nA:\noutput:\n{target}"},
        {"square", "system", "0", "system message:\n<INS>\ninput:\n{input}\n\noutput:\n{target}"},
        {"square", "before_q", "1", "input:\n<INS>\nQ: {input}\nA:\noutput:\n{target}"},
        {"square", "q_begin", "1", "input:\nQ: <INS>\n{input}\nA:\noutput:\n{target}"},
        {"square", "q_begin", "0", "input:\n<INS>\n{input}\n\noutput:\n{target}"},
        {"square", "q_end", "1", "input:\nQ: {input}\n<INS>\nA:\noutput:\n{target}"},
        {"square", "q_end", "0", "input:\n{input}\n<INS>\n\noutput:\n{target}"},
        {"square", "a_begin", "1", "input:\nQ: {input}\nA: <INS>\noutput:\n{target}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;

        set_up(&f);
        option(&f, "meta_prompt", cases[i].kind);
        option(&f, "position", cases[i].position);
        option(&f, "question_marks", cases[i].marks);
        assert_int_equal(make(&f), OPRO_OK);
        assert_string_equal(block(&f, OPRO_BLOCK_EXEMPLAR), cases[i].layout);
        tear_down(&f);
    }
}

static void test_entries(void **state) {
    static const struct {
        const char *kind, *with, *without;
    } cases[] = {
        {"chat", "text:\n{solution}\n{score_name}:\n{score}", "text:\n{solution}"},
        {"square", "text:\n{solution}\n{score_name}:\n{score}", "text:\n{solution}"},
        {"pretrained", "{score_name}: {score} <TEXT>{solution}</TEXT>", "<TEXT>{solution}</TEXT>"},
        {"tour", "<trace> {solution} </trace>\n{score_name}:\n{score}",
         "<trace> {solution} </trace>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;

        set_up(&f);
        option(&f, "meta_prompt", cases[i].kind);
        assert_int_equal(make(&f), OPRO_OK);
        assert_string_equal(block(&f, OPRO_BLOCK_ENTRY), cases[i].with);
        f.w.scores = 0;
        assert_string_equal(block(&f, OPRO_BLOCK_ENTRY), cases[i].without);
        tear_down(&f);
    }
}

static void test_points(void **state) {
    static const char *const names[] = {"w", "b"};
    const double lower[20] = {0}, upper[20] = {0};
    opro_problem *problem = NULL;
    fixture f;

    (void)state;
    assert_int_equal(opro_problem_new_vector(&problem, 2, lower, upper, 1, NULL), OPRO_OK);
    assert_int_equal(opro_vector_set_names(problem, names, 2), OPRO_OK);
    set_up_with(&f, problem);
    assert_int_equal(make(&f), OPRO_OK);
    assert_int_equal(opro__wording_format(&f.w), OPRO__FORMAT_VECTOR);
    assert_string_equal(block(&f, OPRO_BLOCK_ENTRY), "input:\n{solution}\n{score_name}:\n{score}");
    assert_non_null(strstr(block(&f, OPRO_BLOCK_REQUEST), "{open}w, b{close}"));
    assert_non_null(strstr(block(&f, OPRO_BLOCK_INTRO), "w, b"));
    assert_null(strstr(block(&f, OPRO_BLOCK_LAYOUT), "{exemplars}"));
    tear_down(&f);
    assert_int_equal(opro_problem_new_vector(&problem, 20, lower, upper, 1, NULL), OPRO_OK);
    set_up_with(&f, problem);
    assert_int_equal(make(&f), OPRO_OK);
    assert_non_null(strstr(block(&f, OPRO_BLOCK_REQUEST), "{open}x1, x2, ..., x20{close}"));
    tear_down(&f);
}

static void test_tour(void **state) {
    opro_problem *problem = NULL;
    fixture f;

    (void)state;
    assert_int_equal(opro_problem_new_permutation(&problem, 12, OPRO_PERMUTATION_TOUR, NULL),
                     OPRO_OK);
    set_up_with(&f, problem);
    assert_int_equal(make(&f), OPRO_OK);
    assert_int_equal(opro__wording_format(&f.w), OPRO__FORMAT_TRACE);
    assert_non_null(strstr(block(&f, OPRO_BLOCK_INTRO), "from 0 to 11"));
    assert_non_null(strstr(block(&f, OPRO_BLOCK_INTRO), "goes on with the first"));
    tear_down(&f);
    assert_int_equal(opro_problem_new_permutation(&problem, 12, OPRO_PERMUTATION_ORDER, NULL),
                     OPRO_OK);
    set_up_with(&f, problem);
    assert_int_equal(make(&f), OPRO_OK);
    assert_null(strstr(block(&f, OPRO_BLOCK_INTRO), "goes on with the first"));
    tear_down(&f);
}

/* Nothing is claimed about the order but what is so. */
static void test_order(void **state) {
    static const char *const kinds[] = {"chat", "square", "pretrained", "tour"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        fixture f;

        set_up(&f);
        option(&f, "meta_prompt", kinds[i]);
        assert_int_equal(make(&f), OPRO_OK);
        assert_non_null(strstr(block(&f, OPRO_BLOCK_LAYOUT), "from the worst to the best"));
        option(&f, "order", "descending");
        assert_int_equal(make(&f), OPRO_OK);
        assert_non_null(strstr(block(&f, OPRO_BLOCK_LAYOUT), "from the best to the worst"));
        option(&f, "order", "random");
        assert_int_equal(make(&f), OPRO_OK);
        assert_non_null(strstr(block(&f, OPRO_BLOCK_LAYOUT), "no particular order"));
        f.w.order = 0;
        assert_null(strstr(block(&f, OPRO_BLOCK_LAYOUT), "worst"));
        assert_null(strstr(block(&f, OPRO_BLOCK_LAYOUT), "order"));
        tear_down(&f);
    }
}

static void test_layout(void **state) {
    const char *layout;
    fixture f;

    (void)state;
    set_up(&f);
    assert_int_equal(make(&f), OPRO_OK);
    layout = block(&f, OPRO_BLOCK_LAYOUT);
    assert_int_equal(strncmp(layout, "{intro}", 7), 0); /* what never changes comes first */
    assert_true(strstr(layout, "{trajectory}") < strstr(layout, "{exemplars}"));
    assert_string_equal(layout + strlen(layout) - 9, "{request}");
    option(&f, "exemplars_first", "1");
    assert_int_equal(make(&f), OPRO_OK);
    layout = block(&f, OPRO_BLOCK_LAYOUT);
    assert_true(strstr(layout, "{exemplars}") < strstr(layout, "{trajectory}"));
    option(&f, "meta_prompt", "pretrained");
    assert_int_equal(make(&f), OPRO_OK);
    assert_null(strstr(block(&f, OPRO_BLOCK_LAYOUT), "{exemplars}"));
    tear_down(&f);
}

/*
 * No talk of instructions where there are none, of scores that are not shown, of a description that
 * is empty.
 */
static void test_says_what_is_so(void **state) {
    static const char *const kinds[] = {"chat", "square", "pretrained", "tour"};
    fixture f;

    (void)state;
    set_up(&f);
    assert_int_equal(make(&f), OPRO_OK);
    assert_non_null(strstr(block(&f, OPRO_BLOCK_INTRO), "instruction"));
    option(&f, "exemplars", "0");
    assert_int_equal(make(&f), OPRO_OK);
    assert_null(strstr(block(&f, OPRO_BLOCK_INTRO), "instruction"));
    assert_null(strstr(block(&f, OPRO_BLOCK_REQUEST), "instruction"));
    for (size_t i = 0; i < 4; i++) {
        option(&f, "meta_prompt", kinds[i]);
        assert_int_equal(make(&f), OPRO_OK);
        assert_null(strstr(block(&f, OPRO_BLOCK_INTRO), "{description}"));
        f.w.range = 0;
        assert_null(strstr(block(&f, OPRO_BLOCK_INTRO), "{low}"));
        f.w.scores = 0;
        if (i < 3) assert_null(strstr(block(&f, OPRO_BLOCK_INTRO), "{score_name}"));
        assert_null(strstr(block(&f, OPRO_BLOCK_REQUEST), "{score_name}"));
        assert_null(strstr(block(&f, OPRO_BLOCK_ENTRY), "{score}"));
    }
    opro_problem_set_description(f.problem, "do it", OPRO_ZT);
    for (size_t i = 0; i < 4; i++) {
        option(&f, "meta_prompt", kinds[i]);
        assert_int_equal(make(&f), OPRO_OK);
        assert_non_null(strstr(block(&f, OPRO_BLOCK_INTRO), "{description}"));
    }
    tear_down(&f);
}

/* Where the instruction stands is said in words, too, where the layout does not show it. */
static void test_places(void **state) {
    static const struct {
        const char *kind, *position;
        int32_t block;
        const char *says;
    } cases[] = {
        {"chat", "system", OPRO_BLOCK_INTRO, "where the instruction goes: a system message"},
        {"chat", "q_end", OPRO_BLOCK_INTRO, "where the instruction goes. "},
        {"square", "system", OPRO_BLOCK_LAYOUT, "at \"system message\" and \"input\""},
        {"square", "q_end", OPRO_BLOCK_LAYOUT, "stands at \"input\""},
        {"pretrained", "system", OPRO_BLOCK_INTRO, "put into the system message"},
        {"pretrained", "q_begin", OPRO_BLOCK_INTRO, "put at the beginning of the question"},
        {"pretrained", "q_end", OPRO_BLOCK_INTRO, "put at the end of the question"},
        {"pretrained", "a_begin", OPRO_BLOCK_INTRO, "put at the beginning of the answer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;

        set_up(&f);
        option(&f, "meta_prompt", cases[i].kind);
        option(&f, "position", cases[i].position);
        assert_int_equal(make(&f), OPRO_OK);
        if (!strstr(block(&f, cases[i].block), cases[i].says))
            fail_msg("%s %s: %s", cases[i].kind, cases[i].position, block(&f, cases[i].block));
        tear_down(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options), cmocka_unit_test(test_too_many_to_draw),
        cmocka_unit_test(test_marks),   cmocka_unit_test(test_exemplars),
        cmocka_unit_test(test_entries), cmocka_unit_test(test_points),
        cmocka_unit_test(test_tour),    cmocka_unit_test(test_order),
        cmocka_unit_test(test_layout),  cmocka_unit_test(test_says_what_is_so),
        cmocka_unit_test(test_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
