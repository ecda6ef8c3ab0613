/* SPDX-License-Identifier: MIT */
/*
 * Transcendental functions from + - * / and sqrt() alone: libm's may differ between platforms in
 * the last bit, and proposals and scores may not.
 */
#ifndef OPRO_BASE_PORTABLE_H
#define OPRO_BASE_PORTABLE_H

/* e^x; 0 below -700, the value at 700 above. Relative error below 1e-14. */
double opro__portable_exp(double x);

/* The natural logarithm of a finite x > 0. Absolute error below 1e-14 * (1 + |log x|). */
double opro__portable_log(double x);

/* Sine and cosine of an angle in turns (1 is 360 degrees), finite. Absolute error below 1e-15. */
double opro__portable_sin(double turns);
double opro__portable_cos(double turns);

/* The arc tangent of x >= 0, infinity too. Relative error below 1e-15. */
double opro__portable_atan(double x);

#endif
