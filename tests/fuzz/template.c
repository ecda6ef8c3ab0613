/* SPDX-License-Identifier: MIT */
/*
 * Meta-prompts. Parts, each of which begins with a letter:
 *
 *   P  the problem: a digit for its kind (texts, vectors, permutations), and its description
 *   N  what a score is called
 *   O  options: "name=value" lines
 *   E  an exemplar: its input up to the first line's end, and its target
 *   B  a template: a digit for the block, and the text
 *   S  a solution: two digits for its score, and the text up to the first line's end; then feedback
 *   R  a rejected one: a digit for the reason, and the text up to the first line's end; then
 *      details
 *
 * P, N, O and E count when they come first. What is built keeps to its bounds, is valid UTF-8, and
 * is the same when it is built again.
 */
#include <math.h>

#include "core/trajectory.h"
#include "fuzz.h"
#include "opro/meta_prompt.h"
#include "opro/tour.h"
#include "opro/vector.h"

typedef struct world {
    opro_problem *problem;
    opro_config *config;
    opro_meta_prompt *mp;
    opro_trajectory *t;
    const opro_allocator *allocator;
    int failing;
} world;

/* What a setter may say. */
static int is_refusal(const world *w, opro_status st) {
    return st == OPRO_ERR_INVALID || st == OPRO_ERR_PARSE || st == OPRO_ERR_LIMIT ||
           (w->failing && st == OPRO_ERR_NOMEM);
}

/* ---- before the builder ---------------------------------------------------------------------- */

static opro_status new_problem(opro_problem **out, size_t kind, const opro_allocator *allocator) {
    const double lower[] = {-5, 0}, upper[] = {5, 1};

    switch (kind) {
    case 0: return opro_problem_new(out, allocator);
    case 1: return opro_problem_new_vector(out, 2, lower, upper, 0, allocator);
    default: return opro_problem_new_permutation(out, 4, OPRO_PERMUTATION_TOUR, allocator);
    }
}

static void set_problem(world *w, fuzz_input *part) {
    opro_problem *problem = NULL;
    opro_status st = new_problem(&problem, fuzz_digit(part, 3), w->allocator);

    REQUIRE(st == OPRO_OK || is_refusal(w, st));
    if (st != OPRO_OK) return;
    opro_problem_free(w->problem);
    w->problem = problem;
    st = opro_problem_set_description(problem, part->s, part->len);
    REQUIRE(st == OPRO_OK || is_refusal(w, st));
    fuzz_require_error(opro_problem_error(problem), st);
}

static void set_options(world *w, fuzz_input *part) {
    while (part->len) {
        const char *end = memchr(part->s, '\n', part->len);
        size_t len = end ? (size_t)(end - part->s) : part->len;
        const char *sign = memchr(part->s, '=', len);

        if (sign)
            opro_config_set(w->config, part->s, (size_t)(sign - part->s), sign + 1,
                            len - (size_t)(sign + 1 - part->s));
        part->s += len + (end != NULL);
        part->len -= len + (end != NULL);
    }
}

/* The first line of a part; the rest is left. */
static fuzz_text first_line(fuzz_input *part) {
    const char *end = part->len ? memchr(part->s, '\n', part->len) : NULL;
    fuzz_text line = {part->s, end ? (size_t)(end - part->s) : part->len};

    part->s += line.len + (end != NULL);
    part->len -= line.len + (end != NULL);
    return line;
}

static void add_exemplar(world *w, fuzz_input *part) {
    fuzz_text input = first_line(part);
    opro_status st = opro_problem_add_exemplar(w->problem, input.s, input.len, part->s, part->len);

    REQUIRE(st == OPRO_OK || is_refusal(w, st));
}

static void set_name(world *w, fuzz_input *part) {
    opro_status st = opro_problem_set_score_name(w->problem, part->s, part->len);

    REQUIRE(st == OPRO_OK || is_refusal(w, st));
}

/* The builder and the trajectory, when they are needed. 0: there are none. */
static int make_builder(world *w) {
    opro_status st = OPRO_OK;

    if (!w->problem) st = opro_problem_new(&w->problem, w->allocator);
    if (st == OPRO_OK && !w->mp)
        st = opro_meta_prompt_new(&w->mp, w->problem, w->config, w->allocator);
    if (st == OPRO_OK && !w->t)
        st = opro_trajectory_new(&w->t, opro_problem_direction(w->problem), w->allocator);
    REQUIRE(st == OPRO_OK || is_refusal(w, st));
    return st == OPRO_OK;
}

/* ---- behind it ------------------------------------------------------------------------------- */

static void set_template(world *w, fuzz_input *part) {
    int32_t block = OPRO_BLOCK_LAYOUT + 10 * (int32_t)fuzz_digit(part, 8);
    opro_status st = opro_meta_prompt_set_template(w->mp, block, part->s, part->len);
    const char *now;
    size_t len;

    REQUIRE(st == OPRO_OK || is_refusal(w, st));
    fuzz_require_error(opro_meta_prompt_error(w->mp), st);
    now = opro_meta_prompt_template(w->mp, block, &len);
    fuzz_require_text(now, len);
    if (st == OPRO_OK) REQUIRE(fuzz_same(now, len, part->s, part->len));
}

