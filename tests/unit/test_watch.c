/* SPDX-License-Identifier: MIT */
/*
 * Whoever works on a request outside the run hears, once, when it is closed by anybody else; and
 * nothing when he has closed it himself.
 */
#include "../api/script.h"

#include "core/request.h"
#include "core/run.h"

/* Somebody at work on a request. */
typedef struct worker {
    opro__watch watch;
    opro_run *run;
    uint64_t id;
    int told;
    opro__watch *other; /* taken off when it is told */
} worker;

static void hear(void *ctx) {
    worker *w = ctx;

    w->told++;
    if (w->other) opro__watch_off(w->other);
    /* the request is closed, and the run lets nobody in */
    assert_null(opro__run_find(w->run, w->id));
    assert_int_equal(opro_run_answer_text(w->run, w->id, "x", 1), OPRO_ERR_REENTRANT);
}

static void begin(worker *w, opro_run *run, opro_request *request) {
    *w = (worker){.run = run, .id = opro_request_id(request)};
    opro__request_watch(request, &w->watch, hear, w);
}

static void an_answer_from_elsewhere_is_heard(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=2");
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);
    uint64_t id = opro_request_id(request);
    worker a, b;

    (void)state;
    begin(&a, run, request);
    begin(&b, run, request);
    tell_text(run, id, CANDIDATE("one"));
    assert_int_equal(a.told + b.told, 0); /* a sample is missing */
    opro__watch_off(&a.watch);            /* it gives the last answer */
    opro__watch_off(&a.watch);
    tell_text(run, id, CANDIDATE("two"));
    assert_int_equal(a.told, 0);
    assert_int_equal(b.told, 1);
    assert_null(b.watch.at);
    score_next(run, 0.5);
    begin(&a, run, next_of(run, OPRO_REQUEST_SCORE));
    tell_score(run, opro__run_find(run, a.id), 0.5);
    assert_int_equal(a.told, 1);
    opro_run_free(run);
    assert_int_equal(a.told, 1);
    assert_int_equal(b.told, 1);
}

static void a_failure_is_heard(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=1 samples_per_request=1");
    worker w;

    (void)state;
    begin(&w, run, next_of(run, OPRO_REQUEST_PROPOSE));
    assert_int_equal(opro_run_answer_error(run, w.id, OPRO_ERR_FAILED, "", 0), OPRO_OK);
    assert_int_equal(w.told, 1);
    opro_run_free(run);
    assert_int_equal(w.told, 1);
}

static void a_timeout_is_heard(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_request=4 request_timeout_ms=10");
    opro_request *request;
    worker w[2];

    (void)state;
    begin(&w[0], run, next_of(run, OPRO_REQUEST_PROPOSE));
    begin(&w[1], run, next_of(run, OPRO_REQUEST_PROPOSE));
    tell_text(run, w[1].id, CANDIDATE("a part"));
    assert_int_equal(opro_run_next(run, 9, &request), OPRO_OK);
    assert_int_equal(w[0].told + w[1].told, 0);
    assert_int_equal(opro_run_next(run, 10, &request), OPRO_OK);
    assert_int_equal(w[0].told, 1);
    assert_int_equal(w[1].told, 1);
    opro_run_free(run);
}

static void a_stop_is_heard_by_all(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_request=1 samples_per_step=5");
    worker w[5];

    (void)state;
    for (int i = 0; i < 5; i++)
        begin(&w[i], run, next_of(run, OPRO_REQUEST_PROPOSE));
    assert_int_equal(opro_run_stop(run), OPRO_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(w[i].told, 1);
    opro_run_free(run);
    for (int i = 0; i < 5; i++)
        assert_int_equal(w[i].told, 1);
}

/* An answer may end the run, and with it the request that it belongs to. */
static void a_stop_by_an_answer_is_heard(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_step=2 mode=steady steady_samples=2");
    ear e = {.stop_at = OPRO_EVENT_REPLY};
    worker w;

    (void)state;
    assert_int_equal(opro_run_set_observer(run, ear_hear, &e, NULL), OPRO_OK);
    begin(&w, run, next_of(run, OPRO_REQUEST_PROPOSE));
    tell_text(run, w.id, CANDIDATE("one"));
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_HOST);
    assert_int_equal(w.told, 1);
    opro_run_free(run);
}

static void the_end_of_the_run_is_heard(void **state) {
    opro_run *run = run_of(text_problem(), "samples_per_request=1");
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE);
    worker a, b, c, d;

    (void)state;
    begin(&a, run, request);
    begin(&b, run, request);
    begin(&c, run, request);
    begin(&d, run, next_of(run, OPRO_REQUEST_PROPOSE));
    c.other = &a.watch; /* who is told may take off others */
    opro_run_free(run);
    assert_int_equal(a.told, 0);
    assert_int_equal(b.told, 1);
    assert_int_equal(c.told, 1);
    assert_int_equal(d.told, 1);
}

static void clones_have_no_watches(void **state) {
    opro_run *run = run_of(text_problem(), "");
    opro_request *request = next_of(run, OPRO_REQUEST_PROPOSE), *clone;
    worker w;

    (void)state;
    begin(&w, run, request);
    assert_int_equal(opro_request_clone(&clone, request, NULL), OPRO_OK);
    assert_null(clone->watches);
    opro_run_stop(run);
    assert_int_equal(w.told, 1);
    opro_request_free(clone);
    opro_run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_from_elsewhere_is_heard),
        cmocka_unit_test(a_failure_is_heard),
        cmocka_unit_test(a_timeout_is_heard),
        cmocka_unit_test(a_stop_is_heard_by_all),
        cmocka_unit_test(a_stop_by_an_answer_is_heard),
        cmocka_unit_test(the_end_of_the_run_is_heard),
        cmocka_unit_test(clones_have_no_watches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
