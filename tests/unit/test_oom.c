/* SPDX-License-Identifier: MIT */
/*
 * No memory: in each scenario every allocation fails in turn, once or from then on. Calls say
 * OPRO_ERR_NOMEM; what set something up can be called again, a run is dead and can still be looked
 * at; nothing leaks; the loop ends.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opro/opro.h"

/* ---- an allocator that fails ----------------------------------------------------------------- */

typedef struct memory {
    long count; /* allocations so far                      */
    long fails; /* the one that fails; 0: none             */
    int once;   /* ... and those behind it succeed again   */
    long live;  /* blocks handed out and not freed         */
    int failed;
} memory;

static int spend(memory *m) {
    m->count++;
    if (!m->fails || m->count < m->fails || (m->once && m->count > m->fails)) return 1;
    m->failed = 1;
    return 0;
}

static void *mem_alloc(size_t n, void *user_data) {
    memory *m = user_data;
    void *p = spend(m) ? malloc(n) : NULL;

    m->live += p != NULL;
    return p;
}

static void *mem_realloc(void *p, size_t n, void *user_data) {
    return spend(user_data) ? realloc(p, n) : NULL;
}

static void mem_free(void *p, void *user_data) {
    ((memory *)user_data)->live -= p != NULL;
    free(p);
}

/* ---- a world --------------------------------------------------------------------------------- */

/* All that a scenario may use; what is NULL is not there. */
typedef struct world {
    memory m;
    opro_allocator mem;
    opro_config *config;
    opro_problem *problem;
    opro_tour *tour;
    opro_trajectory *start;
    opro_meta_prompt *builder;
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_run *run;
    opro_driver *driver;
    opro_request *clone;
    uint64_t hash; /* of the end */
} world;

/* A call that changes nothing when it fails: once there is memory again, it succeeds. */
#define SET(call)                                                                                  \
    do {                                                                                           \
        st = (call);                                                                               \
        if (st == OPRO_ERR_NOMEM && w->m.once) {                                                   \
            st = (call);                                                                           \
            assert_int_equal(st, OPRO_OK);                                                         \
        }                                                                                          \
        if (st != OPRO_OK) return st;                                                              \
    } while (0)

static opro_status make_config(world *w, const char *settings) {
    opro_status st;

    SET(opro_config_new(&w->config, &w->mem));
    while (*settings) {
        size_t len = strcspn(settings, " "), name = strcspn(settings, "=");

        SET(opro_config_set(w->config, settings, name, settings + name + 1, len - name - 1));
        settings += len;
        settings += strspn(settings, " ");
    }
    return OPRO_OK;
}

static void hear_log(int32_t level, const char *domain, const char *message, size_t len,
                     void *user_data) {
    (void)level;
    (void)domain;
    (void)user_data;
    assert_int_equal(strlen(message), len);
}

/* ---- callbacks of a problem ------------------------------------------------------------------ */

static int32_t canonical(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                         void *user_data) {
    (void)problem;
    (void)user_data;
    while (len && text[len - 1] == '.')
        len--;
    return opro_sink_text(sink, text, len);
}

static int32_t check(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    (void)problem;
    (void)len;
    (void)user_data;
    return strchr(text, 'z') ? opro_sink_reject(sink, "there is a z in it", OPRO_ZT)
                             : opro_sink_count(sink, 0);
}

static int32_t repair(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    (void)problem;
    (void)user_data;
    if (text[0] != 'z') return opro_sink_reject(sink, "too deep in", OPRO_ZT);
    return opro_sink_text(sink, text + 1, len - 1);
}

static int32_t polish(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    char better[64];

    (void)problem;
    (void)user_data;
    if (len > 40) return opro_sink_text(sink, text, len);
    snprintf(better, sizeof better, "%s!.", text);
    return opro_sink_text(sink, better, OPRO_ZT);
}

static int32_t render(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    (void)problem;
    (void)user_data;
    return opro_sink_text(sink, text, len);
}

static int32_t words(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    int32_t st = OPRO_OK;

    (void)problem;
    (void)len;
    (void)user_data;
    for (size_t n; *text && st == OPRO_OK; text += n + (text[n] == ',')) {
        n = strcspn(text, ",");
        if (n) st = opro_sink_text(sink, text, n);
    }
    return st;
}

