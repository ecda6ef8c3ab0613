/* SPDX-License-Identifier: MIT */
/* An exam of many examples: time and memory in proportion to them. */
#define _GNU_SOURCE
#include "exam_world.h"

enum { MANY = 100000 };

static int32_t deliver(const opro_dataset *dataset, size_t index, opro_sink *sink,
                       void *user_data) {
    (void)dataset, (void)index, (void)user_data;
    opro_sink_text(sink, "What is item 1?", OPRO_ZT);
    return opro_sink_text(sink, "1", OPRO_ZT);
}

/* Bytes that are held, and the most that were. */
typedef struct scale {
    size_t now, most;
} scale;

typedef union block {
    size_t size;
    max_align_t aligned;
} block;

static void *weigh_alloc(size_t n, void *user_data) {
    scale *s = user_data;
    block *b = malloc(sizeof *b + n);

    if (!b) return NULL;
    b->size = n;
    s->now += n;
    if (s->now > s->most) s->most = s->now;
    return b + 1;
}

static void weigh_free(void *p, void *user_data) {
    block *b = p;

    if (!b) return;
    ((scale *)user_data)->now -= b[-1].size;
    free(b - 1);
}

static void *weigh_realloc(void *p, size_t n, void *user_data) {
    block *b = p, *grown = weigh_alloc(n, user_data);

    if (!grown || !b) return grown;
    memcpy(grown, b, b[-1].size < n ? b[-1].size : n);
    weigh_free(p, user_data);
    return grown;
}

/* One request, and the cache answers all the others. */
static void a_hundred_thousand_examples(void **state) {
    scale s = {0, 0};
    const opro_allocator mem = {sizeof mem, weigh_alloc, weigh_realloc, weigh_free, &s};
    exam_world w;
    opro_exam *exam;

    (void)state;
    exam_prepare(&w, exam_say_most, 1, "");
    opro_dataset_free(w.dataset);
    assert_int_equal(opro_dataset_new(&w.dataset, NULL), OPRO_OK);
    assert_int_equal(opro_dataset_set_fn(w.dataset, MANY, deliver, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_metric_new(&w.metric, OPRO_METRIC_CONTAINS, OPRO_TASK_TEXT, NULL),
                     OPRO_OK);
    assert_int_equal(opro_examiner_new(&w.examiner, w.dataset, w.metric, w.model, w.config, &mem),
                     OPRO_OK);
    exam = exam_whole(&w, "Think.", MANY);
    assert_int_equal(opro_exam_known(exam), MANY);
    assert_true(opro_exam_mean(exam) == 1);
    assert_int_equal(w.server->n, 1);
    assert_int_equal(opro_exam_figure(exam, OPRO_CALL_CACHE_HITS), MANY - 1);
    assert_true(s.now < (size_t)MANY * 192); /* the texts of each have about 30 bytes */
    assert_true(s.most < s.now + (size_t)MANY * 32);
    opro_exam_free(exam);
    exam_close(&w);
    assert_int_equal(s.now, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
