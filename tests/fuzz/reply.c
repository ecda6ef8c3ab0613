/* SPDX-License-Identifier: MIT */
/*
 * Replies. The first digit: 0 to 5, a format, and the reply is read for its candidates; 6 to 8, a
 * run of a problem (texts, vectors, permutations) takes the reply. The second digit says more of
 * the problem: how many coordinates or nodes, and repair.
 */
#include <math.h>

#include "core/reply.h"
#include "fuzz.h"
#include "opro/run.h"
#include "opro/tour.h"
#include "opro/vector.h"

enum { SIZES = 4, KINDS = 3, CANDIDATES = 16 };

/* ---- formats --------------------------------------------------------------------------------- */

static const int32_t formats[] = {OPRO__FORMAT_INS,    OPRO__FORMAT_START, OPRO__FORMAT_TEXT,
                                  OPRO__FORMAT_SQUARE, OPRO__FORMAT_TRACE, OPRO__FORMAT_VECTOR};

static const char *found_at(const opro__reply *reply, size_t i) {
    return opro__buf_text(&reply->text) + reply->found[i].at;
}

/* A vector that was read is written as it was found. */
static void check_vector(opro__mem *mem, const opro__space *space, const char *s, size_t len) {
    double x[SIZES];
    opro_error err;
    opro__buf again;

    REQUIRE(opro__vector_read(space, s, len, x, &err) == OPRO_OK || err.status == OPRO_ERR_NOMEM);
    opro__buf_init(&again, mem, len);
    opro__vector_write(x, space->n, &again);
    if (again.status != OPRO_ERR_NOMEM)
        REQUIRE(fuzz_same(opro__buf_text(&again), again.len, s, len));
    opro__buf_free(&again);
}

/* Cleaned once, a text is clean. */
static void check_clean(opro__mem *mem, const char *s, size_t len) {
    opro__buf again;

    opro__buf_init(&again, mem, len);
    opro__reply_clean(&again, s, len);
    if (again.status == OPRO_OK) REQUIRE(fuzz_same(opro__buf_text(&again), again.len, s, len));
    opro__buf_free(&again);
}

static void check_found(const opro__reply *reply, int32_t format, const opro__space *space) {
    int texts = format != OPRO__FORMAT_TRACE && format != OPRO__FORMAT_VECTOR;

    for (size_t i = 0; i < reply->n; i++) {
        const opro__found *found = &reply->found[i];
        const char *s = found_at(reply, i);

        REQUIRE(found->at <= reply->text.len && found->len <= reply->text.len - found->at);
        REQUIRE(opro__utf8_valid(s, found->len));
        if (format == OPRO__FORMAT_VECTOR)
            check_vector(reply->text.mem, space, s, found->len);
        else
            check_clean(reply->text.mem, s, found->len);
        if (!texts) continue;
        REQUIRE(found->len > 0);
        for (size_t k = 0; k < i; k++)
            REQUIRE(!fuzz_same(s, found->len, found_at(reply, k), reply->found[k].len));
    }
}

/* Not memcmp(): there is padding. */
static int found_alike(const opro__reply *a, const opro__reply *b) {
    if (a->n != b->n) return 0;
    for (size_t i = 0; i < a->n; i++)
        if (a->found[i].at != b->found[i].at || a->found[i].len != b->found[i].len ||
            a->found[i].opened != b->found[i].opened || a->found[i].closed != b->found[i].closed)
            return 0;
    return 1;
}

static void read_for(int32_t format, size_t n, int failing, fuzz_text text,
                     const opro_allocator *allocator) {
    char letters[SIZES][2] = {"a", "b", "c", "d"};
    char *names[SIZES] = {letters[0], letters[1], letters[2], letters[3]};
    const opro__space space = {.kind = OPRO__SPACE_VECTOR, .n = n, .names = n % 2 ? names : NULL};
    opro__reply reply, again;
    opro__mem mem;

    REQUIRE(opro__mem_init(&mem, allocator) == OPRO_OK);
    opro__reply_init(&reply, &mem);
    opro__reply_init(&again, &mem);
    if (opro__reply_parse(&reply, format, &space, text.s, text.len) == OPRO_OK)
        check_found(&reply, format, &space);
    else
        REQUIRE(failing && reply.n == 0);
    if (!failing) { /* the same again, in memory that was used before */
        REQUIRE(opro__reply_parse(&again, OPRO__FORMAT_INS, NULL, "<INS>x", 6) == OPRO_OK);
        REQUIRE(opro__reply_parse(&again, format, &space, text.s, text.len) == OPRO_OK);
        REQUIRE(found_alike(&reply, &again) &&
                fuzz_same(reply.text.data, reply.text.len, again.text.data, again.text.len));
    }
    opro__reply_free(&again);
    opro__reply_free(&reply);
    REQUIRE(mem.used == 0);
}

/* ---- problems -------------------------------------------------------------------------------- */

enum { TEXTS, VECTORS, PERMUTATIONS };