static int32_t exemplar(const opro_problem *problem, size_t index, opro_sink *sink,
                        void *user_data) {
    char input[32];
    int32_t st;

    (void)problem;
    (void)user_data;
    snprintf(input, sizeof input, "%d + %d", (int)index, (int)index);
    st = opro_sink_text(sink, input, OPRO_ZT);
    return st == OPRO_OK ? opro_sink_text(sink, "some number", OPRO_ZT) : st;
}

/* ---- answers --------------------------------------------------------------------------------- */

static double score_of(const char *text, size_t len) {
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    return (double)(h >> 8) / 16777216.0;
}

/*
 * A reply of one of many kinds: candidates to accept, to reject, to repair; nothing; rubbish; a
 * long one.
 */
static opro_status reply(opro_run *run, uint64_t id, size_t i, uint64_t seed) {
    char text[2048];
    int n = (int)(seed % 1000);

    switch ((seed + i) % 7) {
    case 0: snprintf(text, sizeof text, "<INS>idea %d</INS><INS>thought %d</INS>", n, n); break;
    case 1: snprintf(text, sizeof text, "<INS>zebra %d</INS>", n); break;
    case 2: snprintf(text, sizeof text, "<INS>a\xff maze %d</INS>", n); break;
    case 3: snprintf(text, sizeof text, "nothing"); break;
    case 4: return opro_run_answer_truncated(run, id, i, 300, "cut of", OPRO_ZT);
    case 5: return opro_run_answer_refused(run, id, i, 300, "I would rather not", OPRO_ZT);
    default:
        memset(text, 'x', sizeof text);
        snprintf(text + 1500, sizeof text - 1500, "%d", n);
        return opro_run_answer_solution(run, id, i, 300, text, OPRO_ZT);
    }
    return opro_run_answer_reply(run, id, i, 300, text, OPRO_ZT);
}

static opro_status answer(opro_run *run, opro_request *request) {
    uint64_t id = opro_request_id(request), seed = opro_request_seed(request);
    opro_status st = opro_run_answer_usage(run, id, 10, 20, 30);
    double scores[8];
    size_t n, len;
    const char *text = opro_request_text(request, &len);

    if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE) {
        n = opro_request_samples(request);
        for (size_t i = 0; i < n && st == OPRO_OK; i++)
            st = reply(run, id, i, seed + opro_request_first_sample(request));
        return st;
    }
    if (len % 7 == 0) return opro_run_answer_error(run, id, OPRO_ERR_FAILED, "unlucky", OPRO_ZT);
    opro_request_instances(request, &n);
    for (size_t i = 0; i < n; i++)
        scores[i] = score_of(text, len) * (i % 2 ? 0.5 : 1);
    if (st == OPRO_OK) st = opro_run_answer_feedback(run, id, "not quite there", OPRO_ZT);
    return st == OPRO_OK ? opro_run_answer_scores(run, id, scores, n) : st;
}

static int32_t answer_at_once(opro_run *run, opro_request *request, void *user_data) {
    (void)user_data;
    return answer(run, request);
}

/* ---- looking --------------------------------------------------------------------------------- */

static int32_t observe(opro_run *run, const opro_event *event, void *user_data) {
    long *events = user_data;

    ++*events;
    assert_non_null(opro_event_text(event, NULL));
    assert_non_null(opro_event_detail(event, NULL));
    assert_true(opro_trajectory_count(opro_run_trajectory(run)) >= 0);
    return OPRO_OK;
}

/* Everything that can be asked has an answer, whatever has happened. */
static void look_at_trajectory(const opro_trajectory *t) {
    int64_t top[8], n = opro_trajectory_count(t);
    double scores[8];

    for (int64_t i = 0; i < n; i++) {
        size_t len;
        const char *text = opro_trajectory_text(t, i, &len);

        assert_int_equal(strlen(text), len);
        assert_non_null(opro_trajectory_detail(t, i, NULL));
        assert_non_null(opro_trajectory_feedback(t, i, NULL));
        assert_int_not_equal(opro_trajectory_verdict(t, i), 0);
        assert_int_equal(isnan(opro_trajectory_score(t, i)),
                         opro_trajectory_verdict(t, i) != OPRO_VERDICT_SCORED);
        assert_true(opro_trajectory_scores(t, i, OPRO_TRAIN, scores, 8) <= 8);
        assert_int_equal(opro_trajectory_find(t, text, len), i);
    }
    assert_true(opro_trajectory_best(t) < n);
    assert_true(opro_trajectory_scored(t) <= n);
    assert_true((int64_t)opro_trajectory_top(t, top, 8) <= n);
    for (int64_t step = -1; step <= opro_trajectory_steps(t); step++)
        for (int32_t figure = 10; figure <= 140; figure += 10)
            (void)opro_trajectory_figure(t, step, figure);
    (void)opro_trajectory_hash(t);
}

