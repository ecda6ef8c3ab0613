/* SPDX-License-Identifier: MIT */
#include "portable.h"

#include <math.h>

#include "num.h"

#define LN2 0.69314718055994530942
#define PI  3.14159265358979323846

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

/* Taylor's series for 0 <= x <= pi / 4. */
static double small_sin(double x) {
    double term = x, sum = x;

    for (int i = 2; i <= 18; i += 2) {
        term *= -x * x / (i * (i + 1));
        sum += term;
    }
    return sum;
}

static double small_cos(double x) {
    double term = 1, sum = 1;

    for (int i = 2; i <= 18; i += 2) {
        term *= -x * x / (i * (i - 1));
        sum += term;
    }
    return sum;
}

/* What is left of an angle without its whole turns, from -1/2 to 1/2: exactly. */
static double rest_of(double turns) {
    return turns - opro__round_even(turns);
}

/* Sine and cosine of at most a quarter of a turn. */
static double quarter_sin(double turns) {
    return turns <= 0.125 ? small_sin(2 * PI * turns) : small_cos(2 * PI * (0.25 - turns));
}

static double quarter_cos(double turns) {
    return turns <= 0.125 ? small_cos(2 * PI * turns) : small_sin(2 * PI * (0.25 - turns));
}

double opro__portable_sin(double turns) {
    double rest = rest_of(turns), size = fabs(rest);
    double sine = quarter_sin(size <= 0.25 ? size : 0.5 - size);

    return rest < 0 ? -sine : sine;
}

double opro__portable_cos(double turns) {
    double size = fabs(rest_of(turns));

    return size <= 0.25 ? quarter_cos(size) : -quarter_cos(0.5 - size);
}

double opro__portable_atan(double x) {
    double square, power, sum = 0;

    if (x > 1) return PI / 2 - opro__portable_atan(1 / x);
    for (int i = 0; i < 2; i++) /* half the angle, twice: at most pi / 16 */
        x /= 1 + sqrt(1 + x * x);
    square = x * x;
    power = x;
    for (int i = 1; i <= 23; i += 2) {
        sum += power / i;
        power *= -square;
    }
    return 4 * sum;
}
