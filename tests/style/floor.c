/* SPDX-License-Identifier: MIT */
/*
 * Linked with every object of lib/base and lib/core, with libm and nothing else: that it links is
 * the test.
 */
#include "opro/base.h"

int main(void) {
    return opro_version_num() == 0;
}