static void look_at(const opro_run *run) {
    look_at_trajectory(opro_run_trajectory(run));
    for (int32_t counter = 10; counter <= 140; counter += 10)
        assert_true(opro_run_count(run, counter) >= 0);
    (void)opro_run_state_hash(run);
    (void)opro_run_step(run);
    (void)opro_run_timeout(run, 0);
}

/* A run that ran out of memory says so for ever. */
static void expect_dead(opro_run *run) {
    opro_request *request = NULL;
    double score = 0;

    look_at(run);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_ERROR);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_IN_FLIGHT), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(opro_run_answer_text(run, 1, "x", 1), OPRO_ERR_NOMEM);
        assert_int_equal(opro_run_answer_scores(run, 1, &score, 1), OPRO_ERR_NOMEM);
        assert_int_equal(opro_error_status(opro_run_error(run)), OPRO_ERR_NOMEM);
        assert_true(opro_error_message(opro_run_error(run), NULL)[0] != '\0');
    }
    assert_true(opro_run_next(run, 0, &request) < 0);
    assert_null(request);
    assert_int_equal(opro_run_stop(run), OPRO_OK);
    look_at(run);
}

/* ---- going through it ------------------------------------------------------------------------ */

static opro_status make_run(world *w) {
    opro_status st = opro_run_new(&w->run, w->problem, w->config, &w->mem);

    if (st == OPRO_ERR_NOMEM) {
        assert_null(w->run);
        assert_int_equal(opro_error_status(opro_problem_error(w->problem)), st);
        assert_true(opro_error_message(opro_problem_error(w->problem), NULL)[0] != '\0');
    }
    if (st == OPRO_ERR_NOMEM && w->m.once)
        st = opro_run_new(&w->run, w->problem, w->config, &w->mem);
    return st;
}

/* JSON and clones of a request, which are not the run's life. */
static opro_status look_at_request(world *w, opro_request *request) {
    const char *json = opro_request_json(request, NULL);
    opro_status st;

    if (!json && w->m.once) json = opro_request_json(request, NULL);
    if (!json) return OPRO_ERR_NOMEM;
    if (w->clone) return OPRO_OK;
    SET(opro_request_clone(&w->clone, request, &w->mem));
    json = opro_request_json(w->clone, NULL);
    if (!json && w->m.once) json = opro_request_json(w->clone, NULL);
    return json ? OPRO_OK : OPRO_ERR_NOMEM;
}

static opro_status go(world *w) {
    opro_status st, seen = OPRO_OK;

    for (long turns = 0; turns < 10000; turns++) {
        opro_request *request;

        st = opro_run_next(w->run, 0, &request);
        if (st == OPRO_OK && seen == OPRO_OK) seen = look_at_request(w, request);
        if (st == OPRO_OK) st = answer(w->run, request);
        if (st != OPRO_OK) break;
    }
    if (st == OPRO_ERR_NOMEM) {
        expect_dead(w->run);
        return st;
    }
    assert_int_equal(st, OPRO_DONE);
    look_at(w->run);
    w->hash = opro_run_state_hash(w->run);
    return seen;
}

static opro_status make_driver(world *w) {
    opro_status st;

    SET(opro_driver_new(&w->driver, w->problem, w->config, &w->mem));
    if (!w->optimizer) SET(opro_optimizer_new(&w->optimizer, answer_at_once, w, NULL, &w->mem));
    if (!w->scorer) SET(opro_scorer_new(&w->scorer, answer_at_once, w, NULL, &w->mem));
    SET(opro_driver_set_optimizer(w->driver, w->optimizer));
    SET(opro_driver_set_scorer(w->driver, w->scorer));
    return OPRO_OK;
}

