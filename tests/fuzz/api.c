/* SPDX-License-Identifier: MIT */
/*
 * A host that does what it likes: each line of the input is a call, by its first letter, with
 * digits and a text behind it.
 *
 *   before there is a run
 *   O  an option, "name=value"
 *   P  another problem, by a digit: texts, vectors, permutations, a tour, a function, texts with
 *      callbacks
 *   D  minimize; I, a solution to start from; E, an exemplar; T, two digits: instances
 *   N  a run
 *
 *   with it (k: two digits choose one of the requests so far, the last one is 00)
 *   n  the next request; a digit: so much later
 *   a  answers the last request, with the text or with scores by digits
 *   r  a reply, by k and a digit for the sample; s, a bare solution; t, one that is cut off;
 *      x, a refusal; =, scores, by k and digits; e, an error, by k; f, feedback; u, usage
 *   l  the local optimizer or the problem's scorer answers the last request
 *   g  goes on as a host should, for some requests, by a digit
 *   m  a builder of its own; w, a warm start from another trajectory
 *   c  a digit: how callbacks and the observer behave from now on
 *   q  looks at everything; !, stops; F, frees the run
 *
 * Whatever is called: no crash, no leak, no status that is not known, an error that says what is
 * wrong, and the same requests when it is all done again.
 */
#include <math.h>

#include "fuzz.h"
#include "opro/opro.h"

enum { REQUESTS = 200, LINES = 400, SCORES = 8 };

/* How callbacks behave. */
enum { OBEYS, REJECTS, FAILS, IS_LAZY, LIES, STOPS, CALLS_BACK, FREES, MOODS };

typedef struct host {
    const opro_allocator *allocator;
    int failing;
    opro_config *config;
    opro_problem *problem;
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_run *run;
    opro_request *last; /* of opro_run_next(); NULL: not any more */
    uint64_t ids[REQUESTS];
    size_t n_ids;
    int64_t now;
    int mood;
    uint64_t digest; /* of all requests */
} host;

/* ---- what calls say -------------------------------------------------------------------------- */

static void known(const host *h, opro_status st) {
    REQUIRE(strcmp(opro_status_name(st), "unknown status") != 0);
    REQUIRE(st != OPRO_ERR_UNSUPPORTED && st != OPRO_ERR_ABI);
    if (!h->failing) REQUIRE(st != OPRO_ERR_NOMEM);
}

