/* SPDX-License-Identifier: MIT */
/* What is not there yet, weakly; goes when the room is complete. */
#include "opro/opro.h"
#pragma GCC diagnostic ignored "-Wunused-parameter"
__attribute__((weak)) opro_status
opro_examiner_estimate(opro_examiner *examiner, opro_problem *problem, const opro_model *optimizer,
                       const opro_config *config, int32_t figure, int64_t *low, int64_t *likely,
                       int64_t *high) {
    return OPRO_ERR_UNSUPPORTED;
}
