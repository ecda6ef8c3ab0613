/* SPDX-License-Identifier: MIT */
#include "portable.h"

#include <math.h>

#define LN2 0.69314718055994530942

double opro__portable_exp(double x) {
    double halvings, rest, term = 1, sum = 1;

    if (x < -700) return 0;
    if (x > 700) x = 700;
    halvings = floor(x / LN2 + 0.5);
    rest = x - halvings * LN2; /* at most 0.35: Taylor's series is done after 14 terms */
    for (int i = 1; i <= 14; i++) {
        term *= rest / i;
        sum += term;
    }
    return ldexp(sum, (int)halvings);
}

double opro__portable_log(double x) {
    int exponent;
    double mantissa = frexp(x, &exponent), ratio, square, power, sum = 0;

    if (mantissa < 0.70710678118654752440) {
        mantissa *= 2;
        exponent--;
    }
    ratio = (mantissa - 1) / (mantissa + 1); /* at most 0.172 */
    square = ratio * ratio;
    power = ratio;
    for (int i = 1; i <= 21; i += 2) {
        sum += power / i;
        power *= square;
    }
    return 2 * sum + exponent * LN2;
}
