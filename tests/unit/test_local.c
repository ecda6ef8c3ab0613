/* SPDX-License-Identifier: MIT */
#include "search_world.h"

#include "effort.h"
#include "failing.h"

/* ---- problems -------------------------------------------------------------------------------- */

static opro_problem *vectors(size_t d, double lower, double upper, int32_t integer) {
    double bounds[2][12];
    opro_problem *problem;

    for (size_t i = 0; i < d; i++) {
        bounds[0][i] = lower;
        bounds[1][i] = upper;
    }
    assert_int_equal(opro_problem_new_vector(&problem, d, bounds[0], bounds[1], integer, NULL),
                     OPRO_OK);
    return problem;
}

static opro_problem *tours(size_t n) {
    opro_problem *problem;

    assert_int_equal(opro_problem_new_permutation(&problem, n, OPRO_PERMUTATION_TOUR, NULL),
                     OPRO_OK);
    return problem;
}

static opro_problem *texts(void) {
    opro_problem *problem;

    assert_int_equal(opro_problem_new(&problem, NULL), OPRO_OK);
    return problem;
}

static double function_score(const world *w, const char *text, size_t len) {
    size_t n = opro_vector_dimension(w->problem);
    double x[12];

    assert_int_equal(opro_vector_parse(w->problem, text, len, x, n), OPRO_OK);
    return opro_function_value((int32_t)(intptr_t)w->data, x, n);
}

/* Places on a spiral: the shortest round trip is not the order of their numbers. */
static double tour_score(const world *w, const char *text, size_t len) {
    int32_t nodes[64];
    size_t n = opro_permutation_size(w->problem);
    double sum = 0;

    assert_int_equal(opro_permutation_parse(w->problem, text, len, nodes, n), OPRO_OK);
    for (size_t i = 0; i < n; i++) {
        double a = nodes[i] * 7 % 11 + 0.1 * nodes[i], b = nodes[i] * 5 % 13;
        double c = nodes[(i + 1) % n] * 7 % 11 + 0.1 * nodes[(i + 1) % n];
        double d = nodes[(i + 1) % n] * 5 % 13;

        sum += sqrt((a - c) * (a - c) + (b - d) * (b - d));
    }
    return sum;
}

/* Words of a text that are wanted; "no" makes it worse. */
static double text_score(const world *w, const char *text, size_t len) {
    static const char *const wanted[] = {"step", "heck", "answer", "brief", "alpha", "omega"};
    double score = 0;

    (void)w;
    (void)len;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        score += strstr(text, wanted[i]) != NULL;
    return (score - (strstr(text, "no ") != NULL)) / 7;
}

/* ---- what holds for all kinds ---------------------------------------------------------------- */

/* Open a world of a kind with its initial solutions. */
static void open_kind(world *w, int kind) {
    switch (kind) {
    case 0:
        world_open(w, vectors(3, -5, 10, 0), function_score,
                   (void *)(intptr_t)OPRO_FUNCTION_ROSENBROCK);
        world_begin_with(w, "1.5, -2, 3");
        break;
    case 1:
        world_open(w, vectors(2, -20, 20, 1), function_score,
                   (void *)(intptr_t)OPRO_FUNCTION_SPHERE);
        world_begin_with(w, "10, 13");
        world_begin_with(w, "11, 13");
        break;
    case 2: world_open(w, tours(12), tour_score, NULL); break;
    default:
        world_open(w, texts(), text_score, NULL);
        world_begin_with(w, "Start with alpha. There is no hurry.");
        world_begin_with(w, "End with omega, please.");
        break;
    }
}

#define KINDS 4

/* All that it proposes for a step, with the origins, as one text. */
static opro__buf proposals(opro__local *l, world *w, const opro_trajectory *t, int64_t step) {
    opro__buf all, one;

    opro__buf_init(&all, &w->mem, 1 << 20);
    opro__buf_init(&one, &w->mem, 1 << 20);
    assert_int_equal(opro__local_begin(l, t, 31 * (uint64_t)step, step), OPRO_OK);
    for (size_t sample = 0; sample < WORLD_SAMPLES; sample++) {
        int32_t origin;

        assert_int_equal(opro__local_propose(l, sample, &one, &origin), OPRO_OK);
        opro__buf_add(&all, one.data, one.len);
        opro__buf_addc(&all, '|');
        opro__buf_add_int(&all, origin);
        opro__buf_addc(&all, '\n');
    }
    opro__buf_free(&one);
    return all;
}

