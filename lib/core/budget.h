/* SPDX-License-Identifier: MIT */
/*
 * Budgets by reservation. Before anything is asked for, the most it can use is reserved; when the
 * answer comes, what it did use is charged and the rest is free again. So what is used and
 * reserved together never passes the limit.
 */
#ifndef OPRO_CORE_BUDGET_H
#define OPRO_CORE_BUDGET_H

#include "config.h"

/* What can be used up. Never negative; sums stop at INT64_MAX. */
typedef struct opro__amounts {
    int64_t proposals;
    int64_t calls; /* scorer calls */
    int64_t tokens;
    int64_t cost; /* millionths of the currency */
} opro__amounts;

typedef struct opro__budget {
    opro__amounts max; /* INT64_MAX: no limit */
    opro__amounts used;
    opro__amounts reserved;
    int64_t prompt_price, reply_price; /* millionths per million tokens */
    opro__amounts call;                /* the most that one scorer call uses */
} opro__budget;

void opro__budget_init(opro__budget *budget, const opro__options *options);

/* The most that one reply to a prompt of so many tokens uses. */
opro__amounts opro__budget_reply(const opro__budget *budget, int64_t prompt_tokens,
                                 int64_t reply_tokens);

/* What tokens cost at a price per million of them: rounded up, stops at INT64_MAX. */
int64_t opro__price(int64_t tokens, int64_t per_million);

/* Sums and differences that stop at INT64_MAX and at 0. */
int64_t opro__sum(int64_t a, int64_t b);
int64_t opro__rest(int64_t a, int64_t b);

/* a + n * b. */
opro__amounts opro__amounts_add(opro__amounts a, opro__amounts b, int64_t n);

/*
 * How many of unit can be reserved, at most want. *reason: the OPRO_STOP_... of the budget that
 * says less.
 */
int64_t opro__budget_afford(const opro__budget *budget, opro__amounts unit, int64_t want,
                            int32_t *reason);

void opro__budget_reserve(opro__budget *budget, opro__amounts amounts);
void opro__budget_release(opro__budget *budget, opro__amounts amounts);

/*
 * The OPRO_STOP_... of tokens or money if more was used than was reserved for it, so that what is
 * still reserved would pass the limit; or if nothing is left. Else OPRO_STOP_NONE.
 */
int32_t opro__budget_overdrawn(const opro__budget *budget);

/* 1 if tokens or money are limited, so that prompts must be counted. */
int opro__budget_counts_tokens(const opro__budget *budget);

#endif
