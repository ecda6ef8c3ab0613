/* SPDX-License-Identifier: MIT */
/*
 * A monkey at the keyboard: random options, random calls, right and wrong, early and late. It keeps
 * its own books of what is open, so it knows what each call must say; and when all is over the
 * figures must add up.
 */
#include "script.h"

#define RUNS  1000
#define CALLS 400
#define MOST  1024

typedef struct entry {
    uint64_t id;
    int32_t kind;
    size_t n;       /* samples, or instances */
    size_t missing; /* samples without a reply */
    unsigned char answered[64];
    int over;
} entry;

typedef struct monkey {
    uint64_t random;
    opro_run *run;
    entry entries[MOST]; /* all that were ever handed out */
    size_t n;
    size_t open;
    int64_t now, count;
    int times_out; /* requests may be over without its doing */
    int64_t max_proposals, max_calls;
    opro_status last; /* of opro_run_next() */
} monkey;

static uint32_t draw(monkey *m, uint64_t below) {
    m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((m->random >> 33) % below);
}

/* ---- a run with random options --------------------------------------------------------------- */

static int32_t no_x_first(const opro_problem *problem, const char *text, size_t len,
                          opro_sink *sink, void *user_data) {
    (void)problem;
    (void)user_data;
    assert_int_equal(text[len], 0);
    return text[0] == 'x' ? opro_sink_reject(sink, "x", 1) : opro_sink_count(sink, 0);
}

static int32_t drop_first(const opro_problem *problem, const char *text, size_t len,
                          opro_sink *sink, void *user_data) {
    (void)problem;
    (void)user_data;
    return len > 1 ? opro_sink_text(sink, text + 1, len - 1) : opro_sink_reject(sink, "no", 2);
}

static void set(opro_config *config, int32_t option, uint64_t value) {
    assert_int_equal(opro_config_set_int(config, option, (int64_t)value), OPRO_OK);
}

static opro_config *random_config(monkey *m) {
    opro_config *config = config_of("");

    set(config, OPRO_OPT_SEED, draw(m, 1000));
    set(config, OPRO_OPT_MODE, draw(m, 3) ? OPRO_MODE_STEPWISE : OPRO_MODE_STEADY);
    set(config, OPRO_OPT_STEPS, draw(m, 8));
    set(config, OPRO_OPT_SAMPLES_PER_STEP, 1 + draw(m, 9));
    set(config, OPRO_OPT_SAMPLES_PER_REQUEST, draw(m, 5));
    set(config, OPRO_OPT_CANDIDATES_PER_REPLY, 1 + draw(m, 3));
    set(config, OPRO_OPT_RESAMPLE_LIMIT, draw(m, 4));
    set(config, OPRO_OPT_MAX_IN_FLIGHT, draw(m, 2) ? 64 : 1 + draw(m, 4));
    set(config, OPRO_OPT_STEADY_SAMPLES, 1 + draw(m, 3));
    set(config, OPRO_OPT_STEADY_CANDIDATES, 3 + draw(m, 9));
    set(config, OPRO_OPT_EVAL_INTERVAL, draw(m, 3));
    set(config, OPRO_OPT_REPAIR, draw(m, 2));
    set(config, OPRO_OPT_DEDUP, draw(m, 2) ? OPRO_DEDUP_EXACT : OPRO_DEDUP_NORMALISED);
    set(config, OPRO_OPT_MAX_FAILURES, draw(m, 5));
    set(config, OPRO_OPT_PATIENCE, draw(m, 3) ? 0 : draw(m, 5));
    set(config, OPRO_OPT_SHOWN_SOLUTIONS, draw(m, 6));
    set(config, OPRO_OPT_SHOW_REJECTED, draw(m, 3));
    set(config, OPRO_OPT_SHOW_FEEDBACK, draw(m, 2) * 20);
    if (draw(m, 3) == 0) opro_config_set_real(config, OPRO_OPT_TARGET_SCORE, 0.9);
    m->max_proposals = draw(m, 2) ? 0 : (int64_t)(1 + draw(m, 60));
    m->max_calls = draw(m, 2) ? 0 : (int64_t)(1 + draw(m, 60));
    set(config, OPRO_OPT_MAX_PROPOSALS, (uint64_t)m->max_proposals);
    set(config, OPRO_OPT_MAX_SCORER_CALLS, (uint64_t)m->max_calls);
    if (draw(m, 4) == 0) set(config, OPRO_OPT_MAX_TOKENS, draw(m, 100000) + 1);
    if (draw(m, 4) == 0) set(config, OPRO_OPT_MAX_TIME_MS, 1 + draw(m, 2000));
    m->times_out = draw(m, 3) == 0;
    set(config, OPRO_OPT_REQUEST_TIMEOUT_MS, m->times_out ? 1 + draw(m, 100) : 0);
    return config;
}