/*
 * An optimizer that has followed all along proposes what one that begins here does, and itself
 * once more.
 */
static void test_proposals_follow_from_trajectory_and_request(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        world w;

        open_kind(&w, kind);
        for (int step = 0; step < 30; step++) {
            opro__local *fresh;
            opro_error err;
            opro__buf text[3];

            assert_int_equal(opro__local_new(&fresh, w.problem, &w.options, &w.mem, &err), OPRO_OK);
            for (int i = 0; i < 3; i++)
                text[i] = proposals(i == 1 ? fresh : w.local, &w, w.trajectory, w.step);
            assert_string_equal(text[0].data, text[1].data);
            assert_string_equal(text[0].data, text[2].data);
            for (int i = 0; i < 3; i++)
                opro__buf_free(&text[i]);
            opro__local_free(fresh);
            world_step(&w);
        }
        world_close(&w);
    }
}

/* Where there is room for new solutions, none is proposed twice. */
static void test_proposals_are_new(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        int64_t initial;
        world w;

        open_kind(&w, kind);
        initial = opro_trajectory_count(w.trajectory);
        for (int step = 0; step < 25; step++)
            world_step(&w);
        for (int64_t i = 0; kind == 1 && i < opro_trajectory_count(w.trajectory); i++) {
            const char *text = opro_trajectory_text(w.trajectory, i, NULL);

            assert_true(!strstr(text, "-0,") && strcmp(strchr(text, ' '), " -0") != 0);
        }
        assert_true(opro_trajectory_count(w.trajectory) - initial >=
                    (kind == 3 ? 24 : 25) * WORLD_SAMPLES);
        world_close(&w);
    }
}

/* One solution, or three, and nothing else is left: it goes on, and says the same again. */
static void test_spaces_that_are_used_up(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        world w;

        if (kind == 0)
            world_open(&w, vectors(1, 2, 4, 1), function_score,
                       (void *)(intptr_t)OPRO_FUNCTION_SPHERE);
        else if (kind == 1)
            world_open(&w, vectors(2, 1.5, 1.5, 0), function_score,
                       (void *)(intptr_t)OPRO_FUNCTION_SPHERE);
        else
            world_open(&w, tours(kind == 2 ? 1 : 4), tour_score, NULL);
        for (int step = 0; step < 10; step++)
            world_step(&w);
        assert_int_equal(opro_trajectory_count(w.trajectory), kind == 1 || kind == 2 ? 1 : 3);
        world_close(&w);
    }
}

/*
 * Another trajectory, or a shorter one, even in the same place: what was learnt from the former
 * does not show.
 */
static void test_another_trajectory_starts_over(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        opro_trajectory *former;
        world w, other;

        open_kind(&w, kind);
        open_kind(&other, kind);
        for (int step = 0; step < 4; step++)
            world_step(&w);
        other.seed = 1;
        for (int step = 0; step < 6; step++)
            world_step(&other);
        former = w.trajectory;
        for (int i = 0; i < 2; i++) {
            opro_trajectory kept = *former;
            opro__buf a, b;

            if (i == 0) /* as if it had been freed, and the other one made in its place */
                *former = *other.trajectory;
            a = proposals(w.local, &w, former, 20);
            *former = kept;
            b = proposals(other.local, &other, i ? former : other.trajectory, 20);
            assert_string_equal(a.data, b.data);
            opro__buf_free(&a);
            opro__buf_free(&b);
        }
        world_close(&other);
        world_close(&w);
    }
}

/* ---- restarts, credit, kinds ----------------------------------------------------------------- */

static double no_slope(const world *w, const char *text, size_t len) {
    (void)w;
    (void)text;
    (void)len;
    return 1;
}