static opro_problem *make_problem(int kind, size_t n) {
    static const char *const names[SIZES] = {"w", "b", "c_1", "d"};
    const double lower[SIZES] = {-10, -0.5, 0, -1e9}, upper[SIZES] = {10, 0.5, 0, 1e9};
    opro_problem *problem = NULL;
    opro_status st = kind == TEXTS ? opro_problem_new(&problem, NULL)
                     : kind == VECTORS
                         ? opro_problem_new_vector(&problem, n, lower, upper, n % 2, NULL)
                         : opro_problem_new_permutation(
                               &problem, n, OPRO_PERMUTATION_ORDER + 10 * (int32_t)(n % 3), NULL);

    if (st == OPRO_OK && kind == VECTORS && n > 1) st = opro_vector_set_names(problem, names, n);
    REQUIRE(st == OPRO_OK);
    return problem;
}

/* Problems do not change once a run has used them. */
static opro_problem *problem_of(int kind, size_t n) {
    static opro_problem *problems[KINDS][SIZES + 1];

    if (!problems[kind][n]) problems[kind][n] = make_problem(kind, n);
    return problems[kind][n];
}

static opro_config *config_of(int repair) {
    static opro_config *configs[2];

    if (configs[repair]) return configs[repair];
    REQUIRE(opro_config_new(&configs[repair], NULL) == OPRO_OK);
    REQUIRE(opro_config_set_int(configs[repair], OPRO_OPT_CANDIDATES_PER_REPLY, CANDIDATES) ==
            OPRO_OK);
    REQUIRE(opro_config_set_int(configs[repair], OPRO_OPT_SAMPLES_PER_STEP, 1) == OPRO_OK);
    REQUIRE(opro_config_set_int(configs[repair], OPRO_OPT_REPAIR, repair) == OPRO_OK);
    return configs[repair];
}

/* What is to be scored is legal, and written in the one way that there is. */
static void check_legal(const opro_problem *problem, const char *s, size_t len) {
    char text[64 * SIZES];
    size_t n = opro_vector_dimension(problem), needed;
    double x[SIZES];
    int32_t nodes[SIZES];

    fuzz_require_text(s, len);
    REQUIRE(len > 0);
    if (n) {
        REQUIRE(opro_vector_parse(problem, s, len, x, n) == OPRO_OK);
        REQUIRE(opro_vector_format(problem, x, n, text, sizeof text, &needed) == OPRO_OK);
        REQUIRE(fuzz_same(text, needed, s, len));
    }
    n = opro_permutation_size(problem);
    if (n) {
        REQUIRE(opro_permutation_parse(problem, s, len, nodes, n) == OPRO_OK);
        REQUIRE(opro_permutation_format(problem, nodes, n, text, sizeof text, &needed) == OPRO_OK);
        REQUIRE(fuzz_same(text, needed, s, len));
    }
}

static void check_trajectory(const opro_run *run) {
    const opro_trajectory *t = opro_run_trajectory(run);
    size_t len;

    for (int64_t i = 0; i < opro_trajectory_count(t); i++) {
        const char *s = opro_trajectory_text(t, i, &len);

        fuzz_require_text(s, len);
        if (opro_trajectory_verdict(t, i) == OPRO_VERDICT_SCORED)
            check_legal(opro_run_problem(run), s, len);
        s = opro_trajectory_detail(t, i, &len);
        fuzz_require_text(s, len);
    }
}

/* OPRO_ERR_NOMEM, where memory may run out. */
static opro_status go_on(opro_run *run, opro_request **request, int failing) {
    opro_status st = opro_run_next(run, 0, request);

    REQUIRE(st == OPRO_OK || st == OPRO_WAIT || st == OPRO_DONE ||
            (failing && st == OPRO_ERR_NOMEM));
    return st;
}

static void give(opro_run *run, fuzz_text reply, int failing) {
    opro_request *request;
    opro_status st;
    double score = 0.5;
    size_t len;

    if (go_on(run, &request, failing) != OPRO_OK) return;
    REQUIRE(opro_request_kind(request) == OPRO_REQUEST_PROPOSE);
    st = opro_run_answer_text(run, opro_request_id(request), reply.s, reply.len);
    REQUIRE(st == OPRO_OK || (failing && st == OPRO_ERR_NOMEM));
    while (go_on(run, &request, failing) == OPRO_OK &&
           opro_request_kind(request) == OPRO_REQUEST_SCORE) {
        const char *s = opro_request_text(request, &len);

        check_legal(opro_run_problem(run), s, len);
        st = opro_run_answer_scores(run, opro_request_id(request), &score, 1);
        REQUIRE(st == OPRO_OK || (failing && st == OPRO_ERR_NOMEM));
    }
    check_trajectory(run);
}

static void take(int kind, size_t n, int repair, int failing, fuzz_text text,
                 const opro_allocator *allocator) {
    opro_run *run = NULL;
    opro_status st = opro_run_new(&run, problem_of(kind, n), config_of(repair), allocator);

    REQUIRE(st == OPRO_OK || (failing && st == OPRO_ERR_NOMEM));
    if (st == OPRO_OK) give(run, text, failing);
    opro_run_free(run);
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    size_t kind = fuzz_digit(in, 9), more = fuzz_digit(in, 2 * SIZES);
    int failing = in->failing;
    fuzz_text text = fuzz_rest(in);

    if (kind < 6)
        read_for(formats[kind], 1 + more % SIZES, failing, text, allocator);
    else
        take((int)kind - 6, 1 + more % SIZES, more >= SIZES, failing, text, allocator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
