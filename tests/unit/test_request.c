/* SPDX-License-Identifier: MIT */
/* Requests by themselves: getters, JSON, clones. How a run hands them out is for test_run. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/request.h"
#include "failing.h"

static opro__mem mem;
static char batch; /* what only a run's requests have */

static int set_up(void **state) {
    (void)state;
    return opro__mem_init(&mem, NULL);
}

static int tear_down(void **state) {
    (void)state;
    return mem.used != 0;
}

static opro__message messages[] = {
    {OPRO_ROLE_SYSTEM, (char[]){"be \"brief\""}, 10},
    {OPRO_ROLE_USER, (char[]){"first\nquestion"}, 14},
    {OPRO_ROLE_USER, (char[]){"d\xc3\xa9j\xc3\xa0 vu\\"}, 10},
    {OPRO_ROLE_ASSISTANT, (char[]){"<INS>"}, 5},
};
static const opro__prompt prompt = {messages, 4};
static const int64_t instances[] = {0, 7, 199};

static opro_request make_propose(void) {
    return (opro_request){.mem = &mem,
                          .kind = OPRO_REQUEST_PROPOSE,
                          .id = 12,
                          .step = 3,
                          .prompt = &prompt,
                          .samples = 8,
                          .first = 16,
                          .temperature = 0.7,
                          .max_tokens = 1024,
                          .seed = UINT64_MAX,
                          .batch = (opro__batch *)(void *)&batch};
}

static opro_request make_score(void) {
    return (opro_request){.mem = &mem,
                          .kind = OPRO_REQUEST_SCORE,
                          .set = OPRO_VALIDATION,
                          .id = UINT64_C(1) << 63 | 5,
                          .step = -1,
                          .text = "Think\ttwice.",
                          .text_len = 12,
                          .instances = instances,
                          .n_instances = 3,
                          .batch = (opro__batch *)(void *)&batch};
}

static void drop_json(opro_request *request) {
    opro__free(request->mem, request->json);
    request->json = NULL;
}

/* ---- getters --------------------------------------------------------------------------------- */

static void check_propose(const opro_request *r) {
    size_t len = 99;

    assert_int_equal(opro_request_kind(r), OPRO_REQUEST_PROPOSE);
    assert_true(opro_request_id(r) == 12);
    assert_int_equal(opro_request_step(r), 3);
    assert_string_equal(opro_request_text(r, &len), messages[2].text); /* the last of the user's */
    assert_int_equal(len, 10);
    assert_int_equal(opro_request_messages(r), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(opro_request_message_role(r, i), messages[i].role);
        assert_string_equal(opro_request_message_text(r, i, &len), messages[i].text);
        assert_int_equal(len, messages[i].len);
    }
    assert_int_equal(opro_request_message_role(r, 4), 0);
    assert_null(opro_request_message_text(r, SIZE_MAX, &len));
    assert_int_equal(len, 0);
    assert_int_equal(opro_request_samples(r), 8);
    assert_int_equal(opro_request_first_sample(r), 16);
    assert_true(opro_request_temperature(r) == 0.7);
    assert_int_equal(opro_request_max_tokens(r), 1024);
    assert_true(opro_request_seed(r) == UINT64_MAX);
    assert_int_equal(opro_request_set(r), 0);
    assert_null(opro_request_instances(r, &len));
    assert_int_equal(len, 0);
}

static void check_score(const opro_request *r) {
    size_t len = 99;

    assert_int_equal(opro_request_kind(r), OPRO_REQUEST_SCORE);
    assert_true(opro_request_id(r) == (UINT64_C(1) << 63 | 5));
    assert_int_equal(opro_request_step(r), -1);
    assert_string_equal(opro_request_text(r, &len), "Think\ttwice.");
    assert_int_equal(len, 12);
    assert_int_equal(opro_request_set(r), OPRO_VALIDATION);
    assert_memory_equal(opro_request_instances(r, &len), instances, sizeof instances);
    assert_int_equal(len, 3);
    assert_int_equal(opro_request_messages(r), 0);
    assert_int_equal(opro_request_message_role(r, 0), 0);
    assert_null(opro_request_message_text(r, 0, &len));
    assert_int_equal(len, 0);
    assert_int_equal(opro_request_samples(r), 0);
    assert_int_equal(opro_request_first_sample(r), 0);
    assert_true(isnan(opro_request_temperature(r)));
    assert_int_equal(opro_request_max_tokens(r), 0);
    assert_true(opro_request_seed(r) == 0);
}