static opro_status drive(world *w) {
    opro_status st = opro_driver_run(w->driver);
    opro_run *run = opro_driver_run_handle(w->driver);

    look_at(run);
    if (st == OPRO_ERR_NOMEM) {
        assert_int_equal(opro_error_status(opro_driver_error(w->driver)), st);
        assert_true(opro_error_message(opro_driver_error(w->driver), NULL)[0] != '\0');
        assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_ERROR);
        assert_true(opro_driver_step(w->driver) < 0);
        assert_true(opro_driver_poll(w->driver, 0) < 0);
        look_at(run);
        return st;
    }
    assert_int_equal(st, OPRO_OK);
    w->hash = opro_run_state_hash(run);
    return st;
}

/* ---- scenarios ------------------------------------------------------------------------------- */

static opro_status make_text_problem(world *w) {
    opro_status st;

    SET(opro_problem_new(&w->problem, &w->mem));
    SET(opro_problem_set_description(w->problem, "say it well", OPRO_ZT));
    SET(opro_problem_set_score_name(w->problem, "grace", OPRO_ZT));
    SET(opro_problem_set_instances(w->problem, 4, 2));
    SET(opro_problem_add_initial(w->problem, "first", OPRO_ZT));
    SET(opro_problem_add_initial(w->problem, "second", OPRO_ZT));
    return OPRO_OK;
}

static opro_status text_with_everything(world *w) {
    static long events;
    opro_status st =
        make_config(w, "steps=3 samples_per_step=6 eval_interval=2 show_rejected=5 "
                       "show_feedback=200 exemplars=2 repair=1 "
                       "exemplar_choice=current_wrong wrong_score=0.3 max_length=1000");

    if (st != OPRO_OK) return st;
    SET(opro_config_set_log(w->config, OPRO_LOG_DEBUG, hear_log, NULL, NULL));
    st = make_text_problem(w);
    if (st != OPRO_OK) return st;
    SET(opro_problem_set_canonical_fn(w->problem, canonical, NULL, NULL));
    SET(opro_problem_set_check_fn(w->problem, check, NULL, NULL));
    SET(opro_problem_set_repair_fn(w->problem, repair, NULL, NULL));
    SET(opro_problem_set_polish_fn(w->problem, polish, NULL, NULL));
    SET(opro_problem_set_render_fn(w->problem, render, NULL, NULL));
    for (int i = 0; i < 4; i++)
        SET(opro_problem_add_exemplar(w->problem, "what?", OPRO_ZT, "that", OPRO_ZT));
    st = make_driver(w);
    if (st != OPRO_OK) return st;
    SET(opro_driver_set_observer(w->driver, observe, &events, NULL));
    return drive(w);
}

static opro_status ask_and_tell(world *w) {
    opro_status st = make_config(w, "steps=3 samples_per_step=5 samples_per_request=2 tidy=1 "
                                    "resample_limit=2 candidates_per_reply=2 exemplars=1 "
                                    "exemplar_choice=accumulated_wrong max_tokens=1000000 "
                                    "forbid_digits=0 order=random max_prompt_tokens=5000");

    if (st == OPRO_OK) st = make_text_problem(w);
    if (st != OPRO_OK) return st;
    SET(opro_problem_set_exemplar_fn(w->problem, 4, exemplar, NULL, NULL));
    st = make_run(w);
    return st == OPRO_OK ? go(w) : st;
}

static opro_status a_parser_of_the_hosts(world *w) {
    opro_status st = make_config(w, "steps=2 samples_per_step=4 candidates_per_reply=3");

    if (st == OPRO_OK) st = make_text_problem(w);
    if (st != OPRO_OK) return st;
    SET(opro_problem_set_parse_fn(w->problem, words, NULL, NULL));
    st = make_run(w);
    return st == OPRO_OK ? go(w) : st;
}

static opro_status steadily(world *w) {
    opro_status st = make_config(w, "mode=steady steps=6 steady_samples=3 steady_candidates=9");

    if (st == OPRO_OK) st = make_text_problem(w);
    if (st == OPRO_OK) st = make_run(w);
    return st == OPRO_OK ? go(w) : st;
}