static void test_a_search_that_stalls_begins_again(void **state) {
    world w;

    (void)state;
    world_open(&w, vectors(2, -5, 5, 0), no_slope, NULL);
    w.options.values[OPRO__ROW_LOCAL_RESTART].i = 5;
    opro__local_free(w.local);
    assert_int_equal(opro__local_new(&w.local, w.problem, &w.options, &w.mem, &(opro_error){0}),
                     OPRO_OK);
    for (int step = 0; step < 30; step++)
        world_step(&w);
    for (int64_t i = 0; i < opro_trajectory_count(w.trajectory); i++) {
        int is_random = opro_trajectory_origin(w.trajectory, i) == OPRO_ORIGIN_LOCAL_RANDOM;

        /* The first candidate after a restart is a new best: five steps without one follow. */
        assert_int_equal(is_random, opro_trajectory_step(w.trajectory, i) % 5 == 0);
    }
    world_close(&w);
}

static void test_restarts_can_be_forbidden(void **state) {
    world w;

    (void)state;
    world_open(&w, vectors(2, -5, 5, 0), no_slope, NULL);
    w.options.values[OPRO__ROW_LOCAL_RESTART].i = 0;
    opro__local_free(w.local);
    assert_int_equal(opro__local_new(&w.local, w.problem, &w.options, &w.mem, &(opro_error){0}),
                     OPRO_OK);
    for (int step = 0; step < 60; step++)
        world_step(&w);
    assert_int_equal(world_count(&w, OPRO_ORIGIN_LOCAL_RANDOM), WORLD_SAMPLES);
    world_close(&w);
}

static void test_the_arm_that_finds_better_ones_gets_more(void **state) {
    int64_t quadratic, others;
    world w;

    (void)state;
    world_open(&w, vectors(5, -5, 10, 0), function_score,
               (void *)(intptr_t)OPRO_FUNCTION_ROSENBROCK);
    for (int step = 0; step < 60; step++)
        world_step(&w);
    quadratic = world_count(&w, OPRO_ORIGIN_LOCAL_QUADRATIC);
    others =
        world_count(&w, OPRO_ORIGIN_LOCAL_DIFFERENTIAL) + world_count(&w, OPRO_ORIGIN_LOCAL_CMA);
    assert_true(quadratic > others);
    assert_true(others > 20); /* the floor */
    world_close(&w);
}

/* Rejected, failed and foreign candidates, validation aside: all are followed, none disturbs. */
static void test_candidates_of_all_sorts(void **state) {
    static const char *const strange[] = {"", "no vector", "1, 2, 3", "1, nan", "1e999, 0"};
    world w;

    (void)state;
    world_open(&w, vectors(2, -5, 5, 0), function_score, (void *)(intptr_t)OPRO_FUNCTION_SPHERE);
    for (int step = 0; step < 20; step++) {
        int fresh;
        char text[40];
        opro__candidate *c;

        memcpy(text, "0.0000001, ", 12);
        text[11] = (char)('0' + step % 10);
        text[12] = (char)(step < 10 ? '\0' : '9');
        text[13] = '\0';
        if (step < 5) memcpy(text, strange[step], strlen(strange[step]) + 1);
        c = opro__trajectory_meet(w.trajectory, text, strlen(text), &fresh);
        assert_true(c && fresh);
        c->verdict = step % 3 == 0   ? OPRO_VERDICT_REJECTED
                     : step % 3 == 1 ? OPRO_VERDICT_FAILED
                                     : OPRO_VERDICT_SCORED;
        if (step % 3 == 2) c->score = -step;
        c->origin = step % 2 ? OPRO_ORIGIN_MODEL : OPRO_ORIGIN_LOCAL_CMA;
        c->step = (int32_t)w.step;
        opro__trajectory_commit(w.trajectory, c);
        world_step(&w);
    }
    world_close(&w);
}

/* What the scorer could not score is no arm's fault. */
static void test_failures_of_the_scorer_change_nothing(void **state) {
    opro__buf before, after;
    world w;

    (void)state;
    open_kind(&w, 0);
    for (int step = 0; step < 5; step++)
        world_step(&w);
    before = proposals(w.local, &w, w.trajectory, w.step);
    for (int i = 0; i < 40; i++) {
        char text[] = "3, 4, 50";
        int fresh;
        opro__candidate *c;

        text[6] = (char)('0' + i / 10);
        text[7] = (char)('0' + i % 10);
        c = opro__trajectory_meet(w.trajectory, text, 8, &fresh);
        assert_true(c && fresh);
        c->verdict = OPRO_VERDICT_FAILED;
        c->origin = i % 2 ? OPRO_ORIGIN_LOCAL_CMA : OPRO_ORIGIN_LOCAL_DIFFERENTIAL;
        opro__trajectory_commit(w.trajectory, c);
    }
    after = proposals(w.local, &w, w.trajectory, w.step);
    assert_string_equal(before.data, after.data);
    opro__buf_free(&before);
    opro__buf_free(&after);
    world_close(&w);
}

