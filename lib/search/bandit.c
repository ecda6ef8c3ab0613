/* SPDX-License-Identifier: MIT */
#include "bandit.h"

#include <assert.h>
#include <math.h>

#include "base/portable.h"

void opro__bandit_init(opro__bandit *bandit, double floor, double decay) {
    for (size_t i = 0; i < OPRO__ARMS_MAX; i++)
        bandit->wins[i] = bandit->losses[i] = 1;
    bandit->floor = floor;
    bandit->decay = decay;
}

/* Gamma distributed, shape >= 1 (Marsaglia & Tsang 2000). */
static double draw_gamma(double shape, opro__rng *rng) {
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);

    for (;;) {
        double x = opro__rng_normal(rng), u = 1 - opro__rng_real(rng), v = 1 + c * x;

        if (v <= 0) continue;
        v = v * v * v;
        if (u < 1 - 0.0331 * x * x * x * x) return d * v;
        if (opro__portable_log(u) < x * x / 2 + d * (1 - v + opro__portable_log(v))) return d * v;
    }
}

static double draw_beta(double a, double b, opro__rng *rng) {
    double x = draw_gamma(a, rng), y = draw_gamma(b, rng);

    return x / (x + y);
}

/* The k-th arm whose bit is set. */
static size_t kth_usable(unsigned usable, uint64_t k) {
    size_t arm = 0;

    for (;; arm++)
        if ((usable >> arm & 1) && k-- == 0) return arm;
}

size_t opro__bandit_choose(const opro__bandit *bandit, unsigned usable, opro__rng *rng) {
    uint64_t count = 0;
    size_t best = 0;
    double most = -1;

    for (size_t i = 0; i < OPRO__ARMS_MAX; i++)
        count += usable >> i & 1;
    assert(count > 0);
    if (opro__rng_real(rng) < bandit->floor) return kth_usable(usable, opro__rng_below(rng, count));
    for (size_t i = 0; i < OPRO__ARMS_MAX; i++) {
        double draw;

        if (!(usable >> i & 1)) continue;
        draw = draw_beta(bandit->wins[i], bandit->losses[i], rng);
        if (draw > most) {
            most = draw;
            best = i;
        }
    }
    return best;
}

void opro__bandit_credit(opro__bandit *bandit, size_t arm, int new_best) {
    for (size_t i = 0; i < OPRO__ARMS_MAX; i++) {
        bandit->wins[i] = 1 + (bandit->wins[i] - 1) * bandit->decay;
        bandit->losses[i] = 1 + (bandit->losses[i] - 1) * bandit->decay;
    }
    if (new_best)
        bandit->wins[arm] += 1;
    else
        bandit->losses[arm] += 1;
}