static opro_status a_warm_start(world *w) {
    double scores[4] = {0, 0.25, 0.5, 1};
    opro_status st = make_config(w, "steps=2 samples_per_step=4 shown_solutions=3");

    if (st == OPRO_OK) st = make_text_problem(w);
    if (st != OPRO_OK) return st;
    SET(opro_trajectory_new(&w->start, OPRO_MAXIMIZE, &w->mem));
    for (int i = 0; i < 12; i++) {
        char text[32];
        int64_t number = -1;

        snprintf(text, sizeof text, "start %d", i);
        SET(opro_trajectory_add(w->start, text, OPRO_ZT, scores, 4, &number));
        assert_int_equal(number, i);
    }
    look_at_trajectory(w->start);
    st = make_run(w);
    if (st != OPRO_OK) return st;
    st = opro_run_warm_start(w->run, w->start);
    if (st == OPRO_ERR_NOMEM) expect_dead(w->run);
    return st == OPRO_OK ? go(w) : st;
}

/* Answers that are posted from this thread: what cannot be posted can be posted again. */
static int32_t post_answer(opro_run *run, opro_request *request, void *user_data) {
    world *w = user_data;
    uint64_t id = opro_request_id(request);
    double scores[8] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
    size_t n;
    opro_status st = OPRO_OK;

    (void)run;
    SET(opro_driver_post_usage(w->driver, id, 1, 2, 3));
    if (opro_request_kind(request) == OPRO_REQUEST_SCORE) {
        opro_request_instances(request, &n);
        SET(opro_driver_post_scores(w->driver, id, scores, n));
        SET(opro_driver_post_error(w->driver, id, OPRO_ERR_FAILED, "late", OPRO_ZT));
        return OPRO_PENDING;
    }
    n = opro_request_samples(request);
    for (size_t i = 0; i < n; i++) {
        char text[64];

        snprintf(text, sizeof text, "<INS>idea %d %d</INS>", (int)id, (int)i);
        SET(opro_driver_post_reply(w->driver, id, i, 0, text, OPRO_ZT));
    }
    return OPRO_PENDING;
}

static opro_status posts(world *w) {
    opro_status st = make_config(w, "steps=2 samples_per_step=4");

    if (st == OPRO_OK) st = make_text_problem(w);
    if (st != OPRO_OK) return st;
    SET(opro_optimizer_new(&w->optimizer, post_answer, w, NULL, &w->mem));
    SET(opro_scorer_new(&w->scorer, post_answer, w, NULL, &w->mem));
    st = make_driver(w);
    return st == OPRO_OK ? drive(w) : st;
}

static opro_status vectors_by_local_search(world *w) {
    opro_status st = make_config(w, "steps=8 samples_per_step=6");

    if (st != OPRO_OK) return st;
    SET(opro_problem_new_function(&w->problem, OPRO_FUNCTION_ROSENBROCK, 3, &w->mem));
    SET(opro_scorer_new_function(&w->scorer, OPRO_FUNCTION_ROSENBROCK, &w->mem));
    SET(opro_optimizer_new_local(&w->optimizer, w->problem, w->config, &w->mem));
    st = make_driver(w);
    return st == OPRO_OK ? drive(w) : st;
}

static opro_status a_regression_by_local_search(world *w) {
    static const double x[4] = {1, 2, 3, 4}, y[4] = {5, 7, 9, 11};
    opro_status st = make_config(w, "steps=5 samples_per_step=6");

    if (st != OPRO_OK) return st;
    SET(opro_problem_new_regression(&w->problem, -10, 10, &w->mem));
    SET(opro_problem_add_initial(w->problem, "1, 1", OPRO_ZT));
    SET(opro_scorer_new_regression(&w->scorer, x, y, 4, &w->mem));
    SET(opro_optimizer_new_local(&w->optimizer, w->problem, w->config, &w->mem));
    st = make_driver(w);
    return st == OPRO_OK ? drive(w) : st;
}

static const char tsplib[] = "NAME: seven\nTYPE: TSP\nDIMENSION: 7\nEDGE_WEIGHT_TYPE: EUC_2D\n"
                             "NODE_COORD_SECTION\n1 0 0\n2 9 2\n3 4 7\n4 1 5\n5 8 8\n6 3 1\n7 6 4\n"
                             "EOF\n";

static opro_status a_tour(world *w, const char *settings) {
    opro_status st = make_config(w, settings);

    if (st != OPRO_OK) return st;
    SET(opro_tour_new(&w->tour, &w->mem));
    SET(opro_tour_read_tsplib(w->tour, tsplib, OPRO_ZT));
    SET(opro_problem_new_tour(&w->problem, w->tour, &w->mem));
    SET(opro_scorer_new_tour(&w->scorer, w->tour, &w->mem));
    SET(opro_optimizer_new_local(&w->optimizer, w->problem, w->config, &w->mem));
    st = make_driver(w);
    return st == OPRO_OK ? drive(w) : st;
}