static void begin(monkey *m, uint64_t seed) {
    opro_problem *problem = text_problem();
    opro_config *config;

    memset(m, 0, sizeof *m);
    m->random = seed;
    m->now = (int64_t)draw(m, 1000) - 500;
    config = random_config(m);
    opro_problem_set_instances(problem, 1 + draw(m, 3), draw(m, 3));
    if (draw(m, 2)) opro_problem_set_direction(problem, OPRO_MINIMIZE);
    if (draw(m, 2)) opro_problem_set_check_fn(problem, no_x_first, NULL, NULL);
    if (draw(m, 2)) opro_problem_set_repair_fn(problem, drop_first, NULL, NULL);
    for (uint64_t i = draw(m, 4); i > 0; i--)
        opro_problem_add_initial(problem, i % 2 ? "start" : "begin", OPRO_ZT);
    if (opro_run_new(&m->run, problem, config, NULL) != OPRO_OK)
        fail_msg("%s", opro_error_message(opro_problem_error(problem), NULL));
    opro_config_free(config);
    opro_problem_free(problem);
}

/* ---- its books ------------------------------------------------------------------------------- */

static void close_entry(monkey *m, entry *e) {
    e->over = 1;
    m->open--;
}

static void after_call(monkey *m) {
    int64_t in_flight = opro_run_count(m->run, OPRO_COUNT_IN_FLIGHT);
    int64_t count = opro_trajectory_count(opro_run_trajectory(m->run));

    if (opro_run_stop_reason(m->run) != OPRO_STOP_NONE)
        for (size_t i = 0; i < m->n; i++)
            if (!m->entries[i].over) close_entry(m, &m->entries[i]);
    if (m->times_out)
        assert_true(in_flight <= (int64_t)m->open);
    else
        assert_int_equal(in_flight, m->open);
    assert_true(count >= m->count);
    m->count = count;
    if (m->max_proposals)
        assert_true(opro_run_count(m->run, OPRO_COUNT_PROPOSALS) <= m->max_proposals);
    if (m->max_calls) assert_true(opro_run_count(m->run, OPRO_COUNT_SCORER_CALLS) <= m->max_calls);
}

/* What a call to an entry said, when it should have said this. */
static int said(monkey *m, entry *e, opro_status st, opro_status expected) {
    if (e->over) expected = OPRO_ERR_STALE;
    if (m->times_out && st == OPRO_ERR_STALE && st != expected) {
        close_entry(m, e);
        return 0;
    }
    if (st != expected)
        fail_msg("%s instead of %s: %s", opro_status_name(st), opro_status_name(expected),
                 opro_error_message(opro_run_error(m->run), NULL));
    return st == OPRO_OK;
}

/* ---- what it does ---------------------------------------------------------------------------- */

static void ask(monkey *m) {
    opro_request *request;
    entry *e = &m->entries[m->n];

    if (m->n == MOST) return;
    m->now += (int64_t)draw(m, 20);
    m->last = opro_run_next(m->run, m->now, &request);
    if (m->last != OPRO_OK) {
        assert_true(m->last == OPRO_WAIT || m->last == OPRO_DONE);
        if (m->last == OPRO_WAIT && !m->times_out) assert_true(m->open > 0);
        return;
    }
    memset(e, 0, sizeof *e);
    e->id = opro_request_id(request);
    e->kind = opro_request_kind(request);
    e->n = e->missing = opro_request_samples(request);
    if (e->kind == OPRO_REQUEST_SCORE) opro_request_instances(request, &e->n);
    assert_true(e->n >= 1 && e->n <= 64);
    for (size_t i = 0; i < m->n; i++)
        assert_true(m->entries[i].id != e->id);
    m->n++;
    m->open++;
}