static opro_status run_said(const host *h, opro_status st) {
    known(h, st);
    fuzz_require_error(opro_run_error(h->run), st);
    return st;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

/* 0: it is to do what it is for. */
static int32_t misbehave(host *h) {
    opro_request *request;

    switch (h->mood) {
    case FAILS: return OPRO_ERR_FAILED;
    case IS_LAZY: return OPRO_OK;
    case LIES: return 77;
    case STOPS:
        if (h->run) opro_run_stop(h->run);
        return 0;
    case CALLS_BACK:
        if (h->run) known(h, opro_run_next(h->run, h->now, &request));
        return 0;
    case FREES:
        opro_run_free(h->run); /* refused */
        return 0;
    default: return 0;
    }
}

/* All steps on the way of a reply. */
static int32_t step(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                    void *user_data) {
    host *h = user_data;
    int32_t st = misbehave(h);

    (void)problem;
    fuzz_require_text(text, len);
    if (st || h->mood == IS_LAZY) return st;
    if (h->mood == REJECTS) return opro_sink_reject(sink, text, len < 20 ? 0 : len);
    return opro_sink_text(sink, text, len);
}

static int32_t check_step(const opro_problem *problem, const char *text, size_t len,
                          opro_sink *sink, void *user_data) {
    host *h = user_data;
    int32_t st = misbehave(h);

    (void)problem;
    if (st || h->mood == IS_LAZY) return st;
    return h->mood == REJECTS || text[0] == '!' ? opro_sink_reject(sink, text, len)
                                                : opro_sink_count(sink, 0);
}

static int32_t exemplar(const opro_problem *problem, size_t index, opro_sink *sink,
                        void *user_data) {
    int32_t st = misbehave(user_data);

    (void)problem;
    if (st) return st;
    st = opro_sink_text(sink, "question", index % 8);
    return st ? st : opro_sink_text(sink, "answer", 6);
}

static int32_t observe(opro_run *run, const opro_event *event, void *user_data) {
    host *h = user_data;
    size_t len;
    const char *text = opro_event_text(event, &len);

    (void)run;
    fuzz_require_text(text, len);
    text = opro_event_detail(event, &len);
    fuzz_require_text(text, len);
    return h->mood == IS_LAZY ? 0 : misbehave(h);
}

/* ---- problems -------------------------------------------------------------------------------- */

static opro_status set_steps(host *h) {
    opro_status st = opro_problem_set_check_fn(h->problem, check_step, h, NULL);

    if (st == OPRO_OK) st = opro_problem_set_canonical_fn(h->problem, step, h, NULL);
    if (st == OPRO_OK) st = opro_problem_set_repair_fn(h->problem, step, h, NULL);
    if (st == OPRO_OK) st = opro_problem_set_polish_fn(h->problem, step, h, NULL);
    if (st == OPRO_OK) st = opro_problem_set_render_fn(h->problem, step, h, NULL);
    return st == OPRO_OK ? opro_problem_set_exemplar_fn(h->problem, 3, exemplar, h, NULL) : st;
}

static opro_status new_tour(host *h) {
    const double x[] = {0, 3, 3, 0, 1}, y[] = {0, 0, 4, 4, 2};
    opro_tour *tour = NULL;
    opro_status st = opro_tour_new(&tour, h->allocator);

    if (st == OPRO_OK) st = opro_tour_set_points(tour, OPRO_METRIC_EUC_2D, x, y, 5);
    if (st == OPRO_OK) st = opro_problem_new_tour(&h->problem, tour, h->allocator);
    if (st == OPRO_OK) st = opro_scorer_new_tour(&h->scorer, tour, h->allocator);
    opro_tour_free(tour);
    return st;
}

static opro_status new_problem(host *h, size_t kind) {
    const double lower[] = {-5, 0}, upper[] = {5, 1};
    const opro_allocator *mem = h->allocator;
    opro_status st;

    switch (kind) {
    case 1: return opro_problem_new_vector(&h->problem, 2, lower, upper, 0, mem);
    case 2: return opro_problem_new_permutation(&h->problem, 4, OPRO_PERMUTATION_CYCLE, mem);
    case 3: return new_tour(h);
    case 4:
        st = opro_problem_new_function(&h->problem, OPRO_FUNCTION_SPHERE, 2, mem);
        return st ? st : opro_scorer_new_function(&h->scorer, OPRO_FUNCTION_SPHERE, mem);
    case 5: st = opro_problem_new(&h->problem, mem); return st ? st : set_steps(h);
    default: return opro_problem_new(&h->problem, mem);
    }
}

static void drop_problem(host *h) {
    opro_optimizer_free(h->optimizer);
    opro_scorer_free(h->scorer);
    opro_problem_free(h->problem);
    h->optimizer = NULL;
    h->scorer = NULL;
    h->problem = NULL;
}

static void make_problem(host *h, fuzz_input *line) {
    drop_problem(h);
    known(h, new_problem(h, fuzz_digit(line, 6)));
}

static void set_up(host *h, char letter, fuzz_input *line) {
    const char *sign;

    if (letter == 'P') make_problem(h, line);
    if (letter == 'O' && (sign = memchr(line->s, '=', line->len)))
        known(h, opro_config_set(h->config, line->s, (size_t)(sign - line->s), sign + 1,
                                 line->len - (size_t)(sign + 1 - line->s)));
    if (!h->problem) known(h, new_problem(h, 0));
    if (!h->problem) return;
    switch (letter) {
    case 'D': known(h, opro_problem_set_direction(h->problem, OPRO_MINIMIZE)); break;
    case 'I': known(h, opro_problem_add_initial(h->problem, line->s, line->len)); break;
    case 'E':
        known(h, opro_problem_add_exemplar(h->problem, line->s, line->len, line->s, line->len));
        break;
    case 'T': {
        size_t train = fuzz_digit(line, SCORES);

        known(h, opro_problem_set_instances(h->problem, train, fuzz_digit(line, SCORES)));
        break;
    }
    default: break;
    }
}

static void begin(host *h) {
    opro_status st;

    if (!h->problem) known(h, new_problem(h, 0));
    if (!h->problem) return;
    st = opro_run_new(&h->run, h->problem, h->config, h->allocator);
    known(h, st);
    REQUIRE((st == OPRO_OK) == (h->run != NULL));
    if (h->run) run_said(h, opro_run_set_observer(h->run, observe, h, NULL));
}

/* ---- requests -------------------------------------------------------------------------------- */

static void check_request(host *h, opro_request *request) {
    size_t len, n = 0;
    const char *text = opro_request_text(request, &len);
    int propose = opro_request_kind(request) == OPRO_REQUEST_PROPOSE;

    fuzz_require_text(text, len);
    h->digest = opro__hash_add_text(h->digest, text, len);
    text = opro_request_json(request, &len);
    REQUIRE(text || h->failing);
    if (text) fuzz_require_text(text, len);
    h->digest = opro__hash_add_text(h->digest, text, text ? len : 0);
    opro_request_instances(request, &n);
    REQUIRE(propose ? opro_request_samples(request) >= 1 : n >= 1);
    for (size_t i = 0; i < h->n_ids; i++)
        REQUIRE(h->ids[i] != opro_request_id(request));
}

static void next(host *h, fuzz_input *line) {
    opro_request *request = NULL;
    opro_status st;

    if (h->n_ids == REQUESTS) return;
    h->now += 100 * (int64_t)fuzz_digit(line, 10);
    h->last = NULL;
    st = run_said(h, opro_run_next(h->run, h->now, &request));
    if (st != OPRO_OK) return;
    check_request(h, request);
    h->last = request;
    h->ids[h->n_ids++] = opro_request_id(request);
}

static uint64_t id_of(const host *h, fuzz_input *line) {
    size_t back = 10 * fuzz_digit(line, 10);

    back += fuzz_digit(line, 10);
    return back < h->n_ids ? h->ids[h->n_ids - 1 - back] : back;
}

static void give_scores(host *h, uint64_t id, size_t n, fuzz_input *line) {
    double scores[SCORES];

    for (size_t i = 0; i < n; i++) {
        size_t digit = fuzz_digit(line, 16); /* from ':' on: what is no score */

        scores[i] = digit < 11    ? (double)digit / 10
                    : digit == 11 ? NAN
                    : digit == 12 ? INFINITY
                                  : -1e300;
    }
    run_said(h, opro_run_answer_scores(h->run, id, scores, n));
}

static void answer_last(host *h, fuzz_input *line) {
    uint64_t id;
    size_t n;

    if (!h->last) return;
    id = opro_request_id(h->last);
    if (opro_request_kind(h->last) == OPRO_REQUEST_PROPOSE) {
        run_said(h, opro_run_answer_text(h->run, id, line->s, line->len));
        return;
    }
    opro_request_instances(h->last, &n);
    if (n <= SCORES) give_scores(h, id, n, line);
}

static void answer(host *h, char letter, fuzz_input *line) {
    uint64_t id = id_of(h, line);
    size_t index = fuzz_digit(line, 10);
    opro_run *run = h->run;
    const char *s = line->s;

    switch (letter) {
    case 'r': run_said(h, opro_run_answer_reply(run, id, index, 1, s, line->len)); break;
    case 's': run_said(h, opro_run_answer_solution(run, id, index, 300, s, line->len)); break;
    case 't': run_said(h, opro_run_answer_truncated(run, id, index, 1, s, line->len)); break;
    case 'x': run_said(h, opro_run_answer_refused(run, id, index, 1, s, line->len)); break;
    case '=': give_scores(h, id, index % SCORES, line); break;
    case 'e': run_said(h, opro_run_answer_error(run, id, OPRO_ERR_FAILED, s, line->len)); break;
    case 'f': run_said(h, opro_run_answer_feedback(run, id, s, line->len)); break;
    default: run_said(h, opro_run_answer_usage(run, id, (int64_t)line->len, (int64_t)index, 5));
    }
}

/* Those of the library. */
static void answer_by_itself(host *h) {
    opro_status st = OPRO_OK;

    if (!h->last) return;
    if (opro_request_kind(h->last) == OPRO_REQUEST_SCORE) {
        if (h->scorer) known(h, opro_scorer_score(h->scorer, h->run, h->last));
        return;
    }
    if (!h->optimizer)
        st = opro_optimizer_new_local(&h->optimizer, h->problem, h->config, h->allocator);
    if (st == OPRO_OK)
        known(h, opro_optimizer_propose(h->optimizer, h->run, h->last));
    else
        REQUIRE(st == OPRO_ERR_UNSUPPORTED || st == OPRO_ERR_INVALID ||
                (h->failing && st == OPRO_ERR_NOMEM));
}

/* Proposals are words with a number, scores depend on nothing but the candidate. */
static void answer_well(host *h) {
    uint64_t id = opro_request_id(h->last);
    double scores[SCORES];
    char text[64];
    size_t n, len;
    const char *candidate = opro_request_text(h->last, &len);

    if (opro_request_kind(h->last) == OPRO_REQUEST_PROPOSE) {
        for (size_t i = 0; i < opro_request_samples(h->last) && i < 4; i++) {
            snprintf(text, sizeof text, "<INS>idea %zu of %zu</INS> [%zu, 0.%zu]", i, h->n_ids,
                     i % 5, h->n_ids % 10);
            run_said(h, opro_run_answer_reply(h->run, id, i, 1, text, OPRO_ZT));
        }
        return;
    }
    opro_request_instances(h->last, &n);
    for (size_t i = 0; i < SCORES; i++)
        scores[i] = (double)(opro__mix(opro__hash_bytes(candidate, len) + i) % 11) / 10;
    if (n <= SCORES) run_said(h, opro_run_answer_scores(h->run, id, scores, n));
}

static void go_on(host *h, fuzz_input *line) {
    size_t rounds = 4 * (1 + fuzz_digit(line, 10));
    fuzz_input at_once = {.len = 0};

    while (rounds-- && h->run) {
        next(h, &at_once);
        if (h->last) answer_well(h);
    }
}

/* ---- the rest of a run's life ---------------------------------------------------------------- */

static void set_builder(host *h, fuzz_input *line) {
    int32_t block = OPRO_BLOCK_LAYOUT + 10 * (int32_t)fuzz_digit(line, 8);
    opro_meta_prompt *mp = NULL;
    opro_status st = opro_meta_prompt_new(&mp, h->problem, h->config, h->allocator);

    known(h, st);
    if (st != OPRO_OK) return;
    known(h, opro_meta_prompt_set_template(mp, block, line->s, line->len));
    run_said(h, opro_run_set_meta_prompt(h->run, mp));
    opro_meta_prompt_free(mp);
}

static void start_warm(host *h, fuzz_input *line) {
    const double scores[] = {0.5, 0.25, 1};
    opro_trajectory *t = NULL;
    size_t n = 1 + fuzz_digit(line, 3);
    opro_status st =
        opro_trajectory_new(&t, opro_problem_direction(opro_run_problem(h->run)), h->allocator);

    known(h, st);
    if (st != OPRO_OK) return;
    known(h, opro_trajectory_add(t, "0,1,2,3", OPRO_ZT, scores, n, NULL));
    known(h, opro_trajectory_add(t, line->s, line->len, scores, n, NULL));
    run_said(h, opro_run_warm_start(h->run, t));
    opro_trajectory_free(t);
}

static void check_candidate(const opro_trajectory *t, int64_t i) {
    size_t len;
    const char *text = opro_trajectory_text(t, i, &len);
    double score = opro_trajectory_score(t, i);

    fuzz_require_text(text, len);
    REQUIRE(isnan(score) == (opro_trajectory_verdict(t, i) != OPRO_VERDICT_SCORED));
    REQUIRE(opro_trajectory_find(t, text, len) >= 0);
    REQUIRE(opro_trajectory_proposals(t, i) >= 1);
    text = opro_trajectory_feedback(t, i, &len);
    fuzz_require_text(text, len);
}

static void look(host *h) {
    const opro_trajectory *t = opro_run_trajectory(h->run);
    int64_t n = opro_trajectory_count(t), best = opro_trajectory_best(t), numbers[16];
    size_t top = opro_trajectory_top(t, numbers, 16);
    double gap, low, high;

    for (int64_t i = 0; i < n; i++)
        check_candidate(t, i);
    REQUIRE((best >= 0) == (top > 0) || opro_trajectory_scored(t) > 0);
    REQUIRE(opro_run_winner(h->run) < n && opro_run_step(h->run) >= -1);
    REQUIRE(opro_run_count(h->run, OPRO_COUNT_IN_FLIGHT) >= 0);
    REQUIRE(opro_run_count(h->run, OPRO_COUNT_RESERVED_TOKENS) >= 0);
    REQUIRE(opro_run_timeout(h->run, h->now) >= -1);
    known(h, opro_run_gap(h->run, &gap, &low, &high));
    h->digest = opro__hash_add(h->digest, opro_run_state_hash(h->run));
}

static void end(host *h) {
    if (h->run && h->mood != FREES) look(h);
    opro_run_free(h->run);
    h->run = NULL;
    h->last = NULL;
    h->n_ids = 0;
}

static void live(host *h, char letter, fuzz_input *line) {
    switch (letter) {
    case 'n': next(h, line); break;
    case 'a': answer_last(h, line); break;
    case 'l': answer_by_itself(h); break;
    case 'g': go_on(h, line); break;
    case 'm': set_builder(h, line); break;
    case 'w': start_warm(h, line); break;
    case 'q': look(h); break;
    case '!': run_said(h, opro_run_stop(h->run)); break;
    case 'F': end(h); break;
    default:
        if (strchr("rstx=efu", letter)) answer(h, letter, line);
    }
}

/* ---- the program ----------------------------------------------------------------------------- */

static void perform(host *h, fuzz_input *line) {
    char letter = *line->s;

    line->s++;
    line->len--;
    if (!letter) return;
    if (letter == 'c')
        h->mood = (int)fuzz_digit(line, MOODS);
    else if (h->run)
        live(h, letter, line);
    else if (letter == 'N')
        begin(h);
    else
        set_up(h, letter, line);
}

static uint64_t play(const fuzz_input *in, const opro_allocator *allocator) {
    host h = {.allocator = allocator, .failing = in->failing};
    fuzz_input rest = {.s = in->s, .len = in->len};

    if (opro_config_new(&h.config, NULL) != OPRO_OK) abort();
    for (int i = 0; i < LINES && rest.len; i++) {
        const char *stop = memchr(rest.s, '\n', rest.len);
        fuzz_input line = {.s = rest.s, .len = stop ? (size_t)(stop - rest.s) : rest.len};

        rest.s += line.len + (stop != NULL);
        rest.len -= line.len + (stop != NULL);
        if (line.len) perform(&h, &line);
    }
    h.mood = OBEYS;
    end(&h);
    drop_problem(&h);
    opro_config_free(h.config);
    return h.digest;
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    uint64_t digest = play(in, allocator);

    if (!in->failing && digest % 8 == 0) REQUIRE(play(in, allocator) == digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