/* A candidate with this text, if it is one and new. */
static opro__candidate *meet(world *w, fuzz_text text) {
    opro__candidate *c;
    int fresh = 0;

    if (!text.len || !opro__utf8_valid(text.s, text.len)) return NULL;
    c = opro__trajectory_meet(w->t, text.s, text.len, &fresh);
    REQUIRE(c || w->failing);
    return fresh ? c : NULL;
}

static void add_solution(world *w, fuzz_input *part) {
    double score = (double)(10 * fuzz_digit(part, 10) + fuzz_digit(part, 10)) / 99;
    opro__candidate *c = meet(w, first_line(part));
    opro_status st = OPRO_OK;

    if (!c) return;
    if (part->len && opro__utf8_valid(part->s, part->len))
        st = opro__candidate_feedback(w->t, c, part->s, part->len);
    REQUIRE(st == OPRO_OK || is_refusal(w, st));
    c->verdict = OPRO_VERDICT_SCORED;
    c->score = score;
    if (score > 0.9) c->flags |= OPRO_FLAG_PARTIAL;
    opro__trajectory_commit(w->t, c);
}

static void add_rejected(world *w, fuzz_input *part) {
    unsigned reason = 10 * (1 + (unsigned)fuzz_digit(part, 9));
    opro__candidate *c = meet(w, first_line(part));
    opro_status st = OPRO_OK;

    if (!c) return;
    if (part->len && opro__utf8_valid(part->s, part->len))
        st = opro__candidate_detail(w->t, c, part->s, part->len);
    REQUIRE(st == OPRO_OK || is_refusal(w, st));
    c->verdict = reason == OPRO_REASON_NOT_SCORED ? OPRO_VERDICT_FAILED : OPRO_VERDICT_REJECTED;
    c->reason = (uint8_t)(reason & 0x7f);
    opro__trajectory_commit(w->t, c);
}

/* ---- building -------------------------------------------------------------------------------- */

static void check_bounds(const world *w) {
    int64_t most_bytes = 0, most_tokens = 0, tokens = opro_meta_prompt_tokens(w->mp);
    size_t all = 0, n = opro_meta_prompt_messages(w->mp), len;

    REQUIRE(n >= 1 && opro_meta_prompt_text(w->mp, n, NULL) == NULL);
    for (size_t i = 0; i < n; i++) {
        const char *text = opro_meta_prompt_text(w->mp, i, &len);

        fuzz_require_text(text, len);
        all += len;
    }
    opro_config_get_int(w->config, OPRO_OPT_MAX_PROMPT_BYTES, &most_bytes);
    opro_config_get_int(w->config, OPRO_OPT_MAX_PROMPT_TOKENS, &most_tokens);
    if (most_bytes) REQUIRE(all <= (size_t)most_bytes);
    if (most_tokens) REQUIRE(tokens <= most_tokens);
    REQUIRE(tokens >= 0 && (size_t)tokens <= all);
}

static uint64_t digest_of(const world *w) {
    uint64_t digest = 0;
    size_t len;

    for (size_t i = 0; i < opro_meta_prompt_messages(w->mp); i++) {
        const char *text = opro_meta_prompt_text(w->mp, i, &len);

        digest = opro__hash_add_text(digest, text, len);
    }
    return digest;
}

static void build(world *w, int64_t step) {
    opro_status st = opro_meta_prompt_build(w->mp, w->t, step);
    uint64_t digest;

    fuzz_require_error(opro_meta_prompt_error(w->mp), st);
    REQUIRE(st == OPRO_OK || is_refusal(w, st));
    if (st != OPRO_OK) {
        REQUIRE(opro_meta_prompt_messages(w->mp) == 0);
        return;
    }
    check_bounds(w);
    digest = digest_of(w);
    if (w->failing) return;
    REQUIRE(opro_meta_prompt_build(w->mp, w->t, step) == OPRO_OK && digest_of(w) == digest);
}

static void act(world *w, fuzz_input *part) {
    static const struct {
        char letter;
        void (*set)(world *w, fuzz_input *part);
        int builder;
    } acts[] = {{'P', set_problem, 0},  {'N', set_name, 0},     {'O', set_options, 0},
                {'E', add_exemplar, 0}, {'B', set_template, 1}, {'S', add_solution, 1},
                {'R', add_rejected, 1}};
    char letter = *part->s;

    part->s++;
    part->len--;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (acts[i].letter != letter) continue;
        if (acts[i].builder ? make_builder(w) : w->problem && !w->mp) acts[i].set(w, part);
    }
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    world w = {.allocator = allocator, .failing = in->failing};

    if (opro_config_new(&w.config, NULL) != OPRO_OK) abort();
    if (opro_problem_new(&w.problem, allocator) != OPRO_OK) w.problem = NULL;
    REQUIRE(w.problem || w.failing);
    while (fuzz_more(in)) {
        fuzz_text text = fuzz_part(in);
        fuzz_input part = {.s = text.s, .len = text.len};

        if (text.len) act(&w, &part);
        if (w.t && text.len && *text.s == 'B') build(&w, (int64_t)text.len);
    }
    if (make_builder(&w)) build(&w, 0);
    opro_trajectory_free(w.t);
    opro_meta_prompt_free(w.mp);
    opro_problem_free(w.problem);
    opro_config_free(w.config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