static void reply(monkey *m, entry *e) {
    static const char *const forms[] = {CANDIDATE("idea %d"),
                                        CANDIDATE("IDEA  %d"),
                                        CANDIDATE("x%d"),
                                        CANDIDATE("one %d") CANDIDATE("two"),
                                        "nothing",
                                        CANDIDATE("INS %d"),
                                        CANDIDATE("start")};
    size_t index = draw(m, e->n);
    int whole = (int)draw(m, 10), proposal = e->kind == OPRO_REQUEST_PROPOSE;
    char text[128];
    opro_status st;

    snprintf(text, sizeof text, forms[draw(m, 7)], (int)draw(m, 40));
    st = whole == 0   ? opro_run_answer_truncated(m->run, e->id, index, 1, text, OPRO_ZT)
         : whole == 1 ? opro_run_answer_refused(m->run, e->id, index, 1, text, OPRO_ZT)
                      : opro_run_answer_reply(m->run, e->id, index, 2, text, OPRO_ZT);
    if (!said(m, e, st,
              !proposal            ? OPRO_ERR_INVALID
              : e->answered[index] ? OPRO_ERR_STALE
                                   : OPRO_OK))
        return;
    e->answered[index] = 1;
    if (--e->missing == 0 && !e->over) close_entry(m, e);
}

static void score(monkey *m, entry *e) {
    double scores[8];
    size_t n = draw(m, 8) ? e->n : draw(m, 5);
    int proposal = e->kind == OPRO_REQUEST_PROPOSE, bad = draw(m, 8) == 0;
    opro_status st;

    for (size_t i = 0; i < 8; i++)
        scores[i] = (double)draw(m, 101) / 100;
    if (bad) scores[0] = draw(m, 2) ? NAN : 1.5;
    if (n > 8) n = 8;
    st = opro_run_answer_scores(m->run, e->id, scores, n);
    if (said(m, e, st, proposal || n != e->n || bad ? OPRO_ERR_INVALID : OPRO_OK) && !e->over)
        close_entry(m, e);
}

static void give_up(monkey *m, entry *e) {
    opro_status st = opro_run_answer_error(m->run, e->id, OPRO_ERR_FAILED, "given up", OPRO_ZT);

    if (said(m, e, st, OPRO_OK) && !e->over) close_entry(m, e);
}

static void tell_more(monkey *m, entry *e) {
    if (draw(m, 2)) {
        said(m, e,
             opro_run_answer_usage(m->run, e->id, (int64_t)draw(m, 50), (int64_t)draw(m, 50), 3),
             OPRO_OK);
        return;
    }
    said(m, e, opro_run_answer_feedback(m->run, e->id, "hm", 2),
         e->kind == OPRO_REQUEST_SCORE ? OPRO_OK : OPRO_ERR_INVALID);
}

static void strike_a_key(monkey *m) {
    uint64_t key = draw(m, 100);
    size_t pick = m->n ? draw(m, m->n) : 0;
    entry *e = &m->entries[pick];

    if (key < 30 || !m->n) {
        ask(m);
    } else if (key == 99 && draw(m, 10) == 0) {
        assert_int_equal(opro_run_stop(m->run), OPRO_OK);
    } else if (key == 98) {
        assert_int_equal(opro_run_answer_text(m->run, draw(m, 1000) + 5000, "x", 1),
                         OPRO_ERR_UNKNOWN);
    } else {
        /* mostly what is open */
        for (size_t i = 0; i < m->n && e->over && key % 8; i++)
            e = &m->entries[(pick + i) % m->n];
        if (key < 40)
            tell_more(m, e);
        else if (key < 45)
            give_up(m, e);
        else if (e->kind == OPRO_REQUEST_PROPOSE ? key < 95 : key >= 95)
            reply(m, e);
        else
            score(m, e);
    }
    after_call(m);
}

/* ---- when it is over ------------------------------------------------------------------------- */

