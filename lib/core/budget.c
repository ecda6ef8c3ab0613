/* SPDX-License-Identifier: MIT */
#include "budget.h"

#include <assert.h>

#include "opro/run.h"

int64_t opro__sum(int64_t a, int64_t b) {
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* Where a sum stopped at INT64_MAX there is less to take away from than was added. */
int64_t opro__rest(int64_t a, int64_t b) {
    return a > b ? a - b : 0;
}

static int64_t multiply(int64_t a, int64_t b) {
    return a && b > INT64_MAX / a ? INT64_MAX : a * b;
}

static int64_t limit(int64_t option) {
    return option ? option : INT64_MAX;
}

void opro__budget_init(opro__budget *budget, const opro__options *options) {
    *budget = (opro__budget){
        .max = {limit(OPRO__INT(options, MAX_PROPOSALS)),
                limit(OPRO__INT(options, MAX_SCORER_CALLS)), limit(OPRO__INT(options, MAX_TOKENS)),
                limit(OPRO__INT(options, MAX_COST))},
        .prompt_price = OPRO__INT(options, PROMPT_PRICE),
        .reply_price = OPRO__INT(options, REPLY_PRICE),
        .call = {0, 1, OPRO__INT(options, SCORE_TOKENS), OPRO__INT(options, SCORE_COST)},
    };
}

/* In parts, so that the product stops at INT64_MAX only if the price does. */
int64_t opro__price(int64_t tokens, int64_t per_million) {
    const int64_t million = 1000000;
    int64_t rest = tokens % million;
    int64_t part = (rest * (per_million % million) + million - 1) / million;

    part = opro__sum(rest * (per_million / million), part);
    return opro__sum(multiply(tokens / million, per_million), part);
}

opro__amounts opro__budget_reply(const opro__budget *budget, int64_t prompt_tokens,
                                 int64_t reply_tokens) {
    return (opro__amounts){1, 0, opro__sum(prompt_tokens, reply_tokens),
                           opro__sum(opro__price(prompt_tokens, budget->prompt_price),
                                     opro__price(reply_tokens, budget->reply_price))};
}

opro__amounts opro__amounts_add(opro__amounts a, opro__amounts b, int64_t n) {
    return (opro__amounts){
        opro__sum(a.proposals, multiply(b.proposals, n)), opro__sum(a.calls, multiply(b.calls, n)),
        opro__sum(a.tokens, multiply(b.tokens, n)), opro__sum(a.cost, multiply(b.cost, n))};
}

/* Lower *count to what one kind of amount allows. */
static void cap(int64_t max, int64_t used, int64_t reserved, int64_t unit, int32_t why,
                int64_t *count, int32_t *reason) {
    int64_t taken = opro__sum(used, reserved);
    int64_t left = max > taken ? max - taken : 0;

    if (!unit || max == INT64_MAX || left / unit >= *count) {
        /* nothing of it is needed, but a budget that is used up stops the run all the same */
        if (unit || max == INT64_MAX || used < max) return;
        left = 0;
        unit = 1;
    }
    *count = left / unit;
    *reason = why;
}

int64_t opro__budget_afford(const opro__budget *b, opro__amounts unit, int64_t want,
                            int32_t *reason) {
    int64_t count = want;

    cap(b->max.proposals, b->used.proposals, b->reserved.proposals, unit.proposals,
        OPRO_STOP_PROPOSALS, &count, reason);
    cap(b->max.calls, b->used.calls, b->reserved.calls, unit.calls, OPRO_STOP_SCORER_CALLS, &count,
        reason);
    cap(b->max.tokens, b->used.tokens, b->reserved.tokens, unit.tokens, OPRO_STOP_TOKENS, &count,
        reason);
    cap(b->max.cost, b->used.cost, b->reserved.cost, unit.cost, OPRO_STOP_COST, &count, reason);
    return count;
}

void opro__budget_reserve(opro__budget *budget, opro__amounts amounts) {
    budget->reserved = opro__amounts_add(budget->reserved, amounts, 1);
}

void opro__budget_release(opro__budget *budget, opro__amounts amounts) {
    opro__amounts *r = &budget->reserved;

    assert(r->proposals >= amounts.proposals && r->calls >= amounts.calls);
    r->proposals -= amounts.proposals;
    r->calls -= amounts.calls;
    r->tokens = opro__rest(r->tokens, amounts.tokens);
    r->cost = opro__rest(r->cost, amounts.cost);
}

static int is_overdrawn(int64_t max, int64_t used, int64_t reserved) {
    return max != INT64_MAX && (used >= max || opro__sum(used, reserved) > max);
}

int32_t opro__budget_overdrawn(const opro__budget *b) {
    if (is_overdrawn(b->max.tokens, b->used.tokens, b->reserved.tokens)) return OPRO_STOP_TOKENS;
    if (is_overdrawn(b->max.cost, b->used.cost, b->reserved.cost)) return OPRO_STOP_COST;
    return OPRO_STOP_NONE;
}

int opro__budget_counts_tokens(const opro__budget *budget) {
    return budget->max.tokens != INT64_MAX || budget->max.cost != INT64_MAX;
}
