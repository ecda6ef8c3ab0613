/* SPDX-License-Identifier: MIT */
#include "race.h"

#include <assert.h>
#include <math.h>

#include "base/rng.h"

#define ALPHA       0.2
#define MOST_FACTOR 0.9 /* no factor of a wealth is below 1 - this */
#define LEAST_ROOM  1e-6
#define LEAST       1e-300
#define CAP         0.01
#define SLACK       1e-12 /* of a sum, an instance: rounding may not make anything certain */

static const double bets[OPRO__RACE_BETS] = {0.25, 0.5, 1, 2};

/* ---- rules ----------------------------------------------------------------------------------- */

static size_t block_of(size_t instances) {
    size_t block = instances / 10;

    return block < 5 ? 5 : block > 25 ? 25 : block;
}

opro__race_rules opro__race_rules_of(int preset, size_t instances) {
    opro__race_rules rules = {.alpha = ALPHA, .median_of = 1, .block = block_of(instances)};

    if (preset == OPRO__RACE_EXACT || instances < OPRO__RACE_FEW) rules.alpha = 0;
    if (preset == OPRO__RACE_CAUTIOUS) rules.median_of = 20;
    return rules;
}

size_t opro__race_reference(const opro__race_rules *rules, size_t scored) {
    return (scored < rules->median_of ? scored : rules->median_of) / 2;
}

/* ---- a race ---------------------------------------------------------------------------------- */

/* A score in [0, 1], 1 is best. */
static double scaled(const opro__race *race, double score) {
    double worst = race->minimize ? race->high : race->low;
    double best = race->minimize ? race->low : race->high;

    return (score - worst) / (best - worst);
}

int opro__race_begin(opro__race *race, const opro__race_rules *rules, opro__race_range range,
                     const double *reference, size_t instances) {
    if (!(range.low < range.high) || instances < 2) return 0;
    if (!isfinite(range.high - range.low)) return 0;
    *race = (opro__race){
        .reference = reference,
        .n = instances,
        .block = rules->block,
        .low = range.low,
        .high = range.high,
        .alpha = rules->alpha,
        .gain = range.binary ? 1 : 0,
        .minimize = range.minimize,
    };
    for (size_t i = 0; i < instances; i++)
        race->reference_sum += scaled(race, reference[i]);
    for (size_t k = 0; k < OPRO__RACE_BETS; k++)
        race->wealth[k] = 1.0 / OPRO__RACE_BETS;
    if (!(race->reference_sum > 0)) race->alpha = 0; /* nobody is worse */
    return 1;
}

size_t opro__race_next(const opro__race *race) {
    size_t left = race->n - race->taken;

    return left < race->block ? left : race->block;
}

void opro__race_take(opro__race *race, size_t instance, double score) {
    double y = scaled(race, score), r = scaled(race, race->reference[instance]);
    double mean = race->reference_sum / (double)race->n;
    double x = y - 0.5 * (r - mean);
    double must =
        (race->reference_sum + race->gain - race->controlled) / (double)(race->n - race->taken);
    double room = 1 + 0.5 * mean - must; /* x - must is never more */
    double most = MOST_FACTOR / (room > LEAST_ROOM ? room : LEAST_ROOM);

    assert(race->taken < race->n && instance < race->n);
    for (size_t k = 0; k < OPRO__RACE_BETS; k++) {
        race->wealth[k] *= 1 - (bets[k] < most ? bets[k] : most) * (x - must);
        if (!(race->wealth[k] > LEAST)) race->wealth[k] = LEAST;
    }
    race->controlled += x;
    race->sum += y;
    race->reference_taken += r;
    race->lost += r > y ? r - y : 0;
    race->won += y > r ? y - r : 0;
    race->taken++;
}

int opro__race_verdict(const opro__race *race) {
    double wealth = 0;
    double most = race->sum + (double)(race->n - race->taken); /* if all that is left is perfect */

    if (race->taken == race->n) return OPRO__RACE_WHOLE;
    for (size_t k = 0; k < OPRO__RACE_BETS; k++)
        wealth += race->wealth[k];
    if (most < race->reference_sum + race->gain - SLACK * (double)race->n) return OPRO__RACE_LOST;
    return race->alpha > 0 && wealth * race->alpha >= 1 ? OPRO__RACE_LOST : OPRO__RACE_ON;
}

/* ---- the estimate ---------------------------------------------------------------------------- */

/*
 * Scores of 0 and 1: instances that are left and that the reference solves, and those that it does
 * not, each by what was seen of their kind; as if five instances had been seen before, with a loss
 * of 0.3 and a gain of 0.2.
 */
static double expect_binary(const opro__race *race) {
    double solved = race->reference_sum - race->reference_taken;
    double unsolved = (double)(race->n - race->taken) - solved;
    double loss = (1.5 + race->lost) / (5 + race->reference_taken);
    double gain = (1 + race->won) / (5 + (double)race->taken - race->reference_taken);

    return solved * (1 - loss) + unsolved * gain;
}

/* Others: as the reference, and the mean difference, as if four without any had come before. */
static double expect_graded(const opro__race *race) {
    double difference = (race->won - race->lost) / ((double)race->taken + 4);

    return race->reference_sum - race->reference_taken +
           (double)(race->n - race->taken) * difference;
}

double opro__race_estimate(const opro__race *race) {
    double rest = race->gain > 0 ? expect_binary(race) : expect_graded(race);
    double share = (race->sum + rest) / (double)race->n;
    double most = race->reference_sum / (double)race->n - CAP;

    if (race->taken == race->n) most = 1; /* nothing is estimated */
    if (share > most) share = most;
    if (!(share > 0)) share = 0;
    return race->minimize ? race->high - share * (race->high - race->low)
                          : race->low + share * (race->high - race->low);
}

/* ---- order ----------------------------------------------------------------------------------- */

void opro__race_order(int64_t *order, size_t n, uint64_t seed, uint64_t digest) {
    opro__rng rng = opro__rng_make(seed, (int64_t)digest, OPRO__RNG_INSTANCES);

    for (size_t i = 0; i < n; i++) { /* Fisher & Yates, from the inside out */
        size_t j = (size_t)opro__rng_below(&rng, i + 1);

        if (j != i) order[i] = order[j];
        order[j] = (int64_t)i;
    }
}