static void add_up(const opro_run *run) {
    static const int32_t pairs[][2] = {
        {OPRO_FIGURE_PROPOSALS, OPRO_COUNT_PROPOSALS},
        {OPRO_FIGURE_REJECTED, OPRO_COUNT_REJECTED},
        {OPRO_FIGURE_DUPLICATES, OPRO_COUNT_DUPLICATES},
        {OPRO_FIGURE_SCORER_CALLS, OPRO_COUNT_SCORER_CALLS},
        {OPRO_FIGURE_PROMPT_TOKENS, OPRO_COUNT_PROMPT_TOKENS},
        {OPRO_FIGURE_REPLY_TOKENS, OPRO_COUNT_REPLY_TOKENS},
        {OPRO_FIGURE_COST, OPRO_COUNT_COST},
    };
    const opro_trajectory *t = opro_run_trajectory(run);
    double scored = 0;

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        double sum = 0;

        for (int64_t step = -1; step < 1000; step++) {
            double f = opro_trajectory_figure(t, step, pairs[i][0]);

            sum += isnan(f) ? 0 : f;
        }
        if (sum != (double)opro_run_count(run, pairs[i][1]))
            fail_msg("figure %d adds up to %g, not %g", (int)pairs[i][0], sum,
                     (double)opro_run_count(run, pairs[i][1]));
    }
    for (int64_t step = -1; step < 1000; step++) {
        double f = opro_trajectory_figure(t, step, OPRO_FIGURE_SCORED);

        scored += isnan(f) ? 0 : f;
    }
    assert_true(scored == (double)opro_trajectory_scored(t));
    assert_int_equal(opro_run_count(run, OPRO_COUNT_RESERVED_TOKENS), 0);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_RESERVED_COST), 0);
    assert_int_equal(opro_run_count(run, OPRO_COUNT_TOKENS),
                     opro_run_count(run, OPRO_COUNT_PROMPT_TOKENS) +
                         opro_run_count(run, OPRO_COUNT_REPLY_TOKENS));
}

/* The best, the order, and each candidate's verdict against its score. */
static void look_through(const opro_run *run) {
    const opro_trajectory *t = opro_run_trajectory(run);
    int64_t n = opro_trajectory_count(t), best = -1, top[2048];
    double sign = opro_trajectory_direction(t) == OPRO_MAXIMIZE ? 1 : -1;
    size_t n_top = opro_trajectory_top(t, top, 2048);

    for (int64_t i = 0; i < n; i++) {
        int scored = opro_trajectory_verdict(t, i) == OPRO_VERDICT_SCORED;
        double s = opro_trajectory_score(t, i);

        assert_int_equal(isnan(s), !scored);
        assert_int_equal(opro_trajectory_reason(t, i) == OPRO_REASON_NONE, scored);
        assert_true(opro_trajectory_proposals(t, i) >= 1);
        assert_int_equal(opro_trajectory_find(t, opro_trajectory_text(t, i, NULL), OPRO_ZT), i);
        if (scored && (best < 0 || sign * s > sign * opro_trajectory_score(t, best))) best = i;
    }
    assert_int_equal(opro_trajectory_best(t), best);
    assert_int_equal(n_top, opro_trajectory_scored(t));
    for (size_t i = 1; i < n_top; i++) {
        double a = sign * opro_trajectory_score(t, top[i - 1]),
               b = sign * opro_trajectory_score(t, top[i]);

        assert_true(a > b || (a == b && top[i - 1] > top[i]));
    }
}

static void a_monkey_learns_nothing_new(void **state) {
    static monkey m;
    long stopped[12] = {0};

    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        begin(&m, seed * 7919);
        for (int i = 0; i < CALLS && m.last != OPRO_DONE; i++)
            strike_a_key(&m);
        stopped[opro_run_stop_reason(m.run) / 10]++;
        assert_int_equal(opro_run_stop(m.run), OPRO_OK);
        after_call(&m);
        add_up(m.run);
        look_through(m.run);
        opro_run_free(m.run);
    }
    for (int32_t reason = OPRO_STOP_STEPS; reason <= OPRO_STOP_FAILURES; reason += 10)
        print_message("%s %ld ", opro_stop_reason_name(reason), stopped[reason / 10]);
    print_message("of %d runs\n", RUNS);
    assert_int_equal(stopped[OPRO_STOP_ERROR / 10], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_monkey_learns_nothing_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