static void listen(int32_t level, const char *domain, const char *message, size_t len,
                   void *user_data) {
    char *heard = user_data;

    (void)len;
    assert_string_equal(domain, "local");
    heard[0] = level == OPRO_LOG_ERROR ? 'E' : 'I';
    strncpy(heard + 1, message, 198);
}

static int32_t never(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    (void)problem;
    (void)text;
    (void)len;
    (void)sink;
    (void)user_data;
    fail();
    return OPRO_OK;
}

static void test_it_says_what_it_is_or_why_it_cannot_be(void **state) {
    opro_optimizer *optimizer = NULL;
    opro_problem *problem = texts();
    opro_config *config;
    char heard[200] = "";

    (void)state;
    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    assert_int_equal(opro_config_set_log(config, OPRO_LOG_INFO, listen, heard, NULL), OPRO_OK);
    assert_int_equal(opro_optimizer_new_local(&optimizer, problem, config, NULL), OPRO_OK);
    assert_true(heard[0] == 'I' && strstr(heard, "no language model"));
    opro_optimizer_free(optimizer);
    opro_problem_free(problem);
    problem = texts();
    optimizer = NULL;
    assert_int_equal(opro_problem_set_canonical_fn(problem, never, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_optimizer_new_local(&optimizer, problem, config, NULL),
                     OPRO_ERR_UNSUPPORTED);
    assert_true(heard[0] == 'E' && strstr(heard, "canonical"));
    assert_null(optimizer);
    opro_problem_free(problem);
    opro_config_free(config);
}

/* ---- reach ----------------------------------------------------------------------------------- */

static void test_texts_get_better(void **state) {
    world w;

    (void)state;
    open_kind(&w, 3);
    for (int step = 0; step < 60; step++)
        world_step(&w);
    assert_true(w.best >= 6.0 / 7);
    world_close(&w);
}

static void test_functions_are_minimized(void **state) {
    static const struct {
        int32_t function;
        size_t d;
        int steps;
        double most;
    } cases[] = {{OPRO_FUNCTION_SPHERE, 10, 20, 1e-9},
                 {OPRO_FUNCTION_ROSENBROCK, 2, 60, 1e-3},
                 {OPRO_FUNCTION_ROSENBROCK, 5, 200, 0.1},
                 {OPRO_FUNCTION_ACKLEY, 5, 100, 1},
                 {OPRO_FUNCTION_RASTRIGIN, 3, 200, 4}};

    (void)state;
    if (!effort_for_size()) skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;

        world_open(&w, vectors(cases[i].d, -5, 10, 0), function_score,
                   (void *)(intptr_t)cases[i].function);
        for (int step = 0; step < cases[i].steps; step++)
            world_step(&w);
        assert_true(w.best <= cases[i].most);
        world_close(&w);
    }
}

/* Twelve places seen by lengths only: with 54 directions settled, all is known. */
static void test_a_blind_tour_is_solved(void **state) {
    double best = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        world w;

        world_open(&w, tours(12), tour_score, NULL);
        w.seed = seed;
        for (int step = 0; step < 15; step++)
            world_step(&w);
        if (seed == 0) best = w.best;
        assert_true(fabs(w.best - best) < 1e-9);
        world_close(&w);
    }
}

/* ---- as an optimizer of a run ---------------------------------------------------------------- */