static void test_getters(void **state) {
    opro_request propose = make_propose(), score = make_score();

    (void)state;
    check_propose(&propose);
    check_score(&score);
}

/* Without a message of the user's: the only message there is, else nothing. */
static void test_text(void **state) {
    opro_request r = make_propose();
    opro__prompt part = {messages, 0};
    size_t len = 99;

    (void)state;
    r.prompt = &part;
    assert_string_equal(opro_request_text(&r, &len), "");
    assert_int_equal(len, 0);
    part.n = 1;
    assert_string_equal(opro_request_text(&r, NULL), "be \"brief\"");
    part.n = 2;
    assert_string_equal(opro_request_text(&r, NULL), "first\nquestion");
    {
        opro__message two[] = {messages[0], messages[3]};

        part = (opro__prompt){two, 2};
        assert_string_equal(opro_request_text(&r, NULL), "");
    }
}

/* ---- prompts --------------------------------------------------------------------------------- */

static void check_copy(const opro__prompt *copy, const opro_meta_prompt *from) {
    assert_int_equal(copy->n, opro_meta_prompt_messages(from));
    for (size_t i = 0; i < copy->n; i++) {
        size_t len;
        const char *text = opro_meta_prompt_text(from, i, &len);

        assert_int_equal(copy->messages[i].role, opro_meta_prompt_role(from, i));
        assert_int_equal(copy->messages[i].len, len);
        assert_string_equal(copy->messages[i].text, text);
        assert_ptr_not_equal(copy->messages[i].text, text);
    }
}

/* What a builder has built, before and after it has built anything; and without memory for it. */
static void test_prompt_copy(void **state) {
    failing f = {-1, 0};
    opro_allocator a = failing_allocator(&f);
    opro_status st = OPRO_ERR_NOMEM;
    opro_meta_prompt *from = NULL;
    opro_problem *problem = NULL;
    opro_trajectory *t = NULL;
    opro__prompt copy;
    opro__mem poor;

    (void)state;
    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_new(&t, OPRO_MAXIMIZE, NULL), OPRO_OK);
    assert_int_equal(opro_meta_prompt_new(&from, problem, NULL, NULL), OPRO_OK);
    assert_int_equal(opro__prompt_copy(&copy, from, &mem), OPRO_OK);
    assert_int_equal(copy.n, 0);
    opro__prompt_free(&copy, &mem);
    assert_int_equal(opro_meta_prompt_build(from, t, 0), OPRO_OK);
    assert_true(opro_meta_prompt_messages(from) > 0);
    assert_int_equal(opro__mem_init(&poor, &a), OPRO_OK);
    for (long n = 0; st != OPRO_OK; n++) {
        f.left = n;
        st = opro__prompt_copy(&copy, from, &poor);
        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        if (st == OPRO_OK) check_copy(&copy, from);
        opro__prompt_free(&copy, &poor); /* of a failed one there is nothing left to free */
        assert_int_equal(f.live, 0);
    }
    opro_meta_prompt_free(from);
    opro_trajectory_free(t);
    opro_problem_free(problem);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char propose_json[] =
    "{\"kind\":\"propose\",\"id\":\"12\",\"step\":3,\"samples\":8,\"first_sample\":16,"
    "\"temperature\":0.7,\"max_tokens\":1024,\"seed\":\"18446744073709551615\",\"messages\":["
    "{\"role\":\"system\",\"content\":\"be \\\"brief\\\"\"},"
    "{\"role\":\"user\",\"content\":\"first\\nquestion\"},"
    "{\"role\":\"user\",\"content\":\"d\xc3\xa9j\xc3\xa0 vu\\\\\"},"
    "{\"role\":\"assistant\",\"content\":\"<INS>\"}]}";