static opro_status a_tour_by_local_search(world *w) {
    return a_tour(w, "steps=6 samples_per_step=4");
}

static opro_status a_blind_tour_by_local_search(world *w) {
    return a_tour(w, "steps=8 samples_per_step=6 polish=0 repair=1");
}

static opro_status texts_by_local_search(world *w) {
    opro_status st = make_config(w, "steps=4 samples_per_step=4");

    if (st != OPRO_OK) return st;
    SET(opro_problem_new(&w->problem, &w->mem));
    SET(opro_problem_add_initial(w->problem, "Think first. Then act. Check it twice.", OPRO_ZT));
    SET(opro_problem_add_initial(w->problem, "Read slowly. Answer briefly.", OPRO_ZT));
    SET(opro_optimizer_new_local(&w->optimizer, w->problem, w->config, &w->mem));
    st = make_driver(w);
    return st == OPRO_OK ? drive(w) : st;
}

/* ---- the builder alone ----------------------------------------------------------------------- */

static int32_t block(const opro_meta_prompt *meta_prompt, const opro_trajectory *trajectory,
                     int32_t which, int64_t number, opro_sink *sink, void *user_data) {
    (void)meta_prompt;
    (void)which;
    (void)user_data;
    return opro_sink_text(sink, opro_trajectory_text(trajectory, number, NULL), OPRO_ZT);
}

static int32_t sort(const opro_meta_prompt *meta_prompt, const opro_trajectory *trajectory,
                    int64_t *numbers, size_t n, opro_sink *sink, void *user_data) {
    (void)meta_prompt;
    (void)trajectory;
    (void)user_data;
    for (size_t i = 0; i < n / 2; i++) {
        int64_t number = numbers[i];

        numbers[i] = numbers[n - 1 - i];
        numbers[n - 1 - i] = number;
    }
    return opro_sink_count(sink, (int64_t)n);
}

static int32_t tokens(const opro_meta_prompt *meta_prompt, const char *text, size_t len,
                      opro_sink *sink, void *user_data) {
    (void)meta_prompt;
    (void)text;
    (void)user_data;
    return opro_sink_count(sink, (int64_t)len);
}

static opro_status build(world *w) {
    opro_status st;

    for (int64_t step = 0; step < 4; step++) {
        SET(opro_meta_prompt_build(w->builder, w->start, step));
        assert_true(opro_meta_prompt_messages(w->builder) > 0);
        for (size_t i = 0; i < opro_meta_prompt_messages(w->builder); i++)
            w->hash = w->hash * 31 +
                      (uint64_t)(score_of(opro_meta_prompt_text(w->builder, i, NULL),
                                          strlen(opro_meta_prompt_text(w->builder, i, NULL))) *
                                 1e6);
    }
    return OPRO_OK;
}

static opro_status a_builder_alone(world *w) {
    double scores[4] = {0, 0.25, 0.5, 1};
    opro_status st = make_config(w, "exemplars=2 max_prompt_tokens=900 question_marks=1 "
                                    "position=before_q");

    if (st == OPRO_OK) st = make_text_problem(w);
    if (st != OPRO_OK) return st;
    SET(opro_problem_set_render_fn(w->problem, render, NULL, NULL));
    SET(opro_problem_set_exemplar_fn(w->problem, 4, exemplar, NULL, NULL));
    SET(opro_trajectory_new(&w->start, OPRO_MAXIMIZE, &w->mem));
    SET(opro_meta_prompt_new(&w->builder, w->problem, w->config, &w->mem));
    st = build(w);
    for (int i = 0; i < 30 && st == OPRO_OK; i++) {
        char text[32];

        snprintf(text, sizeof text, "try <this> {%d}", i);
        SET(opro_trajectory_add(w->start, text, OPRO_ZT, scores, 4, NULL));
    }
    if (st == OPRO_OK) st = build(w);
    if (st != OPRO_OK) return st;
    SET(opro_meta_prompt_set_template(w->builder, OPRO_BLOCK_INTRO, "{description}: {{go}}",
                                      OPRO_ZT));
    SET(opro_meta_prompt_set_template(w->builder, OPRO_BLOCK_LAYOUT,
                                      "{intro}\n\n{trajectory}\n\n{exemplars}\n\n{request}",
                                      OPRO_ZT));
    SET(opro_meta_prompt_set_block_fn(w->builder, OPRO_BLOCK_ENTRY, block, NULL, NULL));
    SET(opro_meta_prompt_set_sort_fn(w->builder, sort, NULL, NULL));
    SET(opro_meta_prompt_set_token_fn(w->builder, tokens, NULL, NULL));
    return build(w);
}