/* Drive a run to its end; the digest of its state. */
static uint64_t drive(opro_problem *problem, const opro_config *config, opro_optimizer *optimizer,
                      opro_run **out) {
    opro_request *request;
    opro_run *run;
    opro_status st;

    assert_int_equal(opro_run_new(&run, problem, config, NULL), OPRO_OK);
    while ((st = opro_run_next(run, 0, &request)) == OPRO_OK) {
        if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE) {
            assert_int_equal(opro_optimizer_propose(optimizer, run, request), OPRO_OK);
        } else {
            size_t len, n = opro_vector_dimension(problem);
            const char *text = opro_request_text(request, &len);
            double x[12], score;

            assert_int_equal(opro_vector_parse(problem, text, len, x, n), OPRO_OK);
            score = opro_function_value(OPRO_FUNCTION_ROSENBROCK, x, n);
            assert_int_equal(opro_run_answer_scores(run, opro_request_id(request), &score, 1),
                             OPRO_OK);
        }
    }
    assert_int_equal(st, OPRO_DONE);
    *out = run;
    return opro_run_state_hash(run);
}

/* The same run with an optimizer that knows it, with one that knows another, and with a new one. */
static void test_runs_can_be_repeated(void **state) {
    opro_problem *problem = vectors(2, -5, 10, 0);
    opro_optimizer *optimizer[2];
    opro_config *config;
    opro_run *run[3];
    uint64_t digest[3];

    (void)state;
    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    assert_int_equal(opro_config_set_int(config, OPRO_OPT_STEPS, 15), OPRO_OK);
    assert_int_equal(opro_config_set_int(config, OPRO_OPT_SAMPLES_PER_REQUEST, 3), OPRO_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(opro_optimizer_new_local(&optimizer[i], problem, config, NULL), OPRO_OK);
    digest[0] = drive(problem, config, optimizer[0], &run[0]);
    digest[1] = drive(problem, config, optimizer[0], &run[1]);
    opro_run_free(run[1]);
    opro_run_free(run[0]);
    digest[2] = drive(problem, config, optimizer[1], &run[2]);
    assert_true(digest[0] == digest[1] && digest[0] == digest[2]);
    opro_run_free(run[2]);
    opro_optimizer_free(optimizer[0]);
    opro_optimizer_free(optimizer[1]);
    opro_config_free(config);
    opro_problem_free(problem);
}

/* How the samples of a step are split into requests makes no difference to them. */
static void test_requests_of_a_step_share_its_numbers(void **state) {
    static const int64_t splits[] = {0, 1, 3};
    opro_problem *problem = vectors(2, -5, 10, 0);
    opro_run *run[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        opro_optimizer *optimizer;
        opro_config *config;

        assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
        assert_int_equal(opro_config_set_int(config, OPRO_OPT_STEPS, 2), OPRO_OK);
        assert_int_equal(opro_config_set_int(config, OPRO_OPT_SAMPLES_PER_REQUEST, splits[i]),
                         OPRO_OK);
        assert_int_equal(opro_optimizer_new_local(&optimizer, problem, config, NULL), OPRO_OK);
        drive(problem, config, optimizer, &run[i]);
        opro_optimizer_free(optimizer);
        opro_config_free(config);
    }
    for (int64_t k = 0; k < 16; k++)
        for (int i = 1; i < 3; i++)
            assert_string_equal(opro_trajectory_text(opro_run_trajectory(run[0]), k, NULL),
                                opro_trajectory_text(opro_run_trajectory(run[i]), k, NULL));
    for (int i = 0; i < 3; i++)
        opro_run_free(run[i]);
    opro_problem_free(problem);
}

static void test_the_problem_must_be_its_own(void **state) {
    opro_problem *one = vectors(2, -5, 10, 0), *other = vectors(2, -5, 10, 0);
    opro_optimizer *optimizer;
    opro_run *run;

    (void)state;
    assert_int_equal(opro_optimizer_new_local(&optimizer, one, NULL, NULL), OPRO_OK);
    drive(other, NULL, optimizer, &run);
    assert_int_equal(opro_run_stop_reason(run), OPRO_STOP_FAILURES);
    opro_run_free(run);
    opro_optimizer_free(optimizer);
    opro_problem_free(one);
    opro_problem_free(other);
}

static void test_bad_arguments(void **state) {
    opro_problem *problem = tours(5);
    opro_optimizer *optimizer;
    opro_allocator wrong = {.size = 1};

    (void)state;
    assert_int_equal(opro_optimizer_new_local(NULL, problem, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_optimizer_new_local(&optimizer, NULL, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_optimizer_new_local(&optimizer, problem, NULL, &wrong), OPRO_ERR_INVALID);
    opro_problem_free(problem);
}

static void test_batches_leave_no_memory_behind(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        size_t used = 0;
        world w;

        open_kind(&w, kind);
        world_step(&w);
        for (int i = 0; i < 20; i++) {
            opro__buf text;

            opro__buf_init(&text, &w.mem, 1 << 20);
            assert_int_equal(opro__local_begin(w.local, w.trajectory, 1, w.step), OPRO_OK);
            for (size_t sample = 0; sample < 100; sample++) {
                int32_t origin;

                assert_int_equal(opro__local_propose(w.local, sample, &text, &origin), OPRO_OK);
            }
            opro__buf_free(&text);
            assert_true(i == 0 || w.mem.used == used);
            used = w.mem.used;
        }
        world_close(&w);
    }
}

/*
 * Fail the n-th allocation, for every n: a clean error each time, nothing is lost, and it can go
 * on.
 */
static void test_no_memory(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        opro__buf first;
        world w;
        int done = 0;

        open_kind(&w, kind);
        opro__buf_init(&first, &w.mem, 1 << 20);
        for (int step = 0; step < 3; step++)
            world_step(&w);
        for (long n = 0; !done; n++) {
            failing f = {.left = n};
            opro_allocator allocator = failing_allocator(&f);
            opro__mem mem;
            opro__local *l = NULL;
            opro_error err;
            opro__buf text;
            opro_status st;

            assert_int_equal(opro__mem_init(&mem, &allocator), OPRO_OK);
            opro__buf_init(&text, &mem, 1 << 20);
            st = opro__local_new(&l, w.problem, &w.options, &mem, &err);
            if (st == OPRO_OK) st = opro__local_begin(l, w.trajectory, 1, w.step);
            for (size_t i = 0; st == OPRO_OK && i < WORLD_SAMPLES; i++) {
                int32_t origin;

                st = opro__local_propose(l, i, &text, &origin);
            }
            assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
            done = st == OPRO_OK;
            f.left = -1;
            if (l) {
                opro__buf all = proposals(l, &w, w.trajectory, w.step);

                if (!first.data) opro__buf_add(&first, all.data, all.len);
                assert_string_equal(all.data, first.data); /* as if nothing had happened */
                opro__buf_free(&all);
            }
            opro__local_free(l);
            opro__buf_free(&text);
            assert_int_equal(f.live, 0);
            assert_true(n < 1000);
        }
        opro__buf_free(&first);
        world_close(&w);
    }
}

static void test_no_memory_for_an_optimizer(void **state) {
    opro_problem *problem = tours(8);
    int done = 0;

    (void)state;
    for (long n = 0; !done; n++) {
        failing f = {.left = n};
        opro_allocator allocator = failing_allocator(&f);
        opro_optimizer *optimizer = NULL;
        opro_status st = opro_optimizer_new_local(&optimizer, problem, NULL, &allocator);

        assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
        done = st == OPRO_OK;
        opro_optimizer_free(optimizer);
        assert_int_equal(f.live, 0);
    }
    opro_problem_free(problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proposals_follow_from_trajectory_and_request),
        cmocka_unit_test(test_proposals_are_new),
        cmocka_unit_test(test_spaces_that_are_used_up),
        cmocka_unit_test(test_another_trajectory_starts_over),
        cmocka_unit_test(test_a_search_that_stalls_begins_again),
        cmocka_unit_test(test_restarts_can_be_forbidden),
        cmocka_unit_test(test_the_arm_that_finds_better_ones_gets_more),
        cmocka_unit_test(test_candidates_of_all_sorts),
        cmocka_unit_test(test_failures_of_the_scorer_change_nothing),
        cmocka_unit_test(test_it_says_what_it_is_or_why_it_cannot_be),
        cmocka_unit_test(test_texts_get_better),
        cmocka_unit_test(test_functions_are_minimized),
        cmocka_unit_test(test_a_blind_tour_is_solved),
        cmocka_unit_test(test_runs_can_be_repeated),
        cmocka_unit_test(test_requests_of_a_step_share_its_numbers),
        cmocka_unit_test(test_the_problem_must_be_its_own),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_batches_leave_no_memory_behind),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_for_an_optimizer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