static const char score_json[] =
    "{\"kind\":\"score\",\"id\":\"9223372036854775813\",\"step\":-1,\"set\":\"validation\","
    "\"candidate\":\"Think\\u0009twice.\",\"instances\":[0,7,199]}";

static void test_json(void **state) {
    opro_request propose = make_propose(), score = make_score();
    size_t len = 0;
    const char *text;

    (void)state;
    text = opro_request_json(&propose, &len);
    assert_string_equal(text, propose_json);
    assert_int_equal(len, sizeof propose_json - 1);
    assert_ptr_equal(opro_request_json(&propose, NULL), text); /* made once */
    assert_string_equal(opro_request_json(&score, NULL), score_json);
    drop_json(&propose);
    drop_json(&score);
    score.set = OPRO_TRAIN;
    assert_non_null(strstr(opro_request_json(&score, NULL), "\"set\":\"train\""));
    drop_json(&score);
}

static void test_json_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator a = failing_allocator(&f);
    opro_request score = make_score();
    const char *text = NULL;
    opro__mem poor;

    (void)state;
    assert_int_equal(opro__mem_init(&poor, &a), OPRO_OK);
    score.mem = &poor;
    for (long n = 0; !text; n++) {
        size_t len = 99;

        f.left = n;
        text = opro_request_json(&score, &len);
        assert_int_equal(len, text ? sizeof score_json - 1 : 0);
        if (!text) assert_int_equal(f.live, 0);
    }
    assert_string_equal(text, score_json);
    drop_json(&score);
    assert_int_equal(f.live, 0);
}

/* ---- clones ---------------------------------------------------------------------------------- */

static void test_clone(void **state) {
    opro_request propose = make_propose(), score = make_score();
    opro_request *a = NULL, *b = NULL, *c = NULL;

    (void)state;
    opro_request_json(&propose, NULL);
    assert_int_equal(opro_request_clone(&a, &propose, NULL), OPRO_OK);
    assert_int_equal(opro_request_clone(&b, &score, NULL), OPRO_OK);
    drop_json(&propose);
    memset(&propose, 0x55, sizeof propose); /* answered, and gone */
    memset(&score, 0x55, sizeof score);
    check_propose(a);
    check_score(b);
    assert_ptr_not_equal(opro_request_message_text(a, 0, NULL), messages[0].text);
    assert_string_equal(opro_request_json(a, NULL), propose_json);
    assert_string_equal(opro_request_json(b, NULL), score_json);
    assert_int_equal(opro_request_clone(&c, a, NULL), OPRO_OK); /* a clone of a clone */
    opro_request_free(a);
    check_propose(c);
    opro_request_free(c);
    opro_request_free(b);
}

static void test_clone_refused(void **state) {
    opro_request score = make_score(), *clone = NULL;
    opro_allocator bad = {0};

    (void)state;
    assert_int_equal(opro_request_clone(NULL, &score, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_request_clone(&clone, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_request_clone(&clone, &score, &bad), OPRO_ERR_INVALID);
    assert_null(clone);
    opro_request_free(NULL);
    opro_request_free(&score); /* a run's own is left alone */
    check_score(&score);
}

static void clone_without_memory(const opro_request *request) {
    failing f = {0, 0};
    opro_allocator a = failing_allocator(&f);
    opro_status st = OPRO_ERR_NOMEM;

    for (long n = 0; st != OPRO_OK; n++) {
        opro_request *clone = NULL;

        f.left = n;
        st = opro_request_clone(&clone, request, &a);
        assert_true((st == OPRO_OK && clone) || (st == OPRO_ERR_NOMEM && !clone));
        opro_request_free(clone);
        assert_int_equal(f.live, 0);
    }
}

static void test_clone_no_memory(void **state) {
    opro_request propose = make_propose(), score = make_score();

    (void)state;
    clone_without_memory(&propose);
    clone_without_memory(&score);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_getters),        TEST(test_text),
        TEST(test_prompt_copy),    TEST(test_json),
        TEST(test_json_no_memory), TEST(test_clone),
        TEST(test_clone_refused),  TEST(test_clone_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