static opro_status configs(world *w) {
    opro_config *clone = NULL;
    opro_status st = make_config(w, "steps=3");

    if (st != OPRO_OK) return st;
    SET(opro_config_set_log(w->config, OPRO_LOG_DEBUG, hear_log, NULL, NULL));
    SET(opro_config_clone(&clone, w->config, &w->mem));
    assert_true(opro_config_digest(clone) == opro_config_digest(w->config));
    w->hash = opro_config_digest(clone);
    opro_config_free(clone);
    return OPRO_OK;
}

/* ---- every point of every scenario ----------------------------------------------------------- */

static const struct {
    const char *name;
    opro_status (*play)(world *w);
} scenarios[] = {
    {"configs", configs},
    {"a builder alone", a_builder_alone},
    {"text with everything", text_with_everything},
    {"ask and tell", ask_and_tell},
    {"a parser of the host's", a_parser_of_the_hosts},
    {"steadily", steadily},
    {"a warm start", a_warm_start},
    {"posts", posts},
    {"vectors by local search", vectors_by_local_search},
    {"a regression by local search", a_regression_by_local_search},
    {"a tour by local search", a_tour_by_local_search},
    {"a blind tour by local search", a_blind_tour_by_local_search},
    {"texts by local search", texts_by_local_search},
};

/* Returns how many allocations there were. */
static long play(size_t s, long fails, int once, opro_status *st, uint64_t *hash) {
    world w;

    memset(&w, 0, sizeof w);
    w.m.fails = fails;
    w.m.once = once;
    w.mem = (opro_allocator){sizeof w.mem, mem_alloc, mem_realloc, mem_free, &w.m};
    *st = scenarios[s].play(&w);
    *hash = w.hash;
    opro_request_free(w.clone);
    opro_driver_free(w.driver);
    opro_run_free(w.run);
    opro_meta_prompt_free(w.builder);
    opro_optimizer_free(w.optimizer);
    opro_scorer_free(w.scorer);
    opro_trajectory_free(w.start);
    opro_problem_free(w.problem);
    opro_tour_free(w.tour);
    opro_config_free(w.config);
    if (w.m.live)
        fail_msg("%s: %ld blocks leak when allocation %ld fails", scenarios[s].name, w.m.live,
                 fails);
    if (fails && !w.m.failed)
        fail_msg("%s: allocation %ld was never made", scenarios[s].name, fails);
    return w.m.count;
}

/* After a failure that was got over, the end is the same; otherwise it is told. */
static void fail_at(size_t s, long fails, int once, uint64_t expected) {
    opro_status st;
    uint64_t hash;

    play(s, fails, once, &st, &hash);
    if (st != OPRO_OK && st != OPRO_ERR_NOMEM)
        fail_msg("%s: %s when allocation %ld fails", scenarios[s].name, opro_status_name(st),
                 fails);
    if (st == OPRO_OK && hash != expected)
        fail_msg("%s: another end when allocation %ld fails", scenarios[s].name, fails);
}

static void every_allocation_fails_in_turn(void **state) {
    long points = 0;

    (void)state;
    for (size_t s = 0; s < sizeof scenarios / sizeof *scenarios; s++) {
        opro_status st;
        uint64_t hash;
        long n = play(s, 0, 0, &st, &hash);

        if (st != OPRO_OK) fail_msg("%s: %s", scenarios[s].name, opro_status_name(st));
        for (long i = 1; i <= n; i++) {
            fail_at(s, i, 1, hash);
            fail_at(s, i, 0, hash);
        }
        print_message("%s: %ld allocations\n", scenarios[s].name, n);
        points += 2 * n;
    }
    print_message("%ld points of failure\n", points);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_fails_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
