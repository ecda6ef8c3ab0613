/* SPDX-License-Identifier: MIT */
/*
 * exp and log from + - * / alone: libm's may differ between platforms in the last bit, and
 * proposals may not.
 */
#ifndef OPRO_SEARCH_PORTABLE_H
#define OPRO_SEARCH_PORTABLE_H

/* e^x; 0 below -700, the value at 700 above. Relative error below 1e-14. */
double opro__portable_exp(double x);

/* The natural logarithm of a finite x > 0. Absolute error below 1e-14 * (1 + |log x|). */
double opro__portable_log(double x);

#endif
