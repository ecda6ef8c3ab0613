/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataset_world.h"

#include "core/problem.h"
#include "failing.h"
#include "opro/opro.h"

/* Five examples; the options of the last stand in its question. */
static opro_dataset *five(void) {
    return reads("question,answer,options\n"
                 "1+1,2,\n2+2,4,\n3+3,6,\n4+4,8,\n5+5,B,\"(A) 9\n(B) 10\"\n",
                 OPRO_LAYOUT_CSV);
}

static void split(opro_dataset *d, int32_t set, int64_t a, int64_t b) {
    const int64_t indices[] = {a, b};

    if (opro_dataset_set_split(d, set, indices, 2) != OPRO_OK) fail_msg("%s", message(d));
}

static opro_problem *problem_of(opro_dataset *d) {
    opro_problem *problem = NULL;

    assert_int_equal(opro_problem_new_dataset(&problem, d, NULL), OPRO_OK);
    return problem;
}

static void exemplar(const opro_problem *problem, size_t index, const char *both,
                     size_t input_len) {
    opro__mem mem;
    opro__buf buf;
    opro_error err;
    size_t len = 0;

    opro__mem_init(&mem, NULL);
    opro__buf_init(&buf, &mem, (size_t)1 << 28);
    assert_int_equal(opro__problem_exemplar(problem, index, &buf, &len, &err), OPRO_OK);
    assert_string_equal(opro__buf_text(&buf), both);
    assert_int_equal(len, input_len);
    opro__buf_free(&buf);
    assert_int_equal(mem.used, 0);
}

/* ---- what it is ------------------------------------------------------------------------------ */

static void test_what_it_is(void **state) {
    opro_dataset *d = five();
    opro_problem *problem;

    (void)state;
    split(d, OPRO_TRAIN, 4, 1);
    split(d, OPRO_VALIDATION, 0, 3);
    problem = problem_of(d);
    assert_int_equal(opro_problem_instances(problem, OPRO_TRAIN), 2);
    assert_int_equal(opro_problem_instances(problem, OPRO_VALIDATION), 2);
    assert_int_equal(opro_problem_exemplar_count(problem), 2);
    assert_int_equal(opro_problem_direction(problem), OPRO_MAXIMIZE);
    assert_int_equal(opro_problem_initial_count(problem), 0);
    assert_true(problem->low == 0 && problem->high == 1);
    assert_int_equal(problem->display, OPRO_DISPLAY_BUCKETS);
    assert_int_equal(problem->sampled, 1);
    assert_true(problem->data == opro_dataset_digest(d));
    exemplar(problem, 0, "2+24", 3);
    exemplar(problem, 1, "5+5\n(A) 9\n(B) 10\nWhat's the answer in (A) (B)?B", 46);
    opro_problem_free(problem);
    opro_dataset_free(d);
}

/* It is set up further as any other. */
static void test_may_be_set_up(void **state) {
    opro_dataset *d = five();
    opro_problem *problem = problem_of(d);

    (void)state;
    assert_int_equal(opro_problem_set_description(problem, "sums", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_add_initial(problem, "Add.", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_problem_set_exemplar_fn(problem, 0, NULL, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_problem_exemplar_count(problem), 0);
    assert_int_equal(opro_dataset_set_skip_bad(d, 1), OPRO_OK); /* nobody uses it any more */
    opro_problem_free(problem);
    opro_dataset_free(d);
}

static uint64_t digest_and_free(opro_problem *problem) {
    uint64_t digest = opro_problem_digest(problem);

    opro_problem_free(problem);
    return digest;
}

static void test_digest(void **state) {
    opro_dataset *d = five(), *other = five();
    uint64_t all = digest_and_free(problem_of(d));

    (void)state;
    assert_true(all == digest_and_free(problem_of(other)));
    split(d, OPRO_TRAIN, 0, 1);
    split(other, OPRO_TRAIN, 0, 2);
    assert_true(digest_and_free(problem_of(d)) != all);
    assert_true(digest_and_free(problem_of(d)) != digest_and_free(problem_of(other)));
    opro_dataset_free(d);
    opro_dataset_free(other);
}

/* ---- whose it is ----------------------------------------------------------------------------- */

static void test_shares(void **state) {
    opro_dataset *d = five();
    opro_problem *problem = problem_of(d), *second = problem_of(d);

    (void)state;
    assert_int_equal(opro_dataset_add(d, "q", 1, "a", 1, "", 0), OPRO_ERR_STATE);
    assert_int_equal(opro_dataset_split(d, 0.5, 0.5, 0, 1), OPRO_ERR_STATE);
    opro_problem_free(problem);
    assert_int_equal(opro_dataset_split(d, 0.5, 0.5, 0, 1), OPRO_ERR_STATE);
    opro_problem_free(second);
    assert_int_equal(opro_dataset_add(d, "q", 1, "a", 1, "", 0), OPRO_OK);
    problem = problem_of(d);
    opro_dataset_free(d); /* the problem has its share */
    exemplar(problem, 5, "qa", 1);
    opro_problem_free(problem);
}

static void test_bad_ones(void **state) {
    opro_dataset *d = empty();
    opro_problem *problem = NULL;

    (void)state;
    assert_int_equal(opro_problem_new_dataset(&problem, d, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_dataset(&problem, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_problem_new_dataset(NULL, d, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_dataset_add(d, "q", 1, "a", 1, "", 0), OPRO_OK);
    assert_int_equal(opro_dataset_set_split(d, OPRO_TRAIN, NULL, 0), OPRO_OK);
    assert_int_equal(opro_problem_new_dataset(&problem, d, NULL), OPRO_ERR_INVALID);
    assert_null(problem);
    opro_dataset_free(d);
}

/* ---- examples of a callback ------------------------------------------------------------------ */

typedef struct world {
    opro_problem *problem; /* to be freed inside */
    int fails;
    int destroyed;
} world;

static int32_t speak(const opro_dataset *dataset, size_t index, opro_sink *sink, void *user_data) {
    world *w = user_data;
    char text[40];
    int len;

    (void)dataset;
    if (w->fails) return OPRO_ERR_FAILED;
    if (w->problem) {
        opro_problem_free(w->problem);
        w->problem = NULL;
    }
    len = snprintf(text, sizeof text, "%d+%d", (int)index, (int)index);
    opro_sink_text(sink, text, (size_t)len);
    len = snprintf(text, sizeof text, "%d", (int)(2 * index));
    return opro_sink_text(sink, text, (size_t)len);
}

static void destroyed(void *user_data) {
    ((world *)user_data)->destroyed++;
}

static opro_dataset *spoken(world *w) {
    opro_dataset *d = empty();

    *w = (world){0};
    assert_int_equal(opro_dataset_set_fn(d, 1000, speak, w, destroyed), OPRO_OK);
    return d;
}

static void test_callback(void **state) {
    opro_problem *problem;
    opro__mem mem;
    opro__buf buf;
    opro_error err;
    size_t len;
    world w;
    opro_dataset *d = spoken(&w);

    (void)state;
    split(d, OPRO_TRAIN, 700, 300);
    problem = problem_of(d);
    exemplar(problem, 0, "300+300600", 7);
    exemplar(problem, 1, "700+7001400", 7);
    w.fails = 1;
    opro__mem_init(&mem, NULL);
    opro__buf_init(&buf, &mem, 100);
    assert_int_equal(opro__problem_exemplar(problem, 1, &buf, &len, &err), OPRO_ERR_FAILED);
    assert_non_null(strstr(err.message, "exemplar 1"));
    opro__buf_free(&buf);
    opro_problem_free(problem);
    assert_int_equal(opro_problem_new_dataset(&problem, d, NULL), OPRO_ERR_FAILED);
    assert_non_null(strstr(message(d), "example 0"));
    assert_int_equal(w.destroyed, 0);
    opro_dataset_free(d);
    assert_int_equal(w.destroyed, 1);
}

/* Its share goes even inside of the dataset's callback. */
static void test_freed_inside(void **state) {
    world w;
    opro_dataset *d = spoken(&w);

    (void)state;
    w.problem = problem_of(d);
    assert_string_equal(opro_dataset_question(d, 3, NULL), "3+3");
    assert_null(w.problem);
    assert_string_equal(message(d), "");
    assert_int_equal(opro_dataset_set_skip_bad(d, 1), OPRO_OK);
    opro_dataset_free(d);
    assert_int_equal(w.destroyed, 1);
}

/* Runs in several threads share a problem. */
static void *asks(void *problem) {
    for (size_t i = 0; i < 200; i++) {
        char both[40];
        int len = snprintf(both, sizeof both, "%d+%d", (int)i, (int)i);

        snprintf(both + len, sizeof both - (size_t)len, "%d", (int)(2 * i));
        exemplar(problem, i, both, (size_t)len);
    }
    return NULL;
}

static void test_threads(void **state) {
    pthread_t threads[3];
    world w;
    opro_dataset *d = spoken(&w);
    opro_problem *problem = problem_of(d);

    (void)state;
    opro_dataset_free(d);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, asks, problem), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    opro_problem_free(problem);
    assert_int_equal(w.destroyed, 1);
}

/* ---- in a meta-prompt ------------------------------------------------------------------------ */

static const char *meta_prompt_of(opro_problem *problem, opro_meta_prompt **mp) {
    opro_trajectory *t = NULL;
    opro_config *config = NULL;

    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    assert_int_equal(opro_meta_prompt_new(mp, problem, config, NULL), OPRO_OK);
    assert_int_equal(opro_trajectory_new(&t, OPRO_MAXIMIZE, NULL), OPRO_OK);
    if (opro_meta_prompt_build(*mp, t, 0) != OPRO_OK)
        fail_msg("%s", opro_error_message(opro_meta_prompt_error(*mp), NULL));
    opro_trajectory_free(t);
    opro_config_free(config);
    return opro_meta_prompt_text(*mp, 0, NULL);
}

static void test_shown(void **state) {
    opro_dataset *d = five();
    opro_problem *problem;
    opro_meta_prompt *mp = NULL;
    const char *text;

    (void)state;
    split(d, OPRO_TRAIN, 4, 1);
    problem = problem_of(d);
    text = meta_prompt_of(problem, &mp);
    assert_non_null(strstr(text, "<INS>\n2+2\n\nExpected answer:\n4"));
    assert_non_null(strstr(text, "(B) 10\nWhat's the answer in (A) (B)?\n\nExpected answer:\nB"));
    opro_meta_prompt_free(mp);
    opro_problem_free(problem);
    opro_dataset_free(d);
}

/* An example that is too long for the meta-prompt is left out, as all that does not fit. */
static void test_huge(void **state) {
    const size_t len = OPRO__RECORD_MAX;
    char *large = malloc(len);
    opro_dataset *d = empty();
    opro_problem *problem;
    opro_meta_prompt *mp = NULL;
    const char *text;

    (void)state;
    assert_non_null(large);
    memset(large, 'x', len);
    assert_int_equal(opro_dataset_add(d, "short", 5, "b", 1, "", 0), OPRO_OK);
    assert_int_equal(opro_dataset_add(d, large, len, "a", 1, "", 0), OPRO_OK);
    problem = problem_of(d);
    text = meta_prompt_of(problem, &mp);
    assert_true(strlen(text) < 2000);
    assert_non_null(strstr(text, "\nshort\n"));
    opro_meta_prompt_free(mp);
    opro_problem_free(problem);
    opro_dataset_free(d);
    free(large);
}

/* ---- without memory -------------------------------------------------------------------------- */

static void test_no_memory(void **state) {
    opro_status st = OPRO_ERR_NOMEM;
    world w;
    opro_dataset *d = spoken(&w);

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        failing memory = {n, 0};
        opro_allocator allocator = failing_allocator(&memory);
        opro_problem *problem = NULL;

        st = opro_problem_new_dataset(&problem, d, &allocator);
        if (st == OPRO_OK) {
            assert_int_equal(memory.live, 1); /* all else is the dataset's */
            opro_problem_free(problem);
        } else {
            assert_int_equal(st, OPRO_ERR_NOMEM);
            assert_null(problem);
        }
        assert_int_equal(memory.live, 0);
        assert_int_equal(opro_dataset_set_skip_bad(d, 1), OPRO_OK); /* no share is left */
    }
    opro_dataset_free(d);
    assert_int_equal(w.destroyed, 1);
}

static void test_exemplar_without_memory(void **state) {
    opro_status st = OPRO_ERR_NOMEM;
    world w;
    opro_dataset *d = spoken(&w);
    opro_problem *problem = problem_of(d);

    (void)state;
    for (long n = 0; st != OPRO_OK; n++) {
        failing memory = {n, 0};
        opro_allocator allocator = failing_allocator(&memory);
        opro__mem mem;
        opro__buf buf;
        opro_error err;
        size_t len;

        opro__mem_init(&mem, &allocator);
        opro__buf_init(&buf, &mem, 1000);
        st = opro__problem_exemplar(problem, 7, &buf, &len, &err);
        if (st != OPRO_OK) assert_int_equal(st, OPRO_ERR_NOMEM);
        opro__buf_free(&buf);
        assert_int_equal(memory.live, 0);
        if (st == OPRO_OK) assert_true(n > 3);
    }
    opro_problem_free(problem);
    opro_dataset_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_is),   cmocka_unit_test(test_may_be_set_up),
        cmocka_unit_test(test_digest),       cmocka_unit_test(test_shares),
        cmocka_unit_test(test_bad_ones),     cmocka_unit_test(test_callback),
        cmocka_unit_test(test_freed_inside), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_shown),        cmocka_unit_test(test_huge),
        cmocka_unit_test(test_no_memory),    cmocka_unit_test(test_exemplar_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
